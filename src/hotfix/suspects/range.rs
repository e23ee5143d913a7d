//! What to look at: between which releases, and what else happened then.

use jiff::{SignedDuration, Timestamp};

use crate::incident::{History, Release, State};

/// Between which commits changes are looked for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Ask {
    /// A branch, tag or commit that was named to begin after.
    pub since: Option<String>,
    /// The release that was last good.
    pub good: Option<Live>,
    /// What is deployed, or was when it began.
    pub deployed: Option<Live>,
    /// All releases from the last good one up to that, oldest first.
    pub releases: Vec<Live>,
    /// Since when flags and deploys matter; `None`: as long as is known.
    pub window: Option<Timestamp>,
}

/// What was live, and since when.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Live {
    /// The commit, as a full id.
    pub commit: String,
    /// What people call it.
    pub name: String,
    /// Since when.
    pub at: Timestamp,
}

impl Live {
    fn of(release: &Release) -> Self {
        Self { commit: release.commit.clone(), name: release.name(), at: release.at }
    }
}

/// Finds out where to look: between the last good release and the one that was live when it began.
/// A release that came clearly after the begin, such as the fix, or one gone back to, is not what
/// broke it.
pub fn ask(
    history: &History,
    environment: &str,
    began: Option<Timestamp>,
    grace: SignedDuration,
    since: Option<&str>,
) -> Ask {
    let of: Vec<&Release> =
        history.releases.iter().filter(|release| release.environment == environment).collect();
    let live_then = began.and_then(|began| {
        let limit = began.saturating_add(grace).unwrap_or(Timestamp::MAX);
        of.iter().rposition(|release| release.at <= limit)
    });
    // Nothing was known yet when it began, or nobody says when: the last that went forward.
    let newest = || of.iter().rposition(|release| !release.rollback).or(of.len().checked_sub(1));
    let Some(at) = live_then.or_else(newest) else {
        return Ask { since: since.map(str::to_owned), ..Ask::default() };
    };
    let deployed = of[at];
    let until = History {
        releases: of[..=at].iter().map(|release| (*release).clone()).collect(),
        ..History::default()
    };
    let good = until.good_beside(environment, &deployed.commit);
    let after = |release: &&&Release| good.is_none_or(|good| release.at > good.at);
    let window = good.map(|good| good.at);
    Ask {
        since: since.map(str::to_owned),
        good: good.map(Live::of),
        deployed: Some(Live::of(deployed)),
        releases: of[..=at].iter().filter(after).map(|release| Live::of(release)).collect(),
        window,
    }
}

/// Something that happened besides a change of code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// What.
    pub kind: EventKind,
    /// When.
    pub at: Timestamp,
    /// By whom.
    pub by: String,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EventKind {
    /// A flag was turned.
    Flag {
        /// Its name.
        name: String,
        /// On, or off.
        on: bool,
    },
    /// Something was brought to production.
    Deploy {
        /// Name of the environment.
        environment: String,
        /// What.
        live: Live,
        /// It went back to something older.
        rollback: bool,
    },
}

/// Flags turned and deploys recorded since a moment. Of flags those of this incident are known; one that was turned
/// after it `began` is the response, and no cause.
pub fn events(
    history: &History,
    state: Option<&State>,
    environment: &str,
    since: Option<Timestamp>,
    began: Option<Timestamp>,
) -> Vec<Event> {
    let within = |at: Timestamp| since.is_none_or(|since| at > since);
    let deploys =
        history.releases.iter().filter(|release| release.environment == environment).map(|release| {
            let live = Live::of(release);
            let kind = EventKind::Deploy {
                environment: release.environment.clone(),
                live,
                rollback: release.rollback,
            };
            Event { kind, at: release.at, by: release.by.clone() }
        });
    let plans = state.map_or(&[][..], |state| &state.plans);
    let flags = plans.iter().filter(|plan| plan.is_done()).filter_map(|plan| {
        let name = plan.target.strip_prefix("flag:")?.to_owned();
        let on = plan.title.split_whitespace().next_back() == Some("on");
        let at = plan.ended_at.unwrap_or(plan.started_at);
        let is_response = began.is_some_and(|began| plan.started_at > began);
        (!is_response).then(|| Event { kind: EventKind::Flag { name, on }, at, by: plan.by.clone() })
    });
    deploys.chain(flags).filter(|event| within(event.at)).collect()
}
