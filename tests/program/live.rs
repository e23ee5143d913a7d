//! `flightdeck live`: what is live, and what was before it, where nothing else knows it.

use serde_json::Value;

use super::approvals::{CONFIG, Site};

#[test]
fn a_deploy_without_a_known_release_is_let_through_once_somebody_names_what_was_live() {
    let config = CONFIG.replace(
        r#"gates = ["checks", "checklist", "approvals", "staging", "freeze"]"#,
        r#"gates = ["rollback"]"#,
    );
    let site = Site::new("P1", &config);
    site.shell.run("git", &["tag", "v0.3.0"]).succeeded();
    site.commit("fix: the pool is larger");
    let gate = |site: &Site| -> (String, String) {
        let shown = site.shell.flightdeck(&["deploy", "production", "--dry-run", "--json"]).succeeded();
        let plan: Value = serde_json::from_str(&shown.stdout).unwrap();
        let gate = &plan["gates"][0];
        (gate["met"].as_str().unwrap().to_owned(), gate["why"].as_str().unwrap().to_owned())
    };
    let (met, why) = gate(&site);
    assert_eq!(met, "no");
    assert!(why.contains("flightdeck live production TAG --good"), "{why}");
    // What is no environment, no commit, or known already is refused with what to do.
    site.shell.flightdeck(&["live", "prodction", "v0.3.0"]).ended_with(2).said("production");
    site.shell.flightdeck(&["live", "production", "v9.9.9"]).ended_with(2).said("no branch, tag or commit");
    // Whoever names it without vouching for it has said what is live, and not that it works.
    site.shell.flightdeck(&["live", "production", "v0.3.0"]).succeeded();
    site.shell.flightdeck(&["live", "production", "v0.3.0"]).ended_with(2).said("--good");
    assert_eq!(gate(&site).0, "no");
    site.shell.flightdeck(&["live", "production", "v0.3.0", "--good"]).succeeded();
    let (met, why) = gate(&site);
    assert_eq!((met.as_str(), why.contains("v0.3.0")), ("yes", true), "{why}");
    // What was live before it is named with its time, and does not become what is live now.
    site.shell.run("git", &["tag", "v0.2.0", "HEAD"]).succeeded();
    site.commit("feat: more");
    site.shell.flightdeck(&["live", "production", "v0.2.0", "--at", "+1h"]).ended_with(2).said("--at");
    let saved = site.shell.flightdeck(&["live", "production", "v0.2.0", "--good", "--at", "-3d"]).succeeded();
    saved.said("production got");
    site.shell.flightdeck(&["live", "production", "v0.3.0"]).ended_with(2).said("the record says so already");
    let again = site.shell.flightdeck(&["rollback", "--env", "production", "--list"]).succeeded();
    assert!(again.stdout.contains("v0.2.0"), "{again:?}");
}

#[test]
fn what_an_environment_says_of_itself_stands_against_what_somebody_writes_down() {
    let site = Site::new("P1", CONFIG);
    site.shell.run("git", &["tag", "v0.3.0"]).succeeded();
    let head = site.shell.run("git", &["rev-parse", "HEAD"]).succeeded().stdout;
    site.commit("fix: the pool is larger");
    let line = format!(r#"{{"commit":"{}","tag":"v0.3.0","at":"2026-01-05T09:00:00Z"}}"#, head.trim());
    std::fs::write(site.shell.directory.join("history.jsonl"), line + "\n").unwrap();
    let history = "name = \"production\"\nhistory = [\"cat\", \"history.jsonl\"]";
    std::fs::write(
        site.shell.directory.join("flightdeck.toml"),
        CONFIG.replace("name = \"production\"", history),
    )
    .unwrap();
    site.shell.flightdeck(&["trust"]).succeeded();
    // An incident that deploys nothing has what was live when it began, too: by what production tells at its end, or
    // by what an earlier one recorded at once.
    let told = |site: &Site| {
        let report = site.shell.flightdeck(&["report"]).succeeded().stdout;
        report.lines().find(|line| line.starts_with("Live when it began")).unwrap_or_default().to_owned()
    };
    assert!(told(&site).starts_with("Live when it began: not on record"), "{}", told(&site));
    site.shell.flightdeck(&["resolve", "--yes"]).succeeded();
    assert!(told(&site).contains(": v0.3.0 (") && told(&site).contains("since"), "{}", told(&site));
    site.shell.flightdeck(&["declare", "Once more", "--severity", "P1"]).succeeded();
    // It agrees.
    let agreed = site.shell.flightdeck(&["live", "production", "v0.3.0"]).succeeded();
    assert!(!agreed.stderr.contains("itself says"), "{}", agreed.stderr);
    let said = site.shell.flightdeck(&["live", "production", "HEAD"]).succeeded();
    assert!(
        said.stderr.contains("the `history` command of production says it runs v0.3.0"),
        "{}",
        said.stderr
    );
    let next = site.shell.json(&["status", "--json"])["next"].to_string();
    assert!(next.contains("production runs v0.3.0, the record says "), "{next}");
    site.shell.flightdeck(&["resolve", "--yes"]).succeeded();
    site.shell.flightdeck(&["declare", "The third", "--severity", "P1"]).succeeded();
    let known = format!(
        "Live when it began: {}",
        site.shell.run("git", &["rev-parse", "--short=7", "HEAD"]).stdout.trim()
    );
    assert!(told(&site).starts_with(&known), "{}", told(&site));
}

#[test]
fn a_deploy_names_what_it_brings_to_an_environment_that_tells_what_it_runs() {
    let site = Site::new("P1", CONFIG);
    let head = site.shell.run("git", &["rev-parse", "HEAD"]).succeeded().stdout;
    site.commit("fix: the pool is larger");
    let line = format!(r#"{{"commit":"{}","at":"2026-01-05T09:00:00Z"}}"#, head.trim());
    std::fs::write(site.world.path("history.jsonl"), line + "\n").unwrap();
    let history = "name = \"staging\"\nhistory = [\"cat\", \"../history.jsonl\"]";
    let config = CONFIG.replace("name = \"staging\"", history);
    std::fs::write(site.shell.directory.join("flightdeck.toml"), config).unwrap();
    site.shell.flightdeck(&["trust"]).succeeded();
    let shown = site.shell.flightdeck(&["deploy", "staging", "--dry-run"]).succeeded().stdout;
    assert!(shown.contains("brings 1 commit that staging lacks:"), "{shown}");
    assert!(shown.contains("fix: the pool is larger (Maya)"), "{shown}");
}
