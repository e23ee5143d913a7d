//! `flightdeck run`: the commands behind the plans.

use super::context::Context;
use super::{End, unfinished};
use crate::failure::Result;

/// Follow, read or stop the commands behind the plans
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What can be done with a run.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Connect to its terminal: see its output and answer its questions
    Attach {
        /// Id of the run
        #[arg(value_name = "ID")]
        id: String,
    },
    /// Print its output
    Log {
        /// Id of the run
        #[arg(value_name = "ID")]
        id: String,
        /// Go on until it ends
        #[arg(long)]
        follow: bool,
    },
    /// Stop it: INT, then TERM, then KILL to all its processes
    Stop {
        /// Id of the run
        #[arg(value_name = "ID")]
        id: String,
    },
}

/// Carries the verb out.
pub(crate) fn run(_args: &Args, _cx: &Context) -> Result<End> {
    unfinished("run")
}
