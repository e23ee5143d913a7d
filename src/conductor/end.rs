//! Ending all that is carried out for a journal, for good: the place it works in is about to go.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use uuid::Uuid;

use super::orphan::remains;
use super::process::{Life, life};
use super::spawn::MARK;
use super::system;
use crate::incident::{IncidentId, Process};
use crate::journal::Journal;

/// How often it is looked who is left.
const GLANCE: Duration = Duration::from_millis(20);
/// A mark that nothing carries: only the session counts.
const NO_MARK: &str = "FLIGHTDECK_RUN=";

/// Asks every conductor that works for the journal in this directory to end, gives them so long, and
/// kills what is left of them and of what they started.
pub fn end_all(state_dir: &Path, patience: Duration) {
    // Without a journal nothing was carried out.
    let Ok(journal) = Journal::open_again(state_dir, "flightdeck") else { return };
    let until = Instant::now() + patience;
    let (mut asked, mut incidents) = (BTreeSet::new(), BTreeSet::new());
    loop {
        let at_work = at_work(&journal, &mut incidents);
        if at_work.is_empty() {
            break;
        }
        let is_late = Instant::now() >= until;
        for process in &at_work {
            if is_late {
                signal(process, Signal::KILL);
            } else if asked.insert(process.pid) {
                signal(process, Signal::TERM);
            }
        }
        if is_late {
            break;
        }
        std::thread::sleep(GLANCE);
    }
    // Also what a command left running on purpose: where it worked is not there any more.
    incidents.extend(marked(&journal));
    for incident in incidents {
        let Ok((log, _)) = journal.load(incident) else { continue };
        let steps = log.state().plans.iter().flat_map(|plan| &plan.steps);
        for run in steps.flat_map(|step| step.run.iter().chain(&step.undo).chain(&step.earlier)) {
            remains(incident, run).kill();
        }
    }
}

/// Conductors that are alive; this process stands for one that is not up yet, and is waited for.
fn at_work(journal: &Journal, incidents: &mut BTreeSet<IncidentId>) -> Vec<Process> {
    let leases = journal.leases().unwrap_or_default();
    incidents.extend(leases.iter().map(|lease| lease.incident));
    let processes = leases.into_iter().filter_map(|lease| lease.process);
    processes.filter(|process| life(process) == Life::Alive).collect()
}

/// Signals a conductor, which leads its session.
fn signal(process: &Process, signal: Signal) {
    if process.pid == std::process::id() || life(process) != Life::Alive {
        return;
    }
    let members = system::members(process.pid, NO_MARK).into_iter();
    for member in members.filter(|member| member.pid == process.pid) {
        // One that has ended meanwhile needs no signal.
        let _ = system::signal_member(&member, signal);
    }
}

/// Incidents of the journal that processes carry the mark of.
fn marked(journal: &Journal) -> BTreeSet<IncidentId> {
    let marks = system::marks(MARK).into_iter();
    let ids = marks.filter_map(|mark| Uuid::parse_str(mark.split_once('/')?.0).ok().map(IncidentId));
    ids.filter(|id| journal.repository_of(*id).is_ok()).collect()
}
