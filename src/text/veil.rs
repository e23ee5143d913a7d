//! Finds what is not to be read on a shared screen: values that are known, also where they are cut or go on in the
//! next row, and what looks like an address. Pure.
//!
//! A screen is taken as rows of one character a cell, so that whatever is masked keeps its width. Letters match in
//! either case.

mod pattern;

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use unicode_segmentation::UnicodeSegmentation as _;
use unicode_width::UnicodeWidthStr as _;
use zeroize::Zeroizing;

use super::mask::Masker;
use super::visible;

/// What stands in each cell of what is masked.
pub const MARK: &str = "•";

/// What stands behind a character that takes two columns.
pub const FILLER: char = '\0';

/// Fewest characters of a word that is masked: fewer are everywhere.
pub const SHORTEST: usize = 3;

/// Fewest cells of a value that are masked where the rest of it is out of sight, and where a mark says that it is cut.
const PIECE: usize = 4;
const CUT_PIECE: usize = 3;

/// Most rows that a value may go over.
const MOST_ROWS: usize = 64;

/// What is not to be read, as it is known.
#[derive(Clone, Default)]
pub struct Private {
    /// Values of secrets, with their names.
    pub secrets: Vec<(String, Zeroizing<Vec<u8>>)>,
    /// Names of hosts.
    pub hosts: Vec<String>,
    /// Mail addresses.
    pub mails: Vec<String>,
    /// Words that somebody named.
    pub words: Vec<String>,
}

impl fmt::Debug for Private {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Private").field("secrets", &self.secrets.len()).finish_non_exhaustive()
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Wherever it stands.
    Anywhere,
    /// With all of the name that it is part of.
    Domain,
    /// As a word of its own.
    Word,
}

struct Value {
    cells: Zeroizing<Vec<char>>,
    kind: Kind,
}

/// Knows what is to be masked.
#[derive(Default)]
pub struct Veil {
    /// In order.
    values: Vec<Value>,
    /// The first two cells of each value.
    heads: Bits,
    /// The two after the first.
    seconds: Bits,
    /// Three cells at any place of one.
    inside: Bits,
    /// Finds secrets in what else they may be written as.
    masker: Option<Masker>,
}

impl fmt::Debug for Veil {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Veil").field("values", &self.values.len()).finish_non_exhaustive()
    }
}

/// A set that may say that something is in it that is not.
struct Bits(Box<[u64; 256]>);

impl Default for Bits {
    fn default() -> Self {
        Self(Box::new([0; 256]))
    }
}

impl Bits {
    fn place(cells: &[char]) -> (usize, u64) {
        let hash = cells.iter().fold(0_u32, |sum, c| sum.wrapping_mul(0x0100_0193) ^ *c as u32);
        let bit = hash.wrapping_mul(0x9E37_79B1) >> 18;
        ((bit >> 6) as usize, 1 << (bit & 63))
    }

    fn add(&mut self, cells: &[char]) {
        let (word, bit) = Self::place(cells);
        self.0[word] |= bit;
    }

    fn may_hold(&self, cells: &[char]) -> bool {
        let (word, bit) = Self::place(cells);
        self.0[word] & bit != 0
    }
}

impl Veil {
    /// Makes one of what is known. What is shorter than [`SHORTEST`] is left out.
    pub fn new(private: &Private) -> Self {
        let mut veil = Self::default();
        let secrets = private.secrets.iter().map(|(name, value)| (name.as_str(), value.as_slice()));
        veil.masker = Masker::new(secrets).ok().filter(|_| !private.secrets.is_empty());
        for (_, value) in &private.secrets {
            if let Ok(text) = std::str::from_utf8(value) {
                for line in text.lines() {
                    veil.add(line, Kind::Anywhere);
                }
            }
        }
        for host in &private.hosts {
            veil.add(host, if host.contains('.') { Kind::Domain } else { Kind::Word });
        }
        for text in private.mails.iter().chain(&private.words) {
            veil.add(text, Kind::Anywhere);
        }
        veil.values.sort_by(|one, other| one.cells.cmp(&other.cells));
        veil
    }

    fn add(&mut self, text: &str, kind: Kind) {
        let cells: Vec<char> = cells(visible(text.trim()).as_ref()).into_iter().map(lower).collect();
        let cells = Zeroizing::new(cells);
        if cells.len() < SHORTEST || self.values.iter().any(|known| known.cells == cells) {
            return;
        }
        self.heads.add(&cells[..2]);
        self.seconds.add(&cells[1..3]);
        for part in cells.windows(3) {
            self.inside.add(part);
        }
        self.values.push(Value { cells, kind });
    }

    /// Finds what is to be masked in the rows of a screen: the row, and its cells.
    pub fn find(&self, screen: &[Vec<char>]) -> Vec<(usize, Range<usize>)> {
        let rows: Vec<Vec<char>> = screen.iter().map(|row| row.iter().map(|c| lower(*c)).collect()).collect();
        let mut found = Vec::new();
        for (y, row) in rows.iter().enumerate() {
            self.known(&rows, y, &mut found);
            self.left_over(&rows, y, &mut found);
            self.spelled(&screen[y], y, &mut found);
            pattern::each(row, &mut |range| found.push((y, range)));
        }
        found
    }

    /// A text with marks in place of what is to be masked.
    pub fn hide(&self, text: &str) -> String {
        let row = cells(text);
        let found = self.find(std::slice::from_ref(&row));
        if found.is_empty() {
            return text.to_owned();
        }
        let (mut out, mut at) = (String::with_capacity(text.len()), 0);
        for grapheme in text.graphemes(true) {
            let columns = columns(grapheme);
            if found.iter().any(|(_, range)| range.contains(&at)) {
                out.push_str(&MARK.repeat(columns));
            } else {
                out.push_str(grapheme);
            }
            at += columns;
        }
        out
    }

    /// A text without secrets.
    pub fn without_secrets<'t>(&self, text: &'t str) -> Cow<'t, str> {
        self.masker.as_ref().map_or(Cow::Borrowed(text), |masker| masker.mask(text))
    }

    /// Values that begin in a row.
    fn known(&self, rows: &[Vec<char>], y: usize, found: &mut Vec<(usize, Range<usize>)>) {
        let row = &rows[y];
        for (x, head) in row.windows(2).enumerate() {
            if !self.heads.may_hold(head) {
                continue;
            }
            // They are in order, so those that begin so stand together.
            let first = self.values.partition_point(|value| &value.cells[..2] < head);
            for value in self.values[first..].iter().take_while(|value| &value.cells[..2] == head) {
                let reached = reach(&value.cells, row, x);
                if reached == value.cells.len() {
                    found.extend(whole(row, x..x + reached, value.kind).map(|range| (y, range)));
                } else {
                    begun(rows, y, x, reached, &value.cells, found);
                }
            }
        }
    }

    /// What is left of values whose beginning is out of sight: behind the mark of a cut, at the edge of a window
    /// that lies over it, in the first row of a box, and below one that is cut.
    fn left_over(&self, rows: &[Vec<char>], y: usize, found: &mut Vec<(usize, Range<usize>)>) {
        let row = &rows[y];
        for x in (0..row.len()).filter(|x| row[*x] != ' ') {
            let before = x.checked_sub(1).map(|x| row[x]);
            let is_first = match before {
                Some('…') => false,
                Some(' ') => row[..x].iter().rposition(|c| *c != ' ').is_none_or(|at| is_edge(row[at])),
                Some(c) if !is_edge(c) => continue,
                _ => true,
            };
            if is_first {
                self.but_for_one(rows, y, x, found);
            }
            let is_alone = before != Some(' ')
                || (is_first && (is_above_closed(rows, y, x) || is_above_cut(rows, y, x)));
            let Some(head) = row.get(x..x + 3).filter(|head| is_alone && self.inside.may_hold(head)) else {
                continue;
            };
            let least = if before == Some('…') { CUT_PIECE } else { PIECE };
            for value in &self.values {
                for from in 1..value.cells.len() - 2 {
                    let rest = &value.cells[from..];
                    if !rest.starts_with(head) {
                        continue;
                    }
                    let reached = reach(rest, row, x);
                    if reached >= least && (reached == rest.len() || is_cut(row, x + reached)) {
                        found.push((y, x..x + reached));
                    }
                }
            }
        }
    }

    /// Values of which the row above ends with the first cell, and no more.
    fn but_for_one(&self, rows: &[Vec<char>], y: usize, x: usize, found: &mut Vec<(usize, Range<usize>)>) {
        let Some(head) = rows[y].get(x..x + 2).filter(|head| self.seconds.may_hold(head)) else { return };
        for value in self.values.iter().filter(|value| &value.cells[1..3] == head) {
            let rest = &value.cells[1..];
            let reached = reach(rest, &rows[y], x);
            if reached == rest.len() {
                found.push((y, x..x + reached));
            } else {
                begun(rows, y, x, reached, rest, found);
            }
        }
    }

    /// Secrets in what else they may be written as.
    fn spelled(&self, row: &[char], y: usize, found: &mut Vec<(usize, Range<usize>)>) {
        let Some(masker) = &self.masker else { return };
        let text: String = row.iter().filter(|c| **c != FILLER).collect();
        for bytes in masker.places(text.as_bytes()) {
            let (mut at, mut range) = (0, row.len()..0);
            for (x, c) in row.iter().enumerate() {
                if bytes.contains(&at) {
                    range = range.start.min(x)..x + 1;
                }
                at += if *c == FILLER { 0 } else { c.len_utf8() };
            }
            found.push((y, range));
        }
    }
}

/// A value of which a row holds the beginning: it may go on in the next one, or be cut.
fn begun(
    rows: &[Vec<char>],
    y: usize,
    x: usize,
    reached: usize,
    value: &[char],
    found: &mut Vec<(usize, Range<usize>)>,
) {
    let row = &rows[y];
    let shown = value[..reached].iter().rposition(|c| *c != ' ').map_or(0, |last| last + 1);
    let end = x + shown;
    if row.get(end) == Some(&'…') {
        if shown >= CUT_PIECE {
            found.push((y, x..end));
        }
        return;
    }
    if row.get(end).is_some_and(|c| *c != ' ' && !is_edge(*c)) {
        return;
    }
    let mut parts = vec![(y, x..end)];
    if goes_on(rows, y, x, &value[shown..], &mut parts) {
        found.append(&mut parts);
    } else if shown >= PIECE && (is_cut(row, end) || is_last(rows, y, end)) {
        found.push((y, x..end));
    }
}

/// Whether the rest of a value follows at the beginning of words in the next rows of the same box; adds where.
fn goes_on(
    rows: &[Vec<char>],
    y: usize,
    x: usize,
    rest: &[char],
    parts: &mut Vec<(usize, Range<usize>)>,
) -> bool {
    let blanks = rest.iter().take_while(|c| **c == ' ').count();
    let rest = &rest[blanks..];
    let Some(next) = rows.get(y + 1).filter(|_| parts.len() < MOST_ROWS) else { return false };
    let row = &rows[y];
    let left = row[..x].iter().rposition(|c| is_edge(*c)).map_or(0, |at| at + 1);
    let right = row[x..].iter().position(|c| is_edge(*c)).map_or(row.len(), |at| x + at).min(next.len());
    for at in left..right {
        let is_start = next[at] != ' ' && (at == left || next[at - 1] == ' ' || is_edge(next[at - 1]));
        if !is_start || rest.first() != Some(&next[at]) {
            continue;
        }
        let reached = reach(rest, next, at);
        let shown = rest[..reached].iter().rposition(|c| *c != ' ').map_or(0, |last| last + 1);
        if reached == rest.len() {
            parts.push((y + 1, at..at + reached));
            return true;
        }
        if next.get(at + shown).is_none_or(|c| *c == ' ' || is_edge(*c)) {
            let known = parts.len();
            parts.push((y + 1, at..at + shown));
            if goes_on(rows, y + 1, at, &rest[shown..], parts) {
                return true;
            }
            parts.truncate(known);
        }
    }
    false
}

/// How many cells of a value stand at a place of a row.
fn reach(value: &[char], row: &[char], x: usize) -> usize {
    let there = row.get(x..).unwrap_or_default();
    value.iter().zip(there).take_while(|(one, other)| one == other).count()
}

/// What is masked of a value that stands whole in a row; `None`: it is part of another word.
fn whole(row: &[char], range: Range<usize>, kind: Kind) -> Option<Range<usize>> {
    let is_name = |c: &char| c.is_alphanumeric() || matches!(c, '-' | '_');
    match kind {
        Kind::Anywhere => Some(range),
        Kind::Domain => {
            let is_part = |c: &&char| is_name(c) || **c == '.';
            let before = row[..range.start].iter().rev().take_while(is_part).count();
            let after = row[range.end..].iter().take_while(is_part).count();
            Some(range.start - before..range.end + after)
        }
        Kind::Word => {
            let before = range.start.checked_sub(1).and_then(|at| row.get(at));
            let is_own = !before.is_some_and(is_name) && !row.get(range.end).is_some_and(is_name);
            is_own.then_some(range)
        }
    }
}

/// Whether what ends at a place is cut there: by a mark, or by a box that lies over the rest.
fn is_cut(row: &[char], end: usize) -> bool {
    row.get(end).is_none_or(|c| *c == '…' || is_edge(*c))
}

/// Whether what ends at a place fills the last row of its box.
fn is_last(rows: &[Vec<char>], y: usize, end: usize) -> bool {
    let row = &rows[y];
    let blanks = row[end..].iter().take_while(|c| **c == ' ').count();
    let is_full = blanks <= 2 && row.get(end + blanks).is_none_or(|c| is_edge(*c));
    is_full && rows.get(y + 1).is_none_or(|next| next.get(end.saturating_sub(1)).is_none_or(|c| is_edge(*c)))
}

/// Whether a box or the screen begins right above a place, or above the free rows over it.
fn is_above_closed(rows: &[Vec<char>], y: usize, x: usize) -> bool {
    let is_free = |row: &&Vec<char>| {
        let (before, after) = row.split_at(x.min(row.len()));
        let mut cells = before.iter().rev().take_while(|c| !is_edge(**c));
        let is_blank = cells.all(|c| *c == ' ');
        is_blank && after.iter().take_while(|c| !is_edge(**c)).all(|c| *c == ' ')
    };
    let is_edge_at = |row: &Vec<char>| row.get(x).is_none_or(|c| is_edge(*c));
    let mut above = rows[..y].iter().rev();
    above.find(|row| is_edge_at(row) || !is_free(row)).is_none_or(is_edge_at)
}

/// Whether what stands above a place in the same box is cut at its end: what follows may be the rest of it.
fn is_above_cut(rows: &[Vec<char>], y: usize, x: usize) -> bool {
    let Some(above) = y.checked_sub(1).and_then(|y| rows.get(y)) else { return false };
    let rest = above.get(x..).unwrap_or_default();
    let end = rest.iter().position(|c| is_edge(*c)).unwrap_or(rest.len());
    rest[..end].iter().rfind(|c| **c != ' ') == Some(&'…')
}

/// Whether a character is drawn, as the frame of a box is.
fn is_edge(c: char) -> bool {
    matches!(c, '\u{2500}'..='\u{259f}')
}

/// A text as it stands in the cells of a row.
pub fn cells(text: &str) -> Vec<char> {
    let mut row = Vec::with_capacity(text.len());
    for grapheme in text.graphemes(true) {
        row.push(cell(grapheme));
        row.extend(std::iter::repeat_n(FILLER, columns(grapheme) - 1));
    }
    row
}

/// What stands for a cell with this in it.
pub fn cell(symbol: &str) -> char {
    symbol.chars().next().unwrap_or(' ')
}

fn lower(c: char) -> char {
    if c.is_ascii() { c.to_ascii_lowercase() } else { c.to_lowercase().next().unwrap_or(c) }
}

fn columns(grapheme: &str) -> usize {
    grapheme.width().max(1)
}

#[cfg(test)]
mod tests;
