//! An incident that is too long to keep its records: what it cannot take in alone is read again.

use super::*;
use crate::cockpit::Command;
use crate::incident::{Retracted, RoleTaken, Stream, Streamed};

fn unkept(records: &[Record]) -> Box<Log> {
    let mut stream = Stream::new(records.len());
    loop {
        assert!(records.iter().all(|record| stream.take(record)));
        match stream.end() {
            Streamed::Folded(log) => return log,
            Streamed::Again(again) => stream = *again,
            Streamed::Undeclared => panic!("the first declares it"),
        }
    }
}

/// An incident with a commander, the records it was made of, and one that takes that back.
fn table() -> (Table, Vec<Record>, Record) {
    let mut table = Table::new();
    let declared = Declared::example();
    let role = RoleTaken { role: "commander".into(), person: "maya".into() };
    let records = vec![table.record(declared.into()), table.record(role.into())];
    let retracted = Retracted { target: records[1].id, reason: "slip".into() };
    let retracted = table.record(retracted.into());
    table.send(Msg::Fact(Fact::Opened(unkept(&records))));
    (table, records, retracted)
}

fn reloads(effects: &[(EffectId, Effect)]) -> Vec<EffectId> {
    let is_reload = |effect: &Effect| matches!(effect, Effect::OpenIncident(_));
    effects.iter().filter(|(_, effect)| is_reload(effect)).map(|(id, _)| *id).collect()
}

#[test]
fn it_is_read_again_once_and_stays_where_it_was() {
    let (mut table, mut records, retracted) = table();
    table.model.view_mut(Pane::Timeline).cursor = Some(1);
    let effects = table.send(Msg::Fact(Fact::Records(vec![retracted.clone()])));
    let [reload] = reloads(&effects)[..] else { panic!("one: {effects:?}") };
    assert_eq!(reloads(&table.send(Msg::Fact(Fact::Records(vec![retracted.clone()])))), []);
    records.push(retracted);
    table.send(Msg::Done(reload, Ok(Done::Opened(unkept(&records)))));
    assert!(table.model.incident().unwrap().roles.is_empty());
    assert_eq!(table.model.view(Pane::Timeline).cursor, Some(1));
}

#[test]
fn who_left_it_meanwhile_is_not_brought_back() {
    let (mut table, mut records, retracted) = table();
    let effects = table.send(Msg::Fact(Fact::Records(vec![retracted.clone()])));
    let [reload] = reloads(&effects)[..] else { panic!("one: {effects:?}") };
    table.keys("i l");
    assert!(table.model.log.is_none(), "{:?}", Command::Incidents);
    records.push(retracted);
    table.send(Msg::Done(reload, Ok(Done::Opened(unkept(&records)))));
    assert!(table.model.log.is_none());
}

#[test]
fn a_failure_is_told_and_it_is_tried_again_with_the_next_record() {
    let (mut table, _, retracted) = table();
    let effects = table.send(Msg::Fact(Fact::Records(vec![retracted.clone()])));
    let [reload] = reloads(&effects)[..] else { panic!("one: {effects:?}") };
    table.send(Msg::Done(reload, Err(Failure::new("reading the journal", "busy", "try again"))));
    assert_eq!(table.model.failures.len(), 1);
    assert_eq!(reloads(&table.send(Msg::Fact(Fact::Records(vec![retracted])))).len(), 1);
}
