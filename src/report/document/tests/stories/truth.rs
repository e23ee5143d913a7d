//! What a report must not pretend: that it was well when it was not, that somebody knew before they did,
//! that a watch passed where a person vouched.

use super::*;

const DEPLOY: Carried<'_> = Carried {
    id: "deploy-production-1",
    title: "deploy main to production",
    purpose: "deploy",
    target: "production",
    from: "14:20:00",
    to: "14:22:00",
    end: PlanEnd::Failed,
    why: "the watch failed",
};

#[test]
fn what_was_resolved_while_production_failed_says_so_and_praises_no_fix() {
    let mut story = Story::of("Checkout answers 500");
    story.see("14:14:00", "failing", &[("api /health", "status 503, expected 200")]);
    let main = released("main", "v1.2.4", "beef567", false);
    story.carry(&DEPLOY, "maya", Some((main, WatchVerdict::Failed, "status 503")));
    story.at("14:30:00", "maya").tell(Resolved::default());
    let report = story.report();
    let summary = text_under(&report, "Summary");
    assert!(summary.contains("At that time production was failing: api /health (since 14:14)"), "{summary}");
    assert!(summary.contains("v1.2.4 was live in production, and its watch had failed"), "{summary}");
    assert!(!report.contains("the fix was in place"), "{report}");
    assert!(report.contains("| – | not in place when resolved |"), "{report}");
    let badly = items_under(&report, "What could have gone better");
    assert!(
        badly.iter().any(|line| line.starts_with("When it was resolved at 14:30, production")),
        "{badly:?}"
    );

    // Once it is well, the same words say that it was.
    let mut story = Story::of("Checkout answers 500");
    story.see("14:14:00", "failing", &[("api /health", "status 503, expected 200")]);
    story.see("14:20:00", "ok", &[("api /health", "")]);
    story.at("14:30:00", "maya").tell(Resolved::default());
    let report = story.report();
    assert!(!report.contains("At that time"), "{report}");
    assert!(report.contains("On time: it was resolved"), "{report}");
    assert!(
        !report.contains("the fix was in place") && !report.contains("Fix in place"),
        "no fix is on record"
    );
}

#[test]
fn a_second_outage_after_users_were_served_is_told_with_the_first() {
    let mut story = Story::of("Checkout answers 500");
    let alarm = [("api /health", "status 503, expected 200")];
    story.see("14:14:00", "failing", &alarm);
    story.see("14:16:00", "ok", &alarm);
    story.at("14:17:00", "maya").tell(Mitigated::default());
    story.see("14:21:00", "failing", &alarm);
    story.see("14:22:00", "ok", &alarm);
    story.at("14:25:00", "maya").tell(Mitigated::default());
    story.at("14:30:00", "maya").tell(Resolved::default());
    let report = story.report();
    let summary = text_under(&report, "Summary");
    for wanted in [
        "Users were served again at 14:16, 3 minutes after the fault began, when the probes of production recovered (recorded at 14:17).",
        "Production failed again from 14:21 to 14:22. Users were served again once more at 14:22",
    ] {
        assert!(summary.contains(wanted), "{wanted} in\n{summary}");
    }
    assert!(report.contains("; failed again from 14:21 to 14:22"), "{report}");
}

#[test]
fn what_was_recorded_later_is_dated_by_when_that_was_and_vouching_is_no_watch() {
    let mut story = Story::of("Checkout answers 500");
    let two_days_before = "2026-09-19T14:00:00Z".parse().unwrap();
    let live = released("v1.0.0", "v1.0.0", "4f2c91e", false);
    let commit = live.commit.clone();
    story.tell_of(Some((two_days_before, Precision::Exact)), live);
    story.tell(ReleaseJudged {
        environment: "production".into(),
        commit,
        plan: String::new(),
        verdict: WatchVerdict::Passed,
        why: "maya says that it served users well".into(),
    });
    let report = story.report();
    let summary = text_under(&report, "Summary");
    assert!(!summary.contains("v1.0.0"), "what was live before the fault is no change: {summary}");
    let timeline = text_under(&report, "Timeline");
    assert!(timeline.contains("starting on 2026-09-21"), "{timeline}");
    let row = "| [14:14](#release-1) | maya | Recorded that v1.0.0 (4f2c91e) was live in production from 2026-09-19 14:00, and \
               vouched that it served users well |";
    assert!(timeline.contains(row), "{timeline}");
    let rows = rows_under(&report, "Releases");
    assert!(rows[0][5].starts_with("not watched: maya says that it served users well"), "{rows:?}");
    assert!(!report.contains("passed its watch"), "{report}");
}

#[test]
fn alarms_are_gathered_for_one_environment_and_never_across_what_people_did() {
    let mut story = Story { pace: 1, ..Story::of("Checkout answers 500") };
    story.see("14:14:00", "failing", &[("api /health", "500"), ("error rate", "40 % (max 5 %)")]);
    story.at("14:14:10", "maya").tell(Paged { who: "li".into(), how: String::new() });
    story.see("14:14:20", "failing", &[("p95 latency", "900 ms (max 800 ms)"), ("staging api", "503")]);
    let report = story.report();
    let timeline = text_under(&report, "Timeline");
    let seen: Vec<&str> = timeline.lines().filter(|line| line.contains("ailing")).collect();
    assert_eq!(
        seen,
        [
            "| [14:14](#log-2) | – | Production failing: api /health 500, error rate 40 % (max 5 %) |",
            "| [14:14](#log-5) | – | Production failing: p95 latency 900 ms (max 800 ms) |",
            "| [14:14](#log-6) | – | Failing: staging api 503 |",
        ]
    );
}

#[test]
fn a_rollback_that_was_stopped_is_said_to_be() {
    let mut story = Story::of("Checkout answers 500");
    let id = "rollback-production-1";
    story.at("14:20:00", "ines").tell(PlanStarted {
        plan: id.into(),
        title: "roll production back: redeploy v1.2.2".into(),
        purpose: "rollback".into(),
        target: "production".into(),
        hash: String::new(),
        steps: vec!["redeploy v1.2.2".into(), "watch production for 5m".into()],
        confirmed: String::new(),
        spec: serde_json::json!({ "confirm": "production" }).into(),
    });
    for step in 0..2 {
        story.tell(StepStarted {
            plan: id.into(),
            step,
            run: format!("{id}.{step}"),
            process: None,
            undo: false,
        });
        if step == 0 {
            story.tell(Released { plan: id.into(), ..released("v1.2.2", "v1.2.2", "cafe123", true) });
        }
    }
    let report = story.report();
    let running = text_under(&report, "Summary");
    assert!(
        running.contains("ines began to roll production back at 14:20; it is still running.")
            && !running.contains("rolled production back"),
        "{running}"
    );
    story.at("14:21:00", "ines").tell(PlanEnded {
        plan: id.into(),
        end: PlanEnd::Cancelled,
        why: "omar asked for a stop; watch production for 5m was interrupted: omar asked for a stop".into(),
    });
    let report = story.report();
    let stop = "during “watch production for 5m” (omar asked for a stop)";
    let summary = text_under(&report, "Summary");
    assert!(
        summary.contains(&format!("ines rolled production back to v1.2.2 at 14:20; it was stopped {stop}.")),
        "{summary}"
    );
    let timeline = text_under(&report, "Timeline");
    assert!(
        timeline.contains("Rolled production back to v1.2.2 (cafe123); **stopped after 1m"),
        "{timeline}"
    );
    let badly = items_under(&report, "What could have gone better");
    assert!(
        badly
            .iter()
            .any(|line| line.starts_with("The rollback of production, begun at 14:20, was stopped during")),
        "{badly:?}"
    );
}

#[test]
fn what_is_due_at_once_is_due_from_when_the_severity_was_raised_to_that() {
    let paged_at = |time: &str| {
        let mut story = Story { pace: 1, ..Story::of("Gift cards 503") };
        let changed =
            |severity| SeverityChanged { severity, reason: "better known".into(), answers: Vec::new() };
        story.at("14:15:00", "maya").tell(changed(Severity::P1));
        story.at("14:17:00", "maya").tell(changed(Severity::P0));
        story.at(time, "maya").tell(Paged { who: "li".into(), how: String::new() });
        let report = story.report();
        let rows = rows_under(&report, "Response times");
        assert!(!rows.is_empty());
        let row = report.lines().find(|line| line.starts_with("| On-call paged")).unwrap();
        row.to_owned()
    };
    assert!(paged_at("14:21:30").ends_with("| on time |"), "{}", paged_at("14:21:30"));
    assert!(paged_at("14:22:30").ends_with("| 30s late |"), "{}", paged_at("14:22:30"));
}

#[test]
fn a_drill_is_marked_and_an_outage_is_not() {
    let mut story = Story::of("Checkout answers 500");
    assert!(!story.report().contains("drill"));
    story.drill = true;
    let report = story.report();
    assert!(report.starts_with("# Drill INC-2026-0007: Checkout answers 500\n"), "{report}");
    assert!(report.contains("**This was a drill**"), "{report}");
}

#[test]
fn an_update_and_a_version_read_as_plain_english() {
    let mut story = Story::of("Checkout answers 500");
    story.tell(Told { audience: "update".into(), by: String::new(), how: "status page".into() });
    story.tell(Told { audience: "update".into(), by: "omar".into(), how: String::new() });
    let bump = Carried {
        id: "bump-1",
        title: "bump the version on hotfix/x to 1.2.4",
        purpose: "hotfix",
        target: "repository",
        end: PlanEnd::Done,
        why: "",
        ..DEPLOY
    };
    story.carry(&bump, "maya", None);
    story.at("14:30:00", "maya").tell(Mitigated::default());
    let report = story.report();
    let timeline = text_under(&report, "Timeline");
    for words in [
        "| maya | Sent stakeholders an update (status page) |",
        "| omar sent stakeholders an update |",
        "Bumped the version on hotfix/x to 1.2.4",
    ] {
        assert!(timeline.contains(words), "`{words}` in {timeline}");
    }
    let log = rows_under(&report, "Log");
    assert!(log.iter().any(|row| row[2] == "Mitigated"), "{log:?}");
}

#[test]
fn a_deploy_lists_its_commits_with_the_releases_and_a_refused_rollback_says_why() {
    let mut story = Story::of("Checkout answers 500");
    let commits: Vec<_> =
        (0..8).map(|n| (format!("a91c2f{n}"), format!("change {n}"), "li".to_owned())).collect();
    let notes = crate::incident::brought_notes("production", &commits, 9);
    let started = |plan: &str, purpose: &str| PlanStarted {
        plan: plan.into(),
        title: format!("{purpose} production"),
        purpose: purpose.into(),
        target: "production".into(),
        hash: String::new(),
        steps: vec![purpose.into()],
        confirmed: String::new(),
        spec: serde_json::json!({ "confirm": "production", "notes": notes }).into(),
    };
    story.at("14:20:00", "maya").tell(started("deploy-production-1", "deploy"));
    let main = released("main", "v1.2.4", "beef567", false);
    story.tell(Released { plan: "deploy-production-1".into(), ..main });
    story.tell(PlanEnded { plan: "deploy-production-1".into(), end: PlanEnd::Done, why: String::new() });
    let plan = "rollback-production-1".to_owned();
    story.at("14:30:00", "maya").tell(started(&plan, "rollback"));
    let run = "rollback-production-1.0".to_owned();
    story.tell(StepStarted { plan: plan.clone(), step: 0, run: run.clone(), process: None, undo: false });
    story.tell(StepEnded {
        plan: plan.clone(),
        step: 0,
        run,
        outcome: Outcome::Exited { code: 1 },
        summary: "v1.2.3 reads schema 1, and the database has schema 2.".into(),
        survivors: Vec::new(),
        unproven: false,
        tail: Vec::new(),
    });
    story.tell(PlanEnded { plan, end: PlanEnd::Failed, why: "redeploy v1.2.3 exited 1".into() });
    let report = story.report();
    let summary = text_under(&report, "Summary");
    assert!(
        summary.contains("deployed v1.2.4 to production at 14:20.") && !summary.contains("a91c2f"),
        "{summary}"
    );
    let listed = "v1.2.4 brought to production: a91c2f0 change 0 (li), a91c2f1 change 1 (li), ";
    assert!(report.contains(listed) && report.contains("a91c2f7 change 7 (li) and 1 more."), "{report}");
    let why = "maya tried to roll production back at 14:30, and it failed: redeploy v1.2.3 exited 1: v1.2.3 reads schema 1";
    assert!(summary.contains(why), "{summary}");
    let timeline = text_under(&report, "Timeline");
    assert!(
        timeline.contains("exited 1: v1.2.3 reads schema 1") && !timeline.contains("change 3"),
        "{timeline}"
    );
}
