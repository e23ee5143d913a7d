//! `flightdeck began`: correct when the fault began.

use super::End;
use super::context::{Context, Wanted};
use super::save::{SaveArgs, save_in};
use crate::failure::{Failure, Result};
use crate::incident::Began;

/// Correct when the fault began
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Clocks count from it. What was due before anybody could know of it counts from
when it was asked for. Earlier times stay on record; the last one counts.

Example:
  flightdeck began 14:02 --reason \"first failed order in the log\"")]
pub(crate) struct Args {
    /// When: 14:02, -5m or RFC 3339
    #[arg(value_name = "TIME", allow_hyphen_values = true)]
    time: String,

    /// How that is known
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    reason: String,

    #[command(flatten)]
    save: SaveArgs,
}

/// Carries the verb out.
pub(crate) fn run(args: &Args, cx: &Context) -> Result<End> {
    let at = cx.time("the time", &args.time)?;
    let mut loaded = cx.load(Wanted::Open)?;
    let declared = loaded.state().declared_at;
    if at > declared {
        return Err(Failure::usage(
            "correcting when it began",
            format!("{at:.0} is after it was declared, at {declared:.0}: it had begun by then"),
            "check the time",
        ));
    }
    save_in(cx, args.save, &mut loaded, Some(at), Began { reason: args.reason.trim().to_owned() })
}
