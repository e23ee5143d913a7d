//! A plan while it is carried out: the list of the preview with how far each step came, and
//! what can be decided now.

use jiff::SignedDuration;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Modifier;

use super::super::glyph;
use super::super::paint::{Pen, width};
use super::super::progress;
use super::super::terminal;
use super::super::theme::Role;
use super::super::ui::{Ui, below, row, short_id, stopwatch};
use super::document::{self, Line};
use super::{Shown, wide, window};
use crate::cockpit::Command;
use crate::cockpit::overlay::{Overlay, PlanView};
use crate::incident::{BESIDE, PlanRun, Proof, Run, StepRun, StepState};
use crate::plan::progress::Choice;
use crate::plan::{Action, Settle, Step};

/// Columns that what is said of a step is moved in by.
const INDENT: &str = "       ";
const HANG: u16 = 7;
/// Lines of output shown beneath a step.
const OUTPUT: usize = 6;

/// ```text
/// ╭ deploy hotfix/pool-limit to production ────────────────────────────╮
/// │ ‖ waits   step 3 of 5   on production   by maya, 15:02       14:31 │
/// │                                                                    │
/// │ ✓  1  ./weight.sh 5                                          00:04 │
/// │ ‖  2  watch api /health for 5m                      02:10 of 05:00 │
/// │       waits since 15:12: no data from api                          │
/// │ ·  3  ./weight.sh 100                                              │
/// ├────────────────────────────────────────────────────────────────────┤
/// │ c  continue with: watch                                               │
/// │ u  undo back to: 5 %                                │
/// ╰─────────────────────────── j k step  ⏎ output  x stop  esc back ─╯
/// ```
pub(super) fn draw(ui: Ui<'_>, buf: &mut Buffer, area: Rect, view: &PlanView) -> Shown {
    let columns = area.width;
    let Some(run) = ui.model.incident().and_then(|state| state.plan(&view.plan)) else {
        let inner = window(ui, buf, wide(area, 3), "Plan", &[(Command::Back, "back")]);
        Pen::new(buf, inner, 0).put("this plan is not in the record yet", ui.of(Role::Faint));
        return Shown { lines: inner.height, ..Shown::default() };
    };
    let choices = view.choices(run, ui.model);
    let (lines, starts) = lines(ui, run, view, columns);
    let more: Vec<_> = edit_row(ui, run, view).into_iter().chain(back_row(ui, run)).collect();
    let rows = choices.len() + more.len();
    let foot = if rows == 0 { 0 } else { rows as u16 + 1 };
    let wanted = document::height(&lines, columns.saturating_sub(4), area.height).saturating_add(foot + 2);
    let place = wide(area, wanted.clamp(8.min(area.height), area.height));
    let inner = window(ui, buf, place, &run.title, &keys(run));
    let foot = foot.min(inner.height.saturating_sub(2));
    let list = Rect { height: inner.height - foot, ..inner };
    let top = top_for(&lines, &starts, view, run, list);
    let shown = document::draw(buf, list, top, lines.len(), |index| lines[index].clone());
    if foot > 0 {
        decisions(ui, buf, place, below(inner, list.height), &more, &choices);
    }
    shown
}

/// The keys at the lower edge.
fn keys(run: &PlanRun) -> Vec<(Command, &'static str)> {
    let mut keys = vec![(Command::Down, "step"), (Command::Open, "output")];
    let runs = |run: &Run| run.outcome.is_none();
    if run.steps.iter().any(|step| step.run.iter().chain(&step.undo).any(runs)) {
        keys.push((Command::Stop, "stop"));
    }
    keys.push((Command::Back, "back"));
    keys
}

/// The first line to draw, so that all of the step under the cursor can be seen.
fn top_for(lines: &[Line], starts: &[usize], view: &PlanView, run: &PlanRun, list: Rect) -> usize {
    let step = view.step(run);
    let start = starts.get(step).copied().unwrap_or(0);
    let end = starts.get(step + 1).copied().unwrap_or(lines.len());
    let mut top = if step == 0 { 0 } else { view.scroll.top.min(start) };
    while top < start
        && lines
            .get(top..end)
            .is_some_and(|seen| document::height(seen, list.width, list.height + 1) > list.height)
    {
        top += 1;
    }
    top
}

/// All lines, and where each step begins.
fn lines(ui: Ui<'_>, run: &PlanRun, view: &PlanView, columns: u16) -> (Vec<Line>, Vec<usize>) {
    let mut lines = vec![head(ui, run, columns)];
    if let Some(machine) = ui.model.elsewhere(run) {
        let text = format!("runs on {machine}; what it prints stays there");
        lines.push(Line::of("  ", ui.of(Role::Faint)).with(&text, ui.of(Role::Muted)).hanging(2));
    }
    if !run.why.is_empty() && !run.steps.iter().any(|step| says(step, &run.why)) {
        let (_, role) = glyph::plan(run);
        lines.push(Line::of("  ", ui.of(role)).with(&run.why, ui.of(role)).hanging(2));
    }
    if !view.unreadable.is_empty() {
        let text =
            format!("▲ {}: only its titles can be shown, and it cannot be resumed here", view.unreadable);
        lines.push(Line::of(&text, ui.of(Role::Warn)).hanging(2));
    }
    lines.push(Line::default());
    let at = view.step(run);
    let unsettled = view.unsettled_step(run);
    let mut starts = Vec::with_capacity(run.steps.len());
    for (index, step) in run.steps.iter().enumerate() {
        starts.push(lines.len());
        let planned = view.spec.as_ref().and_then(|plan| plan.steps.get(index));
        let unsettled = unsettled.filter(|(place, _)| *place == index).map(|_| view);
        step_lines(ui, &mut lines, index, step, planned, index == at, unsettled);
    }
    (lines, starts)
}

/// Tells whether a step says by itself why the plan ended as it did.
fn says(step: &StepRun, why: &str) -> bool {
    let outcome = step.run.as_ref().and_then(|run| run.outcome.as_ref());
    outcome.is_some_and(|outcome| glyph::outcome_words(outcome).contains(why))
}

/// How the whole of it stands.
fn head(ui: Ui<'_>, run: &PlanRun, columns: u16) -> Line {
    let (symbol, role) = glyph::plan(run);
    let (muted, faint) = (ui.of(Role::Muted), ui.of(Role::Faint));
    let word = run.state.word();
    let mut line = Line::of(symbol, ui.of(role)).with(" ", faint).with(word, ui.of(role));
    if !run.is_done() {
        let step = crate::plan::progress::reached(run) + 1;
        line = line.with(&format!("   step {step} of {}", run.steps.len()), muted);
    }
    // Checks run on nothing but this machine.
    if run.purpose != "test" {
        line = line.with("   on ", faint).with(&run.target, muted);
    }
    if columns >= 60 {
        line = line.with("   by ", faint).with(&run.by, muted);
    }
    if columns >= 90 {
        line = line.with(&format!(" at {}", ui.minute(run.started_at)), faint);
    }
    let took = run.ended_at.unwrap_or(ui.model.now).duration_since(run.started_at);
    let role = if run.state.is_under_way() { Role::Accent } else { Role::Faint };
    line.ending(&stopwatch(took.max(SignedDuration::ZERO)), ui.of(role)).hanging(2)
}

fn step_lines(
    ui: Ui<'_>,
    lines: &mut Vec<Line>,
    index: usize,
    step: &StepRun,
    planned: Option<&Step>,
    selected: bool,
    unsettled: Option<&PlanView>,
) {
    let (symbol, role) = glyph::step(step);
    let state = step.state();
    let exact = planned.map(|planned| planned.action.line());
    let style = match state {
        StepState::Open => ui.of(Role::Muted),
        StepState::Skipped | StepState::Undone => ui.of(Role::Faint),
        StepState::Done => ui.of(Role::Text),
        _ => ui.of(Role::Text).add_modifier(Modifier::BOLD),
    };
    let (time, time_role) = time(ui, step, planned.map(|planned| &planned.action));
    let number = format!(" {:>2}  ", index + 1);
    let mut line = Line::of(symbol, ui.of(role))
        .with(" ", style)
        .with(&number, ui.of(Role::Faint))
        .with(&step.title, style)
        .ending(&time, ui.of(time_role))
        .hanging(HANG);
    if selected && ui.model.overlays.last().is_some_and(|top| matches!(top, Overlay::Plan(_))) {
        line = line.marked(ui.of(Role::Selection));
    }
    lines.push(line);
    let mut say = |text: &str, role: Role| {
        lines.push(Line::of(INDENT, ui.of(role)).with(text, ui.of(role)).hanging(HANG));
    };
    let exact = exact.as_deref().filter(|exact| selected && *exact != step.title);
    let mut lines_of_it = about(ui, step, unsettled.is_some());
    // What a pipeline waits for is read before the address that it was started at.
    let follows = planned.is_some_and(|planned| matches!(planned.action, Action::Pipeline(_)));
    let place = if follows && step.waiting.is_some() { lines_of_it.len() } else { 0 };
    lines_of_it.splice(place..place, exact.map(|exact| (exact.to_owned(), Role::Code)));
    for (text, role) in lines_of_it {
        say(&text, role);
    }
    // What a watch found is said of each, the figures behind it where somebody looks at it.
    let watches = planned.is_some_and(|planned| matches!(planned.action, Action::Watch(_)));
    if let Some(run) = step.run.as_ref().filter(|_| watches) {
        let shown = match (state, selected) {
            (StepState::Done, true) => usize::MAX,
            (StepState::Done, false) => 1,
            // What failed is said with how it ended.
            _ => {
                if selected {
                    usize::MAX
                } else {
                    0
                }
            }
        };
        for part in run.summary.split(BESIDE).filter(|part| !part.is_empty()).take(shown) {
            say(part, Role::Muted);
        }
    }
    if let (Some(view), Some(settle)) = (unsettled, planned.and_then(|planned| planned.settle.as_ref())) {
        left(ui, lines, view, settle);
    }
    if let Some(Action::Watch(watch)) = planned.map(|planned| &planned.action)
        && matches!(state, StepState::Running | StepState::Waiting)
    {
        lines.push(watched(ui, watch));
        lines.extend(settling(ui, step, watch));
    }
    if selected && !matches!(state, StepState::Done | StepState::Open | StepState::Skipped) {
        output(ui, lines, step);
    }
}

/// How long it took or has left, at the right end.
fn time(ui: Ui<'_>, step: &StepRun, action: Option<&Action>) -> (String, Role) {
    if let Some((since, _)) = &step.waiting {
        return (stopwatch(ui.model.now.duration_since(*since)), Role::Warn);
    }
    let Some(run) = step.undo.as_ref().or(step.run.as_ref()) else { return (String::new(), Role::Faint) };
    if run.outcome.is_none() {
        let undoing = step.undo.is_some();
        return (progress::clock(run, action.filter(|_| !undoing), ui.model.now), Role::Accent);
    }
    match run.ended_at {
        Some(ended) => (stopwatch(ended.duration_since(run.started_at)), Role::Faint),
        None => (String::new(), Role::Faint),
    }
}

/// What is known of a step, in words, a line each.
fn about(ui: Ui<'_>, step: &StepRun, listed: bool) -> Vec<(String, Role)> {
    let mut said = Vec::new();
    let again: Vec<&Run> = step.earlier.iter().collect();
    if let Some(before) = again.last().filter(|_| step.run.is_some()) {
        let ended = before.outcome.as_ref().map_or("its end was not seen".to_owned(), glyph::outcome_words);
        let times = again.len() + 1;
        said.push((format!("{times} times; the time before: {ended}"), Role::Muted));
    }
    if let Some(run) = &step.run {
        let known = ui.model.incident().and_then(|state| state.run(&run.id));
        let stopping = known.map_or("being stopped", |(plan, run)| ui.model.stopping(plan, run));
        ended(&mut said, step, run, (listed, stopping));
    }
    if let (Some((since, _)), Some(why)) = (&step.waiting, step.waits_for()) {
        said.push((format!("waits since {}: {why}", ui.clock(*since)), Role::Warn));
    }
    if let Some((at, by, reason)) = &step.skipped {
        said.push((format!("skipped by {by} at {}: {reason}", ui.clock(*at)), Role::Muted));
    }
    if let Some(undo) = &step.undo {
        said.push(match &undo.outcome {
            None => ("being undone".to_owned(), Role::Accent),
            Some(outcome) if outcome.succeeded() => ("undone".to_owned(), Role::Muted),
            Some(outcome) => (format!("undoing it: {}", glyph::outcome_words(outcome)), Role::Bad),
        });
    }
    said
}

/// How its last run ended, and what the world said of it. What is listed below is not said here.
fn ended(said: &mut Vec<(String, Role)>, step: &StepRun, run: &Run, (listed, stopping): (bool, &str)) {
    let role = match step.fate() {
        StepState::Failed => Role::Bad,
        StepState::Unknown => Role::Unknown,
        _ => Role::Muted,
    };
    match &run.outcome {
        None if run.stop_asked.is_some() => said.push((stopping.to_owned(), Role::Warn)),
        Some(outcome) if !outcome.succeeded() => {
            let summary = if listed { "" } else { run.found() };
            let colon = if summary.is_empty() { "" } else { ": " };
            said.push((format!("{}{colon}{summary}", glyph::outcome_words(outcome)), role));
        }
        _ => {}
    }
    if let Some((_, proof, why)) = &step.proof {
        let (word, role) = match proof {
            Proof::Done => ("proven", Role::Muted),
            Proof::NotDone => ("found not to be done", Role::Bad),
            Proof::Unknown => ("cannot find out whether it is done", Role::Unknown),
        };
        let colon = if why.is_empty() { "" } else { ": " };
        said.push((format!("{word}{colon}{}", short_ids(why)), role));
    }
}

/// A text with whole ids of commits cut to what people know them by.
fn short_ids(text: &str) -> String {
    let is_id = |word: &str| word.len() == 40 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
    let short = |word| if is_id(word) { short_id(word) } else { word };
    text.split(' ').map(short).collect::<Vec<_>>().join(" ")
}

/// What the conditions of a watch look like now.
fn watched(ui: Ui<'_>, watch: &crate::plan::Watch) -> Line {
    let mut line = Line::of(INDENT, ui.of(Role::Faint));
    for (index, probe) in watch.probes.iter().enumerate() {
        if index > 0 {
            line = line.with("   ", ui.of(Role::Faint));
        }
        let known = ui.model.probes.iter().map(|known| &**known).find(|known| known.name == probe.name);
        let (symbol, role) = known.map_or(("?", Role::Unknown), |known| glyph::probe(known.state));
        line = line.with(symbol, ui.of(role)).with(" ", ui.of(role)).with(&probe.name, ui.of(Role::Muted));
        let said = known.map_or_else(|| "no data".to_owned(), progress::seen);
        line = line.with(" ", ui.of(Role::Faint)).with(&said, ui.of(role));
    }
    line.hanging(HANG)
}

/// For how long its conditions may still be broken.
fn settling(ui: Ui<'_>, step: &StepRun, watch: &crate::plan::Watch) -> Option<Line> {
    let since = ui.model.now.duration_since(step.run.as_ref()?.started_at);
    let left = watch.settle.checked_sub(since).filter(SignedDuration::is_positive)?;
    let text = format!("settling: failures count in {}", stopwatch(left));
    Some(Line::of(INDENT, ui.of(Role::Faint)).with(&text, ui.of(Role::Faint)))
}

/// The last lines of its output, as far as they are here.
fn output(ui: Ui<'_>, lines: &mut Vec<Line>, step: &StepRun) {
    let Some(run) = step.undo.as_ref().or(step.run.as_ref()) else { return };
    let output = ui.model.output.as_ref().filter(|output| output.run == run.id);
    let here = output.map(|output| terminal::last_lines(output.terminal.screen(), OUTPUT));
    let faint = ui.of(Role::Faint);
    // Of what ran on another machine there is no log here.
    for text in here.filter(|lines| !lines.is_empty()).unwrap_or_else(|| run.tail.clone()) {
        lines.push(Line::of("       │ ", faint).with(&text, ui.of(Role::Muted)).hanging(9));
    }
}

/// What is left to be settled by hand, and where.
fn left(ui: Ui<'_>, lines: &mut Vec<Line>, view: &PlanView, settle: &Settle) {
    let (faint, code) = (ui.of(Role::Faint), ui.of(Role::Code));
    let files = view.unsettled.as_ref().and_then(|left| left.files.as_ref());
    let mut say =
        |text: &str, role| lines.push(Line::of(INDENT, faint).with(text, ui.of(role)).hanging(HANG));
    match files {
        None => say("looking at what is left …", Role::Faint),
        Some(Err(why)) => say(&format!("? cannot tell what is left: {why}"), Role::Unknown),
        Some(Ok(files)) if files.is_empty() => say("✓ no conflict is left", Role::Good),
        Some(Ok(files)) => {
            say(&format!("{} in conflict:", files_of(files.len())), Role::Bad);
            for file in files {
                let mark = Line::of(INDENT, faint).with("✗ ", ui.of(Role::Bad));
                lines.push(mark.with(file, code).hanging(HANG + 2));
            }
        }
    }
    let place = Line::of(INDENT, faint).with("in ", faint).with(&settle.place, ui.of(Role::Muted));
    lines.push(place.hanging(HANG));
}

fn files_of(count: usize) -> String {
    if count == 1 { "1 file".to_owned() } else { format!("{count} files") }
}

/// What the key does that opens what is left; `None`: nothing is.
fn edit_row(ui: Ui<'_>, run: &PlanRun, view: &PlanView) -> Option<(String, String)> {
    view.unsettled_step(run)?;
    let left = view.unsettled.as_ref()?;
    let files = left.files.as_ref()?.as_ref().ok().filter(|files| !files.is_empty())?;
    let key = ui.model.keymap.key(Command::PlanSettle)?;
    let what = if left.editing.is_some() { "being edited …" } else { "in the editor" };
    Some((key.to_string(), format!("resolve {} {what}", files_of(files.len()))))
}

/// What the key does that rolls back what failed here; `None`: there is nothing to roll back.
fn back_row(ui: Ui<'_>, run: &PlanRun) -> Option<(String, String)> {
    let environment = PlanView::to_roll_back(run, ui.model)?;
    let key = ui.model.keymap.key(Command::RollBack)?;
    Some((key.to_string(), format!("roll {environment} back: see what works, and take it")))
}

/// What can be decided now, below a rule.
fn decisions(
    ui: Ui<'_>,
    buf: &mut Buffer,
    place: Rect,
    foot: Rect,
    more: &[(String, String)],
    choices: &[Choice],
) {
    let border = ui.of(Role::OverlayBorder);
    let mut pen = Pen::new(buf, Rect { y: foot.y, height: 1, ..place }, 0);
    let rule = pen.room().saturating_sub(2);
    pen.put("├", border).column_of(&"─".repeat(usize::from(rule)), rule, border).put("┤", border);
    let keys: Vec<String> =
        choices.iter().map(|choice| ui.key(Command::of_decision(&choice.decision))).collect();
    let column = keys.iter().map(|key| width(key)).max().unwrap_or(1);
    let mut foot = foot;
    for (key, what) in more {
        let mut pen = Pen::new(buf, row(foot, 1), 0);
        pen.column_of(key, column, ui.of(Role::Key)).gap(2).put(what, ui.of(Role::Text));
        foot = below(foot, 1);
    }
    for (line, (choice, key)) in choices.iter().zip(&keys).enumerate() {
        let mut pen = Pen::new(buf, row(foot, line as u16 + 1), 0);
        pen.column_of(key, column, ui.of(Role::Key)).gap(2);
        if choice.risky && pen.room() > width(&choice.title) + 26 {
            pen.right("▲ may be done twice", ui.of(Role::Warn));
            pen.right_gap(2);
        }
        pen.put(&choice.title, ui.of(Role::Text));
    }
}
