//! Going back, looked at beforehand. What a revert would do is tried in memory: nothing is
//! written, no hook, merge driver or filter runs.

use std::time::{Duration, Instant};

use git2::{Commit as GitCommit, Error, ErrorCode, MergeOptions, Oid, Repository, Sort, Tree};

use super::{Reader, is_change, refs};
use crate::hotfix::back::{self, Back, Commit, NoRevert, Question, Revert, Run};

/// Most commits a revert is tried for.
const MAX_REVERTS: usize = 50;
/// Commits are counted up to here.
const MAX_COUNT: usize = 10_000;
/// Entries of a tree looked at for what keeps an environment as it is described.
const MAX_ENTRIES: usize = 4000;
/// And so many folders deep.
const MAX_DEPTH: usize = 3;

/// Time that is left. libgit2 cannot be interrupted: it is looked at between its steps.
#[derive(Clone, Copy)]
pub(super) struct Budget(Instant);

impl Budget {
    pub(super) fn of(time: Duration) -> Self {
        Self(Instant::now() + time)
    }

    fn is_spent(self) -> bool {
        Instant::now() >= self.0
    }
}

/// Why something could not be found out.
pub(super) enum Trouble {
    Git(Error),
    Said(NoRevert),
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        Self::Git(error)
    }
}

pub(super) fn no(why: impl Into<String>) -> Trouble {
    Trouble::Said(NoRevert::No(why.into()))
}

fn unknown(why: impl Into<String>) -> Trouble {
    Trouble::Said(NoRevert::Unknown(why.into()))
}

impl Reader {
    /// Finds out what going back would do, in about the time that is given. What takes longer is
    /// said to be unknown.
    pub fn look_back(&self, question: &Question, budget: Duration) -> Back {
        let budget = Budget::of(budget);
        let commit = |id: &str| Oid::from_str(id).ok().and_then(|id| self.repo.find_commit(id).ok());
        let Some(target) = commit(&question.target) else { return Back::missing() };
        let tag = question.tag.clone().filter(|tag| {
            let found = refs::commit_of(&self.repo, &format!("refs/tags/{tag}"));
            matches!(found, Ok(Some((_, id))) if id == target.id())
        });
        let mut back = Back { target_is_here: true, tag, ..Back::missing() };
        let Some(current) = commit(&question.current) else {
            let why = "the commit that is deployed now is not in this repository".to_owned();
            back.compared = Err(why.clone());
            back.revert = Err(NoRevert::No(why));
            return back;
        };
        back.compared = match self.compare(&current, &target, question, budget) {
            Ok(((taken, count), migrations)) => {
                (back.taken, back.taken_count, back.migrations) = (taken, count, migrations);
                Ok(())
            }
            Err(error) => Err(error.message().to_owned()),
        };
        back.revert = match self.revert(&current, &target, question, budget) {
            Ok(revert) => Ok(revert),
            Err(Trouble::Said(said)) => Err(said),
            Err(Trouble::Git(error)) => Err(NoRevert::Unknown(error.message().to_owned())),
        };
        back
    }

    /// Names what keeps environments as this repository describes them, if something does.
    pub fn gitops(&self, marks: &std::collections::BTreeMap<String, Vec<String>>) -> Option<String> {
        let tree = self.repo.head().ok()?.peel_to_tree().ok()?;
        let mut left = MAX_ENTRIES;
        let mut folders = vec![(tree, 0)];
        while let Some((tree, depth)) = folders.pop() {
            for entry in &tree {
                left = left.checked_sub(1)?;
                let is_folder = entry.kind() == Some(git2::ObjectType::Tree);
                let mut name = String::from_utf8_lossy(entry.name_bytes()).into_owned();
                if is_folder {
                    name.push('/');
                }
                if let Some((found, _)) = marks.iter().find(|(_, files)| files.contains(&name)) {
                    return Some(found.clone());
                }
                if is_folder && depth + 1 < MAX_DEPTH {
                    folders.extend(self.repo.find_tree(entry.id()).map(|tree| (tree, depth + 1)));
                }
            }
        }
        None
    }

    #[expect(clippy::type_complexity, reason = "commits with their number, and paths")]
    fn compare(
        &self,
        current: &GitCommit<'_>,
        target: &GitCommit<'_>,
        question: &Question,
        budget: Budget,
    ) -> Result<((Vec<Commit>, usize), Vec<String>), Error> {
        let mut walk = self.repo.revwalk()?;
        walk.set_sorting(Sort::TOPOLOGICAL | Sort::TIME)?;
        walk.push(current.id())?;
        walk.hide(target.id())?;
        let (mut taken, mut count) = (Vec::new(), 0);
        for id in walk.take(MAX_COUNT) {
            let commit = self.repo.find_commit(id?)?;
            if is_change(&commit) {
                if taken.len() < Back::MAX_COMMITS {
                    taken.push(named(&commit));
                }
                count += 1;
            }
            if budget.is_spent() {
                return Err(Error::from_str("there was no time to count the commits between"));
            }
        }
        let diff = self.repo.diff_tree_to_tree(Some(&target.tree()?), Some(&current.tree()?), None)?;
        let mut migrations: Vec<String> = diff
            .deltas()
            .filter_map(|delta| delta.new_file().path_bytes().or_else(|| delta.old_file().path_bytes()))
            .map(|path| String::from_utf8_lossy(path).into_owned())
            .filter(|path| back::is_migration(path, &question.migrations))
            .collect();
        migrations.sort();
        Ok(((taken, count), migrations))
    }

    fn revert(
        &self,
        current: &GitCommit<'_>,
        target: &GitCommit<'_>,
        question: &Question,
        budget: Budget,
    ) -> Result<Revert, Trouble> {
        let repo = &self.repo;
        let base = self.pushed_base(&question.base, &question.remote)?;
        let (onto, branch) = (base.onto, &base.branch);
        if onto != current.id() && !repo.graph_descendant_of(onto, current.id())? {
            return Err(no(format!("what is deployed is not on {branch}: nothing to revert")));
        }
        let chain = chain(repo, current, target.id(), budget)?;
        let ahead = self.changes_since(onto, current.id())?;
        let tried = try_in_memory(repo, onto, target, &chain, budget)?;
        let scratch = self.common_dir().join("flightdeck");
        let scratch = free(&scratch, &format!("{}-to-{}", short(onto), short(target.id())));
        Ok(base.reverted(tried, ahead, scratch))
    }

    /// The branch in production as the remote has it, as far as is known here. An empty name of it
    /// or of the remote: found out.
    pub(super) fn pushed_base(&self, base: &str, remote: &str) -> Result<Base, Trouble> {
        let remote = self.remote_name(remote);
        let branch = refs::base_name(&self.repo, base, remote.as_deref())
            .ok_or_else(|| no("the branch in production was not found here"))?;
        let remote = remote.ok_or_else(|| no("no remote called origin, nor just one, to push to"))?;
        let tracking = self
            .tracking_name(&remote, &branch)
            .ok_or_else(|| no(format!("{branch} of {remote} is not fetched here by default")))?;
        let (tracking, onto) = refs::commit_of(&self.repo, &tracking)?
            .ok_or_else(|| no(format!("{remote} has no {branch} as far as is known here: git fetch")))?;
        Ok(Base { branch, remote, tracking, onto })
    }
}

/// The branch in production at its remote.
pub(super) struct Base {
    pub(super) branch: String,
    pub(super) remote: String,
    tracking: String,
    pub(super) onto: Oid,
}

impl Base {
    /// What a revert on it came to that was tried in memory.
    pub(super) fn reverted(self, tried: Tried, ahead: usize, scratch: String) -> Revert {
        Revert {
            branch: self.branch,
            remote: self.remote,
            tracking: self.tracking,
            onto: self.onto.to_string(),
            runs: tried.runs,
            conflicts: tried.conflicts,
            conflict_at: tried.at,
            ahead,
            same_as_target: tried.same,
            scratch,
        }
    }
}

fn named(commit: &GitCommit<'_>) -> Commit {
    let subject = String::from_utf8_lossy(commit.summary_bytes().unwrap_or_default()).into_owned();
    Commit { id: commit.id().to_string(), subject }
}

/// The beginning of an id, by which people call a commit.
pub(super) fn short(id: Oid) -> String {
    id.to_string().chars().take(7).collect()
}

/// A name in a directory that nothing has yet.
pub(super) fn free(directory: &std::path::Path, name: &str) -> String {
    let path = |number: u32| match number {
        1 => directory.join(name),
        number => directory.join(format!("{name}-{number}")),
    };
    let number = (1..100).find(|number| !path(*number).exists()).unwrap_or(100);
    path(number).to_string_lossy().into_owned()
}

/// The commits from one back to another, newest first; of each merge with the number of the
/// parent through which the older one is reached, the first such.
fn chain<'a>(
    repo: &'a Repository,
    current: &GitCommit<'a>,
    target: Oid,
    budget: Budget,
) -> Result<Vec<(GitCommit<'a>, Option<u32>)>, Trouble> {
    let apart = || no("the commit to go back to is not in the history of what is deployed");
    if current.id() == target {
        return Err(no("it is what is deployed now"));
    }
    if !repo.graph_descendant_of(current.id(), target)? {
        return Err(if repo.is_shallow() {
            unknown("the history is cut off here: git fetch --unshallow")
        } else {
            apart()
        });
    }
    let mut chain = Vec::new();
    let mut here = current.clone();
    while here.id() != target {
        if chain.len() == MAX_REVERTS {
            return Err(unknown(format!("more than {MAX_REVERTS} commits would have to be reverted")));
        }
        if budget.is_spent() {
            return Err(unknown("no time to try it"));
        }
        let mainline = match here.parent_count() {
            0 => return Err(apart()),
            1 => None,
            _ => Some(mainline(repo, &here, target)?.ok_or_else(apart)?),
        };
        let parent = match here.parent(mainline.map_or(0, |number| number as usize - 1)) {
            Ok(parent) => parent,
            Err(error) if error.code() == ErrorCode::NotFound => {
                return Err(unknown("the history is cut off here: git fetch --unshallow"));
            }
            Err(error) => return Err(error.into()),
        };
        chain.push((std::mem::replace(&mut here, parent), mainline));
    }
    Ok(chain)
}

/// The number of the first parent that is the target or has it in its history.
fn mainline(repo: &Repository, merge: &GitCommit<'_>, target: Oid) -> Result<Option<u32>, Error> {
    for (number, parent) in (1..).zip(merge.parent_ids()) {
        if parent == target || repo.graph_descendant_of(parent, target)? {
            return Ok(Some(number));
        }
    }
    Ok(None)
}

/// What trying showed.
pub(super) struct Tried {
    pub(super) runs: Vec<Run>,
    pub(super) conflicts: Vec<String>,
    pub(super) at: Option<String>,
    pub(super) same: bool,
}

/// Reverts one commit after the other on top of `onto`. Its objects go into memory, of a
/// repository opened for this alone.
pub(super) fn try_in_memory(
    repo: &Repository,
    onto: Oid,
    target: &GitCommit<'_>,
    chain: &[(GitCommit<'_>, Option<u32>)],
    budget: Budget,
) -> Result<Tried, Trouble> {
    let memory = Repository::open(repo.path())?;
    let odb = memory.odb()?;
    let _kept = odb.add_new_mempack_backend(1000)?;
    let tree_of = |id: Oid| memory.find_commit(id).and_then(|commit| commit.tree());
    let mut tree: Tree<'_> = tree_of(onto)?;
    let mut tried = Tried { runs: Vec::new(), conflicts: Vec::new(), at: None, same: false };
    for (commit, mainline) in chain {
        if budget.is_spent() {
            return Err(unknown("no time to try it"));
        }
        let parent = commit.parent_id(mainline.map_or(0, |number| number as usize - 1))?;
        let mut options = MergeOptions::new();
        options.find_renames(true);
        let mut index =
            memory.merge_trees(&tree_of(commit.id())?, &tree, &tree_of(parent)?, Some(&options))?;
        if index.has_conflicts() {
            tried.conflicts = conflicts(&index)?;
            tried.at = Some(short(commit.id()));
            push(&mut tried.runs, commit, *mainline);
            return Ok(tried);
        }
        let next = index.write_tree_to(&memory)?;
        if next != tree.id() {
            push(&mut tried.runs, commit, *mainline);
            tree = memory.find_tree(next)?;
        }
    }
    tried.same = tree.id() == target.tree_id();
    Ok(tried)
}

fn push(runs: &mut Vec<Run>, commit: &GitCommit<'_>, mainline: Option<u32>) {
    match runs.last_mut() {
        Some(run) if run.mainline == mainline => run.commits.push(named(commit)),
        _ => runs.push(Run { mainline, commits: vec![named(commit)] }),
    }
}

fn conflicts(index: &git2::Index) -> Result<Vec<String>, Error> {
    let mut paths = Vec::new();
    for conflict in index.conflicts()? {
        let conflict = conflict?;
        let side = conflict.our.or(conflict.their).or(conflict.ancestor);
        paths.extend(side.map(|entry| String::from_utf8_lossy(&entry.path).into_owned()));
    }
    paths.sort();
    paths.dedup();
    Ok(paths)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hotfix::testing::TestRepo;

    const PATIENCE: Duration = Duration::from_secs(30);

    fn look(repo: &TestRepo, current: &str, target: &str) -> Back {
        let question = Question {
            current: current.to_owned(),
            target: target.to_owned(),
            tag: Some("v1.2.2".to_owned()),
            migrations: vec!["migrations/".to_owned()],
            ..Question::default()
        };
        Reader::open(repo.root()).unwrap().look_back(&question, PATIENCE)
    }

    fn released() -> (TestRepo, String) {
        let repo = TestRepo::new();
        let good = repo.git(&["rev-parse", "HEAD"]);
        (repo, good)
    }

    /// Everything under `.git`, with its length.
    fn files(repo: &TestRepo) -> Vec<String> {
        let mut found = Vec::new();
        let mut folders = vec![repo.root().join(".git")];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap().flatten() {
                if entry.file_type().unwrap().is_dir() {
                    folders.push(entry.path());
                } else {
                    found.push(format!("{} {}", entry.path().display(), entry.metadata().unwrap().len()));
                }
            }
        }
        found.sort();
        found
    }

    #[test]
    fn plain_commits_revert_newest_first_and_nothing_is_written() {
        let (repo, good) = released();
        repo.write("src/pool.rs", "pub const LIMIT: u32 = 10;\n");
        let first = repo.commit("lower the limit");
        repo.write("migrations/7.sql", "alter table orders add total int;\n");
        let second = repo.commit("add totals");
        repo.with_origin();
        let before = files(&repo);
        let back = look(&repo, &second, &good);
        assert_eq!(files(&repo), before, "it was only read");
        assert_eq!(back.tag.as_deref(), Some("v1.2.2"));
        assert_eq!(back.migrations, ["migrations/7.sql"]);
        let taken: Vec<_> = back.taken.iter().map(|commit| commit.id.as_str()).collect();
        assert_eq!((taken, back.taken_count), (vec![second.as_str(), first.as_str()], 2));
        let revert = back.revert.unwrap();
        assert!(revert.same_as_target && revert.conflicts.is_empty());
        assert_eq!((revert.branch.as_str(), revert.remote.as_str(), revert.ahead), ("main", "origin", 0));
        assert_eq!(revert.onto, second);
        let [run] = revert.runs.as_slice() else { panic!("one run: {:?}", revert.runs) };
        let ids: Vec<_> = run.commits.iter().map(|commit| commit.id.as_str()).collect();
        assert_eq!((run.mainline, ids), (None, vec![second.as_str(), first.as_str()]));
    }

    #[test]
    fn the_configured_remote_is_the_one_that_counts() {
        let (repo, good) = released();
        repo.with_origin();
        let other = repo.beside("other.git");
        repo.git(&["init", "-q", "--bare", "-b", "main", other.to_str().unwrap()]);
        repo.git(&["remote", "add", "production", other.to_str().unwrap()]);
        repo.write("src/pool.rs", "pub const LIMIT: u32 = 10;\n");
        let bad = repo.commit("lower the limit");
        repo.git(&["push", "-q", "production", "main"]);
        let ask = |remote: &str| {
            let (current, target, remote) = (bad.clone(), good.clone(), remote.to_owned());
            let question = Question { current, target, remote, ..Question::default() };
            Reader::open(repo.root()).unwrap().look_back(&question, PATIENCE).revert
        };
        let revert = ask("production").unwrap();
        assert_eq!(
            (revert.remote.as_str(), revert.tracking.as_str()),
            ("production", "refs/remotes/production/main")
        );
        assert!(matches!(ask(""), Err(NoRevert::No(_))), "origin does not have what is deployed");
        assert!(matches!(ask("gone"), Err(NoRevert::No(_))), "no other takes its place");
    }

    #[test]
    fn a_merge_is_reverted_to_the_parent_that_production_came_from() {
        let (repo, good) = released();
        repo.git(&["switch", "-q", "-c", "feature", "main"]);
        repo.write("src/feature.rs", "// one\n");
        repo.commit("feature, one");
        repo.write("src/feature.rs", "// two\n");
        repo.commit("feature, two");
        repo.git(&["switch", "-q", "main"]);
        repo.git(&["merge", "-q", "--no-ff", "-m", "merge feature", "feature"]);
        let merge = repo.git(&["rev-parse", "HEAD"]);
        repo.with_origin();
        let back = look(&repo, &merge, &good);
        // The merge changes nothing of its own, and a deploy would not count it either.
        assert_eq!((back.taken_count, back.taken.len()), (2, 2));
        assert_eq!(Reader::open(repo.root()).unwrap().changes_beyond(&merge, &[&good], 9).1, 2);
        let revert = back.revert.unwrap();
        let [run] = revert.runs.as_slice() else { panic!("one run: {:?}", revert.runs) };
        assert_eq!((run.mainline, run.commits.len(), run.commits[0].id.as_str()), (Some(1), 1, &*merge));
        assert!(revert.same_as_target);

        // Merged the other way around: the release is in the history of the second parent only.
        let (repo, _) = released();
        repo.git(&["switch", "-q", "-c", "feature", "main"]);
        repo.write("src/feature.rs", "// one\n");
        repo.commit("feature");
        repo.git(&["switch", "-q", "main"]);
        repo.write("src/pool.rs", "pub const LIMIT: u32 = 200;\n");
        let good = repo.commit("second release");
        repo.git(&["switch", "-q", "feature"]);
        repo.git(&["merge", "-q", "--no-ff", "-m", "merge main", "main"]);
        let merge = repo.git(&["rev-parse", "HEAD"]);
        repo.git(&["branch", "-q", "-f", "main", "feature"]);
        repo.git(&["switch", "-q", "main"]);
        repo.with_origin();
        let revert = look(&repo, &merge, &good).revert.unwrap();
        assert_eq!(revert.runs[0].mainline, Some(2));
        assert!(revert.same_as_target);
    }

    #[test]
    fn a_conflict_is_named_by_file() {
        let (repo, good) = released();
        repo.write("src/pool.rs", "pub const LIMIT: u32 = 10;\n");
        let bad = repo.commit("lower the limit");
        repo.write("src/pool.rs", "pub const LIMIT: u32 = 11;\n");
        repo.commit("not deployed yet");
        repo.with_origin();
        let revert = look(&repo, &bad, &good).revert.unwrap();
        assert_eq!(revert.conflicts, ["src/pool.rs"]);
        assert_eq!(revert.conflict_at.as_deref(), bad.get(..7));
        assert_eq!(revert.ahead, 1);
    }

    #[test]
    fn what_reverts_to_nothing_is_left_out() {
        let (repo, good) = released();
        repo.commit("empty");
        repo.write("src/pool.rs", "pub const LIMIT: u32 = 10;\n");
        let bad = repo.commit("lower the limit");
        repo.with_origin();
        let revert = look(&repo, &bad, &good).revert.unwrap();
        assert_eq!(revert.runs[0].commits.len(), 1, "the empty one is not");

        repo.git(&["revert", "--no-edit", "HEAD"]);
        repo.git(&["push", "-q", "origin", "main"]);
        let revert = look(&repo, &bad, &good).revert.unwrap();
        assert!(revert.runs.is_empty() && revert.same_as_target, "all of it is reverted already");
        assert_eq!(revert.ahead, 1);
    }

    #[test]
    fn what_cannot_be_reverted_says_why() {
        let says = |back: Back| match back.revert {
            Err(NoRevert::No(why) | NoRevert::Unknown(why)) => why,
            Ok(revert) => panic!("{revert:?}"),
        };
        let (repo, good) = released();
        repo.write("a", "a");
        let bad = repo.commit("bad");
        assert!(says(look(&repo, &bad, &good)).contains("no remote"));
        repo.with_origin();
        assert!(says(look(&repo, &good, &good)).contains("deployed now"));
        let missing = "0123456789012345678901234567890123456789";
        let back = look(&repo, &bad, missing);
        assert!(!back.target_is_here && says(back).contains("not in this repository"));
        assert!(says(look(&repo, missing, &good)).contains("deployed now is not in this repository"));
        repo.git(&["switch", "-q", "-c", "aside"]);
        repo.write("b", "b");
        let aside = repo.commit("never merged");
        assert!(says(look(&repo, &aside, &good)).contains("not on main"));
        assert!(says(look(&repo, &good, &bad)).contains("not in the history"));
    }

    #[test]
    fn history_that_is_cut_off_is_unknown() {
        let (repo, _) = released();
        repo.write("a", "1");
        let middle = repo.commit("middle");
        repo.write("a", "2");
        repo.commit("newest");
        let origin = repo.with_origin();
        let shallow = repo.beside("shallow");
        let url = format!("file://{}", origin.display());
        repo.git(&["clone", "-q", "--depth", "1", &url, shallow.to_str().unwrap()]);
        let newest = repo.git_at(&shallow, &["rev-parse", "HEAD"]);
        let question = Question { current: newest, target: middle, ..Question::default() };
        let back = Reader::open(&shallow).unwrap().look_back(&question, PATIENCE);
        assert!(!back.target_is_here);
    }

    #[test]
    fn without_time_it_is_unknown_rather_than_late() {
        let (repo, good) = released();
        repo.write("a", "1");
        let bad = repo.commit("bad");
        repo.with_origin();
        let question = Question { current: bad, target: good, ..Question::default() };
        let back = Reader::open(repo.root()).unwrap().look_back(&question, Duration::ZERO);
        assert!(matches!(back.revert, Err(NoRevert::Unknown(_))), "{back:?}");
        assert!(back.compared.is_err());
    }

    #[test]
    fn what_keeps_an_environment_as_described_is_found() {
        let (repo, _) = released();
        let marks = crate::incident::Policy::built_in().gitops;
        assert_eq!(Reader::open(repo.root()).unwrap().gitops(&marks), None);
        repo.write("clusters/prod/flux-system/gotk-sync.yaml", "kind: Kustomization\n");
        repo.commit("flux");
        assert_eq!(Reader::open(repo.root()).unwrap().gitops(&marks).as_deref(), Some("flux"));
    }
}
