//! What other installations say of a plan that they do not carry out.

use super::*;

const MAYA: u64 = 1;
const EVE: u64 = 2;
/// Its ids of plans are marked with `9f3c`.
const LI: u64 = 0x1_9f3c;

fn by(node: u64, n: i64, body: impl Into<Body>) -> Record {
    let at = Hlc { wall_ms: minutes(n).as_millisecond(), count: u32::try_from(node & 0xff).unwrap() };
    let id = RecordId(Uuid::from_u128(u128::from(node) << 32 | u128::from(n.unsigned_abs())));
    let author = Author { name: format!("n{node}"), node };
    Record::seal(id, Draft::now(incident(), body), author, at, Hash::default()).unwrap().0
}

fn begun(plan: &str) -> StepStarted {
    StepStarted { plan: plan.into(), step: 0, run: format!("{plan}.0"), process: None, undo: false }
}

fn exited(plan: &str, code: i32) -> StepEnded {
    StepEnded {
        plan: plan.into(),
        step: 0,
        run: format!("{plan}.0"),
        outcome: Outcome::Exited { code },
        summary: String::new(),
        survivors: Vec::new(),
        unproven: false,
        tail: Vec::new(),
    }
}

#[test]
fn how_a_plan_goes_on_is_told_by_the_installation_that_carries_it_out() {
    let plan_id = || "deploy-1".to_owned();
    let told = vec![by(MAYA, 1, plan("deploy-1", "deploy", "staging", "c")), by(MAYA, 2, begun("deploy-1"))];
    let (skipped, why) =
        (StepSkipped { plan: plan_id(), step: 0, by: "eve".into(), reason: "x".into() }, "x");
    let lies: Vec<Body> = vec![
        exited("deploy-1", 0).into(),
        skipped.into(),
        StepStarted { run: "deploy-1.0.1".into(), ..begun("deploy-1") }.into(),
        StepWaiting { plan: plan_id(), step: 0, why: why.into() }.into(),
        Proved { plan: plan_id(), step: 0, proof: Proof::Done, why: why.into(), undo: false }.into(),
        CommitLearned { plan: plan_id(), step: 0, branch: "main".into(), commit: "4f2c91e".into() }.into(),
        Signalled { run: "deploy-1.0".into(), signal: "INT".into() }.into(),
        ended("deploy-1", PlanEnd::Done).into(),
    ];
    let honest = log(told.clone()).state().plans.clone();
    for (n, lie) in (3..).zip(lies) {
        let name = lie.kind().to_owned();
        let all = told.iter().cloned().chain([by(EVE, n, lie)]);
        assert_eq!(log(all).state().plans, honest, "{name}");
    }
    let asked = by(EVE, 3, StopAsked { run: "deploy-1.0".into(), kill: false });
    let over = [by(MAYA, 4, exited("deploy-1", 0)), by(MAYA, 5, ended("deploy-1", PlanEnd::Done))];
    let all = log(told.into_iter().chain([asked]).chain(over));
    let run = all.state().plan("deploy-1").unwrap();
    assert!(run.is_done(), "its own word counts");
    assert!(run.steps[0].run.as_ref().unwrap().stop_asked.is_some(), "anybody may ask for a stop");
}

#[test]
fn an_id_belongs_to_the_plan_of_the_installation_that_it_names() {
    for (id, owner) in [("deploy-staging-1", MAYA), ("deploy-staging-9f3c-1", LI)] {
        let own = [
            by(owner, 2, plan(id, "deploy", "staging", "c")),
            by(owner, 3, begun(id)),
            by(owner, 4, exited(id, 0)),
            by(owner, 5, ended(id, PlanEnd::Done)),
        ];
        let other = [by(MAYA, 0, plan("test-1", "test", "local", "c")), by(MAYA, 1, begun("test-1"))];
        let squat = |n| [by(EVE, n, plan(id, "deploy", "production", "c")), by(EVE, n + 1, exited(id, 1))];
        for n in [-1, 4] {
            let told = log(squat(n).into_iter().chain(own.clone()).chain(other.clone()));
            let state = told.state();
            let ids: Vec<_> = state.plans.iter().map(|plan| (plan.id.as_str(), plan.node)).collect();
            assert_eq!(ids, [("test-1", MAYA), (id, owner)], "{n}");
            let run = state.plan(id).unwrap();
            assert!(run.is_done() && run.target == "staging", "{n}: {run:?}");
            assert!(state.plan("test-1").unwrap().steps[0].run.is_some(), "{n}");
        }
    }
}

#[test]
fn a_run_is_of_the_plan_that_its_id_names() {
    let theirs = StepStarted { run: "deploy-1.0".into(), ..begun("eve-1") };
    for n in [0, 4] {
        let told = log([
            by(EVE, 0, plan("eve-1", "test", "local", "c")),
            by(EVE, n, theirs.clone()),
            by(MAYA, 1, plan("deploy-1", "deploy", "staging", "c")),
            by(MAYA, 2, begun("deploy-1")),
            by(MAYA, 5, StopAsked { run: "deploy-1.0".into(), kill: false }),
        ]);
        let run = told.state().plan("deploy-1").unwrap().steps[0].run.clone().unwrap();
        assert!(run.stop_asked.is_some(), "{n}");
    }
}
