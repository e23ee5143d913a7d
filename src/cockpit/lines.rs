//! Output of a command as lines: what its terminal showed, colour kept, and nothing that could
//! deceive whoever reads it.
//!
//! A line is a row of the terminal that the command had. Carriage returns and cursor moves
//! have done their work by then: a progress bar that went from 0 to 100 is one line.

use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};

use vt100::capture::{BasicFormattedCaptureState, RowContents};

use crate::text::{is_plain, visible};

pub use crate::text::question::SIZE;

/// Most rows that are searched as one line, where one was too long for the terminal.
const LONGEST: usize = 512;

/// How a piece of a line looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Look {
    /// Colour of the text.
    pub fg: vt100::Color,
    /// Colour behind it.
    pub bg: vt100::Color,
    modes: u8,
}

impl Look {
    /// Bold.
    pub const BOLD: u8 = 1;
    /// Dim.
    pub const DIM: u8 = 2;
    /// Italic.
    pub const ITALIC: u8 = 4;
    /// Underlined.
    pub const UNDERLINE: u8 = 8;
    /// Text and ground changed over.
    pub const INVERSE: u8 = 16;

    /// Tells whether a mode is on.
    pub fn has(self, mode: u8) -> bool {
        self.modes & mode != 0
    }

    fn set(&mut self, mode: u8, on: bool) {
        if on {
            self.modes |= mode;
        } else {
            self.modes &= !mode;
        }
    }

    fn of(cell: &vt100::Cell) -> Self {
        let mut look = Self { fg: cell.fgcolor(), bg: cell.bgcolor(), modes: 0 };
        look.set(Self::BOLD, cell.bold());
        look.set(Self::DIM, cell.dim());
        look.set(Self::ITALIC, cell.italic());
        look.set(Self::UNDERLINE, cell.underline());
        look.set(Self::INVERSE, cell.inverse());
        look
    }

    /// Takes in the numbers between `ESC [` and `m`.
    fn select(&mut self, numbers: &str) {
        let mut numbers = numbers.split([';', ':']).map(|number| number.parse::<u8>().unwrap_or(0));
        while let Some(number) = numbers.next() {
            match number {
                0 => *self = Self::default(),
                1 => self.set(Self::BOLD, true),
                2 => self.set(Self::DIM, true),
                3 => self.set(Self::ITALIC, true),
                4 => self.set(Self::UNDERLINE, true),
                7 => self.set(Self::INVERSE, true),
                22 => self.set(Self::BOLD | Self::DIM, false),
                23 => self.set(Self::ITALIC, false),
                24 => self.set(Self::UNDERLINE, false),
                27 => self.set(Self::INVERSE, false),
                30..=37 => self.fg = vt100::Color::Idx(number - 30),
                38 => self.fg = color(&mut numbers),
                39 => self.fg = vt100::Color::Default,
                40..=47 => self.bg = vt100::Color::Idx(number - 40),
                48 => self.bg = color(&mut numbers),
                49 => self.bg = vt100::Color::Default,
                90..=97 => self.fg = vt100::Color::Idx(number - 82),
                100..=107 => self.bg = vt100::Color::Idx(number - 92),
                _ => {}
            }
        }
    }
}

/// The colour that follows a 38 or 48.
fn color(numbers: &mut impl Iterator<Item = u8>) -> vt100::Color {
    let mut next = || numbers.next().unwrap_or(0);
    match next() {
        5 => vt100::Color::Idx(next()),
        2 => vt100::Color::Rgb(next(), next(), next()),
        _ => vt100::Color::Default,
    }
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Line {
    /// What it says, sanitised, without blanks at its end.
    pub text: String,
    /// Where each look ends, in bytes, and the look.
    pub runs: Vec<(usize, Look)>,
    /// Whether it goes on from the line above, which was too long for the terminal.
    pub joined: bool,
}

impl Line {
    /// A line that was not output: it says something about it.
    pub fn plain(text: impl Into<String>) -> Self {
        let text = text.into();
        Self { runs: vec![(text.len(), Look::default())], text, joined: false }
    }

    /// Appends text of one look, with marks for what could deceive.
    fn push(&mut self, text: &str, look: Look) {
        if text.bytes().all(|byte| (0x20..0x7f).contains(&byte)) {
            self.text.push_str(text);
        } else {
            for c in text.chars() {
                // Which picture of the character before is meant: nothing to see by itself.
                let picks = matches!(c, '\u{FE0E}' | '\u{FE0F}');
                if is_plain(c) {
                    self.text.push(c);
                } else if !(picks && self.text.chars().next_back().is_some_and(|before| !before.is_ascii())) {
                    self.text.push_str(&visible(c.encode_utf8(&mut [0; 4])));
                }
            }
        }
        let end = self.text.len();
        match self.runs.last_mut() {
            Some((last, before)) if *before == look => *last = end,
            _ => self.runs.push((end, look)),
        }
    }

    /// Takes blanks away that nobody can see.
    fn trim(&mut self) {
        while let Some((_, look)) = self.runs.last().copied() {
            let start = self.runs.iter().rev().nth(1).map_or(0, |(end, _)| *end);
            let bare = look == Look { fg: look.fg, ..Look::default() };
            let kept = self.text.trim_end_matches(' ').len().max(start);
            if !bare || kept == self.text.len() {
                return;
            }
            self.text.truncate(kept);
            if kept > start {
                self.runs.last_mut().expect("it was there").0 = kept;
                return;
            }
            self.runs.pop();
        }
    }
}

/// A row of a terminal as a line.
pub fn of_row(screen: &vt100::Screen, row: u16) -> Line {
    let mut line = Line { joined: row > 0 && screen.row_wrapped(row - 1), ..Line::default() };
    for column in 0..screen.size().1.get() {
        let Some(cell) = screen.cell(row, column) else { break };
        if !cell.is_wide_continuation() {
            line.push(if cell.has_contents() { cell.contents() } else { " " }, Look::of(cell));
        }
    }
    line.trim();
    line
}

/// Rows of a terminal up to the last one with something on it or with the cursor.
pub fn used(screen: &vt100::Screen) -> u16 {
    let (rows, columns) = (screen.size().0.get(), screen.size().1.get());
    let (row, column) = screen.cursor_position();
    // A cursor at the start of a fresh line adds nothing to see.
    let by_cursor = if column == 0 { row } else { row + 1 };
    let blank = |row: u16| {
        (0..columns).all(|column| {
            screen.cell(row, column).is_none_or(|cell| !cell.has_contents() || cell.contents() == " ")
        })
    };
    let mut end = rows;
    while end > by_cursor && blank(end - 1) {
        end -= 1;
    }
    end
}

/// Takes output in and tells the lines that have left the screen for good.
///
/// Its memory is that of one screen, and of the lines nobody has taken yet.
pub struct Decoder {
    parser: vt100::Parser<Left>,
    /// The beginning of what may become an order to clear the screen.
    held: Vec<u8>,
}

/// What has left the screen.
#[derive(Default)]
struct Left {
    /// Whether the lines themselves are wanted.
    keep: bool,
    count: usize,
    lines: Vec<Line>,
    state: BasicFormattedCaptureState,
    look: Look,
    scratch: String,
}

impl vt100::Callbacks for Left {
    fn on_scroll(&mut self, row: RowContents<'_>, alternate_screen: bool) {
        if alternate_screen {
            return;
        }
        self.count += 1;
        if !self.keep {
            return;
        }
        self.scratch.clear();
        // Writing into a string cannot fail.
        let _ = row.write_formatted_basic(&mut self.scratch, &mut self.state);
        // The emulator writes a line break where the row before did not run over.
        let (text, joined) = match self.scratch.strip_prefix('\n') {
            Some(text) => (text, false),
            None => (self.scratch.as_str(), self.count > 1),
        };
        let mut line = Line { joined, ..Line::default() };
        let mut pieces = text.split('\x1b');
        line.push_some(pieces.next().unwrap_or_default(), self.look);
        for piece in pieces {
            let (numbers, rest) = piece.split_once('m').unwrap_or((piece, ""));
            self.look.select(numbers.trim_start_matches('['));
            line.push_some(rest, self.look);
        }
        line.trim();
        self.lines.push(line);
    }
}

impl Line {
    fn push_some(&mut self, text: &str, look: Look) {
        if !text.is_empty() {
            self.push(text, look);
        }
    }
}

impl std::fmt::Debug for Decoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Decoder").field("count", &self.parser.callbacks().count).finish_non_exhaustive()
    }
}

impl Decoder {
    /// From a screen, or an empty one. `keep` says whether the lines are wanted or only their
    /// number.
    pub fn new(screen: Option<&vt100::Screen>, keep: bool) -> Self {
        let left = Left { keep, ..Left::default() };
        let mut parser = vt100::Parser::new_with_callbacks(SIZE.0, SIZE.1, 0, left);
        if let Some(screen) = screen {
            parser.screen_mut().clone_from(screen);
        }
        Self { parser, held: Vec::new() }
    }

    /// Takes output in.
    pub fn feed(&mut self, bytes: &[u8]) {
        let joined = if self.held.is_empty() {
            None
        } else {
            self.held.extend_from_slice(bytes);
            Some(std::mem::take(&mut self.held))
        };
        let bytes = joined.as_deref().unwrap_or(bytes);
        let mut fed = 0;
        for (at, _) in bytes.iter().enumerate().filter(|(_, byte)| **byte == 0x1b) {
            let rest = bytes.get(at..).unwrap_or_default();
            match clears(rest) {
                Clears::No => continue,
                // Known only with what comes next.
                Clears::Perhaps => {
                    self.process(bytes.get(fed..at).unwrap_or_default());
                    self.held = rest.to_vec();
                    return;
                }
                Clears::All | Clears::Rest => {}
            }
            self.process(bytes.get(fed..at).unwrap_or_default());
            fed = at;
            let whole = clears(rest) == Clears::All || self.screen().cursor_position() == (0, 0);
            if whole && !self.screen().alternate_screen() {
                self.keep_screen();
            }
        }
        self.process(bytes.get(fed..).unwrap_or_default());
    }

    fn process(&mut self, bytes: &[u8]) {
        let parser = &mut self.parser;
        if catch_unwind(AssertUnwindSafe(|| parser.process(bytes))).is_err() {
            // Output made to break emulators: what it broke is made anew.
            let left = std::mem::take(self.parser.callbacks_mut());
            self.parser = vt100::Parser::new_with_callbacks(SIZE.0, SIZE.1, 0, left);
        }
    }

    /// What is about to be wiped from the screen was output all the same.
    fn keep_screen(&mut self) {
        let lines = self.on_screen();
        let left = self.parser.callbacks_mut();
        left.count += lines.len();
        if left.keep {
            left.lines.extend(lines);
        }
    }

    /// The lines that are on the screen now.
    pub fn on_screen(&self) -> Vec<Line> {
        let screen = self.screen();
        (0..used(screen)).map(|row| of_row(screen, row)).collect()
    }

    /// Number of lines that have left the screen.
    pub fn count(&self) -> usize {
        self.parser.callbacks().count
    }

    /// Takes the lines that have left the screen since the last time.
    pub fn take(&mut self) -> Vec<Line> {
        std::mem::take(&mut self.parser.callbacks_mut().lines)
    }

    /// The screen.
    pub fn screen(&self) -> &vt100::Screen {
        self.parser.screen()
    }

    /// Bytes at the end of what was fed that have had no effect yet.
    pub fn held(&self) -> usize {
        self.held.len()
    }
}

/// Whether a sequence wipes the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Clears {
    No,
    /// It may: the rest is not there yet.
    Perhaps,
    /// All of it.
    All,
    /// From the cursor on, which is all of it at the upper left corner.
    Rest,
}

fn clears(sequence: &[u8]) -> Clears {
    const ORDERS: [(&[u8], Clears); 4] = [
        (b"\x1b[2J", Clears::All),
        (b"\x1bc", Clears::All),
        (b"\x1b[J", Clears::Rest),
        (b"\x1b[0J", Clears::Rest),
    ];
    let found = ORDERS.iter().find(|(order, _)| sequence.starts_with(order));
    match found {
        Some((_, clears)) => *clears,
        None if ORDERS.iter().any(|(order, _)| order.starts_with(sequence)) => Clears::Perhaps,
        None => Clears::No,
    }
}

/// A text that is looked for: in any case, unless it has an upper-case letter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Needle {
    text: String,
    exact: bool,
}

impl Needle {
    /// Looks for a text.
    pub fn new(text: &str) -> Self {
        let exact = text.chars().any(char::is_uppercase);
        Self { text: if exact { text.to_owned() } else { text.to_lowercase() }, exact }
    }

    /// Where it is in a text, in bytes.
    pub fn find(&self, text: &str) -> Vec<Range<usize>> {
        if self.text.is_empty() {
            return Vec::new();
        }
        let places = |hay: &str| -> Vec<Range<usize>> {
            hay.match_indices(&self.text).map(|(at, found)| at..at + found.len()).collect()
        };
        if self.exact {
            return places(text);
        }
        if text.is_ascii() {
            return places(&text.to_ascii_lowercase());
        }
        // Small letters may take more bytes than large ones.
        let (mut small, mut origin) = (String::with_capacity(text.len()), Vec::with_capacity(text.len() + 1));
        for (at, c) in text.char_indices() {
            for lower in c.to_lowercase() {
                small.push(lower);
                origin.resize(small.len(), at);
            }
        }
        origin.push(text.len());
        let of = |at: usize| origin.get(at).copied().unwrap_or(text.len());
        places(&small).into_iter().map(|found| of(found.start)..of(found.end)).collect()
    }

    /// Where it is in lines: the line, the byte in it, and how many bytes, which may run on
    /// into the lines that are joined to it.
    pub fn find_in(&self, lines: &[Line]) -> Vec<(usize, usize, usize)> {
        let mut found = Vec::new();
        let mut first = 0;
        while first < lines.len() {
            let more = lines.iter().skip(first + 1).take(LONGEST).take_while(|line| line.joined).count();
            if more == 0 {
                let places = self.find(&lines[first].text);
                found.extend(places.into_iter().map(|place| (first, place.start, place.len())));
            } else {
                let mut starts = Vec::with_capacity(more + 1);
                let mut whole = String::new();
                for line in &lines[first..=first + more] {
                    starts.push(whole.len());
                    whole.push_str(&line.text);
                }
                for place in self.find(&whole) {
                    let row = starts.partition_point(|start| *start <= place.start).saturating_sub(1);
                    found.push((first + row, place.start - starts[row], place.len()));
                }
            }
            first += more + 1;
        }
        found
    }
}

/// Lines as text to copy: those that belong together are put together again.
pub fn text_of<'a>(lines: impl IntoIterator<Item = &'a Line>) -> String {
    let mut text = String::new();
    for (index, line) in lines.into_iter().enumerate() {
        if index > 0 && !line.joined {
            text.push('\n');
        }
        text.push_str(&line.text);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(pieces: &[&[u8]]) -> Vec<Line> {
        let mut decoder = Decoder::new(None, true);
        for piece in pieces {
            decoder.feed(piece);
        }
        let mut lines = decoder.take();
        assert_eq!(lines.len(), decoder.count());
        lines.extend(decoder.on_screen());
        lines
    }

    fn texts(pieces: &[&[u8]]) -> Vec<String> {
        decoded(pieces).into_iter().map(|line| line.text).collect()
    }

    #[test]
    fn a_finished_progress_bar_is_one_line() {
        let mut output = b"begin\r\n".to_vec();
        for percent in 0..=100 {
            output.extend(format!("\r\x1b[K[{}] {percent} %", "#".repeat(percent / 10)).into_bytes());
        }
        output.extend(b"\r\nend\r\n");
        // Bars that are drawn one above the other.
        output.extend(b"a 0\r\nb 0\r\n");
        for step in 1..=9 {
            output.extend(format!("\x1b[2A\r\x1b[Ka {step}\r\n\x1b[Kb {step}\r\n").into_bytes());
        }
        assert_eq!(texts(&[&output]), ["begin", "[##########] 100 %", "end", "a 9", "b 9"]);
    }

    #[test]
    fn lines_are_the_same_however_the_output_is_cut() {
        let mut output = Vec::new();
        for n in 0..200 {
            output.extend(format!("\x1b[3{}mline {n}\x1b[0m \x1b[1;38;5;200mé世\x1b[m\r\n", n % 8).bytes());
            if n == 100 {
                output.extend(b"\x1b[H\x1b[2J\x1b[3Jcleared\r\n");
            }
        }
        let whole = decoded(&[&output]);
        assert_eq!(whole.len(), 201, "what was cleared away is kept");
        assert_eq!(whole[7].text, "line 7 é世");
        assert_eq!(whole[7].runs[0], (6, Look { fg: vt100::Color::Idx(7), ..Look::default() }));
        assert!(whole[7].runs[2].1.has(Look::BOLD));
        let mut decoder = Decoder::new(None, true);
        for byte in &output {
            decoder.feed(std::slice::from_ref(byte));
        }
        let mut bytewise = decoder.take();
        bytewise.extend(decoder.on_screen());
        assert_eq!(bytewise, whole);
    }

    #[test]
    fn decoding_goes_on_from_a_screen_as_if_it_had_never_stopped() {
        let output: Vec<u8> = (0..300).flat_map(|n| format!("\x1b[4mrow {n}\r\n").into_bytes()).collect();
        let (before, after) = output.split_at(1500);
        let mut first = Decoder::new(None, true);
        first.feed(before);
        let mut second = Decoder::new(Some(first.screen()), true);
        second.feed(after);
        let mut lines = first.take();
        lines.extend(second.take());
        lines.extend(second.on_screen());
        let whole = decoded(&[&output]);
        assert_eq!(lines.len(), whole.len());
        assert!(lines.iter().zip(&whole).all(|(a, b)| a.text == b.text && a.runs == b.runs));
    }

    #[test]
    fn what_could_deceive_is_marked_and_the_rest_stays() {
        assert_eq!(texts(&["a\u{202E}b \u{200B}⚠\u{FE0F} x".as_bytes()]), ["a<U+202E>b <U+200B>⚠ x"]);
    }

    #[test]
    fn a_line_too_long_for_the_terminal_is_found_and_copied_as_one() {
        let output = format!("{}needle{}\r\nnext", "x".repeat(117), "y".repeat(10));
        let lines = decoded(&[output.as_bytes()]);
        assert_eq!(lines.len(), 3);
        assert!(lines[1].joined && !lines[2].joined);
        assert_eq!(Needle::new("needle").find_in(&lines), [(0, 117, 6)]);
        assert_eq!(text_of(&lines), output.replace('\r', ""));
    }

    #[test]
    fn a_needle_finds_any_case_unless_it_has_an_upper_case_letter() {
        assert_eq!(Needle::new("pool").find("Pool POOL pool").len(), 3);
        assert_eq!(Needle::new("Pool").find("Pool POOL pool").first(), Some(&(0..4)));
        assert_eq!(Needle::new("POOL").find("Pool POOL pool").len(), 1);
        assert_eq!(Needle::new("é").find("aÉé"), [1..3, 3..5]);
        // Its small form is longer than itself.
        assert_eq!(Needle::new("b").find("İİbB"), [4..5, 5..6]);
        assert!(Needle::new("").find("x").is_empty());
    }
}
