//! The messages that were sent, in the report: to whom, what they said, and what became of them.

use jiff::Timestamp;

use super::words::{capitalised, spell};
use crate::incident::{Delivery, Message, OnChannel, PageAnswer, PageState, Policy, State};
use crate::text::markdown::{cell, table};

/// A table of them; `None`: none was sent.
pub(super) fn section(state: &State, policy: &Policy, now: Timestamp) -> Option<String> {
    let rows: Vec<[String; 5]> =
        state.messages.iter().map(|message| row(state, message, policy, now)).collect();
    (!rows.is_empty()).then(|| table(["Sent (UTC)", "To", "By", "Text", "Channels"], rows))
}

fn row(state: &State, message: &Message, policy: &Policy, now: Timestamp) -> [String; 5] {
    let to = capitalised(policy.audience_title(&message.audience));
    let text = message.text.lines().filter(|line| !line.trim().is_empty()).collect::<Vec<_>>().join(" / ");
    let ways: Vec<String> = message
        .ways
        .iter()
        .map(|way| {
            if state.is_superseded(message, way) {
                format!("{}: superseded by a later message", way.channel)
            } else {
                on_channel(way, now)
            }
        })
        .collect();
    [spell(message.at), cell(&to), cell(&message.by), cell(&text), cell(&ways.join("; "))]
}

fn on_channel(way: &OnChannel, now: Timestamp) -> String {
    let stands = way.stands(now);
    let word = stands.map_or("not sent", Delivery::word);
    let why = if way.why.is_empty() { String::new() } else { format!(" ({})", way.why) };
    match stands {
        Some(Delivery::Accepted) => {
            let answer = way.page.as_ref().map_or_else(String::new, answer);
            format!("{}: {word} at {}{why}{answer}", way.channel, spell(way.since))
        }
        _ => format!("{}: {word}{why}", way.channel),
    }
}

/// What came of a page: `, acknowledged by Li at 14:36:10`.
fn answer(page: &PageAnswer) -> String {
    let who = page.who.as_str();
    let by = if who.is_empty() { String::new() } else { format!(" by {who}") };
    match page.state {
        PageState::Acknowledged => format!(", acknowledged{by} at {}", spell(page.at)),
        PageState::Resolved => format!(", resolved there{by} at {}", spell(page.at)),
        PageState::Paging | PageState::Escalated => ", not acknowledged".to_owned(),
    }
}
