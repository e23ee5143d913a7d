//! An incident that is too long to keep its records: folded as they are read.

use super::super::read::{load_log, received, stream};
use super::*;
use crate::incident::{Amended, Log, Pinned, Retracted, RoleTaken, State, Stream, Taken};

fn seconds(after: i64) -> Timestamp {
    now() + SignedDuration::from_secs(after)
}

fn role(incident: IncidentId, person: &str) -> Draft {
    Draft::now(incident, RoleTaken { role: "commander".to_owned(), person: person.to_owned() })
}

/// Folds the records of an incident without keeping any.
fn unkept(journal: &Journal, incident: IncidentId) -> Log {
    let no = journal.number_of(incident).unwrap();
    let all = received(&journal.conn, no).unwrap();
    stream(&journal.conn, no, all.count(), None).unwrap().unwrap()
}

/// Two people who wrote at the same time without hearing of each other, brought together at the
/// first one's.
fn apart() -> (TempDir, Journal, IncidentId) {
    let dir = TempDir::new().unwrap();
    let mut journal = open(&dir);
    let incident = declare(&mut journal);
    journal.append(seconds(10), vec![note(incident, "first"), role(incident, "omar")]).unwrap();
    let other_dir = TempDir::new().unwrap();
    let mut other = Journal::open(other_dir.path(), "omar").unwrap();
    other.import(&mut exported(&journal, incident, ExportFormat::Jsonl).as_bytes()).unwrap();
    other.append(seconds(20), vec![note(incident, "from omar"), role(incident, "lea")]).unwrap();
    let here = journal.append(seconds(30), vec![note(incident, "from maya")]).unwrap();
    let taken_back = other.append(seconds(40), vec![role(incident, "nobody we know")]).unwrap().remove(0);
    let retracted = Retracted { target: taken_back.id, reason: "slip".to_owned() };
    other.append(seconds(50), vec![Draft::now(incident, retracted)]).unwrap();
    let amended = Amended { target: here[0].id, text: "from maya, amended".to_owned() };
    journal.append(seconds(60), vec![Draft::now(incident, amended)]).unwrap();
    journal.import(&mut exported(&other, incident, ExportFormat::Jsonl).as_bytes()).unwrap();
    (dir, journal, incident)
}

#[test]
fn what_is_not_kept_folds_to_the_same() {
    let (_dir, journal, incident) = apart();
    let kept = journal.load(incident).unwrap().0;
    let state = kept.state();
    assert_eq!(unkept(&journal, incident).state(), state);
    assert_eq!(state.roles["commander"], "lea");
    let texts: Vec<_> = state.timeline.iter().map(|entry| entry.text).collect();
    let expected = [
        "first",
        "omar is commander",
        "from omar",
        "lea is commander",
        "from maya, amended",
        "nobody we know is commander",
    ];
    assert_eq!(texts[1..], expected);
    let retracted: Vec<_> = state.timeline.iter().filter_map(|entry| entry.retracted).collect();
    assert_eq!(retracted, ["slip"]);
}

#[test]
fn the_past_is_what_had_been_written_down_by_then_wherever_it_sorts() {
    let (_dir, journal, incident) = apart();
    let then = |after| journal.as_of(incident, seconds(after)).unwrap();
    assert_eq!(then(-1), None);
    let records = |after| then(after).map(|state: State| state.records);
    assert_eq!([records(0), records(10), records(35)], [Some(1), Some(3), Some(6)]);
    assert_eq!(then(45).unwrap().roles["commander"], "nobody we know", "retracted only later");
    assert_eq!(then(60).as_ref(), Some(journal.load(incident).unwrap().0.state()));
}

#[test]
fn what_cannot_be_folded_in_is_loaded_again() {
    let (_dir, mut journal, incident) = apart();
    let mut log = unkept(&journal, incident);
    let first = log.state().timeline.get(1).unwrap().id;
    let mut add = |after, body: Body| {
        let records = journal.append(seconds(after), vec![Draft::now(incident, body)]).unwrap();
        let taken: Vec<_> = records.iter().map(|record| log.insert(record.clone())).collect();
        journal.fold_in(&mut log, records).unwrap();
        assert_eq!(log.state(), journal.load(incident).unwrap().0.state());
        // What was loaded again is short here, and kept.
        log = unkept(&journal, incident);
        taken
    };
    assert_eq!(add(70, Pinned { target: first, pinned: true }.into()), [Taken::Folded]);
    assert_eq!(add(71, Amended { target: first, text: "1st".to_owned() }.into()), [Taken::Folded]);
    assert_eq!(add(72, Retracted { target: first, reason: String::new() }.into()), [Taken::Folded]);
    let taken = Body::from(RoleTaken { role: "lead".to_owned(), person: "li".to_owned() });
    assert_eq!(add(73, taken), [Taken::Folded]);
    let lead = unkept(&journal, incident).state().timeline.iter().next_back().unwrap().id;
    let taken_back = journal.append(
        seconds(74),
        vec![Draft::now(incident, Retracted { target: lead, reason: "slip".to_owned() })],
    );
    let taken_back = taken_back.unwrap().remove(0);
    assert_eq!(log.insert(taken_back.clone()), Taken::Anew);
    journal.fold_in(&mut log, [taken_back]).unwrap();
    assert!(!log.state().roles.contains_key("lead"));
}

#[test]
fn what_is_handed_over_once_more_changes_nothing() {
    let (_dir, mut journal, incident) = apart();
    let mut log = unkept(&journal, incident);
    let first = log.state().timeline.get(1).unwrap().id;
    let pin = |pinned| Draft::now(incident, Pinned { target: first, pinned });
    let marks = journal.append(seconds(70), vec![pin(true), pin(false), pin(true)]).unwrap();
    for _ in 0..2 {
        journal.fold_in(&mut log, marks.clone()).unwrap();
        assert_eq!(log.state(), journal.load(incident).unwrap().0.state());
    }
}

#[test]
fn what_is_written_while_it_is_read_comes_later() {
    let (_dir, mut journal, incident) = apart();
    let no = journal.number_of(incident).unwrap();
    let before = received(&journal.conn, no).unwrap();
    let then = journal.load(incident).unwrap().0;
    journal.append(seconds(80), vec![role(incident, "li")]).unwrap();
    let log = stream(&journal.conn, no, before.count(), None).unwrap().unwrap();
    assert_eq!(log.state(), then.state());
    assert_eq!(load_log(&journal.conn, no).unwrap().1.count(), before.count() + 1);
}

#[test]
fn a_stream_out_of_order_is_refused() {
    let (_dir, journal, incident) = apart();
    let mut records = journal.load(incident).unwrap().0.records().to_vec();
    records.swap(1, 2);
    let mut stream = Stream::new(records.len());
    let taken: Vec<bool> = records.iter().take(4).map(|record| stream.take(record)).collect();
    assert_eq!(taken, [true, true, false, true]);
}
