//! What a newcomer should try next in a drill: one line at a time. Pure.
//!
//! It follows the same record as everything else, so it can be left at any point and taken
//! up again, by keys or by verbs.

use super::scenario::Scenario;
use crate::incident::{CheckState, EntryKind, Facts, PlanEnd, PlanRun, PlanState, State, Status};

/// One line of the guide.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GuideLine {
    /// What to do and why, in one sentence or two.
    pub text: String,
    /// The command that does it: an id of the command table.
    pub action: &'static str,
    /// What the command acts on, where there is a choice: `staging`; may be empty.
    pub argument: String,
}

/// The line for where the drill stands; `None` once there is nothing left to show. Without a
/// state no incident was declared yet.
pub fn line(scenario: &Scenario, state: Option<&State>, facts: &Facts) -> Option<GuideLine> {
    let say = |action: &'static str, argument: &str, text: String| {
        Some(GuideLine { text, action, argument: argument.to_owned() })
    };
    let Some(state) = state else {
        let text = format!(
            "Production is failing: {}. Declare an incident; a title could be `{}`.",
            scenario.summary, scenario.title
        );
        return say("declare", "", text);
    };
    let work = Work { state, head: facts.head.as_deref().unwrap_or_default() };

    if matches!(state.status, Status::Resolved | Status::Closed) {
        return say(
            "report",
            "",
            "It is over. Read the report: it wrote itself while you worked.".to_owned(),
        );
    }
    if let Some(plan) = state.plans.iter().rev().find(|plan| plan.state == PlanState::Running) {
        let text = format!("{} is running. Watch its output; it goes on even if you quit.", plan.title);
        return say("runs", "", text);
    }
    if !state.timeline.iter().any(|entry| matches!(entry.kind, EntryKind::Note(_))) {
        let text = "The health pane shows what fails, and since when. Write down what you see: it goes \
                    into the timeline and the report.";
        return say("note", "", text.to_owned());
    }
    if facts.hotfix_branch.is_none() && !work.fixed_in_production(facts) {
        let text = format!("Start a hotfix branch off main; a name could be `{}`.", scenario.hotfix);
        return say("hotfix.start", "", text);
    }
    if facts.hotfix_branch.is_some() && facts.hotfix_commits == 0 {
        let text = "Repair app/checkout.awk by hand and commit, or have the prepared fix applied.";
        return say("drill.fix", "", text.to_owned());
    }
    forward(&work, facts).or_else(|| {
        let text = "Production is well again. Resolve the incident.";
        say("resolve", "", text.to_owned())
    })
}

/// The way of a fix that is committed: tests, each environment, checklist, health.
fn forward(work: &Work<'_>, facts: &Facts) -> Option<GuideLine> {
    let say = |action: &'static str, argument: &str, text: String| {
        Some(GuideLine { text, action, argument: argument.to_owned() })
    };
    if !facts.checks.is_empty() && !work.done("test", None) {
        let text = if work.tried("test", None) {
            "A check failed. Its output says which case; mend it and run the checks again."
        } else {
            "The fix is in. Run the checks: one of them failed before it."
        };
        return say("test", "", text.to_owned());
    }
    for (name, protected) in &facts.environments {
        if *protected && let Some(line) = open_checks(work.state, facts) {
            return Some(line);
        }
        if !work.done("deploy", Some(name)) {
            let text = if *protected {
                format!("Everything is checked. Deploy to {name}: its name has to be typed.")
            } else {
                format!("Deploy the branch to {name} first, and watch the script at work.")
            };
            return say("deploy", name, text);
        }
        if !*protected && !work.done("smoke", Some(name)) {
            let text = if work.tried("smoke", Some(name)) {
                format!("The smoke test of {name} failed. Read why, before it goes any further.")
            } else {
                format!("Smoke-test {name}: it tries the order that failed.")
            };
            return say("smoke", name, text);
        }
    }
    if facts.healthy != Some(true) {
        let text = "Watch production's health: a probe is believed again after it was good twice in a row.";
        return say("health", "", text.to_owned());
    }
    None
}

/// The line about the checklist, while items of it are open.
fn open_checks(state: &State, facts: &Facts) -> Option<GuideLine> {
    let open = facts
        .checklist
        .iter()
        .filter(|id| state.ticks.get(*id).is_none_or(|tick| tick.state == CheckState::Open))
        .count();
    (open > 0).then(|| GuideLine {
        text: format!("Before production: look at staging, and tick the checklist ({open} open)."),
        action: "tick",
        argument: String::new(),
    })
}

/// What was carried out for the commit that is at the head of the branch.
struct Work<'a> {
    state: &'a State,
    head: &'a str,
}

impl Work<'_> {
    /// Whether a plan for this purpose and target ended well for this commit.
    fn done(&self, purpose: &str, target: Option<&str>) -> bool {
        self.plans(purpose, target).any(|plan| plan.state == PlanState::Ended(PlanEnd::Done))
    }

    /// Whether a plan for this purpose and target was carried out at all for this commit.
    fn tried(&self, purpose: &str, target: Option<&str>) -> bool {
        self.plans(purpose, target).next().is_some()
    }

    fn plans(&self, purpose: &str, target: Option<&str>) -> impl Iterator<Item = &PlanRun> {
        self.state.plans.iter().filter(move |plan| {
            plan.purpose == purpose
                && target.is_none_or(|target| plan.target == target)
                && frozen_at(plan, self.head)
        })
    }

    /// Whether the fix reached the protected environments already, whichever branch is
    /// checked out by now.
    fn fixed_in_production(&self, facts: &Facts) -> bool {
        let mut protected = facts.environments.iter().filter(|(_, protected)| *protected).peekable();
        protected.peek().is_some()
            && protected.all(|(name, _)| {
                self.state.plans.iter().any(|plan| {
                    plan.purpose == "deploy"
                        && plan.target == *name
                        && plan.state == PlanState::Ended(PlanEnd::Done)
                })
            })
    }
}

/// Whether a plan was made for a commit, of which the shorter name may be known.
fn frozen_at(plan: &PlanRun, head: &str) -> bool {
    let Some(frozen) = plan.spec.get("frozen").and_then(serde_json::Value::as_object) else { return false };
    frozen.values().filter_map(serde_json::Value::as_str).any(|commit| {
        !head.is_empty() && !commit.is_empty() && (commit.starts_with(head) || head.starts_with(commit))
    })
}
