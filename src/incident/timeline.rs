//! The timeline: a line for every record that says something to a reader.
//!
//! An incident may have a million of them. What repeats is kept once, texts lie one behind the
//! other, and what few lines have is kept beside them.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use jiff::Timestamp;

use super::body::NoteKind;
use super::marks::Mark;
use super::record::{Precision, RecordId};
use super::state::EntryKind;
use super::wording;

/// One line of the timeline.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Entry<'a> {
    /// The record it comes from.
    pub id: RecordId,
    /// When it happened.
    pub at: Timestamp,
    /// Where it stands among the others.
    pub place: Timestamp,
    /// How well that is known.
    pub precision: Precision,
    /// When it was written down, by its author's clock.
    pub recorded_at: Timestamp,
    /// What it is about.
    pub kind: EntryKind,
    /// Stored name of the record's kind (of a note: `note`, `finding`, …).
    pub name: &'a str,
    /// The text, in one line or several, not yet sanitised.
    pub text: &'a str,
    /// Who wrote it.
    pub author: &'a str,
    /// The plan it is a part of, or the probe whose alarm it is; else empty.
    pub about: &'a str,
    /// The text before it was amended.
    pub original: Option<&'a str>,
    /// Why it was taken back, if it was.
    pub retracted: Option<&'a str>,
    /// Who took it back.
    pub retracted_by: Option<&'a str>,
    /// Whether it is pinned.
    pub pinned: bool,
}

impl<'a> Entry<'a> {
    /// Who says it: an alarm is the probe's, whoever's cockpit wrote it down first.
    pub fn by(&self) -> &'a str {
        if self.name == "alarm" { "probe" } else { self.author }
    }

    /// Tells whether it is what a plan did or came to: that happened, whatever anybody thinks of it later.
    pub fn is_of_plan(&self) -> bool {
        self.happened() && self.name != "alarm"
    }

    /// Tells whether it is what a plan did or a probe saw, and nothing that somebody wrote: there is nothing in it to
    /// take back.
    pub fn happened(&self) -> bool {
        !self.about.is_empty()
    }

    /// Tells whether it is a note, of any kind: only of those the text can be amended.
    pub fn is_note(&self) -> bool {
        self.name == "note" || NoteKind::ALL.iter().any(|kind| kind.name() == self.name)
    }

    /// Tells whether something was said about it later: it was corrected, taken back, or pinned.
    pub fn is_marked(&self) -> bool {
        self.pinned || self.retracted.is_some() || self.original.is_some()
    }
}

/// The lines of an incident: by time of occurrence; where a clock lagged behind what its author
/// had seen already, after that.
#[derive(Clone, Default)]
pub struct Timeline {
    lines: Vec<Line>,
    /// The texts of the lines, in the order in which they came.
    texts: String,
    /// Authors, and names of kinds.
    words: Words,
    /// What was said about a line later; most have nothing.
    marked: HashMap<RecordId, Marked>,
}

/// A line, without what others have as well.
#[derive(Debug, Clone)]
struct Line {
    id: RecordId,
    at: Timestamp,
    place: Timestamp,
    recorded_at: Timestamp,
    text: u64,
    length: u32,
    author: u32,
    name: u32,
    about: u32,
    kind: EntryKind,
    precision: Precision,
    is_marked: bool,
}

#[derive(Debug, Clone)]
struct Marked {
    corrected: Option<String>,
    /// Why it was taken back, and by whom.
    retracted: Option<(String, String)>,
    pinned: bool,
}

impl Timeline {
    /// Makes an empty one with room for so many lines.
    pub(super) fn with_capacity(lines: usize) -> Self {
        Self { lines: Vec::with_capacity(lines), ..Self::default() }
    }

    /// The number of lines.
    pub fn len(&self) -> usize {
        self.lines.len()
    }

    /// Tells whether there is no line.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// The line at an index, counted from 0.
    pub fn get(&self, index: usize) -> Option<Entry<'_>> {
        self.lines.get(index).map(|line| self.entry(line))
    }

    /// All lines, the earliest first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = Entry<'_>> + ExactSizeIterator {
        self.lines.iter().map(|line| self.entry(line))
    }

    /// The lines at these indices; those that there are.
    pub fn range(&self, lines: Range<usize>) -> impl Iterator<Item = Entry<'_>> {
        lines.map_while(|index| self.get(index))
    }

    /// The line that a record made.
    pub fn find(&self, id: RecordId) -> Option<Entry<'_>> {
        // What is asked for is mostly new.
        self.lines.iter().rev().find(|line| line.id == id).map(|line| self.entry(line))
    }

    /// Adds the line of a record behind all others, with what its marks say.
    pub(super) fn push(&mut self, entry: Entry<'_>, mark: Mark<'_>) {
        let line = self.line(entry, mark);
        self.lines.push(line);
    }

    /// Adds one where it belongs.
    pub(super) fn insert(&mut self, entry: Entry<'_>, mark: Mark<'_>) {
        let index = match self.lines.last() {
            Some(last) if last.place > entry.place => {
                self.lines.partition_point(|known| known.place <= entry.place)
            }
            _ => self.lines.len(),
        };
        let line = self.line(entry, mark);
        self.lines.insert(index, line);
    }

    /// Puts the lines in order; those of one place stay in the order in which they came.
    pub(super) fn sort(&mut self) {
        if !self.lines.is_sorted_by_key(|line| line.place) {
            self.lines.sort_by_key(|line| line.place);
        }
    }

    /// Says about the line of a record what its marks say now, and nothing else.
    pub(super) fn mark(&mut self, id: RecordId, mark: Mark<'_>) {
        let Some(index) = self.lines.iter().rposition(|line| line.id == id) else { return };
        let marked = marked(&self.own(&self.lines[index]), mark);
        self.lines[index].is_marked = marked.is_some();
        match marked {
            Some(marked) => self.marked.insert(id, marked),
            None => self.marked.remove(&id),
        };
    }

    fn line(&mut self, entry: Entry<'_>, mark: Mark<'_>) -> Line {
        let marked = marked(&entry, mark);
        let is_marked = marked.is_some();
        self.marked.extend(marked.map(|marked| (entry.id, marked)));
        let text = self.texts.len() as u64;
        self.texts.push_str(entry.text);
        let (author, about) = self.lines.last().map_or((0, 0), |before| (before.author, before.about));
        Line {
            id: entry.id,
            at: entry.at,
            place: entry.place,
            recorded_at: entry.recorded_at,
            text,
            length: entry.text.len() as u32,
            author: self.words.number_after(author, entry.author),
            name: self.words.number(entry.name),
            about: self.words.number_after(about, entry.about),
            kind: entry.kind,
            precision: entry.precision,
            is_marked,
        }
    }

    fn entry(&self, line: &Line) -> Entry<'_> {
        let entry = self.own(line);
        let marked = if line.is_marked { self.marked.get(&line.id) } else { None };
        let Some(marked) = marked else { return entry };
        let corrected = marked.corrected.as_deref();
        Entry {
            text: corrected.unwrap_or(entry.text),
            original: corrected.map(|_| entry.text),
            retracted: marked.retracted.as_ref().map(|(why, _)| why.as_str()),
            retracted_by: marked.retracted.as_ref().map(|(_, by)| by.as_str()),
            pinned: marked.pinned,
            ..entry
        }
    }

    /// A line as its record alone made it.
    fn own(&self, line: &Line) -> Entry<'_> {
        let start = line.text as usize;
        Entry {
            id: line.id,
            at: line.at,
            place: line.place,
            precision: line.precision,
            recorded_at: line.recorded_at,
            kind: line.kind,
            name: self.words.get(line.name),
            text: self.texts.get(start..start + line.length as usize).unwrap_or_default(),
            author: self.words.get(line.author),
            about: self.words.get(line.about),
            original: None,
            retracted: None,
            retracted_by: None,
            pinned: false,
        }
    }
}

/// What marks make of a line; `None`: nothing.
fn marked(entry: &Entry<'_>, mark: Mark<'_>) -> Option<Marked> {
    let corrected = mark.amended.map(|text| wording::corrected(entry, text));
    let by = mark.retracted_by.unwrap_or_default();
    let retracted = mark.retracted.map(|why| (why.to_owned(), by.to_owned()));
    let some = corrected.is_some() || retracted.is_some() || mark.pinned;
    some.then_some(Marked { corrected, retracted, pinned: mark.pinned })
}

impl PartialEq for Timeline {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl std::fmt::Debug for Timeline {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

/// Short texts that many lines share, each once.
#[derive(Clone, Default)]
struct Words {
    all: Vec<Arc<str>>,
    numbers: HashMap<Arc<str>, u32>,
}

impl Words {
    /// The number of a word that most likely is the one of this number.
    fn number_after(&mut self, likely: u32, word: &str) -> u32 {
        match self.all.get(likely as usize) {
            Some(known) if **known == *word => likely,
            _ => self.number(word),
        }
    }

    fn number(&mut self, word: &str) -> u32 {
        // There are few in most incidents; a look at them costs less than a hash.
        if let Some(number) = self.all.iter().take(8).position(|known| **known == *word) {
            return number as u32;
        }
        if let Some(number) = self.numbers.get(word) {
            return *number;
        }
        let (number, word) = (self.all.len() as u32, Arc::<str>::from(word));
        self.all.push(Arc::clone(&word));
        self.numbers.insert(word, number);
        number
    }

    fn get(&self, number: u32) -> &str {
        self.all.get(number as usize).map_or("", |word| word)
    }
}
