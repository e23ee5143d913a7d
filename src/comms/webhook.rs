//! Any address that takes a message by POST, in a form that a template says.

use minijinja::Value;
use minijinja::value::Serde;
use serde::Serialize;

use super::template;
use super::wire::{Answer, Fate, Outgoing, Wire, cut, page_instead, saying};
use crate::config::types::Channel;
use crate::incident::Delivery;

/// What is sent where nothing is said: what Mattermost, Rocket.Chat, Google Chat and many others take.
const BODY: &str = "{\"text\": {{ text | tojson }}}";

/// What the template of a body can name.
#[derive(Serialize)]
struct Values<'a> {
    text: &'a str,
    title: &'a str,
    body: &'a str,
    kind: &'static str,
    audience: &'a str,
    severity: &'a str,
    incident: &'a str,
}

pub(super) fn wire(channel: &Channel, message: &Outgoing) -> Result<Wire, String> {
    let text = message.text.trim();
    let most = if channel.limit > 0 { channel.limit } else { usize::MAX };
    let mut text = cut(text, most);
    if !channel.mention.is_empty() {
        text = format!("{} {text}", channel.mention);
    }
    let (title, rest) = message.parts();
    let values = Values {
        text: &text,
        title,
        body: rest,
        kind: message.kind.name(),
        audience: &message.audience,
        severity: &message.severity,
        incident: &message.incident,
    };
    let source = if channel.body.is_empty() { BODY } else { &channel.body };
    let body = template::fill(&format!("body of {}", channel.name), source, &Value::from(Serde(values)))?;
    let is_json = serde_json::from_str::<serde::de::IgnoredAny>(&body).is_ok();
    let kind = if is_json { "application/json" } else { "text/plain; charset=utf-8" };
    let wire = Wire::post(address(channel), body);
    let wire = channel.headers.iter().fold(wire, |wire, (name, value)| wire.with(name, value));
    let is_said = wire.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type"));
    Ok(if is_said { wire } else { wire.with("Content-Type", kind) })
}

/// Tells what is wrong with the template of a body, which is filled from a message that stands for all others; `None`:
/// nothing.
pub fn mistake(source: &str) -> Option<String> {
    let (title, body) = ("P1 Checkout fails", "We are investigating.");
    let (text, kind) = (format!("{title}\n\n{body}"), "update");
    let (audience, severity, incident) = ("stakeholders", "P1", "INC-1");
    let values = Values { text: &text, title, body, kind, audience, severity, incident };
    template::fill("`body`", source, &Value::from(Serde(values))).err()
}

/// The address of a channel, or the secret that holds it.
pub(super) fn address(channel: &Channel) -> String {
    match channel.secret.as_str() {
        "" => channel.url.clone(),
        secret => format!("{{secret:{secret}}}"),
    }
}

/// Any 2xx says that it was taken.
pub(super) fn fate(answer: &Answer<'_>) -> Fate {
    let status = answer.status;
    let said = saying(answer.body);
    match status {
        200..300 => page_instead(answer).unwrap_or_else(|| Fate::new(Delivery::Accepted, "")),
        401 | 403 => Fate::new(
            Delivery::Failed,
            format!("{status}{said}: it was not let in; see whether its secret is still valid"),
        ),
        404 | 410 => {
            Fate::new(Delivery::Failed, format!("{status}{said}: no such address; see whether it is right"))
        }
        413 => Fate::new(Delivery::Failed, "413: the message is too long; set `limit` of the channel"),
        _ => Fate::new(Delivery::Failed, format!("{status}{said}")),
    }
}
