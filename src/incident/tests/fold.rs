//! What each record does to the state.

use super::*;

fn lines(state: &State) -> Vec<&str> {
    state.timeline.iter().map(|entry| entry.text).collect()
}

#[test]
fn without_a_declaration_there_is_no_incident() {
    assert!(Log::new(vec![record(1, note("a"))]).is_none());
    assert!(Log::new(Vec::new()).is_none());
}

#[test]
fn marks_reach_their_target() {
    let log = log([
        record(1, note("a")),
        record(2, note("b")),
        record(3, Amended { target: id(1), text: "A".into() }),
        record(4, Retracted { target: id(2), reason: "wrong".into() }),
        record(5, Pinned { target: id(1), pinned: true }),
    ]);
    let lines: Vec<_> = log.state().timeline.iter().collect();
    let [_, a, b] = lines[..] else { panic!("three lines") };
    assert_eq!((a.text, a.original, a.pinned), ("A", Some("a"), true));
    assert_eq!((b.text, b.retracted), ("b", Some("wrong")));
}

#[test]
fn what_another_log_lacks_is_named_the_newest_first() {
    let records = || {
        let pinned = Pinned { target: id(1), pinned: true };
        vec![declared(), record(1, note("a")), record(2, note("b")), record(3, pinned)]
    };
    let newer = || [records(), vec![record(4, note("c"))]].concat();
    let said = |(count, newest): (usize, Vec<Missing<'_>>)| {
        let newest: Vec<_> =
            newest.iter().map(|missing| format!("{} {}", missing.name, missing.text)).collect();
        (count, newest.join(", "))
    };
    let [kept, short] = [newer(), records()[..2].to_vec()].map(|records| Log::new(records).unwrap());
    assert_eq!(said(kept.missing_in(&short, 2)), (3, "note c, pin ".to_owned()));
    assert_eq!(said(short.missing_in(&kept, 2)), (0, String::new()));
    // Of what is not kept, the lines are known.
    let [long, cut] = [newer(), records()].map(|records| streamed(&records).unwrap());
    assert_eq!(said(long.missing_in(&short, 9)), (2, "note c, note b".to_owned()));
    assert_eq!(said(long.missing_in(&cut, 9)), (1, "note c".to_owned()));
}

#[test]
fn a_mark_may_come_before_its_target() {
    let mut log = log([record(1, Retracted { target: id(2), reason: "wrong".into() })]);
    log.insert(record(2, role("commander", "maya")));
    assert!(log.state().roles.is_empty());
    assert_eq!(line(log.state(), 1).retracted, Some("wrong"));
}

#[test]
fn what_is_taken_back_has_no_effect_any_more() {
    let mut log = log([
        record(1, SeverityChanged { severity: Severity::P2, reason: "slip".into(), answers: Vec::new() }),
        record(2, told("stakeholders")),
    ]);
    assert_eq!(log.state().severity, Severity::P2);
    log.insert(record(3, Retracted { target: id(1), reason: "slip".into() }));
    log.insert(record(4, Retracted { target: id(2), reason: "nobody was there".into() }));
    assert_eq!(log.state().severity, Severity::P0);
    assert!(log.state().told.is_empty());
    log.insert(record(5, Retracted { target: id(4), reason: "they were".into() }));
    assert_eq!(log.state().told.len(), 1, "a retraction can be taken back itself");
}

#[test]
fn a_corrected_text_counts() {
    let log = log([
        record(1, ImpactDescribed { text: "all".into() }),
        record(2, Amended { target: id(1), text: "EU only".into() }),
        record(3, Amended { target: id(0), text: "Checkout fails".into() }),
    ]);
    assert_eq!(log.state().impact, "EU only");
    assert_eq!(log.state().title, "Checkout fails");
    assert_eq!(lines(log.state()), ["declared P0: Checkout fails", "impact: EU only"]);
}

#[test]
fn the_timeline_is_ordered_by_what_happened_when() {
    let mut late = record(9, note("seen long before"));
    late.occurred_at = minutes(-30);
    let log = log([record(1, note("a")), late]);
    assert_eq!(lines(log.state()), ["seen long before", "declared P0: Checkout answers 500", "a"]);
    assert_eq!(line(log.state(), 0).recorded_at, minutes(9));
}

#[test]
fn a_declaration_says_since_when() {
    let mut first = declared();
    first.occurred_at = minutes(-30);
    let log = Log::new(vec![first]).unwrap();
    assert_eq!(
        lines(log.state()),
        ["declared P0, failing since 13:30 UTC (30m before): Checkout answers 500"]
    );
    assert_eq!(log.state().started_at, minutes(-30));
    assert_eq!(log.state().declared_at, start());
    assert_eq!(log.state().elapsed(minutes(10)), SignedDuration::from_mins(40));
}

#[test]
fn times_far_away_do_no_harm() {
    for far in [Timestamp::MIN, Timestamp::MAX] {
        let mut first = declared();
        first.occurred_at = far;
        let mut told = record(1, told("update"));
        told.occurred_at = far;
        let log = Log::new(vec![first, told, record(2, Resolved::default())]).unwrap();
        assert!(log.state().elapsed(minutes(1)) >= SignedDuration::ZERO);
        let policy = Policy::built_in();
        for now in [Timestamp::MIN, minutes(1), Timestamp::MAX] {
            assert!(!clocks(log.state(), &policy, now).is_empty());
            assert!(!next(log.state(), &policy, &Facts::default(), now).is_empty());
        }
    }
}

#[test]
fn phases_follow_what_is_done_and_never_go_back_by_themselves() {
    let mut log = log([]);
    let mut phase_after = |n, body: Body| {
        log.insert(record(n, body));
        log.state().phase
    };
    assert_eq!(phase_after(1, paged("li").into()), Phase::Assemble);
    assert_eq!(phase_after(2, role("commander", "maya").into()), Phase::Respond);
    assert_eq!(phase_after(3, plan("h", "hotfix", "repository", "c").into()), Phase::Develop);
    assert_eq!(phase_after(4, plan("s", "deploy", "staging", "c").into()), Phase::Deploy);
    assert_eq!(phase_after(5, ended("s", PlanEnd::Done).into()), Phase::Deploy);
    assert_eq!(phase_after(6, plan("p", "deploy", "production", "c").into()), Phase::Deploy);
    assert_eq!(phase_after(7, ended("p", PlanEnd::Done).into()), Phase::Verify);
    assert_eq!(phase_after(8, paged("omar").into()), Phase::Verify);
    assert_eq!(phase_after(9, PhaseEntered { phase: Phase::Develop }.into()), Phase::Develop);
    assert_eq!(log.state().phases.last(), Some(&(Phase::Develop, minutes(9))));
}

#[test]
fn decisions_made_on_each_other_do_not_conflict() {
    let log = log([
        record(1, Mitigated { after: vec![id(0)] }),
        record(2, Resolved { after: vec![id(1)], ..Resolved::default() }),
        record(3, Reopened { reason: "back".into(), after: vec![id(2)] }),
    ]);
    let state = log.state();
    assert!(!state.in_conflict());
    assert_eq!((state.status, state.resolved_at, state.mitigated_at), (Status::Open, None, None));
    let then = as_of(&log, minutes(2)).unwrap();
    assert_eq!((then.status, then.resolved_at), (Status::Resolved, Some(minutes(2))));
    assert_eq!(then.mitigated_at, Some(minutes(1)));
}

#[test]
fn contradicting_decisions_are_both_kept_until_somebody_settles_them() {
    let mut log = log([
        record(1, Resolved { after: vec![id(0)], ..Resolved::default() }),
        record_by("omar", 2, Closed { after: vec![id(1)] }),
        record_by("li", 3, Reopened { reason: "still failing".into(), after: vec![id(1)] }),
    ]);
    assert!(log.state().in_conflict());
    assert_eq!(log.state().status, Status::Open, "nobody should think it over");
    let said: Vec<_> = log.state().heads.iter().map(|head| (head.by.as_str(), head.status)).collect();
    assert_eq!(said, [("omar", Status::Closed), ("li", Status::Open)]);
    log.insert(record(4, Resolved { after: vec![id(2), id(3)], ..Resolved::default() }));
    assert!(!log.state().in_conflict());
    assert_eq!((log.state().status, log.state().resolved_at), (Status::Resolved, Some(minutes(4))));
}

#[test]
fn only_the_past_is_seen_in_the_past() {
    let log = log([record(5, note("later"))]);
    assert!(as_of(&log, minutes(-1)).is_none());
    assert_eq!(as_of(&log, minutes(4)).unwrap().records, 1);
    assert_eq!(as_of(&log, minutes(60)).as_ref(), Some(log.state()));
}

#[test]
fn a_run_tells_how_it_went() {
    let process = Process { host: "h".into(), pid: 1, started: 2, boot: "b".into() };
    let started =
        |process| StepStarted { plan: "t".into(), step: 0, run: "t.0".into(), process, undo: false };
    let log = log([
        record(1, plan("t", "test", "checks", "c")),
        record(2, started(None)),
        record(3, started(Some(process.clone()))),
        record_by("omar", 4, StopAsked { run: "t.0".into(), kill: false }),
        record(5, Signalled { run: "t.0".into(), signal: "INT".into() }),
        record(
            6,
            StepEnded {
                plan: "t".into(),
                step: 0,
                run: "t.0".into(),
                outcome: Outcome::Signalled { signal: 2 },
                summary: "interrupted".into(),
                survivors: Vec::new(),
                unproven: false,
                tail: Vec::new(),
            },
        ),
        record(7, ended("t", PlanEnd::Cancelled)),
    ]);
    let (plan, run) = log.state().run("t.0").unwrap();
    assert_eq!(plan.state, PlanState::Ended(PlanEnd::Cancelled));
    assert_eq!((run.started_at, run.ended_at), (minutes(2), Some(minutes(6))));
    assert_eq!(run.process.as_ref(), Some(&process));
    assert_eq!(run.stop_asked, Some((minutes(4), "omar".into())));
    assert_eq!(run.signals, [(minutes(5), "INT".into())]);
    assert_eq!(run.state_name(), "signalled");
    assert_eq!(
        lines(log.state())[1..],
        [
            "test checks",
            "asked to stop test",
            "INT sent to test",
            "test checks stopped: killed by signal 2: interrupted"
        ]
    );
}

#[test]
fn steps_that_fit_no_plan_are_passed_over() {
    let stray = |plan: &str, step| StepEnded {
        plan: plan.into(),
        step,
        run: "x".into(),
        outcome: Outcome::Unknown { why: "lost at reboot".into() },
        summary: String::new(),
        survivors: Vec::new(),
        unproven: false,
        tail: Vec::new(),
    };
    let log = log([
        record(1, stray("nowhere", 0)),
        record(2, plan("t", "test", "checks", "c")),
        record(3, stray("t", usize::MAX)),
    ]);
    assert_eq!(log.state().plans.len(), 1);
    assert!(log.state().plans[0].steps[0].run.is_none());
    assert!(lines(log.state()).contains(&"x: outcome unknown: lost at reboot"));
}

#[test]
fn unknown_kinds_are_counted_and_shown() {
    let unknown = Body::Unknown(Unknown { kind: "teleported".into(), raw: "{}".into() });
    let log = log([record(1, unknown)]);
    assert_eq!((log.state().unknown, log.state().records), (1, 2));
    assert!(lines(log.state())[1].contains("“teleported”"));
    assert_eq!(line(log.state(), 1).name, "teleported");
}

#[test]
fn the_timeline_says_what_was_decided_about_a_plan_and_what_came_of_it() {
    let started =
        PlanStarted { steps: vec!["switch".into(), "tidy".into()], ..plan("d", "deploy", "live", "c") };
    let begun =
        |run: &str, undo| StepStarted { plan: "d".into(), step: 0, run: run.into(), process: None, undo };
    let over = |run: &str, code| StepEnded {
        plan: "d".into(),
        step: 0,
        run: run.into(),
        outcome: Outcome::Exited { code },
        summary: String::new(),
        survivors: Vec::new(),
        unproven: false,
        tail: Vec::new(),
    };
    let asked = |decision| PlanAsked { plan: "d".into(), step: 0, run: None, decision };
    let skipped = StepSkipped { plan: "d".into(), step: 1, by: "maya".into(), reason: "by hand".into() };
    let log = log([
        record(1, started),
        record(2, begun("d.0", false)),
        record(3, over("d.0", 2)),
        record(4, StepWaiting { plan: "d".into(), step: 0, why: "exit code 2".into() }),
        record(5, asked(Decision::Retry)),
        record(6, begun("d.0.1", false)),
        record(7, over("d.0.1", 0)),
        record(8, Proved { plan: "d".into(), step: 0, proof: Proof::Done, why: "green".into(), undo: false }),
        record(9, skipped),
        record(10, asked(Decision::Undo { to: 0 })),
        record(11, begun("d.0.u1", true)),
        record(12, over("d.0.u1", 0)),
    ]);
    let lines: Vec<&str> = log.state().timeline.iter().skip(1).map(|entry| entry.text).collect();
    assert_eq!(
        lines,
        [
            "deploy live",
            "switch: exit code 2",
            "switch waits: exit code 2",
            "deploy live: retry switch",
            "switch: done, proven",
            "tidy skipped: by hand",
            "deploy live: undo back to switch",
            "undoing switch: done",
        ]
    );
}

#[test]
fn a_step_is_done_when_it_is_proven_and_undone_when_that_is() {
    let plan = || "t".to_owned();
    let ended = |run: &str, code| StepEnded {
        plan: plan(),
        step: 0,
        run: run.to_owned(),
        outcome: Outcome::Exited { code },
        summary: String::new(),
        survivors: Vec::new(),
        unproven: true,
        tail: Vec::new(),
    };
    let began =
        |run: &str, undo| StepStarted { plan: plan(), step: 0, run: run.to_owned(), process: None, undo };
    let proved = |proof, undo| Proved { plan: plan(), step: 0, proof, why: String::new(), undo };
    let started = PlanStarted {
        plan: plan(),
        title: String::new(),
        purpose: "deploy".to_owned(),
        target: "staging".to_owned(),
        hash: String::new(),
        steps: vec!["one".to_owned()],
        confirmed: String::new(),
        spec: Spec::default(),
    };
    let bodies: [(Body, StepState); 8] = [
        (began("t.0", false).into(), StepState::Running),
        (ended("t.0", 0).into(), StepState::Running),
        (proved(Proof::Done, false).into(), StepState::Done),
        (began("t.0.u1", true).into(), StepState::Running),
        (ended("t.0.u1", 0).into(), StepState::Running),
        (proved(Proof::Unknown, true).into(), StepState::Unknown),
        (proved(Proof::Done, true).into(), StepState::Undone),
        (began("t.0.1", false).into(), StepState::Running),
    ];
    let mut log = log([record(1, started)]);
    for (at, (body, wanted)) in (2..).zip(bodies) {
        let what = format!("{body:?}");
        log.insert(record(at, body));
        assert_eq!(log.state().plans[0].steps[0].state(), wanted, "{what}");
    }
    let step = &log.state().plans[0].steps[0];
    assert_eq!((step.earlier.len(), step.proof.is_none(), step.undo_proof.is_none()), (2, true, true));
}

#[test]
fn a_plan_waits_as_long_as_one_of_its_steps_does() {
    let started = PlanStarted {
        plan: "t".to_owned(),
        title: String::new(),
        purpose: "deploy".to_owned(),
        target: "staging".to_owned(),
        hash: String::new(),
        steps: vec!["one".to_owned()],
        confirmed: String::new(),
        spec: Spec::default(),
    };
    let waiting = |why: &str| StepWaiting { plan: "t".to_owned(), step: 0, why: why.to_owned() };
    let began =
        StepStarted { plan: "t".to_owned(), step: 0, run: "t.0".to_owned(), process: None, undo: false };
    let mut log = log([record(1, started), record(2, waiting("for a person"))]);
    assert_eq!(log.state().plans[0].state, PlanState::Waiting);
    log.insert(record(3, began));
    assert_eq!(log.state().plans[0].state, PlanState::Running, "nobody needs to say that it goes on");
}

#[test]
fn a_merge_back_is_owed_until_it_is_there_whichever_is_known_first() {
    let owed = |into: &str| MergeOwed {
        commit: "c1".into(),
        tag: "v1.2.4".into(),
        into: into.into(),
        why: "conflicts in src/pool.rs".into(),
        plan: "hotfix-finish-1".into(),
    };
    let paid = |into: &str| MergePaid {
        commit: "c1".into(),
        tag: "v1.2.4".into(),
        into: into.into(),
        why: "pushed".into(),
        plan: "hotfix-finish-2".into(),
    };
    let titles = |log: &Log| log.state().merges_owed().map(MergeBack::title).collect::<Vec<_>>();

    let records = [record(1, owed("develop")), record(2, owed("release/1.3"))];
    let left = log(records.clone());
    assert_eq!(titles(&left), ["merge v1.2.4 back into develop", "merge v1.2.4 back into release/1.3"]);
    assert_eq!(
        lines(left.state())[1],
        "v1.2.4 is still to be merged back into develop: conflicts in src/pool.rs"
    );
    let one = log(records.clone().into_iter().chain([record(3, paid("develop"))]));
    assert_eq!(titles(&one), ["merge v1.2.4 back into release/1.3"]);
    assert_eq!(lines(one.state())[3], "develop has v1.2.4: pushed");

    let early = log([record(1, paid("develop")), record(2, owed("develop")), record(3, owed("develop"))]);
    assert_eq!(titles(&early), Vec::<String>::new(), "what is there is not owed");
    let target = record(1, owed("develop"));
    let back = Retracted { target: target.id, reason: "no next release".into() };
    assert_eq!(titles(&log([target, record(2, back)])), Vec::<String>::new());
}

#[test]
fn going_back_is_a_response_and_a_branch_for_the_next_fix_is_developing() {
    let of = |records: Vec<Record>| {
        let log = log(records);
        (log.state().phase, log.state().phases.iter().map(|(phase, _)| *phase).collect::<Vec<_>>())
    };
    let back = vec![record(5, plan("rollback-1", "rollback", "production", "a"))];
    assert_eq!(of(back.clone()).0, Phase::Respond);
    let start = |minute, id: &str| record(minute, plan(id, "hotfix", "repository", "a"));
    let first = back.into_iter().chain([start(10, "hotfix-pool-1")]);
    assert_eq!(of(first.clone().collect()).0, Phase::Develop);
    let failed = first
        .chain([record(20, plan("d", "deploy", "production", "b")), record(21, ended("d", PlanEnd::Failed))]);
    assert_eq!(of(failed.clone().collect()).0, Phase::Deploy);
    let back = failed.chain([record(25, plan("rollback-2", "rollback", "production", "a"))]);
    assert_eq!(of(back.clone().collect()).0, Phase::Deploy, "it is no further for it");
    let pushed = back.clone().chain([start(27, "push-1"), start(28, "finish-1")]);
    assert_eq!(of(pushed.collect()).0, Phase::Deploy, "what belongs to the fix that is there");
    let next = of(back.chain([start(30, "hotfix-pool-2")]).collect());
    assert_eq!(next.0, Phase::Develop);
    assert_eq!(next.1[next.1.len() - 3..], [Phase::Develop, Phase::Deploy, Phase::Develop]);
}

#[test]
fn a_rollback_whose_watch_was_stopped_has_rolled_back_all_the_same() {
    let back = plan("rollback-1", "rollback", "production", "a");
    let live = Released {
        environment: "production".into(),
        reference: "v1".into(),
        commit: "a".into(),
        tag: None,
        version: None,
        plan: "rollback-1".into(),
        rollback: true,
        replaces: None,
    };
    let facts = Facts { environments: vec![("production".into(), true)], ..Facts::default() };
    let said = |records: Vec<Record>| {
        let log = log(records);
        against(Claim::Phase(Phase::Verify), log.state(), &Policy::built_in(), &facts, minutes(20)).join("; ")
    };
    let stopped = record(9, ended("rollback-1", PlanEnd::Cancelled));
    let nothing = said(vec![record(5, back.clone()), stopped.clone()]);
    assert!(nothing.contains("nothing was deployed"), "{nothing}");
    let is_live = said(vec![record(5, back), record(7, live), stopped]);
    assert!(!is_live.contains("nothing was deployed"), "{is_live}");
}

#[test]
fn a_plan_that_is_done_ends_in_a_sentence_and_not_in_what_its_command_printed() {
    let ran = |action: serde_json::Value, purpose: &str, outcome: Outcome| {
        let mut started = plan("p", purpose, "staging", "a");
        started.spec = serde_json::json!({ "steps": [{ "action": action }] }).into();
        let ended = StepEnded {
            plan: "p".into(),
            step: 0,
            run: "p.0".into(),
            outcome,
            summary: "pushed 4f2c91e".into(),
            survivors: Vec::new(),
            unproven: false,
            tail: Vec::new(),
        };
        let began = StepStarted { plan: "p".into(), step: 0, run: "p.0".into(), process: None, undo: false };
        let end = PlanEnded { plan: "p".into(), end: PlanEnd::Done, why: String::new() };
        let log = log([record(1, started), record(2, began), record(3, ended), record(4, end)]);
        log.state().timeline.iter().next_back().unwrap().text.to_owned()
    };
    let exited = || Outcome::Exited { code: 0 };
    let command = || serde_json::json!({ "argv": ["./deploy.sh"] });
    assert_eq!(ran(command(), "deploy", exited()), "deployed staging in 3m");
    assert_eq!(ran(command(), "flag", Outcome::Met), "flag staging done in 3m");
    // What was to be found out is worth the row.
    assert_eq!(ran(command(), "bisect", exited()), "bisect staging done in 3m: pushed 4f2c91e");
    let watch = serde_json::json!({ "probes": [] });
    assert_eq!(ran(watch, "watch", Outcome::Met), "watched staging in 3m: pushed 4f2c91e");
}

#[test]
fn of_checks_that_ran_the_output_of_the_one_that_failed_is_shown() {
    let mut both = plan("t", "test", "checks", "a");
    both.steps = vec!["unit".into(), "lint".into()];
    let run = |step: usize| format!("t.{step}");
    let began = |step| StepStarted { plan: "t".into(), step, run: run(step), process: None, undo: false };
    let ended = |step, code| StepEnded {
        plan: "t".into(),
        step,
        run: run(step),
        outcome: Outcome::Exited { code },
        summary: String::new(),
        survivors: Vec::new(),
        unproven: false,
        tail: Vec::new(),
    };
    let ran = |codes: [i32; 2], end| {
        let end = PlanEnded { plan: "t".into(), end, why: String::new() };
        let log = log([
            record(1, both.clone()),
            record(2, began(0)),
            record(3, ended(0, codes[0])),
            record(4, began(1)),
            record(5, ended(1, codes[1])),
            record(6, end),
        ]);
        log.state().run_to_see().unwrap().id.clone()
    };
    assert_eq!(ran([1, 0], PlanEnd::Failed), run(0));
    assert_eq!(ran([0, 1], PlanEnd::Failed), run(1));
    assert_eq!(ran([0, 0], PlanEnd::Done), run(1));
}

#[test]
fn neither_silence_nor_an_error_takes_back_that_a_probe_failed() {
    let alarm = |n, to: &str| {
        let body = Alarm { probe: "errors".into(), from: String::new(), to: to.into(), why: String::new() };
        record(n, body)
    };
    let known = |changes: &[&str]| {
        let changes = changes.iter().zip(1..).map(|(to, n)| alarm(n, to));
        let log = log(std::iter::once(declared()).chain(changes));
        let alarm = log.state().alarms["errors"].clone();
        (alarm.firing, alarm.wrong, alarm.fired)
    };
    let wrong = |state: &str| Some(state.to_owned());
    assert_eq!(known(&["failing", "unknown"]), (true, wrong("failing"), true));
    assert_eq!(known(&["failing", "error", "unknown"]), (true, wrong("error"), true));
    assert_eq!(known(&["flapping", "suppressed"]), (true, wrong("flapping"), true));
    assert_eq!(known(&["failing", "unknown", "ok"]), (false, None, true));
    assert_eq!(known(&["failing", "warn", "unknown"]), (false, wrong("warn"), true));
    assert_eq!(known(&["error", "unknown"]), (false, wrong("error"), true));
    assert_eq!(known(&["warn", "ok", "unknown"]), (false, None, false));
}

#[test]
fn a_probe_named_like_a_state_is_read_as_what_it_turned_to() {
    let alarm = |n, probe: &str, to: &str, why: &str| {
        record(n, Alarm { probe: probe.into(), from: "ok".into(), to: to.into(), why: why.into() })
    };
    let taken_back = Retracted { target: id(4), reason: "our test".into() };
    let log = log([
        declared(),
        alarm(2, "disk warn: full", "failing", "97 % (max 95 %): nearly full"),
        alarm(3, "latency", "warn", "700 ms (max 800 ms)"),
        alarm(4, "errors", "failing", ""),
        alarm(5, "disk warn: full", "recovering", ""),
        alarm(6, "disk warn: full", "ok", ""),
        record(7, taken_back),
    ]);
    let state = log.state();
    let turns: Vec<_> = state.turns.iter().map(|turn| (&*turn.probe, turn.to, turn.is_retracted)).collect();
    let expected = [
        ("disk warn: full", Turned::Failing, false),
        ("latency", Turned::Warning, false),
        ("errors", Turned::Failing, true),
        ("disk warn: full", Turned::Good, false),
    ];
    assert_eq!(turns, expected);
    let why = |n| {
        let line = state.timeline.find(id(n)).unwrap();
        state.turn(line.id, line.place).unwrap().why(&line)
    };
    assert_eq!((why(2), why(4)), ("97 % (max 95 %): nearly full", ""));
    // What was taken back, and what is only near its limit, is no outage.
    let outages = state.outages(|_| true);
    assert_eq!(outages.len(), 1, "{outages:?}");
    assert_eq!((outages[0].from, outages[0].until), (turns_at(state, 0), Some(turns_at(state, 3))));
}

fn turns_at(state: &State, index: usize) -> Timestamp {
    state.turns[index].at
}
