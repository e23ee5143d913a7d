//! `flightdeck drill`: a practice outage in a scratch directory.

use std::path::PathBuf;

use super::context::Context;
use super::{End, unfinished};
use crate::failure::Result;

/// Make a practice outage in a scratch directory and open the cockpit on it
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Args {
    /// Which outage
    #[arg(value_name = "SCENARIO")]
    pub(crate) scenario: Option<String>,

    /// List the scenarios
    #[arg(long)]
    pub(crate) list: bool,

    /// Make it in this directory, and keep it
    #[arg(long, value_name = "DIR")]
    pub(crate) dir: Option<PathBuf>,

    /// Serve until stopped, without the cockpit
    #[arg(long)]
    pub(crate) headless: bool,

    /// With --headless: print one line of JSON once all is up
    #[arg(long, requires = "headless")]
    pub(crate) json: bool,

    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

/// What can be done inside a drill.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Apply the prepared fix, in the repository of a drill
    Fix,
}

/// Carries the verb out.
pub(crate) fn run(_args: &Args, _cx: &Context) -> Result<End> {
    unfinished("drill")
}
