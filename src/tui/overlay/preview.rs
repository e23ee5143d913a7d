//! A plan before it is confirmed: the exact command lines, what they reach, what they are
//! frozen to, and how to go ahead. The line that confirms can be seen however long the plan.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::paint::{Pen, width};
use super::super::theme::Role;
use super::super::ui::{Ui, below, row, short_id};
use super::document::{self, Line};
use super::{Shown, middle, typed, window};
use crate::cockpit;
use crate::cockpit::overlay::{Preview, Way};
use crate::incident::duration;
use crate::plan::{Action, Command, Plan, Reach, Step};

/// Lines kept for what confirms: a rule, a complaint, the line itself.
const FOOT: u16 = 3;

pub(super) fn draw(ui: Ui<'_>, buf: &mut Buffer, area: Rect, preview: &Preview) -> Shown {
    let plan = &preview.plan;
    let lines = lines(ui, plan);
    let columns = 104.min(area.width.saturating_sub(if area.width > 60 { 4 } else { 0 }));
    let wanted = document::height(&lines, columns.saturating_sub(4), area.height).saturating_add(FOOT + 3);
    let place = middle(area, columns, wanted.clamp(10, area.height));
    let inner = window(ui, buf, place, &format!("Plan: {}", plan.title), &[]);
    let list = Rect { height: inner.height.saturating_sub(FOOT), ..inner };
    let mut shown = document::draw(buf, list, preview.scroll.top, lines.len(), |index| lines[index].clone());
    let foot = below(inner, list.height);
    rule(ui, buf, place, foot);
    complaint(ui, &mut Pen::new(buf, foot, 1), preview);
    shown.cursor = confirm(ui, buf, row(foot, 2), preview);
    if inner.height < FOOT + 2 {
        // Whoever cannot see what will run cannot have read it.
        shown.lines = 0;
    }
    shown
}

fn lines(ui: Ui<'_>, plan: &Plan) -> Vec<Line> {
    let (faint, text) = (ui.of(Role::Faint), ui.of(Role::Text));
    let mut first = Line::of("target ", faint).with(&plan.target, text);
    for (name, commit) in &plan.frozen {
        first = first
            .with("   ", faint)
            .with(name, text)
            .with(" at ", faint)
            .with(short_id(commit), ui.of(Role::Info));
    }
    let mut lines = vec![first];
    let directories: Vec<&str> =
        plan.steps.iter().filter_map(|step| Some(command(step)?.cwd.as_str())).collect();
    let same = directories.windows(2).all(|pair| pair[0] == pair[1]);
    if let Some(directory) = directories.first().filter(|_| same) {
        lines.push(Line::of("in     ", faint).with(directory, ui.of(Role::Muted)).hanging(7));
    }
    for (index, step) in plan.steps.iter().enumerate() {
        lines.push(Line::default());
        step_lines(ui, &mut lines, index + 1, step, same);
    }
    lines
}

fn command(step: &Step) -> Option<&Command> {
    match &step.action {
        Action::Command(command) => Some(command),
        _ => None,
    }
}

fn step_lines(ui: Ui<'_>, lines: &mut Vec<Line>, number: usize, step: &Step, same_directory: bool) {
    let faint = ui.of(Role::Faint);
    let indent = "    ";
    lines.push(
        Line::of(&format!("{number:>2}  "), ui.of(Role::Key))
            .with(&step.action.line(), ui.of(Role::Code).add_modifier(ratatui::style::Modifier::BOLD))
            .hanging(4),
    );
    let mut about = Line::of(indent, faint).with(&step.title, ui.of(Role::Muted));
    if step.reach == Reach::Others {
        about = about.with("   ▲ reaches others", ui.of(Role::Warn));
    }
    about = about.with(&format!("   stopped after {}", duration(step.timeout)), faint);
    lines.push(about.hanging(4));
    if let Some(command) = command(step) {
        command_lines(ui, lines, command, same_directory);
    }
    if let Some(probe) = &step.proof {
        lines.push(
            Line::of(indent, faint)
                .with("known to be done by ", faint)
                .with(&probe.ask.line(), ui.of(Role::Muted))
                .hanging(4),
        );
    }
}

fn command_lines(ui: Ui<'_>, lines: &mut Vec<Line>, command: &Command, same_directory: bool) {
    let (faint, indent) = (ui.of(Role::Faint), "    ");
    if !same_directory {
        lines.push(
            Line::of(indent, faint).with("in ", faint).with(&command.cwd, ui.of(Role::Muted)).hanging(4),
        );
    }
    if !command.env.is_empty() {
        let names = command.env.join(" ");
        lines.push(Line::of(indent, faint).with("gets ", faint).with(&names, ui.of(Role::Muted)).hanging(4));
    }
    if !command.set.is_empty() {
        let set: Vec<String> = command.set.iter().map(|(name, value)| format!("{name}={value}")).collect();
        lines.push(
            Line::of(indent, faint).with("sets ", faint).with(&set.join(" "), ui.of(Role::Muted)).hanging(4),
        );
    }
}

/// A rule across the window, above what confirms.
fn rule(ui: Ui<'_>, buf: &mut Buffer, place: Rect, foot: Rect) {
    if foot.is_empty() || foot.y <= place.y {
        return;
    }
    let style = ui.of(Role::OverlayBorder);
    let mut pen = Pen::new(buf, Rect { y: foot.y, height: 1, ..place }, 0);
    let rule = pen.room().saturating_sub(2);
    pen.put("├", style).column_of(&"─".repeat(usize::from(rule)), rule, style).put("┤", style);
}

fn complaint(ui: Ui<'_>, pen: &mut Pen<'_>, preview: &Preview) {
    if let Some(holder) = preview.holder(ui.model) {
        let (target, since) = (&preview.plan.target, ui.ago(holder.started_at));
        let text = format!("‖ {target} is taken: {}, by {} for {since}", holder.title, holder.by);
        pen.put(&text, ui.of(Role::Warn));
    } else if !preview.complaint.is_empty() {
        pen.put("✗ ", ui.of(Role::Bad)).put(&preview.complaint, ui.of(Role::Bad));
    } else if preview.plan.reaches_others() {
        pen.put("▲ others will see what this does", ui.of(Role::Warn));
    } else {
        pen.put("nothing beyond this machine changes", ui.of(Role::Muted));
    }
}

fn confirm(ui: Ui<'_>, buf: &mut Buffer, line: Rect, preview: &Preview) -> Option<ratatui::layout::Position> {
    let mut pen = Pen::new(buf, line, 0);
    let (key, text, faint) = (ui.of(Role::Key), ui.of(Role::Text), ui.of(Role::Faint));
    if preview.starting {
        pen.put("starting …", ui.of(Role::Accent));
        return None;
    }
    if preview.holder(ui.model).is_some() {
        pen.put(&ui.key(cockpit::Command::Plan), key).put(" how it stands", text);
        pen.gap(4).put("esc", key).put(" back", text);
        return None;
    }
    match preview.way() {
        Way::Enter | Way::Yes => {
            let which = if preview.way() == Way::Enter { "⏎" } else { "y" };
            pen.put(which, key).put(" go ahead", text).gap(4).put("esc", key).put(" back", text);
            if pen.room() > 14 {
                pen.gap(4).put("↑↓", key).put(" scroll", faint);
            }
            None
        }
        Way::Typed(word) => {
            if pen.room() > width(word) + 50 {
                pen.right("back", text);
                pen.right_gap(1);
                pen.right("esc", key);
                pen.right_gap(3);
            }
            pen.put("type ", text).put(word, ui.of(Role::Warn).add_modifier(ratatui::style::Modifier::BOLD));
            pen.put(" and ⏎ to go ahead ", text).put("> ", key);
            let x = pen.column();
            let place = Rect { x, width: pen.room(), ..line };
            typed(ui, buf, place, &preview.typed, "")
        }
    }
}
