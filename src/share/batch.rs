//! What goes to a carrier: batches of the records of one installation in one incident, each with a head
//! that its key has signed. Pure.
//!
//! A head names the records it comes with by their hash, and the head before it by its own: whoever has the
//! last head knows that nothing before it was changed, taken out or put in.

use serde::{Deserialize, Serialize};

use super::key::{Key, is_signed};
use crate::incident::{Hash, IncidentId};

/// The form that is written.
const VERSION: u32 = 1;
/// Most bytes of records in a batch.
pub(super) const MOST_BYTES: usize = 16 << 20;
/// Most bytes of a head.
pub(super) const MOST_HEAD: usize = 4096;

/// What is said of a batch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// The form it is written in.
    pub v: u32,
    /// The incident.
    pub incident: IncidentId,
    /// The installation that wrote it, as 16 hexadecimal digits.
    pub node: String,
    /// The public half of its key.
    pub key: String,
    /// Which batch it is, from 1 on.
    pub batch: u64,
    /// How many records there are with it.
    pub records: u64,
    /// Hash of the records it comes with.
    pub lines: Hash,
    /// Hash of the head before it; all zero for the first.
    pub prev: Hash,
}

/// Records, a line each, and their head with its signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// `head.json`: the head as a line of JSON, and its signature as another.
    pub head: Vec<u8>,
    /// `records.jsonl`: as they are stored, a line each.
    pub lines: Vec<u8>,
}

/// How far a chain of batches has come.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reached {
    /// How many batches.
    pub batch: u64,
    /// How many records.
    pub records: u64,
    /// Hash of the last head.
    pub head: Hash,
    /// The key they were signed with; empty before the first.
    pub key: String,
}

impl Reached {
    /// Reads how far a chain has come from a head that was checked before, or that was made here.
    ///
    /// # Errors
    /// It is no head.
    pub fn of(head: &[u8]) -> Result<Self, String> {
        let json = head.split(|byte| *byte == b'\n').next().unwrap_or_default();
        let read: Head =
            serde_json::from_slice(json).map_err(|error| format!("its head cannot be read: {error}"))?;
        Ok(Self { batch: read.batch, records: read.records, head: Hash::of(head), key: read.key })
    }
}

/// Names an installation as batches do.
pub fn node_name(node: u64) -> String {
    format!("{node:016x}")
}

/// Tells keys of an installation from each other.
#[cfg(any(test, feature = "nats"))]
pub(super) fn key_mark(key: &str) -> String {
    Hash::of(key.as_bytes()).to_string().get(..16).unwrap_or_default().to_owned()
}

/// Reads such a name back.
pub(super) fn parse_node(name: &str) -> Option<u64> {
    let is_one = name.len() == 16 && name.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    u64::from_str_radix(name, 16).ok().filter(|_| is_one)
}

impl Batch {
    /// Makes the batch that follows what was reached, of records as they are stored.
    pub fn seal<'a>(
        key: &Key,
        incident: IncidentId,
        node: u64,
        reached: &Reached,
        records: impl IntoIterator<Item = &'a [u8]>,
    ) -> Self {
        let (mut lines, mut count) = (Vec::new(), 0);
        for record in records {
            lines.extend_from_slice(record);
            lines.push(b'\n');
            count += 1;
        }
        let head = Head {
            v: VERSION,
            incident,
            node: node_name(node),
            key: key.public(),
            batch: reached.batch + 1,
            records: reached.records + count,
            lines: Hash::of(&lines),
            prev: reached.head,
        };
        // Of strings and numbers: it cannot fail.
        let head = serde_json::to_string(&head).unwrap_or_default();
        let signature = key.sign(head.as_bytes());
        Self { head: format!("{head}\n{signature}\n").into_bytes(), lines }
    }

    /// Checks that it is the next batch of an installation in an incident after what was reached; returns what
    /// is reached with it.
    ///
    /// # Errors
    /// One line that says what is wrong with it.
    pub fn check(&self, incident: IncidentId, node: u64, reached: &Reached) -> Result<Reached, String> {
        let text = std::str::from_utf8(&self.head).map_err(|_| "its head is not text".to_owned())?;
        let (json, signature) = text
            .strip_suffix('\n')
            .and_then(|text| text.split_once('\n'))
            .ok_or_else(|| "its head is not one of ours".to_owned())?;
        let head: Head =
            serde_json::from_str(json).map_err(|error| format!("its head cannot be read: {error}"))?;
        if head.v != VERSION {
            return Err(format!(
                "it is written in form {}, and this version reads form {VERSION}: update flightdeck",
                head.v
            ));
        }
        if head.incident != incident || head.node != node_name(node) {
            return Err("its head is of another incident or installation".to_owned());
        }
        if !is_signed(&head.key, json.as_bytes(), signature) {
            return Err("its signature is wrong".to_owned());
        }
        if !reached.key.is_empty() && reached.key != head.key {
            return Err("it was signed with another key than before".to_owned());
        }
        if head.batch != reached.batch + 1 || head.prev != reached.head {
            return Err(format!("batch {} does not follow the one before it", head.batch));
        }
        let count = self.records().count() as u64;
        if head.lines != Hash::of(&self.lines) || head.records != reached.records + count {
            return Err("its records are not those that were signed".to_owned());
        }
        Ok(Reached { batch: head.batch, records: head.records, head: Hash::of(&self.head), key: head.key })
    }

    /// The key that its head names, whether it was signed with that or not.
    pub fn key(&self) -> Option<String> {
        Reached::of(&self.head).ok().map(|reached| reached.key)
    }

    /// Tells whether its head was signed with the key that it names, and its records are those that were signed.
    pub fn is_intact(&self) -> bool {
        let text = std::str::from_utf8(&self.head).unwrap_or_default();
        let Some((json, signature)) = text.strip_suffix('\n').and_then(|text| text.split_once('\n')) else {
            return false;
        };
        serde_json::from_str::<Head>(json).is_ok_and(|head| {
            is_signed(&head.key, json.as_bytes(), signature) && head.lines == Hash::of(&self.lines)
        })
    }

    /// The records, as they are stored.
    pub fn records(&self) -> impl Iterator<Item = &[u8]> {
        self.lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn made() -> (tempfile::TempDir, Key, IncidentId) {
        let dir = tempfile::tempdir().unwrap();
        let key = Key::open(dir.path()).unwrap();
        (dir, key, IncidentId(Uuid::from_u128(7)))
    }

    #[test]
    fn batches_follow_each_other_and_carry_records_as_they_are() {
        let (_dir, key, incident) = made();
        let records: [&[u8]; 3] = [b"{\"a\":1}", b"{\"b\":2}", b"{\"c\":3}"];
        let first = Batch::seal(&key, incident, 5, &Reached::default(), records[..2].iter().copied());
        let reached = first.check(incident, 5, &Reached::default()).unwrap();
        assert_eq!((reached.batch, reached.records), (1, 2));
        let second = Batch::seal(&key, incident, 5, &reached, records[2..].iter().copied());
        let reached = second.check(incident, 5, &reached).unwrap();
        assert_eq!((reached.batch, reached.records), (2, 3));
        let all: Vec<&[u8]> = first.records().chain(second.records()).collect();
        assert_eq!(all, records);
    }

    #[test]
    fn what_was_changed_left_out_or_put_in_is_noticed() {
        let (_dir, key, incident) = made();
        let (_other_dir, other, _) = made();
        let start = Reached::default();
        let line: [&[u8]; 1] = [b"{\"a\":1}"];
        let first = Batch::seal(&key, incident, 5, &start, line);
        let reached = first.check(incident, 5, &start).unwrap();
        let wrong =
            |batch: &Batch, node, reached: &Reached| batch.check(incident, node, reached).unwrap_err();
        let changed = Batch { lines: b"{\"a\":2}\n".to_vec(), ..first.clone() };
        assert!(wrong(&changed, 5, &start).contains("not those that were signed"));
        assert!(wrong(&first, 6, &start).contains("another incident or installation"));
        assert!(wrong(&first, 5, &reached).contains("does not follow"));
        let forged = Batch::seal(&other, incident, 5, &reached, line);
        assert!(wrong(&forged, 5, &reached).contains("another key"));
        let mut unsigned = first.clone();
        let text = String::from_utf8(unsigned.head).unwrap().replace("\"batch\":1", "\"batch\":2");
        unsigned.head = text.into_bytes();
        assert!(wrong(&unsigned, 5, &start).contains("signature is wrong"));
        let newer = String::from_utf8(first.head.clone()).unwrap().replace("\"v\":1", "\"v\":2");
        assert!(
            wrong(&Batch { head: newer.into_bytes(), ..first.clone() }, 5, &start)
                .contains("update flightdeck")
        );
        for garbage in [&b""[..], b"\n", b"{}\n\n", b"\xff\xfe\n", b"no json\nno signature\n"] {
            wrong(&Batch { head: garbage.to_vec(), ..first.clone() }, 5, &start);
        }
    }

    #[test]
    fn an_installation_has_one_name() {
        assert_eq!(parse_node(&node_name(0x51c0_ffee)), Some(0x51c0_ffee));
        for other in ["", "51c0ffee", "000000000000000G", "+00000000000000f", "00000000000000FF"] {
            assert_eq!(parse_node(other), None, "{other}");
        }
    }
}
