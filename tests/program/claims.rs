//! What verbs, gates and the report claim is no more than what is known.

use super::conductor::Yard;
use super::world::World;

const PROVEN: &str = "[[environments]]\nname = \"staging\"\ndeploy = [\"./deploy.sh\"]\n\
                      proof = [\"./proof.sh\"]\nproof_within = \"1s\"\n";

#[test]
fn a_deploy_that_was_killed_is_not_done_where_its_proof_was_true_before() {
    let yard = Yard::new(PROVEN, "[ ! -e kill ] || kill -9 $$");
    yard.shell.flightdeck(&["deploy", "staging"]).succeeded();
    std::fs::write(yard.file("kill"), "").unwrap();
    let killed = yard.shell.flightdeck(&["deploy", "staging"]).ended_with(6);
    assert!(killed.stderr.contains("was live in staging before this run"), "{killed:?}");
    // Asking again makes it no better known.
    yard.shell.flightdeck(&["plan", "resume"]).ended_with(6);
}

#[test]
fn what_is_said_to_be_live_is_told_as_said_and_not_as_deployed() {
    let yard = Yard::new("[[environments]]\nname = \"production\"\ndeploy = [\"./deploy.sh\"]\n", "true");
    yard.shell.flightdeck(&["live", "production", "HEAD", "--good"]).succeeded();
    let report = yard.shell.flightdeck(&["report"]).succeeded().stdout;
    let people = report.split("Appendix").next().unwrap();
    assert!(people.contains("recorded at") && people.contains("was live in production"), "{people}");
    for claim in ["deployed", "passed its watch"] {
        assert!(!people.contains(claim), "{claim}: {people}");
    }
}

#[test]
fn what_cannot_have_been_is_refused() {
    let world = World::new();
    let shell = world.repository("api");
    shell.flightdeck(&["declare", "Checkout answers 500", "--severity", "P0"]).succeeded();
    for line in [&["told", "stakeholders", "--at", "-1d"][..], &["page", "li", "--at", "-2h"]] {
        shell.flightdeck(line).ended_with(2).said("before the incident began");
    }
    shell.flightdeck(&["told", "stakeholder"]).ended_with(2).said("did you mean stakeholders?");
    shell.flightdeck(&["told", "the bank"]).succeeded();
    // A phase that skips others, or goes back, is entered by whoever says so.
    shell.flightdeck(&["phase", "deploy"]).ended_with(3).said("it skips assemble, respond, develop");
    shell.flightdeck(&["phase", "deploy", "--yes"]).succeeded();
    shell.flightdeck(&["phase", "respond"]).ended_with(3).said("it goes back");
    shell.flightdeck(&["resolve", "--yes"]).succeeded();
    shell.flightdeck(&["close", "--yes"]).succeeded();
    shell.flightdeck(&["phase", "verify", "--incident", "1"]).ended_with(2).said("it is closed");
}

#[test]
fn a_report_that_was_saved_is_on_record_and_closing_asks_for_it() {
    let world = World::new();
    let shell = world.repository("api");
    shell.flightdeck(&["declare", "Checkout answers 500", "--severity", "P0"]).succeeded();
    // One from before the end does not tell it.
    shell.flightdeck(&["report", "--out", "draft.md"]).succeeded();
    shell.flightdeck(&["resolve", "--yes"]).succeeded();
    // What is next then can be recorded then.
    shell.flightdeck(&["told", "stakeholders"]).succeeded().said("-0001 is resolved");
    shell.flightdeck(&["cause", "the pool"]).succeeded();
    let next = |wanted: &str| {
        let status = shell.flightdeck(&["status"]).succeeded().stdout;
        assert!(status.contains(wanted), "`{wanted}` in\n{status}");
    };
    next("write the report for the post-incident review");
    shell
        .flightdeck(&["close"])
        .ended_with(3)
        .said("the report was saved before it was resolved")
        .said("no post-incident review is on record");
    shell.flightdeck(&["report"]).succeeded();
    next("write the report for the post-incident review");
    shell.flightdeck(&["report", "--out", "INC.md"]).succeeded();
    next("hold the post-incident review, then record it");
    let close = shell.flightdeck(&["close"]).ended_with(3);
    assert!(
        close.stderr.contains("no post-incident review") && !close.stderr.contains("report"),
        "{close:?}"
    );
    let timeline = shell.json(&["status", "--json"])["timeline"].clone();
    let saved = timeline.as_array().unwrap().iter().rfind(|line| line["kind"] == "report-saved").unwrap();
    assert_eq!(saved["text"], "saved the report as INC.md");
    // Where nothing can be written down, the file is written all the same.
    shell.flightdeck(&["close", "--yes"]).succeeded();
    shell.flightdeck(&["report", "--out", "after.md"]).succeeded();
    shell.flightdeck(&["verify"]).succeeded();
}

#[test]
fn another_incident_is_declared_aloud_and_of_two_that_are_over_one_is_named() {
    let world = World::new();
    let shell = world.repository("api");
    shell.flightdeck(&["declare", "Checkout answers 500", "--severity", "P0"]).succeeded();
    let second = shell.flightdeck(&["declare", "No mail goes out", "--severity", "P1"]).succeeded();
    assert!(second.stderr.contains("Checkout answers 500"), "{second:?}");
    for number in ["2", "1"] {
        shell.flightdeck(&["resolve", "--yes", "--incident", number]).succeeded();
    }
    for verb in [&["reopen", "--reason", "again"][..], &["close", "--yes"]] {
        shell.flightdeck(verb).ended_with(2).said("2 are resolved").said("No mail goes out");
    }
    shell.flightdeck(&["close", "--yes", "--incident", "2"]).succeeded();
    let again = shell.flightdeck(&["reopen", "--reason", "it fails again"]).succeeded();
    assert!(again.stderr.contains("-0001 is resolved"), "{again:?}");
}

#[test]
fn a_journal_that_was_emptied_is_not_taken_for_a_new_one() {
    let world = World::new();
    let shell = world.repository("api");
    shell.flightdeck(&["declare", "Checkout answers 500", "--severity", "P0"]).succeeded();
    for name in ["journal.db", "journal.db-wal", "journal.db-shm"] {
        let _ = std::fs::remove_file(world.path("state").join(name));
    }
    shell.flightdeck(&["status"]).said("it was removed or replaced");
}
