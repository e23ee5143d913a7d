//! Rounds of deploying.

use std::path::PathBuf;
use std::process::Stdio;

use serde_json::Value;

use crate::dice::{Dice, VICTIMS, is_something_alive, kill};
use crate::world::{PROGRAM, Running, Shell, World, wait_until};

const CONFIG: &str = "
[[environments]]
name = \"staging\"
deploy = [\"./deploy.sh\"]
proof = [\"./proof.sh\"]
proof_within = \"2s\"
";

/// Leaves a line when it begins and ends. A child does the work; it would notice another one at work,
/// known by number and mark: numbers are given away again.
const DEPLOY: &str = "#!/bin/sh
if [ -s busy ]; then
  read -r pid run < busy
  ! grep -qazx \"FLIGHTDECK_RUN=$run\" \"/proc/$pid/environ\" 2> /dev/null || echo \"$FLIGHTDECK_RUN beside $run\" >> overlaps
fi
echo \"$FLIGHTDECK_RUN\" >> begun
round=$(cat round)
sh -c 'echo $$ $FLIGHTDECK_RUN > busy; sleep 0.2; echo $1 > is' - $round
sleep 0.1
echo \"$FLIGHTDECK_RUN\" >> ended
";

const PROOF: &str = "#!/bin/sh
[ \"$(cat is)\" = \"$(cat round)\" ] && echo \"$FLIGHTDECK_COMMIT\" || echo nothing
";

/// How often somebody goes on before it counts as a dead end.
const TRIES: usize = 30;

/// A repository with an incident in which one round follows another.
pub(crate) struct Lane {
    world: World,
    shell: Shell,
    /// Notes that were acknowledged.
    notes: Vec<String>,
}

impl Lane {
    pub(crate) fn new() -> Self {
        let world = World::new();
        let shell = world.repository("service").with("FLIGHTDECK_USER", "Maya");
        let lane = Self { world, shell, notes: Vec::new() };
        for (name, text) in
            [("flightdeck.toml", CONFIG), ("deploy.sh", DEPLOY), ("proof.sh", PROOF), ("is", "0\n")]
        {
            std::fs::write(lane.file(name), text).unwrap();
        }
        lane.shell.run("chmod", &["+x", "deploy.sh", "proof.sh"]).succeeded();
        lane.shell.flightdeck(&["trust"]).succeeded();
        lane.shell.flightdeck(&["declare", "Checkout answers 500", "--severity", "P0"]).succeeded();
        lane
    }

    fn file(&self, name: &str) -> PathBuf {
        self.shell.directory.join(name)
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.file(name)).unwrap_or_default()
    }

    fn begin(&self, verb: &[&str]) -> Running {
        let mut command = self.shell.command(PROGRAM, verb);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        Running(command.spawn().unwrap())
    }

    pub(crate) fn round(&mut self, round: usize) {
        let mut dice = Dice::of(round);
        let before = self.plans().len();
        std::fs::write(self.file("round"), format!("{round}\n")).unwrap();
        let mut verb = self.begin(&["deploy", "staging"]);
        let text = format!("note of round {round}");
        let mut note = self.begin(&["note", &text]);
        dice.rest(900);
        kill(&self.world, dice.pick(&VICTIMS), &mut verb);
        if dice.below(2) == 0 {
            note.0.kill().ok();
        }
        if note.wait("the note").success() {
            self.notes.push(text);
        }
        verb.wait("the verb");
        for attempt in 0..=TRIES {
            assert!(attempt < TRIES, "it never came to its end: {:?}", self.plans().last());
            let Some(plan) = self.standing_still(before) else {
                self.begin(&["deploy", "staging"]).wait("the deploy");
                continue;
            };
            self.is_true(round, &plan);
            if plan["state"] == "done" {
                break;
            }
            let id = plan["id"].as_str().unwrap();
            let verbs: [&[&str]; 4] = [
                &["plan", "resume", id],
                &["plan", "retry", id, "--confirm", "staging"],
                &["deploy", "staging"],
                &["run", "stop", id],
            ];
            let mut verb = self.begin(dice.pick(&verbs));
            if dice.below(3) == 0 && attempt < 3 {
                dice.rest(700);
                kill(&self.world, dice.pick(&VICTIMS), &mut verb);
            }
            verb.wait("the verb");
        }
        self.is_whole();
    }

    fn plans(&self) -> Vec<Value> {
        self.shell.json(&["status", "--json"])["plans"].as_array().unwrap().clone()
    }

    /// The last plan of the round, once nobody is at it; `None`: none was started.
    fn standing_still(&self, before: usize) -> Option<Value> {
        wait_until("the plan to stand still", || {
            let plans = self.plans();
            let last = plans.get(before..)?.last().cloned();
            last.as_ref().is_none_or(|plan| plan["state"] != "running").then_some(last)
        })
    }

    /// What is told of a plan is so.
    fn is_true(&self, round: usize, plan: &Value) {
        let id = plan["id"].as_str().unwrap();
        let shown = self.shell.json(&["plan", "show", "--json", id]);
        let step = &shown["steps"][0];
        let is = self.read("is").trim() == round.to_string();
        if step["state"] == "done" {
            assert!(is, "it is called done, and is not: {shown}");
        }
        if step["state"] == "failed" && step["proof"] == "not-done" {
            assert!(!is, "it is called not done, and is: {shown}");
        }
        let runs = self.shell.json(&["status", "--json"])["runs"].as_array().unwrap().clone();
        let ended = self.read("ended");
        for run in runs.iter().filter(|run| run["state"] == "exited" && run["code"] == 0) {
            let id = run["id"].as_str().unwrap();
            assert!(ended.lines().any(|line| line.ends_with(&format!("/{id}"))), "{run} did not end so");
        }
    }

    /// Nothing ran twice or beside another, and all that was acknowledged is there once.
    fn is_whole(&self) {
        wait_until("all commands to be gone", || (!is_something_alive(&self.world)).then_some(()));
        assert_eq!(self.read("overlaps"), "", "nothing is started beside another");
        let begun = self.read("begun");
        let mut once: Vec<_> = begun.lines().collect();
        once.sort_unstable();
        let all = once.len();
        once.dedup();
        assert_eq!(once.len(), all, "each run has begun once: {begun}");
        self.shell.flightdeck(&["verify"]).succeeded();
        let records = self.shell.flightdeck(&["export", "--format", "jsonl"]).succeeded().stdout;
        for note in &self.notes {
            let found = records.lines().filter(|line| line.contains(&format!("\"{note}\""))).count();
            assert_eq!(found, 1, "{note}");
        }
    }
}
