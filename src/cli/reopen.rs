//! `flightdeck reopen`: it was not over.

use super::End;
use super::context::{Context, Wanted};
use super::resolve::{heads, no_change};
use super::save::{SaveArgs, save_in, some_text};
use crate::failure::Result;
use crate::incident::{Reopened, Status};

/// Reopen the incident
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Why
    #[arg(long, value_name = "TEXT")]
    reason: String,

    #[command(flatten)]
    save: SaveArgs,
}

/// Carries the verb out.
pub(crate) fn run(args: &Args, cx: &Context) -> Result<End> {
    let reason = some_text("--reason", &args.reason)?;
    let mut loaded = cx.load(Wanted::Ended)?;
    let state = loaded.state();
    if !state.in_conflict() && state.status == Status::Open {
        return Err(no_change(&format!("reopening {}", loaded.number), state));
    }
    let after = heads(state);
    save_in(cx, args.save, &mut loaded, None, Reopened { reason, after })
}
