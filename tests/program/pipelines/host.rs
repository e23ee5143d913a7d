//! A code host that runs pipelines and answers in the shapes of the real ones: GitHub Actions under `/api/v3`, GitLab
//! CI/CD under `/api/v4`. What it answers to is what their REST documentation describes.

mod gitlab;

use std::sync::{Arc, Mutex, MutexGuard};

use serde_json::{Value, json};

use super::super::service::{Service, body, response};

pub(crate) const TOKEN: &str = "ghp_5e1dTESTt0kenOfNobody93ab";
/// What a job prints, beside the token.
pub(crate) const LOG: &str = "deployed to the cluster";
pub(crate) const SECRET: &str = TOKEN;

/// What the host knows.
pub(crate) struct Kept {
    url: String,
    logs: String,
    /// The commit that runs are made of.
    pub(crate) head: String,
    runs: Vec<Value>,
    jobs: Vec<Value>,
    deployments: Vec<Value>,
    /// Deployments that it was told of.
    pub(crate) reported: Vec<Value>,
    /// How they stand, in the order in which it was told.
    pub(crate) told: Vec<String>,
    sent: Value,
    started: usize,
    cancelled: usize,
    /// For so many seconds it wants to be left alone by whoever cancels; 0: it cancels.
    pub(crate) busy: u64,
    /// How often it said so.
    pub(crate) turned_away: usize,
    /// It runs nothing again.
    pub(crate) no_rerun: bool,
    /// What was asked to be run again, and how.
    pub(crate) rerun: Vec<String>,
    /// State of the workflow.
    pub(crate) workflow: &'static str,
    /// It does not know the field that asks for the run.
    pub(crate) older: bool,
    /// Each look at a run finds it a state further.
    pub(crate) moves: bool,
    /// What moves waits for somebody to approve it first.
    pub(crate) gated: bool,
    /// What moves runs on, unless it is cancelled.
    pub(crate) held: bool,
    /// Where it writes the commit that is live, once a run has succeeded.
    pub(crate) live: Option<std::path::PathBuf>,
    /// It starts a run, and says nothing.
    pub(crate) loses_answer: bool,
    /// Somebody else starts one at the same moment.
    pub(crate) twin: bool,
    /// The owner of the token may approve what waits.
    pub(crate) may_approve: bool,
    /// What was said to what waits.
    pub(crate) reviewed: Option<Value>,
    /// How often something was.
    pub(crate) reviews: usize,
    /// Its environment waits for reviewers.
    pub(crate) protected: bool,
    /// It answers nothing but 503.
    pub(crate) down: bool,
    /// The owner of the token may not write.
    pub(crate) reads_only: bool,
    /// How many approvals each deployment asks for.
    pub(crate) approvals: usize,
    /// The first deployment that asks for them; its job is 201 further.
    pub(crate) blocked: u64,
    /// How many deployments do.
    pub(crate) regions: u64,
    /// Deployments that got one.
    pub(crate) approved: Vec<u64>,
    /// Deployments that take none, and what is answered.
    pub(crate) no_approval: Vec<(u64, &'static str)>,
    /// Its logs are of 500 MiB; whether they can be asked for in parts.
    pub(crate) long: Option<bool>,
    /// Somebody plays a job at the very moment in which another does.
    pub(crate) played: bool,
    /// The token may not read jobs.
    pub(crate) hides_jobs: bool,
    /// Its logs are deleted.
    pub(crate) gone: bool,
    /// What the token may do, where it says that.
    pub(crate) scopes: Option<&'static str>,
    /// It does what it is asked to run again, and never answers.
    pub(crate) hangs: bool,
    /// It does not have the branch.
    pub(crate) no_ref: bool,
    /// It refuses the inputs.
    pub(crate) unexpected: bool,
    /// It answers everything with this.
    pub(crate) refuses: Option<(&'static str, &'static str)>,
}

impl Kept {
    /// Sets when a commit was deployed.
    pub(crate) fn deployed_at(&mut self, commit: &str, at: jiff::Timestamp) {
        let of = self.deployments.iter_mut().filter(|one| one["sha"] == commit);
        of.for_each(|one| one["created_at"] = at.to_string().into());
    }

    fn blocked(&self) -> std::ops::Range<u64> {
        self.blocked..self.blocked + self.regions
    }

    /// How many approvals a deployment lacks.
    pub(crate) fn lacks(&self, deployment: u64) -> usize {
        let given = self.approved.iter().filter(|one| **one == deployment).count();
        self.approvals.saturating_sub(given)
    }
}

/// The host, running; its job logs lie elsewhere.
pub(crate) struct Ci {
    pub(crate) service: Service,
    pub(crate) elsewhere: Service,
    kept: Arc<Mutex<Kept>>,
}

impl Ci {
    pub(crate) fn new() -> Self {
        let kept = Kept {
            url: String::new(),
            logs: String::new(),
            head: String::new(),
            runs: Vec::new(),
            jobs: Vec::new(),
            deployments: Vec::new(),
            reported: Vec::new(),
            told: Vec::new(),
            sent: Value::Null,
            started: 0,
            cancelled: 0,
            busy: 0,
            turned_away: 0,
            no_rerun: false,
            rerun: Vec::new(),
            workflow: "active",
            older: false,
            moves: false,
            gated: false,
            held: false,
            live: None,
            loses_answer: false,
            twin: false,
            may_approve: false,
            reviewed: None,
            reviews: 0,
            protected: false,
            down: false,
            reads_only: false,
            scopes: None,
            approvals: 0,
            blocked: 300,
            regions: 1,
            approved: Vec::new(),
            no_approval: Vec::new(),
            long: None,
            gone: false,
            hides_jobs: false,
            played: false,
            hangs: false,
            no_ref: false,
            unexpected: false,
            refuses: None,
        };
        let kept = Arc::new(Mutex::new(kept));
        let state = Arc::clone(&kept);
        let service = Service::start(move |request| {
            answer(&mut state.lock().unwrap(), request).map(|answer| tagged(request, answer))
        });
        let state = Arc::clone(&kept);
        let elsewhere = Service::start(move |request| {
            if let Some(ranges) = state.lock().unwrap().long {
                return Some(long(ranges, request));
            }
            let text =
                format!("\u{feff}2026-11-30T09:00:00.1234567Z {LOG}\n2026-11-30T09:00:01.0000000Z {TOKEN}\n");
            Some(response("200 OK", &text))
        });
        {
            let mut kept = kept.lock().unwrap();
            kept.url.clone_from(&service.url);
            kept.logs.clone_from(&elsewhere.url);
        }
        Self { service, elsewhere, kept }
    }

    pub(crate) fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap()
    }

    pub(crate) fn started(&self) -> usize {
        self.kept().started
    }

    pub(crate) fn cancelled(&self) -> usize {
        self.kept().cancelled
    }

    /// What was sent to start the last run.
    pub(crate) fn sent(&self) -> Value {
        self.kept().sent.clone()
    }

    /// Sets how the last run stands.
    pub(crate) fn set(&self, status: &str, conclusion: Option<&str>) {
        let mut kept = self.kept();
        let run = kept.runs.last_mut().expect("no run");
        run["status"] = status.into();
        run["conclusion"] = conclusion.map_or(Value::Null, Into::into);
    }

    /// Whether the last run stands so.
    pub(crate) fn is(&self, status: &str) -> bool {
        self.kept().runs.last().is_some_and(|run| run["status"] == status)
    }

    /// Sets when the runs were made.
    pub(crate) fn made_at(&self, at: &str) {
        self.kept().runs.iter_mut().for_each(|run| run["created_at"] = at.into());
    }

    /// Sets the jobs of the last run.
    pub(crate) fn jobs(&self, jobs: &[(&str, &str, Option<&str>)]) {
        let job = |(number, (name, status, conclusion)): (usize, &(&str, &str, Option<&str>))| {
            json!({ "id": 501 + number, "run_id": 9001, "run_attempt": 1, "name": name, "status": status,
                "conclusion": conclusion, "stage": "deploy", "allow_failure": false,
                "started_at": "2026-11-30T09:00:00Z", "completed_at": null,
                "steps": [{ "name": "Run ./deploy.sh", "number": 1, "status": status, "conclusion": conclusion }] })
        };
        self.kept().jobs = jobs.iter().enumerate().map(job).collect();
    }

    /// What was deployed, oldest first, and what became of it.
    pub(crate) fn deployed(&self, all: &[(&str, &str)]) {
        let deployment = |(number, (commit, state)): (usize, &(&str, &str))| {
            json!({ "id": 301 + number, "sha": commit, "ref": "main", "environment": "staging", "status": state,
                "created_at": format!("2026-11-2{number}T09:00:00Z"), "creator": { "login": "li" },
                "user": { "username": "li" } })
        };
        self.kept().deployments =
            all.iter().enumerate().rev().map(|(at, one)| deployment((at, one))).collect();
    }

    /// The last run deployed to staging by its job `release`, which can be run again.
    pub(crate) fn released(&self) {
        let mut kept = self.kept();
        let (id, head) = (kept.runs.last().expect("no run")["id"].clone(), kept.head.clone());
        let deployment = json!({ "id": 300 + kept.deployments.len(), "sha": head, "ref": "main", "status": "success",
            "created_at": jiff::Timestamp::now().to_string(), "user": { "username": "li" },
            "deployable": { "id": 501, "name": "release", "status": "success", "pipeline": { "id": id } } });
        kept.deployments.insert(0, deployment);
    }

    /// Changes every job of the last run.
    pub(crate) fn change_jobs(&self, key: &str, value: &Value) {
        self.kept().jobs.iter_mut().for_each(|job| job[key] = value.clone());
    }

    /// A push started a run.
    pub(crate) fn pushed(&self) {
        let mut kept = self.kept();
        let run = run(&kept, 9001 + kept.runs.len() as u64, "push");
        kept.runs.push(run);
    }
}

/// A log of 500 MiB, at a server that knows ranges or does not.
fn long(ranges: bool, request: &str) -> String {
    const WHOLE: usize = 500 << 20;
    let line = "pulling layers, as ever\n";
    let from = WHOLE - (1 << 20);
    if ranges && request.to_ascii_lowercase().contains(&format!("range: bytes={from}-")) {
        let end = format!("{LOG}\n{TOKEN}\n");
        let text = line.repeat((1 << 20) / line.len());
        let text = format!("{}{end}", text.get(..text.len().min((1 << 20) - end.len())).unwrap());
        return response(
            &format!("206 Partial Content\r\ncontent-range: bytes {from}-{}/{WHOLE}", WHOLE - 1),
            &text,
        );
    }
    let (knows, text) = if ranges {
        ("accept-ranges: bytes\r\n", String::new())
    } else {
        ("", line.repeat((66 << 20) / line.len()))
    };
    format!("HTTP/1.1 200 OK\r\n{knows}content-length: {WHOLE}\r\nconnection: close\r\n\r\n{text}")
}

fn run(kept: &Kept, id: u64, event: &str) -> Value {
    json!({ "id": id, "iid": 42, "name": "Deploy", "path": ".github/workflows/deploy.yml", "run_number": 42,
        "run_attempt": 1, "event": event, "source": event, "head_branch": "main", "head_sha": kept.head,
        "sha": kept.head, "status": "queued", "conclusion": null,
        "html_url": format!("https://git.test/shop/payments-api/actions/runs/{id}"),
        "web_url": format!("https://git.test/shop/payments-api/-/pipelines/{id}"),
        "created_at": jiff::Timestamp::now().to_string(),
        "run_started_at": jiff::Timestamp::now().to_string() })
}

#[expect(clippy::unnecessary_wraps, reason = "an answer may be none")]
fn ok(value: &Value) -> Option<String> {
    Some(response("200 OK", &value.to_string()))
}

/// An answer with a tag, as hosts give it, and nothing but that where the asker has it already.
fn tagged(request: &str, answer: String) -> String {
    let Some((head, body)) = answer.split_once("\r\n\r\n").filter(|_| request.starts_with("GET ")) else {
        return answer;
    };
    let Some(rest) = head.strip_prefix("HTTP/1.1 200 OK") else { return answer };
    let mut hasher = std::hash::DefaultHasher::new();
    std::hash::Hash::hash(body, &mut hasher);
    let tag = format!("\"{:x}\"", std::hash::Hasher::finish(&hasher));
    if request.to_ascii_lowercase().contains(&format!("if-none-match: {tag}")) {
        return response("304 Not Modified", "");
    }
    format!("HTTP/1.1 200 OK\r\netag: {tag}{rest}\r\n\r\n{body}")
}

fn answer(kept: &mut Kept, request: &str) -> Option<String> {
    let line = request.lines().next().unwrap_or_default().replace(" HTTP/1.1", "");
    if kept.down {
        return Some(response("503 Service Unavailable", "<html>"));
    }
    if let Some((status, body)) = kept.refuses {
        return Some(response(status, body));
    }
    assert!(request.contains(&format!("Bearer {TOKEN}")), "{request}");
    let sent: Value = serde_json::from_str(body(request)).unwrap_or_default();
    let (method, path) = line.split_once(' ').unwrap();
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    if path == "/api/v4/projects/shop%2Fpayments-api" {
        return ok(
            &json!({ "permissions": { "project_access": { "access_level": if kept.reads_only { 20 } else { 40 } } },
            "ci_forward_deployment_enabled": true, "ci_forward_deployment_rollback_allowed": !kept.no_rerun }),
        );
    }
    if let Some(path) = path.strip_prefix("/api/v4/projects/shop%2Fpayments-api/") {
        return gitlab::answer(kept, method, path, query, sent);
    }
    if path == "/api/v4/personal_access_tokens/self" {
        let Some(scopes) = kept.scopes else {
            return Some(response("404 Not Found", r#"{"message":"404 Not Found"}"#));
        };
        return ok(&json!({ "id": 1, "active": true, "scopes": scopes.split(", ").collect::<Vec<_>>() }));
    }
    if path == "/api/v3/repos/shop/payments-api" {
        let found = json!({ "full_name": "shop/payments-api", "permissions": { "pull": true, "push": !kept.reads_only } });
        let status = match kept.scopes {
            Some(scopes) => format!("200 OK\r\nx-oauth-scopes: {scopes}"),
            None => "200 OK".to_owned(),
        };
        return Some(response(&status, &found.to_string()));
    }
    if let Some(path) = path.strip_prefix("/api/v3/repos/shop/payments-api/deployments") {
        if method == "POST" || query.contains("sha=") {
            return reported(kept, method, path, query, &sent);
        }
        assert!(!path.is_empty() || query.contains("environment=staging"), "{query}");
        let number = path.trim_start_matches('/').trim_end_matches("/statuses");
        let of = |one: &&Value| one["id"].as_u64() == number.parse().ok();
        return match kept.deployments.iter().find(of) {
            Some(one) => ok(&json!([{ "state": "inactive" }, { "state": one["status"] }])),
            None => ok(&kept.deployments.clone().into()),
        };
    }
    if let Some(path) = path.strip_prefix("/api/v3/repos/shop/payments-api/environments") {
        return match (kept.protected, path) {
            (_, "") => ok(&json!({ "total_count": 1 })),
            (true, "/staging") => ok(&json!({ "id": 31, "name": "staging", "protection_rules": [
                { "id": 1, "type": "wait_timer", "wait_timer": 30 },
                { "id": 2, "type": "required_reviewers", "reviewers": [
                    { "type": "User", "reviewer": { "login": "omar" } },
                    { "type": "Team", "reviewer": { "name": "SRE", "slug": "sre" } }] }] })),
            _ => Some(response("404 Not Found", r#"{"message":"Not Found"}"#)),
        };
    }
    let path = path.strip_prefix("/api/v3/repos/shop/payments-api/actions/").expect(path);
    let parts: Vec<&str> = path.split('/').collect();
    match (method, parts.as_slice()) {
        ("GET", ["workflows", "deploy.yml"]) if kept.workflow.is_empty() => {
            Some(response("404 Not Found", r#"{"message":"Not Found"}"#))
        }
        ("GET", ["workflows", "deploy.yml"]) => ok(&json!({ "id": 7, "state": kept.workflow })),
        ("POST", ["workflows", "deploy.yml", "dispatches"]) => dispatch(kept, sent),
        ("GET", ["workflows", "deploy.yml", "runs"]) => {
            let wanted = |run: &&Value| {
                let event = format!("event={}", run["event"].as_str().unwrap());
                let head = format!("head_sha={}", run["head_sha"].as_str().unwrap());
                query.contains(&event) && (query.contains(&head) || !query.contains("head_sha="))
            };
            let found: Vec<Value> = kept.runs.iter().rev().filter(wanted).cloned().collect();
            ok(&json!({ "total_count": found.len(), "workflow_runs": found }))
        }
        ("GET", ["runs", id]) => {
            let seen = find(kept, id).clone();
            if kept.moves {
                advance(kept, id);
            }
            ok(&seen)
        }
        ("GET", ["runs", _, "jobs"]) if kept.hides_jobs => {
            Some(response("403 Forbidden", r#"{"message":"Resource not accessible"}"#))
        }
        ("GET", ["runs", _, "jobs"]) => ok(&json!({ "total_count": kept.jobs.len(), "jobs": kept.jobs })),
        ("GET", ["runs", _, "pending_deployments"]) if kept.gated && kept.reviewed.is_some() => {
            ok(&json!([]))
        }
        ("GET", ["runs", _, "pending_deployments"]) => {
            ok(&json!([{ "environment": { "id": 31, "name": "staging" },
            "wait_timer": 30, "wait_timer_started_at": an_hour_ago().to_string(), "current_user_can_approve": kept.may_approve,
            "reviewers": [{ "type": "Team", "reviewer": { "id": 5, "name": "SRE", "slug": "sre" } }] }]))
        }
        ("POST", ["runs", _, "pending_deployments"]) => {
            kept.reviews += 1;
            kept.reviewed = Some(sent);
            ok(&json!([]))
        }
        ("POST", ["runs", id, how @ ("rerun" | "rerun-failed-jobs")]) => {
            if kept.no_rerun {
                let why = "Unable to retry this workflow run because it was created over a month ago";
                return Some(response("403 Forbidden", &json!({ "message": why }).to_string()));
            }
            again(kept, id, how);
            (!kept.hangs).then(|| response("201 Created", "{}"))
        }
        ("POST", ["runs", _, "cancel"]) => {
            kept.cancelled += 1;
            Some(response("202 Accepted", "{}"))
        }
        ("POST", ["runs", id, "force-cancel"]) => {
            kept.rerun.push(format!("{id} force-cancel"));
            Some(response("202 Accepted", "{}"))
        }
        ("GET", ["jobs", _, "logs"]) if kept.gone => Some(response("410 Gone", r#"{"message":"Gone"}"#)),
        ("GET", ["jobs", job, "logs"]) => {
            let place = format!("302 Found\r\nlocation: {}/logs/{job}?sig=1", kept.logs);
            Some(response(&place, ""))
        }
        other => panic!("{other:?}"),
    }
}

/// When the wait timer began: it ran out, and is told of still.
fn an_hour_ago() -> jiff::Timestamp {
    jiff::Timestamp::now() - jiff::SignedDuration::from_hours(1)
}

fn advance(kept: &mut Kept, id: &str) {
    let run = kept.runs.iter_mut().find(|run| run["id"].as_u64() == id.parse().ok()).expect("no such run");
    let (status, conclusion) = match run["status"].as_str() {
        Some("queued" | "waiting") if kept.gated && kept.reviewed.is_none() => ("waiting", Value::Null),
        Some("queued" | "waiting") => ("in_progress", Value::Null),
        Some("created") => ("running", Value::Null),
        Some("running") => ("success", Value::Null),
        Some("in_progress") if kept.cancelled > 0 => ("completed", "cancelled".into()),
        Some("in_progress") if kept.held => ("in_progress", Value::Null),
        Some("success" | "completed") => return,
        _ => ("completed", "success".into()),
    };
    run["status"] = status.into();
    run["conclusion"] = conclusion;
    if status == "completed"
        && let Some(live) = &kept.live
    {
        std::fs::write(live, &kept.head).unwrap();
    }
}

fn find<'a>(kept: &'a Kept, id: &str) -> &'a Value {
    kept.runs.iter().find(|run| run["id"].as_u64() == id.parse().ok()).expect("no such run")
}

/// Runs it again, as its next attempt. It is the last one from then on.
fn again(kept: &mut Kept, id: &str, how: &str) {
    let at = kept.runs.iter().position(|run| run["id"].as_u64() == id.parse().ok()).expect("no such run");
    let mut run = kept.runs.remove(at);
    run["run_attempt"] = (run["run_attempt"].as_u64().unwrap() + 1).into();
    run["status"] = if how == "retry" { "running" } else { "queued" }.into();
    run["conclusion"] = Value::Null;
    run["run_started_at"] = jiff::Timestamp::now().to_string().into();
    kept.runs.push(run);
    kept.jobs.clear();
    kept.rerun.push(format!("{id} {how}"));
}

fn dispatch(kept: &mut Kept, sent: Value) -> Option<String> {
    let details = sent.get("return_run_details").is_some();
    if kept.older && details {
        return Some(response(
            "422 Unprocessable Entity",
            r#"{"message":"Invalid request.\n\n\"return_run_details\" is not a permitted key."}"#,
        ));
    }
    if kept.no_ref {
        let body = r#"{"message":"No ref found for: main","status":"422"}"#;
        return Some(response("422 Unprocessable Entity", body));
    }
    if kept.unexpected {
        return Some(response(
            "422 Unprocessable Entity",
            r#"{"message":"Unexpected inputs provided: [\"sha\"]"}"#,
        ));
    }
    kept.sent = sent;
    kept.started += 1;
    let first = 9001 + kept.runs.len() as u64;
    for id in first..=first + u64::from(kept.twin) {
        let run = run(kept, id, "workflow_dispatch");
        kept.runs.push(run);
    }
    if kept.loses_answer {
        return Some(String::new());
    }
    if !details {
        return Some(response("204 No Content", ""));
    }
    let url = format!("{}/api/v3/repos/shop/payments-api/actions/runs/{first}", kept.url);
    ok(&json!({ "workflow_run_id": first, "run_url": url,
        "html_url": format!("https://git.test/shop/payments-api/actions/runs/{first}") }))
}

/// Deployments that are made elsewhere, and told here.
fn reported(kept: &mut Kept, method: &str, path: &str, query: &str, sent: &Value) -> Option<String> {
    let number = path.trim_start_matches("deployments").trim_matches('/').trim_end_matches("/statuses");
    let of = |one: &&mut Value| one["id"].as_u64() == number.parse().ok();
    match (method, kept.reported.iter_mut().find(of)) {
        ("GET", Some(one)) => ok(one),
        ("GET", None) => {
            let wanted = |one: &&Value| query.contains(one["sha"].as_str().unwrap());
            ok(&kept.reported.iter().filter(wanted).cloned().collect::<Vec<_>>().into())
        }
        (_, Some(one)) => {
            let state = sent["state"].as_str().or(sent["status"].as_str()).unwrap().to_owned();
            one["status"] = state.as_str().into();
            kept.told.push(format!("{number} {state}"));
            kept.sent = sent.clone();
            Some(response("201 Created", "{}"))
        }
        (_, None) => {
            let commit = sent["sha"].as_str().or(sent["ref"].as_str()).unwrap();
            let mut made = json!({ "id": 42 + kept.reported.len(), "sha": commit, "ref": sent["ref"],
                "environment": sent["environment"], "payload": sent["payload"], "status": sent["status"],
                "created_at": jiff::Timestamp::now().to_string(), "deployable": null });
            if let Some(status) = sent["status"].as_str() {
                kept.told.push(format!("{} {status}", made["id"]));
            }
            made["made_of"] = sent.clone();
            kept.reported.push(made.clone());
            if kept.loses_answer {
                return Some(String::new());
            }
            Some(response("201 Created", &made.to_string()))
        }
    }
}
