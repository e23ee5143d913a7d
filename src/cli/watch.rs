//! `flightdeck watch`: watches an environment, as a plan that goes on without anybody.

use jiff::SignedDuration;

use super::End;
use super::args::WorldArgs;
use super::carry::carry;
use super::context::Context;
use crate::failure::{Failure, Result};
use crate::plan::Request;

/// Watch an environment, and judge the release there
#[derive(Debug, clap::Args)]
#[command(after_help = "\
It goes on without the cockpit, and ends in a verdict on the release.

Example:
  flightdeck watch production
  flightdeck watch production --for 1h")]
pub(crate) struct Args {
    /// Name of the environment; default: production
    #[arg(value_name = "ENV")]
    pub(crate) environment: Option<String>,

    /// How long: 30m, 1h; default: as configured
    #[arg(long = "for", value_name = "TIME", value_parser = length)]
    pub(crate) time: Option<SignedDuration>,

    #[command(flatten)]
    pub(crate) world: WorldArgs,
}

fn length(text: &str) -> Result<SignedDuration, String> {
    match text.parse::<SignedDuration>() {
        Ok(length) if length.is_positive() => Ok(length),
        _ => Err("write a length of time such as 90s, 30m or 1h 30m".to_owned()),
    }
}

/// Carries the verb out.
pub(crate) fn run(args: &Args, cx: &Context) -> Result<End> {
    let config = cx.trusted_config()?.config;
    let named = args.environment.clone();
    let environment = named.or_else(|| config.production().map(|env| env.name.clone())).ok_or_else(|| {
        Failure::usage(
            "planning a watch",
            "no environment is configured",
            "add an [[environments]] table to flightdeck.toml",
        )
    })?;
    carry(cx, &config, &Request::Watch { environment, time: args.time }, &args.world)
}
