//! Values over time: a sparkline in a row, a chart in a pane. Where there is no data there is
//! nothing drawn: neither zero, nor a line from one side of the gap to the other.

use jiff::{SignedDuration, Timestamp};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::paint::{Pen, put_cell, width};
use super::super::theme::Role;
use super::super::ui::{Ui, below, row};
use crate::health::series::{Status, buckets};

/// Heights of a column, from a sliver up. Never a full cell: rows stay apart.
const BARS: [&str; 7] = ["▁", "▂", "▃", "▄", "▅", "▆", "▇"];
/// Columns for the labels of the value axis.
const LABELS: u16 = 10;
/// Times that a window may span, in seconds: what people think in.
const SPANS: [i64; 11] = [30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21_600, 86_400];
/// Columns that a young history is spread over at most: wider, it would be all blanks.
pub(super) const YOUNG: u16 = 40;
/// Intervals that the window of a chart spans at least: a few samples do not fill a corner of it.
const YOUNGEST: f64 = 8.0;
/// How many probe intervals a column spans at least, so that a late answer makes no gap.
const SLACK: f64 = 1.5;

/// A window of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    from: Timestamp,
    to: Timestamp,
}

impl Span {
    /// The window up to now that shows all since `first`, but no more than two hours, and at
    /// least `least` seconds. Its end moves by whole columns, so that bars keep their shape
    /// as time passes.
    pub(super) fn ending(now: Timestamp, first: Option<Timestamp>, least: f64, columns: u16) -> Self {
        let seen = first.map_or(0, |first| now.duration_since(first).as_secs()).clamp(0, 7200);
        let wanted = seen.max((least * SLACK).clamp(0.0, 86_400.0) as i64);
        let length = SPANS.into_iter().find(|span| *span >= wanted).unwrap_or(86_400);
        let column = (length / i64::from(columns.max(1))).max(1);
        let end = (now.as_second().div_euclid(column) + 1).saturating_mul(column);
        let to = Timestamp::from_second(end).unwrap_or(now);
        let from = to.checked_sub(SignedDuration::from_secs(length)).unwrap_or(Timestamp::MIN);
        Self { from, to }
    }

    fn seconds(self) -> f64 {
        self.to.duration_since(self.from).as_secs_f64()
    }

    /// The column a moment is in, of so many; `None` outside.
    fn column(self, at: Timestamp, columns: u16) -> Option<u16> {
        let part = at.duration_since(self.from).as_secs_f64() / self.seconds().max(1.0);
        (0.0..1.0).contains(&part).then(|| (part * f64::from(columns)) as u16)
    }
}

/// The lowest and the highest value of each of `n` columns. A probe that is asked more rarely than there are
/// columns has its values held for as long as its interval, not longer.
fn values(probe: &Status, span: Span, n: u16) -> Vec<Option<(f64, f64)>> {
    let most = span.seconds() / (probe.interval_s.max(0.001) * SLACK);
    let slices = (most as usize).clamp(1, usize::from(n).max(1));
    let start = probe.history.partition_point(|(at, _)| *at < span.from);
    let found = buckets(probe.history.range(start..), span.from, span.to, slices);
    let slice = |column: usize| column * slices / usize::from(n);
    (0..usize::from(n))
        .map(|column| {
            let range = found[slice(column)]?;
            // A step up or down is drawn once, not as wide as the slice.
            let held = column > 0 && slice(column - 1) == slice(column);
            Some(if held { (worse(probe, range), worse(probe, range)) } else { range })
        })
        .collect()
}

/// Lowest and highest value of a picture: zero is in it, and the limit if it is not far off.
fn bounds(values: &[Option<(f64, f64)>], threshold: Option<f64>) -> (f64, f64) {
    let seen = values.iter().flatten();
    let low = seen.clone().fold(0.0_f64, |low, (lowest, _)| low.min(*lowest));
    let mut high = seen.fold(0.0_f64, |high, (_, highest)| high.max(*highest));
    if let Some(limit) = threshold.filter(|limit| limit.is_finite()) {
        high = high.max(limit.min(high * 2.0 + f64::from(u8::from(high == 0.0)) * limit));
    }
    // Bounds that are equal have no picture between them.
    if (high - low).abs() < f64::EPSILON { (low, low + 1.0) } else { (low, high) }
}

/// Of the lowest and the highest value of a column the one that is nearer to harm.
fn worse(probe: &Status, (low, high): (f64, f64)) -> f64 {
    let limit = probe.limit.as_deref().map(str::trim_start);
    if limit.is_some_and(|limit| limit.starts_with('<')) { low } else { high }
}

/// Whether a value is beyond the limit, which is written `> 5` or `< 5`.
pub(super) fn beyond(probe: &Status, value: f64) -> bool {
    let Some(threshold) = probe.threshold else { return false };
    match probe.limit.as_deref().map(str::trim_start) {
        Some(limit) if limit.starts_with('<') => value < threshold,
        Some(limit) if limit.starts_with(">=") => value >= threshold,
        Some(limit) if limit.starts_with('>') => value > threshold,
        _ => false,
    }
}

/// Draws a sparkline in so many columns.
pub(super) fn spark(ui: Ui<'_>, pen: &mut Pen<'_>, probe: &Status, span: Span, columns: u16) {
    let columns = columns.min(pen.room());
    let values = values(probe, span, columns);
    let (low, high) = bounds(&values, probe.threshold);
    let (plain, over) = (ui.of(Role::Spark), ui.of(Role::Bad));
    for value in values {
        match value {
            None => {
                pen.gap(1);
            }
            Some(range) => {
                let value = worse(probe, range);
                let level = ((value - low) / (high - low) * 6.99).clamp(0.0, 6.0) as usize;
                pen.raw(BARS[level], if beyond(probe, value) { over } else { plain });
            }
        }
    }
}

/// Draws the times below sparklines, and the deploys among them if there is room; returns the
/// lines taken.
pub(super) fn axis(ui: Ui<'_>, buf: &mut Buffer, area: Rect, span: Span, environment: &str) -> u16 {
    if area.width < 16 || area.height == 0 {
        return 0;
    }
    times(ui, buf, area, span);
    let marks = below(area, 1);
    if marks.height > 0 && deploys(ui, buf, marks, span, environment) { 2 } else { 1 }
}

/// Times below a picture: at most one for every fourteen columns, aligned with what they name.
fn times(ui: Ui<'_>, buf: &mut Buffer, area: Rect, span: Span) {
    let style = ui.of(Role::ChartAxis);
    let steps = (area.width / 14).clamp(1, 8);
    let mut free = area.x;
    for step in 0..=steps {
        let at = span
            .from
            .checked_add(SignedDuration::from_secs_f64(span.seconds() * f64::from(step) / f64::from(steps)));
        let Ok(at) = at else { return };
        let text = if span.seconds() < 600.0 { ui.clock(at) } else { ui.minute(at) };
        let columns = width(&text);
        let centre = area.x + (u32::from(area.width) * u32::from(step) / u32::from(steps)) as u16;
        let x = centre.saturating_sub(columns / 2).max(area.x).min(area.right().saturating_sub(columns));
        if x >= free && x + columns <= area.right() {
            Pen::new(buf, Rect { x, width: columns, ..area }, 0).put(&text, style);
            free = x + columns + 2;
        }
    }
}

/// What was changed in an environment in a window, and when: deploys, rollbacks, flags.
fn started<'a>(
    ui: Ui<'a>,
    span: Span,
    columns: u16,
    environment: &'a str,
) -> impl Iterator<Item = (u16, String)> + use<'a> {
    let plans = ui.model.incident().map_or(&[][..], |state| state.plans.as_slice());
    plans.iter().filter_map(move |plan| {
        let here = environment.is_empty() || plan.target == environment;
        let text = match plan.purpose.as_str() {
            "deploy" | "rollback" if here => format!("{} {}", plan.purpose, plan.target),
            // `turn loyalty off`
            "flag" => plan.title.strip_prefix("turn ").unwrap_or(&plan.title).to_owned(),
            _ => return None,
        };
        Some((span.column(plan.started_at, columns)?, text))
    })
}

/// Marks the deploys of a window; false if there were none.
fn deploys(ui: Ui<'_>, buf: &mut Buffer, area: Rect, span: Span, environment: &str) -> bool {
    let mut free = area.x;
    let mut any = false;
    for (column, what) in started(ui, span, area.width, environment) {
        any = true;
        let text = format!("▲ {what}");
        let (x, columns) = (area.x + column, width(&text));
        if x + columns <= area.right() && x >= free {
            Pen::new(buf, Rect { x, width: columns, ..area }, 0).put(&text, ui.of(Role::ChartMark));
            free = x + columns + 1;
        } else if x + 1 >= columns + free && x < area.right() {
            // At the right edge the words go before the mark.
            let text = format!("{what} ▲");
            let place = Rect { x: x + 1 - columns, width: columns, ..area };
            Pen::new(buf, place, 0).put(&text, ui.of(Role::ChartMark));
            free = x + 2;
        } else if x >= free && x < area.right() {
            put_cell(buf, x, area.y, "▲", 1, ui.of(Role::ChartMark));
            free = x + 1;
        }
    }
    any
}

/// Draws a chart: axis, limit, line with gaps, deploys.
///
/// ```text
///   500 ┤          ⢀⡠⠤⠒
///   250 ┤╌╌╌╌╌╌╌╌⡠⠊╌╌╌╌╌ > 250
///     0 ┤⣀⣀⣀⣀⡠⠔⠁
///        14:00      14:15
///                 ▲ deploy staging
/// ```
pub(super) fn draw(ui: Ui<'_>, buf: &mut Buffer, area: Rect, probe: &Status, usual: Option<f64>) {
    if area.width < LABELS + 12 || area.height < 5 {
        return;
    }
    let plot = Rect { x: area.x + LABELS, width: area.width - LABELS, height: area.height - 2, ..area };
    let first = probe.history.front().map(|(at, _)| *at);
    let span = Span::ending(ui.model.now, first, probe.interval_s * YOUNGEST, plot.width);
    let values = values(probe, span, plot.width * 2);
    let scale = Scale::nice(bounds(&values, probe.threshold), plot.height);
    value_axis(ui, buf, area, plot, &scale, &probe.unit);
    for (column, _) in started(ui, span, plot.width, &probe.environment) {
        for line in 0..plot.height {
            put_cell(buf, plot.x + column, plot.y + line, "┊", 1, ui.of(Role::ChartMark));
        }
    }
    let lines = [
        (usual, usual.map(|usual| format!(" usual {}", number(usual))), "┈", Role::ChartAxis),
        (probe.threshold, Some(format!(" {}", probe.range)), "╌", Role::ChartLimit),
    ];
    let line = |at: f64| plot.height - 1 - scale.dot(at, plot.height * 4) / 4;
    let known = |at: Option<f64>| at.filter(|at| (scale.low..=scale.high).contains(at));
    for (at, _, sign, role) in &lines {
        if let Some(at) = known(*at) {
            Pen::new(buf, plot, line(at)).fill(sign, ui.of(*role));
        }
    }
    curve(ui, buf, plot, &scale, probe, &values);
    // What a line is stands on top: the last one where two are the same.
    for (at, text, _, role) in &lines {
        if let (Some(at), Some(text)) = (known(*at), text.as_deref().filter(|text| *text != " ")) {
            Pen::new(buf, plot, line(at)).right(text, ui.of(*role));
        }
    }
    times(ui, buf, row(below(Rect { x: plot.x, width: plot.width, ..area }, plot.height), 0), span);
    deploys(
        ui,
        buf,
        row(below(Rect { x: plot.x, width: plot.width, ..area }, plot.height + 1), 0),
        span,
        &probe.environment,
    );
    if values.iter().all(Option::is_none) {
        let text = "no data in this time range";
        let x = plot.x + plot.width.saturating_sub(width(text)) / 2;
        let place = Rect { x, width: plot.right() - x, ..plot };
        Pen::new(buf, place, plot.height / 2).put(text, ui.of(Role::Unknown));
    }
}

/// The scale of the value axis.
struct Scale {
    low: f64,
    high: f64,
    step: f64,
}

impl Scale {
    /// A scale whose marks are round numbers, about one every three lines.
    fn nice((low, high): (f64, f64), lines: u16) -> Self {
        let marks = f64::from((lines / 3).clamp(2, 6));
        let rough = ((high - low) / marks).max(f64::MIN_POSITIVE);
        let power = 10_f64.powf(rough.log10().floor());
        let step = [1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 10.0]
            .into_iter()
            .map(|factor| factor * power)
            .find(|step| *step >= rough)
            .unwrap_or(rough);
        Self { low: (low / step).floor() * step, high: (high / step).ceil() * step, step }
    }

    /// How far up a value is, in dots of so many.
    fn dot(&self, value: f64, dots: u16) -> u16 {
        let part = ((value - self.low) / (self.high - self.low)).clamp(0.0, 1.0);
        (part * f64::from(dots.saturating_sub(1))).round() as u16
    }
}

fn value_axis(ui: Ui<'_>, buf: &mut Buffer, area: Rect, plot: Rect, scale: &Scale, unit: &str) {
    let style = ui.of(Role::ChartAxis);
    for line in 0..plot.height {
        put_cell(buf, plot.x - 1, plot.y + line, "│", 1, ui.of(Role::Border));
    }
    let mut mark = scale.low;
    // A scale has few marks; the bound is for numbers so large that a step adds nothing.
    for _ in 0..16 {
        if mark > scale.high + scale.step / 2.0 {
            break;
        }
        let line = plot.height - 1 - scale.dot(mark, plot.height * 4) / 4;
        let text = if mark + scale.step > scale.high + scale.step / 2.0 && !unit.is_empty() {
            format!("{} {unit}", number(mark))
        } else {
            number(mark)
        };
        let labels = Rect { width: LABELS - 1, ..area };
        Pen::new(buf, labels, line).column_right(&text, LABELS - 2, style);
        put_cell(buf, plot.x - 1, plot.y + line, "┤", 1, ui.of(Role::Border));
        mark += scale.step;
    }
}

/// Draws the values as a line of dots, four to a cell's height and two to its width.
fn curve(
    ui: Ui<'_>,
    buf: &mut Buffer,
    plot: Rect,
    scale: &Scale,
    probe: &Status,
    values: &[Option<(f64, f64)>],
) {
    let dots = plot.height * 4;
    for column in 0..plot.width {
        let mut cells = vec![0_u8; usize::from(plot.height)];
        let mut over = false;
        for half in 0..2 {
            let index = usize::from(column * 2 + half);
            let Some(range) = values.get(index).copied().flatten() else { continue };
            over |= beyond(probe, worse(probe, range));
            let (mut low, mut high) = (scale.dot(range.0, dots), scale.dot(range.1, dots));
            // Joined with its neighbour, if that is there: a step is a line, a gap is not.
            if let Some(before) =
                index.checked_sub(1).and_then(|before| values.get(before).copied().flatten())
            {
                let (below, above) = (scale.dot(before.0, dots), scale.dot(before.1, dots));
                low = low.min(above.saturating_add(1));
                high = high.max(below.saturating_sub(1));
            }
            for dot in low..=high {
                let cell = usize::from((dots - 1 - dot) / 4);
                cells[cell] |= braille(half, (dots - 1 - dot) % 4);
            }
        }
        let style = ui.of(if over { Role::Bad } else { Role::ChartLine });
        for (line, bits) in cells.into_iter().enumerate().filter(|(_, bits)| *bits != 0) {
            let symbol = char::from_u32(0x2800 + u32::from(bits)).unwrap_or(' ');
            put_cell(buf, plot.x + column, plot.y + line as u16, symbol.encode_utf8(&mut [0; 4]), 1, style);
        }
    }
}

/// The bit of a dot in a braille pattern, by its half and its line from the top.
fn braille(half: u16, line: u16) -> u8 {
    const BITS: [[u8; 4]; 2] = [[0x01, 0x02, 0x04, 0x40], [0x08, 0x10, 0x20, 0x80]];
    BITS[usize::from(half.min(1))][usize::from(line.min(3))]
}

/// A number as people read it: three digits that matter, none after a comma that are zero.
pub(super) fn number(value: f64) -> String {
    let size = value.abs();
    let (value, unit) = match size {
        s if s >= 1e12 => return format!("{value:.1e}"),
        s if s >= 1e9 => (value / 1e9, "G"),
        s if s >= 1e6 => (value / 1e6, "M"),
        s if s >= 1e4 => (value / 1e3, "k"),
        _ => (value, ""),
    };
    let text = match value.abs() {
        v if v >= 100.0 || v == 0.0 => format!("{value:.0}"),
        v if v >= 10.0 => format!("{value:.1}"),
        v if v >= 0.01 => format!("{value:.2}"),
        _ => return format!("{value:.0e}"),
    };
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    format!("{text}{unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_700_000_000 + second).unwrap()
    }

    fn probe(values: &[(i64, Option<f64>)], interval_s: f64) -> Status {
        Status {
            name: "p".into(),
            environment: String::new(),
            state: crate::health::series::State::Ok,
            since: None,
            last: None,
            unit: String::new(),
            limit: Some("> 5".into()),
            range: "max 5".into(),
            threshold: Some(5.0),
            interval_s,
            history: values.iter().map(|(second, value)| (at(*second), *value)).collect(),
        }
    }

    #[test]
    fn a_gap_stays_a_gap_and_zero_is_a_value() {
        let span = Span { from: at(0), to: at(40) };
        let probe = probe(&[(1, Some(0.0)), (11, None), (31, Some(8.0))], 1.0);
        assert_eq!(values(&probe, span, 4), [Some((0.0, 0.0)), None, None, Some((8.0, 8.0))]);
    }

    #[test]
    fn a_slow_probe_fills_the_columns_of_its_interval() {
        let span = Span { from: at(0), to: at(60) };
        let probe = probe(&[(5, Some(1.0)), (25, Some(2.0)), (45, Some(3.0))], 20.0);
        let found = [Some((1.0, 2.0)), Some((2.0, 2.0)), Some((3.0, 3.0)), Some((3.0, 3.0))];
        assert_eq!(values(&probe, span, 4), found);
    }

    #[test]
    fn bounds_are_never_equal_and_far_limits_do_not_flatten_the_line() {
        assert_eq!(bounds(&[], None), (0.0, 1.0));
        assert_eq!(bounds(&[Some((0.0, 0.0))], None), (0.0, 1.0));
        assert_eq!(bounds(&[Some((1.0, 4.0))], Some(5.0)), (0.0, 5.0));
        assert_eq!(bounds(&[Some((1.0, 4.0))], Some(500.0)), (0.0, 8.0));
        assert_eq!(bounds(&[Some((-2.0, -1.0))], None), (-2.0, 0.0));
    }

    #[test]
    fn limits_bind_on_the_side_they_are_written_for() {
        let mut low = probe(&[], 1.0);
        assert!(beyond(&low, 5.1) && !beyond(&low, 5.0));
        low.limit = Some("< 5".into());
        assert!(beyond(&low, 4.0) && !beyond(&low, 5.0));
        low.threshold = None;
        assert!(!beyond(&low, 4.0));
    }

    #[test]
    fn numbers_are_short() {
        for (value, text) in [
            (0.0, "0"),
            (38.1, "38.1"),
            (212.4, "212"),
            (0.3, "0.3"),
            (5.0, "5"),
            (12_345.0, "12.3k"),
            (2_000_000.0, "2M"),
            (-41.0, "-41"),
            (0.001_2, "1e-3"),
        ] {
            assert_eq!(number(value), text);
        }
    }

    #[test]
    fn a_scale_has_round_marks_around_the_values() {
        let scale = Scale::nice((0.0, 38.1), 12);
        assert!((scale.step - 10.0).abs() < 1e-9 && (scale.high - 40.0).abs() < 1e-9);
        assert_eq!(scale.dot(0.0, 48), 0);
        assert_eq!(scale.dot(40.0, 48), 47);
        assert_eq!(scale.dot(f64::MAX, 48), 47);
    }

    #[test]
    fn the_window_moves_by_whole_columns() {
        let a = Span::ending(at(1000), Some(at(0)), 0.0, 30);
        let b = Span::ending(at(1001), Some(at(0)), 0.0, 30);
        assert!(a == b || b.from.duration_since(a.from).as_secs() == 60);
        assert!(a.to > at(1000));
    }
}
