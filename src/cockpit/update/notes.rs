//! The line of the scribe: a note, and what Tab makes of it instead.

use super::super::commands::{Command, Invoke};
use super::super::edit::LineEdit;
use super::super::model::Model;
use super::super::overlay::{Ask, Overlay, Purpose};
use super::Cx;
use crate::incident::NoteKind;

/// What a note can be, in the order of Tab.
const KINDS: [Command; 8] = [
    Command::Note,
    Command::Finding,
    Command::Decision,
    Command::Problem,
    Command::ActionTaken,
    Command::Well,
    Command::Better,
    Command::FollowUp,
];

/// The prompt of a kind of note; `None`: the command writes none.
fn prompt(command: Command) -> Option<Ask> {
    let kind = match command {
        Command::Note => NoteKind::Note,
        Command::Finding => NoteKind::Finding,
        Command::Decision => NoteKind::Decision,
        Command::Problem => NoteKind::Problem,
        Command::ActionTaken => NoteKind::Action,
        Command::Well => NoteKind::Well,
        Command::Better => NoteKind::Better,
        Command::FollowUp => {
            let example = "for example alert on the pool @li 2026-12-05";
            let label = "follow-up: what @who date";
            return Some(Ask::new(Purpose::FollowUp, label, example, LineEdit::default()));
        }
        _ => return None,
    };
    let placeholder = match kind {
        NoteKind::Note => "what should be remembered",
        NoteKind::Finding => "what was found out",
        NoteKind::Decision => "what was decided, and why",
        NoteKind::Problem => "what is odd, for the follow-up list",
        NoteKind::Action => "what was done by hand",
        NoteKind::Well => "what went well",
        NoteKind::Better => "what could be better next time",
    };
    Some(Ask::new(Purpose::Note(kind), kind.label(), placeholder, LineEdit::default()))
}

/// Asks for a note of the kind that a command writes.
pub(super) fn ask(cx: &mut Cx<'_>, command: Command) {
    if let Some(ask) = prompt(command) {
        cx.push(Overlay::Ask(ask));
    }
}

/// The prompts that a line for a note may have been left in, the one that is asked for first.
pub(super) fn prompts(purpose: &Purpose) -> Vec<Ask> {
    if *purpose != Purpose::Note(NoteKind::Note) {
        return Vec::new();
    }
    KINDS.into_iter().filter_map(prompt).collect()
}

/// Makes the line another kind of note; what was typed stays. Tells whether it is a note at all.
pub(super) fn turn(model: &mut Model, back: bool) -> bool {
    let Some(Overlay::Ask(ask)) = model.overlays.last_mut() else { return false };
    let is_this = |command: &Command| prompt(*command).is_some_and(|one| one.purpose == ask.purpose);
    let Some(here) = KINDS.iter().position(is_this) else { return false };
    let by = if back { KINDS.len() - 1 } else { 1 };
    let next = KINDS[(here + by) % KINDS.len()];
    if let Some(turned) = prompt(next) {
        let input = std::mem::take(&mut ask.input);
        *ask = Ask { input, ..turned };
        model.asked_by = Some(Invoke::from(next));
    }
    true
}
