//! A code host as its API shows it: it runs the workflow of the drill's repository, and waits for a reviewer before it
//! deploys to production. It answers as GitHub's REST API documents it, as far as a client needs that.

mod runs;
mod work;
mod workflow;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper::header::{AUTHORIZATION, ETAG, HOST, HeaderValue, IF_NONE_MATCH};
use hyper::{Method, Request, StatusCode};
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::sync::{Mutex, watch};

use self::runs::{Refused, Runs, inputs};
use self::workflow::{Workflow, is_plain};
use super::site::{Answer, json_answer, text_answer};
use crate::drill::git;
use crate::incident::Hash;
use crate::text::visible;

/// What it is called among the places of a drill.
pub(in crate::drill) const NAME: &str = "ci";
/// The repository that it keeps.
const REPOSITORY: &str = "shop/payments-api";
/// The file of its workflow.
const WORKFLOW: &str = ".github/workflows/deploy.yml";
const TOKEN: &str = "token";
/// Most bytes of a job's output that are sent.
const LOG: usize = 1 << 20;

/// Where runs are carried out.
struct Floor {
    root: PathBuf,
    /// The repository that people push to.
    origin: PathBuf,
    runs: Mutex<Runs>,
    /// Told whenever somebody said something to a run.
    moved: watch::Sender<u64>,
}

/// The host.
pub(super) struct Ci {
    floor: Arc<Floor>,
}

/// Makes the directory of the host: its token, and what the scripts of its jobs need to know of this machine.
pub(in crate::drill) fn make(root: &Path, token: &str, env: &str) -> std::io::Result<()> {
    std::fs::write(root.join(TOKEN), token)?;
    std::fs::write(root.join("env"), env)
}

impl Ci {
    pub(super) fn new(root: PathBuf) -> Self {
        // Beside the directory of all servers.
        let base = root.ancestors().nth(2).map(Path::to_owned).unwrap_or_default();
        let (moved, _) = watch::channel(0);
        let (origin, runs) = (base.join("origin.git"), Mutex::new(Runs::default()));
        Self { floor: Arc::new(Floor { root, origin, runs, moved }) }
    }

    /// Answers one request, and says no more than that nothing has changed to whoever has the answer.
    pub(super) async fn answer(&self, request: &Request<Bytes>) -> Answer {
        let answer = self.answered(request).await;
        if request.method() == Method::GET && answer.status() == StatusCode::OK {
            tagged(request, answer).await
        } else {
            answer
        }
    }

    async fn answered(&self, request: &Request<Bytes>) -> Answer {
        let path = request.uri().path();
        let host = request.headers().get(HOST).and_then(|host| host.to_str().ok()).unwrap_or("127.0.0.1");
        let base = format!("http://{host}");
        let page = path.strip_prefix(&format!("/{REPOSITORY}/actions/runs/")).and_then(|id| id.parse().ok());
        if let Some(id) = page
            && let Ok(run) = self.floor.runs.lock().await.of(id)
        {
            return text_answer(StatusCode::OK, run.page(&base, REPOSITORY));
        }
        if !self.is_let_in(request) {
            return refusal(StatusCode::UNAUTHORIZED, "Bad credentials");
        }
        let Some(rest) = path.strip_prefix(&format!("/api/v3/repos/{REPOSITORY}")) else {
            return refusal(StatusCode::NOT_FOUND, "Not Found");
        };
        if rest.is_empty() {
            return json_answer(StatusCode::OK, &repository());
        }
        let parts: Vec<&str> = rest.trim_start_matches("/actions/").split('/').collect();
        let sent: Value = serde_json::from_slice(request.body()).unwrap_or_default();
        match (request.method(), parts.as_slice()) {
            (&Method::GET, ["workflows", "deploy.yml"]) => json_answer(
                StatusCode::OK,
                &json!({ "id": 1, "name": "Deploy", "path": WORKFLOW, "state": "active" }),
            ),
            (&Method::POST, ["workflows", "deploy.yml", "dispatches"]) => self.dispatch(&sent, &base).await,
            (&Method::GET, ["workflows", "deploy.yml", "runs"]) => {
                self.list(request.uri().query().unwrap_or_default(), &base).await
            }
            (method, ["runs", id, rest @ ..]) => {
                let answer = self.run(method, id.parse().unwrap_or_default(), rest, &sent, &base).await;
                answer.unwrap_or_else(|refused| match refused {
                    Refused::NotFound => refusal(StatusCode::NOT_FOUND, "Not Found"),
                    Refused::Conflict(why) => refusal(StatusCode::CONFLICT, why),
                })
            }
            (&Method::GET, ["", "environments", name]) => match runs::environment(name) {
                Some(found) => json_answer(StatusCode::OK, &found),
                None => refusal(StatusCode::NOT_FOUND, "Not Found"),
            },
            (&Method::GET, ["", "environments"]) => json_answer(
                StatusCode::OK,
                &json!({ "total_count": 1, "environments": [runs::environment(runs::PROTECTED)] }),
            ),
            (&Method::GET, ["jobs", id, "logs"]) => self.log(id.parse().unwrap_or_default()).await,
            _ => refusal(StatusCode::NOT_FOUND, "Not Found"),
        }
    }

    fn is_let_in(&self, request: &Request<Bytes>) -> bool {
        let Ok(token) = std::fs::read_to_string(self.floor.root.join(TOKEN)) else { return false };
        let given = request.headers().get(AUTHORIZATION).map(HeaderValue::as_bytes);
        given.and_then(|given| given.strip_prefix(b"Bearer ")) == Some(token.trim().as_bytes())
    }

    /// Starts a run on a branch or tag.
    async fn dispatch(&self, sent: &Value, base: &str) -> Answer {
        let refuse = |why: &str| refusal(StatusCode::UNPROCESSABLE_ENTITY, why);
        let reference = sent["ref"].as_str().unwrap_or_default();
        let short = reference.trim_start_matches("refs/heads/").trim_start_matches("refs/tags/");
        let Some(sha) = self.commit(short) else {
            return refuse(&format!("No ref found for: {}", visible(reference)));
        };
        let doing = "reading the workflow";
        let file = format!("{sha}:{WORKFLOW}");
        let Ok(text) = git::run(&self.floor.origin, doing, &["show", &file], None) else {
            return refuse(
                "Workflow does not exist or does not have a workflow_dispatch trigger in this tag/branch",
            );
        };
        let workflow = Workflow::read(&text);
        let inputs = match inputs(&workflow, sent) {
            Ok(inputs) => inputs,
            Err(why) => return refuse(&why),
        };
        let workflow = workflow.filled(&inputs, short);
        let id = self.floor.runs.lock().await.start(&workflow, short, &sha, Timestamp::now());
        tokio::spawn(work::carry(self.floor.clone(), id));
        if sent["return_run_details"] != true {
            return text_answer(StatusCode::NO_CONTENT, String::new());
        }
        json_answer(
            StatusCode::OK,
            &json!({
                "workflow_run_id": id,
                "run_url": format!("{base}/api/v3/repos/{REPOSITORY}/actions/runs/{id}"),
                "html_url": format!("{base}/{REPOSITORY}/actions/runs/{id}"),
            }),
        )
    }

    /// The commit of a branch or tag that was pushed.
    fn commit(&self, short: &str) -> Option<String> {
        let found = |kind: &str| {
            let name = format!("refs/{kind}/{short}^{{commit}}");
            let arguments = ["rev-parse", "--verify", "--quiet", &name];
            git::run(&self.floor.origin, "looking for a branch", &arguments, None).ok()
        };
        is_plain(short).then(|| found("heads").or_else(|| found("tags"))).flatten()
    }

    async fn list(&self, query: &str, base: &str) -> Answer {
        let asked = |name: &str| {
            query.split('&').filter_map(|pair| pair.split_once('=')).find(|(key, _)| *key == name)
        };
        let runs = self.floor.runs.lock().await;
        let fits = |run: &&runs::Run| {
            asked("event").is_none_or(|(_, event)| event == "workflow_dispatch")
                && asked("head_sha").is_none_or(|(_, sha)| run.sha == sha)
        };
        let found: Vec<Value> = runs.newest().filter(fits).map(|run| run.json(base, REPOSITORY)).collect();
        json_answer(StatusCode::OK, &json!({ "total_count": found.len(), "workflow_runs": found }))
    }

    /// Answers what is asked of one run, or said to it.
    async fn run(
        &self,
        method: &Method,
        id: u64,
        rest: &[&str],
        sent: &Value,
        base: &str,
    ) -> Result<Answer, Refused> {
        let mut runs = self.floor.runs.lock().await;
        let run = runs.of_mut(id)?;
        let (status, body) = match (method, rest) {
            (&Method::GET, []) => (StatusCode::OK, run.json(base, REPOSITORY)),
            (&Method::GET, ["jobs"]) => (StatusCode::OK, run.jobs_json()),
            (&Method::GET, ["pending_deployments"]) => (StatusCode::OK, run.pending_json()),
            (&Method::POST, ["pending_deployments"]) => {
                let ids = sent["environment_ids"].as_array().into_iter().flatten();
                let ids: Vec<u64> = ids.filter_map(Value::as_u64).collect();
                let comment = sent["comment"].as_str().unwrap_or_default();
                run.reviewed(&ids, sent["state"] == "approved", comment)?;
                (StatusCode::OK, json!([]))
            }
            (&Method::POST, [how @ ("cancel" | "force-cancel")]) => {
                run.cancelled(*how == "force-cancel")?;
                (StatusCode::ACCEPTED, json!({}))
            }
            (&Method::POST, [how @ ("rerun" | "rerun-failed-jobs")]) => {
                runs.again(id, *how == "rerun", Timestamp::now())?;
                tokio::spawn(work::carry(self.floor.clone(), id));
                (StatusCode::CREATED, json!({}))
            }
            _ => return Err(Refused::NotFound),
        };
        drop(runs);
        if method == Method::POST {
            self.floor.moved.send_modify(|count| *count += 1);
        }
        Ok(json_answer(status, &body))
    }

    /// What a job printed, once it is over.
    async fn log(&self, job: u64) -> Answer {
        let over = self.floor.runs.lock().await.job_is_over(job);
        let text = tokio::fs::read(self.floor.log(job)).await;
        match (over, text) {
            (Some(true), Ok(mut text)) => {
                text.truncate(LOG);
                text_answer(StatusCode::OK, String::from_utf8_lossy(&text).into_owned())
            }
            _ => refusal(StatusCode::NOT_FOUND, "Not Found"),
        }
    }
}

async fn tagged(request: &Request<Bytes>, answer: Answer) -> Answer {
    let (mut parts, body) = answer.into_parts();
    let Ok(body) = body.collect().await;
    let mut body = body.to_bytes();
    if let Ok(tag) = HeaderValue::from_str(&format!("\"{}\"", Hash::of(&body))) {
        if request.headers().get(IF_NONE_MATCH) == Some(&tag) {
            parts.status = StatusCode::NOT_MODIFIED;
            body = Bytes::new();
        }
        parts.headers.insert(ETAG, tag);
    }
    Answer::from_parts(parts, Full::new(body))
}

fn repository() -> Value {
    json!({ "full_name": REPOSITORY, "permissions": { "pull": true, "push": true, "admin": false } })
}

fn refusal(status: StatusCode, message: &str) -> Answer {
    json_answer(status, &json!({ "message": message, "status": status.as_u16().to_string() }))
}
