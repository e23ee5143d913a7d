//! Who approved what, and which gates were overridden, as rows of tables.

use jiff::Timestamp;

use super::words::spell;
use crate::incident::{Policy, State, Vote};
use crate::plan::gates::void;
use crate::text::markdown::{cell, table};

/// Approvals and rejections, and gates that were overridden; `None` where there are neither.
pub(super) fn section(state: &State, policy: &Policy, now: Timestamp) -> Option<String> {
    let mut parts = Vec::new();
    if !state.votes.is_empty() {
        let mut votes: Vec<&Vote> = state.earlier_votes.iter().chain(&state.votes).collect();
        votes.sort_by_key(|vote| vote.at);
        let rows = votes.into_iter().map(|vote| row_of(state, policy, vote, now));
        parts.push(table(["When (UTC)", "Who", "As", "What", "Plan", "How"], rows));
    }
    if !state.passed_over.is_empty() {
        let rows = state.passed_over.iter().map(|passed| {
            let title = state.plan(&passed.plan).map_or(&passed.plan, |plan| &plan.title);
            [
                spell(passed.at),
                cell(title),
                format!("**{}**", cell(&passed.gate)),
                cell(&passed.missing),
                cell(&passed.reason),
                cell(&passed.by),
            ]
        });
        let head = ["When (UTC)", "Plan", "Gate", "What was missing", "Why it was overridden", "By"];
        parts.push(format!("Gates that were **overridden**:\n\n{}", table(head, rows)));
    }
    (!parts.is_empty()).then(|| parts.join("\n"))
}

fn row_of(state: &State, policy: &Policy, vote: &Vote, now: Timestamp) -> [String; 6] {
    let short = |hash: &str| hash.get(..8).unwrap_or(hash).to_owned();
    let plan = match (vote.title.is_empty(), vote.hash.is_empty()) {
        (_, true) => "none".to_owned(),
        (true, false) => format!("`{}`", cell(&short(&vote.hash))),
        (false, false) => format!("{} `{}`", cell(&vote.title), cell(&short(&vote.hash))),
    };
    let mut how = Vec::new();
    if vote.verbal {
        how.push("verbal".to_owned());
    }
    if !vote.how.is_empty() {
        how.push(cell(&vote.how));
    }
    if !vote.is_verified() {
        how.push(format!("**unverified**, written down by {}", cell(&vote.written_by)));
    }
    if let Some(why) = void(state, policy, vote.record, now) {
        how.push(format!("**did not count**: {}", cell(&why)));
    } else if !vote.approves && state.earlier_votes.contains(vote) {
        how.push("withdrawn later".to_owned());
    }
    if let Some(doubt) = state.doubt(vote) {
        how.push(format!("**{}**", cell(&doubt)));
    }
    [
        spell(vote.at),
        cell(&vote.by),
        cell(policy.role_title(&vote.role)),
        if vote.approves { "approved" } else { "**rejected**" }.to_owned(),
        plan,
        if how.is_empty() { cell("") } else { how.join(", ") },
    ]
}
