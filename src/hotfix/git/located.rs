//! Where a repository is that cannot be read: it has a name and an identity all the same, so that an
//! incident can be run in it.

use std::path::{Path, PathBuf};

/// A repository as the file system shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Located {
    /// The root of the work tree.
    pub root: PathBuf,
    /// Its identity, as [`Reader::identity`](super::Reader::identity) has it.
    pub identity: String,
    /// The name of the directory at the root.
    pub name: String,
}

/// Finds the repository that a directory is in, without looking into it.
pub fn located(start: &Path) -> Option<Located> {
    let start = start.canonicalize().ok()?;
    start.ancestors().find_map(|root| {
        let git_dir = git_dir(&root.join(".git"))?;
        // A linked work tree names the directory that it shares with the others.
        let common = std::fs::read_to_string(git_dir.join("commondir")).ok();
        let common = common.map_or_else(|| git_dir.clone(), |path| git_dir.join(path.trim_end()));
        let identity = common.canonicalize().ok()?.to_string_lossy().into_owned();
        let name = root.file_name().unwrap_or(root.as_os_str()).to_string_lossy().into_owned();
        Some(Located { root: root.to_owned(), identity, name })
    })
}

/// The directory that `.git` is, or names.
fn git_dir(path: &Path) -> Option<PathBuf> {
    let dir = if path.is_dir() {
        path.to_owned()
    } else {
        let text = std::fs::read_to_string(path).ok()?;
        path.parent()?.join(text.strip_prefix("gitdir:")?.trim())
    };
    dir.join("HEAD").symlink_metadata().is_ok().then_some(dir)
}

#[cfg(test)]
mod tests {
    use super::super::Reader;
    use super::*;
    use crate::hotfix::testing::TestRepo;

    #[test]
    fn it_is_found_where_a_reader_finds_it() {
        let repo = TestRepo::new();
        repo.write("src/a", "a");
        repo.commit("a");
        let linked = repo.beside("linked");
        repo.git(&["worktree", "add", "-q", linked.to_str().unwrap()]);
        for place in [repo.root().to_owned(), repo.root().join("src"), linked] {
            let reader = Reader::open(&place).unwrap();
            let found = located(&place).unwrap();
            assert_eq!(found.root, reader.root().canonicalize().unwrap());
            assert_eq!((found.identity, found.name), (reader.identity(), reader.name()));
        }
        assert_eq!(located(repo.root().parent().unwrap()), None);
    }
}
