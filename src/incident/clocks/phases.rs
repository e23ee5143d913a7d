//! A clock for each time a phase was entered: whether it kept to its budget.

use jiff::Timestamp;

use super::super::policy::Policy;
use super::super::state::State;
use super::{Ask, Clock, clock};

/// Since when the phase it is in counts: the first one since the fault began.
pub fn phase_since(state: &State) -> Option<Timestamp> {
    let last = state.phases.len().checked_sub(1)?;
    entered(state, last)
}

/// Since when the phase entered as the so-manyth counts.
fn entered(state: &State, index: usize) -> Option<Timestamp> {
    let (_, entered) = state.phases.get(index)?;
    Some(if index == 0 { state.started_at.min(*entered) } else { *entered })
}

/// The clock of the phase it is in, and those of the phases that are over.
pub(super) fn clocks(state: &State, policy: &Policy, now: Timestamp) -> Vec<Clock> {
    let one = |(index, &(phase, _)): (usize, &(_, Timestamp))| {
        let from = entered(state, index)?;
        let within = policy.phase(phase)?.budget;
        // Clocks may differ: no phase ends before it begins.
        let met = state.phases.get(index + 1).map(|(_, next)| (*next).max(from));
        let before = state.phases[..index].iter().filter(|(one, _)| *one == phase).count();
        let id = match (met, before) {
            (None, _) => "phase".to_owned(),
            (Some(_), 0) => format!("phase:{}", phase.name()),
            (Some(_), again) => format!("phase:{}:{}", phase.name(), again + 1),
        };
        let ask = Ask { from, within, since: from, met, stopped: state.resolved_at };
        Some(clock(&id, format!("{} budget", policy.phase_name(phase)), ask, now))
    };
    state.phases.iter().enumerate().filter_map(one).collect()
}
