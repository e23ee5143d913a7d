//! Git that asks, that finds the lock of another git, and that is stopped on its way to a remote.

use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::Value;

use super::conductor::Yard;
use super::terminal::Terminal;
use super::world::{Running, wait_until};

/// Pushes what is checked out, and asks the remote for it.
const PUSHING: &str = r#"
[[environments]]
name = "staging"
deploy = ["git", "push", "origin", "HEAD:refs/heads/main"]
proof = ["git", "ls-remote", "origin", "refs/heads/main"]
expect = "{commit}\trefs/heads/main"
proof_within = "5s"
"#;

/// Commits, which takes the lock of the index.
const COMMITTING: &str = r#"
[[environments]]
name = "staging"
deploy = ["git", "commit", "--quiet", "--allow-empty", "-m", "signed"]
"#;

fn script(path: &Path, text: &str) {
    std::fs::write(path, format!("#!/bin/sh\n{text}\n")).unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(path, mode).unwrap();
}

fn git(yard: &Yard, arguments: &[&str]) -> String {
    yard.shell.run("git", arguments).succeeded().stdout.trim().to_owned()
}

fn bare(yard: &Yard) -> PathBuf {
    let path = yard.world.path("origin.git");
    git(yard, &["init", "-q", "--bare", "-b", "main", path.to_str().unwrap()]);
    path
}

/// Opens the cockpit and deploys.
fn deploy_on_a_terminal(yard: &Yard) -> Terminal {
    let terminal = Terminal::open(&yard.shell, 36, 140, &[]);
    super::conductor::ready(&terminal);
    terminal.press("ds");
    terminal.wait_text("Plan: ");
    terminal.press_until("y", "the plan to start", |screen| !screen.contains("Plan: "));
    terminal
}

/// Types an answer where the command asks.
fn answer(terminal: &Terminal, text: &str) {
    terminal.press("5<enter>");
    terminal.wait_text("i lets you type it");
    terminal.press("i");
    terminal.wait_text("ANSWERING");
    terminal.press(text);
    terminal.press("<enter>");
}

fn wait_plan(yard: &Yard, id: &str) -> Value {
    wait_until(&format!("the end of {id}"), || {
        let status = yard.shell.json(&["status", "--json"]);
        let plans = status["plans"].as_array().unwrap().clone();
        plans.into_iter().find(|plan| {
            plan["id"] == id && !["running", "waiting"].contains(&plan["state"].as_str().unwrap())
        })
    })
}

fn stored(folder: &Path, needle: &[u8]) -> bool {
    std::fs::read_dir(folder).unwrap().flatten().any(|entry| {
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            return stored(&entry.path(), needle);
        }
        kind.is_file() && std::fs::read(entry.path()).unwrap().windows(needle.len()).any(|it| it == needle)
    })
}

#[test]
fn a_passphrase_is_asked_for_in_its_own_terminal_and_by_nobody_in_the_background() {
    let mut yard = Yard::new(PUSHING, "true");
    let origin = bare(&yard);
    std::fs::create_dir(yard.world.path("bin")).unwrap();
    let ssh = yard.world.path("bin/ssh");
    // As ssh does: it asks on the terminal unless it is told not to.
    let asks = r#"for last; do :; done
echo "$*" >> "$HOME/asked"
case "$*" in
*BatchMode=yes*) ;;
*)
    printf "Enter passphrase for key '/keys/deploy': " > /dev/tty
    stty -echo < /dev/tty; IFS= read -r answer < /dev/tty; stty echo < /dev/tty; echo > /dev/tty
    test "$answer" = 'quite s3cret' || { echo 'Permission denied (publickey).' >&2; exit 255; } ;;
esac
exec sh -c "$last""#;
    script(&ssh, asks);
    git(&yard, &["remote", "add", "origin", &format!("ssh://git@host.invalid{}", origin.display())]);
    // What a hook left behind, and a window on another screen, are not what is meant.
    yard.shell = yard
        .shell
        .clone()
        .with("GIT_SSH_COMMAND", &*ssh)
        .with("GIT_DIR", "/nowhere/.git")
        .with("GIT_ASKPASS", "/nowhere/window")
        .with("SSH_ASKPASS", "/nowhere/window");
    let terminal = deploy_on_a_terminal(&yard);
    terminal.wait_text("git asks: Enter passphrase for key '/keys/deploy':");
    let screen = terminal.screen();
    let next = screen.lines().find(|line| line.contains("NEXT")).unwrap();
    assert!(next.contains("git asks") && next.contains("[5 ⏎ i]"), "{next}");
    answer(&terminal, "quite s3cret");
    terminal.wait_text("done");
    let plan = wait_plan(&yard, "deploy-staging-1");
    assert_eq!(plan["state"], "done", "{plan}");
    assert!(!stored(&yard.world.path("state"), b"s3cret"), "what was typed is kept nowhere");
    let asked = std::fs::read_to_string(yard.world.path("home/asked")).unwrap();
    let lines: Vec<&str> = asked.lines().collect();
    assert!(lines.iter().any(|line| line.contains("receive-pack") && !line.contains("BatchMode")));
    assert!(
        lines.iter().any(|line| line.contains("upload-pack") && line.contains("BatchMode=yes")),
        "{asked}"
    );
}

#[test]
fn a_signature_is_asked_for_on_the_terminal_of_the_command() {
    let yard = Yard::new(COMMITTING, "true");
    let gpg = yard.world.path("gpg");
    let sign = r#"cat > /dev/null
printf 'Please enter your PIN: ' > "$GPG_TTY"
IFS= read -r pin < "$GPG_TTY"
test "$pin" = 123456 || exit 2
printf '\n[GNUPG:] SIG_CREATED D 1 8 00 0 0\n' >&2
printf -- '-----BEGIN PGP SIGNATURE-----\n\nbWFkZSB1cA==\n-----END PGP SIGNATURE-----\n'"#;
    script(&gpg, sign);
    git(&yard, &["config", "gpg.program", gpg.to_str().unwrap()]);
    git(&yard, &["config", "commit.gpgSign", "true"]);
    let terminal = deploy_on_a_terminal(&yard);
    terminal.wait_text("git asks: Please enter your PIN:");
    answer(&terminal, "123456");
    let plan = wait_plan(&yard, "deploy-staging-1");
    assert_eq!(plan["state"], "done", "{plan}");
    assert!(git(&yard, &["cat-file", "commit", "HEAD"]).contains("BEGIN PGP SIGNATURE"));
}

#[test]
fn a_lock_of_another_git_is_waited_for() {
    let yard = Yard::new(COMMITTING, "true");
    let lock = yard.file(".git/index.lock");
    std::fs::write(&lock, "").unwrap();
    yard.shell.flightdeck(&["deploy", "staging", "--detach"]).succeeded();
    yard.wait_output("deploy-staging-1.0", "index.lock is in the way");
    assert_eq!(git(&yard, &["log", "--format=%s"]), "Begin", "nothing was done yet");
    std::fs::remove_file(&lock).unwrap();
    let plan = wait_plan(&yard, "deploy-staging-1");
    assert_eq!(plan["state"], "done", "{plan}");
    assert_eq!(git(&yard, &["log", "--format=%s"]), "signed\nBegin", "and done once");
    let log = yard.shell.flightdeck(&["run", "log", "deploy-staging-1.0"]).succeeded().stdout;
    assert!(log.contains("File exists") && log.contains("has gone; try 2"), "each try is in the log: {log}");
}

#[test]
fn a_lock_that_stays_is_named_and_left_alone() {
    let yard = Yard::new(COMMITTING, "true");
    let lock = yard.file(".git/index.lock");
    std::fs::write(&lock, "").unwrap();
    let ended = yard.shell.flightdeck(&["deploy", "staging"]).ended_with(1);
    assert!(ended.stderr.contains("index.lock is in the way, made"), "{}", ended.stderr);
    assert!(ended.stderr.contains("if none is at work there, delete that file"), "{}", ended.stderr);
    assert!(lock.exists());
}

#[test]
fn a_stop_ends_the_waiting_for_a_lock() {
    let yard = Yard::new(COMMITTING, "true");
    std::fs::write(yard.file(".git/index.lock"), "").unwrap();
    yard.shell.flightdeck(&["deploy", "staging", "--detach"]).succeeded();
    yard.wait_output("deploy-staging-1.0", "index.lock is in the way");
    yard.shell.flightdeck(&["run", "stop", "deploy-staging-1.0"]).succeeded();
    assert_eq!(wait_plan(&yard, "deploy-staging-1")["state"], "cancelled");
    assert_eq!(git(&yard, &["log", "--format=%s"]), "Begin");
}

/// A remote on the loopback whose hook takes its time.
struct Slow {
    yard: Yard,
    origin: PathBuf,
    daemon: Running,
}

impl Slow {
    fn new() -> Self {
        let yard = Yard::new(PUSHING, "true");
        let origin = bare(&yard);
        git(&yard, &["push", "-q", origin.to_str().unwrap(), "HEAD:refs/heads/main"]);
        git(&yard, &["commit", "-q", "--allow-empty", "-m", "the fix"]);
        let gate = origin.join("gate");
        yard.shell.run("mkfifo", &[gate.to_str().unwrap()]).succeeded();
        script(
            &origin.join("hooks/pre-receive"),
            "echo 'the hook is at it' >&2\nread -r answer < gate\ntest \"$answer\" = yes",
        );
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        let base = format!("--base-path={}", yard.world.path("").display());
        let port_is = format!("--port={port}");
        let arguments =
            ["--reuseaddr", "--listen=127.0.0.1", &port_is, "--export-all", "--enable=receive-pack", &base];
        // The program itself, so that it ends with the test.
        let program = Path::new(&git(&yard, &["--exec-path"])).join("git-daemon");
        let mut command = yard.shell.command(program, &arguments);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let daemon = Running(command.spawn().unwrap());
        wait_until("the daemon", || TcpStream::connect(("127.0.0.1", port)).ok());
        git(&yard, &["remote", "add", "origin", &format!("git://127.0.0.1:{port}/origin.git")]);
        Self { yard, origin, daemon }
    }

    /// Pushes until the hook at the remote is at it.
    fn push(&self) {
        self.yard.shell.flightdeck(&["deploy", "staging", "--detach"]).succeeded();
        self.yard.wait_output("deploy-staging-1.0", "the hook is at it");
    }

    /// Lets the hook end.
    fn decide(&self, answer: &str) {
        let mut gate = wait_until("the hook", || self.gate());
        std::io::Write::write_all(&mut gate, format!("{answer}\n").as_bytes()).unwrap();
    }

    /// What the hook reads from, if it does.
    fn gate(&self) -> Option<std::fs::File> {
        let mut options = std::fs::OpenOptions::new();
        options.write(true).custom_flags(rustix::fs::OFlags::NONBLOCK.bits().cast_signed());
        options.open(self.origin.join("gate")).ok()
    }

    fn stop(&self) {
        self.yard.shell.flightdeck(&["run", "stop", "deploy-staging-1.0"]).succeeded();
        // The client is gone, and has said nothing.
        wait_until("the end of the client", || {
            let runs = self.yard.runs();
            let ended = runs.iter().find(|run| run["id"] == "deploy-staging-1.0")?;
            (ended["state"] != "running").then_some(())
        });
    }

    fn step(&self) -> Value {
        wait_plan(&self.yard, "deploy-staging-1");
        self.yard.shell.json(&["plan", "show", "deploy-staging-1", "--json"])["steps"][0].clone()
    }
}

impl Drop for Slow {
    /// A test that failed leaves no hook behind.
    fn drop(&mut self) {
        if let Some(mut gate) = self.gate() {
            std::io::Write::write_all(&mut gate, b"no\n").ok();
        }
    }
}

#[test]
fn a_push_that_lands_after_its_client_was_stopped_is_done() {
    let slow = Slow::new();
    slow.push();
    slow.stop();
    slow.decide("yes");
    let step = slow.step();
    assert_eq!(step["state"], "done", "{step}");
    let head = git(&slow.yard, &["rev-parse", "HEAD"]);
    assert!(git(&slow.yard, &["ls-remote", "origin", "refs/heads/main"]).starts_with(&head));
}

#[test]
fn a_push_that_is_refused_after_its_client_was_stopped_is_not_done() {
    let slow = Slow::new();
    slow.push();
    slow.stop();
    slow.decide("no");
    let step = slow.step();
    assert_eq!(
        (step["state"].as_str(), step["proof"].as_str()),
        (Some("failed"), Some("not-done")),
        "{step}"
    );
    let before = git(&slow.yard, &["rev-parse", "HEAD^"]);
    assert!(git(&slow.yard, &["ls-remote", "origin", "refs/heads/main"]).starts_with(&before));
}

#[test]
fn a_push_whose_remote_cannot_be_asked_any_more_is_unknown() {
    let mut slow = Slow::new();
    slow.push();
    slow.daemon.0.kill().unwrap();
    slow.daemon.0.wait().unwrap();
    slow.stop();
    let step = slow.step();
    assert_eq!(
        (step["state"].as_str(), step["proof"].as_str()),
        (Some("unknown"), Some("unknown")),
        "{step}"
    );
    // The hook at the remote goes on without anybody.
    slow.decide("no");
}

#[test]
fn a_push_whose_conductor_was_killed_is_asked_about() {
    let slow = Slow::new();
    let mut verb = slow.yard.begin(&["deploy", "staging"]);
    slow.yard.wait_output("deploy-staging-1.0", "the hook is at it");
    slow.yard.kill_conductor();
    slow.decide("yes");
    let head = git(&slow.yard, &["rev-parse", "HEAD"]);
    wait_until("the push to land", || {
        git(&slow.yard, &["ls-remote", "origin", "refs/heads/main"]).starts_with(&head).then_some(())
    });
    verb.wait("the verb");
    slow.yard.shell.flightdeck(&["plan", "prove", "deploy-staging-1"]);
    assert_eq!(slow.step()["state"], "done");
}
