//! The share of users that a canary has reached, and one that stays there after its plan has ended.

use super::super::body::{Outcome, PlanEnd};
use super::{PlanRun, PlanState, Release, State, StepRun, StepState};

const STEP: &str = "canary at ";

/// The title of the step that gives a canary this share of users.
pub fn share_title(percent: u8) -> String {
    let all = if percent == 100 { ": all traffic" } else { "" };
    format!("{STEP}{percent} %{all}")
}

fn share_of(title: &str) -> Option<u8> {
    title.strip_prefix(STEP)?.split_once(" %")?.0.parse().ok()
}

/// What undoing back to and including the last of these steps comes to, where it is the share of a
/// canary: `canary back at 0 %`.
pub fn share_before<'a>(titles: impl Iterator<Item = &'a str>) -> Option<String> {
    let shares: Vec<Option<u8>> = titles.map(share_of).collect();
    let (last, before) = shares.split_last()?;
    (*last)?;
    let left = before.iter().rev().find_map(|share| *share).unwrap_or(0);
    Some(format!("canary back at {left} %"))
}

/// How a canary ended that was taken back for what was seen of it, from why its plan ended: `canary undone, back at
/// 0 %: newest release 58.3 % (max 10 %)`. `None`: it ended otherwise.
pub fn canary_undone(why: &str) -> Option<String> {
    let (_, rest) = why.split_once("undone, canary back at ")?;
    let (percent, rest) = rest.split_once(" %")?;
    let mut said: Vec<&str> = rest.split(": ").filter(|clause| !clause.is_empty()).collect();
    // Which look it was stands in the plan.
    if said.len() > 1 && said[0].ends_with(" failed") {
        said.remove(0);
    }
    let number = said.last().is_some_and(|last| last.starts_with(|c: char| c.is_ascii_digit()));
    let seen = match said.as_slice() {
        [.., probe, value] if number => {
            format!("{} {value}", probe.strip_suffix(" is failing").unwrap_or(probe))
        }
        _ => said.join(": "),
    };
    let colon = if seen.is_empty() { "" } else { ": " };
    Some(format!("canary undone, back at {percent} %{colon}{seen}"))
}

/// A canary whose plan has ended, and that still has a share of the users.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Share<'a> {
    /// The plan that gave it to it.
    pub plan: &'a PlanRun,
    /// The share.
    pub percent: u8,
    /// Whether that is known; otherwise a command that sets it was cut short, or nobody could tell.
    pub is_known: bool,
}

impl Share<'_> {
    /// What is tried out beside what is `live`, how far, and what became of its plan: `canary v1.4.3 50 %, stopped`.
    pub fn words(&self, live: Option<&str>) -> String {
        let how = match self.plan.state {
            PlanState::Ended(PlanEnd::Done) | PlanState::Running | PlanState::Waiting => "left there",
            PlanState::Ended(_) => self.plan.state.word(),
        };
        let about = if self.is_known { "" } else { "?" };
        format!("canary {} {}{about} %, {how}", self.plan.brings_beside(live), self.percent)
    }

    /// What to do about it: `continue or undo the canary: v1.4.3 still has 50 % of production`.
    pub fn title(&self, live: Option<&str>) -> String {
        let act = if self.plan.is_done() { "undo" } else { "continue or undo" };
        format!("{act} the canary: {}", self.has(live))
    }

    /// How far it came: `v1.4.3 still has 50 % of production`.
    pub fn has(&self, live: Option<&str>) -> String {
        let (what, percent, target) = (self.plan.brings_beside(live), self.percent, &self.plan.target);
        if self.is_known {
            format!("{what} still has {percent} % of {target}")
        } else {
            format!("{what} may still have up to {percent} % of {target}")
        }
    }

    /// Whether somebody tried to take it back, and it did not work.
    pub fn resists(&self) -> bool {
        self.plan.steps.iter().any(|step| share_of(&step.title).is_some() && step.undo.is_some())
    }
}

impl State {
    /// Names what a canary brings, told apart from what was live before it: once everybody has it, that is live
    /// itself.
    pub fn canary(&self, plan: &PlanRun, live: Option<&str>) -> String {
        let Some(own) = self.releases.iter().position(|release| release.plan == plan.id) else {
            return plan.brings_beside(live);
        };
        let before = self.releases[..own].iter().rfind(|release| release.environment == plan.target);
        plan.brings_beside(before.map(Release::name).as_deref())
    }
}

impl PlanRun {
    /// Tells whether it turns a flag, from the list of flags or as a way back.
    pub fn is_flag(&self) -> bool {
        self.purpose == "flag" || (self.purpose == "rollback" && self.target.starts_with("flag:"))
    }

    /// Tells whether it brings something to an environment, or takes that back.
    pub fn is_deploy(&self) -> bool {
        ["deploy", "rollback"].contains(&self.purpose.as_str())
    }

    /// Tells whether it changes what users get.
    pub fn reaches_users(&self) -> bool {
        self.is_flag() || (self.is_deploy() && self.is_production())
    }

    /// Tells whether it reverts and pushes, and leaves deploying that to a later one.
    pub fn only_pushes(&self) -> bool {
        let is_revert = self.spec.get("way").is_some_and(|way| way == "revert");
        let steps = self.spec.get("steps").and_then(|steps| steps.as_array()).into_iter().flatten();
        let mut actions = steps.filter_map(|step| step.get("action"));
        // What the push starts by itself is followed, and is no release of the plan before it is there.
        let deploys = |action: &serde_json::Value| {
            action.get("kind").is_some_and(|kind| kind == "pipeline")
                && action.get("environment").is_some_and(|name| *name == self.target)
        };
        is_revert && self.spec.get("release").is_none_or(serde_json::Value::is_null) && !actions.any(deploys)
    }

    /// The share of users that its canary is at, or is about to be; `None`: it has none yet.
    pub fn share(&self) -> Option<u8> {
        let mut begun = self.steps.iter().rev().filter(|step| step.run.is_some() || step.waiting.is_some());
        begun.find_map(|step| share_of(&step.title))
    }

    /// What people call what it brings, as [`Release::name`] does once it is there.
    pub fn brings(&self) -> String {
        let of =
            |place: &str, key: &str| self.spec.get(place)?.get(key)?.as_str().filter(|it| !it.is_empty());
        let named = |key| of("label", key).or_else(|| of("release", key));
        let either = |key| of("release", key).or_else(|| of("subject", key));
        let (commit, reference) = (either("commit"), either("reference"));
        let short = commit.map(|commit| commit.get(..7).unwrap_or(commit));
        let reference = reference.filter(|name| commit.is_none_or(|commit| !commit.starts_with(name)));
        match (named("tag"), reference, short) {
            (Some(tag), ..) => tag.to_owned(),
            (None, Some(reference), Some(short)) => format!("{reference} ({short})"),
            (None, Some(reference), None) => reference.to_owned(),
            (None, None, short) => named("version").or(short).unwrap_or("an unnamed commit").to_owned(),
        }
    }

    /// The same beside what is live: where both are called alike it is its commit.
    pub fn brings_beside(&self, live: Option<&str>) -> String {
        let bare = |name: &str| name.trim_start_matches('v').to_owned();
        let name = self.brings();
        if live.is_none_or(|live| bare(live) != bare(&name)) {
            return name;
        }
        let of = |place: &str| self.spec.get(place)?.get("commit")?.as_str()?.get(..7);
        of("release").or_else(|| of("subject")).map_or(name, str::to_owned)
    }

    /// The share that is in force as far as its steps tell, and whether that is known.
    fn in_force(&self) -> Option<(u8, bool)> {
        self.steps.iter().rev().find_map(|step| {
            let percent = share_of(&step.title)?;
            match step.fate() {
                StepState::Done => Some((percent, true)),
                StepState::Unknown | StepState::Running => Some((percent, false)),
                StepState::Failed if was_cut_short(step) => Some((percent, false)),
                _ => None,
            }
        })
    }
}

/// Whether its command may have set the share before it was ended.
fn was_cut_short(step: &StepRun) -> bool {
    let signalled = |outcome: &Outcome| matches!(outcome, Outcome::Signalled { .. });
    let outcome = step.run.as_ref().and_then(|run| run.outcome.as_ref());
    step.proof.is_none() && outcome.is_some_and(signalled)
}

impl State {
    /// The canary that was left with a share of the users of an environment: its plan has ended, it was
    /// neither taken back nor brought to everybody, and nothing was brought there since.
    pub fn share_left(&self, environment: &str) -> Option<Share<'_>> {
        self.shares_left().find(|share| share.plan.target == environment)
    }

    /// All of them, the newest first.
    pub fn shares_left(&self) -> impl Iterator<Item = Share<'_>> {
        self.plans.iter().enumerate().rev().filter_map(|(index, plan)| {
            let ended = plan.purpose == "deploy" && !plan.state.is_under_way();
            let (percent, is_known) = plan.in_force().filter(|_| ended)?;
            let is_there = percent == 100 && is_known;
            (!is_there && !self.settled_since(index, plan)).then_some(Share { plan, percent, is_known })
        })
    }

    /// Whether something settled since what users of its target get: another release, a rollback, or
    /// another canary.
    fn settled_since(&self, index: usize, plan: &PlanRun) -> bool {
        let since = plan.ended_at.unwrap_or(plan.started_at);
        let released = self.releases.iter().any(|release| {
            release.environment == plan.target && release.plan != plan.id && release.at >= since
        });
        released
            || self.plans.iter().skip(index + 1).filter(|later| later.target == plan.target).any(|later| {
                let back = later.purpose == "rollback" && later.is_done() && !later.only_pushes();
                let set = |step: &StepRun| {
                    share_of(&step.title).is_some()
                        && matches!(step.fate(), StepState::Done | StepState::Undone | StepState::Unknown)
                };
                back || later.steps.iter().any(set)
            })
    }
}
