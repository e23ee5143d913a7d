//! `flightdeck config`: checks, describes and shows the configuration.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use serde::Serialize;

use super::End;
use super::context::Context;
use crate::cockpit::commands::COMMANDS;
use crate::cockpit::keymap::Keymap;
use crate::cockpit::own;
use crate::conductor::missing_secrets;
use crate::config::action::bad_key;
use crate::config::effective::{self, Here};
use crate::config::load::{self, Loaded, Refused};
use crate::config::problem::Invalid;
use crate::config::programs::{Around, Looked, look};
use crate::config::trust;
use crate::config::types::Config;
use crate::deploy::watch;
use crate::failure::{Failure, FailureKind, Result};
use crate::hotfix::git::Reader;
use crate::text::visible;

/// Check, describe or show the configuration
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What can be asked of it.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Check flightdeck.toml and the user's settings
    ///
    /// Looks at what the file says and at what its commands name. Problems end with exit code 2: a script
    /// that does not exist, a whole command line in one string. Warnings do not: a program that is not in
    /// PATH on this machine, a file that git ignores because a build makes it. Nothing is run.
    Check,
    /// Print the JSON schema of flightdeck.toml
    Schema,
    /// Print what is in force, defaults filled in
    Show {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

/// Carries the verb out.
pub(crate) fn run(args: &Args, cx: &Context) -> Result<End> {
    match &args.command {
        Command::Check => check(cx),
        Command::Schema => {
            cx.out.json(&load::schema())?;
            Ok(End::Done)
        }
        Command::Show { json } => show(cx, *json),
    }
}

/// Checks both files, and says of each what is wrong with it.
fn check(cx: &Context) -> Result<End> {
    let settings = cx.settings();
    let root = cx.root()?;
    let mut end = End::Done;
    match load::read_with_text(root) {
        Ok(Some((loaded, text))) => {
            let keymap = settings.as_ref().ok().and_then(|it| Keymap::with(&it.settings.keys).ok());
            let taken = own::clashes(&loaded.config.actions, &keymap.unwrap_or_default());
            let taken = taken.iter().filter_map(|(index, why)| bad_key(&text, *index, why));
            let problems = programs(root, &text).problems.into_iter().chain(taken).collect();
            let looked = Invalid::new(load::FILE, &text, problems);
            if !looked.is_usable() {
                end = End::Bad(FailureKind::Usage);
            }
            if looked.problems.is_empty() {
                cx.out.line(&sound(cx, &loaded)?)?;
                for line in lacking(&loaded.config, root) {
                    cx.out.line(&format!("▲ secrets: {line}"))?;
                }
            } else {
                said(cx, &looked)?;
            }
        }
        Ok(None) => cx.out.line("no flightdeck.toml: flightdeck init writes one")?,
        Err(Refused::Invalid(invalid)) => {
            let Invalid { name, source, mut problems } = invalid;
            problems.extend(programs(root, &source).problems);
            said(cx, &Invalid::new(&name, &source, problems))?;
            end = End::Bad(FailureKind::Usage);
        }
        Err(Refused::Unreadable(failure)) => return Err(failure),
    }
    let settings = settings?;
    if let Err(bad) = Keymap::with(&settings.settings.keys) {
        let invalid = settings.bad_keys(bad.iter().map(|bad| (bad.action.as_str(), bad.why.as_str())));
        return Err(invalid.into());
    }
    if settings.source.is_empty() {
        cx.out.line(&format!("settings: all defaults; yours would be in {}", settings.path.display()))?;
    } else {
        cx.out.line(&format!("{}: all is well", settings.path.display()))?;
    }
    Ok(end)
}

fn said(cx: &Context, invalid: &Invalid) -> Result<()> {
    cx.out.put(&format!("{}\n\nflightdeck.toml: {}\n", invalid.render(cx.out.colour), invalid.count()))
}

/// Looks for the programs and scripts that a `flightdeck.toml` names.
pub(crate) fn programs(root: &Path, text: &str) -> Looked {
    let reader = Reader::open(root).ok();
    let is_ignored = |path: &Path| {
        let path = path.to_str().unwrap_or_default();
        reader.as_ref().is_some_and(|reader| reader.is_ignored(path))
    };
    let root = reader.as_ref().map_or(root, Reader::root);
    look(text, &Around { root, path: std::env::var_os("PATH"), is_ignored: &is_ignored })
}

fn sound(cx: &Context, loaded: &Loaded) -> Result<String> {
    let trusted = if trust::is_trusted(&cx.state_dir, loaded)? {
        "trusted"
    } else {
        "not trusted yet: flightdeck trust"
    };
    Ok(format!("flightdeck.toml: all is well: {}; {trusted}", contents(&loaded.config)))
}

/// What commands lack on this machine, a line each: `DEPLOY_TOKEN is not set: deploy production will not start`.
pub(crate) fn lacking(config: &Config, root: &Path) -> Vec<String> {
    let missing = missing_secrets(config, root).into_iter();
    let said = missing.filter_map(|(name, why)| {
        let users = users_of(config, &name);
        let why = why.rsplit_once("environment variable ").map_or(why.as_str(), |(_, rest)| rest);
        (!users.is_empty()).then(|| format!("{why}: {} will not start", users.join(", ")))
    });
    said.map(|line| visible(&line).into_owned()).collect()
}

/// What names a secret among its variables: `deploy production`, `check unit`.
fn users_of(config: &Config, secret: &str) -> Vec<String> {
    fn names(value: &serde_json::Value, secret: &str) -> bool {
        use serde_json::Value::{Array, Object};
        let is_it = |one: &serde_json::Value| one.as_str() == Some(secret);
        match value {
            Object(map) => map.iter().any(|(key, value)| {
                (key == "env" && value.as_array().is_some_and(|all| all.iter().any(is_it)))
                    || names(value, secret)
            }),
            Array(all) => all.iter().any(|value| names(value, secret)),
            _ => false,
        }
    }
    fn those<T: Serialize>(
        all: &[T],
        secret: &str,
        named: impl Fn(&T) -> String,
    ) -> impl Iterator<Item = String> {
        let is_one = |one: &&T| serde_json::to_value(one).is_ok_and(|value| names(&value, secret));
        all.iter().filter(is_one).map(named).collect::<Vec<_>>().into_iter()
    }
    let checks = those(&config.checks, secret, |check| format!("check {}", check.name));
    let deploys = those(&config.environments, secret, |env| format!("deploy {}", env.name));
    let flags = those(&config.flags, secret, |flag| format!("flag {}", flag.name));
    let actions = those(&config.actions, secret, |action| format!("action {}", action.name));
    checks.chain(deploys).chain(flags).chain(actions).collect()
}

/// What is in a configuration, counted.
pub(crate) fn contents(config: &Config) -> String {
    let counted = |n: usize, one: &str| format!("{n} {one}{}", if n == 1 { "" } else { "s" });
    [
        counted(config.checks.len(), "check"),
        counted(config.environments.len(), "environment"),
        counted(config.probes.len(), "probe"),
    ]
    .join(", ")
}

/// Every action with its keys, as they stand in the user's settings; comments in a `flightdeck.toml`.
fn keys(changed: &BTreeMap<String, Vec<String>>) -> String {
    let mut text = String::from("\n# Keys, as `[keys]` in settings.toml names them:\n");
    for spec in COMMANDS {
        let default = || spec.keys.iter().map(|key| (*key).to_owned()).collect();
        let keys: Vec<String> = changed.get(spec.id).cloned().unwrap_or_else(default);
        // Writing to a string cannot fail.
        let _ = writeln!(text, "# {} = {keys:?}", toml_key(spec.id));
    }
    text
}

/// A key with a dot in it stands in quotes: it is one key, not a table.
fn toml_key(id: &str) -> String {
    if id.contains('.') { format!("\"{id}\"") } else { id.to_owned() }
}

fn show(cx: &Context, json: bool) -> Result<End> {
    let place = cx.place()?;
    let reader = Reader::open(&place.root).ok();
    let here = Here {
        name: place.name.clone(),
        base: reader.as_ref().and_then(Reader::default_branch),
        remote: reader.and_then(|reader| reader.remote_name("")),
    };
    let mut setup = cx.setup()?;
    let watched = |env| watch::after_deploy(&setup.config, env, &setup.policy);
    let times: Vec<_> = setup.config.environments.iter().map(watched).collect();
    for (env, time) in setup.config.environments.iter_mut().zip(times) {
        env.watch = env.watch.or(time);
    }
    let config = effective::with_defaults(setup.config, &setup.policy, here);
    let config = effective::without_secrets(&config)?;
    if json {
        cx.out.json(&config)?;
        return Ok(End::Done);
    }
    let mut text = String::from("# What is in force here, defaults filled in.\n\n");
    let toml = toml::to_string(&config).map_err(|error| {
        Failure::new("showing the configuration", error, "flightdeck config show --json shows it too")
    })?;
    // Writing to a string cannot fail.
    let _ = write!(text, "{toml}");
    text.push_str(&keys(&cx.settings().map(|settings| settings.settings.keys).unwrap_or_default()));
    cx.out.lines(&text)?;
    Ok(End::Done)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cockpit::key::Key;

    #[test]
    fn the_keys_that_are_shown_can_be_put_into_the_settings() {
        let changed = BTreeMap::from([("quit".to_owned(), vec!["Q".to_owned()])]);
        let shown = keys(&changed);
        let (_, lines) = shown.trim_start().split_once('\n').unwrap();
        let lines: Vec<&str> = lines.lines().map(|line| line.trim_start_matches("# ")).collect();
        let read: BTreeMap<String, Vec<String>> = toml::from_str(&lines.join("\n")).unwrap();
        assert_eq!((read.len(), &read["quit"]), (COMMANDS.len(), &changed["quit"]));
        assert_eq!(read["note.finding"], ["f"]);
        for (action, keys) in &read {
            let known = crate::cockpit::Command::parse(action).is_some();
            assert!(known && keys.iter().all(|key| Key::parse(key).is_some()), "{action} = {keys:?}");
        }
    }

    #[test]
    fn a_secret_names_what_needs_it() {
        let config: Config = toml::from_str(
            "[[secrets]]\nname = \"FLIGHTDECK_NO_SUCH_TOKEN\"\n\
             [[secrets]]\nname = \"OTHER\"\n\
             [[checks]]\nname = \"unit\"\ncommand = [\"sh\"]\n\
             [[environments]]\nname = \"production\"\ndeploy = [\"sh\"]\nenv = [\"FLIGHTDECK_NO_SUCH_TOKEN\"]\n",
        )
        .unwrap();
        assert_eq!(users_of(&config, "FLIGHTDECK_NO_SUCH_TOKEN"), ["deploy production"]);
        assert!(users_of(&config, "OTHER").is_empty());
        let said = "FLIGHTDECK_NO_SUCH_TOKEN is not set: deploy production will not start";
        assert_eq!(lacking(&config, Path::new("/")), [said]);
    }
}
