//! A which-key menu: what each key does right now, and why not.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::paint::{Pen, cut, width, wrap};
use super::super::theme::Role;
use super::super::ui::{self, Ui};
use super::{Shown, low, window};
use crate::cockpit::Command;
use crate::cockpit::msg::Item;
use crate::cockpit::overlay::Menu;
use crate::text::visible;

/// Most lines for the reason of the row under the cursor.
const WHY: u16 = 3;
/// Columns below which a row has room for little more than its reason.
const NARROW: u16 = 46;
/// Between what a row does and what speaks against it.
const AGAINST: &str = " · ✗ ";
/// Columns of a key and the gap behind it.
const KEY: u16 = 3;
/// Fewest columns of a reason that are worth reading.
const LEAST: u16 = 16;

/// It is as wide as the screen: half a pane beside it says nothing.
/// ```text
/// ╭ Deploy ──────────────────────────────────────╮
/// │ s  hotfix/pool-limit → staging               │
/// │ p  v1.2.4 → production    ✗ 2 gates not met  │
/// ╰─────────────────────────────────── esc back ─╯
/// ```
pub(super) fn draw(ui: Ui<'_>, buf: &mut Buffer, area: Rect, menu: &Menu) -> Shown {
    let items = menu.items.iter().map(|item| local(ui, item)).collect();
    let menu = &Menu { items, ..menu.clone() };
    // What there is no room for does not count.
    let seen = menu.items.iter().take(usize::from(area.height));
    let label = seen.map(|item| width(&item.label)).max().unwrap_or(0).min(60);
    let columns = area.width;
    let note = ui.local(&menu.note);
    let note = visible(&note);
    let notes = if menu.note.is_empty() { Vec::new() } else { wrap(&note, columns - 4) };
    if let Some(shown) = spread(ui, buf, area, menu, &notes) {
        return shown;
    }
    let items = u16::try_from(menu.items.len()).unwrap_or(u16::MAX);
    // What a row has no room for stands whole below the list while the cursor is on it.
    let cut = |item: &Item| !fits(item, columns - 4);
    let reasoned = |item: &'_ Item| item.disabled.clone().filter(|why| !why.is_empty());
    let whole = |item: &Item| wrap(&reasoned(item).unwrap_or_else(|| item.label.clone()), columns - 6).len();
    let foot = menu.items.iter().filter(|item| cut(item)).map(whole).max().unwrap_or(0);
    let foot = u16::try_from(foot).unwrap_or(WHY).min(WHY);
    let wanted = items.saturating_add(notes.len() as u16).saturating_add(foot).saturating_add(2);
    // Headings stand where every row has room beside them.
    let above = u16::try_from(menu.headings.len()).unwrap_or(u16::MAX);
    let headed = wanted.saturating_add(above) < area.height;
    let wanted = if headed { wanted.saturating_add(above) } else { wanted };
    let inner = window(ui, buf, low(area, wanted), &menu.title, &[(Command::Back, "back")]);
    let mut line = 0;
    for note in &notes {
        Pen::new(buf, inner, line).put(note, ui.of(Role::Muted));
        line += 1;
    }
    // The list has at least two lines.
    let foot = foot.min(inner.height.saturating_sub(line + 2));
    let above = if headed { above } else { 0 };
    // Where rows are left out, lines are kept free for the row under the cursor only.
    let is_full = menu.items.len() > usize::from(inner.height.saturating_sub(line + foot + above));
    let own = menu.items.get(menu.selected).filter(|item| cut(item)).map_or(0, whole);
    let foot = if is_full { foot.min(u16::try_from(own).unwrap_or(WHY)) } else { foot };
    let lines = usize::from(inner.height.saturating_sub(line + foot + above));
    // Where not all fit, the last line says how many are left.
    let rows = if menu.items.len() > lines { lines.saturating_sub(1) } else { lines };
    let top = (menu.selected + 1).saturating_sub(rows.max(1));
    for (index, item) in menu.items.iter().enumerate().skip(top).take(rows) {
        for (_, heading) in menu.headings.iter().filter(|(at, _)| headed && *at == index) {
            Pen::new(buf, inner, line).put(heading, ui.of(Role::Faint));
            line += 1;
        }
        row(ui, &mut Pen::new(buf, inner, line), item, label, foot > 0 || inner.width < NARROW);
        if index == menu.selected {
            let row = Rect { x: inner.x.saturating_sub(1), width: inner.width + 2, ..ui::row(inner, line) };
            ui.select(buf, row);
        }
        line += 1;
    }
    let more = menu.items.len().saturating_sub(top + rows);
    if more > 0 {
        Pen::new(buf, inner, line).put(&format!("{more} more below"), ui.of(Role::Faint));
    }
    if let Some(item) = menu.items.get(menu.selected).filter(|item| cut(item)) {
        let (mark, words) = reasoned(item).map_or(("", item.label.clone()), |why| (item.mark(), why));
        for (line, words) in wrap(&words, columns - 6).into_iter().take(usize::from(foot)).enumerate() {
            let mark = if line == 0 || mark.is_empty() { mark } else { "  " };
            let mut pen = Pen::new(buf, inner, inner.height - foot + line as u16);
            pen.put(mark, ui.of(Role::Disabled)).put(words, ui.of(Role::Muted));
        }
    }
    if menu.items.is_empty() {
        Pen::new(buf, inner, line).put("nothing to choose from here", ui.of(Role::Faint));
    }
    Shown { lines: inner.height, ..Shown::default() }
}

/// Draws it with every row whole, on as many lines as it takes, where some do not fit into one and there is room for
/// all of them.
fn spread(ui: Ui<'_>, buf: &mut Buffer, area: Rect, menu: &Menu, notes: &[&str]) -> Option<Shown> {
    let room = area.width.checked_sub(4)?;
    if menu.items.iter().all(|item| fits(item, room)) {
        return None;
    }
    let text = room.saturating_sub(KEY);
    let rows: Vec<(Vec<&str>, Vec<&str>)> = menu.items.iter().map(|item| whole(item, room, text)).collect();
    let lines = rows.iter().map(|(label, why)| label.len() + why.len()).sum::<usize>() + notes.len() + 2;
    let wanted = u16::try_from(lines).ok().filter(|lines| *lines <= area.height)?;
    let inner = window(ui, buf, low(area, wanted), &menu.title, &[(Command::Back, "back")]);
    let mut line = 0;
    for note in notes {
        Pen::new(buf, inner, line).put(note, ui.of(Role::Muted));
        line += 1;
    }
    for (index, (item, (label, why))) in menu.items.iter().zip(&rows).enumerate() {
        let first = line;
        if why.is_empty() && label.len() == 1 {
            row(ui, &mut Pen::new(buf, inner, line), item, width(&item.label), false);
            line += 1;
        } else {
            let on = item.disabled.is_some();
            let key = item.key.map_or_else(String::new, |key| key.to_string());
            let style = ui.of(if on { Role::Disabled } else { Role::Key });
            Pen::new(buf, inner, line).put(&key, style);
            for piece in label {
                let style = ui.of(if on { Role::Disabled } else { Role::Text });
                Pen::new(buf, inner, line).gap(KEY).put(piece, style);
                line += 1;
            }
            for (at, piece) in why.iter().enumerate() {
                let mark = if at == 0 { item.mark() } else { "  " };
                let mut pen = Pen::new(buf, inner, line);
                pen.gap(KEY).put(mark, ui.of(Role::Disabled)).put(piece, ui.of(Role::Disabled));
                line += 1;
            }
        }
        if index == menu.selected {
            for line in first..line {
                let row = ui::row(inner, line);
                let band = Rect { x: inner.x.saturating_sub(1), width: inner.width + 2, ..row };
                if line == first {
                    ui.select(buf, band);
                } else {
                    buf.set_style(band, ui.of(Role::Selection));
                }
            }
        }
    }
    Some(Shown { lines: inner.height, ..Shown::default() })
}

/// What a row says, broken into lines of its label and of its reason; the reason stands beside the label where both fit.
fn whole(item: &Item, room: u16, text: u16) -> (Vec<&str>, Vec<&str>) {
    let why = item.disabled.as_deref().filter(|why| !why.is_empty() && !fits(item, room));
    let why = why.map(|why| wrap(why, text.saturating_sub(2))).unwrap_or_default();
    (if fits(item, room) { vec![item.label.as_str()] } else { wrap(&item.label, text) }, why)
}

/// An item with its times in the zone that is shown.
fn local(ui: Ui<'_>, item: &Item) -> Item {
    let disabled = item.disabled.as_deref().map(|why| ui.local(why).into_owned());
    Item { label: ui.local(&item.label).into_owned(), disabled, ..item.clone() }
}

/// Tells whether a row of so many columns holds all that an item says.
fn fits(item: &Item, room: u16) -> bool {
    let key = item.key.map_or(0, |key| width(&key.to_string())).max(2);
    let why = item.disabled.as_deref().filter(|why| !why.is_empty()).map_or(0, |why| width(why) + 5);
    key + 1 + width(&item.label) + why <= room
}

/// `told` says that the reason stands below the list while the cursor is on the row.
fn row(ui: Ui<'_>, pen: &mut Pen<'_>, item: &Item, label: u16, told: bool) {
    let key = item.key.map_or_else(String::new, |key| key.to_string());
    let (on, text) = match item.disabled {
        None => (Role::Key, Role::Text),
        Some(_) => (Role::Disabled, Role::Disabled),
    };
    pen.column_of(&key, width(&key).max(2), ui.of(on)).gap(1);
    // Of a label as much stays as tells it from others; on a narrow screen its first words have to do.
    let named = if pen.room() < NARROW { 12 } else { 24 };
    match &item.disabled {
        // What speaks against it is read in full before what it does is.
        None => match item.label.split_once(AGAINST).filter(|_| width(&item.label) > pen.room()) {
            Some((does, against)) => {
                let against = format!("{AGAINST}{against}");
                let does = cut(does, pen.room().saturating_sub(width(&against)).max(named.min(10)));
                pen.put(&does, ui.of(text)).put(&against, ui.of(text))
            }
            None => pen.put(&item.label, ui.of(text)),
        },
        // The sentence above the list says why.
        Some(why) if why.is_empty() => pen.put(&item.label, ui.of(text)),
        // A few letters of a reason say nothing, nor do those of a label beside it.
        Some(why)
            if told
                && (pen.room() < named + 5 + width(why).min(LEAST)
                    || pen.room() < NARROW && pen.room() < width(&item.label) + 5 + width(why)) =>
        {
            let room = pen.room().saturating_sub(2);
            pen.column_of(&item.label, room, ui.of(text))
                .gap(1)
                .put(item.mark().trim(), ui.of(Role::Disabled))
        }
        Some(why) => {
            // The reason is read in full before the label is.
            let label = label.min(pen.room().saturating_sub(width(why) + 5).max(named));
            pen.column_of(&item.label, label, ui.of(text)).gap(3);
            pen.put(item.mark(), ui.of(Role::Disabled)).put(why, ui.of(Role::Disabled))
        }
    };
}
