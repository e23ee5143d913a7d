//! The preview of a plan that something overtakes: it says so at once, and no key confirms it.

use super::gates::guarded;
use super::plans::two;
use super::*;
use crate::incident::{PlanEnd, PlanEnded};
use crate::plan::proposal;

fn overtaken(table: &Table) -> &str {
    match table.model.overlays.last() {
        Some(Overlay::Preview(preview)) => &preview.overtaken,
        other => panic!("no preview: {other:?}"),
    }
}

fn ended(table: &mut Table, plan: &str, end: PlanEnd) {
    table.told(PlanEnded { plan: plan.into(), end, why: String::new() });
}

/// No key starts anything, Enter and `y` are told why, and escape closes it.
fn is_closed(table: &mut Table) {
    table.shown();
    for key in ["y", "enter"] {
        table.model.word = None;
        assert!(table.keys(key).is_empty());
        assert!(table.word().starts_with("not confirmed: this plan is out of date"), "{}", table.word());
    }
    assert!(table.types("staging").is_empty() && table.keys("enter").is_empty());
    table.keys("esc");
    assert!(table.model.overlays.is_empty());
}

#[test]
fn a_newer_plan_on_the_same_target_is_said_while_it_runs_and_when_it_is_over() {
    for (confirm, end, how) in [
        (None, PlanEnd::Done, "finished at"),
        (Some("staging"), PlanEnd::Failed, "failed at"),
        (None, PlanEnd::Cancelled, "was cancelled at"),
    ] {
        let mut table = Table::ready();
        table.preview(Plan { id: "deploy-2".into(), ..two("staging", confirm) });
        table.shown();
        table.started(&two("staging", None));
        assert_eq!(overtaken(&table), "", "it may be waited for");
        ended(&mut table, "deploy-1", end);
        assert!(
            overtaken(&table).starts_with(&format!("deploy main, by maya, {how} ")),
            "{}",
            overtaken(&table)
        );
        is_closed(&mut table);
    }
}

#[test]
fn what_ran_before_or_elsewhere_or_only_asked_overtakes_nothing() {
    let mut table = Table::ready();
    table.started(&two("staging", None));
    ended(&mut table, "deploy-1", PlanEnd::Done);
    table.preview(Plan { id: "deploy-2".into(), ..two("staging", None) });
    table.shown();
    for plan in [
        Plan { id: "deploy-3".into(), ..two("production", None) },
        Plan { id: "smoke-1".into(), purpose: Purpose::Smoke, ..two("staging", None) },
    ] {
        table.started(&plan);
        ended(&mut table, &plan.id, PlanEnd::Done);
    }
    assert_eq!(overtaken(&table), "");
    table.shown();
    assert_eq!(starts(&table.keys("y")), 1);
}

#[test]
fn a_plan_of_the_same_name_that_is_over_is_said_whatever_it_was_for() {
    let mut table = Table::ready();
    let test = Plan { id: "test-1".into(), purpose: Purpose::Test, ..two("unit", None) };
    table.preview(test.clone());
    table.started(&test);
    ended(&mut table, "test-1", PlanEnd::Done);
    assert!(overtaken(&table).contains("finished"));
    is_closed(&mut table);
}

#[test]
fn a_commit_that_moved_is_said_and_one_that_was_only_read_late_is_not() {
    let frozen = |commit: &str| BTreeMap::from([("hotfix/pool".to_owned(), commit.to_owned())]);
    let read = |commit: &str| {
        let head = Head::Branch { name: "hotfix/pool".into(), commit: commit.into() };
        Msg::Fact(Fact::Branch(Box::new(Ok(BranchState { head, ..branch() }))))
    };
    let mut table = Table::ready();
    // The plan knows of a commit that the cockpit reads only now.
    table.preview(Plan { frozen: frozen("77b0d13a"), ..two("staging", None) });
    table.send(read("77b0d13a"));
    assert_eq!(overtaken(&table), "");
    table.send(read("99999999"));
    assert_eq!(overtaken(&table), "hotfix/pool has moved from 77b0d13 to 9999999");
    is_closed(&mut table);
}

#[test]
fn a_configuration_that_changed_is_said_and_one_that_was_read_again_is_not() {
    let mut table = Table::ready();
    table.preview(two("staging", None));
    let same = table.model.config.clone();
    table.send(Msg::Fact(Fact::Config(Box::new(same.clone()))));
    assert_eq!(overtaken(&table), "");
    let other = ConfigState { config: Config { environments: Vec::new(), ..same.config }, ..same };
    table.send(Msg::Fact(Fact::Config(Box::new(other))));
    assert_eq!(overtaken(&table), "flightdeck.toml has changed");
    is_closed(&mut table);
}

#[test]
fn a_reason_that_was_typed_is_there_again_in_the_next_preview() {
    let mut table = Table::ready();
    table.preview(guarded());
    table.shown();
    table.keys("o");
    table.types("agreed on the call");
    table.started(&Plan { id: "deploy-9".into(), ..two("production", None) });
    ended(&mut table, "deploy-9", PlanEnd::Done);
    table.shown();
    // Who types on leaves nothing and starts nothing.
    assert!(table.talks(" quote him").is_empty());
    assert!(matches!(table.model.overlays.last(), Some(Overlay::Preview(_))));
    table.at_ms += 1000;
    table.keys("esc");
    table.preview(guarded());
    table.shown();
    table.keys("o");
    assert!(matches!(
        table.model.overlays.last(),
        Some(Overlay::Preview(shown)) if shown.reason.text() == "agreed on the call"
    ));
}

#[test]
fn what_no_longer_waits_for_approval_says_so() {
    let mut table = Table::ready();
    let plan = guarded();
    table.told(proposal::propose(&plan).unwrap());
    table.keys("A l");
    assert_eq!(overtaken(&table), "");
    table.started(&plan);
    assert!(overtaken(&table).starts_with("it no longer waits"), "{}", overtaken(&table));
    table.shown();
    assert!(table.keys("y").is_empty());
}
