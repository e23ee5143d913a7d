//! Going back: the four steps, every way there is, best first, and what is known of the one the
//! cursor is on.

use jiff::Timestamp;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::super::theme::Role;
use super::super::ui::Ui;
use super::document::{self, Line};
use super::{Shown, wide, window};
use crate::cockpit::Command;
use crate::cockpit::overlay::Rollback;
use crate::cockpit::update::rollback;
use crate::cockpit::ways::Looked;
use crate::deploy::rollback::{Kind, Ready, Way};
use crate::incident::RollbackStep;

/// Commits shown of what a way takes away.
const COMMITS: usize = 8;

pub(super) fn draw(ui: Ui<'_>, buf: &mut Buffer, area: Rect, screen: &Rollback) -> Shown {
    let (lines, chosen) = lines(ui, screen, area.width);
    let columns = area.width;
    let wanted = document::height(&lines, columns.saturating_sub(4), area.height).saturating_add(2);
    let place = wide(area, wanted.clamp(12.min(area.height), area.height));
    let several = ui.model.config.config.environments.len() > 1;
    // The first are the last that give way.
    let mut keys = vec![
        (Command::Open, "show plan"),
        (Command::Down, "choose"),
        (Command::RollbackNot, "no rollback"),
        (Command::RollbackAgain, "refresh"),
    ];
    if several {
        keys.push((Command::NextPane, "environment"));
    }
    keys.push((Command::Back, "back"));
    let has_canary = rollback::canary(ui.model, &screen.environment).is_some();
    if has_canary {
        keys.insert(0, (Command::PlanUndo, "undo canary"));
        if screen.way == rollback::UNDO {
            keys[1].1 = "undo canary";
            keys.remove(0);
        }
    }
    let known = ui.model.ways.known.get(&screen.environment).and_then(|looked| looked.live.as_ref());
    let live = known.map(|live| format!(" · {live} is live")).unwrap_or_default();
    // On a small screen options are above the edge as well as below it.
    let ways = ui.model.ways.known.get(&screen.environment).and_then(|looked| looked.ways.as_ref().ok());
    let at = ways.and_then(|ways| Some((ways.iter().position(|way| way.id == screen.way)? + 1, ways.len())));
    let at = at.filter(|(_, all)| *all > 1).map(|(n, all)| format!(" ({n} of {all})")).unwrap_or_default();
    let inner = window(ui, buf, place, &format!("Roll back {}{at}{live}", screen.environment), &keys);
    // Where the way the cursor is on would be below the edge, it is begun with that.
    let before = document::height(&lines[..(chosen + 2).min(lines.len())], inner.width, u16::MAX);
    // What takes a canary back stands above all of them, and stays in sight at first.
    let is_first = ways.is_some_and(|ways| ways.first().is_some_and(|way| way.id == screen.way));
    let stays = has_canary && (is_first || screen.way == rollback::UNDO);
    let top = if screen.top == 0 && before > inner.height && !stays { chosen } else { screen.top };
    document::draw(buf, inner, top, lines.len(), |index| lines[index].clone())
}

/// Everything there is to read, and the line at which the way the cursor is on begins.
fn lines(ui: Ui<'_>, screen: &Rollback, width: u16) -> (Vec<Line>, usize) {
    let (faint, muted) = (ui.of(Role::Faint), ui.of(Role::Muted));
    let mut lines = Vec::new();
    let mut chosen = 0;
    if let Some(undo) = canary(ui, screen) {
        lines.extend([undo, Line::default()]);
    }
    for notice in rollback::before(ui.model, &screen.environment) {
        let warn = ui.of(Role::Warn);
        lines.extend([Line::of("▲ ", warn).with(&notice, warn).hanging(2), Line::default()]);
    }
    let looked = ui.model.ways.known.get(&screen.environment);
    match looked {
        None if ui.model.ways.looking.is_some() => {
            lines.push(Line::of("looking for rollback options …", muted));
        }
        None => {
            let again = ui.key(Command::RollbackAgain);
            lines.push(Line::of(&format!("not checked yet: press {again}"), muted));
        }
        Some(Looked { ways: Err(failure), .. }) => {
            lines.extend(document::failed(ui, failure));
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
    lines.push(Line::default());
    lines.extend(steps(ui, width));
    (lines, chosen)
}

/// Taking a canary back, where one has a share of the users: nearer than any way back of the whole.
fn canary(ui: Ui<'_>, screen: &Rollback) -> Option<Line> {
    let canary = rollback::canary(ui.model, &screen.environment)?;
    let share = canary.share.map(|share| format!("   {} has {share} % of the users", canary.brings));
    let chosen = screen.way == rollback::UNDO;
    let bold = ui.of(Role::Text).add_modifier(ratatui::style::Modifier::BOLD);
    let line = Line::of(if chosen { "▸ " } else { "  " }, ui.of(Role::Accent))
        .with("↶ ", ui.of(Role::Accent))
        .with(&canary.undo, if chosen { bold } else { ui.of(Role::Text) })
        .with(&share.unwrap_or_default(), ui.of(Role::Muted))
        .with(&format!("  [{}]", ui.key(Command::PlanUndo)), ui.of(Role::Key))
        .hanging(4);
    Some(if chosen { line.marked(ui.of(Role::Selection)) } else { line })
}

/// The steps and how long each takes; on a small screen their names.
fn steps(ui: Ui<'_>, width: u16) -> Vec<Line> {
    let faint = ui.of(Role::Faint);
    let steps = &ui.model.policy.rollback_steps;
    if width < 100 {
        let all: Vec<String> =
            steps.iter().map(|step| format!("{} {} min", step.title, minutes(step))).collect();
        return vec![Line::of(&format!("steps  {}", all.join(", ")), faint).hanging(7)];
    }
    let line = |(index, step): (usize, &RollbackStep)| {
        Line::of(if index == 0 { "steps  " } else { "       " }, faint)
            .with(&format!("{:<9}", step.title), faint)
            .with(&format!("{:<10}", format!("{} min", minutes(step))), faint)
            .with(&step.about, faint)
            .hanging(26)
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
    let (off, word) = match &way.ready {
        // Ready or not, it serves nobody before that was done.
        Ready::Yes => (None, way.and_then().unwrap_or_else(|| way.proven())),
        // It was turned off in this incident: that it cannot be once more is nothing bad.
        Ready::No(why) => match turned_off(ui, way) {
            Some(at) => (Some(()), format!("off since {}", ui.minute(at))),
            None => (None, with_why("cannot be taken", why)),
        },
        Ready::Unknown(why) => (None, with_why("not proven", why)),
    };
    let is_off = off.is_some();
    let (symbol, style) = if is_off { ("○ ", ui.of(Role::Muted)) } else { (symbol, style) };
    let band = |line: Line| if chosen { line.marked(ui.of(Role::Selection)) } else { line };
    lines.push(band(
        Line::of(pointer, ui.of(Role::Accent))
            .with(symbol, style)
            .with(&way.title, title)
            .with("   ", title)
            .with(
                &word,
                if way.only.is_some() && way.ready == Ready::Yes { ui.of(Role::Warn) } else { style },
            )
            .hanging(4),
    ));
    let mut parts: Vec<String> = Vec::new();
    parts.extend(Some(way.leads_to()).filter(|to| !to.is_empty()));
    if way.takes_away_count > 0 {
        let verb = if way.kind == Kind::Revert { "undoes the changes of" } else { "removes" };
        parts.push(format!("{verb} {}", commits(way.takes_away_count)));
    }
    parts.extend((!is_off).then(|| way.rehearsal(ui.model.now)));
    if let Some(gitops) = &way.undone_by {
        parts.push(format!("{gitops} would undo it"));
    }
    let line = Line::of("    ", title).with(&parts.join(" · "), ui.of(Role::Muted)).hanging(4);
    lines.push(band(line));
}

/// A word, and why it is so where that is known.
fn with_why(word: &str, why: &str) -> String {
    if why.is_empty() { word.to_owned() } else { format!("{word}: {why}") }
}

/// When this incident turned off the flag of a way; `None`: it did not, or it is on again.
fn turned_off(ui: Ui<'_>, way: &Way) -> Option<Timestamp> {
    let flag = way.id.strip_prefix("flag:")?;
    let plans = &ui.model.incident()?.plans;
    let last =
        plans.iter().rev().find(|plan| plan.is_flag() && plan.is_done() && plan.title.contains(flag))?;
    (last.title == format!("turn {flag} off")).then_some(last.ended_at).flatten()
}

fn commits(count: usize) -> String {
    if count == 1 { "1 commit".to_owned() } else { format!("{count} commits") }
}

/// What is known of the way the cursor is on.
fn about(ui: Ui<'_>, lines: &mut Vec<Line>, way: &Way) {
    let (faint, text) = (ui.of(Role::Faint), ui.of(Role::Text));
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
        let verb = if way.kind == Kind::Revert { "undoes the changes of" } else { "removes" };
        lines.push(Line::of(&format!("{verb} {}:", commits(way.takes_away_count)), faint));
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
