//! `flightdeck test`: runs configured checks.

use super::End;
use super::args::WorldArgs;
use super::carry::carry;
use super::context::Context;
use crate::failure::Result;
use crate::plan::Request;

/// Run the configured checks, or those named
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  flightdeck test
  flightdeck test unit lint
  flightdeck test --remote          waits for CI on this commit")]
pub(crate) struct Args {
    /// Names of checks; all if none is given
    #[arg(value_name = "CHECK")]
    pub(crate) checks: Vec<String>,

    /// Wait for the result of the checks at the code host on this commit
    #[arg(long, conflicts_with = "checks")]
    pub(crate) remote: bool,

    #[command(flatten)]
    pub(crate) world: WorldArgs,
}

/// Carries the verb out.
pub(crate) fn run(args: &Args, cx: &Context) -> Result<End> {
    let config = cx.trusted_config()?.config;
    let request =
        if args.remote { Request::RemoteTest } else { Request::Test { checks: args.checks.clone() } };
    carry(cx, &config, &request, &args.world)
}
