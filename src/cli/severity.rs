//! `flightdeck severity`: sets the severity again.

use super::End;
use super::classify;
use super::context::{Context, Wanted};
use super::save::{SaveArgs, save_in, some_text};
use crate::failure::{Failure, Result};
use crate::incident::SeverityChanged;

/// Change the severity, with the reason
///
/// All clocks then count again from the start of the incident.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// P0: critical, P1: high, P2: medium, or what your team calls them. On a terminal it may be left out: you
    /// are asked
    #[arg(value_name = "SEVERITY")]
    severity: Option<String>,

    /// Why
    #[arg(long, value_name = "TEXT")]
    reason: String,

    #[command(flatten)]
    save: SaveArgs,
}

/// Carries the verb out.
pub(crate) fn run(args: &Args, cx: &Context) -> Result<End> {
    let reason = some_text("--reason", &args.reason)?;
    let mut loaded = cx.load(Wanted::Open)?;
    let (severity, answers) = classify::severity(cx, "setting the severity", args.severity.as_deref())?;
    if loaded.state().severity == severity {
        return Err(Failure::usage(
            "setting the severity",
            format!("{} is {} already", loaded.number, cx.setup_or_warn().policy.severity_name(severity)),
            "nothing was recorded; flightdeck note adds what you know",
        ));
    }
    classify::offer_ticket(cx, severity, &loaded.state().title);
    save_in(cx, args.save, &mut loaded, None, SeverityChanged { severity, reason, answers })
}
