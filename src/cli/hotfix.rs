//! `flightdeck hotfix`: the branch that the fix is made on.

use super::args::WorldArgs;
use super::context::Context;
use super::{End, unfinished};
use crate::config::types::Flow;
use crate::failure::Result;

/// Start the hotfix branch, or see where it stands
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What can be done with it.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Make the branch from the one that is in production
    Start {
        /// Name, without the prefix
        name: String,
        /// Development model: git-flow, github-flow or trunk
        #[arg(long, value_parser = parse_flow)]
        flow: Option<Flow>,
        #[command(flatten)]
        world: WorldArgs,
    },
    /// Show the branch: commits, size, what is pushed and what is not
    Status {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

fn parse_flow(text: &str) -> Result<Flow, String> {
    [Flow::GitFlow, Flow::GithubFlow, Flow::Trunk]
        .into_iter()
        .find(|flow| flow.name() == text)
        .ok_or_else(|| "one of git-flow, github-flow, trunk".to_owned())
}

/// Carries the verb out.
pub(crate) fn run(_args: &Args, _cx: &Context) -> Result<End> {
    unfinished("hotfix")
}
