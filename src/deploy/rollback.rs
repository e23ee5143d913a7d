//! Ways back: every one that a team has for an environment, whether it is known to work, and
//! the plan that takes it. Pure: what was found out comes in as [`Known`].

mod heed;
mod judge;
mod plans;
pub mod revert;
#[cfg(test)]
mod tests;

use jiff::Timestamp;

use super::flags::FlagState;
use super::gates::WayBack;
use super::pipeline::Seen;
use crate::config::types::{Config, Environment};
use crate::hotfix::back::Back;
use crate::incident::{History, Policy, Rehearsal, Release, duration};
use crate::text::visible;

pub use heed::{Well, heed, heed_of, under_way};
pub use judge::ways;
pub use plans::plan;

/// A way back, as it stands now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Way {
    /// What it is called on the command line: `redeploy`, `revert`, `switch`, `flag:NAME`, or the
    /// name the team gave it.
    pub id: String,
    /// One line: `redeploy v1.2.2`.
    pub title: String,
    /// What it does.
    pub kind: Kind,
    /// Name of the environment.
    pub environment: String,
    /// What is there afterwards; empty: not known.
    pub goes_back_to: String,
    /// Commits it takes away, short id and subject, newest first; not all where they are many.
    pub takes_away: Vec<(String, String)>,
    /// How many it takes away in all.
    pub takes_away_count: usize,
    /// Whether it is proven ready.
    pub ready: Ready,
    /// What was found out: speaks for it, against it, or leaves it open; one line each.
    pub evidence: Vec<(Option<bool>, String)>,
    /// Paths of migrations that lie between.
    pub migrations: Vec<String>,
    /// When it was last carried out to its end.
    pub rehearsed: Option<Rehearsal>,
    /// What would undo it by itself.
    pub undone_by: Option<String>,
    /// The branch that is all it changes, where nothing deploys that by itself: `main`.
    pub only: Option<String>,
    /// What its pipeline waits for before it deploys: `team sre`; empty: for nothing, as far as is known.
    pub waits_for: String,
}

#[cfg(test)]
impl Way {
    /// Makes a way back to v1.2.2 that is proven ready.
    pub(crate) fn example() -> Self {
        Self {
            id: "redeploy".to_owned(),
            title: "redeploy v1.2.2".to_owned(),
            kind: Kind::Redeploy,
            environment: "production".to_owned(),
            goes_back_to: "v1.2.2".to_owned(),
            takes_away: Vec::new(),
            takes_away_count: 0,
            ready: Ready::Yes,
            evidence: Vec::new(),
            migrations: Vec::new(),
            rehearsed: None,
            undone_by: None,
            only: None,
            waits_for: String::new(),
        }
    }
}

/// What a way back does. In the order in which they are tried where nothing else decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// Turns a feature flag off.
    FlagOff,
    /// Deploys the last good release again.
    Redeploy,
    /// Runs the pipeline again that deployed it.
    Rerun,
    /// Reverts on the branch in production, and pushes.
    Revert,
    /// A command of the team's own.
    Own,
    /// Makes the other side live again.
    Switch,
}

/// Whether a way is proven ready.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ready {
    /// All that can be found out beforehand says that it works.
    Yes,
    /// It is known not to work, and why.
    No(String),
    /// That could not be found out, and why.
    Unknown(String),
}

impl Ready {
    /// `yes`, `no`, `unknown`: in JSON.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Yes => "yes",
            Self::No(_) => "no",
            Self::Unknown(_) => "unknown",
        }
    }

    /// Why it is not, or nobody can tell; empty where it is.
    pub fn why(&self) -> &str {
        match self {
            Self::Yes => "",
            Self::No(why) | Self::Unknown(why) => why,
        }
    }

    fn rank(&self) -> u8 {
        match self {
            Self::Yes => 0,
            Self::Unknown(_) => 1,
            Self::No(_) => 2,
        }
    }
}

impl Way {
    /// Tells whether it takes back what was released, whatever the fault. Turning a flag off
    /// helps only where the fault is behind that flag: only a person can choose it.
    pub fn is_general(&self) -> bool {
        self.kind != Kind::FlagOff
    }

    /// What comes of it, in words that follow the title: `back to v1.2.2`, of a flag `without the new checkout`;
    /// empty where that is not known or the title says it.
    pub fn leads_to(&self) -> String {
        let to = &self.goes_back_to;
        if to.is_empty() || self.title.contains(to.as_str()) {
            return String::new();
        }
        let back = if self.is_general() { "back to " } else { "" };
        format!("{back}{}", visible(to))
    }

    /// That users notice nothing of it, and what they would; `None`: it takes effect by itself.
    pub fn and_then(&self) -> Option<String> {
        let branch = visible(self.only.as_deref()?);
        Some(format!("only changes {branch}; a deploy is needed after it"))
    }

    /// That it is proven ready, and whom it then waits for.
    pub fn proven(&self) -> String {
        let then = if self.waits_for.is_empty() { "" } else { ", then waits for " };
        format!("proven ready{then}{}", visible(&self.waits_for))
    }

    /// When it was rehearsed and how long that took, or that it never was, in one line.
    pub fn rehearsal(&self, now: Timestamp) -> String {
        let Some(rehearsal) = &self.rehearsed else {
            return "never done here before".to_owned();
        };
        let ago = duration(now.duration_since(rehearsal.at).max(jiff::SignedDuration::ZERO));
        let elsewhere = if rehearsal.environment == self.environment || self.kind == Kind::FlagOff {
            String::new()
        } else {
            format!(" on {}", visible(&rehearsal.environment))
        };
        // It may have gone back to something else then.
        let what = match self.kind {
            Kind::Redeploy => "last redeploy",
            Kind::Revert => "last revert",
            _ => "last done",
        };
        let to = &rehearsal.to;
        let told =
            to.is_empty() || self.title.contains(to.as_str()) || self.goes_back_to.contains(to.as_str());
        let of = if told { String::new() } else { format!(", of {}", visible(to)) };
        format!("{what} {ago} ago{of}{elsewhere}, took {}", duration(rehearsal.took))
    }
}

/// The best way that is ready, takes effect by itself, and helps whatever the fault.
pub fn best(ways: &[Way]) -> Option<&Way> {
    ways.iter().find(|way| way.is_general() && way.ready == Ready::Yes && way.only.is_none())
}

/// One that is ready and only changes the repository: users notice nothing of it before the next deploy.
pub fn before_a_deploy(ways: &[Way]) -> Option<&Way> {
    ways.iter().find(|way| way.is_general() && way.ready == Ready::Yes && way.only.is_some())
}

/// A flag that can be turned off, which helps only where the fault is behind it.
pub fn flag(ways: &[Way]) -> Option<&Way> {
    ways.iter().find(|way| !way.is_general() && way.ready == Ready::Yes)
}

/// The way to show or take where none is named: the best that is ready, else the one that is
/// nearest to it and not known to fail.
pub fn nearest(ways: &[Way]) -> Option<&Way> {
    let open = |way: &&Way| way.is_general() && matches!(way.ready, Ready::Unknown(_));
    best(ways).or_else(|| ways.iter().find(open)).or_else(|| before_a_deploy(ways))
}

/// What the gate of a deploy is told about ways back, once that deploy is there.
pub fn way_back(known: &Known<'_>, ways: &[Way]) -> WayBack {
    let name = visible(&known.environment.name);
    if let Some(way) = best(ways).or_else(|| before_a_deploy(ways)) {
        let to =
            Some(way.leads_to()).filter(|to| !to.is_empty()).map_or_else(String::new, |to| format!(", {to}"));
        let then = way.and_then().map_or_else(String::new, |then| format!("; {then}"));
        let why = format!("after this deploy: {}{to}, proven ready{then}", visible(&way.title));
        return WayBack { ready: Some(way.id.clone()), why, unproven: false };
    }
    let first = known.history.current(&known.environment.name).is_none();
    let why = match nearest(ways) {
        Some(way) => format!(
            "after this deploy none is proven ready; {}: {}",
            visible(&way.title),
            visible(way.ready.why())
        ),
        None if first => {
            format!(
                "no release of {name} is known before this one; name it: flightdeck live {name} TAG --good"
            )
        }
        None => {
            let why = ways.iter().find(|way| way.is_general()).map_or("", |way| way.ready.why());
            format!("after this deploy none is ready: {}", visible(why))
        }
    };
    let why = match flag(ways) {
        Some(flag) => {
            format!("{why}; {} is ready, but helps only against its own fault", visible(&flag.title))
        }
        None => why,
    };
    WayBack { ready: None, why, unproven: false }
}

/// What a command said that was asked about the world.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// Its first line; and the commit that line stands for in the repository, as a full id.
    Said {
        /// The line.
        line: String,
        /// The commit.
        commit: Option<String>,
    },
    /// It ended otherwise: what it says of it.
    No(String),
    /// It could not be asked, or did not answer.
    Unknown(String),
    /// Nothing is configured that could be asked.
    Nothing,
}

/// What the code host says of running the pipeline of the last good release again.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "there is one for each look back")]
pub enum Again {
    /// This run may be; of it only this job, where its host runs no whole run again.
    May(Seen, String),
    /// It cannot be, and why.
    Not(String),
    /// That is not known, and why.
    Unknown(String),
}

/// All that was found out about going back in one environment.
#[derive(Debug, Clone)]
pub struct Known<'a> {
    /// The configuration.
    pub config: &'a Config,
    /// The policy in force.
    pub policy: &'a Policy,
    /// The environment.
    pub environment: &'a Environment,
    /// Releases and rehearsals.
    pub history: History,
    /// Why what the environment itself knows of its releases is not among them; `None`: it is.
    pub untold: Option<String>,
    /// Root of the work tree, where commands run.
    pub root: String,
    /// The commit that is there, or is going to be: what is gone back from.
    pub current: Option<String>,
    /// The release to go back to: the last good one beside that.
    pub target: Option<Release>,
    /// What the repository says of going from one to the other; `None`: not both are known.
    pub back: Option<Back>,
    /// How flags stand, in the order of the configuration.
    pub flags: Vec<FlagState>,
    /// What each of the team's own ways would go back to, in the order of the configuration.
    pub own: Vec<Heard>,
    /// Which side is live.
    pub live: Heard,
    /// What is deployed on the other side.
    pub idle: Heard,
    /// What keeps the environment as it is described elsewhere.
    pub gitops: Option<String>,
    /// The code host that runs its pipeline; `Err`: it has one, and why its host is not known.
    pub host: Result<Option<super::pipeline::Host>, String>,
    /// Whether the pipeline run of the last good release may be run again.
    pub again: Again,
}

impl<'a> Known<'a> {
    /// With nothing found out yet. `current` is the commit to go back from, if it is not the one
    /// released last: a deploy asks before it is there.
    pub fn new(
        config: &'a Config,
        policy: &'a Policy,
        history: History,
        environment: &'a Environment,
        root: &str,
        current: Option<&str>,
    ) -> Self {
        let released = history.current(&environment.name).map(|release| release.commit.clone());
        let current = current.map(str::to_owned).or(released);
        let target =
            current.as_ref().and_then(|commit| history.good_beside(&environment.name, commit)).cloned();
        let unknown = || Heard::Unknown("it was not asked".to_owned());
        let asked = |configured: bool| if configured { unknown() } else { Heard::Nothing };
        let sides = environment.blue_green.as_ref();
        let gitops = environment.gitops.trim();
        Self {
            config,
            policy,
            environment,
            history,
            root: root.to_owned(),
            untold: None,
            current,
            target,
            back: None,
            flags: Vec::new(),
            own: environment.rollbacks.iter().map(|own| asked(!own.target.is_empty())).collect(),
            live: asked(sides.is_some()),
            idle: asked(sides.is_some_and(|sides| !sides.version.is_empty())),
            gitops: (!gitops.is_empty()).then(|| gitops.to_owned()),
            host: Ok(None),
            again: Again::Unknown("it was not asked".to_owned()),
        }
    }

    /// The side that is not live, if it is known which is.
    pub fn idle_side(&self) -> Option<&str> {
        let sides = &self.environment.blue_green.as_ref()?.sides;
        let Heard::Said { line, .. } = &self.live else { return None };
        let live = sides.iter().position(|side| side == line)?;
        sides.get(1 - live).map(String::as_str)
    }

    /// The side that is live, if it is known.
    fn live_side(&self) -> Option<&str> {
        let sides = &self.environment.blue_green.as_ref()?.sides;
        let Heard::Said { line, .. } = &self.live else { return None };
        sides.iter().find(|side| *side == line).map(String::as_str)
    }

    /// The last release of a commit in this environment.
    fn release_of(&self, commit: &str) -> Option<&Release> {
        let here =
            |release: &&Release| release.environment == self.environment.name && release.commit == commit;
        self.history.releases.iter().rev().find(here)
    }
}
