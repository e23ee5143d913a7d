//! What is next and the key that does it, as there is room for it.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::super::paint::{Pen, width, wrap};
use super::super::theme::Role;
use super::super::ui::{Ui, below, inset};
use crate::cockpit::Command;
use crate::cockpit::overlay::{Overlay, PlanView};
use crate::cockpit::update::menus;
use crate::incident::{Next, QUICKER};
use crate::text::visible;

/// What comes then is shown where there is at least this much room for it; its end may be cut.
const THEN: u16 = 40;

/// What is said where no step is left.
fn nothing(ui: Ui<'_>) -> String {
    let left = ui.model.incident().map_or(0, |state| state.open_follow_ups().count());
    match left {
        0 if ui.model.incident().is_some_and(|state| state.back_without_fix().is_some()) => {
            "nothing is left to do here; no fix has shipped".to_owned()
        }
        0 => "nothing is left to do".to_owned(),
        1 => "nothing is left to do but 1 follow-up".to_owned(),
        open => format!("nothing is left to do but {open} follow-ups"),
    }
}

/// What is next and the key that does it, and what comes then.
pub(super) fn next(ui: Ui<'_>, buf: &mut Buffer, line: Rect, then: bool) {
    ui.fill(buf, line, Role::Next);
    let mut pen = Pen::new(buf, line, 0);
    pen.right_gap(1);
    pen.gap(1).put("NEXT", ui.of(Role::NextLabel)).gap(2);
    let plain = ui.of(Role::Next);
    let Some((first, keys)) = ui.model.derived.next.first() else {
        pen.put(&nothing(ui), plain);
        return;
    };
    let has_room = |with: &str| {
        let second = ui.model.derived.next.get(1).map_or(0, |(second, _)| width(&second.title) + width(with));
        then && width(&words(ui, first)) + width(keys) + second + 18 <= pen.room()
    };
    if let Some((flag, with)) = quicker(ui).filter(|(_, with)| !has_room(with)) {
        // What serves users sooner has its room on every screen.
        let kept = width(&flag) + width(with) + 6;
        let mut before = Pen::new(buf, Rect { width: line.width.saturating_sub(kept), ..line }, 0);
        before.gap(7);
        step(ui, &mut before, &words(ui, first), keys, plain);
        let used = line.width.saturating_sub(kept + before.room());
        let mut rest = Pen::new(buf, Rect { x: line.x + used, width: line.width - used, ..line }, 0);
        rest.gap(2);
        step(ui, &mut rest, &flag, with, ui.of(Role::NextThen));
        return;
    }
    step(ui, &mut pen, &words(ui, first), keys, plain);
    if let Some((second, keys)) = ui.model.derived.next.get(1).filter(|_| then)
        && pen.room() > THEN
    {
        pen.gap(4).put("then", ui.of(Role::NextThen)).gap(2);
        // Where there is no room, what it ends with is read when it is its turn.
        let whole = second.title.as_str();
        let fits = width(whole) + width(keys) + 4 <= pen.room();
        // Whom to ask stands in the menu of the key.
        let approval = whole
            .strip_suffix(" to approve")
            .map(|_| if whole.starts_with("wait ") { "wait for approval" } else { "ask for approval" });
        let brief = whole.strip_suffix(", then record it").or(approval);
        let title = brief.filter(|_| !fits).unwrap_or(whole);
        step(ui, &mut pen, title, keys, ui.of(Role::NextThen));
    }
}

/// The flag that is quicker than what waits, with its key: `or turn loyalty off`.
fn quicker(ui: Ui<'_>) -> Option<(String, &str)> {
    let (second, keys) = ui.model.derived.next.get(1)?;
    let flag = second.title.strip_prefix(QUICKER)?;
    Some((format!("or {}", flag.strip_suffix(", proven ready").unwrap_or(flag)), keys))
}

/// What is next, and how late it is.
fn words(ui: Ui<'_>, next: &Next) -> String {
    match next.due_at.filter(|due| next.overdue && *due < ui.model.now) {
        Some(due) => format!("overdue {}: {}", ui.ago(due), next.title),
        None => next.title.clone(),
    }
}

/// Those of the keys that lead to a step which do something now: in the cockpit all, in a menu on the way what is
/// left of them, and in other windows none but those that they take themselves.
fn acting<'a>(ui: Ui<'_>, keys: &'a str) -> &'a str {
    let takes = |command| keys == ui.key(command);
    let acts = match ui.model.overlays.last() {
        None => true,
        Some(Overlay::Menu(menu)) if ui.model.overlays.len() == 1 => {
            let opened = menus::path(ui.model, &menu.command.into());
            let rest = keys.strip_prefix(&*opened).and_then(|rest| rest.strip_prefix(' '));
            return rest.unwrap_or_default();
        }
        Some(Overlay::Run(_)) => takes(Command::Answer),
        Some(Overlay::Plan(view)) => {
            let run = ui.model.incident().and_then(|state| state.plan(&view.plan));
            takes(Command::RollBack) && run.is_some_and(|run| PlanView::to_roll_back(run, ui.model).is_some())
        }
        Some(_) => false,
    };
    if acts { keys } else { "" }
}

pub(super) fn step(ui: Ui<'_>, pen: &mut Pen<'_>, title: &str, keys: &str, style: Style) {
    let kept = if keys.is_empty() { 0 } else { width(keys) + 4 };
    let title = &*ui.local(title);
    let room = pen.room().saturating_sub(kept);
    let title = shorter(title, room);
    pen.column_of(title, width(title).min(room), style);
    // Where they do nothing their room stays: no word moves because a window opens.
    let shown = acting(ui, keys);
    if !shown.is_empty() {
        let frame = ui.of(Role::NextThen);
        pen.gap(2).put("[", frame).put(shown, ui.of(Role::NextKey)).put("]", frame);
    }
    let used = if shown.is_empty() { 0 } else { width(shown) + 4 };
    pen.gap(kept.saturating_sub(used));
}

/// What is next without what can be done without, where not all of it fits: what is added behind a comma, then why it
/// comes first. As it is where even that is too long.
fn shorter(title: &str, room: u16) -> &str {
    let fits = |text: &&str| width(text) <= room;
    let heads = |text| std::iter::successors(Some(text), |text: &&str| Some(text.rsplit_once(", ")?.0));
    let without = title.strip_prefix("mitigate first: ").unwrap_or(title);
    heads(title).find(fits).or_else(|| heads(without).find(fits)).unwrap_or(title)
}

/// Most lines of what is next on a small screen.
const MOST_LINES: u16 = 3;

/// What is next, on as many lines as it takes.
pub(super) struct Wrapped<'a> {
    keys: &'a str,
    lines: Vec<String>,
    /// What is quicker, with its key, on a line of its own.
    quicker: Option<(String, &'a str)>,
}

impl<'a> Wrapped<'a> {
    pub(super) fn of(ui: Ui<'a>, columns: u16) -> Self {
        let (title, keys) = match ui.model.derived.next.first() {
            Some((next, keys)) => (words(ui, next), keys.as_str()),
            None => (nothing(ui), ""),
        };
        let title = ui.local(&title);
        let title = visible(&title);
        let title = if wrap(&title, columns).len() > usize::from(MOST_LINES) {
            shorter(&title, MOST_LINES * columns.saturating_sub(8))
        } else {
            &title
        };
        let lines = wrap(title, columns).into_iter().take(MOST_LINES.into()).map(str::to_owned).collect();
        Self { keys, lines, quicker: quicker(ui) }
    }

    pub(super) fn height(&self) -> u16 {
        self.lines.len() as u16 + 1 + u16::from(self.quicker.is_some())
    }

    /// Draws it; returns what is left below.
    pub(super) fn draw(&self, ui: Ui<'_>, buf: &mut Buffer, area: Rect) -> Rect {
        let inner = inset(area, 1);
        let height = self.height().min(area.height);
        ui.fill(buf, Rect { height, ..area }, Role::Next);
        let mut pen = Pen::new(buf, inner, 0);
        pen.put("NEXT", ui.of(Role::NextLabel));
        if !self.keys.is_empty() {
            pen.gap(2).put(self.keys, ui.of(Role::NextKey));
        }
        for (line, text) in self.lines.iter().enumerate() {
            Pen::new(buf, Rect { height, ..inner }, line as u16 + 1).put(text, ui.of(Role::Next));
        }
        if let Some((flag, keys)) = &self.quicker {
            let mut pen = Pen::new(buf, Rect { height, ..inner }, self.lines.len() as u16 + 1);
            pen.put(flag, ui.of(Role::NextThen)).gap(2).put(keys, ui.of(Role::NextKey));
        }
        below(area, height)
    }
}
