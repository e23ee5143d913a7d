//! What the end of a step means for its plan.

use super::super::run::Finished;
use super::super::stop::Why;
use crate::incident::{Outcome, PlanEnd, Proof, StepState, duration};
use crate::plan::Step;

/// What a step means for the plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct StepEnd {
    /// How it ended.
    pub(super) end: PlanEnd,
    /// Why, in one line; empty when done.
    pub(super) why: String,
    /// Somebody wants the plan to go no further.
    pub(super) stopped: bool,
}

impl StepEnd {
    pub(super) fn new(end: PlanEnd, why: String) -> Self {
        Self { end, why, stopped: false }
    }

    /// The end of a step that was carried out, with what the world said of it.
    pub(super) fn of(step: &Step, finished: &Finished, proof: Option<&(Proof, String)>) -> Self {
        let outcome = &finished.ended.outcome;
        let title = &step.title;
        let how = how(outcome, proof);
        let fate = outcome.fate(proof.map(|(proof, _)| *proof));
        let asked = match &finished.stopped {
            Some(Why::Asked { by }) => Some(format!("{by} asked for a stop")),
            Some(Why::Ending) => Some("the conductor was told to end".to_owned()),
            Some(Why::Timeout) | None => None,
        };
        let stopped = asked.is_some();
        let why = match asked {
            Some(asked) => format!("{asked}; {title} {how}"),
            None if finished.stopped == Some(Why::Timeout) && finished.signalled => {
                format!("{title} was stopped after {} and {how}", duration(step.timeout))
            }
            None => format!("{title} {how}"),
        };
        let end = match fate {
            StepState::Unknown => PlanEnd::Unknown,
            // What was cut short is gone on from by a person only, also where it is done.
            _ if finished.signalled && stopped => PlanEnd::Cancelled,
            _ if finished.signalled => PlanEnd::Failed,
            StepState::Done => PlanEnd::Done,
            StepState::Open => PlanEnd::Cancelled,
            _ if stopped => PlanEnd::Cancelled,
            _ => PlanEnd::Failed,
        };
        Self { end, why, stopped }
    }
}

/// How something ended, in words, and what the world said of it.
pub(super) fn how(outcome: &Outcome, proof: Option<&(Proof, String)>) -> String {
    let ended = match outcome {
        Outcome::Exited { code } => format!("exited {code}"),
        Outcome::Signalled { signal } => format!("was killed by signal {signal}"),
        Outcome::DidNotStart { why } => format!("did not start: {why}"),
        Outcome::Unknown { why } => format!("has an unknown outcome: {why}"),
        Outcome::Met => "was answered as wanted".to_owned(),
        Outcome::NotMet { why } | Outcome::Failed { why } => format!("failed: {why}"),
        Outcome::Interrupted { why } => format!("was interrupted: {why}"),
    };
    match proof {
        Some((Proof::NotDone, why)) if outcome.succeeded() => {
            format!("{ended}, but it is not done: {why}")
        }
        Some((Proof::Unknown, why)) if outcome.succeeded() => {
            format!("{ended}, but flightdeck could not find out whether it is done: {why}")
        }
        Some((Proof::NotDone, why))
            if matches!(outcome, Outcome::Unknown { .. } | Outcome::Signalled { .. }) =>
        {
            format!("{ended}, and it is not done: {why}")
        }
        Some((Proof::Done, why)) if !outcome.succeeded() => format!("{ended}; the proof says: {why}"),
        _ => ended,
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::super::super::files::Ended;
    use super::*;
    use crate::plan::Action;

    fn end(outcome: Outcome, proof: Option<Proof>, stopped: Option<Why>) -> StepEnd {
        let step = Step::new("deploy", Action::Hold { time: None }, SignedDuration::from_secs(60));
        let signalled = stopped.is_some() && !matches!(outcome, Outcome::Interrupted { .. });
        let ended =
            Ended { outcome, summary: String::new(), survivors: Vec::new(), tail: Vec::new(), at_ms: 0 };
        StepEnd::of(
            &step,
            &Finished { ended, stopped, signalled },
            proof.map(|it| (it, "v1".to_owned())).as_ref(),
        )
    }

    #[test]
    fn a_success_counts_for_nothing_against_its_proof() {
        let exited = |code| Outcome::Exited { code };
        assert_eq!(end(exited(0), None, None).end, PlanEnd::Done);
        assert_eq!(end(exited(0), Some(Proof::Done), None).end, PlanEnd::Done);
        let not = end(exited(0), Some(Proof::NotDone), None);
        assert_eq!((not.end, not.why.as_str()), (PlanEnd::Failed, "deploy exited 0, but it is not done: v1"));
        assert_eq!(end(exited(0), Some(Proof::Unknown), None).end, PlanEnd::Unknown);
        assert_eq!(end(exited(1), Some(Proof::Done), None).end, PlanEnd::Failed, "it says that it failed");
    }

    #[test]
    fn what_was_killed_is_done_if_the_world_says_so() {
        let killed = || Outcome::Signalled { signal: 9 };
        assert_eq!(end(killed(), Some(Proof::Done), None).end, PlanEnd::Done);
        assert_eq!(end(killed(), Some(Proof::Unknown), None).end, PlanEnd::Unknown, "nobody could be asked");
        assert_eq!(end(killed(), Some(Proof::NotDone), None).end, PlanEnd::Failed);
        let late = end(killed(), Some(Proof::Done), Some(Why::Timeout));
        let why = "deploy was stopped after 1m and was killed by signal 9; the proof says: v1";
        assert_eq!((late.end, late.why.as_str()), (PlanEnd::Failed, why), "a person looks at it first");
        let unknown = || Outcome::Unknown { why: "lost".to_owned() };
        assert_eq!(end(unknown(), Some(Proof::Unknown), None).end, PlanEnd::Unknown);
        assert_eq!(end(unknown(), Some(Proof::NotDone), None).end, PlanEnd::Failed);
        assert_eq!(
            end(unknown(), None, Some(Why::Ending)).end,
            PlanEnd::Unknown,
            "a stop makes nothing known"
        );
    }

    #[test]
    fn a_stop_is_no_failure() {
        let by = || Some(Why::Asked { by: "Omar".to_owned() });
        let stopped = end(Outcome::Signalled { signal: 2 }, None, by());
        assert_eq!((stopped.end, stopped.stopped), (PlanEnd::Cancelled, true));
        assert!(stopped.why.starts_with("Omar asked for a stop; "), "{}", stopped.why);
        let held = end(Outcome::Interrupted { why: "x".to_owned() }, None, Some(Why::Timeout));
        assert_eq!((held.end, held.stopped), (PlanEnd::Cancelled, false));
    }
}
