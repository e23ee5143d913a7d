//! Sharing an incident beside what is done in it: rounds on a thread and a journal of their own, so that a remote which
//! is slow or silent delays no step, no proof and no stop.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::Unattended;
use crate::config::types::Config;
use crate::config::{load, trust};
use crate::failure::{Failure, Result};
use crate::hotfix::git::Reader;
use crate::incident::IncidentId;
use crate::incident::repository::remote;
use crate::journal::{Journal, Summary};
use crate::share::{Live, Opened, Round, Sharing, Waker};
use crate::text::address::without_credentials;

/// The time between two rounds.
const EVERY: Duration = Duration::from_secs(4);
/// The longest time between two rounds while the remote does not answer.
const LONGEST: Duration = Duration::from_secs(20);
/// How long the last live pass is waited for.
const LAST_PASS: Duration = Duration::from_secs(3);

/// How far sharing has come.
#[derive(Debug, Clone, Default)]
pub struct Standing {
    /// What the remote is called; empty: the incident is not shared from here.
    pub remote: String,
    /// When the last round began after which all that had been written here was there.
    pub reached: Option<Instant>,
    /// Why the last round did not come to that.
    pub trouble: Option<String>,
}

/// What has live sharing made at once, once there is some.
type Wakes = Arc<Mutex<Option<Waker>>>;

impl Standing {
    /// Tells whether what was written here up to a time is at the remote.
    pub fn has(&self, written: Instant) -> bool {
        self.reached.is_some_and(|at| at >= written)
    }
}

/// Whether an incident reaches others from here.
#[derive(Debug)]
pub(super) enum Reach {
    /// It was never shared from here, or somebody turned sharing off.
    Alone,
    /// It does, over this way.
    Open(Box<Way>),
    /// It was shared over a remote that may not be used now.
    Shut {
        /// What the remote is called.
        remote: String,
        /// Why it may not.
        why: String,
    },
}

/// The way over which an incident is shared.
#[derive(Debug)]
pub(super) struct Way {
    /// The carrier.
    pub(super) sharing: Sharing,
    /// The same once more, for live sharing beside it.
    live: Box<Sharing>,
    /// Where the code is, if that is another place: others may share over the carrier, too.
    pub(super) code: String,
}

enum Order {
    Now,
    Last,
}

/// Makes rounds of sharing until it is dropped or finished.
#[derive(Debug)]
pub struct Rounds {
    orders: Sender<Order>,
    over: Receiver<()>,
    standing: Arc<Mutex<Standing>>,
    wakes: Wakes,
}

impl Rounds {
    /// Begins; the first round is made at once. `None`: no thread can be had.
    pub fn start(state_dir: &Path, author: &str, incident: IncidentId) -> Option<Self> {
        let (orders, queue) = channel();
        let (done, over) = channel();
        let standing = Arc::new(Mutex::new(Standing::default()));
        let wakes = Wakes::default();
        let (told, state_dir, author) = (standing.clone(), state_dir.to_owned(), author.to_owned());
        let live_wakes = wakes.clone();
        let thread = std::thread::Builder::new().name("sharing".to_owned());
        thread
            .spawn(move || {
                let work =
                    Work { state_dir, author, incident, told, way: None, live: None, wakes: live_wakes };
                work.serve(&queue);
                let _ = done.send(());
            })
            .ok()?;
        Some(Self { orders, over, standing, wakes })
    }

    /// Has the next round made now: something was written that is not to wait.
    pub fn hurry(&self) {
        // Not by way of the rounds: one may be waiting for the remote.
        if let Some(waker) = &*self.wakes.lock().unwrap_or_else(PoisonError::into_inner) {
            waker.wake();
        }
        let _ = self.orders.send(Order::Now);
    }

    /// How far it is.
    pub fn standing(&self) -> Standing {
        self.standing.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until what was written up to a time is at the remote, or it is known why not, or for so long at most.
    pub fn wait(&self, written: Instant, patience: Duration) -> Standing {
        let until = Instant::now() + patience;
        loop {
            let standing = self.standing();
            let is_told = standing.has(written) || standing.trouble.is_some();
            if is_told || Instant::now() >= until {
                return standing;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Makes a last round, which is waited for so long at most.
    pub fn finish(self, patience: Duration) {
        let _ = self.orders.send(Order::Last);
        let _ = self.over.recv_timeout(patience);
    }
}

struct Work {
    state_dir: PathBuf,
    author: String,
    incident: IncidentId,
    told: Arc<Mutex<Standing>>,
    way: Option<(Sharing, Journal)>,
    live: Option<Live>,
    wakes: Wakes,
}

impl Work {
    fn serve(mut self, queue: &Receiver<Order>) {
        let mut pause = EVERY;
        let mut is_last = false;
        loop {
            let is_well = self.round();
            if is_last {
                if let Some(live) = self.live.take() {
                    live.finish(LAST_PASS);
                }
                return;
            }
            pause = if is_well { EVERY } else { (pause * 2).min(LONGEST) };
            let mut next = queue.recv_timeout(pause);
            // Whoever asked while a round was made asks for one more, and not for as many.
            while let Ok(order) = next {
                is_last |= matches!(order, Order::Last);
                next = queue.try_recv().map_err(|_| RecvTimeoutError::Timeout);
            }
            if matches!(next, Err(RecvTimeoutError::Disconnected)) {
                return;
            }
        }
    }

    /// Makes a round; tells whether all that was written here is at the remote, or nothing is shared.
    fn round(&mut self) -> bool {
        let began = Instant::now();
        if self.way.is_none() {
            let way = match reach(&self.state_dir, self.incident) {
                Reach::Open(way) => way,
                Reach::Alone => return true,
                Reach::Shut { remote, why } => return self.is_kept(remote, why),
            };
            let Ok(journal) = Journal::open_again(&self.state_dir, &self.author) else { return false };
            self.begin_live(*way.live);
            self.way = Some((way.sharing, journal));
        }
        let Some((sharing, journal)) = &mut self.way else { return true };
        let remote = sharing.git().remote().into_owned();
        if let Some(kept) = sharing.kept() {
            self.way = None;
            return kept.is_wanted() || self.is_kept(remote, kept.to_string());
        }
        let made = one_round(sharing, journal, self.incident);
        let trouble = match made {
            Ok(round) => round.trouble,
            Err(failure) => {
                // It may have been made anew, or be about another remote by now.
                self.way = None;
                Some(failure.cause)
            }
        };
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        told.remote = remote;
        if trouble.is_none() {
            told.reached = Some(began);
        }
        told.trouble = trouble;
        told.trouble.is_none()
    }

    /// Shares it live as well, where that is configured.
    fn begin_live(&mut self, sharing: Sharing) {
        if self.live.is_some() {
            return;
        }
        let Ok(journal) = Journal::open_again(&self.state_dir, &self.author) else { return };
        self.live = Live::start(sharing, journal, Some(self.incident), || ());
        let waker = self.live.as_ref().map(Live::waker);
        *self.wakes.lock().unwrap_or_else(PoisonError::into_inner) = waker;
    }

    /// Tells why nothing can be sent now; it is not well.
    fn is_kept(&self, remote: String, why: String) -> bool {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        (told.remote, told.trouble) = (remote, Some(why));
        false
    }
}

fn one_round(sharing: &mut Sharing, journal: &mut Journal, incident: IncidentId) -> Result<Round> {
    let all = journal.incidents(None)?;
    let one: Vec<Summary> = all.into_iter().filter(|one| one.id == incident).collect();
    sharing.round(journal, Timestamp::now(), &one)
}

/// Finds out whether an incident reaches others from here, whichever clone that was begun in. Nobody is asked for it.
pub(super) fn reach(state_dir: &Path, incident: IncidentId) -> Reach {
    let mut found = Reach::Alone;
    for opened in Opened::all(state_dir).into_iter().filter(|opened| opened.shares(incident)) {
        match open(state_dir, &opened, incident) {
            // Over another remote it was shared before that.
            Ok(Some(way)) => return Reach::Open(Box::new(way)),
            Ok(None) => return Reach::Alone,
            Err(why) => {
                let remote = without_credentials(&opened.remote).into_owned();
                found = Reach::Shut { remote, why };
            }
        }
    }
    found
}

/// Opens the way that was used before. `None`: somebody turned it off, for which nobody has to trust anything. `Err`: why
/// it may not be used now.
fn open(state_dir: &Path, opened: &Opened, incident: IncidentId) -> std::result::Result<Option<Way>, String> {
    if opened.is_off() {
        return Ok(None);
    }
    let reader = Reader::open(&opened.root).map_err(|none| {
        none.failure(&format!("the clone that it was shared from, {}", opened.root.display())).cause
    })?;
    let loaded = load::load(&opened.root).map_err(|failure| failure.cause)?;
    if loaded.as_ref().is_some_and(|loaded| !loaded.config.share.enabled) {
        return Ok(None);
    }
    if let Some(why) = Unattended::refusal(state_dir, &reader) {
        return Err(why);
    }
    let is_trusted = match &loaded {
        Some(loaded) => trust::is_trusted(state_dir, loaded).map_err(|failure| failure.cause)?,
        None => false,
    };
    let mut config = match loaded {
        Some(loaded) if is_trusted => loaded.config,
        Some(loaded) => Config { share: loaded.config.share, ..Config::default() },
        None => Config::default(),
    };
    if config.share.remote.is_empty() {
        // A name is one in the user's own configuration, which is trusted for itself.
        let is_name = !opened.remote.contains(['/', ':']);
        config.hotfix.remote = is_name.then(|| opened.remote.clone()).ok_or_else(|| moved(opened))?;
    }
    let wire = Unattended::new(&config, &reader);
    let opened_with = |wire| {
        Sharing::open(state_dir, wire, &config, is_trusted).map_err(|closed| Failure::from(closed).cause)
    };
    let (sharing, live) = (opened_with(wire.clone())?, Box::new(opened_with(wire)?));
    if sharing.turned_off().is_some() {
        return Ok(None);
    }
    if !sharing.is_shared(incident) {
        return Err(moved(opened));
    }
    // At the remote of the code itself there is but one repository.
    let of_code = reader.remote_name(&config.hotfix.remote).filter(|name| *name != opened.remote);
    let code = of_code.and_then(|name| reader.remote_place(&name)).map(|place| remote(&place));
    Ok(Some(Way { sharing, live, code: code.unwrap_or_default() }))
}

/// Says that an incident is shared over another remote than the one that is configured, or trusted.
fn moved(opened: &Opened) -> String {
    format!(
        "it was shared over {}, which flightdeck.toml does not name, or nobody has trusted that; flightdeck share sync says more",
        without_credentials(&opened.remote)
    )
}
