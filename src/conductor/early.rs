//! When the answer “not done” counts. What was changed may still be on its way: a hook at the remote
//! works on after the connection was lost, a rollout takes longer than it was expected to. Until then
//! nobody knows.

use jiff::{SignedDuration, Timestamp};

use super::pushed::push_of;
use crate::incident::{Outcome, Proof, Run};
use crate::plan::{Action, Reach, Step, Undo};

/// Undoing a step, as a step: its answers are weighed alike. `None` where nothing undoes it.
pub(super) fn undoing(step: &Step) -> Option<Step> {
    let Undo::By { action, proof } = &step.undo else { return None };
    Some(Step { action: action.clone(), proof: proof.clone(), undo: Undo::Nothing, ..step.clone() })
}

/// How long a remote is given at least to end what it was at when the connection was lost.
const LANDING: SignedDuration = SignedDuration::from_secs(10);

/// How long after its end a step that ended so may still turn out to be done; `None`: what is not done
/// then has failed.
pub(super) fn patience(step: &Step, outcome: &Outcome) -> Option<SignedDuration> {
    if step.proof.is_none() || step.reach != Reach::Others {
        return None;
    }
    let lost = matches!(outcome, Outcome::Unknown { .. });
    match push_of(step) {
        Some(_) if lost || matches!(outcome, Outcome::Signalled { .. }) => {
            Some(step.proof_within.max(LANDING))
        }
        None if lost => Some(step.proof_within),
        // It began all right, and takes its time: no longer than the step may take.
        None if outcome.succeeded() => Some(step.proof_within.max(step.timeout)),
        _ => None,
    }
}

/// The moment from which on “not done” counts for a run, where that is still to come.
pub(super) fn settles_at(step: &Step, run: &Run, now: Timestamp) -> Option<Timestamp> {
    let patience = patience(step, run.outcome.as_ref()?)?;
    run.ended_at?.checked_add(patience).ok().filter(|at| *at > now)
}

/// What an answer is worth at a moment: “not done” may be “not done yet”.
pub(super) fn weighed(
    said: (Proof, String),
    step: &Step,
    run: Option<&Run>,
    now: Timestamp,
) -> (Proof, String) {
    match (said, run.and_then(|run| Some((run.outcome.as_ref()?, settles_at(step, run, now)?)))) {
        ((Proof::NotDone, why), Some((outcome, until))) => {
            let going = still_going(step, outcome.succeeded(), &why);
            (Proof::Unknown, format!("{going}; {AGAIN} {}", at(until)))
        }
        (said, _) => settled(said, step, run),
    }
}

/// What an answer settles. “Not done” settles nothing about a pipeline whose end nobody saw: it may have been started,
/// and what it deploys may be still to come. Only its host can tell.
pub(super) fn settled(said: (Proof, String), step: &Step, run: Option<&Run>) -> (Proof, String) {
    let lost = run.is_some_and(|run| matches!(run.outcome, Some(Outcome::Unknown { .. })));
    match said {
        (Proof::NotDone, why) if lost && matches!(step.action, Action::Pipeline(_)) => {
            (Proof::Unknown, format!("its pipeline may still be going: {why}"))
        }
        said => said,
    }
}

/// What is written of an answer that does not count yet.
const AGAIN: &str = "ask again after";

/// Tells whether an answer was held back because it came too early.
pub(super) fn may_be_asked_again(why: &str) -> bool {
    why.contains(AGAIN)
}

/// Says that a step is not known to be done yet, and what the world said last.
pub(super) fn still_going(step: &Step, succeeded: bool, why: &str) -> String {
    let what = match push_of(step) {
        Some(_) => "the connection was lost, and a hook at the remote may still be at work",
        None if succeeded => "not proven yet, still going",
        None => "nobody saw its end, and it may still be going",
    };
    format!("{what}: {why}")
}

/// A moment as it is written down.
pub(super) fn at(moment: Timestamp) -> String {
    moment.strftime("%H:%M:%S UTC").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{Command, Probe};

    fn step(argv: &[&str]) -> Step {
        let command = Command {
            argv: argv.iter().map(|&word| word.to_owned()).collect(),
            cwd: "/".to_owned(),
            env: Vec::new(),
            set: [].into(),
        };
        Step {
            proof: Some(Probe::command(command.clone(), None)),
            proof_within: SignedDuration::from_secs(60),
            reach: Reach::Others,
            ..Step::new("x", Action::Command(command), SignedDuration::from_mins(30))
        }
    }

    #[test]
    fn a_no_counts_once_what_was_begun_has_had_its_time() {
        let (push, rollout) = (step(&["git", "push", "origin", "x"]), step(&["kubectl", "set", "image"]));
        let exited = |code| Outcome::Exited { code };
        let unknown = || Outcome::Unknown { why: "lost".to_owned() };
        let killed = || Outcome::Signalled { signal: 9 };
        let minutes = |minutes| Some(SignedDuration::from_mins(minutes));
        let cases = [
            (&push, exited(0), None, "it says that the remote took it"),
            (&push, exited(1), None, "it says that the remote refused it"),
            (&push, unknown(), minutes(1), "a hook may be at work"),
            (&push, killed(), minutes(1), "a hook may be at work"),
            (&rollout, exited(0), minutes(30), "it takes its time"),
            (&rollout, exited(1), None, "it says that it failed"),
            (&rollout, unknown(), minutes(1), "nobody saw what it began"),
            (&rollout, killed(), None, "it was cut short"),
        ];
        for (step, outcome, expected, why) in cases {
            assert_eq!(patience(step, &outcome), expected, "{}: {outcome:?}: {why}", step.action.line());
        }
        let quick = Step { proof_within: SignedDuration::ZERO, ..push };
        assert_eq!(patience(&quick, &unknown()), Some(LANDING), "at least a moment");
        let here = Step { reach: Reach::Here, ..rollout.clone() };
        assert_eq!(patience(&here, &exited(0)), None, "here nothing takes its time");
        assert_eq!(patience(&Step { proof: None, ..rollout }, &exited(0)), None, "nobody can be asked");
    }
}
