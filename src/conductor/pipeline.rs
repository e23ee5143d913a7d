//! What runs pipelines, whatever it is: a code host, or commands of the team's own.

use std::ffi::OsString;
use std::time::Duration;

use jiff::Timestamp;
use zeroize::Zeroizing;

use super::capture::{Captured, Unheard, capture_given};
use super::environment::environment;
use super::forge::{Kind, Lost, Page, Reviewed, Started, Text, Visit};
use super::mask::Masker;
use super::secrets::Vault;
use crate::deploy::pipeline::{Job, Review, Seen, Stands, command};
use crate::plan::Command;
use crate::plan::forge::Wanted;
use crate::plan::pipeline::{Begin, Pipeline, Runner};
use crate::plan::pushed::{Learn, is_commit};
use crate::text::visible;

/// The longest one question may take.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);
/// Bytes of the output of a command that are looked at.
const ENOUGH: usize = 64 << 10;
/// Bytes of a log that are read at once.
const LOG: usize = 1 << 20;

/// What runs a pipeline.
pub(super) enum Host {
    /// A code host.
    Forge {
        visit: Box<Visit>,
        workflow: String,
        trigger: Option<Zeroizing<String>>,
        /// The only job of a run that is run again; empty: all of it is.
        job: String,
    },
    /// Commands.
    Commands(Box<Commands>),
}

/// The commands that know a pipeline, each with its environment.
pub(super) struct Commands {
    start: Option<Ready>,
    status: Ready,
    logs: Option<Ready>,
    cancel: Option<Ready>,
    masker: Masker,
    /// How often they were asked how a run stands.
    counted: u32,
}

pub(super) struct Ready {
    command: Command,
    environment: Vec<(OsString, OsString)>,
}

impl Ready {
    fn new(command: &Command, vault: &Vault) -> Self {
        let environment = environment(command, vault.variables(command), std::env::vars_os());
        Self { command: command.clone(), environment }
    }

    /// Runs it about a run of that id, which may be none yet.
    fn run(&self, what: &str, id: &str, enough: usize, masker: &Masker) -> Result<Captured, Lost> {
        let mut command = self.command.clone();
        for word in &mut command.argv {
            *word = word.replace("{id}", id);
        }
        let mut environment = self.environment.clone();
        environment.push(("FLIGHTDECK_ID".into(), id.into()));
        let captured = capture_given(what, &command, environment, PATIENCE, enough, String::new());
        let captured = captured.map_err(|unheard| match unheard {
            Unheard::NotStarted(why) => Lost { why, kind: Kind::Unsent },
            Unheard::NoAnswer(why) => Lost { why, kind: Kind::Unclear },
        })?;
        Ok(captured.masked(masker))
    }
}

/// What tells which commit was pushed.
pub(super) enum Learner {
    /// A command.
    Command(Box<Ready>, Masker),
    /// The code host that merged it.
    Merge(Box<Visit>, Wanted),
}

impl Learner {
    /// Prepares to ask.
    ///
    /// # Errors
    /// The address of the code host cannot be used: in one line.
    pub(super) fn new(question: &Learn, vault: &Vault) -> Result<Self, String> {
        Ok(match question {
            Learn::Command { command } => {
                Self::Command(Box::new(Ready::new(command, vault)), vault.masker().clone())
            }
            Learn::Merge { call } => {
                let token = vault.secret(&call.place.token).map(Zeroizing::new);
                Self::Merge(Box::new(Visit::new(&call.place, token, PATIENCE)?), call.wanted.clone())
            }
        })
    }

    /// Asks for the commit, as a full id.
    ///
    /// # Errors
    /// It is not there, or cannot be asked for: in one line.
    pub(super) fn ask(self) -> Result<String, String> {
        match self {
            Self::Command(ready, masker) => {
                let what = "the question for it";
                let said = ready.run(what, "", ENOUGH, &masker).and_then(|said| succeeded(&said, what));
                let said = said.map_err(|lost| lost.why)?;
                let commit = said.trim();
                said_by(commit)
            }
            Self::Merge(mut visit, wanted) => {
                let commit = visit.merged_as(&wanted).map_err(|lost| lost.why)??;
                said_by(&commit)
            }
        }
    }
}

/// A commit as it was told, where it is one.
fn said_by(commit: &str) -> Result<String, String> {
    if is_commit(commit) { Ok(commit.to_owned()) } else { Err(format!("it answers {}", visible(commit))) }
}

impl Host {
    /// Prepares to talk to what runs a pipeline.
    ///
    /// # Errors
    /// Its address cannot be used: in one line.
    pub(super) fn new(pipeline: &Pipeline, vault: &Vault) -> Result<Self, String> {
        let secret = |name: &str| vault.secret(name).map(Zeroizing::new);
        let visit = |place| {
            let mut visit = Visit::new(place, secret(&place.token), PATIENCE)?;
            visit.keep_answers();
            Ok::<_, String>(Box::new(visit))
        };
        Ok(match &pipeline.runner {
            Runner::GithubActions { place, workflow } => Self::Forge {
                visit: visit(place)?,
                workflow: workflow.clone(),
                trigger: None,
                job: String::new(),
            },
            Runner::Gitlab { place, trigger } => {
                let job = match &pipeline.begin {
                    Begin::Rerun { run } => run.job.clone(),
                    Begin::Start { .. } | Begin::Find { .. } => String::new(),
                };
                Self::Forge { visit: visit(place)?, workflow: String::new(), trigger: secret(trigger), job }
            }
            Runner::Command { start, status, logs, cancel } => Self::Commands(Box::new(Commands {
                start: start.as_ref().map(|command| Ready::new(command, vault)),
                status: Ready::new(status, vault),
                logs: logs.as_ref().map(|command| Ready::new(command, vault)),
                cancel: cancel.as_ref().map(|command| Ready::new(command, vault)),
                masker: vault.masker().clone(),
                counted: 0,
            })),
        })
    }

    /// Starts it, once.
    pub(super) fn start(&mut self, reference: &str, inputs: &serde_json::Value) -> Result<Started, Lost> {
        match self {
            Self::Forge { visit, workflow, trigger, .. } => {
                visit.renew(PATIENCE);
                visit.start(workflow, reference, inputs, trigger.as_ref().map(|token| token.as_str()))
            }
            Self::Commands(commands) => commands.begin().map(|seen| Started::As(Box::new(seen))),
        }
    }

    /// Tells whether it lists the runs of a commit. A command only tells of one.
    pub(super) fn lists(&self) -> bool {
        matches!(self, Self::Forge { .. })
    }

    /// The runs of a commit that something started since.
    pub(super) fn runs(&mut self, commit: &str, event: &str, since: Timestamp) -> Result<Vec<Seen>, Lost> {
        match self {
            Self::Forge { visit, workflow, .. } => {
                visit.renew(PATIENCE);
                visit.runs(workflow, commit, event, since)
            }
            Self::Commands(commands) => {
                let mut all = commands.find()?;
                // It was asked for the run of that commit, and need not say it again.
                if event == "push" {
                    // One that is over may be that of the commit before.
                    let is_ours = |seen: &&mut Seen| seen.commit.is_empty() && !seen.state.is_over();
                    for seen in all.iter_mut().filter(is_ours) {
                        commit.clone_into(&mut seen.commit);
                    }
                }
                Ok(all)
            }
        }
    }

    /// How a run stands.
    pub(super) fn run(&mut self, id: &str) -> Result<Seen, Lost> {
        match self {
            Self::Forge { visit, job, .. } => {
                visit.renew(PATIENCE);
                if job.is_empty() { visit.run(id) } else { visit.run_of_job(id, job) }
            }
            Self::Commands(commands) => {
                commands.counted += 1;
                commands.look(id)
            }
        }
    }

    /// Asks each thing once from now on: it is asked again soon.
    pub(super) fn ask_once(&mut self) {
        if let Self::Forge { visit, .. } = self {
            visit.ask_once();
        }
    }

    /// How many questions it was asked so far. An answer that nothing has changed does not count.
    pub(super) fn counted(&self) -> u32 {
        match self {
            Self::Forge { visit, .. } => visit.counted(),
            Self::Commands(commands) => commands.counted,
        }
    }

    /// How many requests were sent so far, whatever was answered. Commands send none.
    pub(super) fn sent(&self) -> usize {
        match self {
            Self::Forge { visit, .. } => visit.sent(),
            Self::Commands(_) => 0,
        }
    }

    /// A page of its jobs, counted from 1. Commands know none.
    pub(super) fn jobs(&mut self, id: &str, page: u32) -> Result<Page, Lost> {
        let Self::Forge { visit, job, .. } = self else { return Ok(Page::default()) };
        visit.renew(PATIENCE);
        let mut found = visit.jobs(id, page)?;
        // A pipeline takes a moment to hear of a job that was run again.
        if !job.is_empty() {
            let again = found.jobs.iter().find(|one| one.name == *job).map(|one| one.state);
            found.stands = match (found.stands, again) {
                (Some(stands), Some(state)) if stands.state.is_over() && !state.is_over() => {
                    Some(Stands { state, ..stands })
                }
                (stands, Some(_)) => stands,
                (_, None) => None,
            };
        }
        Ok(found)
    }

    /// Tells whether it can be asked what a run with these jobs waits for.
    pub(super) fn asks_reviews(&self, jobs: &[Job]) -> bool {
        matches!(self, Self::Forge { visit, .. } if visit.asks_reviews(jobs))
    }

    /// What it waits for that a person can give, in at most so many requests.
    pub(super) fn reviews(&mut self, id: &str, jobs: &[Job], most: usize) -> Result<Vec<Review>, Lost> {
        match self {
            Self::Forge { visit, .. } => {
                visit.renew(PATIENCE);
                visit.reviews(id, jobs, most)
            }
            Self::Commands(_) => Ok(Vec::new()),
        }
    }

    /// Approves what it waits for, or rejects it.
    pub(super) fn review(&mut self, id: &str, reviews: &[Review], approve: bool, comment: &str) -> Reviewed {
        match self {
            Self::Forge { visit, .. } => {
                visit.renew(PATIENCE);
                visit.review(id, reviews, approve, comment)
            }
            Self::Commands(_) => {
                let why = "what its command runs is approved where it runs".to_owned();
                Reviewed::none(reviews, &Lost { why, kind: Kind::Unsent })
            }
        }
    }

    /// What a job printed: the end of it, where it is long.
    pub(super) fn log(&mut self, job: &str) -> Result<Text, Lost> {
        match self {
            Self::Forge { visit, .. } => {
                visit.renew(PATIENCE);
                visit.log(job)
            }
            Self::Commands(_) => Ok(Text::default()),
        }
    }

    /// What a run printed so far; `None`: nobody can tell.
    pub(super) fn output(&mut self, id: &str) -> Option<Result<Vec<u8>, Lost>> {
        match self {
            Self::Forge { .. } => None,
            Self::Commands(commands) => {
                let logs = commands.logs.as_ref()?;
                let said = logs.run("`logs` of the pipeline", id, LOG, &commands.masker);
                Some(said.map(|said| said.out))
            }
        }
    }

    /// Runs again a run that is over, or its failed jobs. Tells how it stands then, where its host says so.
    pub(super) fn rerun(&mut self, id: &str, failed: bool) -> Result<Option<Seen>, Lost> {
        match self {
            Self::Forge { visit, job, .. } => {
                visit.renew(PATIENCE);
                if failed || job.is_empty() {
                    return visit.rerun(id, failed);
                }
                visit.rerun_job(id, job).map(|()| None)
            }
            Self::Commands(_) => {
                let why = "what its command runs is rerun where it runs".to_owned();
                Err(Lost { why, kind: Kind::Unsent })
            }
        }
    }

    /// Cancels a run; `force`: also what does not listen to that.
    pub(super) fn cancel(&mut self, id: &str, force: bool) -> Result<(), Lost> {
        match self {
            Self::Forge { visit, .. } => {
                visit.renew(PATIENCE);
                visit.cancel(id, force)
            }
            Self::Commands(commands) => {
                let why = "no `cancel` command is configured for it: cancel it where it runs".to_owned();
                let cancel = commands.cancel.as_ref().ok_or(Lost { why, kind: Kind::Refused(0) })?;
                let said = cancel.run("`cancel` of the pipeline", id, ENOUGH, &commands.masker)?;
                succeeded(&said, "`cancel` of the pipeline").map(drop)
            }
        }
    }
}

impl Commands {
    fn begin(&self) -> Result<Seen, Lost> {
        let what = "`start` of the pipeline";
        let why = "no `start` command is configured for it".to_owned();
        let start = self.start.as_ref().ok_or(Lost { why, kind: Kind::Unsent })?;
        let said = start.run(what, "", ENOUGH, &self.masker)?;
        // It says that it failed: what it did before is its own matter, as with any command that deploys.
        let said = succeeded(&said, what)?;
        command::seen(&said, None)
            .map_err(|why| Lost { why: format!("{what} exited 0, but {why}"), kind: Kind::Unclear })
    }

    fn look(&self, id: &str) -> Result<Seen, Lost> {
        let what = "`status` of the pipeline";
        let said = self.status.run(what, id, ENOUGH, &self.masker)?;
        let said = succeeded(&said, what)?;
        command::seen(&said, Some(id)).map_err(|why| Lost { why: format!("{what}: {why}"), kind: Kind::Odd })
    }

    /// Asks about none in particular. That nothing is printed, or exit code 1, means that none is there yet.
    fn find(&self) -> Result<Vec<Seen>, Lost> {
        let what = "`status` of the pipeline";
        let said = self.status.run(what, "", ENOUGH, &self.masker)?;
        if said.code == Some(1) || (said.code == Some(0) && said.out.iter().all(u8::is_ascii_whitespace)) {
            return Ok(Vec::new());
        }
        let said = succeeded(&said, what)?;
        let seen = command::seen(&said, None);
        seen.map(|seen| vec![seen]).map_err(|why| Lost { why: format!("{what}: {why}"), kind: Kind::Odd })
    }
}

/// What a command printed, where it says that all went well.
fn succeeded(said: &Captured, what: &str) -> Result<String, Lost> {
    if said.code == Some(0) {
        return Ok(String::from_utf8_lossy(&said.out).into_owned());
    }
    let how = said.code.map_or("was killed".to_owned(), |code| format!("exited {code}"));
    let complaint = String::from_utf8_lossy(&said.err);
    let complaint = complaint.lines().map(str::trim).rfind(|line| !line.is_empty()).unwrap_or_default();
    let colon = if complaint.is_empty() { "" } else { ": " };
    let code = u16::try_from(said.code.unwrap_or_default()).unwrap_or_default();
    Err(Lost { why: format!("{what} {how}{colon}{}", visible(complaint)), kind: Kind::Refused(code) })
}

#[cfg(test)]
mod tests {
    use super::said_by;

    #[test]
    fn what_a_host_names_as_the_merged_commit_has_to_be_one() {
        let commit = "4f2c91e0000000000000000000000000000000ab";
        assert_eq!(said_by(commit).as_deref(), Ok(commit));
        assert_eq!(said_by("main; rm -rf x").unwrap_err(), "it answers main; rm -rf x");
    }
}
