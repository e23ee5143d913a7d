//! `flightdeck smoke`: smoke-tests an environment.

use super::args::WorldArgs;
use super::context::Context;
use super::{End, unfinished};
use crate::failure::Result;

/// Run the smoke test of an environment
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Name of the environment
    #[arg(value_name = "ENV")]
    pub(crate) environment: String,

    #[command(flatten)]
    pub(crate) world: WorldArgs,
}

/// Carries the verb out.
pub(crate) fn run(_args: &Args, _cx: &Context) -> Result<End> {
    unfinished("smoke")
}
