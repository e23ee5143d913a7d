//! `flightdeck plan`: what is or was being carried out.

use super::context::Context;
use super::{End, unfinished};
use crate::failure::Result;

/// See what is or was being carried out
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What can be asked of plans.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// List the plans of the incident
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Show a plan and how far each step came; the last one if none is named
    Show {
        /// Id of the plan
        #[arg(value_name = "ID")]
        id: Option<String>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

/// Carries the verb out.
pub(crate) fn run(_args: &Args, _cx: &Context) -> Result<End> {
    unfinished("plan")
}
