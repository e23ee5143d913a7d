//! `flightdeck hotfix`: the branch that the fix is made on, from its start to its end.

mod finish;
mod status;

use super::End;
use super::args::WorldArgs;
use super::carry::carry;
use super::context::Context;
use super::{status_ahead, status_hotfix};
use crate::conductor;
use crate::config::types::{Config, Flow};
use crate::failure::{Failure, Result};
use crate::hotfix::git::Reader;
use crate::hotfix::state::NoRepository;
use crate::incident::Policy;
use crate::plan::{HotfixRequest, Request};

/// Start, push and finish the hotfix branch, or see where it stands
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What can be done with it.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Create the branch from production's branch, as the remote has it now
    #[command(after_help = "\
The remote is asked first. What is new there is fetched as the first step, and
the branch is made at the commit that the remote named. In the trunk flow there
is no branch: the base is checked out and brought up to date.

Examples:
  flightdeck hotfix start pool-limit --dry-run     shows the exact commands
  flightdeck hotfix start pool-limit
  flightdeck hotfix start pool-limit --flow github-flow
  flightdeck hotfix start --flow trunk

A flow that is chosen here is kept with the branch, and finish follows it. The
trunk flow is kept with main until it is finished or the incident is over.")]
    Start {
        /// Name, without the prefix; none in the trunk flow
        name: Option<String>,
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
    /// Bump the version in every file that holds it, and commit
    #[command(after_help = "\
Refuses if the files hold different versions. Keeps formatting and comments.

Examples:
  flightdeck hotfix bump              1.2.3 becomes 1.2.4
  flightdeck hotfix bump 1.3.0        to this version")]
    Bump {
        /// The version; default: the next patch version
        version: Option<String>,
        #[command(flatten)]
        world: WorldArgs,
    },
    /// Push the branch: exactly that branch, no tag, never by force
    #[command(after_help = "\
Example:
  flightdeck hotfix push --dry-run    compares it with the remote's branch")]
    Push {
        #[command(flatten)]
        world: WorldArgs,
    },
    /// Bring the fix to the branch that production is deployed from
    ///
    /// Run it again at any time: it skips what is done already.
    ///
    /// Git flow: merges into main and back into develop and open releases, a tag, one push of all of it,
    /// and the branch is deleted once the remote has it. GitHub flow: it pushes and opens a pull request;
    /// run again, it squash-merges that once it is approved and its checks have passed. Without a token
    /// it prints the text to paste and the link to open. Trunk: the base is pushed; where the remote has
    /// moved on the fix is rebased and checked first.
    #[command(after_help = "\
Examples:
  flightdeck hotfix finish --dry-run          shows the exact commands and calls
  flightdeck hotfix finish --confirm main
  flightdeck hotfix finish --main-first --confirm main")]
    Finish {
        /// In git flow: main and the tag go out first, the merges back are left for later
        #[arg(long)]
        main_first: bool,
        /// Development model: git-flow, github-flow or trunk; default: the one it was started with
        #[arg(long, value_parser = parse_flow)]
        flow: Option<Flow>,
        #[command(flatten)]
        world: WorldArgs,
    },
    /// Delete the branch, here and at the remote; its commits are kept
    #[command(after_help = "\
The commits stay under refs/flightdeck/abandoned/, and the plan says how to get
the branch back.

Example:
  flightdeck hotfix abandon --confirm hotfix/pool-limit")]
    Abandon {
        #[command(flatten)]
        world: WorldArgs,
    },
    /// Fetch from the remote, in a terminal where you can answer prompts
    #[command(after_help = "\
For remotes that ask for a passphrase or a second factor: attach to it with
flightdeck run attach, and answer. Other verbs use the result for a few
minutes (fetch_valid_for).

Example:
  flightdeck hotfix fetch --detach")]
    Fetch {
        #[command(flatten)]
        world: WorldArgs,
    },
}

fn parse_flow(text: &str) -> Result<Flow, String> {
    Flow::parse(text).ok_or_else(|| "one of git-flow, github-flow, trunk".to_owned())
}

/// Carries the verb out.
pub(crate) fn run(args: &Args, cx: &Context) -> Result<End> {
    // Nothing that the configuration names is run but by finishing, which asks for trust then.
    let mut config = cx.setup()?.config;
    let (wanted, world) = match &args.command {
        Command::Status { json } => return status(cx, &config, *json),
        Command::Start { name, flow, world } => {
            config.hotfix = config.hotfix.for_a_new_branch().asked_for(*flow);
            (HotfixRequest::Start { name: named(name.as_deref(), config.hotfix.flow)? }, world)
        }
        Command::Bump { version, world } => (HotfixRequest::Bump { version: version.clone() }, world),
        Command::Push { world } => (HotfixRequest::Push, world),
        Command::Finish { main_first, flow, world } => {
            return finish::finish(cx, config, (*main_first, *flow), world);
        }
        Command::Abandon { world } => (HotfixRequest::Abandon, world),
        Command::Fetch { world } => (HotfixRequest::Fetch, world),
    };
    carry(cx, &config, &Request::Hotfix(wanted), world)
}

/// The name of the branch to start: in the trunk flow there is none.
fn named(name: Option<&str>, flow: Flow) -> Result<String> {
    match (name, flow) {
        (Some(name), _) => Ok(name.to_owned()),
        (None, Flow::Trunk) => Ok(String::new()),
        (None, _) => Err(Failure::usage(
            "starting a hotfix",
            "its branch has no name",
            "flightdeck hotfix start NAME, for example pool-limit",
        )),
    }
}

fn status(cx: &Context, config: &Config, json: bool) -> Result<End> {
    let place = cx.root()?;
    let none = |none: NoRepository| none.failure(&place.to_string_lossy());
    let mut reader = Reader::open(place).map_err(none)?;
    let branch = reader.read(&config.hotfix).map_err(none)?;
    let names: Vec<String> = config.environments.iter().map(|env| env.name.clone()).collect();
    // Where nothing was ever recorded there is still what the environments themselves tell.
    let mut history = super::carry::history(cx).unwrap_or_default();
    if cx.setup()?.trusted {
        conductor::ask_environments(config, &names, place, &mut history);
    }
    let releases = history.releases;
    let policy = Policy::built_in().with(&config.policy);
    let outlook = status_ahead::look(&mut reader, &config.hotfix, &policy, &names, &releases, Vec::new());
    let outlook = outlook.as_ref();
    if json {
        cx.out.json(&status_hotfix::json(&config.hotfix, &branch, outlook))?;
    } else {
        cx.out.lines(&status::text(&branch, &config.hotfix, outlook, cx.now()))?;
    }
    Ok(End::Done)
}
