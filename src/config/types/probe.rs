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

mod written;

/// How old a sample may be where nothing else is said.
const MAX_AGE: SignedDuration = SignedDuration::from_mins(2);

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
    /// Address of what is written about what to do when it fails.
    pub runbook: Option<String>,
    /// How long it has to be bad before it fails, besides `confirm`.
    pub lasting: Option<SignedDuration>,
    /// The probe whose failure explains that of this one.
    pub suppressed_by: Option<String>,
    /// Certificates of its own.
    pub tls: Option<Tls>,
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
            Self::Http => &["headers"],
            Self::Command => &["env"],
            Self::Prometheus => &["query", "reduce", "max_age", "headers"],
            Self::Alertmanager => &["matchers", "watchdog", "headers"],
            Self::Datadog => &["query", "monitor", "reduce", "max_age", "headers"],
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

/// The keys of a table that say what is asked, as they are written in the file and in stored plans.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Keys {
    /// Address to GET.
    pub url: Option<String>,
    /// Program and arguments.
    pub command: Option<Vec<String>>,
    /// Further request headers.
    pub headers: BTreeMap<String, String>,
    /// Names of environment variables.
    pub env: Vec<String>,
    /// Address of a server that is asked queries.
    pub prometheus: Option<String>,
    /// What it is asked.
    pub query: Option<String>,
    /// How several series become one number.
    pub reduce: Option<Reduce>,
    /// How old a sample may be.
    pub max_age: Option<SignedDuration>,
    /// Address of a server whose alerts are counted.
    pub alertmanager: Option<String>,
    /// Which of them.
    pub matchers: Vec<String>,
    /// One that always fires.
    pub watchdog: Option<String>,
    /// Address of a site of Datadog.
    pub datadog: Option<String>,
    /// The number of a monitor.
    pub monitor: Option<u64>,
    /// Address of a database.
    pub postgres: Option<String>,
    /// What of this machine is read.
    pub machine: Option<Gauge>,
    /// Whose disk.
    pub path: Option<String>,
}

/// Why keys make no source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unfit {
    /// The key at fault: `url`.
    pub key: &'static str,
    /// What is wrong with it, to follow on the key.
    pub why: String,
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`: {}", self.key, self.why)
    }
}

fn unfit(key: &'static str, why: &str) -> Unfit {
    Unfit { key, why: why.to_owned() }
}

impl TryFrom<Keys> for Source {
    type Error = Unfit;

    fn try_from(keys: Keys) -> Result<Self, Unfit> {
        keys.headers.iter().try_for_each(check_header)?;
        let mut given = keys.kinds();
        let Some(kind) = given.next() else {
            let known: Vec<_> = SourceKind::ALL.iter().map(|kind| format!("`{}`", kind.key())).collect();
            return Err(unfit("url", &format!("a probe needs one of {}", known.join(", "))));
        };
        if let Some(other) = given.next() {
            return Err(unfit(other.key(), "a probe asks one thing"));
        }
        drop(given);
        let Keys { url, command, headers, env, prometheus, query, reduce, max_age, .. } = keys;
        let Keys { alertmanager, matchers, watchdog, datadog, monitor, postgres, machine, path, .. } = keys;
        let address = |url: Option<String>| {
            let url = url.unwrap_or_default();
            check_address(kind.key(), &url).map(|()| url)
        };
        let max_age = max_age.unwrap_or(MAX_AGE);
        Ok(match kind {
            SourceKind::Http => Self::Http { url: address(url)?, headers },
            SourceKind::Command => {
                let argv = command.unwrap_or_default();
                check_command(&argv)?;
                Self::Command { argv, env }
            }
            SourceKind::Prometheus => {
                let url = address(prometheus)?;
                let query = query.ok_or_else(|| unfit("query", "a `prometheus` is asked a `query`"))?;
                Self::Prometheus { query: Query { url, query, reduce, max_age }, headers }
            }
            SourceKind::Alertmanager => Self::Alertmanager {
                alerts: Alerts { url: address(alertmanager)?, matchers, watchdog },
                headers,
            },
            SourceKind::Datadog => {
                let url = address(datadog)?;
                let asked = match (query, monitor) {
                    (Some(query), None) => Datadog::Query(Query { url, query, reduce, max_age }),
                    (None, Some(id)) => Datadog::Monitor { url, id },
                    (None, None) => {
                        return Err(unfit("query", "a `datadog` is asked a `query` or a `monitor`"));
                    }
                    (Some(_), Some(_)) => return Err(unfit("monitor", "a probe asks one thing")),
                };
                Self::Datadog { asked, headers }
            }
            SourceKind::Postgres => {
                let url = postgres.unwrap_or_default();
                check_database(&url)?;
                Self::Postgres(Sql { url, query })
            }
            // The kind was told by its key.
            SourceKind::Machine => Self::Machine { gauge: machine.unwrap_or(Gauge::Cpu), path },
        })
    }
}

impl Keys {
    /// The kinds of source whose key there is.
    fn kinds(&self) -> impl Iterator<Item = SourceKind> + '_ {
        SourceKind::ALL.into_iter().filter(|kind| match kind {
            SourceKind::Http => self.url.is_some(),
            SourceKind::Command => self.command.is_some(),
            SourceKind::Prometheus => self.prometheus.is_some(),
            SourceKind::Alertmanager => self.alertmanager.is_some(),
            SourceKind::Datadog => self.datadog.is_some(),
            SourceKind::Postgres => self.postgres.is_some(),
            SourceKind::Machine => self.machine.is_some(),
        })
    }
}

impl From<Source> for Keys {
    fn from(source: Source) -> Self {
        match source {
            Source::Http { url, headers } => Self { url: Some(url), headers, ..Self::default() },
            Source::Command { argv, env } => Self { command: Some(argv), env, ..Self::default() },
            Source::Prometheus { query: Query { url, query, reduce, max_age }, headers } => Self {
                prometheus: Some(url),
                query: Some(query),
                reduce,
                // The usual one is left out, as it may have been.
                max_age: Some(max_age).filter(|age| *age != MAX_AGE),
                headers,
                ..Self::default()
            },
            Source::Alertmanager { alerts: Alerts { url, matchers, watchdog }, headers } => {
                Self { alertmanager: Some(url), matchers, watchdog, headers, ..Self::default() }
            }
            Source::Datadog { asked: Datadog::Query(query), headers } => Self {
                datadog: Some(query.url),
                query: Some(query.query),
                reduce: query.reduce,
                max_age: Some(query.max_age).filter(|age| *age != MAX_AGE),
                headers,
                ..Self::default()
            },
            Source::Datadog { asked: Datadog::Monitor { url, id }, headers } => {
                Self { datadog: Some(url), monitor: Some(id), headers, ..Self::default() }
            }
            Source::Postgres(Sql { url, query }) => Self { postgres: Some(url), query, ..Self::default() },
            Source::Machine { gauge, path } => Self { machine: Some(gauge), path, ..Self::default() },
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

fn check_address(key: &'static str, url: &str) -> Result<(), Unfit> {
    let rest = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://"));
    match rest {
        None => Err(unfit(key, "the address has to begin with http:// or https://")),
        Some(rest) if rest.is_empty() || rest.starts_with(['/', '?', '#', ':']) => {
            Err(unfit(key, "the address names no host"))
        }
        Some(_) if url.chars().any(|c| c.is_whitespace() || c.is_control()) => {
            Err(unfit(key, "the address has a space or control character in it"))
        }
        Some(_) => Ok(()),
    }
}

fn check_database(url: &str) -> Result<(), Unfit> {
    let rest = url.strip_prefix("postgresql://").or_else(|| url.strip_prefix("postgres://"));
    match rest {
        None => Err(unfit("postgres", "the address has to begin with postgresql://")),
        Some(_) if url.chars().any(|c| c.is_whitespace() || c.is_control()) => {
            Err(unfit("postgres", "the address has a space or control character in it"))
        }
        Some(_) => Ok(()),
    }
}

/// Header names are tokens, values have no line breaks or other control characters.
fn check_header((name, value): (&String, &String)) -> Result<(), Unfit> {
    let is_token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    if name.is_empty() || !name.bytes().all(is_token) {
        return Err(unfit("headers", "this is not a name a header can have"));
    }
    if value.chars().any(|c| c.is_control() && c != '\t') {
        return Err(unfit("headers", "a header's value has a control character in it"));
    }
    Ok(())
}

fn check_command(argv: &[String]) -> Result<(), Unfit> {
    match argv.first() {
        None => Err(unfit("command", "the command is empty")),
        Some(program) if program.is_empty() => Err(unfit("command", "the program's name is empty")),
        Some(_) if argv.iter().any(|arg| arg.contains('\0')) => {
            Err(unfit("command", "an argument has a NUL character in it"))
        }
        Some(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests;
