//! Samples of probes: stored, filled up with what sources knew, and read for the screen.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::super::Event;
use super::Keeper;
use crate::health::past::Numbers;
use crate::health::stretches::Past;
use crate::journal::Sample;

/// How much of earlier samples is shown.
const HISTORY: SignedDuration = SignedDuration::from_secs(Past::REACH);
/// Of so many probes they are read at once, while nothing else is asked for.
const AT_ONCE: usize = 8;

impl Keeper {
    /// Stores what was seen.
    pub(super) fn store_samples(&mut self, samples: &[Sample]) {
        if self.journal.read_only().is_some() {
            return;
        }
        if let Err(failure) = self.journal.put_samples(&self.repository, samples) {
            // History is a comfort: losing some must not fill the error log.
            tracing::warn!("{failure}");
        }
    }

    /// Stores what a source knew from before, and shows it with what is known.
    pub(super) fn fill(&mut self, probe: String, numbers: &Numbers, interval: Duration) {
        let apart = SignedDuration::try_from(interval * 2).unwrap_or(SignedDuration::from_mins(1));
        // What cannot be stored is told with the next sample.
        if self.journal.fill_samples(&self.repository, &probe, numbers, apart).is_ok() {
            self.history([probe]);
        }
    }

    /// Reads the samples of some more probes. A day of a thousand probes takes its time, and whoever writes a note
    /// must not wait for it.
    pub(super) fn read_on(&mut self) {
        let next: Vec<_> = self.unread.drain(..self.unread.len().min(AT_ONCE)).collect();
        for (probe, source) in &next {
            if self.journal.read_only().is_some() {
                break;
            }
            if let Err(failure) = self.journal.probe_asks(&self.repository, probe, *source, Timestamp::now())
            {
                tracing::warn!("{failure}");
            }
        }
        self.history(next.into_iter().map(|(probe, _)| probe));
    }

    fn history(&self, probes: impl IntoIterator<Item = String>) {
        let since = Timestamp::now().checked_sub(HISTORY).unwrap_or(Timestamp::MIN);
        let mut known = Vec::new();
        for probe in probes {
            if let Ok(kept) = self.journal.kept(&self.repository, &probe, since) {
                known.push((probe, kept));
            }
        }
        let _ = self.events.send(Event::History(known));
    }
}
