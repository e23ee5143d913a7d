//! Runs a probe's command once. Touches processes; imported by the runner.

use std::ffi::OsString;
use std::io;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant};

use bstr::ByteSlice as _;
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::{Child, Command};

use super::answer::{Answer, MAX_BODY, Trouble, length};
use crate::failure::Fault;
use crate::text::mask::{Masker, Stream};
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
/// It gets the usual environment, the variables named in `env`, its `secrets` as variables, and nothing to read.
/// Secrets are taken out of what it complains of, not out of its output: that is to be compared.
pub async fn ask(
    argv: &[String],
    env: &[String],
    secrets: &[(OsString, OsString)],
    root: &Path,
    timeout: Duration,
    masker: &Masker,
) -> Result<Answer, Trouble> {
    let started = Instant::now();
    let mut group = Group(start(argv, env, secrets, root)?);
    let Ok(ended) = tokio::time::timeout(timeout, group.finish(masker.stream())).await else {
        group.kill();
        // Reaped here so that no dead process stays behind; a KILL does not take long.
        let _ = tokio::time::timeout(GRACE, group.0.wait()).await;
        let why = format!("`{}` was not done within {} and was killed", shown(argv), length(timeout));
        return Err(Trouble::new(Fault::Timeout, why));
    };
    let ended = ended.map_err(|e| {
        Trouble::new(Fault::Lost, format!("`{}` was started but its end was not seen: {e}", shown(argv)))
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
        Some(signal) if !answer.cut => Err(Trouble::new(
            Fault::Signal(signal),
            format!("`{}` was killed by signal {signal}", shown(argv)),
        )),
        _ => Ok(answer),
    }
}

fn start(
    argv: &[String],
    env: &[String],
    secrets: &[(OsString, OsString)],
    root: &Path,
) -> Result<Child, Trouble> {
    let Some((program, arguments)) = argv.split_first() else {
        return Err(Trouble::new(Fault::NotStarted, "the command is empty"));
    };
    let names = ENVIRONMENT.into_iter().chain(env.iter().map(String::as_str));
    // A name with `=` or NUL in it cannot be one, and asking for it would panic.
    let names = names.filter(|name| !name.is_empty() && !name.contains(['=', '\0']));
    Command::new(program)
        .args(arguments)
        .current_dir(root)
        .env_clear()
        .envs(names.filter_map(|name| Some((name, std::env::var_os(name)?))))
        .envs(secrets.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
        .map_err(|e| {
            let why = match e.kind() {
                _ if !root.is_dir() => format!("its directory {} is gone", root.display()),
                io::ErrorKind::NotFound => "no such program".to_owned(),
                io::ErrorKind::PermissionDenied => "it may not be executed".to_owned(),
                _ => e.to_string(),
            };
            Trouble::new(Fault::NotStarted, format!("`{}` did not start: {why}", shown(argv)))
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
    async fn finish(&mut self, masking: Stream) -> io::Result<Ended> {
        let (stdout, stderr) = (self.0.stdout.take(), self.0.stderr.take());
        let leader = self.0.id();
        let (mut output, mut complaint) = (Vec::new(), Vec::new());
        let (mut status, mut cut) = (None, false);
        {
            let head = read_head(stdout, &mut output);
            let tail = read_tail(stderr, masking, &mut complaint);
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

/// Reads all and keeps the end, masked. Where reading is given up what is held back stays so.
async fn read_tail(pipe: Option<impl AsyncRead + Unpin>, mut masking: Stream, into: &mut Vec<u8>) {
    let Some(mut pipe) = pipe else { return };
    let mut chunk = [0; MAX_COMPLAINT];
    loop {
        let read = pipe.read(&mut chunk).await.unwrap_or_default();
        match chunk.get(..read).filter(|read| !read.is_empty()) {
            Some(read) => masking.feed(read, into),
            None => masking.finish(into),
        }
        let surplus = into.len().saturating_sub(MAX_COMPLAINT);
        into.drain(..surplus);
        if read == 0 {
            break;
        }
    }
}

fn last_line(bytes: &[u8]) -> String {
    let line = bytes.trim().lines().next_back().unwrap_or_default();
    visible(&line.to_str_lossy()).into_owned()
}

/// The program's name for a sentence.
fn shown(argv: &[String]) -> String {
    super::answer::excerpt(argv.first().map_or("", String::as_str), &Masker::default())
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(20);

    async fn run(argv: &[&str], timeout: Duration) -> Result<Answer, Trouble> {
        let argv: Vec<String> = argv.iter().map(|&arg| arg.to_owned()).collect();
        ask(&argv, &[], &[], Path::new("/"), timeout, &Masker::default()).await
    }

    async fn sh(script: &str) -> Result<Answer, Trouble> {
        run(&["sh", "-c", script], LONG).await
    }

    #[tokio::test]
    async fn output_and_exit_code_are_its_own() {
        let answer = sh("echo '{\"a\":1}'; echo first >&2; echo last >&2; exit 3").await.unwrap();
        assert_eq!((answer.exit, answer.body.as_slice()), (Some(3), &b"{\"a\":1}\n"[..]));
        assert_eq!(answer.complaint, "last");
        assert_eq!((answer.status, answer.cut), (None, false));
    }

    #[tokio::test]
    async fn arguments_are_no_shell_text() {
        let answer = run(&["printf", "%s", "$(id) `id` ; id"], LONG).await.unwrap();
        assert_eq!(answer.body, b"$(id) `id` ; id");
    }

    #[tokio::test]
    async fn it_runs_in_its_directory_with_nothing_to_read() {
        let dir = tempfile::tempdir().unwrap();
        let argv = ["sh", "-c", "pwd -P; cat"].map(str::to_owned);
        let answer = ask(&argv, &[], &[], dir.path(), LONG, &Masker::default()).await.unwrap();
        let wanted = dir.path().canonicalize().unwrap();
        assert_eq!(String::from_utf8(answer.body).unwrap().trim_end(), wanted.to_str().unwrap());
    }

    #[tokio::test]
    async fn it_gets_the_usual_environment_and_what_is_declared() {
        let declared = "CARGO_MANIFEST_DIR".to_owned();
        let argv = ["env".to_owned()];
        let names = |answer: Answer| {
            let text = String::from_utf8(answer.body).unwrap();
            text.lines().filter_map(|line| Some(line.split_once('=')?.0.to_owned())).collect::<Vec<_>>()
        };
        let without = names(ask(&argv, &[], &[], Path::new("/"), LONG, &Masker::default()).await.unwrap());
        assert!(without.contains(&"PATH".to_owned()), "{without:?}");
        assert!(without.iter().all(|name| ENVIRONMENT.contains(&name.as_str())), "{without:?}");
        let bad = "A=B".to_owned();
        let with = names(
            ask(&argv, &[declared.clone(), bad], &[], Path::new("/"), LONG, &Masker::default())
                .await
                .unwrap(),
        );
        assert!(with.contains(&declared), "{with:?}");
    }

    #[tokio::test]
    async fn a_signal_is_a_signal() {
        let trouble = sh("kill -TERM $$").await.unwrap_err();
        assert_eq!(
            (trouble.fault, trouble.why.as_str()),
            (Fault::Signal(15), "`sh` was killed by signal 15")
        );
    }

    #[tokio::test]
    async fn what_hangs_is_killed_with_all_it_started() {
        let dir = tempfile::tempdir().unwrap();
        let script = "sleep 1000 & echo $! > child; wait";
        let argv = ["sh", "-c", script].map(str::to_owned);
        let child = dir.path().join("child");
        let mut wait = Duration::from_millis(200);
        let pid = loop {
            let trouble = ask(&argv, &[], &[], dir.path(), wait, &Masker::default()).await.unwrap_err();
            assert_eq!(trouble.fault, Fault::Timeout);
            let written = std::fs::read_to_string(&child).unwrap_or_default();
            if let Ok(pid) = written.trim().parse::<i32>() {
                break pid;
            }
            // A machine under load may not have come so far.
            wait *= 2;
            assert!(wait < LONG, "the script never started its child");
        };
        let pid = rustix::process::Pid::from_raw(pid).unwrap();
        let gone = async {
            while is_alive(pid) {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(LONG, gone).await.expect("the child outlived its group");
    }

    /// Whether a process runs; one that is dead but not yet waited for does not.
    fn is_alive(pid: rustix::process::Pid) -> bool {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero()));
        let is_dead = stat.is_ok_and(|stat| stat.rsplit(')').next().unwrap_or_default().starts_with(" Z"));
        !is_dead && rustix::process::test_kill_process(pid).is_ok()
    }

    #[tokio::test]
    async fn endless_output_is_cut_and_stopped() {
        let answer = run(&["yes"], LONG).await.unwrap();
        assert_eq!((answer.cut, answer.body.len(), answer.exit), (true, MAX_BODY, None));
    }

    #[tokio::test]
    async fn endless_complaints_are_bounded_too() {
        let answer =
            sh("head -c 3000000 /dev/zero | tr '\\0' 'x' >&2; echo >&2; echo end >&2").await.unwrap();
        assert_eq!((answer.exit, answer.complaint.as_str()), (Some(0), "end"));
    }

    #[tokio::test]
    async fn output_that_is_no_text_is_kept_as_it_is() {
        let answer = sh("printf '\\377\\033[31m'; printf 'bad \\377\\033' >&2").await.unwrap();
        assert_eq!(answer.body, b"\xff\x1b[31m");
        assert_eq!(answer.complaint, "bad \u{fffd}<U+001B>");
    }

    #[tokio::test]
    async fn what_it_leaves_behind_does_not_hold_up_the_answer() {
        let started = Instant::now();
        let answer = sh("sleep 30 & echo up").await.unwrap();
        assert_eq!((answer.exit, answer.body.as_slice()), (Some(0), &b"up\n"[..]));
        assert!(started.elapsed() < LONG, "it waited for the process that was left behind");
    }

    #[tokio::test]
    async fn a_missing_program_or_directory_did_not_start() {
        let missing = run(&["no-such-program-anywhere"], LONG).await.unwrap_err();
        assert_eq!(missing.fault, Fault::NotStarted);
        assert!(missing.why.ends_with("no such program"), "{}", missing.why);
        let forbidden = run(&["/"], LONG).await.unwrap_err();
        assert!(forbidden.why.ends_with("it may not be executed"), "{}", forbidden.why);
        let argv = ["true".to_owned()];
        let nowhere = ask(&argv, &[], &[], Path::new("/no/such/directory"), LONG, &Masker::default())
            .await
            .unwrap_err();
        assert!(nowhere.why.ends_with("its directory /no/such/directory is gone"), "{}", nowhere.why);
    }
}
