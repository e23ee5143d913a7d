//! What somebody says is live, and that a release was not at fault: asked before it is recorded.

use super::*;
use crate::incident::{ReleaseJudged, Released, WatchVerdict};

fn released(commit: &str, rollback: bool) -> Released {
    Released {
        environment: "production".into(),
        reference: "v1.4.2".into(),
        commit: commit.repeat(40),
        tag: Some("v1.4.2".into()),
        version: None,
        plan: String::new(),
        rollback,
        replaces: None,
    }
}

fn question(table: &Table) -> String {
    let Overlay::Confirm(asked) = table.top() else { panic!("{:?}", table.top()) };
    asked.title.clone()
}

/// The commit of what was typed is found.
fn found(table: &mut Table) {
    let id = table.model.next_effect;
    table.send(Msg::Done(id, Ok(Done::Live(Box::new(released("a", false))))));
}

#[test]
fn what_is_live_is_asked_before_it_is_recorded_and_said_again_it_is_good() {
    let mut table = Table::ready();
    table.keys(":");
    table.types("what is live");
    table.keys("enter");
    assert!(table.keys("enter").is_empty() && !table.complaint().is_empty(), "nothing was named");
    table.types("v1.4.2");
    let effects = table.keys("enter");
    let [Effect::FindLive { environment, reference }] = &effects[..] else { panic!("{effects:?}") };
    assert_eq!((environment.as_str(), reference.as_str()), ("production", "v1.4.2"));
    found(&mut table);
    assert_eq!(question(&table), "Is this live in production?");
    table.shown();
    let effects = table.keys("y");
    let [Effect::Append(drafts)] = &effects[..] else { panic!("{effects:?}") };
    assert!(matches!(&drafts[0].body, Body::Released(said) if said.commit == "a".repeat(40)), "{drafts:?}");
    table.told(released("a", false));
    found(&mut table);
    assert_eq!(question(&table), "Did v1.4.2 serve users well?");
    table.shown();
    let effects = table.keys("y");
    let [Effect::Append(drafts)] = &effects[..] else { panic!("{effects:?}") };
    let Body::ReleaseJudged(good) = &drafts[0].body else { panic!("{drafts:?}") };
    assert_eq!(good.verdict, WatchVerdict::Passed);
    table.told(good.clone());
    found(&mut table);
    assert!(table.word().contains("says so already"), "{}", table.word());
}

#[test]
fn what_was_taken_back_is_cleared_with_a_reason_and_a_question() {
    let mut table = Table::ready();
    table.told(released("a", false));
    table.told(Released { reference: "v1.4.1".into(), tag: Some("v1.4.1".into()), ..released("b", true) });
    table.keys(":");
    table.types("clear a release");
    table.keys("enter");
    table.types("the bank was down");
    table.keys("enter");
    assert_eq!(question(&table), "Allow it again?");
    table.shown();
    let effects = table.keys("y");
    let [Effect::Append(drafts)] = &effects[..] else { panic!("{effects:?}") };
    let Body::ReleaseJudged(ReleaseJudged { commit, why, verdict, .. }) = &drafts[0].body else {
        panic!("{drafts:?}")
    };
    assert_eq!((commit.as_str(), why.as_str()), ("a".repeat(40).as_str(), "the bank was down"));
    assert_eq!(*verdict, WatchVerdict::Unknown);
}
