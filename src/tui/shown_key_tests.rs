//! Every key that is drawn as a key does something where it stands.

use std::collections::BTreeMap;

use ratatui::buffer::Buffer;
use ratatui::style::Color;

use super::testing::*;
use super::tests::scenes;
use super::theme::{Role, Theme};
use crate::cockpit::key::Code;
use crate::cockpit::msg::KeyPress;
use crate::cockpit::overlay::Overlay;
use crate::cockpit::update::tests::situations;
use crate::cockpit::{Key, Model, Msg, update};

const SIZES: [(u16, u16); 4] = [(160, 45), (120, 36), (80, 24), (40, 12)];

/// A colour that nothing else has.
const MARK: Color = Color::Rgb(1, 2, 3);

/// A theme in which keys can be told from all else by their colour.
fn theme() -> Theme {
    let theme = Theme::load("keys", Some("[roles]\nkey = { fg = \"#010203\" }\n")).unwrap();
    assert_eq!(theme.of(Role::Key).fg, Some(MARK));
    theme
}

/// Reads a key as it is drawn.
fn read(text: &str) -> Option<Key> {
    const DRAWN: [(&str, Code); 9] = [
        ("⏎", Code::Enter),
        ("↑", Code::Up),
        ("↓", Code::Down),
        ("←", Code::Left),
        ("→", Code::Right),
        ("␣", Code::Char(' ')),
        ("pgup", Code::PageUp),
        ("pgdn", Code::PageDown),
        ("space", Code::Char(' ')),
    ];
    let drawn = DRAWN.iter().find(|(drawn, _)| *drawn == text);
    drawn.map(|(_, code)| Key::plain(*code)).or_else(|| Key::parse(text))
}

/// The keys of a frame: what has their colour, and what stands in brackets. The help lists keys of other places.
fn drawn(buf: &Buffer, is_help: bool) -> Vec<String> {
    let mut found = Vec::new();
    for row in buf.content.chunks(usize::from(buf.area.width)) {
        if is_help && row[0].symbol() == "│" {
            continue;
        }
        let mut run = String::new();
        for cell in row {
            if cell.fg == MARK {
                run.push_str(cell.symbol());
            } else if !run.is_empty() {
                found.push(std::mem::take(&mut run));
            }
        }
        found.push(run);
        let line: String = row.iter().map(ratatui::buffer::Cell::symbol).collect();
        let brackets = line.split('[').skip(1).filter_map(|rest| rest.split_once(']'));
        found.extend(brackets.map(|(inside, _)| inside.to_owned()));
    }
    let is_keys = |text: &String| text.split_whitespace().all(|key| read(key).is_some());
    let mut found: Vec<String> = found.iter().map(|text| text.trim().to_owned()).collect();
    found.retain(|text| !text.is_empty() && is_keys(text));
    found.sort_unstable();
    found.dedup();
    found
}

/// Presses keys one after the other, each on a frame that was seen; returns what is said of one that does nothing.
fn pressed(model: &mut Model, theme: &Theme, keys: &str, size: (u16, u16)) -> Option<String> {
    for (index, key) in (1..).zip(keys.split_whitespace()) {
        let _ = settled(model, theme, size.0, size.1);
        let press = KeyPress::new(read(key)?, 1_000_000 + index * 5000);
        let _ = update(model, Msg::Key(press));
        if let Some((_, word)) = model.word.as_ref().filter(|(_, word)| word.contains("does nothing here")) {
            return Some(word.clone());
        }
    }
    None
}

/// A frame of a model on which nothing was pressed yet.
fn first(model: &mut Model, theme: &Theme, size: (u16, u16)) -> Buffer {
    (model.size, model.word) = (size, None);
    settled(model, theme, size.0, size.1)
}

/// The keys that are drawn, each with the first size at which it is.
fn shown(model: &mut Model, theme: &Theme, sizes: &[(u16, u16)]) -> Vec<(String, (u16, u16))> {
    let mut here: Vec<(String, (u16, u16))> = Vec::new();
    for &size in sizes {
        let buf = first(model, theme, size);
        let is_help = matches!(model.overlays.last(), Some(Overlay::Help(_)));
        for keys in drawn(&buf, is_help) {
            if here.iter().all(|(known, _)| *known != keys) {
                here.push((keys, size));
            }
        }
    }
    here
}

#[test]
fn every_key_that_is_shown_in_a_situation_does_something() {
    let theme = theme();
    let (mut count, mut wrong) = (0, Vec::new());
    let mut pressed_in: BTreeMap<String, usize> = BTreeMap::new();
    for (name, situation) in situations::all() {
        let mut model = situation();
        let found = shown(&mut model, &theme, &SIZES[1..]);
        let next: Vec<String> = model.derived.next.iter().take(3).map(|(_, keys)| keys.clone()).collect();
        for (keys, size) in found {
            // What is next is pressed in each; what is drawn nearly everywhere, in some.
            let times = pressed_in.entry(keys.clone()).or_insert(0);
            *times += 1;
            if *times > 6 && !next.contains(&keys) {
                continue;
            }
            count += 1;
            let mut model = situation();
            first(&mut model, &theme, size);
            if let Some(word) = pressed(&mut model, &theme, &keys, size) {
                wrong.push(format!("{name} {size:?} `{keys}`: {word}"));
            }
        }
    }
    assert!(count > 300, "{count} keys are found");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_key_that_is_shown_does_something() {
    let theme = theme();
    // Each once in a scene, at the first size at which it is drawn.
    let mut all: Vec<Vec<(String, (u16, u16))>> = Vec::new();
    for (_, mut model) in scenes() {
        all.push(shown(&mut model, &theme, &SIZES));
    }
    assert!(all.iter().map(Vec::len).sum::<usize>() > 500, "keys are found");
    let mut wrong: Vec<String> = Vec::new();
    for round in 0..all.iter().map(Vec::len).max().unwrap_or_default() {
        for ((name, mut model), here) in scenes().into_iter().zip(&all) {
            let Some((keys, size)) = here.get(round) else { continue };
            first(&mut model, &theme, *size);
            if let Some(word) = pressed(&mut model, &theme, keys, *size) {
                wrong.push(format!("{name} {size:?} `{keys}`: {word}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
