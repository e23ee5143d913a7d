//! What is kept beside a carrier's own repository: in which clone it was opened, and over which remote. So a process
//! that is in no clone, as one that carries a plan out, shares over it, too.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};

use git2::Repository;

use super::git::{is_off, own};
use crate::incident::IncidentId;

/// The file, in the carrier's own repository.
const FILE: &str = "flightdeck.opened";
/// Most bytes of it.
const MOST: u64 = 64 << 10;

/// A way that was opened before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened {
    /// The carrier's own repository.
    directory: PathBuf,
    /// The root of the clone.
    pub root: PathBuf,
    /// The remote, by name or address.
    pub remote: String,
}

impl Opened {
    /// Keeps where a carrier was opened. It is a help, and nothing fails without it.
    pub(super) fn keep(directory: &Path, root: &Path, remote: &str) {
        let mut text = remote.as_bytes().to_vec();
        text.push(b'\n');
        text.extend_from_slice(root.as_os_str().as_bytes());
        let path = directory.join(FILE);
        if std::fs::read(&path).is_ok_and(|there| there == text) {
            return;
        }
        let _ = replace(&path, &text);
    }

    /// All that were opened with a state directory.
    pub fn all(state_dir: &Path) -> Vec<Self> {
        let all = std::fs::read_dir(state_dir.join("share")).into_iter().flatten().flatten();
        let mut all: Vec<Self> = all.filter_map(|entry| Self::read(&entry.path())).collect();
        all.sort_by(|one, other| one.directory.cmp(&other.directory));
        all
    }

    fn read(directory: &Path) -> Option<Self> {
        let path = directory.join(FILE);
        if std::fs::metadata(&path).ok()?.len() > MOST {
            return None;
        }
        let text = std::fs::read(&path).ok()?;
        let end = text.iter().position(|byte| *byte == b'\n')?;
        let remote = String::from_utf8(text.get(..end)?.to_vec()).ok()?;
        let root = PathBuf::from(OsString::from_vec(text.get(end + 1..)?.to_vec()));
        Some(Self { directory: directory.to_path_buf(), root, remote })
    }

    /// Whether somebody turned sharing over it off on this machine.
    pub fn is_off(&self) -> bool {
        is_off(&self.directory)
    }

    /// Tells whether an incident is shared over it.
    pub fn shares(&self, incident: IncidentId) -> bool {
        Repository::open_bare(&self.directory).is_ok_and(|repo| repo.refname_to_id(&own(incident)).is_ok())
    }
}

/// Replaces a file as a whole, or leaves it as it is.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let beside = path.with_extension(std::process::id().to_string());
    let done = std::fs::write(&beside, bytes).and_then(|()| std::fs::rename(&beside, path));
    done.inspect_err(|_| drop(std::fs::remove_file(&beside)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_opened_is_found_again_and_what_is_no_such_file_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let [one, other, empty] =
            ["one.git", "other.git", "empty.git"].map(|name| dir.path().join("share").join(name));
        for directory in [&one, &other, &empty] {
            std::fs::create_dir_all(directory).unwrap();
        }
        let root = PathBuf::from(OsString::from_vec(b"/home/maya/sh\xf6p\nfront".to_vec()));
        Opened::keep(&one, &root, "origin");
        Opened::keep(&one, &root, "upstream");
        std::fs::write(other.join(FILE), "no line end").unwrap();
        let found = Opened::all(dir.path());
        assert_eq!(found, [Opened { directory: one, root, remote: "upstream".to_owned() }]);
        assert!(!found[0].shares(IncidentId(uuid::Uuid::nil())));
    }
}
