//! Asks the world whether a step of unknown fate is done.

use std::time::Duration;

use jiff::Timestamp;

use super::capture::{Captured, capture};
use super::conduct::approved;
use super::secrets::Vault;
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
    let mut vault = Vault::open(&spec);
    let mut drafts = Vec::new();
    for (index, (step, planned)) in state.steps.iter().zip(&spec.steps).enumerate() {
        let outcome = step.run.as_ref().and_then(|run| run.outcome.as_ref());
        if !matches!(outcome, Some(Outcome::Unknown { .. } | Outcome::Signalled { .. })) {
            continue;
        }
        let (proof, why) = match &planned.proof {
            Some(probe) => ask(probe, &mut vault),
            None if step.proof.is_some() => continue,
            None => (Proof::Unknown, "nothing is configured that could tell".to_owned()),
        };
        drafts.push(Draft::now(
            incident,
            Proved { plan: plan.to_owned(), step: index, proof, why, undo: false },
        ));
    }
    if drafts.is_empty() { Ok(Vec::new()) } else { journal.append(Timestamp::now(), drafts) }
}

/// Runs the command of a proof and reads its answer.
fn ask(probe: &Probe, vault: &mut Vault) -> (Proof, String) {
    let heard = vault.need_for_probe(probe).map_err(|failure| failure.cause);
    let (proof, why) = match heard.and_then(|()| answer(probe, vault)) {
        Ok(answer) => judge(probe.expect.as_deref(), &answer),
        Err(why) => (Proof::Unknown, why),
    };
    (proof, vault.mask(&why))
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

fn answer(probe: &Probe, vault: &Vault) -> Result<Answer, String> {
    let Ask::Command(command) = &probe.ask else {
        return Err("this kind of proof is not known here".to_owned());
    };
    let environment = environment(command, vault.variables(command), std::env::vars_os());
    let Captured { code, out, err } = capture("the proof", command, environment, PATIENCE, ENOUGH)?;
    let said = String::from_utf8_lossy(&out).into_owned();
    let complained = String::from_utf8_lossy(&err).into_owned();
    let says = |line: &&str| !line.is_empty();
    Ok(Answer {
        code,
        line: said.lines().map(str::trim).find(says).unwrap_or_default().to_owned(),
        complaint: complained.lines().map(str::trim).rfind(says).unwrap_or_default().to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{Command, Plan, Purpose};

    fn probe(script: &str, expect: Option<&str>) -> Probe {
        let argv = ["sh", "-c", script].map(str::to_owned).to_vec();
        let command = Command { argv, cwd: "/".to_owned(), env: Vec::new(), set: [].into() };
        Probe::command(command, expect.map(str::to_owned))
    }

    fn asked(probe: &Probe) -> (Proof, String) {
        ask(probe, &mut Vault::open(&Plan::new("x", "x", Purpose::Test, "x")))
    }

    const COMMIT: &str = "4f2c91e0000000000000000000000000000000ab";

    #[test]
    fn the_first_line_is_compared() {
        assert_eq!(asked(&probe("echo; echo v2; echo noise", Some("v2"))).0, Proof::Done);
        assert_eq!(
            asked(&probe("echo v1", Some("v2"))),
            (Proof::NotDone, "it answers v1, wanted v2".to_owned())
        );
        assert_eq!(asked(&probe("echo 4f2c91e", Some(COMMIT))).0, Proof::Done);
        assert_eq!(asked(&probe("echo 4f2c9", Some(COMMIT))).0, Proof::NotDone, "too short to be sure");
    }

    #[test]
    fn what_is_no_answer_is_unknown() {
        for script in ["echo v2; exit 3", "true", "kill -9 $$"] {
            assert_eq!(asked(&probe(script, Some("v2"))).0, Proof::Unknown, "{script}");
        }
        let (proof, why) = asked(&probe("echo 'connection refused' >&2; exit 7", Some("v2")));
        assert_eq!((proof, why.as_str()), (Proof::Unknown, "the proof exited 7: connection refused"));
        let argv = vec!["./no-such-proof".to_owned()];
        let command = Command { argv, cwd: "/".to_owned(), env: Vec::new(), set: [].into() };
        let missing = Probe::command(command, None);
        assert_eq!(asked(&missing).0, Proof::Unknown);
    }

    #[test]
    fn without_an_expectation_the_exit_code_is_the_answer() {
        assert_eq!(asked(&probe("exit 0", None)).0, Proof::Done);
        assert_eq!(asked(&probe("exit 1", None)).0, Proof::NotDone);
        assert_eq!(asked(&probe("exit 2", None)).0, Proof::Unknown);
    }

    #[test]
    fn a_flood_is_read_to_its_end_and_only_its_beginning_kept() {
        let script = "echo v2; head -c 3000000 /dev/zero; head -c 3000000 /dev/zero >&2";
        assert_eq!(asked(&probe(script, Some("v2"))).0, Proof::Done);
    }
}
