//! Which files are changed, as `git status --short` says it.

use std::collections::BTreeMap;

use git2::{Error, Repository, Status, StatusOptions};

use crate::hotfix::state::DirtyFile;

/// All changed files: conflicts first, then what git knows, then what it does not.
pub(super) fn read(repo: &Repository) -> Result<Vec<DirtyFile>, Error> {
    let mut options = StatusOptions::new();
    options
        .include_untracked(true)
        .recurse_untracked_dirs(false)
        .include_ignored(false)
        .renames_head_to_index(true)
        .include_unreadable(false)
        // Reading must leave no trace, and the index may belong to a git that runs now.
        .update_index(false);
    let statuses = repo.statuses(Some(&mut options))?;
    let conflicts = if statuses.iter().any(|entry| entry.status().is_conflicted()) {
        conflicts(repo)?
    } else {
        BTreeMap::new()
    };
    let mut files = Vec::with_capacity(statuses.len());
    for entry in statuses.iter() {
        let status = entry.status();
        // Of a renamed file, the entry's own path is the old one.
        let renamed = entry.head_to_index().filter(|_| status.is_index_renamed());
        let renamed = renamed.as_ref().and_then(|delta| delta.new_file().path_bytes());
        let path = String::from_utf8_lossy(renamed.unwrap_or(entry.path_bytes())).into_owned();
        if status.is_conflicted() {
            let code = conflicts.get(entry.path_bytes()).copied().unwrap_or("UU");
            files.push((0, DirtyFile { path, code: code.to_owned() }));
        } else if status.is_wt_new() {
            // Deleted in the index and still there: git shows two lines.
            if status.intersects(index_flags()) {
                files.push((1, DirtyFile { path: path.clone(), code: format!("{} ", index_letter(status)) }));
            }
            files.push((2, DirtyFile { path, code: "??".to_owned() }));
        } else {
            let code = format!("{}{}", index_letter(status), tree_letter(status));
            if code != "  " {
                files.push((1, DirtyFile { path, code }));
            }
        }
    }
    files.sort_by_key(|(rank, _)| *rank);
    Ok(files.into_iter().map(|(_, file)| file).collect())
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
