//! Asks a service that messages go to: one question at a time, with its token, and none while it asks to be left
//! alone.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::super::call::exchanged;
use super::super::mask::Masker;
use super::super::secrets::{Purse, Value};
use super::request::request;
use crate::comms::wire::Wire;
use crate::config::types::{Channel, Config, Secret};
use crate::exchange::Policy;
use crate::failure::Fault;

/// Most bytes of an answer.
const ENOUGH: usize = 2 * 1024 * 1024;
/// The longest that an answer is waited for, whatever is configured.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long a service is left alone that asks for it and does not say how long, and at most.
const QUIET: Duration = Duration::from_secs(60);
const MOST: Duration = Duration::from_secs(3600);

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

/// Why a question has no answer. What is told of it holds no secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Unanswered {
    /// The service refuses.
    Refused {
        /// The status that it answers with.
        status: u16,
        /// Why.
        why: String,
    },
    /// It asks to be left alone.
    LeftAlone(String),
    /// It answers more than is read.
    TooLong(String),
    /// There is no answer, or it broke off, or the question could not be asked.
    Lost(String),
}

impl Unanswered {
    /// Why, in one line.
    pub(super) fn why(self) -> String {
        match self {
            Self::Refused { why, .. } | Self::LeftAlone(why) | Self::TooLong(why) | Self::Lost(why) => why,
        }
    }

    fn left_alone(quiet: Duration) -> Self {
        Self::LeftAlone(format!("429: rate limited; it is asked again in {} s", quiet.as_secs()))
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
    /// There is no answer, or another one than 200.
    pub(super) fn get(
        &self,
        question: &Wire,
        refused: impl FnOnce(u16, &[u8]) -> String,
    ) -> Result<Vec<u8>, Unanswered> {
        let request = request(question, &self.token.values).map_err(Unanswered::Lost)?;
        let host = request.url.authority().to_owned();
        let left_alone = || LEFT_ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        let left = left_alone().get(&host).and_then(|until| until.checked_duration_since(Instant::now()));
        if let Some(left) = left {
            return Err(Unanswered::left_alone(left + Duration::from_secs(1)));
        }
        let patience = Duration::try_from(self.channel.timeout).unwrap_or_default().min(PATIENCE);
        let policy = Policy { body: ENOUGH, redirects: 0, ..Policy::within(patience) };
        let reply = exchanged(&request, &policy, patience / 2)
            .map_err(|lost| Unanswered::Lost(self.masked(&lost.why)))?;
        if reply.status == 429 {
            let quiet = reply.retry_after().unwrap_or(QUIET).clamp(Duration::from_secs(1), MOST);
            left_alone().insert(host, Instant::now() + quiet);
            return Err(Unanswered::left_alone(quiet));
        }
        if reply.status == 401 {
            self.token.forget();
        }
        if reply.status != 200 {
            let (status, why) = (reply.status, self.masked(&refused(reply.status, &reply.body)));
            return Err(Unanswered::Refused { status, why });
        }
        match reply.unfinished {
            None => Ok(self.masked(&String::from_utf8_lossy(&reply.body)).into_bytes()),
            Some(lost) if lost.fault == Fault::TooLong => {
                Err(Unanswered::TooLong(self.masked(&format!("it answers too much: {}", lost.why))))
            }
            Some(lost) => Err(Unanswered::Lost(self.masked(&lost.why))),
        }
    }
}
