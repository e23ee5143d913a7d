//! `flightdeck cause`: describe what broke and why.

use super::End;
use super::context::{Context, Wanted};
use super::save::{SaveArgs, save_in, some_text};
use crate::failure::Result;
use crate::incident::CauseDescribed;

/// Describe what broke and why
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// What broke and why
    #[arg(value_name = "TEXT")]
    text: String,

    #[command(flatten)]
    save: SaveArgs,
}

/// Carries the verb out.
pub(crate) fn run(args: &Args, cx: &Context) -> Result<End> {
    let text = some_text("the cause", &args.text)?;
    save_in(cx, args.save, &mut cx.load(Wanted::NotClosed)?, None, CauseDescribed { text })
}
