//! `flightdeck follow-up`: what is left to do after the incident, by whom and by when.

use std::fmt::Write as _;

use jiff::civil::Date;
use serde::Serialize;

use super::End;
use super::args::WorldArgs;
use super::carry::carry;
use super::context::{Context, Loaded, Wanted};
use super::named::Open;
use super::save::{SaveArgs, save_in, some_text};
use crate::conductor;
use crate::config::load;
use crate::config::settings::person;
use crate::config::types::Config;
use crate::failure::Result;
use crate::incident::{FollowUp, FollowUpAdded, FollowUpChanged, FollowUpEnded, RecordId};
use crate::plan::Request;
use crate::report::issue;
use crate::text::markdown::inline;
use crate::text::visible;

/// Keep what is left to do after the incident, by whom and by when
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  flightdeck follow-up add \"alert on the pool\" --owner li --due 2026-12-05
  flightdeck follow-up list --all
  flightdeck follow-up done pool")]
pub(crate) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Add one
    Add {
        /// What is to be done
        #[arg(value_name = "TEXT")]
        text: String,

        /// Who does it
        #[arg(long, value_name = "PERSON")]
        owner: Option<String>,

        /// By when: 2026-12-05
        #[arg(long, value_name = "DATE")]
        due: Option<Date>,

        #[command(flatten)]
        save: SaveArgs,
    },
    /// Give one to somebody, or another date
    Assign {
        /// Which one: a part of its text, or its id
        #[arg(value_name = "FOLLOW-UP")]
        which: String,

        /// Who does it; empty: nobody
        #[arg(long, value_name = "PERSON", required_unless_present = "due")]
        owner: Option<String>,

        /// By when: 2026-12-05
        #[arg(long, value_name = "DATE")]
        due: Option<Date>,

        #[command(flatten)]
        save: SaveArgs,
    },
    /// Record that one is done
    Done {
        /// Which one: a part of its text, or its id
        #[arg(value_name = "FOLLOW-UP")]
        which: String,

        /// What came of it
        #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
        note: String,

        #[command(flatten)]
        save: SaveArgs,
    },
    /// Record that one will not be done
    Drop {
        /// Which one: a part of its text, or its id
        #[arg(value_name = "FOLLOW-UP")]
        which: String,

        /// Why
        #[arg(long, value_name = "TEXT")]
        reason: String,

        #[command(flatten)]
        save: SaveArgs,
    },
    /// Open an issue for each at the code host, as a plan
    Send {
        /// Which: a part of their text, or their ids; default: all that have none
        #[arg(value_name = "FOLLOW-UP")]
        which: Vec<String>,

        #[command(flatten)]
        world: WorldArgs,
    },
    /// Sync issues: a closed issue closes its follow-up
    Sync,
    /// List those that are open
    List {
        /// Of every incident of this repository
        #[arg(long)]
        all: bool,

        /// Print a list of tasks in Markdown, to paste elsewhere
        #[arg(long, conflicts_with = "json")]
        markdown: bool,

        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

/// A follow-up as it is listed.
#[derive(Serialize)]
struct Listed {
    incident: String,
    id: RecordId,
    text: String,
    owner: Option<String>,
    due: Option<Date>,
    overdue: bool,
    /// Where its issue is read, if it has one.
    issue: Option<String>,
}

/// Carries the verb out.
pub(crate) fn run(args: &Args, cx: &Context) -> Result<End> {
    match &args.what {
        What::Add { text, owner, due, save } => {
            let text = some_text("the follow-up", text)?;
            let owner = owner.as_deref().map(owned_by).transpose()?.unwrap_or_default();
            let added = FollowUpAdded { text, owner, due: *due, of: None };
            save_in(cx, *save, &mut cx.load(Wanted::Ended)?, None, added)
        }
        What::Assign { which, owner, due, save } => {
            let owner = owner.as_deref().map(owned_by).transpose()?;
            let mut loaded = cx.load(Wanted::Ended)?;
            let follow_up = meant(&loaded, which)?;
            save_in(cx, *save, &mut loaded, None, FollowUpChanged { follow_up, owner, due: *due })
        }
        What::Done { which, note, save } => end(cx, which, true, note, *save),
        What::Drop { which, reason, save } => end(cx, which, false, &some_text("the reason", reason)?, *save),
        What::Send { which, world } => send(cx, which, world),
        What::Sync => sync(cx),
        What::List { all, markdown, json } => list(cx, *all, *markdown, *json),
    }
}

fn owned_by(name: &str) -> Result<String> {
    match name.trim() {
        "" => Ok(String::new()),
        name => person("reading --owner", name, "name the person as they sign what they write"),
    }
}

fn end(cx: &Context, which: &str, done: bool, reason: &str, save: SaveArgs) -> Result<End> {
    let mut loaded = cx.load(Wanted::Ended)?;
    let follow_up = meant(&loaded, which)?;
    let reason = reason.trim().to_owned();
    save_in(cx, save, &mut loaded, None, FollowUpEnded { follow_up, done, reason })
}

/// The trusted configuration, or none where there is no file: the remote tells of the code host then.
fn config(cx: &Context) -> Result<Config> {
    if load::load(cx.root()?)?.is_none() { Ok(Config::default()) } else { Ok(cx.trusted_config()?.config) }
}

/// Opens the issues, as a plan.
fn send(cx: &Context, which: &[String], world: &WorldArgs) -> Result<End> {
    let texts = {
        let loaded = cx.load_to_read(Wanted::Ended)?;
        if which.is_empty() {
            issue::unsent(loaded.state())
        } else {
            let meant = which.iter().map(|named| meant(&loaded, named)).collect::<Result<Vec<_>>>()?;
            let named = |id: &RecordId| loaded.state().follow_ups.iter().find(|one| one.id == *id);
            meant.iter().filter_map(named).map(|one| issue::issue(loaded.state(), one)).collect()
        }
    };
    carry(cx, &config(cx)?, &Request::FollowUps { texts }, world)
}

/// Reads back what became of the issues, and records what is new.
fn sync(cx: &Context) -> Result<End> {
    let config = config(cx)?;
    let mut loaded = cx.load(Wanted::Ended)?;
    let incident = loaded.state().id;
    let (root, now) = (cx.root()?, cx.now());
    for (one, seen) in conductor::sync_issues(&mut loaded.journal, incident, root, &config, now)? {
        let said = match (seen, &one.issue) {
            (Some(seen), _) => format!("{}  {}", seen.line(), one.text),
            (None, Some(gone)) => {
                format!("issue #{} is gone, or cannot be seen any more  {}", gone.number, one.text)
            }
            (None, None) => continue,
        };
        cx.out.line(&visible(&said))?;
    }
    Ok(End::Done)
}

/// The open follow-up that is meant.
fn meant(loaded: &Loaded, named: &str) -> Result<RecordId> {
    let doing = format!("finding the follow-up {}", visible(named));
    let of = Open {
        doing: doing.trim_end(),
        noun: "follow-up",
        none: "flightdeck follow-up list --all lists those of every incident; --incident names one",
        say: "write more of its text",
    };
    let is = |one: &FollowUp, named: &str| {
        one.text.to_lowercase().contains(named) || one.id.to_string().starts_with(named)
    };
    let open: Vec<&FollowUp> = loaded.state().open_follow_ups().collect();
    Ok(of.pick(&open, Some(named), is, |one| one.text.clone())?.id)
}

fn list(cx: &Context, all: bool, markdown: bool, json: bool) -> Result<End> {
    let today = cx.now().to_zoned(jiff::tz::TimeZone::UTC).date();
    let listed = if all { everywhere(cx, today)? } else { of(&cx.load_to_read(Wanted::Ended)?, today) };
    if json {
        cx.out.json(&listed)?;
    } else if markdown {
        cx.out.lines(&as_markdown(&listed))?;
    } else if listed.is_empty() {
        cx.out.tell("no follow-up is open");
    } else {
        for one in &listed {
            let owner = one.owner.as_deref().unwrap_or("nobody");
            let due = match (one.due, one.overdue) {
                (Some(due), true) => format!(", due {due}, overdue"),
                (Some(due), false) => format!(", due {due}"),
                (None, _) => String::new(),
            };
            cx.out.line(&visible(&format!("{}  {}  ({owner}{due})", one.incident, one.text)))?;
        }
    }
    Ok(End::Done)
}

fn as_markdown(listed: &[Listed]) -> String {
    let mut text = String::new();
    for one in listed {
        let owner = one.owner.as_ref().map(|owner| format!(" ({})", inline(owner))).unwrap_or_default();
        let due = one.due.map(|due| format!(", by {due}")).unwrap_or_default();
        // Writing to a string cannot fail.
        let _ = writeln!(text, "- [ ] {}: {}{owner}{due}", inline(&one.incident), inline(&one.text));
    }
    text
}

/// Those of every incident of this repository that somebody has still to do.
fn everywhere(cx: &Context, today: Date) -> Result<Vec<Listed>> {
    let journal = cx.journal_to_read()?;
    let repository = cx.repository(&journal)?;
    let mut listed = Vec::new();
    for (incident, state) in journal.each_declared(Some(&repository), |one| journal.alone(one.id))? {
        match state {
            Ok(state) => {
                listed.extend(state.open_follow_ups().map(|one| Listed::of(&incident.number, one, today)));
            }
            Err(failure) => {
                let why = visible(&failure.cause);
                cx.out.tell(&format!("▲ {} is left out, its records cannot be read: {why}", incident.number));
            }
        }
    }
    listed.sort_by_key(|one| (one.due.is_none(), one.due));
    Ok(listed)
}

fn of(loaded: &Loaded, today: Date) -> Vec<Listed> {
    loaded.state().open_follow_ups().map(|one| Listed::of(&loaded.number, one, today)).collect()
}

impl Listed {
    fn of(incident: &str, one: &FollowUp, today: Date) -> Self {
        Self {
            incident: incident.to_owned(),
            id: one.id,
            text: one.text.clone(),
            owner: Some(one.owner.clone()).filter(|owner| !owner.is_empty()),
            due: one.due,
            overdue: one.due.is_some_and(|due| due < today),
            issue: one.issue.as_ref().map(|issue| issue.url.clone()).filter(|url| !url.is_empty()),
        }
    }
}
