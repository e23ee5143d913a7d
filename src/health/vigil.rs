//! Whether watched probes held over a time: what has to be seen before that may be said. Pure.
//!
//! - Trouble while a change takes effect does not count: at the end of that time everything
//!   seen so far is forgotten, and each probe is judged anew.
//! - From then on one probe that is confirmed failing ends it.
//! - A probe without data ends it too, as *no data*: silence neither passes nor fails.
//! - A probe that is on record as failing fails until its value is past its recovery threshold.
//! - At the end every probe has to be settled on something good that it has confirmed. What is
//!   not gets a while longer, and is no data if it still is not.
//! - What was seen for less than nearly all of the time is no data, and so is a probe that failed in the incident of
//!   which anything is missing. What keeps to its limits and is worse than before the incident fails, and so does
//!   what fails more often than it did then.
//! - Where answers name a release, it has to be the one that was deployed.
//! - Where a probe counts what users do (`covers = ["activity"]`), half of them have to be back: of what nobody uses
//!   nothing is known, and of what nobody knows the level of neither.
//! - What could not be known is said in the end.

mod account;
mod failures;
mod versions;

use std::time::Duration;

use jiff::SignedDuration;

use super::series::{Sample, State};
use super::silence::{patience, shown, span};
use super::tracker::{NO_SUCH_HOST, Tracker, UNREACHABLE};
use crate::config::types::Probe;
use crate::text::visible;

use account::Seen;
pub use account::{Past, past_windows};
use versions::Versions;
pub use versions::{Named, called, spread};

/// What watching amounts to now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Look {
    /// It goes on; how it stands, in one line.
    Going(String),
    /// Everything held: what, and for how long.
    Passed(String),
    /// A probe is confirmed failing: which, and what was seen.
    Failed(String),
    /// There is not enough data to tell: of what.
    NoData(String),
}

/// Watches probes over a time. Times are counted from its beginning, on a clock that is never
/// set.
#[derive(Debug)]
pub struct Vigil {
    time: Duration,
    settle: Duration,
    probes: Vec<Probe>,
    tracker: Tracker,
    seen: Vec<Seen>,
    past: Vec<Past>,
    versions: Versions,
    settled: bool,
}

impl Vigil {
    /// Begins to watch. Where things may take all of the time to settle, it takes longer.
    pub fn new(time: Duration, settle: Duration, probes: Vec<Probe>) -> Self {
        let tracker = Tracker::new(&probes);
        let seen = vec![Seen::default(); probes.len()];
        Self {
            time: time.max(settle),
            settle,
            probes,
            tracker,
            seen,
            past: Vec::new(),
            versions: Versions::default(),
            settled: settle.is_zero(),
        }
    }

    /// Goes on to a time. Returns whether things are to have settled just now, so that every
    /// probe is worth asking at once.
    pub fn reach(&mut self, now: Duration) -> bool {
        if self.settled || now < self.settle {
            return false;
        }
        self.settled = true;
        self.tracker = Tracker::new(&self.probes);
        self.seen.fill(Seen::default());
        self.versions.forget();
        self.fire();
        true
    }

    /// Says what was deployed, and what was there before: answers that name one of them are held against it.
    pub fn expect(&mut self, deployed: Named, before: Vec<Named>) {
        self.versions.expect(deployed, before);
    }

    /// Takes a sample of the probe with this index.
    pub fn observe(&mut self, now: Duration, probe: usize, sample: Sample) {
        let (Some(seen), Some(asked)) = (self.seen.get_mut(probe), self.probes.get(probe)) else { return };
        seen.take(asked, now, self.settle, &sample);
        self.versions.take(probe, &sample.versions);
        self.tracker.observe(probe, sample);
    }

    /// Says how it stands. Call [`Self::reach`] first.
    pub fn look(&self, now: Duration) -> Look {
        if !self.settled {
            // In whole seconds: nobody waits for a part of one.
            let rest = self.settle.saturating_sub(now);
            let rest = shown(Duration::from_secs(rest.as_secs() + u64::from(rest.subsec_nanos() > 0)));
            return Look::Going(format!("settling for {rest} more: {}", self.counts()));
        }
        if let Some(why) = self.failing() {
            return match self.tracker.own_network_down() {
                Some(network) => Look::NoData(network),
                None => Look::Failed(why),
            };
        }
        if let Some(why) = self.silent(now) {
            return Look::NoData(self.tracker.own_network_down().unwrap_or(why));
        }
        if now < self.time {
            return Look::Going(format!("{} of {}; {}", shown(now), shown(self.time), self.counts()));
        }
        match self.unsettled() {
            None => self.outcome(now),
            Some(why) if now < self.time + self.grace() => Look::Going(format!("time is up, but {why}")),
            Some(why) => Look::NoData(format!("time is up, and {why} still")),
        }
    }

    /// What it comes to once every probe is settled on something good.
    fn outcome(&self, now: Duration) -> Look {
        if let Some(why) = self.unseen(now).or_else(|| self.versions.missing()) {
            return Look::NoData(why);
        }
        if let Some(why) = self.regressed() {
            return Look::Failed(why);
        }
        match self.unexplained().or_else(|| self.deserted()) {
            Some(why) => Look::NoData(why),
            None => Look::Passed(self.summary(now)),
        }
    }

    /// The first probe that is confirmed failing, and what was seen.
    fn failing(&self) -> Option<String> {
        let statuses = self.tracker.statuses().iter().zip(&self.seen);
        let mut failing = statuses
            .filter(|(status, _)| matches!(status.state, State::Failing | State::Error | State::Flapping));
        let (status, seen) = failing.next()?;
        let last = status.last.as_ref()?;
        if matches!(last.headline.as_str(), NO_SUCH_HOST | UNREACHABLE) {
            // It may be this machine that is cut off: the others are heard first.
            let heard = |other: &Seen| other.last >= seen.last.map(|at| at.saturating_sub(self.grace()));
            let all_heard =
                self.seen.iter().all(|other| other.samples >= seen.samples.min(2) && heard(other));
            if !all_heard {
                return None;
            }
        }
        let why = if last.why.is_empty() { last.headline.as_str() } else { last.why.as_str() };
        Some(format!("{} is {}: {}", visible(&status.name), status.state.name(), visible(why)))
    }

    /// The first probe without data.
    fn silent(&self, now: Duration) -> Option<String> {
        let since = self.settle;
        self.probes.iter().zip(&self.seen).zip(self.tracker.statuses()).find_map(|((probe, seen), status)| {
            let name = visible(&probe.name);
            if seen.silent >= probe.confirm.max(1) {
                let why = status.last.as_ref().map_or("", |last| last.why.as_str());
                return Some(format!("{name} has no data: {}", visible(why)));
            }
            let quiet = now.saturating_sub(seen.last.unwrap_or(since));
            (quiet > patience(probe)).then(|| format!("{name} has not answered for {}", shown(quiet)))
        })
    }

    /// What stands in the way of passing at the end.
    fn unsettled(&self) -> Option<String> {
        self.probes.iter().zip(&self.seen).zip(self.tracker.statuses()).find_map(|((probe, seen), status)| {
            let good = matches!(status.state, State::Ok | State::Warn);
            let name = visible(&probe.name);
            if !good {
                Some(format!("{name} is {}", status.state.name()))
            } else if seen.told < probe.confirm {
                Some(format!("{name} is not confirmed"))
            } else {
                None
            }
        })
    }

    fn grace(&self) -> Duration {
        grace(&self.probes)
    }

    /// `3 ok, 1 warn`; one that has not answered yet is being asked.
    fn counts(&self) -> String {
        let mut counts: Vec<(&str, usize)> = Vec::new();
        for status in self.tracker.statuses() {
            let word = match status.state {
                _ if status.last.is_none() => "not answered yet",
                State::Pending => "not settled yet",
                state => state.name(),
            };
            match counts.iter_mut().find(|(known, _)| *known == word) {
                Some((_, count)) => *count += 1,
                None => counts.push((word, 1)),
            }
        }
        let counts: Vec<_> = counts.iter().map(|(word, count)| format!("{count} {word}")).collect();
        counts.join(", ")
    }
}

/// The longest a watch takes, however long its end is put off, with some time to spare.
pub fn longest(time: SignedDuration, settle: SignedDuration, probes: &[Probe]) -> SignedDuration {
    let spare = Duration::from_secs(60);
    let grace = SignedDuration::try_from(grace(probes) + spare).unwrap_or(SignedDuration::MAX);
    time.max(settle).saturating_add(grace)
}

/// How long the end is put off for what is not settled.
fn grace(probes: &[Probe]) -> Duration {
    let longest = probes.iter().map(|probe| {
        // A wrong sample in between begins the count again, once.
        let samples = (span(probe.interval) + span(probe.timeout)) * (2 * probe.confirm.max(1) + 2);
        samples + span(probe.lasting.unwrap_or_default())
    });
    longest.max().unwrap_or_default()
}

#[cfg(test)]
mod tests;
