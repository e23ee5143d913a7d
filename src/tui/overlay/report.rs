//! The incident report, rendered.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};

use super::super::paint::{Pen, width, wrap};
use super::super::theme::Role;
use super::super::ui::Ui;
use super::document::{self, Line};
use super::{Shown, wide, window};
use crate::cockpit::Command;
use crate::cockpit::overlay::ReportView;
use crate::report::blocks::{self, Block, Marker, Run, lines, plain};

/// Columns a paragraph is comfortable to read in.
const COLUMNS: u16 = 120;
/// Rows of a table that its columns are measured by; the rest is cut or wrapped to that.
const MEASURED: usize = 200;
/// Most columns of any but the last column of a table.
const CELL: u16 = 28;

pub(super) fn draw(ui: Ui<'_>, buf: &mut Buffer, area: Rect, view: &ReportView) -> Shown {
    let place = wide(area, area.height);
    let keys = [
        (Command::ReportSave, "save"),
        (Command::ReportFill, "fill in"),
        (Command::ReportHtml, "HTML"),
        (Command::ReportBranch, "branch"),
        (Command::ReportExport, "export"),
        (Command::ReportCopy, "copy"),
        (Command::Back, "back"),
    ];
    let keys = if view.is_report() { &keys[..] } else { &[keys[5], keys[6]] };
    let inner = window(ui, buf, place, view.title, keys);
    let inner = told(ui, buf, inner, &view.said);
    let inner = Rect { width: inner.width.min(COLUMNS), ..inner };
    let lines = index(&view.blocks);
    let made = |line: usize| made(ui, &view.blocks, &lines[line]);
    let mut shown = document::draw(buf, inner, view.scroll.top, lines.len(), made);
    // Where the report went stands between the document and the edge.
    if let Some((.., edge)) = &mut shown.more {
        edge.y = place.bottom().saturating_sub(1);
    }
    shown
}

/// Says at the lower edge where the report went; returns what is left above.
fn told(ui: Ui<'_>, buf: &mut Buffer, inner: Rect, said: &str) -> Rect {
    /// Lines of the document that stay, whatever is to be said.
    const LEFT: u16 = 2;
    if said.is_empty() || inner.width == 0 {
        return inner;
    }
    let role = if said.starts_with('✗') { Role::Bad } else { Role::Good };
    let clean = crate::text::visible(said);
    let lines = wrap(&clean, inner.width);
    let room = inner.height.saturating_sub(LEFT);
    let taken = u16::try_from(lines.len()).unwrap_or(u16::MAX).min(room);
    let below = Rect { y: inner.bottom() - taken, height: taken, ..inner };
    for (row, line) in (0..taken).zip(lines) {
        Pen::new(buf, below, row).put(line, ui.of(role));
    }
    Rect { height: inner.height - taken, ..inner }
}

/// A text in Markdown as lines.
pub(super) fn rendered(ui: Ui<'_>, text: &str) -> Vec<Line> {
    let blocks = blocks::parse(text);
    index(&blocks).iter().map(|at| made(ui, &blocks, at)).collect()
}

/// One line of the document before it is made: which block, and which row of it.
pub(super) struct At {
    pub(super) block: Option<usize>,
    row: usize,
    /// Widths of the columns, for a table; the first of its lines holds them for all.
    table: std::rc::Rc<[u16]>,
}

/// Where every line comes from.
pub(super) fn index(blocks: &[Block]) -> Vec<At> {
    let none: std::rc::Rc<[u16]> = std::rc::Rc::from([]);
    let tables: Vec<std::rc::Rc<[u16]>> = blocks
        .iter()
        .map(|block| match block {
            Block::Table { head, rows } => columns(head, rows),
            _ => none.clone(),
        })
        .collect();
    let at = |line: Option<(usize, usize)>| match line {
        Some((block, row)) => At { block: Some(block), row, table: tables[block].clone() },
        None => At { block: None, row: 0, table: none.clone() },
    };
    lines(blocks).into_iter().map(at).collect()
}

/// How wide each column of a table is.
fn columns(head: &[Vec<Run>], rows: &[Vec<Vec<Run>>]) -> std::rc::Rc<[u16]> {
    let mut widths: Vec<u16> = head.iter().map(|cell| width(&plain(cell))).collect();
    for row in rows.iter().take(MEASURED) {
        for (widest, cell) in widths.iter_mut().zip(row) {
            *widest = (*widest).max(width(&plain(cell))).min(CELL);
        }
    }
    widths.into()
}

/// Makes one line.
pub(super) fn made(ui: Ui<'_>, blocks: &[Block], at: &At) -> Line {
    let Some(block) = at.block.and_then(|block| blocks.get(block)) else { return Line::default() };
    match block {
        Block::Heading { level, text } => {
            let role = if *level <= 2 { Role::OverlayTitle } else { Role::PhaseNow };
            let line = styled(ui, Line::default(), text, ui.of(role));
            if *level == 1 { line } else { line.hanging(0) }
        }
        Block::Paragraph { text, quote } => {
            let bars = "▎ ".repeat(usize::from(*quote));
            let line = Line::of(&bars, ui.of(Role::Faint));
            styled(ui, line, &nth_line(text, at.row), ui.of(Role::Text)).hanging(2 * u16::from(*quote))
        }
        Block::Item { depth, marker, text } => item(ui, *depth, *marker, text),
        Block::Table { head, rows } => match at.row.checked_sub(1) {
            None => cells(ui, head, &at.table, ui.of(Role::Faint)),
            Some(row) => cells(ui, &rows[row], &at.table, ui.of(Role::Text)),
        },
        Block::Code { text, .. } => Line::of("  ", ui.of(Role::Faint))
            .with(text.lines().nth(at.row).unwrap_or(""), ui.of(Role::Code))
            .hanging(2),
        Block::Rule => Line::of("────────────────", ui.of(Role::Border)),
    }
}

/// The part of a paragraph between two of its line breaks.
fn nth_line(text: &[Run], wanted: usize) -> Vec<Run> {
    let mut line = 0;
    let mut out = Vec::new();
    for run in text {
        for (index, part) in run.text.split('\n').enumerate() {
            line += usize::from(index > 0);
            if line == wanted && !part.is_empty() {
                out.push(Run { text: part.to_owned(), ..run.clone() });
            }
        }
    }
    out
}

fn item(ui: Ui<'_>, depth: u8, marker: Marker, text: &[Run]) -> Line {
    let indent = " ".repeat(2 * usize::from(depth.min(8)));
    let (sign, role) = match marker {
        Marker::Bullet => ("• ".to_owned(), Role::Faint),
        Marker::Number(number) => (format!("{number}. "), Role::Faint),
        Marker::Task(true) => ("✓ ".to_owned(), Role::Good),
        Marker::Task(false) => ("· ".to_owned(), Role::Warn),
        Marker::Continued => ("  ".to_owned(), Role::Faint),
    };
    let hang = width(&indent) + width(&sign);
    let line = Line::of(&indent, ui.of(Role::Faint)).with(&sign, ui.of(role));
    styled(ui, line, text, ui.of(Role::Text)).hanging(hang)
}

/// A row of a table: its cells in their columns; the last one wraps within its own.
fn cells(ui: Ui<'_>, row: &[Vec<Run>], widths: &[u16], base: Style) -> Line {
    let mut line = Line::default();
    let mut hang: u16 = 0;
    for (index, (cell, columns)) in row.iter().zip(widths).enumerate() {
        if index + 1 == row.len() {
            line = styled(ui, line, cell, base);
            break;
        }
        let text = plain(cell);
        let (shown, wide) = cut(&text, *columns);
        let style = cell.first().map_or(base, |run| run_style(ui, run, base));
        line =
            line.with(&shown, style).with(&" ".repeat(usize::from(columns - wide.min(*columns)) + 2), base);
        hang = hang.saturating_add(columns + 2);
    }
    line.hanging(hang)
}

/// As much of a text as fits into so many columns, and how many it takes.
fn cut(text: &str, columns: u16) -> (String, u16) {
    let clean = crate::text::visible(text);
    let whole = width(&clean);
    if whole <= columns {
        return (clean.into_owned(), whole);
    }
    let (mut out, mut used) = (String::new(), 0);
    for (symbol, wide) in super::super::paint::cells(&clean) {
        if used + wide + 1 > columns {
            break;
        }
        out.push_str(symbol);
        used += wide;
    }
    out.push('…');
    (out, used + 1)
}

fn styled(ui: Ui<'_>, line: Line, text: &[Run], base: Style) -> Line {
    text.iter().fold(line, |line, run| line.with(&run.text, run_style(ui, run, base)))
}

fn run_style(ui: Ui<'_>, run: &Run, base: Style) -> Style {
    let mut style = base;
    if run.style.code {
        style = style.patch(ui.of(Role::Info));
    }
    for (on, modifier) in [
        (run.style.bold, Modifier::BOLD),
        (run.style.italic, Modifier::ITALIC),
        (run.style.strike, Modifier::CROSSED_OUT),
        // What leads to another part of the report cannot be followed here.
        (run.style.link && !run.to.starts_with('#'), Modifier::UNDERLINED),
    ] {
        if on {
            style = style.add_modifier(modifier);
        }
    }
    style
}
