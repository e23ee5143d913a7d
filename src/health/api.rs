//! What is the same for all servers that are asked about the service: one question at a time each, and what
//! is said of one that gives no proper answer. Such a server is not the service: where it fails
//! there is no data, and nothing is down. Touches the network through `exchange`.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::SignedDuration;
use reqwest::Url;
use tokio::sync::OwnedMutexGuard;

use super::answer::{MAX_BODY, Trouble};
use super::http::request;
use super::series::Verdict;
use crate::exchange::{Exchange, Policy, Redirect, Reply, Request, complaint, place};
use crate::failure::Fault;
use crate::incident::duration;
use crate::text::mask::Masker;

/// The servers that are asked: a question waits for the one before.
#[derive(Debug, Default)]
pub(super) struct Servers(Mutex<HashMap<String, Arc<tokio::sync::Mutex<()>>>>);

impl Servers {
    fn turn(&self, url: &Url) -> Arc<tokio::sync::Mutex<()>> {
        let mut servers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(servers.entry(place(url)).or_default())
    }
}

/// A server whose turn it is, until this is dropped.
pub(super) struct Server<'a> {
    exchange: &'a Exchange,
    /// Its address, with the headers it is sent.
    pub(super) base: Request,
    until: Instant,
    _turn: OwnedMutexGuard<()>,
}

impl<'a> Server<'a> {
    /// Waits for the turn of a question, all of which has to be done within `timeout`.
    pub(super) async fn of(
        exchange: &'a Exchange,
        servers: &Servers,
        url: &str,
        headers: &BTreeMap<String, String>,
        timeout: Duration,
    ) -> Result<Self, Trouble> {
        let until = Instant::now() + timeout;
        let base = request(url, headers).map_err(silent)?;
        let turn = servers.turn(&base.url);
        let Ok(turn) = tokio::time::timeout(timeout, turn.lock_owned()).await else {
            let why = format!("{} was still busy with the questions before this one", place(&base.url));
            return Err(silent(Trouble::new(Fault::Timeout, why)));
        };
        Ok(Self { exchange, base, until, _turn: turn })
    }

    /// What time is left.
    pub(super) fn left(&self) -> Duration {
        self.until.saturating_duration_since(Instant::now())
    }

    /// Sends a request.
    pub(super) async fn send(&self, request: &Request) -> Result<Reply, Trouble> {
        let policy = Policy { body: MAX_BODY, resends: true, ..Policy::within(self.left()) };
        self.exchange.send(request, &policy).await.map_err(|lost| silent(lost.into()))
    }

    /// The address of a part of its API: `/api/v1/query` below the path that is configured, which may end
    /// with as much of it as people copy.
    pub(super) fn below(&self, path: &str) -> Url {
        let mut url = self.base.url.clone();
        let given = url.path().trim_end_matches('/');
        let version = path.rsplit_once('/').map_or(path, |(version, _)| version);
        let base = [path, version].into_iter().find_map(|copied| given.strip_suffix(copied)).unwrap_or(given);
        let whole = format!("{base}{path}");
        url.set_path(&whole);
        url
    }
}

/// What does not answer is not the service that is looked at.
pub(super) fn silent(trouble: Trouble) -> Trouble {
    Trouble { verdict: Verdict::NoData, ..trouble }
}

/// Why a reply is none: a headline, and a sentence to follow on the server's place.
pub(super) type Refusal = (String, String);

/// Tells of a reply that redirects elsewhere or is not whole.
pub(super) fn astray(reply: &Reply) -> Option<Refusal> {
    if let Some(redirect) = &reply.redirect {
        let target = match redirect {
            Redirect::To(url) => format!("{}://{}", url.scheme(), place(url)),
            Redirect::Nowhere(what) => what.clone(),
        };
        let why = format!("redirects to {target}, which is not asked; give that address if it is right");
        return Some((reply.status.to_string(), why));
    }
    let unfinished = reply.unfinished.as_ref()?;
    let what = match unfinished.fault {
        Fault::TooLong => "sent more than can be read; ask for less",
        _ => "broke off in the middle of its answer",
    };
    Some((unfinished.fault.headline().into_owned(), what.to_owned()))
}

/// Tells of a reply that is not one of the API of `name`. What it says is shown without secrets.
pub(super) fn refusal(reply: &Reply, name: &str, masker: &Masker) -> Refusal {
    let status = reply.status;
    let what = match status {
        200..300 => {
            format!("answers something that is not the API of {name}; see whether the address is right")
        }
        401 | 403 => format!("answers {status}: it needs credentials, or others than these"),
        404 => {
            let below = name.to_lowercase();
            format!(
                "answers 404: there is no API of {name}; give the path it is below, as in https://host/{below}"
            )
        }
        429 => {
            let wait = reply.retry_after().and_then(|wait| SignedDuration::try_from(wait).ok());
            let wait =
                wait.map_or_else(String::new, |wait| format!("; it asks to wait for {}", duration(wait)));
            format!("answers 429: too many questions{wait}")
        }
        _ => match complaint(&reply.body, |said| masker.mask(said).into_owned()) {
            Some(said) => format!("answers {status}: {said}"),
            None => format!("answers {status}"),
        },
    };
    (status.to_string(), what)
}
