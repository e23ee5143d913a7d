//! `flightdeck severity`: sets the severity again.

use super::End;
use super::context::{Context, Wanted};
use super::save::{SaveArgs, save_in, some_text};
use crate::failure::{Failure, Result};
use crate::incident::{Severity, SeverityChanged};

/// Change the severity, with the reason
///
/// All clocks then count again from the start of the incident.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// P0: critical, P1: high, P2: medium
    #[arg(value_name = "SEVERITY", value_parser = parse_severity)]
    severity: Severity,

    /// Why
    #[arg(long, value_name = "TEXT")]
    reason: String,

    #[command(flatten)]
    save: SaveArgs,
}

/// Reads a severity given on the command line.
pub(super) fn parse_severity(text: &str) -> Result<Severity, String> {
    Severity::parse(text).ok_or_else(|| "one of P0, P1, P2".to_owned())
}

/// Carries the verb out.
pub(crate) fn run(args: &Args, cx: &Context) -> Result<End> {
    let reason = some_text("--reason", &args.reason)?;
    let mut loaded = cx.load(Wanted::Open)?;
    if loaded.state().severity == args.severity {
        return Err(Failure::usage(
            "setting the severity",
            format!("{} is {} already", loaded.number, args.severity.name()),
            "nothing was recorded; flightdeck note adds what you know",
        ));
    }
    save_in(cx, args.save, &mut loaded, None, SeverityChanged { severity: args.severity, reason })
}
