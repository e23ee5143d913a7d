//! Keys for a plan before it is confirmed: its gates, the reason to pass them over, the target.

use super::super::commands::{Command, Scope};
use super::super::key::{Code, Key};
use super::super::msg::{Effect, KeyPress};
use super::super::overlay::{Act, Confirm, Field, Overlay, Preview, Scroll, Way};
use super::confirm::{TOO_QUICK, TYPED_AHEAD, may_confirm, may_type};
use super::overlays::scrolled;
use super::{Cx, approvals, plan_view, windows};
use crate::incident::{PlanProposed, State};
use crate::plan::gates::{self, Standing};
use crate::plan::{confirmed, proposal};

/// A letter that follows another one this closely is part of a word.
const ALONE_MS: u64 = 400;

/// Takes a key. `before` is the key before this one, and when it came.
pub(super) fn key(cx: &mut Cx<'_>, press: KeyPress, before: Option<(Key, u64)>) {
    let Some(Overlay::Preview(preview)) = cx.model.overlays.last_mut() else { return };
    if preview.starting {
        return;
    }
    let prompts = preview.prompts();
    // It leaves a plan whatever the keymap says; a prompt is left first.
    if press.key.code == Code::Esc && !prompts {
        return windows::leave(cx);
    }
    let answers = matches!(preview.way(), Way::Enter | Way::Yes | Way::Vote)
        && (press.key == Key::char('y') || press.key.code == Code::Enter);
    let command = windows::command(cx.model, &[Scope::Preview], press.key);
    // Where text is typed only keys that are no text scroll.
    // What answers the question is no motion, whatever the keymap says.
    let command = command.filter(|_| !answers);
    let by = match command.filter(|_| !prompts) {
        Some(command) => windows::motion(command, windows::page(cx.model)),
        None => scrolled(press.key),
    };
    let Some(Overlay::Preview(preview)) = cx.model.overlays.last_mut() else { return };
    if let Some(by) = by {
        preview.scroll.top = preview.scroll.top.saturating_add_signed(by);
        return;
    }
    if command == Some(Command::Details) && press.key.text().is_none_or(|_| !prompts) {
        preview.details = !preview.details;
        return;
    }
    if plan_view::taken(cx, press, before) {
        return;
    }
    // Where approval is asked for, this is what says who gives it.
    if !prompts && cx.model.keymap.within(Scope::Global, press.key) == Some(Command::Approvals) {
        return super::invoke::invoke(cx, &Command::Approvals.into());
    }
    let Some(Overlay::Preview(preview)) = cx.model.overlays.last_mut() else { return };
    // What was typed before this was on the screen was meant for something else.
    let heard = preview.shown_ms.is_some_and(|shown| press.at_ms > shown);
    let meant = may_confirm(preview.shown_ms, press, before);
    let typed = heard && may_type(preview.shown_ms, cx.model.keys_since);
    match preview.way() {
        Way::Enter | Way::Yes => ask(cx, press.key, meant),
        Way::Typed(_) => typing(cx, press.key, typed, meant),
        Way::PassOver(_) => {
            // A letter amid others is a word that was meant for something else.
            let alone = !press.amid
                && !press.repeat
                && before.is_none_or(|(key, at)| {
                    key.text().is_none() || press.at_ms.saturating_sub(at) >= ALONE_MS
                });
            let command = command.filter(|_| alone || press.key.text().is_none());
            let heard = if preview.field == Field::Target { typed } else { heard };
            passing_over(cx, press, command, heard, meant);
        }
        Way::Blocked => blocked(cx, press.key, command, heard && !press.repeat),
        Way::Vote => approvals::key(cx, press.key, meant),
    }
}

/// A plan that one key confirms.
fn ask(cx: &mut Cx<'_>, key: Key, meant: bool) {
    let Some(Overlay::Preview(preview)) = cx.model.overlays.last_mut() else { return };
    let enter = preview.way() == Way::Enter;
    match key.code {
        Code::Esc => cx.pop(),
        Code::Enter if enter && meant => start(cx, "enter".to_owned()),
        Code::Char('y') if meant => start(cx, "y".to_owned()),
        Code::Enter if !enter => "press y to go ahead".clone_into(&mut preview.complaint),
        // Said, not swallowed: otherwise it looks as if the program hung.
        Code::Enter | Code::Char('y') => TOO_QUICK.clone_into(&mut preview.complaint),
        _ => other(cx, key),
    }
}

/// A key that confirms nothing: it closes the window, or means nothing here.
fn other(cx: &mut Cx<'_>, key: Key) {
    match windows::command(cx.model, &[], key) {
        Some(Command::Back) => cx.pop(),
        _ => windows::unknown(cx, key),
    }
}

/// The line that confirms. `heard` tells whether its letters count, `meant` whether Enter does.
fn typing(cx: &mut Cx<'_>, key: Key, heard: bool, meant: bool) {
    let Some(Overlay::Preview(preview)) = cx.model.overlays.last_mut() else { return };
    let (Way::Typed(word) | Way::PassOver(word)) = preview.way() else { return };
    match key.code {
        Code::Esc => cx.pop(),
        Code::Enter if preview.typed.text() != word => {
            let clear = if preview.typed.text().is_empty() { "" } else { "; ctrl-u clears the line" };
            preview.complaint = format!("type {word} to go ahead{clear}");
        }
        Code::Enter if meant => {
            let how = confirmed::typed(word);
            start(cx, how);
        }
        Code::Enter => TOO_QUICK.clone_into(&mut preview.complaint),
        _ => {
            if heard && preview.typed.key(key) {
                preview.complaint.clear();
            } else if !heard && key.text().is_some() {
                TYPED_AHEAD.clone_into(&mut preview.complaint);
            }
        }
    }
}

/// Gates are not met, and may be passed over with a reason.
fn passing_over(cx: &mut Cx<'_>, press: KeyPress, command: Option<Command>, heard: bool, meant: bool) {
    let Some(Overlay::Preview(preview)) = cx.model.overlays.last_mut() else { return };
    let key = press.key;
    let reasoned = !preview.reason.text().trim().is_empty();
    match (preview.field, key.code) {
        (Field::Reason | Field::Target, Code::Enter) if !reasoned => {
            preview.field = Field::Reason;
            "a reason is needed: it goes into the record and the report".clone_into(&mut preview.complaint);
        }
        // No prompt is in sight until somebody asks for it: then what is typed goes there.
        (Field::Keys, _) if matches!(command, Some(Command::Override | Command::NextPane)) && heard => {
            preview.field = Field::Reason;
            preview.complaint.clear();
        }
        (Field::Keys, _) => blocked(cx, key, command, heard && !press.repeat),
        (Field::Target, Code::BackTab | Code::Tab) => preview.field = Field::Reason,
        (Field::Reason, Code::Tab | Code::Enter) => preview.field = Field::Target,
        (Field::Reason, Code::BackTab | Code::Esc) | (Field::Target, Code::Esc) => {
            preview.field = Field::Keys;
        }
        (Field::Reason, _) => {
            if heard && preview.reason.key(key) {
                preview.complaint.clear();
            }
        }
        (Field::Target, _) => typing(cx, key, heard, meant),
    }
}

/// Gates are not met: nothing starts it, but approval can be asked for.
fn blocked(cx: &mut Cx<'_>, key: Key, command: Option<Command>, meant: bool) {
    let severity = cx.model.incident().map_or("", |state| cx.model.policy.severity_name(state.severity));
    let overrides = cx.model.keymap.key(Command::Override).map_or_else(String::new, |key| key.to_string());
    let Some(Overlay::Preview(preview)) = cx.model.overlays.last_mut() else { return };
    match command {
        Some(Command::Back) => return windows::leave(cx),
        Some(Command::Propose) if preview.needs_approval() => {
            if meant {
                return propose(cx);
            }
            TOO_QUICK.clone_into(&mut preview.complaint);
            return;
        }
        _ => {}
    }
    if !matches!(key.code, Code::Enter | Code::Char('y')) {
        return windows::unknown(cx, key);
    }
    preview.complaint = match preview.way() {
        Way::PassOver(_) => format!("gates are not met: {overrides} overrides them, with a reason"),
        _ => format!("gates are not met, and {severity} does not let you override all of them"),
    };
}

/// Puts the plan up for approval, once.
fn propose(cx: &mut Cx<'_>) {
    let Some(Overlay::Preview(preview)) = cx.model.overlays.last() else { return };
    let hash = preview.hash.clone();
    let up = cx
        .model
        .incident()
        .is_some_and(|state| proposal::waiting(state).any(|one| one.hash == hash && !one.by_vote));
    let body = proposal::propose(&preview.plan);
    let why = match (cx.model.unsaved(), up, &body) {
        (Some(why), _, _) => why,
        (None, true, _) => "approval was asked for already".to_owned(),
        (None, false, None) => "it cannot be saved".to_owned(),
        (None, false, Some(_)) => String::new(),
    };
    if let (true, Some(body)) = (why.is_empty(), body) {
        ask_for_approval(cx, body);
    } else if let Some(Overlay::Preview(preview)) = cx.model.overlays.last_mut() {
        preview.complaint = why;
    }
}

/// Asks before it is on record that approval was asked for: the letter may have been the first of a text.
fn ask_for_approval(cx: &mut Cx<'_>, body: PlanProposed) {
    let Some(state) = cx.model.incident() else { return };
    let policy = &cx.model.policy;
    let roles = &policy.severity(state.severity).approvals;
    let roles: Vec<&str> = roles.iter().map(|role| policy.role_title(role)).collect();
    let from = if roles.is_empty() { String::new() } else { format!(" from {}", roles.join(" and ")) };
    cx.push(Overlay::Confirm(Confirm {
        title: "Ask for approval?".to_owned(),
        body: format!("This records that approval is asked for{from}: {}.", body.title),
        claim: None,
        against: Vec::new(),
        yes: "ask for it".to_owned(),
        no: "back",
        act: Act::Record(Box::new(body.into())),
        more: Vec::new(),
        lapsed: String::new(),
        shown_ms: None,
        scroll: Scroll::default(),
    }));
}

/// Hands the plan of the preview over, once.
fn start(cx: &mut Cx<'_>, confirmed: String) {
    let Some(Overlay::Preview(preview)) = cx.model.overlays.last_mut() else { return };
    preview.starting = true;
    preview.complaint.clear();
    let Preview { plan, standings, reason, .. } = &**preview;
    let plan = Box::new(plan.clone());
    let reason = reason.text().trim();
    let blocking = standings.iter().filter(|standing| standing.blocks());
    let pass_over = blocking.map(|standing| (standing.id.to_owned(), reason.to_owned())).collect();
    let policy = Box::new(cx.model.policy.clone());
    cx.effect("starting", Effect::Start { plan, confirmed, pass_over, policy });
}

/// Text that was pasted: a reason may be, a confirmation never.
pub(super) fn paste(preview: &mut Preview, text: &str) {
    match (preview.way(), preview.field) {
        (Way::PassOver(_), Field::Reason) if preview.shown_ms.is_some() => {
            preview.reason.insert(text.trim_end());
            preview.complaint.clear();
        }
        _ => "pasted text does not confirm: type it".clone_into(&mut preview.complaint),
    }
}

/// How the gates of a preview stand now.
pub(super) fn standings(
    preview: &Preview,
    state: &State,
    policy: &crate::incident::Policy,
    me: &str,
    now: jiff::Timestamp,
) -> Vec<Standing> {
    // Whoever looks at what another has put up does not make it their own plan.
    let put_up = proposal::of(state, &preview.hash).filter(|_| preview.role.is_some());
    let by = put_up.map_or(me, |proposal| proposal.owner());
    gates::evaluate(&preview.plan, &preview.hash, state, policy, by, now)
}
