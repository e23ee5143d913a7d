//! Asking the world: before a step, after it, and about what nobody knows.

use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use jiff::SignedDuration;

use super::super::ask::ask;
use super::super::orphan;
use super::Conductor;
use crate::incident::{Outcome, Proof};
use crate::plan::{Probe, Step};

/// How often signs of life are shown while the world is asked.
const TICK: Duration = Duration::from_millis(250);
/// The first and the longest pause between two questions.
const PAUSES: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(10));

impl Conductor {
    /// Looks whether all guards of a step hold. Only a clear yes does.
    pub(super) fn check_guards(&mut self, step: &Step) -> Result<(), String> {
        for guard in &step.guards {
            match self.ask(&guard.probe) {
                (Proof::Done, _) => {}
                (Proof::NotDone, why) => return Err(format!("{} does not hold: {why}", guard.title)),
                (Proof::Unknown, why) => {
                    return Err(format!("whether {} cannot be found out: {why}", guard.title));
                }
            }
        }
        Ok(())
    }

    /// Asks once, showing signs of life meanwhile.
    pub(super) fn ask(&mut self, probe: &Probe) -> (Proof, String) {
        let (vault, recorder, stopping) = (&mut self.vault, &mut self.recorder, &mut self.stopping);
        std::thread::scope(|scope| {
            let (say, hear) = channel();
            scope.spawn(move || {
                // Whoever asked is still there.
                let _ = say.send(ask(probe, vault));
            });
            loop {
                match hear.recv_timeout(TICK) {
                    Ok(said) => return said,
                    Err(RecvTimeoutError::Timeout) => {
                        let wish = recorder.tick();
                        *stopping = stopping.take().or(wish.map(|wish| wish.why));
                    }
                    Err(RecvTimeoutError::Disconnected) => {
                        return (Proof::Unknown, "asking broke down".to_owned());
                    }
                }
            }
        })
    }

    /// Asks again and again until it is done or the time is up: what was changed may take a
    /// while to show. A wish to stop ends it.
    pub(super) fn ask_within(&mut self, probe: &Probe, within: SignedDuration) -> (Proof, String) {
        let until = Instant::now() + Duration::try_from(within).unwrap_or_default();
        let mut pause = PAUSES.0;
        loop {
            let said = self.ask(probe);
            let now = Instant::now();
            if said.0 == Proof::Done || now >= until || self.is_stopping() {
                return said;
            }
            let resting = now + pause.min(until - now);
            while Instant::now() < resting && !self.is_stopping() {
                std::thread::sleep(TICK.min(resting.saturating_duration_since(Instant::now())));
            }
            pause = (pause * 2).min(PAUSES.1);
        }
    }

    /// Asks about a step whose fate is not known, and records what the world says.
    pub(super) fn prove_again(&mut self, index: usize) -> (Proof, String) {
        let probe = self.plan.steps.get(index).and_then(|step| step.proof.clone());
        let Some(probe) = probe else {
            return (Proof::Unknown, "nothing is configured that could tell".to_owned());
        };
        let said = self.ask(&probe);
        let step = self.recorder.plan().and_then(|run| run.steps.get(index));
        let said = orphan::weighed(said, step.and_then(|step| step.run.as_ref()));
        let unknown = || Outcome::Unknown { why: String::new() };
        let outcome = step.and_then(|step| step.run.as_ref()?.outcome.clone()).unwrap_or_else(unknown);
        self.record_proof(index, &outcome, &said, false);
        said
    }
}
