//! The severity: by the questions of the tree, outright, and what is said of one that needs no hotfix.

use super::*;
use crate::cockpit::overlay::DeclareStep;
use crate::incident::{PolicyChange, SeverityChanged};

/// The change that goes into the record.
fn changed(effects: &[Effect]) -> &SeverityChanged {
    let [Effect::Append(drafts)] = effects else { panic!("{effects:?}") };
    let [draft] = drafts.as_slice() else { panic!("{drafts:?}") };
    let Body::SeverityChanged(changed) = &draft.body else { panic!("{:?}", draft.body) };
    changed
}

#[test]
fn what_nobody_can_tell_counts_as_yes_and_is_on_record() {
    let mut table = Table::new();
    table.keys("D");
    table.types("nobody can pay");
    table.keys("enter n ? enter");
    let effects = table.keys("enter");
    let [Effect::Declare { declared, .. }] = effects.as_slice() else { panic!("{effects:?}") };
    assert_eq!(declared.severity, Severity::P1);
    let said: Vec<_> = declared.answers.iter().map(|answer| (answer.yes, answer.unsure)).collect();
    assert_eq!(said, [(false, false), (true, true)]);
}

#[test]
fn the_questions_set_the_severity_anew() {
    let mut table = Table::open();
    table.keys("s t n y");
    table.types("only a part");
    let effects = table.keys("enter");
    let changed = changed(&effects);
    assert_eq!(
        (changed.severity, changed.reason.as_str(), changed.answers.len()),
        (Severity::P1, "only a part", 2)
    );
    assert!(table.model.overlays.is_empty());

    table.keys("s t y");
    assert!(table.complaint().contains("it is P0 already"), "{}", table.complaint());
    table.keys("esc");
    assert!(table.model.overlays.is_empty());
}

#[test]
fn a_severity_that_needs_no_hotfix_offers_a_ticket_wherever_it_is_set() {
    for keys in ["s 2", "s t n n"] {
        let mut table = Table::open();
        table.keys(keys);
        let on_backlog = |table: &Table| matches!(table.model.overlays.last(), Some(Overlay::Declare(d)) if d.step == DeclareStep::Backlog);
        assert!(on_backlog(&table), "{keys}");
        let effects = table.keys("c");
        assert!(
            matches!(&effects[..], [Effect::Copy(text)] if text.contains("Checkout answers 500")),
            "{keys}"
        );
        table.types("a typo");
        let effects = table.keys("enter");
        assert_eq!(changed(&effects).severity, Severity::P2, "{keys}");
    }
    let mut table = Table::open();
    table.keys("s 2 n");
    assert!(table.model.overlays.is_empty(), "it is left as it is");
}

#[test]
fn keys_and_names_are_the_teams() {
    let mut table = Table::open();
    let own = "[P0]\nname = \"SEV1\"\n[P1]\nname = \"SEV2\"\n[P2]\nname = \"SEV3\"";
    table.model.policy = table.model.policy.clone().with(&toml::from_str::<PolicyChange>(own).unwrap());
    table.keys("s");
    let Some(Overlay::Menu(menu)) = table.model.overlays.last() else { panic!("no menu") };
    assert!(menu.items[1].label.starts_with("SEV2 "), "{}", menu.items[1].label);
    table.keys("2");
    table.types("half of them");
    assert_eq!(changed(&table.keys("enter")).severity, Severity::P1);
}
