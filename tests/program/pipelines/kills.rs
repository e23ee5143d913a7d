//! A deploy by a pipeline whose conductor is killed at each record it writes, with and without a proof: nothing is started
//! twice, what was released is on record once, and going on ends with all done.

use std::sync::atomic::{AtomicU32, Ordering};

use super::super::world::{PATIENCE, wait_for};
use super::{PLAN, Team};

/// More records than such a deploy has.
const ENOUGH: u32 = 60;
/// How many go on at a time.
const LANES: usize = 3;
/// How often a person goes on before that counts as getting nowhere.
const TRIES: usize = 6;

#[test]
fn killed_at_every_record_it_starts_nothing_twice_and_can_be_brought_to_its_end() {
    let (next, last) = (AtomicU32::new(1), AtomicU32::new(ENOUGH));
    std::thread::scope(|scope| {
        for _ in 0..LANES {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Ordering::SeqCst);
                    if at >= last.load(Ordering::SeqCst) {
                        break;
                    }
                    if !round(at) {
                        last.fetch_min(at, Ordering::SeqCst);
                    }
                }
            });
        }
    });
    let records = last.into_inner();
    assert!((8..ENOUGH).contains(&records), "a deploy has {records} records");
}

/// Kills all when so many records were written; `false`: the deploy was over before.
fn round(at: u32) -> bool {
    // What the proof of every other one finds live is there only once the run has succeeded.
    let proves = !at.is_multiple_of(2);
    let team = if proves {
        let of = "workflow = \"deploy.yml\"\ninputs = { sha = \"{commit}\" }\n";
        let team = Team::made("github-actions", of, "proof = [\"./proof.sh\"]\nproof_within = \"1s\"\n", "");
        team.yard.script("proof.sh", "cat live");
        team.ci.kept().live = Some(team.yard.file("live"));
        team
    } else {
        Team::actions()
    };
    team.ci.kept().moves = true;
    let journal = team.yard.world.path("state/journal.db");
    let journal = rusqlite::Connection::open(journal).unwrap();
    let count = || {
        let counted = journal.query_row("SELECT count(*) FROM record", [], |row| row.get::<_, u32>(0));
        counted.unwrap_or_default()
    };
    let before = count();
    let mut verb = team.yard.begin(&["deploy", "staging"]);
    let over = wait_for(2 * PATIENCE, &format!("record {at}"), || {
        if count() >= before + at {
            return Some(false);
        }
        verb.0.try_wait().unwrap().map(|_| true)
    });
    if !over {
        verb.0.kill().ok();
        team.yard.kill_conductor_if_any();
    }
    verb.0.wait().unwrap();

    let mut tried = Vec::new();
    while team.show()["state"] != "done" && tried.len() < TRIES {
        let started = team.ci.started();
        let decision = match (team.show()["state"].as_str(), started) {
            // A look at the host has shown that there is none: a person starts it.
            (Some("unknown"), 0) if tried.last() == Some(&"resume") => "retry",
            _ => "resume",
        };
        team.yard.shell.flightdeck(&["plan", decision, PLAN, "--confirm", "staging"]);
        tried.push(decision);
        // One that was about to begin when all were killed was not found, and is at it: it comes to its end.
        wait_for(2 * PATIENCE, "its end", || (team.show()["state"] != "running").then_some(()));
    }
    let plan = team.show();
    assert_eq!(plan["state"], "done", "record {at}, {tried:?}: {plan}");
    assert_eq!(team.ci.started(), 1, "record {at}, {tried:?}");
    assert_eq!(team.records("released").len(), 1, "record {at}, {tried:?}");
    // A proof may have said so first.
    let seen = team.states().pop();
    assert!(proves || seen.as_deref() == Some("succeeded"), "record {at}, {tried:?}: {seen:?}");
    team.yard.shell.flightdeck(&["verify"]).succeeded();
    !over
}
