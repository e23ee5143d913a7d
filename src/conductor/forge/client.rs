//! Talks to the API of a place that keeps pull requests: reads are asked again where that may
//! help, what changes something is sent once and its fate told.
//!
//! The token goes to the origin of the API and nowhere else, and never unencrypted to another
//! machine. It stands in no text that leaves here.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use reqwest::header::{
    ACCEPT, AUTHORIZATION, CONTENT_TYPE, ETAG, HeaderMap, HeaderValue, IF_NONE_MATCH, LINK,
};
use reqwest::{Method, Url};
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

use super::super::mask::Masker;
use crate::exchange::{self, Exchange, Policy, Reply, Request, Runtime, complaint, place as named};
use crate::incident::duration;
use crate::plan::forge::Forge;
use crate::plan::forge::Place;
use crate::text::address::{is_loopback, without_credentials};
use crate::text::visible;

/// The longest a connection may take to come about.
const CONNECT: Duration = Duration::from_secs(10);
/// The longest one answer may take.
const ANSWER: Duration = Duration::from_secs(20);
/// The longest it may take to read a long text.
const TEXT: Duration = Duration::from_secs(30);
/// Most bytes of one answer: a page of a hundred checks, each with a report of its own.
const MAX_BODY: usize = 16 << 20;
/// Most pages of a list that are read.
const MAX_PAGES: usize = 20;
/// Most redirects that are followed, all on the same origin.
const MAX_REDIRECTS: usize = 3;
/// How often a question is asked that was not answered.
const ATTEMPTS: u32 = 4;
/// The first pause between two of them; each is twice as long as the one before.
const PAUSE: Duration = Duration::from_millis(500);
/// How long to keep away where a limit was hit and nothing says how long.
const LIMITED: Duration = Duration::from_secs(60);
/// Most answers that are kept to be asked for only if they changed.
const MAX_KEPT: usize = 64;

/// Why there is no answer that counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) struct Lost {
    /// In one line, with what to do about it.
    pub(in super::super) why: String,
    /// What kind of trouble it is.
    pub(in super::super) kind: Kind,
}

impl Lost {
    /// How long it wants to be left alone.
    pub(in super::super) fn away(&self) -> Duration {
        match self.kind {
            Kind::Limited(wait) | Kind::Busy(wait) => wait,
            _ => Duration::ZERO,
        }
    }
}

/// A kind of trouble.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Kind {
    /// It was surely not sent.
    Unsent,
    /// It was sent, and nothing certain came back: it may have been done.
    Unclear,
    /// The same, and so long it wants to be left alone.
    Busy(Duration),
    /// Too many calls; it was not done. So long it wants to be left alone.
    Limited(Duration),
    /// It was refused with this status.
    Refused(u16),
    /// What came back cannot be understood.
    Odd,
}

impl From<exchange::Lost> for Lost {
    fn from(lost: exchange::Lost) -> Self {
        Self { why: lost.why, kind: if lost.sent { Kind::Unclear } else { Kind::Unsent } }
    }
}

/// A text, or the end of one.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(in super::super) struct Text {
    pub(in super::super) bytes: Vec<u8>,
    /// There is more before it.
    pub(in super::super) is_end: bool,
    /// There is more behind it, and too much to be read.
    pub(in super::super) goes_on: bool,
}

/// An answer that is kept to be asked for only if it changed.
struct Kept {
    tag: HeaderValue,
    body: Vec<u8>,
    next: Option<Url>,
}

/// What talks to one place.
pub(super) struct Client {
    runtime: Runtime,
    exchange: Exchange,
    forge: Forge,
    repository: String,
    api: Url,
    token: Option<(String, Zeroizing<String>)>,
    masker: Masker,
    until: Instant,
    kept: BTreeMap<String, Kept>,
    keeps: bool,
    attempts: u32,
    counted: u32,
    sent: usize,
}

impl Client {
    /// Prepares to talk to a place, with a token where there is one. All that is asked has to be
    /// answered within `patience`; see [`Client::renew`].
    ///
    /// # Errors
    /// The address of the API cannot be used: in one line.
    pub(super) fn new(
        place: &Place,
        token: Option<Zeroizing<String>>,
        patience: Duration,
    ) -> Result<Self, String> {
        let api = Url::parse(&place.api).map_err(|e| format!("the address of the API is not valid: {e}"))?;
        let host = api.host_str().unwrap_or_default().trim_matches(['[', ']']);
        match api.scheme() {
            "https" => {}
            "http" if is_loopback(host) => {}
            "http" => {
                return Err("the address of the API is not https://: no token is sent to it".to_owned());
            }
            _ => {
                return Err(format!(
                    "{} is not an https:// address",
                    visible(&without_credentials(&place.api))
                ));
            }
        }
        if !api.username().is_empty() || api.password().is_some() {
            return Err(
                "the address of the API holds a user or password; the token has its own place".to_owned()
            );
        }
        let runtime = Runtime::new().map_err(|error| format!("cannot make HTTP calls: {error}"))?;
        let token = token.map(|value| (place.token.clone(), value));
        let secrets = token.iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
        let masker = Masker::new(secrets).map_err(|failure| failure.cause)?;
        Ok(Self {
            runtime,
            exchange: Exchange::connecting_within(CONNECT),
            forge: place.forge,
            repository: place.repository.clone(),
            api,
            token,
            masker,
            until: Instant::now() + patience,
            kept: BTreeMap::new(),
            keeps: false,
            attempts: ATTEMPTS,
            counted: 0,
            sent: 0,
        })
    }

    /// Keeps answers from now on, and asks for them again only if they changed.
    pub(super) fn keep_answers(&mut self) {
        self.keeps = true;
    }

    /// Asks each thing once from now on: whoever asks comes back soon.
    pub(super) fn ask_once(&mut self) {
        self.attempts = 1;
    }

    /// How many requests were sent so far. An answer that nothing has changed does not count.
    pub(super) fn counted(&self) -> u32 {
        self.counted
    }

    /// How many requests were sent so far, whatever was answered.
    pub(super) fn sent(&self) -> usize {
        self.sent
    }

    /// Gives it time anew.
    pub(super) fn renew(&mut self, patience: Duration) {
        self.until = Instant::now() + patience;
    }

    /// Time that is left.
    pub(super) fn left(&self) -> Duration {
        self.until.saturating_duration_since(Instant::now())
    }

    /// A text without the token.
    pub(super) fn masked(&self, text: &str) -> String {
        visible(&self.masker.mask(text)).into_owned()
    }

    /// The same of a text of several lines, each of which may hold escape sequences.
    pub(super) fn masked_lines(&self, text: &str) -> String {
        self.masker.mask(text).into_owned()
    }

    /// Reads one thing.
    pub(super) fn get<T: DeserializeOwned>(&mut self, address: &str) -> Result<T, Lost> {
        let (body, _) = self.page(&self.url(address)?)?;
        self.understood(&body)
    }

    /// Reads one thing, and what the token may do as far as the answer says: the scopes of a classic token of GitHub.
    pub(super) fn get_scoped<T: DeserializeOwned>(
        &mut self,
        address: &str,
    ) -> Result<(T, Option<String>), Lost> {
        let url = self.url(address)?;
        let reply = self.exchange(&Method::GET, &url, None, None)?;
        self.judge(&reply)?;
        let scopes = reply.headers.get("x-oauth-scopes").and_then(|scopes| scopes.to_str().ok());
        Ok((self.understood(&reply.body)?, scopes.map(str::to_owned)))
    }

    /// Reads one page of a list, and says whether there is another.
    pub(super) fn get_page<T: DeserializeOwned>(&mut self, address: &str) -> Result<(T, bool), Lost> {
        let (body, next) = self.page(&self.url(address)?)?;
        Ok((self.understood(&body)?, next.is_some()))
    }

    /// Reads all pages of a list. More than we read is trouble: half a list of checks says
    /// nothing.
    pub(super) fn get_all<T: DeserializeOwned>(&mut self, address: &str) -> Result<Vec<T>, Lost> {
        let mut pages = Vec::new();
        let mut next = Some(self.url(address)?);
        while let Some(url) = next {
            if pages.len() == MAX_PAGES {
                let why = format!("{} lists more than can be read", named(&self.api));
                return Err(Lost { why, kind: Kind::Odd });
            }
            let (body, more) = self.page(&url)?;
            pages.push(self.understood(&body)?);
            next = more;
        }
        Ok(pages)
    }

    /// Sends something that changes something, once.
    pub(super) fn send<T: DeserializeOwned>(
        &mut self,
        method: &Method,
        address: &str,
        body: &serde_json::Value,
    ) -> Result<T, Lost> {
        let url = self.url(address)?;
        let reply = self.exchange(method, &url, Some(body), None)?;
        self.judge(&reply)?;
        // It was done; what it says of it is of no account if it cannot be read.
        self.understood(&reply.body).map_err(|lost| Lost { kind: Kind::Unclear, ..lost })
    }

    /// Sends something that changes something, once, and hands back what was answered, which may be nothing.
    pub(super) fn tell(
        &mut self,
        method: &Method,
        address: &str,
        body: Option<&serde_json::Value>,
    ) -> Result<Vec<u8>, Lost> {
        let url = self.url(address)?;
        let reply = self.exchange(method, &url, body, None)?;
        self.judge(&reply)?;
        Ok(reply.body)
    }

    /// The base address of the API.
    pub(super) fn base(&self) -> Url {
        self.api.clone()
    }

    /// Reads an answer as a thing.
    pub(super) fn read<T: DeserializeOwned>(&self, body: &[u8]) -> Result<T, Lost> {
        self.understood(body)
    }

    /// Reads a text that may lie at another host, where no credential is sent: of a long one the end.
    pub(super) fn text(&mut self, address: &str, most: usize) -> Result<Text, Lost> {
        let request = Request { headers: self.headers()?, ..Request::get(self.url(address)?) };
        let patience = self.left().min(TEXT);
        let policy = Policy {
            body: most,
            redirects: MAX_REDIRECTS,
            elsewhere: true,
            tail: true,
            ..Policy::within(patience)
        };
        self.counted += 1;
        self.sent += 1;
        let reply = self.runtime.block_on(self.exchange.send(&request, &policy))?;
        if reply.url.origin() == self.api.origin() {
            self.judge(&reply)?;
        } else if !(200..300).contains(&reply.status) {
            let (place, status) = (named(&reply.url), reply.status);
            let kind = if status >= 500 { Kind::Unclear } else { Kind::Refused(status) };
            return Err(Lost { why: format!("{place}, which keeps it, answers {status}"), kind });
        }
        if is_web_page(&reply) {
            let place = named(&reply.url);
            let why = format!("{place} answers a web page, and no log: a proxy or a login may be in between");
            return Err(Lost { why, kind: Kind::Odd });
        }
        let too_long = |lost: &exchange::Lost| lost.fault == crate::failure::Fault::TooLong;
        match reply.unfinished {
            Some(lost) if !too_long(&lost) => Err(lost.into()),
            broken_off => Ok(Text { bytes: reply.body, is_end: reply.is_end, goes_on: broken_off.is_some() }),
        }
    }

    /// Waits before something is tried again, where there is time for it.
    ///
    /// # Errors
    /// There is not; then the trouble stands.
    pub(super) fn rest(&self, lost: Lost, attempt: u32) -> Result<(), Lost> {
        let pause = match lost.kind {
            Kind::Limited(wait) | Kind::Busy(wait) => wait,
            Kind::Unsent | Kind::Unclear => PAUSE * 2_u32.saturating_pow(attempt),
            Kind::Refused(_) | Kind::Odd => return Err(lost),
        };
        if attempt + 1 >= self.attempts || pause >= self.left() {
            return Err(lost);
        }
        std::thread::sleep(pause);
        Ok(())
    }

    fn url(&self, address: &str) -> Result<Url, Lost> {
        let url = Url::parse(address).ok().filter(|url| url.origin() == self.api.origin());
        url.ok_or_else(|| Lost {
            why: format!("{} is not one of its addresses", visible(address)),
            kind: Kind::Unsent,
        })
    }

    /// Reads a page, again where that may help, and says where the next one is.
    fn page(&mut self, url: &Url) -> Result<(Vec<u8>, Option<Url>), Lost> {
        let mut attempt = 0;
        loop {
            match self.page_once(url) {
                Ok(page) => return Ok(page),
                Err(lost) => self.rest(lost, attempt)?,
            }
            attempt += 1;
        }
    }

    fn page_once(&mut self, url: &Url) -> Result<(Vec<u8>, Option<Url>), Lost> {
        let known = self.kept.get(url.as_str()).map(|kept| kept.tag.clone());
        let reply = self.exchange(&Method::GET, url, None, known)?;
        if reply.status == 304
            && let Some(kept) = self.kept.get(url.as_str())
        {
            return Ok((kept.body.clone(), kept.next.clone()));
        }
        self.judge(&reply)?;
        let next = next_page(&reply.headers, url);
        if next.as_ref().is_some_and(|next| next.origin() != self.api.origin()) {
            let why = format!("{} continues a list at another host, which is not asked", named(&self.api));
            return Err(Lost { why, kind: Kind::Odd });
        }
        if self.keeps
            && let Some(tag) = reply.headers.get(ETAG)
        {
            if self.kept.len() >= MAX_KEPT {
                self.kept.clear();
            }
            let kept = Kept { tag: tag.clone(), body: reply.body.clone(), next: next.clone() };
            self.kept.insert(url.as_str().to_owned(), kept);
        }
        Ok((reply.body, next))
    }

    fn understood<T: DeserializeOwned>(&self, body: &[u8]) -> Result<T, Lost> {
        serde_json::from_slice(body).map_err(|error| {
            // It tells what stands there, which may be anything.
            let error: String = self.masked(&error.to_string()).chars().take(200).collect();
            Lost {
                why: format!(
                    "{} answers something that flightdeck does not understand ({error}); see whether `api` under \
                     [hotfix.pull] is right",
                    named(&self.api)
                ),
                kind: Kind::Odd,
            }
        })
    }

    fn headers(&self) -> Result<HeaderMap, Lost> {
        let mut headers = HeaderMap::new();
        match self.forge {
            Forge::Github => {
                headers.insert(ACCEPT, HeaderValue::from_static("application/vnd.github+json"));
                headers.insert("x-github-api-version", HeaderValue::from_static("2022-11-28"));
            }
            Forge::Gitlab => {
                headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
            }
        }
        if let Some((name, value)) = &self.token {
            let unfit = |_| Lost {
                why: format!("the secret {} holds what no header can", visible(name)),
                kind: Kind::Unsent,
            };
            let carried = Zeroizing::new(format!("Bearer {}", value.as_str()));
            let mut carried = HeaderValue::from_str(&carried).map_err(unfit)?;
            carried.set_sensitive(true);
            headers.insert(AUTHORIZATION, carried);
        }
        Ok(headers)
    }

    /// Asks once, and follows redirects within the origin: a repository that was renamed.
    fn exchange(
        &mut self,
        method: &Method,
        url: &Url,
        body: Option<&serde_json::Value>,
        known: Option<HeaderValue>,
    ) -> Result<Reply, Lost> {
        let mut headers = self.headers()?;
        if let Some(tag) = known {
            headers.insert(IF_NONE_MATCH, tag);
        }
        let patience = self.left().min(ANSWER);
        if patience.is_zero() {
            let why = format!("{} did not answer in time", named(&self.api));
            return Err(Lost { why, kind: Kind::Unsent });
        }
        let mut request = Request { method: method.clone(), headers, ..Request::get(url.clone()) };
        if let Some(body) = body {
            request.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            request.body = body.to_string().into_bytes();
        }
        let policy =
            Policy { body: MAX_BODY, redirects: MAX_REDIRECTS, resends: true, ..Policy::within(patience) };
        let reply = self.runtime.block_on(self.exchange.send(&request, &policy));
        let (is_new, is_moved) = match &reply {
            Ok(reply) => (reply.status != 304, reply.url != *url),
            Err(_) => (true, false),
        };
        self.counted += u32::from(is_new) + u32::from(is_moved);
        self.sent += 1;
        let reply = reply?;
        if reply.redirect.is_some() {
            let why = format!(
                "{} redirects elsewhere, which is not followed, nor is the token sent there; see whether `api` \
                 and `repository` under [hotfix.pull] are right",
                named(&self.api)
            );
            return Err(Lost { why, kind: Kind::Refused(reply.status) });
        }
        match &reply.unfinished {
            Some(lost) => Err(lost.clone().into()),
            None => Ok(reply),
        }
    }

    /// Says what a status means, and what to do about it.
    fn judge(&self, reply: &Reply) -> Result<(), Lost> {
        let status = reply.status;
        if (200..300).contains(&status) {
            return Ok(());
        }
        let says = |what: &str| format!("{} answers {status}: {what}", named(&self.api));
        let complaint = complaint(&reply.body, |said| self.masked(said));
        let with = |what: &str| match &complaint {
            Some(said) => format!("{}; it says: {said}", says(what)),
            None => says(what),
        };
        if let Some(wait) = limited(reply, complaint.as_deref()) {
            let when = duration(SignedDuration::try_from(wait).unwrap_or_default());
            let why = says(&format!("too many calls; it asks to wait for {when}"));
            return Err(Lost { why, kind: Kind::Limited(wait) });
        }
        let token = self.token.as_ref().map(|(name, _)| visible(name).into_owned());
        let refused = |why: String| Lost { why, kind: Kind::Refused(status) };
        Err(match status {
            401 => refused(says(&match token {
                Some(name) => format!("it was refused (401); see whether the secret {name} is still valid"),
                None => "it needs a token".to_owned(),
            })),
            403 => {
                refused(with("the token has no permission for this; grant it, or ask somebody who has it"))
            }
            404 => refused(says(&format!(
                "no {} there, or no such thing in it, or the token may not see it",
                visible(&self.repository)
            ))),
            // It gave up waiting for the call, or somebody in between did.
            408 => Lost { why: says("the server timed out"), kind: Kind::Unclear },
            503 if let Some(wait) = reply.retry_after() => {
                let when = duration(SignedDuration::try_from(wait).unwrap_or_default());
                let why = with(&format!("it is not available, and asks to wait for {when}"));
                Lost { why, kind: Kind::Busy(wait.max(PAUSE)) }
            }
            500.. => Lost { why: with("it crashed"), kind: Kind::Unclear },
            _ => refused(with("it refuses")),
        })
    }
}

/// Tells whether an answer is a page for people.
fn is_web_page(reply: &Reply) -> bool {
    if let Some(kind) = reply.headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()) {
        return kind.trim_start().starts_with("text/html");
    }
    let start = String::from_utf8_lossy(reply.body.get(..64).unwrap_or(&reply.body)).to_ascii_lowercase();
    ["<!doctype html", "<html"].iter().any(|page| start.trim_start().starts_with(page))
}

/// How long to keep away, where an answer says that there were too many calls. GitHub says so by
/// 403, too.
fn limited(reply: &Reply, complaint: Option<&str>) -> Option<Duration> {
    let number = |name: &str| reply.headers.get(name)?.to_str().ok()?.trim().parse::<i64>().ok();
    let after = reply.retry_after();
    let spent =
        ["x-ratelimit-remaining", "ratelimit-remaining"].into_iter().any(|name| number(name) == Some(0));
    let told = complaint.is_some_and(|said| {
        let said = said.to_ascii_lowercase();
        said.contains("rate limit") || said.contains("abuse detection")
    });
    let is_limit = reply.status == 429 || (reply.status == 403 && (after.is_some() || spent || told));
    let reset = || {
        let at = number("x-ratelimit-reset").or_else(|| number("ratelimit-reset")).filter(|_| spent)?;
        let at = Timestamp::from_second(at).ok()?;
        Duration::try_from(at.duration_since(Timestamp::now())).ok()
    };
    // A moment more: its clock and ours are two.
    is_limit.then(|| after.or_else(reset).unwrap_or(LIMITED).max(PAUSE))
}

/// The address of the next page, as the `Link` header has it.
fn next_page(headers: &HeaderMap, from: &Url) -> Option<Url> {
    headers.get_all(LINK).iter().filter_map(|value| value.to_str().ok()).find_map(|links| {
        links.split('<').skip(1).find_map(|link| {
            let (target, attributes) = link.split_once('>')?;
            attributes.replace(' ', "").contains(";rel=\"next\"").then(|| from.join(target).ok())?
        })
    })
}

#[cfg(test)]
mod tests;
