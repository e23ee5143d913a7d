use std::collections::BTreeMap;

use jiff::SignedDuration;

use super::*;
use crate::conductor::files::make_dir;
use crate::conductor::plan_id;
use crate::conductor::recorder::run_id;
use crate::incident::{Declared, PlanStarted, PlanState, Process, StepStarted};
use crate::plan::{Action, Command, Plan, Purpose, Request, Step};

/// A journal with an incident in which a plan of two steps was started.
struct Yard {
    dir: tempfile::TempDir,
    journal: Journal,
    incident: IncidentId,
}

fn plan() -> Plan {
    let step = |title: &str| {
        let argv = vec!["true".to_owned()];
        let command = Command { argv, cwd: "/".to_owned(), env: Vec::new(), set: BTreeMap::new() };
        Step::new(title, Action::Command(command), SignedDuration::from_secs(60))
    };
    Plan {
        steps: vec![step("first"), step("second")],
        ..Plan::new("deploy-staging-1", "deploy", Purpose::Deploy, "staging")
    }
}

/// A process that is gone.
fn gone_process() -> Process {
    let mut process = process::this().unwrap();
    process.started -= 1;
    process
}

impl Yard {
    fn new(holder: Process) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut journal = Journal::open(dir.path(), "Maya").unwrap();
        let declared = Declared {
            number: String::new(),
            title: "broken".to_owned(),
            repository: "/repo/.git".to_owned(),
            ..Declared::example()
        };
        let incident = journal.declare(Timestamp::now(), None, declared).unwrap().incident;
        let plan = plan();
        let now = Timestamp::now();
        let lease = Lease {
            repository: "/repo/.git".to_owned(),
            target: plan.target.clone(),
            incident,
            plan: plan.id.clone(),
            by: "Maya".to_owned(),
            process: Some(holder),
            taken_at: now,
            heartbeat_at: now,
        };
        let started = PlanStarted {
            plan: plan.id.clone(),
            title: plan.title.clone(),
            purpose: plan.purpose.name().to_owned(),
            target: plan.target.clone(),
            hash: plan.hash(),
            steps: vec!["first".to_owned(), "second".to_owned()],
            confirmed: String::new(),
            spec: stored::seal(&plan).unwrap().spec,
        };
        let taken = journal.acquire(now, lease, vec![Draft::now(incident, started)], &|_| false).unwrap();
        assert!(matches!(taken, Acquired::Yes(_)));
        Self { dir, journal, incident }
    }

    fn begin(&mut self, step: usize) -> String {
        let run = run_id("deploy-staging-1", step);
        let plan = "deploy-staging-1".to_owned();
        let body = StepStarted { plan, step, run: run.clone(), process: Some(gone_process()), undo: false };
        self.journal.append(Timestamp::now(), vec![Draft::now(self.incident, body)]).unwrap();
        run
    }

    fn note(&self, run: &str, code: i32) {
        let dir = log_dir(self.dir.path(), self.incident, run);
        make_dir(&dir).unwrap();
        let outcome = Outcome::Exited { code };
        let ended = Ended {
            outcome,
            summary: "said".to_owned(),
            survivors: Vec::new(),
            tail: Vec::new(),
            at_ms: 4_000_000_000_000,
        };
        Note::make(&dir).unwrap().write(&ended).unwrap();
    }

    /// Reconciles and returns the plan as it is then.
    fn reconcile(&mut self) -> PlanRun {
        reconcile(&mut self.journal, self.dir.path(), self.incident).unwrap();
        let (log, _) = self.journal.load(self.incident).unwrap();
        log.state().plan("deploy-staging-1").unwrap().clone()
    }
}

#[test]
fn a_plan_whose_conductor_lives_is_left_alone() {
    let mut yard = Yard::new(process::this().unwrap());
    yard.begin(0);
    assert_eq!(yard.reconcile().state, PlanState::Running);
    assert_eq!(yard.journal.leases().unwrap().len(), 1);
}

#[test]
fn a_conductor_of_another_machine_is_not_known_to_be_gone() {
    let elsewhere = Process { host: "elsewhere.invalid".to_owned(), ..gone_process() };
    let mut yard = Yard::new(elsewhere);
    assert_eq!(yard.reconcile().state, PlanState::Running);
}

#[test]
fn what_was_running_is_unknown_and_the_target_is_free() {
    let mut yard = Yard::new(gone_process());
    yard.begin(0);
    let plan = yard.reconcile();
    assert_eq!(plan.state, PlanState::Ended(PlanEnd::Unknown));
    let outcome = plan.steps[0].run.as_ref().unwrap().outcome.clone().unwrap();
    assert!(matches!(&outcome, Outcome::Unknown { why } if why.contains("was killed")), "{outcome:?}");
    assert!(plan.steps[1].run.is_none());
    assert!(yard.journal.leases().unwrap().is_empty());
    assert!(reconcile(&mut yard.journal, yard.dir.path(), yard.incident).unwrap().is_empty(), "said once");
}

#[test]
fn a_reboot_is_said_to_be_one() {
    let mut yard = Yard::new(Process { boot: "before".to_owned(), ..gone_process() });
    yard.begin(0);
    assert_eq!(yard.reconcile().why, "lost at reboot");
}

#[test]
fn what_was_written_beside_the_log_is_believed() {
    let mut yard = Yard::new(gone_process());
    for step in [0, 1] {
        let run = yard.begin(step);
        yard.note(&run, 0);
    }
    let plan = yard.reconcile();
    assert_eq!(plan.state, PlanState::Ended(PlanEnd::Done));
    let run = plan.steps[1].run.as_ref().unwrap();
    assert_eq!((&run.outcome, run.summary.as_str()), (&Some(Outcome::Exited { code: 0 }), "said"));
    assert_eq!(run.ended_at.unwrap().as_millisecond(), 4_000_000_000_000);
}

#[test]
fn what_never_began_is_no_secret() {
    let mut yard = Yard::new(gone_process());
    let plan = yard.reconcile();
    assert_eq!(plan.state, PlanState::Ended(PlanEnd::Failed));
    assert!(plan.why.ends_with("before it began: first"), "{}", plan.why);

    let mut yard = Yard::new(gone_process());
    let run = yard.begin(0);
    yard.note(&run, 0);
    let plan = yard.reconcile();
    assert_eq!(plan.state, PlanState::Ended(PlanEnd::Failed));
    assert!(plan.why.ends_with("before it began: second"), "{}", plan.why);
}

#[test]
fn a_conductor_that_gave_up_has_said_why() {
    let mut yard = Yard::new(gone_process());
    yard.begin(0);
    let why = why_file(yard.dir.path(), yard.incident, "deploy-staging-1");
    make_dir(why.parent().unwrap()).unwrap();
    std::fs::write(why, "the disk is full\u{1b}[2J").unwrap();
    assert_eq!(yard.reconcile().why, "the process of the plan gave up: the disk is full<U+001B>[2J");
}

#[test]
fn a_new_plan_gets_a_name_that_nobody_has() {
    let yard = Yard::new(gone_process());
    let (log, _) = yard.journal.load(yard.incident).unwrap();
    let here = yard.journal.author().node;
    let deploy = |environment: &str| Request::Deploy { environment: environment.to_owned(), reference: None };
    assert_eq!(plan_id(log.state(), &deploy("staging"), here), "deploy-staging-2");
    assert_eq!(plan_id(log.state(), &deploy("../pro duction"), here), "deploy-..-pro-duction-1");
    assert_eq!(plan_id(log.state(), &Request::Test { checks: Vec::new() }, here), "test-1");
    // Where it was declared elsewhere two could take one name at once.
    let there = (here & !0xffff) | ((here & 0xffff) ^ 0x9f3c);
    let name = plan_id(log.state(), &deploy("staging"), there);
    assert_eq!(name, format!("deploy-staging-{:04x}-1", there & 0xffff));
}
