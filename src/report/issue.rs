//! The words of an issue for what is left to do.

use std::fmt::Write as _;

use jiff::{SignedDuration, Timestamp};

use crate::incident::{FollowUp, State};
use crate::plan::IssueText;
use crate::text::markdown::{inline, line_start};
use crate::text::visible;

/// How far the clock of a code host may be behind.
const SLACK: SignedDuration = SignedDuration::from_hours(24);

/// Letters of its text that fit: a code host takes no more than 65,536.
const MOST: usize = 10_000;

/// What tells the issue of a follow-up from all others. It stands in its text, where nobody sees it.
pub fn marker(follow_up: &FollowUp) -> String {
    format!("<!-- flightdeck follow-up {} -->", follow_up.id)
}

/// From when on its issue may be there.
pub fn since(follow_up: &FollowUp) -> String {
    let at = follow_up.at.saturating_sub(SLACK).unwrap_or(Timestamp::MIN);
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// The issue of a follow-up: title and text, with the incident it comes from. Nobody is called by it.
pub fn issue(state: &State, follow_up: &FollowUp) -> IssueText {
    let text: String = follow_up.text.chars().take(MOST).collect();
    let mut body = format!("{}\n\n", line_start(inline(&text)));
    // Writing to a string cannot fail.
    if !follow_up.owner.is_empty() {
        let _ = writeln!(body, "Owner: {}", inline(&follow_up.owner));
    }
    if let Some(due) = follow_up.due {
        let _ = writeln!(body, "Due: {due}");
    }
    let _ = writeln!(body, "From incident {}: {}\n", inline(&state.number), inline(&state.title));
    let _ = writeln!(body, "{}", marker(follow_up));
    let title = unaddressed(&visible(&text).split_whitespace().collect::<Vec<_>>().join(" "));
    IssueText {
        follow_up: follow_up.id.to_string(),
        marker: marker(follow_up),
        since: since(follow_up),
        title: title.chars().take(200).collect(),
        body,
    }
}

/// A title in which nobody is mentioned: it is no Markdown, and GitLab looks for names there all the same.
fn unaddressed(title: &str) -> String {
    let mut out = String::with_capacity(title.len());
    let mut chars = title.chars().peekable();
    while let Some(c) = chars.next() {
        let in_address = out.ends_with(|before: char| before.is_alphanumeric());
        out.push(c);
        if c == '@' && !in_address && chars.peek().is_some_and(|next| !next.is_whitespace()) {
            out.push(' ');
        }
    }
    out
}

/// The issues of those follow-ups that are open and have none yet.
pub fn unsent(state: &State) -> Vec<IssueText> {
    let open = state.open_follow_ups().filter(|one| one.issue.is_none());
    open.map(|one| issue(state, one)).collect()
}
