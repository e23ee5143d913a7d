//! A command that waits for an answer, or prints nothing any more, is said by the verb that follows it,
//! by the status, by its plan and by what is next: which, since when, for how long, and how to answer.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::process::Stdio;

use serde_json::Value;

use super::conductor::{UNTIL_GO, Yard};
use super::service::{Service, response};
use super::world::{PROGRAM, Running, wait_until};

const RUN: &str = "deploy-staging-1.0";

fn status(yard: &Yard) -> Value {
    yard.shell.json(&["status", "--json"])
}

/// Begins a deploy, and keeps what the verb says in a file.
fn deploy(yard: &Yard) -> Running {
    let mut command = yard.shell.command(PROGRAM, &["deploy", "staging"]);
    let said = File::create(yard.world.path("said")).unwrap();
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(said);
    Running(command.spawn().unwrap())
}

fn said(yard: &Yard) -> String {
    std::fs::read_to_string(yard.world.path("said")).unwrap()
}

/// Waits until the run is said to wait; what it waits for.
fn waits(yard: &Yard) -> Value {
    wait_until("the run to wait", || {
        let status = status(yard);
        status["runs"].as_array()?.iter().find(|run| !run["waits"].is_null()).cloned()
    })
}

/// Everywhere it has to be said, with these words.
fn is_said_everywhere(yard: &Yard, words: &str) {
    // Line by line, and one may be half there.
    let attach = format!("flightdeck run attach {RUN}");
    wait_until("the verb to say it", || {
        let said = said(yard);
        [words, "since ", "stopped at ", ", process ", &attach]
            .iter()
            .all(|part| said.contains(part))
            .then_some(())
    });
    let run = waits(yard);
    let pid = run["pid"].as_u64().unwrap();
    assert!(Path::new(&format!("/proc/{pid}")).exists(), "{run}");
    for field in ["since", "until"] {
        assert!(run["waits"][field].is_string(), "{run}");
    }
    for arguments in [&["status"][..], &["plan", "show"]] {
        let text = yard.shell.flightdeck(arguments).succeeded().stdout;
        // However it is broken into lines.
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        for part in [words, &format!("process {pid}"), &format!("flightdeck run attach {RUN}")] {
            assert!(text.contains(part), "{part} of {arguments:?} in {text}");
        }
    }
    let shown = yard.shell.json(&["plan", "show", "--json"]);
    assert_eq!(shown["steps"][0]["waits"], run["waits"], "{shown}");
}

#[test]
fn a_passphrase_host_key_or_pin_that_is_asked_for_is_said_everywhere_and_gone_once_it_is_answered() {
    for (question, reads) in [
        ("Enter passphrase for key '/keys/deploy': ", "stty -echo; read -r x; stty echo; echo"),
        ("Are you sure you want to continue connecting (yes/no/[fingerprint])? ", "read -r x"),
        ("PIN> ", "stty -echo; read -r x; stty echo; echo"),
    ] {
        let script = format!("printf \"{question}\"\n{reads}\necho thanks\n{UNTIL_GO}");
        let yard = Yard::deploying(&script);
        let mut verb = deploy(&yard);
        let asked = question.trim();
        is_said_everywhere(&yard, &format!("asks: {asked}"));
        assert_eq!(waits(&yard)["waits"]["question"], asked);
        let next = status(&yard)["next"][0].clone();
        assert_eq!((&next["action"], &next["argument"]), (&"output.answer".into(), &RUN.into()));
        assert!(next["title"].as_str().unwrap().contains(asked) && next["key"].is_string(), "{next}");

        let mut command = yard.shell.command(PROGRAM, &["run", "attach", RUN]);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut attached = Running(command.spawn().unwrap());
        attached.0.stdin.take().unwrap().write_all(b"quite s3cret\n").unwrap();
        yard.wait_output(RUN, "thanks");
        wait_until("it to go on", || status(&yard)["runs"][0]["waits"].is_null().then_some(()));
        wait_until("the verb to say so", || said(&yard).contains("resumed").then_some(()));
        assert_ne!(status(&yard)["next"][0]["action"], "output.answer");
        yard.go();
        assert_eq!(verb.wait("the verb").code(), Some(0));
        attached.wait("the run");
    }
}

#[test]
fn a_command_that_prints_nothing_for_long_is_said_everywhere() {
    // A tenth of its time limit is long.
    let config = "[[environments]]\nname = \"staging\"\ndeploy = [\"./deploy.sh\"]\ntimeout = \"100s\"\n";
    let yard = Yard::new(config, &format!("echo working\n{UNTIL_GO}"));
    let mut verb = deploy(&yard);
    is_said_everywhere(&yard, "has printed nothing for a while and may hang");
    let next = status(&yard)["next"][0]["title"].as_str().unwrap().to_owned();
    assert!(next.starts_with("see whether it hangs: ") && next.contains("prints nothing for "), "{next}");
    yard.go();
    assert_eq!(verb.wait("the verb").code(), Some(0));
    assert!(status(&yard)["runs"][0]["waits"].is_null(), "what has ended waits for nothing");
}

/// Processes whose command line names something.
fn processes_naming(text: &str) -> Vec<String> {
    let lines = std::fs::read_dir("/proc").unwrap().flatten().filter_map(|entry| {
        let line = std::fs::read(entry.path().join("cmdline")).ok()?;
        Some(String::from_utf8_lossy(&line).replace('\0', " "))
    });
    lines.filter(|line| line.contains(text)).collect()
}

#[test]
fn git_that_asks_for_a_user_over_http_says_so_and_ends_with_its_plan() {
    let service = Service::start(|_| {
        let refused = response("401 Unauthorized", "");
        Some(refused.replacen("\r\n", "\r\nwww-authenticate: Basic realm=\"git\"\r\n", 1))
    });
    let config = "[[environments]]\nname = \"staging\"\ndeploy = [\"git\", \"push\", \"origin\", \"HEAD\"]\n";
    let yard = Yard::new(config, "true");
    let url = format!("{}/team/service.git", service.url);
    yard.shell.run("git", &["remote", "add", "origin", &url]).succeeded();
    let mut verb = deploy(&yard);
    is_said_everywhere(&yard, &format!("asks: Username for '{}'", service.url));
    assert!(!processes_naming(&url).is_empty(), "git waits with what it started");
    yard.shell.flightdeck(&["run", "stop", RUN]).succeeded();
    assert_eq!(verb.wait("the verb").code(), Some(1));
    wait_until("git to be gone", || processes_naming(&url).is_empty().then_some(()));
}
