//! The share of users that a canary has after its plan has ended.

use super::*;

const HEAD: &str = "4f2c91e0000000000000000000000000000000aa";

fn canary(id: &str) -> PlanStarted {
    let steps = [5, 50, 100].into_iter().flat_map(|share| [share_title(share), format!("look at {share} %")]);
    let release = serde_json::json!({ "environment": "production", "commit": HEAD, "tag": "v1.4.3" });
    PlanStarted {
        steps: steps.collect(),
        spec: serde_json::json!({ "confirm": "production", "release": release }).into(),
        ..plan(id, "deploy", "production", HEAD)
    }
}

/// A step of a plan, carried out or undone, at a minute.
fn ran(minute: i64, plan: &str, step: usize, undo: bool, outcome: Outcome) -> [Record; 2] {
    let (plan, run) = (plan.to_owned(), format!("{plan}.{step}.{undo}.{minute}"));
    let begun = StepStarted { plan: plan.clone(), step, run: run.clone(), process: None, undo };
    let (summary, survivors) = (String::new(), Vec::new());
    let over = StepEnded { plan, step, run, outcome, summary, survivors, unproven: false, tail: Vec::new() };
    [record(minute, begun), record(minute + 1, over)]
}

const DONE: Outcome = Outcome::Exited { code: 0 };

/// A canary that came to 50 % and was stopped there, and what happened since.
fn stopped(since: impl IntoIterator<Item = Record>) -> Log {
    let up = [(0, DONE), (1, Outcome::Met), (2, DONE)];
    let up =
        up.into_iter().zip([11, 13, 15]).flat_map(|((step, how), minute)| ran(minute, "d", step, false, how));
    let over = record(17, ended("d", PlanEnd::Cancelled));
    log(std::iter::once(record(10, canary("d"))).chain(up).chain([over]).chain(since))
}

fn left(log: &Log) -> Option<String> {
    log.state().share_left("production").map(|share| share.words(None))
}

fn released(plan: &str, rollback: bool) -> Released {
    Released {
        environment: "production".into(),
        reference: "main".into(),
        commit: "0e9d565e".into(),
        tag: None,
        version: None,
        plan: plan.into(),
        rollback,
        replaces: None,
    }
}

#[test]
fn it_stays_until_it_is_taken_back_or_something_else_is_brought_there() {
    assert_eq!(left(&stopped([])).as_deref(), Some("canary v1.4.3 50 %, stopped"));
    let undone = |steps: &[usize]| {
        stopped(steps.iter().zip([20, 22]).flat_map(|(step, minute)| ran(minute, "d", *step, true, DONE)))
    };
    assert_eq!(left(&undone(&[2])).as_deref(), Some("canary v1.4.3 5 %, stopped"));
    assert_eq!(left(&undone(&[2, 0])), None);
    let lost = Outcome::Unknown { why: "the conductor was killed".into() };
    let lost = stopped(ran(20, "d", 2, true, lost));
    assert_eq!(left(&lost).as_deref(), Some("canary v1.4.3 50? %, stopped"), "nobody knows");

    assert_eq!(left(&stopped([record(20, released("", false))])), None, "somebody named what is live");
    assert_eq!(left(&stopped([record(20, released("r", true))])), None, "rolled back");
    let rollback = |minute, end| {
        [record(minute, plan("r", "rollback", "production", HEAD)), record(minute + 1, ended("r", end))]
    };
    assert!(left(&stopped(rollback(20, PlanEnd::Failed))).is_some());
    assert_eq!(left(&stopped(rollback(20, PlanEnd::Done))), None);
    let staging = Released { environment: "staging".into(), ..released("s", false) };
    assert!(left(&stopped([record(20, staging)])).is_some(), "another environment");
}

#[test]
fn one_that_works_or_came_to_everybody_is_none() {
    let resumed = PlanResumed { plan: "d".into(), step: 3, decision: Decision::Resume };
    let again = record(20, resumed);
    assert_eq!(left(&stopped([again.clone()])), None, "it goes on");
    let all = ran(21, "d", 4, false, DONE).into_iter().chain([record(25, ended("d", PlanEnd::Cancelled))]);
    assert_eq!(left(&stopped(std::iter::once(again).chain(all))), None, "everybody has it");
}

#[test]
fn the_next_canary_takes_the_place_of_the_one_before() {
    let next = |undo: &[bool]| {
        let ran = undo.iter().zip([21, 23]).flat_map(|(undo, minute)| ran(minute, "e", 0, *undo, DONE));
        let over = record(30, ended("e", PlanEnd::Failed));
        stopped(std::iter::once(record(20, canary("e"))).chain(ran).chain([over]))
    };
    assert_eq!(left(&next(&[])).as_deref(), Some("canary v1.4.3 50 %, stopped"), "it set nothing");
    assert_eq!(left(&next(&[false])).as_deref(), Some("canary v1.4.3 5 %, failed"));
    assert_eq!(left(&next(&[false, true])), None);
}

#[test]
fn it_is_the_plan_that_is_meant_and_it_speaks_against_being_over() {
    let tests = [record(20, plan("t", "test", "checks", HEAD)), record(21, ended("t", PlanEnd::Failed))];
    let log = stopped(tests);
    assert_eq!(log.state().plan_to_decide().unwrap().id, "d");
    assert_eq!(log.state().plan_to_see().unwrap().id, "d");
    let said = against(Claim::Mitigated, log.state(), &Policy::built_in(), &Facts::default(), minutes(30));
    assert_eq!(said, ["the canary was left: v1.4.3 still has 50 % of production"]);
}

#[test]
fn undoing_says_what_it_comes_to() {
    let titles = ["start it", "canary at 10 %", "look at 10 %", "canary at 50 %", "look at 50 %"];
    let to = |count: usize| share_before(titles.into_iter().take(count));
    assert_eq!(to(2).as_deref(), Some("canary back at 0 %"));
    assert_eq!(to(4).as_deref(), Some("canary back at 10 %"));
    assert_eq!((to(1), to(3), to(0)), (None, None, None));
}

#[test]
fn a_plan_that_was_stopped_is_called_that_by_everybody_but_programs() {
    let stopped = PlanState::Ended(PlanEnd::Cancelled);
    assert_eq!((stopped.word(), stopped.name()), ("stopped", "cancelled"));
    assert_eq!(PlanState::Ended(PlanEnd::Unknown).word(), "outcome unknown");
    assert_eq!(PlanState::Running.word(), "running");
}

#[test]
fn how_a_canary_ended_is_told_verdict_first() {
    let said = |why| canary_undone(why).unwrap();
    let why = "undone, canary back at 0 %: look at 10 % for 8s failed: newest release is failing: 58.3 % (max 10 %)";
    assert_eq!(said(why), "canary undone, back at 0 %: newest release 58.3 % (max 10 %)");
    let row = format!("deploy main to production failed: {why}");
    assert_eq!(said(&row), "canary undone, back at 0 %: newest release 58.3 % (max 10 %)");
    let why = "undone, canary back at 10 %: look at 50 % for 8s failed: api is failing";
    assert_eq!(said(why), "canary undone, back at 10 %: api is failing");
    assert_eq!(said("undone, canary back at 0 %"), "canary undone, back at 0 %");
    assert_eq!(canary_undone("switch exited 1"), None);
}

#[test]
fn what_no_tag_names_is_known_by_its_branch_and_commit_whatever_its_version_file_says() {
    let subject = serde_json::json!({ "reference": "main", "commit": HEAD });
    let spec = serde_json::json!({ "subject": subject, "label": { "version": "1.4.2" } }).into();
    let log = log([record(10, PlanStarted { spec, ..plan("d", "deploy", "production", HEAD) })]);
    let plan = &log.state().plans[0];
    for live in [None, Some("v1.4.1"), Some("v1.4.2")] {
        assert_eq!(plan.brings_beside(live), "main (4f2c91e)");
    }
    let brought = |tag: Option<&str>, reference: &str| {
        let released = Released {
            environment: "production".into(),
            reference: reference.into(),
            commit: HEAD.into(),
            tag: tag.map(Into::into),
            version: Some("1.4.2".into()),
            plan: "d".into(),
            rollback: false,
            replaces: None,
        };
        let log = super::log([record(10, released)]);
        (log.state().releases[0].name(), line(log.state(), 1).text.to_owned())
    };
    let said = brought(None, "hotfix/x");
    assert_eq!(said, ("hotfix/x (4f2c91e)".into(), "production is on hotfix/x (4f2c91e)".into()));
    assert_eq!(brought(Some("v1.4.3"), "main").0, "v1.4.3");
    // What an environment tells of itself has no branch.
    assert_eq!(brought(None, "").0, "1.4.2");
}
