//! How a single file of the work tree stands to what is committed.

use std::path::Path;

use git2::{ObjectType, Oid, Status, TreeEntry};

use super::Reader;

/// How a file stands to what is committed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileState {
    /// It is what HEAD holds, and so does the commit that was asked about.
    Same,
    /// It is what HEAD holds, and the commit that was asked about holds another.
    Other,
    /// It is not what HEAD holds.
    Changed,
    /// HEAD holds no such file.
    Untracked,
}

impl Reader {
    /// Tells whether git keeps this file.
    pub fn is_tracked(&self, path: &Path) -> bool {
        let Ok(name) = path.strip_prefix(&self.root) else { return false };
        self.repo.index().is_ok_and(|index| index.get_path(name, 0).is_some())
    }

    /// The files below a directory that git keeps, in order, up to so many.
    pub fn tracked_below(&self, directory: &Path, most: usize) -> Vec<String> {
        const SUBMODULE: u32 = 0o160_000;
        let below = directory.strip_prefix(&self.root).ok().filter(|name| !name.as_os_str().is_empty());
        let (Some(below), Ok(index)) = (below, self.repo.index()) else { return Vec::new() };
        let prefix = format!("{}/", below.to_string_lossy());
        let Ok(first) = index.find_prefix(prefix.as_str()) else { return Vec::new() };
        let entries = (first..index.len()).map_while(|at| index.get(at));
        let entries = entries.take_while(|entry| entry.path.starts_with(prefix.as_bytes()));
        let mut found: Vec<String> = entries
            .filter(|entry| entry.mode != SUBMODULE)
            .map(|entry| self.root.join(String::from_utf8_lossy(&entry.path).as_ref()))
            .map(|path| path.to_string_lossy().into_owned())
            .take(most)
            .collect();
        // Of what is in conflict there are several.
        found.dedup();
        found
    }

    /// Tells whether git ignores a path, whether it is there or not; a directory ends with a slash. What
    /// is tracked is not ignored.
    pub fn is_ignored(&self, path: &str) -> bool {
        let Ok(name) = Path::new(path).strip_prefix(&self.root) else { return false };
        if name.as_os_str().is_empty() || self.is_tracked(Path::new(path)) {
            return false;
        }
        // Taken apart and put together, a path loses the slash at its end.
        let name = format!("{}{}", name.to_string_lossy(), if path.ends_with('/') { "/" } else { "" });
        self.repo.is_path_ignored(name).unwrap_or(false)
    }

    /// How a file stands to HEAD, and where it is as there, to another commit.
    pub fn file_state(&self, path: &Path, commit: Option<&str>) -> FileState {
        let Ok(name) = path.strip_prefix(&self.root) else { return FileState::Untracked };
        let head = self.repo.head().and_then(|head| head.peel_to_tree());
        let Some(there) = head.ok().and_then(|tree| tree.get_path(name).ok()) else {
            return FileState::Untracked;
        };
        if !self.is_what_is_there(path, name, &there) {
            return FileState::Changed;
        }
        let asked = commit.and_then(|commit| {
            let commit = self.repo.find_commit(Oid::from_str(commit).ok()?).ok()?;
            commit.tree().ok()
        });
        let same = |tree: git2::Tree<'_>| {
            tree.get_path(name)
                .is_ok_and(|other| (other.id(), other.filemode()) == (there.id(), there.filemode()))
        };
        if asked.is_none_or(same) { FileState::Same } else { FileState::Other }
    }

    fn is_what_is_there(&self, path: &Path, name: &Path, there: &TreeEntry<'_>) -> bool {
        const LINK: i32 = 0o120_000;
        use std::os::unix::ffi::OsStrExt as _;
        use std::os::unix::fs::PermissionsExt as _;
        let Ok(about) = path.symlink_metadata() else { return false };
        if about.is_symlink() != (there.filemode() == LINK) {
            return false;
        }
        if about.is_symlink() {
            let id = std::fs::read_link(path)
                .ok()
                .and_then(|to| Oid::hash_object(ObjectType::Blob, to.as_os_str().as_bytes()).ok());
            return id == Some(there.id());
        }
        let executable = |mode: u32| mode & 0o100 != 0;
        let trusts_mode =
            self.repo.config().and_then(|config| config.get_bool("core.filemode")).unwrap_or(true);
        if trusts_mode && executable(about.permissions().mode()) != executable(there.filemode() as u32) {
            return false;
        }
        if Oid::hash_file(ObjectType::Blob, path).is_ok_and(|id| id == there.id()) {
            return true;
        }
        // Line ends may be written otherwise here than they are kept.
        let touched = Status::WT_MODIFIED | Status::WT_DELETED | Status::INDEX_MODIFIED | Status::INDEX_NEW;
        self.repo.status_file(name).is_ok_and(|status| !status.intersects(touched))
    }
}
