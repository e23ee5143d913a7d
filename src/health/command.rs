//! Runs a probe's command once. Touches processes; imported by the runner.

use std::io;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant};

use bstr::ByteSlice as _;
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::{Child, Command};

use super::answer::{Answer, MAX_BODY, Trouble, length};
use crate::text::visible;

/// Variables every command gets, where they are set. No TERM: there is no terminal.
const ENVIRONMENT: [&str; 9] =
    ["PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR"];

/// How long output is waited for after the command ended: a process it left behind may hold
/// the pipe open for ever.
const GRACE: Duration = Duration::from_millis(250);

/// Most bytes kept of the end of standard error.
const MAX_COMPLAINT: usize = 4096;

/// Runs a program with arguments in a directory and reads what it prints, within `timeout`.
/// It gets the usual environment and the variables named in `env`, and nothing to read.
pub async fn ask(argv: &[String], env: &[String], root: &Path, timeout: Duration) -> Result<Answer, Trouble> {
    let started = Instant::now();
    let mut group = Group(start(argv, env, root)?);
    let Ok(ended) = tokio::time::timeout(timeout, group.finish()).await else {
        group.kill();
        // Reaped here so that no dead process stays behind; a KILL does not take long.
        let _ = tokio::time::timeout(GRACE, group.0.wait()).await;
        let why = format!("`{}` was not done within {} and was killed", shown(argv), length(timeout));
        return Err(Trouble::nobody("timeout", why));
    };
    let ended = ended.map_err(|e| {
        Trouble::not_asked("lost", format!("`{}` was started but its end was not seen: {e}", shown(argv)))
    })?;
    let answer = Answer {
        exit: ended.status.code(),
        latency: started.elapsed(),
        body: ended.output,
        cut: ended.cut,
        complaint: last_line(&ended.complaint),
        ..Answer::default()
    };
    match ended.status.signal() {
        // The KILL that stops endless output is our own.
        Some(signal) if !answer.cut => Err(Trouble::nobody(
            &format!("signal {signal}"),
            format!("`{}` was killed by signal {signal}", shown(argv)),
        )),
        _ => Ok(answer),
    }
}

fn start(argv: &[String], env: &[String], root: &Path) -> Result<Child, Trouble> {
    let Some((program, arguments)) = argv.split_first() else {
        return Err(Trouble::not_asked("did not start", "the command is empty"));
    };
    let names = ENVIRONMENT.into_iter().chain(env.iter().map(String::as_str));
    // A name with `=` or NUL in it cannot be one, and asking for it would panic.
    let names = names.filter(|name| !name.is_empty() && !name.contains(['=', '\0']));
    Command::new(program)
        .args(arguments)
        .current_dir(root)
        .env_clear()
        .envs(names.filter_map(|name| Some((name, std::env::var_os(name)?))))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
        .map_err(|e| {
            let why = match e.kind() {
                _ if !root.is_dir() => format!("its directory {} is gone", root.display()),
                io::ErrorKind::NotFound => "there is no such program".to_owned(),
                io::ErrorKind::PermissionDenied => "it may not be executed".to_owned(),
                _ => e.to_string(),
            };
            Trouble::nobody("did not start", format!("`{}` did not start: {why}", shown(argv)))
        })
}

/// A command as the leader of its own process group, killed with it when dropped early.
struct Group(Child);

/// How a command ended.
struct Ended {
    status: ExitStatus,
    output: Vec<u8>,
    cut: bool,
    complaint: Vec<u8>,
}

impl Group {
    async fn finish(&mut self) -> io::Result<Ended> {
        let (stdout, stderr) = (self.0.stdout.take(), self.0.stderr.take());
        let leader = self.0.id();
        let (mut output, mut complaint) = (Vec::new(), Vec::new());
        let (mut status, mut cut) = (None, false);
        {
            let head = read_head(stdout, &mut output);
            let tail = read_tail(stderr, &mut complaint);
            let grace = tokio::time::sleep(Duration::MAX);
            tokio::pin!(head, tail, grace);
            let (mut head_done, mut tail_done) = (false, false);
            while status.is_none() || !(head_done && tail_done) {
                tokio::select! {
                    too_long = &mut head, if !head_done => {
                        head_done = true;
                        cut = too_long;
                        // Only before the leader was waited for is its number surely its own.
                        if cut && status.is_none() {
                            kill_group(leader);
                        }
                    }
                    () = &mut tail, if !tail_done => tail_done = true,
                    ended = self.0.wait(), if status.is_none() => {
                        status = Some(ended?);
                        grace.as_mut().reset(tokio::time::Instant::now() + GRACE);
                    }
                    () = &mut grace, if status.is_some() => break,
                }
            }
        }
        let status = status.ok_or_else(|| io::Error::other("it was not waited for"))?;
        Ok(Ended { status, output, cut, complaint })
    }

    /// Kills the whole group, unless the leader was waited for already: then its number may
    /// belong to somebody else.
    fn kill(&mut self) {
        kill_group(self.0.id());
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.kill();
    }
}

fn kill_group(leader: Option<u32>) {
    let pid = leader.and_then(|id| i32::try_from(id).ok()).and_then(rustix::process::Pid::from_raw);
    if let Some(pid) = pid {
        // It may be gone by now; then there is nothing to kill.
        let _ = rustix::process::kill_process_group(pid, rustix::process::Signal::KILL);
    }
}

/// Reads up to the limit; true if there was more.
async fn read_head(pipe: Option<impl AsyncRead + Unpin>, into: &mut Vec<u8>) -> bool {
    let Some(pipe) = pipe else { return false };
    // An error ends the output as its end does; how the command fared is known by its exit.
    let _ = pipe.take(MAX_BODY as u64 + 1).read_to_end(into).await;
    let cut = into.len() > MAX_BODY;
    into.truncate(MAX_BODY);
    cut
}

/// Reads all and keeps the end.
async fn read_tail(pipe: Option<impl AsyncRead + Unpin>, into: &mut Vec<u8>) {
    let Some(mut pipe) = pipe else { return };
    let mut chunk = [0; MAX_COMPLAINT];
    while let Ok(read @ 1..) = pipe.read(&mut chunk).await {
        into.extend_from_slice(chunk.get(..read).unwrap_or_default());
        let surplus = into.len().saturating_sub(MAX_COMPLAINT);
        into.drain(..surplus);
    }
}

fn last_line(bytes: &[u8]) -> String {
    let line = bytes.trim().lines().next_back().unwrap_or_default();
    visible(&line.to_str_lossy()).into_owned()
}

/// The program's name for a sentence.
fn shown(argv: &[String]) -> String {
    super::answer::excerpt(argv.first().map_or("", String::as_str))
}
