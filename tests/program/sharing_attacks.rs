//! What somebody who may push, or whoever set up a remote, cannot do to those who share an incident.

use serde_json::Value;

use super::clones::{bare, clone_elsewhere, declare};
use super::sharing::{serve_to_everybody, synced, there};
use super::terminal::Terminal;
use super::world::{Shell, World};

#[test]
fn no_address_that_is_pushed_to_may_be_public() {
    let world = World::new();
    let origin = bare(&world);
    let maya = clone_elsewhere(&world, &origin, "maya", "maya");
    let here = Shell { directory: origin.clone(), ..world.shell(&world.path("home")) };
    here.run("git", &["update-server-info"]).succeeded();
    let public = serve_to_everybody(&origin);
    declare(&maya, "Checkout answers 500");
    let config = |arguments: &[&str]| {
        maya.run("git", &[&["config"], arguments].concat()).succeeded();
    };
    let refused = |what: &str| {
        let ended = maya.flightdeck(&["share", "sync"]).ended_with(3);
        assert!(ended.stderr.contains("everybody can read this repository"), "{what}: {}", ended.stderr);
        assert!(there(&here).is_empty(), "{what}");
    };
    config(&["remote.origin.pushurl", &public]);
    refused("a pushurl");
    config(&["--unset", "remote.origin.pushurl"]);
    config(&["--add", "remote.origin.url", &public]);
    refused("a second url");
    config(&["--unset-all", "remote.origin.url"]);
    config(&["remote.origin.url", &origin.to_string_lossy()]);
    config(&["--global", &format!("url.{public}.pushInsteadOf"), &origin.to_string_lossy()]);
    refused("pushInsteadOf");
    let address = origin.to_string_lossy().into_owned();
    std::fs::write(maya.directory.join("flightdeck.toml"), format!("[share]\nremote = \"{address}\"\n"))
        .unwrap();
    maya.flightdeck(&["trust"]).succeeded();
    refused("pushInsteadOf of an address");
    config(&["--global", "--unset", &format!("url.{public}.pushInsteadOf")]);
    synced(&maya);
    assert!(!there(&here).is_empty());
}

#[test]
fn the_start_screen_sends_nothing_to_a_remote_that_became_public() {
    let world = World::new();
    let origin = bare(&world);
    let maya = clone_elsewhere(&world, &origin, "maya", "maya");
    let here = Shell { directory: origin.clone(), ..world.shell(&world.path("home")) };
    declare(&maya, "Checkout answers 500");
    synced(&maya);
    maya.flightdeck(&["resolve", "--yes"]).succeeded();
    // The same repository elsewhere, where everybody can read it, and where nothing of the incident is.
    let elsewhere = world.path("public.git");
    here.run("git", &["clone", "--quiet", "--bare", ".", &elsewhere.to_string_lossy()]).succeeded();
    let public = Shell { directory: elsewhere.clone(), ..here.clone() };
    public.run("git", &["update-server-info"]).succeeded();
    let address = serve_to_everybody(&elsewhere);
    maya.run("git", &["remote", "set-url", "origin", &address]).succeeded();
    maya.run("git", &["remote", "set-url", "--push", "origin", &elsewhere.to_string_lossy()]).succeeded();
    let terminal = Terminal::open(&maya, 36, 120, &[]);
    terminal.wait_text("resolved");
    maya.flightdeck(&["share", "sync"]).ended_with(3);
    terminal.press("q");
    assert!(there(&public).is_empty(), "{:?}", there(&public));
}

#[test]
fn a_batch_put_back_under_another_commit_stops_nobody() {
    let world = World::new();
    let origin = bare(&world);
    let [maya, eve] = ["maya", "eve"].map(|name| clone_elsewhere(&world, &origin, name, name));
    declare(&maya, "Checkout answers 500");
    synced(&maya);
    let listed = eve.run("git", &["ls-remote", "origin", "refs/flightdeck/*"]).succeeded().stdout;
    let reference = listed.trim().split('\t').nth(1).unwrap().to_owned();
    eve.run("git", &["fetch", "--quiet", "origin", &reference]).succeeded();
    let again = eve.run("git", &["commit-tree", "FETCH_HEAD^{tree}", "-m", "again"]).succeeded().stdout;
    let spec = format!("+{}:{reference}", again.trim());
    eve.run("git", &["push", "--quiet", "origin", &spec]).succeeded();
    maya.flightdeck(&["note", "only orders without a card fail"]).succeeded();
    let round = synced(&maya);
    assert_eq!((&round["unsent"], &round["trouble"]), (&Value::from(0), &Value::Null), "{round}");
    let omar = clone_elsewhere(&world, &origin, "omar", "omar");
    omar.flightdeck(&["join"]).succeeded();
    let told = omar.json(&["status", "--json"])["timeline"].to_string();
    assert!(told.contains("only orders without a card fail"), "{told}");
}

#[test]
fn a_mark_of_a_purge_that_nobody_signed_keeps_nothing_back() {
    let world = World::new();
    let origin = bare(&world);
    let [maya, eve] = ["maya", "eve"].map(|name| clone_elsewhere(&world, &origin, name, name));
    declare(&maya, "Checkout answers 500");
    synced(&maya);
    maya.flightdeck(&["resolve", "--yes"]).succeeded();
    maya.flightdeck(&["close", "--yes"]).succeeded();
    let listed = eve.run("git", &["ls-remote", "origin", "refs/flightdeck/*"]).succeeded().stdout;
    let reference = listed.trim().split('\t').nth(1).unwrap().to_owned();
    let mark = format!("HEAD:{}/purged", reference.rsplit_once('/').unwrap().0);
    eve.run("git", &["push", "--quiet", "origin", &mark]).succeeded();
    synced(&maya);
    let omar = clone_elsewhere(&world, &origin, "omar", "omar");
    let number =
        maya.json(&["status", "--json"])["incident"]["number"].as_str().unwrap_or("INC-2026-0001").to_owned();
    omar.flightdeck(&["join", &number]).succeeded();
    assert!(omar.json(&["history", "--json"]).to_string().contains("closed"));
}

#[test]
fn a_name_that_lies_in_the_way_keeps_nobody_from_sharing() {
    let world = World::new();
    let origin = bare(&world);
    let [maya, eve] = ["maya", "eve"].map(|name| clone_elsewhere(&world, &origin, name, name));
    declare(&maya, "Checkout answers 500");
    synced(&maya);
    let here = Shell { directory: origin, ..world.shell(&world.path("home")) };
    let all =
        || here.run("git", &["for-each-ref", "--format=%(refname)", "refs/flightdeck"]).succeeded().stdout;
    let ours = all().trim().to_owned();
    let above = ours.rsplit_once('/').unwrap().0.to_owned();
    for way in [format!("{ours}/x"), above] {
        let specs = [format!(":{ours}"), format!("HEAD:{way}")];
        for spec in &specs {
            eve.run("git", &["push", "--quiet", "origin", spec]).succeeded();
        }
        maya.flightdeck(&["note", "the pool is exhausted"]).succeeded();
        synced(&maya);
        assert!(all().lines().any(|name| name == ours), "{}", all());
        let told = maya.json(&["status", "--json"])["timeline"].to_string();
        assert!(told.contains(&format!("removed {way} from origin")), "{told}");
    }
}
