//! The branch in plain text.

use std::fmt::Write as _;

use jiff::Timestamp;

use super::super::status_ahead;
use crate::config::types::Hotfix;
use crate::hotfix::outlook::Outlook;
use crate::hotfix::state::{BaseAt, BranchState, Commit, Head, Upstream};
use crate::incident::duration;
use crate::text::visible;

/// Digits of a commit's id that are shown.
const SHORT: usize = 7;

/// The branch in plain text, one fact a line.
pub(super) fn text(
    branch: &BranchState,
    hotfix: &Hotfix,
    outlook: Option<&Outlook>,
    now: Timestamp,
) -> String {
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
    line("flow", format!("{}: {}", hotfix.flow.name(), hotfix.flow_from));
    line("base", base(branch));
    line("", branch.base_upstream.as_ref().map(base_upstream).unwrap_or_default());
    line("upstream", upstream(branch.upstream.as_ref()));
    if branch.base_at.is_some() {
        line("commits", format!("{} ahead, {} behind", branch.ahead, branch.behind));
    }
    if branch.ahead > 0 {
        let size = &branch.size;
        let tests = if size.tests_touched { "tests touched" } else { "no test touched" };
        let s = if size.files == 1 { "" } else { "s" };
        line("size", format!("{} file{s} +{} −{}, {tests}", size.files, size.insertions, size.deletions));
    }
    for (label, facts) in outlook.map(status_ahead::ahead).unwrap_or_default() {
        let facts: Vec<String> = facts.into_iter().map(|(text, _)| text).collect();
        line(label, facts.join(", "));
    }
    line("tags here", branch.tags.join(", "));
    line("last tag", branch.last_tag.clone().unwrap_or_default());
    line("version", branch.version.clone().unwrap_or_default());
    line("hotfixes", branch.hotfix_branches.join(", "));
    line("at remote", branch.remote_hotfixes.join(", "));
    line("releases", branch.releases.iter().map(BaseAt::short).collect::<Vec<_>>().join(", "));
    line("fetched", branch.fetched_at.map(|at| format!("{} ago", age(at, now))).unwrap_or_default());
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

/// How the base here stands to that of the remote, where they differ.
fn base_upstream(at: &Upstream) -> String {
    match (at.exists, at.ahead, at.behind) {
        (false, ..) | (true, 0, 0) => String::new(),
        (true, 0, behind) => format!("{behind} behind {}", at.name),
        (true, ahead, 0) => format!("{ahead} ahead of {}: not pushed", at.name),
        (true, ahead, behind) => format!("diverged from {}: {ahead} here, {behind} there", at.name),
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
    format!("{} {}  {}, {} ago", short(&commit.id), commit.subject, commit.author, age(commit.at, now))
}

fn age(at: Timestamp, now: Timestamp) -> String {
    duration(now.duration_since(at).max(jiff::SignedDuration::ZERO))
}

fn short(commit: &str) -> &str {
    commit.get(..SHORT).unwrap_or(commit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::types::Flow;
    use crate::hotfix::state::DirtyFile;

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
            text(&branch, &Hotfix::default().asked_for(Some(Flow::GitFlow)), None, now),
            "branch     hotfix/x<U+202E> at 4f2c91e\n\
             flow       git-flow: asked for with --flow\n\
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
        let text = text(&branch, &Hotfix::default(), None, Timestamp::UNIX_EPOCH);
        assert!(text.contains("main, which has no commit yet") && text.contains("not found"), "{text}");
    }

    #[test]
    fn how_the_base_stands_to_that_of_the_remote_is_told() {
        let head = Head::Branch { name: "main".into(), commit: COMMIT.into() };
        let mut branch = BranchState::new("/r", head);
        let told = |branch: &BranchState| text(branch, &Hotfix::default(), None, Timestamp::UNIX_EPOCH);
        branch.base_upstream =
            Some(Upstream { name: "origin/main".into(), exists: true, ahead: 1, behind: 2 });
        branch.remote_hotfixes = vec!["hotfix/theirs".into()];
        let said = told(&branch);
        assert!(said.contains("diverged from origin/main: 1 here, 2 there"), "{said}");
        assert!(said.contains("at remote  hotfix/theirs"), "{said}");
    }
}
