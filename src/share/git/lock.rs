//! The lock of a carrier's own repository: one on this machine at a time.

use std::fs::{File, TryLockError};
use std::time::{Duration, Instant};

use super::Git;

/// How often it is tried.
const GLANCE: Duration = Duration::from_millis(20);

impl Git {
    /// Keeps others on this machine from sharing over this remote until it is dropped.
    ///
    /// # Errors
    /// One line: the lock cannot be had.
    pub fn lock(&self) -> Result<File, String> {
        let file = self.lock_file()?;
        file.lock().map_err(|error| error.to_string())?;
        Ok(file)
    }

    /// The same, waiting for so long at most.
    ///
    /// # Errors
    /// One line: the lock cannot be had, or others keep it.
    pub(in crate::share) fn lock_within(&self, patience: Duration) -> Result<File, String> {
        let (file, until) = (self.lock_file()?, Instant::now() + patience);
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(file),
                Err(TryLockError::Error(error)) => return Err(error.to_string()),
                Err(TryLockError::WouldBlock) if Instant::now() >= until => {
                    return Err("another round of sharing goes on, and waits for the remote".to_owned());
                }
                Err(TryLockError::WouldBlock) => std::thread::sleep(GLANCE),
            }
        }
    }

    fn lock_file(&self) -> Result<File, String> {
        File::create(self.directory.join("flightdeck.lock")).map_err(|error| error.to_string())
    }
}
