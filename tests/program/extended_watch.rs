//! The extended watch: what passed its watch in production is watched on from a distance, and production is
//! free meanwhile.

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::conductor::Yard;
use super::world::wait_until;

struct Shop {
    yard: Yard,
}

impl Shop {
    /// A yard whose production is watched for a second, and then for so long from a distance.
    fn watched_for(time: &str) -> Self {
        let config = format!(
            "[policy]\nextended_watch = \"{time}\"\n[[environments]]\nname = \"production\"\n\
             deploy = [\"./deploy.sh\"]\nproof = [\"./proof.sh\"]\nwatch = \"1s\"\nsettle = \"0s\"\n\
             [[probes]]\nname = \"api\"\nenvironment = \"production\"\ncommand = [\"./health.sh\"]\n\
             interval = \"200ms\"\ntimeout = \"100ms\"\nconfirm = 1\ncovers = [\"performance\"]\n"
        );
        let yard = Yard::new(&config, "true");
        yard.script("health.sh", "test ! -e down");
        std::fs::write(yard.file(".git/info/exclude"), "*\n").unwrap();
        Self { yard }
    }

    fn done(&self, arguments: &[&str]) -> String {
        self.yard.shell.flightdeck(arguments).succeeded().stdout
    }

    /// What is next, as `status` has it.
    fn next(&self) -> String {
        self.yard.shell.json(&["status", "--json"])["next"].to_string()
    }

    fn plan(&self, id: &str) -> Option<Value> {
        let status = self.yard.shell.json(&["status", "--json"]);
        status["plans"].as_array().unwrap().iter().find(|plan| plan["id"] == id).cloned()
    }

    fn wait(&self, id: &str, state: &str) -> Value {
        wait_until(&format!("{id} to be {state}"), || self.plan(id).filter(|plan| plan["state"] == state))
    }

    /// The process that carries a plan out.
    fn conductor(&self, id: &str) -> Pid {
        let process = wait_until("its conductor", || {
            let entries = std::fs::read_dir("/proc").unwrap().flatten();
            let mut pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
            let home = self.yard.world.path("state");
            pids.find(|pid| {
                let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
                let line = String::from_utf8_lossy(&line).into_owned();
                line.contains("conduct\0") && line.contains(&*home.to_string_lossy()) && line.contains(id)
            })
        });
        Pid::from_raw(process).unwrap()
    }
}

const FIRST: &str = "extended-deploy-production-1";
const SECOND: &str = "extended-deploy-production-2";

#[test]
fn what_passed_is_watched_on_by_itself_and_ends_in_one_line_that_says_why() {
    let shop = Shop::watched_for("3s");
    let planned = shop.done(&["deploy", "production", "--dry-run"]);
    assert!(planned.contains("watch api for 1s, then an extended watch for 3s"), "{planned}");
    let deployed = shop.yard.shell.flightdeck(&["deploy", "production"]).succeeded();
    assert!(deployed.stderr.contains(&format!("for 3s: flightdeck plan show {FIRST}")), "{deployed:?}");
    let plan = shop.wait(FIRST, "done");
    assert_eq!((&plan["purpose"], &plan["target"]), (&"extended-watch".into(), &"watch:production".into()));
    let shown = shop.done(&["plan", "show", FIRST]);
    let points = "probed: performance; look yourself: activity, feature use, tickets, security log";
    assert!(shown.contains("healthy for 3s") && shown.contains(points), "{shown}");
    // It is no verdict that anybody has to wait for, and nothing follows it.
    assert_eq!(shop.plan("extended-extended-deploy-production-1"), None);
    assert!(!shop.next().contains("extended"));
}

#[test]
fn what_gets_worse_shuts_the_gate_of_its_commit_and_raises_the_rollback() {
    let shop = Shop::watched_for("1h");
    shop.done(&["deploy", "production"]);
    shop.wait(FIRST, "running");
    assert!(shop.done(&["status"]).contains("nothing worse so far, "));
    // Nothing speaks against saying that it is over, and production is free.
    let over = shop.yard.shell.flightdeck(&["resolve", "--yes"]).succeeded();
    assert!(!over.stdout.contains("extended watch") && !over.stderr.contains("extended watch"), "{over:?}");
    std::fs::write(shop.yard.file("down"), "").unwrap();
    shop.wait(FIRST, "failed");
    let next = shop.next();
    assert!(next.contains("failed its watch"), "{next}");
    shop.done(&["reopen", "--reason", "it is worse"]);
    let refused = shop.yard.shell.flightdeck(&["deploy", "production"]).ended_with(3);
    assert!(refused.stderr.contains("failed its watch at"), "{}", refused.stderr);
    shop.done(&["verify"]);
}

#[test]
fn another_release_supersedes_it_a_person_can_stop_it_and_a_crash_does_not_end_it() {
    let shop = Shop::watched_for("1h");
    shop.done(&["deploy", "production"]);
    shop.wait(FIRST, "running");
    // That nobody works on the incident any more changes nothing.
    shop.done(&["resolve", "--yes"]);
    shop.done(&["close", "--yes"]);
    kill_process(shop.conductor(FIRST), Signal::KILL).unwrap();
    wait_until("it to be taken up", || {
        let shown = shop.done(&["plan", "show", FIRST]);
        shown.contains("before: ").then_some(())
    });
    shop.wait(FIRST, "running");
    shop.done(&["reopen", "--reason", "it is needed again"]);
    shop.done(&["deploy", "production"]);
    let ended = shop.wait(FIRST, "cancelled");
    assert!(ended["why"].as_str().unwrap().contains("superseded: "), "{ended}");
    shop.wait(SECOND, "running");
    shop.done(&["plan", "cancel", SECOND]);
    shop.wait(SECOND, "cancelled");
    shop.done(&["plan", "list"]);
    assert_eq!(shop.plan(SECOND).unwrap()["state"], "cancelled", "what a person ended is not taken up");
    shop.done(&["verify"]);
}

#[test]
fn a_release_of_another_incident_supersedes_it_too_and_what_is_closed_stays_whole() {
    let shop = Shop::watched_for("1h");
    shop.done(&["deploy", "production"]);
    shop.wait(FIRST, "running");
    shop.done(&["resolve", "--yes"]);
    shop.done(&["close", "--yes"]);
    shop.done(&["declare", "Checkout is slow", "--severity", "P1", "--impact", "all orders"]);
    shop.done(&["deploy", "production"]);
    // The one of the second incident: it waits until that of the first gives way.
    shop.wait(FIRST, "running");
    let first = shop.yard.shell.json(&["status", "--json", "--incident", "1"]);
    let ended = first["plans"].as_array().unwrap().iter().find(|plan| plan["id"] == FIRST).unwrap();
    assert_eq!(
        (&ended["state"], &first["incident"]["status"]),
        (&"cancelled".into(), &"closed".into()),
        "{first}"
    );
    assert!(ended["why"].as_str().unwrap().contains("superseded: "), "{ended}");
    shop.done(&["verify"]);
}
