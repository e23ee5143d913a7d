//! Faults of the program itself, on a terminal.

use std::io::Read as _;

use pty_process::blocking::{Command, open};
use rustix::termios::{LocalModes, tcgetattr};

use super::*;
use crate::failure::FailureKind;

const ENTER: &str = "\x1b[?1049h";
const LEAVE: &str = "\x1b[?1049l";

#[test]
#[ignore = "the next test runs it, on a terminal of its own"]
fn panics_on_a_terminal() {
    panics::install();
    let (events, queue) = mpsc::channel();
    let screen = screen::Screen::enter(events.clone()).unwrap();
    // First on a thread, which the loop is told of, then in the loop.
    panics::spawn("a", events, || panic!("the first impossible thing")).unwrap();
    while !matches!(queue.recv().unwrap(), Event::Panicked) {}
    let first = panics::failure();
    let second = on(&screen, || -> Result<()> { panic!("the second impossible thing") }).unwrap_err();
    assert_eq!(second.kind, FailureKind::Failed);
    println!("\n{}\n{}", first.cause, second.cause);
}

#[test]
fn a_panic_gives_the_terminal_back_before_it_is_told() {
    let (mut pty, pts) = open().unwrap();
    let modes = |pty: &pty_process::blocking::Pty| tcgetattr(pty).unwrap().local_modes;
    let before = modes(&pty);
    assert!(before.contains(LocalModes::ICANON | LocalModes::ECHO));
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "runtime::tests::panics_on_a_terminal", "--ignored", "--nocapture"])
        .env("TERM", "xterm-256color")
        .spawn(pts)
        .unwrap();
    let mut seen = Vec::new();
    // The end of a pseudo-terminal is an error on Linux.
    let _ = pty.read_to_end(&mut seen);
    let seen = String::from_utf8_lossy(&seen);
    assert!(child.wait().unwrap().success(), "{seen}");
    assert_eq!(modes(&pty), before);
    let (_, taken) = seen.split_once(ENTER).unwrap();
    let (during, after) = taken.rsplit_once(LEAVE).unwrap();
    for said in ["the first impossible thing at ", "the second impossible thing at "] {
        assert!(after.contains(said) && !during.contains(said), "{seen:?}");
    }
}
