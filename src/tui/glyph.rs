//! The glyph and the role that stand for a state, the same everywhere. A glyph never comes
//! without a word for the same thing near it.

use super::theme::Role;
use crate::health::series::State;
use crate::incident::{CheckState, EntryKind, NoteKind, Outcome, PlanEnd, PlanRun, PlanState, Run, Status};

/// A glyph of one column and how it looks.
pub(super) type Glyph = (&'static str, Role);

/// Of a timeline entry.
pub(super) fn entry(kind: EntryKind) -> Glyph {
    match kind {
        EntryKind::Declared | EntryKind::Reopened => ("●", Role::Bad),
        EntryKind::Severity => ("▲", Role::Warn),
        EntryKind::Phase => ("▸", Role::Accent),
        EntryKind::Role => ("☺", Role::Info),
        EntryKind::Described => ("≡", Role::Muted),
        EntryKind::Note(NoteKind::Note) => ("✎", Role::Muted),
        EntryKind::Note(NoteKind::Finding) => ("✎", Role::Info),
        EntryKind::Note(NoteKind::Decision) => ("◆", Role::Accent),
        EntryKind::Note(NoteKind::Problem) => ("✎", Role::Warn),
        EntryKind::Note(NoteKind::Action) => ("⚑", Role::Accent),
        EntryKind::Paged => ("☎", Role::Info),
        EntryKind::Told => ("✉", Role::Info),
        EntryKind::Check(state) => check(state),
        EntryKind::AlarmRaised | EntryKind::StepFailed | EntryKind::PlanFailed => ("✗", Role::Bad),
        EntryKind::AlarmCleared | EntryKind::PlanDone | EntryKind::Resolved => ("✓", Role::Good),
        EntryKind::AlarmUnknown | EntryKind::PlanUnknown | EntryKind::Unknown => ("?", Role::Unknown),
        EntryKind::PlanStarted => ("▶", Role::Accent),
        EntryKind::PlanWaiting => ("‖", Role::Warn),
        EntryKind::Approval => ("✓", Role::Info),
        EntryKind::Rejection => ("✗", Role::Bad),
        EntryKind::PassedOver => ("!", Role::Warn),
        EntryKind::Released => ("⇒", Role::Accent),
        EntryKind::Stopped => ("■", Role::Warn),
    }
}

/// Of a checklist item.
pub(super) fn check(state: CheckState) -> Glyph {
    match state {
        CheckState::Open => ("·", Role::Faint),
        CheckState::Passed => ("✓", Role::Good),
        CheckState::Failed => ("✗", Role::Bad),
        CheckState::Na => ("–", Role::Muted),
    }
}

/// Of a probe.
pub(super) fn probe(state: State) -> Glyph {
    match state {
        State::Ok => ("✓", Role::Good),
        State::Warn | State::Pending | State::Flapping => ("▲", Role::Warn),
        State::Recovering => ("△", Role::Warn),
        State::Failing => ("✗", Role::Bad),
        State::Error => ("!", Role::Bad),
        State::Unknown => ("?", Role::Unknown),
    }
}

/// Of a run: a plan whose conductor is gone leaves its run unknown.
pub(super) fn run(plan: &PlanRun, run: &Run) -> Glyph {
    match &run.outcome {
        None if plan.state == PlanState::Ended(PlanEnd::Unknown) => ("?", Role::Unknown),
        None => ("▶", Role::Accent),
        Some(outcome) if outcome.succeeded() => ("✓", Role::Good),
        Some(Outcome::Unknown { .. }) => ("?", Role::Unknown),
        Some(_) => ("✗", Role::Bad),
    }
}

/// How a run ended, in words; `None` while it runs.
pub(super) fn outcome(plan: &PlanRun, run: &Run) -> Option<String> {
    Some(match &run.outcome {
        None if plan.state == PlanState::Ended(PlanEnd::Unknown) => "outcome unknown".to_owned(),
        None => return None,
        Some(Outcome::Exited { code: 0 }) => "exited 0".to_owned(),
        Some(Outcome::Exited { code }) => format!("failed, exit {code}"),
        Some(Outcome::Signalled { signal }) => format!("killed by signal {signal}"),
        Some(Outcome::DidNotStart { why }) => format!("did not start: {why}"),
        Some(Outcome::Unknown { why }) => format!("outcome unknown: {why}"),
        Some(Outcome::Met) => "done".to_owned(),
        Some(Outcome::NotMet { why }) => format!("failed: {why}"),
        Some(Outcome::Interrupted { why }) => format!("broken off: {why}"),
    })
}

/// How a status looks.
pub(super) fn status(status: Status) -> Role {
    match status {
        Status::Open => Role::Bad,
        Status::Mitigated => Role::Warn,
        Status::Resolved => Role::Good,
        Status::Closed => Role::Muted,
    }
}
