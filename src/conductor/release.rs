//! What a plan brought into an environment, and what watching showed of it, as records.

use crate::incident::{
    Body, Outcome, PlanRun, Proof, ReleaseJudged, Released, Run, State, StepState, WatchVerdict, finding,
};
use crate::plan::{Action, FollowUp, Merge, Plan, Purpose, ReleaseSpec};

/// What follows from this step of a plan being done: a release that is there, merges that are owed
/// or paid.
pub(super) fn by_step(plan: &Plan, step: usize) -> Vec<Body> {
    let release = plan.release.as_ref().filter(|release| release.after == step);
    let merges = plan.follow_ups.iter().filter(|follow_up| follow_up.after == step);
    let release =
        release.map(|release| released(plan, release)).or_else(|| by_push(plan, step).map(Into::into));
    release.into_iter().chain(merges.map(merge)).collect()
}

/// What a push of the plan itself brought into an environment by the pipeline that this step followed.
fn by_push(plan: &Plan, step: usize) -> Option<Released> {
    let Action::Pipeline(pipeline) = &plan.steps.get(step)?.action else { return None };
    let pushed = pipeline.pushed.as_ref().filter(|_| !pipeline.awaits_commit())?;
    Some(Released {
        environment: pipeline.environment.clone(),
        reference: pushed.branch.clone(),
        commit: pipeline.commit.clone(),
        tag: pushed.tag.clone(),
        version: None,
        plan: plan.id.clone(),
        rollback: pushed.replaces.is_some(),
        replaces: pushed.replaces.clone(),
    })
}

fn merge(follow_up: &FollowUp) -> Body {
    follow_up.what.clone().into()
}

fn released(plan: &Plan, release: &ReleaseSpec) -> Body {
    let ReleaseSpec { environment, reference, commit, tag, version, rollback, replaces, after: _ } =
        release.clone();
    Released { environment, reference, commit, tag, version, plan: plan.id.clone(), rollback, replaces }
        .into()
}

/// What a plan brought about and what is not recorded yet: its release, merges owed and paid.
pub(super) fn due(plan: &Plan, run: &PlanRun, state: &State) -> Vec<Body> {
    let done = |after: usize| run.steps.get(after).is_some_and(|step| step.fate() == StepState::Done);
    let release = plan
        .release
        .as_ref()
        .filter(|release| done(release.after) && !state.releases.iter().any(|known| known.plan == plan.id));
    let merges = plan.follow_ups.iter().filter(|follow_up| done(follow_up.after));
    let merges = merges.filter(|follow_up| !is_known(&follow_up.what, state)).map(merge);
    let is_on_record = |pushed: &Released| {
        state.releases.iter().any(|known| known.plan == plan.id && known.environment == pushed.environment)
    };
    let pushed = (0..plan.steps.len()).filter(|step| done(*step)).filter_map(|step| by_push(plan, step));
    let pushed = pushed.filter(|pushed| !is_on_record(pushed)).map(Into::into);
    release.map(|release| released(plan, release)).into_iter().chain(pushed).chain(merges).collect()
}

/// What the answer is worth that a step of a plan is done, where its command did not come to its own end:
/// if what it brings was there before already, the world answers so whatever became of this run.
pub(super) fn weighed(
    said: (Proof, String),
    plan: &Plan,
    step: usize,
    run: Option<&Run>,
    state: &State,
) -> (Proof, String) {
    let cut_short =
        |outcome: &Outcome| matches!(outcome, Outcome::Signalled { .. } | Outcome::Unknown { .. });
    let is_open = run.is_some_and(|run| run.outcome.as_ref().is_some_and(cut_short));
    let Some(release) = plan.release.as_ref().filter(|release| release.after == step) else { return said };
    let before = state
        .releases
        .iter()
        .rfind(|known| known.environment == release.environment && known.plan != plan.id)
        .filter(|known| known.commit == release.commit);
    match (said, before) {
        ((Proof::Done, why), Some(known)) if is_open => {
            let was = format!("{} was live in {} before this run", known.name(), release.environment);
            (Proof::Unknown, format!("{was}, so the answer tells nothing about it: {why}"))
        }
        (said, _) => said,
    }
}

/// Tells whether it is on record that a merge is owed, or paid.
fn is_known(merge: &Merge, state: &State) -> bool {
    let (commit, into) = match merge {
        Merge::Owed(owed) => (&owed.commit, &owed.into),
        Merge::Paid(paid) => (&paid.commit, &paid.into),
    };
    let mut known = state.merges_back.iter().filter(|known| known.commit == *commit && known.into == *into);
    known.any(|known| match merge {
        Merge::Owed(_) => known.owed.is_some(),
        Merge::Paid(_) => known.paid.is_some(),
    })
}

/// The verdict on a release that the end of a watch is. A short look on the way condemns a
/// release, also before it is there for everybody, but only the last watch of a plan finds it good.
pub(super) fn by_watch(plan: &Plan, step: usize, outcome: &Outcome, summary: &str) -> Option<Body> {
    let tried = || {
        let is_look = matches!(plan.steps.get(step)?.action, Action::Watch(_));
        let failed = is_look && matches!(outcome, Outcome::NotMet { .. });
        let release = plan.release.as_ref().filter(|_| failed && plan.purpose == Purpose::Deploy)?;
        Some((release.environment.clone(), release.commit.clone()))
    };
    let (environment, commit) = plan.judged_by(step).or_else(tried)?;
    let (verdict, why) = match outcome {
        Outcome::Met if watches_later(plan, step) => return None,
        Outcome::Met => (WatchVerdict::Passed, finding(summary).to_owned()),
        Outcome::NotMet { why } => (WatchVerdict::Failed, why.clone()),
        _ => return None,
    };
    Some(ReleaseJudged { environment, commit, plan: plan.id.clone(), verdict, why }.into())
}

fn watches_later(plan: &Plan, step: usize) -> bool {
    plan.steps.iter().skip(step + 1).any(|step| matches!(step.action, Action::Watch(_)))
}

/// The verdict on a release whose watch was ended by a person: none can be given. What an
/// earlier watch showed stands.
pub(super) fn by_promotion(plan: &Plan, step: usize, state: &State, why: &str) -> Option<Body> {
    let (environment, commit) = plan.judged_by(step)?;
    let last =
        state.releases.iter().rev().find(|one| one.environment == environment && one.commit == commit)?;
    let verdict = WatchVerdict::Unknown;
    last.verdict.is_none().then(|| {
        ReleaseJudged { environment, commit, plan: plan.id.clone(), verdict, why: why.to_owned() }.into()
    })
}

/// What is recorded when the step that released something was undone: that release is no good
/// one, and what was there before is there again, where that is known. `before` is all that is
/// known of the environment's releases, oldest first.
pub(super) fn taken_back(
    plan: &Plan,
    step: usize,
    state: &State,
    before: &[crate::incident::Release],
) -> Vec<Body> {
    let Some(release) = plan.release.as_ref().filter(|release| release.after == step) else {
        return Vec::new();
    };
    let environment = &release.environment;
    let ours = state.releases.iter().rev().find(|one| one.plan == plan.id && one.commit == release.commit);
    let Some(ours) = ours else { return Vec::new() };
    let mut bodies = Vec::new();
    if !matches!(ours.verdict, Some((_, WatchVerdict::Failed, _))) {
        let (environment, commit) = (environment.clone(), release.commit.clone());
        let why = crate::incident::UNDONE.to_owned();
        let verdict = WatchVerdict::Failed;
        bodies.push(ReleaseJudged { environment, commit, plan: plan.id.clone(), verdict, why }.into());
    }
    let previous = before
        .iter()
        .rev()
        .find(|one| one.environment == *environment && one.plan != plan.id && one.at < ours.at);
    bodies.extend(previous.map(|previous| {
        Released {
            environment: previous.environment.clone(),
            reference: previous.reference.clone(),
            commit: previous.commit.clone(),
            tag: previous.tag.clone(),
            version: previous.version.clone(),
            plan: plan.id.clone(),
            rollback: true,
            replaces: Some(release.commit.clone()),
        }
        .into()
    }));
    bodies
}
