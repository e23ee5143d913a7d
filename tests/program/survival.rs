//! A deploy outlives whoever started it.

use std::process::Stdio;

use serde_json::Value;

use super::drill::Drill;
use super::world::{PROGRAM, Running, Shell, World, wait_until};

/// The last plan of a status.
fn last_plan(shell: &Shell) -> Option<Value> {
    shell.json(&["status", "--json"])["plans"].as_array()?.last().cloned()
}

/// Waits until the last plan is in a state.
fn wait_plan(shell: &Shell, state: &str) -> Value {
    wait_until(&format!("the plan to be {state}"), || last_plan(shell).filter(|plan| plan["state"] == state))
}

#[test]
fn a_deploy_goes_on_when_the_verb_that_started_it_is_killed() {
    let world = World::new();
    let drill = Drill::start(&world);
    let shell = drill.shell(&world);
    shell.flightdeck(&["declare", "Checkout answers 500", "--severity", "P0"]).succeeded();
    let mut command = shell.command(PROGRAM, &["deploy", "staging", "--ref", "v1.4.1"]);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut verb = Running(command.spawn().unwrap());
    wait_plan(&shell, "running");
    verb.0.kill().unwrap();
    verb.wait("the verb");

    wait_plan(&shell, "done");
    let status = shell.json(&["status", "--json"]);
    let run = status["runs"].as_array().unwrap().last().unwrap();
    assert_eq!((&run["state"], &run["code"]), (&"exited".into(), &0.into()));
    assert_eq!(drill.ask(&world, "staging_url", "/version")["version"], "1.4.1");
    let log = shell.flightdeck(&["run", "log", run["id"].as_str().unwrap()]).succeeded().stdout;
    for line in ["payments-api: v1.4.1 -> staging", "[3/5] check", "Deployed 1.4.1 (v1.4.1) to staging."] {
        assert!(log.contains(line), "`{line}` in the log:\n{log}");
    }
}

#[test]
fn one_environment_has_one_deploy_at_a_time() {
    let world = World::new();
    let drill = Drill::start(&world);
    let shell = drill.shell(&world);
    shell.flightdeck(&["declare", "Checkout answers 500", "--severity", "P0"]).succeeded();
    shell.flightdeck(&["deploy", "staging", "--ref", "v1.4.1", "--detach"]).succeeded();
    let other = shell.clone().with("FLIGHTDECK_USER", "Omar");
    other.flightdeck(&["deploy", "staging"]).ended_with(5).said("Maya");
    // Another environment is nobody's business.
    let mut line = vec!["deploy", "production", "--ref", "v1.4.1", "--confirm", "production"];
    for gate in ["checks", "checklist", "approvals", "staging", "rollback"] {
        line.extend(["--override", gate]);
    }
    line.extend(["--reason", "what is tried here is something else"]);
    other.flightdeck(&line).succeeded();
    wait_until("both to be done", || {
        let status = shell.json(&["status", "--json"]);
        let plans = status["plans"].as_array().unwrap().clone();
        (plans.len() == 2 && plans.iter().all(|plan| plan["state"] == "done")).then_some(())
    });
    assert_eq!(drill.ask(&world, "staging_url", "/version")["version"], "1.4.1");
}
