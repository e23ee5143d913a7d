//! Clocks, and what is next.

use serde_json::json;

use super::*;

const HEAD: &str = "4f2c91e0000000000000000000000000000000aa";

fn clock(log: &Log, id: &str, now: i64) -> Clock {
    let clocks = clocks(log.state(), &Policy::built_in(), minutes(now));
    clocks.into_iter().find(|clock| clock.id == id).unwrap_or_else(|| panic!("no clock {id}"))
}

fn state_of(log: &Log, id: &str, now: i64) -> ClockState {
    clock(log, id, now).state
}

fn steps(log: &Log, facts: &Facts, now: i64) -> Vec<(&'static str, String)> {
    let next = next(log.state(), &Policy::built_in(), facts, minutes(now));
    next.into_iter().map(|next| (next.action, next.argument)).collect()
}

fn actions(log: &Log, facts: &Facts, now: i64) -> Vec<&'static str> {
    steps(log, facts, now).into_iter().map(|(action, _)| action).collect()
}

fn repository() -> Facts {
    Facts {
        repository: true,
        checks: vec!["unit".into()],
        environments: vec![("staging".into(), false), ("production".into(), true)],
        smokable: vec!["staging".into()],
        checklist: vec!["core".into(), "data".into()],
        ..Facts::default()
    }
}

/// An incident whose team stands and whose stakeholders know.
fn assembled(more: impl IntoIterator<Item = Record>) -> Log {
    let team = [
        record(1, paged("li")),
        record(2, role("commander", "maya")),
        record(3, role("lead", "omar")),
        record(4, told("stakeholders")),
        record(5, ImpactDescribed { text: "everybody".into() }),
    ];
    log(team.into_iter().chain(more))
}

#[test]
fn what_its_watch_condemned_is_rolled_back_first() {
    let released = |commit: &str, rollback| Released {
        environment: "production".into(),
        reference: "hotfix/x".into(),
        commit: commit.into(),
        tag: None,
        version: None,
        plan: "deploy-production-1".into(),
        rollback,
        replaces: None,
    };
    let judged = ReleaseJudged {
        environment: "production".into(),
        commit: HEAD.into(),
        plan: "deploy-production-1".into(),
        verdict: WatchVerdict::Failed,
        why: "error rate".into(),
    };
    let mut told = vec![record(10, released(HEAD, false))];
    let first = |told: &[Record]| {
        let log = assembled(told.to_vec());
        next(log.state(), &Policy::built_in(), &repository(), minutes(13)).remove(0).title
    };
    assert!(!first(&told).contains("failed its watch"));
    told.push(record(11, judged));
    assert!(first(&told).ends_with("failed its watch"), "{}", first(&told));
    told.push(record(12, released("0e9d565e0000000000000000000000000000000a", true)));
    assert!(!first(&told).contains("failed its watch"), "it was taken back");
}

#[test]
fn clocks_count_from_the_start_whatever_the_severity_was() {
    let lowered = SeverityChanged { severity: Severity::P1, reason: "half".into(), answers: Vec::new() };
    let log = log([record(50, lowered)]);
    let fix = clock(&log, "fix", 60);
    assert_eq!((fix.from, fix.due_at), (start(), minutes(24 * 60)));
    assert_eq!(clock(&log, "page", 60).due_at, minutes(30));
    assert_eq!(state_of(&log, "page", 60), ClockState::Overdue);
    assert_eq!(state_of(&log, "executives", 60), ClockState::Stopped);
}

#[test]
fn a_start_that_was_recorded_wrongly_is_corrected_and_the_last_one_counts() {
    let began = |written: i64, at: i64, reason: &str| {
        let occurred = Some((minutes(at), Precision::Exact));
        let draft = Draft { occurred, ..Draft::now(incident(), Began { reason: reason.into() }) };
        let clock = Hlc { wall_ms: minutes(written).as_millisecond(), count: 0 };
        let author = Author { name: "maya".into(), node: 1 };
        Record::seal(id(u128::try_from(written).unwrap()), draft, author, clock, Hash::default()).unwrap().0
    };
    let log = log([began(5, -20, "first failed order"), began(7, -10, "")]);
    let state = log.state();
    assert_eq!(state.started_at, minutes(-10));
    assert_eq!(clock(&log, "fix", 60).from, minutes(-10));
    let said: Vec<String> = state.timeline.iter().map(|entry| entry.text.to_owned()).collect();
    assert!(said[1].starts_with("began ") && said[1].ends_with(": first failed order"), "{said:?}");
    assert!(said[2].starts_with("began ") && said[2].contains(", corrected from "), "{said:?}");
    let retracted = Retracted { target: id(7), reason: "no".into() };
    let log = Log::new(log.records().iter().cloned().chain([record(9, retracted)]).collect()).unwrap();
    assert_eq!(log.state().started_at, minutes(-20), "the one before it stands again");
}

#[test]
fn a_clock_that_did_not_run_is_not_late() {
    let raised =
        || SeverityChanged { severity: Severity::P0, reason: "all of them".into(), answers: Vec::new() };
    // It began 46 minutes before anybody knew, was declared as P1 and raised two minutes later.
    let Body::Declared(declared) = declared().body else { unreachable!() };
    let body = Declared { severity: Severity::P1, ..declared };
    let occurred = Some((start(), Precision::Exact));
    let draft = Draft { occurred, ..Draft::now(incident(), body) };
    let at = Hlc { wall_ms: minutes(46).as_millisecond(), count: 0 };
    let author = Author { name: "maya".into(), node: 1 };
    let late = Record::seal(id(46), draft, author, at, Hash::default()).unwrap().0;
    let mut log = Log::new(vec![late, record(48, raised()), record(49, paged("li"))]).unwrap();
    let page = clock(&log, "page", 60);
    assert_eq!((page.from, page.due_at, page.met_at), (minutes(48), minutes(53), Some(minutes(49))));
    assert_eq!(page.state, ClockState::Met);
    assert_eq!(clock(&log, "escalate", 60).due_at, minutes(63));
    assert_eq!(clock(&log, "update", 60).due_at, minutes(63));
    // What can still be done in time from the beginning has to be.
    assert_eq!((clock(&log, "fix", 60).from, clock(&log, "fix", 60).due_at), (start(), minutes(120)));
    let all = clocks(log.state(), &Policy::built_in(), minutes(600));
    for clock in all.iter().filter(|clock| !clock.id.starts_with("phase:")) {
        assert!(clock.due_at >= minutes(46), "due before it was declared: {clock:?}");
    }
    // Lowered and raised again it is asked for anew; lowered alone it has been all along.
    log.insert(record(
        70,
        SeverityChanged { severity: Severity::P1, reason: "some".into(), answers: Vec::new() },
    ));
    assert_eq!(clock(&log, "escalate", 80).due_at, minutes(120));
    log.insert(record(130, raised()));
    assert_eq!(clock(&log, "escalate", 131).due_at, minutes(145));
}

#[test]
fn updates_that_become_more_frequent_count_from_then() {
    let lowered =
        record(1, SeverityChanged { severity: Severity::P1, reason: "half".into(), answers: Vec::new() });
    let told = record(2, told("update"));
    let served = record(3, Mitigated::default());
    let log = log([lowered, told, served, record(200, PhaseEntered { phase: Phase::Develop })]);
    assert_eq!(clock(&log, "update", 201).due_at, minutes(230));
}

#[test]
fn a_clock_is_met_in_time_or_late() {
    let log = log([record(3, paged("li")), record(20, role("lead", "omar"))]);
    assert_eq!(state_of(&log, "page", 60), ClockState::Met);
    assert_eq!(state_of(&log, "escalate", 60), ClockState::Late);
    assert_eq!(state_of(&log, "fix", 119), ClockState::Running);
    assert_eq!(state_of(&log, "fix", 121), ClockState::Overdue);
}

#[test]
fn the_update_clock_starts_anew_whenever_people_are_told() {
    let log =
        log([record(3, told("stakeholders")), record(17, told("update")), record(18, told("my friend"))]);
    assert_eq!(clock(&log, "update", 20).due_at, minutes(32));
    assert_eq!(state_of(&log, "update", 33), ClockState::Overdue);
}

#[test]
fn updates_are_rarer_while_no_fix_is_in_flight() {
    let lowered =
        record(1, SeverityChanged { severity: Severity::P1, reason: "half".into(), answers: Vec::new() });
    let mut log = log([lowered, record(2, told("update"))]);
    assert_eq!(clock(&log, "update", 5).due_at, minutes(32), "users are not served yet");
    log.insert(record(3, Mitigated::default()));
    assert_eq!(clock(&log, "update", 5).due_at, minutes(2 + 24 * 60));
    log.insert(record(4, PhaseEntered { phase: Phase::Develop }));
    assert_eq!(clock(&log, "update", 5).due_at, minutes(32));
}

#[test]
fn the_fix_is_in_time_when_it_reached_production_in_time() {
    let mut log =
        log([record(100, plan("p", "deploy", "production", HEAD)), record(110, ended("p", PlanEnd::Done))]);
    assert_eq!(state_of(&log, "fix", 200), ClockState::Met);
    log.insert(record(120, PhaseEntered { phase: Phase::Develop }));
    assert_eq!(state_of(&log, "fix", 200), ClockState::Overdue, "it did not help");
}

#[test]
fn what_was_live_before_or_was_rolled_back_is_no_fix() {
    let released = |plan: &str, commit: &str, rollback: bool| Released {
        environment: "production".into(),
        reference: "main".into(),
        commit: commit.into(),
        tag: None,
        version: None,
        plan: plan.into(),
        rollback,
        replaces: None,
    };
    let deployed = |before: Released, after: Option<Released>| {
        let mut told = vec![
            record(2, before),
            record(100, plan("p", "deploy", "production", HEAD)),
            record(109, released("p", HEAD, false)),
            record(110, ended("p", PlanEnd::Done)),
        ];
        told.extend(after.map(|after| record(112, after)));
        state_of(&log(told), "fix", 200)
    };
    let old = "0e9d565e0000000000000000000000000000000a";
    assert_eq!(deployed(released("", old, false), None), ClockState::Met);
    assert_eq!(deployed(released("", HEAD, false), None), ClockState::Overdue, "the same once more");
    let back = released("q", old, true);
    assert_eq!(deployed(released("", old, false), Some(back)), ClockState::Overdue, "rolled back");
}

#[test]
fn a_resolution_stops_the_clocks_and_starts_the_review() {
    let mut log = log([record(60, Resolved { after: vec![id(0)], ..Resolved::default() })]);
    assert_eq!(state_of(&log, "update", 600), ClockState::Stopped);
    assert_eq!(state_of(&log, "executives", 600), ClockState::Stopped);
    assert_eq!(clock(&log, "review", 600).due_at, minutes(60 + 24 * 60));
    log.insert(record(700, Closed { after: vec![id(60)] }));
    assert_eq!(state_of(&log, "review", 900), ClockState::Met);
}

#[test]
fn the_most_urgent_clock_comes_first() {
    let log = log([record(1, paged("li"))]);
    let clocks = clocks(log.state(), &Policy::built_in(), minutes(16));
    assert_eq!(clocks[0].state, ClockState::Overdue);
    let rank = |c: &Clock| (c.state != ClockState::Overdue, c.state != ClockState::Running);
    assert!(clocks.is_sorted_by_key(rank));
}

#[test]
fn first_the_team_then_the_way_back() {
    let facts = repository();
    assert_eq!(actions(&log([]), &facts, 0)[..4], ["page", "role", "told", "rollback"]);
    let team = assembled([]);
    assert_eq!(actions(&team, &facts, 6)[..2], ["rollback", "suspects"]);
    let decided = Noted { kind: NoteKind::Decision, text: "no rollback, the schema moved on".into() };
    assert_eq!(actions(&assembled([record(6, decided)]), &facts, 7)[0], "suspects");
}

#[test]
fn what_is_overdue_comes_before_the_procedure() {
    let team = assembled([]);
    let next = next(team.state(), &Policy::built_in(), &repository(), minutes(30));
    assert_eq!((next[0].action, next[0].overdue, next[0].due_at), ("told", true, Some(minutes(19))));
    assert!(next[1..].iter().all(|next| !next.overdue));
}

#[test]
fn the_fix_goes_its_way_to_production() {
    let mut facts = repository();
    facts.hotfix_branch = Some("hotfix/pool".into());
    facts.head = Some(HEAD.into());
    let mut log = assembled([]);
    let first = |log: &Log, facts: &Facts| steps(log, facts, 6).remove(0);
    assert_eq!(first(&log, &facts).0, "test", "nobody has counted yet");
    facts.hotfix_commits = Some(0);
    assert_eq!(first(&log, &facts).0, "", "the fix is to be committed, by no command of ours");
    facts.hotfix_commits = Some(1);
    assert_eq!(first(&log, &facts).0, "test");

    let mut minute = 6;
    let mut run = |log: &mut Log, purpose: &str, target: &str, commit: &str, end| {
        minute += 2;
        let id = format!("{purpose}-{target}-{minute}");
        log.insert(record(minute, plan(&id, purpose, target, commit)));
        log.insert(record(minute + 1, ended(&id, end)));
    };
    run(&mut log, "test", "checks", "another commit", PlanEnd::Done);
    assert_eq!(first(&log, &facts).0, "test", "another commit was tested");
    run(&mut log, "test", "checks", HEAD, PlanEnd::Failed);
    assert_eq!(first(&log, &facts).0, "test");
    run(&mut log, "test", "checks", HEAD, PlanEnd::Done);
    assert_eq!(first(&log, &facts), ("deploy", "staging".into()));
    run(&mut log, "deploy", "staging", HEAD, PlanEnd::Done);
    assert_eq!(first(&log, &facts), ("smoke", "staging".into()));
    run(&mut log, "smoke", "staging", HEAD, PlanEnd::Done);
    assert_eq!(first(&log, &facts), ("checklist", "core".into()));
    for (n, item) in [(40, "core"), (41, "data")] {
        let state = CheckState::Passed;
        let ticked = Ticked { item: item.into(), title: String::new(), state, note: String::new() };
        log.insert(record(n, ticked));
    }
    assert_eq!(first(&log, &facts), ("deploy", "production".into()));
    run(&mut log, "deploy", "production", HEAD, PlanEnd::Done);
    assert_eq!(log.state().phase, Phase::Verify);
    assert_eq!(first(&log, &facts).0, "note.finding", "nobody knows yet whether it helped");
    facts.healthy = Some(false);
    assert_eq!(first(&log, &facts), ("phase", "develop".into()));
    facts.healthy = Some(true);
    assert_eq!(actions(&log, &facts, 6)[..3], ["mitigate", "cause", "resolve"]);
    log.insert(record(60, Resolved { after: vec![id(0)], ..Resolved::default() }));
    assert_eq!(actions(&log, &facts, 61), ["told", "cause", "report"]);
    log.insert(record(70, Closed { after: vec![id(60)] }));
    assert!(actions(&log, &facts, 71).is_empty());
}

#[test]
fn nothing_is_asked_for_twice_while_it_runs() {
    let mut facts = repository();
    facts.hotfix_branch = Some("hotfix/pool".into());
    facts.hotfix_commits = Some(1);
    let log = assembled([record(6, plan("t", "test", "checks", HEAD))]);
    let actions = actions(&log, &facts, 7);
    assert!(!actions.contains(&"test") && !actions.contains(&"deploy"), "{actions:?}");
    assert!(!actions.is_empty());
}

#[test]
fn a_lesser_fault_needs_no_hotfix() {
    let lowered =
        record(1, SeverityChanged { severity: Severity::P2, reason: "cosmetic".into(), answers: Vec::new() });
    let log = log([lowered, record(2, role("commander", "maya"))]);
    let actions = actions(&log, &repository(), 3);
    assert!(!actions.contains(&"hotfix.start") && actions.contains(&"resolve"), "{actions:?}");
}

#[test]
fn a_conflict_is_the_first_thing_to_settle() {
    let log = assembled([
        record(6, Resolved { after: vec![id(0)], ..Resolved::default() }),
        record_by("omar", 7, Mitigated { after: vec![id(0)] }),
    ]);
    let next = next(log.state(), &Policy::built_in(), &repository(), minutes(8));
    assert_eq!(next[0].title, "decide: maya says resolved, omar says mitigated");
}

#[test]
fn an_untrusted_configuration_is_looked_at_first() {
    let facts = Facts { untrusted: true, ..repository() };
    assert_eq!(actions(&assembled([]), &facts, 6)[0], "trust");
}

#[test]
fn a_flag_is_quicker_than_a_rollback_that_waits_for_a_reviewer() {
    let run = || "r.0".to_owned();
    let seen = |state, note: &str| PipelineSeen {
        plan: "r".into(),
        step: 0,
        run: run(),
        id: "9001".into(),
        name: "deploy.yml #42".into(),
        url: String::new(),
        commit: String::new(),
        attempt: 1,
        state,
        asks: true,
        note: note.into(),
        ids: Vec::new(),
    };
    let why = "for approval of production by sre";
    let waits = |why: &str| StepWaiting { plan: "r".into(), step: 0, why: why.into() };
    let mut log = assembled([
        record(6, plan("r", "rollback", "production", HEAD)),
        record(7, StepStarted { plan: "r".into(), step: 0, run: run(), process: None, undo: false }),
        record(8, seen(RemoteState::Waiting, why)),
        record(9, waits(why)),
    ]);
    let way_back = |flag: Option<&str>| Facts {
        healthy: Some(false),
        way_back: Some(WayBack { ready: None, flag: flag.map(str::to_owned) }),
        ..repository()
    };
    let titles = |log: &Log, facts: &Facts| {
        let next = next(log.state(), &Policy::built_in(), facts, minutes(10));
        next.into_iter().take(2).map(|next| (next.action, next.title)).collect::<Vec<_>>()
    };
    let quicker = ("rollback", "quicker meanwhile: turn loyalty off, proven ready".to_owned());
    let found = titles(&log, &way_back(Some("turn loyalty off")));
    assert_eq!(found[0], ("plan", "approve production in deploy.yml #42 (sre)".to_owned()));
    assert_eq!(found[1], quicker);
    let afar = Facts { here: 2, ..way_back(None) };
    assert_eq!(
        titles(&log, &afar)[0].1,
        "approve production in deploy.yml #42 (sre) at its host, or on maya's machine",
        "the token of this machine approves nothing"
    );
    let there = Facts { here: 1, ..way_back(None) };
    assert_eq!(titles(&log, &there)[0].1, "approve production in deploy.yml #42 (sre)");
    assert_ne!(titles(&log, &way_back(None))[1].0, "rollback", "there is none");
    let well = Facts { healthy: Some(true), ..way_back(Some("turn loyalty off")) };
    assert_ne!(titles(&log, &well)[1], quicker, "users are served");
    log.insert(record(11, seen(RemoteState::Running, "")));
    log.insert(record(12, waits("")));
    assert!(!titles(&log, &way_back(Some("turn loyalty off"))).contains(&quicker), "it goes on");
}

#[test]
fn a_plan_that_stands_still_is_decided_about_before_all_else() {
    let waits = |why: &str| StepWaiting { plan: "d".into(), step: 0, why: why.into() };
    let begun = [record(6, plan("d", "deploy", "production", HEAD)), record(7, waits("no data from api"))];
    let mut log = assembled(begun);
    let first = |log: &Log| next(log.state(), &Policy::built_in(), &repository(), minutes(500))[0].clone();
    let found = first(&log);
    assert_eq!((found.action, found.argument.as_str()), ("plan", "d"));
    assert_eq!(found.title, "decide: deploy production waits: no data from api");
    log.insert(record(8, waits("")));
    assert_ne!(first(&log).action, "plan", "it waits no longer");
    log.insert(record(9, ended("d", PlanEnd::Unknown)));
    assert_eq!(first(&log).title, "decide: nobody knows what became of deploy production");
    log.insert(record(10, plan("again", "deploy", "production", HEAD)));
    log.insert(record(11, ended("again", PlanEnd::Done)));
    assert_ne!(first(&log).action, "plan", "another deploy came after it");
    assert_eq!(log.state().plan_to_decide().unwrap().id, "d");
    assert_eq!(log.state().plan_to_see().unwrap().id, "again");
}

#[test]
fn what_was_overtaken_is_not_what_a_decision_without_a_name_means() {
    let mut log = assembled([record(6, plan("d", "deploy", "staging", HEAD))]);
    log.insert(record(7, ended("d", PlanEnd::Failed)));
    assert_eq!(log.state().plan_to_decide().unwrap().id, "d");
    log.insert(record(8, plan("again", "deploy", "staging", HEAD)));
    log.insert(record(9, ended("again", PlanEnd::Done)));
    assert!(log.state().plan_to_decide().is_none());
}

fn rolled_back(minute: i64, spec: serde_json::Value) -> [Record; 2] {
    let started = PlanStarted {
        plan: "rollback-production-1".into(),
        title: "roll production back".into(),
        purpose: "rollback".into(),
        target: "production".into(),
        hash: String::new(),
        steps: Vec::new(),
        confirmed: String::new(),
        spec: spec.into(),
    };
    let ended = PlanEnded { plan: "rollback-production-1".into(), end: PlanEnd::Done, why: String::new() };
    [record(minute, started), record(minute + 1, ended)]
}

#[test]
fn no_redeploy_leads_where_a_probe_says_that_somebody_else_is_not_well() {
    let ready = |flag: Option<&str>| {
        Some(WayBack { ready: Some("redeploy v1.2.2".into()), flag: flag.map(str::to_owned) })
    };
    let first = |flag, third_parties: &[&str]| {
        let third_parties = third_parties.iter().map(|&name| name.to_owned()).collect();
        let facts = Facts { way_back: ready(flag), healthy: Some(false), third_parties, ..repository() };
        next(assembled([]).state(), &Policy::built_in(), &facts, minutes(8)).remove(0).title
    };
    assert_eq!(first(Some("turn charge off"), &["pay"]), "mitigate first: turn charge off, proven ready");
    assert_eq!(first(Some("turn charge off"), &[]), "mitigate first: redeploy v1.2.2, proven ready");
    let other = first(None, &["pay"]);
    assert!(!other.contains("proven ready"), "{other}");
}

#[test]
fn first_production_is_put_back_if_there_is_a_way() {
    let ready = WayBack { ready: Some("redeploy v1.2.2".into()), flag: None };
    let facts = Facts { way_back: Some(ready), ..repository() };
    let first = |log: &Log, facts: &Facts| next(log.state(), &Policy::built_in(), facts, minutes(8));
    let put_back = |list: Vec<Next>| {
        list.into_iter().find(|next| matches!(next.action, "rollback" | "mitigate")).expect("it comes first")
    };
    let shown = put_back(first(&assembled([]), &facts));
    assert_eq!(shown.action, "rollback");
    assert!(shown.title.contains("redeploy v1.2.2"), "{}", shown.title);
    let blind = put_back(first(&assembled([]), &repository()));
    assert_eq!(blind.action, "rollback", "without a way the view says what there could be");

    let released = serde_json::json!({ "release": { "environment": "production" } });
    let over = put_back(first(&assembled(rolled_back(6, released)), &facts));
    assert!(over.action == "mitigate" && over.title.starts_with("rolled back"), "{over:?}");
    let pushed = put_back(first(&assembled(rolled_back(6, serde_json::json!({ "way": "revert" }))), &facts));
    assert_eq!(pushed.action, "rollback", "a revert that was pushed is still to be deployed");
}

#[test]
fn a_merge_back_that_is_owed_stays_until_the_incident_is_closed() {
    let owed = MergeOwed {
        commit: "c1".into(),
        tag: "v1.2.4".into(),
        into: "develop".into(),
        why: String::new(),
        plan: String::new(),
    };
    let wanted = ("hotfix.finish", "develop".to_owned());
    let open = assembled([record(10, owed.clone())]);
    assert!(steps(&open, &repository(), 11).contains(&wanted));
    let resolved = assembled([record(10, owed.clone()), record(11, Resolved::default())]);
    assert!(steps(&resolved, &repository(), 12).contains(&wanted));
    let working =
        assembled([record(10, owed), record(11, plan("hotfix-finish-2", "hotfix", "repository", HEAD))]);
    assert!(!steps(&working, &repository(), 12).contains(&wanted), "somebody is at it");
}

#[test]
fn what_nothing_probes_is_looked_at_before_the_watch_from_a_distance_is_over() {
    let watch = |covers: &[&str]| {
        let action = json!({"kind": "watch", "time": "PT24H", "probes": [{"covers": covers}, {}]});
        record(
            60,
            PlanStarted {
                plan: "extended-deploy-production-1".into(),
                title: "extended watch of production for 1d".into(),
                purpose: "extended-watch".into(),
                target: "watch:production".into(),
                hash: String::new(),
                steps: vec!["extended watch".into()],
                confirmed: String::new(),
                spec: Spec::from(json!({"steps": [{"action": action}]})),
            },
        )
    };
    let over = record(50, Resolved { after: Vec::new(), ..Resolved::default() });
    let asked = |more: Vec<Record>, now: i64| {
        let log = assembled([over.clone()].into_iter().chain(more));
        let next = next(log.state(), &Policy::built_in(), &repository(), minutes(now));
        next.into_iter().map(|next| next.title).find(|title| title.contains("yourself"))
    };
    let some = || watch(&["performance", "activity", "tickets"]);
    assert_eq!(asked(vec![some()], 60 + 21 * 60), None, "there is time");
    let title = "look at feature use, security log of production yourself, and write down what you found";
    assert_eq!(asked(vec![some()], 60 + 22 * 60).as_deref(), Some(title));
    let finding = record(60 + 23 * 60, Noted { kind: NoteKind::Finding, text: "all quiet".into() });
    assert_eq!(asked(vec![some(), finding], 60 + 23 * 60 + 1), None, "somebody has looked");
    let all = ["activity", "feature-use", "tickets", "performance", "security-log"];
    assert_eq!(asked(vec![watch(&all)], 60 + 23 * 60), None);
    let (plan, why) = ("extended-deploy-production-1".to_owned(), String::new());
    let done = record(60 + 22 * 60, PlanEnded { plan, end: PlanEnd::Done, why });
    assert_eq!(asked(vec![some(), done], 60 + 23 * 60), None, "it is over");
    assert_eq!(asked(vec![some()], 60 + 25 * 60).as_deref(), Some(title), "it lasts a little longer");
}
