//! Puts text into cells: sanitised, by graphemes, cut with `…`, never over an edge.

use std::ops::Range;

use ratatui::buffer::{Buffer, CellWidth as _};
use ratatui::layout::Rect;
use ratatui::style::Style;
use unicode_segmentation::UnicodeSegmentation as _;
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

use crate::text::{is_plain_cell, visible};

/// Most characters in one cell: a base and a few marks. More is an attack on the eye.
const MAX_MARKS: usize = 4;

/// The same of a picture that is joined of several.
const MAX_JOINED: usize = 10;

/// A pen on one line. It writes from the left, and at the right end by [`Pen::right`]; the two
/// never meet.
pub(super) struct Pen<'a> {
    buf: &'a mut Buffer,
    x: u16,
    end: u16,
    y: u16,
}

impl<'a> Pen<'a> {
    /// A pen on a line of an area, counted from its top. Outside the area it writes nothing.
    pub(super) fn new(buf: &'a mut Buffer, area: Rect, line: u16) -> Self {
        let area = area.intersection(buf.area);
        let y = area.y.saturating_add(line);
        let end = if y < area.bottom() { area.right() } else { area.x };
        Self { buf, x: area.x, end, y }
    }

    /// Columns left.
    pub(super) fn room(&self) -> u16 {
        self.end.saturating_sub(self.x)
    }

    /// The column it is at.
    pub(super) fn column(&self) -> u16 {
        self.x
    }

    /// Writes a text from outside or from here; what does not fit is cut with `…`.
    pub(super) fn put(&mut self, text: &str, style: Style) -> &mut Self {
        let room = self.room();
        if room == 0 || text.is_empty() {
            return self;
        }
        let (head, headless) = head(text, room);
        let clean = visible(head);
        let (fitting, cut) = fit(&clean, room);
        self.raw(fitting, style);
        if cut || headless {
            self.raw("…", style);
        }
        self
    }

    /// Writes a text into a column of its own, cut or filled up with blanks.
    pub(super) fn column_of(&mut self, text: &str, columns: u16, style: Style) -> &mut Self {
        let (start, end) = (self.x, self.end);
        self.end = end.min(start.saturating_add(columns));
        self.put(text, style);
        self.end = end;
        self.x = start.saturating_add(columns).min(end);
        self
    }

    /// The same, with the text at the right end of its column.
    pub(super) fn column_right(&mut self, text: &str, columns: u16, style: Style) -> &mut Self {
        let blanks = columns.saturating_sub(width(text));
        self.gap(blanks).column_of(text, columns - blanks, style)
    }

    /// Leaves columns blank.
    pub(super) fn gap(&mut self, columns: u16) -> &mut Self {
        self.x = self.x.saturating_add(columns).min(self.end);
        self
    }

    /// Writes a text at the right end, if all of it fits with a column to spare, and keeps what
    /// is written from the left away from it.
    pub(super) fn right(&mut self, text: &str, style: Style) -> bool {
        let clean = visible(text);
        let columns = width(&clean);
        if columns == 0 || columns.saturating_add(1) > self.room() {
            return false;
        }
        let (x, end) = (self.x, self.end - columns);
        self.x = end;
        self.raw(&clean, style);
        (self.x, self.end) = (x, end);
        true
    }

    /// Takes columns away from the right end.
    pub(super) fn right_gap(&mut self, columns: u16) {
        self.end = self.end.saturating_sub(columns).max(self.x);
    }

    /// Fills what is left with one character of one column.
    pub(super) fn fill(&mut self, symbol: &str, style: Style) {
        while self.x < self.end {
            put_cell(self.buf, self.x, self.y, symbol, 1, style);
            self.x += 1;
        }
    }

    /// Writes a sanitised text as far as there is room.
    pub(super) fn raw(&mut self, text: &str, style: Style) {
        for (symbol, columns) in cells(text) {
            if self.x.saturating_add(columns) > self.end {
                break;
            }
            put_cell(self.buf, self.x, self.y, symbol, columns, style);
            self.x += columns;
        }
    }
}

/// Writes one grapheme of so many columns into its cells.
pub(super) fn put_cell(buf: &mut Buffer, x: u16, y: u16, symbol: &str, columns: u16, style: Style) {
    let Some(cell) = buf.cell_mut((x, y)) else { return };
    cell.set_symbol(symbol).set_style(style);
    for next in 1..columns {
        if let Some(cell) = buf.cell_mut((x + next, y)) {
            cell.set_symbol(" ").set_style(style);
        }
    }
}

/// The graphemes of a sanitised text with their columns. A mark without a base gets a circle
/// to stand on, and a pile of marks is taken down to a few.
pub(super) fn cells(text: &str) -> impl Iterator<Item = (&str, u16)> {
    // Each is one of its own in plain ASCII, and most texts are that.
    let letters = text.is_ascii().then(|| (0..text.len()).filter_map(|at| text.get(at..=at)));
    let graphemes = letters.is_none().then(|| text.graphemes(true));
    letters.into_iter().flatten().chain(graphemes.into_iter().flatten()).map(|grapheme| {
        if grapheme.len() == 1 {
            return (grapheme, 1);
        }
        // A picture is put together of several.
        let most = if is_joined(grapheme) { MAX_JOINED } else { MAX_MARKS };
        let short = match grapheme.char_indices().nth(most) {
            // What is cut off is not to be joined with what comes next.
            Some((end, _)) => grapheme.split_at(end).0.trim_end_matches('\u{200D}'),
            None => grapheme,
        };
        match short.width() as u16 {
            0 => ("◌", 1),
            columns => (short, columns),
        }
    })
}

/// Tells whether a grapheme is put together of several by joiners, with no marks on it.
fn is_joined(grapheme: &str) -> bool {
    grapheme.contains('\u{200D}')
        && grapheme
            .chars()
            .all(|c| matches!(c, '\u{200D}' | '\u{FE0F}') || c.width().is_some_and(|columns| columns > 0))
}

/// The columns a text takes, once sanitised.
pub(super) fn width(text: &str) -> u16 {
    let clean = visible(text);
    if clean.is_ascii() {
        return u16::try_from(clean.len()).unwrap_or(u16::MAX);
    }
    cells(&clean).fold(0, |sum, (_, columns)| sum.saturating_add(columns))
}

/// No more of a text than could matter for so many columns, so that a line of megabytes costs
/// no more than a short one. Tells whether something was left out.
fn head(text: &str, columns: u16) -> (&str, bool) {
    let most = usize::from(columns) * 16 + 64;
    if text.len() <= most {
        return (text, false);
    }
    let mut end = most;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    (text.split_at(end).0, true)
}

/// As much of a sanitised text as fits into so many columns, with one kept for `…` where it
/// has to be cut.
fn fit(text: &str, columns: u16) -> (&str, bool) {
    if text.is_ascii() && text.len() <= usize::from(columns) {
        return (text, false);
    }
    let (mut used, mut bytes, mut kept) = (0_u16, 0, 0);
    for (grapheme, (_, wide)) in text.graphemes(true).zip(cells(text)) {
        used = used.saturating_add(wide);
        if used > columns {
            return (text.split_at(kept).0, true);
        }
        bytes += grapheme.len();
        if used < columns {
            kept = bytes;
        }
    }
    (text, false)
}

/// As much of a text as there is room for, with a mark where it was cut.
pub(super) fn cut(text: &str, room: u16) -> String {
    let text = visible(text);
    if width(&text) <= room {
        return text.into_owned();
    }
    let (mut kept, mut used) = (String::new(), 0);
    for (cell, columns) in cells(&text) {
        used += columns;
        if used + 1 > room {
            break;
        }
        kept.push_str(cell);
    }
    kept + "…"
}

/// Breaks a sanitised line into pieces of at most so many columns, at spaces where it can.
pub(super) fn wrap(line: &str, columns: u16) -> Vec<&str> {
    wrap_ranges(line, columns, columns).filter_map(|range| line.get(range)).collect()
}

/// The same as ranges of bytes, with a width of its own for the first piece.
pub(super) fn wrap_ranges(line: &str, first: u16, columns: u16) -> impl Iterator<Item = Range<usize>> {
    let (mut at, mut room) = (Some(0), first.max(2));
    std::iter::from_fn(move || {
        let start = at?;
        let rest = line.get(start..)?;
        let Some(end) = break_at(rest, room, columns.max(2)) else {
            at = None;
            return Some(start..line.len());
        };
        room = columns.max(2);
        let (piece, after) = rest.split_at(end);
        at = Some(line.len() - after.trim_start_matches(' ').len());
        Some(start..start + piece.trim_end_matches(' ').len())
    })
}

/// Where a line that is too long is to be broken; `None` if it fits. A word that has to be broken
/// in the `next` line too is broken in this one, rather than leaving it empty.
fn break_at(line: &str, columns: u16, next: u16) -> Option<usize> {
    let (mut used, mut space) = (0_u16, None);
    for ((at, grapheme), (_, wide)) in line.grapheme_indices(true).zip(cells(line)) {
        used = used.saturating_add(wide);
        if used > columns {
            return Some(match space {
                Some(space) if !is_wider(line.get(space..).unwrap_or_default(), next) => space,
                Some(space) if at < space + 8 => space,
                // The first grapheme is taken whatever its width, so that it goes on.
                _ => at.max(grapheme.len()),
            });
        }
        if grapheme == " " && at > 0 {
            space = Some(at + 1);
        }
    }
    None
}

/// Tells whether the first word of a text takes more than so many columns.
fn is_wider(text: &str, columns: u16) -> bool {
    width(text.split(' ').next().unwrap_or_default()) > columns
}

/// Replaces what must never reach a terminal, wherever it came from, and wide characters that
/// hang over an edge. The last line of defence: all that is drawn was sanitised before.
pub(super) fn sweep(buf: &mut Buffer) {
    let width = buf.area.width;
    for (index, cell) in buf.content.iter_mut().enumerate() {
        let symbol = cell.symbol();
        if let [byte] = symbol.as_bytes()
            && matches!(byte, 0x20..=0x7e)
        {
            continue;
        }
        let left = width - (index % usize::from(width)) as u16;
        // Columns are counted near the edge only: it is what this would cost most on.
        let over = left < 4 && cell.cell_width() > left;
        if over || symbol.is_empty() || !is_plain_cell(symbol) {
            cell.set_symbol(if symbol.is_empty() { " " } else { "?" });
        }
    }
}

/// Draws in plain ASCII what was drawn in other characters. Letters of a text stay what they are: to take
/// them away would take the text away.
pub(super) fn plain(buf: &mut Buffer) {
    for cell in &mut buf.content {
        if let Some(symbol) = plain_symbol(cell.symbol()) {
            cell.set_symbol(symbol);
        }
    }
}

/// What stands for a character of drawing in plain ASCII; `None`: it is none.
fn plain_symbol(symbol: &str) -> Option<&'static str> {
    let mut chars = symbol.chars();
    let first = chars.next().filter(|c| !c.is_ascii())?;
    Some(match first {
        '─' | '╌' | '┈' | '–' | '—' => "-",
        '│' | '‖' | '▌' => "|",
        '┊' | '╎' | '╷' => ":",
        '╭' | '╮' | '╰' | '╯' | '┌' | '┐' | '└' | '┘' | '├' | '┤' | '┬' | '┴' | '┼' => {
            "+"
        }
        '✓' | '▼' | '↓' => "v",
        '✗' | '×' => "x",
        '▲' | '△' | '↑' => "^",
        '▶' | '▸' | '→' | '⇒' | '❯' | '≥' | '›' => ">",
        '←' | '↶' | '⏎' | '≤' => "<",
        '·' | '∙' | '…' | '░' => ".",
        '●' | '◆' | '★' | '•' | '\u{2800}'..='\u{28ff}' => "*",
        '○' => "o",
        '■' | '█' | '▅' | '▆' | '▇' | '▀' => "#",
        '▃' | '▄' | '≡' | '━' => "=",
        '▁' | '▂' | '␣' => "_",
        '⚑' => "!",
        '✎' | '±' | '≈' => "~",
        '◎' | '⏱' => "@",
        '☎' => "&",
        '✉' => "%",
        '“' | '”' => "\"",
        '’' | '‘' => "'",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(columns: u16, draw: impl FnOnce(&mut Pen<'_>)) -> String {
        let area = Rect::new(0, 0, columns, 1);
        let mut buf = Buffer::empty(area);
        draw(&mut Pen::new(&mut buf, area, 0));
        let mut out = String::new();
        let mut skip = 0;
        for cell in &buf.content {
            if skip > 0 {
                skip -= 1;
                continue;
            }
            out.push_str(cell.symbol());
            skip = cell.cell_width().saturating_sub(1);
        }
        out
    }

    #[test]
    fn every_character_of_drawing_has_one_in_plain_ascii_and_letters_stay() {
        for symbol in ["─", "╭", "✓", "✗", "▲", "⠒", "▇", "▌"] {
            let plain = plain_symbol(symbol);
            assert!(plain.is_some_and(|plain| plain.len() == 1), "{symbol}");
        }
        assert_eq!((plain_symbol("x"), plain_symbol("世"), plain_symbol("é")), (None, None, None));
    }

    #[test]
    fn a_word_that_fits_no_line_begins_on_the_one_it_is_on() {
        let long = "x".repeat(30);
        let half = "x".repeat(15);
        assert_eq!(wrap(&format!("sets {long}"), 20), [format!("sets {half}"), half]);
        // One that does fit the next is not broken, and no stump of one is left behind.
        assert_eq!(wrap("0123456789 abcdefghijkl", 20), ["0123456789", "abcdefghijkl"]);
        assert_eq!(wrap(&format!("0123456789 0123 {long}"), 20)[0], "0123456789 0123");
    }

    #[test]
    fn a_text_is_cut_with_an_ellipsis_and_never_inside_a_wide_character() {
        let put = |text: &str, columns| {
            line(columns, |pen| {
                pen.put(text, Style::new());
            })
        };
        assert_eq!(put("pool limit", 10), "pool limit");
        assert_eq!(put("pool limit", 6), "pool …");
        assert_eq!(put("世界世界", 8), "世界世界");
        assert_eq!(put("世界世界", 7), "世界世…");
        assert_eq!(put("世界世界", 6), "世界… ");
        assert_eq!(put("x", 0), "");
        assert_eq!(put("世", 1), "…");
        assert_eq!(put(&"x".repeat(1_000_000), 4), "xxx…");
    }

    #[test]
    fn what_could_deceive_or_break_the_line_does_neither() {
        let put = |text: &str| {
            line(24, |pen| {
                pen.put(text, Style::new()).put("|", Style::new());
            })
        };
        assert!(put("a\u{202E}b").starts_with("a<U+202E>b|"));
        assert!(put("\u{1b}[2J").starts_with("<U+001B>[2J|"));
        assert!(put("a\nb\tc").starts_with("a⏎b c|"));
        assert!(put("\u{301}x").starts_with("◌x|"), "{}", put("\u{301}x"));
        let pile = format!("a{}b", "\u{301}".repeat(500));
        let drawn = line(24, |pen| {
            pen.put(&pile, Style::new());
        });
        assert!(drawn.chars().count() < 32, "{drawn}");
    }

    #[test]
    fn left_and_right_never_meet() {
        let both = |columns| {
            line(columns, |pen| {
                pen.right("maya", Style::new());
                pen.put("a long text", Style::new());
            })
        };
        assert_eq!(both(16), "a long text maya");
        assert_eq!(both(12), "a long …maya");
        assert_eq!(both(4), "a l…");
    }

    #[test]
    fn lines_break_at_spaces_and_lose_nothing_but_spaces() {
        assert_eq!(wrap("raise the pool limit", 10), ["raise the", "pool limit"]);
        assert_eq!(wrap("abcdefghij", 4), ["abcd", "efgh", "ij"]);
        assert_eq!(wrap("世界世界", 3), ["世", "界", "世", "界"]);
        assert_eq!(wrap("", 4), [""]);
        assert_eq!(wrap(" x", 1), [" x"]);
    }

    #[test]
    fn the_sweep_lets_nothing_through() {
        let mut buf = Buffer::empty(Rect::new(0, 0, 3, 1));
        buf[(0, 0)].set_symbol("\u{1b}]52;c;eA==\u{7}");
        buf[(1, 0)].set_symbol("a\u{202E}");
        buf[(2, 0)].set_symbol("世");
        sweep(&mut buf);
        assert_eq!(buf.content.iter().map(ratatui::buffer::Cell::symbol).collect::<String>(), "???");
    }
}
