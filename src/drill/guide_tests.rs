//! The guide along the whole way, and off it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use uuid::Uuid;

use super::*;
use crate::cockpit::commands::COMMANDS;
use crate::config::types::Flow;
use crate::incident::{
    Entry, Fix, Hash, Hlc, IncidentId, NoteKind, Phase, Precision, RecordId, Release, Severity, Tick,
    Timeline,
};

const HEAD: &str = "a91c2fe0000000000000000000000000000000aa";

fn start() -> Timestamp {
    "2026-03-02T10:00:00Z".parse().unwrap()
}

fn declared() -> State {
    State {
        id: IncidentId(Uuid::nil()),
        number: "INC-2026-0001".into(),
        title: "Checkout answers 500".into(),
        severity: Severity::P0,
        severities: vec![],
        answers: vec![],
        service: "payments-api".into(),
        repository: "/repo/.git".into(),
        impact: String::new(),
        cause: String::new(),
        started_at: start(),
        declared_at: start(),
        declared_by: "maya".into(),
        phase: Phase::Detect,
        phases: vec![],
        roles: BTreeMap::new(),
        assignments: vec![],
        paged: vec![],
        told: vec![],
        ticks: BTreeMap::new(),
        alarms: BTreeMap::new(),
        status: Status::Open,
        decisions: 0,
        heads: vec![],
        mitigated_at: None,
        resolved_at: None,
        timeline: Timeline::default(),
        plans: vec![],
        proposals: vec![],
        votes: vec![],
        passed_over: vec![],
        releases: vec![],
        merges_back: vec![],
        chains: BTreeMap::new(),
        authors: BTreeMap::new(),
        clocks_off: vec![],
        hands: Vec::new(),
        records: 1,
        unknown: 0,
        last: Hlc::default(),
        head: Hash::of(b""),
    }
}

fn note(state: &mut State) {
    state.timeline.say(Entry {
        id: RecordId(Uuid::nil()),
        at: start(),
        place: start(),
        precision: Precision::Exact,
        recorded_at: start(),
        kind: EntryKind::Note(NoteKind::Finding),
        name: "finding",
        text: "only without a card",
        author: "maya",
        original: None,
        retracted: None,
        pinned: false,
    });
}

fn plan(state: &mut State, purpose: &str, target: &str, end: Option<PlanEnd>) {
    let number = state.plans.len();
    state.plans.push(PlanRun {
        id: format!("{purpose}-{number}"),
        title: format!("{purpose} {target}"),
        purpose: purpose.into(),
        target: target.into(),
        hash: String::new(),
        by: "maya".into(),
        started_at: start() + SignedDuration::from_mins(number as i64),
        ended_at: None,
        state: end.map_or(PlanState::Running, PlanState::Ended),
        why: String::new(),
        steps: vec![],
        spec: json!({
            "frozen": {},
            "steps": [{ "action": { "kind": "command", "set": { "FLIGHTDECK_COMMIT": HEAD } } }],
        })
        .into(),
    });
}

fn facts() -> Facts {
    Facts {
        healthy: Some(false),
        checks: vec!["unit".into()],
        environments: vec![("staging".into(), false), ("production".into(), true)],
        checklist: vec!["core".into(), "auth".into()],
        repository: true,
        ..Facts::default()
    }
}

fn on_branch(commits: usize) -> Facts {
    Facts {
        hotfix_branch: Some("hotfix/no-card".into()),
        hotfix_commits: Some(commits),
        head: Some(HEAD.into()),
        ..facts()
    }
}

fn action(state: &State, facts: &Facts) -> (&'static str, String) {
    let line = line(Some(state), facts).expect("there is something to do");
    (line.action, line.argument)
}

fn at(action: &'static str, argument: &str) -> (&'static str, String) {
    (action, argument.to_owned())
}

#[test]
fn the_way_from_the_declaration_to_the_report() {
    let done = Some(PlanEnd::Done);
    assert_eq!(line(None, &facts()).unwrap().action, "declare");
    let mut state = declared();
    assert_eq!(action(&state, &facts()), at("note", ""));
    note(&mut state);
    assert_eq!(action(&state, &facts()), at("hotfix.start", ""));
    assert_eq!(action(&state, &on_branch(0)), at("drill.fix", ""));
    let mut facts = on_branch(1);
    assert_eq!(action(&state, &facts), at("test", ""));
    plan(&mut state, "test", "checks", done);
    assert_eq!(action(&state, &facts), at("deploy", "staging"));
    plan(&mut state, "deploy", "staging", None);
    assert_eq!(action(&state, &facts), at("runs", ""));
    state.plans[1].state = PlanState::Ended(PlanEnd::Done);
    assert_eq!(action(&state, &facts), at("smoke", "staging"));
    plan(&mut state, "smoke", "staging", done);
    assert_eq!(action(&state, &facts), at("tick.pass", ""));
    for item in ["core", "auth"] {
        let tick = Tick {
            title: item.into(),
            state: CheckState::Passed,
            by: "li".into(),
            at: start(),
            note: String::new(),
        };
        state.ticks.insert(item.into(), tick);
    }
    assert_eq!(action(&state, &facts), at("deploy", "production"));
    plan(&mut state, "deploy", "production", done);
    assert_eq!(action(&state, &facts), at("health", ""));
    facts.healthy = Some(true);
    assert_eq!(action(&state, &facts), at("resolve", ""));
    state.status = Status::Resolved;
    assert_eq!(action(&state, &facts), at("report", ""));
    state.status = Status::Closed;
    assert_eq!(line(Some(&state), &facts), None);
}

#[test]
fn in_git_flow_the_branch_is_finished_before_production_gets_it() {
    let done = Some(PlanEnd::Done);
    let mut state = declared();
    note(&mut state);
    let fix = Fix {
        flow: Flow::GitFlow,
        base: "main".into(),
        current: "hotfix/no-card".into(),
        remote: true,
        unpushed: Some(1),
        version: Raised::Not("1.4.2".into()),
        ..Fix::default()
    };
    let mut facts = Facts { fix, checklist: vec![], ..on_branch(1) };
    assert_eq!(action(&state, &facts), at("hotfix.bump", ""));
    facts.fix.version = Raised::To("1.4.3".into());
    plan(&mut state, "test", "checks", done);
    assert_eq!(action(&state, &facts), at("hotfix.push", ""));
    facts.fix.unpushed = Some(0);
    plan(&mut state, "deploy", "staging", done);
    plan(&mut state, "smoke", "staging", done);
    assert_eq!(action(&state, &facts), at("hotfix.finish", ""));
    plan(&mut state, "hotfix", "repository", done);
    state.plans.last_mut().unwrap().id = "finish-1".into();
    let fix = Fix { current: "main".into(), ..Fix::default() };
    let after = Facts { fix, checklist: vec![], ..self::facts() };
    assert_eq!(action(&state, &after), at("deploy", "production"));
    plan(&mut state, "deploy", "production", done);
    assert_eq!(action(&state, &after), at("health", ""));
}

#[test]
fn a_release_that_its_watch_condemned_is_taken_back_first() {
    let mut state = declared();
    note(&mut state);
    let release = |rollback, verdict| Release {
        environment: "production".into(),
        reference: "hotfix/no-card".into(),
        commit: HEAD.into(),
        tag: None,
        version: None,
        plan: "deploy-production-1".into(),
        rollback,
        by: "maya".into(),
        at: start(),
        verdict,
    };
    state.releases.push(release(false, Some((start(), WatchVerdict::Failed, "error rate".into()))));
    assert_eq!(action(&state, &on_branch(1)), at("rollback", ""));
    state.releases.push(release(true, None));
    let well = Facts { healthy: Some(true), ..on_branch(1) };
    assert_eq!(action(&state, &well), at("resolve", ""));
    assert_ne!(action(&state, &on_branch(1)), at("rollback", ""), "it was taken back");
}

#[test]
fn nothing_goes_to_production_before_those_who_have_to_have_approved() {
    let mut state = declared();
    note(&mut state);
    for (purpose, target) in [("test", "checks"), ("deploy", "staging"), ("smoke", "staging")] {
        plan(&mut state, purpose, target, Some(PlanEnd::Done));
    }
    let missing = vec![("approvals".to_owned(), "lead: not given".to_owned())];
    let facts = Facts { checklist: vec![], missing, ..on_branch(1) };
    assert_eq!(action(&state, &facts), at("approvals", ""));
    assert_eq!(action(&state, &Facts { missing: vec![], ..facts }), at("deploy", "production"));
}

#[test]
fn a_failed_step_is_said_to_have_failed_and_is_not_passed_over() {
    let mut state = declared();
    note(&mut state);
    plan(&mut state, "test", "checks", Some(PlanEnd::Failed));
    let failed = line(Some(&state), &on_branch(1)).unwrap();
    assert_eq!(failed.action, "test");
    assert!(failed.text.contains("failed"), "{}", failed.text);
    plan(&mut state, "test", "checks", Some(PlanEnd::Done));
    plan(&mut state, "deploy", "staging", Some(PlanEnd::Unknown));
    assert_eq!(action(&state, &on_branch(1)), at("deploy", "staging"));
}

#[test]
fn another_commit_has_the_way_before_it_again() {
    let mut state = declared();
    note(&mut state);
    plan(&mut state, "test", "checks", Some(PlanEnd::Done));
    let later = Facts { head: Some("ffff".into()), ..on_branch(2) };
    assert_eq!(action(&state, &later), at("test", ""));
}

#[test]
fn whoever_leaves_the_branch_after_production_is_not_sent_back() {
    let mut state = declared();
    note(&mut state);
    plan(&mut state, "deploy", "production", Some(PlanEnd::Done));
    assert_eq!(action(&state, &facts()), at("health", ""));
}

#[test]
fn every_action_of_the_guide_is_a_command_of_the_cockpit() {
    let known: BTreeSet<_> = COMMANDS.iter().map(|spec| spec.id).collect();
    for action in [
        "declare",
        "note",
        "hotfix.start",
        "drill.fix",
        "hotfix.bump",
        "hotfix.push",
        "hotfix.finish",
        "test",
        "deploy",
        "smoke",
        "tick.pass",
        "runs",
        "rollback",
        "approvals",
        "health",
        "resolve",
        "report",
    ] {
        assert!(known.contains(action), "{action}");
    }
}
