//! What records say of messages: what was written for whom, and what became of it on each channel.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::incident::body::Process;
use crate::incident::record::RecordId;

/// A message was written for an audience, and is to be sent by these channels. It waits there until a delivery
/// says what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Messaged {
    /// What kind of message it is.
    pub kind: MessageKind,
    /// Audience id from the policy.
    pub audience: String,
    /// The text as it was approved by who sent it.
    pub text: String,
    /// Names of the channels that it goes to.
    pub channels: Vec<String>,
    /// How far the record was read for it: what was recorded later is in the next message to this audience.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub as_of: Option<Timestamp>,
}

/// What a message is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MessageKind {
    /// That there is an incident.
    Alert,
    /// How it stands.
    Update,
    /// That it is over.
    Resolved,
    /// That production was put back.
    Rollback,
    /// What whoever takes over has to know.
    Handoff,
    /// The situation, to be read aloud.
    Brief,
    /// That somebody is needed: who is paged by it is the audience.
    Page,
}

impl MessageKind {
    /// All that are written from a template. A page is not.
    pub const ALL: [Self; 6] =
        [Self::Alert, Self::Update, Self::Resolved, Self::Rollback, Self::Handoff, Self::Brief];

    /// Tells whether it says how the incident stands, to whoever wants to know.
    pub fn is_status(self) -> bool {
        matches!(self, Self::Alert | Self::Update | Self::Resolved | Self::Rollback)
    }

    /// The name on the command line and of its template.
    pub fn name(self) -> &'static str {
        match self {
            Self::Alert => "alert",
            Self::Update => "update",
            Self::Resolved => "resolved",
            Self::Rollback => "rollback",
            Self::Handoff => "handoff",
            Self::Brief => "brief",
            Self::Page => "page",
        }
    }

    /// What it is called by itself: `update to stakeholders`.
    pub fn noun(self) -> &'static str {
        match self {
            Self::Brief => "brief",
            kind => {
                let words = kind.words();
                words.split_once(' ').map_or(words, |(_, noun)| noun)
            }
        }
    }

    /// What it is called in a sentence: `sent stakeholders an update`.
    pub fn words(self) -> &'static str {
        match self {
            Self::Alert => "the alert",
            Self::Update => "an update",
            Self::Resolved => "a service-restored notice",
            Self::Rollback => "a rollback notice",
            Self::Handoff => "the handoff",
            Self::Brief => "the situation",
            Self::Page => "a page",
        }
    }
}

/// Says what became of a message on one channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivered {
    /// The message.
    pub message: RecordId,
    /// The channel, by name.
    pub channel: String,
    /// What became of it.
    pub end: Delivery,
    /// What the service said, or why not; may be empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub why: String,
    /// By what the service knows it, where it says so.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reference: String,
    /// It is tried again from then on, where it waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub again: Option<Timestamp>,
    /// Who is sending it: whoever finds that process gone need not wait for what it will say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub process: Option<Process>,
}

impl Delivered {
    /// Says what became of a message, and no more.
    pub fn new(message: RecordId, channel: &str, end: Delivery) -> Self {
        let (channel, why, reference) = (channel.to_owned(), String::new(), String::new());
        Self { message, channel, end, why, reference, again: None, process: None }
    }
}

/// Says what a service tells of a page after it took it. That is dated by the service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageFollowed {
    /// The page.
    pub message: RecordId,
    /// The channel, by name.
    pub channel: String,
    /// How it stands.
    pub state: PageState,
    /// Whom it pages, or who acknowledged or resolved it; empty: the service does not say.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub who: String,
    /// Of an escalation: whether time had run out, and nobody asked for it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub by_clock: bool,
}

/// How a page stands at the service that pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PageState {
    /// Somebody is being paged.
    Paging,
    /// It was passed on to somebody else.
    Escalated,
    /// Somebody acknowledged it.
    Acknowledged,
    /// It was resolved there.
    Resolved,
}

impl PageState {
    /// Tells whether somebody is still to answer.
    pub fn is_open(self) -> bool {
        matches!(self, Self::Paging | Self::Escalated)
    }
}

/// What became of a message on a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Delivery {
    /// Somebody is sending it. Whoever finds only this does not know whether it was received.
    Sending,
    /// The service took it. That it was read is not said.
    Accepted,
    /// It was surely not received, and is tried again.
    Waiting,
    /// It was not received, and is not tried again by itself.
    Failed,
    /// It may have been received: it is not sent again by itself.
    Unknown,
}

impl Delivery {
    /// The word on the screen.
    pub fn word(self) -> &'static str {
        match self {
            Self::Sending => "sending",
            Self::Accepted => "accepted",
            Self::Waiting => "waiting",
            Self::Failed => "failed",
            Self::Unknown => "outcome unknown",
        }
    }
}
