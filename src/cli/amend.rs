//! `flightdeck amend`: corrects the text of an entry.

use super::End;
use super::context::{Context, Wanted};
use super::save::{SaveArgs, entry, save_in, some_text};
use crate::failure::{Failure, Result};
use crate::incident::Amended;

/// Correct the text of a timeline entry
///
/// The text before stays in the record.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Id of the entry, or a unique beginning of it
    #[arg(value_name = "ID")]
    id: String,

    /// The new text
    #[arg(value_name = "TEXT")]
    text: String,

    #[command(flatten)]
    save: SaveArgs,
}

/// Carries the verb out.
pub(crate) fn run(args: &Args, cx: &Context) -> Result<End> {
    let text = some_text("the text", &args.text)?;
    let mut loaded = cx.load(Wanted::Last)?;
    let entry = entry(loaded.state(), &args.id)?;
    if entry.retracted.is_some() {
        return Err(Failure::usage(
            format!("amending entry {}", entry.id),
            "it is retracted",
            "flightdeck note writes a new one",
        ));
    }
    let target = entry.id;
    save_in(cx, args.save, &mut loaded, None, Amended { target, text })
}
