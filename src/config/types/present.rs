//! What presenter mode masks besides what it finds by itself.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Presenter mode, for a screen that is shared on a call.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Present {
    /// Words that are masked there: names of customers, of projects, of buildings. In either case, and as part of other
    /// words as well.
    pub words: Vec<String>,
}

impl Present {
    /// Whether nothing is said of it.
    pub fn is_empty(&self) -> bool {
        self.words.is_empty()
    }
}
