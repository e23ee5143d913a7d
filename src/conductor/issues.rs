//! Follow-ups as issues of the code host: the plan that sends them, and what became of those that were
//! sent.

use std::path::Path;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::forge::issues::{door, visit};
use super::prepare::Ground;
use super::secrets::masker;
use crate::config::types::Config;
use crate::failure::{Failure, FailureKind, Result};
use crate::hotfix::git::Reader;
use crate::incident::{Body, Draft, FollowUp, FollowUpEnded, FollowUpLinked, IncidentId, RecordId};
use crate::journal::Journal;
use crate::plan::forge::{Issue, IssueSeen, Wanted};
use crate::plan::{Action, ForgeCall, IssueText, Plan, Probe, Purpose, Reach, Step, Undo};
use crate::report::issue;
use crate::text::{counted, visible};

/// What is leased while they are sent.
const TARGET: &str = "issues";
/// How long one call may take.
const TIMEOUT: SignedDuration = SignedDuration::from_mins(2);
/// How long an issue may take until it is in the list.
const SEEN_WITHIN: SignedDuration = SignedDuration::from_secs(30);
/// How long all questions of reading back may take together.
const PATIENCE: Duration = Duration::from_secs(60);

/// The plan that opens an issue for each follow-up, a step each.
///
/// # Errors
/// There is nothing to send, no code host, or nothing lets us in.
pub(super) fn plan(ground: &Ground<'_>, id: &str, texts: &[IssueText]) -> Result<Plan> {
    let doing = "planning issues for what is left to do";
    if texts.is_empty() {
        let hint = "flightdeck follow-up add adds one; flightdeck follow-up list lists them";
        return Err(Failure::usage(doing, "no follow-up is open that has no issue yet", hint));
    }
    let (place, source, _) = open_door(ground.root, ground.config, doing)?;
    let masker = masker(ground.config, ground.root);
    let clean = |text: &str| masker.mask(text).into_owned();
    let steps = texts.iter().map(|text| {
        let issue = Issue {
            follow_up: text.follow_up.clone(),
            marker: text.marker.clone(),
            since: text.since.clone(),
            title: clean(&text.title),
            body: clean(&text.body),
        };
        let title = format!("open an issue: {}", visible(&issue.title));
        let call = ForgeCall { place: place.clone(), wanted: Wanted::Issue(issue) };
        Step {
            proof: Some(Probe::forge(&call)),
            proof_within: SEEN_WITHIN,
            reach: Reach::Others,
            // What is there is read first, and what is done is not done again.
            retry_is_safe: true,
            undo: Undo::Irreversible { why: "people were told of it; close it at the code host".to_owned() },
            ..Step::new(title, Action::Forge(Box::new(call)), TIMEOUT)
        }
    });
    let title = format!("send {} to {}", counted(texts.len(), "follow-up"), visible(&place.repository));
    let note = "what has an issue already is found by a mark in its text, and not sent again".to_owned();
    let (steps, secrets) = (steps.collect(), vec![source]);
    Ok(Plan { steps, secrets, notes: vec![note], ..Plan::new(id, title, Purpose::FollowUp, TARGET) })
}

type Door = (crate::plan::forge::Place, crate::plan::SecretSource, super::secrets::Value);

fn open_door(root: &Path, config: &Config, doing: &str) -> Result<Door> {
    let remote = Reader::open(root).ok().and_then(|reader| reader.remote_place(&config.hotfix.remote));
    door(config, remote.as_deref()).map_err(|why| {
        let hint = "flightdeck follow-up list --markdown prints them to be pasted";
        Failure::of(FailureKind::Gate, doing, why, hint)
    })
}

/// The issue of a follow-up that is asked for.
struct Sent {
    /// What it has in its text.
    marker: String,
    /// Issues from before this time do not matter.
    since: String,
    /// The number of its issue, where that is known.
    number: Option<u64>,
}

/// Reads what became of issues. `None`: there is none of it.
///
/// # Errors
/// There is no code host, nothing lets us in, or it does not answer.
fn read_issues(root: &Path, config: &Config, sent: &[Sent]) -> Result<Vec<Option<IssueSeen>>> {
    let doing = "reading the issues of the follow-ups";
    let (place, _, value) = open_door(root, config, doing)?;
    let lost = |why: String| Failure::new(doing, why, "nothing was changed; try again later");
    let mut visit = visit(&place, &value, PATIENCE).map_err(lost)?;
    let mut read = |one: &Sent| match one.number {
        Some(number) => visit.issue_numbered(number),
        None => visit.issue(&one.marker, &one.since),
    };
    sent.iter().map(|one| read(one).map_err(|trouble| lost(trouble.why))).collect()
}

/// Reads back what became of the issues of an incident's open follow-ups, and records what is new; one that was
/// closed ends its follow-up. Returns each with what was seen of its issue; `None`: there is none.
///
/// # Errors
/// There is no code host, nothing lets us in, it does not answer, or the journal cannot be read or written.
pub fn sync_issues(
    journal: &mut Journal,
    incident: IncidentId,
    root: &Path,
    config: &Config,
    now: Timestamp,
) -> Result<Vec<(FollowUp, Option<IssueSeen>)>> {
    let open: Vec<FollowUp> = journal.alone(incident)?.open_follow_ups().cloned().collect();
    let sent = |one: &FollowUp| Sent {
        marker: issue::marker(one),
        since: issue::since(one),
        number: one.issue.as_ref().map(|issue| issue.number),
    };
    let sent: Vec<Sent> = open.iter().map(sent).collect();
    let found = if sent.is_empty() { Vec::new() } else { read_issues(root, config, &sent)? };
    // After a move the number may be that of somebody else's issue.
    let is_ours = |one: &FollowUp, seen: &IssueSeen| {
        one.issue.as_ref().is_none_or(|it| it.url.is_empty() || it.url == seen.url)
    };
    let found: Vec<Option<IssueSeen>> =
        found.into_iter().zip(&open).map(|(seen, one)| seen.filter(|seen| is_ours(one, seen))).collect();
    // It may have been ended while the code host was asked.
    let still: Vec<RecordId> = journal.alone(incident)?.open_follow_ups().map(|one| one.id).collect();
    let mut drafts = Vec::new();
    for (one, seen) in open.iter().zip(&found).filter(|(one, _)| still.contains(&one.id)) {
        let Some(seen) = seen else { continue };
        let known = one.issue.as_ref().is_some_and(|it| it.number == seen.number && it.open == seen.open);
        if !known {
            let (number, url, open) = (seen.number, seen.url.clone(), seen.open);
            drafts.push(Draft::now(incident, FollowUpLinked { follow_up: one.id, number, url, open }));
        }
        if !seen.open {
            let reason = format!("issue #{} was closed", seen.number);
            drafts.push(Draft::now(incident, FollowUpEnded { follow_up: one.id, done: true, reason }));
        }
    }
    journal.append(now, drafts)?;
    Ok(open.into_iter().zip(found).collect())
}

/// What is recorded with the end of a step that was to open an issue, where it is there.
pub(super) fn linked(plan: &Plan, step: usize, said: &str) -> Option<Body> {
    let Action::Forge(call) = &plan.steps.get(step)?.action else { return None };
    let Wanted::Issue(issue) = &call.wanted else { return None };
    let seen = IssueSeen::parse(said)?;
    let follow_up = issue.follow_up.parse().ok()?;
    Some(FollowUpLinked { follow_up, number: seen.number, url: seen.url, open: seen.open }.into())
}

#[cfg(test)]
mod tests {
    use crate::conductor::needs_trust;
    use crate::config::types::Config;
    use crate::plan::Request;

    #[test]
    fn a_file_that_nobody_trusted_says_nowhere_issues_are_opened() {
        let request = Request::FollowUps { texts: Vec::new() };
        // It could name a repository that strangers read.
        let written = Config { content: "0".repeat(64), ..Config::default() };
        assert!(needs_trust(&written, &request));
        assert!(!needs_trust(&Config::default(), &request));
    }
}
