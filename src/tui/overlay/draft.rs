//! A `flightdeck.toml` before it is written: where it goes, all that it says, and what follows.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::paint::Pen;
use super::super::theme::Role;
use super::super::ui::{Ui, below};
use super::document::{self, Line};
use super::{Shown, wide, window};
use crate::cockpit::overlay::DraftView;
use crate::text::visible;

/// Lines around what would be written: the path, a blank above and below, what follows, and the answer.
const AROUND: u16 = 5;

pub(super) fn draw(ui: Ui<'_>, buf: &mut Buffer, area: Rect, view: &DraftView) -> Shown {
    let lines: Vec<Line> = view
        .content
        .lines()
        .map(|line| {
            let role = if line.trim_start().starts_with('#') { Role::Faint } else { Role::Code };
            Line::of(line, ui.of(role)).hanging(2)
        })
        .collect();
    let inner = window(ui, buf, wide(area, area.height), "Write flightdeck.toml?", &[]);
    Pen::new(buf, inner, 0).put(&visible(&view.path), ui.of(Role::Text));
    let list = below(inner, 2);
    let list = Rect { height: list.height.saturating_sub(AROUND - 2), ..list };
    let shown = document::draw(buf, list, view.scroll.top, lines.len(), |index| lines[index].clone());
    let foot = below(inner, inner.height.saturating_sub(2));
    let said = ["Nothing is written yet. What it names may run from then on.", "Nothing is written yet."];
    let said = said.into_iter().find(|said| super::width(said) <= foot.width).unwrap_or_default();
    Pen::new(buf, foot, 0).put(said, ui.of(Role::Faint));
    let mut pen = Pen::new(buf, foot, 1);
    pen.put("y", ui.of(Role::Key)).gap(1).put("write and trust it", ui.of(Role::Warn)).gap(4);
    pen.put("esc", ui.of(Role::Key)).gap(1).put("back", ui.of(Role::Text));
    shown
}
