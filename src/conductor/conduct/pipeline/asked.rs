//! What people ask of a run that is followed: that it be stopped, or that what it waits for be given.

use std::time::Instant;

use super::super::super::forge::Kind;
use super::super::super::log::LogWriter;
use super::super::super::pipeline::Host;
use super::super::super::recorder::Decided;
use super::super::super::run::Finished;
use super::super::super::stop::{Why, Wish};
use super::super::Conductor;
use super::super::wait::{say, who};
use super::run::Following;
use crate::incident::{Decision, Outcome};

impl Conductor {
    /// Hands on what a person says to what it waits for.
    pub(super) fn review(
        &mut self,
        following: &mut Following<'_>,
        host: &mut Host,
        log: &mut LogWriter,
        decided: &Decided,
    ) {
        let Decision::Review { approve, comment, waits_for, ids } = &decided.decision else { return };
        let word = if *approve { "approve" } else { "reject" };
        let (id, reviews) = (following.seen.id.clone(), following.reviews.clone());
        let comment = format!("{comment} ({})", decided.by);
        let sent = following.still_waits(waits_for, ids).map_err(str::to_owned).and_then(|()| {
            let said = self.at_host(|| host.review(&id, &reviews, *approve, &comment));
            said.map_err(|lost| {
                following.keep_away(&lost);
                lost.why
            })
        });
        let said = match sent {
            Ok(()) => {
                following.refused.clear();
                // What was answered is no question any more: what it waits for now is asked anew.
                following.reviews.clear();
                format!("{}: {word}, {}", decided.by, following.note)
            }
            Err(why) => {
                following.refused = self.vault.mask(&format!("could not {word} it: {why}"));
                following.refused.clone()
            }
        };
        say(log, &self.vault.mask(&said));
        following.moved = Instant::now();
        following.pace.waits_anew();
    }

    /// Heeds the wish that it be stopped. An end, where this process is to end, or where its host does not take it: the
    /// pipeline goes on. `is_again`: its host had no ear for it before, and nobody asked anew.
    pub(super) fn stop(
        &mut self,
        following: &mut Following<'_>,
        host: &mut Host,
        log: &mut LogWriter,
        wish: Wish,
        is_again: bool,
    ) -> Option<Finished> {
        let name = following.seen.name.clone();
        if wish.why == Why::Ending {
            let why = format!("{}; {name} goes on", who(&wish.why));
            let finished = Finished::with(Outcome::Unknown { why });
            return Some(Finished { stopped: Some(wish.why), ..finished });
        }
        if following.forced {
            // It was told twice. Whoever asks once more waits for it no longer.
            let why = format!("{}; {name} was told to force-cancel, and has not ended yet", who(&wish.why));
            let finished = Finished::with(Outcome::Unknown { why });
            return Some(Finished { stopped: Some(wish.why), ..finished });
        }
        // Whoever asks again though it was sent means it; a host that asks to be left alone has not heard of it yet.
        let before = following.untold.take();
        let was_sent = before.is_some() && following.away().is_zero();
        let force = wish.kill || following.is_told || following.refused_stop || was_sent;
        let id = following.seen.id.clone();
        let how = if force { "force-cancel" } else { "cancel" };
        let said = match self.at_host(|| host.cancel(&id, force)) {
            Ok(()) => {
                following.forced |= force;
                following.is_told = true;
                following.refused_stop = false;
                following.deaf.clear();
                format!("{}: told {name} to {how}", who(&wish.why))
            }
            Err(lost) => {
                let is_limited = following.keep_away(&lost);
                following.resend.failed(Instant::now(), is_limited);
                let is_final = matches!(lost.kind, Kind::Refused(_));
                let was_forced = before.is_some_and(|wish| wish.kill);
                if was_forced || following.refused_stop && is_final && !is_again {
                    // It was asked for with force, and again in vain: nobody can end it from here.
                    let how = if following.is_told { "force-cancel" } else { "cancel" };
                    let why = format!("{name} could not be told to {how}: {}; it goes on", lost.why);
                    let finished = Finished::with(Outcome::Unknown { why: self.vault.mask(&why) });
                    return Some(Finished { stopped: Some(wish.why), ..finished });
                }
                following.refused_stop |= is_final;
                following.untold = (!is_final).then(|| Wish { kill: force, ..wish.clone() });
                // It is said once why, however often it is tried.
                let is_said = std::mem::replace(&mut following.deaf, lost.why.clone()) == lost.why;
                let then = if is_final { "" } else { "; trying again" };
                if is_said {
                    String::new()
                } else {
                    let note = following.with_deaf(&following.waiting_for());
                    following.note = self.noted(&note);
                    self.recorder.record(following.record(&self.plan.id));
                    format!("{}: could not {how} {name}: {}{then}", who(&wish.why), lost.why)
                }
            }
        };
        if !said.is_empty() {
            say(log, &self.vault.mask(&said));
        }
        if !is_again {
            following.moved = Instant::now();
        }
        following.told = following.told.filter(|_| !following.is_told).or(Some(Instant::now()));
        following.stop = Some(wish.why);
        None
    }
}
