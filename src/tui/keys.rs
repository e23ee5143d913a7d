//! The last line: the keys that matter here, or the short word the program has just said.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::paint::{Pen, cells, width};
use super::theme::Role;
use super::ui::Ui;
use crate::cockpit::{Command, Pane};
use crate::text::visible;

/// Keys of the cockpit, the most used first.
const EVERYWHERE: [Command; 9] = [
    Command::Notes,
    Command::Severity,
    Command::Incident,
    Command::Hotfix,
    Command::Test,
    Command::Deploy,
    Command::Flags,
    Command::Zoom,
    Command::Palette,
];

/// Keys that work in a pane only.
fn own(pane: Pane) -> &'static [Command] {
    match pane {
        Pane::Timeline => &[Command::Open, Command::Amend, Command::Retract, Command::Pin],
        Pane::Health => &[
            Command::Open,
            Command::ProbeNow,
            Command::ChartEarlier,
            Command::ChartWider,
            Command::ChartSecond,
        ],
        Pane::Hotfix => &[],
        Pane::Checklist => &[Command::Pass, Command::Fail, Command::NotApplicable],
        Pane::Runs => &[Command::Open, Command::Stop, Command::Prove],
    }
}

/// Draws the line of the cockpit.
pub(super) fn cockpit(ui: Ui<'_>, buf: &mut Buffer, line: Rect) {
    let commands = own(ui.model.focus).iter().chain(&EVERYWHERE);
    let flags = !ui.model.config.config.flags.is_empty();
    let charts = ui.model.chart.columns > 0;
    let means = |command: &Command| match command {
        Command::Flags => flags,
        Command::ChartEarlier | Command::ChartSecond => charts,
        // Where there is more.
        Command::ChartWider => charts && ui.model.can_be_wider(),
        _ => true,
    };
    draw(ui, buf, line, commands.copied().filter(means));
}

/// Draws the line of the start screen.
pub(super) fn start(ui: Ui<'_>, buf: &mut Buffer, line: Rect) {
    draw(ui, buf, line, [Command::Declare, Command::Open, Command::View, Command::Palette].into_iter());
}

/// Draws what the program has just said, where a window covers the line of keys.
pub(super) fn said(ui: Ui<'_>, buf: &mut Buffer, line: Rect) {
    if let Some((_, word)) = &ui.model.word {
        ui.fill(buf, line, Role::Overlay);
        let mut pen = Pen::new(buf, line, 0);
        pen.gap(1);
        let room = pen.room().saturating_sub(1);
        pen.put(&cut(word, room), ui.of(Role::Accent));
    }
}

/// As much of a text as there is room for, with a mark where it was cut.
fn cut(text: &str, room: u16) -> String {
    let text = visible(text);
    if width(&text) <= room {
        return text.into_owned();
    }
    let mut kept = String::new();
    for (cell, _) in cells(&text) {
        if width(&kept) + width(cell) + 1 > room {
            break;
        }
        kept.push_str(cell);
    }
    kept + "…"
}

fn draw(ui: Ui<'_>, buf: &mut Buffer, line: Rect, commands: impl Iterator<Item = Command>) {
    let mut pen = Pen::new(buf, line, 0);
    pen.gap(1);
    if let Some((_, word)) = &ui.model.word {
        // The keys stay: what is said stands behind them, and takes what room it needs.
        let least = 24.min(pen.room() / 3);
        let room = pen.room().saturating_sub(least);
        pen.right_gap(1);
        pen.right(&cut(word, room), ui.of(Role::Accent));
        pen.right_gap(2);
    }
    // Help is always there, whatever else does not fit.
    let help = ui.key(Command::Help);
    let kept = width(&help) + 6;
    let mut cut = false;
    for command in commands {
        let key = ui.key(command);
        let title = command.spec().title;
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
