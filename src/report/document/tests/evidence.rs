//! Signals as they were kept, links to where the evidence is, and the same bytes whatever the order.

use super::stories::outage;
use super::*;
use crate::incident::{
    FollowUpAdded, HandoffOffered, Mitigated, Proposed, SignalKept, SignalsKept, TaskEnded, TaskGiven,
};

fn kept(probe: &str, values: &[Option<f64>]) -> SignalsKept {
    let seen = || values.iter().flatten().copied();
    SignalsKept {
        from: "2026-09-21T14:13:20Z".parse().unwrap(),
        step: 60,
        signals: vec![SignalKept {
            probe: probe.into(),
            unit: "%".into(),
            limit: "> 5".into(),
            threshold: Some(5.0),
            lowest: seen().fold(f64::INFINITY, f64::min),
            highest: seen().fold(f64::NEG_INFINITY, f64::max),
            last: seen().next_back().unwrap(),
            values: values.to_vec(),
        }],
    }
}

#[test]
fn signals_are_drawn_with_their_limit_and_with_what_was_done() {
    let mut story = Story::of("Checkout answers 500");
    assert!(!story.report().contains("## Signals"));
    story.clock = 6 * 60_000;
    story.tell(Mitigated::default());
    let values = [Some(0.5), Some(0.5), None, Some(20.0), Some(40.0), Some(40.0), Some(0.0), Some(0.5)];
    story.tell(kept("error ```rate", &values));
    let report = story.report();
    // The bars are for whoever looks closer; the account has the worst figures.
    let (account, appendix) = report.split_once("\n## Appendix").unwrap();
    assert!(!account.contains("```"), "{account}");
    let drawn = appendix.split_once("### Signals\n\n").unwrap().1.split("\n### ").next().unwrap().trim_end();
    assert_eq!(
        drawn,
        "```text\nerror '''rate: 0 to 40 %, at the end 0.5 %; max 5 %, above it 14:16–14:19\n▁▁ ▅██▁▁\n\n      m\n\
         14:13 14:21\n```\n\n- m: users were served again.",
        "{drawn}"
    );
}

#[test]
fn commits_and_tags_lead_to_a_code_host_that_is_known_and_times_to_the_record() {
    let mut story =
        Story { records: Vec::new(), author: "maya".into(), clock: 0, pace: 60_000, drill: false };
    let repository_id =
        RepositoryId { root_commit: String::new(), remotes: vec!["github.com/shop/api".into()] };
    story.tell(Declared { repository_id, ..declared("Checkout answers 500") });
    let commit = format!("{:0<40}", "77b0d13");
    story.tell(Released {
        environment: "production".into(),
        reference: "main".into(),
        commit: commit.clone(),
        tag: Some("v1.4.3".into()),
        version: None,
        plan: String::new(),
        rollback: false,
        replaces: None,
    });
    let report = story.report();
    let there = format!("](https://github.com/shop/api/commit/{commit})");
    assert!(text_under(&report, "Timeline").contains(&there), "{report}");
    assert!(report.contains("[v1.4.3](https://github.com/shop/api/tree/v1.4.3)"), "{report}");
    assert!(!outage().report().contains("https://"), "no remote is on record");
}

#[test]
fn every_link_inside_the_report_leads_to_something() {
    let report = outage().report();
    let targets: Vec<&str> = report.split("](#").skip(1).filter_map(|rest| rest.split(')').next()).collect();
    assert!(
        targets.iter().any(|id| id.starts_with("plan-")) && targets.iter().any(|id| id.starts_with("log-"))
    );
    for id in targets {
        assert!(report.contains(&format!("<a id=\"{id}\"></a>")), "{id}");
    }
    let page = crate::report::html(&report);
    assert!(page.contains("<a id=\"plan-1\"></a>") && page.contains("<a href=\"#plan-1\">"), "{page}");
}

#[test]
fn the_order_in_which_records_came_makes_no_difference() {
    let mut story = outage();
    story.tell(kept("error rate", &[Some(0.5), Some(40.0)]));
    let report = story.report();
    let mut reversed = Story { records: story.records.iter().rev().cloned().collect(), ..story };
    assert_eq!(reversed.report_at(reversed.state().latest), report);
    reversed.records.rotate_left(7);
    assert_eq!(reversed.report_at(reversed.state().latest), report);
    assert_eq!(crate::report::html(&report), crate::report::html(&report));
}

#[test]
fn what_people_owe_each_other_is_still_to_do_and_late_tasks_are_named() {
    let mut story = Story::of("x");
    let until = |minutes| story_time(minutes);
    story.at("15:00:00", "maya");
    let pool = story.tell(TaskGiven { text: "check the pool".into(), owner: "omar".into(), until: until(5) });
    story.tell(TaskGiven { text: "read the logs".into(), owner: "li".into(), until: until(10) });
    story.tell(Proposed { text: "turn the flag off".into(), until: until(5) });
    story.tell(HandoffOffered { role: "commander".into(), to: "Zoë".into(), brief: String::new() });
    story.at("15:12:00", "omar");
    story.tell(TaskEnded { task: pool, done: true, result: "it is fine".into() });
    let report = story.report();
    let open = items_under(&report, "Still to do");
    for wanted in [
        "Hear from li what came of a task: read the logs (back by 15:10)",
        "Decide what was proposed: turn the flag off (by maya at 15:00)",
        "Answer to a handoff: maya offered Zoë command at 15:00",
    ] {
        assert!(open.contains(&wanted.to_owned()), "{wanted} in {open:#?}");
    }
    assert!(!open.iter().any(|line| line.contains("check the pool")), "{open:#?}");
    let badly = items_under(&report, "What could have gone better");
    assert!(badly.contains(&"A task ended 7m late: check the pool (omar).".to_owned()), "{badly:#?}");
    let silent = "It is not on record what came of a task: read the logs (li, back by 15:10).";
    assert!(badly.contains(&silent.to_owned()), "{badly:#?}");
    // Whose it was is said, as they write it.
    let timeline = text_under(&report, "Timeline");
    assert!(timeline.contains("omar: check the pool, done: it is fine"), "{timeline}");
}

#[test]
fn what_was_odd_and_is_taken_up_is_listed_once() {
    let mut story = Story::of("x");
    let odd = story.tell(Noted { kind: NoteKind::Problem, text: "the runbook is out of date".into() });
    let policy = Policy::built_in();
    let listed = |story: &Story| {
        let all = followups::gather(&story.state(), &policy, &[], &[], story.end());
        all.iter().filter(|line| line.contains("unbook is out of date")).count()
    };
    assert_eq!(listed(&story), 1);
    let text = "the runbook is out of date".to_owned();
    story.tell(FollowUpAdded { text, owner: "li".into(), due: None, of: Some(odd) });
    assert_eq!(listed(&story), 1);
}

/// So many minutes after three.
fn story_time(minutes: i64) -> Timestamp {
    let three: Timestamp = "2026-09-21T15:00:00Z".parse().unwrap();
    three + jiff::SignedDuration::from_mins(minutes)
}
