//! Reports deploys to the code host, beside the plans that carry them out: on a thread of its own, so that nothing waits
//! for it, and with what became of it on record. What could not be told is told again, also by the next plan of the
//! incident. It is made once: it is looked for before it is made, by one process at a time.

use std::collections::HashMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use zeroize::Zeroizing;

use super::conduct::approved;
use super::files::make_file;
use super::forge::{Deployment, Lost, Visit};
use super::prepare::{Ground, directory};
use super::secrets::Vault;
use crate::config::types::{Config, DeploymentReport, Environment};
use crate::deploy::secrets::source;
use crate::failure::{Failure, Result};
use crate::hotfix::forge::place;
use crate::hotfix::git::Reader;
use crate::incident::{DeploymentReported, Draft, IncidentId, Log, PlanRun, Reported};
use crate::journal::{Journal, Seq};
use crate::plan::deployment::Report;
use crate::plan::forge::{Forge, Place};
use crate::plan::{Plan, SecretSource, stored};
use crate::text::visible;

/// How often it is looked what there is to be told.
const GLANCE: Duration = Duration::from_millis(500);
/// The longest that the host is waited for.
const PATIENCE: Duration = Duration::from_secs(15);
/// The first pause before something is told again; each is twice as long as the one before,
const PAUSE: Duration = Duration::from_secs(2);
/// and none is longer than this.
const LONGEST: Duration = Duration::from_secs(60);
/// How long the end of a plan is told before the next plan has to do it.
const LAST: Duration = Duration::from_secs(20);
/// What ended longer ago is told no more.
const RECENT: SignedDuration = SignedDuration::from_hours(24);
/// How much the clock of a host may differ from ours.
const SKEW: SignedDuration = SignedDuration::from_mins(2);

/// The plan, with where what it deploys is reported, if that is configured.
pub(super) fn attach(ground: &Ground<'_>, mut plan: Plan) -> Plan {
    let wanted = plan.release.as_ref().and_then(|release| {
        let env = ground.config.environments.iter().find(|env| env.name == release.environment)?;
        Some((env, env.report.as_ref()?))
    });
    let Some((env, wanted)) = wanted else { return plan };
    match report(ground.root, ground.config, env, wanted) {
        Ok((report, token)) => {
            let host = named(report.place.forge);
            plan.notes
                .push(format!("reported at {host} as a deployment to {}", visible(&report.environment)));
            if !plan.secrets.contains(&token) {
                plan.secrets.push(token);
            }
            plan.report = Some(report);
        }
        Err(why) => plan.notes.push(format!("not reported at the code host: {why}")),
    }
    plan
}

/// Asks the code host whether the deploys of an environment could be reported there; `None`: they are not. Nothing is
/// reported. `root` is the root of the work tree.
///
/// # Errors
/// They could not, or it cannot be asked.
pub fn report_ready(config: &Config, env: &Environment, root: &Path) -> Result<Option<String>> {
    let Some(wanted) = &env.report else { return Ok(None) };
    let failed = |why: String| {
        let doing = format!("asking where the deploys of {} are reported", visible(&env.name));
        Failure::new(doing, why, "docs/pipelines.md says what the token needs to report deploys")
    };
    let (report, token) = report(root, config, env, wanted).map_err(failed)?;
    let value = super::secrets::get(&token).map_err(failed)?;
    let visit = Visit::new(&report.place, super::forge::text_of(&value), PATIENCE);
    let said = visit.map_err(failed)?.may_report(&report.environment);
    said.map(Some).map_err(|lost| failed(lost.why))
}

fn report(
    root: &Path,
    config: &Config,
    env: &Environment,
    wanted: &DeploymentReport,
) -> std::result::Result<(Report, SecretSource), String> {
    let reader = Reader::open(root).map_err(|none| none.failure(&root.to_string_lossy()).cause)?;
    let mut pull = config.hotfix.pull.clone();
    for (key, value) in [(&mut pull.api, &wanted.api), (&mut pull.repository, &wanted.repository)] {
        if !value.is_empty() {
            key.clone_from(value);
        }
    }
    let remote = reader.remote_place(&config.hotfix.remote);
    let place = place(&pull, remote.as_deref()).map_err(|none| none.0)?;
    let token = token(config, &reader, &place, (wanted, !pull.api.is_empty()))?;
    let environment = if wanted.environment.is_empty() { &env.name } else { &wanted.environment };
    let report = Report {
        place: Place { token: token.name.clone(), ..place },
        environment: environment.clone(),
        url: wanted.url.clone(),
        production: env.protected,
    };
    Ok((report, token))
}

fn token(
    config: &Config,
    reader: &Reader,
    place: &Place,
    (wanted, configured): (&DeploymentReport, bool),
) -> std::result::Result<SecretSource, String> {
    if wanted.token.is_empty() {
        let found = super::forge::token(place, configured);
        return found.map(|(source, _)| source).ok_or_else(|| super::pull::no_token(place));
    }
    let declared = config.secrets.iter().find(|secret| secret.name == wanted.token);
    let declared =
        declared.ok_or_else(|| format!("the secret {} is not declared", visible(&wanted.token)))?;
    Ok(source(declared, &directory(&reader.root().to_string_lossy())))
}

fn named(forge: Forge) -> &'static str {
    match forge {
        Forge::Github => "GitHub",
        Forge::Gitlab => "GitLab",
    }
}

/// What reports the deploys of an incident while a plan of it is carried out.
pub(super) struct Reporter {
    over: Sender<()>,
    thread: JoinHandle<()>,
}

impl Reporter {
    /// Begins, where there is anything to be reported.
    pub(super) fn start(
        state_dir: &Path,
        author: &str,
        incident: IncidentId,
        state: &Log,
        plan: &str,
    ) -> Option<Self> {
        let reports = |run: &PlanRun| stored::read(&run.spec).is_ok_and(|spec| spec.plan.report.is_some());
        if !state.state().plans.iter().any(reports) {
            return None;
        }
        let (over, ended) = channel();
        let desk = Desk {
            state_dir: state_dir.to_owned(),
            author: author.to_owned(),
            incident,
            plan: plan.to_owned(),
            plans: HashMap::new(),
            tries: HashMap::new(),
        };
        let named = std::thread::Builder::new().name("reports".to_owned());
        let thread = named.spawn(move || desk.work(&ended)).ok()?;
        Some(Self { over, thread })
    }

    /// Lets it tell how the plan ended, for a while.
    pub(super) fn finish(self) {
        let _ = self.over.send(());
        // It ends by itself. What it did not come to is told by the next plan.
        let _ = self.thread.join();
    }
}

struct Desk {
    state_dir: PathBuf,
    author: String,
    incident: IncidentId,
    /// The plan that is carried out here.
    plan: String,
    /// Plans that report, as they were approved; `None`: this one is not ours to report.
    plans: HashMap<String, Option<Plan>>,
    /// How often something was told in vain, and when it is told again.
    tries: HashMap<String, (u32, Instant)>,
}

impl Desk {
    fn work(mut self, over: &Receiver<()>) {
        let Ok(mut journal) = Journal::open_again(&self.state_dir, &self.author) else { return };
        let Ok((mut log, mut seen)) = journal.load(self.incident) else { return };
        let mut until: Option<Instant> = None;
        loop {
            match until {
                None => match over.recv_timeout(GLANCE) {
                    Err(RecvTimeoutError::Timeout) => {}
                    Ok(()) => {
                        until = Some(Instant::now() + LAST);
                        self.tries.clear();
                    }
                    // The conductor is gone without a word: so is this.
                    Err(RecvTimeoutError::Disconnected) => return,
                },
                Some(_) => std::thread::sleep(GLANCE),
            }
            if self.catch_up(&journal, &mut log, &mut seen).is_err() {
                continue;
            }
            let due = self.due(&journal, &log);
            for plan in &due {
                let told = self.tell(&mut journal, (&mut log, &mut seen), plan);
                self.rest(plan, told);
            }
            let is_late = until.is_some_and(|until| Instant::now() >= until);
            if is_late || until.is_some() && self.due(&journal, &log).is_empty() {
                return;
            }
        }
    }

    fn catch_up(&self, journal: &Journal, log: &mut Log, seen: &mut Seq) -> Result<()> {
        let (records, now) = journal.since(self.incident, *seen)?;
        journal.fold_in(log, records)?;
        *seen = now;
        Ok(())
    }

    /// The plans of which something is to be told.
    fn due(&mut self, journal: &Journal, log: &Log) -> Vec<String> {
        let now = Timestamp::now();
        let mut due = Vec::new();
        for run in &log.state().plans {
            let recent = run.ended_at.is_some_and(|at| now.duration_since(at).abs() <= RECENT);
            // Another that goes on is reported by whoever carries it out.
            let is_ours = run.id == self.plan || (!run.state.is_under_way() && recent);
            if is_ours && self.wanted(journal, run).is_some_and(|wanted| run.told_host.state != Some(wanted))
            {
                due.push(run.id.clone());
            }
        }
        due
    }

    fn wanted(&mut self, journal: &Journal, run: &PlanRun) -> Option<Reported> {
        let incident = self.incident;
        let known = self.plans.entry(run.id.clone()).or_insert_with(|| {
            let plan = stored::read(&run.spec).ok().filter(|spec| spec.plan.report.is_some())?;
            // One that was approved elsewhere names secrets of another machine.
            approved(journal, incident, &plan.plan.id).ok()
        });
        known.as_ref()?.reported(run)
    }

    /// Tells the host, and writes down what came of it; `false`: it is told again.
    fn tell(&mut self, journal: &mut Journal, (log, seen): (&mut Log, &mut Seq), id: &str) -> bool {
        if self.tries.get(id).is_some_and(|(_, again)| Instant::now() < *again) {
            return true;
        }
        // One process at a time: what another has made meanwhile is on record.
        let Some(_alone) = self.alone() else { return true };
        if self.catch_up(journal, log, seen).is_err() {
            return false;
        }
        let Some(run) = log.state().plan(id).cloned() else { return true };
        let Some(state) = self.wanted(journal, &run).filter(|wanted| run.told_host.state != Some(*wanted))
        else {
            return true;
        };
        let Some(Some(plan)) = self.plans.get(id) else { return true };
        let Some(report) = &plan.report else { return true };
        let others = log.state().plans.iter().filter(|other| other.id != id);
        let known = others.map(|other| other.told_host.id.clone()).collect();
        let mut vault = Vault::open(plan);
        let mut at_host = run.told_host.id.clone();
        let told = vault.need_for_report(report).map_err(|failure| failure.cause).and_then(|()| {
            let token = vault.secret(&report.place.token).map(Zeroizing::new);
            let mut visit = Visit::new(&report.place, token, PATIENCE)?;
            let deployment = self.deployment(plan, &run, report, known);
            let why = |lost: Lost| lost.why;
            if at_host.is_empty() {
                at_host = visit.deployment(&deployment, state).map_err(why)?;
            }
            visit.deployment_stands(&at_host, &deployment, state).map_err(why)
        });
        let why = told.err().map(|why| visible(&vault.mask(&why)).into_owned()).unwrap_or_default();
        let is_told = why.is_empty();
        // Said once, however often it is tried.
        let said = run.told_host.failed.as_ref().is_some_and(|(known, said)| *known == state && *said == why);
        if said && run.told_host.id == at_host {
            return false;
        }
        let (host, environment) = (named(report.place.forge).to_owned(), report.environment.clone());
        let body = DeploymentReported { plan: id.to_owned(), environment, host, id: at_host, state, why };
        let _ = journal.append(Timestamp::now(), vec![Draft::now(self.incident, body)]);
        is_told
    }

    fn deployment(&self, plan: &Plan, run: &PlanRun, report: &Report, known: Vec<String>) -> Deployment {
        let release = plan.release.as_ref();
        let mut remotes = run.steps.iter().filter_map(|step| step.run.as_ref()?.remote.as_ref());
        Deployment {
            key: format!("{}/{}", self.incident, plan.id),
            commit: release.map(|release| release.commit.clone()).unwrap_or_default(),
            reference: release.map(|release| release.reference.clone()).unwrap_or_default(),
            tag: release.and_then(|release| release.tag.clone()),
            environment: report.environment.clone(),
            url: report.url.clone(),
            log: remotes.next_back().map(|remote| remote.url.clone()).unwrap_or_default(),
            title: visible(&plan.title).into_owned(),
            production: report.production,
            since: run.started_at.checked_sub(SKEW).unwrap_or(Timestamp::MIN),
            known,
        }
    }

    /// Waits longer before each time that something is told again.
    fn rest(&mut self, plan: &str, told: bool) {
        if told {
            self.tries.retain(|known, (_, again)| known != plan || *again > Instant::now());
            return;
        }
        let (tries, again) = self.tries.entry(plan.to_owned()).or_insert((0, Instant::now()));
        *again = Instant::now() + PAUSE.saturating_mul(2_u32.saturating_pow(*tries)).min(LONGEST);
        *tries += 1;
    }

    /// Keeps other processes from telling the same, as long as it is held; `None`: another does.
    fn alone(&self) -> Option<File> {
        let path = self.state_dir.join("reports.lock");
        let file = make_file(&path).or_else(|_| File::options().write(true).open(&path)).ok()?;
        file.try_lock().ok().map(|()| file)
    }
}
