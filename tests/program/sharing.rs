//! One incident on several machines: clones with state directories of their own, and a remote between them.

use serde_json::{Value, json};

use super::clones::{bare, clone_elsewhere, declare};
use super::terminal::Terminal;
use super::world::{Shell, World};

fn synced(shell: &Shell) -> Value {
    shell.json(&["share", "sync", "--json"])
}

fn states(shell: &Shell) -> Value {
    let status = shell.json(&["status", "--json"]);
    let incident = &status["incident"];
    let told = ["title", "severity", "started_at", "mitigated_at"].map(|key| &incident[key]);
    json!([told, status["roles"], status["checklist"], status["timeline"]])
}

#[test]
fn an_incident_is_joined_from_another_clone_and_all_see_the_same() {
    let world = World::new();
    let origin = bare(&world);
    let [maya, omar, li] = ["maya", "omar", "li"].map(|name| clone_elsewhere(&world, &origin, name, name));
    omar.flightdeck(&["join"]).ended_with(2).said("origin has no open incident");
    let number = declare(&maya, "Checkout answers 500");
    assert_eq!(synced(&maya)["unsent"], 0);
    let joined = omar.flightdeck(&["join"]).succeeded();
    assert!(joined.stdout.contains("Checkout answers 500"), "{}", joined.stdout);
    omar.flightdeck(&["tick", "payment"]).succeeded();
    let standing = omar.flightdeck(&["share", "status"]).succeeded().stdout;
    assert_eq!(standing, "1 record not at origin yet\n");
    omar.flightdeck(&["note", "only orders without a card fail"]).succeeded();
    assert_eq!(synced(&omar)["sent"], 2);
    assert_eq!(synced(&omar)["sent"], 0);
    li.flightdeck(&["join", &number]).succeeded();
    li.flightdeck(&["role", "commander", "li"]).succeeded();
    synced(&li);
    // Omar's tick and note, and that he and Li joined; and what Li did.
    assert_eq!(synced(&maya)["added"], 5);
    synced(&omar);
    let seen = states(&maya);
    assert_eq!(seen[1]["commander"], "li");
    assert_eq!((&states(&omar), &states(&li)), (&seen, &seen));
    let shown = maya.flightdeck(&["status"]).succeeded().stdout;
    assert!(shown.contains("joined from another machine"), "{shown}");
    for shell in [&maya, &omar, &li] {
        shell.flightdeck(&["verify"]).succeeded();
    }
    // Nothing of it is in anybody's own repository.
    let refs = maya.run("git", &["for-each-ref", "--format=%(refname)"]).succeeded().stdout;
    assert!(!refs.contains("flightdeck"), "{refs}");
}

#[test]
fn what_a_remote_lost_or_put_back_is_sent_again() {
    let world = World::new();
    let origin = bare(&world);
    let [maya, omar] = ["maya", "omar"].map(|name| clone_elsewhere(&world, &origin, name, name));
    declare(&maya, "Checkout answers 500");
    synced(&maya);
    omar.flightdeck(&["join"]).succeeded();
    let origin = Shell { directory: origin, ..world.shell(&world.path("home")) };
    let list =
        || origin.run("git", &["for-each-ref", "--format=%(refname)", "refs/flightdeck"]).succeeded().stdout;
    let before = list();
    assert_eq!(before.lines().count(), 2, "{before}");
    // Its store is gone.
    for name in before.lines() {
        origin.run("git", &["update-ref", "-d", name]).succeeded();
    }
    maya.flightdeck(&["note", "the remote was restored from a backup"]).succeeded();
    synced(&maya);
    synced(&omar);
    assert_eq!(list(), before);
    // It is as it was before the note.
    let mine = before.lines().find(|name| {
        let log = origin.run("git", &["log", "--oneline", name]).succeeded().stdout;
        log.lines().count() > 1
    });
    let mine = mine.unwrap();
    origin.run("git", &["update-ref", mine, &format!("{mine}~1")]).succeeded();
    synced(&omar);
    assert_eq!(synced(&maya)["unsent"], 0);
    synced(&omar);
    assert_eq!(states(&maya), states(&omar));
}

#[test]
fn a_remote_that_is_gone_or_refuses_is_told_and_nothing_is_lost() {
    let world = World::new();
    let origin = bare(&world);
    let [maya, omar] = ["maya", "omar"].map(|name| clone_elsewhere(&world, &origin, name, name));
    declare(&maya, "Checkout answers 500");
    let aside = world.path("aside.git");
    std::fs::rename(&origin, &aside).unwrap();
    maya.flightdeck(&["share", "sync"]).ended_with(1).said("nothing is lost");
    omar.flightdeck(&["join"]).ended_with(1).said("asking origin for open incidents");
    std::fs::rename(&aside, &origin).unwrap();
    // A host that takes no such references.
    let hook = origin.join("hooks/pre-receive");
    std::fs::create_dir_all(hook.parent().unwrap()).unwrap();
    std::fs::write(&hook, "#!/bin/sh\necho 'only branches are taken here' >&2\nexit 1\n").unwrap();
    maya.run("chmod", &["+x", &hook.to_string_lossy()]).succeeded();
    maya.flightdeck(&["share", "sync"]).ended_with(1).said("nothing is lost");
    std::fs::remove_file(&hook).unwrap();
    synced(&maya);
    omar.flightdeck(&["join"]).succeeded();
    synced(&maya);
    assert_eq!(states(&maya), states(&omar));
    // What is kept beside the journal is made anew.
    std::fs::remove_dir_all(world.path("state-omar/share")).unwrap();
    omar.flightdeck(&["note", "still looking"]).succeeded();
    assert_eq!(synced(&omar)["sent"], 1);
    synced(&maya);
    assert_eq!(states(&maya), states(&omar));
}

#[test]
fn garbage_and_forgeries_are_put_aside_and_other_chains_go_on() {
    let world = World::new();
    let origin = bare(&world);
    let [maya, omar, eve] = ["maya", "omar", "eve"].map(|name| clone_elsewhere(&world, &origin, name, name));
    declare(&maya, "Checkout answers 500");
    synced(&maya);
    omar.flightdeck(&["join"]).succeeded();
    eve.flightdeck(&["join"]).succeeded();
    let refs = eve.run("git", &["ls-remote", "origin", "refs/flightdeck/*"]).succeeded().stdout;
    let incident = refs.split('/').nth(3).unwrap().to_owned();
    let named = |node: &str| format!("HEAD:refs/flightdeck/v1/{incident}/{node}");
    // A commit that is no batch, a name that is none of an installation, and another incident.
    eve.run("git", &["push", "--quiet", "origin", &named("00000000deadbeef")]).succeeded();
    eve.run("git", &["push", "--quiet", "origin", &named("not-a-node")]).succeeded();
    eve.run("git", &["push", "--quiet", "origin", "HEAD:refs/flightdeck/v1/nothing/00000000deadbeef"])
        .succeeded();
    // What Maya wrote, as if it were of another installation.
    let maya_ref = {
        let hers = maya.json(&["share", "status", "--json"])["installation"].as_str().unwrap().to_owned();
        format!("refs/flightdeck/v1/{incident}/{hers}")
    };
    eve.run("git", &["fetch", "--quiet", "origin", &maya_ref]).succeeded();
    let forged = named("00000000cafecafe").replace("HEAD", "FETCH_HEAD");
    eve.run("git", &["push", "--quiet", "origin", &forged]).succeeded();
    maya.flightdeck(&["note", "we are looking at it"]).succeeded();
    synced(&maya);
    let round = synced(&omar);
    assert_eq!(round["added"], 2, "{round}");
    let aside = round["aside"].as_array().unwrap();
    assert_eq!(aside.len(), 2, "{round}");
    let status = omar.json(&["status", "--json"]);
    let texts = status["timeline"].to_string();
    assert!(texts.contains("we are looking at it"), "{texts}");
    omar.flightdeck(&["verify"]).succeeded();
    // Somebody who may push rewrites what Maya sent.
    eve.run("git", &["push", "--quiet", "--force", "origin", &maya_ref.replacen("refs", "HEAD:refs", 1)])
        .succeeded();
    let round = synced(&omar);
    assert_eq!(round["added"], 0, "{round}");
    let why = round["aside"].to_string();
    assert!(why.contains("it has no head.json"), "{round}");
}

#[test]
fn a_cockpit_joins_what_is_open_at_the_remote_and_goes_on_sharing_it() {
    let world = World::new();
    let origin = bare(&world);
    let [maya, omar] = ["maya", "omar"].map(|name| clone_elsewhere(&world, &origin, name, name));
    declare(&maya, "Checkout answers 500");
    maya.flightdeck(&["role", "commander", "maya"]).succeeded();
    synced(&maya);
    let there = Terminal::open(&omar, 36, 120, &[]);
    there.wait_text("Open at origin");
    there.wait_text("led by maya");
    there.press("<down>");
    there.press("<enter>");
    there.wait_text("joined from another machine");
    there.wait_text("shared ");
    // What is written at either place is seen at the other, without anybody asking for it.
    let here = Terminal::open(&maya, 36, 120, &[]);
    here.wait_text("joined from another machine");
    omar.flightdeck(&["note", "only orders without a card fail"]).succeeded();
    here.wait_text("only orders without a card fail");
    maya.flightdeck(&["tick", "payment"]).succeeded();
    there.wait_text("passed: payment");
    // The remote is away for a while.
    let aside = world.path("aside.git");
    std::fs::rename(&origin, &aside).unwrap();
    omar.flightdeck(&["note", "written while it was away"]).succeeded();
    there.wait_text("1 unsent");
    there.wait_text("not shared since");
    std::fs::rename(&aside, &origin).unwrap();
    here.wait_text("written while it was away");
    there.wait_for("it to be shared again", |screen| !screen.contains("not shared"));
}
