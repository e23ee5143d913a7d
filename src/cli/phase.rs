//! `flightdeck phase`: enters a phase of the procedure.

use super::End;
use super::context::{Context, Wanted};
use super::resolve::confirmed;
use super::save::{SaveArgs, save_in};
use crate::failure::{Failure, Result};
use crate::incident::{Claim, Phase, PhaseEntered, Status};

/// Enter a phase of the procedure
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// detect, assemble, respond, develop, deploy or verify
    #[arg(value_name = "NAME", value_parser = parse_phase)]
    phase: Phase,

    /// Do it, whatever speaks against it
    #[arg(long)]
    yes: bool,

    #[command(flatten)]
    save: SaveArgs,
}

fn parse_phase(text: &str) -> Result<Phase, String> {
    Phase::ALL
        .into_iter()
        .find(|phase| phase.name().eq_ignore_ascii_case(text))
        .ok_or_else(|| format!("one of {}", Phase::ALL.map(Phase::name).join(", ")))
}

/// Carries the verb out.
pub(crate) fn run(args: &Args, cx: &Context) -> Result<End> {
    let mut loaded = cx.load(Wanted::Open)?;
    if loaded.state().status == Status::Closed {
        let doing = format!("entering the {} phase of {}", args.phase.name(), loaded.number);
        let hint = "flightdeck reopen --reason … opens it again; flightdeck note adds to it";
        return Err(Failure::usage(doing, "it is closed", hint));
    }
    let doing = format!("entering the {} phase of {}", args.phase.name(), loaded.number);
    confirmed(cx, &doing, Claim::Phase(args.phase), loaded.state(), args.yes)?;
    save_in(cx, args.save, &mut loaded, None, PhaseEntered { phase: args.phase })
}
