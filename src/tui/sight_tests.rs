//! What has to be in sight where a decision is made: whole times, what is typed, what production is going
//! through, the keys of a window, and what stands in the way of a plan.

use std::sync::Arc;

use ratatui::layout::Rect;

use super::testing::*;
use super::tests::{plan, with};
use super::theme::{Role, Theme};
use crate::cockpit::edit::LineEdit;
use crate::cockpit::model::Model;
use crate::cockpit::msg::{Item, KeyPress};
use crate::cockpit::overlay::{Act, Confirm, Decide, Field, Menu, Overlay, Preview, Rollback, Scroll};
use crate::cockpit::ways::Looked;
use crate::cockpit::{Command, Key, Msg, Pane, update};
use crate::config::types::Environment;
use crate::deploy::rollback::{Kind, Ready, Way};
use crate::health::series::{State, Verdict};
use crate::incident::{ClockState, Decision, PlanStarted, Resolved, StepStarted, StepWaiting, share_title};
use crate::plan::Plan;
use crate::plan::gates::{Met, Standing};
use crate::plan::progress::Choice;

const SMALL: [(u16, u16); 2] = [(80, 24), (40, 12)];

fn drawn(model: &mut Model, (columns, rows): (u16, u16)) -> String {
    model.size = (columns, rows);
    text(&settled(model, &Theme::default(), columns, rows))
}

/// A cockpit whose production a canary is being brought to: it has half of the users.
fn canary() -> Model {
    let mut scribe = records();
    let title = share_title(50);
    scribe.write(
        "maya",
        at("15:16:00"),
        PlanStarted {
            plan: "deploy-production-1".into(),
            title: "deploy v1.4.3 to production".into(),
            purpose: "deploy".into(),
            target: "production".into(),
            hash: "0".repeat(64),
            steps: vec![title, "hold at 50 % for 8s".into()],
            confirmed: "typed production".into(),
            spec: crate::incident::Spec::default(),
        },
    );
    let plan = "deploy-production-1".to_owned();
    let started = StepStarted { plan, step: 0, run: "r.0".into(), process: None, undo: false };
    scribe.write("maya", at("15:16:10"), started);
    cockpit(scribe)
}

#[test]
fn a_time_in_the_header_is_never_cut() {
    for width in (40..=120).step_by(3) {
        for height in [12, 24, 36] {
            let mut model = incident();
            model.drill = true;
            let shown = drawn(&mut model, (width, height));
            for line in shown.lines().take(if height < 24 { 6 } else { 3 }) {
                let chars: Vec<char> = line.chars().collect();
                let cut = chars.windows(2).any(|pair| pair[0].is_ascii_digit() && pair[1] == '…');
                assert!(!cut, "{width}×{height}: {line}");
            }
        }
    }
}

#[test]
fn no_clock_is_left_out_of_the_header_in_silence() {
    for width in (80..=200).step_by(7) {
        let mut model = incident();
        let running = |model: &Model| {
            let is_open = |state| matches!(state, ClockState::Running | ClockState::Overdue);
            model.derived.clocks.iter().filter(|clock| is_open(clock.state) && clock.id != "phase").count()
        };
        let shown = drawn(&mut model, (width, 36));
        let line = shown.lines().find(|line| line.contains("overdue")).unwrap_or_else(|| panic!("{shown}"));
        let named = ["stakeholders", "update", "fix", "CTO/CEO", "lead", "page"];
        let named = named.iter().filter(|word| line.contains(**word)).count();
        let left = line.split(" +").nth(1).map_or(0, |rest| rest.split(' ').next().unwrap().parse().unwrap());
        assert_eq!(named + left, running(&model), "{width}: {line}");
    }
}

#[test]
fn a_canary_is_in_the_header_at_every_size_and_comes_first() {
    let mut model = canary();
    for size in [(160, 45), (120, 36), (80, 24), (40, 12)] {
        let shown = drawn(&mut model, size);
        let header: Vec<&str> = shown.lines().take(5).collect();
        let header = header.join("\n");
        assert!(header.contains("50 %") && header.contains("▶ canary"), "{size:?}:\n{shown}");
    }
    let first = model.derived.next.first().map(|(next, _)| next.title.clone()).unwrap_or_default();
    assert!(first.starts_with("watch the canary, 50 %"), "{first}");
}

#[test]
fn what_is_typed_to_confirm_is_in_sight_at_every_size() {
    let typed = Preview { typed: LineEdit::new("production"), ..Preview::new(plan(3)) };
    for (columns, rows) in [(40, 12), (60, 20), (80, 24), (120, 36)] {
        let model = with(Overlay::Preview(Box::new(typed.clone())));
        let (buf, regions) = frame(&model, &Theme::default(), columns, rows);
        let shown = text(&buf);
        let line =
            shown.lines().find(|line| line.contains("> production")).unwrap_or_else(|| panic!("{shown}"));
        assert!(line.contains("production"), "{shown}");
        let cursor = regions.cursor.unwrap();
        assert!(cursor.x < columns - 2, "{cursor} in\n{shown}");
    }
}

fn standings() -> Vec<Standing> {
    let no =
        |id, why: &str| Standing { id, title: id, met: Met::No, why: why.to_owned(), may_pass_over: true };
    vec![no("checks", "unit not run on this commit"), no("approvals", "lead: not given")]
}

fn gated(field: Field) -> Model {
    let mut plan = plan(6);
    plan.warnings = vec!["it contains e308185, which was rolled back at 22:50 UTC".into()];
    with(Overlay::Preview(Box::new(Preview { standings: standings(), field, ..Preview::new(plan) })))
}

#[test]
fn a_question_of_one_line_is_seen_and_one_without_room_is_not() {
    let mut model = incident();
    let choice = Choice {
        decision: Decision::Review {
            approve: true,
            comment: String::new(),
            waits_for: "sre".into(),
            ids: vec![],
        },
        step: 0,
        run: None,
        title: "deploy main".into(),
        risky: false,
    };
    model.overlays.push(Overlay::Decide(Box::new(Decide {
        plan: "deploy-1".into(),
        choice,
        word: Some("production".into()),
        about: vec!["Approves it there with your token.".into()],
        lines: Vec::new(),
        others: None,
        reason: Some(LineEdit::default()),
        typed: LineEdit::default(),
        on_word: false,
        shown_ms: None,
        sending: false,
        lapsed: false,
        complaint: String::new(),
    })));
    let mut seen = |width, height| {
        model.size = (width, height);
        frame(&model, &Theme::default(), width, height).1.overlay > 0
    };
    for (width, height) in [(160, 45), (120, 36), (80, 24), (40, 12)] {
        assert!(seen(width, height), "{width}×{height}");
    }
    assert!(!seen(20, 6));
}

#[test]
fn what_speaks_against_a_plan_is_read_before_what_it_runs_and_stays_in_sight() {
    // As they stand: the record of these pictures would judge them anew.
    let seen = |field, (columns, rows)| text(&frame(&gated(field), &Theme::default(), columns, rows).0);
    for size in SMALL {
        let shown = seen(Field::Keys, size);
        assert!(shown.contains("▲ it contains e308185"), "{shown}");
        assert!(shown.contains("✗ not met: checks, approvals"), "{shown}");
    }
    for size in SMALL {
        let shown = seen(Field::Reason, size);
        assert!(shown.contains("overrides checks, approvals"), "{shown}");
        assert!(shown.contains("esc back"), "{shown}");
    }
}

#[test]
fn what_is_wrong_with_what_was_typed_leaves_what_the_plan_changes_in_sight() {
    let wrong = Preview { complaint: "type production to go ahead".into(), ..Preview::new(plan(6)) };
    for size in SMALL {
        let shown = drawn(&mut with(Overlay::Preview(Box::new(wrong.clone()))), size);
        assert!(shown.contains("✗ type production to go ahead"), "{shown}");
        assert!(shown.contains("│ changes production"), "{shown}");
    }
}

fn ways() -> Vec<Way> {
    let way = |id: &str, title: &str, kind, ready| Way {
        id: id.into(),
        title: title.into(),
        kind,
        goes_back_to: "v1.4.1 (82c884b)".into(),
        takes_away: (0..4).map(|n| (format!("7b1fc1{n}"), format!("change {n}"))).collect(),
        takes_away_count: 4,
        ready,
        evidence: vec![(Some(true), "commit 82c884b is here".into())],
        ..Way::example()
    };
    vec![
        way("redeploy", "redeploy v1.4.1", Kind::Redeploy, Ready::Yes),
        way("flag:loyalty", "turn loyalty off", Kind::FlagOff, Ready::Yes),
        way("revert", "git revert 1 commit", Kind::Revert, Ready::No("conflicts in app/checkout.awk".into())),
    ]
}

fn rollback(mut model: Model) -> Model {
    let environments =
        ["staging", "production"].map(|name| Environment::new(name, vec!["./deploy.sh".into()]));
    model.config.config.environments = environments.to_vec();
    model.config.config.environments[1].protected = true;
    let looked = Looked { at: now(), live: None, unrecorded: None, past: Vec::new(), ways: Ok(ways()) };
    model.ways.known.insert("production".into(), looked);
    let screen = Rollback { environment: "production".into(), way: "redeploy".into(), top: 0 };
    model.overlays.push(Overlay::Rollback(screen));
    settle(&mut model);
    model
}

#[test]
fn while_a_rollback_is_under_way_the_header_says_so_and_offers_none() {
    let head = |more: &dyn Fn(&mut Scribe)| {
        let mut scribe = records();
        more(&mut scribe);
        let mut model = rollback(incident());
        model.overlays.clear();
        model.log = Some(scribe.log());
        settle(&mut model);
        drawn(&mut model, (120, 36)).lines().take(4).collect::<Vec<_>>().join("\n")
    };
    let started = || PlanStarted {
        plan: "rollback-1".into(),
        title: "roll production back: redeploy v1.4.1".into(),
        purpose: "rollback".into(),
        target: "production".into(),
        hash: String::new(),
        steps: vec!["deploy v1.4.1 to production".into()],
        confirmed: String::new(),
        spec: serde_json::json!({}).into(),
    };
    let before = head(&|_| {});
    assert!(before.contains("rollback ready ✓"), "{before}");
    let runs = head(&|scribe| {
        scribe.write("maya", at("15:16:00"), started());
    });
    assert!(runs.contains("rollback runs") && !runs.contains("rollback ready"), "{runs}");
    let reverts = |environment: &str| {
        let action = serde_json::json!({ "kind": "pipeline", "environment": environment });
        let spec = serde_json::json!({ "way": "revert", "release": null, "steps": [{ "action": action }] });
        head(&|scribe| {
            scribe.write("maya", at("15:16:00"), PlanStarted { spec: spec.clone().into(), ..started() });
        })
    };
    let only = reverts("staging");
    assert!(only.contains("rollback ready ✓") && !only.contains("rollback runs"), "{only}");
    assert!(reverts("production").contains("rollback runs"), "its push deploys there");
    let waits = head(&|scribe| {
        scribe.write("maya", at("15:16:00"), started());
        let why = "for approval of production by sre".to_owned();
        scribe.write("maya", at("15:16:05"), StepWaiting { plan: "rollback-1".into(), step: 0, why });
    });
    assert!(waits.contains("▲ rollback waits") && !waits.contains("[R]"), "{waits}");
}

#[test]
fn a_window_with_more_than_fits_keeps_its_keys_and_says_how_much_is_left() {
    for size in SMALL {
        let shown = drawn(&mut rollback(incident()), size);
        let edge = shown.lines().find(|line| line.starts_with('╰')).unwrap_or_else(|| panic!("{shown}"));
        assert!(edge.contains("esc back") && edge.contains("⏎ show plan"), "{shown}");
        assert!(edge.contains('↓') || edge.contains("more below"), "{shown}");
    }
}

#[test]
fn a_way_back_says_why_it_cannot_be_taken_and_has_the_band_that_lists_have() {
    let mut model = rollback(incident());
    let buf = settled(&mut model, &Theme::default(), 120, 36);
    let shown = text(&buf);
    assert!(shown.contains("cannot be taken: conflicts in app/checkout.awk"), "{shown}");
    assert!(shown.contains("undoes the changes of 4 commits"), "{shown}");
    assert_eq!(style_of(&buf, "redeploy v1.4.1").bg, Theme::default().of(Role::Selection).bg);
}

#[test]
fn a_revert_that_deploys_nothing_is_not_called_ready_alone() {
    let mut model = rollback(incident());
    let mut looked = model.ways.known["production"].clone();
    let all = looked.ways.as_mut().unwrap();
    (all[2].ready, all[2].only) = (Ready::Yes, Some("main".into()));
    model.ways.known.insert("production".into(), looked);
    settle(&mut model);
    let shown = text(&settled(&mut model, &Theme::default(), 120, 36));
    let wanted = "✓ git revert 1 commit   only changes main; a deploy is needed after it";
    assert!(shown.contains(wanted), "{shown}");
}

#[test]
fn a_failure_of_seconds_stays_in_sight_after_the_recovery() {
    let theme = Theme::default();
    let mut model = incident();
    // For 37 seconds, and good again for less than a column: without an answer, with a bad one, over the limit.
    let cases =
        [(Some(40.0), None, "▇"), (Some(0.4), Some(Verdict::Bad), "▅"), (None, Some(Verdict::NoAnswer), "✗")];
    for (value, fault, bar) in cases {
        let mut probe = (*model.probes[1]).clone();
        (probe.state, probe.interval_s) = (State::Ok, 1.0);
        let ago = |seconds: i64| now() - jiff::SignedDuration::from_secs(seconds);
        let is_bad = |second: i64| (3..40).contains(&second);
        probe.history = (0..60).rev().map(|s| (ago(s), if is_bad(s) { value } else { Some(0.4) })).collect();
        probe.faults =
            fault.into_iter().flat_map(|fault| (3..40).rev().map(move |s| (ago(s), fault))).collect();
        let last = probe.last.as_mut().unwrap();
        (last.value, last.verdict) = (Some(0.4), Verdict::Good);
        model.probes[1] = Arc::new(probe);
        settle(&mut model);
        let buf = settled(&mut model, &theme, 160, 45);
        let y = (0..45).find(|y| row_text(&buf, *y).contains("error rate")).unwrap();
        let bars: Vec<u16> = (90..160).filter(|x| "▁▂▃▄▅▆▇✗".contains(buf[(*x, y)].symbol())).collect();
        let failing = bars.iter().find(|x| buf[(**x, y)].symbol() == bar);
        let failing = *failing.unwrap_or_else(|| panic!("{bar} is not in\n{}", text(&buf)));
        assert_eq!(buf[(failing, y)].style().fg, theme.of(Role::Bad).fg, "{}", text(&buf));
    }
}

#[test]
fn a_row_of_health_keeps_its_place_while_its_probe_goes_back_and_forth() {
    let names = |model: &Model| model.health_rows().map(|probe| probe.name.clone()).collect::<Vec<_>>();
    let mut model = incident();
    let turn = |model: &mut Model, probe: usize, seconds: i64, state: State| {
        model.now = now() + jiff::SignedDuration::from_secs(seconds);
        let probe = Arc::make_mut(&mut model.probes[probe]);
        probe.turn(model.now, state);
        probe.state = state;
        settle(model);
        let _ = settled(model, &Theme::default(), 120, 36);
    };
    for (probe, state) in
        [(0, State::Failing), (1, State::Failing), (2, State::Ok), (3, State::Ok), (4, State::Ok)]
    {
        turn(&mut model, probe, 0, state);
    }
    turn(&mut model, 3, 1, State::Failing);
    let first = names(&model);
    assert_eq!(first[..3], ["api /health", "error rate", "db connections"], "{first:?}");
    for second in 2..40 {
        let state = if second % 2 == 0 { State::Recovering } else { State::Failing };
        turn(&mut model, 3, second, state);
        turn(&mut model, 0, second, if second % 3 == 0 { State::Ok } else { State::Failing });
        assert_eq!(names(&model), first, "after {second} s");
    }
    // What is good for a minute goes where it is configured.
    turn(&mut model, 3, 40, State::Ok);
    turn(&mut model, 4, 98, State::Ok);
    assert_eq!(names(&model), first);
    turn(&mut model, 4, 101, State::Ok);
    let calm = ["error rate", "orders/min", "api /health", "p95 latency", "db connections", "cpu"];
    assert_eq!(names(&model), calm);
}

#[test]
fn what_a_chart_of_a_status_shows_is_named_and_a_failure_is_one_band() {
    let mut model = incident();
    (model.focus, model.zoom) = (Pane::Health, true);
    let mut probe = (*model.probes[0]).clone();
    (probe.limit, probe.threshold, probe.range) = (None, None, "want 200".into());
    let bad = probe.history.iter().skip(84).map(|(at, _)| (*at, Verdict::Bad));
    probe.faults = bad.collect();
    model.probes = vec![Arc::new(probe)];
    settle(&mut model);
    let shown = drawn(&mut model, (120, 36));
    assert!(shown.contains("response time") && shown.contains("last 64m"), "{shown}");
    let ground = shown.lines().find(|line| line.contains('└')).unwrap_or_default();
    assert_eq!(ground.matches('✗').count(), 1, "{shown}");
    assert!(ground.contains("━━━━━━━━"), "{shown}");
}

#[test]
fn a_probe_whose_status_is_fine_shows_what_is_not() {
    let mut model = incident();
    let mut probe = (*model.probes[0]).clone();
    (probe.limit, probe.threshold, probe.range) = (None, None, "want 2xx".into());
    probe.state = State::Warn;
    let last = probe.last.as_mut().unwrap();
    (last.headline, last.why, last.value) = ("200".into(), "says Partial Outage".into(), Some(4.0));
    model.probes = vec![Arc::new(probe.clone())];
    settle(&mut model);
    let shown = drawn(&mut model, (120, 36));
    assert!(shown.contains("says Partial Outage") && !shown.contains("want 2xx"), "{shown}");
    // Where it is the status that is wrong, that stands beside the one that is wanted.
    let last = probe.last.as_mut().unwrap();
    (last.headline, last.why) = ("503".into(), "status 503, expected 2xx".into());
    model.probes = vec![Arc::new(probe)];
    settle(&mut model);
    let shown = drawn(&mut model, (120, 36));
    assert!(shown.contains("want 2xx"), "{shown}");
}

fn row_text(buf: &ratatui::buffer::Buffer, y: u16) -> String {
    let Rect { width, .. } = buf.area;
    (0..width).map(|x| buf[(x, y)].symbol()).collect()
}

#[test]
fn once_it_is_over_the_header_says_how_production_is_and_alarms_nobody() {
    let theme = Theme::default();
    let mut scribe = records();
    scribe.write("maya", at("15:16:00"), Resolved { after: Vec::new(), ..Resolved::default() });
    let mut model = incident();
    model.log = Some(scribe.log());
    for probe in &mut model.probes {
        Arc::make_mut(probe).state = State::Ok;
    }
    settle(&mut model);
    let buf = settled(&mut model, &theme, 120, 36);
    let shown = text(&buf);
    let first = shown.lines().next().unwrap_or_default();
    assert!(first.contains("HEALTHY") && first.contains("✓ resolved"), "{shown}");
    assert_ne!(style_of(&buf, "P0").bg, theme.of(Role::P0).bg);
    assert!(!shown.lines().take(4).any(|line| line.contains("rollback ready")), "{shown}");
}

#[test]
fn a_fact_in_a_menu_has_no_mark_of_a_failure() {
    let row = |label: &str, why: &str| Item {
        key: None,
        path: String::new(),
        label: label.to_owned(),
        disabled: Some(why.to_owned()),
        invoke: Command::Severity.into(),
    };
    let menu = Menu {
        command: Command::Severity,
        title: "Severity".into(),
        note: String::new(),
        items: vec![
            row("P0 critical", "(current)"),
            row("reopen", "it is open"),
            row("close", "resolve it first"),
        ],
        headings: Vec::new(),
        selected: 2,
    };
    for size in SMALL {
        let shown = drawn(&mut with(Overlay::Menu(menu.clone())), size);
        assert!(!shown.contains("✗ (current)") && !shown.contains("✗ it is open"), "{shown}");
        assert!(shown.contains("✗ resolve it first"), "{shown}");
    }
}

#[test]
fn why_an_item_failed_is_read_before_when() {
    let mut model = incident();
    model.focus = Pane::Checklist;
    let shown = drawn(&mut model, (120, 36));
    assert!(shown.contains("failed: card refund 502"), "{shown}");
}

#[test]
fn the_word_to_type_is_whole_at_every_size() {
    for word in ["main", "production", "v1.4.3"] {
        let asked = Plan { confirm: Some(word.into()), ..plan(6) };
        let mut model = with(Overlay::Preview(Box::new(Preview::new(asked))));
        for size in [(40, 12), (60, 20), (80, 24), (120, 36)] {
            let shown = drawn(&mut model, size);
            assert!(shown.contains(&format!("type {word} ")), "{word} {size:?}:\n{shown}");
        }
    }
}

#[test]
fn all_that_speaks_against_an_end_is_in_sight_and_so_is_what_it_is_about() {
    let against = [
        "2 probes of staging fail",
        "no fix has shipped: production is back on v1.4.1",
        "8 checklist items open",
        "no cause is recorded",
        "no impact is recorded",
    ];
    let asked = || {
        with(Overlay::Confirm(Confirm {
            title: "Is it over? 5 points open".into(),
            body: "This records that the incident is over. It can be reopened.".into(),
            yes: "resolve it".into(),
            no: "back",
            claim: None,
            against: against.iter().map(|&line| line.to_owned()).collect(),
            act: Act::Invoke(Command::Stop.into()),
            more: Vec::new(),
            lapsed: String::new(),
            shown_ms: None,
            scroll: Scroll::default(),
        }))
    };
    for size in [(40, 12), (80, 24), (120, 36), (160, 45)] {
        let shown = drawn(&mut asked(), size);
        let words: Vec<&str> = shown.split_whitespace().filter(|word| *word != "│").collect();
        let said = words.join(" ");
        for line in against {
            assert!(said.contains(line), "{line} {size:?}:\n{shown}");
        }
        assert!(size.0 < 80 || shown.contains("Timeline"), "{size:?}:\n{shown}");
    }
}

#[test]
fn no_half_window_is_drawn_behind_a_line_of_text() {
    for keys in ["n f", "h n"] {
        let mut model = incident();
        model.size = (40, 12);
        settled(&mut model, &Theme::default(), 40, 12);
        for key in keys.split(' ') {
            let press = KeyPress::new(Key::parse(key).unwrap(), 1_000_000);
            let _ = update(&mut model, Msg::Key(press));
        }
        let shown = drawn(&mut model, (40, 12));
        assert_eq!(shown.matches('╰').count(), shown.matches('╭').count(), "{keys}:\n{shown}");
    }
}
