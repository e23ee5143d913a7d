//! Messages, and what became of them, as `status --json` tells them.

use jiff::Timestamp;
use serde::Serialize;

use crate::incident::{self, Delivery};

/// A message that was sent.
#[derive(Debug, Serialize)]
pub(super) struct Message<'a> {
    id: String,
    kind: &'static str,
    audience: &'a str,
    by: &'a str,
    at: Timestamp,
    text: &'a str,
    channels: Vec<Way<'a>>,
}

/// What became of it on a channel.
#[derive(Debug, Serialize)]
struct Way<'a> {
    name: &'a str,
    state: Option<Delivery>,
    at: Timestamp,
    why: &'a str,
}

/// A message in the form that scripts read.
pub(super) fn json(message: &incident::Message, now: Timestamp) -> Message<'_> {
    let ways = message.ways.iter().map(|way| Way {
        name: &way.channel,
        state: way.stands(now),
        at: way.since,
        why: &way.why,
    });
    Message {
        id: message.id.to_string(),
        kind: message.kind.name(),
        audience: &message.audience,
        by: &message.by,
        at: message.at,
        text: &message.text,
        channels: ways.collect(),
    }
}
