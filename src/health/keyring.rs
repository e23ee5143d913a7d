//! The secrets that probes send: fetched when a probe first needs one, kept in memory only, and fetched
//! again when a server takes one no longer. What is told of an answer holds none of them.
//!
//! - A secret is fetched by one probe at a time; others that need it wait for that.
//! - One that cannot be had is not tried again for a while: what fetches it may ask a person, or count.
//! - A server that answers 401 or 403 gets what is there now, once a minute at most.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fmt;
use std::os::unix::ffi::OsStringExt as _;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use zeroize::Zeroizing;

use super::silence::shown;
use crate::config::types::Source;
use crate::text::mask::Masker;
use crate::text::{placeholder, visible};

/// A secret's value.
pub type Value = Zeroizing<Vec<u8>>;

/// Gets the value of a secret by its name, or says in one line why there is none. May block.
type Fetch = dyn Fn(&str) -> Result<Value, String> + Send + Sync;

/// How long a secret that cannot be had is not asked for again, and one that was just fetched is believed.
const PATIENCE: Duration = Duration::from_secs(60);

/// Hands secrets to those who ask probes. Cheap to clone.
#[derive(Clone)]
pub struct Keyring(Arc<Inner>);

struct Inner {
    names: BTreeSet<String>,
    fetch: Box<Fetch>,
    slots: Mutex<BTreeMap<String, Arc<tokio::sync::Mutex<Slot>>>>,
    /// All that is masked: what was known from the beginning, and what was fetched since.
    known: Mutex<Vec<(String, Value)>>,
    masker: RwLock<Masker>,
    /// Why what is known from the beginning cannot be masked: nothing is asked then, as nothing may be shown.
    unmaskable: Option<String>,
}

#[derive(Default)]
struct Slot {
    value: Option<Value>,
    why_not: String,
    /// When it was last fetched, or could not be.
    asked: Option<Instant>,
}

/// What a probe is sent with: headers with their secrets filled in, and variables of a command.
#[derive(Debug, Default)]
pub(super) struct Given {
    /// The address of a database.
    pub(super) url: String,
    pub(super) headers: BTreeMap<String, String>,
    pub(super) variables: Vec<(OsString, OsString)>,
}

impl Keyring {
    /// Makes one of what is masked from the beginning, the names of the declared secrets, and what fetches
    /// them.
    pub fn new(
        known: Vec<(String, Value)>,
        names: BTreeSet<String>,
        fetch: impl Fn(&str) -> Result<Value, String> + Send + Sync + 'static,
    ) -> Self {
        let masker = Masker::new(known.iter().map(|(name, value)| (name.as_str(), value.as_slice())));
        let (masker, unmaskable) = match masker {
            Ok(masker) => (masker, None),
            Err(failure) => {
                (Masker::default(), Some(format!("the secrets cannot be masked: {}", failure.cause)))
            }
        };
        Self(Arc::new(Inner {
            names,
            fetch: Box::new(fetch),
            slots: Mutex::default(),
            masker: RwLock::new(masker),
            known: Mutex::new(known),
            unmaskable,
        }))
    }

    /// Takes secrets that were fetched already.
    #[must_use]
    pub fn having(self, values: impl IntoIterator<Item = (String, Value)>) -> Self {
        let had = |value| Slot { value: Some(value), asked: Some(Instant::now()), ..Slot::default() };
        let slots =
            values.into_iter().map(|(name, value)| (name, Arc::new(tokio::sync::Mutex::new(had(value)))));
        self.0.slots.lock().unwrap_or_else(PoisonError::into_inner).extend(slots);
        self
    }

    /// Takes the secrets out of texts, as far as they are known by now.
    pub fn masker(&self) -> Masker {
        self.0.masker.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How many secrets are known by now.
    pub fn count(&self) -> usize {
        self.0.known.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Them, to be masked and for nothing else.
    pub fn known(&self) -> Vec<(String, Value)> {
        self.0.known.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The names of the secrets that a source needs.
    pub(super) fn needed(&self, source: &Source) -> Vec<String> {
        let headers = source.headers().values().flat_map(|value| placeholder::names(value));
        let headers = headers.chain(database(source).into_iter().flat_map(placeholder::names));
        let variables = source.env().iter().map(String::as_str).filter(|name| self.0.names.contains(*name));
        let names: BTreeSet<&str> = headers.chain(variables).collect();
        names.into_iter().map(str::to_owned).collect()
    }

    /// What a source is sent with, its secrets fetched where they are not there yet; or why one cannot be
    /// had within a time, in one line.
    pub(super) async fn give(
        &self,
        source: &Source,
        needed: &[String],
        time: Duration,
    ) -> Result<Given, String> {
        if let Some(why) = &self.0.unmaskable {
            return Err(why.clone());
        }
        let until = tokio::time::Instant::now() + time;
        let mut values = BTreeMap::new();
        for name in needed {
            let value = tokio::time::timeout_at(until, self.value(name)).await;
            let value = value.unwrap_or_else(|_| {
                Err(format!("the secret {} is still being fetched after {}", visible(name), shown(time)))
            });
            values.insert(name.as_str(), value?);
        }
        let mut given = Given::default();
        let text = |secret: &str| values.get(secret).and_then(|value| String::from_utf8(value.to_vec()).ok());
        if let Some(url) = database(source) {
            let escaped = |secret: &str| {
                text(secret).map(|value| utf8_percent_encode(&value, NON_ALPHANUMERIC).to_string())
            };
            given.url = placeholder::fill(url, escaped).map_err(|why| format!("the address: {why}"))?;
        }
        for (name, value) in source.headers() {
            let filled = placeholder::fill(value, text);
            let filled = filled.map_err(|why| format!("the header {}: {why}", visible(name)))?;
            given.headers.insert(name.clone(), basic(filled));
        }
        let named = values.iter().filter(|(name, _)| source.env().iter().any(|env| env == *name));
        given.variables =
            named.map(|(name, value)| (OsString::from(*name), OsString::from_vec(value.to_vec()))).collect();
        Ok(given)
    }

    async fn value(&self, name: &str) -> Result<Value, String> {
        if !self.0.names.contains(name) {
            return Err(format!("unknown secret {}; declare it in [[secrets]]", visible(name)));
        }
        let slot = {
            let mut slots = self.0.slots.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(slots.entry(name.to_owned()).or_default())
        };
        let mut slot = slot.lock_owned().await;
        if let Some(value) = &slot.value {
            return Ok(value.clone());
        }
        if !slot.is_stale() {
            return Err(slot.why_not.clone());
        }
        let (keyring, name) = (self.clone(), name.to_owned());
        // It goes on when nobody waits for it any more: what fetches it is not started a second time.
        let fetched = tokio::task::spawn_blocking(move || {
            let fetched = (keyring.0.fetch)(&name);
            slot.asked = Some(Instant::now());
            match fetched.and_then(|value| keyring.know(&name, &value).map(|()| value)) {
                Ok(value) => {
                    slot.value = Some(value.clone());
                    Ok(value)
                }
                Err(why) => {
                    slot.why_not = format!("the secret {}: {}", visible(&name), visible(&why));
                    Err(slot.why_not.clone())
                }
            }
        });
        fetched.await.unwrap_or_else(|error| Err(error.to_string()))
    }

    /// Forgets secrets that a server did not take when it was asked. Tells whether there are, or may be, others
    /// by now.
    pub(super) async fn forget(&self, names: &[String], asked_at: Instant) -> bool {
        let mut others = false;
        for name in names {
            let slot = self.0.slots.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned();
            let Some(slot) = slot else { continue };
            let mut slot = slot.lock().await;
            let is_newer = slot.asked.is_some_and(|asked| asked > asked_at);
            if is_newer || slot.is_stale() && slot.value.take().is_some() {
                others = true;
            }
        }
        others
    }

    /// Masks one more value from now on.
    fn know(&self, name: &str, value: &Value) -> Result<(), String> {
        let mut known = self.0.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.iter().any(|(_, other)| other == value) {
            return Ok(());
        }
        known.push((name.to_owned(), value.clone()));
        match Masker::new(known.iter().map(|(name, value)| (name.as_str(), value.as_slice()))) {
            Ok(masker) => {
                *self.0.masker.write().unwrap_or_else(PoisonError::into_inner) = masker;
                Ok(())
            }
            Err(failure) => {
                known.pop();
                Err(format!("it cannot be masked: {}", failure.cause))
            }
        }
    }
}

impl Default for Keyring {
    /// Has no secrets: only what URLs tell is masked.
    fn default() -> Self {
        Self::new(Vec::new(), BTreeSet::new(), |name| Err(format!("unknown secret {name}")))
    }
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keyring").field("names", &self.0.names).finish_non_exhaustive()
    }
}

impl Slot {
    fn is_stale(&self) -> bool {
        self.asked.is_none_or(|asked| asked.elapsed() >= PATIENCE)
    }
}

/// The address of a database, which may hold a secret.
fn database(source: &Source) -> Option<&str> {
    match source {
        Source::Postgres(asked) => Some(&asked.url),
        _ => None,
    }
}

/// `Basic user:password` as it is sent; all else as it is. A colon is in nothing that is encoded already.
fn basic(value: String) -> String {
    match value.split_once(' ') {
        Some((scheme, pair)) if scheme.eq_ignore_ascii_case("basic") && pair.contains(':') => {
            format!("{scheme} {}", BASE64_STANDARD.encode(pair.trim()))
        }
        _ => value,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    fn source(header: &str) -> Source {
        Source::Http {
            url: "http://127.0.0.1/".to_owned(),
            headers: [("Authorization".to_owned(), header.to_owned())].into(),
        }
    }

    fn counted(answer: Result<&'static str, &'static str>) -> (Keyring, Arc<AtomicUsize>) {
        let count = Arc::new(AtomicUsize::new(0));
        let asked = Arc::clone(&count);
        let fetch = move |_: &str| {
            asked.fetch_add(1, Ordering::SeqCst);
            answer.map(|value| Zeroizing::new(value.as_bytes().to_vec())).map_err(str::to_owned)
        };
        (Keyring::new(Vec::new(), ["TOKEN".to_owned()].into(), fetch), count)
    }

    async fn given(keyring: &Keyring, source: &Source) -> Result<Given, String> {
        keyring.give(source, &keyring.needed(source), Duration::from_secs(20)).await
    }

    #[tokio::test]
    async fn a_secret_is_fetched_once_and_masked_from_then_on() {
        let (keyring, count) = counted(Ok("hunter2222"));
        assert!(keyring.masker().mask("hunter2222").contains("hunter"));
        let bearer = source("Bearer {secret:TOKEN}");
        for _ in 0..3 {
            let given = given(&keyring, &bearer).await.unwrap();
            assert_eq!(given.headers["Authorization"], "Bearer hunter2222");
        }
        assert_eq!(count.load(Ordering::SeqCst), 1);
        assert!(!keyring.masker().mask("it was hunter2222").contains("hunter"));
        // A user and password are sent as they have to be.
        let given = given(&keyring, &source("Basic li:{secret:TOKEN}")).await.unwrap();
        assert_eq!(given.headers["Authorization"], "Basic bGk6aHVudGVyMjIyMg==");
        assert!(!keyring.masker().mask("Basic bGk6aHVudGVyMjIyMg==").contains("aHVudGVyMjIyMg"));
    }

    #[tokio::test]
    async fn one_that_cannot_be_had_says_why_and_is_left_alone_for_a_while() {
        let (keyring, count) = counted(Err("the file is gone"));
        for _ in 0..3 {
            let why = given(&keyring, &source("Bearer {secret:TOKEN}")).await.unwrap_err();
            assert_eq!(why, "the secret TOKEN: the file is gone");
        }
        assert_eq!(count.load(Ordering::SeqCst), 1);
        let why = given(&keyring, &source("{secret:OTHER}")).await.unwrap_err();
        assert_eq!(why, "unknown secret OTHER; declare it in [[secrets]]");
    }

    #[tokio::test]
    async fn one_that_is_long_in_coming_is_not_waited_for_nor_fetched_twice() {
        let (release, released) = std::sync::mpsc::channel::<()>();
        let (count, released) = (Arc::new(AtomicUsize::new(0)), Mutex::new(released));
        let asked = Arc::clone(&count);
        let keyring = Keyring::new(Vec::new(), ["TOKEN".to_owned()].into(), move |_| {
            asked.fetch_add(1, Ordering::SeqCst);
            let _ = released.lock().unwrap().recv();
            Ok(Zeroizing::new(b"hunter2222".to_vec()))
        });
        let bearer = source("Bearer {secret:TOKEN}");
        let needed = keyring.needed(&bearer);
        for _ in 0..3 {
            let why = keyring.give(&bearer, &needed, Duration::from_millis(20)).await.unwrap_err();
            assert_eq!(why, "the secret TOKEN is still being fetched after 20 ms");
        }
        release.send(()).unwrap();
        assert_eq!(given(&keyring, &bearer).await.unwrap().headers["Authorization"], "Bearer hunter2222");
        assert_eq!(count.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn what_no_mark_can_stand_for_is_not_asked_for() {
        // A secret that holds every mark there is.
        let around = [
            ("‹", "›"),
            ("«", "»"),
            ("⟦", "⟧"),
            ("•••", "•••"),
            ("███", "███"),
            ("▒▒▒", "▒▒▒"),
            ("[[", "]]"),
        ];
        let labels = ["ODD", "secret", "masked", "hidden", "·"];
        let marks = around.iter().flat_map(|(from, to)| labels.map(|label| format!("{from}{label}{to}")));
        let value = Zeroizing::new(marks.collect::<String>().into_bytes());
        let keyring = Keyring::new(vec![("ODD".to_owned(), value)], BTreeSet::new(), |_| Err(String::new()));
        let why = given(&keyring, &source("plain")).await.unwrap_err();
        assert!(why.starts_with("the secrets cannot be masked: "), "{why}");
    }

    #[tokio::test]
    async fn what_a_server_does_not_take_is_fetched_again_but_not_at_once() {
        let (keyring, count) = counted(Ok("hunter2222"));
        let names = ["TOKEN".to_owned()];
        let before = Instant::now();
        given(&keyring, &source("{secret:TOKEN}")).await.unwrap();
        assert!(!keyring.forget(&names, Instant::now()).await);
        // Whoever asked before it was fetched had another one.
        assert!(keyring.forget(&names, before).await);
        assert_eq!(count.load(Ordering::SeqCst), 1);
        let slot = Arc::clone(&keyring.0.slots.lock().unwrap()["TOKEN"]);
        // Fetched before anybody can remember.
        slot.lock().await.asked = None;
        assert!(keyring.forget(&names, Instant::now()).await);
        given(&keyring, &source("{secret:TOKEN}")).await.unwrap();
        assert_eq!(count.load(Ordering::SeqCst), 2);
        let had = counted(Err("it is fetched again"));
        let value = Zeroizing::new(b"hunter2222".to_vec());
        let keyring = had.0.having([("TOKEN".to_owned(), value)]);
        given(&keyring, &source("{secret:TOKEN}")).await.unwrap();
        assert_eq!(had.1.load(Ordering::SeqCst), 0);
    }

    #[tokio::test]
    async fn a_command_gets_the_secrets_it_names() {
        let (keyring, _) = counted(Ok("hunter2222"));
        let argv = vec!["true".to_owned()];
        let env = vec!["HOME".to_owned(), "TOKEN".to_owned()];
        let given = given(&keyring, &Source::Command { argv, env }).await.unwrap();
        assert_eq!(given.variables, [(OsString::from("TOKEN"), OsString::from("hunter2222"))]);
    }
}
