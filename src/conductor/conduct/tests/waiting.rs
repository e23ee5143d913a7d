//! What waits for time, for people, or for the world.

use super::*;
use crate::incident::{Alarm, CheckState, StopAsked, Ticked, WatchVerdict};
use crate::plan::gates::Gate;

fn hold(time: Option<SignedDuration>, timeout: SignedDuration) -> Step {
    Step::new("hold", Action::Hold { time }, timeout)
}

const LONG: SignedDuration = SignedDuration::from_mins(10);

#[test]
fn a_hold_without_end_waits_for_a_person_and_never_goes_on_by_itself() {
    let yard = Yard::new();
    let plan = Yard::plan(vec![hold(None, LONG), yard.step("next", "echo x >> next")]);
    let conductor = yard.start(&plan);
    yard.wait("the hold", waits_at(0));
    assert_eq!(yard.count("next"), 0);
    yard.ask(&plan, &Decision::Resume);
    conductor.join().unwrap();
    let run = yard.plan_now();
    assert_eq!((run.state, yard.count("next")), (PlanState::Ended(PlanEnd::Done), 1));
    assert_eq!(run.steps[0].run.as_ref().unwrap().summary, "Maya let it go on");

    let yard = Yard::new();
    let plan =
        Yard::plan(vec![hold(None, SignedDuration::from_millis(300)), yard.step("next", "echo x >> next")]);
    let run = yard.run(&plan);
    assert_eq!((run.state, yard.count("next")), (PlanState::Ended(PlanEnd::Cancelled), 0));
    assert_eq!(fates(&run), [StepState::Open, StepState::Open]);
    assert!(yard.journal().leases().unwrap().is_empty(), "the target is free again");
}

#[test]
fn a_gate_opens_when_it_is_met() {
    let yard = Yard::new();
    let items = vec![("login".to_owned(), "Log in".to_owned())];
    let gate = Step::new("gate", Action::Gate { gates: vec![Gate::Checklist { items }] }, LONG);
    let plan = Yard::plan(vec![gate, yard.step("next", "echo x >> next")]);
    let conductor = yard.start(&plan);
    let run = yard.wait("the gate", waits_at(0));
    assert!(run.steps[0].waiting.as_ref().unwrap().1.contains("1 of 1 open"));
    assert!(!choices(&plan, &run).iter().any(|choice| choice.decision.name() == "skip"));
    // A decision that is not there to be made changes nothing.
    yard.ask_on(0, Some("p-1.0".to_owned()), Decision::Skip { reason: "hurry".to_owned() });
    yard.ask_on(0, Some("p-1.0".to_owned()), Decision::Resume);
    let ticked = Ticked {
        item: "login".to_owned(),
        title: String::new(),
        state: CheckState::Passed,
        note: String::new(),
    };
    yard.journal().append(Timestamp::now(), vec![Draft::now(yard.incident, ticked)]).unwrap();
    conductor.join().unwrap();
    let run = yard.plan_now();
    assert_eq!((fates(&run), yard.count("next")), (vec![StepState::Done, StepState::Done], 1));
}

#[test]
fn a_watch_without_data_asks_and_never_passes_by_itself() {
    let yard = Yard::new();
    *yard.health.lock().unwrap() = "{}".to_owned();
    let steps = vec![yard.step("deploy", "true"), yard.watch(200), yard.step("next", "echo x >> next")];
    let plan = Plan { release: Some(release(0)), ..Yard::plan(steps) };
    let conductor = yard.start(&plan);
    yard.wait("a question", waits_at(1));
    // Data again, and all is well: it still is for a person to say so.
    *yard.health.lock().unwrap() = r#"{"ok":true}"#.to_owned();
    yard.ask(&plan, &Decision::Resume);
    conductor.join().unwrap();
    assert_eq!((yard.plan_now().state, yard.count("next")), (PlanState::Ended(PlanEnd::Done), 1));
    let releases = yard.state().releases;
    assert!(releases.len() == 1 && releases[0].is_good(), "{releases:?}");
}

#[test]
fn what_failed_and_fell_silent_is_held_to_its_recovery_threshold() {
    for (recorded, end) in [
        (&["failing", "unknown"][..], PlanEnd::Failed),
        (&["failing", "error"], PlanEnd::Failed),
        (&["failing", "unknown", "ok"], PlanEnd::Done),
    ] {
        let yard = Yard::new();
        r#"{"rate":4}"#.clone_into(&mut yard.health.lock().unwrap());
        let alarm = |to: &&str| {
            let (from, why) = (String::new(), String::new());
            Draft::now(yard.incident, Alarm { probe: "api".to_owned(), from, to: (*to).to_owned(), why })
        };
        yard.journal().append(Timestamp::now(), recorded.iter().map(alarm).collect()).unwrap();
        let rules = "value = \"body.rate\"\nfail = \"> 5\"\nrecover = \"< 3\"";
        let run = yard.run(&Yard::plan(vec![yard.watch_by(rules, 200)]));
        assert_eq!(run.state, PlanState::Ended(end), "{recorded:?}");
    }
}

#[test]
fn a_watch_that_is_cut_short_by_a_person_is_no_verdict() {
    let yard = Yard::new();
    let steps = vec![yard.step("deploy", "true"), yard.watch(600_000), yard.step("next", "echo x >> next")];
    let plan = Plan { release: Some(release(0)), ..Yard::plan(steps) };
    let conductor = yard.start(&plan);
    yard.wait("the watch", |run| run.steps[1].state() == StepState::Running);
    yard.ask(&plan, &Decision::Skip { reason: "customers wait".to_owned() });
    conductor.join().unwrap();
    let run = yard.plan_now();
    assert_eq!((run.state, yard.count("next")), (PlanState::Ended(PlanEnd::Done), 1));
    assert_eq!(run.steps[1].skipped.as_ref().unwrap().2, "customers wait");
    let (_, verdict, why) = yard.state().releases[0].verdict.clone().unwrap();
    assert_eq!(
        (verdict, why.as_str()),
        (WatchVerdict::Unknown, "Maya promoted before it was over: customers wait")
    );
}

#[test]
fn a_watch_that_fails_undoes_and_condemns() {
    let yard = Yard::new();
    *yard.health.lock().unwrap() = r#"{"ok":false}"#.to_owned();
    let steps = vec![
        undone_by(&yard, yard.step("deploy", "true"), "deploy", None),
        Step { on_failure: OnFailure::UndoTo { step: 0 }, ..yard.watch(600_000) },
    ];
    let plan = Plan { release: Some(release(0)), ..Yard::plan(steps) };
    let run = yard.run(&plan);
    assert_eq!((run.state, yard.count("undone")), (PlanState::Ended(PlanEnd::Failed), 1));
    let (_, verdict, _) = yard.state().releases[0].verdict.clone().unwrap();
    assert_eq!(verdict, WatchVerdict::Failed);
}

#[test]
fn a_step_that_asks_waits_for_a_decision_and_two_retries_run_once() {
    let yard = Yard::new();
    let step = Step { on_failure: OnFailure::Ask, ..yard.step("deploy", "echo x >> ran; [ -e fixed ]") };
    let plan = Yard::plan(vec![step]);
    let conductor = yard.start(&plan);
    yard.wait("a question", waits_at(0));
    assert_eq!(yard.journal().leases().unwrap().len(), 1, "it holds its target");
    // Two people at once, on the same run: the second one's is about what is no more.
    yard.ask_on(0, Some("p-1.0".to_owned()), Decision::Retry);
    yard.ask_on(0, Some("p-1.0".to_owned()), Decision::Retry);
    yard.wait("the second run to fail", |run| {
        waits_at(0)(run) && run.steps[0].run.as_ref().unwrap().id == "p-1.0.1"
    });
    std::fs::write(yard.path("fixed"), "").unwrap();
    yard.ask(&plan, &Decision::Retry);
    conductor.join().unwrap();
    assert_eq!((yard.count("ran"), yard.plan_now().state), (3, PlanState::Ended(PlanEnd::Done)));
}

#[test]
fn giving_up_and_stopping_end_what_waits() {
    let yard = Yard::new();
    let plan = Yard::plan(vec![Step { on_failure: OnFailure::Ask, ..yard.step("deploy", "exit 1") }]);
    let conductor = yard.start(&plan);
    yard.wait("a question", waits_at(0));
    yard.ask(&plan, &Decision::GiveUp);
    conductor.join().unwrap();
    let run = yard.plan_now();
    assert_eq!((run.state, run.why.as_str()), (PlanState::Ended(PlanEnd::Cancelled), "Maya abandoned it"));

    let yard = Yard::new();
    let plan = Yard::plan(vec![hold(Some(LONG), LONG), yard.step("next", "echo x >> next")]);
    let conductor = yard.start(&plan);
    yard.wait("the hold", |run| run.steps[0].state() == StepState::Running);
    let stop = StopAsked { run: "p-1.0".to_owned(), kill: false };
    yard.journal().append(Timestamp::now(), vec![Draft::now(yard.incident, stop)]).unwrap();
    conductor.join().unwrap();
    let run = yard.plan_now();
    assert_eq!((run.state, yard.count("next")), (PlanState::Ended(PlanEnd::Cancelled), 0));
    assert_eq!(fates(&run)[0], StepState::Open, "it can be begun again");
}

#[test]
fn going_back_can_be_asked_for_while_a_command_runs() {
    let yard = Yard::new();
    let slow = yard.step("share", "echo x >> ran; while [ ! -e go ]; do sleep 0.02; done");
    let plan = Yard::plan(vec![undone_by(&yard, slow, "share", None), yard.step("next", "echo x >> next")]);
    let conductor = yard.start(&plan);
    yard.wait("the command", |run| run.steps[0].run.as_ref().is_some_and(|run| run.process.is_some()));
    yard.ask(&plan, &Decision::Undo { to: 0 });
    std::fs::write(yard.path("go"), "").unwrap();
    conductor.join().unwrap();
    let run = yard.plan_now();
    assert_eq!((yard.count("ran"), yard.count("undone"), yard.count("next")), (1, 1, 0));
    assert_eq!((run.state, fates(&run)[0]), (PlanState::Ended(PlanEnd::Cancelled), StepState::Undone));
}
