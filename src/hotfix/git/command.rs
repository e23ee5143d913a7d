//! The git command for reading, where libgit2 would take too long or merges otherwise. What a
//! repository's configuration could make it run is switched off, and what it makes goes into a
//! directory of its own that is removed again: nothing is written into the repository.

use std::ffi::{OsStr, OsString};
use std::fs::DirBuilder;
use std::io::Read as _;
use std::os::unix::fs::DirBuilderExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Instant;

use git2::Repository;
use rustix::process::{Pid, Signal, kill_process_group};

/// What it may see of our environment: where programs and the user's own configuration are.
const KEPT: [&str; 9] = [
    "PATH",
    "HOME",
    "XDG_CONFIG_HOME",
    "TMPDIR",
    "GIT_CONFIG_GLOBAL",
    "GIT_CONFIG_SYSTEM",
    "GIT_CONFIG_NOSYSTEM",
    "LD_LIBRARY_PATH",
    "NIX_SSL_CERT_FILE",
];

/// Configuration that could run something or change what is printed.
const OFF: [&str; 9] = [
    "core.fsmonitor=false",
    "core.hooksPath=/dev/null",
    "core.pager=cat",
    "core.sshCommand=false",
    "credential.helper=",
    "commit.gpgSign=false",
    "log.showSignature=false",
    "diff.external=",
    "gc.auto=0",
];

/// Most that is read of what it prints.
const MAX_OUTPUT: u64 = 16 << 20;

/// What git answered.
pub(super) struct Answer {
    /// Its exit code; `None`: a signal ended it.
    pub(super) code: Option<i32>,
    /// Its standard output.
    pub(super) out: Vec<u8>,
    /// The first line of its standard error.
    pub(super) complaint: String,
}

/// The git command on one repository.
pub(super) struct Git {
    root: PathBuf,
    directory: PathBuf,
    objects: PathBuf,
    options: Vec<OsString>,
    /// Where objects that it makes go.
    made: Option<Made>,
}

/// A directory of our own for objects, gone with this value.
struct Made(PathBuf);

impl Drop for Made {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.0) {
            tracing::warn!(%error, path = %self.0.display(), "could not be removed");
        }
    }
}

impl Git {
    /// Prepares to ask about a repository.
    pub(super) fn of(repo: &Repository) -> Self {
        let mut options: Vec<OsString> = Vec::new();
        for pair in OFF {
            options.extend(["-c".into(), pair.into()]);
        }
        for pair in drivers(repo) {
            options.extend(["-c".into(), pair.into()]);
        }
        Self {
            root: repo.workdir().unwrap_or(repo.path()).to_path_buf(),
            directory: repo.path().to_path_buf(),
            objects: repo.commondir().join("objects"),
            options,
            made: None,
        }
    }

    /// Lets objects be made, beside the repository.
    ///
    /// # Errors
    /// One line that says why there is no place for them.
    pub(super) fn making(mut self) -> Result<Self, String> {
        let place = std::env::temp_dir().join(format!("flightdeck-{}", uuid::Uuid::now_v7().simple()));
        DirBuilder::new()
            .mode(0o700)
            .create(&place)
            .map_err(|error| format!("{}: {error}", place.display()))?;
        self.made = Some(Made(place));
        Ok(self)
    }

    /// Asks, and waits for the answer until a moment.
    ///
    /// # Errors
    /// One line that says why there is no answer.
    pub(super) fn ask(&self, args: &[&str], until: Instant) -> Result<Answer, String> {
        let mut command = Command::new("git");
        command.env_clear().current_dir(&self.root);
        command.envs(KEPT.iter().filter_map(|name| Some((name, std::env::var_os(name)?))));
        command
            .env("LC_ALL", "C")
            .env("GIT_DIR", &self.directory)
            .env("GIT_WORK_TREE", &self.root)
            .env("GIT_OPTIONAL_LOCKS", "0")
            .env("GIT_TERMINAL_PROMPT", "0")
            // What is not here is not fetched: neither by newer versions nor, for want of any
            // protocol, by older ones.
            .env("GIT_NO_LAZY_FETCH", "1")
            .env("GIT_ALLOW_PROTOCOL", "none")
            .env("GIT_AUTHOR_NAME", "flightdeck")
            .env("GIT_AUTHOR_EMAIL", "flightdeck@localhost")
            .env("GIT_COMMITTER_NAME", "flightdeck")
            .env("GIT_COMMITTER_EMAIL", "flightdeck@localhost");
        if let Some(made) = &self.made {
            command.env("GIT_OBJECT_DIRECTORY", &made.0);
            command.env("GIT_ALTERNATE_OBJECT_DIRECTORIES", quoted(&self.objects));
        }
        command.arg("--no-pager").args(&self.options).args(args);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
        run(command, until)
    }
}

fn run(mut command: Command, until: Instant) -> Result<Answer, String> {
    let mut child = command.spawn().map_err(|error| format!("git did not start: {error}"))?;
    let (tell, told) = mpsc::channel();
    let (out, err) = (child.stdout.take(), child.stderr.take());
    let heard = std::thread::Builder::new().name("git".to_owned()).spawn(move || {
        let errors = std::thread::spawn(move || {
            let mut said = Vec::new();
            if let Some(err) = err {
                let _ = err.take(4096).read_to_end(&mut said);
            }
            said
        });
        let mut said = Vec::new();
        if let Some(out) = out {
            let _ = out.take(MAX_OUTPUT).read_to_end(&mut said);
        }
        let _ = tell.send((said, errors.join().unwrap_or_default()));
    });
    let heard = heard.map_err(|error| format!("could not read what git prints: {error}"));
    let answer = heard.and_then(|_| {
        let left = until.saturating_duration_since(Instant::now());
        told.recv_timeout(left).map_err(|_| "git took too long".to_owned())
    });
    if answer.is_err()
        && let Some(group) = i32::try_from(child.id()).ok().and_then(Pid::from_raw)
    {
        // Not waited for yet, so the group is still its own.
        let _ = kill_process_group(group, Signal::KILL);
    }
    let status = child.wait().map_err(|error| error.to_string())?;
    let (out, err) = answer?;
    let complaint = String::from_utf8_lossy(&err).lines().next().unwrap_or_default().to_owned();
    Ok(Answer { code: status.code(), out, complaint })
}

/// Settings that take their commands from filters and merge drivers.
fn drivers(repo: &Repository) -> Vec<String> {
    let mut pairs = Vec::new();
    for name in names(repo, "filter.") {
        pairs.extend(["clean", "smudge", "process"].map(|key| format!("filter.{name}.{key}=")));
        pairs.push(format!("filter.{name}.required=false"));
    }
    // One without a command would end git. No file that names one is asked about; should git come
    // to another one it conflicts.
    pairs.extend(names(repo, "merge.").iter().map(|name| format!("merge.{name}.driver=false")));
    pairs
}

/// The names of what has a section of its own: `lfs` of `filter.lfs.clean`.
pub(super) fn names(repo: &Repository, section: &str) -> Vec<String> {
    let mut found = Vec::new();
    let Ok(entries) = repo.config().and_then(|mut config| config.snapshot()) else { return found };
    let Ok(mut entries) = entries.entries(None) else { return found };
    while let Some(Ok(entry)) = entries.next() {
        let name = String::from_utf8_lossy(entry.name_bytes()).into_owned();
        let middle = name.strip_prefix(section).and_then(|rest| rest.rsplit_once('.'));
        if let Some((name, _)) = middle
            && !found.iter().any(|known| known == name)
        {
            found.push(name.to_owned());
        }
    }
    found
}

/// A path in a list that is separated by colons.
fn quoted(path: &Path) -> OsString {
    let text = path.as_os_str();
    let Some(text) = text.to_str().filter(|text| text.contains([':', '"', '\n'])) else {
        return OsStr::to_os_string(text);
    };
    let escaped = text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    format!("\"{escaped}\"").into()
}
