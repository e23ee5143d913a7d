//! What a review talks about, made from the record: an hour, everybody, and nobody to blame.

use super::document::Setting;
use super::words::{clock_after, inside};
use super::{followups, lessons, live, runbooks, times};
use crate::incident::{EntryKind, NoteKind, State, duration};
use crate::text::markdown::inline;

/// A silence that somebody may be able to explain, in minutes.
const GAP_MINUTES: i64 = 15;

/// The agenda of the review as Markdown, as it stood when the last record was written.
pub fn agenda(state: &State, setting: Setting<'_>) -> String {
    let now = state.latest;
    let name = &setting.policy.severity(state.severity).review;
    let mut text = format!("# {} of {}: {}\n", capital(name), inline(&state.number), inline(&state.title));
    text.push_str(
        "\nThis review is blameless: we look for what made this possible, not for who did it. Everybody who was \
         there knows something the record does not.\n",
    );
    let mut section = |title: &str, lines: Vec<String>, otherwise: &str| {
        text.push_str(&["\n## ", title, "\n\n"].concat());
        if lines.is_empty() {
            text.push_str(otherwise);
            text.push('\n');
        }
        for line in lines {
            text.push_str(&["- ", line.as_str(), "\n"].concat());
        }
    };
    let cause = if state.cause.is_empty() {
        "The cause is not recorded yet.".to_owned()
    } else {
        inside(&state.cause)
    };
    let mut happened = vec![format!("Impact: {}", or(&state.impact, "not recorded yet"))];
    happened.extend(times::served(state, setting.probes));
    happened.push(live::fact(state, setting.probes));
    happened.push(format!("Cause: {cause}"));
    section("What happened", happened, "");
    section("Silences in the timeline", silences(state), "Nothing was silent for long.");
    section(
        "What went well",
        lessons::well(state, setting, now),
        "The record names nothing: what do people say?",
    );
    section(
        "What could be better",
        lessons::badly(state, setting, now),
        "The record names nothing: what do people say?",
    );
    section("What was odd", odd(state), "Nobody noted anything odd.");
    section(
        "Runbooks",
        runbooks::gather(state, setting.probes),
        "None was used, and no probe that failed names one. Which would have helped?",
    );
    let own = capital(name);
    let tasks = followups::gather(state, setting.policy, setting.checklist, setting.probes, now);
    let tasks = tasks.into_iter().filter(|task| !task.starts_with(&own)).collect();
    section(
        "Follow-ups: who, and by when?",
        tasks,
        "None yet. What would have made this shorter, or impossible?",
    );
    text
}

fn or(text: &str, otherwise: &str) -> String {
    if text.trim().is_empty() { otherwise.to_owned() } else { inside(text) }
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(|| "Review".to_owned(), |first| first.to_uppercase().chain(chars).collect())
}

/// Stretches of the incident in which nobody wrote anything.
fn silences(state: &State) -> Vec<String> {
    let end = state.resolved_at.unwrap_or(state.latest);
    let span = state.started_at..=end;
    let times = state.timeline.iter().map(|entry| entry.place).filter(|at| span.contains(at));
    let times: Vec<_> = std::iter::once(state.started_at).chain(times).chain([end]).collect();
    let long = times.windows(2).filter(|pair| pair[1].duration_since(pair[0]).as_mins() >= GAP_MINUTES);
    long.map(|pair| {
        let (from, to) = (clock_after(state.started_at, pair[0]), clock_after(state.started_at, pair[1]));
        format!("{from} to {to} UTC, {}: what happened then?", duration(pair[1].duration_since(pair[0])))
    })
    .collect()
}

/// What somebody noted as odd.
fn odd(state: &State) -> Vec<String> {
    let is_odd = |kind| kind == EntryKind::Note(NoteKind::Problem);
    let entries = state.timeline.iter().filter(|entry| is_odd(entry.kind) && entry.retracted.is_none());
    entries.map(|entry| format!("{} ({})", inline(entry.text), inline(entry.author))).collect()
}
