//! Which files of a repository hold its version: those that are recognised, those that are
//! configured, and the lock files that repeat what they say.

use toml::de::DeTable;

use super::{Kind, Place, Target, all_spots, spots};
use crate::config::types::VersionFile;
use crate::text::nesting::too_deep;

/// Names of files at the root that are recognised, in the order in which they count.
pub const RECOGNISED: [&str; 4] = ["VERSION", "Cargo.toml", "package.json", "pyproject.toml"];
/// More manifests than this are not looked through for those that share a version.
const MAX_MANIFESTS: usize = 2000;

/// The files of a commit, or of a work tree. Paths are from the root of the repository.
pub trait Tree {
    /// The text of a file; `None`: there is none of that name.
    ///
    /// # Errors
    /// One line that says why it cannot be read: too large, no text, a link.
    fn read(&self, path: &str) -> Option<Result<String, String>>;

    /// Tells whether there is a file of that name, without reading it.
    fn has(&self, path: &str) -> bool;

    /// Paths of all files below a folder (empty: all) that have a name.
    fn called(&self, folder: &str, name: &str) -> Vec<String>;
}

/// A file that holds the version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// The file, and where in it.
    pub target: Target,
    /// What stands at each of its places, in the order of the file.
    pub versions: Vec<String>,
}

/// A file in which the version should be, and why it is not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// Its path.
    pub path: String,
    /// Why, to follow on its name.
    pub why: String,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Found {
    /// Files that hold the version: recognised ones first, then configured ones, then locks.
    pub held: Vec<Held>,
    /// Files that should and do not, or cannot be read.
    pub broken: Vec<Broken>,
}

impl Found {
    /// Each file with the version it holds; one that holds several is there once for each.
    pub fn versions(&self) -> Vec<(String, String)> {
        let mut all: Vec<(String, String)> = Vec::new();
        for held in &self.held {
            for version in &held.versions {
                let pair = (held.target.path.clone(), version.clone());
                if !all.contains(&pair) {
                    all.push(pair);
                }
            }
        }
        all
    }
}

/// Looks for all files that hold the version.
pub fn find(tree: &impl Tree, configured: &[VersionFile]) -> Found {
    let mut found = sources(tree, configured);
    let mut locks = Vec::new();
    for held in found.held.iter().filter(|held| held.target.place == Place::Own) {
        for target in entries(tree, &held.target.path) {
            if !locks.contains(&target) && !is_left_alone(configured, &target.path) {
                locks.push(target);
            }
        }
    }
    for target in locks {
        let text = match tree.read(&target.path) {
            Some(Ok(text)) => text,
            Some(Err(why)) => {
                let broken = Broken { path: target.path, why };
                if !found.broken.contains(&broken) {
                    found.broken.push(broken);
                }
                continue;
            }
            None => continue,
        };
        match spots(&target.path, &target.place, &text) {
            Ok(spots) if spots.is_empty() => {}
            Ok(spots) => {
                let versions = spots.into_iter().map(|spot| spot.version).collect();
                found.held.push(Held { target, versions });
            }
            Err(why) => found.broken.push(Broken { path: target.path, why }),
        }
    }
    found
}

/// Looks for the files that people write: recognised and configured, without locks.
pub fn sources(tree: &impl Tree, configured: &[VersionFile]) -> Found {
    let mut found = Found::default();
    let is_told = |path: &str| configured.iter().any(|file| file.path == path);
    for path in RECOGNISED.into_iter().filter(|path| !is_told(path)) {
        let Some(read) = tree.read(path) else { continue };
        let target = Target { path: path.to_owned(), place: Place::Own };
        match read.and_then(|text| spots(path, &Place::Own, &text)) {
            // A file of that name may be about something else.
            Ok(spots) if spots.is_empty() => {}
            Ok(spots) => {
                let versions = spots.into_iter().map(|spot| spot.version).collect();
                found.held.push(Held { target, versions });
            }
            Err(why) => found.broken.push(Broken { path: path.to_owned(), why }),
        }
    }
    for file in configured.iter().filter(|file| !file.ignore) {
        let place = if file.pattern.is_empty() { Place::Own } else { Place::Pattern(file.pattern.clone()) };
        let read = tree.read(&file.path).unwrap_or_else(|| Err("it is not there".to_owned()));
        match read.and_then(|text| all_spots(&file.path, &text, &[&place])) {
            Ok(spots) => {
                let versions = spots.into_iter().map(|spot| spot.version).collect();
                found.held.push(Held { target: Target { path: file.path.clone(), place }, versions });
            }
            Err(why) => found.broken.push(Broken { path: file.path.clone(), why }),
        }
    }
    found
}

fn is_left_alone(configured: &[VersionFile], path: &str) -> bool {
    configured.iter().any(|file| file.ignore && file.path == path)
}

/// The entries of lock files that repeat the version of a manifest.
fn entries(tree: &impl Tree, manifest: &str) -> Vec<Target> {
    match Kind::of(manifest) {
        Some(Kind::Cargo) => {
            let Some((lock, _)) = nearest(tree, manifest, "Cargo.lock") else { return Vec::new() };
            let entry = |name| Target { path: lock.clone(), place: Place::Entry(name) };
            names(tree, manifest).into_iter().map(entry).collect()
        }
        Some(Kind::Npm) => {
            let all = ["package-lock.json", "npm-shrinkwrap.json"].into_iter();
            all.filter_map(|name| nearest(tree, manifest, name)).map(entry_of_folder).collect()
        }
        Some(Kind::Python) => nearest(tree, manifest, "uv.lock").map(entry_of_folder).into_iter().collect(),
        _ => Vec::new(),
    }
}

fn entry_of_folder((path, folder): (String, String)) -> Target {
    Target { path, place: Place::Entry(folder) }
}

/// The lock file beside a manifest or above it, and the manifest's folder as seen from there.
fn nearest(tree: &impl Tree, manifest: &str, name: &str) -> Option<(String, String)> {
    let folder = folder_of(manifest);
    let mut above = folder;
    loop {
        let path = if above.is_empty() { name.to_owned() } else { format!("{above}/{name}") };
        if tree.has(&path) {
            let rest = folder.strip_prefix(above).unwrap_or(folder).trim_start_matches('/');
            return Some((path, rest.to_owned()));
        }
        if above.is_empty() {
            return None;
        }
        above = folder_of(above);
    }
}

fn folder_of(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// Names of the packages that have the version of a manifest: its own, and those that take theirs
/// from the workspace it begins.
fn names(tree: &impl Tree, manifest: &str) -> Vec<String> {
    let text = |path: &str| tree.read(path)?.ok();
    let Some((own, shares)) = text(manifest).and_then(|text| about(&text, package_name)) else {
        return Vec::new();
    };
    let mut names: Vec<String> = own.into_iter().collect();
    if shares {
        let all = tree.called(folder_of(manifest), "Cargo.toml");
        names.extend(all.into_iter().take(MAX_MANIFESTS).filter_map(|path| {
            let (name, _) = about(&text(&path)?, inheriting_name)?;
            name
        }));
    }
    names.sort_unstable();
    names.dedup();
    names
}

/// What `name` says of a manifest, and whether it has a version to share.
fn about(text: &str, name: impl Fn(&DeTable<'_>) -> Option<String>) -> Option<(Option<String>, bool)> {
    let manifest = too_deep(text).is_none().then(|| DeTable::parse(text).ok())??;
    let manifest = manifest.get_ref();
    let shared = || manifest.get("workspace")?.get_ref().get("package")?.get_ref().get("version");
    let name = manifest.get("package").and_then(|package| name(package.get_ref().as_table()?));
    Some((name, shared().is_some()))
}

fn name_of(package: &DeTable<'_>) -> Option<String> {
    package.get("name")?.get_ref().as_str().map(str::to_owned)
}

/// The name of a package with a version of its own.
fn package_name(package: &DeTable<'_>) -> Option<String> {
    package.get("version")?.get_ref().as_str()?;
    name_of(package)
}

/// The name of a package that takes the version of its workspace.
fn inheriting_name(package: &DeTable<'_>) -> Option<String> {
    let shared = package.get("version")?.get_ref().get("workspace")?.get_ref().as_bool();
    if shared == Some(true) { name_of(package) } else { None }
}
