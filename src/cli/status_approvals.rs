//! Approvals, in plain text and in `status --json`: what waits for them, and who has given which.

use jiff::Timestamp;
use serde::Serialize;

use super::sheet::{Hue, Line, Sheet};
use super::situation::Situation;
use crate::incident::Vote;
use crate::plan::gates::ApprovalRule;
use crate::plan::proposal;

/// One approval or rejection as `status --json` prints it.
#[derive(Debug, Serialize)]
pub(super) struct Approval<'a> {
    role: &'a str,
    by: &'a str,
    verbal: bool,
    /// Id of the proposal or plan it was given for.
    plan: Option<&'a str>,
    /// Whether it counts now for the plan at hand.
    valid: bool,
    /// Why it does not.
    why: Option<String>,
    /// `false`: it was rejected.
    approves: bool,
    /// Whether the person it is from wrote it.
    verified: bool,
    how: &'a str,
    title: &'a str,
    hash: &'a str,
    written_by: &'a str,
    /// What may be wrong with who decided.
    doubt: Option<String>,
    at: Timestamp,
}

/// Writes how the approvals of the plan at hand stand, once there is anything to tell.
pub(super) fn approvals(page: &mut Sheet, situation: &Situation) {
    let state = &situation.state;
    let subject = proposal::subject(state);
    let assistants: Vec<_> = proposal::of_assistants(state).collect();
    if !state.is_open() || (subject.is_none() && state.votes.is_empty() && assistants.is_empty()) {
        return;
    }
    page.section("APPROVE");
    match subject {
        Some(subject) => {
            let word = if subject.waits { "waits" } else { "started" };
            let line = Line::new().cell(subject.title, 45, Hue::Plain).plain("  ").put(word, Hue::Plain);
            page.line(line);
            if let Some(moved) = situation.moved(subject.id) {
                page.prose(&format!("▲ {}", moved.why), Hue::Warn);
                for line in moved.advice() {
                    page.prose(&format!("  {line}"), Hue::Plain);
                }
            } else if subject.waits {
                page.prose(&format!("flightdeck approve ROLE --plan {}", subject.id), Hue::Dim);
                let proposed = proposal::of(state, subject.hash);
                let verdict = proposed.and_then(|one| proposal::condemned(state, &situation.policy, one));
                if let Some(verdict) = verdict {
                    page.prose(&format!("✗ {}", verdict.shuts_out()), Hue::Bad);
                }
            }
        }
        None => page.line(Line::new().put("no plan waits for approval", Hue::Dim)),
    }
    for waits in &assistants {
        page.prose(&format!("{}, by {}", waits.title, waits.whose()), Hue::Warn);
        page.prose(&format!("  flightdeck approve ROLE --plan {}", waits.id), Hue::Dim);
    }
    let has_moved = subject.is_some_and(|subject| situation.moved(subject.id).is_some());
    let rule = ApprovalRule::of(&situation.policy, state.severity);
    let standing = proposal::standing(state, &rule, situation.now);
    for role in &standing.roles {
        let title = situation.policy.role_title(role.role);
        let (glyph, hue, why) = match role.approval {
            Some(vote) if has_moved => ("·", Hue::Dim, format!("{} approved what was there before", vote.by)),
            Some(vote) => {
                let how = match (vote.is_verified(), vote.how.is_empty()) {
                    (true, _) => state.signed_on(vote).map_or_else(String::new, |place| format!(", {place}")),
                    (false, true) => ", unverified".to_owned(),
                    (false, false) => format!(", {}, unverified", vote.how),
                };
                ("✓", Hue::Good, format!("{}{how}", vote.by))
            }
            None => ("✗", Hue::Warn, role.why.clone()),
        };
        page.line(
            Line::new()
                .put(glyph, hue)
                .plain(" ")
                .cell(title, 18, Hue::Plain)
                .plain("  ")
                .cell(&why, 44, hue),
        );
        if let Some(doubt) = role.approval.and_then(|vote| state.doubt(vote)) {
            page.prose(&format!("  ▲ {doubt}"), Hue::Warn);
        }
    }
    for vote in &standing.rejections {
        let why = if vote.how.is_empty() { String::new() } else { format!(": {}", vote.how) };
        let title = situation.policy.role_title(&vote.role);
        page.prose(&format!("✗ rejected by {} as {title}{why}", vote.by), Hue::Bad);
    }
    if standing.in_conflict() {
        page.prose("approved and rejected: they have to settle it", Hue::Bad);
    }
}

/// Every approval and rejection, oldest first, and whether it counts for the plan at hand.
pub(super) fn json(situation: &Situation) -> Vec<Approval<'_>> {
    let state = &situation.state;
    let rule = ApprovalRule::of(&situation.policy, state.severity);
    let standing = proposal::standing(state, &rule, situation.now);
    let moved = proposal::subject(state).and_then(|subject| situation.moved(subject.id));
    let of = |vote: &Vote| {
        let why = if vote.approves {
            let void = standing.void.iter().find(|(void, _)| void.record == vote.record);
            void.map(|(_, why)| why.clone()).or_else(|| moved.map(|moved| moved.why.clone()))
        } else {
            let stands = standing.rejections.iter().any(|rejection| rejection.record == vote.record);
            Some(
                if stands { "it stands against the plan at hand" } else { "it is about another plan" }.into(),
            )
        };
        (vote.approves && why.is_none(), why)
    };
    let line = |vote| {
        let (valid, why) = of(vote);
        Approval {
            role: &vote.role,
            by: &vote.by,
            verbal: vote.verbal,
            plan: vote.plan.as_deref(),
            valid,
            why,
            approves: vote.approves,
            verified: vote.is_verified(),
            how: &vote.how,
            title: &vote.title,
            hash: &vote.hash,
            written_by: &vote.written_by,
            doubt: state.doubt(vote),
            at: vote.at,
        }
    };
    state.votes.iter().map(line).collect()
}
