//! What came to the environment before without a deploy.

use super::*;
use crate::incident::Released;

#[test]
fn what_a_push_brought_to_the_environment_before_replaces_what_was_deployed() {
    let there = Told::at(Severity::P1).ran("d-1", "deploy", "staging", Some((COMMIT, false)), 0);
    let pushed = |commit: &str| Released {
        environment: "staging".into(),
        reference: "develop".into(),
        commit: commit.into(),
        tag: None,
        version: None,
        plan: "finish-1".into(),
        rollback: false,
        replaces: None,
    };
    says(&one(staging(false), &there.clone().and(pushed(COMMIT))), Met::Yes, "deployed on staging");
    let alone = Told::at(Severity::P1);
    says(&one(staging(false), &alone.clone().and(pushed(COMMIT))), Met::Yes, "deployed on staging");
    says(
        &one(staging(true), &alone.clone().and(pushed(COMMIT))),
        Met::No,
        "not smoke-tested on staging since it was deployed",
    );
    says(
        &one(staging(false), &alone.and(pushed("another"))),
        Met::No,
        "this commit was not deployed to staging",
    );
    let other = there.and(pushed("another"));
    says(&one(staging(false), &other), Met::No, "staging has had another deploy since");
}

#[test]
fn what_was_found_of_the_same_content_holds_for_a_merge_of_it() {
    const MERGE: &str = "9d8c7b6a55";
    let told = Told::at(Severity::P1).ran("d-1", "deploy", "staging", Some((COMMIT, false)), 0);
    let gate = |same: Vec<String>| Gate::Staging {
        environment: "staging".into(),
        commit: MERGE.into(),
        same,
        smoke: false,
    };
    says(&one(gate(Vec::new()), &told), Met::No, "this commit was not deployed to staging");
    says(&one(gate(vec![COMMIT.into()]), &told), Met::Yes, "deployed on staging");
}
