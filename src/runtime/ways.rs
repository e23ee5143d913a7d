//! Ways back, looked for beside everything else.

use std::path::Path;

use jiff::Timestamp;

use crate::conductor::{self, Asking, Ground};
use crate::config::{load, trust};
use crate::failure::{Failure, Result};
use crate::hotfix::git::Reader;
use crate::incident::Policy;
use crate::journal::{self, Journal};

/// Finds out what there is to go back to in an environment. Reads the configuration again: only
/// what is trusted at this moment is asked.
pub(super) fn ways(here: &Path, state_dir: &Path, environment: &str) -> Result<conductor::Options> {
    let doing = "checking the rollback options";
    let reader = Reader::open(here).map_err(|none| none.failure(&here.to_string_lossy()))?;
    let loaded = load::load(reader.root())?
        .ok_or_else(|| Failure::usage(doing, "no flightdeck.toml", "flightdeck init writes one"))?;
    trust::require(state_dir, &loaded)?;
    let config = reader.configured(loaded.config, || journal::open_incidents(state_dir));
    let policy = Policy::built_in().with(&config.policy);
    let journal = Journal::open_again(state_dir, "nobody")?;
    let history = journal.history(&journal.repository(&reader)?)?;
    let ground = Ground {
        root: reader.root(),
        state_dir,
        config: &config,
        policy: &policy,
        history: &history,
        now: Timestamp::now(),
        fresh: conductor::Fresh::Ask,
    };
    conductor::ways(&ground, environment, Asking::Environment)
}
