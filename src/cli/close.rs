//! `flightdeck close`: nothing is left to do.

use super::End;
use super::context::{Context, Wanted};
use super::resolve::{confirmed, heads, no_change};
use super::save::{SaveArgs, save_in};
use crate::failure::{Failure, FailureKind, Result};
use crate::incident::{Claim, Closed, Status};
use crate::text::visible;

/// Close the incident: nothing is left to do, not even a review
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Close it although something is left to do
    #[arg(long)]
    yes: bool,

    #[command(flatten)]
    save: SaveArgs,
}

/// Carries the verb out.
pub(crate) fn run(args: &Args, cx: &Context) -> Result<End> {
    let mut loaded = cx.load(Wanted::Ended)?;
    let state = loaded.state();
    let doing = format!("closing {}", loaded.number);
    if state.in_conflict() {
        return Err(Failure::of(
            FailureKind::Held,
            doing,
            "two people resolved and reopened it at the same time",
            "decide which: flightdeck resolve, or flightdeck reopen --reason …",
        ));
    }
    match state.status {
        Status::Resolved => {
            let after = heads(state);
            confirmed(cx, &doing, Claim::Closed, state, args.yes)?;
            let open = state.follow_ups_open();
            if !open.is_empty() {
                cx.out.tell(&format!("▲ still open: {}", visible(&open)));
            }
            save_in(cx, args.save, &mut loaded, None, Closed { after })
        }
        Status::Closed => Err(no_change(&doing, state)),
        Status::Open | Status::Mitigated => Err(Failure::usage(
            doing,
            format!("it is {}: resolve it first", state.status.name()),
            "flightdeck resolve",
        )),
    }
}
