//! Clocks that differ: seen where a record was written after another, and is dated before it.

use jiff::{SignedDuration, Timestamp};

use super::record::{Author, Record};
use super::state::State;
use super::time::duration;

/// Less is what clocks that are set by a network do.
pub const TOLERATED: SignedDuration = SignedDuration::from_mins(2);

/// Two clocks that were seen to differ. Which of them is wrong the record cannot tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClockOff {
    /// Whose clock is ahead.
    pub ahead: Author,
    /// Whose is behind. The same installation: its clock was set back.
    pub behind: Author,
    /// By how much at least.
    pub by: SignedDuration,
}

/// Who wrote a record, and when by their own clock.
#[derive(Debug, Clone)]
pub(super) struct Written {
    author: Author,
    at: Timestamp,
}

/// Compares a record's clock with that of the record before it in the order of the fold. That
/// order follows what authors had seen, so the clock may not have gone back in between.
pub(super) fn compare(known: &mut Vec<ClockOff>, before: &mut Option<Written>, record: &Record) {
    let at = record.written_at();
    let Some(last) = before else {
        *before = Some(Written { author: record.author.clone(), at });
        return;
    };
    let by = last.at.duration_since(at);
    if by > TOLERATED {
        let pair = |off: &&mut ClockOff| off.ahead == last.author && off.behind == record.author;
        match known.iter_mut().find(pair) {
            Some(off) => off.by = off.by.max(by),
            None => {
                known.push(ClockOff { ahead: last.author.clone(), behind: record.author.clone(), by });
            }
        }
    }
    last.at = at;
    if last.author != record.author {
        last.author.name.clone_from(&record.author.name);
        last.author.node = record.author.node;
    }
}

impl ClockOff {
    /// Says it in a line: `Omar's clock is 23h59m ahead of Maya's`.
    pub fn words(&self) -> String {
        let (ahead, behind, by) = (&self.ahead, &self.behind, duration(self.by));
        if ahead.node == behind.node {
            return format!("the clock of {}'s machine was set back by {by}", behind.name);
        }
        if ahead.name == behind.name {
            let (one, other) = (ahead.installation(), behind.installation());
            return format!("{}'s clock at {one} is {by} ahead of the one at {other}", ahead.name);
        }
        format!("{}'s clock is {by} ahead of {}'s", ahead.name, behind.name)
    }

    /// The same in a few words.
    fn short(&self) -> String {
        let by = duration(self.by);
        if self.ahead.node == self.behind.node {
            format!("{}'s clock set back {by}", self.behind.name)
        } else {
            format!("{}'s clock +{by}", self.ahead.name)
        }
    }
}

/// What is to be said of a clock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClockWarning {
    /// In a line.
    pub words: String,
    /// In a few words.
    pub short: String,
}

impl State {
    /// What is to be said about clocks that differ: by the record, and by the clock of whoever
    /// looks.
    pub fn clock_warnings(&self, now: Timestamp) -> Vec<ClockWarning> {
        let recorded =
            self.clocks_off.iter().map(|off| ClockWarning { words: off.words(), short: off.short() });
        let known = |name: &str| self.clocks_off.iter().any(|off| off.ahead.name == name);
        let seen = self.authors.iter().filter_map(|(name, last)| {
            let by = last.duration_since(now);
            (by > TOLERATED && !known(name)).then(|| ClockWarning {
                words: format!(
                    "{name}'s last record is dated {} ahead of this machine's clock",
                    duration(by)
                ),
                short: format!("{name}'s clock +{}", duration(by)),
            })
        });
        recorded.chain(seen).collect()
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use uuid::Uuid;

    use super::*;
    use crate::incident::{Body, Declared, Draft, Hash, Hlc, IncidentId, Log, NoteKind, Noted, RecordId};

    const MINUTE: i64 = 60;

    /// Who writes, where, and what their clock says.
    type Story<'a> = &'a [(&'a str, u64, i64)];

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_772_375_400 + second).unwrap()
    }

    /// Writes records as journals do that have seen each other's.
    fn told(story: Story<'_>) -> Log {
        let declared = Declared::example();
        let mut latest = Hlc::default();
        let records = story.iter().enumerate().map(|(n, &(name, node, clock))| {
            let body: Body = match n {
                0 => declared.clone().into(),
                _ => Noted { kind: NoteKind::Note, text: format!("note {n}") }.into(),
            };
            latest = latest.next(at(clock));
            let author = Author { name: name.into(), node };
            let draft = Draft::now(IncidentId(Uuid::nil()), body);
            let id = RecordId(Uuid::from_u128(n as u128 + 1));
            Record::seal_at(id, draft, author, latest, at(clock), Hash::default()).unwrap().0
        });
        Log::new(records.collect()).unwrap()
    }

    fn warnings(story: Story<'_>, now: i64) -> Vec<String> {
        told(story).state().clock_warnings(at(now)).into_iter().map(|warning| warning.words).collect()
    }

    #[test]
    fn a_clock_that_is_off_is_named_and_by_how_much() {
        let day = 1440 * MINUTE;
        let cases: [(Story<'_>, i64, &[&str]); 7] = [
            (&[("maya", 1, 0), ("omar", 2, 100), ("maya", 1, 101)], 200, &[]),
            // Two minutes are nothing.
            (&[("maya", 1, 0), ("omar", 2, 200), ("maya", 1, 80)], 200, &[]),
            (
                &[("maya", 1, 0), ("omar", 2, day), ("maya", 1, 60)],
                90,
                &["omar's clock is 23h59m ahead of maya's"],
            ),
            (
                &[("maya", 1, 0), ("omar", 2, day)],
                60,
                &["omar's last record is dated 23h59m ahead of this machine's clock"],
            ),
            (
                &[("maya", 1, 0), ("maya", 1, -3600)],
                -3600,
                &["the clock of maya's machine was set back by 1h"],
            ),
            (
                &[("maya", 0x1a << 56, 600), ("maya", 0x2b << 56, 0)],
                700,
                &["maya's clock at 1a000000 is 10m ahead of the one at 2b000000"],
            ),
            // The widest gap is what counts.
            (
                &[("maya", 1, 0), ("omar", 2, 600), ("maya", 1, 300), ("omar", 2, 900), ("maya", 1, 310)],
                1000,
                &["omar's clock is 9m50s ahead of maya's"],
            ),
        ];
        for (story, now, expected) in cases {
            assert_eq!(warnings(story, now), expected, "{story:?}");
        }
    }

    #[test]
    fn one_clock_a_day_ahead_dates_nobody_elses_records_and_ages_nothing() {
        let day = 1440 * MINUTE;
        let log = told(&[("maya", 1, 0), ("omar", 2, day), ("maya", 1, 60), ("lea", 3, 120)]);
        let state = log.state();
        assert_eq!(state.elapsed(at(180)), SignedDuration::from_secs(180));
        let times: Vec<_> =
            state.timeline.iter().map(|entry| (entry.author, entry.at, entry.recorded_at)).collect();
        let expected = [("maya", 0), ("omar", day), ("maya", 60), ("lea", 120)];
        assert_eq!(
            times,
            expected.map(|(who, second)| (who, at(second), at(second))),
            "in the order it was told"
        );
    }

    #[test]
    fn a_clock_set_back_leaves_the_order_and_no_length_below_zero() {
        let log = told(&[("maya", 1, 0), ("maya", 1, -3600), ("maya", 1, -3540)]);
        let state = log.state();
        let kinds: Vec<_> = state.timeline.iter().map(|entry| entry.name).collect();
        assert_eq!(kinds, ["declared", "note", "note"]);
        assert_eq!(state.timeline.get(1).unwrap().at, at(-3600), "dated as their clock said");
        assert_eq!(state.elapsed(at(-3500)), SignedDuration::ZERO);
    }
}
