//! Shares the open incident with other machines, on a thread of its own; and looks what is open at the remote.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::store::{self, Store};
use super::{Event, Launch, no_thread, panics};
use crate::cockpit::model::{ConfigSource, Model};
use crate::cockpit::msg::{EffectId, Fact, Msg};
use crate::cockpit::shared::{LiveState, Offered, Shared};
use crate::conductor::Unattended;
use crate::config::types::Config;
use crate::failure::{Failure, Result};
use crate::hotfix::git::Reader;
use crate::incident::{IncidentId, Role, Status};
use crate::journal::{Journal, Summary};
use crate::share::{Aside, Closed, Kept, Live, Round, Sharing, Tip, Waker, node_name};

/// The time between two rounds while somebody acts.
const ACTIVE: Duration = Duration::from_secs(3);
/// The same while nobody does.
const QUIET: Duration = Duration::from_secs(15);
/// For so long after something was new somebody is taken to act.
const ACTING: Duration = Duration::from_secs(120);
/// The shortest time between two rounds that send: hosts recommend at most six pushes a minute.
const BETWEEN_PUSHES: Duration = Duration::from_secs(5);
/// The longest time between two rounds while the remote does not answer.
const AT_MOST: Duration = Duration::from_secs(120);

/// What is shared, and how far its record is.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Watched {
    /// The root of the repository.
    root: PathBuf,
    config: Box<Config>,
    is_trusted: bool,
    incident: Option<IncidentId>,
    /// Whether the incident is not over.
    is_open: bool,
    records: usize,
}

enum Order {
    Watch(Box<Watched>),
    Join(EffectId, IncidentId),
    /// How live sharing stands has changed.
    Live,
}

/// What has live sharing send what was written, once there is some.
type Wakes = Arc<Mutex<Option<Waker>>>;

/// Tells the thread what to share.
pub(super) struct Sharer {
    orders: Sender<Order>,
    told: Option<Watched>,
    /// Whether nothing is shared at all: the incident is practice.
    is_off: bool,
    wakes: Wakes,
}

impl Sharer {
    /// Starts the thread, which shares nothing yet.
    pub(super) fn start(launch: &Launch, store: &Store, events: &Sender<Event>) -> Result<Self> {
        let (orders, queue) = mpsc::channel();
        let (told, again) = (events.clone(), orders.clone());
        let wakes = Wakes::default();
        let live_wakes = wakes.clone();
        let (state_dir, user, open) = (launch.state_dir.clone(), launch.user.clone(), store.orders.clone());
        panics::spawn("sharing", events.clone(), move || {
            let tell = move |msg| drop(told.send(Event::Msg(msg)));
            Work {
                state_dir,
                user,
                open,
                tell: Box::new(tell),
                found: None,
                told: None,
                said: BTreeSet::new(),
                again,
                live: None,
                wakes: live_wakes,
            }
            .serve(&queue);
        })
        .map_err(|error| no_thread(&error))?;
        Ok(Self { orders, told: None, is_off: launch.drill, wakes })
    }

    /// Shares what the model says is open.
    pub(super) fn keep_up(&mut self, model: &Model) {
        let Some(wanted) = wanted(model).filter(|_| !self.is_off) else { return };
        if self.told.as_ref() != Some(&wanted) {
            self.told = Some(wanted.clone());
            // It ends only with the program.
            let _ = self.orders.send(Order::Watch(Box::new(wanted)));
            // Not by way of the thread: that may be waiting for the remote.
            if let Some(waker) = &*self.wakes.lock().unwrap_or_else(PoisonError::into_inner) {
                waker.wake();
            }
        }
    }

    /// Takes an incident in that is at the remote, and opens it.
    pub(super) fn join(&self, id: EffectId, incident: IncidentId) {
        let _ = self.orders.send(Order::Join(id, incident));
    }
}

fn wanted(model: &Model) -> Option<Watched> {
    let state = model.repository()?;
    Some(Watched {
        root: PathBuf::from(&state.root),
        config: Box::new(model.config.config.clone()),
        is_trusted: matches!(model.config.source, ConfigSource::Trusted),
        incident: model.incident().map(|state| state.id),
        is_open: model
            .incident()
            .is_some_and(|state| matches!(state.status, Status::Open | Status::Mitigated)),
        records: model.incident().map_or(0, |state| state.records),
    })
}

/// The way to the remote of a repository, as it was found.
struct Found {
    root: PathBuf,
    remote: String,
    sharing: Sharing,
    journal: Journal,
    /// Tells the incidents of this repository from others at the same remote.
    reader: Option<Reader>,
    /// What was made of incidents nobody has joined here, by what was at the remote.
    previews: BTreeMap<IncidentId, (Vec<Tip>, Option<Offered>)>,
}

struct Work {
    state_dir: PathBuf,
    user: String,
    open: Sender<store::Order>,
    tell: Box<dyn Fn(Msg) + Send>,
    found: Option<Found>,
    told: Option<Shared>,
    /// What was said to be wrong.
    said: BTreeSet<String>,
    /// For this thread itself.
    again: Sender<Order>,
    live: Option<(Followed, Live)>,
    wakes: Wakes,
}

/// What is shared live: a repository's incident by a configuration.
#[derive(Debug, Clone, PartialEq)]
struct Followed {
    root: PathBuf,
    config: Box<Config>,
    incident: IncidentId,
}

impl Work {
    fn serve(&mut self, queue: &Receiver<Order>) {
        let mut watched: Option<Watched> = None;
        let (mut next, mut acted, mut pushed): (Option<Instant>, Option<Instant>, Option<Instant>) =
            (None, None, None);
        let mut failures = 0_u32;
        loop {
            let order = match next {
                None => queue.recv().map_err(|_| RecvTimeoutError::Disconnected),
                Some(at) => queue.recv_timeout(at.saturating_duration_since(Instant::now())),
            };
            let now = Instant::now();
            match order {
                Err(RecvTimeoutError::Disconnected) => return,
                Err(RecvTimeoutError::Timeout) => {}
                Ok(Order::Live) => {
                    if self.tell_live() {
                        // From now on git alone brings what colleagues write, however long it was left alone.
                        (failures, next) = (0, next.map(|_| now));
                    }
                    continue;
                }
                Ok(Order::Join(id, incident)) => {
                    match self.join(watched.as_ref(), incident) {
                        Ok(()) => drop(self.open.send(store::Order::Open(id, incident))),
                        Err(failure) => (self.tell)(Msg::Done(id, Err(failure))),
                    }
                    acted = Some(now);
                    next = Some(now);
                    continue;
                }
                Ok(Order::Watch(new)) => {
                    let is_other = watched.as_ref().is_none_or(|old| {
                        (&old.root, &old.config, old.is_trusted) != (&new.root, &new.config, new.is_trusted)
                    });
                    if is_other {
                        (self.found, self.told, failures) = (None, None, 0);
                    }
                    watched = Some(*new);
                    // What was written is gathered for a moment, and not sent too often.
                    let soon = pushed.map_or(now, |at| (at + BETWEEN_PUSHES).max(now));
                    next = Some(next.map_or(soon, |at| at.min(soon)));
                    continue;
                }
            }
            let Some(one) = &watched else { continue };
            match self.round(&one.clone()) {
                None => next = None,
                Some((is_new, sent, is_well)) => {
                    failures = if is_well { 0 } else { (failures + 1).min(8) };
                    acted = if is_new { Some(now) } else { acted };
                    pushed = if sent { Some(now) } else { pushed };
                    let acts = acted.is_some_and(|at| at.elapsed() < ACTING);
                    let every = if acts { ACTIVE } else { QUIET };
                    next = Some(
                        Instant::now() + (every * 2_u32.saturating_pow(failures)).min(AT_MOST.max(every)),
                    );
                }
            }
        }
    }

    /// Makes a round: whether something was new, something was sent, and all went well. `None`: there is no remote.
    fn round(&mut self, watched: &Watched) -> Option<(bool, bool, bool)> {
        let now = Timestamp::now();
        let before = self.told.clone();
        let state_dir = self.state_dir.clone();
        let found = match self.found(watched) {
            Ok(found) => found?,
            Err(failure) => {
                self.complain(failure);
                return Some((false, false, false));
            }
        };
        // What the repository's own configuration names may be another thing by now.
        if found.reader.as_ref().is_none_or(|reader| Unattended::refusal(&state_dir, reader).is_some()) {
            return None;
        }
        let shared = watched.incident.filter(|id| watched.is_open || found.sharing.is_shared(*id));
        if watched.incident.is_some() && shared.is_none() {
            // It was over before anybody shared it, and nobody looks for another one.
            return Some((false, false, true));
        }
        self.keep_live(watched, shared);
        let Some(found) = &mut self.found else { return None };
        let round = found.round(now, shared);
        if let Ok(Round { kept: Some(kept), .. }) = &round {
            self.tell_kept(watched, kept);
            return Some((false, false, true));
        }
        let (round, failure) = match round {
            Ok(round) => (round, None),
            Err(failure) => (Round::default(), Some(failure.to_string())),
        };
        let wrong: Vec<Failure> = round.aside.iter().map(put_aside).collect();
        let trouble = round.trouble.clone().or(failure);
        let is_well = trouble.is_none();
        let at = if is_well { Some(now) } else { before.as_ref().and_then(|told| told.at) };
        let told = Shared {
            remote: found.remote.clone(),
            at,
            unsent: round.unsent,
            trouble,
            aside: round.aside.into_iter().map(|aside| (aside.author, aside.why)).collect(),
            incident: shared,
            kept: None,
            offered: found.offered(),
            live: self.live_state(),
        };
        // The first time may be a bad moment of the network; what lasts has to be known.
        let lasting =
            told.trouble.as_ref().filter(|_| before.is_some_and(|before| before.trouble == told.trouble));
        let lasting = lasting.filter(|_| told.incident.is_some()).map(|why| {
            Failure::new(
                format!("sharing the incident with {}", told.remote),
                why,
                "nothing is lost: it is sent once that is right",
            )
        });
        for failure in wrong.into_iter().chain(lasting) {
            self.complain(failure);
        }
        (self.tell)(Msg::Fact(Fact::Shared(Box::new(told.clone()))));
        self.told = Some(told);
        Some((round.added > 0 || round.sent > 0, round.sent > 0, is_well))
    }

    /// Tells that nothing is sent, and why.
    fn tell_kept(&mut self, watched: &Watched, kept: &Kept) {
        let told = Shared {
            remote: self.found.as_ref().map(|found| found.remote.clone()).unwrap_or_default(),
            incident: watched.incident,
            kept: Some((kept.to_string(), kept.way_out().to_owned())),
            live: self.live_state(),
            ..Shared::default()
        };
        if self.told.as_ref() != Some(&told) {
            (self.tell)(Msg::Fact(Fact::Shared(Box::new(told.clone()))));
            self.told = Some(told);
        }
    }

    /// Shares an incident live as well, where that is configured.
    fn keep_live(&mut self, watched: &Watched, incident: Option<IncidentId>) {
        let Watched { root, config, is_trusted, .. } = watched;
        let is_wanted = *is_trusted && !config.share.nats.is_empty();
        let followed = |incident| Followed { root: root.clone(), config: config.clone(), incident };
        let wanted = incident.filter(|_| is_wanted).map(followed);
        if self.live.as_ref().map(|(followed, _)| followed) == wanted.as_ref() {
            return;
        }
        *self.wakes.lock().unwrap_or_else(PoisonError::into_inner) = None;
        self.live = None;
        let Some(wanted) = wanted else { return };
        // What cannot be opened is said where the same is opened for git.
        let Ok(Some(found)) = Found::open(&self.state_dir, &self.user, watched) else { return };
        let again = self.again.clone();
        let tell = move || drop(again.send(Order::Live));
        self.live = Live::start(found.sharing, found.journal, incident, tell).map(|live| (wanted, live));
        *self.wakes.lock().unwrap_or_else(PoisonError::into_inner) =
            self.live.as_ref().map(|(_, live)| live.waker());
    }

    /// How live sharing stands; `None`: nothing is shared live.
    fn live_state(&self) -> Option<LiveState> {
        let standing = self.live.as_ref()?.1.standing();
        Some(LiveState { server: standing.server, is_up: standing.is_up, trouble: standing.trouble })
    }

    /// Tells how it stands now; whether it has just gone down.
    fn tell_live(&mut self) -> bool {
        let state = self.live_state();
        let is_up = |state: Option<&LiveState>| state.is_some_and(|live| live.is_up);
        let was_up = self.told.as_ref().is_some_and(|told| is_up(told.live.as_ref()));
        let is_down = was_up && !is_up(state.as_ref());
        let wrong = self.live.as_ref().map(|(_, live)| live.standing().aside).unwrap_or_default();
        for failure in wrong.iter().map(put_aside).collect::<Vec<_>>() {
            self.complain(failure);
        }
        if let Some((server, why)) =
            state.as_ref().and_then(|live| Some((&live.server, live.trouble.as_ref()?)))
        {
            let failure = Failure::new(
                format!("sharing live over {server}"),
                why,
                "git brings the same in the meantime; flightdeck share sync tries again at once",
            );
            self.complain(failure);
        }
        if let Some(told) = &mut self.told {
            told.live = state;
            (self.tell)(Msg::Fact(Fact::Shared(Box::new(told.clone()))));
        }
        is_down
    }

    /// Says once what is wrong.
    fn complain(&mut self, failure: Failure) {
        if self.said.insert(failure.to_string()) {
            (self.tell)(Msg::Fact(Fact::Failed(failure)));
        }
    }

    fn found(&mut self, watched: &Watched) -> Result<Option<&mut Found>> {
        if self.found.as_ref().is_none_or(|found| found.root != watched.root) {
            self.found = Found::open(&self.state_dir, &self.user, watched)?;
        }
        Ok(self.found.as_mut())
    }

    fn join(&mut self, watched: Option<&Watched>, incident: IncidentId) -> Result<()> {
        let doing = "joining the incident";
        let gone =
            || Failure::new(doing, "the remote of this repository is not known", "run flightdeck join");
        let state_dir = self.state_dir.clone();
        let found = self.found(watched.ok_or_else(gone)?)?.ok_or_else(gone)?;
        if found.reader.as_ref().is_none_or(|reader| Unattended::refusal(&state_dir, reader).is_some()) {
            return Err(gone());
        }
        // Who joins is told to the others.
        if let Some(kept) = found.sharing.kept() {
            return Err(kept.into());
        }
        let mut round = Round::default();
        found.sharing.take_in(&mut found.journal, Timestamp::now(), incident, &mut round)?;
        if !found.journal.holds(incident)? {
            let why = round.aside.first().map_or("nothing there declares it", |aside| &aside.why);
            return Err(Failure::new(doing, why, "ask whoever declared it whether it is shared"));
        }
        // From now on it is shared from here, too.
        found.round(Timestamp::now(), Some(incident)).map(drop)
    }
}

fn put_aside(aside: &Aside) -> Failure {
    let of = if aside.author.is_empty() { node_name(aside.node) } else { aside.author.clone() };
    Failure::new(
        format!("taking in what {of} wrote"),
        &aside.why,
        "nothing more is taken from there; ask them to run flightdeck share sync and flightdeck verify",
    )
}

impl Found {
    /// `None`: the repository has no remote, or nobody has trusted what its own configuration names.
    fn open(state_dir: &Path, user: &str, watched: &Watched) -> Result<Option<Self>> {
        let Ok(reader) = Reader::open(&watched.root) else { return Ok(None) };
        if Unattended::refusal(state_dir, &reader).is_some() {
            return Ok(None);
        }
        let wire = Unattended::new(&watched.config, &reader);
        let sharing = match Sharing::open(state_dir, wire, &watched.config, watched.is_trusted) {
            Ok(sharing) => sharing,
            Err(Closed::Unusable(failure)) => return Err(failure),
            Err(Closed::NoRemote | Closed::NotTrusted(_)) => return Ok(None),
        };
        let journal = Journal::open_again(state_dir, user)?;
        let remote = sharing.git().remote().into_owned();
        let (root, previews) = (watched.root.clone(), BTreeMap::new());
        Ok(Some(Self { root, remote, sharing, journal, reader: Some(reader), previews }))
    }

    fn round(&mut self, now: Timestamp, incident: Option<IncidentId>) -> Result<Round> {
        let all = self.journal.incidents(None)?;
        let shared: Vec<Summary> = all.into_iter().filter(|one| Some(one.id) == incident).collect();
        self.sharing.round(&mut self.journal, now, &shared)
    }

    /// Open incidents of this repository at the remote that are not in the journal.
    fn offered(&mut self) -> Vec<Offered> {
        let there = self.sharing.incidents().unwrap_or_default();
        self.previews.retain(|id, _| there.contains_key(id));
        for (id, tips) in there {
            if self.previews.get(&id).is_some_and(|(known, _)| *known == tips) {
                continue;
            }
            let found = self.sharing.preview(id).ok().flatten();
            let found = found.filter(|one| {
                one.is_open()
                    && one.declared.len() == 1
                    && self.reader.as_ref().is_some_and(|reader| one.is_of(reader))
            });
            let offered = found.map(|one| Offered {
                id,
                led_by: one.state.roles.get(Role::COMMANDER).cloned().unwrap_or_default(),
                number: one.state.number,
                title: one.state.title,
                severity: one.state.severity,
                declared_at: one.state.declared_at,
            });
            self.previews.insert(id, (tips, offered));
        }
        let is_unknown = |one: &&Offered| self.journal.holds(one.id).is_ok_and(|holds| !holds);
        let offered = self.previews.values().filter_map(|(_, offered)| offered.as_ref());
        let mut offered: Vec<Offered> = offered.filter(is_unknown).cloned().collect();
        offered.sort_by_key(|one| (one.severity, std::cmp::Reverse(one.declared_at)));
        offered
    }
}
