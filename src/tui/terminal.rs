//! The screen of a run's terminal, as cells: what the command drew, and nothing it could do
//! to the terminal around it.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};
use unicode_width::UnicodeWidthStr as _;

use super::paint::put_cell;
use super::theme::Role;
use super::ui::Ui;
use crate::text::is_plain;

/// Draws the last lines of a screen that fit, leaving out blank ones at its end. Plainly, in
/// one colour: it is a glimpse.
pub(super) fn tail(ui: Ui<'_>, buf: &mut Buffer, area: Rect, screen: &vt100::Screen) {
    let end = used(screen);
    let shown = end.min(area.height);
    for line in 0..shown {
        cells_of(ui, buf, super::ui::row(area, line), screen, end - shown + line, true);
    }
}

/// Draws a screen, its end at the lower edge; `up` more lines are scrolled up beyond what the
/// screen itself is scrolled back.
pub(super) fn whole(ui: Ui<'_>, buf: &mut Buffer, area: Rect, screen: &vt100::Screen, up: u16) {
    let end = if screen.scrollback() > 0 { screen.size().0.get() } else { used(screen) };
    let shown = end.min(area.height);
    let first = (end - shown).saturating_sub(up);
    for line in 0..shown {
        cells_of(ui, buf, super::ui::row(area, line), screen, first + line, false);
    }
}

/// Where the cursor of the program is in [`whole`], if it can be seen there.
pub(super) fn cursor(area: Rect, screen: &vt100::Screen) -> Option<(u16, u16)> {
    if screen.hide_cursor() || screen.scrollback() > 0 {
        return None;
    }
    let (row, column) = screen.cursor_position();
    let end = used(screen);
    let line = row.checked_sub(end - end.min(area.height))?;
    (line < area.height && column < area.width).then_some((area.x + column, area.y + line))
}

/// Lines of the screen up to the last one with something on it or with the cursor.
fn used(screen: &vt100::Screen) -> u16 {
    let (rows, columns) = (screen.size().0.get(), screen.size().1.get());
    let (row, column) = screen.cursor_position();
    // A cursor at the start of a fresh line adds nothing to see.
    let by_cursor = if column == 0 { row } else { row + 1 };
    let blank = |row: u16| {
        (0..columns).all(|column| {
            screen.cell(row, column).is_none_or(|cell| !cell.has_contents() || cell.contents() == " ")
        })
    };
    let mut end = rows;
    while end > by_cursor && blank(end - 1) {
        end -= 1;
    }
    end
}

fn cells_of(ui: Ui<'_>, buf: &mut Buffer, line: Rect, screen: &vt100::Screen, row: u16, plain: bool) {
    let line = line.intersection(buf.area);
    let ground = ui.of(if plain { Role::Muted } else { Role::Text });
    let mut column = 0;
    while column < line.width {
        let Some(cell) = screen.cell(row, column) else { return };
        let style = if plain { ground } else { ground.patch(style(ui, cell)) };
        let (symbol, columns) = symbol(cell);
        let last = column + columns >= line.width && column + columns < screen.size().1.get();
        if last && more(screen, row, column + columns) {
            put_cell(buf, line.x + column, line.y, "…", 1, ui.of(Role::Faint));
            return;
        }
        if column + columns > line.width {
            return;
        }
        if symbol != " " || !plain {
            put_cell(buf, line.x + column, line.y, symbol, columns, style);
        }
        column += columns;
    }
}

/// Whether there is something to see in the rest of a row.
fn more(screen: &vt100::Screen, row: u16, from: u16) -> bool {
    (from..screen.size().1.get())
        .filter_map(|column| screen.cell(row, column))
        .any(|cell| cell.has_contents() && cell.contents() != " ")
}

/// What a cell shows, and its columns. The emulator keeps controls out; what can deceive
/// (directional marks and the like) it does not.
fn symbol(cell: &vt100::Cell) -> (&str, u16) {
    let text = cell.contents();
    let columns = if cell.is_wide() { 2 } else { 1 };
    match text {
        "" => (" ", columns),
        _ if text.len() == 1 => (text, 1),
        _ if !text.chars().all(is_plain) || text.chars().nth(4).is_some() => ("?", 1),
        _ if text.width() != usize::from(columns) => ("?", 1),
        _ => (text, columns),
    }
}

fn style(ui: Ui<'_>, cell: &vt100::Cell) -> Style {
    let depth = ui.theme.depth();
    let color = |color: vt100::Color| match color {
        vt100::Color::Default => None,
        vt100::Color::Idx(index) => Some(depth.color(named(index))),
        vt100::Color::Rgb(r, g, b) => Some(depth.color(Color::Rgb(r, g, b))),
    };
    let (mut fg, mut bg) = (color(cell.fgcolor()), color(cell.bgcolor()));
    if bg.is_none() && fg.is_some_and(|fg| is_lost(ui, fg)) {
        fg = ui.of(Role::Faint).fg;
    }
    let mut modifier = Modifier::empty();
    for (on, flag) in [
        (cell.bold(), Modifier::BOLD),
        (cell.dim(), Modifier::DIM),
        (cell.italic(), Modifier::ITALIC),
        (cell.underline(), Modifier::UNDERLINED),
    ] {
        modifier.set(flag, on);
    }
    if cell.inverse() {
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
