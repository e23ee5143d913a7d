//! Jira Service Management Operations, by the API of its alerts: a page opens one, word that users are served again
//! acknowledges it, and word of the end closes it.
//!
//! One incident is one alert, known by an alias of our own: sent twice it is there once. It answers that the request
//! will be looked at: that anybody was reached is not said.

use serde_json::{Value, json};

use super::wire::{Answer, Fate, Outgoing, Wire, characters, cut, fitting, key, saying};
use crate::config::types::Channel;
use crate::incident::{Delivery, MessageKind, Severity};

/// Most characters of the line that is read first.
const MESSAGE: usize = 130;
/// Most characters of what stands behind it.
pub(super) const MOST: usize = 15_000;

pub(super) fn wire(channel: &Channel, message: &Outgoing) -> Wire {
    let alerts = channel.api();
    let alias = key(&message.id);
    let (title, _) = message.parts();
    let note = json!({ "source": "flightdeck", "note": cut(title, MESSAGE) });
    let (url, body) = match message.kind {
        MessageKind::Resolved => {
            let what = if message.is_over { "close" } else { "acknowledge" };
            (format!("{alerts}/{alias}/{what}?identifierType=alias"), note)
        }
        _ => (alerts.to_owned(), alert(message, &alias)),
    };
    Wire::json(url, &body).with("Authorization", format!("GenieKey {{secret:{}}}", channel.secret))
}

fn alert(message: &Outgoing, alias: &str) -> Value {
    let (title, _) = message.parts();
    json!({
        "message": cut(title, MESSAGE),
        "alias": alias,
        "description": fitting(message.text.trim(), MOST, str::to_owned, characters),
        "source": "flightdeck",
        "entity": message.service,
        "priority": priority(message.rank),
        "tags": ["flightdeck"],
        "details": { "incident": message.incident, "severity": message.severity },
    })
}

/// The worst severity is the highest priority; there are five.
fn priority(severity: Severity) -> String {
    format!("P{}", u16::from(severity.rank()).min(4) + 1)
}

pub(super) fn fate(answer: &Answer<'_>) -> Fate {
    let (status, said) = (answer.status, saying(answer.body));
    let failed = |what: &str| Fate::new(Delivery::Failed, format!("{status}{said}: {what}"));
    match status {
        200..300 if serde_json::from_slice::<Value>(answer.body).is_ok_and(|said| said.is_object()) => {
            Fate::new(Delivery::Accepted, "")
        }
        200..300 => failed("this is not how Jira Service Management answers; see whether `url` is right"),
        401 | 403 => failed(
            "the key was rejected; it is that of an API integration, with the right to create and update",
        ),
        404 => failed("no such alert or address; see whether `url` is right"),
        422 => failed("Jira Service Management rejected this alert"),
        _ => failed("Jira Service Management rejected it"),
    }
}
