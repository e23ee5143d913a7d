//! What a plan brought into an environment, and what watching showed of it, as records.

use crate::incident::{Body, Outcome, PlanRun, ReleaseJudged, Released, State, StepState, WatchVerdict};
use crate::plan::{Action, Plan, ReleaseSpec};

/// The release that is there since this step of a plan is done.
pub(super) fn by_step(plan: &Plan, step: usize) -> Option<Body> {
    plan.release.as_ref().filter(|release| release.after == step).map(|release| released(plan, release))
}

fn released(plan: &Plan, release: &ReleaseSpec) -> Body {
    let ReleaseSpec { environment, reference, commit, tag, version, rollback, after: _ } = release.clone();
    Released { environment, reference, commit, tag, version, plan: plan.id.clone(), rollback }.into()
}

/// The release that a plan brought about and that is not recorded yet.
pub(super) fn due(plan: &Plan, run: &PlanRun, state: &State) -> Option<Body> {
    let release = plan.release.as_ref()?;
    let done = run.steps.get(release.after).is_some_and(|step| step.fate() == StepState::Done);
    let known = state.releases.iter().any(|known| known.plan == plan.id);
    (done && !known).then(|| released(plan, release))
}

/// The verdict on a release that the end of a watch is. A short look on the way condemns a
/// release, but only the last watch of a plan finds it good.
pub(super) fn by_watch(plan: &Plan, step: usize, outcome: &Outcome, summary: &str) -> Option<Body> {
    let (environment, commit) = judged_by(plan, step)?;
    let (verdict, why) = match outcome {
        Outcome::Met if watches_later(plan, step) => return None,
        Outcome::Met => (WatchVerdict::Passed, summary.to_owned()),
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
    let (environment, commit) = judged_by(plan, step)?;
    let last =
        state.releases.iter().rev().find(|one| one.environment == environment && one.commit == commit)?;
    let verdict = WatchVerdict::Unknown;
    last.verdict.is_none().then(|| {
        ReleaseJudged { environment, commit, plan: plan.id.clone(), verdict, why: why.to_owned() }.into()
    })
}

/// The release a step is a verdict on: environment and commit. A watch before the release is
/// there is none on it.
fn judged_by(plan: &Plan, step: usize) -> Option<(String, String)> {
    let Action::Watch(watch) = &plan.steps.get(step)?.action else { return None };
    let own = plan.release.as_ref().filter(|release| step > release.after);
    watch.judges.clone().or_else(|| own.map(|release| (release.environment.clone(), release.commit.clone())))
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
        let why = "it was undone".to_owned();
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
        }
        .into()
    }));
    bodies
}
