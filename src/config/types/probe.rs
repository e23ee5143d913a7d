//! Probes: what each asks, how often, and what the answer has to be.
//!
//! In the file a probe is one flat table (`written`). What it asks becomes a [`Source`] here, once, so that
//! nobody else looks at which keys are there. A new kind of source is a variant here, its keys in
//! [`Keys`], `written` and `config/check/probe.rs`, its stored form in `plan/watched.rs`, its subjects in
//! `health/parse.rs`, and a file in `health/` that asks it for `health/runner.rs`.

use std::collections::BTreeMap;
use std::fmt;

use jiff::SignedDuration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use self::written::Written;

mod keys;
mod written;

pub use self::keys::{Keys, Unfit};

/// How old a sample may be where nothing else is said.
const MAX_AGE: SignedDuration = SignedDuration::from_mins(2);

/// Where a probe belongs that tells of this machine, and of no environment.
pub const HERE: &str = "this machine";

/// The place of probes that tell of somebody else's service, where no environment is named: its outage is a reason
/// why production may be down, not a sign that it is.
pub const THIRD_PARTY: &str = "third party";

/// Something asked again and again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "Written", into = "Written")]
pub struct Probe {
    /// Name, unique among the probes: `api /health`.
    pub name: String,
    /// What is asked.
    pub source: Source,
    /// The environment it watches; empty: the service as a whole.
    pub environment: String,
    /// How often, on a fixed schedule.
    pub interval: SignedDuration,
    /// After this long there is no answer.
    pub timeout: SignedDuration,
    /// Conditions that must all hold. Empty: the usual ones of the source.
    pub expect: Vec<String>,
    /// What is drawn. `None`: the usual one of the source.
    pub value: Option<String>,
    /// Unit shown behind the value.
    pub unit: String,
    /// Limit of the value that makes it a warning.
    pub warn: Option<String>,
    /// Limit of the value that makes it fail.
    pub fail: Option<String>,
    /// What the value has to keep to before it counts as recovered, once it failed. `None`: not to be
    /// over the limit.
    pub recover: Option<String>,
    /// How many samples in a row change its state.
    pub confirm: u32,
    /// Where it is written what to do when it fails: an address, or the path of a runbook.
    pub runbook: Option<String>,
    /// How long it has to be bad before it fails, besides `confirm`.
    pub lasting: Option<SignedDuration>,
    /// The probe whose failure explains that of this one.
    pub suppressed_by: Option<String>,
    /// Certificates of its own.
    pub tls: Option<Tls>,
    /// What of the procedure's extended watch it looks at.
    pub covers: Vec<Point>,
    /// What else it tells of than this service.
    pub concerns: Option<Concern>,
}

impl Probe {
    /// What it tells of besides this service: as written, else as its source says. A Statuspage is somebody
    /// else's; how many connections a database has is a matter of resources.
    pub fn concern(&self) -> Option<Concern> {
        self.concerns.or_else(|| match &self.source {
            Source::Http { url, .. } if is_status_page(url) => Some(Concern::ThirdParty),
            Source::Machine { .. } => Some(Concern::Resources),
            _ => None,
        })
    }

    /// Whether it tells whether this machine is online, and nothing of the service.
    pub fn tells_connectivity(&self) -> bool {
        self.environment == HERE
    }
}

/// Tells whether an address is that of a public status page.
pub(in crate::config) fn is_status_page(url: &str) -> bool {
    ["/api/v2/status.json", "/api/v2/summary.json"].iter().any(|path| url.ends_with(path))
}

/// What a probe tells of besides this service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Concern {
    /// Somebody else's service that this one needs.
    ThirdParty,
    /// Memory, CPU, disk, network, connections.
    Resources,
}

impl Concern {
    /// The word in the configuration.
    pub fn name(self) -> &'static str {
        match self {
            Self::ThirdParty => "third-party",
            Self::Resources => "resources",
        }
    }
}

/// What is to be looked at after a release has proven good at first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Point {
    /// What users do: orders, sign-ins, visits.
    Activity,
    /// Whether what was changed is used as before.
    FeatureUse,
    /// What users tell the support.
    Tickets,
    /// How response times and load develop.
    Performance,
    /// What the security log says.
    SecurityLog,
}

impl Point {
    /// All of them, in the order of the procedure.
    pub const ALL: [Self; 5] =
        [Self::Activity, Self::FeatureUse, Self::Tickets, Self::Performance, Self::SecurityLog];

    /// Its name for people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Activity => "activity",
            Self::FeatureUse => "feature use",
            Self::Tickets => "tickets",
            Self::Performance => "performance",
            Self::SecurityLog => "security log",
        }
    }
}

/// Whom a probe trusts and what it shows, in the words of Prometheus' `tls_config`. Files in PEM; relative to the
/// root of the repository, `~/` is the home directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// The authorities that are trusted in place of the system's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<String>,
    /// The certificate that the server is shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cert_file: Option<String>,
    /// Its key (PKCS #8).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_file: Option<String>,
}

/// What a probe asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// An address.
    Http {
        /// `http://` or `https://` address to GET.
        url: String,
        /// Further request headers. They are sent to this host only.
        headers: BTreeMap<String, String>,
    },
    /// A command; what it prints is the body.
    Command {
        /// Program and arguments.
        argv: Vec<String>,
        /// Names of environment variables it gets besides the basic ones.
        env: Vec<String>,
    },
    /// A query of Prometheus, or of what speaks its protocol.
    Prometheus {
        /// The query, and where it is asked.
        query: Query,
        /// Further request headers.
        headers: BTreeMap<String, String>,
    },
    /// The alerts that fire at an Alertmanager.
    Alertmanager {
        /// Which, and where.
        alerts: Alerts,
        /// Further request headers.
        headers: BTreeMap<String, String>,
    },
    /// What Datadog knows.
    Datadog {
        /// A query of metrics, or a monitor.
        asked: Datadog,
        /// Request headers, its two keys among them.
        headers: BTreeMap<String, String>,
    },
    /// A query of a PostgreSQL.
    Postgres(Sql),
    /// This machine itself.
    Machine {
        /// What is read.
        gauge: Gauge,
        /// A path on the disk that is meant; `None`: that of the repository.
        path: Option<String>,
    },
}

/// What Datadog is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Datadog {
    /// The newest number of a query of metrics.
    Query(Query),
    /// Whether a monitor alerts.
    Monitor {
        /// Address of the site's API: `https://api.datadoghq.eu`.
        url: String,
        /// Its number.
        id: u64,
    },
}

/// A query that gives one row with one number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sql {
    /// `postgresql://user@host:5432/database`, with places for secrets.
    pub url: String,
    /// The query; `None`: how many connections there are.
    pub query: Option<String>,
}

/// What a machine can be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Gauge {
    /// The share of time in which its processors work, in percent.
    Cpu,
    /// The share of its memory that is taken, in percent.
    Memory,
    /// The share of a disk that is taken, in percent.
    Disk,
    /// How many processes run or wait to, a processor, on the mean of a minute.
    Load,
}

impl Gauge {
    /// Its name in the file.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::Memory => "memory",
            Self::Disk => "disk",
            Self::Load => "load",
        }
    }

    /// The unit of what is read.
    pub fn unit(self) -> &'static str {
        match self {
            Self::Cpu | Self::Memory | Self::Disk => "%",
            Self::Load => "",
        }
    }
}

/// Alerts that are counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alerts {
    /// Address of the Alertmanager, with the path that its API is below.
    pub url: String,
    /// Which count, as Alertmanager writes matchers. Empty: all.
    pub matchers: Vec<String>,
    /// An alert that always fires; its absence means that there is no data.
    pub watchdog: Option<String>,
}

/// A query that gives a number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    /// Address of the server, with the path that its API is below.
    pub url: String,
    /// The query, in PromQL.
    pub query: String,
    /// How several series become one number. `None`: there has to be one.
    pub reduce: Option<Reduce>,
    /// How old a sample may be.
    pub max_age: SignedDuration,
}

/// How several series become one number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Reduce {
    /// All together.
    Sum,
    /// The largest.
    Max,
    /// The smallest.
    Min,
    /// The mean.
    Avg,
}

impl Reduce {
    /// Its name in the file.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sum => "sum",
            Self::Max => "max",
            Self::Min => "min",
            Self::Avg => "avg",
        }
    }
}

/// The kinds of source there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SourceKind {
    /// A `url`.
    Http,
    /// A `command`.
    Command,
    /// A query of a `prometheus`.
    Prometheus,
    /// The alerts of an `alertmanager`.
    Alertmanager,
    /// A query or a monitor of `datadog`.
    Datadog,
    /// A query of a `postgres`.
    Postgres,
    /// This `machine`.
    Machine,
}

impl SourceKind {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Http,
        Self::Command,
        Self::Prometheus,
        Self::Alertmanager,
        Self::Datadog,
        Self::Postgres,
        Self::Machine,
    ];

    /// The key that makes a probe one of this kind.
    pub fn key(self) -> &'static str {
        match self {
            Self::Http => "url",
            Self::Command => "command",
            Self::Prometheus => "prometheus",
            Self::Alertmanager => "alertmanager",
            Self::Datadog => "datadog",
            Self::Postgres => "postgres",
            Self::Machine => "machine",
        }
    }

    /// The further keys that say how it is asked.
    pub fn keys(self) -> &'static [&'static str] {
        match self {
            Self::Http => &["headers", "tls"],
            Self::Command => &["env"],
            Self::Prometheus => &["query", "reduce", "max_age", "headers", "tls"],
            Self::Alertmanager => &["matchers", "watchdog", "headers", "tls"],
            Self::Datadog => &["query", "monitor", "reduce", "max_age", "headers", "tls"],
            Self::Postgres => &["query"],
            Self::Machine => &["path"],
        }
    }

    /// What such a probe is called in a sentence.
    pub fn noun(self) -> &'static str {
        match self {
            Self::Http => "a `url`",
            Self::Command => "a command",
            Self::Prometheus => "a query",
            Self::Alertmanager => "an `alertmanager`",
            Self::Datadog => "a `datadog`",
            Self::Postgres => "a `postgres`",
            Self::Machine => "a `machine`",
        }
    }
}

impl Source {
    /// What kind of source it is.
    pub fn kind(&self) -> SourceKind {
        match self {
            Self::Http { .. } => SourceKind::Http,
            Self::Command { .. } => SourceKind::Command,
            Self::Prometheus { .. } => SourceKind::Prometheus,
            Self::Alertmanager { .. } => SourceKind::Alertmanager,
            Self::Datadog { .. } => SourceKind::Datadog,
            Self::Postgres(_) => SourceKind::Postgres,
            Self::Machine { .. } => SourceKind::Machine,
        }
    }

    /// The address it asks; `None`: it asks this machine.
    pub fn url(&self) -> Option<&str> {
        match self {
            Self::Http { url, .. }
            | Self::Prometheus { query: Query { url, .. }, .. }
            | Self::Alertmanager { alerts: Alerts { url, .. }, .. }
            | Self::Datadog {
                asked: Datadog::Query(Query { url, .. }) | Datadog::Monitor { url, .. }, ..
            }
            | Self::Postgres(Sql { url, .. }) => Some(url),
            Self::Command { .. } | Self::Machine { .. } => None,
        }
    }

    /// The headers it sends.
    pub fn headers(&self) -> &BTreeMap<String, String> {
        static NONE: BTreeMap<String, String> = BTreeMap::new();
        match self {
            Self::Http { headers, .. }
            | Self::Prometheus { headers, .. }
            | Self::Alertmanager { headers, .. }
            | Self::Datadog { headers, .. } => headers,
            Self::Command { .. } | Self::Postgres(_) | Self::Machine { .. } => &NONE,
        }
    }

    /// The program it runs, with its arguments.
    pub fn argv(&self) -> Option<&[String]> {
        match self {
            Self::Command { argv, .. } => Some(argv),
            _ => None,
        }
    }

    /// What it asks a server in a language of queries.
    pub fn query(&self) -> Option<&str> {
        match self {
            Self::Prometheus { query, .. } | Self::Datadog { asked: Datadog::Query(query), .. } => {
                Some(&query.query)
            }
            Self::Postgres(Sql { query, .. }) => query.as_deref(),
            _ => None,
        }
    }

    /// Names of the environment variables its command gets.
    pub fn env(&self) -> &[String] {
        match self {
            Self::Command { env, .. } => env,
            _ => &[],
        }
    }
}

impl fmt::Display for Source {
    /// What it does, in one line: `GET https://…`, `./check.sh orders`, `sum(up) at http://…`. May hold
    /// credentials.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Http { url, .. } => write!(f, "GET {url}"),
            Self::Command { argv, .. } => f.write_str(&shell_words::join(argv)),
            Self::Prometheus { query: Query { url, query, reduce, .. }, .. }
            | Self::Datadog { asked: Datadog::Query(Query { url, query, reduce, .. }), .. } => {
                let query = query.split_whitespace().collect::<Vec<_>>().join(" ");
                match reduce {
                    Some(reduce) => write!(f, "{} of {query} at {url}", reduce.name()),
                    None => write!(f, "{query} at {url}"),
                }
            }
            Self::Alertmanager { alerts: Alerts { url, matchers, .. }, .. } if matchers.is_empty() => {
                write!(f, "alerts at {url}")
            }
            Self::Alertmanager { alerts: Alerts { url, matchers, .. }, .. } => {
                write!(f, "alerts with {} at {url}", matchers.join(", "))
            }
            Self::Datadog { asked: Datadog::Monitor { url, id }, .. } => {
                write!(f, "monitor {id} at {url}")
            }
            Self::Postgres(Sql { url, query: None }) => write!(f, "connections of {url}"),
            Self::Postgres(Sql { url, query: Some(query) }) => {
                let query = query.split_whitespace().collect::<Vec<_>>().join(" ");
                write!(f, "{query} at {url}")
            }
            Self::Machine { gauge, path: None } => write!(f, "{} of this machine", gauge.name()),
            Self::Machine { gauge, path: Some(path) } => write!(f, "{} of {path}", gauge.name()),
        }
    }
}

#[cfg(test)]
mod tests;
