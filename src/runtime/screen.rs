//! The terminal: entered, written by a thread of its own, and left as it was found.

use std::io::{self, Write as _};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::alert::{GIVE_TITLE_BACK, KEEP_TITLE};
use crossterm::event::{
    DisableBracketedPaste, DisableMouseCapture, EnableBracketedPaste, EnableMouseCapture,
    KeyboardEnhancementFlags, PopKeyboardEnhancementFlags, PushKeyboardEnhancementFlags,
};
use crossterm::terminal::{EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode};
use crossterm::{cursor, queue};

use super::{Event, panics};
use crate::failure::{Failure, Result};

/// How long a terminal that is not read may hold up the end of the program.
const PATIENCE: Duration = Duration::from_millis(500);

/// The terminal while the cockpit has it.
pub(super) struct Screen {
    desk: Arc<Desk>,
    left: AtomicBool,
}

/// What lies between the loop and the thread that writes.
#[derive(Default)]
struct Desk {
    pile: Mutex<Pile>,
    /// Something was put on the pile, or there will be nothing more.
    put: Condvar,
    /// Something was taken to the terminal.
    taken: Condvar,
}

#[derive(Default)]
struct Pile {
    bytes: Vec<u8>,
    /// Whether the terminal has not taken everything yet; the next frame waits for it.
    busy: bool,
    /// Whether a frame does wait, so that it has to be told.
    awaited: bool,
    /// Whether there will be nothing more to write, or nowhere to write it.
    closed: bool,
}

impl Desk {
    fn pile(&self) -> MutexGuard<'_, Pile> {
        self.pile.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes what is put on the pile until it is closed.
    fn write(&self, events: &Sender<Event>) {
        let mut out = io::stdout();
        loop {
            let mut pile = self.pile();
            while pile.bytes.is_empty() && !pile.closed {
                pile = self.put.wait(pile).unwrap_or_else(PoisonError::into_inner);
            }
            if pile.bytes.is_empty() {
                return;
            }
            let bytes = std::mem::take(&mut pile.bytes);
            drop(pile);
            let done = out.write_all(&bytes).and_then(|()| out.flush());
            let mut pile = self.pile();
            pile.closed |= done.is_err();
            pile.busy = done.is_ok() && !pile.bytes.is_empty();
            let tell = !pile.busy && std::mem::take(&mut pile.awaited);
            drop(pile);
            self.taken.notify_all();
            if done.is_err() {
                let _ = events.send(Event::End);
                return;
            }
            if tell && events.send(Event::Written).is_err() {
                return;
            }
        }
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        self.desk.pile().closed = true;
        self.desk.put.notify_all();
    }
}

impl Screen {
    /// Takes the terminal: raw mode, alternate screen, mouse, bracketed paste.
    pub(super) fn enter(events: Sender<Event>) -> Result<Self> {
        enable_raw_mode().map_err(|error| {
            Failure::new("taking the terminal", error, "flightdeck status tells the same in plain text")
        })?;
        let desk = Arc::new(Desk::default());
        let (writers, told) = (Arc::clone(&desk), events.clone());
        panics::spawn("terminal-out", events, move || writers.write(&told))
            .map_err(|error| super::no_thread(&error))?;
        let screen = Self { desk, left: AtomicBool::new(false) };
        screen.take();
        Ok(screen)
    }

    /// Writes what makes the terminal ours.
    fn take(&self) {
        let mut bytes = Vec::new();
        let flags = KeyboardEnhancementFlags::DISAMBIGUATE_ESCAPE_CODES
            | KeyboardEnhancementFlags::REPORT_EVENT_TYPES;
        let _ = queue!(
            bytes,
            EnterAlternateScreen,
            cursor::Hide,
            EnableMouseCapture,
            EnableBracketedPaste,
            PushKeyboardEnhancementFlags(flags)
        );
        bytes.extend_from_slice(KEEP_TITLE);
        self.write(bytes);
    }

    /// What gives the terminal back.
    fn give_back() -> Vec<u8> {
        let mut bytes = Vec::new();
        let _ = queue!(
            bytes,
            PopKeyboardEnhancementFlags,
            DisableBracketedPaste,
            DisableMouseCapture,
            cursor::Show,
            LeaveAlternateScreen
        );
        bytes.extend_from_slice(GIVE_TITLE_BACK);
        bytes
    }

    /// Whether the terminal has taken everything so far. If not, [`Event::Written`] tells when
    /// it has.
    pub(super) fn is_ready(&self) -> bool {
        let mut pile = self.desk.pile();
        pile.awaited = pile.busy;
        !pile.busy
    }

    /// Hands bytes to the terminal.
    pub(super) fn write(&self, bytes: Vec<u8>) {
        let mut pile = self.desk.pile();
        if pile.closed {
            return;
        }
        pile.busy = true;
        if pile.bytes.is_empty() {
            pile.bytes = bytes;
        } else {
            pile.bytes.extend_from_slice(&bytes);
        }
        drop(pile);
        self.desk.put.notify_one();
    }

    /// Gives the terminal back, as far as it lets us: one that is not read holds up nothing.
    pub(super) fn leave(&self) {
        if self.left.swap(true, Ordering::AcqRel) {
            return;
        }
        self.write(Self::give_back());
        self.wait();
        let _ = disable_raw_mode();
    }

    /// Takes the terminal again after a stop.
    pub(super) fn enter_again(&self) {
        let _ = enable_raw_mode();
        // What was typed meanwhile was meant for another program.
        let _ = rustix::termios::tcflush(io::stdin(), rustix::termios::QueueSelector::IFlush);
        self.left.store(false, Ordering::Release);
        self.take();
    }

    /// Waits a moment for the terminal to take what it was given.
    fn wait(&self) {
        drop(self.desk.taken.wait_timeout_while(self.desk.pile(), PATIENCE, |pile| pile.busy));
    }
}

/// Waits on a queue for at most so long; `None` when it is over, `Err` when it has ended.
pub(super) fn receive<T>(
    queue: &mpsc::Receiver<T>,
    wait: Option<Duration>,
) -> std::result::Result<Option<T>, ()> {
    match wait {
        None => queue.recv().map(Some).map_err(|_| ()),
        Some(wait) => match queue.recv_timeout(wait) {
            Ok(item) => Ok(Some(item)),
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(RecvTimeoutError::Disconnected) => Err(()),
        },
    }
}
