//! A drill from the outage to the report by keys, as a newcomer makes it: one command, and
//! nothing but the cockpit from there on.

use std::path::PathBuf;

use super::drill::Drill;
use super::terminal::Terminal;
use super::world::{Shell, World, wait_until};

/// The repository of the one drill that was made in a world.
pub(crate) fn repository(world: &World) -> PathBuf {
    let made = std::fs::read_dir(world.path("tmp")).unwrap();
    made.map(|entry| entry.unwrap().path().join("payments-api")).find(|path| path.is_dir()).unwrap()
}

/// Confirms the plan that is on the screen.
fn go_ahead(terminal: &Terminal, plan: &str) {
    terminal.wait_text(plan);
    // A key that comes with the first frame was not meant for it, so it may take another.
    terminal.press_until("y", "the plan to start", |screen| !screen.contains("Plan: "));
}

/// Answers a question with yes.
fn say_yes(terminal: &Terminal, question: &str) {
    terminal.wait_text(question);
    terminal.press_until("y", "the question to close", |screen| !screen.contains(question));
}

/// Declares the incident of the scenario.
pub(crate) fn declare(terminal: &Terminal) {
    terminal.press("D");
    terminal.wait_text("What is broken");
    terminal.press("Checkout answers 500<enter>");
    terminal.wait_text("✓ title");
    terminal.press("y");
    terminal.wait_text("Since when");
    terminal.press("<enter>");
    terminal.press("2 of 5 orders are not paid<enter>");
    terminal.wait_text("INC-");
}

#[test]
fn an_outage_is_brought_to_its_end_by_keys() {
    let world = World::new();
    let home: Shell = world.shell(&world.path("home"));
    let mut terminal = Terminal::open(&home, 40, 140, &["drill"]);
    terminal.wait_text("Declare an incident");
    declare(&terminal);
    let repo = repository(&world);
    let git = |arguments: &[&str]| {
        let shell = world.shell(&repo);
        shell.run("git", arguments).succeeded().stdout.trim().to_owned()
    };

    // What is wrong, and a note of it.
    terminal.wait_for("health to be red", |screen| {
        screen.lines().any(|line| line.contains('✗') && line.contains("api /health"))
            && screen.lines().any(|line| line.contains('✗') && line.contains("error rate"))
    });
    terminal.press("Nf");
    terminal.press("only orders without a card fail<enter>");
    terminal.wait_text("✎ finding: only orders without a card fail");

    // A way back comes first, and is left for another time; then the team, as NEXT asks for it.
    terminal.wait_text("NEXT  mitigate first");
    terminal.wait_text("page on-call, then record who was paged");
    terminal.press("ip");
    terminal.press("li<enter>");
    terminal.wait_text("tell stakeholders  [m]");
    terminal.press("m");
    terminal.wait_text("Impact: 2 of 5 orders");
    terminal.press_until("<enter>", "the chat to have it", |screen| screen.contains("✓ chat accepted"));
    terminal.press("<esc>");
    // A key right behind it would be one with Alt.
    terminal.wait_gone("Alert sent to stakeholders");
    terminal.wait_text("name the incident commander");
    terminal.press("irc");
    terminal.press("<c-u>maya<enter>");
    terminal.wait_text("mitigate first");

    // The branch, and the fix on it.
    terminal.press("hs");
    terminal.press("no-card<enter>");
    go_ahead(&terminal, "git switch");
    terminal.wait_text("hotfix/no-card");
    wait_until("the branch", || (git(&["branch", "--show-current"]) == "hotfix/no-card").then_some(()));
    terminal.wait_text("prepared fix");
    terminal.press("hx");
    terminal.wait_text("fix: charge the full price");
    terminal.wait_text("bump the version");
    terminal.press("hb");
    go_ahead(&terminal, "chore: bump version to 1.4.3");
    terminal.wait_text("✓ bumped the version on hotfix/no-card to 1.4.3");

    // The tests, the remote, then staging.
    terminal.press("ta");
    go_ahead(&terminal, "./tests/run.sh");
    terminal.wait_text("✓ test unit, lint");
    terminal.press("hp");
    go_ahead(&terminal, "git push");
    terminal.wait_text("✓ push hotfix/no-card");
    terminal.press("ds");
    terminal.wait_text("Plan: deploy hotfix/no-card to staging");
    terminal.press("<enter>");
    terminal.wait_text("✗ press y to go ahead");
    go_ahead(&terminal, "./deploy.sh hotfix/no-card staging");
    terminal.wait_text("check     version 1.4.3");
    terminal.wait_text("✓ deploy hotfix/no-card to staging");
    terminal.press("dS");
    go_ahead(&terminal, "./smoke.sh staging");
    terminal.wait_text("✓ smoke-test staging");

    // The checklist.
    terminal.press("4");
    terminal.wait_text("not applicable");
    for passed in 1..=8 {
        terminal.press("<space>");
        terminal.wait_text(&format!("{passed} of 8"));
        terminal.press("j");
    }

    // The branch is finished: main, develop and the tag in one push.
    terminal.wait_text("finish hotfix/no-card: merge into main, tag, push");
    terminal.press("hf");
    terminal.wait_text("Plan: finish hotfix/no-card (git flow): v1.4.3");
    let refused = |screen: &str| screen.contains("✗ type main to go ahead");
    terminal.press_until("<c-u>develop<enter>", "a refusal", refused);
    terminal.press_until("<c-u>main<enter>", "the plan to start", |screen| !screen.contains("Plan: "));
    terminal.wait_text("✓ finish hotfix/no-card");
    let head = git(&["rev-parse", "v1.4.3^{commit}"]);
    assert_eq!(git(&["ls-remote", "origin", "refs/heads/main"]), format!("{head}\trefs/heads/main"));
    assert_eq!(git(&["ls-remote", "origin", "refs/heads/hotfix/*"]), "");
    git(&["merge-base", "--is-ancestor", &head, "origin/develop"]);
    wait_until("the work tree on main", || (git(&["branch", "--show-current"]) == "main").then_some(()));

    // Two others approve it from where they are.
    let state = repo.parent().unwrap().join("state");
    for (role, person, title) in
        [("lead", "Omar", "engineering lead"), ("on-call-manager", "Li", "on-call manager")]
    {
        let other = world.shell(&repo).with("FLIGHTDECK_STATE_DIR", &state).with("FLIGHTDECK_USER", person);
        other.flightdeck(&["approve", role]).succeeded();
        terminal.wait_text(&format!("{person} approved as {title}"));
    }

    // Production has to be typed out; anything else starts nothing.
    terminal.press("dp");
    terminal.wait_text("./deploy.sh main production");
    let refused = |screen: &str| screen.contains("✗ type production to go ahead");
    terminal.press_until("<c-u>staging<enter>", "a refusal", refused);
    terminal.press_until("<c-u>production<enter>", "the plan to start", |screen| !screen.contains("Plan: "));
    terminal.wait_text("✓ deploy v1.4.3 to production");
    terminal.wait_for("health to be green", |screen| {
        ["api /health", "error rate", "p95 latency"]
            .iter()
            .all(|name| screen.lines().any(|line| line.contains('✓') && line.contains(name)))
    });
    let deployed = world.shell(&repo).run("./ops/deployed.sh", &["production"]).succeeded();
    assert_eq!(deployed.stdout.trim(), head);

    // Whether it works there is tried before anybody says so.
    terminal.wait_text("NEXT  smoke-test production");
    terminal.press("dP");
    go_ahead(&terminal, "./smoke.sh production");
    terminal.wait_text("✓ smoke-test production");

    // Over, and written up.
    terminal.wait_text("users served again? production is green");
    terminal.press("im");
    say_yes(&terminal, "Are users served again?");
    terminal.wait_text("tell stakeholders that users are served again");
    terminal.press("itu");
    terminal.wait_text("Stakeholders got an update: how?");
    terminal.press("status page<enter>");
    terminal.wait_text("record the cause");
    terminal.press("ic");
    terminal.press("a discount without a card divided by zero<enter>");
    terminal.wait_text("resolve it: the fault is gone");
    terminal.press("ix");
    say_yes(&terminal, "Is it over?");
    // How it went is told at once.
    terminal.wait_text("How the drill went");
    terminal.wait_text("Users first");
    terminal.press("<esc>");
    terminal.wait_gone("How the drill went");
    terminal.wait_text("resolved");
    terminal.press("iR");
    terminal.wait_text("Summary");
    terminal.press("c");
    wait_until("the report in the clipboard", || (!terminal.copied().is_empty()).then_some(()));
    terminal.wait_text("(your terminal must allow OSC 52)");
    // Nothing lands in the work tree.
    terminal.press("s");
    terminal.wait_text("saved to ");
    assert_eq!(git(&["status", "--porcelain"]), "");
    terminal.press("<esc>");
    terminal.wait_gone("Summary");
    terminal.press("q");
    terminal.wait_text("How the drill went");
    terminal.press("q");
    say_yes(&terminal, "Leave the drill?");
    assert_eq!(terminal.wait_end().code(), Some(0));
    assert!(!terminal.is_full_screen());
    assert!(!repo.exists(), "the scratch directory is removed");
}

#[test]
fn a_deploy_goes_on_when_the_cockpit_is_killed_and_another_picks_it_up() {
    let world = World::new();
    let drill = Drill::start(&world);
    let shell = drill.shell(&world);
    shell.flightdeck(&["declare", "Checkout answers 500", "--severity", "P0"]).succeeded();
    shell.run("git", &["switch", "--quiet", "-c", "hotfix/no-card"]).succeeded();
    shell.flightdeck(&["drill", "fix"]).succeeded();

    let mut first = Terminal::open(&shell, 40, 140, &[]);
    first.wait_text("Checkout answers 500");
    first.wait_text("hotfix/no-card");
    first.press("ds");
    go_ahead(&first, "./deploy.sh hotfix/no-card staging");
    first.wait_text("[1/5] resolve");
    first.process.0.kill().unwrap();
    first.wait_end();

    let second = Terminal::open(&shell, 40, 140, &[]);
    second.wait_text("✓ deploy hotfix/no-card to staging");
    let status = shell.json(&["status", "--json"]);
    assert_eq!(status["plans"].as_array().unwrap().len(), 1, "it was not started again");
    let run = &status["runs"][0];
    assert_eq!((&run["state"], &run["code"]), (&"exited".into(), &0.into()));
    let log = shell.flightdeck(&["run", "log", run["id"].as_str().unwrap()]).succeeded().stdout;
    assert!(log.contains("[1/5] resolve") && log.contains("Deployed 1.4.2"), "{log}");
    assert_eq!(drill.ask(&world, "staging_url", "/health")["status"], "ok");
}
