//! What is left of a run that did not come to its own end: as long as anything of it lives it may
//! change the world, whatever a proof says meanwhile, and nothing is started beside it.
//!
//! Its processes are known by the session of its first one, by the mark in their environment, and by the control
//! group that was made for it, where one could be. What a command leaves running when it ends by itself was left on purpose, and is nobody's business here.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use uuid::Uuid;

use super::process::{self, Life, Member, life};
use super::spawn::{MARK, mark, marked};
use super::stop::LADDER;
use super::system;
use crate::failure::{Failure, FailureKind};
use crate::incident::{IncidentId, Outcome, PlanRun, Proof, Run, State, StepRun, StepState};
use crate::journal::Journal;
use crate::text::visible;

/// How many processes are named.
const NAMED: usize = 8;
/// How often it is looked whether a signal has worked.
const GLANCE: Duration = Duration::from_millis(50);
/// Helpers that stay for the whole login, whoever had them started: they work at nothing. As the
/// kernel has their names, which is cut off.
const AGENTS: [&str; 6] = ["gpg-agent", "keyboxd", "scdaemon", "dirmngr", "ssh-agent", "git-credential-"];

/// Tells whether a process is a helper that outlives what needed it.
pub(super) fn is_agent(member: &Member) -> bool {
    !member.in_session && AGENTS.contains(&member.name.as_str())
}

/// What still lives of a run.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Remains {
    /// Its first process is among them: the command itself is still at it.
    leader: bool,
    members: Vec<Member>,
}

impl Remains {
    /// Tells whether nothing is left.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// Names what is left: `pid 4711 (sh), 4712 (sleep)`.
    pub fn named(&self) -> String {
        named(&self.members)
    }

    /// Kills all of it.
    pub(super) fn kill(&self) {
        for member in &self.members {
            // One that has ended meanwhile needs no signal.
            let _ = system::signal_member(member, Signal::KILL);
        }
    }

    /// The same as part of a sentence about the run.
    fn told(&self) -> String {
        let what = if self.leader { ITSELF } else { STILL };
        format!("{what} {}", self.named())
    }
}

fn named(members: &[Member]) -> String {
    let name = |member: &Member| format!("{} ({})", member.pid, visible(&member.name));
    let names: Vec<_> = members.iter().take(NAMED).map(name).collect();
    let more = match members.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("pid {}{more}", names.join(", "))
}

/// Finds what still lives of a run on this machine, whatever became of its conductor.
pub fn remains(incident: IncidentId, run: &Run) -> Remains {
    let first = run.process.as_ref().filter(|first| process::is_of_this_boot(first));
    if run.process.is_some() && first.is_none() {
        return Remains::default();
    }
    let leader = first.is_some_and(|first| life(first) == Life::Alive);
    // A number is given away only when nobody is left in its session: whoever is in it then is a stranger.
    let session = first.filter(|first| process::has_its_number(first)).map_or(u32::MAX, |first| first.pid);
    let mark = marked(&mark(incident, &run.id));
    let mut members = system::members(session, &mark);
    members.retain(|member| !is_agent(member));
    members.sort_by_key(|member| (member.started, member.pid));
    Remains { leader, members }
}

/// What still lives of a run that is over and did not come to its own end.
fn unfinished(incident: IncidentId, run: &Run) -> Remains {
    if was_cut_short(run) { remains(incident, run) } else { Remains::default() }
}

/// Tells whether a run is over without its command having come to its own end.
pub fn was_cut_short(run: &Run) -> bool {
    match &run.outcome {
        None => false,
        Some(Outcome::Unknown { .. } | Outcome::Signalled { .. }) => true,
        Some(_) => !run.signals.is_empty(),
    }
}

/// What is written of an answer that is worth less than it seems.
const STILL: &str = "still alive:";
/// The same where the command itself is still at it.
const ITSELF: &str = "its command is still alive:";

/// How a command ended of which this is left. One that did not come to its own end, as it was signalled, has
/// not ended as long as anything of it goes on: what becomes of that nobody sees.
pub(super) fn outlived(outcome: Outcome, signalled: bool, left: &[Member]) -> Outcome {
    let how = match &outcome {
        _ if left.is_empty() => return outcome,
        Outcome::Signalled { signal } => format!("it was killed by signal {signal}"),
        Outcome::Exited { code } if signalled => format!("it was stopped and exited {code}"),
        Outcome::Unknown { why } => why.clone(),
        _ => return outcome,
    };
    Outcome::Unknown { why: format!("{how}, and not all of it is gone; {STILL} {}", named(left)) }
}

/// How a run was lost, with what is still alive of it.
pub(super) fn lost(cause: &str, incident: IncidentId, run: &Run) -> String {
    let remains = remains(incident, run);
    match &run.process {
        _ if !remains.is_empty() => format!("{cause}; {}", remains.told()),
        None => format!("{cause}; whether its command was started is not known"),
        Some(_) => cause.to_owned(),
    }
}

/// Tells whether an answer was held back because the command still ran, and that has ended since.
pub(super) fn may_be_asked_again(why: &str, incident: IncidentId, run: Option<&Run>) -> bool {
    if !why.contains(STILL) {
        return false;
    }
    let remains = run.map(|run| unfinished(incident, run)).unwrap_or_default();
    remains.is_empty() || (why.contains(ITSELF) && !remains.leader)
}

/// What the answer of the world is worth: “not done” may be “not done yet”, and so is “done” while
/// the command itself is still at it.
pub(super) fn weighed(said: (Proof, String), incident: IncidentId, run: Option<&Run>) -> (Proof, String) {
    let remains = run.map(|run| unfinished(incident, run)).unwrap_or_default();
    match said {
        said if remains.is_empty() => said,
        (Proof::Done, why) if !remains.leader => (Proof::Done, why),
        (_, why) => (Proof::Unknown, format!("{why}; {}", remains.told())),
    }
}

/// Why nothing may be started for a plan's target: what is still alive of its runs, and the last of
/// these runs. A command that is gone may have left running what a person has judged, or the world
/// has proven, to be right: that is in nobody's way.
pub(super) fn still_alive(incident: IncidentId, plan: &PlanRun, skips: bool) -> Option<(String, String)> {
    let judge = |step: &StepRun| {
        let fate = step.fate();
        skips || matches!(fate, StepState::Done | StepState::Skipped | StepState::Undone)
    };
    let runs = plan.steps.iter().flat_map(|step| {
        let runs = step.run.iter().chain(&step.undo).chain(&step.earlier);
        runs.map(|run| (run, judge(step)))
    });
    let mut found = runs.filter_map(|(run, is_judged)| {
        let remains = unfinished(incident, run);
        let is_in_the_way = remains.leader || (!remains.is_empty() && !is_judged);
        is_in_the_way.then(|| (visible(&run.id).into_owned(), remains.told()))
    });
    found.next_back()
}

/// The failure that says that something of a plan for this target is still alive. `passed`: the plan of
/// which a step is passed over, which says that what its command left running is meant to run.
pub(super) fn in_the_way(
    journal: &Journal,
    state: &State,
    (repository, target): (&str, &str),
    passed: Option<&str>,
    doing: &str,
) -> Option<Failure> {
    let found = |state: &State| {
        let plans = state.plans.iter().filter(|plan| plan.target == target);
        let mut found = plans.filter_map(|plan| still_alive(state.id, plan, passed == Some(&*plan.id)));
        found.next_back()
    };
    let elsewhere = || {
        // Those of other incidents go to the same targets.
        let marks = system::marks(MARK).into_iter();
        let ids = marks.filter_map(|mark| Uuid::parse_str(mark.split_once('/')?.0).ok().map(IncidentId));
        let others: BTreeSet<IncidentId> = ids.filter(|id| *id != state.id).collect();
        others.into_iter().find_map(|id| {
            let is_of_it = journal.repository_of(id).is_ok_and(|of| of == repository);
            let (run, alive) = found(journal.load(id).ok().filter(|_| is_of_it)?.0.state())?;
            Some((run, alive, format!(" --incident {id}")))
        })
    };
    let here = found(state).map(|(run, alive)| (run, alive, String::new()));
    let (run, alive, of) = here.or_else(elsewhere)?;
    let cause = format!("{run} did not come to its own end; {alive}");
    let hint = format!("wait until that has ended, or stop it: flightdeck run stop {run}{of}");
    Some(Failure::of(FailureKind::Held, doing, cause, hint))
}

/// Stops what is left of a run that nobody watches: INT, then TERM, then KILL to each of its processes,
/// until nothing is left; `tell` is called before each. Returns what outlived that.
///
/// # Errors
/// Those of `tell`; nothing more is sent then.
pub fn stop_remains<E>(
    incident: IncidentId,
    run: &Run,
    tell: &mut dyn FnMut(&'static str, &Remains) -> Result<(), E>,
) -> Result<Remains, E> {
    for (signal, name, patience) in LADDER {
        let left = remains(incident, run);
        if left.is_empty() {
            return Ok(left);
        }
        tell(name, &left)?;
        for member in &left.members {
            // One that has ended meanwhile needs no signal; one of somebody else is still listed.
            let _ = system::signal_member(member, signal);
        }
        let until = Instant::now() + patience;
        while Instant::now() < until && !remains(incident, run).is_empty() {
            std::thread::sleep(GLANCE);
        }
    }
    Ok(remains(incident, run))
}

#[cfg(test)]
mod tests;
