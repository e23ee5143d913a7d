//! A fix that was finished, and that production does not have yet.

use super::State;
use super::plans::PlanRun;

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
    /// Whether production had it, and was rolled back.
    pub was_taken_back: bool,
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
}

impl State {
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
        Some(Finished { name, was_taken_back: live.is_some() && since.any(|release| !release.rollback) })
    }
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
