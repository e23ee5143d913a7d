//! What all checks of a commit come to at a code host, waited for.

use std::time::{Duration, Instant};

use super::super::call::Answered;
use super::client::{Kind, Lost};
use super::wanted::answered;
use super::{Visit, github, gitlab};
use crate::hotfix::pull::{Check, Verdict, verdict};
use crate::plan::forge::Forge;

/// The pause between two looks.
const PAUSE: Duration = Duration::from_secs(5);
/// How long one look may take.
const LOOK: Duration = Duration::from_secs(30);
/// How long it may take until the first check is there.
const APPEARS: Duration = Duration::from_secs(120);
/// Most checks that are named.
const NAMED: usize = 5;

impl Visit {
    /// Waits until all checks of a commit have ended, or one has failed.
    pub(super) fn wait_for_verdict(&mut self, commit: &str, patience: Duration) -> Answered {
        let (began, short) = (Instant::now(), commit.get(..7).unwrap_or(commit).to_owned());
        let place = self.place.repository.clone();
        // Checks come one after the other: that all have passed counts once nothing was added since.
        let mut passed: Option<Vec<Check>> = None;
        loop {
            self.client.renew(LOOK);
            let (mut pause, waits) = match self.checks_of(commit) {
                Ok(checks) => match verdict(&checks) {
                    Verdict::Failed(names) => {
                        let why = format!("checks of {short} at {place} failed: {}", named(&names));
                        return Answered::Refused { why };
                    }
                    Verdict::Passed(count) if passed.as_ref() == Some(&checks) => {
                        let s = if count == 1 { "" } else { "s" };
                        return Answered::Told {
                            line: format!("{count} check{s} of {short} passed at {place}"),
                        };
                    }
                    Verdict::Passed(_) => {
                        passed = Some(checks);
                        (PAUSE, String::new())
                    }
                    Verdict::Waits(names) => (PAUSE, format!("not done: {}", named(&names))),
                    Verdict::None if began.elapsed() >= APPEARS.min(patience) => {
                        let why = format!(
                            "{place} shows no check of {short}: see whether it is pushed, and runs checks"
                        );
                        return Answered::Refused { why };
                    }
                    Verdict::None => (PAUSE, "no check yet".to_owned()),
                },
                Err(Lost { why, kind: Kind::Limited(wait) }) => (wait.max(PAUSE), why),
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

    fn checks_of(&mut self, commit: &str) -> Result<Vec<Check>, Lost> {
        match self.place.forge {
            Forge::Github => github::checks_of(self, commit),
            Forge::Gitlab => gitlab::checks_of(self, commit),
        }
    }
}

fn named(names: &[String]) -> String {
    let more = names.len().saturating_sub(NAMED);
    let shown = names.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ");
    if more == 0 { shown } else { format!("{shown} and {more} more") }
}
