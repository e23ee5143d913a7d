//! A pipeline that a step follows, at the host that runs it.

use jiff::Timestamp;
use serde::Serialize;

use super::super::body::{RemoteState, Reported};
use super::PlanRun;

/// A pipeline at its host, as it was seen last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Remote {
    /// What its host knows it by.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// Where people look at it; empty: its host does not say.
    pub url: String,
    /// The commit it is of, as a full id, where that became known with it; empty: it stands in the plan.
    pub commit: String,
    /// Which attempt of it this is, from 1.
    pub attempt: u64,
    /// How it stands.
    pub state: RemoteState,
    /// It waits for a person, and the owner of our token may be the one.
    pub asks: bool,
    /// What more there is to say, in one line.
    pub note: String,
    /// What its host knows that by that it waits for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ids: Vec<String>,
    /// When that was recorded.
    pub at: Timestamp,
}

impl Remote {
    /// How the note begins to say why its host could not be told to cancel it.
    pub const UNTOLD: &str = "could not be told to cancel";

    /// What has to be approved and who may, where it waits for that; who is empty where nobody says.
    pub fn approval(&self) -> Option<(&str, &str)> {
        // Whether its reader may stood there once.
        let what = self.note.strip_prefix("for approval of ")?.split(" (you may").next()?;
        Some(what.split_once(" by ").unwrap_or((what, "")))
    }

    /// Why its host could not be told to cancel it, where it could not: `could not be told to cancel: …`.
    pub fn untold(&self) -> Option<&str> {
        self.note.find(Self::UNTOLD).and_then(|at| self.note.get(at..))
    }

    /// Tells what it is and how it stands, in one line: `deploy.yml #42 is running: https://…`.
    pub fn line(&self) -> String {
        let attempt = if self.attempt > 1 { format!(", attempt {},", self.attempt) } else { String::new() };
        let note = if self.note.is_empty() { String::new() } else { format!(" {}", self.note) };
        let place = if self.url.is_empty() { String::new() } else { format!(": {}", self.url) };
        format!("{}{attempt} {}{note}{place}", self.name, self.state.word())
    }
}

impl PlanRun {
    /// Tells whether its pipeline waits for somebody to approve it.
    pub fn waits_for_approval(&self) -> bool {
        let mut runs = self.steps.iter().filter_map(|step| step.run.as_ref());
        self.state.is_under_way()
            && runs.any(|run| {
                let remote =
                    run.remote.as_ref().filter(|_| run.outcome.is_none() && run.stop_asked.is_none());
                remote
                    .is_some_and(|remote| remote.state == RemoteState::Waiting && remote.approval().is_some())
            })
    }

    /// What is waited for where somebody stopped a pipeline that has not ended: `stopping: waits for GitHub Actions
    /// to end deploy.yml #42`. Until then there is nothing to decide.
    pub fn stopping(&self) -> Option<String> {
        let mut steps = self.steps.iter().enumerate().filter(|_| self.state.is_under_way());
        steps.find_map(|(index, step)| {
            let run = step.run.as_ref().filter(|run| run.outcome.is_none() && run.stop_asked.is_some())?;
            let remote = run.remote.as_ref().filter(|remote| !remote.state.is_over())?;
            if let Some(why) = remote.untold() {
                return Some(format!("stopping: {} {why}", remote.name));
            }
            Some(format!("stopping: waits for {} to end {}", self.host_of(index), remote.name))
        })
    }

    /// Where its pipeline runs, in words: `GitHub Actions`.
    pub fn pipeline_host(&self) -> &'static str {
        let last =
            self.steps.iter().rposition(|step| step.run.as_ref().is_some_and(|run| run.remote.is_some()));
        self.host_of(last.unwrap_or_default())
    }

    fn host_of(&self, step: usize) -> &'static str {
        let runner =
            || self.spec.get("steps")?.get(step)?.get("action")?.get("runner")?.get("kind")?.as_str();
        match runner() {
            Some("github-actions") => "GitHub Actions",
            Some("gitlab") => "GitLab CI/CD",
            _ => "its host",
        }
    }
}

/// What a code host was told of a deploy.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ToldHost {
    /// What the host knows the deployment by; empty: nothing is known of one.
    pub id: String,
    /// What it was told last.
    pub state: Option<Reported>,
    /// What it could not be told since, and why.
    pub failed: Option<(Reported, String)>,
}
