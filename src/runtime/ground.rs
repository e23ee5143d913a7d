//! What plans are made on and flags are read by: work that may have to wait for the world, and
//! so never happens on a thread that others wait for.

use std::path::PathBuf;

use jiff::Timestamp;

use crate::cockpit::msg::Done;
use crate::conductor;
use crate::config::types::Config;
use crate::config::{load, trust};
use crate::failure::{Failure, Result};
use crate::hotfix::git::Reader;
use crate::hotfix::pull::Check;
use crate::incident::{IncidentId, Messaged, Policy, RecordId, Released};
use crate::journal::{self, Journal};
use crate::plan::Request;

/// A repository and its configuration as they were when something was asked for.
pub(super) struct Ground {
    pub(super) state_dir: PathBuf,
    /// Root of the work tree.
    pub(super) root: PathBuf,
    /// The configuration that is shown.
    pub(super) config: Config,
}

/// Messages to be sent.
pub(super) struct Letter {
    /// The incident that they are about.
    pub(super) incident: IncidentId,
    /// Who sends them.
    pub(super) user: String,
    /// Which.
    pub(super) mail: Mail,
}

/// Which messages.
pub(super) enum Mail {
    /// This one, whose draft was written then.
    New(Box<Messaged>, Timestamp),
    /// What did not go out of this one.
    Again(RecordId),
    /// Those that wait.
    Waiting,
    /// Pages that nobody has acknowledged yet: none is sent.
    Pages,
    /// Messages of chats that somebody marked for the timeline: none is sent.
    Pins,
}

impl Ground {
    /// Makes a plan.
    pub(super) fn prepare(&self, plan: &str, request: &Request) -> Result<Done> {
        if conductor::needs_trust(&self.config, request) {
            self.require_trust("making the plan")?;
        }
        let policy = Policy::built_in().with(&self.config.policy);
        let journal = Journal::open_again(&self.state_dir, "nobody")?;
        let reader = Reader::open(&self.root).map_err(|none| none.failure(&self.root.to_string_lossy()))?;
        let history = journal.history(&journal.repository(&reader)?)?;
        let ground = conductor::Ground {
            root: &self.root,
            state_dir: &self.state_dir,
            config: &self.config,
            policy: &policy,
            history: &history,
            now: Timestamp::now(),
            fresh: conductor::Fresh::Fetch,
        };
        if let Some(by_hand) = conductor::by_hand(&ground, request)? {
            return Ok(Done::ByHand(Box::new(by_hand)));
        }
        conductor::prepare(&ground, plan, request).map(|plan| Done::Prepared(Box::new(plan)))
    }

    /// Finds the commit of what somebody says is live in an environment.
    pub(super) fn find_live(&self, environment: String, reference: String) -> Result<Done> {
        let mut reader =
            Reader::open(&self.root).map_err(|none| none.failure(&self.root.to_string_lossy()))?;
        let commit = reader.resolve(&reference)?;
        let (tag, version) = reader.label(&commit, &reference, &self.config.hotfix)?;
        let (plan, rollback, replaces) = (String::new(), false, None);
        let found = Released { environment, reference, commit, tag, version, plan, rollback, replaces };
        Ok(Done::Live(Box::new(found)))
    }

    /// Asks for the state of every flag.
    pub(super) fn flags(&self) -> Result<Done> {
        self.require_trust("reading the flags")?;
        Ok(Done::Flags(conductor::flag_states(&self.config, &self.root)))
    }

    /// Reads what a check printed.
    pub(super) fn check_log(&self, check: &Check) -> Result<Done> {
        if conductor::needs_trust_for_logs(&self.config) {
            self.require_trust("reading the log of a check")?;
        }
        conductor::check_log(&self.root, &self.config, check).map(|text| Done::Change(Box::new(text)))
    }

    /// Looks for the runbooks of the repository.
    #[expect(clippy::unnecessary_wraps, reason = "the same signature as everything that is read aside")]
    pub(super) fn runbooks(&self) -> Result<Done> {
        Ok(Done::Runbooks(Box::new(conductor::runbook_shelf(&self.root, &self.config))))
    }

    /// Reads one of them.
    pub(super) fn runbook(&self, path: &str) -> Result<Done> {
        Ok(Done::Runbook(Box::new(conductor::runbook_page(&self.root, &self.config, path)?)))
    }

    /// Reads the team's own templates of messages.
    #[expect(clippy::unnecessary_wraps, reason = "the same signature as everything that is read aside")]
    pub(super) fn templates(&self) -> Result<Done> {
        Ok(Done::Templates(conductor::templates(&self.root, &self.config)))
    }

    /// Asks who is on call.
    pub(super) fn on_call(&self) -> Result<Done> {
        self.require_trust("asking who is on call")?;
        Ok(Done::OnCall(conductor::all_on_call(&self.config, &self.root)))
    }

    /// Sends messages.
    pub(super) fn post(&self, letter: Letter) -> Result<Done> {
        self.require_trust("sending the message")?;
        let policy = Policy::built_in().with(&self.config.policy);
        let mut journal = Journal::open_again(&self.state_dir, &letter.user)?;
        let (config, root, incident) = (&self.config, self.root.as_path(), letter.incident);
        let post = conductor::Post { config, root, policy: &policy, incident };
        let sent = match letter.mail {
            Mail::New(message, read_at) => conductor::send(&mut journal, &post, &message, read_at),
            Mail::Again(message) => conductor::resend(&mut journal, &post, message),
            Mail::Waiting => conductor::flush(&mut journal, &post, conductor::Which::Fresh),
            Mail::Pins => return conductor::pins(&mut journal, &post).map(Done::Appended),
            Mail::Pages => return conductor::follow(&mut journal, &post).map(Done::Appended),
        };
        sent.map(|sent| Done::Appended(sent.records))
    }

    /// The file may have changed since it was shown: what is trusted is what runs.
    fn require_trust(&self, doing: &str) -> Result<()> {
        let loaded = load::load(&self.root)?
            .ok_or_else(|| Failure::usage(doing, "no flightdeck.toml", "flightdeck init writes one"))?;
        trust::require(&self.state_dir, &loaded)?;
        let reader = Reader::open(&self.root).map_err(|none| none.failure(&self.root.to_string_lossy()))?;
        let open = || journal::open_incidents(&self.state_dir);
        if reader.configured(loaded.config, open) != self.config {
            return Err(Failure::new(doing, "flightdeck.toml has just changed", "try again"));
        }
        Ok(())
    }
}
