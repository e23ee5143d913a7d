//! What the record does not tell, and what fills it: a command of the cockpit and a verb. A report names what is
//! missing, and not how it is filled: it is forwarded to people who have no flightdeck.

use crate::incident::{EntryKind, NoteKind, Role, State};

/// Something that is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gap {
    /// What it is, in a few words: `Impact: who was affected, and how`.
    pub what: &'static str,
    /// The command that fills it, by its id: `impact`.
    pub command: &'static str,
    /// What that is about: `commander`; may be empty.
    pub argument: &'static str,
    /// The verb that does the same.
    pub verb: &'static str,
}

/// What is missing, in the order of the report.
pub fn gaps(state: &State) -> Vec<Gap> {
    let mut open = Vec::new();
    let mut missing = |is_missing: bool, what, command, argument, verb| {
        if is_missing {
            open.push(Gap { what, command, argument, verb });
        }
    };
    let is_over = state.resolved_at.is_some();
    let noted = |kind| {
        let of_kind = |entry: &crate::incident::Entry<'_>| entry.kind == EntryKind::Note(kind);
        state.timeline.iter().any(|entry| of_kind(&entry) && entry.retracted.is_none())
    };
    missing(
        state.impact.trim().is_empty(),
        "Impact: who was affected, and how",
        "impact",
        "",
        "flightdeck impact",
    );
    missing(
        state.cause.trim().is_empty(),
        "Root cause: what broke, and why",
        "cause",
        "",
        "flightdeck cause",
    );
    missing(
        !state.assignments.iter().any(|(_, role, _)| role == Role::COMMANDER),
        "Who led the response",
        "role",
        "commander",
        "flightdeck role commander NAME",
    );
    missing(
        is_over && !super::resolution::is_told(state),
        "What ended it",
        "note.action",
        "",
        "flightdeck note --kind action",
    );
    missing(
        is_over && !noted(NoteKind::Well) && !noted(NoteKind::Better),
        "What people learned: what went well, what could be better",
        "note.better",
        "",
        "flightdeck note --kind better",
    );
    missing(
        is_over && state.follow_ups.is_empty(),
        "How to keep it from coming back: follow-ups with an owner and a date",
        "note.follow-up",
        "",
        "flightdeck follow-up add",
    );
    open
}

/// A line each. What nothing can fill any more comes first.
pub(super) fn lines(state: &State) -> Vec<String> {
    let unsaid = state.resolved_at.is_some() && state.mitigated_at.is_none();
    let unsaid = unsaid.then(|| "When users were served again: it was resolved without saying so".to_owned());
    unsaid.into_iter().chain(gaps(state).into_iter().map(|gap| gap.what.to_owned())).collect()
}
