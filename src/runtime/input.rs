//! Input: what is typed, the end of the terminal, and signals, each on a thread that only waits.

use std::io::{self, PipeReader, PipeWriter, Read as _, Write as _};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use ratatui::layout::Position;
use rustix::event::{PollFd, PollFlags, Timespec};
use signal_hook::consts::{
    SIGALRM, SIGCONT, SIGHUP, SIGINT, SIGPROF, SIGQUIT, SIGSYS, SIGTERM, SIGTSTP, SIGUSR1, SIGUSR2,
    SIGVTALRM, SIGWINCH, SIGXCPU,
};
use signal_hook::iterator::Signals;

use super::decode::{Decoder, LINGER, Typed};
use super::{Event, no_thread, panics};
use crate::cockpit::confirm::Cancel;
use crate::cockpit::key::{Code, Key};
use crate::cockpit::model::Pane;
use crate::cockpit::msg::{Mouse, MouseKind};
use crate::failure::{Failure, Result};
use crate::tui::Regions;

/// How long the thread that reads may take to leave the terminal alone.
const PATIENCE: Duration = Duration::from_secs(1);
/// How long it is waited whether a `y` that would answer a question begins a word.
const WORD: Duration = Duration::from_millis(250);
/// Most that is read before it is handed on.
const MOST: usize = 4096;
/// Signals that end the program.
const ENDING: [i32; 11] =
    [SIGTERM, SIGHUP, SIGINT, SIGQUIT, SIGUSR1, SIGUSR2, SIGALRM, SIGVTALRM, SIGPROF, SIGXCPU, SIGSYS];

/// What was typed in one go.
pub(super) struct Batch {
    /// When it was read, in milliseconds of the key clock.
    pub(super) at_ms: u64,
    pub(super) typed: Vec<Typed>,
}

impl Batch {
    /// The strongest cancel among its keys.
    pub(super) fn cancel(&self) -> Cancel {
        let keys = self.typed.iter().filter_map(|typed| match typed {
            Typed::Key { key, .. } => Some(Cancel::of(*key)),
            Typed::Mouse { .. } | Typed::Paste(_) => None,
        });
        keys.max().unwrap_or_default()
    }

    /// How much of it may be text: letters, ends of lines, and what was marked as pasted.
    pub(super) fn text(&self) -> usize {
        let is_text = |typed: &&Typed| match typed {
            Typed::Key { key, .. } => is_text(*key),
            Typed::Paste(_) => true,
            Typed::Mouse { .. } => false,
        };
        self.typed.iter().filter(is_text).count()
    }
}

/// Tells whether a key may be a piece of pasted text.
pub(super) fn is_text(key: Key) -> bool {
    key.text().is_some() || key.code == Code::Enter
}

fn is_yes(typed: &Typed) -> bool {
    matches!(typed, Typed::Key { key, .. } if key.text() == Some('y'))
}

/// Catches the signals that end or stop the program, so that it gives the terminal back first.
pub(super) fn catch(events: &Sender<Event>) -> Result<()> {
    let signals = events.clone();
    let mut caught = Signals::new(ENDING.into_iter().chain([SIGTSTP, SIGCONT, SIGWINCH]))
        .map_err(|error| Failure::new("waiting for signals", error, "try again"))?;
    panics::spawn("signals", events.clone(), move || {
        for signal in caught.forever() {
            let event = match signal {
                SIGTSTP => Event::Stop,
                SIGCONT => Event::Continued,
                SIGWINCH => Event::Resized,
                signal => Event::Signal(signal),
            };
            if signals.send(event).is_err() {
                return;
            }
        }
    })
    .map_err(|error| no_thread(&error))?;
    Ok(())
}

/// Starts the threads that wait for the terminal. `began` is the zero of the key clock.
pub(super) fn read(began: Instant, events: &Sender<Event>) -> Result<Reader> {
    let (keys, hangup) = (events.clone(), events.clone());
    panics::spawn("terminal-gone", events.clone(), move || wait_for_hangup(&hangup))
        .map_err(|error| no_thread(&error))?;
    let (woken, wake) =
        io::pipe().map_err(|error| Failure::new("waiting for keys", error, "close other programs"))?;
    let continued = Arc::new(AtomicBool::new(false));
    // Set by the handler itself: before whoever reads keys reads one that was typed meanwhile.
    signal_hook::flag::register(SIGCONT, Arc::clone(&continued))
        .map_err(|error| Failure::new("waiting for signals", error, "try again"))?;
    let reader = Reader { gate: Arc::default(), wake, continued, asks: Arc::default() };
    let (gate, asks) = (Arc::clone(&reader.gate), Arc::clone(&reader.asks));
    panics::spawn("terminal-in", events.clone(), move || {
        // Ends with the terminal, which the thread above notices while nothing is read, too.
        read_on(&gate, &asks, woken, &|read, typed| {
            let at_ms = u64::try_from(read.duration_since(began).as_millis()).unwrap_or(u64::MAX);
            keys.send(Event::Typed(Batch { at_ms, typed })).is_ok()
        });
        let _ = keys.send(Event::End);
    })
    .map_err(|error| no_thread(&error))?;
    Ok(reader)
}

/// The thread that reads the terminal, as whoever may need it for another program sees it.
pub(super) struct Reader {
    gate: Arc<Gate>,
    wake: PipeWriter,
    continued: Arc<AtomicBool>,
    asks: Arc<AtomicBool>,
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
        // A pipe takes one byte; where it does not, the thread looks at its gate with the next key.
        let _ = (&self.wake).write_all(b"p");
        let waiting = |state: &mut Reading| !state.parked;
        drop(self.gate.changed.wait_timeout_while(self.gate.state(), PATIENCE, waiting));
    }

    /// Says whether a question is on the screen that `y` answers: one that more letters follow is handed on
    /// together with them, as the word that it begins.
    pub(super) fn asks(&self, asks: bool) {
        self.asks.store(asks, Ordering::Relaxed);
    }

    /// Tells whether the program was stopped and goes on, once for each time.
    pub(super) fn was_stopped(&self) -> bool {
        self.continued.swap(false, Ordering::SeqCst)
    }

    /// Reads again.
    pub(super) fn resume(&self) {
        self.gate.state().paused = false;
        self.gate.changed.notify_all();
    }
}

/// What the thread that reads was woken by.
enum Came {
    Bytes,
    /// It may be that the terminal is to be left alone.
    Wake,
    Nothing,
    End,
}

/// Reads the terminal until it is gone or nobody takes what is typed. All that is there at one time
/// is handed on together, with the time its first byte was read.
fn read_on(
    gate: &Gate,
    asks: &AtomicBool,
    mut woken: PipeReader,
    take: &dyn Fn(Instant, Vec<Typed>) -> bool,
) {
    let stdin = io::stdin();
    let mut buffer = [0; MOST];
    let mut decoder = Decoder::default();
    let mut first = Instant::now();
    let mut typed = Vec::new();
    loop {
        let patience = match decoder.patience() {
            patience if typed.is_empty() => patience,
            // An escape behind other keys belongs to them.
            Some(LINGER) => Some(LINGER),
            _ if asks.load(Ordering::Relaxed) && typed.iter().any(is_yes) => Some(WORD),
            _ => Some(Duration::ZERO),
        };
        // The terminal is asked each time whether it has something, not told of it once: what is left
        // behind by one read would lie there until the next key.
        match wait(&stdin, &woken, patience) {
            Came::Bytes => {
                let now = Instant::now();
                let Ok(count @ 1..) = rustix::io::read(&stdin, &mut buffer) else { return };
                if typed.is_empty() {
                    first = now;
                }
                decoder.feed(&buffer[..count], &mut typed);
                if typed.len() < MOST {
                    continue;
                }
            }
            Came::Nothing if patience == decoder.patience() => decoder.settle(&mut typed),
            Came::Nothing => {}
            Came::Wake => {
                let _ = woken.read(&mut [0; 1]);
                gate.pass();
                // What was begun before belongs to nothing that comes now.
                decoder = Decoder::default();
                typed.clear();
            }
            Came::End => return,
        }
        if !typed.is_empty() && !take(first, std::mem::take(&mut typed)) {
            return;
        }
    }
}

/// Waits for bytes, for at most so long.
fn wait(stdin: &io::Stdin, woken: &PipeReader, patience: Option<Duration>) -> Came {
    let timeout = patience.and_then(|patience| Timespec::try_from(patience).ok());
    loop {
        let mut fds = [PollFd::new(stdin, PollFlags::IN), PollFd::new(woken, PollFlags::IN)];
        match rustix::event::poll(&mut fds, timeout.as_ref()) {
            Err(rustix::io::Errno::INTR) => {}
            Ok(0) => return Came::Nothing,
            Ok(_) if !fds[1].revents().is_empty() => return Came::Wake,
            Ok(_) if fds[0].revents().contains(PollFlags::IN) => return Came::Bytes,
            Ok(_) | Err(_) => return Came::End,
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

/// A mouse event brought home to a pane.
pub(super) fn mouse(kind: MouseKind, column: u16, row: u16, regions: &Regions) -> Mouse {
    let at = Position::new(column, row);
    let hit = regions.panes.iter().find(|(_, whole, _)| whole.contains(at));
    let line = hit.filter(|(_, _, body)| body.contains(at)).map(|(_, _, body)| at.y - body.y);
    // A row of the timeline may take several lines.
    let row = line.map(|line| match hit {
        Some((Pane::Timeline, ..)) => regions.timeline.get(usize::from(line)).copied().unwrap_or(line),
        _ => line,
    });
    Mouse { kind, pane: hit.map(|(pane, _, _)| *pane), row }
}

/// Puts something right before a signal ends this process, from now on.
///
/// # Errors
/// Signals cannot be waited for.
pub fn on_signal(put_right: impl FnOnce() + Send + 'static) -> Result<()> {
    let failed = |error| Failure::new("waiting for signals", error, "try again");
    let mut caught = Signals::new(ENDING).map_err(failed)?;
    let waiting = std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
        if let Some(signal) = caught.forever().next() {
            put_right();
            die_of(signal);
        }
    });
    waiting.map(drop).map_err(failed)
}

/// Ends this process by a signal, as it would have without us.
pub fn die_of(signal: i32) {
    // Memory may hold secrets, and a quit asks for an end, not for an autopsy.
    let none = rustix::process::Rlimit { current: Some(0), maximum: Some(0) };
    let _ = rustix::process::setrlimit(rustix::process::Resource::Core, none);
    let _ = signal_hook::low_level::emulate_default_handler(signal);
}
