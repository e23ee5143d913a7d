use jiff::Timestamp;

use super::super::series::{State, Verdict};
use super::super::testing::{command_probe, http_probe};
use super::super::tracker::Tracker;
use super::*;
use crate::failure::Fault;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + second).unwrap()
}

fn sample(second: i64, verdict: Verdict, headline: &str) -> Sample {
    Sample {
        at: at(second),
        verdict,
        headline: headline.to_owned(),
        why: format!("it was {headline}"),
        ..Sample::default()
    }
}

fn good(second: i64) -> Sample {
    Sample { why: String::new(), ..sample(second, Verdict::Good, "200") }
}

fn silent(second: i64) -> Sample {
    sample(second, Verdict::NoAnswer, TIMEOUT)
}

fn cut_off(second: i64) -> Sample {
    sample(second, Verdict::NoData, NO_NETWORK)
}

fn named(name: &str, url: &str) -> Probe {
    Probe { name: name.to_owned(), ..http_probe(url) }
}

/// The check comes last, as it does where nobody thought of the order.
fn checked() -> Tracker {
    let check: Probe =
        toml::from_str("name = \"internet\"\nurl = \"https://internet.example/\"\nconnectivity = true")
            .unwrap();
    let api = named("api", "https://api.example/");
    let www = named("www", "https://www.example/");
    Tracker::new(&[api, www, command_probe(&["./orders"]), named("local", "http://localhost/"), check])
}

const CHECK: usize = 4;

fn all_good(tracker: &mut Tracker, second: i64) {
    for probe in 0..=CHECK {
        tracker.observe(probe, good(second));
    }
}

fn states(tracker: &Tracker) -> Vec<State> {
    tracker.statuses().iter().map(|status| status.state).collect()
}

#[test]
fn headlines_are_those_of_faults() {
    assert_eq!(NO_NAME_SERVER, Fault::NoNameServer.headline());
    assert_eq!(TIMEOUT, Fault::Timeout.headline());
}

#[test]
fn when_everything_fails_together_with_the_check_nothing_is_blamed() {
    let mut tracker = checked();
    all_good(&mut tracker, 0);
    let mut edges = Vec::new();
    // The probes are asked before the check is, and often enough to be confirmed.
    for second in [10, 20] {
        for probe in [0, 1] {
            edges.extend(tracker.observe(probe, silent(second)));
        }
        edges.extend(tracker.observe(2, sample(second, Verdict::Bad, "exit 1")));
        edges.extend(tracker.observe(3, good(second)));
    }
    assert!(edges.is_empty(), "nobody knows yet whose fault it is: {edges:?}");
    for second in [21, 31] {
        edges.extend(tracker.observe(CHECK, silent(second)));
    }
    for probe in [0, 1] {
        edges.extend(tracker.observe(probe, silent(32)));
    }
    edges.extend(tracker.observe(2, sample(32, Verdict::Bad, "exit 1")));
    // One line, of this machine.
    assert_eq!(edges.len(), 1, "{edges:?}");
    assert_eq!((edges[0].to, edges[0].why.as_str()), (State::Error, "we are offline: it was timeout"));
    assert_eq!(states(&tracker)[..4], [State::Unknown, State::Unknown, State::Unknown, State::Ok]);
    assert_eq!(tracker.statuses()[0].last.as_ref().unwrap().why, "we are offline: it was timeout");
    let network = tracker.network();
    assert!(matches!(&network, Network::Offline { since, .. } if *since == at(21)), "{network:?}");
    assert!(network.words().unwrap().ends_with("internet says so: it was timeout"), "{network:?}");
}

#[test]
fn what_is_still_silent_afterwards_is_judged_anew() {
    let mut tracker = checked();
    all_good(&mut tracker, 0);
    for second in [10, 20] {
        tracker.observe(CHECK, silent(second));
        tracker.observe(0, silent(second));
        tracker.observe(1, silent(second));
    }
    tracker.observe(CHECK, good(30));
    assert_eq!(tracker.network(), Network::Fine);
    // One is back, the other was hit as well: it takes as many samples as ever to say so.
    tracker.observe(0, good(31));
    assert_eq!(tracker.observe(1, silent(31)), None);
    let edge = tracker.observe(1, silent(41)).unwrap();
    assert_eq!((edge.to, edge.why.as_str()), (State::Error, "it was timeout"));
    tracker.observe(0, good(41));
    assert_eq!(states(&tracker)[..2], [State::Ok, State::Error]);
}

#[test]
fn a_check_that_is_good_or_fails_alone_blames_as_ever() {
    let mut tracker = checked();
    all_good(&mut tracker, 0);
    for second in [10, 20] {
        tracker.observe(CHECK, good(second));
        tracker.observe(0, silent(second));
        tracker.observe(1, silent(second));
    }
    assert_eq!(states(&tracker)[..2], [State::Error, State::Error], "they are down, we are online");
    assert_eq!(tracker.network(), Network::Fine);
    let mut tracker = checked();
    all_good(&mut tracker, 0);
    for second in [10, 20, 30] {
        tracker.observe(CHECK, silent(second));
        tracker.observe(0, silent(second));
        // It answers, if only that it does not work.
        tracker.observe(1, sample(second, Verdict::Bad, "503"));
    }
    assert_eq!(states(&tracker)[..2], [State::Error, State::Failing]);
    assert_eq!(tracker.network(), Network::Fine);
}

#[test]
fn a_check_that_says_nothing_holds_nothing_back() {
    let mut tracker = checked();
    all_good(&mut tracker, 0);
    for second in [10, 20] {
        tracker.observe(CHECK, sample(second, Verdict::NoData, "another page"));
        tracker.observe(0, silent(second));
    }
    assert_eq!(states(&tracker)[0], State::Error);
}

#[test]
fn without_a_check_a_machine_that_no_way_leads_out_of_is_offline() {
    let mut tracker =
        Tracker::new(&[named("api", "https://api.example/"), named("local", "http://localhost/")]);
    tracker.observe(0, good(0));
    for second in [10, 20, 30] {
        tracker.observe(1, good(second));
        assert_eq!(tracker.observe(0, cut_off(second)), None);
    }
    assert!(tracker.statuses()[0].reach.is_held());
    assert!(tracker.network().words().unwrap().contains("no network leads out of this machine"));
    assert!(!is_online(tracker.statuses().iter().map(AsRef::as_ref)));
    tracker.observe(0, good(40));
    assert_eq!(tracker.network(), Network::Fine);
    assert!(
        !tracker.statuses()[0].reach.is_held() && is_online(tracker.statuses().iter().map(AsRef::as_ref))
    );
}

#[test]
fn without_a_check_several_hosts_that_are_silent_at_once_are_asked_about_and_blamed() {
    let mut tracker =
        Tracker::new(&[named("api", "https://api.shop.example/"), named("www", "https://www.shop.example/")]);
    let gone = |second| sample(second, Verdict::NoAnswer, NO_SUCH_HOST);
    for second in [0, 10] {
        tracker.observe(0, gone(second));
    }
    assert_eq!(tracker.network(), Network::Fine, "the other was not asked yet");
    for second in [0, 10] {
        tracker.observe(1, gone(second));
    }
    // A zone that is gone looks just so: it may well be theirs.
    assert_eq!(states(&tracker), [State::Error, State::Error]);
    let words = tracker.network().words();
    assert_eq!(words.as_deref(), Some("every probe fails at once: is it this machine?"));
    tracker.observe(1, sample(20, Verdict::NoAnswer, "refused"));
    assert_eq!(tracker.network(), Network::Fine, "who refuses is there");
}
