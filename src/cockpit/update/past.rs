//! Looking back at incidents: their pages, and what ends a follow-up.

use jiff::civil::Date;

use super::super::commands::{Command, Scope};
use super::super::complete::spelled;
use super::super::key::Key;
use super::super::model::{ConfigSource, Model};
use super::super::msg::{Effect, EffectId};
use super::super::overlay::{Overlay, Purpose};
use super::super::past::{Leaf, PastRow, PastView};
use super::invoke::{self, ask};
use super::{Cx, menus, windows};
use crate::incident::{Body, Draft, FollowUpChanged, FollowUpEnded, IncidentId, RecordId};
use crate::report::past::{By, Chronicle};
use crate::text::counted;

/// Opens the window at a page.
pub(super) fn open(cx: &mut Cx<'_>, leaf: Leaf) {
    cx.model.past.stale = true;
    cx.push(Overlay::Past(at(cx.model, leaf, 0)));
}

/// The window at a row of a page, or at the last one there is.
fn at(model: &Model, leaf: Leaf, row: usize) -> PastView {
    let (cursor, on) = match leaf {
        Leaf::FollowUps => {
            let left = model.left_to_do();
            let cursor = row.min(left.len().saturating_sub(1));
            (cursor, left.get(cursor).map(|one| one.follow_up.id))
        }
        Leaf::Incidents => (row.min(model.past_rows().len().saturating_sub(1)), None),
        // How far there is to go, the next frame tells.
        Leaf::Months | Leaf::Severities => (row, None),
    };
    PastView { leaf, cursor, on }
}

/// Looks at the incidents where that is shown and something was written since.
pub(super) fn keep_up(cx: &mut Cx<'_>) {
    let past = &cx.model.past;
    let is_shown = cx.model.log.is_none() || view(cx.model).is_some();
    if is_shown && cx.model.listed && past.stale && past.asked.is_none() && past.changing.is_empty() {
        let policy = Box::new(cx.model.policy.clone());
        cx.model.past.stale = false;
        cx.model.past.asked = Some(cx.effect("looking back", Effect::LookBackAt(policy)));
    }
}

/// Takes in what they came to. The cursor stays on its follow-up.
pub(super) fn found(model: &mut Model, chronicle: Chronicle) {
    model.past.found = Some(chronicle);
    work_out(model);
    let Some(shown) = view(model) else { return };
    let left = model.left_to_do();
    let row = shown.on.and_then(|on| left.iter().position(|one| one.follow_up.id == on));
    let fresh = at(model, shown.leaf, row.unwrap_or(shown.cursor));
    if let Some(view) = view_mut(model) {
        *view = fresh;
    }
}

/// Works out once what the pages of trends show: a frame only draws it.
pub(super) fn work_out(model: &mut Model) {
    let each = [By::Month, By::Severity].into_iter();
    model.past.trends = each.filter_map(|by| model.worked_out(by)).collect();
}

/// An effect has ended: what looked has looked, and what it changed is looked at anew.
pub(super) fn ended(model: &mut Model, id: EffectId) {
    if model.past.asked == Some(id) {
        model.past.asked = None;
    }
    let before = model.past.changing.len();
    model.past.changing.retain(|one| *one != id);
    model.past.stale |= model.past.changing.len() < before;
}

fn view(model: &Model) -> Option<PastView> {
    model.overlays.iter().find_map(|overlay| match overlay {
        Overlay::Past(view) => Some(*view),
        _ => None,
    })
}

fn view_mut(model: &mut Model) -> Option<&mut PastView> {
    model.overlays.iter_mut().find_map(|overlay| match overlay {
        Overlay::Past(view) => Some(view),
        _ => None,
    })
}

/// Takes a key for the window.
pub(super) fn key(cx: &mut Cx<'_>, key: Key) {
    let page = windows::page(cx.model);
    match windows::command(cx.model, &[Scope::Past], key) {
        Some(Command::Back) => cx.pop(),
        Some(Command::Help) => invoke::invoke(cx, &Command::Help.into()),
        Some(Command::NextPane) => turn(cx.model, 1),
        Some(Command::PreviousPane) => turn(cx.model, Leaf::ALL.len() - 1),
        Some(Command::Open) => open_incident(cx),
        Some(Command::FollowUpSync) => sync(cx),
        Some(command @ (Command::FollowUpDone | Command::FollowUpDrop | Command::FollowUpAssign)) => {
            end(cx, command);
        }
        command => match command.and_then(|command| windows::motion(command, page)) {
            Some(by) => move_by(cx.model, by),
            None => windows::unknown(cx, key),
        },
    }
}

fn turn(model: &mut Model, by: usize) {
    let Some(shown) = view(model) else { return };
    let here = Leaf::ALL.iter().position(|leaf| *leaf == shown.leaf).unwrap_or_default();
    let fresh = at(model, Leaf::ALL[(here + by) % Leaf::ALL.len()], 0);
    if let Some(view) = view_mut(model) {
        *view = fresh;
    }
}

/// Moves the cursor, or scrolls a page of trends.
pub(super) fn move_by(model: &mut Model, by: isize) {
    let Some(shown) = view(model) else { return };
    let fresh = at(model, shown.leaf, shown.cursor.saturating_add_signed(by));
    if let Some(view) = view_mut(model) {
        *view = fresh;
    }
}

/// The incident and the follow-up under the cursor.
fn under_cursor(model: &Model) -> Option<(IncidentId, RecordId, String)> {
    let shown = view(model).filter(|view| view.leaf == Leaf::FollowUps)?;
    let left = model.left_to_do();
    let one = left.get(shown.cursor)?;
    Some((one.past.id, one.follow_up.id, one.follow_up.text.clone()))
}

/// Opens the incident under the cursor.
fn open_incident(cx: &mut Cx<'_>) {
    let Some(shown) = view(cx.model) else { return };
    let id = match shown.leaf {
        Leaf::FollowUps => under_cursor(cx.model).map(|(incident, ..)| incident),
        Leaf::Incidents => match cx.model.past_rows().get(shown.cursor) {
            Some(PastRow::Read(past)) => Some(past.id),
            Some(PastRow::Unread(_)) => return cx.say("its records cannot be read: run flightdeck verify"),
            None => None,
        },
        Leaf::Months | Leaf::Severities => None,
    };
    let Some(id) = id else { return };
    cx.pop();
    if cx.model.incident().is_none_or(|state| state.id != id) {
        cx.effect("opening the incident", Effect::OpenIncident(id));
    }
}

/// Asks what came of the follow-up under the cursor, why it will not be done, or who does it by when.
fn end(cx: &mut Cx<'_>, command: Command) {
    if let Some(why) = menus::blocked(cx.model, command) {
        return cx.say(why);
    }
    let Some((incident, id, text)) = under_cursor(cx.model) else {
        let tab = cx.model.keymap.key(Command::NextPane);
        let tab = tab.map_or_else(String::new, |key| format!(": {key} goes to them"));
        return cx.say(format!("choose a follow-up first{tab}"));
    };
    let (purpose, label, example) = match command {
        Command::FollowUpDone => (
            Purpose::FollowUpDone(incident, id),
            format!("Done: {text}. What came of it?"),
            "may be empty: ⏎ records that it is done",
        ),
        Command::FollowUpDrop => {
            (Purpose::FollowUpDrop(incident, id), format!("Will not be done: {text}. Why?"), "a reason")
        }
        _ => (
            Purpose::FollowUpAssign(incident, id),
            format!("{text}: @who, a date, or both"),
            "for example @li 2026-12-05",
        ),
    };
    ask(cx, purpose, &label, example, String::new());
}

/// Records what was typed of a follow-up, in the incident that it is left of.
///
/// # Errors
/// Something is missing in it, and what.
pub(super) fn submit(cx: &mut Cx<'_>, purpose: &Purpose, text: &str) -> Result<(), String> {
    let (incident, body): (IncidentId, Body) = match purpose {
        Purpose::FollowUpDone(incident, follow_up) => {
            let reason = text.to_owned();
            (*incident, FollowUpEnded { follow_up: *follow_up, done: true, reason }.into())
        }
        Purpose::FollowUpDrop(incident, follow_up) => {
            if text.is_empty() {
                return Err("say why, or press esc to cancel".to_owned());
            }
            let reason = text.to_owned();
            (*incident, FollowUpEnded { follow_up: *follow_up, done: false, reason }.into())
        }
        Purpose::FollowUpAssign(incident, follow_up) => {
            let (owner, due) = owner_and_date(text)?;
            let owner = owner.map(|owner| spelled(cx.model, owner));
            (*incident, FollowUpChanged { follow_up: *follow_up, owner, due }.into())
        }
        _ => return Ok(()),
    };
    let id = cx.effect("saving", Effect::Append(vec![Draft::now(incident, body)]));
    cx.model.past.changing.push(id);
    Ok(())
}

/// What `@li 2026-12-05` says: who, and by when.
fn owner_and_date(text: &str) -> Result<(Option<&str>, Option<Date>), String> {
    let (mut owner, mut due) = (None, None);
    for word in text.split_whitespace() {
        match (word.strip_prefix('@'), word.parse()) {
            (Some(name), _) if !name.is_empty() && owner.is_none() => owner = Some(name),
            (None, Ok(date)) if due.is_none() => due = Some(date),
            _ => return Err(format!("{word:?} is neither @who nor a date as in 2026-12-05")),
        }
    }
    if owner.is_none() && due.is_none() {
        return Err("write @who, a date as in 2026-12-05, or both".to_owned());
    }
    Ok((owner, due))
}

/// Says what came of reading the issues back.
pub(super) fn issues_read(cx: &mut Cx<'_>, read: usize, closed: usize, gone: usize) {
    let issues = counted(read, "issue");
    let said = match (read, closed, gone) {
        (0, _, 0) => {
            let keys = menus::path(cx.model, &Command::FollowUpSend.into());
            format!("no follow-up has an issue yet. In an incident {keys} opens them")
        }
        (_, 0, 0) => format!("{issues} read: all are open"),
        (_, _, 0) => format!("{issues} read: {closed} closed, and done"),
        _ => format!("{issues} read: {closed} closed, and done; {gone} deleted or not visible"),
    };
    cx.say(said);
}

/// Reads back what became of the issues of all follow-ups that have one.
fn sync(cx: &mut Cx<'_>) {
    if let Some(why) = menus::blocked(cx.model, Command::FollowUpSync) {
        return cx.say(why);
    }
    if matches!(cx.model.config.source, ConfigSource::Untrusted { .. } | ConfigSource::Invalid(_)) {
        let key = cx.model.keymap.key(Command::Trust);
        let key = key.map_or_else(String::new, |key| format!(": {key} shows it"));
        return cx.say(format!("flightdeck.toml is not trusted{key}"));
    }
    if cx.model.in_flight.values().any(|doing| *doing == READING) {
        return;
    }
    let left = cx.model.left_to_do();
    let mut incidents: Vec<IncidentId> = left.iter().map(|one| one.past.id).collect();
    incidents.sort_unstable();
    incidents.dedup();
    if incidents.is_empty() {
        return cx.say("no follow-up is open");
    }
    let id = cx.effect(READING, Effect::SyncFollowUps(incidents));
    cx.model.past.changing.push(id);
}

/// What reading the issues is called while it goes on.
const READING: &str = "reading the issues";
