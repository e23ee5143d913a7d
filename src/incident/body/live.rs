//! What was live when it began.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// It was found out what was live in production when the incident began, where nothing on its record says so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiveFound {
    /// The environment.
    pub environment: String,
    /// What people call it: its tag, else its version, else its commit.
    pub name: String,
    /// The commit, as a full hexadecimal id.
    pub commit: String,
    /// Since when; `None`: not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// Who brought it there; empty: not known.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub by: String,
}
