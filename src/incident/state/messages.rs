//! Messages of an incident, and how each stands on the channels that it goes to.

use jiff::{SignedDuration, Timestamp};

use crate::incident::body::{Delivery, MessageKind};
use crate::incident::record::RecordId;
use crate::incident::state::State;

/// How long whoever sends a message has before nobody knows what became of it: longer than any channel is
/// waited for.
pub const SENDING: SignedDuration = SignedDuration::from_mins(2);

/// A message that was written for an audience.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Its record.
    pub id: RecordId,
    /// What it is for.
    pub kind: MessageKind,
    /// Audience id.
    pub audience: String,
    /// The text.
    pub text: String,
    /// Who sent it.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// How it stands on each channel, in the order in which they were named.
    pub ways: Vec<OnChannel>,
}

/// How a message stands on one channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OnChannel {
    /// The channel.
    pub channel: String,
    /// What became of it; `None`: nobody has begun.
    pub end: Option<Delivery>,
    /// Since when.
    pub since: Timestamp,
    /// Why.
    pub why: String,
    /// By what the service knows it; empty: it does not say.
    pub reference: String,
    /// It is tried again from then on.
    pub again: Option<Timestamp>,
    /// How many times it was tried.
    pub tries: u32,
}

impl OnChannel {
    /// Tells whether it is to be sent now.
    pub fn is_due(&self, now: Timestamp) -> bool {
        match self.end {
            None => true,
            Some(Delivery::Waiting) => self.again.is_none_or(|again| again <= now || again > self.latest()),
            _ => false,
        }
    }

    /// Later than this nothing waits: a clock that was set back must not make it wait for days.
    fn latest(&self) -> Timestamp {
        self.since.checked_add(SignedDuration::from_hours(1)).unwrap_or(Timestamp::MAX)
    }

    /// What became of it as far as anybody can know at a time: whoever was sending it may be gone.
    pub fn stands(&self, now: Timestamp) -> Option<Delivery> {
        let lost = self.end == Some(Delivery::Sending) && now.duration_since(self.since).abs() > SENDING;
        if lost { Some(Delivery::Unknown) } else { self.end }
    }
}

impl State {
    /// By what a service knows the first message that it accepted on a channel.
    pub fn first_on(&self, channel: &str) -> Option<&str> {
        let ways = self.messages.iter().flat_map(|message| &message.ways);
        let mut known = ways.filter(|way| way.channel == channel && !way.reference.is_empty());
        known.next().map(|way| way.reference.as_str())
    }
}

impl Message {
    /// Tells whether a service took it.
    pub fn is_accepted(&self) -> bool {
        self.ways.iter().any(|way| way.end == Some(Delivery::Accepted))
    }

    /// Tells whether somebody is still at it, or it waits to be sent.
    pub fn is_under_way(&self, now: Timestamp) -> bool {
        let open = [None, Some(Delivery::Waiting), Some(Delivery::Sending)];
        self.ways.iter().any(|way| open.contains(&way.stands(now)))
    }
}
