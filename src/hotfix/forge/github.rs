//! What GitHub answers, and what it means.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::Found;
use crate::hotfix::pull::{Check, CheckState, Pull, PullState};
use crate::text::visible;

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
    started_at: Option<String>,
    #[serde(default)]
    app: Option<App>,
}

#[derive(Debug, Clone, Deserialize)]
struct App {
    #[serde(default)]
    slug: Option<String>,
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
        Some("blocked") => no(format!("blocked: what protects {base} is not met")),
        Some("behind") => no(format!("behind: it has to be brought up to date with {base} first")),
        Some("draft") => no("it is a draft".to_owned()),
        Some("unknown") | None => (None, String::new()),
        _ => (item.mergeable, String::new()),
    }
}

/// The checks of a commit: of each name the newest run, and the newest status of each context.
pub fn checks(runs: &[CheckRun], statuses: &[Status]) -> Vec<Check> {
    let mut newest: BTreeMap<(&str, Option<&str>), &CheckRun> = BTreeMap::new();
    let age = |run: &CheckRun| (run.started_at.clone(), run.id);
    for run in runs {
        // Two programs may call theirs the same.
        let app = run.app.as_ref().and_then(|app| app.slug.as_deref());
        let known = newest.entry((run.name.as_str(), app)).or_insert(run);
        if age(run) > age(known) {
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
    let of_runs = newest.values().map(|run| Check { name: shown(&run.name), state: of_run(run) });
    let of_statuses = contexts
        .values()
        .map(|status| Check { name: shown(&status.context), state: of_status(&status.state) });
    let mut all: Vec<Check> = of_runs.chain(of_statuses).collect();
    all.sort_by(|a, b| a.name.cmp(&b.name));
    all
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

    #[test]
    fn the_newest_run_of_each_check_counts_and_cancelled_is_not_passed() {
        use CheckState::{Cancelled, Failed, Passed, Running, Skipped};

        let run = |id: u64, name: &str, status: &str, conclusion: Option<&str>, at: &str| -> CheckRun {
            serde_json::from_value(json!({
                "id": id, "name": name, "status": status, "conclusion": conclusion, "started_at": at,
                "app": { "slug": "github-actions" },
            }))
            .unwrap()
        };
        let runs = [
            run(1, "build", "completed", Some("failure"), "2026-03-05T10:00:00Z"),
            run(2, "build", "completed", Some("success"), "2026-03-05T10:05:00Z"),
            run(4, "test", "completed", Some("cancelled"), "2026-03-05T10:05:00Z"),
            run(3, "test", "completed", Some("success"), "2026-03-05T10:00:00Z"),
            run(5, "lint", "queued", None, "2026-03-05T10:00:00Z"),
            run(6, "docs", "completed", Some("skipped"), "2026-03-05T10:00:00Z"),
            run(7, "scan", "completed", Some("timed_out"), "2026-03-05T10:00:00Z"),
        ];
        let status: Status =
            serde_json::from_value(json!({ "context": "ci/legacy", "state": "error", "updated_at": "x" }))
                .unwrap();
        let read = checks(&runs, &[status]);
        let found: Vec<_> = read.iter().map(|check| (check.name.as_str(), check.state)).collect();
        assert_eq!(
            found,
            [
                ("build", Passed),
                ("ci/legacy", Failed),
                ("docs", Skipped),
                ("lint", Running),
                ("scan", Failed),
                ("test", Cancelled)
            ]
        );
    }
}
