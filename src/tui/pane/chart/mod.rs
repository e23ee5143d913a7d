//! Values over time: a sparkline in a row, a chart in a pane. Where there is no data there is
//! nothing drawn: neither zero, nor a line from one side of the gap to the other.

mod axis;
mod curve;
mod scale;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::paint::{Pen, put_cell, width};
use super::super::theme::Role;
use super::super::ui::{Ui, below, row};
use crate::cockpit::chart::span_words;
use crate::cockpit::model::Glyphs;
use crate::health::columns::{Column, Columns, Grid, Mark, bounds, columns, orders, seen};
use crate::health::compare::Usual;
use crate::health::series::Status;
use curve::Dots;
pub(super) use scale::number;
use scale::{Place, Scale};

/// Heights of a column, from a sliver up. Never a full cell: rows stay apart.
const BARS: [&str; 7] = ["▁", "▂", "▃", "▄", "▅", "▆", "▇"];
/// The same in plain ASCII.
const PLAIN_BARS: [&str; 7] = ["_", ".", "-", "~", "=", "+", "#"];
/// Columns for the labels of a value axis, and the axis.
const LABELS: u16 = 10;
/// Least columns of a picture.
const NARROW: u16 = 12;
/// From so many lines the picture has a line for what was changed.
const ROOMY: u16 = 8;
/// From so many lines what is drawn is named above the picture.
const NAMED: u16 = 9;
/// Columns that a young history is spread over at most: wider, it would be all blanks.
const YOUNG: u16 = 40;
/// The most time that sparklines span, in seconds: what was hours ago is for the chart.
const TREND: f64 = 7200.0;

/// The columns of sparklines: the same for all, so that what happened together stands together.
pub(super) fn trend(ui: Ui<'_>, columns: u16) -> Grid {
    let now = ui.model.now;
    let fastest = ui.model.probes.iter().map(|probe| probe.interval_s).fold(f64::INFINITY, f64::min);
    let least = if fastest.is_finite() { fastest * f64::from(columns.min(YOUNG)) } else { 0.0 };
    let seen = ui.model.probes.iter().map(|probe| seen(probe, now)).fold(0.0, f64::max);
    Grid::ending(now, seen.min(TREND).max(least), columns)
}

/// Says what the bars of sparklines show.
pub(super) fn spark_legend(ui: Ui<'_>, pen: &mut Pen<'_>) {
    let words = ui.of(Role::Faint);
    pen.put("▂", ui.of(Role::Spark)).put(" within its limit   ", words);
    pen.put("▇", ui.of(Role::Bad)).put(" over it   ", words);
    pen.put("✗", ui.of(Role::Bad)).put(" no answer", words);
}

/// Draws a sparkline in so many columns: low while it keeps to its limit, the nearer the higher; tall and red where it
/// is over it. Of what has no limit the values. A column that covers several answers shows the worst of them.
pub(super) fn spark(ui: Ui<'_>, pen: &mut Pen<'_>, probe: &Status, grid: Grid) {
    // As many of the latest as there is room for.
    let missing = grid.columns().saturating_sub(pen.room());
    let found = columns(probe, grid);
    let bounds = bounds(&found, None, None);
    let (plain, over) = (ui.of(Role::Spark), ui.of(Role::Bad));
    let bars = if ui.model.looks.glyphs == Glyphs::Ascii { PLAIN_BARS } else { BARS };
    for column in found.all.iter().skip(usize::from(missing)) {
        let fault = column.mark > Mark::NoData;
        match column.range {
            _ if column.mark == Mark::NoAnswer => pen.raw("✗", over),
            None if fault => pen.raw("✗", over),
            None => {
                pen.gap(1);
            }
            Some(range) => {
                let value = probe.worse(range);
                let is_over = fault || probe.is_beyond(value);
                let level = level(probe, value, is_over, bounds);
                pen.raw(bars[level], if is_over { over } else { plain });
            }
        }
    }
}

/// Highest bar of a value that keeps to its limit, and lowest of one that is over it.
const CALM: usize = 2;
const OVER: usize = 4;

/// Which bar stands for a value.
fn level(probe: &Status, value: f64, is_over: bool, (low, high): (f64, f64)) -> usize {
    let last = BARS.len() - 1;
    let Some(limit) = probe.threshold else {
        // A check says yes or no: how long its answer took is drawn by its chart.
        let is_check = !probe.range.is_empty() || probe.unit == "ms";
        return match (is_over, is_check) {
            (true, _) => last,
            (false, true) => 0,
            (false, false) => ((value - low) / (high - low) * 6.99).clamp(0.0, 6.0) as usize,
        };
    };
    // How many times the limit it is, or the limit it.
    let edge = probe.edge();
    let times = if edge.is_low() { limit / value } else { value / limit };
    match (is_over, times.is_finite() && times >= 0.0) {
        (false, true) => ((times * 3.0) as usize).min(CALM),
        (false, false) => 0,
        (true, true) => (OVER + times.max(1.0).log2() as usize).min(last),
        (true, false) => last,
    }
}

/// Draws the times below sparklines, and the deploys among them if there is room; returns the
/// lines taken.
pub(super) fn axis(ui: Ui<'_>, buf: &mut Buffer, area: Rect, grid: Grid, environment: &str) -> u16 {
    if area.width < 16 || area.height == 0 {
        return 0;
    }
    axis::times(ui, buf, area, grid);
    let marks = below(area, 1);
    if marks.height > 0 && axis::changes(ui, buf, marks, grid, environment) { 2 } else { 1 }
}

/// What a chart shows.
pub(super) struct Picture<'a> {
    /// The probe.
    pub(super) probe: &'a Status,
    /// What was usual before the incident.
    pub(super) usual: Option<Usual>,
    /// A second probe over it.
    pub(super) second: Option<&'a Status>,
}

/// Draws a chart: axis, limit, what was usual, line with gaps, failures, changes. Returns its columns; 0 where
/// there is no room for it.
///
/// ```text
///        ╌ max 250   ▲ deploy, rollback or flag
///   500 ┤          ⢀⡠⠤⠒
///   250 ┤╌╌╌╌╌╌╌╌⡠⠊╌╌╌╌╌
///     0 ┤⣀⣀⣀⣀⡠⠔⠁
///       └──────✗✗───────
///        14:00      14:15
///                 ▲ deploy staging
/// ```
pub(super) fn draw(ui: Ui<'_>, buf: &mut Buffer, area: Rect, picture: &Picture<'_>) -> u16 {
    let Picture { probe, usual, second } = picture;
    let sides = LABELS + if second.is_some() { LABELS } else { 0 };
    if area.width < sides + NARROW || area.height < 5 {
        return 0;
    }
    let area = legend(ui, buf, area, picture);
    let under = if area.height < ROOMY { 2 } else { 3 };
    let plot = Rect {
        x: area.x + LABELS,
        width: area.width - sides,
        height: area.height.max(under + 1) - under,
        ..area
    };
    let grid = ui.model.chart_grid(probe, plot.width);
    let dots = Dots::of(ui);
    let found = columns(probe, if dots.across == 2 { grid.halves() } else { grid });
    let orders = if ui.model.chart.is_log { orders(&found) } else { None };
    let scale = match orders {
        Some(ends) => Scale::orders(ends, plot.height),
        None => Scale::nice(bounds(&found, probe.threshold, usual.as_ref()), plot.height),
    };
    // From the ground up: what was usual, what was changed, the limit, and the values.
    if let Some(usual) = usual {
        band(ui, buf, plot, &scale, usual);
    }
    axis::values(ui, buf, plot, &scale, &probe.unit, axis::Side::Left, Role::ChartAxis);
    axis::lines(ui, buf, plot, grid, &probe.environment);
    let line = |at: f64| scale.line(at, plot.height);
    if let Some(limit) = probe.threshold.and_then(line) {
        Pen::new(buf, plot, limit).fill("╌", ui.of(Role::ChartLimit));
    }
    if let Some(second) = second {
        over(ui, buf, plot, grid, second);
    }
    curve::draw(ui, buf, plot, &scale, probe, &found, dots);
    clipped(ui, buf, plot, &scale, probe, &found, dots);
    let bottom = row(below(Rect { x: area.x, ..area }, plot.height), 0);
    axis::ground(ui, buf, Rect { x: plot.x, width: plot.width, ..bottom }, grid, &found, dots.across);
    let times = Rect { x: plot.x, width: plot.width, ..row(below(area, plot.height + 1), 0) };
    axis::times(ui, buf, times, grid);
    let span = Rect { x: area.x, width: LABELS, ..times };
    // How much of the past it is; where it does not end now, only how long.
    let span_of = span_words(grid);
    let (number, unit) = span_of.split_once(' ').unwrap_or((&span_of, ""));
    let last = format!("last {number}{}", unit.get(..1).unwrap_or_default());
    let is_now = ui.model.chart.still.is_none() && grid.to() >= ui.model.now && width(&last) < LABELS;
    let words = if is_now { last } else { span_of };
    Pen::new(buf, span, 0).column_right(&words, LABELS - 1, ui.of(Role::ChartAxis));
    let marks = Rect { x: plot.x, width: plot.width, ..row(below(area, plot.height + 2), 0) };
    axis::changes(ui, buf, marks, grid, &probe.environment);
    if found.all.iter().all(|column| column.range.is_none()) {
        let text = "no data in this time range";
        let x = plot.x + plot.width.saturating_sub(width(text)) / 2;
        let place = Rect { x, width: plot.right() - x, ..plot };
        Pen::new(buf, place, plot.height / 2).put(text, ui.of(Role::Unknown));
    }
    cursor(ui, buf, plot, grid);
    plot.width
}

/// Names what is drawn, each beside what stands for it, and returns what is left below: words in the picture would
/// cover its newest end.
fn legend(ui: Ui<'_>, buf: &mut Buffer, area: Rect, picture: &Picture<'_>) -> Rect {
    let Picture { probe, usual, second } = picture;
    if area.height < NAMED {
        return area;
    }
    let named = |probe: &Status| {
        let unit = if probe.unit.is_empty() { String::new() } else { format!(", {}", probe.unit) };
        format!("{}{unit}", probe.name)
    };
    let mut parts: Vec<(&str, Role, String)> = Vec::new();
    let line = Dots::of(ui).sign();
    // What a probe without a number is drawn by is not what it is judged by.
    let is_time = probe.threshold.is_none() && !probe.range.is_empty();
    if let Some(second) = second {
        parts.push((line, Role::ChartLine, named(probe)));
        parts.push((curve::SECOND, Role::ChartSecond, format!("{}, at the right", named(second))));
    } else if is_time {
        parts.push((line, Role::ChartLine, "response time".to_owned()));
    }
    if probe.threshold.is_some() && !probe.range.is_empty() {
        parts.push(("╌", Role::ChartLimit, probe.range.clone()));
    }
    if let Some(usual) = usual {
        let (low, high) = (number(usual.quartiles.0), number(usual.quartiles.1));
        // Three times the same number says no more than once.
        let spread = if low == high { String::new() } else { format!(", {low}–{high}") };
        parts.push(("┈", Role::ChartAxis, format!("usual {}{spread}", number(usual.median))));
    }
    if axis::has_changes(ui, ui.model.chart_grid(probe, area.width - LABELS), &probe.environment) {
        parts.push(("▲", Role::ChartMark, "deploy, rollback or flag".to_owned()));
    }
    if parts.is_empty() {
        return area;
    }
    let mut pen = Pen::new(buf, area, 0);
    pen.gap(LABELS);
    for (index, (sign, role, words)) in parts.iter().enumerate() {
        let gap = if index > 0 { 3 } else { 0 };
        if pen.room() < gap + 2 + width(words) {
            break;
        }
        let is_band = words.starts_with("usual") && ui.of(Role::ChartBand).bg.is_some();
        let ground = if is_band { ui.of(Role::ChartBand).patch(ui.of(*role)) } else { ui.of(*role) };
        pen.gap(gap).put(sign, ground).gap(1).put(words, ui.of(Role::Muted));
    }
    below(area, 1)
}

/// Draws the second probe with its own scale at the right.
fn over(ui: Ui<'_>, buf: &mut Buffer, plot: Rect, grid: Grid, second: &Status) {
    let found = columns(second, grid);
    let orders = if ui.model.chart.is_log { orders(&found) } else { None };
    let scale = match orders {
        Some(ends) => Scale::orders(ends, plot.height),
        None => Scale::nice(bounds(&found, None, None), plot.height),
    };
    axis::values(ui, buf, plot, &scale, &second.unit, axis::Side::Right, Role::ChartSecond);
    for (column, seen) in found.all.iter().enumerate() {
        let Some((low, high)) = seen.range else { continue };
        let (low, high) = (scale.nearest(low, plot.height), scale.nearest(high, plot.height));
        for line in high.min(low)..=low.max(high) {
            let (x, y) = (plot.x + column as u16, plot.y + line);
            put_cell(buf, x, y, curve::SECOND, 1, ui.of(Role::ChartSecond));
        }
    }
}

/// Draws what was usual: the median as a line, and behind it half of all values, where that is more than a
/// line.
fn band(ui: Ui<'_>, buf: &mut Buffer, plot: Rect, scale: &Scale, usual: &Usual) {
    let style = ui.of(Role::ChartBand);
    let (low, high) = usual.quartiles;
    let (top, bottom) = (scale.nearest(high, plot.height), scale.nearest(low, plot.height));
    let is_seen = scale.place(high) != Place::Below && scale.place(low) != Place::Above;
    if is_seen && top < bottom {
        let area = Rect { y: plot.y + top, height: bottom - top + 1, ..plot };
        if style.bg.is_some() {
            buf.set_style(area, style);
        } else {
            for line in [0, area.height - 1] {
                Pen::new(buf, area, line).fill("┈", ui.of(Role::ChartAxis));
            }
        }
    }
    if let Some(line) = scale.line(usual.median, plot.height) {
        Pen::new(buf, plot, line).fill("┈", ui.of(Role::ChartAxis));
    }
}

/// Marks what is beyond the scale at the edge it is beyond, and says the farthest value of each edge.
fn clipped(
    ui: Ui<'_>,
    buf: &mut Buffer,
    plot: Rect,
    scale: &Scale,
    probe: &Status,
    found: &Columns,
    dots: Dots,
) {
    for (place, sign, line) in [(Place::Above, "▲", 0), (Place::Below, "▼", plot.height - 1)] {
        let value = |column: &Column| {
            let (low, high) = column.range?;
            let value = if place == Place::Above { high } else { low };
            (scale.place(value) == place).then_some(value)
        };
        let mut farthest: Option<(u16, f64)> = None;
        for (index, cell) in found.all.chunks(usize::from(dots.across)).enumerate() {
            let Some(far) =
                cell.iter().filter_map(value).reduce(|a, b| if a.abs() > b.abs() { a } else { b })
            else {
                continue;
            };
            let role = if probe.is_beyond(far) { Role::Bad } else { Role::ChartLine };
            put_cell(buf, plot.x + index as u16, plot.y + line, sign, 1, ui.of(role));
            if farthest.is_none_or(|(_, value)| far.abs() > value.abs()) {
                farthest = Some((index as u16, far));
            }
        }
        let Some((column, value)) = farthest else { continue };
        let unit = if probe.unit.is_empty() { String::new() } else { format!(" {}", probe.unit) };
        let text = format!(" {}{unit} ", number(value));
        let columns = width(&text);
        // Behind the mark, or before it at the right edge.
        let x = if column + 1 + columns <= plot.width { column + 1 } else { column.saturating_sub(columns) };
        let place = Rect { x: plot.x + x, width: columns.min(plot.width), ..plot };
        let role = if probe.is_beyond(value) { Role::Bad } else { Role::ChartLine };
        Pen::new(buf, place, line).put(&text, ui.of(role));
    }
}

/// Draws the moment that is looked at.
fn cursor(ui: Ui<'_>, buf: &mut Buffer, plot: Rect, grid: Grid) {
    let Some(column) = ui.model.chart.still.and_then(|still| grid.column(still.at)) else { return };
    let style = ui.of(Role::Cursor);
    for y in plot.y..=plot.y + plot.height {
        let Some(cell) = buf.cell_mut((plot.x + column, y)) else { continue };
        // What was drawn stays to be read.
        if matches!(cell.symbol(), " " | "╌" | "┈" | "┊") {
            cell.set_symbol("│");
        } else if matches!(cell.symbol(), "─" | "·") {
            cell.set_symbol("┴");
        }
        cell.set_style(style);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_healthy_past_is_low_and_what_is_over_its_limit_is_tall() {
        let limited = |limit: &str, threshold| Status {
            limit: Some(limit.into()),
            threshold: Some(threshold),
            ..Status::default()
        };
        let of = |probe: &Status, value: f64| level(probe, value, probe.is_beyond(value), (0.0, 40.0));
        let errors = limited("> 5", 5.0);
        assert_eq!([0.0, 0.4, 4.9].map(|value| of(&errors, value)), [0, 0, 2]);
        assert_eq!([5.1, 12.0, 40.0].map(|value| of(&errors, value)), [4, 5, 6]);
        // Where what is low does harm, the less the taller.
        let orders = limited("< 200", 200.0);
        assert_eq!([900.0, 239.0].map(|value| of(&orders, value)), [0, 2]);
        assert_eq!([139.0, 12.0, 0.0].map(|value| of(&orders, value)), [4, 6, 6]);
        // What nothing of may be has no share of its limit.
        let none = limited("> 0", 0.0);
        assert_eq!([0.0, 1.0].map(|value| of(&none, value)), [0, 6]);
        // A check passes or fails, however long its answer takes.
        let check = Status { range: "want 200".into(), ..Status::default() };
        assert_eq!(level(&check, 1980.0, false, (0.0, 2000.0)), 0);
        assert_eq!(level(&check, 3.0, true, (0.0, 2000.0)), 6);
    }
}
