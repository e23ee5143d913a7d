//! Probes: the runner that asks, and the tracker that keeps what they say.

use std::path::PathBuf;
use std::sync::mpsc::Sender;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::store::{Order, Store};
use super::{Event, History, no_thread, panics};
use crate::clock::Stopwatch;
use crate::cockpit::msg::Fact;
use crate::config::types::Probe;
use crate::failure::{Failure, Result};
use crate::health::keyring::Keyring;
use crate::health::past::Numbers;
use crate::health::runner::{Observation, Runner};
use crate::health::series::{Sample, State, Verdict};
use crate::health::silence::Silence;
use crate::health::tracker::Tracker;
use crate::incident;
use crate::journal::{self, Kept};

/// Samples are stored together this often: each time costs several threads a wake-up.
const STORE_EVERY: Duration = Duration::from_secs(60);

/// The probes and what asks them. The runtime comes with the first probe: without any, it
/// would only cost.
pub(super) struct Pulse {
    tracker: Tracker,
    runner: Option<Asking>,
    /// Probes that are configured and not asked yet, the directory of their commands, and their secrets.
    waiting: Option<(Vec<Probe>, PathBuf, Keyring)>,
    /// Samples that are not stored yet, and when some were.
    samples: Vec<journal::Sample>,
    stored: Instant,
    /// Which probes nothing is heard of, by a clock of its own.
    silence: Silence,
    clock: Stopwatch,
}

/// The runner, and the thread its tasks run on.
struct Asking {
    runner: Runner,
    end: tokio::sync::oneshot::Sender<()>,
}

impl Default for Pulse {
    fn default() -> Self {
        Self {
            tracker: Tracker::default(),
            runner: None,
            waiting: None,
            samples: Vec::new(),
            stored: Instant::now(),
            silence: Silence::default(),
            clock: Stopwatch::start(),
        }
    }
}

impl Pulse {
    /// Shows these probes from now on, and no others. They are asked after [`Pulse::start`].
    pub(super) fn configure(&mut self, probes: Vec<Probe>, root: PathBuf, keyring: Keyring, store: &Store) {
        self.store(store);
        self.tracker = Tracker::new(&probes);
        self.silence = Silence::default();
        if let Some(asking) = &mut self.runner {
            asking.runner.stop();
        }
        let asked = probes.iter().map(|probe| (probe.name.clone(), question(probe)));
        store.ask(Order::History(asked.collect()));
        self.waiting = Some((probes, root, keyring));
    }

    /// Starts to ask what was configured since the last time.
    pub(super) fn start(&mut self, events: &Sender<Event>) -> Result<()> {
        let Some((probes, root, keyring)) = self.waiting.take() else { return Ok(()) };
        self.silence = Silence::new(&probes, self.clock.elapsed());
        let past = {
            let told = events.clone();
            move |generation, probe, numbers| drop(told.send(Event::Past(generation, probe, numbers)))
        };
        if let Some(asking) = &mut self.runner {
            asking.runner.restart(&probes, &root, &keyring);
            asking.runner.fill(&probes, past);
        } else if !probes.is_empty() {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let runtime = runtime
                .map_err(|error| Failure::new("starting the probes", error, "close other programs"))?;
            let told = events.clone();
            let mut runner = Runner::start(runtime.handle(), &probes, &root, &keyring, move |seen| {
                let _ = told.send(Event::Observed(seen));
            });
            runner.fill(&probes, past);
            let (end, ended) = tokio::sync::oneshot::channel();
            // One thread for all probes: they wait more than they work.
            panics::spawn("probes", events.clone(), move || {
                let _ = runtime.block_on(ended);
                runtime.shutdown_background();
            })
            .map_err(|error| no_thread(&error))?;
            self.runner = Some(Asking { runner, end });
        }
        Ok(())
    }

    /// Takes up what the record says of each probe.
    pub(super) fn restore(&mut self, state: &incident::State) {
        for (probe, alarm) in &state.alarms {
            if let Some(known) = State::parse(&alarm.state) {
                self.tracker.restore(probe, known, alarm.since, &alarm.why);
                self.tracker.recall(probe, alarm.wrong.as_deref().and_then(State::parse), alarm.firing);
            }
        }
    }

    /// Takes up samples from before.
    pub(super) fn remember(&mut self, history: History) {
        for (probe, Kept { samples, faults }) in history {
            self.tracker.remember(&probe, &samples, &faults);
        }
    }

    /// Has what a source knew before stored, where nothing was seen here.
    pub(super) fn fill(&self, generation: u64, probe: String, numbers: Numbers, store: &Store) {
        // The question may have been another one.
        if self.runner.as_ref().is_none_or(|asking| asking.runner.generation() != generation) {
            return;
        }
        let status = self.tracker.statuses().iter().find(|status| status.name == probe);
        let interval =
            status.map(|status| Duration::try_from_secs_f64(status.interval_s).unwrap_or_default());
        if let Some(interval) = interval {
            store.ask(Order::Fill(probe, numbers, interval));
        }
    }

    /// Takes in what a probe saw; it is stored in time, too.
    pub(super) fn observe(&mut self, seen: Observation, store: &Store) {
        let Some(asking) = &self.runner else { return };
        if seen.generation != asking.runner.generation() {
            return;
        }
        if let Some(status) = self.tracker.statuses().get(seen.probe) {
            let probe = status.name.clone();
            let Sample { at, value, verdict, .. } = seen.sample;
            let fault = matches!(verdict, Verdict::Bad | Verdict::NoAnswer).then_some(verdict);
            self.samples.push(journal::Sample { probe, at, value, fault });
            self.silence.hear(seen.probe, self.clock.elapsed());
            self.tracker.observe(seen.probe, seen.sample);
            // What tells whether it is this machine need not wait until it is due.
            for check in self.tracker.unasked(seen.probe) {
                asking.runner.ask_now(check);
            }
        }
        if self.stored.elapsed() >= STORE_EVERY {
            self.store(store);
        }
    }

    /// Marks the probes that nothing is heard of any more; returns whether there are any.
    pub(super) fn miss(&mut self) -> bool {
        let lost = self.silence.lost(self.clock.elapsed());
        for (probe, why) in &lost {
            let Some(name) = self.tracker.statuses().get(*probe).map(|status| status.name.clone()) else {
                continue;
            };
            let at = Timestamp::now();
            self.samples.push(journal::Sample { probe: name, at, value: None, fault: None });
            self.tracker.lose(*probe, at, why);
        }
        !lost.is_empty()
    }

    /// How long until a probe has been silent for too long; `None` where none could be.
    pub(super) fn silence_due(&self) -> Option<Duration> {
        self.silence.due(self.clock.elapsed())
    }

    /// Hands over the samples that are not stored yet.
    fn store(&mut self, store: &Store) {
        self.stored = Instant::now();
        if !self.samples.is_empty() {
            store.ask(Order::Samples(std::mem::take(&mut self.samples)));
        }
    }

    /// Probes as they stand, for the core.
    pub(super) fn fact(&self) -> Fact {
        Fact::Health { probes: self.tracker.statuses().to_vec() }
    }

    /// Asks every probe now.
    pub(super) fn ask_now(&self) {
        if let Some(asking) = &self.runner {
            asking.runner.probe_now();
        }
    }

    /// Stops asking, without waiting for answers that may never come.
    pub(super) fn end(&mut self, store: &Store) {
        self.store(store);
        if let Some(mut asking) = self.runner.take() {
            asking.runner.stop();
            let _ = asking.end.send(());
        }
    }
}

/// What a probe asks and draws, in a number.
fn question(probe: &Probe) -> i64 {
    let asked = format!("{}\n{}", probe.source, probe.value.as_deref().unwrap_or_default());
    let hash = incident::Hash::of(asked.as_bytes());
    hash.0.iter().take(8).fold(0, |number, byte| number << 8 | i64::from(*byte))
}
