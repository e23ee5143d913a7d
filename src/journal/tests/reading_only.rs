//! Where nothing can be written.

use super::*;

/// Opens a journal the way a read-only file system makes it open. Permissions alone would
/// not stop a test that runs as root.
fn open_read_only(dir: &TempDir) -> Journal {
    let path = dir.path().join(Journal::FILE);
    let why = rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_READONLY), None);
    let (conn, copy) = open::open_for_reading(&path, &why).unwrap();
    let read_only =
        Some(ReadOnly { why: format!("{} cannot be written", path.display()), remedy: String::new() });
    Journal { conn, read_only, _copy: copy, ..open(dir) }
}

/// Makes the file one that cannot be opened, or one that can again.
fn lock_up(dir: &TempDir, locked: bool) {
    let version = if locked { 99 } else { schema::version() };
    raw(dir).pragma_update(None, "user_version", version).unwrap();
}

#[test]
fn it_reads_and_refuses_to_write_until_that_is_possible() {
    let (dir, journal, incident, _) = with_notes(2);
    drop(journal);
    let mut journal = open_read_only(&dir);
    lock_up(&dir, true);
    assert_eq!(journal.load(incident).unwrap().1.count(), 3);
    assert_eq!(journal.incidents(None).unwrap().len(), 1);
    assert_eq!(journal.verify(None).unwrap().bad, None);
    assert!(journal.read_only().unwrap().contains("journal.db"));
    let failure = journal.append(now(), vec![note(incident, "a")]).unwrap_err();
    assert!(failure.cause.contains("reading only") && failure.cause.contains("journal.db"), "{failure}");
    lock_up(&dir, false);
    journal.append(now(), vec![note(incident, "b")]).unwrap();
    assert_eq!((journal.read_only(), journal.load(incident).unwrap().1.count()), (None, 4));
}

#[test]
fn what_waits_in_the_log_is_read_too() {
    let (dir, journal, incident, _) = with_notes(2);
    // As after a kill: the log is there, and nobody to put it into the file.
    let lost = TempDir::new().unwrap();
    for file in [Journal::FILE, "journal.db-wal"] {
        fs::copy(dir.path().join(file), lost.path().join(file)).unwrap();
    }
    drop(journal);
    let copy = open::Copy::of(&lost.path().join(Journal::FILE)).unwrap();
    let place = copy.file().parent().unwrap().to_owned();
    assert_eq!(fs::metadata(&place).unwrap().permissions().mode() & 0o777, 0o700);
    let conn = Connection::open(copy.file()).unwrap();
    let records: i64 = conn.query_row("SELECT count(*) FROM record", [], |row| row.get(0)).unwrap();
    assert_eq!(records, 3);
    drop(conn);
    drop(copy);
    assert!(!place.exists());
    assert_eq!(open(&lost).load(incident).unwrap().1.count(), 3);
}

#[test]
fn a_directory_without_permission_opens_for_reading() {
    let (dir, journal, incident, _) = with_notes(1);
    drop(journal);
    let file = dir.path().join(Journal::FILE);
    fs::set_permissions(&file, fs::Permissions::from_mode(0o400)).unwrap();
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o500)).unwrap();
    let privileged = fs::write(dir.path().join("probe"), b"").is_ok();
    let journal = open(&dir);
    assert_eq!(journal.load(incident).unwrap().1.count(), 2);
    assert_eq!(journal.read_only().is_some(), !privileged);
    drop(journal);
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o700)).unwrap();
}
