//! Where messages are sent.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use jiff::fmt::serde::duration::friendly::compact as friendly;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::DurationText;

/// A way to tell people something: what is sent with `m` goes there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Channel {
    /// Name, unique among the channels: `slack`.
    pub name: String,
    /// What it is.
    pub kind: ChannelKind,
    /// The audiences that are told by it, by their ids in the policy: `["stakeholders"]`.
    pub audiences: Vec<String>,
    /// The secret that holds the whole address, where knowing the address is all that it takes to send
    /// something there, as with a webhook. Of `slack`, `pagerduty`, `statuspage` and `jsm`: the one that holds the
    /// token or key. Of `smtp`: that of `user`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub secret: String,
    /// The address, where it is no secret. Of `slack`, `pagerduty`, `statuspage` and `jsm`: that of the API, where it
    /// is not the usual one. That of `jsm` ends in `/alerts`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub url: String,
    /// Of `slack`: the id of the channel: `C0123456789`. Of `statuspage`: that of the page. Of `smtp`: the address
    /// that it goes to, or a list of them.
    #[serde(default, skip_serializing_if = "To::is_empty")]
    pub to: To,
    /// Of `smtp`: the address that it comes from: `Incidents <incidents@example.com>`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub from: String,
    /// Of `smtp`: the address that answers go to, where that is another.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reply_to: String,
    /// Of `smtp`: the server that takes it: `smtp.example.com`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub host: String,
    /// Of `smtp`: its port. 0: 465 with `implicit`, 587 with `starttls`, 25 with `none`.
    #[serde(default, skip_serializing_if = "is_no_port")]
    pub port: u16,
    /// Of `smtp`: how the connection is encrypted.
    #[serde(default, skip_serializing_if = "MailTls::is_usual")]
    pub tls: MailTls,
    /// Of `smtp`: a file of certificates in PEM that are trusted in place of the system's: an authority of your own, from
    /// the root of the repository; `~/` is the home directory.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub ca_file: String,
    /// Of `smtp`: who logs in, with the password in `secret`. Empty: nobody. Of `jsm`: the address of mail of the account
    /// that `api_token` belongs to.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub user: String,
    /// Of `pagerduty`: whether deploys and rollbacks are told as change events, too.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub changes: bool,
    /// Of `statuspage`: whether those who subscribed to the page get it, too. It has to be said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notify: Option<bool>,
    /// Of `statuspage`: the components that are affected, by their ids, and how they are shown until it is resolved:
    /// `{ "8kbf7d35c070" = "by_severity" }`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub components: BTreeMap<String, ComponentState>,
    /// Of `slack`: messages of the channel that carry this reaction are written into the timeline: `pushpin`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub pin: String,
    /// Of `pagerduty` and `jsm`: the secret that holds a token of its REST API, by which a page is followed until
    /// somebody has acknowledged it, and who is on call is read. Reading is enough for it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub api_token: String,
    /// Of `jsm`: the id of the site, which `https://SITE.atlassian.net/_edge/tenant_info` tells.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub cloud: String,
    /// Of `jsm`: the id of the schedule by which somebody is on call.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub schedule: String,
    /// Of `pagerduty` and `jsm`: where its REST API answers, where that is not the usual place.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub api_url: String,
    /// Of `pagerduty`: the id of the service, to know who is on call: `PABC123`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub service: String,
    /// Of `pagerduty`: the id of the escalation policy, in place of that of the service.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub escalation_policy: String,
    /// Of `webhook` and `ntfy`: headers. `{secret:NAME}` in a value stands for that secret.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// Of `webhook`: the template of what is sent, as for messages, with `text`, `title` and `body` (the first
    /// line, and the rest), `kind`, `audience`, `severity` and `incident`: `{"text": {{ text | tojson }}}`, which
    /// is what it is where this is left out.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub body: String,
    /// Of `webhook`: most characters of `text`. What is longer is cut, with a mark. 0: any number.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub limit: usize,
    /// Of `command`: program and arguments, run at the root of the repository, with the message on its standard
    /// input. No shell.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub command: Vec<String>,
    /// Of `command`: names of environment variables and secrets it gets besides PATH, HOME and the like.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub env: Vec<String>,
    /// Who is called to the message, as the service writes it: `<!here>` in Slack. Nothing that is in a message
    /// itself calls anybody. Empty: nobody.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub mention: String,
    /// How long it is waited for: `10s`.
    #[serde(default = "default_timeout", serialize_with = "friendly::required")]
    #[schemars(with = "DurationText")]
    pub timeout: SignedDuration,
}

/// What a channel is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ChannelKind {
    /// A bot of Slack: `to` is the channel, `secret` its token.
    Slack,
    /// An incoming webhook of Slack.
    SlackWebhook,
    /// The webhook of a Workflow of Microsoft Teams.
    Teams,
    /// An incoming webhook of Mattermost.
    Mattermost,
    /// A webhook of Discord.
    Discord,
    /// A webhook of Google Chat.
    GoogleChat,
    /// A topic of ntfy.
    Ntfy,
    /// A service of `PagerDuty`, by its Events API v2: `secret` is its integration key, `audiences` the roles that
    /// it pages.
    Pagerduty,
    /// Jira Service Management Operations, by the API of its alerts: `secret` is the key of an integration,
    /// `audiences` the roles that it pages.
    Jsm,
    /// A page of Statuspage, that everybody can read: `to` is its id, `secret` the key of the API.
    Statuspage,
    /// Mail by SMTP.
    Smtp,
    /// Any address that takes what `body` makes by POST.
    Webhook,
    /// A program.
    Command,
}

impl Channel {
    /// The address of the service's API: the usual one where none is named; empty where there is no usual one.
    pub fn api(&self) -> &str {
        let usual = match self.kind {
            ChannelKind::Slack => "https://slack.com/api",
            ChannelKind::Pagerduty => "https://events.pagerduty.com",
            ChannelKind::Statuspage => "https://api.statuspage.io",
            ChannelKind::Jsm => "https://api.atlassian.com/jsm/ops/integration/v2/alerts",
            _ => "",
        };
        if self.url.is_empty() { usual } else { self.url.trim_end_matches('/') }
    }

    /// The address of the API that tells more than whether something was taken.
    pub fn rest_api(&self) -> &str {
        let usual = match self.kind {
            ChannelKind::Pagerduty => "https://api.pagerduty.com",
            ChannelKind::Jsm if !self.cloud.is_empty() => "https://api.atlassian.com",
            _ => self.api(),
        };
        if self.api_url.is_empty() { usual } else { self.api_url.trim_end_matches('/') }
    }

    /// The port of its mail server.
    pub fn mail_port(&self) -> u16 {
        match (self.port, self.tls) {
            (0, MailTls::Implicit) => 465,
            (0, MailTls::Starttls) => 587,
            (0, MailTls::None) => 25,
            (port, _) => port,
        }
    }
}

/// Where something goes: to one, or to several.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum To {
    /// To this one.
    One(String),
    /// To each of these.
    Several(Vec<String>),
}

impl To {
    /// All of them.
    pub fn all(&self) -> &[String] {
        match self {
            Self::One(one) if one.is_empty() => &[],
            Self::One(one) => std::slice::from_ref(one),
            Self::Several(all) => all,
        }
    }

    /// The first of them; empty where there is none.
    pub fn one(&self) -> &str {
        self.all().first().map_or("", String::as_str)
    }

    fn is_empty(&self) -> bool {
        self.all().is_empty()
    }
}

impl Default for To {
    fn default() -> Self {
        Self::One(String::new())
    }
}

/// How a connection to a mail server is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum MailTls {
    /// From the beginning.
    #[default]
    Implicit,
    /// By STARTTLS; without it nothing is sent.
    Starttls,
    /// Not at all.
    None,
}

impl MailTls {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
    fn is_usual(&self) -> bool {
        *self == Self::default()
    }
}

/// How a component of a status page is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ComponentState {
    /// It is slow or fails in part.
    DegradedPerformance,
    /// It is down for some.
    PartialOutage,
    /// It is down.
    MajorOutage,
    /// It is being worked on.
    UnderMaintenance,
    /// `major_outage` at P0, `partial_outage` at P1, `degraded_performance` below that and once service is restored.
    BySeverity,
}

/// Somebody's address of mail: `Incidents <incidents@example.com>`, or the address alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Mailbox<'a> {
    /// The name in front of it; may be empty.
    pub name: &'a str,
    /// The address.
    pub address: &'a str,
}

impl<'a> Mailbox<'a> {
    /// Reads one; `None`: it is none.
    pub fn of(text: &'a str) -> Option<Self> {
        let text = text.trim();
        let (name, address) = match text.strip_suffix('>').and_then(|text| text.split_once('<')) {
            Some((name, address)) => (name.trim().trim_matches('"').trim(), address.trim()),
            None => ("", text),
        };
        let (user, domain) = address.rsplit_once('@')?;
        let is_plain = |byte: u8| byte.is_ascii_graphic() && !b"<>()[]\\,;:\"@".contains(&byte);
        let sound = !user.is_empty() && user.bytes().all(is_plain) && domain.bytes().all(is_plain);
        let has_host = domain.split('.').all(|label| !label.is_empty());
        (sound && has_host && !name.chars().any(char::is_control)).then_some(Self { name, address })
    }

    /// What stands behind the `@`.
    pub fn domain(self) -> &'a str {
        self.address.rsplit_once('@').map_or("", |(_, domain)| domain)
    }
}

impl ChannelKind {
    /// The name in `flightdeck.toml`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Slack => "slack",
            Self::SlackWebhook => "slack-webhook",
            Self::Teams => "teams",
            Self::Mattermost => "mattermost",
            Self::Discord => "discord",
            Self::GoogleChat => "google-chat",
            Self::Ntfy => "ntfy",
            Self::Pagerduty => "pagerduty",
            Self::Jsm => "jsm",
            Self::Statuspage => "statuspage",
            Self::Smtp => "smtp",
            Self::Webhook => "webhook",
            Self::Command => "command",
        }
    }
}

/// Templates of messages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Messages {
    /// The folder of templates, from the root of the repository: `alert.txt`, `update.txt`, `resolved.txt`,
    /// `rollback.txt`, `handoff.txt`, `brief.txt`. Those that are there are used in place of the usual ones.
    pub templates: String,
}

impl Default for Messages {
    fn default() -> Self {
        Self { templates: ".flightdeck/messages".to_owned() }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
fn is_no_port(port: &u16) -> bool {
    *port == 0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
fn is_zero(number: &usize) -> bool {
    *number == 0
}

fn default_timeout() -> SignedDuration {
    SignedDuration::from_secs(10)
}
