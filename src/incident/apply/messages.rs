//! What the records of messages do to the state.

use jiff::Timestamp;

use crate::incident::body::{Delivered, Delivery, MessageKind, Messaged, PageFollowed, Suggested};
use crate::incident::record::Record;
use crate::incident::state::{Message, OnChannel, PageAnswer, State, SuggestedMessage};

pub(super) fn written(state: &mut State, record: &Record, body: &Messaged) {
    let at = record.occurred_at;
    let way = |channel: &String| OnChannel {
        channel: channel.clone(),
        end: None,
        since: at,
        why: String::new(),
        reference: String::new(),
        again: None,
        tries: 0,
        page: None,
    };
    state.messages.push(Message {
        id: record.id,
        kind: body.kind,
        audience: body.audience.clone(),
        text: body.text.clone(),
        by: record.author.name.clone(),
        at,
        as_of: body.as_of.unwrap_or(at),
        ways: body.channels.iter().map(way).collect(),
    });
}

/// Takes in what a service tells of a page.
pub(super) fn followed(state: &mut State, body: &PageFollowed, at: Timestamp) {
    let found = state.messages.iter_mut().find(|message| message.id == body.message);
    let way = found.and_then(|message| message.ways.iter_mut().find(|way| way.channel == body.channel));
    let Some(way) = way.filter(|way| way.page.as_ref().is_none_or(|known| known.takes(body))) else { return };
    way.page = Some(PageAnswer { state: body.state, who: body.who.clone(), at });
}

/// Keeps the message that an assistant drafted.
pub(super) fn suggested(state: &mut State, record: &Record, body: &Suggested) {
    let Some(of) = &body.message else { return };
    state.suggested.push(SuggestedMessage {
        id: record.id,
        kind: of.kind,
        audience: of.audience.clone(),
        text: body.text.clone(),
        by: record.author.name.clone(),
        at: record.occurred_at,
    });
}

/// Takes in what became of it. What was accepted once stays so; an audience was told when the first service took
/// a message for it, and somebody was paged when the first took a page. Tells whether somebody was paged by it.
pub(super) fn delivered(state: &mut State, body: &Delivered, at: Timestamp) -> bool {
    let found = state.messages.iter_mut().find(|message| message.id == body.message);
    let Some(message) = found else { return false };
    let was_accepted = message.is_accepted();
    let found = message.ways.iter_mut().find(|way| way.channel == body.channel);
    let Some(way) = found.filter(|way| way.end != Some(Delivery::Accepted)) else { return false };
    way.tries += u32::from(body.end == Delivery::Sending);
    (way.end, way.since, way.again) = (Some(body.end), at, body.again);
    way.why.clone_from(&body.why);
    way.reference.clone_from(&body.reference);
    if body.end != Delivery::Accepted || was_accepted {
        return false;
    }
    let pages = message.kind == MessageKind::Page;
    let reached = (at, message.audience.clone());
    if pages {
        state.paged.push(reached);
    } else {
        state.told.push(reached);
    }
    pages
}
