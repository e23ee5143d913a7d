//! What speaks against its being over, and what is kept of that.

use super::*;

fn open(log: &Log, facts: &Facts) -> String {
    against(Claim::Resolved, log.state(), &Policy::built_in(), facts, minutes(90)).join("\n")
}

#[test]
fn what_was_open_is_kept_and_said_with_the_reason() {
    let over = Resolved {
        after: vec![id(0)],
        open: vec!["no cause is recorded".into(), "2 checklist items open".into()],
        reason: "the rest is a follow-up".into(),
    };
    let log = log([record(60, over)]);
    let [ending] = log.state().endings.as_slice() else { panic!("one") };
    assert_eq!((ending.open.len(), ending.reason.as_str()), (2, "the rest is a follow-up"));
    assert_eq!(
        line(log.state(), 1).text,
        "resolved: the rest is a follow-up (open then: no cause is recorded; 2 checklist items open)"
    );
}

#[test]
fn with_nothing_open_the_record_is_as_it_always_was() {
    let body: Body = Resolved { after: vec![id(1)], ..Resolved::default() }.into();
    let id = serde_json::to_string(&id(1)).unwrap();
    assert_eq!(serde_json::to_string(&body).unwrap(), format!("{{\"after\":[{id}]}}"));
}

#[test]
fn whom_nobody_told_since_users_are_served_is_named() {
    let told = |minute, who: &str| record(minute, Told { audience: who.into(), ..Told::default() });
    let served = || record(30, Mitigated { after: vec![id(0)] });
    let said = open(&log([served()]), &Facts::default());
    assert!(said.contains("nobody recorded that stakeholders were told"), "{said}");
    let said = open(&log([told(5, "stakeholders"), told(6, "support"), served()]), &Facts::default());
    assert!(said.contains("stakeholders: not told since users are served again"), "{said}");
    assert!(said.contains("support: not told since users are served again"), "{said}");
    let late = log([told(5, "stakeholders"), served(), told(31, "update")]);
    assert!(!open(&late, &Facts::default()).contains("stakeholders"));
}

#[test]
fn a_third_party_that_is_not_well_and_a_hotfix_that_is_missing_speak_against_it() {
    let facts = Facts { third_parties: vec!["payments".into()], ..Facts::default() };
    let said = open(&log([]), &facts);
    assert!(said.contains("a third party is not well yet: payments"), "{said}");
    assert!(said.contains("no fix is in production"), "{said}");
    let text = "No hotfix, because the provider mends it".to_owned();
    let decided = log([record(5, Noted { kind: NoteKind::Decision, text })]);
    let why = decided.state().no_hotfix.as_ref().map(|(_, why)| why.as_str());
    assert_eq!(why, Some("because the provider mends it"));
    assert!(!open(&decided, &Facts::default()).contains("no fix is in production"));
}

#[test]
fn a_rollback_alone_is_no_fix_whatever_is_said_to_be_over() {
    let back = Released {
        environment: "production".into(),
        reference: "v1.4.1".into(),
        commit: "77b0d13".repeat(6),
        tag: Some("v1.4.1".into()),
        version: None,
        plan: String::new(),
        rollback: true,
        replaces: None,
    };
    let facts = Facts {
        environments: vec![("production".to_owned(), true)],
        third_parties: vec!["payments".into()],
        failing_elsewhere: vec![("staging".into(), "errors".into())],
        ..Facts::default()
    };
    let unfixed = "no fix has shipped: production is back on v1.4.1";
    let rolled = || log([record(20, back.clone())]);
    assert!(open(&rolled(), &facts).contains(unfixed), "{}", open(&rolled(), &facts));
    let after =
        log([record(20, back.clone()), record(60, Resolved { after: vec![id(0)], ..Resolved::default() })]);
    let close = against(Claim::Closed, after.state(), &Policy::built_in(), &facts, minutes(90)).join("\n");
    for wanted in [unfixed, "a third party is not well yet: payments", "staging still fails"] {
        assert!(close.contains(wanted), "{wanted}:\n{close}");
    }
    let left = next(after.state(), &Policy::built_in(), &facts, minutes(90));
    let left: Vec<&str> = left.iter().map(|next| next.title.as_str()).collect();
    assert!(left.contains(&"write down who ships the fix: production is back on v1.4.1"), "{left:?}");
    let decided = Noted { kind: NoteKind::Decision, text: "No hotfix, v1.4.2 is not needed".into() };
    let none = log([record(20, back), record(25, decided)]);
    assert!(!open(&none, &facts).contains("no fix has shipped"));
}

#[test]
fn health_counts_as_verified_by_a_watch_that_passed() {
    let environments = vec![("staging".to_owned(), false), ("production".to_owned(), true)];
    let facts = Facts { environments, healthy: Some(true), ..Facts::default() };
    let none = log([]);
    // Where nothing was brought there is nothing to watch.
    assert!(!open(&none, &facts).contains("watch"), "{}", open(&none, &facts));
    let released = Released {
        environment: "production".into(),
        reference: "main".into(),
        commit: "77b0d13".repeat(6),
        tag: Some("v1.4.3".into()),
        version: None,
        plan: "d".into(),
        rollback: false,
        replaces: None,
    };
    let judged = |verdict| ReleaseJudged {
        environment: "production".into(),
        commit: "77b0d13".repeat(6),
        plan: "d".into(),
        verdict,
        why: String::new(),
    };
    let live = || record(20, released.clone());
    assert!(open(&log([live()]), &facts).contains("v1.4.3 was not watched to the end"));
    let failed = log([live(), record(25, judged(WatchVerdict::Failed))]);
    assert!(open(&failed, &facts).contains("the watch of v1.4.3 failed"));
    let passed = log([live(), record(25, judged(WatchVerdict::Passed))]);
    assert!(!open(&passed, &facts).contains("watch"), "{}", open(&passed, &facts));
}
