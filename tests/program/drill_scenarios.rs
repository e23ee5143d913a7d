//! Drills whose right answer is not a simple rollback or fix: a migration, and somebody else's outage.

use serde_json::Value;

use super::drill::{Drill, kept};
use super::world::{World, wait_until};

fn errors(drill: &Drill, world: &World) -> f64 {
    drill.ask(world, "production_url", "/orders")["error_rate"].as_f64().unwrap()
}

fn titles(status: &Value) -> String {
    status["next"].to_string()
}

#[test]
fn a_migration_is_undone_before_the_release_that_came_with_it() {
    let world = World::new();
    let drill = Drill::start_with(&world, &["migration"]);
    let shell = drill.shell(&world).with("FLIGHTDECK_USER", "maya");
    let done = |arguments: &[&str]| shell.flightdeck(arguments).succeeded();
    let schema = || shell.run("./ops/migrate.sh", &["production"]).succeeded().stdout.trim().to_owned();

    done(&["declare", "Checkout answers 500", "--severity", "P0", "--impact", "2 of 5 orders"]);
    assert!(errors(&drill, &world) > 25.0);
    assert_eq!(schema(), "2");
    // It is known that a migration lies between, and whoever does it all the same is told why it cannot be.
    let ways = done(&["rollback", "--list"]).stdout;
    assert!(ways.contains("migration lies between") && ways.contains("undo-migration"), "{ways}");
    let blind =
        ["rollback", "redeploy", "--confirm", "production", "--override", "rollback", "--reason", "try it"];
    let refused = shell.flightdeck(&blind);
    assert_ne!(refused.code(), Some(0), "{refused:?}");
    let log = refused.stdout + &refused.stderr;
    assert!(log.contains("v1.4.1 reads schema 1, and the database of production has schema 2"), "{log}");
    assert_eq!(drill.ask(&world, "production_url", "/version")["version"], "1.5.0", "nothing was changed");

    // The script undoes the migration first.
    let back =
        ["rollback", "undo-migration", "--confirm", "production", "--override", "rollback", "--reason"];
    done(&[&back[..], &["the down migration loses nothing"]].concat());
    assert_eq!(schema(), "1");
    assert_eq!(drill.ask(&world, "production_url", "/version")["version"], "1.4.1");
    assert!(errors(&drill, &world) < 5.0);
    done(&["resolve", "--mitigated", "--yes"]);

    // And the fix goes forward over the same migration.
    done(&["hotfix", "start", "no-discount"]);
    shell.flightdeck(&["test"]).ended_with(1);
    done(&["drill", "fix"]);
    done(&["hotfix", "bump"]);
    done(&["test"]);
    done(&["deploy", "staging"]);
    done(&["smoke", "staging"]);
    let gates = ["checklist", "approvals", "rollback"].iter().flat_map(|gate| ["--override", gate]);
    let reason = ["--reason", "everybody on the call agrees"];
    let deploy: Vec<&str> =
        ["deploy", "production", "--confirm", "production"].into_iter().chain(gates).chain(reason).collect();
    done(&deploy);
    assert_eq!(schema(), "2");
    assert!(errors(&drill, &world) < 5.0);
    done(&[
        "cause",
        "the migration left a discount of 0 where there is none, and the release took that for no card",
    ]);
    done(&["resolve", "--yes"]);
    let grade = done(&["drill", "grade"]).stdout;
    for wanted in ["partly   No rollback on trust", "good     Put right", "good     Users first"] {
        assert!(grade.contains(wanted), "`{wanted}` in the grade:\n{grade}");
    }
    kept("migration", &done(&["report"]).stdout);
    kept("migration-grade", &grade);
}

#[test]
fn an_outage_of_the_provider_is_waited_for_and_a_hotfix_is_graded_as_wrong() {
    let world = World::new();
    let drill = Drill::start_with(&world, &["provider"]);
    let shell = drill.shell(&world).with("FLIGHTDECK_USER", "maya");
    let done = |arguments: &[&str]| shell.flightdeck(arguments).succeeded();

    done(&["declare", "Checkout answers 503", "--severity", "P0", "--impact", "7 of 10 orders"]);
    assert!(errors(&drill, &world) > 50.0);
    let theirs = |state: &str| {
        let status = shell.json(&["status", "--json"]);
        let probes = status["health"].as_array().unwrap();
        let provider = probes.iter().find(|probe| probe["name"] == "payment provider").unwrap();
        assert!(state.is_empty() || provider["state"] == state, "{provider}");
        status
    };
    let seen = theirs("");
    assert_ne!(
        seen["health"].as_array().unwrap().iter().find(|probe| probe["name"] == "payment provider").unwrap()
            ["state"],
        "ok"
    );
    done(&["page", "li", "--how", "phone"]);
    done(&["message", "--send", "--yes"]);
    done(&["role", "commander", "maya"]);

    // Orders are taken, and charged later; that there is no hotfix is a decision.
    done(&["flag", "charge-at-once", "off"]);
    assert!(errors(&drill, &world) < 1.0);
    done(&["resolve", "--mitigated", "--yes"]);
    assert!(titles(&theirs("")).contains("start a hotfix branch"));
    done(&["note", "no hotfix: it is the provider's outage", "--kind", "decision"]);
    let waits = titles(&theirs(""));
    assert!(
        waits.contains("wait until payment provider is healthy") && !waits.contains("hotfix branch"),
        "{waits}"
    );

    // It ends by itself.
    let servers = std::path::Path::new(drill.field("state_dir")).with_file_name("servers");
    std::fs::write(servers.join("provider/until"), "0").unwrap();
    wait_until("the provider to be well", || {
        let status = theirs("");
        let probes = status["health"].as_array().unwrap();
        probes.iter().all(|probe| probe["state"] == "ok").then_some(())
    });
    done(&["flag", "charge-at-once", "on"]);
    assert!(errors(&drill, &world) < 1.0);
    done(&["message", "update", "--send", "--yes"]);
    done(&["cause", "the payment provider took no charges in one of its regions"]);
    done(&["resolve", "--yes"]);
    let grade = done(&["drill", "grade"]).stdout;
    for wanted in ["good     Deploy nothing", "good     Degrade gracefully", "good     Say whose it is"] {
        assert!(grade.contains(wanted), "`{wanted}` in the grade:\n{grade}");
    }
    kept("provider", &done(&["report"]).stdout);
    kept("provider-grade", &grade);
    kept("provider-messages", &drill.messages());

    // Whoever deploys a fix all the same is told that it was wrong.
    done(&["reopen", "--reason", "one more try"]);
    done(&["hotfix", "start", "more-attempts"]);
    done(&["drill", "fix"]);
    let gates = ["checks", "checklist", "approvals", "staging"].iter().flat_map(|gate| ["--override", gate]);
    let reason = ["--reason", "it cannot wait"];
    let deploy: Vec<&str> =
        ["deploy", "production", "--confirm", "production"].into_iter().chain(gates).chain(reason).collect();
    done(&deploy);
    let grade = done(&["drill", "grade"]).stdout;
    assert!(grade.contains("wrong    Deploy nothing"), "{grade}");
}
