//! Makes the HTTP calls of steps, and asks the proofs that are calls.
//!
//! What matters about a call that went wrong is whether it may have done it all the same. A
//! connection that never came about, and an answer of 4xx, say it was not; silence after it was
//! sent, a broken connection and 5xx say nothing.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use reqwest::{Method, Response, Url};
use tokio::time::{Instant, sleep, timeout_at};

use super::ask::is_same;
use super::mask::Masker;
use crate::health::answer::{Answer, MAX_BODY};
use crate::health::http::{Http, place, redirect, trouble};
use crate::incident::{Proof, duration};
use crate::plan::HttpCall;
use crate::text::address::without_credentials;
use crate::text::visible;

/// The longest a connection may take to come about.
const CONNECT: Duration = Duration::from_secs(10);
/// Most redirects that are followed.
const MAX_REDIRECTS: usize = 5;
/// The shortest pause before a question is asked again.
const PAUSE: Duration = Duration::from_millis(250);
/// Characters of what a server complains of that are passed on.
const LONGEST: usize = 160;

/// What became of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Answered {
    /// The server says it is done.
    Wanted {
        /// The status.
        status: u16,
        /// What came of the body, at most a megabyte.
        body: Vec<u8>,
    },
    /// It is done, as was read there afterwards.
    Told {
        /// What was read, in one line.
        line: String,
    },
    /// It was surely not done.
    Refused {
        /// Why and what to do, in one line.
        why: String,
    },
    /// It may have been done.
    Unclear {
        /// What was seen, in one line.
        why: String,
    },
}

/// Makes a call, once. Values of secrets come from `secret` and stand in no text that is
/// returned. Takes no longer than `patience`.
pub(super) fn call(call: &HttpCall, secret: &dyn Fn(&str) -> Option<String>, patience: Duration) -> Answered {
    match exchange(call, secret, patience) {
        Ok((ready, reply)) => match judge(call, &ready, &reply) {
            Ok(()) => Answered::Wanted { status: reply.status, body: reply.answer.body },
            Err(lost) => lost.into(),
        },
        Err(lost) => lost.into(),
    }
}

/// Asks by a call whether something is so. Anything but a clear answer is unknown.
pub(super) fn ask_http(
    call: &HttpCall,
    path: &str,
    expect: Option<&str>,
    negate: bool,
    secret: &dyn Fn(&str) -> Option<String>,
    patience: Duration,
) -> (Proof, String) {
    match text_at(call, path, expect.is_some(), secret, patience) {
        Err(why) => (Proof::Unknown, why),
        Ok(text) => {
            let holds = expect.is_none_or(|expected| is_same(expected, &text));
            let wanted = match expect {
                Some(expected) if holds == negate && negate => format!(", and is not to be {expected}"),
                Some(expected) if holds == negate => format!(", expected {expected}"),
                _ => String::new(),
            };
            let proof = if holds == negate { Proof::NotDone } else { Proof::Done };
            (proof, visible(&format!("it answers {text}{wanted}")).into_owned())
        }
    }
}

/// Reads the text at a path of a JSON answer; of a call that is only about its status, that.
///
/// # Errors
/// There is no such text, or no wanted answer: why, in one line.
pub(super) fn text_at(
    call: &HttpCall,
    path: &str,
    wants_text: bool,
    secret: &dyn Fn(&str) -> Option<String>,
    patience: Duration,
) -> Result<String, String> {
    let (ready, reply) = exchange(call, secret, patience).map_err(Lost::why)?;
    judge(call, &ready, &reply).map_err(Lost::why)?;
    if !wants_text {
        return Ok(reply.status.to_string());
    }
    if let Some(why) = &reply.broken {
        return Err(format!("{} {why}", ready.place));
    }
    let text = reply.answer.text_at(path).map_err(|why| format!("{}: {why}", ready.place))?;
    Ok(ready.masked(&text))
}

/// Why there is no answer that counts.
enum Lost {
    /// Nothing was done.
    Refused(String),
    /// It may have been done.
    Unclear(String),
}

impl Lost {
    fn why(self) -> String {
        match self {
            Self::Refused(why) | Self::Unclear(why) => why,
        }
    }
}

impl From<Lost> for Answered {
    fn from(lost: Lost) -> Self {
        match lost {
            Lost::Refused(why) => Self::Refused { why: visible(&why).into_owned() },
            Lost::Unclear(why) => Self::Unclear { why: visible(&why).into_owned() },
        }
    }
}

/// A call with its secrets filled in.
struct Ready {
    method: Method,
    url: Url,
    headers: HeaderMap,
    body: String,
    /// Host and port, for texts.
    place: String,
    /// The secrets it carries: names and values.
    secrets: Vec<(String, String)>,
}

impl Ready {
    /// Fills the secrets in. What cannot be sent is refused here, before anything is.
    fn new(call: &HttpCall, secret: &dyn Fn(&str) -> Option<String>) -> Result<Self, String> {
        let method = match call.method.as_str() {
            "GET" => Method::GET,
            "HEAD" => Method::HEAD,
            "POST" => Method::POST,
            "PUT" => Method::PUT,
            "PATCH" => Method::PATCH,
            "DELETE" => Method::DELETE,
            other => return Err(format!("{} is not a method it can be called with", visible(other))),
        };
        if call.url.contains("{secret:") {
            return Err("a secret cannot stand in an address: send it in a header".to_owned());
        }
        let url = Url::parse(&call.url).map_err(|e| format!("its address is not valid: {e}"))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(format!(
                "{} is not an http:// or https:// address",
                visible(&without_credentials(&call.url))
            ));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("its address holds a user or password: send them in a header, as a secret".to_owned());
        }
        let mut secrets = Vec::new();
        let mut headers = HeaderMap::new();
        for (name, value) in &call.headers {
            let filled = fill(value, secret, &mut secrets)?;
            let unfit =
                || format!("the header {} cannot be sent: it holds what no header can", visible(name));
            let mut value = HeaderValue::from_str(&filled).map_err(|_| unfit())?;
            value.set_sensitive(true);
            headers.append(HeaderName::from_bytes(name.as_bytes()).map_err(|_| unfit())?, value);
        }
        let body = fill(&call.body, secret, &mut secrets)?;
        let place = place(&url);
        Ok(Self { method, url, headers, body, place, secrets })
    }

    /// It changes nothing, so it can be asked again.
    fn reads(&self) -> bool {
        matches!(self.method, Method::GET | Method::HEAD)
    }

    /// A text from outside without the values of its secrets, nor anything made of them.
    fn masked(&self, text: &str) -> String {
        let secrets = self.secrets.iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
        match Masker::new(secrets) {
            Ok(masker) => masker.mask(text).into_owned(),
            // Too short to be told from anything else.
            Err(_) if self.secrets.iter().any(|(_, value)| text.contains(value)) => "(not shown)".to_owned(),
            Err(_) => text.to_owned(),
        }
    }

    /// Its secrets by name: `the secret FLAGS_TOKEN`.
    fn token(&self) -> String {
        let mut names: Vec<_> = self.secrets.iter().map(|(name, _)| name.as_str()).collect();
        names.dedup();
        match names.as_slice() {
            [] => "it sends no secret; it may need one".to_owned(),
            [one] => format!("see whether the secret {} is still valid", visible(one)),
            more => format!("see whether the secrets {} are still valid", visible(&more.join(", "))),
        }
    }
}

/// Puts values in the places of `{secret:NAME}`. A value is never looked into again.
fn fill(
    text: &str,
    secret: &dyn Fn(&str) -> Option<String>,
    used: &mut Vec<(String, String)>,
) -> Result<String, String> {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{secret:") {
        let Some((name, behind)) = after.split_once('}') else {
            return Err("a {secret:…} in it is not closed".to_owned());
        };
        let value = secret(name).ok_or_else(|| format!("the secret {} is not known", visible(name)))?;
        filled.push_str(before);
        filled.push_str(&value);
        used.push((name.to_owned(), value));
        rest = behind;
    }
    filled.push_str(rest);
    Ok(filled)
}

/// An answer that came.
struct Reply {
    status: u16,
    answer: Answer,
    /// Why its body is not whole.
    broken: Option<String>,
    /// How long it asks to be left alone.
    retry_after: Option<Duration>,
    redirect: Option<Redirect>,
}

/// Where an answer redirects to.
enum Redirect {
    /// There.
    To(Url),
    /// To something that is not an address.
    Nowhere,
}

fn exchange(
    call: &HttpCall,
    secret: &dyn Fn(&str) -> Option<String>,
    patience: Duration,
) -> Result<(Ready, Reply), Lost> {
    let ready = Ready::new(call, secret).map_err(Lost::Refused)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Lost::Refused(format!("the call could not be prepared: {error}")))?;
    let reply = runtime.block_on(converse(call, &ready, patience));
    // A name that is still being looked up is nothing to wait for.
    runtime.shutdown_background();
    Ok((ready, reply?))
}

/// Asks, and where that changes nothing follows redirects on the same host and asks again when
/// told to come back later.
async fn converse(call: &HttpCall, ready: &Ready, patience: Duration) -> Result<Reply, Lost> {
    let http = Http::connecting_within(CONNECT.min(patience / 2));
    let until = Instant::now() + patience;
    let mut url = ready.url.clone();
    let mut redirects = 0;
    loop {
        let reply = once(&http, ready, &url, until, patience).await?;
        if !ready.reads() || is_wanted(call, reply.status) {
            return Ok(reply);
        }
        match &reply.redirect {
            Some(Redirect::To(next)) if next.origin() == ready.url.origin() && redirects < MAX_REDIRECTS => {
                redirects += 1;
                url = next.clone();
            }
            None if reply.status == 429 => {
                let again = Instant::now() + reply.retry_after.unwrap_or_default().max(PAUSE);
                if again >= until {
                    return Ok(reply);
                }
                sleep(again - Instant::now()).await;
            }
            _ => return Ok(reply),
        }
    }
}

async fn once(
    http: &Http,
    ready: &Ready,
    url: &Url,
    until: Instant,
    patience: Duration,
) -> Result<Reply, Lost> {
    let client = http.client(url).await.map_err(|trouble| Lost::Refused(trouble.why))?;
    let mut request = client.request(ready.method.clone(), url.clone()).headers(ready.headers.clone());
    if !ready.body.is_empty() {
        request = request.body(ready.body.clone());
    }
    let within = || duration(SignedDuration::try_from(patience).unwrap_or_default());
    let response = match timeout_at(until, request.send()).await {
        Err(_) => {
            return Err(Lost::Unclear(format!("{} did not answer within {}", ready.place, within())));
        }
        Ok(Err(error)) if error.is_connect() && error.is_timeout() => {
            return Err(Lost::Refused(format!("could not connect to {}", ready.place)));
        }
        Ok(Err(error)) => {
            let why = trouble(&error, &ready.place).why;
            let sent = !error.is_connect() && !error.is_builder();
            return Err(if sent { Lost::Unclear(why) } else { Lost::Refused(why) });
        }
        Ok(Ok(response)) => response,
    };
    let status = response.status().as_u16();
    let retry_after = response.headers().get(RETRY_AFTER).and_then(|value| retry_after(value.to_str().ok()?));
    let redirect = redirect(&response)
        .map(|target| target.ok().and_then(|target| url.join(&target).ok()))
        .map(|target| target.filter(|target| matches!(target.scheme(), "http" | "https")))
        .map(|target| target.map_or(Redirect::Nowhere, Redirect::To));
    let (answer, broken) = read(response, until).await;
    Ok(Reply { status, answer, broken, retry_after, redirect })
}

/// Reads a body up to the limit. The status is known by now, so half a body is no reason to
/// forget it.
async fn read(mut response: Response, until: Instant) -> (Answer, Option<String>) {
    let mut answer = Answer { status: Some(response.status().as_u16()), ..Answer::default() };
    let broken = loop {
        match timeout_at(until, response.chunk()).await {
            Err(_) => break Some("began to answer but was not done in time".to_owned()),
            Ok(Err(_)) => break Some("broke off in the middle of its answer".to_owned()),
            Ok(Ok(None)) => break None,
            Ok(Ok(Some(chunk))) => {
                let room = MAX_BODY - answer.body.len();
                answer.body.extend_from_slice(chunk.get(..room).unwrap_or(&chunk));
                if chunk.len() > room {
                    answer.cut = true;
                    break Some("sent more than 1 MiB".to_owned());
                }
            }
        }
    };
    (answer, broken)
}

/// Reads a `Retry-After`: seconds, or a date.
pub(super) fn retry_after(text: &str) -> Option<Duration> {
    if let Ok(seconds) = text.trim().parse() {
        return Some(Duration::from_secs(seconds));
    }
    let at = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text.trim()).ok()?;
    Some(Duration::try_from(at.duration_since(Timestamp::now())).unwrap_or_default())
}

fn is_wanted(call: &HttpCall, status: u16) -> bool {
    if call.expect.is_empty() { (200..300).contains(&status) } else { call.expect.contains(&status) }
}

/// Says what a status means for the call, and what to do about it.
fn judge(call: &HttpCall, ready: &Ready, reply: &Reply) -> Result<(), Lost> {
    if is_wanted(call, reply.status) {
        return Ok(());
    }
    let Reply { status, .. } = *reply;
    let says = |what: &str| format!("{} answers {status}: {what}", ready.place);
    let with_complaint = |what: &str| match complaint(&reply.answer) {
        Some(said) => format!("{}; it says: {}", says(what), shortened(&ready.masked(&said))),
        None => says(what),
    };
    Err(match status {
        300..400 => return judge_redirect(ready, reply, &says),
        400 | 422 => Lost::Refused(with_complaint("it does not understand the call; see what is configured")),
        401 => Lost::Refused(says(&format!("it was not let in; {}", ready.token()))),
        403 => Lost::Refused(with_complaint(
            "the token has no permission for this; grant it, or ask somebody who has it",
        )),
        404 | 410 => Lost::Refused(says(
            "there is no such thing; see whether address, project, environment and key are right",
        )),
        405 => Lost::Refused(says("that method is not allowed there; see whether the address is right")),
        409 | 412 | 423 => Lost::Refused(with_complaint(
            "somebody else changed it at the same time, or it is locked; look at it, then try again",
        )),
        429 => {
            let when = reply.retry_after.and_then(|wait| SignedDuration::try_from(wait).ok());
            let when = when.map_or("in a while".to_owned(), |wait| format!("in {}", duration(wait)));
            Lost::Refused(says(&format!("too many calls; try again {when}")))
        }
        // It gave up waiting for the call, or somebody in between did.
        408 => Lost::Unclear(says("the server timed out; it may have done it all the same")),
        400..500 => Lost::Refused(with_complaint("it refuses the call")),
        500.. => Lost::Unclear(with_complaint("the server failed; it may have done it all the same")),
        _ => Lost::Unclear(with_complaint("that is not the expected answer")),
    })
}

fn judge_redirect(ready: &Ready, reply: &Reply, says: &dyn Fn(&str) -> String) -> Result<(), Lost> {
    let Some(target) = &reply.redirect else {
        return Err(Lost::Refused(says("that does not answer this call")));
    };
    let (target, elsewhere) = match target {
        Redirect::To(target) if target.origin() == ready.url.origin() => (place(target), false),
        Redirect::To(target) => (format!("{}://{}", target.scheme(), place(target)), true),
        Redirect::Nowhere => ("something that is not an address".to_owned(), true),
    };
    if elsewhere {
        let what = format!(
            "it redirects to {target}, which is not followed, nor is the token sent there; see whether the \
             address is right"
        );
        return Err(Lost::Refused(says(&what)));
    }
    // Told to see elsewhere what came of it: that may be the answer to a call that was done.
    if !ready.reads() && matches!(reply.status, 302 | 303) {
        return Err(Lost::Unclear(says(
            "it redirects, and only questions are followed there; it may have been done",
        )));
    }
    let what = if ready.reads() {
        format!("it redirects more than {MAX_REDIRECTS} times")
    } else {
        "it redirects, and only questions are followed there; give the address it redirects to".to_owned()
    };
    Err(Lost::Refused(says(&what)))
}

/// What a server complains of: the message in its JSON, or a text that is no web page.
fn complaint(answer: &Answer) -> Option<String> {
    let message = ["message", "detail", "error.message", "details[0].message", "error"]
        .into_iter()
        .find_map(|path| answer.text_at(path).ok());
    let text = message.unwrap_or_else(|| String::from_utf8_lossy(&answer.body).trim().to_owned());
    (!text.is_empty() && !text.starts_with('<')).then_some(text)
}

fn shortened(text: &str) -> String {
    let start: String = text.chars().take(LONGEST).collect();
    let cut = if start.len() < text.len() { "…" } else { "" };
    format!("{start}{cut}")
}

#[cfg(test)]
mod tests;
