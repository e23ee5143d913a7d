//! From samples to a state that can be trusted: what counts as failing, recovered, flapping.
//! Pure.
//!
//! With `n` the probe's `confirm`:
//!
//! - The state is settled on ok, warn, failing, error (nobody answers) or unknown (no data).
//!   It moves to another only after `n` samples in a row that say so. Samples that are worse
//!   count for what is milder too: warn, bad is a confirmed warn; bad, nobody is failing.
//! - From ok, the first sample that is not good shows as *pending*; a good one takes it back.
//! - From failing or error, the first good sample shows as *recovering*; anything else,
//!   also no data, takes it back.
//! - No data neither confirms nor refutes trouble. `n` times in a row it makes the state
//!   unknown, and what was wrong before is remembered: only `n` good samples in a row lead
//!   from there to ok, one bad one leads back.
//! - The very first sample, if good, is believed at once: there is nothing to recover from.
//! - Four changes between good and not good within 20 samples are *flapping*, until as many
//!   samples in a row as confirm anything, and at least six, agree again.

use std::collections::VecDeque;

use jiff::Timestamp;

use super::series::{State, Verdict};

/// Samples in which changes are counted.
const WINDOW: usize = 20;
/// Changes among them that make flapping.
const CHANGES: usize = 4;
/// Samples without a change that end it, at least.
const CALM: u32 = 6;

/// A change of state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edge {
    /// When.
    pub at: Timestamp,
    /// From which state.
    pub from: State,
    /// To which.
    pub to: State,
    /// What was seen, in one line; empty when all is good.
    pub why: String,
}

/// The alarm of one probe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alarm {
    confirm: u32,
    state: State,
    since: Option<Timestamp>,
    /// Ok, Warn, Failing, Error or Unknown: what was confirmed last.
    settled: State,
    /// What was wrong when data stopped coming; never Ok or Unknown.
    before: Option<State>,
    runs: Runs,
    /// Whether each of the latest samples differed from the one before in being good.
    changes: VecDeque<bool>,
    last_good: Option<bool>,
    /// Samples in a row without a change.
    calm: u32,
    flapping: bool,
}

/// How many samples in a row said at least so much. No data interrupts none but `good`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Runs {
    good: u32,
    no_data: u32,
    warn_or_worse: u32,
    bad_or_nobody: u32,
    warn: u32,
    bad: u32,
    nobody: u32,
}

impl Runs {
    fn count(&mut self, verdict: Verdict) {
        let old = *self;
        if verdict == Verdict::NoData {
            self.good = 0;
            self.no_data = old.no_data.saturating_add(1);
            return;
        }
        let next = |holds: bool, run: u32| if holds { run.saturating_add(1) } else { 0 };
        let (warn, bad, nobody) =
            (verdict == Verdict::Warn, verdict == Verdict::Bad, verdict == Verdict::NoAnswer);
        *self = Self {
            good: next(verdict == Verdict::Good, old.good),
            no_data: 0,
            warn_or_worse: next(warn || bad || nobody, old.warn_or_worse),
            bad_or_nobody: next(bad || nobody, old.bad_or_nobody),
            warn: next(warn, old.warn),
            bad: next(bad, old.bad),
            nobody: next(nobody, old.nobody),
        };
    }
}

impl Alarm {
    /// An alarm that has seen nothing; `confirm` below 1 counts as 1.
    pub fn new(confirm: u32) -> Self {
        Self {
            confirm: confirm.max(1),
            state: State::Unknown,
            since: None,
            settled: State::Unknown,
            before: None,
            runs: Runs::default(),
            changes: VecDeque::with_capacity(WINDOW),
            last_good: None,
            calm: 0,
            flapping: false,
        }
    }

    /// Takes up a state that was recorded earlier, so that a restart recovers nothing.
    pub fn restore(&mut self, state: State, since: Timestamp) {
        let settled = match state {
            State::Pending => State::Ok,
            State::Recovering | State::Flapping => State::Failing,
            settled => settled,
        };
        *self = Self { settled, state: settled, since: Some(since), ..Self::new(self.confirm) };
        // Whatever was recorded, a sample has been seen: nothing is believed at once.
        self.calm = 1;
    }

    /// The state.
    pub fn state(&self) -> State {
        self.state
    }

    /// Since when; `None` before the first sample.
    pub fn since(&self) -> Option<Timestamp> {
        self.since
    }

    /// Takes a sample; returns the change it makes, if any.
    pub fn observe(&mut self, at: Timestamp, verdict: Verdict, why: &str) -> Option<Edge> {
        let is_first = self.since.is_none() && self.last_good.is_none();
        self.runs.count(verdict);
        let unconfirmed = self.settle(verdict, is_first);
        self.count_changes(verdict == Verdict::Good);
        let to = if self.flapping { State::Flapping } else { unconfirmed.unwrap_or(self.settled) };
        if self.since.is_none() {
            self.since = Some(at);
        }
        if to == self.state {
            return None;
        }
        let from = std::mem::replace(&mut self.state, to);
        self.since = Some(at);
        Some(Edge { at, from, to, why: why.to_owned() })
    }

    /// Moves what is settled; returns the state to show instead while a sample waits.
    fn settle(&mut self, verdict: Verdict, is_first: bool) -> Option<State> {
        let (n, runs) = (self.confirm, self.runs);
        match verdict {
            Verdict::Good => {
                if runs.good >= n || is_first {
                    self.settled = State::Ok;
                    self.before = None;
                    return None;
                }
                let wrong = if self.settled == State::Unknown { self.before } else { Some(self.settled) };
                matches!(wrong, Some(State::Failing | State::Error)).then_some(State::Recovering)
            }
            Verdict::NoData => {
                if runs.no_data >= n {
                    if matches!(self.settled, State::Warn | State::Failing | State::Error) {
                        self.before = Some(self.settled);
                    }
                    self.settled = State::Unknown;
                    self.runs = Runs { no_data: runs.no_data, ..Runs::default() };
                }
                (self.settled == State::Ok).then_some(State::Pending)
            }
            Verdict::Warn | Verdict::Bad | Verdict::NoAnswer => self.settle_trouble(),
        }
    }

    fn settle_trouble(&mut self) -> Option<State> {
        let (n, runs) = (self.confirm, self.runs);
        if let (State::Unknown, Some(before)) = (self.settled, self.before.take()) {
            self.settled = before;
        }
        let was_down = matches!(self.settled, State::Failing | State::Error);
        let confirmed = if runs.nobody >= n {
            Some(State::Error)
        } else if runs.bad >= n || (runs.bad_or_nobody >= n && !was_down) {
            Some(State::Failing)
        } else if runs.warn >= n || (runs.warn_or_worse >= n && !was_down) {
            Some(State::Warn)
        } else {
            None
        };
        match confirmed {
            Some(state) => {
                self.settled = state;
                None
            }
            None => matches!(self.settled, State::Ok | State::Unknown).then_some(State::Pending),
        }
    }

    fn count_changes(&mut self, good: bool) {
        let changed = self.last_good.is_some_and(|last| last != good);
        self.last_good = Some(good);
        self.calm = if changed { 1 } else { self.calm.saturating_add(1) };
        if self.changes.len() == WINDOW {
            self.changes.pop_front();
        }
        self.changes.push_back(changed);
        if self.flapping && self.calm >= CALM.max(self.confirm) {
            self.flapping = false;
            self.changes.clear();
        } else if self.changes.iter().filter(|changed| **changed).count() >= CHANGES {
            self.flapping = true;
        }
    }
}
