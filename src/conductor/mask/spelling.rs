//! How a value may be written down: plainly, percent-encoded, or with backslashes as in JSON
//! and in a shell.

use super::cut;

/// A way to write a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Spelling {
    /// As it is.
    Raw,
    /// `%2F` for a byte in URLs and forms, where a blank may be a `+`.
    Percent,
    /// `\"`, `\/`, `\n`, `\u00e9`, `\xe9`.
    Backslash,
    /// Within the single quotes of a shell, where only a quote needs more: `'\''`.
    Quoted,
}

/// What follows in a text, compared with what is wanted next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// So many bytes of what is wanted are spelled by so many of the text.
    Is { wanted: usize, text: usize },
    /// The text ends too soon to tell.
    Open,
    /// Something else.
    No,
}

impl Spelling {
    /// Compares the beginning of `text` with the beginning of `wanted`. Of several spellings
    /// the longest counts: who writes `%25` for a percent sign does so everywhere.
    pub(super) fn next(self, wanted: &[u8], text: &[u8], ended: bool) -> Next {
        let Some(first) = text.first() else { return if ended { Next::No } else { Next::Open } };
        let plain = wanted.first() == Some(first);
        let special = match self {
            Self::Raw => false,
            Self::Percent => matches!(first, b'%' | b'+'),
            Self::Backslash => *first == b'\\',
            Self::Quoted => *first == b'\'',
        };
        if !special {
            return if plain { Next::Is { wanted: 1, text: 1 } } else { Next::No };
        }
        let mut best = Next::No;
        self.each(wanted, &mut |bytes, taken| {
            if text.starts_with(bytes) {
                if !matches!(best, Next::Is { text, .. } if text >= bytes.len()) && best != Next::Open {
                    best = Next::Is { wanted: taken, text: bytes.len() };
                }
            } else if !ended && bytes.starts_with(text) {
                best = Next::Open;
            }
        });
        best
    }

    /// Gives every spelling of what comes next in `wanted`, and how much of it that spells.
    pub(super) fn each(self, wanted: &[u8], give: &mut dyn FnMut(&[u8], usize)) {
        let Some(&byte) = wanted.first() else { return };
        match self {
            Self::Percent => percent(byte, give),
            Self::Backslash => backslash(byte, wanted, give),
            Self::Quoted if byte == b'\'' => {
                give(br"'\''", 1);
                give(br#"'"'"'"#, 1);
                return;
            }
            Self::Raw | Self::Quoted => {}
        }
        give(&[byte], 1);
    }
}

const UPPER: &[u8; 16] = b"0123456789ABCDEF";
const LOWER: &[u8; 16] = b"0123456789abcdef";

fn hex(byte: u8, digits: &[u8; 16]) -> [u8; 2] {
    [byte >> 4, byte & 15].map(|half| digits[usize::from(half & 15)])
}

/// No encoder touches letters and digits; those that encode everything are patterns of
/// their own.
fn percent(byte: u8, give: &mut dyn FnMut(&[u8], usize)) {
    if byte.is_ascii_alphanumeric() {
        return;
    }
    for digits in [UPPER, LOWER] {
        let [high, low] = hex(byte, digits);
        give(&[b'%', high, low], 1);
    }
    if byte == b' ' {
        give(b"+", 1);
    }
}

fn backslash(byte: u8, wanted: &[u8], give: &mut dyn FnMut(&[u8], usize)) {
    if byte.is_ascii_alphanumeric() {
        return;
    }
    let letter = match byte {
        b'\n' => Some(b'n'),
        b'\r' => Some(b'r'),
        b'\t' => Some(b't'),
        0x08 => Some(b'b'),
        0x0c => Some(b'f'),
        b' '..=b'~' => Some(byte),
        _ => None,
    };
    if let Some(letter) = letter {
        give(&[b'\\', letter], 1);
    }
    for digits in [UPPER, LOWER] {
        let [high, low] = hex(byte, digits);
        give(&[b'\\', b'x', high, low], 1);
    }
    let Some(char) = first_char(wanted) else { return };
    let mut units = [0; 2];
    let units = char.encode_utf16(&mut units);
    for digits in [UPPER, LOWER] {
        let mut text = Vec::with_capacity(12);
        for unit in &*units {
            let [first, second] = unit.to_be_bytes();
            text.extend_from_slice(b"\\u");
            text.extend_from_slice(&hex(first, digits));
            text.extend_from_slice(&hex(second, digits));
        }
        give(&text, char.len_utf8());
    }
}

fn first_char(bytes: &[u8]) -> Option<char> {
    bytes.get(..bytes.len().min(4))?.utf8_chunks().next()?.valid().chars().next()
}

/// A piece of text that does not count: a line end, blanks at the beginning of a line, and
/// the colours of a terminal.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Skip {
    /// So many bytes do not count.
    Over { bytes: usize, line_end: bool },
    /// The text ends too soon to tell.
    Open,
    /// What comes next does count.
    No,
}

/// Longer control sequences do count.
const LONGEST_CONTROL: usize = 32;

/// Looks at what comes first in `text`; `indent` tells that a line has just begun.
pub(super) fn skip(text: &[u8], indent: bool, ended: bool) -> Skip {
    match text {
        [b'\r' | b'\n', ..] => Skip::Over { bytes: 1, line_end: true },
        [b' ' | b'\t', ..] if indent => Skip::Over { bytes: 1, line_end: false },
        [0x1b] if !ended => Skip::Open,
        [0x1b, b'[', rest @ ..] => {
            let rest = cut(rest, LONGEST_CONTROL);
            match rest.iter().find(|byte| !(0x20..=0x3f).contains(*byte)) {
                Some(0x40..=0x7e) => {
                    let end = rest.iter().position(|byte| (0x40..=0x7e).contains(byte)).unwrap_or_default();
                    Skip::Over { bytes: end + 3, line_end: false }
                }
                None if !ended && rest.len() < LONGEST_CONTROL => Skip::Open,
                _ => Skip::No,
            }
        }
        _ => Skip::No,
    }
}

pub(super) fn is_line_end(byte: u8) -> bool {
    matches!(byte, b'\r' | b'\n')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is(wanted: usize, text: usize) -> Next {
        Next::Is { wanted, text }
    }

    #[test]
    fn the_longest_spelling_counts() {
        assert_eq!(Spelling::Percent.next(b"%x", b"%25x", false), is(1, 3));
        assert_eq!(Spelling::Percent.next(b"%x", b"%x", false), is(1, 1));
        assert_eq!(Spelling::Percent.next(b"/", b"%2f", false), is(1, 3));
        assert_eq!(Spelling::Percent.next(b" ", b"+", false), is(1, 1));
        assert_eq!(Spelling::Backslash.next(b"\\", b"\\\\", false), is(1, 2));
        assert_eq!(Spelling::Quoted.next(b"'", br"'\''", false), is(1, 4));
        assert_eq!(Spelling::Quoted.next(b"'", b"'x", false), Next::No);
        assert_eq!(Spelling::Backslash.next("é".as_bytes(), br"\u00e9", false), is(2, 6));
        assert_eq!(Spelling::Backslash.next("😀".as_bytes(), br"\uD83D\uDE00", false), is(4, 12));
        assert_eq!(Spelling::Backslash.next(b"<", br"\u003c", false), is(1, 6));
        assert_eq!(Spelling::Raw.next(b"%", b"%25", false), is(1, 1));
    }

    #[test]
    fn what_is_cut_is_open_until_the_end() {
        for (spelling, wanted, text) in [
            (Spelling::Percent, &b"/"[..], &b"%2"[..]),
            (Spelling::Backslash, b"\"", b"\\"),
            (Spelling::Quoted, b"'", b"'"),
            (Spelling::Raw, b"x", b""),
        ] {
            assert_eq!(spelling.next(wanted, text, false), Next::Open);
            assert_ne!(spelling.next(wanted, text, true), Next::Open);
        }
        assert_eq!(Spelling::Backslash.next(b"\\", b"\\", true), is(1, 1));
    }

    #[test]
    fn colours_and_line_ends_do_not_count() {
        let over = |bytes, line_end| Skip::Over { bytes, line_end };
        assert_eq!(skip(b"\x1b[1;32mx", false, false), over(7, false));
        assert_eq!(skip(b"\x1b[Kx", false, false), over(3, false));
        assert_eq!(skip(b"\r\n", false, false), over(1, true));
        assert_eq!(skip(b" x", true, false), over(1, false));
        assert_eq!(skip(b" x", false, false), Skip::No);
        assert_eq!(skip(b"\x1b[1;3", false, false), Skip::Open);
        assert_eq!(skip(b"\x1b[1;3", false, true), Skip::No);
        assert_eq!(skip(b"\x1b]0;title", false, false), Skip::No);
        assert_eq!(skip(&[b"\x1b[", &[b'1'; 99][..]].concat(), false, false), Skip::No);
    }
}
