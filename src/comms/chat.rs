//! Services that take a text by a webhook of their own: Mattermost, Discord, Google Chat and ntfy, as they are
//! documented.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::json;

use super::wire::{Answer, Fate, Outgoing, Wire, cut};
use super::{escape, webhook};
use crate::config::types::{Channel, ChannelKind};
use crate::incident::{Delivery, MessageKind};

/// Most characters of a message in Mattermost.
const MATTERMOST: usize = 15_000;
/// Most characters of a message in Discord, markup included.
const DISCORD: usize = 2000;
/// Most characters of a message in Google Chat.
const GOOGLE: usize = 4000;
/// Most bytes of a message of ntfy: what is longer becomes a file.
const NTFY: usize = 4000;

/// Most characters that are sent.
pub(super) fn most(kind: ChannelKind) -> usize {
    match kind {
        ChannelKind::Mattermost => MATTERMOST,
        // What is escaped takes room, too.
        ChannelKind::Discord => DISCORD,
        ChannelKind::GoogleChat => GOOGLE,
        _ => NTFY,
    }
}

pub(super) fn wire(channel: &Channel, message: &Outgoing) -> Wire {
    let url = webhook::address(channel);
    let text = message.text.trim();
    let json = |body: serde_json::Value| Wire {
        url: url.clone(),
        headers: vec![("Content-Type".to_owned(), "application/json".to_owned())],
        body: body.to_string(),
        secret_field: None,
    };
    let calling = |text: String| match channel.mention.as_str() {
        "" => text,
        mention => format!("{mention} {text}"),
    };
    match channel.kind {
        ChannelKind::Mattermost => json(
            json!({ "text": calling(escape::markdown(&cut(text, MATTERMOST))), "username": "flightdeck" }),
        ),
        ChannelKind::Discord => {
            let room = DISCORD - channel.mention.chars().count().min(DISCORD / 2) - 1;
            // Nobody is called but by what is configured.
            let parse: &[&str] =
                if channel.mention.is_empty() { &[] } else { &["everyone", "roles", "users"] };
            json(json!({
                "content": calling(fitting(text, room)),
                "allowed_mentions": { "parse": parse },
                "username": "flightdeck",
            }))
        }
        ChannelKind::GoogleChat => json(json!({ "text": calling(escape::uncalled(&cut(text, GOOGLE))) })),
        _ => ntfy(channel, message, url),
    }
}

/// A text in Markdown that is no longer than that with all that is escaped in it.
fn fitting(text: &str, room: usize) -> String {
    let mut most = room;
    loop {
        let escaped = escape::markdown(&cut(text, most));
        if escaped.chars().count() <= room || most < 50 {
            return escaped;
        }
        most = most * 9 / 10;
    }
}

/// Plain text by POST, with a title and how loud it is in headers.
fn ntfy(channel: &Channel, message: &Outgoing, url: String) -> Wire {
    let (title, rest) = message.parts();
    let priority = match message.kind {
        MessageKind::Alert => "urgent",
        MessageKind::Resolved => "default",
        _ => "high",
    };
    let mut most = NTFY;
    let mut body = cut(rest, most);
    // Its limit is in bytes.
    while body.len() > NTFY {
        most = most * 3 / 4;
        body = cut(rest, most);
    }
    let mut headers: Vec<(String, String)> =
        channel.headers.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
    headers.push(("Title".to_owned(), header(title)));
    headers.push(("Priority".to_owned(), priority.to_owned()));
    Wire { url, headers, body, secret_field: None }
}

/// A text as a header holds it: what is not ASCII is encoded as RFC 2047 says. A secret is never named by it.
fn header(text: &str) -> String {
    let plain = text.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ');
    if plain && !text.contains("{secret:") {
        text.to_owned()
    } else {
        format!("=?UTF-8?B?{}?=", BASE64_STANDARD.encode(text))
    }
}

pub(super) fn fate(kind: ChannelKind, answer: &Answer<'_>) -> Fate {
    let fate = webhook::fate(answer);
    // Discord says why in its own words, and answers 404 with JSON where the webhook was removed.
    if kind == ChannelKind::Discord && answer.status == 404 {
        return Fate::new(
            Delivery::Failed,
            "404: the webhook was removed; make a new one, and put it into the secret",
        );
    }
    fate
}
