//! A change as text: what was added and taken away, to be read.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};

use super::super::paint::{Pen, cells};
use super::super::theme::Role;
use super::super::ui::{Ui, below, row};
use super::document;
use super::{Shown, wide, window};
use crate::cockpit::Command;
use crate::cockpit::lines::Needle;
use crate::cockpit::suspects::ChangeView;
use crate::hotfix::suspects::{LineKind, TextLine};

pub(super) fn draw(ui: Ui<'_>, buf: &mut Buffer, area: Rect, view: &ChangeView) -> Shown {
    let place = wide(area, area.height);
    let mut keys = vec![(Command::Down, "scroll"), (Command::FindText, "find")];
    if view.search.is_some() {
        keys.push((Command::FindNext, "next"));
    }
    if place.width > 60 {
        keys.push((Command::Right, "sideways"));
    }
    keys.push((Command::Back, "back"));
    let inner = window(ui, buf, place, &view.title, &keys);
    if let Some(failure) = &view.problem {
        let lines = document::failed(ui, failure);
        return document::draw(buf, inner, 0, lines.len(), |index| lines[index].clone());
    }
    if view.reading.is_some() {
        Pen::new(buf, inner, 0).put(&format!("reading {} …", view.tells.word()), ui.of(Role::Muted));
        return Shown { lines: inner.height, top: view.top, cursor: None, more: None };
    }
    let foot = u16::from(view.search.is_some() || view.text.cut.is_some());
    let body = Rect { height: inner.height.saturating_sub(foot), ..inner };
    let height = usize::from(body.height);
    let top = view.top.min(view.text.lines.len().saturating_sub(height));
    let needle = view.search.as_ref().map(|search| Needle::new(&search.text));
    for y in 0..body.height {
        let Some(line) = view.text.lines.get(top + usize::from(y)) else { break };
        one(ui, buf, row(body, y), line, view.shift, needle.as_ref());
    }
    if foot > 0 {
        signs(ui, &mut Pen::new(buf, below(inner, body.height), 0), view);
    }
    Shown { lines: body.height, top, cursor: None, more: None }
}

/// One line, from a column on.
fn one(ui: Ui<'_>, buf: &mut Buffer, place: Rect, line: &TextLine, shift: u16, needle: Option<&Needle>) {
    let base = style(ui, line.kind);
    let found = needle.map(|needle| needle.find(&line.text)).unwrap_or_default();
    let mut pen = Pen::new(buf, place, 0);
    let (mut at, mut column) = (0, 0);
    for (symbol, columns) in cells(&line.text) {
        let start = at;
        at += symbol.len();
        column += columns;
        if column <= shift {
            continue;
        }
        if pen.room() < columns {
            break;
        }
        let hit = found.iter().any(|place| place.contains(&start));
        pen.raw(symbol, if hit { base.patch(ui.of(Role::Match)) } else { base });
    }
}

fn style(ui: Ui<'_>, kind: LineKind) -> Style {
    match kind {
        LineKind::Message => ui.of(Role::Text),
        LineKind::File => ui.of(Role::Code).add_modifier(Modifier::BOLD),
        LineKind::Place => ui.of(Role::Info),
        LineKind::Added => ui.of(Role::Good),
        LineKind::Removed => ui.of(Role::Bad),
        LineKind::Context => ui.of(Role::Muted),
    }
}

/// What was found, and that there is more.
fn signs(ui: Ui<'_>, pen: &mut Pen<'_>, view: &ChangeView) {
    if let Some(search) = &view.search {
        let (word, role) = match search.lines.len() {
            0 => ("not found".to_owned(), Role::Warn),
            count => (format!("line {} of {count}", search.current + 1), Role::Accent),
        };
        pen.right(&word, ui.of(role));
        pen.right_gap(1);
        let text: String = search.text.chars().take(24).collect();
        pen.right(&format!("“{text}”"), ui.of(Role::Match));
        pen.right_gap(2);
    }
    if let Some(cut) = &view.text.cut {
        pen.put("▲ ", ui.of(Role::Warn)).put(cut, ui.of(Role::Warn));
    }
}
