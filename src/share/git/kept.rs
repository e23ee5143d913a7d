//! What is kept beside the carrier's repository for other processes of this machine: how the last round went, and
//! whose turn it is to make one.

use std::fs::{File, TryLockError};
use std::io;
use std::time::{Duration, SystemTime};

use jiff::Timestamp;

use super::Git;

/// The file that says since when and why not all is at the remote; there is none where all is well.
const TROUBLE: &str = "trouble";
/// The file that is written when something was sent.
const PUSHED: &str = "pushed";
/// The files that are locked by whoever makes the next round, makes one, and waits to try it again.
const TURN: &str = "turn.lock";
const SENDS: &str = "sends.lock";
const AGAIN: &str = "again.lock";

impl Git {
    /// Since when and why rounds have come to nothing; `None`: the last one went well, or there was none.
    pub fn trouble(&self) -> Option<(Timestamp, String)> {
        let said = std::fs::read_to_string(self.directory.join(TROUBLE)).ok()?;
        let (since, why) = said.split_once('\n')?;
        Some((since.parse().ok()?, why.trim_end().to_owned()))
    }

    /// Remembers how a round went. Where that cannot be written the next one says it again.
    pub(in crate::share) fn remember_trouble(&self, now: Timestamp, trouble: Option<&str>) {
        let file = self.directory.join(TROUBLE);
        let _ = match trouble {
            None => std::fs::remove_file(&file),
            Some(why) => {
                let since = self.trouble().map_or(now, |(since, _)| since);
                std::fs::write(&file, format!("{since}\n{why}\n"))
            }
        };
    }

    /// How long ago something was sent from here.
    pub fn pushed_ago(&self) -> Option<Duration> {
        let at = self.directory.join(PUSHED).metadata().and_then(|file| file.modified()).ok()?;
        SystemTime::now().duration_since(at).ok()
    }

    /// Remembers that something was sent now.
    pub(in crate::share) fn remember_pushed(&self) {
        let _ = std::fs::write(self.directory.join(PUSHED), "");
    }

    /// Takes the turn to make the next round, which whoever has it holds until that begins; `None`: another process has
    /// it.
    ///
    /// # Errors
    /// The file cannot be made or locked.
    pub fn turn_to_send(&self) -> io::Result<Option<File>> {
        self.only_one(TURN)
    }

    /// Takes the place of the one process that waits to try again; `None`: another one does.
    ///
    /// # Errors
    /// The file cannot be made or locked.
    pub fn turn_to_try_again(&self) -> io::Result<Option<File>> {
        self.only_one(AGAIN)
    }

    /// Waits until no other process makes a round of its own.
    ///
    /// # Errors
    /// The file cannot be made or locked.
    pub fn wait_to_send(&self) -> io::Result<File> {
        let file = File::create(self.directory.join(SENDS))?;
        file.lock()?;
        Ok(file)
    }

    fn only_one(&self, name: &str) -> io::Result<Option<File>> {
        let file = File::create(self.directory.join(name))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(file)),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conductor::Unattended;
    use crate::config::types::Config;
    use crate::hotfix::git::Reader;

    #[test]
    fn trouble_is_known_since_it_began_and_until_it_is_over() {
        let dir = tempfile::tempdir().unwrap();
        git2::Repository::init(dir.path()).unwrap();
        let reader = Reader::open(dir.path()).unwrap();
        let wire = Unattended::new(&Config::default(), &reader);
        let git =
            Git::open(&dir.path().join("state"), "id", "origin", &dir.path().join("config"), wire).unwrap();
        let at = |second| Timestamp::from_second(second).unwrap();
        assert_eq!(git.trouble(), None);
        git.remember_trouble(at(100), Some("no route to host"));
        git.remember_trouble(at(130), Some("permission denied"));
        assert_eq!(git.trouble(), Some((at(100), "permission denied".to_owned())));
        git.remember_trouble(at(160), None);
        assert_eq!(git.trouble(), None);
        let turn = git.turn_to_send().unwrap();
        assert!(turn.is_some() && git.turn_to_send().unwrap().is_none());
        drop(turn);
        assert!(git.turn_to_send().unwrap().is_some());
    }
}
