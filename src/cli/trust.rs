//! `flightdeck trust`: lets the configuration name commands.

use super::End;
use super::context::Context;
use crate::config::load;
use crate::config::trust::{self, Item};
use crate::failure::{Failure, Result};

/// Show what flightdeck.toml would run, then trust exactly that
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Only show it
    #[arg(long)]
    pub(crate) show: bool,
}

/// Carries the verb out.
pub(crate) fn run(args: &Args, cx: &Context) -> Result<End> {
    let loaded = load::load(cx.root()?)?.ok_or_else(|| {
        Failure::usage(
            "trusting flightdeck.toml",
            "there is none in this repository",
            "flightdeck init writes one",
        )
    })?;
    let items = trust::what_would_run(&loaded.config);
    if items.is_empty() {
        cx.out.line(&format!("{} would run nothing", loaded.path.display()))?;
    } else {
        cx.out.line(&format!("{} would run or ask:", loaded.path.display()))?;
        cx.out.lines(&listed(&items))?;
    }
    let content = format!("content sha256 {}", loaded.hash);
    if args.show {
        let state = if trust::is_trusted(&cx.state_dir, &loaded)? { "trusted" } else { "not trusted" };
        cx.out.line(&format!("{state}: {content}"))?;
    } else {
        trust::trust(&cx.state_dir, &loaded, cx.now())?;
        cx.out.line(&format!("trusted on this machine: {content}"))?;
    }
    Ok(End::Done)
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
