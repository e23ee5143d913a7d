//! Probes: the runner that asks, and the tracker that keeps what they say.

use std::path::Path;
use std::sync::mpsc::Sender;

use super::store::{Order, Store};
use super::{Event, History, no_thread, panics};
use crate::cockpit::msg::{Edge, Fact};
use crate::config::types::Probe;
use crate::failure::{Failure, Result};
use crate::health::runner::{Observation, Runner};
use crate::health::series::State;
use crate::health::tracker::Tracker;
use crate::incident;

/// The probes and what asks them. The runtime comes with the first probe: without any, it
/// would only cost.
#[derive(Default)]
pub(super) struct Pulse {
    tracker: Tracker,
    edges: Vec<Edge>,
    runner: Option<Asking>,
}

/// The runner, and the thread its tasks run on.
struct Asking {
    runner: Runner,
    end: tokio::sync::oneshot::Sender<()>,
}

impl Pulse {
    /// Asks these probes from now on.
    pub(super) fn configure(
        &mut self,
        probes: &[Probe],
        root: &Path,
        events: &Sender<Event>,
        store: &Store,
    ) -> Result<()> {
        self.tracker = Tracker::new(probes);
        self.edges.clear();
        match &mut self.runner {
            Some(asking) => asking.runner.restart(probes),
            None if probes.is_empty() => return Ok(()),
            None => {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
                let runtime = runtime
                    .map_err(|error| Failure::new("starting the probes", error, "close other programs"))?;
                let told = events.clone();
                let runner = Runner::start(runtime.handle(), probes, root, move |seen| {
                    let _ = told.send(Event::Observed(seen));
                });
                let (end, ended) = tokio::sync::oneshot::channel();
                // One thread for all probes: they wait more than they work.
                panics::spawn("probes", events.clone(), move || {
                    let _ = runtime.block_on(ended);
                    runtime.shutdown_background();
                })
                .map_err(|error| no_thread(&error))?;
                self.runner = Some(Asking { runner, end });
            }
        }
        store.ask(Order::History(probes.iter().map(|probe| probe.name.clone()).collect()));
        Ok(())
    }

    /// Takes up what the record says of each probe.
    pub(super) fn restore(&mut self, state: &incident::State) {
        for (probe, alarm) in &state.alarms {
            if let Some(known) = State::parse(&alarm.state) {
                self.tracker.restore(probe, known, alarm.since);
            }
        }
    }

    /// Takes up samples from before.
    pub(super) fn remember(&mut self, history: History) {
        for (probe, samples) in history {
            self.tracker.remember(&probe, &samples);
        }
    }

    /// Takes in what a probe saw; it is stored, too.
    pub(super) fn observe(&mut self, seen: Observation, store: &Store) {
        let Some(asking) = &self.runner else { return };
        if seen.generation != asking.runner.generation() {
            return;
        }
        if let Some(status) = self.tracker.statuses().get(seen.probe) {
            store.ask(Order::Samples(status.name.clone(), seen.sample.at, seen.sample.value));
            let probe = status.name.clone();
            let edge = self.tracker.observe(seen.probe, seen.sample);
            self.edges.extend(edge.map(|edge| Edge {
                probe,
                at: edge.at,
                from: edge.from,
                to: edge.to,
                why: edge.why,
            }));
        }
    }

    /// Probes as they stand, for the core.
    pub(super) fn fact(&mut self) -> Fact {
        Fact::Health { probes: self.tracker.statuses().to_vec(), edges: std::mem::take(&mut self.edges) }
    }

    /// Asks every probe now.
    pub(super) fn ask_now(&self) {
        if let Some(asking) = &self.runner {
            asking.runner.probe_now();
        }
    }

    /// Stops asking, without waiting for answers that may never come.
    pub(super) fn end(&mut self) {
        if let Some(mut asking) = self.runner.take() {
            asking.runner.stop();
            let _ = asking.end.send(());
        }
    }
}
