//! A drill from the outage to the report without a terminal, by the verbs alone.

use serde_json::Value;

use super::drill::{Drill, kept};
use super::world::{Shell, World, wait_until};

fn status(shell: &Shell) -> Value {
    shell.json(&["status", "--json"])
}

/// The probe of a name in a status.
fn probe<'a>(status: &'a Value, name: &str) -> &'a Value {
    let probes = status["health"].as_array().unwrap();
    probes.iter().find(|probe| probe["name"] == name).unwrap_or_else(|| panic!("{name} in {probes:?}"))
}

/// The last run of a title that contains a word.
fn run<'a>(status: &'a Value, word: &str) -> &'a Value {
    let runs = status["runs"].as_array().unwrap();
    runs.iter()
        .rev()
        .find(|run| run["title"].as_str().unwrap().contains(word))
        .unwrap_or_else(|| panic!("{word} in {runs:?}"))
}

#[test]
fn an_outage_is_brought_to_its_end_by_verbs() {
    let world = World::new();
    let drill = Drill::start(&world);
    let shell = drill.shell(&world);
    let done = |arguments: &[&str]| shell.flightdeck(arguments).succeeded();

    // Declared, and everybody can see what is wrong.
    let id = done(&["declare", "Checkout answers 500", "--severity", "P0", "--impact", "2 of 5 orders"]);
    let seen = status(&shell);
    assert_eq!(seen["incident"]["id"], id.stdout.trim());
    assert_eq!(seen["incident"]["severity"], "P0");
    assert_eq!(seen["incident"]["service"], "payments-api");
    assert_ne!(probe(&seen, "api /health")["state"], "ok");
    assert!(probe(&seen, "error rate")["value"].as_f64().unwrap() > 25.0, "{seen}");

    let note = done(&["note", "only orders without a card fail", "--kind", "finding"]);
    let seen = status(&shell);
    let timeline = seen["timeline"].as_array().unwrap();
    let entry = timeline.iter().find(|entry| entry["id"] == note.stdout.trim()).unwrap();
    assert_eq!((&entry["kind"], &entry["author"]), (&"finding".into(), &"Maya".into()));

    done(&["message", "--send", "--yes"]);
    assert!(drill.messages().contains("Impact: 2 of 5 orders"), "{}", drill.messages());

    // The branch, the tests before and after the fix.
    done(&["hotfix", "start", "no-card"]);
    assert_eq!(status(&shell)["hotfix"]["branch"], "hotfix/no-card");
    shell.flightdeck(&["test"]).ended_with(1);
    let seen = status(&shell);
    assert_eq!(run(&seen, "unit")["state"], "exited");
    assert_eq!(run(&seen, "unit")["code"], 1);
    assert_eq!(run(&seen, "lint")["code"], 0);
    done(&["drill", "fix"]);
    done(&["hotfix", "bump"]);
    done(&["hotfix", "push"]);
    done(&["test"]);
    let seen = status(&shell);
    assert_eq!(run(&seen, "unit")["code"], 0);
    assert_eq!(seen["hotfix"]["ahead"], 2);
    assert_eq!(seen["hotfix"]["pushed"], true);
    assert_eq!(seen["hotfix"]["version"], "1.4.3");
    assert_eq!(seen["hotfix"]["forecast"]["main"]["clean"], true);
    assert_eq!(seen["hotfix"]["forecast"]["develop"]["conflicts"], serde_json::json!([]));
    assert_eq!(seen["hotfix"]["tests_touched"], true);
    let head = shell.run("git", &["rev-parse", "HEAD"]).succeeded().stdout;

    // Staging first.
    let planned = shell.json(&["deploy", "staging", "--dry-run", "--json"]);
    assert_eq!(planned["plan"]["target"], "staging");
    assert_eq!(shell.json(&["deploy", "staging", "--json"])["state"], "done");
    assert_eq!(drill.ask(&world, "staging_url", "/version")["commit"], head.trim());
    assert_eq!(drill.ask(&world, "production_url", "/health")["status"], "degraded");
    done(&["smoke", "staging"]);

    // The checklist, then production, which has to be named.
    let items = status(&shell)["checklist"].as_array().unwrap().clone();
    assert!(items.len() >= 8, "{items:?}");
    for item in &items {
        done(&["tick", item["id"].as_str().unwrap()]);
    }
    assert!(status(&shell)["checklist"].as_array().unwrap().iter().all(|item| item["state"] == "passed"));

    // The branch is finished. What was tested and validated is what main has now: nobody is asked
    // for either again.
    let planned = done(&["hotfix", "finish", "--dry-run"]);
    assert!(planned.stdout.contains("git push --atomic"), "{}", planned.stdout);
    done(&["hotfix", "finish", "--confirm", "main"]);
    let head = shell.run("git", &["rev-parse", "v1.4.3^{commit}"]).succeeded().stdout;
    let there = shell.run("git", &["ls-remote", "origin", "refs/heads/main"]).succeeded().stdout;
    assert!(there.starts_with(head.trim()), "{there}");
    let before = drill.ask(&world, "production_url", "/version");
    let refused = shell.flightdeck(&["deploy", "production"]);
    assert_ne!(refused.code(), Some(0));
    let refused = shell.flightdeck(&["deploy", "production", "--confirm", "staging"]);
    assert_ne!(refused.code(), Some(0));
    assert_eq!(drill.ask(&world, "production_url", "/version"), before);
    let planned = done(&["deploy", "production", "--dry-run"]);
    assert!(planned.stdout.contains("./deploy.sh main production"), "{}", planned.stdout);
    assert_eq!(drill.ask(&world, "production_url", "/version"), before);
    // Two people have to approve it, neither of them whoever starts it.
    let blocked = shell.flightdeck(&["deploy", "production", "--confirm", "production"]).ended_with(3);
    assert!(blocked.stderr.contains("approvals: engineering lead: not given"), "{}", blocked.stderr);
    for (role, person) in [("lead", "Omar"), ("on-call-manager", "Li")] {
        shell.clone().with("FLIGHTDECK_USER", person).flightdeck(&["approve", role]).succeeded();
    }
    done(&["deploy", "production", "--confirm", "production"]);
    assert_eq!(drill.ask(&world, "production_url", "/version")["commit"], head.trim());

    // Well again.
    let seen = wait_until("production to be well", || {
        let seen = status(&shell);
        ["api /health", "error rate", "p95 latency", "orders paid", "db connections"]
            .iter()
            .all(|name| probe(&seen, name)["state"] == "ok")
            .then_some(seen)
    });
    assert!(probe(&seen, "error rate")["value"].as_f64().unwrap() < 1.0);
    done(&["cause", "the loyalty discount took orders without a card to 0 cents"]);
    done(&["resolve", "--yes"]);
    done(&["message", "resolved", "--send", "--yes"]);
    kept("checkout-messages", &drill.messages());
    let report = done(&["report"]).stdout;
    kept("checkout", &report);
    kept("checkout-grade", &done(&["drill", "grade"]).stdout);
    for wanted in [
        "Checkout answers 500",
        "P0",
        "2 of 5 orders",
        "only orders without a card fail",
        "the loyalty discount took orders without a card to 0 cents",
        "finish hotfix/no-card",
        "deploy v1.4.3 to production",
    ] {
        assert!(report.contains(wanted), "`{wanted}` in the report:\n{report}");
    }
    done(&["verify"]);
    shell.flightdeck(&["note", "too late"]).ended_with(2).said("reopen");
}
