//! Why an approval does not count, as it is said wherever it is shown.

use super::*;
use crate::plan::proposal;

fn proposed(gates: Vec<Gate>) -> crate::incident::PlanProposed {
    proposal::propose(&plan_with(gates)).unwrap()
}

/// What is said of the last record, half an hour after the first.
fn said(told: &Told) -> Option<String> {
    void(&told.state(), &Policy::built_in(), told.last(), minutes(30))
}

fn started(told: Told, by: &str, hash: String) -> Told {
    told.by(
        by,
        PlanStarted {
            plan: "deploy-production-1".into(),
            title: "deploy".into(),
            purpose: "deploy".into(),
            target: "production".into(),
            hash,
            steps: vec!["deploy".into()],
            confirmed: String::new(),
            spec: crate::incident::Spec::default(),
        },
    )
}

#[test]
fn each_reason_is_said_and_what_counts_says_nothing() {
    let up = || Told::at(Severity::P1).by("maya", proposed(vec![approval_gate()]));
    let verbal = Approved { verbal: true, how: "on the call".into(), ..yes("lead", "omar") };
    let other = Approved { hash: "0000".into(), ..yes("lead", "omar") };
    let cases: [(&str, Told, Option<&str>); 7] = [
        ("theirs", up().by("omar", yes("lead", "omar")), None),
        ("own", up().by("maya", yes("lead", "maya")), Some("maya would approve their own plan")),
        ("verbal", up().by("maya", verbal.clone()), Some("verbal does not count here")),
        ("another role", up().by("omar", yes("on-call-manager", "omar")), Some("no approval is needed from")),
        (
            "two roles",
            up().by("omar", yes("lead", "omar")).by("omar", yes("product-manager", "omar")),
            Some("two roles are two people"),
        ),
        ("a rejection", up().by("omar", no("lead", "omar", &hash())), None),
        ("nobody has to", Told::at(Severity::P2).by("omar", other), None),
    ];
    for (what, told, wanted) in cases {
        let said = said(&told);
        match wanted {
            None => assert_eq!(said, None, "{what}"),
            Some(wanted) => {
                assert!(said.as_ref().is_some_and(|said| said.contains(wanted)), "{what}: {said:?}");
            }
        }
    }
}

#[test]
fn what_one_person_says_twice_counts_once() {
    let policy = Policy::built_in();
    let up =
        Told::at(Severity::P1).by("maya", proposed(vec![approval_gate()])).by("omar", yes("lead", "omar"));
    let lead = up.last();
    let up = up.by("omar", yes("product-manager", "omar"));
    let manager = up.last();
    let said = |told: &Told, vote| void(&told.state(), &policy, vote, minutes(30));
    let once = Some("omar counts once, as lead: two roles are two people".to_owned());
    assert_eq!(said(&up, manager), once);

    let again = up.clone().by("omar", yes("product-manager", "omar"));
    assert_eq!(said(&again, again.last()), once);
    assert_eq!(said(&again, manager), once, "that it was said again makes the first no better");
    assert_eq!(said(&again, lead), None);

    let again = up.clone().by("omar", yes("lead", "omar"));
    let later = Some("omar counts once, as lead: approved again later".to_owned());
    assert_eq!((said(&again, lead), said(&again, again.last())), (later, None));

    let run = started(up.clone(), "maya", hash()).by("omar", yes("lead", "omar"));
    assert_eq!(said(&run, lead), None, "the plan was started on that one");
    let no = up.by("omar", no("lead", "omar", &hash()));
    assert_eq!(said(&no, lead).as_deref(), Some("omar rejected it later"));
}

#[test]
fn what_was_started_is_judged_by_what_was_in_force_then() {
    let verbal = Approved { verbal: true, how: "on the call".into(), ..yes("lead", "omar") };
    let up = Told::at(Severity::P0).by("maya", proposed(vec![approval_gate()])).by("maya", verbal);
    let vote = up.last();
    let lowered = SeverityChanged { severity: Severity::P1, reason: "better".into(), answers: Vec::new() };
    let judged = |told: &Told| void(&told.state(), &Policy::built_in(), vote, minutes(30));
    assert_eq!(judged(&up), None);
    assert!(judged(&up.clone().and(lowered.clone())).is_some(), "verbal does not count any more");
    assert_eq!(judged(&started(up.clone(), "maya", hash()).and(lowered)), None, "it was started before");
    let own = judged(&started(up, "omar", hash()));
    assert!(own.is_some_and(|why| why.contains("their own plan")), "who starts it is known by then");
}

#[test]
fn a_version_that_was_proposed_later_takes_its_place() {
    let up =
        Told::at(Severity::P1).by("maya", proposed(vec![approval_gate()])).by("omar", yes("lead", "omar"));
    let vote = up.last();
    let mut later = plan_with(vec![approval_gate()]);
    later.frozen.insert("refs/heads/main".into(), "0000000".into());
    let up = up.by("maya", proposal::propose(&later).unwrap());
    let said = void(&up.state(), &Policy::built_in(), vote, minutes(30));
    assert_eq!(said.as_deref(), Some("what would be deployed changed since"));
}

#[test]
fn why_it_did_not_count_then_comes_before_what_changed_since() {
    let verbal = Approved { verbal: true, how: "on the call".into(), ..yes("lead", "omar") };
    let up = Told::at(Severity::P1).by("maya", proposed(vec![approval_gate()])).by("maya", verbal);
    let vote = up.last();
    let mut later = plan_with(vec![approval_gate()]);
    later.frozen.insert("refs/heads/main".into(), "0000000".into());
    let up = up.by("maya", proposal::propose(&later).unwrap());
    let said = void(&up.state(), &Policy::built_in(), vote, minutes(30));
    assert_eq!(said.as_deref(), Some("verbal does not count here"));
}
