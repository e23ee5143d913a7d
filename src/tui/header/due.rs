//! What is due and when, in as many words as there is room for.

use jiff::SignedDuration;

use super::super::paint::{cut, width};
use super::super::theme::Role;
use super::super::ui::Ui;
use crate::incident::{Clock, ClockState, duration};

/// What is due and when: `fix due in 1h12m`, or `fix overdue 4m12s`.
pub(super) struct Due {
    /// What comes before the time: `tell stakeholders within`.
    what: String,
    /// The same in as few words as can be: `stakeholders in`.
    brief: String,
    /// The time, which is never cut.
    time: String,
    /// How it looks: near its end, or past it.
    pub(super) role: Role,
}

impl Due {
    pub(super) fn of(ui: Ui<'_>, clock: &Clock) -> Self {
        let now = ui.model.now;
        let title = clock.title.strip_suffix(" due").unwrap_or(&clock.title);
        let verbs = ["tell ", "notify ", "page ", "escalate to "];
        let brief = verbs.iter().find_map(|verb| title.strip_prefix(verb)).unwrap_or(title);
        if clock.state == ClockState::Overdue || clock.due_at <= now {
            let late = duration(now.duration_since(clock.due_at));
            let is_snoozed = ui.model.incident().is_some_and(|state| state.snoozed(&clock.id, now).is_some());
            let (time, role) = if is_snoozed {
                (format!("{late}, snoozed"), Role::ClockSoon)
            } else {
                (late, Role::Overdue)
            };
            return Self { what: format!("{title} overdue"), brief: format!("{brief} overdue"), time, role };
        }
        let whole = clock.due_at.duration_since(clock.from);
        let role = used_up(now.duration_since(clock.from), whole);
        // What is due comes; what is to be done is done by then.
        let comes = clock.id == "executives" || clock.title.ends_with(" due");
        let until = if comes { "in" } else { "within" };
        let time = duration(clock.due_at.duration_since(now));
        Self { what: format!("{} {until}", clock.title), brief: format!("{brief} in"), time, role }
    }

    pub(super) fn whole(&self) -> String {
        format!("{} {}", self.what, self.time)
    }

    pub(super) fn brief(&self) -> String {
        format!("{} {}", self.brief, self.time)
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
/// many are is said. `None`: there is not even room for the first.
pub(super) fn fitting(dues: &[Due], room: u16) -> Option<Vec<(String, Role)>> {
    let wide = |texts: &[(String, Role)]| {
        texts.iter().map(|(text, _)| width(text) + 3).sum::<u16>().saturating_sub(3) <= room
    };
    let whole: Vec<(String, Role)> = dues.iter().map(|due| (due.whole(), due.role)).collect();
    if wide(&whole) {
        return Some(whole);
    }
    let brief: Vec<(String, Role)> = dues.iter().map(|due| (due.brief(), due.role)).collect();
    (1..=brief.len()).rev().find_map(|kept| {
        let mut texts: Vec<(String, Role)> = brief[..kept].to_vec();
        let left = &dues[kept..];
        if let Some(worst) = left.first() {
            texts.push((format!("+{}", left.len()), worst.role));
        }
        wide(&texts).then_some(texts)
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
