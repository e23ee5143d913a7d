//! Records that somebody takes out of the file, and what nobody wrote in it.

use super::*;

/// Takes the last record away and sets its chain back to the one before it.
const CUT: &str = "
    DELETE FROM record WHERE place = (SELECT max(place) FROM record);
    UPDATE chain SET records = records - 1, (head, head_id, wall_ms, count) = (
        SELECT hash, id, json_extract(CAST(bytes AS TEXT), '$.wall'), json_extract(CAST(bytes AS TEXT), '$.count')
        FROM record ORDER BY place DESC LIMIT 1);";

fn notes(incident: IncidentId, count: usize) -> Vec<Draft> {
    (0..count).map(|n| note(incident, &format!("goes on {n}"))).collect()
}

#[test]
fn what_was_cut_off_is_not_covered_by_what_comes_after_it() {
    // In steps of one record, and past the old end at once.
    for (cut, steps, each) in [(1, 4, 1), (1, 1, 2), (1, 1, 7), (2, 1, 3), (3, 2, 5)] {
        let (dir, journal, incident, records) = with_notes(4);
        drop(journal);
        raw(&dir).execute_batch(&CUT.repeat(cut)).unwrap();
        let mut journal = open(&dir);
        assert_eq!(first_bad(&journal), records[3].id.to_string());
        for step in 0..steps {
            journal.append(now(), notes(incident, each)).unwrap();
            let told = format!("{cut} cut, {each} written, step {step}");
            assert_eq!(first_bad(&journal), records[3].id.to_string(), "{told}");
            let failure = heads_unwritten(dir.path()).expect(&told);
            assert!(
                failure.cause.contains("no longer holds") && failure.hint.contains("verify"),
                "{failure}"
            );
        }
    }
}

#[test]
fn a_chain_that_was_set_back_beside_its_last_record_is_noticed() {
    let (dir, mut journal, incident, records) = with_notes(3);
    let back = "UPDATE chain SET records = records - 1,
        (head, head_id) = (SELECT hash, id FROM record ORDER BY place DESC LIMIT 1 OFFSET 1)";
    raw(&dir).execute_batch(back).unwrap();
    journal.append(now(), notes(incident, 2)).unwrap();
    // Later it is taken away, and the gap closed.
    raw(&dir)
        .execute_batch(
            "DELETE FROM record WHERE place = (SELECT min(place) + 3 FROM record);
             UPDATE record SET place = -place WHERE place > (SELECT min(place) + 2 FROM record);
             UPDATE record SET place = -place - 1 WHERE place < 0;",
        )
        .unwrap();
    assert_eq!(first_bad(&journal), records[2].id.to_string());
    assert!(heads_unwritten(dir.path()).is_some());
}

#[test]
fn the_ends_of_chains_fit_wherever_the_file_has_the_records() {
    let (dir, mut journal, incident, _) = with_notes(3);
    Journal::open(dir.path(), "omar").unwrap().append(now(), notes(incident, 2)).unwrap();
    journal.append(now(), notes(incident, 1)).unwrap();
    let lines = exported(&journal, incident, ExportFormat::Jsonl);
    drop(journal);
    for file in ["journal.db", "journal.db-wal", "journal.db-shm"] {
        fs::remove_file(dir.path().join(file)).ok();
    }
    let mut journal = open(&dir);
    declare(&mut journal);
    // The records of one incident after those of another, and the chains one by one.
    let of = |name: &str, line: &&str| line.contains(&format!("\"author\":\"{name}\""));
    let maya: Vec<_> = lines.lines().filter(|line| of("maya", line)).collect();
    let omar: Vec<_> = lines.lines().filter(|line| of("omar", line)).collect();
    journal.import(&mut [maya, omar].concat().join("\n").as_bytes()).unwrap();
    assert_eq!(heads_unwritten(dir.path()), None);
    journal.append(now(), notes(incident, 2)).unwrap();
    assert_eq!(heads_unwritten(dir.path()), None);
    assert_eq!(journal.verify(None).unwrap().bad, None);
}

#[test]
fn what_was_lost_is_forgotten_once_it_is_back_and_verified() {
    let (dir, journal, incident, _) = with_notes(3);
    let whole = exported(&journal, incident, ExportFormat::Jsonl);
    drop(journal);
    raw(&dir).execute_batch(&CUT.repeat(2)).unwrap();
    let mut journal = open(&dir);
    let other = Journal::open(dir.path(), "omar").unwrap().append(now(), notes(incident, 1)).unwrap();
    assert!(heads_unwritten(dir.path()).is_some());
    assert!(journal.verify(None).unwrap().bad.is_some());
    journal.import(&mut whole.as_bytes()).unwrap();
    let verified = journal.verify(None).unwrap();
    assert_eq!((verified.bad, verified.records), (None, 5), "{other:?}");
    journal.note_heads().unwrap();
    assert_eq!(heads_unwritten(dir.path()), None);
    journal.append(now(), notes(incident, 1)).unwrap();
    assert_eq!(heads_unwritten(dir.path()), None);
}

#[test]
fn the_ends_of_chains_are_whole_whoever_writes_and_reads_them() {
    use std::os::unix::fs::MetadataExt as _;
    let (dir, journal, incident, _) = with_notes(1);
    drop(journal);
    let file = dir.path().join("heads").join(incident.to_string());
    let inode = fs::metadata(&file).unwrap().ino();
    std::thread::scope(|scope| {
        let writers = ["maya", "omar"].map(|name| {
            let mut journal = Journal::open(dir.path(), name).unwrap();
            scope.spawn(move || {
                for _ in 0..200 {
                    journal.append(Timestamp::now(), notes(incident, 1)).unwrap();
                }
            })
        });
        while !writers.iter().all(std::thread::ScopedJoinHandle::is_finished) {
            let (witnesses, unread) = heads::read(dir.path(), None);
            assert_eq!(unread, Vec::<String>::new());
            assert!(!witnesses.is_empty());
        }
    });
    assert_eq!((heads_unwritten(dir.path()), fs::metadata(&file).unwrap().ino()), (None, inode));
    assert_eq!(open(&dir).verify(None).unwrap().bad, None);

    // Longer than a page it is replaced; and so is what is not ours to write over.
    for n in 0..40 {
        Journal::open(dir.path(), &format!("writer {n}")).unwrap().append(now(), notes(incident, 1)).unwrap();
    }
    assert!(fs::metadata(&file).unwrap().len() > 4096);
    assert_eq!(heads::read(dir.path(), None).0.len(), 42);
    let victim = dir.path().join("victim");
    fs::write(&victim, "mine").unwrap();
    fs::remove_file(&file).unwrap();
    std::os::unix::fs::symlink(&victim, &file).unwrap();
    open(&dir).append(now(), notes(incident, 1)).unwrap();
    assert_eq!(fs::read_to_string(&victim).unwrap(), "mine");
    assert!(fs::symlink_metadata(&file).unwrap().is_file());
}

#[test]
fn a_torn_file_of_ends_is_told_and_written_anew() {
    let (dir, mut journal, incident, _) = with_notes(1);
    let file = dir.path().join("heads").join(incident.to_string());
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text.replacen("\"records\":2", "\"records\":3", 1)).unwrap();
    let verified = journal.verify(None).unwrap();
    assert!(verified.bad.is_none() && verified.unread[0].contains("not whole"), "{verified:?}");
    journal.append(now(), notes(incident, 1)).unwrap();
    assert_eq!((heads_unwritten(dir.path()), journal.verify(None).unwrap().unread), (None, Vec::new()));
}

#[test]
fn ends_that_a_newer_version_wrote_down_are_left_alone() {
    let (dir, mut journal, incident, _) = with_notes(1);
    let heads = dir.path().join("heads").join(incident.to_string());
    let newer = fs::read_to_string(&heads).unwrap().replacen("\"version\":1", "\"version\":99", 1);
    let newer = newer.lines().next().unwrap().to_owned();
    fs::write(&heads, &newer).unwrap();
    journal.append(now(), notes(incident, 1)).unwrap();
    let failure = heads_unwritten(dir.path()).unwrap();
    assert!(failure.cause.contains("newer flightdeck"), "{failure}");
    assert_eq!(fs::read_to_string(&heads).unwrap(), newer);
}

#[test]
fn who_follows_an_incident_notices_that_its_end_was_cut_off() {
    let (dir, mut journal, incident, _) = with_notes(3);
    let (_, seq) = journal.load(incident).unwrap();
    assert!(!journal.is_cut(incident, seq).unwrap());
    raw(&dir).execute_batch(CUT).unwrap();
    let noticed = |journal: &Journal| {
        let failure = journal.since(incident, seq).unwrap_err();
        assert!(failure.cause.contains("no longer holds") && failure.hint.contains("verify"), "{failure}");
        journal.is_cut(incident, seq).unwrap()
    };
    assert!(noticed(&journal));
    // Another one takes its place, and more come.
    for count in [1, 3] {
        Journal::open(dir.path(), "omar").unwrap().append(now(), notes(incident, count)).unwrap();
        assert!(noticed(&journal), "{count}");
    }
    // Nothing is decided on what was read before.
    let drafts = || notes(incident, 1);
    let cut = Seq { count: journal.load(incident).unwrap().1.count(), ..seq };
    assert_eq!(journal.append_unless_moved(now(), incident, cut, drafts()).unwrap(), None);
    let (_, seq) = journal.load(incident).unwrap();
    assert!(journal.append_unless_moved(now(), incident, seq, drafts()).unwrap().is_some());
    raw(&dir).execute_batch("DELETE FROM record; DELETE FROM incident").unwrap();
    assert!(journal.is_cut(incident, seq).unwrap());
    assert!(!journal.is_cut(incident, Seq::default()).unwrap());
}

/// What is put into the file, which word of it verify names, and why.
const NOBODYS: [(&str, &str, &str); 12] = [
    (
        "INSERT INTO incident SELECT 7, randomblob(16), 'INC-2026-0077', title, severity, status, repository,
             declared_ms FROM incident",
        "INC-2026-0077",
        "no record declares it",
    ),
    (
        "INSERT INTO incident SELECT 9223372036854775807, randomblob(16), 'INC-2026-0077', title, severity,
             status, repository, declared_ms FROM incident",
        "INC-2026-0077",
        "no record declares it",
    ),
    (
        "INSERT INTO incident SELECT -3, randomblob(16), 'INC-2026-0077', title, severity, status, repository,
             declared_ms FROM incident",
        "INC-2026-0077",
        "no record declares it",
    ),
    (
        "INSERT INTO incident SELECT (1 << 32) + 1, randomblob(16), 'INC-2026-0077', title, severity, status,
             repository, declared_ms FROM incident",
        "-",
        "belongs to another incident",
    ),
    (
        "INSERT INTO chain SELECT incident, 'ghost', node, 0, zeroblob(32), zeroblob(16), 0, 0 FROM chain",
        "the chain of ghost",
        "has no records",
    ),
    (
        "INSERT INTO chain SELECT incident, 'ghost', node, -1, head, head_id, 0, 0 FROM chain",
        "the chain of ghost",
        "has no records",
    ),
    (
        "INSERT INTO chain SELECT 99, 'ghost', node, records, head, head_id, 0, 0 FROM chain",
        "the chain of ghost",
        "an incident that is not in the list",
    ),
    (
        "INSERT INTO record SELECT -5, id, hash, bytes FROM record LIMIT 1",
        "-",
        "an incident that is not in the list",
    ),
    (
        "INSERT INTO record SELECT 9223372036854775807, id, hash, bytes FROM record LIMIT 1",
        "-",
        "an incident that is not in the list",
    ),
    (
        "UPDATE record SET place = place + 3 WHERE place = (SELECT max(place) FROM record)",
        "-",
        "does not follow the one before it",
    ),
    ("UPDATE chain SET head_id = randomblob(16)", "-", "gives its last record another id"),
    ("INSERT INTO landmark VALUES (77)", "row 77 of the index of releases", "no record at that place"),
];

#[test]
fn what_nobody_wrote_is_named_and_does_not_stand_in_the_way() {
    for (sql, named, why) in NOBODYS {
        let (dir, mut journal, incident, _) = with_notes(3);
        raw(&dir).execute_batch(sql).unwrap();
        let (bad, said) = journal.verify(None).unwrap().bad.expect(sql);
        assert!(bad.contains(named) && said.contains(why), "{sql}: {bad} {said}");
        let open: Vec<_> = journal.incidents(None).unwrap().into_iter().filter(Summary::is_open).collect();
        assert_eq!(open.iter().map(|one| one.id).collect::<Vec<_>>(), [incident], "{sql}");
        journal.append(now(), notes(incident, 1)).unwrap();
        assert_eq!(journal.load(incident).unwrap().0.records().len(), 5, "{sql}");
        let other = declare(&mut journal);
        assert_eq!(journal.load(other).unwrap().0.records().len(), 1, "{sql}");
    }
}

/// Makes a chain of Omar, sound in itself, in a copy of the journal, and puts it into the journal by SQLite.
fn plant_a_chain(dir: &TempDir, incident: IncidentId) {
    let elsewhere = TempDir::new().unwrap();
    raw(dir).execute("VACUUM INTO ?1", [elsewhere.path().join(Journal::FILE).to_str().unwrap()]).unwrap();
    Journal::open(elsewhere.path(), "omar").unwrap().append(now(), notes(incident, 2)).unwrap();
    let conn = raw(dir);
    conn.execute("ATTACH ?1 AS other", [elsewhere.path().join(Journal::FILE).to_str().unwrap()]).unwrap();
    conn.execute_batch(
        "INSERT INTO record SELECT * FROM other.record WHERE place NOT IN (SELECT place FROM record);
         INSERT INTO chain SELECT * FROM other.chain WHERE author = 'omar';",
    )
    .unwrap();
}

#[test]
fn a_whole_chain_that_nobody_began_here_is_named_and_told() {
    let (dir, mut journal, incident, _) = with_notes(2);
    plant_a_chain(&dir, incident);
    let named = |journal: &Journal| {
        let (bad, why) = journal.verify(None).unwrap().bad.expect("it is planted");
        assert!(bad == "the chain of omar" && why.contains("nobody wrote it down"), "{bad}: {why}");
        let failure = heads_unwritten(dir.path()).expect("it is told");
        assert!(failure.cause.contains("records of omar that nobody wrote here"), "{failure}");
        assert!(failure.hint.contains(&format!("heads/{incident}")), "{failure}");
    };
    assert_eq!(journal.verify(None).unwrap().bad.unwrap().0, "the chain of omar");
    // Whoever writes first is told, also the one whose chain it pretends to be, and it does not become known.
    journal.append(now(), notes(incident, 1)).unwrap();
    named(&journal);
    let mut omar = Journal::open(dir.path(), "omar").unwrap();
    for _ in 0..2 {
        omar.append(now(), notes(incident, 1)).unwrap();
        named(&omar);
    }
    // Who knows that it is real takes what is written down away.
    fs::remove_file(dir.path().join("heads").join(incident.to_string())).unwrap();
    assert_eq!(journal.verify(None).unwrap().bad, None);
    omar.append(now(), notes(incident, 1)).unwrap();
    assert_eq!((heads_unwritten(dir.path()), journal.verify(None).unwrap().bad), (None, None));
}

#[test]
fn the_end_of_a_chain_that_is_planted_is_told_with_the_first_record_after_it() {
    let (dir, mut journal, incident, _) = with_notes(1);
    let plant =
        "INSERT INTO chain SELECT incident, 'omar', node, 7, randomblob(32), randomblob(16), 0, 0 FROM chain";
    raw(&dir).execute_batch(plant).unwrap();
    assert!(journal.verify(None).unwrap().bad.is_some());
    Journal::open(dir.path(), "omar").unwrap().append(now(), notes(incident, 1)).unwrap();
    let failure = heads_unwritten(dir.path()).expect("it is told");
    assert!(failure.cause.contains("omar"), "{failure}");
    journal.append(now(), notes(incident, 1)).unwrap();
    assert!(heads_unwritten(dir.path()).is_some() && journal.verify(None).unwrap().bad.is_some());
}

#[test]
fn a_chain_whose_writer_was_killed_before_its_end_was_written_down_is_nobodys_plant() {
    let (dir, mut journal, incident, _) = with_notes(2);
    let heads = dir.path().join("heads").join(incident.to_string());
    let before = fs::read(&heads).unwrap();
    Journal::open(dir.path(), "omar\nli").unwrap().append(now(), notes(incident, 1)).unwrap();
    fs::write(&heads, before).unwrap();
    assert_eq!(journal.verify(None).unwrap().bad, None);
    journal.append(now(), notes(incident, 1)).unwrap();
    assert_eq!((heads_unwritten(dir.path()), journal.verify(None).unwrap().bad), (None, None));
}

#[test]
fn a_record_is_the_bytes_it_is_stored_as() {
    let spellings: [(&str, &str); 6] = [
        ("\"v\":1,", "\"v\": 1,"),
        ("\"count\":2", "\"count\":2e0"),
        ("note 1", "note \\u0031"),
        ("\"kind\":\"note\"", "\"kind\":\"note\",\"kind\":\"note\""),
        ("\"author\"", "\"\\u0061uthor\""),
        ("\"prev\"", "\"new\":1e0,\"prev\""),
    ];
    for (written, other) in spellings {
        let (dir, journal, _, records) = with_notes(2);
        let bytes = "SELECT CAST(bytes AS TEXT) FROM record ORDER BY place DESC LIMIT 1";
        let text: String = raw(&dir).query_row(bytes, [], |row| row.get(0)).unwrap();
        assert!(text.contains(written), "{written} in {text}");
        let text = text.replacen(written, other, 1).into_bytes();
        let change = "UPDATE record SET bytes = ?1 WHERE place = (SELECT max(place) FROM record)";
        raw(&dir).execute(change, [text]).unwrap();
        let (bad, why) = journal.verify(None).unwrap().bad.expect(other);
        assert_eq!(bad, records[1].id.to_string());
        assert!(why.contains("changed after it was written"), "{other}: {why}");
    }
}
