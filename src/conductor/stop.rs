//! Stopping a command: INT, then TERM, then KILL to all that it started, as long as anything
//! of it is left.

use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};

use super::process::Member;
use super::{orphan, system};

/// What is sent, in order, and how long it is given to work.
pub(super) const LADDER: [(Signal, &str, Duration); 3] = [
    (Signal::INT, "INT", Duration::from_secs(5)),
    (Signal::TERM, "TERM", Duration::from_secs(5)),
    (Signal::KILL, "KILL", Duration::from_secs(2)),
];

/// Why a command is being stopped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Why {
    /// A person asked for it.
    Asked {
        /// Who.
        by: String,
    },
    /// It took longer than it may.
    Timeout,
    /// The conductor itself was asked to end.
    Ending,
}

/// The wish that a command be stopped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wish {
    /// Why.
    pub(super) why: Why,
    /// Begin at KILL.
    pub(super) kill: bool,
}

impl Wish {
    /// What is wished where this one was heard before and not heeded yet: whoever wanted it killed wants that still.
    pub(super) fn after(self, before: Option<&Self>) -> Self {
        Self { kill: self.kill || before.is_some_and(|before| before.kill), ..self }
    }
}

/// A command that is being stopped.
#[derive(Debug)]
pub(super) struct Stop {
    /// Why.
    pub(super) why: Why,
    /// Which signal comes next.
    next: usize,
    /// When.
    due: Instant,
}

/// The session of a run: that of its first process, which is a child of this one and not yet
/// waited for, so that its number belongs to nobody else.
#[derive(Debug, Clone, Copy)]
pub(super) struct Session<'a> {
    /// Number of the session and of its first group.
    pub(super) leader: u32,
    /// `FLIGHTDECK_RUN=…`, by which those are found that left the session.
    pub(super) mark: &'a str,
}

impl Stop {
    /// Begins to stop; the first signal is due at once.
    pub(super) fn begin(wish: Wish, now: Instant) -> Self {
        Self { why: wish.why, next: if wish.kill { LADDER.len() - 1 } else { 0 }, due: now }
    }

    /// Goes on to KILL at once.
    pub(super) fn hurry(&mut self, now: Instant) {
        if self.next < LADDER.len() - 1 {
            self.next = LADDER.len() - 1;
            self.due = now;
        }
    }

    /// The name of the signal that is due, if one is. The caller records it, then calls
    /// [`Stop::send`].
    pub(super) fn due(&self, now: Instant) -> Option<&'static str> {
        (now >= self.due).then(|| LADDER.get(self.next)).flatten().map(|(_, name, _)| *name)
    }

    /// Sends the signal that is due to all that is left of it.
    pub(super) fn send(&mut self, session: Session<'_>, now: Instant) {
        let Some(&(signal, _, patience)) = LADDER.get(self.next) else { return };
        session.signal(signal);
        self.next += 1;
        self.due = now + patience;
    }

    /// Tells whether all signals were sent and the last one was given its time.
    pub(super) fn is_exhausted(&self, now: Instant) -> bool {
        self.next >= LADDER.len() && now >= self.due
    }
}

impl Session<'_> {
    fn signal(self, signal: Signal) {
        if let Some(leader) = i32::try_from(self.leader).ok().and_then(Pid::from_raw) {
            // A group without members is no failure: there is nobody left to signal.
            let _ = kill_process_group(leader, signal);
        }
        for member in self.members().into_iter().filter(|member| member.group != self.leader) {
            // One that has ended meanwhile needs no signal; one of somebody else is still there afterwards.
            let _ = system::signal_member(&member, signal);
        }
    }

    /// Live processes of the session, and those that left it and are known by its mark or control group.
    pub(super) fn members(self) -> Vec<Member> {
        let mut members = system::members(self.leader, self.mark);
        members.retain(|member| !orphan::is_agent(member));
        members
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wish(kill: bool) -> Wish {
        Wish { why: Why::Timeout, kill }
    }

    /// A session without anybody in it.
    const NOBODY: Session<'static> = Session { leader: u32::MAX, mark: "FLIGHTDECK_RUN=nobody" };

    #[test]
    fn the_ladder_is_climbed_one_step_a_patience() {
        let mut now = Instant::now();
        let mut stop = Stop::begin(wish(false), now);
        for (_, name, patience) in LADDER {
            assert_eq!(stop.due(now), Some(name));
            stop.send(NOBODY, now);
            assert_eq!(stop.due(now), None, "{name} is given its time");
            assert!(!stop.is_exhausted(now));
            now += patience;
        }
        assert_eq!(stop.due(now), None);
        assert!(stop.is_exhausted(now));
    }

    #[test]
    fn a_kill_begins_or_goes_on_at_the_top() {
        let now = Instant::now();
        assert_eq!(Stop::begin(wish(true), now).due(now), Some("KILL"));
        let mut stop = Stop::begin(wish(false), now);
        stop.send(NOBODY, now);
        stop.hurry(now);
        assert_eq!(stop.due(now), Some("KILL"));
        stop.send(NOBODY, now);
        stop.hurry(now);
        assert_eq!(stop.due(now), None, "KILL is sent once");
    }

    #[test]
    fn whoever_wants_it_killed_wants_that_still_when_somebody_else_asks() {
        assert!(!wish(false).after(None).kill);
        assert!(!wish(false).after(Some(&wish(false))).kill);
        assert!(wish(true).after(Some(&wish(false))).kill);
        assert!(wish(false).after(Some(&wish(true))).kill);
    }
}
