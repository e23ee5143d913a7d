//! The preview of a plan that something overtook while it was open: it says so at once, and nothing confirms it.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::super::model::Model;
use super::super::overlay::{Overlay, Preview, Stood};
use super::approvals;
use crate::hotfix::state::BranchState;
use crate::incident::{PlanEnd, PlanRun, PlanState};
use crate::plan::{Plan, Purpose, proposal};

/// Has every preview say whether what it was made for still stands. One that does not stays so: another takes
/// its place.
pub(super) fn keep_up(model: &mut Model) {
    let looked: Vec<Option<(Option<Stood>, Option<String>)>> = model
        .overlays
        .iter()
        .map(|overlay| {
            let Overlay::Preview(shown) = overlay else { return None };
            let stood = shown.stood.is_none().then(|| stands(model, &shown.plan));
            Some((stood, why(model, shown)))
        })
        .collect();
    for (overlay, looked) in model.overlays.iter_mut().zip(looked) {
        if let (Overlay::Preview(shown), Some((stood, why))) = (overlay, looked) {
            shown.stood = stood.or(shown.stood.take());
            if let Some(why) = why {
                shown.overtake(why);
            }
        }
    }
}

/// Has the previews of plans say that the configuration is another now.
pub(super) fn configured_anew(model: &mut Model) {
    for overlay in &mut model.overlays {
        if let Overlay::Preview(shown) = overlay
            && shown.role.is_none()
            && !shown.starting
            && !shown.is_overtaken()
        {
            shown.overtake("flightdeck.toml has changed".to_owned());
        }
    }
}

/// What a plan was made for, as far as it is known here.
fn stands(model: &Model, plan: &Plan) -> Stood {
    Stood {
        plans: on_target(model, plan).map(|run| (run.id.clone(), run.state)).collect(),
        refs: references(model, plan),
    }
}

/// The plans that ran on the target of this one.
fn on_target<'a>(model: &'a Model, plan: &'a Plan) -> impl Iterator<Item = &'a PlanRun> {
    let plans = model.incident().map_or(&[][..], |state| &state.plans);
    plans.iter().filter(move |run| run.target == plan.target)
}

/// The commits that the references of a plan are at, of those that are known here.
fn references(model: &Model, plan: &Plan) -> BTreeMap<String, String> {
    let Some(branch) = model.repository() else { return BTreeMap::new() };
    let known = |name: &String| Some((name.clone(), commit_of(branch, name)?.to_owned()));
    plan.frozen.keys().filter_map(known).collect()
}

fn commit_of<'a>(branch: &'a BranchState, name: &str) -> Option<&'a str> {
    let short = name.strip_prefix("refs/heads/").unwrap_or(name);
    if name == "HEAD" || branch.branch() == Some(short) {
        return branch.commit();
    }
    let others = branch.base_at.iter().chain(&branch.develop).chain(&branch.releases);
    others.into_iter().find(|at| at.reference == name || at.short() == name).map(|at| at.commit.as_str())
}

/// Why nothing may be made of a preview any more; `None`: it stands.
fn why(model: &Model, shown: &Preview) -> Option<String> {
    if shown.is_overtaken() || shown.starting {
        return None;
    }
    let state = model.incident()?;
    if shown.role.is_some() {
        let waits = proposal::waiting(state).any(|one| one.hash == shown.hash);
        return (!waits).then(|| approvals::GONE.to_owned());
    }
    // What is under way has the target: that is said as long as it lasts.
    let is_over = |run: &&PlanRun| !run.state.is_under_way();
    let same = state.plan(&shown.plan.id).filter(is_over);
    if let Some(run) = same.or_else(|| newer(model, shown)) {
        return Some(ended(model, run));
    }
    let before = &shown.stood.as_ref()?.refs;
    let now = references(model, &shown.plan);
    let moved = shown.plan.frozen.iter().find_map(|(name, commit)| {
        let at = now.get(name)?;
        // What was not read anew since the plan was made tells of no change.
        (before.get(name) != Some(at) && at != commit).then_some((name, commit, at))
    });
    moved.map(|(name, was, is)| format!("{name} has moved from {} to {}", short(was), short(is)))
}

fn short(commit: &str) -> &str {
    commit.get(..7).unwrap_or(commit)
}

/// The plan that came to an end on the same target since, and may have changed what this one was made for.
fn newer<'a>(model: &'a Model, shown: &'a Preview) -> Option<&'a PlanRun> {
    let brings = [Purpose::Deploy, Purpose::Rollback, Purpose::Flag];
    if !brings.contains(&shown.plan.purpose) {
        return None;
    }
    let known = &shown.stood.as_ref()?.plans;
    let is_new = |run: &&PlanRun| {
        let is_known = known.iter().any(|(id, state)| *id == run.id && *state == run.state);
        !run.state.is_under_way() && !is_known && brings.iter().any(|one| one.name() == run.purpose)
    };
    on_target(model, &shown.plan).filter(is_new).last()
}

/// `deploy main to production, by omar, finished at 14:31`.
fn ended(model: &Model, run: &PlanRun) -> String {
    let how = match run.state {
        PlanState::Ended(PlanEnd::Done) => "finished",
        PlanState::Ended(PlanEnd::Failed) => "failed",
        PlanState::Ended(PlanEnd::Cancelled) => "was cancelled",
        PlanState::Ended(PlanEnd::Unknown) | PlanState::Running | PlanState::Waiting => {
            "ended, outcome unknown,"
        }
    };
    let at = run.ended_at.map(|at| format!(" at {}", clock(model, at))).unwrap_or_default();
    format!("{}, by {}, {how}{at}", run.title, run.by)
}

fn clock(model: &Model, at: Timestamp) -> String {
    model.looks.zone.to_datetime(at).strftime("%H:%M").to_string()
}
