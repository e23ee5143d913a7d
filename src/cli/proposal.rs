//! `flightdeck proposal`: something is proposed to everybody, and agreed if nobody objects in time.

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::End;
use super::context::{Context, Loaded, Wanted};
use super::named::Open;
use super::save::{SaveArgs, save_in, some_text};
use super::task::parse_length;
use crate::failure::{Failure, Result};
use crate::incident::{Decided, Motion, Objected, Proposed, RecordId};
use crate::text::visible;

/// Propose something to everybody: any strong objections?
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  flightdeck proposal make \"turn the new checkout off\" --for 5m
  flightdeck proposal object \"half of the orders come from it\"
  flightdeck proposal agree")]
pub(crate) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Args)]
struct Which {
    /// Which proposal, if several are open: a part of its text, or its id
    #[arg(long, value_name = "PROPOSAL")]
    proposal: Option<String>,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Propose something
    Make {
        /// What is to be decided
        #[arg(value_name = "TEXT")]
        text: String,

        /// How long objections are heard: 5m
        #[arg(long = "for", value_name = "TIME", value_parser = parse_length)]
        within: Option<SignedDuration>,

        #[command(flatten)]
        save: SaveArgs,
    },
    /// Object to it
    Object {
        /// What speaks against it
        #[arg(value_name = "REASON")]
        reason: String,

        #[command(flatten)]
        which: Which,

        #[command(flatten)]
        save: SaveArgs,
    },
    /// Record that it is agreed: nobody objected in time, or you go ahead anyway
    Agree {
        /// Why, where somebody objected
        #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
        reason: String,

        #[command(flatten)]
        which: Which,

        #[command(flatten)]
        save: SaveArgs,
    },
    /// Record that it is not agreed
    Refuse {
        /// Why
        #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
        reason: String,

        #[command(flatten)]
        which: Which,

        #[command(flatten)]
        save: SaveArgs,
    },
    /// List what is open
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

/// A proposal as it is listed.
#[derive(Serialize)]
struct Listed<'a> {
    id: RecordId,
    text: &'a str,
    by: &'a str,
    until: Timestamp,
    objections: Vec<Objection<'a>>,
}

#[derive(Serialize)]
struct Objection<'a> {
    by: &'a str,
    reason: &'a str,
}

/// Carries the verb out.
pub(crate) fn run(args: &Args, cx: &Context) -> Result<End> {
    match &args.what {
        What::Make { text, within, save } => {
            let text = some_text("the proposal", text)?;
            let within = within.unwrap_or(cx.setup_or_warn().policy.objection_time);
            let until = cx.now().checked_add(within).unwrap_or(Timestamp::MAX);
            save_in(cx, *save, &mut cx.load(Wanted::Open)?, None, Proposed { text, until })
        }
        What::Object { reason, which, save } => {
            let reason = some_text("the reason", reason)?;
            let mut loaded = cx.load(Wanted::Open)?;
            let proposal = meant(&loaded, which)?.id;
            save_in(cx, *save, &mut loaded, None, Objected { proposal, reason })
        }
        What::Agree { reason, which, save } => agree(cx, reason, which, *save),
        What::Refuse { reason, which, save } => {
            let mut loaded = cx.load(Wanted::NotClosed)?;
            let proposal = meant(&loaded, which)?.id;
            let reason = reason.trim().to_owned();
            save_in(cx, *save, &mut loaded, None, Decided { proposal, accepted: false, reason })
        }
        What::List { json } => list(cx, *json),
    }
}

fn agree(cx: &Context, reason: &str, which: &Which, save: SaveArgs) -> Result<End> {
    let mut loaded = cx.load(Wanted::NotClosed)?;
    let motion = meant(&loaded, which)?;
    let doing = format!("agreeing to “{}”", visible(&motion.text));
    if let Some(one) = motion.objections.last().filter(|_| reason.trim().is_empty()) {
        let cause = format!("{} objects: {}", visible(&one.by), visible(&one.reason));
        let hint = "say why with --reason, or flightdeck proposal refuse";
        return Err(Failure::usage(doing, cause, hint));
    }
    if motion.objections.is_empty() && !motion.is_due(cx.now()) {
        let cause = motion.standing(cx.now());
        return Err(Failure::usage(doing, cause, "wait until objections have had their time"));
    }
    let proposal = motion.id;
    let reason = reason.trim().to_owned();
    save_in(cx, save, &mut loaded, None, Decided { proposal, accepted: true, reason })
}

fn list(cx: &Context, json: bool) -> Result<End> {
    let loaded = cx.load_to_read(Wanted::Last)?;
    let open: Vec<&Motion> = loaded.state().open_motions().collect();
    if json {
        let listed: Vec<_> = open
            .iter()
            .map(|motion| Listed {
                id: motion.id,
                text: &motion.text,
                by: &motion.by,
                until: motion.until,
                objections: motion
                    .objections
                    .iter()
                    .map(|one| Objection { by: &one.by, reason: &one.reason })
                    .collect(),
            })
            .collect();
        cx.out.json(&listed)?;
        return Ok(End::Done);
    }
    for motion in open {
        cx.out.line(&visible(&format!(
            "{}  ({}; by {})",
            motion.text,
            motion.standing(cx.now()),
            motion.by
        )))?;
    }
    Ok(End::Done)
}

/// The open proposal that is meant: the only one, or the one that is named.
fn meant<'a>(loaded: &'a Loaded, which: &Which) -> Result<&'a Motion> {
    let of = Open {
        doing: "finding the proposal",
        noun: "proposal",
        none: "flightdeck proposal make proposes something",
        say: "say which with --proposal",
    };
    let is = |motion: &Motion, named: &str| {
        motion.text.to_lowercase().contains(named) || motion.id.to_string().starts_with(named)
    };
    let open: Vec<&Motion> = loaded.state().open_motions().collect();
    of.pick(&open, which.proposal.as_deref(), is, |motion| motion.text.clone())
}
