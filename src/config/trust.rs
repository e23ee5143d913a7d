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
    Channel, ChannelKind, Config, Environment, Flag, FlagKind, Forge, Hotfix, Pipeline, PipelineKind, Secret,
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
    items
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
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::config::load;

    fn repository(content: &str) -> (tempfile::TempDir, Loaded) {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join(load::FILE), content).unwrap();
        let loaded = load::load(dir.path()).unwrap().unwrap();
        (dir, loaded)
    }

    #[test]
    fn only_this_content_at_this_path_is_trusted() {
        let state = tempfile::tempdir().unwrap();
        let (dir, loaded) = repository("[service]\nname = \"a\"\n");
        assert_eq!(require(state.path(), &loaded).unwrap_err().kind, FailureKind::NotTrusted);
        trust(state.path(), &loaded, Timestamp::UNIX_EPOCH).unwrap();
        assert!(is_trusted(state.path(), &loaded).unwrap());

        std::fs::write(dir.path().join(load::FILE), "[service]\nname = \"a\" \n").unwrap();
        let changed = load::load(dir.path()).unwrap().unwrap();
        assert_eq!(changed.config.checks, loaded.config.checks, "only the bytes differ");
        assert!(!is_trusted(state.path(), &changed).unwrap());

        let (_elsewhere, same) = repository("[service]\nname = \"a\"\n");
        assert!(!is_trusted(state.path(), &same).unwrap());
    }

    #[test]
    fn going_back_to_a_trusted_content_asks_nothing_and_the_oldest_is_forgotten() {
        let state = tempfile::tempdir().unwrap();
        let (_dir, mut loaded) = repository("");
        let hashes: Vec<Hash> = (0..=MAX_CONTENTS).map(|n| Hash::of(&n.to_le_bytes())).collect();
        for hash in &hashes {
            loaded.hash = *hash;
            trust(state.path(), &loaded, Timestamp::UNIX_EPOCH).unwrap();
        }
        loaded.hash = hashes[1];
        assert!(is_trusted(state.path(), &loaded).unwrap());
        loaded.hash = hashes[0];
        assert!(!is_trusted(state.path(), &loaded).unwrap());
    }

    #[test]
    fn the_file_is_for_its_owner_only_and_a_broken_one_is_said_to_be() {
        let state = tempfile::tempdir().unwrap();
        let (_dir, loaded) = repository("");
        let inner = state.path().join("made/for/it");
        trust(&inner, &loaded, Timestamp::UNIX_EPOCH).unwrap();
        let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&inner.join(FILE)), 0o600);
        assert_eq!(mode(&inner), 0o700);
        std::fs::write(inner.join(FILE), "{").unwrap();
        let failure = is_trusted(&inner, &loaded).unwrap_err();
        assert!(failure.hint.contains("trust your repositories again"), "{failure}");
    }

    #[test]
    fn all_that_would_run_or_be_asked_is_listed() {
        let config = load::parse(
            br#"
            [[checks]]
            name = "unit"
            command = ["cargo", "test", "a b"]
            env = ["CI"]
            [[environments]]
            name = "staging"
            deploy = ["./deploy.sh", "{ref}"]
            smoke = ["./smoke.sh"]
            proof = ["cat", "deployed"]
            [[probes]]
            name = "db"
            command = ["psql", "-c", "select 1"]
            [[probes]]
            name = "web"
            url = "https://me:secret@example.com/health"
            "#,
        )
        .unwrap();
        let items = what_would_run(&config);
        let lines: Vec<String> = items.iter().map(|item| format!("{}: {}", item.what, item.line)).collect();
        assert_eq!(lines[0], "check unit: cargo test 'a b'");
        assert_eq!(items[0].env, ["CI"]);
        assert_eq!(lines[2], "smoke staging: ./smoke.sh");
        assert_eq!(lines[4], "probe db: psql -c 'select 1'");
        assert!(
            lines[5].starts_with("probe web: GET https://…@example.com/") && !lines[5].contains("secret"),
            "{}",
            lines[5]
        );
        assert_eq!(lines.len(), 6);
    }

    #[test]
    fn what_every_way_to_deploy_and_back_would_run_is_listed() {
        let config = load::parse(
            br#"
            [[probes]]
            name = "web"
            command = ["./web.sh"]
            environment = "production"
            env = ["WEB_KEY"]
            [[environments]]
            name = "production"
            deploy = ["./deploy.sh"]
            history = ["./releases.sh"]
            env = ["DEPLOY_TOKEN"]
            [environments.canary]
            weights = [100]
            set = ["./weight.sh", "{weight}"]
            weight = ["./weight.sh"]
            [[environments.rollbacks]]
            name = "undo"
            command = ["./undo.sh"]
            target = ["./undo.sh", "--what"]
            proof = ["./deployed.sh"]
            [[environments]]
            name = "eu"
            [environments.blue_green]
            live = ["./live.sh"]
            deploy = ["./side.sh", "{side}"]
            check = ["./check.sh", "{side}"]
            switch = ["./switch.sh", "{side}"]
            version = ["./version.sh", "{side}"]
            [[secrets]]
            name = "DEPLOY_TOKEN"
            command = ["pass", "show", "deploy"]
            [[secrets]]
            name = "WEB_TOKEN"
            file = "~/.web"
            "#,
        )
        .unwrap_or_else(|invalid| panic!("{invalid}"));
        let items = what_would_run(&config);
        let lines: Vec<String> = items.iter().map(ToString::to_string).collect();
        let all = lines.join("\n");
        for part in [
            "deploy production      ./deploy.sh  (given DEPLOY_TOKEN)",
            "./weight.sh {weight}",
            "ask share of production ./weight.sh",
            "history production     ./releases.sh",
            "undo of production     ./undo.sh",
            "./undo.sh --what",
            "undo: proof of production ./deployed.sh",
            "ask live side of eu    ./live.sh",
            "./side.sh {side}",
            "./check.sh {side}",
            "./switch.sh {side}",
            "./version.sh {side}",
            "./web.sh  (given WEB_KEY)",
            "secret DEPLOY_TOKEN    pass show deploy",
            "secret WEB_TOKEN       read the file ~/.web",
        ] {
            assert!(all.contains(part), "{part} in\n{all}");
        }
        assert_eq!(lines.len(), 15, "{all}");
    }

    #[test]
    fn a_pipeline_is_listed_with_its_host_and_the_token_that_it_gets() {
        let listed = |text: &str| {
            let text = format!("[[environments]]\nname = \"eu\"\n[environments.pipeline]\n{text}");
            let config = load::parse(text.as_bytes()).unwrap_or_else(|invalid| panic!("{invalid}"));
            what_would_run(&config).iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
        };
        let api = "api = \"https://git.test/api/v3\"\n";
        assert_eq!(
            listed(&format!("kind = \"github-actions\"\nworkflow = \"deploy.yml\"\n{api}")),
            "deploy eu              start, follow and cancel deploy.yml at https://git.test/api/v3  with your token for GitHub"
        );
        let secrets = "[[secrets]]\nname = \"CI\"\n[[secrets]]\nname = \"T\"\n";
        let lab = listed(&format!("kind = \"gitlab\"\ntoken = \"CI\"\ntrigger = \"T\"\n{secrets}"));
        assert!(lab.contains("start, follow and cancel pipelines  with CI, T"), "{lab}");
    }

    #[test]
    fn where_messages_go_is_listed_with_whom_they_reach_besides() {
        let config = load::parse(
            br#"
            [[secrets]]
            name = "KEY"
            [[channels]]
            name = "mail"
            kind = "smtp"
            audiences = ["executives"]
            host = "mail.example"
            from = "us@shop.example"
            to = ["a@shop.example", "b@shop.example"]
            user = "us"
            secret = "KEY"
            ca_file = "ops/ca.pem"
            [[channels]]
            name = "page"
            kind = "statuspage"
            audiences = ["customers"]
            to = "k1"
            notify = true
            secret = "KEY"
            [[channels]]
            name = "hook"
            kind = "teams"
            audiences = ["business"]
            secret = "KEY"
            [[channels]]
            name = "chat"
            kind = "webhook"
            audiences = ["business"]
            url = "https://chat.example/x"
            headers = { Authorization = "Bearer {secret:KEY}", X-Team = "shop" }
            "#,
        )
        .unwrap_or_else(|invalid| panic!("{invalid}"));
        let lines: Vec<String> = what_would_run(&config).into_iter().map(|item| item.line).collect();
        assert_eq!(
            lines[..4],
            [
                "mail a@shop.example, b@shop.example  by mail.example:465  with KEY  trusts ops/ca.pem only",
                "POST https://api.statuspage.io  to k1  with KEY  notifies subscribers",
                "POST the address in KEY",
                "POST https://chat.example/x  with Authorization (KEY)  with X-Team",
            ]
        );
    }

    #[test]
    fn calls_of_flags_are_listed_without_passwords() {
        let flag = |kind| Flag {
            name: "checkout".to_owned(),
            kind,
            url: "https://me:hunter2@flags.example/checkout".to_owned(),
            token: "FLAG_TOKEN".to_owned(),
            key: String::new(),
            project: String::new(),
            environment: String::new(),
            path: String::new(),
            on: None,
            off: Some(super::super::types::FlagCall {
                method: "DELETE".to_owned(),
                url: "https://flags.example/off".to_owned(),
                body: String::new(),
            }),
            about: String::new(),
        };
        let config =
            Config { flags: vec![flag(FlagKind::Http), flag(FlagKind::Unleash)], ..Config::default() };
        let lines: Vec<String> = what_would_run(&config).iter().map(ToString::to_string).collect();
        assert_eq!(lines.len(), 3, "{lines:?}");
        assert!(lines.iter().all(|line| line.contains("with FLAG_TOKEN") && !line.contains("hunter2")));
        assert!(
            lines[1].contains("flag checkout off") && lines[1].contains("DELETE https://flags.example/off")
        );
    }
}
