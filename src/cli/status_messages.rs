//! Messages, and what became of them, as `status --json` tells them.

use jiff::Timestamp;
use serde::Serialize;

use crate::incident::{self, Delivery, PageState, State};

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
    state: Option<Stands>,
    at: Timestamp,
    why: &'a str,
    /// Of a page: how it stands at the service.
    #[serde(skip_serializing_if = "Option::is_none")]
    page: Option<Page<'a>>,
}

/// How it stands there.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Stands {
    /// What became of it.
    Known(Delivery),
    /// A later message has taken its place: it is never sent.
    Superseded(&'static str),
}

/// How a page stands at the service.
#[derive(Debug, Serialize)]
struct Page<'a> {
    state: PageState,
    who: &'a str,
    at: Timestamp,
}

/// A message in the form that scripts read.
pub(super) fn json<'a>(state: &State, message: &'a incident::Message, now: Timestamp) -> Message<'a> {
    let ways = message.ways.iter().map(|way| Way {
        name: &way.channel,
        state: match way.stands(now) {
            _ if state.is_superseded(message, way) => Some(Stands::Superseded("superseded")),
            known => known.map(Stands::Known),
        },
        at: way.since,
        why: &way.why,
        page: way.page.as_ref().map(|page| Page { state: page.state, who: &page.who, at: page.at }),
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
