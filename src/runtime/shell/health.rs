//! What comes from probes, on its way to the core.

use std::time::{Duration, Instant};

use super::{Dirty, FRAME, Shell};
use crate::cockpit::msg::Msg;

impl Shell<'_> {
    pub(super) fn restore_health(&mut self) {
        if let Some(state) = self.model.incident() {
            self.pulse.restore(state);
        }
        self.health_changed();
        self.settle_health();
    }

    pub(super) fn health_changed(&mut self) {
        self.health_is_stale = true;
    }

    /// How long what came from probes may still be gathered; `None` where nothing came.
    pub(super) fn health_due(&self) -> Option<Duration> {
        self.health_is_stale.then(|| FRAME.saturating_sub(self.health_told.elapsed()))
    }

    /// Hands the probes to the core, once for all that came since the last time.
    pub(super) fn settle_health(&mut self) {
        if std::mem::take(&mut self.health_is_stale) {
            self.health_told = Instant::now();
            let fact = self.pulse.fact();
            self.message(Msg::Fact(fact), Dirty::Soon);
        }
    }
}
