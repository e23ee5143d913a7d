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
use crate::comms::preview::Part;
use crate::comms::wire::CUT;
use crate::config::types::Channel;
use crate::incident::{Delivery, Message, MessageKind, State, next_update};
use crate::report::capitalised;
use crate::text::visible_lines;

/// Columns that a text can be followed over.
const COLUMNS: u16 = 84;
/// Columns of what stands beside it, where a message is not shown as a channel will show it.
const BESIDE: u16 = 38;
/// Columns from which on there is room for both.
const BOTH: u16 = 96;

pub(super) fn draw(ui: Ui<'_>, buf: &mut Buffer, area: Rect, view: &MessageView) -> Shown {
    let frame = if view.complaint.is_empty() { Role::OverlayBorder } else { Role::Bad };
    let inner = framed(ui, buf, wide(area, area.height), &title(ui, view), &keys(ui, view), frame);
    let mut side = beside(ui, view);
    let (text, side_area) = if inner.width >= BOTH {
        let looks = ui.model.size.0 >= MessageView::BESIDE;
        let columns = if looks { (inner.width * 2 / 5).clamp(BESIDE, 70) } else { BESIDE };
        if looks {
            let look = look(ui, view);
            side.extend((!look.is_empty()).then(Line::default).into_iter().chain(look));
        }
        let text = Rect { width: (inner.width - columns - 3).min(COLUMNS), ..inner };
        (text, Rect { x: inner.right() - columns, width: columns, ..inner })
    } else {
        // The text keeps half of it, and the rule above it.
        let lines = document::height(&side, inner.width, inner.height / 2);
        (below(inner, (lines + 1).min(inner.height)), Rect { height: lines, ..inner })
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
    if view.editing {
        return editor(ui, buf, text, view);
    }
    match view.channel.filter(|_| ui.model.size.0 < MessageView::BESIDE) {
        Some(_) => {
            let lines = look(ui, view);
            document::draw(buf, text, view.scroll.top, lines.len(), |index| lines[index].clone())
        }
        None => read(ui, buf, text, view),
    }
}

/// ```text
/// ╭ Update for stakeholders ───────────────────────╮
/// ```
/// Once it was sent: `Update sent to stakeholders at 08:16 UTC`.
fn title(ui: Ui<'_>, view: &MessageView) -> String {
    let is_open = ui.model.incident().is_none_or(State::is_open);
    let noun =
        if view.kind == MessageKind::Resolved && !is_open { "resolved notice" } else { view.kind.noun() };
    let (noun, audience) = (capitalised(noun), ui.model.policy.audience_name(&view.audience));
    match view.sent.and_then(|id| ui.model.message(id)) {
        Some(sent) if sent.ways.is_empty() => {
            format!("{noun} for {audience}, copied at {} {}", ui.minute(sent.at), ui.zone())
        }
        Some(sent) => format!("{noun} sent to {audience} at {} {}", ui.minute(sent.at), ui.zone()),
        None => format!("{noun} for {audience}"),
    }
}

fn keys<'a>(ui: Ui<'_>, view: &MessageView) -> Vec<(String, &'a str)> {
    if view.editing {
        return vec![("esc".to_owned(), "done editing")];
    }
    let mut keys: Vec<(Command, &str)> = Vec::new();
    let channels = ui.model.channels_for(&view.audience).len();
    if view.may_be_sent() {
        keys.push((Command::Open, if channels == 0 { "copy" } else { "send" }));
        keys.push((Command::MessageEdit, "edit"));
        if ui.model.suggested(view).is_some() && !view.changed {
            keys.push((Command::MessageDrafted, "the assistant's draft"));
        }
    } else if let Some(id) = view.sent {
        let now = ui.model.now;
        let is_stuck = |message: &Message| message.stuck_on(now).next().is_some();
        if ui.model.message(id).is_some_and(is_stuck) {
            keys.push((Command::MessageAgain, "resend"));
        }
        keys.push((Command::MessageKind, "next message"));
    }
    let is_beside = ui.model.size.0 >= MessageView::BESIDE;
    if channels > usize::from(is_beside) {
        keys.push((Command::MessageLook, if is_beside { "next channel" } else { "preview" }));
    }
    if view.may_be_sent() {
        keys.extend([(Command::NextPane, "audience"), (Command::MessageKind, "kind")]);
        keys.push((Command::MessageEditor, "editor"));
    }
    keys.extend([(Command::MessageCopy, "copy"), (Command::Back, "back")]);
    if channels == 0 && view.may_be_sent() {
        // Enter copies it, and goes on.
        keys.retain(|(command, _)| *command != Command::MessageCopy);
    }
    hints(ui, &keys)
}

/// Where it goes, what became of it there, and when the next one is due.
fn beside(ui: Ui<'_>, view: &MessageView) -> Vec<Line> {
    let model = ui.model;
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
        lines.push(Line::of("· ", ui.of(Role::Muted)).with(&said, ui.of(Role::Warn)).hanging(2));
    }
    match view.sent {
        Some(id) => lines.extend(outcomes(ui, id)),
        None => lines.extend(ways(ui, view)),
    }
    // What the text promises, which was written then.
    let read = view.read_at;
    let next = model.incident().and_then(|state| next_update(state, &model.policy, &view.audience, read));
    if let Some(at) = next.filter(|_| view.sent.is_none()) {
        let is_today = ui.date(at) == ui.date(model.now);
        let day = if is_today { String::new() } else { format!("{} ", ui.day(at)) };
        let text = format!("{day}{} {}", ui.minute(at), ui.zone());
        lines.push(Line::of("Next update ", ui.of(Role::Muted)).with(&text, ui.of(Role::Text)));
    }
    lines
}

/// Where it goes, with its length there.
fn ways(ui: Ui<'_>, view: &MessageView) -> Vec<Line> {
    let muted = ui.of(Role::Muted);
    let channels = ui.model.channels_for(&view.audience);
    if channels.is_empty() {
        let copies = Line::of(&ui.key(Command::Open), ui.of(Role::Key));
        return vec![
            Line::of(
                &format!("No channel for {}.", ui.model.policy.audience_name(&view.audience)),
                ui.of(Role::Text),
            ),
            copies.with(" copies the text; send it, then say how.", muted).hanging(2),
        ];
    }
    let sending = if view.sending.is_some() { "sending …" } else { "" };
    let one = |(at, channel): (usize, &&Channel)| {
        let long = view.looks.as_ref().and_then(|looks| looks.lengths.get(at));
        let line = if view.looks.as_ref().and_then(|looks| looks.at) == Some(at) {
            Line::of("▸ ", ui.of(Role::Accent))
        } else {
            Line::of("· ", ui.of(Role::Faint))
        };
        let (said, role) = match long {
            _ if !sending.is_empty() => (sending.to_owned(), Role::Muted),
            Some(long) if long.is_cut() => (format!("{}: cut", long.said()), Role::Warn),
            Some(long) => (long.said(), Role::Muted),
            None => (String::new(), Role::Muted),
        };
        line.with(&channel.name, ui.of(Role::Text)).with(&format!("  {said}"), ui.of(role)).hanging(2)
    };
    channels.iter().enumerate().map(one).collect()
}

/// The message as a channel will show it: its title, whom it calls, and where it is cut.
fn look(ui: Ui<'_>, view: &MessageView) -> Vec<Line> {
    let channels = ui.model.channels_for(&view.audience);
    let Some(looks) = &view.looks else { return Vec::new() };
    let Some(channel) = looks.at.and_then(|at| channels.get(at)) else { return Vec::new() };
    let heading = format!("Preview: {}", channel.name);
    let mut lines = vec![Line::of(&heading, ui.of(Role::Faint))];
    for part in &looks.parts {
        let role = match part {
            Part::Title(_) => Role::OverlayTitle,
            Part::Text(_) => Role::Text,
            Part::Mention(_) => Role::Accent,
            Part::Note(_) => Role::Warn,
        };
        for line in visible_lines(part.text()).lines() {
            let style = ui.of(role);
            lines.push(match line.strip_suffix(CUT) {
                Some(kept) => Line::of(kept, style).with(CUT, ui.of(Role::Warn)),
                None => Line::of(line, style),
            });
        }
    }
    lines
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
        let gone = ui.model.incident().is_some_and(|state| state.is_superseded(message, way));
        let word =
            if gone { "superseded by a later message" } else { stands.map_or("queued", Delivery::word) };
        let again = way.again.filter(|_| !gone && stands == Some(Delivery::Waiting));
        let again = again.map_or_else(String::new, |at| format!(", again at {}", ui.clock(at)));
        let since = (stands == Some(Delivery::Sending)).then(|| format!(" since {}", ui.clock(way.since)));
        let why = if way.why.is_empty() { String::new() } else { format!(": {}", way.why) };
        let said = format!(" {word}{}{again}{why}", since.unwrap_or_default());
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
