//! The output of a run: as its terminal shows it now, or further back in its log.

use std::ops::Range;

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

use super::super::glyph;
use super::super::paint::{Pen, width};
use super::super::terminal::{self, As};
use super::super::theme::Role;
use super::super::ui::{Ui, below, row, stopwatch};
use super::{Shown, framed, hints, jobs};
use crate::cockpit::Command;
use crate::cockpit::history::Spot;
use crate::cockpit::lines::Line;
use crate::cockpit::overlay::{Input, RunView, Selection};
use crate::incident::{PlanRun, RemoteState, Run};
use crate::plan::Action;

/// ```text
/// ╭ deploy hotfix/pool-limit to staging ─────────────────────────────╮
/// │ ▶ running  00:14  $ ./deploy.sh hotfix/pool-limit staging        │
/// │ ↓ 213 lines below  G follows                "pool" 3 of 17       │
/// │ pushing image payments-api:77b0d13 … layer 4/7                   │
/// ╰─────────────────────────── j k scroll  / find  y copy  esc back ─╯
/// ```
pub(super) fn draw(ui: Ui<'_>, buf: &mut Buffer, area: Rect, view: &RunView) -> Shown {
    let found = ui.model.incident().and_then(|state| state.run(&view.run));
    let running = found.is_some_and(|(plan, run)| glyph::outcome(plan, run).is_none());
    let title = found.map_or(view.run.as_str(), |(plan, _)| plan.title.as_str());
    // What runs elsewhere asks nothing here.
    let is_here = |(plan, run): (&PlanRun, &Run)| run.remote.is_none() && ui.model.elsewhere(plan).is_none();
    let answers = running && found.is_none_or(is_here);
    let inner = frame(ui, buf, area, view, title, (running, answers));
    status(ui, &mut Pen::new(buf, inner, 0), view, found);
    signs(ui, &mut Pen::new(buf, inner, 1), view, running);
    let output = ui.model.output.as_ref().filter(|output| output.run == view.run);
    let jobs = output.map_or(&[][..], |output| &output.jobs);
    let body = jobs::draw(ui, buf, below(inner, 2), jobs, view.top.is_none());
    if let Some((plan, run)) = found
        && let Some(machine) = ui.model.elsewhere(plan)
    {
        elsewhere(ui, buf, body, &machine, run);
        return Shown { lines: body.height, ..Shown::default() };
    }
    let cursor = match view.top {
        Some(top) => {
            history(ui, buf, body, view, top);
            None
        }
        None => live(ui, buf, body, view).filter(|_| running),
    };
    Shown { lines: body.height, top: 0, cursor, more: None }
}

/// What is known here of the output of a run on another machine.
fn elsewhere(ui: Ui<'_>, buf: &mut Buffer, body: Rect, machine: &str, run: &Run) {
    let text = format!("what it prints stays on {machine}");
    Pen::new(buf, row(body, 0), 0).put(&text, ui.of(Role::Muted));
    for (line, text) in (2..body.height).zip(&run.tail) {
        Pen::new(buf, row(body, line), 0).put("│ ", ui.of(Role::Faint)).put(text, ui.of(Role::Text));
    }
}

/// The frame: it must be plain to see where keys go.
fn frame(
    ui: Ui<'_>,
    buf: &mut Buffer,
    area: Rect,
    view: &RunView,
    title: &str,
    (running, answers): (bool, bool),
) -> Rect {
    match &view.input {
        Input::Open => {
            let title = format!("ANSWERING  {title}");
            let long = [("keys go to the command;", "ctrl-] leaves")];
            let keys = if area.width < 48 { &[("ctrl-]", "leaves")] } else { &long };
            framed(ui, buf, area, &title, keys, Role::Warn)
        }
        Input::Over(_) => framed(ui, buf, area, title, &[("esc", "goes on")], Role::Bad),
        Input::No if view.selection.is_some() => {
            let keys = [(Command::Down, "select"), (Command::CopyLines, "copy"), (Command::Back, "back")];
            framed(ui, buf, area, title, &hints(ui, &keys), Role::Accent)
        }
        Input::No => {
            let commands = [
                (answers, Command::Answer),
                (running, Command::Stop),
                (true, Command::FindText),
                (view.search.is_some(), Command::FindNext),
                (area.width > 90, Command::SelectLines),
                (area.width > 60, Command::CopyLines),
            ];
            let shown = commands.into_iter().filter(|(yes, _)| *yes);
            let mut keys = vec![(Command::Down, "scroll")];
            keys.extend(shown.map(|(_, command)| (command, command.spec().title)));
            keys.push((Command::Back, "back"));
            let mut all = hints(ui, &keys);
            // The least needed give way in a narrow window.
            while all.len() > 2
                && all.iter().map(|(key, word)| width(key) + width(word) + 3).sum::<u16>() + 5 > area.width
            {
                all.remove(if all.len() > 3 { all.len() - 2 } else { 0 });
            }
            framed(ui, buf, area, title, &all, Role::OverlayBorder)
        }
    }
}

/// The command, and how it stands.
fn status(ui: Ui<'_>, pen: &mut Pen<'_>, view: &RunView, found: Option<(&PlanRun, &Run)>) {
    let Some((plan, run)) = found else {
        pen.put("this run is not in the record yet", ui.of(Role::Faint));
        return;
    };
    let waits = run.remote.as_ref().is_some_and(|remote| remote.state == RemoteState::Waiting);
    let (symbol, role) =
        if waits && run.outcome.is_none() { ("‖", Role::Warn) } else { glyph::run(plan, run) };
    pen.put(symbol, ui.of(role)).gap(1);
    let ended = glyph::outcome(plan, run);
    let word = match (&ended, &run.stop_asked) {
        (Some(word), _) => word.as_str(),
        (None, Some(_)) => ui.model.stopping(plan, run),
        (None, None) if waits => "waiting",
        (None, None) => "running",
    };
    pen.put(word, ui.of(role)).gap(2);
    if ended.is_none() || run.ended_at.is_some() {
        let took = run.ended_at.unwrap_or(ui.model.now).duration_since(run.started_at);
        pen.put(&stopwatch(took), ui.of(Role::Muted)).gap(2);
    }
    for (index, (at, signal)) in run.signals.iter().enumerate() {
        pen.put(if index > 0 { "→ " } else { "" }, ui.of(Role::Faint)).put(signal, ui.of(Role::Warn)).gap(1);
        if ended.is_none() && index + 1 == run.signals.len() {
            let since = ui.model.now.duration_since(*at).as_secs().max(0);
            pen.put(&format!("{since}s ago"), ui.of(Role::Faint)).gap(1);
        }
    }
    if ended.is_none() && run.stop_asked.is_some() && pen.room() > 30 {
        pen.put(&ui.key(Command::Stop), ui.of(Role::Key)).put(" kills it now", ui.of(Role::Muted)).gap(2);
    }
    if let Some(remote) = &run.remote {
        pen.put(&remote.name, ui.of(Role::Code)).gap(1).put(remote.state.word(), ui.of(Role::Muted)).gap(1);
        if !remote.note.is_empty() {
            pen.put(&remote.note, ui.of(Role::Text)).gap(1);
        }
        pen.gap(1);
        if pen.room() > 24 {
            pen.put(&remote.url, ui.of(Role::Faint));
        }
        return;
    }
    let line = command_line(plan, &view.run);
    if width(&line) > 0 && pen.room() > 8 {
        pen.put("$ ", ui.of(Role::Faint)).put(&line, ui.of(Role::Code));
    }
}

/// Where in the output this is, what was found, and what has just been said.
fn signs(ui: Ui<'_>, pen: &mut Pen<'_>, view: &RunView, running: bool) {
    if let Some(search) = &view.search {
        let more = if search.more { "+" } else { "" };
        let (word, role) = match (search.rest, search.matches.len()) {
            (Some((from, to)), _) => (format!("looking … {} %", percent(from, to)), Role::Faint),
            (None, 0) => ("not found".to_owned(), Role::Warn),
            (None, count) => (format!("{} of {count}{more}", search.current + 1), Role::Accent),
        };
        pen.right(&word, ui.of(role));
        pen.right_gap(1);
        let text: String = search.text.chars().take(24).collect();
        pen.right(&format!("“{text}”"), ui.of(Role::Match));
        pen.right_gap(2);
    }
    if view.shift > 0 {
        pen.right(&format!("from column {}", view.shift + 1), ui.of(Role::Faint));
        pen.right_gap(2);
    }
    if let Some((_, word)) = &ui.model.word {
        pen.put(word, ui.of(Role::Accent));
        return;
    }
    match (&view.input, &view.selection) {
        (Input::Open, _) => {
            pen.put("keys go to the command; nothing typed is kept here", ui.of(Role::Warn));
            return;
        }
        (Input::Over(why), _) => {
            pen.put("✗ keys no longer go to the command: ", ui.of(Role::Bad)).put(why, ui.of(Role::Bad));
            return;
        }
        (Input::No, Some(selection)) => {
            let (first, last) = selection.range();
            let word = if first == last { "line" } else { "lines" };
            pen.put(&format!("{} {word} selected", last - first + 1), ui.of(Role::Accent));
            return;
        }
        (Input::No, None) => {}
    }
    if view.wish.is_some() || (view.top.is_some() && view.asked.lines.is_some()) {
        let (read, length) = view.read;
        let much = length.saturating_sub(read) > 1 << 20;
        let progress = if much { format!(" {} %", percent(read, length)) } else { String::new() };
        pen.put("reading the log …", ui.of(Role::Faint)).put(&progress, ui.of(Role::Faint));
        return;
    }
    let Some(top) = view.top else {
        if running && ui.model.seems_to_ask(&view.run) {
            let key = ui.key(Command::Answer);
            pen.put("waits for an answer?  ", ui.of(Role::Warn)).put(&key, ui.of(Role::Key));
            pen.put(" lets you type it", ui.of(Role::Muted));
        } else if running {
            pen.put("● following", ui.of(Role::Good));
        } else if let Some(failure) = &view.problem {
            pen.put(&failure.cause, ui.of(Role::Warn)).gap(2).put(&failure.hint, ui.of(Role::Faint));
        }
        return;
    };
    let total = view.history.len();
    let below = total.saturating_sub(top + usize::from(view.height));
    let lines = if below == 1 { "line" } else { "lines" };
    pen.put(&format!("↓ {below} {lines} below"), ui.of(Role::Warn)).gap(2);
    let word = if running { " follows" } else { " goes to the end" };
    pen.put(&ui.key(Command::Bottom), ui.of(Role::Key)).put(word, ui.of(Role::Muted)).gap(2);
    if pen.room() > 24 {
        pen.put(&format!("line {} of {total}", top + 1), ui.of(Role::Faint));
    }
}

fn percent(part: u64, whole: u64) -> u64 {
    part.min(whole).saturating_mul(100) / whole.max(1)
}

/// The terminal as it is now; returns where its cursor is.
fn live(ui: Ui<'_>, buf: &mut Buffer, body: Rect, view: &RunView) -> Option<Position> {
    let output = ui.model.output.as_ref().filter(|output| output.run == view.run)?;
    let screen = output.terminal.screen();
    let column = screen.cursor_position().1;
    let shift = match view.input {
        // Whoever types sees what is typed.
        Input::Open if column < view.shift || column >= view.shift + body.width => {
            (column + 1).saturating_sub(body.width)
        }
        _ => view.shift,
    };
    terminal::last_rows(ui, buf, body, screen, As { shift, ..As::default() });
    terminal::cursor(body, screen, shift).map(Position::from)
}

/// Lines of the log from `top` on.
fn history(ui: Ui<'_>, buf: &mut Buffer, body: Rect, view: &RunView, top: usize) {
    let height = usize::from(body.height);
    let top = top.min(view.history.len().saturating_sub(height));
    let selected = view.selection.map(Selection::range);
    for y in 0..body.height {
        let number = top + usize::from(y);
        let place = row(body, y);
        if let Some(line) = view.history.line(number) {
            let found =
                view.history.spot(number).map_or_else(Vec::new, |spot| places(view, spot, number, line));
            terminal::line(ui, buf, place, line, As { shift: view.shift, plain: false, found: &found });
        } else if number < view.history.len() {
            Pen::new(buf, place, 0).put("…", ui.of(Role::Faint));
        }
        if selected.is_some_and(|(first, last)| (first..=last).contains(&number)) {
            ui.select(buf, place);
        }
    }
}

/// Where in a line the text is that was searched for, and whether it is the place gone to.
fn places(view: &RunView, spot: Spot, number: usize, line: &Line) -> Vec<(Range<usize>, bool)> {
    let Some(search) = &view.search else { return Vec::new() };
    let matches = &search.matches;
    let on = |spot: Spot| {
        let first = matches.partition_point(|found| found.spot < spot);
        matches.iter().enumerate().skip(first).take_while(move |(_, found)| found.spot == spot)
    };
    let mut places: Vec<_> = on(spot)
        .map(|(index, found)| (found.start..found.start + found.length, index == search.current))
        .collect();
    // One that begins in the line above may run on into this one.
    if line.joined
        && let Some(above) = number.checked_sub(1)
        && let (Some(spot), Some(before)) = (view.history.spot(above), view.history.line(above))
    {
        let length = before.text.len();
        let runs_on = on(spot).filter(|(_, found)| found.start + found.length > length);
        places.extend(
            runs_on.map(|(index, found)| (0..found.start + found.length - length, index == search.current)),
        );
    }
    places
}

/// The command line of a run, as it was approved; empty where the plan cannot be read.
fn command_line(plan: &PlanRun, run: &str) -> String {
    let index = plan.steps.iter().position(|step| step.run.as_ref().is_some_and(|r| r.id == run));
    let action = index.and_then(|index| plan.spec.get("steps")?.get(index)?.get("action"));
    let action = action.and_then(|action| serde::Deserialize::deserialize(action).ok());
    action.map_or_else(String::new, |action: Action| action.line())
}
