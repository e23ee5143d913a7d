//! `flightdeck probe`: asks every probe once.

use super::context::Context;
use super::{End, unfinished};
use crate::failure::Result;

/// Ask every probe once, or those named, and show what was compared
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Names of probes; all if none is given
    #[arg(value_name = "NAME")]
    pub(crate) names: Vec<String>,

    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// Carries the verb out.
pub(crate) fn run(_args: &Args, _cx: &Context) -> Result<End> {
    unfinished("probe")
}
