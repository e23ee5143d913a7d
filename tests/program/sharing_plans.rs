//! Plans that are carried out on one machine and seen, stopped and decided about from another.

use std::path::PathBuf;

use serde_json::Value;

use super::clones::{clone_elsewhere, declare};
use super::terminal::Terminal;
use super::world::{Running, Shell, World, wait_until};

pub(super) const CONFIG: &str = r#"
[[environments]]
name = "staging"
deploy = ["./deploy.sh", "{ref}"]
"#;

/// A part of the traffic first; then a person decides.
pub(super) const CANARY: &str = r#"
[[environments]]
name = "staging"
deploy = ["./deploy.sh", "{ref}"]
settle = "200ms"

[environments.canary]
weights = [10, 100]
set = ["./set.sh", "{weight}"]
weight = ["cat", "share"]
look = "1s"
ask = true

[[probes]]
name = "api"
command = ["true"]
environment = "staging"
interval = "200ms"
timeout = "100ms"
confirm = 1
"#;

/// Leaves a trace, then goes on for as long as the test wants, and fails if that is wanted.
const DEPLOY: &str = "#!/bin/sh
echo x >> deploys
for n in 1 2 3 4 5; do echo \"layer $n\"; done
while [ -e block ]; do sleep 0.02; done
[ -e fail ] || exit 0
echo 'the registry refused: token hunter-two' >&2
exit 3
";

/// Sets a share of the traffic.
const SET: &str = "#!/bin/sh\necho $1 > share\necho $1 >> shares\n";

/// A team of two clones, each with a state directory of its own, and an incident that both take part in.
pub(super) struct Team {
    pub(super) world: World,
    pub(super) origin: PathBuf,
    pub(super) maya: Shell,
    pub(super) omar: Shell,
}

impl Team {
    pub(super) fn new(config: &str) -> Self {
        let world = World::new();
        let app = world.repository("app");
        std::fs::write(app.directory.join("flightdeck.toml"), config).unwrap();
        for (name, text) in [("deploy.sh", DEPLOY), ("set.sh", SET)] {
            std::fs::write(app.directory.join(name), text).unwrap();
            app.run("chmod", &["+x", name]).succeeded();
        }
        std::fs::write(app.directory.join(".gitignore"), "block\nfail\ndeploys\nshare\nshares\n").unwrap();
        app.run("git", &["add", "--all"]).succeeded();
        app.run("git", &["commit", "--quiet", "-m", "deploy"]).succeeded();
        let origin = world.path("origin.git");
        app.run("git", &["clone", "--quiet", "--bare", ".", &origin.to_string_lossy()]).succeeded();
        let [maya, omar] = ["maya", "omar"].map(|name| clone_elsewhere(&world, &origin, name, name));
        declare(&maya, "Checkout answers 500");
        maya.flightdeck(&["trust"]).succeeded();
        maya.flightdeck(&["share", "sync"]).succeeded();
        omar.flightdeck(&["join"]).succeeded();
        Self { world, origin, maya, omar }
    }

    fn mark(&self, name: &str) -> PathBuf {
        let path = self.maya.directory.join(name);
        std::fs::write(&path, "").unwrap();
        path
    }

    /// Starts a deploy on Maya's machine, which goes on until it is let go.
    pub(super) fn deploy(&self) -> Running {
        self.mark("block");
        let verb = Running(self.maya.command(flightdeck(), &["deploy", "staging"]).spawn().unwrap());
        let trace = self.maya.directory.join("deploys");
        wait_until("the deploy to run", || trace.exists().then_some(()));
        verb
    }

    /// Takes the remote away; gives what brings it back.
    pub(super) fn without_remote(&self) -> impl FnOnce() + use<> {
        let (from, to) = (self.origin.clone(), self.world.path("aside.git"));
        std::fs::rename(&from, &to).unwrap();
        move || std::fs::rename(&to, &from).unwrap()
    }
}

pub(super) fn flightdeck() -> &'static str {
    env!("CARGO_BIN_EXE_flightdeck")
}

/// Waits until a plan is seen to be somehow at a place, which takes in what the other one sends.
fn wait_seen(shell: &Shell, id: &str, what: &str, is_so: impl Fn(&str) -> bool) -> Value {
    wait_until(&format!("{id} to be {what}"), || {
        shell.flightdeck(&["share", "sync"]);
        let shown = shell.flightdeck(&["plan", "show", "--json", id]);
        let plan: Value = serde_json::from_str(&shown.stdout).ok()?;
        is_so(plan["state"].as_str()?).then_some(plan)
    })
}

pub(super) fn wait_state(shell: &Shell, id: &str, state: &str) -> Value {
    wait_seen(shell, id, state, |now| now == state)
}

fn wait_over(shell: &Shell, id: &str) -> Value {
    wait_seen(shell, id, "over", |now| !["running", "waiting"].contains(&now))
}

pub(super) const PLAN: &str = "deploy-staging-1";

#[test]
fn a_plan_is_stopped_from_another_machine() {
    let team = Team::new(CONFIG);
    let mut verb = team.deploy();
    // Nobody has a cockpit open: the plan is shared by the process that carries it out.
    wait_state(&team.omar, PLAN, "running");
    let ended = team.omar.flightdeck(&["run", "stop", PLAN]).succeeded();
    let ended = ended.said("waiting for maya's machine").said("the request is at origin");
    assert!(ended.stderr.contains("sent INT"), "{}", ended.stderr);
    verb.wait("the verb");
    let seen = wait_over(&team.omar, PLAN);
    assert!(seen["why"].as_str().unwrap().contains("omar asked for a stop"), "{seen}");
}

#[test]
fn a_request_that_cannot_leave_says_so_and_is_heard_once_it_can() {
    let team = Team::new(CONFIG);
    let mut verb = team.deploy();
    wait_state(&team.omar, PLAN, "running");
    let back = team.without_remote();
    let asks =
        team.omar.command(flightdeck(), &["run", "stop", PLAN]).stderr(std::process::Stdio::piped()).spawn();
    let mut asks = Running(asks.unwrap());
    let mut told = std::io::BufReader::new(asks.0.stderr.take().unwrap());
    let mut next = || {
        let mut line = String::new();
        std::io::BufRead::read_line(&mut told, &mut line).unwrap();
        line
    };
    assert!(next().contains("waiting for maya's machine"));
    let line = next();
    assert!(line.contains("has not reached origin"), "{line}");
    back();
    let line = next();
    assert!(line.contains("the request is at origin"), "{line}");
    assert!(asks.wait("the request").success());
    verb.wait("the verb");
}

#[test]
fn the_end_of_what_failed_is_seen_on_another_machine() {
    let team = Team::new(CONFIG);
    team.mark("fail");
    let mut verb = team.deploy();
    std::fs::remove_file(team.maya.directory.join("block")).unwrap();
    verb.wait("the verb");
    wait_over(&team.omar, PLAN);
    // The end of its output is there, and nothing else of its log.
    let told = team.omar.flightdeck(&["plan", "show", PLAN]).succeeded().stdout;
    assert!(told.contains("│ layer 5\n") && told.contains("│ the registry refused"), "{told}");
    assert!(!told.contains("layer 1"), "{told}");
    team.omar.flightdeck(&["run", "log", PLAN]).ended_with(1).said("stays on maya's machine");
    // It is over: only where it ran can it be taken up again.
    let ended = team.omar.flightdeck(&["plan", "retry", PLAN, "--confirm", "staging"]).ended_with(1);
    ended.said("it was started on maya's machine");
}

#[test]
fn a_plan_that_waits_for_a_person_is_decided_about_from_another_machine() {
    let team = Team::new(CANARY);
    let mut verb = Running(team.maya.command(flightdeck(), &["deploy", "staging"]).spawn().unwrap());
    wait_state(&team.omar, PLAN, "waiting");
    let ended = team.omar.flightdeck(&["plan", "resume", PLAN]).succeeded();
    let ended = ended.said("asked to resume; waiting for maya's machine").said("the request is at origin");
    assert!(ended.stdout.contains("deploy-staging-1: done"), "{}", ended.stdout);
    assert!(verb.wait("the verb").success());
    let shares = std::fs::read_to_string(team.maya.directory.join("shares")).unwrap();
    assert_eq!(shares, "10\n100\n");
}

#[test]
fn a_cockpit_on_another_machine_stops_a_plan_and_names_where_it_runs() {
    let team = Team::new(CONFIG);
    let mut verb = team.deploy();
    wait_state(&team.omar, PLAN, "running");
    let there = Terminal::open(&team.omar, 36, 120, &[]);
    there.wait_text("deploy");
    there.press("o");
    there.wait_text("runs on maya's machine");
    there.press("x");
    there.wait_text("This asks maya's machine");
    there.press_until("y", "it to be asked", |screen| !screen.contains("This asks"));
    there.wait_for("the plan to be over", |screen| screen.contains("omar asked for a stop"));
    verb.wait("the verb");
}
