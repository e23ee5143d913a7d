//! What this installation has to say in an incident: found again at the remote, and put into batches.

use jiff::Timestamp;

use super::batch::{Batch, MOST_BYTES, Reached};
use super::round::{Looked, Sharing, unusable};
use crate::failure::Result;
use crate::incident::{Draft, IncidentId, Joined};
use crate::journal::{Journal, Seq};

/// Most bytes of records that go into one batch: a host may refuse large pushes.
const BATCH: usize = MOST_BYTES / 4;
pub(super) const COPIED: &str = "another machine writes as this one: its state directory is a copy of this one. \
                      Set another FLIGHTDECK_STATE_DIR there";
const OTHER_KEY: &str = "the key of this installation is another one than before: put installation.key back, \
                         or set another FLIGHTDECK_STATE_DIR and join from there";
const PUT_BACK: &str = "more was sent from here than the journal holds: an older journal was put back. \
                        Run flightdeck verify";

/// What the remote has of this installation.
pub(super) enum Own {
    /// Nothing is known of it.
    Unknown,
    /// What it has to say, or an earlier part of that.
    Known,
    /// What somebody else put there.
    Overwritten,
    /// What another machine with the same key wrote.
    Copied,
}

impl Sharing {
    /// Finds what the remote has of this installation. Where nothing of that is known here it is taken up, if it is
    /// what the journal holds.
    pub(super) fn find_own(&self, journal: &Journal, incident: IncidentId) -> Result<Own> {
        let node = journal.author().node;
        let is_begun = self.is_shared(incident);
        let tips = self.git.tips_of(incident).map_err(unusable)?;
        let Some(tip) = tips.into_iter().find(|tip| tip.node == node) else {
            return Ok(if is_begun { Own::Known } else { Own::Unknown });
        };
        // What others put there is no sign of a copy.
        let is_signed = self
            .git
            .batch(tip.commit)
            .is_ok_and(|batch| batch.key().as_deref() == Some(&self.key.public()) && batch.is_intact());
        if is_begun {
            return Ok(match (self.git.is_ours(tip).map_err(unusable)?, is_signed) {
                (true, _) => Own::Known,
                (false, true) if !self.git.is_copied_from_ours(tip).unwrap_or(false) => Own::Copied,
                (false, _) => Own::Overwritten,
            });
        }
        if !is_signed {
            return Ok(Own::Overwritten);
        }
        let mut written = journal.written_here(incident, Seq::default())?.records.into_iter();
        let (commits, _) = self.git.chain(tip, None).map_err(unusable)?;
        let mut reached = Reached { key: self.key.public(), ..Reached::default() };
        for commit in commits {
            let checked = self.git.batch(commit).and_then(|batch| {
                reached = batch.check(incident, node, &reached)?;
                Ok(batch)
            });
            let is_here = checked.is_ok_and(|batch| {
                batch.records().all(|record| written.next().is_some_and(|ours| ours == record))
            });
            if !is_here {
                return Ok(Own::Copied);
            }
        }
        self.git.adopt(tip).map_err(unusable)?;
        Ok(Own::Known)
    }

    /// Puts what was written here since the last time into batches; or says why that cannot be.
    pub(super) fn gather(
        &mut self,
        journal: &mut Journal,
        now: Timestamp,
        incident: IncidentId,
    ) -> Result<std::result::Result<(), String>> {
        let node = journal.author().node;
        let mut reached = self.git.own(incident).map_err(unusable)?;
        if !reached.key.is_empty() && reached.key != self.key.public() {
            return Ok(Err(OTHER_KEY.to_owned()));
        }
        let joined = journal.key_of(incident, node)?;
        if joined.as_ref().is_some_and(|key| *key != self.key.public()) {
            return Ok(Err(OTHER_KEY.to_owned()));
        }
        if joined.is_none() {
            journal.append(now, vec![Draft::now(incident, Joined { key: self.key.public() })])?;
        }
        let looked = self.seen.get(&incident).copied().unwrap_or_default();
        let written = journal.written_here(incident, looked.seq)?;
        let found = looked.found + written.records.len() as u64;
        // Another process on this machine may have put some into batches.
        let known = reached.records.checked_sub(looked.found).and_then(|known| usize::try_from(known).ok());
        let Some((sent, mut rest)) = known.and_then(|known| written.records.split_at_checked(known)) else {
            return Ok(Err(PUT_BACK.to_owned()));
        };
        if let (Some(ours), Some(last)) = (sent.last(), self.git.last_own(incident).map_err(unusable)?)
            && last.records().last() != Some(ours.as_slice())
        {
            return Ok(Err(PUT_BACK.to_owned()));
        }
        while !rest.is_empty() {
            let mut bytes = 0;
            let fits = rest.iter().take_while(|record| {
                bytes += record.len() + 1;
                bytes <= BATCH
            });
            let (first, more) = rest.split_at(fits.count().max(1));
            let batch = Batch::seal(&self.key, incident, node, &reached, first.iter().map(Vec::as_slice));
            reached = batch.check(incident, node, &reached).map_err(unusable)?;
            self.git.add(incident, &batch).map_err(unusable)?;
            rest = more;
        }
        self.seen.insert(incident, Looked { seq: written.seq, found });
        Ok(Ok(()))
    }
}
