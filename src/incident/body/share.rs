//! What records say of the installations that take part.

use serde::{Deserialize, Serialize};

/// Says that the installation that writes it takes part from now on. What it sends to others is signed with
/// the private half of its key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Joined {
    /// The public half of its Ed25519 key, in Base64.
    pub key: String,
}
