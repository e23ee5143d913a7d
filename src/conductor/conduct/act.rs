//! What steps do: run a command, make a call, and the waiting of `wait`.

use std::path::Path;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use jiff::SignedDuration;
use zeroize::Zeroizing;

use super::super::call::{Answered, call};
use super::super::files::{Note, log_dir, make_new_dir};
use super::super::forge;
use super::super::recorder::Recorder;
use super::super::run::{Finished, Watcher, run};
use super::super::secrets::Vault;
use super::super::spawn::mark;
use super::super::stop::Wish;
use super::Conductor;
use super::wait::{log_in, say, who};
use crate::incident::{Outcome, Process, RunWaiting, Signalled, StepStarted, Waits};
use crate::plan::programs::of_action;
use crate::plan::{Action, Command, ForgeCall, HttpCall, Purpose};

/// How often signs of life are shown while a call is in flight.
const TICK: Duration = Duration::from_millis(250);

impl Conductor {
    /// Does what a step does, or what undoes it, and keeps how it ended beside its log until
    /// the journal has it.
    pub(super) fn act(
        &mut self,
        index: usize,
        action: &Action,
        run_id: &str,
        timeout: SignedDuration,
        undo: bool,
    ) -> Finished {
        if let Err(failure) = self.vault.need_for_action(action) {
            return Finished::did_not_start(failure.cause);
        }
        let dir = log_dir(&self.state_dir, self.incident, run_id);
        let note = make_new_dir(&dir).and_then(|()| Note::make(&dir));
        let mut note = match note {
            Ok(note) => note,
            Err(error) => {
                let why = format!("cannot create its log in {}: {error}", dir.display());
                return Finished::did_not_start(why);
            }
        };
        let timeout = Duration::try_from(timeout).unwrap_or_default();
        // Looked at once more: nothing else is done between here and its start.
        let approved = self.vault.check_programs(of_action(action));
        let mut finished = match action {
            _ if approved.is_err() => Finished::did_not_start(approved.err().unwrap_or_default()),
            Action::Command(command) => self.command(index, command, &dir, run_id, timeout, undo),
            Action::Http(call) => self.http(call, &dir, timeout),
            Action::Forge(call) => self.forge(call, &dir, timeout),
            Action::Pipeline(pipeline) => self.pipeline(index, pipeline, &dir, run_id, timeout),
            Action::Gate { gates } => self.gate(index, gates, timeout),
            Action::Hold { time } => self.hold(index, *time, timeout),
            Action::Watch(watch) if self.plan.purpose == Purpose::ExtendedWatch => {
                self.watch_on(index, watch, &mut log_in(&dir))
            }
            Action::Watch(watch) => self.watch(index, watch, timeout, &mut log_in(&dir)),
        };
        self.vault.mask_outcome(&mut finished.ended.outcome);
        finished.ended.summary = self.vault.mask(&finished.ended.summary);
        if !undo && matches!(finished.ended.outcome, Outcome::Exited { code } if code != 0) {
            finished.ended.summary = self.unsettled(index).unwrap_or(finished.ended.summary);
        }
        let _ = note.write(&finished.ended);
        finished
    }

    fn command(
        &mut self,
        index: usize,
        command: &Command,
        dir: &Path,
        run_id: &str,
        timeout: Duration,
        undo: bool,
    ) -> Finished {
        let finished = self.run(command, dir, self.began(index, run_id, undo), timeout);
        if !undo {
            // Made while it ran: there is no way on from here but back.
            self.pending = self.next_decision();
        }
        finished
    }

    /// Runs a command as the run that was begun.
    fn run(&mut self, command: &Command, dir: &Path, began: StepStarted, timeout: Duration) -> Finished {
        let mark = mark(self.incident, &began.run);
        let mut watcher = StepWatcher { recorder: &mut self.recorder, vault: &self.vault, began };
        let finished = run(command, dir, &mark, timeout, &self.vault, &self.signals, &mut watcher);
        // A disk that is full now has no news.
        let _ = self.recorder.settle();
        finished
    }

    /// Runs a command that only asks, as the run that was begun.
    pub(super) fn run_in_a_terminal(
        &mut self,
        command: &Command,
        began: StepStarted,
        timeout: SignedDuration,
    ) -> Finished {
        let dir = log_dir(&self.state_dir, self.incident, &began.run);
        if let Err(error) = make_new_dir(&dir) {
            let why = format!("cannot create its log in {}: {error}", dir.display());
            return Finished::did_not_start(why);
        }
        self.run(command, &dir, began, Duration::try_from(timeout).unwrap_or_default())
    }

    /// Has a pull request opened or merged.
    fn forge(&mut self, request: &ForgeCall, dir: &Path, timeout: Duration) -> Finished {
        let token = self.vault.secret(&request.place.token).map(Zeroizing::new);
        let (line, request) = (request.line(), request.clone());
        self.call(&line, dir, move || forge::carry(&request, token, timeout))
    }

    /// Makes a call.
    fn http(&mut self, request: &HttpCall, dir: &Path, timeout: Duration) -> Finished {
        let names = self.plan.secrets.iter().map(|source| source.name.clone());
        let secrets: Vec<(String, Zeroizing<String>)> = names
            .filter_map(|name| Some((name.clone(), Zeroizing::new(self.vault.secret(&name)?))))
            .collect();
        let (line, request) = (request.line(), request.clone());
        self.call(&line, dir, move || {
            let secret = |wanted: &str| {
                secrets.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.to_string())
            };
            call(&request, &secret, timeout)
        })
    }

    /// Waits for a call. One that is given up while it is in flight may have been done.
    fn call(&mut self, line: &str, dir: &Path, work: impl FnOnce() -> Answered + Send + 'static) -> Finished {
        let mut log = log_in(dir);
        say(&mut log, &self.vault.mask(line));
        let (tell, hear) = channel();
        let caller = std::thread::Builder::new().name("call".to_owned()).spawn(move || {
            // Nobody listens any more where the step was stopped.
            let _ = tell.send(work());
        });
        if let Err(error) = caller {
            return Finished::did_not_start(format!("cannot make HTTP calls: {error}"));
        }
        let answered = loop {
            match hear.recv_timeout(TICK) {
                Ok(answered) => break answered,
                Err(RecvTimeoutError::Disconnected) => {
                    break Answered::Unclear { why: "the call crashed".to_owned() };
                }
                Err(RecvTimeoutError::Timeout) if self.is_stopping() => {
                    let why = self.stopping.as_ref().map(|wish| who(&wish.why)).unwrap_or_default();
                    break Answered::Unclear { why: format!("{why} while the call was in flight") };
                }
                Err(RecvTimeoutError::Timeout) => {}
            }
        };
        let mut finished = match answered {
            Answered::Wanted { status, body } => {
                // Before it is shortened: half a secret would not be known for one.
                let body = self.vault.mask(&String::from_utf8_lossy(&body));
                let line = body.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
                let line: String = line.chars().take(160).collect();
                let mut finished = Finished::with(Outcome::Met);
                format!("{status} {line}").trim_end().clone_into(&mut finished.ended.summary);
                finished
            }
            Answered::Told { line } => {
                let mut finished = Finished::with(Outcome::Met);
                finished.ended.summary = line;
                finished
            }
            Answered::Refused { why } => Finished::with(Outcome::NotMet { why }),
            Answered::Unclear { why } => Finished::with(Outcome::Unknown { why }),
        };
        finished.stopped = self.stopping.take().map(|wish| wish.why);
        let said = match &finished.ended.outcome {
            Outcome::NotMet { why } | Outcome::Unknown { why } => why,
            _ => &finished.ended.summary,
        };
        say(&mut log, &self.vault.mask(said));
        let _ = log.sync();
        finished
    }
}

struct StepWatcher<'a> {
    recorder: &'a mut Recorder,
    vault: &'a Vault,
    began: StepStarted,
}

impl Watcher for StepWatcher<'_> {
    fn started(&mut self, process: Option<Process>) {
        self.recorder.record(StepStarted { process, ..self.began.clone() });
    }

    fn tick(&mut self) -> Option<Wish> {
        self.recorder.tick()
    }

    fn waiting(&mut self, waits: Option<Waits>) {
        let run = self.began.run.clone();
        let waits =
            waits.map(|waits| Waits { question: waits.question.map(|it| self.vault.mask(&it)), ..waits });
        self.recorder.record(RunWaiting { run, waits });
    }

    fn signalling(&mut self, signal: &'static str) {
        self.recorder.record(Signalled { run: self.began.run.clone(), signal: signal.to_owned() });
    }
}
