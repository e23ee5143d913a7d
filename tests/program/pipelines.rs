//! Deploys that are pipelines, at code hosts that hold state and answer in the shapes of the real ones.

mod again;
mod bad;
pub(crate) mod host;
mod kills;
mod limits;
mod pushed;
mod reported;
mod reviews;
mod told;
mod tools;

use serde_json::{Value, json};

use super::conductor::Yard;
use super::world::wait_until;
use host::{Ci, LOG, SECRET, TOKEN};

/// A repository whose staging is deployed to by a pipeline.
struct Team {
    ci: Ci,
    yard: Yard,
}

impl Team {
    fn at(kind: &str, more: &str) -> Self {
        Self::made(kind, more, "", "")
    }

    /// `of` is more of the pipeline, `about` more of the environment, `rest` the rest of the configuration.
    fn made(kind: &str, of: &str, about: &str, rest: &str) -> Self {
        let ci = Ci::new();
        let (forge, version) = if kind == "gitlab" { ("gitlab", "v4") } else { ("github", "v3") };
        let config = format!(
            "[[environments]]\nname = \"staging\"\n{about}[environments.pipeline]\nkind = \"{kind}\"\n{of}\
             interval = \"1s\"\n\
             [hotfix.pull]\nforge = \"{forge}\"\napi = \"{}/api/{version}\"\nrepository = \"shop/payments-api\"\n{rest}",
            ci.service.url
        );
        Self::of(ci, &config, "true")
    }

    /// At a host, with a script that deploys.
    fn of(ci: Ci, config: &str, script: &str) -> Self {
        let mut yard = Yard::new(config, script);
        yard.shell = yard.shell.clone().with("GITHUB_TOKEN", TOKEN).with("GITLAB_TOKEN", TOKEN);
        let head = yard.shell.run("git", &["rev-parse", "HEAD"]).succeeded().stdout;
        head.trim().clone_into(&mut ci.kept().head);
        Self { ci, yard }
    }

    fn actions() -> Self {
        let more = "workflow = \"deploy.yml\"\ninputs = { environment = \"{env}\", sha = \"{commit}\" }\n";
        Self::at("github-actions", more)
    }

    fn records(&self, kind: &str) -> Vec<Value> {
        let all = self.yard.shell.flightdeck(&["export", "--format", "jsonl"]).succeeded().stdout;
        let all = all.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        all.filter(|record| record["kind"] == kind).map(|record| record["body"].clone()).collect()
    }

    fn states(&self) -> Vec<String> {
        let seen = self.records("pipeline-seen");
        seen.iter().map(|seen| seen["state"].as_str().unwrap().to_owned()).collect()
    }

    fn wait_state(&self, state: &str) {
        wait_until(&format!("the pipeline to be {state}"), || {
            (self.states().last().map(String::as_str) == Some(state)).then_some(())
        });
    }

    fn show(&self) -> Value {
        self.yard.shell.json(&["plan", "show", "--json", PLAN])
    }

    fn log(&self) -> String {
        self.yard.shell.flightdeck(&["run", "log", "deploy-staging-1.0"]).stdout
    }
}

const PLAN: &str = "deploy-staging-1";

#[test]
fn a_workflow_is_started_once_followed_and_its_end_is_the_end_of_the_step() {
    let team = Team::actions();
    let dry = team.yard.shell.flightdeck(&["deploy", "staging", "--dry-run", "--verbose"]).succeeded();
    for wanted in ["actions/workflows/deploy.yml/dispatches on main", "environment=staging", "GITHUB_TOKEN"] {
        assert!(dry.stdout.contains(wanted), "{wanted} in\n{}", dry.stdout);
    }
    assert_eq!(team.ci.started(), 0, "a dry run starts nothing");
    let mut verb = team.yard.begin(&["deploy", "staging"]);
    team.wait_state("queued");
    let first = &team.records("pipeline-seen")[0];
    assert_eq!((first["id"].as_str(), first["plan"].as_str()), (Some("9001"), Some(PLAN)));
    assert!(first["url"].as_str().unwrap().ends_with("/actions/runs/9001"), "{first}");
    team.ci.set("in_progress", None);
    team.ci.jobs(&[("build", "completed", Some("success")), ("deploy", "in_progress", None)]);
    team.wait_state("running");
    team.ci.jobs(&[("build", "completed", Some("success")), ("deploy", "completed", Some("success"))]);
    team.ci.set("completed", Some("success"));
    assert!(verb.wait("the deploy").success());
    assert_eq!(team.states(), ["queued", "running", "succeeded"]);
    assert_eq!(team.records("released").len(), 1);
    let sent = team.ci.sent();
    assert_eq!(sent["ref"], "main");
    assert_eq!(sent["inputs"], json!({ "environment": "staging", "sha": team.ci.kept().head.clone() }));
    assert_eq!((team.ci.started(), sent["return_run_details"].as_bool()), (1, Some(true)));
    let log = team.log();
    assert!(log.contains(LOG) && !log.contains(SECRET), "{log}");
    assert!(log.contains("build succeeded") && log.contains("deploy succeeded"), "{log}");
    for request in team.ci.elsewhere.requests() {
        assert!(!request.contains("Bearer"), "no credential goes to where the logs are: {request}");
    }
    team.yard.shell.flightdeck(&["verify"]).succeeded();
}

#[test]
fn of_an_older_server_the_run_is_searched_for() {
    let team = Team::actions();
    team.ci.kept().older = true;
    let mut verb = team.yard.begin(&["deploy", "staging"]);
    team.wait_state("queued");
    team.ci.set("completed", Some("success"));
    assert!(verb.wait("the deploy").success());
    assert_eq!(team.ci.started(), 1);
    assert!(team.ci.sent().get("return_run_details").is_none());
}

#[test]
fn where_the_answer_is_lost_the_run_is_found_and_never_started_twice() {
    let team = Team::actions();
    team.ci.kept().loses_answer = true;
    let mut verb = team.yard.begin(&["deploy", "staging"]);
    team.wait_state("queued");
    team.ci.set("completed", Some("success"));
    assert!(verb.wait("the deploy").success());
    assert_eq!(team.ci.started(), 1);
}

#[test]
fn of_two_that_may_be_ours_a_person_decides() {
    let team = Team::actions();
    team.ci.kept().loses_answer = true;
    team.ci.kept().twin = true;
    team.yard.shell.flightdeck(&["deploy", "staging"]).ended_with(6).said("2 runs may be the one");
    assert_eq!((team.ci.started(), team.show()["steps"][0]["state"].as_str()), (1, Some("unknown")));
}

#[test]
fn a_conductor_that_was_killed_is_followed_by_one_that_starts_nothing() {
    let team = Team::actions();
    let mut verb = team.yard.begin(&["deploy", "staging"]);
    team.wait_state("queued");
    team.yard.kill_conductor();
    verb.wait("the verb");
    assert_eq!(team.show()["steps"][0]["state"], "unknown");
    team.ci.set("completed", Some("success"));
    team.yard.shell.flightdeck(&["plan", "resume", PLAN]).succeeded();
    assert_eq!(team.ci.started(), 1);
    assert_eq!(team.show()["state"], "done");
    assert_eq!(team.records("released").len(), 1);
}

#[test]
fn what_runs_on_another_commit_is_cancelled() {
    let team = Team::actions();
    team.ci.kept().head = "77b0d13000000000000000000000000000000000".to_owned();
    let mut verb = team.yard.begin(&["deploy", "staging"]);
    wait_until("the cancel", || (team.ci.cancelled() == 1).then_some(()));
    team.ci.set("completed", Some("cancelled"));
    assert!(!verb.wait("the deploy").success());
    let why = team.show()["steps"][0]["outcome"]["why"].as_str().unwrap().to_owned();
    assert!(why.contains("runs on 77b0d13") && why.contains("it was cancelled"), "{why}");
    assert_eq!((team.ci.cancelled(), team.records("released").len()), (1, 0));
}

#[test]
fn where_nothing_tells_whose_a_run_is_it_is_not_taken_for_ours() {
    let more = "workflow = \"deploy.yml\"\nref = \"ops\"\ninputs = { sha = \"{commit}\" }\n";
    let team = Team::at("github-actions", more);
    team.ci.kept().loses_answer = true;
    team.yard.shell.flightdeck(&["deploy", "staging"]).ended_with(6).said("this run may be the one");
    assert_eq!((team.ci.started(), team.records("released").len()), (1, 0));
}

#[test]
fn stopping_the_step_cancels_the_run_and_waits_for_its_end() {
    let team = Team::actions();
    let mut verb = team.yard.begin(&["deploy", "staging"]);
    team.wait_state("queued");
    team.ci.set("in_progress", None);
    team.wait_state("running");
    let _stop = team.yard.begin(&["run", "stop", "deploy-staging-1.0"]);
    wait_until("the cancel", || (team.ci.cancelled() == 1).then_some(()));
    assert_eq!(team.show()["state"], "running", "it is not over before its host says so");
    let _again = team.yard.begin(&["run", "stop", "deploy-staging-1.0"]);
    wait_until("the second cancel", || (team.ci.kept().rerun == ["9001 force-cancel"]).then_some(()));
    assert_eq!(team.show()["state"], "running", "nor then");
    team.ci.set("completed", Some("cancelled"));
    verb.wait("the deploy");
    assert_eq!(
        (team.show()["state"].as_str(), team.states().last().unwrap().as_str()),
        (Some("cancelled"), "cancelled")
    );
}

#[test]
fn a_run_that_fails_names_the_job_and_keeps_its_output() {
    let team = Team::actions();
    let mut verb = team.yard.begin(&["deploy", "staging"]);
    team.wait_state("queued");
    team.ci.jobs(&[("build", "completed", Some("success")), ("migrate", "completed", Some("failure"))]);
    team.ci.set("completed", Some("failure"));
    assert!(!verb.wait("the deploy").success());
    let plan = team.show();
    assert_eq!(
        (plan["state"].as_str(), plan["steps"][0]["outcome"]["state"].as_str()),
        (Some("failed"), Some("failed"))
    );
    let why = plan["steps"][0]["outcome"]["why"].as_str().unwrap();
    assert!(why.contains("failed in migrate at Run"), "{why}");
    assert!(team.log().contains(LOG));
}

#[test]
fn who_has_to_approve_at_the_host_is_named_and_it_goes_on_once_they_did() {
    let team = Team::actions();
    let mut verb = team.yard.begin(&["deploy", "staging"]);
    team.wait_state("queued");
    team.ci.set("waiting", None);
    team.wait_state("waiting");
    let plan = team.show();
    assert_eq!(plan["state"], "waiting");
    assert_eq!(
        (plan["steps"][0]["pipeline"]["id"].as_str(), plan["steps"][0]["pipeline"]["state"].as_str()),
        (Some("9001"), Some("waiting"))
    );
    let status = team.yard.shell.flightdeck(&["status"]).succeeded().stdout;
    assert!(status.contains("approval of staging by sre"), "{status}");
    team.ci.set("completed", Some("success"));
    assert!(verb.wait("the deploy").success());
}

#[test]
fn a_plan_says_whom_its_pipeline_will_wait_for() {
    for (kind, more, waits) in [
        (
            "github-actions",
            "workflow = \"deploy.yml\"\n",
            [
                "the pipeline waits 30m (GitHub environment staging, wait timer)",
                "the pipeline waits for a reviewer: omar, team sre (GitHub environment staging)",
            ],
        ),
        ("gitlab", "", ["waits for 2 approvals: Maintainers (GitLab environment staging)"; 2]),
    ] {
        let team = Team::at(kind, more);
        let dry = || team.yard.shell.flightdeck(&["deploy", "staging", "--dry-run"]).succeeded().stdout;
        let free = dry();
        assert!(!free.contains("waits"), "nothing protects it: {free}");
        let hash = |text: &str| {
            let line = text.lines().find(|line| line.contains("hash")).map(str::to_owned);
            line.unwrap_or_default()
        };
        team.ci.kept().protected = true;
        let shown = dry();
        for wanted in waits {
            assert!(shown.contains(wanted), "{wanted} in\n{shown}");
        }
        assert_eq!(hash(&free), hash(&shown), "it is no part of what is approved");
        team.ci.kept().refuses = Some(("403 Forbidden", r#"{"message":"Resource not accessible"}"#));
        let unknown = dry();
        assert!(
            unknown.contains("whether the pipeline waits for reviewers is not known")
                && unknown.contains("no permission"),
            "{unknown}"
        );
    }
}

#[test]
fn what_it_waits_for_is_approved_from_here_where_the_token_may() {
    let team = Team::actions();
    let mut verb = team.yard.begin(&["deploy", "staging"]);
    team.wait_state("queued");
    team.yard.shell.flightdeck(&["plan", "review", "--approve", "--comment", "go"]).ended_with(2);
    team.ci.kept().may_approve = true;
    team.ci.set("waiting", None);
    team.wait_state("waiting");
    let shown = team.yard.shell.flightdeck(&["plan", "show"]).succeeded().stdout;
    assert!(shown.contains("approve staging in deploy.yml #42 (GitHub Actions)"), "{shown}");
    team.yard
        .shell
        .flightdeck(&["plan", "review", "--approve", "--comment", "on the call", "--detach"])
        .succeeded();
    let reviewed = wait_until("the review", || team.ci.kept().reviewed.clone());
    assert_eq!(
        reviewed,
        json!({ "environment_ids": [31], "state": "approved", "comment": "on the call (Maya)" })
    );
    team.ci.set("completed", Some("success"));
    assert!(verb.wait("the deploy").success());
}

#[test]
fn what_a_push_starts_is_found_by_its_commit_and_followed() {
    let team = Team::at("github-actions", "workflow = \"deploy.yml\"\non = \"push\"\nwithin = \"20s\"\n");
    team.ci.pushed();
    team.ci.set("completed", Some("success"));
    team.yard.shell.flightdeck(&["deploy", "staging"]).succeeded();
    assert_eq!(team.ci.started(), 0);
}

#[test]
fn what_no_push_started_is_said_with_what_was_looked_for() {
    let team = Team::at("github-actions", "workflow = \"deploy.yml\"\non = \"push\"\nwithin = \"1s\"\n");
    let short: String = team.ci.kept().head.chars().take(7).collect();
    let said = format!("shows no run of {short} by push after 1s");
    team.yard.shell.flightdeck(&["deploy", "staging"]).ended_with(1).said(&said);
}

#[test]
fn a_branch_that_is_not_pushed_is_named_before_its_pipeline_is_started() {
    let team = Team::actions();
    let origin = team.yard.world.path("origin.git");
    let git = |arguments: &[&str]| team.yard.shell.run("git", arguments).succeeded();
    let dry = || team.yard.shell.flightdeck(&["deploy", "staging", "--dry-run"]).succeeded().stdout;
    git(&["init", "-q", "--bare", origin.to_str().unwrap()]);
    git(&["remote", "add", "origin", origin.to_str().unwrap()]);
    assert!(
        dry().contains(
            "main is not at origin yet, as far as is known here: push it first: git push origin main"
        )
    );
    git(&["push", "-q", "origin", "main"]);
    assert!(!dry().contains("push it first"), "{}", dry());
    git(&["commit", "-q", "--allow-empty", "-m", "More"]);
    assert!(dry().contains("not at this commit: push it first: git push origin main"), "{}", dry());
}

#[test]
fn what_a_command_may_have_started_is_asked_about_before_another_is_started() {
    let more = "start = [\"./ops.sh\", \"start\"]\nstatus = [\"./ops.sh\", \"status\", \"{id}\"]\n";
    let team = Team::at("command", more);
    let script = "case $1 in start) echo started >> starts; while [ ! -e go ]; do sleep 0.02; done; echo app-7;; \
                  status) [ -n \"$2\" ] || { echo 'it lists nothing' >&2; exit 3; }; \
                  printf '{\"id\":\"%s\",\"state\":\"Healthy\"}\\n' \"$2\";; esac";
    team.yard.script("ops.sh", script);
    let starts = || std::fs::read_to_string(team.yard.file("starts")).unwrap_or_default().lines().count();
    let mut verb = team.yard.begin(&["deploy", "staging"]);
    wait_until("the start", || (starts() == 1).then_some(()));
    team.yard.kill_conductor();
    verb.wait("the verb");
    team.yard.go();
    wait_until("its end", || team.yard.processes("deploy-staging-1.0").is_empty().then_some(()));
    let retry = ["plan", "retry", PLAN, "--confirm", "staging"];
    let told = team.yard.shell.flightdeck(&retry).ended_with(6);
    told.said("whether it was started before cannot be told");
    assert_eq!(starts(), 1, "nobody asked for another");
    team.yard.shell.flightdeck(&retry).succeeded();
    assert_eq!((starts(), team.records("released").len()), (2, 1));
}

#[test]
fn a_run_that_a_command_names_without_its_commit_is_left_to_a_person() {
    let more = "start = [\"./ops.sh\", \"start\"]\nstatus = [\"./ops.sh\", \"status\", \"{id}\"]\n";
    let team = Team::at("command", more);
    let script = "case $1 in start) echo started >> starts; while [ ! -e go ]; do sleep 0.02; done; echo app-7;; \
                  status) echo '{\"id\":\"app-7\",\"state\":\"Progressing\"}';; esac";
    team.yard.script("ops.sh", script);
    let starts = || std::fs::read_to_string(team.yard.file("starts")).unwrap_or_default().lines().count();
    let mut verb = team.yard.begin(&["deploy", "staging"]);
    wait_until("the start", || (starts() == 1).then_some(()));
    team.yard.kill_conductor();
    verb.wait("the verb");
    team.yard.go();
    wait_until("its end", || team.yard.processes("deploy-staging-1.0").is_empty().then_some(()));
    let retry = ["plan", "retry", PLAN, "--confirm", "staging"];
    team.yard.shell.flightdeck(&retry).ended_with(6).said("this run may be the one: run app-7");
    assert_eq!(starts(), 1, "it is not started twice unasked");
}

#[test]
fn a_pipeline_of_gitlab_is_followed_too() {
    let team = Team::at("gitlab", "inputs = { DEPLOY_ENV = \"{env}\" }\n");
    let mut verb = team.yard.begin(&["deploy", "staging"]);
    team.wait_state("queued");
    assert_eq!(
        team.ci.sent(),
        json!({ "ref": "main", "variables": [{ "key": "DEPLOY_ENV", "value": "staging" }] })
    );
    team.ci.jobs(&[("release", "manual", None)]);
    team.ci.set("manual", None);
    team.wait_state("waiting");
    let status = || team.yard.shell.flightdeck(&["status"]).succeeded().stdout;
    wait_until("its manual job", || status().contains("approval of release").then_some(()));
    team.ci.jobs(&[("release", "success", None)]);
    team.ci.set("success", None);
    assert!(verb.wait("the deploy").success());
    assert!(team.log().contains(LOG));
}

#[test]
fn a_job_of_gitlab_that_does_not_listen_is_cancelled_with_force() {
    let team = Team::at("gitlab", "");
    let mut verb = team.yard.begin(&["deploy", "staging"]);
    team.wait_state("queued");
    team.ci.jobs(&[("release", "running", None)]);
    team.ci.set("running", None);
    team.wait_state("running");
    let _stop = team.yard.begin(&["run", "stop", "deploy-staging-1.0"]);
    wait_until("the cancel", || (team.ci.cancelled() == 1).then_some(()));
    assert!(team.ci.kept().rerun.is_empty());
    team.ci.jobs(&[("release", "canceling", None)]);
    let _again = team.yard.begin(&["run", "stop", "deploy-staging-1.0"]);
    wait_until("the force", || (team.ci.kept().rerun == ["cancel 501 with force"]).then_some(()));
    team.ci.jobs(&[("release", "canceled", None)]);
    team.ci.set("canceled", None);
    verb.wait("the deploy");
    assert_eq!(team.show()["state"], "cancelled");
}

#[test]
fn a_trigger_token_starts_a_pipeline_of_gitlab_and_is_shown_nowhere() {
    let secret = "[[secrets]]\nname = \"DEPLOY_TRIGGER\"\nenv = \"DEPLOY_TRIGGER\"\n";
    let mut team = Team::made(
        "gitlab",
        "trigger = \"DEPLOY_TRIGGER\"\ninputs = { DEPLOY_ENV = \"{env}\" }\n",
        "",
        secret,
    );
    team.yard.shell = team.yard.shell.clone().with("DEPLOY_TRIGGER", "glptt-5e1dTESTofNobody");
    let mut verb = team.yard.begin(&["deploy", "staging"]);
    team.wait_state("queued");
    let sent =
        json!({ "token": "glptt-5e1dTESTofNobody", "ref": "main", "variables": { "DEPLOY_ENV": "staging" } });
    assert_eq!(team.ci.sent(), sent);
    team.ci.set("success", None);
    assert!(verb.wait("the deploy").success());
    let all = team.yard.shell.flightdeck(&["export", "--format", "jsonl"]).succeeded().stdout;
    assert!(!all.contains("glptt-") && !team.log().contains("glptt-"));
}

#[test]
fn a_deployment_of_gitlab_that_lacks_approvals_is_approved_and_its_job_played() {
    let team = Team::at("gitlab", "");
    team.ci.kept().approvals = 2;
    let mut verb = team.yard.begin(&["deploy", "staging"]);
    team.wait_state("queued");
    team.ci.jobs(&[("release", "manual", None)]);
    team.ci.set("manual", None);
    team.wait_state("waiting");
    let named = || team.yard.shell.flightdeck(&["status"]).succeeded().stdout;
    wait_until("who approves", || {
        named().contains("approval of release (staging) by Release managers").then_some(())
    });
    let approve = ["plan", "review", "--approve", "--comment", "on the call", "--detach"];
    team.yard.shell.flightdeck(&approve).succeeded();
    wait_until("an approval", || (team.ci.kept().lacks(300) == 1).then_some(()));
    let reviewed = team.ci.kept().reviewed.clone();
    assert_eq!(reviewed, Some(json!({ "status": "approved", "comment": "on the call (Maya)" })));
    assert!(team.ci.kept().rerun.is_empty(), "it lacks another");
    team.yard.shell.flightdeck(&approve).succeeded();
    wait_until("the job", || (team.ci.kept().rerun == ["play 501"]).then_some(()));
    team.ci.jobs(&[("release", "success", None)]);
    team.ci.set("success", None);
    assert!(verb.wait("the deploy").success());
}

#[test]
fn a_job_of_gitlab_that_somebody_else_played_is_not_played_again() {
    let team = Team::at("gitlab", "");
    let mut verb = team.yard.begin(&["deploy", "staging"]);
    team.wait_state("queued");
    team.ci.jobs(&[("release", "manual", None)]);
    team.ci.set("manual", None);
    team.wait_state("waiting");
    let status = || team.yard.shell.flightdeck(&["status"]).succeeded().stdout;
    wait_until("its manual job", || status().contains("approval of release").then_some(()));
    team.ci.kept().played = true;
    let approve = ["plan", "review", "--approve", "--comment", "on the call", "--detach"];
    team.yard.shell.flightdeck(&approve).succeeded();
    wait_until("the refusal", || status().contains("release is running by now").then_some(()));
    assert!(team.ci.kept().rerun.is_empty());
    team.ci.set("success", None);
    assert!(verb.wait("the deploy").success());
}

#[test]
fn of_two_deployments_of_gitlab_that_are_called_the_same_the_one_on_the_screen_is_approved() {
    let team = Team::at("gitlab", "");
    team.ci.kept().approvals = 1;
    let mut verb = team.yard.begin(&["deploy", "staging"]);
    team.wait_state("queued");
    team.ci.jobs(&[("release", "manual", None)]);
    team.ci.set("manual", None);
    let ids = |wanted: &str| {
        wait_until(wanted, || (team.records("pipeline-seen").pop()?["ids"] == json!([wanted])).then_some(()));
    };
    ids("501/300");
    // Somebody gives that one meanwhile. The next is of the same name and environment.
    team.ci.kept().blocked = 301;
    team.ci.jobs(&[("release", "success", None), ("release", "manual", None)]);
    ids("502/301");
    team.yard
        .shell
        .flightdeck(&["plan", "review", "--approve", "--comment", "on the call", "--detach"])
        .succeeded();
    wait_until("the job", || (team.ci.kept().rerun == ["play 502"]).then_some(()));
    let decided = team.records("plan-asked").pop().unwrap();
    assert_eq!(decided["decision"]["ids"], json!(["502/301"]), "{decided}");
    team.ci.set("success", None);
    assert!(verb.wait("the deploy").success());
}

#[test]
fn commands_of_the_team_start_follow_and_cancel_what_only_they_know() {
    let more = "start = [\"./ops.sh\", \"start\", \"{commit}\"]\nstatus = [\"./ops.sh\", \"status\", \"{id}\"]\n\
                logs = [\"./ops.sh\", \"logs\", \"{id}\"]\ncancel = [\"./ops.sh\", \"cancel\", \"{id}\"]\n";
    let team = Team::at("command", more);
    let script = "case $1 in start) echo started >> starts; echo app-7;; \
                  status) printf '{\"id\":\"%s\",\"state\":\"%s\"}\\n' \"$2\" \"$(cat state)\";; \
                  logs) echo \"syncing $2\";; cancel) echo \"$2\" >> cancels; echo Aborted > state;; esac";
    team.yard.script("ops.sh", script);
    std::fs::write(team.yard.file("state"), "Progressing").unwrap();
    let mut verb = team.yard.begin(&["deploy", "staging"]);
    team.wait_state("running");
    std::fs::write(team.yard.file("state"), "Healthy").unwrap();
    assert!(verb.wait("the deploy").success());
    assert!(team.log().contains("syncing app-7"), "{}", team.log());
    assert_eq!(std::fs::read_to_string(team.yard.file("starts")).unwrap(), "started\n");
    // And once more, to be stopped.
    std::fs::write(team.yard.file("state"), "Progressing").unwrap();
    let mut verb = team.yard.begin(&["deploy", "staging"]);
    wait_until("the second run", || (team.states().last().unwrap() == "running").then_some(()));
    team.yard.shell.flightdeck(&["run", "stop", "deploy-staging-2.0"]).succeeded();
    verb.wait("the deploy");
    assert_eq!(std::fs::read_to_string(team.yard.file("cancels")).unwrap(), "app-7\n");
    assert_eq!(team.yard.shell.json(&["plan", "show", "--json", "deploy-staging-2"])["state"], "cancelled");
}

#[test]
fn what_the_host_deployed_before_can_be_gone_back_to() {
    for (kind, more) in [("github-actions", "workflow = \"deploy.yml\"\n"), ("gitlab", "")] {
        let team = Team::at(kind, &format!("{more}deployments = \"staging\"\n"));
        let before = team.ci.kept().head.clone();
        let git =
            |arguments: &[&str]| team.yard.shell.run("git", arguments).succeeded().stdout.trim().to_owned();
        git(&["tag", "v1.2.2"]);
        git(&["commit", "-q", "--allow-empty", "-m", "Break it"]);
        team.ci.deployed(&[
            (&before, "success"),
            (&git(&["rev-parse", "HEAD"]), "success"),
            ("77", "failure"),
        ]);
        let good = ["live", "staging", "v1.2.2", "--good", "--at", "2026-11-20T09:30:00Z"];
        team.yard.shell.flightdeck(&good).succeeded();
        // That the next one is live by now is what the host says.
        let ways = team.yard.shell.flightdeck(&["rollback", "--env", "staging", "--list"]).succeeded().stdout;
        assert!(ways.contains("redeploy  redeploy v1.2.2") && ways.contains("Break it"), "{kind}: {ways}");
        assert!(!ways.contains("then waits"), "{kind}: {ways}");
        team.ci.kept().protected = true;
        let who = if kind == "gitlab" {
            "2 approvals of Maintainers"
        } else {
            "a timer of 30m and omar or team sre"
        };
        let ways = team.yard.shell.flightdeck(&["rollback", "--env", "staging", "--list"]).succeeded().stdout;
        assert!(ways.contains(&format!("proven ready, then waits for {who}")), "{kind}: {ways}");
        let dry = ["rollback", "redeploy", "--env", "staging", "--dry-run"];
        let dry = team.yard.shell.flightdeck(&dry).succeeded().stdout;
        assert!(dry.contains("the pipeline waits for"), "{kind}: {dry}");
    }
}
