//! Shares an incident as it happens, beside the git remote: on a thread, a connection and a journal of its own, so that
//! neither waits for the other. Where it fails nothing is lost but the time until git has brought the same.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use zeroize::Zeroizing;

use super::nats::Nats;
use super::round::{Aside, Sharing};
use crate::failure::Result;
use crate::incident::IncidentId;
use crate::journal::{Journal, Summary};
use crate::text::address::without_credentials;

/// The wait before a server that could not be reached is tried again, and the longest.
const AGAIN: Duration = Duration::from_secs(2);
const AT_MOST: Duration = Duration::from_secs(10);
/// For so long what was never shared from here is left to git, which may find that it was.
const GIT_FIRST: Duration = Duration::from_secs(20);

/// How a server is reached.
#[derive(Clone)]
#[cfg_attr(not(feature = "nats"), expect(dead_code, reason = "nothing is reached without it"))]
pub(super) struct Login {
    /// Its addresses, with commas between them.
    pub(super) servers: String,
    /// What it lets us in with: a `.creds` file, an nkey's seed, `user:password`, or a token; empty: nothing.
    pub(super) credentials: Zeroizing<String>,
    /// Whether a server that everybody can read will do.
    pub(super) is_public: bool,
}

/// What ended a wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Woke {
    /// Somebody asked for it, something came, or it is time.
    Due,
    /// Nobody will ask any more.
    Left,
}

/// How live sharing stands.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LiveStanding {
    /// What the server is called.
    pub server: String,
    /// Whether it is there, and has all that was written here.
    pub is_up: bool,
    /// Why it is not, or what it refused.
    pub trouble: Option<String>,
    /// Chains that something is wrong with.
    pub aside: Vec<Aside>,
    /// When the last pass began after which all that had been written here was there.
    pub reached: Option<Instant>,
}

/// Has the next pass made at once.
#[derive(Debug, Clone)]
pub struct Waker(UnboundedSender<()>);

impl Waker {
    /// Something was written here.
    pub fn wake(&self) {
        // Whoever has ended needs no waking.
        let _ = self.0.send(());
    }
}

/// Shares an incident live until it is dropped.
#[derive(Debug)]
pub struct Live {
    waker: Waker,
    is_last: Arc<AtomicBool>,
    over: Receiver<()>,
    standing: Arc<Mutex<LiveStanding>>,
}

/// What is called when how it stands has changed.
type Tell = Box<dyn Fn() + Send>;

impl Live {
    /// Begins, with a way and a journal of its own; `tell` is called when how it stands has changed. `None`: the configuration names no server, or no thread can be had.
    pub fn start(
        sharing: Sharing,
        journal: Journal,
        incident: Option<IncidentId>,
        tell: impl Fn() + Send + 'static,
    ) -> Option<Self> {
        let server = sharing.live_server()?.to_owned();
        let (waker, orders) = unbounded_channel();
        let (done, over) = channel();
        let server = without_credentials(&server).into_owned();
        let standing = Arc::new(Mutex::new(LiveStanding { server, ..LiveStanding::default() }));
        let is_last = Arc::new(AtomicBool::new(false));
        let mut work = Work {
            sharing,
            journal,
            incident,
            standing: standing.clone(),
            is_last: is_last.clone(),
            tell: Box::new(tell),
        };
        let thread = std::thread::Builder::new().name("live".to_owned());
        thread
            .spawn(move || {
                work.serve(orders);
                let _ = done.send(());
            })
            .ok()?;
        Some(Self { waker: Waker(waker), is_last, over, standing })
    }

    /// What has the next pass made at once.
    pub fn waker(&self) -> Waker {
        self.waker.clone()
    }

    /// How it stands.
    pub fn standing(&self) -> LiveStanding {
        self.standing.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Makes a last pass, which is waited for so long at most.
    pub fn finish(self, patience: Duration) {
        self.is_last.store(true, Ordering::SeqCst);
        self.waker.wake();
        let _ = self.over.recv_timeout(patience);
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.is_last.store(true, Ordering::SeqCst);
        self.waker.wake();
    }
}

/// Connects, takes in what is there of some incidents, sends what was written here, and leaves again. Tells how many
/// records came; `None`: the configuration names no server.
///
/// # Errors
/// One line: it could not be reached, or what it refused.
pub fn once(
    sharing: &mut Sharing,
    journal: &mut Journal,
    incidents: &[Summary],
) -> Option<std::result::Result<usize, String>> {
    sharing.live_server()?;
    if sharing.turned_off().is_some() {
        return None;
    }
    let login = match sharing.login() {
        Ok(login) => login,
        Err(why) => return Some(Err(why)),
    };
    let mut added = 0;
    for incident in incidents {
        let done = Nats::connect(&login, journal.author().node, Some(incident.id)).and_then(|mut nats| {
            let one = std::slice::from_ref(incident);
            let (round, _) = sharing
                .pass(&mut nats, journal, Timestamp::now(), one, false)
                .map_err(|failure| failure.cause)?;
            added += round.added;
            round.trouble.map_or(Ok(()), Err)
        });
        if let Err(why) = done {
            return Some(Err(why));
        }
    }
    Some(Ok(added))
}

struct Work {
    sharing: Sharing,
    journal: Journal,
    incident: Option<IncidentId>,
    standing: Arc<Mutex<LiveStanding>>,
    is_last: Arc<AtomicBool>,
    tell: Tell,
}

impl Work {
    fn serve(&mut self, mut orders: UnboundedReceiver<()>) {
        let began = Instant::now();
        let mut pause = AGAIN;
        loop {
            let connected = match self.sharing.turned_off() {
                Some(kept) => Err(kept.to_string()),
                None => self
                    .sharing
                    .login()
                    .and_then(|login| Nats::connect(&login, self.journal.author().node, self.incident)),
            };
            match connected {
                Ok(mut nats) => {
                    pause = AGAIN;
                    if self.follow(&mut nats, &mut orders, began) == Woke::Left {
                        return;
                    }
                }
                Err(why) => self.stands(|standing| {
                    (standing.is_up, standing.trouble) = (false, Some(why));
                }),
            }
            if self.is_last.load(Ordering::SeqCst) || sleep(&mut orders, pause) == Woke::Left {
                return;
            }
            pause = (pause * 2).min(AT_MOST);
        }
    }

    /// Makes passes for as long as the connection lasts.
    fn follow(&mut self, nats: &mut Nats, orders: &mut UnboundedReceiver<()>, began: Instant) -> Woke {
        loop {
            if self.is_last.load(Ordering::SeqCst) {
                let _ = self.pass(nats, true);
                return Woke::Left;
            }
            if let Some(kept) = self.sharing.turned_off() {
                self.stands(|standing| (standing.is_up, standing.trouble) = (false, Some(kept.to_string())));
                return Woke::Due;
            }
            if let Err(failure) = self.pass(nats, began.elapsed() >= GIT_FIRST) {
                self.stands(|standing| (standing.is_up, standing.trouble) = (false, Some(failure.cause)));
                return Woke::Due;
            }
            if nats.over().is_some() {
                return Woke::Due;
            }
            if nats.wait(orders) == Woke::Left {
                return Woke::Left;
            }
        }
    }

    fn pass(&mut self, nats: &mut Nats, begins: bool) -> Result<()> {
        let now = Instant::now();
        let mut all: Vec<Summary> = Vec::new();
        if let Some(id) = self.incident {
            all = self.journal.incidents(None)?;
            all.retain(|one| one.id == id);
        }
        if !begins {
            // Where git finds that it was shared before it goes on from there.
            all.retain(|one| self.sharing.is_shared(one.id));
        }
        let is_begun = !all.is_empty();
        let (round, is_asked) = self.sharing.pass(nats, &mut self.journal, Timestamp::now(), &all, begins)?;
        self.stands(|standing| {
            let is_up = is_asked && is_begun && round.trouble.is_none() && round.unsent == 0;
            standing.is_up = is_up;
            standing.trouble = round.trouble;
            standing.aside = round.aside;
            if is_up {
                standing.reached = Some(now);
            }
        });
        Ok(())
    }

    /// Changes how it stands, and tells that, where it is another thing then.
    fn stands(&self, change: impl FnOnce(&mut LiveStanding)) {
        let mut standing = self.standing.lock().unwrap_or_else(PoisonError::into_inner);
        let before = LiveStanding { reached: None, ..standing.clone() };
        change(&mut standing);
        let is_other = LiveStanding { reached: None, ..standing.clone() } != before;
        drop(standing);
        if is_other {
            (self.tell)();
        }
    }
}

/// Waits so long at most, or until somebody asks.
fn sleep(orders: &mut UnboundedReceiver<()>, pause: Duration) -> Woke {
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_time().build() else {
        return Woke::Left;
    };
    let asked = runtime.block_on(async { tokio::time::timeout(pause, orders.recv()).await });
    if matches!(asked, Ok(None)) { Woke::Left } else { Woke::Due }
}
