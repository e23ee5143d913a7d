//! A pipeline as a step: started at its host, or found there, and followed to its end.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use super::Command;
use super::forge::Place;
use super::pushed::{Learn, Pushed};
use crate::incident::duration;

/// A pipeline that is started, or found, and followed to its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pipeline {
    /// What runs it.
    pub runner: Runner,
    /// How it comes about.
    pub begin: Begin,
    /// The commit that it has to be of, as a full id; empty: its host runs another one, and is told the commit to
    /// deploy as an input.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub commit: String,
    /// The name of the environment, as its inputs have it.
    pub environment: String,
    /// How often its host is asked while it moves; less often while it does not.
    pub interval: SignedDuration,
    /// What this plan pushes, where that starts it: its commit is known only then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pushed: Option<Pushed>,
}

/// What runs a pipeline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
#[expect(clippy::large_enum_variant, reason = "a plan has one or two, and is made once")]
pub enum Runner {
    /// GitHub Actions.
    GithubActions {
        /// The repository.
        place: Place,
        /// File name of the workflow: `deploy.yml`. Empty where any run of a push counts.
        workflow: String,
    },
    /// GitLab CI/CD.
    Gitlab {
        /// The project.
        place: Place,
        /// Name of the secret with a trigger token; empty: the token of the API starts it.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        trigger: String,
    },
    /// Commands of the team's own. `{id}` stands for what `start` printed.
    Command {
        /// Starts it and prints its id; `None`: it is only found.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        start: Option<Command>,
        /// Prints how it stands, as JSON.
        status: Command,
        /// Prints its output.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        logs: Option<Command>,
        /// Cancels it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cancel: Option<Command>,
    },
}

/// How a pipeline comes about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Begin {
    /// It is started.
    Start {
        /// The branch or tag that it runs on.
        reference: String,
        /// Its inputs, or variables.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        inputs: BTreeMap<String, String>,
    },
    /// Something else starts it: a push. It is looked for by the commit.
    Find {
        /// What started it, as its host calls that: `push`.
        event: String,
        /// How long to look for it.
        within: SignedDuration,
    },
    /// A run that is over is run again under its id.
    Rerun {
        /// Which, and what of it.
        run: Rerun,
    },
}

/// A run that is over and is run again, as another attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rerun {
    /// What its host knows it by.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// Its last attempt that is known.
    pub attempt: u64,
    /// Only its jobs that failed.
    pub failed: bool,
    /// Only this job of it: the one that deploys. Empty: all of it. At GitLab nothing else can be run again that went well.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub job: String,
    /// It may have been asked for before: nothing is sent.
    #[serde(skip)]
    pub only_look: bool,
}

impl From<Rerun> for Begin {
    fn from(run: Rerun) -> Self {
        Self::Rerun { run }
    }
}

impl Pipeline {
    /// Names what runs it: `GitHub Actions`.
    pub fn host(&self) -> &'static str {
        match &self.runner {
            Runner::GithubActions { .. } => "GitHub Actions",
            Runner::Gitlab { .. } => "GitLab CI/CD",
            Runner::Command { .. } => "the pipeline's command",
        }
    }

    /// The exact thing that is done, in one line.
    pub fn line(&self) -> String {
        match (&self.begin, &self.runner) {
            (Begin::Start { reference, .. }, Runner::GithubActions { place, workflow }) => {
                format!("POST {}/actions/workflows/{workflow}/dispatches on {reference}", place.address())
            }
            (Begin::Start { reference, .. }, Runner::Gitlab { place, trigger }) => {
                let way = if trigger.is_empty() { "pipeline" } else { "trigger/pipeline" };
                format!("POST {}/{way} on {reference}", place.address())
            }
            (Begin::Start { .. }, Runner::Command { start: Some(start), .. }) => start.line(),
            (Begin::Start { .. }, Runner::Command { status, .. }) => status.line(),
            (Begin::Rerun { run }, Runner::GithubActions { place, .. }) => {
                let what = if run.failed { "rerun-failed-jobs" } else { "rerun" };
                format!("POST {}/actions/runs/{}/{what}", place.address(), run.id)
            }
            (Begin::Rerun { run }, Runner::Gitlab { place, .. }) if !run.job.is_empty() => {
                format!("POST {}/jobs/…/retry, the job {} of {}", place.address(), run.job, run.name)
            }
            (Begin::Rerun { run }, Runner::Gitlab { place, .. }) => {
                format!("POST {}/pipelines/{}/retry", place.address(), run.id)
            }
            (Begin::Rerun { run }, Runner::Command { .. }) => format!("rerun {}", run.name),
            (Begin::Find { event, within }, _) => {
                let within = duration(*within);
                let of = match &self.pushed {
                    Some(pushed) if self.awaits_commit() => format!("to {}", pushed.branch),
                    _ => format!("of {}", self.short()),
                };
                format!("follow what the {event} {of} starts, looked for within {within}")
            }
        }
    }

    /// Names what is looked for at its host, to follow a sentence that says it was not found.
    pub fn sought(&self) -> String {
        match &self.runner {
            Runner::GithubActions { place, workflow } if workflow.is_empty() => {
                format!("; looked for any workflow in {}", place.repository)
            }
            Runner::GithubActions { place, workflow } => {
                format!("; looked for {workflow} in {}", place.repository)
            }
            Runner::Gitlab { place, .. } => format!("; looked in {}", place.repository),
            Runner::Command { status, .. } => {
                let mut asked = status.clone();
                asked.argv.iter_mut().for_each(|word| *word = word.replace("{id}", ""));
                format!("; asked {} with FLIGHTDECK_COMMIT={}", asked.line(), self.short())
            }
        }
    }

    /// The beginning of the commit, as people write it.
    pub fn short(&self) -> &str {
        self.commit.get(..7).unwrap_or(&self.commit)
    }

    /// The commands of it that ask, and those that change something.
    pub fn commands(&self) -> (Vec<&Command>, Vec<&Command>) {
        let learns = self.pushed.iter().filter_map(|pushed| match &pushed.commit {
            Learn::Command { command } => Some(command),
            Learn::Merge { .. } => None,
        });
        let Runner::Command { start, status, logs, cancel } = &self.runner else {
            return (learns.collect(), Vec::new());
        };
        let asking = std::iter::once(status).chain(logs).chain(learns).collect();
        (asking, start.iter().chain(cancel).collect())
    }

    /// Changes each command that knows the pipeline.
    pub(super) fn each_command(&mut self, mut change: impl FnMut(&mut Command)) {
        let Runner::Command { start, status, logs, cancel } = &mut self.runner else { return };
        std::iter::once(status).chain(start).chain(logs).chain(cancel).for_each(&mut change);
    }

    /// Tells whether it needs the secret of that name.
    pub fn needs(&self, secret: &str) -> bool {
        self.secrets().contains(&secret)
    }

    /// The names of the secrets that it may need.
    pub fn secrets(&self) -> Vec<&str> {
        let (asking, changing) = self.commands();
        let commands = asking.into_iter().chain(changing).flat_map(|command| &command.env);
        let mut secrets: Vec<&str> = commands.map(String::as_str).collect();
        match &self.runner {
            Runner::GithubActions { place, .. } => secrets.push(&place.token),
            Runner::Gitlab { place, trigger } => secrets.extend([place.token.as_str(), trigger]),
            Runner::Command { .. } => {}
        }
        if let Some(Pushed { commit: Learn::Merge { call }, .. }) = &self.pushed {
            secrets.push(&call.place.token);
        }
        secrets
    }

    /// The same, only looked for: it may have been started, and nobody saw the answer.
    #[must_use]
    pub fn looked_for(&self, within: SignedDuration) -> Self {
        let event = match self.runner {
            Runner::GithubActions { .. } => "workflow_dispatch",
            Runner::Gitlab { ref trigger, .. } if !trigger.is_empty() => "trigger",
            Runner::Gitlab { .. } => "api",
            Runner::Command { .. } => "",
        };
        match &self.begin {
            Begin::Start { .. } => {
                Self { begin: Begin::Find { event: event.to_owned(), within }, ..self.clone() }
            }
            Begin::Find { .. } => self.clone(),
            Begin::Rerun { run } => {
                Self { begin: Rerun { only_look: true, ..run.clone() }.into(), ..self.clone() }
            }
        }
    }
}
