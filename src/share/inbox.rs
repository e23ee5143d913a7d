//! What comes over a live carrier, until it is in its chain: parts become batches, and batches wait for those before them.

#[cfg(feature = "nats")]
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use super::batch::{Batch, Reached};
use super::git::{Came, Git};
use super::wire::{Assembler, Part};
use crate::incident::IncidentId;

/// Most bytes that are taken of all that comes. Whoever fills the server fills no disk here; what is true comes over git, too.
const MOST: usize = 512 << 20;
/// How long a batch waits for those before it, and most that do.
const WAITS: Duration = Duration::from_secs(60);
const MOST_WAITING: usize = 2000;

/// A batch that waits for those before it.
#[derive(Debug)]
struct Waiting {
    incident: IncidentId,
    node: u64,
    batch: Batch,
    since: Instant,
    /// Whether nobody was told of it.
    is_new: bool,
}

/// What has come and is in no chain yet.
#[derive(Debug, Default)]
pub(super) struct Inbox {
    assembler: Assembler,
    waiting: Vec<Waiting>,
    bytes: usize,
}

/// What sorting in came to.
#[derive(Debug, Default)]
pub(super) struct Sorted {
    /// Batches that are in their chains, by whom and as they came.
    pub(super) known: Vec<(IncidentId, u64, Batch)>,
    /// Whether something came that what was before it is missing of.
    pub(super) has_gap: bool,
    /// Whether another machine writes as this installation, with its key.
    pub(super) is_copied: bool,
}

impl Inbox {
    /// Takes a part of a batch in.
    pub(super) fn add(&mut self, incident: IncidentId, node: u64, part: Part, bytes: Vec<u8>) {
        self.bytes = self.bytes.saturating_add(bytes.len());
        if self.bytes > MOST {
            return;
        }
        if let Some(batch) = self.assembler.add(incident, node, part, bytes) {
            self.waiting.push(Waiting { incident, node, batch, since: Instant::now(), is_new: true });
        }
    }

    /// The incidents of what waits.
    #[cfg(feature = "nats")]
    pub(super) fn incidents(&self) -> BTreeSet<IncidentId> {
        self.waiting.iter().map(|one| one.incident).collect()
    }

    /// Adds what has come to its chains, as far as what is before it is there. What is no batch, or not signed by the key
    /// that it names, is nobody's: it goes.
    pub(super) fn sort_in(&mut self, chains: &Git) -> Sorted {
        let mut sorted = Sorted::default();
        self.waiting
            .sort_by_cached_key(|one| Reached::of(&one.batch.head).map_or(0, |reached| reached.batch));
        let mut goes_on = true;
        while goes_on {
            goes_on = false;
            for one in std::mem::take(&mut self.waiting) {
                match chains.came(one.incident, one.node, &one.batch) {
                    Ok(Came::Ahead) => self.waiting.push(one),
                    Ok(came @ (Came::New | Came::Known)) => {
                        goes_on |= came == Came::New;
                        sorted.known.push((one.incident, one.node, one.batch));
                    }
                    Ok(Came::Copied) => sorted.is_copied = true,
                    Ok(Came::Wrong(_)) | Err(_) => {}
                }
            }
        }
        self.waiting.retain(|one| one.since.elapsed() < WAITS);
        if self.waiting.len() > MOST_WAITING {
            self.waiting.drain(..self.waiting.len() - MOST_WAITING);
        }
        for one in &mut self.waiting {
            sorted.has_gap |= std::mem::take(&mut one.is_new);
        }
        sorted
    }
}
