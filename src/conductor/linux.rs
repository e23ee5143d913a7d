//! What Linux alone offers: `/proc`, signals through a handle on a process, and a program that
//! has hang-ups ignored. Its portable twin is `portable`.

use std::collections::BTreeSet;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::{Command, Stdio};

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

use super::process::Member;

/// Identity of this boot.
pub(super) fn boot() -> io::Result<String> {
    Ok(std::fs::read_to_string("/proc/sys/kernel/random/boot_id")?.trim().to_owned())
}

/// Start time of a process in clock ticks since boot, and whether more is left of it than
/// what its parent may ask for; `None` if there is no such process.
pub(super) fn start_time(pid: u32) -> io::Result<Option<(u64, bool)>> {
    Ok(stat(pid)?.map(|stat| (stat.started, !stat.has_ended())))
}

/// Tells whether a process is stopped by a signal or a debugger.
pub(super) fn is_suspended(pid: u32) -> bool {
    stat(pid).is_ok_and(|stat| stat.is_some_and(|stat| matches!(stat.state, 'T' | 't')))
}

struct Stat {
    name: String,
    state: char,
    group: u32,
    session: u32,
    started: u64,
}

impl Stat {
    fn has_ended(&self) -> bool {
        matches!(self.state, 'Z' | 'X')
    }
}

fn stat(pid: u32) -> io::Result<Option<Stat>> {
    let text = match std::fs::read(format!("/proc/{pid}/stat")) {
        Ok(text) => String::from_utf8_lossy(&text).into_owned(),
        Err(error) if is_absent(&error) => return Ok(None),
        Err(error) => return Err(error),
    };
    Ok(Some(parse(&text).ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "not a process entry"))?))
}

fn is_absent(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::NotFound
        || error.raw_os_error() == Some(rustix::io::Errno::SRCH.raw_os_error())
}

/// Reads a line of `/proc/PID/stat`. The name may hold anything, brackets included.
fn parse(text: &str) -> Option<Stat> {
    let (_, from_name) = text.split_once('(')?;
    let (name, rest) = from_name.rsplit_once(')')?;
    let fields: Vec<_> = rest.split_ascii_whitespace().collect();
    Some(Stat {
        name: name.to_owned(),
        state: fields.first()?.chars().next()?,
        group: fields.get(2)?.parse().ok()?,
        session: fields.get(3)?.parse().ok()?,
        started: fields.get(19)?.parse().ok()?,
    })
}

/// Every live process of a session, and those elsewhere that carry `mark` (`NAME=value`) in
/// their environment.
pub(super) fn members(session: u32, mark: &str) -> Vec<Member> {
    let Ok(entries) = std::fs::read_dir("/proc") else { return Vec::new() };
    let mut found = Vec::new();
    for entry in entries.flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else {
            continue;
        };
        let Ok(Some(stat)) = stat(pid) else { continue };
        let in_session = stat.session == session || stat.group == session;
        if !stat.has_ended() && (in_session || is_marked(pid, mark)) {
            let Stat { name, group, started, .. } = stat;
            found.push(Member { pid, group, started, in_session, name });
        }
    }
    found
}

/// The values that a variable has in the environments of all live processes of the same user.
pub(super) fn values(name: &str) -> BTreeSet<String> {
    let named = format!("{name}=");
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let environments = entries.filter_map(|entry| std::fs::read(entry.path().join("environ")).ok());
    environments
        .filter_map(|environ| {
            let mut entries = environ.split(|&byte| byte == 0);
            let value = entries.find_map(|entry| entry.strip_prefix(named.as_bytes()))?;
            String::from_utf8(value.to_vec()).ok()
        })
        .collect()
}

fn is_marked(pid: u32, mark: &str) -> bool {
    // The processes of others cannot be read; they carry no mark of ours.
    std::fs::read(format!("/proc/{pid}/environ"))
        .is_ok_and(|environ| environ.split(|&byte| byte == 0).any(|entry| entry == mark.as_bytes()))
}

/// Signals one process. The handle is taken first and the process looked at again, so that a
/// reused pid is never signalled.
pub(super) fn signal_member(member: &Member, signal: Signal) -> io::Result<()> {
    let Some(handle) = open(member.pid)? else { return Ok(()) };
    if stat(member.pid)?.is_some_and(|stat| stat.started == member.started) {
        pidfd_send_signal(&handle, signal)?;
    }
    Ok(())
}

fn open(pid: u32) -> io::Result<Option<OwnedFd>> {
    let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) else { return Ok(None) };
    match pidfd_open(pid, PidfdFlags::empty()) {
        Ok(handle) => Ok(Some(handle)),
        Err(rustix::io::Errno::SRCH) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Makes a pipe with a name, for its owner only.
pub(super) fn make_pipe(path: &Path) -> io::Result<()> {
    Ok(rustix::fs::mkfifoat(rustix::fs::CWD, path, rustix::fs::Mode::from_raw_mode(0o600))?)
}

/// This program, also if its file was replaced since, ready to be given arguments and started
/// without any of the streams of this process; with `nohup`, hang-ups are ignored by it and all that it
/// starts.
///
/// When a session's first process ends the kernel hangs up on the rest of it. What a command leaves
/// running on purpose would have to be quicker than that, and `nohup` and `setsid` in a script are not
/// always.
pub(super) fn own_program(nohup: bool) -> io::Result<Command> {
    let path = std::env::current_exe()?;
    let (program, stdin) = if path.exists() {
        (path, Stdio::null())
    } else {
        ("/proc/self/fd/0".into(), std::fs::File::open("/proc/self/exe")?.into())
    };
    let mut command = if nohup { Command::new("nohup") } else { Command::new(&program) };
    if nohup {
        command.arg(program);
    }
    command.stdin(stdin).stdout(Stdio::null()).stderr(Stdio::null());
    Ok(command)
}

/// Tells whether this process ignores hang-ups, and so does all that it starts.
pub(super) fn ignores_hangup() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or_default();
    mask & 1 << (Signal::HUP.as_raw() - 1) != 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_brackets_and_blanks_is_no_trap() {
        let line = "42 (a) S (b)) R 1 7 9 0 -1 4194304 1 0 0 0 0 0 0 0 20 0 1 0 12345 1 1";
        let stat = parse(line).unwrap();
        assert_eq!((stat.name.as_str(), stat.state), ("a) S (b)", 'R'));
        assert_eq!((stat.group, stat.session, stat.started), (7, 9, 12345));
        assert!(parse("42 (x").is_none());
    }

    #[test]
    fn a_mark_in_the_environment_is_found_outside_the_session() {
        let mark = format!("FLIGHTDECK_RUN=mark-{}", uuid::Uuid::now_v7());
        let (name, value) = mark.split_once('=').unwrap();
        let mut child = Command::new("sleep").arg("60").env(name, value).spawn().unwrap();
        // Until the program is replaced the child still has the environment of this one.
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
        let mut found = members(u32::MAX, &mark);
        while found.is_empty() && std::time::Instant::now() < deadline {
            found = members(u32::MAX, &mark);
        }
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].pid, found[0].in_session), (child.id(), false));
        assert!(members(u32::MAX, &mark).is_empty());
    }
}
