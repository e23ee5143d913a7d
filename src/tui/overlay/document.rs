//! Text to be read: paragraphs of styled words, wrapped to the window, from a line on.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;

use super::super::paint::{Pen, width, wrap_ranges};
use super::super::theme::Role;
use super::super::ui::Ui;
use super::Shown;
use crate::failure::Failure;
use crate::text::{visible, visible_lines};

/// Stands for a blank at which no line is broken.
const GLUE: &str = "\u{a0}";

/// One line of a document before it is wrapped.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Line {
    text: String,
    /// Where each style ends.
    ends: Vec<(usize, Style)>,
    /// Columns that all but the first piece are moved in by.
    hang: u16,
    /// What stands at the right end of its first piece.
    ending: Option<(String, Style)>,
    /// What is laid over all its pieces, from edge to edge.
    marked: Option<Style>,
}

/// Why something failed and what to do about it, each line of either on a line of its own.
pub(super) fn failed(ui: Ui<'_>, failure: &Failure) -> Vec<Line> {
    let (bad, text, faint) = (ui.of(Role::Bad), ui.of(Role::Text), ui.of(Role::Faint));
    let mut lines: Vec<Line> = Vec::new();
    for cause in visible_lines(&failure.cause).lines() {
        let mark = if lines.is_empty() { Line::of("✗ ", bad) } else { Line::of("  ", text) };
        lines.push(mark.with(cause, text).hanging(2));
    }
    lines.extend(visible_lines(&failure.hint).lines().map(|hint| Line::of(hint, faint)));
    lines
}

impl Line {
    /// A line in one style.
    pub(super) fn of(text: &str, style: Style) -> Self {
        Self::default().with(text, style)
    }

    /// The line with more text behind it.
    #[must_use]
    pub(super) fn with(mut self, text: &str, style: Style) -> Self {
        self.text.push_str(&visible(text));
        self.ends.push((self.text.len(), style));
        self
    }

    /// The line with words behind it that are not broken apart.
    #[must_use]
    pub(super) fn glued(mut self, text: &str, style: Style) -> Self {
        self.text.push_str(&visible(text).replace(' ', GLUE));
        self.ends.push((self.text.len(), style));
        self
    }

    /// The line, moved in by so many columns where it goes on.
    #[must_use]
    pub(super) fn hanging(mut self, columns: u16) -> Self {
        self.hang = columns;
        self
    }

    /// The line with something at its right end, kept clear of the rest of it.
    #[must_use]
    pub(super) fn ending(mut self, text: &str, style: Style) -> Self {
        self.ending = (!text.is_empty()).then(|| (visible(text).into_owned(), style));
        self
    }

    /// The line, marked as the one that the cursor is on.
    #[must_use]
    pub(super) fn marked(mut self, style: Style) -> Self {
        self.marked = Some(style);
        self
    }

    /// Columns kept clear for what stands at its end; 0 where there is none, or no room for it.
    fn kept(&self, columns: u16) -> u16 {
        let kept = self.ending.as_ref().map_or(0, |(text, _)| width(text) + 2);
        if kept + 24 > columns { 0 } else { kept }
    }

    /// The pieces it is broken into. What stands at its end keeps its column to itself.
    fn pieces(&self, columns: u16) -> impl Iterator<Item = std::ops::Range<usize>> {
        let columns = columns - self.kept(columns);
        wrap_ranges(&self.text, columns, columns.saturating_sub(self.hang))
    }

    /// Draws one piece.
    fn draw(&self, pen: &mut Pen<'_>, piece: std::ops::Range<usize>) {
        if piece.start > 0 {
            pen.gap(self.hang);
        }
        let mut at = piece.start;
        for (end, style) in &self.ends {
            if *end <= at {
                continue;
            }
            let until = (*end).min(piece.end);
            let text = self.text.get(at..until).unwrap_or_default();
            if text.contains(GLUE) {
                pen.raw(&text.replace(GLUE, " "), *style);
            } else {
                pen.raw(text, *style);
            }
            at = until;
            if at >= piece.end {
                break;
            }
        }
    }
}

/// Draws a document of `len` lines from line `top` on; `line` makes one of them. Only what can
/// be seen is made and wrapped. A `top` past the end shows the last page.
pub(super) fn draw(
    buf: &mut Buffer,
    area: Rect,
    top: usize,
    len: usize,
    line: impl Fn(usize) -> Line,
) -> Shown {
    let top = top.min(last_page(area, len, &line));
    let (mut y, mut left) = (0, 0);
    'all: for index in top..len {
        let line = line(index);
        for piece in line.pieces(area.width) {
            if y >= area.height {
                left = len - index;
                break 'all;
            }
            let mut pen = Pen::new(buf, area, y);
            if let Some((text, style)) =
                line.ending.as_ref().filter(|_| piece.start == 0 && line.kept(area.width) > 0)
            {
                pen.right(text, *style);
            }
            line.draw(&mut pen, piece);
            if let Some(style) = line.marked {
                let whole =
                    Rect { x: area.x.saturating_sub(1), y: area.y + y, width: area.width + 2, height: 1 };
                buf.set_style(whole.intersection(buf.area), style);
            }
            y += 1;
        }
    }
    let edge = Position::new(area.x, area.bottom());
    Shown { lines: area.height, top, cursor: None, more: (left + top > 0).then_some((top, left, edge)) }
}

/// Lines that a whole document takes in so many columns, counted up to `most`.
pub(super) fn height(lines: &[Line], columns: u16, most: u16) -> u16 {
    let mut height = 0_u16;
    for line in lines {
        let left = usize::from(most.saturating_sub(height));
        if left == 0 {
            break;
        }
        height += line.pieces(columns).take(left).count() as u16;
    }
    height
}

/// The first line of the last page: the page is full, if there is enough to fill one.
fn last_page(area: Rect, len: usize, line: &impl Fn(usize) -> Line) -> usize {
    let mut room = usize::from(area.height);
    for index in (0..len).rev() {
        let pieces = line(index).pieces(area.width).take(room + 1).count();
        if pieces > room {
            return (index + 1).min(len.saturating_sub(1));
        }
        room -= pieces;
    }
    0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(width: u16, height: u16, top: usize, lines: &[&str]) -> (Vec<String>, Shown) {
        let area = Rect::new(0, 0, width, height);
        let mut buf = Buffer::empty(area);
        let shown = draw(&mut buf, area, top, lines.len(), |i| Line::of(lines[i], Style::new()).hanging(2));
        let rows = buf.content.chunks(usize::from(width));
        let text = rows.map(|row| row.iter().map(ratatui::buffer::Cell::symbol).collect::<String>());
        (text.map(|row| row.trim_end().to_owned()).collect(), shown)
    }

    #[test]
    fn lines_wrap_with_a_hanging_indent() {
        let (text, _) = shown(10, 4, 0, &["raise the pool limit", "now"]);
        assert_eq!(text, ["raise the", "  pool", "  limit", "now"]);
    }

    #[test]
    fn a_mark_stays_with_its_name() {
        let line = Line::of("gates ", Style::new()).glued("✗ checks", Style::new()).hanging(2);
        let (mut buf, area) = (Buffer::empty(Rect::new(0, 0, 10, 2)), Rect::new(0, 0, 10, 2));
        draw(&mut buf, area, 0, 1, |_| line.clone());
        let rows: Vec<String> = buf
            .content
            .chunks(10)
            .map(|row| row.iter().map(ratatui::buffer::Cell::symbol).collect())
            .collect();
        assert_eq!(rows, ["gates     ", "  ✗ checks"]);
    }

    #[test]
    fn past_the_end_is_the_last_page() {
        let lines = ["1", "2", "3", "4", "5"];
        let (text, shown_) = shown(4, 2, usize::MAX, &lines);
        assert_eq!((text, shown_.top), (vec!["4".to_owned(), "5".to_owned()], 3));
        assert_eq!(shown(4, 9, 7, &lines).1.top, 0);
        assert_eq!(shown(4, 2, 7, &[]).1.top, 0);
        assert_eq!(shown(2, 1, 9, &["a long line that cannot fit"]).1.top, 0);
    }
}
