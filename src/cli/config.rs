//! `flightdeck config`: checks, describes and shows the configuration.

use super::context::Context;
use super::{End, unfinished};
use crate::failure::Result;

/// Check, describe or show the configuration
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What can be asked of it.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Check flightdeck.toml and the user's settings
    Check,
    /// Print the JSON schema of flightdeck.toml
    Schema,
    /// Print what is in force, defaults filled in
    Show {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

/// Carries the verb out.
pub(crate) fn run(_args: &Args, _cx: &Context) -> Result<End> {
    unfinished("config")
}
