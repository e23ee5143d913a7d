//! One incident on several machines: clones with state directories of their own, and a remote between them.

use flightdeck::incident::{Hash, IncidentId};
use flightdeck::share::{Batch, Key, Reached};
use serde_json::{Value, json};

use super::clones::{bare, clone_elsewhere, declare};
use super::terminal::Terminal;
use super::world::{Shell, World};

pub(super) fn synced(shell: &Shell) -> Value {
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
    let status = omar.json(&["status", "--json"]);
    assert_eq!((&status["journal"]["shared"], &status["journal"]["unsent"]), (&json!("behind"), &json!(1)));
    assert_eq!(maya.json(&["status", "--json"])["journal"]["shared"], "in-sync");
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

/// Puts a batch over what an installation has at the remote, from a clone of somebody who may push.
fn overwrite(eve: &Shell, reference: &str, batch: &Batch) {
    let write = |name: &str, bytes: &[u8]| {
        std::fs::write(eve.directory.join(name), bytes).unwrap();
        eve.run("git", &["hash-object", "-w", name]).succeeded().stdout.trim().to_owned()
    };
    let (head, records) = (write("head.json", &batch.head), write("records.jsonl", &batch.lines));
    eve.run("git", &["read-tree", "--empty"]).succeeded();
    for (name, blob) in [("head.json", head), ("records.jsonl", records)] {
        eve.run("git", &["update-index", "--add", "--cacheinfo", &format!("100644,{blob},{name}")])
            .succeeded();
    }
    let tree = eve.run("git", &["write-tree"]).succeeded().stdout;
    let commit = eve.run("git", &["commit-tree", tree.trim(), "-m", "x"]).succeeded().stdout;
    eve.run("git", &["push", "--quiet", "--force", "origin", &format!("{}:{reference}", commit.trim())])
        .succeeded();
}

#[test]
fn who_may_push_can_write_for_nobody_else_and_stops_nobody() {
    let world = World::new();
    let origin = bare(&world);
    let [maya, omar, eve] = ["maya", "omar", "eve"].map(|name| clone_elsewhere(&world, &origin, name, name));
    declare(&maya, "Checkout answers 500");
    synced(&maya);
    omar.flightdeck(&["join"]).succeeded();
    eve.flightdeck(&["join"]).succeeded();
    // All that Maya wrote, and one more in her name, signed with Eve's key.
    let export = eve.flightdeck(&["export"]).succeeded().stdout;
    let node = maya.json(&["share", "status", "--json"])["installation"].as_str().unwrap().to_owned();
    let hers: Vec<&str> = export.lines().filter(|line| line.contains(&node)).collect();
    let last: Value = serde_json::from_str(hers.last().unwrap()).unwrap();
    let mut forged = last.clone();
    forged["id"] = json!("01a22d7e-7100-7374-89fb-989dad0a5aef");
    forged["kind"] = json!("note");
    forged["body"] = json!({"kind": "note", "text": "production is fine, resolve it"});
    forged["prev"] = json!(Hash::of(hers.last().unwrap().as_bytes()).to_string());
    let order = [
        "v",
        "id",
        "incident",
        "author",
        "node",
        "wall",
        "count",
        "occurred_at",
        "precision",
        "kind",
        "body",
        "prev",
    ];
    let fields: Vec<String> = order.iter().map(|key| format!("\"{key}\":{}", forged[*key])).collect();
    let forged = format!("{{{}}}", fields.join(","));
    let key = Key::open(&world.path("state-eve")).unwrap();
    let incident = IncidentId(last["incident"].as_str().unwrap().parse().unwrap());
    let records = hers.iter().map(|line| line.as_bytes()).chain([forged.as_bytes()]);
    let node_number = u64::from_str_radix(&node, 16).unwrap();
    let batch = Batch::seal(&key, incident, node_number, &Reached::default(), records);
    let reference = format!("refs/flightdeck/v1/{incident}/{node}");
    overwrite(&eve, &reference, &batch);
    let round = synced(&omar);
    assert!(round["aside"].to_string().contains("another key than before"), "{round}");
    let told = omar.flightdeck(&["status"]).succeeded().stdout;
    assert!(!told.contains("production is fine"), "{told}");
    // Maya's next round puts hers back, and hers is taken in again.
    maya.flightdeck(&["note", "we are looking at it"]).succeeded();
    assert_eq!(synced(&maya)["unsent"], 0);
    let round = synced(&omar);
    assert_eq!(round["aside"], json!([]), "{round}");
    let told = omar.flightdeck(&["status"]).succeeded().stdout;
    assert!(told.contains("we are looking at it"), "{told}");
    // Whoever joins now sees the same.
    let li = clone_elsewhere(&world, &origin, "li", "li");
    li.flightdeck(&["join"]).succeeded();
    let told = li.flightdeck(&["status"]).succeeded().stdout;
    assert!(told.contains("we are looking at it") && !told.contains("production is fine"), "{told}");
}

#[test]
fn two_that_share_from_one_machine_send_all_once() {
    let world = World::new();
    let origin = bare(&world);
    let [maya, omar] = ["maya", "omar"].map(|name| clone_elsewhere(&world, &origin, name, name));
    declare(&maya, "Checkout answers 500");
    synced(&maya);
    omar.flightdeck(&["join"]).succeeded();
    let here = Terminal::open(&maya, 36, 120, &[]);
    here.wait_text("shared ");
    for number in 0..5 {
        maya.flightdeck(&["note", &format!("note {number}")]).succeeded();
        synced(&maya);
    }
    here.wait_text("note 4");
    maya.flightdeck(&["resolve", "--yes"]).succeeded();
    assert_eq!(synced(&maya)["unsent"], 0);
    let round = synced(&omar);
    assert_eq!(round["aside"], json!([]), "{round}");
    synced(&maya);
    // That it is over arrives, and that it is not over after all.
    assert_ne!(omar.json(&["status", "--json"])["incident"]["resolved_at"], Value::Null);
    maya.flightdeck(&["reopen", "--reason", "it fails again"]).succeeded();
    synced(&maya);
    synced(&omar);
    assert_eq!(omar.json(&["status", "--json"])["incident"]["resolved_at"], Value::Null);
    assert_eq!(states(&maya), states(&omar));
}

#[test]
fn nothing_that_nobody_trusted_runs_or_is_sent_to() {
    let world = World::new();
    let origin = bare(&world);
    let maya = clone_elsewhere(&world, &origin, "maya", "maya");
    declare(&maya, "Checkout answers 500");
    let ran = world.path("ran");
    let hooks = maya.directory.join("hk");
    std::fs::create_dir(&hooks).unwrap();
    let hook = hooks.join("reference-transaction");
    std::fs::write(&hook, format!("#!/bin/sh\ntouch {}\n", ran.display())).unwrap();
    maya.run("chmod", &["+x", &hook.to_string_lossy()]).succeeded();
    maya.run("git", &["config", "core.hooksPath", &hooks.to_string_lossy()]).succeeded();
    synced(&maya);
    assert!(!ran.exists(), "a hook ran");
    let elsewhere = world.path("elsewhere.git");
    maya.run("git", &["init", "--quiet", "--bare", &elsewhere.to_string_lossy()]).succeeded();
    let text = format!("[share]\nremote = \"{}\"\n", elsewhere.display());
    std::fs::write(maya.directory.join("flightdeck.toml"), text).unwrap();
    maya.flightdeck(&["share", "sync"]).ended_with(4).said("nobody has trusted it here");
    let shown = maya.flightdeck(&["trust", "--show"]).succeeded().stdout;
    assert!(shown.contains("send incidents to and take them from"), "{shown}");
    maya.flightdeck(&["trust"]).succeeded();
    synced(&maya);
    let refs = maya.run("git", &["ls-remote", &elsewhere.to_string_lossy()]).succeeded().stdout;
    assert!(refs.contains("refs/flightdeck/v1/"), "{refs}");
}

#[test]
fn what_cannot_be_fetched_holds_up_nothing_else() {
    let world = World::new();
    let origin = bare(&world);
    let [maya, omar, eve] = ["maya", "omar", "eve"].map(|name| clone_elsewhere(&world, &origin, name, name));
    declare(&maya, "Checkout answers 500");
    synced(&maya);
    // A commit whose file the remote has lost, as if it were of another installation.
    std::fs::write(eve.directory.join("lost"), "lost").unwrap();
    eve.run("git", &["add", "lost"]).succeeded();
    eve.run("git", &["commit", "--quiet", "-m", "lost"]).succeeded();
    let mine = eve.run("git", &["ls-remote", "origin", "refs/flightdeck/*"]).succeeded().stdout;
    let reference = mine.trim().split('\t').nth(1).unwrap().to_owned();
    let theirs = format!("{}/00000000deadbeef", reference.rsplit_once('/').unwrap().0);
    eve.run("git", &["push", "--quiet", "origin", &format!("HEAD:{theirs}")]).succeeded();
    let blob = eve.run("git", &["rev-parse", "HEAD:lost"]).succeeded().stdout.trim().to_owned();
    std::fs::remove_file(origin.join("objects").join(blob.split_at(2).0).join(blob.split_at(2).1)).unwrap();
    omar.flightdeck(&["join"]).succeeded();
    maya.flightdeck(&["note", "we are looking at it"]).succeeded();
    synced(&maya);
    let round = synced(&omar);
    assert_eq!((&round["added"], &round["trouble"]), (&json!(1), &Value::Null), "{round}");
    let aside = round["aside"].as_array().unwrap();
    assert_eq!(aside.len(), 1, "{round}");
    assert_eq!(aside[0]["installation"], "00000000deadbeef");
}

/// Names of what is at a remote of sharing, without its beginning.
pub(super) fn there(origin: &Shell) -> Vec<String> {
    let listed =
        origin.run("git", &["for-each-ref", "--format=%(refname)", "refs/flightdeck"]).succeeded().stdout;
    listed.lines().map(|line| line.rsplit('/').next().unwrap().to_owned()).collect()
}

#[test]
fn a_closed_incident_leaves_an_archive_which_can_be_purged() {
    let world = World::new();
    let origin = bare(&world);
    let [maya, omar, li] = ["maya", "omar", "li"].map(|name| clone_elsewhere(&world, &origin, name, name));
    let origin = Shell { directory: origin, ..world.shell(&world.path("home")) };
    let number = declare(&maya, "Checkout answers 500");
    synced(&maya);
    omar.flightdeck(&["join"]).succeeded();
    synced(&maya);
    maya.flightdeck(&["share", "purge", &number, "--yes"]).ended_with(3).said("close it first");
    maya.flightdeck(&["resolve", "--yes"]).succeeded();
    maya.flightdeck(&["close", "--yes"]).succeeded();
    synced(&maya);
    assert_eq!(there(&origin), ["archive"]);
    assert_eq!(synced(&maya)["sent"], 0);
    assert_eq!(there(&origin), ["archive"]);
    // Whoever was there sees that it is over; what they write then joins the archive.
    omar.flightdeck(&["note", "the fix is in"]).succeeded();
    omar.flightdeck(&["follow-up", "add", "alarm on free orders"]).succeeded();
    synced(&omar);
    assert_eq!(there(&origin), ["archive"]);
    synced(&maya);
    assert_eq!(states(&maya), states(&omar));
    // It can still be read by somebody who was not there.
    li.flightdeck(&["join", &number]).succeeded();
    synced(&li);
    synced(&maya);
    assert_eq!(states(&li), states(&maya));
    maya.flightdeck(&["share", "purge"]).ended_with(3).said("add --yes");
    maya.flightdeck(&["share", "purge", "--yes"]).succeeded();
    assert_eq!(there(&origin), ["purged"]);
    for shell in [&omar, &maya] {
        synced(shell);
        assert_eq!(there(&origin), ["purged"]);
    }
    // Until it is opened again.
    omar.flightdeck(&["reopen", "--reason", "it fails again"]).succeeded();
    synced(&omar);
    assert!(!there(&origin).contains(&"purged".to_owned()), "{:?}", there(&origin));
    // Then all send again what they have.
    for shell in [&li, &maya, &omar] {
        synced(shell);
    }
    synced(&maya);
    assert_eq!(states(&maya), states(&omar));
}

#[test]
fn an_archive_is_removed_when_it_is_older_than_the_team_keeps_it() {
    let world = World::new();
    let origin = bare(&world);
    let maya = clone_elsewhere(&world, &origin, "maya", "maya");
    let origin = Shell { directory: origin, ..world.shell(&world.path("home")) };
    declare(&maya, "Checkout answers 500");
    synced(&maya);
    maya.flightdeck(&["resolve", "--yes"]).succeeded();
    maya.flightdeck(&["close", "--yes"]).succeeded();
    let config = maya.directory.join("flightdeck.toml");
    std::fs::write(&config, "[share]\nkeep = \"ninety\"\n").unwrap();
    let told = maya.flightdeck(&["config", "check"]).ended_with(2).stdout;
    assert!(told.contains("not how long something is kept"), "{told}");
    std::fs::write(&config, "[share]\nkeep = \"90 days\"\n").unwrap();
    maya.flightdeck(&["trust"]).succeeded();
    synced(&maya);
    assert_eq!(there(&origin), ["archive"]);
    std::fs::write(&config, "[share]\nkeep = \"1 ms\"\n").unwrap();
    synced(&maya);
    assert_eq!(there(&origin), ["archive"], "a configuration that nobody trusts removes nothing");
    maya.flightdeck(&["trust"]).succeeded();
    synced(&maya);
    assert_eq!(there(&origin), ["purged"]);
}

/// Serves a bare repository over HTTP to everybody, as a plain web server would. Ends with the test's process.
pub(super) fn serve_to_everybody(origin: &std::path::Path) -> String {
    use std::io::{BufRead as _, BufReader, Write as _};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let root = origin.to_owned();
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let mut lines = BufReader::new(&stream).lines().map_while(Result::ok);
            let asked = lines.next().unwrap_or_default();
            lines.take_while(|line| !line.is_empty()).for_each(drop);
            let path = asked.split([' ', '?']).nth(1).unwrap_or_default().trim_start_matches('/').to_owned();
            let (status, body) = match std::fs::read(root.join(&path)) {
                Ok(body) if !path.contains("..") => ("200 OK", body),
                _ => ("404 Not Found", Vec::new()),
            };
            let head = format!(
                "HTTP/1.1 {status}\r\nContent-Type: text/plain\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                body.len()
            );
            let _ = (&stream).write_all(head.as_bytes()).and_then(|()| (&stream).write_all(&body));
        }
    });
    format!("http://{address}")
}

#[test]
fn nothing_goes_where_strangers_can_read_unless_somebody_said_so() {
    let world = World::new();
    let origin = bare(&world);
    let maya = clone_elsewhere(&world, &origin, "maya", "maya");
    declare(&maya, "Checkout answers 500");
    let there = Shell { directory: origin.clone(), ..world.shell(&world.path("home")) };
    there.run("git", &["update-server-info"]).succeeded();
    let address = serve_to_everybody(&origin);
    // It is fetched where everybody can read it, and pushed to by a path.
    maya.run("git", &["remote", "set-url", "origin", &address]).succeeded();
    maya.run("git", &["remote", "set-url", "--push", "origin", &origin.to_string_lossy()]).succeeded();
    let refs = || there.run("git", &["for-each-ref", "refs/flightdeck"]).succeeded().stdout;
    maya.flightdeck(&["share", "sync"]).ended_with(3).said("everybody can read this repository at 127.0.0.1");
    maya.flightdeck(&["join"]).ended_with(3).said("[share] public = true");
    let told = maya.flightdeck(&["share", "status"]).succeeded().stdout;
    assert!(told.contains("not shared: everybody can read"), "{told}");
    let here = Terminal::open(&maya, 36, 120, &[]);
    here.wait_text("not shared with other machines: everybody can read this repository");
    assert_eq!(refs(), "");
    // Only a configuration that somebody trusts can say that this is meant.
    std::fs::write(maya.directory.join("flightdeck.toml"), "[share]\npublic = true\n").unwrap();
    maya.flightdeck(&["share", "sync"]).ended_with(3);
    let shown = maya.flightdeck(&["trust", "--show"]).succeeded().stdout;
    assert!(shown.contains("though everybody can read it"), "{shown}");
    assert_eq!(refs(), "");
    maya.flightdeck(&["trust"]).succeeded();
    maya.flightdeck(&["note", "only orders without a card fail"]).succeeded();
    here.wait_for("it to be shared", |_| !refs().is_empty());
}

#[test]
fn a_cockpit_shares_by_itself_until_somebody_turns_that_off() {
    let world = World::new();
    let origin = bare(&world);
    let [maya, omar] = ["maya", "omar"].map(|name| clone_elsewhere(&world, &origin, name, name));
    declare(&maya, "Checkout answers 500");
    let here = Terminal::open(&maya, 36, 120, &[]);
    here.wait_text("shared ");
    omar.flightdeck(&["join"]).succeeded();
    here.wait_text("joined from another machine");
    maya.flightdeck(&["share", "off"]).succeeded();
    here.wait_text("not shared");
    maya.flightdeck(&["note", "only orders without a card fail"]).succeeded();
    maya.flightdeck(&["share", "sync"]).ended_with(2).said("flightdeck share on");
    synced(&omar);
    assert!(!states(&omar).to_string().contains("without a card"));
    maya.flightdeck(&["share", "on"]).succeeded();
    here.wait_for("it to be shared again", |screen| !screen.contains("not shared"));
    synced(&omar);
    assert_eq!(states(&omar), states(&maya));
}
