//! What an answer alone does not tell: how fast a counter grows, by how much a number has changed, and how
//! old a time is that stands in it. Pure.
//!
//! - A rate and a difference need the sample before. After a long pause, or when a clock was set in between,
//!   there is none rather than a wrong one.
//! - A counter that is lower than before was started anew, and what it shows is what was counted since, as
//!   Prometheus takes it.
//! - Samples are dated by when they were asked for. The time between two is taken from a clock that is never
//!   set.

use std::time::Duration;

use bstr::ByteSlice as _;
use jiff::{SignedDuration, Timestamp};

use super::answer::{Answer, Found};
use super::condition::Subject;
use super::decimal::Decimal;
use crate::incident;

/// After so many intervals the sample before says nothing of now.
const LONGEST_PAUSE: u32 = 5;
/// Time between two samples, at most, that is demanded of a probe that is asked twice.
pub(super) const GAP: Duration = Duration::from_secs(2);
/// By how much two clocks of this machine may differ over a pause.
const DRIFT: SignedDuration = SignedDuration::from_secs(1);
/// How far a time may lie in the future.
const AHEAD: SignedDuration = SignedDuration::from_mins(2);

/// A moment by two clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// What everybody calls it.
    pub at: Timestamp,
    /// Time since some beginning, on a clock that is never set.
    pub steady: Duration,
}

impl Moment {
    /// The moment so much earlier.
    #[must_use]
    pub fn before(self, length: Duration) -> Self {
        let at = SignedDuration::try_from(length).ok().and_then(|length| self.at.checked_sub(length).ok());
        Self { at: at.unwrap_or(self.at), steady: self.steady.saturating_sub(length) }
    }
}

/// What is remembered of a probe's samples: of each number that is compared with an earlier one the last
/// two, which lie a while apart.
#[derive(Debug, Clone, Default)]
pub struct Memory(Vec<(Subject, Vec<(Moment, Decimal)>)>);

impl Memory {
    /// Tells whether there is no earlier sample to compare with.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// An answer beside what came before it.
#[derive(Clone, Copy)]
pub struct Seen<'a> {
    answer: &'a Answer,
    changes: &'a [(Subject, Found)],
}

impl<'a> From<&'a Answer> for Seen<'a> {
    fn from(answer: &'a Answer) -> Self {
        Self { answer, changes: &[] }
    }
}

impl<'a> Seen<'a> {
    pub(super) fn new(answer: &'a Answer, changes: &'a [(Subject, Found)]) -> Self {
        Self { answer, changes }
    }

    /// Looks up what a condition or value is about.
    pub(super) fn find(self, subject: &Subject) -> Found {
        let known = self.changes.iter().find(|(known, _)| known == subject);
        known.map_or_else(|| self.answer.find(subject), |(_, found)| found.clone())
    }

    /// Tells whether the body goes on beyond what was read.
    pub(super) fn is_cut(self) -> bool {
        self.answer.cut
    }
}

/// Finds out what these are, of an answer to what was asked at a moment, and remembers what the next one
/// needs.
pub(super) fn changes(
    subjects: &[Subject],
    answer: &Answer,
    moment: Moment,
    interval: Duration,
    memory: &mut Memory,
) -> Vec<(Subject, Found)> {
    let mut earlier: Vec<(&Subject, Result<Pair, String>)> = Vec::new();
    let mut found = Vec::with_capacity(subjects.len());
    for subject in subjects {
        let value = match subject {
            Subject::Age(of) => age(of, answer, moment.at),
            Subject::Rate(of) | Subject::Delta(of) => {
                let known = earlier.iter().position(|(known, _)| *known == &**of);
                let place = known.unwrap_or_else(|| {
                    earlier.push((of, pair(of, answer, moment, interval, memory)));
                    earlier.len() - 1
                });
                match earlier.get(place).map(|(_, pair)| pair) {
                    Some(Ok(pair)) if matches!(subject, Subject::Rate(_)) => pair.rate(of),
                    Some(Ok(pair)) => pair.delta(of),
                    Some(Err(why)) => Err(why.clone()),
                    None => continue,
                }
            }
            _ => continue,
        };
        let value = value.map_or_else(Found::Nothing, |(number, written)| Found::Number(number, written));
        found.push((subject.clone(), value));
    }
    found
}

/// A number, the one before it, and the time between them.
struct Pair {
    before: Decimal,
    now: Decimal,
    between: Duration,
}

impl Pair {
    fn rate(&self, of: &Subject) -> Result<(Decimal, String), String> {
        if self.now.is_negative() || self.before.is_negative() {
            return Err(format!("{of} is negative, so it is no counter"));
        }
        let increase =
            if self.now < self.before { Some(self.now.clone()) } else { self.now.minus(&self.before) };
        let per_second =
            increase.and_then(|increase| increase.to_f64()).map(|n| n / self.between.as_secs_f64());
        // More digits than the time was measured with would only look exact.
        let rounded = per_second.and_then(|rate| format!("{rate:.5e}").parse().ok());
        rounded.and_then(number).ok_or_else(|| format!("{of} has too many digits for a rate"))
    }

    fn delta(&self, of: &Subject) -> Result<(Decimal, String), String> {
        let difference = self.now.minus(&self.before);
        let written = difference.as_ref().and_then(Decimal::to_f64).and_then(number);
        let both = difference.zip(written).map(|(difference, (_, written))| (difference, written));
        both.ok_or_else(|| format!("{of} has too many digits for a difference"))
    }
}

fn number(value: f64) -> Option<(Decimal, String)> {
    let written = value.to_string();
    Some((Decimal::parse(&written)?, written))
}

/// The number in an answer beside an earlier one.
fn pair(
    of: &Subject,
    answer: &Answer,
    moment: Moment,
    interval: Duration,
    memory: &mut Memory,
) -> Result<Pair, String> {
    let now = match answer.find(of) {
        Found::Number(number, _) => number,
        Found::Raw(body) if !answer.cut => Decimal::parse(&String::from_utf8_lossy(body.trim()))
            .ok_or_else(|| format!("{of} is not a number"))?,
        Found::Raw(_) => return Err("the body is longer than 1 MiB".to_owned()),
        Found::Text(_) => return Err(format!("{of} is text, not a number")),
        Found::Bool(_) => return Err(format!("{of} is true or false, not a number")),
        Found::Nothing(why) => return Err(why),
    };
    let place = memory.0.iter().position(|(known, _)| known == of).unwrap_or_else(|| {
        memory.0.push((of.clone(), Vec::new()));
        memory.0.len() - 1
    });
    let Some((_, kept)) = memory.0.get_mut(place) else { return Err(format!("{of} needs two samples")) };
    let passed = |earlier: &Moment| moment.steady.saturating_sub(earlier.steady);
    // Asked again right away, the one before the last says more.
    let least = interval.min(GAP) / 2;
    let earlier = kept.iter().rev().find(|(at, _)| passed(at) >= least).cloned();
    let pair = match &earlier {
        None if kept.is_empty() => Err(format!("{of} was asked for once; this needs two samples")),
        None => Err(format!("{of} needs two samples that lie further apart")),
        Some((at, before)) => gap(moment, *at, interval)
            .map(|between| Pair { before: before.clone(), now: now.clone(), between })
            .map_err(|why| format!("{of}: {why}")),
    };
    if pair.is_err() && earlier.is_some() {
        kept.clear();
    }
    if kept.last().is_none_or(|(at, _)| passed(at) >= least) {
        if kept.len() == 2 {
            kept.remove(0);
        }
        kept.push((moment, now));
    }
    pair
}

/// The time between two samples, or why it is not to be relied on.
fn gap(now: Moment, before: Moment, interval: Duration) -> Result<Duration, String> {
    let between = now.steady.saturating_sub(before.steady);
    let by_the_clock = now.at.duration_since(before.at);
    let measured = SignedDuration::try_from(between).unwrap_or(SignedDuration::MAX);
    if by_the_clock.is_negative() {
        return Err("the clock of this machine went back since the sample before".to_owned());
    }
    if between > interval * LONGEST_PAUSE {
        return Err(format!("the sample before is {} old, too long ago", incident::duration(measured)));
    }
    if by_the_clock.saturating_sub(measured).abs() > DRIFT {
        return Err("this machine slept, or its clock was set, since the sample before".to_owned());
    }
    Ok(between)
}

/// How long ago the time was that stands in an answer, in seconds.
fn age(of: &Subject, answer: &Answer, now: Timestamp) -> Result<(Decimal, String), String> {
    let no_time = |seen: &str| format!("{of} is {seen}, which is no time");
    let at = match answer.find(of) {
        Found::Number(number, written) => since_1970(&number).ok_or_else(|| no_time(&short(&written)))?,
        Found::Text(text) => text.trim().parse().map_err(|_| no_time(&format!("{:?}", short(&text))))?,
        Found::Raw(body) if !answer.cut => {
            let text = String::from_utf8_lossy(body.trim()).into_owned();
            let number = || since_1970(&Decimal::parse(&text)?);
            let at = text.parse().ok().or_else(number);
            at.ok_or_else(|| no_time(&format!("{:?}", short(&text))))?
        }
        Found::Raw(_) => return Err("the body is longer than 1 MiB".to_owned()),
        Found::Bool(is) => return Err(no_time(&is.to_string())),
        Found::Nothing(why) => return Err(why),
    };
    let age = now.duration_since(at);
    if age < -AHEAD {
        let ahead = incident::duration(age.abs());
        return Err(format!(
            "{of} lies {ahead} in the future: the clock there or that of this machine is wrong"
        ));
    }
    let age = age.max(SignedDuration::ZERO);
    let seconds = Decimal::parse(&age.as_millis().to_string()).map(|ms| ms.scaled(-3));
    seconds.map(|seconds| (seconds, incident::duration(age))).ok_or_else(|| no_time("too long ago"))
}

/// A time in seconds or milliseconds since 1970. Zero and the like stand for “never”.
fn since_1970(number: &Decimal) -> Option<Timestamp> {
    /// Seconds in three years, and milliseconds in as many; so no number could be either.
    const FIRST: f64 = 1e8;
    const MILLISECONDS: f64 = 1e11;
    const LAST: f64 = 1e14;
    let number = number.to_f64()?;
    let ms = if (FIRST..MILLISECONDS).contains(&number) {
        number * 1000.0
    } else if (MILLISECONDS..LAST).contains(&number) {
        number
    } else {
        return None;
    };
    Timestamp::from_millisecond(ms.round() as i64).ok()
}

fn short(text: &str) -> String {
    // Secrets are taken out before it is shortened for a reader.
    text.chars().take(4_000).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::parse::condition;
    use super::*;
    use crate::config::types::SourceKind;
    use crate::text::mask::Masker;

    const INTERVAL: Duration = Duration::from_secs(10);

    fn moment(second: f64) -> Moment {
        Moment {
            at: Timestamp::from_millisecond(1_700_000_000_000 + (second * 1000.0) as i64).unwrap(),
            steady: Duration::from_secs_f64(second + 1000.0),
        }
    }

    fn body(text: &str) -> Answer {
        Answer { status: Some(200), body: text.into(), ..Answer::default() }
    }

    fn subject(text: &str) -> Subject {
        super::super::parse::value(text, SourceKind::Http).unwrap()
    }

    /// What one of these is after each of the samples.
    fn follow(of: &str, samples: &[(f64, &str)]) -> Vec<String> {
        let (subject, mut memory) = (subject(of), Memory::default());
        let each = samples.iter().map(|(second, text)| {
            let subjects = [subject.clone()];
            let mut found = changes(&subjects, &body(text), moment(*second), INTERVAL, &mut memory);
            match found.pop() {
                Some((_, Found::Number(_, written))) => written,
                Some((_, Found::Nothing(why))) => why,
                other => panic!("{other:?}"),
            }
        });
        each.collect()
    }

    #[test]
    fn a_rate_is_per_second_and_a_counter_that_dropped_was_started_anew() {
        let samples =
            [(0.0, r#"{"n":100}"#), (10.0, r#"{"n":150}"#), (20.0, r#"{"n":30}"#), (30.0, r#"{"n":30}"#)];
        let seen = follow("rate(body.n)", &samples);
        assert_eq!(seen, ["body.n was asked for once; this needs two samples", "5", "3", "0"]);
        assert_eq!(follow("delta(body.n)", &samples)[1..], ["50", "-120", "0"]);
    }

    #[test]
    fn large_counters_lose_no_digit() {
        let samples = [(0.0, "9007199254740992"), (10.0, "9007199254740993")];
        assert_eq!(follow("delta(body)", &samples)[1], "1");
        assert_eq!(follow("rate(body)", &samples)[1], "0.1");
    }

    #[test]
    fn what_was_missed_in_between_does_not_break_it() {
        let samples =
            [(0.0, r#"{"n":1}"#), (10.0, r#"{"n":null}"#), (20.0, r#"{"n":"5"}"#), (30.0, r#"{"n":31}"#)];
        let seen = follow("rate(body.n)", &samples);
        assert_eq!(seen[1..], ["body.n is null", "body.n is text, not a number", "1"]);
    }

    #[test]
    fn after_a_long_pause_there_is_no_rate_rather_than_a_wrong_one() {
        let seen = follow("rate(body)", &[(0.0, "1"), (51.0, "52"), (61.0, "62")]);
        assert_eq!(seen[1..], ["body: the sample before is 51s old, too long ago", "1"]);
    }

    #[test]
    fn asked_again_right_away_it_is_compared_with_the_one_before() {
        let seen =
            follow("rate(body)", &[(0.0, "0"), (0.1, "1"), (10.0, "100"), (10.1, "101"), (20.0, "200")]);
        assert_eq!(seen[1..], ["body needs two samples that lie further apart", "10", "10", "10"]);
    }

    #[test]
    fn a_clock_that_was_set_leaves_no_rate() {
        let subjects = [subject("rate(body)")];
        let mut memory = Memory::default();
        let mut ask =
            |moment, text: &str| changes(&subjects, &body(text), moment, INTERVAL, &mut memory).remove(0).1;
        ask(moment(0.0), "1");
        let hour = SignedDuration::from_hours(1);
        let back = Moment { at: moment(10.0).at - hour, ..moment(10.0) };
        assert_eq!(
            ask(back, "2"),
            Found::Nothing("body: the clock of this machine went back since the sample before".to_owned())
        );
        let next = Moment { at: moment(20.0).at - hour, ..moment(20.0) };
        assert!(matches!(ask(next, "3"), Found::Number(_, written) if written == "0.1"));
        assert!(matches!(ask(moment(30.0), "4"), Found::Nothing(why) if why.contains("slept")));
    }

    #[test]
    fn a_negative_number_is_no_counter() {
        let samples = [(0.0, "-5"), (10.0, "5")];
        assert_eq!(follow("rate(body)", &samples)[1], "body is negative, so it is no counter");
        assert_eq!(follow("delta(body)", &samples)[1], "10");
    }

    #[test]
    fn an_age_is_of_a_time_written_as_people_or_programs_do() {
        // The moment is 2023-11-14T22:13:20Z.
        for (text, seen) in [
            (r#"{"at":"2023-11-14T22:08:20Z"}"#, "5m"),
            (r#"{"at":"2023-11-14T23:08:20.000+01:00"}"#, "5m"),
            (r#"{"at":1699999700}"#, "5m"),
            (r#"{"at":1699999700000}"#, "5m"),
            (r#"{"at":"2023-11-14T22:14:20Z"}"#, "0s"),
            (
                r#"{"at":"2023-11-14T22:18:20Z"}"#,
                "body.at lies 5m in the future: the clock there or that of this machine is wrong",
            ),
            (r#"{"at":"2023-11-14T22:08:20"}"#, "body.at is \"2023-11-14T22:08:20\", which is no time"),
            (r#"{"at":"1699999700"}"#, "body.at is \"1699999700\", which is no time"),
            (r#"{"at":0}"#, "body.at is 0, which is no time"),
            (r#"{"at":-1}"#, "body.at is -1, which is no time"),
            (r#"{"at":null}"#, "body.at is null"),
            (r#"{"at":true}"#, "body.at is true, which is no time"),
            ("{}", "body.at is missing"),
        ] {
            assert_eq!(follow("age(body.at)", &[(0.0, text)]), [seen], "{text}");
        }
        assert_eq!(follow("age(body)", &[(0.0, "1699999700\n")]), ["5m"]);
    }

    #[test]
    fn what_was_compared_names_the_change() {
        let subjects = ["rate(body.n)", "age(body.at)"].map(subject);
        let mut memory = Memory::default();
        changes(&subjects, &body(r#"{"n":1,"at":1699999700}"#), moment(0.0), INTERVAL, &mut memory);
        let answer = body(r#"{"n":21,"at":1699999700}"#);
        let found = changes(&subjects, &answer, moment(10.0), INTERVAL, &mut memory);
        let put = |text: &str, seen: Seen<'_>| {
            condition(text, SourceKind::Http).unwrap().test(seen, &Masker::default()).text
        };
        let seen = Seen::new(&answer, &found);
        assert_eq!(put("rate(body.n) > 2", seen), "rate(body.n) 2, expected > 2");
        assert_eq!(put("age(body.at) < 5m", seen), "age(body.at) 5m10s, expected < 5m");
        assert_eq!(
            put("rate(body.n) > 2", (&answer).into()),
            "rate(body.n) needs two samples, expected rate(body.n) > 2"
        );
    }

    proptest! {
        #[test]
        fn a_rate_of_a_counter_is_never_negative(samples in prop::collection::vec((0.0..60.0, 0u64..1000), 2..20)) {
            let mut at = 0.0;
            let samples: Vec<_> = samples.iter().map(|(gap, n)| { at += gap; (at, n.to_string()) }).collect();
            let samples: Vec<_> = samples.iter().map(|(at, n)| (*at, n.as_str())).collect();
            for rate in follow("rate(body)", &samples) {
                prop_assert!(!rate.starts_with('-'), "{}", rate);
            }
        }
    }
}
