//! The words of a grade, and the grade as text.

use std::fmt::Write as _;

use jiff::{Timestamp, tz::TimeZone};

use super::{Line, Verdict};
use crate::incident::{Clock, State, duration};
use crate::text::visible;

/// What a clock is called, and that what it asks for was done.
pub(super) fn of_clock(state: &State, clock: &Clock) -> (String, String) {
    let (name, done) = match clock.id.as_str() {
        _ if clock.is_met_by_end(state) => ("Over in time", "over"),
        "page" => ("On-call paged", "paged"),
        "stakeholders" => ("Stakeholders told", "told"),
        "escalate" => ("Lead brought in", "brought in"),
        "fix" => ("Fixed in time", "fixed"),
        "executives" => ("Executives told", "told"),
        _ => return (capital(&clock.title), "done".to_owned()),
    };
    (name.to_owned(), done.to_owned())
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// The line above a grade: `INC-2026-0001 · P0 · resolved after 14m3s`.
pub fn heading(state: &State, number: &str, now: Timestamp) -> String {
    let took = duration(state.elapsed(now));
    let how =
        if state.resolved_at.is_some() { format!("resolved after {took}") } else { format!("{took} so far") };
    format!("{number} · {} · {how}", state.severity.name())
}

/// How the lines went, in a sentence: `12 of 15 as the procedure asks; late: Updates; missed: End told`.
pub fn verdicts(lines: &[Line]) -> String {
    let good = lines.iter().filter(|line| line.verdict == Verdict::Good).count();
    let mut text = format!("{good} of {} as the procedure asks", lines.len());
    for verdict in [Verdict::Wrong, Verdict::Missed, Verdict::Late, Verdict::Partly, Verdict::Open] {
        let named: Vec<&str> =
            lines.iter().filter(|line| line.verdict == verdict).map(|line| line.title.as_str()).collect();
        if !named.is_empty() {
            let _ = write!(text, "; {}: {}", verdict.word(), named.join(", "));
        }
    }
    text.push('.');
    text
}

/// Tells whether two times are of the same day.
pub(super) fn is_same_day(one: Timestamp, other: Timestamp) -> bool {
    let day = |at: Timestamp| at.to_zoned(TimeZone::UTC).date();
    day(one) == day(other)
}

/// The whole grade as text, a line at a time; times in UTC, with their day where that is not the first one.
pub fn plain(heading: &str, lines: &[Line]) -> String {
    let mut text = format!("{}\n{}\n", visible(heading), visible(&verdicts(lines)));
    let first = lines.iter().flat_map(|line| &line.moments).find_map(|moment| moment.at);
    let clock = |at: Timestamp| {
        let is_first = first.is_none_or(|first| is_same_day(first, at));
        at.strftime(if is_first { "%H:%M:%S" } else { "%Y-%m-%d %H:%M:%S" }).to_string()
    };
    for line in lines {
        let _ = writeln!(text, "\n{:<8} {}", line.verdict.word(), visible(&line.title));
        for moment in &line.moments {
            let at = moment.at.map_or_else(String::new, clock);
            let _ = writeln!(text, "{at:>8} {}", visible(&moment.what));
        }
        let _ = writeln!(text, "         asked: {}", visible(&line.asks));
    }
    text
}
