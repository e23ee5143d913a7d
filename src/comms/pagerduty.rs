//! `PagerDuty`, by its Events API v2: a page opens an alert, and word that it is over resolves it.
//!
//! One incident is one alert, known by a key of our own: sent twice it is there once. So what may have been received is
//! sent again. That it was accepted does not say that anybody was reached: that is in `PagerDuty`.

use serde_json::json;

use super::wire::{Answer, Fate, Outgoing, Wire, cut, key, saying};
use crate::config::types::Channel;
use crate::incident::{Delivery, MessageKind};

/// Most characters of a summary.
const SUMMARY: usize = 1024;
/// Most characters of the whole text, which stands behind it: an event may have 512 KB.
pub(super) const MOST: usize = 20_000;

pub(super) fn wire(channel: &Channel, message: &Outgoing) -> Wire {
    let (title, _) = message.parts();
    let key = key(&message.id);
    let body = if message.kind == MessageKind::Resolved && message.is_over {
        json!({ "event_action": "resolve", "dedup_key": key })
    } else {
        json!({
            "event_action": "trigger",
            "dedup_key": key,
            "client": "flightdeck",
            "payload": {
                "summary": cut(title, SUMMARY),
                "source": if message.service.is_empty() { &message.incident } else { &message.service },
                "severity": "critical",
                "custom_details": { "incident": message.incident, "severity": message.severity, "text": cut(message.text.trim(), MOST) },
            },
        })
    };
    let secret_field = Some(("routing_key", channel.secret.clone()));
    Wire { secret_field, ..Wire::json(format!("{}/v2/enqueue", channel.api()), &body) }
}

pub(super) fn fate(answer: &Answer<'_>) -> Fate {
    let (status, said) = (answer.status, saying(answer.body));
    match status {
        202 => Fate::new(Delivery::Accepted, ""),
        400 => Fate::new(
            Delivery::Failed,
            format!(
                "400{said}: PagerDuty rejected it; see whether the secret holds the integration key of an Events API v2"
            ),
        ),
        403 => Fate::new(Delivery::Failed, format!("403{said}: PagerDuty rejected this key")),
        _ => Fate::new(Delivery::Failed, format!("{status}{said}")),
    }
}
