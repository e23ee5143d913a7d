//! Trust: nothing that `flightdeck.toml` names runs or is asked before the user has
//! trusted that exact content at that place.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::load::Loaded;
use super::types::{
    Channel, ChannelKind, Config, DeploymentReport, Environment, Flag, FlagKind, Forge, Hotfix, Pipeline,
    PipelineKind, Secret,
};
use crate::failure::{Failure, FailureKind, Result};
use crate::incident::Hash;
use crate::text::address::without_credentials;
use crate::text::{placeholder, visible};

/// Name of the file in the state directory.
pub(crate) const FILE: &str = "trust.json";

/// Contents remembered for one path, so that going back and forth between branches does
/// not ask anew; the oldest is forgotten first.
const MAX_CONTENTS: usize = 32;

/// One trusted content of one file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Entry {
    /// Canonical path of the configuration file.
    path: String,
    /// SHA-256 of its content.
    sha256: Hash,
    /// When it was trusted.
    at: Timestamp,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Trusted {
    trusted: Vec<Entry>,
}

/// Something that a configuration would run, ask or pass on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// What for: `deploy staging`.
    pub what: String,
    /// The command line or address, fit to be shown. Credentials in addresses are left out.
    pub line: String,
    /// Names of environment variables it is given.
    pub env: Vec<String>,
}

impl std::fmt::Display for Item {
    /// One line: what for, the command line, and the variables it is given.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:<22} {}", self.what, self.line)?;
        if !self.env.is_empty() {
            write!(f, "  (given {})", self.env.join(", "))?;
        }
        Ok(())
    }
}

/// Lists everything a configuration would run or ask, in the order of the file.
pub fn what_would_run(config: &Config) -> Vec<Item> {
    let mut items = Vec::new();
    for check in &config.checks {
        items.push(item(&format!("check {}", check.name), &check.command, &check.env));
    }
    for environment in &config.environments {
        items.extend(of_environment(environment));
    }
    for probe in &config.probes {
        let what = format!("probe {}", probe.name);
        let headers: Vec<_> =
            probe.source.headers().iter().map(|(name, value)| with_header(name, value)).collect();
        let line = shown(&format!("{}{}", probe.source, headers.concat()));
        items.push(Item { what: shown(&what), line, env: probe.source.env().to_vec() });
    }
    for flag in &config.flags {
        items.extend(of_flag(flag));
    }
    for action in &config.actions {
        let what = format!("action {}, reaches {}", action.name, action.reaches);
        items.push(item(&what, &action.run, &action.env));
    }
    items.extend(config.channels.iter().map(of_channel));
    items.extend(config.secrets.iter().map(of_secret));
    items.extend(of_hotfix(&config.hotfix));
    if !config.share.remote.is_empty() {
        items.push(call("share", "send incidents to and take them from", &config.share.remote, ""));
    }
    if !config.share.keep.is_empty() {
        let rest = format!(" after {}", config.share.keep);
        items.push(call("share", "remove closed incidents from", "the remote", &rest));
    }
    if !config.share.nats.is_empty() {
        items.push(call(
            "share",
            "send incidents to and take them from",
            &config.share.nats,
            &config.share.credentials,
        ));
    }
    if config.share.public {
        items.push(call("share", "send incidents to", "the remote, though everybody can read it", ""));
    }
    items
}

/// The server that is asked with a token of the user's, and files that are written to besides
/// those that are recognised everywhere.
fn of_hotfix(hotfix: &Hotfix) -> Vec<Item> {
    let mut items = Vec::new();
    let pull = &hotfix.pull;
    if !pull.api.is_empty() {
        let with = match pull.forge {
            Some(Forge::Gitlab) => "  with your token for GitLab",
            Some(Forge::Github) => "  with your token for GitHub",
            None => "  with your token for GitHub or GitLab",
        };
        items.push(call("pull requests", "ask and set at", &pull.api, with));
    }
    for file in hotfix.versions.iter().filter(|file| !file.ignore) {
        let line = format!("write the version into {}", file.path);
        items.push(Item { what: "hotfix bump".to_owned(), line: shown(&line), env: Vec::new() });
    }
    items
}

/// Commands of an environment, each named for what it does there.
fn of_environment(environment: &Environment) -> Vec<Item> {
    let Environment { name, env, deploy, smoke, proof, history, .. } = environment;
    let mut all: Vec<(String, &Vec<String>)> = Vec::new();
    let mut add = |what: &str, argv| all.push((format!("{what} {name}"), argv));
    add("deploy", deploy);
    if let Some(canary) = &environment.canary {
        add("set share of", &canary.set);
        add("ask share of", &canary.weight);
        add("end canary of", &canary.finish);
    }
    if let Some(pipeline) = &environment.pipeline {
        add("start pipeline of", &pipeline.start);
        add("ask pipeline of", &pipeline.status);
        add("read log of pipeline of", &pipeline.logs);
        add("cancel pipeline of", &pipeline.cancel);
    }
    if let Some(sides) = &environment.blue_green {
        add("ask live side of", &sides.live);
        add("deploy idle side of", &sides.deploy);
        add("check idle side of", &sides.check);
        add("switch", &sides.switch);
        add("ask version of", &sides.version);
    }
    add("smoke", smoke);
    add("proof", proof);
    add("history", history);
    for way in &environment.rollbacks {
        add(&format!("{} of", way.name), &way.command);
        add(&format!("{}: target of", way.name), &way.target);
        add(&format!("{}: proof of", way.name), &way.proof);
    }
    let there = all.iter().filter(|(_, argv)| !argv.is_empty());
    let mut items: Vec<Item> = there.map(|(what, argv)| item(what, argv, env)).collect();
    items.extend(environment.pipeline.as_ref().and_then(|pipeline| of_pipeline(name, pipeline)));
    items.extend(environment.report.as_ref().map(|report| of_report(name, report)));
    items
}

/// The code host that deploys are reported to, and the token that it gets for it.
fn of_report(environment: &str, report: &DeploymentReport) -> Item {
    let there = |one: &&str| !one.is_empty();
    let place: Vec<&str> = [report.repository.as_str(), &report.api].into_iter().filter(there).collect();
    let place = if place.is_empty() { String::new() } else { format!(" to {}", place.join(" at ")) };
    let with = if report.token.is_empty() { "your token for GitHub or GitLab" } else { &report.token };
    let line = format!("report deployments{place}  with {with}");
    Item { what: shown(&format!("deploy {environment}")), line: shown(&line), env: Vec::new() }
}

/// The code host that is asked to run a pipeline, and the token that it gets for it.
fn of_pipeline(environment: &str, pipeline: &Pipeline) -> Option<Item> {
    let (host, what) = match pipeline.kind {
        PipelineKind::GithubActions => ("GitHub", pipeline.workflow.as_str()),
        PipelineKind::Gitlab => ("GitLab", "pipelines"),
        PipelineKind::Command => return None,
    };
    let there = |one: &&str| !one.is_empty();
    let place: Vec<&str> = [what, &pipeline.repository, &pipeline.api].into_iter().filter(there).collect();
    let usual = if pipeline.token.is_empty() { format!("your token for {host}") } else { String::new() };
    let with = [&*pipeline.token, &pipeline.trigger, &usual].into_iter().filter(there);
    let with = with.collect::<Vec<_>>().join(", ");
    let line = format!("start, follow and cancel {}  with {with}", place.join(" at "));
    Some(Item { what: shown(&format!("deploy {environment}")), line: shown(&line), env: Vec::new() })
}

/// The address that is read, and those that are called to turn the flag on and off. Of a
/// service that is known the calls go to its own paths below the address.
fn of_flag(flag: &Flag) -> Vec<Item> {
    let what = format!("flag {}", flag.name);
    let with = if flag.token.is_empty() { String::new() } else { format!("  with {}", flag.token) };
    if flag.kind != FlagKind::Http {
        return vec![call(&what, "ask and set at", &flag.url, &with)];
    }
    let mut items = vec![call(&what, "GET", &flag.url, &with)];
    for (name, set) in [("on", &flag.on), ("off", &flag.off)] {
        if let Some(set) = set {
            let url = if set.url.is_empty() { &flag.url } else { &set.url };
            items.push(call(&format!("{what} {name}"), &set.method, url, &with));
        }
    }
    items
}

/// Where messages go.
fn of_channel(channel: &Channel) -> Item {
    let what = format!("channel {}, for {}", channel.name, channel.audiences.join(", "));
    if channel.kind == ChannelKind::Command {
        return item(&what, &channel.command, &channel.env);
    }
    let with = if channel.secret.is_empty() { String::new() } else { format!("  with {}", channel.secret) };
    if channel.kind == ChannelKind::Smtp {
        let (host, port) = (&channel.host, channel.mail_port());
        let to = channel.to.all().join(", ");
        let ca = match channel.ca_file.as_str() {
            "" => String::new(),
            file => format!("  trusts {file} only"),
        };
        return call(&what, "mail", &format!("{to}  by {host}:{port}{with}{ca}"), "");
    }
    let headers: Vec<_> = channel.headers.iter().map(|(name, value)| with_header(name, value)).collect();
    let token = &channel.api_token;
    let asks =
        if token.is_empty() { String::new() } else { format!("  asks {}  with {token}", channel.rest_api()) };
    let place = match (channel.api(), channel.to.one()) {
        ("", _) => format!("the address in {}", channel.secret),
        (api, "") => format!("{api}{with}{asks}"),
        (api, to) => {
            let tells = if channel.notify == Some(true) { "  notifies subscribers" } else { "" };
            format!("{api}  to {to}{with}{tells}")
        }
    };
    call(&what, "POST", &place, &headers.concat())
}

/// A header, and the secrets in it.
fn with_header(name: &str, value: &str) -> String {
    let secrets: Vec<_> = placeholder::names(value).collect();
    let from = if secrets.is_empty() { String::new() } else { format!(" ({})", secrets.join(", ")) };
    format!("  with {name}{from}")
}

/// Where the value of a secret is taken from.
fn of_secret(secret: &Secret) -> Item {
    let what = format!("secret {}", secret.name);
    let line = match (&secret.command, &secret.file, &secret.env) {
        (Some(argv), ..) => return item(&what, argv, &[]),
        (_, Some(file), _) => format!("read the file {file}"),
        (.., Some(variable)) => format!("read the variable {variable}"),
        (None, None, None) => format!("read the variable {}", secret.name),
    };
    Item { what: shown(&what), line: shown(&line), env: Vec::new() }
}

fn call(what: &str, method: &str, url: &str, rest: &str) -> Item {
    let line = format!("{method} {url}{rest}");
    Item { what: shown(what), line: shown(&line), env: Vec::new() }
}

fn item(what: &str, argv: &[String], env: &[String]) -> Item {
    Item { what: shown(what), line: shown(&shell_words::join(argv)), env: env.to_vec() }
}

/// A text that is fit to be shown: without what is a credential.
fn shown(text: &str) -> String {
    visible(&without_credentials(text)).into_owned()
}

/// Tells whether this exact content at this path was trusted.
pub fn is_trusted(state_dir: &Path, loaded: &Loaded) -> Result<bool> {
    is_trusted_at(state_dir, &path_text(loaded)?, loaded.hash)
}

/// Tells whether a content at a path was trusted.
///
/// # Errors
/// The file of trust cannot be read.
pub fn is_trusted_at(state_dir: &Path, path: &str, hash: Hash) -> Result<bool> {
    let trusted = read(&state_dir.join(FILE))?.trusted;
    Ok(trusted.iter().any(|entry| entry.path == path && entry.sha256 == hash))
}

/// Refuses a configuration that is not trusted.
///
/// # Errors
/// It is not trusted (exit code 4), or the file of trust cannot be read.
pub fn require(state_dir: &Path, loaded: &Loaded) -> Result<()> {
    if is_trusted(state_dir, loaded)? {
        return Ok(());
    }
    Err(Failure::of(
        FailureKind::NotTrusted,
        "reading flightdeck.toml",
        "flightdeck.toml is new or changed, and not trusted on this machine",
        "look at what it would run with `flightdeck trust --show`, then `flightdeck trust`",
    ))
}

/// Remembers that the user trusts this exact content at this path.
pub fn trust(state_dir: &Path, loaded: &Loaded, now: Timestamp) -> Result<()> {
    trust_at(state_dir, &path_text(loaded)?, loaded.hash, now)
}

/// Remembers that the user trusts a content at a path.
///
/// # Errors
/// That cannot be written down.
pub fn trust_at(state_dir: &Path, path: &str, hash: Hash, now: Timestamp) -> Result<()> {
    let file = state_dir.join(FILE);
    let doing = || format!("writing {}", visible(&file.display().to_string()));
    let hint = "make the state directory writable, or set FLIGHTDECK_STATE_DIR to another";
    let fail = |error: std::io::Error| Failure::new(doing(), error, hint);

    DirBuilder::new().recursive(true).mode(0o700).create(state_dir).map_err(fail)?;
    // Two terminals may trust two repositories at the same moment.
    let lock = private(&state_dir.join("trust.lock")).map_err(fail)?;
    lock.lock().map_err(fail)?;

    let mut all = read(&file)?;
    all.trusted.retain(|entry| entry.path != path || entry.sha256 != hash);
    all.trusted.push(Entry { path: path.to_owned(), sha256: hash, at: now });
    let surplus = all.trusted.iter().filter(|entry| entry.path == path).count().saturating_sub(MAX_CONTENTS);
    let mut dropped = 0;
    all.trusted.retain(|entry| {
        let drop = entry.path == path && dropped < surplus;
        dropped += usize::from(drop);
        !drop
    });
    write(&file, &all).map_err(fail)
}

fn read(file: &Path) -> Result<Trusted> {
    let Some(bytes) = super::load::bytes(file)? else { return Ok(Trusted::default()) };
    serde_json::from_slice(&bytes).map_err(|error| {
        Failure::new(
            format!("reading {}", visible(&file.display().to_string())),
            error,
            "remove the file, and trust your repositories again with `flightdeck trust`",
        )
    })
}

/// Writes the whole file beside its place and moves it there, so that nobody reads half.
fn write(file: &Path, all: &Trusted) -> std::io::Result<()> {
    let beside = file.with_extension("json.new");
    let mut out = private(&beside)?;
    out.set_len(0)?;
    out.write_all(&serde_json::to_vec_pretty(all)?)?;
    out.sync_all()?;
    std::fs::rename(&beside, file)
}

/// Opens a file for writing that only its owner may read, whatever the umask.
fn private(path: &Path) -> std::io::Result<File> {
    OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path)
}

fn path_text(loaded: &Loaded) -> Result<String> {
    loaded.path.to_str().map(str::to_owned).ok_or_else(|| {
        Failure::new(
            "looking up whether flightdeck.toml is trusted",
            "the path of the repository is not UTF-8",
            "move the repository to a path of plain characters",
        )
    })
}

#[cfg(test)]
mod tests;
