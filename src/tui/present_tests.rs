//! Presenter mode: what is masked in whatever is drawn, at every size, and how it can be read at half of it.

use std::sync::Arc;

use proptest::prelude::*;
use ratatui::buffer::Buffer;
use ratatui::style::Modifier;

use super::testing::*;
use super::theme::{Role, Theme};
use crate::cockpit::Model;
use crate::cockpit::msg::{Fact, KeyPress, Msg};
use crate::cockpit::{Key, update};
use crate::incident::NoteKind;
use crate::text::veil::{Private, Veil};

const SIZES: [(u16, u16); 4] = [(160, 45), (120, 36), (80, 24), (40, 12)];

fn presenting(model: &mut Model, words: &[&str]) {
    let words = words.iter().map(|word| (*word).to_owned()).collect();
    let veil = Veil::new(&Private { words, ..Private::default() });
    let _ = update(model, Msg::Fact(Fact::Veil(Arc::new(veil))));
    model.present.on = true;
    model.present.told = true;
}

fn press(model: &mut Model, keys: &str) {
    for (at, key) in (1..).zip(keys.split_whitespace()) {
        let at = u64::from(model.present.pressed.len() as u32) * 1000 + at * 1000;
        let _ = update(model, Msg::Key(KeyPress::new(Key::parse(key).unwrap(), at)));
    }
}

fn drawn(model: &mut Model, (columns, rows): (u16, u16)) -> Buffer {
    model.size = (columns, rows);
    settled(model, &Theme::default(), columns, rows)
}

#[test]
fn every_view_masks_at_every_size_and_no_column_moves() {
    for size in SIZES {
        for keys in ["", "?", "d", ":", "e", "w", "i R", "1 g enter", "2 z", "3 z", "5 enter"] {
            let mut model = incident();
            press(&mut model, keys);
            let plain = text(&drawn(&mut model, size));
            presenting(&mut model, &["pool", "payments", "omar", "checkout"]);
            // Where things stand is the same for both, but for the rows that are left free.
            let shown = text(&drawn(&mut model, size));
            for word in ["pool", "payments", "omar", "checkout"] {
                assert!(!shown.to_lowercase().contains(word), "{word} with {keys:?} at {size:?}:\n{shown}");
            }
            assert!(shown.contains('•') || !plain.contains("pool"), "{keys:?} at {size:?}:\n{shown}");
            let ends = |text: &str| text.lines().map(|line| line.trim_end().chars().count()).max();
            assert!(ends(&shown) <= Some(usize::from(size.0)), "{keys:?} at {size:?}");
        }
    }
}

#[test]
fn what_is_masked_keeps_its_place_and_its_colour() {
    let mut model = incident();
    let plain = drawn(&mut model, (120, 24));
    presenting(&mut model, &["pool"]);
    model.present.on = false;
    let before = text(&plain);
    let at = before.lines().position(|line| line.contains("hotfix/pool-limit")).unwrap();
    model.present.on = true;
    let after = text(&drawn(&mut model, (120, 24)));
    let line = after.lines().find(|line| line.contains("hotfix/••••-limit")).unwrap_or_default();
    assert_eq!(
        line.chars().position(|c| c == '•'),
        before.lines().nth(at).unwrap().split_once("pool").map(|(head, _)| head.chars().count()),
        "{before}\n{after}"
    );
}

#[test]
fn the_header_says_so_at_every_size_and_over_windows() {
    for size in SIZES {
        let mut model = incident();
        assert!(!text(&drawn(&mut model, size)).contains("presenting"), "{size:?}");
        presenting(&mut model, &[]);
        assert!(text(&drawn(&mut model, size)).contains("presenting"), "{size:?}");
        press(&mut model, "i");
        assert!(text(&drawn(&mut model, size)).contains("presenting"), "a window at {size:?}");
        let mut start = blank();
        presenting(&mut start, &[]);
        assert!(text(&drawn(&mut start, size)).contains("presenting"), "the start screen at {size:?}");
    }
}

#[test]
fn the_keys_that_were_pressed_stand_at_the_right_of_the_last_line() {
    let mut model = incident();
    presenting(&mut model, &[]);
    press(&mut model, "z j j");
    let shown = text(&drawn(&mut model, (120, 36)));
    let last = shown.lines().last().unwrap().trim_end();
    assert!(last.ends_with("z zoom  j ×2 down"), "{last}");
    // Over a window as well, where it leaves the line free.
    press(&mut model, "i");
    let shown = text(&drawn(&mut model, (120, 36)));
    assert!(shown.lines().last().unwrap().trim_end().ends_with("i incident"), "{shown}");
    let shown = text(&drawn(&mut model, (40, 12)));
    assert!(!shown.contains("i incident"), "no window is written over:\n{shown}");
}

#[test]
fn no_text_is_dim_or_thin_and_what_matters_is_bold() {
    for name in Theme::built_in_names() {
        let theme = Theme::load(name, None).unwrap();
        let shared = theme.presenting();
        let text = shared.of(Role::Text).fg;
        for role in [Role::Muted, Role::Faint, Role::Disabled, Role::Time, Role::Author, Role::Placeholder] {
            assert_eq!(shared.of(role).fg, text, "{name} {}", role.name());
        }
        for role in Role::ALL {
            let look = shared.of(*role).add_modifier;
            assert!(!look.intersects(Modifier::DIM | Modifier::ITALIC), "{name} {}", role.name());
        }
        for role in [Role::Bad, Role::Warn, Role::Good, Role::PhaseNow, Role::Next, Role::Overdue] {
            assert!(shared.of(role).add_modifier.contains(Modifier::BOLD), "{name} {}", role.name());
        }
    }
    let mut model = incident();
    presenting(&mut model, &[]);
    let shown = drawn(&mut model, (120, 36));
    let author = style_of(&shown, "maya");
    assert_eq!(author.fg, Theme::default().of(Role::Text).fg);
}

#[test]
fn a_row_is_left_free_where_there_is_room_for_it() {
    let mut model = incident();
    presenting(&mut model, &[]);
    let shown = text(&drawn(&mut model, (120, 36)));
    let lines: Vec<&str> = shown.lines().collect();
    let top = lines.iter().position(|line| line.contains("1 Timeline")).unwrap();
    assert_eq!(lines[top - 1].trim(), "", "{shown}");
    // None is taken from what has no more room.
    let shown = text(&drawn(&mut model, (80, 24)));
    let lines: Vec<&str> = shown.lines().collect();
    let top = lines.iter().position(|line| line.contains("1 Timeline")).unwrap();
    assert_ne!(lines[top - 1].trim(), "", "{shown}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// Values that are known are in the title, in notes, in names and in what a command printed; none is readable,
    /// whatever is open and however large the terminal is.
    #[test]
    fn no_known_value_is_readable_at_any_size(
        values in prop::collection::vec("[a-z]{2}[0-9][a-z0-9_-]{4,28}[0-9][a-z]{2}", 3..6),
        words in "[a-z ]{0,60}",
        columns in 40_u16..200,
        rows in 12_u16..50,
        keys in prop::sample::select(vec!["", "z", "1 G enter", "d", "i", ":", "2", "3", "5", "5 enter", "i R", "w", "m"]),
    ) {
        let mut scribe = records();
        for (index, value) in values.iter().enumerate() {
            scribe.note("li", "15:17:10", NoteKind::Finding, &format!("{words}{value} and {index} more {value}"));
        }
        let mut model = cockpit(scribe);
        let mut terminal = vt100::Parser::new(40.try_into().unwrap(), 120.try_into().unwrap(), 0);
        terminal.process(format!("{words} {} \r\n", values.join(" / ")).repeat(4).as_bytes());
        model.output = Some(crate::cockpit::model::Output {
            run: "deploy-staging-2.0".into(), terminal, last: now(), jobs: Vec::new(),
        });
        settle(&mut model);
        let known: Vec<&str> = values.iter().map(String::as_str).collect();
        presenting(&mut model, &known);
        press(&mut model, keys);
        let shown = text(&drawn(&mut model, (columns, rows)));
        for value in &known {
            for piece in value.as_bytes().windows(7) {
                let piece = std::str::from_utf8(piece).unwrap();
                prop_assert!(
                    !shown.contains(piece) || words.contains(piece),
                    "{piece} of {value} with {keys:?} at {columns}×{rows}:\n{shown}"
                );
            }
        }
    }
}
