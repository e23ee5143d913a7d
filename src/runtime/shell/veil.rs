//! Keeps what presenter mode masks up to date: with the configuration, with what probes fetched since, and with the
//! machines that are on record.

use std::borrow::Cow;
use std::sync::Arc;

use super::Shell;
use crate::cockpit::msg::{Fact, Msg};
use crate::cockpit::update;
use crate::health::keyring::Keyring;
use crate::incident::State;
use crate::text::veil::{Private, Veil};

/// What is masked, and what that was made of.
#[derive(Default)]
pub(super) struct Known {
    private: Private,
    keyring: Keyring,
    /// Secrets that the keyring had, and records that were looked through.
    seen: Option<(usize, usize)>,
}

impl Shell<'_> {
    /// Takes in what is known of the repository.
    pub(super) fn veil_anew(&mut self, private: Private, keyring: Keyring) {
        self.known = Known { private, keyring, seen: None };
        self.keep_veil();
    }

    /// Looks whether there is more to be masked by now. To be called before a frame is drawn.
    pub(super) fn keep_veil(&mut self) {
        let state = self.model.incident();
        let seen = Some((self.known.keyring.count(), state.map_or(0, |state| state.records)));
        if seen == self.known.seen {
            return;
        }
        self.known.seen = seen;
        let mut private = self.known.private.clone();
        private.secrets.extend(self.known.keyring.known());
        private.hosts.extend(state.map(machines).unwrap_or_default());
        let veil = Fact::Veil(Arc::new(Veil::new(&private)));
        for (id, effect) in update(&mut self.model, Msg::Fact(veil)) {
            self.carry_out(id, effect);
        }
    }

    /// A text that leaves by another way than the screen: without what presenter mode masks.
    pub(super) fn may_be_read<'t>(&self, text: &'t str) -> Cow<'t, str> {
        self.model.present.hide(text)
    }
}

/// The machines that carried plans out.
fn machines(state: &State) -> Vec<String> {
    let mut hosts: Vec<String> =
        state.runs().filter_map(|(_, run)| Some(run.process.as_ref()?.host.clone())).collect();
    hosts.sort();
    hosts.dedup();
    hosts.retain(|host| host != "localhost");
    hosts
}
