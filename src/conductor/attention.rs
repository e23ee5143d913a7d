//! Notices that a command waits: that it asks something on its terminal, or prints nothing for so long
//! that it may hang. What it asks is read off the end of its output once that stands still.

use std::time::{Duration, Instant};

use jiff::Timestamp;

use crate::incident::Waits;
use crate::text::question::question_in;

/// Bytes from the end of the output that are looked at: more than a window on the whole screen takes.
const TAIL: usize = 16 << 10;
/// How long the output has to stand still before it is taken for a question.
const STILL: Duration = Duration::from_secs(1);
/// The part of its time limit after which a silent command is worth a look, and the bounds of that.
const PART: u32 = 10;
const SILENCE: (Duration, Duration) = (Duration::from_secs(10), Duration::from_secs(5 * 60));

/// What is to be told of a command.
#[derive(Debug, PartialEq)]
pub(super) enum Told {
    /// It waits.
    Waits(Waits),
    /// It waited, and goes on.
    GoesOn,
}

/// What is known of whether a command waits.
pub(super) struct Attention {
    /// The end of what it printed, masked.
    tail: Vec<u8>,
    heard: Instant,
    heard_at: Timestamp,
    /// When it is stopped.
    until: Option<Timestamp>,
    /// After so long without output it may hang.
    silence: Duration,
    /// What was told last; `None`: it goes on.
    told: Option<Waits>,
    /// Its output was looked at since it last printed something.
    looked: bool,
}

impl Attention {
    /// Begins with a command that has just been started, and what is left of its time limit.
    pub(super) fn new(left: Option<Duration>) -> Self {
        let now = Timestamp::now();
        let silence = left.map_or(SILENCE.1, |left| (left / PART).clamp(SILENCE.0, SILENCE.1));
        Self {
            tail: Vec::new(),
            heard: Instant::now(),
            heard_at: now,
            until: left.and_then(|left| now.checked_add(left).ok()),
            silence,
            told: None,
            looked: false,
        }
    }

    /// Takes in what it printed.
    pub(super) fn feed(&mut self, printed: &[u8]) {
        if printed.is_empty() {
            return;
        }
        let from = printed.len().saturating_sub(TAIL);
        self.tail.extend_from_slice(printed.get(from..).unwrap_or_default());
        if self.tail.len() > 2 * TAIL {
            self.tail.drain(..self.tail.len() - TAIL);
        }
        (self.heard, self.heard_at, self.looked) = (Instant::now(), Timestamp::now(), false);
    }

    /// Looks whether it waits; returns what is to be told where that has changed. `hidden` tells whether
    /// what is typed into its terminal is not shown.
    pub(super) fn look(&mut self, hidden: impl FnOnce() -> bool) -> Option<Told> {
        let quiet = self.heard.elapsed();
        if quiet < STILL {
            return None;
        }
        let asked = self.told.as_ref().and_then(|told| told.question.clone());
        // Told once, silence is silence until something is printed.
        let silent = self.looked && self.told.as_ref().is_some_and(|told| told.question.is_none());
        let question = if self.looked { asked } else { question_in(&self.tail, hidden()) };
        self.looked = true;
        let waits = |question| Waits { since: self.heard_at, question, until: self.until };
        let now = match question {
            Some(question) => Some(waits(Some(question))),
            None if silent || quiet >= self.silence => Some(waits(None)),
            None => None,
        };
        let same = |told: &Waits, now: &Waits| told.question == now.question;
        let unchanged = match (&self.told, &now) {
            (None, None) => true,
            (Some(told), Some(now)) => same(told, now),
            _ => false,
        };
        if unchanged {
            return None;
        }
        if now.as_ref().is_some_and(|waits| waits.question.is_none()) {
            // One that prints something now and then is told of less and less often.
            self.silence *= 2;
        }
        self.told.clone_from(&now);
        Some(now.map_or(Told::GoesOn, Told::Waits))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Attention to a command that has printed this and nothing more for a while.
    fn after(printed: &str, quiet: Duration) -> Attention {
        let mut attention = Attention::new(Some(Duration::from_secs(200)));
        attention.feed(printed.as_bytes());
        attention.heard = Instant::now().checked_sub(quiet).unwrap();
        attention
    }

    fn question(told: Option<Told>) -> Option<String> {
        waits(told)?.question
    }

    fn waits(told: Option<Told>) -> Option<Waits> {
        match told? {
            Told::Waits(waits) => Some(waits),
            Told::GoesOn => None,
        }
    }

    #[test]
    fn a_question_is_told_once_and_that_it_was_answered() {
        let mut attention = after("working\r\nPassword: ", Duration::from_millis(10));
        assert_eq!(attention.look(|| false), None, "it may go on at any moment");
        let mut attention = after("working\r\nPassword: ", STILL);
        assert_eq!(question(attention.look(|| false)).as_deref(), Some("Password:"));
        assert_eq!(attention.look(|| false), None, "told already");
        attention.feed(b"\r\nwrong\r\n");
        attention.heard = Instant::now().checked_sub(STILL).unwrap();
        assert_eq!(attention.look(|| false), Some(Told::GoesOn));
        let mut attention = after("PIN> ", STILL);
        assert_eq!(question(attention.look(|| true)).as_deref(), Some("PIN>"));
    }

    #[test]
    fn silence_is_told_after_a_part_of_the_time_there_is() {
        let mut attention = after("working\r\n", Duration::from_secs(19));
        assert_eq!(attention.look(|| false), None);
        let mut attention = after("working\r\n", Duration::from_secs(20));
        let told = waits(attention.look(|| false)).unwrap();
        assert_eq!(told.question, None);
        assert!(told.until.unwrap() > Timestamp::now());
        assert_eq!(attention.look(|| false), None, "it still prints nothing");
        attention.feed(b"more\r\n");
        attention.heard = Instant::now().checked_sub(Duration::from_secs(20)).unwrap();
        assert_eq!(
            attention.look(|| false),
            Some(Told::GoesOn),
            "it goes on, and is slow: that is known now"
        );
    }

    #[test]
    fn no_more_is_kept_of_a_flood_than_its_end() {
        let mut attention = after("", STILL);
        for _ in 0..100 {
            attention.feed(&[b'x'; 10_000]);
        }
        assert!(attention.tail.len() <= 2 * TAIL);
    }
}
