//! `flightdeck pin`: keeps an entry in sight.

use super::End;
use super::context::{Context, Wanted};
use super::save::{SaveArgs, entry, save_in};
use crate::failure::{Failure, Result};
use crate::incident::Pinned;

/// Pin a timeline entry, so that it stands out
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Id of the entry, or a unique beginning of it
    #[arg(value_name = "ID")]
    id: String,

    /// Unpin it
    #[arg(long)]
    off: bool,

    #[command(flatten)]
    save: SaveArgs,
}

/// Carries the verb out.
pub(crate) fn run(args: &Args, cx: &Context) -> Result<End> {
    let mut loaded = cx.load(Wanted::Last)?;
    let entry = entry(loaded.state(), &args.id)?;
    let pinned = !args.off;
    if entry.pinned == pinned {
        let (doing, cause) =
            if pinned { ("pinning", "it is pinned already") } else { ("unpinning", "it is not pinned") };
        return Err(Failure::usage(format!("{doing} entry {}", entry.id), cause, "nothing was recorded"));
    }
    let target = entry.id;
    save_in(cx, args.save, &mut loaded, None, Pinned { target, pinned })
}
