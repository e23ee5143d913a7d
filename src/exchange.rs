//! All HTTP goes through here: one request and its answer, by a policy. Probes, calls of steps and
//! code hosts say how long it may take, how much is read, and where it may be redirected to; what is
//! the same for all is decided once.
//!
//! - TLS is verified, and never given up for plain text.
//! - Credentials go to the origin they were meant for. What is redirected elsewhere goes there
//!   without headers, user and password, or not at all.
//! - What changes something is sent once. A question is asked again only where the policy says so.
//! - Body and time have a limit, whatever the server does.
//! - What is told of it names host and port, never user, password, path or query.
//!
//! Touches the network.

mod clients;
mod phases;
mod runtime;
mod tail;
mod words;

use std::time::Duration;

use reqwest::header::{HeaderMap, LOCATION, RANGE, RETRY_AFTER};
use reqwest::{Method, Response, Url};
use tokio::time::{Instant, sleep, timeout_at};

pub use self::clients::{Exchange, Identification};
pub use self::phases::Phases;
use self::phases::Watch;
pub use self::runtime::Runtime;
use self::tail::{Part, Window};
pub use self::words::{complaint, place, retry_after};
use self::words::{spelled, trouble};
use crate::failure::Fault;

/// Most bytes of a body that are read where a policy says nothing else.
pub const MAX_BODY: usize = 1 << 20;
/// The shortest pause before a question is asked again.
const PAUSE: Duration = Duration::from_millis(250);

/// What is sent.
#[derive(Debug, Clone)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// Where to. User and password in it are sent as such.
    pub url: Url,
    /// Headers. They go to the origin of the address and nowhere else.
    pub headers: HeaderMap,
    /// The body; may be empty.
    pub body: Vec<u8>,
}

impl Request {
    /// A question.
    pub fn get(url: Url) -> Self {
        Self { method: Method::GET, url, headers: HeaderMap::new(), body: Vec::new() }
    }

    /// Tells whether it changes nothing, so that it can be asked again.
    pub fn reads(&self) -> bool {
        matches!(self.method, Method::GET | Method::HEAD)
    }
}

/// How an exchange is done.
#[derive(Debug, Clone, Copy)]
pub struct Policy<'a> {
    /// The longest all of it may take: redirects, pauses and the body included.
    pub time: Duration,
    /// Most bytes of the body that are read.
    pub body: usize,
    /// Most redirects that are followed.
    pub redirects: usize,
    /// Whether they are followed to another origin, too.
    pub elsewhere: bool,
    /// Whether what changes something is sent on by a redirect that keeps its method. If not, only
    /// questions are redirected.
    pub resends: bool,
    /// Whether a question is asked again when a server says to come back later.
    pub comes_back: bool,
    /// Whether a connection that is open from before will do.
    pub kept: bool,
    /// Whether the end of the body is wanted, where it is longer than what is read of it.
    pub tail: bool,
    /// Statuses that are the answer, though they redirect or put off.
    pub wanted: &'a [u16],
}

impl Policy<'_> {
    /// Follows a few redirects within the origin, and asks once.
    pub fn within(time: Duration) -> Self {
        let (elsewhere, resends, comes_back, kept, tail) = (false, false, false, false, false);
        Self { time, body: MAX_BODY, redirects: 5, elsewhere, resends, comes_back, kept, tail, wanted: &[] }
    }
}

/// An answer.
#[derive(Debug)]
pub struct Reply {
    /// The status.
    pub status: u16,
    /// Who answered: the address, or the last one that it was redirected to.
    pub url: Url,
    /// The headers.
    pub headers: HeaderMap,
    /// What came of the body.
    pub body: Vec<u8>,
    /// Whether only its end is there.
    pub is_end: bool,
    /// Where it redirects to, which was not followed.
    pub redirect: Option<Redirect>,
    /// How long it took from the first request to the end of the body.
    pub took: Duration,
    /// How long the parts of that took.
    pub phases: Phases,
    /// Why the body is not whole; `None`: it is.
    pub unfinished: Option<Lost>,
}

/// Where an answer redirects to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Redirect {
    /// There.
    To(Url),
    /// To something that is not an HTTP address: in words.
    Nowhere(String),
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lost {
    /// What went wrong.
    pub fault: Fault,
    /// In one line.
    pub why: String,
    /// Whether it may have been received all the same.
    pub sent: bool,
}

impl Reply {
    /// How long the server asks to be left alone.
    pub fn retry_after(&self) -> Option<Duration> {
        asked_to_wait(&self.headers)
    }
}

impl Exchange {
    /// Sends a request and reads its answer.
    ///
    /// # Errors
    /// There is no answer. Whatever its status, an answer is none; nor is half a body, of which
    /// `Reply::unfinished` tells.
    pub async fn send(&self, request: &Request, policy: &Policy<'_>) -> Result<Reply, Lost> {
        let started = Instant::now();
        let until = started + policy.time;
        let origin = request.url.origin();
        let mut url = request.url.clone();
        let (mut is_home, mut redirects, mut phases) = (true, 0, Phases::default());
        let mut part = Part::wanted(policy);
        loop {
            let response = self.once(request, (&url, is_home), until, policy, part, &mut phases).await?;
            let status = response.status().as_u16();
            let redirect = redirect(&response, &url);
            let is_answer = policy.wanted.contains(&status);
            if let Some(Redirect::To(next)) = &redirect
                && !is_answer
                && redirects < policy.redirects
                && (policy.elsewhere || next.origin() == origin)
                && (request.reads() || policy.resends && matches!(status, 307 | 308))
            {
                redirects += 1;
                // Once elsewhere, credentials stay away even if it leads back here.
                is_home = is_home && next.origin() == origin;
                url = credited(next.clone(), is_home.then_some(&request.url));
                continue;
            }
            if status == 429 && policy.comes_back && request.reads() && !is_answer {
                let wait = asked_to_wait(response.headers()).unwrap_or_default().max(PAUSE);
                let again = Instant::now().checked_add(wait).filter(|again| *again < until);
                if let Some(again) = again {
                    sleep(again - Instant::now()).await;
                    continue;
                }
            }
            if let Some(closer) = part.closer(&response, policy) {
                part = closer;
                continue;
            }
            let place = place(&request.url);
            let reply = read(response, redirect, started, phases, policy, &place).await;
            return Ok(Reply { url, ..reply });
        }
    }

    async fn once(
        &self,
        request: &Request,
        (url, is_home): (&Url, bool),
        until: Instant,
        policy: &Policy<'_>,
        part: Part,
        phases: &mut Phases,
    ) -> Result<Response, Lost> {
        let Ok(client) = timeout_at(until, self.client(url, policy.kept)).await else {
            let why = format!("certificates were not read within {}", spelled(policy.time));
            return Err(Lost { fault: Fault::NoClient, why, sent: false });
        };
        let client = client?;
        let mut asked = client.request(request.method.clone(), url.clone());
        if is_home {
            asked = asked.headers(request.headers.clone());
        }
        if let Some(range) = part.header(policy) {
            asked = asked.header(RANGE, range);
        }
        if !request.body.is_empty() {
            asked = asked.body(request.body.clone());
        }
        let watch = Watch::default();
        let sent = timeout_at(until, watch.over(asked.send())).await;
        watch.add_to(phases);
        let Ok(sent) = sent else {
            let (place, time, how_far) = (place(&request.url), spelled(policy.time), watch.how_far());
            let why = format!("{place} did not answer within {time}; {how_far}");
            return Err(Lost { fault: Fault::Timeout, why, sent: true });
        };
        sent.map_err(|error| trouble(&error, &place(url)))
    }
}

/// An address with the user and password of another, or with none.
fn credited(mut url: Url, from: Option<&Url>) -> Url {
    let (user, password) = from.map_or(("", None), |from| (from.username(), from.password()));
    // Fails only for addresses without a host, which http cannot have.
    let _ = url.set_username(user);
    let _ = url.set_password(password);
    url
}

/// Where a response redirects to; `None` if it does not.
fn redirect(response: &Response, url: &Url) -> Option<Redirect> {
    if !matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
        return None;
    }
    let target = response.headers().get(LOCATION)?;
    let target = target.to_str().ok().and_then(|target| url.join(target).ok());
    Some(match target {
        Some(target) if matches!(target.scheme(), "http" | "https") => Redirect::To(target),
        Some(target) => Redirect::Nowhere(format!("a {} address", target.scheme())),
        None => Redirect::Nowhere("something that is not an address".to_owned()),
    })
}

fn asked_to_wait(headers: &HeaderMap) -> Option<Duration> {
    retry_after(headers.get(RETRY_AFTER)?.to_str().ok()?)
}

/// Reads a body up to the limit. The status is known by now, so half a body is no reason to forget
/// it.
async fn read(
    mut response: Response,
    redirect: Option<Redirect>,
    started: Instant,
    mut phases: Phases,
    policy: &Policy<'_>,
    place: &str,
) -> Reply {
    let head = Instant::now();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let mut window = Window::new(policy, &response);
    let lost = |fault, why| Some(Lost { fault, why, sent: true });
    let unfinished = loop {
        match timeout_at(started + policy.time, response.chunk()).await {
            Ok(Ok(None)) => break None,
            Ok(Ok(Some(chunk))) => {
                if !window.take(&chunk) {
                    let most = match window.most() >> 20 {
                        0 => format!("{} KiB", window.most() >> 10),
                        mib => format!("{mib} MiB"),
                    };
                    break lost(Fault::TooLong, format!("{place} sent more than {most}"));
                }
            }
            Ok(Err(_)) => {
                let read = window.read();
                let why = format!("{place} broke off in the middle of its answer, after {read} bytes");
                break lost(Fault::HalfBody, why);
            }
            Err(_) => {
                let time = spelled(policy.time);
                break lost(
                    Fault::Timeout,
                    format!("{place} began to answer but was not done within {time}"),
                );
            }
        }
    };
    phases.body = head.elapsed();
    let (url, took) = (response.url().clone(), started.elapsed());
    let (body, is_end) = window.close();
    Reply { status, url, headers, body, is_end, redirect, took, phases, unfinished }
}
