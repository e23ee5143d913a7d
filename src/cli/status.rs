//! `flightdeck status`: the situation on one screen.

use super::context::Context;
use super::{End, unfinished};
use crate::failure::Result;

/// Show the situation on one screen
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// As it was at that time: only what had been written down by then
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    at: Option<String>,

    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Carries the verb out.
pub(crate) fn run(_args: &Args, _cx: &Context) -> Result<End> {
    unfinished("status")
}
