//! The signals of the incident as text: what the record kept of them when it was over, a row of bars each, with
//! what was done to production under them.

use std::fmt::Write as _;

use jiff::{SignedDuration, Timestamp};

use super::third_parties::is_third_party;
use super::words::{clock, clock_after, during, first_of, listed};
use super::{production, prose};
use crate::config::types::Probe;
use crate::incident::{KeptSignal, State, Turned, duration};
use crate::text::markdown::inline;
use crate::text::visible;

/// Bars from empty to full.
const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
/// Changes that are marked by a number.
const MARKED: usize = 9;

/// The section as Markdown; `None` where no signal was kept.
pub(super) fn section(state: &State, probes: &[Probe]) -> Option<String> {
    let first = state.signals.first()?;
    // Those that were kept together are drawn over the same time.
    let together: Vec<&KeptSignal> =
        state.signals.iter().filter(|one| (one.from, one.step) == (first.from, first.step)).collect();
    let others = state.signals.iter().filter(|one| (one.from, one.step) != (first.from, first.step));
    let (marks, legend) = markers(state, probes, first);
    let mut out = String::from("```text\n");
    for signal in together.into_iter().chain(others) {
        let spells = spells(state, probes, signal);
        let (caption, bars) = match spells.as_slice() {
            [] => (caption(signal), bars(signal)),
            spells => (told(signal, spells), ground(signal, spells)),
        };
        out.push_str(&caption);
        out.push('\n');
        out.push_str(&bars);
        out.push_str("\n\n");
    }
    if !marks.is_empty() {
        out.push_str(&marks);
        out.push('\n');
    }
    out.push_str(&axis(first));
    out.push_str("\n```\n");
    for line in legend {
        out.push('\n');
        out.push_str(&line);
    }
    Some(out)
}

/// How many figures are said in a sentence.
const WORST: usize = 3;

/// The worst figures in a sentence: of production, and furthest beyond what they have to keep to. Empty: none
/// is on record.
pub(super) fn worst(state: &State, probes: &[Probe]) -> String {
    let is_ours = |name: &str| {
        let known = probes.iter().find(|probe| probe.name == name);
        known.is_some_and(|probe| production::is(state, &probe.environment))
    };
    let mut all: Vec<(f64, String)> = Vec::new();
    for signal in state.signals.iter().filter(|signal| is_ours(&signal.kept.probe)) {
        let kept = &signal.kept;
        let Some(threshold) = kept.threshold.filter(|_| beyond(signal).is_some()) else { continue };
        let is_floor = kept.limit.trim_start().starts_with('<');
        let (value, word) = if is_floor { (kept.lowest, "min") } else { (kept.highest, "max") };
        let (above, below) = if is_floor { (threshold, value) } else { (value, threshold) };
        let far = if below > 0.0 { above / below } else { f64::MAX };
        let unit = if kept.unit.is_empty() { String::new() } else { format!(" {}", kept.unit) };
        let said = format!("{} {}{unit} ({word} {}{unit})", kept.probe, number(value), number(threshold));
        all.push((far, inline(&said)));
    }
    // The furthest first; equal ones as they were kept.
    all.sort_by(|(one, _), (other, _)| other.total_cmp(one));
    let said: Vec<String> = all.into_iter().take(WORST).map(|(_, said)| said).collect();
    if said.is_empty() { String::new() } else { format!("At worst: {}.", listed(&said)) }
}

/// A time in which a probe was not well, and how it was: `status 503`.
struct Spell {
    from: Timestamp,
    until: Option<Timestamp>,
    to: Turned,
    how: String,
}

/// When a probe was not well, where its values do not show that: how long an answer took says nothing of what was
/// answered. Empty: its values show it, or it was well.
fn spells(state: &State, probes: &[Probe], signal: &KeptSignal) -> Vec<Spell> {
    let name = signal.kept.probe.as_str();
    let theirs = is_third_party(probes, name);
    let mut all: Vec<Spell> = Vec::new();
    let lines = state.timeline.iter().filter(|entry| entry.name == "alarm" && entry.about == name);
    for entry in lines.filter(|entry| entry.retracted.is_none()) {
        let Some(turn) = state.turn(entry.id, entry.place) else { continue };
        let how = match turn.to {
            Turned::Good => String::new(),
            Turned::Silent => "no data".to_owned(),
            Turned::Warning if theirs => "degraded".to_owned(),
            Turned::Warning => "warning".to_owned(),
            // What was expected instead is in the log.
            Turned::Failing => match turn.why(&entry).split_once(", expected ") {
                Some((seen, _)) => plain(seen),
                None => "failing".to_owned(),
            },
        };
        if let Some(open) = all.last_mut().filter(|open| open.until.is_none()) {
            if open.to == turn.to && open.how == how {
                continue;
            }
            open.until = Some(turn.at);
        }
        if turn.to != Turned::Good {
            all.push(Spell { from: turn.at, until: None, to: turn.to, how });
        }
    }
    let has_failed = all.iter().any(|spell| spell.to == Turned::Failing);
    let is_seen = signal.kept.threshold.is_some() && (beyond(signal).is_some() || !has_failed);
    if is_seen { Vec::new() } else { all }
}

/// What is above the row of a probe whose values do not show how it was: `api /health: status 503 19:38–19:40`.
fn told(signal: &KeptSignal, spells: &[Spell]) -> String {
    let said = |spell: &Spell| {
        let (from, how) = (clock(spell.from), &spell.how);
        match spell.until {
            None => format!("{how} from {from} on"),
            Some(until) if clock_after(spell.from, until) == from => {
                format!("{how} at {from} for {}", duration(until.duration_since(spell.from)))
            }
            Some(until) => format!("{how} {}", during(spell.from, until)),
        }
    };
    let all: Vec<String> = spells.iter().map(said).collect();
    format!("{}: {}", plain(&signal.kept.probe), first_of(&all, ", "))
}

/// How such a probe was as a row: low where it was well, half where it warned or said nothing, full where it failed.
fn ground(signal: &KeptSignal, spells: &[Spell]) -> String {
    let [low, .., high] = BARS;
    let half = BARS[BARS.len() / 2];
    let has_failed = |spell: &Spell| spell.to == Turned::Failing;
    let bar = |column: usize, value: &Option<f64>| {
        let (from, to) = (at(signal, column), at(signal, column + 1));
        let here = |spell: &&Spell| spell.from < to && spell.until.is_none_or(|until| until > from);
        let mut here = spells.iter().filter(here);
        match (here.next(), value) {
            (None, None) => ' ',
            (None, Some(_)) => low,
            (Some(first), _) if std::iter::once(first).chain(here).any(has_failed) => high,
            (Some(_), _) => half,
        }
    };
    let row: String =
        signal.kept.values.iter().enumerate().map(|(column, value)| bar(column, value)).collect();
    row.trim_end().to_owned()
}

/// The first alarm in words, with what was to be seen in production before enough samples had come for one: `first
/// alarm at 19:26; error rate was above its limit from 19:23`.
pub(super) fn first_alarm(state: &State, probes: &[Probe], alarm: Timestamp) -> String {
    let said = |at: Timestamp| clock_after(state.started_at, at);
    let is_ours = |signal: &&KeptSignal| {
        let known = probes.iter().find(|probe| probe.name == signal.kept.probe);
        known.is_some_and(|probe| production::is(state, &probe.environment))
    };
    let seen = state.signals.iter().filter(is_ours).filter_map(|signal| Some((beyond(signal)?.0, signal)));
    let first = seen.filter_map(|(from, signal)| {
        // What was beyond its limit before the fault began was something else; it may have begun within a column.
        let column = SignedDuration::from_secs(i64::from(signal.step));
        let is_of_it = state.started_at.duration_since(from) <= column && said(from) != said(alarm);
        is_of_it.then(|| (from.max(state.started_at), signal))
    });
    match first.filter(|(from, _)| *from < alarm).min_by_key(|(from, _)| *from) {
        None => format!("first alarm at {}", said(alarm)),
        Some((from, signal)) => {
            let side = if signal.kept.limit.trim_start().starts_with('<') { "below" } else { "above" };
            let name = inline(&signal.kept.probe);
            format!("first alarm at {}; {name} was {side} its limit from {}", said(alarm), said(from))
        }
    }
}

/// What is above a row of bars: the name, the range, the limit, and when it was beyond that.
fn caption(signal: &KeptSignal) -> String {
    let kept = &signal.kept;
    let unit = plain(&kept.unit);
    let with_unit =
        |value: f64| if unit.is_empty() { number(value) } else { format!("{} {unit}", number(value)) };
    let mut said = format!(
        "{}: {} to {}, at the end {}",
        plain(&kept.probe),
        number(kept.lowest),
        with_unit(kept.highest),
        with_unit(kept.last)
    );
    if let Some(threshold) = kept.threshold {
        let (word, beyond_it) =
            if kept.limit.trim_start().starts_with('<') { ("min", "below") } else { ("max", "above") };
        // Writing to a string cannot fail.
        let _ = write!(said, "; {word} {}", with_unit(threshold));
        if let Some((from, to)) = beyond(signal) {
            let _ = write!(said, ", {beyond_it} it {}", during(from, to));
        }
    }
    said
}

/// From when to when values were beyond the limit, first to last.
fn beyond(signal: &KeptSignal) -> Option<(Timestamp, Timestamp)> {
    let threshold = signal.kept.threshold?;
    let limit = signal.kept.limit.trim_start();
    let is_beyond = |value: f64| match limit {
        _ if limit.starts_with("<=") => value <= threshold,
        _ if limit.starts_with('<') => value < threshold,
        _ if limit.starts_with(">=") => value >= threshold,
        _ if limit.starts_with('>') => value > threshold,
        _ => false,
    };
    let columns = signal.kept.values.iter().enumerate();
    let all: Vec<usize> =
        columns.filter(|(_, value)| value.is_some_and(is_beyond)).map(|(column, _)| column).collect();
    Some((at(signal, *all.first()?), at(signal, *all.last()? + 1)))
}

/// The values as bars, from nothing (or from the lowest, where some are below that) to the highest or the limit.
fn bars(signal: &KeptSignal) -> String {
    let kept = &signal.kept;
    let top = kept.threshold.map_or(kept.highest, |limit| limit.max(kept.highest));
    let base = kept.lowest.min(0.0);
    let bar = |value: f64| {
        let part = if top > base { (value - base) / (top - base) } else { 0.0 };
        let place = (part.clamp(0.0, 1.0) * (BARS.len() - 1) as f64).round() as usize;
        BARS.get(place).copied().unwrap_or(' ')
    };
    let row: String = kept.values.iter().map(|value| value.map_or(' ', bar)).collect();
    row.trim_end().to_owned()
}

/// What was done to production in that time, as marks under the columns, and what each mark stands for.
fn markers(state: &State, probes: &[Probe], signal: &KeptSignal) -> (String, Vec<String>) {
    let columns = signal.kept.values.len();
    let mut row = vec![' '; columns];
    let mut legend = Vec::new();
    let mut put = |when: Timestamp, mark: char| {
        let seconds = when.duration_since(signal.from).as_secs();
        let column = usize::try_from(seconds.div_euclid(i64::from(signal.step.max(1)))).ok();
        let free = column.and_then(|column| (column..columns).find(|column| row[*column] == ' '));
        free.is_some_and(|column| {
            row[column] = mark;
            true
        })
    };
    let changes = prose::changes(state, probes);
    let mut number = 0;
    for (when, text) in changes {
        let mark = char::from_digit(u32::try_from(number + 1).unwrap_or(0), 10).filter(|_| number < MARKED);
        if let Some(mark) = mark.filter(|mark| put(when, *mark)) {
            number += 1;
            legend.push(format!("- {mark}: {text}"));
        }
    }
    if state.mitigated_at.is_some_and(|when| put(when, 'm')) {
        legend.push("- m: users were served again.".to_owned());
    }
    let row: String = row.into_iter().collect();
    (row.trim_end().to_owned(), legend)
}

/// When the first column begins and the last ends.
fn axis(signal: &KeptSignal) -> String {
    let columns = signal.kept.values.len();
    let (from, to) = (at(signal, 0), at(signal, columns));
    let (from, to) = (clock_after(to, from), clock_after(from, to));
    let room = columns.saturating_sub(from.chars().count() + to.chars().count());
    format!("{from}{}{to}", " ".repeat(room.max(1)))
}

fn at(signal: &KeptSignal, column: usize) -> Timestamp {
    let seconds = i64::from(signal.step).saturating_mul(i64::try_from(column).unwrap_or(i64::MAX));
    signal.from.checked_add(SignedDuration::from_secs(seconds)).unwrap_or(Timestamp::MAX)
}

/// A value with no more digits than it has.
fn number(value: f64) -> String {
    if value.abs() >= 1e15 { format!("{value:e}") } else { value.to_string() }
}

/// A name inside a block of code, which it must not end.
fn plain(text: &str) -> String {
    visible(text.trim()).replace('`', "'")
}
