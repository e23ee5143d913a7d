//! Feature flags with their state.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::glyph;
use super::super::paint::{Pen, width, wrap};
use super::super::theme::Role;
use super::super::ui::{Ui, below, row};
use super::{Shown, wide, window};
use crate::cockpit::Command;
use crate::cockpit::overlay::{Flag, Flags};
use crate::deploy::flags::Switch;
use crate::text::visible;

/// Lines below the list: a gap, and why the state of the flag of the cursor is not known.
const BELOW: u16 = 4;

pub(super) fn draw(ui: Ui<'_>, buf: &mut Buffer, area: Rect, view: &Flags) -> Shown {
    let wanted = (view.rows.len() as u16).saturating_add(BELOW + 3);
    let keys =
        [(Command::FlagToggle, "turn on or off"), (Command::FlagsAgain, "refresh"), (Command::Back, "back")];
    let inner = window(ui, buf, wide(area, wanted), "Flags", &keys);
    let read = match (view.reading, view.read_at) {
        (Some(_), _) => "reading …".to_owned(),
        (None, Some(at)) => format!("read {}", ui.clock(at)),
        (None, None) => "not read".to_owned(),
    };
    Pen::new(buf, inner, 0).right(&read, ui.of(Role::Faint));
    let list = below(inner, 1);
    let list = Rect { height: list.height.saturating_sub(BELOW), ..list };
    let lines = usize::from(list.height);
    let top = (view.cursor + 1).saturating_sub(lines.max(1));
    let names = view.rows.iter().map(|flag| width(&flag.name)).max().unwrap_or_default();
    for (line, flag) in view.rows.iter().skip(top).take(lines).enumerate() {
        flag_row(ui, &mut Pen::new(buf, list, line as u16), flag, names.min(list.width / 2));
        if top + line == view.cursor {
            let row = Rect { x: inner.x.saturating_sub(1), width: inner.width + 2, ..row(list, line as u16) };
            ui.select(buf, row);
        }
    }
    if view.rows.is_empty() {
        Pen::new(buf, list, 0).put("no flags are configured", ui.of(Role::Faint));
    }
    if let Some(Flag { state: Some(Switch::Unknown(why)), .. }) = view.rows.get(view.cursor) {
        let under = below(inner, 2 + list.height);
        let why = visible(why);
        for (line, text) in wrap(&why, under.width).into_iter().take(usize::from(under.height)).enumerate() {
            Pen::new(buf, under, line as u16).put(text, ui.of(Role::Unknown));
        }
    }
    Shown { lines: list.height, top, cursor: None, more: None }
}

fn flag_row(ui: Ui<'_>, pen: &mut Pen<'_>, flag: &Flag, names: u16) {
    let ((glyph, role), word) = glyph::flag(flag.state.as_ref());
    let style = ui.of(role);
    pen.put(glyph, style).gap(1).column_of(&flag.name, names, ui.of(Role::Text)).gap(2);
    pen.column_of(word, 7, style).gap(2).put(&flag.about, ui.of(Role::Muted));
}
