//! What a `git push` says of itself: whether the remote took the references, refused them, or the
//! connection was lost before the remote said which.

use std::path::Path;

use super::environment::is_git;
use super::log::{Chunk, LogReader};
use super::plain::Plain;
use crate::incident::Outcome;
use crate::plan::{Action, Ask, Command, Probe, Step};

/// Bytes from the end of its output in which the report stands.
const TAIL: u64 = 32 << 10;
/// Options of git that are followed by a value of their own.
const VALUED: [&str; 6] = ["-c", "-C", "--git-dir", "--work-tree", "--namespace", "--config-env"];

/// What a push came to, by its own account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Report {
    /// The remote took every reference, or had it before: the line that says so.
    Taken(String),
    /// It failed for certain: a reference was refused, or nothing was ever sent.
    Failed,
    /// The connection was lost after it had begun to send. A hook at the remote may still be at work,
    /// and then it lands.
    CutOff,
}

/// What the push of a step came to; `None` where the step is no push, or a push that says nothing.
pub(super) fn report(step: &Step, outcome: &Outcome, dir: &Path) -> Option<Report> {
    let quiet = words(push_of(step)?).any(|word| matches!(word, "-q" | "--quiet"));
    read(outcome, &tail(dir), quiet)
}

/// The push that a step is, if it is one.
pub(super) fn push_of(step: &Step) -> Option<&Command> {
    match &step.action {
        Action::Command(command) if is_push(command) => Some(command),
        _ => None,
    }
}

/// What a push takes where, by its own words: from what, and to which reference. Only what is named in full counts.
pub(super) fn pushes(step: &Step) -> Vec<(&str, &str)> {
    let specs = push_of(step).into_iter().flat_map(|push| words(push).skip(1));
    let named = specs.filter(|word| !word.starts_with('-')).filter_map(|word| word.split_once(':'));
    named.filter(|(from, to)| !from.is_empty() && to.starts_with("refs/")).collect()
}

fn is_push(command: &Command) -> bool {
    words(command).next() == Some("push")
}

/// Tells whether a probe asks the remote that a push went to, so that what the push itself said of it
/// counts as an answer.
pub(super) fn asks_its_remote(push: &Command, probe: &Probe) -> bool {
    let Some(remote) = words(push).skip(1).find(|word| !word.starts_with('-')) else { return false };
    asks_a_remote(probe).is_some_and(|question| words(question).any(|word| word == remote))
}

/// The git command by which a probe asks a remote, if it does.
pub(super) fn asks_a_remote(probe: &Probe) -> Option<&Command> {
    match &probe.ask {
        Ask::Command(command) if matches!(words(command).next(), Some("ls-remote" | "fetch")) => {
            Some(command)
        }
        _ => None,
    }
}

/// The words of a git command from its own verb on; none where it is no git.
fn words(command: &Command) -> impl Iterator<Item = &str> {
    let mut words = command.argv.iter().map(String::as_str);
    let program = words.next().filter(|_| is_git(command));
    let mut skipped = false;
    let is_option = move |word: &&str| {
        let value = std::mem::replace(&mut skipped, VALUED.contains(word));
        value || word.starts_with('-')
    };
    program.into_iter().flat_map(move |_| words.clone()).skip_while(is_option)
}

/// The end of what a run printed, as plain text. A log that cannot be read says nothing.
pub(super) fn tail(dir: &Path) -> String {
    let from = LogReader::open(dir, 0).map_or(0, |log| log.len().saturating_sub(TAIL));
    let mut plain = Plain::new(false);
    let mut text = String::new();
    if let Ok(mut log) = LogReader::open(dir, from) {
        while let Ok(Some(chunk)) = log.read(TAIL as usize) {
            if let Chunk::Bytes(bytes) = chunk {
                text.push_str(&plain.feed(&bytes));
            }
        }
    }
    text + &plain.finish()
}

/// `quiet`: it was told to say nothing but what went wrong.
fn read(outcome: &Outcome, text: &str, quiet: bool) -> Option<Report> {
    let lines: Vec<(char, &str)> = text.lines().filter_map(reference).collect();
    let refused: Vec<&str> = lines.iter().filter(|(flag, _)| *flag == '!').map(|(_, line)| *line).collect();
    // The remote was to say what it did, and did not.
    let lost = |line: &&str| line.contains("[remote failure]");
    if outcome.succeeded() {
        let taken = lines.iter().find(|(flag, _)| *flag != '!').map(|(_, line)| *line);
        let taken = taken.or_else(|| text.lines().find(|line| *line == "Everything up-to-date"));
        return taken.filter(|_| refused.is_empty()).map(|line| Report::Taken(line.trim().to_owned()));
    }
    Some(match refused.as_slice() {
        [] if quiet || has_sent(text) => Report::CutOff,
        refused if refused.iter().any(lost) => Report::CutOff,
        _ => Report::Failed,
    })
}

/// A line about one reference, as git prints it for people or with `--porcelain`: its flag, and the
/// line. What the remote says stands behind `remote: ` and is none.
fn reference(line: &str) -> Option<(char, &str)> {
    let mut rest = line.chars();
    let first = rest.next()?;
    if " +-*!=".contains(first) && rest.as_str().starts_with('\t') {
        return rest.as_str().contains(':').then_some((first, line));
    }
    let flag = rest.next().filter(|_| first == ' ')?;
    let says = rest.as_str().strip_prefix(' ')?;
    let names = says.contains(" -> ");
    let is_one = match flag {
        ' ' | '+' => names && says.contains(".."),
        '*' | '!' | '=' => names && says.starts_with('['),
        '-' => says.starts_with("[deleted]"),
        _ => false,
    };
    // A reference that is deleted has no other name beside it.
    (is_one || (flag == '!' && says.starts_with('['))).then_some((flag, line))
}

/// Tells whether anything was sent, or heard of the remote's hooks, in whatever language git speaks.
fn has_sent(text: &str) -> bool {
    text.lines().any(|line| {
        let counts = line.split_once("% (").is_some_and(|(_, rest)| {
            rest.split_once('/').is_some_and(|(done, _)| done.bytes().all(|byte| byte.is_ascii_digit()))
        });
        counts || line.starts_with("remote: ") || line.to_lowercase().contains("(delta ")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SENT: &str = "Writing objects: 100% (3/3), 186 bytes | 26.00 KiB/s, done.\n\
        Total 3 (delta 0), reused 0 (delta 0), pack-reused 0 (from 0)\n";
    const TO: &str = "To ssh://h.invalid/o.git\n";

    fn command(argv: &[&str]) -> Command {
        Command {
            argv: argv.iter().map(|&word| word.to_owned()).collect(),
            cwd: "/".to_owned(),
            env: Vec::new(),
            set: [].into(),
        }
    }

    #[test]
    fn what_a_push_says_of_each_reference_is_read() {
        let exited = |code| Outcome::Exited { code };
        let taken = |line: &str| Some(Report::Taken(line.to_owned()));
        let (failed, cut_off) = (|| Some(Report::Failed), || Some(Report::CutOff));
        let hung_up = "send-pack: unexpected disconnect while reading sideband packet\n\
            fatal: the remote end hung up unexpectedly\n";
        let cases: [(i32, String, Option<Report>); 15] = [
            (0, format!("{SENT}{TO}   1f2c..3d4e  main -> main\n"), taken("1f2c..3d4e  main -> main")),
            (0, format!("{TO} * [new branch]      x -> x\n"), taken("* [new branch]      x -> x")),
            (
                0,
                format!("{TO}=\trefs/heads/x:refs/heads/x\t[up to date]\nDone\n"),
                taken("=\trefs/heads/x:refs/heads/x\t[up to date]"),
            ),
            (0, format!("{TO} - [deleted]         x\n"), taken("- [deleted]         x")),
            (0, "Everything up-to-date\n".to_owned(), taken("Everything up-to-date")),
            (0, "remote:  * [new branch] x -> x\n".to_owned(), None),
            (1, format!("{TO} ! [rejected]        main -> main (fetch first)\n"), failed()),
            (
                1,
                format!(
                    "{SENT}remote: no\n{TO} ! [remote rejected] main -> main (pre-receive hook declined)\n"
                ),
                failed(),
            ),
            (
                1,
                format!("{SENT}{TO} ! [remote failure]  main -> main (remote failed to report status)\n"),
                cut_off(),
            ),
            (
                1,
                format!(
                    "{SENT}{TO}!\tHEAD:refs/heads/x\t[remote failure] (remote failed to report status)\n"
                ),
                cut_off(),
            ),
            (128, format!("{SENT}remote: the hook is at it\n{hung_up}"), cut_off()),
            (
                1,
                format!("{SENT}error: RPC failed; HTTP 504 curl 22\n{hung_up}Everything up-to-date\n"),
                cut_off(),
            ),
            (
                128,
                "git@h: Permission denied (publickey).\nfatal: Could not read from remote repository.\n"
                    .to_owned(),
                failed(),
            ),
            (
                128,
                "ssh: connect to host h port 22: Connection refused\nfatal: Could not read\n".to_owned(),
                failed(),
            ),
            (1, "error: failed to push some refs to 'ssh://h.invalid/o.git'\n".to_owned(), failed()),
        ];
        for (code, text, expected) in cases {
            assert_eq!(read(&exited(code), &text, false), expected, "{code}: {text}");
        }
        let killed = Outcome::Signalled { signal: 2 };
        assert_eq!(read(&killed, SENT, false), cut_off(), "what the remote is at is not known");
        assert_eq!(read(&killed, "Enter passphrase for key '/keys/deploy': ", false), failed());
        assert_eq!(read(&exited(128), "fatal: the remote end hung up unexpectedly\n", true), cut_off());
    }

    #[test]
    fn a_push_is_known_by_its_verb_and_its_remote_by_the_question() {
        let push = command(&["git", "-c", "push.default=nothing", "push", "-u", "origin", "a:b"]);
        assert!(is_push(&push));
        for other in [&["git", "-C", "push", "fetch"][..], &["git", "stash", "push"], &["./push"], &["git"]] {
            assert!(!is_push(&command(other)), "{other:?}");
        }
        let asks = |argv: &[&str]| asks_its_remote(&push, &Probe::command(command(argv), None));
        assert!(asks(&["git", "ls-remote", "--heads", "origin", "refs/heads/b"]));
        assert!(asks(&["git", "fetch", "--dry-run", "origin", "b:c"]));
        assert!(!asks(&["git", "ls-remote", "--heads", "backup", "refs/heads/b"]), "of another remote");
        assert!(!asks(&["git", "merge-base", "--is-ancestor", "origin", "b"]), "that is asked here");
        assert!(!asks(&["curl", "https://staging.invalid/version"]), "what is deployed is another matter");
    }
}
