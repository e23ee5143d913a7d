//! What people hear while others mend it.

use super::*;
use crate::incident::Retracted;

#[test]
fn a_rollback_is_told_also_where_its_end_was_once_taken_back() {
    let mut story = Story::begun();
    story.brings(3, "rollback", "roll production back to v1.4.1", "v1.4.1");
    let ended = story.0.iter().rfind(|record| record.body.kind() == "plan-ended").unwrap().id;
    story.at(6, Retracted { target: ended, reason: "x".into() });
    let said = text(&story, 7, MessageKind::Update, &[]);
    assert!(said.contains("rolled production back to v1.4.1"), "{said}");
}

#[test]
fn what_a_third_party_broke_is_waited_for_and_what_is_still_off_is_said() {
    let mut story = Story::begun();
    let flag = json!({
        "plan": "flag-1", "title": "turn charge-at-once off", "purpose": "flag",
        "target": "flag:charge-at-once", "hash": "", "steps": [], "spec": {},
    });
    story.at(3, of::<PlanStarted>(flag));
    story.at(4, of::<PlanEnded>(json!({ "plan": "flag-1", "end": "done" })));
    story.at(5, Mitigated::default());
    story.at(6, CauseDescribed { text: "the provider refuses charges".into() });
    // Nobody has begun a fix.
    assert!(
        text(&story, 7, MessageKind::Update, &[]).contains("We know the cause, and are deciding on a fix.")
    );
    // Whoever does not read it takes it as on again.
    assert!(text(&story, 7, MessageKind::Update, &[]).contains("\ncharge-at-once is still off.\n"));
    story.at(8, PhaseEntered { phase: Phase::Develop });
    let text = "no hotfix: it is the provider's outage".to_owned();
    story.at(9, Noted { kind: NoteKind::Decision, text });
    let (state, policy, theirs) = (story.state(), Policy::built_in(), ["payment provider".to_owned()]);
    let said = |third_parties: &[String]| {
        let sight = Sight {
            state: &state,
            policy: &policy,
            number: &state.number,
            service: "shop",
            numbers: &[],
            seen: Seen::Well,
            third_parties,
            now: minute(10),
        };
        draft(&sight, MessageKind::Resolved, "stakeholders", &[]).text
    };
    let waits = said(&theirs);
    let wanted = "It needs no fix of ours: we are waiting for a third party to recover (payment provider).";
    assert!(waits.contains(wanted) && !waits.contains("working on a fix"), "{waits}");
    assert!(waits.contains("\ncharge-at-once is still off.\n"), "{waits}");
    assert!(said(&[]).contains("It needs no fix of ours, and we are watching it."));
}

#[test]
fn what_it_ended_without_is_said_to_those_outside() {
    let mut story = Story::begun();
    story.brings(3, "rollback", "roll production back to v1.4.1", "v1.4.1");
    let theirs = ["payment provider".to_owned()];
    let said = |story: &Story, third_parties: &[String]| {
        let (state, policy) = (story.state(), Policy::built_in());
        let sight = Sight {
            state: &state,
            policy: &policy,
            number: &state.number,
            service: "shop",
            numbers: &[],
            seen: Seen::Well,
            third_parties,
            now: minute(20),
        };
        draft(&sight, MessageKind::Resolved, "stakeholders", &[]).text
    };
    let after = vec![RecordId(Uuid::from_u128(1))];
    story.at(8, Mitigated { after });
    let served = said(&story, &theirs);
    assert!(served.contains("Payment provider still has problems, and we are watching that."), "{served}");
    let after = story.state().heads.iter().map(|head| head.record).collect();
    story.at(9, Resolved { after, ..Resolved::default() });
    let over = said(&story, &theirs);
    let fix = "The fix is still to come: production stays on v1.4.1 until then.";
    assert!(over.contains(fix) && over.contains("Payment provider still has problems"), "{over}");
    story.brings(12, "deploy", "deploy v1.4.3 to production", "v1.4.3");
    assert!(!said(&story, &[]).contains("still to come"), "{}", said(&story, &[]));
}
