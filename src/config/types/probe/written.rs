//! A probe as it stands in the file: one flat table.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use jiff::fmt::serde::duration::friendly::compact as friendly;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::{DurationText, default_confirm, default_interval, default_probe_timeout};
use super::{Concern, Gauge, HERE, Keys, Point, Probe, Reduce, Source, THIRD_PARTY, Tls, Unfit};

/// Something asked again and again. Exactly one of `url`, `command`, `prometheus`,
/// `alertmanager`, `datadog`, `postgres` and `machine` is given.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Probe")]
pub(super) struct Written {
    /// Name, unique among the probes: `api /health`.
    name: String,
    /// `http://` or `https://` address to GET.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    /// Program and arguments; what it prints is the body. No shell.
    #[serde(default)]
    command: Option<Vec<String>>,
    /// Further request headers. They are sent to this host only, not where it redirects to.
    #[serde(default)]
    headers: BTreeMap<String, String>,
    /// Names of environment variables the command gets besides PATH, HOME and the like.
    #[serde(default)]
    env: Vec<String>,
    /// Address of a Prometheus, or anything with its API, including a path prefix: `https://host/prometheus`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    prometheus: Option<String>,
    /// What it is asked, in PromQL. It has to give one number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    query: Option<String>,
    /// How several series of the query become one number. Left out: there has to be one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reduce: Option<Reduce>,
    /// How old a sample may be: `2m`. What is older is no data.
    #[serde(default, serialize_with = "friendly::optional", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<DurationText>")]
    max_age: Option<SignedDuration>,
    /// Address of an Alertmanager whose alerts that fire are counted, with the path that its API is below.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    alertmanager: Option<String>,
    /// Which alerts count, as Alertmanager writes matchers: `service="checkout"`, `severity=~"page|critical"`.
    /// Left out: all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    matchers: Vec<String>,
    /// The name of an alert that always fires. Where it does not, nobody tells this Alertmanager
    /// anything, and no alert is no good news.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    watchdog: Option<String>,
    /// Address of a site of Datadog that is asked a `query` of metrics or the state of a `monitor`:
    /// `https://api.datadoghq.eu`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    datadog: Option<String>,
    /// The number of a monitor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    monitor: Option<u64>,
    /// Address of a PostgreSQL that is asked a `query` for one row with one number, or for its connections:
    /// `postgresql://user:{secret:NAME}@host:5432/database`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    postgres: Option<String>,
    /// What of this machine is read: `cpu`, `memory`, `disk`, each in percent, or `load`, a processor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    machine: Option<Gauge>,
    /// A path on the disk that is meant; relative to the root of the repository.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    path: Option<String>,
    /// The environment it watches; empty: the service as a whole.
    #[serde(default)]
    environment: String,
    /// This probe checks the network of this machine, not the service. If it and everything beyond this machine
    /// fail, we are offline and no service is blamed.
    #[serde(default, skip_serializing_if = "is_false")]
    connectivity: bool,
    /// How often, on a fixed schedule: `10s`.
    #[serde(default = "default_interval", serialize_with = "friendly::required")]
    #[schemars(with = "DurationText")]
    interval: SignedDuration,
    /// After this long there is no answer. No longer than the interval. Default: `5s`, or the interval where
    /// that is shorter.
    #[serde(default, serialize_with = "friendly::optional", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<DurationText>")]
    timeout: Option<SignedDuration>,
    /// Conditions that must all hold: `status == 200`, `latency < 800ms`, `exit == 0`, `value < 5`,
    /// `body.status == "ok" and not (body.degraded == true)`. Default: status 200 to 299 and
    /// a service that does not say otherwise of itself, or exit code 0.
    #[serde(default)]
    expect: Vec<String>,
    /// What is drawn: `latency`, a number in a JSON body: `body.checks.errors.rate`, or how it changes:
    /// `rate(body.requests)`, `delta(body.queue)`, `age(body.updated_at)`. Default: the latency, or what
    /// the query gives.
    #[serde(default)]
    value: Option<String>,
    /// Unit shown behind the value: `%`, `ms`.
    #[serde(default)]
    unit: String,
    /// Limit of the value that makes it a warning: `> 1`. A latency's is in ms, or `> 1.5s`.
    #[serde(default)]
    warn: Option<String>,
    /// Limit of the value that makes it fail: `> 5`.
    #[serde(default)]
    fail: Option<String>,
    /// Limit for recovery after a failure: `< 3` beside `fail = "> 5"`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    recover: Option<String>,
    /// How many samples in a row change its state.
    #[serde(default = "default_confirm")]
    #[schemars(range(min = 1, max = 100))]
    confirm: u32,
    /// How long it has to be bad before it counts as failing: `2m`. As many samples as `confirm` says are
    /// needed all the same.
    #[serde(
        rename = "for",
        default,
        serialize_with = "friendly::optional",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(with = "Option<DurationText>")]
    lasting: Option<SignedDuration>,
    /// Name of the probe whose failure explains that of this one: as long as that one fails, this one makes
    /// no alarm.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    suppressed_by: Option<String>,
    /// Runbook for a failure: an address, or a file of the repository. Shown beside the probe.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    runbook: Option<String>,
    /// Certificates of its own: `tls = { ca_file = "ca.pem", cert_file = "own.pem", key_file = "own.key" }`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tls: Option<Tls>,
    /// What of the extended watch it looks at: `activity`, `feature-use`, `tickets`, `performance`,
    /// `security-log`. What no probe covers a person has to look at.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    covers: Vec<Point>,
    /// What it tells of besides this service: `third-party` or `resources`. The list of what usually breaks a
    /// service (`b`, `culprit`) goes by it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    concerns: Option<Concern>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
fn is_false(value: &bool) -> bool {
    !value
}

impl TryFrom<Written> for Probe {
    type Error = Unfit;

    fn try_from(written: Written) -> Result<Self, Unfit> {
        let Written {
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
            connectivity,
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
            runbook,
            tls,
            covers,
            concerns,
        } = written;
        let mut probe = Self {
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
            timeout: timeout.unwrap_or_else(|| default_probe_timeout().min(interval)),
            expect,
            value,
            unit,
            warn,
            fail,
            recover,
            confirm,
            lasting,
            suppressed_by,
            runbook,
            tls,
            covers,
            concerns,
        };
        let is_elsewhere = probe.environment.is_empty() && probe.concern() == Some(Concern::ThirdParty);
        if connectivity {
            HERE.clone_into(&mut probe.environment);
        } else if is_elsewhere {
            THIRD_PARTY.clone_into(&mut probe.environment);
        }
        Ok(probe)
    }
}

impl From<Probe> for Written {
    fn from(probe: Probe) -> Self {
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
            runbook,
            tls,
            covers,
            concerns,
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
        let connectivity = environment == HERE;
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
            environment: if connectivity || environment == THIRD_PARTY { String::new() } else { environment },
            connectivity,
            interval,
            timeout: Some(timeout),
            expect,
            value,
            unit,
            warn,
            fail,
            recover,
            confirm,
            lasting,
            suppressed_by,
            runbook,
            tls,
            covers,
            concerns,
        }
    }
}
