//! When what is ahead of the branch is found out again.

use jiff::Timestamp;

use super::msg::EffectId;
use crate::hotfix::outlook::Question;
use crate::incident::{History, State};

/// A deploy that no plan here made, as an environment or its code host tells of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outside {
    /// Name of the environment.
    pub environment: String,
    /// What people call it: its tag, else its version, else its commit.
    pub name: String,
    /// The commit, as a full id.
    pub commit: String,
    /// When.
    pub at: Timestamp,
}

impl Outside {
    /// Those that a history knows.
    pub fn of(history: &History) -> Vec<Self> {
        let told = history.releases.iter().filter(|release| release.plan.is_empty());
        told.map(|release| Self {
            environment: release.environment.clone(),
            name: release.name(),
            commit: release.commit.clone(),
            at: release.at,
        })
        .collect()
    }

    /// Tells whether a plan of this incident made it all the same: a pipeline that we started is told of, too.
    pub fn is_ours(&self, state: &State) -> bool {
        state.releases.iter().any(|release| {
            let is_it = release.environment == self.environment && release.commit == self.commit;
            let began = state.plan(&release.plan).map(|plan| plan.started_at);
            is_it && began.is_some_and(|began| began <= self.at && self.at <= release.at)
        })
    }
}

/// What was asked about the branch last.
#[derive(Debug, Default)]
pub struct Survey {
    /// What it was about, and the question.
    pub asked: Option<(Ground, Question)>,
    /// The look that is under way.
    pub looking: Option<EffectId>,
}

/// What an outlook depends on of the repository: commits by their full ids.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ground {
    /// The branch and its commit.
    pub head: (String, String),
    /// References it may go into, with their commits.
    pub targets: Vec<(String, String)>,
    /// The configuration of hotfixes, and what is minimal, in a form that can be compared.
    pub settings: String,
}
