//! Pipelines whose start nobody saw, and runs that are run again: nothing is started twice, and nothing that somebody
//! else did counts as ours.

use serde_json::{Value, json};

use super::*;
use crate::conductor::prove;
use crate::incident::{StepEnded, StepStarted, StopAsked};
use crate::plan::forge::{Forge, Place};
use crate::plan::pipeline::{Begin, Pipeline, Rerun, Runner};

const BEFORE: &str = "2026-01-05T09:00:00Z";

/// A code host with at most one run.
struct Ci {
    server: Server,
    kept: Arc<Mutex<Kept>>,
}

#[derive(Default)]
struct Kept {
    run: Option<Value>,
    started: usize,
    reruns: usize,
    /// Its only job, at GitLab.
    job: Option<Value>,
    /// How often its output was asked for, which is never given.
    logs: usize,
    /// How each attempt that is asked for ends.
    ends: Vec<&'static str>,
    /// What it answers to whoever cancels, one after the other; then it cancels.
    refuses: Vec<&'static str>,
    /// What it was told to cancel.
    cancels: Vec<String>,
    /// It does not end by itself.
    held: bool,
    /// It does not end by an ordinary cancel.
    stubborn: bool,
    /// Once it was asked to run something again it wants to be left alone.
    limits: bool,
    /// Written once a run was seen.
    live: PathBuf,
}

impl Ci {
    fn new(yard: &Yard) -> Self {
        let kept = Arc::new(Mutex::new(Kept { live: yard.path("live"), ..Kept::default() }));
        let state = Arc::clone(&kept);
        let server = Server::start(move |stream, request| {
            let line = request.lines().next().unwrap_or_default();
            if line.contains("/trace") {
                state.lock().unwrap().logs += 1;
                let limit = response("429 Too Many Requests", "retry-after: 25\r\n", "{}");
                let _ = stream.write_all(limit.as_bytes());
                return;
            }
            if line.starts_with("POST") && line.contains("cancel") {
                let status = state.lock().unwrap().cancel(line);
                let wait = if status.starts_with("429") { "retry-after: 1\r\n" } else { "" };
                let _ = stream.write_all(response(status, wait, "{}").as_bytes());
                return;
            }
            if state.lock().unwrap().is_limited(line) {
                let limit = response("429 Too Many Requests", "retry-after: 1800\r\n", "{}");
                let _ = stream.write_all(limit.as_bytes());
                return;
            }
            let body = state.lock().unwrap().answer(line).to_string();
            let _ = stream.write_all(response("200 OK", "", &body).as_bytes());
        });
        Self { server, kept }
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.kept.lock().unwrap()
    }

    /// There is a run, over, of that attempt.
    fn has(&self, attempt: u64, conclusion: &str, began: &str) {
        self.kept().run = Some(json!({ "id": 9001, "run_number": 42, "run_attempt": attempt,
            "path": ".github/workflows/deploy.yml", "event": "workflow_dispatch", "head_sha": COMMIT,
            "sha": COMMIT, "status": if conclusion == "failed" { "failed" } else { "completed" },
            "conclusion": conclusion, "created_at": Timestamp::now().to_string(), "run_started_at": began }));
    }

    /// At GitLab what is started is over at once, of that commit.
    fn is_over_at_once(&self, commit: &str) {
        self.has(1, "success", BEFORE);
        let mut kept = self.kept();
        let run = kept.run.as_mut().unwrap();
        (run["status"], run["sha"]) = ("success".into(), commit.into());
    }

    /// What is started runs on, of that commit.
    fn runs(&self, forge: Forge, commit: &str) {
        self.has(1, "success", BEFORE);
        let mut kept = self.kept();
        kept.held = true;
        let run = kept.run.as_mut().unwrap();
        run["status"] = if forge == Forge::Github { "in_progress" } else { "running" }.into();
        // Of its workflow too.
        run["state"] = "active".into();
        (run["conclusion"], run["sha"], run["head_sha"]) = (Value::Null, commit.into(), commit.into());
    }

    fn step(&self, forge: Forge, begin: Begin) -> Step {
        let place = Place {
            forge,
            api: self.server.url.clone(),
            repository: "shop/payments-api".to_owned(),
            owner: "shop".to_owned(),
            token: String::new(),
        };
        let runner = match forge {
            Forge::Gitlab => Runner::Gitlab { place, trigger: String::new() },
            Forge::Github => Runner::GithubActions { place, workflow: "deploy.yml".to_owned() },
        };
        let pipeline = Pipeline {
            runner,
            begin,
            commit: COMMIT.to_owned(),
            environment: "staging".to_owned(),
            interval: SignedDuration::from_millis(20),
            pushed: None,
        };
        let action = Action::Pipeline(Box::new(pipeline));
        Step { reach: Reach::Others, ..Step::new("deploy", action, SignedDuration::from_secs(60)) }
    }
}

impl Kept {
    fn cancel(&mut self, line: &str) -> &'static str {
        let address = line.split_whitespace().nth(1).unwrap_or_default();
        let mut parts = address.rsplit('/');
        let (how, of) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        self.cancels.push(format!("{how} {of}"));
        if !self.refuses.is_empty() {
            return self.refuses.remove(0);
        }
        if self.stubborn && how == "cancel" {
            return "202 Accepted";
        }
        let run = self.run.as_mut().unwrap();
        run["status"] = if line.contains("/actions/") { "completed" } else { "canceled" }.into();
        run["conclusion"] = "cancelled".into();
        "202 Accepted"
    }

    /// Tells whether it wants to be left alone.
    fn is_limited(&mut self, line: &str) -> bool {
        let is_limited = self.limits && self.reruns > 0 && line.starts_with("GET");
        self.logs += usize::from(is_limited);
        is_limited
    }

    fn answer(&mut self, line: &str) -> Value {
        if line.contains("/dispatches") {
            self.started += 1;
            return json!({ "workflow_run_id": 9001 });
        }
        if line.starts_with("POST") {
            self.reruns += 1;
            let before = self.run.clone();
            let end = if self.ends.is_empty() { "success" } else { self.ends.remove(0) };
            let run = self.run.as_mut().unwrap();
            run["run_attempt"] = (run["run_attempt"].as_u64().unwrap() + 1).into();
            run["run_started_at"] = Timestamp::now().to_string().into();
            run["conclusion"] = end.into();
            if line.contains("/retry") {
                run["status"] = "running".into();
            }
            return before.into();
        }
        if line.contains("/pipelines?") {
            return json!([]);
        }
        if line.contains("/jobs") {
            return if line.contains("/actions/") {
                json!({ "total_count": 0, "jobs": [] })
            } else {
                self.job.iter().cloned().collect()
            };
        }
        if line.contains("/runs?") {
            if self.run.is_some() {
                append(&self.live);
            }
            return json!({ "workflow_runs": self.run.iter().collect::<Vec<_>>() });
        }
        append(&self.live);
        let seen = self.run.clone().unwrap_or_default();
        if seen["status"] == "running" && !self.held {
            self.run.as_mut().unwrap()["status"] = "success".into();
        }
        seen
    }
}

fn start() -> Begin {
    Begin::Start { reference: "main".to_owned(), inputs: BTreeMap::new() }
}

fn rerun() -> Begin {
    let (id, name) = ("9001".to_owned(), "deploy.yml #42".to_owned());
    Rerun { id, name, attempt: 1, failed: false, job: String::new(), only_look: false }.into()
}

/// A plan whose conductor was killed after its step had begun.
fn killed(yard: &Yard, step: Step) -> Plan {
    let plan = Plan { release: Some(release(0)), ..Yard::plan(vec![step]) };
    let (id, run) = (plan.id.clone(), "p-1.0".to_owned());
    let began = StepStarted { plan: id.clone(), step: 0, run: run.clone(), process: None, undo: false };
    let ended = StepEnded {
        plan: id.clone(),
        step: 0,
        run,
        outcome: Outcome::Unknown { why: "lost".to_owned() },
        summary: String::new(),
        survivors: Vec::new(),
        unproven: false,
        tail: Vec::new(),
    };
    let over = PlanEnded { plan: id, end: PlanEnd::Unknown, why: "lost".to_owned() };
    let bodies = vec![started(&plan), began.into(), ended.into()];
    yard.take(&plan, bodies, process::this().unwrap());
    let (now, over) = (Timestamp::now(), vec![Draft::now(yard.incident, over)]);
    yard.journal().release(now, REPOSITORY, &plan.target, &plan.id, over).unwrap();
    plan
}

fn go_on(yard: &Yard, plan: &Plan, decision: Decision) -> PlanRun {
    let resumed = PlanResumed { plan: plan.id.clone(), step: 0, decision };
    yard.take(plan, vec![resumed.into()], process::this().unwrap());
    yard.conduct(plan).join().unwrap();
    yard.plan_now()
}

#[test]
fn what_may_have_been_started_is_found_and_not_started_again_whatever_its_proof_says() {
    for (decision, asked, old) in [
        (Decision::Resume, false, false),
        (Decision::Resume, true, false),
        (Decision::Resume, true, true),
        (Decision::Retry, true, false),
        (Decision::Retry, true, true),
    ] {
        let yard = Yard::new();
        let ci = Ci::new(&yard);
        let proof = Some(yard.probe("test -e live"));
        let step = Step { proof, proof_within: SignedDuration::ZERO, ..ci.step(Forge::Github, start()) };
        let plan = killed(&yard, step);
        if asked {
            prove(&mut yard.journal(), yard.incident, &plan.id).unwrap();
            assert_eq!(fates(&yard.plan_now()), [StepState::Unknown], "it may be still to come");
        }
        if old {
            // As it was written before.
            let (plan, why) = (plan.id.clone(), "it answers nothing".to_owned());
            let no = crate::incident::Proved { plan, step: 0, proof: Proof::NotDone, why, undo: false };
            yard.journal().append(Timestamp::now(), vec![Draft::now(yard.incident, no)]).unwrap();
        }
        ci.has(1, "success", &Timestamp::now().to_string());
        let what = format!("{decision:?}, asked: {asked}, old: {old}");
        let run = go_on(&yard, &plan, decision);
        assert_eq!(
            (run.state, ci.kept().started),
            (PlanState::Ended(PlanEnd::Done), 0),
            "{what}: {}",
            run.why
        );
        let remote = run.steps[0].run.as_ref().unwrap().remote.clone().unwrap();
        assert_eq!((remote.id.as_str(), yard.state().releases.len()), ("9001", 1), "{what}");
    }
}

#[test]
fn an_attempt_that_somebody_made_before_is_no_release() {
    let yard = Yard::new();
    let ci = Ci::new(&yard);
    ci.has(2, "success", BEFORE);
    let plan = Plan { release: Some(release(0)), ..Yard::plan(vec![ci.step(Forge::Github, rerun())]) };
    let run = yard.run(&plan);
    assert_eq!((run.state, ci.kept().reruns), (PlanState::Ended(PlanEnd::Failed), 0), "{}", run.why);
    assert!(run.why.contains("somebody ran deploy.yml #42 again before this"), "{}", run.why);
    assert!(yard.state().releases.is_empty());
}

#[test]
fn a_rerun_that_was_cancelled_is_asked_for_again() {
    let yard = Yard::new();
    let ci = Ci::new(&yard);
    ci.has(1, "success", BEFORE);
    ci.kept().ends = vec!["cancelled", "success"];
    let plan = Plan { release: Some(release(0)), ..Yard::plan(vec![ci.step(Forge::Github, rerun())]) };
    let run = yard.run(&plan);
    assert_eq!((run.state, ci.kept().reruns), (PlanState::Ended(PlanEnd::Failed), 1), "{}", run.why);
    let run = go_on(&yard, &plan, Decision::Retry);
    assert_eq!((run.state, ci.kept().reruns), (PlanState::Ended(PlanEnd::Done), 2), "{}", run.why);
    assert_eq!(run.steps[0].run.as_ref().unwrap().remote.as_ref().unwrap().attempt, 3);
}

#[test]
fn an_answer_of_how_it_stood_before_is_no_end_of_what_was_asked_for() {
    let yard = Yard::new();
    let ci = Ci::new(&yard);
    ci.has(1, "failed", BEFORE);
    let run = yard.run(&Yard::plan(vec![ci.step(Forge::Gitlab, rerun())]));
    assert_eq!((run.state, ci.kept().reruns), (PlanState::Ended(PlanEnd::Done), 1), "{}", run.why);
}

#[test]
fn what_is_over_at_once_on_another_commit_is_no_release() {
    let yard = Yard::new();
    let ci = Ci::new(&yard);
    ci.is_over_at_once("77b0d13000000000000000000000000000000000");
    let plan = Plan { release: Some(release(0)), ..Yard::plan(vec![ci.step(Forge::Gitlab, start())]) };
    let run = yard.run(&plan);
    assert_eq!((run.state, yard.state().releases.len()), (PlanState::Ended(PlanEnd::Failed), 0));
    assert!(run.why.contains("runs on 77b0d13, and 4f2c91e is what was approved"), "{}", run.why);
}

#[test]
fn a_stop_that_comes_while_the_output_of_a_job_is_waited_for_holds_what_comes_next() {
    let yard = Yard::new();
    let ci = Ci::new(&yard);
    ci.is_over_at_once(COMMIT);
    ci.kept().job = Some(json!({ "id": 501, "name": "lint", "status": "failed", "allow_failure": true }));
    let plan = Yard::plan(vec![ci.step(Forge::Gitlab, start()), yard.step("next", "echo x >> next")]);
    let conductor = yard.start(&plan);
    yard.wait("a question for its output", |_| ci.kept().logs > 0);
    stop(&yard, false);
    conductor.join().unwrap();
    let run = yard.plan_now();
    assert_eq!((run.state, yard.count("next")), (PlanState::Ended(PlanEnd::Cancelled), 0));
    assert_eq!((fates(&run)[0], ci.kept().logs), (StepState::Done, 1), "its host is left alone");
}

#[test]
fn a_host_that_wants_to_be_left_alone_after_a_rerun_is_and_that_is_said_where_it_is_broken_off() {
    let yard = Yard::new();
    let ci = Ci::new(&yard);
    ci.has(1, "failure", BEFORE);
    ci.kept().limits = true;
    let conductor = yard.start(&Yard::plan(vec![ci.step(Forge::Github, rerun())]));
    yard.wait("a look at it", |_| ci.kept().logs > 0);
    stop(&yard, false);
    conductor.join().unwrap();
    let run = yard.plan_now();
    assert_eq!(fates(&run), [StepState::Unknown]);
    assert_eq!(ci.kept().reruns, 1);
    assert_eq!(ci.kept().logs, 1, "it is left alone");
    assert!(run.why.contains("it asks to wait for 30m"), "{}", run.why);
}

/// Somebody asks that the step be stopped.
fn stop(yard: &Yard, kill: bool) {
    let stop = StopAsked { run: "p-1.0".to_owned(), kill };
    yard.journal().append(Timestamp::now(), vec![Draft::now(yard.incident, stop)]).unwrap();
}

/// The same, and its host is told so often.
fn asks_to_stop(yard: &Yard, ci: &Ci, told: usize) {
    stop(yard, false);
    yard.wait("its host to be told", |_| ci.kept().cancels.len() >= told);
}

fn note(yard: &Yard) -> String {
    let run = yard.plan_now();
    let remote = run.steps[0].run.as_ref().and_then(|run| run.remote.clone());
    remote.map(|remote| remote.note).unwrap_or_default()
}

#[test]
fn what_runs_on_another_commit_is_cancelled_also_where_its_host_wants_to_be_left_alone_first() {
    let yard = Yard::new();
    let ci = Ci::new(&yard);
    ci.runs(Forge::Github, "77b0d13000000000000000000000000000000000");
    ci.kept().refuses = vec!["429 Too Many Requests"];
    let run = yard.run(&Yard::plan(vec![ci.step(Forge::Github, start())]));
    assert_eq!((run.state, ci.kept().cancels.len()), (PlanState::Ended(PlanEnd::Failed), 2), "{}", run.why);
    assert!(run.why.contains("is what was approved; it was cancelled"), "{}", run.why);
}

#[test]
fn whoever_stops_a_run_that_may_not_be_cancelled_is_told_so_and_can_leave_it() {
    let yard = Yard::new();
    let ci = Ci::new(&yard);
    ci.runs(Forge::Github, COMMIT);
    ci.kept().refuses = vec!["403 Forbidden"; 2];
    let conductor = yard.start(&Yard::plan(vec![ci.step(Forge::Github, start())]));
    yard.wait("the run", |_| yard.plan_now().steps[0].run.as_ref().is_some_and(|run| run.remote.is_some()));
    asks_to_stop(&yard, &ci, 1);
    yard.wait("why it goes on", |_| note(&yard).contains("could not be told to cancel"));
    let said = yard.plan_now().stopping().unwrap_or_default();
    assert!(said.contains("could not be told to cancel: "), "{said}");
    asks_to_stop(&yard, &ci, 2);
    conductor.join().unwrap();
    let run = yard.plan_now();
    assert_eq!(
        (fates(&run), &ci.kept().cancels[..]),
        (vec![StepState::Unknown], &["cancel 9001".to_owned(), "force-cancel 9001".to_owned()][..])
    );
    assert!(
        run.why.contains("could not be told to cancel: ") && run.why.contains("it goes on"),
        "{}",
        run.why
    );
}

#[test]
fn whoever_asks_again_before_its_host_was_told_skips_no_ordinary_cancel() {
    for (refuses, twice_at_once, told) in [
        // Both were asked for before its host was told of the first.
        (vec![], true, vec!["cancel", "force-cancel"]),
        // It wanted to be left alone, and has not heard of it.
        (vec!["429 Too Many Requests"], false, vec!["cancel", "cancel", "force-cancel"]),
        // It may have heard of it.
        (vec!["502 Bad Gateway"], false, vec!["cancel", "force-cancel"]),
    ] {
        let yard = Yard::new();
        let ci = Ci::new(&yard);
        ci.runs(Forge::Github, COMMIT);
        (ci.kept().stubborn, ci.kept().refuses) = (true, refuses);
        let what = format!("{told:?}");
        let conductor = yard.start(&Yard::plan(vec![ci.step(Forge::Github, start())]));
        yard.wait("the run", |_| {
            yard.plan_now().steps[0].run.as_ref().is_some_and(|run| run.remote.is_some())
        });
        if twice_at_once {
            let ask = |kill| Draft::now(yard.incident, StopAsked { run: "p-1.0".to_owned(), kill });
            yard.journal().append(Timestamp::now(), vec![ask(false), ask(true)]).unwrap();
        } else {
            asks_to_stop(&yard, &ci, 1);
            yard.wait("why it goes on", |_| note(&yard).contains("could not be told to cancel"));
            stop(&yard, true);
        }
        conductor.join().unwrap();
        let told: Vec<String> = told.into_iter().map(|how| format!("{how} 9001")).collect();
        assert_eq!(ci.kept().cancels, told, "{what}");
        assert_eq!(yard.plan_now().state, PlanState::Ended(PlanEnd::Cancelled), "{what}");
    }
}

#[test]
fn jobs_that_may_not_be_force_cancelled_are_not_told_to_have_been() {
    let yard = Yard::new();
    let ci = Ci::new(&yard);
    ci.runs(Forge::Gitlab, COMMIT);
    ci.kept().job = Some(json!({ "id": 501, "name": "deploy", "status": "canceling" }));
    let (taken, refused) = ("201 Created", "403 Forbidden");
    ci.kept().refuses = vec![taken, taken, refused, taken, refused];
    let conductor = yard.start(&Yard::plan(vec![ci.step(Forge::Gitlab, start())]));
    yard.wait("the run", |_| yard.plan_now().steps[0].run.as_ref().is_some_and(|run| run.remote.is_some()));
    asks_to_stop(&yard, &ci, 1);
    asks_to_stop(&yard, &ci, 3);
    yard.wait("why it goes on", |_| note(&yard).contains("could not be told"));
    asks_to_stop(&yard, &ci, 5);
    conductor.join().unwrap();
    let run = yard.plan_now();
    assert!(run.why.contains("could not be told to force-cancel: "), "{}", run.why);
}
