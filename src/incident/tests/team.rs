//! Handing over, tasks, proposals, follow-ups: what a record of them does, and what is asked for next.

use super::*;

const OFFER: i64 = 2;

fn offered(to: &str) -> Record {
    record(OFFER, HandoffOffered { role: "commander".into(), to: to.into(), brief: "all of it".into() })
}

fn commander(name: &str) -> Record {
    record(1, RoleTaken { role: "commander".into(), person: name.into() })
}

fn commander_at(clock: i64, name: &str) -> Record {
    record(clock, RoleTaken { role: "commander".into(), person: name.into() })
}

fn next_titles(log: &Log, now: i64) -> Vec<String> {
    let policy = Policy::built_in();
    next(log.state(), &policy, &Facts::default(), minutes(now)).into_iter().map(|next| next.title).collect()
}

fn role(log: &Log) -> Option<&str> {
    log.state().roles.get("commander").map(String::as_str)
}

#[test]
fn whoever_has_a_role_keeps_it_until_the_other_accepts() {
    let mut log = log([commander("maya"), offered("li")]);
    assert_eq!(role(&log), Some("maya"));
    assert!(next_titles(&log, 3).contains(&"li: take command from maya, or decline".to_owned()));
    log.insert(record_by("li", 3, HandoffAccepted { offer: id(2) }));
    assert_eq!(role(&log), Some("li"));
    let last = log.state().timeline.iter().last().map(|entry| entry.text.to_owned());
    assert_eq!(last.as_deref(), Some("li took command from maya"));
    assert!(!next_titles(&log, 4).iter().any(|title| title.contains("take command")));
}

#[test]
fn an_offer_that_ended_is_accepted_by_nobody() {
    for end in [
        record(3, HandoffDeclined { offer: id(2), reason: String::new() }),
        record(3, RoleTaken { role: "commander".into(), person: "omar".into() }),
        record(3, HandoffOffered { role: "commander".into(), to: "omar".into(), brief: String::new() }),
    ] {
        let mut log = log([commander("maya"), offered("li"), end]);
        let before = role(&log).map(str::to_owned);
        log.insert(record_by("li", 4, HandoffAccepted { offer: id(2) }));
        assert_eq!(role(&log), before.as_deref());
    }
    // It did not end silently.
    let given = log([commander("maya"), offered("li"), commander_at(3, "omar")]);
    let last = given.state().timeline.iter().last().map(|entry| entry.text.to_owned());
    assert_eq!(last.as_deref(), Some("omar is commander, which ends the offer to li"));
    let given = log([commander("maya"), offered("li"), commander_at(3, "li")]);
    let last = given.state().timeline.iter().last().map(|entry| entry.text.to_owned());
    assert_eq!(last.as_deref(), Some("li is commander"));
    // Two who accept the same offer are one handoff.
    let mut log = log([commander("maya"), offered("li")]);
    log.insert(record_by("li", 3, HandoffAccepted { offer: id(2) }));
    log.insert(record(4, RoleTaken { role: "commander".into(), person: "omar".into() }));
    log.insert(record_by("li", 5, HandoffAccepted { offer: id(2) }));
    assert_eq!(role(&log), Some("omar"));
}

#[test]
fn a_task_is_asked_for_when_its_time_is_over() {
    let task = TaskGiven { text: "check the pool".into(), owner: "omar".into(), until: minutes(12) };
    let mut log = log([commander("maya"), record(2, task)]);
    let asks = |log: &Log, now| {
        next_titles(log, now).iter().any(|title| title == "ask omar what came of it: check the pool")
    };
    assert!(!asks(&log, 11));
    assert!(asks(&log, 12));
    let clock = |log: &Log, now: i64| {
        all_clocks(log.state(), &Policy::built_in(), minutes(now))
            .iter()
            .find(|clock| clock.id == "task")
            .map(|clock| (clock.title.clone(), clock.state))
    };
    assert_eq!(clock(&log, 11), Some(("omar: check the pool".to_owned(), ClockState::Running)));
    assert_eq!(clock(&log, 13).map(|(_, state)| state), Some(ClockState::Overdue));
    log.insert(record_by("omar", 14, TaskEnded { task: id(2), done: true, result: "it is fine".into() }));
    assert!(!asks(&log, 15) && clock(&log, 15).is_none());
    let last = log.state().timeline.iter().last().map(|entry| entry.text.to_owned());
    assert_eq!(last.as_deref(), Some("omar: check the pool, done: it is fine"));
}

#[test]
fn a_proposal_is_decided_once_and_remembers_who_objected() {
    let proposed = Proposed { text: "turn the flag off".into(), until: minutes(7) };
    let mut log = log([commander("maya"), record(2, proposed)]);
    assert!(next_titles(&log, 3).iter().any(|title| title == "any strong objections? turn the flag off"));
    assert!(next_titles(&log, 7).iter().any(|title| title == "decide: turn the flag off (nobody objected)"));
    log.insert(record_by("omar", 4, Objected { proposal: id(2), reason: "half of the orders".into() }));
    assert!(next_titles(&log, 5).iter().any(|title| title == "decide: turn the flag off (omar objects)"));
    log.insert(record_by("omar", 5, Objected { proposal: id(2), reason: "all of the orders".into() }));
    assert_eq!(log.state().motions[0].objections.len(), 1, "the same person gave another reason");
    log.insert(record(8, Decided { proposal: id(2), accepted: true, reason: "worth it".into() }));
    log.insert(record_by("li", 9, Decided { proposal: id(2), accepted: false, reason: String::new() }));
    assert_eq!(log.state().motions[0].decided, Some((minutes(8), true)));
    assert_eq!(log.state().decisions, 1);
}

#[test]
fn what_is_taken_back_never_was() {
    let task = TaskGiven { text: "check the pool".into(), owner: "omar".into(), until: minutes(12) };
    let log = log([
        commander("maya"),
        record(2, task),
        record(3, Retracted { target: id(2), reason: "by mistake".into() }),
    ]);
    assert!(log.state().tasks.is_empty());
}

#[test]
fn a_brief_tells_what_whoever_takes_over_has_to_know() {
    let log = log([
        commander("maya"),
        record(3, Noted { kind: NoteKind::Finding, text: "the pool is full".into() }),
        record(4, Noted { kind: NoteKind::Problem, text: "a second pager rang".into() }),
        record(5, TaskGiven { text: "read the logs".into(), owner: "omar".into(), until: minutes(12) }),
        record(6, Alarm { probe: "api".into(), from: "ok".into(), to: "failing".into(), why: String::new() }),
    ]);
    let policy = Policy::built_in();
    let steps = next(log.state(), &policy, &Facts::default(), minutes(10));
    let facts = Facts {
        healthy: Some(false),
        down: true,
        environments: vec![("production".into(), true)],
        ..Facts::default()
    };
    let text = brief(log.state(), &policy, &facts, &steps, minutes(10));
    for said in [
        "INC-2026-0001 P0 open since 14:00 UTC: Checkout answers 500",
        "- Production is down",
        "- Failing: api",
        "- Overdue: page on-call since 14:",
        "maya (incident commander)",
        "- the pool is full",
        "- a second pager rang",
        "- omar: read the logs (until 14:12 UTC)",
        "Next:",
    ] {
        assert!(text.contains(said), "{said}\n{text}");
    }
}

#[test]
fn a_brief_names_when_it_ended_and_every_change_of_production() {
    let mut records = vec![record(2, plan("deploy-1", "deploy", "production", "c1"))];
    records.push(record(3, ended("deploy-1", PlanEnd::Done)));
    for n in 0..6 {
        let id = format!("push-{n}");
        records.push(record(4 + 2 * n, plan(&id, "hotfix", "repository", "c1")));
        records.push(record(5 + 2 * n, ended(&id, PlanEnd::Done)));
    }
    records.push(record(20, Mitigated::default()));
    let log = log(records);
    let text = brief(log.state(), &Policy::built_in(), &Facts::default(), &[], minutes(30));
    assert!(text.contains("P0 mitigated 14:20 UTC (began 14:00 UTC)"), "{text}");
    let done = text.split("Done so far:").nth(1).unwrap();
    assert!(done.contains("deploy production"), "{text}");
    assert_eq!(done.matches("hotfix repository").count(), 4, "{text}");
}

#[test]
fn a_follow_up_has_an_owner_a_date_and_an_end() {
    let due: jiff::civil::Date = "2026-03-08".parse().unwrap();
    let mut log = log([record(
        2,
        FollowUpAdded { text: "alert on the pool".into(), owner: "li".into(), due: Some(due), of: None },
    )]);
    log.insert(record(3, FollowUpChanged { follow_up: id(2), owner: Some("omar".into()), due: None }));
    let one = &log.state().follow_ups[0];
    assert_eq!((one.owner.as_str(), one.due, one.end.is_none()), ("omar", Some(due), true));
    log.insert(record(4, FollowUpEnded { follow_up: id(2), done: true, reason: String::new() }));
    assert!(log.state().follow_ups[0].end.as_ref().is_some_and(|end| end.done));
    let texts: Vec<String> = log.state().timeline.iter().map(|entry| entry.text.to_owned()).collect();
    assert_eq!(
        texts[1..],
        [
            "follow-up: alert on the pool (li, by 2026-03-08)",
            "follow-up for omar: alert on the pool",
            "follow-up done: alert on the pool"
        ]
    );
}
