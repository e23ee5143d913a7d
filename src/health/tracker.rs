//! All probes as they stand: what is drawn, and which changes are worth a record. Pure.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::alarm::{Alarm, Edge};
use super::began::began;
use super::network::{self, Network, Reach};
use super::rules::Rules;
use super::series::{Sample, State, Status, Verdict};
use super::silence::{patience, unbroken};
use super::stretches::{self, Past};
use crate::config::types::Probe;

/// Headline of a sample that failed because this machine has no network: `Fault::NoNetwork`.
pub const NO_NETWORK: &str = "no network";
/// Headline of a sample whose host's name is not known: `Fault::NoSuchHost`.
pub const NO_SUCH_HOST: &str = "no such host";
/// Headline of a sample to whose host there is no way: `Fault::Unreachable`.
pub const UNREACHABLE: &str = "unreachable";

/// A time and the value then.
type Point = (Timestamp, Option<f64>);

/// Headline of a probe of which nothing is heard.
pub const SILENT: &str = "silent";

/// The state of every configured probe.
#[derive(Debug, Clone, Default)]
pub struct Tracker {
    /// Shared with whoever draws them: one that changes is copied, the others are not.
    statuses: Vec<Arc<Status>>,
    alarms: Vec<Watched>,
    /// Where each probe is, by its name.
    places: BTreeMap<String, usize>,
    /// Which of them tell whether this machine is online.
    checks: Vec<usize>,
    /// Whether it was offline by the last sample that had to do with that.
    is_offline: bool,
}

#[derive(Debug, Clone)]
struct Watched {
    alarm: Alarm,
    /// The state last handed out for recording.
    recorded: State,
    /// After how long without a sample nobody looked.
    patience: Duration,
    confirm: u32,
    /// The probe whose failure explains this one's, whether it does so now, and for how many samples this
    /// one has waited for that one to be confirmed.
    suppressed_by: Option<usize>,
    is_suppressed: bool,
    held: u32,
}

/// What the probe that explains another one says.
enum Suppression {
    No,
    /// It is not good, and that is not confirmed yet.
    Likely,
    Yes,
}

impl Tracker {
    /// A row for each probe, in the order of the configuration, nothing known yet.
    pub fn new(probes: &[Probe]) -> Self {
        let statuses = probes.iter().map(|probe| Arc::new(blank(probe))).collect();
        let places: BTreeMap<_, _> =
            probes.iter().enumerate().map(|(place, probe)| (probe.name.clone(), place)).collect();
        let alarms = probes.iter().enumerate().map(|(place, probe)| Watched {
            alarm: Alarm::new(probe.confirm).lasting(probe.lasting),
            recorded: State::Unknown,
            patience: patience(probe),
            confirm: probe.confirm.max(1),
            suppressed_by: suppressor(probes, place).and_then(|by| places.get(by)).copied(),
            is_suppressed: false,
            held: 0,
        });
        let checks = probes.iter().enumerate().filter(|(_, probe)| probe.tells_connectivity());
        let checks = checks.map(|(place, _)| place).collect();
        Self { statuses, alarms: alarms.collect(), places, checks, is_offline: false }
    }

    /// Takes this probe for failing until it is past its recovery threshold.
    pub fn fire(&mut self, probe: usize) {
        if let Some(watched) = self.alarms.get_mut(probe) {
            watched.alarm.fire();
        }
    }

    /// Takes in what a sample says of this machine's network. Whether it says nothing of what it asks: this machine
    /// is offline, or what would tell that was not asked since it fell silent.
    fn is_held(&mut self, probe: usize, sample: &Sample) -> bool {
        let tells = self.checks.contains(&probe);
        let is_such = self.statuses.get(probe).is_some_and(|one| one.reach.may_be_ours(sample.verdict));
        // All of them are looked at only where it may matter.
        let may_matter = if self.checks.is_empty() {
            sample.headline == NO_NETWORK || self.is_offline
        } else {
            is_such || tells
        };
        if may_matter {
            self.is_offline = matches!(self.network(), Network::Offline { .. });
        }
        is_such && (self.is_offline || self.unasked(probe).next().is_some())
    }

    /// The probes that tell whether this machine is online, and were not asked since this one fell silent.
    pub fn unasked(&self, probe: usize) -> impl Iterator<Item = usize> {
        let silent = self.statuses.get(probe).map(|status| &status.reach);
        self.checks.iter().copied().filter(move |check| {
            let check = self.statuses.get(*check).map(|status| &status.reach);
            silent.zip(check).is_some_and(|(one, check)| !one.is_checked_by(check))
        })
    }

    /// How the network of this machine is.
    pub fn network(&self) -> Network {
        network::network(&self.statuses.iter().map(Arc::as_ref))
    }

    fn suppression(&self, probe: usize) -> Suppression {
        let by = self.alarms.get(probe).and_then(|watched| watched.suppressed_by);
        let Some((status, watched)) = by.and_then(|by| self.statuses.get(by).zip(self.alarms.get(by))) else {
            return Suppression::No;
        };
        let last = status.last.as_ref().map(|sample| sample.verdict);
        if watched.is_suppressed || watched.alarm.is_down() {
            Suppression::Yes
        } else if matches!(last, Some(Verdict::Bad | Verdict::NoAnswer)) {
            Suppression::Likely
        } else {
            Suppression::No
        }
    }

    /// Takes up a state recorded earlier, so that a restart recovers nothing. A probe that is
    /// not configured any more is passed over.
    pub fn restore(&mut self, name: &str, state: State, since: Timestamp, why: &str) {
        let Some(place) = self.places.get(name) else { return };
        let (Some(status), Some(watched)) = (self.statuses.get_mut(*place), self.alarms.get_mut(*place))
        else {
            return;
        };
        watched.alarm.restore(state, since);
        watched.recorded = state;
        let status = Arc::make_mut(status);
        // Trouble is shown until it is known to be over; that all was well says nothing of now.
        status.state = match watched.alarm.state() {
            State::Ok | State::Warn => State::Unknown,
            trouble => trouble,
        };
        status.since = watched.alarm.since();
        status.turn(since, status.state);
        why.clone_into(&mut status.began_with);
    }

    /// Takes up what was wrong before the state of a probe that was restored, and whether it failed and has not
    /// recovered since.
    pub fn recall(&mut self, name: &str, wrong: Option<State>, firing: bool) {
        let watched = self.places.get(name).and_then(|place| self.alarms.get_mut(*place));
        if let Some(watched) = watched {
            watched.alarm.recall(wrong, firing);
        }
    }

    /// Takes up samples from before, and which of them were bad, oldest first: history to draw, which changes no
    /// state.
    pub fn remember(&mut self, name: &str, samples: &[Point], faults: &[(Timestamp, Verdict)]) {
        let Some(place) = self.places.get(name) else { return };
        let (Some(status), Some(watched)) = (self.statuses.get_mut(*place), self.alarms.get(*place)) else {
            return;
        };
        let status = Arc::make_mut(status);
        // What was seen since counts, where both know a time: the journal knows it to the millisecond.
        let all = samples.iter().chain(&status.history).copied();
        let all: BTreeMap<i64, Point> = all.map(|point| (point.0.as_millisecond(), point)).collect();
        let all: Vec<Point> = all.into_values().collect();
        let Some((newest, _)) = all.last().copied() else { return };
        let recent = status.recent().and_then(|recent| newest.checked_sub(recent).ok());
        let old = recent.map_or(0, |recent| all.partition_point(|(at, _)| *at < recent));
        let old = old.max(all.len().saturating_sub(Status::MAX_HISTORY));
        status.past.fold(stretches::held(&all[..old]), newest);
        status.history = all[old..].iter().copied().collect();
        let said = |at: &Timestamp| {
            let values =
                samples.binary_search_by_key(at, |(at, _)| *at).ok().and_then(|place| samples[place].1);
            values.is_some_and(|value| status.is_beyond(value))
        };
        let faults = faults.iter().filter(|(at, _)| !said(at)).chain(&status.faults);
        let faults: BTreeMap<i64, (Timestamp, Verdict)> =
            faults.map(|fault| (fault.0.as_millisecond(), *fault)).collect();
        status.faults = faults.into_values().collect();
        status.age_faults(newest);
        let times: Vec<Timestamp> = status.history.iter().map(|(at, _)| *at).collect();
        if let Some((first, last)) = times.first().zip(times.last()) {
            let seen = unbroken(&times, watched.patience, (*first, *last), Duration::ZERO);
            // Where none of that is missing, what is known of the time before it still holds.
            let known = status.unbroken_since.filter(|known| seen == *first && known < first);
            status.unbroken_since = Some(known.unwrap_or(seen));
        }
        status.began = began(status);
    }

    /// Every probe, in the order of the configuration.
    pub fn statuses(&self) -> &[Arc<Status>] {
        &self.statuses
    }

    /// Takes a sample of the probe with this index. Returns the change to record as an alarm:
    /// one between settled states. Pending and recovering are shown but not recorded, nor is
    /// that a probe never asked before is good. While the probe fails that explains this one, its own
    /// trouble is no change; after that it is judged anew.
    pub fn observe(&mut self, probe: usize, mut sample: Sample) -> Option<Edge> {
        let suppression = self.suppression(probe);
        let by = self.alarms.get(probe).and_then(|watched| watched.suppressed_by);
        let by_confirm = by.and_then(|by| Some(self.alarms.get(by)?.confirm)).unwrap_or_default();
        let by_name = by.and_then(|by| Some(self.statuses.get(by)?.name.clone())).unwrap_or_default();
        Arc::make_mut(self.statuses.get_mut(probe)?).reach.take(&sample);
        let is_held = self.is_held(probe, &sample);
        let is_offline = self.is_offline;
        if is_offline && (is_held || self.checks.contains(&probe)) {
            sample.why = format!("{}{}", network::OFFLINE, sample.why);
        }
        let (status, watched) = (self.statuses.get_mut(probe)?, self.alarms.get_mut(probe)?);
        let status = Arc::make_mut(status);
        let before = status.since;
        let was_asked = status.last.is_some() || watched.recorded != State::Unknown;
        let verdict = watched.alarm.weigh(sample.verdict, sample.unrecovered.as_deref());
        if verdict != sample.verdict {
            sample.verdict = verdict;
            sample.why = sample.unrecovered.clone().unwrap_or_default();
        }
        let is_good = verdict == Verdict::Good;
        status.reach.hold(is_held);
        let shown = match suppression {
            // Nothing is known of it, or will be known in a moment.
            _ if is_held => {
                watched.is_suppressed |= is_offline;
                let waits = if status.state == State::Ok { State::Pending } else { status.state };
                Some(if is_offline { State::Unknown } else { waits })
            }
            Suppression::Yes if watched.is_suppressed || !is_good => {
                watched.is_suppressed = true;
                let why = if is_good { "good again" } else { sample.why.as_str() };
                sample.why = format!("suppressed by {by_name}: {why}");
                Some(State::Suppressed)
            }
            // The two broke together: whichever is asked first is confirmed first.
            Suppression::Likely if !is_good && !watched.alarm.is_down() && watched.held <= by_confirm => {
                watched.held += 1;
                Some(if status.state == State::Ok { State::Pending } else { status.state })
            }
            _ => None,
        };
        let edge = if let Some(shown) = shown {
            if status.state != shown {
                status.state = shown;
                status.since = Some(sample.at);
                status.began_with.clone_from(&sample.why);
            }
            None
        } else {
            if std::mem::take(&mut watched.is_suppressed) {
                watched.alarm.renew();
            }
            if is_good || matches!(suppression, Suppression::No) {
                watched.held = 0;
            }
            let edge = watched.alarm.observe(sample.at, sample.verdict, &sample.why);
            status.state = watched.alarm.state();
            if edge.is_some() || status.since.is_none() {
                status.began_with.clone_from(&sample.why);
            }
            status.since = watched.alarm.since();
            edge
        };
        let turned = status.since != before;
        let patience = SignedDuration::try_from(watched.patience).unwrap_or(SignedDuration::MAX);
        let before = status.history.back().map(|(at, _)| *at);
        if before.is_none_or(|before| sample.at.duration_since(before) > patience) {
            status.unbroken_since = Some(sample.at);
        }
        status.make_room(sample.at, 1);
        status.history.push_back((sample.at, sample.value));
        status.turn(sample.at, status.state);
        let is_bad = matches!(sample.verdict, Verdict::Bad | Verdict::NoAnswer);
        // What its value says already needs no mark of its own.
        if is_bad && sample.value.is_none_or(|value| !status.is_beyond(value)) {
            if status.faults.len() == Status::MAX_HISTORY {
                status.faults.pop_front();
            }
            status.faults.push_back((sample.at, sample.verdict));
        }
        if !sample.versions.is_empty() {
            if status.versions.len() == Status::MAX_VERSIONS {
                status.versions.pop_front();
            }
            status.versions.push_back(sample.versions.clone());
            status.versions_at = Some(sample.at);
        }
        status.last = Some(sample);
        if turned {
            status.began = began(status);
        }
        let edge = edge.filter(|edge| is_settled(edge.to) && edge.to != watched.recorded)?;
        let from = std::mem::replace(&mut watched.recorded, edge.to);
        (was_asked || edge.to != State::Ok).then_some(Edge { from, ..edge })
    }

    /// Takes in that nothing is heard of the probe with this index, and why that is known. What it said before
    /// is confirmed no longer: it is unknown at once.
    pub fn lose(&mut self, probe: usize, at: Timestamp, why: &str) -> Option<Edge> {
        let confirm = self.alarms.get(probe)?.confirm;
        let (headline, why) = (SILENT.to_owned(), why.to_owned());
        let sample = Sample { at, headline, why, ..Sample::default() };
        let mut edge = None;
        for _ in 0..confirm {
            edge = self.observe(probe, sample.clone()).or(edge);
        }
        edge
    }

    /// Says so when it is this machine's own network that stops the probes, or most likely is: no host can be
    /// found or reached.
    pub fn own_network_down(&self) -> Option<String> {
        match self.network() {
            Network::Doubtful { hosts, reached: false } => {
                Some(format!("none of {hosts} hosts can be found or reached: is it this machine?"))
            }
            network @ Network::Offline { .. } => network.words(),
            Network::Fine | Network::Doubtful { .. } => None,
        }
    }
}

/// The name of the probe that suppresses this one. Where they suppress each other in a circle nobody does: all
/// of them would keep silent for ever.
fn suppressor(probes: &[Probe], place: usize) -> Option<&str> {
    let by = |name: &str| {
        let probe = probes.iter().find(|probe| probe.name == name)?;
        probe.suppressed_by.as_deref()
    };
    let first = probes.get(place)?.suppressed_by.as_deref()?;
    let mut next = Some(first);
    for _ in probes {
        next = next.and_then(by);
    }
    // Whoever is still not at an end after so many steps walks in a circle.
    next.is_none().then_some(first)
}

/// The state that a single sample amounts to.
pub fn state_of(verdict: Verdict) -> State {
    match verdict {
        Verdict::Good => State::Ok,
        Verdict::Warn => State::Warn,
        Verdict::Bad => State::Failing,
        Verdict::NoData => State::Unknown,
        Verdict::NoAnswer => State::Error,
    }
}

/// The host of an address, without user, port and brackets.
pub(super) fn host(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    match host.strip_prefix('[') {
        Some(v6) => v6.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    }
}

fn is_settled(state: State) -> bool {
    !matches!(state, State::Pending | State::Recovering)
}

fn blank(probe: &Probe) -> Status {
    let rules = Rules::of(probe).ok();
    Status {
        name: probe.name.clone(),
        environment: probe.environment.clone(),
        state: State::Unknown,
        since: None,
        began: None,
        began_with: String::new(),
        last: None,
        unit: rules.as_ref().map_or(probe.unit.as_str(), |rules| rules.unit(probe)).to_owned(),
        limit: rules.as_ref().and_then(Rules::limit).map(ToString::to_string),
        range: rules.as_ref().map(Rules::range).unwrap_or_default(),
        threshold: rules.as_ref().and_then(|rules| rules.failing()?.threshold()),
        interval_s: probe.interval.as_secs_f64(),
        history: VecDeque::new(),
        past: Past::default(),
        faults: VecDeque::new(),
        turns: VecDeque::new(),
        versions: VecDeque::new(),
        versions_at: None,
        unbroken_since: None,
        reach: Reach::of(probe),
    }
}

#[cfg(test)]
mod tests;
