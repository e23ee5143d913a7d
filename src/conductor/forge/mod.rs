//! Asks and tells the places that keep pull requests: GitHub and GitLab, at any address.

mod check_log;
mod client;
mod deployments;
mod github;
mod gitlab;
pub(super) mod issues;
mod look;
mod pipelines;
mod ready;
mod reviews;
mod verdict;
mod wanted;

use std::time::Duration;

use reqwest::Method;
use serde_json::Value as Json;
use zeroize::Zeroizing;

use self::client::Client;
use super::secrets::{Value, get};
use crate::hotfix::forge::{Found, host, tokens};
use crate::plan::forge::Forge;
use crate::plan::forge::Place;
use crate::plan::{SecretFrom, SecretSource};

pub use check_log::{check_log, needs_trust_for_logs};
pub(super) use client::{Kind, Lost, Text};
pub(super) use deployments::Deployment;
pub use look::{Age, Looker};
pub(super) use pipelines::{Page, Started};
pub(super) use reviews::Answered as Reviewed;
pub(super) use wanted::{carry, is_done};

/// A place, and what talks to it.
pub(super) struct Visit {
    client: Client,
    place: Place,
    lacking: reviews::Lacking,
}

impl Visit {
    /// Prepares to talk to a place, for at most so long.
    ///
    /// # Errors
    /// Its address cannot be used, in one line.
    pub(super) fn new(
        place: &Place,
        token: Option<Zeroizing<String>>,
        patience: Duration,
    ) -> Result<Self, String> {
        let client = Client::new(place, token, patience)?;
        Ok(Self { client, place: place.clone(), lacking: reviews::Lacking::default() })
    }

    /// Keeps answers from now on, and asks for them again only if they changed.
    pub(super) fn keep_answers(&mut self) {
        self.client.keep_answers();
    }

    /// Asks each thing once from now on: whoever asks comes back soon.
    pub(super) fn ask_once(&mut self) {
        self.client.ask_once();
    }

    /// How many requests were sent so far. An answer that nothing has changed does not count.
    pub(super) fn counted(&self) -> u32 {
        self.client.counted()
    }

    /// How many requests were sent so far, whatever was answered.
    pub(super) fn sent(&self) -> usize {
        self.client.sent()
    }

    /// Gives it time anew.
    pub(super) fn renew(&mut self, patience: Duration) {
        self.client.renew(patience);
    }

    /// The pull request of a branch into a base that counts, with reviews and checks.
    pub(super) fn find(&mut self, head: &str, base: &str) -> Result<Option<Found>, Lost> {
        match self.number(head, base)? {
            Some(number) => self.read(number).map(Some),
            None => Ok(None),
        }
    }

    /// The number of that pull request.
    fn number(&mut self, head: &str, base: &str) -> Result<Option<u64>, Lost> {
        match self.place.forge {
            Forge::Github => github::number(self, head, base),
            Forge::Gitlab => gitlab::number(self, head, base),
        }
    }

    /// Reads a pull request with reviews and checks.
    fn read(&mut self, number: u64) -> Result<Found, Lost> {
        match self.place.forge {
            Forge::Github => github::read(self, number),
            Forge::Gitlab => gitlab::read(self, number),
        }
    }

    /// Reads a pull request without: what became of it.
    fn glance(&mut self, number: u64) -> Result<Found, Lost> {
        match self.place.forge {
            Forge::Github => github::glance(self, number),
            Forge::Gitlab => gitlab::glance(self, number),
        }
    }

    fn send(&mut self, method: &Method, address: &str, body: &Json) -> Result<Json, Lost> {
        self.client.send(method, address, body)
    }
}

/// The first of the places a token may come from that has one. `configured` tells that the address
/// of the API is the team's own and trusted.
pub(super) fn token(place: &Place, configured: bool) -> Option<(SecretSource, Value)> {
    let variable = match place.forge {
        Forge::Github => "GH_HOST",
        Forge::Gitlab => "GITLAB_HOST",
    };
    let named = std::env::var(variable).ok();
    let named = named.as_deref().map(host);
    tokens(place, configured, named).into_iter().find_map(|source| {
        // What is unset is no more than that; looking for it is no failure.
        let is_there = match &source.from {
            SecretFrom::Env(name) => std::env::var_os(name).is_some_and(|value| !value.is_empty()),
            SecretFrom::Command(command) => command.argv.first().is_some_and(|program| which(program)),
            SecretFrom::File(_) => true,
        };
        let value = if is_there { get(&source).ok() } else { None }?;
        Some((source, value))
    })
}

/// Tells whether there is such a program on PATH.
fn which(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

/// The value of a token as text.
pub(super) fn text_of(value: &Value) -> Option<Zeroizing<String>> {
    std::str::from_utf8(value).ok().map(|text| Zeroizing::new(text.to_owned()))
}
