//! What is kept of the signals of an incident in its record: a few columns each, so that its report draws them
//! wherever and whenever it is made. Pure.

use jiff::{SignedDuration, Timestamp};

use super::series::Status;
use crate::incident::{SignalKept, SignalsKept, State};

/// Columns of a signal.
const COLUMNS: u32 = 60;
/// Signals that are kept at most.
const MOST: usize = 24;
/// Of the time before the fault this part of the whole is kept, so that what was usual is seen.
const BEFORE: i64 = 8;
/// Columns in a row that a value is held for.
const HELD: usize = 2;
/// Digits that a value is kept with.
const DIGITS: i32 = 4;

/// The stretch of time that is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// When the first column begins.
    pub from: Timestamp,
    /// How long a column is, in seconds.
    step: u32,
}

impl Window {
    /// From a while before the fault up to now.
    pub fn of(state: &State, now: Timestamp) -> Self {
        let length = now.duration_since(state.started_at).as_secs().max(60);
        let whole = length + length / BEFORE + 60;
        let step = u32::try_from(whole.div_euclid(i64::from(COLUMNS)) + 1).unwrap_or(u32::MAX);
        let back = SignedDuration::from_secs(i64::from(step) * i64::from(COLUMNS));
        let from = now.checked_sub(back).unwrap_or(Timestamp::MIN);
        Self { from, step }
    }

    /// The column of a moment.
    fn column(self, at: Timestamp) -> Option<usize> {
        let column = at.duration_since(self.from).as_secs().div_euclid(i64::from(self.step));
        usize::try_from(column).ok().filter(|column| *column < COLUMNS as usize)
    }
}

/// What is kept of a probe: of each column the value that is nearest to harm. `None` where it has no values.
fn signal(status: &Status, window: Window, values: &[(Timestamp, f64)]) -> Option<SignalKept> {
    let mut ranges: Vec<Option<(f64, f64)>> = vec![None; COLUMNS as usize];
    let mut last: Option<(Timestamp, f64)> = None;
    for (at, value) in values.iter().filter(|(_, value)| value.is_finite()) {
        let Some(range) = window.column(*at).and_then(|column| ranges.get_mut(column)) else { continue };
        let (low, high) = range.unwrap_or((*value, *value));
        *range = Some((low.min(*value), high.max(*value)));
        if last.is_none_or(|(before, _)| before <= *at) {
            last = Some((*at, *value));
        }
    }
    let before = ranges.clone();
    for (column, range) in ranges.iter_mut().enumerate().filter(|(_, range)| range.is_none()) {
        *range = held(&before, column);
    }
    let seen = || ranges.iter().flatten();
    let lowest = seen().map(|(low, _)| *low).reduce(f64::min)?;
    let highest = seen().map(|(_, high)| *high).reduce(f64::max)?;
    Some(SignalKept {
        probe: status.name.clone(),
        unit: status.unit.clone(),
        limit: status.limit.clone().unwrap_or_default(),
        threshold: status.threshold.filter(|threshold| threshold.is_finite()),
        lowest: rounded(lowest),
        highest: rounded(highest),
        last: rounded(last?.1),
        values: ranges.iter().map(|range| range.map(|range| rounded(status.worse(range)))).collect(),
    })
}

/// What stands in a column without a sample: what was there before, where the next one is near. A probe is asked
/// less often than a short incident has columns.
fn held(ranges: &[Option<(f64, f64)>], column: usize) -> Option<(f64, f64)> {
    let near = |columns: usize| ranges.get(column.checked_sub(columns)?).copied().flatten();
    let before = (1..=HELD).find_map(|columns| Some((columns, near(columns)?)));
    let (since, range) = before?;
    let left = HELD + 1 - since;
    (1..=left).any(|ahead| ranges.get(column + ahead).is_some_and(Option::is_some)).then_some(range)
}

/// What is kept of all of them: the probes of production, and those that failed in the incident. `values` tells
/// what was seen of one from a time on, in any order. `None` where nothing was.
pub fn signals<'a>(
    state: &State,
    production: &str,
    statuses: impl Iterator<Item = &'a Status>,
    now: Timestamp,
    values: impl Fn(&Status, Timestamp) -> Vec<(Timestamp, f64)>,
) -> Option<SignalsKept> {
    let window = Window::of(state, now);
    let is_of_it = |status: &&Status| {
        (!production.is_empty() && status.environment == production)
            || state.alarms.contains_key(&status.name)
    };
    let kept =
        statuses.filter(is_of_it).filter_map(|status| signal(status, window, &values(status, window.from)));
    let signals: Vec<SignalKept> = kept.take(MOST).collect();
    (!signals.is_empty()).then_some(SignalsKept { from: window.from, step: window.step, signals })
}

/// What a cockpit has of a probe since then: recent samples, and the lowest and highest of older stretches.
pub fn seen(status: &Status, from: Timestamp) -> Vec<(Timestamp, f64)> {
    let recent = status.history.iter().filter_map(|(at, value)| Some((*at, (*value)?)));
    let old = status.past.between(from.as_millisecond(), i64::MAX).flat_map(|(stretch, _)| {
        let moments = stretch.moments().into_iter();
        moments.filter_map(|(ms, value, _)| Some((Timestamp::from_millisecond(ms).ok()?, value?)))
    });
    old.chain(recent).collect()
}

/// A value with as many digits as a picture shows.
fn rounded(value: f64) -> f64 {
    if value == 0.0 || !value.is_finite() {
        return 0.0;
    }
    let places = DIGITS - 1 - value.abs().log10().floor() as i32;
    let scale = 10f64.powi(places.clamp(-300, 300));
    let scaled = (value * scale).round() / scale;
    if scaled.is_finite() { scaled } else { value }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_keeps_the_digits_that_are_seen() {
        for (value, kept) in [
            (0.0, 0.0),
            (37.123_45, 37.12),
            (1_234_567.0, 1_235_000.0),
            (0.000_123_456, 0.000_123_5),
            (-2.5, -2.5),
        ] {
            assert!((rounded(value) - kept).abs() <= kept.abs() * 1e-12, "{value}: {}", rounded(value));
        }
    }

    #[test]
    fn a_column_has_the_value_nearest_to_harm_and_what_was_not_seen_stays_empty() {
        let from: Timestamp = "2026-03-01T14:00:00Z".parse().unwrap();
        let window = Window { from, step: 60 };
        let at = |seconds| from + SignedDuration::from_secs(seconds);
        let values =
            [(at(70), 3.0), (at(65), 9.0), (at(5), 1.0), (at(3599), 2.0), (at(3600), 99.0), (at(-1), 99.0)];
        let max = Status { limit: Some("> 5".into()), threshold: Some(5.0), ..Status::default() };
        let kept = signal(&max, window, &values).unwrap();
        assert_eq!(kept.values[..3], [Some(1.0), Some(9.0), None]);
        let apart = [(at(5), 1.0), (at(3 * 60), 2.0), (at(7 * 60), 3.0)];
        let kept_apart = signal(&max, window, &apart).unwrap();
        assert_eq!(
            kept_apart.values[..8],
            [Some(1.0), Some(1.0), Some(1.0), Some(2.0), None, None, None, Some(3.0)],
            "a short gap is closed, and a long one stays"
        );
        assert_eq!((kept.lowest, kept.highest, kept.last), (1.0, 9.0, 2.0));
        let min = Status { limit: Some("< 5".into()), threshold: Some(5.0), ..Status::default() };
        assert_eq!(signal(&min, window, &values).unwrap().values[1], Some(3.0));
        assert_eq!(signal(&min, window, &[]), None);
    }
}
