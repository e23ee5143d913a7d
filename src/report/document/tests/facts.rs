//! What a reader looks for first: which release it was, until when users felt it, who was there.

use super::*;
use crate::incident::{Approved, GatePassedOver, LiveFound, Mitigated, SignalKept, SignalsKept};

fn at(time: &str) -> Timestamp {
    format!("2026-09-21T{time}Z").parse().unwrap()
}

fn story() -> Story {
    let mut story = Story { records: Vec::new(), author: "maya".into(), clock: 0, pace: 1, drill: false };
    story.at("13:40:00", "maya");
    story.tell_of(Some((at("13:38:00"), Precision::Exact)), declared("Checkout answers 500"));
    story
}

fn alarm(probe: &str, from: &str, to: &str) -> Alarm {
    Alarm { probe: probe.into(), from: from.into(), to: to.into(), why: "40 % (max 5 %)".into() }
}

/// A rollback to v1.4.1 that is live at a time, and whose watch passes at another.
fn rolled_back(story: &mut Story, live: &str, passed: &str, spec: serde_json::Value) {
    let plan = "rollback-production-1".to_owned();
    story.at(live, "maya").tell(PlanStarted {
        plan: plan.clone(),
        title: "roll production back: redeploy v1.4.1 (264c097)".into(),
        purpose: "rollback".into(),
        target: "production".into(),
        hash: String::new(),
        steps: vec!["redeploy v1.4.1".into(), "watch production for 12s".into()],
        confirmed: "production".into(),
        spec: spec.into(),
    });
    let commit = "264c097".repeat(6);
    story.tell(Released {
        environment: "production".into(),
        reference: "v1.4.1".into(),
        commit: commit.clone(),
        tag: Some("v1.4.1".into()),
        version: None,
        plan: plan.clone(),
        rollback: true,
        replaces: Some("0badc0d".repeat(6)),
    });
    story.at(passed, "maya").tell(ReleaseJudged {
        environment: "production".into(),
        commit,
        plan: plan.clone(),
        verdict: WatchVerdict::Passed,
        why: "2 of 2 signals clear for 12s".into(),
    });
    story.tell(PlanEnded { plan, end: PlanEnd::Done, why: String::new() });
}

fn found_there() -> serde_json::Value {
    serde_json::json!({
        "confirm": "production",
        "predecessor": {
            "name": "v1.4.2", "commit": "0badc0d".repeat(6), "since": "2026-09-21T13:32:00Z", "by": "Jonas Brandt",
        },
    })
}

#[test]
fn the_release_that_was_live_is_named_with_when_it_went_live_and_blames_nobody() {
    let mut story = story();
    rolled_back(&mut story, "13:49:00", "13:49:12", found_there());
    let report = story.report();
    let fact = "Live when it began: v1.4.2 (0badc0d), since 13:32 UTC; rolled back to v1.4.1 \
                at 13:49";
    assert!(report.contains(fact), "{report}");
    let summary = text_under(&report, "Summary");
    for wanted in [
        "v1.4.2 (0badc0d) had gone live in production at 13:32, 6 minutes before.",
        "maya rolled production back from v1.4.2 to v1.4.1 at 13:49",
    ] {
        assert!(summary.contains(wanted), "{wanted} in {summary}");
    }
    let timeline = text_under(&report, "Timeline");
    let first = timeline.lines().nth(4).unwrap();
    assert_eq!(first, "| 13:32 | Jonas Brandt | v1.4.2 (0badc0d) went live in production |", "{timeline}");
    // The review begins with the same.
    let policy = Policy::built_in();
    let checklist = &policy.checklist;
    let setting = Setting { policy: &policy, checklist, probes: &[], drill: false };
    let agenda = crate::report::agenda(&story.state(), setting);
    assert!(agenda.contains(&format!("- {fact}\n")), "{agenda}");
    assert!(timeline.contains("Rolled production back from v1.4.2 to v1.4.1 (264c097)"), "{timeline}");
}

#[test]
fn of_what_was_live_no_more_is_said_than_is_on_record() {
    let mut story = story();
    assert!(story.report().contains("Live when it began: not on record"));
    // A rollback of before knows no more than the commit.
    let mut old = story.records.clone();
    rolled_back(&mut story, "13:49:00", "13:49:12", serde_json::json!({ "confirm": "production" }));
    let report = story.report();
    let fact = "Live when it began: 0badc0d, since when is not on record; rolled back to v1.4.1 at 13:49";
    assert!(report.contains(fact), "{report}");
    assert!(!text_under(&report, "Summary").contains("live"), "{report}");
    // What somebody only said to be live was deployed by nobody knows whom.
    story.records = std::mem::take(&mut old);
    let live = Released {
        environment: "production".into(),
        reference: "v1.4.2".into(),
        commit: "0badc0d".repeat(6),
        tag: Some("v1.4.2".into()),
        version: None,
        plan: String::new(),
        rollback: false,
        replaces: None,
    };
    story.at("13:45:00", "omar").tell_of(Some((at("13:32:00"), Precision::Exact)), live);
    let report = story.report();
    assert!(report.contains("Live when it began: v1.4.2 (0badc0d), since 13:32 UTC\\\n"), "{report}");
}

#[test]
fn what_production_told_of_that_time_is_named_where_nothing_was_deployed() {
    let mut story = story();
    let (name, commit, by) = ("v1.4.2".into(), "0badc0d".repeat(6), "Jonas Brandt".into());
    let since = Some(at("13:32:00"));
    story.at("13:41:00", "maya").tell(LiveFound {
        environment: "production".into(),
        name,
        commit,
        since,
        by,
    });
    let report = story.report();
    let fact = "Live when it began: v1.4.2 (0badc0d), since 13:32 UTC\\\n";
    assert!(report.contains(fact), "{report}");
    // Somebody else who found it out later changes nothing.
    let (name, commit) = ("v1.4.1".into(), "264c097".repeat(6));
    story.tell(LiveFound { environment: "production".into(), name, commit, since: None, by: String::new() });
    assert_eq!(story.report().matches("Live when it began: v1.4.2").count(), 1);
}

#[test]
fn users_were_affected_until_that_was_measured_and_not_until_somebody_pressed_a_key() {
    let fact = |story: &Story| {
        let report = story.report();
        report.lines().find(|line| line.starts_with("Users affected")).unwrap_or_default().to_owned()
    };
    let mut seen = story();
    seen.at("13:41:00", "maya").tell(alarm("error rate", "ok", "failing"));
    rolled_back(&mut seen, "13:49:00", "13:52:12", found_there());
    let mut watched = story();
    rolled_back(&mut watched, "13:49:00", "13:52:12", found_there());
    seen.at("13:49:30", "maya").tell(alarm("error rate", "failing", "ok"));
    let mut given = story();
    for story in [&mut seen, &mut watched] {
        story.at("14:05:00", "maya").tell(Mitigated::default());
    }
    given.at("14:05:00", "maya");
    given.tell_of(Some((at("13:51:00"), Precision::Exact)), Mitigated::default());
    let mut pressed = story();
    pressed.at("14:05:00", "maya").tell(Mitigated::default());
    for (story, wanted) in [
        (&seen, "13:38–13:49 UTC (11m30s), until the probes of production recovered; recorded at 14:05\\"),
        (&watched, "13:38–13:52 UTC (14m12s), until the watch of v1.4.1 passed; recorded at 14:05\\"),
        (&given, "13:38–13:51 UTC (13m), by the time that was given for it\\"),
        (&pressed, "13:38–14:05 UTC (27m), when it was recorded: nothing measured it\\"),
    ] {
        assert_eq!(fact(story), format!("Users affected: {wanted}"));
    }
    assert!(seen.report().contains("| mitigate | 11m30s |"), "{}", seen.report());
    // What was changed after it recovered says that it had not.
    let mut again = story();
    again.at("13:41:00", "maya").tell(alarm("error rate", "ok", "failing"));
    again.tell(alarm("error rate", "failing", "ok"));
    rolled_back(&mut again, "13:49:00", "13:52:12", found_there());
    again.at("14:05:00", "maya").tell(Mitigated::default());
    assert!(fact(&again).contains("13:38–13:52 UTC"), "{}", fact(&again));
}

#[test]
fn everybody_is_named_once_with_every_role_they_had() {
    let mut story = story();
    let role = |role: &str, person: &str| RoleTaken { role: role.into(), person: person.into() };
    story.at("13:41:00", "maya").tell(role("commander", "maya"));
    story.tell(role("on-call", "li"));
    story.tell(role("lead", "@omar"));
    story.at("15:40:00", "Li <li@payments.example>").tell(role("commander", "Li"));
    story.tell(Noted { kind: NoteKind::Note, text: "x".into() });
    story.at("15:41:00", "Omar").tell(Approved {
        plan: None,
        hash: String::new(),
        role: "on-call-manager".into(),
        by: "Omar".into(),
        verbal: false,
        how: String::new(),
        title: String::new(),
    });
    let report = story.report();
    let people = report.lines().find(|line| line.starts_with("People: ")).unwrap();
    assert_eq!(
        people,
        "People: Li (incident commander, on-call engineer), Omar (engineering lead, approved as on-call manager), \
         maya (incident commander until 15:40)"
    );
}

#[test]
fn spellings_of_one_person_are_one_person_where_the_record_can_tell() {
    let people = |names: &[&str]| {
        let mut story = story();
        for name in names {
            story.at("13:41:00", name).tell(Noted { kind: NoteKind::Note, text: "x".into() });
        }
        let report = story.report();
        report.lines().find_map(|line| line.strip_prefix("People: maya, ")).unwrap_or_default().to_owned()
    };
    for names in [
        &["li", "Li Wei <li@pay.example>", "Li"] as &[&str],
        &["Li Wei <li@pay.example>", "Li <li@pay.example>", "@li", "li wei"],
        &["li", "Li <li.wei@pay.example>", "Li Wei <li.wei@pay.example>"],
    ] {
        assert_eq!(people(names), "Li Wei", "{names:?}");
    }
    // Nothing tells whose name that is.
    assert_eq!(people(&["li", "Li Wei"]), "Li Wei, li");
    assert_eq!(
        people(&["li", "Li Na <li@shop.example>", "Li Wei <li@pay.example>"]),
        "Li Na, Li Wei, li",
        "two write from such an address"
    );
}

#[test]
fn nobody_is_named_with_an_address_by_the_account() {
    let mut story = story();
    let role = |person: &str| RoleTaken { role: "commander".into(), person: person.into() };
    story.at("13:41:00", "Li <li@pay.example>").tell(role("li"));
    story.tell(role("Li <li@pay.example>"));
    rolled_back(&mut story, "13:49:00", "13:52:12", found_there());
    story.at("14:05:00", "Li <li@pay.example>").tell(Mitigated::default());
    let report = story.report();
    let (account, _) = report.split_once("## Appendix").unwrap();
    assert!(!account.contains("li@pay") && !account.contains("then Li"), "{account}");
}

#[test]
fn that_it_ended_without_a_fix_is_in_the_summary_and_still_to_do() {
    let mut story = story();
    rolled_back(&mut story, "13:49:00", "13:52:12", found_there());
    story.at("14:05:00", "maya").tell(Resolved::default());
    let report = story.report();
    assert!(report.contains("Production stays on v1.4.1: the fault is not fixed yet."), "{report}");
    let wanted = "- [ ] Ship the fix: production is back on v1.4.1, and no fix has followed";
    assert!(report.contains(wanted), "{report}");
}

#[test]
fn what_was_over_within_a_minute_has_one_time() {
    let mut served = story();
    served.at("13:38:05", "maya").tell(alarm("payment provider", "ok", "warn"));
    served.at("13:38:25", "maya").tell(alarm("payment provider", "warn", "ok"));
    served.at("14:05:00", "maya");
    served.tell_of(Some((at("13:38:40"), Precision::Exact)), Mitigated::default());
    let mut over = story();
    over.at("14:05:00", "maya");
    over.tell_of(Some((at("13:38:50"), Precision::Exact)), Resolved::default());
    for (story, wanted) in [
        (&served, "Users affected: at 13:38 UTC ("),
        (&served, "Payment provider was degraded at 13:38 for 20s."),
        (&over, ", at 13:38 UTC ("),
    ] {
        let report = story.report();
        assert!(report.contains(wanted), "{wanted}: {report}");
        assert!(!report.contains("13:38–13:38"), "{report}");
    }
}

#[test]
fn what_was_done_reads_as_sentences_and_gates_of_one_plan_are_one_line() {
    let mut story = story();
    let plan = "deploy-production-1".to_owned();
    story.at("13:50:00", "maya").tell(PlanStarted {
        plan: plan.clone(),
        title: "deploy main to production, canary 10 → 50 → 100 %".into(),
        purpose: "deploy".into(),
        target: "production".into(),
        hash: "h".into(),
        steps: vec!["deploy main to production".into()],
        confirmed: "production".into(),
        spec: serde_json::json!({
            "confirm": "production", "label": { "tag": "v1.4.3" }, "approved": { "release": { "reference": "main" } },
        })
        .into(),
    });
    for (gate, missing) in [("checklist", "8 of 8 open"), ("approvals", "engineering lead: not given")] {
        story.tell(GatePassedOver {
            plan: plan.clone(),
            hash: "h".into(),
            gate: gate.into(),
            missing: missing.into(),
            reason: "everybody on the call agrees".into(),
        });
    }
    story.tell(StepStarted { plan: plan.clone(), step: 0, run: "d.0".into(), process: None, undo: false });
    story.tell(StepEnded {
        plan: plan.clone(),
        step: 0,
        run: "d.0".into(),
        outcome: Outcome::Exited { code: 1 },
        summary: "the image is not there".into(),
        survivors: Vec::new(),
        unproven: false,
        tail: Vec::new(),
    });
    let why = "deploy main to production exited 1".to_owned();
    story.tell(PlanEnded { plan: plan.clone(), end: PlanEnd::Failed, why });
    story.tell(PlanStarted {
        plan: "finish-1".into(),
        title: "finish hotfix/no-card (git flow): v1.4.3".into(),
        purpose: "hotfix".into(),
        target: "repository".into(),
        hash: String::new(),
        steps: vec!["merge".into()],
        confirmed: "main".into(),
        spec: serde_json::json!({ "confirm": "main" }).into(),
    });
    story.at("13:52:00", "maya");
    story.tell(PlanEnded { plan: "finish-1".into(), end: PlanEnd::Done, why: String::new() });
    let report = story.report();
    let done = text_under(&report, "Resolution");
    assert!(
        done.contains(
            "1. maya tried to deploy v1.4.3 to production at 13:50, and it failed: the image is not there."
        ),
        "{done}"
    );
    assert!(
        done.contains("2. maya merged hotfix/no-card into main and tagged it v1.4.3 at 13:52."),
        "{done}"
    );
    let badly = items_under(&report, "What could have gone better");
    let overridden = "2 gates were overridden: checklist (8 of 8 open), approvals (engineering lead: not given). That was \
                      for the deploy of v1.4.3 to production at 13:50. Reason: Everybody on the call agrees.";
    assert!(badly.iter().any(|line| line == overridden), "{badly:?}");
    let failed = "The deploy of v1.4.3 to production, begun at 13:50, failed: the image is not there.";
    assert!(badly.iter().any(|line| line == failed), "{badly:?}");
}

#[test]
fn what_is_still_open_at_the_end_is_a_line_each() {
    let mut story = story();
    let open = vec!["on-call not paged".to_owned(), "8 checklist items open".to_owned()];
    let reason = "it is over".to_owned();
    story.at("14:10:00", "maya").tell(Resolved { after: Vec::new(), open, reason });
    let report = story.report();
    let done = text_under(&report, "Resolution");
    let wanted = "maya resolved it at 14:10 with this still open. Reason: It is over.\n\n- on-call not paged\n- 8 \
                  checklist items open";
    assert!(done.contains(wanted), "{done}");
}

#[test]
fn the_worst_figures_of_production_are_a_sentence() {
    let mut story = story();
    let signal =
        |probe: &str, limit: &str, threshold: f64, lowest: f64, highest: f64, unit: &str| SignalKept {
            probe: probe.into(),
            unit: unit.into(),
            limit: limit.into(),
            threshold: Some(threshold),
            lowest,
            highest,
            last: lowest,
            values: vec![Some(lowest), Some(highest)],
        };
    story.tell(SignalsKept {
        from: at("13:38:00"),
        step: 60,
        signals: vec![
            signal("staging errors", "> 5", 5.0, 0.0, 100.0, "%"),
            signal("db connections", "> 95", 95.0, 20.0, 64.0, ""),
            signal("p95 latency", "> 800", 800.0, 100.0, 1500.0, "ms"),
            signal("orders paid", "< 200", 200.0, 143.0, 240.0, "/min"),
            signal("error rate", "> 5", 5.0, 0.0, 40.0, "%"),
        ],
    });
    let report = story.report();
    let impact = text_under(&report, "Impact");
    let wanted = "At worst: error rate 40 % (max 5 %), p95 latency 1500 ms (max 800 ms) and orders paid 143 /min (min \
                  200 /min).";
    assert!(impact.contains(wanted), "{impact}");
}

#[test]
fn that_a_probe_saw_it_before_anybody_declared_it_is_told() {
    let mut story = story();
    story.at("13:39:00", "maya").tell(alarm("error rate", "ok", "failing"));
    let detect = rows_under(&story.report(), "Response times")[0].join(" ");
    assert_eq!(detect, "detect 2m 13:38 fault began → 13:40 declared; first alarm at 13:39");
}

#[test]
fn who_declared_it_is_named_before_those_who_only_approved() {
    let mut story = story();
    let approval = serde_json::json!({ "role": "lead", "by": "Omar" });
    story.at("13:41:00", "Omar").tell(serde_json::from_value::<Approved>(approval).unwrap());
    assert!(
        story.report().contains("\nPeople: maya, Omar (approved as engineering lead)\n"),
        "{}",
        story.report()
    );
}

#[test]
fn a_third_party_that_was_degraded_is_told_of_and_so_is_what_is_still_off() {
    let mut story = story();
    story.at("13:39:00", "maya").tell(alarm("payment provider", "ok", "warn"));
    story.at("13:40:30", "maya").tell(alarm("error rate", "ok", "failing"));
    let plan = "flag-1".to_owned();
    story.at("13:44:00", "maya").tell(PlanStarted {
        plan: plan.clone(),
        title: "turn charge-at-once off".into(),
        purpose: "flag".into(),
        target: "flag:charge-at-once".into(),
        hash: String::new(),
        steps: vec!["turn charge-at-once off".into()],
        confirmed: String::new(),
        spec: serde_json::json!({}).into(),
    });
    story.tell(PlanEnded { plan, end: PlanEnd::Done, why: String::new() });
    assert!(story.report().contains("Payment provider has been degraded since 13:39."));
    story.at("13:48:00", "maya").tell(alarm("payment provider", "warn", "ok"));
    let report = story.report();
    assert!(report.contains("Payment provider was degraded from 13:39 until 13:48."), "{report}");
    assert!(report.contains("What to watch for: payment provider and error rate."), "{report}");
    let left = items_under(&report, "Still to do");
    assert!(left.iter().any(|item| item.contains("Turn charge-at-once on again")), "{left:?}");
}
