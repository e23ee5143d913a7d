//! What this cockpit has seen of probes beside what is on record of them: when it may contradict another one.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use crate::health::series::State;

/// For how long a cockpit has to see otherwise what another one recorded. Two that see a probe differently would
/// contradict each other without end: it is twice as long each time, until the probe turns here.
const OTHERWISE: SignedDuration = SignedDuration::from_mins(1);
/// The longest.
const LONGEST: SignedDuration = SignedDuration::from_hours(1);

/// What was last seen of a probe here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Seen {
    state: State,
    /// Since when the record says otherwise.
    disputed: Option<Timestamp>,
    /// For how long it may.
    wait: SignedDuration,
}

/// What was last seen of each probe here, by its name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sightings(BTreeMap<String, Seen>);

impl Sightings {
    /// Forgets all: the record is about another incident, or does not have what was seen.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// Takes in that the record says of a probe what it is here.
    pub fn agree(&mut self, probe: &str, state: State) {
        if self.turns(probe, state) {
            return;
        }
        if let Some(seen) = self.0.get_mut(probe) {
            seen.disputed = None;
        }
    }

    /// Tells whether what a probe is here goes on record, which says otherwise: at once where it turned here, else
    /// once it has been so for long enough.
    pub fn may_contradict(&mut self, probe: &str, state: State, now: Timestamp) -> bool {
        if self.turns(probe, state) {
            return true;
        }
        let Some(seen) = self.0.get_mut(probe) else { return true };
        let since = *seen.disputed.get_or_insert(now);
        let is_sure = now.duration_since(since) >= seen.wait;
        if is_sure {
            (seen.disputed, seen.wait) = (None, (seen.wait * 2).min(LONGEST));
        }
        is_sure
    }

    /// Takes in what a probe is here; tells whether it was something else before.
    fn turns(&mut self, probe: &str, state: State) -> bool {
        let is_new = self.0.get(probe).is_none_or(|seen| seen.state != state);
        if is_new {
            self.0.insert(probe.to_owned(), Seen { state, disputed: None, wait: OTHERWISE });
        }
        is_new
    }
}
