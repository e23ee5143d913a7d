//! `flightdeck deploy`: deploys to an environment.

use super::End;
use super::args::WorldArgs;
use super::carry::carry;
use super::context::Context;
use crate::failure::Result;
use crate::plan::Request;

/// Deploy to an environment
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Gates that are not met stop it, and say what meets each. A deploy to a protected
environment is watched afterwards.

Example:
  flightdeck deploy staging
  flightdeck deploy production --ref v1.4.3 --dry-run      shows the plan
  flightdeck deploy production --ref v1.4.3 --confirm production")]
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
pub(crate) fn run(args: &Args, cx: &Context) -> Result<End> {
    let config = cx.trusted_config()?.config;
    let request =
        Request::Deploy { environment: args.environment.clone(), reference: args.reference.clone() };
    carry(cx, &config, &request, &args.world)
}
