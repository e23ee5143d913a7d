//! `flightdeck action`: commands of this team's own.

use std::fmt::Write as _;

use serde::Serialize;

use super::End;
use super::args::WorldArgs;
use super::carry::carry;
use super::context::Context;
use crate::config::types::Config;
use crate::failure::Result;
use crate::plan::Request;
use crate::text::address::without_credentials;

/// Run one of the actions of flightdeck.toml, or list them
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Name of the action; default: list them all
    #[arg(value_name = "NAME")]
    pub(crate) name: Option<String>,

    #[command(flatten)]
    pub(crate) world: WorldArgs,
}

/// An action as `--json` prints it.
#[derive(Serialize)]
struct Row<'a> {
    name: &'a str,
    title: &'a str,
    run: &'a [String],
    reaches: &'a str,
    key: Option<&'a str>,
}

/// Carries the verb out.
pub(crate) fn run(args: &Args, cx: &Context) -> Result<End> {
    let config = cx.trusted_config()?.config;
    match &args.name {
        Some(name) => carry(cx, &config, &Request::Action { name: name.clone() }, &args.world),
        None => list(args, cx, &config),
    }
}

fn list(args: &Args, cx: &Context, config: &Config) -> Result<End> {
    if args.world.json {
        let rows = config.actions.iter().map(|action| Row {
            name: &action.name,
            title: action.about(),
            run: &action.run,
            reaches: &action.reaches,
            key: Some(action.key.as_str()).filter(|key| !key.is_empty()),
        });
        cx.out.json(&rows.collect::<Vec<_>>())?;
    } else if config.actions.is_empty() {
        cx.out.tell("no actions are configured; add [[actions]] to flightdeck.toml");
    } else {
        cx.out.lines(&table(config))?;
    }
    Ok(End::Done)
}

/// One line an action, and below it what it runs.
fn table(config: &Config) -> String {
    let mut text = String::new();
    for action in &config.actions {
        let line = shell_words::join(&action.run);
        let title = if action.title.is_empty() { String::new() } else { format!(": {}", action.title) };
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{}{title}  (reaches {})", action.name, action.reaches);
        let _ = writeln!(text, "    {}", without_credentials(&line));
    }
    text
}
