//! `flightdeck title`: reword the title.

use super::End;
use super::context::Context;
use super::save::{SaveArgs, save, some_text};
use crate::failure::Result;
use crate::incident::Titled;

/// Reword the title
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// One line: what is broken
    #[arg(value_name = "TEXT")]
    text: String,

    #[command(flatten)]
    save: SaveArgs,
}

/// Carries the verb out.
pub(crate) fn run(args: &Args, cx: &Context) -> Result<End> {
    let text = some_text("the title", &args.text)?;
    save(cx, args.save, None, Titled { text })
}
