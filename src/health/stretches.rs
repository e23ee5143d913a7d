//! What is kept of a probe beyond its recent samples: a day of stretches, the older the longer, each with the
//! lowest and the highest value that was seen in it. Pure.
//!
//! Stretches are of absolute time, and what is in them does not depend on the order in which samples came, nor
//! on how often one of them came: what the journal knows of a time may be put to what was seen here.

use std::mem::size_of;
use std::sync::Arc;

use jiff::Timestamp;

use super::columns::Mark;
use super::past::COARSE;

/// How long stretches are, and up to which age they are so, in seconds. Each length is a part of the next.
const TIERS: [(i64, i64); 3] = [(20, 3600), (60, 6 * 3600), (120, Past::REACH)];

// A thousand probes have a thousand of these each.
const _: () = assert!(size_of::<Stretch>() == 24);

/// What was seen once: a value, or what else is known.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Seen {
    /// When.
    pub at: Timestamp,
    /// The value; `None` where there was none.
    pub value: Option<f64>,
    /// What else is known.
    pub mark: Mark,
}

impl Seen {
    /// A sample of which no more is known than its value.
    pub fn sample(at: Timestamp, value: Option<f64>) -> Self {
        let value = value.filter(|value| value.is_finite());
        Self { at, value, mark: if value.is_some() { Mark::Seen } else { Mark::NoData } }
    }
}

/// A stretch of time, and what was seen in it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stretch {
    /// When it begins, in seconds.
    start: u32,
    /// When the lowest and the highest value and the worst mark were first seen, in seconds after that.
    low_at: u8,
    high_at: u8,
    mark_at: u8,
    mark: Mark,
    /// The lowest and the highest value; the lowest is above the highest where there was none.
    low: f64,
    high: f64,
}

impl Stretch {
    /// The stretch of this length that a moment is in, with what was seen then; `None`: no time of this century.
    fn of(seen: &Seen, length: i64) -> Option<Self> {
        let second = seen.at.as_second();
        let start = second.div_euclid(length) * length;
        let at = u8::try_from(second - start).ok()?;
        let (low, high) = seen.value.map_or((f64::INFINITY, f64::NEG_INFINITY), |value| (value, value));
        let start = u32::try_from(start).ok()?;
        Some(Self { start, low_at: at, high_at: at, mark_at: at, mark: seen.mark, low, high })
    }

    /// As a part of the longer stretch that it is in.
    fn within(self, length: u32) -> Self {
        let start = self.start / length * length;
        let later = |at: u8| at.saturating_add(u8::try_from(self.start - start).unwrap_or(u8::MAX));
        let [low_at, high_at, mark_at] = [self.low_at, self.high_at, self.mark_at].map(later);
        Self { start, low_at, high_at, mark_at, ..self }
    }

    /// Takes in what else was seen in it.
    fn take(&mut self, other: &Self) {
        let (low, high) = (other.low.total_cmp(&self.low), self.high.total_cmp(&other.high));
        if low.then(other.low_at.cmp(&self.low_at)).is_lt() {
            (self.low, self.low_at) = (other.low, other.low_at);
        }
        if high.then(other.high_at.cmp(&self.high_at)).is_lt() {
            (self.high, self.high_at) = (other.high, other.high_at);
        }
        if other.mark > self.mark || (other.mark == self.mark && other.mark_at < self.mark_at) {
            (self.mark, self.mark_at) = (other.mark, other.mark_at);
        }
    }

    /// When it begins, in milliseconds.
    pub fn start_ms(&self) -> i64 {
        i64::from(self.start) * 1000
    }

    /// The lowest and the highest value; `None` where there was none.
    pub fn range(&self) -> Option<(f64, f64)> {
        (self.low <= self.high).then_some((self.low, self.high))
    }

    /// The worst that is known of it besides values.
    pub fn mark(&self) -> Mark {
        self.mark
    }

    /// What was seen when: the lowest and the highest value, and the worst mark, with milliseconds.
    pub fn moments(&self) -> [(i64, Option<f64>, Mark); 3] {
        let at = |offset: u8| self.start_ms() + i64::from(offset) * 1000;
        let (low, high) = self.range().unzip();
        let seen = if low.is_some() { Mark::Seen } else { Mark::Unasked };
        [(at(self.low_at), low, seen), (at(self.high_at), high, seen), (at(self.mark_at), None, self.mark)]
    }
}

/// The past of a probe. To copy it costs nothing.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Past {
    /// Stretches of each length, oldest first.
    tiers: [Arc<Vec<Stretch>>; 3],
}

impl Past {
    /// How far it reaches back, in seconds.
    pub const REACH: i64 = 86_400;

    /// Takes in what was seen, in whatever order, as of the time of the newest sample: what is older than a day
    /// by then is dropped.
    pub fn fold(&mut self, seen: impl IntoIterator<Item = Seen>, newest: Timestamp) {
        let newest = newest.as_second();
        for one in seen {
            let Some(tier) = tier_of(one.at.as_second(), newest) else { continue };
            if let Some(stretch) = Stretch::of(&one, TIERS[tier].0) {
                put(Arc::make_mut(&mut self.tiers[tier]), stretch);
            }
        }
        self.age(newest);
        for tier in &mut self.tiers {
            // What is alone in memory stays so: it must not have room for twice as many.
            if let Some(tier) = Arc::get_mut(tier) {
                tier.shrink_to_fit();
            }
        }
    }

    /// Has stretches that are old enough become parts of longer ones.
    fn age(&mut self, newest: i64) {
        for tier in 0..TIERS.len() {
            let is_old = |stretch: &Stretch| {
                tier_of(i64::from(stretch.start), newest).is_none_or(|wanted| wanted > tier)
            };
            let old = self.tiers[tier].partition_point(is_old);
            if old == 0 {
                continue;
            }
            let old: Vec<Stretch> = Arc::make_mut(&mut self.tiers[tier]).drain(..old).collect();
            for stretch in old {
                if let Some(wanted) = tier_of(i64::from(stretch.start), newest) {
                    let length = u32::try_from(TIERS[wanted].0).unwrap_or(u32::MAX);
                    put(Arc::make_mut(&mut self.tiers[wanted]), stretch.within(length));
                }
            }
        }
    }

    /// The stretches that have a part between two moments, in milliseconds, each with its length.
    pub fn between(&self, from: i64, to: i64) -> impl Iterator<Item = (&Stretch, i64)> {
        self.tiers.iter().zip(TIERS).flat_map(move |(tier, (length, _))| {
            let length = length * 1000;
            let first = tier.partition_point(|stretch| stretch.start_ms() + length <= from);
            let all = tier[first..].iter().take_while(move |stretch| stretch.start_ms() < to);
            all.map(move |stretch| (stretch, length))
        })
    }

    /// When the first of it was seen.
    pub fn first(&self) -> Option<Timestamp> {
        let firsts = self.tiers.iter().filter_map(|tier| tier.first());
        let ms = firsts.flat_map(Stretch::moments).map(|(ms, ..)| ms).min()?;
        Timestamp::from_millisecond(ms).ok()
    }

    /// How many stretches there are.
    pub fn len(&self) -> usize {
        self.tiers.iter().map(|tier| tier.len()).sum()
    }

    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Which length is for a moment; `None`: it is too old. All that will be one longer stretch changes at once.
fn tier_of(second: i64, newest: i64) -> Option<usize> {
    TIERS.iter().enumerate().position(|(tier, (length, reach))| {
        let whole = TIERS.get(tier + 1).map_or(*length, |(next, _)| *next);
        second.div_euclid(whole) * whole + whole > newest.saturating_sub(*reach)
    })
}

/// Puts a stretch to others of its length.
fn put(all: &mut Vec<Stretch>, stretch: Stretch) {
    match all.last_mut() {
        Some(last) if last.start == stretch.start => last.take(&stretch),
        Some(last) if last.start > stretch.start => {
            match all.binary_search_by_key(&stretch.start, |one| one.start) {
                Ok(place) => all[place].take(&stretch),
                Err(place) => all.insert(place, stretch),
            }
        }
        _ => all.push(stretch),
    }
}

/// Samples as they are to be kept: one of a source that told of its past in steps stands for its whole step.
pub fn held(samples: &[(Timestamp, Option<f64>)]) -> impl Iterator<Item = Seen> {
    let step = COARSE * 1000;
    samples.iter().enumerate().flat_map(move |(index, (at, value))| {
        let ms = at.as_millisecond();
        let is_step = |other: &(Timestamp, _)| other.0.as_millisecond() == ms + step;
        let is_held = ms.rem_euclid(step) == 0 && samples.get(index + 1).is_some_and(is_step);
        let length = if is_held { step } else { 1 };
        let times = (ms..ms + length).step_by(20_000).skip(1);
        let times = times.filter_map(|ms| Timestamp::from_millisecond(ms).ok());
        std::iter::once(*at).chain(times).map(|at| Seen::sample(at, *value))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::series::Status;
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_700_006_400 + second).unwrap()
    }

    fn seen(second: i64, value: f64) -> Seen {
        Seen::sample(at(second), Some(value))
    }

    /// When a stretch begins, how long it is, and its range.
    type Told = (i64, i64, Option<(f64, f64)>);

    fn told(past: &Past) -> Vec<Told> {
        let all = past.between(i64::MIN, i64::MAX);
        let start = |stretch: &Stretch| (stretch.start_ms() - at(0).as_millisecond()) / 1000;
        all.map(|(stretch, length)| (start(stretch), length / 1000, stretch.range())).collect()
    }

    #[test]
    fn a_stretch_keeps_the_lowest_the_highest_and_when() {
        let mut past = Past::default();
        past.fold([seen(20, 3.0), seen(25, 9.0), seen(31, 1.0), seen(39, 3.0), seen(40, 5.0)], at(60));
        assert_eq!(told(&past), [(20, 20, Some((1.0, 9.0))), (40, 20, Some((5.0, 5.0)))]);
        let (first, _) = past.between(i64::MIN, i64::MAX).next().unwrap();
        let ms = at(0).as_millisecond();
        let moments = [(31, Some(1.0)), (25, Some(9.0)), (20, None)];
        assert_eq!(first.moments().map(|(at, value, _)| ((at - ms) / 1000, value)), moments);
        assert_eq!(past.first(), Some(at(20)));
    }

    #[test]
    fn what_was_not_asked_has_no_stretch_and_what_said_nothing_has_no_range() {
        let mut past = Past::default();
        let lost = Seen { at: at(100), value: None, mark: Mark::NoAnswer };
        past.fold([seen(0, 0.0), Seen::sample(at(100), Some(f64::NAN)), lost], at(200));
        assert_eq!(told(&past), [(0, 20, Some((0.0, 0.0))), (100, 20, None)]);
        let marks: Vec<Mark> = past.between(i64::MIN, i64::MAX).map(|(stretch, _)| stretch.mark()).collect();
        assert_eq!(marks, [Mark::Seen, Mark::NoAnswer]);
    }

    #[test]
    fn stretches_grow_with_age_and_nothing_is_older_than_a_day() {
        let mut past = Past::default();
        // Ten days of a probe that is asked every second, and one spike.
        let day = 86_400;
        for from in (0..10 * day).step_by(600) {
            let value = |second: i64| if second == 9 * day + 12_345 { 500.0 } else { 1.0 };
            past.fold((from..from + 600).map(|second| seen(second, value(second))), at(from + 600));
        }
        let all = told(&past);
        let now = 10 * day;
        assert!(all.iter().all(|(start, length, _)| start + length > now - day), "{:?}", all[0]);
        assert!(all.iter().all(|(start, length, _)| start % length == 0));
        for (start, length, _) in &all {
            let age = now - start;
            let wanted = if age <= 3600 {
                20
            } else if age <= 6 * 3600 {
                60
            } else {
                120
            };
            assert!(*length == wanted || (*length < wanted && age % 3600 <= 180), "{length} at {age}");
        }
        assert_eq!(all.iter().filter(|(_, _, range)| *range == Some((1.0, 500.0))).count(), 1);
        // No time is told of twice, and none is missing.
        let mut ends: Vec<_> = all.iter().map(|(start, length, _)| (*start, start + length)).collect();
        ends.sort_unstable();
        assert!(ends.windows(2).all(|pair| pair[0].1 == pair[1].0));
        // A thousand probes with a day each.
        let bytes =
            past.len() * size_of::<Stretch>() + Status::MAX_HISTORY * size_of::<(Timestamp, Option<f64>)>();
        assert!(bytes * 1000 <= 64 << 20, "{bytes}");
    }

    #[test]
    fn times_that_are_none_of_this_century_are_left_out() {
        let mut past = Past::default();
        past.fold([Seen::sample(Timestamp::MIN, Some(1.0)), Seen::sample(Timestamp::MAX, None)], at(0));
        assert!(past.is_empty() && past.first().is_none());
    }

    #[test]
    fn what_a_source_told_in_steps_stands_for_its_whole_step() {
        let samples = [(at(0), Some(1.0)), (at(300), Some(2.0)), (at(600), None), (at(1000), Some(3.0))];
        let seconds: Vec<i64> = held(&samples).map(|seen| seen.at.duration_since(at(0)).as_secs()).collect();
        assert_eq!(seconds.len(), 15 + 15 + 2);
        assert_eq!((seconds[1], seconds[14], &seconds[29..]), (20, 280, &[580, 600, 1000][..]));
    }

    proptest! {
        /// In whatever order samples come, however often, and whenever they are taken in.
        #[test]
        fn the_order_does_not_matter(
            samples in prop::collection::vec((0i64..100_000, prop::option::of(-5.0..5.0f64)), 1..60),
            turn in 0usize..60,
            cut in 0usize..60,
        ) {
            let all: Vec<Seen> =
                samples.iter().map(|(second, value)| Seen::sample(at(*second), *value)).collect();
            let mut one = Past::default();
            one.fold(all.iter().copied(), at(100_000));
            let mut other = Past::default();
            let mut turned = all.clone();
            turned.rotate_left(turn % all.len());
            let (first, rest) = turned.split_at(cut % all.len());
            other.fold(first.iter().copied(), at(50_000));
            other.fold(rest.iter().copied(), at(100_000));
            other.fold(all, at(100_000));
            prop_assert_eq!(one, other);
        }
    }
}
