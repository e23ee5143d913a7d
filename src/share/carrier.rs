//! What brings batches to other machines, and theirs here. What is brought is checked where it arrives, so a carrier may
//! lose, repeat and reorder as it likes.

use std::collections::BTreeSet;

use super::git::{Git, parse};
use crate::incident::IncidentId;

/// What could not be brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    /// The incident.
    pub incident: IncidentId,
    /// Whose it is.
    pub node: u64,
    /// Why.
    pub why: String,
}

/// What is to go out.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Outgoing {
    /// This installation.
    pub node: u64,
    /// Of these incidents.
    pub incidents: BTreeSet<IncidentId>,
    /// Of those, the ones in whose place somebody put something else.
    pub overwritten: BTreeSet<IncidentId>,
}

/// Brings batches to other machines, and theirs into the chains that are kept here.
pub trait Carrier {
    /// What it is called, as people know it.
    fn name(&self, chains: &Git) -> String;

    /// Brings what is there, or has come since, into the chains; gives what could not be brought.
    ///
    /// # Errors
    /// One line that says why it could not be asked.
    fn fetch(&mut self, chains: &Git) -> Result<Vec<LeftOut>, String>;

    /// Brings what this installation has to say there, as far as it is not; gives what was refused.
    ///
    /// # Errors
    /// One line: the chains cannot be read.
    fn push(&mut self, chains: &Git, out: &Outgoing) -> Result<Vec<String>, String>;

    /// Takes away the mark that an incident was purged there: it was reopened, and is shared again.
    ///
    /// # Errors
    /// One line: what was refused.
    fn unpurge(&mut self, _chains: &Git, _incident: IncidentId) -> Result<(), String> {
        Ok(())
    }

    /// Counts the records of an installation in an incident that are there, as far as that is known.
    ///
    /// # Errors
    /// One line: the chains cannot be read.
    fn sent(&self, chains: &Git, incident: IncidentId, node: u64) -> Result<u64, String>;
}

/// The team's git remote. The chains that are kept here are those that it had, so it is asked through them.
#[derive(Debug, Clone, Copy, Default)]
pub struct Remote;

impl Carrier for Remote {
    fn name(&self, chains: &Git) -> String {
        chains.remote().into_owned()
    }

    fn fetch(&mut self, chains: &Git) -> Result<Vec<LeftOut>, String> {
        let left = chains.fetch()?.into_iter();
        // What has another name is none of an installation.
        Ok(left
            .filter_map(|(name, why)| parse(&name).map(|(incident, node)| LeftOut { incident, node, why }))
            .collect())
    }

    fn push(&mut self, chains: &Git, out: &Outgoing) -> Result<Vec<String>, String> {
        chains.push(out.node, &out.incidents, &out.overwritten)
    }

    fn unpurge(&mut self, chains: &Git, incident: IncidentId) -> Result<(), String> {
        chains.unpurge(incident)
    }

    fn sent(&self, chains: &Git, incident: IncidentId, node: u64) -> Result<u64, String> {
        chains.sent(incident, node)
    }
}
