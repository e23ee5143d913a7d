use jiff::{SignedDuration, Timestamp};

use super::super::{Command, Purpose, Settle, Watch};
use super::*;
use crate::incident::{Proof, Run};

fn command(title: &str) -> Step {
    let argv = vec!["true".to_owned()];
    let command = Command { argv, cwd: "/".to_owned(), env: Vec::new(), set: [].into() };
    Step::new(title, Action::Command(command), SignedDuration::from_secs(60))
}

fn hold() -> Step {
    Step::new("hold", Action::Hold { time: None }, SignedDuration::from_secs(60))
}

fn watch() -> Step {
    let time = SignedDuration::from_secs(60);
    let watch =
        Watch { time, settle: time, probes: Vec::new(), cwd: "/".to_owned(), judges: None, then: None };
    Step::new("watch", Action::Watch(watch), time)
}

fn undoable(step: Step) -> Step {
    let action = step.action.clone();
    Step { undo: Undo::By { action, proof: None }, ..step }
}

fn plan(steps: Vec<Step>) -> Plan {
    Plan { steps, ..Plan::new("p", "p", Purpose::Deploy, "staging") }
}

fn ran(outcome: Option<Outcome>) -> StepRun {
    let run = Run {
        id: "p.0".to_owned(),
        title: String::new(),
        started_at: Timestamp::UNIX_EPOCH,
        ended_at: None,
        process: None,
        outcome,
        summary: String::new(),
        tail: Vec::new(),
        stop_asked: None,
        signals: Vec::new(),
        unproven: false,
        waits: None,
        remote: None,
    };
    StepRun { run: Some(run), ..open() }
}

fn open() -> StepRun {
    StepRun {
        learned: None,
        title: String::new(),
        run: None,
        earlier: Vec::new(),
        proof: None,
        skipped: None,
        waiting: None,
        undo: None,
        undo_proof: None,
    }
}

fn waiting(step: StepRun) -> StepRun {
    StepRun { waiting: Some((Timestamp::UNIX_EPOCH, "?".to_owned())), ..step }
}

fn done() -> StepRun {
    ran(Some(Outcome::Exited { code: 0 }))
}

fn failed() -> StepRun {
    ran(Some(Outcome::Exited { code: 1 }))
}

fn unknown() -> StepRun {
    ran(Some(Outcome::Unknown { why: "lost".to_owned() }))
}

fn at(state: PlanState, steps: Vec<StepRun>) -> PlanRun {
    PlanRun {
        told_host: crate::incident::ToldHost::default(),
        id: "p".to_owned(),
        title: String::new(),
        purpose: "deploy".to_owned(),
        target: "staging".to_owned(),
        hash: String::new(),
        by: "Maya".to_owned(),
        node: 1,
        started_at: Timestamp::UNIX_EPOCH,
        ended_at: None,
        state,
        why: String::new(),
        steps,
        spec: crate::incident::Spec::default(),
    }
}

/// Its command has ended well, and the world is asked.
fn being_proven() -> StepRun {
    let step = ran(Some(Outcome::Exited { code: 0 }));
    StepRun { run: step.run.map(|run| Run { unproven: true, ..run }), ..step }
}

const FAILED: PlanState = PlanState::Ended(PlanEnd::Failed);
const UNKNOWN: PlanState = PlanState::Ended(PlanEnd::Unknown);

fn names(plan: &Plan, run: &PlanRun) -> Vec<&'static str> {
    choices(plan, run).iter().map(|choice| choice.decision.name()).collect()
}

#[test]
fn what_may_be_decided_is_what_makes_sense() {
    let one = |step: Step| plan(vec![step]);
    let proven = || Step {
        proof: Some(crate::plan::Probe::command(
            Command { argv: vec!["true".to_owned()], cwd: "/".to_owned(), env: Vec::new(), set: [].into() },
            None,
        )),
        ..command("deploy")
    };
    let settled = || {
        let Action::Command(git) = command("git").action else { panic!("no command") };
        let settle = Settle { place: "/".to_owned(), left: git.clone(), conclude: git };
        Step { settle: Some(settle), ..command("merge") }
    };
    let waits = PlanState::Waiting;
    for (plan, run, wanted) in vec![
        (one(command("deploy")), at(FAILED, vec![failed()]), &["retry", "skip", "cancel"][..]),
        (one(command("deploy")), at(UNKNOWN, vec![unknown()]), &["retry", "skip", "cancel"]),
        (one(proven()), at(UNKNOWN, vec![unknown()]), &["resume", "retry", "skip", "cancel"]),
        (one(proven()), at(FAILED, vec![failed()]), &["resume", "retry", "skip", "cancel"]),
        (one(proven()), at(waits, vec![waiting(failed())]), &["resume", "retry", "skip", "cancel"]),
        (one(settled()), at(FAILED, vec![failed()]), &["resume", "retry", "skip", "cancel"]),
        (one(command("deploy")), at(FAILED, vec![open()]), &["resume", "skip", "cancel"]),
        (one(command("deploy")), at(PlanState::Running, vec![ran(None)]), &[]),
        (one(undoable(command("deploy"))), at(PlanState::Running, vec![ran(None)]), &["undo"]),
        (one(proven()), at(PlanState::Running, vec![being_proven()]), &["skip", "cancel"]),
        (one(command("deploy")), at(waits, vec![waiting(failed())]), &["retry", "skip", "cancel"]),
        (one(hold()), at(waits, vec![waiting(ran(None))]), &["resume", "skip", "cancel"]),
        (one(watch()), at(PlanState::Running, vec![ran(None)]), &["skip", "cancel"]),
        (one(watch()), at(waits, vec![waiting(ran(None))]), &["resume", "skip", "cancel"]),
        (one(command("deploy")), at(PlanState::Ended(PlanEnd::Done), vec![done()]), &[]),
        (one(undoable(command("deploy"))), at(PlanState::Ended(PlanEnd::Done), vec![done()]), &["undo"]),
        (
            one(command("deploy")),
            at(PlanState::Ended(PlanEnd::Cancelled), vec![failed()]),
            &["retry", "skip"],
        ),
    ] {
        assert_eq!(names(&plan, &run), wanted, "{:?} {:?}", plan.steps[0].title, run.state);
    }
}

#[test]
fn only_what_may_run_twice_unawares_is_risky() {
    let risky = |step: Step, run: StepRun| {
        let choices = choices(&plan(vec![step]), &at(UNKNOWN, vec![run]));
        choices.iter().find(|choice| choice.decision == Decision::Retry).unwrap().risky
    };
    assert!(risky(command("deploy"), unknown()));
    assert!(!risky(command("deploy"), failed()));
    assert!(!risky(Step { retry_is_safe: true, ..command("deploy") }, unknown()));
    let found = StepRun { proof: Some((Timestamp::UNIX_EPOCH, Proof::NotDone, String::new())), ..unknown() };
    assert!(!risky(command("deploy"), found), "the world says that it is not done");
}

#[test]
fn a_decision_on_a_run_that_is_no_more_has_moved_on() {
    let plan = plan(vec![undoable(command("deploy"))]);
    let run = at(FAILED, vec![failed()]);
    let offered = |last: Option<&str>, decision: &Decision| offered(&plan, &run, 0, last, decision);
    assert_eq!(offered(Some("p.0"), &Decision::Retry), Offered::Yes);
    assert_eq!(offered(Some("p.0.1"), &Decision::Retry), Offered::MovedOn);
    assert_eq!(offered(None, &Decision::Retry), Offered::MovedOn);
    assert_eq!(offered(Some("p.0"), &Decision::Resume), Offered::No);
    assert_eq!(offered(None, &Decision::GiveUp), Offered::Yes, "about the plan, not the run");
    assert_eq!(offered(None, &Decision::Undo { to: 0 }), Offered::Yes);
    assert_eq!(offered(None, &Decision::Undo { to: 1 }), Offered::No);
    let afar = |last: Option<&str>, decision: &Decision| offered_to_others(&plan, &run, 0, last, decision);
    for decision in [Decision::GiveUp, Decision::Undo { to: 0 }] {
        assert_eq!(afar(Some("p.0"), &decision), Offered::Yes);
        assert_eq!(afar(None, &decision), Offered::MovedOn, "it was on its way for long");
    }
}

#[test]
fn undoing_goes_back_to_the_first_that_can_be_and_not_past_what_cannot() {
    let never = Undo::Irreversible { why: "rows are gone".to_owned() };
    let steps = vec![
        undoable(command("zero")),
        Step { undo: never, ..command("one") },
        undoable(command("two")),
        undoable(command("three")),
        undoable(command("four")),
    ];
    let plan = plan(steps);
    let did_not = ran(Some(Outcome::DidNotStart { why: "no such file".to_owned() }));
    let to = |steps: Vec<StepRun>| {
        choices(&plan, &at(FAILED, steps)).into_iter().find_map(|choice| match choice.decision {
            Decision::Undo { to } => Some(to),
            _ => None,
        })
    };
    assert_eq!(to(vec![done(), done(), done(), failed(), open()]), Some(2));
    assert_eq!(to(vec![done(), open(), open(), open(), open()]), Some(0));
    assert_eq!(to(vec![done(), failed(), open(), open(), open()]), None);
    assert_eq!(to(vec![did_not, open(), open(), open(), open()]), None, "nothing was left behind");
    let run = at(FAILED, vec![done(), done(), done(), failed(), open()]);
    let order: Vec<_> = undoing(&plan, &run, 2).iter().map(|(index, _)| *index).collect();
    assert_eq!(order, [3, 2]);
}

#[test]
fn what_ended_on_another_machine_is_decided_about_there() {
    let plan = plan(vec![command("deploy")]);
    let run = PlanRun { node: 7, ..at(FAILED, vec![failed()]) };
    assert!(!choices_at(&plan, &run, 7).is_empty() && !choices_at(&plan, &run, 0).is_empty());
    assert!(choices_at(&plan, &run, 8).is_empty());
}

#[test]
fn what_was_undone_is_open_to_be_done_again() {
    let undone = StepRun { undo: done().run, ..done() };
    let plan = plan(vec![undoable(command("deploy"))]);
    let run = at(PlanState::Ended(PlanEnd::Cancelled), vec![undone]);
    assert_eq!(run.steps[0].fate(), StepState::Undone);
    assert_eq!((next_step(&run), names(&plan, &run)), (Some(0), vec!["resume", "skip"]));
}

#[test]
fn what_was_undone_is_done_again_or_left_out_and_how_far_it_came_stays() {
    let undone = StepRun { undo: done().run, ..done() };
    let plan = plan(vec![command("start"), command("canary at 5 %"), command("look"), command("all")]);
    let run = at(PlanState::Ended(PlanEnd::Cancelled), vec![done(), undone, failed(), open()]);
    let said: Vec<String> = choices(&plan, &run).into_iter().map(|choice| choice.title).collect();
    assert_eq!(
        said[..2],
        ["run it again and continue: canary at 5 %", "skip it and continue: canary at 5 %"]
    );
    assert_eq!((current(&run), reached(&run)), (1, 2), "step 3 was looked at last");
}
