//! Deploys that a pipeline elsewhere carries out, as a step; and what its hosts answer. Pure.

pub mod command;
pub mod github;
pub mod gitlab;
pub mod protect;

use jiff::Timestamp;

use super::{Fill, Resolved};
use crate::config::types::{self, Config, Environment, PipelineKind, PipelineOn, PullConfig};
use crate::failure::{Failure, Result};
use crate::incident::RemoteState;
use crate::plan::forge::{Forge, Place};
use crate::plan::pipeline::{Begin, Pipeline, Runner};
use crate::plan::{Action, Command, Reach, SecretSource, Step, Undo};
use crate::text::visible;

/// The code host that runs pipelines, and the secret that lets us in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Host {
    /// Where.
    pub place: Place,
    /// Where the token comes from.
    pub token: SecretSource,
}

/// A run of a pipeline as its host tells of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// What its host knows it by.
    pub id: String,
    /// What people call it: `deploy.yml #42`.
    pub name: String,
    /// Where people look at it; empty: its host does not say.
    pub url: String,
    /// Which attempt of it this is, from 1.
    pub attempt: u64,
    /// How it stands.
    pub state: RemoteState,
    /// Its state in the words of its host.
    pub said: String,
    /// The commit that it runs on, as a full id; empty: its host does not say.
    pub commit: String,
    /// When it was made, where its host says so.
    pub created: Option<Timestamp>,
    /// When this attempt of it began, where its host says so.
    pub began: Option<Timestamp>,
    /// File name of its workflow; empty: its host has none, or does not say.
    pub workflow: String,
}

/// How a run stands, as one of its jobs tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stands {
    /// Its state.
    pub state: RemoteState,
    /// Its state in the words of its host.
    pub said: String,
    /// The commit that it runs on, as a full id; empty: its host does not say.
    pub commit: String,
}

/// Most characters of an address that is shown: a shorter part of it leads nowhere.
const ADDRESS: usize = 2_000;

/// The address that a host gives, where it is one that people can open.
fn page(url: String) -> String {
    if url.len() > ADDRESS { String::new() } else { url }
}

/// A job of a run.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Job {
    /// What its host knows it by.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The stage it is in; empty: its host has none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub stage: String,
    /// How it stands.
    pub state: RemoteState,
    /// When it began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started: Option<Timestamp>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<Timestamp>,
    /// Whether the run goes on where it fails.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub may_fail: bool,
    /// Its steps, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<JobStep>,
}

/// A step of a job.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct JobStep {
    /// Its name.
    pub name: String,
    /// How it stands.
    pub state: RemoteState,
}

/// What a run waits for that a person can give.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Review {
    /// What has to be named to approve it: the id of an environment, a deployment or a job.
    pub id: String,
    /// The environment or job.
    pub what: String,
    /// Who may approve it; empty: its host does not say.
    pub who: Vec<String>,
    /// Whether the owner of our token may; `None`: its host does not say.
    pub may: Option<bool>,
    /// Until when a timer holds it, where one does.
    pub until: Option<Timestamp>,
}

impl Review {
    /// Says what is waited for, in one line.
    pub fn line(&self, now: Timestamp) -> String {
        let what = visible(&self.what);
        let until = self.until.filter(|until| *until > now).map(|until| until.strftime("%H:%M UTC"));
        let who: Vec<_> = self.who.iter().map(|who| visible(who).into_owned()).collect();
        let timer = match until {
            Some(until) if who.is_empty() => return format!("wait timer of {what} until {until}"),
            Some(until) => format!("; wait timer until {until}"),
            None => String::new(),
        };
        let who = if who.is_empty() { String::new() } else { format!(" by {}", who.join(", ")) };
        // Whether we may is nobody else's: the line goes on record.
        format!("approval of {what}{who}{timer}")
    }

    /// Tells whether the owner of our token may be the one who gives it.
    pub fn asks(&self) -> bool {
        // A timer that ran out is still named: whoever may approve may do so at any time.
        self.may == Some(true) || self.may.is_none() && self.until.is_none()
    }
}

/// Of two runs the one that a step is about; several may be: which.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// None yet.
    None,
    /// This one.
    One(Box<Seen>),
    /// Any of these.
    Several(Vec<Seen>),
}

/// Picks the run that was made no earlier than `since` and is of the commit, if one is asked for.
pub fn pick(all: Vec<Seen>, commit: &str, since: Timestamp, known: &[String]) -> Found {
    let fits = |seen: &Seen| {
        (commit.is_empty() || seen.commit == commit)
            && seen.created.is_none_or(|created| created >= since)
            && !known.contains(&seen.id)
    };
    let mut fit: Vec<Seen> = all.into_iter().filter(fits).collect();
    match fit.len() {
        0 => Found::None,
        1 => fit.pop().map_or(Found::None, |one| Found::One(Box::new(one))),
        _ => Found::Several(fit),
    }
}

/// Where the pull requests of a pipeline's repository would be: the place that its settings name.
pub fn place_config(config: &Config, pipeline: &types::Pipeline) -> PullConfig {
    let mut pull = config.hotfix.pull.clone();
    match pipeline.kind {
        PipelineKind::GithubActions => pull.forge = Some(types::Forge::Github),
        PipelineKind::Gitlab => pull.forge = Some(types::Forge::Gitlab),
        PipelineKind::Command => {}
    }
    if !pipeline.api.is_empty() {
        pull.api.clone_from(&pipeline.api);
    }
    if !pipeline.repository.is_empty() {
        pull.repository.clone_from(&pipeline.repository);
    }
    pull
}

/// The step that deploys by a pipeline.
///
/// # Errors
/// Its host is not known, or it cannot run on what is deployed.
pub(super) fn step(
    env: &Environment,
    pipeline: &types::Pipeline,
    fill: &Fill<'_>,
    what: &Resolved,
    title: &str,
) -> Result<Step> {
    let begin = match pipeline.on {
        PipelineOn::Push => Begin::Find { event: "push".to_owned(), within: pipeline.within },
        PipelineOn::Start => Begin::Start {
            reference: reference(pipeline, fill, what)?,
            inputs: pipeline.inputs.iter().map(|(key, value)| (key.clone(), fill.text(value))).collect(),
        },
    };
    // On a branch of its own choice it is told the commit, and runs on another.
    let told = pipeline.on == PipelineOn::Start && !pipeline.reference.is_empty() && pipeline.takes_commit();
    let commit = if told { String::new() } else { what.commit.clone() };
    made(env, pipeline, fill, what, title, (begin, commit))
}

/// The step of a pipeline that comes about in some way, and has to be of a commit.
///
/// # Errors
/// Its host is not known.
pub(super) fn made(
    env: &Environment,
    pipeline: &types::Pipeline,
    fill: &Fill<'_>,
    what: &Resolved,
    title: &str,
    (begin, commit): (Begin, String),
) -> Result<Step> {
    let name = visible(&env.name).into_owned();
    let runner = runner(pipeline, fill, what, &name)?;
    let (environment, interval) = (env.name.clone(), pipeline.interval);
    let pipeline_step = Pipeline { runner, begin, commit, environment, interval, pushed: None };
    Ok(Step {
        proof: fill.probe(&env.proof, "proof", &env.expect)?,
        proof_within: env.proof_within,
        reach: Reach::Others,
        undo: Undo::Irreversible { why: format!("to take it back, roll {name} back") },
        ..Step::new(title, Action::Pipeline(Box::new(pipeline_step)), pipeline.timeout.unwrap_or(env.timeout))
    })
}

fn runner(pipeline: &types::Pipeline, fill: &Fill<'_>, what: &Resolved, name: &str) -> Result<Runner> {
    if pipeline.kind == PipelineKind::Command {
        let optional = |argv: &[String], key: &str| -> Result<Option<Command>> {
            if argv.is_empty() { Ok(None) } else { fill.command(argv, key).map(Some) }
        };
        return Ok(Runner::Command {
            start: match pipeline.on {
                PipelineOn::Start => Some(fill.command(&pipeline.start, "pipeline.start")?),
                PipelineOn::Push => None,
            },
            status: fill.command(&pipeline.status, "pipeline.status")?,
            logs: optional(&pipeline.logs, "pipeline.logs")?,
            cancel: optional(&pipeline.cancel, "pipeline.cancel")?,
        });
    }
    let host = what.host.as_ref().ok_or_else(|| {
        Failure::usage(
            fill.doing(),
            format!("the code host that runs the pipeline of {name} is not known"),
            "see what flightdeck doctor says about it",
        )
    })?;
    let place = Place { token: host.token.name.clone(), ..host.place.clone() };
    Ok(match place.forge {
        Forge::Github => Runner::GithubActions { place, workflow: fill.text(&pipeline.workflow) },
        Forge::Gitlab => Runner::Gitlab { place, trigger: pipeline.trigger.clone() },
    })
}

/// The branch or tag that it runs on. A host starts none on a bare commit.
fn reference(pipeline: &types::Pipeline, fill: &Fill<'_>, what: &Resolved) -> Result<String> {
    if !pipeline.reference.is_empty() {
        return Ok(fill.text(&pipeline.reference));
    }
    if pipeline.kind == PipelineKind::Command || what.reference != what.commit {
        let short = what.reference.strip_prefix("refs/heads/").or(what.reference.strip_prefix("refs/tags/"));
        return Ok(short.unwrap_or(&what.reference).to_owned());
    }
    what.tag.clone().ok_or_else(|| {
        Failure::usage(
            fill.doing(),
            format!("a pipeline runs on a branch or tag, and {} is a commit without one", what.commit),
            "name a branch or tag with --ref, or set `ref` of the pipeline and pass {commit} as an input",
        )
    })
}

#[cfg(test)]
mod golden_tests;
#[cfg(test)]
mod tests;
