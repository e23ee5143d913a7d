//! Going on after a failure: what was done by hand is found done, what a person settled is concluded.

use super::*;
use crate::incident::{MergeOwed, StepState};
use crate::plan::{FollowUp, Merge, Settle};

fn pick(yard: &Yard, plan: &Plan, name: &str) -> Choice {
    let offers = choices(plan, &yard.plan_now());
    offers.into_iter().find(|offer| offer.decision.name() == name).unwrap_or_else(|| panic!("no {name}"))
}

fn resume(yard: &Yard, plan: &Plan) -> PlanRun {
    let choice = pick(yard, plan, "resume");
    yard.resume(plan, &choice).join().unwrap();
    yard.plan_now()
}

#[test]
fn what_failed_and_was_done_by_hand_is_done_with_all_that_follows_and_never_run_again_unasked() {
    let yard = Yard::new();
    let owed = MergeOwed {
        commit: COMMIT.to_owned(),
        tag: "v1.2.4".to_owned(),
        into: "develop".to_owned(),
        why: String::new(),
        plan: "p-1".to_owned(),
    };
    let push =
        Step { proof: Some(yard.probe("test -e there")), ..yard.step("push", "echo x >> ran; exit 1") };
    let plan = Plan {
        follow_ups: vec![FollowUp { after: 0, what: Merge::Owed(owed) }],
        ..Yard::plan(vec![push, yard.step("after", "echo x >> after")])
    };
    let run = yard.run(&plan);
    assert_eq!((run.state, run.steps[0].fate()), (PlanState::Ended(PlanEnd::Failed), StepState::Failed));
    let run = resume(&yard, &plan);
    assert_eq!(run.state, PlanState::Ended(PlanEnd::Failed));
    assert!(run.why.starts_with("push: it is not done"), "{}", run.why);
    assert_eq!((yard.count("ran"), yard.count("after")), (1, 0));
    assert_eq!(yard.state().merges_owed().count(), 0);

    std::fs::write(yard.path("there"), "").unwrap();
    let run = resume(&yard, &plan);
    assert_eq!((run.state, run.steps[0].fate()), (PlanState::Ended(PlanEnd::Done), StepState::Done));
    assert_eq!((yard.count("ran"), yard.count("after")), (1, 1));
    assert_eq!(yard.state().merges_owed().count(), 1, "it is on record with the end of the step");
}

#[test]
fn a_step_is_concluded_once_nothing_is_left_to_settle() {
    let yard = Yard::new();
    std::fs::write(yard.path("left"), "src/pool.rs\nsrc/pool.rs\nsrc/\u{202e}x.rs\n").unwrap();
    let settle = Settle {
        place: yard.dir.path().to_str().unwrap().to_owned(),
        left: yard.sh("cat left"),
        conclude: yard.sh("echo x >> concluded"),
    };
    let merge = Step {
        proof: Some(yard.probe("test -e concluded")),
        settle: Some(settle),
        ..yard.step("merge", "echo x >> ran; echo noise; exit 1")
    };
    let plan = Yard::plan(vec![merge, yard.step("after", "echo x >> after")]);
    let run = yard.run(&plan);
    let summary = &run.steps[0].run.as_ref().unwrap().summary;
    assert!(
        summary.starts_with("conflicts in src/pool.rs, src/<U+202E>x.rs; resolve them in /"),
        "{summary}"
    );
    assert!(run.why.ends_with(summary.as_str()), "{}", run.why);

    let run = resume(&yard, &plan);
    assert!(run.why.starts_with("merge: conflicts are left in src/pool.rs"), "{}", run.why);
    assert_eq!((yard.count("ran"), yard.count("concluded")), (1, 0));
    std::fs::write(yard.path("left"), "").unwrap();
    let run = resume(&yard, &plan);
    assert_eq!(run.state, PlanState::Ended(PlanEnd::Done), "{}", run.why);
    assert_eq!((yard.count("ran"), yard.count("concluded"), yard.count("after")), (1, 1, 1));
}
