//! The extended watch: what passed its watch in production is watched on from a distance, as a plan of its
//! own that holds no environment. What starts it, what it is, and what ends it before its time. Pure.

use jiff::{SignedDuration, Timestamp};

use crate::config::types::{Config, Point};
use crate::health::vigil::longest;
use crate::incident::{Outcome, PlanEnd, PlanRun, PlanState, Policy, Release, State, StepState, duration};
use crate::plan::{Action, Plan, Purpose, Step, Subject, Watch, Watched};
use crate::text::visible;

/// The longest pause between two questions to a probe, where nothing shorter is needed.
const PAUSE: SignedDuration = SignedDuration::from_mins(1);
/// How many questions to a probe are enough for the whole of it.
const SAMPLES: i32 = 1440;
/// The least share of the time that is watched when it is taken up again late.
const LEAST: i32 = 48;
/// How often it is taken up again by itself: one that cannot run is left to a person.
const ATTEMPTS: usize = 10;

/// What an extended watch of an environment holds: not the environment.
pub fn target(environment: &str) -> String {
    format!("watch:{environment}")
}

/// The environment of what an extended watch holds; `None`: it is the target of something else.
pub fn environment(target: &str) -> Option<&str> {
    target.strip_prefix("watch:")
}

/// The id of the extended watch that follows a plan.
pub fn id(after: &str) -> String {
    format!("extended-{after}")
}

/// Has what a plan brings to production, or judges there, watched on once it has passed.
#[must_use]
pub fn follow(mut plan: Plan, config: &Config, policy: &Policy, goes_back: bool) -> Plan {
    let time = policy.extended_watch;
    let Some(production) = config.production().filter(|_| time.is_positive() && !goes_back) else {
        return plan;
    };
    let judges = |step: &usize| plan.watched_by(*step).is_some_and(|(name, _)| name == production.name);
    let last = (0..plan.steps.len()).rev().find(judges);
    if let Some(Action::Watch(watch)) =
        last.and_then(|step| plan.steps.get_mut(step)).map(|it| &mut it.action)
    {
        watch.then = Some(time);
    }
    plan
}

/// The extended watch that is to follow a plan; `None`: none is, it was started before, or it is too late.
pub fn due(plan: &Plan, run: &PlanRun, state: &State, now: Timestamp) -> Option<Plan> {
    let ended_at = run.ended_at.filter(|_| run.is_done())?;
    let plan = &plan.clone().with_learned(run);
    let passed = |step: &usize| run.steps.get(*step).is_some_and(|run| run.fate() == StepState::Done);
    let (step, watch, time) = (0..plan.steps.len()).rev().filter(passed).find_map(|step| {
        let Action::Watch(watch) = &plan.steps.get(step)?.action else { return None };
        Some((step, watch, watch.then?))
    })?;
    let (environment, commit) = plan.judged_by(step)?;
    let target = target(&environment);
    let gone = |since| superseded(state.releases.iter(), &environment, &commit, since).is_some();
    let is_under_way = |other: &PlanRun| {
        let is_at_it = other.target == target && other.state.is_under_way() && other.is_for(&commit);
        is_at_it && !gone(other.started_at)
    };
    if state.plan(&id(&run.id)).is_some()
        || state.plans.iter().any(is_under_way)
        || now.duration_since(ended_at) >= time
        || gone(ended_at)
    {
        return None;
    }
    Some(made(plan, &id(&run.id), watch, (environment, commit), time))
}

fn made(after: &Plan, id: &str, watch: &Watch, judged: (String, String), time: SignedDuration) -> Plan {
    let (environment, commit) = judged;
    let pause = PAUSE.min(time / SAMPLES);
    let slower = watch.probes.iter().map(|probe| {
        let mut probe = (**probe).clone();
        probe.interval = probe.interval.max(pause);
        probe
    });
    let probes: Vec<_> = slower.collect();
    let timeout = longest(time, SignedDuration::ZERO, &probes);
    let title = format!("extended watch of {} for {}", visible(&environment), duration(time));
    let reference = match (&after.release, &after.subject) {
        (Some(release), _) => release.tag.clone().unwrap_or_else(|| release.reference.clone()),
        (None, Some(subject)) => subject.reference.clone(),
        (None, None) => commit.clone(),
    };
    let watch = Watch {
        time,
        settle: SignedDuration::ZERO,
        probes: probes.iter().map(Watched::from).collect(),
        cwd: watch.cwd.clone(),
        judges: Some((environment.clone(), commit.clone())),
        then: None,
    };
    let notes = vec![points(&watch)];
    let step = Step { retry_is_safe: true, ..Step::new(title.clone(), Action::Watch(watch), timeout) };
    Plan {
        subject: Some(Subject { reference, commit, dirty: false }),
        secrets: after.secrets.clone(),
        programs: after.programs.clone(),
        to_come: after.to_come.clone(),
        searched: after.searched.clone(),
        notes,
        steps: vec![step],
        ..Plan::new(id, title, Purpose::ExtendedWatch, &target(&environment))
    }
}

/// Which of the points are probed, and which a person has to look at.
pub fn points(watch: &Watch) -> String {
    let named = |points: &[Point]| points.iter().map(|point| point.name()).collect::<Vec<_>>().join(", ");
    match watch.points() {
        (probed, by_hand) if by_hand.is_empty() => format!("probed: {}", named(&probed)),
        (probed, by_hand) if probed.is_empty() => format!("look yourself: {}", named(&by_hand)),
        (probed, by_hand) => format!("probed: {}; look yourself: {}", named(&probed), named(&by_hand)),
    }
}

/// What was brought to an environment since, in place of what is watched there; `None`: nothing was. What
/// somebody wrote down by hand of the very commit changes nothing.
pub fn superseded<'a>(
    releases: impl DoubleEndedIterator<Item = &'a Release>,
    environment: &str,
    commit: &str,
    since: Timestamp,
) -> Option<&'a Release> {
    let last = releases.rev().find(|release| release.environment == environment)?;
    (last.commit != commit || (!last.plan.is_empty() && last.at > since)).then_some(last)
}

/// How long an extended watch that is taken up again goes on: to the end it had, or for a while.
pub fn left(time: SignedDuration, began: Option<Timestamp>, now: Timestamp) -> SignedDuration {
    let passed = began.map_or(SignedDuration::ZERO, |began| now.duration_since(began));
    (time - passed.max(SignedDuration::ZERO)).max(time / LEAST)
}

/// Tells whether an extended watch whose conductor is gone is taken up again by itself: nobody ended it, its
/// time is not over, and what it watches is still there. `told_to_end` is what is on record where the
/// conductor itself was told to end.
pub fn goes_on(plan: &Plan, run: &PlanRun, state: &State, told_to_end: &str, now: Timestamp) -> bool {
    let is_it = plan.purpose == Purpose::ExtendedWatch;
    let (Some(step), Some(Action::Watch(watch))) =
        (run.steps.first(), plan.steps.first().map(|it| &it.action))
    else {
        return false;
    };
    let was_lost = match (run.state, step.run.as_ref().and_then(|run| run.outcome.as_ref())) {
        (PlanState::Ended(PlanEnd::Failed), None | Some(Outcome::Interrupted { .. })) => true,
        (PlanState::Ended(PlanEnd::Cancelled), Some(Outcome::Interrupted { why })) => why == told_to_end,
        _ => false,
    };
    let gone = watch.judges.as_ref().is_none_or(|(environment, commit)| {
        superseded(state.releases.iter(), environment, commit, run.started_at).is_some()
    });
    is_it
        && was_lost
        && !gone
        && step.earlier.len() < ATTEMPTS
        && now.duration_since(run.started_at) < watch.time
}

#[cfg(test)]
mod tests;
