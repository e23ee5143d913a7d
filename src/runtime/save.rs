//! Files for the user: never over what is there, and readable by their owner only.

use std::fs::File;
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use crate::config::dirs::{private_directory, private_file};
use crate::failure::{Failure, Result};

/// Directory of reports and exports in the state directory.
const REPORTS: &str = "reports";

/// Where files for the user go: into a directory of our own beside the journal, for its owner only, and
/// not into a work tree that others look after. Where the journal's directory was taken away none is
/// made in its place; then it is `here`.
pub(super) fn place(state_dir: &Path, here: &Path) -> Result<PathBuf> {
    if !state_dir.is_dir() {
        return Ok(here.to_owned());
    }
    let directory = state_dir.join(REPORTS);
    private_directory(&directory)
        .map_err(|error| failed("creating the directory for the report", &directory, &error))?;
    Ok(directory)
}

/// Writes a file of this name, or with a number where there is one already: `report-2.md`. Returns
/// its path. What could not be written whole is removed again.
pub(super) fn save(
    directory: &Path,
    name: &str,
    write: impl FnOnce(&mut File) -> Result<()>,
) -> Result<PathBuf> {
    let doing = format!("saving {name}");
    let (stem, ending) = name.rsplit_once('.').unwrap_or((name, "txt"));
    for n in 1..100 {
        let name = if n == 1 { name.to_owned() } else { format!("{stem}-{n}.{ending}") };
        let path = directory.join(&name);
        let mut file = match private_file(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::AlreadyExists => continue,
            Err(error) => return Err(failed(&doing, &path, &error)),
        };
        let written = write(&mut file).and_then(|()| {
            file.flush().and_then(|()| file.sync_all()).map_err(|e| failed(&doing, &path, &e))
        });
        return match written {
            Ok(()) => Ok(path),
            Err(failure) => {
                // What is left of the attempt.
                let _ = std::fs::remove_file(&path);
                Err(failure)
            }
        };
    }
    Err(Failure::new(doing, "there are a hundred of them already", "remove some"))
}

fn failed(doing: &str, path: &Path, error: &std::io::Error) -> Failure {
    let hint = match error.kind() {
        ErrorKind::StorageFull => "make room on that disk",
        ErrorKind::ReadOnlyFilesystem => "its file system is mounted read-only; copy the text instead",
        _ => "make the directory writable",
    };
    Failure::new(doing, format!("{}: {error}", path.display()), hint)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn text(text: &'static str) -> impl FnOnce(&mut File) -> Result<()> {
        move |file| file.write_all(text.as_bytes()).map_err(|e| Failure::new("", e, ""))
    }

    #[test]
    fn a_file_is_private_and_none_is_written_over() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(save(dir.path(), "a.md", text("one")).unwrap(), dir.path().join("a.md"));
        assert_eq!(save(dir.path(), "a.md", text("two")).unwrap(), dir.path().join("a-2.md"));
        for (name, said) in [("a.md", "one"), ("a-2.md", "two")] {
            let path = dir.path().join(name);
            assert_eq!(std::fs::read_to_string(&path).unwrap(), said);
            assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }

    #[test]
    fn files_go_beside_the_journal_as_long_as_that_is_there() {
        let dir = tempfile::tempdir().unwrap();
        let (state, here) = (dir.path().join("state"), dir.path().join("here"));
        assert_eq!(place(&state, &here).unwrap(), here);
        assert!(!state.exists(), "nothing is made in its place");
        std::fs::create_dir(&state).unwrap();
        let reports = place(&state, &here).unwrap();
        assert_eq!(reports, state.join("reports"));
        assert_eq!(place(&state, &here).unwrap(), reports);
        assert_eq!(std::fs::metadata(&reports).unwrap().permissions().mode() & 0o777, 0o700);
    }

    #[test]
    fn nothing_half_written_is_left() {
        let dir = tempfile::tempdir().unwrap();
        let full = Failure::new("saving", "the disk is full", "");
        assert_eq!(save(dir.path(), "a.md", |_| Err(full.clone())).unwrap_err(), full);
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    }
}
