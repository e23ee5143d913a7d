//! Saying that it is over while something is open.

use super::*;
use crate::incident::{FollowUpAdded, Resolved};

/// What is recorded when it is said to be over, with this reason.
fn resolved(table: &mut Table, reason: &str) -> Option<Resolved> {
    table.keys("i x");
    table.shown();
    table.keys("y");
    table.shown();
    table.types(reason);
    let effects = table.keys("enter");
    effects.into_iter().find_map(|effect| match effect {
        Effect::Append(drafts) => drafts.into_iter().find_map(|draft| match draft.body {
            Body::Resolved(resolved) => Some(resolved),
            _ => None,
        }),
        _ => None,
    })
}

#[test]
fn what_was_open_goes_into_the_record_with_the_reason() {
    let mut table = Table::ready();
    let recorded = resolved(&mut table, "the rest is a follow-up").unwrap();
    assert_eq!(recorded.reason, "the rest is a follow-up");
    assert!(recorded.open.iter().any(|line| line == "no cause is recorded"), "{:?}", recorded.open);
    assert!(recorded.open.iter().any(|line| line.contains("stakeholders")), "{:?}", recorded.open);
}

#[test]
fn without_a_reason_nothing_is_recorded() {
    let mut table = Table::ready();
    assert_eq!(resolved(&mut table, " "), None);
    assert!(table.complaint().contains("a reason is needed"), "{}", table.complaint());
}

#[test]
fn closing_names_the_follow_ups_that_stay_open() {
    let mut table = Table::ready();
    let due = Some("2026-12-05".parse().unwrap());
    table.told(FollowUpAdded { text: "a test with no card".into(), owner: "omar".into(), due, of: None });
    table.told(Resolved::default());
    table.keys("i C");
    let Some(Overlay::Confirm(asked)) = table.model.overlays.last() else { panic!("nothing is asked") };
    assert_eq!(asked.title, "Close it with follow-ups open?");
    assert!(asked.body.contains("a test with no card (omar, due 2026-12-05)"), "{}", asked.body);
}

#[test]
fn the_key_of_the_help_opens_it_over_a_question_too() {
    let mut table = Table::ready();
    table.keys("i x");
    table.shown();
    table.keys("?");
    assert!(matches!(table.model.overlays.last(), Some(Overlay::Help(..))), "{:?}", table.model.word);
    table.keys("esc");
    assert!(matches!(table.model.overlays.last(), Some(Overlay::Confirm(_))), "the question is still there");
}
