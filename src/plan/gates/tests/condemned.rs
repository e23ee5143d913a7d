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
fn what_was_taken_back_is_let_in_again_only_where_somebody_recorded_why_it_was_not_at_fault() {
    let clear = |commit: &str| ReleaseJudged {
        plan: String::new(),
        verdict: WatchVerdict::Unknown,
        why: "the bank was down".into(),
        ..judged(commit, WatchVerdict::Unknown)
    };
    for severity in [Severity::P0, Severity::P1] {
        let told = Told::at(severity)
            .and(released("good", None))
            .and(judged("good", WatchVerdict::Passed))
            .and(released("taken", None))
            .and(released("good", Some("taken")));
        let (why, may_pass_over) = found(&told, &["taken"]).unwrap();
        assert!(why.contains("was rolled back at") && !may_pass_over, "{why}");
        assert!(why.ends_with("flightdeck clear production taken --reason WHY"), "{why}");
        // The word is about that commit, and about what happened before it.
        assert!(found(&told.clone().and(clear("good")), &["taken"]).is_some());
        let cleared = told.and(clear("taken"));
        assert_eq!(found(&cleared, &["taken"]), None);
        assert!(!cleared.state().releases[1].is_good(), "nobody has seen that it works");
        let again = cleared.and(released("taken", None)).and(released("good", Some("taken")));
        assert!(found(&again, &["taken"]).is_some(), "it was taken back once more");
    }
    // No word opens what failed its watch when everybody had it. A canary may be blamed for what failed before it.
    let failed = Told::at(Severity::P0).and(released("bad", None)).and(judged("bad", WatchVerdict::Failed));
    assert!(found(&failed.and(clear("bad")), &["bad"]).is_some_and(|(_, may)| !may));
    let canary = Told::at(Severity::P0).and(judged("bad", WatchVerdict::Failed));
    assert!(found(&canary, &["bad"]).is_some_and(|(_, may)| !may));
    assert_eq!(found(&canary.and(clear("bad")), &["bad"]), None);
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

/// A canary that got half of the users, and was stopped there.
fn half_way(undo: Option<i32>) -> State {
    let ran = |step, undo, outcome| {
        let (plan, run) = ("c".to_owned(), format!("c.{step}{undo}"));
        let begun = StepStarted { plan: plan.clone(), step, run: run.clone(), process: None, undo };
        let (summary, survivors) = (String::new(), Vec::new());
        (begun, StepEnded { plan, step, run, outcome, summary, survivors, unproven: false, tail: Vec::new() })
    };
    let (begun, over) = ran(0, false, Outcome::Exited { code: 0 });
    let mut told = Told::at(Severity::P1)
        .and(PlanStarted {
            plan: "c".into(),
            title: "deploy v1.4.3".into(),
            purpose: "deploy".into(),
            target: "production".into(),
            hash: String::new(),
            steps: vec![crate::incident::share_title(50), "look at 50 %".into()],
            confirmed: String::new(),
            spec: serde_json::json!({ "release": { "tag": "v1.4.3" } }).into(),
        })
        .and(begun)
        .and(over);
    if let Some(code) = undo {
        let (begun, over) = ran(0, true, Outcome::Exited { code });
        told = told.and(begun).and(over);
    }
    told.and(PlanEnded { plan: "c".into(), end: PlanEnd::Cancelled, why: String::new() }).state()
}

#[test]
fn nothing_is_deployed_beside_a_canary_that_was_left_behind_nor_rolled_back_by_a_deploy() {
    let refused = |plan: &Plan, state: &State| {
        let policy = Policy::built_in();
        let standings = evaluate(plan, "hash", state, &policy, "maya", minutes(60));
        let refused = crate::plan::remedy::Refused {
            plan,
            hash: "hash",
            state,
            policy: &policy,
            by: "maya",
            now: minutes(60),
        };
        let hint = refused.hint(&standings);
        standings.into_iter().find(|one| one.id == CANARY).map(|one| (one, hint))
    };
    let deploy = plan_with(Vec::new());
    let redeploy = Plan { purpose: Purpose::Rollback, way: Some("redeploy".into()), ..deploy.clone() };
    for plan in [&deploy, &redeploy] {
        let (standing, hint) = refused(plan, &half_way(None)).unwrap();
        assert_eq!(standing.why, "v1.4.3 still has 50 % of production");
        assert!(standing.shuts() && !standing.may_pass_over);
        assert!(
            hint.contains("flightdeck plan undo c") && hint.contains("flightdeck plan resume c"),
            "{hint}"
        );
        assert!(refused(plan, &half_way(Some(0))).is_none(), "it was taken back");
        // Where undoing does not work there has to be another way out.
        let (standing, hint) = refused(plan, &half_way(Some(1))).unwrap();
        assert!(standing.may_pass_over && hint.contains("--override canary"), "{hint}");
    }
    let own = Plan { way: Some("own:rollout".into()), ..redeploy };
    assert!(refused(&own, &half_way(None)).is_none(), "the team's own command may take the share back");
    let elsewhere = Plan { target: "staging".into(), ..deploy };
    assert!(refused(&elsewhere, &half_way(None)).is_none());
}

#[test]
fn what_was_ticked_for_a_fix_that_failed_does_not_count_for_the_next() {
    let items = || Gate::Checklist {
        items: vec![("core".into(), "core".into()), ("mobile".into(), "mobile".into())],
    };
    let ticked = |commit: &str| {
        Told::at(Severity::P0)
            .ran("d", "deploy", "production", Some((commit, false)), 0)
            .and(released(commit, None))
            .and(tick("core", CheckState::Passed, ""))
            .and(tick("mobile", CheckState::Na, "no app"))
    };
    let checklist = |told: &Told| one(items(), told);
    assert_eq!(checklist(&ticked("bad")).met, Met::Yes);
    let failed = ticked("bad").and(judged("bad", WatchVerdict::Failed));
    says(&checklist(&failed), Met::No, "2 of 2 looked at for bad only");
    let back = ticked("bad").and(Released { plan: "r".into(), ..released("good", Some("bad")) });
    says(&checklist(&back), Met::No, "2 of 2 looked at for bad only");
    // Looked at again they count; one after the other.
    let again = failed.clone().and(tick("core", CheckState::Passed, ""));
    says(&checklist(&again), Met::No, "1 of 2 looked at for bad only");
    assert_eq!(checklist(&again.and(tick("mobile", CheckState::Na, "no app"))).met, Met::Yes);
    // Taking the bad one back needs no new look, where a team asks for the checklist there.
    let plan = Plan { purpose: Purpose::Rollback, ..plan_with(vec![items()]) };
    let back = evaluate(&plan, &hash(), &failed.state(), &Policy::built_in(), "maya", minutes(60));
    assert_eq!(back[0].met, Met::Yes, "{back:?}");
    // What was live before the incident is no fix of it.
    let before = Told::at(Severity::P0)
        .and(tick("core", CheckState::Passed, ""))
        .and(tick("mobile", CheckState::Na, "no app"))
        .and(released("old", None))
        .and(judged("old", WatchVerdict::Failed));
    assert_eq!(checklist(&before).met, Met::Yes);
}

#[test]
fn a_push_that_deploys_brings_nothing_that_failed_its_watch_there() {
    let told = Told::at(Severity::P0).and(released("bad", None)).and(judged("bad", WatchVerdict::Failed));
    let finish = |commit: &str, word: &str| Plan {
        confirm: Some(word.to_owned()),
        subject: Some(crate::plan::Subject {
            reference: "hotfix/pool".to_owned(),
            commit: commit.to_owned(),
            dirty: false,
        }),
        ..Plan::new("finish-1", "finish", Purpose::Hotfix, "repository")
    };
    let shut = |plan: &Plan| {
        let all = evaluate(plan, "", &told.state(), &Policy::built_in(), "maya", minutes(60));
        all.into_iter().find(|standing| standing.id == VERDICT).map(|standing| standing.why)
    };
    let why = shut(&finish("bad", "production")).unwrap();
    assert!(why.starts_with("in production: ") && why.contains("failed its watch"), "{why}");
    assert_eq!(shut(&finish("better", "production")), None);
    assert_eq!(shut(&finish("bad", "main")), None, "its push deploys nothing");
}
