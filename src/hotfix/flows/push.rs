//! Pushing the hotfix branch: exactly that branch, and never by force.

use super::super::state::Head;
use super::seen::Seen;
use super::{NETWORK_TIMEOUT, TARGET, check_at_rest, commits, gate, git, remote_branch_is, short};
use crate::failure::Result;
use crate::plan::{Action, Plan, Purpose, Reach, Step, Subject, Undo};
use crate::text::visible;

/// How the branch stands to the one of the same name at the remote.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// The remote has none.
    New,
    /// It is the same.
    Same,
    /// It goes on from there: commits that the remote does not have.
    Ahead(usize),
    /// The remote has commits that are not in it, and it has these of its own. `None`: how many
    /// is not known, because they are not here.
    Behind(Option<(usize, usize)>),
    /// The remote could not be asked.
    Unknown,
}

/// The plan of `hotfix push`.
///
/// # Errors
/// HEAD is on no branch or on one that others work on, there is no remote, or it has commits that
/// would be lost: says what to do.
pub fn push(seen: &Seen<'_>, standing: Standing) -> Result<Plan> {
    let doing = "planning to push the hotfix branch";
    check_at_rest(doing, seen.state)?;
    let Head::Branch { name: branch, commit } = &seen.state.head else {
        return Err(gate(
            doing,
            "HEAD is on no branch",
            "switch to the hotfix branch, or make one: flightdeck hotfix start",
        ));
    };
    let shown = visible(branch);
    if is_shared(seen, branch) {
        return Err(gate(
            doing,
            &format!("{shown} is not a hotfix branch: others work on it"),
            "flightdeck hotfix finish brings a fix there; git push pushes anything else",
        ));
    }
    let Some(remote) = seen.remote.name() else { return seen.remote.require(doing).and(Err(none(doing))) };
    let there = visible(remote);
    let mut notes = seen.remote.notes(seen.now);
    match standing {
        Standing::New => notes.push(format!("{there} does not have it yet")),
        Standing::Same => notes.push(format!("{there} has all of it already")),
        Standing::Ahead(count) => notes.push(format!("{} that {there} does not have", commits(count))),
        Standing::Behind(apart) => return Err(behind(doing, branch, &there, apart)),
        Standing::Unknown => {
            notes.push(format!("where {there} has other commits on it, the push is refused, not forced"));
        }
    }
    let root = &seen.state.root;
    let full = format!("refs/heads/{branch}");
    let words = ["push", "--no-follow-tags", "-u", remote, &format!("{full}:{full}")];
    let base = seen.base.as_ref().map_or("HEAD", |base| base.name.as_str());
    let step = Step {
        proof: Some(remote_branch_is(root, remote, branch, commit, base)),
        proof_within: seen.config.hotfix.proof_within,
        reach: Reach::Others,
        // What is there already is pushed again without any effect.
        retry_is_safe: true,
        undo: Undo::Irreversible { why: "others may have it: flightdeck hotfix abandon removes it".into() },
        ..Step::new(format!("push {shown} to {there}"), Action::Command(git(root, &words)), NETWORK_TIMEOUT)
    };
    Ok(Plan {
        frozen: [(full.clone(), commit.clone())].into(),
        subject: Some(Subject { reference: branch.clone(), commit: commit.clone(), dirty: false }),
        notes,
        steps: vec![step],
        ..Plan::new(seen.id, format!("push {shown} {} to {there}", short(commit)), Purpose::Hotfix, TARGET)
    })
}

/// Tells whether a branch is one that others work on: the base, the next release, a release.
pub(super) fn is_shared(seen: &Seen<'_>, branch: &str) -> bool {
    let hotfix = &seen.config.hotfix;
    let is_prefixed = |prefix: &str| !prefix.is_empty() && branch.starts_with(prefix);
    let base = seen.base.as_ref().map(|base| base.name.as_str()).or(seen.state.base.as_deref());
    base == Some(branch)
        || branch == hotfix.develop
        || (is_prefixed(&hotfix.release_prefix) && !is_prefixed(&hotfix.prefix))
}

fn none(doing: &str) -> crate::failure::Failure {
    gate(doing, "no remote", "git remote add origin ADDRESS")
}

fn behind(doing: &str, branch: &str, there: &str, apart: Option<(usize, usize)>) -> crate::failure::Failure {
    let shown = visible(branch);
    match apart {
        Some((0, theirs)) => gate(
            doing,
            &format!("{there} has {} on {shown} that are not here, and nothing here is new", commits(theirs)),
            "git pull --ff-only brings them here",
        ),
        apart => {
            let count = apart.map_or("commits".to_owned(), |(_, theirs)| commits(theirs));
            gate(
                doing,
                &format!(
                    "{there} has {count} on {shown} that are not here: pushing would lose them, so it is not forced"
                ),
                "git pull --rebase combines them; test the result, and push again",
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::seen::testing::Sight;
    use super::*;
    use crate::failure::FailureKind;

    #[test]
    fn exactly_that_branch_is_pushed_and_nothing_is_forced() {
        let sight = Sight::on("hotfix/x");
        let plan = push(&sight.seen(), Standing::Ahead(2)).unwrap();
        let step = &plan.steps[0];
        assert_eq!(
            step.action.line(),
            "git push --no-follow-tags -u origin refs/heads/hotfix/x:refs/heads/hotfix/x"
        );
        assert_eq!((plan.steps.len(), step.reach, step.retry_is_safe), (1, Reach::Others, true));
        assert_eq!(plan.frozen["refs/heads/hotfix/x"], sight.head());
        let proof = step.proof.as_ref().unwrap();
        assert_eq!(
            proof.ask.line(),
            "git ls-remote --heads '--sort=refname' origin refs/heads/hotfix/x refs/heads/main"
        );
        assert_eq!(proof.expect, Some(format!("{}\trefs/heads/hotfix/x", sight.head())));
        assert!(plan.notes.iter().any(|note| note == "2 commits that origin does not have"));
    }

    #[test]
    fn what_others_have_on_it_is_never_overwritten() {
        let sight = Sight::on("hotfix/x");
        let failure = push(&sight.seen(), Standing::Behind(Some((1, 2)))).unwrap_err();
        assert!(failure.cause.contains("has 2 commits on hotfix/x that are not here"), "{failure}");
        assert!(failure.hint.contains("git pull --rebase"), "{failure}");
        let failure = push(&sight.seen(), Standing::Behind(Some((0, 1)))).unwrap_err();
        assert!(failure.hint.contains("--ff-only"), "{failure}");
        assert!(push(&sight.seen(), Standing::Behind(None)).is_err());
    }

    #[test]
    fn what_others_work_on_is_not_pushed_by_this() {
        for branch in ["main", "develop", "release/1.4"] {
            let failure = push(&Sight::on(branch).seen(), Standing::Ahead(1)).unwrap_err();
            assert_eq!(failure.kind, FailureKind::Gate, "{branch}");
        }
        assert!(push(&Sight::on("fix-by-hand").seen(), Standing::New).is_ok(), "however it is called");
        let mut alone = Sight::on("hotfix/x");
        alone.remote = crate::hotfix::remote::Remote::None;
        assert!(push(&alone.seen(), Standing::New).unwrap_err().cause.contains("no remote"));
    }
}
