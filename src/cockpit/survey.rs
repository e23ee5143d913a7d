//! When what is ahead of the branch is found out again.

use super::msg::EffectId;
use crate::hotfix::outlook::Question;

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
