//! Values over time as the columns of a picture: which stretch of time each stands for, what was seen in
//! it, and which range the picture has to cover. Pure.
//!
//! A column is a stretch of absolute time: as time passes columns move along, and none is drawn otherwise
//! than before.

use jiff::Timestamp;

use super::compare::Usual;
use super::series::{Sample, Status, Verdict};
use super::stretches::Past;

/// How long columns may be: these, times a power of ten, in milliseconds. So close to each other that a window
/// fits what is there, and so far that it seldom has to change while that grows.
const STEPS: [i64; 16] = [10, 12, 14, 16, 18, 20, 22, 25, 28, 32, 36, 40, 50, 60, 70, 80];
/// The shortest column, in milliseconds. Each is even, so that half a column is whole.
const SHORTEST: i64 = 100;
/// How many probe intervals a value is held for at least, so that a late answer makes no gap.
const SLACK: f64 = 1.5;
/// For how many columns one is held at most: more are never drawn.
const MOST_HELD: i64 = 4096;
/// From so much of it on history counts as full.
const FULL: f64 = 0.9;
/// Of so many columns one may be beyond either end of the range.
const CLIPPED: usize = 200;
/// Fewer columns than this have no outliers.
const FEW: usize = 20;
/// What is beyond the range has to be this much of it: less is shown as it is.
const FAR: f64 = 2.0;

/// Columns of equal length side by side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grid {
    /// How long a column is, in milliseconds.
    step: i64,
    /// The number of the first column, counted from the epoch.
    first: i64,
    columns: u16,
}

impl Grid {
    /// The columns up to now that reach back over so many seconds at least.
    pub fn ending(now: Timestamp, seconds: f64, columns: u16) -> Self {
        let columns = columns.max(1);
        let wanted = (seconds.clamp(0.0, 1e9) * 1000.0 / f64::from(columns)).ceil() as i64;
        let power = (0..12).map(|power| SHORTEST / 10 * 10_i64.pow(power));
        let mut steps = power.flat_map(|power| STEPS.map(|step| step * power));
        let step = steps.find(|step| *step >= wanted).unwrap_or(i64::MAX / 1_000_000);
        let last = now.as_millisecond().div_euclid(step);
        Self { step, first: last - i64::from(columns) + 1, columns }
    }

    /// How many columns there are.
    pub fn columns(self) -> u16 {
        self.columns
    }

    /// How long a column is, in seconds.
    pub fn step_s(self) -> f64 {
        self.step as f64 / 1000.0
    }

    /// How long all of them are, in seconds.
    pub fn seconds(self) -> f64 {
        self.step_s() * f64::from(self.columns)
    }

    /// When a column begins.
    pub fn start(self, column: u16) -> Timestamp {
        let ms = (self.first + i64::from(column)).saturating_mul(self.step);
        Timestamp::from_millisecond(ms).unwrap_or(if ms < 0 { Timestamp::MIN } else { Timestamp::MAX })
    }

    /// When the first begins.
    pub fn from(self) -> Timestamp {
        self.start(0)
    }

    /// When the last ends.
    pub fn to(self) -> Timestamp {
        self.start(self.columns)
    }

    /// The column a moment is in; `None` outside.
    pub fn column(self, at: Timestamp) -> Option<u16> {
        let column = at.as_millisecond().div_euclid(self.step) - self.first;
        u16::try_from(column).ok().filter(|column| *column < self.columns)
    }

    /// Twice as many columns, each half as long.
    #[must_use]
    pub fn halves(self) -> Self {
        Self { step: self.step / 2, first: self.first * 2, columns: self.columns * 2 }
    }

    /// The same columns, so many later.
    #[must_use]
    pub fn later(self, by: i64) -> Self {
        Self { first: self.first + by, ..self }
    }

    /// The columns up to now that span so much time, and little more however many there are.
    pub fn spanning(now: Timestamp, seconds: i64, columns: u16) -> Self {
        let columns = columns.max(1);
        let step = (seconds.max(1).saturating_mul(1000) as u64).div_ceil(u64::from(columns));
        // Halves of columns are whole seconds, as stretches of the past are, where that makes little difference.
        let round = if step < 20_000 { SHORTEST as u64 } else { 2000 };
        let step = i64::try_from(step.next_multiple_of(round)).unwrap_or(i64::MAX / 1_000_000);
        Self { step, first: now.as_millisecond().div_euclid(step) - i64::from(columns) + 1, columns }
    }

    /// The same columns where a moment is in them, else as many earlier or later ones with it in their middle.
    #[must_use]
    pub fn around(self, at: Timestamp) -> Self {
        if self.column(at).is_some() {
            return self;
        }
        let number = at.as_millisecond().div_euclid(self.step);
        Self { first: number - i64::from(self.columns / 2), ..self }
    }

    /// As much time with the same end in another number of columns.
    #[must_use]
    pub fn fitted(self, columns: u16) -> Self {
        if columns == self.columns {
            return self;
        }
        let last = self.start(self.columns - 1);
        Self::ending(last, self.seconds(), columns)
    }
}

/// For how many seconds there is recent history. Of one that is full it is a round number: as old samples go
/// while new ones come it stays the same, and so do the columns.
pub fn seen(probe: &Status, now: Timestamp) -> f64 {
    let full = probe.interval_s * Status::MAX_HISTORY as f64;
    let first = probe.history.front().map_or(now, |(at, _)| *at);
    let seconds = now.duration_since(first).as_secs_f64().max(0.0);
    let is_full = probe.history.len() >= Status::MAX_HISTORY || (full > 0.0 && seconds >= full * FULL);
    if is_full { full } else { seconds }
}

/// For how many seconds anything is known, up to a day.
pub fn reach(probe: &Status, now: Timestamp) -> f64 {
    let first = probe.first().map_or(0.0, |first| now.duration_since(first).as_secs_f64());
    let day = Past::REACH as f64;
    if first >= day * FULL { day } else { first.max(seen(probe, now).min(day)) }
}

/// What is known of a column besides values, the worst last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Mark {
    /// Nobody asked.
    #[default]
    Unasked,
    /// A value came.
    Seen,
    /// There was an answer that says nothing.
    NoData,
    /// The answer was bad, whatever its value.
    Bad,
    /// Nobody answered.
    NoAnswer,
}

impl Mark {
    /// What a fault is.
    pub fn of(fault: Verdict) -> Self {
        if fault == Verdict::NoAnswer { Self::NoAnswer } else { Self::Bad }
    }
}

/// What was seen in a column.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Column {
    /// The lowest and the highest value; `None` where there was none.
    pub range: Option<(f64, f64)>,
    /// What else is known.
    pub mark: Mark,
}

impl Column {
    /// What one answer says.
    pub fn of(sample: &Sample) -> Self {
        let mark = match sample.verdict {
            Verdict::Bad | Verdict::NoAnswer => Mark::of(sample.verdict),
            _ if sample.value.is_none() => Mark::NoData,
            _ => Mark::Seen,
        };
        Self { range: sample.value.map(|value| (value, value)), mark }
    }

    /// Takes in what was seen.
    fn take(&mut self, range: Option<(f64, f64)>, mark: Mark) {
        self.mark = self.mark.max(mark);
        if let Some((low, high)) = range {
            self.range = Some(self.range.map_or((low, high), |range| (range.0.min(low), range.1.max(high))));
        }
    }
}

/// The columns of a probe.
#[derive(Debug, Clone, PartialEq)]
pub struct Columns {
    /// Each of them.
    pub all: Vec<Column>,
    /// For how many columns a value is held: more than one where there are more columns than samples.
    pub hold: usize,
}

/// What a probe saw in each column. One that is asked more rarely than there are columns has its values
/// held for as long as its interval, not longer: a gap stays a gap, and nothing is known before it was asked.
pub fn columns(probe: &Status, grid: Grid) -> Columns {
    let interval = (probe.interval_s.clamp(0.001, 1e6) * 1000.0 * SLACK) as i64;
    let hold = (interval + grid.step - 1).div_euclid(grid.step).max(1);
    // What was seen just before the first column may be held into it.
    let length = grid.step;
    let before = (hold - 1).min(MOST_HELD);
    let first = grid.first - before;
    let mut slices = vec![Column::default(); usize::try_from(before + i64::from(grid.columns)).unwrap_or(0)];
    let from = first * length;
    let to = from + length * slices.len() as i64;
    let torn = past(probe, &mut slices, from, length);
    let begin = |at: &Timestamp| at.as_millisecond() < from;
    // Samples come in order: the slice is looked for only where it changes.
    let (mut index, mut start) = (usize::MAX, i64::MAX);
    let start_of = probe.history.partition_point(|(at, _)| begin(at));
    for (at, value) in probe.history.range(start_of..) {
        let ms = at.as_millisecond();
        if ms < start || ms - start >= length {
            if !(from..to).contains(&ms) {
                continue;
            }
            index = usize::try_from((ms - from) / length).unwrap_or(usize::MAX);
            start = from + length * index as i64;
        }
        let Some(slice) = slices.get_mut(index) else { continue };
        match value.filter(|value| value.is_finite()) {
            None => slice.take(None, Mark::NoData),
            Some(value) => slice.take(Some((value, value)), Mark::Seen),
        }
    }
    let start_of = probe.faults.partition_point(|(at, _)| begin(at));
    for (at, verdict) in probe.faults.range(start_of..) {
        let index = usize::try_from((at.as_millisecond() - from).div_euclid(length)).ok();
        if let Some(slice) = index.and_then(|index| slices.get_mut(index)) {
            slice.take(None, Mark::of(*verdict));
        }
    }
    for (place, value) in torn {
        let slice = slices.get_mut(place).filter(|slice| slice.range.is_none() && slice.mark <= Mark::Seen);
        if let Some(slice) = slice {
            slice.take(Some((value, value)), Mark::Seen);
        }
    }
    let before = usize::try_from(before).unwrap_or(0);
    let mut last: Option<(usize, Column)> = None;
    let edge = probe.edge();
    for (place, slice) in slices.iter_mut().enumerate() {
        if slice.mark != Mark::Unasked {
            // A step up or down is drawn once, not as wide as it is held.
            let range = slice.range.map(|range| (edge.worse(range), edge.worse(range)));
            last = Some((place, Column { range, ..*slice }));
        } else if let Some((_, held)) = last.filter(|(at, _)| place - at <= before) {
            *slice = held;
        }
    }
    slices.drain(..before);
    Columns { all: slices, hold: usize::try_from(hold).unwrap_or(usize::MAX) }
}

/// Puts what is known of the past into slices of a length, the first of which begins at a time. A stretch that
/// is shorter has what was lowest, highest and worst in it where that was; a longer one fills what it covers.
/// Returns what is left for slices in which a part of a stretch is and nothing of that: it was at least so calm.
fn past(probe: &Status, slices: &mut [Column], from: i64, length: i64) -> Vec<(usize, f64)> {
    let to = from.saturating_add(length.saturating_mul(slices.len() as i64));
    let recent = probe.history.front().map_or(i64::MAX, |(at, _)| at.as_millisecond());
    let place = |ms: i64| usize::try_from((ms - from).div_euclid(length)).ok();
    let mut torn = Vec::new();
    let edge = probe.edge();
    // Stretches come in order: the slice is looked for only where it changes, and most are whole in one.
    let (mut index, mut begin) = (usize::MAX, i64::MAX);
    for (stretch, lasts) in probe.past.between(from, to) {
        let start = stretch.start_ms();
        if start >= from && (start < begin || start - begin >= length) {
            index = usize::try_from((start - from) / length).unwrap_or(usize::MAX);
            begin = from + length * index as i64;
        }
        if start >= begin && start + lasts <= begin + length {
            if let Some(slice) = slices.get_mut(index) {
                slice.take(stretch.range(), stretch.mark());
            }
            continue;
        }
        if lasts > length {
            // What is recent says more.
            let end = (start + lasts).min(recent.max(start + 1)).min(to);
            let (Some(first), Some(last)) = (place(start.max(from)), place(end - 1)) else { continue };
            for slice in slices.iter_mut().take(last + 1).skip(first) {
                slice.take(stretch.range(), stretch.mark());
            }
            continue;
        }
        for (ms, value, mark) in stretch.moments() {
            if let Some(slice) = place(ms).and_then(|place| slices.get_mut(place)) {
                slice.take(value.map(|value| (value, value)), mark);
            }
        }
        let ends = [place(start), place(start + lasts - 1)];
        if let Some((low, high)) = stretch.range().filter(|_| ends[0] != ends[1]) {
            let calm = if edge.worse((low, high)) > low { low } else { high };
            torn.extend(ends.into_iter().flatten().map(|place| (place, calm)));
        }
    }
    torn
}

/// The lowest and the highest value of a picture: 99 of 100 columns are in it, zero, what was usual, and
/// the limit if it is not far off. What a few columns have beyond that is left out where it would flatten
/// all the rest.
pub fn bounds(columns: &Columns, threshold: Option<f64>, usual: Option<&Usual>) -> (f64, f64) {
    let ranges = || columns.all.iter().filter_map(|column| column.range);
    let (mut lows, mut highs): (Vec<f64>, Vec<f64>) = ranges().unzip();
    let seen = |start: f64, all: &[f64], pick: fn(f64, f64) -> f64| all.iter().copied().fold(start, pick);
    let all = (seen(0.0, &lows, f64::min), seen(0.0, &highs, f64::max));
    let few = if lows.len() < FEW.saturating_mul(columns.hold) {
        0
    } else {
        (lows.len() / CLIPPED).max(columns.hold)
    };
    let mut low = nth(&mut lows, few, f64::total_cmp).unwrap_or(0.0).min(0.0);
    let mut high = nth(&mut highs, few, |a, b| b.total_cmp(a)).unwrap_or(0.0).max(0.0);
    if let Some(usual) = usual {
        (low, high) = (low.min(usual.quartiles.0), high.max(usual.quartiles.1));
    }
    if let Some(limit) = threshold.filter(|limit| limit.is_finite()) {
        high = high.max(limit.min(high * 2.0 + f64::from(u8::from(high == 0.0)) * limit));
    }
    let most = FAR * (high - low);
    let low_end = if most > 0.0 && high - all.0 > most { low } else { low.min(all.0) };
    let high_end = if most > 0.0 && all.1 - low > most { high } else { high.max(all.1) };
    // Bounds that are equal have no picture between them.
    if (high_end - low_end).abs() < f64::EPSILON { (low_end, low_end + 1.0) } else { (low_end, high_end) }
}

/// The lowest and the highest value above zero, for a scale by orders of magnitude; `None`: they are less
/// than two of them apart.
pub fn orders(columns: &Columns) -> Option<(f64, f64)> {
    let values = || {
        let ranges = columns.all.iter().filter_map(|column| column.range);
        ranges.flat_map(|(low, high)| [low, high]).filter(|value| *value > 0.0)
    };
    let (low, high) = (values().reduce(f64::min)?, values().reduce(f64::max)?);
    (high / low >= 100.0).then_some((low, high))
}

/// The value at a place in an order.
fn nth(values: &mut [f64], place: usize, order: impl Fn(&f64, &f64) -> std::cmp::Ordering) -> Option<f64> {
    if place >= values.len() {
        return None;
    }
    Some(*values.select_nth_unstable_by(place, order).1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::stretches::Seen;
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_700_006_400 + second).unwrap()
    }

    fn probe(values: &[(i64, Option<f64>)], interval_s: f64) -> Status {
        Status {
            limit: Some("> 5".into()),
            threshold: Some(5.0),
            interval_s,
            history: values.iter().map(|(second, value)| (at(*second), *value)).collect(),
            ..Status::default()
        }
    }

    fn ranges(probe: &Status, grid: Grid) -> Vec<Option<(f64, f64)>> {
        columns(probe, grid).all.iter().map(|column| column.range).collect()
    }

    #[test]
    fn a_gap_stays_a_gap_and_zero_is_a_value() {
        let grid = Grid::ending(at(39), 40.0, 4);
        assert_eq!((grid.from(), grid.to()), (at(0), at(40)));
        let mut probe = probe(&[(1, Some(0.0)), (11, None), (31, Some(8.0)), (32, Some(2.0))], 1.0);
        assert_eq!(ranges(&probe, grid), [Some((0.0, 0.0)), None, None, Some((2.0, 8.0))]);
        probe.faults = [(at(11), Verdict::NoAnswer), (at(33), Verdict::Bad)].into();
        let marks: Vec<Mark> = columns(&probe, grid).all.iter().map(|column| column.mark).collect();
        assert_eq!(marks, [Mark::Seen, Mark::NoAnswer, Mark::Unasked, Mark::Bad]);
    }

    #[test]
    fn what_is_no_number_is_no_data() {
        let grid = Grid::ending(at(1), 2.0, 2);
        let probe = probe(&[(0, Some(f64::NAN)), (1, Some(f64::INFINITY))], 0.1);
        let found = columns(&probe, grid).all;
        assert!(
            found.iter().all(|column| column.range.is_none() && column.mark == Mark::NoData),
            "{found:?}"
        );
    }

    #[test]
    fn a_slow_probe_fills_the_columns_of_its_interval_and_no_more() {
        let grid = Grid::ending(at(119), 120.0, 12);
        let probe = probe(&[(5, Some(1.0)), (25, Some(2.0)), (85, Some(3.0)), (86, Some(9.0))], 20.0);
        let one = |value| Some((value, value));
        let found = ranges(&probe, grid);
        assert_eq!(found[..6], [one(1.0), one(1.0), one(2.0), one(2.0), one(2.0), None]);
        assert_eq!(found[6..], [None, None, Some((3.0, 9.0)), one(9.0), one(9.0), None]);
        // The first of these columns begins while a value is held.
        let later = Grid::ending(at(119), 80.0, 8);
        assert_eq!(ranges(&probe, later)[..3], [one(2.0), None, None]);
    }

    #[test]
    fn a_window_fits_what_is_there() {
        for seconds in [3.0, 10.0, 61.0, 700.0, 7200.0, 86_400.0] {
            for columns in [10, 39, 100, 200] {
                let grid = Grid::ending(at(12_345), seconds, columns);
                assert!(grid.seconds() >= seconds, "{grid:?}");
                let least = f64::from(columns) * 0.1;
                assert!(grid.seconds() <= (seconds * 1.26 + grid.step_s()).max(least), "{seconds} {grid:?}");
                assert_eq!(grid.column(at(12_345)), Some(columns - 1));
                assert_eq!(grid.fitted(columns), grid);
                assert!(grid.fitted(columns + 7).seconds() >= grid.seconds());
            }
        }
    }

    #[test]
    fn bounds_are_never_equal_and_far_limits_do_not_flatten_the_line() {
        let of = |values: &[(f64, f64)]| Columns {
            all: values.iter().map(|range| Column { range: Some(*range), mark: Mark::Seen }).collect(),
            hold: 1,
        };
        assert_eq!(bounds(&of(&[]), None, None), (0.0, 1.0));
        assert_eq!(bounds(&of(&[(0.0, 0.0)]), None, None), (0.0, 1.0));
        assert_eq!(bounds(&of(&[(1.0, 4.0)]), Some(5.0), None), (0.0, 5.0));
        assert_eq!(bounds(&of(&[(1.0, 4.0)]), Some(500.0), None), (0.0, 8.0));
        assert_eq!(bounds(&of(&[(-2.0, -1.0)]), None, None), (-2.0, 0.0));
        let usual = Usual { median: 6.0, quartiles: (5.0, 9.0) };
        assert_eq!(bounds(&of(&[(1.0, 4.0)]), None, Some(&usual)), (0.0, 9.0));
    }

    #[test]
    fn one_spike_does_not_flatten_the_rest_and_a_lasting_rise_is_shown() {
        let mut all = vec![Column { range: Some((1.0, 4.0)), mark: Mark::Seen }; 120];
        all[60].range = Some((1.0, 4000.0));
        let mut columns = Columns { all, hold: 1 };
        assert_eq!(bounds(&columns, Some(5.0), None), (0.0, 5.0));
        // A little beyond is no outlier, and two in a hundred are none either.
        columns.all[60].range = Some((1.0, 9.0));
        assert_eq!(bounds(&columns, Some(5.0), None), (0.0, 9.0));
        for column in [60, 61, 62] {
            columns.all[column].range = Some((1.0, 4000.0));
        }
        assert_eq!(bounds(&columns, Some(5.0), None), (0.0, 4000.0));
        // Where all the rest is zero there is nothing to flatten.
        columns.all.fill(Column { range: Some((0.0, 0.0)), mark: Mark::Seen });
        columns.all[3].range = Some((0.0, 7.0));
        assert_eq!(bounds(&columns, None, None), (0.0, 7.0));
    }

    #[test]
    fn orders_of_magnitude_are_offered_where_there_are_two() {
        let of = |values: &[f64]| Columns {
            all: values.iter().map(|v| Column { range: Some((*v, *v)), mark: Mark::Seen }).collect(),
            hold: 1,
        };
        assert_eq!(orders(&of(&[0.0, 2.0, 200.0])), Some((2.0, 200.0)));
        assert_eq!(orders(&of(&[-5.0, 2.0, 190.0])), None);
        assert_eq!(orders(&of(&[])), None);
    }

    /// The same probe, so many of its samples no longer recent.
    fn aged(probe: &Status, count: usize) -> Status {
        let mut probe = probe.clone();
        let newest = probe.history.back().unwrap().0;
        let old: Vec<_> = probe.history.drain(..count).map(|(at, value)| Seen::sample(at, value)).collect();
        probe.past.fold(old, newest);
        probe.age_faults(newest);
        probe
    }

    #[test]
    fn a_stretch_that_is_longer_than_columns_fills_those_that_it_covers() {
        let all: Vec<_> = (0..8000).step_by(10).map(|second| (second, Some(2.0))).collect();
        let mut probe = probe(&all, 10.0);
        probe.history[1].1 = Some(9.0);
        let probe = aged(&probe, 80);
        // Of two hours ago a minute is one stretch; nothing of it is in the columns of what is recent.
        let grid = Grid { step: 20_000, first: at(0).as_millisecond() / 20_000, columns: 50 };
        let found = ranges(&probe, grid);
        assert_eq!(found[..4], [Some((2.0, 9.0)), Some((2.0, 9.0)), Some((2.0, 9.0)), Some((2.0, 2.0))]);
        assert!(found[4..].iter().all(|range| *range == Some((2.0, 2.0))), "{found:?}");
    }

    #[test]
    fn a_gap_in_the_past_is_a_gap_and_failures_are_where_they_were() {
        let all: Vec<_> = (0..600).chain(4200..4800).chain(40_000..40_010).collect();
        let all: Vec<_> = all.into_iter().step_by(10).map(|second| (second, Some(1.0))).collect();
        let mut probe = probe(&all, 10.0);
        probe.faults = [(at(310), Verdict::NoAnswer), (at(4790), Verdict::Bad)].into();
        let old = aged(&probe, all.len() - 1);
        assert!(old.faults.is_empty());
        let grid = Grid { step: 300_000, first: at(0).as_millisecond() / 300_000, columns: 18 };
        let marks = |probe: &Status| columns(probe, grid).all.iter().map(|c| c.mark).collect::<Vec<_>>();
        assert_eq!(marks(&old), marks(&probe));
        assert_eq!(marks(&old)[..3], [Mark::Seen, Mark::NoAnswer, Mark::Unasked]);
        assert_eq!(marks(&old)[14..], [Mark::Seen, Mark::Bad, Mark::Unasked, Mark::Unasked]);
    }

    #[test]
    fn what_is_there_is_a_round_number_once_there_is_a_day() {
        let all: Vec<_> = (0..90_000).step_by(10).map(|second| (second, Some(1.0))).collect();
        let day = aged(&probe(&all, 10.0), all.len() - Status::MAX_HISTORY);
        assert_eq!((seen(&day, at(89_990)), reach(&day, at(89_995))), (7200.0, 86_400.0));
        let young = probe(&all[..60], 10.0);
        assert_eq!((seen(&young, at(600)), reach(&young, at(600))), (600.0, 600.0));
        assert_eq!(reach(&Status::default(), at(0)).to_bits(), 0.0_f64.to_bits());
    }

    proptest! {
        /// Whatever is recent and whatever is not: no spike is lost, none is made up, none is moved away.
        #[test]
        fn the_past_is_drawn_where_it_was(
            values in prop::collection::vec(0.0..1e4f64, 800..2000),
            old in 0usize..799,
            width in 20u16..60,
        ) {
            let all: Vec<_> = (0..).step_by(10).zip(values).map(|(second, v)| (second, Some(v))).collect();
            let (end, probe) = (all.last().unwrap().0, probe(&all, 10.0));
            let grid = Grid::spanning(at(end), end, width);
            let (was, is) = (ranges(&probe, grid), ranges(&aged(&probe, old), grid));
            let of = |ranges: &[Option<(f64, f64)>]| {
                let all = || ranges.iter().flatten();
                (all().map(|r| r.0).reduce(f64::min), all().map(|r| r.1).reduce(f64::max))
            };
            prop_assert_eq!(of(&was), of(&is));
            for (place, (was_here, is_here)) in was.iter().zip(&is).enumerate() {
                prop_assert!(is_here.is_some() >= was_here.is_some());
                let Some((low, high)) = is_here else { continue };
                let near = of(&was[place.saturating_sub(1)..(place + 2).min(was.len())]);
                prop_assert!(near.0.unwrap() <= *low && *high <= near.1.unwrap());
            }
        }

        /// As time passes columns move along, and none is drawn otherwise than before.
        #[test]
        fn nothing_shimmers_as_time_passes(
            samples in prop::collection::vec((0i64..900, prop::option::of(0.0..1e4)), 1..80),
            interval in prop::sample::select(vec![0.5, 1.0, 5.0, 10.0, 60.0]),
            span in 30.0..2000.0f64,
            width in 8u16..150,
            later in 0i64..400,
        ) {
            let mut samples = samples;
            samples.sort_by_key(|(second, _)| *second);
            let probe = probe(&samples, interval);
            let before = Grid::ending(at(900), span, width);
            let after = Grid::ending(at(900 + later), span, width);
            prop_assert_eq!(before.step, after.step);
            let moved = usize::try_from(after.first - before.first).unwrap();
            let (old, new) = (columns(&probe, before), columns(&probe, after));
            let kept = old.all.len().saturating_sub(moved);
            prop_assert_eq!(&old.all[old.all.len() - kept..], &new.all[..kept]);
        }

        #[test]
        fn columns_hold_nothing_that_was_not_seen_in_them(
            samples in prop::collection::vec((0i64..100, prop::option::of(-1e6..1e6)), 0..50),
        ) {
            let mut samples = samples;
            samples.sort_by_key(|(second, _)| *second);
            let grid = Grid::ending(at(99), 100.0, 20);
            let found = ranges(&probe(&samples, 1.0), grid);
            for (column, range) in found.iter().enumerate() {
                let here = |second: &i64| grid.column(at(*second)) == Some(column as u16);
                let values = || samples.iter().filter(|(s, _)| here(s)).filter_map(|(_, value)| *value);
                prop_assert_eq!(*range, values().reduce(f64::min).zip(values().reduce(f64::max)));
            }
        }
    }
}
