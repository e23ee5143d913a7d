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
}

#[derive(Debug, Clone)]
struct Watched {
    alarm: Alarm,
    /// The state last handed out for recording.
    recorded: State,
    /// The host it asks, if that is not this machine.
    remote: Option<String>,
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
            confirm: probe.confirm.max(1),
            suppressed_by: suppressor(probes, place).and_then(|by| places.get(by)).copied(),
            is_suppressed: false,
            held: 0,
            remote: probe.source.url().map(host).filter(|host| !is_loopback(host)).map(str::to_owned),
        });
        Self { statuses, alarms: alarms.collect(), places }
    }

    /// Takes this probe for failing until it is past its recovery threshold.
    pub fn fire(&mut self, probe: usize) {
        if let Some(watched) = self.alarms.get_mut(probe) {
            watched.alarm.fire();
        }
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
    /// that a probe never asked before is good. While the probe fails that explains this one, its own
    /// trouble is no change; after that it is judged anew.
    pub fn observe(&mut self, probe: usize, mut sample: Sample) -> Option<Edge> {
        let suppression = self.suppression(probe);
        let by = self.alarms.get(probe).and_then(|watched| watched.suppressed_by);
        let by_confirm = by.and_then(|by| Some(self.alarms.get(by)?.confirm)).unwrap_or_default();
        let by_name = by.and_then(|by| Some(self.statuses.get(by)?.name.clone())).unwrap_or_default();
        let (status, watched) = (self.statuses.get_mut(probe)?, self.alarms.get_mut(probe)?);
        let status = Arc::make_mut(status);
        let was_asked = status.last.is_some() || watched.recorded != State::Unknown;
        let verdict = watched.alarm.weigh(sample.verdict, sample.unrecovered.as_deref());
        if verdict != sample.verdict {
            sample.verdict = verdict;
            sample.why = sample.unrecovered.clone().unwrap_or_default();
        }
        let is_good = verdict == Verdict::Good;
        let shown = match suppression {
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
        if let Some(version) = &sample.version {
            if status.versions.len() == Status::MAX_VERSIONS {
                status.versions.pop_front();
            }
            status.versions.push_back(version.clone());
        }
        status.last = Some(sample);
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
        versions: VecDeque::new(),
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
            ..Sample::default()
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
    fn what_is_not_heard_of_is_unknown_at_once_and_nothing_is_good_by_its_record() {
        let probe = Probe { confirm: 3, ..http_probe("http://api.example/health") };
        let mut tracker = Tracker::new(&[probe]);
        tracker.restore("api", State::Ok, Timestamp::UNIX_EPOCH, "");
        assert_eq!(tracker.statuses()[0].state, State::Unknown, "nothing was seen yet");
        assert_eq!(tracker.observe(0, sample(0, Verdict::Good, Some(1.0))), None);
        assert_eq!(tracker.statuses()[0].state, State::Ok);
        let at = sample(40, Verdict::Good, None).at;
        let edge = tracker.lose(0, at, "no sample for 36s; one is due every 10s").unwrap();
        assert_eq!((edge.from, edge.to, edge.at), (State::Ok, State::Unknown, at));
        let status = &tracker.statuses()[0];
        assert_eq!((status.state, status.last.as_ref().unwrap().headline.as_str()), (State::Unknown, SILENT));
        // Once it has failed, silence is no recovery, and what was wrong is remembered.
        for second in 50..53 {
            tracker.observe(0, sample(second, Verdict::Bad, Some(9.0)));
        }
        assert_eq!(tracker.statuses()[0].state, State::Failing);
        assert_eq!(tracker.lose(0, at, "").map(|edge| edge.to), Some(State::Unknown));
        tracker.observe(0, sample(100, Verdict::Good, Some(1.0)));
        assert_eq!(tracker.statuses()[0].state, State::Recovering);
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

    /// A gateway, and the api behind it.
    fn gateway_and_api() -> Tracker {
        let probe = |name: &str, by: Option<&str>| Probe {
            name: name.to_owned(),
            suppressed_by: by.map(str::to_owned),
            ..http_probe("http://x/")
        };
        Tracker::new(&[probe("gateway", None), probe("api", Some("gateway"))])
    }

    /// Lets both be asked; `.` good, `x` bad, `?` no data. What was recorded of the api, and its states.
    fn both(tracker: &mut Tracker, gateway: &str, api: &str) -> (Vec<&'static str>, Vec<&'static str>) {
        let verdict = |sign| match sign {
            '.' => Verdict::Good,
            'x' => Verdict::Bad,
            _ => Verdict::NoData,
        };
        let (mut recorded, mut states) = (Vec::new(), Vec::new());
        for (second, (gateway, api)) in gateway.chars().zip(api.chars()).enumerate() {
            let second = second as i64 * 10;
            // The api is asked first, which is the worse order.
            recorded
                .extend(tracker.observe(1, sample(second, verdict(api), None)).map(|edge| edge.to.name()));
            tracker.observe(0, sample(second + 1, verdict(gateway), None));
            states.push(tracker.statuses()[1].state.name());
        }
        (recorded, states)
    }

    #[test]
    fn what_another_probe_explains_is_suppressed_and_never_ok() {
        let mut tracker = gateway_and_api();
        let (recorded, states) = both(&mut tracker, "..xxxx..", "..xxx?.x");
        assert!(recorded.is_empty(), "{recorded:?}");
        let wanted =
            ["ok", "ok", "pending", "pending", "suppressed", "suppressed", "suppressed", "suppressed"];
        assert_eq!(states, wanted);
        assert_eq!(tracker.statuses()[1].last.as_ref().unwrap().why, "suppressed by gateway: seen");
        // The gateway is confirmed good by now: the api is judged anew, and has to be confirmed.
        assert_eq!(both(&mut tracker, "..", "xx"), (vec!["failing"], vec!["pending", "failing"]));
    }

    #[test]
    fn after_suppression_good_has_to_be_confirmed_and_is_no_news() {
        let mut tracker = gateway_and_api();
        both(&mut tracker, "..xxxx..", "..xxxx..");
        assert_eq!(both(&mut tracker, "...", "..."), (vec![], vec!["pending", "ok", "ok"]));
    }

    #[test]
    fn what_failed_before_fails_after_suppression() {
        let mut tracker = gateway_and_api();
        assert_eq!(both(&mut tracker, "...", ".xx").0, ["failing"]);
        let (recorded, states) = both(&mut tracker, "xxx...", "xxxxxx");
        assert_eq!((recorded.is_empty(), states[3]), (true, "suppressed"));
        assert_eq!(tracker.statuses()[1].state, State::Failing);
    }

    #[test]
    fn waiting_for_the_other_one_to_be_confirmed_has_an_end() {
        // The gateway goes to and fro and is never confirmed failing.
        let mut tracker = gateway_and_api();
        let (recorded, _) = both(&mut tracker, ".x.x.x.x.x", ".xxxxxxxxx");
        assert_eq!(recorded, ["failing"]);
    }

    #[test]
    fn suppression_reaches_further_and_a_circle_silences_nobody() {
        let probe = |name: &str, by: &str| Probe {
            name: name.to_owned(),
            suppressed_by: Some(by.to_owned()),
            confirm: 1,
            ..http_probe("http://x/")
        };
        let mut chain = Tracker::new(&[probe("a", "gone"), probe("b", "a"), probe("c", "b")]);
        for place in [0, 1, 2] {
            chain.observe(place, sample(0, Verdict::Bad, None));
        }
        assert_eq!(chain.statuses()[2].state, State::Suppressed);
        let mut circle = Tracker::new(&[probe("a", "b"), probe("b", "a"), probe("c", "a")]);
        for place in [0, 1, 2] {
            assert!(circle.observe(place, sample(0, Verdict::Bad, None)).is_some());
        }
    }

    #[test]
    fn a_value_short_of_its_recovery_keeps_it_failing_and_says_so() {
        let mut tracker = Tracker::new(&[Probe { confirm: 1, ..http_probe("http://x/") }]);
        let short = |second| Sample {
            unrecovered: Some("4 % (failed; recovers at < 3 %)".to_owned()),
            why: String::new(),
            ..sample(second, Verdict::Good, Some(4.0))
        };
        tracker.observe(0, short(0));
        assert_eq!(tracker.statuses()[0].state, State::Ok);
        tracker.observe(0, sample(1, Verdict::Bad, Some(6.0)));
        assert_eq!(tracker.observe(0, short(2)), None);
        let status = &tracker.statuses()[0];
        assert_eq!(status.state, State::Failing);
        assert_eq!(status.last.as_ref().unwrap().why, "4 % (failed; recovers at < 3 %)");
        assert!(tracker.observe(0, sample(3, Verdict::Good, Some(2.0))).is_some());
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
