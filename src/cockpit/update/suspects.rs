//! Suspects: when they are looked for, the screen that lists them, and that of a change.

use super::super::commands::{Command, Invoke, Scope};
use super::super::key::Key;
use super::super::model::Model;
use super::super::msg::{Effect, EffectId, Item};
use super::super::overlay::{Menu, Overlay, Purpose};
use super::super::suspects::{ChangeView, Looked, SuspectsView, Tells};
use super::invoke::ask;
use super::{Cx, menus, windows};
use crate::failure::Failure;
use crate::hotfix::pull::Check;
use crate::hotfix::suspects::{ChangeText, Found, Kind, Suspect, short};
use crate::incident::Body;
use crate::plan::Request;

/// What is being done while a plan is made of a suspect.
const MAKING: &str = "making the plan";

/// Looks again where something changed that suspects depend on, while somebody looks at them. One
/// look at a time.
pub(super) fn keep_up(cx: &mut Cx<'_>) {
    let suspects = &cx.model.suspects;
    let seen = cx.model.overlays.iter().any(|overlay| matches!(overlay, Overlay::Suspects(_)));
    if seen && suspects.stale && suspects.looking.is_none() {
        look(cx);
    }
}

/// Tells whether a record says something that suspects are weighed by.
pub(super) fn matters(body: &Body) -> bool {
    matches!(
        body,
        Body::Noted(_)
            | Body::Amended(_)
            | Body::Retracted(_)
            | Body::Began(_)
            | Body::Titled(_)
            | Body::ImpactDescribed(_)
            | Body::CauseDescribed(_)
            | Body::Alarm(_)
            | Body::Released(_)
            | Body::ReleaseJudged(_)
            | Body::PlanEnded(_)
    )
}

/// Looks at what changed, unless that is known or being looked at.
pub(super) fn look_once(cx: &mut Cx<'_>) {
    let suspects = &cx.model.suspects;
    if suspects.looking.is_none() && (suspects.looked.is_none() || suspects.stale) {
        look(cx);
    }
}

fn look(cx: &mut Cx<'_>) {
    cx.model.suspects.stale = false;
    let id = cx.effect("looking at what changed", Effect::LookForSuspects);
    cx.model.suspects.looking = Some(id);
}

/// A look has ended.
pub(super) fn looked(model: &mut Model, id: EffectId) {
    if model.suspects.looking == Some(id) {
        model.suspects.looking = None;
    }
}

/// Takes in what a look showed; the cursor stays on the suspect it was on.
pub(super) fn found(cx: &mut Cx<'_>, looked: Looked) {
    cx.model.suspects.looked = Some(looked);
}

/// Opens the list.
pub(super) fn open(cx: &mut Cx<'_>) {
    cx.push(Overlay::Suspects(SuspectsView::default()));
    cx.model.suspects.read = cx.model.incident().map(|state| state.id);
    if cx.model.suspects.looked.is_none() {
        cx.model.suspects.stale = true;
    }
}

/// The list, if it is on top.
fn view(model: &Model) -> Option<&SuspectsView> {
    match model.overlays.last() {
        Some(Overlay::Suspects(view)) => Some(view),
        _ => None,
    }
}

fn view_mut(model: &mut Model) -> Option<&mut SuspectsView> {
    match model.overlays.last_mut() {
        Some(Overlay::Suspects(view)) => Some(view),
        _ => None,
    }
}

/// The suspect the cursor is on.
fn chosen(model: &Model) -> Option<&Suspect> {
    view(model)?.suspect(model.suspects.found()?)
}

/// A key for the list.
pub(super) fn key(cx: &mut Cx<'_>, key: Key) {
    match windows::command(cx.model, &[Scope::Menu(Command::Suspects)], key) {
        Some(command) if command.spec().scope != Scope::Global => {
            super::invoke::invoke(cx, &command.into());
        }
        Some(Command::Back) => cx.pop(),
        Some(Command::Open) => show(cx),
        Some(Command::PageDown) => scroll(cx, 1),
        Some(Command::PageUp) => scroll(cx, -1),
        Some(Command::Filter) => ask_filter(cx),
        command => match command.and_then(|command| windows::motion(command, 1)) {
            Some(by) => step(cx, by),
            None => windows::unknown(cx, key),
        },
    }
}

/// Moves the cursor by so many rows.
pub(super) fn step(cx: &mut Cx<'_>, by: isize) {
    move_by(cx.model, by);
}

/// The same, for the wheel.
pub(super) fn move_by(model: &mut Model, by: isize) {
    let (Some(view), Some(found)) = (view(model), model.suspects.found()) else { return };
    let rows = view.rows(found);
    let here = rows.iter().position(|(_, suspect)| suspect.id == view.chosen).unwrap_or(0);
    let there = here.saturating_add_signed(by).min(rows.len().saturating_sub(1));
    let Some(id) = rows.get(there).map(|(_, suspect)| suspect.id.clone()) else { return };
    if let Some(view) = view_mut(model) {
        (view.chosen, view.top) = (id, 0);
    }
}

fn scroll(cx: &mut Cx<'_>, by: isize) {
    let page = isize::try_from(cx.model.overlay_height.max(2) - 1).unwrap_or(1);
    if let Some(view) = view_mut(cx.model) {
        view.top = view.top.saturating_add_signed(by * page);
    }
}

fn ask_filter(cx: &mut Cx<'_>) {
    let filter = view(cx.model).map(|view| view.filter.clone()).unwrap_or_default();
    let placeholder = "only those whose title, author, reasons or files contain this";
    ask(cx, Purpose::SuspectFilter, "filter", placeholder, filter);
}

/// Shows only suspects that contain a text.
pub(super) fn filter(cx: &mut Cx<'_>, text: String) {
    if let Some(view) = view_mut(cx.model) {
        *view = SuspectsView { filter: text, chosen: std::mem::take(&mut view.chosen), top: 0 };
    }
}

/// Looks once more.
fn again(cx: &mut Cx<'_>) {
    if cx.model.suspects.looking.is_some() {
        cx.say("already looking");
    } else {
        look(cx);
    }
}

/// Carries out one of the commands that are about suspects.
pub(super) fn command(cx: &mut Cx<'_>, invoke: &Invoke) {
    match invoke.command {
        Command::SuspectBisect if !invoke.argument.is_empty() => bisect(cx, invoke.argument.clone()),
        _ if view(cx.model).is_none() => open(cx),
        Command::SuspectRevert => revert(cx),
        Command::SuspectBisect => ask_check(cx),
        _ => again(cx),
    }
}

/// Why no plan can be made of a suspect now.
fn blocked(model: &Model, command: Command) -> Option<String> {
    if let Some(why) = menus::blocked(model, command) {
        return Some(why);
    }
    model.in_flight.values().any(|doing| *doing == MAKING).then(|| "a plan is being made already".to_owned())
}

/// Makes the plan that takes the change back that the cursor is on.
fn revert(cx: &mut Cx<'_>) {
    if let Some(why) = blocked(cx.model, Command::SuspectRevert) {
        return cx.say(format!("revert: {why}"));
    }
    match chosen(cx.model).map(|suspect| (suspect.kind, suspect.id.clone())) {
        Some((Kind::Commit | Kind::Merge, commit)) => {
            cx.effect(MAKING, Effect::Prepare(Request::Revert { commit }));
        }
        Some((Kind::Flag, _)) => {
            let key = cx.model.keymap.key(Command::Flags).map_or_else(String::new, |key| format!(": {key}"));
            cx.say(format!("turn flags back in the list of flags{key}"));
        }
        Some((Kind::Deploy, _)) => {
            let key =
                cx.model.keymap.key(Command::RollBack).map_or_else(String::new, |key| format!(": {key}"));
            cx.say(format!("roll back a deploy from the rollback options{key}"));
        }
        None => {}
    }
}

/// Asks for the check to search with, where there are several.
fn ask_check(cx: &mut Cx<'_>) {
    if let Some(why) = blocked(cx.model, Command::SuspectBisect) {
        return cx.say(format!("bisect: {why}"));
    }
    let checks: Vec<String> = cx.model.config.config.checks.iter().map(|check| check.name.clone()).collect();
    if let [only] = checks.as_slice() {
        return bisect(cx, only.clone());
    }
    let items: Vec<Item> =
        menus::rows(Command::SuspectBisect, &checks, &[], |index| (checks[index].clone(), None));
    let note = cx.model.suspects.found().map(Found::between).unwrap_or_default();
    let title = "Bisect with".to_owned();
    cx.push(Overlay::Menu(Menu {
        command: Command::SuspectBisect,
        title,
        note,
        items,
        headings: Vec::new(),
        selected: 0,
    }));
}

/// Makes the plan that searches what changed by halves.
fn bisect(cx: &mut Cx<'_>, check: String) {
    if let Some(why) = blocked(cx.model, Command::SuspectBisect) {
        return cx.say(format!("bisect: {why}"));
    }
    let Some(found) = cx.model.suspects.found() else { return open(cx) };
    let Some(from) = &found.from else {
        return cx.say("no known good commit: flightdeck suspects --bisect --since REF");
    };
    let (good, bad) = (from.commit.clone(), found.to.commit.clone());
    cx.effect(MAKING, Effect::Prepare(Request::Bisect { good, bad, check: Some(check) }));
}

/// Shows the change the cursor is on.
fn show(cx: &mut Cx<'_>) {
    let Some(suspect) = chosen(cx.model) else { return };
    if suspect.change.is_none() {
        return cx.say("it changed no code: nothing to show");
    }
    let (commit, title) = (suspect.id.clone(), suspect.title.clone());
    show_commit(cx, commit, &title);
}

/// Shows what a commit changed.
pub(super) fn show_commit(cx: &mut Cx<'_>, commit: String, subject: &str) {
    let title = format!("{} {subject}", short(&commit));
    let id = cx.effect("reading the change", Effect::ReadChange { commit });
    let view = ChangeView { title, reading: Some(id), ..ChangeView::default() };
    cx.push(Overlay::Change(Box::new(view)));
}

/// Shows what a check printed, from its end.
pub(super) fn show_log(cx: &mut Cx<'_>, check: Check) {
    let title = format!("Log of {}", check.name);
    let id = cx.effect("reading the log of a check", Effect::ReadCheck(Box::new(check)));
    let view =
        ChangeView { tells: Tells::Log, title, reading: Some(id), top: usize::MAX, ..ChangeView::default() };
    cx.push(Overlay::Change(Box::new(view)));
}

fn change_mut(model: &mut Model) -> Option<&mut ChangeView> {
    model.overlays.iter_mut().rev().find_map(|overlay| match overlay {
        Overlay::Change(view) => Some(&mut **view),
        _ => None,
    })
}

/// Takes in the text of a change.
pub(super) fn read(model: &mut Model, id: EffectId, text: ChangeText) {
    if let Some(view) = change_mut(model).filter(|view| view.reading == Some(id)) {
        view.reading = None;
        view.text = text;
    }
}

/// The text of a change could not be read.
pub(super) fn not_read(model: &mut Model, id: EffectId, failure: &Failure) {
    if let Some(view) = change_mut(model).filter(|view| view.reading == Some(id)) {
        view.reading = None;
        view.problem = Some(failure.clone());
    }
}

/// A key for the text of a change.
pub(super) fn change_key(cx: &mut Cx<'_>, key: Key) {
    let page = windows::page(cx.model);
    let command = windows::command(cx.model, &[Scope::Output], key);
    let Some(Overlay::Change(view)) = cx.model.overlays.last_mut() else { return };
    match command {
        Some(Command::Back) => cx.pop(),
        Some(Command::FindText) => {
            let text = view.search.as_ref().map(|search| search.text.clone()).unwrap_or_default();
            let placeholder = format!("text in {}; lower case matches both", view.tells.word());
            ask(cx, Purpose::ChangeFind, "find", &placeholder, text);
        }
        Some(Command::FindNext) => view.go(1),
        Some(Command::FindPrevious) => view.go(-1),
        Some(Command::Right) => view.shift = view.shift.saturating_add(8),
        Some(Command::Left) => view.shift = view.shift.saturating_sub(8),
        command => match command.and_then(|command| windows::motion(command, page)) {
            Some(by) => view.top = view.top.saturating_add_signed(by),
            None => windows::unknown(cx, key),
        },
    }
}

/// Looks for a text in the change that is shown.
pub(super) fn find(cx: &mut Cx<'_>, text: &str) {
    if let Some(Overlay::Change(view)) = cx.model.overlays.last_mut() {
        view.find(text);
    }
}
