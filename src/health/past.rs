//! What a source can say of the time before anybody asked it: which times are asked for, and several series as
//! one. Pure.
//!
//! A day is asked for in steps of minutes, so that the same time yesterday can be compared with, and the last
//! hour in finer ones. A number is drawn and compared; whether it was good is not decided afterwards.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::config::types::Reduce;

/// Numbers and when they were measured, oldest first.
pub type Numbers = Vec<(Timestamp, f64)>;

/// How far back is asked for in all, a little more than a day.
const FAR: SignedDuration = SignedDuration::from_hours(26);
/// How far back in fine steps.
const NEAR: SignedDuration = SignedDuration::from_hours(1);
/// The step of the far past, in seconds: 300 points.
pub(super) const COARSE: i64 = 300;
/// The shortest step of the near past, in seconds: 240 points.
const FINE: i64 = 15;

/// A stretch of time that is asked for in steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// Its beginning.
    pub from: Timestamp,
    /// Its end.
    pub to: Timestamp,
    /// Seconds between two numbers.
    pub step: i64,
}

/// What is asked for, of a probe that is asked this often. Steps lie on multiples of themselves, as servers
/// keep answers to such.
pub fn spans(now: Timestamp, interval: Duration) -> [Span; 2] {
    let fine = i64::try_from(interval.as_secs()).unwrap_or(i64::MAX).clamp(FINE, COARSE);
    let on = |at: Timestamp, step: i64| {
        Timestamp::from_second(at.as_second() - at.as_second().rem_euclid(step)).unwrap_or(at)
    };
    let near = on(now - NEAR, COARSE);
    let far = on(now - FAR, COARSE);
    [Span { from: far, to: near, step: COARSE }, Span { from: near, to: on(now, fine), step: fine }]
}

/// Several series as one. Without a reducer there has to be one of them; with one, a time counts only where
/// each of them has a number.
pub fn combine(series: &[Vec<(f64, f64)>], reduce: Option<Reduce>) -> Option<Numbers> {
    if series.len() > 1 && reduce.is_none() {
        return None;
    }
    let mut times: BTreeMap<i64, Vec<f64>> = BTreeMap::new();
    for points in series {
        for (seconds, number) in points.iter().filter(|(_, number)| number.is_finite()) {
            times.entry((seconds * 1000.0).round() as i64).or_default().push(*number);
        }
    }
    let numbers = times.into_iter().filter(|(_, numbers)| numbers.len() == series.len());
    let numbers = numbers.filter_map(|(at, numbers)| {
        let one = match reduce {
            None | Some(Reduce::Sum) => numbers.iter().sum(),
            Some(Reduce::Avg) => numbers.iter().sum::<f64>() / numbers.len() as f64,
            Some(Reduce::Max) => numbers.into_iter().fold(f64::NEG_INFINITY, f64::max),
            Some(Reduce::Min) => numbers.into_iter().fold(f64::INFINITY, f64::min),
        };
        Some((Timestamp::from_millisecond(at).ok()?, one))
    });
    Some(numbers.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_asked_for_without_a_seam_and_in_few_steps() {
        let now: Timestamp = "2026-11-29T12:34:56Z".parse().unwrap();
        let [far, near] = spans(now, Duration::from_secs(10));
        assert_eq!(far.from.to_string(), "2026-11-28T10:30:00Z");
        assert_eq!((far.to, far.step, near.from, near.step), (near.from, 300, near.from, 15));
        assert_eq!(near.to.to_string(), "2026-11-29T12:34:45Z");
        for Span { from, to, step } in [far, near] {
            assert!(to.duration_since(from).as_secs() / step <= 320);
        }
        assert_eq!(spans(now, Duration::from_secs(60))[1].step, 60);
        assert_eq!(spans(now, Duration::from_secs(86_400))[1].step, 300);
    }

    #[test]
    fn several_series_are_one_where_each_has_a_number() {
        let (one, other) = (vec![(1.0, 1.0), (2.0, 2.0), (3.0, f64::NAN)], vec![(1.0, 5.0), (3.0, 7.0)]);
        let at = |seconds| Timestamp::from_second(seconds).unwrap();
        assert_eq!(combine(std::slice::from_ref(&one), None).unwrap(), [(at(1), 1.0), (at(2), 2.0)]);
        let both = [one, other];
        assert_eq!(combine(&both, None), None);
        assert_eq!(combine(&both, Some(Reduce::Max)).unwrap(), [(at(1), 5.0)]);
        assert_eq!(combine(&both, Some(Reduce::Avg)).unwrap(), [(at(1), 3.0)]);
        assert_eq!(combine(&[], None).unwrap(), []);
    }
}
