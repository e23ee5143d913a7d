//! What a plan does whatever becomes of those who started it: real commands, carried out by
//! the real binary.

use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use rustix::process::{Pid, Resource, Rlimit, Signal, kill_process, prlimit};
use serde_json::Value;

use super::terminal::Terminal;
use super::world::{PROGRAM, Running, Shell, World, wait_until};

/// A repository with a trusted configuration and an open incident.
pub(super) struct Yard {
    pub(super) world: World,
    pub(super) shell: Shell,
}

pub(super) const CONFIG: &str = r#"
[[environments]]
name = "staging"
deploy = ["./deploy.sh", "{ref}", "{env}"]
proof = ["./proof.sh"]
"#;

/// Waits for the file `go`, so that the test decides when it goes on.
pub(super) const UNTIL_GO: &str = "while [ ! -e go ]; do sleep 0.02; done\n";

/// Waits until a cockpit knows the repository and its configuration: keys before that are too early.
pub(super) fn ready(terminal: &Terminal) {
    terminal.wait_text("⎇ main");
    // Ways back are looked for once the configuration was read.
    terminal.wait_text("rollback ");
}

impl Yard {
    pub(super) fn new(config: &str, deploy: &str) -> Self {
        let world = World::new();
        let shell = world.repository("service");
        let yard = Self { world, shell };
        std::fs::write(yard.file("flightdeck.toml"), config).unwrap();
        yard.script("deploy.sh", deploy);
        yard.script("proof.sh", "git rev-parse HEAD");
        yard.shell.flightdeck(&["trust"]).succeeded();
        yard.shell.flightdeck(&["declare", "Checkout answers 500", "--severity", "P0"]).succeeded();
        yard
    }

    pub(super) fn deploying(script: &str) -> Self {
        Self::new(CONFIG, script)
    }

    /// A cockpit that knows the repository and its configuration.
    pub(super) fn cockpit(&self) -> Terminal {
        let terminal = Terminal::open(&self.shell, 36, 120, &[]);
        ready(&terminal);
        terminal
    }

    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.shell.directory.join(name)
    }

    pub(super) fn script(&self, name: &str, text: &str) {
        std::fs::write(self.file(name), format!("#!/bin/sh\n{text}\n")).unwrap();
        std::fs::set_permissions(self.file(name), std::fs::Permissions::from_mode(0o755)).unwrap();
    }

    pub(super) fn go(&self) {
        std::fs::write(self.file("go"), "").unwrap();
    }

    /// A verb that runs beside the test.
    pub(super) fn begin(&self, arguments: &[&str]) -> Running {
        let mut command = self.shell.command(PROGRAM, arguments);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        Running(command.spawn().unwrap())
    }

    pub(super) fn runs(&self) -> Vec<Value> {
        self.shell.json(&["status", "--json"])["runs"].as_array().unwrap().clone()
    }

    pub(super) fn wait_run(&self, id: &str, state: &str) -> Value {
        wait_until(&format!("{id} to be {state}"), || {
            self.runs().into_iter().find(|run| run["id"] == id && run["state"] == state)
        })
    }

    /// Waits until a run has printed something.
    pub(super) fn wait_output(&self, id: &str, text: &str) {
        wait_until(&format!("{text} from {id}"), || {
            let log = self.shell.flightdeck(&["run", "log", id]);
            log.stdout.contains(text).then_some(())
        });
    }

    /// The conductor of this yard, which there is one of.
    pub(super) fn conductor(&self) -> u32 {
        wait_until("the conductor", || self.find_conductor())
    }

    pub(super) fn has_no_conductor(&self) -> bool {
        self.find_conductor().is_none()
    }

    pub(super) fn kill_conductor(&self) {
        kill_process(pid(self.conductor()), Signal::KILL).unwrap();
    }

    /// Kills the conductor of this yard where there is one by now.
    pub(super) fn kill_conductor_if_any(&self) {
        if let Some(conductor) = self.find_conductor() {
            kill_process(pid(conductor), Signal::KILL).ok();
        }
    }

    /// What lives of a run, by the mark in its environment.
    pub(super) fn processes(&self, run: &str) -> Vec<u32> {
        let home = [b"HOME=", self.world.path("home").as_os_str().as_encoded_bytes()].concat();
        let pids = std::fs::read_dir("/proc").unwrap().flatten();
        let pids = pids.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
        pids.filter(|pid| {
            let environment = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
            let mut entries = environment.split(|&byte| byte == 0);
            let is_marked = |entry: &[u8]| {
                entry.starts_with(b"FLIGHTDECK_RUN=") && entry.ends_with(format!("/{run}").as_bytes())
            };
            entries.clone().any(|entry| entry == home) && entries.any(is_marked)
        })
        .collect()
    }

    /// Kills all that lives of a run.
    pub(super) fn kill_run(&self, run: &str) {
        wait_until(&format!("all of {run} to be gone"), || {
            let left = self.processes(run);
            for &left in &left {
                kill_process(pid(left), Signal::KILL).ok();
            }
            left.is_empty().then_some(())
        });
    }

    fn find_conductor(&self) -> Option<u32> {
        let state = self.world.path("state");
        let pids = std::fs::read_dir("/proc").unwrap().flatten();
        let mut pids = pids.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
        pids.find(|pid| {
            let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            let words: Vec<_> = line.split(|&byte| byte == 0).collect();
            words.get(1) == Some(&&b"conduct"[..]) && words.contains(&state.as_os_str().as_encoded_bytes())
        })
    }

    /// Starts a deploy whose conductor can be told that its files may not grow.
    pub(super) fn deploy_on_a_disk_that_will_be_full(&self) {
        let line = format!("trap '' XFSZ; exec {PROGRAM} deploy staging --detach");
        self.shell.run("sh", &["-c", &line]).succeeded();
    }

    /// Lets the conductor write to its files up to so many bytes and no further.
    pub(super) fn limit_files(&self, bytes: Option<u64>) {
        let limit = Rlimit { current: bytes, maximum: None };
        prlimit(Some(pid(self.conductor())), Resource::Fsize, limit).unwrap();
    }
}

impl Drop for Yard {
    /// A test that failed leaves nothing behind.
    fn drop(&mut self) {
        if let Some(conductor) = self.find_conductor() {
            kill_process(pid(conductor), Signal::KILL).ok();
        }
    }
}

pub(super) fn pid(number: u32) -> Pid {
    Pid::from_raw(i32::try_from(number).unwrap()).unwrap()
}

pub(super) fn lines(path: &Path) -> usize {
    std::fs::read_to_string(path).unwrap_or_default().lines().count()
}

#[test]
fn a_killed_conductor_leaves_an_unknown_end_that_is_asked_about_and_not_run_again() {
    let yard = Yard::deploying(&format!("echo begun >> begun\necho working\n{UNTIL_GO}echo over"));
    let mut verb = yard.begin(&["deploy", "staging"]);
    yard.wait_output("deploy-staging-1.0", "working");
    kill_process(pid(yard.conductor()), Signal::KILL).unwrap();

    assert_eq!(verb.wait("the verb").code(), Some(6), "the outcome is unknown");
    let plan = yard.shell.json(&["plan", "show", "--json"]);
    assert_eq!(plan["state"], "unknown", "its command is still at it");
    assert_eq!(plan["steps"][0]["outcome"]["state"], "unknown");
    let why = plan["steps"][0]["outcome"]["why"].as_str().unwrap();
    assert!(why.contains("process of the plan was killed"), "{why}");
    assert!(why.contains("its command is still alive: pid"), "{why}");

    yard.go();
    let plan = wait_until("it to be found done", || {
        let plan = yard.shell.json(&["plan", "show", "--json"]);
        (plan["state"] == "done").then_some(plan)
    });
    assert_eq!(plan["steps"][0]["proof"], "done", "the proof was asked");
    assert_eq!(lines(&yard.file("begun")), 1, "nothing is run again by itself");

    // The target is free again.
    yard.shell.flightdeck(&["deploy", "staging"]).succeeded();
    assert_eq!(lines(&yard.file("begun")), 2);
    yard.shell.flightdeck(&["verify"]).succeeded();
}

#[test]
fn the_status_calls_nothing_running_whose_conductor_is_gone() {
    let yard = Yard::deploying(&format!("echo working\n{UNTIL_GO}"));
    yard.shell.flightdeck(&["deploy", "staging", "--detach"]).succeeded();
    yard.wait_output("deploy-staging-1.0", "working");
    assert_eq!(yard.shell.json(&["status", "--json"])["plans"][0]["state"], "running");
    kill_process(pid(yard.conductor()), Signal::KILL).unwrap();
    let state = || yard.shell.json(&["status", "--json"])["plans"][0]["state"].clone();
    wait_until("the status to know", || (state() == "unknown").then_some(()));
    yard.go();
}

#[test]
fn a_deploy_whose_starter_was_killed_ends_with_its_own_code_and_whole_output() {
    let yard = Yard::deploying(&format!("echo first\n{UNTIL_GO}seq 1 20000\nexit 3"));
    let mut verb = yard.begin(&["deploy", "staging"]);
    yard.wait_output("deploy-staging-1.0", "first");
    verb.0.kill().unwrap();
    verb.wait("the verb");
    yard.go();
    assert_eq!(yard.wait_run("deploy-staging-1.0", "exited")["code"], 3);
    let log = yard.shell.flightdeck(&["run", "log", "deploy-staging-1.0"]).succeeded().stdout;
    let expected: Vec<_> = (1..=20_000).map(|n| n.to_string()).collect();
    assert!(log.lines().skip(1).eq(expected.iter().map(String::as_str)), "every line is there, in order");
    yard.shell.flightdeck(&["run", "stop", "deploy-staging-1.0"]).ended_with(2).said("has ended");
}

#[test]
fn a_signal_is_a_signal_and_a_code_is_a_code() {
    let check = |name: &str, command: &str| format!("[[checks]]\nname = \"{name}\"\ncommand = {command}\n");
    let config = [
        check("signal", r#"["sh", "-c", "kill -9 $$"]"#),
        check("code", r#"["sh", "-c", "sh -c 'kill -9 $$'; exit $?"]"#),
        check("missing", r#"["no-such-program-anywhere"]"#),
        check("plain", r#"["./plain.sh"]"#),
        check("odd", r#"["printf", "\\377\\033]52;c;eA==\\007\\342\\200\\256x\\n"]"#),
    ]
    .concat();
    let yard = Yard::new(&config, "");
    std::fs::write(yard.file("plain.sh"), "#!/bin/sh\n").unwrap();
    let ended = yard.shell.flightdeck(&["test"]).ended_with(1);
    assert!(ended.stdout.starts_with("test-1: failed"), "{ended:?}");
    let runs = yard.runs();
    assert_eq!((&runs[0]["state"], &runs[0]["signal"]), (&"signalled".into(), &9.into()));
    assert_eq!((&runs[1]["state"], &runs[1]["code"]), (&"exited".into(), &137.into()));
    assert_eq!((&runs[2]["state"], &runs[3]["state"]), (&"did-not-start".into(), &"did-not-start".into()));
    let plan = yard.shell.json(&["plan", "show", "--json"]);
    let why = |step: usize| plan["steps"][step]["outcome"]["why"].as_str().unwrap().to_owned();
    assert_eq!(why(2), "no program no-such-program-anywhere on PATH");
    assert_eq!(why(3), "./plain.sh is not executable (chmod +x ./plain.sh)");
    let log = yard.shell.flightdeck(&["run", "log", "test-1.4"]).succeeded();
    assert_eq!(log.stdout, "\u{fffd}<U+202E>x\n");
}

#[test]
fn a_stop_climbs_from_int_to_kill_and_reaches_what_left_the_session() {
    let script = "trap '' INT TERM\n\
        sh -c \"trap '' INT; while :; do sleep 0.1; done\" &\n\
        setsid sh -c 'echo $$ > escaped; exec sleep 600' &\n\
        while [ ! -s escaped ]; do sleep 0.02; done\n\
        echo ready\nwhile :; do sleep 0.1; done";
    let yard = Yard::deploying(script);
    yard.shell.flightdeck(&["deploy", "staging", "--detach"]).succeeded();
    yard.wait_output("deploy-staging-1.0", "ready");
    let stopped = yard.shell.flightdeck(&["run", "stop", "deploy-staging-1"]).succeeded();
    assert_eq!(stopped.stderr.lines().filter(|line| line.starts_with("sent ")).count(), 3, "{stopped:?}");
    assert!(yard.processes("deploy-staging-1.0").is_empty(), "what left the session is signalled, too");

    let run = yard.wait_run("deploy-staging-1.0", "signalled");
    assert_eq!(run["signal"], 9);
    let status = wait_until("the plan to be cancelled", || {
        let status = yard.shell.json(&["status", "--json"]);
        (status["plans"][0]["state"] == "cancelled").then_some(status)
    });
    assert!(status["plans"][0]["why"].as_str().unwrap().contains("Maya asked for a stop"), "{status}");
    let timeline = status["timeline"].to_string();
    for said in ["INT", "TERM", "KILL"] {
        assert!(timeline.contains(said), "{said} in {timeline}");
    }
    assert!(!timeline.contains("still alive"), "{timeline}");
}

#[test]
fn a_step_that_takes_too_long_is_stopped() {
    let config = format!("{CONFIG}timeout = \"1s\"\n");
    let yard = Yard::new(&config, "sleep 600");
    let ended = yard.shell.flightdeck(&["deploy", "staging"]).ended_with(1);
    assert!(ended.stdout.contains("was stopped after 1s"), "{ended:?}");
    assert_eq!(yard.runs()[0]["signal"], 2, "INT was enough");
    // What may have been half done can be rolled back, and that is said where it is looked at.
    let shown = yard.shell.flightdeck(&["plan", "show"]).succeeded().stdout;
    assert!(shown.contains("flightdeck rollback --list --env staging"), "{shown}");
}

#[test]
fn a_flood_costs_little_memory_and_little_disk() {
    let flood = "echo the first line\nyes 0123456789 | head -c 100000000\necho\necho the last line\n";
    let yard = Yard::deploying(&format!("{flood}{UNTIL_GO}"));
    yard.shell.flightdeck(&["deploy", "staging", "--detach"]).succeeded();
    wait_until("the flood to be over", || {
        let log = std::fs::read_dir(run_dir(&yard)?).ok()?.flatten().map(|entry| entry.path());
        let newest = log.filter(|path| path.extension().is_some_and(|e| e == "out")).max()?;
        std::fs::read(newest).ok()?.ends_with(b"the last line\r\n").then_some(())
    });
    let status = std::fs::read_to_string(format!("/proc/{}/status", yard.conductor())).unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let peak: u64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
    assert!(peak < 100_000, "{peak} kB of memory");
    yard.go();
    yard.wait_run("deploy-staging-1.0", "exited");
    let kept: u64 = std::fs::read_dir(run_dir(&yard).unwrap())
        .unwrap()
        .map(|e| e.unwrap().metadata().unwrap().len())
        .sum();
    assert!(kept < 40 << 20, "{kept} bytes kept");
    let log = yard.shell.flightdeck(&["run", "log", "deploy-staging-1.0"]).succeeded().stdout;
    assert!(log.starts_with("the first line\n0123456789\n"));
    assert!(log.ends_with("\nthe last line\n"));
    assert!(log.contains(" bytes were not kept …"));
}

/// The directory of the one run there is.
fn run_dir(yard: &Yard) -> Option<PathBuf> {
    let runs = yard.world.path("state").join("runs");
    let incident = std::fs::read_dir(runs).ok()?.next()?.ok()?.path();
    Some(incident.join("deploy-staging-1.0"))
}

#[test]
fn a_question_is_answered_through_the_terminal_of_the_run() {
    let yard = Yard::deploying("printf 'really? '\nread answer\necho \"so: $answer\"\n[ \"$answer\" = yes ]");
    yard.shell.flightdeck(&["deploy", "staging", "--detach"]).succeeded();
    yard.wait_output("deploy-staging-1.0", "really?");
    let mut command = yard.shell.command(PROGRAM, &["run", "attach", "deploy-staging-1.0"]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut attached = Running(command.spawn().unwrap());
    let mut keyboard = attached.0.stdin.take().unwrap();
    std::io::Write::write_all(&mut keyboard, b"yes\n").unwrap();
    drop(keyboard);
    assert!(attached.wait("the attached verb").success());
    let mut seen = String::new();
    std::io::Read::read_to_string(&mut attached.0.stdout.take().unwrap(), &mut seen).unwrap();
    assert!(seen.contains("really? yes\nso: yes\n"), "{seen}");
}

#[test]
fn a_signal_gives_the_terminal_of_the_attached_verb_back_and_the_run_goes_on() {
    let yard = Yard::deploying(&format!("echo ready\n{UNTIL_GO}"));
    yard.shell.flightdeck(&["deploy", "staging", "--detach"]).succeeded();
    yard.wait_output("deploy-staging-1.0", "ready");
    for signal in [Signal::TERM, Signal::QUIT, Signal::USR1, Signal::ALARM] {
        let mut terminal = Terminal::open(&yard.shell, 36, 120, &["run", "attach", "deploy-staging-1.0"]);
        terminal.wait_text("ready");
        wait_until("the keys to be taken over", || terminal.is_raw().then_some(()));
        terminal.process.signal(signal);
        assert_eq!(terminal.wait_end().signal(), Some(signal.as_raw()), "{signal:?}");
        assert!(!terminal.is_raw(), "{signal:?}");
        yard.wait_run("deploy-staging-1.0", "running");
    }
    yard.go();
    yard.wait_run("deploy-staging-1.0", "exited");
}

#[test]
fn two_at_once_make_one_deploy() {
    let yard = Yard::deploying(&format!("echo begun >> begun\n{UNTIL_GO}"));
    let mut verbs: Vec<_> = (0..4).map(|_| yard.begin(&["deploy", "staging", "--detach"])).collect();
    let mut codes: Vec<_> = verbs.iter_mut().map(|verb| verb.wait("a verb").code().unwrap()).collect();
    codes.sort_unstable();
    assert_eq!(codes, [0, 5, 5, 5]);
    yard.go();
    yard.wait_run("deploy-staging-1.0", "exited");
    assert_eq!(lines(&yard.file("begun")), 1);
    assert_eq!(yard.runs().len(), 1);
}

#[test]
fn everything_kept_is_private_whatever_the_umask() {
    let yard = Yard::deploying(&format!("touch made\numask\necho ready\n{UNTIL_GO}"));
    let line = format!("umask 000; exec {PROGRAM} deploy staging --detach");
    yard.shell.run("sh", &["-c", &line]).succeeded();
    yard.wait_output("deploy-staging-1.0", "ready");
    let mut looked_at = 0;
    let mut directories = vec![yard.world.path("state").join("runs")];
    while let Some(directory) = directories.pop() {
        assert_eq!(directory.metadata().unwrap().permissions().mode() & 0o777, 0o700, "{directory:?}");
        for entry in std::fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                directories.push(path);
                continue;
            }
            looked_at += 1;
            assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{path:?}");
        }
    }
    assert!(looked_at >= 3, "log, note and input");
    // The command itself runs with the umask of who started it.
    assert_eq!(yard.file("made").metadata().unwrap().permissions().mode() & 0o777, 0o666);
    yard.go();
    yard.wait_run("deploy-staging-1.0", "exited");
}

#[test]
fn a_command_sees_a_terminal_and_only_what_it_was_promised() {
    let config = format!("{CONFIG}env = [\"DEPLOY_TOKEN\"]\n");
    let yard = Yard::new(&config, "tty > /dev/null && stty size\nenv | cut -d= -f1 | sort | tr '\\n' ' '");
    let shell = yard.shell.clone().with("DEPLOY_TOKEN", "t").with("AWS_SECRET", "s");
    shell.flightdeck(&["deploy", "staging"]).succeeded();
    let log = shell.flightdeck(&["run", "log", "deploy-staging-1"]).succeeded().stdout;
    let (size, names) = log.split_once('\n').unwrap();
    assert_eq!(size, "40 120");
    let expected = "DEPLOY_TOKEN FLIGHTDECK_COMMIT FLIGHTDECK_ENV FLIGHTDECK_REF FLIGHTDECK_RUN HOME LANG PATH PWD TERM TMPDIR TZ";
    let names: Vec<_> =
        names.split_whitespace().filter(|name| !["OLDPWD", "SHLVL", "_"].contains(name)).collect();
    assert_eq!(names.join(" "), expected);
}

#[test]
fn a_conductor_that_is_told_to_end_stops_its_command_and_says_so() {
    let yard = Yard::deploying("echo working\nexec sleep 600");
    let mut verb = yard.begin(&["deploy", "staging"]);
    yard.wait_output("deploy-staging-1.0", "working");
    // A closed terminal is nothing to it.
    kill_process(pid(yard.conductor()), Signal::HUP).unwrap();
    kill_process(pid(yard.conductor()), Signal::TERM).unwrap();
    assert_eq!(verb.wait("the verb").code(), Some(1));
    let plan = yard.shell.json(&["plan", "show", "--json"]);
    assert_eq!((&plan["state"], &plan["steps"][0]["outcome"]["signal"]), (&"cancelled".into(), &2.into()));
}

#[test]
fn a_dry_run_shows_all_and_changes_nothing() {
    let yard = Yard::deploying("touch deployed");
    let shown = yard.shell.flightdeck(&["deploy", "staging", "--dry-run", "--verbose"]).succeeded().stdout;
    for wanted in ["./deploy.sh main staging", "changes staging", "./proof.sh", "FLIGHTDECK_ENV=staging"] {
        assert!(shown.contains(wanted), "{wanted} in {shown}");
    }
    assert!(yard.runs().is_empty() && !yard.file("deployed").exists());
    yard.shell.flightdeck(&["deploy", "staging", "--confirm", "production"]).ended_with(2);
    yard.shell.flightdeck(&["deploy", "staging", "--ref=--upload-pack=x"]).ended_with(2);
    yard.shell.flightdeck(&["deploy", "staging", "--ref", "no-such-branch"]).ended_with(2);
    assert!(yard.runs().is_empty() && !yard.file("deployed").exists());
}

/// Room for the note of how a run ended, and not for one more record.
pub(super) const FULL: Option<u64> = Some(8 << 10);

#[test]
fn a_deploy_goes_on_when_the_disk_is_full_and_its_code_is_recorded_when_there_is_room() {
    let yard = Yard::deploying(&format!("echo working\n{UNTIL_GO}touch over\nexit 7"));
    yard.deploy_on_a_disk_that_will_be_full();
    yard.wait_output("deploy-staging-1.0", "working");
    yard.limit_files(FULL);
    yard.go();
    let note = run_dir(&yard).unwrap().join("outcome.json");
    wait_until("the note", || std::fs::read_to_string(&note).ok().filter(|text| text.contains("\"code\":7")));
    assert!(yard.file("over").exists());
    assert_eq!(yard.runs()[0]["state"], "running", "nothing is shown that is not saved");
    yard.limit_files(None);
    assert_eq!(yard.wait_run("deploy-staging-1.0", "exited")["code"], 7);
    yard.shell.flightdeck(&["verify"]).succeeded();
}

#[test]
fn a_code_that_could_not_be_recorded_is_found_when_the_conductor_is_gone_too() {
    let yard = Yard::deploying(&format!("echo working\n{UNTIL_GO}exit 7"));
    yard.deploy_on_a_disk_that_will_be_full();
    yard.wait_output("deploy-staging-1.0", "working");
    yard.limit_files(FULL);
    yard.go();
    let note = run_dir(&yard).unwrap().join("outcome.json");
    wait_until("the note", || std::fs::read_to_string(&note).ok().filter(|text| text.contains("\"code\":7")));
    kill_process(pid(yard.conductor()), Signal::KILL).unwrap();
    let plan = wait_until("the plan to be over", || {
        let plan = yard.shell.json(&["plan", "show", "--json"]);
        (plan["state"] == "failed").then_some(plan)
    });
    assert_eq!(plan["steps"][0]["outcome"]["code"], 7);
}
