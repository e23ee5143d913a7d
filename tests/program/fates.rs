//! What becomes of steps that cannot be told at once: a push whose connection is lost, one that only a
//! person can ask about, a rollout that takes its time. Nothing is called failed before it is.

use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::Value;

use super::conductor::Yard;
use super::world::{PROGRAM, Running, wait_until};

const PLAN: &str = "deploy-staging-1";

/// Pushes what is checked out, and asks the remote for it.
fn pushing(within: &str) -> String {
    format!(
        "[[environments]]\nname = \"staging\"\ndeploy = [\"git\", \"push\", \"origin\", \"HEAD:refs/heads/main\"]\n\
         proof = [\"git\", \"ls-remote\", \"origin\", \"refs/heads/main\"]\n\
         expect = \"{{commit}}\\trefs/heads/main\"\nproof_within = \"{within}\"\n"
    )
}

fn script(path: &Path, text: &str) {
    std::fs::write(path, format!("#!/bin/sh\n{text}\n")).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
}

fn git(yard: &Yard, arguments: &[&str]) -> String {
    yard.shell.run("git", arguments).succeeded().stdout.trim().to_owned()
}

/// A remote behind an ssh that can lose its connection, with a hook that takes its time.
struct Far {
    yard: Yard,
    origin: PathBuf,
}

/// What `git-receive-pack` runs in goes on when the connection is cut. Where there is a file
/// `locked`, the key has a passphrase, and no agent knows it.
const SSH: &str = r#"for last; do :; done
if [ -e "$HOME/locked" ]; then
    case "$*" in *BatchMode=yes*)
        echo 'git@host.invalid: Permission denied (publickey).' >&2; exit 255 ;;
    esac
    printf "Enter passphrase for key '/keys/deploy': " > /dev/tty
    stty -echo < /dev/tty; IFS= read -r answer < /dev/tty; stty echo < /dev/tty; echo > /dev/tty
    test "$answer" = 'quite s3cret' || { echo 'Permission denied (publickey).' >&2; exit 255; }
fi
case "$last" in git-receive-pack*) ;; *) exec sh -c "$last" ;; esac
pipes=$(mktemp -d)
mkfifo "$pipes/in" "$pipes/out"
setsid sh -c "$last" < "$pipes/in" > "$pipes/out" 2> /dev/null &
exec 3> "$pipes/in" 4< "$pipes/out"
exec 5<&0
cat <&4 & out=$!
cat <&5 >&3 & in=$!
exec 3>&- 4<&- 5<&-
while [ ! -e "$HOME/cut" ] && kill -0 $out 2> /dev/null; do sleep 0.05; done
kill $in $out 2> /dev/null
test ! -e "$HOME/cut" || { : > "$HOME/gone"; exit 255; }"#;

impl Far {
    fn new(within: &str) -> Self {
        let yard = Yard::new(&pushing(within), "true");
        let origin = yard.world.path("origin.git");
        git(&yard, &["init", "-q", "--bare", "-b", "main", origin.to_str().unwrap()]);
        git(&yard, &["push", "-q", origin.to_str().unwrap(), "HEAD:refs/heads/main"]);
        git(&yard, &["commit", "-q", "--allow-empty", "-m", "the fix"]);
        let wait = "echo 'the hook is at it' >&2\nwhile [ ! -e go ] && [ ! -e no ]; do sleep 0.05; done\n\
            test ! -e no";
        script(&origin.join("hooks/pre-receive"), wait);
        let ssh = yard.world.path("ssh");
        script(&ssh, SSH);
        git(&yard, &["config", "core.sshCommand", ssh.to_str().unwrap()]);
        git(&yard, &["config", "ssh.variant", "ssh"]);
        git(&yard, &["remote", "add", "origin", &format!("ssh://git@host.invalid{}", origin.display())]);
        Self { yard, origin }
    }

    fn home(&self, name: &str) {
        std::fs::write(self.yard.world.path("home").join(name), "").unwrap();
    }

    /// Lets the hook at the remote end: `go`, or `no`.
    fn hook(&self, answer: &str) {
        std::fs::write(self.origin.join(answer), "").unwrap();
    }

    /// Loses the connection while the hook is at work.
    fn lose(&self) {
        self.yard.wait_output("deploy-staging-1.0", "the hook is at it");
        self.home("cut");
        // What the remote says from here on reaches nobody.
        let gone = self.yard.world.path("home").join("gone");
        wait_until("the connection to be lost", || gone.exists().then_some(()));
    }

    /// Waits until what was pushed is there.
    fn landed(&self) {
        let head = git(&self.yard, &["rev-parse", "HEAD"]);
        wait_until("the push to land", || {
            let at = git(&self.yard, &["-C", self.origin.to_str().unwrap(), "rev-parse", "main"]);
            (at == head).then_some(())
        });
    }
}

impl Drop for Far {
    /// A test that failed leaves no hook behind.
    fn drop(&mut self) {
        self.hook("no");
    }
}

fn show(yard: &Yard) -> Value {
    wait_until("the plan", || {
        let shown = yard.shell.flightdeck(&["plan", "show", "--json", PLAN]);
        serde_json::from_str(&shown.stdout).ok()
    })
}

fn wait_state(yard: &Yard, state: &str) -> Value {
    wait_until(&format!("{PLAN} to be {state}"), || Some(show(yard)).filter(|plan| plan["state"] == state))
}

fn waiting(yard: &Yard, words: &str) -> Value {
    wait_until(&format!("it to wait: {words}"), || {
        let plan = show(yard);
        assert!(plan["state"] != "failed" && plan["steps"][0]["state"] != "failed", "{plan}");
        let why = plan["steps"][0]["waiting"].as_str()?.to_owned();
        why.contains(words).then_some(plan)
    })
}

/// Answers a run where it asks; what comes back is attached to it until it ends.
fn answer(yard: &Yard, run: &str, text: &str) -> Running {
    let mut command = yard.shell.command(PROGRAM, &["run", "attach", run]);
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut attached = Running(command.spawn().unwrap());
    attached.0.stdin.take().unwrap().write_all(format!("{text}\n").as_bytes()).unwrap();
    attached
}

#[test]
fn a_push_whose_connection_was_lost_is_asked_about_until_the_hook_has_ended() {
    let far = Far::new("10m");
    far.yard.shell.flightdeck(&["deploy", "staging", "--detach"]).succeeded();
    far.lose();
    let plan = waiting(&far.yard, "the connection was lost, and a hook at the remote may still be at work");
    assert_eq!((&plan["state"], &plan["steps"][0]["proof"]), (&"waiting".into(), &"unknown".into()));
    assert_eq!(plan["steps"][0]["outcome"]["state"], "unknown", "{plan}");
    let status = far.yard.shell.json(&["status", "--json"]);
    let next = status["next"][0]["title"].as_str().unwrap();
    assert!(next.contains("asked again until"), "{next}");
    let text = far.yard.shell.flightdeck(&["status"]).succeeded().stdout;
    assert!(text.contains("the connection was lost"), "{text}");
    let decisions: Vec<_> =
        plan["choices"].as_array().unwrap().iter().map(|it| it["decision"].clone()).collect();
    assert!(decisions.contains(&"cancel".into()), "nobody has to wait for it: {decisions:?}");
    far.hook("go");
    let plan = wait_state(&far.yard, "done");
    assert_eq!((&plan["steps"][0]["proof"], &plan["steps"][0]["attempts"]), (&"done".into(), &1.into()));
    far.landed();
}

#[test]
fn a_push_whose_connection_was_lost_has_failed_once_the_remote_had_its_time() {
    let far = Far::new("2s");
    far.yard.shell.flightdeck(&["deploy", "staging", "--detach"]).succeeded();
    far.lose();
    waiting(&far.yard, "the connection was lost");
    far.hook("no");
    let plan = wait_state(&far.yard, "failed");
    assert_eq!(plan["steps"][0]["proof"], "not-done", "{plan}");
    assert!(plan["why"].as_str().unwrap().contains("and it is not done"), "{plan}");
}

#[test]
fn a_push_that_lost_its_conductor_is_not_called_failed_while_the_hook_is_at_work() {
    let far = Far::new("10m");
    far.yard.shell.flightdeck(&["deploy", "staging", "--detach"]).succeeded();
    far.yard.wait_output("deploy-staging-1.0", "the hook is at it");
    far.yard.kill_conductor();
    far.home("cut");
    let plan = wait_state(&far.yard, "unknown");
    let why = plan["steps"][0]["proof_why"].as_str().unwrap();
    // This remote is on the same machine, so its hook is seen among what is left of the run.
    assert!(why.contains("still alive: pid"), "{why}");
    far.hook("go");
    far.landed();
    assert_eq!(wait_state(&far.yard, "done")["steps"][0]["proof"], "done", "whoever looks asks again");
}

#[test]
fn what_a_push_reports_counts_where_only_a_person_could_ask_again() {
    let far = Far::new("10m");
    far.home("locked");
    far.hook("go");
    far.yard.shell.flightdeck(&["deploy", "staging", "--detach"]).succeeded();
    far.yard.wait_output("deploy-staging-1.0", "Enter passphrase");
    let _attached = answer(&far.yard, "deploy-staging-1.0", "quite s3cret");
    let plan = wait_state(&far.yard, "done");
    let why = plan["steps"][0]["proof_why"].as_str().unwrap();
    assert!(why.starts_with("git reported: ") && why.contains("HEAD -> main"), "{why}");
    assert!(why.contains("Permission denied"), "{why}");
    far.landed();
}

#[test]
fn what_only_a_person_can_ask_is_asked_in_a_terminal_and_nothing_is_in_the_way_of_it() {
    let far = Far::new("1s");
    far.home("locked");
    far.yard.shell.flightdeck(&["deploy", "staging", "--detach"]).succeeded();
    far.yard.wait_output("deploy-staging-1.0", "Enter passphrase");
    let _attached = answer(&far.yard, "deploy-staging-1.0", "quite s3cret");
    far.lose();
    far.hook("go");
    far.landed();
    std::fs::remove_file(far.yard.world.path("home/cut")).unwrap();
    let plan = wait_state(&far.yard, "unknown");
    assert_eq!(plan["steps"][0]["proof"], "unknown", "{plan}");

    far.yard.shell.flightdeck(&["plan", "resume", "--detach", PLAN]).succeeded();
    far.yard.wait_output("deploy-staging-1.0.1", "Enter passphrase");
    // Fetching asks in a terminal, too, and needs nothing that a plan holds.
    far.yard.shell.flightdeck(&["hotfix", "fetch", "--detach"]).succeeded();
    far.yard.wait_output("fetch-1.0", "Enter passphrase");
    let _fetching = answer(&far.yard, "fetch-1.0", "quite s3cret");
    let _asking = answer(&far.yard, "deploy-staging-1.0.1", "quite s3cret");
    let plan = wait_state(&far.yard, "done");
    assert_eq!(plan["steps"][0]["proof"], "done", "{plan}");
    let status = far.yard.shell.json(&["status", "--json"]);
    assert_eq!(status["releases"][0]["environment"], "staging", "what follows from it is on record");
}

/// A deploy that is only asked for, and done when the file says so.
fn rollout(times: &str) -> Yard {
    let config = format!(
        "[[environments]]\nname = \"staging\"\ndeploy = [\"./deploy.sh\"]\nproof = [\"cat\", \"replicas\"]\n\
         expect = \"3/3\"\n{times}\n"
    );
    let yard = Yard::new(&config, "echo asked >> deploys");
    std::fs::write(yard.file("replicas"), "1/3\n").unwrap();
    yard
}

#[test]
fn a_rollout_slower_than_it_should_be_is_still_going_and_then_done() {
    let yard = rollout("proof_within = \"1s\"");
    let mut verb = yard.begin(&["deploy", "staging"]);
    let plan = waiting(&yard, "not proven yet, still going: it answers 1/3, expected 3/3");
    assert_eq!((&plan["state"], &plan["steps"][0]["state"]), (&"waiting".into(), &"waiting".into()));
    let next = yard.shell.json(&["status", "--json"])["next"][0]["title"].clone();
    assert!(next.as_str().unwrap().contains("still going"), "{next}");
    // Asked to go on it asks again, and deploys nothing.
    yard.shell.flightdeck(&["plan", "resume", "--detach", PLAN]).succeeded();
    std::fs::write(yard.file("replicas"), "3/3\n").unwrap();
    assert_eq!(verb.wait("the verb").code(), Some(0), "it came to its end by itself");
    let plan = show(&yard);
    assert_eq!((&plan["state"], &plan["steps"][0]["proof"]), (&"done".into(), &"done".into()));
    assert_eq!(super::conductor::lines(&yard.file("deploys")), 1);
}

#[test]
fn a_rollout_that_is_not_done_when_its_time_is_over_has_failed() {
    let yard = rollout("proof_within = \"1s\"\ntimeout = \"4s\"");
    let ended = yard.shell.flightdeck(&["deploy", "staging"]).ended_with(1);
    assert!(ended.stderr.contains("still going: it answers 1/3"), "{ended:?}");
    assert!(ended.stdout.contains("exited 0, but it is not done: it answers 1/3"), "{ended:?}");
}

#[test]
fn a_rollout_that_is_still_going_can_be_left_and_its_target_is_free() {
    let yard = rollout("proof_within = \"1s\"");
    yard.shell.flightdeck(&["deploy", "staging", "--detach"]).succeeded();
    waiting(&yard, "still going");
    yard.shell.flightdeck(&["plan", "cancel", PLAN]).succeeded();
    assert_eq!(show(&yard)["state"], "cancelled");
    std::fs::write(yard.file("replicas"), "3/3\n").unwrap();
    yard.shell.flightdeck(&["deploy", "staging"]).succeeded();
}

#[test]
fn nobody_has_to_wait_until_a_rollout_should_be_done() {
    let yard = rollout("proof_within = \"20m\"");
    let mut verb = yard.begin(&["deploy", "staging"]);
    let choices = wait_until("the world to be asked", || {
        let choices = show(&yard)["choices"].as_array().unwrap().clone();
        (!choices.is_empty()).then_some(choices)
    });
    assert!(choices.iter().any(|choice| choice["decision"] == "skip"), "{choices:?}");
    let text = yard.shell.flightdeck(&["plan", "show"]).succeeded().stdout;
    assert!(text.contains("flightdeck is checking whether it is done"), "{text}");
    yard.shell.flightdeck(&["plan", "cancel", PLAN]).succeeded();
    assert_eq!(verb.wait("the verb").code(), Some(1));
    let plan = show(&yard);
    assert_eq!((&plan["state"], &plan["steps"][0]["state"]), (&"cancelled".into(), &"unknown".into()));
}
