//! What the timeline is filtered by: `by:maya kind:decision pool`, in any order.

use std::collections::HashMap;

use crate::incident::digest::Row;
use crate::incident::{Entry, EntryKind, NoteKind, Timeline};
use crate::text::name::folded;

/// Tells whether a line is of a kind.
type Is = fn(&Entry<'_>) -> bool;

/// Kinds of lines by the words they are asked for by, and what that means.
const KINDS: &[(&str, Is)] = &[
    ("people", |entry| !entry.kind.is_automatic()),
    ("automatic", |entry| entry.kind.is_automatic()),
    ("note", |entry| entry.kind == EntryKind::Note(NoteKind::Note)),
    ("finding", |entry| entry.kind == EntryKind::Note(NoteKind::Finding)),
    ("decision", |entry| entry.kind == EntryKind::Note(NoteKind::Decision)),
    ("problem", |entry| entry.kind == EntryKind::Note(NoteKind::Problem)),
    ("action", |entry| entry.kind == EntryKind::Note(NoteKind::Action)),
    ("well", |entry| entry.kind == EntryKind::Note(NoteKind::Well)),
    ("better", |entry| entry.kind == EntryKind::Note(NoteKind::Better)),
    ("alarm", |entry| entry.kind.is_alarm()),
    ("plan", |entry| entry.kind.is_of_plan() || entry.kind == EntryKind::Stopped),
    ("failure", |entry| entry.kind.is_failure()),
    ("approval", |entry| {
        matches!(entry.kind, EntryKind::Approval | EntryKind::Rejection | EntryKind::PassedOver)
    }),
    ("checklist", |entry| matches!(entry.kind, EntryKind::Check(_))),
    ("severity", |entry| matches!(entry.kind, EntryKind::Severity | EntryKind::Declared)),
    ("phase", |entry| entry.kind == EntryKind::Phase),
    ("role", |entry| entry.kind == EntryKind::Role),
    ("paged", |entry| entry.kind == EntryKind::Paged),
    ("told", |entry| entry.kind == EntryKind::Told),
    ("undelivered", |entry| entry.kind == EntryKind::Undelivered),
    ("status", |entry| matches!(entry.kind, EntryKind::Declared | EntryKind::Resolved | EntryKind::Reopened)),
    ("task", |entry| entry.kind == EntryKind::Task),
    ("proposal", |entry| entry.kind == EntryKind::Proposal),
    ("follow-up", |entry| entry.kind == EntryKind::FollowUp),
    ("pinned", |entry| entry.pinned),
    ("amended", |entry| entry.original.is_some()),
    ("retracted", |entry| entry.retracted.is_some()),
];

/// What opens a word that asks for a person, and one that asks for a kind.
const BY: &str = "by:";
const KIND: &str = "kind:";

/// A filter of the timeline. Of several people, and of several kinds, each will do; all else has to be there.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sift {
    /// Names, and whether each is somebody's: else it is the beginning of one.
    by: Vec<(String, bool)>,
    kinds: Vec<String>,
    text: String,
    /// Which authors pass: there are few, and to compare names is dear.
    authors: HashMap<String, bool>,
}

impl Sift {
    /// Reads what was typed.
    pub fn parse(typed: &str) -> Self {
        let mut sift = Self::default();
        let mut text: Vec<&str> = Vec::new();
        for word in words(typed) {
            if let Some(name) = after(word, BY) {
                sift.by.extend(some(&folded(name.trim_matches('"'))).map(|name| (name, false)));
            } else if let Some(kind) = after(word, KIND) {
                sift.kinds.extend(some(&kind.to_lowercase()));
            } else {
                text.push(word);
            }
        }
        sift.text = text.join(" ").to_lowercase();
        sift
    }

    /// Reads what was typed to filter a timeline: a name that somebody in it has means nobody whose name only
    /// begins so.
    pub fn of(typed: &str, timeline: &Timeline) -> Self {
        let mut sift = Self::parse(typed);
        if !sift.by.is_empty() {
            sift.resolve(&authors(timeline));
        }
        sift
    }

    /// Finds out which of its names are somebody's.
    fn resolve(&mut self, authors: &[&str]) {
        for (name, whole) in &mut self.by {
            *whole = authors.iter().any(|author| has_name(author, name));
        }
    }

    /// The text that is looked for, in small letters; empty: any.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Tells whether a line passes.
    pub fn takes(&mut self, entry: &Entry<'_>) -> bool {
        self.is_of(entry) && self.has_text(entry)
    }

    /// Tells whether a line is by somebody and of a kind that is asked for.
    fn is_of(&mut self, entry: &Entry<'_>) -> bool {
        // An alarm is nobody's: whose cockpit saw it first does not matter.
        (self.by.is_empty() || !entry.kind.is_alarm() && self.is_by(entry.author))
            && (self.kinds.is_empty() || self.kinds.iter().any(|kind| is_kind(entry, kind)))
    }

    fn is_by(&mut self, author: &str) -> bool {
        if self.by.is_empty() {
            return true;
        }
        if let Some(passes) = self.authors.get(author) {
            return *passes;
        }
        let passes = self
            .by
            .iter()
            .any(|(name, whole)| if *whole { has_name(author, name) } else { is_by(author, name) });
        self.authors.insert(author.to_owned(), passes);
        passes
    }

    fn has_text(&self, entry: &Entry<'_>) -> bool {
        let text = self.text.as_str();
        text.is_empty()
            || entry.text.to_lowercase().contains(text)
            || entry.author.to_lowercase().contains(text)
            || entry.name.contains(text)
            || entry.retracted.is_some_and(|why| why.to_lowercase().contains(text))
    }
}

/// The words of a filter: white space ends one, but not between quotes.
fn words(typed: &str) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    let ends = move |c: char| {
        quoted ^= c == '"';
        c.is_whitespace() && !quoted
    };
    typed.split(ends).filter(|word| !word.is_empty())
}

fn some(word: &str) -> Option<String> {
    (!word.is_empty()).then(|| word.to_owned())
}

/// What stands behind the opening of a word, in any case.
fn after<'a>(word: &'a str, opening: &str) -> Option<&'a str> {
    let (head, rest) = word.split_at_checked(opening.len())?;
    head.eq_ignore_ascii_case(opening).then_some(rest)
}

/// Tells whether somebody is called so, or one of the words of the name is this.
fn has_name(author: &str, name: &str) -> bool {
    let author = folded(author);
    author == name || author.split(' ').any(|word| word == name)
}

/// Tells whether a name begins so, or one of its words does.
fn is_by(author: &str, name: &str) -> bool {
    let author = folded(author);
    author.starts_with(name) || author.split(' ').any(|word| word.starts_with(name))
}

/// Tells whether a line is of a kind, by the whole word or its beginning, or as records name it.
fn is_kind(entry: &Entry<'_>, kind: &str) -> bool {
    let exact = KINDS.iter().find(|(word, _)| *word == kind);
    match exact {
        Some((_, is)) => is(entry),
        None => KINDS.iter().any(|(word, is)| word.starts_with(kind) && is(entry)) || entry.name == kind,
    }
}

/// Where the word at the end of what was typed begins.
fn last_word(typed: &str) -> usize {
    let last = words(typed).last().filter(|word| typed.ends_with(word));
    typed.len() - last.map_or(0, str::len)
}

/// Where in a filter the word is that may ask for a person or a kind.
pub(super) fn place(before: &str) -> std::ops::Range<usize> {
    last_word(before)..before.len()
}

/// The people and kinds in the timeline that may be meant by the word being typed, each with how many rows it
/// leaves together with the words before it.
pub(super) fn candidates(timeline: &Timeline, rows: Option<&[Row]>, typed: &str) -> Vec<(String, usize)> {
    let place = place(typed);
    let (before, word) = (typed.get(..place.start).unwrap_or_default(), typed.get(place).unwrap_or_default());
    let wanted = Sift::parse(before);
    // Each line that has the text, with the row it stands in.
    let has_text = |line: &usize| timeline.get(*line).is_some_and(|entry| wanted.has_text(&entry));
    let lines: Vec<(usize, usize)> = match rows {
        Some(rows) => rows
            .iter()
            .enumerate()
            .rev()
            .flat_map(|(row, of)| of.lines.iter().map(move |line| (row, *line)))
            .take(MOST)
            .filter(|(_, line)| has_text(line))
            .collect(),
        None => (0..timeline.len()).rev().take(MOST).filter(has_text).map(|line| (line, line)).collect(),
    };
    let authors = authors(timeline);
    let left = |name: &str| {
        let mut sift = Sift::parse(&format!("{before}{name}"));
        sift.resolve(&authors);
        let mut takes = |line: usize| timeline.get(line).is_some_and(|entry| sift.is_of(&entry));
        let mut last = None;
        let passes = |(row, line): &&(usize, usize)| {
            let is_new = last != Some(*row) && takes(*line);
            last = if is_new { Some(*row) } else { last };
            is_new
        };
        lines.iter().filter(passes).count()
    };
    let mut found: Vec<(String, usize)> = fitting_people(&authors, word)
        .into_iter()
        .map(|name| (left(&name), name))
        .map(|(rows, name)| (name, rows))
        .collect();
    found.sort_by(|(one, before), (other, after)| after.cmp(before).then_with(|| one.cmp(other)));
    found.extend(fitting_kinds(word).map(|kind| format!("{KIND}{kind}")).map(|kind| {
        let rows = left(&kind);
        (kind, rows)
    }));
    found.retain(|(_, rows)| *rows > 0);
    found
}

/// Everybody who wrote a line.
fn authors(timeline: &Timeline) -> Vec<&str> {
    let mut authors: Vec<&str> = Vec::new();
    for entry in timeline.iter() {
        if authors.last() != Some(&entry.author) && !authors.contains(&entry.author) {
            authors.push(entry.author);
        }
    }
    authors
}

/// Most lines that are counted: a number beside a word is not worth more.
const MOST: usize = 20_000;

fn fitting_kinds(word: &str) -> impl Iterator<Item = &'static str> {
    let typed = word.to_lowercase();
    let fits = move |kind: &str| match after(&typed, KIND) {
        Some(begun) => kind.starts_with(begun),
        None => KIND.starts_with(typed.as_str()) || (typed.len() > 1 && kind.starts_with(&typed)),
    };
    KINDS.iter().map(|(kind, _)| *kind).filter(move |kind| fits(kind))
}

/// Those who fit, as they are asked for.
fn fitting_people(authors: &[&str], word: &str) -> Vec<String> {
    let wanted = after(word, BY).map(|name| folded(name.trim_matches('"')));
    let typed = folded(word);
    let fits = |author: &str| match &wanted {
        Some(name) => is_by(author, name),
        None => BY.starts_with(typed.as_str()) || (typed.len() > 1 && is_by(author, &typed)),
    };
    let quoted = |name: &str| {
        if name.contains(char::is_whitespace) { format!("{BY}\"{name}\"") } else { format!("{BY}{name}") }
    };
    authors.iter().filter(|author| fits(author)).map(|author| quoted(author)).collect()
}

#[cfg(test)]
mod tests {
    use jiff::{SignedDuration, Timestamp};
    use uuid::Uuid;

    use super::*;
    use crate::incident::{
        Alarm, Author, Body, Declared, Draft, Hash, Hlc, IncidentId, Log, Noted, Record, RecordId,
        RepositoryId, Retracted, Severity,
    };

    fn record(number: u32, author: &str, body: impl Into<Body>) -> Record {
        let at: Timestamp = "2026-03-01T14:30:00Z".parse().unwrap();
        let at = at + SignedDuration::from_secs(number.into());
        let author = Author { name: author.to_owned(), node: 1 };
        let draft = Draft::now(IncidentId(Uuid::from_u128(1)), body);
        let clock = Hlc { wall_ms: at.as_millisecond(), count: 0 };
        Record::seal(RecordId(Uuid::from_u128(number.into())), draft, author, clock, Hash::default())
            .unwrap()
            .0
    }

    fn log() -> Log {
        let note = |kind, text: &str| Noted { kind, text: text.to_owned() };
        let declared = Declared {
            number: "INC-2026-0001".into(),
            title: "Checkout answers 500".into(),
            severity: Severity::P0,
            service: "shop".into(),
            impact: String::new(),
            repository: String::new(),
            repository_id: RepositoryId::default(),
            answers: Vec::new(),
        };
        let alarm = Alarm {
            probe: "pool".into(),
            from: "ok".into(),
            to: "failing".into(),
            why: "96 (max 90)".into(),
        };
        let wrong = record(5, "Maya Lind", note(NoteKind::Finding, "disk full"));
        let target = wrong.id;
        Log::new(vec![
            record(1, "li", declared),
            record(2, "Maya Lind", note(NoteKind::Decision, "no rollback")),
            record(3, "omar", note(NoteKind::Note, "the pool is full")),
            record(4, "li", alarm),
            wrong,
            record(6, "omar", Retracted { target, reason: "wrong host".into() }),
        ])
        .unwrap()
    }

    fn left(typed: &str) -> Vec<String> {
        let log = log();
        let mut sift = Sift::of(typed, &log.state().timeline);
        let lines = log.state().timeline.iter().skip(1).filter(|entry| sift.takes(entry));
        lines.map(|entry| entry.text.chars().take(9).collect()).collect()
    }

    #[test]
    fn a_filter_asks_for_people_kinds_and_a_text_at_once() {
        for (typed, wanted) in [
            ("pool", &["the pool ", "pool fail"][..]),
            ("kind:note pool", &["the pool "]),
            ("pool kind:alarm", &["pool fail"]),
            ("by:maya", &["no rollba", "disk full"]),
            ("by:LIND kind:decision", &["no rollba"]),
            ("by:\"maya lind\" kind:find", &["disk full"]),
            ("by:omar by:li", &["the pool "]),
            ("kind:decision kind:alarm", &["no rollba", "pool fail"]),
            ("kind:automatic", &["pool fail"]),
            ("kind:people", &["no rollba", "the pool ", "disk full"]),
            ("kind:retracted", &["disk full"]),
            ("wrong host", &["disk full"]),
            ("by: kind:", &["no rollba", "the pool ", "pool fail", "disk full"]),
            ("kind:none", &[]),
            ("by:nobody", &[]),
        ] {
            assert_eq!(left(typed), wanted, "{typed}");
        }
    }

    #[test]
    fn what_may_stand_in_a_filter_is_what_the_timeline_has() {
        let log = log();
        let offered = |typed: &str| -> Vec<String> {
            candidates(&log.state().timeline, None, typed).into_iter().map(|(name, _)| name).collect()
        };
        assert_eq!(offered("kind:d"), ["kind:decision"]);
        assert_eq!(offered("by:"), ["by:\"Maya Lind\"", "by:li", "by:omar"]);
        assert_eq!(offered("pool by:"), ["by:omar"], "an alarm is nobody's");
        assert_eq!(offered("deci"), ["kind:decision"]);
        assert_eq!(offered("may"), ["by:\"Maya Lind\""]);
        assert!(offered("pool").is_empty());
        assert!(offered("").iter().any(|one| one == "kind:people"));
        // Each leaves as many entries as stand beside it.
        for (typed, lines) in candidates(&log.state().timeline, None, "") {
            let mut sift = Sift::of(&typed, &log.state().timeline);
            assert_eq!(
                log.state().timeline.iter().filter(|entry| sift.takes(entry)).count(),
                lines,
                "{typed}"
            );
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_a_filter(typed in "\\PC{0,40}") {
            let log = log();
            let mut sift = Sift::of(&typed, &log.state().timeline);
            let _ = log.state().timeline.iter().filter(|entry| sift.takes(entry)).count();
            let place = place(&typed);
            proptest::prop_assert!(typed.get(place).is_some());
            candidates(&log.state().timeline, None, &typed);
        }
    }
}
