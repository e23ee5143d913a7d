//! The runs: what is being carried out, live, and how the others ended.

use jiff::SignedDuration;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::glyph;
use super::super::paint::{Pen, cut, width};
use super::super::progress;
use super::super::terminal;
use super::super::theme::Role;
use super::super::ui::{Ui, below, inset, stopwatch};
use super::{empty, frame, mark, window};
use crate::cockpit::{Command, Pane};
use crate::incident::{Outcome, PlanEnd, PlanRun, PlanState, Run, canary_undone};

/// From this width the list and the live output stand side by side.
const SIDE_BY_SIDE: u16 = 90;

/// Columns of a row beside the name of its plan.
const BESIDE: u16 = 36;

pub(super) fn draw(ui: Ui<'_>, buf: &mut Buffer, area: Rect) -> Rect {
    let rows = ui.model.plan_rows().count();
    let waiting = ui.model.plan_rows().filter(|plan| plan.state == PlanState::Waiting).count();
    let running = ui.model.plan_rows().filter(|plan| plan.state == PlanState::Running).count();
    let (count, role) = match (waiting, running) {
        (0, 0) if rows == 0 => (String::new(), Role::Faint),
        (0, 0) => (ended(ui), Role::Faint),
        (0, _) => (format!("▶ {running} running"), Role::Accent),
        (1, _) => ("‖ 1 waits".to_owned(), Role::Warn),
        _ => (format!("‖ {waiting} wait"), Role::Warn),
    };
    let body = frame(ui, buf, area, Pane::Runs, &[(&count, ui.of(role))]);
    if rows == 0 {
        let config = &ui.model.config.config;
        let (test, deploy) = (ui.key(Command::Test), ui.key(Command::Deploy));
        let shows = "what it will run is shown before it does";
        let hint = match (config.checks.is_empty(), config.environments.is_empty()) {
            (true, true) => "add [[checks]] and [[environments]] to flightdeck.toml".to_owned(),
            (false, true) => format!("{test} runs the checks; {shows}"),
            (true, false) => format!("{deploy} deploys; {shows}"),
            (false, false) => {
                format!(
                    "{test} runs the checks, {deploy} deploys; both show what they will run before they do"
                )
            }
        };
        let all = format!("press {} to see all", ui.key(Command::Back));
        let filtered = !ui.model.view(Pane::Runs).filter.is_empty();
        let lines = if filtered { ["no run contains this", &all] } else { ["nothing was run yet", &hint] };
        empty(ui, buf, body, &lines);
        return body;
    }
    let (list, beside) = split(ui, body, rows);
    let (top, cursor) = window(ui, Pane::Runs, rows, list.height);
    let shown = ui.model.plan_rows().enumerate().skip(top).take(usize::from(list.height));
    for (line, (row, plan)) in shown.enumerate() {
        plan_row(ui, &mut Pen::new(buf, list, line as u16), plan);
        mark(ui, buf, list, line as u16, Pane::Runs, row == cursor);
    }
    output(ui, buf, beside, list);
    list
}

/// How many ended how: `7 done · 1 failed`.
fn ended(ui: Ui<'_>) -> String {
    let ends = [
        (PlanEnd::Done, "done"),
        (PlanEnd::Failed, "failed"),
        (PlanEnd::Cancelled, "stopped"),
        (PlanEnd::Unknown, "unknown"),
    ];
    let count = |end| ui.model.plan_rows().filter(|plan| plan.state == PlanState::Ended(end)).count();
    let all = ends.into_iter().map(|(end, word)| (count(end), word)).filter(|(count, _)| *count > 0);
    all.map(|(count, word)| format!("{count} {word}")).collect::<Vec<_>>().join(" · ")
}

/// The list, and where the live output goes.
fn split(ui: Ui<'_>, body: Rect, rows: usize) -> (Rect, Rect) {
    let none = Rect { width: 0, height: 0, ..body };
    if ui.model.output.is_none() || body.height < 2 {
        return (body, none);
    }
    if body.width >= SIDE_BY_SIDE {
        // As wide as its names need, and never so wide that nothing of the output can be read.
        let words = |plan: &PlanRun| undone(plan).map_or_else(|| width(&plan.title), |said| width(&said));
        let titles = ui.model.plan_rows().take(usize::from(body.height)).map(words);
        let wanted = titles.max().unwrap_or_default().saturating_add(BESIDE);
        let left = wanted.clamp(body.width * 9 / 20, body.width * 13 / 20);
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

/// ```text
/// ‖ deploy v1.2.4 to production  3/7  waits: no data from api      12:40  15:17
/// ▶ deploy v1.2.4 to staging     2/3  watch staging 02:10 of 05:00 03:02  15:21
/// ✓ run check unit  exited 0  412 passed                           01:08  15:08
/// ```
fn plan_row(ui: Ui<'_>, pen: &mut Pen<'_>, plan: &PlanRun) {
    let (symbol, role) = glyph::plan(plan);
    let alone = match plan.steps.as_slice() {
        [step] if step.waiting.is_none() => step.run.as_ref(),
        _ => None,
    };
    times(ui, pen, plan, alone);
    pen.put(symbol, ui.of(role)).gap(1);
    let count = progress::count(plan);
    let asks = progress::step(plan).and_then(|(_, step)| step.run.as_ref());
    let asks = asks.is_some_and(|run| run.outcome.is_none() && ui.model.seems_to_ask(&run.id));
    let (word, time) = if asks {
        let keys = format!("[{} {}]", ui.key(Command::Open), ui.key(Command::Answer));
        (format!("waits for an answer? {keys}"), String::new())
    } else {
        let alone = alone.map(|run| (ended_word(ui, plan, run), String::new()));
        alone.unwrap_or_else(|| progress::at(plan, ui.model.now))
    };
    let role = if asks { Role::Warn } else { role };
    if let Some(undone) = undone(plan) {
        pen.put(&undone, ui.of(role)).gap(2).put(&plan.title, ui.of(Role::Muted));
        return;
    }
    // Which plan it is comes first: of what it is at, the first words have to do.
    let beside = if count.is_empty() { 0 } else { width(&count) + 2 };
    let beside = beside + if time.is_empty() { 0 } else { width(&time) + 1 };
    let kept = width(&word).min(if asks { 32 } else { 14 }) + 2 + beside;
    let room = pen.room().saturating_sub(kept).max(if asks { 6 } else { pen.room() * 2 / 5 });
    pen.column_of(&plan.title, width(&plan.title).min(room), ui.of(Role::Text)).gap(2);
    if !count.is_empty() {
        pen.put(&count, ui.of(Role::Faint)).gap(2);
    }
    let style = ui.of(if role == Role::Good { Role::Muted } else { role });
    let word = if time.is_empty() {
        word
    } else {
        // A time is never cut.
        let words = cut(&word, pen.room().saturating_sub(width(&time) + 1));
        format!("{words} {time}").trim_start().to_owned()
    };
    pen.put(&word, style);
    if let Some(run) = alone.filter(|run| !run.found().is_empty())
        && pen.room() > 8
    {
        pen.gap(2).put(run.found(), ui.of(Role::Faint));
    }
}

/// How a canary ended that was taken back.
fn undone(plan: &PlanRun) -> Option<String> {
    (!plan.state.is_under_way()).then(|| canary_undone(&plan.why)).flatten()
}

/// How the only step of a plan stands.
fn ended_word(ui: Ui<'_>, plan: &PlanRun, run: &Run) -> String {
    match (glyph::outcome(plan, run), &run.stop_asked) {
        // One word for all that went well, however that is known.
        (Some(_), _) if run.outcome.as_ref().is_some_and(Outcome::succeeded) => "done".to_owned(),
        (Some(word), _) => word,
        (None, Some(_)) => ui.model.stopping(plan, run).to_owned(),
        (None, None) => progress::extended(plan, ui.model.now).unwrap_or_else(|| "running".to_owned()),
    }
}

/// When it was started and how long it took, at the right end.
fn times(ui: Ui<'_>, pen: &mut Pen<'_>, plan: &PlanRun, alone: Option<&Run>) {
    if pen.room() > 40 {
        pen.right(&ui.minute(plan.started_at), ui.of(Role::Time));
        pen.right_gap(2);
    }
    let under_way = plan.state.is_under_way();
    let (since, ended) = alone.map_or((plan.started_at, plan.ended_at), |run| (run.started_at, run.ended_at));
    // Nobody knows how long a run took whose end nobody saw.
    if under_way || ended.is_some() {
        let took = ended.unwrap_or(ui.model.now).duration_since(since);
        let role = if under_way && ended.is_none() { Role::Accent } else { Role::Faint };
        pen.right(&stopwatch(took.max(SignedDuration::ZERO)), ui.of(role));
        pen.right_gap(2);
    }
}

/// The plan that most wants to be seen.
pub(super) fn summary(ui: Ui<'_>, pen: &mut Pen<'_>) {
    let waits = ui.model.plan_rows().find(|plan| plan.state == PlanState::Waiting);
    match waits.or_else(|| ui.model.plan_rows().next()) {
        Some(plan) => plan_row(ui, pen, plan),
        None => {
            pen.put("nothing was run yet", ui.of(Role::Faint));
        }
    }
}
