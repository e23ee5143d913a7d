//! Sends messages, each once: a message and what became of it on every channel are records, and whoever sends it
//! has said so before it goes. What was surely not received is tried again; what may have been is not.

mod carry;
mod changes;
mod follow;
mod get;
mod kept;
mod pins;
mod read;
mod request;
mod smtp;

use std::path::Path;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::comms::wire::{Fate, Outgoing, is_sent_again};
use crate::config::types::Config;
use crate::failure::{Failure, FailureKind, Result};
use crate::incident::{
    Body, Delivered, Delivery, Draft, IncidentId, Log, Message, Messaged, OnChannel, Policy, Record,
    RecordId, State,
};
use crate::journal::{Journal, Seq};
use crate::text::{visible, visible_lines};

use super::process::{self, Life};
use super::secrets::Purse;

pub use carry::{lacking, missing};
pub use follow::{all_on_call, follow, on_call};
pub use pins::pins;
pub use read::templates;

/// How often something is written again because something else was written meanwhile.
const ATTEMPTS: usize = 50;
/// The first pause before a message is tried again; each is twice as long as the one before,
const PAUSE: Duration = Duration::from_secs(15);
/// and none is longer than this.
const LONGEST: Duration = Duration::from_secs(600);
/// The longest, whatever a service asks for.
const MOST: Duration = Duration::from_secs(3600);
/// What somebody else has begun is left to them for this long.
const THEIRS: SignedDuration = SignedDuration::from_secs(20);

/// Where messages are sent from.
#[derive(Debug, Clone, Copy)]
pub struct Post<'a> {
    /// The trusted configuration.
    pub config: &'a Config,
    /// Root of the work tree.
    pub root: &'a Path,
    /// The policy in force.
    pub policy: &'a Policy,
    /// The incident.
    pub incident: IncidentId,
}

/// What was sent, or not.
#[derive(Debug, Default)]
pub struct Sent {
    /// The records of it.
    pub records: Vec<Record>,
    /// What became of it on each channel.
    pub ways: Vec<(String, Fate)>,
}

/// Which messages of the outbox go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// Those that were read a moment ago.
    Fresh,
    /// All of them: somebody has read them again.
    All,
}

/// Writes a message down and sends it. `read_at` is when its draft was written: who sent the like since then
/// has sent it.
///
/// # Errors
/// Somebody else has sent it, or it cannot be written down. Nothing is sent then.
pub fn send(journal: &mut Journal, post: &Post<'_>, message: &Messaged, read_at: Timestamp) -> Result<Sent> {
    let mut desk = Desk::open(journal, *post)?;
    desk.settle()?;
    desk.sent.ways.clear();
    // What goes out and is on record is what was read: the terminal shows no characters that nobody sees.
    let text = visible_lines(&desk.purse.masker().mask(&message.text)).into_owned();
    let message = Messaged { text, ..message.clone() };
    let id = desk.write(&message, read_at)?;
    for channel in &message.channels {
        desk.deliver((id, channel), |way, _| way.end.is_none())?;
    }
    Ok(desk.sent)
}

/// Sends again what did not go out, or may not have.
///
/// # Errors
/// It cannot be written down.
pub fn resend(journal: &mut Journal, post: &Post<'_>, message: RecordId) -> Result<Sent> {
    let mut desk = Desk::open(journal, *post)?;
    desk.settle()?;
    desk.sent.ways.clear();
    let found = desk.state().messages.iter().find(|one| one.id == message);
    let channels: Vec<String> = found.map(|one| names(&one.ways)).unwrap_or_default();
    let open =
        |way: &OnChannel, now| !matches!(way.stands(now), Some(Delivery::Accepted | Delivery::Sending));
    for channel in &channels {
        desk.deliver((message, channel), open)?;
    }
    Ok(desk.sent)
}

/// Sends what waits in the outbox.
///
/// # Errors
/// It cannot be written down.
pub fn flush(journal: &mut Journal, post: &Post<'_>, which: Which) -> Result<Sent> {
    let mut desk = Desk::open(journal, *post)?;
    let config = post.config;
    desk.settle()?;
    let all = waiting(desk.state(), config, Timestamp::now(), which);
    for one in all {
        // A channel may take a minute: a later message may have gone out since, or this one have grown old.
        desk.catch_up()?;
        if !waiting(desk.state(), config, Timestamp::now(), which).contains(&one) {
            continue;
        }
        let (message, channel) = one;
        let again = is_sent_again(&post.config.channels, &channel);
        let due = |way: &OnChannel, now| {
            way.is_due(now) || (which == Which::All && way.waits()) || (again && way.is_lost(now))
        };
        desk.deliver((message, &channel), due)?;
    }
    changes::tell(&mut desk)?;
    Ok(desk.sent)
}

/// What waits, and may go now.
fn waiting(state: &State, config: &Config, now: Timestamp, which: Which) -> Vec<(RecordId, String)> {
    let due = |(message, way): &(&Message, &OnChannel)| {
        // Whoever wrote it is at it.
        let theirs = way.end.is_none() && now.duration_since(way.since) <= THEIRS;
        which == Which::All || (message.is_fresh(now) && way.is_due(now) && !theirs)
    };
    let waits = state.outbox().into_iter().filter(due);
    let lost = state.lost(now).into_iter().filter(|(message, way)| {
        (which == Which::All || message.is_fresh(now)) && is_sent_again(&config.channels, &way.channel)
    });
    waits.chain(lost).map(|(message, way)| (message.id, way.channel.clone())).collect()
}

fn names(ways: &[OnChannel]) -> Vec<String> {
    ways.iter().map(|way| way.channel.clone()).collect()
}

/// Where messages of an incident are sent: its record is read once and then followed, and each secret is fetched
/// once.
struct Desk<'a> {
    journal: &'a mut Journal,
    post: Post<'a>,
    log: Log,
    seen: Seq,
    purse: Purse,
    sent: Sent,
}

impl<'a> Desk<'a> {
    fn open(journal: &'a mut Journal, post: Post<'a>) -> Result<Self> {
        let (log, seen) = journal.load(post.incident)?;
        let purse = Purse::new(post.config, post.root);
        Ok(Self { journal, post, log, seen, purse, sent: Sent::default() })
    }

    fn state(&self) -> &State {
        self.log.state()
    }

    /// Takes in what was written since it was looked at last, by whomever.
    fn catch_up(&mut self) -> Result<()> {
        let (records, seen) = self.journal.since(self.post.incident, self.seen)?;
        self.journal.fold_in(&mut self.log, records)?;
        self.seen = seen;
        Ok(())
    }

    /// Commits what was decided on what was read; `None`: something else was written meanwhile.
    fn commit(&mut self, now: Timestamp, body: impl Into<Body>) -> Result<Option<RecordId>> {
        let draft = Draft::now(self.post.incident, body);
        let records = self.journal.append_unless_moved(now, self.post.incident, self.seen, vec![draft])?;
        let Some(records) = records else { return Ok(None) };
        let id = records.first().map(|record| record.id);
        self.sent.records.extend(records);
        Ok(id)
    }

    /// Commits a message, unless somebody else has sent the like since it was read.
    fn write(&mut self, message: &Messaged, read_at: Timestamp) -> Result<RecordId> {
        let doing = "sending the message";
        for _ in 0..ATTEMPTS {
            self.catch_up()?;
            let audience = |id: &str| self.post.policy.told_as(id).to_owned();
            let same = |one: &&Message| {
                one.kind == message.kind
                    && audience(&one.audience) == audience(&message.audience)
                    && one.at > read_at
            };
            if let Some(other) = self.state().messages.iter().find(same) {
                let at = other.at.strftime("%H:%M:%S UTC");
                return Err(Failure::of(
                    FailureKind::Held,
                    doing,
                    format!(
                        "{} sent {} at {at}, while this was open",
                        visible(&other.by),
                        other.kind.words()
                    ),
                    "read what was sent in the timeline; open the message again if there is more to say",
                ));
            }
            let now = Timestamp::now();
            let is_same = |one: &&Message| {
                one.kind == message.kind
                    && audience(&one.audience) == audience(&message.audience)
                    && one.text == message.text
            };
            let ways = self.state().messages.iter().filter(is_same).flat_map(|one| &one.ways);
            let mut at_it = ways.filter(|way| message.channels.contains(&way.channel));
            if let Some(way) = at_it.find(|way| way.is_under_way(now)) {
                return Err(Failure::of(
                    FailureKind::Held,
                    doing,
                    format!("{}: {}", visible(&way.channel), under_way(way)),
                    "wait two minutes; flightdeck message --flush then says what became of it",
                ));
            }
            // Those who have two names are one audience: what came later takes the place of what came before.
            let (audience, as_of) = (audience(&message.audience), Some(message.as_of.unwrap_or(read_at)));
            let written = Messaged { audience, as_of, ..message.clone() };
            if let Some(id) = self.commit(Timestamp::now(), written)? {
                return Ok(id);
            }
        }
        Err(busy(doing))
    }

    /// Writes down that nobody knows what became of what somebody was sending who is gone. Where it is there once,
    /// however often it is sent, it waits to be sent again.
    fn settle(&mut self) -> Result<()> {
        self.catch_up()?;
        let now = Timestamp::now();
        let config = self.post.config;
        let again = |way: &OnChannel| is_sent_again(&config.channels, &way.channel);
        let state = self.state();
        // Nobody can look at a process elsewhere: time has to tell, and what is sent again then tells it itself.
        let messages = state
            .sending()
            .filter(|(_, way)| is_gone(way) || (way.is_lost(now) && !again(way)))
            .map(|(message, way)| (message, way, again(way)));
        let changes = state.changes_sending().filter(|(_, way)| is_gone(way) || way.is_lost(now));
        let changes = changes.map(|(change, way)| (change, way, false));
        let lost: Vec<_> = messages
            .chain(changes)
            .map(|(id, way, again)| (id, way.channel.clone(), way.since, again))
            .collect();
        for (message, channel, since, again) in lost {
            let why = format!("whoever sent it at {} was gone", since.strftime("%H:%M UTC"));
            let end = if again { Delivery::Waiting } else { Delivery::Unknown };
            let body = Delivered { why: why.clone(), ..Delivered::new(message, &channel, end) };
            // Whoever wrote meanwhile may have done the same: it is looked at again next time.
            if self.commit(now, body)?.is_none() {
                break;
            }
            if !again {
                self.sent.ways.push((channel, Fate::new(end, why)));
            }
            self.catch_up()?;
        }
        Ok(())
    }

    /// Sends a message on a channel, if nobody else is at it, and writes down what became of it.
    fn deliver(
        &mut self,
        (id, channel): (RecordId, &str),
        is_open: impl Fn(&OnChannel, Timestamp) -> bool,
    ) -> Result<()> {
        let Some((message, tries)) = self.claim((id, channel), is_open)? else { return Ok(()) };
        let mut fate = carry::carry(&self.post, &mut self.purse, channel, &message);
        // What a later one says stays: a retry comes late.
        if fate.end == Delivery::Accepted
            && self.catch_up().is_ok()
            && !self.state().is_overtaken(id, channel, Timestamp::now())
            && let Some(why) = carry::bring_up_to_date(&self.post, &mut self.purse, channel, &message)
        {
            fate.why = why;
        }
        self.record(id, channel, fate, tries)
    }

    /// Writes down what became of something on a channel.
    fn record(&mut self, id: RecordId, channel: &str, fate: Fate, tries: u32) -> Result<()> {
        let again = (fate.end == Delivery::Waiting).then(|| {
            let pause = PAUSE.saturating_mul(2_u32.saturating_pow(tries)).min(LONGEST);
            let pause = pause.max(fate.again.unwrap_or_default()).min(MOST);
            let pause = SignedDuration::try_from(pause).unwrap_or(SignedDuration::from_mins(10));
            Timestamp::now().checked_add(pause).unwrap_or(Timestamp::MAX)
        });
        let (why, reference) = (fate.why.clone(), fate.reference.clone());
        let body = Delivered { why, reference, again, ..Delivered::new(id, channel, fate.end) };
        let draft = Draft::now(self.post.incident, body);
        self.sent.records.extend(self.journal.append(Timestamp::now(), vec![draft])?);
        self.sent.ways.push((channel.to_owned(), fate));
        Ok(())
    }

    /// Says on record that the message is being sent, if that is still to be done; gives back what is sent, and how
    /// many times it was tried before.
    fn claim(
        &mut self,
        (id, channel): (RecordId, &str),
        is_open: impl Fn(&OnChannel, Timestamp) -> bool,
    ) -> Result<Option<(Outgoing, u32)>> {
        for _ in 0..ATTEMPTS {
            self.catch_up()?;
            let (state, now) = (self.state(), Timestamp::now());
            let Some(message) = state.messages.iter().find(|message| message.id == id) else {
                return Ok(None);
            };
            let way = message.ways.iter().find(|way| way.channel == channel);
            let Some(way) = way.filter(|way| is_open(way, now)) else { return Ok(None) };
            let tries = way.tries;
            // Whatever wrote it down, and whoever imported it.
            let text = visible_lines(&message.text);
            let of = (message.kind, message.audience.as_str(), &*text);
            let outgoing = Outgoing {
                message: id.to_string(),
                is_retry: tries > 0,
                is_overtaken: state.is_overtaken(id, channel, now),
                first: state.first_on(channel).map(str::to_owned),
                ..Outgoing::about(state, self.post.policy, of, message.at).seen(state, self.post.config, now)
            };
            let body =
                Delivered { process: process::this(), ..Delivered::new(id, channel, Delivery::Sending) };
            if self.commit(now, body)?.is_some() {
                return Ok(Some((outgoing, tries)));
            }
        }
        Err(busy("sending the message"))
    }
}

/// Says that somebody is at it, or was.
pub fn under_way(way: &OnChannel) -> String {
    let since = way.since.strftime("%H:%M UTC");
    if is_gone(way) {
        return format!("whoever sent it at {since} was gone; it may have been received");
    }
    match &way.sender {
        Some(sender) if process::life(sender) == Life::Alive => format!("being sent since {since}"),
        _ => format!("somebody is sending this, or died while doing so (since {since})"),
    }
}

/// Tells whether whoever was sending something is known to be gone.
fn is_gone(way: &OnChannel) -> bool {
    way.end == Some(Delivery::Sending) && way.sender.as_ref().is_some_and(process::is_gone)
}

/// Writes down what became of what somebody was sending who is known to be gone.
///
/// # Errors
/// It cannot be written down.
pub fn settle(journal: &mut Journal, post: &Post<'_>) -> Result<Vec<Record>> {
    let mut desk = Desk::open(journal, *post)?;
    desk.settle()?;
    Ok(desk.sent.records)
}

fn busy(doing: &str) -> Failure {
    Failure::new(doing, "others write to this incident without a pause", "try again in a moment")
}

#[cfg(test)]
mod paging;
#[cfg(test)]
mod pinned;
#[cfg(test)]
mod tests;
