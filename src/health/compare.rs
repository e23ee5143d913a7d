//! Which times a probe is compared with, and what came of it: the time before the incident, before the
//! last change, and the same time yesterday. Pure; [`super::judge`] says what is worse.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::judge::{self, Case, Direction, Judged};
use super::series::Status;

/// The longest time after that is judged: what was an hour ago says little of now.
const AFTER: SignedDuration = SignedDuration::from_mins(10);
/// The longest time that is compared with.
const BEFORE: SignedDuration = SignedDuration::from_mins(60);
/// One day.
const DAY: SignedDuration = SignedDuration::from_hours(24);
/// Most samples of a window; longer ones are thinned evenly.
const SLOTS: i64 = 240;

/// A sample: when, and the value; `None` where there was no data.
pub type Point = (Timestamp, Option<f64>);

/// A time: from, up to and not including.
pub type Window = (Timestamp, Timestamp);

/// What a time is compared with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Against {
    /// The time before the fault began.
    Incident,
    /// The time before something was changed.
    Change(Change),
    /// The same time a day before.
    Yesterday,
}

/// Something that was done to what a probe watches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// `deploy`, `rollback`, `flag`.
    pub what: String,
    /// When it began.
    pub from: Timestamp,
    /// When it was done.
    pub to: Timestamp,
}

/// Two windows of one probe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair {
    /// What is compared with.
    pub against: Against,
    /// That time.
    pub before: Window,
    /// The time that is judged.
    pub after: Window,
}

/// A probe and the times it is compared with.
#[derive(Debug, Clone, PartialEq)]
pub struct Question {
    /// The probe, with what is in memory of it.
    pub probe: Arc<Status>,
    /// The windows.
    pub pairs: Vec<Pair>,
}

/// What a comparison came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compared {
    /// What was compared with.
    pub against: Against,
    /// The verdict and what it rests on.
    pub judged: Judged,
}

/// What was usual in a time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Usual {
    /// Half of all values were lower, half higher.
    pub median: f64,
    /// A quarter of them was lower than the first, a quarter higher than the second.
    pub quartiles: (f64, f64),
}

impl Usual {
    /// What was usual among values; `None`: there is none.
    pub fn of(points: impl Iterator<Item = Point>) -> Option<Self> {
        let mut values: Vec<f64> =
            points.filter_map(|(_, value)| value.filter(|value| value.is_finite())).collect();
        values.sort_by(f64::total_cmp);
        // Between two values in proportion.
        let at = |part: f64| {
            let place = part * values.len().checked_sub(1)? as f64;
            let (low, high) = (values.get(place.floor() as usize)?, values.get(place.ceil() as usize)?);
            Some(low + (high - low) * place.fract())
        };
        Some(Self { median: at(0.5)?, quartiles: (at(0.25)?, at(0.75)?) })
    }
}

/// All comparisons of one probe.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// Its name.
    pub probe: String,
    /// One for each pair that was asked for; of yesterday only where something was seen then.
    pub compared: Vec<Compared>,
    /// What was usual before the incident; `None` where nothing was seen.
    pub usual: Option<Usual>,
}

/// Which way is harm for a probe: as its limit says; without one, slower is worse, and of other numbers
/// nobody knows.
pub fn direction(probe: &Status) -> Direction {
    let limit = probe.limit.as_deref().map(str::trim_start);
    match limit.and_then(|limit| limit.chars().next()) {
        Some('<') => Direction::DownIsBad,
        Some('>') => Direction::UpIsBad,
        _ if ["ms", "s"].contains(&probe.unit.as_str()) => Direction::UpIsBad,
        _ => Direction::Both,
    }
}

/// Fewest samples that are called usual.
const FEWEST: usize = 10;

/// The windows for an incident that began at a time, with the last change to what is watched.
pub fn pairs(started_at: Timestamp, change: Option<&Change>, now: Timestamp) -> Vec<Pair> {
    let earlier = |at: Timestamp, by: SignedDuration| at.checked_sub(by).unwrap_or(Timestamp::MIN);
    let since = change.map_or(started_at, |change| change.to.max(started_at)).max(earlier(now, AFTER));
    if since >= now {
        return Vec::new();
    }
    let after = (since, now);
    let mut pairs =
        vec![Pair { against: Against::Incident, before: (earlier(started_at, BEFORE), started_at), after }];
    pairs.extend(change.filter(|change| change.from > started_at).map(|change| Pair {
        against: Against::Change(change.clone()),
        before: (earlier(change.from, BEFORE).max(started_at), change.from),
        after,
    }));
    let before = (earlier(after.0, DAY), earlier(after.1, DAY));
    pairs.push(Pair { against: Against::Yesterday, before, after });
    pairs
}

impl Question {
    /// The windows of which older samples are needed than there are in memory.
    pub fn missing(&self) -> impl Iterator<Item = Window> {
        let first = self.probe.history.front().map_or(Timestamp::MAX, |(at, _)| *at);
        let windows = self.pairs.iter().flat_map(|pair| [pair.before, pair.after]);
        windows.filter(move |(from, _)| *from < first).map(move |(from, to)| (from, to.min(first)))
    }

    /// The samples of a window: those from `kept`, which are older than what is in memory, and those.
    fn window(&self, kept: &[Point], (from, to): Window) -> Vec<Point> {
        let inside = |(at, _): &&Point| (from..to).contains(at);
        let first = self.probe.history.front().map_or(Timestamp::MAX, |(at, _)| *at);
        let older = kept.iter().filter(|(at, _)| *at < first);
        older.chain(&self.probe.history).filter(inside).copied().collect()
    }
}

/// Judges all questions together: each kind of comparison is corrected for how many probes there are.
/// `kept` has what is stored of each probe's missing windows, in order.
pub fn answer(questions: &[Question], kept: &[Vec<Point>]) -> Vec<Answer> {
    let nothing = Vec::new();
    let kept = |index: usize| kept.get(index).unwrap_or(&nothing);
    let mut answers: Vec<Answer> = questions
        .iter()
        .enumerate()
        .map(|(index, question)| Answer {
            probe: question.probe.name.clone(),
            compared: Vec::new(),
            usual: usual(question, kept(index)),
        })
        .collect();
    let most = questions.iter().map(|question| question.pairs.len()).max().unwrap_or(0);
    for place in 0..most {
        // Most services were not watched yesterday: to say so each time says nothing.
        let is_asked = |index: &usize| {
            let (question, kept) = (&questions[*index], kept(*index));
            question.pairs.get(place).is_some_and(|pair| {
                pair.against != Against::Yesterday || !question.window(kept, pair.before).is_empty()
            })
        };
        let asked: Vec<usize> = (0..questions.len()).filter(is_asked).collect();
        let cases: Vec<Case> = asked
            .iter()
            .map(|index| {
                let (question, pair) = (&questions[*index], &questions[*index].pairs[place]);
                let window = |window| question.window(kept(*index), window);
                let (mut before, after) = (window(pair.before), window(pair.after));
                // The time of the incident before a change may well have failed: that is what it is compared with.
                if !matches!(pair.against, Against::Change(_)) {
                    without_failures(&question.probe, &mut before);
                }
                windows(&question.probe, (&before, pair.before.1), (&after, pair.after.1))
            })
            .collect();
        for (index, judged) in asked.into_iter().zip(judge::family(&cases)) {
            let against = questions[index].pairs[place].against.clone();
            answers[index].compared.push(Compared { against, judged });
        }
    }
    answers
}

fn usual(question: &Question, kept: &[Point]) -> Option<Usual> {
    let pair = question.pairs.iter().find(|pair| pair.against == Against::Incident)?;
    let mut before = question.window(kept, pair.before);
    without_failures(&question.probe, &mut before);
    let count = before.iter().filter(|(_, value)| value.is_some()).count();
    (count >= FEWEST).then(|| Usual::of(before.into_iter())).flatten()
}

/// Takes out what was beyond the limit: what failed was not usual, and calm beside it would be false.
fn without_failures(probe: &Status, points: &mut [Point]) {
    for (_, value) in points {
        *value = value.filter(|value| !probe.is_beyond(*value));
    }
}

/// What is judged of two windows of a probe, from the first sample of each up to the end of a window, or to
/// the last sample.
fn windows(probe: &Status, before: (&[Point], Timestamp), after: (&[Point], Timestamp)) -> Case {
    let asked = (probe.interval_s.max(0.001) * 1000.0) as i64;
    // Older samples are kept more rarely: both are taken as often as the rarer of them.
    let every = asked.max(gap(before.0)).max(gap(after.0));
    let slots = |(points, to): (&[Point], Timestamp)| slots(points, to, every);
    Case { before: slots(before), after: slots(after), direction: direction(probe) }
}

/// What is judged of samples before and after; `None`: there are none of one of them.
pub(super) fn case(probe: &Status, before: &[Point], after: &[Point]) -> Option<Case> {
    let end = |points: &[Point]| {
        let (last, _) = points.last()?;
        last.checked_add(SignedDuration::from_secs_f64(probe.interval_s.clamp(0.001, 1e6))).ok()
    };
    let mut usual = before.to_vec();
    without_failures(probe, &mut usual);
    Some(windows(probe, (&usual, end(before)?), (after, end(after)?)))
}

/// The usual time between two samples, in milliseconds; 0 where there are too few.
fn gap(points: &[Point]) -> i64 {
    let mut gaps: Vec<i64> =
        points.windows(2).map(|two| two[1].0.as_millisecond() - two[0].0.as_millisecond()).collect();
    if gaps.is_empty() {
        return 0;
    }
    let middle = gaps.len() / 2;
    *gaps.select_nth_unstable(middle).1
}

/// One sample every so many milliseconds, from the first there is: the first of each slot, as old samples
/// are thinned. What came before the first says nothing: nobody asked.
fn slots(points: &[Point], to: Timestamp, every: i64) -> Vec<Option<f64>> {
    let Some((first, _)) = points.first() else { return Vec::new() };
    let from = first.as_millisecond();
    let length = to.as_millisecond() - from;
    let every = every.max(length / SLOTS).max(1);
    let mut slots: Vec<Option<Option<f64>>> = vec![None; usize::try_from(length / every).unwrap_or(0).max(1)];
    for (at, value) in points {
        // Half a slot of room: a clock that is a little late fills its own slot.
        let place = (at.as_millisecond() - from + every / 2) / every;
        if let Some(slot) = usize::try_from(place).ok().and_then(|place| slots.get_mut(place)) {
            slot.get_or_insert(*value);
        }
    }
    slots.into_iter().map(Option::flatten).collect()
}

#[cfg(test)]
mod tests {
    use super::super::judge::Verdict;
    use super::super::series::State;
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_700_000_000 + second).unwrap()
    }

    fn probe(points: &[(i64, f64)], limit: Option<&str>, unit: &str) -> Arc<Status> {
        Arc::new(Status {
            name: "errors".into(),
            environment: "production".into(),
            state: State::Ok,
            unit: unit.into(),
            limit: limit.map(Into::into),
            interval_s: 5.0,
            history: points.iter().map(|(second, value)| (at(*second), Some(*value))).collect(),
            ..Status::default()
        })
    }

    /// A value every five seconds; a little up and down, so that it has a spread.
    fn steady(from: i64, to: i64, level: f64) -> Vec<(i64, f64)> {
        (from..to)
            .step_by(5)
            .map(|second| (second, level + (second * 7).rem_euclid(11) as f64 / 10.0))
            .collect()
    }

    #[test]
    fn the_limit_says_which_way_is_harm() {
        assert_eq!(direction(&probe(&[], Some("> 5"), "%")), Direction::UpIsBad);
        assert_eq!(direction(&probe(&[], Some("< 200"), "/min")), Direction::DownIsBad);
        assert_eq!(direction(&probe(&[], None, "ms")), Direction::UpIsBad);
        assert_eq!(direction(&probe(&[], None, "")), Direction::Both);
    }

    #[test]
    fn a_fix_is_better_than_the_time_before_it_and_as_good_as_before_the_incident() {
        let mut points = steady(-1800, 0, 1.0);
        points.extend(steady(0, 600, 40.0));
        points.extend(steady(600, 900, 1.0));
        let change = Change { what: "deploy".into(), from: at(590), to: at(600) };
        let pairs = pairs(at(0), Some(&change), at(900));
        let question = Question { probe: probe(&points, Some("> 5"), "%"), pairs };
        assert_eq!(question.missing().count(), 2, "of yesterday, and of the hour before");
        let [answer] = answer(&[question], &[]).try_into().unwrap();
        let verdicts: Vec<_> = answer.compared.iter().map(|one| (&one.against, one.judged.verdict)).collect();
        assert_eq!(
            verdicts,
            [(&Against::Incident, Verdict::NoEvidence), (&Against::Change(change), Verdict::Better),]
        );
        let usual = answer.usual.unwrap();
        assert!((usual.median - 1.5).abs() < 0.2, "{answer:?}");
        assert!(usual.quartiles.0 < usual.median && usual.median < usual.quartiles.1, "{answer:?}");
    }

    #[test]
    fn an_incident_is_worse_than_the_time_before_it_also_where_that_is_kept_once_a_minute() {
        let a_minute =
            |points: Vec<(i64, f64)>| points.into_iter().step_by(12).map(|(s, v)| (at(s), Some(v)));
        let kept: Vec<Point> =
            a_minute(steady(-86_400, -85_800, 1.0)).chain(a_minute(steady(-3600, 0, 1.0))).collect();
        let question = Question {
            probe: probe(&steady(0, 600, 40.0), Some("> 5"), "%"),
            pairs: pairs(at(0), None, at(600)),
        };
        let [answer] = answer(&[question], &[kept]).try_into().unwrap();
        let verdicts: Vec<_> = answer.compared.iter().map(|one| (&one.against, one.judged.verdict)).collect();
        assert_eq!(verdicts, [(&Against::Incident, Verdict::Worse), (&Against::Yesterday, Verdict::Worse)]);
    }

    #[test]
    fn nothing_is_compared_before_there_is_anything_after() {
        assert_eq!(pairs(at(0), None, at(0)), []);
        let question = Question { probe: probe(&[], None, ""), pairs: pairs(at(0), None, at(60)) };
        let [answer] = answer(&[question], &[]).try_into().unwrap();
        assert!(answer.compared.iter().all(|one| one.judged.verdict == Verdict::CannotTell), "{answer:?}");
        assert_eq!(answer.usual, None);
    }

    #[test]
    fn what_was_usual_is_the_median_and_the_quartiles() {
        let of = |values: &[f64]| Usual::of(values.iter().map(|value| (at(0), Some(*value))));
        assert_eq!(of(&[]), None);
        assert_eq!(of(&[f64::NAN]), None);
        assert_eq!(of(&[7.0]), Some(Usual { median: 7.0, quartiles: (7.0, 7.0) }));
        let usual = Usual { median: 2.5, quartiles: (1.75, 3.25) };
        assert_eq!(of(&[4.0, 1.0, 3.0, 2.0]), Some(usual));
    }

    #[test]
    fn a_missed_answer_leaves_a_gap_and_a_late_one_does_not() {
        let points = [(at(0), Some(1.0)), (at(6), Some(2.0)), (at(16), Some(3.0)), (at(20), None)];
        let found = slots(&points, at(30), 5000);
        assert_eq!(found, [Some(1.0), Some(2.0), None, Some(3.0), None, None]);
    }
}
