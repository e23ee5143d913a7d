//! Whether and where an incident is shared with other machines.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Sharing an incident with colleagues' machines.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Share {
    /// The git remote over which records go, by name or address. Empty: that of the hotfix branch.
    pub remote: String,
}
