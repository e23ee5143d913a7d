//! A message: its text at the left, who gets it and where it goes at the right, or above on a narrow screen.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

use super::super::paint::{Pen, width};
use super::super::theme::Role;
use super::super::ui::{Ui, below, row};
use super::document::{self, Line};
use super::{Shown, framed, hints, typed, wide};
use crate::cockpit::Command;
use crate::cockpit::overlay::MessageView;
use crate::comms::wire::length;
use crate::incident::{Delivery, next_update};
use crate::report::capitalised;

/// Columns that a text can be followed over.
const COLUMNS: u16 = 84;
/// Columns of what stands beside it.
const BESIDE: u16 = 38;
/// Columns from which on there is room for both.
const BOTH: u16 = 96;

pub(super) fn draw(ui: Ui<'_>, buf: &mut Buffer, area: Rect, view: &MessageView) -> Shown {
    let title = title(ui, view);
    let frame = if view.complaint.is_empty() { Role::OverlayBorder } else { Role::Bad };
    let inner = framed(ui, buf, wide(area, area.height), &title, &keys(ui, view), frame);
    let side = beside(ui, view);
    let (text, side_area) = if inner.width >= BOTH {
        let text = Rect { width: (inner.width - BESIDE - 3).min(COLUMNS), ..inner };
        let x = inner.right() - BESIDE;
        (text, Rect { x, width: BESIDE, ..inner })
    } else {
        let lines = (side.len() as u16).min(inner.height / 2);
        (below(inner, lines + 1), Rect { height: lines, ..inner })
    };
    document::draw(buf, side_area, 0, side.len(), |index| side[index].clone());
    if inner.width >= BOTH {
        for y in 0..inner.height {
            let place = Rect { x: side_area.x - 2, width: 1, ..inner };
            Pen::new(buf, place, y).put("│", ui.of(Role::OverlayBorder));
        }
    } else if let Some(line) = side_area.bottom().checked_sub(inner.y).filter(|line| *line < inner.height) {
        let rule = "─".repeat(usize::from(inner.width));
        Pen::new(buf, inner, line).put(&rule, ui.of(Role::Faint));
    }
    if view.editing { editor(ui, buf, text, view) } else { read(ui, buf, text, view) }
}

fn title(ui: Ui<'_>, view: &MessageView) -> String {
    let audience = ui.model.policy.audience_title(&view.audience);
    format!("Message: {} for {audience}", view.kind.name())
}

fn keys<'a>(ui: Ui<'_>, view: &MessageView) -> Vec<(String, &'a str)> {
    if view.editing {
        return vec![("esc".to_owned(), "done editing")];
    }
    let mut keys: Vec<(Command, &str)> = Vec::new();
    if view.may_be_sent() {
        let none = ui.model.channels_for(&view.audience).is_empty();
        keys.push((Command::Open, if none { "copy, and say how you sent it" } else { "send" }));
        keys.extend([
            (Command::MessageEdit, "edit"),
            (Command::MessageEditor, "editor"),
            (Command::NextPane, "audience"),
            (Command::MessageKind, "kind"),
        ]);
        if ui.model.suggested(view).is_some() && !view.changed {
            keys.push((Command::MessageDrafted, "the assistant's draft"));
        }
    } else if view.sent.is_some() {
        keys.push((Command::MessageAgain, "send again what failed"));
        keys.push((Command::MessageKind, "next message"));
    }
    keys.extend([(Command::MessageCopy, "copy"), (Command::Back, "back")]);
    hints(ui, &keys)
}

/// Who gets it, where it goes, and what became of it there.
fn beside(ui: Ui<'_>, view: &MessageView) -> Vec<Line> {
    let model = ui.model;
    let muted = ui.of(Role::Muted);
    let mut lines = Vec::new();
    if !view.complaint.is_empty() {
        lines.push(Line::of("✗ ", ui.of(Role::Bad)).with(&view.complaint, ui.of(Role::Bad)).hanging(2));
    }
    if let Some(problem) = &view.problem {
        let said = format!("{problem}; the usual template is used");
        lines.push(Line::of("▲ ", ui.of(Role::Warn)).with(&said, ui.of(Role::Warn)).hanging(2));
    }
    if let Some(found) = model.suggested(view) {
        let shown = view.page.text().trim() == found.text.trim();
        let (by, at) = (&found.by, ui.minute(found.at));
        let key =
            model.keymap.key(Command::MessageDrafted).map_or_else(String::new, |key| format!(" [{key}]"));
        let said = if shown {
            format!("drafted by an assistant of {by} at {at}")
        } else {
            format!("an assistant of {by} drafted another at {at}{key}")
        };
        lines.push(Line::of("· ", muted).with(&said, ui.of(Role::Warn)).hanging(2));
    }
    let audience = capitalised(model.policy.audience_title(&view.audience));
    lines.push(Line::of("to  ", muted).with(&audience, ui.of(Role::Text)).hanging(4));
    match view.sent {
        Some(id) => lines.extend(outcomes(ui, id)),
        None => lines.extend(ways(ui, view)),
    }
    let now = model.now;
    let next = model.incident().and_then(|state| next_update(state, &model.policy, &view.audience, now));
    if let Some(at) = next.filter(|_| view.sent.is_none()) {
        let text = format!("{} {}", ui.minute(at), ui.zone());
        lines.push(Line::of("the next one is due ", muted).with(&text, ui.of(Role::Text)));
    }
    lines
}

/// Where it goes, with its length there.
fn ways(ui: Ui<'_>, view: &MessageView) -> Vec<Line> {
    let muted = ui.of(Role::Muted);
    let text = view.page.text();
    let channels = ui.model.channels_for(&view.audience);
    if channels.is_empty() {
        let said = "no channel is configured for them: it is copied, you send it, and say how";
        return vec![Line::of(said, muted)];
    }
    let sending = if view.sending.is_some() { "sending …" } else { "" };
    let one = |channel: &&crate::config::types::Channel| {
        let long = length(channel, &text);
        let line = Line::of("· ", ui.of(Role::Faint)).with(&channel.name, ui.of(Role::Text)).hanging(2);
        let (said, role) = match long.said() {
            _ if !sending.is_empty() => (sending.to_owned(), Role::Muted),
            said if long.is_cut() => (format!("{said}: cut"), Role::Warn),
            said => (said, Role::Muted),
        };
        line.with(&format!("  {said}"), ui.of(role))
    };
    channels.iter().map(one).collect()
}

/// What became of it on each channel.
fn outcomes(ui: Ui<'_>, id: crate::incident::RecordId) -> Vec<Line> {
    let Some(message) = ui.model.message(id) else { return Vec::new() };
    let now = ui.model.now;
    let one = |way: &crate::incident::OnChannel| {
        let stands = way.stands(now);
        let (mark, role) = match stands {
            Some(Delivery::Accepted) => ("✓", Role::Good),
            Some(Delivery::Failed) => ("✗", Role::Bad),
            Some(Delivery::Unknown) => ("?", Role::Warn),
            Some(Delivery::Waiting) => ("▲", Role::Warn),
            Some(Delivery::Sending) | None => ("·", Role::Muted),
        };
        let word = stands.map_or("queued", Delivery::word);
        let again = way.again.filter(|_| stands == Some(Delivery::Waiting));
        let again = again.map_or_else(String::new, |at| format!(", again at {}", ui.clock(at)));
        let why = if way.why.is_empty() { String::new() } else { format!(": {}", way.why) };
        let said = format!(" {word}{again}{why}");
        let line = Line::of(mark, ui.of(role)).with(" ", ui.of(role)).with(&way.channel, ui.of(Role::Text));
        line.with(&said, ui.of(role)).hanging(2)
    };
    message.ways.iter().map(one).collect()
}

fn read(ui: Ui<'_>, buf: &mut Buffer, area: Rect, view: &MessageView) -> Shown {
    if view.own.is_none() {
        Pen::new(buf, area, 0).put("writing the draft …", ui.of(Role::Muted));
        return Shown { lines: area.height, ..Shown::default() };
    }
    let lines = view.page.lines();
    let style = |index| if index == 0 { ui.of(Role::OverlayTitle) } else { ui.of(Role::Text) };
    document::draw(buf, area, view.scroll.top, lines.len(), |index| {
        Line::of(lines[index].text(), style(index))
    })
}

/// The text with the cursor in it. The line that it is in is shown from where the cursor can be seen.
fn editor(ui: Ui<'_>, buf: &mut Buffer, area: Rect, view: &MessageView) -> Shown {
    let lines = view.page.lines();
    let height = usize::from(area.height).max(1);
    let top = (view.page.row() + 1).saturating_sub(height);
    let mut cursor: Option<Position> = None;
    for (y, (index, line)) in (0_u16..).zip(lines.iter().enumerate().skip(top).take(height)) {
        if index == view.page.row() {
            cursor = typed(ui, buf, row(area, y), line, "");
        } else {
            let mut pen = Pen::new(buf, area, y);
            pen.put(line.text(), ui.of(Role::Text));
            if width(line.text()) > area.width {
                let edge = Rect { x: area.right().saturating_sub(1), width: 1, ..area };
                Pen::new(buf, edge, y).put("…", ui.of(Role::Faint));
            }
        }
    }
    Shown { lines: area.height, top, cursor, more: None }
}
