//! Follows a plan from outside: a line a step on stderr, the result on stdout.

use std::cell::RefCell;
use std::time::{Duration, Instant};

use jiff::SignedDuration;

use super::End;
use super::context::Context;
use super::elsewhere::Asked;
use super::plan::show::{checked, choices};
use crate::conductor::{self, Chunk, LogReader, Plain};
use crate::deploy::extended;
use crate::failure::{Failure, FailureKind, Result};
use crate::incident::{
    Body, IncidentId, Outcome, PlanEnd, PlanEnded, PlanRun, Proof, Record, RecordId, RunWaiting, Spec,
    StepEnded, StepStarted, StepWaiting, Waits, WatchVerdict, duration,
};
use crate::journal::{Journal, Seq};
use crate::plan::{Action, stored};
use crate::text::visible;

/// How often the journal is looked at.
pub(super) const GLANCE: Duration = Duration::from_millis(100);
/// How often it is looked whether the conductor is still there.
pub(super) const CHECK: Duration = Duration::from_secs(1);
/// Lines of output shown of a command that went wrong.
const LINES: usize = 20;
/// Bytes from the end of its log in which they are looked for.
const TAIL: u64 = 32 << 10;

/// From where on a plan is followed.
#[derive(Clone, Copy)]
pub(super) struct From<'a> {
    /// A place in the journal before it.
    pub(super) seq: Seq,
    /// The record behind which it begins, if one is known.
    pub(super) after: Option<RecordId>,
    /// The plan as it stood then, where it was started before.
    pub(super) run: Option<&'a PlanRun>,
    /// What was asked of it, where another machine carries it out.
    pub(super) asked: Option<&'a RefCell<Asked<'a>>>,
}

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
    follow_on(cx, journal, incident, plan, From { seq, after: None, run: None, asked: None })
}

/// Follows a plan to its end, from somewhere on.
///
/// # Errors
/// The journal cannot be read; the plan goes on.
pub(super) fn follow_on(
    cx: &Context,
    journal: &mut Journal,
    incident: IncidentId,
    plan: &str,
    from: From<'_>,
) -> Result<End> {
    let From { mut seq, mut after, run, asked } = from;
    let mut next_check = Instant::now() + CHECK;
    let node = run.map_or(journal.author().node, |run| run.node);
    let (steps, then, begun, process) = (Vec::new(), None, None, None);
    let mut told = Told { cx, incident, plan, node, steps, then, begun, process };
    if let Some(run) = run {
        told.know(run.steps.iter().map(|step| step.title.clone()), &run.spec);
    }
    loop {
        if let Some(asked) = asked {
            asked.borrow_mut().tell();
        }
        let (records, reached) = journal.since(incident, seq)?;
        seq = reached;
        for record in &records {
            if let Some(last) = after {
                // What led to the decision was told when it was made.
                after = (record.id != last).then_some(last);
                continue;
            }
            if let Some(ended) = told.record(record) {
                told.watched_on(ended);
                return finish(cx, journal, incident, ended);
            }
            if matches!(&record.body, Body::StepWaiting(waiting) if told.waits(waiting)) {
                how_to_go_on(cx, journal, incident, plan);
            }
        }
        if Instant::now() >= next_check {
            next_check = Instant::now() + CHECK;
            conductor::reconcile(journal, &cx.state_dir, incident)?;
        }
        std::thread::sleep(GLANCE);
    }
}

/// Tells which verbs let a plan go on that waits. It is a courtesy: where it cannot be worked
/// out, `plan show` tells why.
fn how_to_go_on(cx: &Context, journal: &mut Journal, incident: IncidentId, plan: &str) {
    let Ok((log, _)) = journal.load(incident) else { return };
    let Some(run) = log.state().plan(plan) else { return };
    for line in choices(run, journal.author().node) {
        cx.out.tell(&format!("    {line}"));
    }
}

struct Told<'a> {
    cx: &'a Context,
    incident: IncidentId,
    plan: &'a str,
    /// The installation that carries it out: how it goes on is told by no other.
    node: u64,
    /// Title of each step, and what it does where that is no command.
    steps: Vec<(String, Option<String>)>,
    /// How long what it releases is watched on after it.
    then: Option<SignedDuration>,
    /// The run that is announced: its start is recorded twice, before and after.
    begun: Option<String>,
    /// A run, and the process of its command.
    process: Option<(String, u32)>,
}

impl Told<'_> {
    /// Takes note of the steps.
    fn know(&mut self, titles: impl Iterator<Item = String>, spec: &Spec) {
        let plan = stored::read(spec).ok().map(|recorded| recorded.plan);
        self.then = plan.iter().flat_map(|plan| &plan.steps).rev().find_map(|step| match &step.action {
            Action::Watch(watch) => watch.then,
            _ => None,
        });
        let line = |index: usize| match &plan.as_ref()?.steps.get(index)?.action {
            Action::Command(_) => None,
            action => Some(action.line()),
        };
        self.steps = titles.enumerate().map(|(index, title)| (title, line(index))).collect();
    }

    /// Tells what goes on after the plan.
    fn watched_on(&self, ended: &PlanEnded) {
        if let Some(time) = self.then.filter(|_| ended.end == PlanEnd::Done) {
            let (time, id) = (duration(time), extended::id(self.plan));
            let line =
                format!("  the extended watch goes on for {time}: flightdeck plan show {}", visible(&id));
            self.cx.out.tell(&line);
        }
    }

    fn waits(&self, waiting: &StepWaiting) -> bool {
        waiting.plan == self.plan && !waiting.why.is_empty()
    }

    /// Tells what a record says about the plan; returns its end.
    fn record<'r>(&mut self, record: &'r Record) -> Option<&'r PlanEnded> {
        let out = &self.cx.out;
        let who = visible(&record.author.name);
        match &record.body {
            body if record.author.node != self.node
                && !matches!(body, Body::PlanAsked(_) | Body::StopAsked(_)) => {}
            Body::PlanStarted(started) if started.plan == self.plan => {
                self.know(started.steps.iter().cloned(), &started.spec);
            }
            Body::StepStarted(StepStarted { plan, run, process: Some(process), .. })
                if plan == self.plan && self.begun.as_ref() == Some(run) =>
            {
                self.process = Some((run.clone(), process.pid));
            }
            Body::StepStarted(started)
                if started.plan == self.plan && self.begun.as_ref() != Some(&started.run) =>
            {
                self.begun = Some(started.run.clone());
                self.step_started(started);
            }
            Body::StepEnded(ended) if ended.plan == self.plan => self.step_ended(ended),
            Body::StepWaiting(waiting) if self.waits(waiting) => {
                let title = self.title(waiting.step);
                out.tell(&format!("‖ {title} waits: {}", visible(&waiting.why)));
            }
            Body::PipelineSeen(seen) if seen.plan == self.plan => {
                let note = if seen.note.is_empty() { String::new() } else { format!(" {}", seen.note) };
                let place = if seen.url.is_empty() { String::new() } else { format!(": {}", seen.url) };
                let line = format!("{} {}{note}{place}", seen.name, seen.state.word());
                out.tell(&format!("  {}", visible(&line)));
            }
            Body::RunWaiting(waiting) if self.is_of(&waiting.run) => self.run_waiting(waiting),
            Body::StepSkipped(skipped) if skipped.plan == self.plan => {
                let (title, reason) = (self.title(skipped.step), visible(&skipped.reason));
                out.tell(&format!("– {title} skipped by {}: {reason}", visible(&skipped.by)));
            }
            Body::PlanAsked(asked) if asked.plan == self.plan => {
                out.tell(&format!("• {who} decided: {}", asked.decision.name()));
            }
            Body::PlanResumed(resumed) if resumed.plan == self.plan => {
                out.tell(&format!("• {who} decided: {}", resumed.decision.name()));
            }
            Body::Proved(proved) if proved.plan == self.plan => {
                match (proved.proof, proved.undo) {
                    // It stands below the line of the step.
                    (Proof::Done, false) if !proved.why.is_empty() => {
                        out.tell(&format!("  proven: {}", visible(&proved.why)));
                    }
                    (Proof::Done, false) => out.tell("  proven"),
                    _ => {
                        let found = checked(proved.proof, proved.undo, &proved.why);
                        out.tell(&format!("  {}: {found}", self.title(proved.step)));
                    }
                }
            }
            Body::Released(released) if released.plan == self.plan => {
                let short = released.commit.get(..7).unwrap_or(&released.commit);
                let back = if released.rollback { "back " } else { "" };
                out.tell(&format!("⇒ {} is {back}on {}", visible(&released.environment), visible(short)));
            }
            Body::ReleaseJudged(judged) if judged.plan == self.plan => {
                // What passed was told with its step.
                let why = match judged.verdict {
                    WatchVerdict::Passed => String::new(),
                    _ => format!(": {}", visible(&judged.why)),
                };
                let environment = visible(&judged.environment);
                out.tell(&format!("⇒ watch of {environment}: {}{why}", judged.verdict.name()));
            }
            Body::StopAsked(asked) if self.is_of(&asked.run) => {
                out.tell(&format!("■ {who} asked for a stop"));
            }
            Body::Signalled(sent) if self.is_of(&sent.run) => {
                out.tell(&format!("■ sent {}", visible(&sent.signal)));
            }
            Body::PlanEnded(ended) if ended.plan == self.plan => return Some(ended),
            _ => {}
        }
        None
    }

    fn is_of(&self, run: &str) -> bool {
        run.strip_prefix(self.plan).is_some_and(|rest| rest.starts_with('.'))
    }

    fn title(&self, step: usize) -> std::borrow::Cow<'_, str> {
        visible(self.steps.get(step).map_or(self.plan, |(title, _)| title.as_str()))
    }

    fn step_started(&self, started: &StepStarted) {
        let title = self.title(started.step);
        let line = self.steps.get(started.step).and_then(|(_, line)| line.as_ref());
        let what = match line {
            _ if started.undo => format!("↶ undoing {title}"),
            Some(line) if visible(line) == title => format!("▶ {title}"),
            Some(line) => format!("▶ {title}: {}", visible(line)),
            None => format!("▶ {title}  (flightdeck run attach {})", visible(&started.run)),
        };
        self.cx.out.tell(&what);
    }

    /// Tells what a command waits for, since when and for how long, and how that is answered.
    fn run_waiting(&self, waiting: &RunWaiting) {
        let out = &self.cx.out;
        let run = visible(&waiting.run);
        let step =
            waiting.run.get(self.plan.len() + 1..).and_then(|rest| rest.split('.').next()?.parse().ok());
        let title = step.map_or(run.clone(), |step| self.title(step));
        let Some(waits) = &waiting.waits else { return out.tell(&format!("▶ {title} resumed")) };
        let pid = self.process.as_ref().filter(|(run, _)| *run == waiting.run).map(|(_, pid)| *pid);
        match &waits.question {
            Some(question) => out.tell(&format!("‖ {title} asks: {}", visible(question))),
            None => out.tell(&format!("‖ {title} has printed nothing for a while and may hang")),
        }
        out.tell(&format!("    {}", about_waiting(waits, pid)));
        for line in how_to_answer(&waiting.run, waits) {
            out.tell(&format!("    {line}"));
        }
    }

    fn step_ended(&self, ended: &StepEnded) {
        let out = &self.cx.out;
        let glyph = if ended.outcome.succeeded() { '✓' } else { '✗' };
        // The figures of a watch are for whoever looks closer: `plan show` has them.
        let summary = ended.outcome.found(&ended.summary);
        let dash = if summary.is_empty() { "" } else { " — " };
        let summary = visible(summary);
        let title = self.title(ended.step);
        out.tell(&format!("{glyph} {title} {}{dash}{summary}", words(&ended.outcome)));
        for survivor in &ended.survivors {
            out.tell(&format!("  {}: pid {}", ended.survivors_are(), visible(survivor)));
        }
        if !ended.outcome.succeeded() {
            let here = last_lines(self.cx, self.incident, &ended.run);
            // Of what ran on another machine there is no log here.
            for line in if here.is_empty() { &ended.tail } else { &here } {
                out.tell(&format!("  │ {}", visible(line)));
            }
        }
    }
}

/// Since when a command waits, how long it may, and which process that is.
pub(super) fn about_waiting(waits: &Waits, pid: Option<u32>) -> String {
    let since = format!("since {}", waits.since.strftime("%H:%M:%S UTC"));
    let until = waits.until.map(|at| format!("stopped at {} (its time limit)", at.strftime("%H:%M:%S UTC")));
    let pid = pid.map(|pid| format!("process {pid}"));
    [Some(since), until, pid].into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// What can be done about a command that waits, a line each.
pub(super) fn how_to_answer(run: &str, waits: &Waits) -> Vec<String> {
    let run = visible(run);
    let attach = match waits.question {
        Some(_) => format!("flightdeck run attach {run}  answers it"),
        None => format!("flightdeck run attach {run}  shows what it printed last"),
    };
    vec![attach, format!("flightdeck run stop {run}  ends it")]
}

/// How a command ended, in words.
pub(super) fn words(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Exited { code } => format!("exited {code}"),
        Outcome::Signalled { signal } => format!("was killed by signal {signal}"),
        Outcome::DidNotStart { why } => format!("did not start: {}", visible(why)),
        Outcome::Unknown { why } => format!("has an unknown outcome: {}", visible(why)),
        Outcome::Met => "is done".to_owned(),
        Outcome::NotMet { why } | Outcome::Failed { why } => format!("failed: {}", visible(why)),
        Outcome::Interrupted { why } => format!("was interrupted: {}", visible(why)),
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
pub(super) fn finish(
    cx: &Context,
    journal: &mut Journal,
    incident: IncidentId,
    ended: &PlanEnded,
) -> Result<End> {
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
            cx.out.line(&format!("{plan}: stopped: {why}"))?;
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
            cx.out.tell(&checked(proved.proof, proved.undo, &proved.why));
        }
    }
}

fn told(cx: &Context, failure: &Failure) -> Vec<Record> {
    cx.out.failure(failure);
    Vec::new()
}
