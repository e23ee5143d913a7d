//! Output of a run, as cells: what the command drew, and nothing it could do to the terminal
//! around it.

use std::ops::Range;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};
use unicode_segmentation::UnicodeSegmentation as _;

use super::paint::{cells, put_cell};
use super::theme::Role;
use super::ui::{Ui, row};
use crate::cockpit::lines::{Line, Look, of_row, used};

/// How a line is drawn.
#[derive(Clone, Copy, Default)]
pub(super) struct As<'a> {
    /// First column shown.
    pub(super) shift: u16,
    /// In one colour.
    pub(super) plain: bool,
    /// What was searched for: where in the text, and whether it is the place gone to.
    pub(super) found: &'a [(Range<usize>, bool)],
}

/// Draws the last lines of a screen that fit, leaving out blank ones at its end. Plainly, in
/// one colour: it is a glimpse.
pub(super) fn tail(ui: Ui<'_>, buf: &mut Buffer, area: Rect, screen: &vt100::Screen) {
    last_rows(ui, buf, area, screen, As { plain: true, ..As::default() });
}

/// Draws the last rows of a screen that fit.
pub(super) fn last_rows(ui: Ui<'_>, buf: &mut Buffer, area: Rect, screen: &vt100::Screen, how: As<'_>) {
    let end = used(screen);
    let shown = end.min(area.height);
    for y in 0..shown {
        line(ui, buf, row(area, y), &of_row(screen, end - shown + y), how);
    }
}

/// Where the cursor of the program is in [`last_rows`], if it can be seen there.
pub(super) fn cursor(area: Rect, screen: &vt100::Screen, shift: u16) -> Option<(u16, u16)> {
    if screen.hide_cursor() {
        return None;
    }
    let (row, column) = screen.cursor_position();
    let end = used(screen);
    // On a fresh line below the last one that is drawn, if there is room for it.
    let end = if row == end && end < area.height { end + 1 } else { end };
    let (line, column) = (row.checked_sub(end - end.min(area.height))?, column.checked_sub(shift)?);
    (line < area.height && column < area.width).then_some((area.x + column, area.y + line))
}

/// The last rows of a screen that have something on them, as text.
pub(super) fn last_lines(screen: &vt100::Screen, count: usize) -> Vec<String> {
    let (_, columns) = screen.size();
    let mut rows: Vec<String> = screen.rows(0, columns.get()).map(|row| row.trim_end().to_owned()).collect();
    rows.retain(|row| !row.is_empty());
    rows.split_off(rows.len().saturating_sub(count))
}

/// Draws one line. Where there is more of it to the left or right, `…` says so.
pub(super) fn line(ui: Ui<'_>, buf: &mut Buffer, area: Rect, line: &Line, how: As<'_>) {
    let area = area.intersection(buf.area);
    if area.is_empty() {
        return;
    }
    let ground = ui.of(if how.plain { Role::Muted } else { Role::Text });
    let (mut column, mut at) = (0_u16, 0);
    let mut runs = line.runs.iter().peekable();
    for (grapheme, (symbol, columns)) in line.text.graphemes(true).zip(cells(&line.text)) {
        while runs.next_if(|(end, _)| *end <= at).is_some() {}
        let mut style = match runs.peek() {
            Some((_, look)) if !how.plain => ground.patch(style(ui, *look)),
            _ => ground,
        };
        if let Some((_, gone_to)) = how.found.iter().find(|(place, _)| place.contains(&at)) {
            style = style.patch(ui.of(Role::Match)).add_modifier(Modifier::UNDERLINED);
            if *gone_to {
                style = style.add_modifier(Modifier::REVERSED);
            }
        }
        at += grapheme.len();
        let (from, to) = (column, column + columns);
        column = to;
        if to <= how.shift {
            continue;
        }
        let cut = from < how.shift || (how.shift > 0 && from == how.shift);
        let x = from.saturating_sub(how.shift);
        // The last column tells that there is more, unless this is all of it.
        let over = to - how.shift > area.width || (to - how.shift == area.width && at < line.text.len());
        if over {
            put_cell(buf, area.right() - 1, area.y, "…", 1, ui.of(Role::Faint));
            return;
        }
        if cut {
            put_cell(buf, area.x + x, area.y, "…", 1, ui.of(Role::Faint));
        } else {
            put_cell(buf, area.x + x, area.y, symbol, columns, style);
        }
    }
}

fn style(ui: Ui<'_>, look: Look) -> Style {
    let depth = ui.theme.depth();
    let color = |color: vt100::Color| match color {
        vt100::Color::Default => None,
        vt100::Color::Idx(index) => Some(depth.color(named(index))),
        vt100::Color::Rgb(r, g, b) => Some(depth.color(Color::Rgb(r, g, b))),
    };
    let (mut fg, mut bg) = (color(look.fg), color(look.bg));
    if bg.is_none() && fg.is_some_and(|fg| is_lost(ui, fg)) {
        fg = ui.of(Role::Faint).fg;
    }
    let mut modifier = Modifier::empty();
    for (mode, flag) in [
        (Look::BOLD, Modifier::BOLD),
        (Look::DIM, Modifier::DIM),
        (Look::ITALIC, Modifier::ITALIC),
        (Look::UNDERLINE, Modifier::UNDERLINED),
    ] {
        modifier.set(flag, look.has(mode));
    }
    if look.has(Look::INVERSE) {
        match (fg, bg) {
            (Some(_), Some(_)) => std::mem::swap(&mut fg, &mut bg),
            _ => modifier |= Modifier::REVERSED,
        }
    }
    Style { fg, bg, ..Style::new() }.add_modifier(modifier)
}

/// Whether a colour that was chosen for another ground cannot be read on this one.
fn is_lost(ui: Ui<'_>, fg: Color) -> bool {
    let light = match ui.of(Role::Overlay).bg {
        Some(Color::Rgb(r, g, b)) => u32::from(r) + u32::from(g) + u32::from(b) > 384,
        Some(Color::White) => true,
        Some(Color::Indexed(index)) => matches!(index, 230 | 231 | 250..=255),
        _ => false,
    };
    if light {
        matches!(fg, Color::White | Color::Gray | Color::LightYellow | Color::LightCyan | Color::LightGreen)
    } else {
        fg == Color::Black
    }
}

/// The sixteen colours that have names, in their order.
pub(super) const NAMED: [Color; 16] = [
    Color::Black,
    Color::Red,
    Color::Green,
    Color::Yellow,
    Color::Blue,
    Color::Magenta,
    Color::Cyan,
    Color::Gray,
    Color::DarkGray,
    Color::LightRed,
    Color::LightGreen,
    Color::LightYellow,
    Color::LightBlue,
    Color::LightMagenta,
    Color::LightCyan,
    Color::White,
];

/// The first sixteen by name, so that they come out in the terminal's own shades.
fn named(index: u8) -> Color {
    NAMED.get(usize::from(index)).copied().unwrap_or(Color::Indexed(index))
}
