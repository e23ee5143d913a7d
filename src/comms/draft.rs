//! A message before somebody sends it: written from the record, for an audience.

use jiff::Timestamp;
use minijinja::Value;
use minijinja::value::Serde;

use super::facts::Facts;
use super::numbers::Number;
use super::template;
use crate::config::types::Channel;
use crate::incident::{
    ClockState, MessageKind, Policy, Release, Seen, State, Status, all_clocks, audience, told_up_to,
};
use crate::text::visible_lines;

/// What drafts are written from.
#[derive(Debug, Clone, Copy)]
pub struct Sight<'a> {
    /// The incident.
    pub state: &'a State,
    /// The policy in force.
    pub policy: &'a Policy,
    /// What the incident is called here.
    pub number: &'a str,
    /// The service.
    pub service: &'a str,
    /// What probes of production say that the incident is about.
    pub numbers: &'a [Number],
    /// How production is seen to be.
    pub seen: Seen,
    /// Third parties that are not well, by their probes.
    pub third_parties: &'a [String],
    /// The time.
    pub now: Timestamp,
}

/// A template of a team's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Own {
    /// The kind that it is for.
    pub kind: MessageKind,
    /// Its path in the repository.
    pub path: String,
    /// Its text, or why it cannot be read.
    pub source: Result<String, String>,
}

/// A message before somebody sends it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// What it is for.
    pub kind: MessageKind,
    /// Audience id.
    pub audience: String,
    /// The text.
    pub text: String,
    /// What is wrong with the team's own template, in whose place the usual one was used.
    pub problem: Option<String>,
}

/// Writes a message of a kind for an audience.
pub fn draft(sight: &Sight<'_>, kind: MessageKind, audience: &str, own: &[Own]) -> Draft {
    let values = Value::from(Serde(Facts::of(sight, kind, audience)));
    let usual = || template::fill(kind.name(), template::built_in(kind), &values);
    let own = own.iter().find(|own| own.kind == kind);
    let filled = match own {
        None => usual(),
        Some(Own { path, source, .. }) => {
            let source = source.as_ref().map_err(|why| format!("{path}: {why}"));
            source.and_then(|source| template::fill(path, source, &values))
        }
    };
    let (text, problem) = match filled {
        Ok(text) => (text, None),
        Err(why) if own.is_some() => (usual().unwrap_or_default(), Some(why)),
        // That the usual ones can be filled is tested.
        Err(why) => (String::new(), Some(why)),
    };
    Draft { kind, audience: audience.to_owned(), text: tidy(&text), problem }
}

/// Without blanks at the ends of lines, and at most one empty line in a row.
fn tidy(text: &str) -> String {
    let text = visible_lines(text);
    let mut out = String::with_capacity(text.len());
    let mut empty = 0;
    for line in text.trim().lines().map(str::trim_end) {
        empty = if line.is_empty() { empty + 1 } else { 0 };
        if empty < 2 {
            out.push_str(line);
            out.push('\n');
        }
    }
    out.truncate(out.trim_end().len());
    out
}

/// Which message is due, and for whom: by how the incident stands, how production is seen to be, and by what was
/// said last.
pub fn due(state: &State, policy: &Policy, seen: Seen, now: Timestamp) -> (MessageKind, String) {
    let stakeholders = audience::STAKEHOLDERS;
    let told = told_up_to(state, policy, stakeholders);
    let is_new = |at: Timestamp| told.is_none_or(|told| told < at);
    let is_over = matches!(state.status, Status::Resolved | Status::Closed);
    // Nobody is told that users are served again while production is seen to fail.
    if seen != Seen::Failing && (is_over || state.served_at().is_some_and(is_new)) {
        return (MessageKind::Resolved, stakeholders.to_owned());
    }
    if rollback(state).is_some_and(|live| is_new(live.at)) {
        return (MessageKind::Rollback, stakeholders.to_owned());
    }
    if told.is_none() {
        return (MessageKind::Alert, stakeholders.to_owned());
    }
    // Another audience that waits longer than stakeholders is written to first.
    let pressing = all_clocks(state, policy, now).into_iter().find_map(|clock| {
        let audience = match clock.id.as_str() {
            "update" => stakeholders,
            "executives" => audience::EXECUTIVES,
            id => id.strip_prefix("update:")?,
        };
        (clock.state == ClockState::Overdue).then(|| audience.to_owned())
    });
    let audience = pressing.unwrap_or_else(|| stakeholders.to_owned());
    let kind =
        if told_up_to(state, policy, &audience).is_none() { MessageKind::Alert } else { MessageKind::Update };
    (kind, audience)
}

/// The kind of message that an audience gets next.
pub fn kind_for(state: &State, policy: &Policy, seen: Seen, wanted: &str, now: Timestamp) -> MessageKind {
    let (kind, audience) = due(state, policy, seen, now);
    if policy.told_as(&audience) == policy.told_as(wanted) {
        return kind;
    }
    if told_up_to(state, policy, wanted).is_none() { MessageKind::Alert } else { MessageKind::Update }
}

/// The rollback that production is on; `None`: it was not put back, or something else was deployed since.
pub(super) fn rollback(state: &State) -> Option<&Release> {
    let elsewhere = |release: &Release| state.plan(&release.plan).is_some_and(|plan| !plan.is_production());
    state.releases.iter().rev().find(|release| !elsewhere(release)).filter(|live| live.rollback)
}

/// What speaks against sending a message of a kind; `None`: nothing.
pub fn against(state: &State, seen: Seen, kind: MessageKind) -> Option<&'static str> {
    match kind {
        MessageKind::Resolved if seen == Seen::Failing => Some("production fails"),
        MessageKind::Resolved if state.status == Status::Open => {
            Some("the incident is neither mitigated nor resolved")
        }
        MessageKind::Rollback if rollback(state).is_none() => Some("production was not rolled back"),
        _ => None,
    }
}

/// The channels that an audience is told by.
pub fn channels<'a>(all: &'a [Channel], policy: &Policy, audience: &str) -> Vec<&'a Channel> {
    let wanted = policy.told_as(audience);
    let goes = |channel: &&Channel| channel.audiences.iter().any(|one| policy.told_as(one) == wanted);
    all.iter().filter(goes).collect()
}
