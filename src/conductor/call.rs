//! Makes the HTTP calls of steps, and asks the proofs that are calls.
//!
//! What matters about a call that went wrong is whether it may have done it anyway. A
//! connection that never came about, and an answer of 4xx, say it was not; silence after it was
//! sent, a broken connection and 5xx say nothing.

use std::time::Duration;

use jiff::SignedDuration;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, Url};

use super::ask::is_same;
use super::mask::Masker;
use crate::exchange::{self, Exchange, Policy, Redirect, Reply, Request, Runtime, complaint, place};
use crate::failure::Fault;
use crate::health::answer::Answer;
use crate::incident::{Proof, duration};
use crate::plan::HttpCall;
use crate::text::address::without_credentials;
use crate::text::{placeholder, visible};

/// The longest a connection may take to come about.
const CONNECT: Duration = Duration::from_secs(10);
/// Most redirects that are followed.
const MAX_REDIRECTS: usize = 5;

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
    match converse(call, secret, patience) {
        Ok((ready, reply)) => match judge(call, &ready, &reply) {
            Ok(()) => Answered::Wanted { status: reply.status, body: reply.body },
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
    let (ready, reply) = converse(call, secret, patience).map_err(Lost::why)?;
    judge(call, &ready, &reply).map_err(Lost::why)?;
    if !wants_text {
        return Ok(reply.status.to_string());
    }
    if let Some(lost) = reply.unfinished {
        return Err(lost.why);
    }
    let answer = Answer { status: Some(reply.status), body: reply.body, ..Answer::default() };
    let text = answer.text_at(path).map_err(|why| format!("{}: {why}", ready.place))?;
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

impl From<exchange::Lost> for Lost {
    fn from(lost: exchange::Lost) -> Self {
        if lost.sent { Self::Unclear(lost.why) } else { Self::Refused(lost.why) }
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
    request: Request,
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
        if placeholder::has_one(&call.url) {
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
        let mut fill = |text: &str| {
            placeholder::fill(text, |name| {
                let value = secret(name)?;
                secrets.push((name.to_owned(), value.clone()));
                Some(value)
            })
        };
        let mut named: Vec<(&str, String)> = Vec::new();
        for (name, value) in &call.headers {
            named.push((name, fill(value)?));
        }
        let headers = headers(named)?;
        let body = fill(&call.body)?.into_bytes();
        let place = place(&url);
        Ok(Self { request: Request { method, url, headers, body }, place, secrets })
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

/// Headers whose secrets are filled in. What is logged of a request shows none of them.
///
/// # Errors
/// One holds what no header can: which, without what it holds.
pub(super) fn headers<'a>(named: impl IntoIterator<Item = (&'a str, String)>) -> Result<HeaderMap, String> {
    let mut headers = HeaderMap::new();
    for (name, value) in named {
        let unfit = || format!("the header {} cannot be sent: it holds what no header can", visible(name));
        let mut value = HeaderValue::from_str(&value).map_err(|_| unfit())?;
        value.set_sensitive(true);
        headers.append(HeaderName::from_bytes(name.as_bytes()).map_err(|_| unfit())?, value);
    }
    Ok(headers)
}

fn converse(
    call: &HttpCall,
    secret: &dyn Fn(&str) -> Option<String>,
    patience: Duration,
) -> Result<(Ready, Reply), Lost> {
    let ready = Ready::new(call, secret).map_err(Lost::Refused)?;
    // A question is followed on the same host, and asked again when told to come back later.
    let policy = Policy {
        redirects: MAX_REDIRECTS,
        comes_back: true,
        wanted: &call.expect,
        ..Policy::within(patience)
    };
    let reply = exchanged(&ready.request, &policy, CONNECT.min(patience / 2))?;
    Ok((ready, reply))
}

/// Sends a request from a thread that may wait, and reads its answer.
///
/// # Errors
/// There is none.
pub(super) fn exchanged(
    request: &Request,
    policy: &Policy<'_>,
    connecting: Duration,
) -> Result<Reply, exchange::Lost> {
    let runtime = Runtime::new().map_err(|error| {
        let why = format!("the call could not be prepared: {error}");
        exchange::Lost { fault: Fault::NoClient, why, sent: false }
    })?;
    runtime.block_on(Exchange::connecting_within(connecting).send(request, policy))
}

fn is_wanted(call: &HttpCall, status: u16) -> bool {
    if call.expect.is_empty() { (200..300).contains(&status) } else { call.expect.contains(&status) }
}

/// Says what a status means for the call, and what to do about it.
fn judge(call: &HttpCall, ready: &Ready, reply: &Reply) -> Result<(), Lost> {
    if is_wanted(call, reply.status) {
        return Ok(());
    }
    let status = reply.status;
    let says = |what: &str| format!("{} answers {status}: {what}", ready.place);
    let with_complaint = |what: &str| match complaint(&reply.body, |said| ready.masked(said)) {
        Some(said) => format!("{}; it says: {said}", says(what)),
        None => says(what),
    };
    Err(match status {
        300..400 => return judge_redirect(ready, reply, &says),
        400 | 422 => Lost::Refused(with_complaint("it does not understand the call; see what is configured")),
        401 => Lost::Refused(says(&format!("it was not let in; {}", ready.token()))),
        403 => Lost::Refused(with_complaint(
            "the token has no permission for this; grant it, or ask somebody who has it",
        )),
        404 | 410 => {
            Lost::Refused(says("no such thing; see whether address, project, environment and key are right"))
        }
        405 => Lost::Refused(says("that method is not allowed there; see whether the address is right")),
        409 | 412 | 423 => Lost::Refused(with_complaint(
            "somebody else changed it at the same time, or it is locked; look at it, then try again",
        )),
        429 => {
            let when = reply.retry_after().and_then(|wait| SignedDuration::try_from(wait).ok());
            let when = when.map_or("in a while".to_owned(), |wait| format!("in {}", duration(wait)));
            Lost::Refused(says(&format!("too many calls; try again {when}")))
        }
        // It gave up waiting for the call, or somebody in between did.
        408 => Lost::Unclear(says("the server timed out; it may have done it anyway")),
        400..500 => Lost::Refused(with_complaint("it refuses the call")),
        500.. => Lost::Unclear(with_complaint("the server failed; it may have done it anyway")),
        _ => Lost::Unclear(with_complaint("that is not the expected answer")),
    })
}

fn judge_redirect(ready: &Ready, reply: &Reply, says: &dyn Fn(&str) -> String) -> Result<(), Lost> {
    let Some(target) = &reply.redirect else {
        return Err(Lost::Refused(says("that does not answer this call")));
    };
    let (target, elsewhere) = match target {
        Redirect::To(target) if target.origin() == ready.request.url.origin() => (place(target), false),
        Redirect::To(target) => (format!("{}://{}", target.scheme(), place(target)), true),
        Redirect::Nowhere(what) => (what.clone(), true),
    };
    if elsewhere {
        let what = format!(
            "it redirects to {target}, which is not followed, nor is the token sent there; see whether the \
             address is right"
        );
        return Err(Lost::Refused(says(&what)));
    }
    // Told to see elsewhere what came of it: that may be the answer to a call that was done.
    if !ready.request.reads() && matches!(reply.status, 302 | 303) {
        return Err(Lost::Unclear(says(
            "it redirects, and only questions are followed there; it may have been done",
        )));
    }
    let what = if ready.request.reads() {
        format!("it redirects more than {MAX_REDIRECTS} times")
    } else {
        "it redirects, and only questions are followed there; give the address it redirects to".to_owned()
    };
    Err(Lost::Refused(says(&what)))
}

#[cfg(test)]
mod tests;
