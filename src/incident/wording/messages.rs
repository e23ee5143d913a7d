//! The lines of messages: what became of each on a channel. That it was written is told by what became of it.

use super::{UPDATED, audience, with_note, with_reason};
use crate::incident::apply::Fold;
use crate::incident::body::{Delivered, Delivery, MessageKind, PageFollowed, PageState, Suggested};
use crate::incident::state::{EntryKind, Message};

/// What a delivery says, given the state before it; `None` where it is no news.
pub(super) fn line(body: &Delivered, fold: &Fold) -> Option<(EntryKind, String)> {
    let messages = &fold.state().messages;
    let Some(message) = messages.iter().find(|message| message.id == body.message) else {
        return change(body, fold);
    };
    let way = message.ways.iter().find(|way| way.channel == body.channel)?;
    if way.end == Some(Delivery::Accepted) {
        return None;
    }
    let channel = &body.channel;
    // What is said of one that was accepted is who did not get it.
    let taken = if body.why.is_empty() { channel.clone() } else { format!("{channel}, {}", body.why) };
    let line = match body.end {
        Delivery::Sending if way.end == Some(Delivery::Sending) => {
            let gone = not(message, "may not have been sent", body);
            (EntryKind::Undelivered, with_reason(gone, "whoever sent it was gone; sent again"))
        }
        Delivery::Sending => return None,
        // That it waits on is no news.
        Delivery::Waiting if way.why == body.why => return None,
        Delivery::Accepted if message.kind == MessageKind::Page => {
            (EntryKind::Paged, with_note(format!("paged {}", message.audience), &taken))
        }
        Delivery::Accepted => (EntryKind::Told, with_note(what(message, fold.state().is_open()), &taken)),
        Delivery::Waiting => (EntryKind::Undelivered, not(message, "waits to be sent", body)),
        Delivery::Failed => (EntryKind::Undelivered, not(message, "not sent", body)),
        Delivery::Unknown => (EntryKind::Undelivered, not(message, "may not have been sent", body)),
    };
    Some(line)
}

/// What a service tells of a page; `None` where it is no news.
pub(super) fn followed(body: &PageFollowed, fold: &Fold) -> Option<(EntryKind, String)> {
    let messages = &fold.state().messages;
    let way = messages.iter().find(|message| message.id == body.message)?.on(&body.channel)?;
    if way.page.as_ref().is_some_and(|known| !known.takes(body)) {
        return None;
    }
    let who = body.who.as_str();
    let by = if who.is_empty() { String::new() } else { format!(" by {who}") };
    let text = match body.state {
        PageState::Paging if who.is_empty() => return None,
        PageState::Paging => format!("{who} is being paged"),
        PageState::Escalated => {
            let how = if body.by_clock { " by the clock" } else { "" };
            let to = if who.is_empty() { String::new() } else { format!(" to {who}") };
            format!("page escalated{how}{to}")
        }
        PageState::Acknowledged => format!("page acknowledged{by}"),
        PageState::Resolved => format!("page resolved{by}"),
    };
    Some((EntryKind::Paged, with_note(text, &body.channel)))
}

/// What an assistant wrote.
pub(super) fn suggested(body: &Suggested) -> String {
    match &body.message {
        None => format!("from an assistant: {}", body.text),
        Some(of) => {
            let first = body.text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
            format!("from an assistant: draft of {} for {}: {}", of.kind.words(), of.audience, first.trim())
        }
    }
}

/// What became of a change that a service was told of: only what somebody has to know.
fn change(body: &Delivered, fold: &Fold) -> Option<(EntryKind, String)> {
    let change = fold.state().changes.iter().find(|change| change.id == body.message)?;
    let fate = match body.end {
        Delivery::Failed => "was not taken",
        Delivery::Unknown => "may not have been taken",
        Delivery::Sending | Delivery::Accepted | Delivery::Waiting => return None,
    };
    let said = format!("{}: the change to {} in {} {fate}", body.channel, change.name, change.environment);
    Some((EntryKind::Undelivered, with_reason(said, &body.why)))
}

/// What a message that went out did: `sent stakeholders an update`.
fn what(message: &Message, is_open: bool) -> String {
    let (to, kind) = (message.audience.as_str(), message.kind);
    let words = if kind == MessageKind::Resolved && !is_open { "a resolved notice" } else { kind.words() };
    match to {
        audience::UPDATE | audience::STAKEHOLDERS if kind == MessageKind::Update => UPDATED.to_owned(),
        audience::UPDATE => format!("sent stakeholders {words}"),
        to => format!("sent {to} {words}"),
    }
}

/// What did not get through: `update to stakeholders not sent by slack: 404: gone`.
fn not(message: &Message, fate: &str, body: &Delivered) -> String {
    let to = match message.audience.as_str() {
        audience::UPDATE => audience::STAKEHOLDERS,
        to => to,
    };
    with_reason(format!("{} to {to} {fate} by {}", message.kind.noun(), body.channel), &body.why)
}
