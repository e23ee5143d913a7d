//! Since when a probe has been bad, by the samples that its chart is drawn from. Pure.

use jiff::{SignedDuration, Timestamp};

use super::columns::Mark;
use super::past::COARSE;
use super::series::Status;

/// Finds out since when a probe that is bad has been so without a break: an alarm waits until it is confirmed, and
/// what is known of the past may reach further back. A time in which nobody looked is a break.
pub(super) fn began(status: &Status) -> Option<Timestamp> {
    let since = status.since.filter(|_| status.state.is_bad())?;
    let asked = SignedDuration::try_from_secs_f64(status.interval_s * 3.0).unwrap_or(SignedDuration::MAX);
    let most = asked.max(SignedDuration::from_secs(COARSE));
    let is_fault = |at: Timestamp| status.faults.binary_search_by_key(&at, |(at, _)| *at).is_ok();
    let mut began = since;
    for (at, value) in status.history.iter().rev().skip_while(|(at, _)| *at >= since) {
        let is_bad = value.is_some_and(|value| status.is_beyond(value)) || is_fault(*at);
        if !is_bad || began.duration_since(*at) > most {
            return Some(began);
        }
        began = *at;
    }
    // All that is recent is bad: what came before it may have been, too.
    let stretches: Vec<_> = status.past.between(i64::MIN / 2, began.as_millisecond()).collect();
    for (stretch, length) in stretches.into_iter().rev() {
        let Ok(start) = Timestamp::from_millisecond(stretch.start_ms()) else { break };
        let end = stretch.start_ms() + length;
        // All of a stretch is bad where its best value is, or where there is none and it has a fault.
        let is_bad = match stretch.range() {
            Some((low, high)) => status.is_beyond(low) && status.is_beyond(high),
            None => stretch.mark() > Mark::NoData,
        };
        if !is_bad || SignedDuration::from_millis(began.as_millisecond() - end) > most {
            break;
        }
        began = began.min(start);
    }
    Some(began)
}

#[cfg(test)]
mod tests {
    use super::super::series::{State, Verdict};
    use super::super::stretches::Seen;
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_700_000_000 + second).unwrap()
    }

    fn failing(since: i64, history: impl IntoIterator<Item = (i64, Option<f64>)>) -> Status {
        let mut status = Status {
            state: State::Failing,
            since: Some(at(since)),
            limit: Some("> 5".into()),
            threshold: Some(5.0),
            interval_s: 2.0,
            ..Status::default()
        };
        status.history = history.into_iter().map(|(second, value)| (at(second), value)).collect();
        status
    }

    #[test]
    fn it_began_with_the_first_bad_sample_and_not_when_that_was_confirmed() {
        let seen = [(0, Some(1.0)), (2, Some(9.0)), (4, Some(9.0)), (6, Some(8.0))];
        assert_eq!(began(&failing(4, seen)), Some(at(2)));
        // No data is no trouble, and neither is a time in which nobody looked.
        assert_eq!(began(&failing(4, [(0, Some(9.0)), (2, None), (4, Some(9.0))])), Some(at(4)));
        assert_eq!(began(&failing(900, [(2, Some(9.0)), (900, Some(9.0))])), Some(at(900)));
        let mut good = failing(4, seen);
        good.state = State::Ok;
        assert_eq!(began(&good), None);
    }

    #[test]
    fn an_answer_that_was_wrong_counts_whatever_its_value() {
        let mut status = failing(4, [(0, Some(1.0)), (2, Some(1.0)), (4, None)]);
        status.faults = [(at(2), Verdict::Bad), (at(4), Verdict::NoAnswer)].into();
        assert_eq!(began(&status), Some(at(2)));
    }

    #[test]
    fn what_is_known_of_the_past_reaches_further_back() {
        let mut status = failing(602, [(600, Some(9.0)), (602, Some(9.0))]);
        let seen = |second: i64, value| Seen::sample(at(second), Some(value));
        let good = (0..300).step_by(20).map(|second| seen(second, 1.0));
        let bad = (300..600).step_by(20).map(|second| seen(second, 9.0));
        status.past.fold(good.chain(bad), at(602));
        let began = began(&status).unwrap();
        let off = began.duration_since(at(300)).as_secs().abs();
        assert!(off <= 20, "{began}");
    }
}
