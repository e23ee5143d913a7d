//! Whether the pipeline run that deployed a release may be run again: which it was is on record, and its host says what
//! became of it.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::super::forge::{Kind, Visit, text_of};
use super::super::prepare::Ground;
use super::super::secrets::get;
use crate::config::types::{PipelineKind, PipelineOn};
use crate::deploy::pipeline::Seen;
use crate::deploy::rollback::{Again, Known};
use crate::failure::Result;
use crate::hotfix::git::Reader;
use crate::incident::{PlanRun, Release, Remote, RemoteState};
use crate::journal::Journal;
use crate::plan::forge::Place;
use crate::plan::{Action, stored};

/// How long its host may take.
const PATIENCE: Duration = Duration::from_secs(8);
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
            let host = if pipeline.kind == PipelineKind::Gitlab { "GitLab" } else { "GitHub" };
            return Again::Not(format!("{} is gone at {host}", run.name));
        }
        Err(lost) => return Again::Unknown(lost.why),
    };
    if !seen.state.is_over() {
        return Again::Not(format!("{} {} right now", seen.name, seen.state.word()));
    }
    let is_another = seen.commit != target.commit;
    if pipeline.kind == PipelineKind::Gitlab {
        return of_gitlab(ground, known, &mut visit, (seen, is_another));
    }
    let is_old = |made: &Timestamp| ground.now.duration_since(*made) > SignedDuration::from_hours(24 * DAYS);
    if let Some(made) = seen.created.filter(is_old) {
        let day = made.strftime("%Y-%m-%d");
        return Again::Not(format!("{} is from {day}, and GitHub reruns the last {DAYS} days", seen.name));
    }
    let workflow = pipeline.workflow.rsplit('/').next().unwrap_or_default();
    if !seen.workflow.is_empty() && !workflow.is_empty() && seen.workflow != workflow {
        return Again::Not(format!("{} is not of {workflow}, which deploys there now", seen.name));
    }
    // Told the commit as an input it runs on another.
    let told = pipeline.on == PipelineOn::Start && !pipeline.reference.is_empty() && pipeline.takes_commit();
    if !told && is_another {
        return Again::Not(format!("{} ran on another commit than {}", seen.name, target.name()));
    }
    match visit.ready(&pipeline.workflow) {
        Ok(_) => Again::May(seen, String::new()),
        Err(lost) if matches!(lost.kind, Kind::Refused(_)) => Again::Not(lost.why),
        Err(lost) => Again::Unknown(lost.why),
    }
}

/// GitLab runs the job again that deployed: where it is still there with what it takes, and the environment allows it.
fn of_gitlab(
    ground: &Ground<'_>,
    known: &Known<'_>,
    visit: &mut Visit,
    (seen, is_another): (Seen, bool),
) -> Again {
    let Some(pipeline) = &known.environment.pipeline else { return Again::Unknown(String::new()) };
    let told = pipeline.on == PipelineOn::Start && !pipeline.reference.is_empty() && pipeline.takes_commit();
    if !told && is_another {
        let target = known.target.as_ref().map(Release::name).unwrap_or_default();
        return Again::Not(format!("{} ran on another commit than {target}", seen.name));
    }
    let environment = match pipeline.deployments.as_str() {
        "" => known.environment.name.as_str(),
        named => named,
    };
    let asked = visit.deploy_job(&seen.id, environment, ground.now).and_then(|job| match job {
        Ok(job) => Ok(Ok((visit.run_of_job(&seen.id, &job)?, job))),
        Err(why) => Ok(Err(format!("{}: {why}", seen.name))),
    });
    match (asked, visit.ready("")) {
        (Ok(Err(why)), _) => Again::Not(why),
        (Err(lost), _) | (_, Err(lost)) if matches!(lost.kind, Kind::Refused(_)) => Again::Not(lost.why),
        (Err(lost), _) | (_, Err(lost)) => Again::Unknown(lost.why),
        (Ok(Ok((seen, job))), Ok(_)) => Again::May(seen, job),
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
            known.plan == release.plan
                && known.environment == release.environment
                && known.commit == release.commit
                && known.at == release.at
        };
        if state.releases.iter().any(is_it) {
            return Ok(state.plan(&release.plan).and_then(|plan| run_in(plan, &release.environment)));
        }
    }
    Ok(None)
}

/// The last run of a plan that deployed to an environment. The same plan may deploy to others.
fn run_in(plan: &PlanRun, environment: &str) -> Option<Remote> {
    let stored::Recorded { plan: spec, .. } = stored::read(&plan.spec).ok()?;
    let steps = spec.steps.iter().zip(&plan.steps).filter(|(planned, _)| match &planned.action {
        Action::Pipeline(pipeline) => pipeline.environment == environment,
        _ => false,
    });
    let mut remotes = steps.filter_map(|(_, step)| step.run.as_ref()?.remote.as_ref());
    remotes.rfind(|remote| remote.state == RemoteState::Succeeded).cloned()
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;
    use crate::incident::{PlanState, Run, StepRun};
    use crate::plan::pipeline::{Begin, Pipeline, Runner};
    use crate::plan::{Command, Plan, Purpose, Step};

    fn planned(environment: &str) -> Step {
        let status = Command { argv: vec!["x".to_owned()], cwd: "/".to_owned(), env: vec![], set: [].into() };
        let pipeline = Pipeline {
            runner: Runner::Command { start: None, status, logs: None, cancel: None },
            begin: Begin::Find { event: "push".to_owned(), within: SignedDuration::ZERO },
            commit: String::new(),
            environment: environment.to_owned(),
            interval: SignedDuration::ZERO,
            pushed: None,
        };
        Step::new("deploy", Action::Pipeline(Box::new(pipeline)), SignedDuration::ZERO)
    }

    fn ran(id: &str, state: RemoteState) -> StepRun {
        let remote = Remote {
            id: id.to_owned(),
            name: id.to_owned(),
            url: String::new(),
            commit: String::new(),
            attempt: 1,
            state,
            asks: false,
            note: String::new(),
            ids: Vec::new(),
            at: Timestamp::UNIX_EPOCH,
        };
        let run = Run {
            id: "p.0".to_owned(),
            title: String::new(),
            started_at: Timestamp::UNIX_EPOCH,
            ended_at: None,
            process: None,
            outcome: None,
            summary: String::new(),
            tail: Vec::new(),
            stop_asked: None,
            signals: Vec::new(),
            unproven: false,
            waits: None,
            remote: Some(remote),
        };
        StepRun {
            learned: None,
            title: String::new(),
            run: Some(run),
            earlier: Vec::new(),
            proof: None,
            skipped: None,
            waiting: None,
            undo: None,
            undo_proof: None,
        }
    }

    #[test]
    fn of_a_plan_for_several_environments_the_run_of_that_one_is_taken() {
        let steps = vec![planned("staging"), planned("production"), planned("canary")];
        let spec = Plan { steps, ..Plan::new("p", "p", Purpose::Deploy, "staging") };
        let run = PlanRun {
            told_host: crate::incident::ToldHost::default(),
            id: "p".to_owned(),
            title: String::new(),
            purpose: "deploy".to_owned(),
            target: "staging".to_owned(),
            hash: String::new(),
            by: "Maya".to_owned(),
            node: 1,
            started_at: Timestamp::UNIX_EPOCH,
            ended_at: None,
            state: PlanState::Running,
            why: String::new(),
            steps: vec![
                ran("1", RemoteState::Succeeded),
                ran("2", RemoteState::Succeeded),
                ran("3", RemoteState::Failed),
            ],
            spec: stored::seal(&spec).unwrap().spec,
        };
        let of = |environment| run_in(&run, environment).map(|remote| remote.id);
        assert_eq!(of("staging").as_deref(), Some("1"));
        assert_eq!(of("production").as_deref(), Some("2"));
        assert_eq!((of("canary"), of("elsewhere")), (None, None));
    }
}
