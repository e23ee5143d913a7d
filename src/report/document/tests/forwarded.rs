//! What people read who were not there: states in words, how something is known, and nothing about the program.

use super::*;
use crate::incident::{Approved, Mitigated, SignalKept, SignalsKept};

fn at(time: &str) -> Timestamp {
    format!("2026-09-21T{time}Z").parse().unwrap()
}

fn story() -> Story {
    let mut story = Story { records: Vec::new(), author: "maya".into(), clock: 0, pace: 1, drill: false };
    story.at("13:40:00", "maya");
    story.tell_of(Some((at("13:38:00"), Precision::Exact)), declared("Checkout answers 500"));
    story
}

fn alarm(probe: &str, to: &str, why: &str) -> Alarm {
    Alarm { probe: probe.into(), from: "ok".into(), to: to.into(), why: why.into() }
}

/// Columns of a minute from 13:36 on.
fn kept(probe: &str, limit: Option<f64>, values: &[f64]) -> SignalKept {
    SignalKept {
        probe: probe.into(),
        unit: if limit.is_some() { "%" } else { "ms" }.into(),
        limit: limit.map_or_else(String::new, |limit| format!("> {limit}")),
        threshold: limit,
        lowest: values.iter().copied().fold(f64::INFINITY, f64::min),
        highest: values.iter().copied().fold(f64::NEG_INFINITY, f64::max),
        last: *values.last().unwrap(),
        values: values.iter().copied().map(Some).collect(),
    }
}

fn keeps(signals: Vec<SignalKept>) -> SignalsKept {
    SignalsKept { from: at("13:36:00"), step: 60, signals }
}

#[test]
fn a_probe_whose_values_do_not_show_how_it_was_is_drawn_by_its_states() {
    let mut story = story();
    story.at("13:39:10", "maya").tell(alarm("payment provider", "warn", "says Partially Degraded Service"));
    story.at("13:40:20", "maya").tell(alarm("api /health", "failing", "status 503, expected 200"));
    story.at("13:41:20", "maya").tell(alarm("api /health", "ok", ""));
    story.at("13:42:00", "maya").tell(alarm("db connections", "warn", "86 (warning: max 80)"));
    story.at("13:44:00", "maya").tell(alarm("payment provider", "ok", ""));
    let slow = [2.0, 2.0, 2.0, 511.0, 2.0, 3.0, 2.0, 2.0, 9.0];
    let signals = vec![
        kept("payment provider", None, &slow),
        kept("api /health", None, &slow),
        kept("db connections", Some(95.0), &[26.0, 26.0, 26.0, 26.0, 26.0, 30.0, 86.0, 86.0, 30.0]),
        kept("p95 latency", Some(95.0), &[26.0, 26.0, 26.0, 26.0, 26.0, 30.0, 96.0, 30.0, 30.0]),
    ];
    story.at("13:45:00", "maya").tell(keeps(signals));
    let report = story.report();
    let drawn = report.split_once("### Signals\n\n```text\n").unwrap().1;
    let wanted = "payment provider: degraded 13:39–13:44\n▁▁▁▅▅▅▅▅▁\n\n\
                  api /health: status 503 13:40–13:41\n▁▁▁▁██▁▁▁\n\n\
                  db connections: 26 to 86 %, at the end 30 %; max 95 %\n";
    assert!(drawn.starts_with(wanted), "{drawn}");
}

#[test]
fn a_third_party_is_told_of_as_people_would() {
    let mut story = story();
    story.at("13:39:10", "maya").tell(alarm("payment provider", "warn", "says Partially Degraded Service"));
    story.at("13:44:00", "maya").tell(alarm("payment provider", "ok", ""));
    story.at("13:46:00", "maya").tell(alarm("payment provider", "failing", "status 503, expected 200"));
    story.at("13:48:00", "maya").tell(alarm("payment provider", "unknown", "no data: timed out after 5s"));
    let report = story.report();
    let told: Vec<&str> = report.lines().filter(|line| line.contains(" | Payment provider ")).collect();
    let said: Vec<&str> =
        told.iter().filter_map(|line| line.trim_end_matches(" |").rsplit(" | ").next()).collect();
    let wanted = [
        "Payment provider says Partially Degraded Service",
        "Payment provider recovered",
        "Payment provider failing: status 503, expected 200",
        "Payment provider without data (timed out after 5s)",
    ];
    assert_eq!(said, wanted, "{report}");
    assert!(!report.contains("Third party"), "{report}");
}

#[test]
fn a_state_that_goes_on_and_one_that_was_over_at_once_say_so() {
    let mut story = story();
    story.at("13:41:10", "maya").tell(alarm("api /health", "failing", "status 503, expected 200"));
    story.at("13:41:30", "maya").tell(alarm("api /health", "ok", ""));
    story.at("13:43:00", "maya").tell(alarm("api /health", "failing", "status 502, expected 200"));
    story.at("13:44:00", "maya").tell(keeps(vec![kept("api /health", None, &[2.0; 8])]));
    let report = story.report();
    let wanted = "\napi /health: status 503 at 13:41 for 20s, status 502 from 13:43 on\n";
    assert!(report.contains(wanted), "{report}");
}

#[test]
fn the_first_alarm_is_told_with_what_a_curve_shows_before_it() {
    let mut story = story();
    story.at("13:39:30", "maya").tell(alarm("error rate", "failing", "40 % (max 5 %)"));
    let detect = |story: &Story| rows_under(&story.report(), "Response times")[0].join(" ");
    assert!(detect(&story).ends_with("; first alarm at 13:39"), "{}", detect(&story));
    let errors = [0.4, 0.4, 38.0, 40.0, 40.0];
    story.at("13:41:00", "maya").tell(keeps(vec![kept("error rate", Some(5.0), &errors)]));
    let wanted = "first alarm at 13:39; error rate was above its limit from 13:38";
    assert!(detect(&story).ends_with(&format!("; {wanted}")), "{}", detect(&story));
    let ahead = text_under(&story.report(), "Prevention").to_owned();
    assert!(ahead.ends_with(&format!("What to watch for: error rate. This time: {wanted}.")), "{ahead}");
}

#[test]
fn an_approval_that_somebody_else_wrote_down_says_so_in_the_timeline() {
    let mut story = story();
    let mut approved = |by: &str, verbal: bool| {
        story.at("13:41:00", "Maya").tell(Approved {
            role: "lead".into(),
            by: by.into(),
            verbal,
            how: "on the call".into(),
            plan: None,
            hash: String::new(),
            title: "deploy main to production, canary 10 → 50 → 100 %".into(),
        });
    };
    approved("omar", true);
    approved("Maya", false);
    let report = story.report();
    let timeline = text_under(&report, "Timeline");
    let wanted =
        "| Maya | omar approved as engineering lead, verbally (recorded by Maya): deploy main to production;";
    assert!(timeline.contains(wanted), "{timeline}");
    assert!(
        timeline.contains("| Maya | Approved as engineering lead: deploy main to production;"),
        "{timeline}"
    );
    assert!(!report.contains("Omar"), "one spelling: {report}");
}

#[test]
fn items_that_were_ticked_in_one_go_are_nothing_that_went_well() {
    let ticked = |apart: i64| {
        let mut story = story();
        story.at("13:41:00", "maya").pace = apart;
        for item in Policy::built_in().checklist {
            story.tell(Ticked {
                item: item.id,
                title: item.title,
                state: CheckState::Passed,
                note: String::new(),
            });
        }
        story.report()
    };
    let claim = "All 8 checklist items passed.";
    let looked_at = ticked(30_000);
    assert!(looked_at.contains(claim) && !looked_at.contains("ticked within"), "{looked_at}");
    let report = ticked(400);
    assert!(!report.contains(claim), "{report}");
    let timeline = text_under(&report, "Timeline");
    assert!(timeline.contains("6 more (ticked within 2 seconds) |"), "{timeline}");
}

#[test]
fn nobody_is_told_how_the_program_is_used_nor_what_samples_were() {
    let mut story = story();
    let plan = "deploy-1".to_owned();
    story.at("13:41:00", "maya").tell(PlanStarted {
        plan: plan.clone(),
        title: "deploy v1.4.1 to production".into(),
        purpose: "deploy".into(),
        target: "production".into(),
        hash: String::new(),
        steps: Vec::new(),
        confirmed: String::new(),
        spec: serde_json::json!({}).into(),
    });
    story.tell(Released {
        environment: "production".into(),
        reference: "v1.4.1".into(),
        commit: "264c097".repeat(6),
        tag: Some("v1.4.1".into()),
        version: None,
        plan: plan.clone(),
        rollback: false,
        replaces: None,
    });
    story.tell(ReleaseJudged {
        environment: "production".into(),
        commit: "264c097".repeat(6),
        plan: plan.clone(),
        verdict: WatchVerdict::Passed,
        why: "healthy for 12s: error rate 0.4 %, as usual · error rate 0.4 % (was 40, usually 0.4 ± 0) · 0 of 8 samples \
              failed (< 38 %) · coverage 100 % · not known: traffic"
            .into(),
    });
    story.tell(PlanEnded { plan, end: PlanEnd::Done, why: String::new() });
    story.tell(Resolved::default());
    let report = story.report();
    assert!(report.contains("✓ passed: healthy for 12s: error rate 0.4 %, as usual"), "{report}");
    for words in ["flightdeck", "press ", "samples", "±", "not known: traffic"] {
        assert!(!report.contains(words), "{words} in {report}");
    }
}

#[test]
fn what_fails_before_production_when_it_is_over_is_left_to_do() {
    let mut story = story();
    story.at("13:39:10", "maya").tell(alarm("staging errors", "failing", "40 % (max 5 %)"));
    let left = |story: &Story| items_under(&story.report(), "Still to do").join("\n");
    let wanted = "Mend staging: it has been failing since 13:39 (staging errors)";
    story.at("13:50:00", "maya").tell(Resolved::default());
    assert!(left(&story).contains(wanted), "{}", left(&story));
    story.at("13:55:00", "maya").tell(alarm("staging errors", "ok", ""));
    assert!(!left(&story).contains("staging"), "{}", left(&story));
}

#[test]
fn that_nothing_was_changed_is_said_once() {
    let mut story = story();
    let served = story.at("13:50:00", "maya").tell(Mitigated::default());
    let (after, open) = (vec![served], Vec::new());
    story.tell(Resolved { after, open, reason: "restarted the session store".into() });
    let report = story.report();
    let wanted = "No change is on record.\n\nUsers were served again at 13:50.\n\nmaya resolved it at 13:50. Reason: \
                  Restarted the session store.";
    assert_eq!(text_under(&report, "Resolution").replace('\\', ""), wanted);
    assert!(items_under(&report, "Still to be written").contains(&"What ended it".to_owned()), "{report}");
}

#[test]
fn what_a_plan_did_is_told_also_where_its_lines_were_once_taken_back() {
    let mut story = story();
    let plan = "flag-1".to_owned();
    let began = story.at("13:41:00", "maya").tell(PlanStarted {
        plan: plan.clone(),
        title: "turn loyalty off".into(),
        purpose: "flag".into(),
        target: "flag:loyalty".into(),
        hash: String::new(),
        steps: Vec::new(),
        confirmed: String::new(),
        spec: serde_json::json!({}).into(),
    });
    let ended = story.tell(PlanEnded { plan, end: PlanEnd::Done, why: String::new() });
    for target in [began, ended] {
        story.tell(Retracted { target, reason: "x".into() });
    }
    let report = story.report();
    assert!(text_under(&report, "Timeline").contains("Turned loyalty off"), "{report}");
}
