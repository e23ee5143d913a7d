//! Commits that were no good in an environment are not let in again.

use super::*;
use crate::incident::{ReleaseJudged, Released, WatchVerdict};

fn released(commit: &str, rollback: Option<&str>) -> Released {
    Released {
        environment: "production".into(),
        reference: "main".into(),
        commit: commit.into(),
        tag: None,
        version: None,
        plan: format!("deploy-{commit}"),
        rollback: rollback.is_some(),
        replaces: rollback.map(Into::into),
    }
}

fn judged(commit: &str, verdict: WatchVerdict) -> ReleaseJudged {
    ReleaseJudged {
        environment: "production".into(),
        commit: commit.into(),
        plan: format!("deploy-{commit}"),
        verdict,
        why: "errors 40 %".into(),
    }
}

fn found(told: &Told, commits: &[&str]) -> Option<(String, bool)> {
    let found = verdict(&told.state(), &Policy::built_in(), "production", commits)?;
    Some((found.why, found.may_pass_over))
}

#[test]
fn a_good_release_of_the_same_content_does_not_clear_what_failed_its_watch() {
    let told = Told::at(Severity::P0)
        .and(released("good", None))
        .and(judged("good", WatchVerdict::Passed))
        .and(released("bad", None))
        .and(judged("bad", WatchVerdict::Failed));
    let back = told.clone().and(released("good", Some("bad"))).and(judged("good", WatchVerdict::Passed));
    for told in [&told, &back] {
        let (why, may_pass_over) = found(told, &["bad", "good"]).unwrap();
        assert!(why.contains("failed its watch at") && why.contains("errors 40 %"), "{why}");
        assert!(!may_pass_over);
    }
    // It is the same the other way round: what failed under another commit is no better under this.
    assert!(found(&told, &["merged", "bad"]).is_some());
    assert_eq!(found(&told, &["better"]), None);
    let again = back.and(released("bad", None)).and(judged("bad", WatchVerdict::Passed));
    assert_eq!(found(&again, &["bad"]), None, "its watch passed since");
}

#[test]
fn a_commit_whose_canary_failed_is_shut_out_although_it_was_never_there_for_everybody() {
    let told = Told::at(Severity::P0)
        .and(released("good", None))
        .and(judged("good", WatchVerdict::Passed))
        .and(judged("bad", WatchVerdict::Failed));
    let (why, may_pass_over) = found(&told, &["bad"]).unwrap();
    assert!(why.contains("failed its canary at") && why.contains("errors 40 %"), "{why}");
    assert!(!may_pass_over);
    assert_eq!(found(&told, &["good"]), None);
    assert_eq!(found(&told, &["better"]), None);
    let since = told.and(released("bad", None)).and(judged("bad", WatchVerdict::Passed));
    assert_eq!(found(&since, &["bad"]), None, "its watch passed since");
}
