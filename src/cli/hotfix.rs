//! `flightdeck hotfix`: the branch that the fix is made on.

mod finish;

use std::fmt::Write as _;

use jiff::Timestamp;

use super::End;
use super::args::WorldArgs;
use super::carry::carry;
use super::context::Context;
use super::status_json;
use crate::config::types::Flow;
use crate::failure::Result;
use crate::hotfix::git::Reader;
use crate::hotfix::state::{BranchState, Commit, Head, Upstream};
use crate::incident::duration;
use crate::plan::{HotfixRequest, Request};
use crate::text::visible;

/// Digits of a commit's id that are shown.
const SHORT: usize = 7;

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
    #[command(after_help = "\
Example:
  flightdeck hotfix start pool-limit --dry-run     shows the exact command
  flightdeck hotfix start pool-limit")]
    Start {
        /// Name, without the prefix
        name: String,
        /// Development model: git-flow, github-flow or trunk
        #[arg(long, value_parser = parse_flow)]
        flow: Option<Flow>,
        #[command(flatten)]
        world: WorldArgs,
    },
    /// Raise the version in every file that holds it, and commit that
    #[command(after_help = "\
Example:
  flightdeck hotfix bump --dry-run     shows every file and the exact commands
  flightdeck hotfix bump               1.2.3 becomes 1.2.4
  flightdeck hotfix bump 2.0.0")]
    Bump {
        /// To this version; default: the next patch version
        version: Option<String>,
        #[command(flatten)]
        world: WorldArgs,
    },
    /// Push exactly this branch, never by force
    Push {
        #[command(flatten)]
        world: WorldArgs,
    },
    /// Bring the fix to where production is deployed from, as the flow has it
    ///
    /// It can be asked for again at any time: what is done already is left out. In GitHub flow it
    /// pushes and opens a pull request; asked again it merges that by squash once it is approved
    /// and its checks have passed, and then deletes the branch. Without a token it prints the words
    /// to paste and the link to open.
    #[command(after_help = "\
Example:
  flightdeck hotfix finish --dry-run          shows the exact commands and calls
  flightdeck hotfix finish --confirm main")]
    Finish {
        /// In git flow: let main and the tag go out first, and merge back later
        #[arg(long)]
        main_first: bool,
        #[command(flatten)]
        world: WorldArgs,
    },
    /// Fetch what the remote has, in a terminal that can be answered
    Fetch {
        #[command(flatten)]
        world: WorldArgs,
    },
    /// Give the branch up: nothing is lost, its commits are kept by a name of their own
    Abandon {
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
pub(crate) fn run(args: &Args, cx: &Context) -> Result<End> {
    // Nothing that the configuration names is run by either: it gives the prefix and the base.
    let mut config = cx.setup()?.config;
    match &args.command {
        Command::Start { name, flow, world } => {
            config.hotfix.flow = flow.unwrap_or(config.hotfix.flow);
            carry(cx, &config, &Request::Hotfix(HotfixRequest::Start { name: name.clone() }), world)
        }
        Command::Bump { version, world } => {
            let version = version.clone();
            carry(cx, &config, &Request::Hotfix(HotfixRequest::Bump { version }), world)
        }
        Command::Push { world } => carry(cx, &config, &Request::Hotfix(HotfixRequest::Push), world),
        Command::Finish { main_first, world } => finish::finish(cx, config, *main_first, world),
        Command::Fetch { world } => carry(cx, &config, &Request::Hotfix(HotfixRequest::Fetch), world),
        Command::Abandon { world } => carry(cx, &config, &Request::Hotfix(HotfixRequest::Abandon), world),
        Command::Status { json } => {
            let place = cx.root()?;
            let branch = Reader::open(place).and_then(|mut reader| reader.read(&config.hotfix));
            let branch = branch.map_err(|none| none.failure(&place.to_string_lossy()))?;
            if *json {
                cx.out.json(&status_json::hotfix(config.hotfix.flow, &branch))?;
            } else {
                cx.out.lines(&text(&branch, config.hotfix.flow, cx.now()))?;
            }
            Ok(End::Done)
        }
    }
}

/// The branch in plain text, one fact a line.
fn text(branch: &BranchState, flow: Flow, now: Timestamp) -> String {
    let mut out = String::new();
    let mut line = |name: &str, what: String| {
        if !what.is_empty() {
            let _ = writeln!(out, "{name:<10} {}", visible(&what));
        }
    };
    line("branch", head(&branch.head));
    if let Some(operation) = branch.operation {
        line("under way", format!("a {}", operation.name()));
    }
    line("flow", flow.name().to_owned());
    line("base", base(branch));
    line("upstream", upstream(branch.upstream.as_ref()));
    if branch.base_at.is_some() {
        line("commits", format!("{} ahead, {} behind", branch.ahead, branch.behind));
    }
    if branch.ahead > 0 {
        let size = &branch.size;
        let tests = if size.tests_touched { "tests touched" } else { "no test touched" };
        line("size", format!("{} files +{} −{}, {tests}", size.files, size.insertions, size.deletions));
    }
    line("tags here", branch.tags.join(", "));
    line("last tag", branch.last_tag.clone().unwrap_or_default());
    line("version", branch.version.clone().unwrap_or_default());
    line("hotfixes", branch.hotfix_branches.join(", "));
    line(
        "changed",
        if branch.dirty_count == 0 { "nothing".to_owned() } else { branch.dirty_count.to_string() },
    );
    for file in &branch.dirty {
        line("", format!("{} {}", file.code, file.path));
    }
    more(&mut line, branch.dirty_count - branch.dirty.len());
    for commit in &branch.commits {
        line("", commit_line(commit, now));
    }
    more(&mut line, branch.ahead.saturating_sub(branch.commits.len()));
    out
}

fn more(line: &mut impl FnMut(&str, String), left: usize) {
    if left > 0 {
        line("", format!("and {left} more"));
    }
}

fn head(head: &Head) -> String {
    match head {
        Head::Branch { name, commit } => format!("{name} at {}", short(commit)),
        Head::Detached { commit } => format!("none: HEAD is at {}", short(commit)),
        Head::Unborn { name } => format!("{name}, which has no commit yet"),
    }
}

fn base(branch: &BranchState) -> String {
    match (&branch.base, &branch.base_at) {
        (Some(name), Some(at)) if at.short() == name => format!("{name} at {}", short(&at.commit)),
        (Some(name), Some(at)) => {
            format!("{name}, read at {} {}, which is newer", at.short(), short(&at.commit))
        }
        _ => "not found: name it as `base` under [hotfix] in flightdeck.toml".to_owned(),
    }
}

fn upstream(upstream: Option<&Upstream>) -> String {
    match upstream {
        None => "none: not pushed".to_owned(),
        Some(at) if !at.exists => format!("{}, which is not there", at.name),
        Some(at) if at.ahead == 0 && at.behind == 0 => format!("{}, the same", at.name),
        Some(at) => format!("{}, {} to push, {} to pull", at.name, at.ahead, at.behind),
    }
}

fn commit_line(commit: &Commit, now: Timestamp) -> String {
    let age = duration(now.duration_since(commit.at).max(jiff::SignedDuration::ZERO));
    format!("{} {}  {}, {age} ago", short(&commit.id), commit.subject, commit.author)
}

fn short(commit: &str) -> &str {
    commit.get(..SHORT).unwrap_or(commit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hotfix::state::{BaseAt, DirtyFile};

    const COMMIT: &str = "4f2c91e0a1b2c3d4e5f60718293a4b5c6d7e8f90";

    #[test]
    fn the_branch_reads_as_facts() {
        let head = Head::Branch { name: "hotfix/x\u{202e}".into(), commit: COMMIT.into() };
        let mut branch = BranchState::new("/r", head);
        branch.base = Some("main".into());
        branch.base_at = Some(BaseAt { reference: "refs/remotes/origin/main".into(), commit: COMMIT.into() });
        branch.ahead = 3;
        branch.commits = vec![Commit {
            id: COMMIT.into(),
            subject: "fix: raise the limit".into(),
            author: "Li".into(),
            at: Timestamp::UNIX_EPOCH,
        }];
        branch.dirty_count = 1;
        branch.dirty = vec![DirtyFile { path: "src/pool.rs".into(), code: " M".into() }];
        let now = Timestamp::from_second(720).unwrap();
        assert_eq!(
            text(&branch, Flow::GitFlow, now),
            "branch     hotfix/x<U+202E> at 4f2c91e\n\
             flow       git-flow\n\
             base       main, read at origin/main 4f2c91e, which is newer\n\
             upstream   none: not pushed\n\
             commits    3 ahead, 0 behind\n\
             size       0 files +0 −0, no test touched\n\
             changed    1\n\
             \x20           M src/pool.rs\n\
             \x20          4f2c91e fix: raise the limit  Li, 12m ago\n\
             \x20          and 2 more\n"
        );
    }

    #[test]
    fn an_empty_repository_is_told_too() {
        let branch = BranchState::new("/r", Head::Unborn { name: "main".into() });
        let text = text(&branch, Flow::GithubFlow, Timestamp::UNIX_EPOCH);
        assert!(text.contains("main, which has no commit yet") && text.contains("not found"), "{text}");
    }
}
