//! The mark that somebody purged an incident from the remote: who, signed with the key of their installation.

use serde::{Deserialize, Serialize};

use super::batch::{node_name, parse_node};
use super::key::{Key, is_signed};
use crate::incident::IncidentId;

#[derive(Debug, Serialize, Deserialize)]
struct Mark {
    purged: IncidentId,
    node: String,
    key: String,
}

/// Signs that an installation purged an incident.
pub(super) fn sign(key: &Key, incident: IncidentId, node: u64) -> Vec<u8> {
    let mark = Mark { purged: incident, node: node_name(node), key: key.public() };
    // Of strings: it cannot fail.
    let mark = serde_json::to_string(&mark).unwrap_or_default();
    let signature = key.sign(mark.as_bytes());
    format!("{mark}\n{signature}\n").into_bytes()
}

/// Which installation purged an incident, with the key it signed that with; `None`: nobody did.
pub(super) fn by(mark: &[u8], incident: IncidentId) -> Option<(u64, String)> {
    let (json, signature) = std::str::from_utf8(mark).ok()?.strip_suffix('\n')?.split_once('\n')?;
    let mark: Mark = serde_json::from_str(json).ok()?;
    let is_it = mark.purged == incident && is_signed(&mark.key, json.as_bytes(), signature);
    is_it.then(|| parse_node(&mark.node)).flatten().map(|node| (node, mark.key))
}
