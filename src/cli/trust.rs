//! `flightdeck trust`: lets the configuration name commands, and git run what the repository itself
//! has set up.

use super::End;
use super::context::Context;
use crate::conductor;
use crate::config::load::{self, Loaded};
use crate::config::trust::{self, Item};
use crate::failure::{Failure, FailureKind, Result};
use crate::hotfix::git::Reader;
use crate::hotfix::git::own::Own;
use crate::incident::Hash;
use crate::text::visible;

/// Show what flightdeck.toml would run, then trust exactly that
///
/// Git's own configuration of the repository and its hooks are shown and trusted with it. On a terminal it
/// asks before it trusts anything.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Only show it
    #[arg(long)]
    pub(crate) show: bool,
}

/// Carries the verb out.
pub(crate) fn run(args: &Args, cx: &Context) -> Result<End> {
    let root = cx.root()?;
    let reader = Reader::open(root).map_err(|none| none.failure(&root.to_string_lossy()))?;
    let own = reader.own().map_err(|why| {
        let doing = "reading the repository's own git configuration";
        Failure::new(doing, visible(&why), "git config --local --list shows what is wrong")
    })?;
    let loaded = load::load(root)?;
    if loaded.is_none() && own.named.is_empty() {
        return Err(Failure::usage(
            "trusting flightdeck.toml",
            "none in this repository",
            "flightdeck init writes one",
        ));
    }
    if let Some(loaded) = &loaded {
        configuration(cx, loaded)?;
    }
    if !own.named.is_empty() {
        git(cx, &own)?;
    }
    let doing = "trusting what this repository would run";
    if !args.show && super::yes::is_meant(cx, doing, "trust exactly this")? == Some(false) {
        let hint = "flightdeck trust shows it again";
        return Err(Failure::of(FailureKind::NotTrusted, doing, "nothing was trusted", hint));
    }
    if let Some(loaded) = &loaded {
        if !args.show {
            trust::trust(&cx.state_dir, loaded, cx.now())?;
        }
        told(args, cx, trust::is_trusted(&cx.state_dir, loaded)?, loaded.hash)?;
    }
    if !own.named.is_empty() {
        if !args.show {
            conductor::trust_it(&cx.state_dir, &own, cx.now())?;
        }
        told(args, cx, conductor::is_trusted(&cx.state_dir, &own)?, Hash::of(&own.content))?;
    }
    Ok(End::Done)
}

fn configuration(cx: &Context, loaded: &Loaded) -> Result<()> {
    let items = trust::what_would_run(&loaded.config);
    if items.is_empty() {
        return cx.out.line(&format!("{} would run nothing", loaded.path.display()));
    }
    cx.out.line(&format!("{} would run or ask:", loaded.path.display()))?;
    cx.out.lines(&listed(&items))
}

/// What came with the repository in its `.git`.
fn git(cx: &Context, own: &Own) -> Result<()> {
    let items: Vec<Item> = own
        .named
        .iter()
        .map(|named| Item {
            what: visible(&named.key).into_owned(),
            line: visible(&named.value).into_owned(),
            env: Vec::new(),
        })
        .collect();
    cx.out.line(&format!("{} makes git run or contact:", visible(&own.path.to_string_lossy())))?;
    cx.out.lines(&listed(&items))
}

fn told(args: &Args, cx: &Context, is_trusted: bool, hash: Hash) -> Result<()> {
    let state = match (args.show, is_trusted) {
        (false, _) => "trusted on this machine",
        (true, true) => "trusted",
        (true, false) => "not trusted",
    };
    cx.out.line(&format!("{state}: content sha256 {hash}"))
}

/// The items as a table, one line each.
fn listed(items: &[Item]) -> String {
    let width = items.iter().map(|item| item.what.chars().count()).max().unwrap_or(0);
    let line = |item: &Item| {
        let env = match item.env.as_slice() {
            [] => String::new(),
            names => format!("  (sees {})", names.join(", ")),
        };
        format!("  {:<width$}  {}{env}\n", item.what, item.line)
    };
    items.iter().map(line).collect()
}
