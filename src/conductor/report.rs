//! The report of an incident on a branch: what is there now, and the plan.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use super::prepare::{Ground, directory};
use crate::config::dirs::{private_directory, private_file};
use crate::failure::{Failure, Result};
use crate::hotfix::flows::{self, report::Facts};
use crate::hotfix::git::Reader;
use crate::incident::{Body, Hash, ReportSaved};
use crate::plan::{Plan, ReportText};
use crate::text::visible;

/// What committing it is called in failures.
const DOING: &str = "planning to commit the report";

/// The plan that commits a report to a branch. One without steps says that the branch has it already.
///
/// # Errors
/// The branch or the path cannot be used, or the repository cannot be read.
pub(super) fn plan(ground: &Ground<'_>, id: &str, wanted: &ReportText) -> Result<Plan> {
    let place = ground.root.to_string_lossy();
    let mut reader = Reader::open(ground.root).map_err(|none| none.failure(&place))?;
    let state = reader.read(&ground.config.hotfix).map_err(|none| none.failure(&place))?;
    let (branch, path) = (wanted.branch.as_str(), wanted.path.as_str());
    if branch.is_empty() || branch.starts_with('-') || !reader.is_branch_name(branch) {
        let cause = format!("{} is not a valid branch name", visible(branch));
        return Err(Failure::usage(DOING, cause, "name one as git takes it: --branch incident-reports"));
    }
    if !is_plain(path) {
        let cause = format!("{} is no path below the root of the repository", visible(path));
        return Err(Failure::usage(DOING, cause, "name one: --out incidents/INC-2026-0007.md"));
    }
    let hotfix = &ground.config.hotfix;
    let remote = reader.remote_name(&hotfix.remote);
    let tracked = |branch: &str| {
        let name = reader.tracking_name(remote.as_deref()?, branch)?;
        reader.commit_at(&name)
    };
    let here = |branch: &str| reader.commit_at(&format!("refs/heads/{branch}"));
    let on_branch = if remote.is_some() { tracked(branch) } else { here(branch) };
    let start = match &on_branch {
        Some(commit) => Some((commit.clone(), branch)),
        // Whatever is checked out here: what production is deployed from has no work in progress.
        None => state.base.as_deref().and_then(|base| Some((tracked(base).or_else(|| here(base))?, base))),
    };
    let start = match start {
        Some(start) => start,
        None => (reader.resolve("HEAD")?, "HEAD"),
    };
    let local = here(branch);
    refuse_taken(&reader, branch, remote.as_deref(), on_branch.as_deref(), local.as_deref())?;
    if on_branch.as_ref().is_some_and(|at| has(&reader, at, path, &wanted.text)) {
        let mut plan = Plan::new(id, "commit the report", crate::plan::Purpose::Report, flows::TARGET);
        plan.notes.push(format!("{} has this report already as {}", visible(branch), visible(path)));
        return Ok(plan);
    }
    let file = kept(ground.state_dir, &wanted.text)?;
    let root = directory(&reader.root().to_string_lossy());
    let facts = Facts {
        root: &root,
        scratch: &reader.scratch_for("report"),
        remote: remote.as_deref(),
        branch,
        start: &start.0,
        start_name: start.1,
        here: local.as_deref(),
        path,
        file: &file.to_string_lossy(),
        blob: &Reader::blob_id(wanted.text.as_bytes()),
        number: &wanted.number,
        about: &wanted.title,
    };
    let mut plan = flows::report::report(&facts, id);
    if state.base.as_deref() == Some(branch) {
        let warning =
            format!("production is deployed from {}: what is pushed there may deploy", visible(branch));
        plan.warnings.push(warning);
    }
    Ok(plan)
}

/// A branch that somebody works on, or that only this clone knows, is not moved under them.
fn refuse_taken(
    reader: &Reader,
    branch: &str,
    remote: Option<&str>,
    there: Option<&str>,
    here: Option<&str>,
) -> Result<()> {
    let cause = match (remote, here) {
        (Some(remote), Some(_)) if there.is_none() => {
            format!("{} is only here: {} does not have it", visible(branch), visible(remote))
        }
        (None, Some(_)) if reader.is_checked_out(branch) => {
            format!("{} is checked out: moving it would leave that work tree out of date", visible(branch))
        }
        _ => return Ok(()),
    };
    Err(Failure::usage(DOING, cause, "push it, or name another branch"))
}

/// Tells whether a commit has just this text under a path.
fn has(reader: &Reader, commit: &str, path: &str, text: &str) -> bool {
    reader.text_at(commit, path).is_ok_and(|there| there.as_deref() == Some(text))
}

/// A path in the repository: relative, with nothing in it that git or a file system takes for something else.
fn is_plain(path: &str) -> bool {
    let is_part = |part: &str| !matches!(part, "" | "." | "..") && !part.eq_ignore_ascii_case(".git");
    !path.starts_with('-') && visible(path) == path && !path.contains('\\') && path.split('/').all(is_part)
}

/// Keeps the text where the plan finds it, readable by its owner only. It is known by what it says: the same report
/// is kept once, and one that a plan was made of stays as it is.
fn kept(state_dir: &Path, text: &str) -> Result<PathBuf> {
    let place = state_dir.join("reports");
    let path = place.join(format!("{}.txt", Hash::of(text.as_bytes())));
    if fs::read_to_string(&path).is_ok_and(|there| there == text) {
        return Ok(path);
    }
    let failed = |error: std::io::Error| {
        Failure::new(
            format!("keeping the report in {}", place.display()),
            error,
            "make room there, then try again",
        )
    };
    private_directory(&place).map_err(failed)?;
    let beside = place.join(format!(".{}.part", std::process::id()));
    let write = || {
        let _ = fs::remove_file(&beside);
        let mut file = private_file(&beside)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&beside, &path)
    };
    write().map_err(failed)?;
    Ok(path)
}

/// What is recorded with the end of the step that put a report on its branch.
pub(super) fn saved(plan: &Plan, step: usize) -> Option<Body> {
    Some(ReportSaved { file: flows::report::saved(plan, step)? }.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_below_the_root_are_taken() {
        for path in ["incidents/INC-2026-0007.md", "a.md", "docs/2026/a b.md"] {
            assert!(is_plain(path), "{path}");
        }
        for path in ["", "/etc/passwd", "../a.md", "a//b", "-a", ".git/config", "docs/.GIT/x", "a\nb", "a\\b"]
        {
            assert!(!is_plain(path), "{path}");
        }
    }

    #[test]
    fn the_text_is_kept_once_and_for_its_owner_only() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        let path = kept(dir.path(), "# report\n").unwrap();
        assert_eq!(kept(dir.path(), "# report\n").unwrap(), path);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_ne!(kept(dir.path(), "# another\n").unwrap(), path);
        fs::write(&path, "tampered").unwrap();
        kept(dir.path(), "# report\n").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "# report\n");
    }
}
