//! Asks the world whether a step of unknown fate is done.

use std::io;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{Pid, Signal, kill_process_group};

use super::conduct::approved;
use super::spawn::environment;
use crate::failure::{Failure, Result};
use crate::incident::{Draft, IncidentId, Outcome, Proof, Proved, Record};
use crate::journal::Journal;
use crate::plan::{Ask, Probe};
use crate::text::visible;

/// The longest a proof is waited for.
const PATIENCE: Duration = Duration::from_secs(30);
/// Bytes of its output that are looked at.
const ENOUGH: usize = 64 << 10;

/// Asks the world about the steps of unknown fate of a plan, and records the answers. Steps
/// that a signal ended are asked about too: what they had begun may be done all the same.
///
/// # Errors
/// The plan is not known, was started on another machine, or the journal refuses.
pub fn prove(journal: &mut Journal, incident: IncidentId, plan: &str) -> Result<Vec<Record>> {
    let (log, _) = journal.load(incident)?;
    let doing = || format!("asking what became of {}", visible(plan));
    let spec = approved(journal, &log, plan).map_err(|cause| {
        Failure::new(doing(), cause, "look for yourself, and write down what you see with flightdeck note")
    })?;
    let Some(state) = log.state().plan(plan) else { return Ok(Vec::new()) };
    let mut drafts = Vec::new();
    for (index, (step, planned)) in state.steps.iter().zip(&spec.steps).enumerate() {
        let outcome = step.run.as_ref().and_then(|run| run.outcome.as_ref());
        if !matches!(outcome, Some(Outcome::Unknown { .. } | Outcome::Signalled { .. })) {
            continue;
        }
        let (proof, why) = match &planned.proof {
            Some(probe) => ask(probe),
            None if step.proof.is_some() => continue,
            None => (Proof::Unknown, "nothing is configured that could tell".to_owned()),
        };
        drafts.push(Draft::now(incident, Proved { plan: plan.to_owned(), step: index, proof, why }));
    }
    if drafts.is_empty() { Ok(Vec::new()) } else { journal.append(Timestamp::now(), drafts) }
}

/// Runs the command of a proof and reads its answer.
fn ask(probe: &Probe) -> (Proof, String) {
    match answer(probe) {
        Ok(answer) => judge(probe.expect.as_deref(), &answer),
        Err(why) => (Proof::Unknown, why),
    }
}

/// What a proof's command said.
#[derive(Debug)]
struct Answer {
    /// Its exit code; `None` where a signal ended it.
    code: Option<i32>,
    /// The first line that says something on its standard output.
    line: String,
    /// The last such line on its standard error.
    complaint: String,
}

fn judge(expect: Option<&str>, answer: &Answer) -> (Proof, String) {
    let line = visible(&answer.line);
    let failed = || {
        let how = answer.code.map_or("was killed".to_owned(), |code| format!("exited {code}"));
        let said = if answer.complaint.is_empty() { &answer.line } else { &answer.complaint };
        let colon = if said.is_empty() { "" } else { ": " };
        (Proof::Unknown, format!("the proof {how}{colon}{}", visible(said)))
    };
    match (expect, answer.code) {
        (None, Some(0)) => (Proof::Done, format!("the proof exited 0 {line}").trim_end().to_owned()),
        (None, Some(1)) => (Proof::NotDone, format!("the proof exited 1 {line}").trim_end().to_owned()),
        (Some(_), Some(0)) if answer.line.is_empty() => (Proof::Unknown, "the proof said nothing".to_owned()),
        (Some(expected), Some(0)) if is_same(expected, &answer.line) => {
            (Proof::Done, format!("it answers {line}"))
        }
        (Some(expected), Some(0)) => {
            (Proof::NotDone, format!("it answers {line}, wanted {}", visible(expected)))
        }
        _ => failed(),
    }
}

/// Tells whether the answer is what was expected. A commit may be given by its beginning.
pub(super) fn is_same(expected: &str, line: &str) -> bool {
    let is_hex = |text: &str| text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let abbreviated = expected.len() >= 40 && line.len() >= 7 && is_hex(expected) && is_hex(line);
    line == expected.trim() || (abbreviated && expected.starts_with(line))
}

fn answer(probe: &Probe) -> Result<Answer, String> {
    let Ask::Command(command) = &probe.ask else {
        return Err("this kind of proof is not known here".to_owned());
    };
    let (name, arguments) = command.argv.split_first().ok_or("the proof names no program")?;
    let program = if name.contains('/') { Path::new(&command.cwd).join(name) } else { name.into() };
    let mut child = std::process::Command::new(program)
        .args(arguments)
        .current_dir(&command.cwd)
        .env_clear()
        .envs(environment(command, std::env::vars_os()))
        // Nobody is there to answer.
        .env("GIT_TERMINAL_PROMPT", "0")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn()
        .map_err(|error| format!("the proof {} did not start: {error}", visible(name)))?;
    let until = Instant::now() + PATIENCE;
    let heard = listen(&mut child, until);
    let ended = heard.is_ok() && wait(&mut child, until);
    if !ended && let Some(group) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
        // Not waited for yet, so the group is still its own.
        let _ = kill_process_group(group, Signal::KILL);
    }
    let status = child.wait().map_err(|error| error.to_string())?;
    if !ended {
        return Err(format!("the proof gave no answer within {} s", PATIENCE.as_secs()));
    }
    let (said, complained) = heard.map_err(|error| error.to_string())?;
    let said = String::from_utf8_lossy(&said).into_owned();
    let complained = String::from_utf8_lossy(&complained).into_owned();
    let says = |line: &&str| !line.is_empty();
    Ok(Answer {
        code: status.code(),
        line: said.lines().map(str::trim).find(says).unwrap_or_default().to_owned(),
        complaint: complained.lines().map(str::trim).rfind(says).unwrap_or_default().to_owned(),
    })
}

/// Reads both streams to their ends, keeping the beginning of each.
fn listen(child: &mut Child, until: Instant) -> io::Result<(Vec<u8>, Vec<u8>)> {
    let (mut out, mut err) = (child.stdout.take(), child.stderr.take());
    let (mut said, mut complained) = (Vec::new(), Vec::new());
    while out.is_some() || err.is_some() {
        let rest = until.saturating_duration_since(Instant::now());
        let timeout = rustix::event::Timespec::try_from(rest).ok();
        let mut descriptors = Vec::new();
        descriptors.extend(out.as_ref().map(|stream| PollFd::new(stream, PollFlags::IN)));
        descriptors.extend(err.as_ref().map(|stream| PollFd::new(stream, PollFlags::IN)));
        match poll(&mut descriptors, timeout.as_ref()) {
            Ok(0) => return Err(io::ErrorKind::TimedOut.into()),
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        let mut ready = descriptors.iter().map(|descriptor| !descriptor.revents().is_empty());
        let out_ready = out.is_some() && ready.next() == Some(true);
        let err_ready = err.is_some() && ready.next() == Some(true);
        drop(ready);
        if out_ready && take(&mut out, &mut said)? {
            out = None;
        }
        if err_ready && take(&mut err, &mut complained)? {
            err = None;
        }
    }
    Ok((said, complained))
}

/// Takes what a stream has; returns whether it has ended.
fn take(stream: &mut Option<impl io::Read>, into: &mut Vec<u8>) -> io::Result<bool> {
    let Some(stream) = stream else { return Ok(true) };
    let mut bytes = [0; 4096];
    let count = stream.read(&mut bytes)?;
    let room = ENOUGH.saturating_sub(into.len()).min(count);
    into.extend_from_slice(bytes.get(..room).unwrap_or_default());
    Ok(count == 0)
}

fn wait(child: &mut Child, until: Instant) -> bool {
    loop {
        match child.try_wait() {
            Ok(Some(_)) => return true,
            Ok(None) if Instant::now() < until => std::thread::sleep(Duration::from_millis(10)),
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Command;

    fn probe(script: &str, expect: Option<&str>) -> Probe {
        let argv = ["sh", "-c", script].map(str::to_owned).to_vec();
        let command = Command { argv, cwd: "/".to_owned(), env: Vec::new(), set: [].into() };
        Probe::command(command, expect.map(str::to_owned))
    }

    const COMMIT: &str = "4f2c91e0000000000000000000000000000000ab";

    #[test]
    fn the_first_line_is_compared() {
        assert_eq!(ask(&probe("echo; echo v2; echo noise", Some("v2"))).0, Proof::Done);
        assert_eq!(
            ask(&probe("echo v1", Some("v2"))),
            (Proof::NotDone, "it answers v1, wanted v2".to_owned())
        );
        assert_eq!(ask(&probe("echo 4f2c91e", Some(COMMIT))).0, Proof::Done);
        assert_eq!(ask(&probe("echo 4f2c9", Some(COMMIT))).0, Proof::NotDone, "too short to be sure");
    }

    #[test]
    fn what_is_no_answer_is_unknown() {
        for script in ["echo v2; exit 3", "true", "kill -9 $$"] {
            assert_eq!(ask(&probe(script, Some("v2"))).0, Proof::Unknown, "{script}");
        }
        let (proof, why) = ask(&probe("echo 'connection refused' >&2; exit 7", Some("v2")));
        assert_eq!((proof, why.as_str()), (Proof::Unknown, "the proof exited 7: connection refused"));
        let argv = vec!["./no-such-proof".to_owned()];
        let command = Command { argv, cwd: "/".to_owned(), env: Vec::new(), set: [].into() };
        let missing = Probe::command(command, None);
        assert_eq!(ask(&missing).0, Proof::Unknown);
    }

    #[test]
    fn without_an_expectation_the_exit_code_is_the_answer() {
        assert_eq!(ask(&probe("exit 0", None)).0, Proof::Done);
        assert_eq!(ask(&probe("exit 1", None)).0, Proof::NotDone);
        assert_eq!(ask(&probe("exit 2", None)).0, Proof::Unknown);
    }

    #[test]
    fn a_flood_is_read_to_its_end_and_only_its_beginning_kept() {
        let script = "echo v2; head -c 3000000 /dev/zero; head -c 3000000 /dev/zero >&2";
        assert_eq!(ask(&probe(script, Some("v2"))).0, Proof::Done);
    }
}
