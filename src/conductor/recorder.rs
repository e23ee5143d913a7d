//! What a conductor writes down: each event once, in order, and later if the disk is full now;
//! and what it reads there: the state, and what others want of its plan.

use std::collections::{HashMap, HashSet, VecDeque};
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::stop::{Why, Wish};
use crate::clock::{Steady, Stopwatch};
use crate::failure::{FailureKind, Result};
use crate::incident::{
    Body, Decision, Draft, IncidentId, Log, PlanRun, Precision, Process, Record, RecordId, State,
};
use crate::journal::{Journal, Lease, Seq};
use crate::text::cut;

/// How often a sign of life is shown.
const HEARTBEAT: Duration = Duration::from_secs(5);
/// How often what could not be written is tried again.
const RETRY: Duration = Duration::from_secs(1);
/// Most bytes of what is written down: a record has room for that and what stands around it.
const ROOM: usize = Journal::MAX_RECORD - 16 * 1024;
/// Most characters of a text in what would have no room.
const LONGEST: usize = 4_000;

/// A decision that somebody made about the plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Decided {
    /// Who.
    pub(super) by: String,
    /// The step it was made on, and its last run.
    pub(super) step: usize,
    pub(super) run: Option<String>,
    pub(super) decision: Decision,
    /// Whether it was made on another machine.
    pub(super) is_from_afar: bool,
}

/// The journal as one plan uses it.
pub(super) struct Recorder {
    journal: Journal,
    incident: IncidentId,
    lease: Lease,
    process: Process,
    log: Log,
    /// Where the reading of what others write continues.
    seq: Seq,
    /// What events are dated by.
    clock: Steady,
    /// Runs that go on, and since when.
    begun: HashMap<String, Stopwatch>,
    /// Since when the plan goes on, where this process began it.
    began: Option<Stopwatch>,
    /// What could not be written yet, in order.
    waiting: Vec<Draft>,
    next_try: Instant,
    next_beat: Instant,
    /// Runs that were over before this process began.
    over: HashSet<String>,
    /// What was asked of plans and need not be heard again.
    heard: HashSet<RecordId>,
    /// Decisions that were not looked at yet.
    decided: VecDeque<Decided>,
    wish: Option<Wish>,
    /// The lease was taken by somebody who knows that this conductor is gone.
    lost: bool,
}

impl Recorder {
    /// Begins with the incident as it was read, up to `seq`.
    pub(super) fn new(
        journal: Journal,
        incident: IncidentId,
        lease: Lease,
        process: Process,
        (log, seq): (Log, Seq),
    ) -> Result<Self> {
        let now = Instant::now();
        let mut recorder = Self {
            journal,
            incident,
            lease,
            process,
            log,
            seq,
            clock: Steady::start(),
            begun: HashMap::new(),
            began: None,
            waiting: Vec::new(),
            next_try: now,
            next_beat: now,
            over: HashSet::new(),
            heard: HashSet::new(),
            decided: VecDeque::new(),
            wish: None,
            lost: false,
        };
        let steps = recorder.plan().into_iter().flat_map(|plan| &plan.steps);
        let runs = steps.flat_map(|step| step.earlier.iter().chain(&step.run).chain(&step.undo));
        let over = runs.filter(|run| run.outcome.is_some()).map(|run| run.id.clone());
        recorder.over = over.collect();
        recorder.hear_what_was_said_before()?;
        Ok(recorder)
    }

    /// What was asked of the plan between its last start and this process's coming up.
    fn hear_what_was_said_before(&mut self) -> Result<()> {
        let (plan, here) = (&self.lease.plan, self.journal.author().node);
        let (mut since, mut before) = (Vec::<Record>::new(), HashSet::new());
        self.journal.each(self.incident, Some(self.seq), |record| match &record.body {
            Body::PlanStarted(started) if started.plan == *plan && record.author.node == here => {
                before.extend(since.drain(..).map(|asked| asked.id));
            }
            Body::PlanResumed(resumed) if resumed.plan == *plan && record.author.node == here => {
                before.extend(since.drain(..).map(|asked| asked.id));
            }
            Body::StopAsked(_) | Body::PlanAsked(_) => since.push(record),
            _ => {}
        })?;
        self.heard = before;
        for record in &since {
            self.hear(record);
        }
        Ok(())
    }

    /// The time as this process sees it, which nobody sets back.
    pub(super) fn now(&mut self) -> Timestamp {
        self.clock.now()
    }

    /// Says that the plan begins now, and is measured from here to its end.
    pub(super) fn measure(&mut self) {
        self.began = Some(Stopwatch::start());
    }

    /// The incident as it is written down.
    pub(super) fn state(&self) -> &State {
        self.log.state()
    }

    /// The plan as it is written down.
    pub(super) fn plan(&self) -> Option<&PlanRun> {
        self.log.state().plan(&self.lease.plan)
    }

    /// The journal, for what is about more than this incident.
    pub(super) fn journal(&self) -> &Journal {
        &self.journal
    }

    /// The journal, for what comes after the plan.
    pub(super) fn journal_mut(&mut self) -> &mut Journal {
        &mut self.journal
    }

    /// Identity of the repository.
    pub(super) fn repository(&self) -> &str {
        &self.lease.repository
    }

    /// Tells whether somebody else has taken the lease. Nothing more is begun or ended then.
    pub(super) fn is_lost(&self) -> bool {
        self.lost
    }

    /// Shows a sign of life. The first one claims the lease.
    pub(super) fn beat(&mut self) -> Result<()> {
        self.next_beat = Instant::now() + HEARTBEAT;
        let Lease { repository, target, plan, .. } = &self.lease;
        let beat = self.journal.heartbeat(self.clock.now(), repository, target, plan, &self.process);
        if let Err(failure) = &beat {
            // A full disk says nothing about who holds it.
            self.lost |= failure.kind == FailureKind::Held;
        }
        beat
    }

    /// Writes an event down now, and all that waited.
    ///
    /// # Errors
    /// It could not be written, or the lease is lost; it is as if it had never been told.
    pub(super) fn insist(&mut self, body: impl Into<Body>) -> Result<()> {
        self.beat()?;
        let draft = self.draft(body);
        let drafts = self.waiting.iter().cloned().chain([draft]).collect();
        self.commit(drafts)
    }

    /// Writes down all that waits, and reads what is new: after this the state is what is on
    /// disk.
    ///
    /// # Errors
    /// It could not be written or read.
    pub(super) fn settle(&mut self) -> Result<()> {
        if !self.waiting.is_empty() {
            self.commit(self.waiting.clone())?;
        }
        self.read()
    }

    /// Writes an event down, now or as soon as it can be.
    pub(super) fn record(&mut self, body: impl Into<Body>) {
        self.record_all([body.into()]);
    }

    /// Writes events down in one transaction, now or as soon as it can be.
    pub(super) fn record_all(&mut self, bodies: impl IntoIterator<Item = Body>) {
        for body in bodies {
            // What can never be written would keep all that comes after it from being written.
            let Some(body) = with_room(body) else { continue };
            let draft = self.draft(body);
            self.waiting.push(draft);
        }
        self.flush();
    }

    fn draft(&mut self, body: impl Into<Body>) -> Draft {
        let body = body.into();
        let took = match &body {
            Body::StepStarted(started) => {
                self.begun.entry(started.run.clone()).or_insert_with(Stopwatch::start);
                None
            }
            Body::StepEnded(ended) => self.begun.remove(&ended.run),
            Body::PlanEnded(_) => self.began,
            _ => None,
        };
        // Written down later, it still happened now.
        Draft {
            occurred: Some((self.clock.now(), Precision::Exact)),
            took: took.map(Stopwatch::took),
            ..Draft::now(self.incident, body)
        }
    }

    fn flush(&mut self) {
        self.next_try = Instant::now() + RETRY;
        if !self.waiting.is_empty() {
            let _ = self.commit(self.waiting.clone());
        }
    }

    fn commit(&mut self, drafts: Vec<Draft>) -> Result<()> {
        let records = self.journal.append(self.clock.now(), drafts)?;
        self.waiting.clear();
        // They come with what others wrote meanwhile, each once. They are saved, whatever comes of that.
        if self.read().is_err() {
            for record in records {
                self.log.insert(record);
            }
        }
        Ok(())
    }

    /// Shows a sign of life when one is due, writes what waits, and reads what others want of
    /// this plan. Returns the wish that it be stopped, if there is one.
    pub(super) fn tick(&mut self) -> Option<Wish> {
        let now = Instant::now();
        if now >= self.next_beat {
            // A full disk must not end a deploy; whoever looks sees that the process lives.
            let _ = self.beat();
        }
        if now >= self.next_try {
            self.flush();
        }
        let _ = self.read();
        self.wish.take()
    }

    fn read(&mut self) -> Result<()> {
        let (records, seq) = if self.journal.is_cut(self.incident, self.seq)? {
            // Its end was cut off, and others may be in its place. What this process knew it goes on knowing:
            // that is what it did.
            self.journal.since(self.incident, Seq::default())?
        } else {
            self.journal.since(self.incident, self.seq)?
        };
        self.journal.fold_in(&mut self.log, records.iter().cloned())?;
        self.seq = seq;
        for record in &records {
            self.hear(record);
        }
        Ok(())
    }

    fn hear(&mut self, record: &Record) {
        if matches!(record.body, Body::StopAsked(_) | Body::PlanAsked(_)) && !self.heard.insert(record.id) {
            return;
        }
        let by = || record.author.name.clone();
        let is_from_afar = record.author.node != self.journal.author().node;
        // What comes from another machine may come late: it was meant for what is over since.
        let is_late = |run: &str| is_from_afar && self.over.contains(run);
        match &record.body {
            Body::StopAsked(asked) if is_late(&asked.run) => {}
            Body::PlanAsked(asked) if asked.run.as_deref().is_some_and(is_late) => {}
            // The host would take it for the word of whoever runs the plan: their token is used.
            Body::PlanAsked(asked) if is_from_afar && matches!(asked.decision, Decision::Review { .. }) => {}
            Body::StopAsked(asked) if is_run_of(&asked.run, &self.lease.plan) => {
                let wish = Wish { why: Why::Asked { by: by() }, kill: asked.kill };
                self.wish = Some(wish.after(self.wish.as_ref()));
            }
            Body::PlanAsked(asked) if asked.plan == self.lease.plan => {
                let (step, run, decision) = (asked.step, asked.run.clone(), asked.decision.clone());
                self.decided.push_back(Decided { by: by(), step, run, decision, is_from_afar });
            }
            _ => {}
        }
    }

    /// The next decision that was not looked at yet.
    pub(super) fn next_decision(&mut self) -> Option<Decided> {
        self.decided.pop_front()
    }

    /// An id for the next run of a step, or of its undoing: `PLAN.STEP`, `PLAN.STEP.1`,
    /// `PLAN.STEP.u1`.
    pub(super) fn next_run(&self, step: usize, undo: bool) -> String {
        let known = self.plan().and_then(|plan| plan.steps.get(step));
        let runs = known.into_iter().flat_map(|step| step.earlier.iter().chain(&step.run).chain(&step.undo));
        let ids: Vec<&str> = runs.map(|run| run.id.as_str()).collect();
        let name = |number: usize| match (undo, number) {
            (false, 0) => run_id(&self.lease.plan, step),
            (false, number) => format!("{}.{number}", run_id(&self.lease.plan, step)),
            (true, number) => format!("{}.u{}", run_id(&self.lease.plan, step), number + 1),
        };
        // One more than there are is free in any case.
        (0..ids.len()).map(name).find(|id| !ids.contains(&id.as_str())).unwrap_or_else(|| name(ids.len()))
    }

    /// Ends the plan: gives the lease back and writes all that waits, in one transaction. A
    /// plan that somebody else has taken over is not ended once more.
    pub(super) fn end(&mut self, body: impl Into<Body>) -> Result<()> {
        let body = with_room(body.into()).filter(|_| !self.lost);
        let draft = body.map(|body| self.draft(body));
        let drafts = self.waiting.iter().cloned().chain(draft).collect();
        let Lease { repository, target, plan, .. } = &self.lease;
        self.journal.release(self.clock.now(), repository, target, plan, drafts)?;
        self.waiting.clear();
        Ok(())
    }
}

/// What a record has room for: its longest texts are cut where it is too long. `None`: that does not help.
fn with_room(body: Body) -> Option<Body> {
    let Ok(json) = serde_json::to_string(&body) else { return Some(body) };
    if json.len() <= ROOM {
        return Some(body);
    }
    let mut value = serde_json::from_str(&json).ok()?;
    cut_texts(&mut value);
    let json = value.to_string();
    if json.len() <= ROOM { Body::known(body.kind(), &json) } else { None }
}

fn cut_texts(value: &mut serde_json::Value) {
    match value {
        serde_json::Value::String(text) => *text = cut(text, LONGEST, "… ", ""),
        serde_json::Value::Array(all) => all.iter_mut().for_each(cut_texts),
        serde_json::Value::Object(fields) => fields.values_mut().for_each(cut_texts),
        _ => {}
    }
}

/// Tells whether a run belongs to a plan. A wish that meant the step before stops the plan
/// all the same: it came from somebody who wanted it stopped.
fn is_run_of(run: &str, plan: &str) -> bool {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let Some(rest) = run.strip_prefix(plan).and_then(|rest| rest.strip_prefix('.')) else { return false };
    match rest.split_once('.') {
        None => is_number(rest),
        Some((step, again)) => is_number(step) && is_number(again.strip_prefix('u').unwrap_or(again)),
    }
}

/// The id of the first run of a step, counted from 0.
pub(super) fn run_id(plan: &str, step: usize) -> String {
    format!("{plan}.{step}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::incident::{Outcome, StepEnded};

    #[test]
    fn what_a_record_has_no_room_for_is_cut_and_its_end_stays() {
        let ended = |why: &str| StepEnded {
            plan: "deploy-1".into(),
            step: 0,
            run: "deploy-1.0".into(),
            outcome: Outcome::Failed { why: why.into() },
            summary: String::new(),
            survivors: Vec::new(),
            unproven: false,
            tail: Vec::new(),
        };
        assert_eq!(with_room(ended("it failed").into()), Some(ended("it failed").into()));
        let Some(Body::StepEnded(kept)) = with_room(ended(&"x".repeat(2 << 20)).into()) else {
            panic!("it ended nevertheless")
        };
        let Outcome::Failed { why } = &kept.outcome else { panic!("it failed nevertheless") };
        assert!(why.len() < 5_000 && why.contains("[cut here: 4000 of"), "{}", why.len());
        assert_eq!(kept.run, "deploy-1.0");
    }

    #[test]
    fn a_run_knows_its_plan() {
        for run in ["deploy-staging-1.0", "deploy-staging-1.0.2", "deploy-staging-1.10.u1"] {
            assert!(is_run_of(run, "deploy-staging-1"), "{run}");
        }
        for run in
            ["deploy-staging-1.", "deploy-staging-1.0.", "deploy-staging-1.0.u", "deploy-staging-1.0.1.2"]
        {
            assert!(!is_run_of(run, "deploy-staging-1"), "{run}");
        }
        assert!(!is_run_of(&run_id("deploy-staging-12", 0), "deploy-staging-1"));
        assert!(!is_run_of("deploy-staging-1.2", "deploy-staging-1.2"));
        assert!(!is_run_of("test-1.x", "test-1"));
    }
}
