//! What stands around a picture: numbers, times, failures, and what was changed.

use jiff::Timestamp;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::super::paint::{Pen, put_cell, width};
use super::super::super::theme::Role;
use super::super::super::ui::Ui;
use super::LABELS;
use super::scale::{Scale, number};
use crate::health::columns::{Columns, Grid, Mark};

/// Columns from one time to the next, at least.
const APART: f64 = 14.0;
/// Lengths that times may be apart, in seconds: what clocks show.
const TIMES: [i64; 19] =
    [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400, 604_800];

/// A side of a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Left,
    Right,
}

/// The axis of the values, at one side: of the second probe at the right.
pub(super) fn values(
    ui: Ui<'_>,
    buf: &mut Buffer,
    plot: Rect,
    scale: &Scale,
    unit: &str,
    side: Side,
    role: Role,
) {
    let (x, labels) = match side {
        Side::Left => (plot.x - 1, Rect { x: plot.x - LABELS, width: LABELS - 1, ..plot }),
        Side::Right => (plot.right(), Rect { x: plot.right() + 1, width: LABELS - 1, ..plot }),
    };
    let put = |buf: &mut Buffer, line: u16, text: &str| {
        let mut pen = Pen::new(buf, labels, line);
        match side {
            Side::Left => pen.column_right(text, LABELS - 2, ui.of(role)),
            Side::Right => pen.gap(1).column_of(text, LABELS - 2, ui.of(role)),
        };
    };
    for line in 0..plot.height {
        put_cell(buf, x, plot.y + line, "│", 1, ui.of(Role::Border));
    }
    let mut lines = Vec::with_capacity(scale.marks.len());
    for (index, mark) in scale.marks.iter().enumerate() {
        let line = scale.nearest(*mark, plot.height);
        let is_top = index + 1 == scale.marks.len();
        let text =
            if is_top && !unit.is_empty() { format!("{} {unit}", number(*mark)) } else { number(*mark) };
        put(buf, line, &text);
        put_cell(buf, x, plot.y + line, if side == Side::Left { "┤" } else { "├" }, 1, ui.of(Role::Border));
        lines.push(line);
    }
    let free = (0..plot.height).find(|line| !lines.contains(line) && *line > *lines.last().unwrap_or(&0));
    if let Some(line) = free.filter(|_| scale.is_log) {
        put(buf, line, "log");
    }
}

/// The ground of a picture: a line where the probe was asked, a dot where the answer said nothing, a cross
/// where it was bad or nobody answered, and nothing where nobody asked.
pub(super) fn ground(ui: Ui<'_>, buf: &mut Buffer, area: Rect, grid: Grid, found: &Columns, across: u16) {
    put_cell(buf, area.x - 1, area.y, "└", 1, ui.of(Role::Border));
    let mut times: Vec<u16> = ticks(ui, grid, area.width).filter_map(|at| grid.column(at)).collect();
    times.reverse();
    let mut failed = false;
    for (column, cell) in found.all.chunks(usize::from(across)).enumerate() {
        let mark = cell.iter().map(|column| column.mark).max().unwrap_or_default();
        let is_time = times.last() == Some(&(column as u16));
        if is_time {
            times.pop();
        }
        let (symbol, role) = match mark {
            // A cross where it begins, and a band as long as it lasts.
            Mark::Bad | Mark::NoAnswer if failed => ("━", Role::Bad),
            Mark::Bad | Mark::NoAnswer => ("✗", Role::Bad),
            Mark::NoData => ("·", Role::Unknown),
            Mark::Seen if is_time => ("┬", Role::Border),
            Mark::Seen => ("─", Role::Border),
            Mark::Unasked if is_time => ("╷", Role::Border),
            Mark::Unasked => {
                failed = false;
                continue;
            }
        };
        failed = mark >= Mark::Bad;
        put_cell(buf, area.x + column as u16, area.y, symbol, 1, ui.of(role));
    }
}

/// The times below a picture: round ones, so that they go along with what they name.
fn ticks(ui: Ui<'_>, grid: Grid, columns: u16) -> impl Iterator<Item = Timestamp> {
    let wanted = APART * grid.seconds() / f64::from(columns.max(1));
    let step = TIMES.into_iter().find(|step| *step as f64 >= wanted).unwrap_or(2_592_000);
    let offset = i64::from(ui.model.looks.zone.to_offset(grid.to()).seconds());
    let from = grid.from().as_second() + offset;
    let first = (from + step - 1).div_euclid(step) * step - offset;
    let to = grid.to();
    let all =
        (0..=i64::from(columns)).map_while(move |tick| Timestamp::from_second(first + tick * step).ok());
    all.take_while(move |at| *at < to)
}

/// Writes the times below a picture.
pub(super) fn times(ui: Ui<'_>, buf: &mut Buffer, area: Rect, grid: Grid) {
    let style = ui.of(Role::ChartAxis);
    let has_seconds = ticks(ui, grid, area.width).any(|at| at.as_second().rem_euclid(60) != 0);
    let text = |at| if has_seconds { ui.clock(at) } else { ui.minute(at) };
    let mut free = area.x;
    for at in ticks(ui, grid, area.width) {
        let (Some(column), text) = (grid.column(at), text(at)) else { continue };
        let columns = width(&text);
        let Some(x) = (area.x + column).checked_sub(columns / 2) else { continue };
        if x >= free && x + columns <= area.right() {
            Pen::new(buf, Rect { x, width: columns, ..area }, 0).put(&text, style);
            free = x + columns + 2;
        }
    }
    if free == area.x {
        Pen::new(buf, area, 0).put(&text(grid.from()), style);
    }
}

/// What was changed in an environment, and when: deploys, also those that nobody made here, rollbacks, flags.
fn started<'a>(
    ui: Ui<'a>,
    grid: Grid,
    environment: &'a str,
) -> impl Iterator<Item = (u16, String)> + use<'a> {
    let plans = ui.model.incident().map_or(&[][..], |state| state.plans.as_slice());
    let outside = ui.model.outside.iter().filter(move |one| {
        let here = environment.is_empty() || one.environment == environment;
        here && !ui.model.incident().is_some_and(|state| one.is_ours(state))
    });
    let outside = outside.filter_map(move |one| Some((grid.column(one.at)?, format!("deploy {}", one.name))));
    let plans = plans.iter().filter_map(move |plan| {
        let here = environment.is_empty() || plan.target == environment;
        let text = match plan.purpose.as_str() {
            "deploy" | "rollback" if here => format!("{} {}", plan.purpose, plan.target),
            // `turn loyalty off`
            "flag" => plan.title.strip_prefix("turn ").unwrap_or(&plan.title).to_owned(),
            _ => return None,
        };
        Some((grid.column(plan.started_at)?, text))
    });
    plans.chain(outside)
}

/// Whether anything was changed in the time that is shown.
pub(super) fn has_changes(ui: Ui<'_>, grid: Grid, environment: &str) -> bool {
    started(ui, grid, environment).next().is_some()
}

/// Draws a line up through the picture at what was changed.
pub(super) fn lines(ui: Ui<'_>, buf: &mut Buffer, plot: Rect, grid: Grid, environment: &str) {
    for (column, _) in started(ui, grid, environment) {
        for line in 0..plot.height {
            put_cell(buf, plot.x + column, plot.y + line, "┊", 1, ui.of(Role::ChartMark));
        }
    }
}

/// Names what was changed, below the picture; false if nothing was. Each has its mark; words give way to the next
/// mark, so that none stands for two.
pub(super) fn changes(ui: Ui<'_>, buf: &mut Buffer, area: Rect, grid: Grid, environment: &str) -> bool {
    let mut marks: Vec<(u16, String)> = Vec::new();
    for (column, what) in started(ui, grid, environment).filter(|(column, _)| *column < area.width) {
        // In one column stand all of them.
        match marks.iter_mut().find(|(at, _)| *at == column) {
            Some((_, words)) => *words = format!("{words}, {what}"),
            None => marks.push((column, what)),
        }
    }
    marks.sort_unstable_by_key(|(column, _)| *column);
    let style = ui.of(Role::ChartMark);
    let mut free = 0;
    for (index, (column, what)) in marks.iter().enumerate() {
        let end = marks.get(index + 1).map_or(area.width, |(next, _)| next.saturating_sub(1));
        let before = free;
        let mut place = |x: u16, text: &str| {
            Pen::new(buf, Rect { x: area.x + x, width: width(text), ..area }, 0).put(text, style);
            free = x + width(text) + 1;
        };
        // `deploy production` at least by its first word.
        let short = what.split_once(' ').map_or(what.as_str(), |(verb, _)| verb);
        let fits = |words: &&&str| column + 2 + width(words) <= end;
        if let Some(words) = [what.as_str(), short].iter().find(fits) {
            place(*column, &format!("▲ {words}"));
        } else if *column >= width(what) + 1 + before && index + 1 == marks.len() {
            // At the right edge the words go before the mark.
            place(column - width(what) - 1, &format!("{what} ▲"));
        } else {
            place(*column, "▲");
        }
    }
    !marks.is_empty()
}
