//! What SQLite says, in words that tell a person what to do.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;

use rusqlite::ErrorCode;
use rustix::fs::{Access, StatVfsMountFlags, access, statvfs};

use super::{Journal, ReadOnly};
use crate::failure::Failure;

const ELSEWHERE: &str = "or set FLIGHTDECK_STATE_DIR to a directory of yours";
/// Less room than this is none: the write-ahead log and its index need as much to begin with.
const ROOM: u64 = 64 << 10;

impl Journal {
    /// Makes a failure of an error met while `doing` something with this journal.
    pub(super) fn failed(&self, doing: &str, error: &rusqlite::Error) -> Failure {
        failure(doing, &self.path, error)
    }
}

/// Makes a failure of an error met while `doing` something with the journal at `path`.
pub(super) fn failure(doing: &str, path: &Path, error: &rusqlite::Error) -> Failure {
    let shown = path.display();
    let (cause, hint) = match error.sqlite_error_code() {
        None if matches!(error, rusqlite::Error::StatementChangedRows(_)) => (
            format!("{shown} did not keep what was written to it; none of this was saved"),
            "export what can be read, move the file aside and import the export".to_owned(),
        ),
        Some(ErrorCode::DiskFull) => (
            format!("the disk is full: no space left for {shown}; none of this was saved"),
            "free some space on that disk, then do it again".to_owned(),
        ),
        Some(ErrorCode::SystemIoFailure) => match obstacle(path) {
            Some(known) => (format!("{}; none of this was saved", known.why), known.remedy),
            None => (
                format!("{shown} could not be read or written ({error}); none of this was saved"),
                "check the disk (quota, errors in the system log), then do it again".to_owned(),
            ),
        },
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied | ErrorCode::CannotOpen) => {
            let known = read_only(path, error);
            (known.why, known.remedy)
        }
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => (
            format!("{shown} is damaged ({error})"),
            "move it aside and import your last export, or put a backup in its place".to_owned(),
        ),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => (
            format!("another process has held {shown} for {} seconds", super::open::PATIENCE.as_secs()),
            "look for a flightdeck process that hangs, then do it again".to_owned(),
        ),
        _ => (
            format!("{shown}: {error}"),
            "run flightdeck verify to see whether the journal is sound".to_owned(),
        ),
    };
    Failure::new(doing, cause, hint)
}

/// Why a journal cannot be written, given what SQLite said when it was tried.
pub(super) fn read_only(path: &Path, error: &rusqlite::Error) -> ReadOnly {
    obstacle(path).unwrap_or_else(|| ReadOnly {
        why: format!("{} cannot be written ({error})", path.display()),
        remedy: format!("check who owns it and its directory, and the errors in the system log, {ELSEWHERE}"),
    })
}

/// What stands in the way of writing a file, as far as the system tells.
fn obstacle(path: &Path) -> Option<ReadOnly> {
    let dir = path.parent()?;
    let shown = path.display();
    let disk = statvfs(dir).ok()?;
    if disk.f_flag.contains(StatVfsMountFlags::RDONLY) {
        return Some(ReadOnly {
            why: format!("{shown} is on a file system that is mounted read-only"),
            remedy: format!("mount it writable, {ELSEWHERE}"),
        });
    }
    for place in [path, dir] {
        if matches!(access(place, Access::WRITE_OK), Err(rustix::io::Errno::ACCESS)) {
            let owner = fs::metadata(place)
                .map(|meta| {
                    format!(" (owner uid {}, mode {:o})", meta.uid(), meta.permissions().mode() & 0o7777)
                })
                .unwrap_or_default();
            return Some(ReadOnly {
                why: format!("you have no permission to write {}{owner}", place.display()),
                remedy: format!("give yourself permission (chown, chmod u+w), {ELSEWHERE}"),
            });
        }
    }
    let room = disk.f_bavail.saturating_mul(disk.f_frsize);
    if room < ROOM || (disk.f_files > 0 && disk.f_favail == 0) {
        let what = if room < ROOM { "the disk is full" } else { "the disk has no inodes left" };
        return Some(ReadOnly {
            why: format!("{what}: the disk is full: no space left for {shown}"),
            remedy: "make room on that disk".to_owned(),
        });
    }
    None
}
