//! Changed files, as `git status --short` says it. After a change in the work tree only what changed
//! is looked at again.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use git2::{Error, Index, Oid, Repository, Status, StatusOptions, StatusShow};

use super::command::Git;
use crate::hotfix::state::DirtyFile;
use crate::hotfix::watch::Changed;

/// Files whose change can change what is said of others.
const TELLING: [&[u8]; 3] = [b".gitignore", b".gitattributes", b".gitmodules"];
/// The mode of a submodule in the index.
const SUBMODULE: u32 = 0o160_000;

/// The bit of an index entry that a sparse checkout leaves out.
const SKIP_WORKTREE: u16 = 1 << 14;
/// What libgit2 says of an index that holds whole folders as one entry.
const SPARSE_INDEX: &str = "'sdir'";
/// How long the git command is waited for.
const PATIENCE: Duration = Duration::from_secs(20);

/// What was found last, and what it holds for.
#[derive(Default)]
pub(super) struct Changes {
    known: Option<Known>,
}

struct Known {
    /// The commit and the index that were compared with.
    ground: Ground,
    found: Found,
}

type Ground = (Option<Oid>, Option<(SystemTime, u64)>);

/// Changed files by their paths in bytes.
#[derive(Default)]
struct Found {
    files: BTreeMap<Vec<u8>, Vec<(u8, DirtyFile)>>,
    /// Paths on both sides of renames.
    renamed: BTreeSet<Vec<u8>>,
    has_conflicts: bool,
}

impl Changes {
    /// All changed files: conflicts first, then what git knows, then what it does not.
    pub(super) fn read(
        &mut self,
        repo: &Repository,
        head: Option<Oid>,
        changed: &Changed,
    ) -> Result<Vec<DirtyFile>, Error> {
        let index = std::fs::metadata(repo.path().join("index")).ok();
        let ground = (head, index.and_then(|meta| Some((meta.modified().ok()?, meta.len()))));
        let known = self.known.take().filter(|known| known.ground == ground);
        let found = match (known, changed) {
            (Some(Known { mut found, .. }), Changed::Files(paths)) => match narrow(repo, &found, paths) {
                Some(places) => {
                    found.look_again(repo, &places)?;
                    found
                }
                None => look(repo, &[])?,
            },
            _ => look(repo, &[])?,
        };
        let mut files: Vec<&(u8, DirtyFile)> = found.files.values().flatten().collect();
        files.sort_by_key(|(rank, _)| *rank);
        let files = files.into_iter().map(|(_, file)| file.clone()).collect();
        self.known = Some(Known { ground, found });
        Ok(files)
    }
}

impl Found {
    /// Replaces what is said of these places.
    fn look_again(&mut self, repo: &Repository, places: &[Vec<u8>]) -> Result<(), Error> {
        if places.is_empty() {
            return Ok(());
        }
        let now = look(repo, places)?;
        // A folder that git does not know stands there with a slash; it has become a file, or is gone.
        self.files
            .retain(|path, _| !places.iter().any(|place| path.strip_suffix(b"/").unwrap_or(path) == place));
        self.files.extend(now.files);
        Ok(())
    }
}

/// All changed files, of a repository that is asked once.
pub(super) fn read(repo: &Repository) -> Result<Vec<DirtyFile>, Error> {
    Changes::default().read(repo, None, &Changed::Anything)
}

/// The files to look at again after changes; `None`: the changes may matter elsewhere, too.
fn narrow(repo: &Repository, found: &Found, paths: &[impl AsRef<Path>]) -> Option<Vec<Vec<u8>>> {
    let folds_case = || repo.config().and_then(|config| config.get_bool("core.ignorecase")).unwrap_or(false);
    if found.has_conflicts || folds_case() {
        return None;
    }
    // One that cannot be read is nothing to narrow it down by.
    let Ok(index) = repo.index() else { return None };
    let mut places = BTreeSet::new();
    for path in paths {
        let path = path.as_ref().as_os_str().as_bytes();
        let name = path.rsplit(|&byte| byte == b'/').next().unwrap_or_default();
        if path.is_empty() || TELLING.contains(&name) {
            return None;
        }
        // A rename is found between two paths, of which one alone says nothing.
        if found.renamed.contains(path) || !stands_alone(repo, &index, path) {
            return None;
        }
        places.insert(path.to_vec());
    }
    Some(places.into_iter().collect())
}

/// Whether a changed path can be looked at by itself: a file in folders that all have something in
/// them that git knows. Of others git names the folder alone; and what is in a submodule is its matter.
fn stands_alone(repo: &Repository, index: &Index, path: &[u8]) -> bool {
    let at = |path: &[u8]| index.get_path(Path::new(OsStr::from_bytes(path)), 0);
    let has_inside = |folder: &[u8]| {
        let inside = [folder, b"/"].concat();
        index.find_prefix(Path::new(OsStr::from_bytes(&inside))).is_ok()
    };
    let ends = path.iter().enumerate().filter(|(_, byte)| **byte == b'/').map(|(at, _)| at);
    let known =
        ends.filter_map(|end| path.get(..end)).all(|folder| at(folder).is_none() && has_inside(folder));
    let is_folder = || {
        let there = repo.workdir().map(|root| root.join(OsStr::from_bytes(path)).symlink_metadata());
        there.is_some_and(|meta| meta.is_ok_and(|meta| meta.is_dir()))
    };
    known && !is_folder() && at(path).is_none_or(|entry| entry.mode != SUBMODULE) && !has_inside(path)
}

/// Compares commit, index and work tree, everywhere or in some places.
fn look(repo: &Repository, places: &[Vec<u8>]) -> Result<Found, Error> {
    let mut options = StatusOptions::new();
    options
        .show(StatusShow::IndexAndWorkdir)
        .include_untracked(true)
        // Of a folder in which only one file is looked at libgit2 thinks that it has no other.
        .recurse_untracked_dirs(!places.is_empty())
        .include_ignored(false)
        .renames_head_to_index(true)
        .include_unreadable(false)
        // Reading must leave no trace, and the index may belong to a git that runs now.
        .update_index(false);
    if repo.index().is_ok_and(|index| index.path().is_none()) {
        // It is not the one of the work tree: that could not be read.
        return by_command(repo);
    }
    for place in places {
        options.pathspec(Path::new(OsStr::from_bytes(place)));
    }
    options.disable_pathspec_match(!places.is_empty());
    let statuses = match repo.statuses(Some(&mut options)) {
        Err(error) if error.message().contains(SPARSE_INDEX) => {
            leave_sparse_index(repo)?;
            return by_command(repo);
        }
        other => other?,
    };
    let has_conflicts = statuses.iter().any(|entry| entry.status().is_conflicted());
    let conflicts = if has_conflicts { conflicts(repo)? } else { BTreeMap::new() };
    let mut found = Found { has_conflicts, ..Found::default() };
    let index =
        if statuses.iter().any(|entry| entry.status().is_wt_deleted()) { Some(repo.index()?) } else { None };
    for entry in statuses.iter() {
        let mut status = entry.status();
        // Left out of a sparse checkout: it is not missing.
        if index
            .as_ref()
            .is_some_and(|index| status.is_wt_deleted() && is_left_out(index, entry.path_bytes()))
        {
            status -= Status::WT_DELETED;
        }
        // Of a renamed file, the entry's own path is the old one.
        let renamed = entry.head_to_index().filter(|_| status.is_index_renamed());
        let renamed = renamed.as_ref().and_then(|delta| delta.new_file().path_bytes());
        let bytes = renamed.unwrap_or(entry.path_bytes()).to_vec();
        if renamed.is_some() {
            found.renamed.extend([entry.path_bytes().to_vec(), bytes.clone()]);
        }
        let path = String::from_utf8_lossy(&bytes).into_owned();
        let mut say = |rank, code: &str| {
            let file = DirtyFile { path: path.clone(), code: code.to_owned() };
            found.files.entry(bytes.clone()).or_default().push((rank, file));
        };
        if status.is_conflicted() {
            say(0, conflicts.get(entry.path_bytes()).copied().unwrap_or("UU"));
        } else if status.is_wt_new() {
            // Deleted in the index and still there: git shows two lines.
            if status.intersects(index_flags()) {
                say(1, &format!("{} ", index_letter(status)));
            }
            say(2, "??");
        } else {
            let code = format!("{}{}", index_letter(status), tree_letter(status));
            if code != "  " {
                say(1, &code);
            }
        }
    }
    Ok(found)
}

/// Has an index in memory take the place of one that holds whole folders as one entry, where there may
/// be one: libgit2 cannot read that, and looks into it also for comparing two commits.
pub(super) fn leave_sparse_index(repo: &Repository) -> Result<(), Error> {
    if !repo.path().join("info/sparse-checkout").exists() {
        return Ok(());
    }
    match repo.index() {
        Err(error) if error.message().contains(SPARSE_INDEX) => repo.set_index(&mut Index::new()?),
        _ => Ok(()),
    }
}

/// Tells whether a sparse checkout leaves a file out of the work tree.
fn is_left_out(index: &Index, path: &[u8]) -> bool {
    let entry = index.get_path(Path::new(OsStr::from_bytes(path)), 0);
    entry.is_some_and(|entry| entry.flags_extended & SKIP_WORKTREE != 0)
}

/// What the git command says of changes, where libgit2 cannot read the index.
fn by_command(repo: &Repository) -> Result<Found, Error> {
    let args = [
        "status",
        "--porcelain=v1",
        "-z",
        "--no-renames",
        "--untracked-files=normal",
        "--ignore-submodules=none",
    ];
    let answer = Git::of(repo).ask(&args, Instant::now() + PATIENCE).map_err(|why| Error::from_str(&why))?;
    if answer.code != Some(0) {
        return Err(Error::from_str(&answer.complaint));
    }
    let mut found = Found::default();
    for line in answer.out.split(|&byte| byte == 0) {
        let (Some(code), Some(path)) = (line.get(..2), line.get(3..)) else { continue };
        let code = String::from_utf8_lossy(code).into_owned();
        let conflict = code.contains('U') || code == "AA" || code == "DD";
        let rank = if conflict {
            0
        } else if code == "??" {
            2
        } else {
            1
        };
        found.has_conflicts |= conflict;
        let path = path.strip_suffix(b"/").filter(|_| code != "??").unwrap_or(path);
        let file = DirtyFile { path: String::from_utf8_lossy(path).into_owned(), code };
        found.files.entry(path.to_vec()).or_default().push((rank, file));
    }
    Ok(found)
}

fn index_flags() -> Status {
    Status::INDEX_NEW
        | Status::INDEX_MODIFIED
        | Status::INDEX_DELETED
        | Status::INDEX_RENAMED
        | Status::INDEX_TYPECHANGE
}

fn index_letter(status: Status) -> char {
    match status {
        s if s.is_index_new() => 'A',
        s if s.is_index_renamed() => 'R',
        s if s.is_index_deleted() => 'D',
        s if s.is_index_typechange() => 'T',
        s if s.is_index_modified() => 'M',
        _ => ' ',
    }
}

fn tree_letter(status: Status) -> char {
    match status {
        s if s.is_wt_deleted() => 'D',
        s if s.is_wt_typechange() => 'T',
        s if s.is_wt_renamed() => 'R',
        s if s.is_wt_modified() => 'M',
        _ => ' ',
    }
}

/// The letters of each conflict, by which sides of it there are.
fn conflicts(repo: &Repository) -> Result<BTreeMap<Vec<u8>, &'static str>, Error> {
    let index = repo.index()?;
    let mut letters = BTreeMap::new();
    for conflict in index.conflicts()? {
        let conflict = conflict?;
        let sides = (conflict.ancestor.is_some(), conflict.our.is_some(), conflict.their.is_some());
        let code = match sides {
            (true, true, false) => "UD",
            (true, false, true) => "DU",
            (true, false, false) => "DD",
            (false, true, true) => "AA",
            (false, true, false) => "AU",
            (false, false, true) => "UA",
            (true, true, true) | (false, false, false) => "UU",
        };
        if let Some(entry) = conflict.our.or(conflict.their).or(conflict.ancestor) {
            letters.insert(entry.path, code);
        }
    }
    Ok(letters)
}

#[cfg(test)]
mod tests;
