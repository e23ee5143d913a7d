//! What probes saw: samples, bounded history, and the status that is drawn. Pure.

use std::collections::VecDeque;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::columns::Mark;
use super::network::Reach;
use super::stretches::{Past, Seen};

/// State of a probe, in the words of `status --json`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum State {
    /// All conditions hold and the value is within limits.
    Ok,
    /// Good so far, but one bad sample, not yet confirmed.
    Pending,
    /// The value is over its warning limit.
    Warn,
    /// A condition does not hold or the value is over its limit.
    Failing,
    /// Was failing; a good sample waits to be confirmed.
    Recovering,
    /// Goes back and forth.
    Flapping,
    /// No data: never asked, or the answer could not be understood.
    #[default]
    Unknown,
    /// The source itself fails: nobody answered.
    Error,
    /// It is not good while the probe fails that explains it.
    Suppressed,
}

impl State {
    /// The name in `status --json` and in records.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Pending => "pending",
            Self::Warn => "warn",
            Self::Failing => "failing",
            Self::Recovering => "recovering",
            Self::Flapping => "flapping",
            Self::Unknown => "unknown",
            Self::Error => "error",
            Self::Suppressed => "suppressed",
        }
    }

    /// Tells whether the service or its source is known to fail.
    pub fn is_bad(self) -> bool {
        matches!(self, Self::Failing | Self::Recovering | Self::Flapping | Self::Error | Self::Suppressed)
    }

    /// Reads a name back.
    pub fn parse(name: &str) -> Option<Self> {
        [
            Self::Ok,
            Self::Pending,
            Self::Warn,
            Self::Failing,
            Self::Recovering,
            Self::Flapping,
            Self::Unknown,
            Self::Error,
            Self::Suppressed,
        ]
        .into_iter()
        .find(|state| state.name() == name)
    }
}

/// What one sample says about the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Verdict {
    /// Good.
    Good,
    /// Over the warning limit.
    Warn,
    /// Bad.
    Bad,
    /// Missing, null, wrongly typed or unreadable: nothing is known.
    #[default]
    NoData,
    /// Nobody answered.
    NoAnswer,
}

/// How long the parts of an answer over HTTP took.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Phases {
    /// Finding the address of the host.
    pub resolve: Duration,
    /// Connecting.
    pub connect: Duration,
    /// Agreeing on encryption; nothing where there is none.
    pub tls: Duration,
    /// Waiting for the head of the answer.
    pub first_byte: Duration,
    /// Reading the body.
    pub body: Duration,
    /// Whether nothing was connected: a connection was open from before.
    pub kept: bool,
}

impl Phases {
    /// Each with its name and its length in milliseconds, in their order.
    pub fn each(&self) -> [(&'static str, f64); 5] {
        [
            ("resolve", self.resolve),
            ("connect", self.connect),
            ("TLS", self.tls),
            ("first byte", self.first_byte),
            ("body", self.body),
        ]
        .map(|(name, time)| (name, time.as_secs_f64() * 1000.0))
    }
}

/// One sample.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Sample {
    /// When the answer was complete, or given up on.
    pub at: Timestamp,
    /// What it says.
    pub verdict: Verdict,
    /// The value drawn; `None` where there is none. Finite.
    pub value: Option<f64>,
    /// Short headline: `200`, `exit 1`, `refused`, `timeout`.
    pub headline: String,
    /// How long the answer took, in milliseconds; `None` where nobody answered.
    pub latency_ms: Option<f64>,
    /// Why it is not good, in one line; empty when good.
    pub why: String,
    /// Why it has not recovered, should it have failed: it is within its limit, and short of the threshold
    /// for that.
    pub unrecovered: Option<String>,
    /// How long its parts took, where it is one request over HTTP.
    pub phases: Option<Phases>,
    /// What the answer names as its version, what tells most first: a commit, a release, a version.
    pub versions: Vec<String>,
    /// What it is made up of, where that can be listed: each alert that fires.
    pub rows: Vec<String>,
}

/// What is said of a number that is within its limit, and short of where it counts as recovered.
pub(super) const UNRECOVERED: &str = "(failed; recovers at ";

/// The limit of a probe.
#[derive(Debug, Clone, Copy)]
pub struct Edge {
    /// `None`: nothing is beyond it.
    threshold: Option<f64>,
    /// Whether what is low does harm.
    is_low: bool,
    /// Whether the threshold itself does.
    is_harm: bool,
}

impl Edge {
    /// Whether what is low does harm.
    pub fn is_low(self) -> bool {
        self.is_low
    }

    /// Whether a value is beyond it.
    pub fn is_beyond(self, value: f64) -> bool {
        self.threshold.is_some_and(|threshold| match (self.is_low, self.is_harm) {
            (true, true) => value <= threshold,
            (true, false) => value < threshold,
            (false, true) => value >= threshold,
            (false, false) => value > threshold,
        })
    }

    /// Of two values the one that is nearer to harm.
    pub fn worse(self, (low, high): (f64, f64)) -> f64 {
        if self.is_low { low } else { high }
    }
}

/// A probe as it stands: what a health row draws.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Status {
    /// Name.
    pub name: String,
    /// Environment it watches; may be empty.
    pub environment: String,
    /// State.
    pub state: State,
    /// Since when.
    pub since: Option<Timestamp>,
    /// Since when its samples have been bad without a break, where they are: before that was confirmed.
    pub began: Option<Timestamp>,
    /// What was seen then; empty when good.
    pub began_with: String,
    /// The last sample.
    pub last: Option<Sample>,
    /// Unit of the value.
    pub unit: String,
    /// The failing limit as written (`> 5`), else the warning limit.
    pub limit: Option<String>,
    /// What the value has to keep to, in a word: `max 5`, `want 200`; may be empty.
    pub range: String,
    /// Numeric threshold of the failing limit, for the chart.
    pub threshold: Option<f64>,
    /// Seconds between samples.
    pub interval_s: f64,
    /// Recent samples, oldest first: time and value, `None` where there was no data.
    pub history: VecDeque<(Timestamp, Option<f64>)>,
    /// What is known of the time before those, up to a day.
    pub past: Past,
    /// Recent samples that were bad for another reason than their value, or not answered, oldest first.
    pub faults: VecDeque<(Timestamp, Verdict)>,
    /// The states it went through, oldest first, each with when it began.
    pub turns: VecDeque<(Timestamp, State)>,
    /// What its last answers named as their version, oldest first.
    pub versions: VecDeque<Vec<String>>,
    /// When the last of these came.
    pub versions_at: Option<Timestamp>,
    /// Since when it was heard of again and again; `None`: it was not heard of yet.
    pub unbroken_since: Option<Timestamp>,
    /// Whether its trouble may be this machine's own.
    pub reach: Reach,
}

impl Status {
    /// Most samples kept in memory.
    pub const MAX_HISTORY: usize = 720;
    /// Most states kept in memory.
    pub const MAX_TURNS: usize = 256;
    /// Most versions kept in memory: those of the last answers that name one.
    pub const MAX_VERSIONS: usize = 10;

    /// Its limit, read once for many values: it is written `> 5` or `< 5`.
    pub fn edge(&self) -> Edge {
        let limit = self.limit.as_deref().map(str::trim_start).unwrap_or_default();
        let (sign, rest) = limit.split_at_checked(1).unwrap_or_default();
        Edge {
            threshold: self.threshold.filter(|_| matches!(sign, "<" | ">")),
            is_low: sign == "<",
            is_harm: rest.starts_with('='),
        }
    }

    /// Whether a value is beyond the limit.
    pub fn is_beyond(&self, value: f64) -> bool {
        self.edge().is_beyond(value)
    }

    /// Of two values the one that is nearer to harm.
    pub fn worse(&self, range: (f64, f64)) -> f64 {
        self.edge().worse(range)
    }

    /// Since when it has been as it is: of what is bad, since the first sample that its chart shows as bad.
    pub fn began(&self) -> Option<Timestamp> {
        self.began.filter(|_| self.state.is_bad()).or(self.since)
    }

    /// Tells whether what was seen is only that a number is over its limit: `38.1 % (max 5 %)`.
    pub fn is_number(&self, why: &str) -> bool {
        let over = || !self.range.is_empty() && why.contains(&format!("({}", self.range));
        self.threshold.is_some() && (over() || why.contains(UNRECOVERED))
    }

    /// Tells whether a state, seen for a reason, says that it does not work, and not only that a number is over its
    /// limit.
    pub fn is_down(&self, state: State, why: &str) -> bool {
        match state {
            State::Error => true,
            State::Failing | State::Flapping => !self.is_number(why),
            _ => false,
        }
    }

    /// Whether nobody knows how it is: it has no data, or its trouble is not confirmed where nothing good was seen
    /// before.
    pub fn is_unknown(&self) -> bool {
        let before = || self.turns.iter().rev().nth(1).map(|(_, state)| *state);
        match self.state {
            State::Unknown => true,
            State::Pending => !matches!(before(), Some(State::Ok | State::Warn)),
            _ => false,
        }
    }

    /// The state it was in at a moment; `None`: that is not known.
    pub fn state_at(&self, at: Timestamp) -> Option<(Timestamp, State)> {
        let after = self.turns.partition_point(|(since, _)| *since <= at);
        after.checked_sub(1).and_then(|last| self.turns.get(last)).copied()
    }

    /// For how long samples are recent; `None`: however long it takes until there are too many.
    pub fn recent(&self) -> Option<SignedDuration> {
        let length = SignedDuration::try_from_secs_f64(self.interval_s * Self::MAX_HISTORY as f64).ok();
        length.filter(SignedDuration::is_positive)
    }

    /// When something was first seen of it, as far as that is known.
    pub fn first(&self) -> Option<Timestamp> {
        let recent = self.history.front().map(|(at, _)| *at);
        self.past.first().into_iter().chain(recent).min()
    }

    /// Makes room for so many more recent samples, of which the newest is of this time. What is recent no longer
    /// goes to the past.
    pub fn make_room(&mut self, newest: Timestamp, more: usize) {
        let too_many = (self.history.len() + more).saturating_sub(Self::MAX_HISTORY);
        let recent = self.recent();
        let is_old = |at: Timestamp| recent.is_some_and(|recent| newest.duration_since(at) > recent);
        let old = self.history.iter().take_while(|(at, _)| is_old(*at)).count().max(too_many);
        if old == 0 {
            return;
        }
        let samples: Vec<Seen> =
            self.history.drain(..old).map(|(at, value)| Seen::sample(at, value)).collect();
        self.past.fold(samples, newest);
        self.age_faults(newest);
    }

    /// Has faults that are older than what is recent go to the past.
    pub fn age_faults(&mut self, newest: Timestamp) {
        let kept = self.history.front().map_or(newest, |(at, _)| *at);
        let old = self.faults.iter().take_while(|(at, _)| *at < kept).count();
        let seen = |(at, verdict)| Seen { at, value: None, mark: Mark::of(verdict) };
        self.past.fold(self.faults.drain(..old).map(seen), newest);
    }

    /// Takes in that a state began.
    pub fn turn(&mut self, at: Timestamp, state: State) {
        if self.turns.back().is_some_and(|(_, last)| *last == state) {
            return;
        }
        if self.turns.len() == Self::MAX_TURNS {
            self.turns.pop_front();
        }
        self.turns.push_back((at, state));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_700_000_000 + second).unwrap()
    }

    #[test]
    fn every_name_reads_back() {
        for name in
            ["ok", "pending", "warn", "failing", "recovering", "flapping", "unknown", "error", "suppressed"]
        {
            assert_eq!(State::parse(name).map(State::name), Some(name));
        }
        assert_eq!(State::parse("fine"), None);
    }

    #[test]
    fn unconfirmed_trouble_is_no_good_news_where_nothing_good_was_seen_before() {
        let status = |states: &[State]| {
            let mut status = Status { state: *states.last().unwrap(), ..Status::default() };
            for (second, state) in (0..).zip(states) {
                status.turn(at(second), *state);
            }
            status.is_unknown()
        };
        assert!(status(&[State::Unknown]) && status(&[State::Pending]));
        assert!(status(&[State::Ok, State::Unknown, State::Pending]));
        assert!(!status(&[State::Unknown, State::Ok, State::Pending]));
        assert!(!status(&[State::Ok]) && !status(&[State::Failing]));
    }

    #[test]
    fn limits_bind_on_the_side_they_are_written_for() {
        let of =
            |limit: &str| Status { limit: Some(limit.into()), threshold: Some(5.0), ..Status::default() };
        let beyond = |limit: &str| [4.0, 5.0, 6.0].map(|value| of(limit).is_beyond(value));
        assert_eq!(beyond("> 5"), [false, false, true]);
        assert_eq!(beyond(">= 5"), [false, true, true]);
        assert_eq!(beyond("< 5"), [true, false, false]);
        assert_eq!(beyond("<= 5"), [true, true, false]);
        assert!(!Status { threshold: None, ..of("> 5") }.is_beyond(6.0));
        assert_eq!((of("< 5").worse((1.0, 9.0)), of("> 5").worse((1.0, 9.0))), (1.0, 9.0));
    }

    #[test]
    fn a_number_over_its_limit_says_that_it_is_slow_and_not_that_it_is_down() {
        let number = Status { range: "max 5 %".into(), threshold: Some(5.0), ..Status::default() };
        let check = Status { range: "want 200".into(), ..Status::default() };
        for (status, state, why, is_down) in [
            (&number, State::Failing, "38.1 % (max 5 %)", false),
            (&number, State::Flapping, "38.1 % (max 5 %)", false),
            (&number, State::Failing, "4 % (failed; recovers at < 3 %)", false),
            (&number, State::Failing, "status 500, expected 200", true),
            (&number, State::Error, "connection refused", true),
            (&number, State::Warn, "4.5 % (max 5 %)", false),
            (&number, State::Ok, "", false),
            (&check, State::Failing, "status 500, expected 200", true),
            (&check, State::Recovering, "", false),
        ] {
            assert_eq!(status.is_down(state, why), is_down, "{state:?}: {why}");
        }
    }

    #[test]
    fn the_state_at_a_moment_is_the_last_that_had_begun() {
        let mut status = Status::default();
        for (second, state) in [(10, State::Ok), (20, State::Failing), (25, State::Failing), (30, State::Ok)]
        {
            status.turn(at(second), state);
        }
        assert_eq!(status.state_at(at(9)), None);
        assert_eq!(status.state_at(at(20)), Some((at(20), State::Failing)));
        assert_eq!(status.state_at(at(29)), Some((at(20), State::Failing)));
        assert_eq!(status.state_at(at(99)), Some((at(30), State::Ok)));
        for second in 0..1000 {
            status.turn(at(100 + second), if second % 2 == 0 { State::Failing } else { State::Ok });
        }
        assert_eq!(status.turns.len(), Status::MAX_TURNS);
    }
}
