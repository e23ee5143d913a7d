//! What a watch that is over says of what it saw, and how sure that is.

use std::collections::VecDeque;
use std::time::Duration;

use jiff::SignedDuration;

use super::super::compare::{self, Point};
use super::super::judge::{self, Verdict as Change};
use super::super::series::{Sample, State, Status, Verdict};
use super::{Vigil, shown, span};
use crate::config::types::{self, Probe};
use crate::text::visible;

/// Least share of the time that has to have been seen, in percent.
const COVERAGE: f64 = 95.0;
/// Most samples kept of each probe to be compared; of a longer watch the last ones.
const KEPT: usize = 3600;
/// Most values that are told.
const TOLD: usize = 2;
/// Least share of what users did before the incident that they have to do again, in percent. Half: over the
/// hours of an incident the time of day alone may take a third.
const TRAFFIC: f64 = 50.0;
/// Fewest samples that a usual value is told from.
const FEWEST: usize = 10;

/// What is known of a probe from before a watch, in order.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Past {
    /// The time before the incident: what is usual.
    pub before: Vec<Point>,
    /// The time of the incident before the watch: what it was.
    pub during: Vec<Point>,
    /// Whether it failed by what is on record, and has not recovered since.
    pub firing: bool,
}

/// What was seen of a probe since things were to have settled.
#[derive(Debug, Clone, Default)]
pub(super) struct Seen {
    pub(super) samples: u32,
    /// Samples without data in a row.
    pub(super) silent: u32,
    /// When the last one came.
    pub(super) last: Option<Duration>,
    /// Samples that were bad, or that nobody answered.
    failed: u32,
    /// When the last one with data came, and the time for which there was one that was fresh.
    fresh: (Option<Duration>, Duration),
    points: VecDeque<Point>,
}

impl Seen {
    /// Takes a sample; `since` is when looking began.
    pub(super) fn take(&mut self, probe: &Probe, now: Duration, since: Duration, sample: &Sample) {
        let has_data = sample.verdict != Verdict::NoData;
        self.samples = self.samples.saturating_add(1);
        self.silent = if has_data { 0 } else { self.silent.saturating_add(1) };
        self.last = Some(now);
        self.failed += u32::from(matches!(sample.verdict, Verdict::Bad | Verdict::NoAnswer));
        if has_data {
            // A sample speaks for the time up to it; one that was missed is no gap.
            let gap = now.saturating_sub(self.fresh.0.unwrap_or(since));
            let took = Duration::try_from_secs_f64(sample.latency_ms.unwrap_or(0.0) / 1000.0);
            let most = patience(probe) + took.unwrap_or_default().min(span(probe.timeout));
            self.fresh = (Some(now), self.fresh.1 + gap.min(most));
        }
        if self.points.len() == KEPT {
            self.points.pop_front();
        }
        self.points.push_back((sample.at, sample.value.filter(|value| value.is_finite())));
    }
}

impl Vigil {
    /// Takes up what is known from before, of each probe in their order: what was seen is compared with it
    /// in the end.
    pub fn compare_with(&mut self, past: Vec<Past>) {
        self.past = past;
        self.fire();
    }

    /// What was failing has to get past its recovery threshold, not only below its limit.
    pub(super) fn fire(&mut self) {
        for (probe, _) in self.past.iter().enumerate().filter(|(_, past)| past.firing) {
            self.tracker.fire(probe);
        }
    }

    /// The share of the time for which every probe had a fresh sample with data, in percent; that of the
    /// probe that had least.
    fn coverage(&self, now: Duration) -> (f64, &str) {
        let whole = now.saturating_sub(self.settle).as_secs_f64();
        let shares = self.probes.iter().zip(&self.seen).map(|(probe, seen)| {
            // The last one speaks for the time after it as well.
            let rest = now.saturating_sub(seen.fresh.0.unwrap_or(now)).min(patience(probe));
            let share = if whole > 0.0 { (seen.fresh.1 + rest).as_secs_f64() / whole } else { 1.0 };
            (100.0 * share.min(1.0), probe.name.as_str())
        });
        shares.min_by(|a, b| a.0.total_cmp(&b.0)).unwrap_or((100.0, ""))
    }

    /// Why too little was seen; `None`: enough.
    pub(super) fn unseen(&self, now: Duration) -> Option<String> {
        let (coverage, name) = self.coverage(now);
        (coverage < COVERAGE)
            .then(|| format!("{} was seen for {coverage:.0} % of the time only", visible(name)))
    }

    /// What users do in the second half of the watch beside what they did before the incident, in percent, of
    /// each probe whose number counts that; the least of them, and its name.
    fn traffic(&self) -> Option<(f64, &str)> {
        let shares =
            self.probes.iter().zip(&self.seen).zip(&self.past).filter_map(|((probe, seen), past)| {
                let before =
                    Some(&past.before).filter(|before| counts_users(probe) && before.len() >= FEWEST)?;
                let (usual, _) =
                    judge::middle_of(before.iter().copied()).filter(|(usual, _)| *usual > 0.0)?;
                let late = seen.points.iter().skip(seen.points.len() / 2).copied();
                let (now, _) = judge::middle_of(late)?;
                Some((100.0 * (now / usual).max(0.0), probe.name.as_str()))
            });
        shares.min_by(|a, b| a.0.total_cmp(&b.0))
    }

    /// Why it cannot be told that all is well: those whom it is for have not come back. `None`: they have, or
    /// nothing counts them.
    pub(super) fn deserted(&self) -> Option<String> {
        let (share, name) = self.traffic().filter(|(share, _)| *share < TRAFFIC)?;
        let name = visible(name);
        Some(format!("{name} is at {share:.0} % of its level before the incident: too few users to tell"))
    }

    /// The probe that is worse than before the incident, although it keeps to its limits; all of them are
    /// judged together.
    pub(super) fn regressed(&self) -> Option<String> {
        let pairs: Vec<_> = self
            .past
            .iter()
            .zip(&self.seen)
            .zip(self.probes.iter().zip(self.tracker.statuses()))
            // What users do follows the time of day, and has a measure of its own.
            .filter(|(_, (probe, _))| !counts_users(probe))
            .filter_map(|((past, seen), (_, status))| {
                let after: Vec<Point> = seen.points.iter().copied().collect();
                Some((status, compare::case(status, &past.before, &after)?))
            })
            .collect();
        let cases: Vec<_> = pairs.iter().map(|(_, case)| case.clone()).collect();
        let mut judged = pairs.iter().zip(judge::family(&cases));
        judged.find(|(_, judged)| judged.verdict == Change::Worse).map(|((status, _), judged)| {
            format!("{} is worse than before the incident: {}", visible(&status.name), judged.why)
        })
    }

    /// `3 of 3 signals clear for 30m · p95 latency 212 ms (was 1.9k, usually 205 ± 18) · 0 of 180 samples
    /// failed (< 1.7 %) · traffic 96 % · coverage 99 %`.
    pub(super) fn summary(&self, now: Duration) -> String {
        let count = self.probes.len();
        let s = if count == 1 { "" } else { "s" };
        let mut parts = vec![format!("{count} of {count} signal{s} clear for {}", shown(self.time))];
        let statuses = || self.tracker.statuses().iter().enumerate();
        let numbers = statuses().filter(|(_, status)| status.threshold.is_some());
        parts.extend(numbers.filter_map(|(index, status)| self.value(index, status)).take(TOLD));
        let (failed, samples) = self.seen.iter().fold((0_u64, 0_u64), |(failed, samples), seen| {
            (failed + u64::from(seen.failed), samples + u64::from(seen.samples))
        });
        parts.push(format!("{failed} of {samples} samples failed{}", bound(failed, samples)));
        parts.extend(self.versions.summary());
        parts.extend(self.traffic().map(|(share, _)| format!("traffic {share:.0} %")));
        parts.push(format!("coverage {:.0} %", self.coverage(now).0.floor()));
        let warned: Vec<_> = statuses()
            .filter(|(_, status)| status.state == State::Warn)
            .map(|(_, status)| visible(&status.name).into_owned())
            .collect();
        let told = parts.join(" · ");
        match warned.as_slice() {
            [] => told,
            [one] => format!("{told}; {one} is over its warning limit"),
            more => format!("{told}; {} are over their warning limits", more.join(", ")),
        }
    }

    /// `p95 latency 212 ms (was 1.9k, usually 205 ± 18)`.
    fn value(&self, index: usize, status: &Status) -> Option<String> {
        let now = judge::middle_of(self.seen.get(index)?.points.iter().copied())?.0;
        let unit = if status.unit.is_empty() { String::new() } else { format!(" {}", status.unit) };
        let told = format!("{} {}{unit}", visible(&status.name), judge::number(now));
        let past = self.past.get(index);
        let was = past.and_then(|past| judge::middle_of(past.during.iter().copied()));
        let usual = past.filter(|past| past.before.len() >= FEWEST);
        let usual = usual.and_then(|past| judge::middle_of(past.before.iter().copied()));
        let mut beside = Vec::new();
        beside.extend(was.map(|(was, _)| format!("was {}", judge::number(was))));
        beside
            .extend(usual.map(|(usual, deviation)| {
                format!("usually {} ± {}", judge::number(usual), rough(deviation))
            }));
        Some(if beside.is_empty() { told } else { format!("{told} ({})", beside.join(", ")) })
    }
}

/// Whether a probe counts what users do: not how long it took to say so.
fn counts_users(probe: &Probe) -> bool {
    let is_number = probe
        .value
        .as_ref()
        .map_or_else(|| probe.source.query().is_some(), |value| value.trim() != "latency");
    is_number && probe.covers.contains(&types::Point::Activity)
}

/// How long a sample speaks for the time around it: three intervals, and a second for whatever holds up this
/// machine.
fn patience(probe: &Probe) -> Duration {
    span(probe.interval) * 3 + Duration::from_secs(1)
}

/// What so many failures say of how many there are: their share, and of none the bound that 95 of 100 such
/// watches keep to. Hanley and Lippman-Hand, If nothing goes wrong, is everything all right?, 1983.
fn bound(failed: u64, samples: u64) -> String {
    let percent = |share: f64| {
        let share = 100.0 * share;
        format!("{share:.*} %", usize::from(share < 9.95))
    };
    match (failed, samples) {
        (_, 0..4) => String::new(),
        (0, _) => format!(" (< {})", percent(3.0 / samples as f64)),
        _ => format!(" ({})", percent(failed as f64 / samples as f64)),
    }
}

/// The times before a watch that are worth knowing: before the incident, and of the incident up to now.
pub fn past_windows(started_at: jiff::Timestamp, now: jiff::Timestamp) -> (compare::Window, compare::Window) {
    const HOUR: SignedDuration = SignedDuration::from_hours(1);
    let before = started_at.checked_sub(HOUR).unwrap_or(jiff::Timestamp::MIN);
    ((before, started_at), (started_at, now))
}

/// A number to two digits: how much something scatters is known no better.
fn rough(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return judge::number(value);
    }
    let unit = 10_f64.powf(value.abs().log10().floor() - 1.0);
    judge::number((value / unit).round() * unit)
}

#[cfg(test)]
mod rounding {
    use super::rough;

    #[test]
    fn what_scatters_is_said_to_two_digits() {
        let said = [2.558, 18.3, 0.041_23, 251.0, 0.0].map(rough);
        assert_eq!(said, ["2.6", "18", "0.041", "250", "0"]);
    }
}
