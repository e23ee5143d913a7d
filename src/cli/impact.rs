//! `flightdeck impact`: describe who is affected and how.

use super::End;
use super::context::Context;
use super::save::{SaveArgs, save, some_text};
use crate::failure::Result;
use crate::incident::ImpactDescribed;

/// Describe who is affected and how
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Who is affected and how
    #[arg(value_name = "TEXT")]
    text: String,

    #[command(flatten)]
    save: SaveArgs,
}

/// Carries the verb out.
pub(crate) fn run(args: &Args, cx: &Context) -> Result<End> {
    let text = some_text("the impact", &args.text)?;
    save(cx, args.save, None, ImpactDescribed { text })
}
