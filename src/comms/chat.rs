//! Services that take a text by a webhook of their own: Mattermost, Discord, Google Chat and ntfy, as they are
//! documented.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::json;

use super::wire::{Answer, Counted, Fate, Length, Outgoing, Wire, characters, fitting, parts};
use super::{escape, webhook};
use crate::config::types::{Channel, ChannelKind};
use crate::incident::{Delivery, MessageKind, Severity};

/// Most characters of a message in Mattermost.
const MATTERMOST: usize = 15_000;
/// Most characters of a message in Discord.
const DISCORD: usize = 2000;
/// Of a message in Discord: links have no preview.
const SUPPRESS_EMBEDS: u32 = 1 << 2;
/// Most characters of a message in Google Chat.
const GOOGLE: usize = 4000;
/// Most bytes of a message of ntfy: what is longer becomes a file.
const NTFY: usize = 4000;

/// How long a text is there, with all that is escaped in it and whoever is called.
pub(super) fn length(channel: &Channel, text: &str) -> Length {
    let escaped =
        |most| Length { is: as_sent(channel, text).chars().count(), most: Some(most), of: Counted::Escaped };
    match channel.kind {
        ChannelKind::Mattermost => escaped(MATTERMOST),
        ChannelKind::Discord => escaped(DISCORD),
        ChannelKind::GoogleChat => escaped(GOOGLE),
        // The first line is its title.
        _ => Length { is: parts(text).1.len(), most: Some(NTFY), of: Counted::Bytes },
    }
}

/// A text as the service gets it, in whole.
fn as_sent(channel: &Channel, text: &str) -> String {
    let escaped = match channel.kind {
        ChannelKind::GoogleChat => escape::uncalled(text),
        _ => escape::markdown(text),
    };
    match channel.mention.as_str() {
        "" => escaped,
        mention => format!("{mention} {escaped}"),
    }
}

pub(super) fn wire(channel: &Channel, message: &Outgoing) -> Wire {
    let url = webhook::address(channel);
    let within = |most| fitting(message.text.trim(), most, |text| as_sent(channel, text), characters);
    match channel.kind {
        ChannelKind::Mattermost => {
            Wire::json(url, &json!({ "text": within(MATTERMOST), "username": "flightdeck" }))
        }
        ChannelKind::Discord => {
            // Nobody is called but by what is configured.
            let parse: &[&str] =
                if channel.mention.is_empty() { &[] } else { &["everyone", "roles", "users"] };
            let body = json!({
                "content": within(DISCORD),
                // No preview of a page that somebody else's words lead to.
                "flags": SUPPRESS_EMBEDS,
                "allowed_mentions": { "parse": parse },
                "username": "flightdeck",
            });
            Wire::json(url, &body)
        }
        ChannelKind::GoogleChat => Wire::json(url, &json!({ "text": within(GOOGLE) })),
        _ => ntfy(channel, message, url),
    }
}

/// Plain text by POST, with a title and how loud it is in headers.
fn ntfy(channel: &Channel, message: &Outgoing, url: String) -> Wire {
    let (title, rest) = message.parts();
    let body = fitting(rest, NTFY, str::to_owned, String::len);
    let own =
        channel.headers.iter().fold(Wire::post(url, body), |wire, (name, value)| wire.with(name, value));
    own.with("Title", header(title)).with("Priority", priority(message))
}

/// How loud it is: what somebody is woken by, what is worth a look, and what can wait.
fn priority(message: &Outgoing) -> &'static str {
    let is_bad = message.rank <= Severity::P1;
    match message.kind {
        MessageKind::Alert | MessageKind::Page if is_bad => "urgent",
        MessageKind::Alert | MessageKind::Page if message.rank == Severity::P2 => "high",
        MessageKind::Update | MessageKind::Rollback if is_bad => "high",
        _ => "default",
    }
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
