//! What the journal costs: an append against the least a disk can do, and opening a long
//! incident to its folded state.
//!
//! `cargo bench --bench journal`

use std::fs::{File, OpenOptions};
use std::io::Write as _;

use divan::Bencher;
use flightdeck::incident::{Declared, Draft, IncidentId, Log, NoteKind, Noted, RepositoryId, Severity, Told};
use flightdeck::journal::{Journal, Seq};
use jiff::{SignedDuration, Timestamp};
use tempfile::TempDir;

const RECORDS: usize = 100_000;
const SAMPLES: u32 = 500;

fn main() {
    divan::main();
}

/// On the disk the journal would be on, not in a file system kept in memory.
fn dir() -> TempDir {
    TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).expect("the target directory can be written")
}

fn start() -> Timestamp {
    Timestamp::from_second(1_772_373_600).expect("a time of this century")
}

fn declare(journal: &mut Journal) -> IncidentId {
    let declared = Declared {
        number: String::new(),
        title: "Checkout answers 500".to_owned(),
        severity: Severity::P0,
        service: "payments-api".to_owned(),
        impact: "nobody can pay".to_owned(),
        repository: "/srv/payments/.git".to_owned(),
        repository_id: RepositoryId::default(),
        answers: Vec::new(),
    };
    journal.declare(start(), None, declared).expect("the journal is new").incident
}

fn draft(incident: IncidentId, n: usize) -> Draft {
    if n.is_multiple_of(50) {
        return Draft::now(incident, Told { audience: "update".to_owned(), ..Told::default() });
    }
    let kind = NoteKind::ALL[n % NoteKind::ALL.len()];
    let text = format!("connection pool at {n} of 100, {} requests waiting, none answered", n * 7 % 1000);
    Draft::now(incident, Noted { kind, text })
}

/// A journal of so many records, one a second.
fn long_incident(dir: &TempDir, records: usize) -> IncidentId {
    let mut journal = Journal::open(dir.path(), "maya").expect("the directory is new");
    let incident = declare(&mut journal);
    for batch in 0..records / 1000 {
        let now = start() + SignedDuration::from_secs(batch as i64 * 1000);
        let drafts = (0..1000).map(|n| draft(incident, batch * 1000 + n)).collect();
        journal.append(now, drafts).expect("there is room");
    }
    incident
}

/// The yardstick: 4 KiB at the end of a file, and onto the disk.
#[divan::bench(sample_count = SAMPLES, sample_size = 1)]
fn a_bare_write_and_fdatasync(bencher: Bencher<'_, '_>) {
    let dir = dir();
    let mut file = File::create(dir.path().join("bare")).expect("the directory is new");
    let page = [0x5a_u8; 4096];
    bencher.bench_local(|| {
        file.write_all(&page).expect("there is room");
        file.sync_data().expect("the disk works");
    });
}

/// The same into space that was written before.
#[divan::bench(sample_count = SAMPLES, sample_size = 1)]
fn a_bare_overwrite_and_fdatasync(bencher: Bencher<'_, '_>) {
    use std::os::unix::fs::FileExt as _;
    let dir = dir();
    let file = OpenOptions::new()
        .create(true)
        .truncate(true)
        .write(true)
        .open(dir.path().join("bare"))
        .expect("the directory is new");
    file.write_all_at(&vec![0; 4 << 20], 0).expect("there is room");
    file.sync_all().expect("the disk works");
    let page = [0x5a_u8; 4096];
    let mut at = 0;
    bencher.bench_local(|| {
        file.write_all_at(&page, at).expect("there is room");
        file.sync_data().expect("the disk works");
        at = (at + 4096) % (4 << 20);
    });
}

#[divan::bench(sample_count = SAMPLES, sample_size = 1)]
fn append_one_record(bencher: Bencher<'_, '_>) {
    let dir = dir();
    let mut journal = Journal::open(dir.path(), "maya").expect("the directory is new");
    let incident = declare(&mut journal);
    let mut n = 0;
    bencher.bench_local(|| {
        n += 1;
        journal.append(Timestamp::now(), vec![draft(incident, n)]).expect("there is room")
    });
}

#[divan::bench(args = [RECORDS, 10 * RECORDS], sample_count = 10, sample_size = 1)]
fn open_and_fold(bencher: Bencher<'_, '_>, records: usize) {
    let dir = dir();
    let incident = long_incident(&dir, records);
    bencher.bench_local(|| {
        let journal = Journal::open(dir.path(), "maya").expect("it is sound");
        journal.load(incident).expect("it is sound")
    });
}

/// One more record on a long incident: read from the file and folded.
#[divan::bench(sample_count = 200, sample_size = 1)]
fn one_later_record(bencher: Bencher<'_, '_>) {
    let dir = dir();
    let incident = long_incident(&dir, RECORDS);
    let mut journal = Journal::open(dir.path(), "maya").expect("it is sound");
    let (mut log, mut seq): (Log, Seq) = journal.load(incident).expect("it is sound");
    let reader = Journal::open(dir.path(), "omar").expect("it is sound");
    let mut n = RECORDS;
    bencher
        .with_inputs(|| {
            n += 1;
            journal.append(Timestamp::now(), vec![draft(incident, n)]).expect("there is room");
        })
        .bench_local_values(|()| {
            let (records, reached) = reader.since(incident, seq).expect("it is sound");
            seq = reached;
            for record in records {
                log.insert(record);
            }
        });
}
