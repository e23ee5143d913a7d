//! The calls of GitLab's REST API.

use reqwest::Method;
use serde_json::json;

use super::Visit;
use super::client::{Kind, Lost};
use crate::hotfix::forge::Found;
use crate::hotfix::forge::gitlab::{
    Approvals, Item, Job, Pipeline, Reviewer, User, choose, found, of_pipelines,
};
use crate::hotfix::pull::Check;
use crate::plan::forge::encoded;

/// The number of the merge request of a branch into a base that counts.
pub(super) fn number(visit: &mut Visit, head: &str, base: &str) -> Result<Option<u64>, Lost> {
    let address = format!(
        "{}?source_branch={}&target_branch={}&state=all&order_by=created_at&sort=desc&per_page=30",
        visit.place.pulls(None),
        encoded(head),
        encoded(base)
    );
    let list: Vec<Item> = visit.client.get(&address)?;
    Ok(choose(&list, head, base).map(|item| item.iid))
}

/// Reads a merge request with approvals and the jobs of its pipeline.
pub(super) fn read(visit: &mut Visit, number: u64) -> Result<Found, Lost> {
    let address = visit.place.pulls(Some(number));
    let item: Item = visit.client.get(&address)?;
    let approvals: Approvals = optional(visit.client.get(&format!("{address}/approvals")))?;
    let reviewers: Vec<Reviewer> = optional(visit.client.get(&format!("{address}/reviewers")))?;
    let jobs: Vec<Vec<Job>> = match &item.head_pipeline {
        Some(pipeline) => {
            let address = format!("{}/pipelines/{}/jobs?per_page=100", visit.place.address(), pipeline.id);
            // The pipeline as a whole is known in any case.
            optional(visit.client.get_all(&address))?
        }
        None => Vec::new(),
    };
    let pipelines: Vec<Vec<Pipeline>> =
        optional(visit.client.get_all(&format!("{address}/pipelines?per_page=100")))?;
    Ok(found(&item, &approvals, &reviewers, &jobs.concat(), &pipelines.concat()))
}

/// What an older or smaller GitLab does not have, or a token may not read, is nothing said.
fn optional<T: Default>(read: Result<T, Lost>) -> Result<T, Lost> {
    match read {
        Err(Lost { kind: Kind::Refused(403 | 404), .. }) => Ok(T::default()),
        other => other,
    }
}

/// The pipelines of a commit, of each source the newest, as checks.
pub(super) fn checks_of(visit: &mut Visit, sha: &str) -> Result<Vec<Check>, Lost> {
    let address = format!("{}/pipelines?sha={}&per_page=100", visit.place.address(), encoded(sha));
    let pages: Vec<Vec<Pipeline>> = visit.client.get_all(&address)?;
    Ok(of_pipelines(&pages.concat()))
}

/// Reads what became of a merge request.
pub(super) fn glance(visit: &mut Visit, number: u64) -> Result<Found, Lost> {
    let address = visit.place.pulls(Some(number));
    let item: Item = visit.client.get(&address)?;
    Ok(found(&item, &Approvals::default(), &[], &[], &[]))
}

/// Opens a merge request.
pub(super) fn open(
    visit: &mut Visit,
    head: &str,
    base: &str,
    title: &str,
    body: &str,
) -> Result<Found, Lost> {
    let sent = json!({
        "source_branch": head,
        "target_branch": base,
        "title": title,
        "description": body,
        "squash": true,
    });
    let item: Item = visit.client.send(&Method::POST, &visit.place.pulls(None), &sent)?;
    Ok(found(&item, &Approvals::default(), &[], &[], &[]))
}

/// Adds labels and asks for reviews, besides those who are asked already. Says what could not be
/// done.
pub(super) fn dress(
    visit: &mut Visit,
    number: u64,
    labels: &[String],
    reviewers: &[String],
    asked: &[String],
) -> Vec<String> {
    let address = visit.place.pulls(Some(number));
    let mut undone = Vec::new();
    if !labels.is_empty() {
        let sent = visit.send_again(&Method::PUT, &address, &json!({ "add_labels": labels.join(",") }));
        undone.extend(sent.err().map(|lost| format!("labels were not added: {}", lost.why)));
    }
    if reviewers.is_empty() {
        return undone;
    }
    let mut ids = Vec::new();
    // It takes the whole list, so that those who are asked already are named again.
    for name in asked.iter().chain(reviewers) {
        let users = format!("{}/users?username={}", visit.place.api, encoded(name));
        match visit.client.get::<Vec<User>>(&users) {
            Ok(users) => match users.iter().find(|user| user.username.eq_ignore_ascii_case(name)) {
                Some(user) => ids.push(user.id),
                None => undone.push(format!("no {name} to ask for a review")),
            },
            Err(lost) => {
                undone.push(format!("reviewers were not asked: {}", lost.why));
                return undone;
            }
        }
    }
    let sent = visit.send_again(&Method::PUT, &address, &json!({ "reviewer_ids": ids }));
    undone.extend(sent.err().map(|lost| format!("reviewers were not asked: {}", lost.why)));
    undone
}

/// Merges a merge request by squash, if it still offers this commit.
pub(super) fn merge(visit: &mut Visit, number: u64, commit: &str, title: &str) -> Result<(), Lost> {
    let address = format!("{}/merge", visit.place.pulls(Some(number)));
    let sent = json!({
        "sha": commit,
        "squash": true,
        "squash_commit_message": format!("{title} ({})", visit.place.numbered(number)),
        "should_remove_source_branch": false,
    });
    visit.send(&Method::PUT, &address, &sent).map(drop)
}
