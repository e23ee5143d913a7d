//! What the cockpit promises about the terminal it runs on.

use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::process::Stdio;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::keys;
use super::terminal::Terminal;
use super::world::{PROGRAM, Shell, World};

/// A repository with an open incident.
fn incident(world: &World) -> Shell {
    let shell = world.repository("service");
    shell.flightdeck(&["declare", "Nobody can log in", "--severity", "P0"]).succeeded();
    shell
}

/// A cockpit that shows it.
fn cockpit(shell: &Shell) -> Terminal {
    let terminal = Terminal::open(shell, 36, 120, &[]);
    terminal.wait_text("Nobody can log in");
    terminal
}

/// A script that runs the cockpit below a shell, for what needs another to lead the session.
fn script(world: &World, text: &str) -> String {
    let path = world.path("script.sh");
    std::fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn no_size_and_no_storm_of_sizes_ends_it() {
    let world = World::new();
    let shell = incident(&world);
    let mut terminal = cockpit(&shell);
    for step in 0..120_u16 {
        let (rows, columns) = (1 + step * 37 % 200, 1 + step * 113 % 500);
        terminal.resize(rows, columns);
        terminal.send(&keys::click(columns - 1, rows - 1));
    }
    for (rows, columns) in [(1, 1), (3, 10), (12, 40), (24, 80), (30, 100), (45, 160), (200, 500)] {
        terminal.blank();
        terminal.resize(rows, columns);
        terminal.wait_for(&format!("{columns}×{rows} to be drawn"), |screen| {
            if columns >= 40 { screen.contains("Nobody can") } else { !screen.trim().is_empty() }
        });
    }
    terminal.resize(36, 120);
    terminal.wait_text("Timeline");
    terminal.press("q");
    assert_eq!(terminal.wait_end().code(), Some(0));
    assert!(!terminal.is_full_screen());
}

#[test]
fn a_terminal_that_is_not_read_holds_nothing_up() {
    let world = World::new();
    let shell = incident(&world);
    let mut terminal = cockpit(&shell);
    terminal.hold(true);
    // More frames than the pipe behind a terminal holds.
    for step in 0..200_u16 {
        terminal.resize(20 + step % 30, 80 + step % 90);
    }
    let note = shell.flightdeck(&["note", "written meanwhile"]).succeeded();
    let status = shell.json(&["status", "--json"]);
    assert!(status["timeline"].as_array().unwrap().iter().any(|entry| entry["id"] == note.stdout.trim()));
    let asked = Instant::now();
    terminal.process.signal(Signal::TERM);
    terminal.wait_end();
    assert!(asked.elapsed() < Duration::from_secs(10), "{:?}", asked.elapsed());
}

#[test]
fn it_ends_when_its_terminal_is_gone() {
    let world = World::new();
    let shell = incident(&world);
    let pid = world.path("pid");
    // The shell leads the session: killing it takes the terminal away from the cockpit.
    let script = script(&world, &format!("sh -c 'echo $$ > {}; exec {PROGRAM}'\ntrue", pid.display()));
    let mut terminal = Terminal::open_program(&shell, 36, 120, &script, &[]);
    terminal.wait_text("Nobody can log in");
    let pid: i32 = std::fs::read_to_string(pid).unwrap().trim().parse().unwrap();
    terminal.process.0.kill().unwrap();
    terminal.wait_end();
    super::world::wait_until("the cockpit to end", || has_ended(pid).then_some(()));
}

/// Whether a process has ended, be it that nobody has asked for its exit code yet.
fn has_ended(pid: i32) -> bool {
    let pid = rustix::process::Pid::from_raw(pid).unwrap();
    if rustix::process::test_kill_process(pid).is_err() {
        return true;
    }
    let state = std::process::Command::new("ps")
        .args(["-o", "stat=", "-p", &pid.as_raw_nonzero().to_string()])
        .output()
        .map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    state.is_ok_and(|state| state.starts_with('Z'))
}

#[test]
fn it_stops_and_comes_back_and_takes_nothing_typed_meanwhile_for_a_command() {
    let world = World::new();
    let shell = incident(&world);
    let mut terminal = Terminal::open_program(&shell.clone().with("PS1", "ready> "), 36, 120, "sh", &["-i"]);
    terminal.wait_text("ready>");
    terminal.press(&format!("{PROGRAM}<enter>"));
    terminal.wait_text("Nobody can log in");
    terminal.press("<c-z>");
    terminal.wait_text("Stopped");
    assert!(!terminal.is_full_screen());
    terminal.press("echo q; fg<enter>");
    terminal.wait_text("Timeline");
    assert!(terminal.is_full_screen());
    terminal.press("?");
    terminal.wait_text("Everywhere");
    terminal.press("<esc>");
    terminal.wait_gone("Everywhere");
    terminal.press("q");
    terminal.wait_for("the shell to have the terminal", |screen| {
        screen.lines().rev().find(|line| !line.is_empty()).is_some_and(|line| line.ends_with("ready>"))
    });
    // What the shell echoes is typed in halves, so that only its answer is found.
    terminal.press("echo in the she''ll<enter>");
    terminal.wait_text("in the shell");
    terminal.press("exit<enter>");
    assert_eq!(terminal.wait_end().code(), Some(0));
}

#[test]
fn a_signal_leaves_the_terminal_as_it_was() {
    let world = World::new();
    let shell = incident(&world);
    for signal in [
        Signal::TERM,
        Signal::HUP,
        Signal::INT,
        Signal::QUIT,
        Signal::USR1,
        Signal::USR2,
        Signal::ALARM,
        Signal::VTALARM,
        Signal::PROF,
        Signal::XCPU,
        Signal::SYS,
    ] {
        let mut terminal = cockpit(&shell);
        assert!(terminal.is_full_screen() && terminal.is_raw());
        assert!(terminal.look(vt100::Screen::hide_cursor));
        terminal.process.signal(signal);
        let ended = terminal.wait_end();
        // Whoever started it is told what ended it, as of any program.
        assert_eq!(ended.signal(), Some(signal.as_raw()), "{signal:?}: {ended}");
        assert!(!ended.core_dumped(), "memory may hold secrets");
        terminal.wait_closed();
        assert!(!terminal.is_full_screen(), "{signal:?}");
        assert!(!terminal.is_raw(), "{signal:?}");
        assert!(!terminal.look(vt100::Screen::hide_cursor), "{signal:?}");
    }
}

#[test]
fn without_a_terminal_there_is_a_message_and_no_escape() {
    let world = World::new();
    let shell = incident(&world);
    let ended = shell.flightdeck(&[]).ended_with(2).said("not a terminal");
    assert!(!(ended.stdout + &ended.stderr).contains('\x1b'));

    for (term, said) in [("dumb", "TERM=dumb"), ("", "TERM is not set")] {
        let shell = shell.clone().with("TERM", term);
        let mut terminal = Terminal::open(&shell, 36, 120, &[]);
        assert_eq!(terminal.wait_end().code(), Some(2));
        terminal.wait_text(said);
        assert!(!terminal.is_full_screen());
    }

    // Somebody closed stdout: an exit code is all that is left to say.
    let script = script(&world, &format!("{PROGRAM} status >&-"));
    let mut command = shell.command(&script, &[]);
    let status = command.stdin(Stdio::null()).stderr(Stdio::null()).status().unwrap();
    assert_ne!(status.code(), Some(101), "it did not panic");
}
