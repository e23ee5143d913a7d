//! Help: every key and what it does, from the one table of commands.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::glyph::{self, Glyph};
use super::super::paint::{Pen, width, wrap};
use super::super::theme::Role;
use super::super::ui::Ui;
use super::{Shown, wide, window};
use crate::cockpit::commands::Spec;
use crate::cockpit::overlay::HelpView;
use crate::cockpit::update::menus;
use crate::cockpit::{COMMANDS, Command, Invoke, Scope};
use crate::config::types::Action;

/// From this width there are two columns.
const TWO: u16 = 140;
/// Columns of the keys at least, at most, and of the gap behind them.
const KEYS: (u16, u16, u16) = (13, 20, 2);

/// One line of help.
#[derive(Clone, Copy)]
enum Line<'a> {
    Blank,
    Heading(Scope),
    /// Before the team's own actions.
    Own,
    Legend,
    Row(&'static Spec, &'a str),
    /// An action of `flightdeck.toml`: its keys, and what it does.
    Action(&'a str, &'a str),
    Glyph(Glyph, &'a str),
    /// What of the row above had no room there, behind so many columns.
    Rest(u16, &'a str),
}

pub(super) fn draw(ui: Ui<'_>, buf: &mut Buffer, area: Rect, view: &HelpView) -> Shown {
    let place = wide(area, area.height);
    let keys = [(Command::Filter, "filter"), (Command::Down, "scroll"), (Command::Back, "back")];
    let actions = actions(ui);
    let lines = lines(ui, &actions, &view.filter);
    let title = if view.filter.is_empty() {
        "Keys".to_owned()
    } else {
        let found = lines
            .iter()
            .filter(|line| matches!(line, Line::Row(..) | Line::Action(..) | Line::Glyph(..)))
            .count();
        let all = COMMANDS.iter().filter(|spec| has_key(spec)).count() + actions.len() + glyph::LEGEND.len();
        format!("Keys  /{}  {found} of {all}", view.filter)
    };
    let inner = window(ui, buf, place, &title, &keys);
    if lines.is_empty() {
        Pen::new(buf, inner, 0).put("nothing matches", ui.of(Role::Faint));
        return Shown { lines: inner.height, ..Shown::default() };
    }
    let columns: Vec<&[Line<'_>]> = if inner.width >= TWO && view.filter.is_empty() {
        let (left, right) = lines.split_at(half(&lines));
        // The gap between two groups is no use at the top of a column.
        vec![left, right.strip_prefix_blank()]
    } else {
        vec![&lines]
    };
    let gap = 3;
    let wide = (inner.width - gap * (columns.len() as u16 - 1)) / columns.len() as u16;
    let columns: Vec<Vec<Line<'_>>> = columns.into_iter().map(|column| wrapped(ui, column, wide)).collect();
    let longest = columns.iter().map(Vec::len).max().unwrap_or(0);
    let top = view.scroll.top.min(longest.saturating_sub(usize::from(inner.height)));
    for (index, column) in columns.iter().enumerate() {
        let x = inner.x + index as u16 * (wide + gap);
        let place = Rect { x, width: wide, ..inner };
        for (y, line) in column.iter().skip(top).take(usize::from(inner.height)).enumerate() {
            line_row(ui, &mut Pen::new(buf, place, y as u16), line);
        }
    }
    Shown { lines: inner.height, top, cursor: None, more: None }
}

trait StripBlank {
    fn strip_prefix_blank(&self) -> &Self;
}

impl StripBlank for [Line<'_>] {
    fn strip_prefix_blank(&self) -> &Self {
        match self {
            [Line::Blank, rest @ ..] => rest,
            all => all,
        }
    }
}

/// The lines as they fit into so many columns: what a row has no room for follows below it.
fn wrapped<'a>(ui: Ui<'_>, lines: &[Line<'a>], wide: u16) -> Vec<Line<'a>> {
    let mut all = Vec::with_capacity(lines.len());
    for line in lines {
        let (before, text) = match line {
            Line::Row(spec, text) => (keys_width(&keys(ui, spec)) + KEYS.2, *text),
            Line::Action(keys, text) => (keys_width(keys) + KEYS.2, *text),
            Line::Glyph(_, text) => (KEYS.0 + KEYS.2, *text),
            Line::Blank | Line::Heading(_) | Line::Own | Line::Legend | Line::Rest(..) => {
                all.push(*line);
                continue;
            }
        };
        let mut parts = wrap(text, wide.saturating_sub(before)).into_iter();
        let first = parts.next().unwrap_or_default();
        all.push(match line {
            Line::Glyph(glyph, _) => Line::Glyph(*glyph, first),
            Line::Row(spec, _) => Line::Row(spec, first),
            Line::Action(keys, _) => Line::Action(keys, first),
            other => *other,
        });
        all.extend(parts.map(|part| Line::Rest(before, part)));
    }
    all
}

fn keys(ui: Ui<'_>, spec: &Spec) -> String {
    let keys: Vec<String> = ui.model.keymap.keys(spec.command).iter().map(ToString::to_string).collect();
    keys.join(" ")
}

fn keys_width(keys: &str) -> u16 {
    width(keys).clamp(KEYS.0, KEYS.1)
}

/// The team's own actions: the keys of each, and what it does.
fn actions(ui: Ui<'_>) -> Vec<(String, String)> {
    let all = ui.model.config.config.actions.iter().filter(|_| ui.model.may_run());
    let row = |action: &Action| {
        let invoke = Invoke { command: Command::Actions, argument: action.name.clone() };
        (menus::path(ui.model, &invoke), action.about().to_owned())
    };
    all.map(row).collect()
}

/// All lines that contain a text, grouped by where the keys work; groups in the order of the table.
fn lines<'a>(ui: Ui<'_>, actions: &'a [(String, String)], filter: &str) -> Vec<Line<'a>> {
    let filter = filter.to_lowercase();
    let mut scopes: Vec<Scope> = Vec::new();
    for spec in COMMANDS {
        if !scopes.contains(&spec.scope) && rows(ui, spec.scope, &filter).next().is_some() {
            scopes.push(spec.scope);
        }
    }
    let mut lines = Vec::with_capacity(COMMANDS.len() + 2 * scopes.len());
    for scope in scopes {
        if !lines.is_empty() {
            lines.push(Line::Blank);
        }
        lines.push(Line::Heading(scope));
        lines.extend(rows(ui, scope, &filter).map(|spec| Line::Row(spec, spec.help)));
    }
    let is_meant = |text: &str| text.to_lowercase().contains(&filter);
    let own =
        actions.iter().filter(|(keys, about)| is_meant("own actions") || is_meant(keys) || is_meant(about));
    let mut own = own.peekable();
    if own.peek().is_some() {
        lines.extend((!lines.is_empty()).then_some(Line::Blank));
        lines.push(Line::Own);
        lines.extend(own.map(|(keys, about)| Line::Action(keys, about)));
    }
    let glyphs: Vec<Line<'_>> = glyph::LEGEND
        .iter()
        .filter(|((symbol, _), about)| {
            "glyphs".contains(&filter) || *symbol == filter || about.to_lowercase().contains(&filter)
        })
        .map(|(glyph, about)| Line::Glyph(*glyph, about))
        .collect();
    if !glyphs.is_empty() {
        if !lines.is_empty() {
            lines.push(Line::Blank);
        }
        lines.push(Line::Legend);
        lines.extend(glyphs);
    }
    lines
}

/// What has a key in a scope, and contains a text in small letters.
fn rows<'a>(ui: Ui<'a>, scope: Scope, filter: &'a str) -> impl Iterator<Item = &'static Spec> {
    COMMANDS.iter().filter(move |spec| spec.scope == scope && has_key(spec)).filter(move |spec| {
        filter.is_empty()
            || spec.help.to_lowercase().contains(filter)
            || scope.title().to_lowercase().contains(filter)
            || ui.model.keymap.keys(spec.command).iter().any(|key| key.to_string().to_lowercase() == filter)
    })
}

fn has_key(spec: &Spec) -> bool {
    !spec.keys.is_empty()
}

/// Where to break into two columns: at the start of the group nearest to the middle.
fn half(lines: &[Line<'_>]) -> usize {
    let middle = lines.len().div_ceil(2);
    let starts = lines.iter().enumerate().filter(|(_, line)| matches!(line, Line::Blank));
    starts.map(|(index, _)| index).min_by_key(|index| index.abs_diff(middle)).unwrap_or(middle)
}

fn line_row(ui: Ui<'_>, pen: &mut Pen<'_>, line: &Line<'_>) {
    match line {
        Line::Blank => {}
        Line::Heading(scope) => {
            if let Scope::Menu(menu) = scope {
                pen.put("after ", ui.of(Role::Faint)).put(&ui.key(*menu), ui.of(Role::Key)).gap(1);
            }
            pen.put(scope.title(), ui.of(Role::OverlayTitle));
        }
        Line::Own => {
            pen.put("Own actions", ui.of(Role::OverlayTitle));
        }
        Line::Legend => {
            pen.put("Glyphs", ui.of(Role::OverlayTitle));
        }
        Line::Row(spec, text) => {
            let keys = keys(ui, spec);
            pen.column_right(&keys, keys_width(&keys), ui.of(Role::Key)).gap(KEYS.2);
            pen.put(text, ui.of(Role::Text));
        }
        Line::Action(keys, text) => {
            pen.column_right(keys, keys_width(keys), ui.of(Role::Key)).gap(KEYS.2);
            pen.put(text, ui.of(Role::Text));
        }
        Line::Glyph((symbol, role), text) => {
            pen.column_right(symbol, KEYS.0, ui.of(*role)).gap(KEYS.2);
            pen.put(text, ui.of(Role::Text));
        }
        Line::Rest(before, text) => {
            pen.gap(*before).put(text, ui.of(Role::Text));
        }
    }
}
