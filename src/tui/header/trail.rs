//! The trail of phases, and who has which role behind it: as much of both as one line holds. What has no room is
//! counted.

use jiff::SignedDuration;

use super::super::paint::width;
use super::super::theme::Role;
use super::super::ui::Ui;
use super::due::used_up;
use super::{behind, covered, is_put_off, minutes, status};
use crate::cockpit::Command;
use crate::incident::{Phase, State, detected_late, phase_since};

/// Words with how they look.
pub(super) type Parts = Vec<(String, Role)>;

/// The phases in so many columns, of which some are wanted for who leads: all of them; else without how long the one
/// now may take; else those around it, with how many are left out at either end.
pub(super) fn fitting(ui: Ui<'_>, state: &State, room: u16, wanted: u16) -> Parts {
    let each: Vec<Parts> = Phase::ALL.into_iter().map(|phase| part(ui, state, phase)).collect();
    let here = Phase::ALL.into_iter().position(|phase| phase == state.phase).unwrap_or_default();
    let mut brief = each.clone();
    if let Some(parts) = brief.get_mut(here) {
        parts.truncate(BRIEF);
    }
    let fits = |parts: &Parts| columns(parts) + wanted <= room;
    // From both ends, those that are over first.
    let around = |each: &[Parts]| -> Vec<Parts> {
        let last = each.len();
        let cuts =
            (0..=here).map(|before| (before, last)).chain((here + 1..last).rev().map(|end| (here, end)));
        cuts.map(|(before, end)| joined(each, before, end)).collect()
    };
    let (whole, brief) = (around(&each), around(&brief));
    let all = [&whole[..1], &brief[..1], &whole[1..], &brief[1..]].concat();
    all.iter().find(|parts| fits(parts)).or(all.last()).cloned().unwrap_or_default()
}

/// How much of the phase now is kept where there is little room: its name, and for how long it has been.
const BRIEF: usize = 3;

/// The phases from one to before another, with what is left out at either end counted.
fn joined(each: &[Parts], from: usize, to: usize) -> Parts {
    let mut parts = Parts::new();
    // Not a dash: beside the mark of a phase that was skipped it would be half of one.
    let next = |parts: &mut Parts, more: Parts| {
        if !parts.is_empty() {
            parts.push((" › ".to_owned(), Role::Border));
        }
        parts.extend(more);
    };
    if from > 0 {
        next(&mut parts, vec![(format!("{from} before"), Role::PhaseDone)]);
    }
    for part in each.iter().take(to).skip(from) {
        next(&mut parts, part.clone());
    }
    if to < each.len() {
        next(&mut parts, vec![(format!("+{}", each.len() - to), Role::PhaseTodo)]);
    }
    parts
}

fn columns(parts: &Parts) -> u16 {
    parts.iter().map(|(text, _)| width(text)).sum()
}

fn part(ui: Ui<'_>, state: &State, phase: Phase) -> Parts {
    let name = ui.model.policy.phase_name(phase).to_owned();
    let of = |mark: &str, role: Role, named: Role| vec![(mark.to_owned(), role), (name, named)];
    if phase == state.phase && state.is_open() {
        now(ui, state)
    } else if phase == Phase::Respond && state.phase > phase && is_put_off(ui, state) {
        of("▲ ", Role::Warn, Role::PhaseTodo)
    } else if (phase <= state.phase || !state.is_open())
        && state.phases.iter().any(|(entered, _)| *entered == phase)
    {
        of("✓ ", Role::Good, Role::PhaseDone)
    } else if phase < state.phase || !state.is_open() {
        of("– ", Role::Faint, Role::PhaseTodo)
    } else {
        of("· ", Role::Faint, Role::PhaseTodo)
    }
}

/// The phase now: `▶ DEVELOP 17m of 90m`.
pub(super) fn now(ui: Ui<'_>, state: &State) -> Parts {
    if !state.is_open() {
        let (word, role) = status(ui, state);
        return vec![(word.to_owned(), role)];
    }
    let name = ui.model.policy.phase_name(state.phase).to_uppercase();
    let mut parts = vec![("▶ ".to_owned(), Role::Accent), (name, Role::PhaseNow)];
    let (Some(since), Some(policy)) = (phase_since(state), ui.model.policy.phase(state.phase)) else {
        return parts;
    };
    // What was over before anybody could know of it is no clock that runs.
    if let Some(late) = detected_late(state, &ui.model.policy).filter(|_| state.phase == Phase::Detect) {
        parts.push((format!(" detected {} late", minutes(late)), Role::Overdue));
        return parts;
    }
    let used = ui.model.now.duration_since(since).max(SignedDuration::ZERO);
    let role = used_up(used, policy.budget);
    parts.push((format!(" {}", minutes(used)), role));
    parts.push((" of ".to_owned(), Role::Faint));
    parts.push((minutes(policy.budget), if role == Role::Overdue { role } else { Role::Clock }));
    parts
}

/// Who has which role in so many columns: `IC maya · lead omar · +2 [w]`. `None`: there is no room for the first.
pub(super) fn people(ui: Ui<'_>, roles: &[String], room: u16) -> Option<String> {
    let is_vacant = ui.model.incident().is_some_and(|state| state.roles.is_empty());
    let keys = ui.keys(Command::Incident, Command::Role);
    (1..=roles.len()).rev().find_map(|kept| {
        let left = roles.len() - kept;
        let text = roles[..kept].join(" · ");
        let more = if left > 0 { format!(" · +{left}") } else { String::new() };
        // Where nobody has a role the key that gives one stands behind it, else the one that shows all.
        let key = match (left > 0, is_vacant) {
            (true, _) => behind(ui, Command::Team),
            (false, true) if !covered(ui) => format!(" [{keys}]"),
            (false, _) => String::new(),
        };
        [format!("{text}{more}{key}"), format!("{text}{more}")].into_iter().find(|text| width(text) <= room)
    })
}
