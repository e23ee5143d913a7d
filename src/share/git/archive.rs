//! What is left of an incident at the remote once it is closed: one reference in place of one an installation, or the
//! mark that somebody purged it.

use std::collections::BTreeMap;

use git2::{ErrorCode, Oid, Signature, Time};
use jiff::Timestamp;

use super::{Git, HEAD, THEIRS, Tip, parse, said, theirs};
use crate::incident::IncidentId;
use crate::share::batch::{Batch, Head, MOST_HEAD, parse_node};

/// The file that says who purged an incident.
const PURGED: &str = "purged.json";
/// Most installations that an archive holds.
const MOST: usize = 10_000;

impl Git {
    /// The last batch of each installation in an incident, of its own reference or of the archive, whichever goes on
    /// further.
    ///
    /// # Errors
    /// One line: the repository cannot be read.
    pub fn tips_of(&self, incident: IncidentId) -> Result<Vec<Tip>, String> {
        let mut tips: BTreeMap<u64, Tip> = self.archived(incident)?;
        for tip in self.tips()?.into_iter().filter(|tip| tip.incident == incident) {
            let is_behind =
                tips.get(&tip.node).is_some_and(|archived| self.goes_on(archived.commit, tip.commit));
            if !is_behind {
                tips.insert(tip.node, tip);
            }
        }
        Ok(tips.into_values().collect())
    }

    /// What the archive of an incident holds; nothing where there is none.
    ///
    /// # Errors
    /// One line: the repository cannot be read.
    pub fn archived(&self, incident: IncidentId) -> Result<BTreeMap<u64, Tip>, String> {
        let Some(archive) = self.commit(&archive(incident))? else { return Ok(BTreeMap::new()) };
        let Ok(archive) = self.repo.find_commit(archive) else { return Ok(BTreeMap::new()) };
        let node = |commit: Oid| {
            let head = self.file(commit, HEAD, MOST_HEAD).ok()?;
            let json = head.split(|byte| *byte == b'\n').next()?;
            parse_node(&serde_json::from_slice::<Head>(json).ok()?.node)
        };
        let tips = archive.parent_ids().take(MOST).filter_map(|commit| {
            let node = node(commit)?;
            Some((node, Tip { incident, node, commit }))
        });
        Ok(tips.collect())
    }

    /// The incidents that have an archive at the remote, with when it was made.
    ///
    /// # Errors
    /// One line: the repository cannot be read.
    pub fn archives(&self) -> Result<Vec<(IncidentId, Timestamp)>, String> {
        let all = format!("{THEIRS}*/archive");
        let references = self.repo.references_glob(&all).map_err(|error| said(&error))?;
        let made = references.flatten().filter_map(|reference| {
            let incident = reference.name().ok()?.strip_prefix(THEIRS)?.strip_suffix("/archive")?;
            let commit = reference.peel_to_commit().ok()?;
            let at = Timestamp::from_second(commit.time().seconds()).ok()?;
            Some((IncidentId(incident.parse().ok()?), at))
        });
        Ok(made.collect())
    }

    /// Tells whether a batch goes on from another one, by whoever made that: what is there may be anything.
    fn goes_on(&self, later: Oid, earlier: Oid) -> bool {
        let key = |commit| self.batch(commit).ok().filter(Batch::is_intact).and_then(|batch| batch.key());
        self.repo.graph_descendant_of(later, earlier).unwrap_or(false)
            && key(later).is_some_and(|by| key(earlier) == Some(by))
    }

    /// The mark that somebody purged an incident from the remote, as they signed it.
    ///
    /// # Errors
    /// One line: the repository cannot be read.
    pub fn purge_mark(&self, incident: IncidentId) -> Result<Option<Vec<u8>>, String> {
        let Some(mark) = self.commit(&purged(incident))? else { return Ok(None) };
        Ok(self.file(mark, PURGED, MOST_HEAD).ok())
    }

    /// What the remote has of an installation in an incident, wherever it lies.
    ///
    /// # Errors
    /// One line: the repository cannot be read.
    pub(super) fn there(&self, incident: IncidentId, node: u64) -> Result<Option<Oid>, String> {
        match self.commit(&theirs(incident, node))? {
            Some(commit) => Ok(Some(commit)),
            None => Ok(self.archived(incident)?.get(&node).map(|tip| tip.commit)),
        }
    }

    /// Puts the chains of some installations into the archive of an incident, and removes their references at the
    /// remote. Where somebody else did it meanwhile, or wrote on, that is left as it is.
    ///
    /// # Errors
    /// One line: what the remote refused.
    pub fn archive(&self, incident: IncidentId, tips: &[Tip], now: Timestamp) -> Result<(), String> {
        let name = archive(incident);
        let known = self.commit(&name)?;
        let mut all = self.archived(incident)?;
        for tip in tips {
            let is_in = all.get(&tip.node).is_some_and(|archived| {
                archived.commit == tip.commit || self.goes_on(archived.commit, tip.commit)
            });
            if !is_in {
                all.insert(tip.node, *tip);
            }
        }
        if all != self.archived(incident)? {
            let parents: Vec<Oid> = all.values().map(|tip| tip.commit).collect();
            let made = self.mark("archive of an incident\n", None, &parents, now)?;
            self.replace(&name, known, Some(made))?;
        }
        for tip in tips {
            self.replace(&theirs(incident, tip.node), Some(tip.commit), None)?;
        }
        Ok(())
    }

    /// Removes all that the remote has of an incident, and leaves a signed mark that says so: nobody sends it again.
    /// Returns how many references were removed.
    ///
    /// # Errors
    /// One line: what the remote refused.
    pub fn purge(&self, incident: IncidentId, mark: &[u8], now: Timestamp) -> Result<usize, String> {
        let name = purged(incident);
        let made = self.mark("purged\n", Some(mark), &[], now)?;
        self.replace(&name, self.commit(&name)?, Some(made))?;
        let all = format!("{THEIRS}{incident}/*");
        let references = self.repo.references_glob(&all).map_err(|error| said(&error))?;
        let there: Vec<(String, Oid)> = references
            .flatten()
            .filter_map(|one| Some((one.name().ok()?.to_owned(), one.target()?)))
            .filter(|(one, _)| *one != name && (*one == archive(incident) || parse(one).is_some()))
            .collect();
        for (name, commit) in &there {
            self.replace(name, Some(*commit), None)?;
        }
        Ok(there.len())
    }

    /// Removes the mark that an incident was purged: it goes on.
    ///
    /// # Errors
    /// One line: what the remote refused.
    pub fn unpurge(&self, incident: IncidentId) -> Result<(), String> {
        let name = purged(incident);
        match self.commit(&name)? {
            Some(mark) => self.replace(&name, Some(mark), None),
            None => Ok(()),
        }
    }

    /// Makes a commit without any files but the mark of a purge.
    fn mark(
        &self,
        message: &str,
        purged: Option<&[u8]>,
        parents: &[Oid],
        now: Timestamp,
    ) -> Result<Oid, String> {
        let write = || -> Result<Oid, git2::Error> {
            let mut tree = self.repo.treebuilder(None)?;
            if let Some(purged) = purged {
                tree.insert(PURGED, self.repo.blob(purged)?, 0o100_644)?;
            }
            let tree = self.repo.find_tree(tree.write()?)?;
            let at = Time::new(now.as_second(), 0);
            let by = Signature::new("flightdeck", "flightdeck@localhost", &at)?;
            let parents: Vec<_> =
                parents.iter().map(|parent| self.repo.find_commit(*parent)).collect::<Result<_, _>>()?;
            self.repo.commit(None, &by, &by, message, &tree, &parents.iter().collect::<Vec<_>>())
        };
        write().map_err(|error| said(&error))
    }

    /// Puts a reference at the remote from what it was known to be to something else, or removes it.
    pub(super) fn replace(&self, name: &str, from: Option<Oid>, to: Option<Oid>) -> Result<(), String> {
        let lease =
            format!("--force-with-lease={name}:{}", from.map(|id| id.to_string()).unwrap_or_default());
        match to {
            Some(to) => self.putting(to, name, |spec| self.push_specs(&[&lease], &[&format!("+{spec}")]))?,
            None => self.push_specs(&[&lease], &[&format!(":{name}")])?,
        }
        match to {
            Some(to) => self.point(name, to),
            None => match self.repo.find_reference(name).and_then(|mut one| one.delete()) {
                Err(error) if error.code() != ErrorCode::NotFound => Err(said(&error)),
                _ => Ok(()),
            },
        }
    }
}

fn archive(incident: IncidentId) -> String {
    format!("{THEIRS}{incident}/archive")
}

fn purged(incident: IncidentId) -> String {
    format!("{THEIRS}{incident}/purged")
}
