//! The files of a run: where they are, private to their owner, and the note of how it ended
//! that survives a full disk.

use std::fs::{DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::deploy::pipeline::Job;
use crate::incident::{IncidentId, Outcome};

/// Name of the note of how a run ended.
const NOTE: &str = "outcome.json";
/// Size of that note. Written in full beforehand, so that a full disk cannot refuse it later.
const NOTE_BYTES: usize = 4096;
/// Most bytes of the jobs of a pipeline that are read.
const MOST_JOBS: u64 = 8 << 20;
/// Name of the file with the jobs of a pipeline that a run follows, as JSON.
pub(super) const JOBS: &str = "jobs.json";
/// Name of the pipe that carries keys to the command.
pub(super) const INPUT: &str = "input";

/// The directory that holds the log of a run. Names from outside stay inside the state
/// directory.
pub fn log_dir(state_dir: &Path, incident: IncidentId, run: &str) -> PathBuf {
    incident_dir(state_dir, incident).join(file_name(run))
}

/// The file in which a conductor that failed says why.
pub(super) fn why_file(state_dir: &Path, incident: IncidentId, plan: &str) -> PathBuf {
    incident_dir(state_dir, incident).join(format!("{}.why", file_name(plan)))
}

fn incident_dir(state_dir: &Path, incident: IncidentId) -> PathBuf {
    state_dir.join("runs").join(incident.to_string())
}

/// Makes a name fit for one path component: letters, digits, `.`, `_`, `-`; never hidden,
/// never more than 100 bytes.
pub(super) fn file_name(text: &str) -> String {
    let name: String = text
        .chars()
        .take(100)
        .map(|c| if c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-') { c } else { '-' })
        .collect();
    match name.trim_start_matches(['.', '-']) {
        "" => "x".to_owned(),
        name => name.to_owned(),
    }
}

/// Makes a directory and those above it, 0700 whatever the umask.
pub(super) fn make_dir(dir: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
    std::fs::set_permissions(dir, Permissions::from_mode(0o700))
}

/// Makes a directory that was not there, 0700 whatever the umask.
///
/// # Errors
/// It is there already, or cannot be made.
pub(super) fn make_new_dir(dir: &Path) -> io::Result<()> {
    if let Some(above) = dir.parent() {
        make_dir(above)?;
    }
    DirBuilder::new().mode(0o700).create(dir)?;
    std::fs::set_permissions(dir, Permissions::from_mode(0o700))
}

/// Makes a file that was not there, 0600 whatever the umask.
pub(super) fn make_file(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(path)?;
    file.set_permissions(Permissions::from_mode(0o600))?;
    Ok(file)
}

/// How a run ended, as kept beside its log until the journal has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Ended {
    /// How.
    pub(super) outcome: Outcome,
    /// The last line of output worth showing.
    pub(super) summary: String,
    /// What was still alive then, one `pid name` each.
    pub(super) survivors: Vec<String>,
    /// The last lines of its output, where it did not go well.
    #[serde(default)]
    pub(super) tail: Vec<String>,
    /// Milliseconds since the Unix epoch at which it ended.
    pub(super) at_ms: i64,
}

/// Reads the jobs of a pipeline that a run follows, whenever they change.
#[derive(Debug)]
pub struct JobsReader {
    path: PathBuf,
    /// When the file was written that was read last.
    seen: Option<std::time::SystemTime>,
}

impl JobsReader {
    /// Reads those of the run in this directory.
    pub fn new(dir: &Path) -> Self {
        Self { path: dir.join(JOBS), seen: None }
    }

    /// Reads them; `None`: nothing has changed, or there are none.
    pub fn news(&mut self) -> Option<Vec<Job>> {
        let file = File::open(&self.path).ok()?;
        let written = file.metadata().ok()?.modified().ok()?;
        if self.seen == Some(written) {
            return None;
        }
        self.seen = Some(written);
        let mut text = Vec::new();
        file.take(MOST_JOBS).read_to_end(&mut text).ok()?;
        serde_json::from_slice(&text).ok()
    }
}

/// The note of how a run ended: made before the command starts, filled after its end.
#[derive(Debug)]
pub(super) struct Note {
    file: File,
}

impl Note {
    /// Makes the note of a run and claims its room on the disk.
    pub(super) fn make(dir: &Path) -> io::Result<Self> {
        let mut file = make_file(&dir.join(NOTE))?;
        file.write_all(&[b' '; NOTE_BYTES])?;
        file.sync_all()?;
        Ok(Self { file })
    }

    /// Writes down how the run ended, and makes sure of it.
    pub(super) fn write(&mut self, ended: &Ended) -> io::Result<()> {
        let mut text = serde_json::to_vec(ended)?;
        if text.len() > NOTE_BYTES {
            let short =
                Ended { summary: String::new(), survivors: Vec::new(), tail: Vec::new(), ..ended.clone() };
            text = serde_json::to_vec(&short)?;
        }
        // Blanks after JSON are no part of it: the size stays what was claimed.
        text.resize(NOTE_BYTES.max(text.len()), b' ');
        self.file.seek(SeekFrom::Start(0))?;
        self.file.write_all(&text)?;
        self.file.sync_all()
    }

    /// Reads how a run ended; `None` where nobody wrote it down.
    pub(super) fn read(dir: &Path) -> Option<Ended> {
        let mut text = Vec::new();
        File::open(dir.join(NOTE)).ok()?.take(1 << 20).read_to_end(&mut text).ok()?;
        serde_json::from_slice(&text).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_inside_the_state_directory() {
        let incident = IncidentId(uuid::Uuid::nil());
        let base = incident_dir(Path::new("/s"), incident);
        for name in ["../../etc/passwd", "/etc", "..", ".", "", "a/b", "a\0b", "\u{202E}x", ".hidden"] {
            let dir = log_dir(Path::new("/s"), incident, name);
            assert_eq!(dir.parent(), Some(&*base), "{name:?} became {dir:?}");
            assert!(!dir.file_name().unwrap().to_str().unwrap().starts_with('.'));
        }
        assert_eq!(log_dir(Path::new("/s"), incident, "deploy-staging-3.1"), base.join("deploy-staging-3.1"));
    }

    #[test]
    fn the_note_is_read_back_and_keeps_its_size() {
        let dir = tempfile::tempdir().unwrap();
        let mut note = Note::make(dir.path()).unwrap();
        assert_eq!(Note::read(dir.path()), None, "an empty note says nothing");
        let mut ended = Ended {
            outcome: Outcome::Exited { code: 3 },
            summary: "x".repeat(9000),
            survivors: Vec::new(),
            tail: Vec::new(),
            at_ms: 7,
        };
        note.write(&ended).unwrap();
        assert_eq!(Note::read(dir.path()).unwrap().outcome, Outcome::Exited { code: 3 });
        ended.summary = "done".to_owned();
        note.write(&ended).unwrap();
        assert_eq!(Note::read(dir.path()), Some(ended));
        assert_eq!(std::fs::metadata(dir.path().join(NOTE)).unwrap().len(), NOTE_BYTES as u64);
    }

    #[test]
    fn files_are_private() {
        let dir = tempfile::tempdir().unwrap();
        let inner = dir.path().join("a/b");
        make_new_dir(&inner).unwrap();
        make_file(&inner.join("f")).unwrap();
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&inner), mode(&inner.join("f"))), (0o700, 0o600));
        assert!(make_new_dir(&inner).is_err(), "a run has its directory to itself");
    }
}
