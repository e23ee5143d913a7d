//! What people ask of a run that is followed: that it be stopped, or that what it waits for be given.

use std::time::{Duration, Instant};

use super::super::super::forge::Kind;
use super::super::super::log::LogWriter;
use super::super::super::pipeline::Host;
use super::super::super::recorder::Decided;
use super::super::super::run::Finished;
use super::super::super::stop::{Why, Wish};
use super::super::Conductor;
use super::super::wait::{say, who};
use super::look::named;
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
        let sent = match following.still_waits(waits_for, ids) {
            Ok(()) => {
                let answered = self.at_host(|| host.review(&id, &reviews, *approve, &comment));
                for (_, lost) in &answered.lost {
                    following.keep_away(lost);
                }
                match answered.trouble(*approve) {
                    None => Ok(()),
                    Some(why) => {
                        following.is_part = !answered.given.is_empty();
                        following.reviews.retain(|review| !answered.given.contains(review));
                        following.waits = named(&following.reviews, self.recorder.now());
                        Err(why)
                    }
                }
            }
            Err(why) => Err(format!("could not {word} it: {why}")),
        };
        let said = match sent {
            Ok(()) => {
                following.refused.clear();
                // What was answered is no question any more: what it waits for now is asked anew.
                following.reviews.clear();
                format!("{}: {word}, {}", decided.by, following.waits)
            }
            Err(why) => {
                // On record at once: its host may want to be left alone for long.
                following.refused = self.vault.mask(&why);
                let note = self.noted(&following.to_say());
                self.tell_waiting(following, &note);
                following.note = note;
                following.told_ids = following.ids();
                self.recorder.record(following.record(&self.plan.id));
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
        (wish, is_again): (Wish, bool),
        interval: Duration,
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
        // Force skips what a run does when it is cancelled: it comes only after an ordinary cancel that its host has heard.
        // Whoever asks again before that means the same, or, where they said so, with force from then on.
        let was_asked = !is_again && matches!(following.stop, Some(Why::Asked { .. }));
        let has_heard = following.is_told || following.refused_stop || following.may_be_told;
        let force = has_heard && (wish.kill || was_asked);
        following.untold = None;
        let id = following.seen.id.clone();
        let how = if force { "force-cancel" } else { "cancel" };
        let said = match self.at_host(|| host.cancel(&id, force)) {
            Ok(()) => {
                following.forced |= force;
                following.is_told = true;
                following.refused_stop = false;
                following.deaf.clear();
                let then = if wish.kill && !force {
                    // It is given a moment to end by itself.
                    following.resend.at(Instant::now() + interval);
                    following.untold = Some(wish.clone());
                    ", then with force"
                } else {
                    ""
                };
                format!("{}: told {name} to {how}{then}", who(&wish.why))
            }
            Err(lost) => {
                let is_limited = following.keep_away(&lost);
                following.resend.failed(Instant::now(), is_limited);
                let is_final = matches!(lost.kind, Kind::Refused(_));
                if !is_again && (force && following.force_failed || following.refused_stop && is_final) {
                    // It was asked for with force, and again in vain: nobody can end it from here.
                    let how = if following.is_told { "force-cancel" } else { "cancel" };
                    let why = format!("{name} could not be told to {how}: {}; it goes on", lost.why);
                    let finished = Finished::with(Outcome::Unknown { why: self.vault.mask(&why) });
                    return Some(Finished { stopped: Some(wish.why), ..finished });
                }
                following.force_failed |= force;
                following.refused_stop |= is_final;
                following.may_be_told |= matches!(lost.kind, Kind::Unclear | Kind::Busy(_) | Kind::Odd);
                following.untold = (!is_final).then(|| Wish { kill: wish.kill || force, ..wish.clone() });
                // It is said once why, however often it is tried.
                let is_said = std::mem::replace(&mut following.deaf, lost.why.clone()) == lost.why;
                let then = if is_final { "" } else { "; trying again" };
                if is_said {
                    String::new()
                } else {
                    following.note = self.noted(&following.to_say());
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
