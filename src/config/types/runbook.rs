//! Where runbooks are.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Runbooks: Markdown of the repository that says what to do when something fails.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Runbooks {
    /// The folders they are in, from the root of the repository, with all folders below.
    pub paths: Vec<String>,
}

impl Default for Runbooks {
    fn default() -> Self {
        Self { paths: vec!["runbooks".to_owned()] }
    }
}
