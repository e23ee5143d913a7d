//! `flightdeck told`: records that an audience was informed.

use super::End;
use super::context::{Context, Wanted};
use super::save::{SaveArgs, in_time, save_in, some_text};
use crate::failure::{Failure, Result};
use crate::incident::Told;
use crate::text::{nearest, visible};

/// Record that an audience was informed
///
/// It sends nothing. It records that somebody did, which meets the clock.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  flightdeck told stakeholders --by maya --how \"status page\"
  flightdeck told update")]
pub(crate) struct Args {
    /// stakeholders, update (a regular one), business, lead, executives, one of your policy, or any other
    #[arg(value_name = "AUDIENCE")]
    audience: String,

    /// By whom, if not by you
    #[arg(long, value_name = "PERSON", default_value = "", hide_default_value = true)]
    by: String,

    /// How, and where it can be read: "status page"
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    how: String,

    /// When, if not now
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    at: Option<String>,

    #[command(flatten)]
    save: SaveArgs,
}

/// Carries the verb out.
pub(crate) fn run(args: &Args, cx: &Context) -> Result<End> {
    let audience = some_text("the audience", &args.audience)?;
    let policy = cx.setup_or_warn().policy;
    let known: Vec<&str> = policy.audiences.iter().map(|known| known.id.as_str()).collect();
    if let Some(meant) = nearest(&audience, &known).filter(|meant| *meant != audience) {
        let hint = format!("did you mean {meant}? There are: {}; or name any other", known.join(", "));
        return Err(Failure::usage(
            "recording who was told",
            format!("unknown audience {}", visible(&audience)),
            hint,
        ));
    }
    let mut loaded = cx.load(Wanted::NotClosed)?;
    let at = args.at.as_deref().map(|at| cx.time("--at", at)).transpose()?;
    in_time("recording who was told", &loaded, at)?;
    let (by, how) = (args.by.trim().to_owned(), args.how.trim().to_owned());
    save_in(cx, args.save, &mut loaded, at, Told { audience, by, how })
}
