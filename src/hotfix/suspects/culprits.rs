//! What usually breaks a service, and what is known of each: changes that look like it, probes that tell of it.

use std::sync::Arc;

use jiff::Timestamp;

use super::{Found, short};
use crate::config::types::{Concern, Probe};
use crate::health::series::Status;
use crate::incident::{Culprit, CulpritVerdict, EntryKind, NoteKind, RecordId, State, Turned};

/// Most changes that are named for one culprit.
const NAMED: usize = 3;

/// One of the usual culprits, with what is known of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing<'a> {
    /// Which.
    pub culprit: &'a Culprit,
    /// What somebody found out.
    pub verdict: CulpritVerdict,
    /// Who, and why; empty where nobody looked.
    pub said: String,
    /// What speaks for it, a line each, the strongest first.
    pub evidence: Vec<String>,
    /// What was looked at and is well, or that nothing looks at it.
    pub otherwise: String,
}

/// Something odd that somebody noted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Odd {
    /// The note.
    pub id: RecordId,
    /// Its text.
    pub text: String,
    /// Who noted it.
    pub by: String,
    /// Whether it has become a follow-up.
    pub followed: bool,
}

/// Somebody else's service that is known not to be well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Theirs {
    /// Which, and how it is: `payment provider says Partially Degraded Service`.
    pub said: String,
    /// Since when.
    pub since: Timestamp,
}

/// How a probe is: as it is seen here, else as it is on record.
struct Now<'a> {
    state: &'a str,
    why: &'a str,
    since: Timestamp,
}

fn now<'a>(name: &str, state: &'a State, seen: &'a [Arc<Status>]) -> Option<Now<'a>> {
    let here = seen.iter().find(|probe| probe.name == name).and_then(|probe| {
        let last = probe.last.as_ref()?;
        // What is not settled here may be known elsewhere.
        Turned::of(probe.state.name()).filter(|turned| *turned != Turned::Silent)?;
        let since = probe.began().unwrap_or(last.at);
        Some(Now { state: probe.state.name(), why: &last.why, since })
    });
    here.or_else(|| {
        let alarm = state.alarms.get(name)?;
        Some(Now { state: &alarm.state, why: &alarm.why, since: alarm.since })
    })
}

/// Third parties that their probes show not to be well: known, where a change of ours is only suspected. What is seen of
/// them here (`seen`) counts before it is on record.
pub fn third_parties(state: &State, probes: &[Probe], seen: &[Arc<Status>]) -> Vec<Theirs> {
    let theirs = probes.iter().filter(|probe| probe.concern() == Some(Concern::ThirdParty));
    let unwell = theirs.filter_map(|probe| {
        let now = now(&probe.name, state, seen)?;
        let how = match Turned::of(now.state)? {
            Turned::Failing => "failing",
            Turned::Warning => "degraded",
            // Nobody answering says nothing of how they are.
            Turned::Good | Turned::Silent => return None,
        };
        let name = &probe.name;
        let said = match now.why {
            "" => format!("{name} is {how}"),
            why if why.starts_with("says ") => format!("{name} {why}"),
            why => format!("{name} is {how}: {why}"),
        };
        Some(Theirs { said, since: now.since })
    });
    unwell.collect()
}

/// Tells what is known of each of the usual culprits. Without a look at what changed (`found`) only probes speak.
pub fn standings<'a>(
    culprits: &'a [Culprit],
    state: &State,
    found: Option<&Found>,
    probes: &[Probe],
    seen: &[Arc<Status>],
) -> Vec<Standing<'a>> {
    let standing = |culprit: &'a Culprit| {
        let judged = state.culprits.get(&culprit.id);
        let mut evidence = alarms(culprit, state, probes, seen);
        evidence.extend(changes(culprit, found));
        Standing {
            culprit,
            verdict: judged.map_or(CulpritVerdict::Open, |judged| judged.verdict),
            said: judged.map_or_else(String::new, |judged| {
                let colon = if judged.note.is_empty() { "" } else { ": " };
                format!("{}{colon}{}", judged.by, judged.note)
            }),
            otherwise: if evidence.is_empty() { nothing(culprit, found, probes) } else { String::new() },
            evidence,
        }
    };
    culprits.iter().map(standing).collect()
}

/// Probes that tell of it and are not well.
fn alarms(culprit: &Culprit, state: &State, probes: &[Probe], seen: &[Arc<Status>]) -> Vec<String> {
    let about = probes.iter().filter(|probe| tells_of(probe, culprit));
    let bad = about.filter_map(|probe| {
        let now = now(&probe.name, state, seen)?;
        let is_bad = !["ok", "pending", ""].contains(&now.state);
        let colon = if now.why.is_empty() { "" } else { ": " };
        let verb = if now.state == "warn" { "warns".to_owned() } else { format!("is {}", now.state) };
        is_bad.then(|| format!("{} {verb}{colon}{}", probe.name, now.why))
    });
    bad.collect()
}

fn tells_of(probe: &Probe, culprit: &Culprit) -> bool {
    culprit.concerns.is_some() && probe.concern() == culprit.concerns
}

/// Changes that look like it.
fn changes(culprit: &Culprit, found: Option<&Found>) -> Vec<String> {
    let suspects = found.map_or(&[][..], |found| &found.suspects[..]).iter().enumerate();
    let alike: Vec<_> = suspects
        .filter_map(|(rank, suspect)| {
            let reason = suspect.reasons.iter().find(|reason| culprit.suspicions.contains(&reason.about))?;
            Some((rank + 1, suspect, reason))
        })
        .collect();
    let mut lines: Vec<String> = alike
        .iter()
        .take(NAMED)
        .map(|(rank, suspect, reason)| {
            let commit =
                suspect.change.as_ref().map_or_else(String::new, |_| format!("{} ", short(&suspect.id)));
            format!("suspect {rank}: {} · {commit}{}", reason.text, suspect.title)
        })
        .collect();
    if alike.len() > NAMED {
        lines.push(format!("{} more changes look like it", alike.len() - NAMED));
    }
    lines
}

/// Why nothing speaks for it.
fn nothing(culprit: &Culprit, found: Option<&Found>, probes: &[Probe]) -> String {
    let mut parts = Vec::new();
    if !culprit.suspicions.is_empty() {
        parts.push(match found {
            Some(Found { from: Some(edge), .. }) => {
                let since = if edge.name.is_empty() { short(&edge.commit) } else { &edge.name };
                format!("nothing that changed since {since} looks like it")
            }
            Some(_) => "nothing that changed looks like it".to_owned(),
            None => "changes not checked yet".to_owned(),
        });
    }
    if let Some(concern) = culprit.concerns {
        let looking: Vec<&str> =
            probes.iter().filter(|probe| tells_of(probe, culprit)).map(|probe| probe.name.as_str()).collect();
        parts.push(match looking.as_slice() {
            [] => format!("no probe tells of it (concerns = \"{}\")", concern.name()),
            names => format!("no alarm from {}", names.join(", ")),
        });
    }
    parts.join("; ")
}

/// Lists everything odd that was noted, in order.
pub fn odd(state: &State) -> Vec<Odd> {
    let problem = EntryKind::Note(NoteKind::Problem);
    let noted = state.timeline.iter().filter(|entry| entry.kind == problem && entry.retracted.is_none());
    let followed = |id| state.follow_ups.iter().any(|one| one.of == Some(id));
    let odd = noted.map(|entry| Odd {
        id: entry.id,
        text: entry.text.to_owned(),
        by: entry.author.to_owned(),
        followed: followed(entry.id),
    });
    odd.collect()
}
