//! What the verbs share that append one record: saving it and printing its id.

use jiff::Timestamp;
use serde::Serialize;

use super::End;
use super::context::{Context, Loaded, Wanted};
use crate::failure::{Failure, Result};
use crate::incident::{Body, Entry, Known, Record, RecordId, State, repeated};

/// How the id of what was saved is printed.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(crate) struct SaveArgs {
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// What is printed of a saved record.
#[derive(Serialize)]
struct Saved<'a> {
    id: RecordId,
    incident: &'a str,
    kind: &'a str,
    at: Timestamp,
    recorded_at: Timestamp,
}

/// What is printed where nothing had to be saved.
#[derive(Serialize)]
struct Unsaved<'a> {
    id: Option<RecordId>,
    incident: &'a str,
    kind: &'a str,
    already: &'a str,
}

/// Saves one event of the open incident and prints its id.
pub(super) fn save(
    cx: &Context,
    save: SaveArgs,
    at: Option<Timestamp>,
    body: impl Into<Body>,
) -> Result<End> {
    save_in(cx, save, &mut cx.load(Wanted::Open)?, at, body)
}

/// Refuses what is said to have happened before the incident began: it would meet clocks that did not run.
pub(super) fn in_time(doing: &str, loaded: &Loaded, at: Option<Timestamp>) -> Result<()> {
    let began = loaded.state().started_at;
    match at.filter(|at| *at < began) {
        None => Ok(()),
        Some(at) => Err(Failure::usage(
            doing,
            format!("{at:.0} is before the incident began, at {began:.0}"),
            "check the time, or leave --at out",
        )),
    }
}

/// Saves one event of a loaded incident and prints its id.
pub(super) fn save_in(
    cx: &Context,
    save: SaveArgs,
    loaded: &mut Loaded,
    at: Option<Timestamp>,
    body: impl Into<Body>,
) -> Result<End> {
    let body = body.into();
    cx.warn_of_mistake();
    if let Some(known) = repeated(loaded.state(), &body, &cx.user()?) {
        return known_already(cx, save, loaded, &body, &known);
    }
    let record = loaded.append(at, cx.now(), body)?;
    print(cx, save, &loaded.number, &record)?;
    Ok(End::Done)
}

/// Says that the record says so already. Nothing is saved, and there is no id to print.
fn known_already(cx: &Context, save: SaveArgs, loaded: &Loaded, body: &Body, known: &Known) -> Result<End> {
    let already = known.words(|at| at.strftime("%H:%M UTC").to_string());
    cx.out.tell(&format!("nothing was recorded: {already}"));
    if save.json {
        let kind = body.kind();
        cx.out.json_line(&Unsaved { id: None, incident: &loaded.number, kind, already: &already })?;
    }
    Ok(End::Done)
}

/// Prints the id of a record that is saved.
pub(super) fn print(cx: &Context, save: SaveArgs, incident: &str, record: &Record) -> Result<()> {
    if !save.json {
        return cx.out.line(&record.id.to_string());
    }
    cx.out.json_line(&Saved {
        id: record.id,
        incident,
        kind: record.body.kind(),
        at: record.occurred_at,
        recorded_at: record.written_at(),
    })
}

/// Text a person wrote, without the blanks around it.
///
/// # Errors
/// Nothing is left.
pub(super) fn some_text(what: &str, text: &str) -> Result<String> {
    let text = text.trim();
    if text.is_empty() {
        return Err(Failure::usage(format!("reading {what}"), "it is empty", "write something"));
    }
    Ok(text.to_owned())
}

/// The timeline entry that an id or a unique beginning of it means.
pub(super) fn entry<'a>(state: &'a State, named: &str) -> Result<Entry<'a>> {
    let doing = format!("finding entry {named}");
    let named = named.trim().to_ascii_lowercase();
    let found: Vec<_> = state
        .timeline
        .iter()
        .filter(|entry| !named.is_empty() && entry.id.to_string().starts_with(&named))
        .collect();
    match found.as_slice() {
        [one] => Ok(*one),
        [] => Err(Failure::usage(
            doing,
            format!("{} has no such entry", state.number),
            "flightdeck status --json lists the timeline with its ids",
        )),
        many => {
            Err(Failure::usage(doing, format!("{} entries begin so", many.len()), "write more of the id"))
        }
    }
}
