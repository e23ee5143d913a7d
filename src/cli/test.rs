//! `flightdeck test`: runs configured checks.

use super::args::WorldArgs;
use super::context::Context;
use super::{End, unfinished};
use crate::failure::Result;

/// Run the configured checks, or those named
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Names of checks; all if none is given
    #[arg(value_name = "CHECK")]
    pub(crate) checks: Vec<String>,

    #[command(flatten)]
    pub(crate) world: WorldArgs,
}

/// Carries the verb out.
pub(crate) fn run(_args: &Args, _cx: &Context) -> Result<End> {
    unfinished("test")
}
