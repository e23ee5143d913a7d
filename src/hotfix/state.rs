//! What is known about the branch being worked on. Pure; read by [`super::git`].

use jiff::Timestamp;

use crate::failure::Failure;
use crate::text::visible;

/// The repository as it was at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BranchState {
    /// Root of the work tree.
    pub root: String,
    /// What HEAD is.
    pub head: Head,
    /// An operation somebody is in the middle of.
    pub operation: Option<Operation>,
    /// The branch in production: `main`. `None` if none was found; a configured one that does
    /// not exist is not replaced by another.
    pub base: Option<String>,
    /// Where that branch was read.
    pub base_at: Option<BaseAt>,
    /// The upstream of the current branch.
    pub upstream: Option<Upstream>,
    /// Files changed in the work tree or index, at most [`BranchState::MAX_FILES`].
    pub dirty: Vec<DirtyFile>,
    /// How many there are in all.
    pub dirty_count: usize,
    /// Commits on HEAD that the base does not have, newest first, at most
    /// [`BranchState::MAX_COMMITS`].
    pub commits: Vec<Commit>,
    /// How many there are in all.
    pub ahead: usize,
    /// Commits on the base that HEAD does not have.
    pub behind: usize,
    /// Size of the change since the merge base, committed work only.
    pub size: ChangeSize,
    /// Tags at HEAD.
    pub tags: Vec<String>,
    /// The newest tag reachable from the base, by commit time.
    pub last_tag: Option<String>,
    /// Version in a recognised file (`VERSION`, `Cargo.toml`, `package.json`), if any.
    pub version: Option<String>,
    /// Local branches with the hotfix prefix.
    pub hotfix_branches: Vec<String>,
    /// Local branches and tags a deploy can name, the current branch first, then the base.
    pub deployable: Vec<String>,
    /// Commits that hold exactly the same files as HEAD: a merge into a branch that has not moved
    /// is a commit of its own, but nothing in it is new.
    pub same_content: Vec<String>,
    /// Where the base has all that HEAD has: the newest commits of HEAD, full ids, at most
    /// [`BranchState::MAX_LANDED`], and when each was made.
    pub landed: Vec<(String, Timestamp)>,
    /// The remote that matters: `origin`, the only one, or the configured one.
    pub remote: Option<String>,
    /// How the local base branch stands to its remote one; `None`: one of them is missing.
    pub base_upstream: Option<Upstream>,
    /// In git flow: the branch of the next release, here or at the remote.
    pub develop: Option<BaseAt>,
    /// In git flow: open release branches, here or at the remote, in order of name.
    pub releases: Vec<BaseAt>,
    /// Hotfix branches that only the remote has, short names without the remote's.
    pub remote_hotfixes: Vec<String>,
    /// When the remote was last fetched from, as far as git kept it.
    pub fetched_at: Option<Timestamp>,
    /// Whether the history is cut off here, as in a shallow clone: counts may be too low.
    pub cut_off: bool,
    /// What was not read yet, because it takes longer.
    pub not_yet: NotYet,
}

/// What a first, quick look leaves out. Fields it is about hold nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct NotYet {
    /// Changed files: `dirty` and `dirty_count`.
    pub changes: bool,
    /// What takes a walk through the history or the trees: `ahead`, `behind`, `size`, `commits`,
    /// `landed`, `last_tag`, and the counts of `upstream` and `base_upstream`.
    pub counts: bool,
}

impl BranchState {
    /// Most dirty files kept.
    pub const MAX_FILES: usize = 200;
    /// Most commits of HEAD kept where the base has them all.
    pub const MAX_LANDED: usize = 50;
    /// Most commits kept.
    pub const MAX_COMMITS: usize = 100;

    /// A clean repository with nothing in it but HEAD.
    pub fn new(root: impl Into<String>, head: Head) -> Self {
        Self {
            root: root.into(),
            head,
            operation: None,
            base: None,
            base_at: None,
            upstream: None,
            dirty: Vec::new(),
            dirty_count: 0,
            commits: Vec::new(),
            ahead: 0,
            behind: 0,
            size: ChangeSize::default(),
            tags: Vec::new(),
            last_tag: None,
            version: None,
            hotfix_branches: Vec::new(),
            deployable: Vec::new(),
            same_content: Vec::new(),
            landed: Vec::new(),
            remote: None,
            base_upstream: None,
            develop: None,
            releases: Vec::new(),
            remote_hotfixes: Vec::new(),
            fetched_at: None,
            cut_off: false,
            not_yet: NotYet::default(),
        }
    }

    /// The name of the current branch, if HEAD is on one.
    pub fn branch(&self) -> Option<&str> {
        match &self.head {
            Head::Branch { name, .. } | Head::Unborn { name } => Some(name),
            Head::Detached { .. } => None,
        }
    }

    /// Tells whether the work tree holds anything beyond the commit that could change what a
    /// check finds. flightdeck's own file does not: what it holds is trusted by its content.
    pub fn is_dirty(&self) -> bool {
        let own = |file: &DirtyFile| file.path == "flightdeck.toml";
        self.dirty_count > self.dirty.iter().filter(|file| own(file)).count()
    }

    /// The commit HEAD is at; `None` in an empty repository.
    pub fn commit(&self) -> Option<&str> {
        match &self.head {
            Head::Branch { commit, .. } | Head::Detached { commit } => Some(commit),
            Head::Unborn { .. } => None,
        }
    }
}

/// The reference the base branch was read from: its local branch, or the remote's one where
/// there is no local branch or the local one is behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseAt {
    /// Full name: `refs/heads/main`, `refs/remotes/origin/main`.
    pub reference: String,
    /// Its commit, a full id.
    pub commit: String,
}

impl BaseAt {
    /// The name on screen: `main`, `origin/main`.
    pub fn short(&self) -> &str {
        ["refs/heads/", "refs/remotes/", "refs/"]
            .into_iter()
            .find_map(|prefix| self.reference.strip_prefix(prefix))
            .unwrap_or(&self.reference)
    }
}

/// What HEAD is. Commits are full hexadecimal ids.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Head {
    /// On a branch.
    Branch {
        /// Its short name.
        name: String,
        /// Its commit.
        commit: String,
    },
    /// On a commit and no branch.
    Detached {
        /// The commit.
        commit: String,
    },
    /// On a branch without a commit: an empty repository.
    Unborn {
        /// The branch that the first commit will make.
        name: String,
    },
}

/// An operation in the middle of which the repository is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// `git merge`.
    Merge,
    /// `git rebase`.
    Rebase,
    /// `git revert`.
    Revert,
    /// `git cherry-pick`.
    CherryPick,
    /// `git bisect`.
    Bisect,
    /// `git am`.
    Apply,
}

impl Operation {
    /// The word on screen.
    pub fn name(self) -> &'static str {
        match self {
            Self::Merge => "merge",
            Self::Rebase => "rebase",
            Self::Revert => "revert",
            Self::CherryPick => "cherry-pick",
            Self::Bisect => "bisect",
            Self::Apply => "am",
        }
    }
}

/// The upstream of a branch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upstream {
    /// Short name: `origin/hotfix/pool-limit`.
    pub name: String,
    /// Whether the remote branch is known here.
    pub exists: bool,
    /// Commits the upstream lacks.
    pub ahead: usize,
    /// Commits the upstream has more.
    pub behind: usize,
}

/// A changed file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DirtyFile {
    /// Path in the repository, lossy where it is not UTF-8.
    pub path: String,
    /// Two letters as `git status --short` prints them.
    pub code: String,
}

/// A commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    /// Full id.
    pub id: String,
    /// First line of the message.
    pub subject: String,
    /// Name of the author.
    pub author: String,
    /// Author time.
    pub at: Timestamp,
}

/// The size of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ChangeSize {
    /// Files touched.
    pub files: usize,
    /// Lines added.
    pub insertions: usize,
    /// Lines taken away.
    pub deletions: usize,
    /// Whether a file that looks like a test is among them.
    pub tests_touched: bool,
}

/// Why there is no [`BranchState`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoRepository {
    /// There is none here or above.
    NotFound,
    /// It has no work tree.
    Bare,
    /// It belongs to another user and is not in `safe.directory`.
    NotOurs {
        /// Its path.
        path: String,
    },
    /// It could not be read.
    Unreadable {
        /// Why.
        why: String,
    },
}

impl NoRepository {
    /// The same as an error. `place` is the directory that was looked at.
    pub fn failure(&self, place: &str) -> Failure {
        let doing = format!("reading the repository at {}", visible(place));
        match self {
            Self::NotFound => Failure::new(
                doing,
                "no git repository here or above",
                "go to the repository that has to be fixed, or make one with `git init`",
            ),
            Self::Bare => Failure::new(
                doing,
                "it is bare: it has no work tree",
                "go to a clone of it, or make one with `git clone`",
            ),
            Self::NotOurs { path } => Failure::new(
                doing,
                "it belongs to another user, and what its git configuration names would run as you",
                format!(
                    "if you trust it: git config --global --add safe.directory {}",
                    visible(&shell_words::quote(path))
                ),
            ),
            Self::Unreadable { why } => Failure::new(
                doing,
                visible(why),
                "record, clocks, checklist, probes and report work here anyway; for the branch use git \
                 itself: `git status` and `git fsck` may say more",
            ),
        }
    }
}
