//! The page that says how a drill went.

use super::*;
use crate::cockpit::model::DrillEnd;
use crate::cockpit::msg::Lessons;
use crate::cockpit::overlay::GradeView;
use crate::drill::scenario::{Asked, Lesson};
use crate::incident::Resolved;

fn drill() -> Table {
    let mut table = Table::open();
    table.model.drill = true;
    table.model.drill_end = Some(DrillEnd::Removed);
    table
}

fn page(table: &Table) -> Option<&GradeView> {
    match table.model.overlays.last() {
        Some(Overlay::Grade(view)) => Some(view),
        _ => None,
    }
}

#[test]
fn the_end_of_a_drill_shows_how_it_went() {
    let mut table = drill();
    let record = table.record(Resolved::default().into());
    let effects = table.send(Msg::Fact(Fact::Records(vec![record.clone()])));
    let Some((id, Effect::Grade { .. })) = effects.last() else { panic!("{effects:?}") };
    assert!(page(&table).is_some_and(|view| !view.leaving));
    // What the drill is about comes a moment later.
    let lesson =
        Lesson { title: "Deploy nothing".into(), asked: Asked::NoDeploy, why: "It is theirs.".into() };
    let found = Lessons { lessons: vec![lesson], change: None };
    table.send(Msg::Done(*id, Ok(Done::Lessons(Box::new(found)))));
    assert!(page(&table).unwrap().lines.iter().any(|line| line.title == "Deploy nothing"));
    table.keys("esc");
    assert!(page(&table).is_none());
    // The same record coming back from the journal ends nothing anew.
    table.send(Msg::Fact(Fact::Records(vec![record])));
    assert!(page(&table).is_none());
    table.keys("i g");
    assert!(page(&table).is_some());
}

#[test]
fn it_is_read_on_the_way_out_and_another_key_asks() {
    let mut table = drill();
    table.keys("q");
    assert!(page(&table).is_some_and(|view| view.leaving));
    table.keys("esc");
    assert!(table.model.overlays.is_empty(), "esc stays");
    table.keys("q q");
    assert!(
        matches!(table.model.overlays.last(), Some(Overlay::Confirm(asked)) if asked.title == "Leave the drill?")
    );
    table.shown();
    assert!(table.keys("y").contains(&Effect::Quit));
}

#[test]
fn outside_of_a_drill_there_is_none() {
    let mut table = Table::open();
    let record = table.record(Resolved::default().into());
    table.send(Msg::Fact(Fact::Records(vec![record])));
    table.keys("i g");
    assert!(page(&table).is_none());
}
