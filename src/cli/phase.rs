//! `flightdeck phase`: enters a phase of the procedure.

use super::End;
use super::context::Context;
use super::save::{SaveArgs, save};
use crate::failure::Result;
use crate::incident::{Phase, PhaseEntered};

/// Enter a phase of the procedure
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// detect, assemble, respond, develop, deploy or verify
    #[arg(value_name = "NAME", value_parser = parse_phase)]
    phase: Phase,

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
    save(cx, args.save, None, PhaseEntered { phase: args.phase })
}
