//! The timeline: folded, filtered, and with what was taken back.

use ratatui::style::Modifier;

use super::testing::*;
use super::theme::{Role, Theme};
use crate::cockpit::{Key, Model, Msg, msg, update};
use crate::incident::{Alarm, NoteKind, Retracted};

fn press(model: &mut Model, keys: &str) {
    for (index, key) in keys.split(' ').enumerate() {
        let press = msg::KeyPress::new(Key::parse(key).unwrap(), 1000 * (index as u64 + 1));
        let _ = update(model, Msg::Key(press));
    }
}

/// Probes that turn back and forth between what people write.
fn busy(keys: &str) -> Model {
    let mut scribe = records();
    let alarm = |probe: &str, from: &str, to: &str| Alarm {
        probe: probe.into(),
        from: from.into(),
        to: to.into(),
        why: "38.1 % (max 5 %)".into(),
    };
    for (time, from, to) in
        [("14:47:00", "ok", "failing"), ("14:49:00", "failing", "ok"), ("14:52:00", "ok", "failing")]
    {
        scribe.write("maya", at(time), alarm("error rate", from, to));
    }
    let wrong = scribe.note("maya", "14:55:00", NoteKind::Decision, "turn off the nightly export of orders");
    scribe.write("omar", at("14:56:00"), Retracted { target: wrong, reason: "it was off already".into() });
    let mut model = incident();
    model.log = Some(scribe.log());
    settle(&mut model);
    press(&mut model, keys);
    model
}

#[test]
fn a_fold_says_how_many_what_failed_and_until_when() {
    let mut model = busy("-");
    for (width, height) in [(120, 36), (80, 24), (40, 12)] {
        let buf = settled(&mut model, &Theme::default(), width, height);
        insta::assert_snapshot!(format!("folded_{width}x{height}"), text(&buf));
    }
}

#[test]
fn the_filter_offers_what_the_timeline_has() {
    let mut model = busy("/");
    let buf = settled(&mut model, &Theme::default(), 120, 36);
    insta::assert_snapshot!("filter-empty_120x36", text(&buf));
    press(&mut model, "k i n d : d");
    let buf = settled(&mut model, &Theme::default(), 80, 24);
    insta::assert_snapshot!("filter-kind_80x24", text(&buf));
    press(&mut model, "tab enter");
    let shown = text(&settled(&mut model, &Theme::default(), 120, 36));
    assert!(shown.contains("/kind:decision 2 of 2"), "{shown}");
}

#[test]
fn what_was_taken_back_is_struck_and_says_by_whom_and_why() {
    let mut model = busy("z");
    for (width, height, wanted) in
        [(160, 45, "retracted by omar: it was off already"), (80, 24, "retracted by omar: it was")]
    {
        let shown = text(&settled(&mut model, &Theme::default(), width, height));
        assert!(shown.contains(wanted), "{width}x{height}\n{shown}");
    }
}

#[test]
fn a_long_row_goes_on_in_the_next_line_while_the_pane_has_free_ones() {
    let long = "the pool is exhausted because each payment holds its connection while it waits for the bank, and \
                the bank answers slowly since ten past two, which nobody watched until now";
    let mut scribe = Scribe::new();
    scribe.declare("Checkout answers 500");
    scribe.note("li", "14:40:00", NoteKind::Finding, long);
    scribe.note("maya", "14:41:00", NoteKind::Note, "short");
    let mut model = cockpit(scribe);
    for (width, height) in [(160, 45), (120, 36)] {
        model.size = (width, height);
        let shown = text(&settled(&mut model, &Theme::default(), width, height));
        assert!(shown.contains("nobody") && shown.contains("now"), "{width}×{height}:\n{shown}");
        assert!(!shown.lines().take(20).any(|line| line.contains("bank…")), "{shown}");
        let (_, regions) = frame(&model, &Theme::default(), width, height);
        // A click on any of its lines is a click on it.
        let of_long = regions.timeline.iter().filter(|row| **row == 1).count();
        assert!(of_long > 1 && regions.timeline.last() == Some(&2), "{:?}", regions.timeline);
    }
    // Where rows fill the pane each has one line.
    let mut scribe = Scribe::new();
    scribe.declare("Checkout answers 500");
    for minute in 10..50 {
        scribe.note("li", &format!("14:{minute}:00"), NoteKind::Finding, long);
    }
    let mut model = cockpit(scribe);
    model.size = (120, 36);
    settled(&mut model, &Theme::default(), 120, 36);
    let (_, regions) = frame(&model, &Theme::default(), 120, 36);
    assert!(regions.timeline.is_sorted_by(|one, next| one < next), "{:?}", regions.timeline);
}

#[test]
fn what_fails_is_named_first_and_somebody_elses_service_last() {
    let text_of = r#"
        [[probes]]
        name = "payment provider"
        environment = "production"
        concerns = "third-party"
        url = "http://127.0.0.1:9/status"
        [[probes]]
        name = "db connections"
        url = "http://127.0.0.1:9/a"
        [[probes]]
        name = "api /health"
        url = "http://127.0.0.1:9/b"
        [[probes]]
        name = "error rate"
        url = "http://127.0.0.1:9/c"
        [[environments]]
        name = "production"
        deploy = ["true"]
    "#;
    let mut scribe = Scribe::new();
    scribe.declare("Payments fail");
    for (second, probe, to, why) in [
        (1, "payment provider", "warn", "says Partially Degraded Service"),
        (2, "db connections", "warn", "86 (max 95)"),
        (3, "api /health", "failing", "status 503, expected 200"),
        (4, "error rate", "failing", "70 % (max 5 %)"),
    ] {
        let alarm = Alarm { probe: probe.into(), from: "ok".into(), to: to.into(), why: why.into() };
        scribe.write("maya", at(&format!("14:40:0{second}")), alarm);
    }
    let mut model = cockpit(scribe);
    model.config.config = toml::from_str(text_of).unwrap();
    model.derived.rows_of = None;
    settle(&mut model);
    model.focus = crate::cockpit::Pane::Timeline;
    model.zoom = true;
    model.size = (220, 36);
    let shown = text(&settled(&mut model, &Theme::default(), 220, 36));
    let wanted = "production failing: api /health status 503, expected 200, error rate 70 % (max 5 %) · payment provider \
                  says Partially Degraded Service, db connections 86 (max 95)";
    assert!(shown.contains(wanted), "{shown}");
    model.zoom = false;
    let shown = text(&settled(&mut model, &Theme::default(), 120, 36));
    assert!(shown.contains("✗ production failing: api /health 503, error"), "{shown}");
    assert!(shown.contains("payment provider"), "{shown}");
    // In one line what is ours stays, and how somebody else is in a word.
    model.focus = crate::cockpit::Pane::Health;
    let shown = text(&settled(&mut model, &Theme::default(), 99, 24));
    let wanted = "✗ production failing: api /health 503, 1 more · payment provider degraded";
    assert!(shown.contains(wanted), "{shown}");
}

#[test]
fn on_the_smallest_screen_rows_take_the_lines_that_are_free() {
    let mut scribe = Scribe::new();
    scribe.declare("Checkout answers 500");
    for (second, probe) in [(1, "api /health"), (2, "error rate")] {
        let why = "status 503, expected 200".to_owned();
        let alarm = Alarm { probe: probe.into(), from: "ok".into(), to: "failing".into(), why };
        scribe.write("maya", at(&format!("14:40:0{second}")), alarm);
    }
    scribe.note("maya", "14:41:00", NoteKind::Finding, "the pool of connections is exhausted");
    let mut model = cockpit(scribe);
    model.focus = crate::cockpit::Pane::Timeline;
    model.zoom = true;
    model.size = (40, 12);
    let shown = text(&settled(&mut model, &Theme::default(), 40, 12));
    let said: Vec<&str> = shown.lines().map(|line| line.trim_matches(['│', '▌', ' '])).collect();
    let said = said.join(" ");
    for wanted in
        ["14:40 ✗ production failing: api", "error rate 503", "the pool of connections is exhausted"]
    {
        assert!(said.contains(wanted), "{wanted}:\n{shown}");
    }
    assert!(!shown.contains('…'), "{shown}");
}

#[test]
fn a_line_of_another_machine_stands_out_where_it_is_and_nothing_moves() {
    let mut scribe = records();
    let id = scribe.note("omar", "15:17:10", NoteKind::Finding, "seen from afar");
    let mut model = incident();
    model.log = Some(scribe.log());
    settle(&mut model);
    for (columns, rows) in [(120, 36), (80, 24)] {
        model.flash.clear();
        let before = settled(&mut model, &Theme::default(), columns, rows);
        let plain = style_of(&before, "seen from afar");
        model.flash.push((id, model.now));
        let after = settled(&mut model, &Theme::default(), columns, rows);
        let flash = style_of(&after, "seen from afar");
        assert_eq!(text(&before), text(&after), "nothing moves");
        assert!(flash.add_modifier.contains(Modifier::BOLD), "{flash:?}");
        assert_eq!(flash.bg, Theme::default().of(Role::Selection).bg);
        assert_ne!(flash, plain);
        let other = style_of(&after, "passed: core");
        assert!(!other.add_modifier.contains(Modifier::BOLD), "only that line");
    }
}
