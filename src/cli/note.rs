//! `flightdeck note`: one timeline entry.

use jiff::tz::TimeZone;

use super::End;
use super::context::{Context, Wanted};
use super::save::{SaveArgs, print, save_in, some_text};
use crate::conductor::{self, Post};
use crate::failure::{Failure, Result};
use crate::incident::{Body, NoteKind, Noted, Precision, Scribed, in_zones, scribe};
use crate::text::{counted, visible};

/// Write a timeline entry; its id is printed once it is saved
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  flightdeck note \"pool exhausted, 100 of 100 used\" --kind finding --at 14:45
  flightdeck note \"-5m pods restarted\"             it was five minutes ago
  flightdeck note \"! no rollback: the schema moved on\"         a decision
  flightdeck note \"TODO: alert on the pool @li\"              a follow-up
  flightdeck note \"the flag was quick\" --kind well      for the review")]
pub(crate) struct Args {
    /// The text
    #[arg(value_name = "TEXT", allow_hyphen_values = true, required_unless_present = "pinned")]
    text: Option<String>,

    /// Read the chat messages that somebody marked with the reaction set in flightdeck.toml
    #[arg(long, conflicts_with_all = ["text", "kind", "at"])]
    pinned: bool,

    /// note, finding, decision, problem, action, well or better
    #[arg(long, default_value = "note", hide_default_value = true, value_parser = parse_kind)]
    kind: NoteKind,

    /// When it happened, if not now
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    at: Option<String>,

    #[command(flatten)]
    save: SaveArgs,
}

fn parse_kind(text: &str) -> Result<NoteKind, String> {
    NoteKind::ALL
        .into_iter()
        .find(|kind| kind.name().eq_ignore_ascii_case(text))
        .ok_or_else(|| format!("one of {}", NoteKind::ALL.map(NoteKind::name).join(", ")))
}

/// Carries the verb out.
pub(crate) fn run(args: &Args, cx: &Context) -> Result<End> {
    if args.pinned {
        return pinned(cx, args.save);
    }
    let text = some_text("the note", args.text.as_deref().unwrap_or_default())?;
    if text.starts_with("--") {
        let cause = format!("unknown option {}", visible(&text));
        return Err(Failure::usage("writing a note", cause, "flightdeck note --help lists the options"));
    }
    // What was learned, or done and not told of, may come to mind when it is over.
    let wanted = match args.kind {
        NoteKind::Action | NoteKind::Well | NoteKind::Better => Wanted::NotClosed,
        NoteKind::Note | NoteKind::Finding | NoteKind::Decision | NoteKind::Problem => Wanted::Open,
    };
    let save = |at, body: Body| save_in(cx, args.save, &mut cx.load(wanted)?, at, body);
    let at = args.at.as_deref().map(|at| cx.time("--at", at)).transpose()?;
    match scribe(&text, args.kind, cx.now(), &TimeZone::UTC) {
        // A time in front of the text means the text where another is given, and where it is uncertain.
        Scribed { at: None, body } => save(at, body),
        Scribed { at: Some((typed, Precision::Exact)), body } if at.is_none() => {
            cx.out.tell(&format!("at {}", in_zones(typed, cx.now(), &TimeZone::UTC, &TimeZone::system())));
            save(Some(typed), body)
        }
        Scribed { .. } => save(at, Noted { kind: args.kind, text }.into()),
    }
}

/// Takes in what is pinned in chats, and says how many messages that were.
fn pinned(cx: &Context, save: SaveArgs) -> Result<End> {
    let doing = "reading pinned messages";
    let config = cx.trusted_config()?.config;
    if config.channels.iter().all(|channel| channel.pin.is_empty()) {
        let hint = "add pin = \"pushpin\" to a channel of kind slack";
        return Err(Failure::usage(doing, "no channel of flightdeck.toml has `pin`", hint));
    }
    let policy = cx.setup_or_found().0.policy;
    let mut loaded = cx.load(Wanted::NotClosed)?;
    let post = Post { config: &config, root: cx.root()?, policy: &policy, incident: loaded.state().id };
    let records = conductor::pins(&mut loaded.journal, &post)?;
    if save.json {
        records.iter().try_for_each(|record| print(cx, save, &loaded.number, record))?;
    } else {
        cx.out.line(&format!("{} added to {}", counted(records.len(), "message"), loaded.number))?;
    }
    Ok(End::Done)
}
