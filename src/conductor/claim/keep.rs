//! The lease of a target while its plan goes on: renewed beside it, and given back at its end.

use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::{Hold, PATIENCE};
use crate::clock::Stopwatch;
use crate::conductor::decide::SILENCE;
use crate::conductor::process;
use crate::incident::{Draft, IncidentId, NoteKind, Noted, duration};
use crate::journal::Journal;
use crate::plan::Plan;
use crate::share::{Claim, Heard, There};
use crate::text::visible;

/// How often a claim is renewed.
const RENEW: Duration = Duration::from_secs(30);
/// How soon that is tried again.
const AGAIN: Duration = Duration::from_secs(10);
/// After so long without renewing it a holder goes no further unasked: soon the target is anybody's.
const UNSURE: Duration = Duration::from_secs(90);

/// Renews the claim of a plan until it is finished, on a thread of its own.
pub(in crate::conductor) struct Keeping {
    over: Sender<()>,
    done: Receiver<()>,
    target: String,
    kept: Arc<Mutex<Kept>>,
}

/// How it stands with a claim that is renewed.
#[derive(Debug, Default)]
struct Kept {
    /// Since it was renewed last; `None`: it never was, as nobody could be asked.
    renewed: Option<Stopwatch>,
    /// Who took it. That stays so when it was taken again: something else was done there.
    lost: Option<String>,
}

impl Keeping {
    /// Begins. `None`: the plan holds nothing that others could see.
    pub(in crate::conductor) fn start(
        state_dir: &Path,
        author: &str,
        incident: IncidentId,
        plan: &Plan,
    ) -> Option<Self> {
        if !plan.is_for_one() {
            return None;
        }
        let (over, ended) = channel();
        let (told, done) = channel();
        let (state_dir, author) = (state_dir.to_owned(), author.to_owned());
        let (target, plan) = (plan.target.clone(), plan.id.clone());
        let kept = Arc::new(Mutex::new(Kept::default()));
        let keeping = Self { over, done, target: target.clone(), kept: Arc::clone(&kept) };
        let thread = std::thread::Builder::new().name("lease".to_owned());
        thread
            .spawn(move || {
                if let Ok(mut journal) = Journal::open_again(&state_dir, &author) {
                    keep(&mut journal, &state_dir, incident, (&target, &plan), &ended, &kept);
                }
                let _ = told.send(());
            })
            .ok()?;
        Some(keeping)
    }

    /// Why the plan should not go on unasked: somebody else took its target, or is about to be able to. `None`: it holds
    /// it, or was started though nobody could be asked.
    pub(in crate::conductor) fn trouble(&self) -> Option<String> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let target = visible(&self.target);
        if let Some(by) = &kept.lost {
            return Some(format!("{by} took {target} over meanwhile"));
        }
        let since = kept.renewed?.elapsed();
        let silent = SignedDuration::try_from(since).unwrap_or(SignedDuration::MAX);
        (since > UNSURE).then(|| {
            format!("the lease of {target} was last renewed {} ago: others may take it", duration(silent))
        })
    }

    /// Gives it back, for which the remote gets a moment.
    pub(in crate::conductor) fn finish(self) {
        drop(self.over);
        let _ = self.done.recv_timeout(PATIENCE * 2);
    }
}

fn keep(
    journal: &mut Journal,
    state_dir: &Path,
    incident: IncidentId,
    plan: (&str, &str),
    over: &Receiver<()>,
    kept: &Mutex<Kept>,
) {
    let kept = || kept.lock().unwrap_or_else(PoisonError::into_inner);
    let mut hold: Option<Hold> = None;
    let mut next = Duration::ZERO;
    // The end of the plan drops the other end.
    while matches!(over.recv_timeout(next), Err(RecvTimeoutError::Timeout)) {
        next = AGAIN;
        if hold.is_none() {
            // What was taken is watched over also where the remote may no longer be asked.
            hold = Hold::open(journal, state_dir, incident, plan).ok();
            // It was taken by whoever started this process.
            let known = hold.as_ref().and_then(|hold| hold.there(journal).ok().flatten());
            if let (Some(hold), Some(known)) = (&mut hold, known)
                && let There::Claim(claim) = &known.there
                && hold.is_ours(journal, &known.there)
            {
                hold.mine = Some(known.id);
                kept().renewed = Some(Stopwatch::start());
                let (plan, incident) = (hold.claim.plan.clone(), hold.claim.incident);
                hold.claim = Claim { process: process::this(), plan, incident, ..(**claim).clone() };
            }
        }
        let Some(holding) = &mut hold else { continue };
        let is_kept_up = kept().renewed.is_some_and(|since| since.elapsed() < SILENCE.unsigned_abs());
        let renewed = renew(holding, journal, is_kept_up);
        holding.tell_removed(journal);
        match renewed {
            Renewed::Yes => {
                kept().renewed = Some(Stopwatch::start());
                next = RENEW;
            }
            Renewed::NotNow => {}
            Renewed::Lost(by) => {
                holding.mine = None;
                // It is taken again once it is free.
                if kept().lost.replace(by.clone()).as_ref() == Some(&by) {
                    continue;
                }
                let (target, plan) = plan;
                let text = format!("{by} took {target} over while {plan} holds it: two plans may work there");
                let draft = Draft::now(incident, Noted { kind: NoteKind::Problem, text });
                let _ = journal.append(Timestamp::now(), vec![draft]);
            }
        }
    }
    if let Some(mut hold) = hold {
        hold.release();
    }
}

#[derive(Debug, PartialEq)]
enum Renewed {
    Yes,
    /// The remote does not answer, or was asked for too much at once.
    NotNow,
    /// Somebody else has it.
    Lost(String),
}

/// Renews a claim. `is_kept_up`: it was renewed so lately that nobody can have taken it for one that is silent. Then what
/// nobody can vouch for is put right; else it may be the claim of whoever holds the target by now.
fn renew(hold: &mut Hold, journal: &Journal, is_kept_up: bool) -> Renewed {
    if hold.sharing.kept().is_some() {
        return Renewed::NotNow;
    }
    hold.claim.renewed += 1;
    let mine = hold.mine;
    if mine.is_some() && hold.put(mine).is_ok() {
        return Renewed::Yes;
    }
    let seen = match hold.sharing.git().hear_claim(&hold.reference, PATIENCE) {
        // Nobody knows whose it is by now.
        Ok(Heard::Unread(id, _)) if is_kept_up => Some(id),
        Err(_) | Ok(Heard::Unread(..)) => return Renewed::NotNow,
        Ok(Heard::Known) => match hold.there(journal) {
            Err(_) => return Renewed::NotNow,
            Ok(Some(known)) if hold.is_in_the_way(journal, &known) => match (&known.there, is_kept_up) {
                (_, true) if hold.doubt(journal, &known).is_some() => Some(known.id),
                (There::Garbage(_), _) => return Renewed::NotNow,
                (There::Claim(claim), _) => {
                    return Renewed::Lost(format!("{} ({})", visible(&claim.person), visible(&claim.plan)));
                }
            },
            Ok(there) => there.map(|there| there.id),
        },
    };
    if hold.put(seen).is_ok() { Renewed::Yes } else { Renewed::NotNow }
}

#[cfg(test)]
mod tests;
