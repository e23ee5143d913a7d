//! The keys of a probe that say what it asks, and the source they make.

use std::collections::BTreeMap;
use std::fmt;

use jiff::SignedDuration;

use super::{Alerts, Datadog, Gauge, MAX_AGE, Query, Reduce, Source, SourceKind, Sql};

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
