//! Probes: what each asks, how often, and what the answer has to be.
//!
//! In the file a probe is one flat table. What it asks becomes a [`Source`] here, once, so that
//! nobody else looks at which keys are there. A new kind of source is a variant here, its keys in
//! [`Keys`] and in `config/check/probe.rs`, its stored form in `plan/watched.rs`, its subjects in
//! `health/parse.rs`, and a file in `health/` that asks it for `health/runner.rs`.

use std::collections::BTreeMap;
use std::fmt;

use jiff::SignedDuration;
use jiff::fmt::serde::duration::friendly::compact as friendly;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{DurationText, default_confirm, default_interval, default_probe_timeout};

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
}

impl SourceKind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Http, Self::Command, Self::Prometheus];

    /// The key that makes a probe one of this kind.
    pub fn key(self) -> &'static str {
        match self {
            Self::Http => "url",
            Self::Command => "command",
            Self::Prometheus => "prometheus",
        }
    }

    /// The further keys that say how it is asked.
    pub fn keys(self) -> &'static [&'static str] {
        match self {
            Self::Http => &["headers"],
            Self::Command => &["env"],
            Self::Prometheus => &["query", "reduce", "max_age", "headers"],
        }
    }

    /// What such a probe is called in a sentence.
    pub fn noun(self) -> &'static str {
        match self {
            Self::Http => "a `url`",
            Self::Command => "a command",
            Self::Prometheus => "a query",
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
        let Keys { url, command, headers, env, prometheus, query, reduce, max_age } = keys;
        match (url, command, prometheus) {
            (Some(url), None, None) => {
                check_address("url", &url)?;
                headers.iter().try_for_each(check_header)?;
                Ok(Self::Http { url, headers })
            }
            (None, Some(argv), None) => {
                check_command(&argv)?;
                Ok(Self::Command { argv, env })
            }
            (None, None, Some(url)) => {
                check_address("prometheus", &url)?;
                headers.iter().try_for_each(check_header)?;
                let query = query.ok_or_else(|| unfit("query", "a `prometheus` is asked a `query`"))?;
                let max_age = max_age.unwrap_or(MAX_AGE);
                Ok(Self::Prometheus { query: Query { url, query, reduce, max_age }, headers })
            }
            (None, None, None) => Err(unfit("url", "a probe needs a `url`, a `command` or a `prometheus`")),
            (_, Some(_), _) => Err(unfit("command", "a probe asks one thing")),
            (_, _, Some(_)) => Err(unfit("prometheus", "a probe asks one thing")),
        }
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
        }
    }

    /// The address it asks; `None`: it runs a command.
    pub fn url(&self) -> Option<&str> {
        match self {
            Self::Http { url, .. } | Self::Prometheus { query: Query { url, .. }, .. } => Some(url),
            Self::Command { .. } => None,
        }
    }

    /// The headers it sends.
    pub fn headers(&self) -> &BTreeMap<String, String> {
        static NONE: BTreeMap<String, String> = BTreeMap::new();
        match self {
            Self::Http { headers, .. } | Self::Prometheus { headers, .. } => headers,
            Self::Command { .. } => &NONE,
        }
    }

    /// The program it runs, with its arguments.
    pub fn argv(&self) -> Option<&[String]> {
        match self {
            Self::Command { argv, .. } => Some(argv),
            Self::Http { .. } | Self::Prometheus { .. } => None,
        }
    }

    /// What it asks a server in a language of queries.
    pub fn query(&self) -> Option<&str> {
        match self {
            Self::Prometheus { query, .. } => Some(&query.query),
            Self::Http { .. } | Self::Command { .. } => None,
        }
    }

    /// Names of the environment variables its command gets.
    pub fn env(&self) -> &[String] {
        match self {
            Self::Command { env, .. } => env,
            Self::Http { .. } | Self::Prometheus { .. } => &[],
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
            Self::Prometheus { query: Query { url, query, reduce, .. }, .. } => {
                let query = query.split_whitespace().collect::<Vec<_>>().join(" ");
                match reduce {
                    Some(reduce) => write!(f, "{} of {query} at {url}", reduce.name()),
                    None => write!(f, "{query} at {url}"),
                }
            }
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

/// Something asked again and again. Exactly one of `url`, `command` and `prometheus` is given.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Probe")]
struct Written {
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
    /// Address of a Prometheus, or of what speaks its protocol, that is asked `query`. A path that its
    /// API is below belongs to it: `https://host/prometheus`.
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
    /// The environment it watches; empty: the service as a whole.
    #[serde(default)]
    environment: String,
    /// How often, on a fixed schedule: `10s`.
    #[serde(default = "default_interval", serialize_with = "friendly::required")]
    #[schemars(with = "DurationText")]
    interval: SignedDuration,
    /// After this long there is no answer: `5s`. Shorter than the interval.
    #[serde(default = "default_probe_timeout", serialize_with = "friendly::required")]
    #[schemars(with = "DurationText")]
    timeout: SignedDuration,
    /// Conditions that must all hold: `status == 200`, `latency < 800ms`, `exit == 0`, `value < 5`,
    /// `body.status == "ok" and not (body.degraded == true)`. Default: status 200 to 299, or exit code 0.
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
    /// What the value has to keep to before it counts as recovered, once it failed: `< 3` beside
    /// `fail = "> 5"`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    recover: Option<String>,
    /// How many samples in a row change its state.
    #[serde(default = "default_confirm")]
    #[schemars(range(min = 1, max = 100))]
    confirm: u32,
    /// Address of what is written about what to do when it fails: shown beside the probe.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    runbook: Option<String>,
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
        } = written;
        Ok(Self {
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
            runbook,
        })
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
        } = probe;
        let Keys { url, command, headers, env, prometheus, query, reduce, max_age } = source.into();
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
        }
    }
}

#[cfg(test)]
mod tests;
