//! Where an open journal is: whether its files are still those that stand at its path.
//!
//! SQLite goes on writing to files that were removed, moved or replaced while they are open. All
//! of that succeeds, and nobody finds it again. So the files are known by device and inode, and
//! looked for at the path before anything is called saved.

use std::cell::Cell;
use std::fmt;
use std::fs::{self, File, Metadata};
use std::io;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::open::companion;

/// How long a companion file that does not fit may take to: a connection of this process may
/// just be closing.
const SETTLES: Duration = Duration::from_secs(1);

/// A file, whatever it is called. Not used for another one as long as it is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct FileId {
    device: u64,
    inode: u64,
}

impl From<&Metadata> for FileId {
    fn from(file: &Metadata) -> Self {
        Self { device: file.dev(), inode: file.ino() }
    }
}

/// The file at a path; `None` where there is none.
fn at(path: &Path) -> io::Result<Option<FileId>> {
    match fs::metadata(path) {
        Ok(file) => Ok(Some(FileId::from(&file))),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// How a journal that is open got lost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Gone {
    /// There is no file at the path any more.
    Missing(PathBuf),
    /// Another file is there now.
    Replaced(PathBuf),
    /// A file that SQLite keeps beside it was removed or replaced.
    Companion(PathBuf),
    /// The path cannot be looked at, and why.
    Unreachable(PathBuf, String),
}

impl Gone {
    /// Says what to do about it where nothing can be saved any more.
    pub(super) fn remedy(&self) -> &'static str {
        match self {
            Self::Companion(_) => {
                "quit flightdeck and start it again: it cannot write without that file, and makes a new one \
                 only when it starts"
            }
            _ => super::REPLACED_HINT,
        }
    }
}

impl fmt::Display for Gone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(path) => {
                write!(f, "{} was removed or moved away while it was open", path.display())
            }
            Self::Replaced(path) => {
                write!(f, "{} was replaced by another file while it was open", path.display())
            }
            Self::Companion(path) => {
                write!(f, "{} was removed or replaced while it was in use", path.display())
            }
            Self::Unreachable(path, why) => write!(f, "{} cannot be reached any more: {why}", path.display()),
        }
    }
}

/// A journal's file that this process has open.
struct Known {
    file: Arc<File>,
    id: FileId,
    /// The files beside it, while connections that write use them, and how many do.
    companions: Option<[FileId; 2]>,
    writing: usize,
}

static OPEN: Mutex<Vec<Known>> = Mutex::new(Vec::new());

fn known() -> MutexGuard<'static, Vec<Known>> {
    OPEN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A handle of the database file beside SQLite's own. One a process: closing any handle of a file
/// gives up every lock the process holds on it, also those of SQLite, and whoever closes the
/// journal next would then delete the write-ahead log under a connection that still uses it.
#[derive(Debug)]
pub(super) struct Hold {
    file: Option<Arc<File>>,
    id: FileId,
    /// Whether the connection that it belongs to writes.
    writes: Cell<bool>,
}

impl Hold {
    /// Holds the file at a path, opening it with `open` if no other connection of this process has.
    pub(super) fn take(path: &Path, open: impl FnOnce() -> io::Result<File>) -> io::Result<Self> {
        let mut known = known();
        if let Some(id) = at(path)?
            && let Some(known) = known.iter().find(|known| known.id == id)
        {
            return Ok(Self { file: Some(known.file.clone()), id, writes: Cell::new(false) });
        }
        let file = Arc::new(open()?);
        let id = FileId::from(&file.metadata()?);
        known.push(Known { file: file.clone(), id, companions: None, writing: 0 });
        Ok(Self { file: Some(file), id, writes: Cell::new(false) })
    }

    /// The first bytes of the file.
    pub(super) fn head(&self) -> io::Result<Vec<u8>> {
        let mut head = vec![0; 100];
        let file = self.file.as_ref().ok_or(io::ErrorKind::NotFound)?;
        let read = file.read_at(&mut head, 0)?;
        head.truncate(read);
        Ok(head)
    }

    /// Looks whether another connection of this process uses companion files that are not at the
    /// path any more: SQLite would mix them with those that are.
    pub(super) fn companions_gone(&self, path: &Path) -> Option<Gone> {
        let until = Instant::now() + SETTLES;
        loop {
            let expected = known().iter().find(|known| known.id == self.id)?.companions?;
            let gone = companions_gone(path, expected)?;
            if Instant::now() >= until {
                return Some(gone);
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        // The last one is closed while nobody can take another.
        let mut known = known();
        self.file = None;
        if self.writes.get()
            && let Some(known) = known.iter_mut().find(|known| known.id == self.id)
        {
            known.writing -= 1;
            if known.writing == 0 {
                // The last connection took them along; whoever is about to open makes new ones.
                known.companions = None;
            }
        }
        known.retain(|known| Arc::strong_count(&known.file) > 1);
    }
}

fn companions(path: &Path) -> [PathBuf; 2] {
    ["-wal", "-shm"].map(|suffix| companion(path, suffix))
}

fn companions_gone(path: &Path, expected: [FileId; 2]) -> Option<Gone> {
    companions(path).into_iter().zip(expected).find_map(|(path, expected)| match at(&path) {
        Ok(Some(found)) if found == expected => None,
        Ok(_) => Some(Gone::Companion(path)),
        Err(error) => Some(Gone::Unreachable(path, error.to_string())),
    })
}

/// The files of an open journal.
#[derive(Debug)]
pub(super) struct Place {
    path: PathBuf,
    database: FileId,
    /// The write-ahead log and its index, where it is open for writing.
    companions: Option<[FileId; 2]>,
}

impl Place {
    /// Notes the files of a connection that was just opened at a path. One that only reads may
    /// have companion files that come and go.
    ///
    /// # Errors
    /// They were exchanged meanwhile.
    pub(super) fn of(path: &Path, hold: &Hold, writable: bool) -> Result<Self, Gone> {
        let mut place = Self { path: path.to_owned(), database: hold.id, companions: None };
        if writable {
            let mut ids = [hold.id; 2];
            for (id, path) in ids.iter_mut().zip(companions(path)) {
                let found = at(&path).map_err(|error| Gone::Unreachable(path.clone(), error.to_string()))?;
                *id = found.ok_or(Gone::Companion(path))?;
            }
            place.companions = Some(ids);
            if let Some(known) = known().iter_mut().find(|known| known.id == hold.id) {
                known.companions = Some(ids);
                known.writing += usize::from(!hold.writes.replace(true));
            }
        }
        match place.gone() {
            None => Ok(place),
            Some(gone) => Err(gone),
        }
    }

    /// Looks whether the files at the path are still these.
    pub(super) fn gone(&self) -> Option<Gone> {
        match at(&self.path) {
            Ok(Some(found)) if found == self.database => companions_gone(&self.path, self.companions?),
            Ok(Some(_)) => Some(Gone::Replaced(self.path.clone())),
            Ok(None) => Some(Gone::Missing(self.path.clone())),
            Err(error) => Some(Gone::Unreachable(self.path.clone(), error.to_string())),
        }
    }
}
