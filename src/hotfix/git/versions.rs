//! The version that a commit holds, read from its tree.

use std::path::Path;

use git2::{Error, ErrorCode, ObjectType, Oid, Repository, Status, TreeWalkMode, TreeWalkResult};

use super::Reader;
use crate::config::types::Hotfix;
use crate::failure::{Failure, Result};
use crate::hotfix::version::{self, Found, Tree};
use crate::text::visible;

/// The files of one commit.
pub(super) struct Files<'r> {
    repo: &'r Repository,
    tree: git2::Tree<'r>,
}

impl<'r> Files<'r> {
    pub(super) fn of(repo: &'r Repository, commit: Oid) -> Result<Self, Error> {
        Ok(Self { repo, tree: repo.find_commit(commit)?.tree()? })
    }

    fn content(&self, path: &str) -> Result<Option<String>, String> {
        let said = |error: &Error| visible(error.message()).into_owned();
        let entry = match self.tree.get_path(Path::new(path)) {
            Ok(entry) => entry,
            Err(error) if error.code() == ErrorCode::NotFound => return Ok(None),
            Err(error) => return Err(said(&error)),
        };
        // The bits that tell a link from a file.
        match (entry.kind(), entry.filemode() & 0o170_000) {
            (Some(ObjectType::Blob), 0o100_000) => {}
            (Some(ObjectType::Blob), _) => return Err("it is a symbolic link".to_owned()),
            _ => return Err("it is not a file".to_owned()),
        }
        let odb = self.repo.odb().map_err(|error| said(&error))?;
        let (length, _) = odb.read_header(entry.id()).map_err(|error| said(&error))?;
        if length > version::most_bytes(path) {
            return Err(format!("it is larger than {} KiB", version::most_bytes(path) >> 10));
        }
        let blob = self.repo.find_blob(entry.id()).map_err(|error| said(&error))?;
        match std::str::from_utf8(blob.content()) {
            Ok(text) => Ok(Some(text.to_owned())),
            Err(_) => Err("it is not UTF-8 text".to_owned()),
        }
    }
}

impl Tree for Files<'_> {
    fn read(&self, path: &str) -> Option<Result<String, String>> {
        self.content(path).transpose()
    }

    fn has(&self, path: &str) -> bool {
        self.tree.get_path(Path::new(path)).is_ok()
    }

    fn called(&self, folder: &str, name: &str) -> Vec<String> {
        let below = if folder.is_empty() {
            Some(self.tree.clone())
        } else {
            let entry = self.tree.get_path(Path::new(folder)).ok();
            entry.and_then(|entry| self.repo.find_tree(entry.id()).ok())
        };
        let Some(below) = below else { return Vec::new() };
        let mut found = Vec::new();
        // What cannot be read any further leaves what was found so far.
        let _ = below.walk(TreeWalkMode::PreOrder, |parent, entry| {
            if entry.kind() == Some(ObjectType::Blob) && entry.name_bytes() == name.as_bytes() {
                let folder = if folder.is_empty() { String::new() } else { format!("{folder}/") };
                found.push(format!("{folder}{parent}{name}"));
            }
            TreeWalkResult::Ok
        });
        found
    }
}

/// The version that a commit holds in the first file that people keep it in.
pub(super) fn first(repo: &Repository, commit: Oid, hotfix: &Hotfix) -> Result<Option<String>, Error> {
    let found = version::sources(&Files::of(repo, commit)?, &hotfix.versions);
    Ok(found.versions().into_iter().next().map(|(_, version)| version))
}

/// Every file in which a commit holds the version, with what it holds: recognised ones first, then
/// configured ones, then locks. A file that holds several is there once for each.
pub(super) fn versions_at(
    repo: &Repository,
    commit: Oid,
    hotfix: &Hotfix,
) -> Result<Vec<(String, String)>, Error> {
    Ok(version::find(&Files::of(repo, commit)?, &hotfix.versions).versions())
}

impl Reader {
    /// Every file in which a commit holds the version, and those in which it should.
    ///
    /// # Errors
    /// There is no such commit, or the repository cannot be read.
    pub fn versions(&self, commit: &str, hotfix: &Hotfix) -> Result<Found> {
        let files = Oid::from_str(commit).and_then(|commit| Files::of(&self.repo, commit));
        let files = files.map_err(|error| unreadable(commit, &error))?;
        Ok(version::find(&files, &hotfix.versions))
    }

    /// The text of a file as a commit has it; `None`: there is none of that name.
    ///
    /// # Errors
    /// There is no such commit, or one line that says why the file cannot be read.
    pub fn text_at(&self, commit: &str, path: &str) -> Result<Option<String>> {
        let files = Oid::from_str(commit).and_then(|commit| Files::of(&self.repo, commit));
        let files = files.map_err(|error| unreadable(commit, &error))?;
        files.content(path).map_err(|why| {
            let doing = format!("reading {}", visible(path));
            Failure::new(doing, why, "look at it with `git show`")
        })
    }

    /// Why a tracked file cannot be changed and committed by itself now; `None`: it can.
    pub fn hindrance(&self, path: &str) -> Option<String> {
        let status = match self.repo.status_file(Path::new(path)) {
            Ok(status) => status,
            Err(error) => return Some(format!("it cannot be looked at: {}", visible(error.message()))),
        };
        let there = self.root.join(path).symlink_metadata();
        let is_file = there.as_ref().is_ok_and(std::fs::Metadata::is_file);
        if there.is_err() {
            // A sparse checkout leaves it out on purpose.
            return Some("it is not in the work tree".to_owned());
        }
        if status.is_conflicted() {
            Some("it has conflicts".to_owned())
        } else if status.is_ignored() || status.contains(Status::INDEX_NEW) {
            Some("it is in no commit yet".to_owned())
        } else if !status.is_empty() {
            Some("it has changes that are not committed".to_owned())
        } else if is_file {
            None
        } else {
            Some("it is not a file".to_owned())
        }
    }
}

fn unreadable(commit: &str, error: &Error) -> Failure {
    let doing = format!("reading the versions of {}", visible(commit));
    Failure::new(doing, visible(error.message()), "`git fsck` checks the repository")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::types::VersionFile;
    use crate::hotfix::testing::TestRepo;

    #[test]
    fn a_commit_holds_what_its_files_say_whatever_lies_in_the_work_tree() {
        let repo = TestRepo::new();
        repo.write("Cargo.toml", "[package]\nname = \"shop\"\nversion = \"1.2.2\"\n");
        repo.write("Cargo.lock", "[[package]]\nname = \"shop\"\nversion = \"1.2.1\"\n");
        repo.write("docs/about.txt", "for v1.2.2 and later\n");
        std::os::unix::fs::symlink("VERSION", repo.root().join("package.json")).unwrap();
        let commit = repo.commit("files");
        repo.write("VERSION", "9.9.9\n");
        let hotfix = Hotfix {
            versions: vec![VersionFile {
                path: "docs/about.txt".to_owned(),
                pattern: "v([0-9.]+) and".to_owned(),
                ignore: false,
            }],
            ..Hotfix::default()
        };
        let reader = Reader::open(repo.root()).unwrap();
        let found = reader.versions(&commit, &hotfix).unwrap();
        let pairs: Vec<String> =
            found.versions().iter().map(|(path, held)| format!("{path} {held}")).collect();
        assert_eq!(pairs, ["VERSION 1.2.2", "Cargo.toml 1.2.2", "docs/about.txt 1.2.2", "Cargo.lock 1.2.1"]);
        assert_eq!(found.broken.len(), 1);
        assert!(found.broken[0].path == "package.json" && found.broken[0].why.contains("symbolic link"));
        let id = Oid::from_str(&commit).unwrap();
        assert_eq!(versions_at(&reader.repo, id, &hotfix).unwrap(), found.versions());
        assert_eq!(first(&reader.repo, id, &hotfix).unwrap().as_deref(), Some("1.2.2"));

        assert!(reader.hindrance("VERSION").unwrap().contains("not committed"));
        assert_eq!(reader.hindrance("Cargo.toml"), None);
        repo.git(&["update-index", "--skip-worktree", "Cargo.toml"]);
        std::fs::remove_file(repo.root().join("Cargo.toml")).unwrap();
        assert!(reader.hindrance("Cargo.toml").unwrap().contains("not in the work tree"));
        repo.write("new", "");
        assert!(reader.hindrance("new").is_some());
    }
}
