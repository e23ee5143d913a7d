//! The palette: every command by name, with its keys.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::paint::{Pen, width, wrap};
use super::super::theme::Role;
use super::super::ui::{Ui, below, row};
use super::{Shown, framed, typed, wide};
use crate::cockpit::msg::Item;
use crate::cockpit::overlay::Palette;

/// Most rows of it.
const ROWS: u16 = 22;

pub(super) fn draw(ui: Ui<'_>, buf: &mut Buffer, area: Rect, palette: &Palette) -> Shown {
    let keys = [("↑↓", "choose"), ("⏎", "do it"), ("esc", "back")];
    let inner = framed(ui, buf, wide(area, ROWS), "Commands", &keys, Role::OverlayBorder);
    let found = format!("{} of {}", palette.matches.len(), palette.items.len());
    Pen::new(buf, inner, 0).right(&found, ui.of(Role::Faint));
    let mut pen = Pen::new(buf, inner, 0);
    pen.put(": ", ui.of(Role::Key));
    let line = row(inner, 0);
    let room = line.width.saturating_sub(width(&found) + 4);
    let line = Rect { x: (line.x + 2).min(line.right()), width: room, ..line };
    let cursor = typed(ui, buf, line, &palette.input, "type a few letters of what you want to do");
    let list = below(inner, 2);
    if palette.matches.is_empty() {
        Pen::new(buf, list, 0).put("no command matches", ui.of(Role::Muted));
        let verbs = "some verbs have no key: run them from a terminal, flightdeck --help lists them";
        for (line, words) in wrap(verbs, list.width).into_iter().enumerate() {
            Pen::new(buf, list, 1 + line as u16).put(words, ui.of(Role::Faint));
        }
    }
    let lines = usize::from(list.height);
    let top = (palette.selected + 1).saturating_sub(lines.max(1));
    let shown = || palette.matches.iter().skip(top).take(lines).filter_map(|index| palette.items.get(*index));
    let labels = shown().map(|item| width(&item.label)).max().unwrap_or_default().min(list.width * 9 / 20);
    for (line, item) in shown().enumerate() {
        item_row(ui, &mut Pen::new(buf, list, line as u16), item, labels);
        if top + line == palette.selected {
            let row = Rect { x: inner.x.saturating_sub(1), width: inner.width + 2, ..row(list, line as u16) };
            ui.select(buf, row);
        }
    }
    Shown { lines: list.height, top, cursor, more: None }
}

/// What it does, what that is, and its keys at the right edge; each in a column of its own.
fn item_row(ui: Ui<'_>, pen: &mut Pen<'_>, item: &Item, labels: u16) {
    if let Some(why) = &item.disabled {
        // A menu says once above its rows why none of them can be taken.
        let why = if why.is_empty() { "not now" } else { why };
        let label = labels.min(pen.room().saturating_sub(width(why) + 4).max(16));
        pen.column_of(&item.label, label, ui.of(Role::Disabled)).gap(2);
        pen.put(item.mark(), ui.of(Role::Disabled)).put(why, ui.of(Role::Disabled));
        return;
    }
    pen.right(&item.path, ui.of(Role::Key));
    pen.right_gap(2);
    let help = item.invoke.command.spec().help;
    if pen.room() < labels + 18 {
        // What it is named says more than half a sentence about it.
        pen.put(&item.label, ui.of(Role::Text));
        return;
    }
    pen.column_of(&item.label, labels, ui.of(Role::Text)).gap(2);
    if help != item.label {
        pen.put(help, ui.of(Role::Faint));
    }
}
