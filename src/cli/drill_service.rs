//! `flightdeck drill-service`: a service of a drill; started by the drill itself.

use super::context::Context;
use super::{End, unfinished};
use crate::failure::Result;

/// Serves for a drill; the drill starts this by itself
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Scratch directory of the drill
    pub(crate) dir: std::path::PathBuf,

    /// Which service: staging or production
    pub(crate) environment: String,
}

/// Carries the verb out.
pub(crate) fn run(_args: &Args, _cx: &Context) -> Result<End> {
    unfinished("drill-service")
}
