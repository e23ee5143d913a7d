//! `flightdeck drill`: what it makes, what it refuses, and that nothing is left of it.

use std::net::TcpStream;
use std::path::{Path, PathBuf};

use rustix::process::Signal;

use super::drill::Drill;
use super::world::{World, wait_until};

/// Whether somebody listens at an address.
fn listens(url: &str) -> bool {
    TcpStream::connect(url.trim_start_matches("http://")).is_ok()
}

fn error_rate(drill: &Drill, world: &World, service: &str) -> f64 {
    drill.ask(world, service, "/orders")["error_rate"].as_f64().unwrap()
}

#[test]
fn what_the_services_answer_follows_from_what_is_deployed() {
    let world = World::new();
    let drill = Drill::start(&world);
    let shell = drill.shell(&world);
    let health = drill.ask(&world, "production_url", "/health");
    assert_eq!((&health["status"], &health["version"]), (&"degraded".into(), &"1.4.2".into()));
    assert!(error_rate(&drill, &world, "production_url") > 25.0);
    shell.run("./smoke.sh", &["staging"]).ended_with(1);

    // Back to the release before, and forward again: nothing else makes the difference.
    shell.run("./deploy.sh", &["v1.4.1", "production"]).succeeded();
    assert!(error_rate(&drill, &world, "production_url") < 1.0);
    assert!(error_rate(&drill, &world, "staging_url") > 25.0);
    shell.run("./deploy.sh", &["v1.4.2", "production"]).succeeded();
    assert_eq!(drill.ask(&world, "production_url", "/health")["status"], "degraded");
}

#[test]
fn the_deploy_script_refuses_what_it_does_not_know_and_changes_nothing() {
    let world = World::new();
    let drill = Drill::start(&world);
    let shell = drill.shell(&world);
    let before = drill.ask(&world, "staging_url", "/version");
    shell.run("./deploy.sh", &["main"]).ended_with(2).said("usage");
    shell.run("./deploy.sh", &["main", "moon"]).ended_with(2).said("moon");
    shell.run("./deploy.sh", &["--upload-pack=x", "staging"]).ended_with(2).said("usage");
    shell.run("./deploy.sh", &["no-such-branch", "staging"]).ended_with(1).said("no-such-branch");
    assert_eq!(drill.ask(&world, "staging_url", "/version"), before);
}

#[test]
fn the_prepared_fix_mends_what_the_tests_find() {
    let world = World::new();
    let drill = Drill::start(&world);
    let shell = drill.shell(&world);
    let tested = shell.run("./tests/run.sh", &[]).ended_with(1);
    assert!(tested.stdout.contains("1 failed"), "{}", tested.stdout);

    shell.flightdeck(&["drill", "fix"]).ended_with(1).said("hotfix start");
    shell.run("git", &["switch", "--quiet", "-c", "hotfix/no-card"]).succeeded();
    std::fs::write(shell.directory.join("README.md"), "being edited\n").unwrap();
    shell.flightdeck(&["drill", "fix"]).succeeded();
    shell.flightdeck(&["drill", "fix"]).ended_with(1).said("already");
    shell.run("./tests/run.sh", &[]).succeeded();

    let shown = shell.run("git", &["show", "--name-only", "--format=%an: %s"]).succeeded().stdout;
    let lines: Vec<_> = shown.lines().filter(|line| !line.is_empty()).collect();
    assert_eq!(
        lines,
        ["Maya: fix: charge the full price without a loyalty card", "app/checkout.awk", "tests/cases.txt",],
        "the fix and nothing of what else was being done"
    );
}

#[test]
fn a_fix_that_does_not_fit_any_more_changes_nothing() {
    let world = World::new();
    let drill = Drill::start(&world);
    let shell = drill.shell(&world);
    shell.run("git", &["switch", "--quiet", "-c", "hotfix/mine"]).succeeded();
    let app = shell.directory.join("app/checkout.awk");
    let text = std::fs::read_to_string(&app).unwrap();
    let mine = text.replace("int(cents * keep[card] / 100)", "cents");
    assert_ne!(text, mine);
    std::fs::write(&app, &mine).unwrap();
    shell.flightdeck(&["drill", "fix"]).ended_with(1).said("app/checkout.awk");
    assert_eq!(std::fs::read_to_string(&app).unwrap(), mine);
    let log = shell.run("git", &["log", "--oneline", "main.."]).succeeded();
    assert_eq!(log.stdout, "");

    // A change elsewhere in the same file must not slip into the fix's commit either.
    std::fs::write(&app, format!("{text}\n# mine\n")).unwrap();
    shell.flightdeck(&["drill", "fix"]).ended_with(1).said("uncommitted");
}

#[test]
fn a_drill_that_is_stopped_leaves_nothing_behind() {
    let world = World::new();
    for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
        let mut drill = Drill::start(&world);
        let repo = PathBuf::from(drill.field("repo"));
        let urls = [drill.field("staging_url").to_owned(), drill.field("production_url").to_owned()];
        assert!(repo.is_dir() && urls.iter().all(|url| listens(url)));
        drill.process.signal(signal);
        let status = drill.process.wait("the drill");
        assert_eq!(status.code(), Some(0), "{signal:?}");
        assert!(!repo.exists());
        wait_until("the services to end", || (!urls.iter().any(|url| listens(url))).then_some(()));
        assert_eq!(std::fs::read_dir(world.path("tmp")).unwrap().count(), 0);
    }
}

#[test]
fn the_services_of_a_drill_that_was_killed_end_by_themselves() {
    let world = World::new();
    let mut drill = Drill::start(&world);
    let urls = [drill.field("staging_url").to_owned(), drill.field("production_url").to_owned()];
    drill.process.0.kill().unwrap();
    drill.process.wait("the drill");
    wait_until("the services to end", || (!urls.iter().any(|url| listens(url))).then_some(()));
}

#[test]
fn a_named_directory_is_kept_and_one_with_something_in_it_is_refused() {
    let world = World::new();
    let named = world.path("outage");
    let mut drill = Drill::start_with(&world, &["--dir", named.to_str().unwrap()]);
    drill.process.signal(Signal::TERM);
    drill.process.wait("the drill");
    assert!(named.join("payments-api/deploy.sh").is_file());

    let shell = world.shell(&world.path("home"));
    let refused = shell.flightdeck(&["drill", "--headless", "--dir", named.to_str().unwrap()]);
    refused.ended_with(2).said("not empty");
}

#[test]
fn what_cannot_be_made_is_said() {
    let world = World::new();
    let shell = world.shell(&world.path("home"));
    shell.flightdeck(&["drill", "nonsense", "--headless"]).ended_with(2).said("--list");
    shell.flightdeck(&["drill", "fix"]).ended_with(2).said("not the repository of a drill");
    let list = shell.flightdeck(&["drill", "--list"]).succeeded();
    assert!(list.stdout.starts_with("checkout "), "{}", list.stdout);
    // Without git there is nothing to practise with.
    let bare = shell.clone().with("PATH", world.path("home"));
    bare.flightdeck(&["drill", "--headless"]).ended_with(1).said("git");
    // And without a terminal there is nothing to open the cockpit on.
    shell.flightdeck(&["drill"]).ended_with(2).said("terminal");
    assert_eq!(std::fs::read_dir(world.path("tmp")).unwrap().count(), 0);
}

#[test]
fn a_service_says_that_its_port_is_taken() {
    let world = World::new();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let root = world.path("home").to_string_lossy().into_owned();
    let shell = world.shell(&world.path("home"));
    let arguments = ["drill-service", "--root", &root, "--env", "staging", "--port", &port];
    shell.flightdeck(&arguments).ended_with(1).said("another port");
}

#[test]
fn its_prometheus_knows_the_queries_of_its_configuration_and_the_day_before() {
    let world = World::new();
    let drill = Drill::start(&world);
    let shell = drill.shell(&world);
    let asked = |endpoint: &str, query: &str, rest: &str| {
        let query: Vec<String> = query.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let query = query.concat();
        drill.ask(&world, "production_url", &format!("/prometheus/api/v1/{endpoint}?query={query}{rest}"))
    };
    let text = std::fs::read_to_string(shell.directory.join("flightdeck.toml")).unwrap();
    let config: toml::Table = text.parse().unwrap();
    let probes = config["probes"].as_array().unwrap().iter();
    let queries: Vec<&str> = probes.filter_map(|probe| probe.get("query")?.as_str()).collect();
    assert!(queries.len() >= 2, "{text}");
    let number = |value: &serde_json::Value| value.as_str().unwrap().parse::<f64>().unwrap();
    let now = jiff::Timestamp::now().as_second();
    for query in queries {
        let live = asked("query", query, "")["data"]["result"][0]["value"].clone();
        let rest = format!("&start={}&end={now}&step=60", now - 26 * 3600);
        let past = asked("query_range", query, &rest)["data"]["result"][0]["values"].clone();
        let past = past.as_array().unwrap();
        assert_eq!(past.len(), 26 * 60 + 1, "{query}");
        // Good all day, and what it is now since the release that broke it.
        let broken = past.iter().filter(|sample| number(&sample[1]) > 3.0 * number(&past[0][1])).count();
        assert!((2..=9).contains(&broken), "{query}: {broken} of {}", past.len());
        assert!(number(&live[1]) > 3.0 * number(&past[0][1]), "{query}: {live}");
    }
    let refused = asked("query", "up", "");
    assert_eq!((&refused["status"], &refused["errorType"]), (&"error".into(), &"bad_data".into()));
    assert!(refused["error"].as_str().unwrap().contains("histogram_quantile"), "{refused}");
}

#[test]
fn what_a_repository_says_of_a_drill_makes_no_journal_and_no_drill_of_an_incident() {
    let world = World::new();
    let journal = world.path("private/journal");
    let shell = world.repository("service").with("FLIGHTDECK_STATE_DIR", &journal);
    let planted = world.path("planted");
    let says = |state: &Path| {
        let place = serde_json::json!({
            "scenario": "checkout", "repo": shell.directory, "state_dir": state, "config_dir": state,
            "staging_url": "http://127.0.0.1:1", "production_url": "http://127.0.0.1:1",
        });
        std::fs::create_dir_all(shell.directory.join(".drill")).unwrap();
        std::fs::write(shell.directory.join(".drill/drill.json"), place.to_string()).unwrap();
    };
    says(&planted);
    shell.flightdeck(&["drill", "grade"]).ended_with(1);
    assert!(!planted.exists());

    // Nor does it make a drill of what is real, wherever it says that its journal is.
    shell.flightdeck(&["declare", "Checkout answers 500", "--severity", "P0"]).succeeded();
    for state in [planted, journal] {
        says(&state);
        let report = shell.flightdeck(&["report"]).succeeded();
        assert!(!report.stdout.contains("This was a drill"), "{}", report.stdout);
    }
}

#[test]
fn a_second_terminal_is_told_how_to_take_part() {
    let world = World::new();
    let drill = Drill::start(&world);
    let there = world.shell(&drill.shell(&world).directory);
    there
        .flightdeck(&["note", "x"])
        .ended_with(2)
        .said("this is the repository of a drill")
        .said("/as NAME status");
    drill.shell(&world).flightdeck(&["note", "x"]).ended_with(2).said("no incident is open");
}
