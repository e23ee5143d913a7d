//! One line of text being typed.

use unicode_segmentation::UnicodeSegmentation as _;

use super::key::{Code, Key};

/// A line of text with a cursor between graphemes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LineEdit {
    text: String,
    /// Byte offset, always on a grapheme boundary.
    cursor: usize,
    /// The text is a suggestion that nobody has touched: what is typed takes its place.
    suggested: bool,
    /// What came last did not fit.
    full: bool,
}

impl LineEdit {
    /// Longest text in bytes: a pasted novel does not belong in one line.
    pub const MAX: usize = 16 * 1024;

    /// A line that holds a text, with the cursor at its end.
    pub fn new(text: impl Into<String>) -> Self {
        let text = text.into();
        Self { cursor: text.len(), text, suggested: false, full: false }
    }

    /// A line that holds an answer that may be meant: Enter takes it, what is typed or pasted replaces
    /// it, and moving in it makes it one's own.
    pub fn suggesting(text: impl Into<String>) -> Self {
        let line = Self::new(text);
        Self { suggested: !line.text.is_empty(), ..line }
    }

    /// Tells whether it is a suggestion that nobody has touched.
    pub fn is_suggested(&self) -> bool {
        self.suggested
    }

    /// Tells whether some of what came last was left out, as the line holds no more.
    pub fn is_full(&self) -> bool {
        self.full
    }

    /// The text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The text before and after the cursor.
    pub fn split(&self) -> (&str, &str) {
        self.text.split_at(self.cursor)
    }

    /// Tells whether nothing but white space is there.
    pub fn is_blank(&self) -> bool {
        self.text.trim().is_empty()
    }

    /// Inserts text at the cursor; line breaks and tabs become spaces.
    pub fn insert(&mut self, text: &str) {
        if std::mem::take(&mut self.suggested) {
            self.remove(0, self.text.len());
        }
        for c in text.chars() {
            let c = if matches!(c, '\n' | '\t') { ' ' } else { c };
            if c.is_control() {
                continue;
            }
            // Of a text that is cut the beginning is kept, and not whatever fits of the rest.
            self.full |= self.text.len() + c.len_utf8() > Self::MAX;
            if self.full {
                break;
            }
            self.text.insert(self.cursor, c);
            self.cursor += c.len_utf8();
        }
        // A combining character may have joined what stands after the cursor.
        while !self.is_boundary(self.cursor) {
            self.cursor += 1;
        }
    }

    /// Replaces what is before and after the cursor.
    pub fn replace(&mut self, before: &str, after: &str) {
        *self = Self::new(before);
        self.text.push_str(after);
    }

    /// Takes a key; returns whether it meant something here.
    pub fn key(&mut self, key: Key) -> bool {
        if let Some(c) = key.text() {
            self.insert(c.encode_utf8(&mut [0; 4]));
            return true;
        }
        let suggested = std::mem::take(&mut self.suggested);
        match (key.code, key.ctrl || key.alt) {
            (Code::Backspace | Code::Delete, _) if suggested => self.remove(0, self.text.len()),
            (Code::Left, false) | (Code::Char('b'), true) if !key.alt => self.cursor = self.before(),
            (Code::Right, false) | (Code::Char('f'), true) if !key.alt => self.cursor = self.after(),
            (Code::Left | Code::Char('b'), true) => self.cursor = self.word_before(),
            (Code::Right | Code::Char('f'), true) => self.cursor = self.word_after(),
            (Code::Home, _) | (Code::Char('a'), true) => self.cursor = 0,
            (Code::End, _) | (Code::Char('e'), true) => self.cursor = self.text.len(),
            (Code::Backspace, false) | (Code::Char('h'), true) => self.remove(self.before(), self.cursor),
            (Code::Backspace | Code::Char('w'), true) => self.remove(self.word_before(), self.cursor),
            (Code::Delete, _) | (Code::Char('d'), true) => self.remove(self.cursor, self.after()),
            (Code::Char('u'), true) => self.remove(0, self.cursor),
            (Code::Char('k'), true) => self.remove(self.cursor, self.text.len()),
            _ => {
                self.suggested = suggested;
                return false;
            }
        }
        true
    }

    fn remove(&mut self, from: usize, to: usize) {
        self.text.drain(from..to);
        self.full &= from == to;
        self.cursor = from;
        while !self.is_boundary(self.cursor) {
            self.cursor += 1;
        }
    }

    fn is_boundary(&self, at: usize) -> bool {
        at >= self.text.len() || self.text.grapheme_indices(true).any(|(start, _)| start == at)
    }

    fn before(&self) -> usize {
        self.split().0.grapheme_indices(true).next_back().map_or(0, |(start, _)| start)
    }

    fn after(&self) -> usize {
        self.cursor + self.split().1.graphemes(true).next().map_or(0, str::len)
    }

    fn word_before(&self) -> usize {
        self.split().0.unicode_word_indices().next_back().map_or(0, |(start, _)| start)
    }

    fn word_after(&self) -> usize {
        let after = self.split().1;
        after
            .unicode_word_indices()
            .next()
            .map_or(self.text.len(), |(start, word)| self.cursor + start + word.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(keys: &[&str]) -> LineEdit {
        let mut line = LineEdit::default();
        for key in keys {
            assert!(line.key(Key::parse(key).unwrap()), "{key}");
        }
        line
    }

    #[test]
    fn a_suggestion_is_taken_replaced_or_made_ones_own() {
        let after = |keys: &[&str]| {
            let mut line = LineEdit::suggesting("maya");
            for key in keys {
                assert!(line.key(Key::parse(key).unwrap()), "{key}");
            }
            (line.text().to_owned(), line.is_suggested())
        };
        assert_eq!(after(&[]), ("maya".into(), true));
        assert_eq!(after(&["o", "m"]), ("om".into(), false));
        assert_eq!(after(&["backspace"]), (String::new(), false));
        assert_eq!(after(&["end", "2"]), ("maya2".into(), false));
        let mut line = LineEdit::suggesting("maya");
        line.insert("omar");
        assert_eq!(line.text(), "omar", "what is pasted, too");
        assert!(!LineEdit::suggesting("").is_suggested());
    }

    #[test]
    fn editing_moves_and_removes_whole_graphemes_and_words() {
        let mut line = LineEdit::new("pool 👩‍🚒 limit");
        assert!(line.key(Key::ctrl('w')));
        assert_eq!(line.text(), "pool 👩‍🚒 ");
        line.key(Key::plain(Code::Backspace));
        line.key(Key::plain(Code::Backspace));
        assert_eq!(line.text(), "pool ");
        line.key(Key::plain(Code::Home));
        line.insert("the ");
        assert_eq!(line.split(), ("the ", "pool "));
        line.key(Key::ctrl('k'));
        assert_eq!(line.text(), "the ");
    }

    #[test]
    fn letters_are_text_and_unknown_keys_are_left_to_others() {
        assert_eq!(typed(&["a", "G", "space", "-"]).text(), "aG -");
        assert!(!LineEdit::default().key(Key::plain(Code::Enter)));
        assert!(!LineEdit::default().key(Key::plain(Code::Up)));
    }

    #[test]
    fn pasted_text_stays_one_line_and_within_bounds() {
        let mut line = LineEdit::default();
        line.insert("a\nb\tc\u{1b}[31m");
        assert_eq!(line.text(), "a b c[31m");
        line.insert(&"x".repeat(2 * LineEdit::MAX));
        assert_eq!((line.text().len(), line.is_full()), (LineEdit::MAX, true));
        line.key(Key::plain(Code::Backspace));
        assert!(!line.is_full(), "there is room again");
    }
}
