//! Before a step works in a work tree of ours again: that is put back to how the step found it.

use std::path::Path;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use super::super::beside::{self, Does};
use super::super::capture::capture;
use super::super::environment::environment;
use super::super::orphan;
use super::{Conductor, Turn};
use crate::hotfix::flows::git;
use crate::incident::Outcome;
use crate::plan::{Action, Command, Settle};
use crate::text::visible;

/// How long a command that puts a work tree back may take: it may be a big one.
const PATIENCE: Duration = Duration::from_secs(5 * 60);
/// How often signs of life are shown meanwhile.
const TICK: Duration = Duration::from_millis(250);
/// Submodules are none of ours, whatever git is told about them.
const OWN: &str = "submodule.recurse=false";
/// Bytes of its output that are looked at.
const ENOUGH: usize = 4 << 10;

impl Conductor {
    /// Puts the work tree of ours that a step is about to work in back to how the step first found it,
    /// and clears away what is left of one that it is about to make or remove. Returns whether there is
    /// still something to do.
    ///
    /// # Errors
    /// Why that is not possible.
    pub(super) fn put_back(&mut self, index: usize, action: &Action) -> Result<bool, String> {
        let Action::Command(command) = action else { return Ok(true) };
        let Some(does) = beside::does(command) else { return Ok(true) };
        let cannot = |place: &Path, why: &dyn std::fmt::Display| {
            format!("{} cannot be put back: {why}", visible(&place.to_string_lossy()))
        };
        match does {
            Does::Makes(place) => beside::remove(place).map_err(|error| cannot(place, &error))?,
            Does::Removes(place) if !beside::is_whole(place) => {
                beside::remove(place).map_err(|error| cannot(place, &error))?;
                return Ok(false);
            }
            Does::Concludes(place) => {
                if self.was_broken_off(index) {
                    beside::unlock(place).map_err(|error| cannot(place, &error))?;
                }
            }
            Does::WorksIn(place) if beside::is_whole(place) => {
                self.put_back_to_beginning(index, place).map_err(|why| cannot(place, &why))?;
            }
            Does::Removes(_) | Does::WorksIn(_) => {}
        }
        Ok(true)
    }

    /// Tells whether something that began before could have left a trace: this plan was taken up again.
    fn was_broken_off(&self, index: usize) -> bool {
        let step = self.recorder.plan().and_then(|run| run.steps.get(index));
        self.resumed || step.is_some_and(|step| step.run.is_some())
    }

    fn put_back_to_beginning(&mut self, index: usize, place: &Path) -> Result<(), String> {
        let step = format!("{}/{index}", self.plan.id);
        let begun = beside::beginning(place, &step);
        let text = place.to_string_lossy().into_owned();
        // What an earlier plan left is found by the first step that works in it.
        if self.was_broken_off(index) || !self.looked_beside {
            beside::unlock(place).map_err(|error| error.to_string())?;
            if beside::is_rebasing(place) {
                self.quietly(git(&text, &["-c", OWN, "rebase", "--abort"]))?;
            }
            let commit = begun.as_deref().unwrap_or("HEAD");
            self.quietly(git(&text, &["-c", OWN, "reset", "--hard", "--quiet", commit, "--"]))?;
            self.quietly(git(&text, &["clean", "-ffdxq"]))?;
            self.looked_beside = true;
        }
        if begun.is_none() {
            let commit = self.quietly(git(&text, &["rev-parse", "--verify", "HEAD"]))?;
            beside::begins(place, &step, commit.trim()).map_err(|error| error.to_string())?;
        }
        Ok(())
    }

    /// Runs a command that is part of no step, and returns what it printed.
    fn quietly(&mut self, command: Command) -> Result<String, String> {
        let environment = environment(&command, Vec::new(), std::env::vars_os());
        let (say, hear) = channel();
        let what = command.argv.iter().take(2).map(String::as_str).collect::<Vec<_>>().join(" ");
        std::thread::spawn(move || {
            // Whoever asked is still there.
            let _ = say.send(capture(&what, &command, environment, PATIENCE, ENOUGH));
        });
        let said = loop {
            match hear.recv_timeout(TICK) {
                Ok(said) => break said?,
                Err(RecvTimeoutError::Timeout) => drop(self.is_stopping()),
                Err(RecvTimeoutError::Disconnected) => return Err("it crashed".to_owned()),
            }
        };
        if said.code == Some(0) {
            return Ok(String::from_utf8_lossy(&said.out).into_owned());
        }
        let said = said.masked(self.vault.masker());
        let complaint = String::from_utf8_lossy(&said.err).into_owned();
        Err(visible(complaint.trim()).into_owned())
    }

    /// What to do again of a step. What a person has settled is concluded, and not thrown away.
    pub(super) fn again(&mut self, index: usize) -> Turn {
        if let Some(rerun) = self.rerun_of(index) {
            return self.carry_out(index, Some(&rerun));
        }
        if self.to_conclude(index).is_some() { self.after_failure(index) } else { Turn::Step(index) }
    }

    /// What a step has stopped at that can be concluded. A rebase that was broken off is begun again;
    /// of a merge git writes down that it is under way only when it has come to all of its result.
    pub(super) fn to_conclude(&self, index: usize) -> Option<Settle> {
        let settle = self.plan.steps.get(index)?.settle.clone()?;
        let run = self.recorder.plan().and_then(|run| run.steps.get(index)?.run.as_ref());
        let said = run.is_some_and(|run| !orphan::was_cut_short(run));
        let place = Path::new(&settle.place);
        if !beside::is_ours(place) || !place.is_dir() {
            return Some(settle);
        }
        (beside::is_merging(place) || (said && beside::is_rebasing(place))).then_some(settle)
    }

    /// Tells whether a step works in a work tree of ours, so that carrying it out again from its
    /// beginning harms nobody.
    pub(super) fn is_beside(&self, index: usize) -> bool {
        let action = self.plan.steps.get(index).map(|step| &step.action);
        matches!(action, Some(Action::Command(command)) if beside::does(command).is_some())
    }

    /// Tells whether nothing of the last run of a step is alive though it did not come to its own end.
    pub(super) fn is_lost_and_gone(&self, index: usize) -> bool {
        let run = self.recorder.plan().and_then(|run| run.steps.get(index)?.run.as_ref());
        run.is_some_and(|run| {
            matches!(run.outcome, Some(Outcome::Unknown { .. }))
                && orphan::remains(self.incident, run).is_empty()
        })
    }
}
