//! The clocks of an incident: what is due when, and whether it was met.

use jiff::Timestamp;

use super::policy::Policy;
use super::state::State;

/// Something due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clock {
    /// Id: `fix`, `page`, `stakeholders`, `update`, `escalate`, `executives`, `review`, `phase`.
    pub id: String,
    /// Short title for the header: `fix due`, `update due`.
    pub title: String,
    /// When it started to run.
    pub from: Timestamp,
    /// When it is due.
    pub due_at: Timestamp,
    /// Where it stands.
    pub state: ClockState,
}

/// Where a clock stands, in the words of `status --json`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ClockState {
    /// Runs, and is not due yet.
    Running,
    /// Was met in time.
    Met,
    /// Was met, but late.
    Late,
    /// Is due and not met.
    Overdue,
    /// No longer applies.
    Stopped,
}

impl ClockState {
    /// The name in `status --json`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Met => "met",
            Self::Late => "late",
            Self::Overdue => "overdue",
            Self::Stopped => "stopped",
        }
    }
}

/// The clocks of an incident at a time, most urgent first. Every due time counts from when
/// the incident began, whatever the severity was meanwhile.
pub fn clocks(_state: &State, _policy: &Policy, _now: Timestamp) -> Vec<Clock> {
    todo!()
}
