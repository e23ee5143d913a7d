//! A fix that was finished, and that production does not have yet.

use jiff::Timestamp;

use super::plans::PlanRun;
use super::{Release, State, WatchVerdict};

const TAGGED: &str = "tag that merge as ";

/// The title of the step that tags the fix.
pub fn tag_title(tag: &str) -> String {
    format!("{TAGGED}{tag}")
}

/// A fix that was brought to where production is deployed from, while production has it not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finished {
    /// As what: `finished as v1.4.3`, `merged into main`.
    pub name: String,
    /// The tag, or “the fix” where there is none.
    pub fix: String,
    /// The branches that it was merged into, as far as is known.
    pub branches: Vec<String>,
    /// Whether production had it, and was rolled back.
    pub was_taken_back: bool,
    /// Whether it failed its watch there.
    pub failed: bool,
}

impl Finished {
    /// Where it is not: `not in production yet`.
    pub fn lacks(&self, production: &str) -> String {
        if self.was_taken_back {
            format!("not in {production}: rolled back")
        } else {
            format!("not in {production} yet")
        }
    }

    /// Says that it is merged although it was taken back, and what to do; `None`: it was not.
    pub fn is_merged_still(&self, production: &str) -> Option<String> {
        // What is on no branch any more was reverted.
        if !self.was_taken_back || self.branches.is_empty() {
            return None;
        }
        let place = match self.branches.as_slice() {
            [] => String::new(),
            [one] => format!("on {one}"),
            [first @ .., last] => format!("on {} and {last}", first.join(", ")),
        };
        let (fix, how) = (&self.fix, if self.failed { "failed" } else { "was rolled back" });
        Some(format!(
            "{fix} is {place} but {how} in {production}: revert it or fix it before the next release"
        ))
    }
}

impl State {
    /// Since when there is to be no hotfix, as decided. Whoever begins one all the same, or deploys to production, has
    /// thought better of it.
    pub fn without_hotfix(&self) -> Option<Timestamp> {
        let (decided, _) = self.no_hotfix.as_ref()?;
        let given_up = |plan: &PlanRun| ["abandon", "fetch"].iter().any(|what| plan.id.starts_with(what));
        let is_fix = |plan: &PlanRun| match plan.purpose.as_str() {
            "hotfix" => !given_up(plan),
            purpose => purpose == "deploy" && plan.is_production(),
        };
        let begun = self.plans.iter().any(|plan| plan.started_at > *decided && is_fix(plan));
        (!begun).then_some(*decided)
    }

    /// What production was put back to while no fix has followed and one is to come; `None`: it is not like that.
    pub fn back_without_fix(&self) -> Option<&Release> {
        let elsewhere = |release: &&Release| !self.plan(&release.plan).is_none_or(PlanRun::is_production);
        let live = self.releases.iter().rev().find(|release| !elsewhere(release))?;
        let is_back = live.rollback && live.at >= self.declared_at;
        (is_back && self.no_hotfix.is_none()).then_some(live)
    }

    /// The branch that an environment runs as the fix while nobody is on record to have finished it, and the branch it
    /// was started from: the next release from there has it not.
    pub fn unmerged_fix(&self, production: &str) -> Option<(&str, &str)> {
        let live = self.releases.iter().rfind(|release| release.environment == production)?;
        if live.rollback || live.at < self.declared_at || live.plan.is_empty() {
            return None;
        }
        let started = |plan: &PlanRun| is_start(plan) && plan.is_done();
        let start = self.plans.iter().rfind(|plan| started(plan) && plan.title.contains(&live.reference))?;
        let (branch, from) = start.title.strip_prefix("start ")?.split_once(" from ")?;
        let finished = self
            .plans
            .iter()
            .any(|plan| plan.is_finish() && plan.is_done() && plan.started_at > start.started_at);
        (branch == live.reference && !finished).then_some((branch, from.split(' ').next().unwrap_or(from)))
    }

    /// What became of a fix that turned out to be no good, in words that follow on “which”.
    pub fn what_became_of(&self, fix: &str) -> &'static str {
        let is_it = |release: &Release| release.name() == fix && !release.rollback;
        let back = |(at, it): (usize, &Release)| {
            self.releases[at + 1..].iter().any(|later| later.rollback && later.environment == it.environment)
        };
        let rolled_back = self.releases.iter().enumerate().filter(|(_, one)| is_it(one)).any(back);
        if rolled_back { "was rolled back" } else { "failed its watch" }
    }

    /// The fix that was finished last, unless an environment has it.
    pub fn finished_outside(&self, production: &str) -> Option<Finished> {
        let mut done = self.plans.iter().rev().filter(|plan| plan.is_done());
        let (plan, name) = done.find_map(|plan| Some((plan, finished(plan)?)))?;
        // The next fix is what is told of from then on.
        let begins = |one: &&PlanRun| is_start(one) && one.is_done() && one.started_at > plan.started_at;
        if self.plans.iter().any(|one| begins(&one)) {
            return None;
        }
        let mut since = self
            .releases
            .iter()
            .rev()
            .filter(|release| release.environment == production && release.at >= plan.started_at);
        let live = since.next();
        if live.is_some_and(|live| !live.rollback) {
            return None;
        }
        let taken_back = live.and_then(|_| since.find(|release| !release.rollback));
        // A revert that was pushed has taken it off the branches, too.
        let reverted = self.plans.iter().any(|one| {
            one.purpose == "rollback"
                && one.is_done()
                && one.only_pushes()
                && one.started_at > plan.started_at
        });
        let tag = plan.steps.iter().find_map(|step| step.title.strip_prefix(TAGGED));
        Some(Finished {
            name,
            fix: tag.unwrap_or("the fix").to_owned(),
            branches: if reverted { Vec::new() } else { merged(plan) },
            was_taken_back: taken_back.is_some(),
            failed: taken_back.is_some_and(|it| matches!(it.verdict, Some((_, WatchVerdict::Failed, _)))),
        })
    }
}

/// The branches that a plan merged the fix into.
fn merged(plan: &PlanRun) -> Vec<String> {
    let saved = plan.steps.iter().filter_map(|step| step.title.strip_prefix("save the merge into "));
    let saved: Vec<String> = saved.map(str::to_owned).collect();
    let base = || plan.spec.get("confirm").and_then(serde_json::Value::as_str).map(str::to_owned);
    if saved.is_empty() { base().into_iter().collect() } else { saved }
}

/// Whether a plan starts a hotfix.
fn is_start(plan: &PlanRun) -> bool {
    plan.purpose == "hotfix" && plan.id.starts_with("hotfix-")
}

/// As what a plan finished a fix; `None`: it did not.
fn finished(plan: &PlanRun) -> Option<String> {
    if !plan.is_finish() {
        return None;
    }
    if let Some(tag) = plan.steps.iter().find_map(|step| step.title.strip_prefix(TAGGED)) {
        return Some(format!("finished as {tag}"));
    }
    let merges = |step: &serde_json::Value| {
        step.pointer("/action/wanted/what").and_then(serde_json::Value::as_str) == Some("merge")
    };
    let steps = plan.spec.get("steps")?.as_array()?;
    let base = plan.spec.get("confirm")?.as_str()?;
    steps.iter().any(merges).then(|| format!("merged into {base}"))
}
