//! An incident run by its verbs alone: what each records, prints and ends with.

use serde_json::Value;

use super::terminal::Terminal;
use super::world::{Ended, Shell, World};

/// The names at the top of `status --json`, sorted.
const SECTIONS: [&str; 20] = [
    "approvals",
    "checklist",
    "clocks",
    "clocks_off",
    "health",
    "hotfix",
    "incident",
    "journal",
    "me",
    "merges_back",
    "messages",
    "next",
    "plans",
    "pull",
    "releases",
    "roles",
    "rollback",
    "runs",
    "timeline",
    "waiting_for_me",
];

/// What a verb printed: one line.
fn line(ended: Ended) -> String {
    let ended = ended.succeeded();
    assert_eq!(ended.stdout.lines().count(), 1, "{ended:?}");
    ended.stdout.trim_end().to_owned()
}

fn declare(shell: &Shell, title: &str) -> String {
    line(shell.flightdeck(&["declare", title, "--severity", "P0", "--started-at", "-10m"]))
}

fn status(shell: &Shell) -> Value {
    shell.json(&["status", "--json"])
}

/// The timeline entry with an id.
fn entry<'a>(status: &'a Value, id: &str) -> &'a Value {
    let timeline = status["timeline"].as_array().unwrap();
    timeline.iter().find(|entry| entry["id"] == id).unwrap_or_else(|| panic!("{id} in {status}"))
}

fn keys(value: &Value) -> Vec<&str> {
    let mut keys: Vec<_> = value.as_object().unwrap().keys().map(String::as_str).collect();
    keys.sort_unstable();
    keys
}

#[test]
fn a_new_incident_has_every_section_of_the_contract() {
    let world = World::new();
    let shell = world.repository("payments-api");
    let id = declare(&shell, "Checkout answers 500");
    assert!(id.starts_with("INC-") && id.ends_with("-0001"), "{id}");

    let status = status(&shell);
    assert_eq!(keys(&status), SECTIONS);
    let incident = &status["incident"];
    assert_eq!(incident["id"], *id);
    assert_eq!(incident["title"], "Checkout answers 500");
    assert_eq!(incident["severity"], "P0");
    assert_eq!(incident["service"], "payments-api");
    assert_eq!(incident["status"], "open");
    assert!(incident["elapsed_s"].as_i64().unwrap() >= 600);
    assert!(incident["mitigated_at"].is_null() && incident["resolved_at"].is_null());
    assert_eq!(status["roles"]["commander"], "");
    assert_eq!(status["checklist"].as_array().unwrap().len(), 8);
    assert!(status["checklist"].as_array().unwrap().iter().all(|item| item["state"] == "open"));
    assert!(status["clocks"].as_array().unwrap().iter().any(|clock| clock["id"] == "fix"));
    assert!(!status["next"].as_array().unwrap().is_empty());
    assert_eq!(status["hotfix"]["branch"], "main");
    assert_eq!(status["journal"]["records"], 1);
    assert_eq!(status["journal"]["shared"], "off");
    assert_eq!(status["timeline"][0]["author"], "Maya");
}

#[test]
fn every_verb_of_the_record_leaves_its_mark() {
    let world = World::new();
    let shell = world.repository("payments-api");
    declare(&shell, "Checkout answers 500");
    let run = |arguments: &[&str]| line(shell.flightdeck(arguments));

    let found = run(&["note", "pool exhausted", "--kind", "finding", "--at", "-5m"]);
    let wrong = run(&["note", "it is the moon"]);
    run(&["amend", &found, "pool exhausted, 100 of 100 used"]);
    run(&["retract", &wrong, "--reason", "it is not"]);
    run(&["pin", &found]);
    run(&["title", "Checkout fails"]);
    run(&["severity", "P1", "--reason", "search still works"]);
    run(&["phase", "develop", "--yes"]);
    run(&["role", "IC", "maya"]);
    run(&["impact", "half of the orders"]);
    run(&["cause", "the pool is too small"]);
    run(&["page", "li", "--how", "phone"]);
    run(&["told", "stakeholders", "--by", "omar"]);
    run(&["tick", "1"]);
    run(&["tick", "2", "--fail", "--note", "login loops"]);
    run(&["tick", "3", "--na"]);
    // Said again it is no second record.
    let again = shell.flightdeck(&["tick", "1"]).succeeded().said("already ticked by ");
    assert_eq!(again.stdout, "");
    shell.flightdeck(&["role", "IC", "maya"]).succeeded().said("maya has that role already");

    let status = status(&shell);
    let incident = &status["incident"];
    assert_eq!(incident["title"], "Checkout fails");
    assert_eq!(incident["severity"], "P1");
    assert_eq!(incident["phase"], "develop");
    assert_eq!(incident["impact"], "half of the orders");
    assert_eq!(incident["cause"], "the pool is too small");
    assert_eq!(status["roles"]["commander"], "maya");
    let entry_found = entry(&status, &found);
    assert_eq!(entry_found["text"], "pool exhausted, 100 of 100 used");
    assert_eq!((&entry_found["kind"], &entry_found["pinned"]), (&"finding".into(), &true.into()));
    assert!(entry_found["at"].as_str() < entry_found["recorded_at"].as_str(), "{entry_found}");
    assert_eq!(entry(&status, &wrong)["retracted"], true);
    let ticks: Vec<_> = status["checklist"].as_array().unwrap().iter().map(|item| &item["state"]).collect();
    assert_eq!(ticks[..4], ["passed", "failed", "na", "open"]);
    assert_eq!(status["checklist"][1]["note"], "login loops");
    assert_eq!(status["checklist"][1]["by"], "Maya");

    // And the same situation for people.
    let page = shell.flightdeck(&["status"]).succeeded().stdout;
    for text in ["P1", "Checkout fails", "▶ develop", "IC maya", "login loops", "half of the orders"] {
        assert!(page.contains(text), "{text} in\n{page}");
    }
    assert!(!page.contains('\u{1b}'), "{page}");
    assert!(page.lines().all(|line| line.chars().count() <= 80), "{page}");
}

#[test]
fn json_says_what_was_saved() {
    let world = World::new();
    let shell = world.repository("api");
    let opened = shell.json(&[
        "declare",
        "Down",
        "--severity",
        "p0",
        "--started-at",
        "2026-01-02T03:04:05Z",
        "--json",
    ]);
    assert_eq!(opened["started_at"], "2026-01-02T03:04:05Z");
    let saved = shell.json(&["note", "seen", "--json"]);
    assert_eq!((&saved["kind"], &saved["incident"]), (&"note".into(), &opened["id"]));
    let status = status(&shell);
    assert_eq!(entry(&status, saved["id"].as_str().unwrap())["text"], "seen");
    assert_eq!(status["incident"]["started_at"], "2026-01-02T03:04:05Z");
}

#[test]
fn an_incident_ends_only_once_and_may_begin_again() {
    let world = World::new();
    let shell = world.repository("api");
    declare(&shell, "Down");
    let state = || status(&shell)["incident"]["status"].clone();

    shell.flightdeck(&["reopen", "--reason", "x"]).ended_with(2).said("it is open");
    shell.flightdeck(&["close"]).ended_with(2).said("resolve it first");
    shell.flightdeck(&["resolve", "--mitigated", "--yes"]).succeeded();
    let asked = shell.flightdeck(&["resolve"]).ended_with(3);
    asked.said("no cause is recorded").said("resolve anyway: --yes");
    shell.flightdeck(&["resolve", "--mitigated", "--yes"]).ended_with(2).said("mitigated already by Maya");
    assert_eq!(state(), "mitigated");
    shell.flightdeck(&["resolve", "--yes"]).succeeded();
    shell.flightdeck(&["resolve", "--yes"]).ended_with(2).said("resolved already").said("reopen");
    shell.flightdeck(&["note", "afterwards"]).ended_with(2).said("no incident is open").said("declare");
    assert_eq!(state(), "resolved");
    shell.flightdeck(&["reopen", "--reason", "it came back"]).succeeded();
    assert_eq!(state(), "open");
    assert!(status(&shell)["incident"]["resolved_at"].is_null());
    shell.flightdeck(&["resolve", "--yes"]).succeeded();
    shell.flightdeck(&["close", "--yes"]).succeeded();
    shell.flightdeck(&["close"]).ended_with(2).said("closed already");
    assert_eq!(state(), "closed");
    assert_eq!(status(&shell)["incident"]["conflict"], false);
}

#[test]
fn the_past_is_what_had_been_written_down_by_then() {
    let world = World::new();
    let shell = world.repository("api");
    declare(&shell, "Down");
    let before = status(&shell)["timeline"][0]["recorded_at"].as_str().unwrap().to_owned();
    shell.flightdeck(&["severity", "P2", "--reason", "less"]).succeeded();
    shell.flightdeck(&["note", "long ago", "--at", "-1h"]).succeeded();

    let then = shell.json(&["status", "--json", "--at", &before]);
    assert_eq!(then["incident"]["severity"], "P0");
    assert_eq!(then["timeline"].as_array().unwrap().len(), 1);
    assert_eq!(status(&shell)["timeline"].as_array().unwrap().len(), 3);
}

#[test]
fn an_export_read_in_elsewhere_is_the_same_record() {
    let world = World::new();
    let shell = world.repository("api");
    let id = declare(&shell, "Down");
    shell.flightdeck(&["note", "one, \"two\"", "--kind", "problem"]).succeeded();
    let exported = shell.flightdeck(&["export"]).succeeded().stdout;
    assert_eq!(exported.lines().count(), 2);

    std::fs::write(world.path("export.jsonl"), &exported).unwrap();
    let file = world.path("export.jsonl").to_string_lossy().into_owned();
    let elsewhere = shell.clone().with("FLIGHTDECK_STATE_DIR", world.path("elsewhere"));
    assert!(line(elsewhere.flightdeck(&["import", &file])).starts_with("2 records added"));
    assert!(line(elsewhere.flightdeck(&["import", &file])).contains("2 known already"));
    let imported = elsewhere.flightdeck(&["export", "--incident", &id]).succeeded().stdout;
    assert_eq!(imported, exported);
    let (here, there) = (status(&shell), elsewhere.json(&["status", "--json"]));
    assert_eq!(here["journal"], there["journal"]);
    assert_eq!(here["timeline"], there["timeline"]);
    elsewhere.flightdeck(&["verify"]).succeeded();

    let table = shell.flightdeck(&["export", "--format", "csv"]).succeeded().stdout;
    assert!(table.contains("\"one, \"\"two\"\"\""), "{table}");
}

#[test]
fn history_lists_the_incidents_of_this_repository() {
    let world = World::new();
    let (api, shop) = (world.repository("api"), world.repository("shop"));
    let first = declare(&api, "First");
    api.flightdeck(&["resolve", "--yes"]).succeeded();
    let second = declare(&api, "Second");
    let other = declare(&shop, "Elsewhere");

    let ids = |list: &Value| -> Vec<String> {
        list.as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap().to_owned()).collect()
    };
    let list = api.json(&["history", "--json"]);
    assert_eq!(ids(&list), [&*second, &*first]);
    assert_eq!(list[1]["status"], "resolved");
    assert_eq!(ids(&shop.json(&["history", "--json"])), [&*other]);
    assert_eq!(api.json(&["history", "--json", "--all"]).as_array().unwrap().len(), 3);
    let page = api.flightdeck(&["history"]).succeeded().stdout;
    assert!(page.lines().next().unwrap().contains("Second"), "{page}");
}

#[test]
fn text_from_outside_is_shown_and_never_obeyed() {
    let world = World::new();
    let shell = world.repository("api");
    declare(&shell, "Down \u{202E}nwod");
    let hostile = "\u{1b}]52;c;eA==\u{7} and \u{1b}[2J";
    shell.flightdeck(&["note", hostile]).succeeded();
    for arguments in [&["status"][..], &["history"], &["export", "--format", "csv"]] {
        let printed = shell.flightdeck(arguments).succeeded().stdout;
        assert!(!printed.contains(['\u{1b}', '\u{202E}', '\u{7}']), "{arguments:?}: {printed:?}");
    }
    let printed = shell.flightdeck(&["status", "--json"]).succeeded().stdout;
    assert!(!printed.contains(['\u{1b}', '\u{202E}', '\u{7}']), "{printed:?}");
    let status: Value = serde_json::from_str(&printed).unwrap();
    assert_eq!(status["timeline"][1]["text"], hostile, "who parses it gets the very text");
    let refused = shell.flightdeck(&["note", "x", "--kind", hostile]).ended_with(2);
    assert!(!refused.stderr.contains('\u{1b}'), "{:?}", refused.stderr);
}

#[test]
fn on_a_terminal_trust_and_the_end_of_an_incident_are_asked_for() {
    let world = World::new();
    let shell = world.repository("api");
    std::fs::write(
        shell.directory.join("flightdeck.toml"),
        "[[checks]]\nname = \"unit\"\ncommand = [\"true\"]\n",
    )
    .unwrap();
    let answered = |verb: &[&str], question: &str, answer: &str| {
        let mut terminal = Terminal::open(&shell, 30, 100, verb);
        terminal.wait_text(question);
        terminal.press(answer);
        terminal.press("<enter>");
        terminal.wait_end().code()
    };
    let question = "type y to trust exactly this";
    assert_eq!(answered(&["trust"], question, "n"), Some(4));
    assert!(shell.flightdeck(&["trust", "--show"]).succeeded().stdout.contains("not trusted"));
    assert_eq!(answered(&["trust"], question, "y"), Some(0));
    assert!(!shell.flightdeck(&["trust", "--show"]).succeeded().stdout.contains("not trusted"));

    shell.flightdeck(&["declare", "Nobody can log in", "--severity", "P0"]).succeeded();
    let status = || shell.json(&["status", "--json"])["incident"]["status"].clone();
    assert_eq!(answered(&["resolve"], "type y to", "n"), Some(3));
    assert_eq!(status(), "open");
    let mut terminal = Terminal::open(&shell, 30, 100, &["resolve"]);
    terminal.wait_text("type y to");
    terminal.press("y<enter>");
    terminal.wait_text("why is it over although this is open?");
    terminal.press("the rest is a follow-up<enter>");
    assert_eq!(terminal.wait_end().code(), Some(0));
    assert_eq!(status(), "resolved");
    let report = shell.flightdeck(&["report"]).succeeded().stdout;
    assert!(report.contains("not recorded"), "nobody said when users were served: {report}");
    assert!(report.contains("Reason: The rest is a follow-up."), "{report}");
}

#[test]
fn a_time_of_day_says_which_zone_it_was_taken_in() {
    let world = World::new();
    let shell = world.repository("api").with("TZ", "Asia/Kathmandu");
    declare(&shell, "Down");
    let then = jiff::Timestamp::now() - jiff::SignedDuration::from_mins(2);
    let [utc, local] = ["UTC", "Asia/Kathmandu"].map(|zone| {
        let zone = jiff::tz::TimeZone::get(zone).unwrap();
        zone.to_datetime(then).strftime("%H:%M").to_string()
    });
    let ended = shell.flightdeck(&["note", "it got slow", "--at", &utc]).succeeded();
    assert!(ended.stderr.contains(&format!("{utc} taken as ")), "{}", ended.stderr);
    assert!(ended.stderr.contains(&format!("{local} +05:45 (Asia/Kathmandu)")), "{}", ended.stderr);
    // What names its zone needs no word about it.
    let named = shell.flightdeck(&["note", "then", "--at", &then.to_string()]).succeeded();
    assert!(!named.stderr.contains("taken as"), "{}", named.stderr);
}
