//! The hotfix flows as plans. Pure: what is known of the repository and its remote comes in, a plan
//! goes out. What several of them share is here, each request has a file of its own.

pub mod abandon;
pub mod bump;
pub mod fetch;
pub mod finish;
pub mod pull;
pub mod push;
pub mod report;
pub mod seen;
pub mod start;
pub mod trunk;

use std::collections::BTreeMap;

use jiff::SignedDuration;

use super::state::{BranchState, Head, Operation};
use crate::config::types::Config;
use crate::failure::{Failure, FailureKind, Result};
use crate::plan::{Command, Probe};
use crate::text::visible;

pub use abandon::abandon;
pub use bump::bump;
pub use fetch::fetch;
pub use finish::finish;
pub use push::push;
pub use seen::{Base, Seen, Tracking};
pub use start::start;

/// What is leased while the branches of the repository are changed.
pub const TARGET: &str = "repository";
/// What is leased while the remote is fetched from. It is not [`TARGET`]: fetching is what helps a plan
/// that holds that and cannot ask the remote by itself.
pub const FETCH_TARGET: &str = "fetch";
/// Git on this machine is a matter of a moment; a hook of the team's may take longer.
pub const GIT_TIMEOUT: SignedDuration = SignedDuration::from_mins(10);
/// A remote may be slow, and ask for a second factor.
pub const NETWORK_TIMEOUT: SignedDuration = SignedDuration::from_mins(15);
/// File systems take no longer names, and git keeps a branch in a file of its name.
const MAX_NAME_BYTES: usize = 200;
/// How much of a commit's id is shown in a title.
const SHORT_ID: usize = 7;

/// A git command in a directory.
pub fn git(cwd: &str, args: &[&str]) -> Command {
    Command {
        argv: std::iter::once("git").chain(args.iter().copied()).map(str::to_owned).collect(),
        cwd: cwd.to_owned(),
        env: Vec::new(),
        set: BTreeMap::new(),
    }
}

/// Asks whether a reference here leads to a commit.
pub fn is_at(cwd: &str, reference: &str, commit: &str) -> Probe {
    let asked = git(cwd, &["rev-parse", "--verify", "--quiet", &format!("{reference}^{{commit}}")]);
    Probe::command(asked, Some(commit.to_owned()))
}

/// Asks a remote whether a reference of it holds something: a commit, or the object of a tag.
pub fn remote_has(cwd: &str, remote: &str, reference: &str, object: &str) -> Probe {
    let asked = git(cwd, &["ls-remote", "--exit-code", remote, reference]);
    Probe::command(asked, Some(format!("{object}\t{reference}")))
}

/// Asks a remote whether a branch of it is at a commit. With another branch that it has, the answer
/// is also clear where the first is not there at all: then the other one answers.
pub fn remote_branch_is(cwd: &str, remote: &str, branch: &str, commit: &str, other: &str) -> Probe {
    let (wanted, other) = (format!("refs/heads/{branch}"), format!("refs/heads/{other}"));
    // The one that is asked for comes first.
    let order = if wanted < other { "--sort=refname" } else { "--sort=-refname" };
    let asked = git(cwd, &["ls-remote", "--heads", order, remote, &wanted, &other]);
    Probe::command(asked, Some(format!("{commit}\t{wanted}")))
}

/// A number of commits in words: `1 commit`.
pub fn commits(count: usize) -> String {
    format!("{count} commit{}", if count == 1 { "" } else { "s" })
}

/// A commit as people call it.
pub fn short(commit: &str) -> &str {
    commit.get(..SHORT_ID).unwrap_or(commit)
}

/// A plan that cannot be made as things stand.
pub fn gate(doing: &str, cause: &str, hint: &str) -> Failure {
    Failure::of(FailureKind::Gate, doing, cause, hint)
}

/// Refuses to go on in a repository without a commit, or in the middle of something.
///
/// # Errors
/// Says which, and what to do.
pub fn check_at_rest(doing: &str, state: &BranchState) -> Result<()> {
    if let Head::Unborn { .. } = state.head {
        return Err(gate(
            doing,
            "the repository has no commit yet",
            "make the first commit, then start again",
        ));
    }
    if let Some(operation) = state.operation {
        return Err(gate(
            doing,
            &format!("a {} is under way in the work tree", operation.name()),
            &format!("finish or abort it with `git {}`, then start again", give_up(operation)),
        ));
    }
    Ok(())
}

fn give_up(operation: Operation) -> &'static str {
    match operation {
        Operation::Merge => "merge --abort",
        Operation::Rebase => "rebase --abort",
        Operation::Revert => "revert --abort",
        Operation::CherryPick => "cherry-pick --abort",
        Operation::Bisect => "bisect reset",
        Operation::Apply => "am --abort",
    }
}

/// The failure where the branch in production is not known.
pub fn no_base(config: &Config, doing: &str) -> Failure {
    let base = &config.hotfix.base;
    let cause = if base.is_empty() {
        "the branch in production was not found: no main, master or trunk, and no remote that says".to_owned()
    } else {
        format!("the branch in production, {}, does not exist here", visible(base))
    };
    gate(doing, &cause, "name it as `base` under [hotfix] in flightdeck.toml, or fetch it: git fetch")
}

/// The failure of a name that no branch should have.
pub fn bad_name(doing: &str, why: String) -> Failure {
    Failure::usage(doing, why, "a name is letters, digits, - _ . + and /, for example pool-limit")
}

/// Checks a branch name: git's rules for references, and no character that means something to
/// a shell, because people paste names into one.
///
/// # Errors
/// Why it cannot be.
pub fn check_name(name: &str) -> Result<(), String> {
    if name.is_empty() {
        return Err("the name is empty".to_owned());
    }
    if name.len() > MAX_NAME_BYTES {
        return Err(format!("the name is longer than {MAX_NAME_BYTES} bytes"));
    }
    if name.starts_with('-') {
        return Err("a name that begins with - could be taken for an option".to_owned());
    }
    if let Some(bad) = name.chars().find(|&c| !(c.is_alphanumeric() || "-_.+/".contains(c))) {
        return Err(match bad {
            ' ' => "the name holds a space".to_owned(),
            bad => format!("the name holds {}", visible(bad.encode_utf8(&mut [0; 4]))),
        });
    }
    if name.contains("..") {
        return Err("the name holds .. , which git takes for a range".to_owned());
    }
    for part in name.split('/') {
        if part.is_empty() {
            return Err("a / needs a name before and after it".to_owned());
        }
        if part.starts_with('.') || part.ends_with('.') {
            return Err("no part of the name may begin or end with a dot".to_owned());
        }
        if part.get(part.len().saturating_sub(5)..).is_some_and(|end| end.eq_ignore_ascii_case(".lock")) {
            return Err("git keeps names that end in .lock for itself".to_owned());
        }
    }
    Ok(())
}
