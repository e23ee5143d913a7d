//! The calls of GitHub's REST API.

use reqwest::Method;
use serde_json::json;

use super::Visit;
use super::client::{Kind, Lost};
use crate::hotfix::forge::Found;
use crate::hotfix::forge::github::{
    CheckRun, CheckRuns, Item, Review, Status, Statuses, WorkflowRun, WorkflowRuns, checks, choose, found,
    needs_workflows, runs_ahead,
};
use crate::hotfix::pull::{Check, CheckState};
use crate::plan::forge::encoded;

/// The number of the pull request of a branch into a base that counts.
pub(super) fn number(visit: &mut Visit, head: &str, base: &str) -> Result<Option<u64>, Lost> {
    let label = format!("{}:{head}", visit.place.owner);
    let address = format!(
        "{}?head={}&base={}&state=all&sort=created&direction=desc&per_page=30",
        visit.place.pulls(None),
        encoded(&label),
        encoded(base)
    );
    // The newest are on the first page.
    let list: Vec<Item> = visit.client.get(&address)?;
    Ok(choose(&list, &label, base).map(|item| item.number))
}

/// Reads a pull request with reviews and checks.
pub(super) fn read(visit: &mut Visit, number: u64) -> Result<Found, Lost> {
    let address = visit.place.pulls(Some(number));
    let item: Item = visit.client.get(&address)?;
    let reviews: Vec<Vec<Review>> = visit.client.get_all(&format!("{address}/reviews?per_page=100"))?;
    let checks = checks_of(visit, &item.head.sha)?;
    Ok(found(&item, &reviews.concat(), checks))
}

/// The checks of a commit.
pub(super) fn checks_of(visit: &mut Visit, sha: &str) -> Result<Vec<Check>, Lost> {
    let (runs, statuses, hidden) = told_of(visit, sha)?;
    // What a token may not read leaves more checks apart than there are, and none out.
    let workflows = if needs_workflows(&runs) { workflows(visit, sha)? } else { None };
    let mut all = checks(&runs, workflows.as_deref().unwrap_or_default(), &statuses);
    all.extend(hidden);
    Ok(all)
}

/// The checks of a commit with the runs of workflows that have no check yet; and whether the token may not read those.
pub(super) fn checks_to_come(visit: &mut Visit, sha: &str) -> Result<(Vec<Check>, bool), Lost> {
    let (runs, statuses, hidden) = told_of(visit, sha)?;
    let workflows = workflows(visit, sha)?;
    let known = workflows.as_deref().unwrap_or_default();
    let mut all = checks(&runs, known, &statuses);
    all.extend(hidden.into_iter().chain(runs_ahead(known)));
    Ok((all, workflows.is_none()))
}

type Told = (Vec<CheckRun>, Vec<Status>, Vec<Check>);

/// What check runs and statuses there are of a commit, and what of them cannot be read.
fn told_of(visit: &mut Visit, sha: &str) -> Result<Told, Lost> {
    let commit = format!("{}/commits/{}", visit.place.address(), encoded(sha));
    let runs = visit.client.get_all::<CheckRuns>(&format!("{commit}/check-runs?filter=latest&per_page=100"));
    let (runs, hidden) = readable(runs, "check runs")?;
    let statuses = visit.client.get_all::<Statuses>(&format!("{commit}/status?per_page=100"));
    let (statuses, more) = readable(statuses, "commit statuses")?;
    let runs = runs.into_iter().flat_map(|page| page.check_runs).collect();
    let statuses = statuses.into_iter().flat_map(|page| page.statuses).collect();
    Ok((runs, statuses, hidden.into_iter().chain(more).collect()))
}

/// The runs of workflows of a commit; `None`: the token may not read them.
fn workflows(visit: &mut Visit, commit: &str) -> Result<Option<Vec<WorkflowRun>>, Lost> {
    let address = format!("{}/actions/runs?head_sha={}&per_page=100", visit.place.address(), encoded(commit));
    match visit.client.get_all::<WorkflowRuns>(&address) {
        Ok(pages) => Ok(Some(pages.into_iter().flat_map(|page| page.workflow_runs).collect())),
        Err(Lost { kind: Kind::Refused(403 | 404), .. }) => Ok(None),
        Err(lost) => Err(lost),
    }
}

/// What a token may not read is nothing that has passed: a person has to look.
fn readable<T>(read: Result<Vec<T>, Lost>, what: &str) -> Result<(Vec<T>, Option<Check>), Lost> {
    match read {
        Ok(list) => Ok((list, None)),
        Err(Lost { kind: Kind::Refused(403 | 404), .. }) => {
            let name = format!("{what} {}", crate::hotfix::flows::pull::UNREADABLE);
            Ok((Vec::new(), Some(Check::new(name, CheckState::Waiting))))
        }
        Err(lost) => Err(lost),
    }
}

/// Reads what became of a pull request.
pub(super) fn glance(visit: &mut Visit, number: u64) -> Result<Found, Lost> {
    let address = visit.place.pulls(Some(number));
    let item: Item = visit.client.get(&address)?;
    Ok(found(&item, &[], Vec::new()))
}

/// Opens a pull request.
pub(super) fn open(
    visit: &mut Visit,
    head: &str,
    base: &str,
    title: &str,
    body: &str,
) -> Result<Found, Lost> {
    let (owner, _) = visit.place.repository.split_once('/').unwrap_or_default();
    let head =
        if visit.place.owner == owner { head.to_owned() } else { format!("{}:{head}", visit.place.owner) };
    let sent = json!({ "title": title, "head": head, "base": base, "body": body });
    let item: Item = visit.client.send(&Method::POST, &visit.place.pulls(None), &sent)?;
    Ok(found(&item, &[], Vec::new()))
}

/// Adds labels and asks for reviews. A reviewer with a slash is a team: `shop/payments`. Says what
/// could not be done.
pub(super) fn dress(visit: &mut Visit, number: u64, labels: &[String], reviewers: &[String]) -> Vec<String> {
    let mut undone = Vec::new();
    if !labels.is_empty() {
        let address = format!("{}/issues/{number}/labels", visit.place.address());
        let sent = visit.send_again(&Method::POST, &address, &json!({ "labels": labels }));
        undone.extend(sent.err().map(|lost| format!("labels were not added: {}", lost.why)));
    }
    if !reviewers.is_empty() {
        let (teams, users): (Vec<&String>, Vec<&String>) =
            reviewers.iter().partition(|name| name.contains('/'));
        let teams: Vec<&str> = teams.iter().filter_map(|name| name.rsplit('/').next()).collect();
        let address = format!("{}/requested_reviewers", visit.place.pulls(Some(number)));
        let sent = json!({ "reviewers": users, "team_reviewers": teams });
        let sent = visit.send_again(&Method::POST, &address, &sent);
        undone.extend(sent.err().map(|lost| format!("reviewers were not asked: {}", lost.why)));
    }
    undone
}

/// Merges a pull request by squash, if it still offers this commit.
pub(super) fn merge(visit: &mut Visit, number: u64, commit: &str, title: &str) -> Result<(), Lost> {
    let address = format!("{}/merge", visit.place.pulls(Some(number)));
    let sent = json!({
        "sha": commit,
        "merge_method": "squash",
        "commit_title": format!("{title} ({})", visit.place.numbered(number)),
    });
    visit.send(&Method::PUT, &address, &sent).map(drop)
}
