//! What the repository is asked, to find out whether a step of a finish is done.

use super::super::git;
use crate::plan::{Command, Probe};

/// Asks whether a reference here is not there.
pub(super) fn is_missing(cwd: &str, full: &str) -> Probe {
    let asked = git(cwd, &["show-ref", "--verify", "--quiet", full]);
    Probe { negate: true, ..Probe::command(asked, None) }
}

/// Asks for the parents of a commit. Where there is no such commit those of another are told: no
/// answer would be none to go by.
pub(super) fn has_parents(cwd: &str, rev: &str, first: &str, second: &str) -> Probe {
    Probe::command(shown(cwd, rev, "parents %P", first), Some(format!("parents {first} {second}")))
}

/// Asks whether something leads to a commit; where it leads nowhere, a parent of that is told.
pub(super) fn leads_to(cwd: &str, rev: &str, commit: &str) -> Probe {
    Probe::command(shown(cwd, rev, "commit %H", &format!("{commit}^")), Some(format!("commit {commit}")))
}

fn shown(cwd: &str, rev: &str, format: &str, otherwise: &str) -> Command {
    let format = format!("--format={format}");
    git(
        cwd,
        &[
            "log",
            "--no-walk=unsorted",
            "-1",
            "--no-show-signature",
            "--ignore-missing",
            &format,
            rev,
            otherwise,
            // A file may be called HEAD.
            "--",
        ],
    )
}
