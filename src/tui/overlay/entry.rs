//! A whole timeline entry.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::theme::Role;
use super::super::ui::Ui;
use super::document::{self, Line};
use super::{Shown, column, framed, hints, report, wide};
use crate::cockpit::update::brief_answers;
use crate::cockpit::{Command, overlay};
use crate::incident::{Entry, EntryKind, Offer, Precision, RecordId};
use crate::text::visible_lines;

/// Most columns of its lines.
const COLUMNS: u16 = 100;

pub(super) fn draw(ui: Ui<'_>, buf: &mut Buffer, area: Rect, overlay: &overlay::Entry) -> Shown {
    let answers = brief_answers(ui.model);
    let timeline = ui.model.incident().map(|state| &state.timeline);
    let find = |id: &RecordId| timeline.and_then(|timeline| timeline.find(*id));
    let found: Vec<Entry<'_>> = overlay.lines.iter().filter_map(find).collect();
    let lines = match found.as_slice() {
        [] => vec![Line::of("this entry is not in the timeline any more", ui.of(Role::Muted))],
        // Whoever takes over reads how it stands first.
        [entry] => brief(ui, entry).into_iter().chain(lines(ui, entry)).collect(),
        several => several.iter().map(|entry| short(ui, entry)).collect(),
    };
    let columns = COLUMNS.min(area.width.saturating_sub(4));
    let place = wide(area, document::height(&lines, columns, area.height).saturating_add(2));
    let title = match found.as_slice() {
        [] => "Entry".to_owned(),
        [entry] => match offer(ui, entry) {
            Some(offer) => format!("Brief for {}", offer.to),
            None => title(entry).to_owned(),
        },
        [first, rest @ ..] if rest.iter().all(|one| one.kind == first.kind) => {
            format!("{}: {} together", first.kind.word(), found.len())
        }
        several => format!("{} entries", several.len()),
    };
    let mut keys: Vec<(String, &str)> = answers
        .iter()
        .map(|item| (item.key.map_or_else(String::new, |key| key.to_string()), item.label.as_str()))
        .collect();
    keys.extend(hints(ui, &[(Command::Down, "scroll"), (Command::Back, "back")]));
    let inner = framed(ui, buf, place, &title, &keys, Role::OverlayBorder);
    document::draw(buf, column(inner, COLUMNS), overlay.scroll.top, lines.len(), |index| lines[index].clone())
}

/// What an entry is called. Served again, over and closed are three things.
fn title(entry: &Entry<'_>) -> &'static str {
    match entry.name {
        "mitigated" => "Mitigated",
        "closed" => "Closed",
        _ => entry.kind.word(),
    }
}

/// One of several entries that a row stands for.
fn short(ui: Ui<'_>, entry: &Entry<'_>) -> Line {
    let (symbol, role) = ui.glyph(entry);
    Line::of(&ui.clock(entry.at), ui.of(Role::Time))
        .with(&format!(" {symbol} "), ui.of(role))
        .with(&ui.said(entry), ui.of(Role::Text))
        .hanging(11)
}

/// What goes with an offer: what whoever takes over has to know.
fn brief(ui: Ui<'_>, entry: &Entry<'_>) -> Vec<Line> {
    let Some(offer) = offer(ui, entry) else { return Vec::new() };
    let mut lines = report::rendered(ui, &offer.brief);
    lines.push(Line::default());
    lines
}

/// The offer of a role that an entry is, where a brief goes with it.
fn offer<'a>(ui: Ui<'a>, entry: &Entry<'_>) -> Option<&'a Offer> {
    let offers = ui.model.incident().map(|state| state.offers.as_slice()).unwrap_or_default();
    offers.iter().find(|offer| offer.id == entry.id && !offer.brief.is_empty())
}

/// The questions that set the severity it has, below the line that set it.
fn answers(ui: Ui<'_>, entry: &Entry<'_>) -> Vec<Line> {
    let sets = |kind| matches!(kind, EntryKind::Declared | EntryKind::Severity);
    let Some(state) = ui.model.incident().filter(|_| sets(entry.kind)) else { return Vec::new() };
    if state.timeline.iter().rev().find(|one| sets(one.kind)).is_none_or(|last| last.id != entry.id) {
        return Vec::new();
    }
    let said = state.answers.iter().map(|answer| {
        Line::of(&answer.question, ui.of(Role::Muted))
            .with(&format!(" {}", answer.said()), ui.of(Role::Text))
            .hanging(2)
    });
    let blank = (!state.answers.is_empty()).then(Line::default);
    blank.into_iter().chain(said).collect()
}

fn lines(ui: Ui<'_>, entry: &Entry<'_>) -> Vec<Line> {
    let (faint, text) = (ui.of(Role::Faint), ui.of(Role::Text));
    let void = ui.void(entry);
    let (symbol, role) = ui.glyph(entry);
    let precision = match entry.precision {
        Precision::Exact => "",
        Precision::About => "about ",
        Precision::Before => "before ",
    };
    let mut first = Line::of(symbol, ui.of(role))
        .with(&format!(" {precision}{} {}", ui.moment(entry.at), ui.zone()), text)
        .with("  by ", faint)
        .with(entry.by(), text);
    if entry.by() != entry.author {
        first = first.with("  written down by ", faint).with(entry.author, text);
    }
    if entry.pinned {
        first = first.with("  ★ pinned", ui.of(Role::Pinned));
    }
    let mut lines = vec![first];
    if entry.recorded_at.duration_since(entry.at).as_secs() > 60 {
        lines.push(Line::of(&format!("  written down {}", ui.moment(entry.recorded_at)), faint));
    }
    lines.push(Line::default());
    let said = if entry.retracted.is_some() { ui.of(Role::Retracted) } else { text };
    lines.extend(visible_lines(&ui.said(entry)).lines().map(|line| Line::of(line, said)));
    lines.extend(answers(ui, entry));
    if let Some(why) = &void {
        lines.push(Line::default());
        lines.push(Line::of("does not count: ", ui.of(Role::Warn)).with(why, text));
    }
    if let Some(original) = entry.original {
        lines.push(Line::default());
        lines.push(Line::of("before it was amended:", faint));
        lines.extend(visible_lines(original).lines().map(|line| Line::of(line, ui.of(Role::Muted))));
    }
    if let Some(reason) = entry.retracted {
        lines.push(Line::default());
        let by = entry.retracted_by.filter(|by| !by.is_empty());
        let by = by.map_or_else(String::new, |by| format!(" by {by}"));
        lines.push(Line::of(&format!("retracted{by}: "), ui.of(Role::Warn)).with(reason, text));
    }
    lines.push(Line::default());
    lines.push(Line::of(&format!("record {}", entry.id), faint));
    lines
}
