//! The panes: one file each, and the frame that is around all of them.

mod chart;
mod checklist;
mod health;
mod hotfix;
mod probe;
mod roomy;
mod runs;
mod timeline;
mod verdict;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::paint::{Pen, width};
use super::theme::Role;
use super::ui::{Ui, below, inset};
use crate::cockpit::Pane;
use crate::health::series::Status;

/// What was drawn of a pane.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Drawn {
    /// Where the rows of its list are.
    pub(super) list: Rect,
    /// Columns of its chart; 0 where it has none.
    pub(super) chart: u16,
    /// The row that each line of its list belongs to, counted from the first that is drawn; empty where each line
    /// is a row.
    pub(super) lines: Vec<u16>,
}

impl From<Rect> for Drawn {
    fn from(list: Rect) -> Self {
        Self { list, chart: 0, lines: Vec::new() }
    }
}

/// Draws a pane.
pub(super) fn draw(ui: Ui<'_>, buf: &mut Buffer, area: Rect, pane: Pane) -> Drawn {
    match pane {
        Pane::Timeline => {
            let (list, lines) = timeline::draw(ui, buf, area);
            Drawn { list, chart: 0, lines }
        }
        Pane::Health => health::draw(ui, buf, area),
        Pane::Hotfix => hotfix::draw(ui, buf, area).into(),
        Pane::Checklist => checklist::draw(ui, buf, area).into(),
        Pane::Runs => runs::draw(ui, buf, area).into(),
    }
}

/// Draws the chart of a probe; returns its columns, 0 where there is no room for it.
pub(super) fn chart(ui: Ui<'_>, buf: &mut Buffer, area: Rect, probe: &Status) -> u16 {
    let usual = ui.model.compared.answers.get(&probe.name).and_then(|answer| answer.usual);
    let second = ui.model.charted_over(probe);
    chart::draw(ui, buf, area, &chart::Picture { probe, usual, second })
}

/// Draws what matters most about a pane in one line.
pub(super) fn summary(ui: Ui<'_>, buf: &mut Buffer, line: Rect, pane: Pane) {
    let mut pen = Pen::new(buf, inset(line, 1), 0);
    pen.put(&(pane as usize + 1).to_string(), ui.of(Role::Key)).gap(1);
    pen.column_of(pane.title(), 10, ui.of(Role::Title)).gap(1);
    match pane {
        Pane::Timeline => timeline::summary(ui, &mut pen),
        Pane::Health => health::summary(ui, &mut pen),
        Pane::Hotfix => hotfix::summary(ui, &mut pen),
        Pane::Checklist => checklist::summary(ui, &mut pen),
        Pane::Runs => runs::summary(ui, &mut pen),
    }
}

/// Rows that have to be free in a pane so that one of them is left so.
const SPARE: usize = 2;

/// Draws the frame of a pane with its number, title and a label at the right, and returns
/// what is inside.
///
/// ```text
/// ╭ 1 Timeline /pool 3 of 9 ──── label ╮
/// │ …                                  │
/// ╰──────────────────────────── 1 of 3 ╯
/// ```
fn frame(ui: Ui<'_>, buf: &mut Buffer, area: Rect, pane: Pane, label: &[(&str, Style)]) -> Rect {
    if area.width < 8 || area.height < 2 {
        return Rect { width: 0, height: 0, ..area };
    }
    let focused = ui.model.focus == pane;
    let line = ui.of(if focused { Role::BorderFocus } else { Role::Border });
    let title = ui.of(if focused { Role::TitleFocus } else { Role::Title });
    let mut pen = Pen::new(buf, area, 0);
    pen.put("╭ ", line);
    pen.put(&(pane as usize + 1).to_string(), ui.of(if focused { Role::Key } else { Role::Faint }));
    pen.gap(1).put(pane.title(), title).gap(1);
    filtered(ui, &mut pen, pane);
    let columns: u16 = label.iter().map(|(text, _)| width(text)).sum();
    let label = if columns > 0 && columns + 4 <= pen.room() { label } else { &[] };
    let after = if label.is_empty() { 1 } else { columns + 3 };
    let rule = pen.room().saturating_sub(after);
    pen.column_of(&"─".repeat(usize::from(rule)), rule, line);
    if !label.is_empty() {
        pen.gap(1);
        for (text, style) in label {
            pen.put(text, *style);
        }
        pen.gap(1);
    }
    pen.put("╮", line);
    for y in 1..area.height - 1 {
        Pen::new(buf, area, y).put("│", line);
        let right = Rect { x: area.right() - 1, width: 1, ..area };
        Pen::new(buf, right, y).put("│", line);
    }
    foot(ui, buf, area, pane, line);
    let inner = Rect { x: area.x + 2, y: area.y + 1, width: area.width - 4, height: area.height - 2 };
    // On a shared screen a row of air, where that takes none from the list.
    let airy = ui.model.present.on && usize::from(inner.height) > ui.model.rows(pane) + SPARE;
    if airy { below(inner, 1) } else { inner }
}

/// What the pane is filtered by, how much of it that leaves, and what is hidden that is new or bad.
fn filtered(ui: Ui<'_>, pen: &mut Pen<'_>, pane: Pane) {
    let view = ui.model.view(pane);
    if view.filter.is_empty() {
        if view.folded.is_some() {
            let count = format!("folded, {} of {}", ui.model.rows(pane), ui.model.all_rows(pane));
            pen.put(&count, ui.of(Role::Muted)).gap(1);
        }
        return;
    }
    let count = format!("{} of {}", ui.model.rows(pane), ui.model.all_rows(pane));
    let hidden = match ui.model.hidden_alarms(pane) {
        0 => String::new(),
        1 => "▲ 1 alarm hidden".to_owned(),
        n => format!("▲ {n} alarms hidden"),
    };
    let kept = width(&count) + width(&hidden) + 4;
    let room = pen.room().saturating_sub(kept);
    pen.put("/", ui.of(Role::Key));
    pen.column_of(&view.filter, width(&view.filter).min(room), ui.of(Role::Match)).gap(1);
    pen.put(&count, ui.of(Role::Muted)).gap(1);
    if !hidden.is_empty() {
        pen.put(&hidden, ui.of(Role::Bad)).gap(1);
    }
}

/// The lower edge: where the cursor is if not all rows can be seen.
fn foot(ui: Ui<'_>, buf: &mut Buffer, area: Rect, pane: Pane, line: Style) {
    let view = ui.model.view(pane);
    let mut pen = Pen::new(buf, area, area.height - 1);
    pen.put("╰", line);
    let rows = ui.model.rows(pane);
    let more = rows > usize::from(view.height) && view.height > 0;
    let place =
        view.cursor.map_or_else(|| format!("{rows} rows"), |cursor| format!("{} of {rows}", cursor + 1));
    let kept = if more { width(&place) + 4 } else { 1 };
    let rule = pen.room().saturating_sub(kept);
    pen.column_of(&"─".repeat(usize::from(rule)), rule, line);
    if more {
        pen.gap(1).put(&place, ui.of(Role::Faint)).gap(1).put("─", line);
    }
    pen.put("╯", line);
}

/// First row to draw and the row the cursor is on, for a list of so many rows in so many
/// lines. The model keeps them; after a resize they may not fit for a frame.
fn window(ui: Ui<'_>, pane: Pane, rows: usize, lines: u16) -> (usize, usize) {
    let view = ui.model.view(pane);
    let (last, lines) = (rows.saturating_sub(1), usize::from(lines).max(1));
    let follows = pane == Pane::Timeline && view.cursor.is_none();
    let cursor = view.cursor.unwrap_or(if follows { last } else { 0 }).min(last);
    let top = if follows { rows.saturating_sub(lines) } else { view.top };
    let top = top.min(cursor).max((cursor + 1).saturating_sub(lines)).min(rows.saturating_sub(lines));
    (top, cursor)
}

/// Marks a row of a pane's list if the cursor is on it and the pane has the focus.
fn mark(ui: Ui<'_>, buf: &mut Buffer, body: Rect, line: u16, pane: Pane, on: bool) {
    if on && ui.model.focus == pane && ui.model.overlays.is_empty() {
        let row = Rect { x: body.x.saturating_sub(1), y: body.y + line, width: body.width + 2, height: 1 };
        ui.select(buf, row);
    }
}

/// Draws what an empty pane has to say, a line each.
fn empty(ui: Ui<'_>, buf: &mut Buffer, body: Rect, lines: &[&str]) {
    for (line, text) in lines.iter().enumerate() {
        let role = if line == 0 { Role::Muted } else { Role::Faint };
        Pen::new(buf, body, line as u16).put(text, ui.of(role));
    }
}
