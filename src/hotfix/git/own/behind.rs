//! The files that the repository's own configuration includes, whether or not their condition holds now,
//! and the directories its hooks are in.

use std::collections::{BTreeSet, VecDeque};
use std::ffi::OsStr;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use super::file::{self, Setting};
use crate::incident::Hash;

/// Most files that are followed.
const MOST_INCLUDED: usize = 100;
/// Most files of a directory of hooks that are looked at; hooks that git knows come first.
const MOST_HOOKS: usize = 256;
/// Nothing longer is trusted, in bytes.
const LONGEST: u64 = 64 << 20;
/// Hooks that git knows by name.
const KNOWN: [&str; 24] = [
    "applypatch-msg",
    "commit-msg",
    "fsmonitor-watchman",
    "post-applypatch",
    "post-checkout",
    "post-commit",
    "post-index-change",
    "post-merge",
    "post-receive",
    "post-rewrite",
    "post-update",
    "pre-applypatch",
    "pre-auto-gc",
    "pre-commit",
    "pre-merge-commit",
    "pre-push",
    "pre-rebase",
    "pre-receive",
    "prepare-commit-msg",
    "proc-receive",
    "push-to-checkout",
    "reference-transaction",
    "sendemail-validate",
    "update",
];

/// A file that is included.
pub(super) struct Included {
    pub(super) path: PathBuf,
    pub(super) hash: Hash,
    pub(super) settings: Vec<Setting>,
}

/// Every file that is there and that these include, at whatever depth.
pub(super) fn included(roots: &[PathBuf]) -> Result<Vec<Included>, String> {
    let mut left: VecDeque<PathBuf> = VecDeque::new();
    for root in roots {
        if let Some(text) = content(root)? {
            left.extend(includes(root, &file::settings(&text))?);
        }
    }
    let (mut seen, mut found) = (BTreeSet::new(), Vec::new());
    while let Some(path) = left.pop_front() {
        if !seen.insert(path.clone()) {
            continue;
        }
        if seen.len() > MOST_INCLUDED {
            return Err(format!("it includes more than {MOST_INCLUDED} files"));
        }
        let Some(text) = content(&path)? else { continue };
        let settings = file::settings(&text);
        left.extend(includes(&path, &settings)?);
        found.push(Included { path, hash: Hash::of(&text), settings });
    }
    Ok(found)
}

/// The files that the settings of a file include.
fn includes(from: &Path, settings: &[Setting]) -> Result<Vec<PathBuf>, String> {
    let place = from.parent().unwrap_or(from);
    // Section and name are in lower case here.
    let is_include = |key: &str| {
        let (section, name) = key.split_once('.').unwrap_or_default();
        matches!((section, name), ("include", "path"))
            || section == "includeif" && key.rsplit('.').next() == Some("path")
    };
    let paths = settings.iter().filter(|(key, _)| is_include(key));
    paths.filter_map(|(_, value)| resolved(place, value).transpose()).collect()
}

/// The path that a setting names, as git expands it; `None`: it names none.
pub(super) fn resolved(place: &Path, value: &[u8]) -> Result<Option<PathBuf>, String> {
    let value = value.strip_prefix(b":(optional)").unwrap_or(value);
    let path = Path::new(OsStr::from_bytes(value));
    if value.is_empty() {
        return Ok(None);
    }
    if let Ok(rest) = path.strip_prefix("~") {
        let home =
            std::env::home_dir().ok_or("it names a path in your home directory, and HOME is not set")?;
        return Ok(Some(home.join(rest)));
    }
    if value.starts_with(b"~") || value.starts_with(b"%(prefix)") {
        return Err(format!("it names {}, which only git can find: write the whole path", path.display()));
    }
    Ok(Some(place.join(path)))
}

/// What a file holds; `None`: there is none that could be read.
fn content(path: &Path) -> Result<Option<Vec<u8>>, String> {
    let Ok(meta) = fs::metadata(path) else { return Ok(None) };
    if meta.is_dir() {
        return Ok(None);
    }
    // What a pipe brings is another thing each time.
    if !meta.is_file() || meta.len() > LONGEST {
        return Err(format!("{} is no file that can be trusted by what it holds", path.display()));
    }
    match fs::read(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::PermissionDenied) => Ok(None),
        Err(error) => Err(format!("{}: {error}", path.display())),
    }
}

/// The hooks in a directory, in order of name, with what they hold: those that git would run, or of a
/// directory that the configuration names, what they may load beside them, too.
pub(super) fn hooks(place: &Path, named: bool) -> Result<Vec<(PathBuf, Hash)>, String> {
    let mut paths: Vec<PathBuf> = files(place, named);
    // What husky calls from there.
    if named
        && place.ends_with("_")
        && let Some(around) = place.parent()
    {
        paths.extend(files(around, named));
    }
    let mut found = Vec::new();
    for path in paths {
        if let Some(text) = content(&path)? {
            found.push((path, Hash::of(&text)));
        }
    }
    Ok(found)
}

fn files(place: &Path, named: bool) -> Vec<PathBuf> {
    let entries = fs::read_dir(place).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = entries
        .map(|entry| entry.path())
        .filter(|path| path.extension() != Some(OsStr::new("sample")))
        .filter(|path| {
            let may_run = |meta: fs::Metadata| named || meta.permissions().mode() & 0o111 != 0;
            fs::metadata(path).is_ok_and(|meta| meta.is_file() && may_run(meta))
        })
        .collect();
    paths.sort();
    if named {
        let is_known = |path: &PathBuf| KNOWN.iter().any(|known| path.ends_with(known));
        paths.sort_by_key(|path| !is_known(path));
        paths.truncate(MOST_HOOKS);
    }
    paths
}
