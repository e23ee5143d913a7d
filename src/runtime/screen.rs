//! The terminal: entered, written by a thread of its own, and left as it was found.

use std::io::{self, Write as _};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

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
    bytes: Sender<Vec<u8>>,
    /// Whether a frame is being written; the next one waits for it.
    busy: Arc<AtomicBool>,
    /// Set when the writing thread has ended.
    ended: Arc<(Mutex<bool>, Condvar)>,
    left: AtomicBool,
}

impl Screen {
    /// Takes the terminal: raw mode, alternate screen, mouse, bracketed paste.
    pub(super) fn enter(events: Sender<Event>) -> Result<Self> {
        enable_raw_mode().map_err(|error| {
            Failure::new("taking the terminal", error, "flightdeck status tells the same in plain text")
        })?;
        let (bytes, queue) = mpsc::channel::<Vec<u8>>();
        let busy = Arc::new(AtomicBool::new(false));
        let ended = Arc::new((Mutex::new(false), Condvar::new()));
        let (writer_busy, writer_ended) = (Arc::clone(&busy), Arc::clone(&ended));
        let told = events.clone();
        panics::spawn("terminal-out", events, move || {
            let mut out = io::stdout();
            for frame in queue {
                let done = out.write_all(&frame).and_then(|()| out.flush());
                writer_busy.store(false, Ordering::Release);
                let event = if done.is_ok() { Event::Written } else { Event::End };
                if told.send(event).is_err() {
                    break;
                }
            }
            if let Ok(mut ended) = writer_ended.0.lock() {
                *ended = true;
            }
            writer_ended.1.notify_all();
        })
        .map_err(|error| super::no_thread(&error))?;
        let screen = Self { bytes, busy, ended, left: AtomicBool::new(false) };
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
        bytes
    }

    /// Whether the terminal has taken everything so far.
    pub(super) fn is_ready(&self) -> bool {
        !self.busy.load(Ordering::Acquire)
    }

    /// Hands bytes to the terminal. [`Event::Written`] tells when it took them.
    pub(super) fn write(&self, bytes: Vec<u8>) {
        self.busy.store(true, Ordering::Release);
        // The writer ends only with the program.
        let _ = self.bytes.send(bytes);
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
        let step = Duration::from_millis(5);
        let mut left = PATIENCE;
        while !self.is_ready() && left > Duration::ZERO {
            let Ok(guard) = self.ended.0.lock() else { return };
            match self.ended.1.wait_timeout(guard, step) {
                Ok((ended, _)) if !*ended => left = left.saturating_sub(step),
                _ => return,
            }
        }
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
