//! `flightdeck declare`: opens an incident.

use jiff::Timestamp;
use serde::Serialize;

use super::context::Context;
use super::save::{SaveArgs, some_text};
use super::{End, classify, live};
use crate::conductor::Asking;
use crate::failure::Result;
use crate::incident::{Declared, IncidentId};
use crate::journal::Summary;
use crate::text::visible;

/// Open an incident; its id is printed once it is saved
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  flightdeck declare \"Checkout answers 500\" --severity P0 --started-at -10m")]
pub(crate) struct Args {
    /// One line: what is broken
    #[arg(value_name = "TITLE")]
    title: String,

    /// P0: critical, P1: high, P2: medium, or what your team calls them. On a terminal it may be left out: you
    /// are asked
    #[arg(long, value_name = "SEVERITY")]
    severity: Option<String>,

    /// Who is affected and how
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    impact: String,

    /// When the fault began, if not now
    #[arg(long, visible_alias = "since", value_name = "TIME", allow_hyphen_values = true)]
    started_at: Option<String>,

    #[command(flatten)]
    save: SaveArgs,
}

#[derive(Serialize)]
struct Opened<'a> {
    id: &'a str,
    uuid: IncidentId,
    started_at: Timestamp,
    declared_at: Timestamp,
}

/// Carries the verb out.
pub(crate) fn run(args: &Args, cx: &Context) -> Result<End> {
    let title = some_text("the title", &args.title)?;
    let started_at = args.started_at.as_deref().map(|at| cx.time("--started-at", at)).transpose()?;
    let place = cx.place()?;
    if let Some(drill) = cx.drill_elsewhere() {
        let door = shell_words::quote(&drill.door().to_string_lossy()).into_owned();
        cx.out.tell(&format!(
            "▲ this is the repository of a drill, and its incident is in the drill's own journal ({door} NAME status); \
             this one is declared in yours"
        ));
    }
    let (severity, answers) = classify::severity(cx, "declaring an incident", args.severity.as_deref())?;
    let declared = Declared {
        number: String::new(),
        title,
        severity,
        service: cx.service(),
        impact: args.impact.trim().to_owned(),
        repository: place.repository.clone(),
        repository_id: place.id(),
        answers,
    };
    let mut journal = cx.journal()?;
    let open: Vec<String> = journal
        .incidents(Some(&cx.repository(&journal)?))?
        .into_iter()
        .filter(Summary::is_open)
        .map(|one| format!("{} {}", one.number, visible(&one.title)))
        .collect();
    let record = journal.declare(cx.now(), started_at, declared)?;
    if !open.is_empty() {
        let open = open.join(", ");
        cx.out.tell(&format!("▲ open here as well: {open}. Verbs need --incident from now on"));
    }
    let (log, _) = journal.load(record.incident)?;
    live::keep(cx, &mut journal, log.state(), Asking::Here);
    classify::offer_ticket(cx, severity, &args.title);
    let crate::incident::Body::Declared(declared) = &record.body else { return Ok(End::Done) };
    if args.save.json {
        cx.out.json_line(&Opened {
            id: &declared.number,
            uuid: record.incident,
            started_at: record.occurred_at,
            declared_at: record.written_at(),
        })?;
    } else {
        cx.out.line(&declared.number)?;
    }
    Ok(End::Done)
}
