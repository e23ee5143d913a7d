//! Starting a hotfix: from what the remote has now, never from a stale base.

use std::collections::BTreeMap;

use super::super::remote::Remote;
use super::super::state::BranchState;
use super::seen::{Base, Seen};
use super::{
    GIT_TIMEOUT, TARGET, bad_name, check_at_rest, check_name, commits, gate, git, is_at, no_base, short,
    trunk,
};
use crate::config::types::{FLOW_SETTING, Flow, FlowFrom, Hotfix};
use crate::failure::Result;
use crate::plan::{Action, Guard, Plan, Probe, Purpose, Step};
use crate::text::visible;

/// Other work that is open, to be mentioned.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Others {
    /// Hotfix branches whose commits are not all in the base: their names, and whether only the
    /// remote has them.
    pub hotfixes: Vec<(String, bool)>,
    /// Open release branches.
    pub releases: Vec<String>,
    /// Release branches of which nobody can tell whether they are open.
    pub unknown: Vec<String>,
    /// Ids of the incidents that are open.
    pub incidents: Vec<String>,
    /// What would go out with the fix; `None`: nothing, or nobody can tell.
    pub unshipped: Option<Unshipped>,
}

/// Commits of the base that an environment does not run: a branch that starts from the base brings them along.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Unshipped {
    /// The environment.
    pub environment: String,
    /// The tag that is live there, else the first letters of its commit.
    pub live: String,
    /// The newest ones: short id, subject, author, and whether it was rolled back there.
    pub commits: Vec<(String, String, String, bool)>,
    /// How many there are in all.
    pub all: usize,
    /// How many of them were rolled back there.
    pub rolled_back: usize,
}

impl Unshipped {
    /// That they come along, in a line.
    fn warning(&self, what: &str) -> String {
        let (all, environment, live) = (commits(self.all), visible(&self.environment), visible(&self.live));
        let rolled_back = match self.rolled_back {
            0 => String::new(),
            back if back == self.all => {
                format!("; {} rolled back there", if back == 1 { "it was" } else { "all were" })
            }
            1 => "; 1 of them was rolled back there".to_owned(),
            back => format!("; {back} of them were rolled back there"),
        };
        format!("{what} brings {all} that {environment} ({live}) does not run{rolled_back}")
    }

    /// Which they are, a line each.
    fn named(&self) -> impl Iterator<Item = String> {
        let more = self.all.saturating_sub(self.commits.len());
        let named = self.commits.iter().map(|(id, subject, author, was_back)| {
            let back = if *was_back { ", rolled back" } else { "" };
            format!("  {id} {subject} ({author}{back})")
        });
        named.chain((more > 0).then(|| format!("  and {more} more")))
    }
}

/// The plan of `hotfix start`: makes the branch at the commit that the base is at now, and switches
/// to it. What the remote has and is not here is fetched first. A branch of that name that only the
/// remote has is taken up. In the trunk flow there is no branch: the base is brought up to date.
/// A prefix given with the name is taken for what it is.
///
/// # Errors
/// The name cannot be that of a branch, the branch exists here, or the repository is in no state to
/// make one: says which and what to do.
pub fn start(seen: &Seen<'_>, name: &str, others: &Others) -> Result<Plan> {
    let hotfix = &seen.config.hotfix;
    if hotfix.flow == Flow::Trunk {
        let mut plan = trunk::start(seen)?;
        // The base stays when the fix is out: what was chosen for it ends with the incident.
        let base = seen.base.as_ref();
        plan.steps.extend(base.and_then(|base| remember(seen, &base.name, &others.incidents)));
        if let (Some(base), Some(unshipped)) = (base, &others.unshipped) {
            plan.warnings.push(unshipped.warning(&format!("a deploy of {}", visible(&base.name))));
            plan.notes.push("these go out with the fix:".to_owned());
            plan.notes.extend(unshipped.named());
        }
        return Ok(plan);
    }
    let branch = branch_name(hotfix, name)?;
    let doing = format!("starting {}", visible(&branch));
    check_repository(&doing, seen.state, &branch)?;
    let Some(base) = &seen.base else { return Err(no_base(seen.config, &doing)) };
    let mut plan = if let Some(commit) = seen.there(&branch).map(str::to_owned) {
        take_up(seen, &branch, &commit)
    } else {
        let mut plan = make(seen, &doing, base, &branch)?;
        if let Some(unshipped) = &others.unshipped {
            plan.warnings.push(unshipped.warning("this branch"));
            let start = git(&seen.state.root, &["switch", "--no-track", "-c", &branch, &unshipped.live]);
            plan.notes.push(format!(
                "to ship the fix without them: {}, then deploy that branch",
                visible(&start.line())
            ));
            plan.notes.push(format!("from {}, with the fix:", visible(&base.name)));
            plan.notes.extend(unshipped.named());
        }
        plan
    };
    plan.notes.extend(notes(seen, &branch, others));
    plan.steps.extend(remember(seen, &branch, &[]));
    Ok(plan)
}

/// Keeps a flow that somebody asked for with the branch, in the git settings: finishing follows it. It
/// goes when the branch does, or holds as long as one of these incidents is open.
fn remember(seen: &Seen<'_>, branch: &str, incidents: &[String]) -> Option<Step> {
    let hotfix = &seen.config.hotfix;
    let root = &seen.state.root;
    let words: Vec<&str> =
        std::iter::once(hotfix.flow.name()).chain(incidents.iter().map(String::as_str)).collect();
    let (key, value) = (format!("branch.{branch}.{FLOW_SETTING}"), words.join(" "));
    let until = if incidents.is_empty() { "" } else { " while the incident is open" };
    (hotfix.flow_from == FlowFrom::Asked).then(|| Step {
        proof: Some(Probe::command(git(root, &["config", "--get", &key]), Some(value.clone()))),
        retry_is_safe: true,
        ..Step::new(
            format!("remember {} for {}{until}", hotfix.flow.title(), visible(branch)),
            Action::Command(git(root, &["config", "--replace-all", &key, &value])),
            GIT_TIMEOUT,
        )
    })
}

/// The name of the branch that a name given by a person stands for.
///
/// # Errors
/// It cannot be that of a branch: says why.
pub fn branch_name(hotfix: &Hotfix, name: &str) -> Result<String> {
    let name = name.strip_prefix(hotfix.prefix.as_str()).filter(|rest| !rest.is_empty()).unwrap_or(name);
    let branch = format!("{}{name}", hotfix.prefix);
    let doing = format!("starting {}", visible(&branch));
    check_name(name).map_err(|why| bad_name(&doing, why))?;
    check_name(&branch).map_err(|why| bad_name(&doing, why))?;
    Ok(branch)
}

/// Where a new branch starts.
struct From {
    commit: String,
    /// As it is called: `main`, `origin/main`.
    name: String,
    /// The reference that it was read from, where that is there already.
    reference: Option<String>,
}

fn source(seen: &Seen<'_>, doing: &str, base: &Base) -> Result<From> {
    let local = || {
        let commit = base.local.clone().ok_or_else(|| no_base(seen.config, doing))?;
        let reference = Some(format!("refs/heads/{}", base.name));
        Ok(From { commit, name: base.name.clone(), reference })
    };
    let Some(commit) = base.there.clone() else { return local() };
    let kept = seen.kept(&base.name);
    let is_kept = kept.is_some_and(|kept| kept.commit.as_ref() == Some(&commit));
    let reference = kept.filter(|_| is_kept).map(|kept| kept.reference.clone());
    let remote = seen.remote.name().unwrap_or_default();
    let name = match kept {
        _ if base.local.as_ref() == Some(&commit) => base.name.clone(),
        Some(kept) => kept.short().to_owned(),
        None => format!("{remote}/{}", base.name),
    };
    Ok(From { commit, name, reference })
}

fn make(seen: &Seen<'_>, doing: &str, base: &Base, branch: &str) -> Result<Plan> {
    let from = source(seen, doing, base)?;
    let (root, at) = (&seen.state.root, short(&from.commit));
    let mut steps: Vec<Step> = Vec::new();
    steps.extend(base.there.as_ref().and_then(|there| seen.fetch_step(&base.name, there)));
    steps.push(Step {
        proof: Some(is_at(root, &format!("refs/heads/{branch}"), &from.commit)),
        ..Step::new(
            format!("make {branch} at {at} and switch to it"),
            Action::Command(git(root, &["switch", "--no-track", "-c", branch, &from.commit])),
            GIT_TIMEOUT,
        )
    });
    let title = format!("start {branch} from {} {at}{}", visible(&from.name), carried(seen.state));
    Ok(Plan {
        frozen: from.reference.map(|reference| (reference, from.commit)).into_iter().collect(),
        notes: seen.base_notes("the branch starts from there"),
        steps,
        ..Plan::new(seen.id, title, Purpose::Hotfix, TARGET)
    })
}

/// Somebody else made the branch: it is gone on with.
fn take_up(seen: &Seen<'_>, branch: &str, commit: &str) -> Plan {
    let (root, at) = (&seen.state.root, short(commit));
    let remote = seen.remote.name().unwrap_or_default();
    let fetch = seen.fetch_step(branch, commit);
    let mut frozen = BTreeMap::new();
    let switch = match seen.kept(branch) {
        Some(kept) => {
            if fetch.is_none() {
                frozen.insert(kept.reference.clone(), commit.to_owned());
            }
            // By its short name: git takes no other for a branch that can be followed.
            let switch = git(root, &["switch", "-c", branch, "--track", kept.short()]);
            let still = is_at(root, &kept.reference, commit);
            (switch, vec![Guard { title: format!("{} is {at}", visible(kept.short())), probe: still }])
        }
        None => (git(root, &["switch", "--no-track", "-c", branch, commit]), Vec::new()),
    };
    let step = Step {
        guards: switch.1,
        proof: Some(is_at(root, &format!("refs/heads/{branch}"), commit)),
        ..Step::new(format!("take up {branch} at {at}"), Action::Command(switch.0), GIT_TIMEOUT)
    };
    let title = format!("continue {branch} of {} at {at}{}", visible(remote), carried(seen.state));
    Plan {
        frozen,
        notes: vec![format!("{} has {branch} already: you continue from there", visible(remote))],
        steps: fetch.into_iter().chain([step]).collect(),
        ..Plan::new(seen.id, title, Purpose::Hotfix, TARGET)
    }
}

/// Forgets a flow that is kept with a branch that stays: the base.
pub fn forget(root: &str, branch: &str) -> Step {
    let key = format!("branch.{branch}.{FLOW_SETTING}");
    let kept = Probe::command(git(root, &["config", "--get-all", &key]), None);
    Step {
        proof: Some(Probe { negate: true, ..kept }),
        retry_is_safe: true,
        ..Step::new(
            format!("forget the flow that {} was started with", visible(branch)),
            Action::Command(git(root, &["config", "--unset-all", &key])),
            GIT_TIMEOUT,
        )
    }
}

fn carried(state: &BranchState) -> String {
    match state.dirty_count {
        0 => String::new(),
        1 => "; 1 changed file comes along".to_owned(),
        n => format!("; {n} changed files come along"),
    }
}

fn notes(seen: &Seen<'_>, branch: &str, others: &Others) -> Vec<String> {
    let mut notes = seen.remote.notes(seen.now);
    for (name, only_there) in others.hotfixes.iter().filter(|(name, _)| name != branch) {
        let place = match seen.remote {
            Remote::Known(_) | Remote::Silent { .. } if *only_there => {
                format!(", only at {}", visible(seen.remote.name().unwrap_or_default()))
            }
            _ => String::new(),
        };
        notes.push(format!("another hotfix is open: {}{place}", visible(name)));
    }
    for release in &others.releases {
        notes.push(format!("{} is open: the fix also goes there", visible(release)));
    }
    for release in &others.unknown {
        notes.push(format!("{} may be open: fetching will tell", visible(release)));
    }
    notes
}

fn check_repository(doing: &str, state: &BranchState, branch: &str) -> Result<()> {
    check_at_rest(doing, state)?;
    let known = || state.hotfix_branches.iter().chain(&state.deployable);
    if known().any(|name| name == branch) {
        return Err(gate(
            doing,
            "a branch or tag of that name exists already",
            &format!("choose another name, or switch to it: git switch {branch}"),
        ));
    }
    // git keeps a branch in a file: `hotfix` and `hotfix/x` cannot both exist.
    let clash = known().find(|name| is_folder_of(name, branch) || is_folder_of(branch, name));
    if let Some(clash) = clash {
        return Err(gate(
            doing,
            &format!("git cannot keep it beside the branch or tag {}", visible(clash)),
            "choose another name",
        ));
    }
    Ok(())
}

fn is_folder_of(folder: &str, name: &str) -> bool {
    name.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
}

#[cfg(test)]
mod tests;
