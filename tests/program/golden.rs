//! What earlier versions wrote is read, verified and gone on with by this one.
//!
//! `tests/golden` holds a folder for each version of the format of plans: `journal.db`, a journal with
//! nearly every kind of record, plans that can be decided about and leases; `export.jsonl`, the export
//! of its first incident; `plans.jsonl`, a plan of each kind of step with the hash it was known by. They
//! were written by the program of that time and are never written again: a test that fails here says
//! that what people have on their disks can no longer be relied on. A new version of the format gets a
//! folder of its own.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use flightdeck::conductor::take_over;
use flightdeck::incident::{Body, Draft, PlanEnd, PlanEnded, PlanStarted, Record, Spec};
use flightdeck::journal::Journal;
use flightdeck::plan::{Action, stored};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::world::{Shell, World};

mod kinds;

/// The incident in the golden journals that everything happens in.
const INCIDENT: &str = "INC-2026-0001";

/// A plan on record.
#[derive(Deserialize)]
struct Golden {
    hash: String,
    spec: Box<RawValue>,
}

fn folder(version: u64) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(version.to_string())
}

fn versions() -> std::ops::RangeInclusive<u64> {
    0..=stored::VERSION
}

fn plans(version: u64) -> Vec<Golden> {
    let text = std::fs::read_to_string(folder(version).join("plans.jsonl")).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// A machine with a golden journal on it, and a shell in some repository there.
fn machine(version: u64) -> (World, Shell) {
    let world = World::new();
    std::fs::copy(folder(version).join("journal.db"), world.path("state/journal.db")).unwrap();
    let shell = world.repository("elsewhere");
    (world, shell)
}

fn about<'a>(arguments: &[&'a str]) -> Vec<&'a str> {
    [&["--incident", INCIDENT], arguments].concat()
}

#[test]
fn a_plan_of_each_version_is_read_and_keeps_its_hash() {
    for version in versions() {
        let plans = plans(version);
        assert!(plans.len() >= 12, "a plan of each kind of step: {}", plans.len());
        for golden in plans {
            let spec = Spec::new(golden.spec.get().to_owned()).unwrap();
            let read = stored::read(&spec).unwrap_or_else(|why| panic!("{version} {}: {why}", spec.raw()));
            assert_eq!(read.hash, golden.hash, "{version} {}", read.plan.id);
            assert_eq!(read.plan.steps.len(), 1, "{version} {}", read.plan.id);
        }
    }
}

/// Whoever approved a plan before an upgrade has approved the one that is made after it.
#[test]
fn a_plan_that_is_made_now_is_written_as_it_was_when_the_format_was_new() {
    let golden = plans(stored::VERSION);
    let made = kinds::kinds();
    assert_eq!(made.len(), golden.len());
    for (plan, golden) in made.iter().zip(golden) {
        let sealed = stored::seal(plan).unwrap();
        assert_eq!(sealed.spec.raw(), golden.spec.get(), "{}", plan.id);
        assert_eq!(sealed.hash, golden.hash, "{}", plan.id);
        assert_eq!(stored::read(&sealed.spec).unwrap().plan, *plan, "{}: nothing of it is lost", plan.id);
    }
}

/// As above, of the kinds of steps that were added to the format since.
#[test]
fn a_plan_of_a_later_kind_is_written_as_it_was_when_it_came() {
    let made: Vec<String> = kinds::later()
        .iter()
        .map(|plan| {
            let sealed = stored::seal(plan).unwrap();
            assert_eq!(stored::read(&sealed.spec).unwrap().plan, *plan, "{}: nothing of it is lost", plan.id);
            format!("{{\"hash\":\"{}\",\"spec\":{}}}\n", sealed.hash, sealed.spec.raw())
        })
        .collect();
    let golden =
        std::fs::read_to_string(folder(stored::VERSION).join("later-plans.jsonl")).unwrap_or_default();
    assert!(made.concat() == golden, "the golden file differs; a new kind adds a line:\n{}", made.concat());
}

#[test]
fn what_was_approved_cannot_be_changed_on_record() {
    for version in versions() {
        for golden in plans(version) {
            let text = golden.spec.get();
            for (from, to) in
                [("PT1M", "PT2M"), ("./", "./x"), ("production", "staging"), ("4f2c91e", "5f2c91e")]
            {
                // Only where it stands in what is approved, and not in its words alone.
                let changed = Spec::new(text.replace(from, to)).unwrap();
                let same_words = stored::read(&changed).map(|read| read.hash) == Ok(golden.hash.clone());
                let was = stored::read(&Spec::new(text.to_owned()).unwrap()).unwrap().plan;
                let is = stored::read(&changed).unwrap().plan;
                // How the gates stand that a step waits for may change.
                let waits = matches!(was.steps[0].action, Action::Gate { .. });
                let approved_alike = (waits || was.steps[0].action == is.steps[0].action)
                    && was.steps[0].timeout == is.steps[0].timeout
                    && was.target == is.target;
                assert!(approved_alike || !same_words, "{version} {from} → {to}: {text}");
            }
        }
    }
}

#[test]
fn a_journal_of_each_version_verifies_and_comes_out_byte_for_byte() {
    for version in versions() {
        let (_world, shell) = machine(version);
        shell.flightdeck(&["verify"]).succeeded();
        let export = shell.flightdeck(&about(&["export", "--format", "jsonl"])).succeeded().stdout;
        let golden = std::fs::read_to_string(folder(version).join("export.jsonl")).unwrap();
        assert!(export == golden, "{version}: the export differs");
        let status = shell.json(&about(&["status", "--json"]));
        assert_eq!(status["incident"]["title"], "Checkout answers 500 to everybody", "{version}: {status}");
        let listed = shell.json(&about(&["plan", "list", "--json"]));
        let state = |id: &str| {
            let found = listed.as_array().unwrap().iter().find(|plan| plan["id"] == id);
            found.unwrap_or_else(|| panic!("{version} has no {id}"))["state"].clone()
        };
        assert_eq!(state("deploy-staging-1"), "done", "{version}");
        assert_eq!(state("deploy-production-1"), "failed", "{version}");
        assert_eq!(state("deploy-canary-1"), "running", "{version}: its lease is held elsewhere");
        for kind in kinds::kinds() {
            let shown = shell.flightdeck(&about(&["plan", "show", &kind.id])).succeeded().stdout;
            assert!(!shown.contains("cannot be"), "{version} {}: {shown}", kind.id);
        }
        // Another machine takes it in as it is.
        let other = World::new();
        let there = other.repository("elsewhere");
        let file = folder(version).join("export.jsonl");
        there.flightdeck(&["import", file.to_str().unwrap()]).succeeded();
        let again = there.flightdeck(&about(&["export", "--format", "jsonl"])).succeeded().stdout;
        assert!(again == golden, "{version}: the import differs");
    }
}

/// `later.jsonl` has what was added to a version after its other files were written: the other kinds of record,
/// and the fields of plans that came since.
#[test]
fn every_kind_of_record_is_read_as_it_was_written() {
    let later = std::fs::read_to_string(folder(1).join("later.jsonl")).unwrap();
    let exports =
        versions().map(|version| std::fs::read_to_string(folder(version).join("export.jsonl")).unwrap());
    let all: Vec<String> = exports.chain([later.clone()]).collect();
    let mut kinds = BTreeSet::new();
    for line in all.iter().flat_map(|text| text.lines()) {
        let record = Record::decode(line.as_bytes()).unwrap();
        assert!(!matches!(record.body, Body::Unknown(_)), "not read: {line}");
        kinds.insert(record.body.kind().to_owned());
    }
    for kind in Body::KINDS {
        assert!(kinds.contains(*kind), "no golden record is a `{kind}`");
    }
    for field in ["to_come", "searched", "replaces"] {
        assert!(
            all.iter()
                .any(|text| text.contains(&format!("\\\"{field}\\\""))
                    || text.contains(&format!("\"{field}\""))),
            "no golden plan has `{field}`"
        );
    }
    let world = World::new();
    let shell = world.repository("elsewhere");
    shell.flightdeck(&["import", folder(1).join("later.jsonl").to_str().unwrap()]).succeeded();
    let again = shell.flightdeck(&about(&["export", "--format", "jsonl"])).succeeded().stdout;
    assert!(again == later, "the import differs");
    for line in later.lines() {
        let plan = match Record::decode(line.as_bytes()).unwrap().body {
            Body::PlanStarted(plan) => (plan.hash, plan.spec),
            Body::PlanProposed(plan) => (plan.hash, plan.spec),
            _ => continue,
        };
        assert_eq!(stored::read(&plan.1).unwrap().hash, plan.0);
    }
}

/// A plan that was approved and started before the upgrade goes on after it: with the approvals of
/// then, whose hash is still that of the plan.
#[test]
#[cfg(target_os = "linux")]
fn a_plan_of_each_version_is_gone_on_with() {
    for version in versions() {
        let (_world, shell) = machine(version);
        let retry = about(&["plan", "retry", "deploy-production-1"]);
        shell.flightdeck(&retry).ended_with(2).said("production");
        shell.flightdeck(&[&retry[..], &["--confirm", "production"]].concat()).succeeded();
        let shown = shell.json(&about(&["plan", "show", "deploy-production-1", "--json"]));
        assert_eq!(shown["state"], "done", "{version}: {shown}");
        shell.flightdeck(&["verify"]).succeeded();
    }
}

/// Leases of then are still leases: what is held elsewhere is not taken without a word.
#[test]
fn a_lease_of_each_version_is_held_and_can_be_taken_over() {
    for version in versions() {
        let (world, shell) = machine(version);
        let state = world.path("state");
        let mut journal = Journal::open(&state, "Maya").unwrap();
        let mut leases = journal.leases().unwrap();
        leases.sort_by(|one, other| one.target.cmp(&other.target));
        let targets: Vec<&str> = leases.iter().map(|lease| lease.target.as_str()).collect();
        assert_eq!(targets, ["canary", "edge"], "{version}");
        let holder = leases[0].process.as_ref().unwrap();
        assert_eq!((holder.host.as_str(), holder.pid, holder.started), ("elsewhere", 4711, 123_456));
        assert_eq!((leases[0].plan.as_str(), leases[0].by.as_str()), ("deploy-canary-1", "Maya"));
        let mut take = |stated| {
            take_over(&mut journal, &state, &leases[0], "it is needed", stated).map_err(|it| it.cause)
        };
        assert!(
            take(None).unwrap_err().contains("process 4711 on elsewhere"),
            "nobody said how that is known"
        );
        take(Some("it was switched off")).unwrap();
        let shown = |id: &str| shell.json(&about(&["plan", "show", id, "--json"]))["state"].clone();
        // Looked at, the world is asked: its proof says so.
        assert_eq!(shown("deploy-canary-1"), "done", "{version}");
        assert_eq!(shown("watch-edge-1"), "running", "{version}");
    }
}

#[test]
fn a_plan_of_a_newer_version_is_shown_as_such_and_never_carried_out() {
    let (world, shell) = machine(stored::VERSION);
    let spec = r#"{"version": 99, "how": {"b":1.50, "a":"\u00e9"}, "id":"deploy-edge-9"}"#;
    {
        let mut journal = Journal::open(&world.path("state"), "Maya").unwrap();
        let all = journal.incidents(None).unwrap();
        let incident = all.iter().find(|found| found.number == INCIDENT).unwrap().id;
        let started = PlanStarted {
            plan: "deploy-edge-9".to_owned(),
            title: "deploy main to edge".to_owned(),
            purpose: "deploy".to_owned(),
            target: "edge-of-tomorrow".to_owned(),
            hash: "ab".repeat(32),
            steps: vec!["beam it there".to_owned()],
            confirmed: "enter".to_owned(),
            spec: Spec::new(spec.to_owned()).unwrap(),
        };
        let ended = PlanEnded { plan: started.plan.clone(), end: PlanEnd::Failed, why: "no beam".to_owned() };
        let drafts = vec![Draft::now(incident, started), Draft::now(incident, ended)];
        journal.append(Timestamp::now(), drafts).unwrap();
    }
    let shown = shell.flightdeck(&about(&["plan", "show", "deploy-edge-9"])).succeeded().stdout;
    assert!(shown.contains("a newer flightdeck wrote this plan (format 99"), "{shown}");
    assert!(shown.contains("beam it there"), "its titles are there: {shown}");
    for verb in ["resume", "retry", "undo", "skip"] {
        let reason: &[&str] = if verb == "skip" { &["--reason", "x"] } else { &[] };
        let line = about(&["plan", verb, "deploy-edge-9"]);
        let refused = shell.flightdeck(&[&line[..], reason].concat());
        assert_eq!(refused.code(), Some(1), "{verb}: {refused:?}");
        refused.said("a newer flightdeck wrote this plan");
    }
    let export = shell.flightdeck(&about(&["export", "--format", "jsonl"])).succeeded().stdout;
    assert!(export.contains(spec), "it is kept byte for byte");
    shell.flightdeck(&["verify"]).succeeded();
}
