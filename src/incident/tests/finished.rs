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
