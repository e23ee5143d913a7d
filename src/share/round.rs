//! One round of sharing: what others wrote is taken in, what was written here goes out.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::batch::{Batch, MOST_BYTES};
use super::git::{Git, Tip};
use super::key::Key;
use crate::failure::{Failure, Result};
use crate::incident::{Draft, IncidentId, Joined, Log, Record, State};
use crate::journal::{Journal, Seq, Summary};

/// Most bytes of records that go into one batch: a host may refuse large pushes.
const BATCH: usize = MOST_BYTES / 4;

/// What a round came to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Round {
    /// Records of others that were new here.
    pub added: usize,
    /// Records that were sent.
    pub sent: u64,
    /// Records that are not at the remote yet.
    pub unsent: u64,
    /// Chains that something is wrong with.
    pub aside: Vec<Aside>,
    /// Why the remote could not be asked, or took nothing.
    pub trouble: Option<String>,
}

/// A chain that something is wrong with: nothing more of it is taken in.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Aside {
    /// The incident.
    pub incident: IncidentId,
    /// The installation that claims it.
    pub node: u64,
    /// Whose it is; empty where that is not known.
    pub author: String,
    /// What is wrong.
    pub why: String,
}

/// Shares the incidents of a repository over one carrier.
#[derive(Debug)]
pub struct Sharing {
    git: Git,
    key: Key,
    /// Up to where each incident's records were looked at for what was written here, and how many were found.
    seen: BTreeMap<IncidentId, Seq>,
    /// Tips with which something was wrong, so that they are not gone through again.
    wrong: BTreeMap<Tip, Vec<Aside>>,
}

impl Sharing {
    /// Shares over a git remote, as the installation that has this key.
    pub fn new(git: Git, key: Key) -> Self {
        Self { git, key, seen: BTreeMap::new(), wrong: BTreeMap::new() }
    }

    /// The way to the remote.
    pub fn git(&self) -> &Git {
        &self.git
    }

    /// Makes a round for the incidents that are given: fetches, takes in what is new of them, and pushes what was
    /// written here. What the remote refuses is in what it returns.
    ///
    /// # Errors
    /// The journal or the carrier's own repository cannot be used.
    pub fn round(&mut self, journal: &mut Journal, now: Timestamp, incidents: &[Summary]) -> Result<Round> {
        let mut round = Round::default();
        round.trouble = self.git.fetch().err();
        for incident in incidents {
            self.take_in(journal, now, incident.id, &mut round)?;
            if let Some(why) = self.find_own(journal, incident.id)? {
                round.trouble = round.trouble.or(Some(why));
                continue;
            }
            self.gather(journal, now, incident.id)?;
        }
        let node = journal.author().node;
        let before: u64 = self.unsent(node)?;
        if round.trouble.is_none() {
            round.trouble = self.git.push(node).err();
        }
        round.unsent = self.unsent(node)?;
        round.sent = before.saturating_sub(round.unsent);
        Ok(round)
    }

    /// The public half of this installation's key.
    pub fn key(&self) -> String {
        self.key.public()
    }

    /// How far sharing of incidents is, without asking the remote.
    ///
    /// # Errors
    /// The journal or the carrier's own repository cannot be read.
    pub fn standing(&self, journal: &Journal, incidents: &[Summary]) -> Result<Round> {
        let mut unsent = self.unsent(journal.author().node)?;
        for incident in incidents {
            let written = journal.written_here(incident.id, Seq::default())?.records.len() as u64;
            unsent += written.saturating_sub(self.git.own(incident.id).map_err(unusable)?.records);
        }
        Ok(Round { unsent, ..Round::default() })
    }

    fn unsent(&self, node: u64) -> Result<u64> {
        self.git.unsent(node).map(|unsent| unsent.values().sum()).map_err(unusable)
    }

    /// Takes in what other installations wrote in an incident, which is made here if it is not.
    ///
    /// # Errors
    /// The journal or the carrier's own repository cannot be used.
    pub fn take_in(
        &mut self,
        journal: &mut Journal,
        now: Timestamp,
        incident: IncidentId,
        round: &mut Round,
    ) -> Result<()> {
        let ours = journal.author().node;
        let mut tips: Vec<Tip> = self.git.tips().map_err(unusable)?;
        tips.retain(|tip| tip.incident == incident && tip.node != ours);
        // Where the incident is not here yet, nobody's records can be taken in before those that declare it.
        for _ in 0..=tips.len() {
            let before = tips.len();
            let mut waiting = Vec::new();
            for tip in tips {
                if !self.take_in_one(journal, now, tip, round)? {
                    waiting.push(tip);
                }
            }
            if waiting.is_empty() || waiting.len() == before {
                break;
            }
            tips = waiting;
        }
        Ok(())
    }

    /// Takes in what one installation wrote; false: nothing here declares the incident yet.
    fn take_in_one(
        &mut self,
        journal: &mut Journal,
        now: Timestamp,
        tip: Tip,
        round: &mut Round,
    ) -> Result<bool> {
        if let Some(aside) = self.wrong.get(&tip) {
            round.aside.extend(aside.iter().cloned());
            return Ok(true);
        }
        let taken = self.git.taken(tip).map_err(unusable)?;
        if taken == Some(tip.commit) {
            return Ok(true);
        }
        let (batches, wrong) = self.git.batches(tip, taken).map_err(unusable)?;
        let records: Vec<Vec<u8>> = batches.iter().flat_map(Batch::records).map(<[u8]>::to_vec).collect();
        let received = journal.receive(now, tip.incident, tip.node, &records)?;
        if received.undeclared {
            return Ok(false);
        }
        round.added += received.added;
        let put = |author: String, why: String| Aside { incident: tip.incident, node: tip.node, author, why };
        let aside: Vec<Aside> = received
            .aside
            .into_iter()
            .map(|(author, why)| put(author, why))
            .chain(wrong.map(|why| put(String::new(), why)))
            .collect();
        if aside.is_empty() {
            self.git.take(tip).map_err(unusable)?;
        } else {
            round.aside.extend(aside.iter().cloned());
            self.wrong.insert(tip, aside);
        }
        Ok(true)
    }

    /// Finds what the remote has of this installation. Where nothing of that is known here it is taken up, if it is
    /// what the journal holds; returns what keeps it from being gone on with.
    fn find_own(&self, journal: &Journal, incident: IncidentId) -> Result<Option<String>> {
        let node = journal.author().node;
        let tips = self.git.tips().map_err(unusable)?;
        let Some(tip) = tips.into_iter().find(|tip| tip.incident == incident && tip.node == node) else {
            return Ok(None);
        };
        let copied = "another machine writes as this one: its state directory is a copy of this. \
                      Use another there: FLIGHTDECK_STATE_DIR, or remove the copy";
        if self.git.own(incident).map_err(unusable)?.batch > 0 {
            return Ok((!self.git.is_ours(tip).map_err(unusable)?).then(|| copied.to_owned()));
        }
        let (batches, wrong) = self.git.batches(tip, None).map_err(unusable)?;
        let written = journal.written_here(incident, Seq::default())?.records;
        let is_ours = wrong.is_none()
            && batches.iter().all(|batch| batch.is_signed_with(&self.key))
            && batches
                .iter()
                .flat_map(Batch::records)
                .eq(written.iter().map(Vec::as_slice).take(count(&batches)));
        if is_ours {
            self.git.adopt(tip).map_err(unusable)?;
        }
        Ok((!is_ours).then(|| copied.to_owned()))
    }

    /// Puts what was written here since the last time into batches.
    fn gather(&mut self, journal: &mut Journal, now: Timestamp, incident: IncidentId) -> Result<()> {
        let node = journal.author().node;
        let mut reached = self.git.own(incident).map_err(unusable)?;
        if reached.batch == 0 {
            journal.append(now, vec![Draft::now(incident, Joined { key: self.key.public() })])?;
        }
        let seen = self.seen.get(&incident).copied();
        let written = journal.written_here(incident, seen.unwrap_or_default())?;
        // The first time all is gone through, and what is in batches is left out.
        let known = if seen.is_none() { usize::try_from(reached.records).unwrap_or(usize::MAX) } else { 0 };
        let mut rest = written.records.get(known..).unwrap_or_default();
        while !rest.is_empty() {
            let mut bytes = 0;
            let fits = rest.iter().take_while(|record| {
                bytes += record.len() + 1;
                bytes <= BATCH
            });
            let (first, more) = rest.split_at(fits.count().max(1));
            let records = first.iter().map(Vec::as_slice);
            let batch = Batch::seal(&self.key, incident, node, &reached, records);
            reached = batch.check(incident, node, &reached).map_err(unusable)?;
            self.git.add(incident, &batch).map_err(unusable)?;
            rest = more;
        }
        self.seen.insert(incident, written.seq);
        Ok(())
    }

    /// Folds an incident as it stands at the remote, without taking anything in; `None`: what is there declares none.
    ///
    /// # Errors
    /// The carrier's own repository cannot be read.
    pub fn preview(&self, incident: IncidentId) -> Result<Option<State>> {
        let mut records = Vec::new();
        for tip in self.git.tips().map_err(unusable)?.into_iter().filter(|tip| tip.incident == incident) {
            let (batches, _) = self.git.batches(tip, None).map_err(unusable)?;
            let read = batches.iter().flat_map(Batch::records).filter_map(|bytes| Record::decode(bytes).ok());
            records
                .extend(read.filter(|record| record.incident == incident && record.author.node == tip.node));
        }
        Ok(Log::new(records).map(Log::into_state))
    }

    /// The incidents that are at the remote.
    ///
    /// # Errors
    /// The carrier's own repository cannot be read.
    pub fn incidents(&self) -> Result<Vec<IncidentId>> {
        let mut found: Vec<_> =
            self.git.tips().map_err(unusable)?.into_iter().map(|tip| tip.incident).collect();
        found.dedup();
        Ok(found)
    }
}

/// How many records are in batches.
fn count(batches: &[Batch]) -> usize {
    batches.iter().map(|batch| batch.records().count()).sum()
}

fn unusable(why: String) -> Failure {
    Failure::new(
        "sharing the incident",
        why,
        "see that the state directory can be written to; remove its share folder to begin anew",
    )
}
