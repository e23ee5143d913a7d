//! What a service is sent, and what its answer means. Secrets are named here and filled in where it is sent.

use std::time::Duration;

use jiff::Timestamp;

pub use super::webhook::mistake as mistake_of_body;
use super::{chat, jsm, pagerduty, pagerduty_change, slack, slack_bot, statuspage, teams, webhook};
use crate::config::types::{Channel, ChannelKind, Config};
use crate::incident::{Change, Delivery, MessageKind, Phase, Policy, Severity, State, Status};

/// A message as it goes out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// What it is for.
    pub kind: MessageKind,
    /// Audience id.
    pub audience: String,
    /// The severity as the team calls it.
    pub severity: String,
    /// Its rank.
    pub rank: Severity,
    /// What the incident is called.
    pub incident: String,
    /// The text.
    pub text: String,
    /// What tells the incident from all others, for as long as there are any.
    pub id: String,
    /// What tells the message from all others.
    pub message: String,
    /// When it was written.
    pub at: Timestamp,
    /// How far the incident is, as the message says it.
    pub stage: Stage,
    /// Whether it was tried before.
    pub is_retry: bool,
    /// Whether the channel has a later message by now.
    pub is_overtaken: bool,
    /// The service that it is about.
    pub service: String,
    /// Whether the incident is over, and not only its effect on users.
    pub is_over: bool,
    /// Whether users are served again, as the record says; where probes are known, none of production failed since.
    pub is_served: bool,
    /// By what the service knows the first message of this incident on the channel, where it does.
    pub first: Option<String>,
}

impl Outgoing {
    /// A message of a kind for an audience about an incident, that nobody was sent yet.
    pub fn about(
        state: &State,
        policy: &Policy,
        (kind, audience, text): (MessageKind, &str, &str),
        at: Timestamp,
    ) -> Self {
        Self {
            kind,
            audience: audience.to_owned(),
            severity: policy.severity_name(state.severity).to_owned(),
            rank: state.severity,
            incident: state.number.clone(),
            text: text.to_owned(),
            id: state.id.to_string(),
            message: String::new(),
            at,
            stage: Stage::of(state, kind),
            is_retry: false,
            is_overtaken: false,
            service: state.service.clone(),
            is_over: state.resolved_at.is_some(),
            is_served: state.status != Status::Open,
            first: None,
        }
    }

    /// The same, where production may have failed since users were said to be served.
    #[must_use]
    pub fn seen(self, state: &State, config: &Config, now: Timestamp) -> Self {
        let production = config.production().map_or("", |environment| environment.name.as_str());
        let is_of_it = |name: &str| {
            let mut probes = config.probes.iter().filter(|probe| probe.name == name);
            probes.any(|probe| probe.environment.is_empty() || probe.environment == production)
        };
        let fails = state.failed_again(is_of_it, now).is_some_and(|outage| outage.until.is_none());
        Self { is_served: self.is_served && !fails, ..self }
    }

    /// The first line, and the rest.
    pub fn parts(&self) -> (&str, &str) {
        parts(&self.text)
    }
}

/// How far an incident is, in the words of a status page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Nobody knows why.
    Investigating,
    /// A fix is being worked on.
    Identified,
    /// Users are served again, or a fix is being watched.
    Monitoring,
    /// It is over.
    Resolved,
}

impl Stage {
    /// How far it is for a message of a kind: that it is over says only the message that says so.
    pub fn of(state: &State, kind: MessageKind) -> Self {
        let is_over = matches!(state.status, Status::Resolved | Status::Closed);
        match (state.status, state.phase) {
            _ if is_over && kind == MessageKind::Resolved => Self::Resolved,
            _ if kind == MessageKind::Rollback || kind == MessageKind::Resolved => Self::Monitoring,
            (Status::Mitigated | Status::Resolved | Status::Closed, _) | (_, Phase::Verify) => {
                Self::Monitoring
            }
            (_, Phase::Develop | Phase::Deploy) => Self::Identified,
            _ if !state.cause.is_empty() => Self::Identified,
            _ => Self::Investigating,
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Investigating => "investigating",
            Self::Identified => "identified",
            Self::Monitoring => "monitoring",
            Self::Resolved => "resolved",
        }
    }
}

/// A request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wire {
    /// Its method.
    pub verb: Verb,
    /// The address; `{secret:NAME}` where a secret holds it.
    pub url: String,
    /// Headers; `{secret:NAME}` in a value stands for that secret.
    pub headers: Vec<(String, String)>,
    /// The body: nothing is filled in there, whatever a message says.
    pub body: String,
    /// A field of a body of JSON that holds a secret: its name, and that of the secret.
    pub secret_field: Option<(&'static str, String)>,
    /// Who logs in, and the secret that holds the password or token.
    pub login: Option<(String, String)>,
}

/// The method of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// Sends something.
    Post,
    /// Changes something.
    Patch,
    /// Asks for something.
    Get,
}

impl Wire {
    fn new(verb: Verb, url: impl Into<String>, body: String) -> Self {
        Self { verb, url: url.into(), headers: Vec::new(), body, secret_field: None, login: None }
    }

    /// A question.
    pub(super) fn get(url: impl Into<String>) -> Self {
        Self::new(Verb::Get, url, String::new())
    }

    /// A body of any kind, by POST.
    pub(super) fn post(url: impl Into<String>, body: String) -> Self {
        Self::new(Verb::Post, url, body)
    }

    /// JSON, by POST.
    pub(super) fn json(url: impl Into<String>, body: &serde_json::Value) -> Self {
        Self::post(url, body.to_string()).with("Content-Type", "application/json")
    }

    /// The same with one more header.
    pub(super) fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }
}

/// What services that know an alert by a key of ours know the one of an incident by.
pub(super) fn key(incident: &str) -> String {
    format!("flightdeck-{incident}")
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer<'a> {
    /// The status.
    pub status: u16,
    /// What came of the body.
    pub body: &'a [u8],
    /// How long the service asks to be left alone.
    pub retry_after: Option<Duration>,
    /// Whether it redirects elsewhere, which is not followed.
    pub redirects: bool,
}

/// What became of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fate {
    /// What.
    pub end: Delivery,
    /// Why, in one line; may be empty.
    pub why: String,
    /// The least time before it is tried again, where it waits.
    pub again: Option<Duration>,
    /// By what the service knows it; empty: it does not say.
    pub reference: String,
}

impl Fate {
    /// A fate for a reason.
    pub fn new(end: Delivery, why: impl Into<String>) -> Self {
        Self { end, why: why.into(), again: None, reference: String::new() }
    }
}

/// How long a message is as a channel is sent it, and how long it may be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Length {
    /// How long it is, in whole.
    pub is: usize,
    /// Most that is sent; `None`: any number.
    pub most: Option<usize>,
    /// What is counted.
    pub of: Counted,
}

/// What a service counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counted {
    /// Characters of the text.
    Characters,
    /// Characters with all that is escaped in them.
    Escaped,
    /// Bytes.
    Bytes,
}

impl Counted {
    /// The word in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Characters => "characters",
            Self::Escaped => "escaped-characters",
            Self::Bytes => "bytes",
        }
    }
}

impl Length {
    /// Tells whether it is cut.
    pub fn is_cut(self) -> bool {
        self.most.is_some_and(|most| self.is > most)
    }

    /// In words: `1,998 of 2,000 as sent`.
    pub fn said(self) -> String {
        let is = grouped(self.is);
        match (self.most.map(grouped), self.of) {
            (None, Counted::Bytes) => format!("{is} bytes"),
            (None, _) => format!("{is} characters"),
            (Some(most), Counted::Characters) => format!("{is} of {most}"),
            (Some(most), Counted::Escaped) => format!("{is} of {most} as sent"),
            (Some(most), Counted::Bytes) => format!("{is} of {most} bytes"),
        }
    }
}

/// A number with its thousands set apart.
fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// What stands at the end of a text that was cut.
pub const CUT: &str = "… (truncated)";

/// How long a text is as a channel is sent it, and how long it may be there.
pub fn length(channel: &Channel, text: &str) -> Length {
    let text = text.trim();
    let plain = |most| Length { is: text.chars().count(), most, of: Counted::Characters };
    match channel.kind {
        ChannelKind::Slack | ChannelKind::SlackWebhook => plain(Some(slack::MOST)),
        ChannelKind::Teams => teams::length(text),
        ChannelKind::Mattermost | ChannelKind::Discord | ChannelKind::GoogleChat | ChannelKind::Ntfy => {
            chat::length(channel, text)
        }
        ChannelKind::Pagerduty => plain(Some(pagerduty::MOST)),
        ChannelKind::Jsm => plain(Some(jsm::MOST)),
        ChannelKind::Statuspage => plain(Some(statuspage::MOST)),
        ChannelKind::Webhook => plain(Some(channel.limit).filter(|most| *most > 0)),
        ChannelKind::Smtp | ChannelKind::Command => plain(None),
    }
}

/// The first line of a text, and the rest.
pub(super) fn parts(text: &str) -> (&str, &str) {
    let (title, body) = text.trim().split_once('\n').unwrap_or((text.trim(), ""));
    (title.trim(), body.trim())
}

/// A text of at most so many characters, with a mark where it was cut.
pub(super) fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let mark = if most > 4 * CUT.chars().count() { CUT } else { "…" };
    let kept: String = text.chars().take(most.saturating_sub(mark.chars().count())).collect();
    format!("{}{mark}", kept.trim_end())
}

/// A text as it is sent, at most so long there, with a mark where it was cut. It is cut before anything in it is
/// escaped, so that no escape is cut in two.
pub(super) fn fitting<T>(
    text: &str,
    most: usize,
    as_sent: impl Fn(&str) -> T,
    size: impl Fn(&T) -> usize,
) -> T {
    let whole = as_sent(text);
    if size(&whole) <= most {
        return whole;
    }
    let (mut fits, mut too_long) = (0, text.chars().count());
    while too_long - fits > 1 {
        let middle = fits.midpoint(too_long);
        if size(&as_sent(&cut(text, middle))) <= most {
            fits = middle;
        } else {
            too_long = middle;
        }
    }
    as_sent(&cut(text, fits))
}

/// How many characters a text has.
#[expect(clippy::ptr_arg, reason = "it measures what is sent, which is a String here")]
pub(super) fn characters(text: &String) -> usize {
    text.chars().count()
}

/// The request by which a channel is sent a message; `None`: it is a program, or mail.
///
/// # Errors
/// It cannot be made: why, in one line.
pub fn wire(channel: &Channel, message: &Outgoing) -> Result<Option<Wire>, String> {
    match channel.kind {
        ChannelKind::Slack => Ok(Some(slack_bot::wire(channel, message))),
        ChannelKind::SlackWebhook => Ok(Some(slack::wire(channel, message))),
        ChannelKind::Teams => Ok(Some(teams::wire(channel, message))),
        ChannelKind::Mattermost | ChannelKind::Discord | ChannelKind::GoogleChat | ChannelKind::Ntfy => {
            Ok(Some(chat::wire(channel, message)))
        }
        ChannelKind::Pagerduty => Ok(Some(pagerduty::wire(channel, message))),
        ChannelKind::Jsm => Ok(Some(jsm::wire(channel, message))),
        ChannelKind::Statuspage if message.is_overtaken => {
            Err("a later update is on the page already".to_owned())
        }
        ChannelKind::Statuspage => Ok(Some(statuspage::wire(channel, message))),
        ChannelKind::Webhook => webhook::wire(channel, message).map(Some),
        ChannelKind::Smtp | ChannelKind::Command => Ok(None),
    }
}

/// What is sent behind a message that was accepted, if anything: the first message of the incident there is
/// brought up to date.
pub fn after(channel: &Channel, message: &Outgoing) -> Option<Wire> {
    (channel.kind == ChannelKind::Slack).then(|| slack_bot::update(channel, message)).flatten()
}

/// The request by which a channel is told of a deploy or a rollback; `None`: it is not told of any.
pub fn change(channel: &Channel, state: &State, change: &Change) -> Option<Wire> {
    let is_told = channel.changes && channel.kind == ChannelKind::Pagerduty;
    is_told.then(|| pagerduty_change::wire(channel, state, change))
}

/// What is asked before a message is sent, if anything: what is there already.
pub fn before(channel: &Channel, message: &Outgoing) -> Option<Wire> {
    (channel.kind == ChannelKind::Statuspage).then(|| statuspage::look(channel, message))
}

/// The request by which a channel is sent a message, by what it answered to that.
///
/// # Errors
/// Nothing is sent: what became of the message then.
pub fn given(channel: &Channel, message: &Outgoing, answer: &Answer<'_>) -> Result<Wire, Fate> {
    match common(channel.kind, answer) {
        // It was a question: nothing was done by it.
        Some(fate) if fate.end == Delivery::Unknown => Err(Fate { end: Delivery::Waiting, ..fate }),
        Some(fate) => Err(fate),
        None => statuspage::decided(channel, message, answer),
    }
}

/// Tells whether what is sent twice is there once: because the service knows it by a name of ours, or because what is
/// there is looked at before anything is sent.
pub fn is_idempotent(kind: ChannelKind) -> bool {
    matches!(kind, ChannelKind::Pagerduty | ChannelKind::Jsm | ChannelKind::Statuspage)
}

/// Tells whether what may have been received on a channel is sent again by itself.
pub fn is_sent_again(channels: &[Channel], name: &str) -> bool {
    channels.iter().any(|channel| channel.name == name && is_idempotent(channel.kind))
}

/// What an answer means; `once`: what is sent twice is there once.
pub fn fate(kind: ChannelKind, answer: &Answer<'_>, once: bool) -> Fate {
    if let Some(fate) = common(kind, answer) {
        return if once && fate.end == Delivery::Unknown {
            Fate { end: Delivery::Waiting, ..fate }
        } else {
            fate
        };
    }
    match kind {
        ChannelKind::Slack => slack_bot::fate(answer),
        ChannelKind::SlackWebhook => slack::fate(answer),
        ChannelKind::Teams => teams::fate(answer),
        ChannelKind::Mattermost | ChannelKind::Discord | ChannelKind::GoogleChat | ChannelKind::Ntfy => {
            chat::fate(kind, answer)
        }
        ChannelKind::Pagerduty => pagerduty::fate(answer),
        ChannelKind::Jsm => jsm::fate(answer),
        ChannelKind::Statuspage => statuspage::fate(answer),
        ChannelKind::Webhook | ChannelKind::Smtp | ChannelKind::Command => webhook::fate(answer),
    }
}

const MINUTE: Duration = Duration::from_secs(60);

/// What means the same everywhere: a throttle, a redirect, a server that failed.
fn common(kind: ChannelKind, answer: &Answer<'_>) -> Option<Fate> {
    let status = answer.status;
    match status {
        429 | 420 => {
            let asked = answer.retry_after.or_else(|| in_body(answer.body));
            // A page counts over a minute, whatever it says.
            let least = if kind == ChannelKind::Statuspage { MINUTE } else { Duration::ZERO };
            let again = Some(asked.unwrap_or(MINUTE).max(least));
            Some(Fate { again, ..Fate::new(Delivery::Waiting, format!("{status}: rate limited")) })
        }
        503 => {
            let why = "503: the service is not available";
            Some(Fate { again: answer.retry_after, ..Fate::new(Delivery::Waiting, why) })
        }
        _ if answer.redirects => Some(Fate::new(
            Delivery::Failed,
            format!(
                "{status}: it redirects elsewhere, which is not followed; see whether the address is right"
            ),
        )),
        408 | 500.. => {
            Some(Fate::new(Delivery::Unknown, format!("{status}: the server failed{}", saying(answer.body))))
        }
        _ => None,
    }
}

/// How long a service asks to be left alone, where it says so in its body.
fn in_body(body: &[u8]) -> Option<Duration> {
    let answer: serde_json::Value = serde_json::from_slice(body).ok()?;
    Duration::try_from_secs_f64(answer.get("retry_after")?.as_f64()?).ok()
}

/// Why an answer that means well is none: something in between shows a page, as a proxy does that wants a login.
pub(super) fn page_instead(answer: &Answer<'_>) -> Option<Fate> {
    let start: String = String::from_utf8_lossy(answer.body).trim_start().chars().take(14).collect();
    let start = start.to_ascii_lowercase();
    let is_page = start.starts_with("<!doctype html") || start.starts_with("<html");
    let what = "a web page came back, so nobody got it; see whether the address is right, and whether a proxy wants a login";
    is_page.then(|| Fate::new(Delivery::Failed, format!("{}: {what}", answer.status)))
}

/// What a server says of itself, to follow on its status: a word or a sentence, and no web page.
pub fn saying(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let text = text.trim();
    let line: String = text.lines().next().unwrap_or_default().chars().take(120).collect();
    if line.is_empty() || text.starts_with('<') { String::new() } else { format!(": {line}") }
}
