//! Which probes nothing has been heard of for too long: what they said last is no news any more. Pure.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::answer::length;
use crate::config::types::Probe;

/// When each probe was heard of last. Times are counted from any beginning, on a clock that is never set
/// and goes on while the machine is suspended.
#[derive(Debug, Clone, Default)]
pub struct Silence(Vec<Heard>);

#[derive(Debug, Clone)]
struct Heard {
    last: Duration,
    interval: Duration,
    patience: Duration,
    is_lost: bool,
}

impl Silence {
    /// Begins to listen: from now on each of these probes has to be heard of.
    pub fn new(probes: &[Probe], now: Duration) -> Self {
        let heard = probes.iter().map(|probe| Heard {
            last: now,
            interval: span(probe.interval),
            patience: patience(probe),
            is_lost: false,
        });
        Self(heard.collect())
    }

    /// Takes in that there is a sample of the probe with this index.
    pub fn hear(&mut self, probe: usize, now: Duration) {
        if let Some(heard) = self.0.get_mut(probe) {
            (heard.last, heard.is_lost) = (now, false);
        }
    }

    /// The probes that have been silent for too long since the last call, each with what to say of it.
    pub fn lost(&mut self, now: Duration) -> Vec<(usize, String)> {
        let lost = self.0.iter_mut().enumerate().filter_map(|(probe, heard)| {
            let quiet = now.saturating_sub(heard.last);
            if heard.is_lost || quiet <= heard.patience {
                return None;
            }
            heard.is_lost = true;
            let (quiet, interval) = (shown(quiet), shown(heard.interval));
            Some((probe, format!("no sample for {quiet}; one is due every {interval}")))
        });
        lost.collect()
    }

    /// How long until the first probe has been silent for too long; `None`: all of them have.
    pub fn due(&self, now: Duration) -> Option<Duration> {
        let waiting = self.0.iter().filter(|heard| !heard.is_lost);
        waiting
            .map(|heard| (heard.last + heard.patience).saturating_sub(now) + Duration::from_millis(1))
            .min()
    }
}

/// Since when, at the earliest from `from` on, there was never more than `patience` between two of these times, in
/// order, the last of which may be `late` before now.
pub fn unbroken(
    times: &[Timestamp],
    patience: Duration,
    (from, now): (Timestamp, Timestamp),
    late: Duration,
) -> Timestamp {
    let is_gap = |earlier: Timestamp, later: Timestamp, most: Duration| {
        later.duration_since(earlier) > SignedDuration::try_from(most).unwrap_or(SignedDuration::MAX)
    };
    let (mut last, mut most) = (now, patience + late);
    for time in times.iter().rev().copied().filter(|time| *time <= now) {
        if is_gap(time, last, most) {
            break;
        }
        (last, most) = (time, patience);
    }
    if is_gap(from, last, patience) { last } else { from }
}

/// After this long without a sample a probe counts as silent. Samples come every interval at
/// the latest after an answer, so this is time for three.
pub fn patience(probe: &Probe) -> Duration {
    span(probe.interval) * 2 + span(probe.timeout) * 2 + Duration::from_secs(5)
}

/// A configured length of time on a clock that is never set.
pub(super) fn span(length: SignedDuration) -> Duration {
    Duration::try_from(length).unwrap_or_default()
}

/// A length of time as people read it.
pub(super) fn shown(time: Duration) -> String {
    if time < Duration::from_secs(1) {
        return length(time);
    }
    crate::incident::duration(SignedDuration::try_from(time).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::super::testing::command_probe;
    use super::*;

    const fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn what_nobody_looked_at_is_a_gap() {
        let at = |second: i64| Timestamp::from_second(1_700_000_000 + second).unwrap();
        let since = |seconds: &[i64], from| {
            let times: Vec<_> = seconds.iter().map(|second| at(*second)).collect();
            unbroken(&times, s(30), (at(from), at(100)), s(0)).as_second() - 1_700_000_000
        };
        assert_eq!(since(&[0, 20, 40, 60, 80], 10), 10);
        assert_eq!(since(&[0, 20, 60, 80], 10), 60);
        // The first time is not far from where it begins.
        assert_eq!(since(&[40, 60, 80], 20), 20);
        assert_eq!(since(&[0, 20], 10), 100);
        assert_eq!(since(&[], 10), 100);
        assert_eq!(unbroken(&[at(0), at(25)], s(30), (at(10), at(100)), s(60)), at(10));
    }

    #[test]
    fn a_probe_is_lost_once_and_heard_again() {
        let probe = |interval| Probe {
            interval: SignedDuration::from_secs(interval),
            timeout: SignedDuration::from_secs(5),
            ..command_probe(&["true"])
        };
        let mut silence = Silence::new(&[probe(10), probe(60)], s(0));
        silence.hear(0, s(10));
        assert_eq!(silence.due(s(10)), Some(s(35) + Duration::from_millis(1)));
        assert_eq!(silence.lost(s(45)), []);
        let lost = silence.lost(s(46));
        assert_eq!(lost, [(0, "no sample for 36s; one is due every 10s".to_owned())]);
        // The other one has longer, and what is lost is said once.
        assert_eq!(
            (silence.lost(s(60)), silence.due(s(60))),
            (Vec::new(), Some(s(75) + Duration::from_millis(1)))
        );
        silence.hear(0, s(70));
        assert_eq!(silence.lost(s(136)).iter().map(|(probe, _)| *probe).collect::<Vec<_>>(), [0, 1]);
        assert_eq!(silence.due(s(136)), None);
    }
}
