//! Asks the world whether something is so: by a command without a terminal, or by a call.

use std::time::Duration;

use super::call::ask_http;
use super::capture::{Captured, capture};
use super::environment::{environment, is_git};
use super::forge;
use super::mask::Masker;
use super::secrets::Vault;
use crate::incident::Proof;
use crate::plan::{Ask, Command, Probe};
use crate::text::visible;

/// The longest an answer is waited for.
const PATIENCE: Duration = Duration::from_secs(30);
/// Bytes of its output that are looked at.
const ENOUGH: usize = 64 << 10;

/// Asks the world. Anything but a clear answer is unknown.
pub(super) fn ask(probe: &Probe, vault: &mut Vault) -> (Proof, String) {
    let expect = probe.expect.as_deref();
    let (proof, why) = match (vault.need_for_probe(probe), &probe.ask) {
        (Err(failure), _) => (Proof::Unknown, failure.cause),
        (Ok(()), Ask::Http { call, path }) => {
            ask_http(call, path, expect, probe.negate, &|name| vault.secret(name), PATIENCE)
        }
        (Ok(()), Ask::Forge(call)) => forge::is_done(call, vault.secret(&call.place.token), PATIENCE),
        (Ok(()), Ask::Command(command)) => match answer(command, vault) {
            Ok(answer) => judge(expect, probe.negate, &answer, vault.masker()),
            Err(why) => (Proof::Unknown, why),
        },
    };
    (proof, vault.mask(&why))
}

/// What a proof's command said.
#[derive(Debug)]
pub(super) struct Answer {
    /// Its exit code; `None` where a signal ended it.
    pub(super) code: Option<i32>,
    /// The first line that says something on its standard output.
    pub(super) line: String,
    /// The last such line on its standard error, without secrets.
    pub(super) complaint: String,
}

/// What an answer means. Anything but a clear one is unknown.
pub(super) fn judge(expect: Option<&str>, negate: bool, answer: &Answer, masker: &Masker) -> (Proof, String) {
    // Before it is made visible: what nobody sees hides no secret.
    let shown = masker.mask(&answer.line);
    let line = visible(&shown);
    let holds = match (expect, answer.code) {
        (None, Some(code @ (0 | 1))) => code == 0,
        (Some(_), Some(0)) if answer.line.is_empty() => {
            return (Proof::Unknown, "the proof said nothing".to_owned());
        }
        (Some(expected), Some(0)) => is_same(expected, &answer.line),
        (_, code) => {
            let how = code.map_or("was killed".to_owned(), |code| format!("exited {code}"));
            let said: &str = if answer.complaint.is_empty() { &shown } else { &answer.complaint };
            let colon = if said.is_empty() { "" } else { ": " };
            return (Proof::Unknown, format!("the proof {how}{colon}{}", visible(said)));
        }
    };
    let proof = if holds == negate { Proof::NotDone } else { Proof::Done };
    let why = match (expect, proof) {
        // That it is done says it all; what it printed may say more.
        (None, Proof::Done) => line.into_owned(),
        (None, _) => format!("the proof exited {} {line}", i32::from(!holds)).trim_end().to_owned(),
        (Some(_), Proof::NotDone) if negate => format!("it answers {line} still"),
        (Some(expected), Proof::NotDone) => format!("it answers {line}, expected {}", visible(expected)),
        (Some(_), _) => format!("it answers {line}"),
    };
    (proof, why)
}

/// Tells whether the answer is what was expected. A commit may be given by its beginning.
pub(super) fn is_same(expected: &str, line: &str) -> bool {
    let is_hex = |text: &str| text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let abbreviated = expected.len() >= 40 && line.len() >= 7 && is_hex(expected) && is_hex(line);
    line == expected.trim() || (abbreviated && expected.starts_with(line))
}

fn answer(command: &Command, vault: &Vault) -> Result<Answer, String> {
    vault.check_programs([command.asked()])?;
    let environment = environment(command, vault.variables(command), std::env::vars_os());
    let captured = capture("the proof", command, environment, PATIENCE, ENOUGH)?;
    // That is to be compared as it is.
    let said = String::from_utf8_lossy(&captured.out).into_owned();
    let Captured { code, err, .. } = captured.masked(vault.masker());
    let complained = String::from_utf8_lossy(&err).into_owned();
    let says = |line: &&str| !line.is_empty();
    let mut complaints = complained.lines().map(str::trim).filter(says);
    // What git puts behind the cause is advice.
    let aside = |line: &&str| !line.starts_with("warning:") && !line.starts_with("hint:");
    let complaint = if is_git(command) { complaints.find(aside) } else { complaints.next_back() };
    Ok(Answer {
        code,
        line: said.lines().map(str::trim).find(says).unwrap_or_default().to_owned(),
        complaint: complaint.unwrap_or_default().to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{Plan, Purpose};

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
            (Proof::NotDone, "it answers v1, expected v2".to_owned())
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
    fn the_opposite_can_be_asked_for_and_what_is_unknown_stays_so() {
        let not = |script, expect| asked(&Probe { negate: true, ..probe(script, expect) });
        assert_eq!(not("echo v1", Some("v2")).0, Proof::Done);
        assert_eq!(not("echo v2", Some("v2")), (Proof::NotDone, "it answers v2 still".to_owned()));
        assert_eq!((not("exit 1", None).0, not("exit 0", None).0), (Proof::Done, Proof::NotDone));
        assert_eq!((not("exit 2", None).0, not("true", Some("v2")).0), (Proof::Unknown, Proof::Unknown));
    }

    #[test]
    fn a_flood_is_read_to_its_end_and_only_its_beginning_kept() {
        let script = "echo v2; head -c 3000000 /dev/zero; head -c 3000000 /dev/zero >&2";
        assert_eq!(asked(&probe(script, Some("v2"))).0, Proof::Done);
    }
}
