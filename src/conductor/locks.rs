//! Locks of git that are in the way of a step: another git is at work in the repository, or was
//! and left its lock behind. A lock is nobody's to delete but a person's: it is waited for, and
//! then the step is tried again. Git takes its locks before it changes anything.
//!
//! Git says what is in the way in the user's language, but the name of the file is always in it.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use crate::text::visible;

/// How long all the waiting for locks in one step may take.
const PATIENCE: Duration = Duration::from_secs(20);
/// Tries after which no more is made: whoever finds a new lock each time waits for itself.
const MOST: u32 = 6;
/// The shortest and the longest pause before another try.
const PAUSES: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(2));
/// What git puts around the names of files, in one language or another.
const QUOTES: [char; 11] = ['\'', '"', '`', '‘', '’', '“', '”', '„', '«', '»', '‚'];
/// How the name of a lock ends.
const ENDING: &str = ".lock";

/// The lock that git says was in its way, if that is what it says.
pub(super) fn in_the_way(said: &str, cwd: &Path) -> Option<PathBuf> {
    said.lines().rev().find_map(|line| named_in(line, cwd))
}

fn named_in(line: &str, cwd: &Path) -> Option<PathBuf> {
    let mut ends = line.match_indices(ENDING).map(|(at, _)| at + ENDING.len());
    ends.find_map(|end| {
        let (before, after) = (line.get(..end)?, line.get(end..)?);
        // A name that goes on is another one.
        after.chars().next().filter(|next| QUOTES.contains(next) || next.is_whitespace())?;
        let begins = before.char_indices().rev().filter(|(_, c)| QUOTES.contains(c));
        let mut names = begins.filter_map(|(at, quote)| before.get(at + quote.len_utf8()..));
        names.find_map(|name| is_gits(&cwd.join(name.trim())))
    })
}

/// The path, if it is that of a lock in a git directory that could be made there: what may not be
/// written needs no waiting.
fn is_gits(path: &Path) -> Option<PathBuf> {
    let is_git_dir = |dir: &Path| {
        dir.join("HEAD").symlink_metadata().is_ok()
            && (dir.join("objects").is_dir() || dir.join("commondir").is_file())
    };
    let dir = path.parent()?;
    let writable = rustix::fs::access(dir, rustix::fs::Access::WRITE_OK).is_ok();
    (writable && path.ancestors().skip(1).take(24).any(is_git_dir)).then(|| path.to_owned())
}

/// How often and how long a step has waited for locks.
#[derive(Debug, Default)]
pub(super) struct Patience {
    /// When the first lock was met.
    since: Option<Instant>,
    tries: u32,
}

impl Patience {
    /// Counts a try that met a lock. Returns how long to pause before the next, or `None` when
    /// there is to be none.
    pub(super) fn pause(&mut self, now: Instant) -> Option<Duration> {
        let since = *self.since.get_or_insert(now);
        self.tries += 1;
        let pause = PAUSES.0.saturating_mul(1 << self.tries.min(10)).min(PAUSES.1);
        (self.tries < MOST && now + pause < since + PATIENCE).then_some(pause)
    }

    /// Until when the lock that was met last is waited for.
    pub(super) fn until(&self) -> Option<Instant> {
        self.since.map(|since| since + PATIENCE)
    }

    /// Tries so far.
    pub(super) fn tries(&self) -> u32 {
        self.tries
    }
}

/// What is said of a lock that is waited for.
pub(super) fn waiting(lock: &Path) -> String {
    format!("flightdeck: {} is in the way{}; waiting for it to go", shown(lock), age(lock))
}

/// What is said before another try.
pub(super) fn again(lock: &Path, tries: u32) -> String {
    format!("flightdeck: {} has gone; try {} of {MOST}", shown(lock), tries + 1)
}

/// What is said where waiting was no use.
pub(super) fn given_up(lock: &Path) -> String {
    let lock_is = shown(lock);
    if lock.exists() {
        format!(
            "{lock_is} is in the way{}: wait for the git or editor that made it and carry the step out again; \
             if none is at work there, delete that file",
            age(lock)
        )
    } else {
        format!("{lock_is} came back again and again: another git is at work there; carry the step out again")
    }
}

fn shown(lock: &Path) -> String {
    visible(&lock.to_string_lossy()).into_owned()
}

/// For how long it has been there, where that is known.
fn age(lock: &Path) -> String {
    let made = std::fs::symlink_metadata(lock).and_then(|file| file.modified()).ok();
    let age = made.and_then(|made| SystemTime::now().duration_since(made).ok());
    let age = age.and_then(|age| jiff::SignedDuration::try_from(age).ok());
    age.map_or_else(String::new, |age| {
        format!(", made {} ago", crate::incident::duration(jiff::SignedDuration::from_secs(age.as_secs())))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_is_found_in_any_language_and_only_in_a_git_directory() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("o'brien");
        let git = root.join(".git");
        std::fs::create_dir_all(git.join("objects")).unwrap();
        std::fs::create_dir_all(git.join("refs/heads")).unwrap();
        std::fs::write(git.join("HEAD"), "ref: refs/heads/main\n").unwrap();
        let index = git.join("index.lock");
        let at = index.to_str().unwrap();
        let found = |said: &str| in_the_way(said, &root);
        assert_eq!(
            found(&format!("x\nfatal: Unable to create '{at}': File exists.\n\nAnother git")),
            Some(index.clone())
        );
        assert_eq!(found(&format!("fatal: Konnte „{at}“ nicht erstellen")), Some(index.clone()));
        assert_eq!(found(&format!("fatal : Impossible de créer « {at} » : existe")), Some(index));
        let head = git.join("refs/heads/main.lock");
        let said = "error: cannot lock ref 'refs/heads/main': Unable to create '.git/refs/heads/main.lock': File exists.";
        assert_eq!(found(said), Some(head));
        for other in [
            "error: cannot lock ref 'refs/heads/main': is at 4f2c91e but expected 77b0d13",
            "your 'Cargo.lock' is out of date",
            "'/nowhere/.git/index.lock' exists",
            "'.git/index.locked' exists",
            "",
        ] {
            assert_eq!(found(other), None, "{other}");
        }
    }

    #[test]
    fn patience_ends() {
        let now = Instant::now();
        let mut patience = Patience::default();
        let pauses = std::iter::from_fn(|| patience.pause(now)).count();
        assert_eq!((pauses, patience.tries()), (5, MOST));
        let mut patience = Patience::default();
        assert!(patience.pause(now).is_some());
        assert!(patience.pause(now + PATIENCE).is_none());
    }
}
