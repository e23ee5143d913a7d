//! What is looked for: every way in which a secret may appear, and where each may begin.

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE, BASE64_URL_SAFE_NO_PAD};
use zeroize::Zeroizing;

use super::HEAD;
use super::spelling::{Next, Skip, Spelling, is_line_end, skip};

/// A line of a value with several that is a secret by itself has at least so many bytes.
const LONG_LINE: usize = 8;
/// At most so many bytes in a row do not count.
const LONGEST_RUN: usize = 64;

/// One way in which a secret may appear.
pub(super) struct Pattern {
    pub(super) bytes: Zeroizing<Vec<u8>>,
    spelling: Spelling,
    /// Which secret it stands for.
    pub(super) secret: usize,
}

/// What becomes of a pattern at a place of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    /// It is not there.
    No,
    /// It is there: what has to go is between these positions.
    Yes { from: usize, to: usize },
    /// It may be there, from this position on; more has to come before one can tell.
    Open { from: usize },
}

/// All patterns of a value, the plain one first.
pub(super) fn patterns(secret: usize, value: &[u8]) -> Vec<Pattern> {
    let mut all = Patterns { secret, all: Vec::new() };
    let whole = trimmed(value);
    all.spelled(whole);
    let lines = whole.split(|&byte| is_line_end(byte)).map(<[u8]>::trim_ascii);
    for line in lines.filter(|line| line.len() >= LONG_LINE && line.len() < whole.len()) {
        all.add(Spelling::Raw, line.to_vec());
    }
    all.base64(whole);
    if value.len() > whole.len() {
        all.base64(value);
    }
    for hex in [hex_of(whole, "", true), hex_of(whole, "", false)] {
        all.add(Spelling::Raw, hex);
    }
    for encoded in [hex_of(whole, "%", true), hex_of(whole, "%", false)] {
        all.add(Spelling::Raw, encoded);
    }
    all.all
}

/// A value without line ends around it.
fn trimmed(value: &[u8]) -> &[u8] {
    let Some(from) = value.iter().position(|&byte| !is_line_end(byte)) else { return &[] };
    let to = value.iter().rposition(|&byte| !is_line_end(byte)).map_or(from, |last| last + 1);
    value.get(from..to).unwrap_or_default()
}

/// Bytes of a value besides line ends and blanks.
pub(in crate::conductor) fn weight(value: &[u8]) -> usize {
    value.iter().filter(|byte| !matches!(byte, b'\r' | b'\n' | b' ' | b'\t')).count()
}

fn hex_of(value: &[u8], before: &str, upper: bool) -> Vec<u8> {
    use std::fmt::Write as _;
    let mut text = String::with_capacity(value.len() * (before.len() + 2));
    for byte in value {
        let _ = if upper { write!(text, "{before}{byte:02X}") } else { write!(text, "{before}{byte:02x}") };
    }
    text.into_bytes()
}

struct Patterns {
    secret: usize,
    all: Vec<Pattern>,
}

impl Patterns {
    fn add(&mut self, spelling: Spelling, bytes: Vec<u8>) {
        let bytes = Zeroizing::new(bytes);
        let known = |other: &Pattern| other.spelling == spelling && other.bytes == bytes;
        if weight(&bytes) >= HEAD && !self.all.iter().any(known) {
            self.all.push(Pattern { bytes, spelling, secret: self.secret });
        }
    }

    /// A value in every spelling that differs from the plain one.
    fn spelled(&mut self, bytes: &[u8]) {
        self.add(Spelling::Raw, bytes.to_vec());
        if !bytes.iter().all(u8::is_ascii_alphanumeric) {
            self.add(Spelling::Percent, bytes.to_vec());
            self.add(Spelling::Backslash, bytes.to_vec());
        }
        if bytes.contains(&b'\'') {
            self.add(Spelling::Quoted, bytes.to_vec());
        }
    }

    /// A value in base64: by itself, with the line end that `echo` adds, and at any place of
    /// a longer text, where the characters that it shares with its neighbours are left out.
    fn base64(&mut self, value: &[u8]) {
        self.spelled(BASE64_STANDARD.encode(value).as_bytes());
        self.spelled(BASE64_URL_SAFE.encode(value).as_bytes());
        self.spelled(BASE64_STANDARD.encode([value, b"\n"].concat()).as_bytes());
        for before in 0..3_usize {
            let mut bytes = vec![0; before];
            bytes.extend_from_slice(value);
            // Six bits a character: the first that holds nothing of what is before, and the
            // first that may hold something of what comes after.
            let (from, to) = ((before * 8).div_ceil(6), bytes.len() * 8 / 6);
            for text in [BASE64_STANDARD_NO_PAD.encode(&bytes), BASE64_URL_SAFE_NO_PAD.encode(&bytes)] {
                self.spelled(text.as_bytes().get(from..to).unwrap_or_default());
            }
        }
    }
}

impl Pattern {
    /// Gives the beginnings of a text at which this pattern may begin: [`HEAD`] bytes of
    /// which none is one that does not count.
    pub(super) fn heads(&self, give: &mut dyn FnMut([u8; HEAD])) {
        heads(self.spelling, &self.bytes, [0; HEAD], 0, give);
    }

    /// Looks for the pattern at a position of a text.
    ///
    /// Line ends and colours within it do not count. But a line is not kept waiting for the
    /// sake of a few bytes at its end: then what has to go begins with the next line.
    pub(super) fn at(&self, text: &[u8], at: usize, ended: bool) -> Found {
        let (mut here, mut from) = (at, at);
        let mut wanted: &[u8] = &self.bytes;
        let (mut matched, mut run) = (0, 0);
        let mut indent = false;
        while let Some(&next) = wanted.first() {
            let rest = text.get(here..).unwrap_or_default();
            match self.spelling.next(wanted, rest, ended) {
                Next::Is { wanted: taken, text: bytes } => {
                    indent = is_line_end(next) || (indent && next.is_ascii_whitespace());
                    wanted = wanted.get(taken..).unwrap_or_default();
                    here += bytes;
                    matched += bytes;
                    run = 0;
                    continue;
                }
                Next::Open => return Found::Open { from },
                Next::No if matched == 0 => return Found::No,
                Next::No => {}
            }
            match skip(rest, indent, ended) {
                Skip::Over { bytes, line_end } if run + bytes <= LONGEST_RUN => {
                    here += bytes;
                    run += bytes;
                    indent |= line_end;
                    if matched < HEAD && indent && !is_line_end(next) {
                        from = here;
                    }
                }
                Skip::Open => return Found::Open { from },
                _ if is_line_end(next) || (indent && matches!(next, b' ' | b'\t')) => {
                    indent = true;
                    wanted = wanted.get(1..).unwrap_or_default();
                }
                _ => return Found::No,
            }
        }
        Found::Yes { from, to: here }
    }
}

/// Begins a text with `head`, of which so many bytes are filled, and goes on with every
/// spelling of what is wanted.
fn heads(
    spelling: Spelling,
    wanted: &[u8],
    head: [u8; HEAD],
    filled: usize,
    give: &mut dyn FnMut([u8; HEAD]),
) {
    if filled == HEAD {
        give(head);
        return;
    }
    let Some(&next) = wanted.first() else { return };
    // What may be missing in the text, or does not count there.
    let blank = |byte: &u8| matches!(byte, b'\r' | b'\n' | b' ' | b'\t');
    if blank(&next) && filled > 0 {
        let rest = wanted.iter().position(|byte| !blank(byte)).unwrap_or(wanted.len());
        heads(spelling, wanted.get(rest..).unwrap_or_default(), head, filled, give);
    }
    spelling.each(wanted, &mut |bytes, taken| {
        let mut head = head;
        let room = head.get_mut(filled..).unwrap_or_default();
        let length = bytes.len().min(room.len());
        for (place, byte) in room.iter_mut().zip(bytes) {
            *place = *byte;
        }
        heads(spelling, wanted.get(taken..).unwrap_or_default(), head, filled + length, give);
    });
}

/// The first bytes of a text that count, and how many of them there are. Blanks are left out,
/// as they may be indentation. Unless it begins `inside` a secret the first byte counts in any
/// case.
pub(super) fn counting<const COUNT: usize>(text: &[u8], inside: bool, ended: bool) -> ([u8; COUNT], usize) {
    let mut head = [0; COUNT];
    let (mut filled, mut here, mut run) = (0, 0, 0);
    while let (Some(place), Some(&byte)) = (head.get_mut(filled), text.get(here)) {
        if inside || filled > 0 {
            match skip(text.get(here..).unwrap_or_default(), true, ended) {
                Skip::Over { .. } | Skip::Open if run > LONGEST_RUN => break,
                Skip::Over { bytes, .. } => {
                    here += bytes;
                    run += bytes;
                    continue;
                }
                Skip::Open => break,
                Skip::No => {}
            }
        }
        *place = byte;
        filled += 1;
        here += 1;
        run = 0;
    }
    (head, filled)
}
