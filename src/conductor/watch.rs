//! Watches health conditions over a time, on behalf of a step.
//!
//! What may be said of them is decided in `health::vigil`; here the probes are asked, in a
//! runtime of their own, and the time is taken from a clock that nobody sets.

use std::path::Path;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tokio::runtime::{Builder, Runtime};

use crate::config::types::Probe;
use crate::health::compare::Window;
use crate::health::keyring::Keyring;
use crate::health::past::Numbers;
use crate::health::rules::Rules;
use crate::health::runner::{Observation, Runner};
use crate::health::vigil::{Named, Past, Vigil, past_windows};
use crate::plan;
use crate::text::visible;

pub(super) use crate::health::vigil::Look;

/// Probes being watched. Dropping it stops asking.
pub(super) struct Watching {
    began: Instant,
    vigil: Vigil,
    runner: Runner,
    samples: Receiver<Observation>,
    /// What sources know of the time before: the name of a probe, and its numbers.
    numbers: Receiver<(String, Numbers)>,
    /// The time before the incident, and that of the incident before the watch.
    windows: (Window, Window),
    runtime: Option<Runtime>,
}

impl Watching {
    /// Begins to ask; what is told of it holds no secret that `keyring` knows.
    ///
    /// # Errors
    /// There is nothing to ask, a probe cannot be understood, or the system refuses: why, in one
    /// line.
    pub(super) fn begin(watch: &plan::Watch, keyring: &Keyring) -> Result<Self, String> {
        if watch.probes.is_empty() {
            return Err("no probe to watch".to_owned());
        }
        let probes: Vec<Probe> = watch.probes.iter().map(|watched| Probe::clone(watched)).collect();
        for probe in &probes {
            Rules::of(probe).map_err(|invalid| {
                format!("the probe {} cannot be understood: {invalid}", visible(&probe.name))
            })?;
        }
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("watch")
            .enable_all()
            .build()
            .map_err(|error| format!("nothing can be watched: {error}"))?;
        let (send, samples) = channel();
        let mut runner =
            Runner::start(runtime.handle(), &probes, Path::new(&watch.cwd), keyring, move |sample| {
                // Nobody looks any more once it is over.
                let _ = send.send(sample);
            });
        let (send, numbers) = channel();
        runner.fill(&probes, move |_, probe, found| drop(send.send((probe, found))));
        let span = |length| Duration::try_from(length).unwrap_or_default();
        let vigil = Vigil::new(span(watch.time), span(watch.settle), probes);
        let windows = past_windows(Timestamp::MIN, Timestamp::MIN);
        Ok(Self { began: Instant::now(), vigil, runner, samples, numbers, windows, runtime: Some(runtime) })
    }

    /// Says what was deployed, and what was there before.
    pub(super) fn expect(&mut self, deployed: Named, before: Vec<Named>) {
        self.vigil.expect(deployed, before);
    }

    /// Takes up what is known of each probe from before, and which times that is about: what sources know of them
    /// is added.
    pub(super) fn compare_with(&mut self, past: Vec<Past>, windows: (Window, Window)) {
        self.vigil.compare_with(past);
        self.windows = windows;
    }

    /// Says how it stands. To be called a few times a second.
    pub(super) fn look(&mut self) -> Look {
        let now = self.began.elapsed();
        if self.vigil.reach(now) {
            // Whatever waits here was seen before.
            while self.samples.try_recv().is_ok() {}
            self.runner.probe_now();
        }
        while let Ok(observation) = self.samples.try_recv() {
            self.vigil.observe(now, observation.probe, observation.sample);
        }
        while let Ok((probe, numbers)) = self.numbers.try_recv() {
            let within = |(from, to): Window| {
                let inside = numbers.iter().filter(move |(at, _)| (from..to).contains(at));
                inside.map(|(at, number)| (*at, Some(*number))).collect()
            };
            let (before, during) = self.windows;
            self.vigil.recall(&probe, within(before), within(during));
        }
        self.vigil.look(now)
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        self.runner.stop();
        if let Some(runtime) = self.runtime.take() {
            // A name that is still being looked up is nothing to wait for.
            runtime.shutdown_background();
        }
    }
}

#[cfg(test)]
mod tests;
