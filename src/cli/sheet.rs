//! A page of plain text with headings at its left, as wide as the narrowest usual terminal.

use std::fmt::Write as _;

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

use crate::text::visible;

/// Columns of the page.
pub(super) const WIDTH: usize = 80;
/// Columns of the headings at its left.
pub(super) const GUTTER: usize = 10;

/// How a piece of text stands out, where there are colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hue {
    Plain,
    Strong,
    Dim,
    Good,
    Warn,
    Bad,
}

/// The page as it grows.
pub(super) struct Sheet {
    colour: bool,
    text: String,
    /// The heading that the next line gets.
    pub(super) heading: &'static str,
}

/// A line made of pieces, each with its hue; its width counts no escapes.
#[derive(Default)]
pub(super) struct Line {
    pieces: Vec<(String, Hue)>,
    pub(super) width: usize,
}

impl Line {
    /// An empty line.
    pub(super) fn new() -> Self {
        Self::default()
    }

    /// Adds text from outside or from here, made visible.
    pub(super) fn put(mut self, text: &str, hue: Hue) -> Self {
        let text = visible(text).into_owned();
        self.width += text.width();
        self.pieces.push((text, hue));
        self
    }

    /// Adds text that does not stand out.
    pub(super) fn plain(self, text: &str) -> Self {
        self.put(text, Hue::Plain)
    }

    /// Adds text that is cut or filled up to a number of columns.
    pub(super) fn cell(self, text: &str, columns: usize, hue: Hue) -> Self {
        let text = fit(&visible(text), columns);
        let blanks = columns.saturating_sub(text.width());
        self.put(&format!("{text}{}", " ".repeat(blanks)), hue)
    }

    /// Adds text at the right edge.
    pub(super) fn right(self, text: &str, hue: Hue, edge: usize) -> Self {
        let text = visible(text).into_owned();
        let blanks = edge.saturating_sub(self.width + text.width()).max(2);
        self.plain(&" ".repeat(blanks)).put(&text, hue)
    }
}

impl Sheet {
    /// An empty page, with escapes for a terminal or without.
    pub(super) fn new(colour: bool) -> Self {
        Self { colour, text: String::new(), heading: "" }
    }

    /// What was written.
    pub(super) fn into_text(self) -> String {
        self.text
    }

    /// Writes the first line: a word that stands out, and a line behind it.
    pub(super) fn title(&mut self, word: &str, hue: Hue, line: Line) {
        self.paint(" ", Hue::Plain);
        self.paint(word, hue);
        self.paint("  ", Hue::Plain);
        for (text, hue) in line.pieces {
            self.paint(&text, hue);
        }
        self.text.push('\n');
    }

    /// Begins a part of the page, with an empty line before it.
    pub(super) fn section(&mut self, heading: &'static str) {
        self.text.push('\n');
        self.heading = heading;
    }

    /// Writes a line behind the heading, or behind the room for it.
    pub(super) fn line(&mut self, line: Line) {
        let heading = std::mem::take(&mut self.heading);
        let start = self.text.len();
        let blanks = " ".repeat(GUTTER.saturating_sub(heading.width() + 1));
        self.paint(" ", Hue::Plain);
        self.paint(heading, Hue::Dim);
        self.paint(&blanks, Hue::Plain);
        for (text, hue) in line.pieces {
            self.paint(&text, hue);
        }
        let kept = self.text.trim_end_matches(' ').len().max(start);
        self.text.truncate(kept);
        self.text.push('\n');
    }

    /// Writes pieces one after the other, with as many lines as they need.
    pub(super) fn flow(&mut self, pieces: Vec<(String, Hue)>, between: &str) {
        let mut line = Line::new();
        for (text, hue) in pieces {
            let text = fit(&visible(&text), WIDTH - GUTTER);
            if line.width == 0 {
                line = line.put(&text, hue);
            } else if line.width + between.width() + text.width() <= WIDTH - GUTTER {
                line = line.put(between, Hue::Dim).put(&text, hue);
            } else {
                self.line(std::mem::take(&mut line));
                line = line.put(&text, hue);
            }
        }
        if line.width > 0 {
            self.line(line);
        }
    }

    /// Writes prose of any length, broken between words.
    pub(super) fn prose(&mut self, text: &str, hue: Hue) {
        let words: Vec<_> = text.split_whitespace().map(|word| (word.to_owned(), hue)).collect();
        self.flow(words, " ");
    }

    fn paint(&mut self, text: &str, hue: Hue) {
        let code = match hue {
            Hue::Plain => "",
            Hue::Strong => "1",
            Hue::Dim => "2",
            Hue::Good => "32",
            Hue::Warn => "33",
            Hue::Bad => "1;31",
        };
        if self.colour && !code.is_empty() && !text.is_empty() {
            let _ = write!(self.text, "\x1b[{code}m{text}\x1b[0m");
        } else {
            self.text.push_str(text);
        }
    }
}

/// Text cut to a number of columns, with `…` where something is missing.
pub(super) fn fit(text: &str, columns: usize) -> String {
    if text.width() <= columns {
        return text.to_owned();
    }
    let mut out = String::new();
    let mut width = 0;
    for c in text.chars() {
        let next = c.width().unwrap_or(0);
        if width + next + 1 > columns {
            break;
        }
        width += next;
        out.push(c);
    }
    if columns > 0 {
        out.push('…');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_long_is_cut_and_says_so() {
        assert_eq!(fit("abc", 3), "abc");
        assert_eq!(fit("abcd", 3), "ab…");
        assert_eq!(fit("世界世界", 5), "世界…");
        assert_eq!(fit("abc", 0), "");
    }

    #[test]
    fn no_line_is_wider_than_the_page_and_nothing_is_lost() {
        let mut page = Sheet::new(false);
        page.section("HEAD");
        page.prose(&"word ".repeat(60), Hue::Bad);
        page.line(Line::new().cell(&"x".repeat(200), 20, Hue::Plain).right("end", Hue::Dim, WIDTH - GUTTER));
        let text = page.into_text();
        assert!(text.lines().all(|line| line.width() <= WIDTH), "{text}");
        assert_eq!(text.matches("word").count(), 60);
        assert!(text.starts_with("\n HEAD     word"), "{text}");
    }

    #[test]
    fn colours_only_where_asked_for_and_text_from_outside_is_visible() {
        let page = |colour| {
            let mut page = Sheet::new(colour);
            page.line(Line::new().put("a\u{1b}[2Jb", Hue::Bad));
            page.into_text()
        };
        assert_eq!(page(false), format!("{}a<U+001B>[2Jb\n", " ".repeat(GUTTER)));
        assert!(page(true).contains("\u{1b}[1;31ma<U+001B>[2Jb\u{1b}[0m"));
    }
}
