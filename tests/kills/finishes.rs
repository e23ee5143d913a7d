//! Rounds of finishing a hotfix in git flow.

use std::fs::File;
use std::process::Stdio;

use serde_json::Value;

use crate::dice::{Dice, VICTIMS, is_something_alive, kill};
use crate::world::{PROGRAM, Running, Shell, World, wait_until};

const CONFIG: &str = "[hotfix]\nflow = \"git-flow\"\n\n[policy.finish_gates]\ngit-flow = []\n";

const VERBS: [&[&str]; 3] = [
    &["hotfix", "finish", "--confirm", "main"],
    &["plan", "resume", "--confirm", "main"],
    &["plan", "retry", "--confirm", "main"],
];

/// How often somebody goes on before it counts as a dead end.
const TRIES: usize = 40;

struct Flow {
    world: World,
    shell: Shell,
}

impl Flow {
    /// A bare origin, `main` in production, a `develop` that went on, and a fix.
    fn new() -> Self {
        let world = World::new();
        let root = world.path("r");
        std::fs::create_dir(&root).unwrap();
        let shell = world.shell(&root);
        let flow = Self { world, shell };
        let origin = flow.world.path("origin.git");
        let origin = origin.to_str().unwrap();
        flow.git(&["init", "--quiet", "--bare", origin]);
        flow.git(&["init", "--quiet"]);
        flow.commit("first", &[("flightdeck.toml", CONFIG), ("VERSION", "1.2.3\n"), ("pool.txt", "100\n")]);
        flow.git(&["tag", "-a", "-m", "first", "v1.2.3"]);
        flow.git(&["remote", "add", "origin", origin]);
        flow.git(&["switch", "--quiet", "--create", "develop"]);
        flow.commit("a feature", &[("next.txt", "next\n")]);
        flow.git(&["push", "--quiet", "origin", "main", "develop", "v1.2.3"]);
        flow.git(&["switch", "--quiet", "main"]);
        flow.shell.flightdeck(&["trust"]).succeeded();
        flow.shell.flightdeck(&["declare", "Pool is full", "--severity", "P0"]).succeeded();
        flow.shell.flightdeck(&["hotfix", "start", "pool"]).succeeded();
        flow.commit("raise the limit", &[("VERSION", "1.2.4\n"), ("pool.txt", "200\n")]);
        flow.git(&["push", "--quiet", "origin", "hotfix/pool"]);
        flow
    }

    fn git(&self, arguments: &[&str]) -> String {
        self.shell.run("git", arguments).succeeded().stdout.trim_end().to_owned()
    }

    fn commit(&self, message: &str, files: &[(&str, &str)]) {
        for (name, text) in files {
            std::fs::write(self.shell.directory.join(name), text).unwrap();
        }
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "-m", message]);
    }

    fn begin(&self, verb: &[&str]) -> Running {
        let mut command = self.shell.command(PROGRAM, verb);
        let said = File::create(self.world.path("said")).unwrap();
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(said);
        Running(command.spawn().unwrap())
    }

    /// What the last verb said to whoever typed it.
    fn said(&self) -> String {
        std::fs::read_to_string(self.world.path("said")).unwrap_or_default()
    }

    /// The last plan, once nobody is at it and nothing of it lives.
    fn standing_still(&self) -> Value {
        wait_until("the plan to stand still", || {
            let plans = self.shell.json(&["status", "--json"])["plans"].as_array().unwrap().clone();
            let last = plans.last().cloned().unwrap_or_default();
            (last["state"] != "running" && !is_something_alive(&self.world)).then_some(last)
        })
    }

    fn there(&self, name: &str) -> String {
        let origin = self.world.path("origin.git");
        self.git(&["--git-dir", origin.to_str().unwrap(), "log", "-1", "--format=%H %P", name])
    }

    /// Does what a person is told to do about the lock of a git that was killed, in a repository that
    /// people work in: nothing but a person deletes that.
    fn delete_locks(&self) {
        let mut folders = vec![self.shell.directory.join(".git"), self.world.path("origin.git")];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
                let path = entry.path();
                if path.is_dir() {
                    folders.push(path);
                } else if path.extension().is_some_and(|end| end == "lock") {
                    std::fs::remove_file(path).ok();
                }
            }
        }
    }
}

pub(crate) fn round(round: usize) {
    let mut dice = Dice::of(round);
    let flow = Flow::new();
    let [base, fix, develop] = ["main", "HEAD", "develop"].map(|name| flow.git(&["rev-parse", name]));
    let mut verb = flow.begin(VERBS[0]);
    dice.rest(4000);
    kill(&flow.world, dice.pick(&VICTIMS), &mut verb);
    verb.wait("the verb");
    let mut story = Vec::new();
    for attempt in 0..=TRIES {
        let plan = flow.standing_still();
        if plan["state"] == "done" && plan["id"].as_str().is_some_and(|id| id.starts_with("finish")) {
            break;
        }
        assert!(attempt < TRIES, "it never came to its end: {story:#?}");
        if plan.to_string().contains(".lock") || flow.said().contains(".lock") {
            flow.delete_locks();
        }
        // Whoever is told what can be done, or that nothing asks for a name, does that.
        let said = flow.said();
        let told = said.contains("flightdeck plan resume") || said.contains("--confirm names main");
        let picked = dice.pick(&VERBS);
        let verb: &[&str] = if told { &["plan", "resume"] } else { picked };
        story.push(format!("{}: {} ({}), then {verb:?}", plan["state"], plan["why"], flow.said()));
        let mut running = flow.begin(verb);
        if dice.below(3) == 0 && attempt < 3 {
            dice.rest(2500);
            kill(&flow.world, dice.pick(&VICTIMS), &mut running);
        }
        running.wait("the verb");
    }
    let main = flow.there("main");
    let (merged, parents) = main.split_once(' ').unwrap();
    assert_eq!(parents, format!("{base} {fix}"), "main: {story:#?}");
    assert_eq!(flow.there("v1.2.4^{commit}"), main, "the tag is on that merge: {story:#?}");
    let next = flow.there("develop");
    assert_eq!(next.split_once(' ').unwrap().1, format!("{develop} {merged}"), "develop: {story:#?}");
    let again = flow.shell.flightdeck(&["hotfix", "finish"]).succeeded();
    assert!(again.stdout.contains("nothing is left to do"), "{again:?}: {story:#?}");
    assert_eq!(flow.git(&["worktree", "list"]).lines().count(), 1, "nothing is left behind: {story:#?}");
    flow.shell.flightdeck(&["verify"]).succeeded();
}
