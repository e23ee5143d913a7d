//! Pipelines at a code host: started once, found, looked at, cancelled, approved.

use jiff::Timestamp;
use reqwest::Method;
use serde_json::{Value as Json, json};

use super::Visit;
use super::client::{Kind, Lost, Text};
use crate::deploy::pipeline::protect::{self, Protection};
use crate::deploy::pipeline::{Job, Seen, Stands, github, gitlab};
use crate::incident::RemoteState;
use crate::plan::forge::{Forge, encoded, encoded_path};
use crate::text::visible;

/// Most bytes of a job's output that are read.
const LOG: usize = 1 << 20;
/// Most deployments of an environment that are read.
const DEPLOYMENTS: usize = 10;
/// Most pages of jobs that are force-cancelled.
const FORCED_PAGES: u32 = 20;
/// The field of a dispatch that asks for the run that it starts. Servers before February 2026 refuse it by name.
const DETAILS: &str = "return_run_details";

/// What GitHub and GitLab say of a branch or tag that they do not have.
const NO_REF: [&str; 2] = ["No ref found", "Reference not found"];

/// What came of starting a pipeline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) enum Started {
    /// This one was started.
    As(Box<Seen>),
    /// One was started; its host does not say which.
    Somewhere,
}

/// A page of the jobs of a run.
#[derive(Debug, Default)]
pub(in super::super) struct Page {
    /// The jobs.
    pub(in super::super) jobs: Vec<Job>,
    /// There is another page.
    pub(in super::super) more: bool,
    /// How the run itself stands, where its jobs tell.
    pub(in super::super) stands: Option<Stands>,
}

impl Visit {
    /// Starts a pipeline on a branch or tag, once. `workflow`: its file at GitHub. `trigger`: a trigger token of
    /// GitLab.
    pub(in super::super) fn start(
        &mut self,
        workflow: &str,
        reference: &str,
        inputs: &Json,
        trigger: Option<&str>,
    ) -> Result<Started, Lost> {
        let started = match self.place.forge {
            Forge::Github => self.dispatch(workflow, reference, inputs),
            Forge::Gitlab => self.trigger(reference, inputs, trigger),
        };
        started.map_err(|lost| self.needing(lost)).map_err(|lost| match lost.kind {
            Kind::Refused(400 | 422) if NO_REF.iter().any(|said| lost.why.contains(said)) => {
                let name = visible(reference);
                let why = format!("{}: push {name} first: git push origin {name}", lost.why);
                Lost { why, ..lost }
            }
            _ => lost,
        })
    }

    fn dispatch(&mut self, workflow: &str, reference: &str, inputs: &Json) -> Result<Started, Lost> {
        // Whatever became of this question, nothing was started by it.
        self.require_active(workflow).map_err(|lost| match lost.kind {
            Kind::Unclear | Kind::Busy(_) | Kind::Odd => Lost { kind: Kind::Unsent, ..lost },
            _ => lost,
        })?;
        let address = format!("{}/dispatches", self.workflow(workflow));
        let mut sent = json!({ "ref": reference, "inputs": inputs, DETAILS: true });
        let answer = match self.client.tell(&Method::POST, &address, Some(&sent)) {
            Err(lost) if matches!(lost.kind, Kind::Refused(400 | 422)) && lost.why.contains(DETAILS) => {
                if let Some(fields) = sent.as_object_mut() {
                    fields.remove(DETAILS);
                }
                self.client.tell(&Method::POST, &address, Some(&sent))?
            }
            answer => answer?,
        };
        if answer.iter().all(u8::is_ascii_whitespace) {
            return Ok(Started::Somewhere);
        }
        // It was started; what it says of it may be no use.
        let Ok(started) = self.client.read::<github::Dispatched>(&answer) else {
            return Ok(Started::Somewhere);
        };
        let id = started.workflow_run_id.to_string();
        Ok(Started::As(Box::new(Seen {
            name: format!("{workflow} {id}"),
            id,
            url: started.html_url,
            attempt: 1,
            state: RemoteState::Queued,
            said: String::new(),
            commit: String::new(),
            created: None,
            began: None,
            workflow: workflow.to_owned(),
        })))
    }

    /// Makes sure that there is a workflow, and that it is not disabled.
    pub(super) fn require_active(&mut self, workflow: &str) -> Result<(), Lost> {
        let refused = |why: String, status| Lost { why, kind: Kind::Refused(status) };
        let found: github::Workflow = match self.client.get(&self.workflow(workflow)) {
            Err(Lost { kind: Kind::Refused(404), .. }) => {
                let (name, repository) = (visible(workflow), visible(&self.place.repository));
                let why = format!(
                    "{repository} has no workflow {name} on its default branch, or the token may not see it; look at \
                     `workflow` of the pipeline in flightdeck.toml"
                );
                return Err(refused(why, 404));
            }
            found => found?,
        };
        if found.state == "active" {
            return Ok(());
        }
        let state = found.state.replace('_', " ");
        let why = format!("the workflow {} is {}: enable it first", visible(workflow), visible(&state));
        Err(refused(why, 403))
    }

    fn trigger(&mut self, reference: &str, inputs: &Json, trigger: Option<&str>) -> Result<Started, Lost> {
        let address = self.place.address();
        let (address, sent) = if let Some(token) = trigger {
            (
                format!("{address}/trigger/pipeline"),
                json!({ "token": token, "ref": reference, "variables": inputs }),
            )
        } else {
            let variables: Vec<Json> = inputs
                .as_object()
                .into_iter()
                .flatten()
                .map(|(key, value)| json!({ "key": key, "value": value }))
                .collect();
            (format!("{address}/pipeline"), json!({ "ref": reference, "variables": variables }))
        };
        let answer = self.client.tell(&Method::POST, &address, Some(&sent))?;
        let started = self.client.read::<gitlab::Run>(&answer);
        Ok(started.map_or(Started::Somewhere, |run| Started::As(Box::new(run.into()))))
    }

    /// The runs of a commit that something started, newest first. An empty commit: of any.
    pub(in super::super) fn runs(
        &mut self,
        workflow: &str,
        commit: &str,
        event: &str,
        since: Timestamp,
    ) -> Result<Vec<Seen>, Lost> {
        let since = encoded(&since.strftime("%Y-%m-%dT%H:%M:%SZ").to_string());
        let mut query = vec!["per_page=30".to_owned()];
        match self.place.forge {
            Forge::Github => {
                query.push(format!("event={}&created=%3E%3D{since}", encoded(event)));
                if !commit.is_empty() {
                    query.push(format!("head_sha={commit}"));
                }
                let all = if workflow.is_empty() {
                    format!("{}/actions", self.place.address())
                } else {
                    self.workflow(workflow)
                };
                let runs: github::Runs = self.client.get(&format!("{all}/runs?{}", query.join("&")))?;
                Ok(runs.workflow_runs.into_iter().map(Seen::from).collect())
            }
            Forge::Gitlab => {
                query.push(format!("source={}&updated_after={since}", encoded(event)));
                if !commit.is_empty() {
                    query.push(format!("sha={commit}"));
                }
                let address = format!("{}/pipelines?{}", self.place.address(), query.join("&"));
                let runs: Vec<gitlab::Run> = self.client.get(&address)?;
                Ok(runs.into_iter().map(Seen::from).collect())
            }
        }
    }

    /// How a run stands.
    pub(in super::super) fn run(&mut self, id: &str) -> Result<Seen, Lost> {
        let address = self.run_address(id);
        match self.place.forge {
            Forge::Github => self.client.get::<github::Run>(&address).map(Seen::from),
            Forge::Gitlab => self.client.get::<gitlab::Run>(&address).map(Seen::from),
        }
    }

    /// How a run of GitLab stands, one job of which may have been run again.
    pub(in super::super) fn run_of_job(&mut self, id: &str, job: &str) -> Result<Seen, Lost> {
        let seen = self.run(id)?;
        Ok(gitlab::as_of_job(seen, &self.all_jobs(id)?, job))
    }

    /// All jobs of a pipeline of GitLab, with those that were run again.
    fn all_jobs(&mut self, id: &str) -> Result<Vec<gitlab::RunJob>, Lost> {
        let address = format!("{}/jobs?include_retried=true&per_page=100", self.run_address(id));
        let pages: Vec<Vec<gitlab::RunJob>> = self.client.get_all(&address)?;
        Ok(pages.into_iter().flatten().collect())
    }

    /// Runs the job of a pipeline of GitLab again that deployed.
    pub(in super::super) fn rerun_job(&mut self, id: &str, job: &str) -> Result<(), Lost> {
        let jobs = self.all_jobs(id)?;
        let last = gitlab::last_job(&jobs, job).ok_or_else(|| Lost {
            why: format!("the pipeline has no job {} any more", visible(job)),
            kind: Kind::Refused(404),
        })?;
        let address = format!("{}/jobs/{last}/retry", self.place.address());
        self.client.tell(&Method::POST, &address, None).map(drop).map_err(|lost| self.needing(lost))
    }

    /// The job of a pipeline of GitLab that deployed to an environment, where it can be run again; else why not.
    pub(in super::super) fn deploy_job(
        &mut self,
        id: &str,
        environment: &str,
        now: Timestamp,
    ) -> Result<Result<String, String>, Lost> {
        let (address, encoded_name) = (self.place.address(), encoded(environment));
        let name = visible(environment).into_owned();
        let query = format!("environment={encoded_name}&status=success&order_by=id&sort=desc&per_page=100");
        let all: Vec<gitlab::Deployment> = self.client.get(&format!("{address}/deployments?{query}"))?;
        let Some(job) = gitlab::deployed_by(&all, id) else {
            let why = format!(
                "GitLab lists no deployment of it to {name}: `deployments` of the pipeline names the environment there"
            );
            return Ok(Err(why));
        };
        if let Some(why) = gitlab::not_again(&self.all_jobs(id)?, &job, now) {
            return Ok(Err(why));
        }
        let project: gitlab::Project = self.client.get(&address)?;
        if !project.goes_back() {
            let why =
                "the project refuses it: \u{201c}Allow job retries for rollback deployments\u{201d} is off"
                    .to_owned();
            return Ok(Err(why));
        }
        let there: Vec<gitlab::Environment> =
            self.client.get(&format!("{address}/environments?name={encoded_name}"))?;
        Ok(match gitlab::Environment::named(&there, environment).map(|one| one.state.as_str()) {
            Some("stopped" | "stopping") => Err(format!("the environment {name} is stopped")),
            _ => Ok(job),
        })
    }

    /// A page of its jobs, counted from 1.
    pub(in super::super) fn jobs(&mut self, id: &str, page: u32) -> Result<Page, Lost> {
        let further = if page > 1 { format!("&page={page}") } else { String::new() };
        let address = format!("{}/jobs?per_page=100{further}", self.run_address(id));
        match self.place.forge {
            Forge::Github => {
                let (all, more): (github::Jobs, _) =
                    self.client.get_page(&format!("{address}&filter=latest"))?;
                let jobs = all.jobs.into_iter().map(Job::from).collect();
                Ok(Page { jobs, more, stands: None })
            }
            Forge::Gitlab => {
                let (all, more): (Vec<gitlab::RunJob>, _) = self.client.get_page(&address)?;
                let stands = all.first().and_then(gitlab::RunJob::stands);
                Ok(Page { jobs: all.into_iter().map(Job::from).collect(), more, stands })
            }
        }
    }

    /// What a deploy to an environment waits for there; `None`: there is no such environment, or nothing protects it.
    pub(in super::super) fn protection(&mut self, environment: &str) -> Result<Option<Protection>, Lost> {
        let (address, name) = (self.place.address(), encoded(environment));
        let is_missing = |lost: &Lost| matches!(lost.kind, Kind::Refused(404));
        match self.place.forge {
            Forge::Github => {
                let all = format!("{address}/environments");
                match self.client.get::<protect::Environment>(&format!("{all}/{name}")) {
                    // Not to be there, and not to be seen, are the same answer.
                    Err(lost) if is_missing(&lost) => {
                        self.client.get::<Json>(&format!("{all}?per_page=1")).map(|_| None)
                    }
                    found => found.map(|found| Some(found.into())),
                }
            }
            Forge::Gitlab => {
                match self
                    .client
                    .get::<protect::Protected>(&format!("{address}/protected_environments/{name}"))
                {
                    Err(lost) if is_missing(&lost) => {
                        self.client.get::<Json>(&format!("{address}/environments?name={name}")).map(|_| None)
                    }
                    found => found.map(|found| Some(found.into())),
                }
            }
        }
    }

    /// What a job printed: the end of it, where it is long.
    pub(in super::super) fn log(&mut self, job: &str) -> Result<Text, Lost> {
        let job = encoded(job);
        let address = match self.place.forge {
            Forge::Github => format!("{}/actions/jobs/{job}/logs", self.place.address()),
            Forge::Gitlab => format!("{}/jobs/{job}/trace", self.place.address()),
        };
        self.client.text(&address, LOG)
    }

    /// What was deployed to an environment and was there for users, oldest first, as lines of a history.
    pub(in super::super) fn deployments(&mut self, environment: &str) -> Result<Vec<String>, Lost> {
        let (address, environment) = (format!("{}/deployments", self.place.address()), encoded(environment));
        let mut lines = match self.place.forge {
            Forge::Github => {
                let all = format!("{address}?environment={environment}&per_page=30");
                let all: Vec<github::Deployment> = self.client.get(&all)?;
                let mut lines = Vec::new();
                // Newest first. How each ended is a question of its own.
                for deployment in all.iter().take(DEPLOYMENTS * 2) {
                    let statuses = format!("{address}/{}/statuses?per_page=30", deployment.id);
                    let statuses: Vec<github::DeploymentStatus> = self.client.get(&statuses)?;
                    if github::was_there(&statuses) {
                        lines.push(github::line(deployment));
                    }
                    if lines.len() == DEPLOYMENTS {
                        break;
                    }
                }
                lines
            }
            Forge::Gitlab => {
                let all = format!(
                    "{address}?environment={environment}&status=success&order_by=created_at&sort=desc&per_page=30"
                );
                let all: Vec<gitlab::Deployment> = self.client.get(&all)?;
                all.iter().take(DEPLOYMENTS).map(gitlab::line).collect()
            }
        };
        lines.reverse();
        Ok(lines)
    }

    /// Runs again a run that is over, or its failed jobs: GitLab knows only those. Tells how it stands then, where the
    /// answer says so.
    pub(in super::super) fn rerun(&mut self, id: &str, failed: bool) -> Result<Option<Seen>, Lost> {
        let run = self.run_address(id);
        let address = match (self.place.forge, failed) {
            (Forge::Github, true) => format!("{run}/rerun-failed-jobs"),
            (Forge::Github, false) => format!("{run}/rerun"),
            (Forge::Gitlab, _) => format!("{run}/retry"),
        };
        let answer = self.client.tell(&Method::POST, &address, None).map_err(|lost| self.needing(lost))?;
        Ok(match self.place.forge {
            Forge::Github => None,
            Forge::Gitlab => self.client.read::<gitlab::Run>(&answer).ok().map(Seen::from),
        })
    }

    /// Cancels a run; `force`: also what does not listen to that.
    pub(in super::super) fn cancel(&mut self, id: &str, force: bool) -> Result<(), Lost> {
        let run = self.run_address(id);
        let address = match (self.place.forge, force) {
            (Forge::Github, true) => format!("{run}/force-cancel"),
            _ => format!("{run}/cancel"),
        };
        match self.client.tell(&Method::POST, &address, None) {
            // It is over, or not far enough.
            Ok(_) | Err(Lost { kind: Kind::Refused(409), .. }) => {}
            Err(lost) => return Err(self.needing(lost)),
        }
        if force && self.place.forge == Forge::Gitlab { self.force_jobs(id) } else { Ok(()) }
    }

    /// Cancels the jobs of a pipeline of GitLab that go on though they were told to cancel: it has no force of its own.
    fn force_jobs(&mut self, id: &str) -> Result<(), Lost> {
        let listed = format!("{}/jobs?scope[]=canceling&scope[]=running&per_page=100", self.run_address(id));
        let (mut all, mut is_rest) = (Vec::new(), false);
        // All pages are read before the first is told: what has ended is on none of them.
        for page in 1..=FORCED_PAGES {
            let (jobs, more): (Vec<gitlab::RunJob>, _) =
                self.client.get_page(&format!("{listed}&page={page}"))?;
            all.extend(jobs.into_iter().map(Job::from));
            is_rest = more;
            if !more {
                break;
            }
        }
        let count = all.len();
        let (mut took, mut refused, mut unclear) = (0, None, None);
        for (told, job) in all.into_iter().enumerate() {
            if self.client.left().is_zero() {
                let why = format!("{told} of {count} jobs were told to");
                return Err(Lost { why, kind: Kind::Unsent });
            }
            let address = format!("{}/jobs/{}/cancel?force=true", self.place.address(), encoded(&job.id));
            match self.client.tell(&Method::POST, &address, None) {
                Ok(_) => took += 1,
                // It has ended meanwhile, or is not for whoever asks: that is no reason to let the others run.
                Err(lost) if matches!(lost.kind, Kind::Refused(400 | 403 | 404 | 422)) => {
                    refused = Some(lost);
                }
                Err(lost) if lost.kind == Kind::Unclear => unclear = Some(lost),
                Err(lost) => return Err(lost),
            }
        }
        if let Some(lost) = unclear.or(refused.filter(|_| took == 0)) {
            return Err(lost);
        }
        if is_rest {
            let why = format!("{count} jobs were told to, and more go on");
            return Err(Lost { why, kind: Kind::Unsent });
        }
        Ok(())
    }

    /// A refusal with what a token needs that is to change something here. Its host says so of 404, too.
    pub(super) fn needing(&self, lost: Lost) -> Lost {
        let is_refused = match self.place.forge {
            Forge::Github => lost.kind == Kind::Refused(403),
            Forge::Gitlab => matches!(lost.kind, Kind::Refused(403 | 404)),
        };
        // What its host says of a run that is too old is no matter of the token.
        if !is_refused || !lost.why.contains("token") {
            return lost;
        }
        let needs = match self.place.forge {
            Forge::Github => "Actions: read and write if fine-grained, repo if classic",
            Forge::Gitlab => "the scope api, and its owner the role Developer or a higher one",
        };
        Lost { why: format!("{}; the token needs {needs}", lost.why), ..lost }
    }

    fn workflow(&self, workflow: &str) -> String {
        format!("{}/actions/workflows/{}", self.place.address(), encoded_path(workflow).replace('/', "%2F"))
    }

    pub(super) fn run_address(&self, id: &str) -> String {
        match self.place.forge {
            Forge::Github => format!("{}/actions/runs/{}", self.place.address(), encoded(id)),
            Forge::Gitlab => format!("{}/pipelines/{}", self.place.address(), encoded(id)),
        }
    }
}
