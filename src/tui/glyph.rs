//! The glyph and the role that stand for a state, the same everywhere. A glyph never comes
//! without a word for the same thing near it.

use super::theme::Role;
use crate::deploy::flags::Switch;
use crate::health::series::State;
use crate::incident::{
    CheckState, EntryKind, NoteKind, Outcome, PlanEnd, PlanRun, PlanState, Run, Status, StepRun, StepState,
};

/// A glyph of one column and how it looks.
pub(super) type Glyph = (&'static str, Role);

/// What each glyph stands for, for the help.
pub(super) const LEGEND: &[(Glyph, &str)] = &[
    (("✓", Role::Good), "ok, passed, done, approved, recovered"),
    (("▲", Role::Warn), "near its limit, or a warning; in the timeline a change of severity"),
    (("△", Role::Warn), "recovering: not good for long enough yet"),
    (("✗", Role::Bad), "failing, failed, rejected, not delivered, or why a key does nothing"),
    (("?", Role::Unknown), "no data, or its outcome is unknown"),
    (("·", Role::Faint), "open, not started; in the timeline an approval that does not count"),
    (("–", Role::Faint), "not applicable, or skipped"),
    (("▂", Role::Spark), "in a trend: within its limit, or the check passed; blank: no data"),
    (("▇", Role::Bad), "in a trend: over its limit, or the check failed; ✗ no answer"),
    (("▲", Role::ChartMark), "below the times of a trend or chart: a deploy, rollback or flag began there"),
    (("▶", Role::Accent), "running, or started"),
    (("‖", Role::Warn), "waiting for a person"),
    (("…", Role::Accent), "approval was asked for"),
    (("■", Role::Warn), "stopped"),
    (("↶", Role::Muted), "undone"),
    (("!", Role::Warn), "overridden, skipped or taken over"),
    (("⇒", Role::Accent), "another release is live"),
    (("●", Role::Bad), "declared or reopened; of a feature flag: on"),
    (("○", Role::Muted), "of a feature flag: off"),
    (("▸", Role::Accent), "a phase began"),
    (("◆", Role::Accent), "a decision"),
    (("⚑", Role::Accent), "something done by hand"),
    (("✎", Role::Muted), "a note, a finding or a problem"),
    (("≡", Role::Muted), "title, impact or cause; the report, or the review"),
    (("◎", Role::Info), "a role was taken, or offered"),
    (("☎", Role::Info), "somebody was paged"),
    (("✉", Role::Info), "somebody was told"),
    (("☐", Role::Info), "a task"),
    (("◇", Role::Accent), "a proposal, or what became of it"),
    (("→", Role::Info), "a follow-up"),
    (("◷", Role::Muted), "a reminder was snoozed"),
    (("★", Role::Pinned), "pinned"),
    (("+", Role::Muted), "entries of the program, folded"),
];

/// Of a timeline entry.
pub(super) fn entry(kind: EntryKind) -> Glyph {
    match kind {
        EntryKind::Declared | EntryKind::Reopened => ("●", Role::Bad),
        EntryKind::Severity | EntryKind::AlarmWarned => ("▲", Role::Warn),
        EntryKind::Phase => ("▸", Role::Accent),
        EntryKind::Role => ("◎", Role::Info),
        EntryKind::Described => ("≡", Role::Muted),
        EntryKind::Note(NoteKind::Note) => ("✎", Role::Muted),
        EntryKind::Note(NoteKind::Finding) => ("✎", Role::Info),
        EntryKind::Note(NoteKind::Decision) => ("◆", Role::Accent),
        EntryKind::Note(NoteKind::Problem | NoteKind::Better) => ("✎", Role::Warn),
        EntryKind::Note(NoteKind::Action) => ("⚑", Role::Accent),
        EntryKind::Note(NoteKind::Well) => ("✎", Role::Good),
        EntryKind::Paged => ("☎", Role::Info),
        EntryKind::Told => ("✉", Role::Info),
        EntryKind::Check(state) => check(state),
        EntryKind::AlarmRaised
        | EntryKind::StepFailed
        | EntryKind::PlanFailed
        | EntryKind::Undelivered
        | EntryKind::Rejection => ("✗", Role::Bad),
        EntryKind::AlarmCleared | EntryKind::PlanDone | EntryKind::Resolved => ("✓", Role::Good),
        EntryKind::AlarmUnknown | EntryKind::PlanUnknown | EntryKind::Unknown => ("?", Role::Unknown),
        EntryKind::PlanStarted => ("▶", Role::Accent),
        EntryKind::PlanWaiting => ("‖", Role::Warn),
        EntryKind::Approval => ("✓", Role::Info),
        EntryKind::PassedOver => ("!", Role::Warn),
        EntryKind::Released => ("⇒", Role::Accent),
        EntryKind::Stopped => ("■", Role::Warn),
        EntryKind::Report => ("≡", Role::Info),
        EntryKind::Snoozed => ("◷", Role::Muted),
        EntryKind::Task => ("☐", Role::Info),
        EntryKind::Proposal => ("◇", Role::Accent),
        EntryKind::FollowUp => ("→", Role::Info),
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

/// Of a feature flag, with its word: neither on nor off is good or bad, what it guards decides that.
pub(super) fn flag(state: Option<&Switch>) -> (Glyph, &'static str) {
    match state {
        None => (("·", Role::Faint), "…"),
        Some(Switch::On) => (("●", Role::Accent), "on"),
        Some(Switch::Off) => (("○", Role::Text), "off"),
        Some(Switch::Unknown(_)) => (("?", Role::Unknown), "unknown"),
    }
}

/// Of a probe.
pub(super) fn probe(state: State) -> Glyph {
    match state {
        State::Ok => ("✓", Role::Good),
        State::Warn | State::Pending | State::Flapping => ("▲", Role::Warn),
        State::Recovering => ("△", Role::Warn),
        State::Failing | State::Error => ("✗", Role::Bad),
        State::Suppressed => ("✗", Role::Muted),
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

/// Of a plan.
pub(super) fn plan(plan: &PlanRun) -> Glyph {
    match plan.state {
        PlanState::Running => ("▶", Role::Accent),
        PlanState::Waiting => ("‖", Role::Warn),
        PlanState::Ended(PlanEnd::Done) => ("✓", Role::Good),
        PlanState::Ended(PlanEnd::Failed) => ("✗", Role::Bad),
        PlanState::Ended(PlanEnd::Cancelled) => ("■", Role::Muted),
        PlanState::Ended(PlanEnd::Unknown) => ("?", Role::Unknown),
    }
}

/// Of a step.
pub(super) fn step(step: &StepRun) -> Glyph {
    if step.undo.as_ref().is_some_and(|undo| undo.outcome.is_none()) {
        return ("↶", Role::Accent);
    }
    step_state(step.state())
}

fn step_state(state: StepState) -> Glyph {
    match state {
        StepState::Open => ("·", Role::Faint),
        StepState::Running => ("▶", Role::Accent),
        StepState::Waiting => ("‖", Role::Warn),
        StepState::Done => ("✓", Role::Good),
        StepState::Failed => ("✗", Role::Bad),
        StepState::Unknown => ("?", Role::Unknown),
        StepState::Skipped => ("–", Role::Muted),
        StepState::Undone => ("↶", Role::Muted),
    }
}

/// How a run ended, in words; `None` while it runs.
pub(super) fn outcome(plan: &PlanRun, run: &Run) -> Option<String> {
    match &run.outcome {
        None if plan.state == PlanState::Ended(PlanEnd::Unknown) => Some("outcome unknown".to_owned()),
        None => None,
        Some(outcome) => Some(outcome_words(outcome)),
    }
}

/// An outcome in words.
pub(super) fn outcome_words(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Exited { code: 0 } => "exited 0".to_owned(),
        Outcome::Exited { code } => format!("failed, exit {code}"),
        Outcome::Signalled { signal } => format!("killed by signal {signal}"),
        Outcome::DidNotStart { why } => format!("did not start: {why}"),
        Outcome::Unknown { why } => format!("outcome unknown: {why}"),
        Outcome::Met => "done".to_owned(),
        Outcome::NotMet { why } | Outcome::Failed { why } => format!("failed: {why}"),
        Outcome::Interrupted { why } => format!("interrupted: {why}"),
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_glyph_is_explained() {
        use EntryKind as Kind;
        let probes = [
            State::Ok,
            State::Warn,
            State::Pending,
            State::Flapping,
            State::Recovering,
            State::Failing,
            State::Error,
            State::Suppressed,
            State::Unknown,
        ];
        let steps = [
            StepState::Open,
            StepState::Running,
            StepState::Waiting,
            StepState::Done,
            StepState::Failed,
            StepState::Unknown,
            StepState::Skipped,
            StepState::Undone,
        ];
        let checks = [CheckState::Open, CheckState::Passed, CheckState::Failed, CheckState::Na];
        let flags = [None, Some(Switch::On), Some(Switch::Off), Some(Switch::Unknown(String::new()))];
        let notes = NoteKind::ALL.into_iter().map(Kind::Note);
        let entries = [
            Kind::Declared,
            Kind::Severity,
            Kind::Phase,
            Kind::Role,
            Kind::Described,
            Kind::Paged,
            Kind::Told,
            Kind::Undelivered,
            Kind::AlarmRaised,
            Kind::AlarmWarned,
            Kind::AlarmCleared,
            Kind::AlarmUnknown,
            Kind::PlanStarted,
            Kind::StepFailed,
            Kind::PlanDone,
            Kind::PlanFailed,
            Kind::PlanUnknown,
            Kind::PlanWaiting,
            Kind::Approval,
            Kind::Rejection,
            Kind::PassedOver,
            Kind::Released,
            Kind::Stopped,
            Kind::Resolved,
            Kind::Reopened,
            Kind::Report,
            Kind::Snoozed,
            Kind::Task,
            Kind::Proposal,
            Kind::FollowUp,
            Kind::Unknown,
        ];
        let all = probes.into_iter().map(probe).chain(steps.into_iter().map(step_state));
        let all =
            all.chain(checks.into_iter().map(check)).chain(flags.iter().map(|one| flag(one.as_ref()).0));
        for (glyph, _) in all.chain(notes.chain(entries).map(entry)) {
            assert!(LEGEND.iter().any(|((known, _), _)| *known == glyph), "{glyph} is not in the legend");
        }
    }
}
