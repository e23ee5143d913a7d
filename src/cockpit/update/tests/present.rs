//! Presenter mode: what it says, which keys it shows, and what it never shows.

use super::*;
use crate::text::veil::{Private, Veil};

fn pressed(table: &Table) -> Vec<String> {
    let one = |one: &crate::cockpit::present::Pressed| format!("{} {} {}", one.key, one.does, one.times);
    table.model.present.pressed.iter().map(one).collect()
}

#[test]
fn it_says_what_it_does_the_first_time_and_that_it_is_over() {
    let mut table = Table::open();
    table.keys("P");
    assert!(table.model.present.on);
    assert!(table.word().contains("masked; P ends it"), "{}", table.word());
    table.keys("P");
    assert!(!table.model.present.on && table.word().contains("presenter mode is off"), "{}", table.word());
    table.model.word = None;
    table.keys("P");
    assert!(table.model.present.on && table.model.word.is_none());
}

#[test]
fn the_last_keys_are_kept_with_what_they_did_and_repeated_ones_are_counted() {
    let mut table = Table::ready();
    table.keys("j");
    assert!(pressed(&table).is_empty(), "nobody watches");
    table.keys("P j j j d esc 2");
    assert_eq!(pressed(&table), ["d deploy 1", "esc back 1", "2 health 1"]);
    table.keys("j j");
    assert_eq!(pressed(&table)[2], "j down 2");
    table.keys("s 2");
    assert_eq!(pressed(&table)[1..], ["s severity 1", "2 severity P2 1"]);
    let later = table.model.now + SignedDuration::from_secs(30);
    table.send(Msg::Tick(later));
    assert!(pressed(&table).is_empty(), "they are shown for a while");
}

#[test]
fn what_is_typed_into_a_line_is_never_shown() {
    let mut table = Table::open();
    table.keys("P");
    table.talks("nthe pool is full");
    table.keys("left backspace ctrl-u h u n t e r enter");
    assert_eq!(pressed(&table), ["n note 1", "⏎ enter 1"]);
    // Nor in the palette, but what was picked there is.
    table.keys(": h e l p enter");
    assert_eq!(pressed(&table)[1..], [": commands 1", "⏎ help 1"]);
}

#[test]
fn an_answer_to_a_question_is_shown_as_such() {
    let mut table = Table::open();
    table.keys("P i x");
    let now = table.model.now;
    table.send(Msg::Tick(now));
    table.shown();
    table.keys("n");
    assert_eq!(pressed(&table).last().unwrap(), "n no 1");
}

#[test]
fn what_a_file_would_run_is_not_trusted_while_it_is_masked() {
    let mut table = Table::ready();
    table.model.config.source = ConfigSource::Untrusted { hash: "0".into(), would_run: vec!["x".into()] };
    table.keys("P T");
    assert!(table.model.overlays.is_empty());
    assert!(table.word().contains("end that first (P)"), "{}", table.word());
    table.keys("P T");
    assert!(matches!(table.model.overlays.last(), Some(Overlay::Trust(_))));
}

#[test]
fn what_leaves_by_another_way_is_masked_while_it_is_on() {
    let mut table = Table::open();
    let words = vec!["falcon".to_owned()];
    let veil = Veil::new(&Private { words, ..Private::default() });
    table.send(Msg::Fact(Fact::Veil(Arc::new(veil))));
    assert_eq!(table.model.present.hide("falcon is down"), "falcon is down");
    table.keys("P");
    assert_eq!(table.model.present.hide("P0: Falcon at 10.0.0.7"), "P0: •••••• at ••••••••");
}
