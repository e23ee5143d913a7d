//! Issues for what is left to do: one each, known by a marker in its body. It is looked for before it is
//! sent, and after anything that went wrong.

use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value as Json, json};

use super::super::call::Answered;
use super::client::{Kind, Lost};
use super::wanted::answered;
use super::{Visit, text_of, token};
use crate::hotfix::forge::place;
use crate::plan::forge::{Forge, Issue, IssueSeen, Place, encoded};
use crate::text::address::is_page;

/// An issue as both answer it, by their own names.
#[derive(Deserialize)]
struct Item {
    #[serde(alias = "iid")]
    number: u64,
    #[serde(alias = "web_url")]
    html_url: String,
    state: String,
    #[serde(default, alias = "description")]
    body: Option<String>,
    /// GitHub lists pull requests among the issues.
    #[serde(default)]
    pull_request: Option<Json>,
}

impl Visit {
    /// The issue that has a marker in its body; of several the first.
    pub(in super::super) fn issue(&mut self, marker: &str, since: &str) -> Result<Option<IssueSeen>, Lost> {
        let all = self.issues(since)?;
        let has = |item: &&Item| item.body.as_ref().is_some_and(|body| body.contains(marker));
        let found = all.iter().filter(|item| item.pull_request.is_none()).filter(has);
        found.min_by_key(|item| item.number).map(|item| self.seen(item)).transpose()
    }

    /// The issue of a number; `None`: it is gone, or we may not see it any more.
    pub(in super::super) fn issue_numbered(&mut self, number: u64) -> Result<Option<IssueSeen>, Lost> {
        match self.client.get::<Item>(&format!("{}/{number}", self.place.issues())) {
            Ok(item) => self.seen(&item).map(Some),
            Err(Lost { kind: Kind::Refused(404 | 410), .. }) => Ok(None),
            Err(lost) => Err(lost),
        }
    }

    /// What an answer says of an issue. Of its address nothing is taken that is not just that, and of its
    /// state no word that is not known: a follow-up ends with it.
    fn seen(&self, item: &Item) -> Result<IssueSeen, Lost> {
        let open = match item.state.as_str() {
            // Here, and there.
            "open" | "opened" | "reopened" => true,
            "closed" => false,
            other => {
                let said: String = self.client.masked(other).chars().take(40).collect();
                let why = format!(
                    "the state of issue #{} is “{said}”, which flightdeck does not know",
                    item.number
                );
                return Err(Lost { why, kind: Kind::Odd });
            }
        };
        let url = self.client.masked(&item.html_url);
        let url = if is_page(&url) { url } else { String::new() };
        Ok(IssueSeen { number: item.number, url, open })
    }

    fn issues(&mut self, since: &str) -> Result<Vec<Item>, Lost> {
        let query = match self.place.forge {
            // What was made since was changed since, too.
            Forge::Github => format!("state=all&since={}", encoded(since)),
            Forge::Gitlab => format!("scope=all&created_after={}", encoded(since)),
        };
        let address = format!("{}?{query}&per_page=100", self.place.issues());
        let pages: Vec<Vec<Item>> = self.client.get_all(&address)?;
        Ok(pages.into_iter().flatten().collect())
    }

    /// Whether it is there.
    pub(super) fn issue_done(&mut self, issue: &Issue) -> Result<Option<IssueSeen>, Lost> {
        self.issue(&issue.marker, &issue.since)
    }

    /// Opens it, where it is not there yet. What was sent and not answered is looked for, and never sent
    /// again: a list may lag behind.
    pub(super) fn open_issue(&mut self, issue: &Issue) -> Answered {
        let mut attempt = 0;
        loop {
            match self.issue_done(issue) {
                Ok(Some(seen)) => return Answered::Told { line: seen.line() },
                Ok(None) => {}
                Err(lost) => return answered(lost),
            }
            let lost = match self.send_issue(issue) {
                Ok(seen) => return Answered::Told { line: seen.line() },
                Err(lost) => lost,
            };
            if matches!(lost.kind, Kind::Unclear | Kind::Busy(_) | Kind::Odd) {
                return match self.issue_done(issue) {
                    Ok(Some(seen)) => Answered::Told { line: seen.line() },
                    _ => answered(lost),
                };
            }
            if let Err(lost) = self.client.rest(lost, attempt) {
                return answered(lost);
            }
            attempt += 1;
        }
    }

    fn send_issue(&mut self, issue: &Issue) -> Result<IssueSeen, Lost> {
        let sent = match self.place.forge {
            Forge::Github => json!({ "title": issue.title, "body": issue.body }),
            Forge::Gitlab => json!({ "title": issue.title, "description": issue.body }),
        };
        let address = self.place.issues();
        let item: Item = self.client.send(&Method::POST, &address, &sent)?;
        self.seen(&item)
    }
}

/// A place with what lets us in.
///
/// # Errors
/// There is no such place, or nothing lets us in: in a line.
pub(in super::super) fn door(
    config: &crate::config::types::Config,
    remote: Option<&str>,
) -> Result<(Place, crate::plan::SecretSource, super::super::secrets::Value), String> {
    let place = place(&config.hotfix.pull, remote).map_err(|none| none.0)?;
    let configured = !config.hotfix.pull.api.is_empty();
    let (source, value) = token(&place, configured).ok_or_else(|| super::super::pull::no_token(&place))?;
    Ok((Place { token: source.name.clone(), ..place }, source, value))
}

/// Prepares to read issues.
///
/// # Errors
/// The address cannot be used, in one line.
pub(in super::super) fn visit(
    place: &Place,
    value: &super::super::secrets::Value,
    patience: std::time::Duration,
) -> Result<Visit, String> {
    Visit::new(place, text_of(value), patience)
}
