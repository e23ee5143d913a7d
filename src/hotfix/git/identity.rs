//! What tells a repository from others: where it is, where it is cloned from, and where its history
//! begins.

use std::path::Path;
use std::time::{Duration, Instant};

use git2::{Oid, Repository};

use super::{Reader, refs};
use crate::incident::{Checkout, RepositoryId, repository};

/// A history whose beginning is not found in so long has none that is known.
const BUDGET: Duration = Duration::from_millis(500);
/// Commits looked at between two looks at the clock.
const STRIDE: usize = 256;

impl Checkout for Reader {
    fn path(&self) -> String {
        self.identity()
    }

    /// A remote on this machine is its common git directory, as [`Reader::identity`] gives it.
    fn remotes(&self) -> Vec<String> {
        let Ok(names) = self.repo.remotes() else { return Vec::new() };
        let places = names.iter().filter_map(|name| {
            let remote = self.repo.find_remote(name.ok()??).ok()?;
            let address = String::from_utf8_lossy(remote.url_bytes()).into_owned();
            let place = repository::remote(&address);
            Some(if is_local(&address) { self.local(&place) } else { place })
        });
        let mut places: Vec<String> = places.filter(|place| !place.is_empty()).collect();
        places.sort();
        places.dedup();
        places
    }

    fn holds(&self, commit: &str) -> Option<bool> {
        let id = Oid::from_str(commit).ok()?;
        match self.repo.odb().ok()?.exists(id) {
            true => Some(true),
            false if self.repo.is_shallow() => None,
            false => Some(false),
        }
    }
}

impl Reader {
    /// Tells what clones of this repository share.
    pub fn repository_id(&self) -> RepositoryId {
        RepositoryId { root_commit: self.root_commit().unwrap_or_default(), remotes: self.remotes() }
    }

    /// The first commit of the branch in production, along first parents; `None`: there is no
    /// commit, the clone is shallow, or the history is too long to be walked in a moment.
    fn root_commit(&self) -> Option<String> {
        if self.repo.is_shallow() {
            return None;
        }
        let remote = refs::main_remote(&self.repo);
        let mut at = self
            .default_branch()
            .and_then(|name| {
                let tracking = remote.map(|remote| format!("refs/remotes/{remote}/{name}"));
                let full = [Some(format!("refs/heads/{name}")), tracking];
                full.into_iter().flatten().find_map(|full| refs::commit_of(&self.repo, &full).ok()?)
            })
            .map(|(_, commit)| commit)
            .or_else(|| Some(self.repo.head().ok()?.peel_to_commit().ok()?.id()))?;
        let began = Instant::now();
        for walked in 1_usize.. {
            if walked.is_multiple_of(STRIDE) && began.elapsed() > BUDGET {
                return None;
            }
            match self.repo.find_commit(at).ok()?.parent_ids().next() {
                Some(before) => at = before,
                None => return Some(at.to_string()),
            }
        }
        None
    }

    /// The common git directory of a repository on this machine; the path where there is none.
    fn local(&self, path: &str) -> String {
        let full = self.root().join(path);
        match Repository::open(&full) {
            Ok(found) => canonical(found.commondir()),
            Err(_) => canonical(&full),
        }
    }
}

/// Tells a path on this machine from `host:path`, as git does.
fn is_local(address: &str) -> bool {
    match (address.split_once("://"), address.split_once(':')) {
        (Some((scheme, _)), _) => scheme == "file",
        (None, Some((host, _))) => host.contains('/'),
        (None, None) => true,
    }
}

fn canonical(path: &Path) -> String {
    path.canonicalize().unwrap_or_else(|_| path.to_path_buf()).to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hotfix::testing::TestRepo;

    #[test]
    fn a_clone_on_this_machine_is_known_by_where_it_comes_from() {
        let repo = TestRepo::new();
        let origin = Reader::open(repo.root()).unwrap();
        let root = origin.root_commit().unwrap();
        repo.git(&["commit", "-q", "--allow-empty", "-m", "another"]);
        let dir = tempfile::tempdir().unwrap();
        let clone = dir.path().join("clone");
        repo.git(&["clone", "-q", "--no-local", &repo.root().to_string_lossy(), &clone.to_string_lossy()]);
        let reader = Reader::open(&clone).unwrap();
        assert_eq!(reader.remotes(), [origin.identity()]);
        assert_eq!(reader.root_commit().unwrap(), root);
        for (name, address) in [("a", "git@example.com:shop/api.git"), ("b", "https://example.com/shop/api")]
        {
            repo.git(&["-C", &clone.to_string_lossy(), "remote", "add", name, address]);
        }
        let mut expected = vec![origin.identity(), "example.com/shop/api".to_owned()];
        expected.sort();
        assert_eq!(Reader::open(&clone).unwrap().remotes(), expected);
        let shallow = dir.path().join("shallow");
        let from = format!("file://{}", repo.root().display());
        repo.git(&["clone", "-q", "--depth", "1", &from, &shallow.to_string_lossy()]);
        let reader = Reader::open(&shallow).unwrap();
        assert_eq!((reader.root_commit(), reader.remotes()), (None, vec![origin.identity()]));
    }
}
