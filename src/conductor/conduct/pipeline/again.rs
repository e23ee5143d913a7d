//! A run that is over is run again, as another attempt under its id. How it stands is read before anything is sent.

use std::time::{Duration, Instant};

use super::super::super::forge::{Kind, Lost};
use super::super::super::log::LogWriter;
use super::super::super::pipeline::{Host, PATIENCE};
use super::super::super::run::Finished;
use super::super::Conductor;
use super::super::wait::{not_met, say, who};
use super::{APPEARS, spelled};
use crate::deploy::pipeline::Seen;
use crate::incident::{Outcome, Remote};
use crate::plan::Action;
use crate::plan::pipeline::{Pipeline, Rerun};
use crate::plan::progress::failed_run;

/// The pause between two looks at a run whose next attempt is to appear.
const PAUSE: Duration = Duration::from_secs(2);

impl Conductor {
    /// Running the failed jobs of a step again, where its run failed and its host can do that.
    pub(in super::super) fn rerun_of(&self, index: usize) -> Option<Action> {
        let (planned, run) = (self.plan.steps.get(index)?, self.recorder.plan()?.steps.get(index)?);
        let (remote, pipeline) = (failed_run(planned, run)?, self.pipeline_of(index)?);
        let begin = rerun(remote).into();
        Some(Action::Pipeline(Box::new(Pipeline { begin, ..pipeline.clone() })))
    }

    /// The next attempt of the run that this step followed last, where somebody has asked its host for one: us, before
    /// that was on record, or a person there.
    pub(super) fn next_attempt(&mut self, remote: &Remote, host: &mut Host) -> Option<Seen> {
        if !host.lists() {
            return None;
        }
        let seen = self.at_host(|| host.run(&remote.id)).ok()?;
        is_next(&seen, remote.attempt).then_some(seen)
    }

    /// Runs it again, once.
    pub(super) fn run_again(
        &mut self,
        index: usize,
        (pipeline, again): (&Pipeline, &Rerun),
        host: &mut Host,
        log: &mut LogWriter,
    ) -> Result<Seen, Box<Finished>> {
        let seen = match self.at_host(|| host.run(&again.id)) {
            Ok(seen) => seen,
            Err(lost) if again.only_look => return Err(Box::new(unknown(lost.why))),
            Err(lost) => return Err(Box::new(not_met(lost.why))),
        };
        if is_next(&seen, again.attempt) {
            return Ok(seen);
        }
        let is_another =
            !pipeline.commit.is_empty() && !seen.commit.is_empty() && seen.commit != pipeline.commit;
        if is_another {
            // Its jobs would deploy what nobody approved. What the plan says is begun anew.
            return match self.pipeline_of(index).cloned() {
                Some(planned) if again.failed && !again.only_look => self.begin(index, &planned, host, log),
                _ => Err(Box::new(not_met(format!(
                    "{} runs on another commit than {}",
                    seen.name,
                    pipeline.short()
                )))),
            };
        }
        let mut trouble = String::new();
        if !again.only_look {
            match self.at_host(|| host.rerun(&again.id, again.failed)) {
                Ok(Some(seen)) => return Ok(seen),
                Ok(None) => {}
                Err(Lost { why, kind: Kind::Unclear | Kind::Odd }) => {
                    say(log, &self.vault.mask(&why));
                    trouble = format!("{why}; ");
                }
                Err(lost) => return Err(Box::new(not_met(lost.why))),
            }
        }
        let within = if again.only_look { PATIENCE } else { APPEARS };
        let until = Instant::now() + within;
        loop {
            if let Ok(seen) = self.at_host(|| host.run(&again.id))
                && is_next(&seen, again.attempt)
            {
                return Ok(seen);
            }
            let left = until.saturating_duration_since(Instant::now());
            if let Some(wish) = self.rest(PAUSE.min(left)) {
                let finished = unknown(who(&wish.why));
                return Err(Box::new(Finished { stopped: Some(wish.why), ..finished }));
            }
            if left.is_zero() {
                let name = &again.name;
                return Err(Box::new(unknown(format!(
                    "{trouble}{name} shows no new attempt after {}",
                    spelled(within)
                ))));
            }
        }
    }
}

fn rerun(remote: &Remote) -> Rerun {
    Rerun {
        id: remote.id.clone(),
        name: remote.name.clone(),
        attempt: remote.attempt,
        failed: true,
        only_look: false,
    }
}

/// Tells whether a run has come to another attempt than that one.
fn is_next(seen: &Seen, attempt: u64) -> bool {
    seen.attempt > attempt || !seen.state.is_over()
}

fn unknown(why: String) -> Finished {
    Finished::with(Outcome::Unknown { why })
}
