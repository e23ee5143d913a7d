//! What is found out about pipelines before they are needed, and of deploys that nobody made here.

use serde_json::Value;

use super::super::terminal::Terminal;
use super::super::world::World;
use super::Team;

#[test]
fn the_doctor_says_whether_a_pipeline_could_be_started() {
    let team = Team::actions();
    let said = |team: &Team| team.yard.shell.flightdeck(&["doctor"]).stdout;
    let lacks = |team: &Team, wanted: &str| {
        let doctor = said(team);
        assert!(doctor.contains(wanted), "{wanted} in\n{doctor}");
    };
    lacks(&team, "staging: deploy.yml in shop/payments-api");
    lacks(&team, "is active");
    team.ci.kept().workflow = "disabled_inactivity";
    lacks(&team, "the workflow deploy.yml is disabled inactivity: enable it first");
    team.ci.kept().workflow = "";
    lacks(&team, "shop/payments-api has no workflow deploy.yml on its default branch");
    team.ci.kept().workflow = "active";
    team.ci.kept().scopes = Some("read:org, workflow");
    lacks(
        &team,
        "the token has the scope read:org, workflow and may not start anything in shop/payments-api",
    );
    team.ci.kept().scopes = None;
    team.ci.kept().reads_only = true;
    lacks(&team, "may read shop/payments-api and not start anything there");
    team.ci.kept().refuses = Some(("401 Unauthorized", r#"{"message":"Bad credentials"}"#));
    lacks(&team, "GITHUB_TOKEN is still valid");
    assert_eq!(team.ci.started(), 0);

    let team = Team::at("gitlab", "");
    lacks(&team, "staging: shop/payments-api at 127.0.0.1");
    lacks(&team, "the owner of the token may start pipelines");
    team.ci.kept().scopes = Some("read_api");
    lacks(
        &team,
        "the token has the scope read_api and may not start anything in shop/payments-api: that needs api",
    );
    team.ci.kept().scopes = Some("api");
    lacks(&team, "the owner of the token may start pipelines");
    team.ci.kept().reads_only = true;
    lacks(&team, "may read shop/payments-api and not start anything there");
    assert_eq!(team.ci.started(), 0);
}

/// A workflow that somebody can start, asked for these inputs.
fn workflow(name: &str, inputs: &[&str]) -> String {
    let inputs: Vec<String> =
        inputs.iter().map(|input| format!("      {input}: {{ required: true }}\n")).collect();
    format!("name: {name}\non:\n  workflow_dispatch:\n    inputs:\n{}jobs: {{}}\n", inputs.concat())
}

#[test]
fn of_two_workflows_that_deploy_init_takes_the_one_called_so_and_offers_the_other() {
    let world = World::new();
    let shell = world.repository("service");
    let folder = shell.directory.join(".github/workflows");
    std::fs::create_dir_all(&folder).unwrap();
    let write = |file: &str, text: String| std::fs::write(folder.join(file), text).unwrap();
    write("release.yml", workflow("Release", &["version"]));
    write("ship.yml", workflow("Ship it", &["stage", "sha"]));
    let draft = || shell.flightdeck(&["init", "--print"]).succeeded().stdout;
    // Nobody can tell which of them deploys: both are offered, with what they are asked for.
    let open = draft();
    for wanted in [
        "release.yml may deploy, too",
        "input version = \"{ref}\"",
        "ship.yml may deploy, too",
        "input sha = \"{commit}\"",
    ] {
        assert!(open.contains(wanted), "{wanted} in\n{open}");
    }
    assert!(!open.lines().any(|line| line.starts_with("workflow =")), "{open}");
    std::fs::remove_file(folder.join("ship.yml")).unwrap();
    write("deploy.yml", workflow("Deploy", &["environment", "sha"]));
    let sure = draft();
    assert!(sure.lines().any(|line| line.starts_with("workflow = \"deploy.yml\"")), "{sure}");
    assert!(sure.contains("release.yml may deploy, too"), "{sure}");
    let told = shell.flightdeck(&["init"]).succeeded();
    let told = format!("{}{}", told.stdout, told.stderr);
    assert!(told.contains("workflow release.yml") && told.contains("may deploy, too"), "{told}");
    let config: Value = shell.json(&["config", "show", "--json"]);
    let pipeline = &config["environments"].as_array().unwrap().last().unwrap()["pipeline"];
    assert_eq!((&pipeline["kind"], &pipeline["workflow"]), (&"github-actions".into(), &"deploy.yml".into()));
    assert_eq!(pipeline["inputs"]["sha"], "{commit}");
}

#[test]
fn what_was_deployed_outside_is_live_suspected_listed_and_marked() {
    for (kind, more) in [("github-actions", "workflow = \"deploy.yml\"\n"), ("gitlab", "")] {
        let probe = "[[probes]]\nname = \"api\"\nenvironment = \"staging\"\ncommand = [\"true\"]\ninterval = \"1s\"\n";
        let team =
            Team::made(kind, &format!("{more}deployments = \"staging\"\n"), "protected = true\n", probe);
        let git =
            |arguments: &[&str]| team.yard.shell.run("git", arguments).succeeded().stdout.trim().to_owned();
        let before = git(&["rev-parse", "HEAD"]);
        git(&["tag", "v1.2.2"]);
        git(&["commit", "-q", "--allow-empty", "-m", "Break it"]);
        git(&["tag", "v1.2.3"]);
        let now = git(&["rev-parse", "HEAD"]);
        team.ci.deployed(&[(&before, "success"), (&now, "success")]);
        let at = jiff::Timestamp::now() - jiff::SignedDuration::from_secs(5);
        team.ci.kept().deployed_at(&now, at);
        let terminal = Terminal::open(&team.yard.shell, 45, 160, &[]);
        terminal.wait_text("Health");
        terminal.press("2z");
        let short = now.get(..7).unwrap();
        terminal.wait_text(&format!("▲ deploy main ({short})"));
        terminal.wait_text(&format!("main ({short}) live"));
        drop(terminal);
        let good = ["live", "staging", "v1.2.2", "--good", "--at", "2026-11-20T09:30:00Z"];
        team.yard.shell.flightdeck(&good).succeeded();
        let ways = team.yard.shell.flightdeck(&["rollback", "--env", "staging", "--list"]).succeeded().stdout;
        assert!(ways.contains("redeploy v1.2.2"), "{kind}: {ways}");
        let suspects = team.yard.shell.flightdeck(&["suspects"]).succeeded().stdout;
        assert!(suspects.contains("Break it"), "{kind}: {suspects}");
    }
}
