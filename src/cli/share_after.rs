//! What a verb wrote goes to colleagues' machines after it has ended, from a process of its own: a verb waits for no
//! remote.

use std::path::Path;
use std::time::{Duration, SystemTime};

use super::End;
use super::args::Verb;
use super::context::Context;
use super::share::{shared, sharing};
use super::status_text::clock;
use crate::conductor::start_beside;
use crate::drill::place::Place as Drill;
use crate::failure::{Failure, Result};
use crate::journal::Journal;
use crate::share::{Kept, Sharing, live_once};
use crate::text::visible;

/// The variable that keeps verbs from sending by themselves, and the value that does.
const VARIABLE: &str = "FLIGHTDECK_SHARE";
const OFF: &str = "off";
/// What is written meanwhile goes out with it.
const GATHER: Duration = Duration::from_millis(300);
/// The shortest time between two that send: hosts recommend at most six pushes a minute.
const BETWEEN: Duration = Duration::from_secs(5);
/// What verbs only read is asked for again after so long.
const STALE: Duration = Duration::from_secs(3);
/// The waits before it is tried again where the remote does not answer.
const AGAIN: [Duration; 3] = [Duration::from_secs(5), Duration::from_secs(20), Duration::from_secs(60)];

/// What a verb did with the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) enum Use {
    /// Nothing.
    #[default]
    Not,
    /// It read an incident.
    Read,
    /// It opened it to write.
    Wrote,
}

impl Context {
    /// Remembers that a journal is opened to write.
    pub(super) fn will_write(&self, journal: Journal) -> Journal {
        self.used.set(Use::Wrote);
        journal
    }

    /// Remembers that an incident is read.
    pub(super) fn will_read(&self) {
        self.used.set(self.used.get().max(Use::Read));
    }
}

/// Share what verbs wrote; flightdeck starts this by itself
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

/// Has what a verb wrote sent once it has ended, and what it only read brought up to date for the next one.
pub(super) fn after(verb: &Verb, cx: &Context) {
    if shares_itself(verb) {
        return;
    }
    after_use(cx);
}

/// The same, after what was done in a context.
pub(super) fn after_use(cx: &Context) {
    let used = cx.used.take();
    if used == Use::Not || std::env::var_os(VARIABLE).is_some_and(|said| said == OFF) {
        return;
    }
    let Ok(root) = cx.root() else { return };
    if Drill::is_played(root, &cx.state_dir) {
        return;
    }
    let known = cx.state_dir.join("share");
    match used {
        // What nobody shares from here is not asked for.
        Use::Read if !known.is_dir() || !is_stale(&known) => return,
        Use::Wrote => tell_trouble(cx, &known),
        Use::Read | Use::Not => {}
    }
    // Where no process can be started a cockpit, or the next verb, sends it; `status` says what is not sent.
    let _ = start_beside(&["share-after"], root);
}

/// Tells whether a verb shares by itself, or has nothing to do with it.
fn shares_itself(verb: &Verb) -> bool {
    matches!(
        verb,
        Verb::Share(_)
            | Verb::ShareAfter(_)
            | Verb::Join(_)
            | Verb::Conduct(_)
            | Verb::Drill(_)
            | Verb::DrillService(_)
            | Verb::Completions(_)
            | Verb::Man(_)
    )
}

/// Says what has kept records of this machine from the remote, so that nobody takes them for shared.
fn tell_trouble(cx: &Context, known: &Path) {
    if !known.is_dir() {
        return;
    }
    let Ok(sharing) = sharing(cx) else { return };
    let Some((since, why)) = sharing.git().trouble().filter(|_| sharing.turned_off().is_none()) else {
        return;
    };
    let remote = visible(&sharing.git().remote()).into_owned();
    cx.out.tell(&format!(
        "▲ not shared with {remote} since {} UTC: {}",
        clock(since, cx.now()),
        visible(&why)
    ));
}

/// The file that is touched when a process like this begins: verbs that only read start no second one for a while.
fn marker(known: &Path) -> std::path::PathBuf {
    known.join("asked")
}

fn is_stale(known: &Path) -> bool {
    let at = marker(known).metadata().and_then(|file| file.modified()).ok();
    at.and_then(|at| SystemTime::now().duration_since(at).ok()).is_none_or(|age| age >= STALE)
}

/// Carries the verb out.
pub(crate) fn run(_args: &Args, cx: &Context) -> Result<End> {
    // Out of the session of whoever ran the verb: a closed terminal is nothing to it.
    let _ = rustix::process::setsid();
    let known = cx.state_dir.join("share");
    let mut sharing = sharing(cx)?;
    // Only a hint: without it one more process is started.
    let _ = std::fs::write(marker(&known), "");
    let was_begun = live(cx, &mut sharing)?;
    let mut waits = AGAIN.iter();
    let mut again = None;
    loop {
        // Whoever waits already sends what was written meanwhile, too.
        let Some(turn) = unusable(sharing.git().turn_to_send())? else { return Ok(End::Done) };
        let pushed = sharing.git().pushed_ago().map_or(Duration::ZERO, |ago| BETWEEN.saturating_sub(ago));
        std::thread::sleep(pushed.max(GATHER));
        // While one is at it, one waits, and no more.
        let sends = unusable(sharing.git().wait_to_send())?;
        drop(turn);
        let is_well = round(cx, &mut sharing)?;
        drop(sends);
        if !was_begun {
            live(cx, &mut sharing)?;
        }
        let Some(wait) = waits.next().filter(|_| !is_well) else { return Ok(End::Done) };
        if again.is_none() {
            again = unusable(sharing.git().turn_to_try_again())?;
        }
        if again.is_none() {
            return Ok(End::Done);
        }
        std::thread::sleep(*wait);
    }
}

/// Shares it live at once, where that is configured; tells whether all had been shared from here before. What goes wrong
/// with it costs the time until git has brought the same.
fn live(cx: &Context, sharing: &mut Sharing) -> Result<bool> {
    let mut journal = cx.journal()?;
    let mut incidents = shared(cx, &journal, sharing)?;
    let all = incidents.len();
    incidents.retain(|one| sharing.is_shared(one.id));
    let is_begun = incidents.len() == all;
    if sharing.turned_off().is_none() {
        let _ = live_once(sharing, &mut journal, &incidents);
    }
    Ok(is_begun)
}

/// Makes a round; tells whether all is well, or nothing is to be sent.
fn round(cx: &Context, sharing: &mut Sharing) -> Result<bool> {
    let mut journal = cx.journal()?;
    let incidents = shared(cx, &journal, sharing)?;
    if incidents.is_empty() {
        return Ok(true);
    }
    let round = sharing.round(&mut journal, cx.now(), &incidents)?;
    Ok(round.trouble.is_none() && !matches!(round.kept, Some(Kept::Unknown(_))))
}

fn unusable<T>(lock: std::io::Result<T>) -> Result<T> {
    lock.map_err(|why| {
        Failure::new("sharing the incident", why, "see that the state directory can be written to")
    })
}
