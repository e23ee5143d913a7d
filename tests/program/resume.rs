//! Plans that are killed in the middle of each kind of step, and taken up again: the truth is
//! shown, and nothing runs twice unasked.

use std::io::{Read as _, Write as _};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rustix::process::{Signal, kill_process};
use serde_json::Value;

use super::conductor::{FULL, Yard, lines, pid};
use super::terminal::Terminal;
use super::world::{Running, wait_until};

/// A canary: deploy, 10 %, look, a person, 100 %, look.
const CANARY: &str = r#"
[[environments]]
name = "staging"
deploy = ["./deploy.sh", "{ref}"]
proof = ["./proof.sh"]
proof_within = "1s"
settle = "200ms"

[environments.canary]
weights = [10, 100]
set = ["./set.sh", "{weight}"]
weight = ["cat", "share"]
look = "3s"
ask = true

[[probes]]
name = "api"
command = ["true"]
environment = "staging"
interval = "200ms"
timeout = "100ms"
confirm = 1
"#;

const PLAN: &str = "deploy-staging-1";

struct Lane {
    yard: Yard,
}

/// Leaves its trace first and then goes on for as long as the test wants.
fn script(trace: &str, block: &str) -> String {
    format!("{trace}\nwhile [ -e {block} ]; do sleep 0.02; done\n")
}

impl Lane {
    fn new() -> Self {
        let yard = Yard::new(CANARY, &script("echo x >> deploys", "block-deploy"));
        yard.script("set.sh", &script("echo $1 > share\necho $1 >> shares", "block-share-$1"));
        Self { yard }
    }

    fn block(&self, name: &str) {
        std::fs::write(self.yard.file(&format!("block-{name}")), "").unwrap();
    }

    fn unblock(&self, name: &str) {
        std::fs::remove_file(self.yard.file(&format!("block-{name}"))).unwrap();
    }

    fn shares(&self) -> String {
        std::fs::read_to_string(self.yard.file("shares")).unwrap_or_default()
    }

    fn show(&self) -> Value {
        wait_until("the plan", || {
            let shown = self.yard.shell.flightdeck(&["plan", "show", "--json", PLAN]);
            serde_json::from_str(&shown.stdout).ok()
        })
    }

    fn states(&self) -> Vec<String> {
        let plan = self.show();
        let steps = plan["steps"].as_array().unwrap();
        steps.iter().map(|step| step["state"].as_str().unwrap().to_owned()).collect()
    }

    fn wait_step(&self, step: usize, state: &str) {
        wait_until(&format!("step {step} to be {state}"), || (self.states()[step] == state).then_some(()));
    }

    fn wait_plan(&self, state: &str) -> Value {
        wait_until(&format!("the plan to be {state}"), || {
            Some(self.show()).filter(|plan| plan["state"] == state)
        })
    }

    fn kill(&self, verb: &mut Running, first: &str) {
        let conductor = || kill_process(pid(self.yard.conductor()), Signal::KILL).unwrap();
        match first {
            "conductor" => {
                conductor();
                verb.0.kill().unwrap();
            }
            "verb" => {
                verb.0.kill().unwrap();
                conductor();
            }
            _ => {
                // The verb sees it happen, and says how it stands.
                conductor();
                verb.wait("the verb");
            }
        }
    }

    /// Goes on to the very end as a person would.
    fn go_on(&self) {
        self.yard.shell.flightdeck(&["plan", "resume", "--detach", PLAN]).succeeded();
        let plan = wait_until("the hold or the end", || {
            Some(self.show()).filter(|plan| plan["state"] == "waiting" || plan["state"] == "done")
        });
        if plan["state"] == "waiting" {
            self.yard.shell.flightdeck(&["plan", "resume", "--detach", PLAN]).succeeded();
        }
        self.wait_plan("done");
        assert_eq!((lines(&self.yard.file("deploys")), self.shares().as_str()), (1, "10\n100\n"));
        let records = self.yard.shell.flightdeck(&["export", "--format", "jsonl"]).succeeded().stdout;
        let count = |kind: &str| records.lines().filter(|line| line.contains(kind)).count();
        assert_eq!(count(r#""kind":"released""#), 1, "{records}");
        self.yard.shell.flightdeck(&["verify"]).succeeded();
    }
}

const ORDERS: [&str; 3] = ["conductor", "verb", "conductor alone"];

#[test]
fn killed_while_the_deploy_command_runs() {
    for order in ORDERS {
        let lane = Lane::new();
        lane.block("deploy");
        let mut verb = lane.yard.begin(&["deploy", "staging"]);
        wait_until("the command", || (lines(&lane.yard.file("deploys")) == 1).then_some(()));
        lane.kill(&mut verb, order);
        lane.unblock("deploy");
        let plan = lane.wait_plan("failed");
        assert_eq!(plan["steps"][0]["outcome"]["state"], "unknown", "{order}");
        assert_eq!(
            (&plan["steps"][0]["state"], &plan["steps"][0]["proof"]),
            (&"done".into(), &"done".into())
        );
        assert_eq!(lane.states()[1..], ["open"; 5], "{order}");
        lane.go_on();
    }
}

#[test]
fn a_command_that_outlives_its_conductor_is_not_taken_for_failed_and_not_run_beside() {
    let yard = Yard::new(
        "\n[[environments]]\nname = \"staging\"\ndeploy = [\"./deploy.sh\"]\nproof = [\"./is.sh\"]\n",
        "echo x >> deploys\nwhile [ -e block ]; do sleep 0.02; done\necho x > is",
    );
    yard.script("is.sh", "[ -e is ] && echo \"$FLIGHTDECK_COMMIT\" || echo nothing");
    std::fs::write(yard.file("block"), "").unwrap();
    yard.shell.flightdeck(&["deploy", "staging", "--detach"]).succeeded();
    wait_until("the command", || (lines(&yard.file("deploys")) == 1).then_some(()));
    // It may be at work before it is on record which process it is.
    wait_until("its process to be on record", || yard.runs().first()?["pid"].as_u64());
    kill_process(pid(yard.conductor()), Signal::KILL).unwrap();
    let show = || yard.shell.json(&["plan", "show", "--json", PLAN]);
    let plan = wait_until("the world to be asked", || {
        Some(show()).filter(|plan| plan["steps"][0]["proof"].is_string())
    });
    assert_eq!(
        (&plan["state"], &plan["steps"][0]["proof"]),
        (&"unknown".into(), &"unknown".into()),
        "{plan}"
    );
    assert!(
        plan["steps"][0]["proof_why"].as_str().unwrap().contains("its command is still alive: pid"),
        "{plan}"
    );
    for verb in [&["plan", "retry", PLAN, "--confirm", "staging"][..], &["deploy", "staging"]] {
        yard.shell.flightdeck(verb).ended_with(5).said("its command is still alive: pid");
    }
    assert_eq!(lines(&yard.file("deploys")), 1);

    std::fs::remove_file(yard.file("block")).unwrap();
    wait_until("it to be found done", || (show()["state"] == "done").then_some(()));
}

#[test]
fn killed_while_the_share_is_set() {
    for order in ORDERS {
        let lane = Lane::new();
        lane.block("share-10");
        let mut verb = lane.yard.begin(&["deploy", "staging"]);
        wait_until("the share", || (lane.shares() == "10\n").then_some(()));
        lane.kill(&mut verb, order);
        lane.unblock("share-10");
        lane.wait_plan("failed");
        assert_eq!(lane.states(), ["done", "done", "open", "open", "open", "open"], "{order}");
        lane.go_on();
    }
}

#[test]
fn killed_while_it_watches() {
    for order in ORDERS {
        let lane = Lane::new();
        let mut verb = lane.yard.begin(&["deploy", "staging"]);
        lane.wait_step(2, "running");
        lane.kill(&mut verb, order);
        let plan = lane.wait_plan("failed");
        assert_eq!(plan["steps"][2]["outcome"]["state"], "interrupted", "{order}");
        assert_eq!(lane.states(), ["done", "done", "open", "open", "open", "open"], "{order}");
        lane.go_on();
    }
}

#[test]
fn killed_while_it_waits_for_a_person() {
    for order in ORDERS {
        let lane = Lane::new();
        let mut verb = lane.yard.begin(&["deploy", "staging"]);
        lane.wait_plan("waiting");
        lane.kill(&mut verb, order);
        lane.wait_plan("failed");
        assert_eq!(lane.states(), ["done", "done", "done", "open", "open", "open"], "{order}");
        lane.go_on();
    }
}

#[test]
fn killed_while_it_goes_back_and_gone_back_once() {
    let lane = Lane::new();
    lane.yard.shell.flightdeck(&["deploy", "staging", "--detach"]).succeeded();
    lane.wait_plan("waiting");
    lane.block("share-0");
    lane.yard.shell.flightdeck(&["plan", "undo", "--detach", PLAN]).succeeded();
    wait_until("the undoing", || (lane.shares() == "10\n0\n").then_some(()));
    kill_process(pid(lane.yard.conductor()), Signal::KILL).unwrap();
    lane.unblock("share-0");
    // It may be found dead a moment later.
    let plan = wait_until("the end", || {
        Some(lane.show()).filter(|plan| !plan["steps"][1]["undo_outcome"]["state"].is_null())
    });
    assert_eq!(plan["steps"][1]["undo_outcome"]["state"], "unknown");
    lane.wait_step(1, "undone");
    assert_eq!((lines(&lane.yard.file("deploys")), lane.shares().as_str()), (1, "10\n0\n"));
    assert!(lane.yard.shell.json(&["plan", "show", "--json"])["choices"].as_array().is_some());
}

#[test]
fn what_a_plan_was_made_for_has_moved_and_it_can_still_be_undone() {
    let lane = Lane::new();
    let git = |arguments: &[&str]| lane.yard.shell.run("git", arguments).succeeded();
    git(&["branch", "fix"]);
    lane.yard.shell.flightdeck(&["deploy", "staging", "--ref", "fix", "--detach"]).succeeded();
    lane.wait_plan("waiting");
    kill_process(pid(lane.yard.conductor()), Signal::KILL).unwrap();
    lane.wait_plan("failed");
    git(&["commit", "--quiet", "--allow-empty", "-m", "More"]);
    git(&["branch", "--force", "fix"]);
    lane.yard.shell.flightdeck(&["plan", "resume", PLAN]).ended_with(3).said("fix has moved");
    git(&["branch", "-D", "fix"]);
    lane.yard
        .shell
        .flightdeck(&["plan", "resume", PLAN])
        .ended_with(3)
        .said("fix cannot be looked up any more");
    assert_eq!(lane.shares(), "10\n");
    lane.yard.shell.flightdeck(&["plan", "undo", PLAN]).succeeded();
    assert_eq!((lane.shares().as_str(), lane.states()[1].as_str()), ("10\n0\n", "undone"));
}

#[test]
fn a_share_that_is_set_on_a_full_disk_keeps_its_end() {
    let lane = Lane::new();
    lane.block("share-10");
    lane.yard.deploy_on_a_disk_that_will_be_full();
    wait_until("the share", || (lane.shares() == "10\n").then_some(()));
    lane.yard.limit_files(FULL);
    lane.unblock("share-10");
    let runs = lane.yard.world.path("state").join("runs");
    let note = std::fs::read_dir(runs)
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path()
        .join(format!("{PLAN}.1/outcome.json"));
    wait_until("the note", || std::fs::read_to_string(&note).ok().filter(|text| text.contains("\"code\":0")));
    assert_eq!(lane.states()[1], "running", "nothing is shown that is not saved");
    kill_process(pid(lane.yard.conductor()), Signal::KILL).unwrap();
    lane.wait_plan("failed");
    assert_eq!(lane.states()[..3], ["done", "done", "open"]);
    lane.go_on();
}

const PLAIN: &str = r#"
[[environments]]
name = "staging"
deploy = ["./deploy.sh"]
"#;

#[test]
fn what_nobody_can_tell_is_a_question_and_two_answers_run_it_once() {
    let yard = Yard::new(PLAIN, &script("echo x >> deploys", "block"));
    std::fs::write(yard.file("block"), "").unwrap();
    let mut verb = yard.begin(&["deploy", "staging"]);
    wait_until("the command", || (lines(&yard.file("deploys")) == 1).then_some(()));
    kill_process(pid(yard.conductor()), Signal::KILL).unwrap();
    assert_eq!(verb.wait("the verb").code(), Some(6));
    yard.kill_run("deploy-staging-1.0");
    let plan = yard.shell.json(&["plan", "show", "--json"]);
    assert_eq!((&plan["state"], &plan["steps"][0]["state"]), (&"unknown".into(), &"unknown".into()));
    assert!(
        plan["choices"].as_array().unwrap().iter().any(|it| it["decision"] == "retry" && it["risky"] == true)
    );
    yard.shell.flightdeck(&["plan", "resume"]).ended_with(2);
    yard.shell.flightdeck(&["plan", "retry"]).ended_with(2);
    assert_eq!(lines(&yard.file("deploys")), 1, "it is not run again unasked");

    let mut verbs: Vec<_> =
        (0..3).map(|_| yard.begin(&["plan", "retry", "--confirm", "staging", "--detach"])).collect();
    let codes: Vec<_> = verbs.iter_mut().map(|verb| verb.wait("a verb").code().unwrap()).collect();
    assert_eq!(codes.iter().filter(|code| **code == 0).count(), 1, "{codes:?}");
    std::fs::remove_file(yard.file("block")).unwrap();
    wait_until("the end", || (yard.shell.json(&["plan", "show", "--json"])["state"] == "done").then_some(()));
    assert_eq!(lines(&yard.file("deploys")), 2);
}

#[test]
fn a_proof_that_itself_fails_makes_nothing_done() {
    let yard = Yard::deploying("echo x >> deploys");
    yard.script("proof.sh", "[ -e route ] || { echo 'no route to host' >&2; exit 3; }\ngit rev-parse HEAD");
    let config = std::fs::read_to_string(yard.file("flightdeck.toml")).unwrap();
    std::fs::write(yard.file("flightdeck.toml"), format!("{config}proof_within = \"1s\"\n")).unwrap();
    yard.shell.flightdeck(&["trust"]).succeeded();
    let ended = yard.shell.flightdeck(&["deploy", "staging"]).ended_with(6);
    assert!(ended.stdout.contains("could not find out whether it is done"), "{ended:?}");
    let plan = yard.shell.json(&["plan", "show", "--json"]);
    assert_eq!((&plan["state"], &plan["steps"][0]["proof"]), (&"unknown".into(), &"unknown".into()));
    // The world can be asked again, and answers now.
    std::fs::write(yard.file("route"), "").unwrap();
    yard.shell.flightdeck(&["plan", "resume"]).succeeded();
    assert_eq!(lines(&yard.file("deploys")), 1);
}

fn leases(yard: &Yard, change: &str) {
    let journal = rusqlite::Connection::open(yard.world.path("state").join("journal.db")).unwrap();
    journal.busy_timeout(std::time::Duration::from_secs(20)).unwrap();
    assert_eq!(journal.execute(&format!("UPDATE lease SET {change}"), []).unwrap(), 1);
}

/// A deploy whose conductor was killed, without anybody having looked.
fn abandoned() -> Yard {
    let yard = Yard::new(PLAIN, &script("echo x >> deploys", "block"));
    std::fs::write(yard.file("block"), "").unwrap();
    yard.shell.flightdeck(&["deploy", "staging", "--detach"]).succeeded();
    wait_until("the command", || (lines(&yard.file("deploys")) == 1).then_some(()));
    let conductor = yard.conductor();
    kill_process(pid(conductor), Signal::KILL).unwrap();
    wait_until("its end", || rustix::process::test_kill_process(pid(conductor)).is_err().then_some(()));
    yard.kill_run("deploy-staging-1.0");
    yard
}

#[test]
fn a_holder_that_was_lost_at_reboot_is_told_and_its_target_is_free() {
    let yard = abandoned();
    leases(&yard, "boot = 'the one before'");
    let plan = yard.shell.json(&["plan", "show", "--json"]);
    assert_eq!((&plan["state"], &plan["why"]), (&"unknown".into(), &"lost at reboot".into()));
    std::fs::remove_file(yard.file("block")).unwrap();
    yard.shell.flightdeck(&["deploy", "staging"]).succeeded();
}

#[test]
fn a_target_is_taken_over_only_from_a_holder_that_is_shown_to_be_gone() {
    let yard = abandoned();
    leases(&yard, "host = 'elsewhere.invalid'");
    let take = |more: &[&str]| {
        let arguments = [&["plan", "take-over", "staging", "--reason", "production is down"], more].concat();
        yard.shell.flightdeck(&arguments)
    };
    yard.shell.flightdeck(&["deploy", "staging"]).ended_with(5).said("elsewhere.invalid");
    take(&["--gone", "it was switched off"]).ended_with(5).said("last heard from");
    leases(&yard, "heartbeat_ms = heartbeat_ms - 600000");
    take(&[]).ended_with(5).said("say in the reason how you know");
    assert_eq!(yard.shell.json(&["plan", "show", "--json"])["state"], "running");
    take(&["--gone", "it was switched off"]).succeeded();
    let plan = yard.shell.json(&["plan", "show", "--json"]);
    assert_eq!(plan["state"], "unknown");
    assert!(plan["why"].as_str().unwrap().contains("it was switched off"), "{plan}");
    let records = yard.shell.flightdeck(&["export", "--format", "jsonl"]).succeeded().stdout;
    assert!(records.contains("production is down"), "the reason is on record");
    std::fs::remove_file(yard.file("block")).unwrap();
    yard.shell.flightdeck(&["deploy", "staging"]).succeeded();
}

#[test]
fn a_target_is_not_taken_from_who_lives() {
    let yard = Yard::new(PLAIN, &script("echo x >> deploys", "block"));
    std::fs::write(yard.file("block"), "").unwrap();
    yard.shell.flightdeck(&["deploy", "staging", "--detach"]).succeeded();
    wait_until("the command", || (lines(&yard.file("deploys")) == 1).then_some(()));
    let arguments = ["plan", "take-over", "staging", "--reason", "hurry", "--gone", "it must be"];
    yard.shell.flightdeck(&arguments).ended_with(5).said("is alive");
    std::fs::remove_file(yard.file("block")).unwrap();
    yard.wait_run("deploy-staging-1.0", "exited");
    assert_eq!(lines(&yard.file("deploys")), 1);
}

/// A flag service that obeys at once and answers only when it is let.
struct Flags {
    url: String,
    /// `PUT` calls so far.
    calls: Arc<AtomicUsize>,
}

impl Flags {
    fn start(may_answer: PathBuf) -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/flag", listener.local_addr().unwrap());
        let calls = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&calls);
        std::thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let (count, may_answer) = (Arc::clone(&count), may_answer.clone());
                std::thread::spawn(move || {
                    let mut bytes = [0; 4096];
                    let read = stream.read(&mut bytes).unwrap_or(0);
                    if bytes[..read].starts_with(b"PUT") {
                        count.fetch_add(1, Ordering::SeqCst);
                        wait_until("leave to answer", || may_answer.exists().then_some(()));
                    }
                    let body = format!("{{\"enabled\":{}}}", count.load(Ordering::SeqCst) == 0);
                    let head = format!("content-length: {}\r\nconnection: close", body.len());
                    let _ = write!(stream, "HTTP/1.1 200 OK\r\n{head}\r\n\r\n{body}");
                });
            }
        });
        Self { url, calls }
    }
}

#[test]
fn killed_while_a_call_is_in_flight() {
    let yard = Yard::new("", "");
    let flags = Flags::start(yard.file("go"));
    let url = &flags.url;
    let config = format!(
        "[[flags]]\nname = \"pay\"\nurl = \"{url}\"\npath = \"enabled\"\n\
         off = {{ method = \"PUT\", body = \"false\" }}\non = {{ method = \"PUT\", body = \"true\" }}\n"
    );
    std::fs::write(yard.file("flightdeck.toml"), config).unwrap();
    yard.shell.flightdeck(&["trust"]).succeeded();
    let dry = yard.shell.flightdeck(&["flag", "pay", "off", "--dry-run"]).succeeded();
    assert_eq!(flags.calls.load(Ordering::SeqCst), 0, "{dry:?}");
    yard.shell.flightdeck(&["flag", "pay", "off", "--detach"]).succeeded();
    wait_until("the call", || (flags.calls.load(Ordering::SeqCst) == 1).then_some(()));
    kill_process(pid(yard.conductor()), Signal::KILL).unwrap();
    let plan = wait_until("the end", || {
        Some(yard.shell.json(&["plan", "show", "--json"])).filter(|plan| plan["state"] != "running")
    });
    assert_eq!(plan["steps"][0]["outcome"]["state"], "unknown", "{plan}");
    assert_eq!(
        (&plan["steps"][0]["state"], &plan["state"]),
        (&"done".into(), &"done".into()),
        "the flag is off"
    );
    assert_eq!(flags.calls.load(Ordering::SeqCst), 1);
    yard.go();
}

#[test]
fn a_cockpit_asks_the_world_by_itself() {
    let lane = Lane::new();
    lane.block("deploy");
    let terminal = Terminal::open(&lane.yard.shell, 36, 120, &[]);
    terminal.wait_text("Timeline");
    lane.yard.shell.flightdeck(&["deploy", "staging", "--detach"]).succeeded();
    wait_until("the command", || (lines(&lane.yard.file("deploys")) == 1).then_some(()));
    kill_process(pid(lane.yard.conductor()), Signal::KILL).unwrap();
    // Nothing but the cockpit looks.
    wait_until("the answer", || {
        let records = lane.yard.shell.flightdeck(&["export", "--format", "jsonl"]).succeeded().stdout;
        records.contains(r#""kind":"proved""#).then_some(())
    });
    // As long as its command is alive no answer counts for good.
    lane.unblock("deploy");
    wait_until("the step to be done", || (lane.states()[..2] == ["done", "open"]).then_some(()));
    assert!(terminal.is_full_screen());
}
