//! Questions about what is over by now: they say so, and nothing is confirmed.

use super::*;
use crate::cockpit::commands::Command;
use crate::incident::{
    Closed, Decided, Mitigated, Outcome, Proposed, RecordId, Resolved, StepEnded, StepStarted, TaskEnded,
    TaskGiven, Ticked,
};

fn after(table: &Table) -> Vec<RecordId> {
    table.model.incident().unwrap().heads.iter().map(|head| head.record).collect()
}

fn mitigate(table: &mut Table) {
    let after = after(table);
    table.told(Mitigated { after });
}

fn resolve(table: &mut Table) {
    let after = after(table);
    table.told(Resolved { after, ..Resolved::default() });
}

fn propose(table: &mut Table) {
    let until = table.model.now;
    table.told(Proposed { text: "roll back".into(), until });
}

fn refuse(table: &mut Table) {
    let proposal = table.model.incident().unwrap().motions[0].id;
    table.told(Decided { proposal, accepted: false, reason: String::new() });
}

fn tick(table: &mut Table, state: CheckState) {
    let item = table.model.checklist_rows().next().unwrap().1.clone();
    table.told(Ticked { item: item.id, title: item.title, state, note: "502".into() });
}

/// The question on top says this of itself, and no key but that which closes it does anything.
fn is_over(table: &mut Table, said: &str) {
    let lapsed = |table: &Table| match table.model.overlays.last() {
        Some(Overlay::Confirm(asked)) => asked.lapsed.clone(),
        other => panic!("{said}: no question: {other:?}"),
    };
    table.shown();
    assert!(lapsed(table).starts_with(said), "{}", lapsed(table));
    assert!(table.keys("y").is_empty(), "{said}");
    assert!(table.word().starts_with("y does nothing here. "), "{}", table.word());
    assert!(!lapsed(table).is_empty(), "it stays to be read");
    table.keys("esc");
    assert!(!matches!(table.model.overlays.last(), Some(Overlay::Confirm(_))), "{said}");
}

#[test]
fn a_question_about_what_was_decided_meanwhile_says_so_and_records_nothing() {
    type Does = fn(&mut Table);
    let cases: [(&str, Does, Does, &str); 8] = [
        ("i m", |_| {}, mitigate, "maya recorded that users are served again at "),
        ("i x", |_| {}, resolve, "maya resolved the incident at "),
        (
            "i C",
            resolve,
            |table| {
                let after = after(table);
                table.told(Closed { after });
            },
            "maya closed the incident at ",
        ),
        ("i h v", |_| {}, resolve, "maya resolved the incident at "),
        ("w y", propose, refuse, "Somebody recorded at "),
        (
            "4 space",
            |table| tick(table, CheckState::Failed),
            |table| tick(table, CheckState::Passed),
            "maya ticked it at ",
        ),
        (
            "4 space",
            |table| tick(table, CheckState::Passed),
            |table| tick(table, CheckState::Failed),
            "maya marked it as failed at ",
        ),
        (
            "4 space",
            |table| tick(table, CheckState::Na),
            |table| tick(table, CheckState::Open),
            "maya reopened it at ",
        ),
    ];
    for (keys, before, meanwhile, said) in cases {
        let mut table = Table::ready();
        before(&mut table);
        table.keys(keys);
        assert!(
            matches!(table.model.overlays.last(), Some(Overlay::Confirm(asked)) if asked.lapsed.is_empty()),
            "{keys}: {:?}",
            table.model.overlays.last()
        );
        meanwhile(&mut table);
        is_over(&mut table, said);
    }
}

#[test]
fn an_item_that_was_looked_at_is_reopened_only_by_yes() {
    for state in [CheckState::Passed, CheckState::Failed, CheckState::Na] {
        let mut table = Table::ready();
        tick(&mut table, state);
        assert!(table.keys("4 space").is_empty(), "{state:?}");
        table.shown();
        let effects = table.keys("y");
        let [Effect::Append(drafts)] = effects.as_slice() else { panic!("{state:?}: {effects:?}") };
        let Body::Ticked(ticked) = &drafts[0].body else { panic!("{drafts:?}") };
        assert_eq!(ticked.state, CheckState::Open, "{state:?}");
    }
}

#[test]
fn a_stop_of_what_has_ended_says_so() {
    let mut table = Table::ready();
    table.started(&plan(None, Reach::Others));
    let run = "deploy-1.0".to_owned();
    table.told(StepStarted {
        plan: "deploy-1".into(),
        step: 0,
        run: run.clone(),
        process: None,
        undo: false,
    });
    super::super::ending::ask_stop(
        &mut super::super::Cx { model: &mut table.model, effects: Vec::new(), said: false },
        &Command::Stop.into(),
    );
    let outcome = Outcome::Exited { code: 0 };
    let (summary, survivors) = (String::new(), Vec::new());
    table.told(StepEnded {
        plan: "deploy-1".into(),
        step: 0,
        run,
        outcome,
        summary,
        survivors,
        unproven: false,
        tail: Vec::new(),
    });
    is_over(&mut table, "It has ended");
}

#[test]
fn a_decision_about_a_plan_that_moved_on_says_so() {
    let mut table = Table::waiting(None);
    table.keys("o r");
    assert!(matches!(table.model.overlays.last(), Some(Overlay::Decide(asked)) if !asked.lapsed));
    let run = "deploy-1.1.2".to_owned();
    table.told(StepStarted { plan: "deploy-1".into(), step: 1, run, process: None, undo: false });
    table.shown();
    let Some(Overlay::Decide(asked)) = table.model.overlays.last() else { panic!("it is gone") };
    assert!(asked.lapsed && asked.complaint.contains("the plan has moved on"), "{}", asked.complaint);
    assert!(table.keys("y").is_empty());
    table.keys("esc");
    assert!(!matches!(table.model.overlays.last(), Some(Overlay::Decide(_))));
}

#[test]
fn a_line_about_what_was_ended_meanwhile_is_not_recorded() {
    let mut table = Table::ready();
    let until = table.model.now;
    table.told(TaskGiven { text: "look at the pool".into(), owner: "omar".into(), until });
    table.keys("w 1");
    table.types("the pool is fine");
    let task = table.model.incident().unwrap().tasks[0].id;
    table.told(TaskEnded { task, done: true, result: String::new() });
    assert!(table.keys("enter").is_empty());
    assert!(table.complaint().contains("The task was ended at "), "{}", table.complaint());
}
