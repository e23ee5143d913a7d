//! Verbs that cannot do what they are asked to: each says why, and what to do next.

use std::process::Stdio;

use super::world::{PROGRAM, Shell, World};

fn declare(shell: &Shell, title: &str) -> String {
    let declared = shell.flightdeck(&["declare", title, "--severity", "P0"]).succeeded();
    declared.stdout.trim_end().to_owned()
}

#[test]
fn no_repository_and_a_bare_one_are_told_apart() {
    let world = World::new();
    let nowhere = world.shell(&world.path("home"));
    for arguments in [&["status"][..], &["declare", "x", "--severity", "P0"], &["note", "x"], &["history"]] {
        nowhere.flightdeck(arguments).ended_with(2).said("no git repository here or above");
    }
    let bare = world.path("bare.git");
    nowhere.run("git", &["init", "--quiet", "--bare", bare.to_str().unwrap()]).succeeded();
    world.shell(&bare).flightdeck(&["status"]).ended_with(2).said("bare").said("git clone");

    // What is named needs no repository to be found.
    let id = declare(&world.repository("api"), "Down");
    let status = nowhere.json(&["status", "--json", "--incident", &id]);
    assert!(status["hotfix"].is_null());
}

#[test]
fn an_empty_repository_has_a_situation() {
    let world = World::new();
    let root = world.path("empty");
    std::fs::create_dir(&root).unwrap();
    let shell = world.shell(&root);
    shell.run("git", &["init", "--quiet"]).succeeded();
    declare(&shell, "Down");
    let status = shell.json(&["status", "--json"]);
    assert!(status["hotfix"]["head"].is_null());
    shell.flightdeck(&["status"]).succeeded();
}

#[test]
fn with_no_incident_it_says_how_to_declare_one() {
    let world = World::new();
    let shell = world.repository("api");
    for arguments in [&["status"][..], &["note", "x"], &["tick", "1"], &["resolve", "--yes"], &["export"]] {
        let ended =
            shell.flightdeck(arguments).ended_with(2).said("no incident is open").said("flightdeck declare");
        assert_eq!(ended.stdout, "");
    }
}

#[test]
fn with_two_open_it_names_both_and_guesses_neither() {
    let world = World::new();
    let shell = world.repository("api");
    let (first, second) = (declare(&shell, "First"), declare(&shell, "Second"));
    for arguments in [&["status"][..], &["note", "x"], &["resolve", "--yes"]] {
        shell.flightdeck(arguments).ended_with(2).said(&first).said(&second).said("--incident");
    }
    shell.flightdeck(&["note", "x", "--incident", &first]).succeeded();
    assert_eq!(shell.json(&["status", "--json", "--incident", &first])["journal"]["records"], 2);
    assert_eq!(shell.json(&["status", "--json", "--incident", &second])["journal"]["records"], 1);
    shell.flightdeck(&["status", "--incident", "INC-"]).ended_with(2).said(&first).said(&second);
    shell.flightdeck(&["status", "--incident", "INC-1999-0001"]).ended_with(2).said("no such incident");
}

#[test]
fn an_unknown_item_or_role_names_the_nearest() {
    let world = World::new();
    let shell = world.repository("api");
    declare(&shell, "Down");
    let first = shell.json(&["status", "--json"])["checklist"][0]["id"].as_str().unwrap().to_owned();
    let slip = format!("{first}x");
    let ended = shell.flightdeck(&["tick", &slip]).ended_with(2).said(&format!("did you mean {first}?"));
    assert!(ended.stderr.contains(" 8  "), "all items are listed: {}", ended.stderr);
    shell.flightdeck(&["tick", "99"]).ended_with(2).said("unknown item");
    shell.flightdeck(&["role", "comander", "maya"]).ended_with(2).said("did you mean commander?");
    shell.flightdeck(&["amend", "0199", "x"]).ended_with(2).said("no such entry");
    shell.flightdeck(&["amend", "", "x"]).ended_with(2).said("no such entry");
    shell.flightdeck(&["note", "  "]).ended_with(2).said("it is empty");
    assert_eq!(shell.json(&["status", "--json"])["journal"]["records"], 1, "nothing was recorded");
}

#[test]
fn a_time_that_cannot_be_is_refused() {
    let world = World::new();
    let shell = world.repository("api");
    declare(&shell, "Down");
    shell.flightdeck(&["status", "--at", "2150-01-01T00:00:00Z"]).ended_with(2).said("in the future");
    shell.flightdeck(&["note", "x", "--at", "2150-01-01T00:00:00Z"]).ended_with(2).said("in the future");
    shell.flightdeck(&["status", "--at", "-1h"]).ended_with(2).said("nothing is recorded before");
    shell.flightdeck(&["status", "--at", "teatime"]).ended_with(2).said("is not a time").said("14:02");
}

#[test]
fn a_usage_error_is_code_2_and_help_is_code_0() {
    let world = World::new();
    let shell = world.shell(&world.path("home"));
    shell.flightdeck(&["stauts"]).ended_with(2).said("status");
    shell.flightdeck(&["severity", "P1"]).ended_with(2).said("--reason");
    // Which severities there are the repository's policy says.
    let api = world.repository("api");
    api.flightdeck(&["declare", "x", "--severity", "P7"]).ended_with(2).said("P0, P1, P2");
    let help = shell.flightdeck(&["--help"]).succeeded();
    assert!(help.stdout.contains("Exit codes:") && !help.stdout.contains('\u{1b}'), "{}", help.stdout);
    shell.flightdeck(&["tick", "--help"]).succeeded();
    shell.flightdeck(&["--version"]).succeeded();
}

#[test]
fn without_a_terminal_the_cockpit_says_so() {
    let world = World::new();
    for term in ["xterm-256color", "dumb"] {
        let shell = world.repository(term).with("TERM", term);
        let ended = shell.flightdeck(&[]).ended_with(2).said("terminal").said("flightdeck status");
        assert!(!ended.stderr.contains('\u{1b}') && ended.stdout.is_empty(), "{ended:?}");
    }
}

#[test]
fn nobody_acting_is_asked_for_a_name() {
    let world = World::new();
    let shell = world.repository("api").with("HOME", world.path("tmp"));
    let shell = shell.with("GIT_CONFIG_GLOBAL", world.path("tmp/.gitconfig"));
    shell.flightdeck(&["declare", "x", "--severity", "P0"]).ended_with(2).said("FLIGHTDECK_USER");
    let named = shell.with("FLIGHTDECK_USER", "li");
    declare(&named, "Down");
    assert_eq!(named.json(&["status", "--json"])["timeline"][0]["author"], "li");
}

#[test]
fn a_state_directory_that_cannot_be_is_named() {
    let world = World::new();
    std::fs::write(world.path("a-file"), "").unwrap();
    let shell = world.repository("api").with("FLIGHTDECK_STATE_DIR", world.path("a-file/state"));
    for arguments in [&["declare", "x", "--severity", "P0"][..], &["status"], &["verify"]] {
        shell.flightdeck(arguments).ended_with(1).said("a-file/state");
    }
}

#[test]
fn a_foreign_or_newer_journal_is_left_alone() {
    let world = World::new();
    let shell = world.repository("api");
    declare(&shell, "Down");
    let journal = world.path("state/journal.db");
    let database = rusqlite::Connection::open(&journal).unwrap();
    database.pragma_update(None, "user_version", 9999).unwrap();
    drop(database);
    shell.flightdeck(&["note", "x"]).ended_with(1).said("newer");

    for name in ["journal.db-wal", "journal.db-shm"] {
        std::fs::remove_file(world.path("state").join(name)).ok();
    }
    let foreign = b"This is somebody's diary, and no database at all. ".repeat(100);
    std::fs::write(&journal, &foreign).unwrap();
    for arguments in [&["note", "x"][..], &["status"], &["verify"]] {
        shell.flightdeck(arguments).ended_with(1).said("journal.db");
    }
    assert_eq!(std::fs::read(&journal).unwrap(), foreign);
}

#[test]
fn an_import_that_is_not_sound_stores_nothing() {
    let world = World::new();
    let shell = world.repository("api");
    declare(&shell, "Down");
    let exported = shell.flightdeck(&["export"]).succeeded().stdout;
    let file = world.path("forged.jsonl");
    std::fs::write(&file, format!("{exported}{{\"not\": \"a record\"}}\n")).unwrap();
    let elsewhere = shell.clone().with("FLIGHTDECK_STATE_DIR", world.path("elsewhere"));
    elsewhere.flightdeck(&["import", file.to_str().unwrap()]).ended_with(1).said("2");
    assert_eq!(elsewhere.json(&["history", "--json", "--all"]).as_array().unwrap().len(), 0);
    elsewhere.flightdeck(&["import", "/no/such/file"]).ended_with(2).said("/no/such/file");
}

#[test]
fn a_mistake_in_the_configuration_does_not_hide_the_record() {
    let world = World::new();
    let shell = world.repository("api");
    declare(&shell, "Down");
    std::fs::write(shell.directory.join("flightdeck.toml"), "[servcie]\nname = \"x\"\n").unwrap();
    let ended = shell.flightdeck(&["status", "--json"]).succeeded().said("servcie").said("service");
    assert!(ended.stdout.contains("\"title\": \"Down\""), "{}", ended.stdout);
    shell.flightdeck(&["note", "still works"]).succeeded();
    shell.flightdeck(&["declare", "so does this", "--severity", "P2"]).succeeded();
}

#[test]
fn a_reader_that_went_away_is_no_reason_to_panic() {
    let world = World::new();
    let shell = world.repository("api");
    declare(&shell, "Down");
    for arguments in [
        &["status"][..],
        &["status", "--json"],
        &["export"],
        &["history"],
        &["verify"],
        &["completions", "bash"],
        &["man"],
        &["--help"],
        &["note", "saved all the same"],
    ] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut command = shell.command(PROGRAM, arguments);
        let child = command.stdin(Stdio::null()).stdout(writer).stderr(Stdio::piped()).spawn().unwrap();
        let ended = child.wait_with_output().unwrap();
        assert_eq!(ended.status.code(), Some(1), "{arguments:?}");
        assert_eq!(String::from_utf8_lossy(&ended.stderr), "", "{arguments:?}");
    }
    assert_eq!(shell.json(&["status", "--json"])["timeline"][1]["text"], "saved all the same");
}

#[cfg(target_os = "linux")]
#[test]
fn output_that_cannot_be_written_is_a_failure_that_is_told() {
    let world = World::new();
    let shell = world.repository("api");
    declare(&shell, "Down");
    for arguments in [&["status"][..], &["export"], &["man"]] {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let mut command = shell.command(PROGRAM, arguments);
        let child = command.stdin(Stdio::null()).stdout(full).stderr(Stdio::piped()).spawn().unwrap();
        let ended = child.wait_with_output().unwrap();
        assert_eq!(ended.status.code(), Some(1), "{arguments:?}");
        assert!(String::from_utf8_lossy(&ended.stderr).contains("No space left"), "{arguments:?}");
    }
}

#[test]
fn without_a_plan_an_approval_is_written_down_and_meets_no_gate() {
    let world = World::new();
    let shell = world.repository("service");
    shell.flightdeck(&["declare", "Checkout answers 500", "--severity", "P1"]).succeeded();
    let said = shell.clone().with("FLIGHTDECK_USER", "Omar").flightdeck(&["approve", "lead"]).ended_with(3);
    assert!(said.stderr.contains("it counts for none"), "{}", said.stderr);
    let vote = shell.json(&["status", "--json"])["approvals"][0].clone();
    assert_eq!((&vote["valid"], &vote["plan"]), (&serde_json::Value::Bool(false), &serde_json::Value::Null));
}
