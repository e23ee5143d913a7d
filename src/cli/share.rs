//! `flightdeck share`: how far an incident is shared with other machines.

use serde::Serialize;

use super::End;
use super::context::{Context, Loaded, Setup};
use super::situation::SharedWith;
use super::yes::is_meant;
use crate::conductor::Unattended;
use crate::failure::{Failure, FailureKind, Result};
use crate::hotfix::git::Reader;
use crate::incident::Status;
use crate::journal::{Journal, Summary};
use crate::share::{Kept, Round, Sharing, live_once, node_name};
use crate::text::{counted, visible};

/// Share incidents with colleagues' machines over the git remote
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  flightdeck share sync      take in what colleagues wrote, send what you wrote
  flightdeck share status    how far that is, without asking the remote
  flightdeck share off       share nothing of this repository from this machine
  flightdeck share purge     remove what closed incidents left there")]
pub(crate) struct Args {
    /// What to do; status if nothing is said
    #[arg(value_name = "WHAT", default_value = "status")]
    what: What,

    /// The incident to purge; left out: all that are closed
    #[arg(value_name = "INCIDENT")]
    incident: Option<String>,

    /// Purge without asking
    #[arg(long)]
    yes: bool,

    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum What {
    /// What is shared where, without asking the remote
    Status,
    /// Take in what colleagues wrote, and send what was written here
    Sync,
    /// Send nothing more of this repository from this machine, and take nothing in
    Off,
    /// Share its open incidents again
    On,
    /// Remove what closed incidents left at the remote, for everybody
    Purge,
}

#[derive(Serialize)]
struct Done<'a> {
    remote: &'a str,
    installation: String,
    key: String,
    added: usize,
    sent: u64,
    unsent: u64,
    off: Option<String>,
    aside: Vec<Wrong<'a>>,
    trouble: Option<&'a str>,
}

#[derive(Serialize)]
struct Wrong<'a> {
    incident: String,
    installation: String,
    author: &'a str,
    why: &'a str,
}

/// Carries the verb out.
pub(crate) fn run(args: &Args, cx: &Context) -> Result<End> {
    let mut journal = cx.journal()?;
    let mut sharing = sharing(cx)?;
    let incidents = shared(cx, &journal, &sharing)?;
    let (off, live);
    let round = match args.what {
        What::Sync => {
            let mut round = sharing.round(&mut journal, cx.now(), &incidents)?;
            live = live_once(&mut sharing, &mut journal, &incidents);
            round.added += live.as_ref().and_then(|done| done.as_ref().ok()).unwrap_or(&0);
            off = round.kept.take();
            match &off {
                // What strangers may read at the one they cannot at the other.
                Some(kept) if !matches!(live, Some(Ok(_))) => return Err(kept.clone().into()),
                _ => round,
            }
        }
        What::Status => {
            (off, live) = (sharing.kept(), None);
            sharing.standing(&journal, &incidents)?
        }
        What::Purge => return purge(args, cx, &journal, &sharing),
        What::Off | What::On => return turn(args.what == What::Off, cx, &sharing, &incidents),
    };
    if let Some(Err(why)) = &live {
        cx.out.tell(&visible(&format!("▲ not live: {why}")));
    }
    tell(args, cx, &journal, &sharing, &incidents, &round, off.as_ref())
}

fn turn(off: bool, cx: &Context, sharing: &Sharing, incidents: &[Summary]) -> Result<End> {
    let doing = if off { "turning sharing off" } else { "turning sharing on" };
    sharing
        .git()
        .turn(off)
        .map_err(|why| Failure::new(doing, why, "see that the state directory can be written to"))?;
    let remote = visible(&sharing.git().remote()).into_owned();
    if !off {
        cx.out.line(&format!("open incidents are shared over {remote} again"))?;
        return Ok(End::Done);
    }
    cx.out.line("nothing is shared from this machine any more")?;
    if incidents.iter().any(|one| sharing.is_shared(one.id)) {
        cx.out.tell(&format!("what {remote} has already stays there: flightdeck share purge removes it"));
    }
    Ok(End::Done)
}

fn purge(args: &Args, cx: &Context, journal: &Journal, sharing: &Sharing) -> Result<End> {
    let doing = "purging closed incidents";
    let mut closed = journal.incidents(Some(&cx.repository(journal)?))?;
    match &args.incident {
        Some(named) => {
            let id = named.to_ascii_lowercase();
            closed.retain(|one| {
                one.number.eq_ignore_ascii_case(named) || id.len() >= 8 && one.id.to_string().starts_with(&id)
            });
            if closed.is_empty() {
                return Err(Failure::usage(
                    doing,
                    format!("this repository has no incident {named}"),
                    "flightdeck history names them",
                ));
            }
        }
        None => closed.retain(|one| one.status == Status::Closed),
    }
    let remote = visible(&sharing.git().remote()).into_owned();
    let numbers: Vec<&str> = closed.iter().map(|one| one.number.as_str()).collect();
    if numbers.is_empty() {
        cx.out.line("no incident is closed: there is nothing to purge")?;
        return Ok(End::Done);
    }
    let what = format!("remove {} from {remote}, for everybody", numbers.join(", "));
    if !args.yes {
        match is_meant(cx, doing, &what)? {
            Some(true) => {}
            Some(false) => {
                return Err(Failure::of(FailureKind::Gate, doing, "it was cancelled", "nothing changed"));
            }
            None => {
                return Err(Failure::of(
                    FailureKind::Gate,
                    doing,
                    format!("nobody is there to confirm to {what}"),
                    "add --yes if that is meant",
                ));
            }
        }
    }
    let mut removed = 0;
    for incident in &closed {
        removed += sharing.purge(journal, incident, cx.now())?;
    }
    cx.out.line(&format!("{} removed from {remote}", counted(removed, "reference")))?;
    cx.out.tell("journals keep their records; the host may keep what it had until it cleans up");
    Ok(End::Done)
}

fn tell(
    args: &Args,
    cx: &Context,
    journal: &Journal,
    sharing: &Sharing,
    incidents: &[Summary],
    round: &Round,
    off: Option<&Kept>,
) -> Result<End> {
    let number =
        |id| incidents.iter().find(|one| one.id == id).map_or_else(String::new, |one| one.number.clone());
    if args.json {
        let wrong = round.aside.iter().map(|aside| Wrong {
            incident: number(aside.incident),
            installation: node_name(aside.node),
            author: &aside.author,
            why: &aside.why,
        });
        cx.out.json(&Done {
            remote: &sharing.git().remote(),
            installation: node_name(journal.author().node),
            key: sharing.key(),
            added: round.added,
            sent: round.sent,
            unsent: round.unsent,
            off: off.map(ToString::to_string),
            aside: wrong.collect(),
            trouble: round.trouble.as_deref(),
        })?;
    } else {
        let remote = visible(&sharing.git().remote()).into_owned();
        if let Some(kept) = off {
            cx.out.line(&format!("not shared: {kept}"))?;
            cx.out.tell(&format!("to share: {}", kept.way_out()));
        } else if args.what == What::Sync && round.trouble.is_none() {
            let (added, sent) = (counted(round.added, "record"), round.sent);
            cx.out.line(&format!("{added} taken in from {remote}, {sent} sent"))?;
        } else if round.unsent == 0 {
            cx.out.line(&format!("all is at {remote}"))?;
        } else {
            cx.out.line(&format!(
                "{} not at {remote} yet",
                counted(usize::try_from(round.unsent).unwrap_or(usize::MAX), "record")
            ))?;
        }
        for aside in &round.aside {
            let of = if aside.author.is_empty() { node_name(aside.node) } else { aside.author.clone() };
            cx.out.tell(&visible(&format!(
                "▲ {}: nothing more is taken from {of}: {}",
                number(aside.incident),
                aside.why
            )));
        }
    }
    match &round.trouble {
        None => Ok(End::Done),
        Some(why) => Err(Failure::new(
            format!("asking {}", sharing.git().remote()),
            why,
            "nothing is lost: it is sent once the remote answers",
        )),
    }
}

/// The incidents of this repository that are shared: all that are open, and those that were shared when they were.
pub(super) fn shared(cx: &Context, journal: &Journal, sharing: &Sharing) -> Result<Vec<Summary>> {
    let mut all = journal.incidents(Some(&cx.repository(journal)?))?;
    all.retain(|one| one.is_open() || one.is_declared && sharing.is_shared(one.id));
    Ok(all)
}

/// The way over which incidents of this repository are shared.
///
/// # Errors
/// As [`Sharing::open`].
pub(super) fn sharing(cx: &Context) -> Result<Sharing> {
    sharing_by(cx, &cx.setup_or_warn())
}

/// How far an incident is shared, without asking the remote; `None`: it is not.
pub(super) fn how_far(cx: &Context, setup: &Setup, loaded: &Loaded) -> Option<SharedWith> {
    // Where nothing was shared from nothing is made for it.
    cx.state_dir.join("share").is_dir().then_some(())?;
    let sharing = sharing_by(cx, setup).ok().filter(|sharing| sharing.turned_off().is_none())?;
    let unsent = sharing.behind(&loaded.journal, loaded.state().id).ok()??;
    let (remote, trouble) = (sharing.git().remote().into_owned(), sharing.git().trouble());
    Some(SharedWith { remote, unsent: usize::try_from(unsent).unwrap_or(usize::MAX), trouble })
}

fn sharing_by(cx: &Context, setup: &Setup) -> Result<Sharing> {
    let root = cx.root()?;
    let Setup { config, trusted, .. } = setup;
    let reader = Reader::open(root).map_err(|none| none.failure(&root.to_string_lossy()))?;
    if let Some(why) = Unattended::refusal(&cx.state_dir, &reader) {
        return Err(Failure::new("sharing the incident", why, "flightdeck trust allows it"));
    }
    let wire = Unattended::new(config, &reader);
    Ok(Sharing::open(&cx.state_dir, wire, config, *trusted)?)
}
