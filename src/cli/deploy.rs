//! `flightdeck deploy`: deploys to an environment.

use super::args::WorldArgs;
use super::context::Context;
use super::{End, unfinished};
use crate::failure::Result;

/// Deploy to an environment
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Name of the environment
    #[arg(value_name = "ENV")]
    pub(crate) environment: String,

    /// Branch or tag; default: the current branch
    #[arg(long = "ref", value_name = "REF")]
    pub(crate) reference: Option<String>,

    #[command(flatten)]
    pub(crate) world: WorldArgs,
}

/// Carries the verb out.
pub(crate) fn run(_args: &Args, _cx: &Context) -> Result<End> {
    unfinished("deploy")
}
