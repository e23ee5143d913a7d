//! Suspects: what changed between the last good release and what is deployed, and why one should
//! look at it first. Pure; changes are read by [`super::git`].
//!
//! A place to look, never a verdict: parts are added up from the policy, and each is shown.

mod clues;
pub mod culprits;
mod range;
#[cfg(test)]
mod tests;
mod weigh;
mod words;

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::state::Commit;
use crate::incident::Suspicion;

pub use clues::{Clue, Clues};
pub use range::{Ask, Event, EventKind, Live, ask, events};
pub use weigh::weigh;
pub use words::{Wanted, stem};

/// What is left where no change fits.
pub const OTHERWISE: &str =
    "if none of these fits: check third parties, and resource limits (memory, CPU, network)";

/// What is asked of the repository.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Question {
    /// Which commits.
    pub ask: Ask,
    /// The branch in production as configured; empty: found out.
    pub base: String,
    /// The remote as configured; empty: `origin`, or the only one.
    pub remote: String,
    /// Prefix of hotfix branches.
    pub prefix: String,
    /// Words looked for in changed lines, as [`stem`] leaves them.
    pub words: BTreeSet<String>,
    /// Most changes wanted.
    pub most: usize,
    /// A merge that brought more commits than this is opened.
    pub open_above: usize,
}

/// What the repository says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Changes {
    /// After what; `None`: from the beginning, as far as it was read.
    pub from: Option<Edge>,
    /// Up to what.
    pub to: Edge,
    /// What changed, in whatever order.
    pub changes: Vec<Change>,
    /// Commits there are in between, in all.
    pub commits: usize,
    /// Files that the hotfix branch touches.
    pub hotfix: Vec<String>,
    /// What a reader should know: what was left out, and why.
    pub remarks: Vec<String>,
}

/// One end of what was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Edge {
    /// The commit, as a full id.
    pub commit: String,
    /// What people call it: `v1.2.2`, `main`.
    pub name: String,
    /// Why it is this one: `last good release`.
    pub why: String,
}

/// A commit, or a merge with the commits it brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The commit.
    pub commit: Commit,
    /// Address of its author, to ask; may be empty.
    pub email: String,
    /// Number of its parents.
    pub parents: usize,
    /// Commits it brought, newest first, at most [`Change::MAX_BROUGHT`].
    pub brought: Vec<Commit>,
    /// How many it brought in all.
    pub brought_count: usize,
    /// The merge it came by, where that was opened.
    pub through: Option<Commit>,
    /// Tags on it.
    pub tags: Vec<String>,
    /// What it touches, at most [`Change::MAX_FILES`].
    pub files: Vec<Touched>,
    /// How many files it touches in all.
    pub files_count: usize,
    /// Lines added.
    pub insertions: usize,
    /// Lines taken away.
    pub deletions: usize,
    /// Why not all of it was looked at; `None`: it was.
    pub cut: Option<String>,
    /// Ids of commits that its message says it reverts.
    pub undoes: Vec<String>,
    /// With what it went live, where that is known.
    pub live: Option<Live>,
}

impl Change {
    /// Most commits of a merge kept.
    pub const MAX_BROUGHT: usize = 50;
    /// Most files kept.
    pub const MAX_FILES: usize = 300;

    /// Tells whether it is a merge.
    pub fn is_merge(&self) -> bool {
        self.parents > 1
    }
}

/// A file that a change touches.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Touched {
    /// Its path.
    pub path: String,
    /// Lines added and taken away.
    pub lines: usize,
    /// Words that were looked for and stand in changed lines, in order.
    pub words: Vec<String>,
}

/// Something that could be behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suspect {
    /// What identifies it: a commit's full id, or `flag:NAME@TIME`.
    pub id: String,
    /// What it is.
    pub kind: Kind,
    /// Subject of the commit, or what was done.
    pub title: String,
    /// Who can be asked about it.
    pub contact: String,
    /// When it was made.
    pub at: Timestamp,
    /// The sum of its parts.
    pub score: i32,
    /// The parts, heaviest first.
    pub reasons: Vec<Reason>,
    /// The change, where it is one.
    pub change: Option<Change>,
}

/// What a suspect is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A commit.
    Commit,
    /// A merge with what it brought.
    Merge,
    /// A flag that was turned.
    Flag,
    /// A deploy.
    Deploy,
}

impl Kind {
    /// The word on screen and in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Commit => "commit",
            Self::Merge => "merge",
            Self::Flag => "flag",
            Self::Deploy => "deploy",
        }
    }
}

/// A reason, and what it counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// Which.
    pub about: Suspicion,
    /// Its part of the sum.
    pub weight: i32,
    /// One line: what was found.
    pub text: String,
}

/// All there is to look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// After what.
    pub from: Option<Edge>,
    /// Up to what.
    pub to: Edge,
    /// Commits in between, in all.
    pub commits: usize,
    /// Most suspicious first.
    pub suspects: Vec<Suspect>,
    /// What a reader should know.
    pub remarks: Vec<String>,
}

impl Found {
    /// Puts what was read and what was recorded in order.
    pub fn of(changes: Changes, clues: &Clues, events: &[Event], policy: &crate::incident::Policy) -> Self {
        let suspects = weigh(&changes, clues, events, policy);
        let Changes { from, to, commits, remarks, .. } = changes;
        Self { from, to, commits, suspects, remarks }
    }

    /// Between what and what, in one line.
    pub fn between(&self) -> String {
        let edge = |edge: &Edge| {
            let short = short(&edge.commit);
            let name = if edge.name.is_empty() || edge.name == edge.commit {
                short.to_owned()
            } else {
                format!("{} ({short})", edge.name)
            };
            if edge.why.is_empty() { name } else { format!("{name}, {}", edge.why) }
        };
        match &self.from {
            Some(from) => format!("after {}; up to {}", edge(from), edge(&self.to)),
            None => format!("up to {}", edge(&self.to)),
        }
    }

    /// A suspect by the beginning of its id.
    pub fn suspect(&self, id: &str) -> Option<&Suspect> {
        self.suspects.iter().find(|suspect| suspect.id == id)
    }
}

/// The beginning of an id, by which people call a commit.
pub fn short(id: &str) -> &str {
    id.get(..7).unwrap_or(id)
}

/// A change as text, to be read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ChangeText {
    /// The commit, as a full id.
    pub commit: String,
    /// Its lines.
    pub lines: Vec<TextLine>,
    /// Why that is not all; `None`: it is.
    pub cut: Option<String>,
}

/// A line of a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextLine {
    /// What it is.
    pub kind: LineKind,
    /// The text, sanitised, without its line break.
    pub text: String,
}

/// What a line of a change is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LineKind {
    /// Of the message: subject, body, who and when.
    Message,
    /// Names a file.
    File,
    /// Says where in the file what follows stands.
    Place,
    /// Was added.
    Added,
    /// Was taken away.
    Removed,
    /// Stands around it.
    Context,
}

/// What searching a range by halves takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Halves {
    /// Commits in the range.
    pub commits: usize,
    /// A directory that does not exist, to make a work tree in.
    pub scratch: String,
}

impl Halves {
    /// About how often the check runs.
    pub fn tries(&self) -> u32 {
        // One to begin with, and one for each time the range can be halved.
        usize::BITS - self.commits.leading_zeros() + 1
    }
}
