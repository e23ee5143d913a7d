//! What came of installations over a live carrier: chains of batches beside those that the git remote had, one for each key
//! that somebody signs with as that installation. Which of them is believed, the journal decides.

use super::{Git, Tip, said};
use crate::incident::IncidentId;
use crate::share::batch::parse_node;

/// Where they are.
pub(super) const LIVE: &str = "refs/live/";
impl Git {
    /// The last batch of each chain that came over a live carrier in an incident.
    ///
    /// # Errors
    /// One line: the repository cannot be read.
    pub fn live_tips(&self, incident: IncidentId) -> Result<Vec<Tip>, String> {
        let references =
            self.repo.references_glob(&format!("{LIVE}{incident}/*")).map_err(|error| said(&error))?;
        let tip = |reference: git2::Reference<'_>| {
            let (of, rest) = reference.name().ok()?.strip_prefix(LIVE)?.split_once('/')?;
            let node = parse_node(rest.split_once('/')?.0)?;
            (of == incident.to_string()).then_some(Tip { incident, node, commit: reference.target()? })
        };
        let mut tips: Vec<Tip> = references.flatten().filter_map(tip).collect();
        tips.sort();
        Ok(tips)
    }

    /// Forgets what came over a live carrier in an incident.
    pub(in crate::share) fn forget_live(&self, incident: IncidentId) {
        let all = self.repo.references_glob(&format!("{LIVE}{incident}/*"));
        for mut reference in all.into_iter().flatten().flatten() {
            // One that stays is read again, and nothing else.
            let _ = reference.delete();
        }
    }

    /// Tells whether a chain was taken in as far as a tip, or further.
    ///
    /// # Errors
    /// One line: the repository cannot be read.
    pub(in crate::share) fn is_taken(&self, tip: Tip) -> Result<bool, String> {
        let Some(taken) = self.taken(tip)? else { return Ok(false) };
        Ok(taken == tip.commit || self.repo.graph_descendant_of(taken, tip.commit).unwrap_or(false))
    }
}
