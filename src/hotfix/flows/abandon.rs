//! Giving a hotfix branch up: nothing is lost, and nobody else's commits go with it.

use super::super::state::Head;
use super::push::is_shared;
use super::seen::Seen;
use super::{
    GIT_TIMEOUT, NETWORK_TIMEOUT, TARGET, check_at_rest, commits, gate, git, is_at, no_base,
    remote_branch_is, short,
};
use crate::config::types::Flow;
use crate::failure::Result;
use crate::plan::{Action, Guard, Plan, Probe, Purpose, Reach, Step, Subject, Undo};
use crate::text::visible;

/// Most commits that are named in a note.
const NAMED: usize = 10;

/// What giving a branch up would take away.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Loss {
    /// Commits that nothing else keeps, newest first: id and subject.
    pub only_here: Vec<(String, String)>,
    /// Whether all that the remote has on it is here, too; `None`: it has none of that name.
    pub all_here: Option<bool>,
    /// Other work trees that have it checked out.
    pub checked_out: Vec<String>,
    /// Another work tree has the base checked out, so this one cannot.
    pub base_is_taken: bool,
}

/// The plan of `hotfix abandon`: keeps the commits by a name of their own, switches away, and
/// deletes the branch at the remote and here.
///
/// # Errors
/// HEAD is not on a hotfix branch, the work tree is not clean, or the remote has commits on it that
/// are not here: says what to do.
pub fn abandon(seen: &Seen<'_>, loss: &Loss) -> Result<Plan> {
    let doing = "planning to abandon the hotfix branch";
    check_at_rest(doing, seen.state)?;
    let prefix = seen.config.hotfix.prefix.as_str();
    let (branch, commit) = match &seen.state.head {
        Head::Branch { name, commit }
            if !prefix.is_empty() && name.starts_with(prefix) && !is_shared(seen, name) =>
        {
            (name.as_str(), commit.as_str())
        }
        _ => {
            return Err(gate(
                doing,
                "HEAD is not on a hotfix branch",
                &format!("switch to the one to abandon: git switch {}NAME", visible(prefix)),
            ));
        }
    };
    let shown = visible(branch);
    if seen.state.is_dirty() {
        return Err(gate(
            doing,
            "the work tree has changes that are not committed, and would be carried to another branch",
            "commit them, or put them aside: git stash --include-untracked",
        ));
    }
    if let Some(place) = loss.checked_out.first() {
        return Err(gate(
            doing,
            &format!("another work tree has {shown} checked out: {}", visible(place)),
            "switch away there first",
        ));
    }
    if loss.all_here == Some(false) {
        let remote = visible(seen.remote.name().unwrap_or_default()).into_owned();
        return Err(gate(
            doing,
            &format!("{remote} has commits on {shown} that are not here: somebody else works on it"),
            "talk to them; git pull --rebase brings the commits here",
        ));
    }
    let root = seen.state.root.as_str();
    let kept = format!("refs/flightdeck/abandoned/{branch}-{}", short(commit));
    let mut steps = vec![keep(root, &kept, branch, commit), away(seen, doing, loss, branch)?];
    let there = seen.remote.known().and_then(|known| Some((&known.name, known.refs.branch(branch)?)));
    if let Some((remote, at)) = there {
        steps.push(delete_there(seen, remote, branch, at));
    }
    steps.push(delete_here(root, branch, commit));
    Ok(Plan {
        confirm: Some(branch.to_owned()),
        subject: Some(Subject { reference: branch.to_owned(), commit: commit.to_owned(), dirty: false }),
        notes: notes(seen, loss, branch, &kept, there.is_some()),
        steps,
        ..Plan::new(seen.id, format!("abandon {shown} {}", short(commit)), Purpose::Hotfix, TARGET)
    })
}

fn keep(root: &str, kept: &str, branch: &str, commit: &str) -> Step {
    Step {
        guards: vec![Guard {
            title: format!("{} is still {}", visible(branch), short(commit)),
            probe: is_at(root, &format!("refs/heads/{branch}"), commit),
        }],
        proof: Some(is_at(root, kept, commit)),
        retry_is_safe: true,
        ..Step::new(
            format!("keep its commits as {}", visible(kept)),
            Action::Command(git(root, &["update-ref", kept, commit])),
            GIT_TIMEOUT,
        )
    }
}

/// Away from the branch: to the base, or where another work tree has that, to its commit.
fn away(seen: &Seen<'_>, doing: &str, loss: &Loss, branch: &str) -> Result<Step> {
    let root = seen.state.root.as_str();
    let base = seen.base.as_ref().ok_or_else(|| no_base(seen.config, doing))?;
    let (name, full) = (base.name.as_str(), format!("refs/heads/{}", base.name));
    let on = |full: &str| Probe::command(git(root, &["symbolic-ref", "HEAD"]), Some(full.to_owned()));
    let kept = seen.kept(name).filter(|kept| kept.commit.is_some());
    let (words, proof, to) = match (&base.local, kept) {
        (Some(_), _) if !loss.base_is_taken => (vec!["switch", name], on(&full), visible(name)),
        (None, Some(kept)) if !loss.base_is_taken => {
            (vec!["switch", "-c", name, "--track", kept.short()], on(&full), visible(name))
        }
        (Some(commit), _) => {
            (vec!["switch", "--detach", commit.as_str()], is_at(root, "HEAD", commit), short(commit).into())
        }
        (None, _) => {
            let commit = base.there.as_deref().filter(|_| base.is_here);
            let commit = commit.ok_or_else(|| no_base(seen.config, doing))?;
            (vec!["switch", "--detach", commit], is_at(root, "HEAD", commit), short(commit).into())
        }
    };
    Ok(Step {
        proof: Some(proof),
        undo: Undo::By {
            action: Action::Command(git(root, &["switch", branch])),
            proof: Some(on(&format!("refs/heads/{branch}"))),
        },
        ..Step::new(format!("switch to {to}"), Action::Command(git(root, &words)), GIT_TIMEOUT)
    })
}

/// Deletes the branch at the remote, if it still is what was seen there.
fn delete_there(seen: &Seen<'_>, remote: &str, branch: &str, at: &str) -> Step {
    let root = seen.state.root.as_str();
    let full = format!("refs/heads/{branch}");
    let lease = format!("--force-with-lease={full}:{at}");
    let base = seen.base.as_ref().map_or("HEAD", |base| base.name.as_str());
    let still = remote_branch_is(root, remote, branch, at, base);
    let again = format!("{at}:{full}");
    Step {
        proof: Some(Probe { negate: true, ..still.clone() }),
        proof_within: seen.config.hotfix.proof_within,
        reach: Reach::Others,
        undo: Undo::By {
            action: Action::Command(git(root, &["push", "--no-follow-tags", remote, &again])),
            proof: Some(still),
        },
        ..Step::new(
            format!("delete {} at {}, if it still is {}", visible(branch), visible(remote), short(at)),
            Action::Command(git(root, &["push", "--no-follow-tags", &lease, remote, &format!(":{full}")])),
            NETWORK_TIMEOUT,
        )
    }
}

/// Deletes the branch here, if it still is what was seen.
pub(super) fn delete_here(root: &str, branch: &str, commit: &str) -> Step {
    let full = format!("refs/heads/{branch}");
    let still = is_at(root, &full, commit);
    let is_there = Probe::command(git(root, &["rev-parse", "--verify", "--quiet", &full]), None);
    Step {
        guards: vec![Guard {
            title: format!("{} is still {}", visible(branch), short(commit)),
            probe: still.clone(),
        }],
        proof: Some(Probe { negate: true, ..is_there }),
        undo: Undo::By {
            action: Action::Command(git(root, &["branch", "--no-track", "--", branch, commit])),
            proof: Some(still),
        },
        ..Step::new(
            format!("delete {} here", visible(branch)),
            Action::Command(git(root, &["branch", "-D", "--", branch])),
            GIT_TIMEOUT,
        )
    }
}

fn notes(seen: &Seen<'_>, loss: &Loss, branch: &str, kept: &str, is_there: bool) -> Vec<String> {
    let mut notes = Vec::new();
    let only = &loss.only_here;
    if only.is_empty() {
        notes.push("nothing else is lost: all its commits are on other branches, too".to_owned());
    } else {
        notes.push(format!("{} on no other branch or tag:", commits(only.len())));
        let shown = only.iter().take(NAMED);
        notes.extend(shown.map(|(id, subject)| format!("  {} {}", short(id), visible(subject))));
        if only.len() > NAMED {
            notes.push(format!("  and {} more", only.len() - NAMED));
        }
    }
    notes.push(format!("to get it back: git branch {} {}", visible(branch), visible(kept)));
    match seen.remote.name().map(visible) {
        Some(remote) if seen.remote.known().is_none() => {
            notes.extend(seen.remote.notes(seen.now));
            notes.push(format!("unknown whether {remote} has it: it is not deleted there"));
        }
        Some(remote) if !is_there => notes.push(format!("{remote} does not have it")),
        Some(remote) if seen.config.hotfix.flow == Flow::GithubFlow => {
            notes.push(format!("its pull request is closed when the branch goes from {remote}"));
        }
        _ => {}
    }
    notes
}

#[cfg(test)]
mod tests {
    use super::super::seen::testing::Sight;
    use super::*;

    fn lines(plan: &Plan) -> Vec<String> {
        plan.steps.iter().map(|step| step.action.line()).collect()
    }

    #[test]
    fn the_commits_are_kept_and_only_what_was_seen_is_deleted() {
        let mut sight = Sight::on("hotfix/x");
        let at = sight.head();
        sight.at_remote("hotfix/x", &at);
        let only_here = vec![(at.clone(), "fix\u{202e}".to_owned())];
        let loss = Loss { only_here, all_here: Some(true), ..Loss::default() };
        let plan = abandon(&sight.seen(), &loss).unwrap();
        let kept = format!("refs/flightdeck/abandoned/hotfix/x-{}", short(&at));
        assert_eq!(
            lines(&plan),
            [
                format!("git update-ref {kept} {at}"),
                "git switch main".to_owned(),
                format!(
                    "git push --no-follow-tags '--force-with-lease=refs/heads/hotfix/x:{at}' origin :refs/heads/hotfix/x"
                ),
                "git branch -D -- hotfix/x".to_owned(),
            ]
        );
        assert_eq!(plan.confirm.as_deref(), Some("hotfix/x"));
        assert_eq!(
            plan.notes[..2],
            ["1 commit on no other branch or tag:".to_owned(), format!("  {} fix<U+202E>", short(&at)),]
        );
        assert!(plan.notes.iter().any(|note| *note == format!("to get it back: git branch hotfix/x {kept}")));
    }

    #[test]
    fn what_was_not_pushed_is_deleted_here_only() {
        let plan = abandon(&Sight::on("hotfix/x").seen(), &Loss::default()).unwrap();
        assert!(lines(&plan).iter().all(|line| !line.starts_with("git push")) && !plan.reaches_others());
        let taken = Loss { base_is_taken: true, ..Loss::default() };
        let plan = abandon(&Sight::on("hotfix/x").seen(), &taken).unwrap();
        assert!(lines(&plan)[1].starts_with("git switch --detach "), "{:?}", lines(&plan));
    }

    #[test]
    fn it_is_refused_where_something_would_be_lost() {
        let refused = |sight: &Sight, loss: &Loss| abandon(&sight.seen(), loss).unwrap_err().cause;
        let sight = Sight::on("hotfix/x");
        let theirs = Loss { all_here: Some(false), ..Loss::default() };
        assert!(refused(&sight, &theirs).contains("somebody else works on it"));
        let elsewhere = Loss { checked_out: vec!["/srv/two".into()], ..Loss::default() };
        assert!(refused(&sight, &elsewhere).contains("/srv/two"));
        let mut dirty = Sight::on("hotfix/x");
        dirty.state.dirty_count = 1;
        assert!(refused(&dirty, &Loss::default()).contains("not committed"));
        assert!(refused(&Sight::on("main"), &Loss::default()).contains("not on a hotfix branch"));
    }
}
