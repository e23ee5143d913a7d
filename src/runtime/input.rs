//! Input: the terminal's events, its end, and signals, each on a thread that only waits.

use std::io;
use std::sync::mpsc::Sender;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crossterm::event::{
    Event as Terminal, KeyCode, KeyEvent, KeyEventKind, KeyModifiers, MouseButton, MouseEventKind,
};
use ratatui::layout::{Position, Rect};
use rustix::event::{PollFd, PollFlags};
use signal_hook::consts::{SIGCONT, SIGHUP, SIGINT, SIGTERM, SIGTSTP, SIGWINCH};
use signal_hook::iterator::Signals;

use super::{Event, no_thread, panics};
use crate::cockpit::key::{Code, Key};
use crate::cockpit::model::Pane;
use crate::cockpit::msg::{KeyPress, Mouse, MouseKind};
use crate::failure::{Failure, Result};

/// How long the thread that reads may take to leave the terminal alone.
const PATIENCE: Duration = Duration::from_secs(1);
/// How often the thread that reads looks whether it may still.
const TURN: Duration = Duration::from_millis(500);
/// How long the beginning of a sequence waits for the rest of it before it is left to the next look.
const LINGER: Duration = Duration::from_millis(20);

/// Starts the threads that wait for input. `began` is the zero of the key clock.
pub(super) fn start(began: Instant, events: &Sender<Event>) -> Result<Reader> {
    let (keys, hangup, signals) = (events.clone(), events.clone(), events.clone());
    let mut caught = Signals::new([SIGTERM, SIGHUP, SIGINT, SIGTSTP, SIGCONT, SIGWINCH])
        .map_err(|error| Failure::new("waiting for signals", error, "try again"))?;
    panics::spawn("signals", events.clone(), move || {
        for signal in caught.forever() {
            let event = match signal {
                SIGTSTP => Event::Stop,
                SIGCONT => Event::Continued,
                SIGWINCH => Event::Resized,
                _ => Event::End,
            };
            if signals.send(event).is_err() {
                return;
            }
        }
    })
    .map_err(|error| no_thread(&error))?;
    panics::spawn("terminal-gone", events.clone(), move || wait_for_hangup(&hangup))
        .map_err(|error| no_thread(&error))?;
    let reader = Reader { gate: Arc::default() };
    let gate = Arc::clone(&reader.gate);
    panics::spawn("terminal-in", events.clone(), move || {
        // Ends with the terminal: a closed one is noticed by the thread above as well,
        // because reading may spin on it without ever failing.
        read_on(&gate, &|event| {
            let at_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
            keys.send(Event::Terminal(event, at_ms)).is_ok()
        });
        let _ = keys.send(Event::End);
    })
    .map_err(|error| no_thread(&error))?;
    Ok(reader)
}

/// The thread that reads the terminal, as whoever may need it for another program sees it.
pub(super) struct Reader {
    gate: Arc<Gate>,
}

/// Whether the terminal may be read.
#[derive(Default)]
struct Gate {
    state: Mutex<Reading>,
    changed: Condvar,
}

#[derive(Default)]
struct Reading {
    /// It may not.
    paused: bool,
    /// And is not.
    parked: bool,
}

impl Gate {
    fn state(&self) -> MutexGuard<'_, Reading> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits while the terminal may not be read.
    fn pass(&self) {
        let mut state = self.state();
        while state.paused {
            state.parked = true;
            self.changed.notify_all();
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.parked = false;
    }
}

impl Reader {
    /// Stops reading, so that what is typed reaches another program; returns once that is so, or
    /// after a moment where the thread is held up.
    pub(super) fn pause(&self) {
        self.gate.state().paused = true;
        let waiting = |state: &mut Reading| !state.parked;
        drop(self.gate.changed.wait_timeout_while(self.gate.state(), PATIENCE, waiting));
    }

    /// Reads again.
    pub(super) fn resume(&self) {
        self.gate.state().paused = false;
        self.gate.changed.notify_all();
    }
}

/// Reads events until the terminal is gone or nobody takes them, and looks now and then whether it
/// may still.
fn read_on(gate: &Gate, take: &dyn Fn(Terminal) -> bool) {
    loop {
        gate.pass();
        // The library has to wait itself: it loses keys that it finds beside a resize, so both must
        // be fetched when they come.
        match crossterm::event::poll(TURN) {
            Ok(true) => {}
            Ok(false) => continue,
            Err(_) => return,
        }
        // What it has read already may hold several events, or none that is whole.
        let mut patience = LINGER;
        loop {
            match crossterm::event::poll(patience) {
                Ok(true) => {}
                Ok(false) => break,
                Err(_) => return,
            }
            match crossterm::event::read() {
                Ok(event) => {
                    if !take(event) {
                        return;
                    }
                }
                Err(_) => return,
            }
            if gate.state().paused {
                break;
            }
            patience = Duration::ZERO;
        }
    }
}

/// Waits until the terminal hangs up. No event is asked for, so it costs nothing meanwhile.
fn wait_for_hangup(events: &Sender<Event>) {
    let stdin = io::stdin();
    loop {
        let mut fds = [PollFd::new(&stdin, PollFlags::empty())];
        if rustix::event::poll(&mut fds, None) != Err(rustix::io::Errno::INTR) {
            let _ = events.send(Event::End);
            return;
        }
    }
}

/// A key press as the core knows it; `None` for what it does not care about.
pub(super) fn key(event: KeyEvent, at_ms: u64) -> Option<KeyPress> {
    if event.kind == KeyEventKind::Release {
        return None;
    }
    let code = match event.code {
        KeyCode::Char(c) if event.modifiers.contains(KeyModifiers::SHIFT) => Code::Char(upper(c)),
        KeyCode::Char(c) => Code::Char(c),
        KeyCode::Tab if event.modifiers.contains(KeyModifiers::SHIFT) => Code::BackTab,
        KeyCode::Tab => Code::Tab,
        KeyCode::BackTab => Code::BackTab,
        KeyCode::Enter => Code::Enter,
        KeyCode::Esc => Code::Esc,
        KeyCode::Backspace => Code::Backspace,
        KeyCode::Delete => Code::Delete,
        KeyCode::Up => Code::Up,
        KeyCode::Down => Code::Down,
        KeyCode::Left => Code::Left,
        KeyCode::Right => Code::Right,
        KeyCode::Home => Code::Home,
        KeyCode::End => Code::End,
        KeyCode::PageUp => Code::PageUp,
        KeyCode::PageDown => Code::PageDown,
        KeyCode::F(n) => Code::F(n),
        _ => return None,
    };
    let key = Key {
        code,
        ctrl: event.modifiers.contains(KeyModifiers::CONTROL),
        alt: event.modifiers.intersects(KeyModifiers::ALT | KeyModifiers::META),
    };
    Some(KeyPress { key, at_ms, repeat: event.kind == KeyEventKind::Repeat })
}

/// The letter that shift makes, where it is a single one.
fn upper(c: char) -> char {
    let mut upper = c.to_uppercase();
    match (upper.next(), upper.next()) {
        (Some(one), None) => one,
        _ => c,
    }
}

/// A mouse event as the core knows it, brought home to a pane.
pub(super) fn mouse(event: crossterm::event::MouseEvent, panes: &[(Pane, Rect, Rect)]) -> Option<Mouse> {
    let kind = match event.kind {
        MouseEventKind::Down(MouseButton::Left) => MouseKind::Press,
        MouseEventKind::ScrollUp => MouseKind::ScrollUp,
        MouseEventKind::ScrollDown => MouseKind::ScrollDown,
        _ => return None,
    };
    let at = Position::new(event.column, event.row);
    let hit = panes.iter().find(|(_, whole, _)| whole.contains(at));
    let row = hit.filter(|(_, _, body)| body.contains(at)).map(|(_, _, body)| at.y - body.y);
    Some(Mouse { kind, pane: hit.map(|(pane, _, _)| *pane), row })
}

/// Whether an event changes the model at all; motion of the mouse does not.
pub(super) fn matters(event: &Terminal) -> bool {
    !matches!(event, Terminal::Mouse(mouse) if matches!(mouse.kind, MouseEventKind::Moved | MouseEventKind::Drag(_) | MouseEventKind::Up(_)))
}
