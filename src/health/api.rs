//! What is the same for all servers that are asked about the service: one question at a time each, and what
//! is said of one that gives no proper answer. Such a server is not the service: where it fails
//! there is no data, and nothing is down. Touches the network through `exchange`.

use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasher as _, RandomState};
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

/// The longest a server is left alone because it asked for that.
const LONGEST: Duration = Duration::from_secs(3600);

/// The servers that are asked: a question waits for the one before.
#[derive(Debug, Default)]
pub(super) struct Servers(Mutex<HashMap<String, Arc<Place>>>);

/// A server by its place.
#[derive(Debug, Default)]
struct Place {
    turn: Arc<tokio::sync::Mutex<()>>,
    /// Until when it asked to be left alone.
    quiet: Mutex<Option<Instant>>,
}

impl Servers {
    fn place(&self, place: String) -> Arc<Place> {
        let mut servers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(servers.entry(place).or_default())
    }

    /// Waits for the turn of a question that is not asked over HTTP; it ends with what is given back.
    #[cfg(feature = "postgres")]
    pub(super) async fn turn(&self, place: &str, timeout: Duration) -> Result<OwnedMutexGuard<()>, Trouble> {
        let turn = Arc::clone(&self.place(place.to_owned()).turn);
        tokio::time::timeout(timeout, turn.lock_owned()).await.map_err(|_| busy(place))
    }
}

/// A server whose turn it is, until this is dropped.
pub(super) struct Server<'a> {
    exchange: &'a Exchange,
    /// Its address, with the headers it is sent.
    pub(super) base: Request,
    until: Instant,
    place: Arc<Place>,
    _turn: OwnedMutexGuard<()>,
}

impl<'a> Server<'a> {
    /// Waits for the turn of a question, all of which has to be done within `timeout`. A server that asked
    /// to be left alone is.
    pub(super) async fn of(
        exchange: &'a Exchange,
        servers: &Servers,
        url: &str,
        headers: &BTreeMap<String, String>,
        timeout: Duration,
    ) -> Result<Self, Trouble> {
        let until = Instant::now() + timeout;
        let base = request(url, headers).map_err(silent)?;
        let here = servers.place(place(&base.url));
        let Ok(turn) = tokio::time::timeout(timeout, Arc::clone(&here.turn).lock_owned()).await else {
            return Err(busy(&place(&base.url)));
        };
        let quiet = *here.quiet.lock().unwrap_or_else(PoisonError::into_inner);
        let left = quiet.map(|quiet| quiet.saturating_duration_since(Instant::now()));
        if let Some(left) = left.filter(|left| !left.is_zero()) {
            let left = SignedDuration::try_from(left).unwrap_or_default();
            let why = format!(
                "{} asked to be left alone; it is asked again in {}: ask it less often",
                place(&base.url),
                duration(left)
            );
            return Err(silent(Trouble::new(Fault::Config, why)));
        }
        Ok(Self { exchange, base, until, place: here, _turn: turn })
    }

    /// What time is left.
    pub(super) fn left(&self) -> Duration {
        self.until.saturating_duration_since(Instant::now())
    }

    /// Sends a request.
    pub(super) async fn send(&self, request: &Request) -> Result<Reply, Trouble> {
        let policy = Policy { body: MAX_BODY, resends: true, ..Policy::within(self.left()) };
        let reply = self.exchange.send(request, &policy).await.map_err(|lost| silent(lost.into()))?;
        if let Some(wait) = put_off(&reply) {
            // Others were put off, too: not all come back at once.
            let jitter = wait
                .mul_f64(f64::from(RandomState::new().hash_one(wait) as u16) / f64::from(u16::MAX) / 10.0);
            *self.place.quiet.lock().unwrap_or_else(PoisonError::into_inner) =
                Instant::now().checked_add(wait + jitter);
        }
        Ok(reply)
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

/// How long a server that answers 429 wants to be left alone. (Datadog tells the seconds until its count
/// begins anew.)
fn put_off(reply: &Reply) -> Option<Duration> {
    if reply.status != 429 {
        return None;
    }
    let reset = || {
        reply.headers.get("x-ratelimit-reset")?.to_str().ok()?.trim().parse().ok().map(Duration::from_secs)
    };
    let wait = reply.retry_after().or_else(reset)?;
    Some(wait.min(LONGEST))
}

/// A server that was not done with the questions before.
fn busy(place: &str) -> Trouble {
    let why = format!("{place} was still busy with the questions before this one");
    silent(Trouble::new(Fault::Timeout, why))
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
            let as_in = match name {
                "Datadog" => "the address of your site, as in https://api.datadoghq.eu".to_owned(),
                _ => format!("the path it is below, as in https://host/{}", name.to_lowercase()),
            };
            format!("answers 404: no API of {name}; give {as_in}")
        }
        429 => {
            let wait = put_off(reply).and_then(|wait| SignedDuration::try_from(wait).ok());
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
