//! This machine is offline: it is said once, and nobody is blamed.

use super::*;
use crate::cockpit::production::Word;
use crate::config::types::Probe;
use crate::health::network::{Network, OWN};
use crate::health::tracker::{NO_NETWORK, Tracker};

fn probes(check: &str) -> Vec<Probe> {
    let text = format!(
        "{check}\n[[probes]]\nname = \"api\"\nurl = \"https://api.example/\"\n\
         [[probes]]\nname = \"www\"\nurl = \"https://www.example/\"\n"
    );
    toml::from_str::<Config>(&text).unwrap().probes
}

const CHECK: &str =
    "[[probes]]\nname = \"internet\"\nurl = \"https://internet.example/\"\nconnectivity = true\n";

fn sample(second: i64, verdict: Verdict, headline: &str) -> Sample {
    let why = if verdict == Verdict::Good { "" } else { headline };
    Sample { at: time(second), verdict, headline: headline.into(), why: why.into(), ..Sample::default() }
}

/// Has every probe see the same; the alarms that are recorded then.
fn see(table: &mut Table, tracker: &mut Tracker, sample: &Sample) -> Vec<(String, String, String)> {
    for probe in 0..tracker.statuses().len() {
        tracker.observe(probe, sample.clone());
    }
    let probes = tracker.statuses().to_vec();
    let effects = table.send(Msg::Fact(Fact::Health { probes }));
    let mut told = Vec::new();
    for (id, effect) in effects {
        let Effect::AppendAlarms(drafts) = effect else { continue };
        let mut records = Vec::new();
        for draft in drafts {
            let Body::Alarm(alarm) = &draft.body else { panic!() };
            told.push((alarm.probe.clone(), alarm.to.clone(), alarm.why.clone()));
            records.push(table.record(draft.body.clone()));
        }
        table.send(Msg::Done(id, Ok(Done::Appended(records))));
    }
    told
}

fn word(table: &Table) -> Option<Word> {
    table.model.derived.production.as_ref().map(|found| found.word)
}

#[test]
fn it_is_said_once_and_no_probe_alarms() {
    let mut table = Table::ready();
    let mut tracker = Tracker::new(&probes(CHECK));
    see(&mut table, &mut tracker, &sample(1, Verdict::Good, "200"));
    assert!(see(&mut table, &mut tracker, &sample(10, Verdict::NoAnswer, "timeout")).is_empty());
    let told = see(&mut table, &mut tracker, &sample(20, Verdict::NoAnswer, "timeout"));
    assert_eq!(told, [("internet".into(), "error".into(), "we are offline: timeout".into())]);
    assert_eq!(word(&table), Some(Word::Offline));
    assert!(see(&mut table, &mut tracker, &sample(30, Verdict::NoAnswer, "timeout")).is_empty());
    see(&mut table, &mut tracker, &sample(40, Verdict::Good, "200"));
    let told = see(&mut table, &mut tracker, &sample(50, Verdict::Good, "200"));
    assert_eq!(told, [("internet".into(), "ok".into(), String::new())]);
    assert_eq!((word(&table), &table.model.network), (Some(Word::Healthy), &Network::Fine));
}

#[test]
fn without_a_check_the_machine_says_it_itself() {
    let mut table = Table::ready();
    let mut tracker = Tracker::new(&probes(""));
    see(&mut table, &mut tracker, &sample(1, Verdict::Good, "200"));
    let told = see(&mut table, &mut tracker, &sample(10, Verdict::NoData, NO_NETWORK));
    let why = "we are offline: no network leads out of this machine";
    assert_eq!(told, [(OWN.into(), "error".into(), why.into())]);
    assert!(see(&mut table, &mut tracker, &sample(20, Verdict::NoData, NO_NETWORK)).is_empty());
    assert_eq!((word(&table), table.model.environment_of(OWN)), (Some(Word::Offline), "this machine"));
    let told = see(&mut table, &mut tracker, &sample(30, Verdict::Good, "200"));
    assert_eq!(told, [(OWN.into(), "ok".into(), String::new())]);
}

#[test]
fn without_one_what_is_silent_at_once_is_down_and_asked_about() {
    let mut table = Table::ready();
    let mut tracker = Tracker::new(&probes(""));
    see(&mut table, &mut tracker, &sample(1, Verdict::Good, "200"));
    see(&mut table, &mut tracker, &sample(10, Verdict::NoAnswer, "timeout"));
    let told = see(&mut table, &mut tracker, &sample(20, Verdict::NoAnswer, "timeout"));
    assert_eq!(told.len(), 2, "{told:?}");
    assert_eq!(word(&table), Some(Word::Down));
    assert!(matches!(table.model.network, Network::Doubtful { .. }), "{:?}", table.model.network);
}
