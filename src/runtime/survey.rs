//! What is ahead of the branch, found out on a thread and in a repository of its own, which stays
//! open: what was walked once is not walked again.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver, Sender};
use std::time::{Duration, Instant};

use super::{Event, no_thread, panics};
use crate::cockpit::msg::{Done, EffectId, Fact, Msg};
use crate::cockpit::survey::Outside;
use crate::conductor;
use crate::config::types::Hotfix;
use crate::config::{load, trust};
use crate::failure::Result;
use crate::hotfix::git::Reader;
use crate::hotfix::outlook::{Outlook, Question, Verdict};
use crate::incident::{History, HotfixLimit};
use crate::journal::Journal;

/// Time for one look. Nobody waits for it: it is told in parts.
const PATIENCE: Duration = Duration::from_secs(20);

/// How long what environments told holds: somebody else may deploy as well.
const STALE: Duration = Duration::from_secs(60);

/// What is asked.
pub(super) struct Order {
    pub(super) id: EffectId,
    pub(super) question: Question,
    pub(super) hotfix: Hotfix,
    pub(super) limit: HotfixLimit,
    /// Names of the environments.
    pub(super) environments: Vec<String>,
}

/// Starts the thread.
pub(super) fn start(here: &Path, state_dir: &Path, events: &Sender<Event>) -> Result<Sender<Order>> {
    let (orders, queue) = mpsc::channel();
    let surveyor = Surveyor {
        here: here.to_owned(),
        state_dir: state_dir.to_owned(),
        events: events.clone(),
        reader: None,
        last: Outlook::default(),
        deployed: None,
    };
    panics::spawn("survey", events.clone(), move || surveyor.serve(&queue))
        .map_err(|error| no_thread(&error))?;
    Ok(orders)
}

struct Surveyor {
    here: PathBuf,
    state_dir: PathBuf,
    events: Sender<Event>,
    reader: Option<Reader>,
    /// What was told last.
    last: Outlook,
    deployed: Option<Deployed>,
}

impl Surveyor {
    fn serve(mut self, orders: &Receiver<Order>) {
        while let Ok(order) = orders.recv() {
            let id = order.id;
            self.survey(order);
            if self.events.send(Event::Msg(Msg::Done(id, Ok(Done::Quietly)))).is_err() {
                return;
            }
        }
    }

    /// Looks with what is known, and once more where environments had to be asked what they hold:
    /// that may take a while.
    fn survey(&mut self, order: Order) {
        let is_known =
            |name: &&String| order.question.deployed.iter().any(|(environment, _, _)| environment == *name);
        let unknown: Vec<String> =
            order.environments.iter().filter(|name| !is_known(name)).cloned().collect();
        let mut order = order;
        if let Some(deployed) = &self.deployed {
            deployed.complete(&order.environments, &mut order.question);
        }
        self.look(&order);
        let is_fresh = |deployed: &Deployed| {
            deployed.asked.elapsed() < STALE
                && unknown.iter().all(|name| deployed.environments.contains(name))
        };
        if unknown.is_empty() || self.deployed.as_ref().is_some_and(is_fresh) {
            return;
        }
        let Some(reader) = &self.reader else { return };
        match Deployed::ask(&self.state_dir, reader, unknown) {
            Ok(deployed) => {
                let fact = Fact::Outside(Outside::of(&deployed.history));
                let _ = self.events.send(Event::Msg(Msg::Fact(fact)));
                let before = order.question.clone();
                order.question.deployed.retain(|(name, _, _)| !deployed.environments.contains(name));
                deployed.complete(&order.environments, &mut order.question);
                self.deployed = Some(deployed);
                if order.question != before {
                    self.look(&order);
                }
            }
            Err(failure) => tracing::warn!(%failure, "what is deployed"),
        }
    }

    fn look(&mut self, order: &Order) {
        if self.reader.is_none() {
            // That there is no repository is told by whoever reads its state.
            self.reader = Reader::open(&self.here).ok();
        }
        let Some(reader) = &mut self.reader else { return };
        let last = &self.last;
        let told = |outlook: &Outlook| {
            // What is known of this very commit is worth more than that it is being looked at again.
            let is_looking = outlook.forecasts.iter().any(|one| one.verdict == Verdict::Looking);
            if is_looking && (&last.branch, &last.commit) == (&outlook.branch, &outlook.commit) {
                return;
            }
            let fact = Fact::Outlook(Box::new(outlook.clone()));
            let _ = self.events.send(Event::Msg(Msg::Fact(fact)));
        };
        match reader.outlook_in_parts(&order.hotfix, &order.limit, &order.question, PATIENCE, told) {
            Ok(outlook) => {
                self.last = outlook.clone();
                let fact = Fact::Outlook(Box::new(outlook));
                let _ = self.events.send(Event::Msg(Msg::Fact(fact)));
            }
            // It may come back, as another one.
            Err(_) => self.reader = None,
        }
    }
}

/// What environments are known to hold besides what this incident recorded.
struct Deployed {
    asked: Instant,
    environments: Vec<String>,
    history: History,
}

impl Deployed {
    /// Asks the record of earlier incidents, then the environments themselves: only as the
    /// configuration that is trusted at this moment has it.
    fn ask(state_dir: &Path, reader: &Reader, environments: Vec<String>) -> Result<Self> {
        let journal = Journal::open_again(state_dir, "nobody")?;
        let mut history = journal.history(&journal.repository(reader)?)?;
        if let Some(loaded) = load::load(reader.root())?
            && trust::is_trusted(state_dir, &loaded)?
        {
            conductor::ask_environments(&loaded.config, &environments, reader.root(), &mut history);
        }
        Ok(Self { asked: Instant::now(), environments, history })
    }

    /// Adds what it knows of environments that the incident says nothing about.
    fn complete(&self, environments: &[String], question: &mut Question) {
        question.deployed = environments
            .iter()
            .filter_map(|environment| {
                let known = question.deployed.iter().find(|(name, _, _)| name == environment).cloned();
                let before = || {
                    let release = self.history.current(environment)?;
                    Some((environment.clone(), release.name(), release.commit.clone()))
                };
                known.or_else(before)
            })
            .collect();
    }
}
