//! Approvals in plain text: what waits for them, and who has given which.

use super::sheet::{Hue, Line, Sheet};
use super::situation::Situation;
use crate::plan::gates::ApprovalRule;
use crate::plan::proposal;

/// Writes how the approvals of the plan at hand stand, once there is anything to tell.
pub(super) fn approvals(page: &mut Sheet, situation: &Situation) {
    let state = &situation.state;
    let subject = proposal::subject(state);
    if !state.is_open() || (subject.is_none() && state.votes.is_empty()) {
        return;
    }
    page.section("APPROVE");
    match subject {
        Some(subject) => {
            let word = if subject.waits { "waits" } else { "started" };
            let line = Line::new().cell(subject.title, 45, Hue::Plain).plain("  ").put(word, Hue::Plain);
            page.line(line);
            if subject.waits {
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
    let rule = ApprovalRule::of(&situation.policy, state.severity);
    let standing = proposal::standing(state, &rule, situation.now);
    for role in &standing.roles {
        let title = situation.policy.role_title(role.role);
        let (glyph, hue, why) = match role.approval {
            Some(vote) => {
                let how = match (vote.is_verified(), vote.how.is_empty()) {
                    (true, _) => String::new(),
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
        page.prose(&format!("✗ rejected by {} as {}{why}", vote.by, vote.role), Hue::Bad);
    }
    if standing.in_conflict() {
        page.prose("approved and rejected: they have to settle it", Hue::Bad);
    }
}
