//! Deployments that are reported to a code host: made once, and told how they stand.

use jiff::Timestamp;
use reqwest::Method;
use serde_json::json;

use super::Visit;
use super::client::Lost;
use crate::deploy::pipeline::{github, gitlab};
use crate::incident::Reported;
use crate::plan::forge::{Forge, encoded};

/// Most characters of a description that GitHub takes.
const LONGEST: usize = 140;

/// A deployment, as it is reported.
#[derive(Debug)]
pub(in super::super) struct Deployment {
    /// What it is found by again where the answer was lost.
    pub(in super::super) key: String,
    pub(in super::super) commit: String,
    pub(in super::super) reference: String,
    pub(in super::super) tag: Option<String>,
    pub(in super::super) environment: String,
    pub(in super::super) url: String,
    /// Where its output can be read; may be empty.
    pub(in super::super) log: String,
    pub(in super::super) title: String,
    pub(in super::super) production: bool,
    /// It was made no earlier.
    pub(in super::super) since: Timestamp,
    /// Deployments that it is not.
    pub(in super::super) known: Vec<String>,
}

impl Visit {
    /// The deployment at its host: found there, else made. Tells what it is known by.
    pub(in super::super) fn deployment(&mut self, of: &Deployment, state: Reported) -> Result<String, Lost> {
        let address = format!("{}/deployments", self.place.address());
        let environment = encoded(&of.environment);
        match self.place.forge {
            Forge::Github => {
                let query = format!("sha={}&environment={environment}&per_page=30", encoded(&of.commit));
                let there: Vec<github::Deployment> = self.client.get(&format!("{address}?{query}"))?;
                if let Some(ours) = there.iter().find(|one| one.is_ours(&of.key)) {
                    return Ok(ours.id.to_string());
                }
                // What it asks of a commit beforehand was asked by our gates; it is to merge nothing.
                let sent = json!({
                    "ref": of.commit,
                    "auto_merge": false,
                    "required_contexts": [],
                    "payload": { "flightdeck": of.key },
                    "environment": of.environment,
                    "description": cut(&of.title),
                    "production_environment": of.production,
                });
                let made: github::Deployment = self.client.send(&Method::POST, &address, &sent)?;
                Ok(made.id.to_string())
            }
            Forge::Gitlab => {
                let query = format!("environment={environment}&order_by=id&sort=desc&per_page=20");
                let there: Vec<gitlab::Deployment> = self.client.get(&format!("{address}?{query}"))?;
                let ours = |one: &&gitlab::Deployment| {
                    one.was_told(&of.commit, of.since) && !of.known.contains(&one.id.to_string())
                };
                if let Some(ours) = there.iter().find(ours) {
                    return Ok(ours.id.to_string());
                }
                let (reference, is_tag) = match &of.tag {
                    Some(tag) => (tag, true),
                    None => (&of.reference, false),
                };
                let sent = json!({
                    "environment": of.environment,
                    "sha": of.commit,
                    "ref": reference,
                    "tag": is_tag,
                    "status": gitlab_status(state).unwrap_or("running"),
                });
                let made: gitlab::Deployment = self.client.send(&Method::POST, &address, &sent)?;
                Ok(made.id.to_string())
            }
        }
    }

    /// Tells how a deployment stands by now.
    pub(in super::super) fn deployment_stands(
        &mut self,
        id: &str,
        of: &Deployment,
        state: Reported,
    ) -> Result<(), Lost> {
        let address = format!("{}/deployments/{}", self.place.address(), encoded(id));
        match self.place.forge {
            Forge::Github => {
                let mut sent = json!({ "state": github_state(state), "description": cut(&of.title) });
                for (key, value) in [("environment_url", &of.url), ("log_url", &of.log)] {
                    if !value.is_empty() {
                        sent[key] = value.as_str().into();
                    }
                }
                let address = format!("{address}/statuses");
                self.client.tell(&Method::POST, &address, Some(&sent)).map(drop)
            }
            Forge::Gitlab => {
                let Some(status) = gitlab_status(state) else { return Ok(()) };
                let there: gitlab::Deployment = self.client.get(&address)?;
                // It takes no state twice.
                if there.status == status {
                    return Ok(());
                }
                self.client.tell(&Method::PUT, &address, Some(&json!({ "status": status }))).map(drop)
            }
        }
    }
}

fn github_state(state: Reported) -> &'static str {
    match state {
        Reported::Running => "in_progress",
        Reported::Succeeded => "success",
        Reported::Failed | Reported::Cancelled => "failure",
        Reported::Inactive => "inactive",
        Reported::Unknown => "error",
    }
}

/// As GitLab says it; `None`: it has no word for that.
fn gitlab_status(state: Reported) -> Option<&'static str> {
    match state {
        Reported::Running => Some("running"),
        Reported::Succeeded => Some("success"),
        Reported::Failed => Some("failed"),
        Reported::Cancelled => Some("canceled"),
        Reported::Inactive | Reported::Unknown => None,
    }
}

fn cut(text: &str) -> String {
    if text.chars().count() <= LONGEST {
        return text.to_owned();
    }
    text.chars().take(LONGEST - 1).chain(['…']).collect()
}
