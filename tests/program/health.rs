//! `flightdeck health`: series judged before and after, and samples replayed through an alarm.

use flightdeck::health::series::Verdict;
use flightdeck::hotfix::git::Reader;
use flightdeck::journal::{Journal, Sample};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::world::{Ended, Shell, World};

const CONFIG: &str = r#"
[[environments]]
name = "production"
deploy = ["true"]

[[probes]]
name = "error rate"
command = ["./touch-if-run.sh"]
value = "body.rate"
unit = "%"
warn = "> 1"
fail = "> 5"
confirm = 2
"#;

fn place(world: &World) -> Shell {
    let shell = world.repository("service");
    std::fs::write(shell.directory.join("flightdeck.toml"), CONFIG).unwrap();
    shell
}

fn judged(shell: &Shell, arguments: &[&str], cases: &[Value]) -> Vec<Value> {
    let input = cases.iter().map(Value::to_string).collect::<Vec<_>>().join("\n");
    let ended = shell.flightdeck_with(&[&["health", "judge"], arguments].concat(), &input).succeeded();
    ended.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn replayed(shell: &Shell, csv: &str) -> Ended {
    shell.flightdeck_with(&["health", "replay", "-", "--probe", "error rate"], csv)
}

#[test]
fn each_line_is_judged_and_answered_by_a_line() {
    let world = World::new();
    // It needs no repository and no configuration.
    let shell = world.shell(&world.path("home"));
    let before: Vec<f64> = (0..60).map(|n| 100.0 + f64::from(n * 7 % 11)).collect();
    let after: Vec<f64> = before.iter().take(30).map(|value| value * 2.0).collect();
    let case = |before: Value, after: Value, direction: &str| json!({ "before": before, "after": after, "direction": direction });
    let cases = [
        case(json!(before), json!(after), "up-is-bad"),
        case(json!(before), json!(after), "down-is-bad"),
        case(json!(before), json!(before), "both"),
        case(json!(before), json!([null, null, null]), "up-is-bad"),
    ];
    for arguments in [&[][..], &["--family"]] {
        let judged = judged(&shell, arguments, &cases);
        let verdicts: Vec<&str> = judged.iter().map(|one| one["verdict"].as_str().unwrap()).collect();
        assert_eq!(verdicts, ["worse", "better", "no-evidence", "cannot-tell"], "{judged:?}");
        assert!(judged.iter().all(|one| !one["why"].as_str().unwrap().is_empty()));
        assert_eq!(judged[3]["why"], "no data after");
    }
}

#[test]
fn a_line_that_is_no_series_is_named_and_loses_nothing_before_it() {
    let world = World::new();
    let shell = world.shell(&world.path("home"));
    let good = r#"{"before":[1,2,1,2,1,2,1,2,1,2],"after":[1,2,1,2,1],"direction":"both"}"#;
    for (bad, said) in [
        ("nonsense", "line 3"),
        (r#"{"before":[1],"after":[1],"direction":"sideways"}"#, "unknown variant `sideways`"),
        (r#"{"before":[1],"after":["x"],"direction":"both"}"#, "line 3"),
        (r#"{"before":[1],"direction":"both"}"#, "missing field `after`"),
    ] {
        let ended = shell.flightdeck_with(&["health", "judge"], &format!("{good}\n\n{bad}\n{good}\n"));
        let ended = ended.ended_with(2).said(said);
        assert_eq!(ended.stdout.lines().count(), 1, "{ended:?}");
    }
    assert_eq!(shell.flightdeck_with(&["health", "judge"], "").succeeded().stdout, "");
}

#[test]
fn samples_are_replayed_through_the_alarm_of_a_probe_and_nothing_is_asked() {
    let world = World::new();
    let shell = place(&world);
    let csv = "time,value\n2026-11-21T14:00:00Z,0.2\n2026-11-21T14:00:10Z,9\n2026-11-21T14:00:20Z,9.5\n\
               2026-11-21T14:00:30Z,2\n2026-11-21T14:00:40Z,0.1\n2026-11-21T14:00:50Z,0.1\n\
               2026-11-21T14:01:00Z,\n2026-11-21T14:01:10Z,\n2026-11-21T14:01:00Z,50\n";
    let ended = replayed(&shell, csv).succeeded().said("1 sample not later than the one before");
    let edges: Vec<Value> = ended.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let told: Vec<String> = edges
        .iter()
        .map(|edge| ["at", "from", "to"].map(|field| edge[field].as_str().unwrap()).join(" "))
        .map(|line| line.replace("2026-11-21T14:", "").replace('Z', ""))
        .collect();
    assert_eq!(
        told,
        [
            "00:00 unknown ok",
            "00:10 ok pending",
            "00:20 pending failing",
            "00:40 failing recovering",
            "00:50 recovering ok",
            "01:00 ok pending",
            "01:10 pending unknown",
        ],
        "{ended:?}"
    );
    // The same from a file, with times as other programs write them.
    let file = shell.directory.join("errors.csv");
    let seconds = csv.replace("2026-11-21T14:0", "2026-11-21 14:0").replace('Z', "");
    std::fs::write(&file, seconds).unwrap();
    let again = shell.flightdeck(&["health", "replay", "errors.csv", "--probe", "error rate"]).succeeded();
    assert_eq!(again.stdout, ended.stdout);
}

#[test]
fn a_gap_in_what_is_replayed_is_silence() {
    let world = World::new();
    let shell = place(&world);
    let csv = |last: &str| format!("2026-11-21T14:00:00Z,0.2\n2026-11-21T14:00:10Z,0.2\n{last},0.2\n");
    let turned = |last: &str| {
        let ended = replayed(&shell, &csv(last)).succeeded();
        let edges = ended.stdout.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let lost = edges.filter(|edge| edge["to"] == "unknown");
        lost.map(|edge| edge["at"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert!(turned("2026-11-21T14:00:20Z").is_empty());
    let lost = turned("2026-11-21T15:00:00Z");
    assert_eq!(lost.len(), 1);
    assert!(lost[0].as_str() < "2026-11-21T14:05", "as soon as it would be live: {lost:?}");
}

#[test]
fn what_cannot_be_replayed_is_named() {
    let world = World::new();
    let shell = place(&world);
    replayed(&shell, "2026-11-21T14:00:00Z,1\nyesterday,2\n").ended_with(2).said("line 2").said("not a time");
    replayed(&shell, "2026-11-21T14:00:00Z,much\n").ended_with(2).said("line 1").said("not a number");
    // What people in other countries and other programs take for a number is refused, and never half of it read.
    for value in [
        "0,5",
        "1,000",
        "1,000.5",
        "\"0,5\"",
        "\"1,000\"",
        "1_000",
        "1'000",
        "1 000",
        "1\u{a0}000",
        "1\u{202f}000",
        "١",
        "５",
        "½",
        "0x10",
        "null",
        "NaN",
        "nan",
        "None",
        "-",
        "+5",
        ".5",
        "5.",
        "5 %",
        "1e",
        "--1",
        "5;",
        "true",
    ] {
        let csv = format!("time,value\n2026-11-21T14:00:00Z,1\n2026-11-21T14:00:10Z,{value}\n");
        let ended = replayed(&shell, &csv).ended_with(2).said("line 3").said("a point in decimals");
        assert!(!ended.stdout.contains("14:00:10"), "{value}: {ended:?}");
    }
    for first in ["1795269720,5,7", "2026-11-21T14:00:00Z", "2026-11-21T14:00:00Z,1,"] {
        replayed(&shell, &format!("{first}\n")).ended_with(2).said("line 1").said("there should be 2");
    }
    let samples = "2026-11-21T14:00:00Z,1,web-1\n2026-11-21T14:00:10Z,0,5\n2026-11-21T14:00:20Z,0,5,web-1\n";
    let named = replayed(&shell, &format!("ts,value,host\n{samples}")).ended_with(2);
    named.said("line 4: it has 4 columns, and there should be 3");
    for (separator, name) in [(";", "semicolons"), ("\t", "tabs"), ("|", "vertical bars")] {
        for (first, line) in [("", "line 1"), ("time@value\n", "line 1"), ("time,value\n", "line 2")] {
            let csv = format!("{first}2026-11-21T14:00:00Z@0,5\n").replace('@', separator);
            let ended =
                replayed(&shell, &csv).ended_with(2).said(line).said(name).said("time,value, with a point");
            assert_eq!(ended.stdout, "", "{csv}");
        }
    }
    for first in ["2026-13-21T14:00:00Z,1", "yesterday,1", "yesterday", "time,"] {
        let ended = replayed(&shell, &format!("{first}\n2026-11-21T14:00:00Z,1\n")).ended_with(2);
        ended.said("line 1").said("not a time");
    }
    for value in ["1e309", "-1e309", "NaN", "inf"] {
        let ended =
            replayed(&shell, &format!("time,value\n2026-11-21T14:00:00Z,1\n2026-11-21T14:00:10Z,{value}\n"));
        ended.ended_with(2).said("line 3").said(value);
    }
    shell
        .flightdeck(&["health", "replay", "none.csv", "--probe", "error rate"])
        .ended_with(2)
        .said("none.csv");
    let wrong = shell.flightdeck(&["health", "replay", "-", "--probe", "eror rate"]);
    wrong.ended_with(2).said("did you mean \"error rate\"?");
}

/// How `status` judges a probe that shows this now and showed that in the minute before, as a cockpit kept it.
fn status_of(now: u32, before: Option<f64>) -> (String, bool, String) {
    let world = World::new();
    let shell = place(&world);
    let script = shell.directory.join("touch-if-run.sh");
    std::fs::write(&script, format!("#!/bin/sh\necho '{{\"rate\":{now}}}'\n")).unwrap();
    shell.run("chmod", &["+x", "touch-if-run.sh"]).succeeded();
    shell.flightdeck(&["trust"]).succeeded();
    shell.flightdeck(&["declare", "Checkout answers 500", "--severity", "P1"]).succeeded();
    if let Some(value) = before {
        let mut journal = Journal::open(&world.path("state"), "Maya").unwrap();
        let repository = journal.repository(&Reader::open(&shell.directory).unwrap()).unwrap();
        let sample = |ago: i64| Sample {
            probe: "error rate".to_owned(),
            at: Timestamp::now() - SignedDuration::from_secs(ago),
            value: Some(value),
            fault: (value > 5.0).then_some(Verdict::Bad),
        };
        journal.put_samples(&repository, &[60, 50, 40, 30, 20].map(sample)).unwrap();
    }
    let status = shell.json(&["status", "--json"]);
    let probe = &status["health"][0];
    let text = shell.flightdeck(&["status"]).succeeded().stdout;
    (probe["state"].as_str().unwrap().to_owned(), probe["from_one_sample"] == true, text)
}

#[test]
fn one_answer_alone_is_neither_an_outage_nor_an_all_clear_where_somebody_looked_before() {
    let (state, is_one, text) = status_of(40, None);
    assert_eq!((state.as_str(), is_one), ("failing", true));
    assert!(text.contains("from one sample"), "{text}");
    for (now, before, wanted) in
        [(40, 1.0, "pending"), (1, 40.0, "recovering"), (40, 40.0, "failing"), (1, 1.0, "ok")]
    {
        let (state, is_one, text) = status_of(now, Some(before));
        assert_eq!((state.as_str(), is_one), (wanted, false), "{now} after {before}");
        assert!(!text.contains("from one sample"), "{text}");
    }
}
