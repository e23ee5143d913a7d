//! Two machines that want to deploy to one target: one of them does, and the other is told who.

use std::path::Path;
use std::time::{Duration, Instant};

use flightdeck::share::claim_reference;
use rustix::process::{Pid, Signal, kill_process};

use super::sharing_plans::{CONFIG, PLAN, Team, flightdeck};
use super::world::{Running, Shell, wait_until};

/// One environment that is protected.
const PROTECTED: &str = r#"
[[environments]]
name = "staging"
deploy = ["./deploy.sh", "{ref}"]
protected = true
gates = []
"#;

fn lease(team: &Team) -> Option<String> {
    let origin = Shell { directory: team.origin.clone(), ..team.world.shell(&team.world.path("home")) };
    let name = format!("{}:lease.json", claim_reference("staging", ""));
    let shown = origin.run("git", &["cat-file", "-p", &name]);
    (shown.code() == Some(0)).then_some(shown.stdout)
}

fn wait_lease(team: &Team) -> String {
    wait_until("the lease at the remote", || lease(team))
}

fn wait_free(team: &Team) {
    wait_until("the lease to be given back", || lease(team).is_none().then_some(()));
}

/// Puts something in the place of the lease, as anybody can who may push.
fn overwrite(shell: &Shell, commit: &str) {
    let reference = claim_reference("staging", "");
    shell.run("git", &["push", "--quiet", "--force", "origin", &format!("{commit}:{reference}")]).succeeded();
}

#[test]
fn of_two_machines_one_deploys_and_the_other_is_told_who() {
    let team = Team::new(CONFIG);
    team.omar.flightdeck(&["trust"]).succeeded();
    let mut verb = team.deploy();
    let there = wait_lease(&team);
    assert!(there.contains("\"person\":\"maya\"") && there.contains(PLAN), "{there}");
    // Whatever Omar's machine knows of the record: the remote tells.
    let refused = team.omar.flightdeck(&["deploy", "staging"]).ended_with(5);
    let refused = refused.said("maya holds staging").said(PLAN);
    drop(refused);
    let shown = team.omar.flightdeck(&["deploy", "staging", "--dry-run"]).succeeded();
    assert!(shown.stdout.contains("▲ maya holds staging"), "{}", shown.stdout);
    // What lies there is no lease any more: Maya's machine puts that right, and Omar's waits all the same.
    overwrite(&team.omar, "HEAD");
    team.omar.flightdeck(&["deploy", "staging"]).ended_with(3).said("is none").said("--override lease");
    std::fs::remove_file(team.maya.directory.join("block")).unwrap();
    verb.wait("the verb");
    overwrite(&team.omar, "HEAD");
    let reference = claim_reference("staging", "");
    team.omar.run("git", &["push", "--quiet", "origin", &format!(":{reference}")]).succeeded();
    // It is free: his plan has a name that hers cannot have.
    let his = team.omar.flightdeck(&["deploy", "staging"]).succeeded();
    assert!(his.stdout.starts_with("deploy-staging-") && !his.stdout.contains(PLAN), "{}", his.stdout);
    wait_free(&team);
}

#[test]
fn a_lease_is_given_back_and_one_of_a_killed_conductor_can_be_taken_over() {
    let team = Team::new(CONFIG);
    team.omar.flightdeck(&["trust"]).succeeded();
    let mut verb = team.deploy();
    let there: serde_json::Value = serde_json::from_str(wait_lease(&team).lines().next().unwrap()).unwrap();
    let pid = wait_until("the process of the plan", || {
        let text = lease(&team)?;
        let now: serde_json::Value = serde_json::from_str(text.lines().next()?).ok()?;
        (now["renewed"] != there["renewed"]).then(|| now["process"]["pid"].as_i64())?
    });
    kill_process(Pid::from_raw(i32::try_from(pid).unwrap()).unwrap(), Signal::KILL).unwrap();
    verb.0.kill().unwrap();
    std::fs::remove_file(team.maya.directory.join("block")).unwrap();
    team.omar.flightdeck(&["deploy", "staging"]).ended_with(5).said("maya holds staging");
    team.omar.flightdeck(&["plan", "take-over", "staging", "--reason", "her machine is off"]).succeeded();
    let told = team.omar.json(&["status", "--json"])["timeline"].to_string();
    assert!(told.contains("her machine is off"), "{told}");
    team.omar.flightdeck(&["deploy", "staging"]).succeeded();
    wait_free(&team);
}

#[test]
fn where_nobody_else_can_be_asked_a_protected_target_wants_a_reason() {
    let team = Team::new(PROTECTED);
    let back = team.without_remote();
    let deploy = ["deploy", "staging", "--confirm", "staging"];
    team.maya
        .flightdeck(&deploy)
        .ended_with(3)
        .said("nobody else can be asked whether they deploy to staging");
    let shown = team.maya.flightdeck(&["deploy", "staging", "--dry-run"]).succeeded().stdout;
    assert!(shown.contains("nobody else can be asked"), "{shown}");
    let with: Vec<&str> =
        deploy.into_iter().chain(["--override", "lease", "--reason", "all are on the call"]).collect();
    team.maya.flightdeck(&with).succeeded();
    let told = team.maya.flightdeck(&["plan", "show", PLAN]).succeeded().stdout;
    assert!(told.contains("gate lease overridden by maya: all are on the call"), "{told}");
    back();
}

#[test]
fn of_two_that_start_at_the_same_instant_one_does() {
    let team = Team::new(CONFIG);
    team.omar.flightdeck(&["trust"]).succeeded();
    let clones = [&team.maya, &team.omar];
    for clone in clones {
        std::fs::write(clone.directory.join("block"), "").unwrap();
    }
    let deploy = ["deploy", "staging", "--detach"];
    let mut both = clones.map(|clone| Running(clone.command(flightdeck(), &deploy).spawn().unwrap()));
    let mut codes = both.each_mut().map(|verb| verb.wait("the verb").code().unwrap());
    codes.sort_unstable();
    assert_eq!(codes, [0, 5]);
    let ran = || clones.iter().filter(|clone| clone.directory.join("deploys").exists()).count();
    wait_until("the deploy to run", || (ran() == 1).then_some(()));
    for clone in clones {
        std::fs::remove_file(clone.directory.join("block")).unwrap();
    }
    wait_free(&team);
    assert_eq!(ran(), 1);
}

#[test]
fn a_remote_that_hangs_costs_a_start_a_bounded_time() {
    let team = Team::new(CONFIG);
    let hanging = team.world.path("hanging");
    script(&hanging, "#!/bin/sh\nexec sleep 600\n");
    for name in ["remote.origin.receivepack", "remote.origin.uploadpack"] {
        team.maya.run("git", &["config", name, &hanging.to_string_lossy()]).succeeded();
    }
    team.maya.flightdeck(&["trust"]).succeeded();
    let began = Instant::now();
    team.maya.flightdeck(&["deploy", "staging", "--detach"]).succeeded();
    assert!(began.elapsed() < Duration::from_secs(40), "{:?}", began.elapsed());
    let trace = team.maya.directory.join("deploys");
    wait_until("the deploy to run", || trace.exists().then_some(()));
}

fn script(path: &Path, text: &str) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::write(path, text).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
}
