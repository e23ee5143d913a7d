//! Where the files are taken away under an open journal.

use super::*;
use crate::failure::Failure;

/// Moves the files of a journal to another directory, as they are.
fn carry_off(dir: &TempDir) -> TempDir {
    let away = TempDir::new().unwrap();
    for file in files(dir) {
        fs::rename(dir.path().join(&file), away.path().join(&file)).unwrap();
    }
    away
}

fn files(dir: &TempDir) -> Vec<std::ffi::OsString> {
    let entries = fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap());
    entries.filter(|entry| entry.path().is_file()).map(|entry| entry.file_name()).collect()
}

fn refusal(journal: &mut Journal, incident: IncidentId) -> Failure {
    journal.append(now(), vec![note(incident, "lost")]).unwrap_err()
}

fn refused(journal: &mut Journal, incident: IncidentId) -> String {
    refusal(journal, incident).cause
}

#[test]
fn nothing_is_saved_to_files_that_nobody_finds() {
    type Harm = fn(&TempDir);
    let harms: [(&str, Harm); 5] = [
        ("was removed", |dir| {
            for file in files(dir) {
                fs::remove_file(dir.path().join(file)).unwrap();
            }
        }),
        ("was removed", |dir| drop(carry_off(dir))),
        ("was replaced", |dir| {
            drop(carry_off(dir));
            declare(&mut open(dir));
        }),
        ("journal.db-wal was removed or replaced", |dir| {
            fs::remove_file(dir.path().join("journal.db-wal")).unwrap();
        }),
        ("journal.db-shm was removed or replaced", |dir| {
            fs::remove_file(dir.path().join("journal.db-shm")).unwrap();
        }),
    ];
    for (said, harm) in harms {
        let (dir, mut journal, incident, _) = with_notes(2);
        assert_eq!(journal.gone(), None);
        harm(&dir);
        let before = files(&dir);
        let refusal = refusal(&mut journal, incident);
        assert!(refusal.cause.contains(said), "{said}: {refusal}");
        // A new file beside it would not fit the one that is open: only a new start makes a pair.
        let (restart, is_companion) = (refusal.hint.contains("start it again"), said.contains("journal.db-"));
        assert_eq!(restart, is_companion, "{refusal}");
        assert!(journal.gone().is_some());
        assert_eq!(files(&dir), before, "nothing is made there");
        // What was there before is still at hand.
        assert_eq!(exported(&journal, incident, ExportFormat::Jsonl).lines().count(), 3);
    }
}

#[test]
fn it_goes_on_when_the_files_are_back() {
    let (dir, mut journal, incident, _) = with_notes(2);
    let away = carry_off(&dir);
    refused(&mut journal, incident);
    for file in files(&away) {
        fs::rename(away.path().join(&file), dir.path().join(&file)).unwrap();
    }
    journal.append(now(), vec![note(incident, "saved")]).unwrap();
    assert_eq!(open(&dir).load(incident).unwrap().1.count(), 4);
}

#[test]
fn it_goes_over_to_a_copy_that_holds_everything_and_to_no_other() {
    let (dir, mut journal, incident, _) = with_notes(2);
    let whole = TempDir::new().unwrap();
    let copy = |from: &TempDir, to: &TempDir| {
        for file in ["journal.db", "journal.db-wal"] {
            fs::copy(from.path().join(file), to.path().join(file)).unwrap();
        }
    };
    let older = TempDir::new().unwrap();
    copy(&dir, &older);
    journal.append(now(), vec![note(incident, "since the copy")]).unwrap();
    copy(&dir, &whole);
    drop(carry_off(&dir));
    copy(&older, &dir);
    assert!(refused(&mut journal, incident).contains("was replaced"));
    drop(carry_off(&dir));
    copy(&whole, &dir);
    open(&dir).append(now(), vec![note(incident, "another's")]).unwrap();
    journal.append(now(), vec![note(incident, "saved")]).unwrap();
    assert_eq!(journal.gone(), None);
    assert_eq!(open(&dir).load(incident).unwrap().1.count(), 6);
}

#[test]
fn a_second_connection_of_a_process_takes_no_lock_from_the_first() {
    let (dir, mut journal, incident, _) = with_notes(1);
    drop(open(&dir));
    // Whoever closes a journal that nobody else has open deletes its write-ahead log.
    let status = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "journal::tests::gone::opens_and_closes", "--ignored"])
        .env("JOURNAL_OF_ANOTHER", dir.path())
        .stdout(std::process::Stdio::null())
        .status()
        .unwrap();
    assert!(status.success());
    assert_eq!(journal.gone(), None);
    journal.append(now(), vec![note(incident, "saved")]).unwrap();
    assert_eq!(open(&dir).load(incident).unwrap().1.count(), 4);
}

/// What another process does, for the test above.
#[test]
#[ignore = "is run by another test, as another process"]
fn opens_and_closes() {
    let dir = PathBuf::from(std::env::var_os("JOURNAL_OF_ANOTHER").unwrap());
    let mut journal = Journal::open(&dir, "omar").unwrap();
    let incident = journal.incidents(None).unwrap()[0].id;
    journal.append(now(), vec![note(incident, "another's")]).unwrap();
}

#[test]
fn closing_the_last_connection_while_another_opens_loses_no_file() {
    let (dir, _, incident, _) = with_notes(1);
    let opened = || {
        for _ in 0..200 {
            open(&dir).load(incident).unwrap();
        }
    };
    std::thread::scope(|scope| {
        let all = [(); 3].map(|()| scope.spawn(opened));
        for one in all {
            one.join().unwrap();
        }
    });
}
