//! A few lines of text being edited.

use unicode_segmentation::UnicodeSegmentation as _;

use super::edit::LineEdit;
use super::key::{Code, Key};

/// A text of several lines with a cursor in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageEdit {
    /// At least one.
    lines: Vec<LineEdit>,
    /// The one that the cursor is in.
    row: usize,
}

impl PageEdit {
    /// Most lines: more is no message.
    pub const MOST: usize = 500;

    /// A text with the cursor at its end.
    pub fn new(text: &str) -> Self {
        let mut lines: Vec<LineEdit> = text.lines().take(Self::MOST).map(LineEdit::new).collect();
        if lines.is_empty() {
            lines.push(LineEdit::default());
        }
        Self { row: lines.len() - 1, lines }
    }

    /// The text.
    pub fn text(&self) -> String {
        self.lines.iter().map(LineEdit::text).collect::<Vec<_>>().join("\n")
    }

    /// Its lines.
    pub fn lines(&self) -> &[LineEdit] {
        &self.lines
    }

    /// The line that the cursor is in.
    pub fn row(&self) -> usize {
        self.row
    }

    /// Inserts text at the cursor; line breaks begin new lines.
    pub fn insert(&mut self, text: &str) {
        for (index, line) in text.split('\n').enumerate() {
            if index > 0 {
                self.split();
            }
            self.lines[self.row].insert(line.trim_end_matches('\r'));
        }
    }

    /// Takes a key; returns whether it meant something here.
    pub fn key(&mut self, key: Key) -> bool {
        let line = &self.lines[self.row];
        let (at_start, at_end) = (line.split().0.is_empty(), line.split().1.is_empty());
        match (key.code, key.ctrl || key.alt) {
            (Code::Enter, _) => self.split(),
            (Code::Up, false) => self.go(self.row.saturating_sub(1)),
            (Code::Down, false) => self.go(self.row + 1),
            (Code::PageUp, _) => self.go(0),
            (Code::PageDown, _) => self.go(usize::MAX),
            (Code::Backspace, false) if at_start && self.row > 0 => {
                self.row -= 1;
                self.join();
            }
            (Code::Delete, _) if at_end && self.row + 1 < self.lines.len() => self.join(),
            (Code::Left, false) if at_start && self.row > 0 => {
                self.row -= 1;
                self.lines[self.row].key(Key::plain(Code::End));
            }
            (Code::Right, false) if at_end && self.row + 1 < self.lines.len() => {
                self.row += 1;
                self.lines[self.row].key(Key::plain(Code::Home));
            }
            _ => return self.lines[self.row].key(key),
        }
        true
    }

    /// Breaks the line at the cursor.
    fn split(&mut self) {
        if self.lines.len() >= Self::MOST {
            return;
        }
        let (before, after) = self.lines[self.row].split();
        let (before, after) = (before.to_owned(), after.to_owned());
        self.lines[self.row] = LineEdit::new(before);
        self.row += 1;
        let mut line = LineEdit::default();
        line.replace("", &after);
        self.lines.insert(self.row, line);
    }

    /// Puts the next line behind this one, with the cursor between them.
    fn join(&mut self) {
        let next = self.lines.remove(self.row + 1);
        let before = self.lines[self.row].text().to_owned();
        self.lines[self.row].replace(&before, next.text());
    }

    /// Goes to a line, and stays in its column where that one is long enough.
    fn go(&mut self, row: usize) {
        let column = self.lines[self.row].split().0.graphemes(true).count();
        self.row = row.min(self.lines.len() - 1);
        let text = self.lines[self.row].text().to_owned();
        let at: usize = text.graphemes(true).take(column).map(str::len).sum();
        let (before, after) = text.split_at(at);
        self.lines[self.row].replace(before, after);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(text: &str, keys: &[&str]) -> (String, usize) {
        let mut page = PageEdit::new(text);
        for key in keys {
            assert!(page.key(Key::parse(key).unwrap()), "{key}");
        }
        (page.text(), page.row())
    }

    #[test]
    fn lines_are_broken_and_joined_at_the_cursor() {
        assert_eq!(typed("ab", &["left", "enter"]), ("a\nb".to_owned(), 1));
        assert_eq!(typed("a\nb", &["home", "backspace", "x"]), ("axb".to_owned(), 0));
        assert_eq!(typed("a\nb", &["up", "end", "delete"]), ("ab".to_owned(), 0));
        assert_eq!(typed("", &["a", "enter", "b"]), ("a\nb".to_owned(), 1));
    }

    #[test]
    fn the_cursor_goes_from_line_to_line_and_keeps_its_column() {
        assert_eq!(typed("long line\nab\nxyz", &["up", "up", "-"]), ("lo-ng line\nab\nxyz".to_owned(), 0));
        assert_eq!(typed("a\nb", &["home", "left", "-"]), ("a-\nb".to_owned(), 0));
        assert_eq!(typed("a\nb", &["up", "right", "-"]), ("a\n-b".to_owned(), 1));
    }

    #[test]
    fn what_is_pasted_keeps_its_lines_and_they_have_an_end() {
        let mut page = PageEdit::new("ab");
        page.key(Key::plain(Code::Left));
        page.insert("1\r\n2");
        assert_eq!(page.text(), "a1\n2b");
        page.insert(&"\n".repeat(2 * PageEdit::MOST));
        assert_eq!(page.lines().len(), PageEdit::MOST);
    }
}
