//! What a refusal tells people to do, gate by gate.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use uuid::Uuid;

use super::*;
use crate::incident::{
    Approved, Author, Body, CheckState, Declared, Draft, Hash, Hlc, IncidentId, Log, Outcome, PlanEnd,
    PlanEnded, PlanStarted, Record, RecordId, RepositoryId, Severity, StepEnded, StepStarted, Ticked,
};
use crate::plan::gates::{ApprovalRule, Window};
use crate::plan::{Action, Command, ReleaseSpec, Step};

const COMMIT: &str = "4f2c91e0aa";

/// What was recorded, and by whom.
type Told = Vec<(&'static str, Body)>;

fn now() -> Timestamp {
    "2026-03-01T14:00:00Z".parse().unwrap()
}

fn state(severity: Severity, told: Told) -> State {
    let declared = Declared {
        number: "INC-2026-0001".into(),
        title: "Checkout answers 500".into(),
        severity,
        service: String::new(),
        impact: String::new(),
        repository: String::new(),
        repository_id: RepositoryId::default(),
        answers: Vec::new(),
    };
    let all = std::iter::once(("maya", Body::from(declared))).chain(told);
    let records = all.enumerate().map(|(n, (who, body))| {
        let at = Hlc { wall_ms: now().as_millisecond() - 60_000 + n as i64, count: 0 };
        let author = Author { name: who.to_owned(), node: who.len() as u64 };
        let draft = Draft::now(IncidentId(Uuid::from_u128(1)), body);
        Record::seal(RecordId(Uuid::from_u128(n as u128 + 10)), draft, author, at, Hash::default()).unwrap().0
    });
    Log::new(records.collect()).unwrap().state().clone()
}

/// A plan of one step that was started, and ended so; `None`: it runs.
fn ran(id: &str, purpose: &str, target: &str, step: &str, code: Option<i32>) -> Told {
    let started = PlanStarted {
        plan: id.into(),
        title: id.into(),
        purpose: purpose.into(),
        target: target.into(),
        hash: String::new(),
        steps: vec![step.into()],
        confirmed: String::new(),
        spec: serde_json::json!({ "subject": {"commit": COMMIT, "dirty": false} }).into(),
    };
    let run = format!("{id}.0");
    let begun = StepStarted { plan: id.into(), step: 0, run: run.clone(), process: None, undo: false };
    let mut told: Told = vec![("maya", started.into()), ("maya", begun.into())];
    if let Some(code) = code {
        let end = if code == 0 { PlanEnd::Done } else { PlanEnd::Failed };
        let outcome = Outcome::Exited { code };
        let (plan, summary, survivors) = (id.to_owned(), String::new(), Vec::new());
        let ended =
            StepEnded { plan, step: 0, run, outcome, summary, survivors, unproven: false, tail: Vec::new() };
        told.push(("maya", ended.into()));
        told.push(("maya", PlanEnded { plan: id.into(), end, why: String::new() }.into()));
    }
    told
}

fn tick(item: &str, state: CheckState) -> (&'static str, Body) {
    ("maya", Ticked { item: item.into(), title: item.into(), state, note: String::new() }.into())
}

fn plan(purpose: Purpose, target: &str, gates: Vec<Gate>) -> Plan {
    let command =
        Command { argv: vec!["./deploy.sh".into()], cwd: "/srv".into(), env: vec![], set: [].into() };
    let release = ReleaseSpec {
        environment: target.into(),
        reference: "main".into(),
        commit: COMMIT.into(),
        tag: None,
        version: None,
        rollback: false,
        replaces: None,
        after: 0,
    };
    Plan {
        steps: vec![Step::new("deploy", Action::Command(command), SignedDuration::from_mins(1))],
        gates,
        release: (purpose == Purpose::Deploy).then_some(release),
        ..Plan::new("deploy-1", "deploy", purpose, target)
    }
}

fn hint(plan: &Plan, state: &State) -> String {
    let (policy, hash) = (Policy::built_in(), plan.hash());
    let refused = Refused { plan, hash: &hash, state, policy: &policy, by: "maya", now: now() };
    refused.hint(&gates::evaluate(plan, &hash, state, &policy, "maya", now()))
}

fn checks() -> Gate {
    let checks = vec!["unit".into(), "contract".into()];
    Gate::Checks { checks, runs: BTreeMap::new(), commit: COMMIT.into(), same: Vec::new() }
}

fn checklist() -> Gate {
    let item = |id: &str| (id.to_owned(), id.to_owned());
    Gate::Checklist { items: vec![item("login"), item("search"), item("cards")] }
}

fn staging(smoke: bool) -> Gate {
    Gate::Staging { environment: "staging".into(), commit: COMMIT.into(), same: Vec::new(), smoke }
}

fn approval_gate() -> Gate {
    let rule = |severity| (severity, ApprovalRule::of(&Policy::built_in(), severity));
    Gate::Approvals { rules: Severity::all().map(rule).collect() }
}

fn window(minutes: i64) -> Gate {
    let until = now() + SignedDuration::from_mins(minutes);
    Gate::Freeze { windows: vec![Window { from: now(), until, why: "closing".into() }] }
}

#[test]
fn a_refusal_names_the_act_that_meets_each_gate() {
    let deployed = || ran("d-1", "deploy", "staging", "deploy", Some(0));
    let smoked = || [deployed(), ran("s-1", "smoke", "staging", "smoke", Some(1))].concat();
    let cases: Vec<(&str, Gate, Told, &str)> = vec![
        ("no check ran", checks(), vec![], "checks: flightdeck test"),
        (
            "one is green",
            checks(),
            ran("t-1", "test", "checks", "check unit", Some(0)),
            "checks: flightdeck test contract",
        ),
        (
            "one runs",
            checks(),
            ran("t-1", "test", "checks", "check unit", None),
            "checks: wait for the checks that run",
        ),
        ("all open", checklist(), vec![], "checklist: flightdeck tick N, for 1, 2 and 3"),
        (
            "one failed",
            checklist(),
            vec![
                tick("login", CheckState::Passed),
                tick("search", CheckState::Failed),
                tick("cards", CheckState::Passed),
            ],
            "checklist: flightdeck tick 2",
        ),
        (
            "not there",
            staging(true),
            vec![],
            "staging: flightdeck deploy staging --ref main, then flightdeck smoke staging",
        ),
        (
            "not there, nothing to smoke",
            staging(false),
            vec![],
            "staging: flightdeck deploy staging --ref main",
        ),
        ("smoke test missing", staging(true), deployed(), "staging: flightdeck smoke staging"),
        ("smoke test failed", staging(true), smoked(), "staging: flightdeck smoke staging"),
        (
            "on its way",
            staging(true),
            ran("d-1", "deploy", "staging", "deploy", None),
            "staging: wait for what runs on staging",
        ),
        (
            "no rollback option",
            Gate::Rollback { ready: None, why: "none".into(), unproven: false },
            vec![],
            "rollback: name a release to go back to: flightdeck live production TAG --good",
        ),
        ("frozen", window(90), vec![], "freeze: wait until 2026-03-01 15:30 UTC"),
    ];
    for (name, gate, told, wanted) in cases {
        let said = hint(&plan(Purpose::Deploy, "production", vec![gate]), &state(Severity::P1, told));
        let first = said.lines().next().and_then(|first| first.split("; ").next());
        assert_eq!(first, Some(wanted), "{name}: {said}");
    }
}

#[test]
fn approvals_are_asked_for_first_and_then_given_by_those_who_have_not() {
    let plan = plan(Purpose::Deploy, "production", vec![approval_gate()]);
    let none = state(Severity::P1, vec![]);
    let ask = "flightdeck deploy production --ref main --propose";
    assert_eq!(
        hint(&plan, &none),
        format!(
            "approvals: {ask}, then flightdeck approve ROLE, for lead and product-manager\n\
             approvals cannot be overridden at P1"
        )
    );
    let asked = ("maya", Body::from(proposal::propose(&plan).unwrap()));
    let vote = |hash: String| {
        let (role, by, how, title) = ("lead".into(), "omar".into(), String::new(), String::new());
        Body::from(Approved { role, by, verbal: false, how, plan: None, hash, title })
    };
    let half = state(Severity::P1, vec![asked, ("omar", vote(plan.hash()))]);
    let said = hint(&plan, &half);
    assert!(said.starts_with("approvals: flightdeck approve product-manager"), "{said}");
    // Approved without a plan to approve: the finish of a branch is put up by its own verb.
    let finish = self::plan(Purpose::Hotfix, "repository", vec![approval_gate()]);
    let unbound = state(Severity::P1, vec![("omar", vote(String::new()))]);
    let said = hint(&finish, &unbound);
    assert!(said.starts_with("approvals: flightdeck hotfix finish --propose, then"), "{said}");
}

#[test]
fn a_refusal_says_which_gates_may_be_overridden() {
    let both = plan(Purpose::Deploy, "production", vec![checks(), approval_gate()]);
    let may = |severity| -> Vec<bool> {
        let policy = Policy::built_in();
        let allowed = policy.severity(severity).may_pass_over.clone();
        ["checks", "approvals"].map(|id| allowed.iter().any(|one| one == id)).to_vec()
    };
    for severity in [Severity::P0, Severity::P1] {
        let said = hint(&both, &state(severity, vec![]));
        let wanted = match may(severity).as_slice() {
            [true, true] => "or override checks and approvals, each: --override GATE --reason WHY".to_owned(),
            [false, false] => format!("checks and approvals cannot be overridden at {}", severity.name()),
            [true, false] => format!("approvals cannot be overridden at {}", severity.name()),
            _ => format!("checks cannot be overridden at {}", severity.name()),
        };
        assert!(said.ends_with(&wanted), "{}: {said}", severity.name());
        assert!(said.lines().any(|line| line == "checks: flightdeck test"), "a line each: {said}");
        assert_eq!(said.contains("--override checks --reason WHY"), may(severity) == [true, false], "{said}");
    }
}

#[test]
fn a_commit_that_was_no_good_names_how_to_get_back_until_a_better_one_is_there() {
    let verdict = |may_pass_over| Standing {
        id: VERDICT,
        title: "not known to be bad",
        met: Met::No,
        why: "v1.4.3 failed its watch".into(),
        may_pass_over,
    };
    let (plan, state) = (plan(Purpose::Deploy, "production", vec![]), state(Severity::P0, vec![]));
    let (policy, hash) = (Policy::built_in(), plan.hash());
    let refused =
        Refused { plan: &plan, hash: &hash, state: &state, policy: &policy, by: "maya", now: now() };
    assert_eq!(
        refused.hint(&[verdict(false)]),
        "verdict: commit a better fix; to get production back until then: \
         flightdeck rollback --env production\nverdict cannot be overridden at P0"
    );
    assert!(refused.hint(&[verdict(true)]).ends_with("or override it: --override verdict --reason WHY"));
}
