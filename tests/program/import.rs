//! Timelines that were written down elsewhere: tables, lines of JSON, channels of Slack.

use std::fs;

use super::world::{Shell, World};

fn incident(world: &World) -> Shell {
    let shell = world.repository("app");
    let began = ["--started-at", "2026-03-01T13:55:00Z"];
    shell.flightdeck(&[&["declare", "checkout fails", "--severity", "P1"], &began[..]].concat()).succeeded();
    shell
}

fn texts(shell: &Shell) -> Vec<(String, String, String)> {
    let status = shell.json(&["status", "--json"]);
    let word = |entry: &serde_json::Value, name: &str| entry[name].as_str().unwrap().to_owned();
    let entries = status["timeline"].as_array().unwrap().iter();
    entries.map(|entry| (word(entry, "at"), word(entry, "author"), word(entry, "text"))).collect()
}

#[test]
fn a_table_is_imported_once_with_its_times_and_authors() {
    let world = World::new();
    let shell = incident(&world);
    let file = world.path("timeline.csv");
    let name = file.to_str().unwrap();
    fs::write(
        &file,
        "When;What;Who;Shard\n2026-03-01 15:02;the pool is full;omar;7\n15:04;workers restarted;li;\n",
    )
    .unwrap();
    let done = shell.flightdeck(&["import", name, "--zone", "Europe/Berlin"]).succeeded();
    assert!(done.stdout.contains("2 events added to INC-2026-0001, 0 known already"), "{}", done.stdout);
    assert!(done.stderr.contains("times without a zone were read in Europe/Berlin"), "{}", done.stderr);
    let entry = |at: &str, by: &str, text: &str| (at.to_owned(), by.to_owned(), text.to_owned());
    let known = texts(&shell);
    assert!(
        known.contains(&entry("2026-03-01T14:02:00Z", "omar (timeline.csv)", "the pool is full")),
        "{known:?}"
    );
    assert!(
        known.contains(&entry("2026-03-01T14:04:00Z", "li (timeline.csv)", "workers restarted")),
        "{known:?}"
    );
    let again = shell.json(&["import", name, "--zone", "Europe/Berlin", "--json"]);
    assert_eq!((&again["added"], &again["known"]), (&0.into(), &2.into()));
    assert_eq!(texts(&shell), known);
    shell.flightdeck(&["verify"]).succeeded();
}

#[test]
fn broken_rows_are_named_and_keep_the_rest_out_unless_they_are_skipped() {
    let world = World::new();
    let shell = incident(&world);
    let before = texts(&shell);
    let input =
        "{\"time\":\"2026-03-01T14:02:00Z\",\"event\":\"one\"}\n{\"time\":\"soon\",\"event\":\"two\"}\n";
    let refused = shell.flightdeck_with(&["import", "-"], input).ended_with(2);
    assert!(refused.stderr.contains("line 2: “soon” is no time"), "{}", refused.stderr);
    assert!(refused.stderr.contains("nothing was imported"), "{}", refused.stderr);
    assert_eq!(texts(&shell), before);
    shell.flightdeck_with(&["import", "-", "--skip-broken"], input).succeeded();
    assert_eq!(texts(&shell).len(), before.len() + 1);
    shell
        .flightdeck_with(&["import", "-", "--zone", "Middle/Earth"], input)
        .ended_with(2)
        .said("Middle/Earth");
    shell
        .flightdeck_with(&["import", "-"], "weather,colour\n1,red\n")
        .ended_with(2)
        .said("no column is called “time”");
}

#[test]
fn a_channel_of_slack_is_a_folder_with_a_file_a_day() {
    let world = World::new();
    let shell = incident(&world);
    let channel = world.path("slack/incident-7");
    fs::create_dir_all(&channel).unwrap();
    fs::write(world.path("slack/users.json"), r#"[{"id":"U1","name":"li"}]"#).unwrap();
    let day =
        r#"[{"type":"message","user":"U1","ts":"1772373720.000100","text":"<!here> the pool is full"}]"#;
    fs::write(channel.join("2026-03-01.json"), day).unwrap();
    let folder = channel.to_str().unwrap();
    shell.flightdeck(&["import", folder]).succeeded();
    let entry = (
        "2026-03-01T14:02:00.0001Z".to_owned(),
        "li (slack:incident-7)".to_owned(),
        "@here the pool is full".to_owned(),
    );
    assert!(texts(&shell).contains(&entry), "{:?}", texts(&shell));
    let one_day = channel.join("2026-03-01.json");
    let again = shell.json(&["import", one_day.to_str().unwrap(), "--json"]);
    assert_eq!((&again["added"], &again["known"]), (&0.into(), &1.into()));
}
