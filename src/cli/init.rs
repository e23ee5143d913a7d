//! `flightdeck init`: looks at the repository and writes a configuration.

use super::context::Context;
use super::{End, unfinished};
use crate::failure::Result;

/// Look at this repository and write a commented flightdeck.toml
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Print it instead of writing it
    #[arg(long)]
    pub(crate) print: bool,
}

/// Carries the verb out.
pub(crate) fn run(_args: &Args, _cx: &Context) -> Result<End> {
    unfinished("init")
}
