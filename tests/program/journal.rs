//! The journal under `kill -9` and with several writers.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::world::{PROGRAM, Running, Shell, World};

/// Entries that the writers of a test make, altogether.
const NOTES: usize = 1_200;

/// How often each text is in the timeline.
fn timeline(shell: &Shell) -> BTreeMap<String, usize> {
    let status = shell.json(&["status", "--json"]);
    let mut texts = BTreeMap::new();
    for entry in status["timeline"].as_array().unwrap() {
        *texts.entry(entry["text"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    texts
}

/// Ids of all records, with how often each is exported.
fn exported(shell: &Shell) -> BTreeMap<String, usize> {
    let lines = shell.flightdeck(&["export"]).succeeded().stdout;
    let mut ids = BTreeMap::new();
    for line in lines.lines() {
        let record: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}"));
        *ids.entry(record["id"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    ids
}

/// Writes a note and kills the writer after a while; returns the id if it was acknowledged.
fn note_and_kill(shell: &Shell, text: &str, after: Duration) -> Option<String> {
    let mut command = shell.command(PROGRAM, &["note", text]);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut writer = Running(command.spawn().unwrap());
    let began = Instant::now();
    // The moment is what the test is about; what has ended already is past all of them. Nothing spins:
    // two that do leave no processor to what is to be killed.
    while let Some(left) = after.checked_sub(began.elapsed())
        && writer.0.try_wait().unwrap().is_none()
    {
        std::thread::sleep(left.min(Duration::from_millis(1)));
    }
    writer.0.kill().ok();
    let mut said = String::new();
    writer.0.stdout.take().unwrap().read_to_string(&mut said).unwrap();
    writer.0.wait().unwrap();
    said.ends_with('\n').then(|| said.trim().to_owned())
}

/// How long a note takes when nobody kills it.
fn usual_time(shell: &Shell) -> Duration {
    let began = Instant::now();
    for index in 0..5 {
        shell.flightdeck(&["note", &format!("to measure {index}")]).succeeded();
    }
    began.elapsed() / 5
}

#[test]
fn what_was_acknowledged_survives_kill_9_once_and_the_chain_verifies() {
    let world = World::new();
    let shell = world.repository("service");
    shell.flightdeck(&["declare", "Nobody can log in", "--severity", "P0"]).succeeded();
    let usual = usual_time(&shell);
    let writers: Vec<_> = (0..2)
        .map(|writer| {
            let shell = shell.clone().with("FLIGHTDECK_USER", format!("writer {writer}"));
            std::thread::spawn(move || {
                // Spread over the whole life of the process and past its end: two at once take longer.
                (0..NOTES / 2)
                    .filter_map(|index| {
                        let after = usual * ((index * 37) % 250) as u32 / 100;
                        note_and_kill(&shell, &format!("{writer}/{index}"), after)
                    })
                    .collect::<Vec<_>>()
            })
        })
        .collect();
    let acknowledged: Vec<String> = writers.into_iter().flat_map(|writer| writer.join().unwrap()).collect();
    assert!(acknowledged.len() > NOTES / 20, "most were killed too early: {}", acknowledged.len());
    assert!(acknowledged.len() < NOTES, "none was killed in time");

    let ids = exported(&shell);
    for id in &acknowledged {
        assert_eq!(ids.get(id), Some(&1), "{id} was acknowledged");
    }
    assert!(timeline(&shell).values().all(|count| *count == 1));
    shell.flightdeck(&["verify"]).succeeded();
}

#[test]
fn fifty_ticks_and_notes_at_once_are_all_there_and_nobody_hears_of_a_lock() {
    let world = World::new();
    let shell = world.repository("service");
    shell.flightdeck(&["declare", "Nobody can log in", "--severity", "P0"]).succeeded();
    let items = shell.json(&["status", "--json"]);
    let items: Vec<String> = items["checklist"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["id"].as_str().unwrap().to_owned())
        .collect();
    let start = std::sync::Barrier::new(50);
    let saved: Vec<String> = std::thread::scope(|scope| {
        let writers: Vec<_> = (0..50)
            .map(|writer| {
                let shell = shell.clone().with("FLIGHTDECK_USER", format!("writer {}", writer % 7));
                let (start, item) = (&start, &items[writer % items.len()]);
                scope.spawn(move || {
                    let text = format!("note {writer}");
                    let arguments = if writer % 2 == 0 { ["tick", item] } else { ["note", &text] };
                    start.wait();
                    let ended = shell.flightdeck(&arguments).succeeded();
                    assert_eq!(ended.stderr, "", "{arguments:?}");
                    ended.stdout.trim().to_owned()
                })
            })
            .collect();
        writers.into_iter().map(|writer| writer.join().unwrap()).collect()
    });
    let ids = exported(&shell);
    for id in &saved {
        assert_eq!(ids.get(id), Some(&1), "{id} was acknowledged");
    }
    assert_eq!(ids.len(), 51, "the declaration and what fifty wrote");
    let texts = timeline(&shell);
    for writer in (1..50).step_by(2) {
        assert_eq!(texts.get(&format!("note {writer}")), Some(&1), "note {writer}");
    }
    let status = shell.json(&["status", "--json"]);
    let ticked = |item: &Value| item["state"] == "passed";
    let passed = status["checklist"].as_array().unwrap().iter().filter(|item| ticked(item)).count();
    let expected: std::collections::BTreeSet<_> = (0..50).step_by(2).map(|n| n % items.len()).collect();
    assert_eq!(passed, expected.len());
    shell.flightdeck(&["verify"]).succeeded();
}

#[test]
fn two_writers_at_once_lose_nothing_and_see_no_lock() {
    let world = World::new();
    let shell = world.repository("service");
    shell.flightdeck(&["declare", "Nobody can log in", "--severity", "P1"]).succeeded();
    let writers: Vec<_> = (0..2)
        .map(|writer| {
            let shell = shell.clone().with("FLIGHTDECK_USER", format!("writer {writer}"));
            std::thread::spawn(move || {
                for index in 0..100 {
                    let note = shell.flightdeck(&["note", &format!("{writer}/{index}")]).succeeded();
                    assert_eq!(note.stderr, "");
                }
            })
        })
        .collect();
    for writer in writers {
        writer.join().unwrap();
    }
    let texts = timeline(&shell);
    for text in (0..2).flat_map(|writer| (0..100).map(move |index| format!("{writer}/{index}"))) {
        assert_eq!(texts.get(&text), Some(&1), "{text}");
    }
    shell.flightdeck(&["verify"]).succeeded();
}
