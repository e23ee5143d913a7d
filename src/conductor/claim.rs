//! The lease of a target where everybody can see it: taken at the remote before a plan starts, renewed while it goes on,
//! and given back at its end. The journal's own lease keeps two plans of one machine apart, this one two machines.

use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use git2::Oid;
use jiff::{SignedDuration, Timestamp};

use super::decide::{SILENCE, shown_gone};
use super::process;
use super::sharing::{Reach, Way, reach};
use crate::clock::Stopwatch;
use crate::failure::{Failure, FailureKind, Result};
use crate::incident::{Draft, IncidentId, LeaseTaken, NoteKind, Noted, Record, duration};
use crate::journal::{Journal, Lease};
use crate::plan::Plan;
use crate::plan::gates::{self, Standing};
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

/// After so long without renewing it a holder goes no further unasked: soon the target is anybody's.
const UNSURE: Duration = Duration::from_secs(90);

/// What became of an attempt to take a target.
pub(super) enum Taken {
    /// Nobody else has to be asked: it is not shared, or harms nobody.
    Alone,
    /// It is taken.
    Yes(Box<Hold>),
    /// Somebody on another machine holds it.
    Held(Lease),
    /// What lies there may be somebody's: it is no lease, or one of a machine that nobody here knows.
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
    /// Opens the way without asking whether the remote may be asked now: [`Hold::kept`].
    fn open(
        journal: &Journal,
        state_dir: &Path,
        incident: IncidentId,
        (target, plan): (&str, &str),
    ) -> Opening {
        let Way { sharing, code } = match reach(state_dir, incident) {
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

    /// Tells whether it is of this very plan, or of one of this machine whose process is gone.
    fn is_ours(&self, there: &There) -> bool {
        let There::Claim(claim) = there else { return false };
        let is_same = claim.plan == self.claim.plan && claim.incident == self.claim.incident;
        claim.node == self.claim.node && (is_same || claim.process.as_ref().is_some_and(process::is_gone))
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

    /// Why a claim of somebody else is not simply theirs; `None`: it is one of a machine that is known here.
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
        (!is_known).then(|| {
            format!(
                "{person} holds {target} for {plan}, from a machine ({}) that nobody here knows",
                claim.node
            )
        })
    }
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
    let mut hold = match Hold::open_to_ask(journal, state_dir, incident, (&plan.target, &plan.id)) {
        Opening::Alone => return Taken::Alone,
        Opening::Shut(why) => return Taken::Unasked(why),
        Opening::Open(hold) => hold,
    };
    let mut is_fresh = false;
    for _ in 0..ATTEMPTS {
        let known = match hold.there(journal) {
            Ok(known) => known,
            Err(why) => return Taken::Unasked(why),
        };
        let in_the_way = known.as_ref().filter(|it| !hold.is_ours(&it.there) && !is_silent(it));
        hold.over = None;
        if let Some(there) = in_the_way {
            // What was heard last may be over.
            if !is_fresh && let Err(why) = hold.sharing.git().fetch_claims(PATIENCE) {
                return Taken::Unasked(why);
            }
            if !is_fresh {
                is_fresh = true;
                continue;
            }
            match hold.doubt(journal, there) {
                None => return Taken::Held(held(there, repository, &plan.target, incident)),
                Some(why) if !passes => return Taken::Doubtful(why),
                Some(why) => hold.over = Some(why),
            }
        }
        let (seen, began) = (known.map(|it| it.id), Instant::now());
        let put = hold.put(seen);
        hold.tell_removed(journal);
        let Err(why) = put else { return Taken::Yes(hold) };
        if began.elapsed() >= PATIENCE {
            return Taken::Unasked(why);
        }
        if let Err(why) = hold.sharing.git().fetch_claims(PATIENCE) {
            return Taken::Unasked(why);
        }
        is_fresh = true;
        let now = hold.there(journal).ok().flatten().map(|it| it.id);
        if now == seen {
            // Nobody was quicker: it is not taken there.
            return Taken::Unasked(why);
        }
    }
    Taken::Unasked("others take it at the same time, again and again".to_owned())
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
    let found = look(journal, state_dir, incident, (target, "")).map_err(unasked)?;
    Ok(found.map(|(_, there)| held(&there, repository, target, incident)))
}

/// Asks the remote what lies there of others as the lease of a target; `None`: nothing, or it is not shared.
fn look(
    journal: &Journal,
    state_dir: &Path,
    incident: IncidentId,
    plan: (&str, &str),
) -> std::result::Result<Option<(Hold, Claimed)>, String> {
    let hold = match Hold::open_to_ask(journal, state_dir, incident, plan) {
        Opening::Alone => return Ok(None),
        Opening::Shut(why) => return Err(why),
        Opening::Open(hold) => *hold,
    };
    hold.sharing.git().fetch_claims(PATIENCE)?;
    let there = hold.there(journal)?.filter(|it| !hold.is_ours(&it.there));
    Ok(there.map(|there| (hold, there)))
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
    match look(journal, state_dir, incident, (&plan.target, &plan.id)) {
        Ok(None) => None,
        Ok(Some((_, there))) if is_silent(&there) => None,
        Ok(Some((hold, there))) => Some(match hold.doubt(journal, &there) {
            Some(why) => Others::Gate(gates::doubtful(&why)),
            None => {
                let lease = held(&there, "", &plan.target, incident);
                Others::Held(super::held("", &lease, Timestamp::now()).cause)
            }
        }),
        Err(why) => gates::unasked(plan, &why).map(Others::Gate),
    }
}

/// Renews the claim of a plan until it is finished, on a thread of its own.
pub(super) struct Keeping {
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
    /// Who took it.
    lost: Option<String>,
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
    pub(super) fn trouble(&self) -> Option<String> {
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
                && hold.is_ours(&known.there)
            {
                hold.mine = Some(known.id);
                kept().renewed = Some(Stopwatch::start());
                hold.claim =
                    Claim { process: process::this(), plan: hold.claim.plan.clone(), ..(**claim).clone() };
            }
        }
        let Some(holding) = &mut hold else { continue };
        let renewed = renew(holding, journal);
        holding.tell_removed(journal);
        match renewed {
            Renewed::Yes => {
                kept().renewed = Some(Stopwatch::start());
                next = RENEW;
            }
            Renewed::NotNow => {}
            Renewed::Lost(by) => {
                kept().lost = Some(by.clone());
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
    if hold.sharing.kept().is_some() {
        return Renewed::NotNow;
    }
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
        Some(known) if !hold.is_ours(&known.there) && !is_silent(known) => match &known.there {
            There::Claim(claim) => {
                return Renewed::Lost(format!("{} ({})", visible(&claim.person), visible(&claim.plan)));
            }
            There::Garbage(_) => Some(known.id),
        },
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
    if let Some(hold) = Hold::open_to_ask(journal, state_dir, incident, (target, "")).ok() {
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
