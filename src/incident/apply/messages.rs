//! What the records of messages do to the state.

use jiff::Timestamp;

use crate::incident::body::{Delivered, Delivery, MessageKind, Messaged, PageFollowed, Suggested};
use crate::incident::record::{Record, RecordId};
use crate::incident::state::{Change, Message, OnChannel, PageAnswer, Release, State, SuggestedMessage};

pub(super) fn written(state: &mut State, record: &Record, body: &Messaged) {
    let at = record.occurred_at;
    let way = |channel: &String| OnChannel::new(channel, at);
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
    let Some(message) = found else {
        changed(state, body, at);
        return false;
    };
    let was_accepted = message.is_accepted();
    let Some(way) = message.ways.iter_mut().find(|way| way.channel == body.channel) else { return false };
    way.take(body, at);
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

/// Keeps a release for services that are told of changes.
pub(super) fn released(state: &mut State, id: RecordId, release: &Release) {
    // Somebody only wrote down what was there already.
    if release.plan.is_empty() {
        return;
    }
    state.changes.push(Change {
        id,
        at: release.at,
        by: release.by.clone(),
        environment: release.environment.clone(),
        name: release.name(),
        commit: release.commit.clone(),
        rollback: release.rollback,
        ways: Vec::new(),
    });
}

/// Takes in what became of a change on a channel.
fn changed(state: &mut State, body: &Delivered, at: Timestamp) {
    let Some(change) = state.changes.iter_mut().find(|change| change.id == body.message) else { return };
    let place = change.ways.iter().position(|way| way.channel == body.channel).unwrap_or_else(|| {
        change.ways.push(OnChannel::new(&body.channel, at));
        change.ways.len() - 1
    });
    change.ways[place].take(body, at);
}
