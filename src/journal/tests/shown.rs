//! What is shown of incidents in lists, against the records they are made of.

use super::*;
use crate::incident::{Closed, Mitigated, Retracted};

#[test]
fn the_list_is_what_its_records_say_after_whatever_was_decided() {
    // Every order of so many decisions, corrections and withdrawals.
    for turn in 0..120_usize {
        let (dir, mut journal, incident, _) = with_notes(0);
        let mut choice = turn;
        let mut ids = vec![journal.load(incident).unwrap().0.records()[0].id];
        for _ in 0..6 {
            let target = ids[choice % ids.len()];
            let body: Body = match choice % 8 {
                0 => Titled { text: format!("title {choice}") }.into(),
                1 => {
                    SeverityChanged { severity: Severity::P2, reason: "less".to_owned(), answers: Vec::new() }
                        .into()
                }
                2 => Mitigated::default().into(),
                3 => Resolved::default().into(),
                4 => Reopened { reason: "again".to_owned(), after: Vec::new() }.into(),
                5 => Amended { target, text: format!("amended {choice}") }.into(),
                6 => Retracted { target, reason: "wrong".to_owned() }.into(),
                _ => Closed::default().into(),
            };
            choice = choice * 7 / 3 + turn + 1;
            ids.push(journal.append(now(), vec![Draft::now(incident, body)]).unwrap()[0].id);
        }
        assert_eq!(journal.verify(None).unwrap().bad, None, "{turn}");
        let elsewhere = TempDir::new().unwrap();
        let lines = exported(&journal, incident, ExportFormat::Jsonl);
        open(&elsewhere).import(&mut lines.as_bytes()).unwrap();
        assert_eq!(open(&elsewhere).verify(None).unwrap().bad, None, "{turn} imported");
        drop(dir);
    }
}

#[test]
fn a_clock_ahead_does_not_make_the_list_wrong() {
    let (_dir, mut journal, ..) = with_notes(0);
    let ahead = journal.declare(now() + SignedDuration::from_hours(2), None, declared("ahead")).unwrap();
    let behind = journal.declare(now(), None, declared("behind")).unwrap();
    assert!(ahead.at < behind.at);
    assert_eq!(journal.verify(None).unwrap().bad, None);
}

#[test]
fn the_ends_of_chains_may_lag_behind_and_a_damaged_one_is_told() {
    let (dir, mut journal, incident, _) = with_notes(1);
    let heads = dir.path().join("heads").join(incident.to_string());
    let earlier = fs::read(&heads).unwrap();
    journal.append(now(), vec![note(incident, "more")]).unwrap();
    fs::write(&heads, earlier).unwrap();
    assert_eq!(journal.verify(None).unwrap().bad, None);
    fs::write(&heads, "").unwrap();
    let verified = journal.verify(None).unwrap();
    assert_eq!((verified.bad, verified.unread.len()), (None, 1));
    journal.note_heads().unwrap();
    assert_eq!(journal.verify(None).unwrap().unread.len(), 0);
}

#[test]
fn that_the_ends_of_chains_cannot_be_written_down_is_kept_until_they_can() {
    let (dir, mut journal, incident, _) = with_notes(1);
    let heads = dir.path().join("heads");
    assert_eq!(heads_unwritten(dir.path()), None);
    fs::remove_dir_all(&heads).unwrap();
    fs::write(&heads, "in the way").unwrap();
    journal.append(now(), vec![note(incident, "saved")]).unwrap();
    let failure = heads_unwritten(dir.path()).unwrap();
    assert!(failure.doing.contains("heads") && failure.hint.contains("writable"), "{failure}");
    let verified = journal.verify(None).unwrap();
    assert_eq!((verified.records, verified.bad, verified.unread.len()), (3, None, 1));
    fs::remove_file(&heads).unwrap();
    journal.append(now(), vec![note(incident, "saved")]).unwrap();
    assert_eq!(heads_unwritten(dir.path()), None);
    assert!(heads.join(incident.to_string()).exists());
}
