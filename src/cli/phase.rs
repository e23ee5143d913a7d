//! `flightdeck phase`: enters a phase of the procedure.

use super::End;
use super::context::{Context, Wanted};
use super::resolve::confirmed;
use super::save::{SaveArgs, save_in};
use crate::failure::{Failure, Result};
use crate::incident::{Claim, Phase, PhaseEntered, Policy, Status};
use crate::text::visible;

/// Enter a phase of the procedure
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// detect, assemble, respond, develop, deploy or verify, or what your team calls them
    #[arg(value_name = "NAME")]
    phase: String,

    /// Enter it although something is open
    #[arg(long)]
    yes: bool,

    #[command(flatten)]
    save: SaveArgs,
}

/// Finds the phase that was named: by its own name, or by what the team calls it.
fn find(policy: &Policy, text: &str) -> Result<Phase> {
    policy.find_phase(text).ok_or_else(|| {
        let names = Phase::ALL.map(|phase| policy.phase_name(phase)).join(", ");
        let doing = format!("entering the phase {}", visible(text));
        Failure::usage(doing, "unknown phase", format!("one of {names}"))
    })
}

/// Carries the verb out.
pub(crate) fn run(args: &Args, cx: &Context) -> Result<End> {
    let policy = cx.setup_or_warn().policy;
    let phase = find(&policy, &args.phase)?;
    let name = policy.phase_name(phase);
    let mut loaded = cx.load(Wanted::Open)?;
    if loaded.state().status == Status::Closed {
        let doing = format!("entering the {name} phase of {}", loaded.number);
        let hint = "flightdeck reopen --reason … opens it again; flightdeck note adds to it";
        return Err(Failure::usage(doing, "it is closed", hint));
    }
    let doing = format!("entering the {name} phase of {}", loaded.number);
    confirmed(cx, &doing, Claim::Phase(phase), loaded.state(), args.yes)?;
    save_in(cx, args.save, &mut loaded, None, PhaseEntered { phase })
}
