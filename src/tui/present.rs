//! Presenter mode on the screen: what is masked in the cells of a finished frame, whatever drew them, and the keys
//! that were pressed.

use ratatui::buffer::{Buffer, CellWidth as _};
use ratatui::layout::Rect;

use super::paint::{Pen, width};
use super::theme::Role;
use super::ui::{Ui, row};
use crate::text::veil::{FILLER, MARK, Veil, cell};
use crate::text::visible;

/// Columns between two keys.
const GAP: u16 = 2;

/// Puts marks in place of what nobody else is to read. Each cell keeps its look and its width.
pub(super) fn mask(buf: &mut Buffer, veil: &Veil) {
    let columns = usize::from(buf.area.width);
    if columns == 0 {
        return;
    }
    let rows: Vec<Vec<char>> = buf.content.chunks(columns).map(read).collect();
    for (y, cells) in veil.find(&rows) {
        for x in cells {
            if let Some(cell) = buf.content.get_mut(y * columns + x) {
                cell.set_symbol(MARK);
            }
        }
    }
}

/// A row of cells as it is searched.
fn read(cells: &[ratatui::buffer::Cell]) -> Vec<char> {
    let (mut row, mut hidden) = (Vec::with_capacity(cells.len()), 0);
    for one in cells {
        let symbol = one.symbol();
        if hidden > 0 {
            hidden -= 1;
            row.push(FILLER);
            continue;
        }
        if symbol.len() > 1 {
            hidden = one.cell_width().saturating_sub(1);
        }
        row.push(cell(symbol));
    }
    row
}

/// The last keys with what they did, as many as fit, the newest at the right: each as its key and its words.
fn keys(ui: Ui<'_>, room: u16) -> Vec<(String, String)> {
    let (mut list, mut taken) = (Vec::new(), 0);
    for one in ui.model.present.pressed.iter().rev() {
        let key = if one.times > 1 { format!("{} ×{}", one.key, one.times) } else { one.key.clone() };
        let does = visible(&one.does).into_owned();
        let columns = width(&key) + 1 + width(&does) + GAP;
        if taken + columns > room {
            break;
        }
        taken += columns;
        list.insert(0, (key, does));
    }
    list
}

/// Draws the keys that were pressed at the right end of a line, as far as there is room; what is written from the
/// left keeps away from them.
pub(super) fn pressed(ui: Ui<'_>, pen: &mut Pen<'_>) {
    for (key, does) in keys(ui, pen.room() / 2).into_iter().rev() {
        if pen.right(&does, ui.of(Role::Text)) {
            pen.right_gap(1);
            pen.right(&key, ui.of(Role::Key));
            pen.right_gap(GAP);
        }
    }
}

/// The same on the last line of the screen, where a window left it free.
pub(super) fn pressed_below(ui: Ui<'_>, buf: &mut Buffer, area: Rect) {
    let line = row(area, area.height - 1);
    let is_free = (line.left()..line.right()).all(|x| buf[(x, line.y)].symbol() == " ");
    if is_free {
        let mut pen = Pen::new(buf, line, 0);
        pen.right_gap(1);
        pressed(ui, &mut pen);
    }
}
