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
    /// something there, as with a webhook. Of `slack` and `pagerduty`: the one that holds the token, or the
    /// integration key.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub secret: String,
    /// The address, where it is no secret. Of `slack` and `pagerduty`: that of the API, where it is not the
    /// usual one.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub url: String,
    /// Of `slack`: the id of the channel: `C0123456789`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub to: String,
    /// Of `slack`: messages of the channel that carry this reaction are written into the timeline: `pushpin`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub pin: String,
    /// Of `pagerduty`: the secret that holds a token of its REST API, by which a page is followed until somebody has
    /// acknowledged it. Reading is enough for it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub api_token: String,
    /// Of `pagerduty`: where its REST API answers, where that is not the usual place.
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
            _ => "",
        };
        if self.url.is_empty() { usual } else { self.url.trim_end_matches('/') }
    }

    /// The address of the API that tells more than whether something was taken.
    pub fn rest_api(&self) -> &str {
        let usual =
            if self.kind == ChannelKind::Pagerduty { "https://api.pagerduty.com" } else { self.api() };
        if self.api_url.is_empty() { usual } else { self.api_url.trim_end_matches('/') }
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
fn is_zero(number: &usize) -> bool {
    *number == 0
}

fn default_timeout() -> SignedDuration {
    SignedDuration::from_secs(10)
}
