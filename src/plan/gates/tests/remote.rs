//! What passed at the code host meets the checks gate; what somebody only went on without does not.

use super::*;
use crate::plan::forge::{Forge, ForgeCall, Place, Wanted};
use crate::plan::{Subject, stored};

/// The checks at the code host were waited for on a commit.
fn waited(told: Told, id: &str, commit: &str) -> Told {
    let place = Place {
        forge: Forge::Github,
        api: "https://api.github.com".into(),
        repository: "shop/payments-api".into(),
        owner: "shop".into(),
        token: String::new(),
    };
    let call = ForgeCall { place, wanted: Wanted::Verdict { commit: commit.into() } };
    // Its title is for people, and tells nothing.
    let step = Step::new("wait", Action::Forge(Box::new(call)), SignedDuration::from_mins(1));
    let plan = Plan {
        subject: Some(Subject { reference: "main".into(), commit: commit.into(), dirty: false }),
        steps: vec![step],
        ..Plan::new(id, "wait", Purpose::Test, "remote-checks")
    };
    told.and(PlanStarted {
        plan: id.into(),
        title: id.into(),
        purpose: "test".into(),
        target: "remote-checks".into(),
        hash: String::new(),
        steps: vec!["wait".into()],
        confirmed: String::new(),
        spec: stored::seal(&plan).unwrap().spec,
    })
    .and(StepStarted { plan: id.into(), step: 0, run: format!("{id}.0"), process: None, undo: false })
}

fn ended(told: Told, id: &str, outcome: Outcome, summary: &str) -> Told {
    told.and(StepEnded {
        plan: id.into(),
        step: 0,
        run: format!("{id}.0"),
        outcome,
        summary: summary.into(),
        survivors: Vec::new(),
        unproven: false,
        tail: Vec::new(),
    })
}

const SAID: &str = "5 checks at GitHub passed on 4f2c91e";

#[test]
fn what_passed_at_the_code_host_is_named_and_claims_nothing_of_the_checks_here() {
    let told = waited(Told::at(Severity::P0), "test-remote-1", COMMIT);
    says(&one(checks(), &told), Met::No, "unit not run on this commit");
    let passed = ended(told, "test-remote-1", Outcome::Met, SAID);
    says(&one(checks(), &passed), Met::Yes, &format!("{SAID}; unit not run here"));
    let both = passed.clone().ran("test-1", "test", "checks", Some((COMMIT, false)), 0);
    says(&one(checks(), &both), Met::Yes, &format!("1 check green on 4f2c91e; {SAID}"));
    let red = passed.clone().ran("test-1", "test", "checks", Some((COMMIT, false)), 1);
    says(&one(checks(), &red), Met::No, "unit failed on this commit");
    let again = waited(passed, "test-remote-2", COMMIT);
    says(&one(checks(), &again), Met::No, "unit not run on this commit");
    let other = ended(
        waited(Told::at(Severity::P0), "test-remote-1", "another"),
        "test-remote-1",
        Outcome::Met,
        SAID,
    );
    says(&one(checks(), &other), Met::No, "unit not run on this commit");
}

#[test]
fn checks_at_the_code_host_that_failed_and_were_skipped_did_not_pass() {
    let id = "test-remote-1";
    let told = waited(Told::at(Severity::P0), id, COMMIT);
    let failed = ended(told, id, Outcome::NotMet { why: "e2e failed".into() }, "");
    let skipped = failed
        .and(StepSkipped { plan: id.into(), step: 0, by: "maya".into(), reason: "flaky".into() })
        .and(PlanEnded { plan: id.into(), end: PlanEnd::Done, why: String::new() });
    says(&one(checks(), &skipped), Met::No, "unit not run on this commit");
}
