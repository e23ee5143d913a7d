//! GitLab CI/CD.

use serde_json::{Value, json};

use super::super::super::service::response;
use super::{Kept, LOG, TOKEN, advance, again, find, ok, reported, run};

/// A page of at most a hundred jobs, with the address of the next.
fn page_of_jobs(kept: &Kept, path: &str, query: &str) -> String {
    let asked = |key: &str| query.split('&').find_map(|part| part.strip_prefix(key)?.parse().ok());
    let (page, size): (usize, usize) = (asked("page=").unwrap_or(1), asked("per_page=").unwrap_or(20));
    let wanted = |job: &&Value| {
        let status = job["status"].as_str().unwrap();
        !query.contains("scope[]=") || query.contains(&format!("scope[]={status}&"))
    };
    let all: Vec<Value> = kept.jobs.iter().filter(wanted).cloned().collect();
    let these: Vec<Value> = all.iter().skip((page - 1) * size).take(size).cloned().collect();
    let project = format!("{}/api/v4/projects/shop%2Fpayments-api", kept.url);
    let next = format!("{project}/{path}?per_page={size}&page={}", page + 1);
    let link = if all.len() > page * size {
        format!("200 OK\r\nlink: <{next}>; rel=\"next\"")
    } else {
        "200 OK".to_owned()
    };
    response(&link, &Value::from(these).to_string())
}

/// Whether a deployment is one of those that wait for approvals, or did.
fn is_blocked(kept: &Kept, id: &str) -> bool {
    id.parse().is_ok_and(|id| kept.blocked().contains(&id))
}

pub(super) fn answer(kept: &mut Kept, method: &str, path: &str, query: &str, sent: Value) -> Option<String> {
    let parts: Vec<&str> = path.split('/').collect();
    match (method, parts.as_slice()) {
        ("GET", ["pipelines"]) => {
            let wanted =
                |run: &&Value| query.contains(&format!("source={}", run["source"].as_str().unwrap()));
            let found: Vec<Value> = kept.runs.iter().rev().filter(wanted).cloned().collect();
            ok(&found.into())
        }
        ("GET", ["deployments"]) if query.contains("status=blocked") => {
            let one = |number: u64| {
                json!({ "id": number, "sha": kept.head, "ref": "main", "status": "blocked",
                    "environment": { "id": 9, "name": "staging" }, "created_at": "2026-11-30T09:00:00Z",
                    "deployable": { "id": number + 201, "name": "release" } })
            };
            let there = kept.blocked().rev().filter(|number| kept.lacks(*number) > 0).map(one);
            ok(&there.collect::<Vec<_>>().into())
        }
        ("GET", ["deployments", id]) if is_blocked(kept, id) => {
            let lacks = kept.lacks(id.parse().unwrap());
            let status = if lacks > 0 { "blocked" } else { "created" };
            let rule = json!({ "access_level_description": "Release managers", "required_approvals": lacks });
            ok(&json!({ "id": kept.blocked, "status": status, "environment": { "id": 9, "name": "staging" },
                "approval_summary": { "rules": [rule] } }))
        }
        ("POST", ["deployments", id, "approval"]) if is_blocked(kept, id) => {
            let number: u64 = id.parse().unwrap();
            if let Some((_, status)) = kept.no_approval.iter().find(|(of, _)| *of == number) {
                return Some(response(status, r#"{"message":"not yours to approve"}"#));
            }
            kept.approved.extend((sent["status"] == "approved").then_some(number));
            kept.reviewed = Some(sent);
            Some(response("201 Created", "{}"))
        }
        ("POST", ["jobs", job, how @ ("play" | "cancel")]) => {
            let force = if query == "force=true" { " with force" } else { "" };
            kept.rerun.push(format!("{how} {job}{force}"));
            let played =
                kept.jobs.iter_mut().find(|one| how == &"play" && one["id"].as_u64() == job.parse().ok());
            if let Some(played) = played {
                played["status"] = "running".into();
            }
            ok(&json!({}))
        }
        ("GET", ["deployments"]) if !query.contains("status=success") => ok(&kept.reported.clone().into()),
        ("GET", ["deployments"]) => {
            assert!(query.contains("status=success"), "{query}");
            let there = kept.deployments.iter().filter(|one| one["status"] == "success");
            ok(&there.cloned().collect::<Vec<_>>().into())
        }
        ("POST" | "PUT", ["deployments", ..]) | ("GET", ["deployments", _]) => {
            reported(kept, method, path, query, &sent)
        }
        ("POST", ["pipeline"] | ["trigger", "pipeline"]) => {
            kept.sent = sent;
            kept.started += 1;
            let event = if parts.len() > 1 { "trigger" } else { "api" };
            let mut run = run(kept, 9001 + kept.runs.len() as u64, event);
            run["status"] = "created".into();
            kept.runs.push(run.clone());
            Some(response("201 Created", &run.to_string()))
        }
        ("GET", ["protected_environments", "staging"]) if kept.protected => ok(&json!({ "name": "staging",
            "required_approval_count": 0, "approval_rules": [{ "id": 1, "access_level_description": "Maintainers",
            "required_approvals": 2 }] })),
        ("GET", ["protected_environments", _]) => {
            Some(response("404 Not Found", r#"{"message":"404 Not found"}"#))
        }
        ("GET", ["environments"]) => ok(&json!([{ "id": 9, "name": "staging", "state": "available" }])),
        ("POST", ["jobs", job, "retry"]) => {
            let old =
                kept.jobs.iter().find(|one| one["id"].as_u64() == job.parse().ok()).expect("no such job");
            let mut new = old.clone();
            new["id"] = (new["id"].as_u64().unwrap() + 100).into();
            new["status"] = "running".into();
            new["created_at"] = jiff::Timestamp::now().to_string().into();
            kept.jobs.push(new.clone());
            kept.rerun.push(format!("job {job}"));
            (!kept.hangs).then(|| response("201 Created", &new.to_string()))
        }
        ("GET", ["pipelines", id]) => {
            let seen = find(kept, id).clone();
            if kept.moves {
                advance(kept, id);
            }
            ok(&seen)
        }
        ("GET", ["pipelines", _, "jobs"]) if kept.hides_jobs => {
            Some(response("403 Forbidden", r#"{"message":"403 Forbidden"}"#))
        }
        ("GET", ["pipelines", _, "jobs"]) => Some(page_of_jobs(kept, path, query)),
        ("GET", ["jobs", job]) if kept.played => {
            ok(&json!({ "id": job.parse::<u64>().unwrap(), "name": "release", "status": "running" }))
        }
        ("GET", ["jobs", job]) => {
            let known = kept.jobs.iter().find(|one| one["id"].as_u64() == job.parse().ok());
            ok(known.unwrap_or(&json!({ "id": 0, "name": "gone", "status": "failed" })))
        }
        ("GET", ["jobs", _, "trace"]) => Some(response("200 OK", &format!("{LOG}\n{TOKEN}\n"))),
        ("POST", ["pipelines", id, "retry"]) => {
            again(kept, id, "retry");
            Some(response("201 Created", &find(kept, id).to_string()))
        }
        ("POST", ["pipelines", _, "cancel"]) if kept.busy > 0 => {
            kept.turned_away += 1;
            let limit = format!("429 Too Many Requests\r\nretry-after: {}", kept.busy);
            Some(response(&limit, r#"{"message":"429 Too Many Requests"}"#))
        }
        ("POST", ["pipelines", _, "cancel"]) => {
            kept.cancelled += 1;
            ok(&json!({}))
        }
        other => panic!("{other:?}"),
    }
}
