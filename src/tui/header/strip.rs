//! What stays of the header over a window or a pane on a small screen.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::paint::{Pen, width};
use super::super::theme::Role;
use super::super::ui::{Ui, below, inset, row};
use super::next::step;
use super::{NOT_SAVED, badge, badge_on, block, elapsed, leads, told};
use crate::incident::State;

/// Draws what stays over a window or a pane on a small screen: how bad it is, how production is, who leads and since
/// when; then what is next, or that nothing is saved. Returns what is left below it.
pub(in super::super) fn strip(ui: Ui<'_>, buf: &mut Buffer, area: Rect, state: &State) -> Rect {
    let lines = strip_lines(area);
    let last = row(area, lines - 1);
    ui.fill(buf, last, Role::Next);
    if lines > 1 {
        in_short(ui, &mut Pen::new(buf, row(area, 0), 0), state);
    }
    if lines > 2 {
        Pen::new(buf, inset(area, 1), 1).put(&state.title, ui.of(Role::PhaseNow));
    }
    let mut pen = Pen::new(buf, last, 0);
    if lines == 1 {
        // On the band of what is next it is to be read, too.
        badge_on(ui, &mut pen, state, Role::Next);
    } else {
        pen.gap(1);
    }
    if ui.model.journal_gone {
        pen.put(NOT_SAVED, ui.of(Role::Overdue));
    } else if let Some((first, keys)) = ui.model.derived.next.first() {
        // What it is about is said as long as nothing is cut for it.
        let taken = width(&first.title) + width(keys) + 4;
        if taken + 6 <= pen.room() {
            pen.put("NEXT", ui.of(Role::NextLabel)).gap(2);
        }
        step(ui, &mut pen, &first.title, keys, ui.of(Role::Next));
    }
    below(area, lines)
}

/// The first line of that strip: the severity, the word for production and the clock always; of who leads, that it
/// is practice, since when and the title, as much as there is room for.
fn in_short(ui: Ui<'_>, pen: &mut Pen<'_>, state: &State) {
    badge(ui, pen, state);
    elapsed(ui, pen, state);
    let found = told(ui, state);
    let word = found.map_or(0, |found| width(found.word.name()) + 1);
    let mut right = |text: &str, role: Role| {
        if word + width(text) < pen.room() && pen.right(text, ui.of(role)) {
            pen.right_gap(1);
        }
    };
    if ui.model.present.on {
        right("presenting", Role::Accent);
    }
    if ui.model.drill {
        right("drill", Role::Guide);
    }
    if let Some((who, role)) = leads(ui, state) {
        right(&who, role);
    }
    if let Some(found) = found {
        let (block, role) = block(ui, found);
        let whole = width(&block) <= pen.room();
        pen.put(if whole { &block } else { found.word.name() }, ui.of(role)).gap(1);
    }
    if pen.room() >= LEAST {
        pen.put(&state.title, ui.of(Role::PhaseNow));
    }
}

/// Fewest columns in which a title says anything.
const LEAST: u16 = 10;

/// Lines of that strip: where a window needs every line to be decided in, all but what is next gives way.
pub(in super::super) fn strip_lines(area: Rect) -> u16 {
    match area.height {
        ..12 => 1,
        // Where the title has no room beside the rest it has a line of its own.
        16.. if area.width < WIDE => 3,
        _ => 2,
    }
}

/// Columns from which on the first line has room for a title.
const WIDE: u16 = 60;
