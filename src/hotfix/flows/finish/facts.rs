//! What has to be known of the repository and its remote to finish a hotfix.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::hotfix::outlook::Verdict;
use crate::hotfix::version::Series;

/// All that is known. Commits are full ids.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// The work tree that is asked from.
    pub root: String,
    /// The remote.
    pub remote: String,
    /// Whether the remote can be asked without a person. Where it cannot, what git keeps of its
    /// branches here is taken for its answer once a command of the plan has brought that about.
    pub can_ask: bool,
    /// What a reader should know of how fresh this is.
    pub notes: Vec<String>,
    /// What is finished.
    pub fix: Fix,
    /// The branch in production.
    pub base: Target,
    /// The branch of the next release, then open releases.
    pub back: Vec<Target>,
    /// Release branches that are not open, newest first: they are left alone.
    pub older: Vec<Older>,
    /// Branches that are owed the fix on record, and that the remote has no longer.
    pub gone: Vec<String>,
    /// The branch of the next release that is configured, where there is none of that name.
    pub no_develop: Option<String>,
    /// What says which version it is.
    pub version: Version,
    /// The tags of versions that the branch in production reached before the fix.
    pub series: Series,
    /// Tags here, by name.
    pub tags_here: BTreeMap<String, Tag>,
    /// Tags at the remote, by name.
    pub tags_there: BTreeMap<String, Tag>,
    /// Where merges are made.
    pub scratch: Scratch,
    /// An earlier place that somebody is in the middle of something in, and that is left alone.
    pub left_alone: Option<String>,
}

/// The fix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fix {
    /// Its branch: `hotfix/pool-limit`; where that is gone, what it went out as.
    pub name: String,
    /// Its last commit.
    pub commit: String,
    /// The reference it was read at; `None`: it is gone.
    pub reference: Option<String>,
    /// The commit of the branch here.
    pub here: Option<String>,
    /// The commit of the branch at the remote.
    pub there: Option<String>,
    /// How many commits the remote has on the branch that the one here has not, if any.
    pub more_there: Option<usize>,
    /// It has no commit of its own.
    pub is_empty: bool,
    /// It has no history in common with the branch in production.
    pub is_unrelated: bool,
    /// The work tree that has it checked out.
    pub checked_out: Option<Checkout>,
    /// First lines of its commits, oldest first.
    pub subjects: Vec<String>,
}

/// A work tree that has a branch checked out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkout {
    /// Its root.
    pub path: String,
    /// Whether it holds nothing beyond its commit, and nothing is under way in it.
    pub is_clean: bool,
}

/// A branch that the fix is merged into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// Its short name.
    pub name: String,
    /// Its commit at the remote.
    pub there: String,
    /// The reference that keeps that here, where it does and holds just that.
    pub tracking: Option<String>,
    /// The branch of that name here.
    pub here: Option<Here>,
    /// Whether that commit has the fix.
    pub has_fix: bool,
    /// Of the branch in production: the commit with which the fix came into it, where it has it.
    pub merged: Option<String>,
    /// The merge that is to be pushed, made before: its parents are the commit at the remote and
    /// what is merged.
    pub kept: Option<String>,
    /// Whether the reference that keeps it holds just that.
    pub is_kept: bool,
    /// What would become of merging.
    pub forecast: Verdict,
    /// The record says that it is owed.
    pub owed: bool,
}

/// A branch here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Here {
    /// Its commit.
    pub commit: String,
    /// Whether the commit at the remote is it or goes on from it.
    pub is_behind: bool,
    /// The work tree that has it checked out.
    pub checked_out: Option<String>,
}

/// A release branch that would get more than the fix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Older {
    /// Its short name.
    pub name: String,
    /// When its last commit was made, where that is here.
    pub at: Option<Timestamp>,
    /// How many commits besides the fix it would get; `None`: nobody can tell.
    pub brings: Option<usize>,
}

/// A tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tag {
    /// What the reference holds.
    pub object: String,
    /// The commit it leads to.
    pub commit: String,
}

/// What says which version a fix is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Version {
    /// It was tagged so.
    Tagged(String),
    /// Files hold this version, and it is newer than that of the branch in production.
    Held(String),
    /// No file holds one: this comes after the last tag.
    Next(String),
    /// Files hold no newer one than the branch in production.
    NotRaised {
        /// On the branch in production.
        base: String,
        /// On the branch.
        branch: String,
    },
    /// Files hold different versions: path and version.
    Disagree(Vec<(String, String)>),
    /// Nothing does, and why.
    Unknown(String),
}

/// A linked work tree of its own for merges.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scratch {
    /// Its path.
    pub path: String,
    /// What is there; `None`: nothing.
    pub now: Option<ScratchNow>,
}

/// A scratch work tree from an earlier plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScratchNow {
    /// Its commit.
    pub head: String,
    /// The commit that is being merged into that.
    pub merging: Option<String>,
}

impl Facts {
    /// A tag here.
    pub fn tag_here(&self, name: &str) -> Option<&Tag> {
        self.tags_here.get(name)
    }

    /// A tag at the remote.
    pub fn tag_there(&self, name: &str) -> Option<&Tag> {
        self.tags_there.get(name)
    }

    /// Why the tag is not one that would be expected next; `None`: it is.
    pub(super) fn doubt(&self, tag: &str) -> Option<String> {
        let taken = self.tags_here.keys().chain(self.tags_there.keys());
        self.series.doubt(tag, taken.map(String::as_str))
    }

    /// The references a plan is made for, and what they hold.
    pub(super) fn frozen(&self) -> BTreeMap<String, String> {
        let targets = std::iter::once(&self.base).chain(&self.back);
        let kept = targets.filter_map(|target| Some((target.tracking.clone()?, target.there.clone())));
        let fix = self.fix.reference.clone().map(|reference| (reference, self.fix.commit.clone()));
        kept.chain(fix).collect()
    }

    /// The reference under which a merge is kept.
    pub fn kept_name(commit: &str, target: &str) -> String {
        let commit: String = commit.chars().take(12).collect();
        format!("refs/flightdeck/finish/{commit}/{target}")
    }
}
