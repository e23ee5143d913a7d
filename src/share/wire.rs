//! How batches go over a live carrier: one subject an incident and installation, a batch in as many messages as it takes.
//! Pure.
//!
//! A message of `flightdeck.v1.<incident>.<node>` holds a part of a batch: its head, which is two lines, and its records.
//! The header `Flightdeck-Part` says which one: number of the batch, which part of how many, and the hash of the head.
//! On `flightdeck.have.<incident>` each says from time to time what it has, so that others send again what is missing.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};

use super::batch::{Batch, MOST_BYTES, MOST_HEAD, node_name, parse_node};
use crate::incident::{Hash, IncidentId};

/// What all batches are below, and the stream takes.
pub(super) const BATCHES: &str = "flightdeck.v1";
/// Below which each says what it has.
const HAVE: &str = "flightdeck.have";
/// The header that says which part of which batch a message holds.
#[cfg(feature = "nats")]
pub(super) const PART: &str = "Flightdeck-Part";
/// Most bytes of batches that are not complete.
const MOST_PARTIAL: usize = 64 << 20;
/// Most bytes of what somebody has.
pub(super) const MOST_HAVE: usize = 256 << 10;
/// The form it is said in.
const VERSION: u32 = 1;

/// The subject of an installation in an incident; of all of them without one.
pub(super) fn subject(incident: Option<IncidentId>, node: Option<u64>) -> String {
    let incident = incident.map_or_else(|| "*".to_owned(), |id| id.to_string());
    let node = node.map_or_else(|| "*".to_owned(), node_name);
    format!("{BATCHES}.{incident}.{node}")
}

/// The subject on which all say what they have of an incident; of all of them without one.
pub(super) fn have_subject(incident: Option<IncidentId>) -> String {
    let incident = incident.map_or_else(|| "*".to_owned(), |id| id.to_string());
    format!("{HAVE}.{incident}")
}

/// The incident of such a subject.
pub(super) fn parse_have(subject: &str) -> Option<IncidentId> {
    let incident = subject.strip_prefix(HAVE)?.strip_prefix('.')?;
    let id = IncidentId(incident.parse().ok()?);
    (id.to_string() == incident).then_some(id)
}

/// The incident and the installation of a subject.
pub(super) fn parse_subject(subject: &str) -> Option<(IncidentId, u64)> {
    let (incident, node) = subject.strip_prefix(BATCHES)?.strip_prefix('.')?.split_once('.')?;
    let id = IncidentId(incident.parse().ok()?);
    (id.to_string() == incident).then_some((id, parse_node(node)?))
}

/// Which part of which batch a message holds.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Part {
    pub(super) batch: u64,
    /// From 1 on.
    pub(super) place: u32,
    pub(super) of: u32,
    /// The hash of the head.
    pub(super) head: String,
}

impl Part {
    /// Writes it as the header of a message.
    pub(super) fn header(&self) -> String {
        format!("{} {}/{} {}", self.batch, self.place, self.of, self.head)
    }

    /// Reads such a header.
    pub(super) fn parse(header: &str) -> Option<Self> {
        let mut words = header.split(' ');
        let (batch, parts, head) = (words.next()?, words.next()?, words.next()?);
        let (place, of) = parts.split_once('/')?;
        let read = Self {
            batch: batch.parse().ok()?,
            place: place.parse().ok()?,
            of: of.parse().ok()?,
            head: head.to_owned(),
        };
        let is_one = words.next().is_none()
            && (1..=read.of).contains(&read.place)
            && read.head.len() == 64
            && read.head.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_one.then_some(read)
    }
}

/// Cuts a batch into what messages of so many bytes hold, at least one byte each.
pub(super) fn parts(number: u64, batch: &Batch, most: usize) -> Vec<(Part, Vec<u8>)> {
    let whole = [batch.head.as_slice(), &batch.lines].concat();
    let head = Hash::of(&batch.head).to_string();
    let cut: Vec<&[u8]> = whole.chunks(most.max(1)).collect();
    let of = u32::try_from(cut.len()).unwrap_or(u32::MAX);
    (1..)
        .zip(cut)
        .map(|(place, bytes)| (Part { batch: number, place, of, head: head.clone() }, bytes.to_vec()))
        .collect()
}

/// Puts batches together again whose parts come in any order, some of them twice.
#[derive(Debug, Default)]
pub(super) struct Assembler {
    open: BTreeMap<(IncidentId, u64, String), Open>,
    /// The oldest first.
    order: VecDeque<(IncidentId, u64, String)>,
    bytes: usize,
}

#[derive(Debug)]
struct Open {
    of: u32,
    parts: BTreeMap<u32, Vec<u8>>,
    bytes: usize,
}

impl Assembler {
    /// Adds a part; gives the batch once that is complete. What takes too much room while it is not goes, the oldest
    /// first.
    pub(super) fn add(
        &mut self,
        incident: IncidentId,
        node: u64,
        part: Part,
        bytes: Vec<u8>,
    ) -> Option<Batch> {
        if part.of == 1 {
            return split(&bytes);
        }
        let key = (incident, node, part.head);
        let open = self.open.entry(key.clone()).or_insert_with(|| {
            self.order.push_back(key.clone());
            Open { of: part.of, parts: BTreeMap::new(), bytes: 0 }
        });
        // One who says another number than the first did is not believed.
        if open.of != part.of || open.parts.contains_key(&part.place) {
            return None;
        }
        (open.bytes, self.bytes) = (open.bytes + bytes.len(), self.bytes + bytes.len());
        open.parts.insert(part.place, bytes);
        if open.parts.len() == open.of as usize {
            let whole: Vec<u8> = self.remove(&key)?.parts.into_values().flatten().collect();
            return split(&whole);
        }
        if open.bytes > MOST_BYTES + MOST_HEAD {
            self.remove(&key);
        }
        while self.bytes > MOST_PARTIAL {
            let Some(oldest) = self.order.front().cloned() else { break };
            self.remove(&oldest);
        }
        None
    }

    fn remove(&mut self, key: &(IncidentId, u64, String)) -> Option<Open> {
        self.order.retain(|one| one != key);
        let open = self.open.remove(key)?;
        self.bytes -= open.bytes;
        Some(open)
    }
}

/// A batch of its head and its records in one.
fn split(whole: &[u8]) -> Option<Batch> {
    let mut ends = whole.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at + 1);
    let end = ends.nth(1).filter(|end| *end <= MOST_HEAD)?;
    let (head, lines) = whole.split_at_checked(end)?;
    (lines.len() <= MOST_BYTES).then(|| Batch { head: head.to_vec(), lines: lines.to_vec() })
}

/// What somebody has of an incident.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Have {
    v: u32,
    /// Who says it: an installation.
    pub(super) node: String,
    /// Whether something came that what was before it is missing of.
    pub(super) gap: bool,
    /// Installation, mark of its key, and how many batches.
    pub(super) chains: Vec<(String, String, u64)>,
}

impl Have {
    pub(super) fn new(node: u64, gap: bool, chains: Vec<(String, String, u64)>) -> Self {
        Self { v: VERSION, node: node_name(node), gap, chains }
    }

    pub(super) fn write(&self) -> Vec<u8> {
        // Of strings and numbers: it cannot fail.
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// Reads it; what is none is nobody's.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let is_short = bytes.len() <= MOST_HAVE;
        let read: Self = is_short.then(|| serde_json::from_slice(bytes).ok()).flatten()?;
        (read.v == VERSION).then_some(read)
    }

    /// How many batches of a chain whoever says it has.
    pub(super) fn of(&self, node: u64, mark: &str) -> u64 {
        let name = node_name(node);
        self.chains
            .iter()
            .find(|(of, key, _)| *of == name && key == mark)
            .map_or(0, |(_, _, batches)| *batches)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;
    use crate::share::batch::Reached;
    use crate::share::key::Key;

    fn incident() -> IncidentId {
        IncidentId(Uuid::from_u128(7))
    }

    fn sealed(lines: &[&[u8]]) -> Batch {
        let dir = tempfile::tempdir().unwrap();
        let key = Key::open(dir.path()).unwrap();
        Batch::seal(&key, incident(), 5, &Reached::default(), lines.iter().copied())
    }

    #[test]
    fn subjects_name_one_incident_and_one_installation() {
        let one = subject(Some(incident()), Some(0xbeef));
        assert_eq!(one, "flightdeck.v1.00000000-0000-0000-0000-000000000007.000000000000beef");
        assert_eq!(parse_subject(&one), Some((incident(), 0xbeef)));
        assert_eq!(subject(None, None), "flightdeck.v1.*.*");
        assert_eq!(parse_have(&have_subject(Some(incident()))), Some(incident()));
        assert_eq!((parse_have(&have_subject(None)), parse_have("flightdeck.have.7")), (None, None));
        let odd = [
            "flightdeck.v1.7.000000000000beef",
            "flightdeck.v1.00000000-0000-0000-0000-000000000007.beef",
            "flightdeck.v1.00000000-0000-0000-0000-000000000007.000000000000BEEF",
            "flightdeck.v1.00000000000000000000000000000007.000000000000beef",
            "flightdeck.v2.00000000-0000-0000-0000-000000000007.000000000000beef",
        ];
        for odd in odd {
            assert_eq!(parse_subject(odd), None, "{odd}");
        }
    }

    #[test]
    fn headers_that_name_no_part_are_refused() {
        let head = "0".repeat(64);
        for odd in [
            format!("1 0/1 {head}"),
            format!("1 2/1 {head}"),
            format!("1 1/1 {head} x"),
            format!("x 1/1 {head}"),
            "1 1/1 abc".to_owned(),
            String::new(),
        ] {
            assert_eq!(Part::parse(&odd), None, "{odd}");
        }
    }

    #[test]
    fn what_is_never_complete_takes_bounded_room() {
        let mut assembler = Assembler::default();
        let part = |head: u32, place| Part { batch: 1, place, of: 9999, head: format!("{head:064x}") };
        for n in 0..200 {
            assert_eq!(assembler.add(incident(), 5, part(n, 1), vec![0; 1 << 20]), None);
        }
        assert!(assembler.bytes <= MOST_PARTIAL && assembler.open.len() == assembler.order.len());
        for n in 1..40 {
            assert_eq!(assembler.add(incident(), 6, part(7, n), vec![0; 1 << 20]), None);
        }
        assert!(assembler.bytes <= MOST_PARTIAL);
    }

    #[test]
    fn what_somebody_has_is_read_as_it_was_written() {
        let have = Have::new(5, true, vec![(node_name(6), "ab".to_owned(), 12)]);
        let read = Have::read(&have.write()).unwrap();
        assert_eq!((read.of(6, "ab"), read.of(6, "cd"), read.of(7, "ab")), (12, 0, 0));
        assert_eq!(Have::read(b"{}"), None);
        assert_eq!(Have::read(&vec![b' '; MOST_HAVE + 1]), None);
    }

    proptest! {
        #[test]
        fn a_batch_is_put_together_however_its_parts_come(
            lines in prop::collection::vec(prop::collection::vec(b'a'..=b'z', 1..200), 1..20),
            most in 1_usize..400,
            order in any::<u64>(),
        ) {
            let lines: Vec<&[u8]> = lines.iter().map(Vec::as_slice).collect();
            let batch = sealed(&lines);
            let mut all = parts(3, &batch, most);
            for (part, bytes) in &all {
                prop_assert!(bytes.len() <= most);
                prop_assert_eq!(Part::parse(&part.header()), Some(part.clone()));
            }
            // In another order, and each twice.
            all.sort_by_key(|(part, _)| (u64::from(part.place) ^ order).wrapping_mul(0x9e37_79b9_7f4a_7c15));
            let mut assembler = Assembler::default();
            let mut found = Vec::new();
            for (part, bytes) in all {
                found.extend(assembler.add(incident(), 5, part.clone(), bytes.clone()));
                if part.of > 1 && found.is_empty() {
                    prop_assert_eq!(assembler.add(incident(), 5, part, bytes), None);
                }
            }
            prop_assert_eq!(found, vec![batch]);
        }

        #[test]
        fn garbage_is_no_batch(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let part = Part { batch: 1, place: 1, of: 1, head: "0".repeat(64) };
            if let Some(batch) = Assembler::default().add(incident(), 5, part, bytes) {
                prop_assert!(!batch.is_intact());
            }
        }
    }
}
