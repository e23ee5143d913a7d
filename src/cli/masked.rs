//! Which verbs print configuration, files or commits: what is known of secrets is masked in all they say.

use super::args::Verb;
use super::context::Context;
use crate::conductor;
use crate::text::mask::Masker;

/// Whether a verb prints what `flightdeck.toml`, a file or git has in it.
pub(super) fn prints_what_it_reads(verb: &Verb) -> bool {
    matches!(
        verb,
        Verb::Action(_)
            | Verb::Deploy(_)
            | Verb::Flag(_)
            | Verb::Hotfix(_)
            | Verb::Plan(_)
            | Verb::Probe(_)
            | Verb::Rollback(_)
            | Verb::Runbook(_)
            | Verb::Smoke(_)
            | Verb::Suspects(_)
            | Verb::Test(_)
            | Verb::Watch(_)
    )
}

impl Context {
    /// Masks what is known of the repository's secrets without running anything. Those that `flightdeck.toml`
    /// declares are known once it is trusted.
    pub(super) fn masker(&self) -> Masker {
        match (self.trusted_config(), self.root()) {
            (Ok(loaded), Ok(root)) => conductor::masker(&loaded.config, root),
            _ => Masker::default(),
        }
    }
}
