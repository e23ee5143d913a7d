//! How a fix stands on its way to where production is deployed from, as far as what is next
//! depends on it.

use jiff::Timestamp;

use crate::config::types::Flow;

/// How a fix stands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fix {
    /// The development model.
    pub flow: Flow,
    /// The branch in production: `main`; empty where none was found.
    pub base: String,
    /// The branch that is checked out; empty on none.
    pub current: String,
    /// Whether there is a remote to bring it to.
    pub remote: bool,
    /// Commits of its branch that the remote lacks; `None`: not known yet.
    pub unpushed: Option<usize>,
    /// Commits that the remote's branch has more.
    pub unpulled: usize,
    /// Commits that the remote's base has more than the one here.
    pub base_behind: usize,
    /// Whether it raises the version.
    pub version: Raised,
    /// Whether the base has it, as far as that is known.
    pub in_base: Option<bool>,
    /// Where the base has all of the current branch: its newest commits, in full, and when each was made.
    pub landed: Vec<(String, Timestamp)>,
    /// Commits tried out in the incident whose change the base has, here or at the remote, and when what it
    /// has was made: branches that were merged as one commit.
    pub merged: Vec<(String, Timestamp)>,
    /// Branches besides the base that finishing brings it to and that lack it.
    pub owed: Vec<String>,
    /// How its pull request stands.
    pub review: Review,
}

/// Whether a branch raises the version.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Raised {
    /// Not known, or no file holds one.
    #[default]
    Unknown,
    /// To this one.
    To(String),
    /// It is still this one.
    Not(String),
    /// Files hold different ones.
    Disagree,
}

/// How a pull request stands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Review {
    /// Nobody knows.
    #[default]
    Unknown,
    /// There is none.
    Missing,
    /// These people want changes.
    Unwanted(Vec<String>),
    /// These checks failed, or were cancelled, which is not passed.
    Failing(Vec<String>),
    /// These people have not answered; may be empty where nobody was asked.
    Waits(Vec<String>),
    /// So many checks have not ended.
    Running(usize),
    /// It can be merged.
    Ready,
    /// It was merged.
    Merged,
}

impl Fix {
    /// Tells whether the base has it while others that should have it do not.
    pub fn owes(&self) -> bool {
        self.in_base == Some(true) && !self.owed.is_empty()
    }
}
