//! `flightdeck trust`: lets the configuration name commands.

use super::context::Context;
use super::{End, unfinished};
use crate::failure::Result;

/// Show what flightdeck.toml would run, then trust exactly that
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Only show it
    #[arg(long)]
    pub(crate) show: bool,
}

/// Carries the verb out.
pub(crate) fn run(_args: &Args, _cx: &Context) -> Result<End> {
    unfinished("trust")
}
