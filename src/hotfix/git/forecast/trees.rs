//! What differs between two trees, by path.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use git2::{Error, Oid, Repository};

use super::super::history::Cut;

/// A regular file.
pub(super) const FILE: i32 = 0o100_644;
/// A regular file that may be run.
pub(super) const PROGRAM: i32 = 0o100_755;

/// A folder.
const FOLDER: i32 = 0o040_000;

/// What is at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) id: Oid,
    pub(super) mode: i32,
}

impl Entry {
    pub(super) fn is_regular(self) -> bool {
        self.mode == FILE || self.mode == PROGRAM
    }
}

/// A path before and after.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Edit {
    pub(super) old: Option<Entry>,
    pub(super) new: Option<Entry>,
}

/// What was changed, by path.
pub(super) type Edits = BTreeMap<Vec<u8>, Edit>;

/// What has to be done to the first tree to make it the second.
pub(super) fn edits(repo: &Repository, from: Oid, to: Oid, until: Instant) -> Result<Edits, Cut> {
    let mut found = Edits::new();
    compare(repo, Some(from), Some(to), &mut Vec::new(), &mut found, until)?;
    Ok(found)
}

fn compare(
    repo: &Repository,
    from: Option<Oid>,
    to: Option<Oid>,
    path: &mut Vec<u8>,
    found: &mut Edits,
    until: Instant,
) -> Result<(), Cut> {
    if Instant::now() >= until {
        return Err(Cut::Late);
    }
    let (before, after) = (list(repo, from)?, list(repo, to)?);
    let names: BTreeSet<&Vec<u8>> = before.keys().chain(after.keys()).collect();
    for name in names {
        let (old, new) = (before.get(name), after.get(name));
        if old == new {
            continue;
        }
        let length = path.len();
        path.extend_from_slice(name);
        let file = |entry: Option<&Entry>| entry.copied().filter(|entry| entry.mode != FOLDER);
        let folder = |entry: Option<&Entry>| entry.filter(|entry| entry.mode == FOLDER).map(|entry| entry.id);
        let (was, is) = (file(old), file(new));
        if was.is_some() || is.is_some() {
            found.insert(path.clone(), Edit { old: was, new: is });
        }
        let (was, is) = (folder(old), folder(new));
        if was.is_some() || is.is_some() {
            path.push(b'/');
            compare(repo, was, is, path, found, until)?;
        }
        path.truncate(length);
    }
    Ok(())
}

fn list(repo: &Repository, tree: Option<Oid>) -> Result<BTreeMap<Vec<u8>, Entry>, Error> {
    let Some(tree) = tree else { return Ok(BTreeMap::new()) };
    let tree = repo.find_tree(tree)?;
    // Old tools have written other bits of a file's mode; git takes them for these.
    let mode = |raw: i32| match raw & 0o170_000 {
        0o100_000 if raw & 0o100 != 0 => PROGRAM,
        0o100_000 => FILE,
        other => other,
    };
    let entry = |it: &git2::TreeEntry<'_>| Entry { id: it.id(), mode: mode(it.filemode_raw()) };
    Ok(tree.iter().map(|it| (it.name_bytes().to_vec(), entry(&it))).collect())
}

/// Tells whether a folder of a tree is left with something in it after edits.
pub(super) fn is_left(repo: &Repository, tree: Oid, folder: &[u8], edits: &Edits) -> Result<bool, Error> {
    let inside = |path: &[u8]| path.strip_prefix(folder).is_some_and(|rest| rest.first() == Some(&b'/'));
    if edits.iter().any(|(path, edit)| edit.new.is_some() && inside(path)) {
        return Ok(true);
    }
    let mut folders = vec![(Vec::new(), tree)];
    while let Some((at, tree)) = folders.pop() {
        for (name, entry) in list(repo, Some(tree))? {
            let mut path = at.clone();
            path.extend_from_slice(&name);
            let leads = path == folder || inside(&path) || folder.starts_with(&[&path[..], b"/"].concat());
            if !leads {
                continue;
            }
            if entry.mode == FOLDER {
                path.push(b'/');
                folders.push((path, entry.id));
            } else if inside(&path) && !edits.contains_key(&path) {
                return Ok(true);
            }
        }
    }
    Ok(false)
}
