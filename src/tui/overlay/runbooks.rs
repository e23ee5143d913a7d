//! Runbooks: which there are, and one of them to be read.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::paint::{Pen, width, wrap};
use super::super::theme::Role;
use super::super::ui::{Ui, below, row};
use super::document::{self, Line};
use super::{Shown, report, wide, window};
use crate::cockpit::Command;
use crate::cockpit::overlay::{RunbookView, RunbooksView};
use crate::report::runbook::Runbook;
use crate::text::visible;

/// Columns a paragraph is comfortable to read in.
const COLUMNS: u16 = 120;

/// ```text
/// ╭ Runbooks ─────────────────────────────────────────────────────────────╮
/// │ ★ The pool is exhausted    db fails             runbooks/db/pool.md   │
/// │   Roll a node out                               runbooks/node.md      │
/// ╰──────────────────────────────────────────────── ⏎ read  / search  esc ╯
/// ```
pub(super) fn draw(ui: Ui<'_>, buf: &mut Buffer, area: Rect, view: &RunbooksView) -> Shown {
    let rows = ui.model.runbooks_shown(&view.filter);
    let shelf = ui.model.runbooks.as_ref();
    let skipped = shelf.map_or(&[][..], |shelf| &shelf.skipped);
    let lines = (rows.len().max(1) + skipped.len().min(3)) as u16;
    let keys = [(Command::Open, "read"), (Command::Filter, "search"), (Command::Back, "back")];
    let title = match view.filter.as_str() {
        "" => "Runbooks".to_owned(),
        words => format!("Runbooks  /{}", visible(words)),
    };
    let inner = window(ui, buf, wide(area, lines.saturating_add(3)), &title, &keys);
    let foot = (skipped.len() as u16).min(3).min(inner.height / 2);
    let list = Rect { height: inner.height - foot, ..inner };
    let room = usize::from(list.height);
    let top = (view.cursor + 1).saturating_sub(room.max(1));
    let titles = rows.iter().map(|(runbook, _)| width(&visible(&runbook.title))).max().unwrap_or_default();
    let titles = titles.min(list.width / 2);
    for (line, (runbook, why)) in rows.iter().skip(top).take(room).enumerate() {
        listed(ui, &mut Pen::new(buf, list, line as u16), runbook, why, titles);
        if top + line == view.cursor {
            let row = Rect { x: inner.x.saturating_sub(1), width: inner.width + 2, ..row(list, line as u16) };
            ui.select(buf, row);
        }
    }
    if rows.is_empty() {
        let folders = ui.model.config.config.runbooks.paths.join(", ");
        let none = match (shelf, view.filter.is_empty()) {
            (None, _) => "looking …".to_owned(),
            (_, false) => "no runbook matches".to_owned(),
            _ => format!("no runbooks yet: put Markdown files into {}", visible(&folders)),
        };
        Pen::new(buf, list, 0).put(&none, ui.of(Role::Faint));
    }
    let under = below(inner, list.height);
    for (line, (path, why)) in skipped.iter().take(usize::from(foot)).enumerate() {
        let said = format!("left out: {}: {}", visible(path), visible(why));
        Pen::new(buf, under, line as u16).put(&said, ui.of(Role::Faint));
    }
    Shown { lines: list.height, top, cursor: None, more: None }
}

fn listed(ui: Ui<'_>, pen: &mut Pen<'_>, runbook: &Runbook, why: &str, titles: u16) {
    let mark = if why.is_empty() { " " } else { "★" };
    pen.put(mark, ui.of(Role::Accent)).gap(1);
    pen.column_of(&visible(&runbook.title), titles, ui.of(Role::Text)).gap(2);
    if pen.room() > 20 {
        pen.right(&visible(&runbook.path), ui.of(Role::Faint));
        pen.right_gap(2);
    }
    pen.put(why, ui.of(Role::Warn));
}

/// Draws one that is read, with the block of commands that is chosen marked.
pub(super) fn page(ui: Ui<'_>, buf: &mut Buffer, area: Rect, view: &RunbookView) -> Shown {
    let page = &view.page;
    let mut keys = vec![(Command::Down, "scroll")];
    if !page.commands.is_empty() {
        keys.push((Command::NextPane, "next commands"));
    }
    let chosen = view.command.checked_sub(1).and_then(|index| page.commands.get(index));
    // What is refused is said below instead.
    if chosen.is_some_and(|chosen| chosen.lines.is_ok()) {
        keys.push((Command::Open, "plan them"));
    }
    keys.push((Command::Back, "back"));
    let inner = window(ui, buf, wide(area, area.height), &visible(&page.path), &keys);
    let inner = Rect { width: inner.width.min(COLUMNS), ..inner };
    let said = said(view);
    let role = match said.as_str() {
        refused if refused.starts_with('✗') => Role::Warn,
        _ if view.command > 0 => Role::Accent,
        _ => Role::Warn,
    };
    let clean = visible(&said);
    let said = if clean.is_empty() { Vec::new() } else { wrap(&clean, inner.width) };
    // Most of the room is for the runbook.
    let foot = (said.len() as u16).min(inner.height / 3);
    for (row, line) in (0..foot).zip(said) {
        Pen::new(buf, inner, inner.height - foot + row).put(line, ui.of(role));
    }
    let place = Rect { height: inner.height - foot, ..inner };
    let lines = report::index(&page.blocks);
    let made = |line: usize| -> Line {
        let at = &lines[line];
        let line = report::made(ui, &page.blocks, at);
        if chosen.is_some_and(|chosen| at.block == Some(chosen.block)) {
            return line.marked(ui.of(Role::Selection));
        }
        line
    };
    document::draw(buf, place, view.scroll.top, lines.len(), made)
}

/// What is said below it: why the commands that are chosen cannot be run, or what is not shown.
fn said(view: &RunbookView) -> String {
    let page = &view.page;
    match view.command.checked_sub(1).and_then(|index| page.commands.get(index)) {
        Some(chosen) => {
            let number = format!("commands {} of {}", view.command, page.commands.len());
            match (&chosen.lines, &chosen.reaches) {
                (Err(why), _) => format!("✗ {number}: {why}"),
                (Ok(_), Some(reaches)) => format!("{number}: reaches {reaches}, as the runbook says"),
                (Ok(_), None) => format!("{number}: what they reach is not declared"),
            }
        }
        None => page.cut.clone(),
    }
}
