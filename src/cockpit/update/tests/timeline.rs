//! The timeline: what is folded in it, and what it is filtered by.

use super::*;
use crate::incident::{Alarm, Retracted};

fn alarm(probe: &str, to: &str) -> Body {
    Alarm { probe: probe.into(), from: "ok".into(), to: to.into(), why: "38 % (max 5 %)".into() }.into()
}

fn busy() -> Table {
    let mut table = Table::ready();
    for (probe, to) in [("errors", "failing"), ("errors", "ok"), ("errors", "failing")] {
        table.told(alarm(probe, to));
    }
    table.told(Noted { kind: NoteKind::Decision, text: "no rollback".into() });
    table.keys("1");
    table
}

fn rows(table: &Table) -> usize {
    table.model.rows(Pane::Timeline)
}

#[test]
fn one_key_folds_what_the_program_wrote_and_an_alarm_that_is_raised_since_is_seen() {
    let mut table = busy();
    assert_eq!(rows(&table), 5);
    table.keys("-");
    assert_eq!(rows(&table), 3, "declared, folded, the decision");
    assert_eq!(table.model.timeline_fold(1).map(|fold| (fold.rows, fold.alarms)), Some((3, 2)));
    let mut record = table.record(alarm("latency", "failing"));
    record.occurred_at = time(90);
    table.send(Msg::Fact(Fact::Records(vec![record])));
    assert_eq!((rows(&table), table.model.timeline_fold(3)), (4, None));
    table.keys("-");
    assert_eq!(rows(&table), 6);
}

#[test]
fn the_cursor_stays_on_what_it_was_on_when_that_is_folded() {
    let mut table = busy();
    table.keys("g j j j -");
    assert_eq!(table.model.view(Pane::Timeline).cursor, Some(1));
    // Nothing is done to an entry that nobody sees.
    assert!(table.keys("x").is_empty() && table.model.overlays.is_empty());
    assert!(table.word().contains("unfold it first: -"), "{}", table.word());
    table.keys("enter");
    assert!(matches!(table.model.overlays.last(), Some(Overlay::Entry(entry)) if entry.lines.len() == 3));
}

#[test]
fn a_fold_with_nothing_to_fold_says_so_and_a_filter_shows_what_it_finds() {
    let mut table = Table::ready();
    table.keys("1 -");
    assert!(table.word().starts_with("nothing to fold"), "{}", table.word());
    let mut table = busy();
    table.keys("- /");
    table.types("kind:alarm");
    assert_eq!(rows(&table), 3, "what is found is not folded");
    table.keys("enter esc");
    assert_eq!(rows(&table), 3, "folded as before");
}

#[test]
fn tab_offers_people_and_kinds_and_filters_at_once() {
    let mut table = busy();
    table.keys("/");
    table.types("deci");
    table.keys("tab");
    let Some(Overlay::Ask(ask)) = table.model.overlays.last() else { panic!() };
    assert_eq!(ask.input.text(), "kind:decision");
    assert_eq!(rows(&table), 1);
    table.keys("enter");
    assert_eq!(rows(&table), 1);
    table.keys("esc");
    assert_eq!(rows(&table), 5);
    // Where there are neither people nor kinds, Tab offers nothing.
    table.keys("4 /");
    table.types("deci");
    table.keys("tab");
    let Some(Overlay::Ask(ask)) = table.model.overlays.last() else { panic!() };
    assert_eq!(ask.input.text(), "deci");
}

#[test]
fn an_entry_says_who_took_it_back_and_why() {
    let mut table = busy();
    let target = table.model.timeline_entry(4).unwrap().id;
    table.told(Retracted { target, reason: "wrong meeting".into() });
    let entry = table.model.timeline_entry(4).unwrap();
    assert_eq!((entry.retracted_by, entry.retracted), (Some("maya"), Some("wrong meeting")));
}

#[test]
fn what_a_probe_saw_is_not_retracted() {
    let mut table = busy();
    table.keys("g j");
    assert!(table.keys("x").is_empty() && table.model.overlays.is_empty(), "nothing is asked");
    let wanted = "what a plan did or a probe saw cannot be retracted; write a note that says more";
    assert_eq!(table.word(), wanted);
}

#[test]
fn what_a_plan_did_is_not_retracted() {
    let mut table = confirm::running();
    table.model.overlays.clear();
    table.keys("1 G");
    assert!(table.keys("x").is_empty() && table.model.overlays.is_empty(), "nothing is asked");
    assert_eq!(
        table.word(),
        "what a plan did or a probe saw cannot be retracted; write a note that says more"
    );
    table.told(Noted { kind: NoteKind::Note, text: "it was the pool".into() });
    table.keys("G x");
    assert!(matches!(table.model.overlays.last(), Some(Overlay::Ask(_))), "a note can be");
}
