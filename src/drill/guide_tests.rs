//! The guide speaks of commands that exist, and offers the prepared fix only where one is missing.

use super::*;
use crate::cockpit::commands::{COMMANDS, Command};
use crate::incident::{
    Author, Body, Declared, Draft, Hash, Hlc, IncidentId, Log, PlanEnd, PlanEnded, PlanStarted, Record,
    RecordId, Spec,
};

fn next(action: &'static str, argument: &str) -> Next {
    let title = if action.is_empty() { "commit the smallest fix".to_owned() } else { String::new() };
    Next { action, argument: argument.to_owned(), title, due_at: None, overdue: false }
}

#[test]
fn what_it_names_is_a_command() {
    for id in [BEFORE.0, PREPARED] {
        assert!(Command::parse(id).is_some(), "{id}");
    }
}

#[test]
fn the_prepared_fix_is_offered_on_a_branch_without_a_commit_only() {
    let mut facts =
        Facts { hotfix_branch: Some("hotfix/x".into()), hotfix_commits: Some(0), ..Facts::default() };
    let said = |facts: &Facts, state: &State| about(&next("", ""), facts, state);
    let fresh = state(&[]);
    assert!(said(&facts, &fresh).unwrap().contains("have the prepared fix applied"));
    // What was released before has it: there is nothing to apply.
    let used = state(&["finish-1"]);
    for used in [&used, &state(&["deploy-production-1"])] {
        assert!(!can_be_prepared(&facts, used));
        assert!(said(&facts, used).unwrap().contains("yourself"));
    }
    // What else a person does by hand is no fix.
    let pull = Next { title: "pull main: the remote's has the fix".into(), ..next("", "") };
    assert_eq!(about(&pull, &facts, &fresh), None);
    facts.hotfix_commits = Some(1);
    assert_eq!(said(&facts, &fresh), None);
}

#[test]
fn it_promises_nothing_of_what_a_drill_starts_from_or_leaves_running() {
    let facts = Facts { environments: vec![("staging".to_owned(), false)], ..Facts::default() };
    let said = |action, argument| about(&next(action, argument), &facts, &state(&[])).unwrap();
    assert!(!said("hotfix.start", "").contains("production"), "a rollback may be live");
    assert!(!said("deploy", "staging").contains("quit"), "a drill ends what it runs");
}

#[test]
fn it_says_that_all_is_checked_only_where_no_gate_is_open() {
    let mut facts = Facts { environments: vec![("production".to_owned(), true)], ..Facts::default() };
    let said = |facts: &Facts| about(&next("deploy", "production"), facts, &state(&[])).unwrap();
    assert!(said(&facts).contains("All is checked"));
    facts.missing = vec![("rollback".to_owned(), "none is proven ready".to_owned())];
    assert!(!said(&facts).contains("checked"), "{}", said(&facts));
}

#[test]
fn it_says_that_production_is_healthy_only_where_it_is() {
    let said = |healthy| {
        let facts = Facts { healthy, ..Facts::default() };
        about(&next("resolve", ""), &facts, &state(&[])).unwrap().contains("is healthy")
    };
    assert!(said(Some(true)));
    assert!(!said(Some(false)) && !said(None));
}

/// An incident in which plans of these ids were carried out.
fn state(plans: &[&str]) -> State {
    let declared = Declared::example();
    let mut bodies: Vec<Body> = vec![declared.into()];
    for id in plans {
        let (purpose, target) =
            if id.starts_with("deploy") { ("deploy", "production") } else { ("hotfix", "repository") };
        bodies.push(
            PlanStarted {
                plan: (*id).into(),
                title: (*id).into(),
                purpose: purpose.into(),
                target: target.into(),
                hash: String::new(),
                steps: Vec::new(),
                confirmed: String::new(),
                spec: Spec::default(),
            }
            .into(),
        );
        bodies.push(PlanEnded { plan: (*id).into(), end: PlanEnd::Done, why: String::new() }.into());
    }
    let records = bodies.into_iter().zip(1..).map(|(body, n)| {
        let at = Hlc { wall_ms: 1_790_000_000_000 + n, count: 0 };
        let draft = Draft::now(IncidentId(uuid::Uuid::from_u128(7)), body);
        let id = RecordId(uuid::Uuid::from_u128(u128::from(n.unsigned_abs())));
        Record::seal(id, draft, Author { name: "maya".into(), node: 1 }, at, Hash::default()).unwrap().0
    });
    Log::new(records.collect()).unwrap().state().clone()
}

#[test]
fn only_what_is_protected_has_to_be_typed() {
    let environments = vec![("staging".to_owned(), false), ("production".to_owned(), true)];
    let facts = Facts { environments, ..Facts::default() };
    assert!(about(&next("deploy", "production"), &facts, &state(&[])).unwrap().contains("Type the name"));
    assert!(about(&next("deploy", "staging"), &facts, &state(&[])).unwrap().starts_with("Staging first"));
}

#[test]
fn what_it_says_fits_on_a_line_of_a_small_screen() {
    // Behind ` try  ` at 80 columns; the keys of the prepared fix stand behind it.
    const COLUMNS: usize = 74;
    let protected = Facts { environments: vec![("production".to_owned(), true)], ..Facts::default() };
    let open = Facts { missing: vec![("rollback".to_owned(), String::new())], ..protected.clone() };
    let healthy = Facts { healthy: Some(true), ..Facts::default() };
    let branch = Facts { hotfix_branch: Some("x".into()), hotfix_commits: Some(0), ..Facts::default() };
    let fresh = state(&[]);
    for facts in [Facts::default(), protected, open, healthy, branch] {
        for command in COMMANDS.iter().map(|spec| spec.id).chain([""]) {
            for argument in ["", "production", "commander"] {
                let Some(text) = about(&next(command, argument), &facts, &fresh) else { continue };
                // A key has a letter in place of the name of its command.
                let keyed = text.replace("{tick.pass}", "space").replace("{tick.fail}", "x");
                let keyed = keyed.replace("{approvals}", "A").replace("{hotfix.not}", "h n");
                assert!(!keyed.contains('{'), "{text}");
                let more = if text.contains("prepared fix applied") { "  [h x]".len() } else { 0 };
                assert!(keyed.chars().count() + more <= COLUMNS, "{keyed}");
            }
        }
    }
}
