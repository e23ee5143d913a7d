//! What people decide about plans that wait, failed, or are of unknown fate, and targets whose
//! holder is gone.

use std::path::Path;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::claim::{self, Hold, Taken};
use super::conduct::approved;
use super::programs::Approved;
use super::reconcile::{reconcile, settle};
use super::start::{PassOver, beside, deploys_there, launch, passed_over, told};
use super::{Life, Started, frozen, life, orphan, process};
use crate::failure::{Failure, FailureKind, Result};
use crate::incident::{
    Decision, Draft, IncidentId, LeaseTaken, PlanAsked, PlanEnd, PlanEnded, PlanResumed, PlanRun, Policy,
    Record, State, duration,
};
use crate::journal::{Acquired, Beside, Journal, Lease, Seq};
use crate::plan::gates::{self, LEASE};
use crate::plan::programs::{of_step, of_undo};
use crate::plan::progress::{Choice, Offered, choices, has_moved_refs, is_between_steps, offered, undoing};
use crate::plan::{Action, Plan, Purpose, Step, stored};
use crate::text::visible;

/// How often a decision is looked at again because something was written meanwhile.
pub const DECIDE_ATTEMPTS: usize = 20;
/// How long is left between two looks while a conductor has yet to write what its plan waits for.
pub const DECIDE_PAUSE: Duration = Duration::from_millis(250);
/// How long the holder of a lease on another machine has to be silent before it may be said to
/// be gone: many times as long as it pauses between two signs of life.
pub(super) const SILENCE: SignedDuration = SignedDuration::from_mins(2);

/// Carries a decision about a plan to whoever has to act on it: by a record to the conductor
/// that is at it, or by a new conductor that takes the plan up again. `choice` is one of
/// [`choices`], with its reason filled in; `pass_over` what is overridden where it takes the target again.
///
/// # Errors
/// The plan is not known here, the decision makes no sense as it stands now, or the journal or
/// the system refuses. Nothing is changed then.
pub fn decide(
    journal: &mut Journal,
    state_dir: &Path,
    incident: IncidentId,
    repository: &str,
    plan: &str,
    choice: &Choice,
    pass_over: &[PassOver],
) -> Result<Started> {
    let doing = || format!("{} {}", in_words(&choice.decision), visible(plan));
    if let Decision::Skip { reason } = &choice.decision
        && reason.trim().is_empty()
    {
        return Err(Failure::usage(doing(), "it needs a reason", "say why with --reason"));
    }
    let state_dir = std::path::absolute(state_dir)
        .map_err(|error| Failure::new(doing(), error, "name the state directory by its full path"))?;
    reconcile(journal, &state_dir, incident)?;
    let asked =
        Asked { state_dir: &state_dir, incident, repository, plan, choice, pass_over, doing: &doing() };
    let mut taking = None;
    let decided = look_until_settled(journal, &asked, &mut taking);
    if let Some(taking) = taking {
        taking.give_back(journal)?;
    }
    decided
}

/// A decision that is to be carried to its plan.
struct Asked<'a> {
    state_dir: &'a Path,
    incident: IncidentId,
    repository: &'a str,
    plan: &'a str,
    choice: &'a Choice,
    pass_over: &'a [PassOver],
    doing: &'a str,
}

/// A target that was taken for a plan that is taken up again, here and where others can see it.
struct Taking {
    lease: Lease,
    hold: Option<Box<Hold>>,
    /// What is written down with the start.
    drafts: Vec<Draft>,
}

impl Taking {
    fn give_back(self, journal: &mut Journal) -> Result<()> {
        let Lease { repository, target, plan, .. } = &self.lease;
        journal.release(Timestamp::now(), repository, target, plan, Vec::new())?;
        if let Some(mut hold) = self.hold {
            hold.release();
        }
        Ok(())
    }
}

/// Looks at the plan and carries the decision over, again where something was written meanwhile.
fn look_until_settled(
    journal: &mut Journal,
    asked: &Asked<'_>,
    taking: &mut Option<Taking>,
) -> Result<Started> {
    let Asked { incident, plan, choice, doing, .. } = *asked;
    for attempt in 1..=DECIDE_ATTEMPTS {
        let (log, seen) = journal.load(incident)?;
        let run = log.state().plan(plan).ok_or_else(|| none(doing))?;
        let spec = decided_about(journal, incident, run, doing)?;
        if let Some(machine) = run.elsewhere(journal.author().node)
            && matches!(choice.decision, Decision::Review { .. })
        {
            let machine = visible(&machine);
            let cause = format!("only {machine} can, which runs the plan: the token there is used");
            return Err(Failure::new(
                doing,
                cause,
                format!("do it at the host of the pipeline, or on {machine}"),
            ));
        }
        match makes_sense(&spec, run, choice, doing) {
            Ok(()) => {}
            // A step has failed, and what people may decide about it is only about to be written.
            Err(_) if attempt < DECIDE_ATTEMPTS && is_between_steps(run) => {
                std::thread::sleep(DECIDE_PAUSE);
                continue;
            }
            Err(refusal) => return Err(refusal),
        }
        let state = log.state();
        let ground = Ground { asked, spec: &spec, seen, state };
        if let Some(started) = carry(journal, &ground, run, taking)? {
            return Ok(started);
        }
    }
    Err(Failure::of(FailureKind::Held, doing, "the record moves on all the time", "try it again"))
}

/// The plan that a decision is about. One that another machine carries out is told there what was decided; only there
/// can it be taken up again.
fn decided_about(journal: &Journal, incident: IncidentId, run: &PlanRun, doing: &str) -> Result<Plan> {
    let Some(machine) = run.elsewhere(journal.author().node) else {
        let hint = "decide about it where it was started";
        return approved(journal, incident, &run.id).map_err(|cause| Failure::new(doing, cause, hint));
    };
    let machine = visible(&machine);
    if !run.state.is_under_way() {
        let cause = format!("it was started on {machine}, and is {}", run.state.word());
        let hint = "decide about it there: its commands were never trusted here";
        return Err(Failure::new(doing, cause, hint));
    }
    match stored::read(&run.spec) {
        Ok(recorded) if recorded.hash == run.hash => Ok(recorded.plan),
        Ok(_) => Err(Failure::new(doing, "what runs is not what was approved", format!("call {machine}"))),
        Err(why) => Err(Failure::new(doing, why, format!("decide about it on {machine}"))),
    }
}

/// What a decision is made on.
struct Ground<'a> {
    asked: &'a Asked<'a>,
    spec: &'a Plan,
    seen: Seq,
    state: &'a State,
}

/// Hands a decision over; `None`: something was written meanwhile.
fn carry(
    journal: &mut Journal,
    ground: &Ground<'_>,
    run: &PlanRun,
    taking: &mut Option<Taking>,
) -> Result<Option<Started>> {
    let Ground { seen, asked: Asked { incident, repository, choice, doing, .. }, .. } = *ground;
    let (incident, repository, doing) = (*incident, *repository, *doing);
    let now = Timestamp::now();
    let (plan, step, decision) = (run.id.clone(), choice.step, choice.decision.clone());
    if run.state.is_under_way() {
        let asked = PlanAsked { plan, step, run: choice.run.clone(), decision };
        let drafts = vec![Draft::now(incident, asked)];
        return Ok(journal.append_unless_moved(now, incident, seen, drafts)?.map(Started::Yes));
    }
    if decision == Decision::GiveUp {
        let why = format!("{} abandoned it", journal.author().name);
        let drafts = vec![Draft::now(incident, PlanEnded { plan, end: PlanEnd::Cancelled, why })];
        return Ok(journal.append_unless_moved(now, incident, seen, drafts)?.map(Started::Yes));
    }
    let passed = matches!(decision, Decision::Skip { .. }).then_some(plan.as_str());
    let same = (repository, ground.spec.target.as_str());
    if let Some(failure) = orphan::in_the_way(journal, ground.state, same, passed, doing) {
        return Err(failure);
    }
    if !matches!(decision, Decision::Undo { .. })
        && let Some(failure) = withdrawn(ground, run, now, doing)
    {
        return Err(failure);
    }
    let goes_on = !matches!(decision, Decision::Undo { .. }) && brings_more(ground.spec, step);
    if goes_on && let Some(lease) = deploys_there(journal, repository, ground.spec)? {
        return Ok(Some(Started::Held(lease)));
    }
    if !matches!(decision, Decision::Undo { .. }) && !has_moved_refs(ground.spec, run) {
        frozen::check_plan(ground.spec).map_err(|cause| frozen::moved(doing, &cause))?;
    }
    check_programs(ground.spec, run, step, &decision).map_err(|cause| frozen::changed(doing, &cause))?;
    let beside = beside(ground.spec, goes_on);
    take_up(journal, ground, run, PlanResumed { plan, step, decision }, &beside, taking)
}

/// Tells whether a plan still brings something out from a step on, and does not only follow what it brought.
fn brings_more(spec: &Plan, step: usize) -> bool {
    let acts = |step: &Step| matches!(step.action, Action::Command(_) | Action::Forge(_));
    spec.purpose == Purpose::Deploy || spec.steps.iter().skip(step).any(acts)
}

/// Tells whether the program files are what was approved, of all that a decision begins with.
fn check_programs(
    spec: &Plan,
    run: &PlanRun,
    step: usize,
    decision: &Decision,
) -> std::result::Result<(), String> {
    let next = |index: usize| spec.steps.get(index).map(of_step).unwrap_or_default();
    let lines = match decision {
        Decision::Undo { to } => {
            let undone = undoing(spec, run, *to).into_iter();
            undone.filter_map(|(index, _)| spec.steps.get(index)).flat_map(of_undo).collect()
        }
        Decision::Skip { .. } => next(step + 1),
        Decision::Resume | Decision::Retry => next(step),
        Decision::Review { .. } | Decision::GiveUp => Vec::new(),
    };
    Approved::of(spec).check(lines)
}

/// Why a plan may not go on although it could be started: what people allowed then was taken
/// back or has expired since, or a freeze began. Going back is always allowed.
fn withdrawn(ground: &Ground<'_>, run: &PlanRun, now: Timestamp, doing: &str) -> Option<Failure> {
    let Ground { spec, state, .. } = *ground;
    // What may be passed over is asked of nobody here.
    let standings = gates::evaluate(spec, &run.hash, state, &Policy::built_in(), &run.by, now);
    let missing: Vec<String> = standings
        .iter()
        .filter(|standing| standing.blocks() && ["approvals", "freeze"].contains(&standing.id))
        .map(|standing| format!("{}: {}", standing.id, standing.why))
        .collect();
    let hint = "fix that, or undo it: flightdeck plan undo";
    (!missing.is_empty()).then(|| Failure::of(FailureKind::Gate, doing, missing.join("\n"), hint))
}

/// Takes the target, then the plan up again, and starts a conductor.
fn take_up(
    journal: &mut Journal,
    ground: &Ground<'_>,
    run: &PlanRun,
    resumed: PlanResumed,
    beside: &Beside,
    taking: &mut Option<Taking>,
) -> Result<Option<Started>> {
    let Ground { spec, seen, asked: Asked { state_dir, incident, repository, doing, .. }, .. } = *ground;
    let (incident, repository, doing) = (*incident, *repository, *doing);
    // Where something was written while others were asked it is held already.
    if taking.is_none() {
        let now = Timestamp::now();
        let lease = Lease {
            repository: repository.to_owned(),
            target: spec.target.clone(),
            incident,
            plan: spec.id.clone(),
            by: journal.author().name.clone(),
            // Until the conductor is there its starter stands for it.
            process: process::this(),
            taken_at: now,
            heartbeat_at: now,
        };
        match journal.acquire_unless_moved(now, lease.clone(), beside, Vec::new(), seen)? {
            None => return Ok(None),
            Some(Acquired::Held(lease)) => return Ok(Some(Started::Held(lease))),
            Some(Acquired::Yes(_)) => {}
        }
        let taken = taking.insert(Taking { lease, hold: None, drafts: Vec::new() });
        if let Some(lease) = take_there(journal, ground, run, taken)? {
            return Ok(Some(Started::Held(lease)));
        }
    }
    let mut drafts = taking.as_ref().map_or_else(Vec::new, |taking| taking.drafts.clone());
    drafts.push(Draft::now(incident, resumed));
    let written = journal.append_unless_moved(Timestamp::now(), incident, seen, drafts)?;
    let Some(mut records) = written else { return Ok(None) };
    if let Err(cause) = launch(journal, state_dir, incident, repository, spec) {
        let why = format!("the process of the plan could not be started: {cause}");
        let ended = PlanEnded { plan: spec.id.clone(), end: PlanEnd::Failed, why: why.clone() };
        let drafts = vec![Draft::now(incident, ended)];
        records.extend(journal.release(Timestamp::now(), repository, &spec.target, &spec.id, drafts)?);
        return Err(Failure::new(doing, why, "see whether the machine is out of processes or memory"));
    }
    // From here on it is the conductor's.
    *taking = None;
    Ok(Some(Started::Yes(records)))
}

/// Takes the target where others can see it, and says what was passed over for that; else who has it.
fn take_there(
    journal: &mut Journal,
    ground: &Ground<'_>,
    run: &PlanRun,
    taking: &mut Taking,
) -> Result<Option<Lease>> {
    let Ground { spec, asked: Asked { state_dir, incident, repository, pass_over, doing, .. }, .. } = *ground;
    let passes = pass_over.iter().any(|given| given.gate == LEASE);
    let standing = match claim::take(journal, state_dir, *incident, repository, spec, passes) {
        Taken::Alone => None,
        Taken::Yes(hold) => taking.hold.insert(hold).over.as_deref().map(gates::doubtful),
        Taken::Held(lease) => return Ok(Some(lease)),
        Taken::Doubtful(why) => Some(gates::doubtful(&why)),
        Taken::Unasked(why) => gates::unasked(spec, &why),
    };
    let Some(standing) = standing else { return Ok(None) };
    let drafts = passed_over(*incident, (&run.id, &run.hash), std::slice::from_ref(&standing), pass_over);
    let Some(drafts) = drafts else {
        let cause = format!("{}: {}", standing.id, standing.why);
        let hint = format!(
            "ask on the call that nobody else deploys to {}, then --override {LEASE} --reason WHY",
            visible(&spec.target)
        );
        return Err(Failure::of(FailureKind::Gate, *doing, cause, hint));
    };
    taking.drafts = drafts.into_iter().chain(told(*incident, &standing)).collect();
    Ok(None)
}

/// Refuses what cannot be decided as the plan stands, and what was decided on what no longer
/// is so.
fn makes_sense(spec: &Plan, run: &PlanRun, choice: &Choice, doing: &str) -> Result<()> {
    match offered(spec, run, choice.step, choice.run.as_deref(), &choice.decision) {
        Offered::Yes => Ok(()),
        Offered::MovedOn => {
            let cause = "the plan has moved on since that was decided";
            Err(Failure::of(FailureKind::Held, doing, cause, "look at it again: flightdeck plan show"))
        }
        Offered::No => {
            let choices = choices(spec, run);
            let names: Vec<_> = choices.iter().map(|offer| offer.decision.name()).collect();
            let hint = match names.as_slice() {
                [] => "look at it: flightdeck plan show".to_owned(),
                names => format!("what can be done now: flightdeck plan {}", names.join(", ")),
            };
            let title = spec.steps.get(choice.step).map_or("", |step| step.title.as_str());
            let state = run.steps.get(choice.step).map_or("", |step| step.state().name());
            let cause = format!("the plan is {}, and {} is {state}", run.state.name(), visible(title));
            Err(Failure::of(FailureKind::Held, doing, cause, hint))
        }
    }
}

fn in_words(decision: &Decision) -> &'static str {
    match decision {
        Decision::Resume => "resuming",
        Decision::Retry => "retrying",
        Decision::Skip { .. } => "skipping a step of",
        Decision::Undo { .. } => "undoing",
        Decision::Review { approve: true, .. } => "approving",
        Decision::Review { .. } => "rejecting",
        Decision::GiveUp => "abandoning",
    }
}

fn none(doing: &str) -> Failure {
    Failure::usage(doing, "unknown plan", "flightdeck plan list")
}

/// Takes a target from a holder that is gone, with a reason, and settles what became of the
/// plan that held it. `stated` is what the person states about a holder on another machine: how
/// they know that it is gone. Returns the records.
///
/// # Errors
/// The holder is not known to be gone, a reason or statement is missing, or the journal refuses.
pub fn take_over(
    journal: &mut Journal,
    state_dir: &Path,
    lease: &Lease,
    reason: &str,
    stated: Option<&str>,
) -> Result<Vec<Record>> {
    let doing = format!("taking over {}", visible(&lease.target));
    if reason.trim().is_empty() {
        return Err(Failure::usage(doing, "it needs a reason", "say why with --reason"));
    }
    let gone = shown_gone(lease, stated, Timestamp::now())
        .map_err(|(cause, hint)| Failure::of(FailureKind::Held, doing.clone(), cause, hint))?;
    let taken = LeaseTaken {
        target: lease.target.clone(),
        plan: lease.plan.clone(),
        holder: lease.by.clone(),
        gone: gone.clone(),
        reason: reason.trim().to_owned(),
    };
    let drafts = vec![Draft::now(lease.incident, taken)];
    // Only this very lease: one that showed a sign of life meanwhile is another.
    let same = |held: &Lease| held == lease;
    settle(journal, state_dir, lease, drafts, Some(&gone), &same)?.ok_or_else(|| {
        let cause = "somebody else holds it now, or its holder is alive";
        Failure::of(FailureKind::Held, doing, cause, "see who holds it: flightdeck plan list")
    })
}

/// What shows that the holder of a lease is gone; else why that is not shown, and what to do.
pub(super) fn shown_gone(
    lease: &Lease,
    stated: Option<&str>,
    now: Timestamp,
) -> Result<String, (String, String)> {
    let who = visible(&lease.by);
    let elsewhere = match &lease.process {
        None => "a process that is not known".to_owned(),
        Some(holder) => {
            let named = format!("process {} on {}", holder.pid, visible(&holder.host));
            match life(holder) {
                Life::Gone => return Ok(format!("{named} is gone")),
                Life::LostAtReboot => return Ok(format!("{} was restarted since", visible(&holder.host))),
                Life::Alive => {
                    let hint = format!("wait for it, stop its run, or ask {who}");
                    return Err((format!("{named}, started by {who}, is alive"), hint));
                }
                Life::Elsewhere => named,
            }
        }
    };
    let silent = now.duration_since(lease.heartbeat_at);
    if silent < SILENCE {
        let cause =
            format!("{elsewhere} was last heard from {} ago", duration(silent.max(SignedDuration::ZERO)));
        let hint = format!("wait until it has been silent for {}, or ask {who}", duration(SILENCE));
        return Err((cause, hint));
    }
    let Some(stated) = stated.map(str::trim).filter(|stated| !stated.is_empty()) else {
        let cause = format!("flightdeck cannot check {elsewhere} from here");
        return Err((
            cause,
            "check for yourself that it is gone, and say in the reason how you know".to_owned(),
        ));
    };
    Ok(format!("{elsewhere} has been silent for {}; stated: {stated}", duration(silent)))
}

#[cfg(test)]
mod tests;
