//! What people read out on a call: said in words, once, with the keys that work there.

use super::testing::*;
use super::theme::Theme;
use crate::cockpit::key::Key;
use crate::cockpit::model::{ConfigSource, Model};
use crate::cockpit::msg::KeyPress;
use crate::cockpit::overlay::{Entry, Overlay, Scroll};
use crate::cockpit::{Msg, Pane, update};
use crate::config::types::{Check, Environment};
use crate::incident::{FollowUpAdded, HandoffOffered};

fn drawn(model: &mut Model, columns: u16, rows: u16) -> String {
    model.size = (columns, rows);
    text(&settled(model, &Theme::default(), columns, rows))
}

/// Presses keys, a second apart.
fn press(model: &mut Model, keys: &str) {
    for (at, key) in (1..).zip(keys.split(' ')) {
        let _ = update(model, Msg::Key(KeyPress::new(Key::parse(key).unwrap(), at * 1000)));
    }
}

/// The incident of the pictures, where production can be deployed and there is a check.
fn equipped() -> Model {
    let mut model = incident();
    let production =
        Environment { protected: true, ..Environment::new("production", vec!["./deploy.sh".into()]) };
    model.config.config.environments = vec![production];
    let check = serde_json::json!({"name": "unit", "command": ["./check.sh"]});
    let check: Check = serde_json::from_value(check).unwrap();
    model.config.config.checks = vec![check];
    model.config.source = ConfigSource::Trusted;
    settle(&mut model);
    model
}

#[test]
fn what_gets_production_well_again_is_offered_at_every_width() {
    for (columns, rows) in [(80, 24), (120, 36), (160, 45)] {
        let mut model = equipped();
        model.focus = Pane::Runs;
        let shown = drawn(&mut model, columns, rows);
        let line = shown.lines().last().unwrap_or_default();
        for key in ["R ", "d ", "t ", "h ", "n ", ": ", "? help"] {
            assert!(line.contains(&format!(" {key}")), "{key:?} at {columns} columns: {line}");
        }
    }
}

#[test]
fn a_run_that_is_over_is_not_offered_to_be_stopped() {
    let mut model = equipped();
    press(&mut model, "5 G");
    let shown = drawn(&mut model, 160, 45);
    assert!(!shown.lines().last().unwrap_or_default().contains("stop"), "{shown}");
    press(&mut model, "g");
    let shown = drawn(&mut model, 160, 45);
    assert!(shown.lines().last().unwrap_or_default().contains("stop"), "{shown}");
}

#[test]
fn whoever_takes_over_reads_how_it_stands_first() {
    let brief = "P0, Checkout answers 500, 47m.\n\n- Impact: nobody can pay\n- Production: DOWN\n".to_owned();
    let offered = HandoffOffered { role: "commander".into(), to: "li".into(), brief };
    for (columns, rows) in [(120, 36), (80, 24), (40, 12)] {
        let mut scribe = records();
        let id = scribe.write("maya", at("15:16:00"), offered.clone());
        let mut model = incident();
        model.log = Some(scribe.log());
        settle(&mut model);
        model.overlays.push(Overlay::Entry(Entry { lines: vec![id], scroll: Scroll::default() }));
        let shown = drawn(&mut model, columns, rows);
        let place = |wanted: &str| shown.find(wanted).unwrap_or_else(|| panic!("{wanted}:\n{shown}"));
        assert!(place("Brief for li") < place("Checkout answers 500, 47m."), "{shown}");
        assert!(!shown.contains("- Impact"), "it is rendered:\n{shown}");
    }
}

#[test]
fn the_agenda_of_the_review_is_read_in_the_cockpit() {
    let mut scribe = records();
    let follow_up =
        FollowUpAdded { text: "alert on the pool".into(), owner: "li".into(), due: None, of: None };
    scribe.write("maya", at("15:16:00"), follow_up);
    let mut model = incident();
    model.log = Some(scribe.log());
    settle(&mut model);
    press(&mut model, "i a");
    let shown = drawn(&mut model, 120, 36);
    assert!(shown.contains("╭ Agenda of the review"), "{shown}");
    press(&mut model, "G");
    let shown = drawn(&mut model, 120, 36);
    assert!(shown.contains("Alert on the pool (li)") && shown.contains("esc back"), "{shown}");
}
