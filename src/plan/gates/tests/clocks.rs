//! Approvals and clocks that are wrong.

use super::*;
use crate::incident::{NoteKind, Noted};

#[test]
fn an_approval_gets_no_younger_when_a_clock_is_set_back() {
    let noted =
        |told: Told, clock| told.and(Noted { kind: NoteKind::Note, text: "seen".into() }).with_clock(clock);
    let old = "engineering lead: the approval of omar is older than 4h; \
               product manager: the approval of li is older than 4h";
    let later = noted(approved(), 300);
    says(&stands(approval_gate(), &later, "maya", 100), Met::No, old);
    // Whatever is written after that.
    says(&stands(approval_gate(), &noted(later.clone(), 100), "maya", 101), Met::No, old);
    let renewed = later.by("omar", yes("lead", "omar")).by("li", yes("product-manager", "li"));
    assert_eq!(stands(approval_gate(), &renewed, "maya", 100).met, Met::Yes, "given again");
    // A clock that was wrong before an approval says nothing about its age.
    let ahead = noted(Told::at(Severity::P1), 1440);
    let ahead = ahead.by("omar", yes("lead", "omar")).by("li", yes("product-manager", "li"));
    assert_eq!(stands(approval_gate(), &ahead, "maya", 100).met, Met::Yes);
}

#[test]
fn an_approval_from_the_future_does_not_count_until_then() {
    let told = Told::at(Severity::P1).by("li", yes("product-manager", "li"));
    let told = told.by("omar", yes("lead", "omar")).with_clock(60);
    let why = "engineering lead: the approval of omar is dated 10m ahead of this machine's clock";
    says(&stands(approval_gate(), &told, "maya", 50), Met::No, why);
    assert_eq!(stands(approval_gate(), &told, "maya", 58).met, Met::Yes, "clocks differ a little");
}
