//! Slack, by an incoming webhook: `https://hooks.slack.com/services/…`, of which all is a secret.
//!
//! Text goes as `plain_text`, in which nothing is markup, a link or a mention. Only what the configuration says
//! calls anybody.

use serde_json::{Value, json};

use super::wire::{Answer, Fate, Outgoing, Wire, characters, cut, fitting, parts, saying};
use crate::config::types::Channel;
use crate::incident::Delivery;

/// Most characters of a header.
const HEADER: usize = 150;
/// Most characters of a section.
const SECTION: usize = 3000;
/// Most characters of a message in all. Above some 13,200 it answers `msg_blocks_too_long`; the text stands in it
/// twice.
pub(super) const MOST: usize = 6000;

pub(super) fn wire(channel: &Channel, message: &Outgoing) -> Wire {
    Wire::json(format!("{{secret:{}}}", channel.secret), &body(channel, message))
}

/// A message in blocks, with a text for where those are not shown.
pub(super) fn body(channel: &Channel, message: &Outgoing) -> Value {
    let text = cut(message.text.trim(), MOST);
    let (title, body) = parts(&text);
    let plain = |text: &str| json!({ "type": "plain_text", "text": text, "emoji": false });
    let mut blocks: Vec<Value> = Vec::new();
    if !title.is_empty() {
        blocks.push(json!({ "type": "header", "text": plain(&cut(title, HEADER)) }));
    }
    // What the header has no room for is not lost.
    let whole = if title.chars().count() > HEADER { format!("{title}\n{body}") } else { body.to_owned() };
    for part in sections(whole.trim()) {
        blocks.push(json!({ "type": "section", "text": plain(&part) }));
    }
    let mut fallback = fitting(&text, MOST, escaped, characters);
    if !channel.mention.is_empty() {
        let called = json!({ "type": "mrkdwn", "text": channel.mention });
        blocks.push(json!({ "type": "section", "text": called }));
        fallback = format!("{} {fallback}", channel.mention);
    }
    json!({ "text": fallback, "blocks": blocks, "link_names": false, "unfurl_links": false })
}

/// Parts of a text that fit into a section, cut at the ends of lines where that is possible.
fn sections(text: &str) -> Vec<String> {
    let mut parts: Vec<String> = Vec::new();
    let mut part = String::new();
    let mut length = 0;
    let mut put = |piece: &str, parts: &mut Vec<String>| {
        let long = piece.chars().count();
        if length + long > SECTION {
            parts.push(std::mem::take(&mut part));
            length = 0;
        }
        part.push_str(piece);
        length += long;
    };
    for line in text.split_inclusive('\n') {
        let characters: Vec<char> = line.chars().collect();
        for piece in characters.chunks(SECTION) {
            put(&piece.iter().collect::<String>(), &mut parts);
        }
    }
    parts.push(part);
    parts.into_iter().map(|part| part.trim_end().to_owned()).filter(|part| !part.is_empty()).collect()
}

/// A text in which nothing is a link or a mention.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// It answers 200 and `ok`; anything else was not taken.
pub(super) fn fate(answer: &Answer<'_>) -> Fate {
    let said = String::from_utf8_lossy(answer.body);
    let said = said.trim();
    let refused = |what: &str| Fate::new(Delivery::Failed, format!("{}: {said}: {what}", answer.status));
    match (answer.status, said) {
        (200, "ok") => Fate::new(Delivery::Accepted, ""),
        // Something in between answered, as a proxy does that wants a login.
        (200..300, _) => Fate::new(
            Delivery::Failed,
            format!(
                "{}: this is not how Slack answers; see whether the secret holds the right address",
                answer.status
            ),
        ),
        (_, "no_service" | "no_service_id" | "invalid_token" | "no_team" | "team_disabled") => {
            refused("the webhook was removed or turned off; make a new one, and put it into the secret")
        }
        (_, "channel_not_found") => refused("its channel is gone; make a webhook for another one"),
        (_, "channel_is_archived") => refused("its channel is archived; make a webhook for another one"),
        (_, "action_prohibited" | "posting_to_general_channel_denied") => {
            refused("an admin does not allow this; ask who looks after your Slack")
        }
        (_, "invalid_payload" | "invalid_blocks" | "msg_blocks_too_long" | "no_text") => {
            refused("Slack rejected this message; make it shorter or plainer, then send it again")
        }
        (404 | 410, _) => refused("no such webhook; see whether the secret holds the right address"),
        _ => Fate::new(Delivery::Failed, format!("{}{}", answer.status, saying(answer.body))),
    }
}
