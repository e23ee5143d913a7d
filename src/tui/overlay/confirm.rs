//! A yes-or-no question whose dangerous answer is never the default.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::paint::{Pen, width, wrap};
use super::super::theme::Role;
use super::super::ui::Ui;
use super::{Shown, low, wide, window};
use crate::cockpit::Command;
use crate::cockpit::msg::Item;
use crate::cockpit::overlay::Confirm;
use crate::text::visible_lines;

/// Most columns of its lines.
const COLUMNS: u16 = 100;

pub(super) fn draw(ui: Ui<'_>, buf: &mut Buffer, area: Rect, confirm: &Confirm) -> Shown {
    let columns = COLUMNS.min(area.width.saturating_sub(4));
    let body = visible_lines(if confirm.lapsed.is_empty() { &confirm.body } else { &confirm.lapsed });
    let lines: Vec<&str> = body.lines().flat_map(|line| wrap(line, columns)).collect();
    let against: Vec<(bool, &str)> = confirm
        .against
        .iter()
        .flat_map(|line| {
            wrap(line, columns.saturating_sub(2)).into_iter().enumerate().map(|(n, part)| (n == 0, part))
        })
        .collect();
    let count = |against: &[(bool, &str)]| u16::try_from(lines.len() + against.len()).unwrap_or(u16::MAX);
    // On a small screen all that speaks against it is worth more than a line for each, and than air.
    let joined = confirm.against.join("; ");
    let is_tight = count(&against).saturating_add(4 + u16::from(!against.is_empty())) > area.height;
    let against: Vec<(bool, &str)> = if is_tight && confirm.against.len() > 1 {
        let parts = wrap(&joined, columns.saturating_sub(2)).into_iter().enumerate();
        parts.map(|(n, part)| (n == 0, part)).collect()
    } else {
        against
    };
    let gap = u16::from(!against.is_empty() && !is_tight);
    let height = count(&against).saturating_add(3 + gap + u16::from(!is_tight));
    // What it is about stays in sight above it.
    let place = if is_tight { wide(area, height) } else { low(area, height) };
    let inner = window(ui, buf, place, &confirm.title, &[]);
    let text = Rect { height: inner.height.saturating_sub(1 + u16::from(!is_tight)), ..inner };
    let warn = ui.of(Role::Warn);
    let said = lines.iter().map(|words| ("", *words, ui.of(Role::Text)));
    let blank = (gap == 1).then_some(("", "", warn));
    let spoken = against.iter().map(|(first, words)| (if *first { "▲ " } else { "  " }, *words, warn));
    let all: Vec<_> = said.chain(blank).chain(spoken).collect();
    let room = usize::from(text.height);
    let shown = if all.len() > room { room.saturating_sub(1) } else { room };
    let top = confirm.scroll.top.min(all.len().saturating_sub(shown));
    for (line, (mark, words, style)) in all.iter().skip(top).take(shown).enumerate() {
        Pen::new(buf, text, line as u16).put(mark, *style).put(words, *style);
    }
    if all.len() > room {
        // Nothing that speaks against it is left out in silence.
        let below = all.len() - shown - top;
        let hidden = || against.iter().rev().take(below);
        let more = if is_tight && below > 0 && confirm.against.len() > 1 {
            // The last one that is begun is not read whole.
            1 + hidden().map(|(_, words)| words.matches(';').count()).sum::<usize>()
        } else {
            hidden().filter(|(first, _)| *first).count()
        };
        let words = match (below, more) {
            (0, _) => "… ↑".to_owned(),
            (_, 0) => "… ↓".to_owned(),
            (_, more) => format!("… and {more} more ↓"),
        };
        Pen::new(buf, text, shown as u16).put(&words, warn);
    }
    keys(ui, buf, inner, confirm);
    Shown { lines: inner.height, top, ..Shown::default() }
}

/// The keys, those that answer nothing on a line of their own where one is too narrow for all.
fn keys(ui: Ui<'_>, buf: &mut Buffer, inner: Rect, confirm: &Confirm) {
    if !confirm.lapsed.is_empty() {
        let mut pen = Pen::new(buf, inner, inner.height.saturating_sub(1));
        pen.put(&ui.key(Command::Back), ui.of(Role::Key)).gap(1).put("close", ui.of(Role::Text));
        return;
    }
    let key = |item: &Item| item.key.map_or_else(String::new, |key| key.to_string());
    let taken = |key: &str, label: &str| width(key) + width(label) + 5;
    let more: u16 = confirm.more.iter().map(|item| taken(&key(item), &item.label)).sum();
    let answers = taken("y", &confirm.yes) + taken("esc", confirm.no);
    let last = inner.height.saturating_sub(1);
    let apart = more + answers > inner.width + 4;
    let mut pen = Pen::new(buf, inner, last);
    pen.put("y", ui.of(Role::Key)).gap(1).put(&confirm.yes, ui.of(Role::Bad)).gap(4);
    if !apart {
        others(ui, &mut pen, confirm);
    }
    pen.put("esc", ui.of(Role::Key)).gap(1).put(confirm.no, ui.of(Role::Text));
    if apart {
        others(ui, &mut Pen::new(buf, inner, last.saturating_sub(1)), confirm);
    }
}

fn others(ui: Ui<'_>, pen: &mut Pen<'_>, confirm: &Confirm) {
    for item in &confirm.more {
        let key = item.key.map_or_else(String::new, |key| key.to_string());
        pen.put(&key, ui.of(Role::Key)).gap(1).put(&item.label, ui.of(Role::Text)).gap(4);
    }
}
