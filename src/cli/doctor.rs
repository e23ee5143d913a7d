//! `flightdeck doctor`: looks at what flightdeck needs.

use super::context::Context;
use super::{End, unfinished};
use crate::failure::Result;

/// Check git, terminal, clock, directories, configuration, probes
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// Carries the verb out.
pub(crate) fn run(_args: &Args, _cx: &Context) -> Result<End> {
    unfinished("doctor")
}
