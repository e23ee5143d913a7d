//! Rows of the timeline that one line is too short for: while lines below are free they take several, the newest
//! rows first.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::paint::Pen;
use super::super::theme::Role;
use super::super::ui::Ui;
use super::timeline;
use crate::incident::EntryKind;

/// Fewest columns of a pane whose rows take several lines: in less the words fall apart.
const LEAST: u16 = 34;
/// Columns from which on what was gathered in a row keeps to its line.
const ROOMY: u16 = 50;
/// Most lines of a row, and of one in which several were gathered.
const MOST: u16 = 6;
const GATHERED: u16 = 2;

/// Columns before the text of a row: those of its time and its mark.
fn indent(ui: Ui<'_>) -> u16 {
    if timeline::has_seconds(ui) { 11 } else { 8 }
}

/// A row on several lines: all that it says on one, and where each of its lines begins and ends there.
pub(super) struct Wrapped {
    whole: Buffer,
    indent: u16,
    lines: Vec<(u16, u16)>,
    /// There was no line for the rest of it.
    is_cut: bool,
}

impl Wrapped {
    /// How many lines it takes.
    pub(super) fn lines(&self) -> u16 {
        self.lines.len() as u16
    }

    /// Draws it.
    pub(super) fn draw(&self, buf: &mut Buffer, body: Rect, line: u16) {
        for (index, (start, end)) in self.lines.iter().enumerate() {
            let indent = if index == 0 { 0 } else { self.indent };
            let y = body.y + line + index as u16;
            for (x, from) in (body.x + indent..body.right()).zip(*start..*end) {
                buf[(x, y)] = self.whole[(from, 0)].clone();
            }
            if self.is_cut && index + 1 == self.lines.len() {
                buf[(body.right() - 1, y)].set_symbol("…");
            }
        }
    }
}

/// The rows that need more than one line, as far as free lines last.
pub(super) fn wrapped(ui: Ui<'_>, body: Rect, rows: usize) -> Vec<Option<Wrapped>> {
    let mut found: Vec<Option<Wrapped>> = (0..rows).map(|_| None).collect();
    let mut free = usize::from(body.height).saturating_sub(rows);
    if free == 0 || body.width < LEAST {
        return found;
    }
    let indent = indent(ui);
    for row in (0..rows).rev() {
        let Some(entry) = ui.model.timeline_entry(row) else { continue };
        // What was gathered in a row has its line where that is long: the first of it, and how many more.
        let is_gathered = (entry.name == "alarm" || matches!(entry.kind, EntryKind::Check(_)))
            && ui.model.timeline_entries(row).len() > 1;
        let beside = timeline::beside(ui, &entry, body.width);
        let fits = || timeline::fits_apart(ui, &entry, body.width.saturating_sub(beside + indent));
        // What is beside what fails is no longer in sight in one line.
        let is_mixed = || {
            let entries = ui.model.timeline_entries(row);
            let is = |kind| entries.iter().any(|entry| entry.kind == kind);
            is(EntryKind::AlarmRaised) && is(EntryKind::AlarmWarned)
        };
        let has_its_line = if is_gathered { body.width >= ROOMY && !is_mixed() } else { fits() };
        if has_its_line {
            continue;
        }
        let most = if is_gathered { GATHERED } else { MOST };
        let area = Rect::new(0, 0, body.width.saturating_mul(most), 1);
        let before = row.checked_sub(1).and_then(|row| ui.model.timeline_entry(row));
        let mut whole = Buffer::empty(area);
        whole.set_style(area, ui.of(Role::Screen));
        timeline::told(ui, &mut Pen::new(&mut whole, area, 0), row, &entry, before.as_ref());
        let mut lines = split(&whole, body.width - beside, body.width - indent);
        let is_cut = lines.len() > free + 1;
        lines.truncate(free + 1);
        if lines.len() > 1 {
            free -= lines.len() - 1;
            found[row] = Some(Wrapped { whole, indent, lines, is_cut });
        }
    }
    found
}

/// Cuts a line at its blanks into one of so many columns and others of so many.
fn split(whole: &Buffer, first: u16, other: u16) -> Vec<(u16, u16)> {
    let end = (0..whole.area.width).rev().find(|x| whole[(*x, 0)].symbol() != " ").map_or(0, |x| x + 1);
    let is_blank = |x: &u16| whole[(*x, 0)].symbol() == " ";
    let (mut lines, mut start, mut room) = (Vec::new(), 0, first);
    while end - start > room {
        // A word that is longer than a line is cut where that ends.
        let cut = (start + room / 2..=start + room).rev().find(is_blank).unwrap_or(start + room);
        lines.push((start, cut));
        start = (cut..end).find(|x| !is_blank(x)).unwrap_or(end);
        room = other;
    }
    lines.push((start, end));
    lines
}
