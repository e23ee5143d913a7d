//! What an incident says of runbooks: which were used, which would have fitted, which to revise.

use super::runbook::{odd, used};
use super::words::inside;
use crate::config::types::Probe;
use crate::incident::{EntryKind, State};
use crate::text::markdown::inline;

/// A Markdown line for each runbook that was used, or was named by a probe that failed.
pub(super) fn gather(state: &State, probes: &[Probe]) -> Vec<String> {
    let used = used(state);
    let line = |path: &str, what: &str| {
        let odd: Vec<String> = odd(state, path).into_iter().map(inside).collect();
        let revise = if odd.is_empty() { String::new() } else { format!("; revise it: {}", odd.join("; ")) };
        format!("{} {what}{revise}", inline(path))
    };
    let mut lines: Vec<String> = used.iter().map(|path| line(path, "was used")).collect();
    for probe in probes {
        let Some(path) = probe.runbook.as_deref().filter(|path| !path.contains("://")) else { continue };
        let raised = |kind| kind == EntryKind::AlarmRaised;
        let failed = state.timeline.iter().any(|entry| raised(entry.kind) && entry.about == probe.name);
        if failed && !used.contains(&path) {
            lines.push(line(path, &format!("was not used: {} names it, and failed", inline(&probe.name))));
        }
    }
    lines
}
