//! `flightdeck report`: writes the incident report.

use std::path::PathBuf;

use super::context::Context;
use super::{End, unfinished};
use crate::failure::Result;

/// Write the incident report as Markdown
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The file to write it to, in place of stdout
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
}

/// Carries the verb out.
pub(crate) fn run(_args: &Args, _cx: &Context) -> Result<End> {
    unfinished("report")
}
