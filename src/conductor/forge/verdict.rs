//! What all checks of a commit come to at a code host, waited for.

use std::time::{Duration, Instant};

use super::super::call::Answered;
use super::client::{Kind, Lost};
use super::wanted::answered;
use super::{Visit, github, gitlab};
use crate::hotfix::pull::{Check, Verdict, verdict};
use crate::plan::forge::Forge;
use crate::text::counted;

/// The pause between two looks.
const PAUSE: Duration = Duration::from_secs(5);
/// How long one look may take.
const LOOK: Duration = Duration::from_secs(30);
/// How long it may take until the first check is there.
const APPEARS: Duration = Duration::from_secs(120);
/// How long nothing may have changed once all have passed. Hosts begin the checks of a push one after the other, and
/// some of them only when others have ended; one that has passed early says nothing of those.
const QUIET: Duration = Duration::from_secs(30);
/// Most checks that are named.
const NAMED: usize = 5;

/// The checks as they were last seen, and since when they stand like that.
#[derive(Debug, Default)]
struct Settling(Option<(Vec<Check>, Instant)>);

impl Settling {
    /// Takes in what is seen now; how long it has been like that.
    fn see(&mut self, checks: Vec<Check>, now: Instant) -> Duration {
        match &self.0 {
            Some((known, since)) if *known == checks => now.saturating_duration_since(*since),
            _ => {
                self.0 = Some((checks, now));
                Duration::ZERO
            }
        }
    }
}

impl Visit {
    /// Waits until all checks of a commit have ended, or one has failed.
    pub(super) fn wait_for_verdict(&mut self, commit: &str, patience: Duration) -> Answered {
        let (began, short) = (Instant::now(), commit.get(..7).unwrap_or(commit).to_owned());
        let place = self.place.repository.clone();
        let mut settling = Settling::default();
        loop {
            self.client.renew(LOOK);
            let (mut pause, waits) = match self.checks_to_come(commit) {
                Ok((checks, unread)) => {
                    let judged = verdict(&checks);
                    let pages = pages(&checks);
                    let quiet = settling.see(checks, Instant::now());
                    match judged {
                        Verdict::Failed(names) => {
                            let why =
                                format!("checks of {short} at {place} failed: {}{pages}", named(&names));
                            return Answered::Refused { why };
                        }
                        Verdict::Passed(count) if quiet >= QUIET => {
                            return Answered::Told { line: passed(count, self.place.forge, &short, unread) };
                        }
                        Verdict::Passed(_) => {
                            (PAUSE.min(QUIET.saturating_sub(quiet)), "more of them may come".to_owned())
                        }
                        Verdict::Waits(names) => (PAUSE, format!("not done: {}", named(&names))),
                        Verdict::None if began.elapsed() >= APPEARS.min(patience) => {
                            let why = format!(
                                "{place} shows no check of {short}: see whether it is pushed, and runs checks"
                            );
                            return Answered::Refused { why };
                        }
                        Verdict::None => (PAUSE, "no check yet".to_owned()),
                    }
                }
                Err(Lost { why, kind: Kind::Limited(wait) | Kind::Busy(wait) }) => (wait.max(PAUSE), why),
                Err(Lost { why, kind: Kind::Unsent | Kind::Unclear }) => (PAUSE, why),
                Err(lost) => return answered(lost),
            };
            let left = patience.saturating_sub(began.elapsed());
            if left.is_zero() {
                return Answered::Refused { why: format!("the checks of {short} took too long; {waits}") };
            }
            pause = pause.min(left);
            std::thread::sleep(pause);
        }
    }

    /// The checks of a commit, and whether there may be more that the token may not read.
    fn checks_to_come(&mut self, commit: &str) -> Result<(Vec<Check>, bool), Lost> {
        match self.place.forge {
            Forge::Github => github::checks_to_come(self, commit),
            // A pipeline is there before the first of its jobs begins.
            Forge::Gitlab => Ok((gitlab::checks_of(self, commit)?, false)),
        }
    }
}

/// What passed, as the gate says it, too: these are the checks of the host, whatever the team calls its own.
fn passed(count: usize, forge: Forge, short: &str, unread: bool) -> String {
    let host = match forge {
        Forge::Github => "GitHub",
        Forge::Gitlab => "GitLab",
    };
    let unread = if unread { ", whose workflow runs the token may not read," } else { "" };
    format!("{} at {host}{unread} passed on {short}", counted(count, "check"))
}

/// Where people read why checks failed.
fn pages(checks: &[Check]) -> String {
    let pages = checks.iter().filter(|check| check.is_bad()).map(|check| check.url.as_str());
    let pages: Vec<&str> = pages.filter(|url| !url.is_empty()).take(NAMED).collect();
    if pages.is_empty() { String::new() } else { format!("; read why at {}", pages.join(", ")) }
}

fn named(names: &[String]) -> String {
    let more = names.len().saturating_sub(NAMED);
    let shown = names.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ");
    if more == 0 { shown } else { format!("{shown} and {more} more") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hotfix::pull::CheckState;

    #[test]
    fn one_early_success_is_no_verdict_until_it_was_quiet() {
        let check = |name: &str, state| Check::new(name, state);
        let early = || vec![check("cla", CheckState::Passed)];
        let both = |state| vec![check("build", state), check("cla", CheckState::Passed)];
        let (began, mut settling) = (Instant::now(), Settling::default());
        let at = |seconds: u64| began + Duration::from_secs(seconds);
        assert_eq!(settling.see(early(), at(0)), Duration::ZERO);
        assert!(settling.see(early(), at(5)) < QUIET, "two equal looks are not enough");
        assert_eq!(settling.see(both(CheckState::Running), at(20)), Duration::ZERO);
        assert_eq!(settling.see(both(CheckState::Passed), at(60)), Duration::ZERO, "it has just ended");
        assert!(settling.see(both(CheckState::Passed), at(90)) >= QUIET);
    }

    #[test]
    fn what_passed_is_said_to_be_of_the_host() {
        assert_eq!(passed(5, Forge::Github, "4f2c91e", false), "5 checks at GitHub passed on 4f2c91e");
        assert_eq!(
            passed(1, Forge::Github, "4f2c91e", true),
            "1 check at GitHub, whose workflow runs the token may not read, passed on 4f2c91e"
        );
    }
}
