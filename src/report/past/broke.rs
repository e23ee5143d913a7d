//! What broke it, by what is on record: nothing is concluded.

use super::super::live;
use crate::deploy::bisect;
use crate::incident::{CulpritVerdict, PlanRun, State};
use crate::plan::Purpose;

/// The cause as it was written, culprits that were found, the commit that a bisect ended at, changes that were reverted
/// and releases that were taken back; each said once.
pub(super) fn broke(state: &State) -> Vec<String> {
    let mut said: Vec<String> = Vec::new();
    let cause = one_line(&state.cause);
    said.extend((!cause.is_empty()).then_some(cause));
    let found = state.culprits.values().filter(|one| one.verdict == CulpritVerdict::Found);
    said.extend(found.map(|one| match one_line(&one.note) {
        note if note.is_empty() => one.title.clone(),
        note => format!("{}: {note}", one.title),
    }));
    let done = || state.plans.iter().filter(|plan| PlanRun::is_done(plan));
    // What searched by halves says which commit it was.
    said.extend(done().filter(|plan| plan.purpose == Purpose::Bisect.name()).filter_map(|plan| {
        let found = one_line(&plan.steps.get(bisect::RESULT)?.run.as_ref()?.summary);
        (!found.is_empty()).then(|| format!("{}: {found}", plan.title))
    }));
    said.extend(done().filter_map(|plan| {
        let what = plan.title.strip_prefix("revert ")?;
        Some(format!("reverted: {}", one_line(what)))
    }));
    let back = state.releases.iter().filter(|release| release.rollback && release.at >= state.started_at);
    said.extend(back.filter_map(|release| {
        let commit = release.replaces.as_deref()?;
        let name = live::replaced(state, release);
        let name = name.unwrap_or_else(|| commit.get(..7).unwrap_or(commit).to_owned());
        Some(format!("rolled back in {}: {name}", release.environment))
    }));
    let mut told = std::collections::HashSet::new();
    said.retain(|line| told.insert(line.clone()));
    said
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
