//! Feature flags: their list, and the way to turning one off or on.

use super::super::commands::{Command, Scope};
use super::super::key::Key;
use super::super::model::Model;
use super::super::msg::{Effect, EffectId};
use super::super::overlay::{Flag, Flags, Overlay};
use super::{Cx, windows};
use crate::deploy::flags::{FlagState, Switch};
use crate::incident::{Body, Record, State};
use crate::plan::{Purpose, Request};

/// Opens the list and asks for the state of each.
pub(super) fn open(cx: &mut Cx<'_>) {
    let flags = &cx.model.config.config.flags;
    let rows = flags
        .iter()
        .map(|flag| Flag { name: flag.name.clone(), about: flag.about.clone(), state: None })
        .collect();
    cx.push(Overlay::Flags(Flags { rows, ..Flags::default() }));
    ask(cx);
}

/// Asks for the state of each, where the list is open and they are not asked for already.
pub(super) fn ask(cx: &mut Cx<'_>) {
    if view(cx.model).is_none_or(|view| view.reading.is_some()) {
        return;
    }
    let id = cx.effect("reading the flags", Effect::ReadFlags);
    if let Some(view) = view(cx.model) {
        view.reading = Some(id);
    }
}

/// Takes in what they were found to be.
pub(super) fn read(cx: &mut Cx<'_>, id: EffectId, states: Vec<FlagState>) {
    let now = cx.model.now;
    // The list may have been closed meanwhile, and opened again.
    let Some(view) = view(cx.model).filter(|view| view.reading == Some(id)) else { return };
    let row = |state: FlagState| Flag { name: state.name, about: state.about, state: Some(state.state) };
    view.rows = states.into_iter().map(row).collect();
    view.reading = None;
    view.read_at = Some(now);
    move_by(view, 0);
}

/// They could not be asked for.
pub(super) fn not_read(model: &mut Model, id: EffectId) {
    if let Some(view) = view(model).filter(|view| view.reading == Some(id)) {
        view.reading = None;
    }
}

/// The plans that ended by these records.
pub(super) fn ended(records: &[Record]) -> Vec<String> {
    let ended = records.iter().filter_map(|record| match &record.body {
        Body::PlanEnded(ended) => Some(ended.plan.clone()),
        _ => None,
    });
    ended.collect()
}

/// Tells whether one of these plans set a flag.
pub(super) fn set_one(state: &State, plans: &[String]) -> bool {
    plans.iter().filter_map(|id| state.plan(id)).any(|plan| plan.purpose == Purpose::Flag.name())
}

fn view(model: &mut Model) -> Option<&mut Flags> {
    model.overlays.iter_mut().find_map(|overlay| match overlay {
        Overlay::Flags(view) => Some(view),
        _ => None,
    })
}

/// Takes a key for the list.
pub(super) fn key(cx: &mut Cx<'_>, key: Key) {
    let page = windows::page(cx.model);
    match windows::command(cx.model, &[Scope::Flags], key) {
        Some(Command::Back) => cx.pop(),
        Some(Command::FlagsAgain) => ask(cx),
        Some(Command::FlagToggle | Command::Open) => turn(cx, None),
        Some(Command::FlagOn) => turn(cx, Some(true)),
        Some(Command::FlagOff) => turn(cx, Some(false)),
        command => match (command.and_then(|command| windows::motion(command, page)), view(cx.model)) {
            (Some(by), Some(view)) => move_by(view, by),
            _ => windows::unknown(cx, key),
        },
    }
}

/// Moves the cursor by so many rows.
pub(super) fn move_by(view: &mut Flags, by: isize) {
    let last = view.rows.len().saturating_sub(1);
    view.cursor = view.cursor.saturating_add_signed(by).min(last);
}

/// Makes the plan that turns the flag of the cursor on or off; `None`: to what it is not. What
/// is not known is not turned by guessing.
fn turn(cx: &mut Cx<'_>, to: Option<bool>) {
    let Some(row) = view(cx.model).and_then(|view| view.rows.get(view.cursor).cloned()) else { return };
    let on = match (to, &row.state) {
        (Some(on), _) => on,
        (None, Some(Switch::On)) => false,
        (None, Some(Switch::Off)) => true,
        (None, None) => return cx.say(format!("{} is being read", row.name)),
        (None, Some(Switch::Unknown(_))) => {
            let [on, off] = [Command::FlagOn, Command::FlagOff].map(|one| windows::key(cx.model, one));
            return cx.say(format!("the state of {} is unknown: {on} turns it on, {off} off", row.name));
        }
    };
    let target = format!("flag:{}", row.name);
    if let Some(why) = super::menus::busy(cx.model, &target) {
        return cx.say(why);
    }
    if cx.model.in_flight.values().any(|doing| *doing == super::invoke::MAKING) {
        return;
    }
    cx.effect(super::invoke::MAKING, Effect::Prepare(Request::Flag { name: row.name, on }));
}
