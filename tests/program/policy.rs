//! The procedure as a team has it: its own names and figures, from the file to verb, status and report.

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
