//! Drills whose right answer is not a simple rollback or fix: a migration, somebody else's outage, and deploys that
//! somebody has to approve elsewhere.

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

    // Production is asked what can be done, as the cockpit asks it.
    let seen = theirs("");
    let next = titles(&seen);
    assert!(next.contains("mitigate first: turn charge-at-once off, proven ready"), "{next}");
    assert_eq!(seen["rollback"][0]["ready"], "yes", "{seen}");

    // Orders are taken, and charged later; that there is no hotfix is a decision.
    done(&["flag", "charge-at-once", "off"]);
    assert!(errors(&drill, &world) < 1.0);
    // The provider is still down, and that is no fault of production: nothing is left to speak against it.
    wait_until("production to be well", || {
        let status = theirs("");
        let is_ours = |name: &str| name != "payment provider" && !name.starts_with("staging");
        let probes = status["health"].as_array().unwrap();
        let mut ours = probes.iter().filter(|probe| is_ours(probe["name"].as_str().unwrap()));
        ours.all(|probe| probe["state"] == "ok").then_some(())
    });
    done(&["resolve", "--mitigated"]);
    let notice = done(&["message"]).stdout;
    assert!(notice.starts_with("Service restored:") && notice.contains("Service is restored."), "{notice}");
    assert!(notice.contains("Impact until ") && !notice.contains("newest release"), "{notice}");
    assert!(titles(&theirs("")).contains("decide whether a hotfix is needed: payment provider is not well"));
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

/// Waits until the pipeline of a plan is in a state, and returns the plan.
fn pipeline_is(shell: &super::world::Shell, plan: &str, state: &str) -> Value {
    wait_until(&format!("the pipeline of {plan} to be {state}"), || {
        let shown = shell.json(&["plan", "show", "--json", plan]);
        (shown["steps"][0]["pipeline"]["state"] == state).then_some(shown)
    })
}

#[test]
fn a_deploy_by_a_pipeline_reaches_users_once_a_reviewer_approves_it() {
    let world = World::new();
    let drill = Drill::start_with(&world, &["pipeline"]);
    let shell = drill.shell(&world).with("FLIGHTDECK_USER", "maya");
    let done = |arguments: &[&str]| shell.flightdeck(arguments).succeeded();
    let live = |place: &str| drill.ask(&world, place, "/version")["version"].clone();
    done(&["declare", "Checkout answers 500", "--severity", "P0", "--impact", "2 of 5 orders"]);
    assert!(errors(&drill, &world) > 25.0);
    let doctor = shell.flightdeck(&["doctor"]).stdout;
    assert!(doctor.contains("deploy.yml in shop/payments-api"), "{doctor}");

    // A rollback goes through the pipeline, too. It is built and tested, and cancelled before it reaches anybody.
    let back = ["rollback", "redeploy", "--confirm", "production", "--override", "rollback", "--reason"];
    done(&[&back[..], &["the flag is not tried yet", "--detach"]].concat());
    pipeline_is(&shell, "rollback-production-1", "waiting");
    done(&["run", "stop", "rollback-production-1.0"]);
    pipeline_is(&shell, "rollback-production-1", "cancelled");
    assert_eq!(live("production_url"), "1.4.2");
    // The flag needs no pipeline.
    done(&["flag", "loyalty", "off"]);
    assert!(errors(&drill, &world) < 5.0);
    done(&["resolve", "--mitigated", "--yes"]);

    done(&["hotfix", "start", "no-card"]);
    done(&["drill", "fix"]);
    done(&["hotfix", "bump"]);
    done(&["test"]);
    // The host knows only what was pushed.
    shell.flightdeck(&["deploy", "staging"]).ended_with(1).said("No ref found for: hotfix/no-card");
    done(&["hotfix", "push"]);
    done(&["deploy", "staging"]);
    assert_eq!(live("staging_url"), "1.4.3");
    let log = done(&["run", "log", "deploy-staging-2.0"]).stdout;
    assert!(log.contains("0 failed") && log.contains("Deployed 1.4.3 (hotfix/no-card) to staging."), "{log}");
    done(&["smoke", "staging"]);
    done(&["hotfix", "finish", "--confirm", "main"]);

    // Production waits for a reviewer: who is named, and whoever approves says why.
    let gates = ["checklist", "approvals", "rollback"].iter().flat_map(|gate| ["--override", gate]);
    let reason = ["--reason", "everybody on the call agrees", "--detach"];
    let deploy = ["deploy", "production", "--confirm", "production"];
    done(&deploy.into_iter().chain(gates).chain(reason).collect::<Vec<&str>>());
    pipeline_is(&shell, "deploy-production-1", "waiting");
    let next = titles(&shell.json(&["status", "--json"]));
    let wanted = "approve production in deploy.yml #";
    assert!(next.contains(wanted) && next.contains(" (release-managers)"), "{next}");
    assert_eq!(live("production_url"), "1.4.2", "nothing reaches users until then");
    let why = "staging is healthy, the smoke test passed";
    done(&["plan", "review", "--approve", "--comment", why, "--confirm", "production"]);
    wait_until("the deploy to be done", || {
        (shell.json(&["plan", "show", "--json", "deploy-production-1"])["state"] == "done").then_some(())
    });
    assert_eq!(live("production_url"), "1.4.3");
    done(&["flag", "loyalty", "on"]);
    assert!(errors(&drill, &world) < 5.0);
    done(&["cause", "the loyalty discount took orders without a card to 0 cents"]);
    done(&["resolve", "--yes"]);

    let grade = done(&["drill", "grade"]).stdout;
    for wanted in
        ["good     Served before fixed", "good     Approved where it runs", "good     The fix holds"]
    {
        assert!(grade.contains(wanted), "`{wanted}` in the grade:\n{grade}");
    }
    let report = done(&["report"]).stdout;
    assert!(report.contains(why), "{report}");
    kept("pipeline", &report);
    kept("pipeline-grade", &grade);
    done(&["verify"]);
}
