//! Terminal output as text that can do nothing to the terminal it is shown on.

use crate::text::{git, visible};

/// Takes escape sequences out of terminal output, piece by piece: a sequence or a character
/// may be cut anywhere. Line ends become `\n`; what could deceive becomes a visible mark.
#[derive(Debug)]
pub struct Plain {
    /// Whether colours and other styling stay.
    colours: bool,
    state: State,
    /// Text, and a character cut in its middle.
    run: Vec<u8>,
    /// A carriage return whose next byte decides what it was.
    returned: bool,
}

#[derive(Debug)]
enum State {
    Text,
    /// After ESC.
    Escape,
    /// In a control sequence: what came so far.
    Control(Vec<u8>),
    /// In a string of an operating system command or the like, which ends with BEL or ST.
    String,
    /// After ESC in such a string.
    StringEscape,
}

/// Longer control sequences are none.
const LONGEST_CONTROL: usize = 64;

impl Plain {
    /// Begins; `colours` keeps sequences that style text.
    pub fn new(colours: bool) -> Self {
        Self { colours, state: State::Text, run: Vec::new(), returned: false }
    }

    /// Takes in a piece of output and returns the text it completes.
    pub fn feed(&mut self, bytes: &[u8]) -> String {
        let mut out = String::with_capacity(bytes.len());
        for &byte in bytes {
            self.take(byte, &mut out);
        }
        self.end_run(&mut out, false);
        out
    }

    /// The text that is left at the end.
    pub fn finish(&mut self) -> String {
        let mut out = String::new();
        self.end_run(&mut out, true);
        out
    }

    fn take(&mut self, byte: u8, out: &mut String) {
        match &mut self.state {
            State::Text => self.text(byte, out),
            State::Escape => {
                self.state = match byte {
                    b'[' => State::Control(Vec::new()),
                    b']' | b'P' | b'X' | b'^' | b'_' => State::String,
                    // Intermediate bytes: the final one is yet to come.
                    0x20..=0x2f | 0x1b => State::Escape,
                    _ => State::Text,
                };
            }
            State::Control(seen) => match byte {
                0x40..=0x7e => {
                    let styling = byte == b'm' && seen.iter().all(|b| matches!(b, b'0'..=b'9' | b';' | b':'));
                    if styling && self.colours {
                        out.push_str("\u{1b}[");
                        out.extend(seen.iter().map(|&b| char::from(b)));
                        out.push('m');
                    }
                    self.state = State::Text;
                }
                0x1b => self.state = State::Escape,
                // Cancel, substitute.
                0x18 | 0x1a => self.state = State::Text,
                _ if seen.len() >= LONGEST_CONTROL => self.state = State::Text,
                _ => seen.push(byte),
            },
            State::String => match byte {
                0x07 | 0x18 | 0x1a => self.state = State::Text,
                0x1b => self.state = State::StringEscape,
                _ => {}
            },
            State::StringEscape => {
                self.state = if byte == b'\\' { State::Text } else { State::Escape };
                if byte != b'\\' {
                    self.take(byte, out);
                }
            }
        }
    }

    fn text(&mut self, byte: u8, out: &mut String) {
        if self.returned && byte != b'\r' {
            self.returned = false;
            if byte != b'\n' {
                out.push('\n');
            }
        }
        match byte {
            b'\n' => {
                self.end_run(out, true);
                out.push('\n');
            }
            b'\t' => {
                self.end_run(out, true);
                out.push('\t');
            }
            b'\r' => {
                self.end_run(out, true);
                self.returned = true;
            }
            0x1b => {
                self.end_run(out, true);
                self.state = State::Escape;
            }
            0..=0x1f | 0x7f => self.end_run(out, true),
            _ => self.run.push(byte),
        }
    }

    /// Decodes the text gathered; unless it is `whole`, a character cut at its end waits.
    fn end_run(&mut self, out: &mut String, whole: bool) {
        let mut waiting = Vec::new();
        for chunk in self.run.utf8_chunks() {
            out.push_str(&visible(chunk.valid()));
            let cut = std::str::from_utf8(chunk.invalid()).is_err_and(|error| error.error_len().is_none());
            if cut && !whole {
                waiting = chunk.invalid().to_vec();
            } else if !chunk.invalid().is_empty() {
                out.push(char::REPLACEMENT_CHARACTER);
            }
        }
        self.run = waiting;
    }
}

/// Bytes from the end of the output that are looked at for its last line.
const TAIL: usize = 4096;
/// Characters of a last line that are worth showing.
const SUMMARY: usize = 200;
/// How many lines at the end are worth showing to who has no log.
const LINES: usize = 5;

/// Remembers the end of the output, to find its last line.
#[derive(Debug, Default)]
pub(super) struct Tail(Vec<u8>);

impl Tail {
    /// Takes in output.
    pub(super) fn feed(&mut self, bytes: &[u8]) {
        let from = bytes.len().saturating_sub(TAIL);
        self.0.extend_from_slice(bytes.get(from..).unwrap_or_default());
        if self.0.len() > 2 * TAIL {
            self.0.drain(..self.0.len() - TAIL);
        }
    }

    /// What it remembers, as plain text.
    pub(super) fn text(&self) -> String {
        let mut plain = Plain::new(false);
        let mut text = plain.feed(&self.0);
        text.push_str(&plain.finish());
        text
    }

    /// The last lines that say something.
    pub(super) fn lines(&self) -> Vec<String> {
        let text = self.text();
        let said: Vec<&str> =
            text.lines().map(str::trim_end).filter(|line| !line.trim().is_empty()).collect();
        said.iter().skip(said.len().saturating_sub(LINES)).map(|line| short(line)).collect()
    }

    /// The last line that says something; empty if there is none.
    pub(super) fn summary(&self) -> String {
        short(last(&self.text()))
    }

    /// What a command that failed complains of: what git puts behind that are hints, or half a
    /// sentence. Else the last line.
    pub(super) fn complaint(&self) -> String {
        let text = self.text();
        git::why(&text).map_or_else(|| short(last(&text)), |why| short(&why))
    }
}

fn last(text: &str) -> &str {
    text.lines().map(str::trim).rfind(|line| !line.is_empty()).unwrap_or_default()
}

fn short(line: &str) -> String {
    visible(&line.chars().take(SUMMARY).collect::<String>()).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(bytes: &[u8], colours: bool) -> String {
        let mut plain = Plain::new(colours);
        let text = plain.feed(bytes);
        text + &plain.finish()
    }

    #[test]
    fn text_stays_and_line_ends_are_one() {
        assert_eq!(whole("héllo\r\nwörld\tx\n".as_bytes(), false), "héllo\nwörld\tx\n");
        assert_eq!(whole(b"10%\r20%\r\r\n", false), "10%\n20%\n");
    }

    #[test]
    fn nothing_reaches_the_terminal_but_styling() {
        let hostile =
            b"a\x1b]52;c;eA==\x07b\x1b[2Jc\x1b[31mred\x1b[0m\x1bP1$r\x1b\\d\x1b[?1049he\x1b(Bf\x08\x07";
        assert_eq!(whole(hostile, false), "abcreddef");
        assert_eq!(whole(hostile, true), "abc\x1b[31mred\x1b[0mdef");
        assert_eq!(whole(b"\x1b]0;title\x1b[31mx\x07y", true), "\x1b[31mxy");
    }

    #[test]
    fn what_deceives_becomes_visible() {
        assert_eq!(whole("a\u{202E}b\u{9b}31m".as_bytes(), true), "a<U+202E>b<U+009B>31m");
        assert_eq!(whole(b"\xff\xfe ok", false), "\u{fffd}\u{fffd} ok");
    }

    #[test]
    fn pieces_cut_anywhere_give_the_same() {
        let bytes =
            "ä\r\n\u{1b}[1;32m✓\u{1b}[0m \u{1b}]8;;http://x\u{1b}\\link\u{1b}]8;;\u{7} 世\u{202E}\r9%\r\n"
                .as_bytes();
        let expected = whole(bytes, true);
        for cut in 0..bytes.len() {
            let mut plain = Plain::new(true);
            let text = plain.feed(&bytes[..cut]) + &plain.feed(&bytes[cut..]) + &plain.finish();
            assert_eq!(text, expected, "cut at {cut}");
        }
        let mut plain = Plain::new(true);
        let text: String = bytes.iter().map(|byte| plain.feed(&[*byte])).collect();
        assert_eq!(text + &plain.finish(), expected);
    }

    #[test]
    fn a_failure_is_summed_up_by_what_it_complains_of() {
        let complaint = |said: &[u8]| {
            let mut tail = Tail::default();
            tail.feed(said);
            tail.complaint()
        };
        let refused = b"To /srv/x.git\n ! [rejected]  main -> main (fetch first)\n\
            error: failed to push some refs to '/srv/x.git'\nhint: Updates were rejected\n";
        assert_eq!(complaint(refused), "! [rejected]  main -> main (fetch first)");
        let gone = b"fatal: no such repository\nPlease make sure it is\n\nand the repository exists.\n";
        assert_eq!(complaint(gone), "no such repository");
        assert_eq!(complaint(b"compiling\n3 passed, 1 failed\n"), "3 passed, 1 failed");
    }

    #[test]
    fn the_summary_is_the_last_line_that_says_something() {
        let mut tail = Tail::default();
        for _ in 0..10_000 {
            tail.feed(b"pushing layer\r\n");
        }
        tail.feed(b"\x1b[32mdone: v1.2.4\x1b[0m\r\n  \r\n");
        assert_eq!(tail.summary(), "done: v1.2.4");
        assert!(tail.0.len() <= 2 * TAIL);
        assert_eq!(Tail::default().summary(), "");
        let mut tail = Tail::default();
        tail.feed(&vec![b'x'; 100_000]);
        assert_eq!(tail.summary().len(), SUMMARY);
    }
}
