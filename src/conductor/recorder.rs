//! What a conductor writes down: each event once, in order, and later if the disk is full now.

use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::stop::{Why, Wish};
use crate::failure::Result;
use crate::incident::{Body, Draft, IncidentId, Precision, Process};
use crate::journal::{Journal, Lease, Seq};

/// How often a sign of life is shown.
const HEARTBEAT: Duration = Duration::from_secs(5);
/// How often what could not be written is tried again.
const RETRY: Duration = Duration::from_secs(1);

/// The journal as one plan uses it.
pub(super) struct Recorder {
    journal: Journal,
    incident: IncidentId,
    lease: Lease,
    process: Process,
    /// Where the reading of other people's wishes continues.
    seq: Seq,
    /// What could not be written yet, in order.
    waiting: Vec<Draft>,
    next_try: Instant,
    next_beat: Instant,
}

impl Recorder {
    /// Begins; `seq` is where the state that the plan was read from ends.
    pub(super) fn new(
        journal: Journal,
        incident: IncidentId,
        lease: Lease,
        process: Process,
        seq: Seq,
    ) -> Self {
        let now = Instant::now();
        Self { journal, incident, lease, process, seq, waiting: Vec::new(), next_try: now, next_beat: now }
    }

    /// Shows a sign of life. The first one claims the lease.
    pub(super) fn beat(&mut self) -> Result<()> {
        self.next_beat = Instant::now() + HEARTBEAT;
        let Lease { repository, target, plan, .. } = &self.lease;
        self.journal.heartbeat(Timestamp::now(), repository, target, plan, &self.process)
    }

    /// Writes an event down now.
    ///
    /// # Errors
    /// It could not be written; it is as if it had never been told.
    pub(super) fn insist(&mut self, body: impl Into<Body>) -> Result<()> {
        let mut drafts = self.waiting.clone();
        drafts.push(self.draft(body));
        self.journal.append(Timestamp::now(), drafts)?;
        self.waiting.clear();
        Ok(())
    }

    /// Writes an event down, now or as soon as it can be.
    pub(super) fn record(&mut self, body: impl Into<Body>) {
        let draft = self.draft(body);
        self.waiting.push(draft);
        self.flush();
    }

    fn draft(&self, body: impl Into<Body>) -> Draft {
        // Written down later, it still happened now.
        Draft {
            occurred: Some((Timestamp::now(), Precision::Exact)),
            ..Draft::now(self.incident, body.into())
        }
    }

    fn flush(&mut self) {
        self.next_try = Instant::now() + RETRY;
        if !self.waiting.is_empty() && self.journal.append(Timestamp::now(), self.waiting.clone()).is_ok() {
            self.waiting.clear();
        }
    }

    /// Shows a sign of life when one is due, writes what waits, and reads what others want of
    /// this plan.
    pub(super) fn tick(&mut self) -> Option<Wish> {
        let now = Instant::now();
        if now >= self.next_beat {
            // A full disk must not end a deploy; whoever looks sees that the process lives.
            let _ = self.beat();
        }
        if now >= self.next_try {
            self.flush();
        }
        let (records, seq) = self.journal.since(self.incident, self.seq).ok()?;
        self.seq = seq;
        let mut wish: Option<Wish> = None;
        for record in records {
            let Body::StopAsked(asked) = record.body else { continue };
            if is_run_of(&asked.run, &self.lease.plan) {
                let kill = asked.kill || wish.is_some_and(|wish| wish.kill);
                wish = Some(Wish { why: Why::Asked { by: record.author.name }, kill });
            }
        }
        wish
    }

    /// Ends the plan: gives the lease back and writes all that waits, in one transaction.
    pub(super) fn end(&mut self, body: impl Into<Body>) -> Result<()> {
        let mut drafts = self.waiting.clone();
        drafts.push(self.draft(body));
        let Lease { repository, target, plan, .. } = &self.lease;
        self.journal.release(Timestamp::now(), repository, target, plan, drafts)?;
        self.waiting.clear();
        Ok(())
    }
}

/// Tells whether a run belongs to a plan. A wish that meant the step before stops the plan
/// all the same: it came from somebody who wanted it stopped.
fn is_run_of(run: &str, plan: &str) -> bool {
    run.strip_prefix(plan)
        .and_then(|rest| rest.strip_prefix('.'))
        .is_some_and(|step| !step.is_empty() && step.bytes().all(|byte| byte.is_ascii_digit()))
}

/// The id of the run of a step, counted from 0.
pub(super) fn run_id(plan: &str, step: usize) -> String {
    format!("{plan}.{step}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_knows_its_plan() {
        assert!(is_run_of(&run_id("deploy-staging-1", 0), "deploy-staging-1"));
        assert!(!is_run_of(&run_id("deploy-staging-12", 0), "deploy-staging-1"));
        assert!(!is_run_of("deploy-staging-1.", "deploy-staging-1"));
        assert!(!is_run_of("deploy-staging-1.2", "deploy-staging-1.2"));
        assert!(!is_run_of("test-1.x", "test-1"));
    }
}
