//! The timeline: what happened, newest at the bottom.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::glyph;
use super::super::paint::{Pen, width};
use super::super::theme::Role;
use super::super::ui::Ui;
use super::{empty, frame, mark, window};
use crate::cockpit::{Command, Pane};
use crate::incident::{Entry, EntryKind, NoteKind, Precision};

pub(super) fn draw(ui: Ui<'_>, buf: &mut Buffer, area: Rect) -> Rect {
    let zone = ui.zone();
    let body = frame(ui, buf, area, Pane::Timeline, &[(&zone, ui.of(Role::Faint))]);
    let rows = ui.model.timeline_len();
    if rows == 0 {
        let filtered = !ui.model.view(Pane::Timeline).filter.is_empty();
        let hint = format!("press {} to write down what happens", ui.key(Command::Notes));
        let all = format!("press {} and empty the line to see all", ui.key(Command::Filter));
        let lines = if filtered { ["no entry contains this", &all] } else { ["nothing happened yet", &hint] };
        empty(ui, buf, body, &lines);
        return body;
    }
    let (top, cursor) = window(ui, Pane::Timeline, rows, body.height);
    let mut before = top.checked_sub(1).and_then(|row| ui.model.timeline_entry(row));
    for line in 0..body.height {
        let row = top + usize::from(line);
        let Some(entry) = ui.model.timeline_entry(row) else { break };
        precision(ui, buf, body, line, &entry);
        entry_row(ui, &mut Pen::new(buf, body, line), &entry, before.as_ref());
        mark(ui, buf, body, line, Pane::Timeline, row == cursor);
        before = Some(entry);
    }
    body
}

fn entry_row(ui: Ui<'_>, pen: &mut Pen<'_>, entry: &Entry<'_>, before: Option<&Entry<'_>>) {
    let time = ui.of(Role::Time);
    if entry.author != ui.model.me && pen.room() > 44 {
        // A name may be long; what happened is worth more.
        let room = pen.room() / 4;
        if width(entry.author) <= room {
            pen.right(entry.author, ui.of(Role::Author));
            pen.right_gap(1);
        }
    }
    let clock = if pen.room() > 36 { ui.clock(entry.at) } else { ui.minute(entry.at) };
    pen.put(&clock, time).gap(1);
    let (symbol, role) = glyph::entry(entry.kind);
    let taken_back = entry.retracted.is_some();
    let role = if taken_back { Role::Faint } else { role };
    pen.put(symbol, ui.of(role)).gap(1);
    if before.is_some_and(|before| ui.date(before.at) != ui.date(entry.at)) {
        pen.put(&ui.day(entry.at), ui.of(Role::Accent)).gap(1);
    }
    if entry.pinned {
        pen.put("★ ", ui.of(Role::Pinned));
    }
    if taken_back {
        pen.put("taken back ", ui.of(Role::Faint));
    } else if entry.original.is_some() {
        pen.put("amended ", ui.of(Role::Faint));
    }
    if let EntryKind::Note(kind) = entry.kind
        && kind != NoteKind::Note
    {
        pen.put(kind.name(), ui.of(role)).put(": ", ui.of(Role::Faint));
    }
    pen.put(entry.text.trim_end(), ui.of(if taken_back { Role::Retracted } else { Role::Text }));
}

/// The mark of a time that is not exact, in the margin, so that times stay aligned.
fn precision(ui: Ui<'_>, buf: &mut Buffer, body: Rect, line: u16, entry: &Entry<'_>) {
    let mark = match entry.precision {
        Precision::Exact => return,
        Precision::About => "~",
        Precision::Before => "<",
    };
    let margin = Rect { x: body.x.saturating_sub(1), width: 1, ..body };
    Pen::new(buf, margin, line).put(mark, ui.of(Role::Warn));
}

pub(super) fn summary(ui: Ui<'_>, pen: &mut Pen<'_>) {
    let rows = ui.model.timeline_len();
    match rows.checked_sub(1).and_then(|last| ui.model.timeline_entry(last)) {
        Some(entry) => entry_row(ui, pen, &entry, None),
        None => {
            pen.put("nothing yet", ui.of(Role::Faint));
        }
    }
}
