//! Looking back: when that is done, and how a follow-up of any incident is ended.

use super::*;
use crate::cockpit::past::Leaf;
use crate::incident::{FollowUpChanged, FollowUpEnded};
use crate::report::past::{Chronicle, sample};

fn looks(effects: &[(EffectId, Effect)]) -> Option<EffectId> {
    effects.iter().find(|(_, effect)| matches!(effect, Effect::LookBackAt(_))).map(|(id, _)| *id)
}

/// On the start screen, with some incidents that were looked at.
pub(super) fn looked() -> Table {
    let mut table = Table::new();
    let asked = looks(&table.send(Msg::Fact(Fact::Incidents(Vec::new())))).unwrap();
    table.send(Msg::Done(asked, Ok(Done::Past(Box::new(sample::chronicle())))));
    table
}

fn leaf(table: &Table) -> Leaf {
    let Some(Overlay::Past(view)) = table.model.overlays.last() else { panic!("no window") };
    view.leaf
}

#[test]
fn the_start_screen_looks_once_and_again_where_something_changed() {
    let mut table = Table::new();
    let asked = looks(&table.send(Msg::Fact(Fact::Incidents(Vec::new())))).unwrap();
    assert_eq!(looks(&table.send(Msg::Tick(time(70)))), None, "it is asked already");
    table.send(Msg::Done(asked, Ok(Done::Past(Box::default()))));
    assert_eq!(looks(&table.send(Msg::Tick(time(80)))), None, "nothing changed");
    assert!(looks(&table.send(Msg::Fact(Fact::Incidents(Vec::new())))).is_some());
    // What failed is not tried again and again.
    let mut table = Table::new();
    let asked = looks(&table.send(Msg::Fact(Fact::Incidents(Vec::new())))).unwrap();
    let failed = Failure::new("looking back", "the disk is gone", "");
    assert_eq!(looks(&table.send(Msg::Done(asked, Err(failed)))), None);
}

#[test]
fn an_incident_on_the_screen_costs_no_looking_back() {
    let mut table = Table::open();
    assert_eq!(looks(&table.send(Msg::Fact(Fact::Incidents(Vec::new())))), None);
    assert!(table.keys("H").iter().any(|effect| matches!(effect, Effect::LookBackAt(_))));
    assert_eq!(leaf(&table), Leaf::Incidents);
    table.keys("tab tab tab");
    assert_eq!(leaf(&table), Leaf::FollowUps);
    table.keys("shift-tab");
    assert_eq!(leaf(&table), Leaf::Severities);
}

#[test]
fn a_follow_up_of_any_incident_is_ended_by_its_key() {
    let mut table = looked();
    table.keys("U x");
    let asked = table.model.past.asked.unwrap();
    table.send(Msg::Done(asked, Ok(Done::Past(Box::new(sample::chronicle())))));
    table.types("it rings at 80 of 100");
    let effects = table.keys("enter");
    let [Effect::Append(drafts)] = effects.as_slice() else { panic!("{effects:?}") };
    let chronicle = sample::chronicle();
    let of = &chronicle.incidents[1];
    assert_eq!(drafts[0].incident, of.id);
    let reason = "it rings at 80 of 100".to_owned();
    let ended = FollowUpEnded { follow_up: of.follow_ups[0].id, done: true, reason };
    assert_eq!(drafts[0].body, ended.into());
    // What came of it is looked at once it is saved.
    let id = table.model.past.changing[0];
    assert!(looks(&table.send(Msg::Done(id, Ok(Done::Appended(Vec::new()))))).is_some());
}

#[test]
fn one_that_is_dropped_needs_a_reason_and_one_that_is_given_away_a_person_or_a_date() {
    let mut table = looked();
    table.keys("U j -");
    assert!(table.keys("enter").is_empty());
    assert!(table.complaint().contains("say why"), "{}", table.complaint());
    table.keys("esc @");
    table.types("li");
    assert!(table.keys("enter").is_empty());
    assert!(table.complaint().contains("neither @who nor a date"), "{}", table.complaint());
    table.keys("ctrl-u");
    table.types("@li 2026-04-01");
    let effects = table.keys("enter");
    let [Effect::Append(drafts)] = effects.as_slice() else { panic!("{effects:?}") };
    let due = Some("2026-04-01".parse().unwrap());
    let follow_up = sample::chronicle().incidents[2].follow_ups[0].id;
    assert_eq!(drafts[0].body, FollowUpChanged { follow_up, owner: Some("li".into()), due }.into());
}

#[test]
fn the_cursor_stays_on_its_follow_up_when_others_go() {
    let mut table = looked();
    table.keys("U j");
    let mut chronicle = sample::chronicle();
    chronicle.incidents[1].follow_ups.clear();
    let id = table.model.past.asked.unwrap();
    table.send(Msg::Done(id, Ok(Done::Past(Box::new(chronicle)))));
    let Some(Overlay::Past(view)) = table.model.overlays.last() else { panic!("no window") };
    assert_eq!((view.cursor, view.on), (0, Some(RecordId(Uuid::from_u128(3)))));
    // With nothing left no key ends anything.
    table.model.past.found = Some(Chronicle::default());
    assert!(table.keys("x").is_empty());
    assert!(table.word().contains("choose a follow-up first"), "{}", table.word());
}

#[test]
fn issues_are_read_back_for_every_incident_that_has_something_left() {
    let mut table = looked();
    let effects = table.keys("U r");
    let asked: Vec<_> = effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::SyncFollowUps(incidents) => Some(incidents.len()),
            _ => None,
        })
        .collect();
    assert_eq!(asked, [2]);
    assert!(table.keys("r").is_empty(), "it is being done");
    let mut table = looked();
    table.model.config.source = ConfigSource::Untrusted { hash: "a".into(), would_run: Vec::new() };
    assert!(!table.keys("U r").iter().any(|effect| matches!(effect, Effect::SyncFollowUps(_))));
    assert!(table.word().contains("not trusted"), "{}", table.word());
}

#[test]
fn an_incident_is_opened_from_its_line() {
    let mut table = looked();
    let id = sample::chronicle().incidents[1].id;
    let effects = table.keys("H j enter");
    assert!(effects.contains(&Effect::OpenIncident(id)), "{effects:?}");
    assert!(table.model.overlays.is_empty());
    table.keys("H G enter");
    assert!(table.word().contains("run flightdeck verify"), "{}", table.word());
}
