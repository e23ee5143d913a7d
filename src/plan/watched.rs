//! What a watch asks: probes as a plan holds them, which is not as they are configured.
//!
//! A plan is kept for years and known by a hash over its bytes. What is configured gets new fields
//! with every version, and none of them may change what was approved before.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use crate::config::types::Probe;

/// A probe as a plan watches it. A new field is left out of the stored form where it says nothing,
/// so that plans made before keep their bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Watched {
    /// Name, unique among the probes.
    pub name: String,
    /// Address to GET.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Program and arguments; what it prints is the body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<Vec<String>>,
    /// Further request headers.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// Names of environment variables the command gets besides the basic ones.
    #[serde(default)]
    pub env: Vec<String>,
    /// The environment it watches; empty: the service as a whole.
    #[serde(default)]
    pub environment: String,
    /// How often it asks.
    pub interval: SignedDuration,
    /// After this long there is no answer.
    pub timeout: SignedDuration,
    /// Conditions that must all hold.
    #[serde(default)]
    pub expect: Vec<String>,
    /// What is measured; `None`: the latency.
    #[serde(default)]
    pub value: Option<String>,
    /// Unit shown behind the value.
    #[serde(default)]
    pub unit: String,
    /// Limit of the value that makes it a warning.
    #[serde(default)]
    pub warn: Option<String>,
    /// Limit of the value that makes it fail.
    #[serde(default)]
    pub fail: Option<String>,
    /// How many samples in a row change its state.
    pub confirm: u32,
}

impl From<&Probe> for Watched {
    fn from(probe: &Probe) -> Self {
        // Whoever adds a field to the configuration decides here whether it is part of what is
        // approved.
        let Probe {
            name,
            url,
            command,
            headers,
            env,
            environment,
            interval,
            timeout,
            expect,
            value,
            unit,
            warn,
            fail,
            confirm,
        } = probe.clone();
        Self {
            name,
            url,
            command,
            headers,
            env,
            environment,
            interval,
            timeout,
            expect,
            value,
            unit,
            warn,
            fail,
            confirm,
        }
    }
}

impl From<&Watched> for Probe {
    fn from(watched: &Watched) -> Self {
        let Watched {
            name,
            url,
            command,
            headers,
            env,
            environment,
            interval,
            timeout,
            expect,
            value,
            unit,
            warn,
            fail,
            confirm,
        } = watched.clone();
        Self {
            name,
            url,
            command,
            headers,
            env,
            environment,
            interval,
            timeout,
            expect,
            value,
            unit,
            warn,
            fail,
            confirm,
        }
    }
}
