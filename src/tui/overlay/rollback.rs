//! Going back: the four steps, every way there is, best first, and what is known of the one the
//! cursor is on.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::super::theme::Role;
use super::super::ui::Ui;
use super::document::{self, Line};
use super::{Shown, wide, window};
use crate::cockpit::Command;
use crate::cockpit::overlay::Rollback;
use crate::cockpit::ways::Looked;
use crate::deploy::rollback::{Ready, Way};
use crate::incident::RollbackStep;

/// Commits shown of what a way takes away.
const COMMITS: usize = 8;

pub(super) fn draw(ui: Ui<'_>, buf: &mut Buffer, area: Rect, screen: &Rollback) -> Shown {
    let (lines, chosen) = lines(ui, screen, area.width);
    let columns = area.width;
    let wanted = document::height(&lines, columns.saturating_sub(4), area.height).saturating_add(2);
    let place = wide(area, wanted.clamp(12.min(area.height), area.height));
    let several = ui.model.config.config.environments.len() > 1;
    let mut keys =
        vec![(Command::Open, "show plan"), (Command::Down, "choose"), (Command::RollbackAgain, "refresh")];
    if several && columns > 56 {
        keys.push((Command::NextPane, "environment"));
    }
    if columns > 76 {
        keys.push((Command::RollbackNot, "no rollback"));
    }
    keys.push((Command::Back, "back"));
    let known = ui.model.ways.known.get(&screen.environment).and_then(|looked| looked.live.as_ref());
    let live = known.map(|live| format!(" · {live} is live")).unwrap_or_default();
    // On a small screen options are above the edge as well as below it.
    let ways = ui.model.ways.known.get(&screen.environment).and_then(|looked| looked.ways.as_ref().ok());
    let at = ways.and_then(|ways| Some((ways.iter().position(|way| way.id == screen.way)? + 1, ways.len())));
    let at = at.filter(|(_, all)| *all > 1).map(|(n, all)| format!(" ({n} of {all})")).unwrap_or_default();
    let inner = window(ui, buf, place, &format!("Roll back {}{at}{live}", screen.environment), &keys);
    // Where the way the cursor is on would be below the edge, it is begun with that.
    let before = document::height(&lines[..(chosen + 2).min(lines.len())], inner.width, u16::MAX);
    let top = if screen.top == 0 && before > inner.height { chosen } else { screen.top };
    document::draw(buf, inner, top, lines.len(), |index| lines[index].clone())
}

/// Everything there is to read, and the line at which the way the cursor is on begins.
fn lines(ui: Ui<'_>, screen: &Rollback, width: u16) -> (Vec<Line>, usize) {
    let (faint, muted) = (ui.of(Role::Faint), ui.of(Role::Muted));
    let mut lines = steps(ui, width);
    let mut chosen = 0;
    lines.push(Line::default());
    let looked = ui.model.ways.known.get(&screen.environment);
    match looked {
        None if ui.model.ways.looking.is_some() => {
            lines.push(Line::of("looking for rollback options …", muted));
        }
        None => lines.push(Line::of("not checked yet: press r", muted)),
        Some(Looked { ways: Err(failure), .. }) => {
            lines.push(Line::of("✗ ", ui.of(Role::Bad)).with(&failure.cause, ui.of(Role::Text)).hanging(2));
            lines.push(Line::of(&failure.hint, faint));
        }
        Some(Looked { ways: Ok(ways), at, .. }) => {
            for way in ways {
                if way.id == screen.way {
                    chosen = lines.len();
                }
                row(ui, &mut lines, way, way.id == screen.way);
            }
            if let Some(way) = ways.iter().find(|way| way.id == screen.way) {
                lines.push(Line::default());
                about(ui, &mut lines, way);
            }
            lines.push(Line::default());
            let again = if ui.model.ways.looking.is_some() { "looking again …" } else { "" };
            let since = format!("checked at {} {}   ", ui.clock(*at), ui.zone());
            lines.push(Line::of(&since, faint).with(again, muted));
        }
    }
    (lines, chosen)
}

/// The four steps and how long each takes; on a small screen their names.
fn steps(ui: Ui<'_>, width: u16) -> Vec<Line> {
    let (key, text, faint) = (ui.of(Role::Key), ui.of(Role::Text), ui.of(Role::Faint));
    let steps = &ui.model.policy.rollback_steps;
    if width < 100 {
        let mut line = Line::default();
        for (index, step) in steps.iter().enumerate() {
            line = line.with(&format!("{} ", index + 1), key).with(&step.title, text);
            line = line.with(&format!(" {}  ", minutes(step)), faint);
        }
        return vec![line.with("min", faint).hanging(2)];
    }
    let line = |(index, step): (usize, &RollbackStep)| {
        Line::of(&format!("{}  ", index + 1), key)
            .with(&format!("{:<9}", step.title), text)
            .with(&format!("{:<10}", format!("{} min", minutes(step))), ui.of(Role::Muted))
            .with(&step.about, faint)
            .hanging(22)
    };
    steps.iter().enumerate().map(line).collect()
}

/// `5–15`.
fn minutes(step: &RollbackStep) -> String {
    let (from, until) = (step.from.as_mins(), step.until.as_mins());
    if from == 0 { format!("≤{until}") } else { format!("{from}–{until}") }
}

fn mark(ui: Ui<'_>, ready: &Ready) -> (&'static str, Style) {
    match ready {
        Ready::Yes => ("✓ ", ui.of(Role::Good)),
        Ready::No(_) => ("✗ ", ui.of(Role::Bad)),
        Ready::Unknown(_) => ("? ", ui.of(Role::Unknown)),
    }
}

/// A way in two lines: what it does, and what comes of it.
fn row(ui: Ui<'_>, lines: &mut Vec<Line>, way: &Way, chosen: bool) {
    let (symbol, style) = mark(ui, &way.ready);
    let (pointer, title) = if chosen {
        ("▸ ", ui.of(Role::Text).add_modifier(ratatui::style::Modifier::BOLD))
    } else {
        ("  ", ui.of(Role::Text))
    };
    let word = match &way.ready {
        Ready::Yes => "proven ready",
        Ready::No(_) => "cannot be taken",
        Ready::Unknown(_) => "not proven",
    };
    lines.push(
        Line::of(pointer, ui.of(Role::Accent))
            .with(symbol, style)
            .with(&way.title, title)
            .with("   ", title)
            .with(word, style)
            .hanging(4),
    );
    let mut parts: Vec<String> = Vec::new();
    parts.extend(Some(way.leads_to()).filter(|to| !to.is_empty()));
    if way.takes_away_count > 0 {
        parts.push(format!("removes {}", commits(way.takes_away_count)));
    }
    parts.push(way.rehearsal(ui.model.now));
    if let Some(gitops) = &way.undone_by {
        parts.push(format!("{gitops} would undo it"));
    }
    lines.push(Line::of("    ", title).with(&parts.join(" · "), ui.of(Role::Muted)).hanging(4));
}

fn commits(count: usize) -> String {
    if count == 1 { "1 commit".to_owned() } else { format!("{count} commits") }
}

/// What is known of the way the cursor is on.
fn about(ui: Ui<'_>, lines: &mut Vec<Line>, way: &Way) {
    let (faint, text) = (ui.of(Role::Faint), ui.of(Role::Text));
    let why = way.ready.why();
    if !why.is_empty() {
        let (symbol, style) = mark(ui, &way.ready);
        lines.push(Line::of(symbol, style).with(why, text).hanging(2));
    }
    for (speaks, line) in &way.evidence {
        let (symbol, style) = match speaks {
            Some(true) => ("✓ ", ui.of(Role::Good)),
            Some(false) => ("▲ ", ui.of(Role::Warn)),
            None => ("· ", faint),
        };
        lines.push(Line::of(symbol, style).with(line, ui.of(Role::Muted)).hanging(2));
    }
    for path in &way.migrations {
        lines.push(Line::of("▲ migration in between: ", ui.of(Role::Warn)).with(path, text).hanging(2));
    }
    if !way.takes_away.is_empty() {
        lines.push(Line::of(&format!("removes {}:", commits(way.takes_away_count)), faint));
        for (id, subject) in way.takes_away.iter().take(COMMITS) {
            lines.push(Line::of("  ", faint).with(id, ui.of(Role::Info)).with(" ", text).with(subject, text));
        }
        let more = way.takes_away_count.saturating_sub(COMMITS.min(way.takes_away.len()));
        if more > 0 {
            lines.push(Line::of(&format!("  and {more} more"), faint));
        }
    }
    lines.push(
        Line::of("on the command line  ", faint)
            .with(&format!("flightdeck rollback {} --env {}", way.id, way.environment), ui.of(Role::Code)),
    );
}
