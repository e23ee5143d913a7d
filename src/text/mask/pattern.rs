//! What is looked for: every way in which a secret may appear, and where each may begin.

use std::collections::VecDeque;

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE, BASE64_URL_SAFE_NO_PAD};
use zeroize::Zeroizing;

use super::skip::{LONGEST_RUN, Skip, is_line_end, skip};
use super::spelling::{Next, Spelling};
use super::{HEAD, cut};

/// A line of a value with several that is a secret by itself has at least so many bytes.
const LONG_LINE: usize = 8;
/// Characters in a line of what `base64` prints.
const BASE64_LINE: usize = 76;
/// Ways to go on that are remembered, where what does not count can be read in two ways.
const MOST_WAYS: usize = 256;
/// A secret that is written in base32 has groups of so many bytes.
const GROUP: usize = 5;

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
    for hex in [hex_of(whole, true), hex_of(whole, false)] {
        all.add(Spelling::Raw, hex);
    }
    all.base32(whole);
    all.parted_hex(whole);
    all.within_others(whole);
    all.all
}

/// A value without line ends around it.
fn trimmed(value: &[u8]) -> &[u8] {
    let Some(from) = value.iter().position(|&byte| !is_line_end(byte)) else { return &[] };
    let to = value.iter().rposition(|&byte| !is_line_end(byte)).map_or(from, |last| last + 1);
    value.get(from..to).unwrap_or_default()
}

/// Bytes of a value besides line ends and blanks.
pub(crate) fn weight(value: &[u8]) -> usize {
    value.iter().filter(|byte| !matches!(byte, b'\r' | b'\n' | b' ' | b'\t')).count()
}

fn hex_of(value: &[u8], upper: bool) -> Vec<u8> {
    use std::fmt::Write as _;
    let mut text = String::with_capacity(value.len() * 2);
    for byte in value {
        let _ = if upper { write!(text, "{byte:02X}") } else { write!(text, "{byte:02x}") };
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

    /// A value in every spelling.
    fn spelled(&mut self, bytes: &[u8]) {
        for spelling in [
            Spelling::Raw,
            Spelling::Percent(1),
            Spelling::Percent(2),
            Spelling::Backslash(1),
            Spelling::Backslash(2),
            Spelling::Backslash(3),
            Spelling::Entity,
        ] {
            self.add(spelling, bytes.to_vec());
        }
        if bytes.contains(&b'\'') {
            self.add(Spelling::Quoted, bytes.to_vec());
        }
        if bytes.contains(&b'"') {
            self.add(Spelling::Doubled, bytes.to_vec());
        }
    }

    /// Something that is encoded already, as it is and as it is written in URLs and JSON.
    fn encoded(&mut self, bytes: &[u8]) {
        self.add(Spelling::Raw, bytes.to_vec());
        if !bytes.iter().all(u8::is_ascii_alphanumeric) {
            self.add(Spelling::Percent(1), bytes.to_vec());
            self.add(Spelling::Backslash(1), bytes.to_vec());
        }
    }

    /// A value in base64: by itself, with the line end that `echo` adds, and at any place of a
    /// longer text; and each of these in base64 once more.
    fn base64(&mut self, value: &[u8]) {
        for text in [value.to_vec(), [value, b"\n"].concat()].map(Zeroizing::new) {
            let once = Zeroizing::new(BASE64_STANDARD.encode(&text));
            self.encoded(once.as_bytes());
            if once.len() > BASE64_LINE {
                let lines: Vec<_> = once.as_bytes().chunks(BASE64_LINE).collect();
                self.within_base64(&Zeroizing::new(lines.join(&b'\n')));
            }
        }
        self.encoded(BASE64_URL_SAFE.encode(value).as_bytes());
        for once in self.within_base64(value) {
            self.within_base64(&once);
        }
    }

    /// A value in the middle of something that is encoded, where the characters that it shares with
    /// its neighbours are left out.
    fn within_base64(&mut self, value: &[u8]) -> Vec<Zeroizing<Vec<u8>>> {
        let mut found: Vec<Zeroizing<Vec<u8>>> = Vec::new();
        for before in 0..3_usize {
            let mut bytes = Zeroizing::new(vec![0; before]);
            bytes.extend_from_slice(value);
            // Six bits a character: the first that holds nothing of what is before, and the
            // first that may hold something of what comes after.
            let (from, to) = ((before * 8).div_ceil(6), bytes.len() * 8 / 6);
            for text in [BASE64_STANDARD_NO_PAD.encode(&bytes), BASE64_URL_SAFE_NO_PAD.encode(&bytes)] {
                let text = Zeroizing::new(text);
                let part = Zeroizing::new(text.as_bytes().get(from..to).unwrap_or_default().to_vec());
                if !found.contains(&part) {
                    self.encoded(&part);
                    found.push(part);
                }
            }
        }
        found
    }

    /// A value in hexadecimal with something between the bytes, or between pairs of them as `xxd` has it.
    fn parted_hex(&mut self, value: &[u8]) {
        for upper in [true, false] {
            let bytes: Vec<_> =
                value.iter().map(|byte| hex_of(&[*byte], upper)).map(Zeroizing::new).collect();
            for between in [" ", ":", "-", ",", ", ", " 0x", ",0x", ", 0x"] {
                self.add(Spelling::Raw, joined(&bytes, between, |_| true));
            }
            for odd in [0, 1] {
                self.add(Spelling::Raw, joined(&bytes, " ", |at| at % 2 == odd));
            }
        }
    }

    /// A value as JSON has it and as UTF-16 in base64, and as JSON in a URL.
    fn within_others(&mut self, value: &[u8]) {
        let json = Zeroizing::new(json_of(value));
        if json[..] != *value {
            self.within_base64(&json);
            self.add(Spelling::Percent(1), json.to_vec());
        }
        let percent = Zeroizing::new(percent_of(value));
        if percent[..] != *value {
            self.within_base64(&percent);
        }
        if let Ok(text) = std::str::from_utf8(value) {
            let wide: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
            self.within_base64(&Zeroizing::new(wide));
        }
    }

    /// A value in base32, at any place of a longer text.
    fn base32(&mut self, value: &[u8]) {
        for before in 0..GROUP {
            let mut bytes = Zeroizing::new(vec![0; before]);
            bytes.extend_from_slice(value);
            // Five bits a character, as above.
            let (from, to) = ((before * 8).div_ceil(5), bytes.len() * 8 / 5);
            let text = Zeroizing::new(base32_of(&bytes));
            let part = text.get(from..to).unwrap_or_default();
            self.add(Spelling::Raw, part.to_vec());
            self.add(Spelling::Raw, part.to_ascii_lowercase());
        }
    }
}

/// Texts with something between some of them.
fn joined(parts: &[Zeroizing<Vec<u8>>], between: &str, is_between: impl Fn(usize) -> bool) -> Vec<u8> {
    let mut all = Vec::with_capacity(parts.len() * (2 + between.len()));
    for (at, part) in parts.iter().enumerate() {
        if at > 0 && is_between(at) {
            all.extend_from_slice(between.as_bytes());
        }
        all.extend_from_slice(part);
    }
    all
}

/// A value within a JSON string, as most programs write it.
fn json_of(value: &[u8]) -> Vec<u8> {
    let mut json = Vec::with_capacity(value.len() * 2);
    for &byte in value {
        let letter = match byte {
            b'"' | b'\\' => byte,
            b'\n' => b'n',
            b'\r' => b'r',
            b'\t' => b't',
            _ => {
                json.push(byte);
                continue;
            }
        };
        json.extend_from_slice(&[b'\\', letter]);
    }
    json
}

/// A value in a URL, as most programs write it.
fn percent_of(value: &[u8]) -> Vec<u8> {
    let mut text = Vec::with_capacity(value.len() * 3);
    for &byte in value {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            text.push(byte);
        } else {
            text.push(b'%');
            text.extend(hex_of(&[byte], true));
        }
    }
    text
}

/// Base32 without padding.
fn base32_of(value: &[u8]) -> Vec<u8> {
    const DIGITS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let mut text = Vec::with_capacity(value.len() * 8 / GROUP + 1);
    for group in value.chunks(GROUP) {
        let bits = group.iter().fold(0_u64, |bits, &byte| (bits << 8) | u64::from(byte));
        let bits = bits << (8 * (GROUP - group.len()));
        let count = (group.len() * 8).div_ceil(5);
        text.extend((0..count).map(|at| DIGITS[(bits >> (35 - 5 * at)) as usize & 31]));
    }
    text
}

impl Pattern {
    /// Gives the beginnings of a text at which this pattern may begin: [`HEAD`] bytes of
    /// which none is one that does not count.
    pub(super) fn heads(&self, give: &mut dyn FnMut([u8; HEAD])) {
        heads(self.spelling, &self.bytes, [0; HEAD], 0, give);
    }

    /// Looks for the pattern at a position of a text.
    ///
    /// What does not count may be within it. But a line is not kept waiting for the sake of a few
    /// bytes at its end: then what has to go begins with the next line.
    pub(super) fn at(&self, text: &[u8], at: usize, ended: bool) -> Found {
        let mut way = Way { here: at, from: at, done: 0, matched: 0, run: 0, indent: false };
        // Ways that are as good, and those to be gone only where no other leads anywhere.
        let (mut others, mut spares): (Vec<Way>, Vec<Way>) = (Vec::new(), Vec::new());
        let mut left = MOST_WAYS;
        let (mut open, mut found): (Option<usize>, Option<(usize, usize)>) = (None, None);
        loop {
            let end = self.go_on(&mut way, text, ended, &mut |other, spare| {
                if left > 0 {
                    left -= 1;
                    if spare { spares.push(other) } else { others.push(other) }
                }
            });
            match end {
                Found::No => {}
                // Each way that is still open may turn out to be the one.
                Found::Open { from } => open = Some(open.map_or(from, |open| open.min(from))),
                Found::Yes { from, to } => {
                    found = Some(found.map_or((from, to), |(first, last)| (first.min(from), last.max(to))));
                }
            }
            match others.pop().or_else(|| spares.pop().filter(|_| found.is_none())) {
                Some(other) => way = other,
                None => break,
            }
        }
        match (open, found) {
            (Some(open), found) => Found::Open { from: found.map_or(open, |(from, _)| open.min(from)) },
            (None, Some((from, to))) => Found::Yes { from, to },
            (None, None) => Found::No,
        }
    }

    /// Compares what is wanted with what is at a position of a text, where something that does not
    /// count may stand within the spelling of one byte.
    fn next(&self, wanted: &[u8], text: &[u8], at: usize, ended: bool) -> Next {
        let rest = text.get(at..).unwrap_or_default();
        let next = self.spelling.next(wanted, rest, ended);
        if next != Next::No || !rest.first().is_some_and(|first| self.spelling.is_special(*first)) {
            return next;
        }
        for reading in Reading::ALL {
            let Some((counts, ends, open)) = counts(text, at, reading, ended) else { break };
            match self.spelling.next(wanted, &counts, !open) {
                Next::No => {}
                Next::Open => return Next::Open,
                Next::Is { wanted, text: bytes } => {
                    let end = bytes.checked_sub(1).and_then(|last| ends.get(last));
                    return Next::Is { wanted, text: end.map_or(bytes, |end| end - at) };
                }
            }
        }
        Next::No
    }

    /// Tells whether what is wanted may be at a position of a text, or after something there that does
    /// not count.
    fn may_go_on(&self, wanted: &[u8], text: &[u8], at: usize, ended: bool) -> bool {
        self.next(wanted, text, at, ended) != Next::No || skip(text, at, false, ended) != Skip::No
    }

    /// Goes on from where a way has come to; `other` takes those that may be gone as well.
    fn go_on(&self, way: &mut Way, text: &[u8], ended: bool, other: &mut dyn FnMut(Way, bool)) -> Found {
        while let Some(wanted) = self.bytes.get(way.done..).filter(|wanted| !wanted.is_empty()) {
            let next = wanted.first().copied().unwrap_or_default();
            match self.next(wanted, text, way.here, ended) {
                Next::Is { wanted: taken, text: bytes } => {
                    // What nobody sees may begin as what is wanted does.
                    if way.matched > 0
                        && !matches!(text.get(way.here), Some(b'\t' | b'\r' | b'\n' | b' '..=b'~'))
                    {
                        match skip(text, way.here, way.indent, ended) {
                            Skip::Over { bytes: unseen, line_end, .. } if way.run + unseen <= LONGEST_RUN => {
                                other(way.over(unseen, line_end, next), true);
                            }
                            // At the end of the text all is open.
                            Skip::Open => other(Way { here: text.len(), ..*way }, true),
                            Skip::Over { .. } | Skip::No => {}
                        }
                    }
                    way.indent = is_line_end(next) || (way.indent && next.is_ascii_whitespace());
                    way.done += taken;
                    way.here += bytes;
                    way.matched += bytes;
                    way.run = 0;
                    continue;
                }
                Next::Open => return Found::Open { from: way.from },
                Next::No if way.matched == 0 => return Found::No,
                Next::No => {}
            }
            match skip(text, way.here, way.indent, ended) {
                Skip::Over { bytes, or, line_end } if way.run + bytes <= LONGEST_RUN => {
                    let alone = or != bytes && or > 0 && self.may_go_on(wanted, text, way.here + or, ended);
                    if alone {
                        other(way.over(bytes, line_end, next), false);
                    }
                    *way = way.over(if alone { or } else { bytes }, line_end, next);
                }
                Skip::Open => return Found::Open { from: way.from },
                _ if is_line_end(next) || (way.indent && matches!(next, b' ' | b'\t')) => {
                    way.indent = true;
                    way.done += 1;
                }
                _ => return Found::No,
            }
        }
        Found::Yes { from: way.from, to: way.here }
    }
}

/// How far a pattern has been followed into a text.
#[derive(Debug, Clone, Copy)]
struct Way {
    /// Where it goes on.
    here: usize,
    /// Where begins what has to go.
    from: usize,
    /// Bytes of the pattern that were found, or may be missing.
    done: usize,
    /// Bytes of the text that count.
    matched: usize,
    /// Bytes in a row that do not.
    run: usize,
    /// A line has just begun.
    indent: bool,
}

impl Way {
    /// Goes over bytes that do not count, before `next` is looked for.
    fn over(mut self, bytes: usize, line_end: bool, next: u8) -> Self {
        self.here += bytes;
        self.run += bytes;
        self.indent |= line_end;
        if self.matched < HEAD && self.indent && !is_line_end(next) {
            self.from = self.here;
        }
        self
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

/// Most bytes in which one character is spelled.
const LONGEST_SPELLING: usize = 24;

/// The next bytes of a text that count, where each of them ends, and whether more may come; `None`
/// where they are in a row.
fn counts(text: &[u8], at: usize, reading: Reading, ended: bool) -> Option<(Vec<u8>, Vec<usize>, bool)> {
    let (mut found, mut ends, mut here, mut run) = (Vec::new(), Vec::new(), at, 0);
    let mut in_a_row = true;
    while found.len() < LONGEST_SPELLING && run <= LONGEST_RUN {
        let Some(&byte) = text.get(here) else {
            return (!in_a_row).then_some((found, ends, !ended));
        };
        let counts = found.is_empty() || reading.keeps(byte);
        let skipped = if counts { Skip::No } else { skip(text, here, false, ended) };
        match skipped {
            Skip::Over { bytes, or, .. } if or > 0 || reading != Reading::Alone => {
                let bytes = if reading == Reading::Alone { or } else { bytes };
                here += bytes;
                run += bytes;
                in_a_row = false;
            }
            Skip::Open => return Some((found, ends, true)),
            Skip::Over { .. } | Skip::No => {
                here += 1;
                run = 0;
                found.push(byte);
                ends.push(here);
            }
        }
    }
    (!in_a_row).then_some((found, ends, false))
}

/// Which way to read what can be read in two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reading {
    /// As a terminal does.
    Whole,
    /// The first byte of it stands alone.
    Alone,
    /// As a terminal does that knows no control characters above those of ASCII.
    Narrow,
}

impl Reading {
    const ALL: [Self; 3] = [Self::Whole, Self::Alone, Self::Narrow];

    /// Tells whether a byte counts though it is one that others take for a control character.
    fn keeps(self, byte: u8) -> bool {
        self == Self::Narrow && (0x80..0xa0).contains(&byte)
    }
}

/// The first bytes from a position of a text that count, how many of them there are, and whether they
/// are the only ones: what does not count may be read in several ways. Blanks are left out, as they may
/// be indentation. Unless it begins `inside` a secret the first byte counts in any case.
pub(super) fn counting<const COUNT: usize>(
    text: &[u8],
    at: usize,
    inside: bool,
    ended: bool,
) -> ([u8; COUNT], usize, bool) {
    let (mut head, mut is_clear) = ([0; COUNT], true);
    let (mut filled, mut here, mut run) = (0, at, 0);
    while let (Some(place), Some(&byte)) = (head.get_mut(filled), text.get(here)) {
        if (inside || filled > 0) && !byte.is_ascii_alphanumeric() {
            match skip(text, here, true, ended) {
                Skip::Over { .. } | Skip::Open if run > LONGEST_RUN => break,
                Skip::Over { bytes, or, .. } => {
                    is_clear &= bytes == or && byte.is_ascii();
                    here += bytes;
                    run += bytes;
                    continue;
                }
                Skip::Open => {
                    is_clear &= byte.is_ascii();
                    break;
                }
                Skip::No => {}
            }
        }
        *place = byte;
        filled += 1;
        here += 1;
        run = 0;
    }
    (head, filled, is_clear)
}

/// Gives what [`counting`] does for each way to read what does not count, or may: first as a terminal
/// reads it, then those in which the least is left out.
pub(super) fn every_counting<const COUNT: usize>(
    text: &[u8],
    at: usize,
    inside: bool,
    ended: bool,
    give: &mut dyn FnMut(&[u8]),
) {
    let (head, filled, _) = counting::<COUNT>(text, at, inside, ended);
    give(cut(&head, filled));
    let mut left = MOST_WAYS;
    // What is filled, how far it goes, and the bytes in a row that do not count.
    let mut ways = VecDeque::from([([0; COUNT], 0, at, 0)]);
    while let Some((mut head, mut filled, mut here, mut run)) = ways.pop_front() {
        while let (true, Some(&byte)) = (filled < COUNT, text.get(here)) {
            if (inside || filled > 0) && !byte.is_ascii_alphanumeric() {
                match skip(text, here, true, ended) {
                    Skip::Over { .. } if run > LONGEST_RUN => break,
                    Skip::Over { bytes, or, .. } => {
                        // What is above ASCII may be a part of a secret.
                        let least = if byte.is_ascii() { or } else { 0 };
                        if least != bytes && left > 0 {
                            left -= 1;
                            ways.push_back((head, filled, here + bytes, run + bytes));
                        }
                        if least > 0 {
                            here += least;
                            run += least;
                            continue;
                        }
                    }
                    Skip::Open if byte.is_ascii() => break,
                    Skip::Open => give(cut(&head, filled)),
                    Skip::No => {}
                }
            }
            if let Some(place) = head.get_mut(filled) {
                *place = byte;
            }
            filled += 1;
            here += 1;
            run = 0;
        }
        give(cut(&head, filled));
    }
}
