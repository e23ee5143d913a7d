//! What a frame changes on the terminal, in as few bytes as it takes.
//!
//! Cells are compared with those of the frame before. Colours are sent only where they change,
//! and not for blanks that do not show them: on a slow line every byte is felt.

use std::io::Write as _;

use ratatui::buffer::{Buffer, Cell, CellWidth as _};
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier};

/// Modifiers that are seen on a blank, too.
const SEEN_ON_BLANKS: Modifier = Modifier::UNDERLINED.union(Modifier::REVERSED).union(Modifier::CROSSED_OUT);

/// Each modifier with the parameter that turns it on.
const MODIFIERS: [(Modifier, u8); 9] = [
    (Modifier::BOLD, 1),
    (Modifier::DIM, 2),
    (Modifier::ITALIC, 3),
    (Modifier::UNDERLINED, 4),
    (Modifier::SLOW_BLINK, 5),
    (Modifier::RAPID_BLINK, 6),
    (Modifier::REVERSED, 7),
    (Modifier::HIDDEN, 8),
    (Modifier::CROSSED_OUT, 9),
];

/// The cells of the terminal, as they are and as they will be.
#[derive(Debug)]
pub struct Canvas {
    shown: Buffer,
    next: Buffer,
    /// Whether nothing is known of what the terminal shows.
    anew: bool,
}

/// What no cell holds.
const TORN: &str = "\u{e000}";

impl Canvas {
    /// Has the second half of every wide character that goes drawn anew: the terminal blanks it as it
    /// writes over the first, in the style of what is written.
    fn tear(&mut self) {
        for at in 1..self.shown.content.len() {
            let before = &self.shown.content[at - 1];
            if before.symbol().len() > 1 && before.cell_width() > 1 && *before != self.next.content[at - 1] {
                self.shown.content[at].set_symbol(TORN);
            }
        }
    }

    /// A canvas of so many columns and rows, for a terminal that shows anything.
    pub fn new(columns: u16, rows: u16) -> Self {
        let blank = Buffer::empty(Rect::new(0, 0, columns, rows));
        Self { shown: blank.clone(), next: blank, anew: true }
    }

    /// Takes another size; what was shown is forgotten.
    pub fn resize(&mut self, columns: u16, rows: u16) {
        *self = Self::new(columns, rows);
    }

    /// Forgets what was shown: the terminal may hold something else.
    pub fn forget(&mut self) {
        self.shown.reset();
        self.anew = true;
    }

    /// Paints a frame on blank cells and returns, besides what painting returned, the bytes
    /// that make the terminal show it; none if it shows it already.
    pub fn frame<T>(&mut self, paint: impl FnOnce(&mut Buffer) -> T) -> (T, Vec<u8>) {
        self.next.reset();
        let painted = paint(&mut self.next);
        let mut out = Out { bytes: Vec::new(), style: Look::PLAIN, at: None };
        if std::mem::take(&mut self.anew) {
            out.bytes.extend_from_slice(b"\x1b[0m\x1b[2J");
        }
        self.tear();
        for (x, y, cell) in self.shown.diff_iter(&self.next) {
            out.cell(x, y, cell, self.next.area.width);
        }
        if out.style != Look::PLAIN {
            out.bytes.extend_from_slice(b"\x1b[0m");
        }
        std::mem::swap(&mut self.shown, &mut self.next);
        (painted, out.bytes)
    }
}

/// How the terminal writes, or is to write, a character.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Look {
    fg: Color,
    bg: Color,
    modifiers: Modifier,
}

impl Look {
    const PLAIN: Self = Self { fg: Color::Reset, bg: Color::Reset, modifiers: Modifier::empty() };
}

/// The bytes so far, and what they leave the terminal in.
struct Out {
    bytes: Vec<u8>,
    style: Look,
    /// Where the cursor is, where that is certain.
    at: Option<(u16, u16)>,
}

impl Out {
    fn cell(&mut self, x: u16, y: u16, cell: &Cell, columns: u16) {
        self.go(x, y);
        let mut look = Look { fg: cell.fg, bg: cell.bg, modifiers: cell.modifier };
        if cell.symbol() == " " && !(look.modifiers | self.style.modifiers).intersects(SEEN_ON_BLANKS) {
            (look.fg, look.modifiers) = (self.style.fg, self.style.modifiers);
        }
        self.take(look);
        self.bytes.extend_from_slice(cell.symbol().as_bytes());
        // Terminals do not agree on how wide some characters are, nor on what is behind the
        // last column.
        self.at = (cell.cell_width() == 1 && x + 1 < columns).then_some((x + 1, y));
    }

    fn go(&mut self, x: u16, y: u16) {
        // Writing into a vector cannot fail.
        let _ = match self.at {
            Some(at) if at == (x, y) => Ok(()),
            Some((before, line)) if line == y && before < x => write!(self.bytes, "\x1b[{}C", x - before),
            _ => write!(self.bytes, "\x1b[{};{}H", y + 1, x + 1),
        };
    }

    /// Changes how the terminal writes, in one sequence.
    fn take(&mut self, look: Look) {
        if look == self.style {
            return;
        }
        self.bytes.extend_from_slice(b"\x1b[");
        if !look.modifiers.contains(self.style.modifiers) {
            // Some of them can only be turned off together with others.
            self.bytes.extend_from_slice(b"0;");
            self.style = Look::PLAIN;
        }
        for (modifier, on) in MODIFIERS {
            if look.modifiers.difference(self.style.modifiers).contains(modifier) {
                let _ = write!(self.bytes, "{on};");
            }
        }
        if look.fg != self.style.fg {
            color(&mut self.bytes, look.fg, 30);
        }
        if look.bg != self.style.bg {
            color(&mut self.bytes, look.bg, 40);
        }
        self.style = look;
        // Each parameter has put a semicolon behind it.
        self.bytes.pop();
        self.bytes.push(b'm');
    }
}

/// Writes the parameters of a colour; `base` is 30 for the text and 40 for what is behind it.
fn color(out: &mut Vec<u8>, color: Color, base: u8) {
    let named = match color {
        Color::Rgb(r, g, b) => {
            let _ = write!(out, "{};2;{r};{g};{b};", base + 8);
            return;
        }
        Color::Indexed(index) => {
            let _ = write!(out, "{};5;{index};", base + 8);
            return;
        }
        Color::Reset => 9,
        Color::Black => 0,
        Color::Red => 1,
        Color::Green => 2,
        Color::Yellow => 3,
        Color::Blue => 4,
        Color::Magenta => 5,
        Color::Cyan => 6,
        Color::Gray => 7,
        Color::DarkGray => 60,
        Color::LightRed => 61,
        Color::LightGreen => 62,
        Color::LightYellow => 63,
        Color::LightBlue => 64,
        Color::LightMagenta => 65,
        Color::LightCyan => 66,
        Color::White => 67,
    };
    let _ = write!(out, "{};", base + named);
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU16;

    use proptest::prelude::*;
    use ratatui::style::Style;

    use super::*;

    const COLUMNS: u16 = 12;
    const ROWS: u16 = 4;

    fn terminal() -> vt100::Parser {
        vt100::Parser::new(NonZeroU16::new(ROWS).unwrap(), NonZeroU16::new(COLUMNS).unwrap(), 0)
    }

    fn expected(color: Color) -> vt100::Color {
        match color {
            Color::Rgb(r, g, b) => vt100::Color::Rgb(r, g, b),
            Color::Indexed(index) => vt100::Color::Idx(index),
            Color::Red => vt100::Color::Idx(1),
            Color::White => vt100::Color::Idx(15),
            _ => vt100::Color::Default,
        }
    }

    /// Whether a terminal shows these cells; the text colour of a blank cannot be seen.
    fn assert_shows(terminal: &vt100::Parser, buffer: &Buffer) {
        for (index, cell) in buffer.content.iter().enumerate() {
            let (x, y) = buffer.pos_of(index);
            let shown = terminal.screen().cell(y, x).unwrap();
            if shown.is_wide_continuation() {
                continue;
            }
            let text = if shown.has_contents() { shown.contents() } else { " " };
            assert_eq!(text, cell.symbol(), "at {x},{y}");
            assert_eq!(shown.bgcolor(), expected(cell.bg), "behind {x},{y}");
            assert_eq!(shown.underline(), cell.modifier.contains(Modifier::UNDERLINED), "at {x},{y}");
            assert_eq!(shown.inverse(), cell.modifier.contains(Modifier::REVERSED), "at {x},{y}");
            if cell.symbol() != " " {
                assert_eq!(shown.fgcolor(), expected(cell.fg), "at {x},{y}");
                assert_eq!(shown.bold(), cell.modifier.contains(Modifier::BOLD), "at {x},{y}");
                assert_eq!(shown.italic(), cell.modifier.contains(Modifier::ITALIC), "at {x},{y}");
            }
        }
    }

    #[test]
    fn nothing_new_writes_nothing() {
        let mut canvas = Canvas::new(COLUMNS, ROWS);
        let paint = |buf: &mut Buffer| buf.set_string(1, 1, "calm", Style::new().fg(Color::Red));
        assert!(canvas.frame(paint).1.ends_with(b"calm\x1b[0m"));
        assert_eq!(canvas.frame(paint).1, b"");
        canvas.forget();
        assert!(canvas.frame(paint).1.starts_with(b"\x1b[0m\x1b[2J"));
    }

    #[test]
    fn a_colour_is_sent_once_and_not_for_blanks() {
        let mut canvas = Canvas::new(COLUMNS, ROWS);
        canvas.frame(|_| ());
        let (red, behind) = (Color::Rgb(200, 0, 0), Color::Indexed(17));
        let ((), bytes) = canvas.frame(|buf| {
            buf.set_string(0, 0, "ab cd", Style::new().fg(red).bg(behind));
            buf.set_string(2, 0, " ", Style::new().fg(Color::White).bg(behind));
        });
        assert_eq!(String::from_utf8_lossy(&bytes), "\x1b[1;1H\x1b[38;2;200;0;0;48;5;17mab cd\x1b[0m");
    }

    #[test]
    fn what_is_written_over_half_of_a_wide_character_leaves_nothing_behind_it() {
        let mut terminal = terminal();
        let mut canvas = Canvas::new(COLUMNS, ROWS);
        let underlined = Style::new().add_modifier(Modifier::UNDERLINED);
        for (x, text, style) in [(1, " aa世世世", Style::new()), (5, "éa", underlined)] {
            let (painted, bytes) = canvas.frame(|buf| {
                buf.set_string(x, 3, text, style);
                buf.clone()
            });
            terminal.process(&bytes);
            assert_shows(&terminal, &painted);
        }
    }

    fn styles() -> impl Strategy<Value = Style> {
        let colors = [Color::Reset, Color::Red, Color::White, Color::Indexed(99), Color::Rgb(1, 2, 3)];
        let color = prop::sample::select(colors.to_vec());
        (color.clone(), color, 0_u8..16).prop_map(|(fg, bg, bits)| {
            let all = [Modifier::BOLD, Modifier::ITALIC, Modifier::UNDERLINED, Modifier::REVERSED];
            let on = all.into_iter().enumerate().filter(|(bit, _)| bits >> bit & 1 == 1);
            let on = on.fold(Modifier::empty(), |sum, (_, modifier)| sum | modifier);
            Style::new().fg(fg).bg(bg).add_modifier(on)
        })
    }

    proptest! {
        #[test]
        fn the_terminal_shows_every_frame(
            frames in prop::collection::vec(
                prop::collection::vec((0..COLUMNS, 0..ROWS, "[ ab世é]{1,6}", styles()), 0..8), 1..5,
            )
        ) {
            let mut terminal = terminal();
            terminal.process(b"what was there before");
            let mut canvas = Canvas::new(COLUMNS, ROWS);
            for frame in frames {
                let (painted, bytes) = canvas.frame(|buf| {
                    for (x, y, text, style) in &frame {
                        buf.set_string(*x, *y, text, *style);
                    }
                    buf.clone()
                });
                terminal.process(&bytes);
                // Text over half of a wide character is for the one who paints to avoid.
                let torn = frame.iter().any(|(_, _, text, _)| text.contains('世')) && frame.len() > 1;
                if torn {
                    canvas.forget();
                } else {
                    assert_shows(&terminal, &painted);
                }
            }
        }
    }
}
