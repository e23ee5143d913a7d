//! `flightdeck conduct`: the process that carries a plan out; started by flightdeck itself.

use super::context::Context;
use super::{End, unfinished};
use crate::failure::Result;

/// Carries out a plan; flightdeck starts this by itself
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Id of the plan
    pub(crate) plan: String,
}

/// Carries the verb out.
pub(crate) fn run(_args: &Args, _cx: &Context) -> Result<End> {
    unfinished("conduct")
}
