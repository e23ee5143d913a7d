//! All probes as they stand: what is drawn, and which changes are worth a record. Pure.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use jiff::Timestamp;

use super::alarm::{Alarm, Edge};
use super::rules::Rules;
use super::series::{Sample, State, Status, Verdict};
use crate::config::types::Probe;
use crate::text::address::is_loopback;

/// Headline of a sample that failed because this machine has no network: `Fault::NoNetwork`.
pub const NO_NETWORK: &str = "no network";
/// Headline of a sample whose host's name is not known: `Fault::NoSuchHost`.
pub const NO_SUCH_HOST: &str = "no such host";
/// Headline of a sample to whose host there is no way: `Fault::Unreachable`.
pub const UNREACHABLE: &str = "unreachable";

/// The state of every configured probe.
#[derive(Debug, Clone, Default)]
pub struct Tracker {
    /// Shared with whoever draws them: one that changes is copied, the others are not.
    statuses: Vec<Arc<Status>>,
    alarms: Vec<Watched>,
    /// Where each probe is, by its name.
    places: BTreeMap<String, usize>,
}

#[derive(Debug, Clone)]
struct Watched {
    alarm: Alarm,
    /// The state last handed out for recording.
    recorded: State,
    /// The host it asks, if that is not this machine.
    remote: Option<String>,
}

impl Tracker {
    /// A row for each probe, in the order of the configuration, nothing known yet.
    pub fn new(probes: &[Probe]) -> Self {
        let statuses = probes.iter().map(|probe| Arc::new(blank(probe))).collect();
        let places = probes.iter().enumerate().map(|(place, probe)| (probe.name.clone(), place)).collect();
        let alarms = probes.iter().map(|probe| Watched {
            alarm: Alarm::new(probe.confirm),
            recorded: State::Unknown,
            remote: probe.source.url().map(host).filter(|host| !is_loopback(host)).map(str::to_owned),
        });
        Self { statuses, alarms: alarms.collect(), places }
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
        status.state = watched.alarm.state();
        status.since = watched.alarm.since();
        status.turn(since, status.state);
        why.clone_into(&mut status.began_with);
    }

    /// Takes up samples from before, oldest first: history to draw, which changes no state.
    pub fn remember(&mut self, name: &str, samples: &[(Timestamp, Option<f64>)]) {
        let Some(status) = self.places.get(name).and_then(|place| self.statuses.get_mut(*place)) else {
            return;
        };
        let status = Arc::make_mut(status);
        // What was seen since counts, where both know a time.
        let seen: BTreeMap<Timestamp, Option<f64>> =
            samples.iter().copied().chain(status.history.iter().copied()).collect();
        let skipped = seen.len().saturating_sub(Status::MAX_HISTORY);
        status.history = seen.into_iter().skip(skipped).collect();
    }

    /// Every probe, in the order of the configuration.
    pub fn statuses(&self) -> &[Arc<Status>] {
        &self.statuses
    }

    /// Takes a sample of the probe with this index. Returns the change to record as an alarm:
    /// one between settled states. Pending and recovering are shown but not recorded, nor is
    /// that a probe never asked before is good.
    pub fn observe(&mut self, probe: usize, sample: Sample) -> Option<Edge> {
        let (status, watched) = (self.statuses.get_mut(probe)?, self.alarms.get_mut(probe)?);
        let status = Arc::make_mut(status);
        let was_asked = status.last.is_some() || watched.recorded != State::Unknown;
        let edge = watched.alarm.observe(sample.at, sample.verdict, &sample.why);
        status.state = watched.alarm.state();
        if edge.is_some() || status.since.is_none() {
            status.began_with.clone_from(&sample.why);
        }
        status.since = watched.alarm.since();
        if status.history.len() == Status::MAX_HISTORY {
            status.history.pop_front();
        }
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
        status.last = Some(sample);
        let edge = edge.filter(|edge| is_settled(edge.to) && edge.to != watched.recorded)?;
        let from = std::mem::replace(&mut watched.recorded, edge.to);
        (was_asked || edge.to != State::Ok).then_some(Edge { from, ..edge })
    }

    /// Says so when it is this machine's own network that stops the probes: every one that
    /// needs it was last stopped on this side, or none of several hosts can be found or reached.
    pub fn own_network_down(&self) -> Option<String> {
        let mut hosts = BTreeSet::new();
        let mut certain = true;
        for (status, watched) in self.statuses.iter().zip(&self.alarms) {
            let Some(host) = &watched.remote else { continue };
            match status.last.as_ref()?.headline.as_str() {
                NO_NETWORK => {}
                NO_SUCH_HOST | UNREACHABLE => certain = false,
                _ => return None,
            }
            hosts.insert(host);
        }
        match (hosts.len(), certain) {
            (0, _) | (1, false) => None,
            (_, true) => {
                Some("this machine has no network: nothing is known of what lies beyond it".to_owned())
            }
            (count, false) => Some(format!(
                "none of {count} hosts can be found or reached: most likely this machine has no network"
            )),
        }
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
        began_with: String::new(),
        last: None,
        unit: rules.as_ref().map_or(probe.unit.as_str(), |rules| rules.unit(probe)).to_owned(),
        limit: rules.as_ref().and_then(Rules::limit).map(ToString::to_string),
        range: rules.as_ref().map(Rules::range).unwrap_or_default(),
        threshold: rules.as_ref().and_then(|rules| rules.failing()?.threshold()),
        interval_s: probe.interval.as_secs_f64(),
        history: VecDeque::new(),
        faults: VecDeque::new(),
        turns: VecDeque::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{command_probe, http_probe};
    use super::*;

    fn sample(second: i64, verdict: Verdict, value: Option<f64>) -> Sample {
        Sample {
            at: Timestamp::from_second(1_700_000_000 + second).unwrap(),
            verdict,
            value,
            headline: "200".to_owned(),
            latency_ms: Some(1.0),
            why: "seen".to_owned(),
        }
    }

    fn no_network(second: i64) -> Sample {
        Sample { headline: NO_NETWORK.to_owned(), ..sample(second, Verdict::NoData, None) }
    }

    #[test]
    fn failures_that_no_value_shows_and_the_states_it_went_through_are_kept() {
        let mut probe = http_probe("http://api.example/health");
        probe.value = Some("body.rate".to_owned());
        probe.fail = Some("> 5".to_owned());
        let mut tracker = Tracker::new(&[probe]);
        tracker.observe(0, sample(0, Verdict::Good, Some(1.0)));
        // Over its limit: the value says it.
        tracker.observe(0, sample(1, Verdict::Bad, Some(9.0)));
        tracker.observe(0, sample(2, Verdict::Bad, Some(1.0)));
        tracker.observe(0, sample(3, Verdict::NoAnswer, None));
        tracker.observe(0, sample(4, Verdict::NoData, None));
        let status = &tracker.statuses()[0];
        let seconds = |at: &Timestamp| at.as_second() - 1_700_000_000;
        let faults: Vec<_> = status.faults.iter().map(|(at, verdict)| (seconds(at), *verdict)).collect();
        assert_eq!(faults, [(2, Verdict::Bad), (3, Verdict::NoAnswer)]);
        let turns: Vec<_> = status.turns.iter().map(|(at, state)| (seconds(at), *state)).collect();
        assert_eq!(turns, [(0, State::Ok), (1, State::Pending), (2, State::Failing)]);
    }

    #[test]
    fn a_row_shows_its_limit_unit_and_history() {
        let mut probe = http_probe("http://api.example/health");
        probe.value = Some("body.rate".to_owned());
        probe.unit = "%".to_owned();
        probe.warn = Some("> 1".to_owned());
        probe.fail = Some("> 5".to_owned());
        let mut tracker = Tracker::new(&[probe]);
        assert_eq!(tracker.statuses()[0].state, State::Unknown);
        tracker.observe(0, sample(0, Verdict::Good, Some(0.5)));
        tracker.observe(0, sample(10, Verdict::NoData, None));
        let status = &tracker.statuses()[0];
        assert_eq!(
            (status.limit.as_deref(), status.threshold, status.unit.as_str()),
            (Some("> 5"), Some(5.0), "%")
        );
        assert_eq!(status.history.iter().map(|(_, value)| *value).collect::<Vec<_>>(), [Some(0.5), None]);
        assert_eq!(status.state, State::Pending);
        assert!((status.interval_s - 10.0).abs() < f64::EPSILON);
    }

    #[test]
    fn a_latency_is_in_milliseconds() {
        assert_eq!(Tracker::new(&[command_probe(&["true"])]).statuses()[0].unit, "ms");
    }

    #[test]
    fn what_is_remembered_fills_gaps_and_covers_nothing_that_was_seen() {
        let mut tracker = Tracker::new(&[http_probe("http://x/")]);
        for second in [100, 200] {
            tracker.observe(0, sample(second, Verdict::Good, Some(1.0)));
        }
        let at = |second| sample(second, Verdict::Good, None).at;
        let name = tracker.statuses()[0].name.clone();
        tracker.remember(&name, &[(at(50), Some(5.0)), (at(150), Some(6.0)), (at(200), Some(7.0))]);
        let history: Vec<_> = tracker.statuses()[0].history.iter().copied().collect();
        assert_eq!(
            history,
            [(at(50), Some(5.0)), (at(100), Some(1.0)), (at(150), Some(6.0)), (at(200), Some(1.0))]
        );
    }

    #[test]
    fn history_is_bounded() {
        let mut tracker = Tracker::new(&[http_probe("http://x/")]);
        for second in 0..1000 {
            tracker.observe(0, sample(second, Verdict::Good, Some(second as f64)));
        }
        let history = &tracker.statuses()[0].history;
        assert_eq!(history.len(), Status::MAX_HISTORY);
        assert_eq!(history.back().unwrap().1, Some(999.0));
    }

    #[test]
    fn only_confirmed_changes_are_recorded_and_they_link_up() {
        let mut tracker = Tracker::new(&[http_probe("http://x/")]);
        let mut recorded = Vec::new();
        let verdicts = [
            Verdict::Good,
            Verdict::Bad,
            Verdict::Good,
            Verdict::Bad,
            Verdict::Bad,
            Verdict::Good,
            Verdict::NoData,
            Verdict::NoData,
        ];
        for (second, verdict) in verdicts.into_iter().enumerate() {
            let edge = tracker.observe(0, sample(second as i64, verdict, None));
            recorded.extend(edge.map(|edge| (edge.from.name(), edge.to.name())));
        }
        // Five changes within a few samples: flapping, and it says so once.
        assert_eq!(recorded, [("ok", "failing"), ("failing", "flapping")]);
    }

    #[test]
    fn a_first_bad_state_is_recorded_and_a_first_good_one_is_not() {
        let mut tracker = Tracker::new(&[http_probe("http://x/"), http_probe("http://y/")]);
        assert_eq!(tracker.observe(0, sample(0, Verdict::Good, None)), None);
        assert_eq!(tracker.observe(1, sample(0, Verdict::Bad, None)), None);
        let edge = tracker.observe(1, sample(1, Verdict::Bad, None)).unwrap();
        assert_eq!((edge.from, edge.to), (State::Unknown, State::Failing));
    }

    #[test]
    fn a_restored_alarm_records_its_recovery_once_it_is_confirmed() {
        let mut probe = http_probe("http://x/");
        probe.name = "api".to_owned();
        let mut tracker = Tracker::new(&[probe]);
        tracker.restore("api", State::Failing, Timestamp::UNIX_EPOCH, "status 500");
        assert_eq!(tracker.statuses()[0].began_with, "status 500");
        tracker.restore("gone", State::Failing, Timestamp::UNIX_EPOCH, "");
        assert_eq!(tracker.observe(0, sample(0, Verdict::Bad, None)), None);
        assert_eq!(tracker.observe(0, sample(1, Verdict::Good, None)), None);
        let edge = tracker.observe(0, sample(2, Verdict::Good, None)).unwrap();
        assert_eq!((edge.from, edge.to), (State::Failing, State::Ok));
    }

    #[test]
    fn a_state_keeps_what_it_began_with() {
        let mut tracker = Tracker::new(&[http_probe("http://x/")]);
        let seen = |second, why: &str| Sample { why: why.to_owned(), ..sample(second, Verdict::Bad, None) };
        for (second, why) in [(0, "status 500"), (1, "status 502"), (2, "status 503")] {
            tracker.observe(0, seen(second, why));
        }
        let status = &tracker.statuses()[0];
        assert_eq!((status.state, status.began_with.as_str()), (State::Failing, "status 502"));
    }

    #[test]
    fn headlines_are_those_of_faults() {
        use crate::failure::Fault;
        assert_eq!(NO_NETWORK, Fault::NoNetwork.headline());
        assert_eq!(NO_SUCH_HOST, Fault::NoSuchHost.headline());
        assert_eq!(UNREACHABLE, Fault::Unreachable.headline());
    }

    #[test]
    fn our_own_network_down_is_said_once_it_stops_every_probe_that_needs_one() {
        let probes =
            [http_probe("https://api.example/"), http_probe("http://localhost:1/"), command_probe(&["true"])];
        let mut tracker = Tracker::new(&probes);
        assert_eq!(tracker.own_network_down(), None);
        tracker.observe(0, no_network(0));
        assert!(tracker.own_network_down().unwrap().contains("this machine has no network"));
        tracker.observe(0, sample(1, Verdict::NoAnswer, None));
        assert_eq!(tracker.own_network_down(), None);
        let gone = |second| Sample { headline: NO_SUCH_HOST.to_owned(), ..no_network(second) };
        tracker.observe(0, gone(2));
        assert_eq!(tracker.own_network_down(), None, "one host may be misspelt");
        let mut two = Tracker::new(&[http_probe("https://a.example/"), http_probe("http://b.example:8080/")]);
        two.observe(0, gone(0));
        assert_eq!(two.own_network_down(), None, "the other was not asked yet");
        two.observe(1, Sample { headline: UNREACHABLE.to_owned(), ..gone(0) });
        assert!(two.own_network_down().unwrap().starts_with("none of 2 hosts can be found or reached"));
    }

    #[test]
    fn the_host_of_an_address_is_found() {
        for (url, wanted, loopback) in [
            ("http://user:p@ss@localhost:8080/x?y", "localhost", true),
            ("https://[::1]:443/", "::1", true),
            ("http://127.8.9.1", "127.8.9.1", true),
            ("http://api.example#a@localhost", "api.example", false),
            ("http://localhost.example/", "localhost.example", false),
        ] {
            assert_eq!((host(url), is_loopback(host(url))), (wanted, loopback), "{url}");
        }
    }

    #[test]
    fn a_probe_that_is_not_there_is_passed_over() {
        assert_eq!(Tracker::new(&[]).observe(3, sample(0, Verdict::Bad, None)), None);
    }
}
