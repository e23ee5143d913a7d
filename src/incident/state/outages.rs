//! When production failed, by the alarms on record.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::super::timeline::Entry;
use super::{EntryKind, State, Status};

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
        let is_said = |entry: &Entry<'_>| entry.name == "mitigated" && entry.retracted.is_none();
        let last = self.timeline.iter().rev().find(is_said);
        Some(last.map_or(first, |last| last.at.max(first)))
    }

    /// Lists when some of these probes failed, the earliest first. What has no data is as it was.
    pub fn outages(&self, is_production: impl Fn(&str) -> bool) -> Vec<Outage> {
        let mut all: Vec<Outage> = Vec::new();
        let mut failing = BTreeSet::new();
        let alarms = self.timeline.iter().filter(|entry| entry.name == "alarm" && entry.retracted.is_none());
        for entry in alarms.filter(|entry| is_production(entry.about)) {
            let warns = entry.text.strip_prefix(entry.about).is_some_and(|rest| rest.starts_with(" warn"));
            match entry.kind {
                EntryKind::AlarmUnknown => {}
                EntryKind::AlarmRaised if !warns => {
                    if failing.is_empty() {
                        all.push(Outage { from: entry.at, until: None });
                    }
                    failing.insert(entry.about);
                }
                _ => {
                    if failing.remove(entry.about)
                        && failing.is_empty()
                        && let Some(last) = all.last_mut()
                    {
                        last.until = Some(entry.at);
                    }
                }
            }
        }
        all
    }

    /// Lists when they failed after users were first said to be served again.
    pub fn relapses(&self, is_production: impl Fn(&str) -> bool, now: Timestamp) -> Vec<Outage> {
        let is_said = |name: &str| ["mitigated", "resolved"].contains(&name);
        let mut entries = self.timeline.iter();
        let Some(served) = entries.find(|entry| entry.retracted.is_none() && is_said(entry.name)) else {
            return Vec::new();
        };
        let mut all = self.outages(is_production);
        all.retain(|outage| outage.from > served.at && outage.is_felt(now));
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
