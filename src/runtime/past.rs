//! What incidents came to, and what became of the issues of their follow-ups: read on threads of their own, while
//! the journal goes on saving.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;

use super::ground::Ground;
use crate::cockpit::msg::Done;
use crate::conductor;
use crate::config::types::Probe;
use crate::config::{load, trust};
use crate::failure::Result;
use crate::hotfix::git::{Reader, located};
use crate::incident::{IncidentId, Policy, Recorded, RepositoryId};
use crate::journal::{Journal, Seq};
use crate::report::past::{Chronicle, Past};

/// What was worked out before, by the policy it was worked out by: an incident that nothing was written to is not
/// folded again.
#[derive(Debug, Default)]
pub(super) struct Known {
    policy: Option<Policy>,
    probes: Vec<Probe>,
    incidents: HashMap<IncidentId, (Seq, Past)>,
}

impl Ground {
    /// Works out what the incidents of the repository came to. One that cannot be read is in nobody's way.
    pub(super) fn look_back(&self, policy: &Policy, known: &Mutex<Known>) -> Result<Done> {
        let journal = Journal::open_again(&self.state_dir, "nobody")?;
        let repository = self.repository(&journal)?;
        // What one that panicked has left is whole: it is put in place when it is done.
        let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
        let probes = self.config.probes.as_slice();
        if known.policy.as_ref() != Some(policy) || known.probes != probes {
            *known =
                Known { policy: Some(policy.clone()), probes: probes.to_vec(), incidents: HashMap::new() };
        }
        let all = journal.each_declared(Some(&repository), |one| {
            past(&journal, one.id, &one.number, (policy, probes), known.incidents.remove(&one.id))
        })?;
        let (mut chronicle, mut fresh) = (Chronicle::default(), HashMap::new());
        for (one, found) in all {
            let found = found.map(|(seq, past)| {
                fresh.insert(one.id, (seq, past.clone()));
                past
            });
            chronicle.take((one.id, one.number, one.title), found);
        }
        known.incidents = fresh;
        Ok(Done::Past(Box::new(chronicle)))
    }

    /// Reads back what became of the issues of the follow-ups of these incidents, and records it.
    pub(super) fn sync_follow_ups(&self, user: &str, incidents: &[IncidentId]) -> Result<Done> {
        // Where there is no file the remote tells of the code host.
        if let Some(loaded) = load::load(&self.root)? {
            trust::require(&self.state_dir, &loaded)?;
        }
        let mut journal = Journal::open_again(&self.state_dir, user)?;
        let (mut read, mut closed, mut gone) = (0, 0, 0);
        for incident in incidents {
            let now = Timestamp::now();
            for (one, seen) in conductor::sync_issues(&mut journal, *incident, &self.root, &self.config, now)?
            {
                read += usize::from(seen.is_some());
                closed += usize::from(seen.as_ref().is_some_and(|seen| !seen.open));
                gone += usize::from(seen.is_none() && one.issue.is_some());
            }
        }
        Ok(Done::IssuesRead { read, closed, gone })
    }

    /// What the journal calls the repository. Without one, an incident belongs to its directory.
    fn repository(&self, journal: &Journal) -> Result<String> {
        if let Ok(reader) = Reader::open(&self.root) {
            return journal.repository(&reader);
        }
        let nowhere = || {
            let here = self.root.canonicalize().unwrap_or_else(|_| self.root.clone());
            here.to_string_lossy().into_owned()
        };
        let path = located(&self.root).map_or_else(nowhere, |found| found.identity);
        journal.repository(&Recorded { path: &path, id: &RepositoryId::default() })
    }
}

/// What an incident came to, as it is known from before where neither a record nor the time has changed it.
fn past(
    journal: &Journal,
    id: IncidentId,
    number: &str,
    (policy, probes): (&Policy, &[Probe]),
    before: Option<(Seq, Past)>,
) -> Result<(Seq, Past)> {
    let seq = journal.reached(id)?;
    if let Some((_, past)) = before.filter(|(known, past)| *known == seq && !past.is_running) {
        // Another incident may have got the same number meanwhile.
        return Ok((seq, Past { number: number.to_owned(), ..past }));
    }
    Ok((seq, Past::of(&journal.alone(id)?, number, policy, probes, Timestamp::now())))
}
