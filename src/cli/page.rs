//! `flightdeck page`: records that somebody was paged.

use super::End;
use super::context::{Context, Wanted};
use super::message;
use super::save::{SaveArgs, in_time, save_in, some_text};
use crate::comms::draft;
use crate::failure::{Failure, Result};
use crate::incident::Paged;

/// Record that somebody was paged
///
/// Where flightdeck.toml has a channel that pages WHO, and you do not say how or
/// when, that channel pages them. Otherwise nothing is sent: it records that
/// somebody paged them. Either meets the clock.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  flightdeck page on-call
  flightdeck page li --how phone")]
pub(crate) struct Args {
    /// Who
    #[arg(value_name = "WHO")]
    who: String,

    /// How: phone, pager, chat
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
    let who = some_text("who was paged", &args.who)?;
    let at = args.at.as_deref().map(|at| cx.time("--at", at)).transpose()?;
    if args.how.trim().is_empty() && at.is_none() {
        let (setup, mistake) = cx.setup_or_found();
        if let Some(mistake) = mistake {
            let cause =
                format!("{}, so it is not known which channel pages {who}: nobody was paged", mistake.cause);
            return Err(Failure::usage("paging", cause, "page them yourself, and say how: --how phone"));
        }
        if !draft::channels(&setup.config.channels, &setup.policy, &who).is_empty() {
            return message::page(cx, &who, args.save.json);
        }
    }
    let mut loaded = cx.load(Wanted::Open)?;
    in_time("recording who was paged", &loaded, at)?;
    save_in(cx, args.save, &mut loaded, at, Paged { who, how: args.how.trim().to_owned() })
}
