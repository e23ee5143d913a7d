//! A place that keeps pull requests and answers in the shapes of the real ones: GitHub's API under
//! `/api/v3`, GitLab's under `/api/v4`.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard};

use serde_json::{Value, json};

use super::super::service::{Service, body, response};

pub(super) const TOKEN: &str = "ghp_0f3cTESTt0kenOfNobody77b0d13";

/// What is to happen to a call besides what should.
#[derive(Clone)]
pub(super) struct Trouble {
    /// Beginning of `METHOD /path` of the call that it happens to.
    pub(super) to: &'static str,
    /// Whether what is asked is done all the same.
    pub(super) does: bool,
    /// The answer: status line with header lines, and body.
    pub(super) answer: (&'static str, &'static str),
}

/// What the place knows.
pub(super) struct Kept {
    /// Where it is.
    url: String,
    /// The commit of the branch there, and its base.
    pub(super) head: String,
    pub(super) pulls: Vec<Value>,
    pub(super) reviews: Vec<Value>,
    pub(super) runs: Vec<Value>,
    pub(super) workflows: Vec<Value>,
    pub(super) statuses: Vec<Value>,
    pub(super) jobs: Vec<Value>,
    pub(super) pipelines: Vec<Value>,
    pub(super) approved_by: Vec<&'static str>,
    pub(super) troubles: VecDeque<Trouble>,
    /// How often something was opened and merged.
    pub(super) opened: usize,
    pub(super) merged: usize,
    /// How many times it does not say whether it would merge.
    pub(super) undecided: usize,
    /// Where the logs of jobs are.
    pub(super) logs: String,
    pub(super) labels: Vec<String>,
    pub(super) asked: Vec<String>,
}

/// The place, running.
pub(super) struct Hub {
    pub(super) service: Service,
    kept: Arc<Mutex<Kept>>,
}

impl Hub {
    pub(super) fn new() -> Self {
        let kept = Kept {
            url: String::new(),
            head: String::new(),
            pulls: Vec::new(),
            reviews: Vec::new(),
            runs: Vec::new(),
            workflows: Vec::new(),
            statuses: Vec::new(),
            jobs: Vec::new(),
            pipelines: Vec::new(),
            approved_by: Vec::new(),
            troubles: VecDeque::new(),
            opened: 0,
            merged: 0,
            undecided: 0,
            logs: String::new(),
            labels: Vec::new(),
            asked: Vec::new(),
        };
        let kept = Arc::new(Mutex::new(kept));
        let state = Arc::clone(&kept);
        let service = Service::start(move |request| answer(&mut state.lock().unwrap(), request));
        kept.lock().unwrap().url.clone_from(&service.url);
        Self { service, kept }
    }

    pub(super) fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap()
    }

    /// How often something was opened, and merged.
    pub(super) fn counts(&self) -> (usize, usize) {
        let kept = self.kept();
        (kept.opened, kept.merged)
    }

    /// How many labels and reviewers it was given.
    pub(super) fn dressed(&self) -> (usize, usize) {
        let kept = self.kept();
        (kept.labels.len(), kept.asked.len())
    }

    /// Everything that makes a pull request ready.
    pub(super) fn approve(&self) {
        let mut kept = self.kept();
        kept.reviews.push(review("li", "APPROVED", "2026-03-05T10:10:00Z"));
        kept.runs = vec![run(1, "build", "completed", "success")];
        kept.approved_by = vec!["li"];
    }

    /// Requests that were to change something, a line each.
    pub(super) fn changes(&self) -> Vec<String> {
        let line = |request: String| request.lines().next().unwrap_or_default().replace(" HTTP/1.1", "");
        let lines = self.service.requests().into_iter().map(line);
        lines.filter(|line| !line.starts_with("GET ")).collect()
    }
}

pub(super) fn review(login: &str, state: &str, at: &str) -> Value {
    json!({ "id": 80, "user": { "login": login, "id": 1, "type": "User" }, "body": "", "state": state,
        "html_url": "https://git.test/r", "submitted_at": at, "commit_id": "x", "author_association": "MEMBER" })
}

pub(super) fn run(id: u64, name: &str, status: &str, conclusion: &str) -> Value {
    let conclusion = if conclusion.is_empty() { Value::Null } else { conclusion.into() };
    json!({ "id": id, "head_sha": "x", "node_id": "n", "external_id": "", "status": status,
        "conclusion": conclusion, "started_at": format!("2026-03-05T10:0{id}:00Z"), "completed_at": null,
        "output": { "title": null, "summary": null, "text": null, "annotations_count": 0 }, "name": name,
        "check_suite": { "id": 5 }, "app": { "id": 15368, "slug": "github-actions", "name": "GitHub Actions" },
        "pull_requests": [] })
}

/// The same as a check of another check suite.
pub(super) fn in_suite(suite: u64, mut run: Value) -> Value {
    run["check_suite"]["id"] = suite.into();
    run
}

/// A run of a workflow.
pub(super) fn workflow(id: u64, suite: u64, name: &str) -> Value {
    json!({ "id": 100 + suite, "name": name, "path": ".github/workflows/ci.yml", "event": "push", "workflow_id": id,
        "check_suite_id": suite, "run_number": suite, "run_attempt": 1, "status": "completed" })
}

/// Nothing is an answer, too: whoever asked waits in vain.
fn answer(kept: &mut Kept, request: &str) -> Option<String> {
    let line = request.lines().next().unwrap_or_default().replace(" HTTP/1.1", "");
    let carried = request.lines().find_map(|line| {
        line.split_once(": ").filter(|(name, _)| name.eq_ignore_ascii_case("authorization"))
    });
    if carried.map(|(_, value)| value) != Some(format!("Bearer {TOKEN}").as_str()) {
        return Some(response(
            "401 Unauthorized",
            r#"{"message":"Bad credentials","documentation_url":"https://docs.test/rest","status":"401"}"#,
        ));
    }
    let trouble = kept.troubles.iter().position(|trouble| line.starts_with(trouble.to));
    let trouble = trouble.and_then(|at| kept.troubles.remove(at));
    let usual = if trouble.as_ref().is_none_or(|trouble| trouble.does) {
        if line.contains(" /api/v4/") {
            gitlab(kept, &line, body(request))
        } else {
            github(kept, &line, body(request))
        }
    } else {
        String::new()
    };
    match trouble {
        Some(Trouble { answer: ("", _), .. }) => None,
        Some(trouble) => Some(response(trouble.answer.0, trouble.answer.1)),
        None => Some(usual),
    }
}

fn ok(value: &Value) -> String {
    response("200 OK", &value.to_string())
}

fn not_found() -> String {
    response(
        "404 Not Found",
        r#"{"message":"Not Found","documentation_url":"https://docs.test/rest","status":"404"}"#,
    )
}

fn github(kept: &mut Kept, line: &str, sent: &str) -> String {
    let sent: Value = serde_json::from_str(sent).unwrap_or_default();
    let (method, path) = line.split_once(' ').unwrap_or_default();
    let Some(path) = path.strip_prefix("/api/v3/repos/shop/payments-api/") else { return not_found() };
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let parts: Vec<&str> = path.split('/').collect();
    match (method, parts.as_slice()) {
        ("GET", ["pulls"]) => {
            assert!(query.contains("head=shop%3Ahotfix%2Fpool") && query.contains("state=all"), "{query}");
            ok(&kept.pulls.clone().into())
        }
        ("POST", ["pulls"]) => {
            if kept.pulls.iter().any(|pull| pull["state"] == "open") {
                return response(
                    "422 Unprocessable Entity",
                    r#"{"message":"Validation Failed","errors":[{"resource":"PullRequest","code":"custom","message":"A pull request already exists for shop:hotfix/pool."}],"documentation_url":"https://docs.test/rest","status":"422"}"#,
                );
            }
            kept.opened += 1;
            let number = 11 + kept.pulls.len();
            let pull = json!({
                "id": 1, "number": number, "state": "open", "locked": false, "draft": false,
                "html_url": format!("https://git.test/shop/payments-api/pull/{number}"),
                "title": sent["title"], "body": sent["body"], "user": { "login": "maya", "id": 2 },
                "labels": [], "requested_reviewers": [], "requested_teams": [], "merged_at": null,
                "merge_commit_sha": null, "merged": false, "mergeable": null, "mergeable_state": "unknown",
                "head": { "label": "shop:hotfix/pool", "ref": sent["head"], "sha": kept.head },
                "base": { "label": "shop:main", "ref": sent["base"], "sha": "x" },
            });
            kept.pulls.insert(0, pull.clone());
            response("201 Created", &pull.to_string())
        }
        ("POST", ["issues", _, "labels"]) => {
            let labels = sent["labels"].as_array().cloned().unwrap_or_default();
            kept.labels.extend(labels.iter().map(|label| label.as_str().unwrap().to_owned()));
            let named: Vec<Value> =
                kept.labels.iter().map(|name| json!({ "id": 3, "name": name, "color": "f00" })).collect();
            if let Some(pull) = kept.pulls.first_mut() {
                pull["labels"] = named.clone().into();
            }
            ok(&named.into())
        }
        ("POST", ["pulls", _, "requested_reviewers"]) => {
            let users = sent["reviewers"].as_array().cloned().unwrap_or_default();
            kept.asked.extend(users.iter().map(|user| user.as_str().unwrap().to_owned()));
            let users: Vec<Value> =
                kept.asked.iter().map(|login| json!({ "login": login, "id": 4 })).collect();
            let Some(pull) = kept.pulls.first_mut() else { return not_found() };
            pull["requested_reviewers"] = users.into();
            response("201 Created", &pull.to_string())
        }
        ("GET", ["pulls", number]) => {
            let undecided = kept.undecided > 0;
            kept.undecided = kept.undecided.saturating_sub(1);
            let head = kept.head.clone();
            let number: Option<u64> = number.parse().ok();
            let Some(pull) = kept.pulls.iter_mut().find(|pull| pull["number"].as_u64() == number) else {
                return not_found();
            };
            if pull["state"] == "open" {
                pull["head"]["sha"] = head.into();
                if pull["mergeable_state"] == "unknown" && !undecided {
                    pull["mergeable"] = true.into();
                    pull["mergeable_state"] = "clean".into();
                }
            }
            ok(pull)
        }
        ("GET", ["pulls", _, "reviews"]) => {
            // Two pages: the second one counts, too.
            if query.contains("page=2") {
                return ok(&kept.reviews.iter().skip(1).cloned().collect::<Vec<_>>().into());
            }
            let first: Vec<Value> = kept.reviews.iter().take(1).cloned().collect();
            if kept.reviews.len() <= 1 {
                return ok(&first.into());
            }
            let next =
                format!("{}/api/v3/repos/shop/payments-api/pulls/11/reviews?per_page=100&page=2", kept.url);
            response(
                &format!("200 OK\r\nlink: <{next}>; rel=\"next\", <{next}>; rel=\"last\""),
                &Value::from(first).to_string(),
            )
        }
        ("GET", ["actions", "jobs", job, "logs"]) => {
            response(&format!("302 Found\r\nlocation: {}/{job}?sig=1", kept.logs), "")
        }
        ("GET", ["commits", _, "check-runs"]) => {
            ok(&json!({ "total_count": kept.runs.len(), "check_runs": kept.runs }))
        }
        ("GET", ["actions", "runs"]) => {
            assert!(query.contains(&format!("head_sha={}", kept.head)), "{query}");
            ok(&json!({ "total_count": kept.workflows.len(), "workflow_runs": kept.workflows }))
        }
        ("GET", ["commits", sha, "status"]) => ok(
            &json!({ "state": "pending", "sha": sha, "total_count": kept.statuses.len(), "statuses": kept.statuses }),
        ),
        ("PUT", ["pulls", _, "merge"]) => {
            let head = kept.head.clone();
            if sent["sha"] != head {
                return response(
                    "409 Conflict",
                    r#"{"message":"Head branch was modified. Review and try the merge again.","documentation_url":"https://docs.test/rest","status":"409"}"#,
                );
            }
            if sent["merge_method"] != "squash" {
                return response(
                    "405 Method Not Allowed",
                    r#"{"message":"Merge commits are not allowed on this repository."}"#,
                );
            }
            kept.merged += 1;
            let Some(pull) = kept.pulls.first_mut() else { return not_found() };
            pull["state"] = "closed".into();
            pull["merged"] = true.into();
            pull["merged_at"] = "2026-03-05T11:00:00Z".into();
            pull["merge_commit_sha"] = "77b0d13000000000000000000000000000000000".into();
            ok(
                &json!({ "sha": "77b0d13000000000000000000000000000000000", "merged": true, "message": "Pull Request successfully merged" }),
            )
        }
        _ => not_found(),
    }
}

fn gitlab(kept: &mut Kept, line: &str, sent: &str) -> String {
    let sent: Value = serde_json::from_str(sent).unwrap_or_default();
    let (method, path) = line.split_once(' ').unwrap_or_default();
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    if path == "/api/v4/users" {
        let name = query.trim_start_matches("username=");
        return ok(&json!([{ "id": 40 + name.len(), "username": name, "name": name, "state": "active" }]));
    }
    let Some(path) = path.strip_prefix("/api/v4/projects/shop%2Fpayments-api/") else {
        return response("404 Not Found", r#"{"message":"404 Project Not Found"}"#);
    };
    let parts: Vec<&str> = path.split('/').collect();
    match (method, parts.as_slice()) {
        ("GET", ["merge_requests"]) => {
            assert!(query.contains("source_branch=hotfix%2Fpool"), "{query}");
            ok(&kept.pulls.clone().into())
        }
        ("POST", ["merge_requests"]) => {
            kept.opened += 1;
            let request = json!({
                "id": 900, "iid": 7, "project_id": 3, "title": sent["title"], "description": sent["description"],
                "state": "opened", "web_url": "https://git.test/shop/payments-api/-/merge_requests/7",
                "source_branch": sent["source_branch"], "target_branch": sent["target_branch"], "sha": kept.head,
                "draft": false, "labels": [], "reviewers": [], "merge_commit_sha": null, "squash_commit_sha": null,
                "detailed_merge_status": "not_approved", "merge_status": "can_be_merged", "has_conflicts": false,
                "head_pipeline": null, "user_notes_count": 0,
            });
            kept.pulls.insert(0, request.clone());
            response("201 Created", &request.to_string())
        }
        ("PUT", ["merge_requests", _]) => {
            let Some(request) = kept.pulls.first_mut() else { return not_found() };
            if let Some(labels) = sent["add_labels"].as_str() {
                kept.labels = labels.split(',').map(str::to_owned).collect();
                request["labels"] = json!(kept.labels);
            }
            if let Some(ids) = sent["reviewer_ids"].as_array() {
                kept.asked = ids.iter().map(ToString::to_string).collect();
                request["reviewers"] = json!([{ "id": 42, "username": "li", "name": "Li" }]);
            }
            ok(request)
        }
        ("GET", ["merge_requests", _]) => {
            let (head, approved) = (kept.head.clone(), !kept.approved_by.is_empty());
            let failed = kept.jobs.iter().any(|job| job["status"] != "success");
            let Some(request) = kept.pulls.first_mut() else { return not_found() };
            if request["state"] == "opened" {
                request["sha"] = head.into();
                let status = if approved { "mergeable" } else { "not_approved" };
                request["detailed_merge_status"] = status.into();
                let status = if failed { "failed" } else { "success" };
                request["head_pipeline"] =
                    json!({ "id": 41, "iid": 2, "sha": "x", "status": status, "source": "push" });
            }
            ok(request)
        }
        ("GET", ["merge_requests", _, "approvals"]) => {
            let by: Vec<Value> = kept
                .approved_by
                .iter()
                .map(|name| json!({ "user": { "id": 42, "username": name } }))
                .collect();
            ok(
                &json!({ "approved": !by.is_empty(), "approvals_required": 1, "approvals_left": 1 - by.len().min(1), "approved_by": by }),
            )
        }
        ("GET", ["merge_requests", _, "reviewers"]) => ok(
            &json!([{ "user": { "id": 42, "username": "li" }, "state": "unreviewed", "created_at": "2026-03-05T10:00:00Z" }]),
        ),
        ("GET", ["merge_requests", _, "pipelines"] | ["pipelines"]) => ok(&kept.pipelines.clone().into()),
        ("GET", ["jobs", job, "trace"]) => response(
            "200 OK",
            &format!("\u{1b}[0Ksection_start:1:x\r\n{TOKEN}\nERROR: Job {job} failed: exit code 1\n"),
        ),
        ("GET", ["pipelines", "41", "jobs"]) => ok(&kept.jobs.clone().into()),
        ("PUT", ["merge_requests", _, "merge"]) => {
            if sent["sha"] != kept.head {
                return response(
                    "409 Conflict",
                    r#"{"message":"SHA does not match HEAD of source branch: x"}"#,
                );
            }
            assert_eq!(sent["squash"], true);
            kept.merged += 1;
            let Some(request) = kept.pulls.first_mut() else { return not_found() };
            request["state"] = "merged".into();
            request["squash_commit_sha"] = "88b0d13000000000000000000000000000000000".into();
            ok(request)
        }
        _ => not_found(),
    }
}
