//! The lease of a target where everybody can see it: taken at the remote before a plan starts, renewed while it goes on,
//! and given back at its end. The journal's own lease keeps two plans of one machine apart, this one two machines.

use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use git2::Oid;
use jiff::{SignedDuration, Timestamp};

use super::decide::{SILENCE, shown_gone};
use super::process;
use super::sharing::{Way, shared};
use crate::failure::{Failure, FailureKind, Result};
use crate::incident::{Draft, IncidentId, LeaseTaken, NoteKind, Noted, Record};
use crate::journal::{Journal, Lease};
use crate::plan::Plan;
use crate::share::{Claim, Claimed, Key, Sharing, There, claim_reference};
use crate::text::visible;

/// How long the remote may take to say who holds a target.
const PATIENCE: Duration = Duration::from_secs(8);
/// How often a claim is renewed.
const RENEW: Duration = Duration::from_secs(30);
/// How soon that is tried again.
const AGAIN: Duration = Duration::from_secs(10);
/// How often somebody who is quicker is looked at again.
const ATTEMPTS: usize = 3;

/// What became of an attempt to take a target.
pub(super) enum Taken {
    /// Nobody else has to be asked: it is not shared, or harms nobody.
    Alone,
    /// It is taken.
    Yes(Box<Hold>),
    /// Somebody on another machine holds it.
    Held(Lease),
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
}

impl Hold {
    /// `None`: what is done there is shared with nobody.
    fn open(
        journal: &Journal,
        state_dir: &Path,
        incident: IncidentId,
        (target, plan): (&str, &str),
    ) -> Option<Self> {
        let Way { mut sharing, code } = shared(state_dir, incident)?;
        if sharing.kept().is_some() {
            return None;
        }
        let key = Key::open(state_dir).ok()?;
        let author = journal.author();
        let claim = Claim {
            process: process::this(),
            taken: Timestamp::now(),
            ..Claim::new(target, incident, plan, &author.name, author.node, &key)
        };
        let reference = claim_reference(target, &code);
        Some(Self { sharing, key, claim, reference, mine: None })
    }

    fn there(&self, journal: &Journal) -> std::result::Result<Option<Claimed>, String> {
        let incident = self.claim.incident;
        let key_of = |node| journal.key_of(incident, node).ok().flatten();
        self.sharing.git().claimed(&self.reference, &self.claim.target, &key_of)
    }

    fn is_ours(&self, there: &There) -> bool {
        matches!(there, There::Claim(claim) if claim.node == self.claim.node)
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
}

/// Takes the target of a plan where everybody can see it.
///
/// # Errors
/// What lies there is no lease, and was put there just now.
pub(super) fn take(
    journal: &Journal,
    state_dir: &Path,
    incident: IncidentId,
    repository: &str,
    plan: &Plan,
    doing: &str,
) -> Result<Taken> {
    if !plan.is_for_one() {
        return Ok(Taken::Alone);
    }
    let Some(mut hold) = Hold::open(journal, state_dir, incident, (&plan.target, &plan.id)) else {
        return Ok(Taken::Alone);
    };
    let mut is_fresh = false;
    for _ in 0..ATTEMPTS {
        let known = match hold.there(journal) {
            Ok(known) => known,
            Err(why) => return Ok(Taken::Unasked(why)),
        };
        let in_the_way = known.as_ref().filter(|it| !hold.is_ours(&it.there) && !is_silent(it));
        if let Some(there) = in_the_way {
            // What was heard last may be over.
            if !is_fresh && let Err(why) = hold.sharing.git().fetch_claims(PATIENCE) {
                return Ok(Taken::Unasked(why));
            }
            if !is_fresh {
                is_fresh = true;
                continue;
            }
            return match held(there, repository, &plan.target, incident) {
                Ok(lease) => Ok(Taken::Held(lease)),
                Err((_, why)) => Err(garbage(doing, &plan.target, &why)),
            };
        }
        let (seen, began) = (known.map(|it| it.id), Instant::now());
        let Err(why) = hold.put(seen) else { return Ok(Taken::Yes(Box::new(hold))) };
        if began.elapsed() >= PATIENCE {
            return Ok(Taken::Unasked(why));
        }
        if let Err(why) = hold.sharing.git().fetch_claims(PATIENCE) {
            return Ok(Taken::Unasked(why));
        }
        is_fresh = true;
        let now = hold.there(journal).ok().flatten().map(|it| it.id);
        if now == seen {
            // Nobody was quicker: it is not taken there.
            return Ok(Taken::Unasked(why));
        }
    }
    Ok(Taken::Unasked("others take it at the same time, again and again".to_owned()))
}

/// Tells whether a claim was not renewed for so long that it is nobody's any more: by what was seen from here.
fn is_silent(claimed: &Claimed) -> bool {
    SignedDuration::try_from(claimed.unchanged).is_ok_and(|unchanged| unchanged >= SILENCE)
}

/// The claim of somebody else as a lease.
fn held(
    claimed: &Claimed,
    repository: &str,
    target: &str,
    incident: IncidentId,
) -> std::result::Result<Lease, (Lease, String)> {
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
        There::Claim(claim) => Ok(Lease {
            incident: claim.incident,
            plan: claim.plan.clone(),
            by: claim.person.clone(),
            process: claim.process.clone(),
            taken_at: claim.taken.min(now),
            ..lease
        }),
        There::Garbage(why) => Err((lease, why.clone())),
    }
}

/// What somebody is told in whose way something lies that is no lease.
fn garbage(doing: &str, target: &str, why: &str) -> Failure {
    let (target, minutes) = (visible(target), SILENCE.as_mins());
    let cause = format!("what the remote has as the lease of {target} is none: {}", visible(why));
    let hint = format!(
        "if nobody deploys there: flightdeck plan take-over {target} --reason WHY --gone HOW; it is free \
         once it has stayed so for {minutes} minutes"
    );
    Failure::of(FailureKind::Held, doing, cause, hint)
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
    let Some(hold) = Hold::open(journal, state_dir, incident, (target, "")) else { return Ok(None) };
    let unasked = |why: String| Failure::new(doing(), why, "try again, or ask on the call");
    hold.sharing.git().fetch_claims(PATIENCE).map_err(unasked)?;
    let there = hold.there(journal).map_err(unasked)?;
    let Some(there) = there.filter(|it| !hold.is_ours(&it.there)) else { return Ok(None) };
    Ok(Some(held(&there, repository, target, incident).unwrap_or_else(|(lease, _)| lease)))
}

/// What is to be known of others before a plan is started, in one line: that they cannot be asked, or that one of them is
/// at work there.
pub fn others(journal: &Journal, state_dir: &Path, incident: IncidentId, plan: &Plan) -> Option<String> {
    if !plan.is_for_one() {
        return None;
    }
    let target = visible(&plan.target);
    match holder(journal, state_dir, incident, "", &plan.target) {
        Ok(None) => None,
        Ok(Some(lease)) => {
            let now = Timestamp::now();
            Some(super::held("", &lease, now).cause)
        }
        Err(failure) => {
            Some(format!("nobody else can be asked whether they deploy to {target}: {}", failure.cause))
        }
    }
}

/// Renews the claim of a plan until it is finished, on a thread of its own.
pub(super) struct Keeping {
    over: Sender<()>,
    done: Receiver<()>,
}

impl Keeping {
    /// Begins. `None`: the plan holds nothing that others could see.
    pub(super) fn start(state_dir: &Path, author: &str, incident: IncidentId, plan: &Plan) -> Option<Self> {
        if !plan.is_for_one() {
            return None;
        }
        let (over, ended) = channel();
        let (told, done) = channel();
        let (state_dir, author) = (state_dir.to_owned(), author.to_owned());
        let (target, plan) = (plan.target.clone(), plan.id.clone());
        let thread = std::thread::Builder::new().name("lease".to_owned());
        thread
            .spawn(move || {
                if let Ok(mut journal) = Journal::open_again(&state_dir, &author) {
                    keep(&mut journal, &state_dir, incident, (&target, &plan), &ended);
                }
                let _ = told.send(());
            })
            .ok()?;
        Some(Self { over, done })
    }

    /// Gives it back, for which the remote gets a moment.
    pub(super) fn finish(self) {
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
) {
    let mut hold: Option<Hold> = None;
    let mut next = Duration::ZERO;
    // The end of the plan drops the other end.
    while matches!(over.recv_timeout(next), Err(RecvTimeoutError::Timeout)) {
        next = AGAIN;
        if hold.is_none() {
            hold = Hold::open(journal, state_dir, incident, plan);
            // It was taken by whoever started this process.
            let known = hold.as_ref().and_then(|hold| hold.there(journal).ok().flatten());
            if let (Some(hold), Some(known)) = (&mut hold, known)
                && let There::Claim(claim) = &known.there
                && hold.is_ours(&known.there)
            {
                hold.mine = Some(known.id);
                hold.claim =
                    Claim { process: process::this(), plan: hold.claim.plan.clone(), ..(**claim).clone() };
            }
        }
        let Some(holding) = &mut hold else { continue };
        match renew(holding, journal) {
            Renewed::Yes => next = RENEW,
            Renewed::NotNow => {}
            Renewed::Lost(by) => {
                let (target, plan) = plan;
                let text = format!("{by} took {target} over while {plan} holds it: two plans may work there");
                let draft = Draft::now(incident, Noted { kind: NoteKind::Problem, text });
                let _ = journal.append(Timestamp::now(), vec![draft]);
                return;
            }
        }
    }
    if let Some(mut hold) = hold {
        hold.release();
    }
}

enum Renewed {
    Yes,
    /// The remote does not answer, or was asked for too much at once.
    NotNow,
    /// Somebody else has it.
    Lost(String),
}

/// Renews a claim; what others put in its place that is none is put right.
fn renew(hold: &mut Hold, journal: &Journal) -> Renewed {
    hold.claim.renewed += 1;
    let mine = hold.mine;
    if mine.is_some() && hold.put(mine).is_ok() {
        return Renewed::Yes;
    }
    if hold.sharing.git().fetch_claims(PATIENCE).is_err() {
        // What cannot be brought here is no claim.
        let listed = hold.sharing.git().listed_claim(&hold.reference, PATIENCE);
        let is_put = listed.is_ok_and(|there| hold.put(there).is_ok());
        return if is_put { Renewed::Yes } else { Renewed::NotNow };
    }
    let Ok(there) = hold.there(journal) else { return Renewed::NotNow };
    let seen = match &there {
        Some(Claimed { there: There::Claim(claim), unchanged, .. })
            if claim.node != hold.claim.node
                && SignedDuration::try_from(*unchanged).is_ok_and(|it| it < SILENCE) =>
        {
            return Renewed::Lost(format!("{} ({})", visible(&claim.person), visible(&claim.plan)));
        }
        Some(there) => Some(there.id),
        None => None,
    };
    if hold.put(seen).is_ok() { Renewed::Yes } else { Renewed::NotNow }
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
    if let Some(hold) = Hold::open(journal, state_dir, incident, (target, "")) {
        let there = hold.there(journal).map_err(failed)?.filter(|it| !hold.is_ours(&it.there));
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
