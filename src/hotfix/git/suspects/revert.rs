//! Taking one change back, tried in memory beforehand; and a range to be searched by halves.

use std::time::Duration;

use git2::{Commit as GitCommit, Oid, Repository};

use super::super::Reader;
use super::super::back::{Budget, Trouble, free, no, short, try_in_memory};
use crate::config::types::Hotfix;
use crate::hotfix::back::{NoRevert, Revert};
use crate::hotfix::suspects::Halves;

impl Reader {
    /// Finds out what taking one commit back would do on the branch in production, as the remote
    /// has it: of a merge all that it brought. Nothing is written.
    ///
    /// # Errors
    /// It cannot be done, or nobody can tell, and why.
    pub fn look_at_revert(
        &self,
        commit: &str,
        hotfix: &Hotfix,
        budget: Duration,
    ) -> Result<Revert, NoRevert> {
        self.try_revert(commit, hotfix, Budget::of(budget)).map_err(|trouble| match trouble {
            Trouble::Said(said) => said,
            Trouble::Git(error) => NoRevert::Unknown(error.message().to_owned()),
        })
    }

    fn try_revert(&self, commit: &str, hotfix: &Hotfix, budget: Budget) -> Result<Revert, Trouble> {
        let repo = &self.repo;
        let commit = Oid::from_str(commit).and_then(|id| repo.find_commit(id))?;
        let base = self.pushed_base(&hotfix.base, &hotfix.remote)?;
        let (onto, branch, remote) = (base.onto, &base.branch, &base.remote);
        if onto != commit.id() && !repo.graph_descendant_of(onto, commit.id())? {
            return Err(no(format!("it is not on {branch} as {remote} has it: nothing to revert")));
        }
        let mainline = match commit.parent_count() {
            0 => return Err(no("it is the first commit: nothing to go back to")),
            1 => None,
            _ => Some(1),
        };
        let before = commit.parent(0)?;
        let chain = [(commit.clone(), mainline)];
        let tried = try_in_memory(repo, onto, &before, &chain, budget)?;
        let ahead = self.changes_since(onto, commit.id())?;
        let name = format!("revert-{}-on-{}", short(commit.id()), short(onto));
        Ok(base.reverted(tried, ahead, free(&self.common_dir().join("flightdeck"), &name)))
    }

    /// What searching a range by halves takes.
    ///
    /// # Errors
    /// There is nothing to search, and why, in one line.
    pub fn halves(&self, good: &str, bad: &str) -> Result<Halves, String> {
        self.read_halves(good, bad).map_err(|error| error.message().to_owned()).and_then(
            |halves| match halves {
                Some(halves) if halves.commits > 0 => Ok(halves),
                Some(_) => Err("they are the same: nothing lies in between".to_owned()),
                None => Err("the good one is not in the history of the bad one".to_owned()),
            },
        )
    }

    fn read_halves(&self, good: &str, bad: &str) -> Result<Option<Halves>, git2::Error> {
        let commit = |id: &str| Oid::from_str(id).and_then(|id| self.repo.find_commit(id));
        let (good, bad) = (commit(good)?, commit(bad)?);
        if good.id() != bad.id() && !self.repo.graph_descendant_of(bad.id(), good.id())? {
            return Ok(None);
        }
        let commits = count(&self.repo, &good, &bad)?;
        let name = format!("bisect-{}-{}", short(good.id()), short(bad.id()));
        Ok(Some(Halves { commits, scratch: free(&self.common_dir().join("flightdeck"), &name) }))
    }
}

fn count(repo: &Repository, good: &GitCommit<'_>, bad: &GitCommit<'_>) -> Result<usize, git2::Error> {
    repo.graph_ahead_behind(bad.id(), good.id()).map(|(ahead, _)| ahead)
}
