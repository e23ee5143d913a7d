//! The line of a chart, in the finest characters there are: dots, half blocks, or plain ASCII.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::super::paint::put_cell;
use super::super::super::theme::Role;
use super::super::super::ui::Ui;
use super::scale::{Place, Scale};
use crate::cockpit::model::Glyphs;
use crate::health::columns::Columns;
use crate::health::series::Status;

/// What the second probe is drawn with.
pub(super) const SECOND: &str = "∙";

/// How fine a cell is divided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Dots {
    /// Columns of values in a cell.
    pub(super) across: u16,
    /// Dots above each other in a cell.
    pub(super) up: u16,
}

impl Dots {
    /// As fine as the characters allow.
    pub(super) fn of(ui: Ui<'_>) -> Self {
        match ui.model.looks.glyphs {
            Glyphs::Unicode => Self { across: 2, up: 4 },
            Glyphs::Blocks => Self { across: 1, up: 2 },
            Glyphs::Ascii => Self { across: 1, up: 1 },
        }
    }

    /// What stands for the line where it is named.
    pub(super) fn sign(self) -> &'static str {
        match self.up {
            4 => "⠒",
            2 => "▀",
            _ => "*",
        }
    }

    /// The character of a cell with these dots, the upper ones first, and those of the second column behind.
    fn symbol(self, bits: u8) -> char {
        match (self.up, bits) {
            (4, _) => braille(bits),
            (2, 0b01) => '▀',
            (2, 0b10) => '▄',
            (2, _) => '█',
            _ => '*',
        }
    }
}

/// The braille pattern of eight dots: four of the left column from the top, then four of the right.
fn braille(bits: u8) -> char {
    const BITS: [u32; 8] = [0x01, 0x02, 0x04, 0x40, 0x08, 0x10, 0x20, 0x80];
    let pattern =
        BITS.iter().enumerate().filter(|(bit, _)| bits & (1 << bit) != 0).map(|(_, dot)| dot).sum::<u32>();
    char::from_u32(0x2800 + pattern).unwrap_or(' ')
}

/// Draws the values as a line. What is beyond the scale is left to the marks at its edge.
pub(super) fn draw(
    ui: Ui<'_>,
    buf: &mut Buffer,
    plot: Rect,
    scale: &Scale,
    probe: &Status,
    found: &Columns,
    dots: Dots,
) {
    let all = plot.height * dots.up;
    let up = |value: f64| scale.dot(value, all);
    let (line, over) = (ui.of(Role::ChartLine), ui.of(Role::Bad));
    let edge = probe.edge();
    let beyond: Vec<bool> = (0..plot.height).map(|y| beyond(probe, scale, all, dots.up, y)).collect();
    let is_beyond = |y: usize| beyond.get(y).is_some_and(|beyond| *beyond);
    let mut cells = vec![0_u8; usize::from(plot.height)];
    let mut before: Option<(u16, u16)> = None;
    for (column, values) in found.all.chunks(usize::from(dots.across)).enumerate() {
        cells.fill(0);
        let (mut is_over, mut drawn) = (false, (all, 0));
        for (half, value) in values.iter().enumerate() {
            let Some(range) = value.range else {
                before = None;
                continue;
            };
            is_over |= edge.is_beyond(edge.worse(range));
            let here = (up(range.0), up(range.1));
            let (mut low, mut high) = here;
            // Joined with its neighbour, if that is there: a step is a line, a gap is not.
            if let Some((below, above)) = before {
                low = low.min(above.saturating_add(1));
                high = high.max(below.saturating_sub(1));
            }
            before = Some(here);
            // All of it is beyond: the mark at the edge says so.
            let is_off = scale.place(range.0) == Place::Above || scale.place(range.1) == Place::Below;
            if is_off && low == high {
                continue;
            }
            drawn = (drawn.0.min(low), drawn.1.max(high));
            let (top, bottom) = (all - 1 - high, all - 1 - low);
            for line in top / dots.up..=bottom / dots.up {
                let start = line * dots.up;
                let (first, last) = (top.max(start) - start, bottom.min(start + dots.up - 1) - start);
                let bits = (1_u8 << (last - first + 1)) - 1;
                cells[usize::from(line)] |= bits << (first + half as u16 * dots.up);
            }
        }
        // By less than can be seen: then all of the column says so.
        let is_seen = is_over && cells.iter().enumerate().any(|(y, bits)| *bits != 0 && is_beyond(y));
        for (y, bits) in cells.iter().enumerate().filter(|(_, bits)| **bits != 0) {
            let symbol = dots.symbol(*bits);
            // Between its ends a step is a line in plain characters, too.
            let dot = all - 1 - y as u16;
            let is_step = dots.up == 1 && drawn.0 < dot && dot < drawn.1;
            let symbol = if is_step { '|' } else { symbol };
            let style = if is_beyond(y) || is_over && !is_seen { over } else { line };
            put_cell(
                buf,
                plot.x + column as u16,
                plot.y + y as u16,
                symbol.encode_utf8(&mut [0; 4]),
                1,
                style,
            );
        }
    }
}

/// Whether all dots of a line of cells, counted from the top, are beyond the limit: what shares a cell with it
/// may keep to it.
fn beyond(probe: &Status, scale: &Scale, all: u16, up: u16, line: u16) -> bool {
    let Some(threshold) = probe.threshold.filter(|_| probe.limit.is_some()) else { return false };
    let limit = scale.dot(threshold, all);
    let top = all - 1 - line * up;
    if probe.is_beyond(f64::NEG_INFINITY) {
        top < limit
    } else {
        top + 1 - up > limit && probe.is_beyond(f64::INFINITY)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dots_lie_where_braille_has_them() {
        assert_eq!(braille(0b0000_0001), '⠁');
        assert_eq!(braille(0b0000_1000), '⡀');
        assert_eq!(braille(0b0001_0000), '⠈');
        assert_eq!(braille(0b1111_1111), '⣿');
    }
    #[test]
    fn what_is_beyond_the_limit_is_told_by_line() {
        let probe =
            |limit: &str| Status { limit: Some(limit.into()), threshold: Some(50.0), ..Status::default() };
        let scale = Scale::nice((0.0, 100.0), 12);
        let lines = |probe: &Status| (0..12).filter(|line| beyond(probe, &scale, 48, 4, *line)).count();
        assert_eq!((lines(&probe("> 50")), lines(&probe("< 50"))), (5, 6));
        assert_eq!(lines(&Status::default()), 0);
    }
}
