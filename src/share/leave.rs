//! What of an incident stays at the remote once it is closed.

use jiff::{SignedDuration, Timestamp};

use super::git::Tip;
use super::purge;
use super::round::{Round, Sharing, unusable};
use crate::failure::{Failure, FailureKind, Result};
use crate::incident::{IncidentId, Status};
use crate::journal::{Journal, Summary};

impl Sharing {
    /// Puts what is at the remote of closed incidents into an archive each, as far as it was taken in here, and purges
    /// archives that are older than they may be. `Err` inside: what the remote refused.
    pub(super) fn leave(
        &mut self,
        journal: &mut Journal,
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
            self.git.forget_live(incident.id);
            if !whole.is_empty() {
                refused = refused.and(self.git.archive(incident.id, &whole, now));
            }
        }
        if let Some(keep) = self.gate.keep() {
            for incident in self.outdated(journal, now, keep)? {
                let mark = purge::sign(&self.key, incident, ours);
                refused = refused.and(self.git.purge(incident, &mark, now).map(drop));
            }
        }
        Ok(refused)
    }

    /// The incidents that were closed longer ago than they may be kept, and of which all that is at the remote is here.
    fn outdated(
        &mut self,
        journal: &mut Journal,
        now: Timestamp,
        keep: SignedDuration,
    ) -> Result<Vec<IncidentId>> {
        let node = journal.author().node;
        let archives = self.git.archives().map_err(unusable)?;
        let mut found = Vec::new();
        for (incident, _) in archives.into_iter().filter(|(_, at)| now.duration_since(*at) > keep) {
            if !journal.holds(incident)? {
                continue;
            }
            // Somebody may have reopened it, or written on.
            let mut round = Round::default();
            self.take_in(journal, now, incident, &mut round)?;
            let mut is_whole = round.aside.is_empty();
            for tip in self.git.tips_of(incident).map_err(unusable)? {
                is_whole &= tip.node == node || self.git.taken(tip).map_err(unusable)? == Some(tip.commit);
            }
            // When it was closed is on record; what the archive says of that anybody may have put there.
            let (log, _) = journal.load(incident)?;
            let closed =
                log.state().heads.iter().map(|head| (head.status, head.at)).max_by_key(|(_, at)| *at);
            let is_old = closed.is_some_and(|(status, at)| {
                status == Status::Closed && now.duration_since(at) > keep && !log.state().in_conflict()
            });
            if is_whole && is_old {
                found.push(incident);
            }
        }
        Ok(found)
    }

    /// Removes a closed incident from the remote for good. Returns how many references were removed.
    ///
    /// # Errors
    /// It is not closed, or the remote does not answer or refuses.
    pub fn purge(&self, journal: &Journal, incident: &Summary, now: Timestamp) -> Result<usize> {
        let doing = format!("purging {} from {}", incident.number, self.git.remote());
        if incident.status != Status::Closed {
            return Err(Failure::of(
                FailureKind::Gate,
                doing,
                format!("it is {}", incident.status.name()),
                "close it first: flightdeck close",
            ));
        }
        if let Some(kept) = self.turned_off() {
            return Err(kept.into());
        }
        let _lock = self.git.lock().map_err(unusable)?;
        let refused = |why: String| Failure::new(doing.clone(), why, "nothing else changed; try again");
        self.git.fetch().map_err(refused)?;
        let mark = purge::sign(&self.key, incident.id, journal.author().node);
        self.git.purge(incident.id, &mark, now).map_err(refused)
    }
}
