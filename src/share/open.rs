//! Opens the way over which the incidents of a repository are shared, and tells what keeps them from being sent.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use jiff::SignedDuration;
use zeroize::Zeroizing;

use super::git::Git;
use super::key::Key;
use super::live::Login;
use super::round::Sharing;
use crate::conductor::{Access, Unattended, access, secret};
use crate::config::types::{Config, Share};
use crate::failure::{Failure, FailureKind};
use crate::text::address::without_credentials;
use crate::text::visible;

const DOING: &str = "sharing the incident";
/// For so long a place that strangers cannot read is taken to be one.
const CLOSED_FOR: Duration = Duration::from_secs(3600);
/// For so long this process does not look whether that is still so.
const BELIEVED_FOR: Duration = Duration::from_secs(300);
/// For so long one that everybody can read is not asked again.
const OPEN_FOR: Duration = Duration::from_secs(600);
/// And one that did not say.
const UNKNOWN_FOR: Duration = Duration::from_secs(30);

/// Why there is no way to share over.
#[derive(Debug)]
pub enum Closed {
    /// The repository has no remote.
    NoRemote,
    /// The configuration names a remote, and nobody has trusted it.
    NotTrusted(String),
    /// What it needs here cannot be made.
    Unusable(Failure),
}

impl From<Closed> for Failure {
    fn from(closed: Closed) -> Self {
        match closed {
            Closed::NoRemote => Self::usage(
                DOING,
                "this repository has no remote",
                "add one, or set [share] remote in flightdeck.toml",
            ),
            Closed::NotTrusted(remote) => Self::of(
                FailureKind::NotTrusted,
                DOING,
                format!("flightdeck.toml names [share] remote = {remote:?}, and nobody has trusted it here"),
                "flightdeck trust --show lists what it names, flightdeck trust allows it",
            ),
            Closed::Unusable(failure) => failure,
        }
    }
}

/// What keeps an incident from being sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kept {
    /// Somebody turned sharing off on this machine.
    Off,
    /// The configuration turns it off.
    Configured,
    /// Everybody can read what is at the remote: the host that lets them.
    Public(String),
    /// Nobody knows who can read it: why.
    Unknown(String),
}

impl fmt::Display for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Off => f.write_str("sharing is off on this machine"),
            Self::Configured => f.write_str("flightdeck.toml turns sharing off"),
            Self::Public(host) => {
                write!(f, "everybody can read this repository at {}", visible(host))
            }
            Self::Unknown(why) => {
                write!(f, "nobody knows whether strangers can read the remote: {}", visible(why))
            }
        }
    }
}

impl Kept {
    /// Tells whether somebody wants it so: sharing was turned off.
    pub fn is_wanted(&self) -> bool {
        matches!(self, Self::Off | Self::Configured)
    }

    /// What to do so that it is sent.
    pub fn way_out(&self) -> &'static str {
        match self {
            Self::Off => "flightdeck share on",
            Self::Configured => "set [share] enabled = true in flightdeck.toml",
            Self::Public(_) | Self::Unknown(_) => {
                "set [share] remote to a private repository, or [share] public = true to share it all the same"
            }
        }
    }
}

impl From<Kept> for Failure {
    fn from(kept: Kept) -> Self {
        let kind = match kept {
            Kept::Off | Kept::Configured => FailureKind::Usage,
            Kept::Public(_) => FailureKind::Gate,
            Kept::Unknown(_) => FailureKind::Failed,
        };
        Self::of(kind, DOING, &kept, kept.way_out())
    }
}

/// What decides whether an incident is sent, and what was found of it.
#[derive(Debug)]
pub(super) struct Gate {
    share: Share,
    settings: PathBuf,
    config: Box<Config>,
    asked: Option<Asked>,
}

impl Gate {
    /// For how long what a closed incident left at the remote stays there; `None`: for good.
    pub(super) fn keep(&self) -> Option<SignedDuration> {
        // What is wrong with it is told where the configuration is read.
        self.share.keeps_for().ok().flatten()
    }
}

#[derive(Debug)]
struct Asked {
    at: Instant,
    /// When the settings of the repository were changed last.
    settings: Option<SystemTime>,
    access: Access,
}

impl Asked {
    fn holds(&self, settings: Option<SystemTime>) -> bool {
        let lasts = match self.access {
            Access::Members => BELIEVED_FOR,
            Access::Everybody(_) => OPEN_FOR,
            Access::Unknown(_) => UNKNOWN_FOR,
        };
        self.settings == settings && self.at.elapsed() < lasts
    }
}

impl Sharing {
    /// Opens the way for the repository that `wire` runs git in. What its configuration names is used only where it is
    /// trusted.
    ///
    /// # Errors
    /// There is none, or it may not be used.
    pub fn open(
        state_dir: &Path,
        wire: Unattended,
        config: &Config,
        is_trusted: bool,
    ) -> Result<Self, Closed> {
        let named = config.share.remote.as_str();
        if !named.is_empty() && !is_trusted {
            return Err(Closed::NotTrusted(without_credentials(named).into_owned()));
        }
        let remote = match (named, is_trusted) {
            ("", true) => wire.remote(),
            ("", false) => wire.main_remote(),
            (named, _) => Some(named),
        };
        let remote = remote.ok_or(Closed::NoRemote)?.to_owned();
        let identity = wire.identity().to_owned();
        let settings = Path::new(&identity).join("config");
        let git = Git::open(state_dir, &identity, &remote, &settings, wire).map_err(|why| {
            Closed::Unusable(Failure::new(DOING, why, "see that the state directory can be written to"))
        })?;
        let mut share = Share { public: config.share.public && is_trusted, ..config.share.clone() };
        if !is_trusted {
            share.keep.clear();
            share.nats.clear();
        }
        let gate = Gate { share, settings, config: Box::new(config.clone()), asked: None };
        Ok(Self::new(git, Key::open(state_dir).map_err(Closed::Unusable)?, gate))
    }

    /// The servers over which records go as they are written; `None`: none is configured and trusted.
    pub(super) fn live_server(&self) -> Option<&str> {
        Some(self.gate.share.nats.trim()).filter(|servers| !servers.is_empty())
    }

    /// How they are reached. May run what prints the secret.
    ///
    /// # Errors
    /// One line: the secret cannot be had.
    pub(super) fn login(&self) -> Result<Login, String> {
        let Share { nats, credentials, public, .. } = &self.gate.share;
        let value = match credentials.as_str() {
            "" => Zeroizing::default(),
            name => secret(&self.gate.config, self.git().root(), name)?,
        };
        Ok(Login { servers: nats.clone(), credentials: value, is_public: *public })
    }

    /// What keeps incidents from being sent; `None`: nothing does. Asks the host where that is not known, and waits a
    /// few seconds for it at most.
    pub fn kept(&mut self) -> Option<Kept> {
        if let Some(kept) = self.turned_off() {
            return Some(kept);
        }
        if self.gate.share.public {
            return None;
        }
        let settings = self.gate.settings.metadata().and_then(|known| known.modified()).ok();
        if self.gate.asked.as_ref().is_none_or(|asked| !asked.holds(settings)) {
            let access = self.ask();
            self.gate.asked = Some(Asked { at: Instant::now(), settings, access });
        }
        match &self.gate.asked.as_ref()?.access {
            Access::Members => None,
            Access::Everybody(host) => Some(Kept::Public(host.clone())),
            Access::Unknown(why) => Some(Kept::Unknown(why.clone())),
        }
    }

    /// Whether somebody turned sharing off.
    pub fn turned_off(&self) -> Option<Kept> {
        match () {
            () if !self.gate.share.enabled => Some(Kept::Configured),
            () if self.git().is_off() => Some(Kept::Off),
            () => None,
        }
    }

    fn ask(&self) -> Access {
        let git = self.git();
        let addresses = match git.addresses() {
            Ok(addresses) => addresses,
            Err(why) => return Access::Unknown(why),
        };
        if git.is_closed(&addresses, CLOSED_FOR) {
            return Access::Members;
        }
        let found = access(&addresses, |host| git.ssh_host(host));
        git.remember_closed(&addresses, found == Access::Members);
        found
    }
}
