//! What was demanded when somebody approved, and what is demanded of the plan as it is now.

use std::sync::Arc;

use super::*;
use crate::incident::{Asked, History};
use crate::plan::proposal;

const ABOUT: (&str, &str, &str) = ("deploy", "production", "now");

fn staging(environment: &str, smoke: bool) -> Gate {
    Gate::Staging { environment: environment.into(), commit: COMMIT.into(), same: vec![], smoke }
}

fn checks(names: &[&str]) -> Gate {
    checked(names, COMMIT)
}

/// A gate of checks of which it is not known what they run.
pub(super) fn checked(names: &[&str], commit: &str) -> Gate {
    let checks = names.iter().map(ToString::to_string).collect();
    Gate::Checks { checks, runs: BTreeMap::new(), commit: commit.into(), same: Vec::new() }
}

/// The check `unit`, which runs this.
fn unit(argv: &[&str]) -> Gate {
    let argv: Vec<String> = argv.iter().map(ToString::to_string).collect();
    let runs = [("unit".into(), runs(&argv, &[]))].into();
    Gate::Checks { checks: vec!["unit".into()], runs, commit: COMMIT.into(), same: vec![] }
}

fn items(ids: &[&str]) -> Gate {
    Gate::Checklist { items: ids.iter().map(|id| ((*id).into(), format!("look at {id}"))).collect() }
}

fn people(change: impl Fn(&mut ApprovalRule)) -> Gate {
    let mut rule = rule(Severity::P1);
    change(&mut rule);
    Gate::Approvals { rules: [(Severity::P1, rule)].into() }
}

fn frozen(days: &[i64]) -> Gate {
    let day = |day: i64| minutes(day * 24 * 60);
    let window = |from: &i64| Window { from: day(*from), until: day(from + 1), why: "x".into() };
    Gate::Freeze { windows: days.iter().map(window).collect() }
}

/// What was put up with these gates and approved by omar and li.
fn put_up(gates: Vec<Gate>) -> Told {
    let proposed = proposal::propose(&plan_with(gates)).unwrap();
    let hash = proposed.hash.clone();
    let vote = |role, by| Approved { hash: hash.clone(), ..yes(role, by) };
    Told::at(Severity::P1)
        .and(proposed)
        .by("omar", vote("lead", "omar"))
        .by("li", vote("product-manager", "li"))
}

fn lost_of(told: &Told, gates: &[Gate]) -> Vec<Lost> {
    lost(gates, ABOUT, &told.state(), "maya", minutes(30))
}

/// The ids of the gates that stand in the way of a plan with these gates.
fn blocking(gates: &[Gate], told: &Told) -> Vec<&'static str> {
    let plan = plan_with(gates.to_vec());
    let list = evaluate(&plan, &plan.hash(), &told.state(), &Policy::built_in(), "maya", minutes(30));
    list.iter().filter(|standing| standing.blocks()).map(|standing| standing.id).collect()
}

#[test]
fn whatever_demands_less_is_another_plan_and_what_was_demanded_still_is() {
    let less: [(&str, Gate, Option<Gate>); 13] = [
        ("checks", checks(&["unit"]), None),
        ("checks", checks(&["unit", "lint"]), Some(checks(&["unit"]))),
        ("checks", unit(&["./u.sh"]), Some(unit(&["true"]))),
        ("checklist", items(&["core"]), None),
        ("checklist", items(&["core", "mail"]), Some(items(&["mail"]))),
        ("approvals", people(|_| {}), None),
        ("approvals", people(|_| {}), Some(people(|rule| rule.roles = vec!["lead".into()]))),
        ("approvals", people(|_| {}), Some(people(|rule| rule.verbal = true))),
        ("approvals", people(|_| {}), Some(people(|rule| rule.own = true))),
        ("approvals", people(|_| {}), Some(people(|rule| rule.valid_for *= 2))),
        ("staging", staging("staging", true), None),
        ("staging", staging("staging", true), Some(staging("staging", false))),
        ("staging", staging("staging", false), Some(staging("sandbox", false))),
    ];
    for (id, was, is) in less {
        let told = put_up(vec![was.clone()]);
        let now: Vec<Gate> = is.into_iter().collect();
        assert_ne!(plan_with(vec![was.clone()]).hash(), plan_with(now.clone()).hash(), "{was:?} {now:?}");
        let lost = lost_of(&told, &now);
        assert_eq!(lost.len(), 1, "{was:?} {now:?}");
        assert_eq!(lost[0].gate, was);
        assert!(lost[0].why().contains("when omar and li approved"), "{}", lost[0].why());
        assert!(blocking(&now, &told).contains(&id), "{was:?} {now:?}");
    }
    assert_eq!(lost_of(&put_up(vec![frozen(&[4, 5])]), &[frozen(&[4])]).len(), 1, "a freeze taken away");
}

#[test]
fn whatever_demands_as_much_or_more_is_enough() {
    let way = |ready: Option<&str>| Gate::Rollback {
        ready: ready.map(str::to_owned),
        why: "so".into(),
        unproven: false,
    };
    let more: [(Gate, Gate); 9] = [
        (checks(&["unit"]), checks(&["lint", "unit"])),
        // What an earlier version put up does not tell what it runs.
        (checks(&["unit"]), unit(&["./u.sh"])),
        (items(&["core"]), items(&["core", "mail"])),
        (people(|_| {}), people(|rule| rule.roles.push("security".into()))),
        (people(|rule| rule.own = true), people(|_| {})),
        (people(|_| {}), people(|rule| rule.valid_for = SignedDuration::from_mins(1))),
        (staging("staging", false), staging("staging", true)),
        (frozen(&[5]), frozen(&[4, 5])),
        (way(None), way(Some("redeploy"))),
    ];
    for (was, is) in more {
        assert_eq!(lost_of(&put_up(vec![was.clone()]), std::slice::from_ref(&is)), [], "{was:?} {is:?}");
    }
}

#[test]
fn those_who_approved_may_let_a_gate_go_and_nobody_else() {
    let both = [people(|_| {}), staging("staging", false)];
    let fewer = &both[..1];
    let hash = plan_with(fewer.to_vec()).hash();
    let vote = |role, by| Approved { hash: hash.clone(), ..yes(role, by) };
    let told = put_up(both.to_vec()).and(proposal::propose(&plan_with(fewer.to_vec())).unwrap());
    assert_eq!(blocking(fewer, &told), ["approvals", "staging"]);
    let half = told.by("omar", vote("lead", "omar"));
    assert_eq!(blocking(fewer, &half), ["approvals", "staging"]);
    // Enough to start it, but not the same people.
    let other = half.clone().by("ann", vote("product-manager", "ann"));
    assert_eq!(blocking(fewer, &other), ["staging"]);
    let all = half.by("li", vote("product-manager", "li"));
    assert_eq!(blocking(fewer, &all), [""; 0]);
    // Also where the new plan asks nobody at all.
    let hash = plan_with(vec![]).hash();
    let vote = |role, by| Approved { hash: hash.clone(), ..yes(role, by) };
    let told = put_up(both.to_vec());
    assert_eq!(blocking(&[], &told), ["approvals", "staging"]);
    let all = told.by("omar", vote("lead", "omar")).by("li", vote("product-manager", "li"));
    assert_eq!(blocking(&[], &all), [""; 0]);
}

#[test]
fn a_rejection_is_not_passed_over_by_dropping_the_gate() {
    let both = [people(|_| {}), staging("staging", false)];
    let proposed = proposal::propose(&plan_with(both.to_vec())).unwrap();
    let hash = proposed.hash.clone();
    let told = Told::at(Severity::P1).and(proposed);
    assert_eq!(blocking(&both[1..], &told), ["staging"], "nobody has said anything");
    let told = told.by("omar", no("lead", "omar", &hash));
    assert_eq!(blocking(&both[1..], &told), ["staging", "approvals"]);
    let why = lost_of(&told, &both[1..])[0].why();
    assert!(why.contains("when omar rejected it"), "{why}");
    // Nor where nobody had to approve: it is rejected all the same, until it is taken back.
    let open = plan_with(vec![]);
    let told = Told::at(Severity::P1).and(proposal::propose(&open).unwrap());
    let told = told.by("omar", no("lead", "omar", &open.hash()));
    assert_eq!(blocking(&[], &told), ["approvals"]);
    let told = told.by("omar", Approved { hash: open.hash(), ..yes("lead", "omar") });
    assert_eq!(blocking(&[], &told), [""; 0]);
}

#[test]
fn what_was_demanded_in_another_incident_still_is_until_it_was_carried_out() {
    let there = put_up(vec![people(|_| {}), staging("staging", false)]).state();
    let mut here = Told::at(Severity::P1).state();
    let mut history = History::default();
    history.asked.push(Asked { proposals: there.proposals, votes: there.votes, started: Vec::new() });
    here.elsewhere = Arc::new(history.clone());
    let lost_in = |state: &State| lost(&[], ABOUT, state, "maya", minutes(30)).len();
    assert_eq!(lost_in(&here), 2);
    history.asked[0].started.push(("deploy".into(), "production".into(), minutes(25)));
    here.elsewhere = Arc::new(history);
    assert_eq!(lost_in(&here), 0);
}

#[test]
fn what_nobody_approved_or_what_was_carried_out_since_demands_nothing() {
    let proposed = proposal::propose(&plan_with(vec![staging("staging", false)])).unwrap();
    assert_eq!(blocking(&[], &Told::at(Severity::P1).and(proposed)), [""; 0]);
    let told = put_up(vec![staging("staging", false)]);
    assert_eq!(blocking(&[], &told), ["staging"]);
    let done = told.ran("deploy-production-0", "deploy", "production", Some((COMMIT, false)), 0);
    assert_eq!(blocking(&[], &done), [""; 0]);
}

#[test]
fn how_a_gate_stands_voids_nothing() {
    let hash = |gate: Gate| plan_with(vec![gate]).hash();
    let way = |ready: Option<&str>| Gate::Rollback {
        ready: ready.map(str::to_owned),
        why: "so".into(),
        unproven: false,
    };
    assert_eq!(hash(way(None)), hash(way(Some("redeploy"))));
    let same = Gate::Checks {
        checks: vec!["unit".into()],
        runs: BTreeMap::new(),
        commit: COMMIT.into(),
        same: vec!["aa".into()],
    };
    assert_eq!(hash(checks(&["unit"])), hash(same));
    assert_ne!(plan_with(vec![]).hash(), hash(way(None)));
}
