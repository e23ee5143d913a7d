//! `flightdeck cause`: describe what broke and why.

use super::End;
use super::context::Context;
use super::save::{SaveArgs, save, some_text};
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
    save(cx, args.save, None, CauseDescribed { text })
}
