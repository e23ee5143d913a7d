//! The timeline as people read it.

use super::super::digest::{folded, rows};
use super::*;

fn alarm(seconds: i64, probe: &str, to: &str) -> Record {
    let body = Alarm { probe: probe.into(), from: "ok".into(), to: to.into(), why: "38 % (max 5 %)".into() };
    let at = start() + SignedDuration::from_secs(seconds);
    let clock = Hlc { wall_ms: at.as_millisecond(), count: 0 };
    let author = Author { name: "maya".to_owned(), node: 1 };
    let number = seconds.unsigned_abs() * 100 + probe.bytes().map(u64::from).sum::<u64>();
    Record::seal(id(number.into()), Draft::now(incident(), body), author, clock, Hash::default()).unwrap().0
}

/// Each row as the texts of its lines, that of the row itself first.
fn read(log: &Log) -> Vec<Vec<String>> {
    let timeline = &log.state().timeline;
    let place = |probe: &str| if probe.starts_with("stage") { "staging" } else { "production" }.to_owned();
    let text = |line: usize| timeline.get(line).unwrap().text.to_owned();
    rows(log.state(), place)
        .unwrap()
        .into_iter()
        .map(|row| {
            let rest = row.lines.iter().filter(|line| **line != row.line).map(|line| text(*line));
            std::iter::once(text(row.line)).chain(rest).collect()
        })
        .collect()
}

#[test]
fn probes_that_turn_together_are_one_row_and_those_elsewhere_or_later_another() {
    let log = log([
        alarm(60, "errors", "failing"),
        alarm(61, "stage", "failing"),
        alarm(70, "latency", "failing"),
        record(2, Noted { kind: NoteKind::Note, text: "looking".into() }),
        alarm(200, "orders", "failing"),
        alarm(300, "errors", "ok"),
        alarm(310, "latency", "ok"),
        alarm(320, "errors", "failing"),
    ]);
    let rows = read(&log);
    let lengths: Vec<usize> = rows.iter().skip(1).map(Vec::len).collect();
    assert_eq!(lengths, [2, 1, 1, 1, 2, 1], "{rows:#?}");
    assert_eq!(rows[1], ["errors failing: 38 % (max 5 %)", "latency failing: 38 % (max 5 %)"]);
    assert_eq!(rows[3], ["looking"], "what people write stands for itself");
    // Not all had recovered before the last had.
    assert_eq!(rows[5], ["latency is ok again: 38 % (max 5 %)", "errors is ok again: 38 % (max 5 %)"]);
}

#[test]
fn a_plan_whose_end_was_once_taken_back_does_not_seem_to_run() {
    let plan = || "p1".to_owned();
    let started = PlanStarted {
        plan: plan(),
        title: "roll production back to v1.4.1".into(),
        purpose: "rollback".into(),
        target: "production".into(),
        hash: "h".into(),
        steps: Vec::new(),
        confirmed: "y".into(),
        spec: Spec::new("{}".to_owned()).unwrap(),
    };
    let ended = record(2, PlanEnded { plan: plan(), end: PlanEnd::Done, why: String::new() });
    let retracted = Retracted { target: ended.id, reason: "x".into() };
    let log = log([record(1, started), ended, record(3, retracted)]);
    let rows: Vec<String> = read(&log).into_iter().skip(1).map(|row| row[0].clone()).collect();
    assert!(rows.len() == 1 && rows[0].starts_with("rolled production back"), "{rows:#?}");
}

#[test]
fn what_somebody_approved_where_a_pipeline_runs_keeps_a_row_of_its_own() {
    let plan = || "p1".to_owned();
    let started = PlanStarted {
        plan: plan(),
        title: "roll production back to v1.4.1".into(),
        purpose: "rollback".into(),
        target: "production".into(),
        hash: "h".into(),
        steps: vec!["deploy v1.4.1 to production".into()],
        confirmed: "y".into(),
        spec: Spec::new("{}".to_owned()).unwrap(),
    };
    let decision = Decision::Review {
        approve: true,
        comment: "looks good".into(),
        waits_for: "for approval of production by sre".into(),
        ids: Vec::new(),
    };
    let asked = PlanAsked { plan: plan(), step: 0, run: None, decision };
    let log = log([
        record(1, started),
        record(2, asked),
        record(3, PlanEnded { plan: plan(), end: PlanEnd::Done, why: String::new() }),
    ]);
    let rows: Vec<String> = read(&log).into_iter().skip(1).map(|row| row[0].clone()).collect();
    assert_eq!(rows.len(), 2, "{rows:#?}");
    assert!(rows[0].contains("approved deploy v1.4.1") && rows[0].ends_with("looks good"), "{rows:#?}");
    assert!(rows[1].starts_with("rolled production back"), "{rows:#?}");
}

#[test]
fn what_turned_while_a_plan_changed_production_stands_behind_its_start() {
    let plan = || "p1".to_owned();
    let started = PlanStarted {
        plan: plan(),
        title: "deploy main to production".into(),
        purpose: "deploy".into(),
        target: "production".into(),
        hash: "h".into(),
        steps: vec!["deploy".into()],
        confirmed: "y".into(),
        spec: Spec::new("{}".to_owned()).unwrap(),
    };
    let log = log([
        alarm(30, "errors", "failing"),
        record(1, started),
        alarm(90, "errors", "ok"),
        alarm(100, "latency", "ok"),
        record(3, PlanEnded { plan: plan(), end: PlanEnd::Done, why: String::new() }),
    ]);
    let rows: Vec<String> = read(&log).into_iter().skip(1).map(|row| row[0].clone()).collect();
    let wanted = [
        "errors failing: 38 % (max 5 %)",
        "deploy main to production",
        "latency is ok again: 38 % (max 5 %)",
        "deployed main to production in 2m",
    ];
    assert_eq!(rows, wanted);
}

#[test]
fn a_plan_is_one_row_where_it_ended_and_what_people_decide_stands_beside_it() {
    let plan = || "p1".to_owned();
    let started = PlanStarted {
        plan: plan(),
        title: "deploy main to staging".into(),
        purpose: "deploy".into(),
        target: "staging".into(),
        hash: "h".into(),
        steps: vec!["deploy".into(), "smoke".into()],
        confirmed: "y".into(),
        spec: Spec::new("{}".to_owned()).unwrap(),
    };
    let begun =
        |step, run: &str| StepStarted { plan: plan(), step, run: run.into(), process: None, undo: false };
    let ended = |step, run: &str, code| StepEnded {
        plan: plan(),
        step,
        run: run.into(),
        outcome: Outcome::Exited { code },
        summary: String::new(),
        survivors: Vec::new(),
        unproven: false,
        tail: Vec::new(),
    };
    let mut records = vec![
        record(1, started),
        record(2, begun(0, "r1")),
        record(3, ended(0, "r1", 1)),
        record(4, Noted { kind: NoteKind::Note, text: "try again".into() }),
        record(5, PlanEnded { plan: plan(), end: PlanEnd::Failed, why: String::new() }),
    ];
    let texts =
        |rows: Vec<Vec<String>>| rows.into_iter().skip(1).map(|row| row[0].clone()).collect::<Vec<_>>();
    assert_eq!(texts(read(&log(records.clone()))), ["try again", "deploy main to staging failed"]);
    // Taken up again it is where that was decided, until it ends.
    records.push(record(6, PlanResumed { plan: plan(), step: 0, decision: Decision::Retry }));
    let again = texts(read(&log(records.clone())));
    assert_eq!(again.len(), 2, "{again:?}");
    assert!(again[1].contains("retry"), "{again:?}");
    records.push(record(7, PlanEnded { plan: plan(), end: PlanEnd::Done, why: String::new() }));
    assert_eq!(texts(read(&log(records)))[1], "deployed main to staging in 6m");
}

#[test]
fn a_plan_that_still_watches_does_not_read_as_if_it_were_done() {
    let plan = || "p1".to_owned();
    let title = || "deploy main to production".to_owned();
    let started = PlanStarted {
        plan: plan(),
        title: title(),
        purpose: "deploy".into(),
        target: "production".into(),
        hash: "h".into(),
        steps: vec![title(), "watch production".into()],
        confirmed: "y".into(),
        spec: Spec::new("{}".to_owned()).unwrap(),
    };
    let begun =
        |step, run: &str| StepStarted { plan: plan(), step, run: run.into(), process: None, undo: false };
    let ended = StepEnded {
        plan: plan(),
        step: 0,
        run: "p1.0".into(),
        outcome: Outcome::Exited { code: 0 },
        summary: String::new(),
        survivors: Vec::new(),
        unproven: false,
        tail: Vec::new(),
    };
    let why = "it answers v1.4.3".to_owned();
    let proved = Proved { plan: plan(), step: 0, proof: Proof::Done, why, undo: false };
    let mut records = vec![
        record(1, started),
        record(2, begun(0, "p1.0")),
        record(3, ended),
        record(4, proved),
        record(5, begun(1, "p1.1")),
    ];
    let rows = read(&log(records.clone()));
    let row = rows.last().unwrap();
    assert_eq!(row[0], "deploy main to production", "{rows:#?}");
    assert_eq!(row[1], "deploy main to production: step 1 of 2 done, proven");
    records.push(record(9, PlanEnded { plan: plan(), end: PlanEnd::Done, why: String::new() }));
    let rows = read(&log(records));
    assert!(rows.last().unwrap()[0].starts_with("deployed main to production in "), "{rows:#?}");
}

#[test]
fn items_that_one_person_ticks_in_a_row_are_one_row_and_what_failed_another() {
    let tick = |second, item: &str, state, note: &str| {
        let (title, note) = (item.to_owned(), note.to_owned());
        record(second, Ticked { item: item.into(), title, state, note })
    };
    let passed = CheckState::Passed;
    let log = log([
        tick(1, "core", passed, ""),
        tick(2, "login", passed, ""),
        tick(3, "mobile", passed, "on an old phone"),
        tick(4, "logs", passed, ""),
        tick(5, "data", CheckState::Failed, "rows are missing"),
        tick(6, "speed", passed, ""),
        record(7, Noted { kind: NoteKind::Note, text: "looks well".into() }),
        tick(8, "orders", passed, ""),
    ]);
    let lengths: Vec<usize> = read(&log).iter().skip(1).map(Vec::len).collect();
    assert_eq!(lengths, [2, 1, 1, 1, 1, 1, 1], "{:#?}", read(&log));
}

#[test]
fn what_a_watch_found_belongs_to_the_line_of_its_plan() {
    let plan = || "rollback-1".to_owned();
    let started = PlanStarted {
        plan: plan(),
        title: "roll production back to v1.4.1".into(),
        purpose: "rollback".into(),
        target: "production".into(),
        hash: "h".into(),
        steps: vec!["redeploy".into(), "watch production".into()],
        confirmed: "y".into(),
        spec: Spec::new("{}".to_owned()).unwrap(),
    };
    let judged = ReleaseJudged {
        environment: "production".into(),
        commit: "31a11e4f".into(),
        plan: plan(),
        verdict: WatchVerdict::Passed,
        why: "healthy for 5m".into(),
    };
    let by_hand = ReleaseJudged { plan: String::new(), ..judged.clone() };
    let log = log([
        record(1, started),
        record(4, judged),
        record(5, PlanEnded { plan: plan(), end: PlanEnd::Done, why: String::new() }),
        record(6, by_hand),
    ]);
    let rows = read(&log);
    let rows: Vec<&str> = rows.iter().skip(1).map(|row| row[0].as_str()).collect();
    assert_eq!(rows.len(), 2, "{rows:#?}");
    assert!(rows[0].starts_with("rolled production back to v1.4.1"), "{rows:#?}");
    assert!(rows[1].starts_with("31a11e4 in production is good"), "{rows:#?}");
}

#[test]
fn a_rollback_says_what_production_is_back_on() {
    let released = |rollback| Released {
        plan: "p1".into(),
        environment: "production".into(),
        reference: "v1.4.1".into(),
        commit: "51a2cac0".into(),
        tag: Some("v1.4.1".into()),
        version: None,
        rollback,
        replaces: None,
    };
    for (rollback, wanted) in
        [(false, "production is on v1.4.1 (51a2cac)"), (true, "production is back on v1.4.1 (51a2cac)")]
    {
        let log = log([record(1, released(rollback))]);
        let texts: Vec<&str> = log.state().timeline.iter().map(|entry| entry.text).collect();
        assert_eq!(texts.last(), Some(&wanted));
    }
}

/// The rows with what the program wrote folded from so many minutes on, each as its text, or as how many it stands
/// for, how many of them are alarms and how many failed.
fn read_folded(log: &Log, since: i64) -> Vec<String> {
    let state = log.state();
    let all = rows(state, |_| "production".to_owned()).unwrap();
    let lines: usize = all.iter().map(|row| row.lines.len()).sum();
    let folded = folded(state, all, minutes(since));
    assert_eq!(folded.iter().map(|row| row.lines.len()).sum::<usize>(), lines, "none is lost");
    let told = |row: super::super::digest::Row| match row.fold {
        Some(fold) => format!("{} +{} !{}", fold.rows, fold.alarms, fold.failures),
        None => state.timeline.get(row.line).unwrap().text.to_owned(),
    };
    folded.into_iter().skip(1).map(told).collect()
}

#[test]
fn what_the_program_wrote_between_two_people_folds_into_one_row() {
    let note = |n, text: &str| record(n, Noted { kind: NoteKind::Note, text: text.into() });
    let log = log([
        alarm(60, "errors", "failing"),
        alarm(200, "errors", "ok"),
        alarm(300, "errors", "failing"),
        note(6, "looking"),
        alarm(400, "errors", "ok"),
        note(7, "better"),
        alarm(500, "latency", "failing"),
        alarm(600, "latency", "ok"),
    ]);
    assert_eq!(
        read_folded(&log, 60),
        ["3 +2 !0", "looking", "errors is ok again: 38 % (max 5 %)", "better", "2 +1 !0"]
    );
    // An alarm that was raised since stays in sight.
    let news = read_folded(&log, 7);
    assert_eq!(news[4..], ["latency failing: 38 % (max 5 %)", "latency is ok again: 38 % (max 5 %)"]);
}

#[test]
fn a_plan_that_needs_somebody_and_what_is_pinned_are_not_folded() {
    let started = |plan: &str| PlanStarted {
        plan: plan.into(),
        title: format!("deploy {plan} to staging"),
        purpose: "deploy".into(),
        target: "staging".into(),
        hash: "h".into(),
        steps: vec!["deploy".into()],
        confirmed: "y".into(),
        spec: Spec::new("{}".to_owned()).unwrap(),
    };
    let ended = |plan: &str, end| PlanEnded { plan: plan.into(), end, why: String::new() };
    let mut records = vec![
        record(1, started("a")),
        record(2, ended("a", PlanEnd::Failed)),
        record(3, started("b")),
        record(4, ended("b", PlanEnd::Done)),
        record(5, started("c")),
        record(6, started("d")),
        record(7, ended("d", PlanEnd::Done)),
    ];
    let rows = read_folded(&log(records.clone()), 60);
    let wanted = ["2 +0 !1", "deploy c to staging", "deployed d to staging in 1m"];
    assert_eq!(rows, wanted, "what is under way is seen");
    records.push(record(8, Pinned { target: id(4), pinned: true }));
    let rows = read_folded(&log(records.clone()), 60);
    assert_eq!(rows[0], "deploy a to staging failed", "{rows:?}");
    let news = read_folded(&log(records), 0);
    assert_eq!(news.len(), 4, "a failure since stays in sight: {news:?}");
}
