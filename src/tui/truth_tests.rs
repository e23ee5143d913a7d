//! What the screen must say whatever its size: how production is, what was put off, and what no longer counts.

use super::testing::*;
use super::theme::Theme;
use crate::cockpit::model::{Model, NextOf};
use crate::cockpit::overlay::Overlay;
use crate::cockpit::ways::Looked;
use crate::cockpit::{Key, Msg, update};
use crate::deploy::rollback::Way;
use crate::health::series::State;
use crate::hotfix::state::{BranchState, Head};
use crate::incident::{
    Alarm, Began, CheckState, HandoffOffered, Mitigated, PlanEnd, PlanEnded, PlanStarted, Precision,
    ReleaseJudged, Released, Resolved, Ticked, WatchVerdict,
};
use crate::plan::{Plan, Purpose, ReleaseSpec, Subject};

const SIZES: [(u16, u16); 4] = [(160, 45), (120, 36), (80, 24), (40, 12)];
const BAD: &str = "77b0d1377b0d1377b0d1377b0d1377b0d1377b0d";

fn declared() -> Scribe {
    let mut scribe = Scribe::new();
    scribe.declare("Checkout answers 500");
    scribe
}

fn deploy(scribe: &mut Scribe, tag: &str) {
    let subject = Subject { reference: tag.into(), commit: BAD.into(), dirty: false };
    let plan = Plan {
        subject: Some(subject),
        confirm: Some("production".into()),
        release: Some(ReleaseSpec {
            environment: "production".into(),
            reference: tag.into(),
            commit: BAD.into(),
            tag: Some(tag.into()),
            version: None,
            rollback: false,
            replaces: None,
            after: 0,
        }),
        ..Plan::new("deploy-1", format!("deploy {tag} to production"), Purpose::Deploy, "production")
    };
    scribe.write(
        "maya",
        at("15:10:00"),
        PlanStarted {
            plan: plan.id.clone(),
            title: plan.title.clone(),
            purpose: "deploy".into(),
            target: "production".into(),
            hash: plan.hash(),
            steps: Vec::new(),
            confirmed: "typed production".into(),
            spec: crate::plan::stored::seal(&plan).unwrap().spec,
        },
    );
}

fn released(scribe: &mut Scribe, tag: &str) {
    scribe.write(
        "maya",
        at("15:11:00"),
        Released {
            environment: "production".into(),
            reference: tag.into(),
            commit: BAD.into(),
            tag: Some(tag.into()),
            version: None,
            plan: "deploy-1".into(),
            rollback: false,
            replaces: None,
        },
    );
}

fn judged(scribe: &mut Scribe, verdict: WatchVerdict) {
    let why = String::new();
    let body = ReleaseJudged {
        environment: "production".into(),
        commit: BAD.into(),
        plan: "deploy-1".into(),
        verdict,
        why,
    };
    scribe.write("maya", at("15:12:00"), body);
}

fn drawn(model: &mut Model, columns: u16, rows: u16) -> String {
    text(&settled(model, &Theme::default(), columns, rows))
}

fn press(model: &mut Model, keys: &str) {
    for (index, key) in keys.split(' ').enumerate() {
        let at_ms = 10_000 + 1000 * index as u64;
        update(model, Msg::Key(crate::cockpit::msg::KeyPress::new(Key::parse(key).unwrap(), at_ms)));
    }
}

#[test]
fn how_production_is_stands_there_at_every_size_and_in_every_state() {
    let mitigated = |state: State| {
        let mut scribe = declared();
        scribe.write("maya", at("15:16:00"), Mitigated { after: Vec::new() });
        let mut model = cockpit(scribe);
        for probe in &mut model.probes {
            std::sync::Arc::make_mut(probe).state = state;
        }
        settle(&mut model);
        model
    };
    let after = [("DOWN", State::Failing), ("HEALTHY", State::Ok), ("UNKNOWN", State::Unknown)];
    let open = std::iter::once(("DOWN", None));
    for (word, state) in open.chain(after.map(|(word, state)| (word, Some(state)))) {
        let mut model = state.map_or_else(|| cockpit(declared()), mitigated);
        for (columns, rows) in SIZES {
            model.size = (columns, rows);
            let shown = drawn(&mut model, columns, rows);
            let header: String = shown.lines().take(3).collect();
            assert!(header.contains(word), "{word} at {columns}x{rows}:\n{shown}");
        }
        // Nor does a window cover it.
        press(&mut model, "i");
        for (columns, rows) in SIZES {
            model.size = (columns, rows);
            let shown = drawn(&mut model, columns, rows);
            assert!(shown.lines().take(3).any(|line| line.contains(word)), "{columns}x{rows}:\n{shown}");
        }
    }
}

#[test]
fn that_it_is_mitigated_stands_in_the_header_with_a_long_title_and_what_is_live() {
    let mut scribe = declared();
    deploy(&mut scribe, "v1.4.3-rc.1");
    released(&mut scribe, "v1.4.3-rc.1");
    let ended = PlanEnded { plan: "deploy-1".into(), end: PlanEnd::Done, why: String::new() };
    scribe.write("maya", at("15:12:00"), ended);
    scribe.write("maya", at("15:16:00"), Mitigated { after: Vec::new() });
    let mut model = cockpit(scribe);
    for probe in &mut model.probes {
        std::sync::Arc::make_mut(probe).state = State::Ok;
    }
    settle(&mut model);
    for (columns, rows) in [(80, 24), (84, 24), (120, 36)] {
        model.size = (columns, rows);
        let shown = drawn(&mut model, columns, rows);
        let first = shown.lines().next().unwrap_or_default();
        assert!(first.contains("▲ mitigated") && first.contains("v1.4.3"), "{columns}x{rows}:\n{shown}");
    }
}

#[test]
fn a_mitigation_that_did_not_hold_is_a_question() {
    let mut scribe = declared();
    scribe.write("maya", at("15:16:00"), Mitigated { after: Vec::new() });
    let shown = |scribe: Scribe| drawn(&mut cockpit(scribe), 120, 36);
    for (when, from, to) in [("15:17:00", "ok", "failing"), ("15:18:00", "failing", "ok")] {
        let (probe, why) = ("api /health".into(), "500, expected 200".into());
        scribe.write("maya", at(when), Alarm { probe, from: from.into(), to: to.into(), why });
    }
    assert!(shown(scribe).contains("▲ mitigated?"));
}

#[test]
fn ticks_for_a_fix_that_was_no_good_are_told_apart_from_open_items() {
    let mut scribe = declared();
    let core = Ticked {
        item: "core".into(),
        title: "core user workflow".into(),
        state: CheckState::Passed,
        note: String::new(),
    };
    scribe.write("li", at("15:02:00"), core);
    deploy(&mut scribe, "v1.4.3");
    released(&mut scribe, "v1.4.3");
    judged(&mut scribe, WatchVerdict::Failed);
    let mut model = cockpit(scribe);
    for (columns, rows, wanted) in
        [(160, 45, "0 of 8 · ▲ 1 stale"), (120, 36, "0 of 8 · ▲ 1 only for v1.4.3")]
    {
        let shown = drawn(&mut model, columns, rows);
        assert!(shown.contains(wanted), "{shown}");
    }
    press(&mut model, "4 z");
    // The smallest screen has no panes.
    for (columns, rows) in SIZES.into_iter().take(3) {
        let shown = drawn(&mut model, columns, rows);
        assert!(shown.contains("look again"), "{columns}x{rows}:\n{shown}");
    }
    assert!(drawn(&mut model, 120, 36).contains("look again: passed for v1.4.3 only"));
}

#[test]
fn what_is_live_stays_in_sight_while_a_rollback_runs() {
    let mut scribe = declared();
    released(&mut scribe, "v1.4.2");
    let subject = Subject { reference: "v1.4.1".into(), commit: "a0fbce1".repeat(6), dirty: false };
    let title = "roll production back: redeploy v1.4.1 (a0fbce1)";
    let plan = Plan { subject: Some(subject), ..Plan::new("back-1", title, Purpose::Rollback, "production") };
    scribe.write(
        "maya",
        at("15:16:00"),
        PlanStarted {
            plan: plan.id.clone(),
            title: title.into(),
            purpose: "rollback".into(),
            target: "production".into(),
            hash: plan.hash(),
            steps: Vec::new(),
            confirmed: "typed production".into(),
            spec: crate::plan::stored::seal(&plan).unwrap().spec,
        },
    );
    let mut model = cockpit(scribe);
    for (columns, rows, doing) in
        [(160, 45, "rollback to v1.4.1"), (120, 36, "rollback to v1.4.1"), (80, 24, "rollback")]
    {
        let shown = drawn(&mut model, columns, rows);
        let first = shown.lines().next().unwrap();
        assert!(first.contains("v1.4.2") && first.contains(doing), "{columns}×{rows}: {first}");
    }
}

#[test]
fn a_way_back_that_nobody_took_is_marked_at_its_phase_until_it_was_tried() {
    use crate::incident::{NoteKind, Phase, PhaseEntered};
    let put_off = |decides: bool| {
        let mut scribe = declared();
        scribe.write("maya", at("15:00:00"), PhaseEntered { phase: Phase::Respond });
        scribe.write("maya", at("15:01:00"), PhaseEntered { phase: Phase::Develop });
        if decides {
            scribe.note("maya", "15:02:00", NoteKind::Decision, "no rollback, the schema moved on");
        }
        let mut model = cockpit(scribe);
        let looked = Looked {
            at: now(),
            live: None,
            unrecorded: None,
            past: Vec::new(),
            ways: Ok(vec![Way::example()]),
        };
        model.ways.known.insert("production".into(), looked);
        settle(&mut model);
        drawn(&mut model, 160, 45)
    };
    assert!(put_off(false).contains("▲ respond"), "{}", put_off(false));
    assert!(put_off(true).contains("✓ respond"), "whoever decided against it did not forget it");
}

#[test]
fn whoever_says_that_users_are_served_is_told_whether_the_fix_is_live() {
    let asked = |scribe: Scribe| {
        let mut model = cockpit(scribe);
        press(&mut model, "i m");
        let Some(Overlay::Confirm(asked)) = model.overlays.last() else { panic!("nothing is asked") };
        asked.body.clone()
    };
    assert_eq!(asked(declared()), "This records that users are served again. The fix is still due.");
    let mut live = declared();
    deploy(&mut live, "v1.4.4");
    released(&mut live, "v1.4.4");
    assert_eq!(asked(live), "This records that users are served again. The fix is live.");
    let mut bad = declared();
    deploy(&mut bad, "v1.4.4");
    released(&mut bad, "v1.4.4");
    judged(&mut bad, WatchVerdict::Failed);
    assert!(asked(bad).ends_with("still due."));
}

#[test]
fn the_hotfix_pane_says_what_becomes_of_a_fix_whose_branch_is_gone() {
    let pane = |scribe: Scribe| {
        let mut model = cockpit(scribe);
        let head = Head::Branch { name: "main".into(), commit: BAD.into() };
        let gone = BranchState {
            hotfix_branches: Vec::new(),
            commits: Vec::new(),
            dirty: Vec::new(),
            dirty_count: 0,
            ahead: 0,
            ..branch()
        };
        model.branch = Some(Ok(BranchState { head, ..gone }));
        settle(&mut model);
        press(&mut model, "3 z");
        drawn(&mut model, 120, 36)
    };
    assert!(pane(declared()).contains("press h s to start a hotfix branch from main"));
    let mut running = declared();
    deploy(&mut running, "v1.4.4");
    let shown = pane(running);
    assert!(shown.contains("it is being deployed to production"), "{shown}");
    let mut live = declared();
    deploy(&mut live, "v1.4.4");
    released(&mut live, "v1.4.4");
    live.write(
        "maya",
        at("15:13:00"),
        PlanEnded { plan: "deploy-1".into(), end: PlanEnd::Done, why: String::new() },
    );
    let shown = pane(live);
    assert!(shown.contains("production has the fix"), "{shown}");
    // What was written down by hand is no fix that was brought there.
    let mut by_hand = declared();
    let told = Released {
        environment: "production".into(),
        reference: "v1.4.1".into(),
        commit: BAD.into(),
        tag: Some("v1.4.1".into()),
        version: None,
        plan: String::new(),
        rollback: false,
        replaces: None,
    };
    by_hand.write("maya", at("15:11:00"), told);
    let shown = pane(by_hand);
    assert!(!shown.contains("production has the fix"), "{shown}");
    let mut over = declared();
    over.write("maya", at("15:13:00"), Resolved { after: Vec::new(), ..Resolved::default() });
    let shown = pane(over);
    assert!(shown.contains("the incident is over"), "{shown}");
}

#[test]
fn everybody_sees_to_whom_the_command_is_offered() {
    let mut scribe = declared();
    let offered = HandoffOffered { role: "commander".into(), to: "li".into(), brief: String::new() };
    scribe.write("maya", at("15:11:00"), offered);
    let mut model = cockpit(scribe);
    settle(&mut model);
    let shown = drawn(&mut model, 160, 45);
    assert!(shown.contains("command offered to li"), "{shown}");
    assert!(!shown.contains("accept or decline"), "that is for li:\n{shown}");
    model.me = "li".into();
    model.derived.next_of = NextOf::default();
    settle(&mut model);
    let shown = drawn(&mut model, 160, 45);
    assert!(shown.contains("NEXT  maya offers you command: take command, or decline"), "{shown}");
}

#[test]
fn times_inside_of_texts_are_in_the_zone_of_the_pane() {
    let mut scribe = Scribe::new();
    scribe.declare("it fails since 13:00 UTC");
    let since = Some((at("14:25:00"), Precision::Exact));
    scribe.write_as("maya", at("14:40:00"), since, Began { reason: "the log says 12:00 UTC".into() });
    let mut model = cockpit(scribe);
    model.looks.zone = jiff::tz::TimeZone::get("Europe/Berlin").unwrap();
    press(&mut model, "1 z");
    let shown = drawn(&mut model, 160, 45);
    assert!(shown.contains("declared P0, failing since about 15:30 (1m6s before)"), "{shown}");
    assert!(shown.contains("began 15:25, corrected from 15:30: the log says 12:00 UTC"), "{shown}");
    // A screen in UTC says it once, in the title of the pane.
    model.looks.zone = jiff::tz::TimeZone::UTC;
    let shown = drawn(&mut model, 160, 45);
    assert!(shown.contains("failing since about 14:30 (1m6s before)"), "{shown}");
}

#[test]
fn all_cockpits_name_the_time_on_record_since_when_production_is_green() {
    let alarm = |from: &str, to: &str| Alarm {
        probe: "api /health".into(),
        from: from.into(),
        to: to.into(),
        why: String::new(),
    };
    let since = |missed: &str| {
        let mut scribe = declared();
        scribe.write("omar", at("15:01:00"), alarm("ok", "failing"));
        scribe.write("omar", at("15:10:00"), alarm("failing", "ok"));
        let mut model = cockpit(scribe);
        for probe in &mut model.probes {
            let probe = std::sync::Arc::make_mut(probe);
            probe.state = State::Ok;
            probe.unbroken_since = Some(at("15:12:00"));
            let before = at(missed);
            probe.history = (0..20)
                .map(|sample| before - jiff::SignedDuration::from_secs(10 * (19 - sample)))
                .chain([at("15:12:00"), at("15:12:10")])
                .map(|at| (at, Some(1.0)))
                .collect();
        }
        settle(&mut model);
        crate::cockpit::production::production(&model).since
    };
    assert_eq!(since("15:11:20"), Some(at("15:10:00")), "this one missed some samples");
    assert_eq!(since("15:05:00"), Some(at("15:12:00")), "nobody is known to have looked");
}

#[test]
fn a_failing_third_party_is_named_at_every_size() {
    let mut model = cockpit(declared());
    let mut other = (*model.probes[0]).clone();
    (other.name, other.environment) = ("nordpay status".into(), "third party".into());
    other.state = State::Failing;
    let mut staging = other.clone();
    (staging.name, staging.environment) = ("staging /health".into(), "staging".into());
    staging.state = State::Ok;
    let staging = std::sync::Arc::new(staging);
    model.probes.splice(0..0, [staging, std::sync::Arc::new(other)]);
    settle(&mut model);
    for (columns, rows) in [(160, 45), (120, 36), (80, 24)] {
        model.size = (columns, rows);
        let shown = drawn(&mut model, columns, rows);
        assert!(shown.contains("third party ✗ 1"), "{columns}x{rows}:\n{shown}");
    }
    press(&mut model, "2 z");
    for (columns, rows) in [(160, 45), (120, 36), (80, 24)] {
        model.size = (columns, rows);
        let shown = drawn(&mut model, columns, rows);
        assert!(shown.contains("nordpay"), "{columns}x{rows}:\n{shown}");
    }
}
