//! Reads a record's bytes as [`Record::seal`] writes them: every field where it is expected.
//!
//! Opening a long incident is mostly this. Whatever is written in any other way is left to
//! the general reader, so that what counts as a record does not depend on this one.

use std::borrow::Cow;
use std::str::FromStr;

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use uuid::Uuid;

use super::body::Body;
use super::record::{Author, Hash, Hlc, IncidentId, Precision, Record, RecordId, length};
use super::words::NoteKind;

/// Decodes bytes whose hash is known; `None` if they are written otherwise.
pub(super) fn read(bytes: &[u8], hash: Hash) -> Option<Record> {
    let fields = Fields::of(bytes)?;
    Some(Record {
        id: fields.id,
        incident: fields.incident,
        author: Author { name: fields.author.to_owned(), node: fields.node },
        at: fields.at,
        clock_ms: fields.clock_ms,
        occurred_at: fields.occurred_at,
        precision: fields.precision,
        took: fields.took,
        body: Body::known(fields.kind, fields.body)?,
        prev: fields.prev,
        hash,
    })
}

/// Decodes a note over another one, and returns true; false: it is no note, or is written otherwise.
/// Of a million records most are notes, and making room for each is most of what they cost.
pub(super) fn read_over(note: &mut Record, bytes: &[u8], hash: Hash) -> bool {
    let Some(fields) = Fields::of(bytes) else { return false };
    let (Body::Noted(noted), "note") = (&mut note.body, fields.kind) else { return false };
    let Ok(read) = serde_json::from_str::<Note<'_>>(fields.body) else { return false };
    noted.kind = read.kind;
    read.text.as_ref().clone_into(&mut noted.text);
    fields.author.clone_into(&mut note.author.name);
    note.author.node = fields.node;
    (note.id, note.incident, note.at, note.clock_ms) =
        (fields.id, fields.incident, fields.at, fields.clock_ms);
    (note.occurred_at, note.precision, note.took) = (fields.occurred_at, fields.precision, fields.took);
    (note.prev, note.hash) = (fields.prev, hash);
    true
}

/// The body of a note as it is read over another one.
#[derive(Deserialize)]
struct Note<'a> {
    #[serde(default)]
    kind: NoteKind,
    #[serde(borrow)]
    text: Cow<'a, str>,
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
        let (rest, prev) = str::from_utf8(bytes).ok()?.strip_suffix("\"}")?.split_last(64)?;
        let mut line = Line(rest.strip_suffix(",\"prev\":\"")?);
        let id = line.field("{\"v\":1,\"id\":\"").and_then(uuid)?;
        let incident = line.field(",\"incident\":\"").and_then(uuid)?;
        let author = line.field(",\"author\":\"")?;
        let node = line.field(",\"node\":\"")?;
        let wall_ms: i64 = line.number(",\"wall\":")?.parse().ok()?;
        let count = line.number(",\"count\":")?.parse().ok()?;
        let clock_ms = line.number_or(",\"clock\":", wall_ms)?;
        let occurred_at: Timestamp = line.field(",\"occurred_at\":\"")?.parse().ok()?;
        let precision = match line.field(",\"precision\":\"")? {
            "exact" => Precision::Exact,
            "about" => Precision::About,
            "before" => Precision::Before,
            _ => return None,
        };
        let took_ms: i64 = line.number_or(",\"took_ms\":", -1)?;
        let kind = line.field(",\"kind\":\"")?;
        Some(Self {
            id: RecordId(id),
            incident: IncidentId(incident),
            author,
            node: u64::from_str_radix(node, 16).unwrap_or_default(),
            at: Hlc { wall_ms, count },
            clock_ms,
            occurred_at,
            precision,
            took: u64::try_from(took_ms).ok().map(length),
            kind,
            body: line.0.strip_prefix(",\"body\":")?,
            prev: Hash::parse(prev)?,
        })
    }
}

fn uuid(text: &str) -> Option<Uuid> {
    if text.len() == 36 { Uuid::try_parse_ascii(text.as_bytes()).ok() } else { None }
}

trait SplitLast {
    /// Cuts so many bytes off the end.
    fn split_last(&self, bytes: usize) -> Option<(&str, &str)>;
}

impl SplitLast for str {
    fn split_last(&self, bytes: usize) -> Option<(&str, &str)> {
        self.split_at_checked(self.len().checked_sub(bytes)?)
    }
}

/// What has not been read yet.
struct Line<'a>(&'a str);

impl<'a> Line<'a> {
    /// The text after this opening, up to its closing quote. One with an escape in it, or with
    /// what should have been escaped, is not read here.
    fn field(&mut self, opening: &str) -> Option<&'a str> {
        let (text, rest) = self.0.strip_prefix(opening)?.split_once('"')?;
        self.0 = rest;
        (!text.bytes().any(|byte| byte == b'\\' || byte < b' ')).then_some(text)
    }

    /// The number after this opening; another one where it is not there at all.
    fn number_or<T: FromStr>(&mut self, opening: &str, otherwise: T) -> Option<T> {
        if self.0.starts_with(opening) { self.number(opening)?.parse().ok() } else { Some(otherwise) }
    }

    /// The digits after this opening, as JSON writes a whole number that is not negative.
    fn number(&mut self, opening: &str) -> Option<&'a str> {
        let text = self.0.strip_prefix(opening)?;
        let end = text.bytes().position(|byte| !byte.is_ascii_digit())?;
        let (digits, rest) = text.split_at_checked(end)?;
        self.0 = rest;
        (digits == "0" || !digits.starts_with('0')).then_some(digits)
    }
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
    fn only_a_note_is_read_over_another() {
        let mut over = Record::decode(&sealed("maya", "", 4, note("before"))).unwrap();
        let (before, told) = (over.clone(), Told { audience: "update".to_owned(), ..Told::default() });
        let bytes = sealed("maya", "", 5, told);
        assert!(!read_over(&mut over, &bytes, Hash::of(&bytes)));
        assert_eq!(over, before);
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
                let is_note = matches!(record.body, Body::Noted(_));
                prop_assert_eq!(read_over(&mut over, &bytes, hash), is_note);
                prop_assert!(!is_note || record == over);
            } else {
                prop_assert!(!read_over(&mut over, &bytes, hash));
            }
        }
    }
}
