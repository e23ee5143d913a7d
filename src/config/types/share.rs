//! Whether and where an incident is shared with other machines.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Sharing an incident with colleagues' machines.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Share {
    /// Whether open incidents are shared. They are where the remote is one that strangers cannot read.
    pub enabled: bool,
    /// The git remote over which records go, by name or address. Empty: that of the hotfix branch.
    pub remote: String,
    /// Whether incidents are shared though everybody can read the remote.
    pub public: bool,
}

impl Default for Share {
    fn default() -> Self {
        Self { enabled: true, remote: String::new(), public: false }
    }
}
