//! Starts this program once more, for what goes on after the process that began it.

use std::io;
use std::path::Path;

use super::system;

/// Starts this program in a directory, without any of the streams of this process, and waits for nothing.
///
/// # Errors
/// The system starts no process.
pub fn start_beside(arguments: &[&str], directory: &Path) -> io::Result<()> {
    let spawn = |nohup| system::own_program(nohup)?.args(arguments).current_dir(directory).spawn();
    // Where there is no nohup a closed terminal may end it early.
    let mut child = spawn(true).or_else(|_| spawn(false))?;
    let reaper = std::thread::Builder::new().name("reaper".to_owned());
    // Where no thread can be had the system waits for it when this process ends.
    let _ = reaper.spawn(move || child.wait());
    Ok(())
}
