//! The lease of a target where everybody can see it: taken at the remote before a plan starts, renewed while it goes on,
//! and given back at its end. The journal's own lease keeps two plans of one machine apart, this one two machines.

mod keep;

use std::path::Path;
use std::time::{Duration, Instant};

use git2::Oid;
use jiff::{SignedDuration, Timestamp};

use super::decide::{SILENCE, shown_gone};
use super::process;
use super::sharing::{Reach, Way, reach};
use crate::failure::{Failure, FailureKind, Result};
use crate::incident::{Draft, IncidentId, LeaseTaken, Record, same_person};
use crate::journal::{Journal, Lease};
use crate::plan::Plan;
use crate::plan::gates::{self, Standing};
use crate::share::{Claim, Claimed, Heard, Key, Sharing, There, claim_reference};
use crate::text::visible;
pub(super) use keep::Keeping;

/// How long the remote may take to say who holds a target.
const PATIENCE: Duration = Duration::from_secs(8);
/// How often somebody who is quicker is looked at again.
const ATTEMPTS: usize = 3;
/// The pause before that.
const PAUSE: Duration = Duration::from_millis(200);

/// What became of an attempt to take a target.
pub(super) enum Taken {
    /// Nobody else has to be asked: it is not shared, or harms nobody.
    Alone,
    /// It is taken.
    Yes(Box<Hold>),
    /// Somebody on another machine holds it.
    Held(Lease),
    /// What lies there may be somebody's: nobody can vouch for it, or it cannot be read now.
    Doubtful(String),
    /// Nobody else can be asked: why.
    Unasked(String),
}

/// The way to the claim of one target.
pub(super) struct Hold {
    sharing: Sharing,
    key: Key,
    claim: Claim,
    reference: String,
    /// What we put there last.
    mine: Option<Oid>,
    /// What was passed over to take it, in words.
    pub(super) over: Option<String>,
}

/// What is known of a claim once the remote was asked.
enum Asked {
    /// What is there.
    There(Option<Claimed>),
    /// Something is, or was when the remote answered last: why nobody knows whose it is.
    Doubtful(Oid, String),
    /// The remote cannot be asked, and nobody is known to be there.
    Unasked(String),
}

/// Whether there is a way to the claim of a target.
enum Opening {
    /// What is done there is shared with nobody.
    Alone,
    /// The remote may not be asked: why.
    Shut(String),
    Open(Box<Hold>),
}

impl Opening {
    /// The way, if there is one.
    fn ok(self) -> Option<Hold> {
        match self {
            Self::Open(hold) => Some(*hold),
            Self::Alone | Self::Shut(_) => None,
        }
    }
}

impl Hold {
    /// Opens the way without asking whether the remote may be asked now.
    fn open(
        journal: &Journal,
        state_dir: &Path,
        incident: IncidentId,
        (target, plan): (&str, &str),
    ) -> Opening {
        let Way { sharing, code, .. } = match reach(state_dir, incident) {
            Reach::Alone => return Opening::Alone,
            Reach::Shut { why, .. } => return Opening::Shut(why),
            Reach::Open(way) => *way,
        };
        let key = match Key::open(state_dir) {
            Ok(key) => key,
            Err(failure) => return Opening::Shut(failure.cause),
        };
        let author = journal.author();
        let claim = Claim {
            process: process::this(),
            taken: Timestamp::now(),
            ..Claim::new(target, incident, plan, &author.name, author.node, &key)
        };
        let reference = claim_reference(target, &code);
        Opening::Open(Box::new(Self { sharing, key, claim, reference, mine: None, over: None }))
    }

    /// The same, where the remote may be asked.
    fn open_to_ask(journal: &Journal, state_dir: &Path, incident: IncidentId, plan: (&str, &str)) -> Opening {
        let mut opening = Self::open(journal, state_dir, incident, plan);
        let kept = match &mut opening {
            Opening::Open(hold) => hold.sharing.kept(),
            Opening::Alone | Opening::Shut(_) => None,
        };
        match kept {
            None => opening,
            Some(kept) if kept.is_wanted() => Opening::Alone,
            Some(kept) => Opening::Shut(kept.to_string()),
        }
    }

    fn there(&self, journal: &Journal) -> std::result::Result<Option<Claimed>, String> {
        let incident = self.claim.incident;
        let key_of = |node| journal.key_of(incident, node).ok().flatten();
        self.sharing.git().claimed(&self.reference, &self.claim.target, &key_of)
    }

    /// Asks the remote what is there.
    fn ask(&self, journal: &Journal) -> Asked {
        let target = visible(&self.claim.target);
        let before = self.there(journal).ok().flatten().filter(|it| self.is_in_the_way(journal, it));
        match self.sharing.git().hear_claim(&self.reference, PATIENCE) {
            Ok(Heard::Known) => self.there(journal).map_or_else(Asked::Unasked, Asked::There),
            Ok(Heard::Unread(id, why)) => self.unread(id, &why),
            Err(why) => match before {
                None => Asked::Unasked(why),
                Some(known) => {
                    let who = match &known.there {
                        There::Claim(claim) => visible(&claim.person).into_owned(),
                        There::Garbage(_) => "somebody".to_owned(),
                    };
                    let why = format!(
                        "{who} held {target} when the remote answered last, and it cannot be asked now: {why}"
                    );
                    Asked::Doubtful(known.id, why)
                }
            },
        }
    }

    fn unread(&self, id: Oid, why: &str) -> Asked {
        let target = visible(&self.claim.target);
        Asked::Doubtful(id, format!("what the remote has as the lease of {target} cannot be read: {why}"))
    }

    /// Tells whether it is of this very plan, or of one of this machine that is over: its process is gone, or the record
    /// says so.
    fn is_ours(&self, journal: &Journal, there: &There) -> bool {
        let There::Claim(claim) = there else { return false };
        if claim.node != self.claim.node || claim.key != self.claim.key {
            return false;
        }
        let is_same = claim.plan == self.claim.plan && claim.incident == self.claim.incident;
        let is_gone = || claim.process.as_ref().is_some_and(process::is_gone);
        is_same || is_gone() || is_over(journal, claim)
    }

    /// Tells whether it is somebody else's, as far as was seen from here.
    fn is_in_the_way(&self, journal: &Journal, there: &Claimed) -> bool {
        !is_silent(there) && !self.is_ours(journal, &there.there)
    }

    /// What it means that it could not be taken, though nobody was seen to be quicker.
    fn untaken(&mut self, why: String) -> Taken {
        match self.over.take() {
            Some(over) => Taken::Doubtful(format!("{over}; the lease cannot be taken: {why}")),
            None => Taken::Unasked(why),
        }
    }

    fn put(&mut self, seen: Option<Oid>) -> std::result::Result<(), String> {
        let bytes = self.claim.seal(&self.key);
        self.mine = self.sharing.git().swap_claim(&self.reference, seen, Some(&bytes), PATIENCE)?;
        Ok(())
    }

    /// Gives it back, if it is still ours.
    pub(super) fn release(&mut self) {
        if let Some(mine) = self.mine.take() {
            // Whoever cannot be told sees that it is no longer renewed.
            let _ = self.sharing.git().swap_claim(&self.reference, Some(mine), None, PATIENCE);
        }
    }

    /// Writes down what was removed at the remote because it was in the way. It is no reason to stop if that fails.
    fn tell_removed(&mut self, journal: &mut Journal) {
        let _ = self.sharing.tell_removed(journal, Timestamp::now(), self.claim.incident);
    }

    /// Why a claim of somebody else is not simply theirs; `None`: it is one of a machine that is known here, and the record
    /// says nothing against it.
    fn doubt(&self, journal: &Journal, claimed: &Claimed) -> Option<String> {
        let target = visible(&self.claim.target);
        let claim = match &claimed.there {
            There::Garbage(why) => {
                return Some(format!(
                    "what the remote has as the lease of {target} is none: {}",
                    visible(why)
                ));
            }
            There::Claim(claim) => claim,
        };
        let is_known = |node| {
            let of = |incident| journal.key_of(incident, node).ok().flatten();
            let known = of(self.claim.incident).or_else(|| of(claim.incident));
            known.is_some_and(|known| known == claim.key)
        };
        // This machine's own key is known to it.
        let is_known = claim.node == self.claim.node && claim.key == self.claim.key
            || u64::from_str_radix(&claim.node, 16).is_ok_and(is_known);
        let (person, plan) = (visible(&claim.person), visible(&claim.plan));
        if !is_known {
            return Some(format!(
                "{person} holds {target} for {plan}, from a machine ({}) that nobody here knows",
                claim.node
            ));
        }
        contradiction(journal, claim)
            .map(|why| format!("{person} holds {target} for {plan} as the remote has it, but {why}"))
    }
}

/// What the record says against a claim of a machine that is known: anybody who may push can put an old one there again.
fn contradiction(journal: &Journal, claim: &Claim) -> Option<String> {
    let node = u64::from_str_radix(&claim.node, 16).ok()?;
    let met = journal.vouched(claim.incident).ok().and_then(|mut vouched| vouched.others.remove(&node));
    let owner = met.map(|met| met.person).filter(|owner| !owner.is_empty());
    if let Some(owner) = owner.filter(|owner| !same_person(owner, &claim.person)) {
        return Some(format!("that machine is {}'s", visible(&owner)));
    }
    let state = journal.alone(claim.incident).ok()?;
    let run = state.plan(&claim.plan)?;
    if run.node != node {
        return Some("that plan was started on another machine".to_owned());
    }
    (!run.state.is_under_way()).then(|| "that plan is over by the record".to_owned())
}

/// Tells whether a plan of this machine is over: by the record, and nothing here is about to take it up again.
fn is_over(journal: &Journal, claim: &Claim) -> bool {
    let Ok(state) = journal.alone(claim.incident) else { return false };
    let is_over = state.plan(&claim.plan).is_some_and(|run| !run.state.is_under_way());
    let is_held = |lease: &Lease| lease.incident == claim.incident && lease.plan == claim.plan;
    is_over && journal.leases().is_ok_and(|leases| !leases.iter().any(is_held))
}

/// Takes the target of a plan where everybody can see it. `passes`: what nobody can vouch for is passed over.
pub(super) fn take(
    journal: &mut Journal,
    state_dir: &Path,
    incident: IncidentId,
    repository: &str,
    plan: &Plan,
    passes: bool,
) -> Taken {
    if !plan.is_for_one() {
        return Taken::Alone;
    }
    match Hold::open_to_ask(journal, state_dir, incident, (&plan.target, &plan.id)) {
        Opening::Alone => Taken::Alone,
        Opening::Shut(why) => Taken::Unasked(why),
        Opening::Open(hold) => seize(hold, journal, repository, passes),
    }
}

fn seize(mut hold: Box<Hold>, journal: &mut Journal, repository: &str, passes: bool) -> Taken {
    let target = visible(&hold.claim.target).into_owned();
    let (mut unread, mut last) = (None, format!("others take {target} at the same time, again and again"));
    let mut is_heard = false;
    for attempt in 0..ATTEMPTS {
        if attempt > 0 {
            // Whoever was quicker may not be done yet.
            std::thread::sleep(PAUSE);
        }
        hold.over = None;
        let known = match (unread.take(), hold.there(journal)) {
            (Some(unread), _) => unread,
            // What was heard last may be over.
            (None, Ok(Some(known))) if hold.is_in_the_way(journal, &known) => hold.ask(journal),
            (None, Ok(known)) => Asked::There(known),
            (None, Err(why)) => return Taken::Unasked(why),
        };
        let seen = match known {
            Asked::There(Some(known)) if hold.is_in_the_way(journal, &known) => {
                let mut doubt = hold.doubt(journal, &known);
                if doubt.is_some() && !std::mem::replace(&mut is_heard, true) {
                    // Whoever joined a moment ago, or has just begun, is known to the remote before it is known here.
                    // Where that cannot be had, it is judged by what is known.
                    let _ = hold.sharing.hear(journal, Timestamp::now(), hold.claim.incident, PATIENCE);
                    doubt = hold.doubt(journal, &known);
                }
                match doubt {
                    None => {
                        return Taken::Held(held(
                            &known,
                            repository,
                            &hold.claim.target,
                            hold.claim.incident,
                        ));
                    }
                    why => hold.over = why,
                }
                Some(known.id)
            }
            Asked::There(known) => known.map(|known| known.id),
            Asked::Doubtful(id, why) => {
                hold.over = Some(why);
                Some(id)
            }
            Asked::Unasked(why) => return Taken::Unasked(why),
        };
        if let Some(why) = hold.over.take_if(|_| !passes) {
            return Taken::Doubtful(why);
        }
        let began = Instant::now();
        let put = hold.put(seen);
        hold.tell_removed(journal);
        let Err(why) = put else { return Taken::Yes(hold) };
        let is_refused = is_refused(&why);
        if began.elapsed() >= PATIENCE && !is_refused {
            return hold.untaken(why);
        }
        let now = match hold.sharing.git().hear_claim(&hold.reference, PATIENCE) {
            Ok(Heard::Known) => hold.there(journal).ok().flatten().map(|it| it.id),
            Ok(Heard::Unread(id, why)) => {
                unread = Some(hold.unread(id, &why));
                Some(id)
            }
            Err(why) if is_refused => {
                last = format!(
                    "the remote has another lease of {target} than was seen here, and cannot be asked whose: {why}"
                );
                continue;
            }
            Err(why) => return hold.untaken(why),
        };
        if now == seen && !is_refused {
            // Nobody was quicker: it is not taken there.
            return hold.untaken(why);
        }
    }
    Taken::Doubtful(last)
}

/// Tells by what git says whether a claim was not put there because something else is there than was seen.
fn is_refused(why: &str) -> bool {
    let said = ["stale info", "failed to update ref", "cannot lock ref", "reference already exists"];
    why.starts_with("! [rejected]") || said.iter().any(|said| why.contains(said))
}

/// Tells whether a claim was not renewed for so long that it is nobody's any more: by what was seen from here.
fn is_silent(claimed: &Claimed) -> bool {
    SignedDuration::try_from(claimed.unchanged).is_ok_and(|unchanged| unchanged >= SILENCE)
}

/// The claim of somebody else as a lease; of what is none only that it lies there.
fn held(claimed: &Claimed, repository: &str, target: &str, incident: IncidentId) -> Lease {
    let now = Timestamp::now();
    let seen = SignedDuration::try_from(claimed.unchanged).unwrap_or_default();
    let heartbeat_at = now.checked_sub(seen).unwrap_or(now);
    let lease = Lease {
        repository: repository.to_owned(),
        target: target.to_owned(),
        incident,
        plan: String::new(),
        by: "somebody".to_owned(),
        process: None,
        taken_at: heartbeat_at,
        heartbeat_at,
    };
    match &claimed.there {
        There::Claim(claim) => Lease {
            incident: claim.incident,
            plan: claim.plan.clone(),
            by: claim.person.clone(),
            process: claim.process.clone(),
            taken_at: claim.taken.min(now),
            ..lease
        },
        There::Garbage(_) => lease,
    }
}

/// Who holds a target on another machine, as far as the remote says; `None`: nobody, or it is not shared.
///
/// # Errors
/// The remote cannot be asked.
pub fn holder(
    journal: &Journal,
    state_dir: &Path,
    incident: IncidentId,
    repository: &str,
    target: &str,
) -> Result<Option<Lease>> {
    let doing = || format!("asking who holds {}", visible(target));
    let unasked = |why: String| Failure::new(doing(), why, "try again, or ask on the call");
    match look(journal, state_dir, incident, (target, "")).map_err(unasked)? {
        None | Some((_, Asked::There(None))) => Ok(None),
        Some((_, Asked::There(Some(there)))) => Ok(Some(held(&there, repository, target, incident))),
        Some((_, Asked::Doubtful(_, why) | Asked::Unasked(why))) => Err(unasked(why)),
    }
}

/// Asks the remote what lies there of others as the lease of a target; `None`: it is not shared.
fn look(
    journal: &Journal,
    state_dir: &Path,
    incident: IncidentId,
    plan: (&str, &str),
) -> std::result::Result<Option<(Hold, Asked)>, String> {
    let hold = match Hold::open_to_ask(journal, state_dir, incident, plan) {
        Opening::Alone => return Ok(None),
        Opening::Shut(why) => return Err(why),
        Opening::Open(hold) => *hold,
    };
    let asked = match hold.ask(journal) {
        Asked::There(there) => Asked::There(there.filter(|it| !hold.is_ours(journal, &it.there))),
        asked => asked,
    };
    Ok(Some((hold, asked)))
}

/// What is to be known of others before a plan is started.
#[derive(Debug, Clone, PartialEq)]
pub enum Others {
    /// One of them is at work there: who, in one line.
    Held(String),
    /// How it stands that they cannot be asked, or that nobody knows who is at work there.
    Gate(Standing),
}

/// Asks the remote what is to be known of others before a plan is started; `None`: nothing is in its way, and all can be
/// asked.
pub fn others(journal: &Journal, state_dir: &Path, incident: IncidentId, plan: &Plan) -> Option<Others> {
    if !plan.is_for_one() {
        return None;
    }
    let looked = look(journal, state_dir, incident, (&plan.target, &plan.id));
    match looked {
        Ok(None) => None,
        Ok(Some((hold, Asked::There(there)))) => {
            let there = there.filter(|there| !is_silent(there))?;
            if let Some(why) = hold.doubt(journal, &there) {
                return Some(Others::Gate(gates::doubtful(&why)));
            }
            let lease = held(&there, "", &plan.target, incident);
            Some(Others::Held(super::held("", &lease, Timestamp::now()).cause))
        }
        Ok(Some((_, Asked::Doubtful(_, why)))) => Some(Others::Gate(gates::doubtful(&why))),
        Ok(Some((_, Asked::Unasked(why)))) | Err(why) => gates::unasked(plan, &why).map(Others::Gate),
    }
}

/// Takes a target from a holder on another machine that is gone, with a reason. `stated` says how that is known.
///
/// # Errors
/// The holder is not known to be gone, a reason or statement is missing, or the remote or the journal refuses.
pub fn take_away(
    journal: &mut Journal,
    state_dir: &Path,
    incident: IncidentId,
    lease: &Lease,
    reason: &str,
    stated: Option<&str>,
) -> Result<Vec<Record>> {
    let doing = format!("taking over {}", visible(&lease.target));
    let gone = shown_gone(lease, stated, Timestamp::now())
        .map_err(|(cause, hint)| Failure::of(FailureKind::Held, doing.clone(), cause, hint))?;
    let failed = |why: String| Failure::new(doing.clone(), why, "see who holds it by now, and try it again");
    let target = lease.target.as_str();
    if let Some(hold) = Hold::open_to_ask(journal, state_dir, incident, (target, "")).ok() {
        let there = hold.there(journal).map_err(failed)?.filter(|it| !hold.is_ours(journal, &it.there));
        if let Some(there) = there {
            let git = hold.sharing.git();
            git.swap_claim(&hold.reference, Some(there.id), None, PATIENCE).map_err(failed)?;
        }
    }
    let taken = LeaseTaken {
        target: lease.target.clone(),
        plan: lease.plan.clone(),
        holder: lease.by.clone(),
        gone,
        reason: reason.trim().to_owned(),
    };
    journal.append(Timestamp::now(), vec![Draft::now(incident, taken)])
}

#[cfg(test)]
mod tests;
