//! What does not count within a secret: what a terminal does not show.
//!
//! Line ends and the blanks after them, control sequences of every kind, single control
//! characters, characters that cannot be seen, and a letter that is struck twice.

use std::ops::Range;

use super::cut;
use crate::text::is_plain;

/// At most so many bytes in a row do not count, and a longer control sequence does.
pub(super) const LONGEST_RUN: usize = 4096;

/// What stands for a longer run is between these, and does not count either.
pub(super) const MARKED: (&str, &str) = ("‹", " unseen›");
/// Most bytes between them: `1234.5 MB`.
const MARK: usize = 16;

/// A piece of text that does not count.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Skip {
    /// So many bytes do not count. Where `or` differs it may be so many as well: not every
    /// reader takes the sequence for one, and where `or` is zero it may count.
    Over { bytes: usize, or: usize, line_end: bool },
    /// The text ends too soon to tell.
    Open,
    /// What comes next does count.
    No,
}

impl Skip {
    fn over(bytes: usize) -> Self {
        Self::Over { bytes, or: bytes, line_end: false }
    }
}

const BACKSPACE: u8 = 0x08;
const BELL: u8 = 0x07;
const CANCEL: u8 = 0x18;
const SUBSTITUTE: u8 = 0x1a;
const ESCAPE: u8 = 0x1b;

/// Looks at what comes at a position of `text`; `indent` tells that a line has just begun.
pub(super) fn skip(text: &[u8], at: usize, indent: bool, ended: bool) -> Skip {
    let rest = text.get(at..).unwrap_or_default();
    let Some(&first) = rest.first() else { return Skip::No };
    match first {
        b'\r' | b'\n' => Skip::Over { bytes: 1, or: 1, line_end: true },
        b' ' | b'\t' if indent => Skip::over(1),
        b'\t' => Skip::No,
        BACKSPACE => struck_again(text.get(..at).unwrap_or_default(), rest, ended),
        b'_' => match rest.get(1) {
            Some(&BACKSPACE) => Skip::Over { bytes: 2, or: 0, line_end: false },
            None if !ended => Skip::Open,
            _ => Skip::No,
        },
        ESCAPE if rest.get(1) == Some(&b'[') => sequence(rest, 2, ended),
        ESCAPE => escape(rest, ended),
        // Terminals take it for the beginning of a sequence where they do not expect UTF-8: a short one.
        0x9b => sequence(rest, 1, ended),
        0x90 | 0x98 | 0x9d..=0x9f => narrow_string(rest, ended),
        0..0x20 | 0x7f..=0x9f => Skip::over(1),
        0xe2 if marked_run(rest) > 0 => Skip::over(marked_run(rest)),
        0xc2.. => unseen(rest, ended),
        _ => Skip::No,
    }
}

/// A backspace, and what is written over what was there, if that is the same: a bold letter.
fn struck_again(before: &[u8], rest: &[u8], ended: bool) -> Skip {
    let last = before.iter().rev().take(4).position(|byte| !(0x80..0xc0).contains(byte));
    let last = last.map_or(&[][..], |back| before.get(before.len() - back - 1..).unwrap_or_default());
    let next = rest.get(1..).unwrap_or_default();
    if !last.is_empty() && next.starts_with(last) {
        return Skip::Over { bytes: 1 + last.len(), or: 1, line_end: false };
    }
    if !ended && next.len() < last.len() && last.starts_with(next) { Skip::Open } else { Skip::over(1) }
}

/// An escape sequence. Where it stands alone only the first byte does not count.
fn escape(rest: &[u8], ended: bool) -> Skip {
    let rest = cut(rest, LONGEST_RUN);
    // Other control characters are carried out on the way.
    let inner = |byte: &u8| !is_inner(*byte);
    let Some(from) = rest.iter().skip(1).position(inner).map(|at| at + 1) else {
        return unfinished(rest, ended);
    };
    let whole = match rest.get(from) {
        Some(b'[') => return sequence(rest, from + 1, ended),
        Some(b']' | b'P' | b'X' | b'^' | b'_') => {
            return match string(rest, from + 1, ended) {
                Skip::Over { bytes, line_end, .. } => Skip::Over { bytes, or: 1, line_end },
                other => other,
            };
        }
        Some(b' '..=b'/') => {
            let end =
                rest.iter().skip(from).position(|byte| !(is_inner(*byte) || (b' '..=b'/').contains(byte)));
            let Some(end) = end.map(|at| from + at) else { return unfinished(rest, ended) };
            end + usize::from(rest.get(end).is_some_and(|byte| (0x30..=0x7e).contains(byte)))
        }
        Some(0x30..=0x7e) => from + 1,
        _ => from,
    };
    Skip::Over { bytes: whole, or: 1, line_end: false }
}

/// The rest of a control sequence that has begun: colours, and moves of the cursor.
fn sequence(rest: &[u8], from: usize, ended: bool) -> Skip {
    let rest = cut(rest, LONGEST_RUN);
    let goes_on = |byte: &u8| is_inner(*byte) || (0x20..=0x3f).contains(byte);
    match rest.iter().skip(from).position(|byte| !goes_on(byte)).map(|at| from + at) {
        Some(end) => {
            Skip::over(end + usize::from(rest.get(end).is_some_and(|byte| (0x40..=0x7e).contains(byte))))
        }
        None => unfinished(rest, ended),
    }
}

/// The rest of a string that has begun: a title, a link, a picture, what a shell tells about a
/// prompt. Terminals differ in what ends it, so anything that ends it anywhere does.
fn string(rest: &[u8], from: usize, ended: bool) -> Skip {
    let rest = cut(rest, LONGEST_RUN);
    let mut at = from;
    while let Some(&byte) = rest.get(at) {
        at += match byte {
            BELL | CANCEL | SUBSTITUTE | 0x9c => return Skip::over(at + 1),
            ESCAPE => match rest.get(at + 1) {
                Some(b'\\') => return Skip::over(at + 2),
                None => return unfinished(rest, ended),
                // Another one begins.
                Some(_) => return Skip::over(at),
            },
            0x80..=0x9f => return Skip::over(at),
            0xc2 => match rest.get(at + 1) {
                Some(0x9c) => return Skip::over(at + 2),
                Some(0x80..=0x9f) => return Skip::over(at),
                _ => 1,
            },
            0xe0..=0xf4 => character(rest.get(at..).unwrap_or_default()).map_or(1, char::len_utf8),
            0xc3..=0xdf => 1 + usize::from(rest.get(at + 1).is_some_and(|byte| (0x80..0xc0).contains(byte))),
            _ => 1,
        };
    }
    unfinished(rest, ended)
}

/// A string that begins as terminals take it that do not expect UTF-8: there is none in it.
fn narrow_string(rest: &[u8], ended: bool) -> Skip {
    let rest = cut(rest, LONGEST_RUN);
    let Some(end) = rest.iter().skip(1).position(|byte| !(b' '..=b'~').contains(byte)) else {
        return unfinished(rest, ended);
    };
    let bytes = match rest.get(end + 1..) {
        Some([BELL | CANCEL | SUBSTITUTE | 0x9c, ..]) => end + 2,
        Some([ESCAPE, b'\\', ..]) => end + 3,
        Some([ESCAPE]) => return unfinished(rest, ended),
        Some([ESCAPE, ..]) => end + 1,
        _ => 1,
    };
    Skip::Over { bytes, or: 1, line_end: false }
}

/// The length of the mark of a run that was cut, where a text begins with one; else 0.
fn marked_run(rest: &[u8]) -> usize {
    let (from, to) = (MARKED.0.as_bytes(), MARKED.1.as_bytes());
    let Some(inner) = rest.strip_prefix(from) else { return 0 };
    let inner = cut(inner, MARK + to.len());
    let length = inner.windows(to.len()).position(|part| part == to).unwrap_or_default();
    let is_length = |byte: &u8| byte.is_ascii_digit() || b". kMB".contains(byte);
    let is_mark = length > 0 && cut(inner, length).iter().all(is_length);
    if is_mark { from.len() + length + to.len() } else { 0 }
}

/// A character of several bytes that nobody sees.
fn unseen(rest: &[u8], ended: bool) -> Skip {
    match character(rest) {
        Some('\u{9b}') => sequence(rest, 2, ended),
        Some('\u{90}' | '\u{98}' | '\u{9d}'..='\u{9f}') => string(rest, 2, ended),
        Some(char) if !is_plain(char) => Skip::over(char.len_utf8()),
        None if !ended && is_cut(rest) => Skip::Open,
        _ => Skip::No,
    }
}

fn character(rest: &[u8]) -> Option<char> {
    let (char, length) = bstr::decode_utf8(cut(rest, 4));
    char.filter(|_| length > 1)
}

/// The text ends within a character.
fn is_cut(rest: &[u8]) -> bool {
    let length = match rest.first() {
        Some(0xc2..=0xdf) => 2,
        Some(0xe0..=0xef) => 3,
        Some(0xf0..=0xf4) => 4,
        _ => return false,
    };
    rest.len() < length && rest.iter().skip(1).all(|byte| (0x80..0xc0).contains(byte))
}

/// Something that has no end yet: nobody waits for it longer than for the longest there may be.
fn unfinished(rest: &[u8], ended: bool) -> Skip {
    if rest.len() >= LONGEST_RUN {
        Skip::No
    } else if ended {
        Skip::over(1)
    } else {
        Skip::Open
    }
}

/// What is carried out, or left out, within a control sequence and does not end it.
fn is_inner(byte: u8) -> bool {
    matches!(byte, 0..0x20 | 0x7f) && !matches!(byte, ESCAPE | CANCEL | SUBSTITUTE | b'\r' | b'\n')
}

/// Tells whether something that a terminal does not show begins before a stretch of text and ends
/// within it.
pub(super) fn ends_within(text: &[u8], stretch: Range<usize>) -> bool {
    let start = stretch.start.saturating_sub(LONGEST_RUN);
    let text = cut(text, stretch.end);
    let mut done = start;
    for at in Breaks::new(text, start..stretch.start) {
        if at >= done
            && let Skip::Over { bytes, .. } = skip(text, at, false, true)
        {
            done = at + bytes;
        }
    }
    stretch.start < done && done < stretch.end
}

pub(super) fn is_line_end(byte: u8) -> bool {
    matches!(byte, b'\r' | b'\n')
}

/// The positions in a stretch of a text at which something may begin that does not count, in order.
pub(super) struct Breaks<'a> {
    text: &'a [u8],
    /// Where the stretch ends.
    end: usize,
    /// Where the word begins whose marked bytes are given out.
    word: usize,
    /// A bit for each of its bytes that are left.
    marked: u64,
}

const WORD: usize = 8;
const ONES: u64 = 0x0101_0101_0101_0101;
const HIGH: u64 = 0x80 * ONES;

impl<'a> Breaks<'a> {
    pub(super) fn new(text: &'a [u8], stretch: Range<usize>) -> Self {
        let mut breaks = Self { text, end: stretch.end.min(text.len()), word: stretch.start, marked: 0 };
        breaks.look();
        breaks
    }

    /// Marks the bytes of the word; tells whether there is one.
    fn look(&mut self) -> bool {
        let rest = self.text.get(self.word..self.end).unwrap_or_default();
        let word = rest.first_chunk::<WORD>().copied().unwrap_or_else(|| {
            // The last word is filled up with what counts.
            let mut word = [b'a'; WORD];
            for (place, byte) in word.iter_mut().zip(rest) {
                *place = *byte;
            }
            word
        });
        self.marked = marked(word);
        !rest.is_empty()
    }
}

/// The high bit of each byte that is no visible ASCII: eight at once, as there are few.
fn marked(word: [u8; WORD]) -> u64 {
    let word = u64::from_le_bytes(word);
    let low = !((word | HIGH) - 0x20 * ONES);
    let delete = (word & !HIGH) + ONES;
    (low | delete | word) & HIGH
}

impl Iterator for Breaks<'_> {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        loop {
            while self.marked != 0 {
                let at = self.word + self.marked.trailing_zeros() as usize / 8;
                self.marked &= self.marked - 1;
                if begins_unseen(self.text, at) {
                    return Some(at);
                }
            }
            self.word += WORD;
            if !self.look() {
                return None;
            }
        }
    }
}

/// Rules out what surely does count: tabs, and the bytes of most characters.
fn begins_unseen(text: &[u8], at: usize) -> bool {
    let Some(&byte) = text.get(at) else { return false };
    match byte {
        b'\t' | b' '..=b'~' | 0xa0..=0xc1 => false,
        0x80..=0x9f => {
            // Not within a character.
            let before = text.get(at.saturating_sub(3)..at).unwrap_or_default();
            let lead = before.iter().rev().position(|byte| !(0x80..0xc0).contains(byte));
            let lead = lead.and_then(|back| before.get(before.len() - back - 1..));
            !lead.is_some_and(is_cut)
        }
        0xe2 if marked_run(text.get(at..).unwrap_or_default()) > 0 => true,
        0xc2.. => {
            let rest = text.get(at..).unwrap_or_default();
            character(rest).map_or_else(|| is_cut(rest), |char| !is_plain(char))
        }
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn looked(text: &[u8], ended: bool) -> Skip {
        skip(text, 0, false, ended)
    }

    #[test]
    fn what_a_terminal_does_not_show_is_skipped_whole() {
        for text in [
            &b"\x1b[1;32m"[..],
            b"\x1b[K",
            b"\x1b[38:2::1:2:3m",
            b"\x1b[1\x00;2\x7fm",
            b"\x1b(B",
            b"\x1b#8",
            b"\x1b7",
            b"\x1b=",
            b"\x1b]0;title\x07",
            b"\x1b]8;;https://x.test/\x1b\\",
            b"\x1b]133;A\x9c",
            b"\x1bPq#0\x1b\\",
            b"\x1b_Ga=T\x1b\\",
            b"\x1b^pm\xc2\x9c",
            b"\x1bXsos\x18",
            b"\x1b]0;\xe2\x9c\x9c\x07",
            b"\x9b31m",
            b"\xc2\x9b31m",
            b"\xc2\x9d0;t\x07",
            b"\x9d0;t\x07",
            b"\x90q\x9c",
            b"\x9fG\x1b\\",
            b"\x00",
            b"\x07",
            b"\x08",
            b"\x7f",
            b"\x85",
            b"\xc2\xad",
            "\u{200b}".as_bytes(),
            "\u{34f}".as_bytes(),
            "\u{2800}".as_bytes(),
            "\u{e0041}".as_bytes(),
            b"_\x08",
        ] {
            let whole = [text, b"xyz"].concat();
            let Skip::Over { bytes, line_end: false, .. } = looked(&whole, false) else {
                panic!("{:?}", text.escape_ascii().to_string())
            };
            assert_eq!(bytes, text.len(), "{}", text.escape_ascii());
            for length in 1..text.len() {
                let cut = looked(&text[..length], false);
                let over = matches!(cut, Skip::Over { bytes, .. } if bytes <= length);
                assert!(cut == Skip::Open || over, "{} cut at {length}", text.escape_ascii());
                assert_ne!(looked(&text[..length], true), Skip::Open);
            }
        }
    }

    #[test]
    fn line_ends_and_indentation_do_not_count_and_all_else_does() {
        let line_end = Skip::Over { bytes: 1, or: 1, line_end: true };
        assert_eq!(looked(b"\r\n", false), line_end);
        assert_eq!(skip(b" x", 0, true, false), Skip::over(1));
        for text in ["x", " x", "\tx", "é", "世", "‹", "_x", "\u{301}"] {
            assert_eq!(looked(text.as_bytes(), false), Skip::No, "{text:?}");
        }
        let long = [b"\x1b]", &[b'x'; LONGEST_RUN][..]].concat();
        assert_eq!(looked(&long, false), Skip::No);
    }

    #[test]
    fn a_letter_that_is_struck_twice_is_one() {
        let twice = |bytes| Skip::Over { bytes, or: 1, line_end: false };
        assert_eq!(skip(b"s\x08se", 1, false, false), twice(2));
        assert_eq!(skip("é\u{8}é".as_bytes(), 2, false, false), twice(3));
        assert_eq!(skip(b"s\x08e", 1, false, false), Skip::over(1));
        assert_eq!(skip(b"s\x08", 1, false, false), Skip::Open);
    }

    #[test]
    fn breaks_are_found_wherever_they_are() {
        let slow = |text: &[u8]| (0..text.len()).filter(|&at| begins_unseen(text, at)).collect::<Vec<_>>();
        let all: Vec<u8> = (0..=255).collect();
        let mixed = "plain\ttext\r\n\u{1b}[1m✓ 世界 é\u{200b}x\u{7f}\u{9b}1m end".as_bytes();
        for text in [&all[..], mixed, b"", b"\n", b"abcdefgh", b"abcdefgh\n", b"\x9b\xe2\x9c\x93\x80"] {
            for from in 0..text.len().min(20) {
                let text = &text[from..];
                let whole = Breaks::new(text, 0..text.len()).collect::<Vec<_>>();
                assert_eq!(whole, slow(text), "{}", text.escape_ascii());
                let (middle, mut parts) = (text.len() / 2, Vec::new());
                parts.extend(Breaks::new(text, 0..middle));
                parts.extend(Breaks::new(text, middle..text.len()));
                assert_eq!(parts, whole, "{} in two", text.escape_ascii());
            }
        }
        assert_eq!(Breaks::new("✓ x\u{200b}".as_bytes(), 0..8).collect::<Vec<_>>(), [5]);
    }
}
