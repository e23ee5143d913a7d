//! Bytes of the terminal as keys, mouse and pasted text.
//!
//! What a terminal says of itself (its colours, its name, its modes) comes the same way as keys,
//! and a link may cut it anywhere. Such a reply is swallowed whole: half of one would be commands.

use std::time::Duration;

use super::csi::{self, Csi};
use crate::cockpit::key::{Code, Key};
use crate::cockpit::msg::MouseKind;

/// How long an escape waits for what makes it a sequence before it is the key of that name.
pub(super) const LINGER: Duration = Duration::from_millis(50);
/// How long a sequence that is cut off waits for its rest.
pub(super) const GAP: Duration = Duration::from_millis(500);
/// Longest text that is taken from one paste, in bytes.
const MAX_PASTE: usize = 1024 * 1024;
/// Longest sequence that is taken for one, in bytes.
const MAX_SEQUENCE: usize = 256;
/// What ends pasted text.
const PASTE_END: &[u8] = b"\x1b[201~";

const ESC: u8 = 0x1b;
const BEL: u8 = 0x07;
const CTRL_C: u8 = 0x03;
const CAN: u8 = 0x18;
const SUB: u8 = 0x1a;

/// Something that was done at the terminal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Typed {
    /// A key went down, or is held down.
    Key { key: Key, repeat: bool },
    /// The mouse, at a column and row counted from 0.
    Mouse { kind: MouseKind, column: u16, row: u16 },
    /// Text was pasted.
    Paste(String),
}

impl Typed {
    pub(super) const fn key(key: Key) -> Self {
        Self::Key { key, repeat: false }
    }
}

/// Takes bytes in as they come, cut anywhere.
#[derive(Default)]
pub(super) struct Decoder {
    /// The beginning of something that is not whole yet.
    pending: Vec<u8>,
    inside: Inside,
    /// The beginning of a sequence whose rest was not waited for any longer.
    given_up: Vec<u8>,
}

/// What the bytes that come next belong to.
#[derive(Default)]
enum Inside {
    #[default]
    Nothing,
    /// Pasted text so far.
    Paste(Vec<u8>),
    /// A reply of the terminal.
    Reply,
}

/// What stands at the beginning of some bytes.
#[derive(Debug, PartialEq)]
enum Token {
    Key(Key),
    Csi(Csi),
    /// `ESC O` and a letter.
    Ss3(u8),
    /// A mouse event with its three bytes behind it, from before there were better ones.
    OldMouse([u8; 3]),
    /// The beginning of a control string: OSC, DCS, APC, PM or SOS.
    String,
    /// Nothing that means anything.
    Noise,
}

impl Decoder {
    /// How long to wait for more before [`Decoder::settle`]; `None`: nothing is cut off.
    pub(super) fn patience(&self) -> Option<Duration> {
        match (&self.inside, self.pending.as_slice()) {
            // Whoever pastes has a marker at the end, however long it takes to come.
            (Inside::Paste(_), _) | (Inside::Nothing, []) => None,
            (Inside::Nothing, [ESC] | [ESC, b'[' | b'O']) => Some(LINGER),
            (Inside::Nothing | Inside::Reply, _) => Some(GAP),
        }
    }

    /// Takes bytes in.
    pub(super) fn feed(&mut self, bytes: &[u8], out: &mut Vec<Typed>) {
        let late = self.late(bytes);
        self.pending.extend_from_slice(bytes.get(late..).unwrap_or_default());
        while self.step(out) {}
    }

    /// How many of these bytes are the rest of a sequence that was given up. Nobody types one in
    /// the same moment.
    fn late(&mut self, bytes: &[u8]) -> usize {
        let before = std::mem::take(&mut self.given_up);
        if before.is_empty() {
            return 0;
        }
        let whole = [before.as_slice(), bytes].concat();
        let end = match lex(&whole) {
            Some((start, Token::String)) => match end_of_string(&whole[start..]) {
                Some(StringEnd::Whole(length)) => start + length,
                _ => return 0,
            },
            Some((length, Token::Csi(csi))) if length == whole.len() || csi.has_parameters() => length,
            Some((length, Token::Ss3(_))) if length == whole.len() => length,
            _ => return 0,
        };
        end.saturating_sub(before.len())
    }

    /// Nothing more came in time: what is cut off is the key it looks like, or nothing.
    pub(super) fn settle(&mut self, out: &mut Vec<Typed>) {
        self.given_up = match self.inside {
            Inside::Paste(_) => return,
            Inside::Reply => [b"\x1b]".as_slice(), &self.pending].concat(),
            Inside::Nothing => self.pending.clone(),
        };
        if matches!(self.inside, Inside::Nothing) {
            match *self.pending.as_slice() {
                [ESC] => out.push(Typed::key(Key::plain(Code::Esc))),
                [ESC, byte] if byte.is_ascii() => {
                    out.push(Typed::key(Key { alt: true, ..Key::char(char::from(byte)) }));
                }
                _ => {}
            }
        }
        self.inside = Inside::Nothing;
        self.pending.clear();
    }

    /// Takes one thing off the pending bytes; false where there is none that is whole.
    fn step(&mut self, out: &mut Vec<Typed>) -> bool {
        match &mut self.inside {
            Inside::Nothing => {}
            Inside::Paste(text) => {
                let Some(whole) = paste(text, &mut self.pending) else { return false };
                out.push(Typed::Paste(whole));
                self.inside = Inside::Nothing;
                return true;
            }
            Inside::Reply => {
                let Some(StringEnd::Whole(length) | StringEnd::BrokenOff(length)) =
                    end_of_string(&self.pending)
                else {
                    // An escape at the end may be half of what ends it.
                    let keep = usize::from(self.pending.last() == Some(&ESC));
                    self.pending.drain(..self.pending.len() - keep);
                    return false;
                };
                self.pending.drain(..length);
                self.inside = Inside::Nothing;
                return true;
            }
        }
        if self.pending.is_empty() {
            return false;
        }
        let Some((length, token)) = lex(&self.pending) else { return false };
        self.pending.drain(..length);
        match token {
            Token::Key(key) => out.push(Typed::key(key)),
            Token::Csi(csi) if csi.begins_paste() => self.inside = Inside::Paste(Vec::new()),
            Token::Csi(csi) => out.extend(csi.typed()),
            Token::Ss3(last) => out.extend(csi::named(last).map(|code| Typed::key(Key::plain(code)))),
            Token::OldMouse([button, column, row]) => {
                let place = |byte: u8| u16::from(byte).saturating_sub(32);
                out.extend(csi::mouse(u32::from(button.saturating_sub(32)), place(column), place(row), true));
            }
            Token::String => self.inside = Inside::Reply,
            Token::Noise => {}
        }
        true
    }
}

/// Moves pasted text over as far as it came, and takes it once it is whole.
fn paste(text: &mut Vec<u8>, pending: &mut Vec<u8>) -> Option<String> {
    let end = pending.windows(PASTE_END.len()).position(|window| window == PASTE_END);
    // A way out where the marker never comes.
    let broken = pending.iter().position(|byte| *byte == CTRL_C);
    let (length, marker) = match (end, broken) {
        (Some(end), broken) if broken.is_none_or(|broken| end < broken) => (end, Some(PASTE_END.len())),
        (_, Some(broken)) => (broken, Some(0)),
        // The marker may be cut in two.
        _ => (pending.len().saturating_sub(PASTE_END.len() - 1), None),
    };
    let room = MAX_PASTE.saturating_sub(text.len());
    text.extend(pending.drain(..length).take(room));
    pending.drain(..marker?);
    Some(String::from_utf8_lossy(&std::mem::take(text)).into_owned())
}

/// Where a control string ends.
enum StringEnd {
    /// Its terminator ends here.
    Whole(usize),
    /// Something else begins here.
    BrokenOff(usize),
}

fn end_of_string(bytes: &[u8]) -> Option<StringEnd> {
    // In one byte as well, but not as a part of a character.
    let is_end = |at: usize, byte: u8| {
        matches!(byte, BEL | CAN | SUB | CTRL_C | ESC)
            || (byte == 0x9c && at.checked_sub(1).and_then(|at| bytes.get(at)).is_none_or(u8::is_ascii))
    };
    let at = bytes.iter().enumerate().position(|(at, byte)| is_end(at, *byte))?;
    match (bytes.get(at)?, bytes.get(at + 1)) {
        (&ESC, None) => None,
        (&ESC, Some(b'\\')) => Some(StringEnd::Whole(at + 2)),
        (&(ESC | CTRL_C), _) => Some(StringEnd::BrokenOff(at)),
        _ => Some(StringEnd::Whole(at + 1)),
    }
}

/// The first thing that these bytes say, and its length; `None`: more has to come.
fn lex(bytes: &[u8]) -> Option<(usize, Token)> {
    match *bytes.first()? {
        ESC => escape(bytes),
        byte if byte < 0x20 || byte == 0x7f => Some((1, control(byte).map_or(Token::Noise, Token::Key))),
        // The beginnings of sequences in one byte: no character of UTF-8 begins so.
        byte @ (0x8f | 0x90 | 0x98 | 0x9b | 0x9d..=0x9f) => {
            let rest = bytes.iter().skip(1).take(2 * MAX_SEQUENCE);
            let plain: Vec<u8> = [ESC, byte - 0x40].into_iter().chain(rest.copied()).collect();
            escape(&plain).map(|(length, token)| (length - 1, token))
        }
        _ => {
            character(bytes).map(|(length, c)| (length, c.map_or(Token::Noise, |c| Token::Key(Key::char(c)))))
        }
    }
}

fn escape(bytes: &[u8]) -> Option<(usize, Token)> {
    match *bytes.get(1)? {
        b'[' => sequence(bytes),
        b'O' => bytes.get(2).map(|last| match last {
            // What comes then means something of its own.
            last if last.is_ascii_control() => (2, Token::Key(Key { alt: true, ..Key::char('O') })),
            last => (3, Token::Ss3(*last)),
        }),
        b']' | b'P' | b'X' | b'^' | b'_' => bytes.get(2).map(|_| (2, Token::String)),
        // Two keys: the second may begin something, or is one that must not be lost to a modifier.
        byte if byte < 0x20 && byte != b'\r' => Some((1, Token::Key(Key::plain(Code::Esc)))),
        _ => match lex(bytes.get(1..)?)? {
            (length, Token::Key(key)) => Some((length + 1, Token::Key(Key { alt: true, ..key }))),
            (length, _) => Some((length + 1, Token::Noise)),
        },
    }
}

/// `ESC [`, parameters, intermediates and a last byte.
fn sequence(bytes: &[u8]) -> Option<(usize, Token)> {
    let rest = bytes.get(2..)?;
    match rest {
        // What breaks it off means something of its own.
        [b'M', more @ ..] if let Some(at) = more.iter().take(3).position(u8::is_ascii_control) => {
            return Some((3 + at, Token::Noise));
        }
        [b'M', button, column, row, ..] => return Some((6, Token::OldMouse([*button, *column, *row]))),
        [b'M', ..] => return None,
        [b'[', last, ..] if last.is_ascii_control() => return Some((3, Token::Noise)),
        // The Linux console's function keys.
        [b'[', last, ..] => {
            let key = (b'A'..=b'E').contains(last).then(|| Key::plain(Code::F(last - b'A' + 1)));
            return Some((4, key.map_or(Token::Noise, Token::Key)));
        }
        _ => {}
    }
    let inner = rest.iter().take_while(|byte| matches!(byte, 0x20..=0x3f)).count();
    match rest.get(inner) {
        None if inner > MAX_SEQUENCE => Some((2 + inner, Token::Noise)),
        None => None,
        Some(last @ 0x40..=0x7e) => Some((inner + 3, Token::Csi(Csi::new(&rest[..inner], *last)))),
        // What breaks it off means something of its own.
        Some(_) => Some((2 + inner, Token::Noise)),
    }
}

/// The key of a control character.
fn control(byte: u8) -> Option<Key> {
    Some(match byte {
        b'\r' => Key::plain(Code::Enter),
        b'\t' => Key::plain(Code::Tab),
        0x7f => Key::plain(Code::Backspace),
        0 => Key::ctrl(' '),
        0x01..=0x1a => Key::ctrl(char::from(byte - 1 + b'a')),
        0x1c..=0x1f => Key::ctrl(char::from(byte - 0x1c + b'4')),
        _ => return None,
    })
}

/// The first character and its length; a byte that belongs to none is none.
fn character(bytes: &[u8]) -> Option<(usize, Option<char>)> {
    let some = &bytes[..bytes.len().min(4)];
    let valid = match std::str::from_utf8(some) {
        Ok(text) => text,
        Err(error) if error.valid_up_to() > 0 => {
            std::str::from_utf8(&some[..error.valid_up_to()]).unwrap_or_default()
        }
        Err(error) => return error.error_len().map(|length| (length, None)),
    };
    // The control characters above ASCII type nothing.
    valid.chars().next().map(|c| (c.len_utf8(), Some(c).filter(|c| !c.is_control())))
}

#[cfg(test)]
mod tests;
