//! A record: one event of an incident, never edited, chained by hash.
//!
//! What is stored, exported and hashed is the record's **bytes**: one line of JSON. A
//! [`Record`] is those bytes decoded. A kind this version does not know keeps its bytes.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::body::Body;

/// Identity of a record: a `UUIDv7`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RecordId(pub Uuid);

/// Identity of an incident: a `UUIDv7`; people see its [number](super::State::number).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct IncidentId(pub Uuid);

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
        Timestamp::from_millisecond(self.wall_ms).unwrap_or_default()
    }
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
        let mut out = [0; 32];
        let hex = hex.as_bytes();
        if hex.len() != 64 {
            return None;
        }
        for (i, pair) in hex.chunks_exact(2).enumerate() {
            let high = char::from(pair[0]).to_digit(16)?;
            let low = char::from(pair[1]).to_digit(16)?;
            out[i] = (high * 16 + low) as u8;
        }
        Some(Self(out))
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
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
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
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

/// An event before the journal has given it identity, clock, author and place in a chain.
#[derive(Debug, Clone, PartialEq)]
pub struct Draft {
    /// The incident it belongs to.
    pub incident: IncidentId,
    /// When it happened, if not now.
    pub occurred: Option<(Timestamp, Precision)>,
    /// What happened.
    pub body: Body,
}

impl Draft {
    /// An event that happens now.
    pub fn now(incident: IncidentId, body: impl Into<Body>) -> Self {
        Self { incident, occurred: None, body: body.into() }
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
    /// When it was written down; orders the fold.
    pub at: Hlc,
    /// When it happened; may be earlier than it was written down.
    pub occurred_at: Timestamp,
    /// How well `occurred_at` is known.
    pub precision: Precision,
    /// What happened.
    pub body: Body,
    /// Hash of the author's record before this one.
    pub prev: Hash,
    /// Hash of this record's bytes.
    pub hash: Hash,
}

/// The stored form. Field order is the order of the bytes.
#[derive(Serialize, Deserialize)]
struct Envelope<'a> {
    v: u32,
    id: RecordId,
    incident: IncidentId,
    #[serde(borrow)]
    author: std::borrow::Cow<'a, str>,
    node: std::borrow::Cow<'a, str>,
    wall: i64,
    count: u32,
    occurred_at: Timestamp,
    #[serde(default)]
    precision: Precision,
    kind: std::borrow::Cow<'a, str>,
    #[serde(borrow)]
    body: std::borrow::Cow<'a, RawValue>,
    prev: Hash,
}

/// Why stored bytes are not a record.
#[derive(Debug, thiserror::Error)]
#[error("not a record: {0}")]
pub struct NotARecord(#[from] serde_json::Error);

impl Record {
    /// Writes the bytes of a new record and returns both.
    pub fn seal(
        id: RecordId,
        draft: Draft,
        author: Author,
        at: Hlc,
        prev: Hash,
    ) -> Result<(Self, Vec<u8>), NotARecord> {
        let (occurred_at, precision) = draft.occurred.unwrap_or((at.timestamp(), Precision::Exact));
        let body = serde_json::value::to_raw_value(&draft.body)?;
        let bytes = serde_json::to_vec(&Envelope {
            v: 1,
            id,
            incident: draft.incident,
            author: author.name.as_str().into(),
            node: format!("{:016x}", author.node).into(),
            wall: at.wall_ms,
            count: at.count,
            occurred_at,
            precision,
            kind: draft.body.kind().into(),
            body: std::borrow::Cow::Owned(body),
            prev,
        })?;
        let record = Self {
            id,
            incident: draft.incident,
            author,
            at,
            occurred_at,
            precision,
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
        let e: Envelope<'_> = serde_json::from_slice(bytes)?;
        Ok(Self {
            id: e.id,
            incident: e.incident,
            author: Author {
                name: e.author.into_owned(),
                node: u64::from_str_radix(&e.node, 16).unwrap_or_default(),
            },
            at: Hlc { wall_ms: e.wall, count: e.count },
            occurred_at: e.occurred_at,
            precision: e.precision,
            body: Body::decode(&e.kind, &e.body),
            prev: e.prev,
            hash,
        })
    }

    /// The order of the fold: clock first, then identity, so that every set of records has
    /// one order wherever it is folded.
    pub fn order(&self) -> (Hlc, RecordId) {
        (self.at, self.id)
    }
}
