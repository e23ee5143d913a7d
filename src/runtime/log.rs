//! Follows the output of one run: its log, as it grows.

use std::path::PathBuf;
use std::sync::mpsc::{self, Receiver, Sender};
use std::time::{Duration, Instant};

use super::screen::receive;
use super::{Event, no_thread, panics};
use crate::cockpit::msg::{EffectId, Fact, Msg};
use crate::conductor::{Chunk, JobsReader, LogReader};
use crate::failure::Result;

/// Most bytes of output in one message, and how many there are at first.
const LARGEST: usize = 64 * 1024;
const FIRST: usize = 8 * 1024;
/// Fewest: however much work it makes, output goes on.
const SMALLEST: usize = 512;
/// Shortest time between two messages.
const REST: Duration = Duration::from_millis(5);
/// How long the loop may be busy with one message. What output costs depends on what is in it:
/// an empty line costs as much as a full one.
const COST: Duration = Duration::from_millis(6);
/// More unread output than this is skipped: nobody can read that fast.
const BEHIND: u64 = 256 * 1024;
/// Time between two pieces, and between two looks at a log that grows.
const PACE: Duration = Duration::from_millis(33);
/// Time between two looks at a log that has not grown for a while.
const SLOW: Duration = Duration::from_millis(250);

/// What the follower is told.
pub(super) enum Order {
    /// Follow the log in this directory from the last `tail` bytes on.
    Follow { id: EffectId, run: String, dir: PathBuf, tail: u64 },
    /// The output sent for this following was taken in, which took so long.
    Taken(EffectId, Duration),
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
    jobs: JobsReader,
    ended: bool,
    /// Most bytes in the next message.
    piece: usize,
    /// Whether the last message is still on its way: one at a time, so that none wait in line.
    sent: bool,
    /// When to look again.
    due: Instant,
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
        let waits = now.as_ref().filter(|following| !following.sent);
        let wait = waits.map(|following| following.due.saturating_duration_since(Instant::now()));
        match receive(orders, wait) {
            Err(()) => return,
            Ok(Some(Order::Nothing)) => now = None,
            Ok(Some(Order::Follow { id, run, dir, tail })) => {
                now = Some(Following::new(id, run, dir, tail));
            }
            Ok(Some(Order::Taken(id, took))) => {
                if let Some(following) = now.as_mut().filter(|following| following.id == id) {
                    following.sent = false;
                    following.piece = fitting(following.piece, took);
                    if following.piece < LARGEST {
                        // Small pieces come faster, and leave the loop as much time as they take.
                        following.due = Instant::now() + took.max(REST);
                    }
                }
            }
            Ok(Some(Order::Ended(run))) => {
                if let Some(following) = now.as_mut().filter(|following| following.run == run) {
                    following.ended = true;
                }
            }
            Ok(None) => {}
        }
        if let Some(following) = now.as_mut().filter(|following| following.is_due()) {
            let step = following.step();
            following.due = Instant::now() + if following.idle > 10 { SLOW } else { PACE };
            match step {
                Some(fact) => {
                    following.idle = 0;
                    following.sent = true;
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

/// How much to send next, when so many bytes took so long.
fn fitting(piece: usize, took: Duration) -> usize {
    let fit = if took * 2 < COST {
        piece * 2
    } else if took > COST {
        piece / 2
    } else {
        piece
    };
    let far_too_long = took > COST * 8;
    (if far_too_long { SMALLEST } else { fit }).clamp(SMALLEST, LARGEST)
}

impl Following {
    fn new(id: EffectId, run: String, dir: PathBuf, tail: u64) -> Self {
        let (due, jobs) = (Instant::now(), JobsReader::new(&dir));
        Self { id, run, dir, tail, reader: None, jobs, ended: false, piece: FIRST, sent: false, due, idle: 0 }
    }

    fn is_due(&self) -> bool {
        !self.sent && Instant::now() >= self.due
    }

    /// The next piece of output, if there is one. What nobody could read in the time is left
    /// out; the log has it.
    fn step(&mut self) -> Option<Fact> {
        if let Some(jobs) = self.jobs.news() {
            return Some(Fact::Jobs { follow: self.id, run: self.run.clone(), jobs });
        }
        if self.reader.is_none() {
            // The conductor makes the log a moment after the plan was started.
            let reader = LogReader::open(&self.dir, 0).ok()?;
            let from = reader.len().saturating_sub(self.tail);
            self.reader = LogReader::open(&self.dir, from).ok();
        }
        let reader = self.reader.as_mut()?;
        let behind = reader.len().saturating_sub(reader.position());
        if behind > BEHIND.max(self.tail) {
            let to = reader.len() - self.piece as u64;
            self.reader = LogReader::open(&self.dir, to).ok();
        }
        let reader = self.reader.as_mut()?;
        loop {
            match reader.read(self.piece) {
                Ok(Some(Chunk::Dropped(_))) => {}
                Ok(Some(Chunk::Bytes(bytes))) => {
                    return Some(Fact::Output { follow: self.id, run: self.run.clone(), bytes });
                }
                Ok(None) | Err(_) => return None,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn output_that_costs_much_comes_in_small_pieces_and_grows_again() {
        let slow = Duration::from_millis(200);
        assert_eq!(fitting(LARGEST, slow), SMALLEST);
        assert_eq!(fitting(LARGEST, COST + Duration::from_millis(1)), LARGEST / 2);
        assert_eq!(fitting(FIRST, COST), FIRST);
        let mut piece = SMALLEST;
        for _ in 0..20 {
            piece = fitting(piece, Duration::ZERO);
        }
        assert_eq!(piece, LARGEST);
    }
}
