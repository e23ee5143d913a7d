//! The loop of the cockpit: input, effects to tasks, tasks to messages.
//!
//! One thread owns the model, updates and draws; it never waits for anything but its queue.
//! The terminal is read and written by threads of their own; the journal, the repository,
//! the followed log, the log that is gone back in and the keys for commands have one each;
//! probes run on a small tokio runtime. All of them talk to the loop through one queue of
//! `Event`s.

mod alert;
mod compare;
mod csi;
mod decode;
mod editor;
mod effects;
mod ground;
mod history;
mod input;
mod leaving;
mod log;
mod panics;
mod past;
mod program;
mod pull;
mod pulse;
mod repo;
mod save;
mod screen;
mod share;
mod shell;
mod store;
mod survey;
mod suspects;
mod typing;
mod ways;

pub use input::{die_of, on_signal};

use std::io::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::mpsc;
use std::time::Instant;

use crate::cockpit::model::{ConfigState, DrillEnd};
use crate::cockpit::msg::Msg;
use crate::config::settings::LoadedSettings;
use crate::config::types::Probe;
use crate::failure::{Failure, Result};
use crate::health::keyring::Keyring;
use crate::health::past::Numbers;
use crate::health::runner::Observation;
use crate::incident::IncidentId;
use crate::journal::Kept;
use crate::text::veil::Private;

/// Samples from before by the name of their probe, oldest first.
type History = Vec<(String, Kept)>;

/// What the cockpit is opened on.
#[derive(Debug)]
pub struct Launch {
    /// Directory of the journal and of run logs.
    pub state_dir: PathBuf,
    /// Directory of settings and themes.
    pub config_dir: PathBuf,
    /// The directory it was started in.
    pub here: PathBuf,
    /// Who is acting.
    pub user: String,
    /// The user's settings.
    pub settings: LoadedSettings,
    /// The incident to open; `None`: the one open incident of the repository, else the start
    /// screen.
    pub incident: Option<IncidentId>,
    /// Whether this is a drill.
    pub drill: bool,
    /// What becomes of it when this cockpit is left, if it was made for that.
    pub drill_end: Option<DrillEnd>,
}

/// How the cockpit was left.
#[derive(Debug)]
pub struct Left {
    /// The signal that ended it, which [`die_of`] passes on.
    pub signal: Option<i32>,
    /// Titles of the plans that were under way then.
    pub running: Vec<String>,
    /// Whether somebody can be told something: a terminal that is not read would hold up the end for as
    /// long as it likes.
    pub is_read: bool,
}

/// Everything that reaches the loop.
enum Event {
    /// A message for the core.
    Msg(Msg),
    /// Something was typed.
    Typed(input::Batch),
    /// A frame is on its way to the terminal's buffer, all of it.
    Written,
    /// A probe was asked.
    Observed(Observation),
    /// These probes are to be asked from now on, with commands run in this directory; the
    /// configuration as it is shown goes with them, what masks its secrets in their answers, and what is not for
    /// a shared screen.
    Configured {
        config: Box<ConfigState>,
        probes: Vec<Probe>,
        root: PathBuf,
        keyring: Keyring,
        private: Private,
    },
    /// What the journal knows of earlier samples.
    History(History),
    /// What a source says of the time before it was asked, and by which configuration.
    Past(u64, String, Numbers),
    /// The terminal is gone, or we were asked to end.
    End,
    /// A signal asks us to end.
    Signal(i32),
    /// The editor that has the terminal has ended, and these files are settled.
    Edited(std::io::Result<std::process::ExitStatus>, Vec<String>),
    /// Another program asked us to stop for now.
    Stop,
    /// The terminal has another size now, or had one for a moment.
    Resized,
    /// We go on after a stop that we did not make ourselves.
    Continued,
    /// A thread panicked.
    Panicked,
}

impl Event {
    /// Tells whether the program ends with it.
    const fn ends(&self) -> bool {
        matches!(self, Self::End | Self::Signal(_))
    }
}

/// Opens the cockpit and runs it to its end.
///
/// # Errors
/// The settings name a theme or key that is not there, the journal cannot be opened, the
/// terminal cannot be used, or the program has a fault.
pub fn open(launch: &Launch) -> Result<Left> {
    let began = Instant::now();
    panics::install();
    let (events, queue) = mpsc::channel();
    // What takes longest begins first.
    let store = store::start(launch, events.clone())?;
    let repo = repo::start(launch, events.clone())?;
    let looks = shell::Looks::of(launch)?;
    let keymap = shell::keymap(&launch.settings)?;
    // A journal that cannot be used is told of before the screen changes.
    store.opened()?;
    input::catch(&events)?;
    let screen = screen::Screen::enter(events.clone())?;
    let (running, signal) = on(&screen, || {
        let mut shell = shell::Shell::new(launch, began, keymap, looks, &screen, events, store, repo)?;
        shell.run(&queue)
    })?;
    let left = Left { signal, running, is_read: screen.is_ready() };
    // What runs in a drill that ends here does not go on.
    if left.is_read && launch.drill_end.is_none() {
        // The terminal may be gone; then there is nobody to tell.
        let _ = std::io::stdout().write_all(leaving::farewell(&left.running).as_bytes());
    }
    Ok(left)
}

/// Does something on the screen, and gives the terminal back whatever becomes of it.
fn on<T>(screen: &screen::Screen, body: impl FnOnce() -> Result<T>) -> Result<T> {
    let result = catch_unwind(AssertUnwindSafe(body));
    screen.leave();
    result.unwrap_or_else(|_| Err(panics::failure()))
}

/// A thread that could not be started.
fn no_thread(error: &std::io::Error) -> Failure {
    Failure::new("starting the cockpit", format!("could not start a thread: {error}"), "close other programs")
}

#[cfg(test)]
mod tests;
