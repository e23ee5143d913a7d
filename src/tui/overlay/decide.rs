//! A decision about a plan before it is confirmed: what it means, what will be carried out, and
//! what has to be typed.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::Modifier;

use super::super::paint::{Pen, width};
use super::super::theme::Role;
use super::super::ui::{Ui, below, row};
use super::document::{self, Line};
use super::{Shown, to_type, typed, wide, window};
use crate::cockpit::edit::LineEdit;
use crate::cockpit::overlay::{Asks, Decide};
use crate::incident::Decision;

pub(super) fn draw(ui: Ui<'_>, buf: &mut Buffer, area: Rect, decide: &Decide) -> Shown {
    let lines = lines(ui, decide);
    let foot = 2 + u16::from(decide.reason.is_some());
    let told = document::height(&lines, area.width.saturating_sub(4), area.height);
    let wanted = told.saturating_add(foot + 2);
    let place = wide(area, wanted);
    let title = match decide.choice.decision {
        Decision::Resume => "Resume?",
        Decision::Retry => "Retry?",
        Decision::Skip { .. } => "Skip?",
        Decision::Undo { .. } => "Undo?",
        Decision::Review { approve: true, .. } => "Approve in the pipeline?",
        Decision::Review { .. } => "Reject in the pipeline?",
        Decision::GiveUp => "Abandon?",
    };
    let plans = ui.model.incident().map_or(&[][..], |state| &state.plans);
    let title = match plans.iter().find(|plan| plan.id == decide.plan) {
        Some(plan) => format!("{title}  {}", plan.title),
        None => title.to_owned(),
    };
    let inner = window(ui, buf, place, &title, &[]);
    let list = Rect { height: inner.height.saturating_sub(foot), ..inner };
    let mut shown = document::draw(buf, list, 0, lines.len(), |index| lines[index].clone());
    let foot = below(inner, list.height);
    if let Some(line) = Some(&decide.complaint).filter(|complaint| !complaint.is_empty()) {
        Pen::new(buf, foot, 0).put("✗ ", ui.of(Role::Bad)).put(line, ui.of(Role::Bad));
    }
    shown.cursor = fields(ui, buf, below(foot, 1), decide);
    if list.height < told.min(2) {
        // Whoever cannot see what will be done cannot have read it.
        shown.lines = 0;
    }
    shown
}

fn lines(ui: Ui<'_>, decide: &Decide) -> Vec<Line> {
    let text = ui.of(Role::Text);
    let mut lines = Vec::new();
    for (index, sentence) in decide.about.iter().enumerate() {
        let risk = index == 0 && decide.choice.risky;
        if risk {
            let warn = ui.of(Role::Warn);
            lines.push(Line::of("▲ ", warn).with(sentence, warn).hanging(2));
            lines.push(Line::default());
        } else {
            lines.push(Line::of(sentence, text));
        }
        if index == usize::from(decide.choice.risky) && !decide.lines.is_empty() {
            lines.push(Line::default());
            for (number, line) in &decide.lines {
                lines.push(
                    Line::of(&format!("{number:>2}  "), ui.of(Role::Key))
                        .with(line, ui.of(Role::Code).add_modifier(Modifier::BOLD))
                        .hanging(4),
                );
            }
            lines.push(Line::default());
        }
    }
    // The line for complaints is space enough before what is typed.
    while lines.last() == Some(&Line::default()) {
        lines.pop();
    }
    lines
}

/// The lines that are typed into, or the key that is enough.
fn fields(ui: Ui<'_>, buf: &mut Buffer, area: Rect, decide: &Decide) -> Option<Position> {
    if decide.sending {
        Pen::new(buf, area, 0).put("deciding …", ui.of(Role::Accent));
        return None;
    }
    if decide.lapsed {
        Pen::new(buf, area, 0).put("esc", ui.of(Role::Key)).put(" close", ui.of(Role::Text));
        return None;
    }
    let asks = decide.asks();
    let mut cursor = None;
    let mut line = 0;
    if let Some(reason) = &decide.reason {
        let mut pen = Pen::new(buf, area, line);
        let (name, why) = decide.reason_words();
        pen.put(name, ui.of(Role::Text));
        let here = entered(ui, buf, row(area, line), width(name) + 1, reason, why);
        cursor = cursor.or(here.filter(|_| asks == Asks::Reason));
        line += 1;
    }
    let last = row(area, line);
    let mut pen = Pen::new(buf, last, 0);
    if pen.room() > 60 {
        pen.right("back", ui.of(Role::Text));
        pen.right_gap(1);
        pen.right("esc", ui.of(Role::Key));
        pen.right_gap(3);
    }
    match (&decide.word, asks) {
        (Some(word), _) => {
            let place = Rect { width: pen.column() + pen.room() - last.x, ..last };
            let place = to_type(ui, buf, place, word, ui.of(Role::Text));
            let here = typed(ui, buf, place, &decide.typed, "");
            cursor = cursor.or(here.filter(|_| matches!(asks, Asks::Word(_))));
        }
        (None, Asks::Reason) => {
            pen.put("⏎", ui.of(Role::Key)).put(" go ahead", ui.of(Role::Text));
        }
        (None, _) => {
            pen.put("y", ui.of(Role::Key)).put(" go ahead", ui.of(Role::Text)).gap(4);
            if pen.room() <= 60 {
                pen.put("esc", ui.of(Role::Key)).put(" back", ui.of(Role::Text));
            }
        }
    }
    cursor
}

/// A line that is typed into, behind what stands before it.
fn entered(
    ui: Ui<'_>,
    buf: &mut Buffer,
    line: Rect,
    used: u16,
    input: &LineEdit,
    placeholder: &str,
) -> Option<Position> {
    let used = used.min(line.width);
    let place = Rect { x: line.x + used, width: line.width - used, ..line };
    Pen::new(buf, place, 0).put("> ", ui.of(Role::Key));
    let mark = 2.min(place.width);
    typed(ui, buf, Rect { x: place.x + mark, width: place.width - mark, ..place }, input, placeholder)
}
