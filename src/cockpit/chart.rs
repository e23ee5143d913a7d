//! What is chosen about the chart of a probe: a moment that is looked at, the scale, and a second probe.

use jiff::Timestamp;

use super::model::{Model, Pane};
use crate::health::columns::{self, Grid};
use crate::health::series::Status;

/// The most time a chart spans, in seconds.
const MOST: f64 = 86_400.0;
/// Probe intervals that a chart spans at least: a few samples do not fill a corner of it.
const LEAST: f64 = 12.0;

/// What is chosen about the chart.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Chart {
    /// Columns it had in the last frame; 0 where none was drawn.
    pub columns: u16,
    /// The moment that is looked at, while the chart stands still; `None`: it follows the time.
    pub still: Option<Still>,
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
    /// from then on; what goes past its end follows the time again.
    pub fn step(&mut self, by: i64, following: Grid) {
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
        let grid = if there > last { grid.later(there - last) } else { grid };
        if grid.to() > following.to() {
            self.still = None;
            return;
        }
        let column = u16::try_from(there.clamp(0, last)).unwrap_or_default();
        self.still = Some(Still { grid, at: grid.start(column) });
    }
}

impl Model {
    /// The columns of the chart of a probe, in so much room.
    pub fn chart_grid(&self, probe: &Status, columns: u16) -> Grid {
        match self.chart.still {
            Some(still) => still.grid.fitted(columns),
            None => following(probe, self.now, columns),
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

    /// Whether the scale of a probe can go by orders of magnitude.
    pub fn can_be_log(&self, probe: &Status) -> bool {
        let grid = self.chart_grid(probe, self.chart.columns);
        columns::orders(&columns::columns(probe, grid)).is_some()
    }
}

/// The columns that show all there is of a probe up to now.
pub(super) fn following(probe: &Status, now: Timestamp, room: u16) -> Grid {
    let wanted = columns::seen(probe, now).max(probe.interval_s * LEAST);
    Grid::ending(now, wanted.min(MOST), room)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_700_006_400 + second).unwrap()
    }

    #[test]
    fn the_cursor_begins_at_the_end_stands_still_and_is_left_at_the_end() {
        let grid = |now| Grid::ending(at(now), 100.0, 100);
        let mut chart = Chart { columns: 100, ..Chart::default() };
        chart.step(1, grid(0));
        assert_eq!(chart.still, None);
        chart.step(-1, grid(0));
        chart.step(-1, grid(0));
        let still = chart.still.unwrap();
        assert_eq!((still.at, still.grid), (at(-2), grid(0)));
        // Time passes; the columns do not.
        chart.step(-1000, grid(50));
        assert_eq!(chart.still.map(|still| (still.at, still.grid)), Some((at(-99), grid(0))));
        chart.step(99, grid(50));
        assert_eq!(chart.still.map(|still| still.at), Some(at(0)));
        chart.step(1, grid(50));
        assert_eq!(chart.still.map(|still| (still.at, still.grid)), Some((at(1), grid(1))));
        chart.step(50, grid(50));
        assert_eq!(chart.still, None);
    }

    #[test]
    fn the_cursor_stays_at_its_moment_when_the_room_changes() {
        let mut chart = Chart { columns: 100, ..Chart::default() };
        let grid = |columns| Grid::ending(at(0), 100.0, columns);
        chart.step(-50, grid(100));
        chart.columns = 50;
        chart.step(-1, grid(50));
        assert_eq!(chart.still.map(|still| still.at), Some(at(-52)));
    }
}
