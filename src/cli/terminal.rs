//! The output of a run on the terminal of a verb, and the keys typed there.

use std::io::IsTerminal as _;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, poll};

use super::context::Context;
use crate::conductor::{self, Chunk, LogReader, Plain};
use crate::failure::{Failure, Result};
use crate::incident::IncidentId;
use crate::runtime;

/// Bytes of output taken at once.
const PIECE: usize = 64 << 10;
/// Ctrl-].
const LEAVE: u8 = 0x1d;

/// A run's output, printed without anything that could act on the terminal.
pub(super) struct Page {
    log: LogReader,
    plain: Plain,
    /// The terminal does not begin a new line by itself.
    raw: bool,
    /// Whether the last thing printed ended a line.
    at_start: bool,
}

impl Page {
    /// Opens the log of a run at its beginning.
    ///
    /// # Errors
    /// There is none on this machine.
    pub(super) fn open(cx: &Context, incident: IncidentId, run: &str, raw: bool) -> Result<Self> {
        let log = LogReader::open(&conductor::log_dir(&cx.state_dir, incident, run), 0)?;
        Ok(Self { log, plain: Plain::new(cx.out.colour), raw, at_start: true })
    }

    /// Prints all that is there and was not printed.
    pub(super) fn print_all(&mut self, cx: &Context) -> Result<()> {
        while let Some(chunk) = self.log.read(PIECE)? {
            let text = match chunk {
                Chunk::Bytes(bytes) => self.plain.feed(&bytes),
                Chunk::Dropped(count) => {
                    let rest = self.plain.finish();
                    format!("{rest}\n… {count} bytes were not kept …\n")
                }
            };
            self.print(cx, &text)?;
        }
        Ok(())
    }

    /// Prints the rest and ends the last line.
    pub(super) fn finish(&mut self, cx: &Context) -> Result<()> {
        let rest = self.plain.finish();
        self.print(cx, &rest)?;
        let unstyled = if cx.out.colour { "\u{1b}[0m" } else { "" };
        let end = if self.at_start { "" } else { "\n" };
        self.print(cx, &format!("{unstyled}{end}"))
    }

    fn print(&mut self, cx: &Context, text: &str) -> Result<()> {
        if text.is_empty() {
            return Ok(());
        }
        self.at_start = text.ends_with('\n');
        if self.raw { cx.out.put(&text.replace('\n', "\r\n")) } else { cx.out.put(text) }
    }
}

/// What came from the keyboard, or from what stands for it.
pub(super) enum Typed {
    /// Keys for the command.
    Keys(Vec<u8>),
    /// Leave the command running.
    Detach,
    /// Nothing yet.
    Nothing,
}

/// The keys of a verb: each as it is pressed where there is a terminal, else what the standard
/// input holds. The terminal is put back when this goes away.
pub(super) struct Keys {
    raw: bool,
    ended: bool,
}

impl Keys {
    /// Begins to read keys.
    ///
    /// # Errors
    /// The terminal cannot be told to pass every key on.
    pub(super) fn new(cx: &Context) -> Result<Self> {
        let raw = Self::would_be_raw(cx);
        if raw {
            // Before, so that no signal finds the terminal taken.
            runtime::on_signal(|| {
                let _ = crossterm::terminal::disable_raw_mode();
            })?;
            crossterm::terminal::enable_raw_mode().map_err(|error| {
                Failure::new("taking over the keyboard", error, "flightdeck run log --follow needs none")
            })?;
        }
        Ok(Self { raw, ended: false })
    }

    /// Tells whether there is a terminal whose keys could be passed on as they are pressed.
    pub(super) fn would_be_raw(cx: &Context) -> bool {
        std::io::stdin().is_terminal() && cx.out.terminal
    }

    /// Tells whether every key is passed on as it is pressed.
    pub(super) fn is_raw(&self) -> bool {
        self.raw
    }

    /// Waits for keys for so long.
    ///
    /// # Errors
    /// The standard input cannot be read.
    pub(super) fn wait(&mut self, patience: Duration) -> Result<Typed> {
        if self.ended {
            std::thread::sleep(patience);
            return Ok(Typed::Nothing);
        }
        let stdin = std::io::stdin();
        let timeout = rustix::event::Timespec::try_from(patience).ok();
        if !matches!(poll(&mut [PollFd::new(&stdin, PollFlags::IN)], timeout.as_ref()), Ok(1..)) {
            return Ok(Typed::Nothing);
        }
        let mut bytes = [0; 1024];
        let failed = |error| Failure::new("reading the standard input", error, "");
        // Not through the buffer of the standard library: what waits there is not seen by poll.
        let count = rustix::io::read(&stdin, &mut bytes).map_err(failed)?;
        let typed = bytes.get(..count).unwrap_or_default();
        if count == 0 {
            self.ended = true;
            // A terminal that is gone has nobody in front of it. Where the input was a file
            // or a pipe, the output may still be wanted.
            return Ok(if self.raw { Typed::Detach } else { Typed::Nothing });
        }
        match typed.iter().position(|&byte| byte == LEAVE).filter(|_| self.raw) {
            Some(_) => Ok(Typed::Detach),
            None => Ok(Typed::Keys(typed.to_vec())),
        }
    }
}

impl Drop for Keys {
    fn drop(&mut self) {
        if self.raw {
            // The terminal may be gone; then there is nothing to put back.
            let _ = crossterm::terminal::disable_raw_mode();
        }
    }
}
