//! What of an incident stays at the remote once it is closed.

use jiff::{SignedDuration, Timestamp};

use super::git::Tip;
use super::round::{Sharing, unusable};
use crate::failure::{Failure, FailureKind, Result};
use crate::incident::{IncidentId, Status};
use crate::journal::{Journal, Summary};

impl Sharing {
    /// Puts what is at the remote of closed incidents into an archive each, as far as it was taken in here, and purges
    /// archives that are older than they may be. `Err` inside: what the remote refused.
    pub(super) fn leave(
        &self,
        journal: &Journal,
        now: Timestamp,
        incidents: &[Summary],
    ) -> Result<std::result::Result<(), String>> {
        let ours = journal.author().node;
        let mut refused = Ok(());
        // That it is closed may just have been taken in.
        let known = journal.incidents(None)?;
        let closed = known.iter().filter(|one| one.status == Status::Closed);
        for incident in closed.filter(|one| incidents.iter().any(|round| round.id == one.id)) {
            let there: Vec<Tip> = self.git.tips().map_err(unusable)?;
            let mut whole = Vec::new();
            for tip in there.into_iter().filter(|tip| tip.incident == incident.id) {
                if tip.node == ours || self.git.taken(tip).map_err(unusable)? == Some(tip.commit) {
                    whole.push(tip);
                }
            }
            if !whole.is_empty() {
                refused = refused.and(self.git.archive(incident.id, &whole, now));
            }
        }
        if let Some(keep) = self.gate.keep() {
            for incident in self.outdated(journal, now, keep)? {
                refused = refused.and(self.git.purge(incident, now).map(drop));
            }
        }
        Ok(refused)
    }

    /// The incidents whose archive is older than it may be.
    fn outdated(&self, journal: &Journal, now: Timestamp, keep: SignedDuration) -> Result<Vec<IncidentId>> {
        let archives = self.git.archives().map_err(unusable)?;
        let old: Vec<IncidentId> =
            archives.into_iter().filter(|(_, at)| now.duration_since(*at) > keep).map(|(id, _)| id).collect();
        if old.is_empty() {
            return Ok(old);
        }
        let known = journal.incidents(None)?;
        let is_closed =
            |id: &IncidentId| known.iter().any(|one| one.id == *id && one.status == Status::Closed);
        Ok(old.into_iter().filter(is_closed).collect())
    }

    /// Removes a closed incident from the remote for good. Returns how many references were removed.
    ///
    /// # Errors
    /// It is not closed, or the remote does not answer or refuses.
    pub fn purge(&self, incident: &Summary, now: Timestamp) -> Result<usize> {
        let doing = format!("purging {} from {}", incident.number, self.git.remote());
        if incident.status != Status::Closed {
            return Err(Failure::of(
                FailureKind::Gate,
                doing,
                format!("it is {}", incident.status.name()),
                "close it first: flightdeck close",
            ));
        }
        let _lock = self.git.lock().map_err(unusable)?;
        let refused = |why: String| Failure::new(doing.clone(), why, "nothing else changed; try again");
        self.git.fetch().map_err(refused)?;
        self.git.purge(incident.id, now).map_err(refused)
    }
}
