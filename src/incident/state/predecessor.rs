//! What was live in an environment before a plan changed it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::plans::{PlanRun, Release};

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
