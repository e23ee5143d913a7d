//! What probes saw: samples, bounded history, the status that is drawn, and what a
//! sparkline and a comparison with earlier times are made of. Pure.

use std::collections::VecDeque;

use jiff::Timestamp;

/// State of a probe, in the words of `status --json`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum State {
    /// All conditions hold and the value is within limits.
    Ok,
    /// Good so far, but one bad sample, not yet confirmed.
    Pending,
    /// The value is over its warning limit.
    Warn,
    /// A condition does not hold or the value is over its limit.
    Failing,
    /// Was failing; a good sample waits to be confirmed.
    Recovering,
    /// Goes back and forth.
    Flapping,
    /// No data: never asked, or the answer could not be understood.
    #[default]
    Unknown,
    /// The source itself fails: nobody answered.
    Error,
}

impl State {
    /// The name in `status --json` and in records.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Pending => "pending",
            Self::Warn => "warn",
            Self::Failing => "failing",
            Self::Recovering => "recovering",
            Self::Flapping => "flapping",
            Self::Unknown => "unknown",
            Self::Error => "error",
        }
    }

    /// Tells whether the service or its source is known to fail.
    pub fn is_bad(self) -> bool {
        matches!(self, Self::Failing | Self::Recovering | Self::Flapping | Self::Error)
    }

    /// Reads a name back.
    pub fn parse(name: &str) -> Option<Self> {
        [
            Self::Ok,
            Self::Pending,
            Self::Warn,
            Self::Failing,
            Self::Recovering,
            Self::Flapping,
            Self::Unknown,
            Self::Error,
        ]
        .into_iter()
        .find(|state| state.name() == name)
    }
}

/// What one sample says about the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// Good.
    Good,
    /// Over the warning limit.
    Warn,
    /// Bad.
    Bad,
    /// Missing, null, wrongly typed or unreadable: nothing is known.
    NoData,
    /// Nobody answered.
    NoAnswer,
}

/// One sample.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// When the answer was complete, or given up on.
    pub at: Timestamp,
    /// What it says.
    pub verdict: Verdict,
    /// The value drawn; `None` where there is none. Finite.
    pub value: Option<f64>,
    /// Short headline: `200`, `exit 1`, `refused`, `timeout`.
    pub headline: String,
    /// How long the answer took, in milliseconds; `None` where nobody answered.
    pub latency_ms: Option<f64>,
    /// Why it is not good, in one line; empty when good.
    pub why: String,
}

/// A probe as it stands: what a health row draws.
#[derive(Debug, Clone, PartialEq)]
pub struct Status {
    /// Name.
    pub name: String,
    /// Environment it watches; may be empty.
    pub environment: String,
    /// State.
    pub state: State,
    /// Since when.
    pub since: Option<Timestamp>,
    /// The last sample.
    pub last: Option<Sample>,
    /// Unit of the value.
    pub unit: String,
    /// The failing limit as written (`> 5`), else the warning limit.
    pub limit: Option<String>,
    /// What the value has to keep to, in a word: `max 5`, `want 200`; may be empty.
    pub range: String,
    /// Numeric threshold of the failing limit, for the chart.
    pub threshold: Option<f64>,
    /// Seconds between samples.
    pub interval_s: f64,
    /// Recent samples, oldest first: time and value, `None` where there was no data.
    pub history: VecDeque<(Timestamp, Option<f64>)>,
}

impl Status {
    /// Most samples kept in memory.
    pub const MAX_HISTORY: usize = 720;
}

/// Folds a history into `n` equal slices of the time from `from` up to, not including, `to`:
/// the lowest and the highest value of each, so that neither a spike nor a dip is lost; `None` where a
/// slice has no data. Nothing is carried over from
/// one slice into the next, so that a gap stays a gap. With fewer samples than slices, ask
/// for fewer slices.
pub fn buckets<'a>(
    history: impl IntoIterator<Item = &'a (Timestamp, Option<f64>)>,
    from: Timestamp,
    to: Timestamp,
    n: usize,
) -> Vec<Option<(f64, f64)>> {
    let mut slices = vec![None; n];
    // Drawn for every probe in every frame: milliseconds in 64 bits cost a tenth of
    // nanoseconds in 128, and no column is narrower than that.
    let from = from.as_millisecond();
    let span = to.as_millisecond() - from;
    if span <= 0 {
        return slices;
    }
    for &(at, value) in history {
        let Some(value) = value.filter(|value| value.is_finite()) else { continue };
        let offset = at.as_millisecond() - from;
        if !(0..span).contains(&offset) {
            continue;
        }
        let index = (offset as f64 * n as f64 / span as f64) as usize;
        if let Some(slice) = slices.get_mut(index) {
            *slice = Some(
                slice.map_or((value, value), |(low, high): (f64, f64)| (low.min(value), high.max(value))),
            );
        }
    }
    slices
}

/// The usual value before a moment: the median of what was seen before it; `None` where
/// nothing was.
pub fn baseline<'a>(
    history: impl IntoIterator<Item = &'a (Timestamp, Option<f64>)>,
    before: Timestamp,
) -> Option<f64> {
    let mut values: Vec<f64> = history
        .into_iter()
        .filter(|(at, _)| *at < before)
        .filter_map(|(_, value)| value.filter(|value| value.is_finite()))
        .collect();
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    let upper = *values.get(middle)?;
    if values.len() % 2 == 1 {
        return Some(upper);
    }
    let lower = *values.get(middle.checked_sub(1)?)?;
    Some(f64::midpoint(lower, upper))
}

/// How many times the baseline a value is. `None` where that says nothing: one of them is
/// negative, or the baseline is zero.
pub fn ratio(value: f64, baseline: f64) -> Option<f64> {
    let ratio = value / baseline;
    (value >= 0.0 && baseline > 0.0 && ratio.is_finite()).then_some(ratio)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_700_000_000 + second).unwrap()
    }

    #[test]
    fn every_name_reads_back() {
        for name in ["ok", "pending", "warn", "failing", "recovering", "flapping", "unknown", "error"] {
            assert_eq!(State::parse(name).map(State::name), Some(name));
        }
        assert_eq!(State::parse("fine"), None);
    }

    #[test]
    fn a_slice_shows_its_lowest_and_highest_value_and_a_gap_stays_a_gap() {
        let history =
            [(at(0), Some(1.0)), (at(1), Some(9.0)), (at(2), None), (at(5), Some(3.0)), (at(8), Some(4.0))];
        assert_eq!(buckets(&history, at(0), at(8), 4), [Some((1.0, 9.0)), None, Some((3.0, 3.0)), None]);
    }

    #[test]
    fn what_is_no_number_is_no_data() {
        let history = [(at(0), Some(f64::NAN)), (at(1), Some(f64::INFINITY))];
        assert_eq!(buckets(&history, at(0), at(2), 1), [None]);
        assert_eq!(baseline(&history, at(9)), None);
    }

    #[test]
    fn an_empty_span_has_only_gaps() {
        assert_eq!(buckets(&[(at(0), Some(1.0))], at(0), at(0), 2), [None, None]);
        assert_eq!(buckets(&[(at(0), Some(1.0))], at(0), at(9), 0), []);
    }

    #[test]
    fn the_baseline_is_the_median_of_the_time_before() {
        let history = [
            (at(0), Some(1.0)),
            (at(1), Some(100.0)),
            (at(2), None),
            (at(3), Some(3.0)),
            (at(4), Some(900.0)),
        ];
        assert_eq!(baseline(&history, at(4)), Some(3.0));
        assert_eq!(baseline(&history, at(3)), Some(50.5));
        assert_eq!(baseline(&history, at(0)), None);
    }

    #[test]
    fn a_ratio_needs_something_to_be_a_multiple_of() {
        assert_eq!(ratio(38.0, 0.5), Some(76.0));
        assert_eq!(ratio(1.0, 0.0), None);
        assert_eq!(ratio(-1.0, 2.0), None);
    }

    proptest! {
        #[test]
        fn slices_hold_nothing_that_was_not_seen_in_them(
            samples in prop::collection::vec((0i64..100, prop::option::of(-1e6..1e6)), 0..50),
            n in 1usize..40,
        ) {
            let history: Vec<_> = samples.iter().map(|(s, v)| (at(*s), *v)).collect();
            let slices = buckets(&history, at(0), at(100), n);
            prop_assert_eq!(slices.len(), n);
            for (i, slice) in slices.iter().enumerate() {
                let inside = samples.iter().filter(|(s, _)| *s as usize * n / 100 == i).filter_map(|(_, v)| *v);
                let (low, high) = (inside.clone().reduce(f64::min), inside.reduce(f64::max));
                prop_assert_eq!(*slice, low.zip(high));
            }
        }
    }
}
