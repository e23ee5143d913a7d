//! What Linux alone offers: `/proc`, signals through a handle on a process, and a program that
//! has hang-ups ignored. Its portable twin is `portable`.

use std::collections::BTreeSet;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use sha2::{Digest as _, Sha256};

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
/// their environment, or are in the control group that was made for it.
pub(super) fn members(session: u32, mark: &str) -> Vec<Member> {
    let Ok(entries) = std::fs::read_dir("/proc") else { return Vec::new() };
    let group_name = mark.split_once('=').and_then(|(_, mark)| group_name(mark));
    let is_in_group =
        |pid: u32| group_name.as_deref().is_some_and(|name| groups(pid).any(|group| group == name));
    let mut found = Vec::new();
    for entry in entries.flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else {
            continue;
        };
        // This process may be in the group for a moment, and is no part of the run.
        if pid == std::process::id() {
            continue;
        }
        let Ok(Some(stat)) = stat(pid) else { continue };
        let in_session = stat.session == session || stat.group == session;
        if !stat.has_ended() && (in_session || is_marked(pid, mark) || is_in_group(pid)) {
            let Stat { name, group, started, .. } = stat;
            found.push(Member { pid, group, started, in_session, name });
        }
    }
    found
}

/// The marks in the environments of all live processes of the same user, under this name; of those that are only
/// in a control group the part before the `/`.
pub(super) fn marks(name: &str) -> BTreeSet<String> {
    let named = format!("{name}=");
    let mut found = BTreeSet::new();
    for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else {
            continue;
        };
        let environ = std::fs::read(entry.path().join("environ")).unwrap_or_default();
        let mut entries = environ.split(|&byte| byte == 0);
        let value = entries.find_map(|entry| entry.strip_prefix(named.as_bytes()));
        found.extend(value.and_then(|value| String::from_utf8(value.to_vec()).ok()));
        found.extend(groups(pid).filter_map(|group| {
            let (owner, _) = group.strip_prefix(GROUP)?.rsplit_once('-')?;
            Some(format!("{owner}/"))
        }));
    }
    found
}

fn is_marked(pid: u32, mark: &str) -> bool {
    // The processes of others cannot be read; they carry no mark of ours.
    std::fs::read(format!("/proc/{pid}/environ"))
        .is_ok_and(|environ| environ.split(|&byte| byte == 0).any(|entry| entry == mark.as_bytes()))
}

/// What the names of control groups begin with that were made for runs.
const GROUP: &str = "flightdeck-";

/// The name of the control group for a mark, `OWNER/WHAT`.
fn group_name(mark: &str) -> Option<String> {
    let (owner, what) = mark.split_once('/')?;
    let digest = Sha256::digest(what.as_bytes());
    let number = digest.iter().take(8).fold(0_u64, |number, &byte| number << 8 | u64::from(byte));
    Some(format!("{GROUP}{owner}-{number:016x}"))
}

/// The names of all control groups that a process is in.
fn groups(pid: u32) -> impl Iterator<Item = String> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/cgroup")).unwrap_or_default();
    let names: BTreeSet<String> = text.split(['/', '\n']).map(str::to_owned).collect();
    names.into_iter().filter(|name| name.starts_with(GROUP))
}

/// A control group made for a run. A process may leave its session and drop its environment; it does not
/// leave its group. Where none may be made, as in a login without a delegated tree, there is none.
#[derive(Debug)]
pub(super) struct Group {
    /// Its directory, and that of the group which this process is in.
    dir: PathBuf,
    home: PathBuf,
}

/// A process is in one group at a time, with all of its threads.
static TURN: Mutex<()> = Mutex::new(());

impl Group {
    /// Makes the one for a mark, below the group that this process is in.
    pub(super) fn make(mark: &str) -> Option<Self> {
        let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let home = own_group()?;
        // Whoever is moved in has to be able to come back.
        std::fs::OpenOptions::new().write(true).open(home.join(PROCS)).ok()?;
        for left in std::fs::read_dir(&home).ok()?.flatten() {
            // One that was made just now is still to be used.
            let is_old = || left.metadata().and_then(|about| about.modified()).is_ok_and(is_settled);
            if left.file_name().to_string_lossy().starts_with(GROUP) && is_old() {
                // Only one that nobody is in any more goes.
                let _ = std::fs::remove_dir(left.path());
            }
        }
        let dir = home.join(group_name(mark)?);
        std::fs::create_dir(&dir).ok()?;
        Some(Self { dir, home })
    }

    /// Starts something inside of it: this process is in it for that moment.
    pub(super) fn within<T>(&self, start: impl FnOnce() -> T) -> T {
        let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let own = std::process::id().to_string();
        let is_in = std::fs::write(self.dir.join(PROCS), &own).is_ok();
        let started = start();
        if is_in && let Err(error) = std::fs::write(self.home.join(PROCS), &own) {
            tracing::warn!("this process stays in the control group of a run: {error}");
        }
        started
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // It stays for as long as somebody is in it.
        let _ = std::fs::remove_dir(&self.dir);
    }
}

/// Whether something was made a while ago.
fn is_settled(made: std::time::SystemTime) -> bool {
    made.elapsed().is_ok_and(|age| age > std::time::Duration::from_secs(60))
}

/// The processes of a control group are written here.
const PROCS: &str = "cgroup.procs";

/// The directory of the control group that this process is in: of the one tree where there is one, else of
/// systemd's own.
fn own_group() -> Option<PathBuf> {
    let groups = std::fs::read_to_string("/proc/self/cgroup").ok()?;
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").ok()?;
    group_of(&groups, &mounts, "cgroup2", "0::", None)
        .or_else(|| group_of(&groups, &mounts, "cgroup", ":name=systemd:", Some("name=systemd")))
}

fn group_of(groups: &str, mounts: &str, kind: &str, mark: &str, option: Option<&str>) -> Option<PathBuf> {
    let path = groups.lines().find_map(|line| {
        let (before, path) = line.split_once(mark)?;
        before.chars().all(|c| c.is_ascii_digit()).then_some(path)
    })?;
    mounts.lines().find_map(|line| {
        let (place, about) = line.split_once(" - ")?;
        let mut about = about.split(' ');
        let is_it = about.next() == Some(kind)
            && option
                .is_none_or(|option| about.nth(1).is_some_and(|all| all.split(',').any(|one| one == option)));
        let mut place = place.split(' ').skip(3);
        let (root, point) = place.next().zip(place.next()).filter(|_| is_it)?;
        let below = path.strip_prefix(root.trim_end_matches('/'))?;
        Some(Path::new(point).join(below.trim_start_matches('/')))
    })
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
    fn the_group_of_this_process_is_found_in_its_tree() {
        let mounts = "30 24 0:27 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw,nsdelegate\n\
                      31 24 0:28 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd\n";
        let of = |groups: &str| {
            group_of(groups, mounts, "cgroup2", "0::", None)
                .or_else(|| group_of(groups, mounts, "cgroup", ":name=systemd:", Some("name=systemd")))
        };
        let scope = "user.slice/user-1000.slice/user@1000.service/app.slice/term.scope";
        let found = of(&format!("0::/{scope}\n")).unwrap();
        assert_eq!(found, Path::new("/sys/fs/cgroup").join(scope));
        assert_eq!(of("0::/\n").unwrap(), Path::new("/sys/fs/cgroup"));
        let old = of("9:name=systemd:/a/b\n8:pids:/c\n").unwrap();
        assert_eq!(old, Path::new("/sys/fs/cgroup/systemd/a/b"));
        assert_eq!(of("8:pids:/c\n"), None);
        // In a container its own tree is mounted alone.
        let inside = "30 24 0:27 /docker/4f2c /sys/fs/cgroup ro - cgroup2 cgroup rw\n";
        let found = group_of("0::/docker/4f2c/x\n", inside, "cgroup2", "0::", None);
        assert_eq!(found.unwrap(), Path::new("/sys/fs/cgroup/x"));
    }

    #[test]
    fn what_left_its_session_and_its_environment_is_found_in_its_group() {
        let owner = uuid::Uuid::now_v7();
        let mark = format!("{owner}/r-1");
        let Some(group) = Group::make(&mark) else {
            // tests/run says so.
            return;
        };
        let sleep = || Command::new("setsid").args(["env", "-i", "sleep", "60"]).spawn().unwrap();
        let mut child = group.within(sleep);
        let marked = format!("FLIGHTDECK_RUN={mark}");
        let found = members(u32::MAX, &marked);
        let owners = marks("FLIGHTDECK_RUN");
        let other = members(u32::MAX, &format!("FLIGHTDECK_RUN={owner}/r-2"));
        child.kill().unwrap();
        child.wait().unwrap();
        // What other tests start at this moment is in it as well.
        assert!(found.iter().any(|member| member.pid == child.id()), "{found:?}");
        assert!(owners.contains(&format!("{owner}/")) && other.is_empty());
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
