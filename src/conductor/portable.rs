//! The twin of `linux` for other Unix systems: asks `ps` and `sysctl`, and makes pipes with
//! `mkfifo`.

use std::collections::BTreeSet;
use std::io;
use std::path::Path;
use std::process::{Command, Stdio};

use rustix::process::{Pid, Signal};
use sha2::{Digest as _, Sha256};

use super::process::Member;

/// Identity of this boot: the time of it.
pub(super) fn boot() -> io::Result<String> {
    output(Command::new("sysctl").args(["-n", "kern.boottime"]))
}

/// Start time of a process, as a number that differs between processes of one pid, and whether
/// more is left of it than what its parent may ask for; `None` if there is no such process.
pub(super) fn start_time(pid: u32) -> io::Result<Option<(u64, bool)>> {
    let found = output(Command::new("ps").args(["-o", "state=,lstart=", "-p", &pid.to_string()]))?;
    let Some((state, started)) = found.split_once(char::is_whitespace) else { return Ok(None) };
    let digest = Sha256::digest(started.trim().as_bytes());
    let number = digest.iter().take(8).fold(0, |number, &byte| number << 8 | u64::from(byte));
    Ok(Some((number, !state.starts_with('Z'))))
}

/// Tells whether a process is stopped by a signal.
pub(super) fn is_suspended(pid: u32) -> bool {
    output(Command::new("ps").args(["-o", "state=", "-p", &pid.to_string()]))
        .is_ok_and(|state| state.starts_with('T'))
}

/// Every live process of a session. What left the session is not found here.
pub(super) fn members(session: u32, _mark: &str) -> Vec<Member> {
    let list = output(Command::new("ps").args(["-A", "-o", "pid=,pgid=,state=,comm="]));
    list.unwrap_or_default().lines().filter_map(|line| member(line, session)).collect()
}

/// The marks in the environments of others: none that could be read here.
pub(super) fn marks(_name: &str) -> BTreeSet<String> {
    BTreeSet::new()
}

/// A group of processes that none of them leaves: there is no such thing here.
#[derive(Debug)]
pub(super) struct Group;

impl Group {
    /// Makes none.
    pub(super) fn make(_mark: &str) -> Option<Self> {
        None
    }

    /// Starts something.
    #[expect(clippy::unused_self, reason = "its twin needs it")]
    pub(super) fn within<T>(&self, start: impl FnOnce() -> T) -> T {
        start()
    }
}

fn member(line: &str, session: u32) -> Option<Member> {
    let mut fields = line.split_ascii_whitespace();
    let pid = fields.next()?.parse().ok()?;
    let group = fields.next()?.parse().ok()?;
    let state = fields.next()?;
    let name = fields.collect::<Vec<_>>().join(" ");
    let started = 0;
    (group == session && !state.starts_with('Z')).then_some(Member {
        pid,
        group,
        started,
        in_session: true,
        name,
    })
}

/// Signals one process, if it still is in the group in which it was found.
pub(super) fn signal_member(member: &Member, signal: Signal) -> io::Result<()> {
    let still = members(member.group, "").contains(member);
    match i32::try_from(member.pid).ok().and_then(Pid::from_raw).filter(|_| still) {
        Some(pid) => Ok(rustix::process::kill_process(pid, signal)?),
        None => Ok(()),
    }
}

/// Makes a pipe with a name, for its owner only.
pub(super) fn make_pipe(path: &Path) -> io::Result<()> {
    let made = Command::new("mkfifo").args(["-m", "600"]).arg(path).stdin(Stdio::null()).status()?;
    if made.success() { Ok(()) } else { Err(io::Error::other("mkfifo failed")) }
}

/// This program, ready to be given arguments and started without any of the streams of this
/// process. Nothing is done here about hang-ups.
pub(super) fn own_program(_nohup: bool) -> io::Result<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    Ok(command)
}

/// Tells whether this process ignores hang-ups: never, here.
pub(super) fn ignores_hangup() -> bool {
    false
}

fn output(command: &mut Command) -> io::Result<String> {
    let output = command.env("LC_ALL", "C").stdin(Stdio::null()).stderr(Stdio::null()).output()?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_has_one_start_time_and_none_when_it_is_gone() {
        let mut child = Command::new("sleep").arg("60").spawn().unwrap();
        let started = start_time(child.id()).unwrap();
        assert!(started.is_some());
        assert_eq!(start_time(child.id()).unwrap(), started);
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(start_time(child.id()).unwrap(), None);
    }

    #[test]
    fn members_are_told_by_their_group() {
        assert_eq!(member("12 7 S+ my prog", 7).unwrap().name, "my prog");
        assert_eq!(member("12 8 S+ prog", 7), None);
        assert_eq!(member("12 7 Z prog", 7), None);
        assert_eq!(member("", 7), None);
    }

    #[test]
    fn a_pipe_is_private() {
        use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("p");
        make_pipe(&path).unwrap();
        let made = std::fs::metadata(&path).unwrap();
        assert!(made.file_type().is_fifo());
        assert_eq!(made.permissions().mode() & 0o777, 0o600);
    }
}
