//! `flightdeck snooze`: puts the reminder of an overdue clock off, with a reason.

use jiff::{SignedDuration, Timestamp};

use super::End;
use super::context::{Context, Wanted};
use super::save::{SaveArgs, save_in, some_text};
use super::task::parse_length;
use crate::failure::{Failure, Result};
use crate::incident::{ClockState, Snoozed, clocks};
use crate::text::{nearest, visible};

/// Snooze the reminder of an overdue clock, with the reason
///
/// The clock stays overdue, and the report says so.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  flightdeck snooze update --for 10m --reason \"li is on the phone with them\"")]
pub(crate) struct Args {
    /// The clock, as status --json calls it: fix, page, stakeholders, update, escalate, executives, review
    #[arg(value_name = "CLOCK")]
    clock: String,

    /// How long: 10m
    #[arg(long = "for", value_name = "TIME", value_parser = parse_length)]
    within: Option<SignedDuration>,

    /// Why
    #[arg(long, value_name = "TEXT")]
    reason: String,

    #[command(flatten)]
    save: SaveArgs,
}

/// Carries the verb out.
pub(crate) fn run(args: &Args, cx: &Context) -> Result<End> {
    let reason = some_text("the reason", &args.reason)?;
    let mut loaded = cx.load(Wanted::NotClosed)?;
    let policy = cx.setup_or_warn().policy;
    let now = cx.now();
    let doing = format!("snoozing {}", visible(&args.clock));
    let mut known = clocks(loaded.state(), &policy, now);
    known.retain(|clock| !clock.id.starts_with("phase:"));
    let named = args.clock.trim().to_lowercase();
    let Some(clock) = known.iter().find(|clock| clock.id == named) else {
        let ids: Vec<&str> = known.iter().map(|clock| clock.id.as_str()).collect();
        let meant = nearest(&named, &ids).map(|meant| format!("did you mean {meant}? ")).unwrap_or_default();
        return Err(Failure::usage(
            doing,
            "no such clock runs",
            format!("{meant}one of: {}", ids.join(", ")),
        ));
    };
    if clock.state != ClockState::Overdue {
        let cause = format!("it is {}", clock.state.name());
        return Err(Failure::usage(doing, cause, "it is not overdue, so there is no reminder to snooze"));
    }
    let within = args.within.unwrap_or(policy.task_time);
    let until = now.checked_add(within).unwrap_or(Timestamp::MAX);
    let snoozed = Snoozed { clock: clock.id.clone(), title: clock.title.clone(), until, reason };
    save_in(cx, args.save, &mut loaded, None, snoozed)
}
