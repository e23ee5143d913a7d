//! Finishing by a pull request: what is left to do, as branch, remote and pull request stand.

use std::collections::BTreeMap;

use jiff::SignedDuration;

use super::super::forge::Found;
use super::super::pull::{CheckState, Pull, PullState};
use super::super::state::BranchState;
use super::abandon::delete_here;
use super::{GIT_TIMEOUT, NETWORK_TIMEOUT, TARGET, gate, git, is_at, remote_branch_is, short};
use crate::config::types::Config;
use crate::failure::{Failure, FailureKind, Result};
use crate::plan::forge::{ForgeCall, Place, Wanted};
use crate::plan::{Action, Plan, Probe, PullText, Purpose, Reach, SecretSource, Step, Subject, Undo};
use crate::text::visible;

/// How long opening or merging may take, with the time to wait for a limit to pass.
const FORGE_TIMEOUT: SignedDuration = SignedDuration::from_mins(5);
/// How long a merge may take to be seen: its place makes it in the background.
const SEEN_WITHIN: SignedDuration = SignedDuration::from_mins(1);
/// Files of a conflict that are named.
const MAX_FILES: usize = 20;

/// What is known when finishing is planned.
#[derive(Debug)]
pub struct Known<'a> {
    /// The configuration.
    pub config: &'a Config,
    /// The repository.
    pub state: &'a BranchState,
    /// The branch of the fix.
    pub branch: &'a str,
    /// Its commit here, as a full id.
    pub head: &'a str,
    /// The branch in production.
    pub base: &'a str,
    /// Name of the remote.
    pub remote: &'a str,
    /// The commit of the branch at the remote; `None`: it has none.
    pub there: Option<&'a str>,
    /// Whether all that the remote has of the branch is in the branch here.
    pub is_ahead: bool,
    /// Whether the base has all of it already, by whatever way it came there.
    pub landed: bool,
    /// The pull request, where one is known.
    pub forge: Option<Ask<'a>>,
    /// Files in which the branch conflicts with its base, as far as that could be found out.
    pub conflicts: Vec<String>,
    /// Other work trees that have the branch checked out.
    pub elsewhere: Vec<String>,
    /// Whether the base is a branch here that this work tree can switch to.
    pub base_is_here: bool,
}

/// What the place that keeps pull requests says, and how it is asked.
#[derive(Debug)]
pub struct Ask<'a> {
    /// Where.
    pub place: Place,
    /// Where the token comes from.
    pub token: SecretSource,
    /// The pull request that counts.
    pub found: Option<Found>,
    /// Whether all of the branch is in what that offers.
    pub has_all: bool,
    /// The words of one that has to be opened.
    pub text: &'a PullText,
}

/// The plan of what is left to do.
///
/// # Errors
/// Something is waited for that nobody here can do: says what. Or the branch is in no state for
/// it.
pub fn finish(known: &Known<'_>, id: &str) -> Result<Plan> {
    let doing = format!("finishing {}", visible(known.branch));
    let ask = known.forge.as_ref();
    let has_all = ask.is_some_and(|ask| ask.has_all);
    let found = ask.and_then(|ask| ask.found.as_ref()).filter(|found| {
        // What was merged or closed before is another matter once the branch went on.
        has_all || matches!(found.pull.state, PullState::Open | PullState::Draft)
    });
    match found.map(|found| &found.pull) {
        Some(pull @ Pull { state: PullState::Merged(landed), .. }) => {
            return Ok(tidy(known, id, pull, landed.as_deref()));
        }
        None if known.landed => return Ok(tidy_unasked(known, id)),
        Some(pull @ Pull { state: PullState::Closed, .. }) => return Err(closed(&doing, known, pull)),
        _ => {}
    }
    if !known.is_ahead {
        return Err(gate(
            &doing,
            &format!("{} has commits of it that are not here", visible(known.remote)),
            "take them in first: git pull",
        ));
    }
    let pushes = known.is_new();
    let mut plan = Plan {
        frozen: BTreeMap::from([(format!("refs/heads/{}", known.branch), known.head.to_owned())]),
        subject: Some(Subject {
            reference: known.branch.to_owned(),
            commit: known.head.to_owned(),
            dirty: false,
        }),
        ..Plan::new(id, "", Purpose::Hotfix, TARGET)
    };
    if pushes {
        plan.steps.push(push(known));
    }
    match (ask, found) {
        (None, _) => {
            plan.title = format!("push {} to {}", visible(known.branch), visible(known.remote));
            plan.notes.push("finish again after that for the text of the pull request".to_owned());
        }
        (Some(ask), None) => {
            plan.title = format!(
                "open a {} of {} into {}",
                ask.place.pull_word(),
                visible(known.branch),
                visible(known.base)
            );
            plan.steps.push(open(known, ask));
            plan.secrets.push(ask.token.clone());
            plan.notes.extend(conflict_note(known));
        }
        (Some(ask), Some(found)) if pushes => {
            let name = ask.place.numbered(found.pull.number);
            plan.title = format!("push {} into {} {name}", visible(known.branch), ask.place.pull_word());
            plan.notes.push(format!("{} is open: {}", name, found.pull.url));
        }
        (Some(ask), Some(found)) => {
            ready(&doing, known, ask, found)?;
            merge(&mut plan, known, ask, found);
        }
    }
    plan.notes.extend(dirty_note(known));
    Ok(plan)
}

impl Known<'_> {
    /// Whether the branch has something that the remote does not.
    fn is_new(&self) -> bool {
        self.there != Some(self.head)
    }
}

/// What stays behind where files are changed: only commits go out.
fn dirty_note(known: &Known<'_>) -> Option<String> {
    let current = known.state.branch() == Some(known.branch);
    let count = known.state.dirty_count;
    let s = if count == 1 { "" } else { "s" };
    (current && known.state.is_dirty())
        .then(|| format!("{count} changed file{s} in the work tree do not go with it"))
}

fn conflict_note(known: &Known<'_>) -> Option<String> {
    (!known.conflicts.is_empty())
        .then(|| format!("it conflicts with {} in {}", visible(known.base), files(&known.conflicts)))
}

fn files(list: &[String]) -> String {
    let mut named: Vec<String> = list.iter().take(MAX_FILES).map(|file| visible(file).into_owned()).collect();
    if list.len() > MAX_FILES {
        named.push(format!("and {} more", list.len() - MAX_FILES));
    }
    named.join(", ")
}

/// Pushes exactly the branch: no force, and no tag.
fn push(known: &Known<'_>) -> Step {
    let (root, remote) = (known.state.root.as_str(), known.remote);
    let full = format!("refs/heads/{}", known.branch);
    let spec = format!("{full}:{full}");
    let command = git(root, &["push", "--no-follow-tags", "-u", remote, &spec]);
    Step {
        proof: Some(remote_branch_is(root, remote, known.branch, known.head, known.base)),
        proof_within: known.config.hotfix.proof_within,
        reach: Reach::Others,
        // What is there already is pushed again without any effect.
        retry_is_safe: true,
        undo: Undo::Irreversible { why: "others may have it".to_owned() },
        ..Step::new(
            format!("push {} {} to {}", visible(known.branch), short(known.head), visible(remote)),
            Action::Command(command),
            NETWORK_TIMEOUT,
        )
    }
}

fn forge_step(title: String, call: ForgeCall, why: &str) -> Step {
    Step {
        proof: Some(Probe::forge(&call)),
        proof_within: SEEN_WITHIN,
        reach: Reach::Others,
        // What is there is read first, and what is done is not done again.
        retry_is_safe: true,
        undo: Undo::Irreversible { why: why.to_owned() },
        ..Step::new(title, Action::Forge(Box::new(call)), FORGE_TIMEOUT)
    }
}

fn open(known: &Known<'_>, ask: &Ask<'_>) -> Step {
    let config = &known.config.hotfix.pull;
    let wanted = Wanted::Open {
        head: known.branch.to_owned(),
        commit: known.head.to_owned(),
        base: known.base.to_owned(),
        title: ask.text.title.clone(),
        body: ask.text.body.clone(),
        labels: config.labels.clone(),
        reviewers: config.reviewers.clone(),
    };
    let title = format!("open a {} into {}", ask.place.pull_word(), visible(known.base));
    let call = ForgeCall { place: ask.place.clone(), wanted };
    forge_step(title, call, "people were told of it; close it at the code host")
}

fn merge(plan: &mut Plan, known: &Known<'_>, ask: &Ask<'_>, found: &Found) {
    let number = found.pull.number;
    let name = format!("{} {}", ask.place.pull_word(), ask.place.numbered(number));
    let wanted = Wanted::Merge { number, commit: known.head.to_owned(), title: found.pull.title.clone() };
    let title = format!("merge {name} at {} into {} by squash", short(known.head), visible(known.base));
    let call = ForgeCall { place: ask.place.clone(), wanted };
    plan.title = format!("merge {name} of {} into {}", visible(known.branch), visible(known.base));
    plan.confirm = Some(known.base.to_owned());
    plan.steps.push(forge_step(title, call, "others may have it: revert it to undo it"));
    plan.steps.push(fetch(known, None));
    plan.secrets.push(ask.token.clone());
    let approved = &found.pull.approved_by;
    plan.notes.push(format!("approved by {}; {}", approved.join(", "), found.pull.url));
    plan.notes.push("finish again after that to delete the branch".to_owned());
}

/// Fetches what came of it. With the commit it landed as: proves that it is there.
fn fetch(known: &Known<'_>, landed: Option<&str>) -> Step {
    let root = known.state.root.as_str();
    let tracking = format!("refs/remotes/{}/{}", known.remote, known.base);
    let proof = landed
        .map(|commit| Probe::command(git(root, &["merge-base", "--is-ancestor", commit, &tracking]), None));
    Step {
        proof,
        retry_is_safe: true,
        ..Step::new(
            format!("fetch what {} has", visible(known.remote)),
            Action::Command(git(root, &["fetch", "--no-prune", known.remote])),
            NETWORK_TIMEOUT,
        )
    }
}

fn closed(doing: &str, known: &Known<'_>, pull: &Pull) -> Failure {
    let cause = format!("its pull request was closed without being merged: {}", pull.url);
    let hint = format!(
        "reopen it there; or commit something to {}, and finish opens another; or abandon the branch: flightdeck hotfix abandon",
        visible(known.branch)
    );
    gate(doing, &cause, &hint)
}

/// Refuses to merge what is not ready.
fn ready(doing: &str, known: &Known<'_>, ask: &Ask<'_>, found: &Found) -> Result<()> {
    let pull = &found.pull;
    let name = format!("{} {}", ask.place.pull_word(), ask.place.numbered(pull.number));
    if pull.head != known.head {
        let cause = format!("{name} still offers {}, not {}", short(&pull.head), short(known.head));
        return Err(gate(doing, &cause, "the code host has not seen the push yet; finish again in a moment"));
    }
    // Its place has the last word: it may know of a way to merge that we do not.
    if found.conflicts || (pull.mergeable != Some(true) && !known.conflicts.is_empty()) {
        let which = if known.conflicts.is_empty() {
            String::new()
        } else {
            format!(" in {}", files(&known.conflicts))
        };
        return Err(Failure::of(
            FailureKind::Held,
            doing,
            format!("{name} conflicts with {}{which}", visible(known.base)),
            format!(
                "merge {}/{} into {}, resolve the conflicts, commit, and finish again",
                visible(known.remote),
                visible(known.base),
                visible(known.branch)
            ),
        ));
    }
    let waits = waits(pull);
    if waits.is_empty() {
        return Ok(());
    }
    // What nobody here can read never gets done by waiting.
    let unreadable = pull.checks.iter().any(|check| check.name.ends_with(UNREADABLE));
    let hint = if unreadable {
        format!("let the token read checks and statuses; or merge it there, and finish again: {}", pull.url)
    } else {
        format!("{} — finish again when that is done", pull.url)
    };
    Err(gate(doing, &format!("{name} is open and waits: {}", waits.join("; ")), &hint))
}

/// The end of the name of checks that the token may not read.
pub const UNREADABLE: &str = "(the token has no permission to read them)";

/// What a pull request waits for before it may be merged, a few words each. Empty: for nothing.
pub fn waits(pull: &Pull) -> Vec<String> {
    let mut waits = Vec::new();
    if pull.state == PullState::Draft {
        waits.push("it is a draft".to_owned());
    }
    if !pull.changes_wanted_by.is_empty() {
        waits.push(format!("changes are wanted by {}", pull.changes_wanted_by.join(", ")));
    }
    if pull.approved_by.is_empty() {
        waits.push(if pull.waits_for.is_empty() {
            "nobody has approved it, and nobody is asked to".to_owned()
        } else {
            format!("nobody has approved it; asked: {}", pull.waits_for.join(", "))
        });
    }
    let words = [
        (CheckState::Failed, "failed"),
        (CheckState::Cancelled, "cancelled, which is not passed"),
        (CheckState::Running, "not done"),
        (CheckState::Waiting, "waiting for a person"),
    ];
    for (state, word) in words {
        let names: Vec<&str> = pull
            .checks
            .iter()
            .filter(|check| check.state == state)
            .map(|check| check.name.as_str())
            .collect();
        if !names.is_empty() {
            waits.push(format!("{word}: {}", names.join(", ")));
        }
    }
    match pull.mergeable {
        Some(true) => {}
        // What it says of a draft, approvals and checks is said already.
        Some(false) if !waits.is_empty() && !pull.held_by.starts_with("behind") => {}
        Some(false) if pull.held_by.is_empty() => waits.push("the code host refuses to merge it".to_owned()),
        Some(false) => waits.push(pull.held_by.clone()),
        None => waits.push("the code host does not say yet whether it can be merged".to_owned()),
    }
    waits
}

/// What is left after it was merged: fetching, and deleting the branch there and here, as long as
/// both are what was merged.
fn tidy(known: &Known<'_>, id: &str, pull: &Pull, landed: Option<&str>) -> Plan {
    let landed_as = landed.map_or_else(String::new, |commit| format!(" as {commit}"));
    let title =
        format!("tidy up: {} is merged into {}{landed_as}", visible(known.branch), visible(known.base));
    let mut plan = Plan::new(id, title, Purpose::Hotfix, TARGET);
    plan.notes.push(format!("merged{landed_as}: {}", pull.url));
    plan.steps.push(fetch(known, landed));
    delete(&mut plan, known, &pull.head);
    plan
}

/// The same where the base has all of it, and nobody told of a pull request.
fn tidy_unasked(known: &Known<'_>, id: &str) -> Plan {
    let (branch, base) = (visible(known.branch), visible(known.base));
    let mut plan = Plan::new(id, format!("tidy up: {base} has all of {branch}"), Purpose::Hotfix, TARGET);
    plan.notes.push(format!("{base} of {} has all of {branch}", visible(known.remote)));
    delete(&mut plan, known, known.head);
    plan
}

/// Deletes the branch there and here, as far as both are what was merged.
fn delete(plan: &mut Plan, known: &Known<'_>, merged: &str) {
    let (root, branch) = (known.state.root.as_str(), visible(known.branch));
    let full = format!("refs/heads/{}", known.branch);
    if let Some(there) = known.there {
        if there == merged {
            let lease = format!("--force-with-lease={full}:{there}");
            let command = git(root, &["push", "--no-follow-tags", &lease, known.remote, &format!(":{full}")]);
            let again = git(root, &["push", "--no-follow-tags", known.remote, &format!("{there}:{full}")]);
            let still = remote_branch_is(root, known.remote, known.branch, there, known.base);
            plan.steps.push(Step {
                proof: Some(Probe { negate: true, ..still.clone() }),
                proof_within: known.config.hotfix.proof_within,
                reach: Reach::Others,
                undo: Undo::By { action: Action::Command(again), proof: Some(still) },
                ..Step::new(
                    format!("delete {branch} at {}, if it still is {}", visible(known.remote), short(there)),
                    Action::Command(command),
                    NETWORK_TIMEOUT,
                )
            });
        } else {
            plan.notes.push(format!(
                "{branch} stays at {}: it is at {} there, and {} is what was merged",
                visible(known.remote),
                short(there),
                short(merged)
            ));
        }
    }
    if let Some(why) = stays(known) {
        plan.notes.push(format!("{branch} stays here: {why}"));
        return;
    }
    plan.frozen.insert(full.clone(), known.head.to_owned());
    if known.state.branch() == Some(known.branch) {
        plan.steps.push(switch(known));
    }
    plan.steps.push(delete_here(root, known.branch, known.head));
}

/// Leaves the branch for the base as it is here, else for what was fetched of it.
fn switch(known: &Known<'_>) -> Step {
    let root = known.state.root.as_str();
    let tracking = format!("refs/remotes/{}/{}", known.remote, known.base);
    let still = git(root, &["symbolic-ref", "--quiet", "HEAD"]);
    let (to, words, proof) = if known.base_is_here {
        let on = Probe::command(still, Some(format!("refs/heads/{}", known.base)));
        (known.base, vec!["switch", "--no-guess", known.base], on)
    } else {
        // On no branch it says nothing and exits 1.
        let off = Probe { negate: true, ..Probe::command(still, None) };
        (tracking.as_str(), vec!["switch", "--detach", tracking.as_str()], off)
    };
    let back = git(root, &["switch", "--no-guess", known.branch]);
    Step {
        proof: Some(proof),
        retry_is_safe: true,
        undo: Undo::By { action: Action::Command(back), proof: Some(is_at(root, "HEAD", known.head)) },
        ..Step::new(format!("switch to {}", visible(to)), Action::Command(git(root, &words)), GIT_TIMEOUT)
    }
}

/// Why the branch is not deleted here; `None`: it can be.
fn stays(known: &Known<'_>) -> Option<String> {
    let state = known.state;
    let current = state.branch() == Some(known.branch);
    if let Some(place) = known.elsewhere.first() {
        Some(format!("it is checked out in {}", visible(place)))
    } else if current && state.dirty_count > 0 {
        Some("it is checked out, and files are changed".to_owned())
    } else if current && state.operation.is_some() {
        Some("it is checked out, in the middle of something".to_owned())
    } else {
        None
    }
}

#[cfg(test)]
mod tests;
