//! What lies over the cockpit: one file each, and the window that is around most of them.

mod ask;
mod by_hand;
mod change;
mod confirm;
mod culprits;
mod decide;
mod declare;
mod document;
mod draft;
mod entry;
mod errors;
mod flags;
mod gates;
mod grade;
mod help;
mod jobs;
mod menu;
mod message;
mod palette;
pub(super) mod past;
mod plan;
mod preview;
mod report;
mod rollback;
mod run;
mod runbooks;
mod suspects;
mod trust;

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;

use super::paint::{Pen, width};
use super::theme::Role;
use super::ui::Ui;
use crate::cockpit::edit::LineEdit;
use crate::cockpit::key::Code;
use crate::cockpit::overlay::Overlay;
use crate::cockpit::{Command, Pane};

/// What came of drawing an overlay.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Shown {
    /// Lines of content there was room for.
    pub(super) lines: u16,
    /// First line of content that was drawn.
    pub(super) top: usize,
    /// Where text is typed.
    pub(super) cursor: Option<Position>,
    /// How many lines are left above and below a document, and where that is said: on the edge under it.
    pub(super) more: Option<(usize, usize, Position)>,
}

/// Draws the overlays, the top one last; `None` if there is none.
pub(super) fn draw(ui: Ui<'_>, buf: &mut Buffer, area: Rect) -> Option<Shown> {
    let (top, under) = ui.model.overlays.split_last()?;
    // What asks about a document lies over it; one document takes the place of another, and so does a
    // decision, which shows itself what it runs.
    let document = matches!(top, Overlay::Ask(_) | Overlay::Menu(_) | Overlay::Confirm(_))
        .then(|| document_under(under))
        .flatten();
    if let Some(document) = document {
        one(ui, buf, area, document);
    }
    // A line that is typed is read together with what is behind it, and a menu with the document that it
    // is about.
    let together = match top {
        Overlay::Ask(_) => true,
        Overlay::Menu(_) => document.is_some(),
        _ => false,
    };
    if !together {
        dim(ui, buf, area);
    }
    let shown = one(ui, buf, area, top);
    if let Some((above, below, edge)) = shown.more {
        more(ui, buf, above, below, edge);
    }
    Some(shown)
}

/// Says how much of a document is left above and below, on the rule or the blank line under it: nothing else is written
/// over.
fn more(ui: Ui<'_>, buf: &mut Buffer, above: usize, below: usize, edge: Position) {
    let symbol = |x: u16| buf.cell((x, edge.y)).map_or("", |cell| cell.symbol());
    let free = if symbol(edge.x) == " " { " " } else { "─" };
    let room = (edge.x..buf.area.right()).take_while(|x| symbol(*x) == free).count() as u16;
    let all = match (above, below) {
        (0, below) => [format!(" {below} more below "), format!(" ↓{below} ")],
        (above, 0) => [format!(" {above} more above "), format!(" ↑{above} ")],
        (above, below) => [format!(" {above} more above, {below} below "), format!(" ↑{above} ↓{below} ")],
    };
    if let Some(text) = all.iter().find(|text| width(text) <= room) {
        let place = Rect { x: edge.x, y: edge.y, width: room, height: 1 };
        Pen::new(buf, place, 0).put(text, ui.of(Role::Muted));
    }
}

/// The document that a menu, a line or a question lies over.
fn document_under(under: &[Overlay]) -> Option<&Overlay> {
    under.iter().rev().find(|overlay| !matches!(overlay, Overlay::Menu(_) | Overlay::Ask(_)))
}

/// Takes the light off what is behind a window.
fn dim(ui: Ui<'_>, buf: &mut Buffer, area: Rect) {
    let faint = Style::reset().patch(ui.of(Role::Screen)).patch(ui.of(Role::Behind));
    buf.set_style(area, faint);
}

fn one(ui: Ui<'_>, buf: &mut Buffer, area: Rect, overlay: &Overlay) -> Shown {
    match overlay {
        Overlay::Menu(menu) => menu::draw(ui, buf, area, menu),
        Overlay::Palette(palette) => palette::draw(ui, buf, area, palette),
        Overlay::Help(view) => help::draw(ui, buf, area, view),
        Overlay::Ask(ask) => ask::draw(ui, buf, area, ask),
        Overlay::Entry(entry) => entry::draw(ui, buf, area, entry),
        Overlay::Declare(declare) => declare::draw(ui, buf, area, declare),
        Overlay::Preview(preview) => preview::draw(ui, buf, area, preview),
        Overlay::Plan(view) => plan::draw(ui, buf, area, view),
        Overlay::Decide(decide) => decide::draw(ui, buf, area, decide),
        Overlay::Run(view) => run::draw(ui, buf, area, view),
        Overlay::Rollback(screen) => rollback::draw(ui, buf, area, screen),
        Overlay::Suspects(view) => suspects::draw(ui, buf, area, view),
        Overlay::Change(view) => change::draw(ui, buf, area, view),
        Overlay::Errors(scroll) => errors::draw(ui, buf, area, *scroll),
        Overlay::Report(view) => report::draw(ui, buf, area, view),
        Overlay::Grade(view) => grade::draw(ui, buf, area, view),
        Overlay::Message(view) => message::draw(ui, buf, area, view),
        Overlay::Trust(view) => trust::draw(ui, buf, area, *view),
        Overlay::Draft(view) => draft::draw(ui, buf, area, view),
        Overlay::ByHand(words, scroll) => by_hand::draw(ui, buf, area, words, *scroll),
        Overlay::Flags(view) => flags::draw(ui, buf, area, view),
        Overlay::Culprits(view) => culprits::draw(ui, buf, area, *view),
        Overlay::Past(view) => past::draw(ui, buf, area, *view),
        Overlay::Runbooks(view) => runbooks::draw(ui, buf, area, view),
        Overlay::Runbook(view) => runbooks::page(ui, buf, area, view),
        Overlay::Confirm(confirm) => confirm::draw(ui, buf, area, confirm),
    }
}

/// Where a window of so many lines goes: below the header, over the whole width, so that nothing of the
/// panes is left beside it.
fn wide(area: Rect, lines: u16) -> Rect {
    Rect { height: lines.min(area.height), ..area }
}

/// The left part of a window, as wide as its lines can be followed from one end to the other.
fn column(inner: Rect, columns: u16) -> Rect {
    Rect { width: inner.width.min(columns), ..inner }
}

/// Where a window of so many lines goes that answers a key: over the whole width, above the line of keys.
fn low(area: Rect, lines: u16) -> Rect {
    let height = lines.min(area.height);
    let y = area.bottom() - height - u16::from(height + 1 < area.height);
    Rect { y, height, ..area }
}

/// Draws an empty window with a title at the upper edge and keys at the lower one, and returns
/// what is inside.
fn window(ui: Ui<'_>, buf: &mut Buffer, area: Rect, title: &str, keys: &[(Command, &str)]) -> Rect {
    framed(ui, buf, area, title, &hints(ui, keys), Role::OverlayBorder)
}

/// Columns at the left of the lower edge that its keys leave free: ` ↑12 ↓34 ` has room there.
const COUNT: u16 = 10;

/// Clears what a window over the whole width leaves of the panes that it covers in part: nothing is seen below it but
/// whole panes.
fn clear_below(ui: Ui<'_>, buf: &mut Buffer, window: Rect) {
    if window.width < buf.area.width {
        return;
    }
    let panes = super::places(ui, buf.area).panes;
    let panes = || panes.iter().filter(|pane| !pane.is_empty());
    let mut y = window.bottom();
    // Lines about panes that are not drawn say nothing below a window: these go with the one that is.
    if panes().count() < Pane::ALL.len() {
        y = buf.area.bottom();
    }
    while let Some(pane) = panes().find(|pane| pane.y < y && pane.bottom() > y) {
        y = pane.bottom();
    }
    if panes().all(|pane| pane.bottom() <= y) {
        y = buf.area.bottom();
    }
    ui.fill(
        buf,
        Rect { height: y.saturating_sub(window.bottom()), y: window.bottom(), ..window },
        Role::Screen,
    );
}

/// Closes the panes that a window covers from below, so that whole ones are behind it; of those with too little left
/// nothing is.
fn close_above(ui: Ui<'_>, buf: &mut Buffer, window: Rect) {
    let under = ui.model.overlays.split_last().map(|(_, under)| under);
    if under.is_none_or(|under| document_under(under).is_some()) {
        return;
    }
    for pane in super::places(ui, buf.area).panes {
        if pane.is_empty() || pane.y >= window.y || pane.bottom() <= window.y {
            continue;
        }
        let left = Rect { height: window.y - pane.y, ..pane };
        let is_drawn = buf[(left.x, left.y)].symbol() == "╭";
        if left.height < LEAST || !is_drawn {
            ui.fill(buf, left, Role::Screen);
            continue;
        }
        let line = buf[(left.x, left.y)].style();
        let rule = "─".repeat(usize::from(left.width.saturating_sub(2)));
        Pen::new(buf, left, left.height - 1).put("╰", line).put(&rule, line).put("╯", line);
    }
}

/// Fewest lines of a pane that say anything: its frame, and two between.
const LEAST: u16 = 4;

/// Keys of commands as they are set, each with what it does here. Moving down stands for both ways.
fn hints<'a>(ui: Ui<'_>, commands: &[(Command, &'a str)]) -> Vec<(String, &'a str)> {
    let key = |command| match command {
        // What everybody knows, where it is not set otherwise.
        Command::Down if ui.model.keymap.keys(Command::Down).iter().any(|key| key.code == Code::Down) => {
            "↑↓".to_owned()
        }
        Command::Down => format!("{} {}", ui.key(Command::Down), ui.key(Command::Up)),
        command => ui.key(command),
    };
    let keys = commands.iter().map(|(command, word)| (key(*command), *word));
    keys.filter(|(key, _)| !key.trim().is_empty()).collect()
}

/// The same, with a frame that looks like a role.
fn framed<Key: AsRef<str>>(
    ui: Ui<'_>,
    buf: &mut Buffer,
    area: Rect,
    title: &str,
    keys: &[(Key, &str)],
    frame: Role,
) -> Rect {
    ui.fill(buf, area, Role::Overlay);
    clear_below(ui, buf, area);
    close_above(ui, buf, area);
    let line = ui.of(frame);
    if area.width < 6 || area.height < 3 {
        return area;
    }
    let mut pen = Pen::new(buf, area, 0);
    pen.put("╭ ", line);
    let room = pen.room().saturating_sub(4);
    pen.column_of(title, width(title).min(room), ui.of(Role::OverlayTitle)).gap(1);
    let rule = pen.room().saturating_sub(1);
    pen.column_of(&"─".repeat(usize::from(rule)), rule, line).put("╮", line);
    for y in 1..area.height - 1 {
        Pen::new(buf, area, y).put("│", line);
        Pen::new(buf, Rect { x: area.right() - 1, width: 1, ..area }, y).put("│", line);
    }
    let mut pen = Pen::new(buf, area, area.height - 1);
    // As many as fit beside what says how much is left; the last, which goes back, is never left out.
    let one = |(key, word): &(Key, &str)| width(key.as_ref()) + width(word) + 3;
    let mut shown: Vec<&(Key, &str)> = keys.iter().collect();
    let taken = |shown: &[&(Key, &str)]| shown.iter().map(|key| one(key)).sum::<u16>();
    while shown.len() > 1 && taken(&shown) + 3 + COUNT > area.width {
        shown.remove(shown.len() - 2);
    }
    if taken(&shown) + 3 > area.width {
        shown.clear();
    }
    let rule = area.width - 2 - if shown.is_empty() { 0 } else { taken(&shown) + 1 };
    pen.put("╰", line).column_of(&"─".repeat(usize::from(rule)), rule, line);
    for (key, word) in &shown {
        pen.gap(1).put(key.as_ref(), ui.of(Role::Key)).gap(1).put(word, ui.of(Role::Muted)).gap(1);
    }
    if !shown.is_empty() {
        pen.put("─", line);
    }
    pen.put("╯", line);
    Rect { x: area.x + 2, y: area.y + 1, width: area.width - 4, height: area.height - 2 }
}

/// Asks for a word to be typed that confirms, in as few words as leave room for it; returns the place where
/// it is typed.
fn to_type(ui: Ui<'_>, buf: &mut Buffer, line: Rect, word: &str, style: Style) -> Rect {
    let asks =
        [("type ", " and ⏎ to go ahead "), ("type ", " and ⏎ "), ("type ", " ⏎ "), ("", " ⏎ "), ("", " ")];
    let taken = |(before, after): (&str, &str)| width(before) + width(word) + width(after) + 2;
    // All of the word can be seen in it, and the cursor behind it.
    let fits = |ask: &(&str, &str)| taken(*ask) + width(word) + 2 <= line.width;
    let found = asks.into_iter().find(fits);
    let (before, after) = found.unwrap_or(("", " "));
    let mut pen = Pen::new(buf, line, 0);
    let bold = ui.of(Role::Warn).add_modifier(ratatui::style::Modifier::BOLD);
    // A word longer than half of the line is cut, what is typed is not.
    let half = pen.room().saturating_sub(width(before) + width(after) + 2 + 12).min(width(word));
    let room = if found.is_some() { width(word) } else { half };
    pen.put(before, style).column_of(word, room, bold).put(after, style).put("> ", ui.of(Role::Key));
    Rect { x: pen.column(), width: pen.room(), ..line }
}

/// Draws a line of text being typed and returns where its cursor is. What is before the
/// cursor and does not fit gives way, so that the cursor can always be seen.
fn typed(ui: Ui<'_>, buf: &mut Buffer, line: Rect, input: &LineEdit, placeholder: &str) -> Option<Position> {
    let (before, after) = input.split();
    let mut pen = Pen::new(buf, line, 0);
    if pen.room() == 0 {
        return None;
    }
    if input.text().is_empty() {
        let cursor = Position::new(pen.column(), line.y);
        pen.put(placeholder, ui.of(Role::Placeholder));
        return Some(cursor);
    }
    // It is said at once, and however long the text before it is.
    let is_cut = "▲ full: the rest was left out ";
    if input.is_full() && pen.room() > width(is_cut) * 2 {
        pen.put(is_cut, ui.of(Role::Warn));
    }
    let clean = crate::text::visible(before);
    let room = pen.room().saturating_sub(2);
    let style = ui.of(Role::Input);
    if width(&clean) > room {
        let mut shown: &str = &clean;
        let mut left = width(shown);
        while left > room.saturating_sub(1) {
            let Some((_, columns)) = super::paint::cells(shown).next() else { break };
            let mut graphemes = unicode_segmentation::UnicodeSegmentation::graphemes(shown, true);
            graphemes.next();
            shown = graphemes.as_str();
            left = left.saturating_sub(columns);
        }
        pen.put("…", ui.of(Role::Faint));
        pen.raw(shown, style);
    } else {
        pen.raw(&clean, style);
    }
    let cursor = Position::new(pen.column().min(line.right().saturating_sub(1)), line.y);
    pen.put(after, style);
    if input.is_suggested() {
        pen.gap(2).put("⏎ takes it · typing replaces it", ui.of(Role::Faint));
    }
    Some(cursor)
}
