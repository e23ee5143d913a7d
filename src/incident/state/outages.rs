//! When production failed, by the alarms on record.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::{PlanRun, Release, State, Status, Turned, WatchVerdict};

/// What probes see this long after somebody said that users are served is still what they meant.
const SHORTLY: SignedDuration = SignedDuration::from_mins(2);

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

/// When users were served again, as well as the record tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recovery {
    /// When.
    pub at: Timestamp,
    /// The time that was written down for it.
    pub said: Timestamp,
    /// What tells so.
    pub by: RecoveryBy,
}

/// What tells when users were served again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RecoveryBy {
    /// Whoever wrote it down gave the time.
    Person,
    /// The probes of production: the last one was good again.
    Probes,
    /// The watch of this release passed.
    Watch(String),
    /// Nothing but the time at which it was written down.
    Record,
}

impl RecoveryBy {
    /// Tells whether it was measured.
    pub fn is_measured(&self) -> bool {
        matches!(self, Self::Probes | Self::Watch(_))
    }
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

    /// Finds out since when users are served again, where that stands.
    pub fn recovery(&self, is_production: impl Fn(&str) -> bool) -> Option<Recovery> {
        Some(self.recovered(self.served_at()?, is_production))
    }

    /// Finds out when users were served again, of a time at which somebody said so. People say it after they
    /// looked: what was measured counts, unless production was changed after it.
    pub fn recovered(&self, said: Timestamp, is_production: impl Fn(&str) -> bool) -> Recovery {
        let entries = self.timeline.iter().rev();
        let mut entries = entries.filter(|entry| entry.name == "mitigated" && entry.at == said);
        if entries.any(|entry| entry.retracted.is_none() && entry.recorded_at > entry.at) {
            return Recovery { at: said, said, by: RecoveryBy::Person };
        }
        let changed = self.changes_for_users().filter(|at| *at <= said).max();
        let outages = self.outages(is_production);
        let last = outages.iter().rfind(|outage| outage.from <= said);
        let latest = said.checked_add(SHORTLY).unwrap_or(said);
        let seen = last.and_then(|outage| outage.until).filter(|at| {
            *at >= self.started_at && *at <= latest && changed.is_none_or(|changed| changed <= *at)
        });
        if let Some(at) = seen {
            return Recovery { at, said, by: RecoveryBy::Probes };
        }
        let fails = last.is_some_and(|outage| outage.until.is_none_or(|until| until > said));
        let live = self.releases.iter().rfind(|one| one.at <= said && self.serves_users(&one.environment));
        let live = live.filter(|one| !fails && !one.vouched && one.at >= self.started_at);
        let passed = live.and_then(|one| match one.verdict {
            Some((at, WatchVerdict::Passed, _)) if at <= said => Some((at, one.name())),
            _ => None,
        });
        match passed.filter(|(at, _)| changed.is_none_or(|changed| changed <= *at)) {
            Some((at, name)) => Recovery { at, said, by: RecoveryBy::Watch(name) },
            None => Recovery { at: said, said, by: RecoveryBy::Record },
        }
    }

    /// Tells whether users are served from an environment: its name had to be typed, or it is called so.
    pub fn serves_users(&self, environment: &str) -> bool {
        ["production", "prod", "live"].contains(&environment)
            || self.plans.iter().any(|plan| plan.target == environment && plan.is_production())
    }

    /// When somebody began to change something for users: a release, a flag.
    fn changes_for_users(&self) -> impl Iterator<Item = Timestamp> {
        let flags = self.plans.iter().filter(|plan| plan.is_flag() && PlanRun::is_done(plan));
        let releases = self.releases.iter().filter(|one| self.serves_users(&one.environment));
        let began = |release: &Release| self.plan(&release.plan).map_or(release.at, |plan| plan.started_at);
        flags.map(|plan| plan.started_at).chain(releases.map(began))
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
