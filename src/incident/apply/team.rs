//! What a record of the people who work on it, or of the time afterwards, does to the state.
//!
//! A record that answers another (accepts, ends, objects) was written by somebody who had seen it, and so
//! sorts after it. Where it does not, or what it answers has ended, it changes nothing.

use jiff::Timestamp;

use super::Fold;
use crate::incident::body::{
    CulpritJudged, Decided, FollowUpAdded, FollowUpChanged, FollowUpEnded, FollowUpLinked, HandoffAccepted,
    HandoffDeclined, HandoffOffered, ItemAssigned, Joined, Objected, Proposed, Resolved, Reviewed,
    SignalsKept, Snoozed, TaskEnded, TaskGiven,
};
use crate::incident::record::{Record, RecordId};
use crate::incident::state::{
    CulpritState, Ending, FollowUp, FollowUpEnd, Installation, Issue, KeptSignal, Motion, Objection, Offer,
    OfferEnd, ReviewHeld, Snooze, State, Task, TaskEnd, same_person,
};
use crate::incident::wording;

pub(super) fn snoozed(state: &mut State, record: &Record, body: &Snoozed) {
    state.snoozes.push(Snooze {
        clock: body.clock.clone(),
        at: record.occurred_at,
        until: body.until,
        by: record.author.name.clone(),
        reason: body.reason.clone(),
    });
}

pub(super) fn offered(state: &mut State, record: &Record, body: &HandoffOffered) {
    replace_offers(state, &body.role);
    state.offers.push(Offer {
        id: record.id,
        role: body.role.clone(),
        from: state.roles.get(&body.role).cloned().unwrap_or_default(),
        to: body.to.clone(),
        by: record.author.name.clone(),
        at: record.occurred_at,
        brief: body.brief.clone(),
        end: OfferEnd::Open,
    });
}

/// Ends what is offered of a role that was given, or offered, otherwise.
pub(super) fn replace_offers(state: &mut State, role: &str) {
    for offer in state.offers.iter_mut().filter(|offer| offer.role == role && offer.end == OfferEnd::Open) {
        offer.end = OfferEnd::Replaced;
    }
}

impl Fold {
    pub(super) fn accepted(&mut self, record: &Record, body: &HandoffAccepted) {
        let Some(offer) = open_offer(&mut self.state, body.offer) else { return };
        offer.end = OfferEnd::Accepted;
        let (role, to) = (offer.role.clone(), offer.to.clone());
        self.assign(&role, &to, record.occurred_at);
    }
}

pub(super) fn declined(state: &mut State, body: &HandoffDeclined) {
    if let Some(offer) = open_offer(state, body.offer) {
        offer.end = OfferEnd::Declined;
    }
}

fn open_offer(state: &mut State, id: RecordId) -> Option<&mut Offer> {
    state.offers.iter_mut().find(|offer| offer.id == id && offer.end == OfferEnd::Open)
}

pub(super) fn task(state: &mut State, record: &Record, body: &TaskGiven, text: String) {
    state.tasks.push(Task {
        id: record.id,
        text,
        owner: body.owner.clone(),
        by: record.author.name.clone(),
        at: record.occurred_at,
        until: body.until,
        end: None,
    });
}

/// The last one counts.
pub(super) fn assigned(state: &mut State, body: &ItemAssigned) {
    if body.to.is_empty() {
        state.assigned.remove(&body.item);
    } else {
        state.assigned.insert(body.item.clone(), body.to.clone());
    }
}

/// The last one counts.
pub(super) fn culprit(state: &mut State, record: &Record, body: &CulpritJudged) {
    let (at, by) = (record.occurred_at, record.author.name.clone());
    let judged =
        CulpritState { verdict: body.verdict, title: body.title.clone(), at, by, note: body.note.clone() };
    state.culprits.insert(body.culprit.clone(), judged);
}

pub(super) fn task_ended(state: &mut State, record: &Record, body: &TaskEnded) {
    let task = state.tasks.iter_mut().find(|task| task.id == body.task && task.end.is_none());
    if let Some(task) = task {
        task.end = Some(TaskEnd { at: record.occurred_at, done: body.done, result: body.result.clone() });
    }
}

pub(super) fn proposed(state: &mut State, record: &Record, body: &Proposed, text: String) {
    state.motions.push(Motion {
        id: record.id,
        text,
        by: record.author.name.clone(),
        at: record.occurred_at,
        until: body.until,
        objections: Vec::new(),
        decided: None,
    });
}

pub(super) fn objected(state: &mut State, record: &Record, body: &Objected) {
    let Some(motion) = open_motion(state, body.proposal) else { return };
    let by = &record.author.name;
    // Who objects again gives another reason.
    motion.objections.retain(|objection| !same_person(&objection.by, by));
    motion.objections.push(Objection { by: by.clone(), at: record.occurred_at, reason: body.reason.clone() });
}

pub(super) fn decided(state: &mut State, record: &Record, body: &Decided) {
    let Some(motion) = open_motion(state, body.proposal) else { return };
    motion.decided = Some((record.occurred_at, body.accepted));
    let text = if body.accepted { motion.text.clone() } else { String::new() };
    decision(state, &text, record.occurred_at);
}

/// Something was decided. Only words that say so end looking for a way back.
pub(super) fn decision(state: &mut State, text: &str, at: Timestamp) {
    state.decisions += 1;
    state.no_rollback |= wording::rules_out_rollback(text);
    if let Some(why) = wording::rules_out_hotfix(text) {
        state.no_hotfix = Some((at, why.to_owned()));
    }
}

fn open_motion(state: &mut State, id: RecordId) -> Option<&mut Motion> {
    state.motions.iter_mut().find(|motion| motion.id == id && motion.decided.is_none())
}

pub(super) fn follow_up(state: &mut State, record: &Record, body: &FollowUpAdded, text: String) {
    state.follow_ups.push(FollowUp {
        id: record.id,
        text,
        owner: body.owner.clone(),
        due: body.due,
        of: body.of,
        at: record.occurred_at,
        issue: None,
        end: None,
    });
}

pub(super) fn follow_up_linked(state: &mut State, body: &FollowUpLinked) {
    if let Some(one) = known(state, body.follow_up) {
        one.issue = Some(Issue { number: body.number, url: body.url.clone(), open: body.open });
    }
}

pub(super) fn follow_up_changed(state: &mut State, body: &FollowUpChanged) {
    if let Some(one) = known(state, body.follow_up) {
        if let Some(owner) = &body.owner {
            one.owner.clone_from(owner);
        }
        one.due = body.due.or(one.due);
    }
}

pub(super) fn follow_up_ended(state: &mut State, record: &Record, body: &FollowUpEnded) {
    if let Some(one) = known(state, body.follow_up).filter(|one| one.end.is_none()) {
        let (at, done, reason) = (record.occurred_at, body.done, body.reason.clone());
        one.end = Some(FollowUpEnd { at, done, reason });
    }
}

fn known(state: &mut State, id: RecordId) -> Option<&mut FollowUp> {
    state.follow_ups.iter_mut().find(|one| one.id == id)
}

pub(super) fn resolved(state: &mut State, record: &Record, body: &Resolved) {
    state.endings.push(Ending {
        record: record.id,
        at: record.occurred_at,
        by: record.author.name.clone(),
        open: body.open.clone(),
        reason: body.reason.clone(),
    });
}

/// What is kept of a signal when it is over takes the place of what was kept before.
pub(super) fn signals(state: &mut State, body: &SignalsKept) {
    let mut signals: Vec<KeptSignal> = body
        .signals
        .iter()
        .map(|kept| KeptSignal { from: body.from, step: body.step, kept: kept.clone() })
        .collect();
    let is_new = |old: &KeptSignal| !body.signals.iter().any(|new| new.probe == old.kept.probe);
    signals.extend(state.signals.drain(..).filter(is_new));
    state.signals = signals;
}

/// The first word counts: a key that is another one later is no reason to trust it.
pub(super) fn joined(state: &mut State, record: &Record, body: &Joined) {
    let new = || Installation {
        key: body.key.clone(),
        person: record.author.name.clone(),
        at: record.occurred_at,
        changed: false,
    };
    let known = state.installations.entry(record.author.node).or_insert_with(new);
    known.changed |= known.key != body.key;
    state.sign();
}

pub(super) fn reviewed(state: &mut State, record: &Record, body: &Reviewed) {
    state.reviews.push(ReviewHeld { at: record.occurred_at, people: body.people.clone() });
}
