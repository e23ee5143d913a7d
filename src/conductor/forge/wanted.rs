//! Has a pull request opened or merged, once: what is there is read before anything is sent, before
//! anything is sent again, and before a failure is believed.

use std::time::Duration;

use jiff::SignedDuration;
use reqwest::Method;
use serde_json::Value as Json;
use zeroize::Zeroizing;

use super::super::call::Answered;
use super::client::{Kind, Lost};
use super::{Visit, github, gitlab};
use crate::hotfix::forge::Found;
use crate::hotfix::pull::PullState;
use crate::incident::Proof;
use crate::plan::ForgeCall;
use crate::plan::forge::Forge;
use crate::plan::forge::Wanted;
use crate::text::visible;

/// The pause between two looks at a merge that its place makes in the background.
const MERGING: Duration = Duration::from_secs(1);

/// Does what is wanted, within so long. What was done already is left as it is.
pub(in super::super) fn carry(
    call: &ForgeCall,
    token: Option<Zeroizing<String>>,
    patience: Duration,
) -> Answered {
    let mut visit = match Visit::new(&call.place, token, patience) {
        Ok(visit) => visit,
        Err(why) => return Answered::Refused { why },
    };
    match &call.wanted {
        Wanted::Open { .. } => visit.open(&call.wanted),
        Wanted::Merge { number, commit, title } => visit.merge(*number, commit, title),
        Wanted::Verdict { commit } => visit.wait_for_verdict(commit, patience),
        Wanted::Issue(issue) => visit.open_issue(issue),
    }
}

/// Reads whether what is wanted is done. Anything but a clear answer is unknown.
pub(in super::super) fn is_done(
    call: &ForgeCall,
    token: Option<String>,
    patience: Duration,
) -> (Proof, String) {
    let read = Visit::new(&call.place, token.map(Zeroizing::new), patience)
        .and_then(|mut visit| visit.done(&call.wanted).map_err(|lost| lost.why));
    read.unwrap_or_else(|why| (Proof::Unknown, why))
}

impl Visit {
    fn done(&mut self, wanted: &Wanted) -> Result<(Proof, String), Lost> {
        let word = self.place.pull_word();
        match wanted {
            Wanted::Open { head, base, commit, .. } => {
                let Some(number) = self.number(head, base)? else {
                    return Ok((Proof::NotDone, format!("{} has no {word}", visible(head))));
                };
                let found = self.glance(number)?;
                let proof = if counts(&found, commit) { Proof::Done } else { Proof::NotDone };
                Ok((proof, self.said(&found)))
            }
            Wanted::Merge { number, commit, .. } => {
                let found = self.glance(*number)?;
                let merged = matches!(found.pull.state, PullState::Merged(_));
                let proof = if merged && found.pull.head == *commit { Proof::Done } else { Proof::NotDone };
                let other = if merged && proof == Proof::NotDone {
                    format!(", offering {} and not what was looked at", short(&found.pull.head))
                } else {
                    String::new()
                };
                Ok((proof, format!("{}{other}", self.said(&found))))
            }
            Wanted::Verdict { .. } => Ok((Proof::Unknown, "it is waited for, and not asked".to_owned())),
            Wanted::Issue(issue) => Ok(match self.issue_done(issue)? {
                Some(seen) => (Proof::Done, seen.line()),
                None => (Proof::NotDone, "no issue of it is there".to_owned()),
            }),
        }
    }

    /// The commit that a pull request was merged as, as a full id; in words, why there is none.
    pub(in super::super) fn merged_as(&mut self, wanted: &Wanted) -> Result<Result<String, String>, Lost> {
        let Wanted::Merge { number, commit, .. } = wanted else {
            return Ok(Err("that is no merge".to_owned()));
        };
        let found = self.glance(*number)?;
        Ok(match &found.pull.state {
            PullState::Merged(_) if found.pull.head != *commit => {
                let (offered, seen) = (short(&found.pull.head), short(commit));
                Err(format!(
                    "{}, but it offered {offered} then, and {seen} is what was looked at",
                    self.said(&found)
                ))
            }
            PullState::Merged(Some(commit)) => Ok(commit.clone()),
            PullState::Merged(None) => Err(format!("{}, and its commit is not told", self.said(&found))),
            _ => Err(self.said(&found)),
        })
    }

    /// A pull request and what became of it, in one line.
    fn said(&self, found: &Found) -> String {
        let name = format!("{} {}", self.place.pull_word(), self.place.numbered(found.pull.number));
        match &found.pull.state {
            PullState::Open => format!("{name} is open: {}", found.pull.url),
            PullState::Draft => format!("{name} is open as a draft: {}", found.pull.url),
            PullState::Merged(Some(commit)) => format!("{name} is merged as {commit}"),
            PullState::Merged(None) => format!("{name} is merged"),
            PullState::Closed => format!("{name} was closed without being merged: {}", found.pull.url),
        }
    }

    fn open(&mut self, wanted: &Wanted) -> Answered {
        let Wanted::Open { head, commit, base, title, body, labels, reviewers } = wanted else {
            return Answered::Refused { why: "that is not to be opened".to_owned() };
        };
        let (mut failed, mut attempt): (Option<Lost>, u32) = (None, 0);
        loop {
            let there = self.number(head, base).and_then(|number| match number {
                Some(number) => self.read(number).map(Some),
                None => Ok(None),
            });
            match there {
                Ok(Some(found)) if counts(&found, commit) => return self.dressed(&found, labels, reviewers),
                Ok(_) => {}
                // What became of what was sent is not known.
                Err(lost) => return answered(failed.unwrap_or(lost)),
            }
            if let Some(lost) = failed.take() {
                if let Err(lost) = self.client.rest(lost, attempt) {
                    return answered(lost);
                }
                attempt += 1;
                continue;
            }
            let opened = match self.place.forge {
                Forge::Github => github::open(self, head, base, title, body),
                Forge::Gitlab => gitlab::open(self, head, base, title, body),
            };
            match opened {
                Ok(found) => return self.dressed(&found, labels, reviewers),
                Err(lost) => failed = Some(lost),
            }
        }
    }

    /// Adds what it lacks of labels and reviewers. What cannot be added is said, and leaves it open
    /// all the same.
    fn dressed(&mut self, found: &Found, labels: &[String], reviewers: &[String]) -> Answered {
        let same = |a: &String, b: &String| a.eq_ignore_ascii_case(b);
        let lacks = |wanted: &[String], has: &[String]| -> Vec<String> {
            wanted.iter().filter(|one| !has.iter().any(|has| same(has, one))).cloned().collect()
        };
        // Of a team its own name is listed, without that of its organisation.
        let mut asked = found.asked.clone();
        asked.extend(
            reviewers
                .iter()
                .filter(|name| {
                    name.rsplit_once('/').is_some_and(|(_, team)| found.asked.iter().any(|has| has == team))
                })
                .cloned(),
        );
        let (labels, reviewers) = (lacks(labels, &found.labels), lacks(reviewers, &asked));
        let number = found.pull.number;
        let undone = match self.place.forge {
            Forge::Github => github::dress(self, number, &labels, &reviewers),
            Forge::Gitlab => gitlab::dress(self, number, &labels, &reviewers, &found.asked),
        };
        let mut line = self.said(found);
        for one in undone {
            line.push_str("; ");
            line.push_str(&one);
        }
        Answered::Told { line }
    }

    fn merge(&mut self, number: u64, commit: &str, title: &str) -> Answered {
        let (mut failed, mut attempt): (Option<Lost>, u32) = (None, 0);
        loop {
            let found = match self.glance(number) {
                Ok(found) => found,
                Err(lost) => return answered(failed.unwrap_or(lost)),
            };
            if let Some(end) = self.not_to_merge(&found, commit) {
                return end;
            }
            if let Some(lost) = failed.take() {
                if let Err(lost) = self.client.rest(retryable(lost), attempt) {
                    return answered(lost);
                }
                attempt += 1;
                continue;
            }
            let sent = match self.place.forge {
                Forge::Github => github::merge(self, number, commit, title),
                Forge::Gitlab => gitlab::merge(self, number, commit, title),
            };
            match sent {
                Ok(()) => return self.merged(number, commit),
                Err(lost) => failed = Some(lost),
            }
        }
    }

    /// What there is to say where it is not open any more, or offers something else.
    fn not_to_merge(&self, found: &Found, commit: &str) -> Option<Answered> {
        let (seen, now) = (short(commit), short(&found.pull.head));
        let why = match &found.pull.state {
            PullState::Merged(_) if found.pull.head == commit => {
                return Some(Answered::Told { line: self.said(found) });
            }
            PullState::Merged(_) => {
                format!("{}, but it offered {now} then, and {seen} is what was looked at", self.said(found))
            }
            PullState::Closed => self.said(found),
            PullState::Open | PullState::Draft if found.pull.head != commit => format!(
                "it offers {now} by now, and {seen} is what was looked at: nothing was merged; look at it and \
                 finish again"
            ),
            PullState::Open | PullState::Draft => return None,
        };
        Some(Answered::Refused { why })
    }

    /// Waits for a merge that was taken on to be seen.
    fn merged(&mut self, number: u64, commit: &str) -> Answered {
        loop {
            match self.glance(number) {
                Ok(found) => {
                    if let Some(end) = self.not_to_merge(&found, commit) {
                        return end;
                    }
                }
                Err(lost) => return Answered::Unclear { why: lost.why },
            }
            if self.client.left() <= MERGING {
                let why = "the code host accepted the merge and does not show it yet".to_owned();
                return Answered::Unclear { why };
            }
            std::thread::sleep(MERGING);
        }
    }

    /// Sends what does no harm when it is done twice, again where that may help.
    pub(super) fn send_again(&mut self, method: &Method, address: &str, body: &Json) -> Result<Json, Lost> {
        let mut attempt = 0;
        loop {
            match self.send(method, address, body) {
                Ok(answer) => return Ok(answer),
                Err(lost) => self.client.rest(lost, attempt)?,
            }
            attempt += 1;
        }
    }
}

/// Tells whether a pull request is the one that is wanted of a branch: one that is open, or was
/// merged as the commit it is at.
fn counts(found: &Found, commit: &str) -> bool {
    match found.pull.state {
        PullState::Open | PullState::Draft => true,
        PullState::Merged(_) => found.pull.head == commit,
        PullState::Closed => false,
    }
}

/// Of a base that moved in the same moment GitHub says so by refusing: nothing was done, and it may
/// be asked again.
fn retryable(lost: Lost) -> Lost {
    let moved = lost.kind == Kind::Refused(405) && lost.why.contains("Base branch was modified");
    if moved { Lost { kind: Kind::Unsent, ..lost } } else { lost }
}

pub(super) fn answered(lost: Lost) -> Answered {
    match lost.kind {
        Kind::Unclear | Kind::Busy(_) | Kind::Odd => Answered::Unclear { why: lost.why },
        Kind::Limited(wait) => {
            let wait = crate::incident::duration(SignedDuration::try_from(wait).unwrap_or_default());
            Answered::Refused { why: format!("{}; try again in {wait}", lost.why) }
        }
        Kind::Unsent | Kind::Refused(_) => Answered::Refused { why: lost.why },
    }
}

fn short(commit: &str) -> String {
    commit.chars().take(7).collect()
}
