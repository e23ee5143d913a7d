//! Leaving a drill: it asks, says what really becomes of it, and leaves nothing running.

use std::path::{Path, PathBuf};

use rustix::process::Signal;

use super::terminal::Terminal;
use super::walk_by_keys::declare;
use super::world::{Shell, World, wait_until};

/// A drill with its cockpit, and a shell in its repository.
struct Practice {
    terminal: Terminal,
    shell: Shell,
    repository: PathBuf,
}

impl Practice {
    fn open(world: &World, arguments: &[&str]) -> Self {
        let home = world.shell(&world.path("home"));
        let arguments: Vec<&str> = ["drill"].into_iter().chain(arguments.iter().copied()).collect();
        let terminal = Terminal::open(&home, 36, 120, &arguments);
        terminal.wait_text("Declare an incident");
        let inside = |place: &Path| {
            let found = std::fs::read_dir(place).ok()?.flatten().map(|entry| entry.path());
            found.map(|path| path.join("payments-api")).find(|path| path.is_dir())
        };
        let repository = inside(&world.path("tmp")).or_else(|| inside(&world.path("kept"))).unwrap();
        let shell =
            world.shell(&repository).with("FLIGHTDECK_STATE_DIR", repository.parent().unwrap().join("state"));
        Self { terminal, shell, repository }
    }

    /// Starts a deploy to staging that would take for ever; returns the process of its command.
    fn deploy_for_ever(&self, world: &World) -> i32 {
        declare(&self.terminal);
        let pid = world.path("pid");
        let script =
            format!("#!/bin/sh\ntrap '' INT TERM\necho $$ > {}\nsleep 600\nsleep 600\n", pid.display());
        std::fs::write(self.repository.join("deploy.sh"), script).unwrap();
        self.shell.flightdeck(&["deploy", "staging", "--detach"]).succeeded();
        self.terminal.wait_text("deploy main to staging");
        wait_until("the command to run", || std::fs::read_to_string(&pid).ok()?.trim().parse().ok())
    }

    /// Nothing of the drill is left: no directory, no process that was started for it.
    fn is_gone(&self, command: Option<i32>) {
        let directory = self.repository.parent().unwrap();
        assert!(!directory.exists(), "{}", directory.display());
        self.nothing_runs(command);
    }

    fn nothing_runs(&self, command: Option<i32>) {
        let directory = self.repository.parent().unwrap().to_string_lossy().into_owned();
        let running = || {
            let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
            let lines = processes.filter_map(|entry| std::fs::read(entry.path().join("cmdline")).ok());
            let mut lines = lines.map(|line| String::from_utf8_lossy(&line).replace('\0', " "));
            lines.find(|line| line.contains(&directory))
        };
        wait_until("all processes of the drill to end", || running().is_none().then_some(()));
        if let Some(pid) = command.and_then(rustix::process::Pid::from_raw) {
            wait_until("its command to end", || {
                rustix::process::test_kill_process(pid).is_err().then_some(())
            });
        }
    }
}

#[test]
fn leaving_a_drill_asks_and_says_that_it_is_removed() {
    let world = World::new();
    let mut practice = Practice::open(&world, &[]);
    practice.terminal.press("q");
    practice.terminal.wait_text("Leave the drill?");
    practice.terminal.wait_text("Its repository and services are removed.");
    practice.terminal.press("<esc>");
    practice.terminal.wait_gone("Leave the drill?");
    assert!(practice.repository.is_dir());
    practice.terminal.press("q");
    practice.terminal.wait_text("Leave the drill?");
    // A key that comes with the first frame was not meant for it, so it may take another.
    practice.terminal.press_until("y", "the drill to end", |screen| screen.contains("was removed"));
    assert_eq!(practice.terminal.wait_end().code(), Some(0));
    practice.terminal.wait_closed();
    let said = practice.terminal.screen();
    assert!(said.contains("The drill is over; its directory was removed."), "{said}");
    assert!(!said.contains("goes on"), "{said}");
    practice.is_gone(None);
}

#[test]
fn what_still_runs_in_a_drill_is_named_and_stopped() {
    let world = World::new();
    let mut practice = Practice::open(&world, &[]);
    let command = practice.deploy_for_ever(&world);
    practice.terminal.press("q");
    practice.terminal.wait_text("How the drill went");
    practice.terminal.press("q");
    practice.terminal.wait_text("deploy main to staging is still running and will be");
    practice.terminal.press_until("y", "the drill to end", |screen| screen.contains("was removed"));
    assert_eq!(practice.terminal.wait_end().code(), Some(0));
    practice.terminal.wait_closed();
    let said = practice.terminal.screen();
    assert!(said.contains("stopping: deploy main to staging"), "{said}");
    assert!(!said.contains("goes on"), "{said}");
    practice.is_gone(Some(command));
}

#[test]
fn ctrl_c_and_signals_leave_a_drill_without_a_question() {
    for how in ["ctrl-c", "TERM", "HUP"] {
        let world = World::new();
        let mut practice = Practice::open(&world, &[]);
        let command = practice.deploy_for_ever(&world);
        match how {
            "TERM" => practice.terminal.process.signal(Signal::TERM),
            "HUP" => practice.terminal.process.signal(Signal::HUP),
            _ => practice.terminal.press("<c-c>"),
        }
        practice.terminal.wait_end();
        practice.terminal.wait_closed();
        assert!(!practice.terminal.screen().contains("Leave the drill?"), "{how}");
        practice.is_gone(Some(command));
    }
}

#[test]
fn a_drill_that_is_kept_is_not_said_to_be_removed() {
    let world = World::new();
    let kept = world.path("kept/outage");
    let mut practice = Practice::open(&world, &["--dir", kept.to_str().unwrap()]);
    let command = practice.deploy_for_ever(&world);
    practice.terminal.press("q");
    practice.terminal.wait_text("How the drill went");
    practice.terminal.press("q");
    practice.terminal.wait_text("Its services end; its directory stays.");
    practice.terminal.press_until("y", "the drill to end", |screen| screen.contains("Kept: "));
    assert_eq!(practice.terminal.wait_end().code(), Some(0));
    practice.terminal.wait_closed();
    let said = practice.terminal.screen();
    assert!(!said.contains("removed") && !said.contains("goes on"), "{said}");
    assert!(practice.repository.join("flightdeck.toml").is_file());
    practice.nothing_runs(Some(command));
}
