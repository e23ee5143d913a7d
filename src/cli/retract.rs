//! `flightdeck retract`: takes an entry back.

use super::End;
use super::context::{Context, Wanted};
use super::save::{SaveArgs, entry, save_in, some_text};
use crate::failure::{Failure, Result};
use crate::incident::Retracted;

/// Retract a timeline entry; it stays, struck out
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Id of the entry, or a unique beginning of it
    #[arg(value_name = "ID")]
    id: String,

    /// Why
    #[arg(long, value_name = "TEXT")]
    reason: String,

    #[command(flatten)]
    save: SaveArgs,
}

/// Carries the verb out.
pub(crate) fn run(args: &Args, cx: &Context) -> Result<End> {
    let reason = some_text("--reason", &args.reason)?;
    let mut loaded = cx.load(Wanted::Last)?;
    let entry = entry(loaded.state(), &args.id)?;
    if let Some(why) = &entry.retracted {
        return Err(Failure::usage(
            format!("taking back entry {}", entry.id),
            format!("it is retracted already: {why}"),
            "nothing was recorded",
        ));
    }
    if entry.happened() {
        let what = if entry.is_of_plan() { "it is what a plan did" } else { "it is what a probe saw" };
        return Err(Failure::usage(
            format!("taking back entry {}", entry.id),
            format!("{what}, and that happened"),
            "flightdeck note writes down what there is to say about it",
        ));
    }
    let target = entry.id;
    save_in(cx, args.save, &mut loaded, None, Retracted { target, reason })
}
