//! The commits a plan was made for: what they are now, and whether they still are.

use std::collections::BTreeMap;
use std::path::Path;

use crate::failure::{Failure, FailureKind};
use crate::hotfix::git::Reader;
use crate::plan::{Action, Plan};
use crate::text::visible;

/// Tells whether every reference a plan was made for still is the commit it was.
///
/// # Errors
/// One line that says which is not.
pub(super) fn check_plan(plan: &Plan) -> Result<(), String> {
    let place = plan.steps.iter().find_map(|step| match &step.action {
        Action::Command(command) => Some(command.cwd.as_str()),
        Action::Watch(watch) => Some(watch.cwd.as_str()),
        Action::Pipeline(pipeline) => pipeline.commands().0.first().map(|command| command.cwd.as_str()),
        Action::Http(_) | Action::Forge(_) | Action::Gate { .. } | Action::Hold { .. } => None,
    });
    // What only makes calls is about no repository.
    place.map_or(Ok(()), |place| check(place, &plan.frozen))
}

/// Says which reference of a plan made in this very repository is no longer the commit that the plan is
/// for; `None`: all are, or it was made elsewhere, where nobody here can look.
pub fn moved_on(root: &Path, plan: &Plan) -> Option<String> {
    let made_here = plan.steps.iter().any(
        |step| matches!(&step.action, Action::Command(command) if Path::new(&command.cwd).starts_with(root)),
    );
    if !made_here {
        return None;
    }
    check_plan(plan).err()
}

/// The failure of a plan whose commits are not what was confirmed.
pub(super) fn moved(doing: impl Into<String>, cause: &str) -> Failure {
    Failure::of(
        FailureKind::Gate,
        doing.into(),
        cause,
        "make the plan again and preview it: a branch or tag it was made for has moved",
    )
}

/// The failure of a plan whose program files are not what was approved.
pub(super) fn changed(doing: impl Into<String>, cause: &str) -> Failure {
    let hint = "see what changed: git diff; then put it back, or preview the plan again and have it approved";
    Failure::of(FailureKind::Gate, doing.into(), cause, hint)
}

/// Tells whether every reference still is the commit it was when the plan was approved.
///
/// # Errors
/// One line that says which is not.
pub(super) fn check(directory: &str, frozen: &BTreeMap<String, String>) -> Result<(), String> {
    if frozen.is_empty() {
        return Ok(());
    }
    let reader = Reader::open(Path::new(directory))
        .map_err(|_| format!("the repository at {} can no longer be read", visible(directory)))?;
    for (reference, commit) in frozen {
        let shown = visible(reference);
        match reader.resolve(reference) {
            Ok(now) if now == *commit => {}
            Ok(now) => {
                let (was, is) = (short(commit), short(&now));
                return Err(format!(
                    "{shown} has moved: it was {was} when the plan was confirmed and is {is} now; preview it again"
                ));
            }
            Err(failure) => return Err(format!("{shown} cannot be looked up any more: {}", failure.cause)),
        }
    }
    Ok(())
}

/// A commit as people call it.
pub(super) fn short(commit: &str) -> &str {
    commit.get(..7).unwrap_or(commit)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn git(dir: &Path, arguments: &[&str]) {
        let identity = ["-c", "user.name=M", "-c", "user.email=m@test.invalid"];
        let status =
            std::process::Command::new("git").args(identity).args(arguments).current_dir(dir).status();
        assert!(status.unwrap().success(), "git {arguments:?}");
    }

    #[test]
    fn a_branch_that_moved_is_not_what_was_approved() {
        let dir = tempfile::tempdir().unwrap();
        git(dir.path(), &["init", "-q", "-b", "main"]);
        git(dir.path(), &["commit", "-q", "--allow-empty", "-m", "one"]);
        let place = dir.path().to_str().unwrap();
        let commit = Reader::open(dir.path()).unwrap().resolve("main").unwrap();
        let frozen = BTreeMap::from([("main".to_owned(), commit)]);
        assert_eq!(check(place, &frozen), Ok(()));
        git(dir.path(), &["commit", "-q", "--allow-empty", "-m", "two"]);
        let why = check(place, &frozen).unwrap_err();
        assert!(why.starts_with("main has moved: it was ") && why.ends_with("preview it again"), "{why}");
        git(dir.path(), &["branch", "-q", "-m", "other"]);
        assert!(check(place, &frozen).unwrap_err().contains("cannot be looked up"));
        assert_eq!(check("/nonexistent", &BTreeMap::new()), Ok(()), "nothing was frozen");
        assert!(check("/nonexistent", &frozen).is_err());
    }
}
