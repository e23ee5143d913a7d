//! What was live in an environment before a plan changed it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::State;
use super::plans::{PlanRun, Release};
use crate::incident::LiveFound;

/// What was live in an environment when a plan for it was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Predecessor {
    /// What people call it: its tag, else its version, else its commit.
    pub name: String,
    /// The commit, as a full hexadecimal id.
    pub commit: String,
    /// Since when; `None`: not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// Who brought it there; empty: not known.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub by: String,
}

impl Predecessor {
    /// A release as it is known. Of one that somebody only said to be live it is not known who deployed it,
    /// and when.
    pub fn of(release: &Release, is_only_said: bool) -> Self {
        Self {
            name: release.name(),
            commit: release.commit.clone(),
            since: (!is_only_said).then_some(release.at),
            by: if is_only_said { String::new() } else { release.by.clone() },
        }
    }
}

impl PlanRun {
    /// What was live in its environment when it was made, where that is on record.
    pub fn predecessor(&self) -> Option<Predecessor> {
        self.spec.get("predecessor").and_then(|it| Predecessor::deserialize(it).ok())
    }
}

impl State {
    /// Whether nothing on record says what was live in an environment when it began.
    pub fn lacks_live(&self, environment: &str) -> bool {
        let there = |one: &Release| one.environment == environment && one.at <= self.started_at;
        self.live_found.is_none() && !self.releases.iter().any(there)
    }

    /// What is to be recorded as live in an environment when the incident was declared, of what was there from which
    /// time on: nothing where the record has it, or where nothing is known of that time.
    pub fn live_to_record(&self, environment: &str, past: &[(Timestamp, Predecessor)]) -> Option<LiveFound> {
        let before = past.iter().filter(|(at, _)| self.lacks_live(environment) && *at <= self.declared_at);
        let (_, Predecessor { name, commit, since, by }) = before.max_by_key(|(at, _)| *at)?.clone();
        Some(LiveFound { environment: environment.to_owned(), name, commit, since, by })
    }
}
