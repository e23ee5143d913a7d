//! What is ahead of the branch, found out on a thread and in a repository of its own, which stays
//! open: what was walked once is not walked again.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver, Sender};
use std::time::Duration;

use super::{Event, no_thread, panics};
use crate::cockpit::msg::{Done, EffectId, Fact, Msg};
use crate::config::types::Hotfix;
use crate::failure::Result;
use crate::hotfix::git::Reader;
use crate::hotfix::outlook::{Outlook, Question, Verdict};
use crate::incident::HotfixLimit;
use crate::journal::Journal;

/// Time for one look. Nobody waits for it: it is told in parts.
const PATIENCE: Duration = Duration::from_secs(20);

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

    fn survey(&mut self, mut order: Order) {
        if self.reader.is_none() {
            // That there is no repository is told by whoever reads its state.
            self.reader = Reader::open(&self.here).ok();
        }
        let Some(reader) = &mut self.reader else { return };
        deployed_before(&self.state_dir, reader, &order.environments, &mut order.question);
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

/// Adds what earlier incidents know of environments that this one says nothing about.
fn deployed_before(state_dir: &Path, reader: &Reader, environments: &[String], question: &mut Question) {
    let is_known = |environment: &String| question.deployed.iter().any(|(name, _, _)| name == environment);
    if environments.iter().all(is_known) {
        return;
    }
    let history = Journal::open(state_dir, "nobody").and_then(|journal| journal.history(&reader.identity()));
    let Ok(history) = history.inspect_err(|failure| tracing::warn!(%failure, "what is deployed")) else {
        return;
    };
    question.deployed = environments
        .iter()
        .filter_map(|environment| {
            let known = question.deployed.iter().find(|(name, _, _)| name == environment).cloned();
            let before = || {
                let release = history.current(environment)?;
                Some((environment.clone(), release.name(), release.commit.clone()))
            };
            known.or_else(before)
        })
        .collect();
}
