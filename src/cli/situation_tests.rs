//! What `status` says is next is what the cockpit says: both are told the same of the same things.

use std::sync::Arc;

use super::super::context::Setup;
use super::super::sample::{after, log};
use super::super::status;
use super::*;
use crate::cockpit::model::{ConfigSource, ConfigState};
use crate::cockpit::{Fact, Keymap, Msg, update};
use crate::config::types::{Environment, THIRD_PARTY};
use crate::deploy::rollback::{Kind, Ready};
use crate::health::series::Status;
use crate::hotfix::state::Head;
use crate::incident::{
    Body, Declared, Log, Outcome, Paged, PlanEnd, PlanEnded, PlanStarted, ReleaseJudged, Released, RoleTaken,
    StepEnded, StepStarted, Told, WatchVerdict,
};

/// When somebody looks, in seconds since it began.
const NOW: i64 = 300;

/// What is known besides the record.
#[derive(Clone)]
struct World {
    trusted: bool,
    probes: Vec<Status>,
    ways: Vec<Way>,
}

impl Default for World {
    fn default() -> Self {
        let flag = Way {
            id: "flag:loyalty".into(),
            title: "turn loyalty off".into(),
            kind: Kind::FlagOff,
            ..Way::example()
        };
        Self {
            trusted: true,
            probes: vec![probe("errors", HealthState::Failing)],
            ways: vec![Way::example(), flag],
        }
    }
}

fn probe(name: &str, state: HealthState) -> Status {
    Status { name: name.into(), environment: "production".into(), state, ..Status::default() }
}

/// The branch in production.
fn branch() -> BranchState {
    let head = Head::Branch { name: "main".into(), commit: "a".repeat(40) };
    BranchState { base: Some("main".into()), ..BranchState::new("/r", head) }
}

fn config() -> Config {
    let environment = |name: &str, protected| Environment {
        protected,
        ..Environment::new(name, vec!["./deploy.sh".into()])
    };
    let theirs = "name = \"payments\"\nurl = \"http://a.test/\"\nconcerns = \"third-party\"";
    Config {
        environments: vec![environment("staging", false), environment("production", true)],
        probes: vec![toml::from_str(theirs).unwrap()],
        ..Config::default()
    }
}

/// The team stands and told people, then this happened.
fn record(events: Vec<(i64, Body)>) -> Log {
    let before = vec![
        (0, Declared::example().into()),
        (10, Paged { who: "li".into(), how: String::new() }.into()),
        (20, RoleTaken { role: "commander".into(), person: "maya".into() }.into()),
        (30, Told { audience: "stakeholders".into(), ..Told::default() }.into()),
    ];
    log(before.into_iter().chain(events).collect())
}

/// A plan that began and ended at a time.
fn plan(id: &str, purpose: &str, target: &str, at: i64, end: PlanEnd) -> Vec<(i64, Body)> {
    let (run, plan) = (format!("{id}.0"), id.to_owned());
    let started = PlanStarted {
        plan: plan.clone(),
        title: if purpose == "flag" { "turn loyalty off".into() } else { format!("{purpose} {target}") },
        purpose: purpose.into(),
        target: target.into(),
        hash: String::new(),
        steps: vec![purpose.to_owned()],
        confirmed: String::new(),
        spec: serde_json::json!({ "confirm": "production" }).into(),
    };
    let begun = StepStarted { plan: plan.clone(), step: 0, run: run.clone(), process: None, undo: false };
    let ended = StepEnded {
        plan: plan.clone(),
        step: 0,
        run,
        outcome: Outcome::Exited { code: i32::from(end != PlanEnd::Done) },
        summary: String::new(),
        survivors: Vec::new(),
        unproven: false,
        tail: Vec::new(),
    };
    let over = PlanEnded { plan, end, why: String::new() };
    vec![(at, started.into()), (at, begun.into()), (at, ended.into()), (at, over.into())]
}

/// A rollback that is live, and whose watch failed.
fn failed_rollback(at: i64) -> Vec<(i64, Body)> {
    let (environment, commit) = ("production".to_owned(), "b".repeat(40));
    let released = Released {
        environment: environment.clone(),
        reference: "v1.2.2".into(),
        commit: commit.clone(),
        tag: Some("v1.2.2".into()),
        version: None,
        plan: "rollback-1".into(),
        rollback: true,
        replaces: None,
    };
    let (verdict, why) = (WatchVerdict::Failed, "api is failing".to_owned());
    let judged = ReleaseJudged { environment, commit, plan: "rollback-1".into(), verdict, why };
    let mut all = plan("rollback-1", "rollback", "production", at, PlanEnd::Failed);
    all.insert(2, (at, released.into()));
    all.insert(3, (at, judged.into()));
    all
}

fn looked(world: &World) -> Looked {
    Looked {
        at: after(NOW),
        live: Some("v1.2.3".into()),
        unrecorded: None,
        past: Vec::new(),
        ways: Ok(world.ways.clone()),
    }
}

/// What `status` says is next.
fn by_status(log: &Log, world: &World) -> Vec<Next> {
    let around = Around {
        hotfix: Some(branch()),
        config: config(),
        may_run: world.trusted,
        untrusted: !world.trusted,
        health: world.probes.iter().map(ProbeState::from).collect(),
        checklist: Policy::built_in().checklist,
        looked: world.trusted.then(|| looked(world)),
        ..Around::default()
    };
    Situation::new(log.state().clone(), Policy::built_in(), around, after(NOW)).next
}

/// What the cockpit says is next.
fn by_cockpit(log: Log, world: &World) -> Vec<Next> {
    let setup = Setup::new(None, true);
    let mut model = status::cockpit(Keymap::default(), setup, after(NOW));
    let source = if world.trusted {
        ConfigSource::Trusted
    } else {
        ConfigSource::Untrusted { hash: "0".into(), would_run: Vec::new() }
    };
    let environment = "production".to_owned();
    let facts = [
        Fact::Config(Box::new(ConfigState { config: config(), source, found: Vec::new() })),
        Fact::Opened(Box::new(log)),
        Fact::Branch(Box::new(Ok(branch()))),
        Fact::Health { probes: world.probes.iter().cloned().map(Arc::new).collect() },
    ];
    let ways = world.trusted.then(|| Fact::Ways { environment, looked: looked(world) });
    for fact in facts.into_iter().chain(ways) {
        update(&mut model, Msg::Fact(fact));
    }
    update(&mut model, Msg::Tick(after(NOW)));
    model.derived.next.into_iter().map(|(next, _)| next).collect()
}

/// Records, each with its time.
type Account = Vec<(i64, Body)>;

#[test]
fn status_and_cockpit_say_the_same_is_next() {
    let world = World::default();
    let flag = |at| plan("flag-1", "flag", "flag:loyalty", at, PlanEnd::Done);
    let no_way = |title: &str, kind| Way {
        title: title.into(),
        kind,
        ready: Ready::No("it is off already".into()),
        ..Way::example()
    };
    let none = vec![no_way("redeploy", Kind::Redeploy), no_way("turn loyalty off", Kind::FlagOff)];
    let unproven = vec![Way { ready: Ready::Unknown("nobody watched it".into()), ..Way::example() }];
    let theirs = Status { environment: THIRD_PARTY.into(), ..probe("payments", HealthState::Warn) };
    let with = |probes: &[Status], ways: &[Way]| World {
        probes: probes.to_vec(),
        ways: ways.to_vec(),
        trusted: true,
    };
    let (red, green) = (probe("errors", HealthState::Failing), probe("errors", HealthState::Ok));
    let rolled_back = || failed_rollback(60);
    let both = |at| rolled_back().into_iter().chain(flag(at)).collect::<Vec<_>>();
    let situations: Vec<(&str, Account, World)> = vec![
        ("a way back is ready", Vec::new(), world.clone()),
        ("none is proven", Vec::new(), World { ways: unproven, ..world.clone() }),
        ("none can be taken", Vec::new(), World { ways: none.clone(), ..world.clone() }),
        ("it is not trusted", Vec::new(), World { trusted: false, probes: Vec::new(), ..world.clone() }),
        ("a rollback failed", rolled_back(), world.clone()),
        ("then a flag was turned off", both(NOW - 2), with(std::slice::from_ref(&red), &none)),
        ("that did not help", both(NOW - 120), with(std::slice::from_ref(&red), &none)),
        ("that helped", both(NOW - 120), with(std::slice::from_ref(&green), &none)),
        ("a third party fails", Vec::new(), with(&[red, theirs.clone()], &world.ways)),
        ("and we are well", flag(NOW - 120), with(&[green, theirs], &none)),
    ];
    for (name, events, world) in situations {
        let log = record(events);
        let (status, cockpit) = (by_status(&log, &world), by_cockpit(log, &world));
        assert!(!status.is_empty(), "{name}");
        assert_eq!(status, cockpit, "{name}");
    }
}
