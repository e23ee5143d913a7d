//! Keys for a running command, through the pipe that its conductor reads.

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::os::unix::fs::{FileTypeExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::time::{Duration, Instant};

use super::files::{INPUT, log_dir};
use crate::failure::{Failure, Result};
use crate::incident::IncidentId;

/// How long a command that reads nothing is waited for.
const PATIENCE: Duration = Duration::from_secs(2);

/// Sends keys to the terminal of a running command.
///
/// # Errors
/// The run has ended, runs on another machine, or does not read what it is sent.
pub fn send_input(state_dir: &Path, incident: IncidentId, run: &str, bytes: &[u8]) -> Result<()> {
    let doing = format!("sending keys to {}", crate::text::visible(run));
    let path = log_dir(state_dir, incident, run).join(INPUT);
    let opened = OpenOptions::new()
        .write(true)
        .custom_flags((rustix::fs::OFlags::NONBLOCK | rustix::fs::OFlags::NOFOLLOW).bits() as i32)
        .open(&path);
    let mut pipe = match opened {
        Ok(pipe) if pipe.metadata().is_ok_and(|file| file.file_type().is_fifo()) => pipe,
        Ok(_) => {
            return Err(Failure::new(
                doing,
                "its input is not a pipe",
                "see who changed the state directory",
            ));
        }
        Err(error) if nobody_reads(&error) => {
            return Err(Failure::new(
                doing,
                "nobody reads them: the run has ended, or runs on another machine",
                "flightdeck run log shows how it ended",
            ));
        }
        Err(error) => {
            return Err(Failure::new(doing, error, "check the permissions of the state directory"));
        }
    };
    let until = Instant::now() + PATIENCE;
    let mut rest = bytes;
    while !rest.is_empty() {
        match pipe.write(rest) {
            Ok(count) => rest = rest.get(count..).unwrap_or_default(),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock && Instant::now() < until => {
                std::thread::sleep(Duration::from_millis(10));
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                return Err(Failure::new(
                    doing,
                    "the command does not read what it is sent",
                    "try again later",
                ));
            }
            Err(error) => return Err(Failure::new(doing, error, "flightdeck run log shows how it stands")),
        }
    }
    Ok(())
}

fn nobody_reads(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::NotFound
        || error.raw_os_error() == Some(rustix::io::Errno::NXIO.raw_os_error())
}
