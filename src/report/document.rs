//! The incident report.

use jiff::{SignedDuration, Timestamp, tz::TimeZone};

use super::approvals;
use super::chains;
use super::followups;
use super::runs;
use crate::incident::{CheckState, ChecklistItem, Entry, Policy, Precision, State, Tick, clocks, duration};
use crate::text::markdown::{MISSING, cell, inline, paragraphs, struck, table};

/// An entry written down this much later than it happened says so.
const LATE: SignedDuration = SignedDuration::from_mins(1);

/// The items of the checklist in order with their last tick, then those that were ticked and
/// are on the list no more.
pub(super) fn items<'a>(
    state: &'a State,
    checklist: &'a [ChecklistItem],
) -> Vec<(&'a str, Option<&'a Tick>)> {
    let listed = checklist.iter().map(|item| (item.title.as_str(), state.ticks.get(&item.id)));
    let others = state.ticks.iter().filter(|(id, _)| checklist.iter().all(|item| item.id != **id));
    listed.chain(others.map(|(id, tick)| (named(&tick.title, id), Some(tick)))).collect()
}

fn named<'a>(title: &'a str, id: &'a str) -> &'a str {
    if title.is_empty() { id } else { title }
}

/// The report of an incident as Markdown, as it stands at `now`. Whatever is missing is
/// marked as missing; whatever came from outside stays text. `checklist` is the one in force.
pub fn markdown(state: &State, policy: &Policy, checklist: &[ChecklistItem], now: Timestamp) -> String {
    let mut out = format!("# {}: {}\n\n", cell(&state.number), cell(&state.title));
    let mut section = |title: &str, body: String| {
        out.push_str("## ");
        out.push_str(title);
        out.push_str("\n\n");
        out.push_str(body.trim_end());
        out.push_str("\n\n");
    };
    section("Summary", summary(state, policy, now));
    section("Impact", described(&state.impact));
    section("Root cause", described(&state.cause));
    section("Phases", phases(state, policy, now));
    section("Clocks", clock_table(state, policy, now));
    section("Timeline", timeline(state));
    section("Checklist", checks(state, checklist));
    section("Runs", runs::section(state, now).unwrap_or_else(|| "Nothing was run.".to_owned()));
    if let Some(releases) = runs::releases(state) {
        section("Releases", releases);
    }
    section("Approvals and gates", approvals::section(state).unwrap_or_else(|| "None.".to_owned()));
    section("Open follow-ups", follow_ups(state, policy, checklist, now));
    section("Record", record(state, now));
    out.truncate(out.trim_end().len());
    out.push('\n');
    out
}

/// When users were served again. Nobody says so for those who did not.
fn served_again(state: &State) -> String {
    match (state.mitigated_at, state.resolved_at) {
        (None, Some(_)) => "not recorded".to_owned(),
        (at, _) => or_not_yet(at),
    }
}

fn summary(state: &State, policy: &Policy, now: Timestamp) -> String {
    let severity = format!("{} {}", state.severity.name(), inline(&policy.severity(state.severity).word));
    let lasted = duration(state.elapsed(now));
    let mut rows = vec![
        ["Incident".to_owned(), cell(&state.number)],
        ["Service".to_owned(), cell(&state.service)],
        ["Repository".to_owned(), cell(repository_name(&state.repository))],
        ["Severity".to_owned(), severity],
        ["Status".to_owned(), state.status.name().to_owned()],
        ["Began".to_owned(), utc(state.started_at)],
        ["Declared".to_owned(), format!("{} by {}", utc(state.declared_at), cell(&state.declared_by))],
        ["Users served again".to_owned(), served_again(state)],
        ["Resolved".to_owned(), or_not_yet(state.resolved_at)],
        [
            "Duration".to_owned(),
            if state.resolved_at.is_some() { lasted } else { format!("{lasted} so far") },
        ],
        [
            "Impact".to_owned(),
            if state.impact.trim().is_empty() { MISSING.to_owned() } else { cell(&state.impact) },
        ],
    ];
    for role in &policy.roles {
        if let Some(person) = state.roles.get(&role.id) {
            rows.push([capitalised(&inline(&role.title)), cell(person)]);
        }
    }
    for (id, person) in &state.roles {
        if policy.roles.iter().all(|role| role.id != *id) {
            rows.push([cell(id), cell(person)]);
        }
    }
    let mut out = table(["", ""], rows);
    if state.severities.len() > 1 {
        out.push_str("\nSeverity over time:\n\n");
        for (at, severity, reason) in &state.severities {
            let why = if reason.trim().is_empty() { String::new() } else { format!(": {}", inline(reason)) };
            out.push_str("- ");
            out.push_str(&utc(*at));
            out.push(' ');
            out.push_str(severity.name());
            out.push_str(&why);
            out.push('\n');
        }
    }
    out
}

/// What a repository is called, from the path of its git directory.
fn repository_name(identity: &str) -> &str {
    let path = identity.trim_end_matches('/');
    let path = path.strip_suffix("/.git").unwrap_or(path);
    path.rsplit('/').next().unwrap_or(path)
}

fn described(text: &str) -> String {
    let text = paragraphs(text);
    if text.is_empty() { MISSING.to_owned() } else { text }
}

fn phases(state: &State, policy: &Policy, now: Timestamp) -> String {
    let end = state.resolved_at.unwrap_or(now);
    let rows = state.phases.iter().enumerate().map(|(i, (phase, entered))| {
        let left = state.phases.get(i + 1).map_or(end, |(_, next)| *next);
        let spent = left.duration_since(*entered).max(SignedDuration::ZERO);
        let budget = policy.phases.iter().find(|p| p.phase == *phase).map(|p| p.budget);
        let verdict = match budget {
            Some(budget) if spent > budget => format!("over by {}", duration(spent - budget)),
            Some(_) => "within".to_owned(),
            None => cell(""),
        };
        [
            phase.name().to_owned(),
            spell(*entered),
            duration(spent),
            budget.map_or_else(|| cell(""), duration),
            verdict,
        ]
    });
    table(["Phase", "Entered (UTC)", "Took", "Budget", ""], rows)
}

fn clock_table(state: &State, policy: &Policy, now: Timestamp) -> String {
    let rows: Vec<[String; 3]> = clocks(state, policy, now)
        .into_iter()
        .map(|clock| [cell(&clock.title), spell(clock.due_at), clock.state.name().to_owned()])
        .collect();
    if rows.is_empty() { "None.".to_owned() } else { table(["What", "Due (UTC)", "State"], rows) }
}

fn timeline(state: &State) -> String {
    table(
        ["Time (UTC)", "Kind", "What", "Author"],
        state
            .timeline
            .iter()
            .map(|entry| [moment(&entry), cell(entry.name), wording(&entry), cell(entry.author)]),
    )
}

/// When an entry happened, and how well that is known.
fn moment(entry: &Entry<'_>) -> String {
    let at = spell(entry.at);
    match entry.precision {
        Precision::Exact => at,
        Precision::About => format!("about {at}"),
        Precision::Before => format!("before {at}"),
    }
}

/// What an entry says, with all that was done to it since.
fn wording(entry: &Entry<'_>) -> String {
    let mut parts = Vec::new();
    if entry.pinned {
        parts.push("★".to_owned());
    }
    match entry.retracted {
        None => parts.push(cell(entry.text)),
        Some(reason) => {
            parts.push(struck(entry.text));
            parts.push(format!("(taken back: {})", cell(reason)));
        }
    }
    if let Some(original) = entry.original {
        parts.push(format!("(amended; first: {})", cell(original)));
    }
    if entry.recorded_at.duration_since(entry.at) >= LATE {
        parts.push(format!("(written down {})", utc(entry.recorded_at)));
    }
    parts.retain(|part| !part.is_empty());
    parts.join(" ")
}

fn checks(state: &State, checklist: &[ChecklistItem]) -> String {
    let rows: Vec<[String; 5]> = items(state, checklist)
        .into_iter()
        .map(|(title, tick)| match tick {
            None => [cell(title), "open".to_owned(), cell(""), cell(""), cell("")],
            Some(tick) => {
                [cell(title), check_words(tick.state), cell(&tick.by), spell(tick.at), cell(&tick.note)]
            }
        })
        .collect();
    if rows.is_empty() {
        return "There is no checklist.".to_owned();
    }
    table(["Item", "State", "By", "When (UTC)", "Note"], rows)
}

fn check_words(state: CheckState) -> String {
    match state {
        CheckState::Open => "open",
        CheckState::Passed => "✓ passed",
        CheckState::Failed => "✗ **failed**",
        CheckState::Na => "not applicable",
    }
    .to_owned()
}

fn follow_ups(state: &State, policy: &Policy, checklist: &[ChecklistItem], now: Timestamp) -> String {
    let open = followups::gather(state, policy, checklist, now);
    if open.is_empty() {
        return "None.".to_owned();
    }
    let lines: Vec<String> = open.iter().map(|line| format!("- [ ] {line}")).collect();
    lines.join("\n")
}

fn record(state: &State, now: Timestamp) -> String {
    let unknown = match state.unknown {
        0 => String::new(),
        n => format!(" ({n} of a kind that this version does not know)"),
    };
    let clocks: Vec<String> =
        state.clocks_off.iter().map(|off| format!("\n- {}", inline(&off.words()))).collect();
    let clocks = match clocks.as_slice() {
        [] => String::new(),
        lines => {
            format!("\n\nClocks differed, so times of different people do not compare:\n{}", lines.concat())
        }
    };
    format!(
        "Made {} from {} records{unknown}; the last one is `{}`. Each author and installation has a chain of \
         records; those of incident `{}` end in:\n\n{}\n`flightdeck verify --report FILE` checks that the journal \
         holds these chains and that no record was changed; `flightdeck export` writes the records out.{clocks}",
        utc(now),
        state.records,
        state.head,
        state.id,
        table(["Author", "Installation", "Records", "Last record"], chains::rows(state)),
    )
}

/// A time in a sentence.
pub(super) fn utc(at: Timestamp) -> String {
    format!("{} UTC", spell(at))
}

/// A time in a column that says it is UTC, to the second.
pub(super) fn spell(at: Timestamp) -> String {
    at.to_zoned(TimeZone::UTC).strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// How long something took, or has taken so far.
pub(super) fn took(from: Timestamp, to: Option<Timestamp>, now: Timestamp) -> String {
    let length = duration(to.unwrap_or(now).duration_since(from).max(SignedDuration::ZERO));
    if to.is_some() { length } else { format!("{length} so far") }
}

fn or_not_yet(at: Option<Timestamp>) -> String {
    at.map_or_else(|| "not yet".to_owned(), utc)
}

fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

#[cfg(test)]
mod tests;
