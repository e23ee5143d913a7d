//! What SQLite says, in words that tell a person what to do.

use rusqlite::ErrorCode;

use super::Journal;
use crate::failure::Failure;

impl Journal {
    /// Makes a failure of an error met while `doing` something with this journal.
    pub(super) fn failed(&self, doing: &str, error: &rusqlite::Error) -> Failure {
        failure(doing, &self.path, error)
    }
}

/// Makes a failure of an error met while `doing` something with the journal at `path`.
pub(super) fn failure(doing: &str, path: &std::path::Path, error: &rusqlite::Error) -> Failure {
    let path = path.display();
    let (cause, hint) = match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => (
            format!("there is no room left for {path}; nothing of this was saved"),
            "make room on that disk, then do it again",
        ),
        Some(ErrorCode::SystemIoFailure) => (
            format!("{path} could not be read or written ({error}); nothing of this was saved"),
            "look at the disk (room, quota, errors in the system log), then do it again",
        ),
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied | ErrorCode::CannotOpen) => (
            format!("{path} cannot be opened for writing ({error})"),
            "check who owns it and its directory, or set FLIGHTDECK_STATE_DIR to a directory of yours",
        ),
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => (
            format!("{path} is damaged ({error})"),
            "move it aside and import your last export, or put a backup in its place",
        ),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => (
            format!("another process has held {path} for {} seconds", super::open::PATIENCE.as_secs()),
            "look for a flightdeck process that hangs, then do it again",
        ),
        _ => (format!("{path}: {error}"), "run flightdeck verify to see whether the journal is sound"),
    };
    Failure::new(doing, cause, hint)
}
