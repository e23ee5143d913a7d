//! The messages that were sent, in the report: to whom, what they said, and what became of them.

use jiff::Timestamp;

use super::words::{capitalised, spell};
use crate::incident::{Delivery, Message, OnChannel, Policy, State};
use crate::text::markdown::{cell, table};

/// A table of them; `None`: none was sent.
pub(super) fn section(state: &State, policy: &Policy, now: Timestamp) -> Option<String> {
    let rows: Vec<[String; 5]> = state.messages.iter().map(|message| row(message, policy, now)).collect();
    (!rows.is_empty()).then(|| table(["Sent (UTC)", "To", "By", "Text", "Channels"], rows))
}

fn row(message: &Message, policy: &Policy, now: Timestamp) -> [String; 5] {
    let to = capitalised(policy.audience_title(&message.audience));
    let text = message.text.lines().filter(|line| !line.trim().is_empty()).collect::<Vec<_>>().join(" / ");
    let ways: Vec<String> = message.ways.iter().map(|way| on_channel(way, now)).collect();
    [spell(message.at), cell(&to), cell(&message.by), cell(&text), cell(&ways.join("; "))]
}

fn on_channel(way: &OnChannel, now: Timestamp) -> String {
    let stands = way.stands(now);
    let word = stands.map_or("not sent", Delivery::word);
    let why = if way.why.is_empty() { String::new() } else { format!(" ({})", way.why) };
    match stands {
        Some(Delivery::Accepted) => format!("{}: {word} at {}{why}", way.channel, spell(way.since)),
        _ => format!("{}: {word}{why}", way.channel),
    }
}
