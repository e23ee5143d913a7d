//! What hosts ask of those who ask them, and what a person does meanwhile.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::super::world::wait_until;
use super::Team;

/// A pipeline of GitLab that runs so many jobs.
fn running(jobs: usize) -> (Team, super::super::world::Running) {
    let team = Team::at("gitlab", "");
    let verb = team.yard.begin(&["deploy", "staging"]);
    team.wait_state("queued");
    set_jobs(&team, jobs, "running");
    team.ci.set("running", None);
    team.wait_state("running");
    (team, verb)
}

fn set_jobs(team: &Team, jobs: usize, status: &str) {
    let names: Vec<String> = (0..jobs).map(|number| format!("deploy {number}")).collect();
    let all: Vec<_> = names.iter().map(|name| (name.as_str(), status, None)).collect();
    team.ci.jobs(&all);
}

#[test]
fn many_jobs_of_gitlab_are_cancelled_with_force_and_its_end_is_seen() {
    let (team, mut verb) = running(150);
    let _stop = team.yard.begin(&["run", "stop", "deploy-staging-1.0"]);
    wait_until("the cancel", || (team.ci.cancelled() == 1).then_some(()));
    set_jobs(&team, 150, "canceling");
    let _again = team.yard.begin(&["run", "stop", "deploy-staging-1.0"]);
    wait_until("the force", || (team.ci.kept().rerun.len() >= 150).then_some(()));
    set_jobs(&team, 150, "canceled");
    team.ci.set("canceled", None);
    team.wait_state("cancelled");
    verb.wait("the deploy");
    let forced = team.ci.kept().rerun.clone();
    assert_eq!((forced.len(), forced.last().map(String::as_str)), (150, Some("cancel 650 with force")));
}

#[test]
fn a_host_that_asks_to_be_left_alone_by_whoever_cancels_is_left_alone() {
    let (team, mut verb) = running(1);
    team.ci.kept().busy = 6;
    let _stop = team.yard.begin(&["run", "stop", "deploy-staging-1.0"]);
    let asked = || team.ci.service.requests().len();
    let (before, since) =
        wait_until("the cancel", || (team.ci.kept().turned_away == 1).then(|| (asked(), Instant::now())));
    wait_until("another question", || (asked() > before).then_some(()));
    let away = since.elapsed();
    assert!(away > Duration::from_secs(4), "it was asked again after {away:?}");
    team.ci.kept().busy = 0;
    // It is told again by itself, and not with force: it had not heard of it.
    wait_until("the cancel to be taken", || (team.ci.cancelled() == 1).then_some(()));
    assert!(team.ci.kept().rerun.is_empty(), "{:?}", team.ci.kept().rerun);
    team.ci.set("canceled", None);
    set_jobs(&team, 1, "canceled");
    verb.wait("the deploy");
    assert!(team.log().contains("could not cancel pipeline #42"), "{}", team.log());
}

/// The first file of that name in a folder.
fn found(folder: &Path, name: &str) -> Option<PathBuf> {
    std::fs::read_dir(folder).ok()?.flatten().find_map(|entry| {
        let path = entry.path();
        if path.is_dir() { found(&path, name) } else { Some(path).filter(|path| path.ends_with(name)) }
    })
}

#[test]
fn a_thousand_jobs_are_read_a_page_a_turn_and_its_end_is_seen_meanwhile() {
    let (team, mut verb) = running(1_000);
    let jobs = || -> Vec<serde_json::Value> {
        let file = found(&team.yard.world.path("state"), "jobs.json");
        file.and_then(|file| serde_json::from_slice(&std::fs::read(file).ok()?).ok()).unwrap_or_default()
    };
    wait_until("all jobs", || (jobs().len() == 1_000).then_some(()));
    assert_eq!(jobs()[999]["name"], "deploy 999");
    let pages = |from: usize| {
        let asked = team.ci.service.requests();
        asked.iter().skip(from).filter(|one| one.contains("/jobs?")).count()
    };
    assert!(pages(0) >= 10, "{} pages", pages(0));
    // Amid the next round it ends.
    let from = team.ci.service.requests().len();
    wait_until("a page", || (pages(from) > 0).then_some(()));
    set_jobs(&team, 1_000, "success");
    team.ci.set("success", None);
    team.wait_state("succeeded");
    assert!(verb.wait("the deploy").success());
}
