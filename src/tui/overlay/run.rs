//! The output of a run in its terminal.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

use super::super::glyph;
use super::super::paint::{Pen, width};
use super::super::terminal;
use super::super::theme::Role;
use super::super::ui::{Ui, below, stopwatch};
use super::{Shown, window};
use crate::cockpit::Command;
use crate::cockpit::overlay::RunView;
use crate::plan::Action;

pub(super) fn draw(ui: Ui<'_>, buf: &mut Buffer, area: Rect, view: &RunView) -> Shown {
    let found = ui.model.incident().and_then(|state| state.run(&view.run));
    let title = found.map_or(view.run.as_str(), |(plan, _)| plan.title.as_str());
    let stop = ui.key(Command::Stop);
    let running = found.is_some_and(|(plan, run)| glyph::outcome(plan, run).is_none());
    let keys = [("j k", "scroll"), ("G", "follow"), (stop.as_str(), "stop"), ("esc", "back")];
    let keys = if running { &keys[..] } else { &[("j k", "scroll"), ("esc", "back")][..] };
    let inner = window(ui, buf, area, title, keys);
    status(ui, &mut Pen::new(buf, inner, 0), view);
    let body = below(inner, 2);
    let screen = view.terminal.screen();
    // What is scrolled back beyond the emulator's own scrollback moves the picture itself.
    let up = u16::try_from(view.back.saturating_sub(screen.scrollback())).unwrap_or(u16::MAX);
    terminal::whole(ui, buf, body, screen, up);
    let cursor = terminal::cursor(body, screen).filter(|_| running && up == 0).map(Position::from);
    Shown { lines: body.height, top: view.back, cursor }
}

/// The command, how it stands, and where in its output this is.
fn status(ui: Ui<'_>, pen: &mut Pen<'_>, view: &RunView) {
    let Some((plan, run)) = ui.model.incident().and_then(|state| state.run(&view.run)) else {
        pen.put("the record of this run is not here yet", ui.of(Role::Faint));
        return;
    };
    if view.back > 0 {
        pen.right(&format!("↑ {} lines back", view.back), ui.of(Role::Warn));
        pen.right_gap(3);
    }
    if view.skipped > 0 {
        pen.right(&format!("{} left out", bytes(view.skipped)), ui.of(Role::Faint));
        pen.right_gap(3);
    }
    let (symbol, role) = glyph::run(plan, run);
    pen.put(symbol, ui.of(role)).gap(1);
    let ended = glyph::outcome(plan, run);
    if ended.is_none() && view.back == 0 && pen.room() > 90 {
        // A command that waits for an answer looks like one that works.
        pen.right(&format!("does it ask? answer with  flightdeck run attach {}", run.id), ui.of(Role::Faint));
        pen.right_gap(3);
    }
    let word = match (&ended, &run.stop_asked) {
        (Some(word), _) => word.as_str(),
        (None, Some(_)) => "being stopped",
        (None, None) => "running",
    };
    pen.put(word, ui.of(role)).gap(2);
    if ended.is_none() || run.ended_at.is_some() {
        let took = run.ended_at.unwrap_or(ui.model.now).duration_since(run.started_at);
        pen.put(&stopwatch(took), ui.of(Role::Muted)).gap(2);
    }
    for (_, signal) in &run.signals {
        pen.put(signal, ui.of(Role::Warn)).gap(1);
    }
    let line = command_line(plan, &run.id);
    if width(&line) > 0 && pen.room() > 8 {
        pen.put("$ ", ui.of(Role::Faint)).put(&line, ui.of(Role::Code));
    }
}

/// The command line of a run, as it was approved; empty where the plan cannot be read.
fn command_line(plan: &crate::incident::PlanRun, run: &str) -> String {
    let index = plan.steps.iter().position(|step| step.run.as_ref().is_some_and(|r| r.id == run));
    let action = index.and_then(|index| plan.spec.get("steps")?.get(index)?.get("action"));
    let action = action.and_then(|action| serde::Deserialize::deserialize(action).ok());
    action.map_or_else(String::new, |action: Action| action.line())
}

fn bytes(count: u64) -> String {
    match count {
        n if n < 10_000 => format!("{n} bytes"),
        n if n < 10_000_000 => format!("{} kB", n / 1000),
        n => format!("{} MB", n / 1_000_000),
    }
}
