//! What outlives its conductor or its own command: nothing is started beside it, it can be stopped,
//! and a service that a command leaves running on purpose is left alone.

use std::collections::BTreeSet;

use rustix::process::{Signal, kill_process, test_kill_process};
use serde_json::Value;

use super::conductor::{Yard, lines, pid};
use super::world::wait_until;

const PLAN: &str = "deploy-staging-1";
const RUN: &str = "deploy-staging-1.0";

/// Without a proof: nothing can tell what became of a deploy.
const PLAIN: &str = "
[[environments]]
name = \"staging\"
deploy = [\"./deploy.sh\"]
";

/// Goes on for as long as the test wants.
const BLOCK: &str = "while [ -e block ]; do sleep 0.02; done";

fn plan(yard: &Yard) -> Value {
    yard.shell.json(&["plan", "show", "--json", PLAN])
}

fn wait_plan(yard: &Yard, state: &str) -> Value {
    wait_until(&format!("the plan to be {state}"), || Some(plan(yard)).filter(|plan| plan["state"] == state))
}

fn pid_in(yard: &Yard, file: &str) -> u32 {
    wait_until(file, || std::fs::read_to_string(yard.file(file)).ok()?.trim().parse().ok())
}

fn lives(number: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{number}/stat")).unwrap_or_default();
    test_kill_process(pid(number)).is_ok() && !stat.contains(") Z ")
}

/// Whether a process is in a control group that was made for a run.
fn is_in_a_group(number: u32) -> bool {
    std::fs::read_to_string(format!("/proc/{number}/cgroup")).unwrap().contains("/flightdeck-")
}

/// Suspends a conductor where it holds nothing: in the middle of a transaction nobody else could write.
fn freeze(yard: &Yard, conductor: u32) {
    let journal = rusqlite::Connection::open(yard.world.path("state/journal.db")).unwrap();
    journal.busy_timeout(std::time::Duration::ZERO).unwrap();
    wait_until("the conductor to hold nothing", || {
        kill_process(pid(conductor), Signal::STOP).unwrap();
        // The signal is on its way until the process is seen to have stopped.
        let stat = || std::fs::read_to_string(format!("/proc/{conductor}/stat")).unwrap();
        wait_until("the conductor to stop", || stat().contains(") T ").then_some(()));
        let is_free = journal.execute_batch("BEGIN IMMEDIATE; ROLLBACK").is_ok();
        if !is_free {
            kill_process(pid(conductor), Signal::CONT).unwrap();
        }
        is_free.then_some(())
    });
}

/// A deploy whose command has started a child that is at work. `starts` is how.
fn at_work(starts: &str) -> Yard {
    let yard = Yard::new(PLAIN, &format!("echo x >> deploys\necho $$ > leader\n{starts}"));
    let work = format!("echo $$ > worker.part\nmv worker.part worker\n{BLOCK}\necho done > worked");
    yard.script("work.sh", &work);
    std::fs::write(yard.file("block"), "").unwrap();
    yard.shell.flightdeck(&["deploy", "staging", "--detach"]).succeeded();
    pid_in(&yard, "worker");
    yard
}

#[test]
fn nothing_is_started_beside_what_a_lost_deploy_left_at_work() {
    const LOST: &str = "env -i setsid -w ./work.sh";
    for starts in
        ["./work.sh", "setsid -w ./work.sh", "env -i ./work.sh", "trap '' HUP; ./work.sh | cat", LOST]
    {
        let yard = at_work(starts);
        let (leader, worker) = (pid_in(&yard, "leader"), pid_in(&yard, "worker"));
        if starts == LOST && !is_in_a_group(worker) {
            // tests/run says so.
            eprintln!("no control group may be made here: {starts} is not tested");
            continue;
        }
        kill_process(pid(yard.conductor()), Signal::KILL).unwrap();
        kill_process(pid(leader), Signal::KILL).unwrap();
        let why = wait_plan(&yard, "unknown")["steps"][0]["outcome"]["why"].as_str().unwrap().to_owned();
        assert!(why.contains("still alive: pid") && why.contains(&worker.to_string()), "{starts}: {why}");
        for verb in [
            &["plan", "retry", PLAN, "--confirm", "staging"][..],
            &["plan", "undo", PLAN],
            &["deploy", "staging"],
            &["rollback", "staging", "--to", "main"],
        ] {
            let ended = yard.shell.flightdeck(verb);
            assert_ne!(ended.code(), Some(0), "{starts}: {ended:?}");
        }
        let retry = ["plan", "retry", PLAN, "--confirm", "staging"];
        yard.shell.flightdeck(&retry).ended_with(5).said("still alive: pid").said(&worker.to_string());
        yard.shell
            .flightdeck(&["deploy", "staging"])
            .ended_with(5)
            .said("flightdeck run stop deploy-staging-1.0");
        assert_eq!(lines(&yard.file("deploys")), 1, "{starts}");
        assert!(lives(worker), "{starts}: it is left alone");

        let stopped = yard.shell.flightdeck(&["run", "stop", PLAN]).succeeded();
        assert!(stopped.stderr.contains("sent INT to pid"), "{stopped:?}");
        assert!(stopped.stdout.contains("nothing of it is left"), "{stopped:?}");
        assert!(!lives(worker) && !yard.file("worked").exists(), "{starts}");
        std::fs::remove_file(yard.file("block")).unwrap();
        yard.shell.flightdeck(&retry).succeeded();
        assert_eq!(lines(&yard.file("deploys")), 2, "{starts}");
        yard.shell.flightdeck(&["verify"]).succeeded();
    }
}

#[test]
fn what_is_stopped_is_stopped_with_all_that_it_started() {
    const LOST: &str = "env -i setsid ./work.sh";
    for starts in ["setsid nohup ./work.sh", "nohup ./work.sh", LOST] {
        // Hang-ups and interrupts mean nothing to what a script starts in the background.
        let yard = at_work(&format!("{starts} > /dev/null 2>&1 &\n{BLOCK}"));
        let worker = pid_in(&yard, "worker");
        if starts == LOST && !is_in_a_group(worker) {
            // tests/run says so.
            eprintln!("no control group may be made here: {starts} is not tested");
            std::fs::remove_file(yard.file("block")).unwrap();
            continue;
        }
        let stopped = yard.shell.flightdeck(&["run", "stop", RUN]).succeeded();
        assert!(!lives(worker) && !yard.file("worked").exists(), "{starts}: {stopped:?}");
        assert!(stopped.stderr.contains("sent TERM"), "{starts}: {stopped:?}");
        let plan = wait_plan(&yard, "cancelled");
        assert_eq!(plan["steps"][0]["state"], "failed", "{starts}: {plan}");
        let report = yard.shell.flightdeck(&["report"]).succeeded().stdout;
        assert!(!report.contains("still alive"), "{starts}: {report}");
    }
}

#[test]
fn a_deploy_of_another_incident_is_not_started_beside_it_either() {
    let yard = at_work("./work.sh");
    let number = yard.shell.json(&["status", "--json"])["incident"]["id"].as_str().unwrap().to_owned();
    kill_process(pid(yard.conductor()), Signal::KILL).unwrap();
    wait_plan(&yard, "unknown");
    yard.shell.flightdeck(&["declare", "The mail is down", "--severity", "P1"]).succeeded();
    let other = number.replace("-0001", "-0002");
    let deploy = ["deploy", "staging", "--incident", &other];
    let refused = yard.shell.flightdeck(&deploy).ended_with(5).said("still alive: pid").stderr;
    let stop = refused.split_once("flightdeck ").unwrap().1.trim().to_owned();
    yard.shell.flightdeck(&stop.split(' ').collect::<Vec<_>>()).succeeded();
    std::fs::remove_file(yard.file("block")).unwrap();
    yard.shell.flightdeck(&deploy).succeeded();
    assert_eq!(lines(&yard.file("deploys")), 2);
}

#[test]
fn a_command_that_is_killed_while_a_child_of_it_goes_on_has_an_unknown_end() {
    let yard = at_work("./work.sh");
    kill_process(pid(pid_in(&yard, "leader")), Signal::KILL).unwrap();
    let worker = pid_in(&yard, "worker");
    let plan = wait_plan(&yard, "unknown");
    let why = plan["steps"][0]["outcome"]["why"].as_str().unwrap();
    assert!(why.contains("killed by signal 9"), "{plan}");
    let retry = ["plan", "retry", PLAN, "--confirm", "staging"];
    yard.shell.flightdeck(&retry).ended_with(5).said("still alive: pid").said(&worker.to_string());
    std::fs::remove_file(yard.file("block")).unwrap();
    wait_until("the child to end", || (!lives(worker)).then_some(()));
    yard.shell.flightdeck(&retry).succeeded();
    assert_eq!(lines(&yard.file("deploys")), 2);
}

#[test]
fn what_a_lost_deploy_left_running_is_passed_over_by_a_person_only() {
    let config = format!("{PLAIN}proof = [\"./proof.sh\"]\nproof_within = \"1s\"\n");
    let yard = Yard::new(&config, "echo x >> deploys\nsetsid sleep 600 &\necho $! > service\nsleep 600");
    yard.script("proof.sh", "echo nothing");
    yard.shell.flightdeck(&["deploy", "staging", "--detach"]).succeeded();
    let service = pid_in(&yard, "service");
    wait_until("all of it", || (yard.processes(RUN).len() == 3).then_some(()));
    kill_process(pid(yard.conductor()), Signal::KILL).unwrap();
    wait_until("its conductor to be gone", || yard.has_no_conductor().then_some(()));
    let skip = ["plan", "skip", PLAN, "--reason", "the service is meant to run"];
    yard.shell.flightdeck(&skip).ended_with(5).said("its command is still alive: pid");
    for left in yard.processes(RUN).into_iter().filter(|left| *left != service) {
        kill_process(pid(left), Signal::KILL).unwrap();
    }
    yard.shell
        .flightdeck(&["plan", "retry", PLAN, "--confirm", "staging"])
        .ended_with(5)
        .said("still alive: pid");
    yard.shell.flightdeck(&skip).succeeded();
    assert!(lives(service));
    yard.script("deploy.sh", "echo x >> deploys");
    yard.script("proof.sh", "echo \"$FLIGHTDECK_COMMIT\"");
    yard.shell.flightdeck(&["deploy", "staging"]).succeeded();
    assert!(lives(service), "it is nobody's business any more");
}

/// What a script can leave a service running with, as its last act.
const SERVICES: [&str; 4] = [
    "nohup sleep 600 > log 2>&1 & echo $! >> services",
    "setsid sleep 600 > /dev/null 2>&1 & sleep 600 & echo $! >> services",
    "sleep 600 & echo $! >> services",
    "(sh -c 'echo $$ >> services; while :; do echo alive; sleep 0.05; done') &",
];

#[test]
fn a_service_that_a_command_leaves_running_lives_twenty_times_of_twenty() {
    let name = |number: usize| {
        format!("[[checks]]\nname = \"c{number}\"\ncommand = [\"./start{}.sh\"]\n", number % 4)
    };
    let config: String = (0..20).map(name).collect();
    let yard = Yard::new(&config, "");
    for (number, service) in SERVICES.iter().enumerate() {
        yard.script(&format!("start{number}.sh"), service);
    }
    let ended = yard.shell.flightdeck(&["test"]).succeeded();
    assert!(ended.stderr.contains("left running: pid"), "{ended:?}");
    wait_until("its conductor to be gone", || yard.has_no_conductor().then_some(()));
    let services = || std::fs::read_to_string(yard.file("services")).unwrap_or_default();
    let services = wait_until("all services", || Some(services()).filter(|all| all.lines().count() == 20));
    let services: BTreeSet<u32> = services.lines().map(|line| line.parse().unwrap()).collect();
    let dead: Vec<_> = services.iter().filter(|service| !lives(**service)).collect();
    assert_eq!((services.len(), dead.len()), (20, 0), "{dead:?} are gone");
    assert!(yard.shell.json(&["status", "--json"])["timeline"].to_string().contains("left running: pid"));
    // They are in nobody's way, and are not stopped by mistake.
    yard.shell.flightdeck(&["run", "stop", "test-1.0"]).ended_with(2).said("left running");
    // One of each kind is started beside them.
    yard.shell.flightdeck(&["test", "c0", "c1", "c2", "c3"]).succeeded();
    assert!(services.iter().all(|service| lives(*service)));
}

#[test]
fn a_stop_reaches_the_command_of_a_frozen_conductor_and_says_so() {
    let yard = at_work("./work.sh");
    let (conductor, worker) = (yard.conductor(), pid_in(&yard, "worker"));
    freeze(&yard, conductor);
    let stopped = yard.shell.flightdeck(&["run", "stop", RUN]).ended_with(6);
    assert!(stopped.stderr.contains(&format!("(pid {conductor}) is suspended")), "{stopped:?}");
    assert!(stopped.stderr.contains(&format!("kill -CONT {conductor}")), "{stopped:?}");
    wait_until("the command to end", || (!lives(worker)).then_some(()));
    kill_process(pid(conductor), Signal::CONT).unwrap();
    let plan = wait_until("the plan to end", || {
        Some(plan(&yard)).filter(|plan| plan["state"] == "cancelled" || plan["state"] == "failed")
    });
    assert!(plan["steps"][0]["outcome"]["state"] != "unknown", "{plan}");
    assert_eq!(lines(&yard.file("deploys")), 1);
}

#[test]
fn of_twelve_deploys_and_eleven_retries_at_once_one_each_is_carried_out() {
    let yard = Yard::new(PLAIN, &format!("echo x >> deploys\n{BLOCK}"));
    std::fs::write(yard.file("block"), "").unwrap();
    let codes = |verb: &[&str], count: usize| {
        let mut verbs: Vec<_> = (0..count).map(|_| yard.begin(verb)).collect();
        let mut codes: Vec<_> = verbs.iter_mut().map(|verb| verb.wait("a verb").code().unwrap()).collect();
        codes.sort_unstable();
        codes
    };
    let deploys = codes(&["deploy", "staging", "--detach"], 12);
    assert_eq!(deploys, [vec![0], vec![5; 11]].concat());
    wait_until("the command", || (lines(&yard.file("deploys")) == 1).then_some(()));
    yard.kill_conductor();
    yard.kill_run(RUN);
    wait_plan(&yard, "unknown");
    let retries = codes(&["plan", "retry", PLAN, "--confirm", "staging", "--detach"], 11);
    // Who comes once the first one runs finds nothing to retry.
    let (first, others) = retries.split_first().unwrap();
    assert!(*first == 0 && others.iter().all(|code| [2, 5].contains(code)), "{retries:?}");
    wait_until("the command", || (lines(&yard.file("deploys")) == 2).then_some(()));
    std::fs::remove_file(yard.file("block")).unwrap();
    wait_plan(&yard, "done");
    assert_eq!((lines(&yard.file("deploys")), plan(&yard)["steps"][0]["attempts"].as_u64()), (2, Some(2)));
    yard.shell.flightdeck(&["verify"]).succeeded();
}
