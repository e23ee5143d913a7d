//! What somebody else put into the file: nothing is saved past it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::*;

const SWALLOW: &str = "CREATE TRIGGER swallow BEFORE INSERT ON record BEGIN SELECT RAISE(IGNORE); END";
const TAKE_OUT: &str = "CREATE TRIGGER \"take out\" AFTER INSERT ON record BEGIN DELETE FROM record WHERE place = NEW.place; END";

/// What is put into the file, what is said of it, and what takes it out again.
const TAMPERED: [(&str, &str, &str); 9] = [
    (SWALLOW, "holds a trigger on record that flightdeck did not make: swallow", "DROP TRIGGER swallow"),
    (
        TAKE_OUT,
        "holds a trigger on record that flightdeck did not make: take out",
        "DROP TRIGGER \"take out\"",
    ),
    (
        "CREATE TRIGGER late AFTER INSERT ON chain BEGIN DELETE FROM record; END",
        "holds a trigger on chain",
        "DROP TRIGGER late",
    ),
    (
        "CREATE TRIGGER record AFTER INSERT ON record BEGIN DELETE FROM record; END",
        "holds a trigger on record that flightdeck did not make: record",
        "DROP TRIGGER record",
    ),
    ("CREATE VIEW notes AS SELECT 1", "holds a view that flightdeck did not make: notes", "DROP VIEW notes"),
    ("CREATE INDEX extra ON record (hash)", "holds an index that flightdeck", "DROP INDEX extra"),
    ("CREATE TABLE extra (x)", "holds a table that flightdeck did not make: extra", "DROP TABLE extra"),
    (
        "ALTER TABLE sample RENAME TO kept; CREATE VIEW sample AS SELECT * FROM kept",
        "has a view in place of the table sample",
        "DROP VIEW sample; ALTER TABLE kept RENAME TO sample",
    ),
    (
        "DROP TABLE landmark; CREATE TABLE landmark (place INTEGER PRIMARY KEY ON CONFLICT IGNORE) STRICT",
        "has another table landmark than flightdeck made",
        "DROP TABLE landmark; CREATE TABLE landmark (place INTEGER PRIMARY KEY) STRICT",
    ),
];

/// Takes it out again. SQLite writes the text of a table anew that it renames, so that one is made anew.
fn repair(dir: &TempDir, sql: &str) {
    let conn = raw(dir);
    conn.execute_batch(sql).unwrap();
    let sample = schema::MIGRATIONS[0].split(';').map(str::trim).find(|sql| sql.contains("TABLE sample"));
    conn.execute_batch("DROP TABLE sample").unwrap();
    conn.execute_batch(sample.unwrap()).unwrap();
}

fn records(dir: &TempDir) -> i64 {
    raw(dir).query_row("SELECT count(*) FROM record", [], |row| row.get(0)).unwrap()
}

#[test]
fn a_journal_that_was_tampered_with_can_only_be_read() {
    for (sql, said, undo) in TAMPERED {
        let (dir, journal, incident, _) = with_notes(2);
        drop(journal);
        raw(&dir).execute_batch(sql).unwrap();
        let mut journal = open(&dir);
        assert!(
            journal.read_only().is_some_and(|why| why.contains(said)),
            "{said}: {:?}",
            journal.read_only()
        );
        assert!(!journal.remedy().is_empty());
        assert_eq!(journal.load(incident).unwrap().1.count(), 3);
        let failure = journal.append(now(), vec![note(incident, "lost")]).unwrap_err();
        assert!(failure.cause.contains(said) && failure.hint == journal.remedy(), "{failure}");
        let failure = journal.verify(None).unwrap_err();
        assert!(failure.cause.contains(said), "{failure}");
        assert_eq!(records(&dir), 3);

        repair(&dir, undo);
        journal.append(now(), vec![note(incident, "saved")]).unwrap();
        assert_eq!((journal.read_only(), records(&dir)), (None, 4), "{said}");
        assert_eq!(journal.verify(None).unwrap().bad, None);
    }
}

#[test]
fn what_is_put_in_while_it_is_open_is_noticed_before_anything_is_saved() {
    for (sql, said, undo) in TAMPERED {
        let (dir, mut journal, incident, _) = with_notes(2);
        raw(&dir).execute_batch(sql).unwrap();
        let failure = journal.append(now(), vec![note(incident, "lost")]).unwrap_err();
        assert!(failure.cause.contains(said), "{failure}");
        assert!(journal.read_only().is_some_and(|why| why.contains(said)));
        let failure = journal.declare(now(), None, declared("lost")).unwrap_err();
        assert!(failure.cause.contains(said), "{failure}");
        assert_eq!(records(&dir), 3);

        repair(&dir, undo);
        journal.append(now(), vec![note(incident, "saved")]).unwrap();
        assert_eq!((journal.read_only(), records(&dir)), (None, 4), "{said}");
    }
}

#[test]
fn what_comes_between_the_look_and_the_lock_is_noticed_too() {
    // Whoever asks for the lock has looked before, and nothing was to be seen yet.
    static ASKED: AtomicBool = AtomicBool::new(false);
    let (dir, mut journal, incident, _) = with_notes(2);
    let other = raw(&dir);
    other.execute_batch(&format!("BEGIN IMMEDIATE; {SWALLOW}")).unwrap();
    let wait = |_| {
        ASKED.store(true, Ordering::SeqCst);
        std::thread::sleep(Duration::from_millis(1));
        true
    };
    journal.conn.busy_handler(Some(wait)).unwrap();
    let failure = std::thread::scope(|scope| {
        let waits = scope.spawn(|| journal.append(now(), vec![note(incident, "lost")]).unwrap_err());
        while !ASKED.load(Ordering::SeqCst) && !waits.is_finished() {
            std::thread::sleep(Duration::from_millis(1));
        }
        other.execute_batch("COMMIT").unwrap();
        waits.join().unwrap()
    });
    assert!(
        failure.cause.contains("swallow") && failure.hint.contains("DROP TRIGGER \"swallow\""),
        "{failure}"
    );
}

#[test]
fn an_insert_that_leaves_nothing_is_no_success() {
    for trigger in
        [SWALLOW, TAKE_OUT, "CREATE TRIGGER late AFTER INSERT ON chain BEGIN DELETE FROM record; END"]
    {
        let (dir, mut journal, incident, _) = with_notes(2);
        // It belongs to this connection alone, so the file's schema does not tell of it.
        let trigger = trigger.replacen("TRIGGER", "TEMP TRIGGER", 1);
        journal.conn.execute_batch(&trigger).unwrap();
        let failure = journal.append(now(), vec![note(incident, "lost")]).unwrap_err();
        assert!(failure.cause.contains("did not keep what was written to it"), "{failure}");
        assert_eq!(records(&dir), 3);
        assert_eq!(open(&dir).verify(None).unwrap().bad, None);
    }
}

#[test]
fn a_journal_that_does_not_say_whose_it_is_can_be_read_and_given_a_number() {
    for harm in ["DELETE FROM meta", "UPDATE meta SET value = 'mine' WHERE key = 'node'"] {
        let (dir, journal, incident, _) = with_notes(2);
        drop(journal);
        raw(&dir).execute_batch(harm).unwrap();
        let mut journal = open(&dir);
        assert_eq!(journal.load(incident).unwrap().1.count(), 3);
        let said = "which installation it belongs to";
        let failure = journal.append(now(), vec![note(incident, "lost")]).unwrap_err();
        assert!(failure.cause.contains(said), "{failure}");
        let failure = journal.verify(None).unwrap_err();
        assert!(failure.cause.contains(said) && !failure.hint.contains("verify"), "{failure}");
        // What it says to do is enough.
        raw(&dir).execute_batch(failure.hint.split_once("SQLite: ").unwrap().1).unwrap();
        let mut journal = open(&dir);
        journal.append(now(), vec![note(incident, "saved")]).unwrap();
        assert_eq!((journal.verify(None).unwrap().bad, heads_unwritten(dir.path())), (None, None));
    }
}

#[test]
fn what_does_no_harm_is_left_alone() {
    let (dir, mut journal, incident, _) = with_notes(2);
    for sql in ["ANALYZE", "REINDEX", "VACUUM"] {
        raw(&dir).execute_batch(sql).unwrap();
        journal.append(now(), vec![note(incident, "saved")]).unwrap();
        assert_eq!(open(&dir).read_only(), None, "{sql}");
    }
    assert_eq!(journal.verify(None).unwrap().records, 6);
}

#[test]
fn a_file_of_an_older_version_is_brought_up_to_date_only_if_nobody_tampered_with_it() {
    for (sql, expected) in [("", schema::version()), ("CREATE VIEW notes AS SELECT 1", 1)] {
        let dir = TempDir::new().unwrap();
        let mut conn = raw(&dir);
        schema::migrate(&mut conn, &schema::MIGRATIONS[..1]).unwrap();
        conn.execute_batch(sql).unwrap();
        let journal = open(&dir);
        assert_eq!(journal.read_only().is_some(), !sql.is_empty());
        assert_eq!(schema::user_version(&conn).unwrap(), expected);
    }
}

#[test]
fn nobody_brings_in_a_file_what_this_machine_is_said_to_have_written() {
    let (dir, mut journal, incident, _) = with_notes(1);
    // A copy has the same installation, as whoever makes up records for it.
    let copy = TempDir::new().unwrap();
    raw(&dir).execute("VACUUM INTO ?1", [copy.path().join(Journal::FILE).to_str().unwrap()]).unwrap();
    let mut forged = Journal::open(copy.path(), "omar").unwrap();
    forged.append(now(), vec![note(incident, "approved by omar")]).unwrap();
    let before = records(&dir);
    let refused =
        journal.import(&mut exported(&forged, incident, ExportFormat::Jsonl).as_bytes()).unwrap_err();
    assert!(refused.cause.contains("omar wrote records on this machine"), "{refused}");
    assert_eq!(records(&dir), before);
}
