//! What is due and when, in as many words as there is room for.

use jiff::SignedDuration;

use super::super::paint::{cut, width};
use super::super::theme::Role;
use super::super::ui::{self, Ui};
use crate::incident::{Clock, ClockState, duration};

/// Most columns of what people typed.
const TYPED: u16 = 36;

/// What is due and when: `fix due in 1h12m`, or `page on-call overdue 4m12s`.
pub(super) struct Due {
    /// What comes before the time: `tell stakeholders in`.
    what: String,
    /// The same in as few words as say what to do: `objections in`.
    brief: String,
    /// The time, which is never cut.
    time: String,
    /// The same without its seconds.
    minutes: String,
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
        let (is_late, length) = match clock.due_at.duration_since(now) {
            left if clock.state == ClockState::Overdue || !left.is_positive() => (true, -left),
            left => (false, left),
        };
        // What is due is said to be, as briefly as can be: a fix in an hour is no deadline.
        let brief = match clock.id.as_str() {
            "proposal" => "objections".to_owned(),
            "task" => owner.to_owned(),
            _ => said.clone(),
        };
        let (time, minutes) = (duration(length), ui::minutes(length));
        if is_late {
            let is_snoozed = ui.model.incident().is_some_and(|state| state.snoozed(&clock.id, now).is_some());
            let snoozed = if is_snoozed { ", snoozed" } else { "" };
            let role = if is_snoozed { Role::ClockSoon } else { Role::Overdue };
            let brief = brief.strip_suffix(" due").unwrap_or(&brief);
            return Self {
                what: format!("{title} overdue"),
                brief: format!("{brief} overdue"),
                time: format!("{time}{snoozed}"),
                minutes: format!("{minutes}{snoozed}"),
                role,
            };
        }
        let whole = clock.due_at.duration_since(clock.from);
        let role = used_up(now.duration_since(clock.from), whole);
        Self { what: format!("{said} in"), brief: format!("{brief} in"), time, minutes, role }
    }

    /// As short as it may be.
    pub(super) fn brief(&self) -> String {
        format!("{} {}", self.brief, self.minutes)
    }

    fn text(&self, (words, time): Measure) -> String {
        let words = if words == Words::All { &self.what } else { &self.brief };
        format!("{words} {}", if time == Time::Seconds { &self.time } else { &self.minutes })
    }

    /// As much of it as so many columns hold: words give way, the time does not.
    pub(super) fn within(&self, room: u16) -> String {
        let fits = MEASURES.iter().map(|measure| self.text(*measure)).find(|text| width(text) <= room);
        fits.unwrap_or_else(|| match room.checked_sub(width(&self.minutes) + 1) {
            Some(left) if left > 1 => format!("{} {}", cut(&self.brief, left), self.minutes),
            _ => self.minutes.clone(),
        })
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Words {
    All,
    Few,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Time {
    Seconds,
    Minutes,
}

/// How one line says all of its clocks, so that their times can be compared.
type Measure = (Words, Time);

/// The best first: the time to a second is worth more than a word that can be done without.
const MEASURES: [Measure; 4] = [
    (Words::All, Time::Seconds),
    (Words::Few, Time::Seconds),
    (Words::All, Time::Minutes),
    (Words::Few, Time::Minutes),
];

/// As many of them as so many columns hold, the most urgent first, all in one measure; how many are left out
/// is said, with the keys that list them.
/// `None`: there is not even room for the first.
pub(super) fn fitting(dues: &[Due], room: u16, keys: &str) -> Option<Vec<(String, Role)>> {
    let said = |kept: usize, measure: Measure, left: &str| {
        let (shown, rest) = dues.split_at(kept);
        let mut texts: Vec<(String, Role)> = shown.iter().map(|due| (due.text(measure), due.role)).collect();
        texts.extend(rest.first().map(|worst| (format!("+{}{left}", rest.len()), worst.role)));
        let columns = texts.iter().map(|(text, _)| width(text) + 3).sum::<u16>().saturating_sub(3);
        (columns <= room).then_some(texts)
    };
    let best = |kept: usize| {
        let left = left_out(dues.len() - kept);
        // Where there is room the key that lists them stands behind it.
        let listed = format!("{left}{}", if keys.is_empty() { String::new() } else { format!(" [{keys}]") });
        let with = |measure: &Measure| said(kept, *measure, &listed).or_else(|| said(kept, *measure, left));
        MEASURES.iter().find_map(with)
    };
    // A bare number says nothing: without room for its word the first stands alone.
    let first = dues.first().filter(|due| width(&due.brief()) <= room);
    let alone = || first.map(|due| vec![(due.within(room), due.role)]);
    (1..=dues.len()).rev().find_map(best).or_else(alone)
}

fn left_out(count: usize) -> &'static str {
    if count == 1 { " clock" } else { " clocks" }
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
