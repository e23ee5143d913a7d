//! Slack, by the token of a bot: the first message of an incident is kept up to date, and what comes later
//! stands in its thread, and in the channel.

use serde_json::{Value, json};

use super::slack;
use super::wire::{Answer, Fate, Outgoing, Wire, saying};
use crate::config::types::Channel;
use crate::incident::Delivery;

/// Posts it: in the thread of the first message, where there is one.
pub(super) fn wire(channel: &Channel, message: &Outgoing) -> Wire {
    let mut body = slack::body(channel, message);
    body["channel"] = json!(channel.to.one());
    if let Some((_, thread)) = first(channel, message) {
        body["thread_ts"] = json!(thread);
        body["reply_broadcast"] = json!(true);
    }
    call(channel, "chat.postMessage", &body)
}

/// Brings the first message up to date; `None`: this one is the first, or is about something else than how it stands.
pub(super) fn update(channel: &Channel, message: &Outgoing) -> Option<Wire> {
    if !message.kind.is_status() {
        return None;
    }
    let (place, ts) = first(channel, message)?;
    // Whoever was called is not called again.
    let quiet = Channel { mention: String::new(), ..channel.clone() };
    let said = slack::body(&quiet, message);
    let body = json!({ "channel": place, "ts": ts, "text": said["text"], "blocks": said["blocks"] });
    Some(call(channel, "chat.update", &body))
}

/// Channel and time of the first message, by which Slack knows it.
fn first<'a>(channel: &Channel, message: &'a Outgoing) -> Option<(&'a str, &'a str)> {
    let (place, ts) = message.first.as_deref()?.split_once(':')?;
    // It may have been sent to another one, before that was changed.
    (place == channel.to.one() || channel.to.one().starts_with('#')).then_some((place, ts))
}

fn call(channel: &Channel, method: &str, body: &Value) -> Wire {
    Wire::post(format!("{}/{method}", channel.api()), body.to_string())
        .with("Authorization", format!("Bearer {{secret:{}}}", channel.secret))
        .with("Content-Type", "application/json; charset=utf-8")
}

/// Tells whether a text is a name that Slack gives: a short one, of few letters.
fn is_name(text: &str, is_of: impl Fn(&u8) -> bool) -> bool {
    (1..=32).contains(&text.len()) && text.as_bytes().iter().all(is_of)
}

/// It answers 200 whatever became of it: `ok` says that.
pub(super) fn fate(answer: &Answer<'_>) -> Fate {
    let status = answer.status;
    let Some(said) = serde_json::from_slice::<Value>(answer.body).ok().filter(Value::is_object) else {
        let what = format!("{status}{}: this is not how Slack answers", saying(answer.body));
        return Fate::new(Delivery::Failed, what);
    };
    let text = |key: &str| said.get(key).and_then(Value::as_str).unwrap_or_default();
    if said.get("ok") == Some(&Value::Bool(true)) {
        let (place, ts) = (text("channel"), text("ts"));
        let is_of_time = |byte: &u8| byte.is_ascii_digit() || *byte == b'.';
        let reference = if is_name(place, u8::is_ascii_alphanumeric) && is_name(ts, is_of_time) {
            format!("{place}:{ts}")
        } else {
            String::new()
        };
        return Fate { reference, ..Fate::new(Delivery::Accepted, "") };
    }
    let error: String = text("error").chars().take(80).collect();
    let (end, what) = match error.as_str() {
        "ratelimited" | "rate_limited" => (Delivery::Waiting, "rate limited"),
        "invalid_auth" | "not_authed" | "token_revoked" | "token_expired" | "account_inactive" => {
            (Delivery::Failed, "the token is not valid any more; make a new one, and put it into the secret")
        }
        "missing_scope" => (Delivery::Failed, "the bot needs the scope chat:write"),
        "not_in_channel" => (Delivery::Failed, "the bot is not in the channel: /invite it there"),
        "channel_not_found" => {
            (Delivery::Failed, "no such channel, or the bot is not in it; `to` is its id: C0123456789")
        }
        "is_archived" => (Delivery::Failed, "the channel is archived"),
        "msg_too_long" | "invalid_blocks" | "msg_blocks_too_long" | "no_text" => {
            (Delivery::Failed, "Slack rejected this message; make it shorter or plainer, then send it again")
        }
        "internal_error" | "fatal_error" | "request_timeout" => {
            (Delivery::Unknown, "Slack failed; it may have been received")
        }
        "service_unavailable" => (Delivery::Waiting, "Slack is not available"),
        _ => (Delivery::Failed, "Slack rejected it"),
    };
    let error = if error.is_empty() { "no reason".to_owned() } else { error };
    Fate::new(end, format!("{error}: {what}"))
}
