//! What GitLab answers, and what it means.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{Found, address};
use crate::hotfix::pull::{Check, CheckState, Printed, Pull, PullState};
use crate::text::{short_name, visible};

/// A merge request, as in a list or on its own. On its own it names its pipeline.
#[derive(Debug, Clone, Deserialize)]
pub struct Item {
    /// Its number in the project.
    pub iid: u64,
    web_url: String,
    title: String,
    state: String,
    #[serde(default)]
    draft: bool,
    source_branch: String,
    target_branch: String,
    /// The commit it offers.
    #[serde(default)]
    sha: Option<String>,
    #[serde(default)]
    merge_commit_sha: Option<String>,
    #[serde(default)]
    squash_commit_sha: Option<String>,
    #[serde(default)]
    detailed_merge_status: Option<String>,
    #[serde(default)]
    merge_status: Option<String>,
    #[serde(default)]
    has_conflicts: bool,
    #[serde(default)]
    reviewers: Vec<User>,
    #[serde(default)]
    labels: Vec<String>,
    /// The newest pipeline of what it offers.
    #[serde(default)]
    pub head_pipeline: Option<Pipeline>,
}

/// Somebody.
#[derive(Debug, Clone, Deserialize)]
pub struct User {
    /// Number of the account.
    pub id: u64,
    /// Name of the account.
    pub username: String,
}

/// A pipeline.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Pipeline {
    /// Its number.
    pub id: u64,
    status: String,
    /// The commit it ran on.
    #[serde(default)]
    sha: String,
    /// What it was started by: `push`, `merge_request_event`.
    #[serde(default)]
    source: String,
    #[serde(default)]
    web_url: Option<String>,
}

/// Who has approved.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Approvals {
    #[serde(default)]
    approved_by: Vec<Approval>,
    #[serde(default)]
    approvals_left: Option<u64>,
}

#[derive(Debug, Clone, Deserialize)]
struct Approval {
    user: User,
}

/// Somebody who was asked to review it, and what they said.
#[derive(Debug, Clone, Deserialize)]
pub struct Reviewer {
    user: User,
    #[serde(default)]
    state: String,
}

/// A job of a pipeline.
#[derive(Debug, Clone, Deserialize)]
pub struct Job {
    id: u64,
    name: String,
    status: String,
    #[serde(default)]
    allow_failure: bool,
    #[serde(default)]
    web_url: Option<String>,
}

/// The job of a pipeline that tells why it failed: the newest that did.
pub fn failed_job(jobs: &[Job]) -> Option<u64> {
    let failed = jobs.iter().filter(|job| job.status == "failed" && !job.allow_failure);
    failed.map(|job| job.id).max()
}

/// The one that counts among the merge requests of a branch into a base: the newest that is open,
/// else the newest.
pub fn choose<'a>(list: &'a [Item], head: &str, base: &str) -> Option<&'a Item> {
    let ours = |item: &&Item| item.source_branch == head && item.target_branch == base;
    let newest = |item: &&Item| (item.state == "opened" || item.state == "locked", item.iid);
    list.iter().filter(ours).max_by_key(newest)
}

/// A merge request made of what was read of it. `jobs` are those of its newest pipeline,
/// `pipelines` all that it ever had.
pub fn found(
    item: &Item,
    approvals: &Approvals,
    reviewers: &[Reviewer],
    jobs: &[Job],
    pipelines: &[Pipeline],
) -> Found {
    let landed = || item.merge_commit_sha.clone().or_else(|| item.squash_commit_sha.clone());
    let state = match item.state.as_str() {
        // Fast-forwarded without a squash it is there as itself.
        "merged" => PullState::Merged(landed().or_else(|| item.sha.clone())),
        "closed" => PullState::Closed,
        _ if item.draft => PullState::Draft,
        _ => PullState::Open,
    };
    let approved_by: Vec<String> =
        approvals.approved_by.iter().map(|approval| shown(&approval.user.username)).collect();
    let changes_wanted_by: Vec<String> = reviewers
        .iter()
        .filter(|reviewer| reviewer.state == "requested_changes")
        .map(|reviewer| shown(&reviewer.user.username))
        .collect();
    let asked: Vec<String> = item.reviewers.iter().map(|user| user.username.clone()).collect();
    let answered = |name: &&String| approved_by.contains(name) || changes_wanted_by.contains(name);
    let waits_for = asked.iter().filter(|name| !answered(name)).map(|name| shown(name)).collect();
    let status = item.detailed_merge_status.as_deref().or(item.merge_status.as_deref());
    let (mergeable, held_by) = mergeable(status, approvals.approvals_left);
    let conflicts = item.has_conflicts || matches!(status, Some("conflict"));
    let pull = Pull {
        number: item.iid,
        url: shown(&item.web_url),
        title: shown(&item.title),
        state,
        head: shown(item.sha.as_deref().unwrap_or_default()),
        approved_by,
        changes_wanted_by,
        waits_for,
        checks: checks(item, jobs, pipelines),
        mergeable,
        held_by,
    };
    Found {
        pull,
        head: item.source_branch.clone(),
        base: shown(&item.target_branch),
        labels: item.labels.clone(),
        asked,
        conflicts,
    }
}

fn shown(text: &str) -> String {
    visible(text).into_owned()
}

/// Whether GitLab would merge it, and why not in its own word.
fn mergeable(status: Option<&str>, left: Option<u64>) -> (Option<bool>, String) {
    match status {
        Some("mergeable" | "can_be_merged") => (Some(true), String::new()),
        None
        | Some("unchecked" | "checking" | "preparing" | "approvals_syncing" | "cannot_be_merged_recheck") => {
            (None, String::new())
        }
        Some("not_approved") => {
            let left = left.filter(|left| *left > 0).map(|left| format!(": {left} more needed"));
            (Some(false), format!("not approved{}", left.unwrap_or_default()))
        }
        Some(why) => (Some(false), shown(&why.replace('_', " "))),
    }
}

/// The checks of what a merge request offers: of each job of its newest pipeline the newest run, and
/// that pipeline itself where no job of it tells why it has not passed. A commit that was pushed
/// before it was offered has a pipeline of each: of every other source the newest counts, too.
fn checks(item: &Item, jobs: &[Job], pipelines: &[Pipeline]) -> Vec<Check> {
    let mut newest: BTreeMap<&str, &Job> = BTreeMap::new();
    for job in jobs {
        let known = newest.entry(job.name.as_str()).or_insert(job);
        if job.id > known.id {
            *known = job;
        }
    }
    let mut all: Vec<Check> = newest
        .values()
        .map(|job| Check {
            printed: Printed::Job(job.id),
            url: address(&[job.web_url.as_deref()]),
            ..Check::new(shown(&short_name(&job.name)), of_job(job))
        })
        .collect();
    let head = item.head_pipeline.as_ref();
    if let Some((pipeline, state)) = head.map(|pipeline| (pipeline, of_status(&pipeline.status))) {
        let fine = |state: CheckState| matches!(state, CheckState::Passed | CheckState::Skipped);
        if all.is_empty() || (!fine(state) && all.iter().all(|check| fine(check.state))) {
            all.push(of_pipeline("pipeline".to_owned(), pipeline));
        }
    }
    let same_commit = |pipeline: &&Pipeline| Some(&pipeline.sha) == item.sha.as_ref();
    let of_head = |pipeline: &Pipeline| {
        head.is_some_and(|head| head.id == pipeline.id || head.source == pipeline.source)
    };
    all.extend(newest_of(pipelines.iter().filter(same_commit).filter(|pipeline| !of_head(pipeline))));
    all.sort_by(|a, b| a.name.cmp(&b.name));
    all
}

/// The pipelines of a commit as checks: of each source the newest.
pub fn of_pipelines(pipelines: &[Pipeline]) -> Vec<Check> {
    newest_of(pipelines.iter())
}

fn newest_of<'a>(pipelines: impl Iterator<Item = &'a Pipeline>) -> Vec<Check> {
    let mut newest: BTreeMap<&str, &Pipeline> = BTreeMap::new();
    for pipeline in pipelines {
        let known = newest.entry(pipeline.source.as_str()).or_insert(pipeline);
        if pipeline.id > known.id {
            *known = pipeline;
        }
    }
    let name = |pipeline: &Pipeline| format!("pipeline ({})", short_name(&pipeline.source).replace('_', " "));
    newest.values().map(|pipeline| of_pipeline(shown(&name(pipeline)), pipeline)).collect()
}

fn of_pipeline(name: String, pipeline: &Pipeline) -> Check {
    Check {
        printed: Printed::Pipeline(pipeline.id),
        url: address(&[pipeline.web_url.as_deref()]),
        ..Check::new(name, of_status(&pipeline.status))
    }
}

fn of_job(job: &Job) -> CheckState {
    match of_status(&job.status) {
        // It may fail, and may be left alone: it has no say.
        CheckState::Failed | CheckState::Waiting if job.allow_failure => CheckState::Skipped,
        state => state,
    }
}

fn of_status(status: &str) -> CheckState {
    match status {
        "success" => CheckState::Passed,
        "skipped" => CheckState::Skipped,
        "canceled" | "canceling" => CheckState::Cancelled,
        "manual" => CheckState::Waiting,
        "failed" => CheckState::Failed,
        // Created, pending, running, preparing, scheduled, waiting for something, or new to us.
        _ => CheckState::Running,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn item(more: &serde_json::Value) -> Item {
        let mut item = json!({
            "iid": 7, "web_url": "https://gitlab.com/shop/api/-/merge_requests/7", "title": "HOTFIX: x",
            "state": "opened", "draft": false, "source_branch": "hotfix/x", "target_branch": "main", "sha": "4f2c",
            "merge_commit_sha": null, "squash_commit_sha": null, "detailed_merge_status": "mergeable",
            "has_conflicts": false, "labels": ["hotfix"],
            "reviewers": [{ "id": 1, "username": "li" }, { "id": 2, "username": "omar" }, { "id": 3, "username": "zoe" }],
            "head_pipeline": { "id": 40, "status": "success" },
        });
        for (key, value) in more.as_object().unwrap() {
            item[key] = value.clone();
        }
        serde_json::from_value(item).unwrap()
    }

    #[test]
    fn a_merge_request_says_who_it_waits_for() {
        let approvals: Approvals = serde_json::from_value(
            json!({ "approvals_left": 1, "approved_by": [{ "user": { "id": 1, "username": "li" } }] }),
        )
        .unwrap();
        let reviewers: Vec<Reviewer> = serde_json::from_value(json!([
            { "user": { "id": 1, "username": "li" }, "state": "approved" },
            { "user": { "id": 2, "username": "omar" }, "state": "requested_changes" },
            { "user": { "id": 3, "username": "zoe" }, "state": "unreviewed" },
        ]))
        .unwrap();
        let held = item(&json!({ "detailed_merge_status": "not_approved" }));
        let pull = found(&held, &approvals, &reviewers, &[], &[]).pull;
        assert_eq!(pull.approved_by, ["li"]);
        assert_eq!(pull.changes_wanted_by, ["omar"]);
        assert_eq!(pull.waits_for, ["zoe"]);
        assert_eq!((pull.mergeable, pull.held_by.as_str()), (Some(false), "not approved: 1 more needed"));
        let pipeline = Check { printed: Printed::Pipeline(40), ..Check::new("pipeline", CheckState::Passed) };
        assert_eq!(pull.checks, [pipeline]);
    }

    #[test]
    fn it_landed_as_the_merge_else_as_the_squash_else_as_itself() {
        let state =
            |more: serde_json::Value| found(&item(&more), &Approvals::default(), &[], &[], &[]).pull.state;
        let merged = |commit: &str| PullState::Merged(Some(commit.to_owned()));
        assert_eq!(
            state(json!({ "state": "merged", "merge_commit_sha": "aa", "squash_commit_sha": "bb" })),
            merged("aa")
        );
        assert_eq!(state(json!({ "state": "merged", "squash_commit_sha": "bb" })), merged("bb"));
        assert_eq!(state(json!({ "state": "merged" })), merged("4f2c"));
        assert_eq!(state(json!({ "state": "locked" })), PullState::Open);
    }

    #[test]
    fn of_each_job_the_newest_run_counts() {
        use CheckState::{Cancelled, Skipped, Waiting};

        let jobs: Vec<Job> = serde_json::from_value(json!([
            { "id": 2, "name": "test", "status": "canceled", "allow_failure": false },
            { "id": 1, "name": "test", "status": "success", "allow_failure": false },
            { "id": 3, "name": "lint", "status": "failed", "allow_failure": true },
            { "id": 4, "name": "deploy", "status": "manual", "allow_failure": false },
            { "id": 5, "name": "pages", "status": "manual", "allow_failure": true },
        ]))
        .unwrap();
        let with = |status: &str| item(&json!({ "head_pipeline": { "id": 40, "status": status } }));
        let states: Vec<_> =
            checks(&with("canceled"), &jobs, &[]).into_iter().map(|it| (it.name, it.state)).collect();
        let wanted = [("deploy", Waiting), ("lint", Skipped), ("pages", Skipped), ("test", Cancelled)];
        assert_eq!(states, wanted.map(|(name, state)| (name.to_owned(), state)));
        // A child pipeline may have failed that is none of its jobs.
        assert_eq!(checks(&with("failed"), &jobs[1..3], &[]).len(), 3);
    }

    #[test]
    fn a_pipeline_of_the_same_commit_that_failed_holds_beside_a_green_one() {
        let pipeline = |id: u64, sha: &str, source: &str, status: &str| Pipeline {
            id,
            status: status.into(),
            sha: sha.into(),
            source: source.into(),
            web_url: None,
        };
        let item = item(&json!({
            "head_pipeline": { "id": 40, "sha": "4f2c", "status": "success", "source": "merge_request_event" },
        }));
        let read = |pipelines: &[Pipeline]| -> Vec<(String, CheckState)> {
            checks(&item, &[], pipelines).into_iter().map(|check| (check.name, check.state)).collect()
        };
        let own = ("pipeline".to_owned(), CheckState::Passed);
        let all = [
            pipeline(40, "4f2c", "merge_request_event", "success"),
            pipeline(39, "4f2c", "push", "failed"),
            pipeline(30, "0000", "web", "failed"),
        ];
        assert_eq!(read(&all), [own.clone(), ("pipeline (push)".to_owned(), CheckState::Failed)]);
        let again = [&all[..], &[pipeline(41, "4f2c", "push", "success")]].concat();
        assert_eq!(read(&again), [own, ("pipeline (push)".to_owned(), CheckState::Passed)]);
    }
}
