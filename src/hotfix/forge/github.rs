//! What GitHub answers, and what it means.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::{Found, address};
use crate::hotfix::pull::{Check, CheckState, Printed, Pull, PullState};
use crate::text::{short_name, visible};

/// A pull request, as in a list or on its own. On its own it says whether it can be merged.
#[derive(Debug, Clone, Deserialize)]
pub struct Item {
    /// Its number.
    pub number: u64,
    html_url: String,
    title: String,
    state: String,
    #[serde(default)]
    draft: bool,
    #[serde(default)]
    merged_at: Option<String>,
    #[serde(default)]
    merge_commit_sha: Option<String>,
    #[serde(default)]
    mergeable: Option<bool>,
    #[serde(default)]
    mergeable_state: Option<String>,
    /// The branch it offers.
    pub head: End,
    base: End,
    #[serde(default)]
    requested_reviewers: Vec<User>,
    #[serde(default)]
    requested_teams: Vec<Team>,
    #[serde(default)]
    labels: Vec<Label>,
}

/// One of the two branches of a pull request.
#[derive(Debug, Clone, Deserialize)]
pub struct End {
    /// `owner:branch`; `None` where the repository is gone.
    #[serde(default)]
    label: Option<String>,
    #[serde(rename = "ref")]
    name: String,
    /// Its commit.
    pub sha: String,
}

#[derive(Debug, Clone, Deserialize)]
struct User {
    login: String,
}

#[derive(Debug, Clone, Deserialize)]
struct Team {
    slug: String,
}

#[derive(Debug, Clone, Deserialize)]
struct Label {
    name: String,
}

/// A review.
#[derive(Debug, Clone, Deserialize)]
pub struct Review {
    /// Missing where the account is gone.
    user: Option<User>,
    state: String,
    #[serde(default)]
    submitted_at: Option<String>,
}

/// A page of check runs.
#[derive(Debug, Clone, Deserialize)]
pub struct CheckRuns {
    /// The runs.
    pub check_runs: Vec<CheckRun>,
}

/// A run of a check.
#[derive(Debug, Clone, Deserialize)]
pub struct CheckRun {
    id: u64,
    name: String,
    status: String,
    conclusion: Option<String>,
    #[serde(default)]
    html_url: Option<String>,
    #[serde(default)]
    details_url: Option<String>,
    #[serde(default)]
    check_suite: Option<Suite>,
    #[serde(default)]
    app: Option<App>,
}

#[derive(Debug, Clone, Deserialize)]
struct Suite {
    id: u64,
}

#[derive(Debug, Clone, Deserialize)]
struct App {
    #[serde(default)]
    slug: Option<String>,
}

/// A page of runs of workflows.
#[derive(Debug, Clone, Deserialize)]
pub struct WorkflowRuns {
    /// The runs.
    #[serde(default)]
    pub workflow_runs: Vec<WorkflowRun>,
}

/// A run of a workflow, and the check suite that holds its checks.
#[derive(Debug, Clone, Deserialize)]
pub struct WorkflowRun {
    #[serde(default)]
    id: u64,
    workflow_id: u64,
    check_suite_id: u64,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    event: String,
    #[serde(default)]
    status: Option<String>,
    #[serde(default)]
    conclusion: Option<String>,
    #[serde(default)]
    html_url: Option<String>,
}

/// The statuses of a commit, of each context the newest.
#[derive(Debug, Clone, Deserialize)]
pub struct Statuses {
    /// The statuses.
    pub statuses: Vec<Status>,
}

/// A status that somebody has put on a commit.
#[derive(Debug, Clone, Deserialize)]
pub struct Status {
    context: String,
    state: String,
    #[serde(default)]
    target_url: Option<String>,
    #[serde(default)]
    updated_at: Option<String>,
}

/// The one that counts among the pull requests of a branch into a base: the newest that is open,
/// else the newest. `label` is `owner:branch`. What the place lists besides is left out.
pub fn choose<'a>(list: &'a [Item], label: &str, base: &str) -> Option<&'a Item> {
    let ours = |item: &&Item| {
        item.base.name == base
            && item.head.label.as_ref().is_some_and(|there| there.eq_ignore_ascii_case(label))
            // Owners are the same in any case of letters, branches are not.
            && label.ends_with(&format!(":{}", item.head.name))
    };
    let newest = |item: &&Item| (item.state == "open", item.number);
    list.iter().filter(ours).max_by_key(newest)
}

/// A pull request made of what was read of it.
pub fn found(item: &Item, reviews: &[Review], checks: Vec<Check>) -> Found {
    let state = match item.state.as_str() {
        _ if item.merged_at.is_some() => PullState::Merged(item.merge_commit_sha.clone()),
        "open" if item.draft => PullState::Draft,
        "open" => PullState::Open,
        _ => PullState::Closed,
    };
    let said = decisive(reviews);
    let who = |wanted: &str| {
        let those = said.iter().filter(|(_, state)| **state == wanted);
        those.map(|(login, _)| shown(login)).collect::<Vec<_>>()
    };
    let users = item.requested_reviewers.iter().map(|user| user.login.clone());
    let teams = item.requested_teams.iter().map(|team| team.slug.clone());
    let waits_for: Vec<String> = users.chain(teams).map(|name| shown(&name)).collect();
    let mut asked = waits_for.clone();
    asked.extend(said.keys().map(|login| shown(login)));
    let base = shown(&item.base.name);
    let (mergeable, held_by) = mergeable(item, &base);
    let pull = Pull {
        number: item.number,
        url: shown(&item.html_url),
        title: shown(&item.title),
        state,
        head: shown(&item.head.sha),
        approved_by: who("APPROVED"),
        changes_wanted_by: who("CHANGES_REQUESTED"),
        waits_for,
        checks,
        mergeable,
        held_by,
    };
    Found {
        pull,
        head: item.head.name.clone(),
        base,
        labels: item.labels.iter().map(|label| label.name.clone()).collect(),
        asked,
        conflicts: item.mergeable_state.as_deref() == Some("dirty"),
    }
}

fn shown(text: &str) -> String {
    visible(text).into_owned()
}

/// The newest review of everybody that decides something; a remark does not.
fn decisive(reviews: &[Review]) -> BTreeMap<&str, &str> {
    let mut sorted: Vec<&Review> = reviews.iter().collect();
    // Stable: those without a time stay where they are listed, which is in order of time.
    sorted.sort_by(|a, b| a.submitted_at.cmp(&b.submitted_at));
    let mut said = BTreeMap::new();
    for review in sorted {
        let login = review.user.as_ref().map_or("ghost", |user| user.login.as_str());
        if ["APPROVED", "CHANGES_REQUESTED", "DISMISSED"].contains(&review.state.as_str()) {
            said.insert(login, review.state.as_str());
        }
    }
    said
}

/// Whether GitHub would merge it, and why not. It finds out in the background, and says `unknown`
/// until it has.
fn mergeable(item: &Item, base: &str) -> (Option<bool>, String) {
    let no = |why: String| (Some(false), why);
    match item.mergeable_state.as_deref() {
        Some("dirty") => no(format!("it conflicts with {base}")),
        Some("blocked") => no(format!("blocked: the protection rules of {base} are not met")),
        Some("behind") => no(format!("behind: it has to be brought up to date with {base} first")),
        Some("draft") => no("it is a draft".to_owned()),
        Some("unknown") | None => (None, String::new()),
        _ => (item.mergeable, String::new()),
    }
}

/// What a check is a check of. Two of the same name are two checks unless all of this is the same;
/// then the newer one is a rerun.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Origin<'a> {
    /// A workflow, and what it was started by: by a push and by a pull request it tests different
    /// commits.
    Workflow(u64, &'a str),
    /// A check suite, where nobody says which workflow it is of.
    Suite(Option<u64>),
}

/// A check, told from others of the same name.
type Identity<'a> = (&'a str, Option<&'a str>, Origin<'a>);

fn identity<'a>(run: &'a CheckRun, workflows: &'a [WorkflowRun]) -> Identity<'a> {
    let suite = run.check_suite.as_ref().map(|suite| suite.id);
    let origin = match workflow(suite, workflows) {
        Some(workflow) => Origin::Workflow(workflow.workflow_id, &workflow.event),
        None => Origin::Suite(suite),
    };
    (&run.name, app(run), origin)
}

fn app(run: &CheckRun) -> Option<&str> {
    run.app.as_ref().and_then(|app| app.slug.as_deref())
}

fn workflow(suite: Option<u64>, workflows: &[WorkflowRun]) -> Option<&WorkflowRun> {
    workflows.iter().find(|workflow| Some(workflow.check_suite_id) == suite)
}

/// Tells whether checks of one name and app are in several suites: only their workflows tell
/// whether the newer one is a rerun.
pub fn needs_workflows(runs: &[CheckRun]) -> bool {
    let mut suites = BTreeMap::new();
    runs.iter().any(|run| {
        let suite = run.check_suite.as_ref().map(|suite| suite.id);
        *suites.entry((&run.name, app(run))).or_insert(suite) != suite
    })
}

/// The checks of a commit: of each check the newest run, and the newest status of each context.
pub fn checks(runs: &[CheckRun], workflows: &[WorkflowRun], statuses: &[Status]) -> Vec<Check> {
    let mut newest: BTreeMap<Identity<'_>, &CheckRun> = BTreeMap::new();
    for run in runs {
        let known = newest.entry(identity(run, workflows)).or_insert(run);
        // The later one has the higher number, also while it is queued and has not started.
        if run.id > known.id {
            *known = run;
        }
    }
    let mut contexts: BTreeMap<&str, &Status> = BTreeMap::new();
    for status in statuses {
        let known = contexts.entry(status.context.as_str()).or_insert(status);
        if status.updated_at > known.updated_at {
            *known = status;
        }
    }
    let mut seen = BTreeSet::new();
    let several: BTreeSet<&str> =
        newest.keys().map(|(name, ..)| *name).filter(|name| !seen.insert(*name)).collect();
    let of_runs = newest.values().map(|run| {
        let whose = if several.contains(run.name.as_str()) { whose(run, workflows) } else { String::new() };
        let is_job = app(run) == Some("github-actions");
        Check {
            // A job of Actions and the check that tells of it have one number.
            printed: if is_job { Printed::Job(run.id) } else { Printed::Elsewhere },
            url: address(&[run.details_url.as_deref().filter(|_| !is_job), run.html_url.as_deref()]),
            ..Check::new(shown(&format!("{}{whose}", short_name(&run.name))), of_run(run))
        }
    });
    let of_statuses = contexts.values().map(|status| Check {
        url: address(&[status.target_url.as_deref()]),
        ..Check::new(shown(&short_name(&status.context)), of_status(&status.state))
    });
    let mut all: Vec<Check> = of_runs.chain(of_statuses).collect();
    all.sort_by(|a, b| a.name.cmp(&b.name));
    all
}

/// The runs of workflows that no check run may tell of: those that have not ended, and of each workflow and event
/// the newest, where it never came to a check.
pub fn runs_ahead(workflows: &[WorkflowRun]) -> Vec<Check> {
    let mut newest: BTreeMap<(u64, &str), u64> = BTreeMap::new();
    for run in workflows {
        let known = newest.entry((run.workflow_id, run.event.as_str())).or_default();
        *known = run.id.max(*known);
    }
    let is_newest = |run: &WorkflowRun| newest.get(&(run.workflow_id, run.event.as_str())) == Some(&run.id);
    let ahead = workflows.iter().filter_map(|run| {
        let state = match (run.status.as_deref(), run.conclusion.as_deref()) {
            (Some("completed"), Some("startup_failure")) if is_newest(run) => CheckState::Failed,
            (Some("completed"), Some("action_required")) if is_newest(run) => CheckState::Waiting,
            (Some("completed"), _) => return None,
            (Some("waiting"), _) => CheckState::Waiting,
            _ => CheckState::Running,
        };
        let name = short_name(run.name.as_deref().unwrap_or("workflow"));
        Some(Check {
            url: address(&[run.html_url.as_deref()]),
            ..Check::new(shown(&format!("{name} ({})", run.event)), state)
        })
    });
    ahead.collect()
}

/// Whose check it is, behind its name: ` (CI, push)`, ` (circleci)`.
fn whose(run: &CheckRun, workflows: &[WorkflowRun]) -> String {
    let suite = run.check_suite.as_ref().map(|suite| suite.id);
    let workflow = workflow(suite, workflows).and_then(|run| Some((run.name.as_deref()?, &run.event)));
    match (workflow, app(run)) {
        (Some((name, event)), _) => format!(" ({}, {})", short_name(name), short_name(event)),
        (None, Some(app)) => format!(" ({app})"),
        (None, None) => String::new(),
    }
}

fn of_run(run: &CheckRun) -> CheckState {
    if run.status == "waiting" {
        return CheckState::Waiting;
    }
    if run.status != "completed" {
        return CheckState::Running;
    }
    match run.conclusion.as_deref() {
        Some("success") => CheckState::Passed,
        Some("skipped" | "neutral") => CheckState::Skipped,
        Some("action_required") => CheckState::Waiting,
        // Stale: it was never told its end.
        Some("cancelled" | "stale") => CheckState::Cancelled,
        _ => CheckState::Failed,
    }
}

fn of_status(state: &str) -> CheckState {
    match state {
        "success" => CheckState::Passed,
        "pending" => CheckState::Running,
        _ => CheckState::Failed,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn review(login: &str, state: &str, at: &str) -> Review {
        serde_json::from_value(json!({ "user": { "login": login }, "state": state, "submitted_at": at }))
            .unwrap()
    }

    fn item(more: &serde_json::Value) -> Item {
        let mut item = json!({
            "number": 12, "html_url": "https://github.com/shop/api/pull/12", "title": "HOTFIX: x", "state": "open",
            "draft": false, "merged_at": null, "merge_commit_sha": "aa", "mergeable": true,
            "mergeable_state": "clean",
            "head": { "label": "shop:hotfix/x", "ref": "hotfix/x", "sha": "4f2c" },
            "base": { "label": "shop:main", "ref": "main", "sha": "11" },
            "requested_reviewers": [{ "login": "omar" }], "requested_teams": [{ "slug": "payments" }],
            "labels": [{ "name": "hotfix" }],
        });
        for (key, value) in more.as_object().unwrap() {
            item[key] = value.clone();
        }
        serde_json::from_value(item).unwrap()
    }

    #[test]
    fn of_everybody_the_newest_review_that_decides_counts() {
        let reviews = [
            review("li", "CHANGES_REQUESTED", "2026-03-05T10:00:00Z"),
            review("maya", "APPROVED", "2026-03-05T10:01:00Z"),
            review("li", "APPROVED", "2026-03-05T10:02:00Z"),
            review("li", "COMMENTED", "2026-03-05T10:03:00Z"),
            review("maya", "CHANGES_REQUESTED", "2026-03-05T10:04:00Z"),
            review("zoe", "CHANGES_REQUESTED", "2026-03-05T10:05:00Z"),
            review("zoe", "DISMISSED", "2026-03-05T10:06:00Z"),
        ];
        let found = found(&item(&json!({})), &reviews, Vec::new());
        assert_eq!(found.pull.approved_by, ["li"]);
        assert_eq!(found.pull.changes_wanted_by, ["maya"]);
        assert_eq!(found.pull.waits_for, ["omar", "payments"]);
        assert_eq!(found.pull.mergeable, Some(true));
    }

    #[test]
    fn the_commit_of_an_open_one_is_no_merge() {
        let state = |more: serde_json::Value| found(&item(&more), &[], Vec::new()).pull.state;
        assert_eq!(state(json!({})), PullState::Open);
        assert_eq!(state(json!({ "draft": true })), PullState::Draft);
        assert_eq!(state(json!({ "state": "closed" })), PullState::Closed);
        let merged = json!({ "state": "closed", "merged_at": "2026-03-05T10:00:00Z" });
        assert_eq!(state(merged), PullState::Merged(Some("aa".into())));
        let none = found(&item(&json!({ "mergeable": null, "mergeable_state": "unknown" })), &[], Vec::new());
        assert_eq!(none.pull.mergeable, None);
        let dirty = found(&item(&json!({ "mergeable": false, "mergeable_state": "dirty" })), &[], Vec::new());
        assert!(dirty.conflicts && dirty.pull.mergeable == Some(false));
    }

    #[test]
    fn the_newest_open_one_of_just_this_branch_is_chosen() {
        let other = json!({ "label": "mallory:hotfix/x", "ref": "hotfix/x", "sha": "66" });
        let list = [
            item(&json!({ "number": 15, "state": "closed" })),
            item(&json!({ "number": 14, "head": other })),
            item(&json!({ "number": 13 })),
            item(&json!({ "number": 12 })),
            item(&json!({ "number": 16, "base": { "label": "shop:develop", "ref": "develop", "sha": "1" } })),
        ];
        assert_eq!(choose(&list, "shop:hotfix/x", "main").map(|item| item.number), Some(13));
        assert_eq!(choose(&list[..1], "shop:hotfix/x", "main").map(|item| item.number), Some(15));
        assert!(choose(&list, "shop:hotfix/y", "main").is_none());
    }

    fn ran(id: u64, name: &str, status: &str, conclusion: Option<&str>, suite: u64) -> CheckRun {
        serde_json::from_value(json!({
            "id": id, "name": name, "status": status, "conclusion": conclusion,
            "check_suite": { "id": suite }, "app": { "slug": "github-actions" },
        }))
        .unwrap()
    }

    fn read(runs: &[CheckRun], workflows: &[WorkflowRun], statuses: &[Status]) -> Vec<(String, CheckState)> {
        checks(runs, workflows, statuses).into_iter().map(|check| (check.name, check.state)).collect()
    }

    #[test]
    fn the_newest_run_of_each_check_counts_and_cancelled_is_not_passed() {
        use CheckState::{Cancelled, Failed, Passed, Running, Skipped};

        let runs = [
            ran(1, "build", "completed", Some("failure"), 5),
            ran(2, "build", "completed", Some("success"), 5),
            ran(4, "test", "completed", Some("cancelled"), 5),
            ran(3, "test", "completed", Some("success"), 5),
            ran(5, "lint", "queued", None, 5),
            ran(6, "docs", "completed", Some("skipped"), 5),
            ran(7, "scan", "completed", Some("timed_out"), 5),
        ];
        let status: Status =
            serde_json::from_value(json!({ "context": "ci/legacy", "state": "error", "updated_at": "x" }))
                .unwrap();
        let wanted = [
            ("build", Passed),
            ("ci/legacy", Failed),
            ("docs", Skipped),
            ("lint", Running),
            ("scan", Failed),
            ("test", Cancelled),
        ];
        assert_eq!(read(&runs, &[], &[status]), wanted.map(|(name, state)| (name.to_owned(), state)));
    }

    #[test]
    fn a_run_of_a_workflow_that_has_no_check_yet_is_waited_for() {
        let run = |id: u64, workflow: u64, status: &str, conclusion: Option<&str>| -> WorkflowRun {
            serde_json::from_value(json!({
                "id": id, "workflow_id": workflow, "check_suite_id": id, "name": format!("CI {workflow}"),
                "event": "push", "status": status, "conclusion": conclusion,
            }))
            .unwrap()
        };
        let runs = [
            run(1, 1, "queued", None),
            run(2, 2, "completed", Some("success")),
            run(3, 3, "waiting", None),
            run(4, 4, "completed", Some("startup_failure")),
            run(5, 5, "completed", Some("startup_failure")),
            run(6, 5, "completed", Some("success")),
        ];
        let ahead = runs_ahead(&runs);
        let ahead: Vec<_> = ahead.iter().map(|check| (check.name.as_str(), check.state)).collect();
        let wanted = [
            ("CI 1 (push)", CheckState::Running),
            ("CI 3 (push)", CheckState::Waiting),
            ("CI 4 (push)", CheckState::Failed),
        ];
        assert_eq!(ahead, wanted);
    }

    #[test]
    fn checks_of_one_name_are_told_apart_and_a_rerun_of_the_same_workflow_counts() {
        use CheckState::{Failed, Passed, Running};

        let workflow = |workflow: u64, suite: u64, name: &str, event: &str| -> WorkflowRun {
            serde_json::from_value(json!({
                "id": suite + 100, "workflow_id": workflow, "check_suite_id": suite, "name": name, "event": event,
            }))
            .unwrap()
        };
        let red = || ran(1, "build", "completed", Some("failure"), 5);
        let green = || ran(2, "build", "completed", Some("success"), 6);
        let other = |id, slug: &str| CheckRun {
            app: Some(App { slug: Some(slug.into()) }),
            ..ran(id, "build", "completed", Some("failure"), 6)
        };
        let two = [("build (CI, push)", Failed), ("build (CI, pull_request)", Passed)];
        for (why, runs, workflows, wanted) in [
            (
                "nobody says which workflow they are of",
                vec![red(), green()],
                vec![],
                vec![("build (github-actions)", Failed), ("build (github-actions)", Passed)],
            ),
            (
                "two workflows",
                vec![red(), green()],
                vec![workflow(8, 5, "CI", "push"), workflow(9, 6, "Release", "push")],
                vec![("build (CI, push)", Failed), ("build (Release, push)", Passed)],
            ),
            (
                "one workflow, on a push and on a pull request",
                vec![red(), green()],
                vec![workflow(8, 5, "CI", "push"), workflow(8, 6, "CI", "pull_request")],
                two.iter().rev().copied().collect(),
            ),
            (
                "started anew",
                vec![green(), red()],
                vec![workflow(8, 5, "CI", "push"), workflow(8, 6, "CI", "push")],
                vec![("build", Passed)],
            ),
            (
                "started anew and still queued",
                vec![green(), ran(3, "build", "queued", None, 7)],
                vec![workflow(8, 6, "CI", "push"), workflow(8, 7, "CI", "push")],
                vec![("build", Running)],
            ),
            (
                "two apps",
                vec![green(), other(3, "circleci")],
                vec![],
                vec![("build (circleci)", Failed), ("build (github-actions)", Passed)],
            ),
        ] {
            let wanted: Vec<_> = wanted.into_iter().map(|(name, state)| (name.to_owned(), state)).collect();
            assert_eq!(read(&runs, &workflows, &[]), wanted, "{why}");
        }
        assert!(needs_workflows(&[red(), green()]));
        assert!(!needs_workflows(&[red(), ran(2, "build", "completed", Some("success"), 5)]), "one suite");
        assert!(!needs_workflows(&[green(), other(3, "circleci")]), "two apps");
    }
}
