//! What happened to third parties in the meantime: by the probes that tell of them.

use jiff::Timestamp;

use super::words::{capitalised, clock_after};
use crate::config::types::{Probe, THIRD_PARTY};
use crate::incident::{State, Turned, duration};
use crate::text::markdown::inline;

/// Tells whether a probe tells of somebody else's service.
pub(super) fn is_third_party(probes: &[Probe], name: &str) -> bool {
    probes.iter().any(|probe| probe.name == name && probe.environment == THIRD_PARTY)
}

/// How somebody else's service is: `payment provider says Partial Outage`, `payment provider recovered`; Markdown.
pub(super) fn seen(name: &str, what: &str, to: Turned, why: &str) -> String {
    match to {
        Turned::Good => format!("{name} {what}"),
        _ if why.is_empty() => format!("{name} {what}"),
        _ if why.starts_with("says ") => format!("{name} {}", inline(why)),
        Turned::Silent => format!("{name} {what} ({})", inline(why)),
        _ => format!("{name} {what}: {}", inline(why)),
    }
}

/// A sentence for each that was not well, and when that began.
pub(super) fn sentences(state: &State, probes: &[Probe]) -> Vec<(Timestamp, String)> {
    let theirs = probes.iter().filter(|probe| probe.environment == THIRD_PARTY);
    theirs.filter_map(|probe| sentence(state, &probe.name)).collect()
}

fn sentence(state: &State, name: &str) -> Option<(Timestamp, String)> {
    let entries = state.timeline.iter().filter(|entry| entry.name == "alarm" && entry.about == name);
    let entries = entries.filter(|entry| entry.retracted.is_none());
    // Nobody answering says nothing of how they are.
    let turns = entries.filter_map(|entry| Some((entry.at, state.turn(entry.id, entry.place)?.to)));
    let turns: Vec<_> = turns.filter(|(_, to)| *to != Turned::Silent).collect();
    let (from, _) = *turns.iter().find(|(_, to)| *to != Turned::Good)?;
    let has_failed = turns.iter().any(|(_, to)| *to == Turned::Failing);
    let at = |at: Timestamp| clock_after(state.started_at, at);
    let name = capitalised(&inline(name));
    let last_bad = turns.iter().rposition(|(_, to)| *to != Turned::Good)?;
    let word = if has_failed { "failing" } else { "degraded" };
    let said = match turns.get(last_bad + 1) {
        Some((until, _)) if at(*until) == at(from) => {
            format!("{name} was {word} at {} for {}.", at(from), duration(until.duration_since(from)))
        }
        Some((until, _)) => format!("{name} was {word} from {} until {}.", at(from), at(*until)),
        None => format!("{name} has been {word} since {}.", at(from)),
    };
    Some((from, said))
}
