//! Cuts what a terminal does not show where there is a lot of it: a secret is looked for across so much of
//! it and no more. What is cut leaves a mark that everybody sees.

use zeroize::Zeroize as _;

use super::skip::{Breaks, LONGEST_RUN, MARKED, Skip, skip};

/// So much in a row is given out as it came; a mark has room behind it.
const MOST: usize = LONGEST_RUN - 64;

/// A text on its way, of which an unfinished sequence is held back.
#[derive(Default)]
pub(super) struct Unseen {
    held: Vec<u8>,
    /// Bytes in a row that nobody sees and that were given out.
    run: usize,
    /// Those behind them that were not.
    cut: usize,
    /// In the middle of a sequence that is longer than any that is held back.
    inside: Option<Inside>,
}

/// What kind of sequence has no end yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Inside {
    /// A control sequence.
    Control,
    /// A title, a link, a picture.
    String,
}

impl Inside {
    /// The kind that a text begins with.
    fn at(text: &[u8]) -> Option<Self> {
        match text {
            [0x1b, b'[', ..] | [0x9b, ..] | [0xc2, 0x9b, ..] => Some(Self::Control),
            [0x1b, b']' | b'P' | b'X' | b'^' | b'_', ..] | [0xc2, 0x90 | 0x98 | 0x9d..=0x9f, ..] => {
                Some(Self::String)
            }
            _ => None,
        }
    }

    /// How much of a text belongs to it, and whether it ends there. No line is swallowed whole: it may be one
    /// that nobody meant as a sequence.
    fn rest(self, text: &[u8]) -> (usize, bool) {
        let is_end = |byte: &u8| match self {
            Self::Control => !(0x20..=0x3f).contains(byte),
            Self::String => matches!(byte, 0x07 | 0x18 | 0x1a | 0x1b | b'\r' | b'\n'),
        };
        let Some(at) = text.iter().position(is_end) else { return (text.len(), false) };
        let end = match (self, text.get(at..).unwrap_or_default()) {
            (Self::Control, [0x40..=0x7e, ..]) | (Self::String, [0x07 | 0x18 | 0x1a, ..]) => 1,
            (Self::String, [0x1b, b'\\', ..]) => 2,
            _ => 0,
        };
        (at + end, true)
    }
}

impl Unseen {
    /// Takes in some text and gives out what is certain.
    pub(super) fn feed(&mut self, bytes: &[u8], ended: bool, out: &mut Vec<u8>) {
        let mut text = std::mem::take(&mut self.held);
        text.extend_from_slice(bytes);
        let mut at = 0;
        while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
            if let Some(inside) = self.inside {
                // What ends it may come in two pieces.
                if rest == b"\x1b" && !ended {
                    break;
                }
                let (taken, over) = inside.rest(rest);
                self.cut += taken;
                at += taken;
                self.inside = self.inside.filter(|_| !over);
                continue;
            }
            let seen = Breaks::new(&text, at..text.len()).next().map_or(rest.len(), |next| next - at);
            if seen > 0 {
                self.show(rest.get(..seen).unwrap_or_default(), out);
                at += seen;
                continue;
            }
            match skip(&text, at, false, ended) {
                Skip::Over { bytes, line_end: false, .. } if bytes > 0 => {
                    let unseen = rest.get(..bytes).unwrap_or(rest);
                    if self.cut > 0 || self.run + bytes > MOST {
                        self.cut += unseen.len();
                    } else {
                        self.run += bytes;
                        out.extend_from_slice(unseen);
                    }
                    at += unseen.len();
                }
                Skip::Open => break,
                Skip::Over { .. } | Skip::No => {
                    self.inside = Inside::at(rest).filter(|_| rest.len() >= LONGEST_RUN);
                    if self.inside.is_some() {
                        self.cut += 1;
                        at += 1;
                        // Its second byte is none that could end it.
                        let (_, second) = rest.split_at(1);
                        let is_long = !second.is_empty() && rest.first() != Some(&0x9b);
                        self.cut += usize::from(is_long);
                        at += usize::from(is_long);
                    } else {
                        let (_, length) = bstr::decode_utf8(rest);
                        self.show(rest.get(..length.max(1)).unwrap_or(rest), out);
                        at += length.max(1);
                    }
                }
            }
        }
        self.held = text.get(at..).unwrap_or_default().to_vec();
        text.zeroize();
        if ended {
            self.show(&[], out);
        }
    }

    /// Gives out what is seen, behind the mark of what was cut before it.
    fn show(&mut self, text: &[u8], out: &mut Vec<u8>) {
        if self.cut > 0 {
            out.extend_from_slice(mark(self.run + self.cut).as_bytes());
        }
        (self.run, self.cut) = (0, 0);
        out.extend_from_slice(text);
    }
}

/// What stands for so many bytes that nobody sees.
fn mark(bytes: usize) -> String {
    let (from, to) = MARKED;
    let (whole, tenth, unit) = match bytes {
        0..1_000_000 => (bytes / 1000, bytes / 100 % 10, "kB"),
        _ => (bytes / 1_000_000, bytes / 100_000 % 10, "MB"),
    };
    format!("{from}{whole}.{tenth} {unit}{to}")
}

impl Drop for Unseen {
    fn drop(&mut self) {
        self.held.zeroize();
    }
}
