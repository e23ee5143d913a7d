//! Raising the version: what has to be known for its plan, and what its step does to the files.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::path::{Component, Path, PathBuf};

use super::branch::Place as Repository;
use crate::failure::{Failure, FailureKind, Result};
use crate::hotfix::flows;
use crate::hotfix::flows::bump::Facts;
use crate::hotfix::git::{Reader, Released};
use crate::hotfix::version::{self, Place, Target, bare};
use crate::plan::Plan;
use crate::text::visible;

/// Makes the plan.
///
/// # Errors
/// The repository cannot be read, or the version cannot be raised as things stand.
pub(super) fn plan(place: &mut Repository<'_>, wanted: Option<&str>) -> Result<Plan> {
    let Repository { ground, id, reader, state } = place;
    let base_at = state.base_at.as_ref().map(|at| at.commit.as_str());
    let Released { series, hotfix, others } = reader.released(&ground.config.hotfix, base_at)?;
    let hotfix = &hotfix;
    let found = match state.commit() {
        Some(commit) => reader.versions(commit, hotfix)?,
        None => version::Found::default(),
    };
    let base = match &state.base_at {
        Some(at) => reader.versions(&at.commit, hotfix)?.versions(),
        None => Vec::new(),
    };
    let mut paths: Vec<&str> = found.held.iter().map(|held| held.target.path.as_str()).collect();
    paths.sort_unstable();
    paths.dedup();
    let hindered: Vec<_> =
        paths.into_iter().filter_map(|path| Some((path.to_owned(), reader.hindrance(path)?))).collect();
    let facts = Facts {
        config: ground.config,
        state,
        found: &found,
        base: &base,
        hindered: &hindered,
        series: &series,
        tags: &reader.tag_names(),
        others: &others,
        program: &own_path()?,
    };
    flows::bump(&facts, id, wanted)
}

/// Where this program is, as it is named in a plan.
fn own_path() -> Result<String> {
    let doing = "bumping the version";
    let hint = "open flightdeck anew, from where it is now";
    let path = std::env::current_exe().map_err(|error| {
        Failure::new(doing, format!("flightdeck cannot find its own program file: {error}"), hint)
    })?;
    if !path.is_file() {
        let cause = format!("flightdeck is not at {} any more", visible(&path.to_string_lossy()));
        return Err(Failure::new(doing, cause, hint));
    }
    path.into_os_string()
        .into_string()
        .map_err(|_| Failure::new(doing, "the path of flightdeck is not UTF-8", "move it to a plain path"))
}

/// What becomes of a file.
struct Change {
    path: PathBuf,
    /// What stands in it now.
    before: String,
    after: String,
}

/// Puts a version into every place of files of a work tree. All files are looked at before the
/// first is changed; one that has the version already stays as it is. Returns the files changed.
///
/// # Errors
/// A file is not there, is a link, or holds neither version; or it cannot be written.
pub fn put_version(root: &Path, targets: &[Target], from: &str, to: &str) -> Result<Vec<String>> {
    let doing = |path: &str| format!("putting {} into {}", visible(to), visible(path));
    let mut changes = Vec::new();
    for (path, places) in by_file(targets) {
        let refused = |why: String| {
            Failure::new(
                doing(path),
                visible(&why),
                "see what changed there: git diff; then make the plan again",
            )
        };
        let before = read(root, path).map_err(refused)?;
        let after = version::edit(path, &before, &places, from, to).map_err(refused)?;
        if before != after {
            changes.push((path, Change { path: root.join(path), before, after }));
        }
    }
    let mut done = Vec::new();
    for (path, change) in changes {
        write(&change).map_err(|error| {
            Failure::new(doing(path), error, "make the file and its folder writable, then try again")
        })?;
        done.push(path.to_owned());
    }
    Ok(done)
}

/// Tells whether every place holds a version: in the work tree, or in the commit that a reference
/// leads to. `Ok(Err(…))`: one does not, and which.
///
/// # Errors
/// Nobody can tell: a file or the repository cannot be read.
pub fn has_version(
    root: &Path,
    targets: &[Target],
    wanted: &str,
    at: Option<&str>,
) -> Result<Result<(), String>> {
    let doing = format!("looking whether files hold {}", visible(wanted));
    let unknown =
        |cause: String| Failure::of(FailureKind::Unknown, &doing, visible(&cause), "look for yourself");
    let tree = match at {
        Some(reference) => {
            let reader = Reader::open(root).map_err(|none| none.failure(&root.to_string_lossy()));
            let reader = reader.map_err(|failure| unknown(failure.cause))?;
            let commit = reader.resolve(reference).map_err(|failure| unknown(failure.cause))?;
            Some((reader, commit))
        }
        None => None,
    };
    for (path, places) in by_file(targets) {
        let text = match &tree {
            Some((reader, commit)) => match reader.text_at(commit, path) {
                Ok(Some(text)) => text,
                Ok(None) => return Ok(Err(format!("{} is not there", visible(path)))),
                Err(failure) => return Err(unknown(format!("{path}: {}", failure.cause))),
            },
            None => read(root, path).map_err(|why| unknown(format!("{path}: {why}")))?,
        };
        match version::all_spots(path, &text, &places) {
            Ok(spots) => {
                if let Some(other) = spots.iter().find(|spot| bare(&spot.version) != bare(wanted)) {
                    return Ok(Err(format!("{} holds {}", visible(path), visible(&other.version))));
                }
            }
            Err(why) => return Ok(Err(format!("{}: {}", visible(path), visible(&why)))),
        }
    }
    Ok(Ok(()))
}

/// The places of each file, in the order in which files are first named.
fn by_file(targets: &[Target]) -> Vec<(&str, Vec<&Place>)> {
    let mut files: Vec<(&str, Vec<&Place>)> = Vec::new();
    for target in targets {
        match files.iter_mut().find(|(path, _)| *path == target.path) {
            Some((_, places)) => places.push(&target.place),
            None => files.push((&target.path, vec![&target.place])),
        }
    }
    files
}

/// The text of a file in the work tree. No link is followed, and nothing outside is read.
fn read(root: &Path, path: &str) -> Result<String, String> {
    let relative = Path::new(path);
    if path.is_empty() || !relative.components().all(|part| matches!(part, Component::Normal(_))) {
        return Err("its path leads out of the repository".to_owned());
    }
    let mut whole = root.to_path_buf();
    for part in relative.components() {
        whole.push(part);
        let there = whole.symlink_metadata().map_err(|error| error.to_string())?;
        if there.is_symlink() {
            return Err("it is, or lies behind, a symbolic link".to_owned());
        }
    }
    if !whole.is_file() {
        return Err("it is not a file".to_owned());
    }
    let most = version::most_bytes(path);
    let mut bytes = Vec::new();
    let file = File::open(&whole).map_err(|error| error.to_string())?;
    file.take(most as u64 + 1).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    if bytes.len() > most {
        return Err(format!("it is larger than {} KiB", most >> 10));
    }
    String::from_utf8(bytes).map_err(|_| "it is not UTF-8 text".to_owned())
}

/// Writes the whole file beside its place and moves it there: whoever reads it meanwhile sees the
/// old or the new one. It keeps its mode.
fn write(change: &Change) -> std::io::Result<()> {
    let name = change.path.file_name().unwrap_or_default().to_string_lossy();
    let beside = change.path.with_file_name(format!(".{name}.flightdeck-{}", std::process::id()));
    let written = (|| {
        let mode = change.path.symlink_metadata()?.permissions();
        let mut file = OpenOptions::new().write(true).create_new(true).open(&beside)?;
        file.set_permissions(mode)?;
        file.write_all(change.after.as_bytes())?;
        file.sync_all()?;
        if std::fs::read(&change.path)? != change.before.as_bytes() {
            return Err(std::io::Error::other("somebody else has just changed it"));
        }
        std::fs::rename(&beside, &change.path)
    })();
    if written.is_err() {
        // What is left beside it is ours, and of no use to anybody.
        let _ = std::fs::remove_file(&beside);
    }
    written
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    fn target(path: &str) -> Target {
        Target { path: path.to_owned(), place: Place::Own }
    }

    fn names(dir: &Path) -> Vec<String> {
        let mut names: Vec<String> =
            dir.read_dir().unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn files_keep_their_mode_and_nothing_is_left_beside_them() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("VERSION");
        std::fs::write(&path, "1.2.3\r\n").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o751)).unwrap();
        let targets = [target("VERSION")];
        assert_eq!(put_version(dir.path(), &targets, "1.2.3", "1.2.4").unwrap(), ["VERSION"]);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "1.2.4\r\n");
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o751);
        assert_eq!(names(dir.path()), ["VERSION"]);
        assert_eq!(put_version(dir.path(), &targets, "1.2.3", "1.2.4").unwrap(), [""; 0], "twice is once");
        assert_eq!(has_version(dir.path(), &targets, "v1.2.4", None).unwrap(), Ok(()));
        let said = has_version(dir.path(), &targets, "1.2.3", None).unwrap().unwrap_err();
        assert_eq!(said, "VERSION holds 1.2.4");
    }

    #[test]
    fn nothing_is_changed_where_one_file_cannot_be() {
        let dir = tempfile::tempdir().unwrap();
        let outside = tempfile::tempdir().unwrap();
        std::fs::write(outside.path().join("VERSION"), "1.2.3\n").unwrap();
        symlink(outside.path(), dir.path().join("linked")).unwrap();
        std::fs::write(dir.path().join("VERSION"), "1.2.3\n").unwrap();
        std::fs::create_dir_all(dir.path().join("sub")).unwrap();
        symlink("../VERSION", dir.path().join("sub/VERSION")).unwrap();
        std::fs::write(dir.path().join("Cargo.toml"), [0xff, 0xfe]).unwrap();
        for (bad, why) in [
            ("linked/VERSION", "symbolic link"),
            ("sub/VERSION", "symbolic link"),
            ("../VERSION", "out of the repository"),
            ("Cargo.toml", "not UTF-8"),
            ("gone/VERSION", "No such file"),
            ("sub", "not a file"),
        ] {
            let targets = [target("VERSION"), target(bad)];
            let failure = put_version(dir.path(), &targets, "1.2.3", "1.2.4").unwrap_err();
            assert!(failure.cause.contains(why), "{bad}: {failure}");
            assert_eq!(std::fs::read_to_string(dir.path().join("VERSION")).unwrap(), "1.2.3\n", "{bad}");
        }
        assert_eq!(std::fs::read_to_string(outside.path().join("VERSION")).unwrap(), "1.2.3\n");
        let unknown = has_version(dir.path(), &[target("gone/VERSION")], "1.2.3", None).unwrap_err();
        assert_eq!(unknown.kind, FailureKind::Unknown);
    }

    #[test]
    fn a_file_that_is_too_long_is_not_read_to_its_end() {
        let dir = tempfile::tempdir().unwrap();
        let long = format!("[package]\nversion = \"1.2.3\"\n{}", "#".repeat(version::MAX_BYTES));
        std::fs::write(dir.path().join("Cargo.toml"), long).unwrap();
        let failure = put_version(dir.path(), &[target("Cargo.toml")], "1.2.3", "1.2.4").unwrap_err();
        assert!(failure.cause.contains("larger than 1024 KiB"), "{failure}");
    }
}
