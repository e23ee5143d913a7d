//! What every carrier has to pass, whatever it loses, repeats, reorders or is told by somebody else: the same records on
//! every machine, none lost and none double, and one chain that is wrong holds up no other.

mod bare;
#[cfg(feature = "nats")]
mod nats;
mod post;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use tempfile::TempDir;

use super::batch::{Batch, Reached};
use super::carrier::Carrier;
use super::key::Key;
use super::round::{Round, Sharing};
use crate::conductor::Unattended;
use crate::config::types::Config;
use crate::hotfix::git::Reader;
use crate::incident::{Body, Declared, Draft, IncidentId, NoteKind, Noted, RepositoryId, Severity, Unknown};
use crate::journal::{ExportFormat, Journal, Summary};

/// How long machines may take until all of them have the same.
const PATIENCE: Duration = Duration::from_secs(20);

/// What a carrier goes over, and what somebody may do there.
trait Place {
    /// Makes the clone of a machine.
    fn clone_into(&self, root: &Path);

    /// The way of a machine to it.
    fn carrier(&self, node: u64) -> Box<dyn Carrier>;

    /// What is there of an installation, in order.
    fn there(&self, incident: IncidentId, node: u64) -> Vec<Batch>;

    /// Puts this in its place, as far as that can be.
    fn put(&self, incident: IncidentId, node: u64, batches: &[Batch]);

    /// Puts something there of which nobody knows what it is.
    fn litter(&self, incident: IncidentId, node: u64);
}

/// A clone with a journal and a way of its own.
struct Machine {
    dir: TempDir,
    journal: Journal,
    sharing: Sharing,
    carrier: Box<dyn Carrier>,
    last: Round,
}

impl Machine {
    fn new(place: &dyn Place, person: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        place.clone_into(&dir.path().join("clone"));
        Self::on(place, dir, person)
    }

    fn on(place: &dyn Place, dir: TempDir, person: &str) -> Self {
        let state = dir.path().join("state");
        std::fs::create_dir_all(&state).unwrap();
        let reader = Reader::open(&dir.path().join("clone")).unwrap();
        let config = Config::default();
        let wire = Unattended::new(&config, &reader);
        let sharing = Sharing::open(&state, wire, &config, true).unwrap();
        let journal = Journal::open(&state, person).unwrap();
        let carrier = place.carrier(journal.author().node);
        Self { dir, journal, sharing, carrier, last: Round::default() }
    }

    /// The same state directory on another machine, with a key of its own or the same.
    fn copy(&self, place: &dyn Place, person: &str, with_key: bool) -> Self {
        let dir = tempfile::tempdir().unwrap();
        place.clone_into(&dir.path().join("clone"));
        copy_all(&self.dir.path().join("state"), &dir.path().join("state"));
        if !with_key {
            std::fs::remove_file(dir.path().join("state/installation.key")).unwrap();
        }
        Self::on(place, dir, person)
    }

    fn node(&self) -> u64 {
        self.journal.author().node
    }

    fn declare(&mut self) -> IncidentId {
        let declared = Declared {
            number: String::new(),
            title: "Checkout answers 500".to_owned(),
            severity: Severity::P0,
            service: "payments-api".to_owned(),
            impact: String::new(),
            repository: self.dir.path().join("clone/.git").to_string_lossy().into_owned(),
            repository_id: RepositoryId::default(),
            answers: Vec::new(),
        };
        self.journal.declare(Timestamp::now(), None, declared).unwrap().incident
    }

    fn note(&mut self, incident: IncidentId, text: impl Into<String>) {
        self.write(Timestamp::now(), incident, Noted { kind: NoteKind::Finding, text: text.into() });
    }

    fn write(&mut self, at: Timestamp, incident: IncidentId, body: impl Into<Body>) {
        self.journal.append(at, vec![Draft::now(incident, body)]).unwrap();
    }

    /// Makes a pass for all it knows of, and takes in an incident that it does not.
    fn pass(&mut self, incident: IncidentId) {
        let all: Vec<Summary> = self.journal.incidents(None).unwrap();
        let now = Timestamp::now();
        if all.is_empty() {
            self.sharing.pass(&mut *self.carrier, &mut self.journal, now, &[], true).unwrap();
            self.sharing.take_in(&mut self.journal, now, incident, &mut Round::default()).unwrap();
        } else {
            let passed = self.sharing.pass(&mut *self.carrier, &mut self.journal, now, &all, true).unwrap();
            self.last = passed.0;
        }
    }

    /// Its records as they are stored; each once.
    fn records(&self, incident: IncidentId) -> BTreeSet<Vec<u8>> {
        if !self.journal.holds(incident).unwrap() {
            return BTreeSet::new();
        }
        let mut out = Vec::new();
        self.journal.export(incident, ExportFormat::Jsonl, &mut out).unwrap();
        let lines: Vec<Vec<u8>> = out.split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
        let lines: Vec<Vec<u8>> = lines.into_iter().filter(|line| !line.is_empty()).collect();
        let each = lines.iter().cloned().collect::<BTreeSet<_>>();
        assert_eq!(each.len(), lines.len(), "a record is there twice");
        each
    }

    fn says(&self, incident: IncidentId, text: &str) -> bool {
        self.records(incident).iter().any(|record| String::from_utf8_lossy(record).contains(text))
    }
}

fn copy_all(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let into: PathBuf = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_all(&entry.path(), &into);
        } else {
            std::fs::copy(entry.path(), into).unwrap();
        }
    }
}

/// Has machines make passes until something holds.
#[track_caller]
fn until(machines: &mut [&mut Machine], incident: IncidentId, holds: impl Fn(&[&mut Machine]) -> bool) {
    let end = Instant::now() + PATIENCE;
    loop {
        for machine in machines.iter_mut() {
            machine.pass(incident);
        }
        if holds(machines) {
            return;
        }
        let troubles: Vec<_> = machines.iter().map(|one| &one.last).collect();
        assert!(Instant::now() < end, "it does not come to that: {troubles:?}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Has them make passes until all have the same, and so many records at least.
#[track_caller]
fn settle(machines: &mut [&mut Machine], incident: IncidentId, least: usize) {
    until(machines, incident, |machines| {
        let first = machines[0].records(incident);
        first.len() >= least && machines.iter().all(|one| one.records(incident) == first)
    });
}

/// Two that have joined, with a note each.
fn two(place: &dyn Place) -> (Machine, Machine, IncidentId) {
    let [mut maya, mut omar] = ["maya", "omar"].map(|name| Machine::new(place, name));
    let incident = maya.declare();
    maya.note(incident, "orders without a card fail");
    until(&mut [&mut maya, &mut omar], incident, |machines| machines[1].journal.holds(incident).unwrap());
    omar.note(incident, "the pool is empty");
    settle(&mut [&mut maya, &mut omar], incident, 5);
    (maya, omar, incident)
}

fn what_was_written_arrives_once(place: &dyn Place) {
    let (mut maya, mut omar, incident) = two(place);
    for n in 0..20 {
        maya.note(incident, format!("maya {n}"));
        omar.note(incident, format!("omar {n}"));
        if n % 7 == 0 {
            maya.pass(incident);
        }
    }
    settle(&mut [&mut maya, &mut omar], incident, 45);
    let mut li = Machine::new(place, "li");
    settle(&mut [&mut li, &mut maya, &mut omar], incident, 46);
    until(&mut [&mut li, &mut maya, &mut omar], incident, |all| {
        all.iter().all(|one| one.last.unsent == 0 && one.last.trouble.is_none())
    });
    for one in [&maya, &omar, &li] {
        assert!(one.journal.verify(Some(incident)).is_ok());
    }
}

fn what_is_repeated_or_reordered_arrives_once(place: &dyn Place) {
    let (mut maya, mut omar, incident) = two(place);
    for n in 0..6 {
        maya.note(incident, format!("maya {n}"));
        maya.pass(incident);
    }
    let mut there = place.there(incident, maya.node());
    assert!(there.len() >= 6, "{}", there.len());
    there.extend(there.clone());
    place.put(incident, maya.node(), &there);
    settle(&mut [&mut maya, &mut omar], incident, 11);
    there.truncate(there.len() / 2);
    there.reverse();
    place.put(incident, maya.node(), &there);
    maya.note(incident, "after that");
    let mut li = Machine::new(place, "li");
    settle(&mut [&mut maya, &mut omar, &mut li], incident, 13);
}

fn what_is_lost_or_put_back_is_brought_again(place: &dyn Place) {
    let (mut maya, mut omar, incident) = two(place);
    for n in 0..4 {
        maya.note(incident, format!("maya {n}"));
        maya.pass(incident);
    }
    let whole = place.there(incident, maya.node());
    // The store is put back to what it was.
    place.put(incident, maya.node(), &whole[..1]);
    settle(&mut [&mut maya, &mut omar], incident, 9);
    // One in the middle is gone, and then all.
    place.put(incident, maya.node(), &[&whole[..2], &whole[3..]].concat());
    settle(&mut [&mut maya, &mut omar], incident, 9);
    place.put(incident, maya.node(), &[]);
    place.put(incident, omar.node(), &[]);
    let mut li = Machine::new(place, "li");
    settle(&mut [&mut maya, &mut omar, &mut li], incident, 10);
}

fn what_ends_in_the_middle_is_not_taken_in(place: &dyn Place) {
    let (mut maya, mut omar, incident) = two(place);
    let mut there = place.there(incident, maya.node());
    let last = there.last_mut().unwrap();
    last.lines.truncate(last.lines.len() / 2);
    place.put(incident, maya.node(), &there);
    maya.note(incident, "it goes on");
    let mut li = Machine::new(place, "li");
    settle(&mut [&mut maya, &mut omar, &mut li], incident, 7);
}

fn garbage_holds_up_nobody(place: &dyn Place) {
    let (mut maya, mut omar, incident) = two(place);
    place.litter(incident, maya.node());
    place.litter(incident, 0xdead_beef);
    maya.note(incident, "it goes on");
    omar.note(incident, "here, too");
    settle(&mut [&mut maya, &mut omar], incident, 7);
}

fn nobody_writes_in_the_name_of_another(place: &dyn Place) {
    let (mut maya, mut omar, incident) = two(place);
    let other = tempfile::tempdir().unwrap();
    let key = Key::open(other.path()).unwrap();
    // With another key, in the place of hers and behind it; and records of hers in a chain of somebody's own.
    let real = place.there(incident, maya.node());
    let lie = real[0].records().next().unwrap().to_vec();
    let lie = String::from_utf8(lie).unwrap().replace("500", "200").into_bytes();
    let reached = Reached::of(&real.last().unwrap().head).unwrap();
    let behind = Batch::seal(&key, incident, maya.node(), &reached, [lie.as_slice()]);
    let first = Batch::seal(&key, incident, maya.node(), &Reached::default(), [lie.as_slice()]);
    let own = Batch::seal(&key, incident, 0xdead_beef, &Reached::default(), [lie.as_slice()]);
    place.put(incident, maya.node(), &[real.as_slice(), &[behind]].concat());
    omar.pass(incident);
    place.put(incident, maya.node(), &[first]);
    place.put(incident, 0xdead_beef, &[own]);
    maya.note(incident, "it goes on");
    let mut li = Machine::new(place, "li");
    settle(&mut [&mut maya, &mut omar, &mut li], incident, 7);
    assert!(!li.says(incident, "answers 200") && !omar.says(incident, "answers 200"));
}

fn two_with_one_identity_are_told_and_hold_up_nobody(place: &dyn Place) {
    let (mut maya, mut omar, incident) = two(place);
    // Another key under the same number: whoever came first is believed.
    let mut other = maya.copy(place, "eve", false);
    other.note(incident, "written under another key");
    maya.note(incident, "written by maya");
    until(&mut [&mut other, &mut maya, &mut omar], incident, |all| {
        all[2].says(incident, "written by maya") && all[0].last.trouble.is_some()
    });
    assert!(!omar.says(incident, "another key"));
    // The same key on two machines.
    let mut twin = maya.copy(place, "maya", true);
    maya.note(incident, "from the first");
    until(&mut [&mut maya, &mut omar], incident, |all| all[1].says(incident, "from the first"));
    twin.note(incident, "from the second");
    until(&mut [&mut twin, &mut maya, &mut omar], incident, |all| {
        all[..2].iter().any(|one| one.last.trouble.as_deref().is_some_and(|why| why.contains("copy")))
    });
    omar.note(incident, "omar goes on");
    until(&mut [&mut maya, &mut omar], incident, |all| all[0].says(incident, "omar goes on"));
    assert!(omar.journal.verify(Some(incident)).is_ok());
}

fn what_is_large_early_or_new_arrives_as_it_is(place: &dyn Place) {
    let (mut maya, mut omar, incident) = two(place);
    maya.note(incident, "x".repeat((1 << 20) - 600));
    let tomorrow = Timestamp::now() + SignedDuration::from_hours(23);
    maya.write(
        tomorrow,
        incident,
        Noted { kind: NoteKind::Finding, text: "a clock that is ahead".to_owned() },
    );
    let raw = r#"{"where":"the moon"}"#.to_owned();
    maya.write(Timestamp::now(), incident, Body::Unknown(Unknown { kind: "teleported".to_owned(), raw }));
    omar.note(incident, "meanwhile");
    settle(&mut [&mut maya, &mut omar], incident, 9);
    assert!(omar.says(incident, "the moon"));
}

fn a_newer_form_holds_up_nobody(place: &dyn Place) {
    let (mut maya, mut omar, incident) = two(place);
    let mut there = place.there(incident, maya.node());
    let newer = there.last_mut().unwrap();
    newer.head = String::from_utf8(newer.head.clone()).unwrap().replace("\"v\":1", "\"v\":2").into_bytes();
    place.put(incident, 0xdead_beef, &there);
    omar.note(incident, "it goes on");
    settle(&mut [&mut maya, &mut omar], incident, 6);
}

fn ten_thousand_at_once_arrive(place: &dyn Place) {
    let (mut maya, mut omar, incident) = two(place);
    for part in 0..10 {
        let note =
            |n| Noted { kind: NoteKind::Finding, text: format!("request {n} of {part} waits for the pool") };
        let notes = (0..1000).map(|n| Draft::now(incident, note(n))).collect();
        maya.journal.append(Timestamp::now(), notes).unwrap();
    }
    settle(&mut [&mut maya, &mut omar], incident, 10_005);
}

/// The suite, for a place that is made anew for each.
macro_rules! conforms {
    ($place:expr) => {
        conforms!(
            $place,
            what_was_written_arrives_once,
            what_is_repeated_or_reordered_arrives_once,
            what_is_lost_or_put_back_is_brought_again,
            what_ends_in_the_middle_is_not_taken_in,
            garbage_holds_up_nobody,
            nobody_writes_in_the_name_of_another,
            two_with_one_identity_are_told_and_hold_up_nobody,
            what_is_large_early_or_new_arrives_as_it_is,
            a_newer_form_holds_up_nobody,
            ten_thousand_at_once_arrive,
        );
    };
    ($place:expr, $($case:ident,)*) => {
        $(
            #[test]
            fn $case() {
                super::$case(&$place);
            }
        )*
    };
}
use conforms;
