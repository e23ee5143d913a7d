//! The runs: what is being carried out, live, and how the others ended.

use jiff::SignedDuration;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::glyph;
use super::super::paint::{Pen, width};
use super::super::terminal;
use super::super::theme::Role;
use super::super::ui::{Ui, below, inset, stopwatch};
use super::{empty, frame, mark, window};
use crate::cockpit::{Command, Pane};
use crate::incident::{PlanRun, Run};

/// From this width the list and the live output stand side by side.
const SIDE_BY_SIDE: u16 = 90;

pub(super) fn draw(ui: Ui<'_>, buf: &mut Buffer, area: Rect) -> Rect {
    let rows = ui.model.run_rows().count();
    let running = ui.model.run_rows().filter(|(plan, run)| glyph::outcome(plan, run).is_none()).count();
    let count = match running {
        0 => {
            if rows == 0 {
                String::new()
            } else {
                format!("{rows} done")
            }
        }
        _ => format!("▶ {running} running"),
    };
    let role = if running > 0 { Role::Accent } else { Role::Faint };
    let body = frame(ui, buf, area, Pane::Runs, &[(&count, ui.of(role))]);
    if rows == 0 {
        let hint = format!(
            "{} runs the checks, {} deploys; both show what they will run before they do",
            ui.key(Command::Test),
            ui.key(Command::Deploy)
        );
        let all = format!("press {} and empty the line to see all", ui.key(Command::Filter));
        let filtered = !ui.model.view(Pane::Runs).filter.is_empty();
        let lines = if filtered { ["no run contains this", &all] } else { ["nothing was run yet", &hint] };
        empty(ui, buf, body, &lines);
        return body;
    }
    let (list, beside) = split(ui, body, rows);
    let (top, cursor) = window(ui, Pane::Runs, rows, list.height);
    for (line, (row, (plan, run))) in
        ui.model.run_rows().enumerate().skip(top).take(usize::from(list.height)).enumerate()
    {
        run_row(ui, &mut Pen::new(buf, list, line as u16), plan, run);
        mark(ui, buf, list, line as u16, Pane::Runs, row == cursor);
    }
    output(ui, buf, beside, list);
    list
}

/// The list, and where the live output goes.
fn split(ui: Ui<'_>, body: Rect, rows: usize) -> (Rect, Rect) {
    let none = Rect { width: 0, height: 0, ..body };
    if ui.model.output.is_none() || body.height < 2 {
        return (body, none);
    }
    if body.width >= SIDE_BY_SIDE {
        let left = body.width * 9 / 20;
        let live = Rect { x: body.x + left + 3, width: body.width - left - 3, ..body };
        return (Rect { width: left, ..body }, live);
    }
    let list = u16::try_from(rows).unwrap_or(u16::MAX).min(body.height.div_ceil(2));
    (Rect { height: list, ..body }, below(body, list))
}

/// The last lines of the followed run's output, with a rule between them and the list.
fn output(ui: Ui<'_>, buf: &mut Buffer, area: Rect, list: Rect) {
    let Some(output) = ui.model.output.as_ref().filter(|_| !area.is_empty()) else { return };
    if area.x > list.x {
        for line in 0..area.height {
            let rule = Rect { x: area.x - 2, width: 1, ..area };
            Pen::new(buf, rule, line).put("│", ui.of(Role::Border));
        }
        terminal::tail(ui, buf, area, output.terminal.screen());
    } else {
        terminal::tail(ui, buf, inset(area, 2), output.terminal.screen());
    }
}

fn run_row(ui: Ui<'_>, pen: &mut Pen<'_>, plan: &PlanRun, run: &Run) {
    let (symbol, role) = glyph::run(plan, run);
    let took = run.ended_at.unwrap_or(ui.model.now).duration_since(run.started_at);
    let ended = glyph::outcome(plan, run);
    if pen.room() > 40 {
        pen.right(&ui.minute(run.started_at), ui.of(Role::Time));
        pen.right_gap(2);
    }
    // Nobody knows how long a run took whose end nobody saw.
    if ended.is_none() || run.ended_at.is_some() {
        let role = if ended.is_none() { Role::Accent } else { Role::Faint };
        pen.right(&stopwatch(took.max(SignedDuration::ZERO)), ui.of(role));
        pen.right_gap(2);
    }
    pen.put(symbol, ui.of(role)).gap(1);
    let title = if plan.steps.len() > 1 { &run.title } else { &plan.title };
    let asks = ended.is_none() && ui.model.seems_to_ask(&run.id);
    let hint = format!("waits for an answer? [{} {}]", ui.key(Command::Open), ui.key(Command::Answer));
    let word = match (&ended, &run.stop_asked) {
        (Some(word), _) => word.as_str(),
        (None, Some(_)) => "being stopped",
        (None, None) if asks => &hint,
        (None, None) => "running",
    };
    let role = if asks { Role::Warn } else { role };
    let room = pen.room().saturating_sub(width(word).min(32) + 2);
    pen.column_of(title, width(title).min(room), ui.of(Role::Text)).gap(2);
    pen.put(word, ui.of(if ended.is_some() && role == Role::Good { Role::Muted } else { role }));
    if !run.summary.is_empty() && pen.room() > 8 {
        pen.gap(2).put(&run.summary, ui.of(Role::Faint));
    }
}

pub(super) fn summary(ui: Ui<'_>, pen: &mut Pen<'_>) {
    match ui.model.run_rows().next() {
        Some((plan, run)) => run_row(ui, pen, plan, run),
        None => {
            pen.put("nothing was run yet", ui.of(Role::Faint));
        }
    }
}
