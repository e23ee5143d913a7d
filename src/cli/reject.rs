//! `flightdeck reject`: a plan is rejected in a role.

use super::End;
use super::ballot::{self, BallotArgs};
use super::context::{Context, Wanted};
use crate::failure::Result;
use crate::incident::{Rejected, same_person};
use crate::text::visible;

/// Reject a plan in a role
#[derive(Debug, clap::Args)]
#[command(after_help = "\
One rejection blocks the plan, whoever else approves it. Whoever
rejected it takes it back by approving in the same role.

Example:
  flightdeck reject lead --reason \"not before the backup is done\"")]
pub(crate) struct Args {
    #[command(flatten)]
    ballot: BallotArgs,

    /// Why
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    reason: String,
}

/// Carries the verb out.
pub(crate) fn run(args: &Args, cx: &Context) -> Result<End> {
    let mut loaded = cx.load(Wanted::Open)?;
    let mut ballot = args.ballot.ballot(cx, &loaded)?;
    let about = &ballot.about;
    let rejected = Rejected {
        role: ballot.role.clone(),
        by: ballot.by.clone(),
        reason: args.reason.trim().to_owned(),
        plan: about.plan.clone(),
        hash: about.hash.clone(),
        title: about.title.clone(),
    };
    let id = ballot.save(cx, &mut loaded, rejected)?;
    let author = &loaded.journal.author().name;
    let mut said = format!("{} rejects as {}: {}", visible(&ballot.by), ballot.role, ballot.what());
    if !same_person(&ballot.by, author) {
        said = format!("{said} (unverified: written down by {})", visible(author));
    }
    ballot::tell(cx, args.ballot.save, &loaded, &ballot, id, (None, None), &said)
}
