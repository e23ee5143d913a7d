//! What is ahead of the branch: the merges that finishing it would make, whether it has outgrown
//! the fault, and where the fix really is. Pure; found out by [`super::git`], which may take longer
//! than its state does, so it comes in parts.

use jiff::Timestamp;

use crate::incident::State;

/// What was found out about one commit of one branch. What does not match the state of the
/// repository any more is stale, and a new one is on its way.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Outlook {
    /// The branch; empty on none.
    pub branch: String,
    /// Its commit, as a full id.
    pub commit: String,
    /// The merges that finishing would make, in the order they would be made.
    pub forecasts: Vec<Forecast>,
    /// How far the change has grown.
    pub growth: Growth,
    /// Whether the branch raises the version; `None`: no file holds one.
    pub bump: Option<Bump>,
    /// Where the fix is and where it is not, in the order of the question.
    pub places: Vec<Place>,
    /// Commits tried out that the base has, here or at the remote: as they are, or as one commit with the
    /// same change. Full ids, and when what the base has was made.
    pub merged: Vec<(String, Timestamp)>,
}

/// What is asked besides what the repository and the configuration say.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Question {
    /// What is deployed where: environment, name of the release, commit as a full id.
    pub deployed: Vec<(String, String, String)>,
    /// The commit as which a squashed pull request of the branch landed.
    pub landed: Option<String>,
    /// Commits that were tried out in the incident, as full ids.
    pub tried: Vec<String>,
}

/// A merge that has not been made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forecast {
    /// The branch merged into: `main`, `develop`, `release/1.4`.
    pub into: String,
    /// The reference it was looked at by: `refs/remotes/origin/main`.
    pub reference: String,
    /// The commit of that reference, as a full id.
    pub commit: String,
    /// What would become of it.
    pub verdict: Verdict,
}

/// What would become of a merge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It is being tried.
    Looking,
    /// It has the fix already.
    Contained,
    /// It would be clean.
    Clean,
    /// It would conflict in these files, in order.
    Conflicts(Vec<String>),
    /// Nobody can tell, and why: it took too long, the history is cut off.
    Unknown(String),
}

/// How far a change has grown.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Growth {
    /// Why it is more than a minimal fix, a line each; empty: it is minimal.
    pub beyond: Vec<String>,
    /// Files that do not seem to belong to it, in order.
    pub strays: Vec<Stray>,
}

/// A file that does not seem to belong to a fix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stray {
    /// Its path.
    pub path: String,
    /// Why, in a few words: `formatting only`, `unrelated to src/pool/`.
    pub why: String,
}

/// The version of a branch next to that of its base.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bump {
    /// The version on the base.
    pub from: String,
    /// The version on the branch, the same where it was not raised.
    pub to: String,
    /// The tag that this would go out as.
    pub tag: String,
    /// Files that hold different versions on the branch: path and version. Empty: they agree.
    pub disagree: Vec<(String, String)>,
}

/// Whether the fix is in a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Name of the environment.
    pub environment: String,
    /// Name of what is deployed there.
    pub release: String,
    /// Whether that commit has all of the branch in it. `Err`: nobody can tell, and why.
    pub has_fix: Result<bool, String>,
    /// Where it has not all of the fix: how many commits a deploy of the branch would bring there, merges aside.
    /// After a rollback those that were rolled back are among them.
    pub lacks: usize,
}

/// Most commits tried out that are looked for in the base.
const MOST_TRIED: usize = 20;

/// The commits that were tried out in an incident, the newest ones where there are many.
pub fn tried(state: &State, base: &str) -> Vec<String> {
    let mut tried: Vec<String> = Vec::new();
    for (_, commit) in state.tried(base) {
        if !tried.iter().any(|known| known == commit) {
            tried.push(commit.to_owned());
        }
    }
    tried.split_off(tried.len().saturating_sub(MOST_TRIED))
}

impl Outlook {
    /// Tells whether it is about a branch as it stands.
    pub fn is_about(&self, branch: Option<&str>, commit: Option<&str>) -> bool {
        self.branch == branch.unwrap_or_default() && Some(self.commit.as_str()) == commit
    }
}
