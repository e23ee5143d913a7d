//! Asks a service that messages go to: one question at a time, with its token, and none while it asks to be left
//! alone.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, Url};

use super::super::mask::Masker;
use super::super::secrets::{Purse, Value};
use crate::config::types::{Channel, Config, Secret};
use crate::exchange::{Exchange, Policy, Request};
use crate::failure::Fault;
use crate::text::address::is_loopback;
use crate::text::placeholder;

/// Most bytes of an answer.
const ENOUGH: usize = 2 * 1024 * 1024;
/// The longest that an answer is waited for, whatever is configured.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long a service is left alone that asks for it and does not say how long, and at most.
const QUIET: Duration = Duration::from_secs(60);
const MOST: Duration = Duration::from_secs(3600);

/// What is told where a service asks to be left alone.
const LIMITED: &str = "429: rate limited";
/// What a failure begins with where an answer is too long.
pub(super) const TOO_MUCH: &str = "it answers too much";

/// Until when services are left alone, by their host and port.
static LEFT_ALONE: Mutex<BTreeMap<String, Instant>> = Mutex::new(BTreeMap::new());

/// How long a token is kept: what it comes from may be a program that asks somewhere else.
const KEPT: Duration = Duration::from_secs(900);

/// Tokens that were fetched for questions, which come every few seconds.
static TOKENS: Mutex<Vec<Token>> = Mutex::new(Vec::new());

/// A token, and what it was fetched for.
#[derive(Clone)]
struct Token {
    root: PathBuf,
    secrets: Vec<Secret>,
    name: String,
    at: Instant,
    values: BTreeMap<String, Value>,
    masker: Masker,
}

impl Token {
    /// Fetches a token, or finds it where it was fetched a while ago from the same place.
    fn of(config: &Config, root: &Path, name: &str) -> Result<Self, String> {
        let mut all = TOKENS.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|token| token.at.elapsed() < KEPT);
        let is_this =
            |token: &&Token| token.name == name && token.root == root && token.secrets == config.secrets;
        if let Some(token) = all.iter().find(is_this) {
            return Ok(token.clone());
        }
        let (values, masker) = Purse::new(config, root).named(&[name])?;
        let (root, secrets) = (root.to_owned(), config.secrets.clone());
        let token = Self { root, secrets, name: name.to_owned(), at: Instant::now(), values, masker };
        all.push(token.clone());
        Ok(token)
    }

    /// Forgets a token that was refused.
    fn forget(&self) {
        let mut all = TOKENS.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|token| (&token.root, &token.name) != (&self.root, &self.name));
    }
}

/// A service that is asked.
pub(super) struct Asked<'a> {
    channel: &'a Channel,
    token: Token,
}

impl<'a> Asked<'a> {
    /// A service with its token.
    ///
    /// # Errors
    /// The secret cannot be had.
    pub(super) fn of(
        config: &Config,
        root: &Path,
        channel: &'a Channel,
        secret: &str,
    ) -> Result<Self, String> {
        Token::of(config, root, secret).map(|token| Self { channel, token })
    }

    /// A text without secrets.
    pub(super) fn masked(&self, text: &str) -> String {
        self.token.masker.mask(text).into_owned()
    }

    /// Asks one question, once.
    ///
    /// # Errors
    /// There is no answer, or another one than 200; what is told of it holds no secret.
    pub(super) fn get(
        &self,
        url: &str,
        headers: &[(String, String)],
        refused: impl FnOnce(u16, &[u8]) -> String,
    ) -> Result<Vec<u8>, String> {
        let request = self.request(url, headers)?;
        let host = request.url.authority().to_owned();
        let left_alone = || LEFT_ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(left) =
            left_alone().get(&host).and_then(|until| until.checked_duration_since(Instant::now()))
        {
            return Err(format!("{LIMITED}; it is asked again in {} s", left.as_secs() + 1));
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| error.to_string())?;
        let patience = Duration::try_from(self.channel.timeout).unwrap_or_default().min(PATIENCE);
        let policy = Policy { body: ENOUGH, redirects: 0, ..Policy::within(patience) };
        let reply = runtime.block_on(Exchange::connecting_within(patience / 2).send(&request, &policy));
        runtime.shutdown_background();
        let reply = reply.map_err(|lost| self.masked(&lost.why))?;
        if reply.status == 429 {
            let quiet = reply.retry_after().unwrap_or(QUIET).clamp(Duration::from_secs(1), MOST);
            left_alone().insert(host, Instant::now() + quiet);
            return Err(format!("{LIMITED}; it is asked again in {} s", quiet.as_secs()));
        }
        if reply.status == 401 {
            self.token.forget();
        }
        if reply.status != 200 {
            return Err(self.masked(&refused(reply.status, &reply.body)));
        }
        match reply.unfinished {
            None => Ok(self.masked(&String::from_utf8_lossy(&reply.body)).into_bytes()),
            Some(lost) if lost.fault == Fault::TooLong => {
                Err(self.masked(&format!("{TOO_MUCH}: {}", lost.why)))
            }
            Some(lost) => Err(self.masked(&lost.why)),
        }
    }

    fn request(&self, url: &str, with: &[(String, String)]) -> Result<Request, String> {
        let value =
            |name: &str| self.token.values.get(name).and_then(|value| String::from_utf8(value.to_vec()).ok());
        let url = Url::parse(url).map_err(|_| format!("{url} is not an address"))?;
        let is_here = url.host_str().is_some_and(|host| is_loopback(host.trim_matches(['[', ']'])));
        if url.scheme() != "https" && !is_here {
            return Err("the address of the API has to be https://: the token goes there".to_owned());
        }
        let mut headers = HeaderMap::new();
        for (name, with) in with {
            let unfit = || format!("the header {name} cannot be sent: the secret holds what no header can");
            let mut filled = HeaderValue::from_str(&placeholder::fill(with, value)?).map_err(|_| unfit())?;
            filled.set_sensitive(true);
            headers.append(HeaderName::from_bytes(name.as_bytes()).map_err(|_| unfit())?, filled);
        }
        Ok(Request { method: Method::GET, url, headers, body: Vec::new() })
    }
}
