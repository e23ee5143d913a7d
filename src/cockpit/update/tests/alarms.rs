//! Alarms on record: what a probe turned to, once, and by whom.

use super::*;

#[test]
fn a_settled_alarm_is_recorded_once_and_a_waiting_one_not_at_all() {
    let mut table = Table::open();
    let health = |state| Msg::Fact(Fact::Health { probes: vec![Arc::new(probe("api", state))] });
    assert!(table.send(health(Health::Pending)).is_empty());
    let effects = table.send(health(Health::Failing));
    let [(id, Effect::AppendAlarms(drafts))] = effects.as_slice() else { panic!("{effects:?}") };
    let Body::Alarm(alarm) = &drafts[0].body else { panic!() };
    assert_eq!((alarm.from.as_str(), alarm.to.as_str()), ("ok", "failing"));
    assert_eq!(drafts[0].occurred.unwrap().0, time(5), "when it was seen, not when it was written down");
    assert!(table.send(health(Health::Failing)).is_empty(), "one is on its way");
    let record = table.record(drafts[0].body.clone());
    table.send(Msg::Done(*id, Ok(Done::Appended(vec![record]))));
    assert!(table.send(health(Health::Failing)).is_empty());
    assert_eq!(table.send(health(Health::Ok)).len(), 1, "recovery is news");
}

#[test]
fn two_cockpits_that_see_a_probe_differently_do_not_contradict_each_other_without_end() {
    let mut table = Table::open();
    let health = |state| Msg::Fact(Fact::Health { probes: vec![Arc::new(probe("api", state))] });
    let alarm = |to: &str| {
        let (from, why) = ("ok".into(), "503".into());
        Body::from(crate::incident::Alarm { probe: "api".into(), from, to: to.into(), why })
    };
    assert!(table.send(health(Health::Ok)).is_empty(), "it is ok, as far as anybody knows");
    let theirs = table.record(alarm("flapping"));
    table.send(Msg::Fact(Fact::Records(vec![theirs])));
    let start = table.model.now;
    for second in [1, 20, 40, 59] {
        table.send(Msg::Tick(start + SignedDuration::from_secs(second)));
        assert!(table.send(health(Health::Ok)).is_empty(), "another cockpit sees it otherwise: {second}");
    }
    table.send(Msg::Tick(start + SignedDuration::from_secs(70)));
    let effects = table.send(health(Health::Ok));
    let [(id, Effect::AppendAlarms(drafts))] = effects.as_slice() else {
        panic!("it may be that one is gone")
    };
    let ours = table.record(drafts[0].body.clone());
    table.send(Msg::Done(*id, Ok(Done::Appended(vec![ours]))));
    // It is still there: the next word takes twice as long.
    let theirs = table.record(alarm("flapping"));
    table.send(Msg::Fact(Fact::Records(vec![theirs])));
    let again = table.model.now;
    for (second, lines) in [(1, 0), (70, 0), (125, 1)] {
        table.send(Msg::Tick(again + SignedDuration::from_secs(second)));
        assert_eq!(table.send(health(Health::Ok)).len(), lines, "{second}");
    }
}

#[test]
fn an_alarm_that_could_not_be_recorded_is_tried_again_at_once() {
    let mut table = Table::open();
    let health = |state| Msg::Fact(Fact::Health { probes: vec![Arc::new(probe("api", state))] });
    let effects = table.send(health(Health::Failing));
    let [(id, Effect::AppendAlarms(_))] = effects.as_slice() else { panic!("{effects:?}") };
    table.send(Msg::Done(*id, Err(Failure::new("saving", "the disk is full", "make room"))));
    assert!(matches!(table.send(health(Health::Failing))[..], [(_, Effect::AppendAlarms(_))]));
}

#[test]
fn an_alarm_tells_what_was_seen_when_it_began_and_not_what_is_seen_now() {
    let mut table = Table::open();
    let mut later = probe("api", Health::Failing);
    (later.since, later.began_with) = (Some(time(1)), "38.1 % (max 5 %)".into());
    let effects = table.send(Msg::Fact(Fact::Health { probes: vec![Arc::new(later)] }));
    let [(_, Effect::AppendAlarms(drafts))] = effects.as_slice() else { panic!("{effects:?}") };
    let Body::Alarm(alarm) = &drafts[0].body else { panic!() };
    assert_eq!((alarm.why.as_str(), drafts[0].occurred.unwrap().0), ("38.1 % (max 5 %)", time(1)));
}

#[test]
fn first_samples_that_contradict_each_other_are_not_recorded_as_no_data() {
    let mut table = Table::open();
    let health = |verdict| {
        let mut probe = probe("api", Health::Unknown);
        probe.last.as_mut().unwrap().verdict = verdict;
        Msg::Fact(Fact::Health { probes: vec![Arc::new(probe)] })
    };
    assert!(table.send(health(Verdict::Good)).is_empty());
    assert_eq!(table.send(health(Verdict::NoData)).len(), 1);
}
