//! Runs a command to its end without a terminal, within a time, keeping the beginning of
//! what it prints.

use std::ffi::OsString;
use std::io::{self, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{Pid, Signal, kill_process_group};

use super::environment::unattended;
use super::mask::Masker;
use crate::plan::Command;
use crate::text::visible;

/// How often it is looked whether the command has ended while something else holds its streams.
const TICK: Duration = Duration::from_millis(100);
/// How long streams are read on that others hold when the command has ended: a connection that ssh
/// keeps for later, for example.
const DRAIN: Duration = Duration::from_millis(500);

/// What a command said.
pub(super) struct Captured {
    /// Its exit code; `None` where a signal ended it.
    pub(super) code: Option<i32>,
    /// The beginning of its standard output.
    pub(super) out: Vec<u8>,
    /// The beginning of its standard error.
    pub(super) err: Vec<u8>,
    /// Most bytes that were kept of each.
    enough: usize,
}

impl Captured {
    /// Takes secrets out of both streams, before anything is made visible or shortened; where one was
    /// cut, also what may be the beginning of a secret.
    pub(super) fn masked(mut self, masker: &Masker) -> Self {
        for bytes in [&mut self.out, &mut self.err] {
            let is_cut = bytes.len() >= self.enough;
            *bytes = if is_cut { masker.mask_beginning(bytes) } else { masker.mask_bytes(bytes) };
        }
        self
    }
}

/// Why a command said nothing.
pub(super) enum Unheard {
    /// It did not start: why, in one line.
    NotStarted(String),
    /// It started, and nobody knows what it did: in one line.
    NoAnswer(String),
}

impl From<Unheard> for String {
    fn from(unheard: Unheard) -> Self {
        match unheard {
            Unheard::NotStarted(why) | Unheard::NoAnswer(why) => why,
        }
    }
}

/// Runs a command with an environment; keeps `enough` bytes of each of its streams. `what` it
/// is called in the words of an error: `the proof`.
///
/// # Errors
/// One line that says why there is no answer.
pub(super) fn capture(
    what: &str,
    command: &Command,
    environment: Vec<(OsString, OsString)>,
    patience: Duration,
    enough: usize,
) -> Result<Captured, String> {
    Ok(run(what, command, environment, patience, enough, &Life::default(), Given::default())?)
}

/// The same of a command that may write no file with more than `most` bytes.
///
/// # Errors
/// As [`capture`].
pub(super) fn capture_limited(
    what: &str,
    command: &Command,
    environment: Vec<(OsString, OsString)>,
    patience: Duration,
    enough: usize,
    most: u64,
) -> Result<Captured, String> {
    let given = Given { most: Some(most), input: None };
    Ok(run(what, command, environment, patience, enough, &Life::default(), given)?)
}

/// The same with a text on its standard input.
pub(super) fn capture_given(
    what: &str,
    command: &Command,
    environment: Vec<(OsString, OsString)>,
    patience: Duration,
    enough: usize,
    input: String,
) -> Result<Captured, Unheard> {
    let given = Given { input: Some(input), most: None };
    run(what, command, environment, patience, enough, &Life::default(), given)
}

/// The same of a command that is of no use to anybody once this process has ended: [`end_with_us`] ends it.
pub(super) fn capture_while_we_live(
    what: &str,
    command: &Command,
    environment: Vec<(OsString, OsString)>,
    patience: Duration,
    enough: usize,
) -> Result<Captured, String> {
    let life = Life::default();
    let mut lives = lock(&LIVES);
    if lives.is_over {
        return Err(format!("{what} is not started any more"));
    }
    lives.all.push(life.clone());
    drop(lives);
    let captured = run(what, command, environment, patience, enough, &life, Given::default());
    lock(&LIVES).all.retain(|one| !Arc::ptr_eq(&one.0, &life.0));
    Ok(captured?)
}

/// Ends the commands that are of no use any more, with all that they started in their groups. None is started from
/// then on: it is for the end of this process.
pub fn end_with_us() {
    let mut lives = lock(&LIVES);
    lives.is_over = true;
    for life in &lives.all {
        lock(&life.0).is_over = true;
        life.end();
    }
}

/// The process group of a command that runs and was not waited for: until then its number is its own.
#[derive(Clone, Default)]
struct Life(Arc<Mutex<Group>>);

#[derive(Default)]
struct Group {
    runs: Option<Pid>,
    is_over: bool,
}

/// Those that end with this process.
struct Lives {
    is_over: bool,
    all: Vec<Life>,
}

static LIVES: Mutex<Lives> = Mutex::new(Lives { is_over: false, all: Vec::new() });

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Life {
    /// Starts a command, unless it is over for all of them by then.
    fn begin(&self, command: &mut std::process::Command) -> io::Result<Child> {
        let mut group = lock(&self.0);
        if group.is_over {
            return Err(io::Error::other("this process ends"));
        }
        let child = command.spawn()?;
        group.runs = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        Ok(child)
    }

    /// How a command ended; `None`: it runs.
    fn look(&self, child: &mut Child) -> io::Result<Option<ExitStatus>> {
        let mut group = lock(&self.0);
        let ended = child.try_wait()?;
        if ended.is_some() {
            group.runs = None;
        }
        Ok(ended)
    }

    /// Ends a command that runs, with its group.
    fn end(&self) {
        if let Some(group) = lock(&self.0).runs.take() {
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

/// What a command is given besides its words and its environment.
#[derive(Default)]
struct Given {
    /// What stands on its standard input.
    input: Option<String>,
    /// Most bytes of a file that it may write.
    most: Option<u64>,
}

/// Sets the limit of what may be written, and becomes the command.
const LIMITED: &str = "ulimit -f \"$1\" && shift && exec \"$@\"";

fn run(
    what: &str,
    command: &Command,
    environment: Vec<(OsString, OsString)>,
    patience: Duration,
    enough: usize,
    life: &Life,
    given: Given,
) -> Result<Captured, Unheard> {
    let no_program = || Unheard::NotStarted(format!("{what} names no program"));
    let (name, arguments) = command.argv.split_first().ok_or_else(no_program)?;
    let program = if name.contains('/') { Path::new(&command.cwd).join(name) } else { name.into() };
    let unattended = unattended(command, &environment);
    let mut started = match given.most {
        None => std::process::Command::new(program),
        Some(most) => {
            let mut shell = std::process::Command::new("/bin/sh");
            // In blocks of 512 bytes, for this shell and what it becomes.
            shell.args(["-c", LIMITED, "sh"]).arg((most / 512).to_string()).arg(program);
            shell
        }
    };
    started
        .args(arguments)
        .current_dir(&command.cwd)
        .env_clear()
        .envs(environment)
        .envs(unattended)
        .stdin(if given.input.is_some() { Stdio::piped() } else { Stdio::null() })
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0);
    let not_started = |error| Unheard::NotStarted(format!("{what} {} did not start: {error}", visible(name)));
    let mut child = life.begin(&mut started).map_err(not_started)?;
    if let (Some(mut stdin), Some(input)) = (child.stdin.take(), given.input) {
        // It may be longer than a pipe holds, and not everything reads what it is given.
        std::thread::spawn(move || drop(stdin.write_all(input.as_bytes())));
    }
    let until = Instant::now() + patience;
    let heard = listen(&mut child, life, until, enough);
    let ended = heard.is_ok() && wait(&mut child, life, until);
    if !ended && matches!(life.look(&mut child), Ok(None)) {
        life.end();
    }
    let lost = |error: io::Error| Unheard::NoAnswer(error.to_string());
    let status = child.wait().map_err(lost)?;
    if !ended {
        return Err(Unheard::NoAnswer(format!("{what} gave no answer within {} s", patience.as_secs())));
    }
    let (out, err) = heard.map_err(lost)?;
    Ok(Captured { code: status.code(), out, err, enough })
}

/// Reads both streams to their ends, keeping the beginning of each; or until a little after the end
/// of the command, where something it left behind holds them.
fn listen(child: &mut Child, life: &Life, until: Instant, enough: usize) -> io::Result<(Vec<u8>, Vec<u8>)> {
    let (mut out, mut err) = (child.stdout.take(), child.stderr.take());
    let (mut said, mut complained) = (Vec::new(), Vec::new());
    let mut ended: Option<Instant> = None;
    while out.is_some() || err.is_some() {
        let now = Instant::now();
        if ended.is_none() && life.look(child)?.is_some() {
            ended = Some(now);
        }
        let rest = until.saturating_duration_since(now);
        if ended.is_some_and(|at| now >= at + DRAIN || rest.is_zero()) {
            break;
        }
        if rest.is_zero() {
            // Also where it never stops talking.
            return Err(io::ErrorKind::TimedOut.into());
        }
        let timeout = rustix::event::Timespec::try_from(rest.min(TICK)).ok();
        let mut descriptors = Vec::new();
        descriptors.extend(out.as_ref().map(|stream| PollFd::new(stream, PollFlags::IN)));
        descriptors.extend(err.as_ref().map(|stream| PollFd::new(stream, PollFlags::IN)));
        match poll(&mut descriptors, timeout.as_ref()) {
            Ok(0) => continue,
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        let mut ready = descriptors.iter().map(|descriptor| !descriptor.revents().is_empty());
        let out_ready = out.is_some() && ready.next() == Some(true);
        let err_ready = err.is_some() && ready.next() == Some(true);
        drop(ready);
        if out_ready && take(&mut out, &mut said, enough)? {
            out = None;
        }
        if err_ready && take(&mut err, &mut complained, enough)? {
            err = None;
        }
    }
    Ok((said, complained))
}

/// Takes what a stream has; returns whether it has ended.
fn take(stream: &mut Option<impl io::Read>, into: &mut Vec<u8>, enough: usize) -> io::Result<bool> {
    let Some(stream) = stream else { return Ok(true) };
    let mut bytes = [0; 4096];
    let count = stream.read(&mut bytes)?;
    let room = enough.saturating_sub(into.len()).min(count);
    into.extend_from_slice(bytes.get(..room).unwrap_or_default());
    Ok(count == 0)
}

fn wait(child: &mut Child, life: &Life, until: Instant) -> bool {
    loop {
        match life.look(child) {
            Ok(Some(_)) => return true,
            Ok(None) if Instant::now() < until => std::thread::sleep(Duration::from_millis(10)),
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(script: &str, patience: Duration) -> Result<Captured, String> {
        let argv = ["sh", "-c", script].map(str::to_owned).to_vec();
        let command = Command { argv, cwd: "/".to_owned(), env: Vec::new(), set: [].into() };
        let path = std::env::var_os("PATH").unwrap();
        capture("the question", &command, vec![("PATH".into(), path)], patience, 1 << 10)
    }

    #[test]
    fn what_a_command_leaves_running_does_not_hold_up_its_answer() {
        // It ends by itself; nothing waits for it.
        let said = run("sleep 20 & echo $!; exit 3", Duration::from_secs(15)).unwrap();
        let left: i32 = String::from_utf8(said.out).unwrap().trim().parse().unwrap();
        assert_eq!(said.code, Some(3));
        let left = Pid::from_raw(left).unwrap();
        rustix::process::kill_process(left, Signal::KILL).expect("it was left alone");
    }

    #[test]
    fn what_writes_more_than_it_may_ends() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let script =
            format!("head -c 4096 /dev/zero > {0}; head -c 40960 /dev/zero > {0}", file.path().display());
        let argv = ["sh", "-c", &script].map(str::to_owned).to_vec();
        let command = Command { argv, cwd: "/".to_owned(), env: Vec::new(), set: [].into() };
        let path = std::env::var_os("PATH").unwrap();
        let wait = Duration::from_secs(15);
        let said =
            capture_limited("it", &command, vec![("PATH".into(), path)], wait, 1 << 10, 8192).ok().unwrap();
        assert_ne!(said.code, Some(0));
        assert_eq!(file.path().metadata().unwrap().len(), 8192);
    }

    #[test]
    fn secrets_are_taken_out_also_where_it_was_cut() {
        let masker = Masker::new([("TOKEN", &b"hunter22"[..])]).unwrap();
        let said = run("echo in hunter22; printf '%1020shunter22' '' >&2", Duration::from_secs(15)).unwrap();
        let Captured { out, err, .. } = said.masked(&masker);
        assert_eq!(String::from_utf8_lossy(&out), "in ‹TOKEN›\n");
        assert_eq!(String::from_utf8_lossy(&err).trim(), "");
    }

    #[test]
    fn what_never_stops_talking_is_stopped() {
        let why = run("while :; do echo more; done", Duration::from_millis(300)).err().unwrap();
        assert!(why.contains("gave no answer"), "{why}");
    }
}
