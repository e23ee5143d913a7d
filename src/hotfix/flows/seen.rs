//! What was seen of the repository and its remote before a plan is made of it.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::super::remote::{Remote, Source};
use super::super::state::BranchState;
use super::{GIT_TIMEOUT, NETWORK_TIMEOUT, commits, git, is_at, short};
use crate::config::types::Config;
use crate::plan::{Action, Probe, Step};
use crate::text::visible;

/// What was seen.
#[derive(Debug, Clone)]
pub struct Seen<'a> {
    /// The configuration.
    pub config: &'a Config,
    /// The id of the plan.
    pub id: &'a str,
    /// The repository.
    pub state: &'a BranchState,
    /// The remote.
    pub remote: &'a Remote,
    /// The branch in production; `None`: it was found neither here nor there.
    pub base: Option<Base>,
    /// Where branches of the remote are kept here, by the names they have there.
    pub tracking: BTreeMap<String, Tracking>,
    /// The time.
    pub now: Timestamp,
}

/// A reference that keeps a branch of the remote here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tracking {
    /// Its full name: `refs/remotes/origin/main`.
    pub reference: String,
    /// Its commit; `None`: it is not there.
    pub commit: Option<String>,
}

impl Tracking {
    /// The name on screen: `origin/main`.
    pub fn short(&self) -> &str {
        self.reference.strip_prefix("refs/remotes/").unwrap_or(&self.reference)
    }
}

/// The branch in production.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Base {
    /// Its short name.
    pub name: String,
    /// The commit of the local branch.
    pub local: Option<String>,
    /// The commit that counts for what the remote has: what it said, else what was fetched last.
    pub there: Option<String>,
    /// Whether that commit is here.
    pub is_here: bool,
    /// Commits that the local branch has and the remote has not, and the other way around. Where
    /// the remote's commit is not here yet: compared with what was fetched last.
    pub apart: Option<(usize, usize)>,
}

impl Seen<'_> {
    /// Where a branch of the remote is kept, if its last known commit is there.
    pub fn kept(&self, branch: &str) -> Option<&Tracking> {
        self.tracking.get(branch)
    }

    /// The commit of a branch at the remote: as it said, else as it was fetched last.
    pub fn there(&self, branch: &str) -> Option<&str> {
        match self.remote {
            Remote::None => None,
            Remote::Known(known) => known.refs.branch(branch),
            Remote::Silent { .. } => self.kept(branch)?.commit.as_deref(),
        }
    }

    /// Tells whether the remote itself said what it has.
    pub fn was_asked(&self) -> bool {
        self.remote.known().is_some_and(|known| known.by == Source::Asked)
    }

    /// The step that fetches a branch of the remote, where its commit is not kept here yet.
    pub fn fetch_step(&self, branch: &str, commit: &str) -> Option<Step> {
        let root = &self.state.root;
        let remote = self.remote.name()?;
        let (command, proof) = match self.kept(branch) {
            Some(kept) if kept.commit.as_deref() == Some(commit) => return None,
            Some(kept) => (git(root, &["fetch", "--no-prune", remote]), is_at(root, &kept.reference, commit)),
            None if self.is_base_here(branch) => return None,
            // It is not among what is fetched by itself.
            None => (
                git(root, &["fetch", "--no-prune", "--no-tags", remote, &format!("refs/heads/{branch}")]),
                Probe::command(git(root, &["cat-file", "-e", commit]), None),
            ),
        };
        Some(Step {
            proof: Some(proof),
            retry_is_safe: true,
            ..Step::new(
                format!("fetch {} of {}, {}", visible(branch), visible(remote), short(commit)),
                Action::Command(command),
                NETWORK_TIMEOUT.max(GIT_TIMEOUT),
            )
        })
    }

    fn is_base_here(&self, branch: &str) -> bool {
        self.base.as_ref().is_some_and(|base| base.name == branch && base.is_here)
    }

    /// What a reader should know of how the base here stands to that of the remote, and the way
    /// out; a line each. `then` says what that means: `the branch starts from origin's`.
    pub fn base_notes(&self, then: &str) -> Vec<String> {
        let (Some(base), Some(remote)) = (&self.base, self.remote.name()) else { return Vec::new() };
        let (name, remote) = (visible(&base.name), visible(remote));
        let Some(there) = &base.there else {
            return vec![format!("{remote} has no {name}: the one here is all there is")];
        };
        if base.local.is_none() || base.local == base.there {
            return Vec::new();
        }
        let there = short(there);
        let (ahead, behind) = base.apart.unwrap_or_default();
        let newer = if base.is_here { format!("{} behind", commits(behind)) } else { "behind".to_owned() };
        let behind = behind > 0 || !base.is_here;
        match (ahead > 0, behind) {
            (false, true) => {
                vec![format!("{name} here is {newer} {remote}'s, {there}: {then}")]
            }
            (true, false) => vec![
                format!("{name} here has {} that {remote} does not have: {then}, {there}", commits(ahead)),
                format!("what of them is needed: git cherry-pick {remote}/{name}..{name}"),
            ],
            (true, true) => vec![
                format!(
                    "{name} has diverged: {} here that {remote} does not have, and it is {newer}: {then}, {there}",
                    commits(ahead)
                ),
                format!("to combine them: git switch {name}, then git rebase {remote}/{name}"),
            ],
            (false, false) => Vec::new(),
        }
    }
}

#[cfg(test)]
pub(super) mod testing {
    use super::super::super::remote::{Known, Refs};
    use super::super::super::state::Head;
    use super::*;

    /// All that can be seen, owned: a branch at a commit of its own, `main` the same here and there.
    pub(in super::super) struct Sight {
        pub(in super::super) config: Config,
        pub(in super::super) state: BranchState,
        pub(in super::super) remote: Remote,
        pub(in super::super) base: Option<Base>,
        pub(in super::super) tracking: BTreeMap<String, Tracking>,
    }

    /// A commit made of one digit.
    pub(in super::super) fn commit(digit: u8) -> String {
        char::from(b'0' + digit).to_string().repeat(40)
    }

    impl Sight {
        pub(in super::super) fn on(branch: &str) -> Self {
            let head = Head::Branch { name: branch.into(), commit: commit(9) };
            let mut state = BranchState::new("/srv/payments", head);
            state.base = Some("main".into());
            let refs = Refs::default();
            let remote = Remote::Known(Known { name: "origin".into(), refs, by: Source::Asked });
            let main = Some(commit(1));
            let base = Base {
                name: "main".into(),
                local: main.clone(),
                there: main.clone(),
                is_here: true,
                apart: Some((0, 0)),
            };
            let mut sight = Self {
                config: Config::default(),
                state,
                remote,
                base: Some(base),
                tracking: BTreeMap::new(),
            };
            sight.at_remote("main", &commit(1));
            sight.tracked("main", Some(&commit(1)));
            sight
        }

        pub(in super::super) fn head(&self) -> String {
            self.state.commit().unwrap().to_owned()
        }

        /// The remote says that it has a branch.
        pub(in super::super) fn at_remote(&mut self, branch: &str, commit: &str) {
            if let Remote::Known(known) = &mut self.remote {
                known.refs.branches.insert(branch.to_owned(), commit.to_owned());
            }
            if let Some(base) = self.base.as_mut().filter(|base| base.name == branch) {
                base.there = Some(commit.to_owned());
                base.is_here = false;
            }
        }

        /// What is kept of a branch of the remote.
        pub(in super::super) fn tracked(&mut self, branch: &str, commit: Option<&str>) {
            let reference = format!("refs/remotes/origin/{branch}");
            let kept = Tracking { reference, commit: commit.map(str::to_owned) };
            self.tracking.insert(branch.to_owned(), kept);
            if let Some(base) = self.base.as_mut().filter(|base| base.name == branch) {
                base.is_here = base.there.as_deref() == commit;
            }
        }

        pub(in super::super) fn seen(&self) -> Seen<'_> {
            Seen {
                config: &self.config,
                id: "plan-1",
                state: &self.state,
                remote: &self.remote,
                base: self.base.clone(),
                tracking: self.tracking.clone(),
                now: Timestamp::UNIX_EPOCH,
            }
        }
    }
}
