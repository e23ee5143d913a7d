//! The signals of the incident as text: what the record kept of them when it was over, a row of bars each, with
//! what was done to production under them.

use std::fmt::Write as _;

use jiff::{SignedDuration, Timestamp};

use super::words::{clock, clock_after, listed};
use super::{production, prose};
use crate::config::types::Probe;
use crate::incident::{KeptSignal, State};
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
        out.push_str(&caption(signal));
        out.push('\n');
        out.push_str(&bars(signal));
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
            let _ = write!(said, ", {beyond_it} it {}–{}", clock(from), clock_after(from, to));
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
