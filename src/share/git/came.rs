//! What a live carrier adds to the chains that are kept here, and what it sends of them.

#[cfg(feature = "nats")]
use std::collections::BTreeMap;

use git2::Oid;

use super::live::LIVE;
use super::{Batch, Git, HEAD, MOST_HEAD, Tip, own, said, taken, theirs};
use crate::incident::IncidentId;
use crate::share::batch::{Reached, key_mark, node_name};

/// Most keys of one installation in an incident: more than one is somebody else's.
const MOST_KEYS: usize = 4;
/// Most installations in an incident.
const MOST_NODES: usize = 1000;

/// What became of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Came {
    /// It is the next one of its chain.
    New,
    /// It is here already, or another one in its place is.
    Known,
    /// Batches before it are missing.
    Ahead,
    /// It is signed with the key of this installation, which did not write it.
    Copied,
    /// It is none: why.
    Wrong(String),
}

/// By installation and key the end of each chain, and how far that is.
#[cfg(feature = "nats")]
pub(in crate::share) type Chains = BTreeMap<(u64, String), (Tip, Reached)>;

impl Git {
    /// Adds a batch that came over a live carrier to the chain of its key.
    ///
    /// # Errors
    /// One line: the repository cannot be read or written.
    pub fn came(&self, incident: IncidentId, node: u64, batch: &Batch) -> Result<Came, String> {
        let Ok(named) = Reached::of(&batch.head) else {
            return Ok(Came::Wrong("it is no batch".to_owned()));
        };
        // Whatever is not signed is not worth looking up.
        if !batch.is_intact() {
            return Ok(Came::Wrong(
                "its signature is wrong, or its records are not those that were signed".to_owned(),
            ));
        }
        let name = live(incident, node, &named.key);
        if let Some(commit) = self.commit(&own(incident))?
            && self.reached(commit).is_ok_and(|ours| ours.key == named.key)
        {
            let ours = self.later_than(Tip { incident, node, commit }, named.batch.saturating_sub(1))?;
            let written = ours.first().filter(|(number, _)| *number == named.batch);
            let is_ours =
                written.is_some_and(|(_, commit)| self.head(*commit).is_ok_and(|head| head == batch.head));
            return Ok(if is_ours { Came::Known } else { Came::Copied });
        }
        let known = self.commit(&name)?;
        if known.is_none() && !self.has_room(incident, node)? {
            return Ok(Came::Wrong("too many keys or installations are named".to_owned()));
        }
        let tip = Tip { incident, node, commit: Oid::ZERO_SHA1 };
        let mut parent = None;
        for reference in [name.clone(), theirs(incident, node), taken(tip)] {
            let Some(commit) = self.commit(&reference)? else { continue };
            let Ok(reached) = self.reached(commit) else { continue };
            if reached.key != named.key {
                continue;
            }
            if reached.batch >= named.batch {
                return Ok(Came::Known);
            }
            if reached.batch + 1 == named.batch {
                parent = parent.or(Some((commit, reached)));
            }
        }
        let (before, reached) = match parent {
            Some((commit, reached)) => (Some(commit), reached),
            None if named.batch == 1 => (None, Reached::default()),
            None => return Ok(Came::Ahead),
        };
        if let Err(why) = batch.check(incident, node, &reached) {
            return Ok(Came::Wrong(why));
        }
        let new = self.write(batch, before)?;
        self.point(&name, new)?;
        Ok(Came::New)
    }

    /// All chains of an incident that are here, ours with them: by installation and key the batch that each has come to.
    ///
    /// # Errors
    /// One line: the repository cannot be read.
    #[cfg(feature = "nats")]
    pub(in crate::share) fn chains(&self, incident: IncidentId, ours: u64) -> Result<Chains, String> {
        let mut tips = self.live_tips(incident)?;
        tips.extend(self.tips_of(incident)?);
        tips.extend(self.commit(&own(incident))?.map(|commit| Tip { incident, node: ours, commit }));
        let mut chains = Chains::new();
        for tip in tips {
            // What is there may be anything.
            let Ok(reached) = self.reached(tip.commit) else { continue };
            let chain = (tip.node, reached.key.clone());
            if chains.get(&chain).is_none_or(|(_, known)| known.batch < reached.batch) {
                chains.insert(chain, (tip, reached));
            }
        }
        Ok(chains)
    }

    /// The batches of a chain up to a tip that come after so many, the oldest first.
    ///
    /// # Errors
    /// One line: what is there is no chain of batches.
    pub(in crate::share) fn later_than(&self, tip: Tip, batches: u64) -> Result<Vec<(u64, Oid)>, String> {
        let mut later = Vec::new();
        let mut at = Some(tip.commit);
        let mut number = self.reached(tip.commit)?.batch;
        while let Some(commit) = at.filter(|_| number > batches) {
            later.push((number, commit));
            at = self.repo.find_commit(commit).map_err(|error| said(&error))?.parent_id(0).ok();
            number -= 1;
        }
        later.reverse();
        Ok(later)
    }

    /// The head of a batch as it stands.
    ///
    /// # Errors
    /// One line: it is no batch.
    pub(in crate::share) fn head(&self, commit: Oid) -> Result<Vec<u8>, String> {
        self.file(commit, HEAD, MOST_HEAD)
    }
    fn has_room(&self, incident: IncidentId, node: u64) -> Result<bool, String> {
        let tips = self.live_tips(incident)?;
        let keys = tips.iter().filter(|tip| tip.node == node).count();
        Ok(keys < MOST_KEYS && tips.len() < MOST_NODES)
    }
}

fn live(incident: IncidentId, node: u64, key: &str) -> String {
    format!("{LIVE}{incident}/{}/{}", node_name(node), key_mark(key))
}
