//! Whether the pipeline run that deployed a release may be run again: which it was is on record, and its host says what
//! became of it.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::super::forge::{Kind, Visit, text_of};
use super::super::prepare::Ground;
use super::super::secrets::get;
use crate::config::types::PipelineKind;
use crate::deploy::rollback::{Again, Known};
use crate::failure::Result;
use crate::hotfix::git::Reader;
use crate::incident::{Release, Remote, RemoteState};
use crate::journal::Journal;
use crate::plan::forge::Place;

/// How long its host may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long GitHub runs a workflow run again.
const DAYS: i64 = 30;
/// Most incidents that are looked through for the run of a release.
const INCIDENTS: usize = 20;

/// Finds out whether the run of the last good release may be run again.
pub(super) fn ask(ground: &Ground<'_>, reader: &Reader, known: &Known<'_>) -> Again {
    let Some(target) = &known.target else { return Again::Unknown("no release to go back to".to_owned()) };
    let Some(pipeline) = &known.environment.pipeline else {
        return Again::Not("it has no pipeline".to_owned());
    };
    if pipeline.kind != PipelineKind::GithubActions {
        return Again::Not("GitLab reruns only jobs that failed".to_owned());
    }
    let host = match &known.host {
        Ok(Some(host)) => host,
        Ok(None) => return Again::Not("its code host is not known".to_owned()),
        Err(why) => return Again::Not(why.clone()),
    };
    let run = match run_of(ground, reader, target) {
        Ok(Some(run)) => run,
        Ok(None) => return Again::Not(format!("no pipeline run of {} is on record", target.name())),
        Err(failure) => return Again::Unknown(failure.cause),
    };
    let token = match get(&host.token) {
        Ok(value) => text_of(&value),
        Err(why) => return Again::Not(why),
    };
    let place = Place { token: host.token.name.clone(), ..host.place.clone() };
    let mut visit = match Visit::new(&place, token, PATIENCE) {
        Ok(visit) => visit,
        Err(why) => return Again::Unknown(why),
    };
    let seen = match visit.run(&run.id) {
        Ok(seen) => seen,
        Err(lost) if lost.kind == Kind::Refused(404) => {
            return Again::Not(format!("{} is gone at GitHub", run.name));
        }
        Err(lost) => return Again::Unknown(lost.why),
    };
    if !seen.state.is_over() {
        return Again::Not(format!("{} {} right now", seen.name, seen.state.word()));
    }
    let is_old = |made: &Timestamp| ground.now.duration_since(*made) > SignedDuration::from_hours(24 * DAYS);
    if let Some(made) = seen.created.filter(is_old) {
        let day = made.strftime("%Y-%m-%d");
        return Again::Not(format!("{} is from {day}, and GitHub reruns the last {DAYS} days", seen.name));
    }
    // Told the commit as an input it runs on another.
    if pipeline.reference.is_empty() && seen.commit != target.commit {
        return Again::Not(format!("{} ran on another commit than {}", seen.name, target.name()));
    }
    match visit.ready(&pipeline.workflow) {
        Ok(_) => Again::May(seen),
        Err(lost) if matches!(lost.kind, Kind::Refused(_)) => Again::Not(lost.why),
        Err(lost) => Again::Unknown(lost.why),
    }
}

/// The pipeline run that brought a release there, as the record of its incident has it.
fn run_of(ground: &Ground<'_>, reader: &Reader, release: &Release) -> Result<Option<Remote>> {
    if release.plan.is_empty() {
        return Ok(None);
    }
    let journal = Journal::open_again(ground.state_dir, "nobody")?;
    let all = journal.incidents(Some(&journal.repository(reader)?))?;
    let before = all.into_iter().filter(|one| one.is_declared && one.declared_at <= release.at);
    for incident in before.take(INCIDENTS) {
        let state = journal.alone(incident.id)?;
        let is_it = |known: &Release| {
            known.plan == release.plan && known.commit == release.commit && known.at == release.at
        };
        if !state.releases.iter().any(is_it) {
            continue;
        }
        let steps = state.plan(&release.plan).into_iter().flat_map(|plan| &plan.steps);
        let mut remotes = steps.filter_map(|step| step.run.as_ref()?.remote.as_ref());
        return Ok(remotes.rfind(|remote| remote.state == RemoteState::Succeeded).cloned());
    }
    Ok(None)
}
