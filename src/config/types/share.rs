//! Whether and where an incident is shared with other machines.

use jiff::{SignedDuration, Span, SpanRelativeTo};
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
    /// For how long what a closed incident left at the remote stays there: `90 days`. Empty: for good.
    pub keep: String,
    /// Servers of NATS over which records go besides, as they are written: `tls://nats.example.com:4222`. Empty: none.
    pub nats: String,
    /// Name of the secret that NATS lets us in with: the text of a `.creds` file, an nkey's seed, `user:password`, or a
    /// token. Empty: nothing.
    pub credentials: String,
}

impl Share {
    /// For how long that is, with days of 24 hours; `None`: for good.
    ///
    /// # Errors
    /// It is no length of time, or not longer than nothing.
    pub fn keeps_for(&self) -> Result<Option<SignedDuration>, String> {
        if self.keep.is_empty() {
            return Ok(None);
        }
        let span: Span = self.keep.parse().map_err(|error: jiff::Error| error.to_string())?;
        let length =
            span.to_duration(SpanRelativeTo::days_are_24_hours()).map_err(|error| error.to_string())?;
        if length <= SignedDuration::ZERO {
            return Err("it has to be longer than nothing".to_owned());
        }
        Ok(Some(length))
    }
}

impl Default for Share {
    fn default() -> Self {
        Self {
            enabled: true,
            remote: String::new(),
            public: false,
            keep: String::new(),
            nats: String::new(),
            credentials: String::new(),
        }
    }
}
