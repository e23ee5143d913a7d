//! What a watch that is over says of what it saw, and how sure that is.

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::super::compare::{self, Point};
use super::super::judge::{self, Verdict as Change};
use super::super::series::{Sample, State, Status, Verdict};
use super::failures::Failures;
use super::{Vigil, shown, span};
use crate::config::types::{self, Probe};
use crate::incident::BESIDE;
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
/// What is said of numbers that got worse.
const WORSE: &str = "worse than before the incident";

/// What is known of a probe from before a watch, in order.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Past {
    /// The time before the incident: what is usual.
    pub before: Vec<Point>,
    /// The time of the incident before the watch: what it was.
    pub during: Vec<Point>,
    /// Which samples of the time before the incident failed; `None`: nobody knows.
    pub faults: Option<Vec<Timestamp>>,
    /// Whether it failed by what is on record, and has not recovered since.
    pub firing: bool,
    /// Whether it failed, or nobody answered, at any time of the incident.
    pub fired: bool,
}

impl Past {
    /// Whether enough is known of the time before the incident to compare with it.
    fn is_known(&self) -> bool {
        self.before.len() >= FEWEST
    }
}

/// What was seen of a probe since things were to have settled.
#[derive(Debug, Clone, Default)]
pub(super) struct Seen {
    /// Samples, and those of them that say something.
    pub(super) samples: u32,
    pub(super) told: u32,
    /// Samples without data in a row.
    pub(super) silent: u32,
    /// When the last one came.
    pub(super) last: Option<Duration>,
    /// Samples that were bad, or that nobody answered.
    failed: u32,
    /// For how long there was a sample with data that was fresh.
    fresh: Duration,
    points: VecDeque<Point>,
}

impl Seen {
    /// Takes a sample; `since` is when looking began.
    pub(super) fn take(&mut self, probe: &Probe, now: Duration, since: Duration, sample: &Sample) {
        let has_data = sample.verdict != Verdict::NoData;
        let has_failed = matches!(sample.verdict, Verdict::Bad | Verdict::NoAnswer);
        // A sample speaks for the time up to it, one without data for none of it; one that is late is no gap.
        let gap = now.saturating_sub(self.last.unwrap_or(since));
        self.samples = self.samples.saturating_add(1);
        self.last = Some(now);
        if self.points.len() == KEPT {
            self.points.pop_front();
        }
        self.points.push_back((sample.at, sample.value.filter(|value| value.is_finite())));
        if !has_data {
            self.silent = self.silent.saturating_add(1);
            return;
        }
        self.silent = 0;
        self.told = self.told.saturating_add(1);
        self.failed += u32::from(has_failed);
        self.fresh += gap.min(due(probe, sample.latency_ms));
    }

    /// Samples that said nothing.
    fn missing(&self) -> u32 {
        self.samples - self.told
    }

    fn failures(&self) -> Failures {
        Failures { failed: u64::from(self.failed), of: u64::from(self.told) }
    }
}

impl Vigil {
    /// Takes up what a source knew of the time before the incident, and of the incident before the watch, where
    /// nobody here saw it.
    pub fn recall(&mut self, probe: &str, before: Vec<Point>, during: Vec<Point>) {
        let place = self.probes.iter().position(|known| known.name == probe);
        let Some(past) = place.and_then(|place| self.past.get_mut(place)) else { return };
        if !past.is_known() && before.len() > past.before.len() {
            past.before = before;
            // Which of its numbers were bad the limit says, where there is one.
            let has_limit = place
                .and_then(|place| self.tracker.statuses().get(place))
                .is_some_and(|status| status.threshold.is_some());
            past.faults = has_limit.then(Vec::new);
        }
        if past.during.is_empty() {
            past.during = during;
        }
    }

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
            // The last one speaks for the time after it as well, until the next one is due.
            let speaks = seen.silent == 0 && seen.told > 0;
            let rest = now.saturating_sub(seen.last.filter(|_| speaks).unwrap_or(now)).min(due(probe, None));
            let share = if whole > 0.0 { (seen.fresh + rest).as_secs_f64() / whole } else { 1.0 };
            (100.0 * share.min(1.0), probe.name.as_str())
        });
        shares.min_by(|a, b| a.0.total_cmp(&b.0)).unwrap_or((100.0, ""))
    }

    /// Why too little was seen; `None`: enough. Of what failed in this incident nothing may be missing.
    pub(super) fn unseen(&self, now: Duration) -> Option<String> {
        let (coverage, name) = self.coverage(now);
        if coverage < COVERAGE {
            return Some(format!("{} had data for only {coverage:.0} % of the time", visible(name)));
        }
        let mut own = self.probes.iter().zip(&self.seen).zip(&self.past).filter(|(_, past)| past.fired);
        let ((probe, seen), _) = own.find(|((_, seen), _)| seen.missing() > 0)?;
        let (name, missing, all) = (visible(&probe.name), seen.missing(), seen.samples);
        Some(format!("{name} failed in this incident, and {missing} of its {all} checks had no data"))
    }

    /// Why so many failures may be too many, where that they are more than usual is not certain; `None`: they are not.
    pub(super) fn unexplained(&self) -> Option<String> {
        let mut seen = self.probes.iter().zip(&self.seen).enumerate();
        seen.find_map(|(index, (probe, seen))| {
            let (now, before) = (seen.failures(), self.failures_before(index));
            if !now.are_many(before) {
                return None;
            }
            let (name, Failures { failed, of }) = (visible(&probe.name), now);
            Some(match before {
                None => format!("{name} failed {failed} of {of} checks, and how many are usual is not known"),
                Some(before) => {
                    let (few, all) = (before.failed, before.of);
                    format!("{name} failed {failed} of {of} checks, before the incident {few} of {all}: too few to tell")
                }
            })
        })
    }

    /// How many samples of a probe failed before the incident; `None`: nobody knows.
    fn failures_before(&self, probe: usize) -> Option<Failures> {
        let past = self.past.get(probe).filter(|past| past.is_known())?;
        let faults: BTreeSet<Timestamp> = past.faults.as_ref()?.iter().copied().collect();
        let status = self.tracker.statuses().get(probe)?;
        // What a source knew of the time before has no verdict, but there is a limit.
        let is_beyond = |value: Option<f64>| value.is_some_and(|value| status.is_beyond(value));
        let has_failed = |(at, value): &Point| faults.contains(at) || is_beyond(*value);
        let told = past.before.iter().filter(|point| point.1.is_some() || has_failed(point));
        let (of, failed) =
            told.fold((0, 0), |(of, failed), point| (of + 1, failed + u64::from(has_failed(point))));
        Some(Failures { failed, of })
    }

    /// What users do in the second half of the watch beside what they did before the incident, in percent, of
    /// each probe whose number counts that; the least of them, and its name.
    fn traffic(&self) -> Option<(f64, &str)> {
        let shares =
            self.probes.iter().zip(&self.seen).zip(&self.past).filter_map(|((probe, seen), past)| {
                let past = Some(past).filter(|past| counts_users(probe) && past.is_known())?;
                let (usual, _) =
                    judge::middle_of(past.before.iter().copied()).filter(|(usual, _)| *usual > 0.0)?;
                let late = seen.points.iter().skip(seen.points.len() / 2).copied();
                let (now, _) = judge::middle_of(late)?;
                Some((100.0 * (now / usual).max(0.0), probe.name.as_str()))
            });
        shares.min_by(|a, b| a.0.total_cmp(&b.0))
    }

    /// Why it cannot be told that all is well: those whom it is for have not come back, or nobody knows how many
    /// they were. `None`: they have, or nothing counts them.
    pub(super) fn deserted(&self) -> Option<String> {
        if let Some((share, name)) = self.traffic().filter(|(share, _)| *share < TRAFFIC) {
            let name = visible(name);
            return Some(format!(
                "{name} is at {share:.0} % of its level before the incident: too few users are back to tell"
            ));
        }
        let is_known = |index: usize| self.past.get(index).is_some_and(Past::is_known);
        let mut counting = self.probes.iter().enumerate().filter(|(_, probe)| counts_users(probe));
        let (_, probe) = counting.find(|(index, _)| !is_known(*index))?;
        let name = visible(&probe.name);
        Some(format!("{name} counts users, and its level before the incident is not known"))
    }

    /// The probe that is worse than before the incident, although it keeps to its limits, or whose samples fail more
    /// often; all of them are judged together.
    pub(super) fn regressed(&self) -> Option<String> {
        // What users do follows the time of day, and has a measure of its own.
        let judged = self.probes.iter().enumerate().filter(|(_, probe)| !counts_users(probe));
        let pairs: Vec<_> = judged
            .filter_map(|(index, _)| {
                let (past, seen) = (self.past.get(index)?, self.seen.get(index)?);
                let after: Vec<Point> = seen.points.iter().copied().collect();
                let case = compare::case(self.tracker.statuses().get(index)?, &past.before, &after)?;
                Some((index, case))
            })
            .collect();
        let cases: Vec<_> = pairs.iter().map(|(_, case)| case.clone()).collect();
        let failed = self.seen.iter().map(Seen::failures).enumerate().filter(|(_, now)| now.failed > 0);
        let grown: Vec<_> =
            failed.filter_map(|(probe, now)| Some((probe, (now, self.failures_before(probe)?)))).collect();
        let chances: Vec<f64> = grown.iter().map(|(_, (now, before))| now.chance(*before)).collect();
        let (judged, chances) = judge::family_with(&cases, &chances);
        let worse = pairs.iter().zip(judged).find(|(_, judged)| judged.verdict == Change::Worse);
        let worse = worse.and_then(|((index, _), judged)| {
            Some(format!("{WORSE}: {}{BESIDE}{}", self.level(*index)?.words(), judged.why))
        });
        worse.or_else(|| {
            let mut more = grown.iter().zip(chances);
            let ((probe, (now, before)), _) =
                more.find(|((_, (now, before)), chance)| now.are_worse(*before, *chance))?;
            Some(format!(
                "{WORSE}: {} failed {} of {} checks, before {} of {}",
                visible(&self.probes.get(*probe)?.name),
                now.failed,
                now.of,
                before.failed,
                before.of
            ))
        })
    }

    /// What a watch should know and does not.
    fn not_known(&self) -> Vec<&'static str> {
        let mut not_known = Vec::new();
        not_known.extend(self.versions.is_unseen().then_some("version"));
        not_known.extend(self.traffic().is_none().then_some("traffic"));
        let known = self.past.iter().filter(|past| past.is_known()).count();
        not_known.extend(match known {
            0 => Some("baseline"),
            some if some < self.probes.len() => Some("baseline of some probes"),
            _ => None,
        });
        not_known
    }

    /// The finding, as people say it, then the figures behind it: `healthy for 30m: p95 212 ms, as usual · p95
    /// 212 ms (was 1905, usually 205 ± 18) · 0 of 180 samples failed (< 1.7 %) · traffic 96 % · coverage 99 % ·
    /// not known: version`.
    pub(super) fn summary(&self, now: Duration) -> String {
        let statuses = || self.tracker.statuses().iter().enumerate();
        let numbers = || statuses().filter(|(_, status)| status.threshold.is_some());
        let mut parts = vec![self.finding(numbers().filter_map(|(index, _)| self.level(index)).take(TOLD))];
        parts.extend(numbers().filter_map(|(index, status)| self.value(index, status)).take(TOLD));
        let (failed, samples) = self.seen.iter().fold((0_u64, 0_u64), |(failed, samples), seen| {
            (failed + u64::from(seen.failed), samples + u64::from(seen.told))
        });
        let usual = if failed > 0 { self.usually_failed() } else { None };
        parts.push(format!("{failed} of {samples} samples failed{}", bound(failed, samples, usual)));
        parts.extend(self.versions.summary());
        parts.extend(self.traffic().map(|(share, _)| format!("traffic {share:.0} %")));
        parts.push(format!("coverage {:.0} %", self.coverage(now).0.floor()));
        let not_known = self.not_known();
        if !not_known.is_empty() {
            parts.push(format!("not known: {}", not_known.join(", ")));
        }
        parts.join(BESIDE)
    }

    /// `healthy for 30m: error rate 0.4 % and p95 212 ms, as usual`.
    fn finding<'a>(&self, levels: impl Iterator<Item = Level<'a>>) -> String {
        let (usual, others): (Vec<_>, Vec<_>) = levels.partition(Level::is_as_usual);
        let usual: Vec<String> = usual.iter().map(Level::now).collect();
        let usual = (!usual.is_empty()).then(|| format!("{}, as usual", usual.join(" and ")));
        let said: Vec<String> = usual.into_iter().chain(others.iter().map(Level::words)).collect();
        let colon = if said.is_empty() { "" } else { ": " };
        let told = format!("healthy for {}{colon}{}", shown(self.time), said.join("; "));
        let statuses = self.tracker.statuses().iter().filter(|status| status.state == State::Warn);
        let warned: Vec<_> = statuses.map(|status| visible(&status.name).into_owned()).collect();
        match warned.as_slice() {
            [] => told,
            [one] => format!("{told}; {one} is over its warning limit"),
            more => format!("{told}; {} are over their warning limits", more.join(", ")),
        }
    }

    /// Where the number of a probe is beside where it usually is.
    fn level(&self, index: usize) -> Option<Level<'_>> {
        let status = self.tracker.statuses().get(index)?;
        let now = judge::middle_of(self.seen.get(index)?.points.iter().copied())?.0;
        let past = self.past.get(index).filter(|past| past.is_known());
        let usual = past.and_then(|past| judge::middle_of(past.before.iter().copied()));
        Some(Level { name: &status.name, unit: &status.unit, now, usual })
    }

    /// The share of samples that failed before the incident; `None`: it is not known of every probe.
    fn usually_failed(&self) -> Option<f64> {
        let each = (0..self.probes.len()).map(|probe| self.failures_before(probe));
        let each: Vec<Failures> = each.collect::<Option<_>>()?;
        let sum = |of: fn(&Failures) -> u64| each.iter().map(of).sum::<u64>();
        Some(Failures { failed: sum(|before| before.failed), of: sum(|before| before.of) }.share())
    }

    /// `p95 latency 212 ms (was 1.9k, usually 205 ± 18)`.
    fn value(&self, index: usize, status: &Status) -> Option<String> {
        let now = judge::middle_of(self.seen.get(index)?.points.iter().copied())?.0;
        let unit = if status.unit.is_empty() { String::new() } else { format!(" {}", status.unit) };
        let told = format!("{} {}{unit}", visible(&status.name), judge::number(now));
        let past = self.past.get(index);
        let was = past.and_then(|past| judge::middle_of(past.during.iter().copied()));
        let usual = past.filter(|past| past.is_known());
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

/// Where a number is, and where it usually is and how much it scatters there.
struct Level<'a> {
    name: &'a str,
    unit: &'a str,
    now: f64,
    usual: Option<(f64, f64)>,
}

impl Level<'_> {
    /// Whether nobody would call it a change.
    fn is_as_usual(&self) -> bool {
        self.usual.is_some_and(|(usual, deviation)| {
            let by = (self.now - usual).abs();
            by <= (judge::DEVIATIONS * deviation).max(judge::SHARE * usual.abs())
        })
    }

    /// `p95 1.5 s`.
    fn now(&self) -> String {
        format!("{} {}", visible(self.name), self.told(self.now))
    }

    /// `p95 1.5 s, usually 0.3 s`.
    fn words(&self) -> String {
        match self.usual {
            Some((usual, _)) => format!("{}, usually {}", self.now(), self.told(usual)),
            None => self.now(),
        }
    }

    /// A number as people say it: to two digits or to the unit, and in seconds where it is more than one.
    fn told(&self, value: f64) -> String {
        let most = self.now.abs().max(self.usual.map_or(0.0, |(usual, _)| usual.abs()));
        let (value, unit) =
            if self.unit == "ms" && most >= 1000.0 { (value / 1000.0, "s") } else { (value, self.unit) };
        let value = if value.abs() >= 10.0 && value.is_finite() { value.round() } else { digits(value, 2) };
        let space = if unit.is_empty() { "" } else { " " };
        format!("{}{space}{unit}", judge::number(value))
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

/// How long after a sample the next one is due: an interval and as long as the answer may take, and a second for
/// whatever holds up this machine.
fn due(probe: &Probe, latency_ms: Option<f64>) -> Duration {
    let most = span(probe.timeout);
    let took = latency_ms.and_then(|ms| Duration::try_from_secs_f64(ms / 1000.0).ok());
    span(probe.interval) + took.map_or(most, |took| took.min(most)) + Duration::from_secs(1)
}

/// What so many failures say of how many there are: their share, and of none the bound that 95 of 100 such
/// watches keep to. Hanley and Lippman-Hand, If nothing goes wrong, is everything all right?, 1983. Beside it the
/// share that is usual.
fn bound(failed: u64, samples: u64, usual: Option<f64>) -> String {
    let percent = |share: f64| {
        let share = 100.0 * share;
        format!("{share:.*} %", usize::from(share < 9.95))
    };
    match (failed, samples) {
        (_, 0..4) => String::new(),
        (0, _) => format!(" (< {})", percent(3.0 / samples as f64)),
        _ => {
            let usual = usual.map_or_else(String::new, |usual| format!(", usually {}", percent(usual)));
            format!(" ({}{usual})", percent(failed as f64 / samples as f64))
        }
    }
}

/// The times before a watch that are worth knowing: before the incident, and of the incident up to now.
pub fn past_windows(started_at: Timestamp, now: Timestamp) -> (compare::Window, compare::Window) {
    const HOUR: SignedDuration = SignedDuration::from_hours(1);
    let before = started_at.checked_sub(HOUR).unwrap_or(Timestamp::MIN);
    ((before, started_at), (started_at, now))
}

/// A number to two digits: how much something scatters is known no better.
fn rough(value: f64) -> String {
    judge::number(digits(value, 2))
}

/// A number to so many digits.
fn digits(value: f64, count: i32) -> f64 {
    if value == 0.0 || !value.is_finite() {
        return value;
    }
    let unit = 10_f64.powf(value.abs().log10().floor() - f64::from(count - 1));
    (value / unit).round() * unit
}

#[cfg(test)]
mod rounding {
    use super::{Level, rough};

    #[test]
    fn what_scatters_is_said_to_two_digits() {
        let said = [2.558, 18.3, 0.041_23, 251.0, 0.0].map(rough);
        assert_eq!(said, ["2.6", "18", "0.041", "250", "0"]);
    }

    #[test]
    fn a_level_is_said_as_people_say_it() {
        let level = |unit, now, usual| Level { name: "p95", unit, now, usual };
        assert_eq!(level("ms", 1525.0, Some((302.7, 20.0))).words(), "p95 1.5 s, usually 0.3 s");
        assert_eq!(level("ms", 212.4, Some((105.1, 20.0))).words(), "p95 212 ms, usually 105 ms");
        assert_eq!(level("%", 0.4217, None).words(), "p95 0.42 %");
        assert_eq!(level("", 239.0, None).now(), "p95 239");
        assert!(level("%", 0.4, Some((0.41, 0.0))).is_as_usual());
        assert!(!level("%", 0.8, Some((0.41, 0.1))).is_as_usual());
    }
}
