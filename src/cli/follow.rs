//! Follows a plan from outside: a line a step on stderr, the result on stdout.

use std::time::{Duration, Instant};

use super::End;
use super::context::Context;
use crate::conductor::{self, Chunk, LogReader, Plain};
use crate::failure::{Failure, FailureKind, Result};
use crate::incident::{Body, IncidentId, Outcome, PlanEnd, PlanEnded, Proof, Record, StepEnded};
use crate::journal::{Journal, Seq};
use crate::text::visible;

/// How often the journal is looked at.
pub(super) const GLANCE: Duration = Duration::from_millis(100);
/// How often it is looked whether the conductor is still there.
pub(super) const CHECK: Duration = Duration::from_secs(1);
/// Lines of output shown of a command that went wrong.
const LINES: usize = 20;
/// Bytes from the end of its log in which they are looked for.
const TAIL: u64 = 32 << 10;

/// Follows a plan to its end. `seq` is a place in the journal before its start.
///
/// # Errors
/// The journal cannot be read; the plan goes on.
pub(super) fn follow(
    cx: &Context,
    journal: &mut Journal,
    incident: IncidentId,
    plan: &str,
    seq: Seq,
) -> Result<End> {
    let mut seq = seq;
    let mut next_check = Instant::now() + CHECK;
    let mut told = Told { cx, incident, plan, steps: Vec::new(), begun: None };
    loop {
        let (records, reached) = journal.since(incident, seq)?;
        seq = reached;
        for record in &records {
            if let Some(ended) = told.record(record) {
                return finish(cx, journal, incident, ended);
            }
        }
        if Instant::now() >= next_check {
            next_check = Instant::now() + CHECK;
            conductor::reconcile(journal, &cx.state_dir, incident)?;
        }
        std::thread::sleep(GLANCE);
    }
}

struct Told<'a> {
    cx: &'a Context,
    incident: IncidentId,
    plan: &'a str,
    /// Titles of the steps.
    steps: Vec<String>,
    /// The run that is announced: its start is recorded twice, before and after.
    begun: Option<String>,
}

impl Told<'_> {
    /// Tells what a record says about the plan; returns its end.
    fn record<'r>(&mut self, record: &'r Record) -> Option<&'r PlanEnded> {
        match &record.body {
            Body::PlanStarted(started) if started.plan == self.plan => self.steps.clone_from(&started.steps),
            Body::StepStarted(started)
                if started.plan == self.plan && self.begun.as_ref() != Some(&started.run) =>
            {
                self.begun = Some(started.run.clone());
                let (title, run) = (self.title(started.step), visible(&started.run));
                self.cx.out.tell(&format!("▶ {title}  (flightdeck run attach {run})"));
            }
            Body::StepEnded(ended) if ended.plan == self.plan => self.step_ended(ended),
            Body::StopAsked(asked) if asked.run.starts_with(self.plan) => {
                self.cx.out.tell(&format!("■ {} asked for a stop", visible(&record.author.name)));
            }
            Body::Signalled(sent) if sent.run.starts_with(self.plan) => {
                self.cx.out.tell(&format!("■ sent {}", visible(&sent.signal)));
            }
            Body::PlanEnded(ended) if ended.plan == self.plan => return Some(ended),
            _ => {}
        }
        None
    }

    fn title(&self, step: usize) -> std::borrow::Cow<'_, str> {
        visible(self.steps.get(step).map_or(self.plan, String::as_str))
    }

    fn step_ended(&self, ended: &StepEnded) {
        let out = &self.cx.out;
        let glyph = if ended.outcome.succeeded() { '✓' } else { '✗' };
        let dash = if ended.summary.is_empty() { "" } else { " — " };
        let summary = visible(&ended.summary);
        let title = self.title(ended.step);
        out.tell(&format!("{glyph} {title} {}{dash}{summary}", words(&ended.outcome)));
        for survivor in &ended.survivors {
            out.tell(&format!("  still running: {}", visible(survivor)));
        }
        if !ended.outcome.succeeded() {
            for line in last_lines(self.cx, self.incident, &ended.run) {
                out.tell(&format!("  │ {line}"));
            }
        }
    }
}

/// How a command ended, in words.
pub(super) fn words(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Exited { code } => format!("exited {code}"),
        Outcome::Signalled { signal } => format!("was killed by signal {signal}"),
        Outcome::DidNotStart { why } => format!("did not start: {}", visible(why)),
        Outcome::Unknown { why } => format!("has an unknown end: {}", visible(why)),
        Outcome::Met => "is done".to_owned(),
        Outcome::NotMet { why } => format!("failed: {}", visible(why)),
        Outcome::Interrupted { why } => format!("was broken off: {}", visible(why)),
    }
}

/// The end of a run's output. A log that is not here has none.
fn last_lines(cx: &Context, incident: IncidentId, run: &str) -> Vec<String> {
    let dir = conductor::log_dir(&cx.state_dir, incident, run);
    let from = LogReader::open(&dir, 0).map_or(0, |log| log.len().saturating_sub(TAIL));
    let Ok(mut log) = LogReader::open(&dir, from) else { return Vec::new() };
    let mut plain = Plain::new(false);
    let mut text = String::new();
    while let Ok(Some(chunk)) = log.read(TAIL as usize) {
        if let Chunk::Bytes(bytes) = chunk {
            text.push_str(&plain.feed(&bytes));
        }
    }
    text.push_str(&plain.finish());
    let lines: Vec<_> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    lines.iter().skip(lines.len().saturating_sub(LINES)).map(|&line| line.to_owned()).collect()
}

/// Prints the result of a plan and says how the verb ends.
fn finish(cx: &Context, journal: &mut Journal, incident: IncidentId, ended: &PlanEnded) -> Result<End> {
    let plan = visible(&ended.plan);
    let why = visible(&ended.why);
    match ended.end {
        PlanEnd::Done => {
            cx.out.line(&format!("{plan}: done"))?;
            Ok(End::Done)
        }
        PlanEnd::Failed => {
            cx.out.line(&format!("{plan}: failed: {why}"))?;
            Ok(End::Bad(FailureKind::Failed))
        }
        PlanEnd::Cancelled => {
            cx.out.line(&format!("{plan}: cancelled: {why}"))?;
            Ok(End::Bad(FailureKind::Failed))
        }
        PlanEnd::Unknown => {
            cx.out.line(&format!("{plan}: outcome unknown: {why}"))?;
            ask(cx, journal, incident, &ended.plan);
            Ok(End::Bad(FailureKind::Unknown))
        }
    }
}

/// Asks the world what became of a plan of unknown outcome, and tells what it says.
fn ask(cx: &Context, journal: &mut Journal, incident: IncidentId, plan: &str) {
    // A plan of another machine has nothing that may be run here; that is no failure of this.
    for record in conductor::prove(journal, incident, plan).unwrap_or_else(|failure| told(cx, &failure)) {
        if let Body::Proved(proved) = &record.body {
            let answer = match proved.proof {
                Proof::Done => "it is done",
                Proof::NotDone => "it is not done",
                Proof::Unknown => "that cannot be found out",
            };
            cx.out.tell(&format!("proof: {answer} ({})", visible(&proved.why)));
        }
    }
}

fn told(cx: &Context, failure: &Failure) -> Vec<Record> {
    cx.out.failure(failure);
    Vec::new()
}
