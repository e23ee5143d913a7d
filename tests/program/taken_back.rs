//! A fix that makes it worse, in a drill: watched, condemned, and taken back by key.

use super::drill::{Drill, kept};
use super::terminal::Terminal;
use super::world::World;

#[test]
fn a_fix_that_makes_it_worse_is_condemned_by_its_watch_and_taken_back() {
    let world = World::new();
    let drill = Drill::start_with(&world, &["old-cards"]);
    let shell = drill.shell(&world);
    let done = |arguments: &[&str]| shell.flightdeck(arguments).succeeded();
    let errors = || drill.ask(&world, "production_url", "/orders")["error_rate"].as_f64().unwrap();

    done(&["declare", "Checkout answers 500", "--severity", "P0", "--impact", "2 of 5 orders"]);
    done(&["note", "only orders without a card fail"]);
    let before = errors();
    assert!(before > 25.0, "{before}");

    // What the flag guards is what is broken: users are served while the fix is made.
    assert!(done(&["flag", "list"]).stdout.contains("loyalty"));
    done(&["flag", "loyalty", "off"]);
    assert!(errors() < 5.0, "the flag helps");
    done(&["flag", "loyalty", "on"]);

    // Tests and staging know nothing of the customers that the fix forgets.
    done(&["hotfix", "start", "no-card"]);
    done(&["drill", "fix"]);
    done(&["test"]);
    done(&["deploy", "staging"]);
    done(&["smoke", "staging"]);
    let gates = ["checklist", "approvals"].iter().flat_map(|gate| ["--override", gate]);
    let reason = ["--reason", "everybody on the call agrees"];
    let deploy: Vec<&str> =
        ["deploy", "production", "--confirm", "production"].into_iter().chain(gates).chain(reason).collect();
    shell.flightdeck(&deploy).ended_with(1);
    assert!(errors() > before, "it is worse now");

    let seen = shell.json(&["status", "--json"]);
    let release = seen["releases"].as_array().unwrap().last().unwrap().clone();
    assert_eq!((&release["environment"], &release["verdict"]), (&"production".into(), &"failed".into()));

    // Back to the last release whose watch passed, not to the one before, which is broken too.
    let terminal = Terminal::open(&shell, 40, 140, &[]);
    terminal.wait_text("NEXT  roll production back: hotfix/no-card (");
    terminal.press("R");
    terminal.wait_text("redeploy v1.4.1");
    terminal.wait_text("proven ready");
    let chosen =
        |screen: &str| screen.lines().any(|line| line.contains('▸') && line.contains("redeploy v1.4.1"));
    terminal.wait_for("the best way to be chosen", chosen);
    terminal.press("<enter>");
    terminal.wait_text("./deploy.sh v1.4.1 production");
    terminal.press_until("<c-u>production<enter>", "the plan to start", |screen| !screen.contains("Plan: "));
    terminal.wait_text("v1.4.1 live");
    terminal.wait_text("NEXT  users served again? production is green");
    assert!(errors() < 5.0);

    // What was no good is not deployed again, whoever agrees.
    let again =
        ["deploy", "production", "--confirm", "production", "--override", "verdict", "--reason", "sure"];
    let refused = shell.flightdeck(&again).ended_with(3).stderr;
    assert!(refused.contains("verdict: hotfix/no-card ("), "{refused}");
    assert!(refused.contains("commit a better fix"), "{refused}");
    // Saying that it is good does not make it so.
    let bad = shell.run("git", &["rev-parse", "HEAD"]).succeeded().stdout;
    let vouched = shell.flightdeck(&["live", "production", bad.trim(), "--good"]).ended_with(3).stderr;
    assert!(vouched.contains("failed its watch"), "{vouched}");
    terminal.press("d");
    terminal.wait_text("→ production");
    terminal.wait_for("the reason beside it", |screen| screen.contains(") failed its watch"));
    terminal.press("<esc>");
    let served = shell.run("git", &["rev-parse", "v1.4.1^{commit}"]).succeeded().stdout;
    assert_eq!(drill.ask(&world, "production_url", "/version")["commit"], served.trim());

    // It is remembered how long that took, and the report says all of it.
    assert!(done(&["rollback", "--list", "--env", "production"]).stdout.contains("took "));
    done(&["resolve", "--yes"]);
    let report = done(&["report"]).stdout;
    kept("old-cards", &report);
    for wanted in ["everybody on the call agrees", "failed its watch", "back to v1.4.1", "approvals"] {
        assert!(report.contains(wanted), "`{wanted}` in the report:\n{report}");
    }

    // So does the grade, wherever its repository is read from.
    let told = world.shell(&shell.directory).flightdeck(&["drill", "grade"]).succeeded().stdout;
    kept("old-cards-grade", &told);
    for wanted in ["good     Users first", "good     Taken back", "partly   Gates", "checklist overridden by"]
    {
        assert!(told.contains(wanted), "`{wanted}` in the grade:\n{told}");
    }
    let graded = shell.json(&["drill", "grade", "--json"]);
    assert_eq!(graded["scenario"], "old-cards");
    let size = graded["lines"].as_array().unwrap().iter().find(|line| line["title"] == "Size of the fix");
    assert_eq!(size.unwrap()["verdict"], "good", "{graded}");
}
