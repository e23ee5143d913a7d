//! The guide speaks of commands that exist, and offers the prepared fix only where one is missing.

use super::*;
use crate::cockpit::commands::Command;

fn next(action: &'static str, argument: &str) -> Next {
    Next { action, argument: argument.to_owned(), title: String::new(), due_at: None, overdue: false }
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
    assert!(about(&next("", ""), &facts).unwrap().contains("prepared fix"));
    facts.hotfix_commits = Some(1);
    assert_eq!(about(&next("", ""), &facts), None);
}

#[test]
fn only_what_is_protected_has_to_be_typed() {
    let environments = vec![("staging".to_owned(), false), ("production".to_owned(), true)];
    let facts = Facts { environments, ..Facts::default() };
    assert!(about(&next("deploy", "production"), &facts).unwrap().contains("Type the name"));
    assert!(about(&next("deploy", "staging"), &facts).unwrap().starts_with("Staging first"));
}
