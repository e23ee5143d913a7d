//! What was released, over all incidents of a repository.

use super::*;
use crate::incident::{History, PlanEnd, PlanEnded, PlanStarted, ReleaseJudged, Released, WatchVerdict};

fn released(incident: IncidentId, commit: &str) -> Draft {
    let body = Released {
        environment: "production".to_owned(),
        reference: "main".to_owned(),
        commit: commit.to_owned(),
        tag: None,
        version: None,
        plan: "deploy-production-1".to_owned(),
        rollback: false,
        replaces: None,
    };
    Draft::now(incident, body)
}

fn passed(incident: IncidentId, commit: &str) -> Draft {
    let body = ReleaseJudged {
        environment: "production".to_owned(),
        commit: commit.to_owned(),
        plan: "deploy-production-1".to_owned(),
        verdict: WatchVerdict::Passed,
        why: String::new(),
    };
    Draft::now(incident, body)
}

fn rollback(incident: IncidentId) -> [Draft; 2] {
    let plan = || "rollback-production-1".to_owned();
    let started = PlanStarted {
        plan: plan(),
        title: "go back".to_owned(),
        purpose: "rollback".to_owned(),
        target: "production".to_owned(),
        hash: String::new(),
        steps: Vec::new(),
        confirmed: String::new(),
        spec: serde_json::json!({ "way": "redeploy" }).into(),
    };
    let ended = PlanEnded { plan: plan(), end: PlanEnd::Done, why: String::new() };
    [Draft::now(incident, started), Draft::now(incident, ended)]
}

/// A journal with two incidents of one repository and one of another.
fn journal(dir: &TempDir) -> (Journal, IncidentId) {
    let mut journal = open(dir);
    let first = declare(&mut journal);
    journal.append(now(), vec![released(first, "a"), note(first, "n"), passed(first, "a")]).unwrap();
    let later = now() + SignedDuration::from_mins(5);
    let second = declare(&mut journal);
    let drafts = [vec![released(second, "b")], rollback(second).to_vec()].concat();
    journal.append(later, drafts).unwrap();
    let elsewhere = Declared { repository: "/other/.git".to_owned(), ..declared("elsewhere") };
    let third = journal.declare(later, None, elsewhere).unwrap().incident;
    journal.append(later, vec![released(third, "x")]).unwrap();
    (journal, second)
}

#[test]
fn the_history_is_that_of_all_incidents_of_a_repository_and_no_other() {
    let dir = TempDir::new().unwrap();
    let (journal, _) = journal(&dir);
    let history = journal.history("/repo/.git").unwrap();
    let commits: Vec<_> = history.releases.iter().map(|release| release.commit.as_str()).collect();
    assert_eq!(commits, ["a", "b"]);
    assert_eq!(history.last_good("production").unwrap().commit, "a");
    assert_eq!(history.rehearsals.len(), 1);
    assert_eq!(journal.history("/nowhere").unwrap(), History::default());
}

#[test]
fn what_was_imported_is_history_too() {
    let (from, to) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let (journal, second) = journal(&from);
    let mut other = open(&to);
    other.import(&mut exported(&journal, second, ExportFormat::Jsonl).as_bytes()).unwrap();
    let history = other.history("/repo/.git").unwrap();
    assert_eq!(history.current("production").unwrap().commit, "b");
    assert_eq!(history.rehearsals, journal.history("/repo/.git").unwrap().rehearsals);
}

#[test]
fn a_file_from_before_there_were_landmarks_gets_them_and_is_read_without() {
    let dir = TempDir::new().unwrap();
    let (journal, _) = journal(&dir);
    let history = journal.history("/repo/.git").unwrap();
    drop(journal);
    let conn = raw(&dir);
    let first = "DROP TABLE landmark; DROP TABLE notable; DROP TABLE asked; PRAGMA user_version = 1;";
    conn.execute_batch(first).unwrap();
    drop(conn);
    let journal = open(&dir);
    assert_eq!(journal.history("/repo/.git").unwrap(), history);
    let conn = raw(&dir);
    let kept: i64 = conn.query_row("SELECT count(*) FROM landmark", [], |row| row.get(0)).unwrap();
    assert_eq!(kept, 6);
    // As it is where the file could not be written, and so was never brought up to date.
    conn.execute_batch(first).unwrap();
    assert_eq!(journal.history("/repo/.git").unwrap(), history);
}
