//! A line of text asked for, at the bottom of the screen, and the names that may be meant by it.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::paint::{Pen, width};
use super::super::theme::Role;
use super::super::ui::{Ui, row};
use super::{Shown, framed, low, typed};
use crate::cockpit::complete::{Candidate, candidates, chosen};
use crate::cockpit::overlay::{Ask, Purpose};
use crate::cockpit::reading::{hint, reading};

pub(super) fn draw(ui: Ui<'_>, buf: &mut Buffer, area: Rect, ask: &Ask) -> Shown {
    let complains = !ask.complaint.is_empty();
    let names = candidates(ui.model, ask);
    let read = reading(ui.model, ask).map(|said| (format!("⇒ {said}"), Role::Muted));
    let calls = matches!(ask.purpose, Purpose::Page | Purpose::Handoff(_));
    let on_call = || ui.model.on_call().filter(|_| calls);
    let on_call = || on_call().map(|said| (ui.local(&said).into_owned(), Role::Muted));
    let reading = read.or_else(on_call).or_else(|| hint(ask).map(|hint| (hint.to_owned(), Role::Faint)));
    let lines = 1 + u16::from(complains) + u16::from(!names.is_empty()) + u16::from(reading.is_some());
    let place = low(area, 2 + lines);
    let tab = match (&ask.purpose, names.is_empty()) {
        (Purpose::Filter, false) => "fill in",
        (Purpose::Cause, false) => "take it",
        (_, false) => "name",
        (Purpose::Note(_) | Purpose::FollowUp, true) => "kind",
        (_, true) => "",
    };
    let all = [("⏎", "done"), ("tab", tab), ("esc", "back")];
    let short = [all[0], all[2]];
    let keys = if tab.is_empty() { &short[..] } else { &all };
    let mut label = ask.label.chars();
    let title: String = label.next().into_iter().flat_map(char::to_uppercase).chain(label).collect();
    let inner = framed(ui, buf, place, &title, keys, Role::OverlayBorder);
    let mut line = inner.height.min(lines);
    if complains && line > 1 {
        line -= 1;
        Pen::new(buf, inner, line).put("✗ ", ui.of(Role::Bad)).put(&ask.complaint, ui.of(Role::Bad));
    }
    if let Some((reading, role)) = reading.filter(|_| line > 1) {
        line -= 1;
        Pen::new(buf, inner, line).put(&reading, ui.of(role));
    }
    if !names.is_empty() && line > 1 {
        self::names(ui, &mut Pen::new(buf, inner, line - 1), &names, chosen(ask));
    }
    let cursor = typed(ui, buf, row(inner, 0), &ask.input, &ask.placeholder);
    Shown { lines: 1, top: 0, cursor, more: None }
}

/// The names in a row, with what is known of the one that Tab takes, or has taken.
fn names(ui: Ui<'_>, pen: &mut Pen<'_>, names: &[Candidate], chosen: Option<usize>) {
    let at = chosen.unwrap_or(0).min(names.len() - 1);
    let about = &names[at].about;
    // How to reach somebody is what is looked for here: it goes before further names.
    let first = at.saturating_sub(1);
    for (index, one) in names.iter().enumerate().skip(first) {
        let here = index == at;
        let needed = width(&one.name) + if here && !about.is_empty() { width(about) + 2 } else { 0 };
        if index > first {
            pen.gap(3);
        }
        if !here && pen.room() < needed + 2 {
            pen.put("…", ui.of(Role::Faint));
            break;
        }
        pen.put(&one.name, ui.of(if here && chosen.is_some() { Role::Key } else { Role::Text }));
        if here && !about.is_empty() {
            pen.gap(1).put(about, ui.of(Role::Muted));
        }
    }
}
