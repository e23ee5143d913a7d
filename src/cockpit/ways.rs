//! What is known about going back, as the screens show it.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::msg::EffectId;
use crate::deploy::release;
use crate::deploy::rollback::{self, Ready, Way};
use crate::failure::Failure;
use crate::incident::{Predecessor, Release, State};

/// Ways back, by the name of the environment.
#[derive(Debug, Default)]
pub struct Ways {
    /// What was found out last.
    pub known: BTreeMap<String, Looked>,
    /// Whether something changed that they depend on since they were asked for.
    pub stale: bool,
    /// The look that is under way.
    pub looking: Option<EffectId>,
}

/// The ways back of an environment, as they were at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Looked {
    /// When.
    pub at: Timestamp,
    /// Name of what was live there; `None`: nobody knows.
    pub live: Option<String>,
    /// What the environment says is live there, where the record does not.
    pub unrecorded: Option<Box<Release>>,
    /// What was there from which time on.
    pub past: Vec<(Timestamp, Predecessor)>,
    /// The ways, best first; or why nothing could be found out.
    pub ways: Result<Vec<Way>, Failure>,
}

/// Whether there is a way back, in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Readiness {
    /// One is proven ready.
    Ready,
    /// A flag can be turned off, which helps only if the fault is behind it; nothing else is ready.
    OnlyFlag,
    /// Only the repository can be changed, which users notice at the next deploy.
    OnlyRevert,
    /// None is, and all are known not to work.
    NoWay,
    /// None is proven, and of one at least nobody can tell.
    Unknown,
}

/// What somebody brought to production past the record since the incident was declared, as production
/// tells. What was live by then needs no record, whenever the fault is said to have begun.
pub fn unrecorded<'a>(state: Option<&State>, looked: Option<&'a Looked>) -> Option<&'a Release> {
    let state = state.filter(|state| state.is_open())?;
    let looked = looked?;
    let found = looked.unrecorded.as_deref()?;
    // It may be on record since it was looked at.
    let last = state.releases.iter().rev().find(|release| release.environment == found.environment);
    // Production was asked after somebody wrote down by hand that it runs something else.
    let is_contradicted =
        last.is_some_and(|last| release::is_contradicted(last, found) && last.at <= looked.at);
    let is_new = || last.is_none_or(|last| last.at < found.at && last.commit != found.commit);
    Some(found).filter(|found| is_contradicted || (found.at >= state.declared_at && is_new()))
}

/// The name of what is live in an environment, and whether that is on record: nobody brought something else there
/// past it.
pub fn live(state: Option<&State>, target: Option<&str>, looked: Option<&Looked>) -> (Option<String>, bool) {
    let recorded = state.zip(target).and_then(|(state, target)| {
        let release = state.releases.iter().rev().find(|release| release.environment == target)?;
        Some(release.name())
    });
    // Before anything was brought there in this incident, what its rollback options start from.
    let told = || looked.and_then(|looked| looked.live.clone());
    let unrecorded = unrecorded(state, looked).map(Release::name);
    let is_recorded = unrecorded.is_none();
    (unrecorded.or(recorded).or_else(told), is_recorded)
}

impl Looked {
    /// Whether there is a way back.
    pub fn readiness(&self) -> Readiness {
        let Ok(ways) = &self.ways else { return Readiness::Unknown };
        let open = |way: &Way| way.is_general() && matches!(way.ready, Ready::Unknown(_));
        if rollback::best(ways).is_some() {
            Readiness::Ready
        } else if rollback::flag(ways).is_some() {
            Readiness::OnlyFlag
        } else if ways.iter().any(open) {
            Readiness::Unknown
        } else if rollback::before_a_deploy(ways).is_some() {
            Readiness::OnlyRevert
        } else {
            Readiness::NoWay
        }
    }
}

/// A canary that has a share of the users of an environment, and can be taken back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Canary {
    /// Name of the environment.
    pub environment: String,
    /// Id of its plan.
    pub plan: String,
    /// What is tried out.
    pub brings: String,
    /// The share, in percent.
    pub share: Option<u8>,
    /// What taking it back comes to, in one line.
    pub undo: String,
}
