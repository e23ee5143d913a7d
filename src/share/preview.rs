//! Incidents as they stand at the remote, without taking anything in.

use std::collections::BTreeMap;

use super::batch::Reached;
use super::git::Tip;
use super::round::{Preview, Sharing, unusable};
use crate::failure::Result;
use crate::incident::{Body, IncidentId, Log, Record};

/// Most bytes that are read of an incident that nobody has joined here.
const MOST_PREVIEW: usize = 64 << 20;

impl Sharing {
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
