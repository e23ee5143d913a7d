//! What a watch asks: probes as a plan holds them, which is not as they are configured.
//!
//! A plan is kept for years and known by a hash over its bytes. What is configured gets new fields
//! with every version, and none of them may change what was approved before.

use std::collections::BTreeMap;
use std::ops::Deref;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use super::pushed::TO_COME;
use super::{Action, Plan, Watch};
use crate::config::types::{Gauge, Keys, Point, Probe, Reduce, Source, Tls, Unfit};

/// A probe as a plan watches it, with a stored form of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Stored", into = "Stored")]
pub struct Watched(Probe);

impl Deref for Watched {
    type Target = Probe;

    fn deref(&self) -> &Probe {
        &self.0
    }
}

impl From<&Probe> for Watched {
    fn from(probe: &Probe) -> Self {
        // What a person reads about it is not part of what is approved.
        Self(Probe { runbook: None, ..probe.clone() })
    }
}

impl Watch {
    /// The points of the extended watch that a probe looks at, and those that a person has to look at.
    pub fn points(&self) -> (Vec<Point>, Vec<Point>) {
        Point::ALL.into_iter().partition(|point| self.probes.iter().any(|probe| probe.covers.contains(point)))
    }
}

impl Plan {
    /// The release a step is a verdict on: environment and commit. A watch before the release is
    /// there is none on it, and none is on a commit that was never learned.
    pub fn judged_by(&self, step: usize) -> Option<(String, String)> {
        self.watched_by(step).filter(|(_, commit)| commit != TO_COME)
    }

    /// The same, also while the commit is still to come.
    pub fn watched_by(&self, step: usize) -> Option<(String, String)> {
        let Action::Watch(watch) = &self.steps.get(step)?.action else { return None };
        let own = self.release.as_ref().filter(|release| step > release.after);
        let own = own.map(|release| (release.environment.clone(), release.commit.clone()));
        watch.judges.clone().or(own)
    }
}

/// The stored form. A new field is left out where it says nothing, so that plans made before keep
/// their bytes.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    command: Option<Vec<String>>,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    #[serde(default)]
    env: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    prometheus: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    query: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reduce: Option<Reduce>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    max_age: Option<SignedDuration>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    alertmanager: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    matchers: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    watchdog: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    datadog: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    monitor: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    postgres: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    machine: Option<Gauge>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    path: Option<String>,
    #[serde(default)]
    environment: String,
    interval: SignedDuration,
    timeout: SignedDuration,
    #[serde(default)]
    expect: Vec<String>,
    #[serde(default)]
    value: Option<String>,
    #[serde(default)]
    unit: String,
    #[serde(default)]
    warn: Option<String>,
    #[serde(default)]
    fail: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    recover: Option<String>,
    confirm: u32,
    #[serde(rename = "for", default, skip_serializing_if = "Option::is_none")]
    lasting: Option<SignedDuration>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    suppressed_by: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tls: Option<Tls>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    covers: Vec<Point>,
}

impl From<Watched> for Stored {
    fn from(Watched(probe): Watched) -> Self {
        // Whoever adds a field to the configuration decides here whether it is part of what is
        // approved.
        let Probe {
            name,
            source,
            environment,
            interval,
            timeout,
            expect,
            value,
            unit,
            warn,
            fail,
            recover,
            confirm,
            lasting,
            suppressed_by,
            runbook: _,
            tls,
            covers,
            concerns: _,
        } = probe;
        let Keys {
            url,
            command,
            headers,
            env,
            prometheus,
            query,
            reduce,
            max_age,
            alertmanager,
            matchers,
            watchdog,
            datadog,
            monitor,
            postgres,
            machine,
            path,
        } = source.into();
        Self {
            name,
            url,
            command,
            headers,
            env,
            prometheus,
            query,
            reduce,
            max_age,
            alertmanager,
            matchers,
            watchdog,
            datadog,
            monitor,
            postgres,
            machine,
            path,
            environment,
            interval,
            timeout,
            expect,
            value,
            unit,
            warn,
            fail,
            recover,
            confirm,
            lasting,
            suppressed_by,
            tls,
            covers,
        }
    }
}

impl TryFrom<Stored> for Watched {
    type Error = Unfit;

    fn try_from(stored: Stored) -> Result<Self, Unfit> {
        let Stored {
            name,
            url,
            command,
            headers,
            env,
            prometheus,
            query,
            reduce,
            max_age,
            alertmanager,
            matchers,
            watchdog,
            datadog,
            monitor,
            postgres,
            machine,
            path,
            environment,
            interval,
            timeout,
            expect,
            value,
            unit,
            warn,
            fail,
            recover,
            confirm,
            lasting,
            suppressed_by,
            tls,
            covers,
        } = stored;
        Ok(Self(Probe {
            name,
            source: Source::try_from(Keys {
                url,
                command,
                headers,
                env,
                prometheus,
                query,
                reduce,
                max_age,
                alertmanager,
                matchers,
                watchdog,
                datadog,
                monitor,
                postgres,
                machine,
                path,
            })?,
            environment,
            interval,
            timeout,
            expect,
            value,
            unit,
            warn,
            fail,
            recover,
            confirm,
            lasting,
            suppressed_by,
            runbook: None,
            tls,
            covers,
            // A watch does not ask whose it is.
            concerns: None,
        }))
    }
}
