//! Commands that outlived their conductor: they may change the world as long as they run,
//! whatever a proof says meanwhile.

use super::{Life, life};
use crate::failure::{Failure, FailureKind};
use crate::incident::{Outcome, PlanRun, Proof, Run};
use crate::text::visible;

/// The process of a run of unknown end, if that is still there.
fn process(run: &Run) -> Option<u32> {
    let process = run.process.as_ref()?;
    let lost = matches!(run.outcome, Some(Outcome::Unknown { .. }));
    (lost && life(process) == Life::Alive).then_some(process.pid)
}

/// What is written of an answer that is worth less than it seems.
const STILL: &str = "but its command still runs as process";

/// Tells whether an answer was held back because the command still ran, and that has ended since.
pub(super) fn may_be_asked_again(why: &str, run: Option<&Run>) -> bool {
    why.contains(STILL) && run.and_then(process).is_none()
}

/// What the answer of the world is worth: “not done” may be “not done yet”.
pub(super) fn weighed(said: (Proof, String), run: Option<&Run>) -> (Proof, String) {
    match (said, run.and_then(process)) {
        ((Proof::NotDone, why), Some(pid)) => (Proof::Unknown, format!("{why}; {STILL} {pid}")),
        (said, _) => said,
    }
}

/// The failure that says that a command of a plan still runs though nobody watches it.
pub(super) fn in_the_way(plan: &PlanRun, doing: &str) -> Option<Failure> {
    let runs = plan.steps.iter().flat_map(|step| step.run.iter().chain(&step.undo));
    let (run, pid) = runs.filter_map(|run| Some((run, process(run)?))).next_back()?;
    let cause = format!("{} lost its conductor, and still runs as process {pid}", visible(&run.id));
    let hint =
        format!("wait until it has ended, or end it: kill {pid}; then look again: flightdeck plan show");
    Some(Failure::of(FailureKind::Held, doing, cause, hint))
}
