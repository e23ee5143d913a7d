//! A fix that was finished, until production has it.

use super::*;

fn finish(id: &str, tag: &str) -> PlanStarted {
    PlanStarted {
        steps: vec!["merge hotfix/pool into main".into(), tag_title(tag)],
        ..plan(id, "hotfix", "repository", "c1")
    }
}

fn released(rollback: bool) -> Released {
    Released {
        environment: "production".into(),
        reference: "main".into(),
        commit: "0e9d565e".into(),
        tag: None,
        version: None,
        plan: String::new(),
        rollback,
        replaces: None,
    }
}

#[test]
fn it_is_told_of_until_production_has_it() {
    let said = |since: Vec<Record>| {
        let done = [record(10, finish("finish-1", "v1.4.3")), record(12, ended("finish-1", PlanEnd::Done))];
        let log = log(done.into_iter().chain(since));
        let told = log.state().finished_outside("production");
        told.map(|told| format!("{} · {}", told.name, told.lacks("production")))
    };
    let waits = Some("finished as v1.4.3 · not in production yet".to_owned());
    assert_eq!(said(Vec::new()), waits);
    let staging = Released { environment: "staging".into(), ..released(false) };
    assert_eq!(said(vec![record(14, staging)]), waits);
    assert_eq!(said(vec![record(14, released(true))]), waits, "production went back while it was finished");
    assert_eq!(said(vec![record(14, released(false))]), None);
    let back = vec![record(14, released(false)), record(16, released(true))];
    assert_eq!(said(back).as_deref(), Some("finished as v1.4.3 · not in production: rolled back"));
    let tidied = vec![
        record(14, released(false)),
        record(16, plan("finish-2", "hotfix", "repository", "c1")),
        record(17, ended("finish-2", PlanEnd::Done)),
    ];
    assert_eq!(said(tidied), None, "tidying up finishes nothing");
    let next = vec![
        record(14, plan("hotfix-better-1", "hotfix", "repository", "c1")),
        record(15, ended("hotfix-better-1", PlanEnd::Done)),
    ];
    assert_eq!(said(next), None, "the next fix is under way");
}

#[test]
fn what_did_not_end_well_is_not_finished() {
    let log = log([record(10, finish("finish-1", "v1.4.3")), record(12, ended("finish-1", PlanEnd::Failed))]);
    assert_eq!(log.state().finished_outside("production"), None);
}

#[test]
fn a_fix_that_failed_in_production_is_merged_still() {
    let saved =
        ["save the merge into main".to_owned(), tag_title("v1.4.3"), "save the merge into develop".into()];
    let finish = PlanStarted { steps: saved.to_vec(), ..plan("finish-1", "hotfix", "repository", "c1") };
    let judged = ReleaseJudged {
        environment: "production".into(),
        commit: "0e9d565e".into(),
        plan: String::new(),
        verdict: WatchVerdict::Failed,
        why: "503".into(),
    };
    let mut log = log([
        record(10, finish),
        record(12, ended("finish-1", PlanEnd::Done)),
        record(14, Released { tag: Some("v1.4.3".into()), ..released(false) }),
        record(15, judged),
    ]);
    let said = |log: &Log| log.state().finished_outside("production")?.is_merged_still("production");
    assert_eq!(said(&log), None, "it is live");
    log.insert(record(16, released(true)));
    let wanted =
        "v1.4.3 is on main and develop but failed in production: revert it or fix it before the next release";
    assert_eq!(said(&log).as_deref(), Some(wanted));
    assert_eq!(log.state().what_became_of("v1.4.3"), "was rolled back");
    assert_eq!(log.state().what_became_of("v1.4.2"), "failed its watch");
}

#[test]
fn a_fix_that_runs_from_its_own_branch_is_told_of_until_it_is_finished() {
    let start = PlanStarted {
        title: "start hotfix/pool from main 4f2c91e".into(),
        ..plan("hotfix-pool-1", "hotfix", "repository", "c1")
    };
    let live = |reference: &str| Released {
        reference: reference.into(),
        plan: "deploy-production-1".into(),
        ..released(false)
    };
    let told = |since: Vec<Record>| {
        let begun = [record(10, start.clone()), record(11, ended("hotfix-pool-1", PlanEnd::Done))];
        let log = log(begun.into_iter().chain(since));
        log.state().unmerged_fix("production").map(|(branch, base)| format!("{branch} {base}"))
    };
    let deployed = || record(20, live("hotfix/pool"));
    assert_eq!(told(vec![deployed()]).as_deref(), Some("hotfix/pool main"));
    assert_eq!(told(Vec::new()), None, "nothing was deployed");
    assert_eq!(told(vec![record(20, live("main"))]), None, "it was merged before");
    assert_eq!(told(vec![deployed(), record(30, released(true))]), None, "it was rolled back");
    let finished = [record(30, finish("finish-1", "v1.4.3")), record(31, ended("finish-1", PlanEnd::Done))];
    assert_eq!(told(std::iter::once(deployed()).chain(finished).collect()), None);
    // It speaks against being over, and so does what fails elsewhere.
    let begun = [record(10, start.clone()), record(11, ended("hotfix-pool-1", PlanEnd::Done)), deployed()];
    let environments = vec![("staging".to_owned(), false), ("production".to_owned(), true)];
    let facts = Facts {
        environments,
        hotfix_branch: Some("hotfix/pool".into()),
        fix: Fix { remote: true, unpushed: Some(2), in_base: Some(false), ..Fix::default() },
        failing_elsewhere: vec![("staging".into(), "staging api".into())],
        ..Facts::default()
    };
    let open = against(Claim::Resolved, log(begun).state(), &Policy::built_in(), &facts, minutes(40));
    let open = open.join("; ");
    assert!(
        open.contains("the fix in production is only on hotfix/pool, not in main and not pushed"),
        "{open}"
    );
    assert!(open.contains("still failing outside of production: staging api"), "{open}");
}
