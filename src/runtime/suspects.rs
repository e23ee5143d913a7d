//! Suspects, looked for on a thread of its own that keeps the repository open: what was found in a
//! change once is not looked for again.

use std::path::PathBuf;
use std::sync::mpsc::{self, Receiver, Sender};

use jiff::Timestamp;

use super::{Event, panics};
use crate::cockpit::msg::{Done, EffectId, Fact, Msg};
use crate::cockpit::suspects::Looked;
use crate::conductor::{self, Asking, Fresh, Ground};
use crate::config::types::Config;
use crate::config::{load, trust};
use crate::failure::Result;
use crate::hotfix::git::Reader;
use crate::hotfix::suspects::Found;
use crate::incident::{Policy, State};
use crate::journal::{self, Journal};

/// What the thread is asked for.
pub(super) enum Order {
    /// Find out what changed, weighed by what is known of the incident.
    Look(EffectId, Option<Box<State>>),
    /// Read a change as text.
    Read(EffectId, String),
}

struct Clerk {
    here: PathBuf,
    state_dir: PathBuf,
    reader: Option<Reader>,
}

/// Starts the thread. It ends with its queue.
pub(super) fn start(
    here: PathBuf,
    state_dir: PathBuf,
    events: Sender<Event>,
) -> std::io::Result<Sender<Order>> {
    let (orders, queue) = mpsc::channel();
    let told: Sender<Event> = events.clone();
    panics::spawn("suspects", events, move || {
        Clerk { here, state_dir, reader: None }.serve(&queue, &told);
    })?;
    Ok(orders)
}

impl Clerk {
    fn serve(&mut self, queue: &Receiver<Order>, told: &Sender<Event>) {
        for order in queue {
            let ended = match order {
                Order::Look(id, state) => {
                    let found = self.look(state.as_deref());
                    let looked = Looked { at: Timestamp::now(), found };
                    let _ = told.send(Event::Msg(Msg::Fact(Fact::Suspects(Box::new(looked)))));
                    Msg::Done(id, Ok(Done::Quietly))
                }
                Order::Read(id, commit) => {
                    let text = self.reader().and_then(|reader| reader.change_text(&commit));
                    Msg::Done(id, text.map(|text| Done::Change(Box::new(text))))
                }
            };
            // Whoever asked may have gone.
            let _ = told.send(Event::Msg(ended));
        }
    }

    fn reader(&mut self) -> Result<&mut Reader> {
        let reader = match self.reader.take() {
            // It may have been removed, and made anew, while it was open.
            Some(reader) if reader.git_dir().exists() => reader,
            _ => Reader::open(&self.here).map_err(|none| none.failure(&self.here.to_string_lossy()))?,
        };
        Ok(self.reader.insert(reader))
    }

    /// Reads the configuration again: only what is trusted at this moment is asked.
    fn look(&mut self, state: Option<&State>) -> Result<Found> {
        let state_dir = self.state_dir.clone();
        let reader = self.reader()?;
        let loaded = load::load(reader.root())?;
        let asking = match &loaded {
            Some(loaded) if trust::is_trusted(&state_dir, loaded)? => Asking::Environment,
            _ => Asking::Here,
        };
        let config = loaded.map_or_else(Config::default, |loaded| loaded.config);
        let config = reader.configured(config, || journal::open_incidents(&state_dir));
        let policy = Policy::built_in().with(&config.policy);
        let journal = Journal::open_again(&state_dir, "nobody")?;
        let history = journal.history(&journal.repository(reader)?)?;
        let root = reader.root().to_owned();
        let ground = Ground {
            root: &root,
            state_dir: &state_dir,
            config: &config,
            policy: &policy,
            history: &history,
            now: Timestamp::now(),
            fresh: Fresh::Ask,
        };
        conductor::suspects(&ground, reader, state, None, asking)
    }
}
