//! From samples to a state that can be trusted: what counts as failing, recovered, flapping.
//! Pure.
//!
//! With `n` the probe's `confirm`:
//!
//! - The state is settled on ok, warn, failing, error (nobody answers) or unknown (no data).
//!   It moves to another only after `n` samples in a row that say so. Samples that are worse
//!   count for what is milder too: warn, bad is a confirmed warn; bad, nobody is failing.
//! - Where it has to be bad `for` a time, samples that say so also have to come from so long a time,
//!   the first to the last. It is asked for once: from ok, unknown and warn, not from failing to error.
//! - Once failing, a value that is within its limit and short of the recovery threshold is bad still.
//! - From ok, the first sample that is not good shows as *pending*; a good one takes it back.
//! - From failing or error, the first good sample shows as *recovering*; anything else,
//!   also no data, takes it back.
//! - No data neither confirms nor refutes trouble. `n` times in a row it makes the state
//!   unknown, and what was wrong before is remembered: only `n` good samples in a row lead
//!   from there to ok, one bad one leads back.
//! - The very first sample, if good, is believed at once: there is nothing to recover from.
//! - Five changes between good and not good within 20 samples are *flapping*, until as many
//!   samples in a row as confirm anything, and at least six, agree again.

use std::collections::VecDeque;

use jiff::{SignedDuration, Timestamp};

use super::series::{State, Verdict};

/// Samples in which changes are counted.
const WINDOW: usize = 20;
/// Changes among them that make flapping: three excursions, or a swing every four samples.
const CHANGES: usize = 5;
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
    /// How long it has to be bad before it fails.
    lasting: SignedDuration,
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
    /// Whether it failed, and has not been confirmed as good since.
    firing: bool,
    /// Whether it is judged anew, and nothing is confirmed yet.
    anew: bool,
}

/// How many samples in a row said at least so much. No data interrupts none but `good`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Runs {
    good: u32,
    no_data: u32,
    warn_or_worse: Run,
    bad_or_nobody: Run,
    warn: Run,
    bad: Run,
    nobody: Run,
}

/// Samples in a row, and when the first of them came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Run {
    count: u32,
    since: Option<Timestamp>,
}

impl Run {
    fn next(self, holds: bool, at: Timestamp) -> Self {
        if !holds {
            return Self::default();
        }
        // A clock that was set back would make it last for hours.
        let since = self.since.filter(|since| *since <= at).unwrap_or(at);
        Self { count: self.count.saturating_add(1), since: Some(since) }
    }

    fn has_lasted(self, lasting: SignedDuration, now: Timestamp) -> bool {
        self.since.is_some_and(|since| now.duration_since(since) >= lasting)
    }
}

impl Runs {
    fn count(&mut self, verdict: Verdict, at: Timestamp) {
        let old = *self;
        if verdict == Verdict::NoData {
            self.good = 0;
            self.no_data = old.no_data.saturating_add(1);
            return;
        }
        let (warn, bad, nobody) =
            (verdict == Verdict::Warn, verdict == Verdict::Bad, verdict == Verdict::NoAnswer);
        *self = Self {
            good: if verdict == Verdict::Good { old.good.saturating_add(1) } else { 0 },
            no_data: 0,
            warn_or_worse: old.warn_or_worse.next(warn || bad || nobody, at),
            bad_or_nobody: old.bad_or_nobody.next(bad || nobody, at),
            warn: old.warn.next(warn, at),
            bad: old.bad.next(bad, at),
            nobody: old.nobody.next(nobody, at),
        };
    }
}

impl Alarm {
    /// An alarm that has seen nothing; `confirm` below 1 counts as 1.
    pub fn new(confirm: u32) -> Self {
        Self {
            confirm: confirm.max(1),
            lasting: SignedDuration::ZERO,
            state: State::Unknown,
            since: None,
            settled: State::Unknown,
            before: None,
            runs: Runs::default(),
            changes: VecDeque::with_capacity(WINDOW),
            last_good: None,
            calm: 0,
            flapping: false,
            firing: false,
            anew: false,
        }
    }

    /// An alarm of something that has to be bad for so long before it fails.
    #[must_use]
    pub fn lasting(self, lasting: Option<SignedDuration>) -> Self {
        Self { lasting: lasting.unwrap_or_default(), ..self }
    }

    /// Takes it for failing until it is confirmed as good, as far as a recovery threshold goes.
    pub fn fire(&mut self) {
        self.firing = true;
    }

    /// Forgets what was seen, but not what was wrong: nothing is believed before it is confirmed.
    pub fn renew(&mut self) {
        let wrong = if self.settled == State::Unknown { self.before } else { Some(self.settled) };
        *self = Self {
            before: wrong.filter(|wrong| !matches!(wrong, State::Ok | State::Unknown)),
            since: self.since,
            state: self.state,
            firing: self.firing,
            anew: true,
            calm: 1,
            ..Self::new(self.confirm).lasting(Some(self.lasting))
        };
    }

    /// Tells whether it is confirmed that it fails, or that nobody answers.
    pub fn is_down(&self) -> bool {
        matches!(self.settled, State::Failing | State::Error)
    }

    /// What a sample says: what has failed is bad until its value is past the recovery threshold.
    /// `unrecovered` says why it is not.
    pub fn weigh(&self, verdict: Verdict, unrecovered: Option<&str>) -> Verdict {
        let is_short = self.firing && unrecovered.is_some();
        if is_short && matches!(verdict, Verdict::Good | Verdict::Warn) { Verdict::Bad } else { verdict }
    }

    /// Takes up a state that was recorded earlier, so that a restart recovers nothing.
    pub fn restore(&mut self, state: State, since: Timestamp) {
        let settled = match state {
            State::Pending => State::Ok,
            State::Recovering | State::Flapping => State::Failing,
            settled => settled,
        };
        let settled = if settled == State::Suppressed { State::Unknown } else { settled };
        let firing = settled == State::Failing;
        let blank = Self::new(self.confirm).lasting(Some(self.lasting));
        *self = Self { settled, state: settled, since: Some(since), firing, ..blank };
        // Whatever was recorded, a sample has been seen: nothing is believed at once.
        self.calm = 1;
    }

    /// Takes up what was wrong before a restored state, and whether it is held to its recovery threshold: neither
    /// silence nor an error takes that back.
    pub fn recall(&mut self, wrong: Option<State>, firing: bool) {
        self.firing |= firing;
        if self.settled == State::Unknown {
            self.before = wrong.and_then(|wrong| match wrong {
                State::Failing | State::Recovering | State::Flapping => Some(State::Failing),
                State::Warn | State::Error => Some(wrong),
                _ => None,
            });
        }
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
        self.runs.count(verdict, at);
        let unconfirmed = self.settle(verdict, is_first, at);
        self.firing = match self.settled {
            State::Failing => true,
            State::Ok | State::Warn => false,
            _ => self.firing,
        };
        self.anew &= self.settled == State::Unknown && self.runs.no_data < self.confirm;
        self.count_changes(verdict == Verdict::Good);
        let settled = if self.anew { State::Pending } else { self.settled };
        let to = if self.flapping { State::Flapping } else { unconfirmed.unwrap_or(settled) };
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
    fn settle(&mut self, verdict: Verdict, is_first: bool, at: Timestamp) -> Option<State> {
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
            Verdict::Warn | Verdict::Bad | Verdict::NoAnswer => self.settle_trouble(at),
        }
    }

    fn settle_trouble(&mut self, at: Timestamp) -> Option<State> {
        let (n, runs) = (self.confirm, self.runs);
        if let (State::Unknown, Some(before)) = (self.settled, self.before.take()) {
            self.settled = before;
        }
        let was_down = matches!(self.settled, State::Failing | State::Error);
        let is = |run: Run| run.count >= n && (was_down || run.has_lasted(self.lasting, at));
        let confirmed = if is(runs.nobody) {
            Some(State::Error)
        } else if is(runs.bad) || (is(runs.bad_or_nobody) && !was_down) {
            Some(State::Failing)
        } else if is(runs.warn) || (is(runs.warn_or_worse) && !was_down) {
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
        // Calm trouble has to be confirmed as one thing, or the next good sample would be
        // taken for the end of a blip.
        let agreed = good || self.settled != State::Ok;
        if self.flapping && agreed && self.calm >= CALM.max(self.confirm) {
            self.flapping = false;
            self.changes.clear();
        } else if self.changes.iter().filter(|changed| **changed).count() >= CHANGES {
            self.flapping = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(second: usize) -> Timestamp {
        Timestamp::from_second(1_700_000_000 + second as i64).unwrap()
    }

    /// `.` good, `w` warn, `x` bad, `?` no data, `!` nobody answers.
    fn verdict(sign: char) -> Verdict {
        match sign {
            '.' => Verdict::Good,
            'w' => Verdict::Warn,
            'x' => Verdict::Bad,
            '?' => Verdict::NoData,
            '!' => Verdict::NoAnswer,
            other => panic!("{other} is no sample"),
        }
    }

    fn feed(alarm: &mut Alarm, samples: &str) -> Vec<&'static str> {
        let each = samples.chars().enumerate().map(|(second, sign)| {
            alarm.observe(at(second), verdict(sign), "seen");
            alarm.state().name()
        });
        each.collect()
    }

    /// The states after each of the samples.
    fn states(confirm: u32, samples: &str) -> Vec<&'static str> {
        feed(&mut Alarm::new(confirm), samples)
    }

    #[test]
    fn trouble_and_recovery_are_confirmed() {
        assert_eq!(
            states(2, ".xx..xx"),
            ["ok", "pending", "failing", "recovering", "ok", "pending", "failing"]
        );
        assert_eq!(states(1, ".x.w"), ["ok", "failing", "ok", "warn"]);
        assert_eq!(states(3, ".xx."), ["ok", "pending", "pending", "ok"]);
    }

    #[test]
    fn the_first_good_sample_is_believed_and_the_first_bad_one_is_not() {
        assert_eq!(states(3, "."), ["ok"]);
        assert_eq!(states(2, "xx"), ["pending", "failing"]);
        assert_eq!(states(2, "!!"), ["pending", "error"]);
        assert_eq!(states(2, "??.."), ["unknown", "unknown", "unknown", "ok"]);
    }

    #[test]
    fn worse_samples_confirm_what_is_milder() {
        assert_eq!(states(2, ".wx"), ["ok", "pending", "warn"]);
        assert_eq!(states(2, ".wxx"), ["ok", "pending", "warn", "failing"]);
        assert_eq!(states(2, ".x!"), ["ok", "pending", "failing"]);
        assert_eq!(states(2, ".xxwxw"), ["ok", "pending", "failing", "failing", "failing", "failing"]);
        assert_eq!(states(2, ".xxww"), ["ok", "pending", "failing", "failing", "warn"]);
        assert_eq!(states(2, ".xx!!"), ["ok", "pending", "failing", "failing", "error"]);
    }

    #[test]
    fn trouble_has_to_last_and_to_be_confirmed() {
        let states = |lasting, samples: &str| {
            let lasting = SignedDuration::from_secs(lasting);
            feed(&mut Alarm::new(2).lasting(Some(lasting)), samples)
        };
        assert_eq!(states(3, ".xxxx"), ["ok", "pending", "pending", "pending", "failing"]);
        // A good sample begins it anew; no data does not.
        assert_eq!(states(2, ".xx.xxx")[5..], ["pending", "failing"]);
        assert_eq!(states(2, ".x?x"), ["ok", "pending", "pending", "failing"]);
        // It lasts long enough, and is not confirmed.
        assert_eq!(states(0, ".x"), ["ok", "pending"]);
        // What fails already need not last again to be something else; recovery is confirmed as ever.
        assert_eq!(states(2, ".xxx!!..")[3..], ["failing", "failing", "error", "recovering", "ok"]);
        // Bad for a time and then nobody: that is one trouble.
        assert_eq!(states(3, ".x!x!"), ["ok", "pending", "pending", "pending", "failing"]);
    }

    #[test]
    fn a_clock_set_back_makes_nothing_last() {
        let mut alarm = Alarm::new(1).lasting(Some(SignedDuration::from_secs(10)));
        for (second, state) in [(100, "pending"), (5, "pending"), (14, "pending"), (15, "failing")] {
            alarm.observe(at(second), Verdict::Bad, "");
            assert_eq!(alarm.state().name(), state, "{second}");
        }
    }

    #[test]
    fn once_failing_a_value_short_of_its_recovery_is_bad() {
        let mut alarm = Alarm::new(1);
        let short = Some("4 % (failed; recovers at < 3 %)");
        assert_eq!(alarm.weigh(Verdict::Good, short), Verdict::Good);
        feed(&mut alarm, ".x");
        assert_eq!(alarm.weigh(Verdict::Good, short), Verdict::Bad);
        assert_eq!(alarm.weigh(Verdict::Warn, short), Verdict::Bad);
        assert_eq!(alarm.weigh(Verdict::Warn, None), Verdict::Warn);
        assert_eq!(alarm.weigh(Verdict::NoData, None), Verdict::NoData);
        // Silence and nobody answering in between recover nothing, nor does a restart.
        feed(&mut alarm, "?!");
        assert_eq!(alarm.weigh(Verdict::Good, short), Verdict::Bad);
        alarm.restore(State::Failing, at(9));
        assert_eq!(alarm.weigh(Verdict::Good, short), Verdict::Bad);
        feed(&mut alarm, ".");
        assert_eq!(alarm.weigh(Verdict::Good, short), Verdict::Good);
    }

    #[test]
    fn judged_anew_nothing_is_believed_at_once() {
        let anew = |before: &str, after: &str| {
            let mut alarm = Alarm::new(2);
            feed(&mut alarm, before);
            alarm.renew();
            feed(&mut alarm, after)
        };
        assert_eq!(anew("..", ".."), ["pending", "ok"]);
        assert_eq!(anew("..", "xx"), ["pending", "failing"]);
        assert_eq!(anew("..", "??"), ["pending", "unknown"]);
        assert_eq!(anew(".xx", ".."), ["recovering", "ok"]);
        assert_eq!(anew(".xx", "x"), ["failing"]);
    }

    #[test]
    fn no_data_never_reads_as_recovered() {
        assert_eq!(
            states(2, ".xx????.."),
            ["ok", "pending", "failing", "failing", "unknown", "unknown", "unknown", "recovering", "ok"]
        );
        assert_eq!(states(2, ".xx.?."), ["ok", "pending", "failing", "recovering", "failing", "recovering"]);
        assert_eq!(states(2, ".xx??x"), ["ok", "pending", "failing", "failing", "unknown", "failing"]);
        assert_eq!(states(2, ".x?x"), ["ok", "pending", "pending", "failing"]);
    }

    #[test]
    fn silence_while_good_is_unknown_and_not_an_alarm() {
        assert_eq!(states(2, ".??.."), ["ok", "pending", "unknown", "unknown", "ok"]);
        assert_eq!(states(2, ".?."), ["ok", "pending", "ok"]);
    }

    #[test]
    fn to_and_fro_is_flapping_until_it_is_calm() {
        let seen = states(2, ".x.x.x.......");
        assert_eq!(seen[..5], ["ok", "pending", "ok", "pending", "ok"]);
        assert_eq!(seen[5], "flapping");
        assert_eq!(seen[10], "flapping");
        assert_eq!(seen[11], "ok");
        let ends_bad = states(2, ".x.x.xxxxxxx");
        assert_eq!(ends_bad.last(), Some(&"failing"));
    }

    #[test]
    fn few_changes_far_apart_are_not_flapping() {
        let samples = format!(".x{}x{}x.", ".".repeat(12), ".".repeat(12));
        assert!(!states(2, &samples).contains(&"flapping"));
    }

    #[test]
    fn an_edge_says_when_from_where_and_why() {
        let mut alarm = Alarm::new(1);
        alarm.observe(at(0), Verdict::Good, "");
        let edge = alarm.observe(at(7), Verdict::Bad, "status 500, expected 200").unwrap();
        assert_eq!((edge.at, edge.from, edge.to), (at(7), State::Ok, State::Failing));
        assert_eq!(edge.why, "status 500, expected 200");
        assert_eq!(alarm.observe(at(8), Verdict::Bad, "again"), None);
        assert_eq!(alarm.since(), Some(at(7)));
    }

    #[test]
    fn a_restart_recovers_nothing() {
        let mut alarm = Alarm::new(2);
        alarm.restore(State::Failing, at(0));
        assert_eq!(feed(&mut alarm, "?.x.."), ["failing", "recovering", "failing", "recovering", "ok"]);
        alarm.restore(State::Flapping, at(9));
        assert_eq!(feed(&mut alarm, "."), ["recovering"]);
    }

    #[test]
    fn what_failed_before_it_fell_silent_is_held_to_its_recovery_threshold_after_a_restart() {
        let short = Some("4 % (failed; recovers at < 3 %)");
        for (known, wrong) in [(State::Unknown, State::Failing), (State::Error, State::Error)] {
            let mut alarm = Alarm::new(2);
            alarm.restore(known, at(0));
            alarm.recall(Some(wrong), true);
            assert_eq!(alarm.weigh(Verdict::Good, short), Verdict::Bad, "{known:?}");
            alarm.observe(at(1), Verdict::Bad, "");
            assert_ne!(alarm.state(), State::Pending, "{known:?}");
            assert_eq!(feed(&mut alarm, ".."), ["recovering", "ok"], "{known:?}");
            assert_eq!(alarm.weigh(Verdict::Good, short), Verdict::Good, "{known:?}");
        }
        // What was good before the silence is not.
        let mut alarm = Alarm::new(2);
        alarm.restore(State::Unknown, at(0));
        alarm.recall(None, false);
        assert_eq!(alarm.weigh(Verdict::Good, short), Verdict::Good);
    }

    fn samples() -> impl Strategy<Value = String> {
        prop_oneof!["[.wx?!]{0,60}", "(\\.{1,3}|x{1,3}|\\?{1,3}|!{1,3}){0,20}"]
    }

    proptest! {
        #[test]
        fn ok_after_trouble_needs_good_samples_in_a_row(confirm in 1u32..5, samples in samples()) {
            let seen = states(confirm, &samples);
            let signs: Vec<char> = samples.chars().collect();
            let mut was_wrong = false;
            for (i, state) in seen.iter().enumerate() {
                was_wrong |= matches!(*state, "failing" | "error" | "warn" | "flapping");
                if *state == "ok" {
                    prop_assert_eq!(signs[i], '.');
                    if was_wrong {
                        let n = confirm as usize;
                        prop_assert!(i + 1 >= n && signs[i + 1 - n..=i].iter().all(|c| *c == '.'), "{} at {}", samples, i);
                    }
                    was_wrong = false;
                }
            }
        }

        #[test]
        fn trouble_is_never_read_from_one_sample_alone(confirm in 2u32..5, samples in samples()) {
            let mut alarm = Alarm::new(confirm);
            let signs: Vec<char> = samples.chars().collect();
            for (i, sign) in signs.iter().enumerate() {
                let edge = alarm.observe(at(i), verdict(*sign), "");
                if let Some(edge) = edge && edge.from == State::Pending && edge.to == State::Failing {
                    let last_good = signs[..i].iter().rposition(|c| *c == '.').map_or(0, |p| p + 1);
                    let bad = signs[last_good..=i].iter().filter(|c| matches!(c, 'x' | '!')).count();
                    prop_assert!(bad >= confirm as usize, "{} at {}", samples, i);
                }
            }
        }

        #[test]
        fn edges_link_up(confirm in 0u32..5, samples in samples()) {
            let mut alarm = Alarm::new(confirm);
            let mut last = State::Unknown;
            for (i, sign) in samples.chars().enumerate() {
                if let Some(edge) = alarm.observe(at(i), verdict(sign), "") {
                    prop_assert_eq!(edge.from, last);
                    prop_assert_ne!(edge.to, last);
                    last = edge.to;
                }
                prop_assert_eq!(alarm.state(), last);
            }
        }
    }
}
