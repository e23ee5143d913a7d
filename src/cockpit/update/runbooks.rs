//! Runbooks: their list, and reading one down to the plan of a block of its commands.

use super::super::commands::Command;
use super::super::key::Key;
use super::super::model::Model;
use super::super::msg::Effect;
use super::super::overlay::{Overlay, RunbookView, RunbooksView, Scroll};
use super::invoke::{self, MAKING};
use super::{Cx, windows};
use crate::health::series::Status;
use crate::hotfix::suspects::Suspect;
use crate::incident::RunbookFor;
use crate::plan::Request;
use crate::report::blocks;
use crate::report::runbook::{Failing, Page, Runbook, Shelf, suggested, to_read, used};

/// Opens the list, and looks for what is there now.
pub(super) fn open(cx: &mut Cx<'_>, path: &str) {
    if !path.is_empty() {
        return read(cx, path.to_owned());
    }
    cx.push(Overlay::Runbooks(RunbooksView::default()));
    cx.effect("looking for runbooks", Effect::ListRunbooks);
}

fn read(cx: &mut Cx<'_>, path: String) {
    cx.effect("reading the runbook", Effect::ReadRunbook { path });
}

/// Takes in which there are.
pub(super) fn listed(model: &mut Model, shelf: Shelf) {
    model.runbooks = Some(shelf);
    let rows = model.runbooks_shown("").len();
    if let Some(Overlay::Runbooks(view)) = model.overlays.last_mut() {
        view.cursor = view.cursor.min(rows.saturating_sub(1));
    }
}

/// Shows one that was read.
pub(super) fn show(cx: &mut Cx<'_>, page: Page) {
    cx.model.runbooks_read.insert(page.path.clone());
    let fresh = RunbookView { page, command: 0, scroll: Scroll::default() };
    if let Some(Overlay::Runbook(view)) = cx.model.overlays.last_mut()
        && view.page.path == fresh.page.path
    {
        **view = fresh;
        return;
    }
    cx.push(Overlay::Runbook(Box::new(fresh)));
}

/// Takes a key for the list.
pub(super) fn key(cx: &mut Cx<'_>, key: Key) {
    let page = windows::page(cx.model);
    match windows::command(cx.model, &[], key) {
        Some(Command::Back) => match cx.model.overlays.last_mut() {
            Some(Overlay::Runbooks(view)) if !view.filter.is_empty() => *view = RunbooksView::default(),
            _ => cx.pop(),
        },
        Some(command @ (Command::Filter | Command::Help)) => invoke::invoke(cx, &command.into()),
        Some(Command::Open) => {
            let Some(Overlay::Runbooks(view)) = cx.model.overlays.last() else { return };
            let rows = cx.model.runbooks_shown(&view.filter);
            if let Some(path) = rows.get(view.cursor).map(|(runbook, _)| runbook.path.clone()) {
                read(cx, path);
            }
        }
        command => match command.and_then(|command| windows::motion(command, page)) {
            Some(by) => move_by(cx.model, by),
            None => windows::unknown(cx, key),
        },
    }
}

/// Moves the cursor of the list by so many rows.
pub(super) fn move_by(model: &mut Model, by: isize) {
    let Some(Overlay::Runbooks(view)) = model.overlays.last() else { return };
    let last = model.runbooks_shown(&view.filter).len().saturating_sub(1);
    if let Some(Overlay::Runbooks(view)) = model.overlays.last_mut() {
        view.cursor = view.cursor.saturating_add_signed(by).min(last);
    }
}

/// Takes a key for a runbook that is read.
pub(super) fn page_key(cx: &mut Cx<'_>, key: Key) {
    match windows::command(cx.model, &[], key) {
        Some(Command::Back) => cx.pop(),
        Some(Command::Help) => invoke::invoke(cx, &Command::Help.into()),
        Some(Command::NextPane) => choose(cx, 1),
        Some(Command::PreviousPane) => choose(cx, -1),
        Some(Command::Open) => prepare(cx),
        command => match command.and_then(|command| windows::motion(command, windows::page(cx.model))) {
            Some(by) => super::overlays::scroll(cx.model, by),
            None => windows::unknown(cx, key),
        },
    }
}

/// Goes to the next block of commands, or the one before.
fn choose(cx: &mut Cx<'_>, by: isize) {
    let Some(Overlay::Runbook(view)) = cx.model.overlays.last_mut() else { return };
    let count = view.page.commands.len();
    if count == 0 {
        return cx.say("it has no commands");
    }
    // The first press goes to the first of them.
    view.command = match view.command {
        0 if by < 0 => count,
        0 => 1,
        n => (n - 1).saturating_add_signed(if by < 0 { count as isize - 1 } else { 1 }) % count + 1,
    };
    let block = view.page.commands[view.command - 1].block;
    let line = blocks::lines(&view.page.blocks).iter().position(|at| at.is_some_and(|(of, _)| of == block));
    // What it is about stands right above it.
    view.scroll.top = line.unwrap_or_default().saturating_sub(3);
}

/// Makes the plan of the block that is chosen: it never runs from here.
fn prepare(cx: &mut Cx<'_>) {
    let Some(Overlay::Runbook(view)) = cx.model.overlays.last() else { return };
    let (path, shown, number) = (view.page.path.clone(), view.page.sha256.clone(), view.command);
    let Some(chosen) = number.checked_sub(1).and_then(|index| view.page.commands.get(index)) else {
        return choose(cx, 1);
    };
    if let Err(why) = &chosen.lines {
        let why = why.clone();
        return cx.say(why);
    }
    if cx.model.log.is_none() {
        return cx.say(super::menus::needs_incident(cx.model));
    }
    if let Some(why) = cx.model.unsaved() {
        return cx.say(why);
    }
    if cx.model.in_flight.values().any(|doing| *doing == MAKING) {
        return;
    }
    cx.effect(MAKING, Effect::Prepare(Request::Runbook { path, block: number, shown }));
}

impl Model {
    /// The probes that fail, each with the runbook that its configuration names.
    fn failing(&self) -> impl Iterator<Item = (&Status, Failing<'_>)> {
        let configured = &self.config.config.probes;
        self.probes.iter().filter(|probe| probe.state.is_bad()).map(|probe| {
            let named = configured.iter().find(|one| one.name == probe.name);
            let runbook = named.and_then(|one| one.runbook.as_deref());
            (&**probe, Failing { name: &probe.name, runbook })
        })
    }

    /// The runbook that fits best what fails in production, of those that nobody read here and whose commands
    /// nobody ran.
    pub(super) fn runbook_to_read(&self) -> Option<RunbookFor> {
        let found = self.runbooks.as_ref()?;
        let config = &self.config.config;
        let failing: Vec<Failing<'_>> = self
            .failing()
            .filter(|(probe, _)| config.watches_production(&probe.environment))
            .map(|(_, failing)| failing)
            .collect();
        let used = self.incident().map(used).unwrap_or_default();
        let is_known =
            |one: &Runbook| self.runbooks_read.contains(&one.path) || used.contains(&one.path.as_str());
        to_read(&found.runbooks, &failing, is_known)
    }

    /// The runbooks that fit what fails and what is suspected, best first, each with why.
    pub fn runbooks_suggested(&self) -> Vec<(&Runbook, String)> {
        let Some(found) = &self.runbooks else { return Vec::new() };
        let failing: Vec<Failing<'_>> = self.failing().map(|(_, failing)| failing).collect();
        let top: Vec<&Suspect> =
            self.suspects.found().map(|found| found.suspects.iter().take(3).collect()).unwrap_or_default();
        let changes = top.iter().filter_map(|suspect| suspect.change.as_ref());
        let paths: Vec<&str> =
            changes.flat_map(|change| &change.files).map(|file| file.path.as_str()).collect();
        suggested(&found.runbooks, &failing, &paths)
    }

    /// The runbooks that have some words in them: those that fit first, each with why; then all others.
    pub fn runbooks_shown(&self, words: &str) -> Vec<(&Runbook, String)> {
        let Some(found) = &self.runbooks else { return Vec::new() };
        let mut rows = self.runbooks_suggested();
        let others =
            found.runbooks.iter().filter(|one| !rows.iter().any(|(known, _)| known.path == one.path));
        let others: Vec<_> = others.map(|one| (one, String::new())).collect();
        rows.extend(others);
        rows.retain(|(runbook, _)| words.is_empty() || runbook.is_about(words));
        rows
    }
}
