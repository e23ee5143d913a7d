//! A record: one event of an incident, never edited, chained by hash.
//!
//! What is stored, exported and hashed is the record's **bytes**: one line of JSON. A
//! [`Record`] is those bytes decoded. A kind this version does not know keeps its bytes.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::body::Body;
use super::stored;

/// Identity of a record: a `UUIDv7`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RecordId(pub Uuid);

/// Identity of an incident: a `UUIDv7`; people see its [number](super::State::number).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct IncidentId(pub Uuid);

impl IncidentId {
    /// Completes a number that another incident has, too, with the end of the id:
    /// `INC-2026-0001-3f2a`.
    pub fn tell_apart(self, number: &str) -> String {
        let id = self.0.simple().to_string();
        let (_, end) = id.split_at(id.len() - 4);
        format!("{number}-{end}")
    }
}

impl FromStr for RecordId {
    type Err = uuid::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

impl fmt::Display for RecordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for IncidentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A hybrid logical clock reading (Kulkarni et al., 2014): wall time in milliseconds
/// since the Unix epoch, pushed forward past everything seen, and a counter for ties.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Hlc {
    /// Milliseconds since the Unix epoch.
    pub wall_ms: i64,
    /// Orders readings with the same wall time.
    pub count: u32,
}

impl Hlc {
    /// The reading for a new event, given the wall clock and the latest reading seen. A
    /// wall clock that was set back never makes an event sort before what it followed.
    #[must_use]
    pub fn next(self, wall: Timestamp) -> Self {
        let wall_ms = wall.as_millisecond();
        if wall_ms > self.wall_ms {
            Self { wall_ms, count: 0 }
        } else {
            Self { wall_ms: self.wall_ms, count: self.count.saturating_add(1) }
        }
    }

    /// The wall part as a timestamp, clamped into the representable range.
    pub fn timestamp(self) -> Timestamp {
        clamped(self.wall_ms)
    }
}

fn clamped(ms: i64) -> Timestamp {
    Timestamp::from_millisecond(ms).unwrap_or(if ms < 0 { Timestamp::MIN } else { Timestamp::MAX })
}

/// A length of time as it is stored.
pub(super) fn length(ms: u64) -> SignedDuration {
    SignedDuration::from_millis(i64::try_from(ms).unwrap_or(i64::MAX))
}

/// Reads hexadecimal digits, two a byte; `None` if one is none. Written so that the compiler takes
/// many at once: all are looked at before it is said that one is wrong.
pub(super) fn bytes_of_hex<const DIGITS: usize, const BYTES: usize>(
    hex: &[u8; DIGITS],
) -> Option<[u8; BYTES]> {
    const { assert!(DIGITS == 2 * BYTES) };
    let (mut worth, mut seen) = ([0; DIGITS], 0);
    for (worth, digit) in worth.iter_mut().zip(hex) {
        let (number, letter) = (digit.wrapping_sub(b'0'), (digit | 0x20).wrapping_sub(b'a'));
        *worth = match (number, letter) {
            (0..10, _) => number,
            (_, 0..6) => letter + 10,
            _ => 0xff,
        };
        seen |= *worth;
    }
    let mut bytes = [0; BYTES];
    for (byte, [high, low]) in bytes.iter_mut().zip(worth.as_chunks().0) {
        *byte = high << 4 | low & 15;
    }
    (seen < 16).then_some(bytes)
}

/// A SHA-256 digest; all zero stands for "no record before this one".
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Hash(pub [u8; 32]);

impl Hash {
    /// The digest of a record's stored bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// Parses 64 hexadecimal digits.
    pub fn parse(hex: &str) -> Option<Self> {
        Self::of_hex(hex.as_bytes().try_into().ok()?)
    }

    pub(super) fn of_hex(hex: &[u8; 64]) -> Option<Self> {
        bytes_of_hex(hex).map(Self)
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A dozen are written for every record that is appended.
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut hex = [0; 64];
        for (pair, byte) in hex.chunks_exact_mut(2).zip(self.0) {
            pair.copy_from_slice(&[DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
        }
        f.write_str(std::str::from_utf8(&hex).map_err(|_| fmt::Error)?)
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Hash {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Hash {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom("expected 64 hexadecimal digits"))
    }
}

/// How well the time an event happened is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// To the second.
    #[default]
    Exact,
    /// Roughly.
    About,
    /// Some time before.
    Before,
}

/// Who wrote a record, and at which installation: one author on two machines makes two
/// chains, so neither can break the other's.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Author {
    /// The name a person goes by.
    pub name: String,
    /// A random number of the state directory that wrote the record.
    pub node: u64,
}

impl Author {
    /// The installation in a few characters, to tell two of one person apart.
    pub fn installation(&self) -> String {
        format!("{:08x}", self.node >> 32)
    }
}

/// An event before the journal has given it identity, clock, author and place in a chain.
#[derive(Debug, Clone, PartialEq)]
pub struct Draft {
    /// The incident it belongs to.
    pub incident: IncidentId,
    /// When it happened, if not now.
    pub occurred: Option<(Timestamp, Precision)>,
    /// How long what ended had taken, by a clock that nobody can set; `None`: nobody measured.
    pub took: Option<SignedDuration>,
    /// What happened.
    pub body: Body,
}

impl Draft {
    /// An event that happens now.
    pub fn now(incident: IncidentId, body: impl Into<Body>) -> Self {
        Self { incident, occurred: None, took: None, body: body.into() }
    }
}

/// One event of an incident.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// Identity.
    pub id: RecordId,
    /// The incident it belongs to.
    pub incident: IncidentId,
    /// Who wrote it.
    pub author: Author,
    /// Orders the fold. Its wall part may be ahead of its author's clock: it follows every
    /// record the author's journal had seen. Nothing is dated by it.
    pub at: Hlc,
    /// What the author's own clock said when it was written down, in milliseconds since the
    /// Unix epoch.
    pub clock_ms: i64,
    /// When it happened; may be earlier than it was written down.
    pub occurred_at: Timestamp,
    /// How well `occurred_at` is known.
    pub precision: Precision,
    /// How long what ended had taken, by a clock that nobody can set.
    pub took: Option<SignedDuration>,
    /// What happened.
    pub body: Body,
    /// Hash of the author's record before this one.
    pub prev: Hash,
    /// Hash of this record's bytes.
    pub hash: Hash,
}

/// The stored form. Field order is the order of the bytes. All that can be is borrowed:
/// opening a journal decodes every record of an incident.
#[derive(Serialize, Deserialize)]
struct Envelope<'a> {
    v: u32,
    id: RecordId,
    incident: IncidentId,
    #[serde(borrow)]
    author: Cow<'a, str>,
    #[serde(borrow)]
    node: Cow<'a, str>,
    wall: i64,
    count: u32,
    /// The author's clock, where it differs from `wall`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    clock: Option<i64>,
    occurred_at: Timestamp,
    #[serde(default)]
    precision: Precision,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    took_ms: Option<u64>,
    #[serde(borrow)]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    body: &'a RawValue,
    prev: Hash,
}

/// Why stored bytes are not a record.
#[derive(Debug, thiserror::Error)]
#[error("not a record: {0}")]
pub struct NotARecord(#[from] serde_json::Error);

impl Record {
    /// Writes the bytes of a new record and returns both. The author's clock says what the
    /// wall part of `at` says.
    pub fn seal(
        id: RecordId,
        draft: Draft,
        author: Author,
        at: Hlc,
        prev: Hash,
    ) -> Result<(Self, Vec<u8>), NotARecord> {
        Self::seal_at(id, draft, author, at, at.timestamp(), prev)
    }

    /// Writes the bytes of a new record whose author's clock says `clock`, and returns both.
    pub fn seal_at(
        id: RecordId,
        draft: Draft,
        author: Author,
        at: Hlc,
        clock: Timestamp,
        prev: Hash,
    ) -> Result<(Self, Vec<u8>), NotARecord> {
        let (occurred_at, precision) = draft.occurred.unwrap_or((clock, Precision::Exact));
        let clock_ms = if clock == at.timestamp() { at.wall_ms } else { clock.as_millisecond() };
        let took_ms = draft.took.and_then(|took| u64::try_from(took.as_millis()).ok());
        let body = serde_json::value::to_raw_value(&draft.body)?;
        let bytes = serde_json::to_vec(&Envelope {
            v: 1,
            id,
            incident: draft.incident,
            author: author.name.as_str().into(),
            node: format!("{:016x}", author.node).into(),
            wall: at.wall_ms,
            count: at.count,
            clock: (clock_ms != at.wall_ms).then_some(clock_ms),
            occurred_at,
            precision,
            took_ms,
            kind: draft.body.kind().into(),
            body: &body,
            prev,
        })?;
        let record = Self {
            id,
            incident: draft.incident,
            author,
            at,
            clock_ms,
            occurred_at,
            precision,
            took: took_ms.map(length),
            body: draft.body,
            prev,
            hash: Hash::of(&bytes),
        };
        Ok((record, bytes))
    }

    /// Decodes stored bytes and hashes them.
    pub fn decode(bytes: &[u8]) -> Result<Self, NotARecord> {
        Self::decode_with(bytes, Hash::of(bytes))
    }

    /// Decodes stored bytes whose hash is known, without hashing them again.
    pub fn decode_with(bytes: &[u8], hash: Hash) -> Result<Self, NotARecord> {
        match stored::read(bytes, hash) {
            Some(record) => Ok(record),
            None => Self::decode_generally(bytes, hash),
        }
    }

    /// Decodes stored bytes whose hash is known in place of this record, as cheaply as can be.
    pub fn decode_over(&mut self, bytes: &[u8], hash: Hash) -> Result<(), NotARecord> {
        if !stored::read_over(self, bytes, hash) {
            *self = Self::decode_with(bytes, hash)?;
        }
        Ok(())
    }

    /// The same, whatever the order of the fields and however they are written.
    pub(super) fn decode_generally(bytes: &[u8], hash: Hash) -> Result<Self, NotARecord> {
        // Checked once as a whole, not string by string.
        let text = std::str::from_utf8(bytes).map_err(<serde_json::Error as serde::de::Error>::custom)?;
        let e: Envelope<'_> = serde_json::from_str(text)?;
        Ok(Self {
            id: e.id,
            incident: e.incident,
            author: Author {
                name: e.author.into_owned(),
                node: u64::from_str_radix(&e.node, 16).unwrap_or_default(),
            },
            at: Hlc { wall_ms: e.wall, count: e.count },
            clock_ms: e.clock.unwrap_or(e.wall),
            occurred_at: e.occurred_at,
            precision: e.precision,
            took: e.took_ms.map(length),
            body: Body::decode(&e.kind, e.body),
            prev: e.prev,
            hash,
        })
    }

    /// When it was written down, by its author's own clock; clamped into the calendar.
    pub fn written_at(&self) -> Timestamp {
        clamped(self.clock_ms)
    }

    /// The order of the fold: clock first, then identity, so that every set of records has
    /// one order wherever it is folded.
    pub fn order(&self) -> (Hlc, RecordId) {
        (self.at, self.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::incident::{NoteKind, Noted};

    fn sealed(body: impl Into<Body>) -> (Record, Vec<u8>) {
        let draft = Draft::now(IncidentId(Uuid::from_u128(1)), body);
        let author = Author { name: "maya \"m\"".to_owned(), node: 7 };
        let at = Hlc { wall_ms: 1_700_000_000_123, count: 2 };
        Record::seal(RecordId(Uuid::from_u128(2)), draft, author, at, Hash::of(b"before")).unwrap()
    }

    #[test]
    fn a_sealed_record_decodes_to_itself() {
        let (record, bytes) = sealed(Noted { kind: NoteKind::Finding, text: "a\nb \u{202e}".to_owned() });
        assert_eq!(Record::decode(&bytes).unwrap(), record);
        assert!(!bytes.contains(&b'\n'), "a record is one line");
    }

    #[test]
    fn a_clock_that_lags_and_a_length_are_kept_and_an_old_record_has_neither() {
        let noon: Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
        let draft = || Draft {
            took: Some(SignedDuration::from_millis(61_250)),
            ..Draft::now(IncidentId(Uuid::from_u128(1)), Noted { kind: NoteKind::Note, text: "x".to_owned() })
        };
        let author = || Author { name: "maya".to_owned(), node: 7 };
        let ahead = Hlc { wall_ms: noon.as_millisecond() + 86_400_000, count: 1 };
        let id = RecordId(Uuid::from_u128(2));
        let (record, bytes) = Record::seal_at(id, draft(), author(), ahead, noon, Hash::default()).unwrap();
        assert_eq!((record.occurred_at, record.written_at()), (noon, noon));
        assert_eq!(record.took, Some(SignedDuration::from_millis(61_250)));
        assert_eq!(Record::decode(&bytes).unwrap(), record);
        assert_eq!(Record::decode_generally(&bytes, Hash::of(&bytes)).unwrap(), record);

        let (old, bytes) = sealed(Noted { kind: NoteKind::Note, text: "x".to_owned() });
        let text = String::from_utf8(bytes).unwrap();
        assert!(!text.contains("clock") && !text.contains("took"), "{text}");
        assert_eq!((old.written_at(), old.took), (old.at.timestamp(), None));
    }

    #[test]
    fn an_unknown_kind_keeps_its_bytes() {
        let raw = r#"{ "b":1.50,  "a":"\u00e9" , "b":2}"#;
        let (record, bytes) =
            sealed(Body::Unknown(super::super::Unknown { kind: "teleported".into(), raw: raw.into() }));
        assert!(String::from_utf8(bytes.clone()).unwrap().contains(raw));
        let again = Record::decode(&bytes).unwrap();
        assert_eq!(again, record);
        assert_eq!(again.body.kind(), "teleported");
        let draft = Draft {
            incident: again.incident,
            occurred: Some((again.occurred_at, again.precision)),
            took: None,
            body: again.body,
        };
        let (_, sealed_again) = Record::seal(again.id, draft, again.author, again.at, again.prev).unwrap();
        assert_eq!(sealed_again, bytes);
    }

    #[test]
    fn a_known_kind_with_a_strange_body_is_kept_as_unknown() {
        let (_, bytes) =
            sealed(Body::Unknown(super::super::Unknown { kind: "note".into(), raw: r#"{"text":5}"#.into() }));
        let record = Record::decode(&bytes).unwrap();
        assert!(matches!(record.body, Body::Unknown(ref u) if u.raw == r#"{"text":5}"#));
    }

    #[test]
    fn a_clock_set_back_never_turns_the_order() {
        let noon = Hlc::default().next("2026-03-01T12:00:00Z".parse().unwrap());
        let day_before = noon.next("2026-02-28T12:00:00Z".parse().unwrap());
        assert!(day_before > noon);
        assert_eq!(day_before.timestamp(), noon.timestamp());
        assert!(day_before.next("2026-03-01T12:00:01Z".parse().unwrap()) > day_before);
    }

    #[test]
    fn clock_readings_outside_the_calendar_are_clamped() {
        assert_eq!(Hlc { wall_ms: i64::MAX, count: 0 }.timestamp(), Timestamp::MAX);
        assert_eq!(Hlc { wall_ms: i64::MIN, count: 0 }.timestamp(), Timestamp::MIN);
    }
}
