//! The lines of records about the people who work on it, and of the time afterwards.

use jiff::{SignedDuration, Timestamp};

use super::{OFFER_ENDS, duration, with_note, with_reason};
use crate::incident::apply::Fold;
use crate::incident::body::{Body, CulpritVerdict, FollowUpAdded, Joined, NoteKind};
use crate::incident::policy::Role;
use crate::incident::record::{Record, RecordId};
use crate::incident::state::{EntryKind, Offer, OfferEnd, State, same_person};

/// What a record says, given the state before it; `None` where it says nothing by itself.
pub(super) fn line(record: &Record, fold: &Fold) -> Option<(EntryKind, String)> {
    let state = fold.state();
    let at = record.occurred_at;
    let line = match &record.body {
        Body::Snoozed(body) => {
            let title = if body.title.is_empty() { &body.clock } else { &body.title };
            let long = long(body.until, at);
            (EntryKind::Snoozed, with_reason(format!("snoozed “{title}” for {long}"), &body.reason))
        }
        Body::HandoffOffered(body) => {
            let ends = ended_offer(state, &body.role, &body.to);
            let what = match body.role.as_str() {
                Role::COMMANDER => "command".to_owned(),
                role => format!("the role of {role}"),
            };
            (EntryKind::Role, format!("offered {} {what}{ends}", body.to))
        }
        Body::HandoffAccepted(body) => {
            let offer = state.offers.iter().find(|offer| offer.id == body.offer)?;
            if offer.end != OfferEnd::Open {
                let text = format!("{} accepted the role of {} too late", record.author.name, offer.role);
                return Some((EntryKind::Role, text));
            }
            let from = if offer.from.is_empty() { String::new() } else { format!(" from {}", offer.from) };
            let took = match offer.role.as_str() {
                Role::COMMANDER => "took command".to_owned(),
                role => format!("took over as {role}"),
            };
            (EntryKind::Role, format!("{} {took}{from}", offer.to))
        }
        Body::HandoffDeclined(body) => {
            let is_open = |offer: &&Offer| offer.id == body.offer && offer.end == OfferEnd::Open;
            let offer = state.offers.iter().find(is_open)?;
            let role = if offer.role == Role::COMMANDER { "command" } else { offer.role.as_str() };
            let text = format!("handoff of {role} to {} called off", offer.to);
            (EntryKind::Role, with_reason(text, &body.reason))
        }
        Body::TaskGiven(body) => {
            let long = long(body.until, at);
            (EntryKind::Task, format!("{}: {} (back in {long})", body.owner, body.text))
        }
        Body::ItemAssigned(body) => {
            let title = if body.title.is_empty() { &body.item } else { &body.title };
            let text = match body.to.as_str() {
                "" => format!("“{title}” is given to nobody"),
                to => format!("{to} looks at “{title}”"),
            };
            (EntryKind::Task, text)
        }
        Body::CulpritJudged(body) => {
            let title = if body.title.is_empty() { &body.culprit } else { &body.title };
            let (kind, text) = match body.verdict {
                CulpritVerdict::Open => (NoteKind::Note, format!("{title}: open again as what broke it")),
                CulpritVerdict::RuledOut => {
                    (NoteKind::Finding, format!("ruled out as what broke it: {title}"))
                }
                CulpritVerdict::Found => (NoteKind::Finding, format!("what broke it: {title}")),
            };
            (EntryKind::Note(kind), with_note(text, &body.note))
        }
        Body::TaskEnded(body) => {
            let task = state.tasks.iter().find(|task| task.id == body.task && task.end.is_none())?;
            let word = if body.done { "done" } else { "given up" };
            (EntryKind::Task, with_reason(format!("{}: {}, {word}", task.owner, task.text), &body.result))
        }
        Body::Proposed(body) => {
            let long = long(body.until, at);
            (EntryKind::Proposal, format!("proposed: {} (objections within {long})", body.text))
        }
        Body::Objected(body) => {
            let text = format!("objected to “{}”", motion(state, body.proposal)?);
            (EntryKind::Rejection, with_reason(text, &body.reason))
        }
        Body::Decided(body) => {
            let word = if body.accepted { "agreed" } else { "not agreed" };
            let late = state.motions.iter().any(|one| one.id == body.proposal && one.decided.is_some());
            let late = if late { "too late, it was decided: " } else { "" };
            let text = format!("{late}{word}: {}", motion(state, body.proposal)?);
            (EntryKind::Proposal, with_note(text, &body.reason))
        }
        Body::FollowUpAdded(body) => (EntryKind::FollowUp, added(body)),
        Body::FollowUpChanged(body) => {
            let text = follow_up(state, body.follow_up)?;
            let owner = body.owner.as_deref().map(|owner| match owner {
                "" => "nobody".to_owned(),
                owner => owner.to_owned(),
            });
            let changed: Vec<_> = owner.into_iter().chain(body.due.map(|due| format!("by {due}"))).collect();
            (EntryKind::FollowUp, format!("follow-up for {}: {text}", changed.join(", ")))
        }
        Body::FollowUpEnded(body) => {
            let word = if body.done { "done" } else { "dropped" };
            state.open_follow_ups().find(|one| one.id == body.follow_up)?;
            let text = format!("follow-up {word}: {}", follow_up(state, body.follow_up)?);
            (EntryKind::FollowUp, with_note(text, &body.reason))
        }
        Body::FollowUpLinked(body) => {
            let text = follow_up(state, body.follow_up)?;
            let state = if body.open { "open" } else { "closed" };
            (EntryKind::FollowUp, format!("follow-up is issue #{} ({state}): {text}", body.number))
        }
        Body::Reviewed(body) => {
            (EntryKind::Report, with_note("held the review".to_owned(), &body.people.join(", ")))
        }
        Body::Joined(body) => return joined(record, body, state),
        // Two who import the same at once have it once.
        Body::Imported(body) if !state.imported.is_news(&body.source, &body.row) => return None,
        Body::Imported(body) => (EntryKind::Note(body.kind), body.text.clone()),
        _ => return None,
    };
    Some(line)
}

/// That somebody takes part from one more machine; of the machine that it was declared at nothing is said.
fn joined(record: &Record, body: &Joined, state: &State) -> Option<(EntryKind, String)> {
    let node = record.author.node;
    match state.installations.get(&node) {
        Some(known) if known.key != body.key => {
            let text = "the key of this machine is another one now: ask whether it is theirs";
            Some((EntryKind::PassedOver, text.to_owned()))
        }
        Some(_) => None,
        None if state.installations.is_empty() => None,
        None => Some((EntryKind::Role, "joined from another machine".to_owned())),
    }
}

/// What becomes of an open offer of a role that is given, or offered, to somebody: nobody else can accept it any more.
pub(super) fn ended_offer(state: &State, role: &str, person: &str) -> String {
    let others = |offer: &&Offer| offer.role == role && !same_person(&offer.to, person);
    state.open_offers().find(others).map_or_else(String::new, |offer| format!("{OFFER_ENDS}{}", offer.to))
}

/// A length of time as it was said: what passed between saying and writing it down is no part of it.
fn long(until: Timestamp, at: Timestamp) -> String {
    let left = until.duration_since(at).max(SignedDuration::ZERO);
    let whole = SignedDuration::from_secs(left.as_secs() + i64::from(left.subsec_nanos() > 0));
    duration(whole)
}

fn added(body: &FollowUpAdded) -> String {
    let owner = (!body.owner.is_empty()).then(|| body.owner.clone());
    let terms: Vec<_> = owner.into_iter().chain(body.due.map(|due| format!("by {due}"))).collect();
    with_note(format!("follow-up: {}", body.text), &terms.join(", "))
}

fn motion(state: &State, id: RecordId) -> Option<&str> {
    state.motions.iter().find(|motion| motion.id == id).map(|motion| motion.text.as_str())
}

fn follow_up(state: &State, id: RecordId) -> Option<&str> {
    state.follow_ups.iter().find(|one| one.id == id).map(|one| one.text.as_str())
}
