//! One round of sharing: what others wrote is taken in, what was written here goes out.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use git2::Oid;
use jiff::Timestamp;

use super::batch::{Batch, MOST_BYTES, Reached};
use super::git::{Git, Tip, parse};
use super::key::Key;
use super::open::{Gate, Kept};
use super::purge;
use crate::failure::{Failure, Result};
use crate::incident::repository::is_same;
use crate::incident::{
    Body, Checkout, Declared, Draft, IncidentId, Joined, Log, NoteKind, Noted, Record, Recorded, State,
    Status,
};
use crate::journal::{Journal, Seq, Summary};
use crate::text::visible;

/// Most bytes of records that go into one batch: a host may refuse large pushes.
const BATCH: usize = MOST_BYTES / 4;
/// Most bytes of records that are taken from an installation in an incident.
const MOST: usize = 256 << 20;
/// Most bytes that are read of an incident that nobody has joined here.
const MOST_PREVIEW: usize = 64 << 20;

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
    /// Why the remote could not be asked, or took not all.
    pub trouble: Option<String>,
    /// What keeps incidents from being sent.
    pub kept: Option<Kept>,
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

/// An incident as it stands at the remote.
#[derive(Debug)]
pub struct Preview {
    /// The fold of its records.
    pub state: State,
    /// What declares it. More than one: somebody who may write there declared it, too.
    pub declared: Vec<Declared>,
}

impl Preview {
    /// Tells whether it is of the repository of a clone.
    pub fn is_of(&self, clone: &dyn Checkout) -> bool {
        let is_same =
            |one: &Declared| is_same(clone, Recorded { path: &one.repository, id: &one.repository_id });
        self.declared.iter().any(is_same)
    }

    /// Tells whether it is going on.
    pub fn is_open(&self) -> bool {
        matches!(self.state.status, Status::Open | Status::Mitigated)
    }
}

/// How far the records of an incident were looked at for what was written here, and how many were found.
#[derive(Debug, Clone, Copy, Default)]
struct Looked {
    seq: Seq,
    found: u64,
}

/// Shares the incidents of a repository over one carrier.
#[derive(Debug)]
pub struct Sharing {
    pub(super) git: Git,
    pub(super) key: Key,
    pub(super) gate: Gate,
    seen: BTreeMap<IncidentId, Looked>,
    /// What others had put in the way of ours, as it was told.
    told: BTreeSet<String>,
    /// Tips with which something was wrong, so that they are not gone through again.
    wrong: BTreeMap<(IncidentId, u64), (Oid, Vec<Aside>)>,
}

impl Sharing {
    /// Shares over a git remote, as the installation that has this key.
    pub(super) fn new(git: Git, key: Key, gate: Gate) -> Self {
        Self { git, key, gate, seen: BTreeMap::new(), told: BTreeSet::new(), wrong: BTreeMap::new() }
    }

    /// The way to the remote.
    pub fn git(&self) -> &Git {
        &self.git
    }

    /// Asks the remote what it has, and brings it here.
    ///
    /// # Errors
    /// One line that says why it could not be asked.
    pub fn fetch(&self) -> std::result::Result<(), String> {
        let _lock = self.git.lock()?;
        self.git.fetch().map(drop)
    }

    /// Takes in what others have written in an incident, and sends nothing. Waits for another round for so long at most.
    ///
    /// # Errors
    /// One line: the remote cannot be asked, or the journal cannot be written.
    pub fn hear(
        &mut self,
        journal: &mut Journal,
        now: Timestamp,
        incident: IncidentId,
        patience: Duration,
    ) -> std::result::Result<(), String> {
        let _lock = self.git.lock_within(patience)?;
        self.git.fetch()?;
        self.take_in(journal, now, incident, &mut Round::default()).map_err(|failure| failure.cause)
    }

    /// The public half of this installation's key.
    pub fn key(&self) -> String {
        self.key.public()
    }

    /// Tells whether an incident was shared from here before.
    pub fn is_shared(&self, incident: IncidentId) -> bool {
        self.git.own(incident).is_ok_and(|reached| reached.batch > 0)
    }

    /// Makes a round for the incidents that are given: fetches, takes in what is new of them, and pushes what was
    /// written here. What the remote refuses is in what it returns. Without any incident it is asked what it has, and
    /// nothing else; where something keeps them from being sent nothing is done.
    ///
    /// # Errors
    /// The journal or the carrier's own repository cannot be used.
    pub fn round(&mut self, journal: &mut Journal, now: Timestamp, incidents: &[Summary]) -> Result<Round> {
        let kept = if incidents.is_empty() { self.turned_off() } else { self.kept() };
        if let Some(kept) = kept {
            if let Kept::Unknown(_) = kept {
                self.git.remember_trouble(now, Some(&kept.to_string()));
            }
            return Ok(Round { kept: Some(kept), ..Round::default() });
        }
        // Two on this machine would both go on from the same end.
        let _lock = self.git.lock().map_err(unusable)?;
        let asked = self.git.fetch();
        let mut round = Round { trouble: asked.as_ref().err().cloned(), ..Round::default() };
        if incidents.is_empty() {
            return Ok(round);
        }
        let left = asked.as_deref().unwrap_or_default();
        round.aside.extend(left.iter().filter_map(|(name, why)| {
            let (incident, node) = parse(name)?;
            let is_one = incidents.iter().any(|one| one.id == incident);
            is_one.then(|| Aside { incident, node, author: String::new(), why: why.clone() })
        }));
        let (mut sendable, mut overwritten) = (BTreeSet::new(), BTreeSet::new());
        for incident in incidents {
            self.take_in(journal, now, incident.id, &mut round)?;
            if self.is_purged(journal, incident.id)? {
                if incident.status == Status::Closed {
                    continue;
                }
                // It was reopened, and is shared again.
                round.trouble = round.trouble.or(self.git.unpurge(incident.id).err());
            }
            let gathered = match self.find_own(journal, incident.id)? {
                Own::Copied => Err(COPIED.to_owned()),
                // Where the remote was not asked, it may have what nothing is known of here.
                Own::Unknown if asked.is_err() => Ok(()),
                Own::Overwritten => {
                    overwritten.insert(incident.id);
                    self.gather(journal, now, incident.id)?
                }
                Own::Unknown | Own::Known => self.gather(journal, now, incident.id)?,
            };
            match gathered {
                Ok(()) => drop(sendable.insert(incident.id)),
                Err(why) => round.trouble = round.trouble.or(Some(why)),
            }
        }
        let node = journal.author().node;
        let before: u64 = self.unsent(node, &sendable)?;
        if round.trouble.is_none() || asked.is_ok() {
            let refused = self.git.push(node, &sendable, &overwritten).map_err(unusable)?;
            round.trouble = round.trouble.or_else(|| refused.into_iter().next());
            if let Some(one) = incidents.first() {
                self.tell_removed(journal, now, one.id)?;
            }
        }
        if round.trouble.is_none() && asked.is_ok() {
            let left = self.leave(journal, now, incidents)?;
            round.trouble = left.err();
        }
        self.git.tidy();
        round.unsent = self.unsent(node, &sendable)?;
        round.sent = before.saturating_sub(round.unsent);
        self.git.remember_trouble(now, round.trouble.as_deref());
        if round.sent > 0 {
            self.git.remember_pushed();
        }
        Ok(round)
    }

    /// Writes down what was removed at the remote because it kept ours from it: each once, however often it comes back.
    ///
    /// # Errors
    /// The journal cannot be written.
    pub fn tell_removed(
        &mut self,
        journal: &mut Journal,
        now: Timestamp,
        incident: IncidentId,
    ) -> Result<()> {
        let new: Vec<String> =
            self.git.take_removed().into_iter().filter(|name| self.told.insert(name.clone())).collect();
        let Some(first) = new.first() else { return Ok(()) };
        let more = if new.len() == 1 { String::new() } else { format!(" and {} more", new.len() - 1) };
        let text = format!(
            "removed {}{more} from {}: somebody put it where it kept this machine from sharing",
            visible(first),
            visible(&self.git.remote())
        );
        let draft = Draft::now(incident, Noted { kind: NoteKind::Problem, text });
        journal.append(now, vec![draft]).map(drop)
    }

    /// Tells whether somebody who takes part in an incident purged it from the remote.
    ///
    /// # Errors
    /// The journal or the carrier's own repository cannot be read.
    pub(super) fn is_purged(&self, journal: &Journal, incident: IncidentId) -> Result<bool> {
        let Some(mark) = self.git.purge_mark(incident).map_err(unusable)? else { return Ok(false) };
        let Some((node, key)) = purge::by(&mark, incident) else { return Ok(false) };
        Ok(journal.key_of(incident, node)?.is_some_and(|known| known == key))
    }

    /// How far sharing of incidents is, without asking the remote.
    ///
    /// # Errors
    /// The journal or the carrier's own repository cannot be read.
    pub fn standing(&self, journal: &Journal, incidents: &[Summary]) -> Result<Round> {
        let all = incidents.iter().map(|one| one.id).collect();
        let mut unsent = self.unsent(journal.author().node, &all)?;
        for incident in incidents {
            let written = journal.written_here(incident.id, Seq::default())?.records.len() as u64;
            unsent += written.saturating_sub(self.git.own(incident.id).map_err(unusable)?.records);
        }
        Ok(Round { unsent, ..Round::default() })
    }

    /// How many records of this installation in an incident are not at the remote, without asking it; `None`: it is not
    /// shared.
    ///
    /// # Errors
    /// The journal or the carrier's own repository cannot be read.
    pub fn behind(&self, journal: &Journal, incident: IncidentId) -> Result<Option<u64>> {
        if !self.is_shared(incident) {
            return Ok(None);
        }
        let written = journal.written_here(incident, Seq::default())?.records.len() as u64;
        let there = self.git.sent(incident, journal.author().node).map_err(unusable)?;
        Ok(Some(written.saturating_sub(there)))
    }

    fn unsent(&self, node: u64, incidents: &BTreeSet<IncidentId>) -> Result<u64> {
        let all = self.git.unsent(node).map_err(unusable)?;
        Ok(all.into_iter().filter(|(id, _)| incidents.contains(id)).map(|(_, count)| count).sum())
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
        let mut tips: Vec<Tip> = self.git.tips_of(incident).map_err(unusable)?;
        tips.retain(|tip| tip.node != ours);
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
        let chain = (tip.incident, tip.node);
        if let Some((_, aside)) = self.wrong.get(&chain).filter(|(commit, _)| *commit == tip.commit) {
            round.aside.extend(aside.iter().cloned());
            return Ok(true);
        }
        let taken = self.git.taken(tip).map_err(unusable)?;
        if taken == Some(tip.commit) {
            return Ok(true);
        }
        let put = |author: String, why: String| Aside { incident: tip.incident, node: tip.node, author, why };
        let aside = match self.receive(journal, now, tip, taken, round)? {
            Taken::Undeclared => return Ok(false),
            Taken::All => Vec::new(),
            Taken::Wrong(wrong) => wrong.into_iter().map(|(author, why)| put(author, why)).collect(),
        };
        if aside.is_empty() {
            self.wrong.remove(&chain);
        } else {
            round.aside.extend(aside.iter().cloned());
            self.wrong.insert(chain, (tip.commit, aside));
        }
        Ok(true)
    }

    /// Takes in one batch after the other, each in a transaction of its own.
    fn receive(
        &self,
        journal: &mut Journal,
        now: Timestamp,
        tip: Tip,
        taken: Option<Oid>,
        round: &mut Round,
    ) -> Result<Taken> {
        let wrong = |why: String| Ok(Taken::Wrong(vec![(String::new(), why)]));
        let (commits, goes_on) = match self.git.chain(tip, taken) {
            Ok(chain) => chain,
            Err(why) => return wrong(why),
        };
        // Who an installation is was said once, and nobody can say it again.
        let known = journal.key_of(tip.incident, tip.node)?;
        let mut reached = match taken.filter(|_| goes_on) {
            Some(taken) => self.git.reached(taken).map_err(unusable)?,
            None => Reached { key: known.clone().unwrap_or_default(), ..Reached::default() },
        };
        let mut bytes = 0;
        if known.is_none() && !self.names_its_key(&commits) {
            return wrong("it does not say whose it is".to_owned());
        }
        for commit in commits {
            let checked = self.git.batch(commit).and_then(|batch| {
                let now = batch.check(tip.incident, tip.node, &reached)?;
                Ok((now, batch))
            });
            let batch = match checked {
                Ok((now, batch)) => {
                    reached = now;
                    batch
                }
                Err(why) => return wrong(why),
            };
            bytes += batch.lines.len();
            if bytes > MOST {
                return wrong("it has more records than an incident can have".to_owned());
            }
            let records: Vec<Vec<u8>> = batch.records().map(<[u8]>::to_vec).collect();
            let received = journal.receive(now, tip.incident, tip.node, (&records, reached.records))?;
            if received.undeclared {
                return Ok(Taken::Undeclared);
            }
            round.added += received.added;
            if !received.aside.is_empty() {
                return Ok(Taken::Wrong(received.aside));
            }
            self.git.take(tip, commit).map_err(unusable)?;
        }
        Ok(Taken::All)
    }

    /// Tells whether a chain that nothing is known of says with which key it is signed.
    fn names_its_key(&self, commits: &[Oid]) -> bool {
        let mut bytes = 0;
        for batch in commits.iter().map_while(|commit| self.git.batch(*commit).ok()) {
            bytes += batch.lines.len();
            let Some(key) = batch.key().filter(|_| bytes <= MOST) else { return false };
            let names = |record: &[u8]| {
                is_joined(record)
                    && Record::decode(record)
                        .is_ok_and(|record| matches!(record.body, Body::Joined(joined) if joined.key == key))
            };
            if batch.records().any(names) {
                return true;
            }
        }
        false
    }

    /// Finds what the remote has of this installation. Where nothing of that is known here it is taken up, if it is
    /// what the journal holds.
    fn find_own(&self, journal: &Journal, incident: IncidentId) -> Result<Own> {
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
    fn gather(
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
        if journal.key_of(incident, node)?.as_deref() != Some(&self.key.public()) {
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

    /// Folds an incident as it stands at the remote, without taking anything in; `None`: what is there declares none,
    /// or is too much to look at.
    ///
    /// # Errors
    /// The carrier's own repository cannot be read.
    pub fn preview(&self, incident: IncidentId) -> Result<Option<Preview>> {
        let (mut records, mut bytes) = (Vec::new(), 0);
        for tip in self.git.tips_of(incident).map_err(unusable)? {
            let Ok((commits, _)) = self.git.chain(tip, None) else { continue };
            let mut reached = Reached::default();
            for commit in commits {
                let Ok(batch) = self.git.batch(commit) else { break };
                let Ok(next) = batch.check(incident, tip.node, &reached) else { break };
                reached = next;
                bytes += batch.lines.len();
                if bytes > MOST_PREVIEW {
                    return Ok(None);
                }
                let read = batch.records().filter_map(|bytes| Record::decode(bytes).ok());
                records.extend(
                    read.filter(|record| record.incident == incident && record.author.node == tip.node),
                );
            }
        }
        let declared = records.iter().filter_map(|record: &Record| match &record.body {
            Body::Declared(declared) => Some(declared.clone()),
            _ => None,
        });
        let declared = declared.collect();
        Ok(Log::new(records).map(|log| Preview { state: log.into_state(), declared }))
    }

    /// The incidents that are in an archive at the remote.
    ///
    /// # Errors
    /// The carrier's own repository cannot be read.
    pub fn archives(&self) -> Result<Vec<IncidentId>> {
        Ok(self.git.archives().map_err(unusable)?.into_iter().map(|(id, _)| id).collect())
    }

    /// The incidents that are at the remote and in no archive, each with what its installations have there.
    ///
    /// # Errors
    /// The carrier's own repository cannot be read.
    pub fn incidents(&self) -> Result<BTreeMap<IncidentId, Vec<Tip>>> {
        let mut found: BTreeMap<IncidentId, Vec<Tip>> = BTreeMap::new();
        for tip in self.git.tips().map_err(unusable)? {
            found.entry(tip.incident).or_default().push(tip);
        }
        Ok(found)
    }
}

/// What became of what one installation wrote.
enum Taken {
    All,
    /// Nothing here declares the incident yet.
    Undeclared,
    /// Whose, and what is wrong.
    Wrong(Vec<(String, String)>),
}

/// What the remote has of this installation.
enum Own {
    /// Nothing is known of it.
    Unknown,
    /// What it has to say, or an earlier part of that.
    Known,
    /// What somebody else put there.
    Overwritten,
    /// What another machine with the same key wrote.
    Copied,
}

const COPIED: &str = "another machine writes as this one: its state directory is a copy of this one. \
                      Set another FLIGHTDECK_STATE_DIR there";
const OTHER_KEY: &str = "the key of this installation is another one than before: put installation.key back, \
                         or set another FLIGHTDECK_STATE_DIR and join from there";
const PUT_BACK: &str = "more was sent from here than the journal holds: an older journal was put back. \
                        Run flightdeck verify";

/// Looks quickly whether a record may say that somebody joined.
fn is_joined(record: &[u8]) -> bool {
    record.windows(15).any(|part| part == b"\"kind\":\"joined\"")
}

pub(super) fn unusable(why: String) -> Failure {
    Failure::new("sharing the incident", why, "see that the state directory can be written to and has room")
}
