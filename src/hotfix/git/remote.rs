//! What is known here of the remote: where its branches are kept, and how old that is.

use std::path::Path;
use std::time::SystemTime;

use git2::{Direction, Oid};
use jiff::Timestamp;

use super::{Reader, is_change, refs, without_user_info};
use crate::hotfix::remote::{Refs, Tag};
use crate::text::visible;

/// Most bytes of `FETCH_HEAD` that are read: a line for each branch.
const MAX_FETCH_HEAD: u64 = 4 << 20;
/// Most commits that are named of those that nothing else keeps.
const MAX_LOST: usize = 1000;

impl Reader {
    /// The remote that matters: the configured one if it exists, and nothing else then; otherwise
    /// `origin`, or the only one.
    pub fn remote_name(&self, configured: &str) -> Option<String> {
        if configured.is_empty() {
            return refs::main_remote(&self.repo);
        }
        self.repo.find_remote(configured).ok().map(|_| configured.to_owned())
    }

    /// The full name of the reference that keeps a branch of a remote here:
    /// `refs/remotes/origin/main`. `None`: it is not fetched by default.
    pub fn tracking_name(&self, remote: &str, branch: &str) -> Option<String> {
        let remote = self.repo.find_remote(remote).ok()?;
        let full = format!("refs/heads/{branch}");
        let mut specs = remote.refspecs().filter(|spec| spec.direction() == Direction::Fetch);
        let name = specs.find(|spec| spec.src_matches(&full))?.transform(&full).ok()?;
        std::str::from_utf8(&name).ok().map(str::to_owned).filter(|name| !name.is_empty())
    }

    /// The commit that a reference leads to, by its full name.
    pub fn commit_at(&self, full: &str) -> Option<String> {
        let found = refs::commit_of(&self.repo, full).ok()??;
        Some(found.1.to_string())
    }

    /// Tells whether a commit is here.
    pub fn has_commit(&self, id: &str) -> bool {
        Oid::from_str(id).is_ok_and(|id| self.repo.find_commit(id).is_ok())
    }

    /// Tells whether all of a commit is in another; `None`: one of them is not here.
    pub fn is_in(&self, commit: &str, other: &str) -> Option<bool> {
        let (commit, other) = (Oid::from_str(commit).ok()?, Oid::from_str(other).ok()?);
        let is_here = self.repo.find_commit(commit).is_ok() && self.repo.find_commit(other).is_ok();
        if !is_here {
            return None;
        }
        Some(commit == other || self.repo.graph_descendant_of(other, commit).ok()?)
    }

    /// How many commits each of two has that the other has not; `None`: one of them is not here.
    pub fn apart(&self, one: &str, other: &str) -> Option<(usize, usize)> {
        self.repo.graph_ahead_behind(Oid::from_str(one).ok()?, Oid::from_str(other).ok()?).ok()
    }

    /// What was fetched last, as if the remote had said it. Its tags are all that are here.
    pub fn fetched_refs(&self, remote: &str) -> Refs {
        let mut found = Refs::default();
        let Ok(tracking) = self.repo.references_glob("refs/remotes/*") else { return found };
        for reference in tracking.flatten() {
            let Some(full) = std::str::from_utf8(reference.name_bytes()).ok() else { continue };
            let branch = self.tracked_by(remote, full);
            let commit = reference.peel_to_commit().ok().map(|commit| commit.id().to_string());
            found.branches.extend(branch.zip(commit));
        }
        let Ok(tags) = self.repo.references_glob("refs/tags/*") else { return found };
        for reference in tags.flatten() {
            let name = std::str::from_utf8(reference.name_bytes()).ok();
            let Some(name) = name.and_then(|name| name.strip_prefix("refs/tags/")) else { continue };
            let (Some(object), Ok(commit)) = (reference.target(), reference.peel_to_commit()) else {
                continue;
            };
            let tag = Tag { object: object.to_string(), commit: commit.id().to_string() };
            found.tags.insert(name.to_owned(), tag);
        }
        found
    }

    /// The branch of a remote that a reference keeps here.
    fn tracked_by(&self, remote: &str, full: &str) -> Option<String> {
        let remote = self.repo.find_remote(remote).ok()?;
        let mut specs = remote.refspecs().filter(|spec| spec.direction() == Direction::Fetch);
        let name = specs.find(|spec| spec.dst_matches(full))?.rtransform(full).ok()?;
        let branch = std::str::from_utf8(&name).ok()?.strip_prefix("refs/heads/")?;
        // `origin/HEAD` stands for another of them.
        (branch != "HEAD").then(|| branch.to_owned())
    }

    /// When a remote was last fetched from, as far as git kept it: `FETCH_HEAD` of this work tree or
    /// of the main one. With a branch: when that was fetched.
    pub fn fetched_at(&self, remote: &str, branch: Option<&str>) -> Option<Timestamp> {
        let places = [self.repo.path(), self.repo.commondir()];
        places.into_iter().filter_map(|place| self.fetched_in(place, remote, branch)).max()
    }

    fn fetched_in(&self, place: &Path, remote: &str, branch: Option<&str>) -> Option<Timestamp> {
        let path = place.join("FETCH_HEAD");
        let about = std::fs::metadata(&path).ok()?;
        // A fetch that failed half way leaves it empty.
        if about.len() == 0 || about.len() > MAX_FETCH_HEAD {
            return None;
        }
        let text = String::from_utf8_lossy(&std::fs::read(&path).ok()?).into_owned();
        let address = self.other_remotes().then(|| self.address(remote)).flatten();
        let wanted = branch.map(|branch| format!("branch '{branch}' of "));
        let is_it = |line: &str| {
            let from = line.rsplit_once(" of ").map(|(_, from)| trimmed(from));
            let named = wanted.as_ref().is_none_or(|wanted| line.contains(wanted.as_str()));
            named && address.as_ref().is_none_or(|address| from == Some(trimmed(address)))
        };
        if !text.lines().any(is_it) {
            return None;
        }
        let at = about.modified().ok()?.duration_since(SystemTime::UNIX_EPOCH).ok()?;
        Timestamp::from_millisecond(i64::try_from(at.as_millis()).ok()?).ok()
    }

    fn other_remotes(&self) -> bool {
        self.repo.remotes().is_ok_and(|names| names.len() > 1)
    }

    fn address(&self, remote: &str) -> Option<String> {
        let remote = self.repo.find_remote(remote).ok()?;
        Some(without_user_info(&String::from_utf8_lossy(remote.url_bytes())))
    }

    /// Commits that a local branch has and nothing else keeps: no other branch, no tag, no branch of
    /// a remote but the one `besides`. Ids with their subjects, newest first, some thousand at most.
    pub fn only_on(&self, branch: &str, besides: Option<&str>) -> Vec<(String, String)> {
        let own = format!("refs/heads/{branch}");
        let mut hidden = Vec::new();
        for glob in ["refs/heads/*", "refs/remotes/*", "refs/tags/*"] {
            for reference in self.repo.references_glob(glob).into_iter().flatten().flatten() {
                let name = reference.name_bytes();
                if name != own.as_bytes() && besides.is_none_or(|besides| name != besides.as_bytes()) {
                    hidden.extend(reference.peel_to_commit().map(|commit| commit.id()));
                }
            }
        }
        let tip = refs::commit_of(&self.repo, &own).ok().flatten().map(|(_, commit)| commit);
        tip.and_then(|tip| self.walk(tip, &hidden, MAX_LOST).ok()).unwrap_or_default()
    }

    /// Commits of one that another does not have, newest first, at most so many: ids and subjects.
    pub fn beyond(&self, commit: &str, other: &str, most: usize) -> Vec<(String, String)> {
        let (Ok(commit), Ok(other)) = (Oid::from_str(commit), Oid::from_str(other)) else {
            return Vec::new();
        };
        self.walk(commit, &[other], most).unwrap_or_default()
    }

    /// Commits of one that none of the others has, merges aside, newest first: of at most so many their short id,
    /// subject and author, and how many there are. Of the others those count that are here.
    pub fn changes_beyond(
        &self,
        commit: &str,
        others: &[&str],
        most: usize,
    ) -> (Vec<(String, String, String)>, usize) {
        let (mut named, mut all) = (Vec::new(), 0);
        let here = |id: &&str| Oid::from_str(id).ok().filter(|id| self.repo.find_commit(*id).is_ok());
        let hidden: Vec<Oid> = others.iter().filter_map(here).collect();
        let found = match Oid::from_str(commit) {
            Ok(commit) if !hidden.is_empty() => self.walk(commit, &hidden, MAX_LOST).unwrap_or_default(),
            _ => Vec::new(),
        };
        for (id, subject) in found {
            let Some(commit) = Oid::from_str(&id).ok().and_then(|id| self.repo.find_commit(id).ok()) else {
                continue;
            };
            if !is_change(&commit) {
                continue;
            }
            all += 1;
            if named.len() < most {
                let author = String::from_utf8_lossy(commit.author().name_bytes()).into_owned();
                let short = id.get(..7).unwrap_or(&id).to_owned();
                named.push((short, visible(&subject).into_owned(), visible(&author).into_owned()));
            }
        }
        (named, all)
    }

    /// How many changes one commit has that another has not.
    pub(super) fn changes_since(&self, one: Oid, other: Oid) -> Result<usize, git2::Error> {
        let mut walk = self.repo.revwalk()?;
        walk.push(one)?;
        walk.hide(other)?;
        let mut count = 0;
        for id in walk {
            count += usize::from(is_change(&self.repo.find_commit(id?)?));
        }
        Ok(count)
    }

    fn walk(&self, tip: Oid, hidden: &[Oid], most: usize) -> Result<Vec<(String, String)>, git2::Error> {
        let mut walk = self.repo.revwalk()?;
        walk.push(tip)?;
        for hidden in hidden {
            walk.hide(*hidden)?;
        }
        let mut found = Vec::new();
        for id in walk.take(most) {
            let commit = self.repo.find_commit(id?)?;
            let subject = String::from_utf8_lossy(commit.summary_bytes().unwrap_or_default()).into_owned();
            found.push((commit.id().to_string(), subject));
        }
        Ok(found)
    }

    /// Local branches whose names begin with something; an empty beginning is that of none.
    pub fn branches_with(&self, prefix: &str) -> Vec<String> {
        refs::Branches::read(&self.repo, None)
            .map_or_else(|_| Vec::new(), |all| refs::with_prefix(&all.here, prefix))
    }

    /// A directory that nothing has yet, for a work tree in which one commit is brought onto another.
    pub fn scratch(&self, commit: &str, onto: &str) -> String {
        let start = |id: &str| id.chars().take(7).collect::<String>();
        let name = format!("{}-onto-{}", start(commit), start(onto));
        super::back::free(&self.common_dir().join("flightdeck"), &name)
    }

    /// A directory that nothing has yet, for a work tree that is made for something of this name.
    pub fn scratch_for(&self, name: &str) -> String {
        super::back::free(&self.common_dir().join("flightdeck"), name)
    }

    /// Tells whether git takes this as the name of a branch.
    pub fn is_branch_name(&self, name: &str) -> bool {
        git2::Branch::name_is_valid(name).unwrap_or(false)
    }

    /// The id that git gives a file with these bytes.
    pub fn blob_id(bytes: &[u8]) -> String {
        let id = Oid::hash_object(git2::ObjectType::Blob, bytes);
        id.map_or_else(|_| String::new(), |id| id.to_string())
    }

    /// Tells whether this work tree, or another one of the repository, has a branch checked out.
    pub fn is_checked_out(&self, branch: &str) -> bool {
        let head = self.repo.find_reference("HEAD");
        let here = head.is_ok_and(|head| {
            head.symbolic_target().is_ok_and(|at| at == Some(&format!("refs/heads/{branch}")))
        });
        here || !self.checked_out_elsewhere(branch).is_empty()
    }

    /// Work trees of this repository beside this one that have a branch checked out: their paths.
    pub fn checked_out_elsewhere(&self, branch: &str) -> Vec<String> {
        let head = format!("ref: refs/heads/{branch}");
        let mut places = Vec::new();
        let mut look = |git_dir: &Path, root: String| {
            let is_this = git_dir.canonicalize().ok() == self.repo.path().canonicalize().ok();
            let at = std::fs::read_to_string(git_dir.join("HEAD")).unwrap_or_default();
            if !is_this && at.trim_end() == head {
                places.push(root);
            }
        };
        let common = self.repo.commondir();
        if let Some(root) = common.parent().filter(|_| common.ends_with(".git")) {
            look(common, root.to_string_lossy().into_owned());
        }
        for entry in std::fs::read_dir(common.join("worktrees")).into_iter().flatten().flatten() {
            let git_dir = entry.path();
            let link = std::fs::read_to_string(git_dir.join("gitdir")).unwrap_or_default();
            let root = link.trim_end().strip_suffix("/.git").unwrap_or(link.trim_end()).to_owned();
            look(&git_dir, root);
        }
        places
    }
}

/// An address as git writes it into `FETCH_HEAD`: without slashes and `.git` at its end.
fn trimmed(address: &str) -> &str {
    let address = address.trim_end_matches('/');
    address.strip_suffix(".git").unwrap_or(address)
}
