//! What plans are for.

use serde::{Deserialize, Serialize};

/// What a plan is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Purpose {
    /// Runs configured checks.
    Test,
    /// Deploys to an environment.
    Deploy,
    /// Smoke-tests an environment.
    Smoke,
    /// Works on the hotfix branch.
    Hotfix,
    /// Goes back to something that worked.
    Rollback,
    /// Turns a feature flag on or off.
    Flag,
    /// Watches an environment.
    Watch,
    /// Watches an environment from a distance, and holds nothing of it.
    ExtendedWatch,
    /// Searches a range of commits for the one that broke something.
    Bisect,
    /// Runs a command of the team's own.
    Action,
    /// Runs commands of a runbook.
    Runbook,
    /// Opens issues for what is left to do.
    FollowUp,
    /// Commits the report of an incident to a branch.
    Report,
}

impl Purpose {
    /// The stored name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Test => "test",
            Self::Deploy => "deploy",
            Self::Smoke => "smoke",
            Self::Hotfix => "hotfix",
            Self::Rollback => "rollback",
            Self::Flag => "flag",
            Self::Watch => "watch",
            Self::ExtendedWatch => "extended-watch",
            Self::Bisect => "bisect",
            Self::Action => "action",
            Self::Runbook => "runbook",
            Self::FollowUp => "follow-up",
            Self::Report => "report",
        }
    }
}
