//! What is promised of time: clocks that are set, clocks that are wrong, and dates that cannot be.

use flightdeck::incident::{Author, Draft, Hash, Hlc, IncidentId, NoteKind, Noted, Record, RecordId};
use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, params};
use serde_json::Value;
use uuid::Uuid;

use super::approvals::{CONFIG, Site};
use super::conductor::{UNTIL_GO, Yard};
use super::terminal::Terminal;
use super::wall::Wall;
use super::world::{Shell, World, wait_until};

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;

fn at(value: &Value) -> Timestamp {
    value.as_str().unwrap_or_else(|| panic!("{value} is no time")).parse().unwrap()
}

fn texts(status: &Value) -> Vec<String> {
    let timeline = status["timeline"].as_array().unwrap();
    timeline.iter().map(|entry| entry["text"].as_str().unwrap().to_owned()).collect()
}

fn place(texts: &[String], wanted: &str) -> usize {
    texts.iter().position(|text| text.contains(wanted)).unwrap_or_else(|| panic!("no {wanted} in {texts:?}"))
}

#[test]
fn a_clock_set_back_during_a_deploy_turns_neither_order_nor_length() {
    let mut yard = Yard::deploying(&format!("echo working\n{UNTIL_GO}"));
    let wall = Wall::new(&yard.world, "clock");
    yard.shell = wall.shell(&yard.shell);
    yard.shell.flightdeck(&["note", "before"]).succeeded();
    yard.shell.flightdeck(&["deploy", "staging", "--detach"]).succeeded();
    yard.wait_output("deploy-staging-1.0", "working");
    wall.set(-DAY);
    yard.go();
    let plan = wait_until("the end of the deploy", || {
        let status = yard.shell.json(&["status", "--json"]);
        let plan = status["plans"][0].clone();
        (plan["state"] != "running").then_some(plan)
    });
    assert_eq!(plan["state"], "done", "{plan}");
    yard.shell.flightdeck(&["note", "after"]).succeeded();

    let status = yard.shell.json(&["status", "--json"]);
    let run = &status["runs"][0];
    let took = at(&run["ended_at"]).duration_since(at(&run["started_at"]));
    assert!(!took.is_negative() && took < SignedDuration::from_hours(1), "it took {took}: {run}");
    let texts = texts(&status);
    let places = ["declared", "before", "deployed", "after"].map(|text| place(&texts, text));
    assert!(places.is_sorted(), "{texts:?}");
    let entry = |wanted: &str| &status["timeline"][place(&texts, wanted)];
    assert!(
        at(&entry("deployed")["at"]) >= at(&entry("declared")["at"]),
        "done is not dated before declared"
    );
    assert!(status["incident"]["elapsed_s"].as_i64().unwrap() >= 0);
    let off = &status["clocks_off"][0];
    let by = off["by_s"].as_i64().unwrap();
    assert!((DAY - HOUR..=DAY).contains(&by), "{off}");
    let text = yard.shell.flightdeck(&["status"]).succeeded().stdout;
    assert!(text.contains("Maya's machine was set back by"), "{text}");
    let report = yard.shell.flightdeck(&["report"]).succeeded().stdout;
    assert!(report.contains("was set back by"), "{report}");
    yard.shell.flightdeck(&["verify"]).succeeded();
}

#[test]
fn no_clock_makes_an_approval_young_again() {
    let site = Site::new("P1", CONFIG);
    site.validate();
    let wall = Wall::new(&site.world, "clock");
    let approve = |omar: &Shell| {
        omar.flightdeck(&["approve", "lead"]).succeeded();
        site.person("Li").flightdeck(&["approve", "product-manager"]).succeeded();
    };
    approve(&site.person("Omar"));
    // Five hours later somebody writes, and then the clock is as it was.
    wall.set(5 * HOUR);
    wall.shell(&site.shell).flightdeck(&["note", "later"]).succeeded();
    site.deploy().ended_with(3).said("lead: the approval of Omar is older than 4h");
    // Nor does one count that is dated ahead.
    wall.set(HOUR);
    approve(&wall.shell(&site.person("Omar")));
    let said = site.deploy().ended_with(3).stderr;
    assert!(said.contains("ahead of this machine's clock") && !said.contains("product-manager:"), "{said}");
    approve(&site.person("Omar"));
    site.deploy().succeeded();
}

/// The same incident at another installation, by export and import.
fn taken_over(world: &World, from: &Shell, to: &Shell) {
    let file = world.path("carried.jsonl");
    let file = file.to_str().unwrap();
    let incident = from.json(&["status", "--json"])["incident"]["id"].as_str().unwrap().to_owned();
    let lines = from.flightdeck(&["--incident", &incident, "export"]).succeeded().stdout;
    std::fs::write(file, lines).unwrap();
    to.flightdeck(&["import", file]).succeeded();
}

#[test]
fn one_note_from_a_clock_a_day_ahead_dates_nobody_elses_and_is_named() {
    let world = World::new();
    let maya = world.repository("service");
    maya.flightdeck(&["declare", "Nobody can log in", "--severity", "P0"]).succeeded();
    let wall = Wall::new(&world, "clock");
    std::fs::create_dir(world.path("state-of-omar")).unwrap();
    let omar = maya.clone().with("FLIGHTDECK_STATE_DIR", world.path("state-of-omar"));
    let omar = wall.shell(&omar.with("FLIGHTDECK_USER", "Omar"));
    taken_over(&world, &maya, &omar);
    wall.set(DAY - HOUR);
    omar.flightdeck(&["note", "seen from tomorrow"]).succeeded();
    taken_over(&world, &omar, &maya);

    let text = maya.flightdeck(&["status"]).succeeded().stdout;
    assert!(text.contains("Omar's last record is dated 22h"), "{text}");
    let before = Timestamp::now();
    maya.flightdeck(&["note", "seen from today"]).succeeded();
    maya.flightdeck(&["note", "a while ago", "--at", "-1m"]).succeeded();

    let status = maya.json(&["status", "--json"]);
    assert!(status["incident"]["elapsed_s"].as_i64().unwrap() < HOUR, "{}", status["incident"]);
    let texts = texts(&status);
    let today = &status["timeline"][place(&texts, "from today")];
    for field in ["at", "recorded_at"] {
        let off = at(&today[field]).duration_since(before);
        assert!(off.abs() < SignedDuration::from_hours(1), "{field} of {today}");
    }
    assert!(place(&texts, "from tomorrow") < place(&texts, "from today"), "in the order it was written");
    let off = &status["clocks_off"][0];
    assert_eq!((off["ahead"].as_str(), off["behind"].as_str()), (Some("Omar"), Some("Maya")), "{off}");
    assert!((22 * HOUR..DAY).contains(&off["by_s"].as_i64().unwrap()), "{off}");
    let text = maya.flightdeck(&["status"]).succeeded().stdout;
    assert!(text.contains("Omar's clock is 22h") && text.contains("ahead of Maya's"), "{text}");

    let mut terminal = Terminal::open(&maya, 36, 140, &[]);
    terminal.wait_text("Omar's clock");
    terminal.press("q");
    assert_eq!(terminal.wait_end().code(), Some(0));
    // Another incident of this journal has nothing to do with it.
    maya.flightdeck(&["resolve", "--yes"]).succeeded();
    maya.flightdeck(&["verify"]).succeeded();
}

#[test]
fn a_record_from_far_ahead_is_taken_in_and_drags_nothing_along() {
    let world = World::new();
    let maya = world.repository("service");
    maya.flightdeck(&["declare", "Nobody can log in", "--severity", "P0"]).succeeded();
    let wall = Wall::new(&world, "clock");
    let wrong = wall.shell(&maya);
    wall.set(400 * DAY);
    wrong.flightdeck(&["note", "from next year"]).succeeded();
    wall.set(0);
    // The same journal goes on, and what comes after it still comes after it.
    maya.flightdeck(&["severity", "P1", "--reason", "half of them"]).succeeded();
    let status = maya.json(&["status", "--json"]);
    assert_eq!(status["incident"]["severity"], "P1");
    assert!(status["incident"]["elapsed_s"].as_i64().unwrap() < DAY, "{}", status["incident"]);

    let export = maya.flightdeck(&["export"]).succeeded().stdout;
    let file = world.path("export.jsonl");
    std::fs::write(&file, export).unwrap();
    std::fs::create_dir(world.path("elsewhere")).unwrap();
    let elsewhere = maya.clone().with("FLIGHTDECK_STATE_DIR", world.path("elsewhere"));
    elsewhere.flightdeck(&["import", file.to_str().unwrap()]).succeeded();
    elsewhere.flightdeck(&["verify"]).succeeded();
    let there = elsewhere.json(&["status", "--json"]);
    assert!(there["incident"]["elapsed_s"].as_i64().unwrap() < DAY, "{}", there["incident"]);
    elsewhere.flightdeck(&["note", "written there"]).succeeded();
    let there = elsewhere.json(&["status", "--json"]);
    let note = &there["timeline"][place(&texts(&there), "written there")];
    assert!(at(&note["at"]) < Timestamp::now() + SignedDuration::from_hours(1), "{note}");

    // Another incident in the journal that was dragged along is taken in.
    maya.flightdeck(&["resolve", "--yes"]).succeeded();
    maya.flightdeck(&["declare", "Nobody can pay", "--severity", "P0"]).succeeded();
    taken_over(&world, &maya, &elsewhere);
}

#[test]
fn dates_that_cannot_be_are_refused_where_they_are_typed() {
    let world = World::new();
    let shell = world.repository("service");
    shell.flightdeck(&["declare", "Nobody can log in", "--severity", "P0"]).succeeded();
    let far = [
        "-009999-01-02T00:00:00Z",
        "-000001-01-01T00:00:00Z",
        "0000-01-01T00:00:00Z",
        "1066-10-14T00:00:00Z",
        "1999-12-31T23:59:59Z",
        "9999-12-30T22:00:00Z",
        "+010026-01-01T00:00:00Z",
        "9223372036854775807",
        "-9223372036854775808",
        "-9223372036854775807s",
        "-106751991167300d",
        "-700000d",
        "-3000000d",
        "25:00",
    ];
    for text in far {
        for arguments in [
            &["note", "x", "--at", text][..],
            &["status", "--at", text],
            &["declare", "x", "--severity", "P1", "--started-at", text],
        ] {
            let ended = shell.flightdeck(arguments).ended_with(2);
            assert!(ended.stderr.contains("reading --"), "{arguments:?}: {}", ended.stderr);
        }
    }
    assert_eq!(shell.json(&["status", "--json"])["journal"]["records"], 1, "none of it was saved");
}

#[test]
fn a_clock_that_cannot_be_is_an_error_and_not_a_panic() {
    let world = World::new();
    let right = world.repository("service");
    right.flightdeck(&["declare", "Nobody can log in", "--severity", "P0"]).succeeded();
    let wall = Wall::new(&world, "clock");
    let shell = wall.shell(&right);
    let years = |years: i64| years * 365 * DAY + years / 4 * DAY;
    for (offset, said) in
        [(years(8000), "the clock of this machine"), (years(300), "the clock of this machine says")]
    {
        wall.set(offset);
        for arguments in [&["note", "x"][..], &["declare", "x", "--severity", "P1"], &["tick", "1"]] {
            let ended = shell.flightdeck(arguments).ended_with(1);
            assert!(ended.stderr.contains(said), "{arguments:?} in {offset}: {}", ended.stderr);
        }
    }
    // Back on the ground nothing of it is left.
    assert_eq!(right.json(&["status", "--json"])["journal"]["records"], 1);
    wall.set(-years(56));
    shell.flightdeck(&["note", "a battery is empty"]).succeeded();
    for arguments in [&["status"][..], &["status", "--json"], &["report"], &["history"], &["doctor"]] {
        let ended = shell.flightdeck(arguments);
        assert!(!ended.stderr.contains("panicked"), "{arguments:?}: {}", ended.stderr);
    }
    right.flightdeck(&["verify"]).succeeded();
}

/// Puts a record into the journal as a broken or hostile program would.
fn smuggle(world: &World, incident: &str, number: u128, at: Hlc, occurred: Timestamp) {
    let conn = Connection::open(world.path("state/journal.db")).unwrap();
    let incident = IncidentId(incident.parse().unwrap());
    let author = Author { name: format!("writer {number}"), node: 77 };
    let draft = Draft {
        occurred: Some((occurred, flightdeck::incident::Precision::Exact)),
        ..Draft::now(incident, Noted { kind: NoteKind::Finding, text: format!("smuggled {number}") })
    };
    let (record, bytes) =
        Record::seal(RecordId(Uuid::from_u128(number)), draft, author, at, Hash::default()).unwrap();
    let (id, hash) = (&record.id.0.as_bytes()[..], &record.hash.0[..]);
    conn.execute(
        "INSERT INTO record (place, id, hash, bytes) SELECT max(place) + 1, ?1, ?2, ?3 FROM record",
        params![id, hash, bytes],
    )
    .unwrap();
    conn.execute(
        "INSERT INTO chain (incident, author, node, records, head, head_id, wall_ms, count)
         VALUES (1, ?1, 77, 1, ?2, ?3, ?4, ?5)",
        params![record.author.name, hash, id, at.wall_ms, at.count],
    )
    .unwrap();
}

#[test]
fn extreme_times_in_the_journal_and_in_an_export_end_nothing() {
    let world = World::new();
    let shell = world.repository("service");
    shell.flightdeck(&["declare", "Nobody can log in", "--severity", "P0"]).succeeded();
    let incident = shell.json(&["status", "--json"])["incident"]["uuid"].as_str().unwrap().to_owned();
    let extremes = [
        (i64::MAX, Timestamp::MAX),
        (i64::MIN, Timestamp::MIN),
        (0, Timestamp::MIN),
        (253_402_200_000_000, Timestamp::MIN),
    ];
    let export = shell.flightdeck(&["export"]).succeeded().stdout;
    let other = world.path("elsewhere");
    std::fs::create_dir(&other).unwrap();
    for (number, (wall_ms, occurred)) in extremes.into_iter().enumerate() {
        let at = Hlc { wall_ms, count: u32::MAX };
        smuggle(&world, &incident, number as u128 + 1, at, occurred);
        for arguments in [
            &["status"][..],
            &["status", "--json"],
            &["report"],
            &["export", "--format", "csv"],
            &["history"],
            &["note", "and it goes on"],
            &["tick", "1"],
        ] {
            let ended = shell.flightdeck(arguments).succeeded();
            assert!(!ended.stderr.contains("panicked"), "{arguments:?}: {}", ended.stderr);
        }
        let doctor = shell.flightdeck(&["doctor"]);
        assert!(!doctor.stderr.contains("panicked"), "{}", doctor.stderr);

        let lines = shell.flightdeck(&["export"]).succeeded().stdout;
        let line = lines.lines().find(|line| line.contains(&format!("smuggled {}", number + 1))).unwrap();
        let file = world.path("extreme.jsonl");
        std::fs::write(&file, format!("{export}{line}\n")).unwrap();
        let elsewhere = shell.clone().with("FLIGHTDECK_STATE_DIR", &other);
        let refused = elsewhere.flightdeck(&["import", file.to_str().unwrap()]).ended_with(1);
        refused.said("line 2").said("which cannot be");
    }
    let mut terminal = Terminal::open(&shell, 36, 120, &[]);
    terminal.wait_text("and it goes on");
    terminal.press("q");
    assert_eq!(terminal.wait_end().code(), Some(0));
}
