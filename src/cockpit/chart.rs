//! What is chosen about the chart of a probe: a moment that is looked at, how much time it spans, the scale, and a
//! second probe.

use jiff::Timestamp;

use super::model::{Model, Pane};
use crate::health::columns::{self, Grid};
use crate::health::series::Status;

/// The most time a chart spans, in seconds.
const MOST: f64 = 86_400.0;
/// Probe intervals that a chart spans at least: a few samples do not fill a corner of it.
const LEAST: f64 = 12.0;
/// How much time a chart can be told to span, in seconds.
const SPANS: [i64; 7] = [600, 1800, 3600, 7200, 21_600, 43_200, 86_400];
/// What is less than this part off is the same.
const SAME: f64 = 0.05;

/// What is chosen about the chart.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Chart {
    /// Columns it had in the last frame; 0 where none was drawn.
    pub columns: u16,
    /// The moment that is looked at, while the chart stands still; `None`: it follows the time.
    pub still: Option<Still>,
    /// How many seconds it spans, if there are as many; `None`: all that is recent.
    pub span: Option<i64>,
    /// Whether the scale goes by orders of magnitude.
    pub is_log: bool,
    /// Name of the probe that is drawn over the first.
    pub second: Option<String>,
    /// Whether the zoomed pane shows one probe, with all that is known of it.
    pub alone: bool,
}

/// A chart that stands still, and the moment in it that is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Still {
    /// Its columns.
    pub grid: Grid,
    /// When the column of the cursor begins.
    pub at: Timestamp,
}

impl Chart {
    /// Moves the cursor by a column. The first move to the left begins at the end, where the chart stands
    /// from then on; what goes past its end follows the time again. Past its beginning there is as much as there is
    /// since `first`.
    pub fn step(&mut self, by: i64, following: Grid, first: Timestamp) {
        let still = self.still.map(|still| Still { grid: still.grid.fitted(self.columns), ..still });
        let (grid, here) = match still {
            Some(still) => {
                let last = still.grid.columns().saturating_sub(1);
                let place = still.grid.column(still.at);
                (still.grid, place.unwrap_or(if still.at < still.grid.from() { 0 } else { last }))
            }
            None if by < 0 => (following, following.columns().saturating_sub(1)),
            None => return,
        };
        let there = i64::from(here) + by;
        let last = i64::from(grid.columns()) - 1;
        // What came since it stands still is moved into, until it is now.
        let grid = if there > last {
            grid.later(there - last)
        } else if there < 0 && grid.from() > first {
            grid.later(there)
        } else {
            grid
        };
        if grid.to() > following.to() {
            self.still = None;
            return;
        }
        let column = u16::try_from(there.clamp(0, last)).unwrap_or_default();
        self.still = Some(Still { grid, at: grid.start(column) });
    }

    /// Has the chart span so many seconds; `following` has the columns of that up to now. The moment that is
    /// looked at stays.
    pub fn spread(&mut self, span: i64, following: Grid) {
        self.span = Some(span);
        if let Some(still) = &mut self.still {
            still.grid = following.around(still.at);
        }
    }
}

impl Model {
    /// The columns of the chart of a probe, in so much room.
    pub fn chart_grid(&self, probe: &Status, columns: u16) -> Grid {
        match self.chart.still {
            Some(still) => still.grid.fitted(columns),
            None => following(probe, self.now, columns, self.chart.span),
        }
    }

    /// Whether the screen shows one probe, with all that is known of it.
    pub fn shows_one_probe(&self) -> bool {
        self.zoom && self.focus == Pane::Health && self.chart.alone
    }

    /// The probe whose chart is drawn while the health pane has the focus.
    pub fn charted(&self) -> Option<&Status> {
        self.health_rows().nth(self.view(Pane::Health).cursor.unwrap_or(0))
    }

    /// The probe that is drawn over another.
    pub fn charted_over(&self, first: &Status) -> Option<&Status> {
        let name = self.chart.second.as_ref().filter(|name| **name != first.name)?;
        self.probes.iter().map(|probe| &**probe).find(|probe| probe.name == *name)
    }

    /// Whether there is more of the probe under the cursor than its chart shows.
    pub fn can_be_wider(&self) -> bool {
        self.charted().is_some_and(|probe| wider(probe, self.now, self.chart.span).is_ok())
    }

    /// Whether the scale of a probe can go by orders of magnitude.
    pub fn can_be_log(&self, probe: &Status) -> bool {
        let grid = self.chart_grid(probe, self.chart.columns);
        columns::orders(&columns::columns(probe, grid)).is_some()
    }
}

/// The columns that show so many seconds of a probe up to now, or all there is; without a number of them all that is
/// recent.
pub(super) fn following(probe: &Status, now: Timestamp, room: u16, span: Option<i64>) -> Grid {
    let there = columns::reach(probe, now);
    match span {
        Some(span) if there >= span as f64 * (1.0 - SAME) => Grid::spanning(now, span, room),
        _ => {
            let wanted = if span.is_some() { there } else { columns::seen(probe, now) };
            Grid::ending(now, wanted.max(probe.interval_s * LEAST).min(MOST), room)
        }
    }
}

/// How many seconds of a probe are shown.
fn shown(probe: &Status, now: Timestamp, span: Option<i64>) -> f64 {
    let seen = columns::seen(probe, now);
    span.map_or(seen, |span| (span as f64).min(columns::reach(probe, now))).min(MOST)
}

/// The next shorter time that the chart of a probe can span; else why there is none.
pub(super) fn closer(probe: &Status, now: Timestamp, span: Option<i64>) -> Result<i64, String> {
    let shown = shown(probe, now, span) * (1.0 - SAME);
    let all = SPANS.into_iter().rev().filter(|span| *span as f64 >= probe.interval_s * LEAST);
    all.into_iter().find(|span| (*span as f64) < shown).ok_or_else(|| match columns::reach(probe, now) {
        there if there * (1.0 - SAME) <= SPANS[0] as f64 => {
            format!("there are only {} of it", length(there, &LONG))
        }
        _ => "that is as close as the chart gets".to_owned(),
    })
}

/// The next longer time that the chart of a probe can span; else why there is none.
pub(super) fn wider(probe: &Status, now: Timestamp, span: Option<i64>) -> Result<i64, String> {
    let (shown, there) = (shown(probe, now, span), columns::reach(probe, now));
    if shown >= there * (1.0 - SAME) {
        let only = if there < MOST { "only " } else { "" };
        return Err(format!("there are {only}{} of it", length(there, &LONG)));
    }
    let longer = SPANS.into_iter().find(|span| *span as f64 > shown * (1.0 + SAME));
    longer.ok_or_else(|| "that is as much as the chart shows".to_owned())
}

/// Units of a length in a sentence.
const LONG: [&str; 3] = ["seconds", "minutes", "hours"];

/// `10 min`, `24 h`: how much time columns span, in a word or two.
pub fn span_words(grid: Grid) -> String {
    length(grid.seconds(), &["s", "min", "h"])
}

fn length(seconds: f64, units: &[&str; 3]) -> String {
    // What is rounded up to whole columns is called what it was meant to be.
    let is_near = |span: &i64| (0.99..1.0 + SAME).contains(&(seconds / *span as f64));
    let seconds = SPANS.into_iter().find(is_near).unwrap_or(seconds.round() as i64);
    match seconds {
        ..120 => format!("{seconds} {}", units[0]),
        3600 => format!("1 {}", units[2].trim_end_matches('s')),
        120..7140 => format!("{} {}", (seconds + 30) / 60, units[1]),
        _ => {
            let tenths = (seconds + 180) / 360;
            let part = if tenths % 10 == 0 { String::new() } else { format!(".{}", tenths % 10) };
            format!("{}{part} {}", tenths / 10, units[2])
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::health::stretches::Seen;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_700_006_400 + second).unwrap()
    }

    #[test]
    fn the_cursor_begins_at_the_end_stands_still_and_is_left_at_the_end() {
        let grid = |now| Grid::ending(at(now), 100.0, 100);
        let mut chart = Chart { columns: 100, ..Chart::default() };
        let first = at(-99);
        chart.step(1, grid(0), first);
        assert_eq!(chart.still, None);
        chart.step(-1, grid(0), first);
        chart.step(-1, grid(0), first);
        let still = chart.still.unwrap();
        assert_eq!((still.at, still.grid), (at(-2), grid(0)));
        // Time passes; the columns do not.
        chart.step(-1000, grid(50), first);
        assert_eq!(chart.still.map(|still| (still.at, still.grid)), Some((at(-99), grid(0))));
        chart.step(99, grid(50), first);
        assert_eq!(chart.still.map(|still| still.at), Some(at(0)));
        chart.step(1, grid(50), first);
        assert_eq!(chart.still.map(|still| (still.at, still.grid)), Some((at(1), grid(1))));
        chart.step(50, grid(50), first);
        assert_eq!(chart.still, None);
    }

    #[test]
    fn the_cursor_stays_at_its_moment_when_the_room_changes() {
        let mut chart = Chart { columns: 100, ..Chart::default() };
        let grid = |columns| Grid::ending(at(0), 100.0, columns);
        chart.step(-50, grid(100), at(-99));
        chart.columns = 50;
        chart.step(-1, grid(50), at(-99));
        assert_eq!(chart.still.map(|still| still.at), Some(at(-52)));
    }

    #[test]
    fn the_cursor_goes_on_before_the_first_column_as_far_as_anything_is_known() {
        let grid = Grid::spanning(at(0), 100, 100);
        let mut chart = Chart { columns: 100, ..Chart::default() };
        chart.step(-101, grid, at(-103));
        assert_eq!(chart.still.map(|still| (still.at, still.grid.from())), Some((at(-101), at(-101))));
        for _ in 0..9 {
            chart.step(-1, grid, at(-103));
        }
        assert_eq!(chart.still.map(|still| still.at), Some(at(-103)));
        chart.step(1, grid, at(-103));
        assert_eq!(chart.still.map(|still| (still.at, still.grid.from())), Some((at(-102), at(-103))));
    }

    #[test]
    fn the_moment_that_is_looked_at_stays_when_the_span_changes() {
        let mut chart = Chart { columns: 100, ..Chart::default() };
        chart.step(-60, Grid::spanning(at(0), 10_000, 100), at(-9999));
        let still = chart.still.unwrap();
        let closer = Grid::spanning(at(0), 1000, 100);
        chart.spread(1000, closer);
        assert_eq!(
            (chart.still.unwrap().at, chart.still.unwrap().grid.column(still.at)),
            (still.at, Some(50))
        );
        chart.spread(10_000, Grid::spanning(at(0), 10_000, 100));
        assert_eq!(chart.still, Some(still));
    }

    #[test]
    fn spans_are_those_that_are_there() {
        let probe = |seconds: i64| Status {
            interval_s: 10.0,
            history: (0..=seconds / 10).map(|n| (at(10 * n - seconds), Some(1.0))).collect(),
            ..Status::default()
        };
        let widest = |probe: &Status, mut span: Option<i64>| loop {
            match wider(probe, at(0), span) {
                Ok(next) => span = Some(next),
                Err(why) => return (span, why),
            }
        };
        let young = probe(300);
        assert_eq!(closer(&young, at(0), None).unwrap_err(), "there are only 5 minutes of it");
        assert_eq!(widest(&young, None).1, "there are only 5 minutes of it");
        let some = probe(2400);
        assert_eq!(closer(&some, at(0), None), Ok(1800));
        assert_eq!(closer(&some, at(0), Some(1800)), Ok(600));
        assert_eq!(closer(&some, at(0), Some(600)).unwrap_err(), "that is as close as the chart gets");
        assert_eq!(widest(&some, Some(600)), (Some(3600), "there are only 40 minutes of it".to_owned()));
        let mut all = probe(7190);
        all.past.fold((0..1440).map(|n| Seen::sample(at(60 * n - 86_400), Some(1.0))), at(0));
        assert_eq!(wider(&all, at(0), None), Ok(21_600));
        assert_eq!(widest(&all, Some(7200)), (Some(86_400), "there are 24 hours of it".to_owned()));
        assert_eq!(closer(&all, at(0), Some(86_400)), Ok(43_200));
        // Of a probe that is asked every minute ten of them are no chart.
        let slow = Status { interval_s: 60.0, ..some };
        assert!(closer(&slow, at(0), Some(1800)).is_err());
    }

    #[test]
    fn a_span_is_called_what_was_chosen_whatever_the_room() {
        for columns in [37, 108, 139, 200] {
            let of = |span| span_words(Grid::spanning(at(0), span, columns));
            assert_eq!(SPANS.map(of), ["10 min", "30 min", "1 h", "2 h", "6 h", "12 h", "24 h"]);
        }
        assert_eq!(span_words(Grid::spanning(at(0), 2400, 100)), "40 min");
        assert_eq!(span_words(Grid::spanning(at(0), 50, 100)), "50 s");
    }
}
