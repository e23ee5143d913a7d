//! Carries one message to one channel.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;
use std::path::Path;
use std::time::Duration;

use super::super::call::exchanged;
use super::super::capture::{Unheard, capture_given};
use super::super::environment::environment;
use super::super::mask::Masker;
use super::super::prepare::directory;
use super::super::secrets::{Purse, Value};
use super::request::request;
use super::{Post, smtp};
use crate::comms::mail::mail;
use crate::comms::wire::{Answer, Fate, Outgoing, Wire, after, before, fate, given, is_idempotent, wire};
use crate::config::types::{Channel, ChannelKind, Config};
use crate::exchange::{MAX_BODY, Policy};
use crate::incident::Delivery;
use crate::plan::Command;
use crate::text::{placeholder, visible};

/// The longest that any channel is waited for, whatever is configured.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long what is only brought up to date is waited for.
const BRIEFLY: Duration = Duration::from_secs(15);
/// Most bytes of an answer, or of what a program prints.
const ENOUGH: usize = 16 * 1024;

/// A channel with what it takes to send something there.
struct Ready<'a> {
    channel: &'a Channel,
    values: BTreeMap<String, Value>,
    masker: Masker,
    patience: Duration,
}

impl<'a> Ready<'a> {
    fn new(post: &Post<'a>, purse: &mut Purse, name: &str) -> Result<Self, String> {
        let channel = post.config.channels.iter().find(|channel| channel.name == name);
        let channel = channel
            .ok_or_else(|| "flightdeck.toml has no such channel any more; was it renamed?".to_owned())?;
        let (values, masker) = purse.named(&needed(channel, post.config))?;
        let patience = Duration::try_from(channel.timeout).unwrap_or_default().min(PATIENCE);
        Ok(Self { channel, values, masker, patience })
    }

    /// What became of a message, without secrets: it goes into the record.
    fn told(&self, fate: Fate) -> Fate {
        let why = visible(&self.masker.mask(&fate.why)).into_owned();
        // What holds a secret is no name of a message.
        let is_plain = self.masker.mask(&fate.reference) == fate.reference;
        let reference = if is_plain { fate.reference } else { String::new() };
        Fate { why, reference, ..fate }
    }
}

/// Sends a message, once, and says what became of it. What it says holds no secret.
pub(super) fn carry(post: &Post<'_>, purse: &mut Purse, name: &str, message: &Outgoing) -> Fate {
    let failed = |why: String| Fate::new(Delivery::Failed, why);
    let ready = match Ready::new(post, purse, name) {
        Ok(ready) => ready,
        Err(why) => return failed(visible(&why).into_owned()),
    };
    let fate = match wire(ready.channel, message) {
        Err(why) => failed(why),
        Ok(None) if ready.channel.kind == ChannelKind::Smtp => post_mail(&ready, message, post.root),
        Ok(None) => run(&ready, message, post.root),
        Ok(Some(usual)) => match look(&ready, message) {
            None => call(&ready, &usual, is_idempotent(ready.channel.kind)),
            Some(Ok(wire)) => call(&ready, &wire, is_idempotent(ready.channel.kind)),
            Some(Err(fate)) => fate,
        },
    };
    ready.told(fate)
}

/// Sends a request that is no message, once, and says what became of it. No service knows it by a name of ours: sent
/// twice it is there twice.
pub(super) fn carry_wire(post: &Post<'_>, purse: &mut Purse, name: &str, wire: &Wire) -> Fate {
    match Ready::new(post, purse, name) {
        Ok(ready) => ready.told(call(&ready, wire, false)),
        Err(why) => Fate::new(Delivery::Failed, visible(&why).into_owned()),
    }
}

/// Asks what is there already, where that has to be known; gives back what is sent then.
fn look(ready: &Ready<'_>, message: &Outgoing) -> Option<Result<Wire, Fate>> {
    let question = before(ready.channel, message)?;
    Some(match exchange(ready, &question, MAX_BODY) {
        // Nothing was sent yet.
        Err(fate) if fate.end == Delivery::Unknown => Err(Fate { end: Delivery::Waiting, ..fate }),
        Err(fate) => Err(fate),
        Ok(came) => match (given(ready.channel, message, &came.answer()), came.half()) {
            (Err(fate), Some(why)) if fate.end == Delivery::Failed => {
                Err(Fate::new(Delivery::Waiting, why.to_owned()))
            }
            (decided, _) => decided,
        },
    })
}

/// Sends a message as mail.
fn post_mail(ready: &Ready<'_>, message: &Outgoing, root: &Path) -> Fate {
    let Ready { channel, values, patience, .. } = ready;
    let password = match values.get(&channel.secret).map(|value| std::str::from_utf8(value)) {
        None => None,
        Some(Ok(password)) => Some(password),
        Some(Err(_)) => {
            return Fate::new(Delivery::Failed, format!("the secret {} is no text", channel.secret));
        }
    };
    match smtp::authorities(channel, root) {
        Ok(authorities) => {
            smtp::hand_over(channel, &mail(channel, message), (password, authorities), *patience)
        }
        Err(why) => Fate::new(Delivery::Failed, why),
    }
}

/// Brings the first message of the incident up to date, where the channel has one that is kept so; gives back why
/// that did not work.
pub(super) fn bring_up_to_date(
    post: &Post<'_>,
    purse: &mut Purse,
    name: &str,
    message: &Outgoing,
) -> Option<String> {
    let mut ready = Ready::new(post, purse, name).ok()?;
    // What was accepted is not on record yet.
    ready.patience = ready.patience.min(BRIEFLY);
    let fate = call(&ready, &after(ready.channel, message)?, false);
    if fate.end == Delivery::Accepted {
        return None;
    }
    let why = format!("but the first message was not brought up to date: {}", fate.why);
    Some(ready.told(Fate::new(Delivery::Failed, why)).why)
}

/// What channels lack on this machine, a line each: a secret that is in no variable or file. No command is asked.
pub fn lacking(config: &Config, root: &Path) -> Vec<String> {
    let purse = Purse::new(config, root);
    let of = |channel: &Channel| {
        let why = needed(channel, config).into_iter().find_map(|name| purse.lacks(name))?;
        Some(visible(&format!("{}: {why}", channel.name)).into_owned())
    };
    config.channels.iter().filter_map(of).collect()
}

/// The declared secrets that are in no variable or file on this machine, each with why. No command is asked.
pub fn missing(config: &Config, root: &Path) -> Vec<(String, String)> {
    let purse = Purse::new(config, root);
    let lacking = |name: &str| Some((name.to_owned(), purse.lacks(name)?));
    config.secrets.iter().filter_map(|secret| lacking(&secret.name)).collect()
}

/// The secrets that a channel names.
fn needed<'a>(channel: &'a Channel, config: &'a Config) -> Vec<&'a str> {
    let mut names: Vec<&str> = channel.headers.values().flat_map(|value| placeholder::names(value)).collect();
    names.extend(Some(channel.secret.as_str()).filter(|name| !name.is_empty()));
    let declared = config.secrets.iter().map(|secret| secret.name.as_str());
    names.extend(declared.filter(|name| channel.env.iter().any(|env| env == name)));
    names
}

/// What came back.
struct Came {
    status: u16,
    /// Without secrets.
    body: String,
    retry_after: Option<Duration>,
    redirects: bool,
    /// Why there is no more of the body; `None`: it is whole.
    unfinished: Option<String>,
}

impl Came {
    fn answer(&self) -> Answer<'_> {
        let Self { status, body, retry_after, redirects, .. } = self;
        let (body, retry_after) = (body.as_bytes(), *retry_after);
        Answer { status: *status, body, retry_after, redirects: *redirects }
    }

    /// Why a yes is not whole: nobody can say what the rest of it says.
    fn half(&self) -> Option<&str> {
        self.unfinished.as_deref().filter(|_| (200..300).contains(&self.status))
    }
}

/// Sends a request, once. `once`: what is sent twice is there once.
fn call(ready: &Ready<'_>, wire: &Wire, once: bool) -> Fate {
    match exchange(ready, wire, ENOUGH) {
        Err(fate) if fate.end == Delivery::Unknown && once => Fate { end: Delivery::Waiting, ..fate },
        Err(fate) => fate,
        Ok(came) => match (fate(ready.channel.kind, &came.answer(), once), came.half()) {
            (fate, Some(why)) if fate.end == Delivery::Failed => {
                let end = if once { Delivery::Waiting } else { Delivery::Unknown };
                Fate::new(end, format!("{}: {why}; it may have been received", came.status))
            }
            (fate, _) => fate,
        },
    }
}

/// Sends a request, once. Where nothing comes back: what became of it.
fn exchange(ready: &Ready<'_>, wire: &Wire, enough: usize) -> Result<Came, Fate> {
    let Ready { values, masker, patience, .. } = ready;
    let request = request(wire, values).map_err(|why| Fate::new(Delivery::Failed, why))?;
    // It may have been received by whoever redirects it: nothing is sent on.
    let policy = Policy { body: enough, redirects: 0, ..Policy::within(*patience) };
    match exchanged(&request, &policy, *patience / 2) {
        Err(lost) if lost.sent => {
            Err(Fate::new(Delivery::Unknown, format!("{}; it may have been received", lost.why)))
        }
        Err(lost) => Err(Fate::new(Delivery::Waiting, lost.why)),
        // A server may say what it was sent: secrets go before anything of it is cut.
        Ok(reply) => {
            let body = masker.mask(&String::from_utf8_lossy(&reply.body)).into_owned();
            let (retry_after, redirects) = (reply.retry_after(), reply.redirect.is_some());
            let unfinished = reply.unfinished.map(|lost| lost.why);
            Ok(Came { status: reply.status, body, retry_after, redirects, unfinished })
        }
    }
}

/// Runs a program with the message on its standard input. That it ends with 0 says that it took it.
fn run(ready: &Ready<'_>, message: &Outgoing, root: &Path) -> Fate {
    let Ready { channel, values, masker, patience } = ready;
    let set = [
        ("FLIGHTDECK_KIND", message.kind.name()),
        ("FLIGHTDECK_AUDIENCE", &message.audience),
        ("FLIGHTDECK_SEVERITY", &message.severity),
        ("FLIGHTDECK_INCIDENT", &message.incident),
    ];
    let command = Command {
        argv: channel.command.clone(),
        cwd: directory(&root.to_string_lossy()),
        env: channel.env.clone(),
        set: set.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
    };
    let secrets = values.iter().map(|(name, value)| (name.into(), OsString::from_vec(value.to_vec())));
    let environment = environment(&command, secrets, std::env::vars_os());
    let input = format!("{}\n", message.text.trim());
    match capture_given("the program", &command, environment, *patience, ENOUGH, input) {
        Err(Unheard::NotStarted(why)) => Fate::new(Delivery::Failed, why),
        // It may have done it before it was stopped.
        Err(Unheard::NoAnswer(why)) => Fate::new(Delivery::Unknown, why),
        Ok(said) => {
            let said = said.masked(masker);
            let last = String::from_utf8_lossy(&said.err).trim().lines().last().map(str::to_owned);
            let colon =
                last.filter(|line| !line.is_empty()).map_or_else(String::new, |line| format!(": {line}"));
            match said.code {
                Some(0) => Fate::new(Delivery::Accepted, ""),
                Some(code) => Fate::new(Delivery::Failed, format!("it exited {code}{colon}")),
                None => Fate::new(Delivery::Unknown, format!("it was killed{colon}")),
            }
        }
    }
}
