//! A crash after every single record of a plan of every kind of step: whatever was written last,
//! the next look shows the true state, and nothing runs twice unasked.

use super::*;
use crate::conductor::{prove, reconcile};
use crate::plan::gates::Gate;

/// Every kind of step. The last command has no proof.
fn every_kind(yard: &Yard) -> Plan {
    let steps = vec![
        Step { proof: Some(yard.probe("test -s a")), ..yard.step("command", "echo x >> a") },
        Step { proof: Some(yard.probe("test -s called")), ..yard.call() },
        Step::new(
            "gate",
            Action::Gate { gates: vec![Gate::Freeze { windows: Vec::new() }] },
            SignedDuration::from_secs(60),
        ),
        Step::new(
            "hold",
            Action::Hold { time: Some(SignedDuration::from_millis(10)) },
            SignedDuration::from_secs(60),
        ),
        yard.watch(50),
        yard.step("unprovable", "echo x >> b"),
    ];
    Plan { release: Some(release(1)), ..Yard::plan(steps) }
}

/// What each step that changes something leaves behind.
const TRACES: [(usize, &str); 3] = [(0, "a"), (1, "called"), (5, "b")];

fn gone() -> Process {
    let mut process = process::this().unwrap();
    process.started -= 1;
    process
}

/// How many bodies of the plan there are, and what the last one says.
fn story() -> Vec<Body> {
    let yard = Yard::new();
    let plan = every_kind(&yard);
    let run = yard.run(&plan);
    assert_eq!(run.state, PlanState::Ended(PlanEnd::Done), "{}", run.why);
    let (log, _) = yard.journal().load(yard.incident).unwrap();
    log.records().iter().skip(1).map(|record| record.body.clone()).collect()
}

/// A crash after `told`; where a step was going on, with or without its effect on the world.
fn crash(told: &[Body], happened: bool) {
    let yard = Yard::new();
    let plan = every_kind(&yard);
    let bodies: Vec<Body> = std::iter::once(started(&plan)).chain(told.iter().skip(1).cloned()).collect();
    yard.take(&plan, bodies, gone());
    let before = yard.plan_now();
    let mut in_flight = None;
    for (index, name) in TRACES {
        let Some(run) = &before.steps[index].run else { continue };
        let ended = run.outcome.is_some();
        if !ended {
            in_flight = Some(index);
        }
        if ended || happened {
            append(&yard.path(name));
        }
    }

    reconcile(&mut yard.journal(), yard.dir.path(), yard.incident).unwrap();
    let run = yard.plan_now();
    let what = format!("after {:?}, happened: {happened}: {:?}", told.last(), fates(&run));
    assert!(!run.state.is_under_way(), "{what}");
    assert!(yard.journal().leases().unwrap().is_empty(), "{what}");
    for (index, step) in run.steps.iter().enumerate() {
        assert_ne!(step.fate(), StepState::Running, "{what}");
        if in_flight == Some(index) {
            assert_eq!(step.fate(), StepState::Unknown, "{what}");
        }
    }
    prove(&mut yard.journal(), yard.incident, &plan.id).unwrap();
    let run = yard.plan_now();
    if let Some(index) = in_flight.filter(|index| plan.steps[*index].proof.is_some()) {
        let truth = if happened { StepState::Done } else { StepState::Failed };
        assert_eq!(run.steps[index].fate(), truth, "{what}");
    }

    go_on(&yard, &plan);
    let run = yard.plan_now();
    assert_eq!(run.state, PlanState::Ended(PlanEnd::Done), "{what}\nthen {:?}: {}", fates(&run), run.why);
    for (index, name) in TRACES {
        let skipped = run.steps[index].skipped.is_some();
        let wanted = usize::from(!skipped || happened);
        assert_eq!(yard.count(name), wanted, "{name} {what}");
    }
    let releases = yard.state().releases;
    assert_eq!(releases.len(), 1, "{what}");
    assert!(releases[0].is_good(), "{what}");
}

/// Takes the plan up as a person would who does not want anything done twice.
fn go_on(yard: &Yard, plan: &Plan) {
    for _ in 0..3 {
        let run = yard.plan_now();
        if run.is_done() {
            return;
        }
        let offers = choices(plan, &run);
        let by =
            |name: &str| offers.iter().find(|offer| offer.decision.name() == name && !offer.risky).cloned();
        let mut choice = by("resume").or_else(|| by("retry")).or_else(|| by("skip")).unwrap();
        if let Decision::Skip { reason } = &mut choice.decision {
            "looked for myself".clone_into(reason);
        }
        yard.resume(plan, &choice).join().unwrap();
    }
}

#[test]
fn a_crash_after_any_record_is_told_truly_and_gone_on_from() {
    let story = story();
    assert!(story.len() > 14, "{story:?}");
    // What is committed with the record before it cannot be cut off from it.
    let is_apart = |end: &usize| !matches!(story[*end], Body::Released(_) | Body::ReleaseJudged(_));
    let ends = (1..story.len()).filter(is_apart);
    let cases: Vec<(usize, bool)> = ends.flat_map(|end| [(end, false), (end, true)]).collect();
    let next = std::sync::atomic::AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while let Some((end, happened)) =
                    cases.get(next.fetch_add(1, std::sync::atomic::Ordering::SeqCst))
                {
                    crash(&story[..*end], *happened);
                }
            });
        }
    });
}

#[test]
fn an_undo_that_was_cut_off_is_unknown_and_its_proof_is_asked_first() {
    for happened in [false, true] {
        let yard = Yard::new();
        let step = yard.step("share", "echo x >> ran");
        let plan = Yard::plan(vec![
            undone_by(&yard, step, "share", Some("test -s undone")),
            yard.step("next", "exit 1"),
        ]);
        let run = yard.run(&plan);
        let undo =
            choices(&plan, &run).into_iter().find(|it| it.decision == Decision::Undo { to: 0 }).unwrap();
        // Cut off just after it began.
        let resumed = PlanResumed { plan: plan.id.clone(), step: undo.step, decision: undo.decision.clone() };
        let began = crate::incident::StepStarted {
            plan: plan.id.clone(),
            step: 0,
            run: "p-1.0.u1".to_owned(),
            process: None,
            undo: true,
        };
        yard.take(&plan, vec![resumed.into(), began.into()], gone());
        if happened {
            append(&yard.path("undone"));
        }
        reconcile(&mut yard.journal(), yard.dir.path(), yard.incident).unwrap();
        let run = yard.plan_now();
        assert_eq!(
            (run.state, run.steps[0].fate()),
            (PlanState::Ended(PlanEnd::Unknown), StepState::Unknown)
        );
        let again =
            choices(&plan, &run).into_iter().find(|it| it.decision == Decision::Undo { to: 0 }).unwrap();
        assert!(again.risky);
        yard.resume(&plan, &again).join().unwrap();
        let run = yard.plan_now();
        assert_eq!((run.steps[0].fate(), yard.count("undone")), (StepState::Undone, 1), "{run:?}");
        assert_eq!(yard.count("ran"), 1);
    }
}
