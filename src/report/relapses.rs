//! When production failed again after users were served: by its alarms, and by releases whose watch failed there,
//! where no cockpit was open to see alarms.

use jiff::{SignedDuration, Timestamp};

use super::production;
use super::words::{clock_after, second};
use crate::config::types::Probe;
use crate::incident::{Outage, Release, State, UNDONE, WatchVerdict, duration};
use crate::text::markdown::inline;

/// What probes say this long after a release is over is still about that release.
const AFTERWARDS: SignedDuration = SignedDuration::from_mins(1);

/// A time in which production failed again.
pub(super) struct Relapse {
    /// When that began.
    pub(super) from: Timestamp,
    /// When it was over; `None`: it is not.
    until: Option<Timestamp>,
    /// The release that was live then, if its watch failed.
    release: Option<String>,
    /// What production was rolled back to, if that ended it.
    back: Option<String>,
}

/// A release that failed in production, as long as it was live.
struct Failed<'s> {
    release: &'s Release,
    next: Option<&'s Release>,
}

impl Failed<'_> {
    fn is_about(&self, outage: &Outage) -> bool {
        let over = self.next.and_then(|next| next.at.checked_add(AFTERWARDS).ok());
        outage.from >= self.release.at && over.is_none_or(|over| outage.from <= over)
    }

    fn relapse(&self, from: Timestamp, until: Option<Timestamp>) -> Relapse {
        let back = self.next.filter(|next| next.rollback && until.is_some_and(|until| until >= next.at));
        Relapse {
            from,
            until,
            release: Some(inline(&self.release.name())),
            back: back.map(|back| inline(&back.name())),
        }
    }
}

/// Lists when production failed again after users were first served, the earliest first.
pub(super) fn all(state: &State, probes: &[Probe]) -> Vec<Relapse> {
    let of_production = |name: &str| {
        probes.iter().any(|probe| probe.name == name && production::is(state, &probe.environment))
    };
    let outages = state.relapses(of_production, state.latest);
    let failed = failed(state);
    let of_releases = failed.iter().filter(|one| !outages.iter().any(|outage| one.is_about(outage)));
    let mut all: Vec<Relapse> =
        of_releases.map(|one| one.relapse(one.release.at, one.next.map(|next| next.at))).collect();
    all.extend(outages.iter().map(|outage| match failed.iter().find(|one| one.is_about(outage)) {
        Some(one) => one.relapse(outage.from, outage.until),
        None => Relapse { from: outage.from, until: outage.until, release: None, back: None },
    }));
    all.sort_by_key(|relapse| relapse.from);
    all
}

/// Releases that failed their watch in production after users were served.
fn failed(state: &State) -> Vec<Failed<'_>> {
    let ended = state.endings.iter().map(|ending| ending.at);
    let Some(served) = state.served.iter().copied().chain(ended).min() else { return Vec::new() };
    let there = |one: &&Release| production::is(state, &one.environment);
    let all: Vec<&Release> = state.releases.iter().filter(there).collect();
    let is_failed = |one: &Release| {
        let bad = matches!(&one.verdict, Some((_, WatchVerdict::Failed, why)) if why != UNDONE);
        bad && !one.rollback && one.at > served
    };
    let failed = all.iter().enumerate().filter(|(_, one)| is_failed(one));
    failed
        .map(|(place, release)| Failed {
            release,
            next: all[place + 1..].iter().find(|next| next.environment == release.environment).copied(),
        })
        .collect()
}

impl Relapse {
    /// When: `from 14:20 to 14:21`, to the second where that is the same minute.
    fn when(&self, state: &State) -> String {
        let at = |at: Timestamp| clock_after(state.started_at, at);
        match self.until {
            Some(until) if at(self.from) == at(until) => {
                format!("from {} to {}", second(until, self.from), second(self.from, until))
            }
            Some(until) => format!("from {} to {}", at(self.from), at(until)),
            None => format!("since {}", at(self.from)),
        }
    }

    /// What follows on a time at which users were served: `failed again from 14:20 to 14:21`.
    pub(super) fn in_a_row(&self, state: &State) -> String {
        match &self.release {
            Some(name) => format!("{name} broke production again {}", self.when(state)),
            None => format!("failed again {}", self.when(state)),
        }
    }

    /// A sentence.
    pub(super) fn sentence(&self, state: &State) -> String {
        let when = self.when(state);
        match (&self.release, &self.back) {
            (Some(name), Some(back)) => {
                format!("{name} broke production again {when}; the rollback to {back} ended it.")
            }
            (Some(name), None) => format!("{name} broke production again {when}."),
            (None, _) => format!("Production failed again {when}."),
        }
    }

    fn length(&self, now: Timestamp) -> SignedDuration {
        seconds(self.from, self.until.unwrap_or(now)).max(SignedDuration::ZERO)
    }
}

/// The time between two times as they are shown, to the second: what is shown adds up.
fn seconds(from: Timestamp, to: Timestamp) -> SignedDuration {
    SignedDuration::from_secs(to.as_second().saturating_sub(from.as_second()))
}

/// How long users were hit in all, where production failed more than once; empty: it did not.
pub(super) fn impact(state: &State, probes: &[Probe]) -> String {
    let (all, Some(served)) = (all(state, probes), state.mitigated_at) else { return String::new() };
    let first = seconds(state.started_at, production::recovered(state, probes, served).at);
    if all.is_empty() || first.is_negative() {
        return String::new();
    }
    let lengths: Vec<SignedDuration> = all.iter().map(|one| one.length(state.latest)).collect();
    let again: Vec<String> = lengths.iter().map(|length| duration(*length)).collect();
    let sum = lengths.iter().fold(first, |sum, length| sum.saturating_add(*length));
    let so_far = if all.iter().any(|one| one.until.is_none()) { " so far" } else { "" };
    format!(
        "Production failed for {}, and again for {}: {} in all{so_far}.",
        duration(first),
        again.join(" and "),
        duration(sum)
    )
}
