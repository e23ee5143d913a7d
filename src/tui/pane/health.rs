//! Health: how the service is doing now, and in the last while.

use jiff::{SignedDuration, Timestamp};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::super::glyph;
use super::super::paint::{Pen, width};
use super::super::theme::Role;
use super::super::ui::{Ui, below};
use super::chart::{self, Span};
use super::{empty, frame, mark, window};
use crate::cockpit::model::ConfigSource;
use crate::cockpit::{Command, Model, Pane};
use crate::health::series::{State, Status};
use crate::incident::duration;

/// Least lines of a chart.
const CHART: u16 = 6;

pub(super) fn draw(ui: Ui<'_>, buf: &mut Buffer, area: Rect) -> Rect {
    let [good, warn, bad, unknown] = counts(ui.model);
    let words = [format!("✓ {good}"), format!("▲ {warn}"), format!("✗ {bad}"), format!("? {unknown}")];
    let roles = [Role::Good, Role::Warn, Role::Bad, Role::Unknown];
    let mut label: Vec<(&str, Style)> = Vec::with_capacity(8);
    if !ui.model.probes.is_empty() {
        for ((word, role), count) in words.iter().zip(roles).zip([good, warn, bad, unknown]) {
            if !label.is_empty() {
                label.push(("  ", ui.of(Role::Faint)));
            }
            label.push((word, ui.of(if count > 0 { role } else { Role::Faint })));
        }
    }
    let body = frame(ui, buf, area, Pane::Health, &label);
    let rows = ui.model.health_rows().count();
    if rows == 0 {
        nothing(ui, buf, body);
        return body;
    }
    // Below the list: a chart where there is room for one, else the times of the sparklines.
    let lines = u16::try_from(rows).unwrap_or(u16::MAX);
    let least = if ui.model.zoom { CHART + 2 } else { 0 };
    let list = lines.min(body.height.saturating_sub(least).max(body.height / 2));
    let list = Rect { height: list, ..body };
    let cols = Columns::of(ui, body.width);
    let span = span(ui, cols.spark);
    let (top, cursor) = window(ui, Pane::Health, rows, list.height);
    for (line, (row, probe)) in
        ui.model.health_rows().enumerate().skip(top).take(usize::from(list.height)).enumerate()
    {
        let line = line as u16;
        probe_row(ui, buf, list, line, probe, &cols, span);
        mark(ui, buf, list, line, Pane::Health, row == cursor);
    }
    let rest = below(body, list.height);
    // A number over its limit says more in a chart than the time a bad answer took.
    let bad = || ui.model.health_rows().filter(|probe| probe.state.is_bad());
    let worst = bad().find(|probe| probe.threshold.is_some()).or_else(|| bad().next());
    let selected = ui.model.health_rows().nth(cursor);
    let shown = if ui.model.focus == Pane::Health { selected } else { worst.or(selected) };
    detail(ui, buf, rest, shown, &cols, span);
    list
}

/// Says more of one probe, as far as there is room: why it is so, and its chart.
fn detail(ui: Ui<'_>, buf: &mut Buffer, rest: Rect, probe: Option<&Status>, cols: &Columns, span: Span) {
    let Some(probe) = probe else { return };
    if rest.height >= CHART + 2 && rest.width >= 40 {
        let rest = below(rest, 1);
        why_line(ui, buf, rest, probe);
        chart::draw(ui, buf, below(rest, 1), probe);
        return;
    }
    let axis = chart::axis(ui, buf, spark_area(rest, cols), span);
    let rest = below(rest, axis);
    if rest.height > 0 {
        // At the lower edge, so that it does not jump when rows come and go.
        why_line(ui, buf, below(rest, rest.height - 1), probe);
    }
}

/// How many probes are good, near a limit, bad, and unknown.
fn counts(model: &Model) -> [usize; 4] {
    let mut counts = [0; 4];
    for probe in &model.probes {
        counts[match glyph::probe(probe.state).1 {
            Role::Good => 0,
            Role::Warn => 1,
            Role::Bad => 2,
            _ => 3,
        }] += 1;
    }
    counts
}

fn nothing(ui: Ui<'_>, buf: &mut Buffer, body: Rect) {
    if !ui.model.view(Pane::Health).filter.is_empty() {
        let all = format!("press {} and empty the line to see all", ui.key(Command::Filter));
        return empty(ui, buf, body, &["no probe contains this", &all]);
    }
    match ui.model.config.source {
        ConfigSource::Untrusted { .. } => {
            let hint = format!("press {} to read what flightdeck.toml would run", ui.key(Command::Trust));
            empty(ui, buf, body, &["nothing is asked before it is trusted", &hint]);
        }
        ConfigSource::Invalid(_) => {
            let hint = format!("press {} to read what is wrong with it", ui.key(Command::Errors));
            empty(ui, buf, body, &["flightdeck.toml cannot be used, so nothing is asked", &hint]);
        }
        ConfigSource::None | ConfigSource::Trusted => {
            let hint = "name what to ask as [[probes]] in flightdeck.toml";
            empty(ui, buf, body, &["nothing is watched", hint]);
        }
    }
}

/// The rows that columns are made wide enough for: those around what is shown, in steps, so that
/// columns stand still while it is scrolled and thousands of rows cost no more than some.
fn measured(ui: Ui<'_>) -> impl Iterator<Item = &Status> {
    const STEP: usize = 256;
    let top = ui.model.view(Pane::Health).top / STEP * STEP;
    ui.model.health_rows().skip(top).take(2 * STEP)
}

/// The columns of a row.
struct Columns {
    name: u16,
    value: u16,
    limit: u16,
    spark: u16,
    note: u16,
}

impl Columns {
    fn of(ui: Ui<'_>, room: u16) -> Self {
        let widest = |of: fn(&Status) -> u16| measured(ui).map(of).max().unwrap_or(0);
        let name = widest(|probe| width(&probe.name)).clamp(4, (room / 3).max(8));
        let value = widest(|probe| width(&value(probe))).clamp(3, 10);
        let note = if room >= 44 { widest_note(ui) } else { 0 };
        let limit = if room >= 44 { widest(|probe| width(limit(probe))).min(9) } else { 0 };
        let gaps = 2 + 2 + 2 + if limit > 0 { 2 } else { 0 } + if note > 0 { 2 } else { 0 };
        let spark = room.saturating_sub(name + value + limit + note + gaps);
        Self { name, value, limit, spark: if spark < 6 { 0 } else { spark }, note }
    }

    /// Columns before the sparkline.
    fn before(&self) -> u16 {
        2 + self.name + 2 + self.value + if self.limit > 0 { 2 + self.limit } else { 0 } + 2
    }
}

fn spark_area(area: Rect, cols: &Columns) -> Rect {
    let x = (area.x + cols.before()).min(area.right());
    Rect { x, width: cols.spark.min(area.right() - x), ..area }
}

/// The time that all sparklines of the pane show: the same for all, so that what happened
/// together stands together.
fn span(ui: Ui<'_>, columns: u16) -> Span {
    let first = ui.model.probes.iter().filter_map(|probe| probe.history.front().map(|(at, _)| *at)).min();
    let fastest = ui.model.probes.iter().map(|probe| probe.interval_s).fold(f64::INFINITY, f64::min);
    let least = if fastest.is_finite() { fastest * f64::from(columns.min(chart::YOUNG)) } else { 0.0 };
    Span::ending(ui.model.now, first, least, columns)
}

fn probe_row(
    ui: Ui<'_>,
    buf: &mut Buffer,
    list: Rect,
    line: u16,
    probe: &Status,
    cols: &Columns,
    span: Span,
) {
    let (symbol, role) = glyph::probe(probe.state);
    let known = !matches!(probe.state, State::Unknown);
    let mut pen = Pen::new(buf, list, line);
    pen.put(symbol, ui.of(role)).gap(1);
    let calm = probe.state == State::Ok;
    pen.column_of(&probe.name, cols.name, ui.of(Role::Text)).gap(2);
    let text = if known { value(probe) } else { "?".to_owned() };
    pen.column_right(&text, cols.value, ui.of(if calm { Role::Text } else { role })).gap(2);
    if cols.limit > 0 {
        let text = if probe.limit.is_some() { Role::Faint } else { role };
        pen.column_of(limit(probe), cols.limit, ui.of(text)).gap(2);
    }
    if cols.spark > 0 {
        chart::spark(ui, &mut pen, probe, span, cols.spark);
        pen.gap(2);
    }
    if cols.note > 0 && !calm {
        pen.put(&note(ui, probe), ui.of(role));
    }
}

/// The value now; where there is none, the headline of the last answer.
fn value(probe: &Status) -> String {
    match &probe.last {
        None => "?".to_owned(),
        Some(sample) => match sample.value {
            Some(value) if probe.unit.is_empty() => chart::number(value),
            Some(value) => format!("{} {}", chart::number(value), probe.unit),
            None => sample.headline.clone(),
        },
    }
}

/// The limit; where there is none and the probe is not good, what it answered instead.
fn limit(probe: &Status) -> &str {
    let answered = || {
        let sample = probe.last.as_ref().filter(|sample| probe.state != State::Ok && sample.value.is_some());
        sample.map_or("", |sample| sample.headline.as_str())
    };
    probe.limit.as_deref().unwrap_or_else(answered)
}

fn widest_note(ui: Ui<'_>) -> u16 {
    let notes = measured(ui).filter(|probe| probe.state != State::Ok);
    notes.map(|probe| width(&note(ui, probe))).max().unwrap_or(0).min(9)
}

/// How long it has been so.
fn note(ui: Ui<'_>, probe: &Status) -> String {
    match (probe.state, probe.since) {
        (State::Pending, _) => "wavering".to_owned(),
        (State::Recovering, _) => "mending".to_owned(),
        (State::Flapping, _) => "flapping".to_owned(),
        (_, Some(since)) => format!("for {}", ui.ago(since)),
        (_, None) => String::new(),
    }
}

/// The word for a state, to stand beside its glyph.
fn word(state: State) -> &'static str {
    match state {
        State::Ok => "good",
        State::Pending => "a bad sample waits to be confirmed",
        State::Warn => "over its warning limit",
        State::Failing => "failing",
        State::Recovering => "good again, not yet confirmed",
        State::Flapping => "going back and forth",
        State::Unknown => "no data",
        State::Error => "nobody answers",
    }
}

/// What is wrong with a probe, in one line.
fn why_line(ui: Ui<'_>, buf: &mut Buffer, line: Rect, probe: &Status) {
    let (symbol, role) = glyph::probe(probe.state);
    let mut pen = Pen::new(buf, line, 0);
    pen.put(symbol, ui.of(role)).gap(1).put(&probe.name, ui.of(Role::Text)).put(": ", ui.of(Role::Faint));
    let why = probe.last.as_ref().map_or("", |sample| sample.why.as_str());
    pen.put(
        if why.is_empty() { word(probe.state) } else { why },
        ui.of(if why.is_empty() { Role::Muted } else { role }),
    );
    if probe.state != State::Ok && pen.room() > 12 {
        let since = probe.since.map(|since| length(ui, since));
        if let Some(since) = since {
            pen.put(&format!("  for {since}"), ui.of(Role::Faint));
        }
    }
}

fn length(ui: Ui<'_>, since: Timestamp) -> String {
    duration(ui.model.now.duration_since(since).max(SignedDuration::ZERO))
}

pub(super) fn summary(ui: Ui<'_>, pen: &mut Pen<'_>) {
    if ui.model.probes.is_empty() {
        pen.put("nothing is watched", ui.of(Role::Faint));
        return;
    }
    let counts = counts(ui.model);
    let roles = [("✓", Role::Good), ("▲", Role::Warn), ("✗", Role::Bad), ("?", Role::Unknown)];
    for ((symbol, role), count) in roles.into_iter().zip(counts) {
        let role = if count > 0 { role } else { Role::Faint };
        pen.put(symbol, ui.of(role)).put(&format!(" {count}"), ui.of(role)).gap(2);
    }
    if let Some(probe) = ui.model.probes.iter().find(|probe| probe.state.is_bad()) {
        let why = probe.last.as_ref().map_or("", |sample| sample.why.as_str());
        pen.gap(1).put(&probe.name, ui.of(Role::Text)).gap(1).put(why, ui.of(Role::Bad));
    }
}
