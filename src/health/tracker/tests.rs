//! Tests of the tracker.

use super::super::testing::{command_probe, http_probe};
use super::*;
use crate::health::columns::{self, Grid};
use crate::text::address::is_loopback;

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
    tracker.remember(&name, &[(at(50), Some(5.0)), (at(150), Some(6.0)), (at(200), Some(7.0))], &[]);
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
fn what_is_recent_no_longer_is_thinned_and_spikes_and_faults_stay() {
    let mut tracker = Tracker::new(&[http_probe("http://x/")]);
    for second in (0..20_000).step_by(10) {
        let (verdict, value) = match second {
            1000 => (Verdict::Good, Some(500.0)),
            2000 => (Verdict::NoAnswer, None),
            _ => (Verdict::Good, Some(1.0)),
        };
        tracker.observe(0, sample(second, verdict, value));
    }
    let status = &tracker.statuses()[0];
    let at = |second| sample(second, Verdict::Good, None).at;
    assert_eq!((status.history.len(), status.faults.len()), (Status::MAX_HISTORY, 0));
    assert_eq!((status.first(), status.history.front().unwrap().0), (Some(at(0)), at(20_000 - 7200)));
    let grid = Grid::spanning(at(20_000), 20_000, 100);
    let found = columns::columns(status, grid).all;
    let column = |second| found[usize::from(grid.column(at(second)).unwrap())];
    assert_eq!(column(1000).range, Some((1.0, 500.0)));
    assert_eq!(column(2000).mark, columns::Mark::NoAnswer);
    let others = found.iter().filter(|column| column.range == Some((1.0, 1.0)));
    assert!(others.count() >= 96, "{found:?}");
}

#[test]
fn a_day_of_the_journal_and_what_was_seen_are_one_however_often_it_is_told() {
    let mut tracker = Tracker::new(&[http_probe("http://x/")]);
    let name = tracker.statuses()[0].name.clone();
    let at = |second| sample(second, Verdict::Good, None).at;
    let before: Vec<_> = (-86_400..0).step_by(60).map(|second| (at(second), Some(3.0))).collect();
    tracker.remember(&name, &before, &[]);
    let status = &tracker.statuses()[0];
    assert_eq!(status.first(), Some(at(-86_400)));
    // What is drawn first is what is recent of a probe that is asked every ten seconds.
    assert_eq!(status.history.front().unwrap().0, at(-60 - 7200));
    for second in (0..10_000).step_by(10) {
        let exactly = at(second) + SignedDuration::from_micros(123_456);
        tracker.observe(0, Sample { at: exactly, ..sample(second, Verdict::Good, Some(4.0)) });
    }
    let once = Status::clone(&tracker.statuses()[0]);
    assert!(once.first().unwrap() > at(-86_400 + 9000), "nothing is older than a day");
    // The journal tells all of it again, to the millisecond, and the latest not at all.
    let stored =
        (0..9000).step_by(10).map(|second| (at(second) + SignedDuration::from_millis(123), Some(4.0)));
    let all: Vec<_> = before.into_iter().chain(stored).collect();
    tracker.remember(&name, &all, &[]);
    tracker.remember("gone", &all, &[]);
    tracker.remember(&name, &[], &[]);
    let twice = &tracker.statuses()[0];
    assert!(twice.past == once.past && twice.history == once.history);
    assert_eq!(twice.unbroken_since, once.unbroken_since);
}

#[test]
fn outages_of_the_journal_are_drawn_as_such() {
    let mut tracker = Tracker::new(&[http_probe("http://x/")]);
    let name = tracker.statuses()[0].name.clone();
    let at = |second| sample(second, Verdict::Good, None).at;
    let samples: Vec<_> =
        (0..20_000).step_by(10).map(|second| (at(second), (second % 1000 > 0).then_some(3.0))).collect();
    let faults = [(at(1000), Verdict::NoAnswer), (at(19_000), Verdict::Bad)];
    for _ in 0..2 {
        tracker.remember(&name, &samples, &faults);
        let status = &tracker.statuses()[0];
        let grid = Grid::spanning(at(20_000), 20_000, 100);
        let found = columns::columns(status, grid).all;
        let mark = |second| found[usize::from(grid.column(at(second)).unwrap())].mark;
        assert_eq!(
            [mark(1000), mark(2000), mark(18_000), mark(19_000)],
            [columns::Mark::NoAnswer, columns::Mark::NoData, columns::Mark::NoData, columns::Mark::Bad]
        );
        assert_eq!(status.faults.len(), 1);
    }
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
        recorded.extend(tracker.observe(1, sample(second, verdict(api), None)).map(|edge| edge.to.name()));
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
    let wanted = ["ok", "ok", "pending", "pending", "suppressed", "suppressed", "suppressed", "suppressed"];
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
    assert!(tracker.own_network_down().unwrap().contains("no network leads out of this machine"));
    tracker.observe(0, sample(1, Verdict::NoAnswer, None));
    assert_eq!(tracker.own_network_down(), None);
    let gone = |second| Sample { headline: NO_SUCH_HOST.to_owned(), ..no_network(second) };
    tracker.observe(0, gone(2));
    assert_eq!(tracker.own_network_down(), None, "one host may be misspelt");
    let mut two = Tracker::new(&[http_probe("https://a.example/"), http_probe("http://b.example:8080/")]);
    two.observe(0, gone(0));
    assert_eq!(two.own_network_down(), None, "the other was not asked yet");
    two.observe(1, Sample { headline: UNREACHABLE.to_owned(), ..gone(0) });
    assert!(two.own_network_down().unwrap().starts_with("none of 2 hosts can be found or reached: is it"));
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
