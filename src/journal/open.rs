//! Opening and making the file: whose it is, whether it can be written, how safely.

use std::cell::Cell;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::errors::{failure, read_only};
use super::place::{Hold, Place};
use super::tampering::{self, Tampering};
use super::{Journal, schema};
use crate::failure::{Failure, Result};
use crate::incident::Author;

/// How long to wait for another process that writes.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

/// Older ones can corrupt a write-ahead log that two connections write to.
const OLDEST_SQLITE: i32 = 3_051_003;

/// What a SQLite file begins with.
const MAGIC: &[u8] = b"SQLite format 3\0";

impl Journal {
    /// Opens the journal of a state directory, making both (0700, 0600) where they are
    /// missing. Where the file can only be read it opens all the same; see
    /// [`Journal::read_only`].
    ///
    /// # Errors
    /// The directory cannot be made, the file is not a journal, is corrupt, or was written
    /// by a newer version.
    pub fn open(state_dir: &Path, author: &str) -> Result<Self> {
        check_sqlite(rusqlite::version_number(), rusqlite::version())?;
        make_dir(state_dir)?;
        Self::open_file(state_dir.join(Self::FILE), author, make_file)
    }

    /// Opens a journal that somebody else in the program has open. Where that was taken away, none
    /// is made in its place.
    ///
    /// # Errors
    /// As with [`Journal::open`], and there is none.
    pub fn open_again(state_dir: &Path, author: &str) -> Result<Self> {
        Self::open_file(state_dir.join(Self::FILE), author, existing)
    }

    /// Opens the journal at a path; `file` opens the file itself, or makes it.
    pub(super) fn open_file(
        path: PathBuf,
        author: &str,
        file: impl FnOnce(&Path) -> std::io::Result<File>,
    ) -> Result<Self> {
        let doing = format!("opening the journal {}", path.display());
        let hold = Hold::take(&path, || file(&path)).map_err(|error| cannot_open(&path, &error))?;
        check_header(&path, &hold)?;
        if let Some(gone) = hold.companions_gone(&path) {
            let remedy = gone.remedy();
            return Err(Failure::new(doing, gone, remedy));
        }
        let failed = |error: &rusqlite::Error| failure(&doing, &path, error);
        let (conn, copy, read_only) = match open_for_writing(&path) {
            Ok(Ok(conn)) => (conn, None, None),
            Ok(Err(tampering)) => {
                let (conn, copy) = open_for_reading(&path, &read_only_error()).map_err(|e| failed(&e))?;
                (conn, copy, Some(tampering.read_only(&path)))
            }
            Err(error) if is_about_writing(&error) => {
                let (conn, copy) = open_for_reading(&path, &error).map_err(|e| failed(&e))?;
                if schema::user_version(&conn).map_err(|e| failed(&e))? == 0 {
                    // Nothing was ever written to it, and nothing can be.
                    return Err(failed(&error));
                }
                (conn, copy, Some(read_only(&path, &error)))
            }
            Err(error) => return Err(failed(&error)),
        };
        check_version(&path, schema::user_version(&conn).map_err(|e| failed(&e))?)?;
        let node =
            conn.query_row("SELECT value FROM meta WHERE key = 'node'", [], |row| row.get::<_, i64>(0));
        let node = match (node, &read_only) {
            (Ok(node), _) => node,
            // Nothing is written under that number.
            (Err(_), Some(_)) => 0,
            (Err(error), None) => return Err(failed(&error)),
        };
        conn.set_prepared_statement_cache_capacity(64);
        let place = Place::of(&path, &hold, read_only.is_none())
            .map_err(|gone| Failure::new(&doing, gone, super::REPLACED_HINT))?;
        Ok(Self {
            conn,
            path,
            author: Author { name: author.trim().to_owned(), node: node as u64 },
            read_only,
            only: super::limits::Only::default(),
            latest: Cell::new(None),
            schema: Cell::new(None),
            thinned: None,
            place,
            _copy: copy,
            _hold: hold,
        })
    }
}

fn check_sqlite(number: i32, version: &str) -> Result<()> {
    if number >= OLDEST_SQLITE {
        return Ok(());
    }
    Err(Failure::new(
        "opening the journal",
        format!("SQLite {version} is too old: before 3.51.3 two writers could corrupt the file"),
        "build flightdeck with its bundled SQLite",
    ))
}

fn make_dir(dir: &Path) -> Result<()> {
    if dir.is_dir() {
        return Ok(());
    }
    let made = DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(dir)
        // The umask can take bits away, never add them.
        .and_then(|()| fs::set_permissions(dir, fs::Permissions::from_mode(0o700)));
    made.map_err(|error| {
        Failure::new(
            format!("making the state directory {}", dir.display()),
            error,
            "make it yourself, or set FLIGHTDECK_STATE_DIR to a directory you can write to",
        )
    })
}

/// Opens the file, and makes none.
pub(super) fn existing(path: &Path) -> std::io::Result<File> {
    File::open(path)
}

/// Opens the file, or makes it if it is missing, so that it is private before anything is in it.
/// SQLite gives its companion files the same permissions.
fn make_file(path: &Path) -> std::io::Result<File> {
    match OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(path) {
        Ok(file) => {
            // Whatever the umask; a failure leaves the file more private, not less.
            let _ = file.set_permissions(fs::Permissions::from_mode(0o600));
            Ok(file)
        }
        Err(error) if error.kind() == ErrorKind::AlreadyExists => File::open(path),
        // A read-only file system may say so before it says that the file is there.
        Err(_) if path.exists() => File::open(path),
        Err(error) => Err(error),
    }
}

fn cannot_open(path: &Path, error: &std::io::Error) -> Failure {
    if path.exists() {
        let doing = format!("opening the journal {}", path.display());
        return Failure::new(doing, error, "check who owns it: it holds your incidents");
    }
    if error.kind() == ErrorKind::NotFound && path.parent().is_some_and(Path::is_dir) {
        let doing = format!("opening the journal {}", path.display());
        return Failure::new(doing, "it is not there any more", super::REPLACED_HINT);
    }
    let hint = if error.kind() == ErrorKind::StorageFull {
        "free some space on that disk, or set FLIGHTDECK_STATE_DIR to a directory on another one"
    } else {
        "make its directory writable, or set FLIGHTDECK_STATE_DIR to a directory you can write to"
    };
    Failure::new(format!("making the journal {}", path.display()), error, hint)
}

/// Looks at the first bytes without SQLite, which could change a file that is not ours.
fn check_header(path: &Path, hold: &Hold) -> Result<()> {
    let doing = || format!("opening the journal {}", path.display());
    let header = hold
        .head()
        .map_err(|error| Failure::new(doing(), error, "check who owns it: it holds your incidents"))?;
    let unfinished = fs::metadata(companion(path, "-journal")).is_ok_and(|meta| meta.len() > 0);
    if header.is_empty() || unfinished {
        // New, or being made; what is in it is checked again under its lock.
        return Ok(());
    }
    let foreign = |cause: String| {
        Err(Failure::new(
            doing(),
            cause,
            "move it elsewhere, or set FLIGHTDECK_STATE_DIR to another directory",
        ))
    };
    if !header.starts_with(MAGIC) {
        return foreign("it is not a journal, or its beginning is damaged; it was left as it is".to_owned());
    }
    let number =
        |at: usize| header.get(at..at + 4).and_then(|b| b.try_into().ok()).map_or(0, i32::from_be_bytes);
    if number(68) != schema::APPLICATION_ID {
        return foreign("it belongs to another program; it was left as it is".to_owned());
    }
    check_version(path, number(60))
}

pub(super) fn check_version(path: &Path, found: i32) -> Result<()> {
    let known = schema::version();
    if (1..=known).contains(&found) {
        return Ok(());
    }
    let doing = format!("opening the journal {}", path.display());
    Err(if found > known {
        Failure::new(
            doing,
            format!(
                "a newer flightdeck wrote it (format {found}, this one knows {known}); it was left as it is"
            ),
            "use the newer flightdeck, or set FLIGHTDECK_STATE_DIR to another directory",
        )
    } else {
        Failure::new(
            doing,
            format!("it says that its format is {found}, which never was; it was left as it is"),
            "put a backup in its place, or set FLIGHTDECK_STATE_DIR to another directory",
        )
    })
}

/// Opens what can be written; or says how it was tampered with, for which it must not be.
fn open_for_writing(path: &Path) -> rusqlite::Result<std::result::Result<Connection, Tampering>> {
    let mut conn = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    if conn.is_readonly(rusqlite::MAIN_DB)? {
        return Err(read_only_error());
    }
    // What is made here is made before the file becomes a WAL file: so its header tells
    // whose it is without any companion file.
    if schema::user_version(&conn)? < schema::version() {
        refuse_foreign(&conn)?;
        if let Some(tampering) = schema::migrate(&mut conn, schema::MIGRATIONS)? {
            return Ok(Err(tampering));
        }
    }
    let known = conn.unchecked_transaction()?;
    if schema::user_version(&known)? == schema::version()
        && let Some(tampering) = tampering::find(&known)?
    {
        return Ok(Err(tampering));
    }
    known.commit()?;
    become_wal(&conn)?;
    conn.pragma_update(None, "synchronous", "FULL")?;
    Ok(Ok(conn))
}

/// A file without a version and with tables was made by somebody else.
fn refuse_foreign(conn: &Connection) -> rusqlite::Result<()> {
    // In this order: another process may be setting the file up in between.
    let tables: i64 = conn.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    let id: i32 = conn.pragma_query_value(None, "application_id", |row| row.get(0))?;
    if id == schema::APPLICATION_ID || tables == 0 {
        return Ok(());
    }
    Err(sqlite_error(rusqlite::ffi::SQLITE_NOTADB))
}

/// Needs the file for itself for a moment, which SQLite does not wait for by itself.
fn become_wal(conn: &Connection) -> rusqlite::Result<()> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let mode = conn.pragma_update_and_check(None, "journal_mode", "wal", |row| row.get::<_, String>(0));
        match mode {
            Ok(mode) if mode.eq_ignore_ascii_case("wal") => return Ok(()),
            Ok(_) => return Err(read_only_error()),
            Err(error) if is_busy(&error) && Instant::now() < deadline => {
                std::thread::sleep(Duration::from_millis(2));
            }
            Err(error) => return Err(error),
        }
    }
}

/// Opens what cannot be written: in place if SQLite can, else as it lies there if nothing
/// waits in its log, else from a copy.
pub(super) fn open_for_reading(
    path: &Path,
    why: &rusqlite::Error,
) -> rusqlite::Result<(Connection, Option<Copy>)> {
    if let Ok(conn) = connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY)
        && schema::user_version(&conn).is_ok()
    {
        return Ok((conn, None));
    }
    let waiting = fs::metadata(companion(path, "-wal")).is_ok_and(|meta| meta.len() > 0);
    if waiting {
        let copy = Copy::of(path).map_err(|_| sqlite_error(why_code(why)))?;
        let conn = connect(&copy.file(), OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        return Ok((conn, Some(copy)));
    }
    let escaped: String = path.to_string_lossy().chars().flat_map(escape_for_uri).collect();
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
    let conn = Connection::open_with_flags(format!("file:{escaped}?immutable=1"), flags)?;
    Ok((conn, None))
}

fn escape_for_uri(c: char) -> Vec<char> {
    match c {
        '%' | '?' | '#' => format!("%{:02X}", u32::from(c)).chars().collect(),
        c => vec![c],
    }
}

fn connect(path: &Path, access: OpenFlags) -> rusqlite::Result<Connection> {
    let mut conn = Connection::open_with_flags(path, access | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    // SQLite's own waiting grows to a tenth of a second a try, which two busy writers feel.
    conn.busy_handler(Some(|tries: i32| {
        std::thread::sleep(Duration::from_millis(1));
        u128::from(tries.unsigned_abs()) < PATIENCE.as_millis()
    }))?;
    Ok(conn)
}

pub(super) fn companion(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

fn is_busy(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
}

/// Tells whether an error only says that the file or its companions cannot be written: for
/// want of permission, or of room.
fn is_about_writing(error: &rusqlite::Error) -> bool {
    use rusqlite::ffi::{
        SQLITE_IOERR_FSYNC, SQLITE_IOERR_SHMMAP, SQLITE_IOERR_SHMOPEN, SQLITE_IOERR_SHMSIZE,
        SQLITE_IOERR_TRUNCATE, SQLITE_IOERR_WRITE,
    };
    let writing = [
        SQLITE_IOERR_WRITE,
        SQLITE_IOERR_FSYNC,
        SQLITE_IOERR_TRUNCATE,
        SQLITE_IOERR_SHMOPEN,
        SQLITE_IOERR_SHMSIZE,
        SQLITE_IOERR_SHMMAP,
    ];
    match error.sqlite_error_code() {
        Some(
            ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied | ErrorCode::DiskFull,
        ) => true,
        _ => error.sqlite_error().is_some_and(|error| writing.contains(&error.extended_code)),
    }
}

fn read_only_error() -> rusqlite::Error {
    sqlite_error(rusqlite::ffi::SQLITE_READONLY)
}

fn sqlite_error(code: i32) -> rusqlite::Error {
    rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(code), None)
}

fn why_code(error: &rusqlite::Error) -> i32 {
    error.sqlite_error().map_or(rusqlite::ffi::SQLITE_CANTOPEN, |e| e.extended_code)
}

/// A private copy of a journal that lies where nothing can be written. Removed when done.
#[derive(Debug)]
pub(super) struct Copy(PathBuf);

impl Copy {
    pub(super) fn of(path: &Path) -> std::io::Result<Self> {
        let dir = std::env::temp_dir().join(format!("flightdeck-{}", uuid::Uuid::now_v7()));
        DirBuilder::new().mode(0o700).create(&dir)?;
        let copy = Self(dir);
        let file = copy.file();
        for suffix in ["", "-wal"] {
            let mut from = File::open(companion(path, suffix))?;
            let target = companion(&file, suffix);
            let mut to = OpenOptions::new().write(true).create_new(true).mode(0o600).open(target)?;
            std::io::copy(&mut from, &mut to)?;
        }
        Ok(copy)
    }

    pub(super) fn file(&self) -> PathBuf {
        self.0.join(Journal::FILE)
    }
}

impl Drop for Copy {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_old_sqlite_is_refused() {
        assert!(check_sqlite(3_051_003, "3.51.3").is_ok());
        assert!(check_sqlite(3_051_002, "3.51.2").unwrap_err().cause.contains("3.51.2"));
    }

    #[test]
    fn an_uri_names_the_file_it_should() {
        let escaped: String = "/a?b#c%d é".chars().flat_map(escape_for_uri).collect();
        assert_eq!(escaped, "/a%3Fb%23c%25d é");
    }
}
