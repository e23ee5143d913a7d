//! Looking back, and what the start screen asks for.

use super::testing::{settled, text};
use super::tests::start;
use super::theme::Theme;
use crate::cockpit::model::Model;
use crate::cockpit::overlay::{Overlay, PastView};
use crate::cockpit::past::Leaf;
use crate::report::past::{Chronicle, sample};

const SIZES: [(u16, u16); 3] = [(120, 36), (80, 24), (40, 12)];

fn looking() -> Model {
    let mut model = start();
    (model.past.found, model.past.stale) = (Some(sample::chronicle()), false);
    model
}

fn window(leaf: Leaf, cursor: usize) -> Model {
    let mut model = looking();
    model.overlays.push(Overlay::Past(PastView { leaf, cursor, on: None }));
    model
}

fn drawn(model: &mut Model, (width, height): (u16, u16)) -> String {
    text(&settled(model, &Theme::default(), width, height))
}

#[test]
fn the_start_screen_asks_for_what_is_left() {
    let mut model = looking();
    for (width, height) in SIZES {
        let drawn = drawn(&mut model, (width, height));
        assert!(drawn.contains("1 overdue of 3"), "{drawn}");
        insta::assert_snapshot!(format!("start-left_{width}x{height}"), drawn);
    }
    // Where nothing is left nothing is said of it.
    model.past.found = Some(Chronicle::default());
    assert!(!drawn(&mut model, (120, 36)).contains("Follow-ups"));
}

#[test]
fn the_pages_of_looking_back() {
    let pages =
        [("left", Leaf::FollowUps, 0), ("incidents", Leaf::Incidents, 1), ("months", Leaf::Months, 0)];
    for (name, leaf, cursor) in pages {
        for (width, height) in SIZES {
            let drawn = drawn(&mut window(leaf, cursor), (width, height));
            insta::assert_snapshot!(format!("past-{name}_{width}x{height}"), drawn);
        }
    }
    let drawn = drawn(&mut window(Leaf::Severities, 0), (120, 36));
    assert!(drawn.contains("No trends yet: 12 of 20 incidents"), "{drawn}");
    insta::assert_snapshot!("past-severities_120x36", drawn);
}

#[test]
fn times_that_contradict_each_other_show_no_number_and_what_cannot_be_read_is_named() {
    let shown = drawn(&mut window(Leaf::Incidents, 2), (120, 36));
    assert!(shown.contains("invalid") && shown.contains("after it was resolved"), "{shown}");
    let shown = drawn(&mut window(Leaf::Incidents, 12), (120, 36));
    assert!(shown.contains("INC-2026-0099 no mail  cannot be read"), "{shown}");
    assert!(shown.contains("run flightdeck verify"), "{shown}");
}

#[test]
fn the_row_with_the_cursor_is_in_sight_in_a_long_list() {
    let mut model = window(Leaf::Incidents, 700);
    let all = (0..1000).map(|n| sample::past(n % 50, crate::incident::Severity::P1, [1, 2, 3]));
    model.past.found = Some(Chronicle { incidents: all.collect(), unread: Vec::new() });
    model.past.found.as_mut().unwrap().incidents[700].title = "the one".into();
    for size in SIZES {
        assert!(drawn(&mut model, size).contains("the one"), "{size:?}");
    }
}

#[test]
fn what_is_not_known_yet_is_not_said_to_be_nothing() {
    let mut model = window(Leaf::FollowUps, 0);
    (model.past.found, model.listed) = (None, true);
    let shown = drawn(&mut model, (80, 24));
    assert!(shown.contains("could not be read"), "{shown}");
    model.past.asked = Some(crate::cockpit::EffectId(7));
    assert!(drawn(&mut model, (80, 24)).contains("reading the incidents"));
    model.past.found = Some(Chronicle::default());
    assert!(drawn(&mut model, (80, 24)).contains("No open follow-ups"));
}
