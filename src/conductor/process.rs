//! Who a process is: pid, start time, boot and machine together, so that a reused pid is
//! never taken for it.

use crate::incident::Process;

use super::system;
use crate::text::visible;

/// A process that shares the session of a run, or carries its mark in its environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Member {
    /// Process id.
    pub(super) pid: u32,
    /// Its process group.
    pub(super) group: u32,
    /// When it started, as [`Process`] has it: with the number, what it is known by.
    pub(super) started: u64,
    /// Whether it is in the session of the run, and so is signalled with it.
    pub(super) in_session: bool,
    /// Name of the program.
    pub(super) name: String,
}

impl Member {
    /// What it is called: `4711 sleep`.
    pub(super) fn named(&self) -> String {
        format!("{} {}", self.pid, visible(&self.name))
    }
}

/// What is known about a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Life {
    /// It is there.
    Alive,
    /// It is gone: this machine was restarted since.
    LostAtReboot,
    /// It is gone.
    Gone,
    /// It is, or was, on another machine: nothing can be said from here.
    Elsewhere,
}

/// The identity of a process of this machine, ended or not; `None` if there is none of this pid.
pub(super) fn identify(pid: u32) -> Option<Process> {
    let (started, _) = system::start_time(pid).ok().flatten()?;
    Some(Process { host: host(), pid, started, boot: system::boot().ok()? })
}

/// The identity of this process.
pub(super) fn this() -> Option<Process> {
    identify(std::process::id())
}

/// What is known about a process.
pub fn life(process: &Process) -> Life {
    if process.host != host() {
        return Life::Elsewhere;
    }
    match system::boot() {
        Ok(boot) if boot != process.boot => return Life::LostAtReboot,
        Ok(_) => {}
        Err(_) => return Life::Elsewhere,
    }
    match system::start_time(process.pid) {
        Ok(Some((started, true))) if started == process.started => Life::Alive,
        Ok(_) => Life::Gone,
        // It cannot be looked at, so nothing is known.
        Err(_) => Life::Elsewhere,
    }
}

/// Tells whether a process is there and stopped by a signal, so that it does and hears nothing
/// until it is continued.
pub fn is_suspended(process: &Process) -> bool {
    life(process) == Life::Alive && system::is_suspended(process.pid)
}

/// Tells whether a process is known to be gone. What cannot be known is not.
pub fn is_gone(process: &Process) -> bool {
    matches!(life(process), Life::Gone | Life::LostAtReboot)
}

/// Tells whether the number of a process was not given to another one since.
pub(super) fn has_its_number(process: &Process) -> bool {
    match system::start_time(process.pid) {
        Ok(found) => found.is_none_or(|(started, _)| started == process.started),
        Err(_) => false,
    }
}

/// Tells whether a process was started on this machine since it was booted.
pub(super) fn is_of_this_boot(process: &Process) -> bool {
    process.host == host() && system::boot().is_ok_and(|boot| boot == process.boot)
}

/// The name of this machine.
pub(super) fn host() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_is_alive() {
        let process = this().unwrap();
        assert_eq!(life(&process), Life::Alive);
        assert!(!is_gone(&process));
    }

    #[test]
    fn a_reused_pid_is_another_process() {
        let mut process = this().unwrap();
        process.started -= 1;
        assert_eq!(life(&process), Life::Gone);
    }

    #[test]
    fn another_boot_is_lost_and_another_machine_is_not_known() {
        let mut process = this().unwrap();
        process.boot = "another".to_owned();
        assert_eq!(life(&process), Life::LostAtReboot);
        process.host = "elsewhere.invalid".to_owned();
        assert_eq!(life(&process), Life::Elsewhere);
        assert!(!is_gone(&process));
    }

    #[test]
    fn a_stopped_process_is_alive_and_suspended() {
        let mut child =
            std::process::Command::new("sleep").arg("60").stdin(std::process::Stdio::null()).spawn().unwrap();
        let process = identify(child.id()).unwrap();
        assert!(!is_suspended(&process));
        let pid = rustix::process::Pid::from_child(&child);
        rustix::process::kill_process(pid, rustix::process::Signal::STOP).unwrap();
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
        while !is_suspended(&process) && std::time::Instant::now() < deadline {
            std::thread::yield_now();
        }
        assert!(is_suspended(&process));
        assert_eq!(life(&process), Life::Alive);
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(!is_suspended(&process));
    }

    #[test]
    fn an_ended_process_is_gone_before_and_after_it_is_waited_for() {
        let mut child =
            std::process::Command::new("sleep").arg("60").stdin(std::process::Stdio::null()).spawn().unwrap();
        let process = identify(child.id()).unwrap();
        assert_eq!(life(&process), Life::Alive);
        child.kill().unwrap();
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
        while !is_gone(&process) && std::time::Instant::now() < deadline {
            std::thread::yield_now();
        }
        assert!(is_gone(&process), "a zombie does nothing any more");
        child.wait().unwrap();
        assert!(is_gone(&process));
    }
}
