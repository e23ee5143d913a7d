//! `flightdeck severity`: sets the severity again.

use super::End;
use super::context::{Context, Wanted};
use super::save::{SaveArgs, save_in, some_text};
use crate::failure::{Failure, Result};
use crate::incident::{Severity, SeverityChanged};
use crate::text::visible;

/// Change the severity, with the reason
///
/// All clocks then count again from the start of the incident.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// P0: critical, P1: high, P2: medium, or what your team calls them
    #[arg(value_name = "SEVERITY")]
    severity: String,

    /// Why
    #[arg(long, value_name = "TEXT")]
    reason: String,

    #[command(flatten)]
    save: SaveArgs,
}

/// Finds the severity that was named on the command line: by rank, or by what the team calls it.
pub(super) fn find(cx: &Context, text: &str) -> Result<Severity> {
    // A mistake in the file keeps nobody from declaring an incident.
    let policy = cx.setup_or_found().0.policy;
    policy.find_severity(text).ok_or_else(|| {
        let doing = format!("reading the severity {}", visible(text));
        Failure::usage(doing, "there is none of that name", format!("one of {}", policy.severity_names()))
    })
}

/// Carries the verb out.
pub(crate) fn run(args: &Args, cx: &Context) -> Result<End> {
    let reason = some_text("--reason", &args.reason)?;
    let severity = find(cx, &args.severity)?;
    let mut loaded = cx.load(Wanted::Open)?;
    if loaded.state().severity == severity {
        return Err(Failure::usage(
            "setting the severity",
            format!("{} is {} already", loaded.number, visible(&args.severity)),
            "nothing was recorded; flightdeck note adds what you know",
        ));
    }
    save_in(cx, args.save, &mut loaded, None, SeverityChanged { severity, reason })
}
