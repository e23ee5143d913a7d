//! A line of text asked for, at the bottom of the screen.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::paint::Pen;
use super::super::theme::Role;
use super::super::ui::{Ui, row};
use super::{Shown, framed, low, typed};
use crate::cockpit::overlay::Ask;

pub(super) fn draw(ui: Ui<'_>, buf: &mut Buffer, area: Rect, ask: &Ask) -> Shown {
    let complains = !ask.complaint.is_empty();
    let place = low(area, 3 + u16::from(complains));
    let inner = framed(ui, buf, place, &ask.label, &[("⏎", "done"), ("esc", "back")], Role::OverlayBorder);
    if complains {
        Pen::new(buf, inner, 1).put("✗ ", ui.of(Role::Bad)).put(&ask.complaint, ui.of(Role::Bad));
    }
    let cursor = typed(ui, buf, row(inner, 0), &ask.input, &ask.placeholder);
    Shown { lines: 1, top: 0, cursor, more: None }
}
