//! The last line: the keys that matter here, or the short word the program has just said.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::paint::{Pen, cut, width, wrap};
use super::present;
use super::theme::Role;
use super::ui::Ui;
use crate::cockpit::update::menus::title;
use crate::cockpit::{Command, Pane};
use crate::incident::StepState;
use crate::text::visible;

/// Keys of the cockpit that are always in sight: what gets production well again, and where all the others are.
const FIXED: [Command; 6] =
    [Command::RollBack, Command::Deploy, Command::Test, Command::Hotfix, Command::Note, Command::Palette];

/// Keys of the cockpit that follow those of the pane, the most used first.
const EVERYWHERE: [Command; 5] =
    [Command::Incident, Command::Team, Command::Severity, Command::Flags, Command::Zoom];

/// Keys that work in a pane only.
fn own(pane: Pane) -> &'static [Command] {
    match pane {
        Pane::Timeline => &[Command::Open, Command::Amend, Command::Retract, Command::Pin, Command::Fold],
        Pane::Health => &[
            Command::Open,
            Command::ProbeNow,
            Command::ChartEarlier,
            Command::ChartWider,
            Command::ChartSecond,
        ],
        Pane::Hotfix => &[],
        Pane::Checklist => &[Command::Pass, Command::Fail, Command::NotApplicable, Command::Assign],
        Pane::Runs => &[Command::Open, Command::Stop, Command::Prove],
    }
}

/// Draws the line of the cockpit.
pub(super) fn cockpit(ui: Ui<'_>, buf: &mut Buffer, line: Rect) {
    // Whoever zooms a pane works in it.
    let (fixed, own) = (FIXED.as_slice(), own(ui.model.focus));
    let (first, then) = if ui.model.zoom { (own, fixed) } else { (fixed, own) };
    let commands = first.iter().chain(then).chain(&EVERYWHERE);
    let config = &ui.model.config.config;
    let row = ui.model.view(Pane::Runs).cursor.unwrap_or_default();
    let plan = ui.model.plan_rows().nth(row);
    let charts = ui.model.chart.columns > 0;
    let last = ui.model.timeline_len().saturating_sub(1);
    let entry = ui.model.timeline_entry(ui.model.view(Pane::Timeline).cursor.unwrap_or(last));
    let means = |command: &Command| match command {
        // Only what can be done now.
        Command::RollBack | Command::Deploy => !config.environments.is_empty(),
        Command::Test => !config.checks.is_empty(),
        Command::Flags => !config.flags.is_empty(),
        Command::Amend => entry.is_some_and(|entry| entry.is_note()),
        Command::Retract => entry.is_some_and(|entry| !entry.happened()),
        // Whoever does not see all of it has to see how.
        Command::Fold => ui.model.zoom || ui.model.view(Pane::Timeline).folded.is_some(),
        Command::Stop => plan.is_some_and(|plan| plan.state.is_under_way()),
        Command::Prove => {
            plan.is_some_and(|plan| plan.steps.iter().any(|step| step.fate() == StepState::Unknown))
        }
        Command::ChartEarlier | Command::ChartSecond => charts,
        // Where there is more.
        Command::ChartWider => charts && ui.model.can_be_wider(),
        _ => true,
    };
    draw(ui, buf, line, commands.copied().filter(means));
}

/// Draws the line of the start screen.
pub(super) fn start(ui: Ui<'_>, buf: &mut Buffer, line: Rect) {
    draw(
        ui,
        buf,
        line,
        [Command::Declare, Command::Open, Command::History, Command::View, Command::Palette].into_iter(),
    );
}

/// Most lines of what the program says.
const LINES: usize = 3;

/// Lines that what the program has just said takes above the keys; none where there is room beside them.
pub(super) fn lines(ui: Ui<'_>, columns: u16) -> u16 {
    let Some((_, word)) = &ui.model.word else { return 0 };
    let word = visible(word);
    if columns == 0 || width(&word) <= beside(columns) {
        return 0;
    }
    wrap(&word, columns.saturating_sub(2)).len().min(LINES) as u16
}

/// Columns that a message may take of the line of keys, so that these stay.
fn beside(columns: u16) -> u16 {
    columns / 3
}

/// Draws what does not go beside the keys, in lines of its own.
pub(super) fn told(ui: Ui<'_>, buf: &mut Buffer, area: Rect) {
    let Some((_, word)) = ui.model.word.as_ref().filter(|_| !area.is_empty()) else { return };
    ui.fill(buf, area, Role::Overlay);
    let word = visible(word);
    for (line, part) in (0..area.height).zip(wrap(&word, area.width.saturating_sub(2))) {
        Pen::new(buf, area, line).gap(1).put(part, ui.of(Role::Accent));
    }
}

/// Lines that what the program has just said takes where there is no line of keys to stand on.
pub(super) fn over(ui: Ui<'_>, columns: u16) -> u16 {
    let Some((_, word)) = &ui.model.word else { return 0 };
    wrap(&visible(word), columns.saturating_sub(2)).len().min(LINES) as u16
}

/// Draws it at the end of an area, where a window covers the line of keys or there is none.
pub(super) fn said(ui: Ui<'_>, buf: &mut Buffer, area: Rect) {
    let Some((_, word)) = &ui.model.word else { return };
    let lines = over(ui, area.width).min(area.height);
    let place = Rect { y: area.bottom() - lines, height: lines, ..area };
    ui.fill(buf, place, Role::Overlay);
    let word = visible(word);
    let columns = area.width.saturating_sub(2);
    let pieces = wrap(&word, columns);
    for (line, piece) in (0..lines).zip(&pieces) {
        // What there is no line for is said to be missing.
        let is_cut = line + 1 == lines && pieces.len() > usize::from(lines);
        let piece = if is_cut { cut(&format!("{piece} …"), columns) } else { (*piece).to_owned() };
        Pen::new(buf, place, line).gap(1).put(&piece, ui.of(Role::Accent));
    }
}

fn draw(ui: Ui<'_>, buf: &mut Buffer, line: Rect, commands: impl Iterator<Item = Command>) {
    let mut pen = Pen::new(buf, line, 0);
    pen.gap(1);
    if let Some((_, word)) = ui.model.word.as_ref().filter(|_| lines(ui, line.width) == 0) {
        // The keys stay: what is short stands behind them.
        pen.right_gap(1);
        pen.right(&visible(word), ui.of(Role::Accent));
        pen.right_gap(2);
    }
    if ui.model.present.on {
        pen.right_gap(1);
        present::pressed(ui, &mut pen);
    }
    // Help is always there, whatever else does not fit.
    let help = ui.key(Command::Help);
    let kept = width(&help) + 6;
    let mut cut = false;
    for command in commands {
        let key = ui.key(command);
        let title = title(ui.model, command);
        if key.is_empty() {
            continue;
        }
        if cut || width(&key) + width(title) + 3 + kept > pen.room() {
            cut = true;
            continue;
        }
        pen.put(&key, ui.of(Role::Key)).gap(1).put(title, ui.of(Role::Muted)).gap(2);
    }
    if !help.is_empty() {
        pen.put(&help, ui.of(Role::Key)).gap(1).put("help", ui.of(Role::Muted)).gap(2);
    }
    let quit = ui.key(Command::Quit);
    if pen.room() > width(&quit) + 5 && !quit.is_empty() {
        pen.put(&quit, ui.of(Role::Key)).gap(1).put("quit", ui.of(Role::Muted));
    }
}
