//! What is due and when, in as many words as there is room for.

use jiff::SignedDuration;

use super::super::paint::{cut, width};
use super::super::theme::Role;
use super::super::ui::{self, Ui};
use crate::incident::{Clock, ClockState, duration};

/// Most columns of what people typed.
const TYPED: u16 = 36;

/// What is due and when: `fix due in 1h12m`, or `fix overdue 4m12s`.
pub(super) struct Due {
    /// What comes before the time: `tell stakeholders within`.
    what: String,
    /// The same in as few words as can be: `stakeholders in`.
    brief: String,
    /// The time, which is never cut.
    time: String,
    /// The same with its largest unit only.
    short: String,
    /// How it looks: near its end, or past it.
    pub(super) role: Role,
}

impl Due {
    pub(super) fn of(ui: Ui<'_>, clock: &Clock) -> Self {
        let now = ui.model.now;
        // What people typed may be long: whose it is, or what it asks for, says enough.
        let typed = ["proposal", "task"].contains(&clock.id.as_str());
        let (owner, _) = clock.title.split_once(": ").unwrap_or((&clock.title, ""));
        let said = if typed { cut(&clock.title, TYPED) } else { clock.title.clone() };
        let title = said.strip_suffix(" due").unwrap_or(&said);
        let verbs = ["tell ", "notify ", "page ", "escalate to "];
        let brief = match clock.id.as_str() {
            "proposal" => "objections",
            "task" => owner,
            _ => verbs.iter().find_map(|verb| title.strip_prefix(verb)).unwrap_or(title),
        };
        if clock.state == ClockState::Overdue || clock.due_at <= now {
            let late = now.duration_since(clock.due_at);
            let (late, short) = (duration(late), ui::short(late));
            let is_snoozed = ui.model.incident().is_some_and(|state| state.snoozed(&clock.id, now).is_some());
            let (time, role) = if is_snoozed {
                (format!("{late}, snoozed"), Role::ClockSoon)
            } else {
                (late, Role::Overdue)
            };
            return Self {
                what: format!("{title} overdue"),
                brief: format!("{brief} overdue"),
                time,
                short,
                role,
            };
        }
        let whole = clock.due_at.duration_since(clock.from);
        let role = used_up(now.duration_since(clock.from), whole);
        // What is due comes; what is to be done is done by then.
        let comes = clock.id == "executives" || clock.title.ends_with(" due");
        let until = if comes { "in" } else { "within" };
        let left = clock.due_at.duration_since(now);
        let (time, short) = (duration(left), ui::short(left));
        Self { what: format!("{said} {until}"), brief: format!("{brief} in"), time, short, role }
    }

    pub(super) fn whole(&self) -> String {
        format!("{} {}", self.what, self.time)
    }

    pub(super) fn brief(&self) -> String {
        format!("{} {}", self.brief, self.time)
    }

    fn shortest(&self) -> String {
        format!("{} {}", self.brief, self.short)
    }

    /// As much of it as so many columns hold: words give way, the time does not.
    pub(super) fn within(&self, room: u16) -> String {
        let all = [self.whole(), self.brief()];
        let fits = all.into_iter().find(|text| width(text) <= room);
        fits.unwrap_or_else(|| match room.checked_sub(width(&self.time) + 1) {
            Some(left) if left > 1 => format!("{} {}", cut(&self.brief, left), self.time),
            _ => self.time.clone(),
        })
    }
}

/// As many of them as so many columns hold, the most urgent first: words give way before any is left out, and how
/// many are is said. What room is left then goes to the words of the first ones. `None`: there is not even room for
/// the first.
pub(super) fn fitting(dues: &[Due], room: u16) -> Option<Vec<(String, Role)>> {
    let fits = |texts: &[(String, Role)]| {
        texts.iter().map(|(text, _)| width(text) + 3).sum::<u16>().saturating_sub(3) <= room
    };
    (1..=dues.len()).rev().find_map(|kept| {
        let (shown, left) = dues.split_at(kept);
        let more = |long: bool| {
            let word = if long { " more" } else { "" };
            left.first().map(|worst| (format!("+{}{word}", left.len()), worst.role))
        };
        let mut texts: Vec<(String, Role)> = shown.iter().map(|due| (due.shortest(), due.role)).collect();
        texts.extend(more(false));
        if !fits(&texts) {
            return None;
        }
        let mut widen = |place: usize, text: String| {
            let before = std::mem::replace(&mut texts[place].0, text);
            if !fits(&texts) {
                texts[place].0 = before;
            }
        };
        for (place, due) in shown.iter().enumerate() {
            widen(place, due.brief());
        }
        if let Some((text, _)) = more(true) {
            widen(kept, text);
        }
        for (place, due) in shown.iter().enumerate() {
            widen(place, due.whole());
        }
        Some(texts)
    })
}

/// A clock turns in its last quarter, and again when it has run out.
pub(super) fn used_up(used: SignedDuration, whole: SignedDuration) -> Role {
    if used >= whole {
        Role::Overdue
    } else if (whole - used) * 4 <= whole {
        Role::ClockSoon
    } else {
        Role::Clock
    }
}
