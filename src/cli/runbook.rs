//! `flightdeck runbook`: what is written down for when something fails.

use serde::Serialize;

use super::End;
use super::args::WorldArgs;
use super::carry::carry;
use super::context::Context;
use crate::conductor;
use crate::config::load;
use crate::config::types::Config;
use crate::failure::{Failure, Result};
use crate::hotfix::git::Reader;
use crate::plan::Request;
use crate::report::runbook::{self, Shelf};
use crate::text::visible;

/// List, read, search and run the runbooks of the repository
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  flightdeck runbook search pool
  flightdeck runbook show runbooks/db/pool.md
  flightdeck runbook run runbooks/db/pool.md 1 --dry-run")]
pub(crate) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// List them
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Print one, and which blocks of commands it has
    Show {
        /// Its path
        #[arg(value_name = "FILE")]
        path: String,
    },
    /// Search them, and print the lines found
    Search {
        /// The words
        #[arg(value_name = "TEXT")]
        text: String,
    },
    /// Run a block of commands of one, as a plan
    Run {
        /// Its path
        #[arg(value_name = "FILE")]
        path: String,

        /// Which block of commands, from 1, as `runbook show` numbers them
        #[arg(value_name = "BLOCK", default_value_t = 1)]
        block: usize,

        #[command(flatten)]
        world: WorldArgs,
    },
}

/// A runbook as `--json` prints it.
#[derive(Serialize)]
struct Row<'a> {
    path: &'a str,
    title: &'a str,
    probes: &'a [String],
    paths: &'a [String],
}

/// Carries the verb out.
pub(crate) fn run(args: &Args, cx: &Context) -> Result<End> {
    match &args.what {
        What::List { json } => list(cx, *json),
        What::Show { path } => show(cx, path),
        What::Search { text } => search(cx, text),
        What::Run { path, block, world } => {
            let config =
                if load::load(cx.root()?)?.is_some() { cx.trusted_config()?.config } else { folders(cx)? };
            let page = conductor::runbook_page(cx.root()?, &config, path)?;
            let request = Request::Runbook { path: path.clone(), block: *block, shown: page.sha256 };
            carry(cx, &config, &request, world)
        }
    }
}

/// The configuration, to know the folders of runbooks: reading them runs nothing.
fn folders(cx: &Context) -> Result<Config> {
    Ok(load::load(cx.root()?)?.map(|loaded| loaded.config).unwrap_or_default())
}

fn shelf(cx: &Context) -> Result<Shelf> {
    let root = cx.root()?;
    let reader = Reader::open(root).ok();
    let root = reader.as_ref().map_or(root, Reader::root);
    Ok(conductor::runbook_shelf(root, &folders(cx)?))
}

fn list(cx: &Context, json: bool) -> Result<End> {
    let shelf = shelf(cx)?;
    if json {
        let row = |one: &'_ runbook::Runbook| -> serde_json::Value {
            let row = Row { path: &one.path, title: &one.title, probes: &one.probes, paths: &one.covers };
            serde_json::to_value(row).unwrap_or_default()
        };
        cx.out.json(&shelf.runbooks.iter().map(row).collect::<Vec<_>>())?;
    } else {
        let widest = shelf.runbooks.iter().map(|one| one.path.chars().count()).max().unwrap_or_default();
        for one in &shelf.runbooks {
            cx.out.line(&visible(&format!("{:<widest$}  {}", one.path, one.title)))?;
        }
        if shelf.runbooks.is_empty() {
            cx.out.tell(&format!(
                "no runbooks yet: put Markdown files into {}",
                folders(cx)?.runbooks.paths.join(", ")
            ));
        }
    }
    for (path, why) in &shelf.skipped {
        cx.out.tell(&format!("left out: {}: {}", visible(path), visible(why)));
    }
    Ok(End::Done)
}

fn show(cx: &Context, path: &str) -> Result<End> {
    let page = conductor::runbook_page(cx.root()?, &folders(cx)?, path)?;
    cx.out.lines(&page.text)?;
    if !page.cut.is_empty() {
        cx.out.tell(&page.cut);
    }
    for (index, block) in page.commands.iter().enumerate() {
        let number = index + 1;
        match &block.lines {
            Ok(lines) => {
                let lines: Vec<String> = lines.iter().map(shell_words::join).collect();
                cx.out.tell(&visible(&format!("block {number}: {}", lines.join("; then "))));
            }
            Err(why) => cx.out.tell(&format!("block {number} cannot be run: {}", visible(why))),
        }
    }
    Ok(End::Done)
}

fn search(cx: &Context, text: &str) -> Result<End> {
    if text.trim().is_empty() {
        return Err(Failure::usage("searching the runbooks", "nothing to search for", "name some words"));
    }
    let shelf = shelf(cx)?;
    let mut found = 0;
    for one in &shelf.runbooks {
        for (number, line) in runbook::lines(&one.text, text.trim()) {
            found += 1;
            cx.out.line(&visible(&format!("{}:{number}: {}", one.path, line.trim())))?;
        }
    }
    if found == 0 {
        cx.out.tell("no match (the first 64 KiB of each runbook were searched)");
    }
    Ok(End::Done)
}
