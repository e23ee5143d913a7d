//! Reads a record's bytes as [`Record::seal`] writes them: every field where it is expected.
//!
//! Opening a long incident is mostly this. Whatever is written in any other way is left to
//! the general reader, so that what counts as a record does not depend on this one.

use std::borrow::Cow;
use std::str;

use jiff::civil::DateTime;
use jiff::tz::Offset;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use uuid::Uuid;

use super::body::Body;
use super::record::{Author, Hash, Hlc, IncidentId, Precision, Record, RecordId, bytes_of_hex, length};
use super::words::NoteKind;

/// Decodes bytes whose hash is known; `None` if they are written otherwise.
pub(super) fn read(bytes: &[u8], hash: Hash) -> Option<Record> {
    Fields::of(bytes)?.record(hash)
}

/// Decodes bytes whose hash is known in place of another record, and returns true; false: they are
/// written otherwise. Of a million records most are notes, and making room for each is most of what
/// they cost: a note is written over a note.
pub(super) fn read_over(record: &mut Record, bytes: &[u8], hash: Hash) -> bool {
    let Some(fields) = Fields::of(bytes) else { return false };
    if let (Body::Noted(noted), "note") = (&mut record.body, fields.kind) {
        let Some((kind, text)) = note(fields.body) else { return false };
        noted.kind = kind;
        text.as_ref().clone_into(&mut noted.text);
        fields.author.clone_into(&mut record.author.name);
        record.author.node = fields.node;
        (record.id, record.incident, record.at, record.clock_ms) =
            (fields.id, fields.incident, fields.at, fields.clock_ms);
        (record.occurred_at, record.precision, record.took) =
            (fields.occurred_at, fields.precision, fields.took);
        (record.prev, record.hash) = (fields.prev, hash);
        return true;
    }
    let read = fields.record(hash);
    let is_read = read.is_some();
    if let Some(read) = read {
        *record = read;
    }
    is_read
}

/// What the body of a note says.
fn note(body: &str) -> Option<(NoteKind, Cow<'_, str>)> {
    #[derive(Deserialize)]
    struct Note<'a> {
        #[serde(default)]
        kind: NoteKind,
        #[serde(borrow)]
        text: Cow<'a, str>,
    }
    plain_note(body).or_else(|| {
        let note = serde_json::from_str::<Note<'_>>(body).ok()?;
        Some((note.kind, note.text))
    })
}

/// The same where nothing in the text had to be escaped.
fn plain_note(body: &str) -> Option<(NoteKind, Cow<'_, str>)> {
    let rest = body.strip_prefix("{\"kind\":\"")?;
    let (kind, rest) =
        NoteKind::ALL.into_iter().find_map(|kind| Some((kind, rest.strip_prefix(kind.name())?)))?;
    let text = rest.strip_prefix("\",\"text\":\"")?.strip_suffix("\"}")?;
    // All of it is looked at, which takes many bytes at once.
    let escaped = text.bytes().fold(false, |any, byte| any | ends_plain(byte));
    (!escaped).then_some((kind, Cow::Borrowed(text)))
}

/// Tells whether a byte cannot stand in a JSON string as it is.
fn ends_plain(byte: u8) -> bool {
    byte == b'"' || byte == b'\\' || byte < b' '
}

/// What stands in the bytes of a record.
struct Fields<'a> {
    id: RecordId,
    incident: IncidentId,
    author: &'a str,
    node: u64,
    at: Hlc,
    clock_ms: i64,
    occurred_at: Timestamp,
    precision: Precision,
    took: Option<SignedDuration>,
    kind: &'a str,
    body: &'a str,
    prev: Hash,
}

impl<'a> Fields<'a> {
    fn of(bytes: &'a [u8]) -> Option<Self> {
        // The body is what is left between the fields before and those behind it.
        let (rest, prev) = bytes.strip_suffix(b"\"}")?.split_last_chunk::<64>()?;
        let mut line = Line(rest.strip_suffix(b",\"prev\":\"")?);
        let id = line.id(b"{\"v\":1,\"id\":\"")?;
        let incident = line.id(b",\"incident\":\"")?;
        let author = line.field(b",\"author\":\"")?;
        let node = line.node(b",\"node\":\"")?;
        let wall_ms = line.number(b",\"wall\":")?;
        let count = u32::try_from(line.number(b",\"count\":")?).ok()?;
        let clock_ms = line.number_or(b",\"clock\":", wall_ms)?;
        let occurred_at = line.time(b",\"occurred_at\":\"")?;
        let precision = line.word(b",\"precision\":\"", PRECISIONS)?;
        let took_ms = line.number_or(b",\"took_ms\":", -1)?;
        let kind = line.field(b",\"kind\":\"")?;
        Some(Self {
            id: RecordId(id),
            incident: IncidentId(incident),
            author,
            node,
            at: Hlc { wall_ms, count },
            clock_ms,
            occurred_at,
            precision,
            took: u64::try_from(took_ms).ok().map(length),
            kind,
            body: str::from_utf8(line.0.strip_prefix(b",\"body\":")?).ok()?,
            prev: Hash::of_hex(prev)?,
        })
    }

    fn record(self, hash: Hash) -> Option<Record> {
        Some(Record {
            id: self.id,
            incident: self.incident,
            author: Author { name: self.author.to_owned(), node: self.node },
            at: self.at,
            clock_ms: self.clock_ms,
            occurred_at: self.occurred_at,
            precision: self.precision,
            took: self.took,
            body: Body::known(self.kind, self.body)?,
            prev: self.prev,
            hash,
        })
    }
}

const PRECISIONS: [(&[u8], Precision); 3] =
    [(b"exact\"", Precision::Exact), (b"about\"", Precision::About), (b"before\"", Precision::Before)];

/// A date and time of day as they are mostly written, `2026-03-01T12:00:00`, and a part of a second.
fn date_time(text: &[u8; 19], nanos: i32) -> Option<Timestamp> {
    let marks = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')];
    if marks.iter().any(|(at, mark)| text[*at] != *mark) {
        return None;
    }
    let mut seen = 0;
    let mut two = |at: usize| {
        let (tens, ones) = (text[at].wrapping_sub(b'0'), text[at + 1].wrapping_sub(b'0'));
        // What is no digit is far too much.
        seen = seen.max(tens).max(ones);
        tens.wrapping_mul(10).wrapping_add(ones)
    };
    let (century, year) = (i16::from(two(0)), i16::from(two(2)));
    let [month, day, hour, minute, second] = [5, 8, 11, 14, 17].map(|at| two(at) as i8);
    if seen > 9 {
        return None;
    }
    let read = DateTime::new(century * 100 + year, month, day, hour, minute, second, nanos).ok()?;
    Offset::UTC.to_timestamp(read).ok()
}

/// What has not been read yet.
struct Line<'a>(&'a [u8]);

impl<'a> Line<'a> {
    /// The text after this opening, up to its closing quote. One with an escape in it, or with
    /// what should have been escaped, is not read here.
    fn field(&mut self, opening: &[u8]) -> Option<&'a str> {
        let rest = self.0.strip_prefix(opening)?;
        let (text, rest) = rest.split_at_checked(rest.iter().position(|byte| ends_plain(*byte))?)?;
        self.0 = rest.strip_prefix(b"\"")?;
        str::from_utf8(text).ok()
    }

    /// The id after this opening, in its usual form.
    fn id(&mut self, opening: &[u8]) -> Option<Uuid> {
        let (text, rest) = self.0.strip_prefix(opening)?.split_first_chunk::<36>()?;
        self.0 = rest.strip_prefix(b"\"")?;
        let [
            ..,
            b'-',
            _,
            _,
            _,
            _,
            b'-',
            _,
            _,
            _,
            _,
            b'-',
            _,
            _,
            _,
            _,
            b'-',
            _,
            _,
            _,
            _,
            _,
            _,
            _,
            _,
            _,
            _,
            _,
            _,
        ] = text
        else {
            return None;
        };
        let mut digits = [0; 32];
        for (to, from) in [(0..8, 0..8), (8..12, 9..13), (12..16, 14..18), (16..20, 19..23), (20..32, 24..36)]
        {
            digits[to].copy_from_slice(&text[from]);
        }
        bytes_of_hex(&digits).map(Uuid::from_bytes)
    }

    /// The installation after this opening.
    fn node(&mut self, opening: &[u8]) -> Option<u64> {
        let (digits, rest) = self.0.strip_prefix(opening)?.split_first_chunk::<16>()?;
        self.0 = rest.strip_prefix(b"\"")?;
        bytes_of_hex(digits).map(u64::from_be_bytes)
    }

    /// The time after this opening.
    fn time(&mut self, opening: &[u8]) -> Option<Timestamp> {
        let mut line = Line(self.0);
        let time = line.plain_time(opening);
        if time.is_some() {
            *self = line;
            return time;
        }
        self.field(opening)?.parse().ok()
    }

    fn plain_time(&mut self, opening: &[u8]) -> Option<Timestamp> {
        let (text, rest) = self.0.strip_prefix(opening)?.split_first_chunk::<19>()?;
        self.0 = rest;
        let nanos = if rest.starts_with(b".") { self.fraction()? } else { 0 };
        self.0 = self.0.strip_prefix(b"Z\"")?;
        date_time(text, nanos)
    }

    /// A point and up to nine digits, as billionths.
    fn fraction(&mut self) -> Option<i32> {
        let (digits, rest) = self.digits(b".")?;
        self.0 = rest;
        let length = u32::try_from(digits.len()).ok().filter(|length| (1..=9).contains(length))?;
        i32::try_from(number(digits) * 10_i64.pow(9 - length)).ok()
    }

    /// What the word after this opening stands for.
    fn word<T>(&mut self, opening: &[u8], words: impl IntoIterator<Item = (&'static [u8], T)>) -> Option<T> {
        let text = self.0.strip_prefix(opening)?;
        let (rest, known) =
            words.into_iter().find_map(|(word, known)| Some((text.strip_prefix(word)?, known)))?;
        self.0 = rest;
        Some(known)
    }

    /// The number after this opening; another one where it is not there at all.
    fn number_or(&mut self, opening: &[u8], otherwise: i64) -> Option<i64> {
        if self.0.starts_with(opening) { self.number(opening) } else { Some(otherwise) }
    }

    /// The number after this opening, as JSON writes a whole one that is not negative.
    fn number(&mut self, opening: &[u8]) -> Option<i64> {
        let (digits, rest) = self.digits(opening)?;
        // So many cannot be too large.
        let is_plain = matches!(digits, [b'0'] | [b'1'..=b'9', ..]) && digits.len() <= 18;
        self.0 = rest;
        is_plain.then(|| number(digits))
    }

    /// The digits after this opening, and what is behind them.
    fn digits(&self, opening: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
        let text = self.0.strip_prefix(opening)?;
        text.split_at_checked(text.iter().position(|byte| !byte.is_ascii_digit())?)
    }
}

/// What digits are worth that are not too many.
fn number(digits: &[u8]) -> i64 {
    digits.iter().fold(0, |value, digit| value * 10 + i64::from(digit - b'0'))
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use proptest::prelude::*;

    use super::*;
    use crate::incident::{Draft, NoteKind, Noted, Told};

    fn sealed(author: &str, text: &str, wall_ms: i64, body: impl Into<Body>) -> Vec<u8> {
        let draft = Draft {
            incident: IncidentId(Uuid::from_u128(1 << 100)),
            occurred: Some((Timestamp::from_millisecond(1_700_000_000_000).unwrap(), Precision::About)),
            took: (wall_ms % 2 == 0).then_some(SignedDuration::from_millis(70)),
            body: body.into(),
        };
        let author = Author { name: author.to_owned(), node: 0xfedc };
        let (prev, at) = (Hash::of(text.as_bytes()), Hlc { wall_ms, count: 3 });
        let clock = at.timestamp().checked_sub(SignedDuration::from_millis(wall_ms % 3)).unwrap_or_default();
        Record::seal_at(RecordId(Uuid::from_u128(2)), draft, author, at, clock, prev).unwrap().1
    }

    fn note(text: &str) -> Noted {
        Noted { kind: NoteKind::Finding, text: text.to_owned() }
    }

    #[test]
    fn what_is_written_every_day_is_read_here() {
        for bytes in [
            sealed("maya", "", 1_700_000_000_123, note("a \"quote\"\nand more")),
            sealed("maya", "", 1_700_000_000_124, note("behind, and it took a while")),
            sealed("Jörg", "x", 0, Told { audience: "update".to_owned(), ..Told::default() }),
        ] {
            let hash = Hash::of(&bytes);
            assert_eq!(read(&bytes, hash), Some(Record::decode_generally(&bytes, hash).unwrap()));
        }
    }

    #[test]
    fn whatever_is_read_over_another_is_what_is_read_alone() {
        let sealed = [
            sealed("maya", "", 4, note("before")),
            sealed("omar", "x", 5, Told { audience: "update".to_owned(), ..Told::default() }),
            sealed("li", "", 6, note("and \"after\"")),
            sealed("li", "y", 6, note("")),
        ];
        let read = |bytes: &Vec<u8>| Record::decode_generally(bytes, Hash::of(bytes)).unwrap();
        for (before, bytes) in sealed.iter().flat_map(|one| sealed.iter().map(move |other| (one, other))) {
            let mut over = read(before);
            assert!(read_over(&mut over, bytes, Hash::of(bytes)));
            assert_eq!(over, read(bytes));
        }
    }

    #[test]
    fn times_are_read_as_their_own_parser_reads_them() {
        let bytes = String::from_utf8(sealed("maya", "", 5, note("text"))).unwrap();
        let (before, rest) = bytes.split_once("2023-11-14T22:13:20Z").unwrap();
        for time in [
            "1970-01-01T00:00:00Z",
            "2024-02-29T23:59:59.999999999Z",
            "2024-02-29T23:59:59.000000001Z",
            "2023-11-14T22:13:20.5Z",
            "0000-01-01T00:00:00Z",
            "9999-12-30T22:00:00.9Z",
            "1969-12-31T23:59:59.25Z",
            "2016-12-31T23:59:60Z",
            "2023-11-14t22:13:20z",
            "2023-11-14 22:13:20+01:00",
            "-001000-01-01T00:00:00Z",
        ] {
            let bytes = format!("{before}{time}{rest}");
            let read = read(bytes.as_bytes(), Hash::default()).map(|record| record.occurred_at);
            assert_eq!(read, time.parse().ok(), "{time}");
        }
        for none in [
            "2023-02-29T00:00:00Z",
            "2023-11-14T24:00:00Z",
            "2023-11-14T22:13:20.1234567890Z",
            "2023-11-1:T00:00:00Z",
        ] {
            let bytes = format!("{before}{none}{rest}");
            assert_eq!(read(bytes.as_bytes(), Hash::default()), None, "{none}");
            assert!(Record::decode(bytes.as_bytes()).is_err(), "{none}");
        }
    }

    #[test]
    fn what_is_written_otherwise_is_left_to_the_general_reader() {
        let plain = String::from_utf8(sealed("maya", "", 5, note("text"))).unwrap();
        for other in [
            plain.replace("\"v\":1", "\"v\":2"),
            plain.replace("\"count\":3", "\"count\": 3"),
            plain.replace("\"wall\":5", "\"wall\":-5"),
            plain.replace("\"clock\":3", "\"clock\":-3"),
            plain.replace("\"kind\":\"note\"", "\"kind\":\"teleported\""),
            plain.replace("\"author\":\"maya\"", "\"author\":\"ma\\u0079a\""),
            plain.replace(",\"prev\"", ",\"new\":1,\"prev\""),
        ] {
            assert_ne!(other, plain);
            assert_eq!(read(other.as_bytes(), Hash::default()), None, "{other}");
            assert!(Record::decode(other.as_bytes()).is_ok(), "{other}");
        }
    }

    proptest! {
        #[test]
        fn both_readers_agree(
            author in ".{0,12}", text in "\\PC{0,40}", wall in any::<i64>(),
            at in any::<prop::sample::Index>(), byte in any::<u8>(),
        ) {
            let mut bytes = sealed(&author, &text, wall, note(&text));
            let hash = Hash::of(&bytes);
            let mut over = Record::decode(&sealed("else", "", 3, note("another"))).unwrap();
            if let Some(record) = read(&bytes, hash) {
                prop_assert_eq!(&record, &Record::decode_generally(&bytes, hash).unwrap());
                prop_assert!(read_over(&mut over, &bytes, hash));
                prop_assert_eq!(&record, &over);
            }
            // Damaged or changed: never read here as something else.
            let place = at.index(bytes.len());
            bytes[place] = byte;
            if let Some(record) = read(&bytes, hash) {
                prop_assert_eq!(&record, &Record::decode_generally(&bytes, hash).unwrap());
                prop_assert!(read_over(&mut over, &bytes, hash));
                prop_assert_eq!(record, over);
            } else {
                prop_assert!(!read_over(&mut over, &bytes, hash));
            }
        }
    }
}
