//! Deploys by commands, reported to the code host as deployments.

use serde_json::json;

use super::super::conductor::UNTIL_GO;
use super::super::world::wait_until;
use super::Team;
use super::host::{Ci, TOKEN};

/// A repository whose staging is deployed to by a command, and reported.
fn reporting(kind: &str, script: &str) -> Team {
    let ci = Ci::new();
    let version = if kind == "gitlab" { "v4" } else { "v3" };
    let config = format!(
        "[[environments]]\nname = \"staging\"\ndeploy = [\"./deploy.sh\"]\n[environments.report]\n\
         environment = \"staging-eu\"\nurl = \"https://eu.shop.test\"\n\
         [hotfix.pull]\nforge = \"{kind}\"\napi = \"{}/api/{version}\"\nrepository = \"shop/payments-api\"\n",
        ci.service.url
    );
    Team::of(ci, &config, script)
}

fn wait_told(team: &Team, told: &[&str]) {
    wait_until(&format!("{told:?}"), || (team.ci.kept().told == told).then_some(()));
}

#[test]
fn a_deploy_is_reported_as_it_begins_and_as_it_ends() {
    for (kind, host, running, done) in [
        ("github", "GitHub", "42 in_progress", "42 success"),
        ("gitlab", "GitLab", "42 running", "42 success"),
    ] {
        let team = reporting(kind, UNTIL_GO);
        let dry = team.yard.shell.flightdeck(&["deploy", "staging", "--dry-run"]).succeeded().stdout;
        assert!(dry.contains(&format!("reported at {host} as a deployment to staging-eu")), "{dry}");
        assert!(team.ci.kept().reported.is_empty());
        let mut verb = team.yard.begin(&["deploy", "staging"]);
        wait_told(&team, &[running]);
        team.yard.go();
        assert!(verb.wait("the deploy").success());
        wait_told(&team, &[running, done]);
        let head = team.ci.kept().head.clone();
        let made = team.ci.kept().reported[0]["made_of"].clone();
        if kind == "github" {
            let (merges, contexts) = (&made["auto_merge"], &made["required_contexts"]);
            assert_eq!((&made["ref"], merges, contexts), (&json!(head), &json!(false), &json!([])));
            assert_eq!(team.ci.sent()["environment_url"], "https://eu.shop.test");
        } else {
            assert_eq!(
                (&made["sha"], &made["ref"], &made["tag"]),
                (&json!(head), &json!("main"), &json!(false))
            );
        }
        assert_eq!(made["environment"], "staging-eu");
        let told = wait_until("the record", || {
            let told = team.records("deployment-reported");
            (told.len() == 2).then_some(told)
        });
        assert_eq!((&told[0]["state"], &told[1]["state"]), (&json!("running"), &json!("succeeded")));
        assert_eq!(told[1]["id"], "42");
        let status = team.yard.shell.json(&["status", "--json"]).to_string();
        assert!(
            status.contains(&format!("deployment to staging-eu reported at {host}: succeeded")),
            "{status}"
        );
        team.yard.shell.flightdeck(&["verify"]).succeeded();
    }
}

#[test]
fn a_deploy_that_fails_is_reported_so_and_a_lost_answer_makes_no_second_one() {
    for (kind, failed) in [("github", "42 failure"), ("gitlab", "42 failed")] {
        let team = reporting(kind, "while [ ! -e go ]; do sleep 0.02; done\nexit 3");
        team.ci.kept().loses_answer = true;
        let mut verb = team.yard.begin(&["deploy", "staging"]);
        wait_until("the deployment", || (!team.ci.kept().reported.is_empty()).then_some(()));
        team.ci.kept().loses_answer = false;
        team.yard.go();
        assert!(!verb.wait("the deploy").success());
        wait_until("the end of it", || {
            (team.ci.kept().told.last().map(String::as_str) == Some(failed)).then_some(())
        });
        assert_eq!(team.ci.kept().reported.len(), 1, "{kind}: it was looked for");
    }
}

#[test]
fn a_host_that_is_down_holds_no_deploy_up_and_is_told_by_the_next_plan() {
    let team = reporting("github", "true");
    team.ci.kept().down = true;
    team.yard.shell.flightdeck(&["deploy", "staging"]).succeeded();
    let failed = wait_until("the record", || team.records("deployment-reported").pop());
    let why = failed["why"].as_str().unwrap();
    assert!(why.contains("answers 503") && !why.contains(TOKEN), "{failed}");
    assert_eq!(team.show()["state"], "done");
    team.yard.kill_conductor_if_any();
    team.ci.kept().down = false;
    team.yard.shell.flightdeck(&["deploy", "staging"]).succeeded();
    wait_until("both", || {
        let told = team.ci.kept().told.clone();
        let done = |id: &str| told.contains(&format!("{id} success"));
        (done("42") && done("43")).then_some(())
    });
    assert_eq!(team.ci.kept().reported.len(), 2);
}

#[test]
fn the_doctor_says_whether_deploys_could_be_reported() {
    for (kind, scopes, lacks) in
        [("github", "repo_deployment", "read:org, workflow"), ("gitlab", "api", "read_api, read_repository")]
    {
        let team = reporting(kind, "true");
        let said = || team.yard.shell.flightdeck(&["doctor"]).stdout;
        let well = said();
        assert!(well.contains("staging: deployments to staging-eu in shop/payments-api"), "{well}");
        team.ci.kept().scopes = Some(scopes);
        assert!(said().contains("staging: deployments to staging-eu"), "{}", said());
        team.ci.kept().scopes = Some(lacks);
        let may_not = said();
        assert!(
            may_not.contains(&format!("the token has the scope {lacks} and may not report deployments")),
            "{may_not}"
        );
        if kind == "github" {
            team.ci.kept().scopes = None;
            team.ci.kept().reads_only = true;
            assert!(
                said().contains("may read shop/payments-api and not report deployments there"),
                "{}",
                said()
            );
        }
        assert!(team.ci.kept().reported.is_empty(), "nothing is reported by that");
    }
}
