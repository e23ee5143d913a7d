//! Follows the output of one run: its log, as it grows.

use std::path::PathBuf;
use std::sync::mpsc::{self, Receiver, Sender};
use std::time::Duration;

use super::screen::receive;
use super::{Event, no_thread, panics};
use crate::cockpit::msg::{EffectId, Fact, Msg};
use crate::conductor::{Chunk, LogReader};
use crate::failure::Result;

/// Most bytes of output in one message: what a terminal can take in while a frame is shown.
const PIECE: usize = 64 * 1024;
/// More unread output than this is skipped: nobody can read that fast.
const BEHIND: u64 = 1024 * 1024;
/// Time between two pieces, and between two looks at a log that grows.
const PACE: Duration = Duration::from_millis(33);
/// Time between two looks at a log that has not grown for a while.
const SLOW: Duration = Duration::from_millis(250);

/// What the follower is told.
pub(super) enum Order {
    /// Follow the log in this directory from the last `tail` bytes on.
    Follow { id: EffectId, run: String, dir: PathBuf, tail: u64 },
    /// The run has ended: what is there is all there will be.
    Ended(String),
    /// Follow nothing.
    Nothing,
}

struct Following {
    id: EffectId,
    run: String,
    dir: PathBuf,
    tail: u64,
    reader: Option<LogReader>,
    ended: bool,
    /// Looks without anything new.
    idle: u32,
}

/// Starts the thread that follows.
pub(super) fn start(events: &Sender<Event>) -> Result<Sender<Order>> {
    let (orders, queue) = mpsc::channel();
    let told = events.clone();
    panics::spawn("log", events.clone(), move || follow(&queue, &told)).map_err(|error| no_thread(&error))?;
    Ok(orders)
}

fn follow(orders: &Receiver<Order>, events: &Sender<Event>) {
    let mut now: Option<Following> = None;
    loop {
        let wait = now.as_ref().map(|following| if following.idle > 10 { SLOW } else { PACE });
        match receive(orders, wait) {
            Err(()) => return,
            Ok(Some(Order::Nothing)) => now = None,
            Ok(Some(Order::Follow { id, run, dir, tail })) => {
                now = Some(Following { id, run, dir, tail, reader: None, ended: false, idle: 0 });
            }
            Ok(Some(Order::Ended(run))) => {
                if let Some(following) = now.as_mut().filter(|following| following.run == run) {
                    following.ended = true;
                }
            }
            Ok(None) => {}
        }
        if let Some(following) = &mut now {
            match following.step() {
                Some(fact) => {
                    following.idle = 0;
                    if events.send(Event::Msg(Msg::Fact(fact))).is_err() {
                        return;
                    }
                }
                None if following.ended && following.idle > 3 => now = None,
                None => following.idle = following.idle.saturating_add(1),
            }
        }
    }
}

impl Following {
    /// The next piece of output, if there is one.
    fn step(&mut self) -> Option<Fact> {
        let mut skipped = 0;
        if self.reader.is_none() {
            // The conductor makes the log a moment after the plan was started.
            let reader = LogReader::open(&self.dir, 0).ok()?;
            let from = reader.len().saturating_sub(self.tail);
            self.reader = LogReader::open(&self.dir, from).ok();
            skipped += from;
        }
        let reader = self.reader.as_mut()?;
        let behind = reader.len().saturating_sub(reader.position());
        if behind > BEHIND.max(self.tail) {
            let to = reader.len() - PIECE as u64;
            skipped += to - reader.position();
            self.reader = LogReader::open(&self.dir, to).ok();
        }
        let reader = self.reader.as_mut()?;
        loop {
            match reader.read(PIECE) {
                Ok(Some(Chunk::Dropped(bytes))) => skipped += bytes,
                Ok(Some(Chunk::Bytes(bytes))) => {
                    return Some(Fact::Output { follow: self.id, run: self.run.clone(), skipped, bytes });
                }
                Ok(None) if skipped > 0 => {
                    return Some(Fact::Output {
                        follow: self.id,
                        run: self.run.clone(),
                        skipped,
                        bytes: Vec::new(),
                    });
                }
                Ok(None) | Err(_) => return None,
            }
        }
    }
}
