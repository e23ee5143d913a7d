//! All probes as they stand: what is drawn, and which changes are worth a record. Pure.

use std::collections::VecDeque;

use jiff::Timestamp;

use super::alarm::{Alarm, Edge};
use super::rules::Rules;
use super::series::{Sample, State, Status, Verdict};
use crate::config::types::Probe;

/// Headline of a sample that failed because this machine has no network.
pub const NO_NETWORK: &str = "no network";

/// The state of every configured probe.
#[derive(Debug, Clone, Default)]
pub struct Tracker {
    statuses: Vec<Status>,
    alarms: Vec<Watched>,
}

#[derive(Debug, Clone)]
struct Watched {
    alarm: Alarm,
    /// The state last handed out for recording.
    recorded: State,
    /// Whether it is asked over a network other than this machine's own.
    is_remote: bool,
}

impl Tracker {
    /// A row for each probe, in the order of the configuration, nothing known yet.
    pub fn new(probes: &[Probe]) -> Self {
        let statuses = probes.iter().map(blank).collect();
        let alarms = probes.iter().map(|probe| Watched {
            alarm: Alarm::new(probe.confirm),
            recorded: State::Unknown,
            is_remote: probe.url.as_deref().is_some_and(|url| !is_loopback(host(url))),
        });
        Self { statuses, alarms: alarms.collect() }
    }

    /// Takes up a state recorded earlier, so that a restart recovers nothing. A probe that is
    /// not configured any more is passed over.
    pub fn restore(&mut self, name: &str, state: State, since: Timestamp) {
        for (status, watched) in self.statuses.iter_mut().zip(&mut self.alarms) {
            if status.name == name {
                watched.alarm.restore(state, since);
                watched.recorded = state;
                status.state = watched.alarm.state();
                status.since = watched.alarm.since();
            }
        }
    }

    /// Every probe, in the order of the configuration.
    pub fn statuses(&self) -> &[Status] {
        &self.statuses
    }

    /// Takes a sample of the probe with this index. Returns the change to record as an alarm:
    /// one between settled states. Pending and recovering are shown but not recorded, nor is
    /// that a probe never asked before is good.
    pub fn observe(&mut self, probe: usize, sample: Sample) -> Option<Edge> {
        let (status, watched) = (self.statuses.get_mut(probe)?, self.alarms.get_mut(probe)?);
        let was_asked = status.last.is_some() || watched.recorded != State::Unknown;
        let edge = watched.alarm.observe(sample.at, sample.verdict, &sample.why);
        status.state = watched.alarm.state();
        status.since = watched.alarm.since();
        if status.history.len() == Status::MAX_HISTORY {
            status.history.pop_front();
        }
        status.history.push_back((sample.at, sample.value));
        status.last = Some(sample);
        let edge = edge.filter(|edge| is_settled(edge.to) && edge.to != watched.recorded)?;
        let from = std::mem::replace(&mut watched.recorded, edge.to);
        (was_asked || edge.to != State::Ok).then_some(Edge { from, ..edge })
    }

    /// Says so when it is this machine that has no network: every probe that needs one was
    /// last stopped by that.
    pub fn own_network_down(&self) -> Option<String> {
        let mut remote = self.statuses.iter().zip(&self.alarms).filter(|(_, w)| w.is_remote).peekable();
        remote.peek()?;
        remote
            .all(|(status, _)| status.last.as_ref().is_some_and(|last| last.headline == NO_NETWORK))
            .then(|| "this machine has no network: nothing is known of the probes beyond it".to_owned())
    }
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

/// Whether a host is this machine by definition: `localhost`, 127.0.0.0/8, `::1`.
pub(super) fn is_loopback(host: &str) -> bool {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    host == "localhost"
        || host.ends_with(".localhost")
        || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
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
        last: None,
        unit: rules.as_ref().map_or(probe.unit.as_str(), |rules| rules.unit(probe)).to_owned(),
        limit: rules.as_ref().and_then(Rules::limit).map(ToString::to_string),
        threshold: rules.as_ref().and_then(|rules| rules.failing()?.threshold()),
        interval_s: probe.interval.as_secs_f64(),
        history: VecDeque::new(),
    }
}
