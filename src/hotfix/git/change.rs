//! What a branch changes: its commits since the base, and their size.

use std::collections::{BTreeMap, BTreeSet};

use git2::{DiffFindOptions, DiffOptions, Error, ObjectType, Oid, Repository, Tree};
use jiff::Timestamp;

use crate::hotfix::state::{ChangeSize, Commit};

/// Files longer than this count as one changed file without lines.
const MAX_FILE_BYTES: i64 = 16 << 20;
/// With more files than this, renames are not looked for.
const MAX_RENAME_FILES: usize = 1000;
/// More paths than this are not named one by one.
const MAX_NAMED: usize = 400;

/// What people are shown of commits.
pub(super) fn commits(repo: &Repository, ids: &[Oid]) -> Result<Vec<Commit>, Error> {
    let shown = |id: &Oid| {
        let commit = repo.find_commit(*id)?;
        let author = commit.author();
        Ok(Commit {
            id: commit.id().to_string(),
            subject: String::from_utf8_lossy(commit.summary_bytes().unwrap_or_default()).into_owned(),
            author: String::from_utf8_lossy(author.name_bytes()).into_owned(),
            at: timestamp(author.when().seconds()),
        })
    };
    ids.iter().map(shown).collect()
}

/// A commit can claim any date; what no calendar holds becomes the nearest that one does.
pub(super) fn timestamp(seconds: i64) -> Timestamp {
    let limit = if seconds < 0 { Timestamp::MIN } else { Timestamp::MAX };
    Timestamp::from_second(seconds).unwrap_or(limit)
}

/// The size of what was done between two commits.
pub(super) fn size(repo: &Repository, from: Oid, to: Oid) -> Result<ChangeSize, Error> {
    let mut options = DiffOptions::new();
    options.context_lines(0).max_size(MAX_FILE_BYTES);
    let (from, to) = (repo.find_commit(from)?.tree()?, repo.find_commit(to)?.tree()?);
    look_where_changed(repo, Some(&from), Some(&to), &mut options)?;
    let mut diff = repo.diff_tree_to_tree(Some(&from), Some(&to), Some(&mut options))?;
    if diff.deltas().len() <= MAX_RENAME_FILES {
        diff.find_similar(Some(DiffFindOptions::new().renames(true)))?;
    }
    let tests_touched = diff.deltas().any(|delta| {
        delta.status() != git2::Delta::Deleted
            && delta.new_file().path_bytes().is_some_and(|path| is_test(&String::from_utf8_lossy(path)))
    });
    let stats = diff.stats()?;
    Ok(ChangeSize {
        files: stats.files_changed(),
        insertions: stats.insertions(),
        deletions: stats.deletions(),
        tests_touched,
    })
}

/// What was done between two commits, as one number: the same change made elsewhere has the same.
pub(super) fn patch_id(repo: &Repository, from: Oid, to: Oid) -> Result<Oid, Error> {
    let mut options = DiffOptions::new();
    options.max_size(MAX_FILE_BYTES);
    let (from, to) = (repo.find_commit(from)?.tree()?, repo.find_commit(to)?.tree()?);
    look_where_changed(repo, Some(&from), Some(&to), &mut options)?;
    repo.diff_tree_to_tree(Some(&from), Some(&to), Some(&mut options))?.patchid(None)
}

/// Names the files that differ to a comparison of two trees: by itself libgit2 goes through all of both,
/// also through folders that are the same.
pub(super) fn look_where_changed(
    repo: &Repository,
    old: Option<&Tree<'_>>,
    new: Option<&Tree<'_>>,
    options: &mut DiffOptions,
) -> Result<(), Error> {
    let mut paths = Vec::new();
    if changed(repo, old, new, &[], &mut paths)? {
        options.disable_pathspec_match(true);
        for path in paths {
            options.pathspec(path);
        }
    }
    Ok(())
}

/// Gathers the paths of files that differ, passing over folders that are the same; false where
/// there are none, or too many to name.
fn changed(
    repo: &Repository,
    old: Option<&Tree<'_>>,
    new: Option<&Tree<'_>>,
    folder: &[u8],
    paths: &mut Vec<Vec<u8>>,
) -> Result<bool, Error> {
    let (before, after) = (entries(old), entries(new));
    let names: BTreeSet<&Vec<u8>> = before.keys().chain(after.keys()).collect();
    for name in names {
        let (one, other) = (before.get(name), after.get(name));
        if one == other {
            continue;
        }
        let path = [folder, name].concat();
        let tree = |entry: Option<&Entry>| {
            entry.filter(|(_, _, is_folder)| *is_folder).map(|(id, ..)| repo.find_tree(*id)).transpose()
        };
        let (old, new) = (tree(one)?, tree(other)?);
        if old.is_some() || new.is_some() {
            changed(repo, old.as_ref(), new.as_ref(), &[path.as_slice(), b"/"].concat(), paths)?;
        }
        let is_file = |entry: Option<&Entry>| entry.is_some_and(|(_, _, is_folder)| !is_folder);
        if is_file(one) || is_file(other) {
            paths.push(path);
        }
        if paths.len() > MAX_NAMED {
            return Ok(false);
        }
    }
    Ok(!paths.is_empty())
}

/// What an entry of a tree is: its id, its mode, and whether it is a folder.
type Entry = (Oid, i32, bool);

fn entries(tree: Option<&Tree<'_>>) -> BTreeMap<Vec<u8>, Entry> {
    let entries = tree.into_iter().flat_map(Tree::iter);
    let entry = |entry: git2::TreeEntry<'_>| {
        let is_folder = entry.kind() == Some(ObjectType::Tree);
        (entry.name_bytes().to_vec(), (entry.id(), entry.filemode(), is_folder))
    };
    entries.map(entry).collect()
}

/// Tells whether a path looks like a test, by the habits of the common languages.
pub(super) fn is_test(path: &str) -> bool {
    const FOLDERS: [&str; 8] =
        ["test", "tests", "spec", "specs", "__tests__", "e2e", "integration-tests", "testing"];
    let mut parts = path.split('/').rev();
    let file = parts.next().unwrap_or_default();
    if parts.any(|folder| FOLDERS.iter().any(|name| name.eq_ignore_ascii_case(folder))) {
        return true;
    }
    let stem = file.split_once('.').map_or(file, |(stem, _)| stem);
    let lower = file.to_ascii_lowercase();
    let lower_stem = stem.to_ascii_lowercase();
    lower.contains(".test.")
        || lower.contains(".spec.")
        || ["test", "tests", "smoke_test"].contains(&lower_stem.as_str())
        || lower_stem.starts_with("test_")
        || lower_stem.starts_with("test-")
        || ["_test", "_tests", "_spec", "-test", "-tests"].iter().any(|end| lower_stem.ends_with(end))
        // `OrderTest.java`, `OrderTests.cs`: only where the word begins with a capital.
        || ["Test", "Tests", "Spec"].iter().any(|end| stem.ends_with(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tests_are_told_from_other_files() {
        for path in [
            "tests/pool.rs",
            "src/__tests__/pool.js",
            "pool_test.go",
            "test_pool.py",
            "src/pool.test.ts",
            "app/pool.spec.js",
            "PoolTest.java",
            "spec/pool_spec.rb",
            "src/tests.rs",
            "test.sh",
        ] {
            assert!(is_test(path), "{path}");
        }
        for path in ["src/pool.rs", "latest.txt", "contest/entry.py", "attest.go", "src/protest.rs", "README"]
        {
            assert!(!is_test(path), "{path}");
        }
    }

    #[test]
    fn a_date_beyond_every_calendar_is_clamped() {
        assert_eq!(timestamp(i64::MAX), Timestamp::MAX);
        assert_eq!(timestamp(i64::MIN), Timestamp::MIN);
        assert_eq!(timestamp(0), Timestamp::UNIX_EPOCH);
    }
}
