//! Who does what: handing over in two steps, tasks with a time to report back, proposals to everybody.

use super::world::{Shell, World};

fn incident(world: &World) -> Shell {
    let shell = world.repository("app");
    shell.flightdeck(&["declare", "checkout fails", "--severity", "P0"]).succeeded();
    shell.flightdeck(&["role", "commander", "maya"]).succeeded();
    shell
}

fn commander(shell: &Shell) -> String {
    shell.json(&["status", "--json"])["roles"]["commander"].as_str().unwrap_or_default().to_owned()
}

fn as_person(shell: &Shell, name: &str) -> Shell {
    Shell { ..shell.clone() }.with("FLIGHTDECK_USER", name)
}

#[test]
fn the_command_is_handed_over_once_the_other_accepts() {
    let world = World::new();
    let maya = incident(&world);
    maya.flightdeck(&["note", "the pool is full", "--kind", "finding"]).succeeded();
    maya.flightdeck(&["handoff", "to", "maya"]).ended_with(2).said("has it already");
    maya.flightdeck(&["handoff", "to", "li"]).succeeded();
    assert_eq!(commander(&maya), "maya");
    let next = maya.json(&["status", "--json"])["next"].to_string();
    assert!(next.contains("li: take command"), "{next}");
    maya.flightdeck(&["handoff", "accept"]).ended_with(2).said("not to you");
    let brief = maya.flightdeck(&["handoff", "brief"]).succeeded().stdout;
    assert!(brief.contains("- the pool is full") && brief.contains("maya (incident commander)"), "{brief}");
    as_person(&maya, "li").flightdeck(&["handoff", "accept"]).succeeded();
    assert_eq!(commander(&maya), "li");
    maya.flightdeck(&["handoff", "decline"]).ended_with(2).said("no role is offered");
    maya.flightdeck(&["verify"]).succeeded();
}

#[test]
fn a_task_is_on_the_list_until_it_is_done() {
    let world = World::new();
    let shell = incident(&world);
    shell.flightdeck(&["task", "give", "omar", "check the pool", "--for", "soon"]).ended_with(2);
    shell.flightdeck(&["task", "give", "omar", "check the pool", "--for", "10m"]).succeeded();
    shell.flightdeck(&["task", "give", "li", "read the logs"]).succeeded();
    let listed = shell.json(&["task", "list", "--json"]);
    assert_eq!(listed.as_array().unwrap().len(), 2, "{listed}");
    let clocks = shell.json(&["status", "--json"])["clocks"].to_string();
    assert!(clocks.contains("omar: check the pool"), "{clocks}");
    shell.flightdeck(&["task", "done", "it is fine"]).ended_with(2).said("2 tasks are open");
    shell.flightdeck(&["task", "done", "it is fine", "--task", "pool"]).succeeded();
    shell.flightdeck(&["task", "drop", "--reason", "no access"]).succeeded();
    assert_eq!(shell.json(&["task", "list", "--json"]).as_array().unwrap().len(), 0);
    let report = shell.flightdeck(&["report"]).succeeded().stdout;
    assert!(report.contains("omar: check the pool, done: it is fine"), "{report}");
}

#[test]
fn a_proposal_takes_its_time_and_an_objection_a_reason() {
    let world = World::new();
    let shell = incident(&world);
    shell.flightdeck(&["proposal", "agree"]).ended_with(2).said("no proposal is open");
    shell.flightdeck(&["proposal", "make", "turn the flag off", "--for", "1h"]).succeeded();
    shell.flightdeck(&["proposal", "agree"]).ended_with(2).said("nobody objected");
    as_person(&shell, "omar").flightdeck(&["proposal", "object", "half of the orders"]).succeeded();
    shell.flightdeck(&["proposal", "agree"]).ended_with(2).said("omar objects: half of the orders");
    shell.flightdeck(&["proposal", "agree", "--reason", "worth it"]).succeeded();
    assert_eq!(shell.json(&["proposal", "list", "--json"]).as_array().unwrap().len(), 0);
    let status = shell.json(&["status", "--json"])["timeline"].to_string();
    assert!(status.contains("agreed: turn the flag off (worth it)"), "{status}");
}

#[test]
fn a_follow_up_is_listed_until_it_is_done_also_when_the_incident_is_over() {
    let world = World::new();
    let shell = incident(&world);
    shell.flightdeck(&["note", "TODO: alert on the pool @li 2020-01-05"]).succeeded();
    shell.flightdeck(&["follow-up", "add", "rehearse the rollback", "--owner", "omar"]).succeeded();
    shell.flightdeck(&["resolve", "--yes"]).succeeded();
    let listed = shell.json(&["follow-up", "list", "--all", "--json"]);
    assert_eq!(listed[0]["text"], "alert on the pool", "{listed}");
    assert_eq!((&listed[0]["owner"], &listed[0]["overdue"]), (&"li".into(), &true.into()));
    let markdown = shell.flightdeck(&["follow-up", "list", "--markdown"]).succeeded().stdout;
    assert!(markdown.contains("- [ ] INC-2026-0001: alert on the pool (li), by 2020-01-05"), "{markdown}");
    let report = shell.flightdeck(&["report"]).succeeded().stdout;
    assert!(report.contains("| Rehearse the rollback | omar | – | open |"), "{report}");
    shell.flightdeck(&["follow-up", "done", "pool"]).succeeded();
    shell.flightdeck(&["follow-up", "drop", "rollback", "--reason", "done every month"]).succeeded();
    assert_eq!(shell.json(&["follow-up", "list", "--all", "--json"]).as_array().unwrap().len(), 0);
    shell.flightdeck(&["follow-up", "done", "pool"]).ended_with(2).said("no follow-up is open");
}

#[test]
fn a_review_is_met_by_holding_it() {
    let world = World::new();
    let shell = incident(&world);
    shell.flightdeck(&["review", "held"]).ended_with(2).said("not resolved yet");
    shell.flightdeck(&["resolve", "--yes"]).succeeded();
    let agenda = shell.flightdeck(&["review", "agenda"]).succeeded().stdout;
    assert!(agenda.contains("Post-incident review of INC-2026-0001"), "{agenda}");
    let state = |shell: &Shell| {
        let clocks = shell.json(&["status", "--json"])["clocks"].clone();
        let found = clocks.as_array().unwrap().iter().find(|clock| clock["id"] == "review").cloned();
        found.unwrap()["state"].as_str().unwrap().to_owned()
    };
    assert_eq!(state(&shell), "running");
    shell.flightdeck(&["review", "held", "--with", "maya", "--with", "omar"]).succeeded();
    assert_eq!(state(&shell), "met");
}

#[test]
fn a_note_says_when_it_happened() {
    let world = World::new();
    let shell = incident(&world);
    let noted = shell.flightdeck(&["note", "-5m pods restarted", "--json"]).succeeded();
    let saved: serde_json::Value = serde_json::from_str(&noted.stdout).unwrap();
    assert_ne!(saved["at"], saved["recorded_at"]);
    let texts = shell.json(&["status", "--json"])["timeline"].to_string();
    assert!(texts.contains("\"pods restarted\""), "{texts}");
}

#[test]
fn a_mistake_in_the_file_keeps_nothing_off_the_record() {
    let world = World::new();
    let shell = incident(&world);
    std::fs::write(world.path("app").join("flightdeck.toml"), "[policy\n").unwrap();
    for verb in [
        &["role", "lead", "omar"][..],
        &["tick", "1"],
        &["task", "give", "li", "read the logs"],
        &["proposal", "make", "turn the flag off"],
        &["assign", "2", "omar"],
        &["note", "the pool is full"],
        &["handoff", "to", "li"],
    ] {
        let said = shell.flightdeck(verb).succeeded().stderr;
        assert_eq!(said.matches("flightdeck.toml has an error").count(), 1, "{verb:?}: {said}");
    }
    let status = shell.flightdeck(&["status"]).succeeded().stdout;
    assert!(status.contains("→ omar"), "{status}");
}
