//! What a branch changes: its commits since the base, and their size.

use git2::{DiffFindOptions, DiffOptions, Error, Oid, Repository};
use jiff::Timestamp;

use crate::hotfix::state::{ChangeSize, Commit};

/// Files longer than this count as one changed file without lines.
const MAX_FILE_BYTES: i64 = 16 << 20;
/// With more files than this, renames are not looked for.
const MAX_RENAME_FILES: usize = 1000;

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
