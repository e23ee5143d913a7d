//! The procedure as a team has it: its own names and figures, from the file to verb, status and report.

use super::terminal::Terminal;
use super::world::World;

#[test]
fn severities_are_called_what_the_team_calls_them_and_kept_by_rank() {
    let world = World::new();
    let shell = world.repository("app");
    let names = "[policy.P0]\nname = \"SEV1\"\n[policy.P1]\nname = \"SEV2\"\n[policy.P2]\nname = \"SEV3\"\n\
                 [policy.P3]\nname = \"SEV4\"\nword = \"low\"\nmeans = \"Cosmetic.\"\n";
    std::fs::write(shell.directory.join("flightdeck.toml"), names).unwrap();
    shell.flightdeck(&["config", "check"]).succeeded();
    shell
        .flightdeck(&["declare", "checkout fails", "--severity", "SEV9"])
        .ended_with(2)
        .said("SEV1, SEV2, SEV3, SEV4");
    shell.flightdeck(&["declare", "checkout fails", "--severity", "sev1"]).succeeded();
    shell.flightdeck(&["severity", "SEV1", "--reason", "all"]).ended_with(2).said("SEV1 already");
    shell.flightdeck(&["severity", "SEV4", "--reason", "P3 it is"]).succeeded();
    let status = shell.json(&["status", "--json"]);
    assert_eq!(status["incident"]["severity"], "P3");
    assert_eq!(status["incident"]["severity_name"], "SEV4");
    assert!(status["timeline"].to_string().contains("severity SEV4, was SEV1: P3 it is"), "{status}");
    let shown = shell.flightdeck(&["status"]).succeeded().stdout;
    assert!(shown.contains("SEV4") && shown.contains("declared SEV1"), "{shown}");
    let report = shell.flightdeck(&["report"]).succeeded().stdout;
    assert!(report.contains("Lowered from SEV1 to SEV4: P3 it is"), "{report}");
    let history = shell.flightdeck(&["history"]).succeeded().stdout;
    assert!(history.contains("SEV4"), "{history}");
    // The record is everybody's, whatever their file says.
    let record = shell.flightdeck(&["export"]).succeeded().stdout;
    assert!(record.contains("\"P3\"") && !record.contains("SEV"), "{record}");
}

#[test]
fn whoever_names_no_severity_on_a_terminal_is_asked_the_questions() {
    let world = World::new();
    let shell = world.repository("app");
    shell.flightdeck(&["declare", "nobody can pay"]).ended_with(2).said("the severity is missing");
    let mut terminal = Terminal::open(&shell, 40, 100, &["declare", "nobody can pay"]);
    terminal.wait_text("Is everybody affected");
    terminal.send(b"n\r");
    terminal.wait_text("Is a main function broken");
    terminal.send(b"?\r");
    terminal.wait_text("that is P1");
    assert_eq!(terminal.wait_end().code(), Some(0));
    assert_eq!(shell.json(&["status", "--json"])["incident"]["severity"], "P1");
    let record = shell.flightdeck(&["export"]).succeeded().stdout;
    assert!(record.contains("\"unsure\":true"), "{record}");
    let told = shell.flightdeck(&["severity", "P2", "--reason", "a typo"]).succeeded();
    assert!(
        told.stderr.contains("P2 needs no hotfix") && told.stderr.contains("nobody can pay"),
        "{}",
        told.stderr
    );
}

#[test]
fn a_clock_of_the_team_runs_is_told_and_is_met_by_telling() {
    let world = World::new();
    let shell = world.repository("app");
    let own = "[policy.clock.legal]\ntitle = \"tell the regulator\"\nafter = \"72h\"\nmet_by = [\"told\"]\n\
               who = \"regulator\"\n[policy.audience.regulator]\ntitle = \"the regulator\"\n";
    std::fs::write(
        shell.directory.join("flightdeck.toml"),
        own.replace("\"regulator\"\n[", "\"regulater\"\n["),
    )
    .unwrap();
    let checked = shell.flightdeck(&["config", "check"]).ended_with(2).stdout;
    assert!(checked.contains("unknown audience `regulater`"), "{checked}");
    std::fs::write(shell.directory.join("flightdeck.toml"), own).unwrap();
    shell.flightdeck(&["declare", "data leaked", "--severity", "P0"]).succeeded();
    let state = || {
        let status = shell.json(&["status", "--json"]);
        let clocks = status["clocks"].as_array().unwrap().clone();
        let legal = clocks.into_iter().find(|clock| clock["id"] == "legal").unwrap();
        legal["state"].as_str().unwrap().to_owned()
    };
    assert_eq!(state(), "running");
    shell.flightdeck(&["told", "regulater", "--how", "mail"]).ended_with(2).said("did you mean regulator?");
    shell.flightdeck(&["told", "regulator", "--how", "mail"]).succeeded();
    assert_eq!(state(), "met");
    shell.flightdeck(&["severity", "P2", "--reason", "less"]).succeeded();
    let clocks = shell.json(&["status", "--json"])["clocks"].to_string();
    assert!(clocks.contains("\"stopped\"") && clocks.contains("\"executives\""), "{clocks}");
    let shown = shell.flightdeck(&["config", "show"]).succeeded().stdout;
    assert!(shown.contains("tell the regulator") && shown.contains("met_by"), "{shown}");
}
