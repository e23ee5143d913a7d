//! The trunk flow: the fix is committed straight on the base, and pushed as a fast-forward. Where
//! the remote has moved on it is rebased and tested again in a work tree of its own; nothing is ever
//! forced.

use super::super::remote::{Known, Source};
use super::super::standing;
use super::super::state::Head;
use super::seen::{Base, Seen};
use super::{
    GIT_TIMEOUT, NETWORK_TIMEOUT, TARGET, check_at_rest, commits, gate, git, is_at, no_base, remote_has,
    short,
};
use crate::failure::Result;
use crate::plan::{
    Action, Command, Guard, OnFailure, Plan, Probe, Purpose, Reach, Settle, Step, Subject, Undo,
};
use crate::text::visible;

/// Most commits that are named in a note.
const NAMED: usize = 10;

/// The plan of `hotfix start` in the trunk flow: the base is checked out and brought up to date. One
/// without steps says that it is.
///
/// # Errors
/// It has diverged from the remote's, or changed files are in the way.
pub fn start(seen: &Seen<'_>) -> Result<Plan> {
    let doing = "planning to bring the base up to date";
    check_at_rest(doing, seen.state)?;
    let base = seen.base.as_ref().ok_or_else(|| no_base(seen.config, doing))?;
    let (root, name) = (seen.state.root.as_str(), base.name.as_str());
    let shown = visible(name);
    let is_on = seen.state.branch() == Some(name);
    let (ahead, _) = base.apart.unwrap_or_default();
    let target = base.there.as_ref().filter(|there| base.local.as_ref() != Some(there));
    // What the remote has is in the one here.
    let target = target.filter(|_| !(base.is_here && base.apart.is_some_and(|(_, behind)| behind == 0)));
    if target.is_some() && base.local.is_some() && ahead > 0 {
        let cause = format!("{shown} here has {} that the remote does not have", commits(ahead));
        let hint = "flightdeck hotfix finish rebases and pushes them; then start again";
        return Err(gate(doing, &cause, hint));
    }
    let mut notes = seen.remote.notes(seen.now);
    notes.extend(seen.base_notes("it comes along"));
    if is_on && target.is_none() {
        let note = format!("{shown} is checked out and up to date: commit the fix on it");
        return Ok(nothing(seen, &format!("start on {shown}"), note));
    }
    if seen.state.is_dirty() {
        let cause = format!("changed files are in the way of bringing {shown} up to date");
        return Err(gate(doing, &cause, "commit them, or put them aside: git stash --include-untracked"));
    }
    let mut steps: Vec<Step> = Vec::new();
    steps.extend(target.and_then(|there| seen.fetch_step(name, there)));
    if !is_on {
        steps.push(switch(seen, doing, base)?);
    }
    if let (Some(there), Some(_)) = (target, &base.local) {
        steps.push(Step {
            proof: Some(is_at(root, &format!("refs/heads/{name}"), there)),
            retry_is_safe: true,
            ..Step::new(
                format!("bring {shown} to {}", short(there)),
                Action::Command(git(root, &["merge", "--ff-only", there])),
                GIT_TIMEOUT,
            )
        });
    }
    let at = base.there.as_ref().or(base.local.as_ref()).map_or("", |commit| short(commit));
    let title = format!("start on {shown} {at}");
    Ok(Plan { notes, steps, ..Plan::new(seen.id, title, Purpose::Hotfix, TARGET) })
}

/// A plan of which nothing is left to do, and why.
fn nothing(seen: &Seen<'_>, title: &str, why: String) -> Plan {
    let mut notes = seen.remote.notes(seen.now);
    notes.push(why);
    Plan { notes, ..Plan::new(seen.id, title, Purpose::Hotfix, TARGET) }
}

fn switch(seen: &Seen<'_>, doing: &str, base: &Base) -> Result<Step> {
    let (root, name) = (seen.state.root.as_str(), base.name.as_str());
    let words = match (&base.local, seen.kept(name), seen.remote.name()) {
        (Some(_), ..) => vec!["switch", name],
        (None, Some(kept), _) => vec!["switch", "-c", name, "--track", kept.short()],
        (None, None, _) => return Err(no_base(seen.config, doing)),
    };
    let on = Probe::command(git(root, &["symbolic-ref", "HEAD"]), Some(format!("refs/heads/{name}")));
    Ok(Step {
        proof: Some(on),
        ..Step::new(format!("switch to {}", visible(name)), Action::Command(git(root, &words)), GIT_TIMEOUT)
    })
}

/// What is known of a fix on the base before it is pushed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fix {
    /// Its commits that the remote does not have, newest first: id and subject.
    pub commits: Vec<(String, String)>,
    /// A free directory for a work tree of its own.
    pub scratch: String,
    /// The base is checked out in another work tree.
    pub is_taken: bool,
}

/// The plan of `hotfix finish` in the trunk flow, without its gates: pushes what the base here has
/// and the remote's has not. One without steps says that nothing is left to do.
///
/// # Errors
/// The remote cannot be asked, what it has is not here, or the fix is on another branch.
pub fn finish(seen: &Seen<'_>, fix: &Fix) -> Result<Plan> {
    let doing = "planning to finish the hotfix";
    let known = seen.remote.require(doing)?;
    check_at_rest(doing, seen.state)?;
    let base = seen.base.as_ref().ok_or_else(|| no_base(seen.config, doing))?;
    let (name, remote) = (visible(&base.name), visible(&known.name));
    let local = base.local.as_ref().ok_or_else(|| no_base(seen.config, doing))?;
    let Some(there) = &base.there else {
        let cause = format!("{remote} has no {name} yet");
        return Err(gate(doing, &cause, "push it by hand: git push -u REMOTE BRANCH"));
    };
    let (true, Some((ahead, behind))) = (base.is_here, base.apart) else {
        let cause = format!("{remote} has commits on {name} that are not here yet");
        return Err(gate(doing, &cause, "run flightdeck hotfix fetch, then try again"));
    };
    check_is_on_base(seen, doing, &base.name, ahead)?;
    if ahead == 0 {
        let note = format!("{remote} has all that is on {name} here; a fix is committed there first");
        return Ok(nothing(seen, &format!("finish the hotfix on {name} (trunk)"), note));
    }
    let job = Job { seen, base: &base.name, remote: &known.name, local, there, fix };
    let moved = behind > 0;
    let mut notes = seen.remote.notes(seen.now);
    notes.extend(job.notes(ahead, behind));
    let steps = if moved { job.rebased() } else { job.straight() };
    let how = if moved { "rebase and push" } else { "push" };
    Ok(Plan {
        confirm: Some(base.name.clone()),
        frozen: [(format!("refs/heads/{}", base.name), local.clone())].into(),
        subject: Some(Subject { reference: base.name.clone(), commit: local.clone(), dirty: false }),
        notes,
        steps,
        ..Plan::new(
            seen.id,
            format!("{how} {} on {name} to {remote} (trunk)", commits(ahead)),
            Purpose::Hotfix,
            TARGET,
        )
    })
}

/// Refuses to finish without the fix: where HEAD has commits that the base has not, on a hotfix branch
/// or with nothing else to push, these are it.
fn check_is_on_base(seen: &Seen<'_>, doing: &str, base: &str, to_push: usize) -> Result<()> {
    let state = seen.state;
    let is_hotfix = standing::branch(&seen.config.hotfix, state).is_some_and(|branch| branch != base);
    if state.branch() == Some(base) || state.ahead == 0 || !(is_hotfix || to_push == 0) {
        return Ok(());
    }
    let (base, many) = (visible(base), commits(state.ahead));
    let of = match &state.head {
        Head::Branch { name, .. } | Head::Unborn { name } => visible(name).into_owned(),
        Head::Detached { commit } => short(commit).to_owned(),
    };
    let cause =
        format!("{of} has {many} that {base} does not have, and in the trunk flow only {base} is pushed");
    let mut hint = format!("bring the fix onto {base}: git switch {base}, then git merge --ff-only {of}");
    if is_hotfix {
        hint.push_str(
            "\nor finish as the branch was meant: flightdeck hotfix finish --flow git-flow (or github-flow)",
        );
    }
    Err(gate(doing, &cause, &hint))
}

struct Job<'a> {
    seen: &'a Seen<'a>,
    base: &'a str,
    remote: &'a str,
    local: &'a str,
    there: &'a str,
    fix: &'a Fix,
}

impl Job<'_> {
    fn root(&self) -> &str {
        &self.seen.state.root
    }

    fn head(&self) -> String {
        format!("refs/heads/{}", self.base)
    }

    /// The name by which what is pushed is kept, so that the remote can be asked for just that.
    fn kept(&self) -> String {
        format!("refs/flightdeck/finish/{}-{}-onto-{}", self.base, short(self.local), short(self.there))
    }

    /// The branch that is rebased: git moves it only when a rebase has come to its end, which tells
    /// one that is done from one that is stopped, given up, or was never begun.
    fn own(&self) -> String {
        let name = self.fix.scratch.rsplit('/').next().unwrap_or(&self.fix.scratch);
        format!("flightdeck/{name}")
    }

    fn is_on(&self) -> bool {
        matches!(&self.seen.state.head, Head::Branch { name, .. } if name == self.base)
    }

    fn notes(&self, ahead: usize, behind: usize) -> Vec<String> {
        let (base, remote) = (visible(self.base), visible(self.remote));
        let mut notes = vec![format!("{} that {remote} does not have:", commits(ahead))];
        let shown = self.fix.commits.iter().take(NAMED);
        notes.extend(shown.map(|(id, subject)| format!("  {} {}", short(id), visible(subject))));
        if ahead > NAMED {
            notes.push(format!("  and {} more", ahead - NAMED));
        }
        if self.seen.state.is_dirty() {
            notes.push("what is not committed does not go out".to_owned());
        }
        if behind > 0 {
            notes.push(format!(
                "{remote} has moved on by {}: the fix is rebased in a work tree of its own, {}, and tested there",
                commits(behind),
                visible(&self.fix.scratch)
            ));
            notes.push(
                "a conflict stops it: resolve it there, git add the files, then resume the plan".to_owned(),
            );
            if self.seen.config.checks.is_empty() {
                notes.push("no check is configured: nothing is tested after it was rebased".to_owned());
            }
            if self.brings_along().is_none() {
                notes.push(format!(
                    "{base} stays as it is here: when the work tree is clean, git switch {base}, then git pull --rebase"
                ));
            }
        } else {
            notes.push(format!(
                "if {remote} moves on meanwhile nothing is pushed: finish again, it is rebased and tested again"
            ));
        }
        notes
    }

    /// The remote has not moved on.
    fn straight(&self) -> Vec<Step> {
        let keep = git(self.root(), &["update-ref", &self.kept(), self.local]);
        let keep = Step {
            proof: Some(is_at(self.root(), &self.kept(), self.local)),
            retry_is_safe: true,
            ..Step::new("save what is pushed", Action::Command(keep), GIT_TIMEOUT)
        };
        vec![keep, self.push(&format!("{}:{}", self.local, self.head()))]
    }

    /// That nobody has pushed since this was planned; where the remote cannot be asked without a
    /// person the push itself finds out.
    fn still_there(&self) -> Option<Guard> {
        let asked = |known: &Known| known.by == Source::Asked;
        self.seen.remote.known().is_some_and(asked).then(|| Guard {
            title: format!(
                "{} of {} is still {} (if not, finish again: it is rebased and tested again)",
                visible(self.base),
                visible(self.remote),
                short(self.there)
            ),
            probe: remote_has(self.root(), self.remote, &self.head(), self.there),
        })
    }

    fn push(&self, what: &str) -> Step {
        let kept = self.kept();
        // Takes what the remote has only if that goes on from what was pushed, or is it; tells so
        // by its exit code, and with --dry-run changes nothing.
        let spec = format!("{}:{kept}", self.head());
        let landed = git(self.root(), &["fetch", "--dry-run", "--quiet", "--no-tags", self.remote, &spec]);
        let words = ["push", "--no-follow-tags", self.remote, what];
        Step {
            guards: self.still_there().into_iter().collect(),
            proof: Some(Probe::command(landed, None)),
            proof_within: self.seen.config.hotfix.proof_within,
            reach: Reach::Others,
            undo: Undo::Irreversible { why: "others may have it: flightdeck rollback reverts it".to_owned() },
            ..Step::new(
                format!("push it to {} as {}", visible(self.remote), visible(self.base)),
                Action::Command(git(self.root(), &words)),
                NETWORK_TIMEOUT,
            )
        }
    }

    /// The remote has moved on: rebased and tested beside the work tree, so that nobody's files are
    /// touched.
    fn rebased(&self) -> Vec<Step> {
        let (root, scratch, kept) = (self.root(), self.fix.scratch.as_str(), self.kept());
        let tidy = || git(root, &["worktree", "remove", "--force", scratch]);
        let mut steps = vec![
            Step {
                guards: self.still_there().into_iter().collect(),
                proof: Some(is_at(root, &format!("{kept}-before"), self.local)),
                retry_is_safe: true,
                ..Step::new(
                    "save the commits as they are",
                    Action::Command(git(root, &["update-ref", &format!("{kept}-before"), self.local])),
                    GIT_TIMEOUT,
                )
            },
            Step {
                proof: Some(Probe::command(
                    git(root, &["-C", scratch, "rev-parse", "--verify", "HEAD"]),
                    Some(self.local.to_owned()),
                )),
                undo: Undo::By { action: Action::Command(tidy()), proof: None },
                ..Step::new(
                    format!("make a separate work tree at {}", short(self.local)),
                    Action::Command(git(root, &["worktree", "add", "-B", &self.own(), scratch, self.local])),
                    GIT_TIMEOUT,
                )
            },
            self.rebase(scratch),
            self.keep(scratch, &kept),
        ];
        steps.extend(self.checks(scratch));
        steps.push(Step {
            on_failure: OnFailure::GoOn,
            ..Step::new("remove the work tree", Action::Command(tidy()), GIT_TIMEOUT)
        });
        steps.push(Step {
            on_failure: OnFailure::GoOn,
            ..Step::new(
                "remove its branch",
                Action::Command(git(root, &["branch", "-D", "--", &self.own()])),
                GIT_TIMEOUT,
            )
        });
        steps.push(self.push(&format!("{kept}:{}", self.head())));
        steps.extend(self.brings_along());
        steps
    }

    fn rebase(&self, scratch: &str) -> Step {
        // Nobody is asked for words: those of the commits stay.
        let rebase = |word: &str| git(scratch, &["-c", "core.editor=true", "rebase", word]);
        Step {
            proof: Some(self.is_rebased(scratch)),
            settle: Some(Settle {
                place: scratch.to_owned(),
                left: git(scratch, &["diff", "--name-only", "--diff-filter=U"]),
                conclude: rebase("--continue"),
            }),
            ..Step::new(
                format!("rebase onto {}", short(self.there)),
                Action::Command(rebase(self.there)),
                GIT_TIMEOUT,
            )
        }
    }

    /// Asks whether the branch of its own goes on from what the remote has.
    fn is_rebased(&self, cwd: &str) -> Probe {
        goes_on_from(cwd, self.there, &format!("refs/heads/{}", self.own()))
    }

    fn keep(&self, scratch: &str, kept: &str) -> Step {
        let own = format!("refs/heads/{}", self.own());
        Step {
            guards: vec![Guard {
                title: format!("the result goes on from {}", short(self.there)),
                probe: self.is_rebased(scratch),
            }],
            proof: Some(goes_on_from(scratch, &own, kept)),
            retry_is_safe: true,
            ..Step::new(
                "save the result",
                Action::Command(git(scratch, &["update-ref", kept, &own])),
                GIT_TIMEOUT,
            )
        }
    }

    /// Every configured check, on what was rebased.
    fn checks(&self, scratch: &str) -> Vec<Step> {
        let set = [("FLIGHTDECK_REF".to_owned(), self.base.to_owned())];
        let checks = self.seen.config.checks.iter().filter(|check| !check.command.is_empty());
        checks
            .map(|check| {
                let command = Command {
                    argv: check.command.clone(),
                    cwd: scratch.to_owned(),
                    env: check.env.clone(),
                    set: set.clone().into(),
                };
                Step {
                    retry_is_safe: true,
                    ..Step::new(
                        format!("check {} on the result", visible(&check.name)),
                        Action::Command(command),
                        check.timeout,
                    )
                }
            })
            .collect()
    }

    /// The base here is brought to what was pushed, where nothing of the user's is in the way.
    fn brings_along(&self) -> Option<Step> {
        let (root, kept) = (self.root(), self.kept());
        if (self.is_on() && self.seen.state.is_dirty()) || (!self.is_on() && self.fix.is_taken) {
            return None;
        }
        let head = self.head();
        let (there, back) = if self.is_on() {
            (git(root, &["reset", "--keep", &kept]), git(root, &["reset", "--keep", self.local]))
        } else {
            let move_to = |to: &str, from: &str| git(root, &["update-ref", &head, to, from]);
            (move_to(&kept, self.local), move_to(self.local, &kept))
        };
        Some(Step {
            guards: vec![Guard {
                title: format!("{} here is still {}", visible(self.base), short(self.local)),
                probe: is_at(root, &head, self.local),
            }],
            proof: Some(goes_on_from(root, &kept, &head)),
            undo: Undo::By { action: Action::Command(back), proof: Some(is_at(root, &head, self.local)) },
            ..Step::new(
                format!("bring {} here to what was pushed", visible(self.base)),
                Action::Command(there),
                GIT_TIMEOUT,
            )
        })
    }
}

/// Asks whether one commit is in another.
fn goes_on_from(cwd: &str, commit: &str, other: &str) -> Probe {
    Probe::command(git(cwd, &["merge-base", "--is-ancestor", commit, other]), None)
}

#[cfg(test)]
mod tests;
