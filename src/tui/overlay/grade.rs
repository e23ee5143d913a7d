//! How a drill went: what is to be learned first, then what was done as the procedure asks.

use jiff::Timestamp;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::theme::Role;
use super::super::ui::Ui;
use super::document::{self, Line};
use super::{Shown, column, wide, window};
use crate::cockpit::Command;
use crate::cockpit::overlay::GradeView;
use crate::drill::grade::{self, Verdict};

/// Columns that a line can be followed over.
const COLUMNS: u16 = 110;
/// Columns before what a line says: its sign and its verdict.
const BEFORE: u16 = 11;

pub(super) fn draw(ui: Ui<'_>, buf: &mut Buffer, area: Rect, view: &GradeView) -> Shown {
    let place = wide(area, area.height);
    let keys: &[(Command, &str)] = if view.leaving {
        // What leaves is read before how to scroll.
        let leave = if area.width < 60 { "leave …" } else { "leave the drill …" };
        &[(Command::Quit, leave), (Command::Down, "scroll"), (Command::Back, "stay")]
    } else {
        &[(Command::Down, "scroll"), (Command::Back, "back")]
    };
    let inner = window(ui, buf, place, "How the drill went", keys);
    let lines = lines(ui, view, inner.width);
    document::draw(buf, column(inner, COLUMNS), view.scroll.top, lines.len(), |index| lines[index].clone())
}

fn lines(ui: Ui<'_>, view: &GradeView, columns: u16) -> Vec<Line> {
    let mut lines = Vec::new();
    if let Some(state) = ui.model.incident() {
        let heading = grade::heading(state, ui.model.number(), ui.model.now);
        lines.push(Line::of(&heading, ui.of(Role::Muted)));
    }
    lines.push(Line::of(&summary(view), ui.of(Role::Text)));
    // What is to be learned comes first, each in the order of the procedure.
    let (other, good): (Vec<&grade::Line>, Vec<&grade::Line>) =
        view.lines.iter().partition(|line| line.verdict != Verdict::Good);
    let narrow = columns < 60;
    for line in other {
        lines.push(Line::default());
        lines.extend(whole(ui, line, narrow));
    }
    if !good.is_empty() {
        lines.push(Line::default());
    }
    lines.extend(good.into_iter().map(|line| short(ui, line, narrow)));
    lines
}

/// How many went well, in a sentence.
fn summary(view: &GradeView) -> String {
    let good = view.lines.iter().filter(|line| line.verdict == Verdict::Good).count();
    let all = view.lines.len();
    if good == all {
        format!("All {all} went as the procedure asks.")
    } else {
        format!("{good} of {all} went as the procedure asks. The others come first.")
    }
}

fn sign(verdict: Verdict) -> (&'static str, Role) {
    match verdict {
        Verdict::Wrong | Verdict::Missed => ("✗", Role::Bad),
        Verdict::Late | Verdict::Partly => ("▲", Role::Warn),
        Verdict::Open => ("·", Role::Faint),
        Verdict::Good => ("✓", Role::Good),
    }
}

/// The sign, the verdict and the title of a line.
fn opening(ui: Ui<'_>, line: &grade::Line, narrow: bool) -> Line {
    let (mark, role) = sign(line.verdict);
    let word = if narrow { format!("{mark} ") } else { format!("{mark} {:<8} ", line.verdict.word()) };
    Line::of(&word, ui.of(role)).with(&line.title, ui.of(Role::OverlayTitle))
}

/// A time, with its day where that is not the one it began on, and the space behind it.
fn when(ui: Ui<'_>, at: Timestamp) -> String {
    let is_first = ui.model.incident().is_none_or(|state| ui.date(state.started_at) == ui.date(at));
    if is_first { ui.clock(at) + "  " } else { ui.moment(at) + "  " }
}

fn indent(narrow: bool) -> u16 {
    if narrow { 2 } else { BEFORE }
}

/// A line with all of its moments and what is asked.
fn whole(ui: Ui<'_>, line: &grade::Line, narrow: bool) -> Vec<Line> {
    let before = " ".repeat(usize::from(indent(narrow)));
    let mut first = opening(ui, line, narrow).hanging(indent(narrow));
    if narrow {
        first = first.with(&format!(": {}", line.verdict.word()), ui.of(sign(line.verdict).1));
    }
    let mut lines = vec![first];
    for moment in &line.moments {
        let at = moment.at.map_or_else(String::new, |at| when(ui, at));
        let hanging = indent(narrow) + super::super::paint::width(&at);
        let row = Line::of(&before, ui.of(Role::Faint)).with(&at, ui.of(Role::Time));
        lines.push(row.with(&moment.what, ui.of(Role::Text)).hanging(hanging));
    }
    let asked = format!("asked: {}", line.asks);
    let row = Line::of(&before, ui.of(Role::Faint)).with(&asked, ui.of(Role::Muted));
    lines.push(row.hanging(indent(narrow)));
    lines
}

/// A line that needs no more than a row: what was done when, and by when it was asked.
fn short(ui: Ui<'_>, line: &grade::Line, narrow: bool) -> Line {
    let mut row = opening(ui, line, narrow).hanging(indent(narrow));
    if let Some(moment) = line.moments.first() {
        let at = moment.at.map_or_else(String::new, |at| when(ui, at));
        row = row.with("  ", ui.of(Role::Faint)).with(&at, ui.of(Role::Time));
        row = row.with(&moment.what, ui.of(Role::Text));
    }
    row.with(&format!("  asked: {}", line.asks), ui.of(Role::Faint))
}
