//! Starting a plan: the lease and the record of it in one transaction, then the process.

use std::path::Path;

use jiff::Timestamp;

use super::claim::{self, Taken};
use super::programs::Approved;
use super::reconcile::settle_gone;
use super::{Started, frozen, orphan, process, system};
use crate::failure::{Failure, FailureKind, Result};
use crate::incident::{
    Draft, GatePassedOver, IncidentId, NoteKind, Noted, PlanEnd, PlanEnded, PlanStarted, Policy,
};
use crate::journal::{Acquired, Beside, Journal, Lease};
use crate::plan::gates::{self, LEASE, Met, Standing};
use crate::plan::programs::lines;
use crate::plan::remedy::Refused;
use crate::plan::{Action, Plan, Purpose, confirmed, stored};
use crate::text::visible;

/// A gate to be passed over, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PassOver {
    /// Id of the gate.
    pub gate: String,
    /// Why.
    pub reason: String,
}

impl PassOver {
    /// Those that are named by id and reason.
    pub fn all(given: &[(String, String)]) -> Vec<Self> {
        let one = |(gate, reason): &(String, String)| Self { gate: gate.clone(), reason: reason.clone() };
        given.iter().map(one).collect()
    }
}

/// Takes the lease, commits `plan-started`, and starts the conductor as a detached process.
/// `how` says how the plan was confirmed, in words. The conductor is this very program,
/// executed again: only the `flightdeck` binary can start one.
///
/// # Errors
/// The plan cannot be carried out as it is, was started before, a gate is not met, or the journal or the
/// system refuses. Nothing runs then.
#[expect(clippy::too_many_arguments, reason = "each is a thing of its own that a start is made of")]
pub fn start(
    journal: &mut Journal,
    state_dir: &Path,
    incident: IncidentId,
    repository: &str,
    plan: &Plan,
    how: &str,
    policy: &Policy,
    pass_over: &[PassOver],
) -> Result<Started> {
    let doing = || format!("starting {}", plan.id);
    sound(plan).map_err(|cause| Failure::usage(doing(), cause, "make the plan again"))?;
    frozen::check_plan(plan).map_err(|cause| frozen::moved(doing(), &cause))?;
    Approved::of(plan).check(lines(plan)).map_err(|cause| frozen::changed(doing(), &cause))?;
    let state_dir = std::path::absolute(state_dir)
        .map_err(|error| Failure::new(doing(), error, "name the state directory by its full path"))?;

    // A lease whose conductor is gone is given up by saying what became of its plan.
    for lease in journal.leases()? {
        let beside = plan.pushes_to().contains(&lease.target.as_str());
        if lease.repository == repository && (lease.target == plan.target || beside) {
            settle_gone(journal, &state_dir, &lease)?;
        }
    }
    let (log, _) = journal.load(incident)?;
    if let Some(other) = log.state().plan(&plan.id) {
        if let Some(lease) = held(journal, repository, &plan.target)? {
            return Ok(Started::Held(lease));
        }
        return Err(Failure::of(
            FailureKind::Held,
            doing(),
            format!(
                "{} started another plan since this one was made: {}",
                visible(&other.by),
                visible(&other.title)
            ),
            "nothing was started; see what came of that, then make the plan again",
        ));
    }
    let same = (repository, plan.target.as_str());
    if let Some(failure) = orphan::in_the_way(journal, log.state(), same, None, &doing()) {
        return Err(failure);
    }
    if let Some(lease) = deploys_there(journal, repository, plan)? {
        return Ok(Started::Held(lease));
    }
    let sealed = stored::seal(plan)
        .map_err(|error| Failure::new(doing(), error, "report it with the plan that was shown"))?;
    let by = journal.author().name.clone();
    let start = Start { incident, plan, hash: &sealed.hash, policy, by: &by, how, pass_over };
    // Before anything is taken: nobody else is kept out by a plan that does not start.
    start.judge(journal, None)?;
    // What another plan of this machine holds is not taken from it at the remote.
    if let Some(lease) = held(journal, repository, &plan.target)? {
        return Ok(Started::Held(lease));
    }
    let now = Timestamp::now();
    let lease = Lease {
        repository: repository.to_owned(),
        target: plan.target.clone(),
        incident,
        plan: plan.id.clone(),
        by: by.clone(),
        // Until the conductor is there its starter stands for it.
        process: process::this(),
        taken_at: now,
        heartbeat_at: now,
    };
    let first = journal.acquire_beside(now, lease.clone(), &beside(plan, true), Vec::new(), &|_| false)?;
    if let Acquired::Held(lease) = first {
        return Ok(Started::Held(lease));
    }
    let record = record_of(plan, sealed.clone(), how);
    let begun = begin(journal, &state_dir, &start, &lease, record);
    if !matches!(begun, Ok(Started::Yes(_))) {
        journal.release(Timestamp::now(), repository, &plan.target, &plan.id, Vec::new())?;
    }
    begun
}

/// A start that was asked for.
struct Start<'a> {
    incident: IncidentId,
    plan: &'a Plan,
    hash: &'a str,
    policy: &'a Policy,
    by: &'a str,
    how: &'a str,
    pass_over: &'a [PassOver],
}

impl Start<'_> {
    /// Judges the gates as the record stands now, and how it stands with the lease. Gives the records of what is passed
    /// over.
    fn judge(&self, journal: &Journal, lease: Option<Standing>) -> Result<Vec<Draft>> {
        let Self { incident, plan, hash, policy, by, how, pass_over } = *self;
        let (log, _) = journal.load(incident)?;
        let (state, now) = (log.state(), Timestamp::now());
        let mut standings = gates::evaluate(plan, hash, state, policy, by, now);
        standings.extend(lease);
        let drafts = passed_over(incident, (&plan.id, hash), &standings, pass_over);
        let refused = Refused { plan, hash, state, policy, by, now };
        let drafts = drafts.ok_or_else(|| blocked(&refused, &standings))?;
        let word = plan.word();
        if (plan.confirm.is_some() || !drafts.is_empty()) && !confirmed::names(how, word) {
            let cause = if drafts.is_empty() {
                format!("{} is protected: confirm it by its name", visible(word))
            } else {
                format!("to override a gate, also confirm the target: --confirm {}", visible(word))
            };
            let doing = format!("starting {}", plan.id);
            return Err(Failure::usage(doing, cause, format!("--confirm {}", visible(word))));
        }
        Ok(drafts)
    }
}

/// Takes the target where everybody can see it, too, writes the start down with the lease, and starts the process.
fn begin(
    journal: &mut Journal,
    state_dir: &Path,
    start: &Start<'_>,
    lease: &Lease,
    record: PlanStarted,
) -> Result<Started> {
    let (plan, repository) = (start.plan, lease.repository.as_str());
    let passes = start.pass_over.iter().any(|given| given.gate == LEASE);
    let (standing, mut hold) = match claim::take(journal, state_dir, start.incident, repository, plan, passes)
    {
        Taken::Alone => (None, None),
        Taken::Yes(hold) => (hold.over.as_deref().map(gates::doubtful), Some(hold)),
        Taken::Held(lease) => return Ok(Started::Held(lease)),
        Taken::Doubtful(why) => (Some(gates::doubtful(&why)), None),
        Taken::Unasked(why) => (gates::unasked(plan, &why), None),
    };
    let begun = write_down(journal, state_dir, start, lease, record, standing);
    if !matches!(begun, Ok(Started::Yes(_)))
        && let Some(hold) = &mut hold
    {
        hold.release();
    }
    begun
}

fn write_down(
    journal: &mut Journal,
    state_dir: &Path,
    start: &Start<'_>,
    lease: &Lease,
    record: PlanStarted,
    standing: Option<Standing>,
) -> Result<Started> {
    let (plan, incident, repository) = (start.plan, start.incident, lease.repository.clone());
    let unasked = standing.as_ref().and_then(|standing| told(incident, standing));
    // The remote may have taken its time.
    let mut drafts = start.judge(journal, standing)?;
    drafts.extend(unasked);
    drafts.push(Draft::now(incident, record));
    let ours =
        |held: &Lease| (held.incident, &held.plan, &held.process) == (incident, &lease.plan, &lease.process);
    let beside = beside(plan, true);
    let taken = journal.acquire_beside(Timestamp::now(), lease.clone(), &beside, drafts, &ours)?;
    let records = match taken {
        Acquired::Held(lease) => return Ok(Started::Held(lease)),
        Acquired::Yes(records) => records,
    };
    let Err(cause) = launch(journal, state_dir, incident, &repository, plan) else {
        return Ok(Started::Yes(records));
    };
    let why = format!("the process of the plan could not be started: {cause}");
    let ended = PlanEnded { plan: plan.id.clone(), end: PlanEnd::Failed, why: why.clone() };
    let drafts = vec![Draft::now(incident, ended)];
    journal.release(Timestamp::now(), &repository, &plan.target, &plan.id, drafts)?;
    let doing = format!("starting {}", plan.id);
    Err(Failure::new(doing, why, "see whether the machine is out of processes or memory"))
}

/// What is written down where a plan goes on without knowing of others, and needs nobody's leave for that.
pub(super) fn told(incident: IncidentId, standing: &Standing) -> Option<Draft> {
    let text = standing.why.clone();
    let is_said = standing.met == Met::Unproven;
    is_said.then(|| Draft::now(incident, Noted { kind: NoteKind::Problem, text }))
}

/// The failure that says which gates stand in the way, and what meets each.
pub fn blocked(refused: &Refused<'_>, standings: &[Standing]) -> Failure {
    let missing: Vec<String> = standings
        .iter()
        .filter(|standing| standing.blocks())
        .map(|standing| format!("{}: {}", standing.id, standing.why))
        .collect();
    let cause = match missing.as_slice() {
        [one] => format!("1 gate not met: {one}"),
        all => format!("{} gates not met\n{}", all.len(), all.join("\n")),
    };
    let doing = format!("starting {}", refused.plan.title);
    Failure::of(FailureKind::Gate, doing, cause, refused.hint(standings))
}

/// The records of the gates that are passed over; `None` where a gate still blocks. They are
/// committed together with the start: the reason is on record before anything runs.
pub(super) fn passed_over(
    incident: IncidentId,
    (plan, hash): (&str, &str),
    standings: &[Standing],
    pass_over: &[PassOver],
) -> Option<Vec<Draft>> {
    let mut drafts = Vec::new();
    for standing in standings.iter().filter(|standing| standing.blocks()) {
        let given = pass_over.iter().find(|given| given.gate == standing.id)?;
        if !standing.may_pass_over || given.reason.trim().is_empty() {
            return None;
        }
        let body = GatePassedOver {
            plan: plan.to_owned(),
            hash: hash.to_owned(),
            gate: given.gate.clone(),
            missing: standing.why.clone(),
            reason: given.reason.trim().to_owned(),
        };
        drafts.push(Draft::now(incident, body));
    }
    Some(drafts)
}

fn record_of(plan: &Plan, sealed: stored::Sealed, confirmed: &str) -> PlanStarted {
    PlanStarted {
        plan: plan.id.clone(),
        title: plan.title.clone(),
        purpose: plan.purpose.name().to_owned(),
        target: plan.target.clone(),
        hash: sealed.hash,
        steps: plan.steps.iter().map(|step| step.title.clone()).collect(),
        confirmed: confirmed.to_owned(),
        spec: sealed.spec,
    }
}

fn held(journal: &Journal, repository: &str, target: &str) -> Result<Option<Lease>> {
    let held = |lease: &Lease| lease.repository == repository && lease.target == target;
    Ok(journal.leases()?.into_iter().find(held))
}

/// The lease of a plan that works on an environment which the push of this one would deploy to, or whose own push
/// deploys to what this one is for. A way back waits for no push: what still runs is named before it is confirmed.
pub(super) fn deploys_there(journal: &Journal, repository: &str, plan: &Plan) -> Result<Option<Lease>> {
    let mine = plan.pushes_to();
    for lease in journal.leases()?.into_iter().filter(|lease| lease.repository == repository) {
        if lease.plan == plan.id {
            continue;
        }
        if mine.contains(&lease.target.as_str()) {
            return Ok(Some(lease));
        }
        if plan.purpose != Purpose::Deploy {
            continue;
        }
        let (log, _) = journal.load(lease.incident)?;
        let other = log.state().plan(&lease.plan).and_then(|run| stored::read(&run.spec).ok());
        if other.is_some_and(|other| other.plan.pushes_to().contains(&plan.target.as_str())) {
            return Ok(Some(lease));
        }
    }
    Ok(None)
}

/// What a plan shuts and needs beside its own target: whoever deploys somewhere and whoever pushes what deploys there are
/// decided about in the transaction that takes the lease. `brings`: it still brings something out.
pub(super) fn beside(plan: &Plan, brings: bool) -> Beside {
    let shuts: Vec<String> = plan.pushes_to().into_iter().map(str::to_owned).collect();
    let mut needs = if brings { shuts.clone() } else { Vec::new() };
    if brings && plan.purpose == Purpose::Deploy {
        needs.push(plan.target.clone());
    }
    needs.retain(|target| *target != plan.target || plan.purpose == Purpose::Deploy);
    Beside { shuts, needs }
}

/// Refuses what can never run, before anything is recorded.
fn sound(plan: &Plan) -> Result<(), String> {
    if plan.steps.is_empty() {
        return Err("it has no steps".to_owned());
    }
    for step in &plan.steps {
        let Action::Command(command) = &step.action else { continue };
        if command.argv.first().is_none_or(String::is_empty) {
            return Err(format!("{} names no program", step.title));
        }
        if command.argv.iter().any(|argument| argument.contains('\0')) {
            return Err(format!("an argument of {} holds a NUL byte", step.title));
        }
    }
    Ok(())
}

/// Starts the conductor and lets go of it.
pub(super) fn launch(
    journal: &mut Journal,
    state_dir: &Path,
    incident: IncidentId,
    repository: &str,
    plan: &Plan,
) -> Result<(), String> {
    let by = format!("--author={}", journal.author().name);
    let spawn = |nohup| {
        let mut command = system::own_program(nohup)?;
        command.args(["conduct", "--state-dir"]).arg(state_dir).arg(&by);
        command.arg(format!("--of={incident}")).arg("--").arg(&plan.id);
        // Somewhere that can be unmounted without it; the commands name their own directories.
        command.current_dir("/").spawn()
    };
    // Where there is no nohup it is done without: what commands leave running has to be quick then.
    let mut child = spawn(true).or_else(|_| spawn(false)).map_err(|error| error.to_string())?;
    // Not yet waited for, so this number is its own. From here on the lease is the
    // conductor's, also should it end before it has said a word.
    if let Some(process) = process::identify(child.id()) {
        let _ = journal.heartbeat(Timestamp::now(), repository, &plan.target, &plan.id, &process);
    }
    let reaper = std::thread::Builder::new().name("reaper".to_owned());
    // Where no thread can be had the system waits for it when this process ends.
    let _ = reaper.spawn(move || child.wait());
    Ok(())
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;
    use crate::incident::Declared;
    use crate::plan::{Command, Step};

    const REPOSITORY: &str = "/repo/.git";

    fn finish() -> Plan {
        let argv = vec!["git".to_owned(), "push".to_owned()];
        let command = Command { argv, cwd: "/".to_owned(), env: Vec::new(), set: [].into() };
        let step = Step::new("push", Action::Command(command), SignedDuration::from_secs(1));
        Plan {
            confirm: Some("production".to_owned()),
            steps: vec![step],
            ..Plan::new("finish-1", "finish", Purpose::Hotfix, "repository")
        }
    }

    #[test]
    fn a_push_that_deploys_waits_for_a_deploy_there_and_the_other_way_round() {
        let dir = tempfile::tempdir().unwrap();
        let mut journal = Journal::open(dir.path(), "Maya").unwrap();
        let declared = Declared { repository: REPOSITORY.to_owned(), ..Declared::example() };
        let incident = journal.declare(Timestamp::now(), None, declared).unwrap().incident;
        let (push, deploy) = (finish(), Plan::new("deploy-1", "deploy", Purpose::Deploy, "production"));
        let back = Plan::new("rollback-1", "roll back", Purpose::Rollback, "production");
        let take = |journal: &mut Journal, plan: &Plan| -> Acquired {
            let now = Timestamp::now();
            let (repository, target) = (REPOSITORY.to_owned(), plan.target.clone());
            let lease = Lease {
                repository,
                target,
                incident,
                plan: plan.id.clone(),
                by: "Maya".to_owned(),
                process: None,
                taken_at: now,
                heartbeat_at: now,
            };
            let sealed = stored::seal(plan).unwrap();
            let drafts = vec![Draft::now(incident, record_of(plan, sealed, "⏎"))];
            let beside = beside(plan, true);
            journal.acquire_beside(now, lease, &beside, drafts, &|_| false).unwrap()
        };
        let held_by = |journal: &Journal, plan: &Plan| {
            deploys_there(journal, REPOSITORY, plan).unwrap().map(|lease| lease.plan)
        };
        assert_eq!(held_by(&journal, &push), None);
        let holder = |acquired: Acquired| match acquired {
            Acquired::Yes(_) => None,
            Acquired::Held(lease) => Some((lease.plan, lease.target)),
        };
        let held = |plan: &str| Some((plan.to_owned(), "production".to_owned()));
        assert_eq!(holder(take(&mut journal, &push)), None);
        // Also where both have looked before either had it.
        assert_eq!(holder(take(&mut journal, &deploy)), held("finish-1"));
        assert_eq!(holder(take(&mut journal, &back)), None, "a way back waits for no push");
        journal.release(Timestamp::now(), REPOSITORY, "production", "rollback-1", Vec::new()).unwrap();
        assert_eq!(journal.leases().unwrap().len(), 1, "what is shut is no lease");
        assert_eq!(held_by(&journal, &deploy).as_deref(), Some("finish-1"));
        let staging = Plan { target: "staging".to_owned(), ..deploy.clone() };
        assert_eq!((held_by(&journal, &staging), held_by(&journal, &back)), (None, None));
        assert_eq!(held_by(&journal, &push), None, "its own lease is not in its way");
        journal.release(Timestamp::now(), REPOSITORY, "repository", "finish-1", Vec::new()).unwrap();
        assert_eq!(holder(take(&mut journal, &deploy)), None, "what was shut is open again");
        assert_eq!(held_by(&journal, &push).as_deref(), Some("deploy-1"));
        assert_eq!(holder(take(&mut journal, &push)), held("deploy-1"));
    }
}
