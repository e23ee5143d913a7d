//! Messages of an incident, and how each stands on the channels that it goes to.

use jiff::{SignedDuration, Timestamp};

use crate::incident::body::{Delivered, Delivery, MessageKind, PageFollowed, PageState, Process};
use crate::incident::record::RecordId;
use crate::incident::state::State;

/// How long whoever sends a message has before nobody knows what became of it: longer than any channel is
/// waited for.
pub const SENDING: SignedDuration = SignedDuration::from_mins(2);

/// A message that is older than this is read again by somebody before it goes.
const FRESH: SignedDuration = SignedDuration::from_mins(5);

/// A change that is older than this is told to nobody any more.
const RECENT: SignedDuration = SignedDuration::from_hours(1);

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
    /// How far the record was read for it.
    pub as_of: Timestamp,
    /// How it stands on each channel, in the order in which they were named.
    pub ways: Vec<OnChannel>,
}

/// A message that an assistant drafted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SuggestedMessage {
    /// Its record.
    pub id: RecordId,
    /// What it is for.
    pub kind: MessageKind,
    /// Audience id.
    pub audience: String,
    /// The text.
    pub text: String,
    /// Whose session it was.
    pub by: String,
    /// When.
    pub at: Timestamp,
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
    /// Who is sending it, where that is on record.
    pub sender: Option<Process>,
    /// How many times it was tried.
    pub tries: u32,
    /// Of a page: what the service told of it after it took it; `None`: nothing, or nobody asked.
    pub page: Option<PageAnswer>,
}

/// What a service told of a page last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageAnswer {
    /// How it stands.
    pub state: PageState,
    /// Whom it pages, or who acknowledged or resolved it; may be empty.
    pub who: String,
    /// Since when.
    pub at: Timestamp,
}

impl PageAnswer {
    /// Tells whether something is news after this. An acknowledgement stands, whatever comes later.
    pub(in crate::incident) fn takes(&self, news: &PageFollowed) -> bool {
        self.state.is_open() && (!news.state.is_open() || news.who != self.who)
    }
}

/// A deploy or rollback that services which keep changes are told of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The record of the release.
    pub id: RecordId,
    /// When it was there.
    pub at: Timestamp,
    /// Who brought it there.
    pub by: String,
    /// Name of the environment.
    pub environment: String,
    /// What people call what is there now.
    pub name: String,
    /// Its commit.
    pub commit: String,
    /// Whether it went back to something older.
    pub rollback: bool,
    /// What became of it on each channel that it was sent to.
    pub ways: Vec<OnChannel>,
}

impl OnChannel {
    /// On a channel where nobody has begun.
    pub(in crate::incident) fn new(channel: &str, since: Timestamp) -> Self {
        Self {
            channel: channel.to_owned(),
            end: None,
            since,
            why: String::new(),
            reference: String::new(),
            again: None,
            sender: None,
            tries: 0,
            page: None,
        }
    }

    /// Takes in what became of it. What was accepted once stays so.
    pub(in crate::incident) fn take(&mut self, body: &Delivered, at: Timestamp) {
        if self.end == Some(Delivery::Accepted) {
            return;
        }
        self.tries += u32::from(body.end == Delivery::Sending);
        (self.end, self.since, self.again) = (Some(body.end), at, body.again);
        self.why.clone_from(&body.why);
        self.reference.clone_from(&body.reference);
        self.sender.clone_from(&body.process);
    }

    /// Tells whether it is to be sent now.
    pub fn is_due(&self, now: Timestamp) -> bool {
        match self.end {
            None => true,
            Some(Delivery::Waiting) => self.again.is_none_or(|again| again <= now || again > self.latest()),
            _ => false,
        }
    }

    /// Of a page that was taken: tells whether nobody has answered it, as far as is known.
    pub fn is_paging(&self) -> bool {
        self.end == Some(Delivery::Accepted) && self.page.as_ref().is_none_or(|page| page.state.is_open())
    }

    /// Later than this nothing waits: a clock that was set back must not make it wait for days.
    fn latest(&self) -> Timestamp {
        self.since.checked_add(SignedDuration::from_hours(1)).unwrap_or(Timestamp::MAX)
    }

    /// What became of it as far as anybody can know at a time: whoever was sending it may be gone.
    pub fn stands(&self, now: Timestamp) -> Option<Delivery> {
        if self.is_lost(now) { Some(Delivery::Unknown) } else { self.end }
    }

    /// Tells whether whoever was sending it is gone, and nobody else has taken it up.
    pub fn is_lost(&self, now: Timestamp) -> bool {
        self.end == Some(Delivery::Sending) && now.duration_since(self.since).abs() > SENDING
    }

    /// Tells whether it is still to be sent.
    pub fn waits(&self) -> bool {
        matches!(self.end, None | Some(Delivery::Waiting))
    }

    /// Tells whether somebody is sending it, or is about to, as far as anybody can know.
    pub fn is_under_way(&self, now: Timestamp) -> bool {
        matches!(self.end, None | Some(Delivery::Sending)) && now.duration_since(self.since).abs() <= SENDING
    }
}

impl State {
    /// The newest page that a channel took, and how it stands there.
    pub fn page_on(&self, channel: &str) -> Option<(&Message, &OnChannel)> {
        let pages = self.messages.iter().rev().filter(|message| message.kind == MessageKind::Page);
        let mut ways = pages.filter_map(|message| Some((message, message.on(channel)?)));
        ways.find(|(_, way)| way.end == Some(Delivery::Accepted))
    }

    /// The newest page to an audience that was taken longer ago than it may go without an answer, where a service
    /// tells that nobody has acknowledged it. Whoever was paged since by other means is another matter.
    pub fn unanswered(&self, within: SignedDuration, now: Timestamp) -> Option<(&Message, &OnChannel)> {
        let mut pages =
            self.messages.iter().rev().filter(|one| one.kind == MessageKind::Page && one.is_accepted());
        let message = pages.next()?;
        if message.ways.iter().any(|way| way.page.as_ref().is_some_and(|page| !page.state.is_open())) {
            return None;
        }
        let way = message.ways.iter().find(|way| way.page.is_some())?;
        let called = self.paged.iter().any(|(at, who)| *at > way.since && *who == message.audience);
        (!called && now.duration_since(way.since) >= within).then_some((message, way))
    }

    /// By what a service knows the first message that it accepted on a channel.
    pub fn first_on(&self, channel: &str) -> Option<&str> {
        let ways = self.messages.iter().flat_map(|message| &message.ways);
        let mut known = ways.filter(|way| way.channel == channel && !way.reference.is_empty());
        known.next().map(|way| way.reference.as_str())
    }

    /// Tells whether a service has, or is being sent, a later message that says how the incident stands: what one
    /// says is old there by then.
    pub fn is_overtaken(&self, message: RecordId, channel: &str, now: Timestamp) -> bool {
        let later = self.messages.iter().skip_while(|one| one.id != message).skip(1);
        let is_there = |way: &OnChannel| {
            way.channel == channel && matches!(way.stands(now), Some(Delivery::Accepted | Delivery::Sending))
        };
        later.filter(|one| one.kind.is_status()).any(|one| one.ways.iter().any(is_there))
    }

    /// What waits to be sent, in the order in which it was written. What a later message to the same people by the
    /// same channel has taken the place of is left out: nobody is to read yesterday's news after today's.
    pub fn outbox(&self) -> Vec<(&Message, &OnChannel)> {
        self.unreplaced(OnChannel::waits)
    }

    /// The messages that somebody is sending, or was, as far as is on record.
    pub fn sending(&self) -> impl Iterator<Item = (RecordId, &OnChannel)> {
        let all = self.messages.iter().flat_map(|one| one.ways.iter().map(|way| (one.id, way)));
        all.filter(|(_, way)| way.end == Some(Delivery::Sending))
    }

    /// The changes that a service is being told of, or was.
    pub fn changes_sending(&self) -> impl Iterator<Item = (RecordId, &OnChannel)> {
        let all = self.changes.iter().flat_map(|one| one.ways.iter().map(|way| (one.id, way)));
        all.filter(|(_, way)| way.end == Some(Delivery::Sending))
    }

    /// What somebody was sending who is gone, in the order in which it was written, without what a later message
    /// has taken the place of.
    pub fn lost(&self, now: Timestamp) -> Vec<(&Message, &OnChannel)> {
        self.unreplaced(|way| way.is_lost(now))
    }

    /// Tells whether a message still waits on a channel where a later one has taken its place: it is never sent.
    pub fn is_superseded(&self, message: &Message, way: &OnChannel) -> bool {
        let at = self.messages.iter().position(|one| one.id == message.id);
        way.waits() && at.is_some_and(|at| self.is_replaced(at, &way.channel))
    }

    fn unreplaced(&self, is_meant: impl Fn(&OnChannel) -> bool) -> Vec<(&Message, &OnChannel)> {
        let all = self.messages.iter().enumerate();
        let ways = all.flat_map(|(at, message)| message.ways.iter().map(move |way| (at, message, way)));
        ways.filter(|(at, _, way)| is_meant(way) && !self.is_replaced(*at, &way.channel))
            .map(|(_, message, way)| (message, way))
            .collect()
    }

    /// Tells whether a later message went to the same people by a channel.
    fn is_replaced(&self, at: usize, channel: &str) -> bool {
        let audience = &self.messages[at].audience;
        let mut later = self.messages[at + 1..].iter().filter(|later| later.audience == *audience);
        later.any(|later| later.ways.iter().any(|way| way.channel == channel))
    }

    /// The changes that a channel is to be told of now.
    pub fn changes_due(&self, channel: &str, now: Timestamp) -> impl Iterator<Item = &Change> {
        let is_due = move |change: &&Change| {
            let way = change.ways.iter().find(|way| way.channel == channel);
            now.duration_since(change.at).abs() <= RECENT && way.is_none_or(|way| way.is_due(now))
        };
        self.changes.iter().filter(is_due)
    }

    /// The last message that did not get through on some channel, and that no later one to the same people has
    /// taken the place of. What waits and is fresh goes by itself.
    pub fn stuck(&self, now: Timestamp) -> Option<&Message> {
        let mut later: Vec<&str> = Vec::new();
        for message in self.messages.iter().rev() {
            if later.contains(&message.audience.as_str()) {
                continue;
            }
            if message.stuck_on(now).next().is_some() {
                return Some(message);
            }
            later.push(&message.audience);
        }
        None
    }
}

impl Message {
    /// How it stands on a channel.
    pub fn on(&self, channel: &str) -> Option<&OnChannel> {
        self.ways.iter().find(|way| way.channel == channel)
    }

    /// The channels that it did not get through on.
    pub fn stuck_on(&self, now: Timestamp) -> impl Iterator<Item = &str> {
        let fresh = self.is_fresh(now);
        let ways = self.ways.iter().filter(move |way| match way.stands(now) {
            Some(Delivery::Failed | Delivery::Unknown) => true,
            Some(Delivery::Waiting) | None => !fresh,
            Some(Delivery::Accepted | Delivery::Sending) => false,
        });
        ways.map(|way| way.channel.as_str())
    }

    /// Tells whether it is young enough to go without being read again, whatever became of the clock.
    pub fn is_fresh(&self, now: Timestamp) -> bool {
        now.duration_since(self.at).abs() <= FRESH
    }

    /// Tells whether a service took it.
    pub fn is_accepted(&self) -> bool {
        self.ways.iter().any(|way| way.end == Some(Delivery::Accepted))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_second(1_790_000_000 + minute * 60).unwrap()
    }

    fn way(end: Option<Delivery>, again: Option<Timestamp>) -> OnChannel {
        let (channel, why, reference) = ("slack".to_owned(), String::new(), String::new());
        OnChannel { channel, end, since: at(0), why, reference, again, sender: None, tries: 1, page: None }
    }

    #[test]
    fn what_waits_is_due_when_it_said_and_a_clock_that_is_wrong_holds_nothing_up_for_long() {
        let waits = way(Some(Delivery::Waiting), Some(at(2)));
        assert!(!waits.is_due(at(1)) && waits.is_due(at(2)) && waits.is_due(at(600)));
        // It was written down by a clock that was ahead of all others: nothing waits longer than an hour.
        let ahead = way(Some(Delivery::Waiting), Some(at(24 * 60)));
        assert!(ahead.is_due(at(1)));
        assert!(way(None, None).is_due(at(-600)), "a clock that was set back");
        assert!(!way(Some(Delivery::Failed), None).is_due(at(600)));
    }

    #[test]
    fn whoever_was_sending_and_is_gone_leaves_nobody_in_the_belief_that_it_went() {
        let sending = way(Some(Delivery::Sending), None);
        assert_eq!(sending.stands(at(1)), Some(Delivery::Sending));
        for later in [at(3), at(-3)] {
            assert_eq!(sending.stands(later), Some(Delivery::Unknown));
            assert!(!sending.is_due(later), "it is not sent again by itself");
        }
    }
}
