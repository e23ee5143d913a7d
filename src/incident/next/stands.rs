//! What plans that stand still need: an answer, a decision, somebody's yes where a pipeline runs.

use jiff::{SignedDuration, Timestamp};

use super::super::state::{PlanRun, PlanState, Remote, Share, State};
use super::super::time::duration;
use super::{Facts, Next, production};

/// Answering what commands ask, and looking at those that may hang: until somebody does, nothing of
/// their plan goes on.
pub(super) fn waiting(plan: &PlanRun, now: Timestamp) -> impl Iterator<Item = Next> {
    plan.waiting_runs().map(move |(step, run, waits)| {
        let silence = duration(now.duration_since(waits.since).max(SignedDuration::ZERO));
        let (action, argument, title) = match &waits.question {
            Some(question) => {
                let who = plan.program(step).unwrap_or(&plan.title);
                ("output.answer", &run.id, format!("{who} asks: {question}"))
            }
            None => (
                "plan",
                &plan.id,
                format!("see whether it hangs: {} prints nothing for {silence}", run.title),
            ),
        };
        Next { action, argument: argument.clone(), title, due_at: None, overdue: false }
    })
}

/// Deciding about a plan that stands still.
pub(super) fn undecided(plan: &PlanRun, here: u64) -> Next {
    let waits = plan.steps.iter().find_map(|step| step.waiting.as_ref());
    let remote = plan.steps.iter().rev().find_map(|step| step.run.as_ref()?.remote.as_ref());
    let remote = remote.filter(|remote| !remote.state.is_over());
    let elsewhere = plan.elsewhere(here).filter(|_| here != 0);
    let title = match waits {
        _ if plan.stopping().is_some() => plan.stopping().unwrap_or_default(),
        // Somebody has to say yes where it runs: that is no decision about the plan.
        Some((_, why)) if plan.state == PlanState::Waiting && remote.is_some() => {
            let asked = remote.map_or_else(String::new, |remote| asked(remote, why));
            match &elsewhere {
                // The token that may approve it is there.
                Some(machine) => format!("{asked} at {}, or on {machine}", plan.pipeline_host()),
                None => asked,
            }
        }
        Some((_, why)) if plan.state == PlanState::Waiting => format!("decide: {} waits: {why}", plan.title),
        _ if plan.state == PlanState::Waiting => format!("decide: {} waits", plan.title),
        _ => match remote {
            Some(remote) => format!("follow {} again: nobody here sees how it goes on", remote.name),
            None => format!("decide: nobody knows what became of {}", plan.title),
        },
    };
    // What is over can only be taken up again where it was started.
    let title = match elsewhere.filter(|_| !plan.state.is_under_way()) {
        Some(machine) => format!("{title} (on {machine})"),
        None => title,
    };
    Next { action: "plan", argument: plan.id.clone(), title, due_at: None, overdue: false }
}

/// What a pipeline waits for at its host: of whoever looks, where that may be.
fn asked(remote: &Remote, why: &str) -> String {
    let name = &remote.name;
    let Some((place, who)) = remote.approval().filter(|_| remote.asks) else {
        return format!("{name} waits {why}");
    };
    let who = if who.is_empty() { String::new() } else { format!(" ({})", who.replace(", ", " or ")) };
    format!("approve {place} in {name}{who}")
}

/// How what is quicker than what waits begins.
pub const QUICKER: &str = "quicker meanwhile: ";

/// What serves users again sooner than a rollback that waits for somebody's yes: a flag, where one can be turned off.
pub(super) fn quicker(state: &State, facts: &Facts) -> Option<Next> {
    let flag = facts.way_back.as_ref()?.flag.as_ref().filter(|_| facts.healthy == Some(false))?;
    let waits = |plan: &PlanRun| {
        plan.purpose == "rollback"
            && Some(plan.target.as_str()) == production(facts)
            && plan.waits_for_approval()
    };
    let turning = |plan: &PlanRun| plan.is_flag() && plan.state.is_under_way();
    let wanted = state.plans.iter().any(waits) && !state.plans.iter().any(turning);
    let title = format!("{QUICKER}{flag}, proven ready");
    wanted.then(|| Next { action: "rollback", argument: String::new(), title, due_at: None, overdue: false })
}

/// Deciding about a canary that still has a share of the users, although its plan has ended.
pub(super) fn left(share: &Share<'_>, live: Option<&str>) -> Next {
    let (argument, title) = (share.plan.id.clone(), share.title(live));
    Next { action: "plan", argument, title, due_at: None, overdue: false }
}
