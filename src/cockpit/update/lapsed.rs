//! What a question asks about may be over before anybody answers it: then it says so, and nothing is confirmed.

use jiff::Timestamp;

use super::super::commands::Command;
use super::super::model::Model;
use super::super::overlay::{Act, Confirm, Overlay, Purpose, Scroll};
use super::plan_view;
use super::record::reopening;
use crate::incident::{
    Body, CheckState, Closed, Decided, HandoffAccepted, HandoffDeclined, Mitigated, OfferEnd, RecordId,
    Resolved, Role, State, Status, Ticked,
};
use crate::plan::gates::{ApprovalRule, approvals};

/// Has the question on top say whether it still stands. One that does not stays so: another takes its place.
pub(super) fn keep_up(model: &mut Model) {
    plan_view::keep_up(model);
    let Some(Overlay::Confirm(asked)) = model.overlays.last() else { return };
    if !asked.lapsed.is_empty() {
        return;
    }
    let Some(why) = question(model, asked) else { return };
    if let Some(Overlay::Confirm(asked)) = model.overlays.last_mut() {
        asked.lapsed = why;
        asked.against.clear();
        asked.scroll = Scroll::default();
    }
}

/// Why a question of yes or no is over; `None`: it stands.
fn question(model: &Model, asked: &Confirm) -> Option<String> {
    match &asked.act {
        Act::Record(body) => match &**body {
            Body::Ticked(ticked) => tick(model, model.incident()?, ticked, &asked.title),
            body => record(model, body),
        },
        Act::Invoke(invoke) if invoke.command == Command::Stop => {
            let (_, run) = model.incident()?.run(&invoke.argument)?;
            run.outcome.is_some().then(|| "It has ended: nothing is left to stop.".to_owned())
        }
        Act::Invoke(_) | Act::Append(_) => None,
    }
}

/// The same of the record that a yes would write.
fn record(model: &Model, body: &Body) -> Option<String> {
    let Some(state) = model.incident() else { return Some("The incident was left.".to_owned()) };
    match body {
        Body::Mitigated(Mitigated { after })
        | Body::Resolved(Resolved { after, .. })
        | Body::Closed(Closed { after }) => decided(model, state, after),
        Body::PhaseEntered(_) if !state.is_open() => Some(status(model, state)),
        Body::PhaseEntered(entered) if state.phase == entered.phase => {
            Some(format!("The {} phase has begun already.", model.policy.phase_name(entered.phase)))
        }
        Body::HandoffAccepted(HandoffAccepted { offer })
        | Body::HandoffDeclined(HandoffDeclined { offer, .. }) => {
            let found = state.offers.iter().find(|one| one.id == *offer)?;
            let (role, what) = (model.policy.role_title(&found.role), model.policy.handed(&found.role));
            match found.end {
                OfferEnd::Open => None,
                OfferEnd::Accepted if found.role == Role::COMMANDER => {
                    Some(format!("{} has taken command.", found.to))
                }
                OfferEnd::Accepted => Some(format!("{} has taken over as {role}.", found.to)),
                OfferEnd::Declined => Some(format!("The offer of {what} was declined or withdrawn.")),
                OfferEnd::Replaced => {
                    Some(format!("The offer of {what} is no longer open: somebody else has it."))
                }
            }
        }
        Body::Decided(Decided { proposal, .. }) => motion(model, state, *proposal),
        Body::PlanProposed(asked) => {
            let rule = ApprovalRule::of(&model.policy, state.severity);
            let standing = approvals(state, &rule, asked.hash.as_str(), &model.me, model.now);
            let is_given = !rule.roles.is_empty() && standing.given() == rule.roles.len();
            is_given.then(|| "All who have to approve it have done so.".to_owned())
        }
        _ => None,
    }
}

/// Somebody decided about the incident since the question was asked: `omar recorded at 12:04 that users are
/// served again.`
fn decided(model: &Model, state: &State, after: &[RecordId]) -> Option<String> {
    let stands = state.heads.iter().map(|head| head.record).eq(after.iter().copied());
    (!stands).then(|| status(model, state))
}

fn status(model: &Model, state: &State) -> String {
    let Some(last) = state.heads.iter().max_by_key(|head| head.at) else {
        return "The decision it follows was retracted.".to_owned();
    };
    let what = match last.status {
        Status::Open => "reopened the incident",
        Status::Mitigated => "recorded that users are served again",
        Status::Resolved => "resolved the incident",
        Status::Closed => "closed the incident",
    };
    format!("{} {what} at {}.", last.by, clock(model, last.at))
}

fn motion(model: &Model, state: &State, id: RecordId) -> Option<String> {
    let motion = state.motions.iter().find(|motion| motion.id == id)?;
    let (at, accepted) = motion.decided?;
    let word = if accepted { "agreed" } else { "not agreed" };
    Some(format!("Somebody recorded at {} that it is {word}.", clock(model, at)))
}

fn tick(model: &Model, state: &State, ticked: &Ticked, asked: &str) -> Option<String> {
    let now = state.ticks.get(&ticked.item)?;
    // What it is now is not what was asked about.
    if ticked.state != CheckState::Open || reopening(&ticked.title, now.state) == asked {
        return None;
    }
    let what = match now.state {
        CheckState::Passed => "ticked it",
        CheckState::Failed => "marked it as failed",
        CheckState::Na => "marked it as not applicable",
        CheckState::Open => "reopened it",
    };
    Some(format!("{} {what} at {}.", now.by, clock(model, now.at)))
}

/// Why what a line of text is asked about is over; `None`: it stands.
pub(super) fn prompt(model: &Model, purpose: &Purpose) -> Option<String> {
    let state = model.incident()?;
    let why = match purpose {
        Purpose::Resolve(resolved) => decided(model, state, &resolved.after)?,
        Purpose::TaskEnd(id) => {
            let task = state.tasks.iter().find(|task| task.id == *id)?;
            let at = task.end.as_ref()?.at;
            format!("The task was ended at {}.", clock(model, at))
        }
        Purpose::Object(id) | Purpose::Agree(id) => motion(model, state, *id)?,
        _ => return None,
    };
    Some(format!("nothing was recorded. {why} esc closes"))
}

fn clock(model: &Model, at: Timestamp) -> String {
    model.looks.zone.to_datetime(at).strftime("%H:%M").to_string()
}
