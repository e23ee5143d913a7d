//! The manual checklist: what somebody has to look at, and who did.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::super::glyph;
use super::super::paint::{Pen, width, wrap};
use super::super::theme::Role;
use super::super::ui::Ui;
use super::{empty, frame, mark, window};
use crate::cockpit::{Command, Pane};
use crate::incident::{Before, CheckState, ChecklistItem, Tick};
use crate::text::visible;

/// Columns that the title of the pane takes beside its counts.
const TITLE: u16 = 20;

/// Of how many open items somebody looked at an earlier fix only, and what that is called: those say nothing
/// about what is at hand.
fn earlier(ui: Ui<'_>) -> Option<(usize, String)> {
    let items = ui.model.checklist().iter();
    let before: Vec<&Before> = items.filter_map(|item| tick(ui, item)?.before.as_ref()).collect();
    let last = before.last()?;
    let same = before.iter().all(|before| before.fix == last.fix);
    let fix = if same { &last.fix } else { "earlier fixes" };
    Some((before.len(), format!("{} only for {fix}", before.len())))
}

/// How many items are done with (passed or not applicable), failed, and there in all.
fn counts(ui: Ui<'_>) -> (usize, usize, usize) {
    let state = |item: &ChecklistItem| tick(ui, item).map_or(CheckState::Open, |tick| tick.state);
    let (mut done, mut failed) = (0, 0);
    for item in ui.model.checklist() {
        match state(item) {
            CheckState::Passed | CheckState::Na => done += 1,
            CheckState::Failed => failed += 1,
            CheckState::Open => {}
        }
    }
    (done, failed, ui.model.checklist().len())
}

fn tick<'a>(ui: Ui<'a>, item: &ChecklistItem) -> Option<&'a Tick> {
    ui.model.incident()?.ticks.get(&item.id)
}

/// Who looks at an item: a role with whoever has it now.
fn assigned(ui: Ui<'_>, item: &ChecklistItem) -> Option<String> {
    let state = ui.model.incident()?;
    let to = state.assigned.get(&item.id)?;
    Some(match state.roles.get(to) {
        Some(person) => person.clone(),
        None => ui.model.policy.role_title(to).to_owned(),
    })
}

pub(super) fn draw(ui: Ui<'_>, buf: &mut Buffer, area: Rect) -> Rect {
    let (done, failed, all) = counts(ui);
    let count = format!("{done} of {all}");
    let bad = format!(" · {failed} ✗");
    let role = if all > 0 && done == all { Role::Good } else { Role::Faint };
    let mut label: Vec<(&str, Style)> = vec![(&count, ui.of(role))];
    if failed > 0 {
        label.push((&bad, ui.of(Role::Bad)));
    }
    let taken = width(&count) + if failed > 0 { width(&bad) } else { 0 };
    let earlier = earlier(ui).map(|(items, only)| {
        let whole = format!(" · ▲ {only}");
        // The rows tell for which fix.
        if TITLE + taken + width(&whole) <= area.width { whole } else { format!(" · ▲ {items} stale") }
    });
    if let Some(earlier) = &earlier {
        label.push((earlier, ui.of(Role::Warn)));
    }
    let body = frame(ui, buf, area, Pane::Checklist, &label);
    let rows = ui.model.checklist_rows().count();
    if rows == 0 {
        let hint = format!("press {} to see all", ui.key(Command::Back));
        let lines = if all == 0 {
            ["the checklist is empty", "list items in flightdeck.toml"]
        } else {
            ["no item contains this", &hint]
        };
        empty(ui, buf, body, &lines);
        return body;
    }
    // The hint of the item gets the last lines where there are some to spare.
    let spare = usize::from(body.height).saturating_sub(rows + 1);
    let (_, cursor) = window(ui, Pane::Checklist, rows, body.height);
    let item = ui.model.checklist_rows().nth(cursor).filter(|_| ui.model.focus == Pane::Checklist);
    let hint = visible(item.map_or("", |(_, item)| item.hint.as_str()));
    let hint: Vec<&str> = wrap(&hint, body.width).into_iter().take(spare).collect();
    let list = Rect { height: body.height - hint.len() as u16, ..body };
    for (line, words) in (list.height..).zip(&hint) {
        Pen::new(buf, body, line).put(words, ui.of(Role::Faint));
    }
    let (top, cursor) = window(ui, Pane::Checklist, rows, list.height);
    let digits = width(&all.to_string());
    for (line, (row, (number, item))) in
        ui.model.checklist_rows().enumerate().skip(top).take(usize::from(list.height)).enumerate()
    {
        let line = line as u16;
        item_row(ui, &mut Pen::new(buf, list, line), number, item, digits);
        mark(ui, buf, list, line, Pane::Checklist, row == cursor);
    }
    list
}

fn item_row(ui: Ui<'_>, pen: &mut Pen<'_>, number: usize, item: &ChecklistItem, digits: u16) {
    let tick = tick(ui, item);
    let state = tick.map_or(CheckState::Open, |tick| tick.state);
    let again = state == CheckState::Open && tick.is_some_and(|tick| tick.before.is_some());
    let (symbol, role) = if again { ("▲", Role::Warn) } else { glyph::check(state) };
    let word = match state {
        CheckState::Failed => "failed",
        CheckState::Na => "not applicable",
        CheckState::Open if again => "look again",
        CheckState::Open | CheckState::Passed => "",
    };
    let note = tick.map(Tick::remark).unwrap_or_default();
    let colon = if word.is_empty() || note.is_empty() { "" } else { ": " };
    let why = format!("{word}{colon}{note}");
    let taken = digits + 3 + width(&item.title) + if why.is_empty() { 0 } else { 2 + width(&why) };
    if let Some(tick) = tick.filter(|tick| tick.state != CheckState::Open) {
        // Why is read before when, and that before by whom.
        let free = if why.is_empty() { pen.room() } else { pen.room().saturating_sub(taken) };
        let clock = ui.minute(tick.at);
        if free > width(&clock) + 1 {
            pen.right(&clock, ui.of(Role::Time));
            pen.right_gap(1);
            let free = free - width(&clock) - 1;
            if tick.by != ui.model.me && width(&tick.by) < (pen.room() / 4).min(free) {
                pen.right(&tick.by, ui.of(Role::Author));
                pen.right_gap(1);
            }
        }
    }
    let to = assigned(ui, item).filter(|_| matches!(state, CheckState::Open | CheckState::Failed));
    if let Some(to) = to.map(|to| format!("→ {to}")).filter(|to| width(to) < pen.room() / 2) {
        pen.right(&to, ui.of(Role::Author));
        pen.right_gap(1);
    }
    pen.put(symbol, ui.of(role)).gap(1);
    pen.column_right(&number.to_string(), digits, ui.of(Role::Faint)).gap(1);
    let text = match state {
        CheckState::Open => Role::Text,
        CheckState::Failed => Role::Bad,
        CheckState::Passed | CheckState::Na => Role::Muted,
    };
    pen.put(&item.title, ui.of(text));
    // The mark says that it has to be looked at again; words that are cut say no more.
    if again && width(&why) + 2 > pen.room() {
        if width(word) + 2 <= pen.room() {
            pen.gap(2).put(word, ui.of(Role::Warn));
        }
        return;
    }
    if pen.room() > 8 && !why.is_empty() {
        pen.gap(2).put(word, ui.of(role_of(state)));
        if !note.is_empty() {
            pen.put(colon, ui.of(Role::Faint));
            pen.put(&note, ui.of(Role::Muted));
        }
    }
}

fn role_of(state: CheckState) -> Role {
    match state {
        CheckState::Failed => Role::Bad,
        CheckState::Open => Role::Warn,
        CheckState::Passed | CheckState::Na => Role::Faint,
    }
}

pub(super) fn summary(ui: Ui<'_>, pen: &mut Pen<'_>) {
    let (done, failed, all) = counts(ui);
    pen.put(&format!("{done} of {all}"), ui.of(Role::Text));
    if failed > 0 {
        pen.put(&format!(" · {failed} ✗ failed"), ui.of(Role::Bad));
    }
    if let Some((_, earlier)) = earlier(ui) {
        pen.put(&format!(" · ▲ {earlier}"), ui.of(Role::Warn));
    }
    let open = ui
        .model
        .checklist_in_order()
        .map(|(_, item)| item)
        .find(|item| tick(ui, item).is_none_or(|tick| tick.state == CheckState::Open));
    if let Some(item) = open {
        pen.gap(3).put("open: ", ui.of(Role::Faint)).put(&item.title, ui.of(Role::Muted));
    }
}
