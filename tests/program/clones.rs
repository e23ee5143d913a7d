//! One repository in several clones: an incident that was declared in one is found in the others,
//! on this machine or by export and import, and in no other repository.

use std::path::Path;

use serde_json::Value;

use super::world::{Shell, World};

/// Clones a repository to a place with an empty state directory of its own.
pub(super) fn clone_elsewhere(world: &World, from: &Path, name: &str, user: &str) -> Shell {
    let (root, state) = (world.path(name), world.path(&format!("state-{name}")));
    std::fs::create_dir(&state).unwrap();
    let shell = world.shell(&world.path("home")).with("FLIGHTDECK_STATE_DIR", state);
    let (from, to) = (from.to_string_lossy(), root.to_string_lossy());
    shell.run("git", &["clone", "--quiet", &from, &to]).succeeded();
    Shell { directory: root, ..shell }.with("FLIGHTDECK_USER", user)
}

pub(super) fn bare(world: &World) -> std::path::PathBuf {
    let app = world.repository("app");
    let origin = world.path("origin.git");
    app.run("git", &["clone", "--quiet", "--bare", ".", &origin.to_string_lossy()]).succeeded();
    origin
}

pub(super) fn declare(shell: &Shell, title: &str) -> String {
    let ended = shell.flightdeck(&["declare", title, "--severity", "P1"]).succeeded();
    ended.stdout.trim().to_owned()
}

/// Writes what one shell exports into a file that another imports.
fn bring(world: &World, from: &Shell, to: &Shell) -> String {
    let file = world.path("exported.jsonl");
    std::fs::write(&file, from.flightdeck(&["export"]).succeeded().stdout).unwrap();
    let ended = to.flightdeck(&["import", &file.to_string_lossy()]).succeeded();
    ended.stdout + &ended.stderr
}

fn incident(shell: &Shell) -> Value {
    shell.json(&["status", "--json"])["incident"].clone()
}

#[test]
fn an_incident_that_is_imported_in_another_clone_is_found_there() {
    let world = World::new();
    let origin = bare(&world);
    let maya = clone_elsewhere(&world, &origin, "maya", "maya");
    let omar = clone_elsewhere(&world, &origin, "omar", "omar");
    declare(&maya, "checkout fails");
    bring(&world, &maya, &omar);
    assert_eq!(incident(&omar)["title"], "checkout fails");
    omar.flightdeck(&["tick", "payment"]).succeeded();
    // And back again: what was ticked there is ticked here.
    bring(&world, &omar, &maya);
    let status = maya.json(&["status", "--json"]);
    let ticked = status["checklist"].as_array().unwrap().iter().find(|item| item["state"] == "passed");
    assert_eq!(ticked.unwrap()["by"], "omar");
    // Its branch is shown, since it is the repository of the incident.
    assert!(status["hotfix"].is_object(), "{status}");
    let there = omar.flightdeck(&["status"]).succeeded().stdout;
    assert!(!there.contains("not the repository"), "{there}");
    omar.flightdeck(&["verify"]).succeeded();
    // A fork shares no remote with it: what may be meant is named.
    let fork = clone_elsewhere(&world, &origin, "fork", "li");
    fork.run("git", &["remote", "set-url", "origin", "https://git.test/li/app"]).succeeded();
    let named = "this clone to git.test/li/app. If they are the same repository: --incident INC-";
    let said = bring(&world, &maya, &fork);
    assert!(said.contains(named), "{said}");
    fork.flightdeck(&["status"]).ended_with(2).said(named);
}

#[test]
fn an_incident_is_found_in_a_clone_that_knows_one_of_its_own() {
    let world = World::new();
    let origin = bare(&world);
    let maya = clone_elsewhere(&world, &origin, "maya", "maya");
    let omar = clone_elsewhere(&world, &origin, "omar", "omar");
    declare(&omar, "an older one");
    omar.flightdeck(&["resolve", "--yes"]).succeeded();
    declare(&maya, "checkout fails");
    let said = bring(&world, &maya, &omar);
    // Both journals count from one: the numbers tell themselves apart, and either can be named.
    let imported = incident(&omar);
    assert_eq!(imported["title"], "checkout fails");
    let number = imported["id"].as_str().unwrap();
    assert!(number.starts_with("INC-") && number.matches('-').count() == 3, "{number}");
    assert!(said.contains(number), "{said}");
    let all = omar.json(&["history", "--json"]);
    let ids: Vec<_> = all.as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), 2);
    assert_ne!(ids[0], ids[1]);
    for id in ids {
        let status = omar.json(&["status", "--json", "--incident", id]);
        assert_eq!(status["incident"]["id"], id);
    }
    // The number alone could be either.
    let short = number.rsplit_once('-').unwrap().0;
    let ended = omar.flightdeck(&["status", "--incident", short]).ended_with(2);
    assert!(ended.stderr.contains("an older one") && ended.stderr.contains(number), "{ended:?}");
}

#[test]
fn clones_on_one_machine_share_their_incidents() {
    let world = World::new();
    let origin = bare(&world);
    let here = clone_elsewhere(&world, &origin, "one", "maya");
    let there = clone_elsewhere(&world, &origin, "two", "maya");
    let there = there.with("FLIGHTDECK_STATE_DIR", world.path("state-one"));
    let number = declare(&here, "checkout fails");
    assert_eq!(incident(&there)["id"], number.as_str());
    // One that is declared here is seen there, too, once the first is over.
    there.flightdeck(&["resolve", "--yes"]).succeeded();
    let number = declare(&there, "and again");
    assert_eq!(incident(&here)["id"], number.as_str());
}

#[test]
fn another_repository_finds_nothing_even_at_the_same_path() {
    let world = World::new();
    let origin = bare(&world);
    let maya = clone_elsewhere(&world, &origin, "maya", "maya");
    declare(&maya, "checkout fails");
    // Another history, first without a remote, then with the same.
    let other = world.repository("other");
    let state = world.path("state-maya");
    let other = other.with("FLIGHTDECK_STATE_DIR", state);
    std::fs::remove_dir_all(other.directory.join(".git")).unwrap();
    for arguments in
        [&["init", "--quiet"][..], &["add", "."], &["commit", "--quiet", "-m", "Begin elsewhere"]]
    {
        other.run("git", arguments).succeeded();
    }
    let said = other.flightdeck(&["status"]).ended_with(2).stderr;
    assert!(said.contains("no incident is open"), "{said}");
    other.run("git", &["remote", "add", "origin", &origin.to_string_lossy()]).succeeded();
    other.flightdeck(&["status"]).ended_with(2);
    // What lies at the path of the clone now is another repository.
    std::fs::remove_dir_all(&maya.directory).unwrap();
    let app = world.path("other").to_string_lossy().into_owned();
    let clone = ["clone", "--quiet", &app, &maya.directory.to_string_lossy()];
    world.shell(&world.path("home")).run("git", &clone).succeeded();
    maya.flightdeck(&["status"]).ended_with(2);
    declare(&maya, "something else");
    assert_eq!(incident(&maya)["title"], "something else");
}
