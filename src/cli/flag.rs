//! `flightdeck flag`: feature flags with their state, and turning one on or off.

use std::fmt::Write as _;

use serde::Serialize;

use super::End;
use super::args::WorldArgs;
use super::carry::carry;
use super::context::Context;
use crate::conductor;
use crate::config::types::{Config, Flag};
use crate::deploy::flags::{FlagState, Switch, find};
use crate::failure::{FailureKind, Result};
use crate::plan::Request;

/// What stands for all flags where no state is given.
const LIST: &str = "list";

/// Turn a feature flag on or off, or list them with their state
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  flightdeck flag                   lists them
  flightdeck flag loyalty off")]
pub(crate) struct Args {
    /// Name of the flag; default, and `list`: all
    #[arg(value_name = "NAME")]
    pub(crate) name: Option<String>,

    /// On or off; without it, the state is shown
    #[arg(value_name = "on|off", value_parser = ["on", "off"])]
    pub(crate) to: Option<String>,

    #[command(flatten)]
    pub(crate) world: WorldArgs,
}

/// A flag as `--json` prints it.
#[derive(Serialize)]
struct Row<'a> {
    name: &'a str,
    about: &'a str,
    /// `on`, `off` or `unknown`.
    state: &'static str,
    /// Why it is unknown; `null` where it is not.
    why: Option<&'a str>,
    /// How long its service took to answer.
    ms: f64,
}

/// Carries the verb out.
pub(crate) fn run(args: &Args, cx: &Context) -> Result<End> {
    let config = cx.trusted_config()?.config;
    match (&args.name, &args.to) {
        (Some(name), Some(to)) => set(args, cx, &config, name, to == "on"),
        (Some(name), None) if name != LIST => {
            let flag = find(&config, "reading a flag", name)?.clone();
            show(args, cx, &only(&config, flag))
        }
        _ => show(args, cx, &config),
    }
}

fn set(args: &Args, cx: &Context, config: &Config, name: &str, on: bool) -> Result<End> {
    let end = carry(cx, config, &Request::Flag { name: name.to_owned(), on }, &args.world)?;
    if args.world.json && !args.world.dry_run && !args.world.detach && !args.world.propose {
        let flag = find(config, "reading a flag", name)?.clone();
        let states = conductor::flag_states(&only(config, flag), cx.root()?);
        if let Some(state) = states.first() {
            cx.out.json(&row(state))?;
        }
    }
    Ok(end)
}

/// A configuration with one flag only.
fn only(config: &Config, flag: Flag) -> Config {
    Config { flags: vec![flag], ..config.clone() }
}

fn show(args: &Args, cx: &Context, config: &Config) -> Result<End> {
    let states = conductor::flag_states(config, cx.root()?);
    if args.world.json {
        cx.out.json(&states.iter().map(row).collect::<Vec<_>>())?;
    } else if states.is_empty() {
        cx.out.tell("no flags are configured; add [[flags]] to flightdeck.toml");
    } else {
        cx.out.lines(&table(&states))?;
    }
    let unknown = states.iter().any(|state| matches!(state.state, Switch::Unknown(_)));
    Ok(if unknown { End::Bad(FailureKind::Unknown) } else { End::Done })
}

fn row(state: &FlagState) -> Row<'_> {
    let why = match &state.state {
        Switch::Unknown(why) => Some(why.as_str()),
        Switch::On | Switch::Off => None,
    };
    Row { name: &state.name, about: &state.about, state: state.state.name(), why, ms: state.ms }
}

/// One line a flag; below it why its state is not known.
fn table(states: &[FlagState]) -> String {
    let widest = states.iter().map(|state| state.name.chars().count()).max().unwrap_or_default();
    let mut text = String::new();
    for state in states {
        let glyph = match state.state {
            Switch::On => '●',
            Switch::Off => '○',
            Switch::Unknown(_) => '?',
        };
        let line = format!("{glyph} {:<widest$}  {:<7}  {}", state.name, state.state.name(), state.about);
        let _ = writeln!(text, "{}", line.trim_end());
        if let Switch::Unknown(why) = &state.state {
            let _ = writeln!(text, "    {why}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_says_why_a_state_is_not_known() {
        let state = |name: &str, state| FlagState { name: name.into(), about: "it".into(), state, ms: 1.0 };
        let states = [
            state("new-checkout", Switch::On),
            state("a", Switch::Off),
            state("b", Switch::Unknown("nobody answered".into())),
        ];
        assert_eq!(
            table(&states),
            "● new-checkout  on       it\n○ a             off      it\n? b             unknown  it\n    \
             nobody answered\n"
        );
        assert_eq!(row(&states[2]).why, Some("nobody answered"));
        assert_eq!(row(&states[1]).why, None);
    }
}
