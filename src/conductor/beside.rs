//! The work trees that plans make for themselves, in the folder `flightdeck` of a git directory. Nobody
//! works in them but to settle what a merge stopped at, so what a broken-off command left in them is
//! ours: the next one begins where it would have begun.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::environment::is_git;
use crate::plan::Command;

/// What a git command does with a work tree of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Does<'a> {
    /// It makes it.
    Makes(&'a Path),
    /// It removes it.
    Removes(&'a Path),
    /// It concludes what is under way there.
    Concludes(&'a Path),
    /// It works there.
    WorksIn(&'a Path),
}

/// Tells what a command does with a work tree of ours; `None`: nothing.
pub(super) fn does(command: &Command) -> Option<Does<'_>> {
    if !is_git(command) {
        return None;
    }
    let mut words = command.argv.iter().map(String::as_str).skip(1);
    let mut verb = words.next()?;
    while verb == "-c" {
        words.next()?;
        verb = words.next()?;
    }
    let cwd = Path::new(&command.cwd);
    let named = || command.argv.iter().map(Path::new).find(|word| is_ours(word));
    match (verb, words.next()) {
        ("worktree", Some("add")) => named().map(Does::Makes),
        ("worktree", Some("remove")) => named().map(Does::Removes),
        ("commit", _) | ("rebase", Some("--continue")) if is_ours(cwd) => Some(Does::Concludes(cwd)),
        _ => is_ours(cwd).then_some(Does::WorksIn(cwd)),
    }
}

/// Tells whether a path is that of a work tree of ours, there or not.
pub(super) fn is_ours(place: &Path) -> bool {
    let folder = place.parent().filter(|folder| folder.ends_with("flightdeck"));
    folder.and_then(Path::parent).is_some_and(|git| git.join("HEAD").is_file())
}

/// Tells whether a merge is under way in it: git has written down all of what it came to.
pub(super) fn is_merging(place: &Path) -> bool {
    own_dir(place).is_some_and(|dir| dir.join("MERGE_HEAD").exists())
}

/// Tells whether a rebase is under way in it.
pub(super) fn is_rebasing(place: &Path) -> bool {
    own_dir(place)
        .is_some_and(|dir| ["rebase-merge", "rebase-apply"].iter().any(|name| dir.join(name).exists()))
}

/// The directory in which git keeps what belongs to this work tree alone; `None`: it is no whole one.
fn own_dir(place: &Path) -> Option<PathBuf> {
    let text = fs::read_to_string(place.join(".git")).ok()?;
    let dir = PathBuf::from(text.strip_prefix("gitdir:")?.trim());
    let common = place.parent()?.parent()?;
    let is_here = dir.parent()?.canonicalize().ok()? == common.join("worktrees").canonicalize().ok()?;
    (is_here && dir.is_dir()).then_some(dir)
}

/// Removes the locks that a killed git left behind: on the work tree, and on the references in which
/// plans keep what they have made. Those of everybody else stay.
pub(super) fn unlock(place: &Path) -> io::Result<()> {
    let kept = place.parent().and_then(Path::parent).map(|git| git.join("refs/flightdeck"));
    let mut folders: Vec<PathBuf> = own_dir(place).into_iter().chain(kept).collect();
    while let Some(folder) = folders.pop() {
        let Ok(entries) = fs::read_dir(&folder) else { continue };
        for entry in entries.flatten() {
            let path = entry.path();
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == "lock") {
                gone(fs::remove_file(path))?;
            }
        }
    }
    Ok(())
}

/// Removes it, whole or in parts, and what git knows of it.
pub(super) fn remove(place: &Path) -> io::Result<()> {
    gone(fs::remove_dir_all(place))?;
    let Some(git) = place.parent().and_then(Path::parent) else { return Ok(()) };
    let Ok(known) = fs::read_dir(git.join("worktrees")) else { return Ok(()) };
    let same = |path: &str| {
        let tree = Path::new(path.trim()).parent();
        let resolved =
            |path: &Path| path.parent()?.canonicalize().ok().zip(path.file_name().map(ToOwned::to_owned));
        tree.is_some_and(|tree| {
            tree == place || (resolved(tree).is_some() && resolved(tree) == resolved(place))
        })
    };
    for entry in known.flatten() {
        if fs::read_to_string(entry.path().join("gitdir")).is_ok_and(|path| same(&path)) {
            gone(fs::remove_dir_all(entry.path()))?;
        }
    }
    Ok(())
}

/// Tells whether it is a whole work tree.
pub(super) fn is_whole(place: &Path) -> bool {
    own_dir(place).is_some()
}

/// Where the commit is written down at which a step found it.
fn note(place: &Path) -> Option<PathBuf> {
    own_dir(place).map(|dir| dir.join("flightdeck-step"))
}

/// The commit at which a step first found it, where that was written down.
pub(super) fn beginning(place: &Path, step: &str) -> Option<String> {
    let text = fs::read_to_string(note(place)?).ok()?;
    let (known, commit) = text.trim_end().rsplit_once(' ')?;
    (known == step).then(|| commit.to_owned())
}

/// Writes down at which commit a step finds it.
pub(super) fn begins(place: &Path, step: &str, commit: &str) -> io::Result<()> {
    let Some(note) = note(place) else { return Ok(()) };
    fs::write(note, format!("{step} {commit}\n"))
}

fn gone(removed: io::Result<()>) -> io::Result<()> {
    match removed {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hotfix::flows::git;

    fn folder() -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join("flightdeck")).unwrap();
        fs::create_dir_all(dir.path().join("worktrees/one")).unwrap();
        fs::create_dir_all(dir.path().join("worktrees/other")).unwrap();
        fs::write(dir.path().join("HEAD"), "ref: refs/heads/main\n").unwrap();
        dir
    }

    #[test]
    fn what_a_command_does_with_a_work_tree_of_ours() {
        let dir = folder();
        let place = dir.path().join("flightdeck/one");
        let (ours, root) = (place.to_str().unwrap(), dir.path().to_str().unwrap());
        for (cwd, words, expected) in [
            (root, &["worktree", "add", "--quiet", ours, "main"][..], Some(Does::Makes(&place))),
            (root, &["-c", "core.hooksPath=/x", "worktree", "add", ours], Some(Does::Makes(&place))),
            (root, &["worktree", "remove", "--force", ours], Some(Does::Removes(&place))),
            (ours, &["commit", "--no-edit"], Some(Does::Concludes(&place))),
            (ours, &["merge", "x"], Some(Does::WorksIn(&place))),
            (root, &["merge", "x"], None),
            (root, &["worktree", "add", "/elsewhere/flightdeck/one"], None),
            (root, &["-c"], None),
        ] {
            assert_eq!(does(&git(cwd, words)), expected, "{words:?}");
        }
        let mut other = git(ours, &["merge"]);
        "./deploy.sh".clone_into(&mut other.argv[0]);
        assert_eq!(does(&other), None);
    }

    #[test]
    fn it_is_removed_in_whatever_state_it_is_and_others_stay() {
        let dir = folder();
        let place = dir.path().join("flightdeck/one");
        let known = |name: &str| dir.path().join("worktrees").join(name);
        fs::write(known("one").join("gitdir"), format!("{}/.git\n", place.display())).unwrap();
        fs::write(known("one").join("locked"), "initializing").unwrap();
        fs::write(known("other").join("gitdir"), "/elsewhere/.git\n").unwrap();
        remove(&place).unwrap();
        assert!(!known("one").exists() && known("other").exists());
        fs::create_dir_all(place.join("half")).unwrap();
        remove(&place).unwrap();
        assert!(!place.exists() && !is_whole(&place));
    }

    #[test]
    fn its_locks_and_notes_are_its_own() {
        let dir = folder();
        let place = dir.path().join("flightdeck/one");
        let own = dir.path().join("worktrees/one");
        fs::create_dir(&place).unwrap();
        fs::write(place.join(".git"), format!("gitdir: {}\n", own.display())).unwrap();
        let kept = dir.path().join("refs/flightdeck/x");
        fs::create_dir_all(&kept).unwrap();
        let [index, keep, foreign] =
            [own.join("index.lock"), kept.join("y.lock"), dir.path().join("index.lock")];
        for lock in [&index, &keep, &foreign] {
            fs::write(lock, "").unwrap();
        }
        unlock(&place).unwrap();
        assert!(!index.exists() && !keep.exists() && foreign.exists());
        assert!(is_whole(&place) && !is_merging(&place));
        assert_eq!(beginning(&place, "p/1"), None);
        begins(&place, "p/1", "abc").unwrap();
        assert_eq!(beginning(&place, "p/1").as_deref(), Some("abc"));
        assert_eq!(beginning(&place, "p/2"), None);
        // A work tree that says to belong somewhere else is none of ours.
        fs::write(place.join(".git"), format!("gitdir: {}\n", dir.path().join("other").display())).unwrap();
        assert!(!is_whole(&place));
    }
}
