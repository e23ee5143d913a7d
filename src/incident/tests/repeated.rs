//! What is said again is known.

use super::*;

fn tick(state: CheckState, note: &str) -> Ticked {
    Ticked { item: "core".into(), title: "core workflow".into(), state, note: note.into() }
}

#[test]
fn a_tick_that_says_nothing_new_is_known_with_who_and_when() {
    let log = log([record(3, tick(CheckState::Passed, "3 orders"))]);
    let said = |state, note: &str, by: &str| {
        let known = repeated(log.state(), &tick(state, note).into(), by);
        known.map(|known| known.words(|at| at.strftime("%H:%M").to_string()))
    };
    let wanted = Some("already ticked by maya at 14:03".to_owned());
    assert_eq!(said(CheckState::Passed, "", "maya"), wanted);
    assert_eq!(said(CheckState::Passed, " 3 orders ", "Maya"), wanted);
    // A second pair of eyes, another note and another result are new.
    assert_eq!(said(CheckState::Passed, "", "omar"), None);
    assert_eq!(said(CheckState::Passed, "4 orders", "maya"), None);
    assert_eq!(said(CheckState::Failed, "", "maya"), None);
    assert_eq!(said(CheckState::Open, "", "maya"), None);
}

#[test]
fn what_is_as_it_is_said_to_be_is_known() {
    let log = log([record(1, role("lead", "omar")), record(2, note("odd"))]);
    let known = |body: Body| repeated(log.state(), &body, "li").map(|known| known.words(|_| String::new()));
    assert_eq!(known(role("lead", "omar").into()).as_deref(), Some("omar has that role already"));
    assert_eq!(known(role("lead", "li").into()), None);
    assert_eq!(known(role("lead", "").into()), None);
    assert_eq!(known(role("commander", "").into()).as_deref(), Some("nobody has that role already"));
    assert!(known(Titled { text: "Checkout answers 500".into() }.into()).is_some());
    assert_eq!(known(Titled { text: "Login fails".into() }.into()), None);
    assert!(known(Amended { target: id(2), text: "odd".into() }.into()).is_some());
    assert_eq!(known(Amended { target: id(2), text: "even".into() }.into()), None);
    assert!(known(tick(CheckState::Open, "").into()).is_some(), "nobody has ticked it");
    // The same words at another time are another note.
    assert_eq!(known(note("odd").into()), None);
}
