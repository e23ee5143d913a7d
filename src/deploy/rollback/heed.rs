//! What a person should know before an environment is rolled back: that it is well already, that a flag was turned
//! off, that something is still being done there. It keeps nobody from it.

use jiff::Timestamp;

use crate::incident::{PlanRun, Remote, State, StepRun, duration};
use crate::plan::{Action, Plan, Purpose, stored};
use crate::text::visible;

/// An environment that is well, and since when, where that is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Well {
    /// Since when it has been seen to be well.
    pub since: Option<Timestamp>,
}

/// Says in one line that an environment is well, or which flags are off already. `flag` is the flag that the rollback
/// itself turns off; empty: it turns none.
pub fn heed(
    state: &State,
    environment: &str,
    flag: &str,
    well: Option<Well>,
    now: Timestamp,
) -> Option<String> {
    let off: Vec<_> = state.flags_off().into_iter().filter(|name| *name != flag).map(visible).collect();
    let off = off.join(", ");
    let Some(well) = well else {
        let name = state.flags_off().into_iter().rfind(|name| *name != flag)?;
        let last = state.plans.iter().rev().find(|plan| plan.is_done() && plan.turns_off() == Some(name));
        let ago = last.and_then(|plan| plan.ended_at).map(|at| now.duration_since(at));
        let when = ago.map_or_else(String::new, |ago| format!(" (the last {} ago)", duration(ago)));
        return Some(format!("turned off already: {off}{when}"));
    };
    let with = if off.is_empty() { String::new() } else { format!(", with {off} off") };
    let how = match well.since {
        Some(since) => format!("has been healthy for {}", duration(now.duration_since(since))),
        None => "is healthy".to_owned(),
    };
    Some(format!("{} {how}{with}: check that a rollback is still needed", visible(environment)))
}

/// The same of a plan; `None`: it is no rollback, or nothing is to be said.
pub fn heed_of(
    plan: &Plan,
    state: &State,
    production: &str,
    well: Option<Well>,
    now: Timestamp,
) -> Option<String> {
    if plan.purpose != Purpose::Rollback {
        return None;
    }
    let flag = plan.target.strip_prefix("flag:");
    let environment = if flag.is_some() { production } else { &plan.target };
    let well = well.filter(|_| environment == production);
    heed(state, environment, flag.unwrap_or_default(), well, now)
}

/// Says what is still being done in an environment: the plan that has it, or a pipeline that was not seen to end.
pub fn under_way(state: &State, environment: &str) -> Option<String> {
    let mut plans = state.plans.iter().rev();
    let has_it = |plan: &&PlanRun| plan.target == environment && plan.state.is_under_way();
    if let Some(plan) = plans.clone().find(has_it) {
        let (title, by) = (visible(&plan.title), visible(&plan.by));
        return Some(format!("{} still has a plan under way: {title}, by {by}", visible(environment)));
    }
    let remote = plans.find_map(|plan| pipeline(plan, environment))?;
    let (name, how) = (visible(&remote.name), remote.state.word());
    Some(format!("a pipeline to {} has not ended: {name} {how}", visible(environment)))
}

/// The pipeline of a plan that brings something to an environment and was not seen to end, whatever the plan itself
/// has: the push of a finish starts one, too.
fn pipeline<'a>(plan: &'a PlanRun, environment: &str) -> Option<&'a Remote> {
    let followed = |(index, step): (usize, &'a StepRun)| Some((index, step.run.as_ref()?.remote.as_ref()?));
    let (index, remote) = plan.steps.iter().enumerate().rev().find_map(followed)?;
    if remote.state.is_over() {
        return None;
    }
    let brings = || match &stored::read(&plan.spec).ok()?.plan.steps.get(index)?.action {
        Action::Pipeline(pipeline) => Some(pipeline.environment == environment),
        _ => None,
    };
    (plan.target == environment || brings() == Some(true)).then_some(remote)
}
