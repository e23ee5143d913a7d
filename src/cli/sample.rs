//! A situation for tests: an incident in the middle of its fix.

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::situation::{Around, ProbeState, Situation};
use crate::config::types::{Config, Flow, Hotfix};
use crate::health::series::State as HealthState;
use crate::hotfix::state::{BranchState, Commit, Head};
use crate::incident::{
    Author, Body, CheckState, Declared, Draft, Hash, Hlc, IncidentId, Log, NoteKind, Noted, Outcome, Phase,
    PhaseEntered, PlanStarted, Policy, Record, RecordId, RepositoryId, RoleTaken, Severity, State, StepEnded,
    StepStarted, Ticked,
};

/// When the fault of every test began.
pub(super) fn began() -> Timestamp {
    "2026-03-02T14:30:00Z".parse().unwrap()
}

pub(super) fn after(seconds: i64) -> Timestamp {
    began() + SignedDuration::from_secs(seconds)
}

/// The fold of what happened so many seconds after the beginning.
fn fold(events: Vec<(i64, Body)>) -> State {
    log(events).into_state()
}

/// What happened so many seconds after the beginning.
pub(super) fn log(events: Vec<(i64, Body)>) -> Log {
    let incident = IncidentId(Uuid::from_u128(7));
    let records = events.into_iter().enumerate().map(|(n, (seconds, body))| {
        let draft = Draft::now(incident, body);
        let author = Author { name: "maya".to_owned(), node: 1 };
        let at = Hlc { wall_ms: after(seconds).as_millisecond(), count: 0 };
        Record::seal(RecordId(Uuid::from_u128(n as u128 + 1)), draft, author, at, Hash::default()).unwrap().0
    });
    Log::new(records.collect()).unwrap()
}

/// Declared, a branch with a commit, a check failed, a test run.
pub(super) fn situation() -> Situation {
    let plan = "test-unit-1".to_owned();
    let state = fold(vec![
        (
            0,
            Declared {
                number: "INC-2026-0007".to_owned(),
                title: "Checkout answers 500".to_owned(),
                severity: Severity::P0,
                service: "payments-api".to_owned(),
                impact: "nobody can pay".to_owned(),
                repository: "/r/.git".to_owned(),
                repository_id: RepositoryId::default(),
                answers: Vec::new(),
            }
            .into(),
        ),
        (60, RoleTaken { role: "commander".to_owned(), person: "maya".to_owned() }.into()),
        (
            120,
            Noted { kind: NoteKind::Finding, text: "pool \u{1b}[31mexhausted\nsecond line".to_owned() }
                .into(),
        ),
        (180, PhaseEntered { phase: Phase::Develop }.into()),
        (
            240,
            PlanStarted {
                plan: plan.clone(),
                title: "test unit".to_owned(),
                purpose: "test".to_owned(),
                target: "unit".to_owned(),
                hash: String::new(),
                steps: vec!["unit".to_owned()],
                confirmed: "enter".to_owned(),
                spec: crate::incident::Spec::default(),
            }
            .into(),
        ),
        (
            241,
            StepStarted {
                plan: plan.clone(),
                step: 0,
                run: "test-unit-1.0".to_owned(),
                process: None,
                undo: false,
            }
            .into(),
        ),
        (
            300,
            StepEnded {
                plan,
                step: 0,
                run: "test-unit-1.0".to_owned(),
                outcome: Outcome::Exited { code: 1 },
                summary: "1 failed".to_owned(),
                survivors: Vec::new(),
                unproven: false,
                tail: Vec::new(),
            }
            .into(),
        ),
        (
            360,
            Ticked {
                item: "gone".to_owned(),
                title: "an item of before".to_owned(),
                state: CheckState::Failed,
                note: "refund 502".to_owned(),
            }
            .into(),
        ),
    ]);
    let policy = Policy::built_in();
    let around = Around {
        hotfix: Some(branch()),
        config: Config { hotfix: Hotfix { flow: Flow::GitFlow, ..Hotfix::default() }, ..Config::default() },
        may_run: true,
        health: vec![
            probe("api /health", HealthState::Failing, Some(500.0), "status 500, expected 200"),
            probe("p95 latency", HealthState::Unknown, None, "no number at body.p95"),
        ],
        checklist: policy.checklist.clone(),
        ..Around::default()
    };
    Situation::new(state, policy, around, after(420))
}

fn probe(name: &str, state: HealthState, value: Option<f64>, why: &str) -> ProbeState {
    ProbeState {
        name: name.to_owned(),
        environment: String::new(),
        state,
        value,
        unit: String::new(),
        limit: value.map(|_| "> 499".to_owned()),
        at: Some(after(419)),
        why: why.to_owned(),
        gone_since: None,
        is_down: state == HealthState::Error,
        from_one_sample: false,
    }
}

fn branch() -> BranchState {
    let commit = "a91c2fe0000000000000000000000000000000aa".to_owned();
    let head = Head::Branch { name: "hotfix/pool-limit".to_owned(), commit: commit.clone() };
    let mut branch = BranchState::new("/r", head);
    branch.base = Some("main".to_owned());
    branch.ahead = 1;
    branch.size.files = 3;
    branch.size.insertions = 18;
    branch.commits = vec![Commit {
        id: commit,
        subject: "fix: raise pool limit".to_owned(),
        author: "li".to_owned(),
        at: after(300),
    }];
    branch
}
