//! Carries batches over NATS: a subject an incident and installation, and a stream of `JetStream` as a courtesy for whoever
//! comes later. The journals stay the truth. A server that lost, repeated, reordered or put back what it had is noticed:
//! each says from time to time what it has, and others send again what is missing, whoever wrote it.

mod login;

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use async_nats::connection::State;
use async_nats::jetstream::consumer::{AckPolicy, pull};
use async_nats::jetstream::stream::{self, LastRawMessageErrorKind, Stream};
use async_nats::jetstream::{self, Context};
use async_nats::{Client, ConnectOptions, Event, HeaderMap, ServerAddr, Subject, Subscriber};
use futures_util::{FutureExt as _, StreamExt as _};
use git2::Oid;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use self::login::{addresses, refusal, with};
use super::batch::{Batch, Reached, key_mark, node_name};
use super::carrier::{Carrier, LeftOut, Outgoing};
use super::git::{Git, Tip};
use super::inbox::Inbox;
use super::live::{Login, Woke};
use super::own::COPIED;
use super::wire::{BATCHES, Have, PART, Part, have_subject, parse_have, parse_subject, parts, subject};
use crate::incident::{Hash, IncidentId};
use crate::text::address::is_loopback;
use crate::text::visible;

/// The stream that keeps batches for whoever comes later, and for how long.
pub(super) const STREAM: &str = "flightdeck";
const KEPT_FOR: Duration = Duration::from_secs(30 * 24 * 3600);
/// How long the server may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// How often it is asked whether it is there: it is silent for twice that at most before it is not.
const PING: Duration = Duration::from_secs(5);
/// A stream that is not there is not looked for again for so long.
const NO_STREAM: Duration = Duration::from_secs(300);
/// Most bytes of payload in a message, and what its headers may take of what the server allows.
const MOST_PAYLOAD: usize = 512 << 10;
const HEADERS: usize = 1 << 10;
/// Messages that are read from the stream at once, and acknowledgements that are waited for together.
const AT_ONCE: usize = 64;

/// How often something is done by itself, and for how long something is believed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    /// How often it is looked whether the stream still has what was sent, and said what is here.
    pub(super) check: Duration,
    /// How long what was just sent is on its way.
    pub(super) on_its_way: Duration,
    /// For so long whoever wrote a batch may send it again before others do.
    pub(super) writer_first: Duration,
    /// What was sent again is not sent again for so long.
    pub(super) again: Duration,
    /// How often it is said at most that something is missing.
    pub(super) gap: Duration,
}

impl Pace {
    pub(super) const NORMAL: Self = Self {
        check: Duration::from_secs(10),
        on_its_way: Duration::from_secs(2),
        writer_first: Duration::from_millis(500),
        again: Duration::from_secs(5),
        gap: Duration::from_secs(1),
    };
}

/// A message that came, not yet looked at.
enum Arrived {
    Part { incident: IncidentId, node: u64, part: Part, bytes: Vec<u8> },
    Have(IncidentId, Have),
}

/// What somebody misses of a chain: the batch it begins with, and when it is sent.
#[derive(Debug, Clone, Copy)]
struct Wanted {
    from: u64,
    due: Instant,
}

/// A connection to a NATS server.
pub(super) struct Nats {
    server: String,
    /// This installation.
    node: u64,
    pub(super) pace: Pace,
    client: Client,
    context: Context,
    stream: Option<Stream>,
    incident: Option<IncidentId>,
    batches: Subscriber,
    haves: Subscriber,
    events: UnboundedReceiver<Event>,
    /// Why it is over.
    over: Option<String>,
    arrived: VecDeque<Arrived>,
    inbox: Inbox,
    /// What of this installation is there: batches and records.
    there: BTreeMap<IncidentId, (u64, u64)>,
    wanted: BTreeMap<(IncidentId, u64, String), Wanted>,
    sent_again: BTreeMap<(IncidentId, u64, String), (u64, Instant)>,
    pushed: Option<Instant>,
    is_filled: bool,
    /// When a stream was looked for.
    looked: Option<Instant>,
    checked: Option<Instant>,
    told: Option<Instant>,
    has_gap: bool,
    refused: Option<String>,
    // The last: what is above lives in it.
    runtime: Runtime,
}

impl Nats {
    /// Connects, for one incident or all that there are.
    ///
    /// # Errors
    /// One line: no server can be reached, none lets us in, or everybody could read what is sent there.
    pub(super) fn connect(login: &Login, node: u64, incident: Option<IncidentId>) -> Result<Self, String> {
        let addresses = addresses(&login.servers)?;
        let runtime = Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| format!("no connection can be made: {error}"))?;
        let (sender, events) = unbounded_channel();
        let options = ConnectOptions::new()
            .name("flightdeck")
            .connection_timeout(PATIENCE)
            .request_timeout(Some(PATIENCE))
            .ping_interval(PING)
            .max_reconnects(1)
            .ignore_discovered_servers()
            // What is said on a subject of ours is known already.
            .no_echo()
            .require_tls(addresses.iter().all(ServerAddr::tls_required))
            .event_callback(move |event| {
                let _ = sender.send(event);
                async {}
            });
        let options = with(options, &login.credentials)?;
        let server = addresses.iter().map(|address| address.host().to_owned()).collect::<Vec<_>>().join(", ");
        let is_here = addresses.iter().all(|address| is_loopback(address.host()));
        let connected = runtime.block_on(async {
            let client = options.connect(addresses).await.map_err(|error| refusal(&error))?;
            if !client.server_info().auth_required && !is_here && !login.is_public {
                return Err("it lets everybody in, so that everybody could read the incident; \
                     set [share] public = true if that is meant"
                    .to_owned());
            }
            let listen = |error| format!("nothing can be listened to there: {error}");
            let batches = client
                .subscribe(Subject::from(subject(incident, None)))
                .await
                .map_err(|e| listen(e.to_string()))?;
            let haves = client.subscribe(Subject::from(have_subject(incident))).await;
            let haves = haves.map_err(|e| listen(e.to_string()))?;
            client.flush().await.map_err(|e| listen(e.to_string()))?;
            Ok((client, batches, haves))
        });
        let (client, batches, haves) = connected?;
        // It has a task of its own.
        let entered = runtime.enter();
        let mut context = jetstream::new(client.clone());
        drop(entered);
        context.set_timeout(PATIENCE);
        Ok(Self {
            server,
            node,
            pace: Pace::NORMAL,
            client,
            context,
            stream: None,
            incident,
            batches,
            haves,
            events,
            over: None,
            arrived: VecDeque::new(),
            inbox: Inbox::default(),
            there: BTreeMap::new(),
            wanted: BTreeMap::new(),
            sent_again: BTreeMap::new(),
            pushed: None,
            is_filled: false,
            looked: None,
            checked: None,
            told: None,
            has_gap: false,
            refused: None,
            runtime,
        })
    }

    /// Why the connection is over; `None`: it is not.
    pub(super) fn over(&self) -> Option<&str> {
        self.over.as_deref()
    }

    /// Waits until something comes, somebody asks, or something is to be done by itself.
    pub(super) fn wait(&mut self, orders: &mut UnboundedReceiver<()>) -> Woke {
        let next = self.next();
        let woke = self.runtime.block_on(async {
            tokio::select! {
                order = orders.recv() => if order.is_some() { Woke::Due } else { Woke::Left },
                message = self.batches.next() => {
                    self.arrived.extend(message.as_ref().and_then(batch_of));
                    Woke::Due
                }
                message = self.haves.next() => {
                    self.arrived.extend(message.as_ref().and_then(have_of));
                    Woke::Due
                }
                event = self.events.recv() => {
                    note(&mut self.over, event.as_ref(), &mut self.refused);
                    Woke::Due
                }
                () = tokio::time::sleep_until(next.into()) => Woke::Due,
            }
        });
        // One pass for all who asked.
        while orders.try_recv().is_ok() {}
        woke
    }

    /// When something is to be done by itself.
    fn next(&self) -> Instant {
        let now = Instant::now();
        let checked = self.checked.map_or(now, |at| at + self.pace.check);
        let told = self.told.map_or(now, |at| at + self.pace.check);
        let due = self.wanted.values().map(|wanted| wanted.due).min();
        due.into_iter().chain([checked, told]).min().unwrap_or(now)
    }

    /// Takes what has come without waiting for more.
    fn drain(&mut self) {
        self.runtime.block_on(async {
            // Whatever is on the wire is read.
            tokio::task::yield_now().await;
            while let Some(Some(message)) = self.batches.next().now_or_never() {
                self.arrived.extend(batch_of(&message));
            }
            while let Some(Some(message)) = self.haves.next().now_or_never() {
                self.arrived.extend(have_of(&message));
            }
            while let Some(Some(event)) = self.events.recv().now_or_never() {
                note(&mut self.over, Some(&event), &mut self.refused);
            }
        });
        if self.over.is_none() && self.client.connection_state() == State::Disconnected {
            self.over = Some("the connection was lost".to_owned());
        }
    }

    /// Reads what the stream has, once a connection: what comes later comes by itself.
    fn fill(&mut self) {
        if self.is_filled {
            return;
        }
        self.find_stream();
        let Some(stream) = &self.stream else { return };
        let filter_subject = subject(self.incident, None);
        let read = self.runtime.block_on(async {
            let config = pull::Config {
                filter_subject,
                ack_policy: AckPolicy::None,
                inactive_threshold: PATIENCE * 2,
                ..pull::Config::default()
            };
            let mut consumer = stream.create_consumer(config).await.map_err(|error| error.to_string())?;
            let mut left = consumer.cached_info().num_pending;
            while left > 0 {
                let asked = consumer.fetch().max_messages(AT_ONCE).messages().await;
                let mut messages = asked.map_err(|error| error.to_string())?;
                let mut came = 0;
                while let Some(message) = messages.next().await {
                    let message = message.map_err(|error| error.to_string())?;
                    came += 1;
                    self.arrived.extend(batch_of(&message.message));
                }
                left = if came == 0 { 0 } else { left.saturating_sub(came) };
            }
            let name = consumer.info().await.map(|info| info.name.clone());
            if let Ok(name) = name {
                // One that stays is removed by the server in a while.
                let _ = stream.delete_consumer(&name).await;
            }
            Ok::<(), String>(())
        });
        // What could not be read comes from others, who are told what is here.
        self.is_filled = true;
        drop(read);
    }

    fn find_stream(&mut self) {
        let lately = self.looked.is_some_and(|at| at.elapsed() < NO_STREAM);
        if self.stream.is_some() || lately {
            return;
        }
        self.looked = Some(Instant::now());
        let config = stream::Config {
            name: STREAM.to_owned(),
            subjects: vec![format!("{BATCHES}.>")],
            max_age: KEPT_FOR,
            discard: stream::DiscardPolicy::Old,
            ..stream::Config::default()
        };
        let found = self.runtime.block_on(async {
            match self.context.get_stream(STREAM).await {
                Ok(stream) => Ok(stream),
                Err(_) => self.context.create_stream(config).await,
            }
        });
        // Without it others send what somebody who comes later misses.
        self.stream = found.ok();
    }

    /// Looks how much of this installation the stream has: it may have lost it, or been put back.
    fn check(&mut self, chains: &Git, out: &Outgoing) {
        if self.checked.is_some_and(|at| at.elapsed() < self.pace.check) {
            return;
        }
        self.checked = Some(Instant::now());
        self.find_stream();
        for incident in &out.incidents {
            let Some(stream) = &self.stream else { continue };
            let named = subject(Some(*incident), Some(out.node));
            let last = self.runtime.block_on(stream.get_last_raw_message_by_subject(&named));
            match last {
                Ok(message) => {
                    let part = message.headers.get(PART).and_then(|header| Part::parse(header.as_str()));
                    let Some(part) = part.filter(|part| part.place == part.of) else { continue };
                    let Some(commit) = own_batch(chains, *incident, out.node, part.batch) else { continue };
                    let is_ours =
                        chains.head(commit).is_ok_and(|head| Hash::of(&head).to_string() == part.head);
                    // What others put there is put right by telling each other what is missing.
                    if let (true, Ok(reached)) = (is_ours, chains.reached(commit)) {
                        self.there.insert(*incident, (reached.batch, reached.records));
                    }
                }
                Err(error) if error.kind() == LastRawMessageErrorKind::NoMessageFound => {
                    self.there.remove(incident);
                }
                // It was removed, and is made anew.
                Err(_) => (self.stream, self.looked) = (None, None),
            }
        }
    }

    /// Sends batches of a chain, and waits until the stream has them where there is one.
    fn send(
        &mut self,
        chains: &Git,
        incident: IncidentId,
        node: u64,
        batches: &[(u64, Oid)],
    ) -> Result<(), String> {
        let most = self.client.server_info().max_payload.saturating_sub(HEADERS).clamp(1, MOST_PAYLOAD);
        let named = Subject::from(subject(Some(incident), Some(node)));
        let mut all = Vec::new();
        for (number, commit) in batches {
            all.extend(parts(*number, &chains.batch(*commit)?, most));
        }
        let has_stream = self.stream.is_some();
        let sent = self.runtime.block_on(async {
            for some in all.chunks(AT_ONCE) {
                let mut acks = Vec::new();
                for (part, bytes) in some {
                    let mut headers = HeaderMap::new();
                    headers.insert(PART, part.header());
                    let (subject, bytes) = (named.clone(), bytes.clone().into());
                    if has_stream {
                        let ack = self.context.publish_with_headers(subject, headers, bytes).await;
                        acks.push(ack.map_err(|error| error.to_string())?);
                    } else {
                        let done = self.client.publish_with_headers(subject, headers, bytes).await;
                        done.map_err(|error| error.to_string())?;
                    }
                }
                for ack in acks {
                    ack.await.map_err(|error| error.to_string())?;
                }
            }
            self.client.flush().await.map_err(|error| error.to_string())
        });
        self.pushed = Some(Instant::now());
        if sent.is_err() {
            // It may have been removed: it is looked for again.
            (self.stream, self.looked, self.checked) = (None, None, None);
        }
        sent
    }

    /// Tells others what is here.
    fn tell(&mut self, chains: &Git, out: &Outgoing) {
        let lately = if self.has_gap { self.pace.gap } else { self.pace.check };
        if self.told.is_some_and(|at| at.elapsed() < lately) {
            return;
        }
        // Also of what nobody has joined from here: it is told whole, or not at all.
        for incident in out.incidents.union(&self.inbox.incidents()) {
            let Ok(all) = chains.chains(*incident, self.node) else { continue };
            let have = all
                .into_iter()
                .map(|((node, key), (_, reached))| (node_name(node), key_mark(&key), reached.batch))
                .collect();
            let said = Have::new(self.node, self.has_gap, have).write();
            let named = Subject::from(have_subject(Some(*incident)));
            // What is not heard is said again.
            let _ = self.runtime.block_on(async {
                self.client.publish(named, said.into()).await.map_err(drop)?;
                self.client.flush().await.map_err(drop)
            });
        }
        (self.told, self.has_gap) = (Some(Instant::now()), false);
    }

    /// Puts what came into the chains.
    fn take(&mut self, chains: &Git) {
        let mut have = Vec::new();
        while let Some(arrived) = self.arrived.pop_front() {
            match arrived {
                Arrived::Have(incident, said) => have.push((incident, said)),
                Arrived::Part { incident, node, part, bytes } => {
                    // Somebody else has sent it again.
                    self.wanted
                        .retain(|(of, by, _), one| (*of, *by) != (incident, node) || part.batch <= one.from);
                    self.inbox.add(incident, node, part, bytes);
                }
            }
        }
        let sorted = self.inbox.sort_in(chains);
        self.has_gap |= sorted.has_gap;
        if sorted.is_copied {
            self.refused = Some(COPIED.to_owned());
        }
        // Another process of this machine has sent it.
        for (incident, _, batch) in sorted.known.iter().filter(|(_, node, _)| *node == self.node) {
            is_there(chains, &mut self.there, (*incident, self.node), batch);
        }
        for (incident, said) in have {
            self.compare(chains, incident, &said);
        }
    }

    /// Looks what somebody misses of what is here.
    fn compare(&mut self, chains: &Git, incident: IncidentId, have: &Have) {
        let Ok(all) = chains.chains(incident, self.node) else { return };
        let now = Instant::now();
        // What was just sent may not have reached them when they said it.
        let is_on_its_way = !have.gap && self.pushed.is_some_and(|at| at.elapsed() < self.pace.on_its_way);
        for ((node, key), (_, reached)) in all {
            let theirs = have.of(node, &key_mark(&key));
            let chain = (incident, node, key);
            let just = self.sent_again.get(&chain);
            let is_sent = just.is_some_and(|(from, at)| *from <= theirs && at.elapsed() < self.pace.again);
            if theirs < reached.batch && !is_on_its_way && !is_sent {
                self.wanted
                    .entry(chain)
                    .or_insert(Wanted { from: theirs, due: now + self.pace.writer_first });
            }
        }
    }

    /// Sends again what others miss.
    fn answer(&mut self, chains: &Git, out: &Outgoing) {
        let now = Instant::now();
        let due: Vec<_> = self
            .wanted
            .iter()
            .filter(|((_, node, _), one)| *node == out.node || one.due <= now)
            .map(|(chain, one)| (chain.clone(), one.from))
            .collect();
        for (chain, from) in due {
            self.wanted.remove(&chain);
            let (incident, node, key) = chain.clone();
            if !out.incidents.contains(&incident) {
                continue;
            }
            let Ok(all) = chains.chains(incident, out.node) else { continue };
            let Some((tip, _)) = all.get(&(node, key)) else { continue };
            let Ok(batches) = chains.later_than(*tip, from) else { continue };
            self.sent_again.insert(chain, (from, now));
            // Where that fails they say it again.
            let _ = self.send(chains, incident, node, &batches);
        }
    }

    /// Sends what this installation has written since the last time.
    fn send_own(&mut self, chains: &Git, incident: IncidentId, node: u64) -> Result<(), String> {
        let own = chains.own(incident)?;
        let (there, _) = self.there.get(&incident).copied().unwrap_or_default();
        let Some(commit) = chains.own_tip(incident)?.filter(|_| own.batch > there) else { return Ok(()) };
        let batches = chains.later_than(Tip { incident, node, commit }, there)?;
        self.send(chains, incident, node, &batches)?;
        self.there.insert(incident, (own.batch, own.records));
        Ok(())
    }
}

impl Carrier for Nats {
    fn name(&self, _chains: &Git) -> String {
        self.server.clone()
    }

    fn fetch(&mut self, chains: &Git) -> Result<Vec<LeftOut>, String> {
        self.drain();
        if let Some(why) = &self.over {
            return Err(why.clone());
        }
        self.fill();
        self.take(chains);
        Ok(Vec::new())
    }

    fn push(&mut self, chains: &Git, out: &Outgoing) -> Result<Vec<String>, String> {
        self.check(chains, out);
        let mut refused = Vec::new();
        for incident in &out.incidents {
            refused.extend(self.send_own(chains, *incident, out.node).err());
        }
        self.answer(chains, out);
        self.tell(chains, out);
        refused.extend(self.refused.take());
        Ok(refused)
    }

    fn sent(&self, _chains: &Git, incident: IncidentId, node: u64) -> Result<u64, String> {
        let ours = self.there.get(&incident).filter(|_| node == self.node);
        Ok(ours.map_or(0, |(_, records)| *records))
    }
}

/// Remembers that a batch of ours is there, where it is the one that is here.
fn is_there(
    chains: &Git,
    there: &mut BTreeMap<IncidentId, (u64, u64)>,
    (incident, node): (IncidentId, u64),
    batch: &Batch,
) {
    let Ok(reached) = Reached::of(&batch.head) else { return };
    let known = there.get(&incident).map_or(0, |(batches, _)| *batches);
    let is_ours = own_batch(chains, incident, node, reached.batch)
        .is_some_and(|commit| chains.head(commit).is_ok_and(|head| head == batch.head));
    if is_ours && reached.batch == known + 1 {
        there.insert(incident, (reached.batch, reached.records));
    }
}

/// The commit of a batch of ours.
fn own_batch(chains: &Git, incident: IncidentId, node: u64, batch: u64) -> Option<Oid> {
    let commit = chains.own_tip(incident).ok()??;
    let later = chains.later_than(Tip { incident, node, commit }, batch.checked_sub(1)?).ok()?;
    later.first().filter(|(number, _)| *number == batch).map(|(_, commit)| *commit)
}

fn batch_of(message: &async_nats::Message) -> Option<Arrived> {
    let (incident, node) = parse_subject(&message.subject)?;
    let part = Part::parse(message.headers.as_ref()?.get(PART)?.as_str())?;
    Some(Arrived::Part { incident, node, part, bytes: message.payload.to_vec() })
}

fn have_of(message: &async_nats::Message) -> Option<Arrived> {
    Some(Arrived::Have(parse_have(&message.subject)?, Have::read(&message.payload)?))
}

fn note(over: &mut Option<String>, event: Option<&Event>, refused: &mut Option<String>) {
    match event {
        Some(Event::Disconnected | Event::Closed) | None => {
            over.get_or_insert_with(|| "the connection was lost".to_owned());
        }
        Some(Event::ServerError(why)) => *refused = Some(visible(&why.to_string()).into_owned()),
        Some(Event::ClientError(why)) => *refused = Some(visible(&why.to_string()).into_owned()),
        Some(_) => {}
    }
}
