//! Starts one command in a pseudo-terminal and a session of its own, with the environment it
//! was promised and no more; or says plainly why it did not start.

use std::ffi::OsStr;
use std::io::{self, BufRead as _, Read as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Child;

use pty_process::blocking::{Command as PtyCommand, Pty, open};
use rustix::io::Errno;

use super::environment::{environment, on_terminal};
use super::secrets::Vault;
use super::system::Group;
use crate::incident::IncidentId;
use crate::plan::Command;
use crate::text::visible;

/// The terminal that a command sees.
const SIZE: (u16, u16) = (40, 120);

/// The variable that marks every process of a run.
pub(super) const MARK: &str = "FLIGHTDECK_RUN";

/// What a run is marked with: no other has it.
pub(super) fn mark(incident: IncidentId, run: &str) -> String {
    format!("{incident}/{run}")
}

/// A mark as it is in the environment of a process.
pub(super) fn marked(mark: &str) -> String {
    format!("{MARK}={mark}")
}

/// A started command and the near end of its terminal.
pub(super) struct Started {
    /// The process. Not waited for by the standard library before its group is dealt with.
    pub(super) child: Child,
    /// Its terminal, never blocking.
    pub(super) pty: Pty,
    /// What holds all that it starts, where the system offers that; gone with the last of them.
    _group: Option<Group>,
}

/// Starts a command with the secrets it names; `mark` is the value of [`MARK`].
///
/// # Errors
/// One line that says why it did not start.
pub(super) fn spawn(command: &Command, vault: &Vault, mark: &str) -> Result<Started, String> {
    let cannot = |error: &dyn std::fmt::Display| format!("no terminal could be made: {error}");
    let (pty, far_end) = open().map_err(|e| cannot(&e))?;
    pty.resize(pty_process::Size::new(SIZE.0, SIZE.1)).map_err(|e| cannot(&e))?;
    let flags = rustix::fs::fcntl_getfl(&pty).map_err(|e| cannot(&e))?;
    rustix::fs::fcntl_setfl(&pty, flags | rustix::fs::OFlags::NONBLOCK).map_err(|e| cannot(&e))?;

    let Some((name, arguments)) = command.argv.split_first() else {
        return Err("the plan names no program".to_owned());
    };
    let mut prepared = PtyCommand::new(program(command, name));
    prepared = prepared.arg0(name).args(arguments).current_dir(&command.cwd).env_clear();
    // Where helpers of git ask: its own terminal, and not the one this process was started from.
    let terminal = rustix::termios::ttyname(&far_end, Vec::new()).ok();
    let terminal = terminal.as_ref().map(|name| OsStr::from_bytes(name.to_bytes()));
    prepared = prepared
        .envs(environment(command, vault.variables(command), std::env::vars_os()))
        .envs(on_terminal(command, terminal))
        .env(MARK, mark);
    let group = Group::make(mark);
    let spawned = match &group {
        Some(group) => group.within(|| prepared.spawn(far_end)),
        None => prepared.spawn(far_end),
    };
    match spawned {
        Ok(child) => Ok(Started { child, pty, _group: group }),
        Err(pty_process::Error::Io(error)) => Err(why(command, name, &error)),
        Err(error) => Err(visible(&error.to_string()).into_owned()),
    }
}

/// A program named with a slash is looked for from the command's directory, any other on PATH.
fn program(command: &Command, name: &str) -> PathBuf {
    if name.contains('/') { Path::new(&command.cwd).join(name) } else { PathBuf::from(name) }
}

/// Why a command did not start, in words that name what is missing.
fn why(command: &Command, name: &str, error: &io::Error) -> String {
    let shown = visible(name);
    if !Path::new(&command.cwd).is_dir() {
        return format!("the directory {} does not exist", visible(&command.cwd));
    }
    let errno = error.raw_os_error();
    if !name.contains('/') {
        return match errno {
            Some(e) if e == Errno::NOENT.raw_os_error() => format!("no program {shown} on PATH"),
            Some(e) if e == Errno::ACCESS.raw_os_error() => format!("{shown} on PATH may not be executed"),
            _ => format!("{shown} could not be started: {error}"),
        };
    }
    let path = program(command, name);
    let Ok(file) = std::fs::metadata(&path) else {
        return format!("{shown} does not exist in {}", visible(&command.cwd));
    };
    if file.is_dir() {
        return format!("{shown} is a directory");
    }
    if file.permissions().mode() & 0o111 == 0 {
        return format!("{shown} is not executable (chmod +x {shown})");
    }
    match interpreter(&path) {
        Some(interpreter) if !Path::new(&interpreter).exists() => {
            format!("{shown} wants {}, which does not exist", visible(&interpreter))
        }
        _ => format!("{shown} could not be started: {error}"),
    }
}

/// The program a script names in its first line.
fn interpreter(path: &Path) -> Option<String> {
    let mut line = Vec::new();
    let file = std::fs::File::open(path).ok()?.take(256);
    io::BufReader::new(file).read_until(b'\n', &mut line).ok()?;
    let text = String::from_utf8_lossy(line.strip_prefix(b"#!")?).into_owned();
    text.split_whitespace().next().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn command(cwd: &Path, argv: &[&str]) -> Command {
        Command {
            argv: argv.iter().map(|&word| word.to_owned()).collect(),
            cwd: cwd.to_str().unwrap().to_owned(),
            env: vec!["DEPLOY_TOKEN".to_owned()],
            set: BTreeMap::from([("FLIGHTDECK_ENV".to_owned(), "staging".to_owned())]),
        }
    }

    fn refusal(cwd: &Path, argv: &[&str]) -> String {
        let vault = Vault::open(&crate::plan::Plan::new("x", "x", crate::plan::Purpose::Test, "x"));
        spawn(&command(cwd, argv), &vault, "x").err().expect("it must not start")
    }

    #[test]
    fn what_did_not_start_says_what_is_missing() {
        let dir = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str, mode: u32| {
            std::fs::write(dir.path().join(name), text).unwrap();
            std::fs::set_permissions(dir.path().join(name), std::fs::Permissions::from_mode(mode)).unwrap();
        };
        write("plain.sh", "#!/bin/sh\n", 0o644);
        write("lost.sh", "#!/no/such/shell -e\n", 0o755);
        std::fs::create_dir(dir.path().join("folder")).unwrap();
        assert!(refusal(dir.path(), &["./none.sh"]).starts_with("./none.sh does not exist in"));
        assert_eq!(
            refusal(dir.path(), &["./plain.sh"]),
            "./plain.sh is not executable (chmod +x ./plain.sh)"
        );
        assert_eq!(refusal(dir.path(), &["./folder"]), "./folder is a directory");
        assert_eq!(
            refusal(dir.path(), &["./lost.sh"]),
            "./lost.sh wants /no/such/shell, which does not exist"
        );
        assert_eq!(refusal(dir.path(), &["no-such-program-here"]), "no program no-such-program-here on PATH");
        let gone = dir.path().join("gone");
        assert!(refusal(&gone, &["true"]).ends_with("gone does not exist"));
        assert!(refusal(dir.path(), &["true", "a\0b"]).contains("could not be started"));
        assert_eq!(refusal(dir.path(), &[]), "the plan names no program");
    }
}
