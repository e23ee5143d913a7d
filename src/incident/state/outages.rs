//! When production failed, by the alarms on record.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::{State, Status, Turned};

/// What failed for less than this is no outage: nobody says that users were hit.
const BLIP: SignedDuration = SignedDuration::from_secs(10);

/// A time in which production failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outage {
    /// When the first probe failed.
    pub from: Timestamp,
    /// When the last one was good again; `None`: it fails still.
    pub until: Option<Timestamp>,
}

impl Outage {
    fn is_felt(&self, now: Timestamp) -> bool {
        self.until.unwrap_or(now).duration_since(self.from) >= BLIP
    }
}

impl State {
    /// When somebody last said that users are served again, where that stands.
    pub fn served_at(&self) -> Option<Timestamp> {
        let first = self.mitigated_at?;
        Some(self.served.iter().copied().max().map_or(first, |last| last.max(first)))
    }

    /// Lists when some of these probes failed, the earliest first. What has no data is as it was.
    pub fn outages(&self, is_production: impl Fn(&str) -> bool) -> Vec<Outage> {
        let mut all: Vec<Outage> = Vec::new();
        let mut failing = BTreeSet::new();
        let turns = self.turns.iter().filter(|turn| !turn.is_retracted && is_production(&turn.probe));
        for turn in turns {
            match turn.to {
                Turned::Silent => {}
                Turned::Failing => {
                    if failing.is_empty() {
                        all.push(Outage { from: turn.at, until: None });
                    }
                    failing.insert(&*turn.probe);
                }
                Turned::Warning | Turned::Good => {
                    if failing.remove(&*turn.probe)
                        && failing.is_empty()
                        && let Some(last) = all.last_mut()
                    {
                        last.until = Some(turn.at);
                    }
                }
            }
        }
        all
    }

    /// Lists when they failed after users were first said to be served again.
    pub fn relapses(&self, is_production: impl Fn(&str) -> bool, now: Timestamp) -> Vec<Outage> {
        let ended = self.endings.iter().map(|ending| ending.at);
        let Some(served) = self.served.iter().copied().chain(ended).min() else { return Vec::new() };
        let mut all = self.outages(is_production);
        all.retain(|outage| outage.from > served && outage.is_felt(now));
        all
    }

    /// When they last failed since users were last said to be served again, where that stands: it is to be said
    /// anew.
    pub fn failed_again(&self, is_production: impl Fn(&str) -> bool, now: Timestamp) -> Option<Outage> {
        let served = self.served_at().filter(|_| self.status == Status::Mitigated)?;
        let all = self.outages(is_production);
        all.into_iter().rfind(|outage| outage.from > served && outage.is_felt(now))
    }
}
