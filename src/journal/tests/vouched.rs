//! Whose the installations are that take part, over the incidents of a journal.

use super::*;
use crate::incident::{Author, Hlc, Joined, Met};

/// Takes in that an installation joined an incident as somebody.
fn joins(journal: &mut Journal, incident: IncidentId, node: u64, name: &str, at: i64) {
    let now = now() + SignedDuration::from_secs(at);
    let id = RecordId(uuid::Uuid::from_u128(u128::from(node) << 64 | incident.0.as_u128() >> 64));
    let author = Author { name: name.to_owned(), node };
    let clock = Hlc { wall_ms: now.as_millisecond(), count: 0 };
    let joined = Joined { key: "k".to_owned() };
    let (_, bytes) = Record::seal(id, Draft::now(incident, joined), author, clock, Hash::default()).unwrap();
    let received = journal.receive(now, incident, node, (&[bytes], 1)).unwrap();
    assert_eq!((received.added, received.aside), (1, Vec::new()));
}

#[test]
fn whose_an_installation_is_is_known_from_earlier_incidents() {
    let dir = TempDir::new().unwrap();
    let mut journal = open(&dir);
    let (first, second) = (declare(&mut journal), declare(&mut journal));
    joins(&mut journal, first, 0xa, "omar", 1);
    joins(&mut journal, second, 0xe, "Omar", 2);
    let met = |signed, at: i64| Met {
        signed,
        person: if at == 1 { "omar".to_owned() } else { "Omar".to_owned() },
        since: (now() + SignedDuration::from_secs(at)).as_millisecond(),
    };
    let vouched = journal.vouched(second).unwrap();
    assert_eq!(vouched.others.get(&0xe), Some(&met(1, 2)));
    assert_eq!(vouched.earlier, [(0xa, met(0, 1))]);
    let vouched = journal.vouched(first).unwrap();
    assert_eq!(vouched.earlier, [(0xe, met(0, 2))]);
}
