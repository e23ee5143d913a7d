//! What is next: from the procedure and the state, never from a script.

use jiff::Timestamp;

use super::policy::Policy;
use super::state::State;

/// What is known besides the record, as far as the next step depends on it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// Health of production: all good, something bad, or not known.
    pub healthy: Option<bool>,
    /// The current branch, if it is a hotfix branch.
    pub hotfix_branch: Option<String>,
    /// Commits on it that the base does not have.
    pub hotfix_commits: usize,
    /// Its commit, short or full.
    pub head: Option<String>,
    /// Names of configured checks.
    pub checks: Vec<String>,
    /// Names of environments, in order, and whether they are protected.
    pub environments: Vec<(String, bool)>,
    /// Ids of the checklist items that are shown.
    pub checklist: Vec<String>,
    /// Whether there is a repository with a commit.
    pub repository: bool,
    /// Whether the configuration waits to be trusted.
    pub untrusted: bool,
}

/// A step that should be taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Next {
    /// Id of the command in the command table: `deploy`, `hotfix.start`, `page`, `checklist`.
    pub action: &'static str,
    /// What the command acts on, to fill in a menu: `staging`; may be empty.
    pub argument: String,
    /// One line in the imperative: `deploy hotfix/pool-limit to staging`.
    pub title: String,
    /// When it is due, if a clock says so.
    pub due_at: Option<Timestamp>,
    /// Whether that time has passed.
    pub overdue: bool,
}

/// What should be done now, most pressing first. Empty only when the incident is closed.
pub fn next(_state: &State, _policy: &Policy, _facts: &Facts, _now: Timestamp) -> Vec<Next> {
    todo!()
}
