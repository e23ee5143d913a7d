//! Plans carried out in this process, with real commands, calls and journals.

mod afar;
mod crashes;
mod pipelines;
mod settling;
mod waiting;

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use jiff::{SignedDuration, Timestamp};

use super::super::testing::{Server, response};
use super::*;
use crate::incident::{
    Declared, Draft, Outcome, PlanAsked, PlanRun, PlanStarted, PlanState, Proof, State, StepRun,
};
use crate::journal::Acquired;
use crate::plan::progress::{Choice, choices};
use crate::plan::{
    Action, Command, Guard, HttpCall, Probe, Purpose, Reach, ReleaseSpec, Step, Undo, Watch, Watched,
};

const REPOSITORY: &str = "/repo/.git";
const COMMIT: &str = "4f2c91e0000000000000000000000000000000ab";

/// A journal with an incident, a directory that commands leave traces in, and a server.
struct Yard {
    dir: tempfile::TempDir,
    incident: IncidentId,
    server: Server,
    /// Body of the answer to `GET /health`.
    health: Arc<Mutex<String>>,
}

impl Yard {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut journal = Journal::open(dir.path(), "Maya").unwrap();
        let declared = Declared {
            number: String::new(),
            title: "broken".to_owned(),
            repository: REPOSITORY.to_owned(),
            ..Declared::example()
        };
        let incident = journal.declare(Timestamp::now(), None, declared).unwrap().incident;
        let health = Arc::new(Mutex::new(r#"{"ok":true}"#.to_owned()));
        let (told, calls) = (Arc::clone(&health), dir.path().join("called"));
        let server = Server::start(move |stream, request| {
            let body = if request.starts_with("GET /health") {
                told.lock().unwrap().clone()
            } else {
                // A connection that was given up before it asked for anything is no call.
                if request.starts_with("POST") {
                    append(&calls);
                }
                "{}".to_owned()
            };
            let _ = stream.write_all(response("200 OK", "", &body).as_bytes());
        });
        Self { dir, incident, server, health }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// How often something left its trace.
    fn count(&self, name: &str) -> usize {
        std::fs::read_to_string(self.path(name)).unwrap_or_default().lines().count()
    }

    fn sh(&self, script: &str) -> Command {
        let argv = ["sh", "-c", script].map(str::to_owned).to_vec();
        let cwd = self.dir.path().to_str().unwrap().to_owned();
        Command { argv, cwd, env: Vec::new(), set: BTreeMap::new() }
    }

    /// A step that runs a script.
    fn step(&self, title: &str, script: &str) -> Step {
        Step::new(title, Action::Command(self.sh(script)), SignedDuration::from_secs(60))
    }

    /// A probe that is done when a script exits with 0, and not done when with 1.
    fn probe(&self, script: &str) -> Probe {
        Probe::command(self.sh(script), None)
    }

    fn call(&self) -> Step {
        let call = HttpCall {
            method: "POST".to_owned(),
            url: format!("{}/flag", self.server.url),
            headers: BTreeMap::new(),
            body: String::new(),
            expect: Vec::new(),
        };
        Step::new("call", Action::Http(call), SignedDuration::from_secs(60))
    }

    fn watch(&self, milliseconds: i64) -> Step {
        self.watch_by("expect = ['body.ok == true']", milliseconds)
    }

    /// A watch of the server by these rules.
    fn watch_by(&self, rules: &str, milliseconds: i64) -> Step {
        let probe = format!(
            "name = \"api\"\nurl = \"{}/health\"\ninterval = \"20ms\"\ntimeout = \"10s\"\n{rules}",
            self.server.url
        );
        let watch = Watch {
            time: SignedDuration::from_millis(milliseconds),
            settle: SignedDuration::ZERO,
            probes: vec![Watched::from(&toml::from_str::<crate::config::types::Probe>(&probe).unwrap())],
            cwd: "/".to_owned(),
            judges: None,
            then: None,
        };
        Step::new("watch", Action::Watch(watch), SignedDuration::from_secs(600))
    }

    fn plan(steps: Vec<Step>) -> Plan {
        Plan { steps, ..Plan::new("p-1", "a plan", Purpose::Deploy, "staging") }
    }

    fn journal(&self) -> Journal {
        Journal::open(self.dir.path(), "Maya").unwrap()
    }

    /// Takes the target and puts records down: what starting or taking up a plan does.
    fn take(&self, plan: &Plan, bodies: Vec<Body>, holder: Process) {
        let now = Timestamp::now();
        let lease = Lease {
            repository: REPOSITORY.to_owned(),
            target: plan.target.clone(),
            incident: self.incident,
            plan: plan.id.clone(),
            by: "Maya".to_owned(),
            process: Some(holder),
            taken_at: now,
            heartbeat_at: now,
        };
        let drafts = bodies.into_iter().map(|body| Draft::now(self.incident, body)).collect();
        let taken = self.journal().acquire(now, lease, drafts, &|_| false).unwrap();
        assert!(matches!(taken, Acquired::Yes(_)), "{taken:?}");
    }

    /// Starts a plan and carries it out beside the test.
    fn start(&self, plan: &Plan) -> JoinHandle<()> {
        self.take(plan, vec![started(plan)], process::this().unwrap());
        self.conduct(plan)
    }

    /// Takes a plan up again with a decision.
    fn resume(&self, plan: &Plan, choice: &Choice) -> JoinHandle<()> {
        let (step, decision) = (choice.step, choice.decision.clone());
        let resumed = PlanResumed { plan: plan.id.clone(), step, decision };
        self.take(plan, vec![resumed.into()], process::this().unwrap());
        self.conduct(plan)
    }

    fn conduct(&self, plan: &Plan) -> JoinHandle<()> {
        let (dir, incident, id) = (self.dir.path().to_owned(), self.incident, plan.id.clone());
        std::thread::spawn(move || carry_out(&dir, "Maya", incident, &id).unwrap())
    }

    /// Carries a plan out to its end and returns how it stands then.
    fn run(&self, plan: &Plan) -> PlanRun {
        self.start(plan).join().unwrap();
        self.plan_now()
    }

    fn state(&self) -> State {
        self.journal().load(self.incident).unwrap().0.state().clone()
    }

    fn plan_now(&self) -> PlanRun {
        self.state().plan("p-1").unwrap().clone()
    }

    /// Waits until the plan stands as wanted.
    fn wait(&self, what: &str, wanted: impl Fn(&PlanRun) -> bool) -> PlanRun {
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            let plan = self.plan_now();
            if wanted(&plan) {
                return plan;
            }
            assert!(Instant::now() < deadline, "waited for {what}: {plan:?}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Tells the conductor a decision, as `decide` does.
    fn ask(&self, plan: &Plan, decision: &Decision) {
        let run = self.plan_now();
        let offers = choices(plan, &run);
        let offer = offers.iter().find(|offer| offer.decision.name() == decision.name());
        let offer = offer.unwrap_or_else(|| panic!("{decision:?} of {offers:?}"));
        self.ask_on(offer.step, offer.run.clone(), decision.clone());
    }

    fn ask_on(&self, step: usize, run: Option<String>, decision: Decision) {
        let asked = PlanAsked { plan: "p-1".to_owned(), step, run, decision };
        self.journal().append(Timestamp::now(), vec![Draft::now(self.incident, asked)]).unwrap();
    }
}

fn append(path: &Path) {
    let file = std::fs::OpenOptions::new().create(true).append(true).open(path);
    writeln!(file.unwrap(), "x").unwrap();
}

fn started(plan: &Plan) -> Body {
    PlanStarted {
        plan: plan.id.clone(),
        title: plan.title.clone(),
        purpose: plan.purpose.name().to_owned(),
        target: plan.target.clone(),
        hash: plan.hash(),
        steps: plan.steps.iter().map(|step| step.title.clone()).collect(),
        confirmed: String::new(),
        spec: stored::seal(plan).unwrap().spec,
    }
    .into()
}

fn waits_at(index: usize) -> impl Fn(&PlanRun) -> bool {
    move |run| run.state == PlanState::Waiting && run.steps[index].waiting.is_some()
}

fn fates(run: &PlanRun) -> Vec<StepState> {
    run.steps.iter().map(StepRun::fate).collect()
}

fn release(after: usize) -> ReleaseSpec {
    ReleaseSpec {
        environment: "staging".to_owned(),
        reference: "main".to_owned(),
        commit: COMMIT.to_owned(),
        tag: None,
        version: None,
        rollback: false,
        replaces: None,
        after,
    }
}

#[test]
fn a_success_that_the_world_does_not_confirm_is_none() {
    let yard = Yard::new();
    for (proof, fate, end, says) in [
        ("exit 0", StepState::Done, PlanEnd::Done, ""),
        ("exit 1", StepState::Failed, PlanEnd::Failed, "exited 0, but it is not done"),
        (
            "echo oops >&2; exit 7",
            StepState::Unknown,
            PlanEnd::Unknown,
            "could not find out whether it is done: the proof exited 7: oops",
        ),
    ] {
        let yard = Yard::new();
        let step = Step { proof: Some(yard.probe(proof)), ..yard.step("deploy", "echo x >> ran") };
        let run = yard.run(&Yard::plan(vec![step, yard.step("next", "echo x >> next")]));
        assert_eq!((run.steps[0].fate(), run.state), (fate, PlanState::Ended(end)), "{proof}");
        assert!(run.why.contains(says), "{proof}: {}", run.why);
        assert_eq!(yard.count("next"), usize::from(end == PlanEnd::Done));
    }
    assert!(yard.journal().leases().unwrap().is_empty());
}

#[test]
fn a_proof_is_asked_again_for_as_long_as_it_may_take() {
    let yard = Yard::new();
    let step = Step {
        // It shows with the third question.
        proof: Some(yard.probe("echo x >> asked; [ $(wc -l < asked) -ge 3 ]")),
        proof_within: SignedDuration::from_secs(60),
        ..yard.step("deploy", "echo x >> ran")
    };
    let run = yard.run(&Yard::plan(vec![step]));
    assert_eq!((run.state, yard.count("ran"), yard.count("asked")), (PlanState::Ended(PlanEnd::Done), 1, 3));
}

#[test]
fn a_command_that_failed_has_failed_whatever_the_proof_says_and_that_is_kept() {
    let yard = Yard::new();
    let step = Step { proof: Some(yard.probe("exit 0")), ..yard.step("deploy", "exit 3") };
    let run = yard.run(&Yard::plan(vec![step]));
    assert_eq!((run.steps[0].fate(), run.state), (StepState::Failed, PlanState::Ended(PlanEnd::Failed)));
    assert_eq!(run.steps[0].proof.as_ref().unwrap().1, Proof::Done);
}

#[test]
fn a_step_whose_guard_does_not_hold_is_not_begun() {
    for (script, says) in [("exit 1", "blue is live does not hold"), ("exit 9", "cannot find out whether")] {
        let yard = Yard::new();
        let guard = Guard { title: "blue is live".to_owned(), probe: yard.probe(script) };
        let step = Step { guards: vec![guard], ..yard.step("switch", "echo x >> ran") };
        let run = yard.run(&Yard::plan(vec![step]));
        let outcome = run.steps[0].run.as_ref().unwrap().outcome.clone().unwrap();
        assert!(matches!(&outcome, Outcome::DidNotStart { why } if why.contains(says)), "{outcome:?}");
        assert_eq!((run.state, yard.count("ran")), (PlanState::Ended(PlanEnd::Failed), 0));
    }
}

fn undone_by(yard: &Yard, step: Step, name: &str, proof: Option<&str>) -> Step {
    let action = Action::Command(yard.sh(&format!("echo {name} >> undone")));
    Step { undo: Undo::By { action, proof: proof.map(|script| yard.probe(script)) }, ..step }
}

#[test]
fn what_fails_is_undone_from_the_last_step_to_the_first_named() {
    let yard = Yard::new();
    let steps = vec![
        undone_by(&yard, yard.step("zero", "true"), "zero", None),
        undone_by(&yard, yard.step("one", "true"), "one", Some("grep -q one undone")),
        yard.step("nothing to undo", "true"),
        Step {
            on_failure: OnFailure::UndoTo { step: 1 },
            ..undone_by(&yard, yard.step("three", "exit 1"), "three", None)
        },
        yard.step("never", "echo x >> never"),
    ];
    let plan = Plan { release: Some(release(1)), ..Yard::plan(steps) };
    let run = yard.run(&plan);
    assert_eq!(std::fs::read_to_string(yard.path("undone")).unwrap(), "three\none\n");
    assert_eq!(run.state, PlanState::Ended(PlanEnd::Failed), "taken back is not called off");
    assert!(run.why.starts_with("undone, back to and including one: three exited 1"), "{}", run.why);
    let fates = fates(&run);
    assert_eq!(fates[..2], [StepState::Done, StepState::Undone]);
    assert_eq!((fates[3], fates[4]), (StepState::Undone, StepState::Open));
    assert_eq!(run.steps[1].undo.as_ref().unwrap().id, "p-1.1.u1");
    let release = &yard.state().releases[0];
    assert!(!release.is_good() && release.verdict.is_some(), "what was undone is no good release");
}

#[test]
fn an_undo_that_does_not_work_says_so() {
    for (proof, end) in [("exit 1", PlanEnd::Failed), ("exit 5", PlanEnd::Unknown)] {
        let yard = Yard::new();
        let steps = vec![
            undone_by(&yard, yard.step("one", "true"), "one", Some(proof)),
            Step { on_failure: OnFailure::UndoTo { step: 0 }, ..yard.step("two", "exit 1") },
        ];
        let run = yard.run(&Yard::plan(steps));
        assert_eq!(run.state, PlanState::Ended(end), "{}", run.why);
        assert!(run.why.starts_with("undoing one "), "{}", run.why);
        assert_ne!(run.steps[0].fate(), StepState::Undone);
    }
}

/// It has as long as the step itself has.
#[test]
fn what_is_undone_slowly_is_still_going_and_then_undone() {
    let slow = "echo x >> asked; [ $(wc -l < asked) -ge 4 ]";
    for (proof, timeout, undone) in [(slow, 60, true), ("exit 1", 1, false)] {
        let yard = Yard::new();
        let steps = vec![
            Step {
                reach: Reach::Others,
                proof_within: SignedDuration::ZERO,
                timeout: SignedDuration::from_secs(timeout),
                ..undone_by(&yard, yard.step("one", "true"), "one", Some(proof))
            },
            Step { on_failure: OnFailure::UndoTo { step: 0 }, ..yard.step("two", "exit 1") },
        ];
        let run = yard.run(&Yard::plan(steps));
        assert_eq!(run.steps[0].fate() == StepState::Undone, undone, "{:?}", run.steps[0]);
        let why = if undone { "undone, back to" } else { "undoing one did not work" };
        assert!(run.why.starts_with(why), "{}", run.why);
    }
}

#[test]
fn what_cannot_be_undone_stops_the_undoing() {
    let yard = Yard::new();
    let never = Undo::Irreversible { why: "rows were dropped".to_owned() };
    let steps = vec![
        undone_by(&yard, yard.step("one", "true"), "one", None),
        Step { undo: never, ..yard.step("migrate", "true") },
        Step { on_failure: OnFailure::UndoTo { step: 0 }, ..yard.step("three", "exit 1") },
    ];
    let run = yard.run(&Yard::plan(steps));
    assert_eq!((run.state, yard.count("undone")), (PlanState::Ended(PlanEnd::Failed), 0));
    assert!(run.why.contains("undoing migrate is not possible: rows were dropped"), "{}", run.why);
}

#[test]
fn independent_steps_go_on_and_only_what_was_asked_for_runs_again() {
    let yard = Yard::new();
    let check = |name: &str| Step {
        on_failure: OnFailure::GoOn,
        ..yard.step(name, &format!("echo x >> {name}; [ -e fixed ]"))
    };
    let plan = Yard::plan(vec![check("one"), check("two")]);
    let run = yard.run(&plan);
    assert_eq!((run.state, yard.count("one"), yard.count("two")), (PlanState::Ended(PlanEnd::Failed), 1, 1));
    std::fs::write(yard.path("fixed"), "").unwrap();
    let retry = choices(&plan, &run).into_iter().find(|choice| choice.decision == Decision::Retry).unwrap();
    yard.resume(&plan, &retry).join().unwrap();
    let run = yard.plan_now();
    assert_eq!((yard.count("one"), yard.count("two")), (2, 1), "the other one was not asked for");
    assert_eq!(fates(&run), [StepState::Done, StepState::Failed]);
    assert_eq!(run.state, PlanState::Ended(PlanEnd::Failed));
    assert_eq!(run.steps[0].run.as_ref().unwrap().id, "p-1.0.1");
}
