//! Deploys by pipelines whose conductor is killed at each record it writes: nothing is started twice, what was released is on
//! record once, and going on ends with all done. With and without a proof, at both hosts, of a run that a push started, of a
//! rerun, while it waits for somebody, and while it is cancelled.

use std::sync::atomic::{AtomicU32, Ordering};

use super::super::world::{PATIENCE, Running, wait_for, wait_until};
use super::{PLAN, Team};

/// More records than such a deploy has.
const ENOUGH: u32 = 60;
/// How many go on at a time.
const LANES: usize = 6;
/// How often a person goes on before that counts as getting nowhere.
const TRIES: usize = 6;

/// What is carried out when all is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Story {
    /// A workflow of GitHub.
    Github,
    /// The same, with a proof that finds it live once the run has succeeded.
    Proof,
    /// A pipeline of GitLab.
    Gitlab,
    /// The run that a push started.
    Push,
    /// The jobs that failed, run again.
    Rerun,
    /// A run that somebody has to approve, and does.
    Approval,
    /// A run that somebody cancels.
    Cancel,
}

use Story::{Approval, Cancel, Github, Gitlab, Proof, Push, Rerun};

#[test]
fn killed_at_every_record_it_starts_nothing_twice_and_can_be_brought_to_its_end() {
    at_every_record(8, |at| if at.is_multiple_of(2) { Github } else { Proof });
}

#[test]
fn killed_at_every_record_a_pipeline_of_gitlab_is_started_once() {
    at_every_record(8, |_| Gitlab);
}

#[test]
fn killed_at_every_record_the_run_of_a_push_is_followed_and_none_is_started() {
    at_every_record(8, |_| Push);
}

#[test]
fn killed_at_every_record_the_failed_jobs_are_run_again_once() {
    at_every_record(8, |_| Rerun);
}

#[test]
fn killed_at_every_record_what_waits_for_somebody_is_approved_once() {
    at_every_record(9, |_| Approval);
}

#[test]
fn killed_at_every_record_a_run_that_is_cancelled_is_not_started_again() {
    at_every_record(7, |_| Cancel);
}

/// Kills all at each record of a story, which has at least so many.
fn at_every_record(least: u32, story: fn(u32) -> Story) {
    let (next, end) = (AtomicU32::new(1), AtomicU32::new(ENOUGH));
    std::thread::scope(|scope| {
        for _ in 0..LANES {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Ordering::SeqCst);
                    if at >= end.load(Ordering::SeqCst) {
                        break;
                    }
                    if !round(story(at), at) {
                        end.fetch_min(at, Ordering::SeqCst);
                    }
                }
            });
        }
    });
    let records = end.into_inner();
    assert!((least..ENOUGH).contains(&records), "such a deploy has {records} records");
}

/// The world of a story, and the verb that begins it.
fn begin(story: Story) -> (Team, Vec<&'static str>) {
    let deploy = vec!["deploy", "staging"];
    let team = match story {
        Github | Rerun | Approval | Cancel => Team::actions(),
        Proof => {
            let of = "workflow = \"deploy.yml\"\ninputs = { sha = \"{commit}\" }\n";
            let team =
                Team::made("github-actions", of, "proof = [\"./proof.sh\"]\nproof_within = \"1s\"\n", "");
            team.yard.script("proof.sh", "cat live");
            team.ci.kept().live = Some(team.yard.file("live"));
            team
        }
        Gitlab => Team::at("gitlab", ""),
        Push => {
            let team =
                Team::at("github-actions", "workflow = \"deploy.yml\"\non = \"push\"\nwithin = \"20s\"\n");
            team.ci.pushed();
            team
        }
    };
    if story == Rerun {
        let mut verb = team.yard.begin(&deploy);
        team.wait_state("queued");
        team.ci.set("completed", Some("failure"));
        assert!(!verb.wait("the deploy").success());
    }
    let mut kept = team.ci.kept();
    (kept.moves, kept.may_approve) = (true, true);
    (kept.gated, kept.held) = (story == Approval, story == Cancel);
    drop(kept);
    let verb = if story == Rerun { vec!["plan", "retry", PLAN] } else { deploy };
    (team, verb)
}

/// What a person does meanwhile, once a run is at that on record.
fn meanwhile(story: Story, team: &Team, has: impl Fn(&str) -> bool) -> Option<Running> {
    match story {
        Approval if has("\"state\":\"waiting\"") && has("approval of staging") => {
            Some(team.yard.begin(&["plan", "review", "--approve", "--comment", "on the call", "--detach"]))
        }
        Cancel if has("\"state\":\"running\"") => {
            Some(team.yard.begin(&["run", "stop", "deploy-staging-1.0"]))
        }
        _ => None,
    }
}

/// Kills all when so many records were written; `false`: it was over before.
fn round(story: Story, at: u32) -> bool {
    let (team, verb) = begin(story);
    let journal = team.yard.world.path("state/journal.db");
    let journal = rusqlite::Connection::open(journal).unwrap();
    let count = |of: &str| {
        let query = "SELECT count(*) FROM record WHERE instr(CAST(bytes AS TEXT), ?1) > 0";
        journal.query_row(query, [of], |row| row.get::<_, u32>(0)).unwrap_or_default()
    };
    let before = count("");
    let mut verb = team.yard.begin(&verb);
    let mut person = None;
    let over = wait_for(2 * PATIENCE, &format!("record {at}"), || {
        if count("") >= before + at {
            return Some(false);
        }
        if person.is_none() {
            person = meanwhile(story, &team, |text| count(text) > 0);
        }
        verb.0.try_wait().unwrap().map(|_| true)
    });
    drop(person);
    if !over {
        verb.0.kill().ok();
        team.yard.kill_conductor_if_any();
    }
    verb.0.wait().unwrap();
    team.ci.kept().held = false;
    let tried = go_on(story, &team);
    let plan = team.show();
    let what = format!("{story:?}, record {at}, {tried:?}: {plan}");
    let is_done = plan["state"] == "done";
    assert!(is_done || story == Cancel && team.ci.cancelled() > 0, "{what}");
    let reruns = team.ci.kept().rerun.iter().filter(|how| how.contains("rerun")).count();
    // Where nothing of the rerun is there, whoever retries may start it anew.
    let wanted = match story {
        Push => 0,
        Rerun => 2,
        _ => 1,
    };
    assert_eq!(team.ci.started() + reruns, wanted, "{what}");
    assert_eq!(team.records("released").len(), usize::from(is_done), "{what}");
    assert_eq!(team.ci.kept().reviews, usize::from(story == Approval), "{what}");
    // A proof may have said so first.
    let seen = team.states().pop();
    assert!(story == Proof || !is_done || seen.as_deref() == Some("succeeded"), "{what}: {seen:?}");
    team.yard.shell.flightdeck(&["verify"]).succeeded();
    !over
}

/// What a person decides until the plan is over, and does meanwhile.
fn go_on(story: Story, team: &Team) -> Vec<&'static str> {
    let mut tried = Vec::new();
    while tried.len() < TRIES {
        let plan = team.show();
        let state = plan["state"].as_str().unwrap_or_default().to_owned();
        let is_cancelled = story == Cancel && team.ci.cancelled() > 0;
        if state == "done" || is_cancelled && matches!(&*state, "cancelled" | "failed") {
            break;
        }
        let is_there = match story {
            Rerun => !team.ci.kept().rerun.is_empty(),
            Push => true,
            _ => team.ci.started() > 0,
        };
        let offers = |decision: &str| {
            plan["choices"].as_array().is_some_and(|all| all.iter().any(|one| one["decision"] == decision))
        };
        let decision = match &*state {
            // A look at the host has shown that there is none: a person starts it.
            "unknown" if !is_there && tried.last() == Some(&"resume") => "retry",
            "failed" if offers("retry") => "retry",
            _ => "resume",
        };
        let mut verb = team.yard.begin(&["plan", decision, PLAN, "--confirm", "staging"]);
        tried.push(decision);
        // One that was about to begin when all were killed was not found, and is at it: it comes to its end.
        wait_until("its end", || {
            let waits = || story == Approval && team.ci.kept().reviewed.is_none() && team.ci.is("waiting");
            if waits() && team.show()["steps"][0]["pipeline"]["state"] == "waiting" && waits() {
                let approve = ["plan", "review", "--approve", "--comment", "on the call", "--detach"];
                if team.yard.shell.flightdeck(&approve).code() == Some(0) {
                    wait_until("the approval", || team.ci.kept().reviewed.clone());
                }
            }
            let is_over = verb.0.try_wait().unwrap().is_some();
            (is_over && !matches!(team.show()["state"].as_str(), Some("running" | "waiting"))).then_some(())
        });
    }
    tried
}
