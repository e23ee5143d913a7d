//! A run that is over is run again, as another attempt under its id. How it stands is read before anything is sent.

use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::super::super::forge::{Kind, Lost};
use super::super::super::log::LogWriter;
use super::super::super::pipeline::{Host, PATIENCE};
use super::super::super::run::Finished;
use super::super::Conductor;
use super::super::wait::{not_met, say, who};
use super::run::LIMITED;
use super::{APPEARS, SKEW, spelled};
use crate::deploy::pipeline::Seen;
use crate::incident::{Outcome, Remote};
use crate::plan::Action;
use crate::plan::pipeline::{Pipeline, Rerun};
use crate::plan::progress::failed_run;
use crate::text::visible;

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
    pub(super) fn next_attempt(
        &mut self,
        index: usize,
        remote: &Remote,
        host: &mut Host,
    ) -> Result<Option<Seen>, Lost> {
        if !host.lists() {
            return Ok(None);
        }
        let seen = self.at_host(|| host.run(&remote.id))?;
        let since = self.since(index);
        Ok((next(&seen, remote.attempt, since) == Next::Ours).then_some(seen))
    }

    /// From when on an attempt that is over may be what this step asked for.
    fn since(&mut self, index: usize) -> Since {
        let began = self.first_begun(index);
        match self.still_to_look(index) {
            Some(_) => Since { at: began.checked_sub(SKEW).unwrap_or(Timestamp::MIN), asked: true },
            None => Since { at: began, asked: false },
        }
    }

    /// The last attempt that is known of a run: as it was planned, or as this step followed it.
    fn last_attempt(&self, index: usize, again: &Rerun) -> u64 {
        let remote = self.last_remote(index).filter(|remote| remote.id == again.id);
        again.attempt.max(remote.map_or(0, |remote| remote.attempt))
    }

    /// Runs it again, once.
    pub(super) fn run_again(
        &mut self,
        index: usize,
        (pipeline, again): (&Pipeline, &Rerun),
        host: &mut Host,
        log: &mut LogWriter,
    ) -> Result<Seen, Box<Finished>> {
        let (base, since) = (self.last_attempt(index, again), self.since(index));
        let interval = Duration::try_from(pipeline.interval).unwrap_or_default();
        // One may have been asked for that its host does not show yet.
        let within = self.still_to_look(index).filter(|_| !again.only_look);
        let until = Instant::now() + within.unwrap_or_default();
        let seen = loop {
            let seen = match self.at_host(|| host.run(&again.id)) {
                Ok(seen) => seen,
                Err(lost) if again.only_look || within.is_some() => {
                    return Err(Box::new(unknown(lost.why)));
                }
                Err(lost) => return Err(Box::new(not_met(lost.why))),
            };
            match next(&seen, base, since) {
                Next::Ours => return Ok(seen),
                Next::Theirs => {
                    let name = visible(&seen.name);
                    let why = format!("somebody ran {name} again before this: look at it, and plan again");
                    return Err(Box::new(if again.only_look { unknown(why) } else { not_met(why) }));
                }
                Next::None => {}
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break seen;
            }
            if let Some(wish) = self.rest(interval.min(left)) {
                let finished = unknown(who(&wish.why));
                return Err(Box::new(Finished { stopped: Some(wish.why), ..finished }));
            }
        };
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
        let (mut trouble, mut first) = (String::new(), Duration::ZERO);
        if !again.only_look {
            match self.at_host(|| host.rerun(&again.id, again.failed)) {
                Ok(Some(seen)) if is_next(&seen, base) => return Ok(seen),
                // It does not say, or tells how it stood before.
                Ok(_) => {}
                Err(lost) if matches!(lost.kind, Kind::Unclear | Kind::Busy(_) | Kind::Odd) => {
                    say(log, &self.vault.mask(&lost.why));
                    first = lost.away();
                    trouble = format!("{}; ", lost.why);
                }
                Err(lost) => return Err(Box::new(not_met(lost.why))),
            }
        }
        let within = if again.only_look { PATIENCE } else { APPEARS };
        let (mut pause, mut until) = (first.min(LIMITED), Instant::now() + within + first.min(LIMITED));
        let latest = until + LIMITED;
        let mut why = String::new();
        loop {
            if let Some(wish) = self.rest(pause) {
                let said =
                    format!("{}; {trouble}{} shows no new attempt yet{why}", who(&wish.why), again.name);
                let finished = unknown(self.vault.mask(&said));
                return Err(Box::new(Finished { stopped: Some(wish.why), ..finished }));
            }
            why.clear();
            pause = interval;
            match self.at_host(|| host.run(&again.id)) {
                Ok(seen) if is_next(&seen, base) => return Ok(seen),
                Ok(_) => {}
                Err(lost) => {
                    // While it wants to be left alone it shows nothing.
                    let away = lost.away().min(LIMITED);
                    (pause, until) = (interval.max(away), (until + away).min(latest));
                    why = format!(": {}", lost.why);
                }
            }
            if Instant::now() + pause > until {
                let name = &again.name;
                let why = format!("{trouble}{name} shows no new attempt after {}{why}", spelled(within));
                return Err(Box::new(unknown(self.vault.mask(&why))));
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
        job: String::new(),
        only_look: false,
    }
}

/// From when on an attempt that is over may be what a step asked for, and whether it may have asked before.
#[derive(Debug, Clone, Copy)]
struct Since {
    at: Timestamp,
    asked: bool,
}

/// What comes after the last attempt of a run that is known.
#[derive(Debug, PartialEq, Eq)]
enum Next {
    /// There is none.
    None,
    /// One that goes on, or that came about since the step began.
    Ours,
    /// One that somebody else asked for before.
    Theirs,
}

/// Tells what comes after an attempt. What is over says nothing about what a step asked for unless it came about since.
fn next(seen: &Seen, last: u64, since: Since) -> Next {
    if !is_next(seen, last) {
        return Next::None;
    }
    let is_since = seen.began.map_or(since.asked, |began| began >= since.at);
    if !seen.state.is_over() || is_since { Next::Ours } else { Next::Theirs }
}

/// Tells whether a run has come to another attempt than that one.
fn is_next(seen: &Seen, attempt: u64) -> bool {
    seen.attempt > attempt || !seen.state.is_over()
}

fn unknown(why: String) -> Finished {
    Finished::with(Outcome::Unknown { why })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::incident::RemoteState;

    fn seen(attempt: u64, state: RemoteState, began: Option<&str>) -> Seen {
        Seen {
            id: "9001".to_owned(),
            name: "deploy.yml #42".to_owned(),
            url: String::new(),
            attempt,
            state,
            said: String::new(),
            commit: String::new(),
            created: None,
            began: began.map(|at| at.parse().unwrap()),
            workflow: String::new(),
        }
    }

    #[test]
    fn an_attempt_that_was_over_before_is_not_ours() {
        use RemoteState::{Running, Succeeded};
        let since = |asked| Since { at: "2026-11-30T09:00:00Z".parse().unwrap(), asked };
        let (before, after) = (Some("2026-11-30T08:00:00Z"), Some("2026-11-30T09:00:05Z"));
        for (attempt, state, began, asked, expected) in [
            (1, Succeeded, after, true, Next::None),
            (2, Succeeded, before, false, Next::Theirs),
            (2, Succeeded, before, true, Next::Theirs),
            (2, Succeeded, after, false, Next::Ours),
            (2, Succeeded, None, false, Next::Theirs),
            (2, Succeeded, None, true, Next::Ours),
            (2, Running, before, false, Next::Ours),
        ] {
            let said = next(&seen(attempt, state, began), 1, since(asked));
            assert_eq!(said, expected, "attempt {attempt} {state:?} began {began:?}, asked: {asked}");
        }
    }
}
