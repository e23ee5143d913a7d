//! Who may be needed in an incident.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Somebody who may be needed in an incident.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Person {
    /// Name, as this person signs what they write: `maya`.
    pub name: String,
    /// Ids of the roles this person usually takes: `on-call`. They are offered first where the role is asked for.
    #[serde(default)]
    pub roles: Vec<String>,
    /// How to reach them: `+49 30 123456`, `pager 12`, `@maya in #incidents`. It is shown on a shared screen.
    #[serde(default)]
    pub reach: String,
}
