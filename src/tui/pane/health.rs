//! Health: how the service is doing now, and in the last while.

use std::borrow::Cow;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::super::glyph;
use super::super::paint::{Pen, width};
use super::super::theme::Role;
use super::super::ui::{Ui, below};
use super::chart::{self, number};
use super::{Drawn, empty, frame, mark, probe, window};
use crate::cockpit::health::Group;
use crate::cockpit::model::ConfigSource;
use crate::cockpit::{Command, Pane};
use crate::config::types::THIRD_PARTY;
use crate::health::columns::Grid;
use crate::health::series::{Sample, State, Status, Verdict as Seen};

/// Columns of a sparkline that shows a trend.
const SPARK: u16 = 8;
/// Least columns of sparklines that are explained below them.
const SAID: u16 = 44;
/// Columns for how long something has been so.
const SINCE: u16 = 5;
/// Least lines of a chart that has air around it.
const CHART: u16 = 6;
/// Columns of the frame that what is wrong where leaves free: those of its title.
const TITLE: u16 = 16;
/// Least columns for why a probe is bad.
const WHY: u16 = 14;
/// Least lines of one that can be drawn at all.
const LOWEST: u16 = 5;

pub(super) fn draw(ui: Ui<'_>, buf: &mut Buffer, area: Rect) -> Drawn {
    let groups = &ui.model.derived.health.groups;
    let is_filtered = !ui.model.view(Pane::Health).filter.is_empty();
    let room = if is_filtered { area.width * 2 / 3 } else { area.width.saturating_sub(TITLE) };
    let words = label(ui, groups, room);
    let label: Vec<(&str, Style)> = words.iter().map(|(word, style)| (word.as_str(), *style)).collect();
    let body = frame(ui, buf, area, Pane::Health, &label);
    let rows = ui.model.health_rows().count();
    if rows == 0 {
        nothing(ui, buf, body);
        return body.into();
    }
    // Below the list: environments that are all good, then a chart where there is room for one, else the
    // times of the sparklines.
    let one = ui.model.shows_one_probe();
    let lines = if one { 1 } else { u16::try_from(rows).unwrap_or(u16::MAX) };
    let calm: Vec<String> = groups
        .iter()
        .filter(|group| group.is_folded && !one)
        .map(|group| format!("{} ✓ {} of {}", group.environment, group.counts[0], group.all()))
        .collect();
    // Where both have no room the rows have it, and one line says why one of them is bad.
    let least = match ui.model.zoom {
        true if body.height >= 2 * CHART + 2 => CHART + 2,
        zoom => u16::from(zoom),
    };
    let list = lines.min(body.height.saturating_sub(least).max(body.height / 2));
    let list = Rect { height: list, ..body };
    let cols = Columns::of(ui, body.width);
    let span = chart::trend(ui, cols.spark);
    let (top, cursor) = window(ui, Pane::Health, rows, list.height);
    for (line, (row, probe)) in
        ui.model.health_rows().enumerate().skip(top).take(usize::from(list.height)).enumerate()
    {
        let line = line as u16;
        probe_row(ui, buf, list, line, probe, &cols, span);
        mark(ui, buf, list, line, Pane::Health, row == cursor);
    }
    let mut rest = below(body, list.height);
    if !calm.is_empty() && rest.height > 1 {
        Pen::new(buf, rest, 0).gap(2).put(&calm.join("   "), ui.of(Role::Muted));
        rest = below(rest, 1);
    }
    // A number over its limit says more in a chart than the time a bad answer took.
    let bad = || ui.model.health_rows().filter(|probe| probe.state.is_bad());
    let worst = bad().find(|probe| probe.threshold.is_some()).or_else(|| bad().next());
    let selected = ui.model.health_rows().nth(cursor);
    let shown = if ui.model.focus == Pane::Health { selected } else { worst.or(selected) };
    let chart = detail(ui, buf, rest, shown, &cols, span);
    Drawn { list, chart, lines: Vec::new() }
}

/// Says more of one probe, as far as there is room: why it is so, and its chart. Returns the columns of that.
fn detail(
    ui: Ui<'_>,
    buf: &mut Buffer,
    rest: Rect,
    probe: Option<&Status>,
    cols: &Columns,
    span: Grid,
) -> u16 {
    let Some(probe) = probe else { return 0 };
    if rest.height > LOWEST && rest.width >= 40 {
        let is_roomy = rest.height >= CHART + 2;
        if is_roomy && ui.model.zoom && cols.spark >= SAID {
            chart::spark_legend(ui, &mut Pen::new(buf, spark_area(rest, cols), 0));
        }
        let rest = below(rest, u16::from(is_roomy));
        if !probe::moment_line(ui, buf, rest, probe) {
            probe::why_line(ui, buf, rest, probe);
        }
        let rest = below(rest, 1);
        // The picture comes first, however low.
        let facts = probe::facts(ui, probe, rest.width, rest.height.saturating_sub(LOWEST));
        let lines = facts.len() as u16;
        for (line, fact) in facts.iter().enumerate() {
            probe::fact(ui, &mut Pen::new(buf, rest, line as u16), fact);
        }
        return super::chart(ui, buf, below(rest, lines), probe);
    }
    if ui.model.shows_one_probe() {
        probe::in_words(ui, buf, rest, probe);
        return 0;
    }
    let production = ui.model.derived.health.production.as_str();
    let axis = chart::axis(ui, buf, spark_area(rest, cols), span, production);
    let rest = below(rest, axis);
    // At the lower edge, so that they do not jump when rows come and go: what is wrong with each that has room.
    let others = ui.model.health_rows().filter(|other| other.state.is_bad() && other.name != probe.name);
    let said: Vec<&Status> = std::iter::once(probe).chain(others).take(rest.height.into()).collect();
    let mut rest = below(rest, rest.height - said.len() as u16);
    for probe in said {
        probe::why_line(ui, buf, rest, probe);
        rest = below(rest, 1);
    }
    0
}

/// `production ✗ 2 ▲ 1   staging ✓`: what is wrong where. Without room for all of it production, then what fails.
fn label(ui: Ui<'_>, groups: &[Group], room: u16) -> Vec<(String, Style)> {
    let all = [("production", 3), ("prod", 2)].map(|(production, gap)| {
        let parts: Vec<Vec<(String, Style)>> =
            groups.iter().map(|group| part(ui, group, production)).collect();
        (parts, gap)
    });
    let fits = |(parts, gap): &&(Vec<Vec<(String, Style)>>, u16)| {
        parts.iter().map(|part| columns(part) + gap).sum::<u16>().saturating_sub(*gap) <= room
    };
    let (parts, gap) = all.iter().find(fits).unwrap_or(&all[1]);
    let mut wanted: Vec<usize> = (0..groups.len()).collect();
    // What is bad, then what is not well, before what is good; the first is production.
    let urgency = |group: &Group| (group.counts[2] == 0, group.counts[0] == group.all());
    wanted.sort_by_key(|index| (*index > 0, urgency(&groups[*index])));
    let (mut taken, mut shown, mut left) = (0, Vec::new(), Vec::new());
    for index in wanted {
        let more = columns(&parts[index]) + if shown.is_empty() { 0 } else { *gap };
        if shown.is_empty() || taken + more <= room {
            taken += more;
            shown.push(index);
        } else if groups[index].counts[2] > 0 {
            left.push(index);
        }
    }
    shown.sort_unstable();
    let mut label: Vec<(String, Style)> = Vec::new();
    for index in shown {
        if !label.is_empty() {
            label.push((" ".repeat(usize::from(*gap)), ui.of(Role::Faint)));
        }
        label.extend(parts[index].iter().cloned());
    }
    if !left.is_empty() {
        label.push((format!("  {} more ✗", left.len()), ui.of(Role::Bad)));
    }
    label
}

fn columns(part: &[(String, Style)]) -> u16 {
    part.iter().map(|(text, _)| width(text)).sum()
}

/// How an environment is: `production ✗ 2 ▲ 1`, with that name for the one that is called so.
fn part(ui: Ui<'_>, group: &Group, production: &str) -> Vec<(String, Style)> {
    let glyphs = [("✗", Role::Bad, 2), ("▲", Role::Warn, 1), ("?", Role::Unknown, 3)];
    let mut part = Vec::new();
    if !group.environment.is_empty() {
        let name = if group.environment == "production" { production } else { &group.environment };
        part.push((format!("{name} "), ui.of(Role::Muted)));
    }
    let wrong = glyphs.iter().filter(|(.., place)| group.counts[*place] > 0);
    let wrong: Vec<(String, Style)> = wrong
        .map(|(glyph, role, place)| (format!("{glyph} {}", group.counts[*place]), ui.of(*role)))
        .collect();
    if wrong.is_empty() {
        part.push((format!("✓ {}", group.counts[0]), ui.of(Role::Good)));
    }
    for (index, one) in wrong.into_iter().enumerate() {
        if index > 0 {
            part.push((" ".to_owned(), ui.of(Role::Faint)));
        }
        part.push(one);
    }
    part
}

fn nothing(ui: Ui<'_>, buf: &mut Buffer, body: Rect) {
    if !ui.model.view(Pane::Health).filter.is_empty() {
        let all = format!("press {} to see all", ui.key(Command::Back));
        return empty(ui, buf, body, &["no probe contains this", &all]);
    }
    match ui.model.config.source {
        ConfigSource::Untrusted { .. } => {
            let hint = format!("press {} to read what flightdeck.toml would run", ui.key(Command::Trust));
            empty(ui, buf, body, &["nothing runs before somebody trusts it", &hint]);
        }
        ConfigSource::Invalid(_) => {
            let hint = format!("press {} to read what is wrong with it", ui.key(Command::Errors));
            empty(ui, buf, body, &["flightdeck.toml has errors, so no probe runs", &hint]);
        }
        ConfigSource::None | ConfigSource::Trusted => {
            let hint = "add [[probes]] to flightdeck.toml";
            empty(ui, buf, body, &["no probe is configured", hint]);
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
        let longest = measured(ui).map(|probe| width(&name(ui, probe))).max().unwrap_or(0);
        let value = widest(|probe| width(&value(probe))).clamp(3, 10);
        let limit = if room >= 36 { widest(|probe| width(limit(probe))).min(10) } else { 0 };
        // The trend is worth more than a long name or how a state is called.
        let (mut name, mut note) = (longest.clamp(4, (room / 3).max(8)), widest_note(ui));
        let spark = |name: u16, note: u16| {
            let gaps = 2 + 2 + 2 + if limit > 0 { 2 } else { 0 } + if note > 0 { 2 } else { 0 };
            room.saturating_sub(name + value + limit + note + gaps)
        };
        if spark(name, note) < SPARK {
            note = note.min(SINCE);
        }
        let missing = SPARK.saturating_sub(spark(name, note));
        if missing > 0 {
            name = name.saturating_sub(missing).max((room / 4).max(8)).min(name);
        }
        if room < 44 {
            note = 0;
        }
        let mut spark = spark(name, note);
        // On a small screen a few bars are no trend: the room is worth more to names that would be cut.
        if spark < 4 || (room < 44 && spark < SPARK && name < longest) {
            let gap = if note > 0 { 0 } else { 2 };
            name = longest.min(name + spark + gap);
            spark = 0;
        }
        Self { name, value, limit, spark, note }
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

fn probe_row(
    ui: Ui<'_>,
    buf: &mut Buffer,
    list: Rect,
    line: u16,
    probe: &Status,
    cols: &Columns,
    span: Grid,
) {
    let (symbol, role) = glyph::probe(probe.state);
    let known = !matches!(probe.state, State::Unknown);
    let mut pen = Pen::new(buf, list, line);
    pen.put(symbol, ui.of(role)).gap(1);
    let calm = probe.state == State::Ok;
    let full = name(ui, probe);
    // Whose it is gives way to what it is called.
    let shown = if width(&full) > cols.name && is_of_others(probe) { &probe.name } else { &*full };
    pen.column_of(shown, cols.name, ui.of(Role::Text)).gap(2);
    if let Some(why) = wrong_beside_code(probe) {
        // What is wrong is not the code, nor anything that a chart shows.
        let room = [cols.value, cols.limit, cols.spark].into_iter().filter(|columns| *columns > 0);
        let room = room.map(|columns| columns + 2).sum::<u16>().saturating_sub(2);
        pen.column_of(why, room, ui.of(role)).gap(2);
    } else {
        let text = if known { value(probe) } else { "?".to_owned() };
        pen.column_right(&text, cols.value, ui.of(if calm { Role::Text } else { role })).gap(2);
        if cols.limit > 0 {
            let text = if probe.range.is_empty() { role } else { Role::Muted };
            pen.column_of(limit(probe), cols.limit, ui.of(text)).gap(2);
        }
        if cols.spark > 0 {
            chart::spark(ui, &mut pen, probe, span);
            pen.gap(2);
        }
    }
    if cols.note > 0 && !calm {
        let note = note(ui, probe);
        if width(&note) <= cols.note {
            pen.column_right(&note, cols.note, ui.of(role));
        }
    }
}

/// The value now; where there is none, the headline of the last answer.
fn value(probe: &Status) -> String {
    match &probe.last {
        None => "?".to_owned(),
        // Beside the status that is wanted stands the status that came, not how long it took.
        Some(sample) if probe.limit.is_none() && !probe.range.is_empty() => sample.headline.clone(),
        // A value that keeps to its limit is not what is wrong.
        Some(sample) if is_wrong_elsewhere(probe, sample) => sample.headline.clone(),
        Some(sample) => match sample.value {
            Some(value) if probe.unit.is_empty() => number(value),
            Some(value) => format!("{} {}", number(value), probe.unit),
            None => sample.headline.clone(),
        },
    }
}

/// Whether a probe fails although its value keeps to the limit: something else that was expected does not
/// hold.
fn is_wrong_elsewhere(probe: &Status, sample: &Sample) -> bool {
    let keeps = sample.value.is_some_and(|value| !probe.is_beyond(value));
    probe.threshold.is_some() && keeps && sample.verdict == Seen::Bad && !sample.headline.is_empty()
}

/// What is wrong where the status or exit code is the one that is wanted: `says Partial Outage`.
fn wrong_beside_code(probe: &Status) -> Option<&str> {
    let wanted = probe.range.strip_prefix("want ").filter(|_| probe.state != State::Ok)?;
    let last = probe.last.as_ref().filter(|last| !last.why.is_empty())?;
    let code = last.headline.rsplit(' ').next().unwrap_or_default();
    let is_wanted = code == wanted || (wanted == "2xx" && code.len() == 3 && code.starts_with('2'));
    is_wanted.then_some(last.why.as_str())
}

/// What it has to keep to; where there is no short word for that and the probe is not good, what it
/// answered instead.
fn limit(probe: &Status) -> &str {
    if probe.last.as_ref().is_some_and(|sample| is_wrong_elsewhere(probe, sample)) {
        return "";
    }
    if !probe.range.is_empty() {
        return &probe.range;
    }
    let sample = probe.last.as_ref().filter(|sample| probe.state != State::Ok && sample.value.is_some());
    sample.map_or("", |sample| sample.headline.as_str())
}

/// Its name, behind that of its environment where that is not production; in front of it where it is somebody else's.
fn name<'a>(ui: Ui<'_>, probe: &'a Status) -> Cow<'a, str> {
    let production = ui.model.derived.health.production.as_str();
    let is_told = probe.name.starts_with(&probe.environment) || production.is_empty();
    if is_of_others(probe) {
        Cow::Owned(format!("{} ({THIRD_PARTY})", probe.name))
    } else if is_told || probe.environment == production {
        Cow::Borrowed(&probe.name)
    } else {
        Cow::Owned(format!("{}: {}", probe.environment, probe.name))
    }
}

fn is_of_others(probe: &Status) -> bool {
    probe.environment == THIRD_PARTY
}

fn widest_note(ui: Ui<'_>) -> u16 {
    let notes = measured(ui).filter(|probe| probe.state != State::Ok);
    notes.map(|probe| width(&note(ui, probe))).max().unwrap_or(0).min(10)
}

/// How long it has been so.
fn note(ui: Ui<'_>, probe: &Status) -> String {
    match (probe.state, probe.began()) {
        (State::Pending, _) => "unstable".to_owned(),
        (State::Recovering, _) => "recovering".to_owned(),
        (State::Flapping, _) => "flapping".to_owned(),
        (State::Suppressed, _) => "suppressed".to_owned(),
        (_, Some(since)) => ui.ago(since),
        (_, None) => String::new(),
    }
}

pub(super) fn summary(ui: Ui<'_>, pen: &mut Pen<'_>) {
    if ui.model.probes.is_empty() {
        let why = match ui.model.config.source {
            ConfigSource::Invalid(_) => "flightdeck.toml has errors, so no probe runs",
            ConfigSource::Untrusted { .. } => "nothing runs before somebody trusts it",
            ConfigSource::None | ConfigSource::Trusted => "no probe is configured",
        };
        pen.put(why, ui.of(Role::Faint));
        return;
    }
    let room = pen.room();
    for (text, style) in label(ui, &ui.model.derived.health.groups, room) {
        pen.put(&text, style);
    }
    pen.gap(3);
    // A name that is cut says less than none.
    let bad = ui.model.health_rows().find(|probe| probe.state.is_bad());
    if let Some(probe) = bad.filter(|probe| width(&probe.name) <= pen.room()) {
        let why = probe.last.as_ref().map_or("", |sample| sample.why.as_str());
        pen.put(&probe.name, ui.of(Role::Text));
        if pen.room() >= WHY {
            pen.gap(1).put(why, ui.of(Role::Bad));
        }
    }
}
