//! Export, import and verify; leases and samples.

use super::*;
use crate::health::series::Verdict;
use crate::incident::Process;

#[test]
fn an_export_imports_byte_for_byte() {
    let (_dir, mut journal, incident, _) = with_notes(2);
    let raw = r#"{ "later" : [1.50, "\u00e9"] }"#;
    let unknown = Body::Unknown(Unknown { kind: "teleported".to_owned(), raw: raw.to_owned() });
    journal.append(now(), vec![Draft::now(incident, unknown)]).unwrap();
    let lines = exported(&journal, incident, ExportFormat::Jsonl);
    assert!(lines.contains(raw), "an unknown kind keeps its bytes");

    let other_dir = TempDir::new().unwrap();
    let mut other = Journal::open(other_dir.path(), "omar").unwrap();
    assert_eq!(
        other.import(&mut lines.as_bytes()).unwrap(),
        Imported { incidents: vec![incident], added: 4, known: 0 }
    );
    assert_eq!(exported(&other, incident, ExportFormat::Jsonl), lines);
    assert_eq!(other.load(incident).unwrap().0.state(), journal.load(incident).unwrap().0.state());
    assert_eq!(
        other.import(&mut lines.as_bytes()).unwrap(),
        Imported { added: 0, known: 4, ..Imported::default() }
    );

    let added = other.append(now(), vec![note(incident, "from omar")]).unwrap().remove(0);
    assert!(added.at > journal.load(incident).unwrap().0.state().last, "the clock goes on from the import");
    assert_eq!(other.verify(None).unwrap().bad, None);
    let back = exported(&other, incident, ExportFormat::Jsonl);
    assert_eq!(
        journal.import(&mut back.as_bytes()).unwrap(),
        Imported { added: 1, known: 4, ..Imported::default() }
    );
    assert_eq!(journal.verify(None).unwrap().bad, None);
}

#[test]
fn an_unsound_line_imports_nothing() {
    let (_dir, journal, incident, _) = with_notes(4);
    let lines = exported(&journal, incident, ExportFormat::Jsonl);
    let split: Vec<_> = lines.lines().collect();
    let changed = lines.replace("note 1", "nota 1");
    let without = |n: usize| {
        let mut kept = split.clone();
        kept.remove(n);
        kept.join("\n")
    };
    let cases = [
        (changed, "line 4"),
        (without(0), "line 1"),
        (without(2), "line 3"),
        (lines.replace("note 3\"", "note 3"), "line 5"),
        (format!("{lines}garbage\n"), "line 6"),
        (format!("{lines}{}\n", "x".repeat(Journal::MAX_RECORD + 10)), "line 6"),
    ];
    for (input, line) in cases {
        let dir = TempDir::new().unwrap();
        let mut other = open(&dir);
        let failure = other.import(&mut input.as_bytes()).unwrap_err();
        assert!(failure.cause.contains(line), "{line}: {failure}");
        assert!(other.incidents(None).unwrap().is_empty(), "{line}");
    }
}

#[test]
fn a_record_from_the_far_future_does_not_take_the_clock_along() {
    let dir = TempDir::new().unwrap();
    let ahead = Timestamp::now() + SignedDuration::from_hours(24 * 400);
    let mut journal = open(&dir);
    let incident = journal.declare(ahead, None, declared("from tomorrow")).unwrap().incident;
    let lines = exported(&journal, incident, ExportFormat::Jsonl);
    let other = TempDir::new().unwrap();
    let mut other = open(&other);
    assert_eq!(other.import(&mut lines.as_bytes()).unwrap().added, 1, "what was saved can be taken along");
    let own = other.declare(now(), None, declared("from today")).unwrap();
    assert!(own.at.timestamp() < Timestamp::now() + SignedDuration::from_hours(1), "{own:?}");
}

#[test]
fn a_table_has_a_line_an_entry() {
    let (_dir, mut journal, incident, _) = with_notes(0);
    journal.append(now(), vec![note(incident, "=HYPERLINK(\"http://x\")")]).unwrap();
    let table = exported(&journal, incident, ExportFormat::Csv);
    let lines: Vec<_> = table.split_terminator("\r\n").collect();
    assert_eq!(lines.len(), 3, "a head, the declaration and the note");
    assert!(lines[2].contains(",note,\"'=HYPERLINK(\"\"http://x\"\")\","), "{}", lines[2]);
}

#[test]
fn verify_names_a_changed_record() {
    let (dir, journal, _, records) = with_notes(6);
    let id = records[2].id;
    let change = |sql: &str| {
        raw(&dir).execute(sql, [&id.0.as_bytes()[..]]).unwrap();
    };
    change(
        "UPDATE record SET bytes = CAST(replace(CAST(bytes AS TEXT), 'note 2', 'nota 2') AS BLOB) WHERE id = ?1",
    );
    assert_eq!(first_bad(&journal), id.to_string());
}

#[test]
fn verify_names_a_changed_record_whose_hash_was_made_to_fit() {
    let (dir, journal, _, records) = with_notes(6);
    for place in [2, 5] {
        let id = records[place].id;
        let conn = raw(&dir);
        let bytes: Vec<u8> = conn
            .query_row("SELECT bytes FROM record WHERE id = ?1", [&id.0.as_bytes()[..]], |row| row.get(0))
            .unwrap();
        let forged = String::from_utf8(bytes.clone()).unwrap().replace("note ", "nota ").into_bytes();
        let store = |bytes: &[u8]| {
            conn.execute(
                "UPDATE record SET bytes = ?2, hash = ?3 WHERE id = ?1",
                rusqlite::params![&id.0.as_bytes()[..], bytes, &Hash::of(bytes).0[..]],
            )
            .unwrap();
        };
        store(&forged);
        assert_eq!(first_bad(&journal), id.to_string());
        store(&bytes);
        assert_eq!(journal.verify(None).unwrap().bad, None);
    }
}

#[test]
fn verify_notices_a_missing_record() {
    for (missing, named) in [(2, 3), (0, 1), (5, 5)] {
        let (dir, journal, _, records) = with_notes(6);
        raw(&dir)
            .execute("DELETE FROM record WHERE id = ?1", [&records[missing].id.0.as_bytes()[..]])
            .unwrap();
        let (id, why) = journal.verify(None).unwrap().bad.unwrap();
        assert_eq!(id, records[named].id.to_string(), "{why}");
        assert!(why.contains("missing"), "{why}");
    }
}

#[test]
fn verify_names_the_first_of_two_swapped_rows() {
    let (dir, journal, incident, records) = with_notes(6);
    let place = |n: usize| format!("(SELECT place FROM record WHERE id = x'{}')", records[n].id.0.simple());
    let conn = raw(&dir);
    let (a, b): (i64, i64) = conn
        .query_row(&format!("SELECT {}, {}", place(1), place(4)), [], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap();
    for (from, to) in [(a, -1), (b, a), (-1, b)] {
        conn.execute("UPDATE record SET place = ?2 WHERE place = ?1", [from, to]).unwrap();
    }
    let (id, why) = journal.verify(Some(incident)).unwrap().bad.unwrap();
    assert_eq!(id, records[4].id.to_string(), "{why}");
}

#[test]
fn verify_looks_at_every_incident() {
    let (dir, mut journal, first, _) = with_notes(1);
    let second = declare(&mut journal);
    let record = journal.append(now(), vec![note(second, "x")]).unwrap().remove(0);
    raw(&dir)
        .execute("UPDATE record SET hash = zeroblob(32) WHERE id = ?1", [&record.id.0.as_bytes()[..]])
        .unwrap();
    assert_eq!(first_bad(&journal), record.id.to_string());
    assert_eq!(journal.verify(Some(first)).unwrap().bad, None);
    raw(&dir).execute("DELETE FROM incident WHERE id = ?1", [&second.0.as_bytes()[..]]).unwrap();
    assert!(journal.verify(None).unwrap().bad.unwrap().1.contains("not in the list"));
}

fn lease(incident: IncidentId, plan: &str) -> Lease {
    Lease {
        repository: "/repo/.git".to_owned(),
        target: "production".to_owned(),
        incident,
        plan: plan.to_owned(),
        by: "maya".to_owned(),
        process: None,
        taken_at: now(),
        heartbeat_at: now(),
    }
}

#[test]
fn of_two_plans_at_once_one_gets_the_target() {
    let (dir, mut journal, incident, _) = with_notes(0);
    let won = std::sync::Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for n in 0..4 {
            let (won, mut journal) = (&won, open(&dir));
            scope.spawn(move || {
                let plan = format!("deploy-{n}");
                let drafts = vec![note(incident, &plan)];
                let acquired = journal.acquire(now(), lease(incident, &plan), drafts, &|_| false).unwrap();
                match acquired {
                    Acquired::Yes(records) => won.lock().unwrap().push((plan, records)),
                    Acquired::Held(held) => assert!(held.plan.starts_with("deploy-")),
                }
            });
        }
    });
    let won = won.into_inner().unwrap();
    assert_eq!(won.len(), 1);
    let plan = &won[0].0;
    assert_eq!(journal.load(incident).unwrap().1.count(), 2, "the others wrote nothing");

    let process = Process { host: "here".to_owned(), pid: 7, started: u64::MAX, boot: "b".to_owned() };
    journal.heartbeat(now(), "/repo/.git", "production", plan, &process).unwrap();
    assert_eq!(journal.leases().unwrap()[0].process.as_ref(), Some(&process));
    let other = journal.heartbeat(now(), "/repo/.git", "production", "other", &process).unwrap_err();
    assert_eq!(other.kind, FailureKind::Held);

    let taken =
        journal.acquire(now(), lease(incident, "next"), Vec::new(), &|held| held.plan == *plan).unwrap();
    assert_eq!(taken, Acquired::Yes(Vec::new()), "the holder is gone");
    let late =
        journal.release(now(), "/repo/.git", "production", plan, vec![note(incident, "late")]).unwrap();
    assert_eq!(late.len(), 1, "what happened is kept");
    assert_eq!(journal.leases().unwrap()[0].plan, "next", "and does not take another's lease");
    journal.release(now(), "/repo/.git", "production", "next", Vec::new()).unwrap();
    assert!(journal.leases().unwrap().is_empty());
}

fn seen(probe: &str, at: Timestamp, value: Option<f64>) -> Sample {
    Sample { probe: probe.to_owned(), at, value, fault: None }
}

#[test]
fn spikes_and_outages_of_old_times_stay() {
    let (_dir, mut journal, ..) = with_notes(0);
    let at = |second: i64| now() + SignedDuration::from_secs(second);
    // Two days of a probe that is asked every five seconds, told hour by hour as time passes.
    for hour in 0..48 {
        let samples: Vec<_> = (hour * 3600..(hour + 1) * 3600)
            .step_by(5)
            .map(|second| match second {
                7_215 => seen("api", at(second), Some(500.0)),
                7_305 => seen("api", at(second), Some(-4.0)),
                9_025 | 9_030 => {
                    let fault = if second == 9_030 { Verdict::NoAnswer } else { Verdict::Bad };
                    Sample { fault: Some(fault), ..seen("api", at(second), None) }
                }
                _ => seen("api", at(second), Some(1.0)),
            })
            .collect();
        journal.put_samples("/repo/.git", &samples).unwrap();
        if hour < 2 {
            continue;
        }
        let kept = journal.kept("/repo/.git", "api", Timestamp::MIN).unwrap();
        let values = |value| kept.samples.iter().filter(move |(_, of)| *of == Some(value)).map(|(at, _)| *at);
        assert!(values(500.0).eq([at(7_215)]) && values(-4.0).eq([at(7_305)]), "{hour}");
        let worst = kept.faults.last().copied();
        assert_eq!(worst, Some((at(9_030), Verdict::NoAnswer)), "{hour}: {:?}", kept.faults);
        assert!(kept.samples.contains(&(at(9_030), None)), "{hour}");
        assert!(kept.samples.is_sorted_by_key(|(at, _)| *at));
    }
    let kept = journal.kept("/repo/.git", "api", Timestamp::MIN).unwrap();
    assert_eq!(kept.faults.len(), 1, "the worst of its minute");
    // What is compared is not chosen for its value.
    let span = (at(6 * 3600), at(7 * 3600));
    let compared = journal.samples("/repo/.git", "api", (at(7_200), at(9_060))).unwrap();
    assert!(compared.iter().all(|(_, value)| *value == Some(1.0)), "{compared:?}");
    assert_eq!((compared.len(), journal.samples("/repo/.git", "api", span).unwrap().len()), (31, 60));
}

#[test]
fn a_file_from_before_there_were_notable_samples_is_read_without_and_gets_them() {
    let (dir, mut journal, ..) = with_notes(0);
    let at = |second: i64| now() + SignedDuration::from_secs(second);
    journal.put_samples("/repo/.git", &[seen("api", at(0), Some(1.0)), seen("api", at(5), None)]).unwrap();
    let conn = raw(&dir);
    conn.execute_batch("DROP TABLE notable; DROP TABLE asked; PRAGMA user_version = 2;").unwrap();
    // As it is where the file cannot be written, and so was never brought up to date.
    let samples = [(at(0), Some(1.0)), (at(5), None)];
    let kept = |journal: &Journal| journal.kept("/repo/.git", "api", Timestamp::MIN).unwrap();
    assert_eq!(kept(&journal), Kept { samples: samples.to_vec(), faults: Vec::new() });
    drop(journal);
    let mut journal = open(&dir);
    assert_eq!(kept(&journal).samples, samples);
    let lost = Sample { fault: Some(Verdict::NoAnswer), ..seen("api", at(10), None) };
    journal.put_samples("/repo/.git", &[lost]).unwrap();
    assert_eq!(kept(&journal).faults, [(at(10), Verdict::NoAnswer)]);
}

#[test]
fn samples_of_another_address_are_not_those_of_a_probe() {
    let (_dir, mut journal, ..) = with_notes(0);
    let always = (Timestamp::MIN, Timestamp::MAX);
    let at = |second: i64| now() + SignedDuration::from_secs(second);
    journal.put_samples("/repo/.git", &[seen("api", at(0), Some(1.0))]).unwrap();
    let asks = |journal: &mut Journal, source: i64, second: i64| {
        journal.probe_asks("/repo/.git", "api", source, at(second)).unwrap();
        let samples = journal.samples("/repo/.git", "api", always).unwrap();
        assert_eq!(journal.kept("/repo/.git", "api", Timestamp::MIN).unwrap().samples, samples);
        samples.into_iter().filter_map(|(_, value)| value).collect::<Vec<_>>()
    };
    assert_eq!(asks(&mut journal, 7, 10), [1.0], "of what was stored before nobody knows better");
    journal.put_samples("/repo/.git", &[seen("api", at(20), Some(2.0))]).unwrap();
    assert_eq!(asks(&mut journal, 7, 30), [1.0, 2.0]);
    assert!(asks(&mut journal, -8, 40).is_empty());
    journal.put_samples("/repo/.git", &[seen("api", at(50), Some(3.0))]).unwrap();
    assert_eq!(asks(&mut journal, -8, 60), [3.0]);
}

#[test]
fn samples_thin_out_with_age() {
    let (_dir, mut journal, ..) = with_notes(0);
    let start = now();
    let put = |journal: &mut Journal, from: Timestamp, every_s: i64, count: i64| {
        let samples: Vec<_> = (0..count)
            .map(|n| seen("api", from + SignedDuration::from_secs(n * every_s), Some(n as f64)))
            .collect();
        journal.put_samples("/repo/.git", &samples).unwrap();
    };
    let all = |journal: &Journal| journal.samples("/repo/.git", "api", (start, Timestamp::MAX)).unwrap();
    // Two hours of one sample every five seconds, then one much later.
    put(&mut journal, start, 5, 1440);
    put(&mut journal, start + SignedDuration::from_mins(125), 10, 1);
    let found = all(&journal);
    let fresh = start + SignedDuration::from_mins(65);
    let (old, recent) = found.iter().partition::<Vec<&(Timestamp, Option<f64>)>, _>(|(at, _)| *at < fresh);
    assert_eq!(old.len(), 65 * 6, "one every ten seconds");
    assert_eq!(recent.len(), 55 * 12 + 1, "all of them");
    assert_eq!(found[0], (start, Some(0.0)));
    let part = (start + SignedDuration::from_secs(10), start + SignedDuration::from_secs(30));
    assert_eq!(journal.samples("/repo/.git", "api", part).unwrap().len(), 2, "up to a time, without it");

    let later = |journal: &mut Journal, hours: i64| {
        journal.thinned = None;
        put(journal, start + SignedDuration::from_hours(hours), 10, 1);
        all(journal).len()
    };
    assert_eq!(later(&mut journal, 26), 120 + 2, "one a minute of what was there a day ago");
    assert_eq!(later(&mut journal, 24 * 7), 9 + 2, "four an hour of the first two hours and five minutes");
    assert_eq!(later(&mut journal, 24 * 32), 2);
}

#[test]
fn what_a_source_knew_before_fills_gaps_and_covers_nothing_that_was_seen() {
    let (_dir, mut journal, ..) = with_notes(0);
    let at = |seconds: i64| now() + SignedDuration::from_secs(seconds);
    let seen = [seen("api", at(300), Some(1.0)), seen("api", at(310), None)];
    journal.put_samples("/repo/.git", &seen).unwrap();
    let numbers: Vec<_> = (0..5).map(|step| (at(step * 150), 200.0 + step as f64)).collect();
    // Nearer to each other than to what was seen: that is no reason to leave one out.
    journal.fill_samples("/repo/.git", "fine", &numbers, SignedDuration::from_mins(10)).unwrap();
    let fine = journal.samples("/repo/.git", "fine", (Timestamp::MIN, Timestamp::MAX)).unwrap();
    assert_eq!(fine.len(), 5);
    let apart = SignedDuration::from_secs(20);
    for _ in 0..2 {
        journal.fill_samples("/repo/.git", "api", &numbers, apart).unwrap();
        let found = journal.samples("/repo/.git", "api", (Timestamp::MIN, Timestamp::MAX)).unwrap();
        assert_eq!(
            found,
            [
                (at(0), Some(200.0)),
                (at(150), Some(201.0)),
                (at(300), Some(1.0)),
                (at(310), None),
                (at(450), Some(203.0)),
                (at(600), Some(204.0)),
            ]
        );
    }
}

#[test]
fn a_sample_without_data_stays_without() {
    let (_dir, mut journal, ..) = with_notes(0);
    let samples = [seen("a", now(), None), seen("b", now(), Some(f64::NAN))];
    let always = (Timestamp::MIN, Timestamp::MAX);
    journal.put_samples("/repo/.git", &samples).unwrap();
    assert_eq!(journal.samples("/repo/.git", "a", always).unwrap(), [(now(), None)]);
    assert_eq!(journal.samples("/repo/.git", "b", always).unwrap(), [(now(), None)]);
    assert!(journal.samples("/elsewhere", "a", always).unwrap().is_empty());
}
