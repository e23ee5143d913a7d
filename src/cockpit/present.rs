//! Presenter mode: the screen as it is shared on a call. What is not for everybody is masked, and the keys that do
//! something are shown with what they do.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::key::Key;
use crate::text::veil::Veil;

/// How many of the last keys are shown.
pub const KEYS: usize = 3;
/// How long a key is shown.
const STAYS: SignedDuration = SignedDuration::from_secs(10);

/// Whether the screen is shared, and what goes with that.
#[derive(Debug, Default)]
pub struct Present {
    /// Whether it is on.
    pub on: bool,
    /// Whether it was said what it does.
    pub told: bool,
    /// Finds what is masked.
    pub veil: Arc<Veil>,
    /// The last keys that did something, oldest first, at most [`KEYS`].
    pub pressed: VecDeque<Pressed>,
    /// The key that is being taken, until something was made of it.
    pub key: Option<Key>,
}

/// A key that did something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pressed {
    /// The key as it is shown.
    pub key: String,
    /// What it did, in a few words; may be empty.
    pub does: String,
    /// How often it was pressed in a row.
    pub times: u16,
    /// When it was pressed last.
    pub at: Timestamp,
}

impl Present {
    /// A text that leaves by another way than the screen: as it may be read there.
    pub fn hide<'a>(&self, text: &'a str) -> Cow<'a, str> {
        if self.on { Cow::Owned(self.veil.hide(text)) } else { Cow::Borrowed(text) }
    }

    /// Keeps that the key being taken did this.
    pub fn did(&mut self, does: String, at: Timestamp) {
        let Some(key) = self.key.take().filter(|_| self.on) else { return };
        let key = key.to_string();
        if let Some(last) = self.pressed.back_mut().filter(|last| last.key == key && last.does == does) {
            (last.times, last.at) = (last.times.saturating_add(1), at);
            return;
        }
        if self.pressed.len() == KEYS {
            self.pressed.pop_front();
        }
        self.pressed.push_back(Pressed { key, does, times: 1, at });
    }

    /// Lets go of keys that have been shown long enough.
    pub(super) fn forget(&mut self, now: Timestamp) {
        self.pressed.retain(|one| now.duration_since(one.at) < STAYS);
    }
}
