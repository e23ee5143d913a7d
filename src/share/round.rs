//! One round of sharing: what others wrote is taken in, what was written here goes out.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use git2::Oid;
use jiff::Timestamp;

use super::batch::Reached;
use super::carrier::{Carrier, Outgoing, Remote};
use super::git::{Git, Tip};
use super::key::Key;
use super::open::{Gate, Kept};
use super::own::{COPIED, Own};
use super::purge;
use crate::failure::{Failure, Result};
use crate::incident::repository::is_same;
use crate::incident::{
    Body, Checkout, Declared, Draft, IncidentId, NoteKind, Noted, Record, Recorded, State, Status,
};
use crate::journal::{Journal, Seq, Summary};
use crate::text::visible;

/// Most bytes of records that are taken from an installation in an incident.
const MOST: usize = 256 << 20;

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
pub(super) struct Looked {
    pub(super) seq: Seq,
    pub(super) found: u64,
}

/// Shares the incidents of a repository over one carrier.
#[derive(Debug)]
pub struct Sharing {
    pub(super) git: Git,
    pub(super) key: Key,
    pub(super) gate: Gate,
    pub(super) seen: BTreeMap<IncidentId, Looked>,
    /// What others had put in the way of ours, as it was told.
    told: BTreeSet<String>,
    /// Tips with which something was wrong, so that they are not gone through again.
    wrong: BTreeMap<Tip, Vec<Aside>>,
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
        let (mut round, is_asked) = self.pass(&mut Remote, journal, now, incidents, false)?;
        if incidents.is_empty() {
            return Ok(round);
        }
        if let Some(one) = incidents.first() {
            self.tell_removed(journal, now, one.id)?;
        }
        if round.trouble.is_none() && is_asked {
            round.trouble = self.leave(journal, now, incidents)?.err();
        }
        self.git.tidy();
        self.git.remember_trouble(now, round.trouble.as_deref());
        if round.sent > 0 {
            self.git.remember_pushed();
        }
        Ok(round)
    }

    /// Takes in what a carrier brings of the incidents that are given, and sends what was written here; tells also
    /// whether it could be asked. `begins`: what nothing is known of is begun, though it could not.
    ///
    /// # Errors
    /// The journal or the chains that are kept here cannot be used.
    pub fn pass(
        &mut self,
        carrier: &mut dyn Carrier,
        journal: &mut Journal,
        now: Timestamp,
        incidents: &[Summary],
        begins: bool,
    ) -> Result<(Round, bool)> {
        let asked = carrier.fetch(&self.git);
        let mut round = Round { trouble: asked.as_ref().err().cloned(), ..Round::default() };
        let node = journal.author().node;
        let mut out = Outgoing { node, ..Outgoing::default() };
        if incidents.is_empty() {
            // Nothing is sent, but what could not be taken whole may be asked for.
            if asked.is_ok() {
                carrier.push(&self.git, &out).map_err(unusable)?;
            }
            return Ok((round, asked.is_ok()));
        }
        let left = asked.as_deref().unwrap_or_default();
        let left = left.iter().filter(|one| incidents.iter().any(|known| known.id == one.incident));
        round.aside.extend(left.map(|one| Aside {
            incident: one.incident,
            node: one.node,
            author: String::new(),
            why: one.why.clone(),
        }));
        for incident in incidents {
            self.take_in(journal, now, incident.id, &mut round)?;
            if self.is_purged(journal, incident.id)? {
                if incident.status == Status::Closed {
                    continue;
                }
                // It was reopened, and is shared again.
                round.trouble = round.trouble.or(carrier.unpurge(&self.git, incident.id).err());
            }
            let gathered = match self.find_own(journal, incident.id)? {
                Own::Copied => Err(COPIED.to_owned()),
                // Where the remote was not asked, it may have what nothing is known of here.
                Own::Unknown if asked.is_err() && !begins => Ok(()),
                Own::Overwritten => {
                    out.overwritten.insert(incident.id);
                    self.gather(journal, now, incident.id)?
                }
                Own::Unknown | Own::Known => self.gather(journal, now, incident.id)?,
            };
            match gathered {
                Ok(()) => drop(out.incidents.insert(incident.id)),
                Err(why) => round.trouble = round.trouble.or(Some(why)),
            }
        }
        let before: u64 = self.unsent(carrier, &out)?;
        if round.trouble.is_none() || asked.is_ok() {
            let refused = carrier.push(&self.git, &out).map_err(unusable)?;
            round.trouble = round.trouble.or_else(|| refused.into_iter().next());
        }
        round.unsent = self.unsent(carrier, &out)?;
        round.sent = before.saturating_sub(round.unsent);
        Ok((round, asked.is_ok()))
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
        let incidents_of = incidents.iter().map(|one| one.id).collect();
        let out = Outgoing { node: journal.author().node, incidents: incidents_of, ..Outgoing::default() };
        let mut unsent = self.unsent(&Remote, &out)?;
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

    fn unsent(&self, carrier: &dyn Carrier, out: &Outgoing) -> Result<u64> {
        let mut unsent = 0;
        for incident in &out.incidents {
            let here = self.git.own(*incident).map_err(unusable)?.records;
            let there = carrier.sent(&self.git, *incident, out.node).map_err(unusable)?;
            unsent += here.saturating_sub(there);
        }
        Ok(unsent)
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
        tips.extend(self.git.live_tips(incident).map_err(unusable)?);
        tips.retain(|tip| tip.node != ours);
        self.wrong.retain(|wrong, _| wrong.incident != incident || tips.contains(wrong));
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
        if self.git.is_taken(tip).map_err(unusable)? {
            return Ok(true);
        }
        let taken = self.git.taken(tip).map_err(unusable)?;
        let put = |author: String, why: String| Aside { incident: tip.incident, node: tip.node, author, why };
        let aside: Vec<Aside> = match self.receive(journal, now, tip, taken, round)? {
            Taken::Undeclared => return Ok(false),
            Taken::All => Vec::new(),
            Taken::Wrong(wrong) => wrong.into_iter().map(|(author, why)| put(author, why)).collect(),
        };
        if !aside.is_empty() {
            round.aside.extend(aside.iter().cloned());
            self.wrong.insert(tip, aside);
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
}

/// What became of what one installation wrote.
enum Taken {
    All,
    /// Nothing here declares the incident yet.
    Undeclared,
    /// Whose, and what is wrong.
    Wrong(Vec<(String, String)>),
}

/// Looks quickly whether a record may say that somebody joined.
fn is_joined(record: &[u8]) -> bool {
    record.windows(15).any(|part| part == b"\"kind\":\"joined\"")
}

pub(super) fn unusable(why: String) -> Failure {
    Failure::new("sharing the incident", why, "see that the state directory can be written to and has room")
}
