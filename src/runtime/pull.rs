//! Follows the pull request of the hotfix branch, on a thread of its own: politely, at once where
//! something of ours may have changed it, and not at all where there is nothing to follow.

use std::path::PathBuf;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use super::{Event, no_thread, panics};
use crate::cockpit::model::{ConfigSource, Model};
use crate::cockpit::msg::{Done, Fact, Msg};
use crate::conductor::Looker;
use crate::config::types::{Flow, Hotfix};
use crate::failure::Result;
use crate::hotfix::pull::{Looked, PullState};
use crate::hotfix::standing;

/// The time between two looks. A look is about five questions, most of them answered as unchanged,
/// which counts against no limit; even if none were, it would be a fifth of the 5,000 that GitHub
/// allows in an hour.
const EVERY: Duration = Duration::from_secs(20);
/// The longest time between two looks while nothing can be asked.
const AT_MOST: Duration = Duration::from_secs(300);

/// What is followed, and what it was when it was last looked at. When any of it changes, it is
/// looked at again.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Watched {
    what: What,
    /// The commit of the branch and whether its remote has it, and how many plans have ended.
    moment: (String, bool, usize),
}

/// What is followed.
#[derive(Debug, Clone, PartialEq)]
struct What {
    root: PathBuf,
    hotfix: Hotfix,
    branch: String,
    base: String,
    trusted: bool,
}

/// Tells the thread what to follow.
pub(super) struct Follower {
    orders: Sender<Option<Watched>>,
    told: Option<Watched>,
}

impl Follower {
    /// Starts the thread, which follows nothing yet.
    pub(super) fn start(events: &Sender<Event>) -> Result<Self> {
        let (orders, queue) = mpsc::channel();
        let told = events.clone();
        panics::spawn("pull request", events.clone(), move || {
            follow(&queue, <Looker as Starts>::start, |looked| {
                let _ = told.send(Event::Msg(Msg::Fact(Fact::Pull(Box::new(looked)))));
            });
        })
        .map_err(|error| no_thread(&error))?;
        Ok(Self { orders, told: None })
    }

    /// Follows what the model says is to be followed.
    pub(super) fn keep_up(&mut self, model: &Model) {
        let wanted = wanted(model);
        if wanted != self.told {
            self.told.clone_from(&wanted);
            // It ends only with the program.
            let _ = self.orders.send(wanted);
        }
    }
}

/// Tells whether a message may change what is to be followed.
pub(super) fn concerns(msg: &Msg) -> bool {
    matches!(
        msg,
        Msg::Fact(Fact::Branch(_) | Fact::Config(_) | Fact::Records(_) | Fact::Opened(_) | Fact::Lost(..))
            | Msg::Done(
                _,
                Ok(Done::Opened(_) | Done::Appended(_) | Done::Started { .. } | Done::Decided { .. })
            )
    )
}

fn wanted(model: &Model) -> Option<Watched> {
    let hotfix = &model.config.config.hotfix;
    let state = model.repository().filter(|_| hotfix.flow == Flow::GithubFlow)?;
    let branch = standing::branch(hotfix, state)?;
    let trusted = matches!(model.config.source, ConfigSource::Trusted);
    let plans = model.incident().map(|incident| incident.plans.as_slice()).unwrap_or_default();
    let ended = plans.iter().filter(|plan| !plan.state.is_under_way()).count();
    let pushed = state.upstream.as_ref().is_some_and(|at| at.exists && at.ahead == 0);
    Some(Watched {
        what: What {
            root: PathBuf::from(&state.root),
            hotfix: hotfix.clone(),
            branch: branch.to_owned(),
            base: state.base.clone()?,
            trusted,
        },
        moment: (state.commit().unwrap_or_default().to_owned(), pushed, ended),
    })
}

/// What looks.
trait Looks {
    /// Looks now; says how long it wants to keep away, too.
    fn look(&mut self) -> (Looked, Option<Duration>);
}

impl Looks for Looker {
    fn look(&mut self) -> (Looked, Option<Duration>) {
        let age = Self::look(self);
        (age.looked, age.wait)
    }
}

trait Starts: Looks + Sized {
    fn start(what: &What) -> std::result::Result<Self, Box<Looked>>;
}

impl Starts for Looker {
    fn start(what: &What) -> std::result::Result<Self, Box<Looked>> {
        Self::new(&what.root, &what.hotfix, &what.branch, &what.base, what.trusted)
    }
}

fn follow<L: Looks>(
    orders: &Receiver<Option<Watched>>,
    start: impl Fn(&What) -> std::result::Result<L, Box<Looked>>,
    tell: impl Fn(Looked),
) {
    let mut watched: Option<Watched> = None;
    let mut eyes: Option<L> = None;
    let mut told: Option<Looked> = None;
    // When to look next, and until when not to whatever happens.
    let (mut next, mut away): (Option<Instant>, Option<Instant>) = (None, None);
    let mut failures = 0;
    loop {
        let order = match next {
            None => orders.recv().map_err(|_| RecvTimeoutError::Disconnected),
            Some(at) => orders.recv_timeout(at.saturating_duration_since(Instant::now())),
        };
        match order {
            Err(RecvTimeoutError::Disconnected) => return,
            Err(RecvTimeoutError::Timeout) => {}
            Ok(order) => {
                // Only the last of them matters.
                let order = orders.try_iter().last().unwrap_or(order);
                let same = |one: &Watched| watched.as_ref().is_some_and(|known| known.what == one.what);
                if !order.as_ref().is_some_and(same) {
                    (eyes, told, failures) = (None, None, 0);
                }
                watched = order;
                next = None;
                if let Some(until) = away.filter(|until| *until > Instant::now()) {
                    next = watched.as_ref().map(|_| until);
                    continue;
                }
            }
        }
        // What was known stays: where a branch that is gone has landed still matters.
        let Some(one) = &watched else { continue };
        if eyes.is_none() {
            match start(&one.what) {
                Ok(new) => eyes = Some(new),
                Err(looked) => {
                    // There is nothing to ask with: when something changes it is tried again.
                    next = None;
                    told_once(&mut told, *looked, &tell);
                    continue;
                }
            }
        }
        let Some(opened) = &mut eyes else { continue };
        let (looked, wait) = opened.look();
        failures = if matches!(looked, Looked::Unknown { .. }) { failures + 1 } else { 0 };
        let pause = (EVERY * 2_u32.saturating_pow(failures)).min(AT_MOST).max(wait.unwrap_or_default());
        let now = Instant::now();
        away = wait.map(|wait| now + wait);
        // What is over changes no more by itself.
        next = (!is_over(&looked)).then(|| now + if failures == 0 { EVERY } else { pause });
        told_once(&mut told, looked, &tell);
    }
}

fn is_over(looked: &Looked) -> bool {
    matches!(looked, Looked::Known(pull) if matches!(pull.state, PullState::Merged(_)))
}

fn told_once(told: &mut Option<Looked>, looked: Looked, tell: &impl Fn(Looked)) {
    if told.as_ref() != Some(&looked) {
        *told = Some(looked.clone());
        tell(looked);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    fn watched(branch: &str, moment: usize) -> Watched {
        let what = What {
            root: "/srv".into(),
            hotfix: Hotfix::default(),
            branch: branch.to_owned(),
            base: "main".into(),
            trusted: true,
        };
        Watched { what, moment: (String::new(), false, moment) }
    }

    struct Sees(Arc<Mutex<Vec<String>>>, String, Option<Duration>);

    impl Looks for Sees {
        fn look(&mut self) -> (Looked, Option<Duration>) {
            self.0.lock().unwrap().push(self.1.clone());
            (if self.2.is_some() { limited() } else { Looked::None }, self.2)
        }
    }

    fn limited() -> Looked {
        Looked::Unknown { why: "too many calls".into(), last: None }
    }

    /// Which branches were looked at for these orders, and what was told.
    fn looked_at(orders: Vec<Option<Watched>>, wait: Option<Duration>) -> (Vec<String>, Vec<Looked>) {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (send, queue) = mpsc::sync_channel(0);
        let (pass, each) = mpsc::channel();
        let told = Arc::new(Mutex::new(Vec::new()));
        let (kept, says) = (Arc::clone(&seen), Arc::clone(&told));
        let thread = std::thread::spawn(move || {
            let start = |what: &What| Ok(Sees(Arc::clone(&kept), what.branch.clone(), wait));
            follow(&each, start, |looked| says.lock().unwrap().push(looked));
        });
        let hand = std::thread::spawn(move || {
            for order in queue {
                let _ = pass.send(order);
            }
        });
        let mut looks = 0;
        for order in orders {
            let is_some = order.is_some();
            send.send(order).unwrap();
            // One at a time, as far as each is looked at.
            looks += usize::from(is_some && (wait.is_none() || looks == 0));
            let until = Instant::now() + Duration::from_secs(30);
            while seen.lock().unwrap().len() < looks {
                assert!(Instant::now() < until, "it was not looked at");
                std::thread::yield_now();
            }
        }
        drop(send);
        hand.join().unwrap();
        thread.join().unwrap();
        let (seen, told) = (seen.lock().unwrap().clone(), told.lock().unwrap().clone());
        (seen, told)
    }

    #[test]
    fn it_is_looked_at_when_something_changes_and_told_only_if_it_is_new() {
        let orders = vec![Some(watched("a", 0)), Some(watched("a", 1)), None, Some(watched("b", 1))];
        let (seen, told) = looked_at(orders, None);
        assert_eq!(seen, ["a", "a", "b"]);
        assert_eq!(told, [Looked::None, Looked::None], "once for each branch");
    }

    #[test]
    fn a_limit_is_kept_away_from_whatever_happens() {
        let orders = vec![Some(watched("a", 0)), Some(watched("a", 1)), Some(watched("a", 2))];
        let (seen, told) = looked_at(orders, Some(Duration::from_secs(3600)));
        assert_eq!((seen.len(), told), (1, vec![limited()]));
    }
}
