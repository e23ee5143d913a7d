//! Help: every key and what it does, from the one table of commands.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::paint::{Pen, width};
use super::super::theme::Role;
use super::super::ui::{Ui, inset};
use super::{Shown, window};
use crate::cockpit::commands::Spec;
use crate::cockpit::overlay::Scroll;
use crate::cockpit::{COMMANDS, Scope};

/// From this width there are two columns.
const TWO: u16 = 140;

/// One line of help.
enum Line {
    Blank,
    Heading(Scope),
    Row(&'static Spec),
}

pub(super) fn draw(ui: Ui<'_>, buf: &mut Buffer, area: Rect, scroll: Scroll) -> Shown {
    let place = inset(area, if area.width > 150 { (area.width - 150) / 2 } else { 0 });
    let inner = window(ui, buf, place, "Keys", &[("j k", "scroll"), ("esc", "back")]);
    let lines = lines();
    let columns: Vec<&[Line]> = if inner.width >= TWO {
        let (left, right) = lines.split_at(half(&lines));
        // The gap between two groups is no use at the top of a column.
        vec![left, right.strip_prefix_blank()]
    } else {
        vec![&lines]
    };
    let longest = columns.iter().map(|column| column.len()).max().unwrap_or(0);
    let top = scroll.top.min(longest.saturating_sub(usize::from(inner.height)));
    let gap = 3;
    let wide = (inner.width - gap * (columns.len() as u16 - 1)) / columns.len() as u16;
    for (index, column) in columns.iter().enumerate() {
        let x = inner.x + index as u16 * (wide + gap);
        let place = Rect { x, width: wide, ..inner };
        for (y, line) in column.iter().skip(top).take(usize::from(inner.height)).enumerate() {
            line_row(ui, &mut Pen::new(buf, place, y as u16), line);
        }
    }
    Shown { lines: inner.height, top, cursor: None }
}

trait StripBlank {
    fn strip_prefix_blank(&self) -> &Self;
}

impl StripBlank for [Line] {
    fn strip_prefix_blank(&self) -> &Self {
        match self {
            [Line::Blank, rest @ ..] => rest,
            all => all,
        }
    }
}

/// All lines, grouped by where the keys work; groups in the order of the table.
fn lines() -> Vec<Line> {
    let mut scopes: Vec<Scope> = Vec::new();
    for spec in COMMANDS {
        if !scopes.contains(&spec.scope) && rows(spec.scope).next().is_some() {
            scopes.push(spec.scope);
        }
    }
    let mut lines = Vec::with_capacity(COMMANDS.len() + 2 * scopes.len());
    for scope in scopes {
        if !lines.is_empty() {
            lines.push(Line::Blank);
        }
        lines.push(Line::Heading(scope));
        lines.extend(rows(scope).map(Line::Row));
    }
    lines
}

/// What has a key in a scope.
fn rows(scope: Scope) -> impl Iterator<Item = &'static Spec> {
    COMMANDS.iter().filter(move |spec| spec.scope == scope && !spec.keys.is_empty())
}

/// Where to break into two columns: at the start of the group nearest to the middle.
fn half(lines: &[Line]) -> usize {
    let middle = lines.len().div_ceil(2);
    let starts = lines.iter().enumerate().filter(|(_, line)| matches!(line, Line::Blank));
    starts.map(|(index, _)| index).min_by_key(|index| index.abs_diff(middle)).unwrap_or(middle)
}

fn line_row(ui: Ui<'_>, pen: &mut Pen<'_>, line: &Line) {
    match line {
        Line::Blank => {}
        Line::Heading(scope) => {
            if let Scope::Menu(menu) = scope {
                pen.put("after ", ui.of(Role::Faint)).put(&ui.key(*menu), ui.of(Role::Key)).gap(1);
            }
            pen.put(scope.title(), ui.of(Role::OverlayTitle));
        }
        Line::Row(spec) => {
            let keys: Vec<String> =
                ui.model.keymap.keys(spec.command).iter().map(ToString::to_string).collect();
            let keys = keys.join(" ");
            pen.column_right(&keys, width(&keys).clamp(13, 20), ui.of(Role::Key)).gap(2);
            pen.put(spec.help, ui.of(Role::Text));
        }
    }
}
