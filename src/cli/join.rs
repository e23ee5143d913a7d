//! `flightdeck join`: takes part in an incident that was declared on another machine.

use std::collections::BTreeSet;

use super::End;
use super::context::Context;
use super::share::sharing;
use crate::failure::{Failure, Result};
use crate::incident::{IncidentId, State, duration};
use crate::share::{Preview, Round};
use crate::text::{counted, visible};

const DOING: &str = "joining an incident";

/// Join an incident that is open on a colleague's machine
///
/// Asks the git remote for what colleagues share, and takes it in.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  flightdeck join                  the one that is open
  flightdeck join INC-2026-0007")]
pub(crate) struct Args {
    /// The incident: its number, or the beginning of its id. Needed where several are open
    #[arg(value_name = "ID")]
    id: Option<String>,
}

/// Carries the verb out.
pub(crate) fn run(args: &Args, cx: &Context) -> Result<End> {
    let mut journal = cx.journal()?;
    let mut sharing = sharing(cx)?;
    // Who joins is told to the others.
    if let Some(kept) = sharing.kept() {
        return Err(kept.into());
    }
    let remote = visible(&sharing.git().remote()).into_owned();
    sharing.fetch().map_err(|why| {
        Failure::new(
            format!("asking {remote} for open incidents"),
            why,
            "check that git fetch works here, and try again",
        )
    })?;
    let mut found: Vec<Preview> = Vec::new();
    let mut there: BTreeSet<IncidentId> = sharing.incidents()?.into_keys().collect();
    if args.id.is_some() {
        there.extend(sharing.archives()?);
    }
    for id in there {
        found.extend(sharing.preview(id)?);
    }
    let place = cx.place()?;
    if args.id.is_none() {
        found.retain(|one| one.is_of(place));
    }
    let incident = pick(args.id.as_deref(), &found, cx, &remote)?;
    if let Some(one) = found.iter().find(|one| one.state.id == incident) {
        if one.declared.len() > 1 {
            return Err(Failure::new(
                DOING,
                format!(
                    "{} is declared more than once at {remote}: somebody else may have written there",
                    one.state.number
                ),
                "ask whoever declared it for an export, and import that",
            ));
        }
        if !one.is_of(place) {
            return Err(Failure::usage(
                DOING,
                format!("{} is of another repository", one.state.number),
                "run flightdeck join in a clone of that one",
            ));
        }
    }
    let mut round = Round::default();
    sharing.take_in(&mut journal, cx.now(), incident, &mut round)?;
    if !journal.holds(incident)? {
        let why = round.aside.first().map_or("it declares no incident", |aside| &aside.why);
        return Err(Failure::new(DOING, why, "ask whoever declared it to run flightdeck share sync"));
    }
    let all = journal.incidents(None)?;
    let one: Vec<_> = all.into_iter().filter(|one| one.id == incident).collect();
    let sent = sharing.round(&mut journal, cx.now(), &one)?;
    let number = journal.number(incident)?;
    let title = one.first().map_or("", |one| &one.title);
    cx.out.line(&format!("{number}  {}", visible(title)))?;
    cx.out.tell(&format!("joined: {} taken in from {remote}", counted(round.added + sent.added, "record")));
    for aside in round.aside.iter().chain(&sent.aside) {
        cx.out.tell(&visible(&format!("▲ nothing more is taken from {}: {}", aside.author, aside.why)));
    }
    if let Some(why) = sent.trouble {
        cx.out.tell(&visible(&format!("▲ {remote} did not take what was written here: {why}")));
    }
    Ok(End::Done)
}

/// The incident that is meant, of those that are at the remote.
fn pick(named: Option<&str>, found: &[Preview], cx: &Context, remote: &str) -> Result<IncidentId> {
    let line = |state: &State| {
        let ago = duration(cx.now().duration_since(state.declared_at));
        format!("{} ({} {}, declared {ago} ago)", state.number, state.severity.name(), visible(&state.title))
    };
    if let Some(named) = named {
        let id = named.to_ascii_lowercase();
        let is_it = |state: &&State| {
            state.number.eq_ignore_ascii_case(named) || id.len() >= 8 && state.id.to_string().starts_with(&id)
        };
        let mut matching = found.iter().map(|one| &one.state).filter(is_it);
        return match (matching.next(), matching.next()) {
            (Some(one), None) => Ok(one.id),
            (None, _) => Err(Failure::usage(
                DOING,
                format!("{remote} has no incident {named}"),
                "flightdeck join without an id lists what is open there",
            )),
            (Some(one), Some(other)) => Err(Failure::usage(
                DOING,
                format!("{named} is the number of two: {} and {}", one.id, other.id),
                "name one by the beginning of its id",
            )),
        };
    }
    let open: Vec<&State> = found.iter().filter(|one| one.is_open()).map(|one| &one.state).collect();
    match open.as_slice() {
        [one] => Ok(one.id),
        [] => Err(Failure::usage(
            DOING,
            format!("{remote} has no open incident"),
            "ask whoever declared it to run flightdeck share sync there",
        )),
        some => Err(Failure::usage(
            DOING,
            format!(
                "several are open: {}",
                some.iter().map(|state| line(state)).collect::<Vec<_>>().join("; ")
            ),
            "name one: flightdeck join ID",
        )),
    }
}
