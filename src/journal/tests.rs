//! What the journal promises, on real files.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use jiff::{SignedDuration, Timestamp};
use rusqlite::Connection;
use tempfile::TempDir;

use super::*;
use crate::failure::FailureKind;
use crate::incident::{
    Amended, Body, Declared, Draft, NoteKind, Noted, Reopened, Resolved, Severity, SeverityChanged, Titled,
    Unknown,
};

fn now() -> Timestamp {
    "2026-03-01T14:30:00Z".parse().unwrap()
}

fn open(dir: &TempDir) -> Journal {
    Journal::open(dir.path(), "maya").unwrap()
}

fn raw(dir: &TempDir) -> Connection {
    Connection::open(dir.path().join(Journal::FILE)).unwrap()
}

fn declared(title: &str) -> Declared {
    Declared {
        number: String::new(),
        title: title.to_owned(),
        service: "shop".to_owned(),
        repository: "/repo/.git".to_owned(),
        ..Declared::example()
    }
}

fn declare(journal: &mut Journal) -> IncidentId {
    journal.declare(now(), None, declared("checkout fails")).unwrap().incident
}

fn note(incident: IncidentId, text: &str) -> Draft {
    Draft::now(incident, Noted { kind: NoteKind::Note, text: text.to_owned() })
}

/// A journal with one incident: its declaration and `notes` notes.
fn with_notes(notes: usize) -> (TempDir, Journal, IncidentId, Vec<Record>) {
    let dir = TempDir::new().unwrap();
    let mut journal = open(&dir);
    let incident = declare(&mut journal);
    let drafts = (0..notes).map(|n| note(incident, &format!("note {n}"))).collect();
    let records = journal.append(now(), drafts).unwrap();
    (dir, journal, incident, records)
}

fn exported(journal: &Journal, incident: IncidentId, format: ExportFormat) -> String {
    let mut out = Vec::new();
    journal.export(incident, format, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn first_bad(journal: &Journal) -> String {
    journal.verify(None).unwrap().bad.expect("something is bad").0
}

#[test]
fn what_was_appended_is_there_after_reopening() {
    let (dir, journal, incident, records) = with_notes(3);
    drop(journal);
    let journal = open(&dir);
    let (log, seq) = journal.load(incident).unwrap();
    assert_eq!(seq.count(), 4);
    assert_eq!(log.records()[1..], records[..]);
    assert_eq!(log.state().number, "INC-2026-0001");
    let second = Seq { count: 2, last: records[0].hash };
    assert_eq!(journal.since(incident, second).unwrap(), (records[1..].to_vec(), seq));
    assert_eq!(journal.since(incident, seq).unwrap(), (Vec::new(), seq));
    assert_eq!(journal.verify(None).unwrap().records, 4);
}

#[test]
fn directories_and_files_are_private() {
    let dir = TempDir::new().unwrap();
    let state = dir.path().join("a/b");
    let mut journal = Journal::open(&state, "maya").unwrap();
    declare(&mut journal);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&state), 0o700);
    for file in fs::read_dir(&state).unwrap() {
        let path = file.unwrap().path();
        assert_eq!(mode(&path), if path.is_dir() { 0o700 } else { 0o600 }, "{}", path.display());
    }
    for file in fs::read_dir(state.join("heads")).unwrap() {
        assert_eq!(mode(&file.unwrap().path()), 0o600);
    }
    assert!(state.join("journal.db-wal").exists(), "the write-ahead log was looked at too");
}

#[test]
fn every_commit_reaches_the_disk() {
    let (_dir, journal, ..) = with_notes(0);
    let pragma = |name: &str| -> String {
        journal
            .conn
            .pragma_query_value(None, name, |row| row.get::<_, rusqlite::types::Value>(0))
            .map_or_else(
                |error| error.to_string(),
                |value| match value {
                    rusqlite::types::Value::Text(text) => text,
                    other => format!("{other:?}"),
                },
            )
    };
    assert_eq!(pragma("journal_mode"), "wal");
    assert_eq!(pragma("synchronous"), "Integer(2)");
}

#[test]
fn two_writers_lose_nothing_and_are_never_refused() {
    const EACH: usize = 1500;
    let (dir, journal, incident, _) = with_notes(0);
    let write = |name: &'static str| {
        let mut journal = Journal::open(dir.path(), name).unwrap();
        move || {
            for n in 0..EACH {
                journal.append(Timestamp::now(), vec![note(incident, &format!("{name} {n}"))]).unwrap();
            }
        }
    };
    let (maya, omar, again) = (write("maya"), write("omar"), write("maya"));
    std::thread::scope(|scope| {
        scope.spawn(maya);
        scope.spawn(omar);
        scope.spawn(again);
    });
    let (log, seq) = journal.load(incident).unwrap();
    assert_eq!(heads_unwritten(dir.path()), None, "who was slower is not taken for somebody who cut");
    assert_eq!(seq.count(), 3 * EACH as i64 + 1);
    assert_eq!(log.records().len(), 3 * EACH + 1);
    let verified = journal.verify(None).unwrap();
    assert_eq!(verified.bad, None);
    assert_eq!(verified.chains.len(), 2, "one chain an author of this directory");
}

#[test]
fn numbers_are_unique_whoever_declares() {
    let dir = TempDir::new().unwrap();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            let mut journal = open(&dir);
            scope.spawn(move || {
                for _ in 0..10 {
                    declare(&mut journal);
                }
            });
        }
    });
    let mut numbers: Vec<_> = open(&dir).incidents(None).unwrap().into_iter().map(|i| i.number).collect();
    numbers.sort();
    let expected: Vec<_> = (1..=40).map(|n| format!("INC-2026-{n:04}")).collect();
    assert_eq!(numbers, expected);
}

#[test]
fn the_list_follows_what_is_decided() {
    let (_dir, mut journal, incident, _) = with_notes(0);
    let one = |journal: &Journal| journal.incidents(Some("/repo/.git")).unwrap().remove(0);
    let lowered =
        SeverityChanged { severity: Severity::P1, reason: "half of them".to_owned(), answers: Vec::new() };
    let titled = Titled { text: "half of the checkouts fail".to_owned() };
    let drafts = vec![
        Draft::now(incident, lowered),
        Draft::now(incident, titled),
        Draft::now(incident, Resolved::default()),
    ];
    let records = journal.append(now(), drafts).unwrap();
    let summary = one(&journal);
    assert_eq!(
        (summary.severity, summary.title.as_str(), summary.status),
        (Severity::P1, "half of the checkouts fail", Status::Resolved)
    );
    let reopened = Reopened { reason: "it is back".to_owned(), after: vec![records[2].id] };
    let corrected = Amended { target: records[1].id, text: "a third fails".to_owned() };
    journal.append(now(), vec![Draft::now(incident, reopened), Draft::now(incident, corrected)]).unwrap();
    let summary = one(&journal);
    assert_eq!((summary.title.as_str(), summary.status), ("a third fails", Status::Open));
    assert!(journal.incidents(Some("/other")).unwrap().is_empty());
}

#[test]
fn a_clock_set_back_keeps_the_order() {
    let (dir, mut journal, incident, _) = with_notes(1);
    let yesterday = now() - SignedDuration::from_hours(24);
    let later = journal.append(yesterday, vec![note(incident, "after")]).unwrap().remove(0);
    drop(journal);
    let mut journal = open(&dir);
    let last = journal.append(yesterday, vec![note(incident, "last")]).unwrap().remove(0);
    assert!(later.at < last.at);
    let (log, _) = journal.load(incident).unwrap();
    let texts: Vec<_> = log.state().timeline.iter().skip(1).map(|entry| entry.text).collect();
    assert_eq!(texts, ["note 0", "after", "last"]);
    assert!(log.state().elapsed(yesterday) >= SignedDuration::ZERO);
}

#[test]
fn whoever_writes_a_record_shows_in_how_far_it_is_written() {
    let (dir, mut journal, incident, _) = with_notes(0);
    let first = journal.written().unwrap();
    journal.append(now(), vec![note(incident, "mine")]).unwrap();
    let second = journal.written().unwrap();
    open(&dir).append(now(), vec![note(incident, "another's")]).unwrap();
    assert!(first < second && second < journal.written().unwrap());
    assert_eq!(open(&dir).written().unwrap(), journal.written().unwrap());
}

#[test]
fn nothing_is_acknowledged_when_the_disk_is_full() {
    let (dir, mut journal, incident, _) = with_notes(0);
    let pages: i64 = journal.conn.pragma_query_value(None, "page_count", |row| row.get(0)).unwrap();
    journal.conn.pragma_update_and_check(None, "max_page_count", pages + 2, |_| Ok(())).unwrap();
    let text = "x".repeat(3000);
    let mut saved = 0;
    let failure = loop {
        match journal.append(now(), vec![note(incident, &text)]) {
            Ok(_) => saved += 1,
            Err(failure) => break failure,
        }
        assert!(saved < 100, "the file never got full");
    };
    assert!(failure.cause.contains("the disk is full") && failure.cause.contains("journal.db"), "{failure}");
    let (log, _) = open(&dir).load(incident).unwrap();
    assert_eq!(log.records().len(), 1 + saved);
    assert_eq!(open(&dir).verify(None).unwrap().bad, None);
    journal.conn.pragma_update_and_check(None, "max_page_count", 1000, |_| Ok(())).unwrap();
    journal.append(now(), vec![note(incident, &text)]).unwrap();
    assert_eq!(journal.verify(None).unwrap().bad, None);
}

#[test]
fn too_long_a_record_is_refused() {
    let (_dir, mut journal, incident, _) = with_notes(0);
    let failure = journal.append(now(), vec![note(incident, &"x".repeat(Journal::MAX_RECORD))]).unwrap_err();
    assert!(failure.cause.contains("bytes"), "{failure}");
    assert_eq!(journal.load(incident).unwrap().1.count(), 1);
}

#[test]
fn all_drafts_or_none() {
    let (_dir, mut journal, incident, _) = with_notes(0);
    let elsewhere = IncidentId(uuid::Uuid::from_u128(9));
    let failure = journal.append(now(), vec![note(incident, "a"), note(elsewhere, "b")]).unwrap_err();
    assert_eq!(failure.kind, FailureKind::Usage);
    assert_eq!(journal.load(incident).unwrap().1.count(), 1);
}

#[test]
fn a_foreign_file_is_left_alone() {
    for content in [&b"not a database, a shopping list"[..], b"SQLite format 3\0 but no more of it"] {
        let dir = TempDir::new().unwrap();
        fs::write(dir.path().join(Journal::FILE), content).unwrap();
        let failure = Journal::open(dir.path(), "maya").unwrap_err();
        assert!(failure.doing.contains("journal.db") && !failure.hint.is_empty(), "{failure}");
        assert_eq!(fs::read(dir.path().join(Journal::FILE)).unwrap(), content);
    }
    let dir = TempDir::new().unwrap();
    raw(&dir).execute_batch("CREATE TABLE photos (a)").unwrap();
    let before = fs::read(dir.path().join(Journal::FILE)).unwrap();
    let failure = Journal::open(dir.path(), "maya").unwrap_err();
    assert!(failure.cause.contains("another program"), "{failure}");
    assert_eq!(fs::read(dir.path().join(Journal::FILE)).unwrap(), before);
}

#[test]
fn a_newer_journal_is_left_alone() {
    let (dir, journal, ..) = with_notes(0);
    drop(journal);
    raw(&dir).pragma_update(None, "user_version", 99).unwrap();
    let before = fs::read(dir.path().join(Journal::FILE)).unwrap();
    let failure = Journal::open(dir.path(), "maya").unwrap_err();
    assert!(failure.cause.contains("newer flightdeck") && failure.cause.contains("99"), "{failure}");
    assert_eq!(fs::read(dir.path().join(Journal::FILE)).unwrap(), before);
}

#[test]
fn a_damaged_journal_says_so() {
    let (dir, journal, incident, _) = with_notes(200);
    drop(journal);
    let path = dir.path().join(Journal::FILE);
    let mut bytes = fs::read(&path).unwrap();
    let end = bytes.len();
    bytes[4096..end].fill(0x5a);
    fs::write(&path, &bytes).unwrap();
    let failure = match Journal::open(dir.path(), "maya") {
        Err(failure) => failure,
        Ok(journal) => journal.load(incident).unwrap_err(),
    };
    assert!(failure.cause.contains("damaged"), "{failure}");
}

#[test]
fn damage_that_no_record_goes_through_is_noticed() {
    let (dir, journal, ..) = with_notes(50);
    drop(journal);
    let path = dir.path().join(Journal::FILE);
    let conn = raw(&dir);
    conn.pragma_query_value(None, "wal_checkpoint", |_| Ok(())).unwrap();
    let index = "SELECT rootpage FROM sqlite_schema WHERE type = 'index' AND tbl_name = 'incident'";
    let page: usize = conn.query_row(index, [], |row| row.get::<_, u32>(0).map(|n| n as usize)).unwrap();
    let size: usize =
        conn.pragma_query_value(None, "page_size", |row| row.get::<_, u32>(0).map(|n| n as usize)).unwrap();
    drop(conn);
    let mut bytes = fs::read(&path).unwrap();
    bytes[(page - 1) * size..page * size].fill(0x5a);
    fs::write(&path, &bytes).unwrap();
    let failure = open(&dir).verify(None).unwrap_err();
    assert!(failure.cause.contains("51 records are sound") && failure.cause.contains("damaged"), "{failure}");
}

#[test]
fn an_interrupted_migration_leaves_the_file_as_it_was() {
    let (dir, journal, incident, _) = with_notes(2);
    drop(journal);
    let mut conn = raw(&dir);
    let with = |step| [schema::MIGRATIONS, &[step]].concat();
    let broken = with("ALTER TABLE incident ADD COLUMN extra TEXT; CREATE TABLE meta (clash);");
    schema::migrate(&mut conn, &broken).unwrap_err();
    assert_eq!(schema::user_version(&conn).unwrap(), schema::version());
    assert!(conn.prepare("SELECT extra FROM incident").is_err());
    drop(conn);
    assert_eq!(open(&dir).load(incident).unwrap().1.count(), 3);

    let mut conn = raw(&dir);
    schema::migrate(&mut conn, &with("ALTER TABLE incident ADD COLUMN extra TEXT")).unwrap();
    assert_eq!(schema::user_version(&conn).unwrap(), schema::version() + 1);
    assert!(conn.prepare("SELECT extra FROM incident").is_ok());
}

#[test]
fn a_file_left_empty_by_a_crash_is_set_up() {
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join(Journal::FILE), b"").unwrap();
    let incident = declare(&mut open(&dir));
    assert_eq!(open(&dir).load(incident).unwrap().1.count(), 1);
}

#[test]
fn many_can_make_the_file_at_once() {
    for _ in 0..10 {
        let dir = TempDir::new().unwrap();
        let start = std::sync::Barrier::new(4);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    start.wait();
                    declare(&mut open(&dir));
                });
            }
        });
        assert_eq!(open(&dir).incidents(None).unwrap().len(), 4);
    }
}

#[test]
fn a_state_directory_that_cannot_be_made_is_named() {
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join("file"), b"").unwrap();
    let failure = Journal::open(&dir.path().join("file/state"), "maya").unwrap_err();
    assert!(failure.doing.contains("file/state"), "{failure}");
    assert!(failure.hint.contains("FLIGHTDECK_STATE_DIR"), "{failure}");
}

mod cut;
mod gone;
mod landmarks;
mod long;
mod reading_only;
mod records;
mod shown;
mod tampering;
mod vouched;
