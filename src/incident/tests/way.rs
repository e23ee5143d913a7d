//! What is next on the way of a fix from its branch to production, in each flow.

use super::*;
use crate::config::types::Flow;

const HEAD: &str = "4f2c91e0000000000000000000000000000000aa";

/// On a hotfix branch with a commit, pushed and raised as the flow wants it.
fn on(flow: Flow, fix: Fix) -> Facts {
    let branch = if flow == Flow::Trunk { "main" } else { "hotfix/x" };
    Facts {
        repository: true,
        hotfix_branch: Some(branch.into()),
        hotfix_commits: Some(1),
        head: Some(HEAD.into()),
        environments: vec![("staging".into(), false), ("production".into(), true)],
        fix: Fix { flow, base: "main".into(), current: branch.into(), remote: true, ..fix },
        ..Facts::default()
    }
}

/// The titles of the steps of the hotfix, in their order, with what happened before.
fn next_of(facts: &Facts, happened: impl IntoIterator<Item = Record>) -> Vec<String> {
    let team = [
        record(1, paged("li")),
        record(2, role("commander", "maya")),
        record(3, told("stakeholders")),
        record(4, ImpactDescribed { text: "everybody".into() }),
        record(5, Noted { kind: NoteKind::Decision, text: "no way back".into() }),
    ];
    let log = log(team.into_iter().chain(happened));
    let next = next(log.state(), &Policy::built_in(), facts, minutes(20));
    let ours = |next: &Next| {
        next.action.is_empty()
            || next.action.starts_with("hotfix")
            || ["deploy", "plan", "note", "phase"].contains(&next.action)
    };
    next.into_iter().filter(ours).map(|next| next.title).collect()
}

fn finish(minute: i64, end: PlanEnd) -> Vec<Record> {
    let plan = plan("finish-1", "hotfix", "repository", HEAD);
    vec![record(minute, plan), record(minute + 1, ended("finish-1", end))]
}

fn deployed(minute: i64, environment: &str) -> Vec<Record> {
    let id = format!("deploy-{environment}-1");
    vec![
        record(minute, plan(&id, "deploy", environment, HEAD)),
        record(minute + 1, ended(&id, PlanEnd::Done)),
    ]
}

#[test]
fn git_flow_raises_the_version_pushes_tries_out_finishes_and_then_deploys() {
    let fix = Fix { version: Raised::Not("1.2.3".into()), unpushed: Some(2), ..Fix::default() };
    let facts = on(Flow::GitFlow, fix);
    assert_eq!(
        next_of(&facts, []),
        ["bump the version: it is 1.2.3", "push hotfix/x", "deploy hotfix/x to staging"]
    );
    let fix = Fix {
        version: Raised::To("1.2.4".into()),
        unpushed: Some(0),
        in_base: Some(false),
        owed: vec!["develop".into()],
        ..Fix::default()
    };
    let facts = on(Flow::GitFlow, fix);
    assert_eq!(
        next_of(&facts, deployed(10, "staging")),
        ["finish hotfix/x: merge into main, tag, push", "deploy hotfix/x to production"]
    );
}

#[test]
fn after_finishing_production_is_deployed_from_the_base_and_no_new_branch_is_asked_for() {
    let mut facts = on(Flow::GitFlow, Fix::default());
    (facts.hotfix_branch, facts.hotfix_commits) = (None, Some(0));
    facts.fix.current = "develop".into();
    let happened = || finish(12, PlanEnd::Done);
    let said = next_of(&facts, happened());
    assert!(said[0].starts_with("switch to main"), "{said:?}");
    facts.fix.current = "main".into();
    assert_eq!(next_of(&facts, happened()), ["deploy main to production"]);
    facts.missing = vec![("staging".into(), "not deployed there".into())];
    assert_eq!(next_of(&facts, happened()), ["deploy main to staging", "deploy main to production"]);
    let all: Vec<Record> = happened().into_iter().chain(deployed(14, "production")).collect();
    assert!(!next_of(&facts, all).iter().any(|title| title.contains("start a hotfix")));
    assert_eq!(next_of(&facts, []), ["start a hotfix branch"]);
}

#[test]
fn finishing_that_stopped_is_gone_on_with_and_not_begun_anew() {
    let fix = Fix { unpushed: Some(0), in_base: Some(false), ..Fix::default() };
    let happened = deployed(10, "staging").into_iter().chain(finish(12, PlanEnd::Failed));
    let said = next_of(&on(Flow::GitFlow, fix), happened);
    assert!(said[0].starts_with("fix what stopped it, then resume"), "{said:?}");
    assert!(!said.iter().any(|title| title.starts_with("finish")), "{said:?}");
}

#[test]
fn a_merge_back_that_was_not_made_is_owed_when_main_has_the_fix() {
    let fix = Fix {
        unpushed: Some(0),
        in_base: Some(true),
        owed: vec!["develop".into(), "release/1.3".into()],
        ..Fix::default()
    };
    let facts = Facts { hotfix_commits: Some(0), ..on(Flow::GitFlow, fix) };
    let said = next_of(&facts, deployed(10, "staging"));
    assert_eq!(said[0], "merge hotfix/x back into develop and release/1.3");
    assert!(!said.iter().any(|title| title.starts_with("commit")), "{said:?}");
}

#[test]
fn github_flow_opens_the_pull_request_and_names_whom_it_waits_for() {
    let with = |review| {
        let facts = on(Flow::GithubFlow, Fix { unpushed: Some(0), review, ..Fix::default() });
        next_of(&facts, deployed(10, "staging")).remove(0)
    };
    assert_eq!(with(Review::Missing), "open the pull request into main");
    assert_eq!(with(Review::Unknown), "open the pull request into main");
    assert_eq!(
        with(Review::Waits(vec!["li".into(), "omar".into()])),
        "ask li and omar to review the pull request"
    );
    assert_eq!(with(Review::Unwanted(vec!["omar".into()])), "make the changes that omar asked for");
    assert_eq!(with(Review::Failing(vec!["e2e".into()])), "a check of the pull request failed: e2e");
    assert_eq!(with(Review::Ready), "merge the pull request into main");
    assert_eq!(with(Review::Merged), "deploy hotfix/x to production");
}

#[test]
fn the_trunk_flow_pushes_the_base_and_needs_no_branch() {
    let facts = on(Flow::Trunk, Fix { unpushed: Some(1), ..Fix::default() });
    let said = next_of(&facts, deployed(10, "staging"));
    assert_eq!(said[0], "push main");
    let mut away = on(Flow::Trunk, Fix::default());
    (away.hotfix_branch, away.hotfix_commits) = (None, Some(0));
    assert_eq!(next_of(&away, []), ["switch to main and bring it up to date"]);
}

#[test]
fn what_the_remote_has_more_is_taken_in_before_anything_is_pushed() {
    let fix = Fix { unpushed: Some(1), unpulled: 2, ..Fix::default() };
    let said = next_of(&on(Flow::GitFlow, fix), []);
    assert_eq!(said[0], "merge the newer commits of the remote's hotfix/x");
    assert!(!said.iter().any(|title| title.starts_with("push")), "{said:?}");
}

#[test]
fn without_a_remote_nothing_is_pushed_or_finished() {
    let mut facts = on(Flow::GitFlow, Fix { unpushed: Some(1), ..Fix::default() });
    facts.fix.remote = false;
    assert_eq!(next_of(&facts, deployed(10, "staging")), ["deploy hotfix/x to production"]);
}
