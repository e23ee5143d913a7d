//! Which release branches are open. The branches of older releases look the same by their names, and
//! would get all that was made since.

use std::collections::{BTreeMap, HashSet};
use std::time::{Duration, Instant};

use git2::{Error, Oid};

use super::history::Cut;
use super::{Reader, is_change};

/// So many first parents back the merge of a fix is looked for.
const MAX_WALK: usize = 5000;
/// Answers kept.
const MAX_KNOWN: usize = 4096;
/// Time for all release branches of one look.
pub(super) const LOOKING: Duration = Duration::from_millis(800);

impl Reader {
    /// How many commits of a base a branch would get with a fix that is made on it: 0 where it has
    /// them all but for merges, which bring nothing of their own. Those in `apart` do not count.
    /// `None`: they were not counted in time, or the branch is not here.
    pub(super) fn brings(
        &mut self,
        base: Oid,
        branch: Oid,
        apart: &HashSet<Oid>,
        until: Instant,
    ) -> Result<Option<usize>, Error> {
        let key = (base, branch);
        if apart.is_empty()
            && let Some(known) = self.compared.brings.get(&key)
        {
            return Ok(Some(*known));
        }
        if Instant::now() >= until || self.repo.find_commit(branch).is_err() {
            return Ok(None);
        }
        let mut ahead = match self.history.compare(&self.repo, &[base], &[branch], until) {
            Ok(compared) => compared.ahead,
            Err(Cut::Late) => return Ok(None),
            Err(Cut::Git(error)) => return Err(error),
        };
        ahead.retain(|id| !apart.contains(id));
        let mut count = 0;
        for id in &ahead {
            count += usize::from(is_change(&self.repo.find_commit(*id)?));
        }
        if apart.is_empty() {
            if self.compared.brings.len() >= MAX_KNOWN {
                self.compared.brings.clear();
            }
            self.compared.brings.insert(key, count);
        }
        Ok(Some(count))
    }

    /// Names of those of some branches that have all of a base, merges aside, and of those of which
    /// nobody can tell: they are not here, or there was no time. Both in order.
    pub fn open_among(&mut self, base: &str, tips: BTreeMap<String, String>) -> (Vec<String>, Vec<String>) {
        let until = Instant::now() + LOOKING;
        let (mut open, mut unknown) = (Vec::new(), Vec::new());
        for (name, tip) in tips {
            let ids = Oid::from_str(base).and_then(|base| Ok((base, Oid::from_str(&tip)?)));
            match ids.and_then(|(base, tip)| self.brings(base, tip, &HashSet::new(), until)) {
                Ok(Some(0)) => open.push(name),
                Ok(Some(_)) => {}
                Ok(None) => unknown.push(name),
                Err(error) => {
                    tracing::warn!(%error, "looking at a release branch");
                    unknown.push(name);
                }
            }
        }
        (open, unknown)
    }

    /// What a commit reaches and another does not; empty where that takes too long.
    pub(super) fn only_in(&mut self, one: Oid, other: Oid, until: Instant) -> HashSet<Oid> {
        let compared = self.history.compare(&self.repo, &[one], &[other], until);
        compared.map(|compared| compared.ahead.into_iter().collect()).unwrap_or_default()
    }

    /// The commit with which a fix came into a branch; `None`: it is not in it.
    pub(super) fn came_in(&self, branch: Oid, fix: Oid) -> Result<Option<Oid>, Error> {
        let has = |id: Oid| Ok::<_, Error>(id == fix || self.repo.graph_descendant_of(id, fix)?);
        if !has(branch)? {
            return Ok(None);
        }
        let mut merged = branch;
        for _ in 0..MAX_WALK {
            let commit = self.repo.find_commit(merged)?;
            let Some(parent) = commit.parent_ids().next() else { break };
            if merged == fix || !has(parent)? {
                break;
            }
            merged = parent;
        }
        Ok(Some(merged))
    }

    /// The commit of a branch before a fix was merged into it; `None`: it is not in it, or came in
    /// without a merge.
    pub(super) fn before(&self, branch: Oid, fix: Oid) -> Result<Option<Oid>, Error> {
        match self.came_in(branch, fix)? {
            Some(merged) if merged != fix => Ok(self.repo.find_commit(merged)?.parent_ids().next()),
            Some(_) | None => Ok(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hotfix::testing::TestRepo;

    fn id(repo: &TestRepo, name: &str) -> Oid {
        Oid::from_str(&repo.git(&["rev-parse", name])).unwrap()
    }

    fn brings(repo: &TestRepo, base: &str, branch: &str) -> Option<usize> {
        let mut reader = Reader::open(repo.root()).unwrap();
        let until = Instant::now() + Duration::from_secs(60);
        reader.brings(id(repo, base), id(repo, branch), &HashSet::new(), until).unwrap()
    }

    #[test]
    fn a_release_in_the_making_has_all_of_the_base_and_an_old_one_has_not() {
        let repo = TestRepo::new();
        repo.git(&["branch", "release/1.2"]);
        repo.git(&["switch", "-q", "-c", "develop"]);
        repo.commit("a feature");
        repo.git(&["switch", "-q", "-c", "release/1.3"]);
        repo.commit("make 1.3 ready");
        assert_eq!(brings(&repo, "main", "release/1.3"), Some(0));
        // Merged into main, and main is one merge ahead of develop, which is no content.
        repo.git(&["switch", "-q", "main"]);
        repo.git(&["merge", "-q", "--no-ff", "--no-edit", "release/1.3"]);
        repo.git(&["switch", "-q", "develop"]);
        repo.git(&["merge", "-q", "--no-ff", "--no-edit", "release/1.3"]);
        repo.git(&["switch", "-q", "-c", "release/1.4"]);
        repo.commit("make 1.4 ready");
        assert_eq!(brings(&repo, "main", "release/1.4"), Some(0));
        assert_eq!(brings(&repo, "main", "release/1.2"), Some(2), "it would get all of 1.3");
        let mut reader = Reader::open(repo.root()).unwrap();
        let (main, old) = (id(&repo, "main"), id(&repo, "release/1.2"));
        assert_eq!(reader.brings(main, old, &HashSet::new(), Instant::now()).unwrap(), None, "no time");
    }

    #[test]
    fn what_was_there_before_the_fix_is_known_once_it_is_merged() {
        let repo = TestRepo::new();
        let base = id(&repo, "main");
        repo.git(&["switch", "-q", "-c", "hotfix/x"]);
        repo.commit("one");
        repo.commit("two");
        let fix = id(&repo, "HEAD");
        let reader = Reader::open(repo.root()).unwrap();
        assert_eq!((reader.came_in(base, fix).unwrap(), reader.before(base, fix).unwrap()), (None, None));
        assert_eq!(reader.came_in(fix, fix).unwrap(), Some(fix));
        repo.git(&["switch", "-q", "main"]);
        repo.git(&["merge", "-q", "--no-ff", "--no-edit", "hotfix/x"]);
        let merge = id(&repo, "main");
        repo.commit("later");
        let later = id(&repo, "main");
        assert_eq!(reader.came_in(later, fix).unwrap(), Some(merge));
        assert_eq!(reader.before(later, fix).unwrap(), Some(base));
    }
}
