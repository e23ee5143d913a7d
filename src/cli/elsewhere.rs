//! What is asked of a plan that a colleague's machine carries out: the request goes there as a record, by sharing, and
//! the answer comes back the same way.

use std::time::{Duration, Instant};

use super::context::Context;
use crate::conductor::{Rounds, Standing};
use crate::failure::Failure;
use crate::incident::IncidentId;
use crate::text::visible;

/// How long the answer of another machine is waited for.
pub(super) const ANSWER: Duration = Duration::from_secs(60);
/// How long a request is taken to the remote before a verb that waits for nothing more goes on.
const REACH: Duration = Duration::from_secs(10);

/// How far a request is, as it was told.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Told {
    Nothing,
    Reached,
    Not(String),
}

/// A request to a plan on another machine, once it is written down here.
pub(super) struct Asked<'a> {
    cx: &'a Context,
    rounds: Option<Rounds>,
    written: Instant,
    machine: String,
    told: Told,
}

impl<'a> Asked<'a> {
    /// Begins to bring a request there; `what` was asked for: `to stop`.
    pub(super) fn new(
        cx: &'a Context,
        author: &str,
        incident: IncidentId,
        machine: &str,
        what: &str,
    ) -> Self {
        let machine = visible(machine).into_owned();
        cx.out.tell(&format!("asked {what}; waiting for {machine} to answer"));
        let written = Instant::now();
        let rounds = Rounds::start(&cx.state_dir, author, incident);
        Self { cx, rounds, written, machine, told: Told::Nothing }
    }

    fn standing(&self) -> Standing {
        self.rounds.as_ref().map(Rounds::standing).unwrap_or_default()
    }

    /// Says how far it is, whenever that changes.
    pub(super) fn tell(&mut self) {
        let standing = self.standing();
        let remote = visible(&standing.remote);
        let (now, line) = if standing.has(self.written) {
            (Told::Reached, format!("the request is at {remote}"))
        } else if let Some(why) = &standing.trouble {
            let line = format!("▲ the request has not reached {remote}: {}; trying again", visible(why));
            (Told::Not(why.clone()), line)
        } else {
            return;
        };
        // Once it is there it stays there, whatever the remote says later.
        if self.told == Told::Reached || self.told == now {
            return;
        }
        self.told = now;
        self.cx.out.tell(&line);
    }

    /// Brings it to the remote, where nothing more is waited for.
    pub(super) fn deliver(mut self) {
        if let Some(rounds) = &self.rounds {
            rounds.wait(self.written, REACH);
        }
        if self.standing().remote.is_empty() {
            let failure = self.unanswered("asking another machine");
            self.cx.out.failure(&failure);
            return;
        }
        self.tell();
    }

    /// The failure where no answer came.
    pub(super) fn unanswered(&self, doing: impl Into<String>) -> Failure {
        let standing = self.standing();
        let (machine, remote) = (&self.machine, visible(&standing.remote));
        let call = "call whoever sits there";
        if standing.remote.is_empty() {
            let cause = format!("{machine} carries it out, and this incident is not shared from here");
            return Failure::new(doing, cause, format!("run flightdeck share sync, or {call}"));
        }
        let cause = match standing.trouble.filter(|_| standing.reached.is_none_or(|at| at < self.written)) {
            Some(why) => format!("the request has not reached {remote}: {}", visible(&why)),
            None => format!("the request is at {remote}, and {machine} has not answered"),
        };
        Failure::new(doing, cause, format!("{call}; flightdeck plan show says how the plan stands"))
    }
}
