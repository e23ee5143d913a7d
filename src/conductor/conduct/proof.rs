//! Asking the world: before a step, after it, and about what nobody knows.

use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use jiff::SignedDuration;

use super::super::ask::{Answer, ask, judge};
use super::super::files::log_dir;
use super::super::mask::Masker;
use super::super::recorder::Decided;
use super::super::{early, pushed};
use super::wait::{Heard, who};
use super::{Conductor, Turn};
use crate::incident::{Decision, Outcome, PlanEnd, Proof, Run};
use crate::plan::{Command, Probe, Step};

/// How often signs of life are shown while the world is asked.
const TICK: Duration = Duration::from_millis(250);
/// The first and the longest pause between two questions.
const PAUSES: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(10));

/// How often it is said what the world answers, where that changes.
const NEWS: Duration = Duration::from_secs(30);

/// What came of asking on.
pub(super) enum Answered {
    /// The world said this, and it counts.
    Said((Proof, String)),
    /// Somebody wants something else.
    Otherwise(Turn),
}

impl Conductor {
    /// Looks whether all guards of a step hold. Only a clear yes does.
    pub(super) fn check_guards(&mut self, step: &Step) -> Result<(), String> {
        for guard in &step.guards {
            match self.ask(&guard.probe) {
                (Proof::Done, _) => {}
                (Proof::NotDone, why) => return Err(format!("{} does not hold: {why}", guard.title)),
                (Proof::Unknown, why) => {
                    return Err(format!("cannot find out whether {}: {why}", guard.title));
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
                        *stopping = wish.map(|wish| wish.after(stopping.as_ref())).or(stopping.take());
                    }
                    Err(RecvTimeoutError::Disconnected) => {
                        return (Proof::Unknown, "the check crashed".to_owned());
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

    /// Asks on for as long as “not done” may be “not done yet”, and says so meanwhile; a person may
    /// decide otherwise. `said` is the last answer. Returns at once where it counts.
    pub(super) fn until_settled(&mut self, index: usize, step: &Step, said: (Proof, String)) -> Answered {
        let now = self.recorder.now();
        let run = self.last_run(index);
        let until = run.and_then(|run| early::settles_at(step, run, now));
        let outcome = run.and_then(|run| run.outcome.clone());
        let (Some(probe), Some(until), Some(outcome)) = (&step.proof, until, outcome) else {
            return Answered::Said(said);
        };
        if said.0 == Proof::Done {
            return Answered::Said(said);
        }
        let question = |why: &str| early::still_going(step, outcome.succeeded(), why);
        let waits = |why: &str| format!("{}; asked again until {}", question(why), early::at(until));
        let begun = Instant::now();
        let over = begun + Duration::try_from(until.duration_since(now)).unwrap_or_default();
        // What went well so far is expected to take its time: nothing is said of that.
        let expected = if outcome.succeeded() {
            over.min(begun + Duration::try_from(step.proof_within).unwrap_or_default())
        } else {
            begun
        };
        let (mut said, mut pause) = (said, PAUSES.0);
        let (mut told, mut tell_at) = (None, expected);
        loop {
            let now = Instant::now();
            // That a rollout cannot be asked about is no sign that it goes on; that a remote cannot, after
            // the connection to it was lost, is what is to be expected.
            if told.is_none() && now >= expected && said.0 == Proof::Unknown && outcome.succeeded() {
                return Answered::Said(said);
            }
            if now >= tell_at && told.as_ref() != Some(&said.1) {
                if told.is_none() {
                    self.record_proof(index, &outcome, &(Proof::Unknown, question(&said.1)), false);
                }
                self.says_waiting(index, &waits(&said.1));
                (told, tell_at) = (Some(said.1.clone()), now + NEWS);
            }
            let next = over.min(now + pause);
            let next = if now < expected { next.min(expected) } else { next };
            if let Some(turn) = self.pause(next, &question(&said.1)) {
                if told.is_some() {
                    self.says_waiting(index, "");
                } else {
                    self.record_proof(index, &outcome, &(Proof::Unknown, question(&said.1)), false);
                }
                return Answered::Otherwise(turn);
            }
            said = self.ask(probe);
            if said.0 == Proof::Done || Instant::now() >= over {
                if told.is_some() {
                    self.says_waiting(index, "");
                }
                return Answered::Said(said);
            }
            pause = (pause * 2).min(PAUSES.1);
        }
    }

    /// Rests until a moment, or until somebody wants to hear at once; what else somebody wants.
    fn pause(&mut self, until: Instant, question: &str) -> Option<Turn> {
        while Instant::now() < until {
            match self.listen() {
                Heard::Nothing if self.recorder.is_lost() => {
                    let why = "somebody took the target over".to_owned();
                    return Some(Turn::End(PlanEnd::Unknown, why));
                }
                Heard::Nothing => {}
                Heard::Decided(Decided { decision: Decision::Resume, .. }) => return None,
                Heard::Decided(decided) => return Some(Turn::Heed(Box::new(decided))),
                Heard::Stop(why) => {
                    return Some(Turn::End(PlanEnd::Unknown, format!("{}; {question}", who(&why))));
                }
            }
        }
        None
    }

    /// The last run of a step.
    pub(super) fn last_run(&self, index: usize) -> Option<&Run> {
        self.recorder.plan()?.steps.get(index)?.run.as_ref()
    }

    /// Asks about a step whose fate is not known until the answer counts, and records it. Where the
    /// remote cannot be asked without a person it is asked in a terminal: a person has just decided
    /// that it should be.
    pub(super) fn prove_again(&mut self, index: usize) -> Answered {
        let Some(step) = self.plan.steps.get(index).cloned() else {
            return Answered::Said((Proof::Unknown, "no such step".to_owned()));
        };
        let Some(probe) = &step.proof else {
            return Answered::Said((
                Proof::Unknown,
                "nothing is configured that could tell whether it is done".to_owned(),
            ));
        };
        let said = self.ask(probe);
        let mut said = self.weighed(index, said);
        let question = pushed::asks_a_remote(probe).filter(|_| said.0 == Proof::Unknown).cloned();
        let outcome = self.last_run(index).and_then(|run| run.outcome.clone());
        let outcome = outcome.unwrap_or_else(|| Outcome::Unknown { why: String::new() });
        if let Some(question) = question {
            return match self.ask_in_a_terminal(index, &step, probe, &question) {
                Ok(said) => Answered::Said(said),
                Err(turn) => Answered::Otherwise(turn),
            };
        }
        if said.0 == Proof::NotDone {
            said = match self.until_settled(index, &step, said) {
                Answered::Said(said) => said,
                otherwise @ Answered::Otherwise(_) => return otherwise,
            };
        }
        self.record_proof(index, &outcome, &said, false);
        Answered::Said(said)
    }

    /// Asks a remote as a run of the step that does nothing else: in a terminal that a person can
    /// answer. What it says is recorded as the end of that run.
    fn ask_in_a_terminal(
        &mut self,
        index: usize,
        step: &Step,
        probe: &Probe,
        question: &Command,
    ) -> Result<(Proof, String), Turn> {
        let before = self.last_run(index).cloned();
        let run_id = self.recorder.next_run(index, false);
        let began = self.began(index, &run_id, false);
        self.recorder.insist(began.clone()).map_err(|failure| {
            Turn::End(PlanEnd::Unknown, format!("the remote was not asked: {}", failure.cause))
        })?;
        let mut finished = self.run_in_a_terminal(question, began, step.timeout);
        let dir = log_dir(&self.state_dir, self.incident, &run_id);
        let said = judge_seen(probe, &finished.ended.outcome, &pushed::tail(&dir), self.vault.masker());
        let now = self.recorder.now();
        let said = before.as_ref().map_or(said.clone(), |run| early::weighed(said, step, Some(run), now));
        finished.ended.outcome = match said.0 {
            Proof::Done => Outcome::Met,
            // What was begun before is what this is about.
            Proof::NotDone | Proof::Unknown => match before.and_then(|run| run.outcome) {
                Some(outcome) if !outcome.succeeded() => outcome,
                _ => Outcome::Unknown { why: "it was only asked about".to_owned() },
            },
        };
        "the remote was asked in a terminal".clone_into(&mut finished.ended.summary);
        let ended = self.ended(index, run_id, &finished, false);
        self.recorder.record(ended);
        self.record_proof(index, &finished.ended.outcome, &said, false);
        match finished.stopped {
            Some(why) => Err(Turn::End(PlanEnd::Unknown, format!("{}; {}", who(&why), said.1))),
            None => Ok(said),
        }
    }
}

/// What an answer on a terminal means, among all else that stands there.
fn judge_seen(probe: &Probe, outcome: &Outcome, text: &str, masker: &Masker) -> (Proof, String) {
    let code = match outcome {
        Outcome::Exited { code } => Some(*code),
        _ => None,
    };
    // As `ls-remote` prints them.
    let is_reference = |line: &&str| {
        let id = line.split_once('\t').map_or("", |(id, _)| id);
        id.len() >= 40 && id.bytes().all(|byte| byte.is_ascii_hexdigit())
    };
    let mut lines = text.lines().map(str::trim);
    let line = lines.clone().find(is_reference).unwrap_or_default().to_owned();
    let complaint = lines.rfind(|line| !line.is_empty()).unwrap_or_default().to_owned();
    judge(probe.expect.as_deref(), probe.negate, &Answer { code, line, complaint }, masker)
}
