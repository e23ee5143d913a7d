//! Whether it is this machine that is offline: then nothing is known of what lies beyond it, and nobody is
//! blamed. Pure.
//!
//! - A probe with `connectivity = true` asks something that tells. Where it fails, something beyond this machine is
//!   silent, and nothing there has answered since, we are offline. Where it is good we are not, whatever else fails.
//! - Without one this machine says so itself where no way leads out of it.
//! - Where neither is known, and every one of several hosts is silent at once, that is asked and not said.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::series::{Sample, Status, Verdict};
use super::tracker::{NO_NETWORK, NO_SUCH_HOST, UNREACHABLE, host};
use crate::config::types::{Probe, Source};
use crate::text::address::is_loopback;

/// Headline of a sample whose host's name nobody could look up: `Fault::NoNameServer`.
pub const NO_NAME_SERVER: &str = "no name server";
/// Headline of a sample that nobody answered in time: `Fault::Timeout`.
pub const TIMEOUT: &str = "timeout";

/// What a record calls the network of this machine where no probe tells of it.
pub const OWN: &str = "this machine network";
/// What is said first of trouble that is this machine's own.
pub const OFFLINE: &str = "we are offline: ";

/// Whose trouble it would be, and what was heard last.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reach {
    asks: Asks,
    heard: Heard,
    /// When that was heard.
    at: Option<Timestamp>,
    /// Since when nothing answers; `None`: something does.
    silent_since: Option<Timestamp>,
    /// Whether its trouble says nothing of what it asks.
    held: bool,
}

/// Where the answer comes from.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
enum Asks {
    /// This machine itself.
    #[default]
    Here,
    /// Nobody can tell: a command may ask anything.
    Anything,
    /// Another host.
    Beyond(String),
    /// What tells whether this machine is online.
    Connectivity,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Heard {
    /// Nothing that tells.
    #[default]
    Nothing,
    /// Somebody answered.
    Answer,
    /// No way leads out of this machine.
    NoNetwork,
    /// The host cannot be found or reached.
    NotFound,
    /// Nobody answered in time.
    Timeout,
}

/// How this machine's own network is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Network {
    /// Nothing says that it is down.
    Fine,
    /// Every one of so many hosts is silent at once, and why is not known.
    Doubtful {
        /// How many.
        hosts: usize,
        /// Whether some of them were found and reached, and did not answer in time.
        reached: bool,
    },
    /// It is down.
    Offline {
        /// Since when.
        since: Timestamp,
        /// How that is known.
        why: String,
    },
}

impl Reach {
    /// Where a probe asks.
    pub fn of(probe: &Probe) -> Self {
        let beyond = |url| Some(host(url)).filter(|host| !is_loopback(host)).map(str::to_owned);
        let asks = match (&probe.source, probe.source.url().and_then(beyond)) {
            _ if probe.tells_connectivity() => Asks::Connectivity,
            (Source::Command { .. }, _) => Asks::Anything,
            (_, Some(host)) => Asks::Beyond(host),
            (_, None) => Asks::Here,
        };
        Self { asks, ..Self::default() }
    }

    /// Takes in a sample.
    pub(super) fn take(&mut self, sample: &Sample) {
        self.heard = match (sample.verdict, sample.headline.as_str()) {
            (_, NO_NETWORK) => Heard::NoNetwork,
            (_, NO_SUCH_HOST | UNREACHABLE | NO_NAME_SERVER) => Heard::NotFound,
            (_, TIMEOUT) => Heard::Timeout,
            (Verdict::Bad | Verdict::NoAnswer | Verdict::NoData, _) if self.asks == Asks::Anything => {
                Heard::Timeout
            }
            (Verdict::NoData, _) => Heard::Nothing,
            // Its own conditions say what counts as being online: a page to sign in at does not.
            (Verdict::Bad | Verdict::NoAnswer, _) if self.asks == Asks::Connectivity => Heard::Timeout,
            // Who refuses or breaks off is there.
            _ => Heard::Answer,
        };
        self.at = Some(sample.at);
        self.silent_since = match self.heard {
            Heard::Answer => None,
            Heard::Nothing => self.silent_since,
            _ => self.silent_since.or(Some(sample.at)),
        };
    }

    /// Whether its trouble says nothing of what it asks, as this machine is offline or may be.
    pub fn is_held(&self) -> bool {
        self.held
    }

    pub(super) fn hold(&mut self, held: bool) {
        self.held = held;
    }

    /// Whether it tells whether this machine is online.
    pub fn is_connectivity(&self) -> bool {
        self.asks == Asks::Connectivity
    }

    /// Whether an answer has to come from beyond this machine.
    fn is_beyond(&self) -> bool {
        matches!(self.asks, Asks::Beyond(_))
    }

    fn is_silent(&self) -> bool {
        matches!(self.heard, Heard::NoNetwork | Heard::NotFound | Heard::Timeout)
    }

    fn answers_since(&self, since: Timestamp) -> bool {
        self.heard == Heard::Answer && self.at.is_some_and(|at| at >= since)
    }

    /// Whether a sample that says this may be the fault of this machine.
    pub(super) fn may_be_ours(&self, verdict: Verdict) -> bool {
        match self.asks {
            Asks::Beyond(_) => self.is_silent(),
            Asks::Anything => !matches!(verdict, Verdict::Good | Verdict::Warn),
            Asks::Here | Asks::Connectivity => false,
        }
    }

    /// Whether what tells about this machine has been asked since this one fell silent.
    pub(super) fn is_checked_by(&self, check: &Self) -> bool {
        match (self.silent_since, check.at) {
            (Some(since), Some(at)) => at >= since,
            (Some(_), None) => false,
            (None, _) => true,
        }
    }
}

/// Works out how the network of this machine is from the probes as they stand.
pub fn network<'a>(probes: &(impl Iterator<Item = &'a Status> + Clone)) -> Network {
    let checks = || probes.clone().filter(|probe| probe.reach.is_connectivity());
    let beyond = || probes.clone().map(|probe| &probe.reach).filter(|reach| reach.is_beyond());
    let offline = |since, why| {
        let is_alone = beyond().any(Reach::is_silent) && !beyond().any(|reach| reach.answers_since(since));
        is_alone.then_some(Network::Offline { since, why })
    };
    if checks().any(|check| check.reach.heard == Heard::Answer) {
        return Network::Fine;
    }
    if checks().next().is_some() && checks().all(|check| check.reach.is_silent()) {
        let last = checks().max_by_key(|check| check.reach.silent_since);
        let said = last.and_then(|check| Some((check.reach.silent_since?, check)));
        let Some((since, check)) = said else { return Network::Fine };
        let why = check.last.as_ref().map_or("", |sample| sample.why.trim_start_matches(OFFLINE));
        return offline(since, format!("{} says so: {why}", check.name)).unwrap_or(Network::Fine);
    }
    let no_way = beyond().filter(|reach| reach.heard == Heard::NoNetwork);
    if let Some(since) = no_way.filter_map(|reach| reach.silent_since).min()
        && !beyond().any(|reach| reach.heard == Heard::Timeout)
    {
        let why = "no network leads out of this machine".to_owned();
        return offline(since, why).unwrap_or(Network::Fine);
    }
    let mut hosts = BTreeSet::new();
    for reach in beyond() {
        match &reach.asks {
            Asks::Beyond(host) if reach.is_silent() => hosts.insert(host),
            _ => return Network::Fine,
        };
    }
    if hosts.len() < 2 {
        return Network::Fine;
    }
    let reached = beyond().any(|reach| reach.heard == Heard::Timeout);
    Network::Doubtful { hosts: hosts.len(), reached }
}

/// Whether something beyond this machine answers, or what tells of it does.
pub fn is_online<'a>(mut probes: impl Iterator<Item = &'a Status>) -> bool {
    let tells = |reach: &Reach| reach.is_beyond() || reach.is_connectivity();
    probes.any(|probe| tells(&probe.reach) && probe.reach.heard == Heard::Answer)
}

impl Network {
    /// What there is to say of it, for people; `None`: nothing.
    pub fn words(&self) -> Option<String> {
        match self {
            Self::Fine => None,
            Self::Doubtful { .. } => Some("every probe fails at once: is it this machine?".to_owned()),
            Self::Offline { why, .. } => {
                Some(format!("we are offline, nothing is known of what lies beyond this machine: {why}"))
            }
        }
    }
}

#[cfg(test)]
mod tests;
