//! `flightdeck approve`: a plan is approved in a role.

use super::End;
use super::ballot::BallotArgs;
use super::context::{Context, Wanted};
use crate::failure::{Failure, Result};
use crate::incident::{Approved, same_person};
use crate::text::visible;

/// Approve a plan in a role
#[derive(Debug, clap::Args)]
#[command(after_help = "\
An approval holds for exactly the plan it was given for: a changed command, commit
or target voids it. What somebody else writes down counts as unverified.

Example:
  flightdeck approve lead
  flightdeck approve on-call-manager --by li --verbal --how \"on the call\"")]
pub(crate) struct Args {
    #[command(flatten)]
    ballot: BallotArgs,

    /// It was said, not written by that person
    #[arg(long)]
    verbal: bool,

    /// How it was said: "on the call"
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    how: String,
}

/// Carries the verb out.
pub(crate) fn run(args: &Args, cx: &Context) -> Result<End> {
    let how = args.how.trim();
    if args.verbal && how.is_empty() {
        return Err(Failure::usage(
            "reading --verbal",
            "how it was said is missing",
            "add --how \"on the call\"",
        ));
    }
    let mut loaded = cx.load(Wanted::Open)?;
    let mut ballot = args.ballot.ballot(cx, &loaded)?;
    let about = &ballot.about;
    let approved = Approved {
        role: ballot.role.clone(),
        by: ballot.by.clone(),
        verbal: args.verbal,
        how: how.to_owned(),
        plan: about.plan.clone(),
        hash: about.hash.clone(),
        title: about.title.clone(),
    };
    let id = ballot.save(cx, &mut loaded, approved)?;
    let author = &loaded.journal.author().name;
    let mut said = format!("{} approves as {}: {}", visible(&ballot.by), ballot.role, ballot.what());
    if args.verbal || !same_person(&ballot.by, author) {
        said = format!("{said} (unverified: written down by {})", visible(author));
    }
    super::ballot::tell(cx, args.ballot.save, &loaded, &ballot, id, &said)
}
