//! Finishing a hotfix where a push deploys: the plan that pushes follows the pipeline that this starts.

use serde_json::Value;

use super::super::world::wait_until;
use super::Team;

const MORE: &str = "workflow = \"deploy.yml\"\non = \"push\"\n";
/// The trunk flow without gates, and a probe that watches for a moment.
const REST: &str = "[hotfix]\nflow = \"trunk\"\n[policy.finish_gates]\ntrunk = []\n\
                    [[probes]]\nname = \"api\"\nenvironment = \"staging\"\ncommand = [\"true\"]\ninterval = \"1s\"\n";
const FINISH: [&str; 4] = ["hotfix", "finish", "--confirm", "main"];

/// A repository with a bare origin and a fix on `main` that is not pushed.
fn fixed(within: &str) -> Team {
    fixed_at(within, "")
}

/// The same, with more about the environment that the push deploys to.
fn fixed_at(within: &str, about: &str) -> Team {
    let of = format!("{MORE}within = \"{within}\"\n");
    let team = Team::made("github-actions", &of, &format!("watch = \"1s\"\n{about}"), REST);
    fix(&team);
    team
}

/// A fix on `main` that is not pushed.
fn fix(team: &Team) {
    let origin = team.yard.world.path("origin.git");
    let git = |arguments: &[&str]| team.yard.shell.run("git", arguments).succeeded();
    git(&["add", "."]);
    git(&["commit", "-q", "-m", "Configure"]);
    git(&["init", "-q", "--bare", origin.to_str().unwrap()]);
    git(&["remote", "add", "origin", origin.to_str().unwrap()]);
    git(&["push", "-q", "-u", "origin", "main"]);
    std::fs::write(team.yard.file("pool.txt"), "200\n").unwrap();
    git(&["add", "."]);
    git(&["commit", "-q", "-m", "Raise the pool limit"]);
    let head = git(&["rev-parse", "HEAD"]).stdout;
    head.trim().clone_into(&mut team.ci.kept().head);
}

/// The plan of the finish: the extended watch that follows it is another.
fn plan(team: &Team) -> Value {
    let id = team.records("plan-started").first().unwrap()["plan"].as_str().unwrap().to_owned();
    team.yard.shell.json(&["plan", "show", "--json", &id])
}

#[test]
fn a_finish_follows_what_its_push_starts_to_the_watch() {
    let team = fixed("20s");
    let dry = team.yard.shell.flightdeck(&["hotfix", "finish", "--dry-run"]).succeeded().stdout;
    for wanted in [
        "a push to main deploys to staging: its pipeline is followed to its end, then staging is watched for 1s",
        "follow what the push to main starts",
    ] {
        assert!(dry.contains(wanted), "{wanted} in\n{dry}");
    }
    let mut verb = team.yard.begin(&FINISH);
    wait_until("the step", || {
        let started = team.records("step-started");
        (started.len() >= 3).then_some(())
    });
    team.ci.pushed();
    team.wait_state("queued");
    let commit = team.ci.kept().head.clone();
    assert_eq!(team.records("pipeline-seen")[0]["commit"], commit.as_str(), "it is on record with the run");
    // Whoever goes on knows the commit from the record.
    team.yard.kill_conductor();
    verb.wait("the finish");
    team.ci.set("completed", Some("success"));
    let id = plan(&team)["id"].as_str().unwrap().to_owned();
    team.yard.shell.flightdeck(&["plan", "resume", &id, "--confirm", "main"]).succeeded();
    let released = team.records("released");
    assert_eq!(released.len(), 1, "{released:?}");
    assert_eq!(
        (&released[0]["environment"], &released[0]["commit"], &released[0]["reference"]),
        (&"staging".into(), &commit.as_str().into(), &"main".into())
    );
    let judged = &team.records("release-judged")[0];
    assert_eq!((&judged["commit"], &judged["verdict"]), (&commit.as_str().into(), &"passed".into()));
    assert_eq!((plan(&team)["state"].as_str(), team.ci.started()), (Some("done"), 0));
    team.yard.shell.flightdeck(&["verify"]).succeeded();
}

#[test]
fn what_a_finish_looked_for_in_vain_is_named() {
    let team = fixed("1s");
    let short: String = team.ci.kept().head.chars().take(7).collect();
    let said =
        format!("shows no run of {short} by push after 1s; looked for deploy.yml in shop/payments-api");
    team.yard.shell.flightdeck(&FINISH).ended_with(1).said(&said);
    let there = team.yard.shell.run("git", &["ls-remote", "origin", "refs/heads/main"]).succeeded().stdout;
    assert!(there.starts_with(&team.ci.kept().head), "the fix is out: {there}");
    let learned = team.records("commit-learned").pop().unwrap();
    let head = team.ci.kept().head.clone();
    assert_eq!((learned["branch"].as_str(), learned["commit"].as_str()), (Some("main"), Some(&*head)));
    // It comes late, and is followed by whoever tries again.
    team.ci.pushed();
    team.ci.set("completed", Some("success"));
    let id = plan(&team)["id"].as_str().unwrap().to_owned();
    team.yard.shell.flightdeck(&["plan", "retry", &id, "--confirm", "main"]).succeeded();
    assert_eq!(team.records("released").len(), 1);
}

#[test]
fn what_only_a_command_knows_is_found_by_its_commit_and_followed_to_the_watch() {
    let of = "on = \"push\"\nwithin = \"2s\"\nstatus = [\"./ci.sh\", \"{id}\"]\n";
    let team = Team::made("command", of, "watch = \"1s\"\n", REST);
    let runs = team.yard.world.path("ci-runs");
    std::fs::create_dir(&runs).unwrap();
    let script = format!(
        "cd {} && [ -e \"$FLIGHTDECK_COMMIT\" ] || exit 1\nprintf '{{\"id\":\"7\",\"state\":\"%s\"%s}}' \"$(cat $FLIGHTDECK_COMMIT)\" \"$(cat named 2>/dev/null)\"",
        runs.display()
    );
    team.yard.script("ci.sh", &script);
    fix(&team);
    let head = team.ci.kept().head.clone();
    let short = head.get(..7).unwrap();
    let dry = team.yard.shell.flightdeck(&["hotfix", "finish", "--dry-run"]).succeeded().stdout;
    assert!(dry.contains("its pipeline is followed to its end, then staging is watched for 1s"), "{dry}");
    let said =
        format!("shows no run of {short} by push after 2s; asked ./ci.sh '' with FLIGHTDECK_COMMIT={short}");
    team.yard.shell.flightdeck(&FINISH).ended_with(1).said(&said);
    // One that is over and does not name its commit may be that of the commit before.
    std::fs::write(runs.join(&head), "Succeeded").unwrap();
    let id = plan(&team)["id"].as_str().unwrap().to_owned();
    team.yard.shell.flightdeck(&["plan", "retry", &id, "--confirm", "main"]).ended_with(1);
    assert!(team.records("released").is_empty());
    // It comes late.
    std::fs::write(runs.join("named"), format!(",\"commit\":\"{head}\"")).unwrap();
    let id = plan(&team)["id"].as_str().unwrap().to_owned();
    team.yard.shell.flightdeck(&["plan", "retry", &id, "--confirm", "main"]).succeeded();
    let seen = team.records("pipeline-seen").pop().unwrap();
    assert_eq!((&seen["id"], &seen["commit"]), (&"7".into(), &head.as_str().into()));
    assert_eq!(team.records("released")[0]["commit"], head.as_str());
    assert_eq!(team.records("release-judged")[0]["verdict"], "passed");
}

#[test]
fn without_a_token_the_fix_goes_out_and_it_is_said_that_nothing_is_followed() {
    let mut team = fixed("1s");
    team.yard.shell = team.yard.shell.clone().with("GITHUB_TOKEN", "");
    let dry = team.yard.shell.flightdeck(&["hotfix", "finish", "--dry-run"]).succeeded().stdout;
    assert!(
        dry.contains("deploys to staging, and its pipeline is not followed: no token for GitHub"),
        "{dry}"
    );
    team.yard.shell.flightdeck(&FINISH).succeeded();
    assert!(team.records("pipeline-seen").is_empty());
}

#[test]
fn a_push_that_deploys_is_confirmed_by_the_name_of_the_environment_and_waits_for_a_deploy_there() {
    let team = fixed_at("20s", "protected = true\ngates = []\n");
    let there = || team.yard.shell.run("git", &["ls-remote", "origin", "refs/heads/main"]).succeeded().stdout;
    let before = there();
    team.yard.shell.flightdeck(&FINISH).said("the plan's target is staging");
    team.ci.pushed();
    let mut deploy = team.yard.begin(&["deploy", "staging", "--confirm", "staging"]);
    team.wait_state("queued");
    team.yard.shell.flightdeck(&["hotfix", "finish", "--confirm", "staging"]).said("holds staging");
    assert_eq!(there(), before, "nothing went out");
    team.ci.set("completed", Some("success"));
    deploy.wait("the deploy");
    team.yard.shell.flightdeck(&["hotfix", "finish", "--confirm", "staging"]).succeeded();
    assert_ne!(there(), before);
}

#[test]
fn a_revert_that_is_pushed_follows_what_that_starts() {
    let rest = REST
        .replace("trunk = []\n", "trunk = []\n[policy]\nrollback_watch = \"1s\"\nextended_watch = \"0s\"\n");
    let rest = rest.replace("[policy.finish_gates]\ntrunk = []\n[policy]\n", "[policy]\n");
    let team = Team::made("github-actions", &format!("{MORE}within = \"20s\"\n"), "watch = \"1s\"\n", &rest);
    let origin = team.yard.world.path("origin.git");
    let git = |arguments: &[&str]| team.yard.shell.run("git", arguments).succeeded().stdout.trim().to_owned();
    git(&["add", "."]);
    git(&["commit", "-q", "-m", "Configure"]);
    git(&["tag", "v1.2.2"]);
    std::fs::write(team.yard.file("pool.txt"), "2\n").unwrap();
    git(&["add", "."]);
    git(&["commit", "-q", "-m", "Break it"]);
    git(&["tag", "v1.2.3"]);
    let bad = git(&["rev-parse", "HEAD"]);
    git(&["init", "-q", "--bare", origin.to_str().unwrap()]);
    git(&["remote", "add", "origin", origin.to_str().unwrap()]);
    git(&["push", "-q", "-u", "origin", "main", "--tags"]);
    let live = |arguments: &[&str]| team.yard.shell.flightdeck(arguments).succeeded();
    live(&["live", "staging", "v1.2.2", "--good", "--at", "2026-11-20T09:30:00Z"]);
    live(&["live", "staging", "v1.2.3"]);
    team.ci.kept().protected = true;
    let ways = live(&["rollback", "--env", "staging", "--list"]).stdout;
    assert!(ways.contains("proven ready, then waits for a timer of 30m and omar or team sre"), "{ways}");
    team.ci.kept().protected = false;
    let dry = team
        .yard
        .shell
        .flightdeck(&["rollback", "revert", "--env", "staging", "--dry-run"])
        .succeeded()
        .stdout;
    assert!(dry.contains("follow the pipeline that deploys main to staging"), "{dry}");
    assert!(!dry.contains("deploying nothing yet"), "{dry}");
    let mut back = team.yard.begin(&["rollback", "revert", "--env", "staging", "--confirm", "staging"]);
    let learned = wait_until("the commit", || team.records("commit-learned").pop());
    learned["commit"].as_str().unwrap().clone_into(&mut team.ci.kept().head);
    team.ci.pushed();
    team.wait_state("queued");
    team.ci.set("completed", Some("success"));
    assert!(back.wait("the rollback").success());
    let released = team.records("released").pop().unwrap();
    assert_eq!((&released["commit"], &released["rollback"]), (&learned["commit"], &true.into()));
    assert_eq!(released["replaces"], bad.as_str());
}
